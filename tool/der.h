/* DER as Kerberos writes it (RFC 4120 5), element by element; for showing what is there, so what is broken is simply not there. */
#ifndef OPENSSPI_TOOL_DER_H
#define OPENSSPI_TOOL_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define DER_APPLICATION(n) (0x60 | (n))
#define DER_CONTEXT(n)     (0xa0 | (n))
#define DER_INTEGER        0x02
#define DER_OCTETS         0x04
#define DER_SEQUENCE       0x30

/* The contents of the first element in `bytes`, when it has that tag and is whole; otherwise empty. */
struct bytes der_open(struct bytes bytes, uint8_t tag);

/* Takes the first element off; false when there is none that is whole. */
bool der_next(struct bytes *bytes, uint8_t *tag, struct bytes *contents);

/* The element [n] of a sequence's contents, without its tag; empty when there is none. */
struct bytes der_field(struct bytes sequence, uint8_t n);

/* An INTEGER, also of a few octets' BIT STRING as ENUMERATED flags; 0 when it is none. */
int64_t der_integer(struct bytes element);
uint32_t der_flags(struct bytes element);

/* The contents of a string, whatever its kind. */
struct bytes der_text(struct bytes element);

#endif
