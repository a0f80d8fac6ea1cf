/* Published vectors as the tests read them.
 *
 * A file is flat text: `#` comments, records of `[id]` followed by `name:T=value` lines, where T is x (hexadecimal bytes),
 * s (text to the end of the line) or n (decimal).  Records whose bytes come from a specification lie beside this file.
 * Captures that others published are not ours to copy: they are read from the directory that SSPI_VECTORS names, or from
 * a `vectors` folder in a neighbour of the source tree, and a test that needs them says so when they are absent.
 */
#ifndef OPENSSPI_TESTS_KV_H
#define OPENSSPI_TESTS_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "text/utf16.h"

struct kv_record;

/* What a test does with one record. */
typedef void kv_check(const struct kv_record *record);

/* Which copy of a file. */
enum kv_source { KV_TREE, KV_PUBLISHED };

/* Runs `check` over every record of `type` in `file` ("ntlm_kat.kv") and returns how many there were.  Skips the running
 * test, with a line saying why, when KV_PUBLISHED is not there.  A file that cannot be read fails the test. */
size_t kv_each(enum kv_source source, const char *file, const char *type, kv_check *check);

const char *kv_id(const struct kv_record *record);

/* A value by name, which may be a format: kv_hex(r, "op%d_plain", i).  A missing one fails the test. */
bool kv_has(const struct kv_record *record, const char *name, ...) __attribute__((format(printf, 2, 3)));
struct bytes kv_hex(const struct kv_record *record, const char *name, ...) __attribute__((format(printf, 2, 3)));
const char *kv_text(const struct kv_record *record, const char *name, ...) __attribute__((format(printf, 2, 3)));
long kv_number(const struct kv_record *record, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* A 32-bit value that is written as hexadecimal text. */
uint32_t kv_word(const struct kv_record *record, const char *name);

/* Text as UTF-16LE; lives as long as the record. */
struct utf16 kv_utf16(const struct kv_record *record, const char *name);

/* Fails the test, naming record and value, unless the bytes are those of the record. */
void kv_expect(const struct kv_record *record, const char *name, struct bytes actual);

/* The same against bytes that are at hand; `what` names them. */
void kv_expect_bytes(const struct kv_record *record, const char *what, struct bytes expected, struct bytes actual);

/* Fails the test, naming the record, unless `condition` holds. */
#define kv_require(record, condition) kv_require_at((record), (condition), #condition, __FILE__, __LINE__)
void kv_require_at(const struct kv_record *record, bool condition, const char *text, const char *file, int line);

#endif
