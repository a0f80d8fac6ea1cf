/* HTML: pages that need nothing but themselves (no script, no picture, no font from elsewhere).  Every text goes through
 * page_text(), which escapes it. */
#ifndef OPENSSPI_TOOL_PAGE_H
#define OPENSSPI_TOOL_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "exchange.h"
#include "facts.h"

void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

/* Escaped text. */
void page_text(FILE *out, const char *text);

/* An object as a definition list. */
void page_facts(FILE *out, struct json_object *facts);

/* The ladder: an arrow a leg, which opens to show every field.  `reveal` as in exchange_facts(). */
void page_exchange(FILE *out, const struct exchange *exchange, bool reveal);

#endif
