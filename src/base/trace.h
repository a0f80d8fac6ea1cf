/* SSPI_TRACE: what the library did, for somebody whose logon fails at midnight.
 *
 * SSPI_TRACE=stderr, or =FILE (appended, created 0600).  One line per event: time, thread, event.  Off, it costs one
 * load.  Traces carry names, sizes, flags, statuses and reasons; never a secret, a hash, a response or message content.
 */
#ifndef OPENSSPI_BASE_TRACE_H
#define OPENSSPI_BASE_TRACE_H

#include <stdbool.h>

extern bool trace_on;

void trace_line(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#define TRACE(...)                                                                                                     \
    do {                                                                                                               \
        if (__builtin_expect(trace_on, 0)) {                                                                           \
            trace_line(__VA_ARGS__);                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
