#include "cert/key_blob.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "base/secret.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"
#include "wire/reader.h"

#define RSA2     0x32415352 /* a private key's magic number */
#define BITS_MIN 384        /* what CSPs make */
#define BITS_MAX 16384
#define NUMBERS  8

static void free_number(BIGNUM **number)
{
    BN_clear_free(*number);
}

static void free_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void free_p8(PKCS8_PRIV_KEY_INFO **p8)
{
    PKCS8_PRIV_KEY_INFO_free(*p8);
}

/* The numbers as OpenSSL takes them: in one block of memory, which is wiped, in the machine's order of bytes. */
struct numbers {
    struct secret memory;
    size_t used;
    OSSL_PARAM parameters[NUMBERS + 1];
    size_t count;
};

/* The bytes are those of `number`; what it holds is left to the caller. */
static STATUS add_number(struct numbers *numbers, const char *name, const BIGNUM *number, size_t size)
{
    uint8_t *place = numbers->memory.data + numbers->used;
    REQUIRE(numbers->count < NUMBERS && size <= numbers->memory.size - numbers->used &&
                BN_bn2nativepad(number, place, (int)size) == (int)size,
            SEC_E_INSUFFICIENT_MEMORY, "no memory");
    numbers->parameters[numbers->count++] = OSSL_PARAM_construct_BN(name, place, size);
    numbers->parameters[numbers->count] = OSSL_PARAM_construct_end();
    numbers->used += size;
    return SEC_E_OK;
}

/* The next number of the blob, least significant byte first. */
static STATUS take_number(struct reader *reader, const char *name, size_t size, struct numbers *numbers, BIGNUM **out)
{
    struct bytes bytes = read_bytes(reader, size);
    BIGNUM *number;
    REQUIRE(bytes.size == size, NTE_BAD_DATA, "key blob: ends within a number (Base Provider Key BLOBs)");
    number = BN_lebin2bn(bytes.data, (int)size, NULL);
    REQUIRE(number != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    *out = number;
    return add_number(numbers, name, number, size);
}

static STATUS read_header(struct reader *reader, ALG_ID *algorithm)
{
    uint8_t type = read_u8(reader), version = read_u8(reader);
    (void)read_u16le(reader); /* reserved */
    *algorithm = read_u32le(reader);
    REQUIRE(!reader->bad, NTE_BAD_DATA, "key blob: shorter than its header (BLOBHEADER)");
    REQUIRE(type == PRIVATEKEYBLOB, NTE_BAD_TYPE, "key blob: not a PRIVATEKEYBLOB (BLOBHEADER)");
    REQUIRE(version == CUR_BLOB_VERSION, NTE_BAD_VER, "key blob: of another version (BLOBHEADER)");
    REQUIRE(*algorithm == CALG_RSA_KEYX || *algorithm == CALG_RSA_SIGN, NTE_BAD_ALGID,
            "key blob: not of an RSA key (BLOBHEADER)");
    return SEC_E_OK;
}

/* OpenSSL takes any numbers; a modulus that is not the product of the primes would only fail when somebody signs. */
static STATUS check_product(const BIGNUM *modulus, const BIGNUM *p, const BIGNUM *q)
{
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *product = BN_secure_new();
    bool made = context != NULL && product != NULL && BN_mul(product, p, q, context) == 1;
    bool same = made && BN_cmp(product, modulus) == 0;
    BN_clear_free(product);
    BN_CTX_free(context);
    REQUIRE(made, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    REQUIRE(same && BN_is_odd(modulus), NTE_BAD_DATA, "key blob: the modulus is not that of the primes (RFC 8017 3.2)");
    return SEC_E_OK;
}

static STATUS read_exponent(uint32_t exponent, struct numbers *numbers)
{
    AUTO(free_number) BIGNUM *number = BN_new();
    REQUIRE((exponent & 1) == 1 && exponent >= 3, NTE_BAD_DATA, "key blob: no public exponent (RFC 8017 3.1)");
    REQUIRE(number != NULL && BN_set_word(number, exponent) == 1, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return add_number(numbers, OSSL_PKEY_PARAM_RSA_E, number, sizeof exponent);
}

/* Modulus, prime1, prime2, exponent1, exponent2, coefficient, private exponent. */
static STATUS read_numbers(struct reader *reader, size_t size, struct numbers *numbers)
{
    AUTO(free_number) BIGNUM *n = NULL, *p = NULL, *q = NULL, *dp = NULL, *dq = NULL, *inverse = NULL, *d = NULL;
    size_t half = (size + 1) / 2;
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_N, size, numbers, &n));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_FACTOR1, half, numbers, &p));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_FACTOR2, half, numbers, &q));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_EXPONENT1, half, numbers, &dp));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_EXPONENT2, half, numbers, &dq));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, half, numbers, &inverse));
    TRY(take_number(reader, OSSL_PKEY_PARAM_RSA_D, size, numbers, &d));
    REQUIRE(read_left(reader) == 0, NTE_BAD_DATA, "key blob: followed by something else (Base Provider Key BLOBs)");
    return check_product(n, p, q);
}

static STATUS make_key(struct numbers *numbers, EVP_PKEY **out)
{
    OSSL_LIB_CTX *library = cert_libctx();
    AUTO(free_context)
    EVP_PKEY_CTX *context = library == NULL ? NULL : EVP_PKEY_CTX_new_from_name(library, "RSA", NULL);
    EVP_PKEY *key = NULL;
    REQUIRE(context != NULL && EVP_PKEY_fromdata_init(context) == 1, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    REQUIRE(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, numbers->parameters) == 1, NTE_BAD_DATA,
            "key blob: the numbers are no key (RFC 8017 3.2)");
    *out = key;
    return SEC_E_OK;
}

static void free_numbers(struct numbers *numbers)
{
    secret_free(&numbers->memory);
}

static STATUS read_rsa(struct reader *reader, EVP_PKEY **out)
{
    AUTO(free_numbers) struct numbers numbers = {.count = 0};
    uint32_t magic = read_u32le(reader), bits = read_u32le(reader), exponent = read_u32le(reader);
    size_t size = (size_t)bits / 8 + (bits % 8 != 0);
    REQUIRE(!reader->bad && magic == RSA2, NTE_BAD_DATA, "key blob: not a private key (RSAPUBKEY)");
    REQUIRE(bits >= BITS_MIN && bits <= BITS_MAX, NTE_BAD_DATA, "key blob: too few or too many bits (RSAPUBKEY)");
    TRY(secret_alloc(&numbers.memory, 5 * size + 16));
    TRY(read_exponent(exponent, &numbers));
    TRY(read_numbers(reader, size, &numbers));
    return make_key(&numbers, out);
}

STATUS key_blob_read(struct bytes blob, struct key_blob *out)
{
    struct reader reader = read_start(blob);
    struct key_blob read = {.key = NULL};
    SECURITY_STATUS status;
    TRY(read_header(&reader, &read.algorithm));
    openssl_errors_mark();
    status = read_rsa(&reader, &read.key);
    openssl_errors_forget();
    TRY(status);
    *out = read;
    return SEC_E_OK;
}

static STATUS read_pkcs8(struct bytes der, EVP_PKEY **out)
{
    const unsigned char *at = der.data;
    AUTO(free_p8) PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.size);
    EVP_PKEY *key;
    REQUIRE(p8 != NULL && at == der.data + der.size, NTE_BAD_DATA, "key blob: not a PrivateKeyInfo (RFC 5208 5)");
    key = cert_libctx() == NULL ? NULL : EVP_PKCS82PKEY_ex(p8, cert_libctx(), NULL);
    REQUIRE(key != NULL, NTE_BAD_DATA, "key blob: a PrivateKeyInfo that OpenSSL cannot use (RFC 5208 5)");
    *out = key;
    return SEC_E_OK;
}

STATUS key_blob_read_pkcs8(struct bytes der, EVP_PKEY **out)
{
    SECURITY_STATUS status;
    REQUIRE(der.size != 0 && der.size <= INT32_MAX, NTE_BAD_DATA, "key blob: not a PrivateKeyInfo (RFC 5208 5)");
    openssl_errors_mark();
    status = read_pkcs8(der, out);
    openssl_errors_forget();
    return status;
}
