#include "exchange.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "terminal.h"

#define RAIL_COLUMNS 68 /* between the two rails */

struct leg *exchange_add(struct exchange *exchange, bool from_client, struct bytes token)
{
    if (exchange->count == EXCHANGE_LEGS) {
        exchange->more = true;
        return NULL;
    }
    struct leg *leg = &exchange->legs[exchange->count++];
    *leg = (struct leg){.from_client = from_client};
    if (token.size > 0) {
        uint8_t *copy = need(malloc(token.size));
        memcpy(copy, token.data, token.size);
        leg->token = bytes_of(copy, token.size);
    }
    return leg;
}

void leg_status(struct leg *leg, SECURITY_STATUS status, uint64_t nanoseconds)
{
    if (leg != NULL) {
        leg->has_status = true;
        leg->status = status;
        leg->nanoseconds = nanoseconds;
    }
}

void leg_note(struct leg *leg, const char *format, ...)
{
    va_list arguments;
    if (leg == NULL) {
        return;
    }
    free(leg->note);
    va_start(arguments, format);
    if (vasprintf(&leg->note, format, arguments) < 0) {
        leg->note = need(NULL);
    }
    va_end(arguments);
}

void exchange_clear(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->count; i++) {
        free((void *)exchange->legs[i].token.data);
        free(exchange->legs[i].note);
    }
    exchange->count = 0;
    exchange->more = false;
}

/* The drawing set: boxes where the terminal has them. */
struct art {
    const char *rail, *line, *to_server, *to_client;
};

static const struct art boxes = {"\u2502", "\u2500", "\u25b6", "\u25c0"};
static const struct art ascii = {"|", "-", ">", "<"};

static void repeat(FILE *out, const char *piece, int count)
{
    for (int i = 0; i < count; i++) {
        fputs(piece, out);
    }
}

/* "|-- NEGOTIATE ----------- 40 bytes -->|" */
static void print_arrow(FILE *out, const struct art *art, const struct leg *leg, const char *message)
{
    char size[32];
    snprintf(size, sizeof size, "%zu bytes", leg->token.size);
    int fill = RAIL_COLUMNS - 8 - (int)strlen(message) - (int)strlen(size);
    fprintf(out, "%s%s%s", art->rail, paint(out, leg->from_client ? PAINT_CLIENT : PAINT_SERVER),
            leg->from_client ? art->line : art->to_client);
    repeat(out, art->line, 1);
    fprintf(out, " %s%s%s%s ", paint(out, PAINT_BOLD), message, paint(out, PAINT_NONE),
            paint(out, leg->from_client ? PAINT_CLIENT : PAINT_SERVER));
    repeat(out, art->line, fill > 0 ? fill : 1);
    fprintf(out, " %s ", size);
    repeat(out, art->line, 1);
    fprintf(out, "%s%s%s", leg->from_client ? art->to_server : art->line, paint(out, PAINT_NONE), art->rail);
}

static void print_status(FILE *out, const struct leg *leg)
{
    char number[11];
    if (leg->has_status) {
        enum paint style = leg->status < 0 ? PAINT_BAD : leg->status == SEC_E_OK ? PAINT_GOOD : PAINT_NONE;
        fprintf(out, "  %s%s%s", paint(out, style), status_text(leg->status, number), paint(out, PAINT_NONE));
    }
    if (leg->nanoseconds > 0) {
        fprintf(out, "  %.3f ms", (double)leg->nanoseconds / 1e6);
    }
    fputc('\n', out);
}

/* Text between the rails, broken at spaces. */
static void print_between(FILE *out, const struct art *art, const char *text)
{
    const int room = RAIL_COLUMNS - 6;
    char *copy = need(strdup(text));
    char *rest = NULL;
    int at = 0;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        int width = (int)print_safe_width(word);
        if (at > 0 && at + 1 + width > room) {
            fprintf(out, "%*s%s\n", at < room ? RAIL_COLUMNS - 3 - at : 0, "", art->rail);
            at = 0;
        }
        if (at == 0) {
            fprintf(out, "      %s   ", art->rail);
        } else {
            fputc(' ', out);
            at++;
        }
        print_safe(out, word);
        at += width;
    }
    if (at > 0) {
        fprintf(out, "%*s%s\n", at < RAIL_COLUMNS - 3 ? RAIL_COLUMNS - 3 - at : 0, "", art->rail);
    }
    free(copy);
}

static void print_leg(FILE *out, const struct art *art, size_t number, const struct leg *leg)
{
    AUTO_FACTS facts = explain_token(leg->token, false);
    struct json_object *odd = NULL;
    fprintf(out, "  %2zu  ", number);
    if (leg->token.size == 0) {
        const char *text = leg->note != NULL ? leg->note : "";
        int width = (int)print_safe_width(text);
        fprintf(out, "%s   ", art->rail);
        print_safe(out, text);
        fprintf(out, "%*s%s", width < RAIL_COLUMNS - 3 ? RAIL_COLUMNS - 3 - width : 0, "", art->rail);
        print_status(out, leg);
        return;
    }
    print_arrow(out, art, leg, facts_get(facts, "message"));
    print_status(out, leg);
    if (leg->note != NULL) {
        print_between(out, art, leg->note);
    }
    print_between(out, art, facts_get(facts, "says"));
    if (json_object_object_get_ex(facts, "odd", &odd)) {
        for (size_t i = 0; i < json_object_array_length(odd); i++) {
            char line[600];
            snprintf(line, sizeof line, "! %s", json_object_get_string(json_object_array_get_idx(odd, i)));
            print_between(out, art, line);
        }
    }
}

void exchange_print(FILE *out, const struct exchange *exchange)
{
    const struct art *art = terminal_utf8() ? &boxes : &ascii;
    fprintf(out, "    %sclient%s%*s%sserver%s\n", paint(out, PAINT_CLIENT), paint(out, PAINT_NONE), RAIL_COLUMNS - 6,
            "", paint(out, PAINT_SERVER), paint(out, PAINT_NONE));
    for (size_t i = 0; i < exchange->count; i++) {
        print_leg(out, art, i + 1, &exchange->legs[i]);
    }
}

struct json_object *exchange_facts(const struct exchange *exchange, bool reveal)
{
    struct json_object *list = facts_list();
    for (size_t i = 0; i < exchange->count; i++) {
        const struct leg *leg = &exchange->legs[i];
        struct json_object *facts = facts_new();
        char number[11];
        facts_number(facts, "leg", i + 1);
        facts_text(facts, "direction", leg->from_client ? "client to server" : "server to client");
        facts_number(facts, "bytes", leg->token.size);
        if (leg->note != NULL) {
            facts_text(facts, "note", leg->note);
        }
        if (leg->has_status) {
            facts_text(facts, "status", status_text(leg->status, number));
        }
        if (leg->nanoseconds > 0) {
            facts_number(facts, "nanoseconds", leg->nanoseconds);
        }
        if (leg->token.size > 0) {
            facts_add(facts, "token", explain_token(leg->token, reveal));
        }
        if (json_object_array_add(list, facts) != 0) {
            need(NULL);
        }
    }
    return list;
}
