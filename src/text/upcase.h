/* Windows' upper case: a table of single code units, the same in every locale (RtlUpcaseUnicodeChar).
 *
 * NTOWFv2 hashes the upper-cased user name (MS-NLMP 3.3.2), so one unit that differs from Windows locks that user out.
 */
#ifndef OPENSSPI_TEXT_UPCASE_H
#define OPENSSPI_TEXT_UPCASE_H

#include "text/utf16.h"

uint16_t upcase_unit(uint16_t unit);

/* Upper-cases `text` into `out`, which has room for text.size bytes and may be text.data itself. */
void upcase_write(struct utf16 text, uint8_t *out);

#endif
