#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/secret.h"
#include "terminal.h"

#define PASSWORD_MAX 1024 /* bytes of UTF-8; Windows stops at 256 characters */

static const struct argp_option options[] = {
    {"user", 'u', "DOMAIN\\NAME", 0, "act as this user (default: the logon session, see sspi logon)", 1},
    {"password-fd", 'p', "N", 0,
     "read the password from file descriptor N, up to the first line break (default: SSPI_PASSWORD, else ask)", 1},
    {0},
};

error_t login_password_option(struct login *login, const char *argument, const struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    long fd = strtol(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || fd < 0 || fd > 1 << 20) {
        argp_error(state, "--password-fd wants the number of a file descriptor");
    }
    login->password_fd = (int)fd;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct login *login = state->input;
    switch (key) {
    case 'u':
        if (argument[0] == '\0') {
            argp_error(state, "--user wants a name");
        }
        login_name(login, argument);
        return 0;
    case 'p':
        return login_password_option(login, argument, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp login_argp = {.options = options, .parser = parse_option};

void login_name(struct login *login, const char *name)
{
    const char *backslash = strchr(name, '\\');
    free(login->user);
    free(login->domain);
    login->domain = backslash != NULL ? need(strndup(name, (size_t)(backslash - name))) : NULL;
    login->user = need(strdup(backslash != NULL ? backslash + 1 : name));
}

/* Reads up to the first line break or the end. */
static char *read_line(int fd)
{
    char *line = need(calloc(1, PASSWORD_MAX + 1));
    size_t size = 0;
    while (size <= PASSWORD_MAX) {
        char byte = '\0';
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 && size == 0 && got != 0) {
            complain("the password cannot be read: %m");
            free(line);
            return NULL;
        }
        if (got <= 0 || byte == '\n' || byte == '\r' || byte == '\0') {
            return line;
        }
        if (size == PASSWORD_MAX) {
            break;
        }
        line[size++] = byte;
    }
    secret_wipe(line, PASSWORD_MAX);
    free(line);
    complain("the password is longer than %d bytes", PASSWORD_MAX);
    return NULL;
}

/* One question at the terminal, not at standard input: a pipeline can still be asked.  Signals from the keyboard wait
 * with the echo (ISIG off), so that Ctrl-C cannot leave a terminal that no longer shows what is typed. */
static char *ask(const char *prompt)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        complain("no password: there is no terminal to ask at; use --password-fd or SSPI_PASSWORD");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    tcsetattr(fd, TCSAFLUSH, &quiet);
    dprintf(fd, "%s: ", prompt);
    char *line = read_line(fd);
    tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    close(fd);
    if (line != NULL && strchr(line, '\003') != NULL) { /* Ctrl-C, which ISIG would have made a signal */
        secret_wipe(line, PASSWORD_MAX);
        AUTO_FREE char *gone = line;
        (void)gone;
        return NULL;
    }
    return line;
}

static char *ask_twice(const char *prompt)
{
    char *first = ask(prompt);
    char *second = first != NULL ? ask("The same again") : NULL;
    bool same = second != NULL && strcmp(first, second) == 0;
    if (second != NULL && !same) {
        complain("the two passwords differ");
    }
    if (second != NULL) {
        secret_wipe(second, PASSWORD_MAX);
        free(second);
    }
    if (!same && first != NULL) {
        secret_wipe(first, PASSWORD_MAX);
        free(first);
        first = NULL;
    }
    return first;
}

bool login_has_password(const struct login *login)
{
    return login->password != NULL || login->password_fd >= 0 || getenv("SSPI_PASSWORD") != NULL;
}

bool login_password(struct login *login, const char *prompt, bool twice)
{
    if (login->password != NULL) {
        return true;
    }
    char *environment = getenv("SSPI_PASSWORD");
    if (login->password_fd >= 0) {
        login->password = read_line(login->password_fd);
    } else if (environment != NULL) {
        login->password = need(strdup(environment));
        secret_wipe(environment, strlen(environment));
        unsetenv("SSPI_PASSWORD");
    } else {
        login->password = twice ? ask_twice(prompt) : ask(prompt);
    }
    return login->password != NULL;
}

SEC_WINNT_AUTH_IDENTITY_A login_identity(const struct login *login)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI}; /* UTF-8 here */
    if (login->user != NULL) {
        identity.User = (unsigned char *)login->user;
        identity.UserLength = (ULONG)strlen(login->user);
    }
    if (login->domain != NULL) {
        identity.Domain = (unsigned char *)login->domain;
        identity.DomainLength = (ULONG)strlen(login->domain);
    }
    if (login->password != NULL) {
        identity.Password = (unsigned char *)login->password;
        identity.PasswordLength = (ULONG)strlen(login->password);
    }
    return identity;
}

void login_free(struct login *login)
{
    if (login->password != NULL) {
        secret_wipe(login->password, strlen(login->password));
    }
    free(login->password);
    free(login->domain);
    free(login->user);
    *login = LOGIN_NONE;
}
