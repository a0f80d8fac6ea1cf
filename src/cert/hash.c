#include "cert/hash.h"

#include <openssl/evp.h>

#include "cert/library.h"
#include "crypto/openssl_errors.h"

STATUS hash_of(const char *digest, struct bytes data, uint8_t *out, size_t *out_size)
{
    OSSL_LIB_CTX *context = cert_libctx();
    size_t size = 0;
    int done;
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    openssl_errors_mark();
    done = EVP_Q_digest(context, digest, NULL, data.data, data.size, out, &size);
    openssl_errors_forget();
    REQUIRE(done == 1 && size <= HASH_MAX, CRYPT_E_UNKNOWN_ALGO, "a digest that OpenSSL has not got");
    *out_size = size;
    return SEC_E_OK;
}
