/* Names in NTLM messages: UTF-16 where UNICODE was negotiated, "OEM" bytes where it was not (MS-NLMP 2.2).
 *
 * The OEM code page is each machine's own and is never named on the wire, so only ASCII means the same on both sides.
 */
#ifndef OPENSSPI_NTLM_TEXT_H
#define OPENSSPI_NTLM_TEXT_H

#include "ntlm/flags.h"
#include "text/utf16.h"
#include "wire/writer.h"

/* `text` as it goes into a message.  UNICODE: the text itself.  OEM: written to `space`, and a slice of that.
 * SEC_E_UNSUPPORTED_FUNCTION when OEM cannot say it. */
STATUS ntlm_text_out(uint32_t flags, struct utf16 text, struct writer *space, struct bytes *out);

/* The reverse, widening OEM into `space`.  SEC_E_INVALID_TOKEN: odd UNICODE, OEM outside ASCII, more than fits. */
STATUS ntlm_text_in(uint32_t flags, struct bytes raw, struct writer *space, struct utf16 *out);

#endif
