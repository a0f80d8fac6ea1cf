/* The package vtable and its contract: all that core, Negotiate and CredSSP know of a security package.
 *
 * A package is a const table with designated initialisers.  An absent slot means that core answers
 * SEC_E_UNSUPPORTED_FUNCTION, once for everybody.  A context never changes the package it belongs to.
 *
 * Ownership and locking
 *   - core allocates nothing for a package: acquire, initiate and accept make the object, release and dispose end it.
 *   - core holds the context's send lock around sign and seal and its receive lock around verify and unseal, so that a
 *     message may be sealed while another one is unsealed; and both around initiate, accept, complete, apply_token,
 *     query, set and export, so that those have the context to themselves.
 *   - a credential is immutable after acquire, but for what the package itself makes safe.
 *
 * Failure
 *   - initiate or accept with *context == NULL is a first leg.  When it fails the package leaves *context NULL.
 *   - a failed later leg leaves the context alive for DeleteSecurityContext; the package remembers that it failed and
 *     answers SEC_E_OUT_OF_SEQUENCE to any further step (Windows consumes the state: observed with NTLM); but where the answer
 *     did not fit, NTLM's client takes the same call again.
 *   - step_out is read by core only when the step did not fail, except `token` of a package that sends error tokens,
 *     and `flags` and `expiry` of a stream package that answers SEC_E_INSUFFICIENT_MEMORY.
 *   - a stream package keeps what did not fit, answers SEC_E_INSUFFICIENT_MEMORY, and gives it out when the call is
 *     repeated; after SEC_I_INCOMPLETE_CREDENTIALS nothing is handed out.
 */
#ifndef OPENSSPI_CORE_PACKAGE_H
#define OPENSSPI_CORE_PACKAGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/status.h"
#include "core/attribute.h"
#include "core/buffers.h"
#include "core/handle.h"
#include "sspi_ext.h"
#include "text/utf16.h"
#include "wire/writer.h"

#define PACKAGE_NAME_MAX 64 /* characters, with the NUL; package names are ASCII */

/* A private attribute of set_credential: `value` is a struct credential_verifier (SspiExtSetVerifier). */
#define SSPI_EXT_CRED_ATTR_VERIFIER UINT32_C(0x53500001)

/* A private attribute of `query`, of an established stream: in `bytes`, borrowed, the public key in the server's certificate
 * (the content of subjectPublicKey, RFC 5280 4.1), whichever side asks.  For CredSSP, which binds it. */
#define SSPI_EXT_ATTR_SERVER_KEY UINT32_C(0x53500010)

struct credential_verifier {
    SSPI_EXT_VERIFY_FN verify; /* NULL: the configured accounts again */
    void *argument;
};

/* The same for Digest: `value` is a struct credential_digest_lookup (SspiExtSetDigestLookup). */
#define SSPI_EXT_CRED_ATTR_DIGEST_LOOKUP UINT32_C(0x53500002)

struct credential_digest_lookup {
    SSPI_EXT_DIGEST_LOOKUP_FN lookup; /* NULL: the configured accounts again */
    void *argument;
};

/* A ticket in a credential cache, as LsaCallAuthenticationPackage tells of it.  Borrowed while the callback runs. */
struct ticket_view {
    struct utf16 client, client_realm, server, server_realm;
    uint64_t start, end, renew; /* FILETIME, UTC; 0: not so */
    uint32_t enctype, session_enctype, flags;
};

/* ChangeAccountPassword's arguments. */
struct password_change {
    struct utf16 domain, user, old_password, new_password;
};

struct package;
struct identity;
struct token;

/* What a credential handle leads to; the package's own struct begins with it, and credential_acquire() fills it in. */
struct credential {
    const struct package *package;
    SecHandle handle;                 /* every credential has one: its pins are what keeps it alive */
    uint8_t kind;                     /* of the handle: HANDLE_CREDENTIAL or HANDLE_CREDENTIAL_PART */
    uint32_t use;                     /* SECPKG_CRED_INBOUND, _OUTBOUND or _BOTH */
    struct credential *_Atomic other; /* owned: what credential_add() added, itself perhaps with another one; core's */
};

/* What a context handle leads to; the package's own struct begins with it. */
struct context {
    const struct package *package;
    bool initiator;
    bool established;       /* set by core when a step answers SEC_E_OK; a package may set it earlier */
    SecHandle handle;       /* set by core when the first leg is done; {0, 0} until then */
    SecHandle token_handle; /* what SECPKG_ATTR_ACCESS_TOKEN handed out; {0, 0} = nothing; core's */
    void *sasl;             /* owned: of a context that SASL's functions made, else NULL (api/sasl_layer.c) */
    void (*end_sasl)(void *sasl);
    atomic_bool one_stream; /* both directions share one state (NTLM without ESS): messages go one at a time; changed
                               by a step alone, which holds both locks */
    pthread_mutex_t send_lock;
    pthread_mutex_t receive_lock;
};

/* What a call does to a context, and so which of its locks it holds. */
enum context_use { CONTEXT_STEP, CONTEXT_SEND, CONTEXT_RECEIVE };

/* The locks a call holds; taken in the order first, second. */
struct context_locks {
    pthread_mutex_t *first, *second;
};

/* Which lock a message that is received needs may change while the call waits for a step to end, which holds both. */
static inline pthread_mutex_t *context_lock_receiver(struct context *context)
{
    for (;;) {
        bool one_stream = atomic_load_explicit(&context->one_stream, memory_order_relaxed);
        pthread_mutex_t *lock = one_stream ? &context->send_lock : &context->receive_lock;
        pthread_mutex_lock(lock);
        if (atomic_load_explicit(&context->one_stream, memory_order_relaxed) == one_stream) {
            return lock;
        }
        pthread_mutex_unlock(lock);
    }
}

static inline struct context_locks context_lock(struct context *context, enum context_use use)
{
    if (use == CONTEXT_RECEIVE) {
        return (struct context_locks){context_lock_receiver(context), NULL};
    }
    struct context_locks locks = {&context->send_lock, use == CONTEXT_STEP ? &context->receive_lock : NULL};
    pthread_mutex_lock(locks.first);
    if (locks.second != NULL) {
        pthread_mutex_lock(locks.second);
    }
    return locks;
}

/* Nothing was locked: fine. */
static inline void context_unlock(struct context_locks *locks)
{
    if (locks->second != NULL) {
        pthread_mutex_unlock(locks->second);
    }
    if (locks->first != NULL) {
        pthread_mutex_unlock(locks->first);
    }
}

struct credential_in {
    const struct package *package; /* whose acquire() is called; credential_acquire() fills it in */
    struct utf16 principal;        /* pszPrincipal */
    uint32_t use;                  /* SECPKG_CRED_* without the policy bits */
    uint32_t use_flags;            /* AUTOLOGON_RESTRICTED, PROCESS_POLICY_ONLY */
    const void *auth_data;         /* pAuthData as the caller gave it: its shape is the package's business */
};

/* One leg's input. */
struct step_in {
    struct bytes token;          /* the peer's token; empty when there is none */
    bool has_token;              /* a TOKEN buffer was there, be it empty */
    struct bytes bindings;       /* SECBUFFER_CHANNEL_BINDINGS, still with its SEC_CHANNEL_BINDINGS header */
    struct utf16 target;         /* pszTargetName; a SECBUFFER_TARGET_HOST buffer when that is NULL */
    uint32_t flags;              /* ISC_REQ_* or ASC_REQ_* of this call */
    uint32_t wished;             /* ISC_REQ_* that Negotiate would like on top and can do without */
    const struct buffers *input; /* every input buffer, for packages that need more than the above */
};

/* One leg's output. */
struct step_out {
    struct writer *token;         /* fronts the caller's buffer, or grows up to the package's max_token */
    const struct buffers *output; /* every output buffer, for packages that need more */
    uint32_t flags;               /* ISC_RET_* or ASC_RET_*, without ALLOCATED_MEMORY, which is core's */
    uint64_t expiry;              /* FILETIME, UTC; CLOCK_NEVER */
    uint32_t bindings_result;     /* SEC_CHANNEL_BINDINGS_RESULT_* */
    SecHandle existing;           /* of a first leg that made no context, as its token belongs to one that there is:
                                     that one's handle (Digest's `opaque`); {0, 0} = none */
};

/* What a package says of a mechListMIC over an established context of its own (RFC 4178 5). */
enum mech_list_mic {
    MECH_LIST_MIC_IMPOSSIBLE, /* the context does not sign */
    MECH_LIST_MIC_OPTIONAL,
    MECH_LIST_MIC_DUE, /* the mechanism announced one, whatever SPNEGO says (MS-NLMP: NTLM with a MIC) */
};

struct package {
    const char *name; /* as SecPkgInfo.Name reports it */
    const char *comment;
    uint32_t capabilities;
    uint16_t rpc_id;
    uint32_t max_token;
    const char *alias_of; /* non-NULL: another name for a package that stands elsewhere in the table */
    bool unlisted;        /* found by its name, and not among those that EnumerateSecurityPackages reports */

    SECURITY_STATUS(*acquire)
    (const struct credential_in *in, struct credential **out_credential, uint64_t *out_expiry);
    void (*release)(struct credential *credential);
    SECURITY_STATUS (*query_credential)(struct credential *credential, uint32_t attribute, struct attribute *out);
    SECURITY_STATUS (*set_credential)(struct credential *credential, uint32_t attribute, struct bytes value);
    /* AddCredentials: another identity for `package`, which is this one or one that it chooses from.  Any thread, beside any
     * other call.  A package whose credentials are alone in what they lead to has credential_add() do it. */
    SECURITY_STATUS(*add)
    (struct credential *credential, const struct package *package, const struct credential_in *in,
     uint64_t *out_expiry);

    /* The steps: the only functions that return SEC_I_* codes.  `credential` may be NULL on a later leg. */
    SECURITY_STATUS(*initiate)
    (struct credential *credential, struct context **context, const struct step_in *in, struct step_out *out);
    SECURITY_STATUS(*accept)
    (struct credential *credential, struct context **context, const struct step_in *in, struct step_out *out);
    SECURITY_STATUS (*complete)(struct context *context, const struct buffers *message);
    SECURITY_STATUS (*apply_token)(struct context *context, const struct buffers *message);

    /* unseal alone may answer SEC_I_CONTEXT_EXPIRED and SEC_I_RENEGOTIATE, as steps do.
     * Message protection: buffers are changed in place, sizes in them are reduced to what was used. */
    SECURITY_STATUS (*sign)(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
    SECURITY_STATUS (*verify)(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
    SECURITY_STATUS (*seal)(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
    SECURITY_STATUS (*unseal)(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);

    SECURITY_STATUS (*query)(struct context *context, uint32_t attribute, struct attribute *out);
    SECURITY_STATUS (*set)(struct context *context, uint32_t attribute, struct bytes value);
    SECURITY_STATUS (*export_context)(struct context *context, uint32_t flags, struct writer *out);
    SECURITY_STATUS (*import_context)(struct bytes blob, struct context **out_context);
    /* The blob is made and is the caller's: for packages whose sessions must not go on in two places. */
    void (*exported)(struct context *context);
    /* As import_context, for packages whose functions serve several of them (module/); one of the two is enough. */
    SECURITY_STATUS(*import_for)
    (const struct package *package, struct bytes blob, struct context **out_context);

    /* For Negotiate.  mech_list_mic: may, or must, the mechanism list be signed?  mech_list_mic_done: one was made or
     * verified; NTLM starts its cipher again, while its sequence numbers go on.  Absent: optional, and nothing to do. */
    enum mech_list_mic (*mech_list_mic)(struct context *context);
    void (*mech_list_mic_done)(struct context *context);

    /* Of a SASL mechanism that negotiates a security layer by itself (RFC 2831): what SASL's options are to it, and no
     * layer of RFC 4752 is put on top.  Numbers are 4 bytes.  Absent: RFC 4752's layer, over `seal` and `unseal`. */
    SECURITY_STATUS (*set_sasl_option)(struct context *context, uint32_t option, struct bytes value);
    SECURITY_STATUS (*get_sasl_option)(struct context *context, uint32_t option, struct writer *out);

    /* The identity that an acceptor context stands for; a new reference (core/token.h). */
    SECURITY_STATUS (*impersonate)(struct context *context, struct token **out_token);

    /* The identity of a user who is only named, as his domain tells it to this process as a service (KERB_S4U_LOGON); `realm`
     * may be empty.  SEC_E_UNSUPPORTED_FUNCTION: not here, or not by policy; SEC_E_LOGON_DENIED: no such user, or he may not;
     * SEC_E_UNKNOWN_CREDENTIALS: no name of one; SEC_E_NO_CREDENTIALS: this process is no service;
     * SEC_E_NO_AUTHENTICATING_AUTHORITY; other SEC_E_* of acceptors. */
    SECURITY_STATUS (*log_on)(struct utf16 user, struct utf16 realm, struct token **out_token);

    /* Calls `each` for every ticket of the caller's default credentials; ends early, with its status, when it fails.
     * SEC_E_OK also when there are none. */
    SECURITY_STATUS(*list_tickets)
    (SECURITY_STATUS (*each)(void *argument, const struct ticket_view *ticket), void *argument);

    /* This computer's account, "HOST$@REALM", owned by the caller, as the keys that it was given when it joined show it.
     * SEC_E_NO_CREDENTIALS: there are none. */
    SECURITY_STATUS (*machine_account)(struct utf16 *out_name);

    /* Changes an account's password where it is kept.  SEC_E_LOGON_DENIED: the old one is wrong;
     * STATUS_PASSWORD_RESTRICTION: the new one is not good enough; SEC_E_NO_AUTHENTICATING_AUTHORITY. */
    SECURITY_STATUS (*change_password)(const struct password_change *change);

    void (*dispose)(struct context *context);
};

/* The packages of this build, in the order EnumerateSecurityPackages reports them. */
extern const struct package *const packages[];
extern const size_t package_count;

/* A package that was added while the process runs (module/).  It stays in the list for ever; `there` says whether it can be
 * found.  Its functions answer SEC_E_SECPKG_NOT_FOUND once it is not. */
struct added_package {
    struct package package; /* does not change once it was added */
    atomic_bool there;
    struct added_package *_Atomic next;
};

/* Adds one, which is there from now on.  One thread at a time. */
void package_add(struct added_package *added);

/* The first one that was ever added, and the one after; NULL: none. */
struct added_package *package_added(void);
struct added_package *package_added_after(struct added_package *added);

/* Those that are there, of this build and added: the first for NULL, then the next; NULL at the end. */
const struct package *package_next(const struct package *previous);

/* One package, perhaps under two of its names. */
bool package_is_same(const struct package *a, const struct package *b);

/* By name, any case; NULL when there is none.  An alias is returned as itself. */
const struct package *package_find(struct utf16 name);
const struct package *package_find_utf8(const char *name);

/* Calls a package's acquire and gives the credential a handle of this kind: HANDLE_CREDENTIAL for one that goes to the
 * caller, HANDLE_CREDENTIAL_PART for one that another credential keeps.  It lives until credential_close(). */
STATUS credential_acquire(const struct package *package, const struct credential_in *in, enum handle_kind kind,
                          struct credential **out_credential, uint64_t *out_expiry);

/* Acquires another credential of the same package, for the same directions or more, to stand behind this one: a first leg that
 * fails for want of a credential that fits is tried with it (credential_step).  SEC_E_NO_CREDENTIALS: `in` lacks one of the
 * directions; what the package's acquire() answers. */
STATUS credential_add(struct credential *credential, const struct credential_in *in, uint64_t *out_expiry);

/* A leg.  A first one of a credential that others were added to is tried with each, in the order they came, until one makes a
 * context or fails for another reason than that the identity does not fit; when none does, the first one's answer stands. */
SECURITY_STATUS credential_step(const struct package *package, struct credential *credential, bool initiator,
                                struct context **context, const struct step_in *in, struct step_out *out);

/* SEC_E_UNSUPPORTED_FUNCTION for a client that wants its user asked (ISC_REQ_PROMPT_FOR_CREDS; InitializeSecurityContext,
 * return codes): there is no desktop to ask on.  Each package's first leg looks at it; a module may know somebody to ask. */
STATUS step_asks_nobody(const struct step_in *in);

/* The owner is done with it; it is released now, or when the last context drops it.  NULL: fine. */
void credential_close(struct credential *credential);

/* Sets up and tears down the parts of struct context that core owns.  The package calls them, first thing after
 * allocating a context and before freeing it. */
void context_init(struct context *context, const struct package *package, bool initiator);
void context_fini(struct context *context);

/* Gives up the context's own access token: it stands for somebody else from now on (re-authentication). */
void context_forget_token(struct context *context);

/* Keeps a credential that a step was given, beyond the step.  The rule of handle_hold() applies: a step's own argument is
 * pinned by the call; a part cannot be closed while the credential it belongs to is held. */
static inline struct credential *credential_hold(struct credential *credential)
{
    handle_hold((enum handle_kind)credential->kind, &credential->handle);
    return credential;
}

/* Gives back what credential_hold() took; the last one releases a closed credential.  NULL: fine. */
static inline void credential_drop(struct credential *credential)
{
    if (credential != NULL) {
        enum handle_kind kind = (enum handle_kind)credential->kind;
        SecHandle handle = credential->handle; /* the credential may be gone before the call returns */
        handle_unpin(kind, &handle);
    }
}

#endif
