#include "base/trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

bool trace_on;
static int trace_fd = -1;

/* Read once when the library is loaded.  secure_getenv: a set-uid program does not write where its caller points. */
__attribute__((constructor)) static void trace_open(void)
{
    const char *where = secure_getenv("SSPI_TRACE");
    if (where == NULL || where[0] == '\0' || strcmp(where, "0") == 0) {
        return;
    }
    if (strcmp(where, "stderr") == 0 || strcmp(where, "1") == 0) {
        trace_fd = STDERR_FILENO;
    } else {
        trace_fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    trace_on = trace_fd >= 0;
}

/* One write(2) a line, so that lines of several threads and processes never mix. */
void trace_line(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &parts);
    int more =
        snprintf(line + used, sizeof line - used, ".%06ldZ sspi[%ld] ", now.tv_nsec / 1000, (long)syscall(SYS_gettid));
    used += (size_t)more;

    va_list arguments;
    va_start(arguments, format);
    more = vsnprintf(line + used, sizeof line - used, format, arguments);
    va_end(arguments);
    if (more < 0) {
        return;
    }
    used += (size_t)more;
    if (used > sizeof line - 1) {
        used = sizeof line - 1;
    }
    for (size_t i = 0; i < used; i++) { /* names come from peers: no line breaks, no terminal control */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[used++] = '\n';
    ssize_t written = write(trace_fd, line, used);
    (void)written; /* a trace that cannot be written must not fail the call it describes */
}
