/* Whether a certificate is one for a host: RFC 9525 (which follows RFC 6125), as Windows' SSL policy has it.
 *
 * DNS names: a dNSName of the subjectAltName, without regard to the case of ASCII; "*" only as the whole left-most label,
 * for exactly one label, above at least two more.  The common name counts only in a certificate without any dNSName.
 * Addresses: an iPAddress of the subjectAltName, octet by octet, and nothing else.
 */
#ifndef OPENSSPI_CERT_HOST_NAME_H
#define OPENSSPI_CERT_HOST_NAME_H

#include <openssl/x509.h>

#include "base/status.h"
#include "text/utf16.h"

/* Longer than every DNS name (RFC 1035 2.3.4) and every address in text. */
#define HOST_NAME_MAX_SIZE 256

/* What the caller asked for, ready for comparing. */
struct host_name {
    char text[HOST_NAME_MAX_SIZE]; /* without brackets and trailing dot */
    uint8_t address[16];
    size_t address_size; /* 4, 16, or 0 for a DNS name */
};

/* Takes "www.example.com", "www.example.com.", "192.0.2.1", "2001:db8::1" or "[2001:db8::1]".
 * SEC_E_WRONG_PRINCIPAL for what no certificate can be for: empty, too long, not ASCII (an internationalised name is
 * given as A-labels, RFC 5891), an empty label, a "*", blanks or control characters. */
STATUS host_name_parse(struct utf16 name, struct host_name *out);

bool host_name_matches(const struct host_name *name, X509 *certificate);

/* The names that the certificate has, for a reason: "DNS:a.example, IP:192.0.2.1", or "CN:a.example".  Printable
 * ASCII, cut where `size` ends; "no name" when there is none. */
void host_names_of(X509 *certificate, char *out, size_t size);

#endif
