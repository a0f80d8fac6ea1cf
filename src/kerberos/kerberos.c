#include "kerberos/kerberos.h"

#include "kerberos/context.h"

/* Values as Windows 10 and 11 report them. */
#define CAPABILITIES                                                                                                   \
    (SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_PRIVACY | SECPKG_FLAG_TOKEN_ONLY | SECPKG_FLAG_DATAGRAM |                     \
     SECPKG_FLAG_CONNECTION | SECPKG_FLAG_MULTI_REQUIRED | SECPKG_FLAG_EXTENDED_ERROR | SECPKG_FLAG_IMPERSONATION |    \
     SECPKG_FLAG_ACCEPT_WIN32_NAME | SECPKG_FLAG_NEGOTIABLE | SECPKG_FLAG_GSS_COMPATIBLE | SECPKG_FLAG_LOGON |         \
     SECPKG_FLAG_MUTUAL_AUTH | SECPKG_FLAG_DELEGATION | SECPKG_FLAG_READONLY_WITH_CHECKSUM |                           \
     SECPKG_FLAG_RESTRICTED_TOKENS | SECPKG_FLAG_APPCONTAINER_CHECKS | SECPKG_FLAG_APPLY_LOOPBACK)

const struct package kerberos_package = {
    .name = "Kerberos",
    .comment = "Microsoft Kerberos V1.0",
    .capabilities = CAPABILITIES,
    .rpc_id = 16, /* RPC_C_AUTHN_GSS_KERBEROS */
    .max_token = KERBEROS_MAX_TOKEN,

    .acquire = kerberos_acquire,
    .release = kerberos_release,
    .query_credential = kerberos_query_credential,
    .set_credential = kerberos_set_credential,
    .add = kerberos_add,

    .initiate = kerberos_initiate,
    .accept = kerberos_accept,

    .sign = kerberos_sign,
    .verify = kerberos_verify,
    .seal = kerberos_seal,
    .unseal = kerberos_unseal,

    .query = kerberos_query,
    .export_context = kerberos_export,
    .import_context = kerberos_import,
    .mech_list_mic = kerberos_mech_list_mic,
    .impersonate = kerberos_impersonate,
    .log_on = kerberos_log_on,
    .list_tickets = kerberos_list_tickets,
    .machine_account = kerberos_machine_account,
    .change_password = kerberos_change_password,

    .dispose = kerberos_dispose,
};
