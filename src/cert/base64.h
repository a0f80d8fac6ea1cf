/* Base64 (RFC 4648 4 and 5) and hexadecimal, strict but for white space. */
#ifndef OPENSSPI_CERT_BASE64_H
#define OPENSSPI_CERT_BASE64_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

/* Without line ends; `url` takes the URL alphabet and leaves the padding out. */
STATUS base64_write(struct bytes data, bool url, struct writer *out);

/* White space is passed over; `url` wants the URL alphabet and no padding.  SEC_E_INVALID_TOKEN when it is none. */
STATUS base64_read(struct bytes text, bool url, struct writer *out);

/* Pairs of digits with white space between them, or anywhere; a pair is not torn.  SEC_E_INVALID_TOKEN. */
STATUS hex_read(struct bytes text, struct writer *out);

#endif
