/* What a credential allows: protocol versions, suites, groups, signatures; from the caller's structures to OpenSSL's words.
 *
 * The rules are SCHANNEL_CRED's and SCH_CREDENTIALS' (Microsoft Learn) as Windows applies them (windows-behaviour S4-S7, S14).
 */
#ifndef OPENSSPI_SCHANNEL_RESTRICT_H
#define OPENSSPI_SCHANNEL_RESTRICT_H

#include <openssl/ssl.h>

#include "windows.h"

#include "base/status.h"
#include "schannel.h"

struct restrictions {
    bool server;
    uint32_t protocols; /* SP_PROT_* that are left, all of TLS or all of DTLS */
    bool datagram;
    uint32_t minimum_strength, maximum_strength; /* bits; 0: no bound of the caller's */
    uint32_t flags;                              /* SCH_* */
    const ALG_ID *algorithms;                    /* palgSupportedAlgs, borrowed */
    size_t algorithm_count;
    const TLS_PARAMETERS *parameters; /* borrowed */
    size_t parameter_count;
};

/* The protocols of grbitEnabledProtocols (0: TLS 1.2).  SEC_E_ALGORITHM_MISMATCH: none for this side, or DTLS and TLS at
 * once. */
STATUS restrict_enabled(uint32_t enabled, struct restrictions *restrictions);

/* The defaults (TLS 1.2 and 1.3; with SCH_USE_DTLS_ONLY, DTLS 1.2) without those that TLS_PARAMETERS disable. */
STATUS restrict_disabled(struct restrictions *restrictions);

/* Configures an SSL_CTX.  SEC_E_ALGORITHM_MISMATCH when nothing usable is left. */
STATUS restrict_apply(const struct restrictions *restrictions, SSL_CTX *ssl_ctx);

#endif
