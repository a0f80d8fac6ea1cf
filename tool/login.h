/* Whose name a command acts in: --user DOMAIN\name, and a password that never stands on a command line. */
#ifndef OPENSSPI_TOOL_LOGIN_H
#define OPENSSPI_TOOL_LOGIN_H

#include <argp.h>
#include <stdbool.h>

#include "sspi.h"

struct login {
    char *user;   /* UTF-8; NULL when none was given */
    char *domain; /* UTF-8; NULL when the name has none */
    char *password;
    int password_fd; /* -1: none */
};

#define LOGIN_NONE ((struct login){.password_fd = -1})

/* Options --user and --password-fd for a command's struct argp children; its parser hands on a struct login with
 * `state->child_inputs[0] = &login`. */
extern const struct argp login_argp;

/* The value of --password-fd, for commands whose options are not login_argp's. */
error_t login_password_option(struct login *login, const char *argument, const struct argp_state *state);

/* Takes "DOMAIN\name" apart; "name@domain" stays a name, as Windows has it. */
void login_name(struct login *login, const char *name);

/* Gets the password unless there is one: from --password-fd, else from SSPI_PASSWORD (which is wiped from the
 * environment, so that no child inherits it), else from the terminal without echo.  `twice` asks a second time at the
 * terminal, for passwords about to be stored.  Complains and returns false when there is none to be had. */
bool login_password(struct login *login, const char *prompt, bool twice);

/* A password was announced by --password-fd or SSPI_PASSWORD: asking for it disturbs nobody. */
bool login_has_password(const struct login *login);

/* The login as the SDK's structure; borrows from it. */
SEC_WINNT_AUTH_IDENTITY_A login_identity(const struct login *login);

void login_free(struct login *login);

#define AUTO_LOGIN __attribute__((cleanup(login_free))) struct login

#endif
