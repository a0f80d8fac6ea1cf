#include "user.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "command.h"
#include "exchange.h"
#include "facts.h"
#include "party.h"
#include "terminal.h"

static const char *state_of(const struct account_record *record)
{
    if ((record->flags & ACCOUNT_FLAG_DISABLED) != 0) {
        return "disabled";
    }
    if (record->expiry <= clock_now()) {
        return "expired";
    }
    if ((record->flags & ACCOUNT_FLAG_LOCKED) != 0 || record->locked_until > clock_now()) {
        return "locked";
    }
    return (record->flags & ACCOUNT_FLAG_MUST_CHANGE) != 0 ? "must change" : "good";
}

static SECURITY_STATUS add_facts(void *argument, const struct account_record *record)
{
    struct json_object *list = argument;
    struct json_object *facts = facts_new();
    facts_utf16(facts, "user", utf16_bytes(record->user));
    facts_utf16(facts, "domain", utf16_bytes(record->domain));
    facts_text(facts, "state", state_of(record));
    facts_time(facts, "expires", record->expiry);
    facts_time(facts, "password_expires", record->password_expiry);
    facts_time(facts, "password_set", record->password_set);
    facts_time(facts, "created", record->created);
    facts_number(facts, "failures", record->failures);
    facts_text(facts, "unix_name", record->unix_name);
    json_object_array_add(list, facts);
    return SEC_E_OK;
}

static void print_padded(const char *text, int width)
{
    int columns = (int)print_safe_width(text);
    print_safe(stdout, text);
    printf("%*s", columns < width ? width - columns : 1, "");
}

int user_list(struct account_store *store, const struct user_options *options)
{
    AUTO_FACTS list = facts_list();
    SECURITY_STATUS status = account_store_list(store, add_facts, list);
    if (status != SEC_E_OK) {
        complain_status("the account database", status);
        return EXIT_ERROR;
    }
    if (options->json) {
        facts_print_json(stdout, json_object_get(list));
        return EXIT_DONE;
    }
    if (json_object_array_length(list) == 0) {
        fputs("no accounts\n", stderr);
        return EXIT_DONE;
    }
    printf("%s%-32s%-13s%-22s%-22s%s%s\n", paint(stdout, PAINT_BOLD), "ACCOUNT", "STATE", "EXPIRES", "PASSWORD SET",
           "FAILURES", paint(stdout, PAINT_NONE));
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *facts = json_object_array_get_idx(list, i);
        char name[1200];
        const char *domain = facts_get(facts, "domain");
        snprintf(name, sizeof name, "%s%s%s", domain, domain[0] != '\0' ? "\\" : "", facts_get(facts, "user"));
        print_padded(name, 32);
        print_padded(facts_get(facts, "state"), 13);
        print_padded(facts_get(facts, "expires"), 22);
        print_padded(facts_get(facts, "password_set"), 22);
        printf("%s\n", facts_get(facts, "failures"));
    }
    return EXIT_DONE;
}

/* Both sides here, as a client over a network would do it. */
static SECURITY_STATUS log_on(const struct login *login, struct party *server, const char **out_reason)
{
    CredHandle ours;
    CredHandle theirs;
    struct party client = {.acceptor = false};
    AUTO_EXCHANGE exchange = {.count = 0};
    SECURITY_STATUS status = party_credential("NTLM", false, login, &ours);
    if (status != SEC_E_OK) {
        *out_reason = last_reason();
        return status;
    }
    status = party_credential("NTLM", true, NULL, &theirs);
    *out_reason = status != SEC_E_OK ? last_reason() : NULL;
    if (status == SEC_E_OK) {
        status =
            party_handshake(&client, &ours, server, &theirs, NULL, ISC_REQ_CONNECTION | ISC_REQ_INTEGRITY, &exchange);
        *out_reason = server->reason != NULL ? server->reason : client.reason;
        party_reset(&client);
        FreeCredentialsHandle(&theirs);
    }
    FreeCredentialsHandle(&ours);
    return status;
}

int user_verify(const struct user_options *options)
{
    struct party server = {.acceptor = true};
    char number[11];
    const char *reason = NULL;
    SECURITY_STATUS status = log_on(&options->login, &server, &reason);
    if (options->json) {
        struct json_object *facts = facts_new();
        facts_text(facts, "account", options->argument);
        facts_truth(facts, "let_in", status == SEC_E_OK);
        facts_text(facts, "status", status_text(status, number));
        if (reason != NULL) {
            facts_text(facts, "reason", reason);
        }
        facts_print_json(stdout, facts);
    } else if (status == SEC_E_OK) {
        AUTO_FREE char *user = party_user(&server);
        printf("let in as ");
        print_safe(stdout, user != NULL ? user : options->argument);
        putchar('\n');
    } else {
        complain_reason(options->argument, status, reason);
    }
    party_reset(&server);
    if (status == SEC_E_OK) {
        return EXIT_DONE;
    }
    return status == SEC_E_LOGON_DENIED ? EXIT_REFUSED : EXIT_ERROR;
}
