#include "vectors/kv.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VALUES_MAX 128

struct value {
    char *name;
    char type;
    char *text;    /* as written */
    uint8_t *data; /* 'x': decoded; 's': UTF-16LE */
    size_t size;
};

struct kv_record {
    char id[128];
    size_t count;
    struct value values[VALUES_MAX];
};

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static void decode_hex(struct value *value)
{
    size_t length = strlen(value->text);
    assert_int_equal(length % 2, 0);
    value->size = length / 2;
    value->data = test_malloc(value->size == 0 ? 1 : value->size); /* exact, for whoever watches bounds */
    for (size_t i = 0; i < value->size; i++) {
        int high = hex_digit(value->text[2 * i]), low = hex_digit(value->text[2 * i + 1]);
        assert_true(high >= 0 && low >= 0);
        value->data[i] = (uint8_t)(high << 4 | low);
    }
}

/* UTF-8 that is known to be well-formed. */
static void decode_text(struct value *value)
{
    const uint8_t *at = (const uint8_t *)value->text;
    value->data = test_malloc(2 * strlen(value->text) + 2);
    while (*at != 0) {
        unsigned more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? *at : *at & (0x3fu >> more);
        for (at++; more != 0; more--) {
            c = c << 6 | (*at++ & 0x3f);
        }
        uint16_t units[2] = {(uint16_t)c, 0};
        if (c > 0xffff) {
            units[0] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
            units[1] = (uint16_t)(0xdc00 + (c & 0x3ff));
        }
        for (size_t i = 0; i < (c > 0xffff ? 2u : 1u); i++) {
            value->data[value->size++] = (uint8_t)units[i];
            value->data[value->size++] = (uint8_t)(units[i] >> 8);
        }
    }
}

static void add_value(struct kv_record *record, char *line)
{
    char *equals = strchr(line, '=');
    assert_non_null(equals);
    *equals = '\0';
    char *colon = strrchr(line, ':');
    assert_non_null(colon);
    *colon = '\0';
    assert_true(record->count < VALUES_MAX);
    struct value *value = &record->values[record->count++];
    *value = (struct value){.name = strdup(line), .type = colon[1], .text = strdup(equals + 1)};
    if (value->type == 'x') {
        decode_hex(value);
    } else if (value->type == 's') {
        decode_text(value);
    }
}

static void clear(struct kv_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->values[i].name);
        free(record->values[i].text);
        if (record->values[i].data != NULL) {
            test_free(record->values[i].data);
        }
    }
    record->count = 0;
    record->id[0] = '\0';
}

static size_t finish(struct kv_record *record, const char *type, kv_check *check)
{
    bool wanted = record->id[0] != '\0' && strcmp(kv_text(record, "type"), type) == 0;
    if (wanted) {
        check(record);
    }
    clear(record);
    return wanted ? 1 : 0;
}

static size_t each_in(const char *path, const char *type, kv_check *check)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot read %s", path);
        return 0;
    }
    struct kv_record *record = test_calloc(1, sizeof *record);
    char *line = NULL;
    size_t room = 0, count = 0;
    for (ssize_t length = getline(&line, &room, file); length >= 0; length = getline(&line, &room, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '[') {
            count += finish(record, type, check);
            (void)snprintf(record->id, sizeof record->id, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        } else if (line[0] != '\0' && line[0] != '#') {
            add_value(record, line);
        }
    }
    count += finish(record, type, check);
    free(line);
    test_free(record);
    (void)fclose(file);
    return count;
}

static bool published_path(const char *file, char *out, size_t size)
{
    const char *named = getenv("SSPI_VECTORS");
    if (named != NULL && named[0] != '\0') {
        (void)snprintf(out, size, "%s/%s", named, file);
        return true;
    }
    char pattern[4096];
    (void)snprintf(pattern, sizeof pattern, "%s/../*/vectors/%s", SOURCE_ROOT, file);
    glob_t found;
    bool is_there = glob(pattern, 0, NULL, &found) == 0;
    if (is_there) {
        (void)snprintf(out, size, "%s", found.gl_pathv[0]);
        globfree(&found);
    }
    return is_there;
}

size_t kv_each(enum kv_source source, const char *file, const char *type, kv_check *check)
{
    char path[4096];
    if (source == KV_TREE) {
        (void)snprintf(path, sizeof path, "%s/tests/vectors/%s", SOURCE_ROOT, file);
    } else if (!published_path(file, path, sizeof path)) {
        print_message("# skipped: the published captures (%s) are not here; SSPI_VECTORS may name their directory\n",
                      file);
        skip();
    }
    return each_in(path, type, check);
}

const char *kv_id(const struct kv_record *record)
{
    return record->id;
}

static const struct value *find(const struct kv_record *record, const char *format, va_list arguments)
{
    char name[128];
    (void)vsnprintf(name, sizeof name, format, arguments);
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->values[i].name, name) == 0) {
            return &record->values[i];
        }
    }
    return NULL;
}

static const struct value *must_find(const struct kv_record *record, char type, const char *format, va_list arguments)
{
    const struct value *value = find(record, format, arguments);
    if (value == NULL || value->type != type) {
        fail_msg("[%s] has no value %s of type %c", record->id, format, type);
    }
    return value;
}

bool kv_has(const struct kv_record *record, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const struct value *value = find(record, name, arguments);
    va_end(arguments);
    return value != NULL;
}

struct bytes kv_hex(const struct kv_record *record, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const struct value *value = must_find(record, 'x', name, arguments);
    va_end(arguments);
    return bytes_of(value->data, value->size);
}

const char *kv_text(const struct kv_record *record, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const struct value *value = must_find(record, 's', name, arguments);
    va_end(arguments);
    return value->text;
}

long kv_number(const struct kv_record *record, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const struct value *value = must_find(record, 'n', name, arguments);
    va_end(arguments);
    return strtol(value->text, NULL, 10);
}

uint32_t kv_word(const struct kv_record *record, const char *name)
{
    return (uint32_t)strtoul(kv_text(record, "%s", name), NULL, 16);
}

static struct utf16 utf16_value(const struct kv_record *record, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const struct value *value = must_find(record, 's', name, arguments);
    va_end(arguments);
    return (struct utf16){value->data, value->size};
}

struct utf16 kv_utf16(const struct kv_record *record, const char *name)
{
    return utf16_value(record, "%s", name);
}

static void print_hex(const char *label, struct bytes bytes)
{
    print_message("#   %s ", label);
    for (size_t i = 0; i < bytes.size; i++) {
        print_message("%02x", bytes.data[i]);
    }
    print_message("\n");
}

void kv_expect_bytes(const struct kv_record *record, const char *what, struct bytes expected, struct bytes actual)
{
    if (expected.size == actual.size && (actual.size == 0 || memcmp(expected.data, actual.data, actual.size) == 0)) {
        return;
    }
    print_message("# [%s] %s (%s)\n", record->id, what, kv_text(record, "origin"));
    print_hex("expected", expected);
    print_hex("got     ", actual);
    fail();
}

void kv_expect(const struct kv_record *record, const char *name, struct bytes actual)
{
    kv_expect_bytes(record, name, kv_hex(record, "%s", name), actual);
}

void kv_require_at(const struct kv_record *record, bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        print_message("# [%s] %s:%d: %s does not hold\n", record->id, file, line, text);
        fail();
    }
}
