/* The records of TLS 1.2 and 1.3 under an AEAD (RFC 5246 6.2.3.3, RFC 8446 5.2): sealed and opened in place,
 * straight between the caller's buffers and the cipher, with no copy and no allocation.
 *
 * OpenSSL's SSL makes the handshake.  When it is done, the secrets it agreed on give two directions, and
 * application data no longer goes through it.  What is not application data is handed to the engine (protect.h),
 * which may want to show it to the SSL: record_open_as and record_seal_as work under a sequence number of their
 * own and leave the stream's alone.
 *
 * A direction belongs to whoever holds the lock of its side (core/package.h: send or receive); nothing in it is
 * shared.
 */
#ifndef OPENSSPI_SCHANNEL_RECORD_H
#define OPENSSPI_SCHANNEL_RECORD_H

#include "base/bytes.h"
#include "base/status.h"
#include "schannel/suite.h"

#define RECORD_HEADER        5
#define RECORD_HEADER_DTLS   13
#define RECORD_PLAIN_MAX     16384          /* RFC 8446 5.1 */
#define RECORD_CIPHER_MAX_12 (16384 + 2048) /* RFC 5246 6.2.3 */
#define RECORD_CIPHER_MAX_13 (16384 + 256)  /* RFC 8446 5.2 */
#define RECORD_SECRET_MAX    48
#define RECORD_NONCE         12
#define RECORD_KEY_MAX       32
#define RECORD_KEY_BLOCK     (2 * (RECORD_KEY_MAX + RECORD_NONCE)) /* of TLS 1.2, the longest */
#define RECORD_OVERHEAD_MAX  (RECORD_HEADER + 8 + 1 + 16)          /* header, explicit nonce, inner type, tag */

enum record_type {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_APPLICATION_DATA = 23,
};

#define RECORD_TLS12 UINT16_C(0x0303)
#define RECORD_TLS13 UINT16_C(0x0304)

struct evp_cipher_ctx_st;

/* One direction of a connection.  All zeroes: not keyed, and record_wipe() on it is fine. */
struct record_direction {
    struct evp_cipher_ctx_st *cipher; /* keyed once; owned */
    const struct suite *suite;
    uint64_t sequence;     /* of the next record; the engine may set it after init (records that the SSL dealt with) */
    uint64_t nonce_base;   /* TLS 1.2: the explicit nonce of a sent record is this plus its sequence number */
    uint16_t version;      /* RECORD_TLS12 or RECORD_TLS13 */
    uint8_t tag_size;      /* 16, or 8 for CCM_8 */
    uint8_t explicit_size; /* 8 bytes of nonce in each record (TLS 1.2 GCM and CCM), else 0 */
    bool sending;
    bool dead;                         /* a record did not verify: nothing more goes through (RFC 8446 5.2) */
    uint8_t alert;                     /* after a refusal: the alert that answers it (RFC 8446 6), TLS1_ALERT_* */
    uint8_t iv[RECORD_NONCE];          /* implicit part; for TLS 1.2 GCM and CCM its first 4 bytes */
    uint8_t secret[RECORD_SECRET_MAX]; /* TLS 1.3: the traffic secret, for the next KeyUpdate; hash-sized */
};

/* Keys a direction of TLS 1.3 from its traffic secret, `client_` or `server_application_traffic_secret_N` (RFC
 * 8446 7.3); `secret` has the size of the suite's hash.  Starts at sequence number 0.
 * SEC_E_INTERNAL_ERROR: the suite is no AEAD of TLS 1.3 or the secret has another size; SEC_E_INSUFFICIENT_MEMORY;
 * SEC_E_ALGORITHM_MISMATCH: OpenSSL does not have the cipher.  `out` is untouched by a failure. */
STATUS record_init_tls13(struct record_direction *out, const struct suite *suite, bool sending, struct bytes secret);

/* Keys a direction of TLS 1.2 from the key block (RFC 5246 6.3).  `client_writes`: the direction is the one that
 * the client writes.  `master` has 48 bytes, the randoms 32.  Starts at sequence number 1: number 0 was the
 * Finished message, which the SSL sent or received.  Statuses as above. */
STATUS record_init_tls12(struct record_direction *out, const struct suite *suite, bool sending, bool client_writes,
                         struct bytes master, struct bytes client_random, struct bytes server_random);

/* The key block alone (RFC 5246 6.3), for record_init_tls12_pair().  Statuses as above. */
STATUS record_key_block(const struct suite *suite, struct bytes master, struct bytes client_random,
                        struct bytes server_random, uint8_t block[RECORD_KEY_BLOCK]);

/* Both directions of one end from one key block, which may be longer than the suite needs.  Statuses as above. */
STATUS record_init_tls12_pair(struct record_direction *out_send, struct record_direction *out_receive,
                              const struct suite *suite, bool client, struct bytes block);

/* TLS 1.2, sending: `record` is the last one that the SSL wrote under this key (its Finished).  Explicit nonces go
 * on after that one's, so that none is ever used twice: OpenSSL begins GCM's at random.  Anything else than a
 * whole record with an explicit nonce is ignored, and so is every record of a suite without. */
void record_continue_nonce(struct record_direction *direction, struct bytes record);

/* KeyUpdate (RFC 8446 7.2): the next traffic secret, its key and IV; sequence number 0.
 * SEC_E_UNSUPPORTED_FUNCTION for TLS 1.2; a failure leaves the direction dead. */
STATUS record_update(struct record_direction *direction);

/* Wipes and frees; the direction is all zeroes afterwards. */
void record_wipe(struct record_direction *direction);

static inline bool record_is_keyed(const struct record_direction *direction)
{
    return direction->cipher != NULL;
}

/* So many records were protected under this key that a KeyUpdate is due (RFC 8446 5.5, RFC 9147 4.5.3).  Never for
 * TLS 1.2, where only a renegotiation could help. */
bool record_wants_update(const struct record_direction *direction);

/* ---------------------------------------------------------------- framing */

struct record_frame {
    uint8_t type;   /* enum record_type; outer one for TLS 1.3 */
    size_t size;    /* of the whole record, header included; 0 while the header is incomplete */
    size_t missing; /* bytes that are not there yet: of the header first, then of the body; 0: the record is whole */
};

/* Looks at the record that `bytes` begins with.  `version` is RECORD_TLS12 or RECORD_TLS13 for a protected
 * connection, 0 before any version was agreed on (limits of TLS 1.2), or 0xFE.. for DTLS, whose header has 13
 * bytes.  The whole header is judged as soon as it is there; type and version bytes already before.
 *   SEC_E_INVALID_TOKEN    no record: a type other than 20..23, or a major version other than 3 (RFC 5246 6.2.1)
 *   SEC_E_ILLEGAL_MESSAGE  longer than the version allows (record_overflow, RFC 8446 5.2), or under TLS 1.3
 *                          protection an outer type other than application data (unexpected_message, RFC 8446 5)
 * `alert`, if not NULL, gets the TLS1_ALERT_* to answer with. */
STATUS record_peek(struct bytes bytes, uint16_t version, struct record_frame *out, uint8_t *out_alert);

/* ---------------------------------------------------------------- sealing */

/* A run of the caller's memory that we write to. */
struct record_room {
    uint8_t *data;
    size_t size;
};

/* Bytes before and after the ciphertext of a record: 5 (+ 8), and the tag (+ 1 for the inner type of TLS 1.3). */
static inline size_t record_header_size(const struct record_direction *direction)
{
    return RECORD_HEADER + direction->explicit_size;
}

static inline size_t record_trailer_size(const struct record_direction *direction)
{
    return (size_t)direction->tag_size + (direction->version == RECORD_TLS13 ? 1 : 0);
}

/* Protects `data` in place as one record of `type`; header and trailer need not lie beside it (when they do, it is
 * faster). The first record_header_size() bytes of `header` and record_trailer_size() bytes of `trailer` are
 *   written. SEC_E_BUFFER_TOO_SMALL  header or trailer
 *   SEC_E_INVALID_TOKEN     more than 16384 bytes of data, or a handshake or alert record without content (RFC
 *   8446 5.1) SEC_E_CONTEXT_EXPIRED   the direction is dead, or the sequence number would wrap (RFC 8446 5.3)
 *   SEC_E_ENCRYPT_FAILURE   the cipher failed; the direction is dead, the data wiped
 * Nothing is written but on success, and in the last case.  No memory is allocated but for CCM under TLS 1.3 when
 * the trailer does not follow the data. */
STATUS record_seal(struct record_direction *direction, uint8_t type, struct record_room header, struct record_room data,
                   struct record_room trailer);

/* As record_seal, under `sequence`; the stream's own number stays.  Any direction seals, receiving ones too: what
 * they make must never leave the process, as the peer has used that number. */
STATUS record_seal_as(struct record_direction *direction, uint64_t sequence, uint8_t type, struct record_room header,
                      struct record_room data, struct record_room trailer);

/* ---------------------------------------------------------------- opening */

struct record_content {
    uint8_t type;  /* enum record_type; inner one for TLS 1.3 */
    uint8_t *data; /* plaintext, inside the record; never NULL */
    size_t size;
};

/* Opens one whole record (record_peek) in place.
 *   SEC_E_INVALID_TOKEN     `record` is not exactly one whole record, or it is shorter than nonce and tag
 *   SEC_E_MESSAGE_ALTERED   it does not verify (bad_record_mac)
 *   SEC_E_ILLEGAL_MESSAGE   too long, before or after (record_overflow); no inner type, an inner type that TLS 1.3
 *                           does not know, or a handshake or alert record without content (unexpected_message, RFC
 *                           8446 5.4)
 *   SEC_E_CONTEXT_EXPIRED   the direction is dead, or the sequence number would wrap
 * Every refusal but the last kills the direction and sets its `alert`.  What did not verify is wiped: no
 * unauthenticated plaintext stays behind. */
STATUS record_open(struct record_direction *direction, struct record_room record, struct record_content *out);

/* As record_open, under `sequence`; neither the stream's own number nor `dead` change.  Any direction opens: a
 * sending one what the SSL wrote. */
STATUS record_open_as(struct record_direction *direction, uint64_t sequence, struct record_room record,
                      struct record_content *out);

#endif
