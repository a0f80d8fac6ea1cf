/* The key schedules of TLS 1.2 and 1.3 as OpenSSL asks for them: the trace of RFC 8448, and OpenSSL's own implementations
 * beside ours with the same parameters. */
#include "vectors/hex.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "cert/library.h"
#include "schannel.h"
#include "schannel/kdf.h"

#define OURS   "provider=sspi"
#define THEIRS "provider=default"
#define MAX    300

/* Parameters of one derivation, in the order in which they are added. */
struct asked {
    OSSL_PARAM list[16];
    size_t count;
};

static int modes[2] = {EVP_KDF_HKDF_MODE_EXTRACT_ONLY, EVP_KDF_HKDF_MODE_EXPAND_ONLY};

static void add(struct asked *asked, OSSL_PARAM param)
{
    asked->list[asked->count++] = param;
    asked->list[asked->count] = OSSL_PARAM_construct_end();
}

static void add_bytes(struct asked *asked, const char *name, struct bytes bytes)
{
    add(asked, OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.data, bytes.size));
}

static void add_text(struct asked *asked, const char *name, const char *text)
{
    add_bytes(asked, name, bytes_of(text, strlen(text)));
}

static void add_digest(struct asked *asked, const char *digest)
{
    add(asked, OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0));
}

static EVP_KDF_CTX *start(const char *name, const char *properties, const char *provider)
{
    assert_int_equal(kdf_provide(), SEC_E_OK);
    EVP_KDF *kdf = EVP_KDF_fetch(cert_libctx(), name, properties);
    assert_non_null(kdf);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), provider);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    assert_non_null(context);
    return context;
}

static int derive(const char *name, const char *properties, const struct asked *asked, uint8_t *out, size_t size)
{
    EVP_KDF_CTX *context = start(name, properties, strcmp(properties, THEIRS) == 0 ? "default" : "sspi");
    int done = EVP_KDF_derive(context, out, size, asked->list);
    EVP_KDF_CTX_free(context);
    return done;
}

/* Both give the same, or both refuse. */
static void same(const char *name, const struct asked *asked, size_t size)
{
    uint8_t ours[MAX] = {1}, theirs[MAX] = {1};
    int done = derive(name, OURS, asked, ours, size);
    assert_int_equal(done == 1, derive(name, THEIRS, asked, theirs, size) == 1);
    if (done == 1) {
        assert_memory_equal(ours, theirs, size);
    }
}

static struct asked extract_of(const char *digest, struct bytes salt, struct bytes key)
{
    struct asked asked = {.count = 0};
    add(&asked, OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &modes[0]));
    add_digest(&asked, digest);
    if (key.data != NULL) {
        add_bytes(&asked, OSSL_KDF_PARAM_KEY, key);
    }
    if (salt.data != NULL) {
        add_bytes(&asked, OSSL_KDF_PARAM_SALT, salt);
    }
    add_text(&asked, OSSL_KDF_PARAM_PREFIX, "tls13 ");
    add_text(&asked, OSSL_KDF_PARAM_LABEL, "derived");
    return asked;
}

static struct asked expand_of(const char *digest, struct bytes key, const char *label, struct bytes data)
{
    struct asked asked = {.count = 0};
    add(&asked, OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &modes[1]));
    add_digest(&asked, digest);
    add_bytes(&asked, OSSL_KDF_PARAM_KEY, key);
    add_text(&asked, OSSL_KDF_PARAM_PREFIX, "tls13 ");
    add_text(&asked, OSSL_KDF_PARAM_LABEL, label);
    if (data.data != NULL) {
        add_bytes(&asked, OSSL_KDF_PARAM_DATA, data);
    }
    return asked;
}

static struct asked prf_of(const char *digest, struct bytes secret, const char *label, struct bytes seed)
{
    struct asked asked = {.count = 0};
    add_digest(&asked, digest);
    add_bytes(&asked, OSSL_KDF_PARAM_SECRET, secret);
    add_text(&asked, OSSL_KDF_PARAM_SEED, label);
    add_bytes(&asked, OSSL_KDF_PARAM_SEED, seed);
    return asked;
}

/* ---------------------------------------------------------------- listening */

struct heard {
    struct kdf_listener listener;
    unsigned client, server, blocks;
    uint8_t bytes[MAX];
    size_t size;
};

static void hear_secret(void *argument, bool client, struct bytes secret)
{
    struct heard *heard = argument;
    *(client ? &heard->client : &heard->server) += 1;
    memcpy(heard->bytes, secret.data, secret.size);
    heard->size = secret.size;
}

static void hear_block(void *argument, struct bytes block)
{
    struct heard *heard = argument;
    heard->blocks++;
    memcpy(heard->bytes, block.data, block.size);
    heard->size = block.size;
}

static void hear(struct heard *heard)
{
    *heard = (struct heard){.listener = {hear_secret, hear_block, heard}};
    kdf_listen(&heard->listener);
}

/* ---------------------------------------------------------------- RFC 8448 3 */

static void expect(const struct asked *asked, const char *expected)
{
    uint8_t out[32];
    assert_int_equal(derive("TLS13-KDF", OURS, asked, out, sizeof out), 1);
    assert_memory_equal(out, hex(expected).data, sizeof out);
}

static void trace(void **state)
{
    (void)state;
    static const char early[] = "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a";
    static const char handshake[] = "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac";
    static const char master[] = "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919";
    struct hex shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
    struct hex transcript = hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
    struct hex early_bytes = hex(early), handshake_bytes = hex(handshake), master_bytes = hex(master);
    struct asked asked = extract_of("SHA256", BYTES_NONE, BYTES_NONE);
    expect(&asked, early);
    asked = extract_of("SHA256", HEX_BYTES(early_bytes), HEX_BYTES(shared));
    expect(&asked, handshake);
    asked = extract_of("SHA2-256", HEX_BYTES(handshake_bytes), BYTES_NONE);
    expect(&asked, master);
    struct heard heard;
    hear(&heard);
    static const char client[] = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
    static const char server[] = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
    asked = expand_of("SHA256", HEX_BYTES(master_bytes), "c ap traffic", HEX_BYTES(transcript));
    expect(&asked, client);
    assert_int_equal(heard.client, 1);
    assert_memory_equal(heard.bytes, hex(client).data, 32);
    asked = expand_of("SHA256", HEX_BYTES(master_bytes), "s ap traffic", HEX_BYTES(transcript));
    expect(&asked, server);
    assert_int_equal(heard.server, 1);
    assert_memory_equal(heard.bytes, hex(server).data, 32);
    assert_int_equal(heard.size, 32);
    asked = expand_of("SHA256", HEX_BYTES(master_bytes), "exp master", HEX_BYTES(transcript));
    expect(&asked, "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
    assert_int_equal(heard.client + heard.server + heard.blocks, 2); /* that one is nobody's business */
    kdf_listen(NULL);
    asked = expand_of("SHA256", HEX_BYTES(master_bytes), "c ap traffic", HEX_BYTES(transcript));
    expect(&asked, client);
    assert_int_equal(heard.client, 1);
}

/* ---------------------------------------------------------------- OpenSSL's own */

static const char *const digests[] = {"SHA2-256", "SHA256", "SHA2-384", "SHA384", "SHA2-512", "SHA1"};
#define DIGESTS (sizeof digests / sizeof digests[0])

static void tls13_as_openssl(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {7, 1, 3, 9};
    static const size_t sizes[] = {1, 12, 20, 32, 48, 49, 64, 97, 255, MAX};
    char label[250];
    memset(label, 'l', sizeof label);
    label[249] = '\0';
    for (size_t d = 0; d < DIGESTS; d++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct asked asked = expand_of(digests[d], bytes_of(bytes, 48), "key", BYTES_NONE);
            same("TLS13-KDF", &asked, sizes[s]);
            asked = expand_of(digests[d], bytes_of(bytes, 32), "res master", bytes_of(bytes, 48));
            same("TLS13-KDF", &asked, sizes[s]);
            asked = expand_of(digests[d], bytes_of(bytes, 32), label, bytes_of(bytes, 64));
            same("TLS13-KDF", &asked, sizes[s]);
            asked = extract_of(digests[d], bytes_of(bytes, 32), bytes_of(bytes, 64));
            same("TLS13-KDF", &asked, sizes[s]);
            asked = extract_of(digests[d], bytes_of(bytes, 48), BYTES_NONE);
            same("TLS13-KDF", &asked, sizes[s]);
            asked = extract_of(digests[d], BYTES_NONE, bytes_of(bytes, 1));
            same("TLS13-KDF", &asked, sizes[s]);
        }
    }
}

static void tls12_as_openssl(void **state)
{
    (void)state;
    static const uint8_t bytes[200] = {5, 2, 8};
    static const size_t sizes[] = {1, 12, 48, 72, 88, 96, 97, 192, MAX};
    static const size_t secrets[] = {1, 32, 48, 64, 65, 128, 129, 200};
    for (size_t d = 0; d < DIGESTS; d++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            for (size_t k = 0; k < sizeof secrets / sizeof secrets[0]; k++) {
                struct asked asked = prf_of(digests[d], bytes_of(bytes, secrets[k]), "key expansion", BYTES(bytes));
                same("TLS1-PRF", &asked, sizes[s]);
            }
        }
    }
    struct asked asked = prf_of("MD5-SHA1", BYTES(bytes), "master secret", bytes_of(bytes, 64)); /* RFC 2246 5 */
    same("TLS1-PRF", &asked, 48);
}

static void key_block_is_told(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {4};
    uint8_t out[88];
    struct heard heard;
    hear(&heard);
    struct asked asked = prf_of("SHA2-384", bytes_of(bytes, 48), "extended master secret", BYTES(bytes));
    assert_int_equal(derive("TLS1-PRF", OURS, &asked, out, 48), 1);
    assert_int_equal(heard.blocks, 0);
    asked = prf_of("SHA2-384", bytes_of(bytes, 48), "key expansion", BYTES(bytes));
    assert_int_equal(derive("TLS1-PRF", OURS, &asked, out, sizeof out), 1);
    assert_int_equal(heard.blocks, 1);
    assert_int_equal(heard.size, sizeof out);
    assert_memory_equal(heard.bytes, out, sizeof out);
    kdf_listen(NULL);
}

/* What lacks something is refused, as OpenSSL refuses it; nothing is told of it. */
static void incomplete(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {4};
    struct asked whole[] = {expand_of("SHA256", bytes_of(bytes, 32), "c ap traffic", bytes_of(bytes, 32)),
                            extract_of("SHA256", bytes_of(bytes, 32), bytes_of(bytes, 32)),
                            prf_of("SHA256", bytes_of(bytes, 32), "key expansion", bytes_of(bytes, 64))};
    for (size_t w = 0; w < 3; w++) {
        const char *name = w < 2 ? "TLS13-KDF" : "TLS1-PRF";
        for (size_t left_out = 0; left_out < whole[w].count; left_out++) {
            struct asked asked = {.count = 0};
            for (size_t i = 0; i < whole[w].count; i++) {
                if (i != left_out) {
                    add(&asked, whole[w].list[i]);
                }
            }
            same(name, &asked, 32);
        }
        struct asked more = whole[w];
        for (int i = 0; i < 7;
             i++) { /* more parts than we take: a later one of a kind replaces the earlier, or is added */
            add_bytes(&more, w < 2 ? OSSL_KDF_PARAM_DATA : OSSL_KDF_PARAM_SEED, bytes_of(bytes, (size_t)i + 1));
        }
        same(name, &more, 32);
        struct asked none = {.list = {OSSL_PARAM_END}};
        same(name, &none, 32);
    }
}

/* Parameters first, then the derivation; copies; and a context that is used again. */
static void set_beforehand(void **state)
{
    (void)state;
    static const uint8_t bytes[48] = {6};
    uint8_t at_once[48], out[48];
    struct asked asked = expand_of("SHA2-384", BYTES(bytes), "c hs traffic", BYTES(bytes));
    assert_int_equal(derive("TLS13-KDF", OURS, &asked, at_once, sizeof at_once), 1);
    EVP_KDF_CTX *context = start("TLS13-KDF", OURS, "sspi");
    EVP_KDF_CTX *copy = EVP_KDF_CTX_dup(context);
    assert_non_null(copy);
    assert_int_equal(EVP_KDF_derive(copy, out, sizeof out, asked.list), 1);
    assert_memory_equal(out, at_once, sizeof out);
    EVP_KDF_CTX_free(copy);
    assert_int_equal(EVP_KDF_CTX_set_params(context, asked.list), 1);
    memset(out, 0, sizeof out);
    assert_int_equal(EVP_KDF_derive(context, out, sizeof out, NULL), 1);
    assert_memory_equal(out, at_once, sizeof out);
    copy = EVP_KDF_CTX_dup(context); /* OpenSSL's own cannot before version 3.2 */
    assert_true(copy == NULL || EVP_KDF_derive(copy, out, sizeof out, NULL) == 1);
    EVP_KDF_CTX_free(copy);
    EVP_KDF_CTX_reset(context);
    assert_int_not_equal(EVP_KDF_derive(context, out, sizeof out, NULL), 1);
    EVP_KDF_CTX_reset(context);
    memset(out, 0, sizeof out);
    assert_int_equal(EVP_KDF_derive(context, out, sizeof out, asked.list), 1);
    assert_memory_equal(out, at_once, sizeof out);
    assert_true(EVP_KDF_CTX_get_kdf_size(context) != 0);
    EVP_KDF_CTX_free(context);
}

/* The property that the handshakes' contexts have prefers ours, and leaves everything else where it was. */
static void preference(void **state)
{
    (void)state;
    EVP_KDF_CTX_free(start("TLS13-KDF", KDF_PROPERTIES, "sspi"));
    EVP_KDF_CTX_free(start("TLS1-PRF", KDF_PROPERTIES, "sspi"));
    EVP_KDF_CTX_free(start("HKDF", KDF_PROPERTIES, "default"));
    EVP_MD *digest = EVP_MD_fetch(cert_libctx(), "SHA2-256", KDF_PROPERTIES);
    assert_non_null(digest);
    EVP_MD_free(digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace),
        cmocka_unit_test(tls13_as_openssl),
        cmocka_unit_test(tls12_as_openssl),
        cmocka_unit_test(key_block_is_told),
        cmocka_unit_test(incomplete),
        cmocka_unit_test(set_beforehand),
        cmocka_unit_test(preference),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
