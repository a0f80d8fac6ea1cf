/* What Negotiate remembers: the credentials of the packages it may choose from, and a negotiation under way.  Only step
 * files include this.
 */
#ifndef OPENSSPI_NEGOTIATE_CONTEXT_H
#define OPENSSPI_NEGOTIATE_CONTEXT_H

#include "core/package.h"
#include "negotiate/mech.h"
#include "negotiate/negotiate.h"

#define NEGOTIATE_MAX_TOKEN 48256
#define NEGOTIATE_MAX_INPUT (128u << 10) /* a ticket of a user in a thousand groups takes half of it */
#define NEGOTIATE_MAX_MIC   256

/* One package of a credential. */
struct negotiate_part {
    const struct package *package;
    struct credential *credential;
};

struct negotiate_credential {
    struct credential base;
    struct negotiate_part parts[MECH_COUNT]; /* each where its package first stands in `mechs` */
    atomic_uchar there[MECH_COUNT];          /* enum part_state: parts come while others read (AddCredentials) */
};

struct negotiate_pieces;

enum negotiate_state {
    NEGOTIATE_STATE_NEW,
    NEGOTIATE_STATE_HINTED,  /* server: spoke first, NegTokenInit expected */
    NEGOTIATE_STATE_WAITING, /* the peer's answer expected */
    NEGOTIATE_STATE_DONE,
    NEGOTIATE_STATE_FAILED,
};

struct negotiate_context {
    struct context base;
    uint8_t state;   /* enum negotiate_state */
    bool direct;     /* the package's own tokens, without SPNEGO */
    bool settled;    /* both sides know the mechanism */
    bool reselected; /* it is not the client's first choice, or somebody asked for a MIC */
    bool inner_done, mic_sent, mic_verified;
    struct negotiate_credential *credential; /* held until the context is established */
    const struct mech *offered[MECH_COUNT];  /* client */
    size_t offered_count;
    uint8_t *mech_types; /* owned: the list as the client sent it */
    size_t mech_types_size;
    const struct mech *mech;     /* chosen; on a client that is not settled, of the optimistic token */
    struct context *inner;       /* owned */
    SECURITY_STATUS last_status; /* of the mechanism tried last */
    uint32_t returned;
    uint64_t expiry;
    struct negotiate_pieces *pieces; /* owned; NULL when no token is in pieces */
};

/* credential.c */
SECURITY_STATUS negotiate_acquire(const struct credential_in *in, struct credential **out_credential,
                                  uint64_t *out_expiry);
void negotiate_release(struct credential *credential);
SECURITY_STATUS negotiate_add(struct credential *credential, const struct package *package,
                              const struct credential_in *in, uint64_t *out_expiry);
SECURITY_STATUS negotiate_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);
SECURITY_STATUS negotiate_set_credential(struct credential *credential, uint32_t attribute, struct bytes value);

/* The part of a credential for a package of this name; NULL when there is none. */
const struct negotiate_part *negotiate_part(const struct negotiate_credential *credential, const char *package);

/* initiate.c, accept.c */
SECURITY_STATUS negotiate_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                   struct step_out *out);
SECURITY_STATUS negotiate_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                 struct step_out *out);

/* context.c */
STATUS negotiate_context_new(bool initiator, struct negotiate_credential *credential, struct negotiate_context **out);
void negotiate_dispose(struct context *context);

/* One side's step: a leg of the negotiation, after the tokens' pieces are put together and before they are cut
 * (fragment.c).  Makes the context on the first one, and ends it when that fails. */
typedef SECURITY_STATUS negotiate_leg(struct negotiate_context *context, struct negotiate_credential *credential,
                                      const struct step_in *in, struct step_out *out);
SECURITY_STATUS negotiate_step(bool initiator, negotiate_leg *leg, struct negotiate_credential *credential,
                               struct context **out_context, const struct step_in *in, struct step_out *out);

/* fragment.c: the same for tokens in pieces (ISC_REQ_FRAGMENT_TO_FIT, MS-SPNG 3.1.1).  Without such a flag, and with no piece
 * under way, it is `leg` and nothing else. */
SECURITY_STATUS negotiate_pieces(struct negotiate_context *context, negotiate_leg *leg,
                                 struct negotiate_credential *credential, const struct step_in *in,
                                 struct step_out *out);
void negotiate_pieces_free(struct negotiate_pieces *pieces);

/* Keeps the client's list for the mechListMIC. */
STATUS negotiate_keep_mech_types(struct negotiate_context *context, struct bytes mech_types);

/* Ends the mechanism that was under way; another one may begin. */
void negotiate_drop_inner(struct negotiate_context *context);

/* One leg of the mechanism `part`, which begins when there is none: `token` in, the answer into `answer`. */
STATUS negotiate_run(struct negotiate_context *context, const struct negotiate_part *part, const struct step_in *in,
                     struct bytes token, struct writer *answer, struct step_out *out);

/* One leg of a package's own tokens, passed through. */
STATUS negotiate_direct_leg(struct negotiate_context *context, const struct negotiate_part *part,
                            const struct step_in *in, struct step_out *out);

/* The negotiation is over: what was kept for it goes. */
void negotiate_finish(struct negotiate_context *context, struct step_out *out);

/* A leg failed: no further one succeeds.  An established context stays what it is. */
static inline void negotiate_fail(struct negotiate_context *context)
{
    if (context->state != NEGOTIATE_STATE_DONE) {
        context->state = NEGOTIATE_STATE_FAILED;
    }
}

/* Failures that another mechanism would only hide: those that say nothing of this one, and a client in another channel than the
 * server's, which is what a relay looks like. */
static inline bool negotiate_is_fatal(SECURITY_STATUS status)
{
    return status == SEC_E_INSUFFICIENT_MEMORY || status == SEC_E_INTERNAL_ERROR || status == SEC_E_BUFFER_TOO_SMALL ||
           status == SEC_E_BAD_BINDINGS;
}

/* Room for a mechanism's answer on the stack; larger ones grow up to what their package promises. */
#define NEGOTIATE_ROOM 4096
struct writer negotiate_answer_writer(const struct negotiate_part *part, uint8_t room[NEGOTIATE_ROOM]);

/* forward.c */
SECURITY_STATUS negotiate_sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS negotiate_verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS negotiate_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS negotiate_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS negotiate_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS negotiate_set(struct context *context, uint32_t attribute, struct bytes value);
SECURITY_STATUS negotiate_export(struct context *context, uint32_t flags, struct writer *out);
SECURITY_STATUS negotiate_import(struct bytes blob, struct context **out_context);
SECURITY_STATUS negotiate_impersonate(struct context *context, struct token **out_token);

#endif
