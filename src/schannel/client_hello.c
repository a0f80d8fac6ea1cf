#include "schannel/client_hello.h"

#include "schannel/record.h"
#include "wire/reader.h"

#define CLIENT_HELLO     1
#define HANDSHAKE_HEADER 4
#define SERVER_NAME      0

/* The next `size` bytes of a message that may have been cut off; `whole` counts what has been asked for. */
static SECURITY_STATUS want(struct bytes message, size_t whole, size_t *out_missing)
{
    if (message.size < whole) {
        *out_missing = whole - message.size;
        FAIL(SEC_E_INCOMPLETE_MESSAGE, "the ClientHello is not all there");
    }
    return SEC_E_OK;
}

/* The handshake message with its header, out of its one record. */
static SECURITY_STATUS unwrap(struct bytes hello, struct bytes *out, size_t *out_missing)
{
    struct reader reader = read_start(hello);
    if (hello.size != 0) {
        REQUIRE(read_u8(&reader) == RECORD_HANDSHAKE, SEC_E_INVALID_TOKEN,
                "a ClientHello's record is not a handshake's (RFC 8446 5.1)");
    }
    TRY(want(hello, RECORD_HEADER, out_missing));
    REQUIRE(read_u8(&reader) == 3, SEC_E_INVALID_TOKEN, "a record's version is not TLS's (RFC 8446 5.1)");
    (void)read_u8(&reader);
    size_t size = read_u16be(&reader);
    REQUIRE(size >= HANDSHAKE_HEADER && size <= RECORD_PLAIN_MAX, SEC_E_INVALID_TOKEN,
            "a record is too short for a ClientHello, or longer than records are (RFC 8446 5.1)");
    TRY(want(hello, RECORD_HEADER + size, out_missing));
    *out = read_bytes(&reader, size);
    return SEC_E_OK;
}

static SECURITY_STATUS body_of(struct bytes message, bool alone, struct bytes *out, size_t *out_missing)
{
    struct reader reader = read_start(message);
    if (message.size != 0) {
        REQUIRE(read_u8(&reader) == CLIENT_HELLO, SEC_E_INVALID_TOKEN,
                "a handshake's first message is no ClientHello (RFC 8446 4.1.2)");
    }
    TRY(want(message, HANDSHAKE_HEADER, out_missing));
    size_t size = (size_t)read_u8(&reader) << 16;
    size |= read_u16be(&reader);
    if (alone) {
        TRY(want(message, HANDSHAKE_HEADER + size, out_missing));
    }
    *out = read_bytes(&reader, size);
    return read_end_lax(&reader, "a ClientHello is spread over several records");
}

SECURITY_STATUS client_hello_extensions(struct bytes hello, bool has_record, struct bytes *out, size_t *out_missing)
{
    struct bytes message = hello;
    struct bytes body;
    if (has_record) {
        TRY(unwrap(hello, &message, out_missing));
    }
    TRY(body_of(message, !has_record, &body, out_missing));
    struct reader reader = read_start(body);
    (void)read_u16be(&reader);     /* legacy_version */
    (void)read_bytes(&reader, 32); /* random */
    (void)read_bytes(&reader, read_u8(&reader));
    (void)read_bytes(&reader, read_u16be(&reader)); /* cipher_suites */
    (void)read_bytes(&reader, read_u8(&reader));    /* compression methods */
    struct bytes extensions = BYTES_NONE;
    if (read_left(&reader) != 0) {
        extensions = read_bytes(&reader, read_u16be(&reader));
    }
    TRY(read_end(&reader, "a ClientHello's parts do not fill it (RFC 8446 4.1.2)"));
    struct reader each = read_start(extensions);
    while (read_left(&each) != 0) {
        (void)read_u16be(&each);
        (void)read_bytes(&each, read_u16be(&each));
    }
    TRY(read_end(&each, "a ClientHello's extensions do not fill their list (RFC 8446 4.2)"));
    *out = extensions;
    return SEC_E_OK;
}

bool client_hello_find(struct bytes extensions, uint16_t type, struct bytes *out)
{
    struct reader reader = read_start(extensions);
    while (read_left(&reader) != 0) {
        uint16_t found = read_u16be(&reader);
        struct bytes data = read_bytes(&reader, read_u16be(&reader));
        if (found == type && !reader.bad) {
            *out = data;
            return true;
        }
    }
    return false;
}

SECURITY_STATUS client_hello_server_name(struct bytes extensions, struct bytes *out)
{
    struct bytes data;
    REQUIRE(client_hello_find(extensions, SERVER_NAME, &data), SEC_E_INVALID_PARAMETER,
            "the ClientHello names no server (RFC 6066 3)");
    struct reader reader = read_start(data);
    struct reader list = read_sub(&reader, read_u16be(&reader));
    uint8_t type = read_u8(&list);
    struct bytes name = read_bytes(&list, read_u16be(&list));
    TRY(read_end_lax(&list, "a server_name is cut off (RFC 6066 3)"));
    TRY(read_end(&reader, "a server_name's list does not fill the extension (RFC 6066 3)"));
    REQUIRE(type == 0 && name.size != 0, SEC_E_INVALID_PARAMETER, "the ClientHello names no host (RFC 6066 3)");
    *out = name;
    return SEC_E_OK;
}
