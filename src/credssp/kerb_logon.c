#include "credssp/kerb_logon.h"

#include "wire/reader.h"

#define TYPE_INTERACTIVE 2
#define TYPE_TICKET      10
#define TYPE_CERTIFICATE 13

#define INTERACTIVE_SIZE 56
#define CERTIFICATE_SIZE 72
#define TICKET_SIZE      32
#define CSP_INFO_SIZE    40

#define PACKED_MAX TS_CREDENTIALS_MAX /* nobody's credentials are larger; offsets beyond are pointers */

static const uint8_t kerberos_name[] = {'K', 0, 'e', 0, 'r', 0, 'b', 0, 'e', 0, 'r', 0, 'o', 0, 's', 0};

/* ---------------------------------------------------------------- in */

/* A UNICODE_STRING; an absent one has data NULL. */
static struct utf16 take_string(struct reader *reader)
{
    uint16_t size = read_u16le(reader);
    (void)read_u16le(reader);
    (void)read_u32le(reader);
    uint64_t offset = read_u64le(reader);
    reader->bad = reader->bad || size % 2 != 0;
    return size == 0 ? UTF16_NONE : utf16_of(read_at(reader, offset, size));
}

/* One of the texts behind KERB_SMARTCARD_CSP_INFO, which ends with a NUL. */
static struct utf16 take_csp_text(struct reader *info, struct bytes texts)
{
    uint32_t at = read_u32le(info);
    struct reader reader = read_start(texts);
    (void)read_bytes(&reader, 2 * (size_t)at);
    struct utf16 rest = utf16_of(read_bytes(&reader, read_left(&reader)));
    size_t end = utf16_find(rest, 0);
    info->bad = info->bad || reader.bad || end == SIZE_MAX;
    return end == SIZE_MAX || end == 0 ? UTF16_NONE : utf16_head(rest, end);
}

static void take_csp_info(struct bytes data, struct reader *whole, struct ts_smart_card *out)
{
    struct reader info = read_start(data);
    struct reader all = read_start(data);
    (void)read_bytes(&all, CSP_INFO_SIZE);
    struct bytes texts = read_bytes(&all, read_left(&all));
    (void)read_bytes(&info, 20);
    out->key_spec = read_u32le(&info);
    out->card = take_csp_text(&info, texts);
    out->reader = take_csp_text(&info, texts);
    out->container = take_csp_text(&info, texts);
    out->csp = take_csp_text(&info, texts);
    whole->bad = whole->bad || info.bad || all.bad;
}

static void take_certificate(struct reader *reader, struct ts_credentials *out)
{
    out->type = TS_SMART_CARD;
    (void)read_u32le(reader);
    out->smart_card.domain = take_string(reader);
    out->smart_card.user = take_string(reader);
    out->smart_card.pin = take_string(reader);
    (void)read_u32le(reader); /* flags: for whoever logs on */
    uint32_t size = read_u32le(reader);
    uint64_t offset = read_u64le(reader);
    take_csp_info(read_at(reader, offset, size), reader, &out->smart_card);
}

static void take_interactive(struct reader *reader, struct ts_credentials *out)
{
    out->type = TS_PASSWORD;
    (void)read_u32le(reader);
    out->password.domain = take_string(reader);
    out->password.user = take_string(reader);
    out->password.password = take_string(reader);
}

static void take_ticket(struct reader *reader, struct ts_credentials *out)
{
    out->type = TS_REMOTE_GUARD;
    (void)read_u32le(reader);
    uint64_t sizes[2] = {read_u32le(reader), read_u32le(reader)};
    uint64_t end = TICKET_SIZE;
    for (size_t i = 0; i < 2; i++) {
        uint64_t offset = read_u64le(reader);
        struct bytes ticket = read_at(reader, offset, sizes[i]);
        if (ticket.size != 0 && offset + ticket.size > end) {
            end = offset + ticket.size;
        }
    }
    out->remote_guard = (struct ts_remote_guard){
        .logon = {(struct utf16){kerberos_name, sizeof kerberos_name}, read_at(reader, 0, end)}};
}

SECURITY_STATUS kerb_logon_parse(const void *packed, struct ts_credentials *out)
{
    struct reader reader = read_start(bytes_of(packed, PACKED_MAX));
    struct ts_credentials found = {.owner = NULL};
    switch (read_u32le(&reader)) {
    case TYPE_INTERACTIVE:
        take_interactive(&reader, &found);
        break;
    case TYPE_CERTIFICATE:
        take_certificate(&reader, &found);
        break;
    case TYPE_TICKET:
        take_ticket(&reader, &found);
        break;
    default:
        FAIL(SEC_E_UNKNOWN_CREDENTIALS, "CREDSSP_CRED: pSpnegoCred is no packed logon of a type that can be delegated");
    }
    REQUIRE(!reader.bad, SEC_E_UNKNOWN_CREDENTIALS,
            "CREDSSP_CRED: pSpnegoCred is not packed: its members do not hold offsets within 64 KiB");
    *out = found;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- out */

/* A UNICODE_STRING whose text will stand at *at. */
static void put_string(struct writer *out, struct utf16 text, uint64_t *at)
{
    write_u16le(out, (uint16_t)text.size);
    write_u16le(out, (uint16_t)text.size);
    write_u32le(out, 0);
    write_u64le(out, *at);
    *at += text.size;
}

static SECURITY_STATUS check_text(struct utf16 text)
{
    REQUIRE(text.size <= UINT16_MAX, SEC_E_BUFFER_TOO_SMALL, "a text longer than a UNICODE_STRING holds");
    return SEC_E_OK;
}

static SECURITY_STATUS build_interactive(const struct ts_password *password, struct writer *out)
{
    uint64_t at = INTERACTIVE_SIZE;
    const struct utf16 texts[] = {password->domain, password->user, password->password};
    write_u32le(out, TYPE_INTERACTIVE);
    write_u32le(out, 0);
    for (size_t i = 0; i < 3; i++) {
        TRY(check_text(texts[i]));
        put_string(out, texts[i], &at);
    }
    for (size_t i = 0; i < 3; i++) {
        write_bytes(out, utf16_bytes(texts[i]));
    }
    return write_end(out);
}

static void build_csp_info(const struct ts_smart_card *card, size_t size, struct writer *out)
{
    const struct utf16 texts[] = {card->card, card->reader, card->container, card->csp};
    uint32_t at = 0;
    write_u32le(out, (uint32_t)size);
    write_u32le(out, 1);
    write_u64le(out, 0);
    write_u32le(out, 0);
    write_u32le(out, card->key_spec);
    for (size_t i = 0; i < 4; i++) {
        write_u32le(out, at);
        at += (uint32_t)utf16_length(texts[i]) + 1;
    }
    for (size_t i = 0; i < 4; i++) {
        write_bytes(out, utf16_bytes(texts[i]));
        write_u16le(out, 0);
    }
}

static SECURITY_STATUS build_certificate(const struct ts_smart_card *card, struct writer *out)
{
    uint64_t at = CERTIFICATE_SIZE;
    const struct utf16 texts[] = {card->domain, card->user, card->pin};
    size_t csp_size =
        CSP_INFO_SIZE + card->card.size + card->reader.size + card->container.size + card->csp.size + 4 * (size_t)2;
    write_u32le(out, TYPE_CERTIFICATE);
    write_u32le(out, 0);
    for (size_t i = 0; i < 3; i++) {
        TRY(check_text(texts[i]));
        put_string(out, texts[i], &at);
    }
    write_u32le(out, 0);
    write_u32le(out, (uint32_t)csp_size);
    write_u64le(out, at);
    for (size_t i = 0; i < 3; i++) {
        write_bytes(out, utf16_bytes(texts[i]));
    }
    build_csp_info(card, csp_size, out);
    return write_end(out);
}

SECURITY_STATUS kerb_logon_build(const struct ts_credentials *credentials, struct writer *out)
{
    switch (credentials->type) {
    case TS_PASSWORD:
        return build_interactive(&credentials->password, out);
    case TS_SMART_CARD:
        return build_certificate(&credentials->smart_card, out);
    default:
        write_bytes(out, credentials->remote_guard.logon.buffer);
        return write_end(out);
    }
}
