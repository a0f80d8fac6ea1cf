/* An exchange: the tokens that went to and fro, in order, with what each side's function said about them.  Drawn as a
 * ladder on a terminal, as JSON, or as a page (page.h).
 */
#ifndef OPENSSPI_TOOL_EXCHANGE_H
#define OPENSSPI_TOOL_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "facts.h"
#include "sspi.h"

#define EXCHANGE_LEGS 64 /* more than any package needs, and the log of a dozen connections */

struct leg {
    bool from_client;
    bool has_status;
    SECURITY_STATUS status; /* of the call that made the token, or that took it when `note` says so */
    uint64_t nanoseconds;   /* 0: not measured */
    struct bytes token;     /* owned; may be empty */
    char *note;             /* owned; a line of HTTP, or what happened without a token; may be NULL */
};

struct exchange {
    struct leg legs[EXCHANGE_LEGS];
    size_t count;
    bool more; /* there were legs that found no place */
};

/* Appends a copy of a token; empty bytes for a leg without one.  Returns the leg for `status`, `nanoseconds` and
 * exchange_note, or NULL when the ladder is full. */
struct leg *exchange_add(struct exchange *exchange, bool from_client, struct bytes token);

void leg_status(struct leg *leg, SECURITY_STATUS status, uint64_t nanoseconds);
void leg_note(struct leg *leg, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The ladder as text. */
void exchange_print(FILE *out, const struct exchange *exchange);

/* The ladder as a list of objects.  `reveal`: with the tokens themselves and every field; otherwise without what an
 * eavesdropper could try passwords on. */
struct json_object *exchange_facts(const struct exchange *exchange, bool reveal);

void exchange_clear(struct exchange *exchange);

#define AUTO_EXCHANGE __attribute__((cleanup(exchange_clear))) struct exchange

#endif
