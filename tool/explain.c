#include "explain.h"

#include <ctype.h>
#include <nettle/base16.h>
#include <nettle/base64.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "terminal.h"

static const struct explainer *const explainers[] = {
    &ntlm_explainer,
    &spnego_explainer,
    &kerberos_explainer,
    &digest_explainer,
    &credssp_explainer,
    &tls_explainer,
    NULL,
};

const struct explainer *explain_find(struct bytes token)
{
    for (const struct explainer *const *at = explainers; *at != NULL; at++) {
        if ((*at)->recognise(token)) {
            return *at;
        }
    }
    return NULL;
}

struct json_object *explain_token(struct bytes token, bool reveal)
{
    const struct explainer *explainer = explain_find(token);
    struct json_object *facts = NULL;
    if (explainer != NULL) {
        return explainer->explain(token, reveal);
    }
    facts = facts_new();
    facts_text(facts, "message", token.size == 0 ? "(no token)" : "unknown");
    facts_text(facts, "says", token.size == 0 ? "" : "no kind of token that this build knows");
    facts_number(facts, "bytes", token.size);
    return facts;
}

static const struct explainer *explainer_of(const struct exchange *exchange)
{
    const struct explainer *found = NULL;
    for (size_t i = 0; i < exchange->count && found == NULL; i++) {
        found = explain_find(exchange->legs[i].token);
    }
    return found;
}

struct json_object *explain_odd(const struct exchange *exchange)
{
    const struct explainer *explainer = explainer_of(exchange);
    struct json_object *odd = facts_list();
    if (explainer != NULL && explainer->compare != NULL) {
        explainer->compare(exchange, odd);
    }
    return odd;
}

struct json_object *explain_verify(const struct exchange *exchange, const struct login *login)
{
    const struct explainer *explainer = explainer_of(exchange);
    return explainer != NULL && explainer->verify != NULL ? explainer->verify(exchange, login) : NULL;
}

struct json_object *explain_decrypt(const struct exchange *exchange)
{
    const struct explainer *explainer = explainer_of(exchange);
    return explainer != NULL && explainer->decrypt != NULL ? explainer->decrypt(exchange) : NULL;
}

/* Hexadecimal or base64 to bytes, white space, "0x", ':' and '-' between digits and missing padding forgiven.  False when
 * it is neither, or not the beginning of a token; `out` is then untouched. */
static bool decode_text(struct bytes text, struct bytes *out, bool must_be_known)
{
    AUTO_FREE char *packed = need(calloc(1, text.size + 4));
    AUTO_FREE uint8_t *data = need(calloc(1, text.size + 4));
    size_t digits = 0;
    size_t size = 0;
    bool hex = true;
    bool whole = false;
    size_t at = text.size > 2 && strncasecmp((const char *)text.data, "0x", 2) == 0 ? 2 : 0;
    for (; at < text.size; at++) {
        unsigned char c = text.data[at];
        if (!isspace(c) && c != ':' && c != '-') {
            packed[digits++] = (char)c;
            hex = hex && isxdigit(c);
        }
    }
    if (hex && digits % 2 == 0 && digits > 0) {
        struct base16_decode_ctx context;
        base16_decode_init(&context);
        whole = base16_decode_update(&context, &size, data, digits, packed) && base16_decode_final(&context);
        whole = whole && (!must_be_known || explain_find(bytes_of(data, size)) != NULL);
    }
    if (!whole && digits > 0) {
        struct base64_decode_ctx context;
        while (digits % 4 != 0) {
            packed[digits++] = '=';
        }
        base64_decode_init(&context);
        whole = base64_decode_update(&context, &size, data, digits, packed) && base64_decode_final(&context);
        whole = whole && (!must_be_known || explain_find(bytes_of(data, size)) != NULL);
    }
    if (whole) {
        *out = bytes_of(STEAL(data), size);
    }
    return whole;
}

static void add_token(struct exchange *exchange, struct bytes token, bool direction_known, bool from_client)
{
    AUTO_FACTS facts = explain_token(token, false);
    const char *from = facts_get(facts, "from");
    bool client = direction_known ? from_client : strcmp(from, "server") != 0;
    if (!direction_known && from[0] == '\0' && exchange->count != 0) { /* it does not say: an answer, probably */
        client = !exchange->legs[exchange->count - 1].from_client;
    }
    exchange_add(exchange, client, token);
}

/* One line of a log: a header with a token in it, or a scheme's name and a token. */
static size_t find_header(const regex_t *header, const char *line, struct exchange *exchange)
{
    regmatch_t match[8]; /* 1 the header's name, 3 its last word, 6 the token, 7 a Digest's */
    struct bytes token = BYTES_NONE;
    if (regexec(header, line, 8, match, 0) != 0) {
        return 0;
    }
    bool named = match[1].rm_so >= 0;
    bool to_client = named && strncasecmp(line + match[3].rm_so, "authenticate", 12) == 0;
    if (match[7].rm_so >= 0) {
        add_token(exchange, bytes_of(line + match[7].rm_so, strlen(line + match[7].rm_so)), named, !to_client);
        return 1;
    }
    struct bytes text = bytes_of(line + match[6].rm_so, (size_t)(match[6].rm_eo - match[6].rm_so));
    if (!decode_text(text, &token, !named)) {
        return 0;
    }
    add_token(exchange, token, named, !to_client);
    free((void *)token.data);
    return 1;
}

static size_t find_in_lines(char *text, struct exchange *exchange, bool headers)
{
    static const char pattern[] =
        "^[<>*[:space:]]*((www-|proxy-)?(authenticate|authorization)[[:space:]]*:)?[[:space:]]*"
        "((ntlm|negotiate|kerberos|credssp)[[:space:]]+([A-Za-z0-9+/]+=*)|digest[[:space:]]+([A-Za-z]+=.*))";
    regex_t header;
    size_t found = 0;
    char *rest = NULL;
    if (regcomp(&header, pattern, REG_EXTENDED | REG_ICASE) != 0) {
        return 0;
    }
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
        struct bytes token = BYTES_NONE;
        if (headers) {
            found += find_header(&header, line, exchange);
        } else if (decode_text(bytes_of(line, strlen(line)), &token, true)) {
            add_token(exchange, token, false, false);
            free((void *)token.data);
            found++;
        }
    }
    regfree(&header);
    return found;
}

size_t explain_find_tokens(struct bytes text, struct exchange *exchange)
{
    struct bytes token = BYTES_NONE;
    if (explain_find(text) != NULL) {
        add_token(exchange, text, false, false);
        return 1;
    }
    if (text.size == 0 || memchr(text.data, '\0', text.size) != NULL) {
        return 0;
    }
    for (int headers = 1; headers >= 0; headers--) {
        AUTO_FREE char *copy = need(strndup((const char *)text.data, text.size));
        size_t found = find_in_lines(copy, exchange, headers == 1);
        if (found > 0) {
            return found;
        }
    }
    if (!decode_text(text, &token, true)) {
        return 0;
    }
    add_token(exchange, token, false, false);
    free((void *)token.data);
    return 1;
}
