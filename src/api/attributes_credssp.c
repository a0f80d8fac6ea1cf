/* The structs of CredSSP's attributes (credssp.h). */
#pragma GCC visibility push(default)
#include "windows.h"

#include "credssp.h"
#include "wincrypt.h"
#pragma GCC visibility pop

#include "api/layout.h"

/* What the client delegated: FreeContextBuffer, which wipes it. */
static SECURITY_STATUS lay_client_creds(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgContext_ClientCreds *)out =
        (SecPkgContext_ClientCreds){.AuthBufferLen = (ULONG)value->bytes.size, .AuthBuffer = block};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_trust(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(CERT_TRUST_STATUS *)out = (CERT_TRUST_STATUS){.dwErrorStatus = value->validation.chain_errors};
    return SEC_E_OK;
}

/* No document says what the types are: a name and a password, which is what a session is made of, have CredSSP's number. */
static SECURITY_STATUS lay_credential_name(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *text;
    TRY(layout_text(value->name, wide, &text));
    *(SecPkgContext_CredentialNameW *)out =
        (SecPkgContext_CredentialNameW){.CredentialType = CredsspPasswordCreds, .sCredentialName = text};
    return SEC_E_OK;
}

const struct layout layout_credssp_context[] = {
    {SECPKG_ATTR_CREDENTIAL_NAME, sizeof(SecPkgContext_CredentialNameW), lay_credential_name, NULL},
    {SECPKG_ATTR_CREDS, sizeof(SecPkgContext_ClientCreds), lay_client_creds, NULL},
    {SECPKG_ATTR_CREDS_2, sizeof(SecPkgContext_ClientCreds), lay_client_creds, NULL},
    {SECPKG_ATTR_NEGOTIATION_PACKAGE, sizeof(SecPkgContext_PackageInfoW), layout_package_info, NULL},
    {SECPKG_ATTR_SERVER_AUTH_FLAGS, sizeof(SecPkgContext_Flags), layout_number, NULL},
    {SECPKG_ATTR_CERT_TRUST_STATUS, sizeof(CERT_TRUST_STATUS), lay_trust, NULL},
    {SECPKG_ATTR_C_ACCESS_TOKEN, sizeof(SecPkgContext_AccessToken), layout_access_token, NULL},
    {SECPKG_ATTR_C_FULL_ACCESS_TOKEN, sizeof(SecPkgContext_AccessToken), layout_access_token, NULL},
    {SECPKG_ATTR_C_FULL_IDENT_TOKEN, sizeof(SecPkgContext_AccessToken), layout_access_token, NULL},
};
const size_t layout_credssp_context_count = sizeof layout_credssp_context / sizeof layout_credssp_context[0];
