/* The command `sspi`: one file a subcommand, all of them named in the table of main.c.
 *
 * The tool is the library's first user: whatever is SSPI it does through the public interface of libsspi.so.  What the
 * interface does not offer on any system (reading a token field by field, editing the account database, the logon
 * session) it takes from the library's internals, see meson.build.
 */
#ifndef OPENSSPI_TOOL_COMMAND_H
#define OPENSSPI_TOOL_COMMAND_H

/* What a script can rely on; sspi(1), EXIT STATUS. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_ERROR = 1,        /* something on this side failed: memory, a file, the library, a check of the demo */
    EXIT_USAGE = 2,        /* the command line cannot be carried out as it stands */
    EXIT_REFUSED = 3,      /* the peer or the account database said no */
    EXIT_NETWORK = 4,      /* the peer could not be reached, hung up, or does not speak HTTP */
    EXIT_NOT_IN_BUILD = 5, /* asked for a package or a protocol that this build does not have */
    EXIT_HTTP = 6,         /* let in, but the answer is an HTTP error */
    EXIT_NOT_FOUND = 7,    /* no such account; nobody is logged on; no token in the input */
    EXIT_UNTRUSTED = 8,    /* the certificate of the peer does not prove whom we meant */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is "sspi NAME", for help and error texts; gives an exit_code */
    const char *summary;
};

int command_packages(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_get(int argc, char **argv);
int command_connect(int argc, char **argv);
int command_decode(int argc, char **argv);
int command_user(int argc, char **argv);
int command_logon(int argc, char **argv);
int command_logoff(int argc, char **argv);
int command_whoami(int argc, char **argv);

/* Finds argv[1] in a table that ends with an empty name and runs it; prints the table for --help.  Used for the command
 * itself and for subcommands that have subcommands. */
int command_dispatch(const struct command *table, const char *program, const char *about, int argc, char **argv);

#endif
