/* Names as text: CertNameToStr and CertGetNameString below the API.  Text is UTF-8 here. */
#ifndef OPENSSPI_CERT_NAME_TEXT_H
#define OPENSSPI_CERT_NAME_TEXT_H

#include "base/bytes.h"
#include "base/status.h"
#include "cert/certificate.h"
#include "wire/writer.h"

/* Writes a Name (RFC 5280 4.1.2.4) in DER the way `how` (CERT_SIMPLE_NAME_STR, ... with CERT_NAME_STR_* flags) says, without
 * a NUL.  A NUL within a value becomes U+FFFD, so that no text ends early.  SEC_E_INVALID_TOKEN when it is no Name. */
STATUS name_text_write(struct bytes der, DWORD how, struct writer *out);

enum name_kind { NAME_EMAIL, NAME_DNS, NAME_URL, NAME_UPN };

/* The alternative names of this kind in subjectAltName or, with `issuer`, issuerAltName: each with a NUL.  Names with a NUL
 * inside are passed over: what a program compares has to be what the issuer has seen. */
STATUS name_text_alternatives(struct certificate *certificate, bool issuer, enum name_kind kind, struct writer *out);

/* The value of the first attribute with this OID, without a NUL; nothing when there is none, or it has a NUL inside. */
STATUS name_text_attribute(struct bytes der, const char *oid, struct writer *out);

/* The value of the first attribute of all. */
STATUS name_text_first(struct bytes der, struct writer *out);

#endif
