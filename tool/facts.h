/* Facts: what a command has to say, as a json-c object with its members in order.  One model, three renderings: text for
 * people, JSON for programs, HTML for pages (page.h).
 *
 * Member names are lower case with underscores.  A member named "odd" is a list of sentences about what is unusual and
 * is shown as a warning; one named "says" is the summary in one line and is left out of lists, as is a truth whose name
 * ends in "_right", which tells programs what its neighbour tells people.
 */
#ifndef OPENSSPI_TOOL_FACTS_H
#define OPENSSPI_TOOL_FACTS_H

#include <json.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"

struct json_object *facts_new(void);
struct json_object *facts_list(void);

/* Each adds one member to an object.  Text of unknown origin goes through facts_oem or facts_utf16, which make it valid
 * UTF-8 without NUL whatever the bytes are; facts_text wants UTF-8. */
void facts_text(struct json_object *facts, const char *name, const char *text);
void facts_number(struct json_object *facts, const char *name, uint64_t number);
void facts_truth(struct json_object *facts, const char *name, bool truth);
void facts_bytes(struct json_object *facts, const char *name, struct bytes bytes); /* as hexadecimal digits */
void facts_word(struct json_object *facts, const char *name, uint32_t word);       /* as 0x%08x */
void facts_time(struct json_object *facts, const char *name, uint64_t filetime);   /* ISO 8601, UTC; "never" */
void facts_utf16(struct json_object *facts, const char *name, struct bytes utf16);
void facts_oem(struct json_object *facts, const char *name, struct bytes oem); /* bytes over 0x7E as \xNN */
void facts_add(struct json_object *facts, const char *name, struct json_object *value);

/* Appends a sentence to the list `list`. */
void facts_say(struct json_object *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text of a member, or "" when it has none. */
const char *facts_get(struct json_object *facts, const char *name);

/* Owned UTF-8 of UTF-16LE that may be anything: an unpaired surrogate and a NUL become U+FFFD. */
char *facts_utf8(struct bytes utf16);

/* "2026-11-21T09:49:57Z" for a FILETIME, "never" for the largest ones. */
void facts_time_text(uint64_t filetime, char out[32]);

/* True for a member that lists for people leave out. */
bool facts_hidden(const char *name);

/* Prints an object as aligned lines, `indent` columns in. */
void facts_print(FILE *out, struct json_object *facts, int indent);

/* Prints JSON and a line break, and drops the object. */
void facts_print_json(FILE *out, struct json_object *facts);

static inline void facts_drop(struct json_object **facts)
{
    json_object_put(*facts);
}

#define AUTO_FACTS __attribute__((cleanup(facts_drop))) struct json_object *

#endif
