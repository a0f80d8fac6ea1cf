/* The headers' ABI is that of the 64-bit SDK: widths, sizes, offsets, values, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "abi.h"

static void all_hold(void **state)
{
    const struct facts *facts = *state;
    size_t wrong = 0;
    assert_true(facts->count > 0);
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *row = &facts->rows[i];
        if (row->header != row->sdk) {
            print_error("# %s: 0x%llx here, 0x%llx in the SDK\n", row->name, (unsigned long long)row->header,
                        (unsigned long long)row->sdk);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* clang-format off */
static const struct fact type_rows[] = {
    SIZE(ULONG, 4), SIZE(DWORD, 4), SIZE(LONG, 4), SIZE(HRESULT, 4), SIZE(SECURITY_STATUS, 4), SIZE(NTSTATUS, 4),
    SIZE(ALG_ID, 4), SIZE(BOOL, 4), SIZE(WINBOOL, 4), SIZE(EXTENDED_NAME_FORMAT, 4), SIZE(SECPKG_CRED_CLASS, 4),
    SIZE(UINT, 4), SIZE(INT, 4), SIZE(SHORT, 2), SIZE(USHORT, 2), SIZE(WORD, 2), SIZE(WCHAR, 2), SIZE(SEC_WCHAR, 2),
    SIZE(BOOLEAN, 1), SIZE(BYTE, 1), SIZE(UCHAR, 1), SIZE(CHAR, 1), SIZE(SEC_CHAR, 1),
    SIZE(ULONGLONG, 8), SIZE(LONGLONG, 8), SIZE(ULONG64, 8), SIZE(DWORD64, 8), SIZE(ULONG_PTR, 8), SIZE(LONG_PTR, 8),
    SIZE(SIZE_T, 8), SIZE(HANDLE, 8), SIZE(PVOID, 8), SIZE(LPWSTR, 8), SIZE(HWND, 8), SIZE(HCERTSTORE, 8),
    SIZE(HCRYPTPROV, 8), SIZE(PCCERT_CONTEXT, 8), SIZE(PSEC_WINNT_AUTH_IDENTITY_OPAQUE, 8),
    SIZE(LARGE_INTEGER, 8), ALIGNED(LARGE_INTEGER, 8), AT(LARGE_INTEGER, u.HighPart, 4), AT(LARGE_INTEGER, HighPart, 4),
    SIZE(ULARGE_INTEGER, 8), ALIGNED(ULARGE_INTEGER, 8), ALIGNED(ULONG64, 8), ALIGNED(ULONGLONG, 8),
    SIZE(TimeStamp, 8), ALIGNED(TimeStamp, 8), SIZE(SECURITY_INTEGER, 8), ALIGNED(SECURITY_INTEGER, 8),
    SIZE(FILETIME, 8), ALIGNED(FILETIME, 4), SIZE(SYSTEMTIME, 16),
    SIZE(LUID, 8), ALIGNED(LUID, 4), AT(LUID, HighPart, 4),
    SIZE(GUID, 16), ALIGNED(GUID, 4), AT(GUID, Data2, 4), AT(GUID, Data3, 6), AT(GUID, Data4, 8),
    SIZE(UNICODE_STRING, 16), AT(UNICODE_STRING, Length, 0), AT(UNICODE_STRING, MaximumLength, 2),
        AT(UNICODE_STRING, Buffer, 8),
    SIZE(SECURITY_STRING, 16), SIZE(LSA_UNICODE_STRING, 16), SIZE(LSA_STRING, 16),
};
/* clang-format on */

static const struct facts types = FACTS(type_rows);

static void the_sign_of_a_status_says_success(void **state)
{
    (void)state;
    assert_true(SEC_E_INVALID_TOKEN < 0 && SEC_E_INCOMPLETE_MESSAGE < 0 && CERT_E_EXPIRED < 0);
    assert_true(SEC_I_CONTINUE_NEEDED > 0 && SEC_I_MESSAGE_FRAGMENT > 0);
    assert_true(SEC_SUCCESS(SEC_E_OK) && SEC_SUCCESS(SEC_I_RENEGOTIATE) && !SEC_SUCCESS(SEC_E_LOGON_DENIED));
    assert_true(FAILED(CRYPT_E_REVOKED) && SUCCEEDED(S_OK) && !NT_SUCCESS(STATUS_LOGON_FAILURE));
    SECURITY_STATUS status = SEC_E_INVALID_HANDLE;
    switch (status) {
    case SEC_E_INVALID_HANDLE:
        break;
    case SEC_I_CONTINUE_NEEDED:
    default:
        fail();
    }
}

static void handles_can_be_invalid(void **state)
{
    (void)state;
    CtxtHandle handle = {1, 2};
    assert_true(SecIsValidHandle(&handle));
    SecInvalidateHandle(&handle);
    assert_false(SecIsValidHandle(&handle));
    assert_true(handle.dwLower == UINT64_MAX && handle.dwUpper == UINT64_MAX);
    assert_true(SEC_DELETED_HANDLE == UINT64_MAX - 1);
    handle.dwLower = 7; /* one word is enough */
    assert_false(SecIsValidHandle(&handle));
}

static const struct {
    const char *ansi;
    const WCHAR *wide;
    const char *sdk;
} texts[] = {
    {NTLMSP_NAME_A, NTLMSP_NAME, "NTLM"},
    {MICROSOFT_KERBEROS_NAME_A, MICROSOFT_KERBEROS_NAME_W, "Kerberos"},
    {MICROSOFT_KERBEROS_NAME_A, MICROSOFT_KERBEROS_NAME, "Kerberos"},
    {NEGOSSP_NAME_A, NEGOSSP_NAME_W, "Negotiate"},
    {NEGOSSP_NAME, NEGOSSP_NAME_W, "Negotiate"},
    {UNISP_NAME_A, UNISP_NAME_W, "Microsoft Unified Security Protocol Provider"},
    {UNISP_NAME, UNISP_NAME_W, "Microsoft Unified Security Protocol Provider"},
    {SCHANNEL_NAME_A, SCHANNEL_NAME_W, "Schannel"},
    {DEFAULT_TLS_SSP_NAME_A, DEFAULT_TLS_SSP_NAME_W, "Default TLS SSP"},
    {SSL2SP_NAME_A, SSL2SP_NAME_W, "Microsoft SSL 2.0"},
    {SSL3SP_NAME_A, SSL3SP_NAME_W, "Microsoft SSL 3.0"},
    {TLS1SP_NAME_A, TLS1SP_NAME_W, "Microsoft TLS 1.0"},
    {PCT1SP_NAME_A, PCT1SP_NAME_W, "Microsoft PCT 1.0"},
    {WDIGEST_SP_NAME_A, WDIGEST_SP_NAME_W, "WDigest"},
    {CREDSSP_NAME_A, CREDSSP_NAME_W, "CREDSSP"},
    {TS_SSP_NAME_A, TS_SSP_NAME, "TSSSP"},
    {CLOUDAP_NAME_A, CLOUDAP_NAME_W, "CloudAP"},
    {PKU2U_PACKAGE_NAME_A, PKU2U_PACKAGE_NAME_W, "pku2u"},
    {MSV1_0_PACKAGE_NAME, MSV1_0_PACKAGE_NAMEW, "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0"},
    {SECURITY_ENTRYPOINT_ANSIW, SECURITY_ENTRYPOINTW, "InitSecurityInterfaceW"},
    {SECURITY_ENTRYPOINT_ANSIA, SECURITY_ENTRYPOINTA, "InitSecurityInterfaceA"},
    {SECURITY_ENTRYPOINT_ANSI, SECURITY_ENTRYPOINT, "InitSecurityInterfaceA"},
    {SECURITY_ENTRYPOINT16, NULL, "INITSECURITYINTERFACEA"},
    {NULL, SCHANNEL_RSA_PSS_PADDING_ALGORITHM, "SCH_RSA_PSS_PAD"},
    {NULL, SCHANNEL_RSA_PKCS_PADDING_ALGORITHM, "SCH_RSA_PKCS_PAD"},
};

static void texts_are_the_sdks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].ansi != NULL) {
            assert_string_equal(texts[i].ansi, texts[i].sdk);
        }
        for (size_t c = 0; texts[i].wide != NULL && c <= strlen(texts[i].sdk); c++) {
            assert_int_equal(texts[i].wide[c], texts[i].sdk[c]);
        }
    }
}

static const struct {
    const GUID *guid;
    const char *bytes; /* as it lies in memory */
} guids[] = {
    {&SEC_WINNT_AUTH_DATA_TYPE_PASSWORD, "\x2f\xc3\xbf\x28\xf6\x10\x38\x47\x98\xd1\x1a\xc0\x61\xdf\x71\x6a"},
    {&SEC_WINNT_AUTH_DATA_TYPE_CERT, "\xad\x69\x5f\x23\xfb\x73\xbc\x4d\x82\x03\x06\x29\xe7\x39\x33\x9b"},
    {&SEC_WINNT_AUTH_DATA_TYPE_CREDMAN_CERT, "\x12\x24\xb7\x7c\x16\x10\x1a\x49\x8c\x87\x4d\x2a\xa1\xb7\xdd\x3a"},
    {&SEC_WINNT_AUTH_DATA_TYPE_NGC, "\x79\x78\xa4\x10\xbf\x5e\x85\x4b\xbd\x8d\xc2\x1b\xb4\xf4\x9c\x8a"},
    {&SEC_WINNT_AUTH_DATA_TYPE_FIDO, "\xd7\xf8\xe8\x32\x71\x78\xcc\x4b\x83\xc5\x46\x0f\x66\xc6\x13\x5c"},
    {&SEC_WINNT_AUTH_DATA_TYPE_KEYTAB, "\xe8\xaa\x87\xd5\x8f\xf7\x55\x44\xa1\x12\xc9\x34\xbe\xee\x7c\xe1"},
    {&SEC_WINNT_AUTH_DATA_TYPE_CSP_DATA, "\x79\x98\xfd\x68\x9c\x07\xfe\x4d\x82\x81\x57\x8a\xad\xc1\xc1\x00"},
    {&SEC_WINNT_AUTH_DATA_TYPE_SMARTCARD_CONTEXTS, "\xf3\x4f\x6c\xb8\xd7\x49\xc4\x4d\xb5\x60\xb1\x16\x36\x85\xb2\x36"},
    {&SEC_WINNT_AUTH_DATA_TYPE_DELEGATION_TOKEN, "\x0f\x2e\xe5\x12\x9b\x6f\x83\x4f\x90\x20\x9d\xe4\x2b\x22\x62\x67"},
    {&CREDUIWIN_STRUCTURE_TYPE_SSPIPFC, "\xd9\x93\x3e\x3c\x6b\xd9\xb5\x49\x94\xa7\x45\x85\x92\x08\x83\x37"},
    {&SSPIPFC_STRUCTURE_TYPE_CREDUI_CONTEXT, "\x6f\xfe\xff\xc2\x3d\x50\x3d\x4c\xa9\x5e\xbc\xe8\x21\x21\x3d\x44"},
};

static void guids_are_the_sdks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
        assert_memory_equal(guids[i].guid, guids[i].bytes, 16);
    }
}

/* Without UNICODE the plain names are the A forms, as functions, as types and as members of the table. */
static void plain_names_follow_unicode(void **state)
{
    (void)state;
    SecurityFunctionTable table;
    memset(&table, 0, sizeof(table));
    SecurityFunctionTableA *ansi = &table;
    INITIALIZE_SECURITY_CONTEXT_FN_A initialize = table.InitializeSecurityContext;
    FREE_CREDENTIALS_HANDLE_FN release = ansi->FreeCredentialHandle;
    assert_true(initialize == NULL && release == NULL);
    assert_true(sizeof(SecPkgInfo) == sizeof(SecPkgInfoA) && sizeof(TCHAR) == 1);
    SEC_WINNT_AUTH_IDENTITY identity = {(unsigned char *)"u", 1, NULL, 0, NULL, 0, SEC_WINNT_AUTH_IDENTITY_ANSI};
    assert_int_equal(identity.User[0], 'u');
}

/* clang-format off */
#define TABLE(what, table) {what, all_hold, NULL, NULL, (void *)&(table)}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE("widths and alignments of the base types", types),
        TABLE("layouts: sspi.h", sspi_layouts),
        TABLE("layouts: schannel.h, wincrypt.h, credssp.h", schannel_layouts),
        TABLE("layouts: ntsecapi.h", lsa_layouts),
        TABLE("values: statuses", statuses),
        TABLE("values: ISC_*, ASC_*", flags),
        TABLE("values: sspi.h, credssp.h, secext.h, ntsecapi.h, rpcdce.h", sspi_constants),
        TABLE("values: schannel.h, wincrypt.h", schannel_constants),
        TABLE("layouts: wincrypt_store.h, wincrypt_names.h", crypt32_layouts),
        TABLE("values: wincrypt_store.h, wincrypt_names.h", crypt32_constants),
        cmocka_unit_test(the_sign_of_a_status_says_success),
        cmocka_unit_test(handles_can_be_invalid),
        cmocka_unit_test(texts_are_the_sdks),
        cmocka_unit_test(guids_are_the_sdks),
        cmocka_unit_test(plain_names_follow_unicode),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("abi_layout", tests, NULL, NULL);
}
