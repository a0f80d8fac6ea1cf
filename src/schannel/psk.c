#include "schannel/psk.h"

#include <string.h>

#include "wire/reader.h"
#include "wire/writer.h"

#define KEY_MAX      256 /* SEC_PRESHAREDKEY, Microsoft Learn */
#define IDENTITY_MAX 255 /* OpenSSL's PSK_MAX_IDENTITY_LEN, with a NUL */

static const struct schannel_handshake *handshake_of(SSL *ssl)
{
    const struct schannel_context *context = SSL_get_app_data(ssl);
    return context != NULL && context->handshake != NULL && context->handshake->psk.size != 0 ? context->handshake
                                                                                              : NULL;
}

/* The size of the key; 0: there is none, which ends the handshake. */
static unsigned give_key(const struct schannel_handshake *handshake, unsigned char *out, unsigned room)
{
    struct writer writer = write_into(out, room);
    write_bytes(&writer, secret_bytes(&handshake->psk));
    return writer.bad ? 0 : (unsigned)writer.size;
}

static unsigned on_client(SSL *ssl, const char *hint, char *identity, unsigned identity_room, unsigned char *key,
                          unsigned key_room)
{
    const struct schannel_handshake *handshake = handshake_of(ssl);
    if (handshake == NULL) {
        return 0;
    }
    struct writer writer = write_into((uint8_t *)identity, identity_room);
    write_bytes(&writer, secret_bytes(&handshake->psk_identity)); /* its NUL is part of it */
    return writer.bad ? 0 : give_key(handshake, key, key_room);
}

/* OpenSSL tells the client of a name that is not known (RFC 4279 2: unknown_psk_identity). */
static unsigned on_server(SSL *ssl, const char *identity, unsigned char *key, unsigned key_room)
{
    const struct schannel_handshake *handshake = handshake_of(ssl);
    if (handshake == NULL || identity == NULL || strlen(identity) + 1 != handshake->psk_identity.size ||
        memcmp(identity, handshake->psk_identity.data, handshake->psk_identity.size) != 0) {
        return 0;
    }
    return give_key(handshake, key, key_room);
}

void psk_prepare(SSL_CTX *ssl_ctx, bool server)
{
    if (server) {
        SSL_CTX_set_psk_server_callback(ssl_ctx, on_server);
    } else {
        SSL_CTX_set_psk_client_callback(ssl_ctx, on_client);
    }
}

/* What stands behind the size in a SEC_PRESHAREDKEY or SEC_PRESHAREDKEY_IDENTITY. */
static SECURITY_STATUS content_of(const SecBuffer *buffer, size_t maximum, struct bytes *out)
{
    struct reader reader = read_start(buffer_bytes(buffer));
    struct bytes content = read_bytes(&reader, read_u16le(&reader));
    TRY(read_end_lax(&reader, "SEC_PRESHAREDKEY: larger than its buffer"));
    REQUIRE(content.size != 0 && content.size <= maximum, SEC_E_INVALID_TOKEN,
            "SEC_PRESHAREDKEY: empty, or more than 256 bytes of key, or than 255 of identity");
    *out = content;
    return SEC_E_OK;
}

SECURITY_STATUS psk_take(struct schannel_context *context, const struct step_in *in)
{
    const SecBuffer *key_buffer = buffers_find(in->input, SECBUFFER_PRESHARED_KEY);
    const SecBuffer *identity_buffer = buffers_find(in->input, SECBUFFER_PRESHARED_KEY_IDENTITY);
    struct schannel_handshake *handshake = context->handshake;
    struct bytes key, identity;
    if (!psk_only(context->credential)) {
        REQUIRE(key_buffer == NULL && identity_buffer == NULL, SEC_E_UNSUPPORTED_FUNCTION,
                "a pre-shared key needs a credential with SCH_USE_PRESHAREDKEY_ONLY");
        return SEC_E_OK;
    }
    REQUIRE(key_buffer != NULL && identity_buffer != NULL, SEC_E_NO_CREDENTIALS,
            "SCH_USE_PRESHAREDKEY_ONLY: the first call has no SECBUFFER_PRESHARED_KEY, or none with its IDENTITY");
    TRY(content_of(key_buffer, KEY_MAX, &key));
    TRY(content_of(identity_buffer, IDENTITY_MAX, &identity));
    REQUIRE(memchr(identity.data, 0, identity.size) == NULL, SEC_E_INVALID_TOKEN,
            "SEC_PRESHAREDKEY_IDENTITY: a NUL, which no name has (RFC 4279 5.1: UTF-8 text)");
    TRY(secret_copy(&handshake->psk, key));
    TRY(secret_alloc(&handshake->psk_identity, identity.size + 1));
    struct writer writer = write_into(handshake->psk_identity.data, handshake->psk_identity.size);
    write_bytes(&writer, identity);
    write_u8(&writer, 0);
    return write_end(&writer);
}
