/* What CredSSP remembers: the credentials of the two packages it is made of, and an exchange under way.  Only step files
 * include this.
 *
 * The channel (Schannel's context) and the session (Negotiate's) belong to the CredSSP context: core's locks on that one
 * are the locks that theirs would be.  Once established, messages are the channel's, and the session tells who the client is.
 */
#ifndef OPENSSPI_CREDSSP_CONTEXT_H
#define OPENSSPI_CREDSSP_CONTEXT_H

#include "core/package.h"
#include "credssp/credssp_package.h"
#include "credssp/delegation.h"
#include "credssp/ts_credentials.h"
#include "credssp/ts_request.h"

#define CREDSSP_MAX_TOKEN  90567 /* as Windows reports it: a flight of TLS and a token of Negotiate */
#define CREDSSP_MAX_ROUNDS 16    /* no mechanism takes half of them */

/* What a context is made of. */
#define SCHANNEL_PACKAGE  "Microsoft Unified Security Protocol Provider"
#define NEGOTIATE_PACKAGE "Negotiate"

struct credssp_credential {
    struct credential base;
    struct credential *tls, *nego; /* parts */
    struct secret delegable;       /* TSCredentials; empty: nothing that can be delegated */
    bool saved;                    /* no identity was given: they are those of whoever was logged on */
    uint32_t submit_type;          /* CREDSPP_SUBMIT_TYPE */
};

enum credssp_state {
    CREDSSP_TLS,         /* the channel's handshake */
    CREDSSP_NEGOTIATING, /* the session's */
    CREDSSP_BINDING,     /* the peer's pubKeyAuth is due */
    CREDSSP_DELEGATING,  /* server: authInfo is due */
    CREDSSP_DONE,
    CREDSSP_FAILED,
};

/* A step whose token did not fit: the same call gets it with more room. */
struct credssp_repeat {
    bool due;
    SECURITY_STATUS status;
    size_t used;
};

struct credssp_context {
    struct context base;
    uint8_t state;                         /* enum credssp_state */
    bool delegates;                        /* client: ISC_REQ_DELEGATE */
    struct credssp_credential *credential; /* held until the context is established */
    struct context *tls, *nego;            /* owned */
    struct utf16 target;                   /* owned; client */
    uint32_t request;                      /* ISC_REQ_* or ASC_REQ_* of the first call */
    uint32_t rounds;
    uint32_t peer_version; /* as the peer says in each message; 0: not said yet */
    uint32_t version;      /* the lower one of the two */
    uint32_t session_flags;
    uint64_t expiry;
    bool has_nonce;
    uint8_t nonce[TS_NONCE_SIZE];
    size_t header, trailer, maximum; /* of the channel's records */
    struct writer incoming;          /* what the channel brought of a TSRequest that is not whole */
    struct writer outgoing;          /* for the wire, until the caller has got it */
    struct credssp_repeat repeat;
    uint32_t report;               /* NTSTATUS that the peer may be told when this step fails; 0: nothing */
    enum delegation_source source; /* client */
    struct secret expected;        /* client: the server's pubKeyAuth */
    struct secret
        credentials; /* TSCredentials: those to be sent that are not the credential's own; the ones received */
    bool delegated;  /* some were sent or received, and not empty ones */
    SECURITY_STATUS certificate; /* client: what CERT_CHECK_RESULT comes to; SEC_I_CONTINUE_NEEDED: not asked yet */
    uint32_t trust_errors;       /* CERT_TRUST_* */
};

/* credential.c */
SECURITY_STATUS credssp_acquire(const struct credential_in *in, struct credential **out_credential,
                                uint64_t *out_expiry);
void credssp_release(struct credential *credential);
SECURITY_STATUS credssp_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);
SECURITY_STATUS credssp_set_credential(struct credential *credential, uint32_t attribute, struct bytes value);

/* exchange.c: one side's answer to a message of the peer's: what it sends goes into context->outgoing.  SEC_E_OK: the exchange
 * is over.  A client's is called with NULL before anything is sent (CREDSSP_TLS), and when the channel stands. */
typedef SECURITY_STATUS credssp_leg(struct credssp_context *context, const struct ts_request *request);

/* A call of InitializeSecurityContext or AcceptSecurityContext: the channel's bytes in, messages to `leg`, the channel's bytes
 * out.  Makes the context on the first one. */
SECURITY_STATUS credssp_step(bool initiator, credssp_leg *leg, struct credssp_credential *credential,
                             struct context **out_context, const struct step_in *in, struct step_out *out);
void credssp_dispose(struct context *context);

/* ISC_RET_* or ASC_RET_*, as far as they are known by now; what the last call returned is what SECPKG_ATTR_FLAGS tells. */
uint32_t credssp_returned_flags(struct credssp_context *context);

/* Takes the version of a message (MS-CSSP 3.1.5): SEC_E_INVALID_TOKEN when it is another than before, and
 * SEC_E_UNSUPPORTED_FUNCTION for one below what the policy asks for. */
STATUS credssp_take_version(struct credssp_context *context, const struct ts_request *request);

/* One leg of the session: its answer into `answer`.  With SEC_E_OK it can seal. */
STATUS credssp_session_leg(struct credssp_context *context, struct bytes token, uint32_t flags, struct writer *answer);

/* Sends a message with our version: `request` with everything else filled in. */
STATUS credssp_send(struct credssp_context *context, struct ts_request *request);

/* initiate.c, accept.c */
SECURITY_STATUS credssp_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                 struct step_out *out);
SECURITY_STATUS credssp_accept(struct credential *credential, struct context **context, const struct step_in *in,
                               struct step_out *out);

/* attributes.c */
SECURITY_STATUS credssp_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS credssp_set(struct context *context, uint32_t attribute, struct bytes value);
SECURITY_STATUS credssp_impersonate(struct context *context, struct token **out_token);

/* export.c: a context that has moved. */
SECURITY_STATUS credssp_export(struct context *context, uint32_t flags, struct writer *out);
void credssp_exported(struct context *context);
SECURITY_STATUS credssp_import(struct bytes blob, struct context **out_context);

/* Whether the server has proved its name by its certificate (client).  Asked of the channel once. */
bool credssp_certificate_is_good(struct credssp_context *context);

/* ... or in the session, by Kerberos' mutual authentication: NTLM knows no server. */
bool credssp_session_is_mutual(struct credssp_context *context);

/* messages.c: forwarded to the channel. */
SECURITY_STATUS credssp_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS credssp_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS credssp_apply_token(struct context *context, const struct buffers *message);

#endif
