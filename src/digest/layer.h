/* The security layers of SASL DIGEST-MD5 (RFC 2831 2.3 and 2.4): one direction, one message after the other.
 *
 * A message may lie in several pieces; the trailer (padding, MAC, type, number) has a place of its own behind them.
 */
#ifndef OPENSSPI_DIGEST_LAYER_H
#define OPENSSPI_DIGEST_LAYER_H

#include "crypto/cipher.h"
#include "crypto/md.h"
#include "digest/response.h"

#define DIGEST_MAC_SIZE     10
#define DIGEST_TRAILER_SIZE 16 /* MAC, type 0001 in two bytes, number in four */
#define DIGEST_PIECES_MAX   64 /* as many as a SecBufferDesc may have */
#define DIGEST_TRAILER_MAX  (DIGEST_TRAILER_SIZE + DES_CBC_BLOCK)

struct digest_layer {
    struct hmac_md5_key mac_key;
    uint32_t sequence;
    unsigned cipher; /* DIGEST_CIPHER_*; 0 = integrity alone */
    union {
        struct rc4 rc4;
        struct des_cbc des;
    };
};

struct digest_piece {
    uint8_t *data;
    size_t size;
};

/* Bytes that a layer with this cipher needs: RC4 goes without DES's key schedule, integrity without either. */
size_t digest_layer_size(unsigned cipher);

/* Keys for the direction from client to server or back (RFC 2831 2.3, 2.4). */
void digest_layer_start(struct digest_layer *layer, const struct digest_value *session_key, unsigned cipher,
                        bool client_to_server);

/* The size of the blocks that messages are padded to: 1 or 8. */
size_t digest_layer_block(const struct digest_layer *layer);

/* What digest_layer_seal() will write behind a message of `size` bytes. */
size_t digest_layer_trailer(const struct digest_layer *layer, size_t size);

/* Encrypts the pieces in place and writes the trailer; without a cipher only the latter. */
void digest_layer_seal(struct digest_layer *layer, const struct digest_piece *pieces, size_t count, uint8_t *trailer);

/* Decrypts one message in place: pieces that hold the whole packet, trailer included, in order.  `*out_size` is the size
 * of the text, which stands at the front.
 * SEC_E_OUT_OF_SEQUENCE: another number than the next; SEC_E_MESSAGE_ALTERED: anything else is wrong, padding and MAC
 * alike (RFC 2831 2.3: the connection is to be dropped; the state of a cipher is spoilt). */
STATUS digest_layer_open(struct digest_layer *layer, const struct digest_piece *pieces, size_t count, size_t *out_size);

/* How far the layer has come: its number and its cipher's state; and back, into one that was started with the same keys. */
struct writer;
struct reader;
void digest_layer_write(const struct digest_layer *layer, struct writer *out);
void digest_layer_read(struct digest_layer *layer, struct reader *reader);

void digest_layer_wipe(struct digest_layer *layer, size_t size);

#endif
