/* What SASL's profiles add to a package's own exchange (RFC 4752 3.1, 3.2): the server offers security layers, the client
 * chooses one and says whom it wants to be, both in messages that the established context signs.
 */
#ifndef OPENSSPI_API_SASL_LAYER_H
#define OPENSSPI_API_SASL_LAYER_H

#include "api/api.h"

/* One leg: the package's, and when that is through, the layer's.  The context counts as established only at the very end,
 * so that nothing is sealed, and nobody impersonated, before the client has said whom it wants to be.
 *
 * Beside what the package answers: SEC_E_INVALID_TOKEN for a message of the layer that cannot be read,
 * SEC_E_SECURITY_QOS_FAILED when the sides have no layer in common, SEC_E_ALGORITHM_MISMATCH for an authorization identity
 * that nobody wants to process (SASL_OPTION_AUTHZ_PROCESSING). */
STATUS sasl_step(const struct package *package, bool initiator, struct credential *credential,
                 struct context **out_context, const struct step_in *in, struct step_out *out);

/* SaslSetContextOption and SaslGetContextOption, under the context's locks.  SEC_E_INVALID_HANDLE for a context that
 * sasl_step() did not make; otherwise as sspi_sasl.h says. */
STATUS sasl_set_option(struct context *context, ULONG option, struct bytes value);
STATUS sasl_get_option(struct context *context, ULONG option, void *value, ULONG size, ULONG *needed);

#endif
