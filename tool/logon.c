#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "login.h"
#include "logon/default_credentials.h"
#include "terminal.h"

#define LIFETIME_DEFAULT 36000u /* ten hours, as a Kerberos ticket */

struct options {
    const char *name;
    uint32_t lifetime;
    struct login login;
};

static const struct argp_option option_table[] = {
    {"password-fd", 'p', "N", 0, "read the password from file descriptor N (default: SSPI_PASSWORD, else ask)"},
    {"lifetime", 't', "SECONDS", 0, "forget it after so long (default 36000, ten hours)"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    char *end = NULL;
    switch (key) {
    case 'p':
        return login_password_option(&options->login, argument, state);
    case 't':
        options->lifetime = (uint32_t)strtoul(argument, &end, 10);
        if (end == argument || *end != '\0' || options->lifetime == 0) {
            argp_error(state, "--lifetime wants seconds");
        }
        return 0;
    case ARGP_KEY_ARG:
        if (options->name != NULL) {
            argp_error(state, "one name at a time");
        }
        options->name = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->name == NULL) {
            argp_error(state, "as whom?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    option_table, parse_option, "[DOMAIN\\]NAME",
    "Give this logon session a default identity: programs that acquire credentials without naming anybody act as this "
    "user. Name and password go to the kernel's keyring, never to a disk; the password is not checked here, for only a "
    "server can."};

static SECURITY_STATUS store(const struct options *options)
{
    AUTO_IDENTITY identity = {.flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    AUTO_UTF16 password = UTF16_NONE;
    const struct login *login = &options->login;
    const char *domain = login->domain != NULL ? login->domain : "";
    status_begin();
    TRY(utf16_from_utf8(bytes_of(login->user, strlen(login->user)), &identity.user));
    TRY(utf16_from_utf8(bytes_of(domain, strlen(domain)), &identity.domain));
    TRY(utf16_from_utf8(bytes_of(login->password, strlen(login->password)), &password));
    TRY(secret_copy(&identity.password, utf16_bytes(password)));
    identity.has_user = true;
    identity.has_domain = login->domain != NULL;
    identity.has_password = true;
    return logon_session_store(&identity, options->lifetime);
}

int command_logon(int argc, char **argv)
{
    struct options options = {.lifetime = LIFETIME_DEFAULT, .login = LOGIN_NONE};
    int code = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    login_name(&options.login, options.name);
    if (login_password(&options.login, "Password", false)) {
        SECURITY_STATUS status = store(&options);
        code = status == SEC_E_OK ? EXIT_DONE : EXIT_ERROR;
        if (status != SEC_E_OK) {
            complain_status("the logon session cannot be kept", status);
        }
    }
    login_free(&options.login);
    return code;
}
