/* What a server reads out of a PAC, against what Samba's own NDR wrote; and which PACs it believes: those that are signed with the
 * key that opened the ticket, for the client that the ticket names. */
#include "vectors/hex.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "kerberos/context.h"
#include "kerberos/logon.h"
#include "kerberos/pac.h"
#include "support/pac_ticket.h"
#include "text/sid.h"
#include "vectors/kv.h"

static void check_sids(const struct kv_record *record, struct bytes list)
{
    char text[SID_TEXT_MAX];
    struct bytes sid;
    uint32_t attributes;
    long count = 0;
    for (; sid_list_next(&list, &attributes, &sid); count++) {
        sid_text(sid, text);
        assert_string_equal(text, kv_text(record, "sid%ld", count));
        bool resource = strstr(text, "-1200") != NULL;
        assert_int_equal(attributes, count == 0 ? 0 : resource ? 0x20000007 : 7);
    }
    assert_int_equal(list.size, 0);
    assert_int_equal(count, kv_number(record, "sids"));
}

static void check_logon(const struct kv_record *record)
{
    struct pac_logon logon;
    assert_int_equal(pac_logon_parse(kv_hex(record, "buffer"), &logon), SEC_E_OK);
    assert_true(utf16_equal(logon.user, kv_utf16(record, "user")));
    assert_true(utf16_equal(logon.domain, kv_utf16(record, "domain")));
    assert_int_equal(logon.user_flags, kv_number(record, "user_flags"));
    assert_int_equal(logon.primary_group, 513);
    assert_true(logon.logoff == CLOCK_NEVER && logon.kickoff == CLOCK_NEVER);
    assert_true(logon.password_must_change == UINT64_C(132436288000000000));
    AUTO_WRITER sids = write_growing(4096);
    assert_int_equal(pac_logon_sids(&logon, &sids), SEC_E_OK);
    check_sids(record, write_result(&sids));
}

static void check_upn(const struct kv_record *record)
{
    struct pac_upn names;
    assert_int_equal(pac_upn_parse(kv_hex(record, "buffer"), &names), SEC_E_OK);
    assert_true(utf16_equal(names.upn, kv_utf16(record, "upn")));
    assert_true(utf16_equal(names.dns_domain, kv_utf16(record, "dns_domain")));
}

static void vectors(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_TREE, PAC_VECTORS, "pac_logon", check_logon), 2);
    assert_int_equal(kv_each(KV_TREE, PAC_VECTORS, "pac_upn", check_upn), 1);
}

static void sids(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"0100 000000000000", "S-1-0"},
        {"0101 000000000005 12000000", "S-1-5-18"},
        {"0101 0000ffffffff ffffffff", "S-1-4294967295-4294967295"},
        {"0101 000100000000 01000000", "S-1-0x000100000000-1"}, /* MS-DTYP 2.4.2.1: beyond 2^32 in hexadecimal */
        {"0201 000000000005 12000000", ""},
        {"0102 000000000005 12000000", ""},
        {"0101 000000000005 1200000000", ""},
        {"", ""},
    };
    char text[SID_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex sid = hex(cases[i].bytes);
        sid_text(HEX_BYTES(sid), text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(sid_is_good(HEX_BYTES(sid)), cases[i].text[0] != '\0');
    }
    uint8_t longest[SID_FIXED_SIZE + 4 * SID_PARTS_MAX];
    memset(longest, 0xff, sizeof longest);
    longest[0] = 1;
    longest[1] = SID_PARTS_MAX;
    sid_text(bytes_of(longest, sizeof longest), text);
    assert_int_equal(strlen(text), strlen("S-1-0xffffffffffff") + SID_PARTS_MAX * strlen("-4294967295"));
}

/* ---------------------------------------------------------------- which are believed */

/* What becomes of a client with it, by the keytab, or as user-to-user by `session`; `out_found`: its PAC told who it is. */
static SECURITY_STATUS judged(struct pac_ticket *f, const krb5_keyblock *session, bool *out_found)
{
    const struct logon_keys keys = {.keytab = session == NULL ? f->keytab : NULL, .session = session};
    struct utf16 account;
    struct kerberos_logon *logon = NULL;
    status_begin();
    SECURITY_STATUS status = logon_of_ticket(f->krb, &f->ticket, &keys, &account, &logon);
    assert_int_equal(status_reason(NULL, NULL, NULL) == NULL, status == SEC_E_OK);
    bool found = logon != NULL;
    assert_int_equal(account.size != 0, found);
    if (found) {
        static const uint16_t expected[] = u"DOM\\alice", upn[] = u"alice@dom.sspi.test", dns[] = u"DOM.SSPI.TEST";
        assert_int_equal(status, SEC_E_OK);
        assert_true(utf16_equal(account, utf16_from_wide(expected)));
        assert_true(utf16_equal(logon_upn(logon), utf16_from_wide(upn)));
        assert_true(utf16_equal(logon_dns_domain(logon), utf16_from_wide(dns)));
        assert_true(logon->password_expiry == UINT64_C(132436288000000000) && logon->logoff == CLOCK_NEVER);
        assert_int_equal(logon_sids(logon).size, 4 * (4 + 28) + (4 + 28) + (4 + 12) + (4 + 28));
    }
    utf16_free(&account);
    free(logon);
    *out_found = found;
    return status;
}

static void believed(struct pac_ticket *f, const krb5_keyblock *session)
{
    bool found;
    assert_int_equal(judged(f, session, &found), SEC_E_OK);
    assert_true(found);
}

static void tells_nothing(struct pac_ticket *f)
{
    bool found;
    assert_int_equal(judged(f, NULL, &found), SEC_E_OK);
    assert_false(found);
}

static void refused(struct pac_ticket *f, const krb5_keyblock *session)
{
    bool found;
    assert_int_equal(judged(f, session, &found), SEC_E_LOGON_DENIED);
}

static void signatures(void **state)
{
    struct pac_ticket *f = *state;
    const krb5_timestamp when = f->part.times.authtime;
    tells_nothing(f); /* no authorization data at all */
    pac_ticket_give(f, f->server_key, f->client, when, &pac_logon_buffer);
    believed(f, NULL);
    believed(f, f->server_key);
    refused(f, f->wrong_key);
    pac_ticket_give(f, f->kdc_key, f->client, when, &pac_logon_buffer);
    refused(f, NULL); /* a KDC's key is not the server's */
    pac_ticket_give(f, f->server_key, f->other, when, &pac_logon_buffer);
    refused(f, NULL); /* another client's (MS-PAC 2.7) */
    pac_ticket_give(f, f->server_key, f->client, when + 1, &pac_logon_buffer);
    refused(f, NULL); /* of another sign-in */
    pac_ticket_give(f, f->server_key, f->client, when, NULL);
    tells_nothing(f); /* without logon information, as MIT's KDCs make them */
    pac_ticket_give(f, f->kdc_key, f->client, when, NULL);
    refused(f, NULL); /* which has to be signed all the same */
    krb5_free_authdata(f->krb, f->part.authorization_data);
    f->part.authorization_data = NULL;
}

/* A bit that changes in a PAC that was good, wherever, is seen; but for the KDC's signature (12 bytes), which the KDC alone can check. */
static void altered(void **state)
{
    struct pac_ticket *f = *state;
    pac_ticket_give(f, f->server_key, f->client, f->part.times.authtime, &pac_logon_buffer);
    krb5_authdata *container = f->part.authorization_data[0];
    size_t head = container->length - pac_logon_buffer.size; /* the PAC's header lies somewhere in it */
    unsigned good = 0;
    for (size_t at = container->length - 1; at > head; at -= 7) {
        bool found;
        container->contents[at] ^= 4;
        SECURITY_STATUS status = judged(f, NULL, &found);
        container->contents[at] ^= 4;
        assert_true(found ? status == SEC_E_OK : status == SEC_E_LOGON_DENIED);
        good += found;
    }
    assert_in_range(good, 1, 2);
    believed(f, NULL);
    krb5_free_authdata(f->krb, f->part.authorization_data);
    f->part.authorization_data = NULL;
}

/* Rightly signed, and not to be read; and what is no PAC. */
static void unreadable(void **state)
{
    struct pac_ticket *f = *state;
    struct hex bad = pac_logon_buffer;
    bool found;
    bad.size -= 40;
    pac_ticket_give(f, f->server_key, f->client, f->part.times.authtime, &bad);
    assert_int_equal(judged(f, NULL, &found), SEC_E_INVALID_TOKEN);
    krb5_octet nothing[] = {1, 2, 3};
    krb5_authdata element = {.ad_type = KRB5_AUTHDATA_WIN2K_PAC, .length = sizeof nothing, .contents = nothing};
    krb5_authdata *list[2] = {&element, NULL};
    krb5_free_authdata(f->krb, f->part.authorization_data);
    assert_int_equal(
        krb5_encode_authdata_container(f->krb, KRB5_AUTHDATA_IF_RELEVANT, list, &f->part.authorization_data), 0);
    refused(f, NULL);
    krb5_free_authdata(f->krb, f->part.authorization_data);
    f->part.authorization_data = NULL;
}

/* A session's account and groups move with it (ExportSecurityContext), and a spoilt one is refused. */
static void moved(void **state)
{
    struct pac_ticket *f = *state;
    const struct logon_keys keys = {.session = f->server_key};
    struct kerberos_context *context = NULL, *copy = NULL;
    struct context *imported = NULL;
    AUTO_UTF16 account = UTF16_NONE;
    uint8_t blob[4096];
    pac_ticket_give(f, f->server_key, f->client, f->part.times.authtime, &pac_logon_buffer);
    assert_int_equal(kerberos_context_new(false, 0, NULL, &context), SEC_E_OK);
    assert_int_equal(logon_of_ticket(f->krb, &f->ticket, &keys, &account, &context->logon), SEC_E_OK);
    assert_int_equal(kerberos_take_names(context, f->krb, f->client, f->service, account), SEC_E_OK);
    context->key = (struct kerberos_key){.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .size = 32};
    context->profile = enctype_profile(context->key.enctype);
    struct step_out nowhere = {.token = NULL};
    kerberos_establish(context, &nowhere);
    struct writer out = write_into(blob, sizeof blob);
    assert_int_equal(kerberos_export(&context->base, 0, &out), SEC_E_OK);
    assert_int_equal(kerberos_import(write_result(&out), &imported), SEC_E_OK);
    copy = (struct kerberos_context *)imported;
    assert_non_null(copy->logon);
    assert_true(utf16_equal(kerberos_account(copy), account));
    assert_true(utf16_equal(logon_upn(copy->logon), logon_upn(context->logon)));
    assert_true(utf16_equal(logon_dns_domain(copy->logon), logon_dns_domain(context->logon)));
    assert_int_equal(copy->logon->sids_size, context->logon->sids_size);
    assert_memory_equal(logon_sids(copy->logon).data, logon_sids(context->logon).data, context->logon->sids_size);
    assert_true(copy->logon->password_expiry == context->logon->password_expiry && copy->logon->user_flags == 0x220);
    kerberos_dispose(imported);
    imported = NULL;
    for (size_t size = 0; size < out.size; size++) {
        assert_int_equal(kerberos_import(bytes_of(blob, size), &imported), SEC_E_INVALID_TOKEN);
    }
    blob[out.size - context->logon->sids_size + 5] ^= 1; /* the count of the first SID */
    assert_int_equal(kerberos_import(write_result(&out), &imported), SEC_E_INVALID_TOKEN);
    assert_null(imported);
    kerberos_dispose(&context->base);
    krb5_free_authdata(f->krb, f->part.authorization_data);
    f->part.authorization_data = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors),
                                       cmocka_unit_test(sids),
                                       cmocka_unit_test_setup_teardown(signatures, pac_ticket_open, pac_ticket_close),
                                       cmocka_unit_test_setup_teardown(altered, pac_ticket_open, pac_ticket_close),
                                       cmocka_unit_test_setup_teardown(unreadable, pac_ticket_open, pac_ticket_close),
                                       cmocka_unit_test_setup_teardown(moved, pac_ticket_open, pac_ticket_close)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_pac", tests, NULL, NULL);
}
