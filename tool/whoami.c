#include <argp.h>
#include <stdlib.h>

#include "base/auto.h"
#include "command.h"
#include "facts.h"
#include "logon/default_credentials.h"
#include "terminal.h"

#include "security.h"

struct options {
    bool json;
};

static const struct argp_option option_table[] = {{"json", 'j', NULL, 0, "print JSON"}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    (void)argument;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "whoami takes no arguments");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    option_table, parse_option, NULL,
    "Who this process is (GetUserNameEx), who is logged on in this session (sspi logon), and whom a credential "
    "acquired "
    "without a name stands for, package by package.\vExit status: 0, or 7 when there are no default credentials."};

/* One of the forms that a name has; forms that do not exist here are left out. */
static void add_name(struct json_object *facts, const char *name, EXTENDED_NAME_FORMAT format)
{
    char text[1024];
    ULONG size = sizeof text;
    if (GetUserNameExA(format, text, &size)) {
        facts_text(facts, name, text);
    }
}

static void add_session(struct json_object *facts)
{
    AUTO_IDENTITY identity = {.flags = 0};
    if (logon_session_load(&identity) != SEC_E_OK) {
        facts_text(facts, "logon_session", "nobody is logged on");
        return;
    }
    AUTO_FREE char *user = facts_utf8(utf16_bytes(identity.user));
    AUTO_FREE char *domain = facts_utf8(utf16_bytes(identity.domain));
    AUTO_FREE char *both = NULL;
    if (asprintf(&both, "%s%s%s", domain, domain[0] != '\0' ? "\\" : "", user) < 0) {
        both = need(NULL);
    }
    facts_text(facts, "logon_session", both);
}

/* Whom AcquireCredentialsHandle takes this process for.  True when there is somebody. */
static bool add_default(struct json_object *facts, const char *package)
{
    CredHandle credential;
    SecPkgCredentials_NamesA names = {NULL};
    TimeStamp expiry;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, (char *)package, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL,
                                                       NULL, &credential, &expiry);
    if (status != SEC_E_OK) {
        char number[11];
        facts_text(facts, package, status_text(status, number));
        return false;
    }
    status = QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names);
    facts_text(facts, package, status == SEC_E_OK ? names.sUserName : "no default credentials");
    if (status == SEC_E_OK) {
        FreeContextBuffer(names.sUserName);
    }
    FreeCredentialsHandle(&credential);
    return status == SEC_E_OK;
}

static bool add_defaults(struct json_object *facts)
{
    struct json_object *defaults = facts_new();
    SecPkgInfoA *packages = NULL;
    ULONG count = 0;
    bool any = false;
    if (EnumerateSecurityPackagesA(&count, &packages) == SEC_E_OK) {
        for (ULONG i = 0; i < count; i++) {
            any = add_default(defaults, packages[i].Name) || any;
        }
        FreeContextBuffer(packages);
    }
    facts_add(facts, "default_credentials", defaults);
    return any;
}

int command_whoami(int argc, char **argv)
{
    struct options options = {false};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    struct json_object *facts = facts_new();
    add_name(facts, "user", NameSamCompatible);
    add_name(facts, "display_name", NameDisplay);
    add_name(facts, "principal", NameUserPrincipal);
    add_session(facts);
    bool any = add_defaults(facts);
    if (options.json) {
        facts_print_json(stdout, facts);
    } else {
        facts_print(stdout, facts, 0);
        json_object_put(facts);
    }
    return any ? EXIT_DONE : EXIT_NOT_FOUND;
}
