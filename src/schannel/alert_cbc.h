/* A fatal alert of the program's choice where OpenSSL protects records: under a CBC suite of TLS 1.0 to 1.2 (RFC 5246 6.2.3.2, RFC
 * 7366).  OpenSSL has no way to send one, and it is the last record of its direction: so it is made here, with keys derived for
 * the purpose, under the number that OpenSSL's next record would have had.
 */
#ifndef OPENSSPI_SCHANNEL_ALERT_CBC_H
#define OPENSSPI_SCHANNEL_ALERT_CBC_H

#include "schannel/context.h"

/* Whether it can be made for this finished connection: not for DTLS, and not while another handshake is
 * under way, as it may have changed the keys. */
bool alert_cbc_possible(const struct schannel_context *context);

/* Appends the record to context->outgoing.  SEC_E_INSUFFICIENT_MEMORY; SEC_E_ENCRYPT_FAILURE when OpenSSL fails. */
STATUS alert_cbc_put(struct schannel_context *context, const uint8_t alert[2]);

/* What it has to know of OpenSSL's records and of the ServerHello: for SSL_CTX_set_msg_callback. */
void alert_cbc_on_header(struct schannel_context *context, struct bytes header);
void alert_cbc_on_server_hello(struct schannel_context *context, struct bytes message);

#endif
