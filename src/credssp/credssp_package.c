#include "credssp/credssp_package.h"

#include "credssp/context.h"

/* Values as Windows 10 and 11 report them. */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_PRIVACY | SECPKG_FLAG_CONNECTION | SECPKG_FLAG_MULTI_REQUIRED |               \
     SECPKG_FLAG_IMPERSONATION | SECPKG_FLAG_ACCEPT_WIN32_NAME | SECPKG_FLAG_STREAM | SECPKG_FLAG_MUTUAL_AUTH |        \
     SECPKG_FLAG_APPCONTAINER_CHECKS)

const struct package credssp_package = {
    .name = "CREDSSP",
    .comment = "Microsoft CredSSP Security Provider",
    .capabilities = CAPABILITIES,
    .rpc_id = SECPKG_ID_NONE,
    .max_token = CREDSSP_MAX_TOKEN,

    .acquire = credssp_acquire,
    .release = credssp_release,
    .query_credential = credssp_query_credential,
    .set_credential = credssp_set_credential,

    .initiate = credssp_initiate,
    .accept = credssp_accept,
    .apply_token = credssp_apply_token,

    .seal = credssp_seal,
    .unseal = credssp_unseal,

    .query = credssp_query,
    .set = credssp_set,
    .export_context = credssp_export,
    .import_context = credssp_import,
    .exported = credssp_exported,
    .impersonate = credssp_impersonate,

    .dispose = credssp_dispose,
};
