/* What the files about identities share (SspiEncodeStringsAsAuthIdentity and its relatives). */
#ifndef OPENSSPI_API_IDENTITY_H
#define OPENSSPI_API_IDENTITY_H

#include "api/api.h"

#include "logon/identity_layout.h"

/* identity_layout() for a caller's pointer; SEC_E_INVALID_TOKEN also for NULL. */
STATUS api_identity_open(const void *identity, struct identity_layout *out);

/* A plain or EX structure and its texts in one block for SspiFreeAuthIdentity, each text with a NUL behind it.  The parts
 * are those of a layout that need not lie in memory as such; its version is that of the result. */
STATUS api_identity_block(const struct identity_layout *parts, void **out_identity);

/* An EX2 in one block: `bytes` as they are and eight more (SEC_WINNT_AUTH_IDENTITY_FLAGS_RESERVED).  Its members have yet
 * to be checked. */
STATUS api_identity_ex2(struct bytes bytes, void **out_identity);

/* A wide string with a NUL in a block of its own for SspiLocalFree; NULL for text without data. */
STATUS api_identity_text(struct utf16 text, WCHAR **out);

#endif
