/* NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1): bytes <-> struct.
 *
 * | offset | size | field                                              |
 * |      0 |    8 | Signature "NTLMSSP\0"                              |
 * |      8 |    4 | MessageType 1                                      |
 * |     12 |    4 | NegotiateFlags                                     |
 * |     16 |    8 | DomainNameFields (OEM; if OEM_DOMAIN_SUPPLIED)     |
 * |     24 |    8 | WorkstationFields (OEM; if OEM_WORKSTATION_SUPPLIED) |
 * |     32 |    8 | Version (if NEGOTIATE_VERSION)                     |
 * |     40 |      | payload                                            |
 *
 * Old clients stop after 16 bytes; such a message has no names and no version.
 */
#ifndef OPENSSPI_NTLM_NEGOTIATE_H
#define OPENSSPI_NTLM_NEGOTIATE_H

#include "base/bytes.h"
#include "base/status.h"
#include "ntlm/flags.h"
#include "ntlm/version.h"
#include "wire/writer.h"

struct ntlm_negotiate {
    uint32_t flags;
    struct bytes domain;      /* OEM bytes */
    struct bytes workstation; /* OEM bytes */
    bool has_version;
    struct ntlm_version version;
};

/* Slices borrow from `message`.  SEC_E_INVALID_TOKEN: shorter than 16 bytes, 17 to 31 bytes (a field cut through), wrong
 * signature or type, a name that leaves the message or points into its first 16 bytes, a VERSION flag in a message of 33
 * to 39 bytes.  A name whose flag is clear is ignored, whatever its field holds; a name that stands where VERSION would
 * means that there is no VERSION. */
STATUS ntlm_negotiate_parse(struct bytes message, struct ntlm_negotiate *out);

/* With VERSION set both names must be empty (MS-NLMP 2.2.1.1); empty fields are written as Windows does, all zero. */
void ntlm_negotiate_build(const struct ntlm_negotiate *message, struct writer *out);

#endif
