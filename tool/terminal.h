/* What the tool prints: complaints, colour where a terminal shows it, and text of strangers made harmless. */
#ifndef OPENSSPI_TOOL_TERMINAL_H
#define OPENSSPI_TOOL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sspi.h"

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_GOOD, PAINT_BAD, PAINT_ODD, PAINT_CLIENT, PAINT_SERVER };

/* The escape sequence that begins a style, or "" when `out` is no terminal, TERM is dumb or NO_COLOR is set. */
const char *paint(FILE *out, enum paint style);

/* True when `out` takes UTF-8: box drawing then replaces ASCII art. */
bool terminal_utf8(void);

/* Prints text that came from a peer or a file: what this locale does not call printable becomes '?', so that no token
 * can move the cursor or retitle the window. */
void print_safe(FILE *out, const char *text);

/* Columns that print_safe() fills. */
size_t print_safe_width(const char *text);

/* "sspi: ..." on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "sspi: WHAT: SEC_E_LOGON_DENIED (0x8009030C): the library's reason".  Call it before any other SSPI function. */
void complain_status(const char *what, SECURITY_STATUS status);

/* The same with a reason that was kept (party.h); NULL for none. */
void complain_reason(const char *what, SECURITY_STATUS status, const char *reason);

/* The reason of the last failure on this thread, the shared library's or that of the internals linked here; NULL when
 * there is none. */
const char *last_reason(void);

/* "SEC_E_OK", or the number in hexadecimal.  `buffer` has room for 11 characters and is only used for the latter. */
const char *status_text(SECURITY_STATUS status, char buffer[11]);

/* Flushes standard output: a full disk turns success into EXIT_ERROR.  Returns the exit code. */
int terminal_finish(int code);

/* Memory for the tool: never NULL.  A command-line tool that runs out of memory says so and ends. */
void *need(void *memory);

#endif
