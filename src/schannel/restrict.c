#include "schannel/restrict.h"

#include <string.h>

#include "base/auto.h"
#include "schannel/suite.h"
#include "text/utf16.h"
#include "wire/writer.h"

#define LIST_MAXIMUM 8192

/* ---------------------------------------------------------------- protocols */

struct version {
    uint32_t client, server; /* SP_PROT_* */
    int number;              /* OpenSSL's */
    bool datagram;
};

static const struct version versions[] = {
    {SP_PROT_TLS1_0_CLIENT, SP_PROT_TLS1_0_SERVER, TLS1_VERSION, false},
    {SP_PROT_TLS1_1_CLIENT, SP_PROT_TLS1_1_SERVER, TLS1_1_VERSION, false},
    {SP_PROT_TLS1_2_CLIENT, SP_PROT_TLS1_2_SERVER, TLS1_2_VERSION, false},
    {SP_PROT_TLS1_3_CLIENT, SP_PROT_TLS1_3_SERVER, TLS1_3_VERSION, false},
    {SP_PROT_DTLS1_0_CLIENT, SP_PROT_DTLS1_0_SERVER, DTLS1_VERSION, true},
    {SP_PROT_DTLS1_2_CLIENT, SP_PROT_DTLS1_2_SERVER, DTLS1_2_VERSION, true},
};

#define VERSIONS (sizeof versions / sizeof versions[0])
#define OLD_TLS  (SP_PROT_TLS1_0 | SP_PROT_TLS1_1 | SP_PROT_DTLS1_0)
#define ALL_TLS  (SP_PROT_SSL2 | SP_PROT_SSL3 | SP_PROT_TLS1_X)
#define ALL_DTLS SP_PROT_DTLS1_X

static uint32_t bit(const struct version *version, bool server)
{
    return server ? version->server : version->client;
}

static uint32_t side_mask(bool server)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < VERSIONS; i++) {
        mask |= bit(&versions[i], server);
    }
    return mask;
}

/* Pre-shared keys are of TLS 1.2 and before here: TLS 1.3 binds each to a hash, which SEC_PRESHAREDKEY has no place for (RFC 8446
 * 4.2.11). */
static uint32_t keyless(const struct restrictions *restrictions)
{
    return (restrictions->flags & SCH_USE_PRESHAREDKEY_ONLY) != 0 ? SP_PROT_TLS1_3 : 0;
}

SECURITY_STATUS restrict_enabled(uint32_t enabled, struct restrictions *restrictions)
{
    uint32_t defaults = (restrictions->flags & SCH_USE_DTLS_ONLY) != 0 ? SP_PROT_DTLS1_2 : SP_PROT_TLS1_2;
    uint32_t wanted = enabled != 0 ? enabled : defaults;
    REQUIRE((wanted & ALL_TLS) == 0 || (wanted & ALL_DTLS) == 0, SEC_E_ALGORITHM_MISMATCH,
            "grbitEnabledProtocols: DTLS and TLS in one credential");
    restrictions->protocols = wanted & side_mask(restrictions->server) & ~keyless(restrictions);
    REQUIRE(restrictions->protocols != 0, SEC_E_ALGORITHM_MISMATCH,
            "grbitEnabledProtocols: no protocol for this side of the connection");
    restrictions->datagram = (restrictions->protocols & ALL_DTLS) != 0;
    return SEC_E_OK;
}

SECURITY_STATUS restrict_disabled(struct restrictions *restrictions)
{
    uint32_t disabled = 0;
    for (size_t i = 0; i < restrictions->parameter_count; i++) {
        disabled |= restrictions->parameters[i].grbitDisabledProtocols;
    }
    uint32_t side = side_mask(restrictions->server);
    bool datagram = (restrictions->flags & SCH_USE_DTLS_ONLY) != 0;
    if ((~disabled & side & ALL_TLS) == 0 && (~disabled & side & SP_PROT_DTLS1_2) != 0) {
        datagram = true; /* the complement of a set of DTLS versions */
    }
    uint32_t defaults = datagram ? SP_PROT_DTLS1_2 : SP_PROT_TLS1_2 | SP_PROT_TLS1_3;
    restrictions->protocols = defaults & side & ~disabled & ~keyless(restrictions);
    restrictions->datagram = datagram;
    REQUIRE(restrictions->protocols != 0, SEC_E_ALGORITHM_MISMATCH,
            "TLS_PARAMETERS: every protocol of this side is disabled (grbitDisabledProtocols)");
    return SEC_E_OK;
}

/* A range, as OpenSSL has one; a version missing in its middle is switched off by its option. */
static void apply_versions(const struct restrictions *restrictions, SSL_CTX *ssl_ctx)
{
    static const struct {
        int number;
        uint64_t option;
    } options[] = {{TLS1_1_VERSION, SSL_OP_NO_TLSv1_1}, {TLS1_2_VERSION, SSL_OP_NO_TLSv1_2}};
    int first = 0;
    int last = 0;
    for (size_t i = 0; i < VERSIONS; i++) {
        if ((restrictions->protocols & bit(&versions[i], restrictions->server)) != 0) {
            first = first == 0 ? versions[i].number : first;
            last = versions[i].number;
            continue;
        }
        for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
            if (options[o].number == versions[i].number && !restrictions->datagram) { /* DTLS shares their bits */
                SSL_CTX_set_options(ssl_ctx, options[o].option);
            }
        }
    }
    SSL_CTX_set_min_proto_version(ssl_ctx, first);
    SSL_CTX_set_max_proto_version(ssl_ctx, last);
}

/* ---------------------------------------------------------------- suites */

enum class { CLASS_HASH = 4, CLASS_CIPHER = 3, CLASS_SIGNATURE = 1, CLASS_EXCHANGE = 5 }; /* GET_ALG_CLASS */

static bool names_class(const struct restrictions *restrictions, uint32_t class)
{
    for (size_t i = 0; i < restrictions->algorithm_count; i++) {
        if (restrictions->algorithms[i] >> 13 == class) {
            return true;
        }
    }
    return false;
}

static bool lists(const struct restrictions *restrictions, uint32_t algorithm)
{
    for (size_t i = 0; i < restrictions->algorithm_count; i++) {
        if (restrictions->algorithms[i] == algorithm) {
            return true;
        }
    }
    return false;
}

/* palgSupportedAlgs narrows each kind of algorithm that it names; what it does not name stays as it was. */
static bool listed(const struct restrictions *restrictions, const struct suite *suite)
{
    uint32_t cipher = suite_cipher_algorithm(suite);
    bool aes = cipher == CALG_AES_128 || cipher == CALG_AES_256;
    if (names_class(restrictions, CLASS_CIPHER) && !lists(restrictions, cipher) &&
        !(aes && lists(restrictions, CALG_AES))) {
        return false;
    }
    if (suite->tls13) {
        return true;
    }
    uint32_t exchange = suite_exchange_algorithm(suite);
    bool ecdh =
        suite->exchange == SUITE_ECDHE && (lists(restrictions, CALG_ECDH_EPHEM) || lists(restrictions, CALG_ECDH));
    if (names_class(restrictions, CLASS_EXCHANGE) && !lists(restrictions, exchange) && !ecdh) {
        return false;
    }
    if (!suite_is_aead(suite) && names_class(restrictions, CLASS_HASH) &&
        !lists(restrictions, suite_hash_algorithm(suite))) {
        return false;
    }
    uint32_t signer = suite->signer == SUITE_BY_RSA ? CALG_RSA_SIGN : suite->signer == SUITE_BY_ECDSA ? CALG_ECDSA : 0;
    return signer == 0 || !names_class(restrictions, CLASS_SIGNATURE) || lists(restrictions, signer);
}

/* A name that Windows gives an algorithm, in a UNICODE_STRING. */
static bool is_named(const UNICODE_STRING *string, const char *name)
{
    struct utf16 text = {(const uint8_t *)string->Buffer, string->Length & ~1u};
    if (text.data == NULL || utf16_length(text) != strlen(name)) {
        return false;
    }
    for (size_t i = 0; name[i] != '\0'; i++) {
        uint16_t unit = utf16_unit(text, i);
        uint16_t upper = unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 32) : unit;
        uint8_t other = (uint8_t)name[i];
        if (upper != (other >= 'a' && other <= 'z' ? other - 32 : other)) {
            return false;
        }
    }
    return true;
}

static bool mode_matches(const CRYPTO_SETTINGS *settings, const struct suite *suite)
{
    const char *mode = suite->cipher == SUITE_AES_GCM                                       ? "ChainingModeGCM"
                       : suite->cipher == SUITE_AES_CCM || suite->cipher == SUITE_AES_CCM_8 ? "ChainingModeCCM"
                                                                                            : "ChainingModeCBC";
    for (DWORD i = 0; i < settings->cChainingModes && settings->rgstrChainingModes != NULL; i++) {
        if (is_named(&settings->rgstrChainingModes[i], mode)) {
            return true;
        }
    }
    return settings->cChainingModes == 0;
}

/* Without bounds an algorithm is disabled as a whole; with them, outside of them. */
static bool outside(const CRYPTO_SETTINGS *settings, uint32_t bits)
{
    if (settings->dwMinBitLength == 0 && settings->dwMaxBitLength == 0) {
        return true;
    }
    return bits < settings->dwMinBitLength || (settings->dwMaxBitLength != 0 && bits > settings->dwMaxBitLength);
}

static bool setting_disables(const CRYPTO_SETTINGS *settings, const struct suite *suite)
{
    switch (settings->eAlgorithmUsage) {
    case TlsParametersCngAlgUsageCipher:
        return is_named(&settings->strCngAlgId, suite_cipher_name(suite)) && mode_matches(settings, suite) &&
               outside(settings, suite->key_bits);
    case TlsParametersCngAlgUsageKeyExchange:
        return !suite->tls13 && settings->dwMinBitLength == 0 && settings->dwMaxBitLength == 0 &&
               is_named(&settings->strCngAlgId, suite_exchange_name(suite));
    case TlsParametersCngAlgUsageSignature:
        return !suite->tls13 && settings->dwMinBitLength == 0 && settings->dwMaxBitLength == 0 &&
               is_named(&settings->strCngAlgId, suite_signer_name(suite));
    case TlsParametersCngAlgUsageDigest: {
        static const char *const names[] = {"MD5", "SHA1", "SHA256", "SHA384"};
        enum suite_hash hash = suite_is_aead(suite) ? suite->hash : suite->mac;
        return is_named(&settings->strCngAlgId, names[hash]);
    }
    default:
        return false; /* of certificates: the chain's business */
    }
}

static bool disabled(const struct restrictions *restrictions, const struct suite *suite)
{
    for (size_t p = 0; p < restrictions->parameter_count; p++) {
        const TLS_PARAMETERS *parameters = &restrictions->parameters[p];
        for (DWORD i = 0; i < parameters->cDisabledCrypto && parameters->pDisabledCrypto != NULL; i++) {
            if (setting_disables(&parameters->pDisabledCrypto[i], suite)) {
                return true;
            }
        }
    }
    return false;
}

/* What is in use without anybody's asking: nothing without encryption; pre-shared keys alone, or not at all; 3DES when it is
 * named. */
static bool usual(const struct restrictions *restrictions, const struct suite *suite)
{
    bool wants_keys = (restrictions->flags & SCH_USE_PRESHAREDKEY_ONLY) != 0;
    bool by_key =
        suite->exchange == SUITE_PSK || suite->exchange == SUITE_DHE_PSK || suite->exchange == SUITE_ECDHE_PSK;
    if (suite->cipher == SUITE_NULL || suite->exchange == SUITE_RSA_PSK || by_key != wants_keys ||
        suite->signer == SUITE_BY_DSS || (suite->mac == SUITE_MD5 && !suite_is_aead(suite))) {
        return false;
    }
    bool strong = (restrictions->flags & SCH_USE_STRONG_CRYPTO) != 0;
    return suite->cipher != SUITE_TRIPLE_DES_CBC || (!strong && lists(restrictions, CALG_3DES));
}

bool suite_is_usual(const struct suite *suite)
{
    const struct restrictions none = {.flags = 0};
    return usual(&none, suite);
}

static bool allowed(const struct restrictions *restrictions, const struct suite *suite)
{
    bool weak = suite->key_bits < restrictions->minimum_strength;
    bool too_strong = restrictions->maximum_strength != 0 && suite->key_bits > restrictions->maximum_strength;
    return usual(restrictions, suite) && !weak && !too_strong && listed(restrictions, suite) &&
           !disabled(restrictions, suite);
}

static void append(struct writer *writer, const char *name)
{
    if (writer->size != 0) {
        write_u8(writer, ':');
    }
    write_bytes(writer, bytes_of(name, strlen(name)));
}

static SECURITY_STATUS apply_suites(const struct restrictions *restrictions, SSL_CTX *ssl_ctx)
{
    AUTO_WRITER old = write_growing(LIST_MAXIMUM);
    AUTO_WRITER tls13 = write_growing(LIST_MAXIMUM);
    for (size_t i = 0; i < suite_count; i++) {
        const struct suite *suite = &suites[i];
        if (allowed(restrictions, suite)) {
            append(suite->tls13 ? &tls13 : &old, suite->tls13 ? suite->name : suite->openssl);
        }
    }
    bool has_old = old.size != 0;
    bool has_tls13 = tls13.size != 0;
    write_u8(&old, 0);
    write_u8(&tls13, 0);
    TRY(write_end(&old));
    TRY(write_end(&tls13));
    bool set = SSL_CTX_set_ciphersuites(ssl_ctx, (char *)tls13.data) == 1;
    if (!has_old && !restrictions->datagram) { /* OpenSSL's own list would stay in force */
        SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION);
    }
    bool set_old = !has_old || SSL_CTX_set_cipher_list(ssl_ctx, (char *)old.data) == 1;
    uint32_t of_tls13 = restrictions->protocols & SP_PROT_TLS1_3;
    bool nothing = !(has_tls13 && of_tls13 != 0) && !(has_old && (restrictions->protocols & ~of_tls13) != 0);
    REQUIRE(set && set_old && !nothing, SEC_E_ALGORITHM_MISMATCH, "no cipher suite is left of what the caller allows");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- groups */

static bool group_disabled(const struct restrictions *restrictions, const char *name, uint32_t bits)
{
    for (size_t p = 0; p < restrictions->parameter_count; p++) {
        const TLS_PARAMETERS *parameters = &restrictions->parameters[p];
        for (DWORD i = 0; i < parameters->cDisabledCrypto && parameters->pDisabledCrypto != NULL; i++) {
            const CRYPTO_SETTINGS *settings = &parameters->pDisabledCrypto[i];
            bool by_name = is_named(&settings->strCngAlgId, name);
            bool by_family = is_named(&settings->strCngAlgId, "ECDH") && outside(settings, bits);
            if (settings->eAlgorithmUsage == TlsParametersCngAlgUsageKeyExchange && (by_name || by_family)) {
                return true;
            }
        }
    }
    return false;
}

static SECURITY_STATUS apply_groups(const struct restrictions *restrictions, SSL_CTX *ssl_ctx)
{
    static const struct {
        const char *openssl, *windows;
        uint32_t bits;
    } groups[] = {{"X25519", "curve25519", 255},
                  {"P-256", "ECDH_P256", 256},
                  {"P-384", "ECDH_P384", 384},
                  {"P-521", "ECDH_P521", 521}};
    AUTO_WRITER list = write_growing(LIST_MAXIMUM);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (!group_disabled(restrictions, groups[i].windows, groups[i].bits)) {
            append(&list, groups[i].openssl);
        }
    }
    if (list.size == 0) {
        return SEC_E_OK; /* suites with ECDHE are off then, or fail by themselves */
    }
    write_u8(&list, 0);
    TRY(write_end(&list));
    REQUIRE(SSL_CTX_set1_groups_list(ssl_ctx, (char *)list.data) == 1, SEC_E_ALGORITHM_MISMATCH,
            "no group for the key exchange is left");
    return SEC_E_OK;
}

/* Level 0, which the old handshakes' MD5 and SHA-1 need, would allow everything else too.  Keys stay as strong as level 1
 * has them: 80 bits, which RSA and DH have from 1024 on; of signatures in chains, MD5's alone are refused. */
static int old_but_not_weak(const SSL *ssl, const SSL_CTX *ssl_ctx, int operation, int bits, int nid, void *other,
                            void *argument)
{
    switch (operation & SSL_SECOP_OTHER_TYPE) {
    case SSL_SECOP_OTHER_CIPHER:
    case SSL_SECOP_OTHER_CURVE:
    case SSL_SECOP_OTHER_DH:
    case SSL_SECOP_OTHER_PKEY: /* SSL_SECOP_TMP_DH */
        return bits >= 80;
    case SSL_SECOP_OTHER_CERT:
        return bits >= ((operation & ~SSL_SECOP_PEER) == SSL_SECOP_CA_MD ? 60 : 80);
    default: /* versions, tickets, signature algorithms */
        return 1;
    }
}

SECURITY_STATUS restrict_apply(const struct restrictions *restrictions, SSL_CTX *ssl_ctx)
{
    bool old = (restrictions->protocols & OLD_TLS) != 0; /* MD5 and SHA-1 in their handshake: level 0 alone allows it */
    bool strong = (restrictions->flags & SCH_USE_STRONG_CRYPTO) != 0;
    SSL_CTX_set_security_level(ssl_ctx, old ? 0 : strong ? 2 : 1);
    if (old) {
        SSL_CTX_set_security_callback(ssl_ctx, old_but_not_weak);
    }
    apply_versions(restrictions, ssl_ctx);
    TRY(apply_suites(restrictions, ssl_ctx));
    return apply_groups(restrictions, ssl_ctx);
}
