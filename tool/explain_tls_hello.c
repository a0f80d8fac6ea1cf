#include "explain_tls.h"

#include <stdio.h>
#include <string.h>

#include "schannel/suite.h"
#include "terminal.h"
#include "wire/reader.h"

#define RANDOM_SIZE 32

enum extension {
    EXTENSION_NAME = 0,
    EXTENSION_GROUPS = 10,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_MASTER_SECRET = 23,
    EXTENSION_PSK = 41,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_VERSIONS = 43,
    EXTENSION_COOKIE = 44,
    EXTENSION_SHARE = 51,
    EXTENSION_RENEGOTIATION = 0xff01,
};

struct number {
    uint16_t value;
    const char *name;
};

/* IANA, "TLS ExtensionType Values". */
static const struct number extension_names[] = {
    {0, "server_name"},
    {1, "max_fragment_length"},
    {5, "status_request"},
    {10, "supported_groups"},
    {11, "ec_point_formats"},
    {13, "signature_algorithms"},
    {14, "use_srtp"},
    {15, "heartbeat"},
    {16, "application_layer_protocol_negotiation"},
    {17, "status_request_v2"},
    {18, "signed_certificate_timestamp"},
    {19, "client_certificate_type"},
    {20, "server_certificate_type"},
    {21, "padding"},
    {22, "encrypt_then_mac"},
    {23, "extended_master_secret"},
    {24, "token_binding"},
    {27, "compress_certificate"},
    {28, "record_size_limit"},
    {34, "delegated_credential"},
    {35, "session_ticket"},
    {41, "pre_shared_key"},
    {42, "early_data"},
    {43, "supported_versions"},
    {44, "cookie"},
    {45, "psk_key_exchange_modes"},
    {47, "certificate_authorities"},
    {48, "oid_filters"},
    {49, "post_handshake_auth"},
    {50, "signature_algorithms_cert"},
    {51, "key_share"},
    {57, "quic_transport_parameters"},
    {0x4469, "application_settings"},
    {0x44cd, "application_settings"},
    {0xfe0d, "encrypted_client_hello"},
    {0xff01, "renegotiation_info"},
    {0, NULL},
};

/* IANA, "TLS Supported Groups". */
static const struct number group_names[] = {
    {21, "secp224r1"},
    {22, "secp256k1"},
    {23, "secp256r1"},
    {24, "secp384r1"},
    {25, "secp521r1"},
    {26, "brainpoolP256"},
    {27, "brainpoolP384"},
    {28, "brainpoolP512"},
    {29, "x25519"},
    {30, "x448"},
    {256, "ffdhe2048"},
    {257, "ffdhe3072"},
    {258, "ffdhe4096"},
    {259, "ffdhe6144"},
    {260, "ffdhe8192"},
    {512, "MLKEM512"},
    {513, "MLKEM768"},
    {514, "MLKEM1024"},
    {4587, "SecP256r1MLKEM768"},
    {4588, "X25519MLKEM768"},
    {4589, "SecP384r1MLKEM1024"},
    {0x6399, "X25519Kyber768"},
    {0, NULL},
};

/* IANA, "TLS SignatureScheme"; those of TLS 1.2 by RFC 5246 7.4.1.4.1. */
static const struct number signature_names[] = {
    {0x0101, "rsa_md5"},
    {0x0201, "rsa_pkcs1_sha1"},
    {0x0202, "dsa_sha1"},
    {0x0203, "ecdsa_sha1"},
    {0x0301, "rsa_sha224"},
    {0x0302, "dsa_sha224"},
    {0x0303, "ecdsa_sha224"},
    {0x0401, "rsa_pkcs1_sha256"},
    {0x0402, "dsa_sha256"},
    {0x0403, "ecdsa_secp256r1_sha256"},
    {0x0501, "rsa_pkcs1_sha384"},
    {0x0502, "dsa_sha384"},
    {0x0503, "ecdsa_secp384r1_sha384"},
    {0x0601, "rsa_pkcs1_sha512"},
    {0x0602, "dsa_sha512"},
    {0x0603, "ecdsa_secp521r1_sha512"},
    {0x0804, "rsa_pss_rsae_sha256"},
    {0x0805, "rsa_pss_rsae_sha384"},
    {0x0806, "rsa_pss_rsae_sha512"},
    {0x0807, "ed25519"},
    {0x0808, "ed448"},
    {0x0809, "rsa_pss_pss_sha256"},
    {0x080a, "rsa_pss_pss_sha384"},
    {0x080b, "rsa_pss_pss_sha512"},
    {0, NULL},
};

/* RFC 8701: numbers that mean nothing, so that nobody forgets to pass over those. */
static bool is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static const char *named(const struct number *names, uint16_t value, char out[24])
{
    for (const struct number *at = names; at->name != NULL; at++) {
        if (at->value == value) {
            return at->name;
        }
    }
    snprintf(out, 24, is_grease(value) ? "GREASE" : "0x%04x", value);
    return out;
}

const char *tls_group_text(uint16_t group, char out[24])
{
    return named(group_names, group, out);
}

const char *tls_version_text(uint16_t version)
{
    static char texts[4][24];
    static unsigned next;
    switch (version) {
    case 0x0002:
        return "SSL 2.0";
    case 0x0300:
        return "SSL 3.0";
    case 0x0301:
        return "TLS 1.0";
    case 0x0302:
        return "TLS 1.1";
    case 0x0303:
        return "TLS 1.2";
    case 0x0304:
        return "TLS 1.3";
    case 0xfeff:
        return "DTLS 1.0";
    case 0xfefd:
        return "DTLS 1.2";
    case 0xfefc:
        return "DTLS 1.3";
    default: {
        char *text = texts[next++ % 4];
        snprintf(text, sizeof texts[0], is_grease(version) ? "GREASE" : "0x%04x", version);
        return text;
    }
    }
}

/* Versions of TLS count upwards, those of DTLS downwards. */
static bool is_newer(uint16_t version, uint16_t than, bool datagram)
{
    return than == 0 || (datagram ? version < than : version > than);
}

static const char *suite_text(uint16_t id, char out[24])
{
    static const struct number signals[] = {
        {0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"}, {0x5600, "TLS_FALLBACK_SCSV"}, {0, NULL}};
    const struct suite *suite = suite_find(id);
    return suite != NULL ? suite->name : named(signals, id, out);
}

/* ---------------------------------------------------------------- lists */

/* Numbers of two bytes by name, behind a length of `width` bytes. */
static struct json_object *names_of(struct bytes content, size_t width, const struct number *names)
{
    struct reader reader = read_start(content);
    struct json_object *list = facts_list();
    size_t size = width == 1 ? read_u8(&reader) : read_u16be(&reader);
    struct reader values = read_sub(&reader, size);
    while (read_left(&values) >= 2) {
        char number[24];
        facts_say(list, "%s", named(names, read_u16be(&values), number));
    }
    return list;
}

/* RFC 7301 3.1, as "h2, http/1.1"; at most so much as there is room for. */
static void alpn_text(struct bytes content, char *out, size_t room)
{
    struct reader reader = read_start(content);
    struct reader names = read_sub(&reader, read_u16be(&reader));
    size_t used = 0;
    out[0] = '\0';
    while (read_left(&names) != 0 && used + 8 < room) {
        struct bytes name = read_bytes(&names, read_u8(&names));
        used += (size_t)snprintf(out + used, room - used, used != 0 ? ", " : "%s", "");
        for (size_t i = 0; i < name.size && used + 8 < room; i++) {
            bool plain = name.data[i] > 0x20 && name.data[i] < 0x7f;
            used += (size_t)snprintf(out + used, room - used, plain ? "%c" : "\\x%02x", name.data[i]);
        }
    }
}

/* RFC 6066 3: the first name, of type host_name. */
static struct bytes server_name(struct bytes content)
{
    struct reader reader = read_start(content);
    struct reader names = read_sub(&reader, read_u16be(&reader));
    uint8_t type = read_u8(&names);
    struct bytes name = read_bytes(&names, read_u16be(&names));
    return names.bad || type != 0 ? BYTES_NONE : name;
}

/* The groups of the keys in a ClientHello's key_share (RFC 8446 4.2.8). */
static struct json_object *shares_of(struct bytes content)
{
    struct reader reader = read_start(content);
    struct reader shares = read_sub(&reader, read_u16be(&reader));
    struct json_object *list = facts_list();
    while (read_left(&shares) >= 4) {
        char number[24];
        facts_say(list, "%s", tls_group_text(read_u16be(&shares), number));
        read_bytes(&shares, read_u16be(&shares));
    }
    return list;
}

/* ---------------------------------------------------------------- extensions */

struct seen {
    bool master_secret, renegotiation, psk, any;
    struct bytes name;
    char alpn[160];
    char versions[120];
    uint16_t highest;
};

static void see_versions(struct bytes content, bool datagram, struct seen *seen)
{
    struct reader reader = read_start(content);
    struct reader versions = read_sub(&reader, read_u8(&reader));
    size_t used = 0;
    while (read_left(&versions) >= 2) {
        uint16_t version = read_u16be(&versions);
        if (is_grease(version)) {
            continue;
        }
        seen->highest = is_newer(version, seen->highest, datagram) ? version : seen->highest;
        if (used + 16 < sizeof seen->versions) {
            used += (size_t)snprintf(seen->versions + used, sizeof seen->versions - used, "%s%s", used != 0 ? ", " : "",
                                     tls_version_text(version));
        }
    }
}

static void explain_extension(struct json_object *facts, uint16_t type, struct bytes content, bool client,
                              struct tls_hello *hello, struct seen *seen)
{
    struct reader reader = read_start(content);
    char number[24];
    switch (type) {
    case EXTENSION_NAME:
        seen->name = server_name(content);
        if (seen->name.size != 0) {
            facts_oem(facts, "server_name", seen->name);
        }
        break;
    case EXTENSION_GROUPS:
        facts_add(facts, "groups", names_of(content, 2, group_names));
        break;
    case EXTENSION_SIGNATURES:
        facts_add(facts, "signature_algorithms", names_of(content, 2, signature_names));
        break;
    case EXTENSION_ALPN:
        alpn_text(content, seen->alpn, sizeof seen->alpn);
        facts_text(facts, "application_protocols", seen->alpn);
        break;
    case EXTENSION_MASTER_SECRET:
        seen->master_secret = true;
        break;
    case EXTENSION_RENEGOTIATION:
        seen->renegotiation = true;
        break;
    case EXTENSION_PSK:
        seen->psk = true;
        break;
    case EXTENSION_VERSIONS:
        if (client) {
            see_versions(content, hello->datagram, seen);
            facts_text(facts, "supported_versions", seen->versions);
        } else {
            hello->version = read_u16be(&reader);
        }
        break;
    case EXTENSION_SHARE:
        if (client) {
            facts_add(facts, "key_shares", shares_of(content));
        } else {
            facts_text(facts, "key_share", tls_group_text(read_u16be(&reader), number));
        }
        break;
    default:
        break;
    }
}

static void explain_extensions(struct json_object *facts, struct reader *reader, bool client, struct tls_hello *hello,
                               struct seen *seen)
{
    struct json_object *list = facts_list();
    struct reader all = read_sub(reader, read_left(reader) != 0 ? read_u16be(reader) : 0);
    while (read_left(&all) >= 4) {
        char number[24];
        uint16_t type = read_u16be(&all);
        struct bytes content = read_bytes(&all, read_u16be(&all));
        facts_say(list, "%s", named(extension_names, type, number));
        explain_extension(facts, type, content, client, hello, seen);
        seen->any = true;
    }
    facts_add(facts, "extensions", list);
}

/* ---------------------------------------------------------------- ClientHello */

/* The suites of a ClientHello; the reader then stands behind them. */
static struct reader suites_of(struct reader *reader, bool datagram, uint16_t *out_version, struct bytes *out_session)
{
    *out_version = read_u16be(reader);
    read_bytes(reader, RANDOM_SIZE);
    *out_session = read_bytes(reader, read_u8(reader));
    if (datagram) {
        read_bytes(reader, read_u8(reader));
    }
    return read_sub(reader, read_u16be(reader));
}

bool tls_hello_offers(struct bytes body, bool datagram, uint16_t suite)
{
    struct reader reader = read_start(body);
    uint16_t version;
    struct bytes session;
    struct reader offered = suites_of(&reader, datagram, &version, &session);
    while (read_left(&offered) >= 2) {
        if (read_u16be(&offered) == suite) {
            return true;
        }
    }
    return false;
}

static bool is_weak(uint16_t id, const char *name)
{
    const struct suite *suite = suite_find(id);
    bool old = strstr(name, "RC4") != NULL || strstr(name, "_NULL_") != NULL || strstr(name, "_3DES_") != NULL;
    return old || (suite != NULL && (suite->cipher == SUITE_NULL || suite->cipher == SUITE_TRIPLE_DES_CBC));
}

static void remark_client(const struct tls_hello *hello, const struct seen *seen, bool weak, struct json_object *odd)
{
    bool modern = hello->version == 0x0304 || hello->version == 0xfefc;
    if (is_newer(hello->datagram ? 0xfefd : 0x0303, hello->version, hello->datagram)) {
        facts_say(odd, "%s is the newest that the client offers (RFC 8996)", tls_version_text(hello->version));
    }
    if (seen->name.size == 0) {
        facts_say(odd, "no server name: a server with several certificates has to guess (RFC 6066 3)");
    }
    if (!modern && !seen->master_secret) {
        facts_say(odd, "no extended master secret: channel bindings can be relayed (RFC 7627)");
    }
    if (weak) {
        facts_say(odd, "offers suites that protect badly: RC4, 3DES or none");
    }
}

struct json_object *tls_explain_client_hello(struct bytes body, struct tls_hello *hello, struct json_object *odd)
{
    struct json_object *facts = facts_new();
    struct json_object *list = facts_list();
    struct reader reader = read_start(body);
    struct seen seen = {.master_secret = false};
    struct bytes session;
    uint16_t version;
    bool weak = false, signal = false;
    struct reader offered = suites_of(&reader, hello->datagram, &version, &session);
    facts_text(facts, "legacy_version", tls_version_text(version));
    facts_bytes(facts, "session_id", session);
    while (read_left(&offered) >= 2) {
        char number[24];
        uint16_t id = read_u16be(&offered);
        const char *name = suite_text(id, number);
        weak = weak || is_weak(id, name);
        signal = signal || id == 0x00ff;
        facts_say(list, "%s", name);
    }
    facts_add(facts, "cipher_suites", list);
    struct bytes compression = read_bytes(&reader, read_u8(&reader));
    explain_extensions(facts, &reader, true, hello, &seen);
    hello->version = seen.highest != 0 ? seen.highest : version;
    if (reader.bad) {
        facts_say(odd, "the ClientHello is broken: it ends too early");
        return facts;
    }
    if (compression.size > 1) {
        facts_say(odd, "offers compression, which gives away what is compressed (CRIME)");
    }
    if (hello->version != 0x0304 && !seen.renegotiation && !signal) {
        facts_say(odd, "no renegotiation_info: renegotiations can be injected (RFC 5746)");
    }
    remark_client(hello, &seen, weak, odd);
    snprintf(hello->says, sizeof hello->says, "let us speak %s%s%.*s%s%s%s",
             seen.versions[0] != '\0' ? seen.versions : tls_version_text(hello->version),
             seen.name.size != 0 ? ", for " : "", (int)(seen.name.size < 100 ? seen.name.size : 100),
             seen.name.size != 0 ? (const char *)seen.name.data : "", seen.alpn[0] != '\0' ? "; " : "", seen.alpn,
             seen.psk ? "; I have a session to resume" : "");
    return facts;
}

/* ---------------------------------------------------------------- ServerHello */

/* RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[RANDOM_SIZE] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static void remark_server(struct bytes random, const struct tls_hello *hello, const struct seen *seen,
                          struct json_object *odd)
{
    struct reader tail = read_start(random);
    read_bytes(&tail, RANDOM_SIZE - 8);
    struct bytes mark = read_bytes(&tail, 8);
    if (mark.size == 8 && memcmp(mark.data, "DOWNGRD", 7) == 0 && mark.data[7] < 2) {
        facts_say(odd, "the server could speak a newer version (RFC 8446 4.1.3): did the client not offer it, or did "
                       "somebody take the offer away?");
    }
    if (is_newer(hello->datagram ? 0xfefd : 0x0303, hello->version, hello->datagram)) {
        facts_say(odd, "%s is out of use (RFC 8996)", tls_version_text(hello->version));
    }
    bool modern = hello->version == 0x0304 || hello->version == 0xfefc;
    if (!modern && !seen->master_secret) {
        facts_say(odd, "no extended master secret: channel bindings can be relayed (RFC 7627)");
    }
}

struct json_object *tls_explain_server_hello(struct bytes body, struct tls_hello *hello, struct json_object *odd)
{
    struct json_object *facts = facts_new();
    struct reader reader = read_start(body);
    struct seen seen = {.master_secret = false};
    char number[24];
    hello->version = read_u16be(&reader);
    struct bytes random = read_bytes(&reader, RANDOM_SIZE);
    facts_bytes(facts, "session_id", read_bytes(&reader, read_u8(&reader)));
    hello->suite = read_u16be(&reader);
    uint8_t compression = read_u8(&reader);
    hello->retry = random.size == RANDOM_SIZE && memcmp(random.data, retry_random, RANDOM_SIZE) == 0;
    facts_text(facts, "cipher_suite", suite_text(hello->suite, number));
    explain_extensions(facts, &reader, false, hello, &seen);
    facts_text(facts, "version", tls_version_text(hello->version));
    if (reader.bad) {
        facts_say(odd, "the ServerHello is broken: it ends too early");
        return facts;
    }
    if (compression != 0) {
        facts_say(odd, "the server chose compression, which gives away what is compressed (CRIME)");
    }
    if (is_weak(hello->suite, suite_text(hello->suite, number))) {
        facts_say(odd, "this suite protects badly");
    }
    remark_server(random, hello, &seen, odd);
    snprintf(hello->says, sizeof hello->says,
             hello->retry ? "%s, but send me a key of another group (%s)%s%s" : "%s it is, with %s%s%s",
             tls_version_text(hello->version),
             hello->retry ? facts_get(facts, "key_share") : suite_text(hello->suite, number),
             seen.alpn[0] != '\0' ? "; " : "", seen.alpn);
    return facts;
}
