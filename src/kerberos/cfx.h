/* Per-message tokens of the AES types (RFC 4121 4.2): values in, values out; no context and no buffers of SSPI's.
 *
 *  offset  size  field of the token's header
 *       0     2  TOK_ID: 04 04 a MIC, 05 04 a Wrap
 *       2     1  flags: 1 sent by the acceptor, 2 sealed, 4 with the acceptor's subkey
 *       3     1  FF (a MIC: five of them)
 *       4     2  EC: bytes of filler, or of the checksum behind a message in the clear; big-endian
 *       6     2  RRC: how far what follows the header is rotated to the right
 *       8     8  SND_SEQ
 *
 * A sealed message is confounder | data | filler | copy of the header with RRC 0, encrypted, and a MAC.  Sent with EC 0 (or
 * 16 in DCE style) and RRC 16 + MAC, so that data stays where it was and all else stands in front of it, as Windows does
 * (MS-KILE 3.4.5.4.1).  Any EC and RRC is taken.
 *
 * The data may lie in any number of parts; parts that are not `secret` are only covered by the MAC.  Parts are changed in
 * place; a message that does not verify is left as it was.
 */
#ifndef OPENSSPI_KERBEROS_CFX_H
#define OPENSSPI_KERBEROS_CFX_H

#include "crypto/aes_cts.h"
#include "kerberos/keys.h"

#define CFX_HEADER_SIZE 16
#define CFX_FILLER_SIZE 16 /* EC in DCE style */
#define CFX_TOKEN_MAX   (CFX_HEADER_SIZE + CFX_FILLER_SIZE + AES_BLOCK + KERBEROS_MAC_MAX + AES_BLOCK)
#define CFX_PARTS_MAX   160 /* of a whole message, with what the token adds and what rotation splits */

enum { CFX_FROM_ACCEPTOR = 1, CFX_SEALED = 2, CFX_ACCEPTOR_SUBKEY = 4 };

/* The keys of one direction, each derived when it is first needed.  Secret. */
struct cfx_keys {
    const struct enctype_profile *profile;
    bool from_acceptor; /* the direction */
    bool sending;
    bool has_integrity, has_wrap, has_mic;
    struct aes_cts cipher;
    struct hmac_sha_key integrity; /* Ki of the seal usage */
    struct hmac_sha_key wrap;      /* Kc of the seal usage: Wrap in the clear */
    struct hmac_sha_key mic;       /* Kc of the sign usage */
};

/* One token's numbers. */
struct cfx_header {
    uint8_t flags;
    uint64_t sequence;
    uint16_t extra;  /* EC */
    uint16_t rotate; /* RRC */
};

/* `profile` is that of the context's key; keys are derived from `base`, which every call is given again. */
void cfx_keys_init(struct cfx_keys *keys, const struct enctype_profile *profile, bool from_acceptor, bool sending);
void cfx_keys_wipe(struct cfx_keys *keys);

/* Sizes of what stands in front of the data. */
size_t cfx_mic_size(const struct enctype_profile *profile);
size_t cfx_sealed_size(const struct enctype_profile *profile, bool dce);

/* A MIC over the parts: cfx_mic_size() bytes at `token`.  The statuses of kerberos_derive. */
STATUS cfx_mic(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
               const struct message_part *parts, size_t count, uint8_t *token);

/* Reads a MIC's header.  SEC_E_INVALID_TOKEN when it is none; SEC_E_MESSAGE_ALTERED: from the wrong side (RFC 4121 4.2.2). */
STATUS cfx_mic_header(const struct cfx_keys *keys, struct bytes token, struct cfx_header *out);

/* SEC_E_MESSAGE_ALTERED when it does not match. */
STATUS cfx_mic_check(struct cfx_keys *keys, struct bytes base, const struct message_part *parts, size_t count,
                     struct bytes token);

/* Seals: the secret parts are encrypted, cfx_sealed_size() bytes go to `token`.  SEC_E_INTERNAL_ERROR: no random bytes. */
STATUS cfx_seal(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header, bool dce,
                const struct message_part *parts, size_t count, uint8_t *token);

/* A Wrap token in the clear: cfx_mic_size() bytes at `token`, which stand in front of the data (RRC = EC). */
STATUS cfx_wrap(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header,
                const struct message_part *parts, size_t count, uint8_t *token);

/* Reads a Wrap token's header.  The statuses of cfx_mic_header. */
STATUS cfx_wrap_header(const struct cfx_keys *keys, struct bytes token, struct cfx_header *out);

/* A message as it came: the pieces that follow the header on the wire, and, in their order and between them, parts that
 * only the MAC covers.  `rotation` is RRC, and with DCE style RRC + EC for a sealed one. */
struct cfx_message {
    const uint8_t *header; /* CFX_HEADER_SIZE bytes */
    const struct message_part *wire;
    size_t wire_count;
    const struct message_part *layout; /* how the data is cut: secret parts take their size of it; NULL: one run */
    size_t layout_count;
};

/* Where the data of an opened message lies, in order. */
struct cfx_found {
    struct message_part parts[CFX_PARTS_MAX];
    size_t count;
    size_t size; /* of all of them */
};

/* Verifies, and decrypts in place.  SEC_E_INVALID_TOKEN: shorter than its own fields, or not cut as `layout` says;
 * SEC_E_MESSAGE_ALTERED; SEC_E_INSUFFICIENT_MEMORY. */
STATUS cfx_open(struct cfx_keys *keys, struct bytes base, const struct cfx_header *header, bool dce,
                const struct cfx_message *message, struct cfx_found *out);

#endif
