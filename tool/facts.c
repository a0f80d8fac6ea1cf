#include "facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "terminal.h"
#include "text/utf16.h"
#include "wire/writer.h"

#define TEXT_COLUMNS 100

struct json_object *facts_new(void)
{
    return need(json_object_new_object());
}

struct json_object *facts_list(void)
{
    return need(json_object_new_array());
}

void facts_add(struct json_object *facts, const char *name, struct json_object *value)
{
    if (json_object_object_add(facts, name, need(value)) != 0) {
        need(NULL);
    }
}

void facts_text(struct json_object *facts, const char *name, const char *text)
{
    facts_add(facts, name, json_object_new_string(text != NULL ? text : ""));
}

void facts_number(struct json_object *facts, const char *name, uint64_t number)
{
    facts_add(facts, name, json_object_new_uint64(number));
}

void facts_truth(struct json_object *facts, const char *name, bool truth)
{
    facts_add(facts, name, json_object_new_boolean(truth));
}

void facts_bytes(struct json_object *facts, const char *name, struct bytes bytes)
{
    AUTO_FREE char *text = need(calloc(1, bytes.size * 2 + 1));
    for (size_t i = 0; i < bytes.size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    }
    facts_text(facts, name, text);
}

void facts_word(struct json_object *facts, const char *name, uint32_t word)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08" PRIx32, word);
    facts_text(facts, name, text);
}

void facts_time_text(uint64_t filetime, char out[32])
{
    if (filetime >= UINT64_C(0x7FFFFF0000000000)) { /* SSPI's "never" in its several spellings */
        snprintf(out, 32, "never");
        return;
    }
    time_t seconds = (time_t)(filetime / CLOCK_SECOND) - (time_t)INT64_C(11644473600);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(out, 32, "unreadable");
    }
}

void facts_time(struct json_object *facts, const char *name, uint64_t filetime)
{
    char text[32];
    facts_time_text(filetime, text);
    facts_text(facts, name, text);
}

char *facts_utf8(struct bytes utf16)
{
    struct utf16 text = utf16_of(utf16);
    AUTO_WRITER clean = write_growing(text.size + 2);
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = utf16_unit(text, i);
        bool high = unit >= 0xD800 && unit <= 0xDBFF;
        bool low_follows = i + 1 < utf16_length(text) && (utf16_unit(text, i + 1) & 0xFC00) == 0xDC00;
        if (high && low_follows) {
            write_u16le(&clean, unit);
            unit = utf16_unit(text, ++i);
        } else if (unit == 0 || (unit & 0xF800) == 0xD800) {
            unit = 0xFFFD;
        }
        write_u16le(&clean, unit);
    }
    char *out = NULL;
    if (write_end(&clean) != SEC_E_OK || utf16_to_utf8(utf16_of(write_result(&clean)), &out, NULL) != SEC_E_OK) {
        need(NULL);
    }
    return out;
}

void facts_utf16(struct json_object *facts, const char *name, struct bytes utf16)
{
    AUTO_FREE char *text = facts_utf8(utf16);
    facts_text(facts, name, text);
}

void facts_oem(struct json_object *facts, const char *name, struct bytes oem)
{
    AUTO_FREE char *text = need(calloc(1, oem.size * 4 + 1));
    size_t used = 0;
    for (size_t i = 0; i < oem.size; i++) {
        bool plain = oem.data[i] >= 0x20 && oem.data[i] < 0x7F;
        used += (size_t)snprintf(text + used, 5, plain ? "%c" : "\\x%02x", oem.data[i]);
    }
    facts_text(facts, name, text);
}

void facts_say(struct json_object *list, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (json_object_array_add(list, need(json_object_new_string(sentence))) != 0) {
        need(NULL);
    }
}

const char *facts_get(struct json_object *facts, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(facts, name, &value) ? json_object_get_string(value) : "";
}

/* A member's name as people read it. */
static void print_name(FILE *out, const char *name, int width)
{
    int printed = 0;
    for (const char *at = name; *at != '\0'; at++) {
        fputc(*at == '_' ? ' ' : *at, out);
        printed++;
    }
    fprintf(out, "%*s", width > printed ? width - printed : 0, "");
}

/* Words of a list, broken at TEXT_COLUMNS under the first of them. */
static void print_list(FILE *out, struct json_object *list, int column)
{
    int at = column;
    size_t count = json_object_array_length(list);
    for (size_t i = 0; i < count; i++) {
        const char *word = json_object_get_string(json_object_array_get_idx(list, i));
        int width = (int)print_safe_width(word) + 2;
        if (at > column && at + width > TEXT_COLUMNS) {
            fprintf(out, ",\n%*s", column, "");
            at = column;
        } else {
            fputs(i > 0 ? ", " : "", out);
        }
        print_safe(out, word);
        at += width;
    }
    fputs(count == 0 ? "none\n" : "\n", out);
}

static void print_odd(FILE *out, struct json_object *list, int indent)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        fprintf(out, "%*s%s! ", indent, "", paint(out, PAINT_ODD));
        print_safe(out, json_object_get_string(json_object_array_get_idx(list, i)));
        fprintf(out, "%s\n", paint(out, PAINT_NONE));
    }
}

static bool is_list_of_objects(struct json_object *value)
{
    return json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0 &&
           json_object_is_type(json_object_array_get_idx(value, 0), json_type_object);
}

static void print_value(FILE *out, struct json_object *value, int column)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        fputs(json_object_get_boolean(value) ? "yes\n" : "no\n", out);
        break;
    case json_type_array:
        print_list(out, value, column);
        break;
    default:
        print_safe(out, json_object_get_string(value)[0] != '\0' ? json_object_get_string(value) : "(empty)");
        fputc('\n', out);
        break;
    }
}

bool facts_hidden(const char *name)
{
    size_t length = strlen(name);
    return strcmp(name, "says") == 0 || (length > 6 && strcmp(name + length - 6, "_right") == 0);
}

void facts_print(FILE *out, struct json_object *facts, int indent)
{
    int width = 0;
    json_object_object_foreach(facts, measured, ignored)
    {
        (void)ignored;
        width = (int)strlen(measured) > width ? (int)strlen(measured) : width;
    }
    json_object_object_foreach(facts, name, value)
    {
        if (facts_hidden(name)) {
            continue;
        }
        if (strcmp(name, "odd") == 0) {
            print_odd(out, value, indent);
            continue;
        }
        fprintf(out, "%*s%s", indent, "", paint(out, PAINT_DIM));
        bool nested = json_object_is_type(value, json_type_object) || is_list_of_objects(value);
        print_name(out, name, nested ? 0 : width + 2);
        fputs(paint(out, PAINT_NONE), out);
        if (json_object_is_type(value, json_type_object)) {
            fputc('\n', out);
            facts_print(out, value, indent + 4);
        } else if (is_list_of_objects(value)) {
            fputc('\n', out);
            for (size_t i = 0; i < json_object_array_length(value); i++) {
                facts_print(out, json_object_array_get_idx(value, i), indent + 4);
            }
        } else {
            print_value(out, value, indent + width + 2);
        }
    }
}

void facts_print_json(FILE *out, struct json_object *facts)
{
    fprintf(out, "%s\n",
            json_object_to_json_string_ext(facts, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(facts);
}
