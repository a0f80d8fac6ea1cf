/* What programs share between threads and close when they like: handles of CryptoAPI, key containers, credentials that others
 * are added to while contexts begin with them.   added [THREADS ROUNDS] */
#include "threads/threads.h"

#include <windows.h>

#include <wincrypt.h>

unsigned thread_count = 4;
unsigned round_count = 400;

#define SHARED 4

/* ---------------------------------------------------------------- handles of CryptoAPI */

struct handles {
    _Atomic(ULONG_PTR) providers[SHARED], hashes[SHARED];
};

/* A call of a handle that another thread may have closed: done, or told so. */
static void may(struct crew *crew, BOOL done)
{
    DWORD error = GetLastError();
    if (!done && error != ERROR_INVALID_HANDLE) {
        crew_wrong(crew, (SECURITY_STATUS)error);
    }
}

static void use_handles(struct worker *worker)
{
    struct handles *work = worker->crew->work;
    unsigned seed = worker->number + 1;
    for (unsigned round = 0; round < round_count; round++) {
        unsigned at = (unsigned)rand_r(&seed) % SHARED;
        HCRYPTPROV provider = atomic_load(&work->providers[at]), fresh = 0;
        HCRYPTHASH hash = 0, old;
        BYTE value[32];
        DWORD size = sizeof value;
        may(worker->crew, CryptCreateHash(provider, CALG_SHA_256, 0, 0, &hash));
        old = hash != 0 ? atomic_exchange(&work->hashes[at], hash) : 0;
        if (old != 0) {
            may(worker->crew, CryptDestroyHash(old));
        }
        hash = atomic_load(&work->hashes[(at + 1) % SHARED]);
        if (!CryptHashData(hash, value, 0, 0)) {
            DWORD error = GetLastError();
            (void)crew_expect(worker->crew, SEC_E_OK,
                              error == ERROR_INVALID_HANDLE || error == (DWORD)NTE_BAD_HASH_STATE
                                  ? SEC_E_OK
                                  : (SECURITY_STATUS)error);
        }
        may(worker->crew, CryptGetHashParam(hash, HP_HASHVAL, value, &size, 0));
        if (round % 3 == 0) {
            may(worker->crew, CryptAcquireContextA(&fresh, NULL, NULL, PROV_RSA_AES, CRYPT_VERIFYCONTEXT));
            provider = atomic_exchange(&work->providers[at], fresh);
            may(worker->crew, CryptReleaseContext(provider, 0));
            may(worker->crew,
                CryptReleaseContext(provider, 0)); /* once too often: nothing, or what somebody just got */
        }
    }
}

static void handles_of_cryptoapi(void **state)
{
    struct handles work = {0};
    for (unsigned i = 0; i < SHARED; i++) {
        HCRYPTPROV provider = 0;
        assert_true(CryptAcquireContextA(&provider, NULL, NULL, PROV_RSA_AES, CRYPT_VERIFYCONTEXT));
        work.providers[i] = provider;
    }
    struct crew crew = {.work = &work};
    crew_run(&crew, thread_count, use_handles, NULL);
    for (unsigned i = 0; i < SHARED; i++) {
        (void)CryptReleaseContext(work.providers[i], 0);
        (void)CryptDestroyHash(work.hashes[i]);
        assert_false(CryptReleaseContext(work.providers[i], 0));
        assert_false(CryptDestroyHash(work.hashes[i]));
    }
}

/* ---------------------------------------------------------------- containers */

static void use_container(struct worker *worker)
{
    for (unsigned round = 0; round < round_count; round++) {
        HCRYPTPROV provider = 0;
        DWORD how = (worker->number + round) % 3 == 0   ? CRYPT_NEWKEYSET
                    : (worker->number + round) % 3 == 1 ? CRYPT_DELETEKEYSET
                                                        : 0;
        BOOL done = CryptAcquireContextA(&provider, "everybody's", NULL, PROV_RSA_FULL, how);
        DWORD error = GetLastError();
        if (!done && error != (DWORD)NTE_EXISTS && error != (DWORD)NTE_BAD_KEYSET) {
            crew_wrong(worker->crew, (SECURITY_STATUS)error);
        }
        if (done && how != CRYPT_DELETEKEYSET && !CryptReleaseContext(provider, 0)) {
            crew_wrong(worker->crew, (SECURITY_STATUS)GetLastError());
        }
    }
}

static void one_container(void **state)
{
    struct crew crew = {.work = NULL};
    HCRYPTPROV provider = 0;
    crew_run(&crew, thread_count, use_container, NULL);
    (void)CryptAcquireContextA(&provider, "everybody's", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET);
    assert_false(CryptAcquireContextA(&provider, "everybody's", NULL, PROV_RSA_FULL, 0));
    assert_int_equal(GetLastError(), (DWORD)NTE_BAD_KEYSET);
}

/* ---------------------------------------------------------------- AddCredentials */

struct adding {
    CredHandle credential; /* of Negotiate, without a package at first */
    atomic_uint added;
};

static SEC_WINNT_AUTH_IDENTITY_EXW identity_of(const WCHAR *list)
{
    return (SEC_WINNT_AUTH_IDENTITY_EXW){
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof(SEC_WINNT_AUTH_IDENTITY_EXW),
        .User = (unsigned short *)(uintptr_t)u"User",
        .UserLength = 4,
        .Password = (unsigned short *)(uintptr_t)u"Password",
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
        .PackageList = (unsigned short *)(uintptr_t)list,
        .PackageListLength = list != NULL ? 5 : 0,
    };
}

/* Even workers add NTLM, odd ones begin contexts until it is there: either there is no package yet, or all of it is. */
static void add_or_begin(struct worker *worker)
{
    struct adding *work = worker->crew->work;
    SEC_WINNT_AUTH_IDENTITY_EXW identity = identity_of(NULL);
    SECURITY_STATUS status = SEC_E_NO_CREDENTIALS;
    if (worker->number % 2 == 0) {
        status = AddCredentialsW(&work->credential, NULL, (WCHAR *)(uintptr_t)u"NTLM", SECPKG_CRED_OUTBOUND, &identity,
                                 NULL, NULL, NULL);
        atomic_fetch_add(&work->added, status == SEC_E_OK ? 1 : 0);
        (void)crew_expect(worker->crew, SEC_E_OK, status == SEC_E_UNSUPPORTED_FUNCTION ? SEC_E_OK : status);
        return;
    }
    while (status == SEC_E_NO_CREDENTIALS && atomic_load(&worker->crew->wrong) == 0) {
        unsigned char bytes[4096];
        SecBuffer token = {sizeof bytes, SECBUFFER_TOKEN, bytes};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &token};
        CtxtHandle context;
        ULONG attributes;
        status = InitializeSecurityContextW(&work->credential, NULL, NULL, 0, 0, 0, NULL, 0, &context, &output,
                                            &attributes, NULL);
        if (status >= 0) {
            (void)crew_expect(worker->crew, SEC_E_OK, DeleteSecurityContext(&context));
        }
    }
    (void)crew_expect(worker->crew, SEC_I_CONTINUE_NEEDED, status);
}

static void added_amid_contexts(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW nobody = identity_of(u"!ntlm");
    for (unsigned round = 0; round < round_count / 4; round++) {
        struct adding work = {.added = 0};
        assert_int_equal(AcquireCredentialsHandleW(NULL, (WCHAR *)(uintptr_t)u"Negotiate", SECPKG_CRED_OUTBOUND, NULL,
                                                   &nobody, NULL, NULL, &work.credential, NULL),
                         SEC_E_OK);
        struct crew crew = {.work = &work};
        crew_run(&crew, thread_count, add_or_begin, NULL);
        assert_int_equal(atomic_load(&work.added), 1); /* of the others each is told that it is there */
        assert_int_equal(FreeCredentialsHandle(&work.credential), SEC_E_OK);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_of_cryptoapi),
        cmocka_unit_test(one_container),
        cmocka_unit_test(added_amid_contexts),
    };
    take_arguments(argc, argv);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("threads added", tests, NULL, NULL);
}
