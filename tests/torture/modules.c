/* Each allocation of the library fails once while a module is loaded, its package enumerated, described and used to its end,
 * and the module unloaded.  The call says SEC_E_INSUFFICIENT_MEMORY, or nothing is lost by it; nothing leaks but what a
 * loaded module keeps for ever (module/module.h), and the next module is a good one.
 *
 *     torture_modules PACKAGE     the example's, which is copied to where its owner may vouch for it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/policy.h"
#include "security.h"
#include "torture/memory.h"

#define MOST 2000

#define RUN(call)                                                                                                      \
    do {                                                                                                               \
        SECURITY_STATUS run_status_ = (call);                                                                          \
        if (run_status_ < 0) {                                                                                         \
            return run_status_;                                                                                        \
        }                                                                                                              \
    } while (0)

static const char *example;
static char folder[] =
    "/tmp/sspi-torture-XXXXXX"; /* /tmp is sticky: others can write there, and not touch what is ours */
static char module[PATH_MAX];
static char name[] = "Example";
static WCHAR wide_module[PATH_MAX];

enum { CLIENT, SERVER };

static CredHandle credentials[2];
static CtxtHandle contexts[2];
static bool has_credential[2], has_context[2], loaded;

/* ---------------------------------------------------------------- a module's life */

static SECURITY_STATUS load(bool wide)
{
    SECURITY_STATUS status = wide ? AddSecurityPackageW(wide_module, NULL) : AddSecurityPackageA(module, NULL);
    loaded = status == SEC_E_OK;
    return status;
}

static SECURITY_STATUS describe(void)
{
    ULONG count = 0;
    PSecPkgInfoA all = NULL, one = NULL;
    PSecPkgInfoW wide = NULL;
    RUN(EnumerateSecurityPackagesA(&count, &all));
    (void)FreeContextBuffer(all);
    RUN(EnumerateSecurityPackagesW(&count, &wide));
    (void)FreeContextBuffer(wide);
    RUN(QuerySecurityPackageInfoA(name, &one));
    (void)FreeContextBuffer(one);
    return SEC_E_OK;
}

static SECURITY_STATUS acquire(int side)
{
    static unsigned char user[] = "anna", password[] = "opensesame";
    SEC_WINNT_AUTH_IDENTITY_A identity = {.User = user,
                                          .UserLength = sizeof user - 1,
                                          .Password = password,
                                          .PasswordLength = sizeof password - 1,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    SecPkgCredentials_NamesA names;
    RUN(AcquireCredentialsHandleA(name, name, side == CLIENT ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND, NULL,
                                  &identity, NULL, NULL, &credentials[side], NULL));
    has_credential[side] = true;
    RUN(QueryCredentialsAttributesA(&credentials[side], SECPKG_CRED_ATTR_NAMES, &names));
    (void)FreeContextBuffer(names.sUserName);
    return SEC_E_OK;
}

/* A leg whose token the library allocates. */
static SECURITY_STATUS leg(int side, const SecBuffer *given, SecBuffer *out)
{
    static SEC_CHAR target[] = "host/elsewhere";
    SecBuffer in = *given;
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, out};
    CtxtHandle *old = has_context[side] ? &contexts[side] : NULL;
    ULONG flags = 0;
    *out = (SecBuffer){0, SECBUFFER_TOKEN, NULL};
    SECURITY_STATUS status =
        side == CLIENT
            ? InitializeSecurityContextA(&credentials[side], old, target, ISC_REQ_INTEGRITY | ISC_REQ_ALLOCATE_MEMORY,
                                         0, 0, &input, 0, &contexts[side], &output, &flags, NULL)
            : AcceptSecurityContext(&credentials[side], old, &input, ASC_REQ_ALLOCATE_MEMORY, 0, &contexts[side],
                                    &output, &flags, NULL);
    has_context[side] = has_context[side] || status >= 0;
    return status;
}

static SECURITY_STATUS log_on(void)
{
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SECURITY_STATUS status[2] = {SEC_I_CONTINUE_NEEDED, SEC_I_CONTINUE_NEEDED};
    for (int side = CLIENT, legs = 0; legs < 6; side = 1 - side, legs++) {
        SecBuffer out;
        status[side] = leg(side, &token, &out);
        (void)FreeContextBuffer(token.pvBuffer);
        token = out;
        if (status[side] < 0 || (status[0] == SEC_E_OK && status[1] == SEC_E_OK)) {
            break;
        }
    }
    (void)FreeContextBuffer(token.pvBuffer);
    RUN(status[CLIENT]);
    RUN(status[SERVER]);
    return status[CLIENT] == SEC_E_OK && status[SERVER] == SEC_E_OK ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}

static SECURITY_STATUS ask(int side)
{
    CtxtHandle *context = &contexts[side];
    SecPkgContext_Sizes sizes;
    SecPkgContext_NamesA names;
    SecPkgContext_NamesW wide_names;
    SecPkgContext_KeyInfoA keys;
    SecPkgContext_PackageInfoA info;
    RUN(QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes));
    RUN(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names));
    (void)FreeContextBuffer(names.sUserName);
    RUN(QueryContextAttributesW(context, SECPKG_ATTR_NAMES, &wide_names));
    (void)FreeContextBuffer(wide_names.sUserName);
    RUN(QueryContextAttributesA(context, SECPKG_ATTR_KEY_INFO, &keys));
    (void)FreeContextBuffer(keys.sSignatureAlgorithmName);
    (void)FreeContextBuffer(keys.sEncryptAlgorithmName);
    RUN(QueryContextAttributesA(context, SECPKG_ATTR_PACKAGE_INFO, &info));
    (void)FreeContextBuffer(info.PackageInfo);
    return SEC_E_OK;
}

static SECURITY_STATUS message(int from)
{
    unsigned char text[] = "a message", signature[32];
    ULONG qop = 0;
    SecBuffer buffers[2] = {{sizeof text, SECBUFFER_DATA, text}, {sizeof signature, SECBUFFER_TOKEN, signature}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    RUN(MakeSignature(&contexts[from], 0, &desc, 0));
    return VerifySignature(&contexts[1 - from], &desc, 0, &qop);
}

/* The server's end goes on in another context. */
static SECURITY_STATUS move_on(void)
{
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    CtxtHandle again;
    RUN(ExportSecurityContext(&contexts[SERVER], SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL));
    has_context[SERVER] = false;
    SECURITY_STATUS status = ImportSecurityContextA(name, &packed, NULL, &again);
    (void)FreeContextBuffer(packed.pvBuffer);
    if (status == SEC_E_OK) {
        contexts[SERVER] = again;
        has_context[SERVER] = true;
    }
    return status;
}

static SECURITY_STATUS stand_for_the_client(void)
{
    HANDLE token = NULL;
    RUN(ImpersonateSecurityContext(&contexts[SERVER]));
    SECURITY_STATUS status = RevertSecurityContext(&contexts[SERVER]);
    RUN(status);
    RUN(QuerySecurityContextToken(&contexts[SERVER], &token));
    (void)CloseHandle(token);
    return SEC_E_OK;
}

static SECURITY_STATUS play(bool wide)
{
    RUN(load(wide));
    RUN(describe());
    RUN(acquire(CLIENT));
    RUN(acquire(SERVER));
    RUN(log_on());
    for (int side = CLIENT; side <= SERVER; side++) {
        RUN(ask(side));
        RUN(message(side));
    }
    RUN(stand_for_the_client());
    RUN(move_on());
    return message(CLIENT);
}

/* Ends what there is; nothing here may fail, whatever was refused before.  Whether the module was there. */
static bool tidy(void)
{
    bool was = loaded;
    for (int side = CLIENT; side <= SERVER; side++) {
        if (has_context[side]) {
            assert_int_equal(DeleteSecurityContext(&contexts[side]), SEC_E_OK);
        }
        if (has_credential[side]) {
            assert_int_equal(FreeCredentialsHandle(&credentials[side]), SEC_E_OK);
        }
        has_context[side] = has_credential[side] = false;
    }
    if (loaded) {
        assert_int_equal(DeleteSecurityPackageA(name), SEC_E_OK);
    }
    assert_int_equal(DeleteSecurityPackageA(name), SEC_E_SECPKG_NOT_FOUND);
    loaded = false;
    return was;
}

/* ---------------------------------------------------------------- the test */

static void each_allocation(bool wide)
{
    size_t kept = 0; /* by a module that was loaded, for ever */
    for (int i = 0; i < 3; i++) {
        size_t before = memory_live();
        assert_int_equal(play(wide), SEC_E_OK);
        assert_true(tidy());
        kept = memory_live() - before; /* the first rounds fill what is kept otherwise */
    }
    assert_in_range(kept, 1, 4);
    unsigned long n = 1, wrong = 0;
    for (bool failed = true; failed && n < MOST; n++) {
        size_t before = memory_live();
        memory_fail_at(n);
        SECURITY_STATUS status = play(wide);
        failed = memory_has_failed();
        memory_fail_at(0);
        size_t expected = before + (tidy() ? kept : 0);
        bool good = status == SEC_E_OK || (status == SEC_E_INSUFFICIENT_MEMORY && failed);
        if (!good || memory_live() != expected) {
            print_message("# allocation %lu: %08x, %zd blocks more\n", n, (unsigned)status,
                          (ptrdiff_t)(memory_live() - expected));
            wrong++;
        }
    }
    print_message("# %lu allocations\n", n - 2);
    assert_int_equal(wrong, 0);
    assert_true(n > 20 && n < MOST);
    assert_int_equal(play(wide), SEC_E_OK);
    assert_true(tidy());
}

static void by_a_narrow_path(void **state)
{
    each_allocation(false);
}

static void by_a_wide_path(void **state)
{
    each_allocation(true);
}

static void copy_module(void)
{
    char data[65536];
    int in = open(example, O_RDONLY), out = open(module, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t size = read(in, data, sizeof data); size != 0; size = read(in, data, sizeof data)) {
        assert_true(size > 0 && write(out, data, (size_t)size) == size);
    }
    close(in);
    close(out);
}

static int prepare(void **state)
{
    static struct policy policy;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(NULL, NULL, NULL, NULL), SEC_E_INVALID_TOKEN); /* the module's */
    SspiLocalFree(NULL);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(module, sizeof module, "%s/module.so", folder);
    copy_module();
    for (size_t i = 0; module[i] != '\0'; i++) {
        wide_module[i] = (WCHAR)(unsigned char)module[i];
    }
    policy_defaults(&policy);
    policy.kerberos_enabled = false;
    (void)snprintf(policy.packages_allow, sizeof policy.packages_allow, "%s", folder);
    policy_override(&policy);
    return 0;
}

static int clean_up(void **state)
{
    (void)unlink(module);
    (void)rmdir(folder);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_a_narrow_path), cmocka_unit_test(by_a_wide_path)};
    if (argc != 2) {
        return 99;
    }
    example = argv[1];
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("modules", tests, prepare, clean_up);
}
