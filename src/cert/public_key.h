/* A CERT_PUBLIC_KEY_INFO of a program's, as OpenSSL understands it. */
#ifndef OPENSSPI_CERT_PUBLIC_KEY_H
#define OPENSSPI_CERT_PUBLIC_KEY_H

#include "windows.h"

#include "wincrypt.h"

#include "base/status.h"

/* How many bits the key is said to have (an RSA modulus, an elliptic curve's order).  SEC_E_INVALID_TOKEN when it cannot be
 * read. */
STATUS public_key_bits(const CERT_PUBLIC_KEY_INFO *info, DWORD *out);

#endif
