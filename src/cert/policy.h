/* CertVerifyCertificateChainPolicy below the API: what a chain context, ours or one that the program made, is good for. */
#ifndef OPENSSPI_CERT_POLICY_H
#define OPENSSPI_CERT_POLICY_H

#include "windows.h"

#include "wincrypt.h"

#include "base/status.h"

/* The verdict of one policy.  Reads nothing but the chain's public members and, for the name, the end certificate.
 * `out` is written on success, which is also when the chain is bad: dwError says so then.
 * SEC_E_INVALID_PARAMETER for a chain without elements, or for parameters that are too small;
 * SEC_E_UNSUPPORTED_FUNCTION for a policy that is not here (Authenticode, NTAuth, ...). */
STATUS policy_check(LPCSTR policy, PCCERT_CHAIN_CONTEXT chain, const CERT_CHAIN_POLICY_PARA *para,
                    CERT_CHAIN_POLICY_STATUS *out);

#endif
