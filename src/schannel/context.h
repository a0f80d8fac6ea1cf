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
#include "core/package.h"
#include "schannel/credential.h"
#include "schannel/schannel.h"

/* The largest token: what Windows reports.  A flight larger than this (a long chain) is given out in pieces of it. */
#define SCHANNEL_MAX_TOKEN 0x6000

enum schannel_state {
    SCHANNEL_HANDSHAKE,     /* the first one */
    SCHANNEL_OPEN,          /* messages flow */
    SCHANNEL_NOTIFIED,      /* DecryptMessage answered SEC_I_RENEGOTIATE: messages wait for a step */
    SCHANNEL_RENEGOTIATING, /* a later handshake is under way: messages wait for its end */
    SCHANNEL_FAILED,        /* nothing works any more */
};

/* What is left of a step that could not be delivered, or that is to be repeated with the same bytes. */
struct schannel_repeat {
    bool due;
    SECURITY_STATUS status; /* what the step came to */
    size_t used;            /* bytes of the token that it used up: skipped when they are there again */
    size_t kept;
    uint8_t start[64];      /* how they began, to know them by */
};

struct schannel_sizes {
    uint32_t header, trailer, maximum_message, block;
};

/* SetContextAttributes(SECPKG_ATTR_KEYING_MATERIAL_INFO), for SECPKG_ATTR_KEYING_MATERIAL. */
struct schannel_exporter {
    char *label; /* owned, all three; NUL-terminated */
    uint8_t *context;
    size_t context_size;
    bool has_context;
    uint32_t size;
};

struct schannel_context {
    struct context base;
    struct schannel_credential *credential; /* [step] held */
    SSL *ssl;
    struct utf16 target;    /* owned */
    char *host;             /* owned: target as UTF-8, for SNI; NULL: an address or nothing */
    uint32_t request;       /* [step] ISC_REQ_* or ASC_REQ_* of the call under way */
    bool datagram;
    bool completed;         /* [step] */
    bool fast;              /* [step] record.c protects messages; else OpenSSL */
    _Atomic(enum schannel_state) state;

    /* The step under way. */
    struct writer outgoing;        /* what OpenSSL wrote and the caller has not got yet */
    struct schannel_repeat repeat; /* [step] */
    SECURITY_STATUS failure;       /* [step] why the context failed */
    bool no_certificate;           /* [step] go on without a certificate */
    uint8_t control_token;         /* [step] what ApplyControlToken left: 0 nothing, else an alert to send */
    uint8_t control_alert[2];

    SECURITY_STATUS verdict;       /* [step] of the automatic validation; SEC_E_OK where there was none */
    int32_t policy_error;          /* the same as CertVerifyCertificateChainPolicy has it */
    bool judged;                   /* there was one */

    struct schannel_sizes sizes;   /* [step] */
    struct schannel_exporter exporter; /* [step] */
};

static inline enum schannel_state schannel_state(struct schannel_context *context)
{
    return atomic_load_explicit(&context->state, memory_order_acquire);
}

/* handshake.c */
SECURITY_STATUS schannel_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                  struct step_out *out);
SECURITY_STATUS schannel_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out);
SECURITY_STATUS schannel_apply_token(struct context *context, const struct buffers *message);
void schannel_dispose(struct context *context);

/* message.c */
SECURITY_STATUS schannel_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS schannel_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);

/* attributes.c */
SECURITY_STATUS schannel_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS schannel_set(struct context *context, uint32_t attribute, struct bytes value);

#endif
