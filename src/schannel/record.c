#include "schannel/record.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/openssl_errors.h"
#include "schannel.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- framing */

static SECURITY_STATUS check_type(uint8_t type, uint8_t major, uint16_t version)
{
    REQUIRE(type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_APPLICATION_DATA, SEC_E_INVALID_TOKEN,
            "not a record of TLS: no such content type (RFC 8446 5.1)");
    REQUIRE(major == (version >= 0xFE00 ? 0xFE : 0x03), SEC_E_INVALID_TOKEN,
            "not a record of TLS: another major version (RFC 5246 6.2.1)");
    return SEC_E_OK;
}

static SECURITY_STATUS check_header(uint8_t type, uint16_t size, uint16_t version, uint8_t *alert)
{
    *alert = TLS1_ALERT_UNEXPECTED_MESSAGE;
    REQUIRE(version != RECORD_TLS13 || type == RECORD_APPLICATION_DATA, SEC_E_ILLEGAL_MESSAGE,
            "a record that is not protected came after the handshake (RFC 8446 5)");
    *alert = TLS1_ALERT_RECORD_OVERFLOW;
    REQUIRE(size <= (version == RECORD_TLS13 ? RECORD_CIPHER_MAX_13 : RECORD_CIPHER_MAX_12), SEC_E_ILLEGAL_MESSAGE,
            "a record is longer than TLS allows (RFC 8446 5.2, RFC 5246 6.2.3)");
    return SEC_E_OK;
}

SECURITY_STATUS record_peek(struct bytes bytes, uint16_t version, struct record_frame *out, uint8_t *out_alert)
{
    struct reader reader = read_start(bytes);
    size_t header = version >= 0xFE00 ? RECORD_HEADER_DTLS : RECORD_HEADER;
    uint8_t alert = TLS1_ALERT_UNEXPECTED_MESSAGE;
    uint8_t type = read_u8(&reader);
    uint8_t major = read_u8(&reader);
    (void)read_bytes(&reader, header - 4);
    uint16_t size = read_u16be(&reader);
    SECURITY_STATUS status = SEC_E_OK;
    if (bytes.size >= 1) {
        status = check_type(type, bytes.size >= 2 ? major : version >= 0xFE00 ? 0xFE : 0x03, version);
    }
    if (status >= 0 && bytes.size >= header) {
        status = check_header(type, size, version, &alert);
    }
    if (status < 0) {
        if (out_alert != NULL) {
            *out_alert = alert;
        }
        return status;
    }
    struct record_frame frame = {.type = type, .missing = header - bytes.size};
    if (bytes.size >= header) {
        frame.size = header + size;
        frame.missing = bytes.size < frame.size ? frame.size - bytes.size : 0;
    }
    *out = frame;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- one pass of the cipher */

/* What goes through the AEAD: up to two runs of text, which are one message. */
struct pass {
    struct record_direction *direction;
    bool seal;
    uint8_t nonce[RECORD_NONCE];
    uint8_t aad[RECORD_HEADER + 8];
    size_t aad_size;
    struct record_room text;
    struct record_room more; /* the inner type, where it does not lie behind the text */
    uint8_t *tag;            /* written, or compared */
};

static void put_u64be(uint8_t out[8], uint64_t value)
{
    struct writer writer = write_into(out, 8);
    write_u32be(&writer, (uint32_t)(value >> 32));
    write_u32be(&writer, (uint32_t)value);
}

/* The nonce of a record (RFC 8446 5.3, RFC 7905 2): the sequence number XORed into the IV. */
static void xor_nonce(struct pass *pass, uint64_t sequence)
{
    const uint8_t *iv = pass->direction->iv;
    put_u64be(pass->nonce + 4, sequence);
    memcpy(pass->nonce, iv, 4);
    for (size_t i = 4; i < RECORD_NONCE; i++) {
        pass->nonce[i] ^= iv[i];
    }
}

/* Under TLS 1.2 (RFC 5288 3): four bytes that were agreed on, and eight that stand in the record. */
static void join_nonce(struct pass *pass, const uint8_t explicit_part[8])
{
    memcpy(pass->nonce, pass->direction->iv, 4);
    memcpy(pass->nonce + 4, explicit_part, 8);
}

/* additional_data of TLS 1.2 (RFC 5246 6.2.3.3): sequence number, type and version of the header, length of the
 * plaintext. Of TLS 1.3 (RFC 8446 5.2): the header. */
static void set_aad(struct pass *pass, uint64_t sequence, const uint8_t header[RECORD_HEADER], size_t plain_size)
{
    struct writer writer = write_into(pass->aad, sizeof pass->aad);
    if (pass->direction->version == RECORD_TLS13) {
        write_bytes(&writer, bytes_of(header, RECORD_HEADER));
    } else {
        write_u32be(&writer, (uint32_t)(sequence >> 32));
        write_u32be(&writer, (uint32_t)sequence);
        write_bytes(&writer, bytes_of(header, 3));
        write_u16be(&writer, (uint16_t)plain_size);
    }
    pass->aad_size = writer.size;
}

static bool is_ccm(const struct record_direction *direction)
{
    return direction->suite->cipher == SUITE_AES_CCM || direction->suite->cipher == SUITE_AES_CCM_8;
}

static bool update(EVP_CIPHER_CTX *cipher, struct record_room room)
{
    int done = 0;
    return EVP_CipherUpdate(cipher, room.data, &done, room.data, (int)room.size) == 1 && done == (int)room.size;
}

/* True when all went well; for opening, when the tag is right. */
static bool run_cipher(const struct pass *pass)
{
    EVP_CIPHER_CTX *cipher = pass->direction->cipher;
    OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, pass->tag, pass->direction->tag_size),
        OSSL_PARAM_construct_end(),
    };
    int done = 0;
    uint8_t nothing[16];
    if (EVP_CipherInit_ex2(cipher, NULL, NULL, pass->nonce, pass->seal ? 1 : 0, NULL) != 1 ||
        (!pass->seal && EVP_CIPHER_CTX_set_params(cipher, tag) != 1)) {
        return false;
    }
    /* CCM wants to know the length first, and its text in one piece, even an empty one (EVP_EncryptInit(3)). */
    bool ccm = is_ccm(pass->direction);
    if (ccm && EVP_CipherUpdate(cipher, NULL, &done, NULL, (int)pass->text.size) != 1) {
        return false;
    }
    if (EVP_CipherUpdate(cipher, NULL, &done, pass->aad, (int)pass->aad_size) != 1) {
        return false;
    }
    if ((pass->text.size != 0 || ccm) && !update(cipher, pass->text)) {
        return false;
    }
    if (pass->more.size != 0 && !update(cipher, pass->more)) {
        return false;
    }
    if (EVP_CipherFinal_ex(cipher, nothing, &done) != 1) {
        return false;
    }
    return !pass->seal || EVP_CIPHER_CTX_get_params(cipher, tag) == 1;
}

/* CCM takes no message in pieces: the only case that needs memory. */
static bool run_joined(const struct pass *pass)
{
    AUTO_SECRET joined = {NULL, 0};
    if (secret_alloc(&joined, pass->text.size + pass->more.size) < 0) {
        return false;
    }
    struct pass whole = *pass;
    memcpy(joined.data, pass->text.data, pass->text.size);
    memcpy(joined.data + pass->text.size, pass->more.data, pass->more.size);
    whole.text = (struct record_room){joined.data, joined.size};
    whole.more = (struct record_room){NULL, 0};
    bool good = run_cipher(&whole);
    memcpy(pass->text.data, joined.data, pass->text.size);
    memcpy(pass->more.data, joined.data + pass->text.size, pass->more.size);
    return good;
}

static bool run(const struct pass *pass)
{
    openssl_errors_mark();
    bool good = pass->more.size != 0 && is_ccm(pass->direction) ? run_joined(pass) : run_cipher(pass);
    openssl_errors_forget();
    return good;
}

/* ---------------------------------------------------------------- sealing */

static SECURITY_STATUS check_seal(const struct record_direction *direction, uint8_t type, struct record_room header,
                                  struct record_room data, struct record_room trailer)
{
    REQUIRE(data.size <= RECORD_PLAIN_MAX, SEC_E_INVALID_TOKEN,
            "a record has at most 16384 bytes of data (RFC 8446 5.1)");
    REQUIRE(data.size != 0 || type == RECORD_APPLICATION_DATA, SEC_E_INVALID_TOKEN,
            "only records of application data may be empty (RFC 8446 5.1)");
    REQUIRE(header.size >= record_header_size(direction), SEC_E_BUFFER_TOO_SMALL,
            "no room for a record's header (cbHeader of SECPKG_ATTR_STREAM_SIZES)");
    REQUIRE(trailer.size >= record_trailer_size(direction), SEC_E_BUFFER_TOO_SMALL,
            "no room for a record's trailer (cbTrailer of SECPKG_ATTR_STREAM_SIZES)");
    return SEC_E_OK;
}

SECURITY_STATUS record_seal_as(struct record_direction *direction, uint64_t sequence, uint8_t type,
                               struct record_room header, struct record_room data, struct record_room trailer)
{
    TRY(check_seal(direction, type, header, data, trailer));
    bool tls13 = direction->version == RECORD_TLS13;
    size_t body = direction->explicit_size + data.size + record_trailer_size(direction);
    uint8_t empty[1];
    struct pass pass = {.direction = direction, .seal = true, .text = data, .tag = trailer.data + (tls13 ? 1 : 0)};
    struct writer writer = write_into(header.data, header.size);
    write_u8(&writer, tls13 ? RECORD_APPLICATION_DATA : type);
    write_u16be(&writer, RECORD_TLS12);
    write_u16be(&writer, (uint16_t)body);
    set_aad(&pass, sequence, header.data, data.size);
    if (direction->explicit_size != 0) {
        put_u64be(header.data + RECORD_HEADER, direction->nonce_base + sequence);
        join_nonce(&pass, header.data + RECORD_HEADER);
    } else {
        xor_nonce(&pass, sequence);
    }
    if (data.size == 0) {
        pass.text.data = tls13 ? trailer.data : empty;
    }
    if (tls13) {
        trailer.data[0] = type;
        if (pass.text.data + data.size == trailer.data) {
            pass.text.size++;
        } else {
            pass.more = (struct record_room){trailer.data, 1};
        }
    }
    if (!run(&pass)) {
        secret_wipe(data.data, data.size);
        direction->dead = true;
        direction->alert = TLS1_ALERT_INTERNAL_ERROR;
        FAIL(SEC_E_ENCRYPT_FAILURE, "the cipher failed");
    }
    return SEC_E_OK;
}

SECURITY_STATUS record_seal(struct record_direction *direction, uint8_t type, struct record_room header,
                            struct record_room data, struct record_room trailer)
{
    REQUIRE(!direction->dead, SEC_E_CONTEXT_EXPIRED, "this direction of the connection has ended (RFC 8446 6.2)");
    REQUIRE(direction->sequence != UINT64_MAX, SEC_E_CONTEXT_EXPIRED,
            "the sequence number would wrap (RFC 8446 5.3, RFC 5246 6.1)");
    TRY(record_seal_as(direction, direction->sequence, type, header, data, trailer));
    direction->sequence++;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- opening */

/* Where the content with its type ends: behind the last byte that is not zero.  A record that has padding is
 * walked through whole, so that time does not tell how much (RFC 8446 5.4, E.3). */
static size_t without_padding(const uint8_t *text, size_t size)
{
    if (size == 0 || text[size - 1] != 0) {
        return size;
    }
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        size_t mask = (size_t)0 - (size_t)((text[i] + 0xFFu) >> 8); /* all ones unless the byte is zero */
        end ^= (end ^ (i + 1)) & mask;
    }
    return end;
}

/* The inner type and the content of TLS 1.3 (RFC 8446 5.4). */
static SECURITY_STATUS look_inside(struct record_room text, struct record_content *out, uint8_t *alert)
{
    *alert = TLS1_ALERT_RECORD_OVERFLOW;
    REQUIRE(text.size <= RECORD_PLAIN_MAX + 1, SEC_E_ILLEGAL_MESSAGE,
            "a record has more than 16384 bytes of content (RFC 8446 5.4)");
    *alert = TLS1_ALERT_UNEXPECTED_MESSAGE;
    size_t end = without_padding(text.data, text.size);
    REQUIRE(end != 0, SEC_E_ILLEGAL_MESSAGE, "a record has no content type (RFC 8446 5.4)");
    uint8_t type = text.data[end - 1];
    REQUIRE(type >= RECORD_ALERT && type <= RECORD_APPLICATION_DATA, SEC_E_ILLEGAL_MESSAGE,
            "a record has a content type that TLS 1.3 does not protect (RFC 8446 5)");
    REQUIRE(end > 1 || type == RECORD_APPLICATION_DATA, SEC_E_ILLEGAL_MESSAGE,
            "a handshake or alert record is empty (RFC 8446 5.4)");
    *out = (struct record_content){type, text.data, end - 1};
    return SEC_E_OK;
}

static SECURITY_STATUS judge(const struct pass *pass, uint8_t type, struct record_content *out, uint8_t *alert)
{
    if (pass->direction->version == RECORD_TLS13) {
        return look_inside(pass->text, out, alert);
    }
    *alert = TLS1_ALERT_RECORD_OVERFLOW;
    REQUIRE(pass->text.size <= RECORD_PLAIN_MAX, SEC_E_ILLEGAL_MESSAGE,
            "a record has more than 16384 bytes of content (RFC 5246 6.2.1)");
    *alert = TLS1_ALERT_UNEXPECTED_MESSAGE;
    REQUIRE(pass->text.size != 0 || type == RECORD_APPLICATION_DATA, SEC_E_ILLEGAL_MESSAGE,
            "a record that is not application data is empty (RFC 5246 6.2.1)");
    *out = (struct record_content){type, pass->text.data, pass->text.size};
    return SEC_E_OK;
}

static SECURITY_STATUS open_record(struct record_direction *direction, uint64_t sequence, struct record_room record,
                                   struct record_content *out, uint8_t *alert)
{
    struct record_frame frame;
    *alert = TLS1_ALERT_UNEXPECTED_MESSAGE;
    TRY(record_peek(bytes_of(record.data, record.size), direction->version, &frame, alert));
    REQUIRE(frame.size == record.size, SEC_E_INVALID_TOKEN, "not exactly one whole record");
    *alert = TLS1_ALERT_BAD_RECORD_MAC;
    size_t before = record_header_size(direction);
    REQUIRE(record.size >= before + direction->tag_size, SEC_E_INVALID_TOKEN,
            "a record is shorter than its nonce and tag (RFC 5246 6.2.3.3)");
    struct pass pass = {
        .direction = direction,
        .text = {record.data + before, record.size - before - direction->tag_size},
        .tag = record.data + record.size - direction->tag_size,
    };
    set_aad(&pass, sequence, record.data, pass.text.size);
    if (direction->explicit_size != 0) {
        join_nonce(&pass, record.data + RECORD_HEADER);
    } else {
        xor_nonce(&pass, sequence);
    }
    SECURITY_STATUS status = SEC_E_OK;
    if (run(&pass)) {
        status = judge(&pass, frame.type, out, alert);
    } else {
        status = status_fail(SEC_E_MESSAGE_ALTERED, "a record does not verify (RFC 8446 5.2, RFC 5246 6.2.3.3)",
                             __FILE__, __LINE__);
    }
    if (status < 0) {
        secret_wipe(pass.text.data, pass.text.size);
    }
    return status;
}

SECURITY_STATUS record_open_as(struct record_direction *direction, uint64_t sequence, struct record_room record,
                               struct record_content *out)
{
    uint8_t alert;
    return open_record(direction, sequence, record, out, &alert);
}

SECURITY_STATUS record_open(struct record_direction *direction, struct record_room record, struct record_content *out)
{
    REQUIRE(!direction->dead, SEC_E_CONTEXT_EXPIRED, "this direction of the connection has ended (RFC 8446 6.2)");
    REQUIRE(direction->sequence != UINT64_MAX, SEC_E_CONTEXT_EXPIRED,
            "the sequence number would wrap (RFC 8446 5.3, RFC 5246 6.1)");
    uint8_t alert = 0;
    SECURITY_STATUS status = open_record(direction, direction->sequence, record, out, &alert);
    if (status < 0) {
        direction->dead = true;
        direction->alert = alert;
        return status;
    }
    direction->sequence++;
    return SEC_E_OK;
}
