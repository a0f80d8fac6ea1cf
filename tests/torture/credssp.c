/* Each allocation of the library fails once while CredSSP's credentials are acquired, the two sides exchange everything there
 * is, tell about it, exchange messages, move into other contexts and close.  It is reported as SEC_E_INSUFFICIENT_MEMORY, or nothing is lost by it;
 * nothing leaks, and the next exchange is a good one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "sspi_ext.h"
#include "support/credssp_ends.h"
#include "torture/memory.h"

#define MOST 20000

static const struct scene {
    const char *name;
    DWORD protocols;
} scenes[] = {{"TLS 1.2", SP_PROT_TLS1_2}, {"TLS 1.3", SP_PROT_TLS1_3}};

static struct ends ends;

static SECURITY_STATUS use(void)
{
    CtxtHandle *server = &ends.contexts[END_SERVER], *client = &ends.contexts[END_CLIENT];
    SecPkgContext_ClientCreds creds;
    SecPkgContext_Flags flags;
    SecPkgContext_NamesA names;
    SECURITY_STATUS status = QueryContextAttributesA(server, SECPKG_ATTR_CREDS, &creds);
    if (status != SEC_E_OK) {
        return status;
    }
    FreeContextBuffer(creds.AuthBuffer);
    status = QueryContextAttributesA(server, SECPKG_ATTR_NAMES, &names);
    if (status != SEC_E_OK) {
        return status;
    }
    FreeContextBuffer(names.sUserName);
    status = QueryContextAttributesA(client, SECPKG_ATTR_SERVER_AUTH_FLAGS, &flags);
    status = status < 0 ? status : ImpersonateSecurityContext(server);
    if (status == SEC_E_OK) {
        SEC_CHAR ntlm[] = "NTLM";
        CredHandle credential;
        status = AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL);
        if (status == SEC_E_OK) {
            FreeCredentialsHandle(&credential);
        }
        SECURITY_STATUS reverted = RevertSecurityContext(server);
        status = status < 0 ? status : reverted;
    }
    return status;
}

/* A side goes on in another context (ExportSecurityContext). */
static SECURITY_STATUS move_on(CtxtHandle *context)
{
    static SEC_CHAR package[] = CREDSSP_NAME_A;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    CtxtHandle moved;
    SECURITY_STATUS status = ExportSecurityContext(context, 0, &packed, NULL);
    if (status == SEC_E_OK) {
        status = ImportSecurityContextA(package, &packed, NULL, &moved);
        (void)FreeContextBuffer(packed.pvBuffer);
    }
    if (status == SEC_E_OK) {
        status = DeleteSecurityContext(context);
        *context = moved;
    }
    return status;
}

static SECURITY_STATUS talk(void)
{
    for (int side = 0; side < 2; side++) {
        if (!ends_message(&ends, side, "a message", 9)) {
            return memory_has_failed() ? SEC_E_INSUFFICIENT_MEMORY : SEC_E_INTERNAL_ERROR;
        }
    }
    return SEC_E_OK;
}

static SECURITY_STATUS play(const struct scene *scene)
{
    memset(&ends, 0, sizeof ends);
    SECURITY_STATUS status = credssp_ends_acquire(&ends, scene->protocols, NULL);
    if (status != SEC_E_OK) {
        return status;
    }
    if (!ends_shake(&ends)) {
        return ends.status[0] < 0 ? ends.status[0] : ends.status[1] < 0 ? ends.status[1] : SEC_E_INTERNAL_ERROR;
    }
    status = use();
    status = status == SEC_E_OK ? talk() : status;
    for (int side = 0; side < 2 && status == SEC_E_OK; side++) {
        status = move_on(&ends.contexts[side]);
    }
    return status == SEC_E_OK ? talk() : status;
}

static void library_allocations(void **state)
{
    for (size_t s = 0; s < sizeof scenes / sizeof scenes[0]; s++) {
        for (int i = 0; i < 2; i++) { /* fill what is kept */
            assert_int_equal(play(&scenes[s]), SEC_E_OK);
            ends_free(&ends);
        }
        size_t live = memory_live();
        unsigned long n = 1, wrong = 0;
        for (bool failed = true; failed && n < MOST; n++) {
            memory_fail_at(n);
            SECURITY_STATUS status = play(&scenes[s]);
            failed = memory_has_failed();
            memory_fail_at(0);
            ends_free(&ends);
            bool good = status == SEC_E_OK || (status == SEC_E_INSUFFICIENT_MEMORY && failed);
            if (!good || memory_live() != live) {
                print_message("# %s: allocation %lu: %08x, %zd blocks more\n", scenes[s].name, n, (unsigned)status,
                              (ptrdiff_t)(memory_live() - live));
                live = memory_live();
                wrong++;
            }
        }
        print_message("# %s: %lu allocations\n", scenes[s].name, n - 2);
        assert_int_equal(wrong, 0);
        assert_true(n > 50 && n < MOST);
        assert_int_equal(play(&scenes[s]), SEC_E_OK);
        ends_free(&ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(library_allocations)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
