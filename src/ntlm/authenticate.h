/* AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3): bytes <-> struct.
 *
 * | offset   | size | field                                                     |
 * |        0 |    8 | Signature "NTLMSSP\0"                                     |
 * |        8 |    4 | MessageType 3                                             |
 * |       12 |    8 | LmChallengeResponseFields                                 |
 * |       20 |    8 | NtChallengeResponseFields                                 |
 * |       28 |    8 | DomainNameFields                                          |
 * |       36 |    8 | UserNameFields                                            |
 * |       44 |    8 | WorkstationFields                                         |
 * |       52 |    8 | EncryptedRandomSessionKeyFields                           |
 * |       60 |    4 | NegotiateFlags                                            |
 * |       64 |    8 | Version, only if the sender reserves it                   |
 * | 72 or 64 |   16 | MIC, only if MsvAvFlags bit 0x2 is in the NTLMv2 blob     |
 * |          |      | payload: Domain, User, Workstation, LM, NT, session key   |
 *
 * Where the MIC stands follows from where the payload starts: at 88 or later it is at 72, at 80..87 it is at 64, before
 * that there is none (captures: Windows, Chromium with 8 reserved bytes, gss-ntlmssp without VERSION).
 */
#ifndef OPENSSPI_NTLM_AUTHENTICATE_H
#define OPENSSPI_NTLM_AUTHENTICATE_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "ntlm/flags.h"
#include "ntlm/version.h"
#include "wire/writer.h"

struct ntlm_authenticate {
    uint32_t flags;
    struct bytes lm_response;
    struct bytes nt_response;
    struct bytes domain; /* UNICODE or OEM by the flags */
    struct bytes user;
    struct bytes workstation;
    struct bytes encrypted_session_key;
    size_t mic_offset; /* 0 = there is no room for a MIC */
    bool has_version;
    struct ntlm_version version;
};

/* Slices borrow from `message`.  SEC_E_INVALID_TOKEN: shorter than 64 bytes (the LM-era form of 52, without session key
 * and flags, is refused), wrong signature or type, a field that leaves the message or points into the fixed part, a
 * Unicode name of odd size. */
STATUS ntlm_authenticate_parse(struct bytes message, struct ntlm_authenticate *out);

/* Writes VERSION and 16 zero bytes of MIC when message->mic_offset is 72, the 16 zero bytes alone when it is 64, VERSION
 * alone when it is 0 and there is one; the caller patches the MIC in. */
void ntlm_authenticate_build(const struct ntlm_authenticate *message, struct writer *out);

#endif
