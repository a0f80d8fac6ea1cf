/* OCSP responses and CRLs: what is wrong with each, and that nothing is believed of it.  The good ones are of the throw-away
 * PKI, so the offsets are found and not counted: each message is cut at every place and changed in every byte. */
#include "unit/chain/pki.h"

#include "cert/revocation.h"

static X509 *issuer;
static time_t now;

static struct revocation_answer ask(X509 *subject, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size); /* ends where its memory ends */
    assert_non_null(copy);
    memcpy(copy, data, size);
    struct revocation_question question = {
        .subject = subject, .issuer = issuer, .staple = bytes_of(copy, size), .time = now};
    struct revocation_answer answer = {.state = REVOCATION_NOT_ASKED};
    assert_int_equal(ocsp_read(&question, &answer), SEC_E_OK);
    assert_true((answer.state == REVOCATION_OFFLINE) == (answer.why != NULL));
    free(copy);
    return answer;
}

struct spoilt {
    unsigned number;
    const char *sentence;
    size_t size;
    uint8_t data[16];
    const char *why;
};

static const struct spoilt catalogue[] = {
    {1, "nothing at all", 0, {0}, "no OCSP response"},
    {2, "one byte", 1, {0x30}, "no OCSP response"},
    {3, "text", 4, {'G', 'O', 'O', 'D'}, "no OCSP response"},
    {4, "the responder's status tryLater", 5, {0x30, 3, 0x0a, 1, 3}, "error of its own"},
    {5, "unauthorized", 5, {0x30, 3, 0x0a, 1, 6}, "error of its own"},
    {6, "a status that nobody has defined", 5, {0x30, 3, 0x0a, 1, 0x7f}, "error of its own"},
    {7, "successful, and no response", 5, {0x30, 3, 0x0a, 1, 0}, "no basic response"},
    {8, "a byte behind it", 6, {0x30, 3, 0x0a, 1, 6, 0}, "no OCSP response"},
    {9, "a length that ends behind the message", 5, {0x30, 4, 0x0a, 1, 0}, "no OCSP response"},
    {10,
     "a length of four bytes, all of them ones",
     10,
     {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x0a, 1, 0, 0},
     "no OCSP response"},
    {11,
     "a response of a type that is not basic",
     15,
     {0x30, 13, 0x0a, 1, 0, 0xa0, 8, 0x30, 6, 6, 2, 0x2a, 3, 4, 0},
     "no basic response"},
};

static void is_never_believed(void **state)
{
    X509 *subject = pki_certificate("server-p256");
    for (size_t i = 0; i < sizeof catalogue / sizeof catalogue[0]; i++) {
        struct revocation_answer answer = ask(subject, catalogue[i].data, catalogue[i].size);
        if (answer.state != REVOCATION_OFFLINE || strstr(answer.why, catalogue[i].why) == NULL) {
            print_message("# %u: %s: state %d, %s\n", catalogue[i].number, catalogue[i].sentence, answer.state,
                          answer.why);
            fail();
        }
    }
    X509_free(subject);
}

static void cut_anywhere_says_nothing(void **state)
{
    X509 *subject = pki_certificate("server-p256");
    struct bytes good = pki_file("good.ocsp");
    assert_int_equal(ask(subject, good.data, good.size).state, REVOCATION_GOOD);
    for (size_t size = 0; size < good.size; size++) {
        assert_int_equal(ask(subject, good.data, size).state, REVOCATION_OFFLINE);
    }
    free((void *)good.data);
    X509_free(subject);
}

/* No single byte makes "good" of "revoked", or the other way round. */
static void changed_anywhere_is_not_turned_round(void **state)
{
    static const struct {
        const char *file, *subject;
        enum revocation_state is, never;
    } cases[] = {
        {"good.ocsp", "server-p256", REVOCATION_GOOD, REVOCATION_REVOKED},
        {"revoked.ocsp", "revoked", REVOCATION_REVOKED, REVOCATION_GOOD},
    };
    for (size_t i = 0; i < 2; i++) {
        X509 *subject = pki_certificate(cases[i].subject);
        struct bytes good = pki_file(cases[i].file);
        uint8_t *changed = (uint8_t *)good.data;
        unsigned believed = 0;
        assert_int_equal(ask(subject, good.data, good.size).state, cases[i].is);
        for (size_t at = 0; at < good.size; at++) {
            for (unsigned bit = 1; bit < 256; bit <<= 1) {
                changed[at] ^= (uint8_t)bit;
                struct revocation_answer answer = ask(subject, changed, good.size);
                assert_int_not_equal(answer.state, cases[i].never);
                believed += answer.state == cases[i].is;
                changed[at] ^= (uint8_t)bit;
            }
        }
        /* What the signature does not cover is the certificate that the responder encloses, and hardly more. */
        assert_true(believed < good.size * 8 * 3 / 4);
        free(changed);
        X509_free(subject);
    }
}

static void changed_lists_are_not_turned_round(void **state)
{
    X509 *revoked = pki_certificate("revoked");
    X509 *good = pki_certificate("server-p256");
    X509_CRL *list = pki_crl("intermediate");
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(list, &der);
    assert_true(size > 0);
    for (int at = 0; at < size * 8; at++) {
        der[at / 8] ^= (unsigned char)(1 << at % 8);
        const unsigned char *from = der;
        X509_CRL *changed = d2i_X509_CRL(NULL, &from, size);
        der[at / 8] ^= (unsigned char)(1 << at % 8);
        if (changed == NULL) {
            continue;
        }
        STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
        assert_true(sk_X509_CRL_push(stack, changed) > 0);
        struct revocation_question question = {
            .subject = revoked, .issuer = issuer, .crls = {stack, NULL}, .time = now};
        struct revocation_answer answer;
        assert_int_equal(crl_read(&question, &answer), SEC_E_OK);
        assert_int_not_equal(answer.state, REVOCATION_GOOD);
        question.subject = good;
        assert_int_equal(crl_read(&question, &answer), SEC_E_OK);
        assert_int_not_equal(answer.state, REVOCATION_REVOKED);
        sk_X509_CRL_pop_free(stack, X509_CRL_free);
    }
    OPENSSL_free(der);
    X509_CRL_free(list);
    X509_free(good);
    X509_free(revoked);
}

static int set_up(void **state)
{
    issuer = pki_certificate("intermediate");
    now = time(NULL) + 60;
    return 0;
}

static int tear_down(void **state)
{
    X509_free(issuer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_never_believed),
        cmocka_unit_test(cut_anywhere_says_nothing),
        cmocka_unit_test(changed_anywhere_is_not_turned_round),
        cmocka_unit_test(changed_lists_are_not_turned_round),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (pki_missing()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
