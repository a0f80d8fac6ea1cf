/* Rules 1 to 7 and 35: entry points, macros, the table.  Built twice, with UNICODE and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>

/* A program may have said so itself, in the very words of sspi.h. */
#define FreeCredentialHandle FreeCredentialsHandle

#define SECURITY_WIN32
#include <windows.h>

#include <security.h>
#include <tchar.h>

#include "support/pair.h"

#ifdef UNICODE
#define SUFFIX "W"
#else
#define SUFFIX "A"
#endif

/* ---------------------------------------------------------------- the table */

static PSecurityFunctionTable table_as_programs_get_it(void)
{
    INIT_SECURITY_INTERFACE get = (INIT_SECURITY_INTERFACE)dlsym(RTLD_DEFAULT, "InitSecurityInterface" SUFFIX);
    assert_non_null(get);
    return get();
}

static void rule_01_members_follow_unicode(void **state)
{
    PSecurityFunctionTable table = table_as_programs_get_it();
    TCHAR package[] = TEXT("NTLM");
    PSecPkgInfo info = NULL;
    CredHandle credential;
    ULONG count = 0;
    assert_ptr_equal(table->AcquireCredentialsHandle, AcquireCredentialsHandle);
    assert_ptr_equal(table->InitializeSecurityContext, InitializeSecurityContext);
    assert_ptr_equal(table->QueryContextAttributes, QueryContextAttributes);
    assert_ptr_equal(table->QuerySecurityPackageInfo, QuerySecurityPackageInfo);
    assert_int_equal(table->QuerySecurityPackageInfo(package, &info), SEC_E_OK);
    assert_int_equal(_tcscmp(info->Name, package), 0);
    assert_int_equal(table->FreeContextBuffer(info), SEC_E_OK);
    assert_int_equal(table->EnumerateSecurityPackages(&count, &info), SEC_E_OK);
    assert_int_equal(table->FreeContextBuffer(info), SEC_E_OK);
    assert_int_equal(
        table->AcquireCredentialsHandle(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    assert_int_equal(table->FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void rule_02_types_follow_unicode(void **state)
{
    /* Assignments without a cast: another type would not compile. */
    ACQUIRE_CREDENTIALS_HANDLE_FN acquire = AcquireCredentialsHandle;
    INITIALIZE_SECURITY_CONTEXT_FN initialize = InitializeSecurityContext;
    QUERY_SECURITY_PACKAGE_INFO_FN query = QuerySecurityPackageInfo;
    QUERY_CONTEXT_ATTRIBUTES_FN attributes = QueryContextAttributes;
    INIT_SECURITY_INTERFACE init = InitSecurityInterface;
    SecurityFunctionTable *table = init();
    SecPkgContext_Names names = {NULL};
    TCHAR **name = &names.sUserName;
    SEC_WINNT_AUTH_IDENTITY identity = {0};
    SEC_WINNT_AUTH_IDENTITY_EX extended = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION, .Length = sizeof extended};
    assert_true(acquire != NULL && initialize != NULL && query != NULL && attributes != NULL && *name == NULL);
    assert_int_equal(sizeof *identity.User, sizeof(TCHAR));
    assert_int_equal(sizeof *extended.User, sizeof(TCHAR));
    assert_int_equal(extended.Length, 72);
    assert_ptr_equal(table, init());
}

static void rule_03_free_credential_handle(void **state)
{
    PSecurityFunctionTable table = InitSecurityInterface();
    TCHAR package[] = TEXT("NTLM");
    CredHandle first, second;
    assert_int_equal(AcquireCredentialsHandle(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &first, NULL),
                     SEC_E_OK);
    assert_int_equal(
        AcquireCredentialsHandle(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &second, NULL), SEC_E_OK);
    assert_int_equal(FreeCredentialHandle(&first), SEC_E_OK);
    assert_int_equal(table->FreeCredentialHandle(&second), SEC_E_OK);
}

static void *get_table(void *unused)
{
    return InitSecurityInterface();
}

static void rule_04_one_table_for_all_threads(void **state)
{
    pthread_t threads[8];
    assert_non_null(InitSecurityInterfaceA());
    assert_non_null(InitSecurityInterfaceW());
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_table, NULL), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *table = NULL;
        assert_int_equal(pthread_join(threads[i], &table), 0);
        assert_ptr_equal(table, InitSecurityInterface());
    }
    assert_string_equal(SECURITY_ENTRYPOINT_ANSIA, "InitSecurityInterfaceA");
    assert_string_equal(SECURITY_ENTRYPOINT_ANSIW, "InitSecurityInterfaceW");
    assert_string_equal(SECURITY_ENTRYPOINT_ANSI, "InitSecurityInterface" SUFFIX);
    assert_memory_equal(SECURITY_ENTRYPOINT, u"InitSecurityInterface" SUFFIX, sizeof u"InitSecurityInterface" SUFFIX);
}

static void rule_05_names_in_one_object(void **state)
{
    static const char *const names[] = {
        "InitSecurityInterfaceA",
        "InitSecurityInterfaceW",
        "AcquireCredentialsHandleA",
        "AcquireCredentialsHandleW",
        "InitializeSecurityContextA",
        "InitializeSecurityContextW",
        "QueryContextAttributesA",
        "QueryContextAttributesW",
        "QueryCredentialsAttributesA",
        "QueryCredentialsAttributesW",
        "QuerySecurityPackageInfoA",
        "QuerySecurityPackageInfoW",
        "EnumerateSecurityPackagesA",
        "EnumerateSecurityPackagesW",
        "ImportSecurityContextA",
        "ImportSecurityContextW",
        "AcceptSecurityContext",
        "ApplyControlToken",
        "CompleteAuthToken",
        "DecryptMessage",
        "DeleteSecurityContext",
        "EncryptMessage",
        "ExportSecurityContext",
        "FreeContextBuffer",
        "FreeCredentialsHandle",
        "ImpersonateSecurityContext",
        "MakeSignature",
        "QuerySecurityContextToken",
        "RevertSecurityContext",
        "VerifySignature",
    };
    Dl_info home, info;
    assert_true(dladdr((void *)(uintptr_t)InitSecurityInterfaceA, &home) != 0);
    void *library = dlopen(home.dli_fname, RTLD_NOW);
    assert_non_null(library);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(library, names[i]);
        if (function == NULL) {
            print_error("# %s is not there\n", names[i]);
        }
        assert_non_null(function);
        assert_true(dladdr(function, &info) != 0);
        assert_ptr_equal(info.dli_fbase, home.dli_fbase);
    }
    assert_int_equal(dlclose(library), 0);
}

/* ---------------------------------------------------------------- prototypes */

/* A program's own declaration of a function, which the compiler compares with that of the headers. */
#define SAME(result, name, parameters)                                                                                 \
    _Static_assert(_Generic(&name, result(SEC_ENTRY *) parameters : 1, default : 0), #name)
/* clang-format off */
SAME(SECURITY_STATUS, AcquireCredentialsHandleA,
     (SEC_CHAR *, SEC_CHAR *, ULONG, PVOID, PVOID, SEC_GET_KEY_FN, PVOID, PCredHandle, PTimeStamp));
SAME(SECURITY_STATUS, AcquireCredentialsHandleW,
     (SEC_WCHAR *, SEC_WCHAR *, ULONG, PVOID, PVOID, SEC_GET_KEY_FN, PVOID, PCredHandle, PTimeStamp));
SAME(SECURITY_STATUS, InitializeSecurityContextA,
     (PCredHandle, PCtxtHandle, SEC_CHAR *, ULONG, ULONG, ULONG, PSecBufferDesc, ULONG, PCtxtHandle, PSecBufferDesc, PULONG,
      PTimeStamp));
SAME(SECURITY_STATUS, InitializeSecurityContextW,
     (PCredHandle, PCtxtHandle, SEC_WCHAR *, ULONG, ULONG, ULONG, PSecBufferDesc, ULONG, PCtxtHandle, PSecBufferDesc, PULONG,
      PTimeStamp));
SAME(SECURITY_STATUS, AcceptSecurityContext,
     (PCredHandle, PCtxtHandle, PSecBufferDesc, ULONG, ULONG, PCtxtHandle, PSecBufferDesc, PULONG, PTimeStamp));
SAME(SECURITY_STATUS, FreeContextBuffer, (PVOID));
SAME(SECURITY_STATUS, FreeCredentialsHandle, (PCredHandle));
SAME(SECURITY_STATUS, DeleteSecurityContext, (PCtxtHandle));
SAME(SECURITY_STATUS, QueryContextAttributesA, (PCtxtHandle, ULONG, PVOID));
SAME(SECURITY_STATUS, QueryContextAttributesW, (PCtxtHandle, ULONG, PVOID));
SAME(SECURITY_STATUS, QuerySecurityPackageInfoA, (SEC_CHAR *, PSecPkgInfoA *));
SAME(SECURITY_STATUS, QuerySecurityPackageInfoW, (SEC_WCHAR *, PSecPkgInfoW *));
SAME(SECURITY_STATUS, EnumerateSecurityPackagesA, (PULONG, PSecPkgInfoA *));
SAME(SECURITY_STATUS, CompleteAuthToken, (PCtxtHandle, PSecBufferDesc));
SAME(SECURITY_STATUS, ApplyControlToken, (PCtxtHandle, PSecBufferDesc));
SAME(SECURITY_STATUS, MakeSignature, (PCtxtHandle, ULONG, PSecBufferDesc, ULONG));
SAME(SECURITY_STATUS, VerifySignature, (PCtxtHandle, PSecBufferDesc, ULONG, PULONG));
SAME(SECURITY_STATUS, EncryptMessage, (PCtxtHandle, ULONG, PSecBufferDesc, ULONG));
SAME(SECURITY_STATUS, DecryptMessage, (PCtxtHandle, PSecBufferDesc, ULONG, PULONG));
SAME(SECURITY_STATUS, ImpersonateSecurityContext, (PCtxtHandle));
SAME(SECURITY_STATUS, RevertSecurityContext, (PCtxtHandle));
SAME(SECURITY_STATUS, QuerySecurityContextToken, (PCtxtHandle, HANDLE *));
SAME(PSecurityFunctionTableA, InitSecurityInterfaceA, (void));
SAME(PSecurityFunctionTableW, InitSecurityInterfaceW, (void));
/* clang-format on */

static void rule_06_prototypes_are_the_sdks(void **state)
{
    assert_ptr_equal(InitSecurityInterfaceA()->AcceptSecurityContext, AcceptSecurityContext); /* they compiled */
}

/* ---------------------------------------------------------------- threads */

static struct pair shared; /* its credentials */

static void *many_handshakes(void *unused)
{
    for (int i = 0; i < 8; i++) {
        struct pair mine = shared;
        unsigned char message[8] = "message", signature[16];
        mine.has_client_credential = mine.has_server_credential = false;
        if (pair_handshake(&mine, PAIR_SEAL) != SEC_E_OK ||
            pair_seal(&mine.client, message, sizeof message, signature) != SEC_E_OK ||
            pair_unseal(&mine.server, message, sizeof message, signature) != SEC_E_OK ||
            memcmp(message, "message", sizeof message) != 0 || !pair_free(&mine)) {
            return &shared;
        }
    }
    return NULL;
}

static void rule_07_threads_share_a_credential(void **state)
{
    pthread_t threads[6];
    memset(&shared, 0, sizeof shared);
    assert_int_equal(pair_acquire(&shared, NULL, NULL), SEC_E_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, many_handshakes, NULL), 0);
    }
    for (size_t i = 0; i < 6; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_true(pair_free(&shared));
}

static void rule_35_errors_are_negative(void **state)
{
    TCHAR package[] = TEXT("No such package");
    PSecPkgInfo info = NULL;
    SECURITY_STATUS status = QuerySecurityPackageInfo(package, &info);
    assert_true(status < 0);
    assert_true(FAILED(status));
    assert_false(SEC_SUCCESS(status));
    assert_true((status & 0x80000000) != 0);
    assert_true(SEC_I_CONTINUE_NEEDED > 0 && SUCCEEDED(SEC_I_CONTINUE_NEEDED));
    switch (status) {
    case SEC_E_SECPKG_NOT_FOUND:
        break;
    case SEC_E_INTERNAL_ERROR:
    case SEC_E_INSUFFICIENT_MEMORY:
    default:
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_01_members_follow_unicode),     cmocka_unit_test(rule_02_types_follow_unicode),
        cmocka_unit_test(rule_03_free_credential_handle),     cmocka_unit_test(rule_04_one_table_for_all_threads),
        cmocka_unit_test(rule_05_names_in_one_object),        cmocka_unit_test(rule_06_prototypes_are_the_sdks),
        cmocka_unit_test(rule_07_threads_share_a_credential), cmocka_unit_test(rule_35_errors_are_negative),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
