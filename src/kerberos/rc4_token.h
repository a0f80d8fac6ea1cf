/* Per-message tokens of RC4 keys (RFC 4757 7, framed as RFC 1964 1.2 says): values in, values out.  Only where policy lets
 * such keys be used at all.
 *
 *  offset  size  field, behind the frame 60 L OID
 *       0     2  TOK_ID: 01 01 a MIC, 02 01 a Wrap
 *       2     2  SGN_ALG 11 00 (HMAC)
 *       4     2  SEAL_ALG 10 00 (RC4), FF FF in the clear and in a MIC
 *       6     2  FF FF
 *       8     8  SND_SEQ, encrypted: number, big-endian, and four bytes for the direction
 *      16     8  SGN_CKSUM
 *      24     8  Confounder (Wrap alone), encrypted with the data as one stream
 *
 * Behind the data stands one byte of padding, 01, but not in DCE style, where the frame's length leaves the data out too
 * (MS-KILE 3.4.5.4.1).
 */
#ifndef OPENSSPI_KERBEROS_RC4_TOKEN_H
#define OPENSSPI_KERBEROS_RC4_TOKEN_H

#include "crypto/aes_cts.h"
#include "crypto/md.h"
#include "kerberos/keys.h"

#define RC4_MIC_SIZE  37 /* 13 of the frame, 24 of the token */
#define RC4_WRAP_MAX  49 /* 32 of the token, up to 17 of the frame */
#define RC4_WRAP_SIZE 45 /* with a frame whose length is one byte */

/* Keys of both directions of a session.  Secret. */
struct rc4_keys {
    struct hmac_md5_key sign, number, crypt;
};

void rc4_keys_init(struct rc4_keys *keys, struct bytes base);
void rc4_keys_wipe(struct rc4_keys *keys);

struct rc4_header {
    bool from_acceptor;
    bool sealed;
    uint32_t sequence;
};

/* RC4_MIC_SIZE bytes at `token`. */
void rc4_mic(const struct rc4_keys *keys, const struct rc4_header *header, const struct message_part *parts,
             size_t count, uint8_t *token);

/* SEC_E_INVALID_TOKEN when it is no such token; SEC_E_MESSAGE_ALTERED when it does not match or comes from the wrong side. */
STATUS rc4_mic_check(const struct rc4_keys *keys, bool from_acceptor, const struct message_part *parts, size_t count,
                     struct bytes token, uint32_t *out_sequence);

/* Bytes in front of the data; `data_size` counts the secret parts, without the padding. */
size_t rc4_wrap_size(size_t data_size, bool dce);

/* Seals or wraps.  `padding` is where the byte of padding goes, NULL in DCE style.  rc4_wrap_size() bytes at `token`.
 * SEC_E_INTERNAL_ERROR: no random bytes. */
STATUS rc4_wrap(const struct rc4_keys *keys, const struct rc4_header *header, const struct message_part *parts,
                size_t count, uint8_t *padding, uint8_t *token);

/* Takes a Wrap token apart: the frame may count what stands behind `token` or not.  `out_size` receives the bytes in front
 * of the data.  SEC_E_INVALID_TOKEN. */
STATUS rc4_wrap_parse(struct bytes token, size_t *out_size, bool *out_sealed);

/* Verifies and decrypts in place; what does not verify is left as it was.  `token` is what rc4_wrap_parse() found in front of
 * the data, and is not changed; the padding, if there is any, is the last part.  SEC_E_MESSAGE_ALTERED. */
STATUS rc4_unwrap(const struct rc4_keys *keys, bool from_acceptor, const struct message_part *parts, size_t count,
                  struct bytes token, uint32_t *out_sequence);

#endif
