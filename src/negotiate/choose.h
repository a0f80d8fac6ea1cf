/* Which mechanisms are in the running. */
#ifndef OPENSSPI_NEGOTIATE_CHOOSE_H
#define OPENSSPI_NEGOTIATE_CHOOSE_H

#include "negotiate/context.h"

/* Does an identity's package list allow this package?  An empty list allows all; "!ntlm" all but NTLM; "kerberos,ntlm"
 * those two (SEC_WINNT_AUTH_IDENTITY_EX, PackageList). */
bool choose_allowed(struct utf16 list, const char *package);

/* The mechanisms of a credential, in the client's order of preference; with a server's hint only those it names, unless
 * it names none of them.  Returns how many. */
size_t choose_offer(const struct negotiate_credential *credential, const struct neg_token *hint,
                    const struct mech *out[MECH_COUNT]);

#endif
