/* What the three NTLM messages share: signature and type in front (MS-NLMP 2.2.1), VERSION (2.2.2.10), and fields whose
 * payload must lie behind the fixed part. */
#ifndef OPENSSPI_NTLM_HEADER_H
#define OPENSSPI_NTLM_HEADER_H

#include "ntlm/flags.h"
#include "ntlm/version.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum ntlm_message_type { NTLM_MESSAGE_NEGOTIATE = 1, NTLM_MESSAGE_CHALLENGE = 2, NTLM_MESSAGE_AUTHENTICATE = 3 };

/* Signature and type; latches unless they are these. */
void ntlm_header_read(struct reader *reader, enum ntlm_message_type type);
void ntlm_header_write(struct writer *out, enum ntlm_message_type type);

/* One field.  A payload in front of `fixed_size` latches: it would overlap what has been parsed already.  Lowers
 * `payload_start` to where a payload that is not empty begins. */
struct bytes ntlm_field_read(struct reader *reader, size_t fixed_size, size_t *payload_start);

/* A name is whole UTF-16 units when `flags` say UNICODE, which wins over OEM (2.2.2.5, A and B); else it latches. */
void ntlm_name_check(struct reader *reader, uint32_t flags, struct bytes name);

struct ntlm_version ntlm_version_read(struct reader *reader);

/* Eight bytes, zero without a version. */
void ntlm_version_write(struct writer *out, bool has_version, struct ntlm_version version);

#endif
