#include "cert/self_signed.h"

#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"

#define BITS        2048
#define SERIAL_SIZE 16

#define MADE(condition) REQUIRE((condition), SEC_E_INSUFFICIENT_MEMORY, "no memory")

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static void free_name(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void free_number(BIGNUM **number)
{
    BN_free(*number);
}

static void free_extension(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

static void free_object(ASN1_OBJECT **object)
{
    ASN1_OBJECT_free(*object);
}

static void free_octets(ASN1_OCTET_STRING **octets)
{
    ASN1_OCTET_STRING_free(*octets);
}

STATUS self_signed_key(EVP_PKEY **out)
{
    EVP_PKEY *key;
    openssl_errors_mark();
    key = cert_libctx() == NULL ? NULL : EVP_PKEY_Q_keygen(cert_libctx(), NULL, "RSA", (size_t)BITS);
    openssl_errors_forget();
    REQUIRE(key != NULL, NTE_FAIL, "self-signed: OpenSSL cannot make an RSA key");
    *out = key;
    return SEC_E_OK;
}

/* The hash that the algorithm signs; the rest of it is the key's. */
static STATUS digest_of(const struct self_signed *request, const EVP_MD **out)
{
    int digest = NID_undef, of_key = NID_undef, key = EVP_PKEY_get_base_id(request->key);
    const EVP_MD *md;
    if (request->algorithm == NULL) {
        *out = key == EVP_PKEY_ED25519 || key == EVP_PKEY_ED448 ? NULL : EVP_sha256();
        return SEC_E_OK;
    }
    REQUIRE(OBJ_find_sigid_algs(OBJ_txt2nid(request->algorithm), &digest, &of_key) == 1 && of_key == key, NTE_BAD_ALGID,
            "self-signed: a signature algorithm that is not known, or of another kind of keys");
    md = digest == NID_undef ? NULL : EVP_get_digestbynid(digest);
    REQUIRE(digest == NID_undef || md != NULL, NTE_BAD_ALGID, "self-signed: a signature with a hash that is not known");
    *out = md;
    return SEC_E_OK;
}

/* Positive, and not to be guessed (RFC 5280 4.1.2.2). */
static STATUS set_serial(X509 *x509)
{
    unsigned char bytes[SERIAL_SIZE];
    AUTO(free_number) BIGNUM *number = NULL;
    MADE(RAND_bytes_ex(cert_libctx(), bytes, sizeof bytes, 0) == 1);
    bytes[0] = (bytes[0] & 0x7F) | 0x40;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    MADE(number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL);
    return SEC_E_OK;
}

static STATUS set_names(X509 *x509, struct bytes der)
{
    const unsigned char *at = der.data;
    AUTO(free_name)
    X509_NAME *name = der.data == NULL || der.size > INT32_MAX ? NULL : d2i_X509_NAME(NULL, &at, (long)der.size);
    REQUIRE(name != NULL && at == der.data + der.size, SEC_E_INVALID_TOKEN,
            "self-signed: the subject is not a Name (RFC 5280 4.1.2.6)");
    MADE(X509_set_subject_name(x509, name) == 1 && X509_set_issuer_name(x509, name) == 1);
    return SEC_E_OK;
}

static STATUS add_extension(X509 *x509, const CERT_EXTENSION *given)
{
    AUTO(free_object) ASN1_OBJECT *object = given->pszObjId == NULL ? NULL : OBJ_txt2obj(given->pszObjId, 1);
    AUTO(free_octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    AUTO(free_extension) X509_EXTENSION *extension = NULL;
    REQUIRE(object != NULL && given->Value.cbData <= INT32_MAX &&
                (given->Value.pbData != NULL || given->Value.cbData == 0),
            SEC_E_INVALID_PARAMETER, "self-signed: an extension without an OID or a value (CERT_EXTENSION)");
    MADE(octets != NULL && ASN1_OCTET_STRING_set(octets, given->Value.pbData, (int)given->Value.cbData) == 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, given->fCritical, octets);
    MADE(extension != NULL && X509_add_ext(x509, extension, -1) == 1);
    return SEC_E_OK;
}

static STATUS make(const struct self_signed *request, struct certificate **out)
{
    AUTO(free_x509) X509 *x509 = cert_x509_new();
    const EVP_MD *digest = NULL;
    unsigned char *der = NULL;
    int size;
    SECURITY_STATUS status;
    MADE(x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1);
    TRY(digest_of(request, &digest));
    TRY(set_serial(x509));
    TRY(set_names(x509, request->name));
    MADE(ASN1_TIME_set(X509_getm_notBefore(x509), request->begin) != NULL &&
         ASN1_TIME_set(X509_getm_notAfter(x509), request->end) != NULL);
    MADE(X509_set_pubkey(x509, request->key) == 1);
    for (size_t i = 0; i < request->extension_count; i++) {
        TRY(add_extension(x509, &request->extension[i]));
    }
    REQUIRE(X509_sign(x509, request->key, digest) > 0, NTE_FAIL, "self-signed: OpenSSL cannot sign with this key");
    size = i2d_X509(x509, &der);
    MADE(size > 0);
    status = certificate_parse(bytes_of(der, (size_t)size), out);
    OPENSSL_free(der);
    return status;
}

STATUS self_signed_make(const struct self_signed *request, struct certificate **out)
{
    SECURITY_STATUS status;
    openssl_errors_mark();
    status = make(request, out);
    openssl_errors_forget();
    return status;
}
