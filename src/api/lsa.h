/* What the files about the Local Security Authority share (ntsecapi.h, ntsecpkg.h).
 *
 * There is no such service on Linux: the authority is this library in the caller's process.  NTSTATUS and SECURITY_STATUS
 * are one type, so STATUS, TRY and REQUIRE serve both.
 */
#ifndef OPENSSPI_API_LSA_H
#define OPENSSPI_API_LSA_H

#pragma GCC visibility push(default)
#include "windows.h"

#include "ntsecapi.h"
#include "ntsecpkg.h"
#pragma GCC visibility pop

#include "api/api.h"

/* The number of the session this process belongs to. */
LUID lsa_own_session(void);

static inline bool lsa_same_luid(LUID one, LUID other)
{
    return one.LowPart == other.LowPart && one.HighPart == other.HighPart;
}

/* The caller's own session: by its number, by {0, 0} and by NULL. */
static inline bool lsa_is_own_session(const LUID *luid)
{
    return luid == NULL || lsa_same_luid(*luid, (LUID){0, 0}) || lsa_same_luid(*luid, lsa_own_session());
}

/* Who the caller is, as GetUserNameEx says it: owned texts. */
struct lsa_user {
    struct utf16 user, domain;
};

/* STATUS_NO_SUCH_LOGON_SESSION when nobody can be named, STATUS_INSUFFICIENT_RESOURCES. */
STATUS lsa_current_user(struct lsa_user *out);

void lsa_user_free(struct lsa_user *user);

/* A connection that the caller has; STATUS_INVALID_HANDLE. */
STATUS lsa_pin_connection(HANDLE handle, struct pinned *out);

/* Packages by number: Negotiate's is 0, and it answers whether or not SPNEGO is in this build (observed on
 * Windows).  NULL: there is none. */
#define LSA_NEGOTIATE_NUMBER 0
bool lsa_is_package_number(ULONG number);
const struct package *lsa_package(ULONG number);

/* Kerberos' messages that list the caller's tickets, and the answer to one: a context buffer.
 * STATUS_INSUFFICIENT_RESOURCES. */
bool lsa_is_ticket_query(uint32_t message);
STATUS lsa_query_tickets(const struct package *package, uint32_t message, void **out_block, ULONG *out_size);

#define AUTO_LSA_USER AUTO(lsa_user_free) struct lsa_user

#endif
