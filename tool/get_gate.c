#include "get.h"

#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "command.h"
#include "http_digest.h"
#include "terminal.h"

#define REQUEST (ISC_REQ_CONNECTION | ISC_REQ_MUTUAL_AUTH) /* whom we send a page's name to shall be who it says */

/* "Digest " and all values of a header, one behind the other. */
static char *join_offers(const struct scheme *scheme, const struct evkeyvalq *headers, const char *ask)
{
    char *text = need(strdup(scheme->name));
    const char *between = " ";
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        char *longer = NULL;
        if (strcasecmp(header->key, ask) == 0) {
            if (asprintf(&longer, "%s%s%s", text, between, header->value) < 0) {
                need(NULL);
            }
            free(text);
            text = longer;
            between = ", ";
        }
    }
    return text;
}

void gate_keep_offer(struct fetch *fetch, size_t gate, const struct evkeyvalq *headers)
{
    const struct evkeyval *header = NULL;
    const struct scheme *best = NULL;
    for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        char *rest = NULL;
        AUTO_FREE char *copy = need(strdup(header->value));
        if (strcasecmp(header->key, fetch->gates[gate].ask) != 0) {
            continue;
        }
        for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
            struct bytes token = BYTES_NONE;
            bool good = true;
            part += strspn(part, " \t");
            const struct scheme *scheme = scheme_parse(part, &token, &good);
            free((void *)token.data);
            bool wanted =
                scheme != NULL && (fetch->gates[gate].scheme == NULL || scheme == fetch->gates[gate].scheme) &&
                (fetch->options->insist == NULL || strcasecmp(scheme->name, fetch->options->insist->name) == 0);
            if (wanted && (best == NULL || scheme < best)) {
                best = scheme;
                free(fetch->offer[gate]);
                fetch->offer[gate] = need(strdup(part));
            }
        }
    }
    if (best != NULL && best->text) { /* its challenges have commas of their own: the package is given everything */
        free(fetch->offer[gate]);
        fetch->offer[gate] = join_offers(best, headers, fetch->gates[gate].ask);
    }
}

/* Digest's proof of the server is optional, but a wrong one is none (RFC 7616 3.5). */
static int check_info(struct gate *gate)
{
    const struct digest_request line = {gate->method, gate->resource, NULL};
    if (gate->info == NULL || !gate->party.established) {
        return EXIT_DONE;
    }
    SECURITY_STATUS status = http_digest_check(&gate->party, gate->info, &line);
    if (status == SEC_E_OK || status == SEC_E_QOP_NOT_SUPPORTED) { /* Squid's tells of the next nonce alone */
        return EXIT_DONE;
    }
    char what[40];
    snprintf(what, sizeof what, "Authentication-Info of the %s", gate->name);
    complain_reason(what, status, gate->party.reason);
    return EXIT_ERROR;
}

int gate_finish(struct fetch *fetch, struct gate *gate)
{
    struct bytes token = BYTES_NONE;
    struct bytes answer = BYTES_NONE;
    bool good = true;
    const char *offer = fetch->offer[gate - fetch->gates];
    if (gate->scheme != NULL && gate->scheme->text) {
        return check_info(gate);
    }
    if (gate->scheme == NULL || gate->party.established) {
        return EXIT_DONE;
    }
    if (offer != NULL) {
        (void)scheme_parse(offer, &token, &good);
    }
    if (token.size == 0) {
        complain("the %s answers %d with %s token: nothing shows that it is the right one", gate->name, fetch->code,
                 good ? "no last" : "a broken last");
        return fetch->code >= 400 ? EXIT_HTTP : EXIT_ERROR;
    }
    leg_note(exchange_add(&fetch->exchange, false, token), "HTTP/1.1 %d, %s: %s", fetch->code, gate->ask,
             gate->scheme->name);
    SECURITY_STATUS status = party_step(&gate->party, &gate->credential, token, gate->target, REQUEST, &answer);
    free((void *)token.data);
    FreeContextBuffer((void *)answer.data);
    gate->tried = true;
    if (status == SEC_E_OK) {
        return EXIT_DONE;
    }
    if (status > 0) {
        complain("the %s answers %d in the middle of the exchange", gate->name, fetch->code);
    } else {
        char what[32];
        snprintf(what, sizeof what, "the last token of the %s", gate->name);
        complain_reason(what, status, gate->party.reason);
    }
    return EXIT_ERROR;
}

static SECURITY_STATUS begin_gate(struct fetch *fetch, struct gate *gate, const struct scheme *scheme)
{
    gate->scheme = scheme;
    const struct scheme *insist = fetch->options->insist;
    SECURITY_STATUS status = party_credential(insist != NULL ? insist->package : scheme->package, false,
                                              &fetch->options->login, &gate->credential);
    gate->has_credential = status == SEC_E_OK;
    return status;
}

int gate_answer(struct fetch *fetch, struct gate *gate, const char *offer)
{
    struct bytes token = BYTES_NONE;
    struct bytes answer = BYTES_NONE;
    bool good = true;
    SECURITY_STATUS status = SEC_E_OK;
    const struct scheme *scheme = scheme_parse(offer, &token, &good);
    if (token.size > 0) {
        leg_note(exchange_add(&fetch->exchange, false, token), "HTTP/1.1 %d, %s: %s", fetch->code, gate->ask,
                 scheme->name);
    }
    if (gate->scheme == NULL) {
        status = begin_gate(fetch, gate, scheme);
    }
    const char *why = status < 0 ? last_reason() : NULL;
    bool text = gate->scheme->text;
    bool refused = !text && (gate->tried || (gate->party.has_context && token.size == 0));
    if (fetch->https && gate == &fetch->gates[0] && gate->party.bindings.size == 0) {
        gate->party.bindings = tls_bindings(&fetch->tls);
    }
    if (status == SEC_E_OK && good && !refused && text) { /* a stale nonce may be answered again */
        const struct digest_request line = {gate->method, gate->resource, NULL};
        status = http_digest_answer(&gate->party, &gate->credential, token, &line, &answer);
        why = gate->party.reason;
    } else if (status == SEC_E_OK && good && !refused) {
        status = party_step(&gate->party, &gate->credential, token, gate->target, REQUEST, &answer);
        why = gate->party.reason;
    }
    free((void *)token.data);
    if (status == SEC_E_LOGON_DENIED) { /* SPNEGO's reject says in so many words what an empty offer says */
        refused = true;
        status = SEC_E_OK;
    }
    if (status < 0 || !good || refused) {
        if (status < 0) {
            complain_reason(gate->scheme->package, status, why);
        } else {
            complain(good ? GET_REFUSED : "the token of the %s is not base64", gate->name);
        }
        return !good || status < 0 ? EXIT_ERROR : EXIT_REFUSED;
    }
    struct leg *leg = exchange_add(&fetch->exchange, true, answer);
    leg_status(leg, status, gate->party.nanoseconds);
    leg_note(leg, "%s %s, %s: %s", gate->method, gate->resource, gate->answer, gate->scheme->name);
    gate->tried = status == SEC_E_OK;
    gate->header = scheme_format(gate->scheme, answer);
    FreeContextBuffer((void *)answer.data);
    return EXIT_DONE;
}
