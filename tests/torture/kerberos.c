/* Kerberos with the n-th allocation of the library failing, for every n: the call says so, nothing leaks, and the next life is
 * good.  tests/support/realm.py runs this program; libkrb5's own allocations are not the library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <windows.h>

#include <security.h>

#include <sspi_ext.h>

#include "torture/memory.h"

#define MOST       2000
#define TOKEN_SIZE 16384
#define SERVICE    "HTTP/delegate.sspi.test"
#define FLAGS      (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT)

#define RUN(call)                                                                                                      \
    do {                                                                                                               \
        SECURITY_STATUS status_ = (call);                                                                              \
        if (status_ < 0) {                                                                                             \
            return status_;                                                                                            \
        }                                                                                                              \
    } while (0)

struct life {
    CredHandle credentials[2];
    CtxtHandle contexts[3];
    void *blocks[16];
    size_t credential_count, context_count, block_count;
    bool impersonating;
    unsigned char token[3][TOKEN_SIZE];
};

static void keep(struct life *life, void *block)
{
    life->blocks[life->block_count++] = block;
}

/* Which life it is. */
struct way {
    const char *package, *target;
    ULONG flags;
    bool password; /* the client has a name and a password, not tickets */
    bool user;     /* the server has, and no keys */
};

static SECURITY_STATUS acquire(struct life *life, const struct way *way)
{
    char package[16], user[] = "bob", domain[] = "SSPI.TEST", secret[] = "bob secret";
    SEC_WINNT_AUTH_IDENTITY_A identity = {(unsigned char *)user,   3,  (unsigned char *)domain,     9,
                                          (unsigned char *)secret, 10, SEC_WINNT_AUTH_IDENTITY_ANSI};
    (void)strcpy(package, way->package);
    RUN(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, way->password ? &identity : NULL, NULL,
                                  NULL, &life->credentials[0], NULL));
    life->credential_count = 1;
    RUN(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, way->user ? &identity : NULL, NULL, NULL,
                                  &life->credentials[1], NULL));
    life->credential_count = 2;
    return SEC_E_OK;
}

/* One leg of either side. */
static SECURITY_STATUS leg(struct life *life, const struct way *way, size_t side, ULONG *sizes, bool first)
{
    char target[64];
    ULONG returned;
    SecBuffer in = {sizes[1 - side], SECBUFFER_TOKEN, life->token[1 - side]};
    SecBuffer out = {TOKEN_SIZE, SECBUFFER_TOKEN, life->token[side]};
    SecBufferDesc given = {SECBUFFER_VERSION, 1, &in}, answer = {SECBUFFER_VERSION, 1, &out};
    CtxtHandle *context = first ? NULL : &life->contexts[side];
    (void)strcpy(target, way->target);
    SECURITY_STATUS status =
        side == 0 ? InitializeSecurityContextA(&life->credentials[0], context, target, way->flags, 0, 0,
                                               first ? NULL : &given, 0, &life->contexts[0], &answer, &returned, NULL)
                  : AcceptSecurityContext(&life->credentials[1], context, &given, ASC_REQ_EXTENDED_ERROR, 0,
                                          &life->contexts[1], &answer, &returned, NULL);
    life->context_count += status >= 0 && first ? 1 : 0;
    sizes[side] = status >= 0 ? out.cbBuffer : 0;
    return status;
}

static SECURITY_STATUS establish(struct life *life, const struct way *way)
{
    ULONG sizes[2] = {0, 0};
    SECURITY_STATUS last[2] = {SEC_I_CONTINUE_NEEDED, SEC_I_CONTINUE_NEEDED};
    for (int i = 0; i < 12 && (last[0] != SEC_E_OK || last[1] != SEC_E_OK); i++) {
        size_t side = (size_t)i % 2;
        last[side] = leg(life, way, side, sizes, i < 2);
        RUN(last[side]);
    }
    return last[0] == SEC_E_OK && last[1] == SEC_E_OK ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}

static SECURITY_STATUS messages(struct life *life)
{
    unsigned char data[100] = "to be sealed", token[128];
    SecBuffer at[2] = {{sizeof token, SECBUFFER_TOKEN, token}, {sizeof data, SECBUFFER_DATA, data}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    RUN(EncryptMessage(&life->contexts[0], 0, &all, 0));
    RUN(DecryptMessage(&life->contexts[1], &all, 0, NULL));
    at[0].cbBuffer = sizeof token;
    RUN(MakeSignature(&life->contexts[1], 0, &all, 0));
    return VerifySignature(&life->contexts[0], &all, 0, NULL);
}

static SECURITY_STATUS attributes(struct life *life)
{
    SecPkgContext_NamesA names;
    SecPkgContext_NativeNamesW native;
    SecPkgContext_SessionKey key;
    SecPkgCredentials_NamesA owner;
    RUN(QueryContextAttributesA(&life->contexts[1], SECPKG_ATTR_NAMES, &names));
    keep(life, names.sUserName);
    RUN(QueryContextAttributesW(&life->contexts[0], SECPKG_ATTR_NATIVE_NAMES, &native));
    keep(life, native.sClientName);
    keep(life, native.sServerName);
    RUN(QueryContextAttributesA(&life->contexts[0], SECPKG_ATTR_SESSION_KEY, &key));
    keep(life, key.SessionKey);
    RUN(QueryCredentialsAttributesA(&life->credentials[0], SECPKG_CRED_ATTR_NAMES, &owner));
    keep(life, owner.sUserName);
    return SEC_E_OK;
}

static SECURITY_STATUS moving(struct life *life, const struct way *way)
{
    char package[16];
    (void)strcpy(package, way->package);
    SecBuffer packed = {0};
    RUN(ExportSecurityContext(&life->contexts[0], 0, &packed, NULL));
    keep(life, packed.pvBuffer);
    RUN(ImportSecurityContextA(package, &packed, NULL, &life->contexts[2]));
    life->context_count = 3;
    RUN(ImpersonateSecurityContext(&life->contexts[1]));
    life->impersonating = true;
    return SEC_E_OK;
}

static SECURITY_STATUS live(struct life *life, const struct way *way)
{
    RUN(acquire(life, way));
    RUN(establish(life, way));
    RUN(messages(life));
    RUN(attributes(life));
    return moving(life, way);
}

static void bury(struct life *life)
{
    if (life->impersonating) {
        assert_int_equal(RevertSecurityContext(&life->contexts[1]), SEC_E_OK);
    }
    for (size_t i = 0; i < life->block_count; i++) {
        assert_int_equal(FreeContextBuffer(life->blocks[i]), SEC_E_OK);
    }
    for (size_t i = 0; i < life->context_count; i++) {
        assert_int_equal(DeleteSecurityContext(&life->contexts[i]), SEC_E_OK);
    }
    for (size_t i = 0; i < life->credential_count; i++) {
        assert_int_equal(FreeCredentialsHandle(&life->credentials[i]), SEC_E_OK);
    }
}

static SECURITY_STATUS life_without(unsigned long n, const struct way *way, bool *out_failed)
{
    static struct life life;
    memset(&life, 0, sizeof life);
    memory_fail_at(n);
    SECURITY_STATUS status = live(&life, way);
    *out_failed = memory_has_failed();
    memory_fail_at(0);
    bury(&life);
    return status;
}

/* The count when nothing is under way any more: the least of many looks. */
static size_t settled(void)
{
    const struct timespec moment = {0, 1000000};
    size_t least = memory_live();
    for (int i = 0; i < 100; i++) {
        (void)nanosleep(&moment, NULL);
        least = memory_live() < least ? memory_live() : least;
    }
    return least;
}

/* The thread that asked the KDC ends a moment after its answer was taken: what it holds is gone when the count is right again,
 * and a count that never gets right is a leak. */
static bool all_gone(size_t before)
{
    const struct timespec moment = {0, 1000000};
    for (int i = 0; i < 2000 && memory_live() != before; i++) {
        (void)nanosleep(&moment, NULL);
    }
    return memory_live() == before;
}

static void torture(const struct way *way)
{
    bool failed = false;
    unsigned wrong = 0, without = 0;
    unsigned long n = 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(life_without(0, way, &failed), SEC_E_OK);
    }
    size_t before = settled();
    for (; n < MOST; n++) {
        SECURITY_STATUS status = life_without(n, way, &failed);
        if (!failed) {
            assert_int_equal(status, SEC_E_OK);
            break;
        }
        without += status == SEC_E_OK;
        if (status != SEC_E_OK && status != SEC_E_INSUFFICIENT_MEMORY) {
            const char *why = SspiExtLastReason(NULL);
            print_message("# allocation %lu: %s, %s\n", n, SspiExtStatusName(status), why != NULL ? why : "");
            wrong++;
        }
        if (!all_gone(before)) {
            print_message("# allocation %lu: %ld blocks leaked\n", n, (long)memory_live() - (long)before);
            before = memory_live();
            wrong++;
        }
    }
    assert_int_equal(life_without(0, way, &failed), SEC_E_OK);
    print_message("# %lu allocations, %u of them dispensable\n", n - 1, without);
    assert_in_range(n, 20, MOST - 1);
    assert_int_equal(wrong, 0);
}

#define USER "bob@SSPI.TEST"

static const struct way ways[] = {
    {.package = "Kerberos", .target = SERVICE, .flags = FLAGS},
    {.package = "Kerberos", .target = SERVICE, .flags = FLAGS, .password = true},
    {.package = "Kerberos", .target = SERVICE, .flags = FLAGS | ISC_REQ_DELEGATE},
    {.package = "Kerberos", .target = SERVICE, .flags = FLAGS | ISC_REQ_USE_DCE_STYLE},
    {.package = "Kerberos", .target = USER, .flags = FLAGS | ISC_REQ_USE_SESSION_KEY, .user = true},
    {.package = "Kerberos",
     .target = USER,
     .flags = FLAGS | ISC_REQ_USE_DCE_STYLE | ISC_REQ_USE_SESSION_KEY,
     .user = true},
    {.package = "Kerberos", .target = USER, .flags = FLAGS, .user = true}, /* the server asks for user-to-user */
    {.package = "Negotiate", .target = USER, .flags = FLAGS | ISC_REQ_USE_SESSION_KEY, .user = true},
};

static void one_way(void **state)
{
    torture(*state);
}

int main(void)
{
#define WAY(name, number)                                                                                              \
    {                                                                                                                  \
        name, one_way, NULL, NULL, (void *)(uintptr_t)&ways[number]                                                    \
    }
    const struct CMUnitTest tests[] = {WAY("with tickets", 0),
                                       WAY("with a password", 1),
                                       WAY("with delegation", 2),
                                       WAY("in DCE style", 3),
                                       WAY("user-to-user", 4),
                                       WAY("user-to-user, in DCE style", 5),
                                       WAY("a server that wants user-to-user", 6),
                                       WAY("user-to-user within Negotiate", 7)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos", tests, NULL, NULL);
}
