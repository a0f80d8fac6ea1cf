/* Managing the embedded account database: what `sspi user` does.  Logons do not come here; they read (accounts.h).
 *
 * Every change is one transaction, on disk when the function returns (or, after a failure or a kill at any moment, not
 * begun).  Several processes may change and read one database at the same time.
 *
 * Account names are compared as Windows compares them.  An account is one user name in one domain; the empty domain
 * stands for "any domain" and is what most databases use.
 */
#ifndef OPENSSPI_LOGON_ACCOUNT_STORE_H
#define OPENSSPI_LOGON_ACCOUNT_STORE_H

#include "logon/account_record.h"

struct account_store;

/* Opens the database in `directory`; with `create` the directory (0700) and the database (0600) are made when missing.
 * SEC_E_INTERNAL_ERROR: it does not exist, cannot be written, is open to other users, or is damaged.
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS account_store_open(const char *directory, bool create, struct account_store **out);

/* NULL is fine. */
void account_store_close(struct account_store *store);

#define AUTO_ACCOUNT_STORE __attribute__((cleanup(account_store_close_auto))) struct account_store

static inline void account_store_close_auto(struct account_store **store)
{
    account_store_close(*store);
}

/* Adds an account, or replaces the one of the same user and domain when `replace` is set; times that are zero in a new
 * record are set to now.  `*done` is false when there was one and `replace` was not set.
 * SEC_E_INVALID_PARAMETER: an empty or too long name, control characters, or a backslash, slash or colon in a name. */
STATUS account_store_put(struct account_store *store, const struct account_record *record, bool replace, bool *done);

/* Removes exactly this account, and what is known of its failures. */
STATUS account_store_delete(struct account_store *store, struct utf16 user, struct utf16 domain, bool *found);

/* Exactly this account; `out` is the caller's to free, and is written only when found. */
STATUS account_store_get(struct account_store *store, struct utf16 user, struct utf16 domain,
                         struct account_record *out, bool *found);

/* Lets `change` edit the account within one transaction; it may not change user and domain. */
STATUS account_store_change(struct account_store *store, struct utf16 user, struct utf16 domain,
                            SECURITY_STATUS (*change)(void *argument, struct account_record *record), void *argument,
                            bool *found);

/* Sets and clears flags (ACCOUNT_FLAG_*). */
STATUS account_store_flags(struct account_store *store, struct utf16 user, struct utf16 domain, uint32_t set,
                           uint32_t clear, bool *found);

/* Forgets failed logons of a name, which ends a lock-out, and clears ACCOUNT_FLAG_LOCKED. */
STATUS account_store_unlock(struct account_store *store, struct utf16 user, struct utf16 domain, bool *found);

/* Every account in order of the upper-cased user name.  A failure of `each` ends the walk and is returned. */
STATUS account_store_list(struct account_store *store,
                          SECURITY_STATUS (*each)(void *argument, const struct account_record *record), void *argument);

/* What an import did. */
struct account_import {
    size_t added;
    size_t replaced;
    size_t kept;           /* there already, and `replace` was not set */
    size_t skipped;        /* lines that are no account: malformed, or without a password */
    size_t first_bad_line; /* 0 = none */
};

/* Reads accounts from a file (logon/user_file.h: smbpasswd, NTLM_USER_FILE and SAM lines) in one transaction: all or none.
 * Lines that hold a password get Digest hashes for `realms`; lines that hold a hash cannot.
 * SEC_E_INVALID_PARAMETER when the file cannot be read. */
STATUS account_store_import(struct account_store *store, const char *path, bool replace, const char *const *realms,
                            size_t realm_count, struct account_import *out);

#endif
