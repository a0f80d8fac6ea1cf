/* Names as text: CertNameToStr, CertStrToName and CertGetNameString below the API.  Text is UTF-8 here. */
#ifndef OPENSSPI_CERT_NAME_TEXT_H
#define OPENSSPI_CERT_NAME_TEXT_H

#include "base/bytes.h"
#include "base/status.h"
#include "cert/certificate.h"
#include "wire/writer.h"

/* Writes a Name (RFC 5280 4.1.2.4) in DER the way `how` (CERT_SIMPLE_NAME_STR, ... with CERT_NAME_STR_* flags) says, without
 * a NUL.  A NUL within a value becomes U+FFFD, so that no text ends early.  SEC_E_INVALID_TOKEN when it is no Name. */
STATUS name_text_write(struct bytes der, DWORD how, struct writer *out);

/* The OID that a key in text stands for, in any case: "CN", "E" for an e-mail address, "ST" ...; NULL when it is none. */
const char *name_text_oid(struct bytes key);

/* The opposite of name_text_write: writes the Name that a text is, in DER.
 *
 *   how     CERT_OID_NAME_STR or CERT_X500_NAME_STR, which are the same here, with CERT_NAME_STR_* flags
 *   wrong   receives where the text is wrong, in bytes, or SIZE_MAX
 *
 * CRYPT_E_INVALID_X500_STRING, CRYPT_E_INVALID_PRINTABLE_STRING, CRYPT_E_INVALID_IA5_STRING;
 * SEC_E_UNSUPPORTED_FUNCTION for a value in hexadecimal; SEC_E_INSUFFICIENT_MEMORY. */
STATUS name_text_read(struct bytes utf8, DWORD how, struct writer *out, size_t *wrong);

enum name_kind { NAME_EMAIL, NAME_DNS, NAME_URL, NAME_UPN };

/* The alternative names of this kind in subjectAltName or, with `issuer`, issuerAltName: each with a NUL.  Names with a NUL
 * inside are passed over: what a program compares has to be what the issuer has seen. */
STATUS name_text_alternatives(struct certificate *certificate, bool issuer, enum name_kind kind, struct writer *out);

/* The value of the first attribute with this OID, without a NUL; nothing when there is none, or it has a NUL inside. */
STATUS name_text_attribute(struct bytes der, const char *oid, struct writer *out);

/* The value of the first attribute of all. */
STATUS name_text_first(struct bytes der, struct writer *out);

#endif
