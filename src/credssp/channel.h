/* The two contexts inside one of CredSSP's, as CredSSP uses them: the channel (TLS) and the session (Negotiate). */
#ifndef OPENSSPI_CREDSSP_CHANNEL_H
#define OPENSSPI_CREDSSP_CHANNEL_H

#include "credssp/context.h"

/* ---------------------------------------------------------------- the channel */

/* One leg of the handshake with `token`; what it says, an alert included, goes into context->outgoing.  `out_used`: bytes of
 * the token that are dealt with; `out_missing`: what would make a record whole, with SEC_E_INCOMPLETE_MESSAGE.
 * SEC_E_OK: the channel stands. */
STATUS channel_handshake(struct credssp_context *context, struct bytes token, size_t *out_used, size_t *out_missing);

/* Seals a message into as few records as there can be, for context->outgoing (MS-CSSP 3.1.5: a Windows server wants tag and
 * length in the first one). */
STATUS channel_send(struct credssp_context *context, struct bytes message);

/* Opens records from `token` until context->incoming holds a whole TSRequest, which is what *out_size says then, or no whole
 * record is left.  `out_used` as above.  SEC_E_INCOMPLETE_MESSAGE when there is not even one record; SEC_E_INVALID_TOKEN
 * for what is no TSRequest, or something behind it in the same record; SEC_E_CONTEXT_EXPIRED: the peer closed the channel. */
STATUS channel_receive(struct credssp_context *context, struct bytes token, size_t *out_used, size_t *out_missing,
                       size_t *out_size);

/* What binds the channel: the server certificate's public key, as this side of the channel knows it.  Borrowed. */
STATUS channel_key(struct credssp_context *context, struct bytes *out_key);

/* ---------------------------------------------------------------- the session */

/* Appends the sealed form of `plain`: signature or header first, as MS-CSSP has it. */
STATUS session_seal(struct credssp_context *context, struct bytes plain, struct writer *out);

/* The reverse: `room`, an empty writer, receives a copy of `sealed`, and *out_plain is a slice of it.  SEC_E_MESSAGE_ALTERED, SEC_E_OUT_OF_SEQUENCE
 * and what else the mechanism has to say of it. */
STATUS session_unseal(struct credssp_context *context, struct bytes sealed, struct writer *room,
                      struct bytes *out_plain);

#endif
