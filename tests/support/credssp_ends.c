#include "support/credssp_ends.h"

#include "sspi_ext.h"
#include "support/pair.h"

static SEC_CHAR package[] = CREDSSP_NAME_A;
static WCHAR user[] = {'U', 's', 'e', 'r', 0};
static WCHAR domain[] = {'D', 'o', 'm', 'a', 'i', 'n', 0};
static WCHAR password[] = {'P', 'a', 's', 's', 'w', 'o', 'r', 'd', 0};

SEC_WINNT_AUTH_IDENTITY_W credssp_ends_identity = {
    .User = (void *)user,
    .UserLength = 4,
    .Domain = (void *)domain,
    .DomainLength = 6,
    .Password = (void *)password,
    .PasswordLength = 8,
    .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
};

static SCHANNEL_CRED channel(DWORD protocols)
{
    return (SCHANNEL_CRED){.dwVersion = SCHANNEL_CRED_VERSION, .grbitEnabledProtocols = protocols};
}

SECURITY_STATUS credssp_ends_server(struct ends *ends, DWORD protocols)
{
    PCCERT_CONTEXT certificate = ends_certificate();
    SCHANNEL_CRED tls = channel(protocols);
    tls.cCreds = 1;
    tls.paCred = &certificate;
    CREDSSP_CRED cred = {CredsspPasswordCreds, &tls, NULL};
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, &cred, NULL, NULL,
                                                       &ends->credentials[END_SERVER], NULL);
    if (status != SEC_E_OK) {
        return status;
    }
    ends->has_credential[END_SERVER] = true;
    return SspiExtSetVerifier(&ends->credentials[END_SERVER], pair_verify, (void *)(uintptr_t)pair_nt_hash);
}

SECURITY_STATUS credssp_ends_client(struct ends *ends, DWORD protocols, const void *cred)
{
    SCHANNEL_CRED tls = channel(protocols);
    CREDSSP_CRED usual = {CredsspPasswordCreds, &tls, &credssp_ends_identity};
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL,
                                                       cred != NULL ? (void *)(uintptr_t)cred : &usual, NULL, NULL,
                                                       &ends->credentials[END_CLIENT], NULL);
    ends->has_credential[END_CLIENT] = ends->has_credential[END_CLIENT] || status == SEC_E_OK;
    ends->request[END_CLIENT] = ISC_REQ_DELEGATE;
    ends->target = "TERMSRV/server";
    return status;
}

SECURITY_STATUS credssp_ends_acquire(struct ends *ends, DWORD protocols, const CREDSSP_CRED *spnego)
{
    SECURITY_STATUS status = credssp_ends_client(ends, protocols, spnego);
    return status != SEC_E_OK ? status : credssp_ends_server(ends, protocols);
}
