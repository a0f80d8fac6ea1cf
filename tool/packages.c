#include <argp.h>
#include <stdio.h>

#include "command.h"
#include "facts.h"
#include "terminal.h"

#include "security.h"

struct options {
    bool json;
};

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "print JSON"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    (void)argument;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "packages takes no arguments");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {option_table, parse_option, NULL,
                                 "The security packages of this library, as EnumerateSecurityPackages reports them."};

static struct json_object *capability_names(ULONG capabilities)
{
    static const struct {
        ULONG bit;
        const char *name;
    } known[] = {
        {SECPKG_FLAG_INTEGRITY, "integrity"},
        {SECPKG_FLAG_PRIVACY, "privacy"},
        {SECPKG_FLAG_TOKEN_ONLY, "token only"},
        {SECPKG_FLAG_DATAGRAM, "datagram"},
        {SECPKG_FLAG_CONNECTION, "connection"},
        {SECPKG_FLAG_MULTI_REQUIRED, "multiple legs"},
        {SECPKG_FLAG_CLIENT_ONLY, "client only"},
        {SECPKG_FLAG_EXTENDED_ERROR, "extended error"},
        {SECPKG_FLAG_IMPERSONATION, "impersonation"},
        {SECPKG_FLAG_ACCEPT_WIN32_NAME, "Win32 names"},
        {SECPKG_FLAG_STREAM, "stream"},
        {SECPKG_FLAG_NEGOTIABLE, "negotiable"},
        {SECPKG_FLAG_GSS_COMPATIBLE, "GSS compatible"},
        {SECPKG_FLAG_LOGON, "logon"},
        {SECPKG_FLAG_ASCII_BUFFERS, "ASCII buffers"},
        {SECPKG_FLAG_FRAGMENT, "fragment"},
        {SECPKG_FLAG_MUTUAL_AUTH, "mutual authentication"},
        {SECPKG_FLAG_DELEGATION, "delegation"},
        {SECPKG_FLAG_READONLY_WITH_CHECKSUM, "read-only with checksum"},
        {SECPKG_FLAG_RESTRICTED_TOKENS, "restricted tokens"},
        {SECPKG_FLAG_NEGO_EXTENDER, "NegoEx"},
        {SECPKG_FLAG_NEGOTIABLE2, "negotiable 2"},
        {SECPKG_FLAG_APPCONTAINER_PASSTHROUGH, "app container passthrough"},
        {SECPKG_FLAG_APPCONTAINER_CHECKS, "app container checks"},
        {SECPKG_FLAG_APPLY_LOOPBACK, "loopback"},
    };
    struct json_object *names = facts_list();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((capabilities & known[i].bit) != 0) {
            facts_say(names, "%s", known[i].name);
        }
    }
    return names;
}

static void print_json(const SecPkgInfoA *packages, ULONG count)
{
    struct json_object *list = facts_list();
    for (ULONG i = 0; i < count; i++) {
        struct json_object *facts = facts_new();
        facts_text(facts, "name", packages[i].Name);
        facts_text(facts, "comment", packages[i].Comment);
        facts_number(facts, "version", packages[i].wVersion);
        facts_number(facts, "rpc_id", packages[i].wRPCID);
        facts_number(facts, "max_token", packages[i].cbMaxToken);
        facts_word(facts, "capabilities", packages[i].fCapabilities);
        facts_add(facts, "capability_names", capability_names(packages[i].fCapabilities));
        json_object_array_add(list, facts);
    }
    facts_print_json(stdout, list);
}

static void print_table(const SecPkgInfoA *packages, ULONG count)
{
    printf("%s%-12s %6s %9s  %-10s  %s%s\n", paint(stdout, PAINT_BOLD), "NAME", "RPC ID", "MAX TOKEN", "FLAGS",
           "COMMENT", paint(stdout, PAINT_NONE));
    for (ULONG i = 0; i < count; i++) {
        printf("%-12s %6u %9u  0x%08X  %s\n", packages[i].Name, packages[i].wRPCID, (unsigned)packages[i].cbMaxToken,
               (unsigned)packages[i].fCapabilities, packages[i].Comment);
        struct json_object *names = capability_names(packages[i].fCapabilities);
        printf("%s", paint(stdout, PAINT_DIM));
        for (size_t n = 0; n < json_object_array_length(names); n++) {
            printf("%s%s",
                   n == 0       ? "             "
                   : n % 5 == 0 ? ",\n             "
                                : ", ",
                   json_object_get_string(json_object_array_get_idx(names, n)));
        }
        printf("%s\n", paint(stdout, PAINT_NONE));
        json_object_put(names);
    }
}

int command_packages(int argc, char **argv)
{
    struct options options = {false};
    SecPkgInfoA *packages = NULL;
    ULONG count = 0;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    SECURITY_STATUS status = EnumerateSecurityPackagesA(&count, &packages);
    if (status != SEC_E_OK) {
        complain_status("EnumerateSecurityPackages", status);
        return EXIT_ERROR;
    }
    if (options.json) {
        print_json(packages, count);
    } else {
        print_table(packages, count);
    }
    FreeContextBuffer(packages);
    return EXIT_DONE;
}
