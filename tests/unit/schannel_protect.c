/* The buffer layouts of EncryptMessage and DecryptMessage for TLS (Microsoft Learn, "EncryptMessage (Schannel)"
 * and "DecryptMessage (Schannel)"; docs/windows-behaviour.md, rows M). */
#include "vectors/hex.h"

#include "schannel.h"
#include "schannel/protect.h"
#include "support/tls_pair.h"

static struct record_direction keyed(uint16_t id, bool sending)
{
    uint8_t secret[48] = {7}, client[32] = {8}, server[32] = {9};
    struct record_direction out = {0};
    const struct suite *suite = suite_find(id);
    SECURITY_STATUS status =
        suite->tls13 ? record_init_tls13(&out, suite, sending, bytes_of(secret, suite->hash == SUITE_SHA384 ? 48 : 32))
                     : record_init_tls12(&out, suite, sending, true, BYTES(secret), BYTES(client), BYTES(server));
    assert_int_equal(status, SEC_E_OK);
    return out;
}

static struct buffers of(SecBuffer *buffers, size_t count)
{
    return (struct buffers){buffers, count};
}

/* ---------------------------------------------------------------- EncryptMessage */

enum { HEADER = 16, DATA = 100, TRAILER = 256 };

static uint8_t header[HEADER], data[DATA], trailer[TRAILER];

static void parts(SecBuffer *out)
{
    out[0] = (SecBuffer){HEADER, SECBUFFER_STREAM_HEADER, header};
    out[1] = (SecBuffer){DATA, SECBUFFER_DATA, data};
    out[2] = (SecBuffer){TRAILER, SECBUFFER_STREAM_TRAILER, trailer};
    out[3] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    memset(data, 'd', sizeof data);
}

static void layouts(void **state)
{
    (void)state;
    static const struct {
        uint32_t types[5];
        SECURITY_STATUS status;
    } cases[] = {
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY, SECBUFFER_EMPTY},
         SEC_E_OK},
        {{SECBUFFER_TOKEN, SECBUFFER_DATA, SECBUFFER_TOKEN, SECBUFFER_EMPTY, SECBUFFER_EMPTY}, SEC_E_OK},
        {{SECBUFFER_EMPTY, SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_STREAM_TRAILER},
         SEC_E_OK},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER, SECBUFFER_TOKEN, SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_STREAM_HEADER, SECBUFFER_DATA | SECBUFFER_READONLY, SECBUFFER_STREAM_TRAILER, SECBUFFER_EMPTY,
          SECBUFFER_EMPTY},
         SEC_E_INVALID_TOKEN},
        {{SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY}, SEC_E_INVALID_TOKEN},
    };
    struct record_direction send = keyed(0x1301, true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static uint8_t memory[5][64];
        SecBuffer buffers[5];
        for (size_t j = 0; j < 5; j++) {
            buffers[j] = (SecBuffer){64, (ULONG)cases[i].types[j], memory[j]};
        }
        memset(memory, 0x55, sizeof memory);
        uint64_t before = send.sequence;
        struct buffers message = of(buffers, 5);
        assert_int_equal(protect_seal(&send, 0, &message, NULL), cases[i].status);
        assert_int_equal(send.sequence, before + (cases[i].status == SEC_E_OK ? 1 : 0));
        for (size_t j = 0; cases[i].status != SEC_E_OK && j < 5; j++) {
            assert_int_equal(buffers[j].cbBuffer, 64);
            assert_int_equal(memory[j][0], 0x55);
        }
    }
    record_wipe(&send);
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        uint16_t id, version;
        uint32_t header, trailer, block;
    } cases[] = {
        /* windows-behaviour M11: 13 and 16; sspi-schannel: AES-CBC 5 + 16, MAC and padding; TLS 1.3 what a
         * record may have beside its text (RFC 8446 5.2), in which a KeyUpdate has room. */
        {0xC02C, 0x0303, 13, 16, 16}, {0xC02F, 0x0303, 13, 16, 16}, {0xC0AE, 0x0303, 13, 8, 16},
        {0xCCA8, 0x0303, 5, 16, 1},   {0xC014, 0x0301, 5, 36, 16},  {0xC014, 0x0303, 21, 36, 16},
        {0xC027, 0x0303, 21, 48, 16}, {0xC028, 0x0303, 21, 64, 16}, {0x000A, 0x0301, 5, 28, 8},
        {0x1302, 0x0304, 5, 256, 16}, {0x1305, 0x0304, 5, 256, 16}, {0x003B, 0x0303, 5, 32, 1},
        {0xC02C, 0xFEFD, 21, 16, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suite_sizes got = protect_sizes(suite_find(cases[i].id), cases[i].version);
        assert_int_equal(got.header, cases[i].header);
        assert_int_equal(got.trailer, cases[i].trailer);
        assert_int_equal(got.block, cases[i].block);
        assert_int_equal(got.maximum, 16384);
        assert_int_equal(got.buffers, 4);
    }
}

static void qualities(void **state)
{
    (void)state;
    struct record_direction send = keyed(0x1301, true), receive = keyed(0x1301, false);
    SecBuffer buffers[4];
    struct buffers message = of(buffers, 4);
    parts(buffers);
    assert_int_equal(protect_seal(&send, SECQOP_WRAP_NO_ENCRYPT, &message, NULL), SEC_E_QOP_NOT_SUPPORTED);
    assert_int_equal(protect_seal(&send, SECQOP_WRAP_OOB_DATA, &message, NULL), SEC_E_INVALID_TOKEN);
    buffers[1].cbBuffer = 2;
    data[0] = 3; /* neither warning nor fatal */
    assert_int_equal(protect_seal(&send, SECQOP_WRAP_OOB_DATA, &message, NULL), SEC_E_INVALID_TOKEN);
    data[0] = TLS1_ALERT_WARNING;
    data[1] = TLS1_ALERT_NO_RENEGOTIATION;
    assert_int_equal(protect_seal(&send, SECQOP_WRAP_OOB_DATA, &message, NULL), SEC_E_OK);
    assert_int_equal(buffers[0].cbBuffer, 5);
    assert_int_equal(buffers[1].cbBuffer, 2);
    assert_int_equal(buffers[2].cbBuffer, 17);
    uint8_t wire[24];
    struct record_content content;
    memcpy(wire, header, 5);
    memcpy(wire + 5, data, 2);
    memcpy(wire + 7, trailer, 17);
    assert_int_equal(record_open(&receive, (struct record_room){wire, 24}, &content), SEC_E_OK);
    assert_int_equal(content.type, RECORD_ALERT);
    assert_memory_equal(content.data, "\1\144", 2);
    record_wipe(&send);
    record_wipe(&receive);
}

static void too_much_or_little_room(void **state)
{
    (void)state;
    struct record_direction send = keyed(0xC030, true);
    static uint8_t large[16385];
    SecBuffer buffers[4];
    struct buffers message = of(buffers, 4);
    parts(buffers);
    buffers[1] = (SecBuffer){sizeof large, SECBUFFER_DATA, large};
    assert_int_equal(protect_seal(&send, 0, &message, NULL), SEC_E_ENCRYPT_FAILURE);
    parts(buffers);
    buffers[0].cbBuffer = 12;
    assert_int_equal(protect_seal(&send, 0, &message, NULL), SEC_E_BUFFER_TOO_SMALL);
    parts(buffers);
    buffers[2].cbBuffer = 15;
    assert_int_equal(protect_seal(&send, 0, &message, NULL), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(buffers[0].cbBuffer, HEADER);
    parts(buffers);
    assert_int_equal(protect_seal(&send, 0, &message, NULL), SEC_E_OK);
    assert_int_equal(buffers[0].cbBuffer, 13);
    assert_int_equal(buffers[1].cbBuffer, DATA);
    assert_int_equal(buffers[2].cbBuffer, 16);
    record_wipe(&send);
}

/* With a KeyUpdate in front, cut into the caller's three buffers; OpenSSL reads it, and the sizes around the place
 * where data and update change places. */
static void update_in_front(void **state)
{
    (void)state;
    static const uint16_t ids[] = {0x1301, 0x1303, 0x1304, 0x1305};
    static const size_t lengths[] = {0, 1, 18, 19, 26, 27, 28, 100};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct tls_pair pair;
        struct record_direction send = {0};
        assert_true(tls_pair_open(&pair, suite_find(ids[i])));
        assert_int_equal(tls_pair_key(&pair, true, true, &send), SEC_E_OK);
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            atomic_bool due = true;
            SecBuffer buffers[4];
            struct buffers message = of(buffers, 4);
            uint8_t got[DATA], expected[DATA];
            parts(buffers);
            buffers[1].cbBuffer = (ULONG)lengths[j];
            buffers[2].cbBuffer = protect_sizes(pair.suite, RECORD_TLS13).trailer;
            for (size_t k = 0; k < lengths[j]; k++) {
                expected[k] = data[k] = (uint8_t)(k + j);
            }
            assert_int_equal(protect_seal(&send, 0, &message, &due), SEC_E_OK);
            assert_false(due);
            assert_int_equal(send.sequence, 1); /* of the new key */
            assert_int_equal(buffers[1].cbBuffer, lengths[j]);
            assert_int_equal(buffers[2].cbBuffer,
                             10 + 2 * record_trailer_size(&send)); /* a KeyUpdate record in front */
            for (size_t k = 0; k < 3; k++) {
                tls_pair_give(pair.server, buffers[k].pvBuffer, buffers[k].cbBuffer);
            }
            int size = SSL_read(pair.server, got, sizeof got);
            assert_int_equal(size, lengths[j] == 0 ? -1 : (int)lengths[j]);
            assert_int_equal(SSL_get_error(pair.server, size), lengths[j] == 0 ? SSL_ERROR_WANT_READ : SSL_ERROR_NONE);
            assert_memory_equal(got, expected, lengths[j]);
        }
        record_wipe(&send);
        tls_pair_close(&pair);
    }
}

static void update_without_room(void **state)
{
    (void)state;
    struct record_direction send = keyed(0x1301, true), old = keyed(0xC030, true);
    atomic_bool due = true;
    SecBuffer buffers[4];
    struct buffers message = of(buffers, 4);
    parts(buffers);
    buffers[2].cbBuffer = 17 + 26;
    assert_int_equal(protect_seal(&send, 0, &message, &due), SEC_E_OK);
    assert_true(due);
    assert_int_equal(buffers[2].cbBuffer, 17);
    parts(buffers);
    send.sequence = 23726566; /* 2^24.5 (RFC 8446 5.5): of our own accord */
    assert_int_equal(protect_seal(&send, 0, &message, NULL), SEC_E_OK);
    assert_int_equal(buffers[2].cbBuffer, 17 + 27);
    assert_int_equal(send.sequence, 1);
    parts(buffers);
    assert_int_equal(protect_seal(&old, 0, &message, &due), SEC_E_OK); /* TLS 1.2 has none */
    assert_int_equal(buffers[2].cbBuffer, 16);
    record_wipe(&send);
    record_wipe(&old);
}

/* ---------------------------------------------------------------- DecryptMessage */

static uint8_t wire[300];

/* Two records of 40 bytes; the size of one. */
static size_t two_records(uint16_t id)
{
    struct record_direction send = keyed(id, true);
    size_t before = record_header_size(&send), after = record_trailer_size(&send), whole = before + 40 + after;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *at = wire + i * whole;
        memset(at + before, 'p', 40);
        assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, (struct record_room){at, before},
                                     (struct record_room){at + before, 40},
                                     (struct record_room){at + before + 40, after}),
                         SEC_E_OK);
    }
    record_wipe(&send);
    return whole;
}

static void fresh(SecBuffer *buffers, size_t count, size_t size)
{
    buffers[0] = (SecBuffer){(ULONG)size, SECBUFFER_DATA, wire};
    for (size_t i = 1; i < count; i++) {
        buffers[i] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    }
}

static void assert_buffer(const SecBuffer *buffer, uint32_t type, const uint8_t *at, size_t size)
{
    assert_int_equal(buffer->BufferType, type);
    assert_int_equal(buffer->cbBuffer, size);
    assert_ptr_equal(buffer->pvBuffer, at);
}

static void opened(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        size_t header, trailer;
    } cases[] = {{0xC030, 13, 16}, {0xCCA8, 5, 16}, {0x1302, 5, 17}, {0x1305, 5, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record_direction receive = keyed(cases[i].id, false);
        struct protect_input input;
        struct record_content content;
        SecBuffer buffers[4];
        struct buffers message = of(buffers, 4);
        size_t whole = two_records(cases[i].id);
        fresh(buffers, 4, 2 * whole);
        assert_int_equal(protect_take(&message, receive.version, &input, NULL), SEC_E_OK);
        assert_int_equal(record_open(&receive, input.record, &content), SEC_E_OK);
        protect_give(&input, &content);
        assert_buffer(&buffers[0], SECBUFFER_STREAM_HEADER, wire, cases[i].header);
        assert_buffer(&buffers[1], SECBUFFER_DATA, wire + cases[i].header, 40);
        assert_buffer(&buffers[2], SECBUFFER_STREAM_TRAILER, wire + cases[i].header + 40, cases[i].trailer);
        assert_buffer(&buffers[3], SECBUFFER_EXTRA, wire + whole, whole);

        uint8_t *rest = buffers[3].pvBuffer; /* as a caller goes on */
        fresh(buffers, 4, whole);
        buffers[0].pvBuffer = rest;
        assert_int_equal(protect_take(&message, receive.version, &input, NULL), SEC_E_OK);
        assert_int_equal(record_open(&receive, input.record, &content), SEC_E_OK);
        content.size = 0; /* as for a handshake message: hidden in the trailer (M11) */
        protect_give(&input, &content);
        assert_buffer(&buffers[1], SECBUFFER_DATA, rest + cases[i].header, 0);
        assert_buffer(&buffers[2], SECBUFFER_STREAM_TRAILER, rest + cases[i].header, 40 + cases[i].trailer);
        assert_buffer(&buffers[3], SECBUFFER_EMPTY, NULL, 0);
        record_wipe(&receive);
    }
}

/* M10: DATA and the first EMPTY become MISSING, for each number of bytes that are there. */
static void incomplete(void **state)
{
    (void)state;
    size_t whole = two_records(0x1302);
    uint8_t before[sizeof wire];
    memcpy(before, wire, sizeof wire);
    for (size_t size = 0; size < whole; size++) {
        struct protect_input input;
        SecBuffer buffers[4];
        struct buffers message = of(buffers, 4);
        size_t missing = size < 5 ? 5 - size : whole - size;
        fresh(buffers, 4, size);
        if (size == 0) {
            buffers[0].pvBuffer = NULL;
        }
        assert_int_equal(protect_take(&message, RECORD_TLS13, &input, NULL), SEC_E_INCOMPLETE_MESSAGE);
        assert_int_equal(buffers[0].BufferType, SECBUFFER_MISSING);
        assert_int_equal(buffers[0].cbBuffer, missing);
        assert_int_equal(buffers[1].BufferType, SECBUFFER_MISSING);
        assert_int_equal(buffers[1].cbBuffer, missing);
        assert_int_equal(buffers[2].BufferType, SECBUFFER_EMPTY);
        assert_memory_equal(before, wire, sizeof wire);
    }
}

/* M9 */
static void wrong_layouts(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint32_t types[6];
    } cases[] = {
        {3, {SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {5, {SECBUFFER_DATA, SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_DATA, SECBUFFER_EXTRA, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_DATA | SECBUFFER_READONLY, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {0, {0}},
    };
    size_t whole = two_records(0x1302);
    uint8_t before[sizeof wire];
    memcpy(before, wire, sizeof wire);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct protect_input input;
        SecBuffer buffers[6];
        struct buffers message = of(buffers, cases[i].count);
        for (size_t j = 0; j < cases[i].count; j++) {
            bool holds = (cases[i].types[j] & ~(uint32_t)SECBUFFER_ATTRMASK) == SECBUFFER_DATA;
            buffers[j] = (SecBuffer){holds ? (ULONG)whole : 0, (ULONG)cases[i].types[j], holds ? wire : NULL};
        }
        assert_int_equal(protect_take(&message, RECORD_TLS13, &input, NULL), SEC_E_INVALID_TOKEN);
        for (size_t j = 0; j < cases[i].count; j++) {
            assert_int_equal(buffers[j].BufferType, cases[i].types[j]);
        }
        assert_memory_equal(before, wire, sizeof wire);
    }
    SecBuffer five[5]; /* more EMPTY ones than needed */
    struct buffers message = of(five, 5);
    struct protect_input input;
    fresh(five, 5, whole);
    assert_int_equal(protect_take(&message, RECORD_TLS13, &input, NULL), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),         cmocka_unit_test(sizes),
        cmocka_unit_test(qualities),       cmocka_unit_test(too_much_or_little_room),
        cmocka_unit_test(update_in_front), cmocka_unit_test(update_without_room),
        cmocka_unit_test(opened),          cmocka_unit_test(incomplete),
        cmocka_unit_test(wrong_layouts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
