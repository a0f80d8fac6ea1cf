/* Handshake messages of TLS, each wrong in one way, as a stranger sends them: to a server, and to a client.  What is expected
 * is what RFC 8446 and RFC 5246 order, and the statuses that the alerts stand for (docs/schannel.md). */
#include "malformed/catalogue.h"

#include "support/tls_ends.h"

enum {
    NOTHING = 0, /* no alert */
    UNEXPECTED_MESSAGE = 10,
    HANDSHAKE_FAILURE = 40,
    BAD_CERTIFICATE = 42,
    ILLEGAL_PARAMETER = 47,
    DECODE_ERROR = 50,
    PROTOCOL_VERSION = 70,
    MISSING_EXTENSION = 109,
    UNSUPPORTED_EXTENSION = 110,
    UNRECOGNIZED_NAME = 112,
};

static struct ends tls12, tls13;

/* ---------------------------------------------------------------- building */

struct text {
    uint8_t data[4096];
    size_t size;
};

static void add(struct text *text, unsigned value, size_t width)
{
    while (width-- != 0) {
        text->data[text->size++] = (uint8_t)(value >> 8 * width);
    }
}

static void add_hex(struct text *text, const char *digits)
{
    struct hex bytes = hex(digits);
    assert_true(text->size + bytes.size <= sizeof text->data);
    memcpy(text->data + text->size, bytes.data, bytes.size);
    text->size += bytes.size;
}

/* A vector: its length, in so many bytes, and what is in it; NULL: not even its length. */
static void add_vector(struct text *text, const char *digits, size_t width)
{
    if (digits != NULL) {
        struct hex bytes = hex(digits);
        add(text, (unsigned)bytes.size, width);
        add_hex(text, digits);
    }
}

/* The record around a message of this type. */
static struct text wrap(uint8_t type, const struct text *body)
{
    struct text record = {.size = 0};
    add(&record, 0x160303, 3);
    add(&record, (unsigned)body->size + 4, 2);
    add(&record, type, 1);
    add(&record, (unsigned)body->size, 3);
    memcpy(record.data + record.size, body->data, body->size);
    record.size += body->size;
    return record;
}

#define RANDOM "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
/* Of RFC 7748 6.1. */
#define X25519  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define GROUPS  "000a 0006 0004 001d 0017 "
#define SIGALGS "000d 0004 0002 0403 "
#define SECURE  "ff01 0001 00 "
#define OLD     GROUPS SIGALGS SECURE
#define SHARE   "0033 0026 0024 001d 0020 " X25519 " "
#define NEW     "002b 0003 02 0304 " GROUPS SIGALGS SHARE

struct verdict {
    SECURITY_STATUS status;
    uint8_t alert;
};

static unsigned mismatches; /* of the test under way */

static int begin(void **state)
{
    mismatches = 0;
    ends_reset(&tls12);
    ends_reset(&tls13);
    return 0;
}

static int end(void **state)
{
    return mismatches == 0 ? 0 : -1;
}

/* Says what came of it; a side that failed stays failed. */
static void check(unsigned number, const char *sentence, struct ends *ends, int side, struct verdict expected)
{
    SECURITY_STATUS status = ends_step(ends, side);
    if (status != expected.status || ends->alert[side] != expected.alert) {
        print_message("# %u: %s\n#    expected %s and alert %u, got %s and alert %u\n", number, sentence,
                      status_name(expected.status), expected.alert, status_name(status), ends->alert[side]);
        mismatches++;
    }
    if (status < 0 && status != SEC_E_INCOMPLETE_MESSAGE && ends->has_context[side]) {
        ends_put(ends, side, "\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9);
        assert_int_equal(ends_step(ends, side), SEC_E_OUT_OF_SEQUENCE);
    }
}

/* ---------------------------------------------------------------- to a server: records */

struct raw {
    unsigned number;
    const char *sentence, *bytes;
    struct verdict verdict;
};

static void records_for_a_server(void **state)
{
    static const struct raw cases[] = {
        {1,
         "application data",
         "1703030010 00000000000000000000000000000000",
         {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {2, "ChangeCipherSpec", "1403030001 01", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {3, "an alert before anything", "1503030002 0228", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {4, "ServerHello", "1603030004 02000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {5, "ServerHelloDone", "1603030004 0e000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {6, "HelloRequest", "1603030004 00000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {7, "a message type that nobody knows", "1603030004 63000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {8, "an empty ClientHello", "1603030004 01000000", {SEC_E_ILLEGAL_MESSAGE, DECODE_ERROR}},
        {9, "a ClientHello of 16 MiB", "1603030004 01ffffff", {SEC_E_ILLEGAL_MESSAGE, ILLEGAL_PARAMETER}},
        {10, "half a message's header", "1603030002 0100", {SEC_I_CONTINUE_NEEDED, NOTHING}},
        {11, "a hello of SSL 2", "802e0103010015000000100000000000000000", {SEC_E_INVALID_TOKEN, NOTHING}},
        {12, "text", "474554202f20485454502f312e310d0a", {SEC_E_INVALID_TOKEN, NOTHING}},
        {13, "DTLS", "16feff0000000000000000", {SEC_E_INVALID_TOKEN, NOTHING}},
        {14, "half a record", "1603010020 0100", {SEC_E_INCOMPLETE_MESSAGE, NOTHING}},
        {15, "a record that is too long", "160301ffff", {SEC_E_ILLEGAL_MESSAGE, NOTHING}},
    };
    struct ends *all[] = {&tls12, &tls13};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t v = 0; v < 2; v++) {
            struct hex bytes = hex(cases[i].bytes);
            ends_put(all[v], END_SERVER, bytes.data, bytes.size);
            check(cases[i].number, cases[i].sentence, all[v], END_SERVER, cases[i].verdict);
            ends_reset(all[v]);
        }
    }
}

/* ---------------------------------------------------------------- to a server: ClientHello */

struct hello {
    unsigned number;
    const char *sentence;
    bool tls13;
    const char *session, *suites, *compression, *extensions;
    struct verdict verdict;
    const char *version, *tail;
};

static struct text make_client_hello(const struct hello *hello)
{
    struct text body = {.size = 0};
    add_hex(&body, hello->version != NULL ? hello->version : "0303");
    add_hex(&body, RANDOM);
    add_vector(&body, hello->session != NULL ? hello->session : "", 1);
    add_vector(&body, hello->suites != NULL ? hello->suites : hello->tls13 ? "1301" : "c02b", 2);
    add_vector(&body, hello->compression != NULL ? hello->compression : "00", 1);
    add_vector(&body, hello->extensions, 2);
    add_hex(&body, hello->tail != NULL ? hello->tail : "");
    return wrap(1, &body);
}

#define REFUSED(alert)                                                                                                 \
    {                                                                                                                  \
        SEC_E_ILLEGAL_MESSAGE, alert                                                                                   \
    }
#define GOES_ON                                                                                                        \
    {                                                                                                                  \
        SEC_I_CONTINUE_NEEDED, NOTHING                                                                                 \
    }

static const struct hello hellos[] = {
    {20, "a good one of TLS 1.2", .extensions = OLD, .verdict = GOES_ON},
    {21, "a good one of TLS 1.3", true, .extensions = NEW, .verdict = GOES_ON},
    {22, "version 3.2 without a choice", .extensions = OLD, .version = "0302",
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {23, "TLS 1.3's versions: only unknown ones", true, .extensions = "002b 0003 02 7f7f " GROUPS SIGALGS SHARE,
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {24, "no versions at all", true, .extensions = "002b 0001 00 " GROUPS SIGALGS SHARE,
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {25, "an odd list of versions", true, .extensions = "002b 0004 03 030403 " GROUPS SIGALGS SHARE,
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {26, "a session identifier of 33 bytes", .session = RANDOM "00", .extensions = OLD,
     .verdict = REFUSED(DECODE_ERROR)},
    {27, "no suites", .suites = "", .extensions = OLD, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {28, "half a suite", .suites = "c02bc0", .extensions = OLD, .verdict = REFUSED(DECODE_ERROR)},
    {29, "suites that nobody knows", .suites = "7f7f7f7e", .extensions = OLD,
     .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {30, "a suite for another key", .suites = "c02f", .extensions = OLD,
     .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {31, "no compression at all", .compression = "", .extensions = OLD, .verdict = REFUSED(DECODE_ERROR)},
    {32, "compression only", .compression = "01", .extensions = OLD, .verdict = REFUSED(DECODE_ERROR)},
    {33, "compression under TLS 1.3", true, .compression = "0001", .extensions = NEW,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {34, "an extension longer than its list", .extensions = OLD "0000 0040 00", .verdict = REFUSED(DECODE_ERROR)},
    {35, "half an extension's header", .extensions = OLD "0000 00", .verdict = REFUSED(DECODE_ERROR)},
    {36, "bytes behind the extensions", .extensions = OLD, .tail = "00", .verdict = REFUSED(DECODE_ERROR)},
    {37, "an extension twice", .extensions = OLD GROUPS, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {38, "an empty list of names", .extensions = OLD "0000 0002 0000", .verdict = REFUSED(DECODE_ERROR)},
    {39, "a name of no length, which is nobody's", .extensions = OLD "0000 0005 0003 00 0000", .verdict = GOES_ON},
    {40, "a name with a NUL", .extensions = OLD "0000 0008 0006 00 0003 610061",
     .verdict = {SEC_E_ILLEGAL_MESSAGE, UNRECOGNIZED_NAME}},
    {41, "a name of another type", .extensions = OLD "0000 0006 0004 01 0001 61", .verdict = REFUSED(DECODE_ERROR)},
    {42, "an odd list of groups", .extensions = "000a 0005 0003 001d00 " SIGALGS SECURE,
     .verdict = REFUSED(DECODE_ERROR)},
    {43, "no groups", .extensions = "000a 0002 0000 " SIGALGS SECURE, .verdict = REFUSED(DECODE_ERROR)},
    {44, "no signatures", .extensions = GROUPS "000d 0002 0000 " SECURE, .verdict = REFUSED(DECODE_ERROR)},
    {45, "signatures that nobody knows", .extensions = GROUPS "000d 0004 0002 7f7f " SECURE,
     .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {46, "a renegotiation in the first hello", .extensions = GROUPS SIGALGS "ff01 0002 01 00",
     .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {47, "ALPN with an empty name", .extensions = OLD "0010 0005 0003 00 0161", .verdict = REFUSED(DECODE_ERROR)},
    {48, "ALPN with a name past its end", .extensions = OLD "0010 0004 0002 0961", .verdict = REFUSED(DECODE_ERROR)},
    {49, "a key of a group that is not offered", true,
     .extensions = "002b 0003 02 0304 000a 0004 0002 0017 " SIGALGS SHARE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {50, "a key of no length", true, .extensions = "002b 0003 02 0304 " GROUPS SIGALGS "0033 0006 0004 001d 0000",
     .verdict = REFUSED(DECODE_ERROR)},
    {51, "a key of 31 bytes", true,
     .extensions = "002b 0003 02 0304 " GROUPS SIGALGS
                   "0033 0025 0023 001d 001f 8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e",
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {52, "a key that agrees on nothing (RFC 8446 7.4.2)", true,
     .extensions = "002b 0003 02 0304 " GROUPS SIGALGS
                   "0033 0026 0024 001d 0020 0000000000000000000000000000000000000000000000000000000000000000",
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {53, "no keys: a HelloRetryRequest is the answer", true,
     .extensions = "002b 0003 02 0304 " GROUPS SIGALGS "0033 0002 0000", .verdict = GOES_ON},
    {54, "no signatures under TLS 1.3", true, .extensions = "002b 0003 02 0304 " GROUPS SHARE,
     .verdict = REFUSED(MISSING_EXTENSION)},
    {55, "groups and no keys at all", true, .extensions = "002b 0003 02 0304 " GROUPS SIGALGS,
     .verdict = REFUSED(MISSING_EXTENSION)},
    {56, "a pre-shared key that is not the last (RFC 8446 4.2.11)", true,
     .extensions = "002b 0003 02 0304 002d 0002 01 01 "
                   "0029 002d 0008 0002 4141 00000000 0021 20 " RANDOM " " GROUPS SIGALGS SHARE,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {57, "a pre-shared key without modes (RFC 8446 4.2.9)", true,
     .extensions = NEW "0029 002d 0008 0002 4141 00000000 0021 20 " RANDOM, .verdict = REFUSED(MISSING_EXTENSION)},
    {58, "a cookie that nobody gave, which nobody reads", true, .extensions = NEW "002c 0003 0001 41",
     .verdict = GOES_ON},
    {59, "extensions that nobody knows", .extensions = OLD "7f7f 0004 01020304 0a0a 0000", .verdict = GOES_ON},
    {60, "no extensions: SHA-1 is all that such a client takes",
     .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {61, "a fallback that is none (RFC 7507)", .suites = "c02b5600", .extensions = OLD, .verdict = GOES_ON},
};

static void client_hellos(void **state)
{
    for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
        struct ends *ends = hellos[i].tls13 ? &tls13 : &tls12;
        struct text hello = make_client_hello(&hellos[i]);
        ends_put(ends, END_SERVER, hello.data, hello.size);
        check(hellos[i].number, hellos[i].sentence, ends, END_SERVER, hellos[i].verdict);
        ends_reset(ends);
    }
}

/* The good ones, cut anywhere, with lengths that say so. */
static void cut_client_hellos(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct ends *ends = hellos[i].tls13 ? &tls13 : &tls12;
        struct text whole = make_client_hello(&hellos[i]);
        for (size_t size = 9; size < whole.size; size++) {
            struct text body = {.size = size - 9}, hello;
            memcpy(body.data, whole.data + 9, body.size);
            hello = wrap(1, &body);
            ends_put(ends, END_SERVER, hello.data, hello.size);
            SECURITY_STATUS status = ends_step(ends, END_SERVER);
            bool without_extensions = size == 9 + 2 + 32 + 1 + 4 + 2; /* which TLS 1.2 permits */
            if (without_extensions) {
                assert_int_equal(status, i == 0 ? SEC_E_ALGORITHM_MISMATCH : SEC_E_UNSUPPORTED_FUNCTION);
            } else {
                assert_int_equal(status, SEC_E_ILLEGAL_MESSAGE);
                assert_int_equal(ends->alert[END_SERVER], DECODE_ERROR);
            }
            ends_reset(ends);
        }
    }
}

/* ---------------------------------------------------------------- to a client */

static struct text make_server_hello(const struct hello *hello)
{
    struct text body = {.size = 0};
    add_hex(&body, hello->version != NULL ? hello->version : "0303");
    add_hex(&body, RANDOM);
    add_vector(&body, hello->session != NULL ? hello->session : "", 1);
    add_hex(&body, hello->suites != NULL ? hello->suites : hello->tls13 ? "1301" : "c02b");
    add_hex(&body, hello->compression != NULL ? hello->compression : "00");
    add_vector(&body, hello->extensions, 2);
    add_hex(&body, hello->tail != NULL ? hello->tail : "");
    return wrap(2, &body);
}

#define ECHO         "echo" /* the session identifier that the client sent */
#define SERVER_SHARE "0033 0024 001d 0020 " X25519 " "
#define SERVER_NEW   "002b 0002 0304 " SERVER_SHARE

static const struct hello answers[] = {
    {70, "a good one of TLS 1.2", .extensions = SECURE, .verdict = GOES_ON},
    {71, "a version below", .extensions = SECURE, .version = "0302",
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {72, "a version above", .extensions = SECURE, .version = "0304",
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {73, "a session identifier of 33 bytes", .session = RANDOM "00", .extensions = SECURE,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {74, "a suite that was not offered", .suites = "0004", .extensions = SECURE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {75, "a suite that nobody knows", .suites = "7f7f", .extensions = SECURE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {76, "a suite of TLS 1.3", .suites = "1301", .extensions = SECURE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {77, "compression", .compression = "01", .extensions = SECURE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {78, "an extension that was not asked for", .extensions = SECURE "0010 0004 0002 0161",
     .verdict = REFUSED(UNSUPPORTED_EXTENSION)},
    {79, "an extension twice", .extensions = SECURE SECURE, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {80, "an extension past its list", .extensions = "ff01 0040 00", .verdict = REFUSED(DECODE_ERROR)},
    {81, "bytes behind the extensions", .extensions = SECURE, .tail = "00", .verdict = REFUSED(DECODE_ERROR)},
    {82, "a renegotiation in the first hello", .extensions = "ff01 0002 01 00", .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {83, "no secure renegotiation (RFC 5746 3.4)", .verdict = {SEC_E_ALGORITHM_MISMATCH, HANDSHAKE_FAILURE}},
    {84, "a good one of TLS 1.3", true, .session = ECHO, .extensions = SERVER_NEW, .verdict = GOES_ON},
    {85, "TLS 1.2 to a client of TLS 1.3 alone", true, .session = ECHO, .suites = "c02b", .extensions = SECURE,
     .verdict = {SEC_E_UNSUPPORTED_FUNCTION, PROTOCOL_VERSION}},
    {86, "another session identifier", true, .session = RANDOM, .extensions = SERVER_NEW,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {87, "a chosen version of 1.2", true, .session = ECHO, .extensions = "002b 0002 0303 " SERVER_SHARE,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {88, "a suite of TLS 1.2", true, .session = ECHO, .suites = "c02b", .extensions = SERVER_NEW,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {89, "no key", true, .session = ECHO, .extensions = "002b 0002 0304", .verdict = REFUSED(MISSING_EXTENSION)},
    {90, "a key of a group that was not offered", true, .session = ECHO,
     .extensions = "002b 0002 0304 0033 0024 0100 0020 " X25519, .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {91, "a key of no length", true, .session = ECHO, .extensions = "002b 0002 0304 0033 0004 001d 0000",
     .verdict = REFUSED(DECODE_ERROR)},
    {92, "a key that agrees on nothing", true, .session = ECHO,
     .extensions = "002b 0002 0304 "
                   "0033 0024 001d 0020 0000000000000000000000000000000000000000000000000000000000000000",
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {93, "compression under TLS 1.3", true, .session = ECHO, .compression = "01", .extensions = SERVER_NEW,
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
    {94, "a pre-shared key that was not offered", true, .session = ECHO, .extensions = SERVER_NEW "0029 0002 0000",
     .verdict = REFUSED(UNSUPPORTED_EXTENSION)},
    {95, "a name in the clear", true, .session = ECHO, .extensions = SERVER_NEW "0000 0000",
     .verdict = REFUSED(ILLEGAL_PARAMETER)},
};

/* The answer, with the identifier of the client's hello where it is to be echoed. */
static struct text answer_to(const struct hello *answer, const struct ends *ends)
{
    struct hello copy = *answer;
    char digits[67] = "";
    if (answer->session != NULL && strcmp(answer->session, ECHO) == 0) {
        const uint8_t *sent = ends->wire[END_SERVER] + 5 + 4 + 2 + 32;
        for (size_t i = 0; i < sent[0]; i++) {
            digits[2 * i] = "0123456789abcdef"[sent[1 + i] >> 4];
            digits[2 * i + 1] = "0123456789abcdef"[sent[1 + i] & 15];
        }
        copy.session = digits;
    }
    return make_server_hello(&copy);
}

static void server_hellos(void **state)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct ends *ends = answers[i].tls13 ? &tls13 : &tls12;
        assert_int_equal(ends_step(ends, END_CLIENT), SEC_I_CONTINUE_NEEDED);
        struct text answer = answer_to(&answers[i], ends);
        ends_put(ends, END_CLIENT, answer.data, answer.size);
        check(answers[i].number, answers[i].sentence, ends, END_CLIENT, answers[i].verdict);
        ends_reset(ends);
    }
}

static void records_for_a_client(void **state)
{
    static const struct raw cases[] = {
        {100,
         "application data",
         "1703030010 00000000000000000000000000000000",
         {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {101, "ClientHello", "1603030004 01000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {102, "Certificate", "1603030007 0b000003000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {103, "ServerHelloDone", "1603030004 0e000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {104, "Finished", "1603030010 1400000c000000000000000000000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {105, "an empty ServerHello", "1603030004 02000000", {SEC_E_ILLEGAL_MESSAGE, DECODE_ERROR}},
        {106, "a ServerHello of 16 MiB", "1603030004 02ffffff", {SEC_E_ILLEGAL_MESSAGE, ILLEGAL_PARAMETER}},
        {107, "handshake_failure", "1503030002 0228", {SEC_E_ILLEGAL_MESSAGE, NOTHING}},
        {108, "protocol_version", "1503030002 0246", {SEC_E_UNSUPPORTED_FUNCTION, NOTHING}},
        {109, "insufficient_security", "1503030002 0247", {SEC_E_ALGORITHM_MISMATCH, NOTHING}},
        {110, "internal_error", "1503030002 0250", {SEC_E_INTERNAL_ERROR, NOTHING}},
        {111, "unknown_ca", "1503030002 0230", {SEC_E_UNTRUSTED_ROOT, NOTHING}},
        {112, "access_denied", "1503030002 0231", {SEC_E_LOGON_DENIED, NOTHING}},
        {113, "no_application_protocol", "1503030002 0278", {SEC_E_APPLICATION_PROTOCOL_MISMATCH, NOTHING}},
        {114, "an alert that nobody knows", "1503030002 02fe", {SEC_E_ILLEGAL_MESSAGE, NOTHING}},
        {115, "an alert of one byte", "1503030001 02", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {116, "text", "485454502f312e3120343030", {SEC_E_INVALID_TOKEN, NOTHING}},
    };
    struct ends *all[] = {&tls12, &tls13};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t v = 0; v < 2; v++) {
            struct hex bytes = hex(cases[i].bytes);
            assert_int_equal(ends_step(all[v], END_CLIENT), SEC_I_CONTINUE_NEEDED);
            ends_put(all[v], END_CLIENT, bytes.data, bytes.size);
            check(cases[i].number, cases[i].sentence, all[v], END_CLIENT, cases[i].verdict);
            ends_reset(all[v]);
        }
    }
}

/* Behind a good ServerHello of TLS 1.2. */
static void certificates_for_a_client(void **state)
{
    static const struct raw cases[] = {
        {120, "a certificate of no length", "160303000a 0b000006 000003 000000", {SEC_E_CERT_UNKNOWN, BAD_CERTIFICATE}},
        {121, "an empty list", "1603030007 0b000003 000000", {SEC_E_ILLEGAL_MESSAGE, DECODE_ERROR}},
        {122, "a list longer than its message", "1603030007 0b000003 000009", {SEC_E_ILLEGAL_MESSAGE, DECODE_ERROR}},
        {123,
         "a certificate longer than its list",
         "160303000b 0b000007 000004 000009 30",
         {SEC_E_ILLEGAL_MESSAGE, DECODE_ERROR}},
        {124,
         "what is no certificate",
         "160303000f 0b00000b 000008 000005 3003020101",
         {SEC_E_CERT_UNKNOWN, BAD_CERTIFICATE}},
        {125, "ServerKeyExchange before it", "1603030004 0c000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {126, "ServerHelloDone before it", "1603030004 0e000000", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {127, "ChangeCipherSpec before it", "1403030001 01", {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {128,
         "Finished before it",
         "1603030010 1400000c000000000000000000000000",
         {SEC_E_ILLEGAL_MESSAGE, UNEXPECTED_MESSAGE}},
        {129, "HelloRequest, to be ignored (RFC 5246 7.4.1.1)", "1603030004 00000000", GOES_ON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex bytes = hex(cases[i].bytes);
        assert_int_equal(ends_step(&tls12, END_CLIENT), SEC_I_CONTINUE_NEEDED);
        struct text answer = answer_to(&answers[0], &tls12);
        ends_put(&tls12, END_CLIENT, answer.data, answer.size);
        ends_put(&tls12, END_CLIENT, bytes.data, bytes.size);
        check(cases[i].number, cases[i].sentence, &tls12, END_CLIENT, cases[i].verdict);
        ends_reset(&tls12);
    }
}

/* ---------------------------------------------------------------- later flights */

/* Each byte of each flight, another one.  Nobody may be done with what the other side did not say; outside of record headers,
 * whose version nobody authenticates. */
static void every_byte(struct ends *ends, int target, int flight)
{
    for (size_t at = 0;; at++) {
        int seen = 0;
        bool changed = false, header = false;
        SECURITY_STATUS status = SEC_E_OK;
        ends_reset(ends);
        for (int side = END_CLIENT, leg = 0; leg < 8 && status >= 0; leg++, side = 1 - side) {
            bool begins = side == END_CLIENT && !ends->has_context[side];
            if (side == target && !begins && seen++ == flight) {
                if (at >= ends->size[side]) {
                    ends_reset(ends);
                    return;
                }
                size_t start = 0;
                while (at >= start + 5u + (ends->wire[side][start + 3] << 8 | ends->wire[side][start + 4])) {
                    start += 5u + (ends->wire[side][start + 3] << 8 | ends->wire[side][start + 4]);
                }
                header = at - start == 1 || at - start == 2;
                ends->wire[side][at] ^= 0x40;
                changed = true;
            }
            status = begins || ends->size[side] != 0 ? ends_step(ends, side) : status;
        }
        bool done =
            ends->has_context[0] && ends->has_context[1] && ends->status[0] == SEC_E_OK && ends->status[1] == SEC_E_OK;
        assert_true(changed);
        if (done && !header) {
            print_message("# byte %zu of flight %d to the %s\n", at, flight,
                          target == END_SERVER ? "server" : "client");
            fail();
        }
    }
}

static void altered_flights(void **state)
{
    every_byte(&tls12, END_SERVER, 0);
    every_byte(&tls12, END_CLIENT, 0);
    every_byte(&tls12, END_SERVER, 1);
    every_byte(&tls12, END_CLIENT, 1);
    every_byte(&tls13, END_SERVER, 0);
    every_byte(&tls13, END_CLIENT, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_for_a_server, begin, end),
        cmocka_unit_test_setup_teardown(client_hellos, begin, end),
        cmocka_unit_test_setup_teardown(cut_client_hellos, begin, end),
        cmocka_unit_test_setup_teardown(records_for_a_client, begin, end),
        cmocka_unit_test_setup_teardown(server_hellos, begin, end),
        cmocka_unit_test_setup_teardown(certificates_for_a_client, begin, end),
        cmocka_unit_test_setup_teardown(altered_flights, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    assert_int_equal(ends_acquire(&tls12, SP_PROT_TLS1_2), SEC_E_OK);
    assert_int_equal(ends_acquire(&tls13, SP_PROT_TLS1_3), SEC_E_OK);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    ends_free(&tls12);
    ends_free(&tls13);
    return failures;
}
