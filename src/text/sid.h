/* Security identifiers (MS-DTYP 2.4.2): revision, count, authority (6 bytes, big-endian), parts (4 bytes each,
 * little-endian); as text "S-1-5-21-...". */
#ifndef OPENSSPI_TEXT_SID_H
#define OPENSSPI_TEXT_SID_H

#include "base/bytes.h"
#include "base/status.h"

#define SID_PARTS_MAX  15
#define SID_FIXED_SIZE 8
#define SID_TEXT_MAX   192 /* with the NUL: "S-255-0x" and 12 digits, 15 parts of 11 characters */

/* The size of a SID with so many parts. */
static inline size_t sid_size(size_t parts)
{
    return SID_FIXED_SIZE + 4 * parts;
}

/* Is this one SID, whole and of revision 1? */
bool sid_is_good(struct bytes sid);

/* The text of a good SID, as ConvertSidToStringSid writes it; empty for anything else. */
void sid_text(struct bytes sid, char out[SID_TEXT_MAX]);

/* Lists of SIDs, each with its attributes (4 bytes, little-endian) in front.  The next one, and `list` moves past it; false at
 * the end, and where the list is not whole. */
bool sid_list_next(struct bytes *list, uint32_t *out_attributes, struct bytes *out_sid);

#endif
