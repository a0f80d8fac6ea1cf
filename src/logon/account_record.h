/* One account of the embedded database, as a struct and as bytes.
 *
 * The table is keyed by the user name, upper-cased as Windows does it, so that one lookup finds every account of that name
 * whatever its domain.  The value, little-endian:
 *
 *     u8   version, 1
 *     u16  number of accounts, at least one; then each:
 *     u32  size of what follows
 *     u32  flags (ACCOUNT_FLAG_*)
 *     u64  account expiry, u64 password expiry, u64 created, u64 password set    FILETIME, UTC
 *     16   NT hash
 *     u8   1 when an LM hash follows, else 0; then its 16 bytes
 *     u16  size, domain      UTF-16LE as it was entered; empty = good for any domain
 *     u16  size, user        UTF-16LE as it was entered
 *     u8   size, Unix name   UTF-8
 *     u8   number of Digest hashes, then each:
 *          u8 algorithm, u8 charset and form of the name (its upper half), u16 size, realm (UTF-8), u8 size, hash
 *
 * The database is on disk and may be damaged or not ours: everything is read with wire/reader.
 */
#ifndef OPENSSPI_LOGON_ACCOUNT_RECORD_H
#define OPENSSPI_LOGON_ACCOUNT_RECORD_H

#include "base/secret.h"
#include "logon/account_digest.h"
#include "text/utf16.h"
#include "wire/writer.h"

#define ACCOUNT_KEY_MAX       510 /* 255 units; LMDB takes 511 bytes */
#define ACCOUNT_UNIX_NAME_MAX 63
#define ACCOUNT_DIGESTS_MAX   96 /* three or four for a realm; of an account with a domain thrice as many */
#define ACCOUNT_REALM_MAX     255
#define ACCOUNT_SAME_NAME_MAX 64 /* accounts of one user name, in different domains */

#define ACCOUNT_FLAG_DISABLED    0x1u
#define ACCOUNT_FLAG_LOCKED      0x2u /* by the administrator; locking by failed logons is not kept here */
#define ACCOUNT_FLAG_MUST_CHANGE 0x4u /* the password has to be changed before the next logon */

/* H(user:realm:password) in one algorithm, one encoding of the three and one form of the name. */
struct account_digest {
    uint8_t algorithm; /* enum account_digest_algorithm */
    uint8_t charset;   /* enum account_digest_charset */
    uint8_t form;      /* enum account_form */
    uint8_t hash_size;
    uint8_t hash[ACCOUNT_DIGEST_SIZE_MAX];
    char realm[ACCOUNT_REALM_MAX + 1]; /* UTF-8 */
};

struct account_record {
    struct utf16 user;   /* owned */
    struct utf16 domain; /* owned; empty = any */
    struct key16 nt_hash;
    bool has_lm_hash;
    struct key16 lm_hash;
    struct account_digest *digests; /* owned */
    size_t digest_count;
    uint32_t flags;
    uint64_t expiry;
    uint64_t password_expiry;
    uint64_t created;
    uint64_t password_set;
    char unix_name[ACCOUNT_UNIX_NAME_MAX + 1];

    /* From the lock-out table; only ever read. */
    uint32_t failures;
    uint64_t locked_until; /* FILETIME; 0 = not locked by failures, CLOCK_NEVER = until unlocked */
};

/* An empty record whose account and password never expire. */
void account_record_init(struct account_record *record);
void account_record_free(struct account_record *record); /* wipes */

#define AUTO_ACCOUNT_RECORD __attribute__((cleanup(account_record_free))) struct account_record

/* Sets the NT hash, and H(user:realm:password) for each of `realms` in all three algorithms, from a password that is
 * not kept.  The user name and the domain must be set before; with a domain there are hashes for DOMAIN\user and user@domain
 * too.  Where user, realm or password is not ASCII but fits ISO 8859-1, the MD5 hash is also kept in that encoding, which
 * clients without charset=utf-8 use (RFC 2831 2.1.2.1, RFC 7616 4).
 * SEC_E_INVALID_PARAMETER: too many realms, or one that is too long. */
STATUS account_record_set_password(struct account_record *record, struct utf16 password, const char *const *realms,
                                   size_t realm_count);

/* The key of a user name, written to `out`; its size, or 0 for a name that no account can have (empty or too long). */
size_t account_key(struct utf16 user, uint8_t out[ACCOUNT_KEY_MAX]);

/* One account in a value, as slices of it; for a logon, which copies only what it needs. */
struct account_view {
    uint32_t flags;
    uint64_t expiry;
    uint64_t password_expiry;
    uint64_t created;
    uint64_t password_set;
    struct bytes nt_hash;
    struct bytes lm_hash; /* empty = none */
    struct utf16 domain;
    struct utf16 user;
    struct bytes unix_name;
    struct bytes digests; /* not looked into */
};

/* The account for a logon to `domain`: the one of that domain, else the one good for any domain.  With an empty `domain`:
 * the one good for any, else the first.  SEC_E_INTERNAL_ERROR for damaged bytes. */
STATUS account_view_find(struct bytes value, struct utf16 domain, struct account_view *out, bool *found);

/* The hashes of a view for one realm, algorithm and form of the name, written one behind the other; how many there were
 * and, of `room`, fit.  SEC_E_INTERNAL_ERROR for damaged bytes. */
STATUS account_view_digests(const struct account_view *view, struct bytes realm, uint8_t algorithm,
                            enum account_form form, uint8_t (*out)[ACCOUNT_DIGEST_SIZE_MAX], size_t room,
                            size_t *out_count);

/* The hashed names of a view: one for each realm, algorithm and form that it has a hash for.  SEC_E_INTERNAL_ERROR for
 * damaged bytes; else the first failure of `each`. */
STATUS account_view_names(const struct account_view *view,
                          SECURITY_STATUS (*each)(void *argument, uint8_t algorithm, struct bytes realm,
                                                  enum account_form form),
                          void *argument);

/* All accounts of a value, or one of exactly this domain, or a value without it.  SEC_E_INTERNAL_ERROR for damaged bytes. */
STATUS account_value_each(struct bytes value, SECURITY_STATUS (*each)(void *argument, const struct account_view *view),
                          void *argument);
STATUS account_record_from_view(const struct account_view *view, struct account_record *out);

/* Writes a value in which `record`, when not NULL, takes the place of the account of `domain`; the others stay.
 * `old` may be empty.  `*found` says whether there was one.  Nothing is written when no account is left. */
STATUS account_value_change(struct bytes old, struct utf16 domain, const struct account_record *record,
                            struct writer *out, bool *found);

#endif
