#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "command.h"
#include "facts.h"
#include "logon/accounts.h"
#include "terminal.h"
#include "user.h"

enum option_key {
    OPTION_REPLACE = 256,
    OPTION_EXPIRES,
    OPTION_PASSWORD_EXPIRES,
    OPTION_UNIX_NAME,
    OPTION_MUST_CHANGE,
    OPTION_REALM,
    OPTION_JSON,
};

#define ACCOUNTS_OPTION                                                                                                \
    {                                                                                                                  \
        "accounts", 'a', "DIRECTORY", 0, "the database (default: as sspi.conf(5) says)", 0                             \
    }
#define PASSWORD_OPTION                                                                                                \
    {                                                                                                                  \
        "password-fd", 'p', "N", 0, "read the password from file descriptor N (default: SSPI_PASSWORD, else ask)", 0   \
    }

/* "2027-12-31" at midnight UTC, or "never". */
static bool parse_date(const char *text, uint64_t *out)
{
    struct tm parts = {0};
    if (strcmp(text, "never") == 0) {
        *out = CLOCK_NEVER;
        return true;
    }
    const char *end = strptime(text, "%Y-%m-%d", &parts);
    if (end == NULL || *end != '\0') {
        return false;
    }
    *out = ((uint64_t)timegm(&parts) + UINT64_C(11644473600)) * CLOCK_SECOND;
    return true;
}

static uint64_t date_or_usage(const char *text, struct argp_state *state)
{
    uint64_t date = 0;
    if (!parse_date(text, &date)) {
        argp_error(state, "a date is YYYY-MM-DD or never, not '%s'", text);
    }
    return date;
}

static void take_argument(struct user_options *options, char *argument, struct argp_state *state)
{
    if (options->argument == NULL && options->wants != NULL) {
        options->argument = argument;
    } else if (options->second == NULL && strstr(state->argv[0], "expire") != NULL) {
        options->second = argument;
    } else {
        argp_error(state, "'%s' is one argument too many", argument);
    }
}

/* One parser for all: a subcommand accepts what its option table lists. */
static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct user_options *options = state->input;
    switch (key) {
    case 'a':
        options->accounts = argument;
        return 0;
    case 'p':
        return login_password_option(&options->login, argument, state);
    case OPTION_REPLACE:
        options->replace = true;
        return 0;
    case OPTION_EXPIRES:
        options->expiry = date_or_usage(argument, state);
        return 0;
    case OPTION_PASSWORD_EXPIRES:
        options->password_expiry = date_or_usage(argument, state);
        return 0;
    case OPTION_UNIX_NAME:
        options->unix_name = argument;
        return 0;
    case OPTION_MUST_CHANGE:
        options->must_change = true;
        return 0;
    case OPTION_REALM:
        if (options->realm_count == USER_REALMS_MAX) {
            argp_error(state, "more than %d realms", USER_REALMS_MAX);
        }
        options->realms[options->realm_count++] = argument;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (options->argument == NULL && options->wants != NULL) {
            argp_error(state, "%s is missing", options->wants);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The database; complains. */
static int open_store(const struct user_options *options, bool create, struct account_store **out)
{
    char path[4096];
    if (options->accounts != NULL) {
        setenv("SSPI_ACCOUNTS", options->accounts, 1);
    }
    if (!accounts_lmdb_path(path, sizeof path)) {
        complain("no place for the account database; give --accounts");
        return EXIT_ERROR;
    }
    status_begin();
    SECURITY_STATUS status = account_store_open(path, create, out);
    if (status != SEC_E_OK) {
        complain_status(path, status);
        return EXIT_ERROR;
    }
    return EXIT_DONE;
}

/* The account that the command line names. */
struct name {
    struct utf16 user, domain;
};

static void name_free(struct name *name)
{
    utf16_free(&name->user);
    utf16_free(&name->domain);
}

#define AUTO_NAME __attribute__((cleanup(name_free))) struct name

static int read_name(struct user_options *options, struct name *out)
{
    struct login *login = &options->login;
    login_name(login, options->argument);
    const char *domain = login->domain != NULL ? login->domain : "";
    if (utf16_from_utf8(bytes_of(login->user, strlen(login->user)), &out->user) != SEC_E_OK ||
        utf16_from_utf8(bytes_of(domain, strlen(domain)), &out->domain) != SEC_E_OK) {
        complain("'%s' is not UTF-8", options->argument);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int outcome(const struct user_options *options, SECURITY_STATUS status, bool found)
{
    if (status != SEC_E_OK) {
        complain_status(options->argument, status);
        return status == SEC_E_INVALID_PARAMETER ? EXIT_USAGE : EXIT_ERROR;
    }
    if (!found) {
        complain("there is no account '%s'", options->argument);
        return EXIT_NOT_FOUND;
    }
    return EXIT_DONE;
}

/* ------------------------------------------------------------ add */

static const struct argp_option add_options[] = {
    ACCOUNTS_OPTION,
    PASSWORD_OPTION,
    {"replace", OPTION_REPLACE, NULL, 0, "give an existing account a new password"},
    {"expires", OPTION_EXPIRES, "DATE", 0, "the account ends at the beginning of this day, UTC (YYYY-MM-DD or never)"},
    {"password-expires", OPTION_PASSWORD_EXPIRES, "DATE", 0, "and the password"},
    {"must-change", OPTION_MUST_CHANGE, NULL, 0, "the password must be changed before the next logon"},
    {"unix-name", OPTION_UNIX_NAME, "NAME", 0, "the local account that this one acts as"},
    {"realm", OPTION_REALM, "REALM", 0, "also keep what Digest needs in this realm; may be repeated"},
    {0},
};
static const struct argp add_argp = {add_options, parse_option, "[DOMAIN\\]NAME",
                                     "Add an account. Without a domain it is good for any. The password is kept as its "
                                     "one-way hashes only."};

static SECURITY_STATUS fill_record(struct user_options *options, struct account_record *record)
{
    AUTO_UTF16 password = UTF16_NONE;
    const char *given = options->login.password;
    TRY(utf16_from_utf8(bytes_of(given, strlen(given)), &password));
    TRY(account_record_set_password(record, password, options->realms, options->realm_count));
    record->flags = options->must_change ? ACCOUNT_FLAG_MUST_CHANGE : 0;
    record->expiry = options->expiry != 0 ? options->expiry : record->expiry;
    record->password_expiry = options->password_expiry != 0 ? options->password_expiry : record->password_expiry;
    if (options->unix_name != NULL) {
        REQUIRE(strlen(options->unix_name) <= ACCOUNT_UNIX_NAME_MAX, SEC_E_INVALID_PARAMETER,
                "the Unix name is too long");
        snprintf(record->unix_name, sizeof record->unix_name, "%s", options->unix_name);
    }
    return SEC_E_OK;
}

static int add(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    AUTO_NAME name = {UTF16_NONE, UTF16_NONE};
    bool done = false;
    account_record_init(&record);
    int code = read_name(options, &name);
    code = code == EXIT_DONE ? open_store(options, true, &store) : code;
    if (code != EXIT_DONE || !login_password(&options->login, "Password of the new account", true)) {
        return code != EXIT_DONE ? code : EXIT_USAGE;
    }
    record.user = name.user; /* the record owns them from here */
    record.domain = name.domain;
    name = (struct name){UTF16_NONE, UTF16_NONE};
    SECURITY_STATUS status = fill_record(options, &record);
    if (status == SEC_E_OK) {
        status = account_store_put(store, &record, options->replace, &done);
    }
    if (status == SEC_E_OK && !done) {
        complain("there is an account '%s' already; --replace gives it a new password", options->argument);
        return EXIT_REFUSED;
    }
    return outcome(options, status, true);
}

/* ------------------------------------------------------------ del, disable, enable, lock, unlock, expire */

static const struct argp_option name_options[] = {ACCOUNTS_OPTION, {0}};
static const struct argp del_argp = {name_options, parse_option, "[DOMAIN\\]NAME", "Remove an account."};
static const struct argp disable_argp = {name_options, parse_option, "[DOMAIN\\]NAME",
                                         "Let nobody log on as this account."};
static const struct argp enable_argp = {name_options, parse_option, "[DOMAIN\\]NAME", "Undo disable."};
static const struct argp lock_argp = {name_options, parse_option, "[DOMAIN\\]NAME",
                                      "Lock an account as too many wrong passwords would, until unlock."};
static const struct argp unlock_argp = {name_options, parse_option, "[DOMAIN\\]NAME",
                                        "End a lock-out and forget the failed logons."};
static const struct argp expire_argp = {name_options, parse_option, "[DOMAIN\\]NAME [DATE]",
                                        "End an account at the beginning of a day, UTC (YYYY-MM-DD, or never); at once "
                                        "without a date."};

static int change_flags(struct user_options *options, uint32_t set, uint32_t clear)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_NAME name = {UTF16_NONE, UTF16_NONE};
    bool found = false;
    int code = read_name(options, &name);
    code = code == EXIT_DONE ? open_store(options, false, &store) : code;
    if (code != EXIT_DONE) {
        return code;
    }
    SECURITY_STATUS status = account_store_flags(store, name.user, name.domain, set, clear, &found);
    return outcome(options, status, found);
}

static int del(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_NAME name = {UTF16_NONE, UTF16_NONE};
    bool found = false;
    int code = read_name(options, &name);
    code = code == EXIT_DONE ? open_store(options, false, &store) : code;
    if (code != EXIT_DONE) {
        return code;
    }
    SECURITY_STATUS status = account_store_delete(store, name.user, name.domain, &found);
    return outcome(options, status, found);
}

static int disable(struct user_options *options)
{
    return change_flags(options, ACCOUNT_FLAG_DISABLED, 0);
}

static int enable(struct user_options *options)
{
    return change_flags(options, 0, ACCOUNT_FLAG_DISABLED);
}

static int lock(struct user_options *options)
{
    return change_flags(options, ACCOUNT_FLAG_LOCKED, 0);
}

static int unlock(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_NAME name = {UTF16_NONE, UTF16_NONE};
    bool found = false;
    int code = read_name(options, &name);
    code = code == EXIT_DONE ? open_store(options, false, &store) : code;
    if (code != EXIT_DONE) {
        return code;
    }
    SECURITY_STATUS status = account_store_unlock(store, name.user, name.domain, &found);
    return outcome(options, status, found);
}

static SECURITY_STATUS set_expiry(void *argument, struct account_record *record)
{
    record->expiry = *(uint64_t *)argument;
    return SEC_E_OK;
}

static int expire(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_NAME name = {UTF16_NONE, UTF16_NONE};
    bool found = false;
    uint64_t when = clock_now();
    if (options->second != NULL && !parse_date(options->second, &when)) {
        complain("a date is YYYY-MM-DD or never, not '%s'", options->second);
        return EXIT_USAGE;
    }
    int code = read_name(options, &name);
    code = code == EXIT_DONE ? open_store(options, false, &store) : code;
    if (code != EXIT_DONE) {
        return code;
    }
    SECURITY_STATUS status = account_store_change(store, name.user, name.domain, set_expiry, &when, &found);
    return outcome(options, status, found);
}

/* ------------------------------------------------------------ list, verify, import */

static const struct argp_option list_options[] = {ACCOUNTS_OPTION, {"json", OPTION_JSON, NULL, 0, "print JSON"}, {0}};
static const struct argp list_argp = {list_options, parse_option, NULL, "List the accounts; never a hash."};
static const struct argp_option verify_options[] = {
    ACCOUNTS_OPTION, PASSWORD_OPTION, {"json", OPTION_JSON, NULL, 0, "print JSON"}, {0}};
static const struct argp verify_argp = {
    verify_options, parse_option, "[DOMAIN\\]NAME",
    "Log on with a password, by a complete NTLM exchange inside this process. A wrong "
    "one counts towards the lock-out. Exit status: 0 let in, 3 refused."};
static const struct argp_option import_options[] = {
    ACCOUNTS_OPTION,
    {"replace", OPTION_REPLACE, NULL, 0, "accounts that are there already get what the file says"},
    {"realm", OPTION_REALM, "REALM", 0, "also keep what Digest needs in this realm; may be repeated"},
    {"json", OPTION_JSON, NULL, 0, "print JSON"},
    {0},
};
static const struct argp import_argp = {import_options, parse_option, "FILE",
                                        "Take over the accounts of a file: smbpasswd of Samba, NTLM_USER_FILE of "
                                        "gss-ntlmssp (DOMAIN:USER:PASSWORD), SAM of WinPR; all of it, or nothing."};

static int list(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    int code = open_store(options, false, &store);
    return code == EXIT_DONE ? user_list(store, options) : code;
}

static int verify(struct user_options *options)
{
    if (options->accounts != NULL) {
        setenv("SSPI_ACCOUNTS", options->accounts, 1);
    }
    login_name(&options->login, options->argument);
    return login_password(&options->login, "Password", false) ? user_verify(options) : EXIT_USAGE;
}

static int import(struct user_options *options)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    struct account_import done = {0};
    int code = open_store(options, true, &store);
    if (code != EXIT_DONE) {
        return code;
    }
    SECURITY_STATUS status =
        account_store_import(store, options->argument, options->replace, options->realms, options->realm_count, &done);
    if (status != SEC_E_OK) {
        return outcome(options, status, true);
    }
    struct json_object *facts = facts_new();
    facts_number(facts, "added", done.added);
    facts_number(facts, "replaced", done.replaced);
    facts_number(facts, "kept", done.kept);
    facts_number(facts, "skipped", done.skipped);
    if (done.first_bad_line != 0) {
        facts_number(facts, "first_bad_line", done.first_bad_line);
    }
    if (options->json) {
        facts_print_json(stdout, facts);
    } else {
        facts_print(stdout, facts, 0);
        json_object_put(facts);
    }
    return EXIT_DONE;
}

/* ------------------------------------------------------------ the subcommands */

static int with(const struct argp *argp, int (*act)(struct user_options *options), int argc, char **argv)
{
    struct user_options options = {.login = LOGIN_NONE, .wants = argp->args_doc};
    argp_parse(argp, argc, argv, 0, NULL, &options);
    int code = act(&options);
    login_free(&options.login);
    return code;
}

#define SUBCOMMAND(name)                                                                                               \
    static int run_##name(int argc, char **argv)                                                                       \
    {                                                                                                                  \
        return with(&name##_argp, name, argc, argv);                                                                   \
    }

SUBCOMMAND(add)
SUBCOMMAND(list)
SUBCOMMAND(del)
SUBCOMMAND(verify)
SUBCOMMAND(import)
SUBCOMMAND(disable)
SUBCOMMAND(enable)
SUBCOMMAND(lock)
SUBCOMMAND(unlock)
SUBCOMMAND(expire)

static const struct command commands[] = {
    {"add", run_add, "add an account, or give it a new password"},
    {"list", run_list, "list the accounts"},
    {"del", run_del, "remove an account"},
    {"verify", run_verify, "log on with a password, to see whether it would work"},
    {"import", run_import, "take over smbpasswd, NTLM_USER_FILE or SAM files"},
    {"disable", run_disable, "let nobody log on as an account"},
    {"enable", run_enable, "undo disable"},
    {"lock", run_lock, "lock an account"},
    {"unlock", run_unlock, "end a lock-out"},
    {"expire", run_expire, "end an account on a day"},
    {NULL},
};

int command_user(int argc, char **argv)
{
    return command_dispatch(commands, "sspi user", "The account database.", argc, argv);
}
