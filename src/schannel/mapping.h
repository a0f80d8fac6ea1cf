/* Whose account a client's certificate is ("Mapping Certificates", Microsoft Learn): for ImpersonateSecurityContext,
 * QuerySecurityContextToken and NAMES.
 *
 * Windows asks its domain.  Here the file says it that policy names ([schannel] client-map, sspi.conf(5)); without one nobody is
 * mapped.  What it says is about certificates that were verified: none is mapped under manual validation, nor where the deferred
 * one found something.  SCH_CRED_NO_SYSTEM_MAPPER maps nobody.
 */
#ifndef OPENSSPI_SCHANNEL_MAPPING_H
#define OPENSSPI_SCHANNEL_MAPPING_H

#include "schannel/context.h"

struct token;

/* The package's function: a new token.  SEC_E_NO_IMPERSONATION: a client's context, or a certificate that is nobody's, as above;
 * an account that is unknown, locked, disabled or expired.  SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR. */
SECURITY_STATUS schannel_impersonate(struct context *context, struct token **out_token);

/* "DOMAIN\user" in out->name, owned by out.  SEC_E_UNSUPPORTED_FUNCTION where there is no account to name. */
STATUS mapping_name(struct schannel_context *context, struct attribute *out);

#endif
