/* A stream of records between two directions, spoilt, cut and joined on its way, through the buffer layouts of
 * EncryptMessage and DecryptMessage.
 *
 * Promises: whatever comes, no byte outside of the caller's is touched; what arrives untouched and in order opens
 * and is what was sent, wherever the stream was cut; what was touched is refused, and nothing goes through any
 * more.
 */
#include "fuzz/fuzz.h"

#include "schannel/protect.h"

static const uint16_t ids[] = {0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xC02B, 0xC030, 0xCCA8, 0xC09D, 0xC0AE};

static struct record_direction keyed(uint16_t id, bool sending)
{
    uint8_t secret[48] = {1}, random[32] = {2};
    struct record_direction out = {0};
    const struct suite *suite = suite_find(id);
    SECURITY_STATUS status =
        suite->tls13 ? record_init_tls13(&out, suite, sending, bytes_of(secret, suite->hash == SUITE_SHA384 ? 48 : 32))
                     : record_init_tls12(&out, suite, sending, true, BYTES(secret), BYTES(random), BYTES(random));
    PROMISE(status == SEC_E_OK);
    return out;
}

#define MESSAGE_MAX 300
#define WIRE_MAX    (MESSAGE_MAX + 128)

/* One message into `wire`, all parts apart. */
static size_t send_one(struct tape *tape, struct record_direction *send, uint8_t *plain, size_t *size, uint8_t *wire)
{
    uint8_t how = tape_u8(tape);
    uint8_t *header = malloc(16), *trailer = malloc(64);
    *size = tape_u16(tape) % MESSAGE_MAX;
    uint8_t *data = malloc(*size + 1);
    memset(plain, how, *size);
    (void)tape_take(tape, plain, *size);
    memcpy(data, plain, *size);
    atomic_bool due = (how & 1) != 0;
    SecBuffer buffers[4] = {{16, SECBUFFER_STREAM_HEADER, header},
                            {(ULONG)*size, SECBUFFER_DATA, data},
                            {64, SECBUFFER_STREAM_TRAILER, trailer},
                            {0, SECBUFFER_EMPTY, NULL}};
    struct buffers message = {buffers, 4};
    PROMISE(protect_seal(send, 0, &message, &due) == SEC_E_OK);
    size_t used = 0;
    for (size_t i = 0; i < 3; i++) {
        memcpy(wire + used, buffers[i].pvBuffer, buffers[i].cbBuffer);
        used += buffers[i].cbBuffer;
    }
    free(header);
    free(trailer);
    free(data);
    return used;
}

/* Opens what begins with `wire`, as much of it as is there: the message's bytes, or -1. */
static int receive_one(struct record_direction *receive, uint8_t *wire, size_t size, const uint8_t *plain,
                       size_t plain_size, size_t *used)
{
    SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, wire},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    struct buffers message = {buffers, 4};
    struct protect_input input;
    struct record_content content;
    SECURITY_STATUS status = protect_take(&message, receive->version, &input, NULL);
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        PROMISE(buffers[0].cbBuffer != 0 && buffers[0].BufferType == SECBUFFER_MISSING);
        return -1;
    }
    if (status < 0 || record_open(receive, input.record, &content) < 0) {
        return -1;
    }
    PROMISE(content.data >= wire && content.data + content.size <= wire + size);
    if (content.type == RECORD_HANDSHAKE) {
        PROMISE(content.size == 5 && content.data[0] == 24 && record_update(receive) == SEC_E_OK);
        *used = input.record.size;
        return 1;
    }
    PROMISE(content.size == plain_size && memcmp(content.data, plain, plain_size) == 0);
    protect_give(&input, &content);
    PROMISE(buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer + input.left == size);
    *used = size - input.left;
    return 0;
}

/* False when the stream has been broken. */
static bool one_message(struct tape *tape, struct record_direction *send, struct record_direction *receive)
{
    uint8_t plain[MESSAGE_MAX], wire[WIRE_MAX];
    size_t plain_size, at = 0;
    size_t size = send_one(tape, send, plain, &plain_size, wire);
    size_t whole = size;
    bool touched = tape_spoil(tape, wire, &size);
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, wire, size);
    int result = 1;
    while (result == 1) { /* a KeyUpdate goes before some */
        size_t used = 0;
        result = receive_one(receive, exact + at, size - at, plain, plain_size, &used);
        at += used;
    }
    PROMISE((result == 0 && at == whole) == !touched);
    free(exact);
    return !touched;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    uint16_t id = ids[tape_u8(&tape) % (sizeof ids / sizeof ids[0])];
    struct record_direction send = keyed(id, true), receive = keyed(id, false);
    bool whole = true;
    while (tape.size != 0 && whole) {
        whole = one_message(&tape, &send, &receive);
    }
    /* And bytes that nobody sealed. */
    struct record_frame frame;
    const uint16_t versions[] = {0, RECORD_TLS12, RECORD_TLS13, 0xFEFD};
    for (size_t i = 0; i < 4; i++) {
        if (record_peek(bytes_of(data, size), versions[i], &frame, NULL) >= 0) {
            PROMISE(frame.missing != 0 ? frame.size == 0 || frame.size == size + frame.missing : frame.size <= size);
        }
    }
    record_wipe(&send);
    record_wipe(&receive);
    return 0;
}
