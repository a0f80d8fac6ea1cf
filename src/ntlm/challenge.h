/* CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2): bytes <-> struct.
 *
 * | offset | size | field                                          |
 * |      0 |    8 | Signature "NTLMSSP\0"                          |
 * |      8 |    4 | MessageType 2                                  |
 * |     12 |    8 | TargetNameFields                               |
 * |     20 |    4 | NegotiateFlags                                 |
 * |     24 |    8 | ServerChallenge                                |
 * |     32 |    8 | Reserved, zero on send, ignored on receipt     |
 * |     40 |    8 | TargetInfoFields (absent in 32-byte forms)     |
 * |     48 |    8 | Version (if there is room before the payload)  |
 * |        |      | payload: TargetName, TargetInfo (Windows' order) |
 */
#ifndef OPENSSPI_NTLM_CHALLENGE_H
#define OPENSSPI_NTLM_CHALLENGE_H

#include "base/bytes.h"
#include "base/status.h"
#include "ntlm/flags.h"
#include "ntlm/version.h"
#include "wire/writer.h"

struct ntlm_challenge {
    uint32_t flags;
    uint8_t server_challenge[8];
    struct bytes target_name; /* UNICODE or OEM by the flags */
    struct bytes target_info; /* AV pairs, not looked at here */
    bool has_version;
    struct ntlm_version version;
};

/* Slices borrow from `message`.  SEC_E_INVALID_TOKEN: shorter than 32 bytes, wrong signature or type, a field that
 * leaves the message or points into the fixed part, a Unicode name of odd size, neither UNICODE nor OEM (MS-NLMP 2.2.2.5:
 * A = B = 0).  A target info without TARGET_INFO is ignored, whatever its field holds; a TARGET_INFO flag needs 48
 * bytes. */
STATUS ntlm_challenge_parse(struct bytes message, struct ntlm_challenge *out);

void ntlm_challenge_build(const struct ntlm_challenge *message, struct writer *out);

#endif
