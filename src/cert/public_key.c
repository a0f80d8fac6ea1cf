#include "cert/public_key.h"

#include <openssl/x509.h>

#include "base/auto.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"

static void free_key(X509_PUBKEY **key)
{
    X509_PUBKEY_free(*key);
}

static STATUS build(const CERT_PUBLIC_KEY_INFO *info, X509_PUBKEY *key)
{
    const unsigned char *at = info->Algorithm.Parameters.pbData;
    ASN1_TYPE *parameter = NULL;
    ASN1_OBJECT *object = OBJ_txt2obj(info->Algorithm.pszObjId, 1);
    unsigned char *bits;
    int type = V_ASN1_UNDEF;
    void *value = NULL;
    REQUIRE(object != NULL, SEC_E_INVALID_TOKEN, "public key: an object identifier that is none");
    if (info->Algorithm.Parameters.cbData != 0) {
        parameter = d2i_ASN1_TYPE(NULL, &at, (long)info->Algorithm.Parameters.cbData);
    }
    bits = OPENSSL_memdup(info->PublicKey.pbData, info->PublicKey.cbData);
    if (parameter != NULL) {
        type = parameter->type;
        value = parameter->value.ptr; /* moves to the key */
    }
    if (bits == NULL || X509_PUBKEY_set0_param(key, object, type, value, bits, (int)info->PublicKey.cbData) != 1) {
        ASN1_OBJECT_free(object);
        ASN1_TYPE_free(parameter);
        OPENSSL_free(bits);
        FAIL(SEC_E_INVALID_TOKEN, "public key: cannot be read");
    }
    if (parameter != NULL) {
        parameter->type = V_ASN1_UNDEF;
        parameter->value.ptr = NULL;
        ASN1_TYPE_free(parameter);
    }
    return SEC_E_OK;
}

/* What was built is not decoded until it has been encoded once. */
static EVP_PKEY *decoded(X509_PUBKEY *key)
{
    unsigned char *der = NULL;
    const unsigned char *at;
    int size = i2d_X509_PUBKEY(key, &der);
    EVP_PKEY *public = NULL;
    if (size > 0) {
        at = der;
        public = d2i_PUBKEY_ex(NULL, &at, size, cert_libctx(), NULL);
    }
    OPENSSL_free(der);
    return public;
}

STATUS public_key_bits(const CERT_PUBLIC_KEY_INFO *info, DWORD *out)
{
    AUTO(free_key) X509_PUBKEY *key = X509_PUBKEY_new_ex(cert_libctx(), NULL);
    EVP_PKEY *public;
    SECURITY_STATUS status;
    REQUIRE(key != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    REQUIRE(info->PublicKey.pbData != NULL && info->PublicKey.cbData <= INT32_MAX, SEC_E_INVALID_TOKEN,
            "public key: empty");
    openssl_errors_mark();
    status = build(info, key);
    public = status < 0 ? NULL : decoded(key);
    openssl_errors_forget();
    TRY(status);
    REQUIRE(public != NULL, SEC_E_INVALID_TOKEN, "public key: cannot be read");
    *out = (DWORD)EVP_PKEY_get_bits(public);
    EVP_PKEY_free(public);
    return SEC_E_OK;
}
