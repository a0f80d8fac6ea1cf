/* The parts of explaining Kerberos' tokens: explain_kerberos.c shows what everybody sees, decrypt_kerberos.c what a server's keys
 * open. */
#ifndef OPENSSPI_TOOL_EXPLAIN_KERBEROS_H
#define OPENSSPI_TOOL_EXPLAIN_KERBEROS_H

#include "exchange.h"
#include "facts.h"

/* "aes256-cts-hmac-sha1-96", or the number. */
void kerberos_enctype_text(int64_t enctype, char out[64]);

/* Names as people write them: "HTTP/server.example" of a PrincipalName. */
void kerberos_add_name(struct json_object *facts, const char *name, struct bytes principal, struct bytes realm);

/* "20261121140229Z" as everything else here writes times. */
void kerberos_add_time(struct json_object *facts, const char *name, struct bytes element);

/* The names of a checksum's flags (RFC 4121 4.1.1.1), as a list. */
void kerberos_add_flags(struct json_object *facts, const char *name, uint32_t flags);

/* What the keys of the default keytab open of an exchange: the ticket, the authenticator, the AP-REP.  NULL: no AP-REQ in it.  Never
 * shows a key. */
struct json_object *explain_kerberos_decrypt(const struct exchange *exchange);

#endif
