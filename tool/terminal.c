#include "terminal.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "base/status.h"
#include "command.h"

#include "sspi_ext.h"

const char *paint(FILE *out, enum paint style)
{
    static const char *const escapes[] = {
        [PAINT_NONE] = "\033[0m",   [PAINT_BOLD] = "\033[1m", [PAINT_DIM] = "\033[2m",     [PAINT_GOOD] = "\033[32m",
        [PAINT_BAD] = "\033[1;31m", [PAINT_ODD] = "\033[33m", [PAINT_CLIENT] = "\033[36m", [PAINT_SERVER] = "\033[35m",
    };
    const char *term = getenv("TERM");
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd) || getenv("NO_COLOR") != NULL || term == NULL || strcmp(term, "dumb") == 0) {
        return "";
    }
    return escapes[style];
}

bool terminal_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Takes one character off `text`: its wide form, or L'?' for a byte that is none or a character that is not printable. */
static wchar_t next_safe(const char **text, mbstate_t *state)
{
    wchar_t wide = L'\0';
    size_t used = mbrtowc(&wide, *text, strlen(*text), state);
    if (used == (size_t)-1 || used == (size_t)-2 || used == 0) {
        memset(state, 0, sizeof *state);
        *text += 1;
        return L'?';
    }
    *text += used;
    return iswprint((wint_t)wide) && wcwidth(wide) > 0 ? wide : L'?';
}

void print_safe(FILE *out, const char *text)
{
    mbstate_t state = {0};
    while (*text != '\0') {
        const char *from = text;
        wchar_t wide = next_safe(&text, &state);
        if (wide == L'?') {
            fputc('?', out);
        } else {
            fwrite(from, 1, (size_t)(text - from), out);
        }
    }
}

size_t print_safe_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0;
    while (*text != '\0') {
        width += (size_t)wcwidth(next_safe(&text, &state));
    }
    return width;
}

void complain(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "%ssspi:%s ", paint(stderr, PAINT_BAD), paint(stderr, PAINT_NONE));
    print_safe(stderr, line);
    fputc('\n', stderr);
}

const char *last_reason(void)
{
    const char *reason = SspiExtLastReason(NULL);
    return reason != NULL ? reason : status_reason(NULL, NULL, NULL);
}

const char *status_text(SECURITY_STATUS status, char buffer[11])
{
    const char *name = SspiExtStatusName(status);
    if (name == NULL) {
        snprintf(buffer, 11, "0x%08X", (unsigned)status);
        name = buffer;
    }
    return name;
}

void complain_status(const char *what, SECURITY_STATUS status)
{
    complain_reason(what, status, last_reason());
}

void complain_reason(const char *what, SECURITY_STATUS status, const char *reason)
{
    char number[11];
    complain("%s: %s (0x%08X)%s%s", what, status_text(status, number), (unsigned)status, reason != NULL ? ": " : "",
             reason != NULL ? reason : "");
}

int terminal_finish(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output: %m");
        return code == EXIT_DONE ? EXIT_ERROR : code;
    }
    return code;
}

void *need(void *memory)
{
    if (memory == NULL) {
        static const char words[] = "sspi: out of memory\n";
        ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
        (void)written; /* there is nobody left to tell */
        _exit(EXIT_ERROR);
    }
    return memory;
}
