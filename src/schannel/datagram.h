/* DTLS (RFC 6347) where it differs: one token is one datagram, flights are repeated when the caller says that nothing came, and
 * the client proves its address by a cookie.
 *
 * Datagrams stand in context->outgoing each with its size in front.  For TLS these functions see one long token.
 */
#ifndef OPENSSPI_SCHANNEL_DATAGRAM_H
#define OPENSSPI_SCHANNEL_DATAGRAM_H

#include "schannel/context.h"
#include "schannel/protect.h"

#define DATAGRAM_MTU_DEFAULT 1096 /* SEC_DTLS_MTU, Microsoft Learn */
/* What stands around a datagram, as OpenSSL asks for it: it refuses to work where a datagram with it has less than 256 bytes, and
 * SEC_DTLS_MTU begins at 200. */
#define DATAGRAM_OVERHEAD 56

/* Prepares a new context; `mtu` 0 is the default. */
STATUS datagram_prepare(struct schannel_context *context, uint16_t mtu);
void datagram_fini(struct schannel_context *context);

/* Datagrams from now on are at most so large (SECPKG_ATTR_DTLS_MTU). */
void datagram_set_mtu(struct schannel_context *context, uint16_t mtu);

/* The callbacks for cookies, of a server's SSL_CTX. */
void datagram_prepare_ctx(SSL_CTX *ssl_ctx, bool server);

/* The first datagram that the caller has not got (TLS: everything), and its removal. */
struct bytes datagram_first(const struct schannel_context *context);
void datagram_drop_first(struct schannel_context *context);

/* The wire's bytes of what OpenSSL has just written to `out` by itself. */
struct bytes datagram_of(const struct schannel_context *context, const struct writer *out);

/* protect_take() for DTLS: the datagram's first record, or all of it where that is none. */
STATUS datagram_take(const struct buffers *message, struct protect_input *out);

/* A new flight is on its way: its time begins. */
void datagram_flight_begins(struct schannel_context *context);

/* Writes our last flight once more, under new sequence numbers (windows-behaviour D5). */
void datagram_repeat_flight(struct schannel_context *context);

/* When the caller is to ask for that if nothing comes: FILETIME; 0: not known. */
uint64_t datagram_expiry(struct schannel_context *context);

/* A datagram that holds no message for DecryptMessage: its first record is a handshake's or ChangeCipherSpec. */
bool datagram_is_handshake(struct bytes datagram);

/* The datagram without the records in front that nobody protects, and that must not end a handshake (RFC 6347 4.1.2.7): of
 * unknown types, application data, and warnings, which OpenSSL would take for as many as it endures (its issue 25444). */
struct bytes datagram_without_strays(struct bytes datagram);

/* A finished connection's answer to a flight that the peer repeats. */
void datagram_answer_repeat(struct schannel_context *context, struct bytes datagram);

#endif
