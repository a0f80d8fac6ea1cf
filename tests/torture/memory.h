/* The library's memory, watched: allocations fail on demand, what is live is counted, what is freed is searched.
 *
 * The program is linked with --wrap for each of the functions below, so that every allocation of the library's archive
 * passes through here, and none of the C library's or of cmocka's.
 */
#ifndef OPENSSPI_TESTS_MEMORY_H
#define OPENSSPI_TESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The `n`-th allocation from here fails, and only that one; 0: none does. */
void memory_fail_at(unsigned long n);

/* Whether it has come to that. */
bool memory_has_failed(void);

/* Blocks that were allocated and not yet freed. */
size_t memory_live(void);

/* From here on every block that is freed is searched for these bytes, which are copied.  `name` is kept. */
void memory_watch(const char *name, const void *bytes, size_t size);
void memory_watch_nothing(void);

/* How often a watched pattern was found, and the name of the first; counts from memory_watch_nothing(). */
size_t memory_found(const char **name);

#endif
