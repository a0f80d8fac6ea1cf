/* The functions that hardly anybody calls, with every package: what each answers (docs/status.md).  Kerberos is by itself, as
 * `... Kerberos`: Negotiate would look for KDCs. */
#include "pair.h"

#include "credssp.h"
#include "schannel.h"

struct row {
    const char *name;
    bool identity;                 /* takes a SEC_WINNT_AUTH_IDENTITY */
    bool begins;                   /* a client's first leg needs nobody else */
    SECURITY_STATUS first;         /* of that leg */
    SECURITY_STATUS add, add_ntlm; /* AddCredentials, for its own package and for NTLM */
    SECURITY_STATUS set;           /* SetContextAttributes while the context is not established */
    SECURITY_STATUS control;       /* ApplyControlToken, likewise */
};

static const struct row rows[] = {
    {"NTLM", true, true, SEC_I_CONTINUE_NEEDED, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION,
     SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION},
    {"Negotiate", true, true, SEC_I_CONTINUE_NEEDED, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION,
     SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION},
    {"Kerberos", true, false, SEC_E_OK, SEC_E_OK, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_OK, SEC_E_OK},
    {"WDigest", true, true, SEC_I_CONTINUE_NEEDED, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION,
     SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION},
    {UNISP_NAME_A, false, true, SEC_I_CONTINUE_NEEDED, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION,
     SEC_E_UNSUPPORTED_FUNCTION, SEC_E_OK},
    {CREDSSP_NAME_A, false, true, SEC_I_CONTINUE_NEEDED, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_UNSUPPORTED_FUNCTION,
     SEC_E_INVALID_HANDLE, SEC_E_OUT_OF_SEQUENCE},
};

#define ROWS (sizeof rows / sizeof rows[0])

static bool kerberos_alone;

/* The next row that this run is about; NULL at the end. */
static const struct row *next(const struct row *row)
{
    for (row = row == NULL ? rows : row + 1; row < rows + ROWS; row++) {
        if ((strcmp(row->name, "Kerberos") == 0) == kerberos_alone) {
            return row;
        }
    }
    return NULL;
}

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static SEC_WINNT_AUTH_IDENTITY_A alice = {
    .User = (unsigned char *)"alice",
    .UserLength = 5,
    .Domain = (unsigned char *)"EXAMPLE",
    .DomainLength = 7,
    .Password = (unsigned char *)"Password",
    .PasswordLength = 8,
    .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
};

static CredHandle acquire(const struct row *row)
{
    CredHandle credential;
    CREDSSP_CRED credssp = {CredsspPasswordCreds, NULL, &alice};
    void *identity = row->identity ? &alice : strcmp(row->name, CREDSSP_NAME_A) == 0 ? (void *)&credssp : NULL;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, text(row->name), SECPKG_CRED_OUTBOUND, NULL, identity,
                                                       NULL, NULL, &credential, NULL);
    if (status != SEC_E_OK) {
        print_message("# %s\n", row->name);
    }
    assert_status(status, SEC_E_OK);
    return credential;
}

/* A context after its first leg. */
static CtxtHandle begin(const struct row *row, CredHandle *credential)
{
    CtxtHandle context;
    struct token token;
    ULONG attributes = 0;
    token_init(&token, TOKEN_MAX);
    SECURITY_STATUS status = InitializeSecurityContextA(credential, NULL, text("TERMSRV/host.example"), 0, 0, 0, NULL,
                                                        0, &context, &token.descriptor, &attributes, NULL);
    if (status != row->first) {
        print_message("# %s\n", row->name);
    }
    assert_status(status, row->first);
    return context;
}

static SECURITY_STATUS add(CredHandle *credential, const char *package, ULONG use)
{
    TimeStamp expiry;
    return AddCredentialsA(credential, NULL, text(package), use, &alice, NULL, NULL, &expiry);
}

static void add_credentials(void **state)
{
    for (const struct row *row = next(NULL); row != NULL; row = next(row)) {
        CredHandle credential = acquire(row);
        print_message("# %s\n", row->name);
        assert_status(add(&credential, row->name, SECPKG_CRED_OUTBOUND), row->add);
        assert_status(add(&credential, "NTLM", SECPKG_CRED_OUTBOUND), row->add_ntlm);
        assert_status(add(&credential, "no such package", SECPKG_CRED_OUTBOUND), SEC_E_SECPKG_NOT_FOUND);
        if (row->add == SEC_E_OK) {
            assert_status(add(&credential, NULL, SECPKG_CRED_OUTBOUND), SEC_E_OK);
            assert_status(add(&credential, row->name, 0), SEC_E_NO_CREDENTIALS);
            assert_status(add(&credential, row->name, SECPKG_CRED_INBOUND), SEC_E_NO_CREDENTIALS);
        }
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void attributes_of_credentials(void **state)
{
    unsigned char room[256];
    for (const struct row *row = next(NULL); row != NULL; row = next(row)) {
        CredHandle credential = acquire(row);
        memset(room, 0x5A, sizeof room);
        print_message("# %s\n", row->name);
        assert_status(QueryCredentialsAttributesA(&credential, 0x7777, room), SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(QueryCredentialsAttributesW(&credential, SECPKG_CRED_ATTR_SSI_PROVIDER, room),
                      SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(QueryCredentialsAttributesExA(&credential, 0x7777, room, sizeof room),
                      SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(SetCredentialsAttributesA(&credential, 0x7777, room, sizeof room), SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(SetCredentialsAttributesW(&credential, 0x73, room, sizeof room), /* SESSION_TICKET_KEYS */
                      SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(SetCredentialsAttributesW(&credential, 0x60, room, sizeof room), /* CLIENT_CERT_POLICY */
                      SEC_E_UNSUPPORTED_FUNCTION);
        for (size_t at = 0; at < sizeof room; at++) {
            assert_int_equal(room[at], 0x5A);
        }
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void attributes_of_contexts(void **state)
{
    for (const struct row *row = next(NULL); row != NULL; row = next(row)) {
        SecPkgContext_PackageInfoA info = {NULL};
        unsigned char room[64] = {0};
        if (!row->begins) {
            continue;
        }
        CredHandle credential = acquire(row);
        CtxtHandle context = begin(row, &credential);
        print_message("# %s\n", row->name);
        assert_status(QueryContextAttributesExA(&context, SECPKG_ATTR_PACKAGE_INFO, &info, sizeof info - 1),
                      SEC_E_BUFFER_TOO_SMALL);
        assert_null(info.PackageInfo);
        assert_status(QueryContextAttributesExA(&context, SECPKG_ATTR_PACKAGE_INFO, &info, sizeof info), SEC_E_OK);
        bool chosen = strcmp(row->name, "Negotiate") == 0; /* whose answer is the package's that it has chosen */
        assert_string_equal(info.PackageInfo->Name, chosen ? "NTLM" : row->name);
        assert_status(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
        assert_status(SetContextAttributesA(&context, 0x7777, room, sizeof room), row->set);
        assert_status(SetContextAttributesW(&context, 0x7777, room, sizeof room), row->set);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

/* What a client's context that is not established has not got. */
static void contexts_under_way(void **state)
{
    for (const struct row *row = next(NULL); row != NULL; row = next(row)) {
        DWORD shutdown = SCHANNEL_SHUTDOWN;
        SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown}, packed = {0, SECBUFFER_EMPTY, NULL};
        SecBufferDesc message = {SECBUFFER_VERSION, 1, &control};
        HANDLE token = NULL;
        if (!row->begins) {
            continue;
        }
        CredHandle credential = acquire(row);
        CtxtHandle context = begin(row, &credential);
        print_message("# %s\n", row->name);
        assert_status(ExportSecurityContext(&context, 0, &packed, &token), SEC_E_OUT_OF_SEQUENCE);
        assert_status(ExportSecurityContext(&context, SECPKG_CONTEXT_EXPORT_TO_KERNEL, &packed, &token),
                      SEC_E_NOT_SUPPORTED);
        assert_status(ExportSecurityContext(&context, 0, NULL, &token), SEC_E_INVALID_TOKEN);
        assert_status(ImpersonateSecurityContext(&context), SEC_E_NO_IMPERSONATION);
        assert_status(QuerySecurityContextToken(&context, &token), SEC_E_NO_IMPERSONATION);
        assert_status(DelegateSecurityContext(&context, text("host"), SecFull, NULL, NULL, NULL),
                      SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(ApplyControlToken(&context, &message), row->control);
        assert_null(token);
        assert_null(packed.pvBuffer);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static SECURITY_STATUS import(const char *package, const void *bytes, ULONG size, CtxtHandle *out)
{
    SecBuffer packed = {size, SECBUFFER_EMPTY, (void *)(uintptr_t)bytes};
    return ImportSecurityContextA(text(package), &packed, NULL, out);
}

static void what_cannot_be_imported(void **state)
{
    static const char *const marks[] = {"SSPINTLM\1\0\0\0", "SSPINEGO\1\0\0\0", "SSPIKRB5\1\0\0\0", "SSPIDGST\1\0\0\0",
                                        "SSPICSSP\1\0\0\0"};
    CtxtHandle context = {7, 7};
    for (const struct row *row = next(NULL); row != NULL; row = next(row)) {
        unsigned char blob[600] = {0};
        print_message("# %s\n", row->name);
        assert_status(import(row->name, NULL, 0, &context), SEC_E_INVALID_TOKEN);
        assert_status(import(row->name, NULL, 9, &context), SEC_E_INVALID_TOKEN);
        assert_status(import(row->name, blob, sizeof blob, &context), SEC_E_INVALID_TOKEN);
        for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++) { /* of this package or another */
            memcpy(blob, marks[m], 12);
            assert_status(import(row->name, blob, sizeof blob, &context), SEC_E_INVALID_TOKEN);
        }
        assert_status(ImportSecurityContextA(text(row->name), NULL, NULL, &context), SEC_E_INVALID_TOKEN);
        assert_status(import(row->name, blob, sizeof blob, NULL), SEC_E_INVALID_HANDLE);
    }
    assert_status(import("no such package", "x", 1, &context), SEC_E_SECPKG_NOT_FOUND);
    assert_status(import(NULL, "x", 1, &context), SEC_E_SECPKG_NOT_FOUND);
    assert_int_equal(context.dwLower, 7);
    assert_int_equal(context.dwUpper, 7);
}

int main(int count, char **arguments)
{
    kerberos_alone = count == 2 && strcmp(arguments[1], "Kerberos") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_credentials),         cmocka_unit_test(attributes_of_credentials),
        cmocka_unit_test(attributes_of_contexts),  cmocka_unit_test(contexts_under_way),
        cmocka_unit_test(what_cannot_be_imported),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("every_package", tests, NULL, NULL);
}
