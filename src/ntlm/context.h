/* What NTLM remembers: a credential, a context under way, an established session.  Only step files include this. */
#ifndef OPENSSPI_NTLM_CONTEXT_H
#define OPENSSPI_NTLM_CONTEXT_H

#include "core/bindings.h"
#include "core/package.h"
#include "crypto/cipher.h"
#include "crypto/md.h"
#include "logon/accounts.h"
#include "ntlm/ntlm.h"

/* The largest token we make or take.  Peers put up to a few KiB of names into TargetInfo. */
#define NTLM_MAX_TOKEN      2888
#define NTLM_MAX_INPUT      65536
#define NTLM_MAX_TARGET     2048 /* bytes of a target's name: what a token of NTLM_MAX_TOKEN has room for beside others */
#define NTLM_SIGNATURE_SIZE 16

/* A caller's own way to verify logons.  Immutable, and kept until the credential ends: a thread may be about to call it
 * while another one sets the next. */
struct ntlm_verifier {
    SSPI_EXT_VERIFY_FN verify;
    void *argument;
    struct ntlm_verifier *older;
};

struct ntlm_credential {
    struct credential base;

    /* Outbound.  The password is gone by the time acquire returns: only its one-way functions stay. */
    bool has_identity;         /* false: acquired without one, for inbound use only */
    bool anonymous;            /* empty user, domain and password */
    struct utf16 qualified;    /* owned: DOMAIN\user, or user alone */
    struct utf16 user, domain; /* slices of it: exactly what goes on the wire and into NTOWFv2 */
    struct hmac_md5_key ntowf_v2;
    struct key16 ntowf_v1; /* kept only where policy sends NTLMv1 */
    struct key16 lmowf_v1;
    bool has_lmowf_v1;

    /* Inbound. */
    _Atomic(struct ntlm_verifier *) verifier;  /* the one in force; NULL: the accounts that policy names */
    _Atomic(struct ntlm_verifier *) verifiers; /* every one there ever was, each pair once */
};

enum ntlm_state {
    NTLM_STATE_NEW,
    NTLM_STATE_WAIT_CHALLENGE,    /* client: NEGOTIATE sent */
    NTLM_STATE_WAIT_AUTHENTICATE, /* server: CHALLENGE sent */
    NTLM_STATE_DONE,
    NTLM_STATE_FAILED, /* a later leg failed: no second try on the same challenge (MS-NLMP 3.2.5.1.2) */
};

/* Lives from the first leg to the last; the established session does without it. */
struct ntlm_handshake {
    struct ntlm_credential *credential; /* held */
    uint32_t offered;                   /* flags of the message we sent */
    uint8_t server_challenge[8];
    size_t negotiate_size, challenge_size;
    uint8_t messages[]; /* NEGOTIATE, then CHALLENGE, byte for byte as on the wire, for the MIC */
};

/* One direction of an established session.  Keys are derived when the direction is first used: a program that only
 * wants to know who somebody is does not pay for them. */
struct ntlm_direction {
    struct hmac_md5_key sign_key;
    struct key16 seal_key;
    uint32_t sequence;
    uint8_t seal_key_size;
    bool keyed;     /* sign_key and seal_key are there */
    bool streaming; /* `stream` is under way */
    struct rc4 stream;
};

#define NTLM_UNIX_NAME_MAX 64 /* with the NUL; as the accounts have it: half a name is somebody else's */

/* Names of an established session: one allocation, DOMAIN\user contiguous so that NAMES needs no building. */
struct ntlm_names {
    uint16_t domain_size, user_size, workstation_size, target_size, target_info_size;
    uint16_t unix_size; /* of the local account's name, with its NUL; 0 = none */
    uint8_t text[];     /* in that order */
};

struct ntlm_context {
    struct context base;
    uint8_t state; /* enum ntlm_state */
    bool v2;
    bool anonymous;
    bool has_target;  /* the client sent MsvAvTargetName */
    bool mic;         /* AUTHENTICATE carried a MIC */
    uint32_t request; /* ISC_REQ_* or ASC_REQ_* of the first call: FreeRDP overwrites them with what we return */
    uint32_t wished;  /* ISC_REQ_* that Negotiate would like: asked for, and no reason to fail */
    uint32_t returned;
    uint32_t flags; /* negotiated */
    uint32_t user_flags;
    uint64_t start; /* FILETIME at which the session was established */
    uint64_t password_expiry;
    struct key16 session_key; /* ExportedSessionKey */
    struct ntlm_handshake *handshake;
    struct ntlm_names *names;
    struct ntlm_direction send, receive; /* without ESS both directions use `send` */
};

/* credential.c */
SECURITY_STATUS ntlm_acquire(const struct credential_in *in, struct credential **out_credential, uint64_t *out_expiry);
void ntlm_release(struct credential *credential);
SECURITY_STATUS ntlm_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);
SECURITY_STATUS ntlm_set_credential(struct credential *credential, uint32_t attribute, struct bytes value);

/* initiate.c, accept.c */
SECURITY_STATUS ntlm_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                              struct step_out *out);
SECURITY_STATUS ntlm_accept(struct credential *credential, struct context **context, const struct step_in *in,
                            struct step_out *out);

/* context.c: making, ending, and what both sides do with a finished handshake. */
STATUS ntlm_context_new(bool initiator, uint32_t request, struct ntlm_context **out);
void ntlm_dispose(struct context *context);

/* Keeps the two messages for the MIC; `challenge` is empty on the client. */
STATUS ntlm_handshake_new(struct ntlm_credential *credential, struct bytes negotiate, struct bytes challenge,
                          struct ntlm_handshake **out);
void ntlm_handshake_free(struct ntlm_handshake **handshake);

static inline struct bytes ntlm_saved_negotiate(const struct ntlm_handshake *handshake)
{
    return bytes_of(handshake->messages, handshake->negotiate_size);
}

static inline struct bytes ntlm_saved_challenge(const struct ntlm_handshake *handshake)
{
    return bytes_of(handshake->messages + handshake->negotiate_size, handshake->challenge_size);
}

/* Everything an established session is made of; ntlm_establish takes `names` over. */
struct ntlm_session {
    uint32_t flags;
    bool v2, anonymous, has_target, mic;
    struct key16 session_key;
    struct ntlm_names *names;
    uint32_t user_flags;
    uint64_t password_expiry;
    uint32_t returned;
};

/* Turns the context into an established session, or gives an established one new keys (re-authentication). */
void ntlm_establish(struct ntlm_context *context, const struct ntlm_session *session);

STATUS ntlm_names_new(struct utf16 domain, struct utf16 user, struct utf16 workstation, struct bytes target,
                      struct bytes target_info, const char *unix_name, struct ntlm_names **out);
const char *ntlm_unix_name(const struct ntlm_context *context);       /* NULL: none */
struct utf16 ntlm_qualified_name(const struct ntlm_context *context); /* DOMAIN\user */
struct utf16 ntlm_user(const struct ntlm_context *context);
struct utf16 ntlm_domain(const struct ntlm_context *context);
struct utf16 ntlm_target(const struct ntlm_context *context);
struct bytes ntlm_target_info(const struct ntlm_context *context);

/* protect.c */
SECURITY_STATUS ntlm_sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS ntlm_verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS ntlm_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS ntlm_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);

enum mech_list_mic ntlm_mech_list_mic(struct context *context);
void ntlm_mech_list_mic_done(struct context *context);

/* attributes.c, export.c */
SECURITY_STATUS ntlm_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS ntlm_impersonate(struct context *context, struct token **out_token);
SECURITY_STATUS ntlm_export(struct context *context, uint32_t flags, struct writer *out);
SECURITY_STATUS ntlm_import(struct bytes blob, struct context **out_context);

#endif
