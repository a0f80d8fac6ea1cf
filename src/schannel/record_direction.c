/* Keys of a direction: from secrets to a cipher that is ready (RFC 8446 7.3, RFC 5246 6.3). */
#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

#include "base/secret.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"
#include "schannel/record.h"
#include "schannel/record_keys.h"
#include "wire/reader.h"

#define MASTER_SIZE      48 /* RFC 5246 8.1 */
#define RANDOM_SIZE      32
#define SALT_SIZE        4 /* RFC 5288 3, RFC 6655 3 */
#define NO_UPDATE_NEEDED UINT64_MAX

/* 2^24.5 full-size records under one key of AES-GCM (RFC 8446 5.5); 2^23 under AES-CCM (RFC 9147 4.5.3). */
#define GCM_RECORDS UINT64_C(23726566)
#define CCM_RECORDS UINT64_C(8388608)

/* Fetched once in a process.  Two first calls at once fetch twice and keep one; there is no lock to be held by a
 * fork. */
static EVP_CIPHER *fetch(const struct suite *suite)
{
    static _Atomic(EVP_CIPHER *) fetched[5];
    static const char *const names[] = {"AES-128-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM",
                                        "ChaCha20-Poly1305"};
    size_t which = suite->cipher == SUITE_CHACHA20_POLY1305
                       ? 4
                       : (suite->cipher == SUITE_AES_GCM ? 0 : 2) + (suite->key_bits == 256 ? 1u : 0u);
    EVP_CIPHER *now = atomic_load_explicit(&fetched[which], memory_order_acquire);
    if (now != NULL) {
        return now;
    }
    EVP_CIPHER *fresh = EVP_CIPHER_fetch(cert_libctx(), names[which], NULL);
    if (fresh == NULL) {
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&fetched[which], &now, fresh)) {
        EVP_CIPHER_free(fresh);
        return now;
    }
    return fresh;
}

static void free_cipher(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher); /* wipes the key schedule */
}

/* Makes the cipher of `direction`, keyed. */
static SECURITY_STATUS start_cipher(struct record_direction *direction, const uint8_t *key)
{
    EVP_CIPHER *algorithm = fetch(direction->suite);
    REQUIRE(algorithm != NULL, SEC_E_ALGORITHM_MISMATCH, "the cipher of this suite is not in OpenSSL's provider");
    __attribute__((cleanup(free_cipher))) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int enc = direction->sending ? 1 : 0;
    REQUIRE(cipher != NULL && EVP_CipherInit_ex2(cipher, algorithm, NULL, NULL, enc, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_IVLEN, RECORD_NONCE, NULL) == 1,
            SEC_E_INSUFFICIENT_MEMORY, "no memory for a cipher");
    if (direction->suite->cipher == SUITE_AES_CCM || direction->suite->cipher == SUITE_AES_CCM_8) {
        REQUIRE(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, direction->tag_size, NULL) == 1,
                SEC_E_INTERNAL_ERROR, "OpenSSL refuses the size of CCM's tag");
    }
    REQUIRE(EVP_CipherInit_ex2(cipher, NULL, key, NULL, enc, NULL) == 1, SEC_E_INTERNAL_ERROR,
            "OpenSSL refuses a traffic key");
    direction->cipher = cipher;
    cipher = NULL;
    return SEC_E_OK;
}

static SECURITY_STATUS start_cipher_quietly(struct record_direction *direction, const uint8_t *key)
{
    openssl_errors_mark();
    SECURITY_STATUS status = start_cipher(direction, key);
    openssl_errors_forget();
    return status;
}

static size_t key_size(const struct suite *suite)
{
    return suite->key_bits / 8u;
}

SECURITY_STATUS record_init_tls13(struct record_direction *out, const struct suite *suite, bool sending,
                                  struct bytes secret)
{
    REQUIRE(suite != NULL && suite->tls13 && secret.size == record_hash_size(suite->hash), SEC_E_INTERNAL_ERROR,
            "this is no traffic secret of a suite of TLS 1.3 (RFC 8446 7.1)");
    struct record_direction direction = {
        .suite = suite,
        .version = RECORD_TLS13,
        .tag_size = (uint8_t)suite_tag_size(suite),
        .sending = sending,
    };
    uint8_t key[RECORD_KEY_MAX];
    memcpy(direction.secret, secret.data, secret.size);
    record_expand_label(suite->hash, secret, "key", key, key_size(suite));
    record_expand_label(suite->hash, secret, "iv", direction.iv, RECORD_NONCE);
    SECURITY_STATUS status = start_cipher_quietly(&direction, key);
    secret_wipe(key, sizeof key);
    if (status >= 0) {
        *out = direction;
    }
    secret_wipe(&direction, sizeof direction);
    return status;
}

static size_t iv_size(const struct suite *suite)
{
    return suite->cipher == SUITE_CHACHA20_POLY1305 ? RECORD_NONCE : SALT_SIZE; /* RFC 7905 2 */
}

/* client key, server key, client IV, server IV; an AEAD has no MAC keys (RFC 5246 6.3). */
static size_t key_block_size(const struct suite *suite)
{
    return 2 * (key_size(suite) + iv_size(suite));
}

static SECURITY_STATUS check_tls12(const struct suite *suite)
{
    REQUIRE(suite != NULL && suite_is_aead(suite) && !suite->tls13, SEC_E_INTERNAL_ERROR,
            "this suite is no AEAD of TLS 1.2 (RFC 5246 6.2.3.3)");
    return SEC_E_OK;
}

SECURITY_STATUS record_key_block(const struct suite *suite, struct bytes master, struct bytes client_random,
                                 struct bytes server_random, uint8_t block[RECORD_KEY_BLOCK])
{
    TRY(check_tls12(suite));
    REQUIRE(master.size == MASTER_SIZE && client_random.size == RANDOM_SIZE && server_random.size == RANDOM_SIZE,
            SEC_E_INTERNAL_ERROR, "a master secret has 48 bytes, a random 32 (RFC 5246 7.4.1.2, 8.1)");
    const struct bytes seed[] = {bytes_of("key expansion", 13), server_random, client_random};
    record_prf(suite->hash, master, seed, 3, block, key_block_size(suite));
    return SEC_E_OK;
}

static SECURITY_STATUS take_from_block(struct record_direction *out, const struct suite *suite, bool sending,
                                       bool client_writes, const uint8_t *block)
{
    size_t side = client_writes ? 0 : 1;
    struct record_direction direction = {
        .suite = suite,
        .version = RECORD_TLS12,
        .tag_size = (uint8_t)suite_tag_size(suite),
        .explicit_size = suite->cipher == SUITE_CHACHA20_POLY1305 ? 0 : 8,
        .sending = sending,
        .sequence = 1,
    };
    memcpy(direction.iv, block + 2 * key_size(suite) + side * iv_size(suite), iv_size(suite));
    SECURITY_STATUS status = start_cipher_quietly(&direction, block + side * key_size(suite));
    if (status >= 0) {
        *out = direction;
    }
    secret_wipe(&direction, sizeof direction);
    return status;
}

SECURITY_STATUS record_init_tls12(struct record_direction *out, const struct suite *suite, bool sending,
                                  bool client_writes, struct bytes master, struct bytes client_random,
                                  struct bytes server_random)
{
    uint8_t block[RECORD_KEY_BLOCK];
    TRY(record_key_block(suite, master, client_random, server_random, block));
    SECURITY_STATUS status = take_from_block(out, suite, sending, client_writes, block);
    secret_wipe(block, sizeof block);
    return status;
}

SECURITY_STATUS record_init_tls12_pair(struct record_direction *out_send, struct record_direction *out_receive,
                                       const struct suite *suite, bool client, struct bytes block)
{
    TRY(check_tls12(suite));
    REQUIRE(block.size >= key_block_size(suite), SEC_E_INTERNAL_ERROR, "a key block is too short (RFC 5246 6.3)");
    struct record_direction send = {0};
    TRY(take_from_block(&send, suite, true, client, block.data));
    SECURITY_STATUS status = take_from_block(out_receive, suite, false, !client, block.data);
    if (status < 0) {
        record_wipe(&send);
        return status;
    }
    *out_send = send;
    secret_wipe(&send, sizeof send);
    return SEC_E_OK;
}

void record_continue_nonce(struct record_direction *direction, struct bytes record)
{
    struct reader reader = read_start(record);
    (void)read_bytes(&reader, 3);
    struct bytes body = read_bytes(&reader, read_u16be(&reader));
    struct reader inner = read_start(body);
    uint64_t last = (uint64_t)read_u32be(&inner) << 32;
    last |= read_u32be(&inner);
    if (direction->explicit_size != 0 && !reader.bad && !inner.bad && read_left(&reader) == 0) {
        direction->nonce_base = last + 1 - direction->sequence;
    }
}

SECURITY_STATUS record_update(struct record_direction *direction)
{
    REQUIRE(direction->version == RECORD_TLS13, SEC_E_UNSUPPORTED_FUNCTION,
            "there is no KeyUpdate before TLS 1.3 (RFC 8446 4.6.3)");
    REQUIRE(!direction->dead, SEC_E_CONTEXT_EXPIRED, "this direction of the connection has ended");
    const struct suite *suite = direction->suite;
    size_t size = record_hash_size(suite->hash);
    uint8_t next[RECORD_SECRET_MAX], key[RECORD_KEY_MAX];
    record_expand_label(suite->hash, bytes_of(direction->secret, size), "traffic upd", next, size);
    record_expand_label(suite->hash, bytes_of(next, size), "key", key, key_size(suite));
    record_expand_label(suite->hash, bytes_of(next, size), "iv", direction->iv, RECORD_NONCE);
    memcpy(direction->secret, next, size);
    direction->sequence = 0;
    openssl_errors_mark();
    bool keyed = EVP_CipherInit_ex2(direction->cipher, NULL, key, NULL, direction->sending ? 1 : 0, NULL) == 1;
    openssl_errors_forget();
    secret_wipe(next, sizeof next);
    secret_wipe(key, sizeof key);
    direction->dead = !keyed;
    REQUIRE(keyed, SEC_E_INTERNAL_ERROR, "OpenSSL refuses the next traffic key");
    return SEC_E_OK;
}

void record_wipe(struct record_direction *direction)
{
    EVP_CIPHER_CTX_free(direction->cipher);
    secret_wipe(direction, sizeof *direction);
}

bool record_wants_update(const struct record_direction *direction)
{
    uint64_t limit = direction->version != RECORD_TLS13                    ? NO_UPDATE_NEEDED
                     : direction->suite->cipher == SUITE_AES_GCM           ? GCM_RECORDS
                     : direction->suite->cipher == SUITE_CHACHA20_POLY1305 ? NO_UPDATE_NEEDED
                                                                           : CCM_RECORDS;
    return direction->sequence >= limit;
}
