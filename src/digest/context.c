#include "digest/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

SECURITY_STATUS digest_context_new(bool initiator, bool http, uint32_t request, struct digest_credential *credential,
                                   struct digest_context **out)
{
    struct digest_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, credential != NULL ? credential->base.package : &digest_package, initiator);
    if (credential != NULL) {
        context->credential = (struct digest_credential *)credential_hold(&credential->base);
    }
    context->http = http;
    context->request = request;
    context->receive_limit = DIGEST_BUFFER;
    context->send_limit = DIGEST_BUFFER;
    /* By HTTP signing and verifying work on one count. */
    atomic_store_explicit(&context->base.one_stream, http, memory_order_relaxed);
    *out = context;
    return SEC_E_OK;
}

void digest_layers_end(struct digest_context *context)
{
    if (context->send != NULL) {
        secret_wipe(context->send, 2 * digest_layer_size(context->cipher));
        free(context->send);
        context->send = NULL;
        context->receive = NULL;
    }
}

static void unlist(struct digest_context *context);

void digest_dispose(struct context *base)
{
    struct digest_context *context = (struct digest_context *)base;
    unlist(context);
    digest_layers_end(context);
    free(context->strings);
    context_fini(base);
    if (context->credential != NULL) {
        credential_drop(&context->credential->base);
    }
    secret_wipe(context, sizeof *context);
    free(context);
}

/* ---------------------------------------------------------------- strings */

SECURITY_STATUS digest_strings_set(struct digest_context *context, const struct bytes strings[DIGEST_TEXTS])
{
    size_t total = 0;
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        REQUIRE(strings[i].size <= DIGEST_MAX_INPUT, SEC_E_INVALID_TOKEN, "Digest: a value of more than 8 KiB");
        total += strings[i].size;
    }
    struct digest_strings *made = malloc(sizeof *made + total);
    REQUIRE(made != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session's names");
    struct writer writer = write_into(made->text, total);
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        made->size[i] = (uint16_t)strings[i].size;
        write_bytes(&writer, strings[i]);
    }
    free(context->strings); /* last: the new strings may be slices of the old ones */
    context->strings = made;
    return SEC_E_OK;
}

void digest_strings_get(const struct digest_context *context, struct bytes out[DIGEST_TEXTS])
{
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        out[i] = digest_string(context, (enum digest_string)i);
    }
}

/* ---------------------------------------------------------------- what a response is made of */

void digest_question_of(const struct digest_context *context, struct digest_question *out)
{
    *out = (struct digest_question){
        .algorithm = context->algorithm,
        .sasl = !context->http,
        .qop = context->qop,
        .uri = digest_string(context, DIGEST_TEXT_URI),
        .nonce = digest_string(context, DIGEST_TEXT_NONCE),
        .cnonce = digest_string(context, DIGEST_TEXT_CNONCE),
        .authzid = digest_string(context, DIGEST_TEXT_AUTHZID),
        .has_authzid = context->has_authzid,
    };
    if (!context->http) {
        out->method = bytes_of("AUTHENTICATE", 12); /* RFC 2831 2.1.2.1 */
    }
}

void digest_count_text(uint32_t count, char out[8])
{
    for (size_t i = 0; i < 8; i++) {
        out[i] = "0123456789abcdef"[count >> (28 - 4 * i) & 15];
    }
}

struct bytes digest_parameter_raw(const struct buffers *buffers, size_t index)
{
    for (size_t i = 0; buffers != NULL && i < buffers->count; i++) {
        if (buffer_type(&buffers->at[i]) == SECBUFFER_PKG_PARAMS && index-- == 0) {
            return buffer_bytes(&buffers->at[i]);
        }
    }
    return BYTES_NONE;
}

struct bytes digest_parameter(const struct buffers *buffers, size_t index)
{
    struct bytes value = digest_parameter_raw(buffers, index);
    bool terminated = value.size != 0 && value.data[value.size - 1] == 0;
    return bytes_of(value.data, terminated ? value.size - 1 : value.size);
}

static bool is_hexadecimal(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i], low = c | 0x20;
        if ((c < '0' || c > '9') && (low < 'a' || low > 'f')) {
            return false;
        }
    }
    return true;
}

SECURITY_STATUS digest_entity(enum digest_hash hash, struct bytes given, const struct buffers *buffers,
                              struct digest_text *out)
{
    if (given.size == 0) {
        const SecBuffer *data = buffers_find(buffers, SECBUFFER_DATA);
        struct bytes body = data != NULL ? buffer_bytes(data) : BYTES_NONE;
        struct digest_value value;
        digest_hash(hash, &body, 1, &value);
        digest_hex(hash, &value, out);
        return SEC_E_OK;
    }
    REQUIRE(given.size == 2 * digest_hash_size(hash) && is_hexadecimal(given), SEC_E_INVALID_TOKEN,
            "H(entity) is not as many hexadecimal digits as the algorithm has (Input Buffers for the Digest Challenge "
            "Response)");
    struct writer writer = write_into(out->digits, sizeof out->digits);
    write_bytes(&writer, given);
    for (size_t i = 0; i < given.size; i++) {
        out->digits[i] =
            (char)(out->digits[i] >= 'A' && out->digits[i] <= 'F' ? out->digits[i] | 0x20 : out->digits[i]);
    }
    out->size = (uint8_t)given.size;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- an established context */

SECURITY_STATUS digest_layers_start(struct digest_context *context)
{
    if (context->http || (context->qop & (DIGEST_QOP_INT | DIGEST_QOP_CONF)) == 0) {
        return SEC_E_OK;
    }
    digest_layers_end(context);
    size_t size = digest_layer_size(context->cipher);
    uint8_t *memory = malloc(2 * size);
    REQUIRE(memory != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a security layer");
    context->send = (struct digest_layer *)(void *)memory;
    context->receive = (struct digest_layer *)(void *)(memory + size);
    digest_layer_start(context->send, &context->session_key, context->cipher, context->base.initiator);
    digest_layer_start(context->receive, &context->session_key, context->cipher, !context->base.initiator);
    return SEC_E_OK;
}

/* What was agreed upon, and which mode this is (flag matrix).  ISC_RET_* and ASC_RET_* have integrity in different bits. */
uint32_t digest_flags(const struct digest_context *context)
{
    uint32_t integrity = context->base.initiator ? ISC_RET_INTEGRITY : ASC_RET_INTEGRITY;
    uint32_t flags = context->http ? context->request & (DIGEST_REQ_HTTP | ISC_REQ_USE_HTTP_STYLE) : 0;
    if ((context->qop & (DIGEST_QOP_INT | DIGEST_QOP_CONF)) != 0) {
        flags |= integrity | ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT;
    }
    return flags | (context->qop == DIGEST_QOP_CONF ? ISC_RET_CONFIDENTIALITY : 0u);
}

/* ---------------------------------------------------------------- contexts by opaque */

/* `opaque` is random: any of its digits spread well. */
static size_t bucket_of(struct bytes opaque)
{
    size_t number = 0;
    for (size_t i = 0; i < 4 && i < opaque.size; i++) {
        number = number * 31 + opaque.data[i];
    }
    return number % DIGEST_BUCKETS;
}

void digest_context_list(struct digest_context *context)
{
    struct digest_credential *credential = context->credential;
    size_t bucket = bucket_of(bytes_of(context->opaque, sizeof context->opaque));
    if (context->listed || context->base.handle.dwLower == 0) {
        return;
    }
    pthread_mutex_lock(&credential->lock);
    context->next = credential->buckets[bucket];
    credential->buckets[bucket] = context;
    context->listed = true;
    pthread_mutex_unlock(&credential->lock);
}

static void unlist(struct digest_context *context)
{
    if (!context->listed) {
        return;
    }
    struct digest_credential *credential = context->credential;
    pthread_mutex_lock(&credential->lock);
    struct digest_context **at = &credential->buckets[bucket_of(bytes_of(context->opaque, sizeof context->opaque))];
    while (*at != context) {
        at = &(*at)->next;
    }
    *at = context->next;
    pthread_mutex_unlock(&credential->lock);
    context->listed = false;
}

bool digest_context_find(struct digest_credential *credential, struct bytes opaque, SecHandle *out)
{
    bool found = false;
    if (opaque.size != DIGEST_OPAQUE_SIZE) {
        return false;
    }
    pthread_mutex_lock(&credential->lock);
    for (const struct digest_context *at = credential->buckets[bucket_of(opaque)]; at != NULL && !found;
         at = at->next) {
        if (memcmp(at->opaque, opaque.data, sizeof at->opaque) == 0) {
            *out = at->base.handle;
            found = true;
        }
    }
    pthread_mutex_unlock(&credential->lock);
    return found;
}
