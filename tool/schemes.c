#include "schemes.h"

#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "terminal.h"

const struct scheme schemes[] = {
    {.name = "Negotiate", .package = "Negotiate"},
    {.name = "NTLM", .package = "NTLM"},
    {.name = "Digest", .package = "WDigest", .text = true, .unbound = true, .on_request = true},
};
static const struct scheme kerberos = {.name = "Negotiate", .package = "Kerberos"};
const size_t scheme_count = sizeof schemes / sizeof schemes[0];

const struct scheme *scheme_find(const char *name)
{
    for (size_t i = 0; i < scheme_count; i++) {
        if (strcasecmp(schemes[i].name, name) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

const struct scheme *scheme_for(const char *name)
{
    return strcasecmp(name, kerberos.package) == 0 ? &kerberos : scheme_find(name);
}

const struct scheme *scheme_parse(const char *value, struct bytes *token, bool *good)
{
    char name[16];
    size_t length = strcspn(value, " \t");
    struct base64_decode_ctx context;
    *token = BYTES_NONE;
    *good = true;
    if (length >= sizeof name) {
        return NULL;
    }
    memcpy(name, value, length);
    name[length] = '\0';
    const struct scheme *scheme = scheme_find(name);
    const char *text = value + length + strspn(value + length, " \t");
    if (scheme == NULL || *text == '\0') {
        return scheme;
    }
    size_t digits = strlen(text);
    size_t size = 0;
    if (scheme->text) {
        *token = bytes_of(need(strdup(text)), digits);
        return scheme;
    }
    uint8_t *data = need(malloc(BASE64_DECODE_LENGTH(digits) + 1));
    base64_decode_init(&context);
    if (base64_decode_update(&context, &size, data, digits, text) && base64_decode_final(&context) && size > 0) {
        *token = bytes_of(data, size);
    } else {
        free(data);
        *good = false;
    }
    return scheme;
}

char *scheme_format(const struct scheme *scheme, struct bytes token)
{
    size_t length = strlen(scheme->name);
    char *text = need(calloc(1, length + 2 + BASE64_ENCODE_RAW_LENGTH(token.size)));
    memcpy(text, scheme->name, length);
    if (scheme->text && token.size > 0) {
        text[length] = ' ';
        memcpy(text + length + 1, token.data, token.size); /* there is room: base64 is longer */
    } else if (token.size > 0) {
        text[length] = ' ';
        base64_encode_raw(text + length + 1, token.size, token.data);
    }
    return text;
}
