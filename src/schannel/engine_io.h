/* How OpenSSL's bytes move: its BIO over the step's records, and the bridge between its sequence numbers and the wire's
 * (engine.h). */
#ifndef OPENSSPI_SCHANNEL_ENGINE_IO_H
#define OPENSSPI_SCHANNEL_ENGINE_IO_H

#include "schannel/context.h"

/* Gives the SSL its BIO, which reads from context->handshake->feed and writes to context->outgoing.
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS engine_io_attach(struct schannel_context *context);

/* Makes context->outgoing ready to be written to. */
void engine_io_open(struct schannel_context *context);

/* Where context->outgoing ends now, and what OpenSSL has written since, put under the wire's sequence numbers.  A datagram
 * stands there with its size in front (two bytes, big endian).
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR, SEC_E_ENCRYPT_FAILURE. */
static inline size_t engine_io_mark(const struct schannel_context *context)
{
    return context->outgoing.size;
}
STATUS engine_io_bridge_out(struct schannel_context *context, size_t mark);

/* Seals plaintext as OpenSSL expects its next record, into a block of its own that the caller wipes and frees. */
STATUS engine_io_for_openssl(struct schannel_context *context, uint8_t type, struct bytes plaintext,
                             struct writer *out_record);

#endif
