/* Datagrams and handshake messages of DTLS, each wrong in one way, as a stranger sends them.  What no record is, or none that
 * anybody waits for, is dropped (RFC 6347 4.1.2.7); what is wrong within a message that is whole ends the handshake, as in TLS. */
#include "malformed/catalogue.h"

#include "support/dtls_ends.h"

enum {
    NOTHING = 0, /* no alert */
    UNEXPECTED_MESSAGE = 10,
    HANDSHAKE_FAILURE = 40,
    ILLEGAL_PARAMETER = 47,
    DECODE_ERROR = 50,
    PROTOCOL_VERSION = 70,
};

#define RANDOM  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GROUPS  "000a 0006 0004 001d 0017 "
#define SIGALGS "000d 0004 0002 0403 "
#define SECURE  "ff01 0001 00 "
#define OLD     GROUPS SIGALGS SECURE
#define COOKIE  32 /* bytes of ours */

struct verdict {
    SECURITY_STATUS status;
    uint8_t alert;
    bool speaks; /* something goes out that is no alert */
};

#define DROPPED                                                                                                        \
    {                                                                                                                  \
        SEC_I_CONTINUE_NEEDED, NOTHING, false                                                                          \
    }
#define ANSWERED                                                                                                       \
    {                                                                                                                  \
        SEC_I_CONTINUE_NEEDED, NOTHING, true                                                                           \
    }
#define REFUSED(alert)                                                                                                 \
    {                                                                                                                  \
        SEC_E_ILLEGAL_MESSAGE, alert, false                                                                            \
    }

static struct dtls_ends dtls;
static unsigned mismatches;

static int begin(void **state)
{
    mismatches = 0;
    dtls_reset(&dtls);
    return 0;
}

static int end(void **state)
{
    return mismatches == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- building */

struct text {
    uint8_t data[2048];
    size_t size;
};

static void add(struct text *text, uint64_t value, size_t width)
{
    while (width-- != 0) {
        text->data[text->size++] = (uint8_t)(value >> 8 * width);
    }
}

static void add_bytes(struct text *text, const uint8_t *data, size_t size)
{
    assert_true(text->size + size <= sizeof text->data);
    for (size_t i = 0; i < size; i++) { /* of nothing, too, which has no address */
        text->data[text->size++] = data[i];
    }
}

static void add_hex(struct text *text, const char *digits)
{
    struct hex bytes = hex(digits);
    add_bytes(text, bytes.data, bytes.size);
}

static void add_vector(struct text *text, const char *digits, size_t width)
{
    struct hex bytes = hex(digits);
    add(text, bytes.size, width);
    add_hex(text, digits);
}

/* The part of a message from `offset` on, of `size` bytes, in a record of its own. */
static void add_fragment(struct text *datagram, uint8_t type, unsigned sequence, const struct text *body, size_t offset,
                         size_t size)
{
    static uint64_t record; /* each has another number */
    add(datagram, 0x16feff0000, 5);
    add(datagram, ++record, 6);
    add(datagram, size + 12, 2);
    add(datagram, type, 1);
    add(datagram, body->size, 3);
    add(datagram, sequence, 2);
    add(datagram, offset, 3);
    add(datagram, size, 3);
    add_bytes(datagram, body->data + offset, size);
}

static struct text whole(uint8_t type, unsigned sequence, const struct text *body)
{
    struct text datagram = {.size = 0};
    add_fragment(&datagram, type, sequence, body, 0, body->size);
    return datagram;
}

/* ---------------------------------------------------------------- verdicts */

static void give(unsigned number, const char *sentence, int side, const struct text *datagram, struct verdict expected)
{
    size_t before = dtls.queues[1 - side].count;
    SECURITY_STATUS status = dtls_step(&dtls, side, datagram->data, datagram->size);
    uint8_t alert = dtls.ends.alert[side];
    bool speaks = dtls.queues[1 - side].count > before && alert == NOTHING;
    if (status != expected.status || alert != expected.alert || speaks != expected.speaks) {
        print_message("# %u: %s\n#    expected %s, alert %u%s, got %s, alert %u%s\n", number, sentence,
                      status_name(expected.status), expected.alert, expected.speaks ? ", an answer" : "",
                      status_name(status), alert, speaks ? ", an answer" : "");
        mismatches++;
    }
    if (status < 0 && dtls.ends.has_context[side]) {
        assert_int_equal(dtls_step(&dtls, side, "\x16\xfe\xfd", 3), SEC_E_OUT_OF_SEQUENCE);
    }
}

struct raw {
    unsigned number;
    const char *sentence, *bytes;
    struct verdict verdict;
};

static void give_hex(const struct raw *raw, int side)
{
    struct text datagram = {.size = 0};
    add_hex(&datagram, raw->bytes);
    give(raw->number, raw->sentence, side, &datagram, raw->verdict);
}

/* ---------------------------------------------------------------- datagrams */

/* Nobody knows yet who the other side is: what these say is nobody's word. */
static const struct raw datagrams[] = {
    {1, "text", "474554202f20485454502f312e310d0a", DROPPED},
    {2, "half a record's header", "16feff00000000", DROPPED},
    {3, "a record that is longer than its datagram", "16feff0000000000000001 0040 0100", DROPPED},
    {4, "a record of TLS", "1603030004 01000000", DROPPED},
    {5, "a record of no type that there is", "63feff0000000000000001 0001 00", DROPPED},
    {6, "application data in the clear", "17feff0000000000000001 0002 6869", DROPPED},
    {7, "a record under keys that are not there yet", "16feff0001000000000001 000c 0000000000000000000000 00", DROPPED},
    {8, "a record of epoch 2", "16feff0002000000000001 000c 0000000000000000000000 00", DROPPED},
    {9, "a record of another major version", "16fdff0000000000000001 000c 010000000000000000000000", DROPPED},
    {10, "an empty handshake record", "16feff0000000000000001 0000", DROPPED},
    {11, "a record of 65535 bytes that are not there", "16feff0000000000000001 ffff", DROPPED},
    {12, "one byte", "16", DROPPED},
};

static void stray_datagrams(void **state)
{
    for (size_t i = 0; i < sizeof datagrams / sizeof datagrams[0]; i++) {
        for (int side = END_CLIENT; side <= END_SERVER; side++) {
            assert_int_equal(dtls_step(&dtls, END_CLIENT, NULL, 0), SEC_I_CONTINUE_NEEDED);
            give_hex(&datagrams[i], side);
            if (mismatches == 0) { /* and the right ones still do */
                assert_true(dtls_shake(&dtls, 20));
            }
            dtls_reset(&dtls);
        }
    }
}

/* ---------------------------------------------------------------- to a server: ClientHello */

struct hello {
    unsigned number;
    const char *sentence;
    struct verdict verdict;
    const char *version, *session, *suites, *compression, *extensions, *tail;
    bool wrong_cookie;
};

static struct text make_hello(const struct hello *hello, const uint8_t *cookie, size_t cookie_size)
{
    struct text body = {.size = 0};
    add_hex(&body, hello->version != NULL ? hello->version : "fefd");
    add_hex(&body, RANDOM);
    add_vector(&body, hello->session != NULL ? hello->session : "", 1);
    add(&body, cookie_size, 1);
    add_bytes(&body, cookie, cookie_size);
    add_vector(&body, hello->suites != NULL ? hello->suites : "c02b", 2);
    add_vector(&body, hello->compression != NULL ? hello->compression : "00", 1);
    add_vector(&body, hello->extensions != NULL ? hello->extensions : OLD, 2);
    add_hex(&body, hello->tail != NULL ? hello->tail : "");
    return body;
}

/* What a HelloVerifyRequest brings (RFC 6347 4.2.1): its cookie is the end of it. */
static const uint8_t *first_cookie(void)
{
    static const struct hello good = {0};
    struct text body = make_hello(&good, NULL, 0);
    struct text datagram = whole(1, 0, &body);
    assert_int_equal(dtls_step(&dtls, END_SERVER, datagram.data, datagram.size), SEC_I_CONTINUE_NEEDED);
    struct dtls_queue *queue = &dtls.queues[END_CLIENT];
    assert_int_equal(queue->count, 1);
    assert_int_equal(queue->data[0][13], 3);
    assert_int_equal(queue->data[0][27], COOKIE);
    assert_int_equal(queue->sizes[0], 28 + COOKIE);
    queue->count = 0;
    return queue->data[0] + 28;
}

static const struct hello hellos[] = {
    {20, "a good one", ANSWERED},
    {21,
     "a cookie that nobody gave, for which OpenSSL has no second request (RFC 6347 4.2.1)",
     {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE},
     .wrong_cookie = true},
    {22, "DTLS 1.0 where 1.2 is all", {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}, .version = "feff"},
    {23, "a version of TLS, which is a later one than any of DTLS", ANSWERED, .version = "0303"},
    {24, "a session identifier of 33 bytes", REFUSED(DECODE_ERROR), .session = RANDOM "00"},
    {25, "no suites", REFUSED(ILLEGAL_PARAMETER), .suites = ""},
    {26, "half a suite", REFUSED(DECODE_ERROR), .suites = "c02bc0"},
    {27, "suites that nobody knows", {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}, .suites = "7f7f7f7e"},
    {28,
     "RC4, which there is none of in DTLS (RFC 6347 4.1.2.2)",
     {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE},
     .suites = "c007"},
    {29, "a suite of TLS 1.3", {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}, .suites = "1301"},
    {30, "no compression at all", REFUSED(DECODE_ERROR), .compression = ""},
    {31, "compression only", REFUSED(DECODE_ERROR), .compression = "01"},
    {32, "an extension longer than its list", REFUSED(DECODE_ERROR), .extensions = OLD "0000 0040 00"},
    {33, "an extension twice", REFUSED(ILLEGAL_PARAMETER), .extensions = OLD GROUPS},
    {34, "bytes behind the extensions", REFUSED(DECODE_ERROR), .tail = "00"},
    {35,
     "a renegotiation in the first hello",
     {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE},
     .extensions = GROUPS SIGALGS "ff01 0002 01 00"},
};

static void client_hellos(void **state)
{
    for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
        uint8_t cookie[COOKIE];
        memcpy(cookie, first_cookie(), COOKIE);
        cookie[0] ^= hellos[i].wrong_cookie;
        struct text body = make_hello(&hellos[i], cookie, COOKIE);
        struct text datagram = whole(1, 1, &body);
        give(hellos[i].number, hellos[i].sentence, END_SERVER, &datagram, hellos[i].verdict);
        dtls_reset(&dtls);
    }
}

static void cut_client_hellos(void **state)
{
    static const struct hello good = {0};
    static const uint8_t zeros[COOKIE];
    struct text all = make_hello(&good, zeros, COOKIE); /* its size alone counts */
    for (size_t size = 0; size < all.size; size++) {
        uint8_t cookie[COOKIE];
        memcpy(cookie, first_cookie(), COOKIE);
        struct text body = make_hello(&good, cookie, COOKIE);
        body.size = size;
        struct text datagram = whole(1, 1, &body);
        SECURITY_STATUS status = dtls_step(&dtls, END_SERVER, datagram.data, datagram.size);
        bool without_extensions = size == 2 + 32 + 1 + 1 + COOKIE + 4 + 2;
        assert_int_equal(status, without_extensions ? SEC_E_ALGORITHM_MISMATCH : SEC_E_ILLEGAL_MESSAGE);
        if (!without_extensions) {
            assert_int_equal(dtls.ends.alert[END_SERVER], DECODE_ERROR);
        }
        dtls_reset(&dtls);
    }
}

/* ---------------------------------------------------------------- to a server: fragments */

enum cut { CUT_TAIL_FIRST, CUT_OVERLAP, CUT_TWICE, CUT_BYTES, CUT_JOINED };

/* A good hello with its cookie, in parts; the answer comes with the last of them, and not before. */
static void good_fragments(void **state)
{
    static const struct hello good = {0};
    for (int how = CUT_TAIL_FIRST; how <= CUT_JOINED; how++) {
        uint8_t cookie[COOKIE];
        memcpy(cookie, first_cookie(), COOKIE);
        struct text body = make_hello(&good, cookie, COOKIE);
        struct text parts[128] = {{.size = 0}};
        size_t half = body.size / 2, count = 2;
        switch ((enum cut)how) {
        case CUT_TAIL_FIRST:
            add_fragment(&parts[0], 1, 1, &body, half, body.size - half);
            add_fragment(&parts[1], 1, 1, &body, 0, half);
            break;
        case CUT_OVERLAP:
            add_fragment(&parts[0], 1, 1, &body, 0, half + 10);
            add_fragment(&parts[1], 1, 1, &body, half - 10, body.size - half + 10);
            break;
        case CUT_TWICE:
            add_fragment(&parts[0], 1, 1, &body, 0, half);
            add_fragment(&parts[1], 1, 1, &body, 0, half);
            add_fragment(&parts[2], 1, 1, &body, half, body.size - half);
            count = 3;
            break;
        case CUT_BYTES:
            assert_true(body.size <= 128);
            for (count = 0; count < body.size; count++) {
                add_fragment(&parts[count], 1, 1, &body, count, 1);
            }
            break;
        case CUT_JOINED:
            add_fragment(&parts[0], 1, 1, &body, 0, half);
            add_fragment(&parts[0], 1, 1, &body, half, body.size - half);
            count = 1;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            struct verdict verdict = {SEC_I_CONTINUE_NEEDED, NOTHING, i + 1 == count};
            give(40 + (unsigned)how, "a hello in parts", END_SERVER, &parts[i], verdict);
        }
        dtls_reset(&dtls);
    }
}

static const struct raw fragments[] = {
    /* type, length, message's number, offset, length of the part */
    {50, "a part that ends behind its message", "16feff0000000000000001 0010 01 000010 0000 00000e 000004 00000000",
     REFUSED(NOTHING)},
    {51, "a part that begins behind it", "16feff0000000000000001 0010 01 000010 0000 000020 000004 00000000",
     REFUSED(NOTHING)},
    {52, "a message of 16 MiB", "16feff0000000000000001 0010 01 ffffff 0000 000000 000004 00000000", REFUSED(NOTHING)},
    {53, "a part longer than its record", "16feff0000000000000001 0010 01 000020 0000 000000 000008 00000000",
     REFUSED(ILLEGAL_PARAMETER)},
    {54, "a message that is not due yet", "16feff0000000000000001 000c 01 000000 0005 000000 000000", DROPPED},
    {55, "one that is far from due", "16feff0000000000000001 000c 01 000000 7fff 000000 000000", DROPPED},
    {56, "a part of no bytes", "16feff0000000000000001 000c 01 000040 0000 000000 000000", REFUSED(DECODE_ERROR)},
    {57, "ServerHello", "16feff0000000000000001 000c 02 000000 0000 000000 000000", REFUSED(UNEXPECTED_MESSAGE)},
    {58, "HelloVerifyRequest", "16feff0000000000000001 000f 03 000003 0000 000000 000003 fefd00",
     REFUSED(UNEXPECTED_MESSAGE)},
    {59, "HelloRequest", "16feff0000000000000001 000c 00 000000 0000 000000 000000", REFUSED(UNEXPECTED_MESSAGE)},
    {60, "Finished", "16feff0000000000000001 0018 14 00000c 0000 000000 00000c 000000000000000000000000",
     REFUSED(UNEXPECTED_MESSAGE)},
    {61, "a message type that nobody knows", "16feff0000000000000001 000c 63 000000 0000 000000 000000",
     REFUSED(UNEXPECTED_MESSAGE)},
    {64, "half a message's header", "16feff0000000000000001 0006 010000000000", REFUSED(UNEXPECTED_MESSAGE)},
    {62, "an empty ClientHello", "16feff0000000000000001 000c 01 000000 0000 000000 000000", REFUSED(DECODE_ERROR)},
};

static void wrong_fragments(void **state)
{
    for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++) {
        give_hex(&fragments[i], END_SERVER);
        dtls_reset(&dtls);
    }
}

/* Two parts that disagree on how long their message is. */
static void disagreeing_fragments(void **state)
{
    struct text body = {.size = 60}, longer = {.size = 70}, first = {.size = 0}, second = {.size = 0};
    add_fragment(&first, 1, 0, &body, 0, 30);
    add_fragment(&second, 1, 0, &longer, 30, 40);
    give(63, "the first part", END_SERVER, &first, (struct verdict)DROPPED);
    give(63, "a second part of a longer message", END_SERVER, &second, (struct verdict)REFUSED(NOTHING));
}

/* ---------------------------------------------------------------- to a client */

static const struct raw answers[] = {
    {70, "HelloVerifyRequest", "16feff0000000000000000 0013 03 000007 0000 000000 000007 feff 04 01020304", ANSWERED},
    {71, "... whose cookie is empty", "16feff0000000000000000 000f 03 000003 0000 000000 000003 feff 00", ANSWERED},
    {72, "... whose cookie is longer than it", "16feff0000000000000000 0010 03 000004 0000 000000 000004 feff 09 01",
     REFUSED(DECODE_ERROR)},
    {73, "... with bytes behind the cookie", "16feff0000000000000000 0011 03 000005 0000 000000 000005 feff 01 01 02",
     ANSWERED},
    {74, "... of no bytes", "16feff0000000000000000 000c 03 000000 0000 000000 000000", REFUSED(DECODE_ERROR)},
    {75, "an empty ServerHello", "16feff0000000000000000 000c 02 000000 0000 000000 000000", REFUSED(DECODE_ERROR)},
    {76, "ServerHelloDone", "16feff0000000000000000 000c 0e 000000 0000 000000 000000", REFUSED(UNEXPECTED_MESSAGE)},
    {77, "ClientHello", "16feff0000000000000000 000c 01 000000 0000 000000 000000", REFUSED(UNEXPECTED_MESSAGE)},
    {78, "Certificate", "16feff0000000000000000 000f 0b 000003 0000 000000 000003 000000", REFUSED(UNEXPECTED_MESSAGE)},
    {79, "a part that ends behind its message", "16feff0000000000000000 0010 02 000010 0000 00000e 000004 00000000",
     REFUSED(NOTHING)},
    {80,
     "ServerHello of TLS 1.2",
     "16feff0000000000000000 0032 02 000026 0000 000000 000026 0303 " RANDOM " 00 c02b 00",
     {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {81,
     "ServerHello of DTLS 1.0, which was not offered",
     "16feff0000000000000000 0032 02 000026 0000 000000 000026 feff " RANDOM " 00 c02b 00",
     {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {82, "a suite that was not offered",
     "16fefd0000000000000000 0032 02 000026 0000 000000 000026 fefd " RANDOM " 00 7f7f 00", REFUSED(ILLEGAL_PARAMETER)},
    {83, "a suite of TLS 1.3", "16fefd0000000000000000 0032 02 000026 0000 000000 000026 fefd " RANDOM " 00 1301 00",
     REFUSED(ILLEGAL_PARAMETER)},
    {84, "compression", "16fefd0000000000000000 0032 02 000026 0000 000000 000026 fefd " RANDOM " 00 c02b 01",
     REFUSED(ILLEGAL_PARAMETER)},
};

static void answers_for_a_client(void **state)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(dtls_step(&dtls, END_CLIENT, NULL, 0), SEC_I_CONTINUE_NEEDED);
        give_hex(&answers[i], END_CLIENT);
        dtls_reset(&dtls);
    }
}

static void alerts_for_a_client(void **state)
{
    static const struct raw cases[] = {
        {90, "handshake_failure", "15feff0000000000000000 0002 0228", REFUSED(NOTHING)},
        {91, "protocol_version", "15feff0000000000000000 0002 0246", {SEC_E_UNSUPPORTED_FUNCTION, NOTHING}},
        {92, "unknown_ca", "15feff0000000000000000 0002 0230", {SEC_E_UNTRUSTED_ROOT, NOTHING}},
        {93, "a warning", "15feff0000000000000000 0002 0170", DROPPED},
        {94, "an alert of another epoch", "15feff0001000000000000 0002 0228", DROPPED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(dtls_step(&dtls, END_CLIENT, NULL, 0), SEC_I_CONTINUE_NEEDED);
        give_hex(&cases[i], END_CLIENT);
        dtls_reset(&dtls);
    }
}

/* ---------------------------------------------------------------- later flights */

/* The byte that is changed, counted over all datagrams to `target`; then the network is a good one.  Either somebody notices,
 * or both are done and understand each other. */
static bool alter(int target, size_t at, bool resume)
{
    bool changed = false;
    size_t seen = 0;
    if (!resume) {
        assert_true(SslEmptyCacheA(NULL, 0));
    }
    dtls_reset(&dtls);
    assert_int_equal(dtls_step(&dtls, END_CLIENT, NULL, 0), SEC_I_CONTINUE_NEEDED);
    for (int round = 0; round < 40 && !dtls_done(&dtls); round++) {
        for (int side = END_SERVER; side >= END_CLIENT; side--) {
            struct dtls_queue *queue = &dtls.queues[side];
            for (size_t i = 0; side == target && i < queue->count && !changed; i++) {
                changed = at < seen + queue->sizes[i];
                queue->data[i][changed ? at - seen : 0] ^= changed ? 0x40 : 0;
                seen += queue->sizes[i];
            }
            if (dtls_deliver(&dtls, side) < 0) {
                return changed;
            }
        }
        bool silent = dtls.queues[0].count == 0 && dtls.queues[1].count == 0;
        if (silent && !dtls_shake(&dtls, 1) && (dtls.ends.status[0] < 0 || dtls.ends.status[1] < 0)) {
            return changed;
        }
    }
    if (!dtls_done(&dtls)) { /* nobody has failed and nobody is done: each waits for what the other will not say */
        return changed;
    }
    assert_true(ends_message(&dtls.ends, END_CLIENT, "there", 5));
    assert_true(ends_message(&dtls.ends, END_SERVER, "and back", 8));
    return changed;
}

static void altered_flights(void **state)
{
    for (int i = 0; i < 4; i++) {
        int target = i % 2 == 0 ? END_CLIENT : END_SERVER;
        bool resume = i >= 2;
        size_t at = 0;
        while (alter(target, at, resume)) {
            at += 1 + at / 150; /* each byte of the first message, then fewer */
        }
        print_message("# %zu bytes to the %s, %s\n", at, target == END_SERVER ? "server" : "client",
                      resume ? "resumed" : "anew");
        assert_true(at > (resume ? 200 : 600));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stray_datagrams, begin, end),
        cmocka_unit_test_setup_teardown(client_hellos, begin, end),
        cmocka_unit_test_setup_teardown(cut_client_hellos, begin, end),
        cmocka_unit_test_setup_teardown(good_fragments, begin, end),
        cmocka_unit_test_setup_teardown(wrong_fragments, begin, end),
        cmocka_unit_test_setup_teardown(disagreeing_fragments, begin, end),
        cmocka_unit_test_setup_teardown(answers_for_a_client, begin, end),
        cmocka_unit_test_setup_teardown(alerts_for_a_client, begin, end),
        cmocka_unit_test_setup_teardown(altered_flights, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    assert_int_equal(ends_acquire(&dtls.ends, SP_PROT_DTLS1_2), SEC_E_OK);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    dtls_reset(&dtls);
    ends_free(&dtls.ends);
    return failures;
}
