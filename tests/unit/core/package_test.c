/* What core does for every package: names, absent slots, lifetimes, whom a context stands for. */
#include "fake.h"

#include <pthread.h>
#include <string.h>

#include "core/context_buffer.h"
#include "core/token.h"

static void test_find(void **state)
{
    static const uint16_t wide[] = u"fAkE";
    assert_ptr_equal(package_find_utf8("fake"), &fake);
    assert_ptr_equal(package_find_utf8("BARE"), &bare);
    assert_null(package_find_utf8("Fak"));
    assert_null(package_find_utf8(""));
    assert_ptr_equal(package_find(utf16_from_wide(wide)), &fake);
    assert_null(package_find(UTF16_NONE));
    assert_null(package_find((struct utf16){(const uint8_t *)wide, 6}));
}

static void test_package_info_block_is_exact(void **state)
{
    PSecPkgInfoA narrow = NULL;
    PSecPkgInfoW wide = NULL;
    ULONG count = 0;
    size_t texts = strlen(fake.name) + 1 + strlen(fake.comment) + 1;
    assert_int_equal(QuerySecurityPackageInfoA(fake_name, &narrow), SEC_E_OK);
    assert_int_equal(context_buffer_size(narrow), sizeof *narrow + texts);
    assert_string_equal(narrow->Name, "Fake");
    assert_int_equal(FreeContextBuffer(narrow), SEC_E_OK);
    assert_int_equal(EnumerateSecurityPackagesW(&count, &wide), SEC_E_OK);
    assert_int_equal(count, 2);
    assert_int_equal(context_buffer_size(wide), 2 * sizeof *wide + 2 * (texts + strlen("Bare") + 2));
    assert_ptr_equal(wide[0].Name, wide + 2);
    assert_int_equal(FreeContextBuffer(wide), SEC_E_OK);
}

/* PACKAGE_INFO is core's to answer, whatever the package offers, in a block of the exact size. */
static void test_package_info_of_any_context(void **state)
{
    struct io out;
    CtxtHandle context;
    SecPkgContext_PackageInfoA info = {0};
    SecPkgContext_NegotiationInfoA negotiation = {0};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_PACKAGE_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Fake");
    assert_int_equal(info.PackageInfo->wRPCID, 77);
    assert_int_equal(context_buffer_size(info.PackageInfo),
                     sizeof(SecPkgInfoA) + strlen(fake.name) + 1 + strlen(fake.comment) + 1);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    assert_null(SspiExtLastReason(NULL));
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation),
                     SEC_E_UNSUPPORTED_FUNCTION);
    close_all(&credential, &context);
}

static void test_absent_slots(void **state)
{
    struct io out;
    CtxtHandle context;
    CtxtHandle moved = {7, 7};
    SecBuffer packed = {0};
    HANDLE token = NULL;
    SecPkgContext_Sizes sizes;
    SecPkgCredentials_NamesA names;
    CredHandle credential = acquire(bare_name);
    script.token_size = 0;
    script.status = SEC_E_OK;
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, NULL, NULL, NULL), SEC_E_OK);
    io_init(&out, 16);
    assert_int_equal(MakeSignature(&context, 0, &out.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(VerifySignature(&context, &out.descriptor, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(EncryptMessage(&context, 0, &out.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(DecryptMessage(&context, &out.descriptor, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_OK); /* an established context is complete */
    assert_int_equal(ApplyControlToken(&context, &out.descriptor), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_SIZES, &sizes), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SetContextAttributesA(&context, 1, out.bytes, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ExportSecurityContext(&context, 0, &packed, &token), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ImpersonateSecurityContext(&context), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QuerySecurityContextToken(&context, &token), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names),
                     SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SetCredentialsAttributesA(&credential, 3, out.bytes, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SspiExtSetVerifier(&credential, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ImportSecurityContextA(bare_name, &packed, NULL, &moved), SEC_E_UNSUPPORTED_FUNCTION);
    close_all(&credential, &context);
}

/* A context never sees a credential of another package. */
static void test_foreign_credential_on_a_later_leg(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle own = acquire(fake_name);
    CredHandle foreign = acquire(bare_name);
    assert_int_equal(initiate(&own, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_non_null(script.seen_credential);
    assert_int_equal(initiate(&own, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_non_null(script.seen_credential);
    assert_int_equal(initiate(&foreign, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_null(script.seen_credential);
    close_all(&own, &context);
    close_all(&foreign, NULL);
}

static void test_credential_lives_as_long_as_its_contexts(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_OK);
    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_INVALID_HANDLE);
    assert_int_equal(script.credentials, 1);
    assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    assert_int_equal(script.credentials, 0);
}

/* ---------------------------------------------------------------- AddCredentials */

static SECURITY_STATUS add(CredHandle *credential, char *package, ULONG use)
{
    return AddCredentialsA(credential, NULL, package, use, NULL, NULL, NULL, NULL);
}

static void test_adding(void **state)
{
    CredHandle credential = acquire(fake_name), other = acquire(bare_name), dead = {0, 0};
    char unknown[] = "Winter";
    assert_int_equal(add(&credential, fake_name, SECPKG_CRED_BOTH), SEC_E_OK);
    assert_int_equal(add(&credential, NULL, SECPKG_CRED_BOTH), SEC_E_OK);
    assert_int_equal(AddCredentialsW(&credential, NULL, NULL, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL), SEC_E_OK);
    assert_int_equal(script.credentials, 5);
    assert_int_equal(add(&credential, unknown, SECPKG_CRED_BOTH), SEC_E_SECPKG_NOT_FOUND);
    assert_int_equal(add(&credential, bare_name, SECPKG_CRED_BOTH), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(add(&credential, fake_name, 0), SEC_E_NO_CREDENTIALS);
    assert_int_equal(add(&credential, fake_name, SECPKG_CRED_OUTBOUND), SEC_E_NO_CREDENTIALS);
    assert_int_equal(add(&other, bare_name, SECPKG_CRED_BOTH), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(add(&dead, fake_name, SECPKG_CRED_BOTH), SEC_E_INVALID_HANDLE);
    assert_int_equal(add(NULL, fake_name, SECPKG_CRED_BOTH), SEC_E_INVALID_HANDLE);
    assert_int_equal(script.credentials, 5);
    close_all(&credential, NULL);
    close_all(&other, NULL);
}

/* The first one that fits makes the context, and the tokens of those before it reach nobody. */
static void test_the_next_one_is_tried(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    struct credential *first = script.seen_credential;
    assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    assert_int_equal(add(&credential, fake_name, SECPKG_CRED_BOTH), SEC_E_OK);
    assert_int_equal(add(&credential, fake_name, SECPKG_CRED_BOTH), SEC_E_OK);

    script.refusal = SEC_E_NO_CREDENTIALS;
    script.refusals = 2;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_ptr_not_equal(script.seen_credential, first);
    assert_int_equal(out.buffers[0].cbBuffer, 20);
    assert_int_equal(out.bytes[0], 0xC3);
    assert_null(SspiExtLastReason(NULL));
    assert_int_equal(initiate(&credential, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);

    script.refusals = 3; /* nobody fits */
    CtxtHandle none = {7, 7};
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &none, io_init(&out, 100)), SEC_E_NO_CREDENTIALS);
    assert_int_equal(none.dwLower, 7);
    assert_int_equal(script.refusals, 0);

    script.refusals = 3; /* the token that comes with the first one's refusal is that one's, too */
    assert_int_equal(initiate(&credential, NULL, ISC_REQ_EXTENDED_ERROR, NULL, &none, io_init(&out, 100)),
                     SEC_E_NO_CREDENTIALS);
    assert_int_equal(out.buffers[0].cbBuffer, 9);
    assert_memory_equal(out.bytes, "refused 2", 9);

    script.refusal = SEC_E_INTERNAL_ERROR; /* that is not the identity's fault */
    script.refusals = 2;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &none, io_init(&out, 100)), SEC_E_INTERNAL_ERROR);
    assert_int_equal(script.refusals, 1);

    script.refusal = SEC_E_LOGON_DENIED; /* a client's own, but a server's verdict on its client */
    script.refusals = 1;
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &none, NULL, NULL, NULL), SEC_E_LOGON_DENIED);
    script.refusals = 1;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &none, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(DeleteSecurityContext(&none), SEC_E_OK);

    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_OK);
    assert_int_equal(script.credentials, 1); /* the one that `context` was made with */
    assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    assert_int_equal(script.credentials, 0);
}

static void *free_credential(void *argument)
{
    SECURITY_STATUS status = FreeCredentialsHandle(argument);
    return (void *)(intptr_t)status;
}

/* However many were added, they end without a deep stack. */
static void test_many_added(void **state)
{
    CredHandle credential = acquire(fake_name);
    pthread_attr_t small;
    pthread_t thread;
    void *status = (void *)7;
    for (int i = 0; i < 4000; i++) {
        assert_int_equal(add(&credential, NULL, SECPKG_CRED_BOTH), SEC_E_OK);
    }
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, 128 << 10), 0);
    assert_int_equal(pthread_create(&thread, &small, free_credential, &credential), 0);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal(pthread_attr_destroy(&small), 0);
    assert_int_equal((intptr_t)status, SEC_E_OK);
}

static void test_complete(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    script.status = SEC_I_COMPLETE_AND_CONTINUE;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_COMPLETE_AND_CONTINUE);
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_OK);
    assert_int_equal(script.completed, 1);
    assert_int_equal(CompleteAuthToken(&context, NULL), SEC_E_INVALID_TOKEN);
    out.descriptor.ulVersion = 1;
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_INVALID_TOKEN);
    assert_int_equal(script.completed, 2);
    close_all(&credential, &context);
}

/* Only the acceptor's context stands for somebody, and only once SEC_E_OK was answered: core sees to it. */
static void test_whom_a_context_stands_for(void **state)
{
    struct io out;
    CtxtHandle server;
    CtxtHandle client;
    HANDLE token = NULL;
    SecPkgContext_AccessToken access = {0};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &server, io_init(&out, 100), NULL, NULL),
                     SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QuerySecurityContextToken(&server, &token), SEC_E_NO_IMPERSONATION);
    assert_int_equal(QueryContextAttributesA(&server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_NO_IMPERSONATION);
    assert_int_equal(ImpersonateSecurityContext(&server), SEC_E_NO_IMPERSONATION);
    script.status = SEC_E_OK;
    assert_int_equal(AcceptSecurityContext(NULL, &server, NULL, 0, 0, NULL, io_init(&out, 100), NULL, NULL), SEC_E_OK);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &client, io_init(&out, 100)), SEC_E_OK);
    assert_int_equal(QuerySecurityContextToken(&server, &token), SEC_E_OK);
    assert_true(CloseHandle(token));
    assert_int_equal(QueryContextAttributesA(&server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    assert_non_null(access.AccessToken);
    assert_int_equal(ImpersonateSecurityContext(&server), SEC_E_OK);
    assert_int_equal(utf16_length(token_user(token_current())), 8);
    assert_int_equal(RevertSecurityContext(&server), SEC_E_OK);
    assert_null(token_current());
    script.anonymous = true;
    assert_int_equal(ImpersonateSecurityContext(&server), SEC_E_NO_IMPERSONATION);
    assert_int_equal(QuerySecurityContextToken(&client, &token), SEC_E_NO_IMPERSONATION);
    assert_int_equal(ImpersonateSecurityContext(&client), SEC_E_NO_IMPERSONATION);
    assert_int_equal(DeleteSecurityContext(&client), SEC_E_OK);
    close_all(&credential, &server);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fake_set_up, fake_nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_find),
        TEST(test_package_info_block_is_exact),
        TEST(test_package_info_of_any_context),
        TEST(test_absent_slots),
        TEST(test_foreign_credential_on_a_later_leg),
        TEST(test_credential_lives_as_long_as_its_contexts),
        TEST(test_adding),
        TEST(test_the_next_one_is_tried),
        TEST(test_many_added),
        TEST(test_complete),
        TEST(test_whom_a_context_stands_for),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("package", tests, NULL, NULL);
}
