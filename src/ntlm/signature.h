/* NTLMSSP_MESSAGE_SIGNATURE (MS-NLMP 2.2.2.9), computed over one message as it passes by.
 *
 * With ESS (2.2.2.9.2):                       Without (2.2.2.9.1):
 * | offset | size | field               |     | offset | size | field                                 |
 * |      0 |    4 | Version 1           |     |      0 |    4 | Version 1                             |
 * |      4 |    8 | Checksum            |     |      4 |    4 | RandomPad: zero on the wire           |
 * |     12 |    4 | SeqNum              |     |      8 |    4 | Checksum, encrypted                   |
 *                                             |     12 |    4 | SeqNum, encrypted                     |
 */
#ifndef OPENSSPI_NTLM_SIGNATURE_H
#define OPENSSPI_NTLM_SIGNATURE_H

#include "crypto/cipher.h"
#include "crypto/md.h"
#include "ntlm/flags.h"

struct ntlm_signature_state {
    bool ess;
    bool key_exchange;
    uint32_t sequence;
    uint32_t crc;
    const struct hmac_md5_key *key;
    struct hmac_md5 mac;
};

void ntlm_signature_start(struct ntlm_signature_state *state, uint32_t flags, const struct hmac_md5_key *sign_key,
                          uint32_t sequence);

/* Data that is only signed. */
void ntlm_signature_add(struct ntlm_signature_state *state, struct bytes data);

/* Data that is signed and, in place, encrypted (`sending`) or decrypted; the signature covers the plaintext. */
void ntlm_signature_crypt(struct ntlm_signature_state *state, struct rc4 *stream, uint8_t *data, size_t size,
                          bool sending);

/* Writes the 16 bytes. */
void ntlm_signature_finish(struct ntlm_signature_state *state, struct rc4 *stream, uint8_t *out);

/* SEC_E_OK; SEC_E_MESSAGE_ALTERED when version or checksum differ; SEC_E_OUT_OF_SEQUENCE when only the sequence number
 * does, that is, when a message was replayed, lost or reordered. */
STATUS ntlm_signature_check(struct ntlm_signature_state *state, struct rc4 *stream, const uint8_t *signature);

/* The signature of a context that negotiated ALWAYS_SIGN alone: 01 00 00 00 and twelve zero bytes (MS-NLMP 3.4.4). */
void ntlm_signature_dummy(uint8_t *out);
STATUS ntlm_signature_check_dummy(const uint8_t *signature);

#endif
