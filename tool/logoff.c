#include <argp.h>

#include "command.h"
#include "logon/default_credentials.h"
#include "terminal.h"

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key == ARGP_KEY_ARG) {
        argp_error(state, "logoff takes no arguments");
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
    NULL, parse_option, NULL,
    "Forget the identity that logon gave this session.\vExit status: 0 forgotten, 7 nobody was "
    "logged on."};

int command_logoff(int argc, char **argv)
{
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    status_begin();
    SECURITY_STATUS status = logon_session_clear();
    if (status == SEC_E_NO_CREDENTIALS) {
        complain("nobody is logged on");
        return EXIT_NOT_FOUND;
    }
    if (status != SEC_E_OK) {
        complain_status("the logon session cannot be ended", status);
        return EXIT_ERROR;
    }
    return EXIT_DONE;
}
