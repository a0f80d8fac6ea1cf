/* CryptDecodeObjectEx below the API: DER taken apart into the SDK's structures, in an arena. */
#ifndef OPENSSPI_CERT_DECODE_H
#define OPENSSPI_CERT_DECODE_H

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/status.h"
#include "cert/arena.h"

#define DECODE_MAX (1u << 20) /* bytes of DER */

/* The number of a structure by the OID of the extension that carries it; 0 when there is none. */
DWORD decode_type_of_oid(const char *oid);

/* Whether decode() knows the structure. */
bool decode_knows(DWORD type);

/* The structure comes first in the arena.  SEC_E_INVALID_TOKEN when the bytes are something else;
 * SEC_E_INSUFFICIENT_MEMORY, also when a fixed arena is too small. */
STATUS decode(DWORD type, struct bytes der, struct arena *arena);

#endif
