#include "rules.h"

/* NTOWFv1("Password"), MS-NLMP 4.2.2.1.2. */
static const unsigned char nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca,
                                          0xb6, 0x82, 0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};

static SECURITY_STATUS SEC_ENTRY verify(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    return SspiExtVerifyNtHash(logon, argument, result);
}

SEC_WINNT_AUTH_IDENTITY_A rules_identity(void)
{
    return (SEC_WINNT_AUTH_IDENTITY_A){
        .User = (unsigned char *)text("User"),
        .UserLength = 4,
        .Domain = (unsigned char *)text("Domain"),
        .DomainLength = 6,
        .Password = (unsigned char *)text("Password"),
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
}

CredHandle rules_client(const char *package)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    CredHandle out;
    assert_status(
        AcquireCredentialsHandleA(NULL, text(package), SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &out, NULL),
        SEC_E_OK);
    return out;
}

CredHandle rules_server(const char *package)
{
    CredHandle out;
    assert_status(
        AcquireCredentialsHandleA(NULL, text(package), SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &out, NULL),
        SEC_E_OK);
    assert_status(SspiExtSetVerifier(&out, verify, (void *)(uintptr_t)nt_hash), SEC_E_OK);
    return out;
}

SECURITY_STATUS rules_initiate(CredHandle *credential, CtxtHandle *context, bool first, const char *target, ULONG flags,
                               struct token *in, struct token *out, ULONG *attributes)
{
    token_init(out, TOKEN_MAX);
    return InitializeSecurityContextA(credential, first ? NULL : context, text(target), flags, 0, SECURITY_NATIVE_DREP,
                                      in != NULL ? &in->descriptor : NULL, 0, context, &out->descriptor, attributes,
                                      NULL);
}

SECURITY_STATUS rules_accept(CredHandle *credential, CtxtHandle *context, bool first, ULONG flags, struct token *in,
                             struct token *out, ULONG *attributes)
{
    token_init(out, TOKEN_MAX);
    return AcceptSecurityContext(credential, first ? NULL : context, &in->descriptor, flags, SECURITY_NATIVE_DREP,
                                 context, &out->descriptor, attributes, NULL);
}

void challenge_open(struct challenge *challenge, const char *target, ULONG flags)
{
    struct token hello;
    ULONG attributes = 0;
    challenge->client_credential = rules_client("NTLM");
    challenge->server_credential = rules_server("NTLM");
    assert_status(rules_initiate(&challenge->client_credential, &challenge->client, true, target, flags, NULL, &hello,
                                 &attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_accept(&challenge->server_credential, &challenge->server, true, 0, &hello, &challenge->message,
                               &attributes),
                  SEC_I_CONTINUE_NEEDED);
}

void challenge_close(struct challenge *challenge)
{
    assert_status(DeleteSecurityContext(&challenge->client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&challenge->server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&challenge->client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&challenge->server_credential), SEC_E_OK);
}

bool token_has_wide(const struct token *token, const char *narrow)
{
    char units[256];
    size_t length = strlen(narrow);
    assert_true(length <= sizeof units / 2);
    for (size_t i = 0; i < length; i++) {
        units[2 * i] = narrow[i];
        units[2 * i + 1] = '\0';
    }
    return memmem(token->bytes, token->buffer.cbBuffer, units, 2 * length) != NULL;
}

void rules_seal(CtxtHandle *from, CtxtHandle *to)
{
    SecPkgContext_Sizes sizes;
    unsigned char trailer[256], message[] = "The truth is out there";
    assert_status(QueryContextAttributesA(from, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_true(sizes.cbSecurityTrailer <= sizeof trailer);
    SecBuffer buffers[2] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, trailer},
                            {sizeof message, SECBUFFER_DATA, message}};
    SecBufferDesc sealed = {SECBUFFER_VERSION, 2, buffers};
    assert_status(EncryptMessage(from, 0, &sealed, 0), SEC_E_OK);
    assert_memory_not_equal(message, "The truth is out there", sizeof message);
    assert_status(DecryptMessage(to, &sealed, 0, NULL), SEC_E_OK);
    assert_memory_equal(message, "The truth is out there", sizeof message);
}
