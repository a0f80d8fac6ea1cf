#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "command.h"
#include "exchange.h"
#include "explain.h"
#include "login.h"
#include "page.h"
#include "terminal.h"
#include "wire/writer.h"

#define INPUT_MAX (4u * 1024 * 1024)

enum option_key { OPTION_HTML = 256, OPTION_ASK, OPTION_KEYTAB };

struct options {
    bool json, html, ask;
    const char *keytab;
    struct exchange exchange;
    size_t arguments;
    struct login login;
};

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "print JSON"},
    {"html", OPTION_HTML, NULL, 0, "print a page that draws the exchange"},
    {"password", OPTION_ASK, NULL, 0, "ask for the password, and check the exchange against it"},
    {"keytab", OPTION_KEYTAB, "FILE", 0, "open Kerberos tickets with a server's keys, and say what is in them"},
    {0},
};

/* Everything there is on standard input. */
static void read_input(struct exchange *exchange)
{
    AUTO_WRITER input = write_growing(INPUT_MAX);
    uint8_t block[4096];
    ssize_t got = 0;
    do {
        got = read(STDIN_FILENO, block, sizeof block);
        write_bytes(&input, bytes_of(block, got > 0 ? (size_t)got : 0));
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (write_end(&input) != SEC_E_OK) {
        complain("the input is longer than %u bytes", INPUT_MAX);
        return;
    }
    explain_find_tokens(write_result(&input), exchange);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->login;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case OPTION_HTML:
        options->html = true;
        return 0;
    case OPTION_ASK:
        options->ask = true;
        return 0;
    case OPTION_KEYTAB:
        options->keytab = argument;
        return 0;
    case ARGP_KEY_ARG:
        options->arguments++;
        if (strcmp(argument, "-") == 0) {
            read_input(&options->exchange);
        } else if (explain_find_tokens(bytes_of(argument, strlen(argument)), &options->exchange) == 0) {
            complain("'%.60s%s' is no token that this build knows, or not a whole one", argument,
                     strlen(argument) > 60 ? "..." : "");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&login_argp, 0, "To check an exchange (CHALLENGE and AUTHENTICATE are needed):", 1}, {0}};
static const struct argp argp = {
    option_table, parse_option, "[TOKEN...|-]",
    "Explain authentication tokens: header lines, base64, hexadecimal, or bytes on standard input; a whole log of "
    "curl -v will do. Several tokens are drawn as one exchange."
    "\vThe user's name is in the message; --user gives another domain to try. Exit status: 0 explained, 3 the password "
    "did not make this exchange, or the keytab does not open it, 7 no token found.",
    children};

static void print_tokens(const struct exchange *exchange)
{
    if (exchange->count > 1) {
        exchange_print(stdout, exchange);
        putchar('\n');
    }
    for (size_t i = 0; i < exchange->count; i++) {
        AUTO_FACTS facts = explain_token(exchange->legs[i].token, true);
        printf("%s%zu  %s%s\n", paint(stdout, PAINT_BOLD), i + 1, facts_get(facts, "message"),
               paint(stdout, PAINT_NONE));
        facts_print(stdout, facts, 4);
    }
}

static void print_text(const struct exchange *exchange, struct json_object *verified, const char *against)
{
    AUTO_FACTS whole = facts_new();
    AUTO_FACTS odd = explain_odd(exchange);
    print_tokens(exchange);
    if (json_object_array_length(odd) > 0) {
        facts_add(whole, "odd", json_object_get(odd));
        printf("%sThe exchange%s\n", paint(stdout, PAINT_BOLD), paint(stdout, PAINT_NONE));
        facts_print(stdout, whole, 4);
    }
    if (verified != NULL) {
        printf("%s%s%s\n", paint(stdout, PAINT_BOLD), against, paint(stdout, PAINT_NONE));
        facts_print(stdout, verified, 4);
    }
}

static void print_json(const struct exchange *exchange, struct json_object *verified)
{
    struct json_object *facts = facts_new();
    facts_add(facts, "exchange", exchange_facts(exchange, true));
    facts_add(facts, "odd", explain_odd(exchange));
    if (verified != NULL) {
        facts_add(facts, "verified", json_object_get(verified));
    }
    facts_print_json(stdout, facts);
}

static void print_page(const struct exchange *exchange, struct json_object *verified, const char *against)
{
    page_begin(stdout, "An authentication exchange");
    fputs("<h1>An authentication exchange</h1>\n", stdout);
    page_exchange(stdout, exchange, true);
    if (verified != NULL) {
        printf("<h2>%s</h2>\n<section class=\"card\">\n", against);
        page_facts(stdout, verified);
        fputs("</section>\n", stdout);
    }
    page_end(stdout);
}

/* True when nothing that was checked came out wrong. */
static bool all_right(struct json_object *verified)
{
    json_object_object_foreach(verified, name, value)
    {
        (void)name;
        if (json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value)) {
            return false;
        }
    }
    return true;
}

/* libkrb5 finds the keytab where it finds any. */
static struct json_object *decrypt(const struct options *options)
{
    AUTO_FREE char *name = NULL;
    bool typed = strchr(options->keytab, ':') != NULL;
    if (asprintf(&name, "%s%s", typed ? "" : "FILE:", options->keytab) < 0) {
        name = need(NULL);
    }
    setenv("KRB5_KTNAME", name, 1);
    struct json_object *facts = explain_decrypt(&options->exchange);
    if (facts == NULL) {
        complain("there is nothing that a keytab opens: a Kerberos AP-REQ is needed");
    }
    return facts;
}

static int decode(struct options *options)
{
    AUTO_FACTS verified = NULL;
    if (options->arguments == 0) {
        read_input(&options->exchange);
    }
    if (options->exchange.count == 0) {
        complain("no token found; known kinds: NTLM, SPNEGO, Kerberos, Digest, TLS");
        return EXIT_NOT_FOUND;
    }
    if (options->exchange.more) {
        complain("more than %d tokens; the rest is left out", EXCHANGE_LEGS);
    }
    if (options->keytab != NULL) {
        verified = decrypt(options);
    } else if (options->ask || login_has_password(&options->login)) {
        if (!login_password(&options->login, "Password", false)) {
            return EXIT_USAGE;
        }
        verified = explain_verify(&options->exchange, &options->login);
        if (verified == NULL) {
            complain("there is nothing to check the password against: CHALLENGE and AUTHENTICATE are needed");
        }
    }
    const char *against = options->keytab != NULL ? "With the keytab" : "Against the password";
    if (options->json) {
        print_json(&options->exchange, verified);
    } else if (options->html) {
        print_page(&options->exchange, verified, against);
    } else {
        print_text(&options->exchange, verified, against);
    }
    return verified != NULL && !all_right(verified) ? EXIT_REFUSED : EXIT_DONE;
}

int command_decode(int argc, char **argv)
{
    struct options options = {.login = LOGIN_NONE};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    int code = decode(&options);
    exchange_clear(&options.exchange);
    login_free(&options.login);
    return code;
}
