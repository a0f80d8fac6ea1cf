/* Private keys that are not: a good PRIVATEKEYBLOB and a good PrivateKeyInfo, spoilt in each place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cert/decode.h"
#include "cert/key_blob.h"

#define BITS 1024
#define SIZE (BITS / 8)

/* Where the numbers are ("RSA/Schannel Key BLOBs"). */
#define MODULUS 20
#define PRIMES  (MODULUS + SIZE)
#define REST    (PRIMES + SIZE)

static unsigned char *pkcs8;
static size_t pkcs8_size;
static uint8_t blob[20 + 2 * SIZE + 5 * SIZE / 2];

static int make(void **state)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)BITS);
    assert_non_null(key);
    unsigned char *der = NULL;
    int size = i2d_PrivateKey(key, &der);
    assert_true(size > 0);
    struct arena arena = {.fixed = blob, .room = sizeof blob};
    assert_int_equal(decode((DWORD)(uintptr_t)PKCS_RSA_PRIVATE_KEY, bytes_of(der, (size_t)size), &arena), SEC_E_OK);
    assert_int_equal(arena.used, sizeof blob);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    size = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8);
    assert_true(size > 0);
    pkcs8_size = (size_t)size;
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return 0;
}

static int unmake(void **state)
{
    OPENSSL_free(pkcs8);
    return 0;
}

static SECURITY_STATUS read_blob(const uint8_t *data, size_t size)
{
    struct key_blob read = {.key = NULL};
    uint8_t *exact = malloc(size + (size == 0)); /* so that a byte behind it is seen to be read */
    memcpy(exact, data, size);
    SECURITY_STATUS status = key_blob_read(bytes_of(exact, size), &read);
    free(exact);
    EVP_PKEY_free(read.key);
    return status;
}

static void test_sizes(void **state)
{
    uint8_t more[sizeof blob + 1];
    memcpy(more, blob, sizeof blob);
    more[sizeof blob] = 0;
    assert_int_equal(read_blob(blob, sizeof blob), SEC_E_OK);
    assert_int_equal(read_blob(more, sizeof more), NTE_BAD_DATA);
    for (size_t size = 0; size < sizeof blob; size++) {
        assert_int_equal(read_blob(blob, size), NTE_BAD_DATA);
    }
}

/* No bit of the header, of the modulus or of a prime can be another. */
static void test_bits(void **state)
{
    for (size_t at = 0; at < sizeof blob; at++) {
        for (int bit = 0; bit < 8; bit++) {
            uint8_t copy[sizeof blob];
            memcpy(copy, blob, sizeof blob);
            copy[at] ^= (uint8_t)(1 << bit);
            bool sign = at == 5 && bit == 7; /* CALG_RSA_KEYX to CALG_RSA_SIGN */
            bool free_byte = at == 2 || at == 3 || (at >= 16 && at < 20);
            SECURITY_STATUS status = read_blob(copy, sizeof copy);
            if (at < REST && !sign && !free_byte) {
                assert_true(status == NTE_BAD_DATA || status == NTE_BAD_TYPE || status == NTE_BAD_VER ||
                            status == NTE_BAD_ALGID);
            } else {
                assert_true(status == SEC_E_OK || status == NTE_BAD_DATA);
            }
        }
    }
}

static void test_pkcs8(void **state)
{
    EVP_PKEY *key = NULL;
    uint8_t *copy = calloc(1, pkcs8_size + 1);
    memcpy(copy, pkcs8, pkcs8_size);
    assert_int_equal(key_blob_read_pkcs8(bytes_of(copy, pkcs8_size), &key), SEC_E_OK);
    EVP_PKEY_free(key);
    assert_int_equal(key_blob_read_pkcs8(bytes_of(copy, pkcs8_size + 1), &key), NTE_BAD_DATA);
    for (size_t size = 0; size < pkcs8_size; size++) {
        assert_int_equal(key_blob_read_pkcs8(bytes_of(copy, size), &key), NTE_BAD_DATA);
    }
    for (size_t at = 0; at < pkcs8_size; at++) {
        EVP_PKEY *perhaps = NULL;
        copy[at] ^= 0x10;
        SECURITY_STATUS status = key_blob_read_pkcs8(bytes_of(copy, pkcs8_size), &perhaps);
        assert_true(status == NTE_BAD_DATA || (status == SEC_E_OK && perhaps != NULL));
        EVP_PKEY_free(perhaps);
        copy[at] ^= 0x10;
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_pkcs8),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make, unmake);
}
