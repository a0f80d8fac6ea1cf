#include <argp.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "terminal.h"

#include "sspi.h"
#include "sspi_ext.h"

static const struct command commands[] = {
    {"packages", command_packages, "what EnumerateSecurityPackages says"},
    {"demo", command_demo, "a complete tour on a throw-away account database"},
    {"serve", command_serve, "an HTTP server that tells its clients who they are"},
    {"get", command_get, "fetch a page as the logged-on or the given user"},
    {"connect", command_connect, "a TLS client: what was agreed on, what the certificate is worth, then a pipe"},
    {"decode", command_decode, "explain authentication tokens"},
    {"user", command_user, "the account database: add, list, del, verify, import and more"},
    {"logon", command_logon, "give this logon session a default identity"},
    {"logoff", command_logoff, "forget it"},
    {"whoami", command_whoami, "who AcquireCredentialsHandle takes you for"},
    {NULL},
};

static void print_table(FILE *out, const struct command *table, const char *program, const char *about)
{
    fprintf(out, "Usage: %s COMMAND [OPTION...]\n%s\n\n", program, about);
    for (const struct command *command = table; command->name != NULL; command++) {
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    }
    fprintf(out, "\n'%s COMMAND --help' explains a command; the manual page is sspi(1).\n", program);
}

int command_dispatch(const struct command *table, const char *program, const char *about, int argc, char **argv)
{
    if (argc < 2) {
        print_table(stderr, table, program, about);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
        print_table(stdout, table, program, about);
        return EXIT_DONE;
    }
    for (const struct command *command = table; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            char name[64];
            snprintf(name, sizeof name, "%s %s", program, command->name);
            argv[1] = name;
            return command->run(argc - 1, argv + 1);
        }
    }
    complain("'%s' is no command of %s; '%s --help' lists them", argv[1], program, program);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: JSON wants a point */
    argp_err_exit_status = EXIT_USAGE;
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        printf("sspi (OpenSSPI) %s\n", SspiExtVersion());
        return terminal_finish(EXIT_DONE);
    }
    return terminal_finish(
        command_dispatch(commands, "sspi", "Windows' Security Support Provider Interface on Linux.", argc, argv));
}
