#include "schannel/suite.h"

#include "wincrypt.h"

#define SUITE(number, iana, other, cipher_, bits, mac_, hash_, exchange_, signer_)                                     \
    {.id = (number),                                                                                                   \
     .tls13 = (number) >> 8 == 0x13,                                                                                   \
     .name = (iana),                                                                                                   \
     .openssl = (other),                                                                                               \
     .cipher = SUITE_##cipher_,                                                                                        \
     .key_bits = (bits),                                                                                               \
     .mac = SUITE_##mac_,                                                                                              \
     .hash = SUITE_##hash_,                                                                                            \
     .exchange = SUITE_##exchange_,                                                                                    \
     .signer = SUITE_##signer_},

const struct suite suites[] = {
#include "schannel/suite_table.h"
};

const size_t suite_count = sizeof suites / sizeof suites[0];

const struct suite *suite_find(uint16_t id)
{
    for (size_t i = 0; i < suite_count; i++) {
        if (suites[i].id == id) {
            return &suites[i];
        }
    }
    return NULL;
}

size_t suite_tag_size(const struct suite *suite)
{
    if (!suite_is_aead(suite)) {
        return 0;
    }
    return suite->cipher == SUITE_AES_CCM_8 ? 8 : 16;
}

uint32_t suite_block_bytes(const struct suite *suite)
{
    switch (suite->cipher) {
    case SUITE_AES_GCM:
    case SUITE_AES_CCM:
    case SUITE_AES_CCM_8:
    case SUITE_AES_CBC:
        return 16;
    case SUITE_TRIPLE_DES_CBC:
        return 8;
    default:
        return 1; /* a stream */
    }
}

static uint32_t mac_bytes(enum suite_hash hash)
{
    switch (hash) {
    case SUITE_MD5:
        return 16;
    case SUITE_SHA1:
        return 20;
    case SUITE_SHA256:
        return 32;
    default:
        return 48;
    }
}

struct suite_sizes suite_stream_sizes(const struct suite *suite, uint16_t version)
{
    bool datagram = version >= 0xFE00;
    struct suite_sizes sizes = {
        .header = datagram ? 13 : 5, .maximum = 16384, .buffers = 4, .block = suite_block_bytes(suite)};
    if (suite->tls13) {
        sizes.trailer = (uint32_t)suite_tag_size(suite) + 1; /* the inner type (RFC 8446 5.2) */
    } else if (suite_is_aead(suite)) {
        sizes.header += suite->cipher == SUITE_CHACHA20_POLY1305 ? 0 : 8; /* the explicit nonce (RFC 5288 3, 6655 3) */
        sizes.trailer = (uint32_t)suite_tag_size(suite);
    } else {
        /* From TLS 1.1 on each record has an initialisation vector of its own (RFC 4346 6.2.3.2); padding is at
         * least one byte and, as we make it, at most a block. */
        uint32_t block = sizes.block == 1 ? 0 : sizes.block;
        sizes.header += version == 0x0301 ? 0 : block;
        sizes.trailer = mac_bytes(suite->mac) + block;
    }
    return sizes;
}

const char *suite_cipher_name(const struct suite *suite)
{
    switch (suite->cipher) {
    case SUITE_CHACHA20_POLY1305:
        return "CHACHA20_POLY1305";
    case SUITE_TRIPLE_DES_CBC:
        return "3DES";
    case SUITE_NULL:
        return "";
    default:
        return "AES";
    }
}

const char *suite_hash_name(const struct suite *suite)
{
    static const char *const names[] = {
        [SUITE_MD5] = "MD5", [SUITE_SHA1] = "SHA1", [SUITE_SHA256] = "SHA256", [SUITE_SHA384] = "SHA384"};
    return suite_is_aead(suite) ? "" : names[suite->mac];
}

uint32_t suite_hash_bits(const struct suite *suite)
{
    return suite_is_aead(suite) ? 0 : 8 * mac_bytes(suite->mac);
}

const char *suite_exchange_name(const struct suite *suite)
{
    static const char *const names[] = {
        [SUITE_ANY_EXCHANGE] = "", [SUITE_RSA] = "RSA",    [SUITE_DHE] = "DH",         [SUITE_ECDHE] = "ECDH",
        [SUITE_PSK] = "PSK",       [SUITE_DHE_PSK] = "DH", [SUITE_ECDHE_PSK] = "ECDH", [SUITE_RSA_PSK] = "RSA"};
    return names[suite->exchange];
}

const char *suite_signer_name(const struct suite *suite)
{
    static const char *const names[] = {[SUITE_ANY_SIGNER] = "",
                                        [SUITE_BY_RSA] = "RSA",
                                        [SUITE_BY_ECDSA] = "ECDSA",
                                        [SUITE_BY_DSS] = "DSA",
                                        [SUITE_BY_NOBODY] = ""};
    return names[suite->signer];
}

uint32_t suite_cipher_algorithm(const struct suite *suite)
{
    switch (suite->cipher) {
    case SUITE_CHACHA20_POLY1305:
        return 0;
    case SUITE_TRIPLE_DES_CBC:
        return CALG_3DES;
    case SUITE_NULL:
        return CALG_NULLCIPHER;
    default:
        return suite->key_bits == 128 ? CALG_AES_128 : CALG_AES_256;
    }
}

uint32_t suite_hash_algorithm(const struct suite *suite)
{
    static const uint32_t algorithms[] = {
        [SUITE_MD5] = CALG_MD5, [SUITE_SHA1] = CALG_SHA1, [SUITE_SHA256] = CALG_SHA_256, [SUITE_SHA384] = CALG_SHA_384};
    return algorithms[suite_is_aead(suite) ? suite->hash : suite->mac];
}

uint32_t suite_exchange_algorithm(const struct suite *suite)
{
    switch (suite->exchange) {
    case SUITE_RSA:
    case SUITE_RSA_PSK:
        return CALG_RSA_KEYX;
    case SUITE_DHE:
    case SUITE_DHE_PSK:
        return CALG_DH_EPHEM;
    case SUITE_PSK:
        return 0;
    default:
        return CALG_ECDH_EPHEM;
    }
}
