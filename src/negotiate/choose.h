/* Which mechanisms are in the running. */
#ifndef OPENSSPI_NEGOTIATE_CHOOSE_H
#define OPENSSPI_NEGOTIATE_CHOOSE_H

#include "negotiate/context.h"

/* Does an identity's package list allow this package?  An empty list allows all; "!ntlm" all but NTLM; "kerberos,ntlm"
 * those two (SEC_WINNT_AUTH_IDENTITY_EX, PackageList). */
bool choose_allowed(struct utf16 list, const char *package);

/* What becomes of user-to-user in a list: a client names it only if it was asked for, and then first; a server can always. */
enum choose_user { CHOOSE_USER_NEVER, CHOOSE_USER_FIRST, CHOOSE_USER_TOO };

/* The mechanisms of a credential, in the client's order of preference; with a server's hint only those it names, unless
 * it names none of them.  Returns how many. */
size_t choose_offer(const struct negotiate_credential *credential, const struct neg_token *hint, enum choose_user user,
                    const struct mech *out[MECH_COUNT]);

/* Puts behind the others what cannot serve this target: where a third party vouches, the target must be somebody whom it
 * may know.  That is nobody without a name, no bare address, and not this machine itself: what logs on to itself does so
 * without a KDC.  They stay in the list, since the server may insist (Windows sends just such lists).  Which of them may be
 * tried at once is in *out_suited, a prefix; when none is suited, all are. */
STATUS choose_order(struct utf16 target, const struct mech *offered[MECH_COUNT], size_t count, size_t *out_suited);

/* Is this an account of this machine alone: its domain is the machine's own name, or "."? */
STATUS choose_local_account(struct utf16 user, struct utf16 domain, bool *out);

#endif
