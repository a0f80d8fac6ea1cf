/* Lock-out: how often a name failed to log on lately.
 *
 * A table of its own beside the accounts, written without waiting for the disk, and named for the boot of the machine, so
 * that no table half written before a power failure is ever read: a reboot forgets failures.
 *
 * Names with an account have a place each.  Names without share a fixed number of places, so that guessing names costs
 * the same work as guessing passwords, and can neither fill the disk nor push anybody's failures out.
 */
#ifndef OPENSSPI_LOGON_ACCOUNT_FAILURES_H
#define OPENSSPI_LOGON_ACCOUNT_FAILURES_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "text/utf16.h"

struct account_failures;

/* Opens the table in the database's directory.  SEC_E_INTERNAL_ERROR when it cannot be written. */
STATUS account_failures_open(const char *directory, struct account_failures **out);
void account_failures_close(struct account_failures *failures);

struct account_failure_count {
    uint32_t failures;     /* since the last success, within the time that counts */
    uint64_t locked_until; /* FILETIME, 0 or CLOCK_NEVER */
};

/* The place of an account that exists: of its name and its domain, so that a logon to another account of the same name
 * neither locks it nor makes its failures forgotten. */
void account_failure_key(struct bytes user_key, struct utf16 domain, struct key16 *out);

/* `key` is account_failure_key()'s for a known name, account_key()'s for another.  Zeroes when the name has no failures that still count at `now`. */
STATUS account_failures_get(struct account_failures *failures, struct bytes key, bool known, uint64_t now,
                            struct account_failure_count *out);

/* One more failure; the threshold and duration are policy's. */
STATUS account_failures_add(struct account_failures *failures, struct bytes key, bool known, uint64_t now,
                            uint32_t threshold, uint32_t seconds);

/* Forgets; writes only when there is something to forget. */
STATUS account_failures_clear(struct account_failures *failures, struct bytes key, bool known);

#endif
