#include "ntlm/ntlm.h"

#include "ntlm/context.h"

/* Values as Windows 10 and 11 report them. */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_PRIVACY | SECPKG_FLAG_TOKEN_ONLY | SECPKG_FLAG_CONNECTION |                   \
     SECPKG_FLAG_MULTI_REQUIRED | SECPKG_FLAG_IMPERSONATION | SECPKG_FLAG_ACCEPT_WIN32_NAME | SECPKG_FLAG_NEGOTIABLE | \
     SECPKG_FLAG_LOGON | SECPKG_FLAG_RESTRICTED_TOKENS | SECPKG_FLAG_APPCONTAINER_CHECKS | SECPKG_FLAG_APPLY_LOOPBACK)

const struct package ntlm_package = {
    .name = "NTLM",
    .comment = "NTLM Security Package",
    .capabilities = CAPABILITIES,
    .rpc_id = 10, /* RPC_C_AUTHN_WINNT */
    .max_token = NTLM_MAX_TOKEN,

    .acquire = ntlm_acquire,
    .release = ntlm_release,
    .query_credential = ntlm_query_credential,
    .set_credential = ntlm_set_credential,

    .initiate = ntlm_initiate,
    .accept = ntlm_accept,

    .sign = ntlm_sign,
    .verify = ntlm_verify,
    .seal = ntlm_seal,
    .unseal = ntlm_unseal,

    .query = ntlm_query,
    .export_context = ntlm_export,
    .import_context = ntlm_import,
    .mech_list_mic = ntlm_mech_list_mic,
    .mech_list_mic_done = ntlm_mech_list_mic_done,
    .impersonate = ntlm_impersonate,

    .dispose = ntlm_dispose,
};
