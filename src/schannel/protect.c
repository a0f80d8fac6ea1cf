#include "schannel/protect.h"

#include <string.h>

#include "base/secret.h"
#include "schannel.h"

/* handshake type key_update, length 1, update_not_requested (RFC 8446 4.6.3) */
static const uint8_t key_update[5] = {24, 0, 0, 1, 0};

/* What a record may have beside its header and its text (RFC 8446 5.2): programs make the buffer that they receive into as
 * large as the three of SecPkgContext_StreamSizes together, and a peer may pad. */
#define TLS13_EXPANSION 256

static size_t update_size(const struct suite *suite)
{
    return RECORD_HEADER + sizeof key_update + 1 + suite_tag_size(suite);
}

struct suite_sizes protect_sizes(const struct suite *suite, uint16_t version)
{
    struct suite_sizes sizes = suite_stream_sizes(suite, version);
    if (version == RECORD_TLS13) { /* of a record's 256 bytes beside the text, EncryptMessage uses at most these */
        sizes.trailer += (uint32_t)update_size(suite);
        sizes.trailer = sizes.trailer > TLS13_EXPANSION ? sizes.trailer : TLS13_EXPANSION;
    }
    return sizes;
}

/* ---------------------------------------------------------------- EncryptMessage */

/* Sorts the buffers; false when there are two of a kind that may be there once. */
static bool sort_parts(const struct buffers *message, struct protect_parts *out)
{
    for (size_t i = 0; i < message->count; i++) {
        SecBuffer *buffer = &message->at[i];
        uint32_t type = buffer_type(buffer);
        bool token = type == SECBUFFER_TOKEN;
        SecBuffer **place = NULL;
        if (type == SECBUFFER_DATA) {
            place = &out->data;
        } else if (type == SECBUFFER_STREAM_HEADER || (token && out->data == NULL)) {
            place = &out->header;
        } else if (type == SECBUFFER_STREAM_TRAILER || token) {
            place = &out->trailer;
        }
        if (place != NULL && *place != NULL) {
            return false;
        }
        if (place != NULL) {
            *place = buffer;
        }
    }
    return true;
}

static SECURITY_STATUS check_alert(const SecBuffer *data)
{
    struct bytes alert = buffer_bytes(data);
    REQUIRE(alert.size == 2 && (alert.data[0] == TLS1_ALERT_WARNING || alert.data[0] == TLS1_ALERT_FATAL),
            SEC_E_INVALID_TOKEN,
            "SECQOP_WRAP_OOB_DATA: the data is not an alert of level and description (RFC 8446 6)");
    return SEC_E_OK;
}

SECURITY_STATUS protect_find_parts(const struct buffers *message, uint32_t qop, struct protect_parts *out)
{
    struct protect_parts parts = {NULL, NULL, NULL, RECORD_APPLICATION_DATA};
    REQUIRE(qop == 0 || qop == SECQOP_WRAP_OOB_DATA, SEC_E_QOP_NOT_SUPPORTED,
            "fQOP is neither 0 nor SECQOP_WRAP_OOB_DATA");
    REQUIRE(sort_parts(message, &parts), SEC_E_INVALID_TOKEN,
            "more than one buffer for the data, the header or the trailer (EncryptMessage, Schannel)");
    REQUIRE(parts.data != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA to encrypt");
    REQUIRE(parts.header != NULL && parts.trailer != NULL, SEC_E_INVALID_TOKEN,
            "no SECBUFFER_STREAM_HEADER or no SECBUFFER_STREAM_TRAILER (EncryptMessage, Schannel)");
    REQUIRE(!buffer_is_readonly(parts.data) && !buffer_is_readonly(parts.header) && !buffer_is_readonly(parts.trailer),
            SEC_E_INVALID_TOKEN, "a buffer that is READONLY cannot take a record");
    REQUIRE(parts.data->cbBuffer <= RECORD_PLAIN_MAX, SEC_E_ENCRYPT_FAILURE,
            "more data than a record holds (cbMaximumMessage of SECPKG_ATTR_STREAM_SIZES)");
    if (qop == SECQOP_WRAP_OOB_DATA) {
        TRY(check_alert(parts.data));
        parts.type = RECORD_ALERT;
    }
    *out = parts;
    return SEC_E_OK;
}

void protect_sealed(const struct protect_parts *parts, size_t header, size_t data, size_t trailer)
{
    parts->header->cbBuffer = (uint32_t)header;
    parts->data->cbBuffer = (uint32_t)data;
    parts->trailer->cbBuffer = (uint32_t)trailer;
}

static struct record_room room_of(const SecBuffer *buffer)
{
    return (struct record_room){buffer->pvBuffer, buffer->cbBuffer};
}

/* Makes room for `front` before the data: it moves back, and what no longer fits goes into `spill`, which has
 * front.size bytes of room. */
static void push_back(struct record_room data, struct bytes front, uint8_t *spill)
{
    if (data.size >= front.size) {
        size_t stay = data.size - front.size;
        memcpy(spill, data.data + stay, front.size);
        memmove(data.data + front.size, data.data, stay);
        memcpy(data.data, front.data, front.size);
        return;
    }
    size_t rest = front.size - data.size;
    if (data.size != 0) {
        memcpy(spill + rest, data.data, data.size);
        memcpy(data.data, front.data, data.size);
    }
    memcpy(spill, front.data + data.size, rest);
}

/* A KeyUpdate record, and the message's own under the next key.  The wire's bytes are
 *
 *     update record | header | data | trailer        and come back as
 *     header: its first 5 | data: as many as there was data | trailer: the rest */
static SECURITY_STATUS seal_with_update(struct record_direction *send, const struct protect_parts *parts)
{
    uint8_t update[PROTECT_UPDATE_MAX], front[PROTECT_UPDATE_MAX], tail[1 + 16];
    size_t size = update_size(send->suite);
    struct record_room data = room_of(parts->data);
    uint8_t *trailer = parts->trailer->pvBuffer;
    memcpy(update + RECORD_HEADER, key_update, sizeof key_update);
    TRY(record_seal(send, RECORD_HANDSHAKE, (struct record_room){update, RECORD_HEADER},
                    (struct record_room){update + RECORD_HEADER, sizeof key_update},
                    (struct record_room){update + RECORD_HEADER + sizeof key_update, record_trailer_size(send)}));
    TRY(record_update(send));
    memcpy(front, update + RECORD_HEADER, size - RECORD_HEADER);
    TRY(record_seal(send, parts->type, (struct record_room){front + size - RECORD_HEADER, RECORD_HEADER}, data,
                    (struct record_room){tail, sizeof tail}));
    push_back(data, bytes_of(front, size), trailer);
    memcpy(trailer + size, tail, record_trailer_size(send));
    memcpy(parts->header->pvBuffer, update, RECORD_HEADER);
    protect_sealed(parts, RECORD_HEADER, data.size, size + record_trailer_size(send));
    return SEC_E_OK;
}

/* Is a KeyUpdate due, and is there room for it? */
static bool updates_now(const struct record_direction *send, const struct protect_parts *parts, atomic_bool *update_due)
{
    if (send->version != RECORD_TLS13 || send->dead) {
        return false;
    }
    bool asked = update_due != NULL && atomic_load_explicit(update_due, memory_order_acquire);
    if (__builtin_expect(!asked && !record_wants_update(send), 1)) {
        return false;
    }
    if (parts->header->cbBuffer < RECORD_HEADER ||
        parts->trailer->cbBuffer < record_trailer_size(send) + update_size(send->suite)) {
        return false;
    }
    if (asked) {
        atomic_store_explicit(update_due, false, memory_order_relaxed);
    }
    return true;
}

SECURITY_STATUS protect_seal(struct record_direction *send, uint32_t qop, const struct buffers *message,
                             atomic_bool *update_due)
{
    struct protect_parts parts;
    TRY(protect_find_parts(message, qop, &parts));
    if (updates_now(send, &parts, update_due)) {
        return seal_with_update(send, &parts);
    }
    TRY(record_seal(send, parts.type, room_of(parts.header), room_of(parts.data), room_of(parts.trailer)));
    protect_sealed(&parts, record_header_size(send), parts.data->cbBuffer, record_trailer_size(send));
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- DecryptMessage */

static SecBuffer *next_empty(const struct buffers *message, const SecBuffer *after)
{
    for (size_t i = after == NULL ? 0 : (size_t)(after - message->at) + 1; i < message->count; i++) {
        if (buffer_type(&message->at[i]) == SECBUFFER_EMPTY) {
            return &message->at[i];
        }
    }
    return NULL;
}

static SECURITY_STATUS find_data(const struct buffers *message, SecBuffer **out)
{
    size_t data = 0, empty = 0;
    for (size_t i = 0; i < message->count; i++) {
        uint32_t type = buffer_type(&message->at[i]);
        data += type == SECBUFFER_DATA ? 1 : 0;
        empty += type == SECBUFFER_EMPTY ? 1 : 0;
    }
    REQUIRE(data == 1 && empty >= 3 && data + empty == message->count, SEC_E_INVALID_TOKEN,
            "the buffers are not one SECBUFFER_DATA and three SECBUFFER_EMPTY (DecryptMessage, Schannel)");
    SecBuffer *found = buffers_find(message, SECBUFFER_DATA);
    REQUIRE(!buffer_is_readonly(found), SEC_E_INVALID_TOKEN, "a buffer that is READONLY cannot be decrypted in place");
    *out = found;
    return SEC_E_OK;
}

static void become(SecBuffer *buffer, uint32_t type, uint8_t *data, size_t size)
{
    buffer->BufferType = type;
    buffer->pvBuffer = data;
    buffer->cbBuffer = (uint32_t)size;
}

SECURITY_STATUS protect_take(const struct buffers *message, uint16_t version, struct protect_input *out,
                             uint8_t *out_alert)
{
    SecBuffer *data = NULL;
    struct record_frame frame;
    TRY(find_data(message, &data));
    TRY(record_peek(buffer_bytes(data), version, &frame, out_alert));
    if (frame.missing != 0) {
        SecBuffer *empty = next_empty(message, NULL);
        become(data, SECBUFFER_MISSING, data->pvBuffer, frame.missing);
        become(empty, SECBUFFER_MISSING, empty->pvBuffer, frame.missing);
        FAIL(SEC_E_INCOMPLETE_MESSAGE, "the record is not complete yet");
    }
    *out = (struct protect_input){
        .message = message,
        .data = data,
        .record = {data->pvBuffer, frame.size},
        .left = data->cbBuffer - frame.size,
        .type = frame.type,
    };
    return SEC_E_OK;
}

void protect_give(const struct protect_input *input, const struct record_content *content)
{
    uint8_t *end = input->record.data + input->record.size;
    SecBuffer *data = next_empty(input->message, NULL);
    SecBuffer *trailer = next_empty(input->message, data);
    SecBuffer *extra = next_empty(input->message, trailer);
    become(input->data, SECBUFFER_STREAM_HEADER, input->record.data, (size_t)(content->data - input->record.data));
    become(data, SECBUFFER_DATA, content->data, content->size);
    become(trailer, SECBUFFER_STREAM_TRAILER, content->data + content->size,
           (size_t)(end - content->data) - content->size);
    if (input->left != 0) {
        become(extra, SECBUFFER_EXTRA, end, input->left);
    }
}
