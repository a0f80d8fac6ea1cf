#include "schannel/schannel_package.h"

#include "schannel/context.h"
#include "schannel/export.h"
#include "schannel/mapping.h"

/* Values as Windows 10 and 11 report them (windows-behaviour G14). */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_PRIVACY | SECPKG_FLAG_CONNECTION | SECPKG_FLAG_MULTI_REQUIRED |               \
     SECPKG_FLAG_EXTENDED_ERROR | SECPKG_FLAG_IMPERSONATION | SECPKG_FLAG_ACCEPT_WIN32_NAME | SECPKG_FLAG_STREAM |     \
     SECPKG_FLAG_MUTUAL_AUTH | SECPKG_FLAG_APPCONTAINER_PASSTHROUGH)

#define UNISP "Microsoft Unified Security Protocol Provider"

#define PACKAGE(package_name, package_comment, package_alias_of)                                                       \
    {                                                                                                                  \
        .name = (package_name), .comment = (package_comment), .alias_of = (package_alias_of),                          \
        .capabilities = CAPABILITIES, .rpc_id = 14, /* RPC_C_AUTHN_GSS_SCHANNEL */                                     \
            .max_token = SCHANNEL_MAX_TOKEN, .acquire = schannel_acquire, .release = schannel_release,                 \
        .query_credential = schannel_query_credential, .initiate = schannel_initiate, .accept = schannel_accept,       \
        .apply_token = schannel_apply_token, .seal = schannel_seal, .unseal = schannel_unseal,                         \
        .query = schannel_query, .set = schannel_set, .impersonate = schannel_impersonate,                             \
        .export_context = schannel_export, .exported = schannel_exported, .import_context = schannel_import,           \
        .dispose = schannel_dispose,                                                                                   \
    }

const struct package schannel_package = PACKAGE(UNISP, UNISP, NULL);
const struct package schannel_package_alias = PACKAGE("Schannel", "Schannel Security Package", UNISP);
const struct package schannel_package_default = PACKAGE("Default TLS SSP", "Schannel Security Package", UNISP);
