/* The accounts that a server believes in: one vtable, four sources.
 *
 * `known` sources (the database, the user file) hand out the NT hash, and the package checks the response itself.
 * `verify` sources (winbind, a caller's own verifier) are given the challenge and the responses and return the session
 * base key or a verdict.  A source has exactly one of the two.
 *
 * An unknown user, a wrong password and a locked account answer alike and cost the same time: the caller of `known` goes
 * on with the decoy hash that a failed lookup fills in, and reports the outcome of every logon, known user or not.
 */
#ifndef OPENSSPI_LOGON_ACCOUNTS_H
#define OPENSSPI_LOGON_ACCOUNTS_H

#include "base/secret.h"
#include "text/utf16.h"

#define ACCOUNT_NAME_MAX 256 /* UTF-16 units of a user or domain name that any source accepts */

/* Why an account that exists may not log on; the peer never learns which. */
enum account_state { ACCOUNT_GOOD, ACCOUNT_UNKNOWN, ACCOUNT_DISABLED, ACCOUNT_EXPIRED, ACCOUNT_LOCKED };

/* The account's own name, as its source has it: what a server reports, whatever a client called itself.  An account that
 * is good for any domain belongs to this machine, so nobody gets to choose the domain it is reported under. */
struct canonical_name {
    uint16_t user_size, domain_size; /* bytes of UTF-16; user_size 0 = the source does not say */
    uint8_t user[2 * ACCOUNT_NAME_MAX], domain[2 * ACCOUNT_NAME_MAX];
};

/* An empty domain becomes this machine's NetBIOS name.  SEC_E_INTERNAL_ERROR for a name longer than an account's. */
STATUS canonical_name_set(struct canonical_name *name, struct utf16 user, struct utf16 domain);

struct account {
    enum account_state state;
    struct key16 nt_hash; /* a decoy, random per process, when state is ACCOUNT_UNKNOWN */
    bool has_lm_hash;
    struct key16 lm_hash;     /* only ever from smbpasswd files, for policies that accept LM */
    uint64_t password_expiry; /* FILETIME; CLOCK_NEVER */
    uint32_t user_flags;
    char unix_name[64]; /* local account for switch-uid, UTF-8; empty = none */
    struct canonical_name name;
};

#define ACCOUNT_DIGEST_HASHES 4 /* of one account, realm, algorithm and form of the name: its encodings */

/* What Digest needs: H(user:realm:password) as the account's client may have computed it. */
struct digest_account {
    enum account_state state;
    size_t count; /* at least one: a decoy where there is none */
    uint8_t hashes[ACCOUNT_DIGEST_HASHES][32];
    char unix_name[64];
    struct canonical_name name;
};

/* What a verifier is asked. */
struct logon_attempt {
    struct utf16 user, domain, workstation; /* as the client sent them */
    uint8_t challenge[8];                   /* what the responses answer: already MD5-folded for NTLMv1 with ESS */
    struct bytes nt_response, lm_response;
};

struct logon_result {
    struct key16 session_base_key;
    uint8_t lm_session_key[8];
    uint64_t password_expiry;
    uint32_t user_flags;
    char unix_name[64];
    struct canonical_name name;
};

struct accounts {
    const char *name;

    /* SEC_E_OK also for an unknown user (account->state says so).  SEC_E_INTERNAL_ERROR when the source is broken,
     * SEC_E_INSUFFICIENT_MEMORY.  Domain empty: any domain.  Names match as Windows compares them. */
    SECURITY_STATUS (*known)(struct accounts *self, struct utf16 user, struct utf16 domain, struct account *out);

    /* The same for Digest: an account without a hash for this realm (UTF-8), algorithm (ACCOUNT_DIGEST_*) and form of
     * `name` (user, DOMAIN\user, user@domain) is ACCOUNT_UNKNOWN.  NULL: the source keeps no such hashes. */
    SECURITY_STATUS(*known_digest)
    (struct accounts *self, struct utf16 name, struct bytes realm, uint8_t algorithm, struct digest_account *out);

    /* The name, owned by the caller, whose H(name:realm) this is (userhash, RFC 7616 3.4.4); for a hash that is nobody's a
     * name that no account has.  NULL where known_digest is.  SEC_E_INTERNAL_ERROR, SEC_E_INSUFFICIENT_MEMORY. */
    SECURITY_STATUS(*named_by_hash)
    (struct accounts *self, struct bytes hash, struct bytes realm, uint8_t algorithm, struct utf16 *out_name);

    /* SEC_E_OK, SEC_E_LOGON_DENIED, SEC_E_NO_AUTHENTICATING_AUTHORITY. */
    SECURITY_STATUS (*verify)(struct accounts *self, const struct logon_attempt *attempt, struct logon_result *out);

    /* Outcome of a logon of this name, for lock-out; called for unknown names as well.  May be NULL. */
    void (*outcome)(struct accounts *self, struct utf16 user, struct utf16 domain, bool success);

    void (*close)(struct accounts *self);
};

/* The source that policy names, opened once per process and shared by all threads.
 * SEC_E_NO_AUTHENTICATING_AUTHORITY when winbind is configured and cannot be loaded or reached; SEC_E_INTERNAL_ERROR
 * when the database cannot be opened.  A database that does not exist yet is a source without accounts. */
STATUS accounts_default(struct accounts **out);

/* The hash that stands in for that of an unknown user: random, the same for the life of the process, so that two logons
 * of one unknown name cannot be told apart from those of a known one. */
STATUS accounts_decoy(struct key16 *out);

/* A particular source.  The caller closes it with accounts->close(accounts). */
STATUS accounts_lmdb_open(const char *directory, bool writable, struct accounts **out);
STATUS accounts_file_open(const char *path, struct accounts **out);
STATUS accounts_winbind_open(struct accounts **out);

/* Where the embedded database lives: SSPI_ACCOUNTS, the policy's path, /var/lib/sspi/accounts for root, the user's data
 * directory otherwise.  Returns false when none can be named. */
bool accounts_lmdb_path(char *out, size_t size);

#endif
