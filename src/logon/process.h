/* What the account sources share within one process: one lock for rare work, and the knowledge of having been forked.
 *
 * The lock is for opening, closing and re-reading, never for a logon that finds everything in place.  fork() waits for it,
 * so a child never inherits it held by a thread that does not exist there.
 */
#ifndef OPENSSPI_LOGON_PROCESS_H
#define OPENSSPI_LOGON_PROCESS_H

#include <stdatomic.h>

/* Grows by one in the child of each fork.  What must not cross a fork remembers the generation it was made in. */
extern atomic_uint process_generation;

/* Recursive. */
void process_lock(void);
void process_unlock(void);

static inline void process_unlock_auto(const int *unused)
{
    (void)unused;
    process_unlock();
}

/* Holds the lock until the end of the scope. */
#define PROCESS_LOCKED                                                                                                 \
    __attribute__((cleanup(process_unlock_auto), unused)) const int process_locked_ = (process_lock(), 0)

#endif
