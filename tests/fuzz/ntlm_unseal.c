/* An established session, with messages spoilt on their way, in every buffer layout that receivers use.
 *
 * Promises: an untouched message is opened and is what was sent; a touched one is refused and leaves everything as it
 * was, so that the right one still opens afterwards.
 */
#include "fuzz/exchange.h"

#define MESSAGE_MAX 512

enum { FROM_SERVER = 1, SIGNED = 2, STREAM = 4, SPLIT = 8 };

struct wire {
    unsigned char bytes[16 + MESSAGE_MAX]; /* signature, then data */
    size_t size;
};

/* Opens `wire` in place, in the layout that `how` names. */
static SECURITY_STATUS open_wire(CtxtHandle *receiver, uint8_t how, struct wire *wire)
{
    ULONG token = (ULONG)(wire->size < 16 ? wire->size : 16), data = (ULONG)(wire->size - token);
    ULONG half = (how & SPLIT) != 0 ? data / 2 : data;
    SecBuffer apart[3] = {{token, SECBUFFER_TOKEN, wire->bytes},
                          {half, SECBUFFER_DATA, wire->bytes + token},
                          {data - half, SECBUFFER_DATA, wire->bytes + token + half}};
    SecBuffer stream[2] = {{(ULONG)wire->size, SECBUFFER_STREAM, wire->bytes}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 3, apart};
    if ((how & SIGNED) != 0) {
        return VerifySignature(receiver, &desc, 0, NULL);
    }
    if ((how & STREAM) == 0) {
        return DecryptMessage(receiver, &desc, 0, NULL);
    }
    desc = (SecBufferDesc){SECBUFFER_VERSION, 2, stream};
    SECURITY_STATUS status = DecryptMessage(receiver, &desc, 0, NULL);
    if (status == SEC_E_OK) {
        PROMISE(stream[1].pvBuffer == wire->bytes + 16 && stream[1].cbBuffer == wire->size - 16);
    }
    return status;
}

static void one_message(struct tape *tape, struct pair *pair)
{
    uint8_t how = tape_u8(tape);
    CtxtHandle *sender = (how & FROM_SERVER) != 0 ? &pair->server : &pair->client;
    CtxtHandle *receiver = (how & FROM_SERVER) != 0 ? &pair->client : &pair->server;
    unsigned char plain[MESSAGE_MAX] = {0};
    struct wire sent;
    size_t size = tape_u8(tape) * 2u;
    (void)tape_take(tape, plain, size);
    memcpy(sent.bytes + 16, plain, size);
    sent.size = 16 + size;
    SECURITY_STATUS status =
        ((how & SIGNED) != 0 ? pair_sign : pair_seal)(sender, sent.bytes + 16, (ULONG)size, sent.bytes);
    PROMISE(status == SEC_E_OK);

    struct wire received = sent;
    if (tape_spoil(tape, received.bytes, &received.size)) {
        struct wire before = received;
        PROMISE(open_wire(receiver, how, &received) < 0);
        PROMISE(memcmp(received.bytes, before.bytes, before.size) == 0);
    }
    received = sent;
    PROMISE(open_wire(receiver, how, &received) == SEC_E_OK);
    PROMISE(memcmp(received.bytes + 16, plain, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ULONG sessions[] = {PAIR_SEAL, ISC_REQ_INTEGRITY};
    struct tape tape = {data, size};
    struct pair *pair = exchange_pair();
    exchange_believes_all = false;
    PROMISE(pair_handshake(pair, sessions[tape_u8(&tape) % 2]) == SEC_E_OK);
    for (unsigned i = 0; i < 16 && tape.size != 0; i++) {
        one_message(&tape, pair);
    }
    PROMISE(pair_reset(pair));
    return 0;
}
