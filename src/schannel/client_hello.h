/* What a ClientHello says in its extensions (RFC 8446 4.1.2), for programs that look at one before there is a context. */
#ifndef OPENSSPI_SCHANNEL_CLIENT_HELLO_H
#define OPENSSPI_SCHANNEL_CLIENT_HELLO_H

#include "base/bytes.h"
#include "base/status.h"

/* The extensions, one behind the other with type and size, borrowed; empty when there are none.
 *
 * `has_record` says that a record's header stands in front.  What follows the message is not looked at.
 *   SEC_E_INCOMPLETE_MESSAGE   it is not all there; *out_missing is how many bytes more are wanted
 *   SEC_E_INVALID_TOKEN        it is no ClientHello, or one that is spread over records (RFC 8446 5.1) */
STATUS client_hello_extensions(struct bytes hello, bool has_record, struct bytes *out, size_t *out_missing);

/* One of them; false when it is not there. */
bool client_hello_find(struct bytes extensions, uint16_t type, struct bytes *out);

/* The host name in server_name (RFC 6066 3).  SEC_E_INVALID_PARAMETER when there is none; SEC_E_INVALID_TOKEN. */
STATUS client_hello_server_name(struct bytes extensions, struct bytes *out);

#endif
