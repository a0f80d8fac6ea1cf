/* NTLM's computations, values to values (MS-NLMP 3.3 and 3.4).  No context, no verdict; each has the specification's
 * vectors as its test. */
#ifndef OPENSSPI_NTLM_KEYS_H
#define OPENSSPI_NTLM_KEYS_H

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/md.h"
#include "ntlm/flags.h"
#include "text/utf16.h"

/* One-way functions of the password.
 * NTOWFv1 (3.3.1): MD4 of the UTF-16 password.
 * LMOWFv1 (3.3.1): DES of the upper-case OEM password; false when it is longer than 14 characters or not ASCII after
 * upper-casing, which has no LM hash.
 * NTOWFv2 = LMOWFv2 (3.3.2): HMAC-MD5(NTOWFv1, Uppercase(user) || domain). */
void ntlm_ntowf_v1(struct bytes password_utf16, struct key16 *out);
bool ntlm_lmowf_v1(struct utf16 password, struct key16 *out);
void ntlm_ntowf_v2(const struct key16 *ntowf_v1, struct utf16 user, struct utf16 domain, struct key16 *out);

/* NTLMv1 responses (3.3.1), 24 bytes each.  With ESS (NTLM2 session response) the client's challenge is mixed in. */
void ntlm_v1_response(const struct key16 *owf, const uint8_t challenge[8], uint8_t out[24]);
void ntlm_v1_ess_challenge(const uint8_t server_challenge[8], const uint8_t client_challenge[8], uint8_t out[8]);
void ntlm_v1_session_base_key(const struct key16 *ntowf_v1, struct key16 *out);

/* NTLMv2 (3.3.2).  The keyed NTOWFv2 is prepared once per logon and serves proof, LMv2 and session base key.
 * proof = HMAC(NTOWFv2, server_challenge || temp), where temp is everything after the proof, as it is on the wire. */
void ntlm_v2_proof(const struct hmac_md5_key *ntowf_v2, const uint8_t server_challenge[8], struct bytes temp,
                   struct key16 *out);
void ntlm_v2_lm_response(const struct hmac_md5_key *lmowf_v2, const uint8_t server_challenge[8],
                         const uint8_t client_challenge[8], uint8_t out[24]);
void ntlm_v2_session_base_key(const struct hmac_md5_key *ntowf_v2, const struct key16 *proof, struct key16 *out);

/* KXKEY (3.4.5.1).  `lm_response` is needed for NTLMv1 with ESS or LM_KEY (24 bytes), `lmowf` for LM_KEY and
 * NON_NT_SESSION_KEY; both may be NULL otherwise. */
void ntlm_kxkey(uint32_t flags, bool v2, const struct key16 *session_base_key, const uint8_t *lm_response,
                const struct key16 *lmowf, const uint8_t server_challenge[8], struct key16 *out);

/* SIGNKEY (3.4.5.2): false, and no key, without ESS. */
bool ntlm_sign_key(uint32_t flags, const struct key16 *exported_session_key, bool client_to_server, struct key16 *out);

/* SEALKEY (3.4.5.3): the RC4 key and its length, 16 with ESS or 128 bit, 8 for LM_KEY and DATAGRAM without ESS. */
size_t ntlm_seal_key(uint32_t flags, const struct key16 *exported_session_key, bool client_to_server,
                     struct key16 *out);

/* MIC (3.1.5.1.2): HMAC-MD5(ExportedSessionKey, NEGOTIATE || CHALLENGE || AUTHENTICATE with a zero MIC).  `mic_offset` is
 * where the 16 bytes stand in `authenticate`; they count as zero whatever they hold.  `negotiate` is empty for
 * connectionless NTLM. */
void ntlm_mic(const struct key16 *exported_session_key, struct bytes negotiate, struct bytes challenge,
              struct bytes authenticate, size_t mic_offset, struct key16 *out);

#endif
