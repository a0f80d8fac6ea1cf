/* Extended key usages (RFC 5280 4.2.1.12): what a chain of certificates may be used for.
 *
 * A certificate without the extension may be used for anything, one with anyExtendedKeyUsage too; a CA that has the
 * extension lends its usages and no others to those below it, which is what Windows, and everybody on the web, reads
 * into it.
 */
#ifndef OPENSSPI_CERT_USAGE_H
#define OPENSSPI_CERT_USAGE_H

#include <openssl/x509.h>

#include "base/auto.h"
#include "base/bytes.h"
#include "cert/chain.h"

#define USAGE_SERVER "1.3.6.1.5.5.7.3.1" /* szOID_PKIX_KP_SERVER_AUTH */
#define USAGE_CLIENT "1.3.6.1.5.5.7.3.2" /* szOID_PKIX_KP_CLIENT_AUTH */

/* Sets CERT_TRUST_IS_NOT_VALID_FOR_USAGE on the elements that do not allow what is requested, and
 * CERT_TRUST_INVALID_EXTENSION on those whose extension cannot be read.  An end certificate that is to prove itself in
 * TLS also needs a key usage that lets it (RFC 8446 4.4.2.2: digitalSignature; RFC 5246 7.4.2: or a key exchange).
 * SEC_E_INVALID_PARAMETER for an OID that is none, SEC_E_INSUFFICIENT_MEMORY. */
STATUS usage_check_chain(const struct chain_request *request, struct chain *chain);

/* Usages as text.  One block: freeing `oids` frees the strings too. */
struct usage_list {
    bool any; /* anything; no list */
    size_t count;
    char **oids;
};

/* The certificate's own: `any` without the extension or with anyExtendedKeyUsage; none at all when it cannot be read.
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS usage_list_of(X509 *certificate, struct usage_list *out);

/* Those of an encoded ExtKeyUsageSyntax (CERT_ENHKEY_USAGE_PROP_ID).  SEC_E_INVALID_TOKEN when it is none. */
STATUS usage_list_parse(struct bytes der, struct usage_list *out);

/* What both allow, into the first; neither is `any`. */
void usage_list_meet(struct usage_list *list, const struct usage_list *other);

/* A copy. */
STATUS usage_list_copy(const struct usage_list *list, struct usage_list *out);

bool usage_list_has(const struct usage_list *list, const char *oid);
void usage_list_free(struct usage_list *list);

#define AUTO_USAGES AUTO(usage_list_free) struct usage_list

/* The bits of an encoded KeyUsage (RFC 5280 4.2.1.3), the first byte and the second.  SEC_E_INVALID_TOKEN. */
STATUS usage_key_bits(struct bytes der, uint8_t out[2]);

#endif
