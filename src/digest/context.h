/* What Digest remembers: a credential, a context under way or established.  Only step files include this. */
#ifndef OPENSSPI_DIGEST_CONTEXT_H
#define OPENSSPI_DIGEST_CONTEXT_H

#include <string.h>

#include "core/package.h"
#include "digest/digest.h"
#include "digest/layer.h"
#include "digest/nonce.h"
#include "logon/accounts.h"

#define DIGEST_MAX_TOKEN   4096 /* RFC 2831 2.1.2; Windows' cbMaxToken */
#define DIGEST_MAX_INPUT   8192
#define DIGEST_MAX_BUFFER  UINT32_C(16777215) /* RFC 2831 2.1.1: maxbuf */
#define DIGEST_BUFFER      UINT32_C(65536)    /* what a side that says nothing takes */
#define DIGEST_OPAQUE_SIZE 32
#define DIGEST_CNONCE_SIZE 32

/* Selects HTTP instead of SASL.  The server's bit is also ASC_REQ_ALLOW_MISSING_BINDINGS, which Digest has no use for;
 * of a client both the documented value and the one that the SDK's header and curl have count. */
#define DIGEST_REQ_HTTP UINT32_C(0x10000000)

struct digest_context;
struct digest_reauthentication;

#define DIGEST_BUCKETS 256

struct digest_credential {
    struct credential base;

    /* Outbound. */
    bool has_identity;
    struct utf16 user, domain; /* owned; as given: a UPN and DOMAIN\user stay whole where no domain came with them */
    struct utf16 qualified;    /* owned: DOMAIN\user, or user alone */
    struct secret password;    /* UTF-16: realm and encoding are the server's choice, so no hash of it would do */
    struct digest_reauthentication *known; /* owned: a server to which the way is known; NULL = none */
    pthread_mutex_t lock;                  /* of `known`, `lookup` and the buckets */

    /* Inbound. */
    struct credential_digest_lookup lookup;         /* under the lock */
    struct digest_context *buckets[DIGEST_BUCKETS]; /* contexts that requests find by `opaque` */
};

enum digest_state {
    DIGEST_STATE_NEW,
    DIGEST_STATE_WAIT_CHALLENGE, /* client: called without one */
    DIGEST_STATE_WAIT_RESPONSE,  /* server: challenge sent */
    DIGEST_STATE_WAIT_RSPAUTH,   /* SASL client: response sent */
    DIGEST_STATE_DONE,
    DIGEST_STATE_FAILED,
};

enum digest_string {
    DIGEST_TEXT_NONCE,
    DIGEST_TEXT_CNONCE,
    DIGEST_TEXT_REALM,
    DIGEST_TEXT_OPAQUE,   /* client: the server's */
    DIGEST_TEXT_USERNAME, /* as it stands in the message: a hash with userhash */
    DIGEST_TEXT_URI,
    DIGEST_TEXT_AUTHZID,
    DIGEST_TEXT_QUALIFIED, /* UTF-16: DOMAIN\user */
    DIGEST_TEXT_TARGET,    /* UTF-16: the URI, once somebody has asked for it */
    DIGEST_TEXT_UNIX,      /* the local account's name, with its NUL */
    DIGEST_TEXTS
};

/* What a client needs to authenticate again in one leg, without a security layer (RFC 2831 2.2). */
struct digest_reauthentication {
    struct utf16 target; /* owned */
    uint32_t count;
    bool charset;
    struct digest_value session_key;    /* H(A1) is of nonce and cnonce, and stays */
    struct bytes strings[DIGEST_TEXTS]; /* slices of `text` */
    uint8_t text[];
};

/* One allocation. */
struct digest_strings {
    uint16_t size[DIGEST_TEXTS];
    uint8_t text[];
};

struct digest_context {
    struct context base;
    uint8_t state; /* enum digest_state */
    bool http;
    bool userhash;
    bool has_authzid;
    bool has_opaque, has_algorithm; /* client: the challenge had them, so the responses do */
    bool charset;                   /* client: SASL's challenge said utf-8 */
    bool reauthenticating;          /* client: our first leg was a response (RFC 2831 2.2) */
    bool authz_processed;
    struct digest_algorithm algorithm;
    uint8_t qop;    /* one of DIGEST_QOP_*; 0 = none (RFC 2069) */
    uint8_t cipher; /* one of DIGEST_CIPHER_*; 0 */
    uint8_t offered_qop, offered_ciphers;
    uint16_t domain_size; /* of DIGEST_TEXT_QUALIFIED: what is before the backslash; 0 = no backslash */
    uint32_t request;
    uint32_t returned;
    uint32_t count;                       /* the last nc: sent by a client, the highest that a server has seen */
    uint32_t answered;                    /* server: nc of the request that came last */
    uint32_t receive_limit, send_limit;   /* maxbuf of this side and of the peer */
    struct digest_value session_key;      /* H(A1) */
    struct digest_strings *strings;       /* owned */
    struct digest_credential *credential; /* held; NULL: the context came from elsewhere */
    struct digest_layer *send, *receive;  /* owned: one block, `send` its start; NULL = no layer */
    struct digest_context *next;          /* of the same bucket; `listed` */
    bool listed;
    char opaque[DIGEST_OPAQUE_SIZE]; /* server: ours, by which requests find the context; never changes */
};

static inline struct bytes digest_string(const struct digest_context *context, enum digest_string which)
{
    const struct digest_strings *strings = context->strings;
    size_t at = 0;
    for (int i = 0; strings != NULL && i < (int)which; i++) {
        at += strings->size[i];
    }
    return strings == NULL ? BYTES_NONE : bytes_of(strings->text + at, strings->size[which]);
}

static inline bool digest_same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* credential.c */
SECURITY_STATUS digest_acquire(const struct credential_in *in, struct credential **out_credential,
                               uint64_t *out_expiry);
void digest_release(struct credential *credential);

/* Keeps what `context`, a client's that is done, found out about its server; forgets it when a server did not take it. */
void digest_remember(struct digest_context *context, struct utf16 target);
void digest_forget(struct digest_credential *credential);

/* Makes a new context what an earlier one to the same target was; false when there was none. */
bool digest_recall(struct digest_context *context, struct utf16 target);
SECURITY_STATUS digest_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);
SECURITY_STATUS digest_set_credential(struct credential *credential, uint32_t attribute, struct bytes value);

/* Where the caller keeps its accounts; lookup NULL: in the configured ones. */
struct credential_digest_lookup digest_lookup_of(struct digest_credential *credential);

/* initiate.c, accept.c: the steps.  verify_request() in accept.c judges a further request on an established context. */
SECURITY_STATUS digest_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out);
SECURITY_STATUS digest_accept(struct credential *credential, struct context **context, const struct step_in *in,
                              struct step_out *out);
SECURITY_STATUS digest_complete(struct context *context, const struct buffers *message);

/* A further request of an HTTP client, with the next count, as one directive list (initiate.c). */
STATUS digest_next_response(struct digest_context *context, struct bytes method, struct bytes uri, struct bytes entity,
                            struct writer *out);

/* A further request at an HTTP server.  With `strict` its count is the last one and one, as VerifySignature has it; else any
 * that did not come before, as requests of several connections overtake one another (accept.c). */
STATUS digest_next_request(struct digest_context *context, struct bytes token, struct bytes method, struct bytes uri,
                           struct bytes entity, bool strict);

/* export.c */
SECURITY_STATUS digest_export(struct context *context, uint32_t flags, struct writer *out);
void digest_exported(struct context *context);
SECURITY_STATUS digest_import(struct bytes blob, struct context **out_context);

/* context.c; `credential` NULL: none, as for a context that came from elsewhere. */
STATUS digest_context_new(bool initiator, bool http, uint32_t request, struct digest_credential *credential,
                          struct digest_context **out);
void digest_dispose(struct context *context);

/* Replaces all strings by copies of these.  SEC_E_INVALID_TOKEN when they are too long together. */
STATUS digest_strings_set(struct digest_context *context, const struct bytes strings[DIGEST_TEXTS]);
void digest_strings_get(const struct digest_context *context, struct bytes out[DIGEST_TEXTS]);

/* Everything that a response depends on but method, URI and body, as this context has it. */
void digest_question_of(const struct digest_context *context, struct digest_question *out);

/* A response's nc in eight digits. */
void digest_count_text(uint32_t count, char out[8]);

/* Begins the security layers where auth-int or auth-conf was agreed. */
STATUS digest_layers_start(struct digest_context *context);
void digest_layers_end(struct digest_context *context); /* wipes their keys */

/* The flags of an established context. */
uint32_t digest_flags(const struct digest_context *context);

/* The `index`th PKG_PARAMS buffer; empty when there are fewer.  A NUL at the end is not part of it, except in `_raw`. */
struct bytes digest_parameter(const struct buffers *buffers, size_t index);
struct bytes digest_parameter_raw(const struct buffers *buffers, size_t index);

/* H(entity) as digits: what the caller gave for it, H of a DATA buffer with the body, or H of nothing. */
STATUS digest_entity(enum digest_hash hash, struct bytes given, const struct buffers *buffers, struct digest_text *out);

/* Contexts by `opaque` (context.c).  list: after the first response; find: its handle, false when there is none. */
void digest_context_list(struct digest_context *context);
bool digest_context_find(struct digest_credential *credential, struct bytes opaque, SecHandle *out);

/* protect.c */
SECURITY_STATUS digest_sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS digest_verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS digest_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS digest_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);

/* attributes.c */
struct utf16 digest_account_name(const struct digest_context *context);
SECURITY_STATUS digest_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS digest_impersonate(struct context *context, struct token **out_token);
SECURITY_STATUS digest_set_sasl_option(struct context *context, uint32_t option, struct bytes value);
SECURITY_STATUS digest_get_sasl_option(struct context *context, uint32_t option, struct writer *out);

#endif
