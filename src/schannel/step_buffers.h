/* What a step reads from and writes to the caller's buffers beside the token (InitializeSecurityContext and
 * AcceptSecurityContext for Schannel, pInput and pOutput). */
#ifndef OPENSSPI_SCHANNEL_STEP_BUFFERS_H
#define OPENSSPI_SCHANNEL_STEP_BUFFERS_H

#include "core/package.h"

/* The rules for buffers that hold whatever the token is:
 *   SEC_E_INVALID_TOKEN        a first leg without output buffers; an EMPTY input buffer with a size (windows-behaviour SH2,
 *                              SH11)
 *   SEC_E_INSUFFICIENT_MEMORY  a TOKEN or ALERT output buffer of size 0 that we are not to allocate (SH3) */
STATUS step_check_buffers(const struct step_in *in, const struct step_out *out, bool first);

/* The first EMPTY input buffer becomes EXTRA: the last `left` bytes of the token are still to be dealt with. */
void step_report_extra(const struct step_in *in, size_t left);

/* ... or MISSING: so many bytes would make the record whole. */
void step_report_missing(const struct step_in *in, size_t missing);

/* Fills the ALERT output buffer, or empties it: `alert` is the record that tells the peer, or nothing. */
STATUS step_report_alert(const struct step_in *in, const struct step_out *out, struct bytes alert);

/* The list inside a SECBUFFER_APPLICATION_PROTOCOLS for ALPN, which is RFC 7301's; empty when there is no such buffer.
 * SEC_E_INVALID_TOKEN for sizes that contradict each other, or an empty name (RFC 7301 3.1). */
STATUS step_find_alpn(const struct step_in *in, struct bytes *out_list);

/* The profiles inside a SECBUFFER_SRTP_PROTECTION_PROFILES that OpenSSL knows, as it names them, with colons between, best
 * first; "" when there is no such buffer.  SEC_E_INVALID_TOKEN for sizes that contradict each other;
 * SEC_E_UNSUPPORTED_FUNCTION for a list in which it knows none, or a SECBUFFER_SRTP_MASTER_KEY_IDENTIFIER, which OpenSSL
 * cannot send (RFC 5764 4.1.1). */
#define STEP_SRTP_MAX 128
STATUS step_find_srtp(const struct step_in *in, char out[STEP_SRTP_MAX]);

/* The flags beyond 32 bits of a SECBUFFER_FLAGS; 0 when there is none.  SEC_E_INVALID_TOKEN for one of another size, or with
 * flags that travel in fContextReq (SEC_FLAGS). */
STATUS step_find_flags(const struct step_in *in, uint64_t *out_flags);

/* SECBUFFER_DTLS_MTU; 0 when there is none.  SEC_E_INVALID_TOKEN for one of another size, or below 200. */
STATUS step_find_mtu(const struct step_in *in, uint16_t *out_mtu);

#endif
