/* CredSSP's two sides through the public functions, in one process with the library's internals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sspi_ext.h"
#include "support/credssp_ends.h"

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3, SP_PROT_TLS1_1};

static struct ends ends;

static int end(void **state)
{
    ends_free(&ends);
    memset(&ends, 0, sizeof ends);
    return 0;
}

static void handshake(void **state)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        assert_int_equal(credssp_ends_acquire(&ends, versions[i], NULL), SEC_E_OK);
        bool good = ends_shake(&ends);
        if (!good)
            print_message("# %zu: %08x %08x %s\n", i, ends.status[0], ends.status[1], SspiExtLastReason(NULL));
        assert_true(good);
        assert_true(ends_message(&ends, END_CLIENT, "there", 5));
        assert_true(ends_message(&ends, END_SERVER, "and back", 8));
        end(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(handshake, end)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
