#include "cert/base64.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/auto.h"
#include "base/secret.h"

STATUS base64_write(struct bytes data, bool url, struct writer *out)
{
    AUTO_SECRET text = {NULL, 0};
    size_t size;
    if (data.size == 0) {
        return SEC_E_OK;
    }
    REQUIRE(data.size <= INT32_MAX / 2, SEC_E_INVALID_PARAMETER, "base64: more than 1 GB");
    TRY(secret_alloc(&text, (data.size + 2) / 3 * 4 + 1)); /* EVP_EncodeBlock writes a NUL */
    size = (size_t)EVP_EncodeBlock(text.data, data.data, (int)data.size);
    for (size_t i = 0; url && i < size; i++) {
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    }
    while (url && size > 0 && text.data[size - 1] == '=') {
        size--;
    }
    write_bytes(out, bytes_of(text.data, size));
    return SEC_E_OK;
}

static bool is_space(uint8_t character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* The value that the plain alphabet has for this character, or 0 for one that is not in the alphabet asked for. */
static uint8_t plain(uint8_t character, bool url)
{
    if (url) {
        return character == '-' ? '+' : character == '_' ? '/' : character == '+' || character == '/' ? 0 : character;
    }
    return character;
}

STATUS base64_read(struct bytes text, bool url, struct writer *out)
{
    AUTO_SECRET packed = {NULL, 0}, data = {NULL, 0};
    size_t size = 0, padding = 0;
    int decoded;
    REQUIRE(text.size <= INT32_MAX / 2, SEC_E_INVALID_TOKEN, "base64: more than 1 GB");
    TRY(secret_alloc(&packed, text.size + 4));
    for (size_t i = 0; i < text.size; i++) {
        if (!is_space(text.data[i])) {
            packed.data[size++] = plain(text.data[i], url);
        }
    }
    if (url) {
        REQUIRE(memchr(packed.data, '=', size) == NULL, SEC_E_INVALID_TOKEN, "base64url: padded (RFC 4648 5)");
        while (size % 4 != 0) {
            packed.data[size++] = '=';
        }
    }
    if (size == 0) {
        return SEC_E_OK;
    }
    while (padding < 3 && padding < size && packed.data[size - 1 - padding] == '=') {
        padding++;
    }
    REQUIRE(size % 4 == 0 && padding <= 2 && memchr(packed.data, '=', size - padding) == NULL, SEC_E_INVALID_TOKEN,
            "base64: padded wrongly, or not to its end (RFC 4648 4)");
    TRY(secret_alloc(&data, size / 4 * 3));
    decoded = EVP_DecodeBlock(data.data, packed.data, (int)size);
    REQUIRE(decoded == (int)(size / 4 * 3), SEC_E_INVALID_TOKEN, "base64: a character that is none of it (RFC 4648 4)");
    write_bytes(out, bytes_of(data.data, (size_t)decoded - padding));
    return SEC_E_OK;
}

static int digit(uint8_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

STATUS hex_read(struct bytes text, struct writer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        REQUIRE(i + 1 < text.size && digit(text.data[i]) >= 0 && digit(text.data[i + 1]) >= 0, SEC_E_INVALID_TOKEN,
                "hexadecimal: not pairs of digits");
        write_u8(out, (uint8_t)(digit(text.data[i]) << 4 | digit(text.data[i + 1])));
        i++;
    }
    return SEC_E_OK;
}
