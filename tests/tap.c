/* cmocka's output as a TAP reader expects it.
 *
 * cmocka 1.1.5 prints a skipped test as "not ok 3 # SKIP name", which a reader takes for a failure, and starts a new
 * plan and a new count with each group of one program.  It prints through print_message(), an exported function, so
 * the one below takes its place: skipped tests are "ok 3 # SKIP name", tests are counted through all groups, and one
 * plan closes the output.  The plan counts what was announced, so a program that leaves early is seen to have done so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned announced;
static unsigned reported;
static pid_t reporter;

static void close_plan(void)
{
    if (getpid() == reporter) {
        printf("1..%u\n", announced);
        fflush(stdout);
    }
}

/* Line by line, so that what was said before a crash or a time-out is there to read, and a forked child that exits does
 * not say it again. */
__attribute__((constructor)) static void start_output(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

__attribute__((visibility("default"))) void print_message(const char *const format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (strcmp(format, "1..%u\n") == 0) {
        if (reporter == 0) {
            reporter = getpid();
            atexit(close_plan);
        }
        announced += va_arg(arguments, unsigned);
    } else if (strncmp(format, "ok %u", 5) == 0 || strncmp(format, "not ok %u", 9) == 0) {
        const char *rest = strstr(format, "%u") + 2;
        bool skipped = strncmp(rest, " # SKIP", 7) == 0;
        (void)va_arg(arguments, unsigned); /* its number in its own group */
        reported++;
        printf("%s %u", *format == 'n' && !skipped ? "not ok" : "ok", reported);
        vprintf(rest, arguments);
    } else {
        vprintf(format, arguments);
    }
    va_end(arguments);
}
