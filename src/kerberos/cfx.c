#include "kerberos/cfx.h"

#include <string.h>

#include "base/random.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define TOK_MIC  0x0404
#define TOK_WRAP 0x0504
#define FILLER   0xFF

void cfx_keys_init(struct cfx_keys *keys, const struct enctype_profile *profile, bool from_acceptor, bool sending)
{
    *keys = (struct cfx_keys){.profile = profile, .from_acceptor = from_acceptor, .sending = sending};
}

void cfx_keys_wipe(struct cfx_keys *keys)
{
    aes_cts_close(&keys->cipher);
    secret_wipe(keys, sizeof *keys);
}

size_t cfx_mic_size(const struct enctype_profile *profile)
{
    return (size_t)CFX_HEADER_SIZE + profile->mac_size;
}

size_t cfx_sealed_size(const struct enctype_profile *profile, bool dce)
{
    return (size_t)CFX_HEADER_SIZE + (dce ? CFX_FILLER_SIZE : 0) + CFX_HEADER_SIZE + profile->mac_size + AES_BLOCK;
}

/* ---------------------------------------------------------------- keys */

static SECURITY_STATUS derive_mac(const struct cfx_keys *keys, struct bytes base, uint32_t usage,
                                  enum key_purpose purpose, bool *has, struct hmac_sha_key *out)
{
    if (!*has) {
        uint8_t secret[KERBEROS_KEY_MAX];
        size_t size = 0;
        TRY(kerberos_derive(keys->profile, base, usage, purpose, secret, &size));
        hmac_sha_key(out, (enum hmac_sha_kind)keys->profile->hash, bytes_of(secret, size));
        secret_wipe(secret, sizeof secret);
        *has = true;
    }
    return SEC_E_OK;
}

static uint32_t seal_usage(const struct cfx_keys *keys)
{
    return keys->from_acceptor ? USAGE_ACCEPTOR_SEAL : USAGE_INITIATOR_SEAL;
}

static SECURITY_STATUS derive_cipher(const struct cfx_keys *keys, struct bytes base, bool encrypting,
                                     struct aes_cts *out)
{
    uint8_t secret[KERBEROS_KEY_MAX];
    size_t size = 0;
    TRY(kerberos_derive(keys->profile, base, seal_usage(keys), KEY_ENCRYPTION, secret, &size));
    SECURITY_STATUS status = aes_cts_open(out, bytes_of(secret, size), encrypting);
    secret_wipe(secret, sizeof secret);
    return status;
}

static SECURITY_STATUS ready_to_seal(struct cfx_keys *keys, struct bytes base)
{
    if (keys->cipher.cipher == NULL) {
        TRY(derive_cipher(keys, base, keys->sending, &keys->cipher));
    }
    return derive_mac(keys, base, seal_usage(keys), KEY_INTEGRITY, &keys->has_integrity, &keys->integrity);
}

static SECURITY_STATUS ready_to_wrap(struct cfx_keys *keys, struct bytes base)
{
    return derive_mac(keys, base, seal_usage(keys), KEY_CHECKSUM, &keys->has_wrap, &keys->wrap);
}

static SECURITY_STATUS ready_to_sign(struct cfx_keys *keys, struct bytes base)
{
    uint32_t usage = keys->from_acceptor ? USAGE_ACCEPTOR_SIGN : USAGE_INITIATOR_SIGN;
    return derive_mac(keys, base, usage, KEY_CHECKSUM, &keys->has_mic, &keys->mic);
}

/* ---------------------------------------------------------------- headers */

static void write_header(uint16_t id, const struct cfx_header *header, uint8_t out[CFX_HEADER_SIZE])
{
    struct writer writer = write_into(out, CFX_HEADER_SIZE);
    write_u16be(&writer, id);
    write_u8(&writer, header->flags);
    write_u8(&writer, FILLER);
    if (id == TOK_MIC) {
        write_u32be(&writer, UINT32_MAX);
    } else {
        write_u16be(&writer, header->extra);
        write_u16be(&writer, header->rotate);
    }
    write_u32be(&writer, (uint32_t)(header->sequence >> 32));
    write_u32be(&writer, (uint32_t)header->sequence);
}

static SECURITY_STATUS read_header(const struct cfx_keys *keys, struct bytes token, uint16_t id, struct cfx_header *out)
{
    struct reader reader = read_start(token);
    uint16_t found = read_u16be(&reader);
    struct cfx_header header = {.flags = read_u8(&reader)};
    uint8_t filler = read_u8(&reader);
    header.extra = read_u16be(&reader);
    header.rotate = read_u16be(&reader);
    uint64_t high = read_u32be(&reader);
    header.sequence = high << 32 | read_u32be(&reader);
    reader.bad = reader.bad || found != id || filler != FILLER;
    if (id == TOK_MIC) {
        reader.bad = reader.bad || header.extra != UINT16_MAX || header.rotate != UINT16_MAX;
    }
    TRY(read_end_lax(&reader, "not the header of a per-message token of Kerberos (RFC 4121 4.2.6)"));
    REQUIRE(((header.flags & CFX_FROM_ACCEPTOR) != 0) == keys->from_acceptor, SEC_E_MESSAGE_ALTERED,
            "a message of this side's own came back: the direction bit is wrong (RFC 4121 4.2.2)");
    *out = header;
    return SEC_E_OK;
}

SECURITY_STATUS cfx_mic_header(const struct cfx_keys *keys, struct bytes token, struct cfx_header *out)
{
    return read_header(keys, token, TOK_MIC, out);
}

SECURITY_STATUS cfx_wrap_header(const struct cfx_keys *keys, struct bytes token, struct cfx_header *out)
{
    return read_header(keys, token, TOK_WRAP, out);
}

/* ---------------------------------------------------------------- checksums */

static void mac_parts(struct hmac_sha *mac, const struct hmac_sha_key *key, const struct message_part *parts,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hmac_sha_update(mac, key, bytes_of(parts[i].data, parts[i].size));
    }
}

/* A checksum of parts and a header behind them (RFC 4121 4.2.4). */
static void checksum(const struct hmac_sha_key *key, const struct message_part *parts, size_t count,
                     const uint8_t header[CFX_HEADER_SIZE], uint8_t out[HMAC_SHA_MAX])
{
    struct hmac_sha mac;
    hmac_sha_start(&mac, key);
    mac_parts(&mac, key, parts, count);
    hmac_sha_update(&mac, key, bytes_of(header, CFX_HEADER_SIZE));
    hmac_sha_finish(&mac, key, out);
}

SECURITY_STATUS cfx_mic(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                        const struct message_part *parts, size_t count, uint8_t *token)
{
    uint8_t digest[HMAC_SHA_MAX];
    TRY(ready_to_sign(keys, base));
    write_header(TOK_MIC, header, token);
    checksum(&keys->mic, parts, count, token, digest);
    memcpy(token + CFX_HEADER_SIZE, digest, keys->profile->mac_size);
    return SEC_E_OK;
}

SECURITY_STATUS cfx_mic_check(struct cfx_keys *keys, struct bytes base, const struct message_part *parts, size_t count,
                              struct bytes token)
{
    uint8_t digest[HMAC_SHA_MAX];
    REQUIRE(token.size == cfx_mic_size(keys->profile), SEC_E_MESSAGE_ALTERED,
            "a MIC of another length than its checksum has (RFC 4121 4.2.6.1)");
    TRY(ready_to_sign(keys, base));
    checksum(&keys->mic, parts, count, token.data, digest);
    REQUIRE(secret_equal(digest, token.data + CFX_HEADER_SIZE, keys->profile->mac_size), SEC_E_MESSAGE_ALTERED,
            "the MIC does not match: the message was altered (RFC 4121 4.2.4)");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- sealed and clear messages, as we send them */

/* The MAC of a sealed message: over the plaintext (RFC 3961 5.3), or over the vector and the ciphertext (RFC 8009 5). */
static void seal_mac(const struct cfx_keys *keys, const struct message_part *parts, size_t count,
                     uint8_t out[HMAC_SHA_MAX])
{
    static const uint8_t vector[AES_BLOCK];
    struct hmac_sha mac;
    hmac_sha_start(&mac, &keys->integrity);
    if (keys->profile->mac_over_ciphertext) {
        hmac_sha_update(&mac, &keys->integrity, BYTES(vector));
    }
    mac_parts(&mac, &keys->integrity, parts, count);
    hmac_sha_finish(&mac, &keys->integrity, out);
}

/* The token's places, in the order of the wire: header | filler | copy of the header | MAC | confounder. */
SECURITY_STATUS cfx_seal(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header, bool dce,
                         const struct message_part *parts, size_t count, uint8_t *token)
{
    const struct enctype_profile *profile = keys->profile;
    struct message_part all[CFX_PARTS_MAX];
    uint8_t digest[HMAC_SHA_MAX];
    size_t filler_size = dce ? CFX_FILLER_SIZE : 0;
    uint8_t *filler = token + CFX_HEADER_SIZE;
    uint8_t *copy = filler + filler_size;
    uint8_t *mac = copy + CFX_HEADER_SIZE;
    uint8_t *confounder = mac + profile->mac_size;
    REQUIRE(count + 3 <= CFX_PARTS_MAX, SEC_E_INTERNAL_ERROR, "a message in more parts than buffers allow");
    TRY(ready_to_seal(keys, base));
    TRY(random_bytes(confounder, AES_BLOCK));

    struct cfx_header sealed = {
        .flags = header->flags | CFX_SEALED, .sequence = header->sequence, .extra = (uint16_t)filler_size};
    write_header(TOK_WRAP, &sealed, copy);
    memset(filler, 0, filler_size); /* as Windows (observed) */
    sealed.rotate = (uint16_t)(CFX_HEADER_SIZE + profile->mac_size);
    write_header(TOK_WRAP, &sealed, token);

    all[0] = (struct message_part){confounder, AES_BLOCK, true};
    memcpy(all + 1, parts, count * sizeof *parts);
    all[count + 1] = (struct message_part){filler, filler_size + CFX_HEADER_SIZE, true};
    if (!profile->mac_over_ciphertext) {
        seal_mac(keys, all, count + 2, digest);
    }
    TRY(aes_cts_run(&keys->cipher, all, count + 2));
    if (profile->mac_over_ciphertext) {
        seal_mac(keys, all, count + 2, digest);
    }
    memcpy(mac, digest, profile->mac_size);
    return SEC_E_OK;
}

/* The checksum covers the header with EC and RRC zero (RFC 4121 4.2.4). */
static void clear_checksum(const struct cfx_keys *keys, const struct cfx_header *header,
                           const struct message_part *parts, size_t count, uint8_t out[HMAC_SHA_MAX])
{
    uint8_t covered[CFX_HEADER_SIZE];
    write_header(TOK_WRAP, &(struct cfx_header){.flags = header->flags, .sequence = header->sequence}, covered);
    checksum(&keys->wrap, parts, count, covered, out);
}

SECURITY_STATUS cfx_wrap(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                         const struct message_part *parts, size_t count, uint8_t *token)
{
    uint8_t digest[HMAC_SHA_MAX];
    uint8_t size = keys->profile->mac_size;
    TRY(ready_to_wrap(keys, base));
    clear_checksum(keys, header, parts, count, digest);
    write_header(
        TOK_WRAP,
        &(struct cfx_header){.flags = header->flags, .sequence = header->sequence, .extra = size, .rotate = size},
        token);
    memcpy(token + CFX_HEADER_SIZE, digest, size);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- messages as they come */

/* The wire's pieces in their logical order: what was rotated is followed around the end. */
struct cursor {
    const struct message_part *wire;
    size_t count, index, at;
};

static struct cursor cursor_at(const struct message_part *wire, size_t count, size_t offset)
{
    struct cursor cursor = {.wire = wire, .count = count};
    while (cursor.index < count && offset >= wire[cursor.index].size) {
        offset -= wire[cursor.index].size;
        cursor.index++;
    }
    cursor.at = offset;
    return cursor;
}

/* A list of parts being made. */
struct list {
    struct message_part *parts;
    size_t count;
    bool full;
};

static void list_add(struct list *list, uint8_t *data, size_t size, bool secret)
{
    list->full = list->full || list->count == CFX_PARTS_MAX;
    if (!list->full && size != 0) {
        list->parts[list->count] = (struct message_part){data, size, secret};
        list->count++;
    }
}

/* The next `size` logical bytes.  The caller knows that they are there. */
static void take(struct cursor *cursor, size_t size, struct list *list)
{
    while (size != 0) {
        if (cursor->index == cursor->count) {
            cursor->index = 0;
        }
        const struct message_part *part = &cursor->wire[cursor->index];
        size_t left = part->size - cursor->at;
        size_t run = left < size ? left : size;
        list_add(list, part->data + cursor->at, run, true);
        cursor->at += run;
        size -= run;
        if (cursor->at == part->size) {
            cursor->index++;
            cursor->at = 0;
        }
    }
}

static void collect(const struct message_part *parts, size_t count, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < count && size != 0; i++) {
        size_t run = parts[i].size < size ? parts[i].size : size;
        memcpy(out, parts[i].data, run);
        out += run;
        size -= run;
    }
}

/* The MAC lies last; rotation may split it. */
static void take_mac(struct cursor *cursor, uint8_t *out, size_t size)
{
    struct message_part parts[KERBEROS_MAC_MAX];
    struct list list = {.parts = parts};
    take(cursor, size, &list);
    collect(parts, list.count, out, size);
}

/* The data, cut as the layout says, into `list`; its secret runs into `found` too. */
static SECURITY_STATUS cut_data(struct cursor *cursor, size_t size, const struct cfx_message *message,
                                struct list *list, struct cfx_found *found)
{
    size_t first = list->count;
    size_t left = size;
    for (size_t i = 0; message->layout != NULL && i < message->layout_count; i++) {
        const struct message_part *part = &message->layout[i];
        if (!part->secret) {
            list_add(list, part->data, part->size, false);
            continue;
        }
        REQUIRE(part->size <= left, SEC_E_INVALID_TOKEN,
                "a sealed message is shorter than the buffers for it (RFC 4121 4.2.6.2)");
        take(cursor, part->size, list);
        left -= part->size;
    }
    REQUIRE(message->layout == NULL || left == 0, SEC_E_INVALID_TOKEN,
            "a sealed message is longer than the buffers for it (RFC 4121 4.2.6.2)");
    take(cursor, left, list);
    REQUIRE(!list->full, SEC_E_INVALID_TOKEN, "a message in more parts than buffers allow");
    found->count = 0;
    found->size = size;
    for (size_t i = first; i < list->count; i++) {
        if (list->parts[i].secret) {
            found->parts[found->count] = list->parts[i];
            found->count++;
        }
    }
    return SEC_E_OK;
}

/* Puts the ciphertext back: nobody gets to see what did not verify. */
static SECURITY_STATUS seal_again(const struct cfx_keys *keys, struct bytes base, const struct list *list)
{
    struct aes_cts cipher = {.cipher = NULL};
    TRY(derive_cipher(keys, base, true, &cipher));
    SECURITY_STATUS status = aes_cts_run(&cipher, list->parts, list->count);
    aes_cts_close(&cipher);
    return status;
}

/* The header's copy must say what the header says, with RRC 0 (RFC 4121 4.2.4). */
static bool copy_matches(const struct cfx_header *header, const struct message_part *parts, size_t count)
{
    uint8_t expected[CFX_HEADER_SIZE], found[CFX_HEADER_SIZE];
    struct cfx_header plain = *header;
    plain.rotate = 0;
    write_header(TOK_WRAP, &plain, expected);
    collect(parts, count, found, sizeof found);
    return secret_equal(expected, found, sizeof found);
}

static SECURITY_STATUS decrypt(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                               const struct list *list, size_t copy_at, const uint8_t *mac)
{
    uint8_t digest[HMAC_SHA_MAX];
    static const char altered[] =
        "the message does not verify: it was altered, or sealed with another key (RFC 4121 4.2.4)";
    if (keys->profile->mac_over_ciphertext) {
        seal_mac(keys, list->parts, list->count, digest);
        REQUIRE(secret_equal(digest, mac, keys->profile->mac_size), SEC_E_MESSAGE_ALTERED, altered);
    }
    TRY(aes_cts_run(&keys->cipher, list->parts, list->count));
    bool good = true;
    if (!keys->profile->mac_over_ciphertext) {
        seal_mac(keys, list->parts, list->count, digest);
        good = secret_equal(digest, mac, keys->profile->mac_size);
    }
    good = copy_matches(header, list->parts + copy_at, list->count - copy_at) && good;
    if (!good) {
        TRY(seal_again(keys, base, list));
        FAIL(SEC_E_MESSAGE_ALTERED, altered);
    }
    return SEC_E_OK;
}

static SECURITY_STATUS open_sealed(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                                   struct cursor *cursor, size_t total, const struct cfx_message *message,
                                   struct cfx_found *found)
{
    struct message_part parts[CFX_PARTS_MAX];
    struct list list = {.parts = parts};
    uint8_t mac[KERBEROS_MAC_MAX];
    size_t around = (size_t)AES_BLOCK + header->extra + CFX_HEADER_SIZE + keys->profile->mac_size;
    REQUIRE(total >= around, SEC_E_INVALID_TOKEN, "a sealed message is shorter than its own fields (RFC 4121 4.2.4)");
    TRY(ready_to_seal(keys, base));
    take(cursor, AES_BLOCK, &list);
    TRY(cut_data(cursor, total - around, message, &list, found));
    take(cursor, header->extra, &list);
    size_t copy_at = list.count;
    take(cursor, CFX_HEADER_SIZE, &list);
    REQUIRE(!list.full, SEC_E_INVALID_TOKEN, "a message in more parts than buffers allow");
    take_mac(cursor, mac, keys->profile->mac_size);
    return decrypt(keys, base, header, &list, copy_at, mac);
}

static SECURITY_STATUS open_clear(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                                  struct cursor *cursor, size_t total, const struct cfx_message *message,
                                  struct cfx_found *found)
{
    struct message_part parts[CFX_PARTS_MAX];
    struct list list = {.parts = parts};
    uint8_t digest[HMAC_SHA_MAX], mac[KERBEROS_MAC_MAX];
    size_t size = keys->profile->mac_size;
    REQUIRE(header->extra == size && total >= size, SEC_E_INVALID_TOKEN,
            "a message in the clear whose EC is not its checksum's length (RFC 4121 4.2.4)");
    TRY(ready_to_wrap(keys, base));
    TRY(cut_data(cursor, total - size, message, &list, found));
    take_mac(cursor, mac, size);
    clear_checksum(keys, header, list.parts, list.count, digest);
    REQUIRE(secret_equal(digest, mac, size), SEC_E_MESSAGE_ALTERED,
            "the checksum does not match: the message was altered (RFC 4121 4.2.4)");
    return SEC_E_OK;
}

SECURITY_STATUS cfx_open(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header, bool dce,
                         const struct cfx_message *message, struct cfx_found *out)
{
    bool sealed = (header->flags & CFX_SEALED) != 0;
    size_t total = 0;
    for (size_t i = 0; i < message->wire_count; i++) {
        total += message->wire[i].size;
    }
    REQUIRE(total != 0, SEC_E_INVALID_TOKEN, "a Wrap token without a body (RFC 4121 4.2.6.2)");
    size_t rotation = (header->rotate + (dce && sealed ? (size_t)header->extra : 0)) % total; /* MS-KILE 3.4.5.4.1 */
    struct cursor cursor = cursor_at(message->wire, message->wire_count, rotation);
    return sealed ? open_sealed(keys, base, header, &cursor, total, message, out)
                  : open_clear(keys, base, header, &cursor, total, message, out);
}
