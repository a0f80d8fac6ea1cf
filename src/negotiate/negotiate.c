#include "negotiate/negotiate.h"

#include "negotiate/context.h"

/* Values as Windows 10 and 11 report them. */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_PRIVACY | SECPKG_FLAG_CONNECTION | SECPKG_FLAG_MULTI_REQUIRED |               \
     SECPKG_FLAG_EXTENDED_ERROR | SECPKG_FLAG_IMPERSONATION | SECPKG_FLAG_ACCEPT_WIN32_NAME | SECPKG_FLAG_NEGOTIABLE | \
     SECPKG_FLAG_GSS_COMPATIBLE | SECPKG_FLAG_LOGON | SECPKG_FLAG_RESTRICTED_TOKENS | SECPKG_FLAG_APPCONTAINER_CHECKS)

const struct package negotiate_package = {
    .name = "Negotiate",
    .comment = "Microsoft Package Negotiator",
    .capabilities = CAPABILITIES,
    .rpc_id = 9, /* RPC_C_AUTHN_GSS_NEGOTIATE */
    .max_token = NEGOTIATE_MAX_TOKEN,

    .acquire = negotiate_acquire,
    .release = negotiate_release,
    .query_credential = negotiate_query_credential,
    .set_credential = negotiate_set_credential,
    .add = negotiate_add,

    .initiate = negotiate_initiate,
    .accept = negotiate_accept,

    .sign = negotiate_sign,
    .verify = negotiate_verify,
    .seal = negotiate_seal,
    .unseal = negotiate_unseal,

    .query = negotiate_query,
    .set = negotiate_set,
    .export_context = negotiate_export,
    .import_context = negotiate_import,
    .impersonate = negotiate_impersonate,

    .dispose = negotiate_dispose,
};
