/* NTLMv2_CLIENT_CHALLENGE (MS-NLMP 2.2.2.7), the "temp" that the NTLMv2 proof protects: bytes <-> struct.
 *
 * | offset | size | field                                    |
 * |      0 |    1 | RespType 1                               |
 * |      1 |    1 | HiRespType 1                             |
 * |      2 |    6 | Reserved, zero on send, not checked      |
 * |      8 |    8 | TimeStamp (FILETIME)                     |
 * |     16 |    8 | ChallengeFromClient                      |
 * |     24 |    4 | Reserved, zero on send, not checked      |
 * |     28 |      | AvPairs, up to and with MsvAvEOL         |
 * |        |    4 | zero bytes (others send 0, 8 or 12)      |
 */
#ifndef OPENSSPI_NTLM_CLIENT_CHALLENGE_H
#define OPENSSPI_NTLM_CLIENT_CHALLENGE_H

#include "ntlm/av_pairs.h"

struct ntlm_client_challenge {
    uint64_t timestamp;
    uint8_t challenge[8];
    struct ntlm_av_pairs pairs;
};

/* `temp` is the NT response without its first 16 bytes.  SEC_E_INVALID_TOKEN: shorter than 28 bytes, another type, or
 * what ntlm_av_pairs_parse refuses.  A server calls this only after the proof has matched. */
STATUS ntlm_client_challenge_parse(struct bytes temp, struct ntlm_client_challenge *out);

/* What the client adds to the server's pairs. */
struct ntlm_client_pairs {
    uint64_t timestamp;
    uint8_t challenge[8];
    struct bytes server_pairs;     /* a parsed TargetInfo; empty when the server sent none */
    uint32_t av_flags;             /* 0 = no MsvAvFlags of our own */
    struct bytes channel_bindings; /* 16 bytes */
    struct bytes target_name;      /* UTF-16 SPN, may be empty */
};

/* Writes `temp`: the server's pairs in the order received, then 6, 10, 9, EOL, as Windows does. */
void ntlm_client_challenge_build(const struct ntlm_client_pairs *pairs, struct writer *out);

#endif
