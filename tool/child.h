/* Other programs, for the demo: started without a shell, waited for with a limit. */
#ifndef OPENSSPI_TOOL_CHILD_H
#define OPENSSPI_TOOL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t pid; /* 0: none */
    int out;   /* what it prints */
};

/* Starts `argv` (argv[0] looked up in PATH) with `input` on standard input, its standard output in a pipe and, when
 * `quiet`, no standard error.  `set`, NAME=VALUE, is added to its environment; may be NULL.  False when it cannot be
 * started, with errno set. */
bool child_start(struct child *child, const char *const argv[], const char *input, const char *set, bool quiet);

/* Reads up to a line break, which is dropped, or the end.  False when `milliseconds` pass or nothing comes. */
bool child_read_line(struct child *child, char *line, size_t size, int milliseconds);

/* Reads to the end, up to size - 1 bytes, and waits.  Gives the exit status, or -1 for a signal or a time-out (the child
 * is then killed). */
int child_finish(struct child *child, char *output, size_t size, int milliseconds);

/* Ends a child by SIGTERM, or SIGKILL when that takes too long.  Gives its exit status, or -1. */
int child_stop(struct child *child, int milliseconds);

/* From here on a signal that ends this program ends its children as well. */
void child_end_with_us(void);

#endif
