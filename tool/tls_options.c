#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/secret.h"
#include "command.h"
#include "login.h"
#include "terminal.h"
#include "tls.h"

#include "credssp.h"
#include "sspi_ext.h"

enum option_key {
    OPTION_ROOTS = 1024,
    OPTION_INSECURE,
    OPTION_REVOCATION,
    OPTION_CERTIFICATE,
    OPTION_KEY,
    OPTION_KEY_PASSWORD_FD,
    OPTION_VERSION,
    OPTION_CLIENT_CERTIFICATE,
};

#define OWN_OPTIONS                                                                                                    \
    {"key-password-fd", OPTION_KEY_PASSWORD_FD, "N", 0, "read the key's password from file descriptor N", 0},          \
    {                                                                                                                  \
        "tls-version", OPTION_VERSION, "LIST", 0,                                                                      \
            "versions to speak, of 1.0, 1.1, 1.2 and 1.3, separated by commas (default: 1.2,1.3)", 0                   \
    }

static const struct argp_option client_options[] = {
    {"roots", OPTION_ROOTS, "FILE", 0, "trust the certificates in this file, and no others", 0},
    {"insecure", OPTION_INSECURE, NULL, 0, "let any certificate pass: you do not know who it is", 0},
    {"revocation", OPTION_REVOCATION, NULL, 0, "refuse certificates that are revoked, or of which nothing is known", 0},
    {"cert", OPTION_CERTIFICATE, "FILE", 0, "show this certificate to a server that asks (PEM, PKCS#12)", 0},
    {"key", OPTION_KEY, "FILE", 0, "its private key, or a pkcs11: URI (default: in the same file)", 0},
    OWN_OPTIONS,
    {0},
};

static const struct argp_option server_options[] = {
    {"cert", OPTION_CERTIFICATE, "FILE", 0, "the server's certificate and those between it and a root (PEM, PKCS#12)",
     0},
    {"key", OPTION_KEY, "FILE", 0, "its private key, or a pkcs11: URI (default: in the same file)", 0},
    {"client-cert", OPTION_CLIENT_CERTIFICATE, "WHETHER", 0, "ask clients for a certificate: optional or required", 0},
    {"roots", OPTION_ROOTS, "FILE", 0, "whose certificates clients may have (default: the system's roots)", 0},
    {"revocation", OPTION_REVOCATION, NULL, 0, "refuse certificates that are revoked, or of which nothing is known", 0},
    OWN_OPTIONS,
    {0},
};

static void parse_versions(struct tls_options *options, const char *list, const struct argp_state *state)
{
    static const struct {
        const char *name;
        DWORD protocols;
    } versions[] = {
        {"1.0", SP_PROT_TLS1_0},
        {"1.1", SP_PROT_TLS1_1},
        {"1.2", SP_PROT_TLS1_2},
        {"1.3", SP_PROT_TLS1_3},
    };
    AUTO_FREE char *copy = need(strdup(list));
    char *rest = NULL;
    options->protocols = 0;
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        DWORD found = 0;
        for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
            found |= strcmp(versions[i].name, name) == 0 ? versions[i].protocols : 0;
        }
        if (found == 0) {
            argp_error(state, "--tls-version knows 1.0, 1.1, 1.2 and 1.3, not '%s'", name);
        }
        options->protocols |= found;
    }
    if (options->protocols == 0) {
        argp_error(state, "--tls-version names none");
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct tls_options *options = state->input;
    struct login login = LOGIN_NONE;
    switch (key) {
    case OPTION_ROOTS:
        options->roots = argument;
        return 0;
    case OPTION_INSECURE:
        options->insecure = true;
        return 0;
    case OPTION_REVOCATION:
        options->revocation = true;
        return 0;
    case OPTION_CERTIFICATE:
        options->certificate = argument;
        return 0;
    case OPTION_KEY:
        options->key = argument;
        return 0;
    case OPTION_KEY_PASSWORD_FD:
        (void)login_password_option(&login, argument, state);
        options->key_password_fd = login.password_fd;
        return 0;
    case OPTION_VERSION:
        parse_versions(options, argument, state);
        return 0;
    case OPTION_CLIENT_CERTIFICATE:
        options->wants_certificate = true;
        options->needs_certificate = strcmp(argument, "required") == 0;
        if (!options->needs_certificate && strcmp(argument, "optional") != 0) {
            argp_error(state, "--client-cert is optional or required, not '%s'", argument);
        }
        return 0;
    case ARGP_KEY_END:
        if (options->key != NULL && options->certificate == NULL) {
            argp_error(state, "--key wants --cert");
        }
        if (options->insecure && (options->roots != NULL || options->revocation)) {
            argp_error(state, "--insecure asks no roots and no lists");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp tls_client_argp = {.options = client_options, .parser = parse_option};
const struct argp tls_server_argp = {.options = server_options, .parser = parse_option};

static int load_certificate(struct tls_credential *credential)
{
    const struct tls_options *options = credential->options;
    struct login secret = {.password_fd = options->key_password_fd};
    if (options->certificate == NULL) {
        return EXIT_DONE;
    }
    if (options->key_password_fd >= 0 && !login_password(&secret, "", false)) {
        return EXIT_USAGE;
    }
    SECURITY_STATUS status =
        SspiExtCertFromFiles(options->certificate, options->key, secret.password, &credential->certificate);
    const char *why = status == SEC_E_OK ? NULL : last_reason();
    login_free(&secret);
    if (status != SEC_E_OK) {
        complain_reason(options->key != NULL ? options->key : options->certificate, status, why);
        return EXIT_ERROR;
    }
    return EXIT_DONE;
}

static int load_roots(struct tls_credential *credential)
{
    const char *path = credential->options->roots;
    if (path == NULL) {
        return EXIT_DONE;
    }
    credential->roots = CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, CERT_STORE_READONLY_FLAG, path);
    PCCERT_CONTEXT first = credential->roots != NULL ? CertEnumCertificatesInStore(credential->roots, NULL) : NULL;
    if (first == NULL) {
        complain("%s: no certificates can be read there", path);
        return EXIT_ERROR;
    }
    CertFreeCertificateContext(first);
    return EXIT_DONE;
}

/* TLS alone, or CredSSP around it. */
static SECURITY_STATUS acquire(struct tls_credential *credential, SCHANNEL_CRED *description)
{
    const struct tls_options *options = credential->options;
    const struct login *login = options->login;
    ULONG use = credential->server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND;
    TimeStamp expiry;
    if (!options->credssp) {
        return AcquireCredentialsHandleA(NULL, (char *)UNISP_NAME_A, use, NULL, description, NULL, NULL,
                                         &credential->handle, &expiry);
    }
    bool named = !credential->server && login != NULL && login->user != NULL;
    SEC_WINNT_AUTH_IDENTITY_A identity = named ? login_identity(login) : (SEC_WINNT_AUTH_IDENTITY_A){0};
    CREDSSP_CRED cred = {CredsspPasswordCreds, description, named ? &identity : NULL};
    return AcquireCredentialsHandleA(NULL, (char *)CREDSSP_NAME_A, use, NULL, &cred, NULL, NULL, &credential->handle,
                                     &expiry);
}

int tls_credential_open(struct tls_credential *credential, const struct tls_options *options, bool server)
{
    SCHANNEL_CRED description = {.dwVersion = SCHANNEL_CRED_VERSION};
    *credential = (struct tls_credential){.options = options, .server = server};
    int code = load_certificate(credential);
    if (code == EXIT_DONE) {
        code = load_roots(credential);
    }
    if (code != EXIT_DONE) {
        tls_credential_close(credential);
        return code;
    }
    description.cCreds = credential->certificate != NULL ? 1 : 0;
    description.paCred = credential->certificate != NULL ? &credential->certificate : NULL;
    description.hRootStore = credential->roots;
    DWORD protocols = options->protocols != 0 ? options->protocols : SP_PROT_TLS1_2 | SP_PROT_TLS1_3;
    if (options->datagram) {
        protocols = ((protocols & SP_PROT_TLS1_2) != 0 ? SP_PROT_DTLS1_2_CLIENT : 0) |
                    ((protocols & (SP_PROT_TLS1_0 | SP_PROT_TLS1_1)) != 0 ? SP_PROT_DTLS1_0_CLIENT : 0);
    }
    description.grbitEnabledProtocols =
        options->datagram ? protocols : protocols & (server ? SP_PROT_TLS1_X_SERVER : SP_PROT_TLS1_X_CLIENT);
    description.dwFlags = SCH_USE_STRONG_CRYPTO | (server ? SCH_CRED_NO_SYSTEM_MAPPER : SCH_CRED_NO_DEFAULT_CREDS) |
                          (!server && options->insecure ? SCH_CRED_MANUAL_CRED_VALIDATION : 0) |
                          (options->revocation ? SCH_CRED_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT : 0);
    if ((options->protocols & (SP_PROT_TLS1_0 | SP_PROT_TLS1_1)) != 0) {
        description.dwFlags &= ~(DWORD)SCH_USE_STRONG_CRYPTO; /* which is 1.2 and better */
    }
    SECURITY_STATUS status = acquire(credential, &description);
    if (status != SEC_E_OK) {
        complain_status(options->credssp ? "CREDSSP" : "TLS", status);
        tls_credential_close(credential);
        return EXIT_ERROR;
    }
    credential->acquired = true;
    return EXIT_DONE;
}

void tls_credential_close(struct tls_credential *credential)
{
    if (credential->acquired) {
        FreeCredentialsHandle(&credential->handle);
    }
    if (credential->certificate != NULL) {
        CertFreeCertificateContext(credential->certificate);
    }
    if (credential->roots != NULL) {
        CertCloseStore(credential->roots, 0);
    }
    *credential = (struct tls_credential){0};
}
