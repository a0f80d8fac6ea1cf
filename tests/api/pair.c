#include "pair.h"

#include <stdio.h>

/* NTOWFv1("Password"), MS-NLMP 4.2.2.1.2. */
static const unsigned char nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca,
                                          0xb6, 0x82, 0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};

void assert_status_(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, const char *file, int line)
{
    if (status != expected) {
        const char *got = SspiExtStatusName(status);
        const char *wanted = SspiExtStatusName(expected);
        const char *why = SspiExtLastReason(NULL);
        print_error("%s: %s (%08x) where %s was expected: %s\n", call, got != NULL ? got : "?", (unsigned)status,
                    wanted != NULL ? wanted : "?", why != NULL ? why : "no reason recorded");
        _fail(file, line);
    }
}

static SECURITY_STATUS SEC_ENTRY verify(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    static const WCHAR user[] = {'U', 's', 'e', 'r'};
    if (logon->UserLength != 4 || memcmp(logon->User, user, sizeof user) != 0) {
        return SEC_E_LOGON_DENIED;
    }
    return SspiExtVerifyNtHash(logon, nt_hash, result);
}

void pair_credentials(struct pair *pair, const char *password)
{
    static const char user[] = "User";
    static const char domain[] = "Domain";
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t)user,
        .UserLength = 4,
        .Domain = (unsigned char *)(uintptr_t)domain,
        .DomainLength = 6,
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    char package[] = "NTLM";
    pair_credentials_of(pair, package, &identity);
}

void pair_credentials_of(struct pair *pair, char *package, void *identity)
{
    memset(pair, 0, sizeof *pair);
    SecInvalidateHandle(&pair->client);
    SecInvalidateHandle(&pair->server);
    assert_status(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, identity, NULL, NULL,
                                            &pair->client_credential, NULL),
                  SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                            &pair->server_credential, NULL),
                  SEC_E_OK);
    assert_status(SspiExtSetVerifier(&pair->server_credential, verify, NULL), SEC_E_OK);
}

SECURITY_STATUS pair_first_leg(struct pair *pair, ULONG flags, struct token *out)
{
    token_init(out, TOKEN_MAX);
    return InitializeSecurityContextA(&pair->client_credential, NULL, NULL, flags, 0, SECURITY_NATIVE_DREP, NULL, 0,
                                      &pair->client, &out->descriptor, &pair->client_attributes, &pair->client_expiry);
}

void pair_establish(struct pair *pair, ULONG client_flags, ULONG server_flags)
{
    struct token client;
    struct token server;
    TimeStamp expiry;
    assert_status(pair_first_leg(pair, client_flags, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair->server_credential, NULL, &client.descriptor, server_flags,
                                        SECURITY_NATIVE_DREP, &pair->server, &server.descriptor,
                                        &pair->server_attributes, &expiry),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &pair->client, NULL, client_flags, 0, SECURITY_NATIVE_DREP,
                                             &server.descriptor, 0, &pair->client, &client.descriptor,
                                             &pair->client_attributes, &pair->client_expiry),
                  SEC_E_OK);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(NULL, &pair->server, &client.descriptor, server_flags, SECURITY_NATIVE_DREP,
                                        &pair->server, &server.descriptor, &pair->server_attributes, &expiry),
                  SEC_E_OK);
    assert_int_equal(server.buffer.cbBuffer, 0);
}

void pair_open(struct pair *pair, ULONG client_flags)
{
    pair_credentials(pair, "Password");
    pair_establish(pair, client_flags, 0);
}

void pair_answer_plain_challenge(struct pair *pair, struct token *out)
{
    static const unsigned char challenge[] = {
        'N',  'T',  'L',  'M',  'S',  'S',  'P',  0,    2,   0, 0,   0, /* signature, type */
        8,    0,    8,    0,    48,   0,    0,    0,                    /* TargetName */
        0x05, 0x82, 0x82, 0xa0,                                         /* flags */
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,                 /* challenge */
        0,    0,    0,    0,    0,    0,    0,    0,                    /* reserved */
        36,   0,    36,   0,    56,   0,    0,    0,                    /* TargetInfo */
        'C',  0,    'O',  0,    'R',  0,    'P',  0,                    /* payload */
        2,    0,    8,    0,    'C',  0,    'O',  0,    'R', 0, 'P', 0, /* MsvAvNbDomainName */
        1,    0,    4,    0,    'S',  0,    'V',  0,                    /* MsvAvNbComputerName */
        4,    0,    0,    0,    3,    0,    4,    0,    's', 0, 'v', 0, /* DNS names */
        0,    0,    0,    0,
    };
    struct token server;
    assert_status(pair_first_leg(pair, 0, out), SEC_I_CONTINUE_NEEDED);
    token_init(&server, sizeof challenge);
    memcpy(server.bytes, challenge, sizeof challenge);
    token_init(out, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &pair->client, NULL, 0, 0, SECURITY_NATIVE_DREP, &server.descriptor,
                                             0, &pair->client, &out->descriptor, &pair->client_attributes, NULL),
                  SEC_E_OK);
}

void pair_close(struct pair *pair)
{
    if (SecIsValidHandle(&pair->client)) {
        assert_status(DeleteSecurityContext(&pair->client), SEC_E_OK);
    }
    if (SecIsValidHandle(&pair->server)) {
        assert_status(DeleteSecurityContext(&pair->server), SEC_E_OK);
    }
    assert_status(FreeCredentialsHandle(&pair->client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&pair->server_credential), SEC_E_OK);
}
