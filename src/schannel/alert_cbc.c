#include "schannel/alert_cbc.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/auto.h"
#include "base/random.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"
#include "schannel/engine_io.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define MAC_MAX    48
#define KEY_MAX    32
#define BLOCK_MAX  16
#define MASTER     48
#define RECORD_MAX 160 /* header, IV, alert, MAC, padding */

/* One direction's keys, and their sizes. */
struct cbc {
    size_t mac_size, key_size, block;
    const char *digest, *cipher;
    uint8_t mac[MAC_MAX], key[KEY_MAX], iv[BLOCK_MAX];
};

/* ---------------------------------------------------------------- watching */

void alert_cbc_on_header(struct schannel_context *context, struct bytes header)
{
    struct reader reader = read_start(header);
    if (read_u8(&reader) == RECORD_CHANGE_CIPHER_SPEC) {
        context->cbc_sent = 0;
    } else {
        context->cbc_sent++;
    }
}

/* RFC 7366 2: the server's hello says whether the MAC is of the ciphertext. */
void alert_cbc_on_server_hello(struct schannel_context *context, struct bytes message)
{
    struct reader reader = read_start(message);
    read_bytes(&reader, 4 + 2 + 32); /* type, length, version, random */
    read_bytes(&reader, read_u8(&reader));
    read_bytes(&reader, 2 + 1); /* suite, compression */
    struct reader list = read_sub(&reader, read_u16be(&reader));
    context->cbc_mac_last = false;
    while (!reader.bad && read_left(&list) != 0) {
        uint16_t type = read_u16be(&list);
        read_bytes(&list, read_u16be(&list));
        context->cbc_mac_last = context->cbc_mac_last || type == TLSEXT_TYPE_encrypt_then_mac;
    }
}

bool alert_cbc_possible(const struct schannel_context *context)
{
    enum suite_cipher cipher = context->suite->cipher;
    return !context->datagram && context->completed && !context->fast && context->handshake == NULL &&
           (cipher == SUITE_AES_CBC || cipher == SUITE_TRIPLE_DES_CBC) && context->suite->mac != SUITE_MD5;
}

/* ---------------------------------------------------------------- keys */

static void describe(const struct suite *suite, struct cbc *out)
{
    static const char *const digests[] = {
        [SUITE_MD5] = "MD5", [SUITE_SHA1] = "SHA1", [SUITE_SHA256] = "SHA256", [SUITE_SHA384] = "SHA384"};
    bool triple = suite->cipher == SUITE_TRIPLE_DES_CBC;
    *out = (struct cbc){
        .mac_size = suite->mac == SUITE_SHA1     ? 20
                    : suite->mac == SUITE_SHA256 ? 32
                                                 : 48,
        .key_size = triple ? 24 : suite->key_bits / 8,
        .block = triple ? 8 : 16,
        .digest = digests[suite->mac],
        .cipher = triple                   ? "DES-EDE3-CBC"
                  : suite->key_bits == 256 ? "AES-256-CBC"
                                           : "AES-128-CBC",
    };
}

/* PRF(master secret, "key expansion", server random + client random) (RFC 5246 6.3, RFC 2246 6.3). */
static bool expand(struct schannel_context *context, uint8_t *out, size_t size)
{
    static char label[] = "key expansion";
    uint8_t master[MASTER], client[SSL3_RANDOM_SIZE], server[SSL3_RANDOM_SIZE];
    const char *digest = context->version != TLS1_2_VERSION     ? "MD5-SHA1"
                         : context->suite->hash == SUITE_SHA384 ? "SHA2-384"
                                                                : "SHA2-256";
    size_t master_size = SSL_SESSION_get_master_key(SSL_get_session(context->ssl), master, sizeof master);
    SSL_get_client_random(context->ssl, client, sizeof client);
    SSL_get_server_random(context->ssl, server, sizeof server);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server, sizeof server),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client, sizeof client),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(cert_libctx(), "TLS1-PRF", NULL);
    EVP_KDF_CTX *derivation = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = derivation != NULL && EVP_KDF_derive(derivation, out, size, parameters) == 1;
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);
    secret_wipe(master, sizeof master);
    return done;
}

/* The block's parts: the client's MAC key and the server's, then the keys, then the first IVs (RFC 5246 6.3). */
static bool derive(struct schannel_context *context, struct cbc *cbc)
{
    uint8_t block[2 * (MAC_MAX + KEY_MAX)];
    size_t size = 2 * (cbc->mac_size + cbc->key_size);
    bool done = expand(context, block, size);
    struct reader reader = read_start(bytes_of(block, size));
    struct writer mac = write_into(cbc->mac, sizeof cbc->mac);
    struct writer key = write_into(cbc->key, sizeof cbc->key);
    for (int side = 0; side < 2; side++) {
        struct bytes part = read_bytes(&reader, cbc->mac_size);
        write_bytes(&mac, (side == 0) == context->base.initiator ? part : BYTES_NONE);
    }
    for (int side = 0; side < 2; side++) {
        struct bytes part = read_bytes(&reader, cbc->key_size);
        write_bytes(&key, (side == 0) == context->base.initiator ? part : BYTES_NONE);
    }
    secret_wipe(block, sizeof block);
    return done;
}

/* ---------------------------------------------------------------- the record */

static bool authenticate(const struct schannel_context *context, const struct cbc *cbc, struct bytes content,
                         uint8_t *out)
{
    uint8_t input[13 + RECORD_MAX];
    size_t size = 0;
    struct writer writer = write_into(input, sizeof input);
    write_u32be(&writer, (uint32_t)(context->cbc_sent >> 32));
    write_u32be(&writer, (uint32_t)context->cbc_sent);
    write_u8(&writer, RECORD_ALERT);
    write_u16be(&writer, context->version);
    write_u16be(&writer, (uint16_t)content.size);
    write_bytes(&writer, content);
    return !writer.bad &&
           EVP_Q_mac(cert_libctx(), "HMAC", NULL, cbc->digest, NULL, cbc->mac, cbc->mac_size, input, writer.size, out,
                     MAC_MAX, &size) != NULL &&
           size == cbc->mac_size;
}

static bool encrypt(const struct cbc *cbc, uint8_t *data, size_t size)
{
    int done = 0;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(cert_libctx(), cbc->cipher, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = cipher != NULL && context != NULL &&
                EVP_EncryptInit_ex2(context, cipher, cbc->key, cbc->iv, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                EVP_EncryptUpdate(context, data, &done, data, (int)size) == 1 && (size_t)done == size;
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return good;
}

/* The alert, its MAC unless that comes last, and the padding (RFC 5246 6.2.3.2); encrypted. */
static bool seal(const struct schannel_context *context, const struct cbc *cbc, const uint8_t alert[2], uint8_t *out,
                 size_t *out_size)
{
    uint8_t mac[MAC_MAX];
    struct writer body = write_into(out, RECORD_MAX);
    write_bytes(&body, bytes_of(alert, 2));
    if (!context->cbc_mac_last) {
        if (!authenticate(context, cbc, bytes_of(alert, 2), mac)) {
            return false;
        }
        write_bytes(&body, bytes_of(mac, cbc->mac_size));
    }
    uint8_t padding = (uint8_t)(cbc->block - 1 - body.size % cbc->block);
    for (size_t i = 0; i < padding + 1u; i++) {
        write_u8(&body, padding);
    }
    *out_size = body.size;
    return !body.bad && encrypt(cbc, out, body.size);
}

static bool make(struct schannel_context *context, struct cbc *cbc, const uint8_t alert[2], struct writer *out)
{
    uint8_t body[RECORD_MAX], mac[MAC_MAX];
    size_t size = 0;
    bool chained =
        context->version == TLS1_VERSION; /* its IV is the last block of the record before (RFC 2246 6.2.3.2) */
    if (chained) {
        struct reader last = read_start(BYTES(context->cbc_last));
        struct writer iv = write_into(cbc->iv, sizeof cbc->iv);
        size_t behind = cbc->block + (context->cbc_mac_last ? cbc->mac_size : 0);
        if (behind > sizeof context->cbc_last) {
            return false;
        }
        read_bytes(&last, sizeof context->cbc_last - behind);
        write_bytes(&iv, read_bytes(&last, cbc->block));
    } else if (random_bytes(cbc->iv, cbc->block) < 0) {
        return false;
    }
    if (!derive(context, cbc) || !seal(context, cbc, alert, body, &size)) {
        return false;
    }
    uint8_t content[RECORD_MAX];
    struct writer writer = write_into(content, sizeof content);
    write_bytes(&writer, bytes_of(cbc->iv, chained ? 0 : cbc->block));
    write_bytes(&writer, bytes_of(body, size));
    if (context->cbc_mac_last) {
        if (!authenticate(context, cbc, write_result(&writer), mac)) {
            return false;
        }
        write_bytes(&writer, bytes_of(mac, cbc->mac_size));
    }
    write_u8(out, RECORD_ALERT);
    write_u16be(out, context->version);
    write_u16be(out, (uint16_t)writer.size);
    write_bytes(out, write_result(&writer));
    return !writer.bad;
}

SECURITY_STATUS alert_cbc_put(struct schannel_context *context, const uint8_t alert[2])
{
    struct cbc cbc;
    describe(context->suite, &cbc);
    engine_io_open(context);
    openssl_errors_mark();
    bool made = make(context, &cbc, alert, &context->outgoing);
    openssl_errors_forget();
    secret_wipe(&cbc, sizeof cbc);
    REQUIRE(made, SEC_E_ENCRYPT_FAILURE, "OpenSSL did not seal the alert");
    return write_end(&context->outgoing);
}
