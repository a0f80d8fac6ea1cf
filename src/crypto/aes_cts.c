#include "crypto/aes_cts.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/openssl_errors.h"

/* Messages up to here are gathered on the stack: two calls of OpenSSL at most instead of one for each piece. */
#define GATHERED 1024

static EVP_CIPHER *cipher_128, *cipher_256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* In a library context of our own: the program's configuration, and its end, are not ours. */
static void fetch(void)
{
    openssl_errors_mark();
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    if (library != NULL) {
        cipher_128 = EVP_CIPHER_fetch(library, "AES-128-CBC", NULL);
        cipher_256 = EVP_CIPHER_fetch(library, "AES-256-CBC", NULL);
    }
    openssl_errors_forget();
}

SECURITY_STATUS aes_cts_open(struct aes_cts *cts, struct bytes key, bool encrypting)
{
    static const uint8_t zero[AES_BLOCK];
    (void)pthread_once(&once, fetch);
    const EVP_CIPHER *cipher = key.size == 16 ? cipher_128 : key.size == 32 ? cipher_256 : NULL;
    REQUIRE(cipher != NULL, SEC_E_CRYPTO_SYSTEM_INVALID, "OpenSSL has no AES in CBC mode");
    openssl_errors_mark();
    EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
    bool ready = made != NULL && EVP_CipherInit_ex2(made, cipher, key.data, zero, encrypting, NULL) == 1 &&
                 EVP_CIPHER_CTX_set_padding(made, 0) == 1;
    openssl_errors_forget();
    if (!ready) {
        EVP_CIPHER_CTX_free(made);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for an AES key");
    }
    *cts = (struct aes_cts){.cipher = made, .encrypting = encrypting};
    return SEC_E_OK;
}

void aes_cts_close(struct aes_cts *cts)
{
    if (cts->cipher != NULL) {
        EVP_CIPHER_CTX_free(cts->cipher); /* wipes the key schedule */
    }
    secret_wipe(cts, sizeof *cts);
}

static void xor_block(uint8_t *to, const uint8_t *with)
{
    uint64_t a[2], b[2];
    memcpy(a, to, sizeof a);
    memcpy(b, with, sizeof b);
    a[0] ^= b[0];
    a[1] ^= b[1];
    memcpy(to, a, sizeof a);
}

/* Whole blocks, in place; the cipher's vector moves on and `chain` with it. */
static SECURITY_STATUS cbc(struct aes_cts *cts, uint8_t *data, size_t size)
{
    uint8_t last[AES_BLOCK];
    int written = 0;
    memcpy(last, data + size - AES_BLOCK, AES_BLOCK);
    REQUIRE(size <= INT32_MAX && EVP_CipherUpdate(cts->cipher, data, &written, data, (int)size) == 1 &&
                (size_t)written == size,
            SEC_E_CRYPTO_SYSTEM_INVALID, "OpenSSL did not do AES");
    memcpy(cts->chain, cts->encrypting ? data + size - AES_BLOCK : last, AES_BLOCK);
    return SEC_E_OK;
}

/* The last two blocks, the second one of 1 to 16 bytes.  `before` is the ciphertext block in front of them, zero where
 * they are the whole message; the cipher's own vector is `chain`. */
static SECURITY_STATUS encrypt_tail(struct aes_cts *cts, uint8_t tail[2 * AES_BLOCK], size_t size)
{
    uint8_t stolen[AES_BLOCK];
    memset(tail + size, 0, 2 * AES_BLOCK - size);
    TRY(cbc(cts, tail, 2 * AES_BLOCK));
    memcpy(stolen, tail, AES_BLOCK);
    memcpy(tail, tail + AES_BLOCK, AES_BLOCK);
    memcpy(tail + AES_BLOCK, stolen, AES_BLOCK);
    return SEC_E_OK;
}

static SECURITY_STATUS decrypt_tail(struct aes_cts *cts, const uint8_t before[AES_BLOCK], uint8_t tail[2 * AES_BLOCK],
                                    size_t size)
{
    uint8_t vector[AES_BLOCK], first[AES_BLOCK], second[AES_BLOCK];
    size_t rest = size - AES_BLOCK;
    memcpy(vector, cts->chain, AES_BLOCK);
    memcpy(first, tail, AES_BLOCK);
    TRY(cbc(cts, first, AES_BLOCK));
    xor_block(first, vector); /* the bare decryption: last plaintext block, padded, xor last ciphertext block but one */
    memcpy(second, first, AES_BLOCK);
    memcpy(second, tail + AES_BLOCK, rest);
    xor_block(first, second); /* the last plaintext block, in its first `rest` bytes */
    TRY(cbc(cts, second, AES_BLOCK));
    xor_block(second, tail); /* the vector that the cipher used */
    xor_block(second, before);
    memcpy(tail, second, AES_BLOCK);
    memcpy(tail + AES_BLOCK, first, rest);
    return SEC_E_OK;
}

/* A message in one piece with room for its last block; the vector is zero, whatever the cipher's own is. */
static SECURITY_STATUS run_whole(struct aes_cts *cts, uint8_t *data, size_t size)
{
    static const uint8_t zero[AES_BLOCK];
    size_t front = (size - 1) / AES_BLOCK * AES_BLOCK - AES_BLOCK; /* before the last two blocks */
    uint8_t before[AES_BLOCK];
    if (cts->encrypting) {
        size_t padded = front + 2 * AES_BLOCK;
        xor_block(data, cts->chain);
        memset(data + size, 0, padded - size);
        TRY(cbc(cts, data, padded));
        memcpy(before, data + front, AES_BLOCK);
        memcpy(data + front, data + front + AES_BLOCK, AES_BLOCK);
        memcpy(data + front + AES_BLOCK, before, AES_BLOCK);
        return SEC_E_OK;
    }
    if (front == 0) {
        return decrypt_tail(cts, zero, data, size);
    }
    uint8_t vector[AES_BLOCK];
    memcpy(vector, cts->chain, AES_BLOCK);
    TRY(cbc(cts, data, front));
    xor_block(data, vector);
    memcpy(before, cts->chain, AES_BLOCK);
    return decrypt_tail(cts, before, data + front, size - front);
}

/* A place in the pieces. */
struct place {
    const struct message_part *part;
    size_t at;
};

/* Steps over what is not to be encrypted and over what is used up; the caller never goes past the end. */
static void settle(struct place *place)
{
    while (!place->part->secret || place->at == place->part->size) {
        place->part++;
        place->at = 0;
    }
}

static void gather(struct place *place, uint8_t *out, size_t size)
{
    while (size != 0) {
        settle(place);
        size_t left = place->part->size - place->at;
        size_t run = left < size ? left : size;
        memcpy(out, place->part->data + place->at, run);
        place->at += run;
        out += run;
        size -= run;
    }
}

static void scatter(struct place *place, const uint8_t *in, size_t size)
{
    while (size != 0) {
        settle(place);
        size_t left = place->part->size - place->at;
        size_t run = left < size ? left : size;
        memcpy(place->part->data + place->at, in, run);
        place->at += run;
        in += run;
        size -= run;
    }
}

static SECURITY_STATUS run_gathered(struct aes_cts *cts, const struct message_part *parts, size_t total)
{
    uint8_t whole[GATHERED + AES_BLOCK];
    struct place from = {parts, 0};
    struct place to = {parts, 0};
    gather(&from, whole, total);
    SECURITY_STATUS status = run_whole(cts, whole, total);
    if (status >= 0) {
        scatter(&to, whole, total);
    }
    secret_wipe(whole, total);
    return status;
}

/* One block that straddles pieces, or the message's first, whose vector is zero. */
static SECURITY_STATUS run_block(struct aes_cts *cts, struct place *place, bool first)
{
    uint8_t block[AES_BLOCK], vector[AES_BLOCK];
    struct place from = *place;
    gather(&from, block, AES_BLOCK);
    memcpy(vector, cts->chain, AES_BLOCK);
    if (first && cts->encrypting) {
        xor_block(block, vector);
    }
    TRY(cbc(cts, block, AES_BLOCK));
    if (first && !cts->encrypting) {
        xor_block(block, vector);
    }
    scatter(place, block, AES_BLOCK);
    return SEC_E_OK;
}

static SECURITY_STATUS run_pieces(struct aes_cts *cts, const struct message_part *parts, size_t total)
{
    size_t front = (total - 1) / AES_BLOCK * AES_BLOCK - AES_BLOCK;
    struct place place = {parts, 0};
    TRY(run_block(cts, &place, true));
    for (size_t left = front - AES_BLOCK; left != 0;) {
        settle(&place);
        size_t here = place.part->size - place.at;
        size_t run = (here < left ? here : left) / AES_BLOCK * AES_BLOCK;
        if (run != 0) {
            TRY(cbc(cts, place.part->data + place.at, run));
            place.at += run;
            left -= run;
        } else {
            TRY(run_block(cts, &place, false));
            left -= AES_BLOCK;
        }
    }
    uint8_t tail[2 * AES_BLOCK], before[AES_BLOCK];
    struct place from = place;
    gather(&from, tail, total - front);
    memcpy(before, cts->chain, AES_BLOCK);
    TRY(cts->encrypting ? encrypt_tail(cts, tail, total - front) : decrypt_tail(cts, before, tail, total - front));
    scatter(&place, tail, total - front);
    secret_wipe(tail, sizeof tail);
    return SEC_E_OK;
}

SECURITY_STATUS aes_cts_run(struct aes_cts *cts, const struct message_part *parts, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += parts[i].secret ? parts[i].size : 0;
    }
    REQUIRE(total > AES_BLOCK, SEC_E_INTERNAL_ERROR, "a message of one block cannot be stolen from (RFC 3962 5)");
    return total <= GATHERED ? run_gathered(cts, parts, total) : run_pieces(cts, parts, total);
}

SECURITY_STATUS aes_blocks(struct bytes key, const uint8_t block[AES_BLOCK], uint8_t *out, size_t count)
{
    struct aes_cts cts = {.cipher = NULL};
    TRY(aes_cts_open(&cts, key, true));
    SECURITY_STATUS status = SEC_E_OK;
    for (size_t i = 0; i < count && status >= 0; i++) {
        memcpy(out + i * AES_BLOCK, i == 0 ? block : out + (i - 1) * AES_BLOCK, AES_BLOCK);
        xor_block(out + i * AES_BLOCK, cts.chain);
        status = cbc(&cts, out + i * AES_BLOCK, AES_BLOCK);
    }
    aes_cts_close(&cts);
    return status;
}
