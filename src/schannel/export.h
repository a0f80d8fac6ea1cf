/* Connections that move between processes (export.c has the form). */
#ifndef OPENSSPI_SCHANNEL_EXPORT_H
#define OPENSSPI_SCHANNEL_EXPORT_H

#include "schannel/context.h"

/* What is known of the handshake of a connection that came from elsewhere. */
struct schannel_moved {
    uint16_t group;                           /* its number at IANA; 0: none */
    struct secret protocol, endpoint, unique; /* ALPN's choice; bindings as their attributes have them; empty: none */
};

/* SEC_E_OUT_OF_SEQUENCE while hands are shaken; SEC_E_UNSUPPORTED_FUNCTION for DTLS, suites that are no AEADs, and
 * SECPKG_CONTEXT_EXPORT_RESET_NEW; SEC_E_CONTEXT_EXPIRED for a connection that has failed. */
SECURITY_STATUS schannel_export(struct context *context, uint32_t flags, struct writer *out);

/* The blob is the caller's: this end seals and opens nothing any more, alerts neither.  Its SSL stays, for attributes. */
void schannel_exported(struct context *context);

SECURITY_STATUS schannel_import(struct bytes blob, struct context **out_context);

void schannel_moved_free(struct schannel_moved *moved); /* NULL is fine */

#endif
