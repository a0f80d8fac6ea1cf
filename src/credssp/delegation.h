/* To whom credentials may be delegated ([credssp] in sspi.conf(5)). */
#ifndef OPENSSPI_CREDSSP_DELEGATION_H
#define OPENSSPI_CREDSSP_DELEGATION_H

#include "base/status.h"
#include "text/utf16.h"

/* Where they come from: given to AcquireCredentialsHandle, or kept by this machine for whoever is logged on. */
enum delegation_source { DELEGATION_FRESH, DELEGATION_SAVED };

/* Before anything is sent: SEC_E_DELEGATION_POLICY when no server of this name may get them, whatever it proves. */
STATUS delegation_check_target(enum delegation_source source, struct utf16 target);

/* Before they are sent, to a server that proved its name (`proven`), by Kerberos or a certificate, or did not, as with NTLM.
 * SEC_E_DELEGATION_POLICY; SEC_E_POLICY_NLTM_ONLY when only one that proved its name may get them. */
STATUS delegation_check(enum delegation_source source, struct utf16 target, bool proven);

/* Whether `target` is one of these names: service principal names with commas between, in any case; one "*" in each stands
 * for any text. */
STATUS delegation_matches(const char *names, struct utf16 target, bool *out);

#endif
