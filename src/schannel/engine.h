/* OpenSSL's state machine behind a token loop: whole records in, whole flights out.
 *
 * OpenSSL shakes hands.  Its reads come out of the caller's input slice, whole records only and without a copy; its
 * writes collect in context->outgoing and leave with the step (handshake.c).  Once the handshake is done and the suite is
 * an AEAD of TLS 1.2 or 1.3, application data does not pass through OpenSSL any more: record.c protects it in the
 * caller's buffers under the same traffic keys.
 *
 * The bridge.  OpenSSL still owns what comes after: tickets, post-handshake authentication, renegotiation.  But it counts
 * only the records that it saw itself, so its sequence numbers have fallen behind those on the wire.  A record for OpenSSL
 * is opened under the wire's number and sealed again under OpenSSL's; a record of OpenSSL's is opened under its number and
 * sealed again under the wire's.  What is re-sealed never leaves the process, so no nonce is used twice in public.  A
 * renegotiation ends this: behind ChangeCipherSpec both count from zero under new keys, and records pass untouched until
 * the handshake is done.
 *
 * Key updates (RFC 8446 4.6.3) are not shown to OpenSSL, which stays at the first generation of traffic keys: the wire's
 * keys are derived here, each direction for itself, so that a reader never needs what a writer holds.
 */
#ifndef OPENSSPI_SCHANNEL_ENGINE_H
#define OPENSSPI_SCHANNEL_ENGINE_H

#include "schannel/context.h"

enum engine_verdict {
    ENGINE_MORE,        /* every whole record is used up; the peer has to speak */
    ENGINE_DONE,        /* the handshake is complete */
    ENGINE_CERTIFICATE, /* the server asks for a certificate and there is none to show */
    ENGINE_REFUSED,     /* the peer does not renegotiate; messages go on as before */
    ENGINE_FAILED,      /* context->failure says why; context->outgoing may hold the alert */
};

/* What every SSL_CTX of this package needs: callbacks that find the context behind an SSL. */
void engine_prepare(SSL_CTX *ssl_ctx, bool server);

/* Makes the SSL object for a first leg, from context->credential.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS engine_new(struct schannel_context *context);
void engine_free(struct schannel_context *context);

/* Goes on with a later call's credential: for a certificate that was asked for, or to renegotiate.
 * SEC_E_WRONG_CREDENTIAL_HANDLE between TLS and DTLS. */
STATUS engine_change_credential(struct schannel_context *context, struct schannel_credential *credential);

/* Begins a handshake's bookkeeping, and ends it.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS engine_handshake_begin(struct schannel_context *context);
void engine_handshake_end(struct schannel_context *context);

/* Shakes hands with what is in `records`: whole records, perhaps none.  *out_used is how many bytes were used up.  With
 * ENGINE_DONE the context is ready for messages. */
enum engine_verdict engine_handshake(struct schannel_context *context, struct bytes records, size_t *out_used);

/* Tells OpenSSL to renegotiate (TLS 1.2 and before); engine_handshake() without records then writes the ClientHello, or a
 * server's HelloRequest.  SEC_E_UNSUPPORTED_FUNCTION under TLS 1.3, and once the peer has refused. */
STATUS engine_renegotiate(struct schannel_context *context);

/* A ticket of TLS 1.3, at a server whose handshake is done; engine_handshake() without records then writes it. */
STATUS engine_new_ticket(struct schannel_context *context);

/* Tells OpenSSL to ask a client of TLS 1.3 for a certificate (RFC 8446 4.6.2); engine_handshake() without records then writes the
 * CertificateRequest.  SEC_E_UNSUPPORTED_FUNCTION when the client has not offered that. */
STATUS engine_ask_late(struct schannel_context *context);

/* Hands OpenSSL the plaintext of handshake records that came behind the handshake.  ENGINE_DONE: nothing more to do,
 * ENGINE_MORE: another handshake is under way, or, under TLS 1.3 in the state SCHANNEL_RENEGOTIATING, a client's answer to a
 * CertificateRequest goes on.  Without that state OpenSSL has nothing to say under TLS 1.3. */
enum engine_verdict engine_post_handshake(struct schannel_context *context, struct bytes plaintext);

/* The slow path, where OpenSSL protects messages. */

/* One record out of `data`, in context->outgoing; the caller empties it.  SEC_E_ENCRYPT_FAILURE. */
STATUS engine_write(struct schannel_context *context, struct bytes data);

enum engine_read {
    ENGINE_READ_DATA,      /* *out_size bytes, perhaps none */
    ENGINE_READ_CLOSED,    /* close_notify */
    ENGINE_READ_HANDSHAKE, /* another handshake is under way, its first flight is in context->outgoing */
    ENGINE_READ_FAILED,
};

/* Reads one record; the plaintext is written to `out`, which may be the record's own memory. */
enum engine_read engine_read(struct schannel_context *context, struct bytes record, struct record_room out,
                             size_t *out_size);

#endif
