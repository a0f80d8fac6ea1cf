/* What a server makes of a PAC, with the n-th allocation of the library failing, for every n; libkrb5's own are not the library's. */
#include "support/pac_ticket.h"

#include <stdlib.h>

#include "core/token.h"
#include "kerberos/context.h"
#include "torture/memory.h"

#define MOST 500

/* A context with the ticket's PAC, the token of its client, and both again from the exported context. */
static SECURITY_STATUS live(struct pac_ticket *f, struct kerberos_context **context, struct context **copy,
                            struct token **token)
{
    const struct logon_keys keys = {.keytab = f->keytab};
    AUTO_UTF16 account = UTF16_NONE;
    TRY(kerberos_context_new(false, 0, NULL, context));
    TRY(logon_of_ticket(f->krb, &f->ticket, &keys, &account, &(*context)->logon));
    TRY(kerberos_take_names(*context, f->krb, f->client, f->service, account));
    (*context)->key = (struct kerberos_key){.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .size = 32};
    (*context)->profile = enctype_profile((*context)->key.enctype);
    struct step_out nowhere = {.token = NULL};
    kerberos_establish(*context, &nowhere);
    TRY(kerberos_impersonate(&(*context)->base, token));
    AUTO_WRITER out = write_growing(65536);
    TRY(kerberos_export(&(*context)->base, 0, &out));
    return kerberos_import(write_result(&out), copy);
}

static SECURITY_STATUS life_without(struct pac_ticket *f, unsigned long n, bool *out_failed)
{
    struct kerberos_context *context = NULL;
    struct context *copy = NULL;
    struct token *token = NULL;
    status_begin();
    memory_fail_at(n);
    SECURITY_STATUS status = live(f, &context, &copy, &token);
    *out_failed = memory_has_failed();
    memory_fail_at(0);
    assert_true(status != SEC_E_OK || (context->logon != NULL && ((struct kerberos_context *)copy)->logon != NULL));
    token_drop(token);
    if (copy != NULL) {
        kerberos_dispose(copy);
    }
    if (context != NULL) {
        kerberos_dispose(&context->base);
    }
    return status;
}

static void without_memory(void **state)
{
    struct pac_ticket *f = *state;
    bool failed = false;
    unsigned long n = 1;
    pac_ticket_give(f, f->server_key, f->client, f->part.times.authtime, &pac_logon_buffer);
    assert_int_equal(life_without(f, 0, &failed), SEC_E_OK);
    size_t before = memory_live();
    for (; n < MOST; n++) {
        SECURITY_STATUS status = life_without(f, n, &failed);
        if (!failed) {
            assert_int_equal(status, SEC_E_OK);
            break;
        }
        assert_int_equal(status, SEC_E_INSUFFICIENT_MEMORY);
        assert_int_equal(memory_live(), before);
    }
    print_message("# %lu allocations\n", n - 1);
    assert_in_range(n, 8, MOST - 1);
    krb5_free_authdata(f->krb, f->part.authorization_data);
    f->part.authorization_data = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_memory, pac_ticket_open, pac_ticket_close)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_pac", tests, NULL, NULL);
}
