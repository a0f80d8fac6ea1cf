#include "digest/digest.h"

#include "digest/context.h"

/* Values as Windows 10 and 11 report them. */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_TOKEN_ONLY | SECPKG_FLAG_IMPERSONATION | SECPKG_FLAG_ACCEPT_WIN32_NAME |                              \
     SECPKG_FLAG_APPCONTAINER_CHECKS)

#define SLOTS                                                                                                          \
    .comment = "Digest Authentication for Windows", .capabilities = CAPABILITIES,                                      \
    .rpc_id = 21, /* RPC_C_AUTHN_DIGEST */                                                                             \
        .max_token = DIGEST_MAX_TOKEN, .acquire = digest_acquire, .release = digest_release,                           \
    .query_credential = digest_query_credential, .set_credential = digest_set_credential, .initiate = digest_initiate, \
    .accept = digest_accept, .complete = digest_complete, .sign = digest_sign, .verify = digest_verify,                \
    .seal = digest_seal, .unseal = digest_unseal, .query = digest_query, .impersonate = digest_impersonate,            \
    .export_context = digest_export, .import_context = digest_import, .exported = digest_exported,                     \
    .set_sasl_option = digest_set_sasl_option, .get_sasl_option = digest_get_sasl_option, .dispose = digest_dispose

const struct package digest_package = {.name = "WDigest", SLOTS};
const struct package digest_alias = {.name = "Digest", .alias_of = "WDigest", .unlisted = true, SLOTS};
