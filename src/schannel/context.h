/* What Schannel remembers of a connection.  Only step files include this.
 *
 * Locks.  Core holds both of the context's locks around steps, queries and control tokens, the send lock around
 * EncryptMessage and the receive lock around DecryptMessage.  Members say to which of these they belong:
 *     [step] written by steps alone: whoever holds either lock may read it
 *     [send], [receive] belong to that direction
 * The SSL object is touched by steps, by queries, and by DecryptMessage when a ticket comes (with EncryptMessage at work
 * in another thread, which never touches it).  A connection whose records OpenSSL protects (CBC suites, TLS 1.0 and 1.1,
 * DTLS) has base.one_stream set, so that its messages go one at a time.
 *
 * For readers of attributes (attributes.c), under both locks:
 *     ssl              not NULL from the first leg on; every SSL_get* may be asked.  Facts about the peer and the suite are
 *                      final once `completed` is set, and those of the newest handshake after a renegotiation.
 *     completed        the first handshake is done: attributes of the connection exist
 *     credential       whose certificates, roots and flags are in force; never NULL
 *     target           as given with the first leg
 *     sizes            STREAM_SIZES, constant from `completed` on
 *     verdict          what the automatic validation found, also where it was not to refuse (deferred)
 *     exporter, ...    what SetContextAttributes left for a query
 * SSL_get_peer_cert_chain() holds the received chain on a client with the leaf first and on a server without it; after a
 * resumption by ticket a server has the leaf alone.
 */
#ifndef OPENSSPI_SCHANNEL_CONTEXT_H
#define OPENSSPI_SCHANNEL_CONTEXT_H

#include <openssl/ssl.h>

#include "base/secret.h"
#include "core/context_buffer.h"
#include "core/package.h"
#include "schannel/credential.h"
#include "schannel/record.h"
#include "schannel/schannel_package.h"

/* The largest token: what Windows reports.  A flight with very long chains that we allocate may be larger. */
#define SCHANNEL_MAX_TOKEN 0x6000

enum schannel_state {
    SCHANNEL_HANDSHAKE,     /* the first one */
    SCHANNEL_OPEN,          /* messages flow */
    SCHANNEL_NOTIFIED,      /* DecryptMessage answered SEC_I_RENEGOTIATE: messages wait for a step */
    SCHANNEL_RENEGOTIATING, /* a later handshake is under way: messages wait for its end */
    SCHANNEL_FAILED,        /* nothing works any more */
};

/* A step that is to be repeated with the same bytes: for want of room, or of a certificate. */
struct schannel_repeat {
    bool due;
    SECURITY_STATUS status; /* what the step came to; SEC_I_INCOMPLETE_CREDENTIALS: it is to be gone on with */
    size_t used;            /* bytes of the token that it used up: skipped when they are there again */
    size_t kept;
    uint8_t start[64]; /* how they began, to know them by */
};

/* SetContextAttributes(SECPKG_ATTR_KEYING_MATERIAL_INFO), for SECPKG_ATTR_KEYING_MATERIAL; and SECPKG_ATTR_EAP_PRF_INFO, for
 * SECPKG_ATTR_EAP_KEY_BLOCK. */
struct schannel_exporter {
    char *label; /* owned, all three; NUL-terminated */
    char *eap_label;
    uint8_t *context;
    size_t context_size;
    bool has_context;
    uint32_t size;
};

/* Needed while hands are shaken, and then no more. */
struct schannel_handshake {
    struct bytes feed;     /* whole records that OpenSSL has not read; borrowed from the step's input */
    struct bytes record;   /* what it has not read of the one (or, unbridged, all) before those */
    struct writer bridged; /* the record that the bridge has sealed for OpenSSL */
    bool bridge_in;        /* records for OpenSSL, and its own, change sequence numbers (engine.h) */
    bool bridge_out;
    const SSL_SESSION *offered; /* for comparison alone: the session that the client asked to resume */
    bool insists;               /* the caller was told what is missing, and goes on with what there is */
    bool awaits_staple;         /* TLS 1.2: the verdict waits for CertificateStatus */
    struct bytes alpn;          /* the caller's list (RFC 7301 3.1), a part of: */
    uint8_t *alpn_owned;
    struct secret psk, psk_identity; /* psk.h; the identity with its NUL */
    bool has_secret[2];              /* TLS 1.3: context->secrets are this handshake's */
    size_t key_block_size;
    uint8_t key_block[RECORD_KEY_BLOCK]; /* TLS 1.2 */
    size_t last_size; /* TLS 1.2: the last short record that OpenSSL wrote, its Finished at the end */
    uint8_t last[64];
};

/* DTLS alone. */
struct schannel_datagram {
    uint16_t mtu;          /* the largest datagram */
    struct timeval *timer; /* OpenSSL's: when it would repeat its flight */
    uint64_t expiry;       /* FILETIME at which the caller is to repeat it; 0: not known yet */
    unsigned repeats;      /* of this flight */
    uint8_t cookie[32];    /* what proves that the client gets what is sent to it (RFC 6347 4.2.1) */
};

struct schannel_moved; /* export.h */

struct schannel_context {
    struct context base;
    struct schannel_credential *credential; /* [step] held */
    SSL *ssl;
    struct utf16 target;  /* owned */
    char *host;           /* owned: target as UTF-8, for SNI; NULL: an address or nothing */
    struct lender lender; /* bindings that were asked for */
    uint32_t request;     /* [step] ISC_REQ_* or ASC_REQ_* of the call under way */
    bool datagram;
    struct schannel_datagram *dtls; /* [step] NULL: TLS */
    bool completed;                 /* [step] */
    bool fast;                      /* [step] record.c protects messages; else OpenSSL */
    bool no_handshakes;             /* [step] a renegotiation was refused, and with it OpenSSL's state machine ended */
    bool trusted;                   /* [step] the peer was judged and found good, now or when the session began */
    uint64_t peer_since;            /* [step] seconds: when the peer showed its certificate, or the session's did */
    bool manual;                    /* [step] the peer is not judged: of the flags of the handshake under way */
    bool session_token;             /* [step] ... was applied: it may differ from the credential's wish */
    bool ticket_due;                /* [step] TLS 1.3: the next step of the server writes one */
    bool session_wanted;            /* [step] a resumable session may be kept (SCHANNEL_SESSION_TOKEN) */
    uint16_t version;               /* [step] 0x0301.., 0xFEFF, 0xFEFD; final with `completed` */
    const struct suite *suite;      /* [step] final with `completed`; NULL: not in the table */
    struct suite_sizes sizes;       /* [step] STREAM_SIZES; trailer has room for a KeyUpdate beside the record's own */
    _Atomic(enum schannel_state) state;

    /* The step under way. */
    struct writer outgoing;               /* [step] what OpenSSL wrote and the caller has not got yet */
    struct schannel_handshake *handshake; /* [step] NULL between handshakes */
    struct schannel_repeat repeat;        /* [step] */
    SECURITY_STATUS failure;              /* [step] why the context failed */
    uint8_t alert_sent[2];                /* [step] level and description of OpenSSL's last one; level 0: none */
    uint8_t alert_received[2];            /* [step] the same of the peer's that OpenSSL saw */
    bool control;                         /* [step] ApplyControlToken left an alert for the next step */
    uint8_t control_alert[2];

    /* The verdict of the automatic validation, also where it was not to refuse (deferred). */
    bool judged;
    SECURITY_STATUS verdict;
    int32_t policy_error;  /* the same as CertVerifyCertificateChainPolicy has it */
    uint32_t chain_errors; /* CERT_TRUST_* */
    uint32_t chain_info;

    struct schannel_moved
        *moved; /* owned: the connection came from elsewhere, and the SSL has shaken no hands; else NULL */

    struct schannel_exporter exporter; /* [step] attributes.c */

    /* Messages.  OpenSSL counts the records that it saw; the directions count those on the wire. */
    struct record_direction send;            /* [send] */
    struct record_direction receive;         /* [receive] */
    uint64_t openssl_sent, openssl_received; /* [step] and [receive] */
    uint64_t cbc_sent;                       /* alert_cbc.h: records since ChangeCipherSpec, */
    bool cbc_mac_last;                       /* ... RFC 7366, */
    uint8_t cbc_last[36];                    /* ... what OpenSSL's last record ends with: a block, and perhaps SHA-1 */
    uint8_t secrets[2][RECORD_SECRET_MAX];   /* [step] TLS 1.3: the client's and the server's first traffic secret */
    bool send_closed;                        /* [send] close_notify or a fatal alert went out */
    bool receive_closed;                     /* [receive] */
    atomic_bool update_due;                  /* the peer asked for our KeyUpdate: it goes in front of the next record */
    struct secret stash;   /* [receive] and [step]: plaintext of the handshake record that waits for a step */
    uint8_t refusal;       /* [receive]: the fatal alert that the next step sends; 0: none */
    size_t notified_extra; /* [receive] and [step]: bytes behind the record that SEC_I_RENEGOTIATE was about */
    bool asked_late;       /* [step], read by [receive]: a client was asked for a certificate behind the handshake */
    bool gathers;    /* [receive] and [step]: the stash holds a late authentication's messages (RFC 8446 4.6.2), */
    size_t gathered; /* ... so many bytes of them */
    uint32_t message_left; /* [receive] bytes of a handshake message that goes on in the next record */
};

static inline enum schannel_state schannel_state(struct schannel_context *context)
{
    return atomic_load_explicit(&context->state, memory_order_acquire);
}

static inline void schannel_enter(struct schannel_context *context, enum schannel_state state)
{
    atomic_store_explicit(&context->state, state, memory_order_release);
}

/* Another handshake is under way on a finished connection, or has failed: the certificate that the SSL tells of may be one whose
 * key nobody has proved (RFC 5246 7.4.8). */
static inline bool schannel_unproved(struct schannel_context *context)
{
    return context->completed && context->handshake != NULL && schannel_state(context) != SCHANNEL_OPEN;
}

/* handshake.c */
SECURITY_STATUS schannel_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                  struct step_out *out);
SECURITY_STATUS schannel_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out);
SECURITY_STATUS schannel_apply_token(struct context *context, const struct buffers *message);
void schannel_dispose(struct context *context);

/* What comes back of the flags that a step was asked for: ISC_RET_* or ASC_RET_*. */
uint32_t schannel_returned_flags(const struct schannel_context *context, uint32_t asked);

/* message.c */
SECURITY_STATUS schannel_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS schannel_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);

/* attributes.c */
SECURITY_STATUS schannel_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS schannel_set(struct context *context, uint32_t attribute, struct bytes value);

#endif
