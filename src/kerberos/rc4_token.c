#include "kerberos/rc4_token.h"

#include <string.h>

#include "base/random.h"
#include "crypto/cipher.h"
#include "wire/gss_frame.h"

#define MIC_TAIL  24 /* bytes of a token behind its frame */
#define WRAP_TAIL 32
#define NUMBER_AT 8
#define SUM_AT    16
#define NOISE_AT  24 /* the confounder */
#define PART      8

#define SALT_WRAP 13 /* message types (RFC 4757 7.3) */
#define SALT_MIC  15

static const uint8_t mechanism[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

static const uint8_t mic_head[PART] = {0x01, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff};
static const uint8_t seal_head[PART] = {0x02, 0x01, 0x11, 0x00, 0x10, 0x00, 0xff, 0xff};
static const uint8_t clear_head[PART] = {0x02, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff};

static void hmac_parts(const struct hmac_md5_key *key, const struct bytes *parts, size_t count, struct key16 *out)
{
    struct hmac_md5 mac;
    hmac_md5_start(&mac, key);
    for (size_t i = 0; i < count; i++) {
        hmac_md5_update(&mac, parts[i]);
    }
    hmac_md5_finish(&mac, key, out);
}

void rc4_keys_init(struct rc4_keys *keys, struct bytes base)
{
    static const uint8_t label[13] = "signaturekey"; /* with its NUL (RFC 4757 7.3) */
    static const uint8_t zero[4];
    const struct bytes sign[] = {BYTES(label)};
    const struct bytes none[] = {BYTES(zero)};
    AUTO_KEY16 derived;
    uint8_t other[KERBEROS_KEY_MAX];
    hmac_md5(base, sign, 1, &derived);
    hmac_md5_key(&keys->sign, BYTES(derived.b));
    hmac_md5(base, none, 1, &derived);
    hmac_md5_key(&keys->number, BYTES(derived.b));
    for (size_t i = 0; i < base.size && i < sizeof other; i++) {
        other[i] = base.data[i] ^ 0xF0;
    }
    hmac_md5(bytes_of(other, base.size), none, 1, &derived);
    hmac_md5_key(&keys->crypt, BYTES(derived.b));
    secret_wipe(other, sizeof other);
}

void rc4_keys_wipe(struct rc4_keys *keys)
{
    secret_wipe(keys, sizeof *keys);
}

/* SGN_CKSUM (RFC 4757 7.3): HMAC(Ksign, MD5(type | header | data)).  The digest of all parts at once would need them in one
 * list, so it is built up: MD5 is HMAC's inner function without its key. */
struct sum {
    struct bytes list[72];
    size_t count;
};

static void sum_add(struct sum *sum, const void *data, size_t size)
{
    if (sum->count < sizeof sum->list / sizeof sum->list[0]) {
        sum->list[sum->count] = bytes_of(data, size);
        sum->count++;
    }
}

static void sum_finish(const struct rc4_keys *keys, const struct sum *sum, uint8_t out[PART])
{
    AUTO_KEY16 digest;
    AUTO_KEY16 mac;
    md5(sum->list, sum->count, &digest);
    const struct bytes one[] = {BYTES(digest.b)};
    hmac_parts(&keys->sign, one, 1, &mac);
    memcpy(out, mac.b, PART);
}

static void sum_parts(struct sum *sum, const struct message_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sum_add(sum, parts[i].data, parts[i].size);
    }
}

static void big_endian(uint32_t value, uint8_t out[4])
{
    struct writer writer = write_into(out, 4);
    write_u32be(&writer, value);
}

/* SND_SEQ under a key that depends on the checksum (RFC 4757 7.3). */
static void crypt_number(const struct rc4_keys *keys, const uint8_t sum[PART], const uint8_t in[PART],
                         uint8_t out[PART])
{
    AUTO_KEY16 key;
    const struct bytes salt[] = {bytes_of(sum, PART)};
    hmac_parts(&keys->number, salt, 1, &key);
    rc4_once(BYTES(key.b), PART, in, out);
}

static void write_number(const struct rc4_keys *keys, const struct rc4_header *header, const uint8_t sum[PART],
                         uint8_t out[PART])
{
    uint8_t plain[PART];
    big_endian(header->sequence, plain);
    memset(plain + 4, header->from_acceptor ? 0xff : 0, 4);
    crypt_number(keys, sum, plain, out);
}

static SECURITY_STATUS read_number(const struct rc4_keys *keys, bool from_acceptor, const uint8_t *tail,
                                   uint32_t *out_sequence)
{
    uint8_t plain[PART], direction[4];
    crypt_number(keys, tail + SUM_AT, tail + NUMBER_AT, plain);
    memset(direction, from_acceptor ? 0xff : 0, sizeof direction);
    REQUIRE(memcmp(plain + 4, direction, sizeof direction) == 0, SEC_E_MESSAGE_ALTERED,
            "a message of the wrong direction, or under another key (RFC 4757 7.3)");
    struct reader reader = read_start(bytes_of(plain, 4));
    *out_sequence = read_u32be(&reader);
    return SEC_E_OK;
}

/* One stream over confounder and data. */
static void crypt_all(const struct rc4_keys *keys, uint32_t sequence, uint8_t *confounder,
                      const struct message_part *parts, size_t count, uint8_t *padding)
{
    AUTO_KEY16 key;
    uint8_t number[4];
    __attribute__((cleanup(rc4_wipe))) struct rc4 stream;
    big_endian(sequence, number);
    const struct bytes salt[] = {BYTES(number)};
    hmac_parts(&keys->crypt, salt, 1, &key);
    rc4_start(&stream, BYTES(key.b));
    rc4_crypt(&stream, PART, confounder, confounder);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].secret) {
            rc4_crypt(&stream, parts[i].size, parts[i].data, parts[i].data);
        }
    }
    if (padding != NULL) {
        rc4_crypt(&stream, 1, padding, padding);
    }
}

/* 60 L OID, in front of `inside` bytes. */
static size_t write_frame(uint8_t *out, size_t inside)
{
    struct writer writer = write_into(out, RC4_WRAP_MAX);
    gss_frame_head(bytes_of(mechanism, sizeof mechanism), inside, &writer);
    return writer.size;
}

/* ---------------------------------------------------------------- MIC */

static void mic_sum(const struct rc4_keys *keys, const struct message_part *parts, size_t count, uint8_t out[PART])
{
    static const uint8_t salt[4] = {SALT_MIC};
    struct sum sum = {.count = 0};
    sum_add(&sum, salt, sizeof salt);
    sum_add(&sum, mic_head, PART);
    sum_parts(&sum, parts, count);
    sum_finish(keys, &sum, out);
}

void rc4_mic(const struct rc4_keys *keys, const struct rc4_header *header, const struct message_part *parts,
             size_t count, uint8_t *token)
{
    uint8_t *tail = token + write_frame(token, MIC_TAIL);
    memcpy(tail, mic_head, PART);
    mic_sum(keys, parts, count, tail + SUM_AT);
    write_number(keys, header, tail + SUM_AT, tail + NUMBER_AT);
}

SECURITY_STATUS rc4_mic_check(const struct rc4_keys *keys, bool from_acceptor, const struct message_part *parts,
                              size_t count, struct bytes token, uint32_t *out_sequence)
{
    struct bytes oid, inner;
    uint8_t expected[PART];
    uint32_t sequence = 0;
    TRY(gss_frame_parse(token, &oid, &inner));
    REQUIRE(oid.size == sizeof mechanism && memcmp(oid.data, mechanism, oid.size) == 0 && inner.size == MIC_TAIL &&
                memcmp(inner.data, mic_head, PART) == 0,
            SEC_E_INVALID_TOKEN, "not a MIC token of an RC4 key (RFC 4757 7.2)");
    mic_sum(keys, parts, count, expected);
    REQUIRE(secret_equal(expected, inner.data + SUM_AT, PART), SEC_E_MESSAGE_ALTERED,
            "the MIC does not match: the message was altered (RFC 4757 7.3)");
    TRY(read_number(keys, from_acceptor, inner.data, &sequence));
    *out_sequence = sequence;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- Wrap */

size_t rc4_wrap_size(size_t data_size, bool dce)
{
    return gss_frame_head_size(sizeof mechanism, WRAP_TAIL + (dce ? 0 : data_size + 1)) + WRAP_TAIL;
}

static void wrap_sum(const struct rc4_keys *keys, const uint8_t head[PART], const uint8_t *confounder,
                     const struct message_part *parts, size_t count, const uint8_t *padding, uint8_t out[PART])
{
    static const uint8_t salt[4] = {SALT_WRAP};
    struct sum sum = {.count = 0};
    sum_add(&sum, salt, sizeof salt);
    sum_add(&sum, head, PART);
    sum_add(&sum, confounder, PART);
    sum_parts(&sum, parts, count);
    sum_add(&sum, padding, padding != NULL ? 1 : 0);
    sum_finish(keys, &sum, out);
}

SECURITY_STATUS rc4_wrap(const struct rc4_keys *keys, const struct rc4_header *header, const struct message_part *parts,
                         size_t count, uint8_t *padding, uint8_t *token)
{
    size_t size = 0;
    uint8_t confounder[PART];
    for (size_t i = 0; i < count; i++) {
        size += parts[i].secret ? parts[i].size : 0;
    }
    REQUIRE(count <= 64, SEC_E_INTERNAL_ERROR, "a message in more parts than buffers allow");
    TRY(random_bytes(confounder, sizeof confounder));
    uint8_t *tail = token + write_frame(token, WRAP_TAIL + (padding != NULL ? size + 1 : 0));
    memcpy(tail, header->sealed ? seal_head : clear_head, PART);
    memcpy(tail + NOISE_AT, confounder, PART);
    if (padding != NULL) {
        *padding = 1;
    }
    wrap_sum(keys, tail, tail + NOISE_AT, parts, count, padding, tail + SUM_AT);
    write_number(keys, header, tail + SUM_AT, tail + NUMBER_AT);
    if (header->sealed) {
        crypt_all(keys, header->sequence, tail + NOISE_AT, parts, count, padding);
    }
    return SEC_E_OK;
}

SECURITY_STATUS rc4_wrap_parse(struct bytes token, size_t *out_size, bool *out_sealed)
{
    struct bytes oid;
    size_t head = 0;
    TRY(gss_frame_open(token, &oid, &head));
    struct reader reader = read_start(token);
    (void)read_bytes(&reader, head);
    struct bytes tail = read_bytes(&reader, WRAP_TAIL);
    TRY(read_end_lax(&reader, "a Wrap token of an RC4 key is cut short (RFC 4757 7.3)"));
    bool sealed = memcmp(tail.data, seal_head, PART) == 0;
    REQUIRE(oid.size == sizeof mechanism && memcmp(oid.data, mechanism, oid.size) == 0 &&
                (sealed || memcmp(tail.data, clear_head, PART) == 0),
            SEC_E_INVALID_TOKEN, "not a Wrap token of an RC4 key (RFC 4757 7.3)");
    *out_size = head + WRAP_TAIL;
    *out_sealed = sealed;
    return SEC_E_OK;
}

SECURITY_STATUS rc4_unwrap(const struct rc4_keys *keys, bool from_acceptor, const struct message_part *parts,
                           size_t count, struct bytes token, uint32_t *out_sequence)
{
    uint8_t expected[PART], confounder[PART];
    uint32_t sequence = 0;
    size_t size = 0;
    bool sealed = false;
    TRY(rc4_wrap_parse(token, &size, &sealed));
    const uint8_t *tail = token.data + size - WRAP_TAIL;
    TRY(read_number(keys, from_acceptor, tail, &sequence));
    memcpy(confounder, tail + NOISE_AT, PART);
    if (sealed) {
        crypt_all(keys, sequence, confounder, parts, count, NULL);
    }
    wrap_sum(keys, tail, confounder, parts, count, NULL, expected);
    if (!secret_equal(expected, tail + SUM_AT, PART)) {
        if (sealed) { /* RC4 undone is RC4 done again: nobody gets to see what did not verify */
            memcpy(confounder, tail + NOISE_AT, PART);
            crypt_all(keys, sequence, confounder, parts, count, NULL);
        }
        FAIL(SEC_E_MESSAGE_ALTERED,
             "the message does not verify: it was altered, or sealed with another key (RFC 4757 7.3)");
    }
    *out_sequence = sequence;
    return SEC_E_OK;
}
