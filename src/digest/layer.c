#include "digest/layer.h"

#include <stddef.h>
#include <string.h>

#include "crypto/sealing.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define CIPHERS_RC4 (DIGEST_CIPHER_RC4 | DIGEST_CIPHER_RC4_56 | DIGEST_CIPHER_RC4_40)
#define TAIL_SIZE   6 /* type and number, in clear */
#define NUMBER_SIZE 4
#define TYPE        1 /* RFC 2831 2.3 */

/* RFC 2831 2.3 and 2.4: by direction, without their NULs. */
static const char *const signing[] = {"Digest session key to server-to-client signing key magic constant",
                                      "Digest session key to client-to-server signing key magic constant"};
static const char *const sealing[] = {"Digest H(A1) to server-to-client sealing key magic constant",
                                      "Digest H(A1) to client-to-server sealing key magic constant"};

static bool is_rc4(const struct digest_layer *layer)
{
    return (layer->cipher & CIPHERS_RC4) != 0;
}

size_t digest_layer_size(unsigned cipher)
{
    size_t size = sizeof(struct digest_layer);
    if (cipher == 0) {
        size = offsetof(struct digest_layer, rc4);
    } else if ((cipher & CIPHERS_RC4) != 0) {
        size = offsetof(struct digest_layer, rc4) + sizeof(struct rc4);
    }
    size_t align = _Alignof(struct digest_layer); /* two of them lie behind one another */
    return (size + align - 1) / align * align;
}

/* How much of H(A1) goes into the sealing key: what the cipher is allowed to be worth (RFC 2831 2.4). */
static size_t strength(unsigned cipher)
{
    return cipher == DIGEST_CIPHER_RC4_40 ? 5 : cipher == DIGEST_CIPHER_RC4_56 ? 7 : sizeof(struct key16);
}

static void derive(const struct digest_value *session_key, size_t size, const char *constant, struct key16 *out)
{
    const struct bytes parts[] = {bytes_of(session_key->b, size), bytes_of(constant, strlen(constant))};
    md5(parts, 2, out);
}

void digest_layer_start(struct digest_layer *layer, const struct digest_value *session_key, unsigned cipher,
                        bool client_to_server)
{
    AUTO_KEY16 key;
    derive(session_key, sizeof key.b, signing[client_to_server], &key);
    hmac_md5_key(&layer->mac_key, BYTES(key.b));
    layer->sequence = 0;
    layer->cipher = cipher;
    if (cipher != 0) {
        derive(session_key, strength(cipher), sealing[client_to_server], &key);
    }
    if (is_rc4(layer)) {
        rc4_start(&layer->rc4, BYTES(key.b));
    } else if (cipher != 0) {
        des_cbc_start(&layer->des, &key, cipher == DIGEST_CIPHER_3DES);
    }
}

void digest_layer_write(const struct digest_layer *layer, struct writer *out)
{
    write_u32le(out, layer->sequence);
    if (is_rc4(layer)) {
        write_bytes(out, BYTES(layer->rc4.state.S));
        write_u8(out, layer->rc4.state.i);
        write_u8(out, layer->rc4.state.j);
    } else if (layer->cipher != 0) {
        write_bytes(out, BYTES(layer->des.iv));
    }
}

static void read_into(struct reader *reader, uint8_t *to, size_t size)
{
    struct writer writer = write_into(to, size);
    write_bytes(&writer, read_bytes(reader, size));
}

void digest_layer_read(struct digest_layer *layer, struct reader *reader)
{
    layer->sequence = read_u32le(reader);
    if (is_rc4(layer)) {
        read_into(reader, layer->rc4.state.S, sizeof layer->rc4.state.S);
        layer->rc4.state.i = read_u8(reader);
        layer->rc4.state.j = read_u8(reader);
    } else if (layer->cipher != 0) {
        read_into(reader, layer->des.iv, sizeof layer->des.iv);
    }
}

void digest_layer_wipe(struct digest_layer *layer, size_t size)
{
    secret_wipe(layer, size);
}

size_t digest_layer_block(const struct digest_layer *layer)
{
    return layer->cipher == 0 || is_rc4(layer) ? 1 : DES_CBC_BLOCK;
}

/* From one byte to a whole block, so that text, padding and MAC fill blocks (RFC 2831 2.4). */
static size_t padding_of(const struct digest_layer *layer, size_t size)
{
    return digest_layer_block(layer) == 1 ? 0 : DES_CBC_BLOCK - (size + DIGEST_MAC_SIZE) % DES_CBC_BLOCK;
}

size_t digest_layer_trailer(const struct digest_layer *layer, size_t size)
{
    return padding_of(layer, size) + DIGEST_TRAILER_SIZE;
}

/* ---------------------------------------------------------------- a message in pieces */

static size_t total_of(const struct digest_piece *pieces, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += pieces[i].size;
    }
    return total;
}

/* Where a message is read or changed. */
struct place {
    const struct digest_piece *pieces;
    size_t count, piece, at;
};

static void skip_empty(struct place *place)
{
    while (place->piece < place->count && place->at == place->pieces[place->piece].size) {
        place->piece++;
        place->at = 0;
    }
}

/* The next run of bytes that lie together, at most `most` of them, which there are. */
static struct digest_piece next_run(struct place *place, size_t most)
{
    skip_empty(place);
    const struct digest_piece *piece = &place->pieces[place->piece];
    size_t left = piece->size - place->at;
    struct digest_piece run = {piece->data + place->at, left < most ? left : most};
    place->at += run.size;
    return run;
}

static struct place place_at(const struct digest_piece *pieces, size_t count, size_t offset)
{
    struct place place = {pieces, count, 0, 0};
    while (offset != 0) {
        offset -= next_run(&place, offset).size;
    }
    return place;
}

static void gather(struct place place, uint8_t *out, size_t size)
{
    while (size != 0) {
        struct digest_piece run = next_run(&place, size);
        memcpy(out, run.data, run.size);
        out += run.size;
        size -= run.size;
    }
}

static void scatter(struct place place, const uint8_t *from, size_t size)
{
    while (size != 0) {
        struct digest_piece run = next_run(&place, size);
        memcpy(run.data, from, run.size);
        from += run.size;
        size -= run.size;
    }
}

/* Blocks that lie together in one go, a block that lies across pieces by itself. */
static void crypt_blocks(struct des_cbc *des, const struct digest_piece *pieces, size_t count, size_t size,
                         bool encrypt)
{
    struct place place = {pieces, count, 0, 0};
    while (size != 0) {
        skip_empty(&place);
        size_t together = pieces[place.piece].size - place.at;
        together = (together < size ? together : size) & ~(size_t)(DES_CBC_BLOCK - 1);
        if (together != 0) {
            struct digest_piece run = next_run(&place, together);
            des_cbc_crypt(des, encrypt, run.size, run.data);
            size -= together;
            continue;
        }
        uint8_t block[DES_CBC_BLOCK];
        gather(place, block, sizeof block);
        des_cbc_crypt(des, encrypt, sizeof block, block);
        scatter(place, block, sizeof block);
        for (size_t left = sizeof block; left != 0;) {
            left -= next_run(&place, left).size;
        }
        size -= sizeof block;
    }
}

static void start_mac(const struct digest_layer *layer, struct hmac_md5 *mac)
{
    uint8_t number[NUMBER_SIZE];
    struct writer writer = write_into(number, sizeof number);
    write_u32be(&writer, layer->sequence);
    hmac_md5_start(mac, &layer->mac_key);
    hmac_md5_update(mac, BYTES(number));
}

/* ---------------------------------------------------------------- sealing */

static void write_tail(const struct digest_layer *layer, uint8_t *tail)
{
    struct writer writer = write_into(tail, TAIL_SIZE);
    write_u16be(&writer, TYPE);
    write_u32be(&writer, layer->sequence);
}

void digest_layer_seal(struct digest_layer *layer, const struct digest_piece *pieces, size_t count, uint8_t *trailer)
{
    struct hmac_md5 mac;
    struct key16 value;
    size_t size = total_of(pieces, count), padding = padding_of(layer, size);
    start_mac(layer, &mac);
    for (size_t i = 0; i < count; i++) {
        if (is_rc4(layer)) {
            sealing_encrypt(&layer->rc4, &mac, pieces[i].data, pieces[i].size);
        } else {
            hmac_md5_update(&mac, bytes_of(pieces[i].data, pieces[i].size));
        }
    }
    hmac_md5_finish(&mac, &layer->mac_key, &value);
    memset(trailer, (int)padding, padding);
    memcpy(trailer + padding, value.b, DIGEST_MAC_SIZE);
    if (is_rc4(layer)) {
        rc4_crypt(&layer->rc4, DIGEST_MAC_SIZE, trailer, trailer);
    } else if (layer->cipher != 0) {
        struct digest_piece all[DIGEST_PIECES_MAX + 1];
        for (size_t i = 0; i < count; i++) {
            all[i] = pieces[i];
        }
        all[count] = (struct digest_piece){trailer, padding + DIGEST_MAC_SIZE};
        crypt_blocks(&layer->des, all, count + 1, size + padding + DIGEST_MAC_SIZE, true);
    }
    write_tail(layer, trailer + padding + DIGEST_MAC_SIZE);
    layer->sequence++;
}

/* ---------------------------------------------------------------- opening */

/* RFC 2831 2.3: the number is looked at first, as nothing has been touched yet. */
static SECURITY_STATUS check_tail(const struct digest_layer *layer, const struct digest_piece *pieces, size_t count,
                                  size_t total)
{
    uint8_t tail[TAIL_SIZE];
    REQUIRE(total >= DIGEST_TRAILER_SIZE, SEC_E_MESSAGE_ALTERED, "Digest: a message without a MAC (RFC 2831 2.3)");
    gather(place_at(pieces, count, total - TAIL_SIZE), tail, sizeof tail);
    struct reader reader = read_start(BYTES(tail));
    uint16_t type = read_u16be(&reader);
    uint32_t number = read_u32be(&reader);
    REQUIRE(type == TYPE, SEC_E_MESSAGE_ALTERED, "Digest: a message of another type than 1 (RFC 2831 2.3)");
    REQUIRE(number == layer->sequence, SEC_E_OUT_OF_SEQUENCE,
            "Digest: a message came twice, is missing or out of order (RFC 2831 2.3)");
    return SEC_E_OK;
}

/* The MAC over `size` bytes of text, which the stream cipher decrypts on the way. */
static void mac_of_text(struct digest_layer *layer, struct place place, size_t size, struct key16 *out)
{
    struct hmac_md5 mac;
    start_mac(layer, &mac);
    while (size != 0) {
        struct digest_piece run = next_run(&place, size);
        if (is_rc4(layer)) {
            sealing_decrypt(&layer->rc4, &mac, run.data, run.size);
        } else {
            hmac_md5_update(&mac, bytes_of(run.data, run.size));
        }
        size -= run.size;
    }
    hmac_md5_finish(&mac, &layer->mac_key, out);
}

/* The padding's size, or one byte's when it is not well-formed: the MAC then decides, in the same time. */
static size_t read_padding(const struct digest_piece *pieces, size_t count, size_t size, bool *good)
{
    uint8_t last[DES_CBC_BLOCK] = {0};
    size_t most = size < sizeof last ? size : sizeof last;
    gather(place_at(pieces, count, size - most), last + sizeof last - most, most);
    size_t padding = last[sizeof last - 1];
    unsigned wrong = padding == 0 || padding > most;
    padding = wrong != 0 ? 1 : padding;
    for (size_t i = 0; i < sizeof last; i++) {
        wrong |= i + padding >= sizeof last ? (unsigned)last[i] ^ (unsigned)padding : 0u;
    }
    *good = wrong == 0;
    return padding;
}

SECURITY_STATUS digest_layer_open(struct digest_layer *layer, const struct digest_piece *pieces, size_t count,
                                  size_t *out_size)
{
    size_t total = total_of(pieces, count);
    TRY(check_tail(layer, pieces, count, total));
    size_t sealed = total - TAIL_SIZE, size = sealed - DIGEST_MAC_SIZE;
    bool good = true;
    if (digest_layer_block(layer) != 1) {
        REQUIRE(sealed % DES_CBC_BLOCK == 0 && size != 0, SEC_E_MESSAGE_ALTERED,
                "Digest: a message that is not whole blocks (RFC 2831 2.4)");
        crypt_blocks(&layer->des, pieces, count, sealed, false);
        size -= read_padding(pieces, count, size, &good);
    }
    struct key16 expected;
    uint8_t sent[DIGEST_MAC_SIZE];
    mac_of_text(layer, (struct place){pieces, count, 0, 0}, size, &expected);
    gather(place_at(pieces, count, sealed - DIGEST_MAC_SIZE), sent, sizeof sent);
    if (is_rc4(layer)) {
        rc4_crypt(&layer->rc4, sizeof sent, sent, sent);
    }
    good = secret_equal(sent, expected.b, sizeof sent) && good;
    REQUIRE(good, SEC_E_MESSAGE_ALTERED, "Digest: the message was altered on its way (RFC 2831 2.3)");
    layer->sequence++;
    *out_size = size;
    return SEC_E_OK;
}
