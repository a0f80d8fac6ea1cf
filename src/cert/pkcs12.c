/* PKCS#12 (RFC 7292), bag by bag: OpenSSL's PKCS12_parse knows one key only.
 *
 * Windows still writes files whose certificates are encrypted with 40-bit RC2.  That needs OpenSSL's legacy provider, which
 * is loaded into a library context of its own, so that nothing else gets to see it; keys and certificates are made anew in
 * cert_libctx() from what comes out.
 */
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cert/crl_context.h"
#include "cert/read.h"
#include "crypto/openssl_errors.h"
#include "text/utf16.h"

#define KEYS_MAX   64
#define ROUNDS_MAX 10000000 /* a file with more would keep us for minutes, or for ever */
#define DEPTH_MAX  4        /* of safe contents in safe contents (RFC 7292 4.2.6) */

static _Atomic(OSSL_LIB_CTX *) with_legacy;

/* A context with the legacy provider as far as this machine has it; NULL when there is no memory. */
static OSSL_LIB_CTX *reading_context(void)
{
    OSSL_LIB_CTX *now = atomic_load(&with_legacy), *fresh;
    if (now != NULL) {
        return now;
    }
    fresh = OSSL_LIB_CTX_new();
    if (fresh == NULL) {
        return NULL;
    }
    if (OSSL_PROVIDER_load(fresh, "default") == NULL) {
        OSSL_LIB_CTX_free(fresh);
        return NULL;
    }
    (void)OSSL_PROVIDER_load(fresh, "legacy");
    if (!atomic_compare_exchange_strong(&with_legacy, &now, fresh)) {
        OSSL_LIB_CTX_free(fresh);
        return now;
    }
    return fresh;
}

/* ---------------------------------------------------------------- what is in it */

struct contents {
    struct store *others; /* certificates and CRLs in their order; the keys are set on them afterwards */
    EVP_PKEY *keys[KEYS_MAX];
    size_t key_count;
    const char *password; /* NULL or terminated */
    int password_size;
    bool want_keys;
};

static void contents_free(struct contents *contents)
{
    store_drop(contents->others);
    for (size_t i = 0; i < contents->key_count; i++) {
        EVP_PKEY_free(contents->keys[i]);
    }
}

static void free_pkcs12(PKCS12 **pkcs12)
{
    PKCS12_free(*pkcs12);
}

static void free_safes(STACK_OF(PKCS7) * *safes)
{
    sk_PKCS7_pop_free(*safes, PKCS7_free);
}

static void free_bags(STACK_OF(PKCS12_SAFEBAG) * *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
}

static void free_p8(PKCS8_PRIV_KEY_INFO **p8)
{
    PKCS8_PRIV_KEY_INFO_free(*p8);
}

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static void free_crl(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

static void free_openssl(char **text)
{
    OPENSSL_free(*text);
}

static bool few_rounds(const ASN1_INTEGER *rounds)
{
    int64_t number;
    return rounds != NULL && ASN1_INTEGER_get_int64(&number, rounds) == 1 && number > 0 && number <= ROUNDS_MAX;
}

/* Whether a password-based encryption (RFC 8018 6) asks for a sane number of rounds; PBKDF2 and PKCS#12's own. */
static bool affordable(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object;
    const ASN1_TYPE *parameter = algorithm == NULL ? NULL : algorithm->parameter;
    bool fine = false;
    if (parameter == NULL || parameter->type != V_ASN1_SEQUENCE) {
        return false;
    }
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) == NID_pbes2) {
        PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
        PBKDF2PARAM *pbkdf2 = pbe2 == NULL || pbe2->keyfunc->parameter == NULL
                                  ? NULL
                                  : ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe2->keyfunc->parameter);
        fine = pbkdf2 != NULL && few_rounds(pbkdf2->iter);
        PBKDF2PARAM_free(pbkdf2);
        PBE2PARAM_free(pbe2);
    } else {
        PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);
        fine = pbe != NULL && few_rounds(pbe->iter);
        PBEPARAM_free(pbe);
    }
    return fine;
}

static STATUS take_key(const PKCS8_PRIV_KEY_INFO *p8, struct contents *contents)
{
    EVP_PKEY *key;
    REQUIRE(contents->key_count < KEYS_MAX, SEC_E_INVALID_TOKEN, "PKCS#12: more than 64 private keys");
    key = EVP_PKCS82PKEY_ex(p8, cert_libctx(), NULL);
    REQUIRE(key != NULL, SEC_E_DECRYPT_FAILURE, "PKCS#12: a private key that OpenSSL cannot use");
    contents->keys[contents->key_count++] = key;
    return SEC_E_OK;
}

static STATUS take_shrouded(const PKCS12_SAFEBAG *bag, struct contents *contents)
{
    const X509_SIG *shrouded = PKCS12_SAFEBAG_get0_pkcs8(bag);
    const X509_ALGOR *algorithm = NULL;
    AUTO(free_p8) PKCS8_PRIV_KEY_INFO *p8 = NULL;
    REQUIRE(shrouded != NULL, SEC_E_INVALID_TOKEN, "PKCS#12: a key bag without a key (RFC 7292 4.2.2)");
    X509_SIG_get0(shrouded, &algorithm, NULL);
    REQUIRE(affordable(algorithm), SEC_E_DECRYPT_FAILURE, "PKCS#12: a private key under an unreadable protection");
    p8 = PKCS12_decrypt_skey_ex(bag, contents->password, contents->password_size, reading_context(), NULL);
    REQUIRE(p8 != NULL, SEC_E_LOGON_DENIED, "PKCS#12: the password does not open a private key");
    return take_key(p8, contents);
}

/* The friendly name as Windows keeps it: UTF-16 with a NUL. */
static STATUS take_name(PKCS12_SAFEBAG *bag, struct certificate *certificate)
{
    static const uint8_t nul[2];
    AUTO(free_openssl) char *name = PKCS12_get_friendlyname(bag);
    AUTO_UTF16 wide = UTF16_NONE;
    AUTO_SECRET value = {NULL, 0};
    SECURITY_STATUS status;
    if (name == NULL) {
        return SEC_E_OK;
    }
    status = utf16_from_utf8(bytes_of(name, strlen(name)), &wide);
    if (status == SEC_E_INVALID_TOKEN) { /* a name that is no text is no name */
        status_begin();
        return SEC_E_OK;
    }
    TRY(status);
    TRY(secret_alloc(&value, wide.size + sizeof nul));
    memcpy(value.data, wide.data, wide.size);
    memcpy(value.data + wide.size, nul, sizeof nul);
    return certificate_set_property(certificate, CERT_FRIENDLY_NAME_PROP_ID, secret_bytes(&value));
}

static STATUS take_certificate(PKCS12_SAFEBAG *bag, struct contents *contents)
{
    AUTO(free_x509) X509 *x509 = PKCS12_SAFEBAG_get1_cert(bag);
    AUTO_CERTIFICATE *certificate = NULL;
    unsigned char *der = NULL;
    int size;
    SECURITY_STATUS status;
    if (x509 == NULL) {
        return SEC_E_OK; /* an SDSI certificate: not X.509, not ours (RFC 7292 4.2.3) */
    }
    size = i2d_X509(x509, &der);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    status = certificate_parse(bytes_of(der, (size_t)size), &certificate); /* into our own library context */
    OPENSSL_free(der);
    TRY(status);
    TRY(take_name(bag, certificate));
    return store_add(contents->others, certificate, STORE_ADD_USE_EXISTING, NULL);
}

static STATUS take_crl(const PKCS12_SAFEBAG *bag, struct contents *contents)
{
    AUTO(free_crl) X509_CRL *x509 = PKCS12_SAFEBAG_get1_crl(bag);
    AUTO_CRL_CONTEXT *crl = NULL;
    if (x509 == NULL) {
        return SEC_E_OK;
    }
    TRY(crl_new(x509, &crl));
    return store_add_crl(contents->others, crl, STORE_ADD_ALWAYS, NULL);
}

static STATUS take_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, struct contents *contents, int depth)
{
    REQUIRE(depth <= DEPTH_MAX, SEC_E_INVALID_TOKEN, "PKCS#12: safe contents nested too deep");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_keyBag:
            TRY(contents->want_keys ? take_key(PKCS12_SAFEBAG_get0_p8inf(bag), contents) : SEC_E_OK);
            break;
        case NID_pkcs8ShroudedKeyBag:
            TRY(contents->want_keys ? take_shrouded(bag, contents) : SEC_E_OK);
            break;
        case NID_certBag:
            TRY(take_certificate(bag, contents));
            break;
        case NID_crlBag:
            TRY(take_crl(bag, contents));
            break;
        case NID_safeContentsBag:
            TRY(take_bags(PKCS12_SAFEBAG_get0_safes(bag), contents, depth + 1));
            break;
        default: /* secrets: nothing that a store has a place for */
            break;
        }
    }
    return SEC_E_OK;
}

static STATUS take_safe(PKCS7 *safe, struct contents *contents)
{
    AUTO(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe)) {
        bags = PKCS12_unpack_p7data(safe);
        REQUIRE(bags != NULL, SEC_E_INVALID_TOKEN, "PKCS#12: damaged contents (RFC 7292 4.1)");
    } else {
        REQUIRE(PKCS7_type_is_encrypted(safe) && safe->d.encrypted != NULL &&
                    affordable(safe->d.encrypted->enc_data->algorithm),
                SEC_E_DECRYPT_FAILURE, "PKCS#12: contents under an unreadable protection (RFC 7292 4.1)");
        bags = PKCS12_unpack_p7encdata(safe, contents->password, contents->password_size);
        REQUIRE(bags != NULL, SEC_E_LOGON_DENIED, "PKCS#12: the password does not open it");
    }
    return take_bags(bags, contents, 1);
}

/* ---------------------------------------------------------------- from outside to inside */

static STATUS parse(struct bytes der, PKCS12 **out)
{
    const unsigned char *at = der.data;
    OSSL_LIB_CTX *context = reading_context();
    AUTO(free_pkcs12) PKCS12 *pkcs12 = context == NULL ? NULL : PKCS12_init_ex(NID_pkcs7_data, context, NULL);
    REQUIRE(pkcs12 != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    REQUIRE(der.size > 0 && der.size <= INT32_MAX && d2i_PKCS12(&pkcs12, &at, (long)der.size) != NULL &&
                at == der.data + der.size,
            SEC_E_INVALID_TOKEN, "PKCS#12: not one, or followed by something else (RFC 7292 4)");
    *out = STEAL(pkcs12);
    return SEC_E_OK;
}

/* Checks the password against the MAC; a file without one says nothing about it. */
static STATUS check_mac(PKCS12 *pkcs12, const char *password, int size)
{
    const ASN1_INTEGER *rounds = NULL;
    if (!PKCS12_mac_present(pkcs12)) {
        return SEC_E_OK;
    }
    PKCS12_get0_mac(NULL, NULL, NULL, &rounds, pkcs12);
    REQUIRE(rounds == NULL || few_rounds(rounds), SEC_E_DECRYPT_FAILURE,
            "PKCS#12: a MAC of more than ten million rounds (RFC 7292 4)");
    REQUIRE(PKCS12_verify_mac(pkcs12, password, size) == 1, SEC_E_LOGON_DENIED,
            "PKCS#12: the MAC is of another password (RFC 7292 5.1)");
    return SEC_E_OK;
}

static STATUS unpack(PKCS12 *pkcs12, struct contents *contents)
{
    AUTO(free_safes) STACK_OF(PKCS7) *safes = NULL;
    TRY(check_mac(pkcs12, contents->password, contents->password_size));
    safes = PKCS12_unpack_authsafes(pkcs12);
    REQUIRE(safes != NULL, SEC_E_INVALID_TOKEN, "PKCS#12: not protected by a password, or damaged (RFC 7292 4.1)");
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        TRY(take_safe(sk_PKCS7_value(safes, i), contents));
    }
    return SEC_E_OK;
}

/* Everything with one password.  `password` is terminated, or NULL for none. */
static STATUS attempt(PKCS12 *pkcs12, const char *password, size_t size, bool keys, struct contents *out)
{
    AUTO(contents_free)
    struct contents contents = {.password = password, .password_size = (int)size, .want_keys = keys};
    TRY(store_new(STORE_MEMORY, &contents.others));
    TRY(unpack(pkcs12, &contents));
    *out = contents;
    contents = (struct contents){.others = NULL};
    return SEC_E_OK;
}

static STATUS open_it(const struct pkcs12_request *request, struct contents *out)
{
    AUTO(free_pkcs12) PKCS12 *pkcs12 = NULL;
    AUTO_SECRET text = {NULL, 0};
    const char *password = NULL, *other = "";
    size_t size = request->password == NULL ? 0 : request->password->size;
    SECURITY_STATUS status;
    TRY(parse(request->der, &pkcs12));
    if (request->password != NULL) {
        TRY(secret_alloc(&text, size + 1));
        memcpy(text.data, size == 0 ? (const uint8_t *)"" : request->password->data, size);
        text.data[size] = 0;
        password = (const char *)text.data;
        other = NULL;
    }
    status = attempt(pkcs12, password, size, request->keys, out);
    if (status == SEC_E_LOGON_DENIED && size == 0 && request->either) {
        status_begin(); /* the first attempt was no failure of the call */
        status = attempt(pkcs12, other, 0, request->keys, out);
    }
    return status;
}

/* Moves what was found into the store: certificates with keys first. */
static STATUS hand_over(struct contents *contents, struct store *store)
{
    for (int with_key = 1; with_key >= 0; with_key--) {
        AUTO_CERTIFICATE *at = store_next(contents->others, NULL);
        while (at != NULL) {
            struct certificate *next = store_next(contents->others, at);
            SECURITY_STATUS status = SEC_E_OK;
            if (certificate_has_key(at) == (with_key != 0)) {
                status = store_add(store, at, STORE_ADD_USE_EXISTING, NULL);
            }
            certificate_drop(at);
            at = next;
            TRY(status);
        }
    }
    return SEC_E_OK;
}

/* A key belongs to the certificate whose public key it has; local identifiers (RFC 7292 4.2) say the same, if they are there. */
static void match_keys(struct contents *contents)
{
    for (size_t i = 0; i < contents->key_count; i++) {
        struct certificate *at = store_next(contents->others, NULL);
        while (at != NULL) {
            struct certificate *next = store_next(contents->others, at);
            if (!certificate_has_key(at) &&
                EVP_PKEY_eq(X509_get0_pubkey(certificate_x509(at)), contents->keys[i]) == 1) {
                (void)!certificate_set_key(at, contents->keys[i]);
            }
            certificate_drop(at);
            at = next;
        }
    }
}

static STATUS hand_over_crls(struct contents *contents, struct store *store)
{
    AUTO_CRL_CONTEXT *at = store_next_crl(contents->others, NULL);
    while (at != NULL) {
        struct crl *next = store_next_crl(contents->others, at);
        SECURITY_STATUS status = store_add_crl(store, at, STORE_ADD_ALWAYS, NULL);
        crl_drop(at);
        at = next;
        TRY(status);
    }
    return SEC_E_OK;
}

STATUS read_pkcs12(const struct pkcs12_request *request, struct store *store)
{
    AUTO(contents_free) struct contents contents = {.others = NULL};
    SECURITY_STATUS status;
    openssl_errors_mark();
    status = open_it(request, &contents);
    if (status >= 0) {
        match_keys(&contents);
    }
    openssl_errors_forget();
    TRY(status);
    TRY(hand_over(&contents, store));
    return hand_over_crls(&contents, store);
}

bool read_is_pkcs12(struct bytes der)
{
    AUTO(free_pkcs12) PKCS12 *pkcs12 = NULL;
    bool is;
    openssl_errors_mark();
    is = parse(der, &pkcs12) >= 0;
    openssl_errors_forget();
    return is;
}

static STATUS check_password(struct bytes der, const char *password, size_t size)
{
    AUTO(free_pkcs12) PKCS12 *pkcs12 = NULL;
    TRY(parse(der, &pkcs12));
    return check_mac(pkcs12, password, (int)size);
}

STATUS read_pkcs12_password(struct bytes der, const struct bytes *password)
{
    AUTO_SECRET text = {NULL, 0};
    SECURITY_STATUS status;
    if (password != NULL) {
        TRY(secret_alloc(&text, password->size + 1));
        memcpy(text.data, password->size == 0 ? (const uint8_t *)"" : password->data, password->size);
        text.data[password->size] = 0;
    }
    openssl_errors_mark();
    status = check_password(der, (const char *)text.data, password == NULL ? 0 : password->size);
    openssl_errors_forget();
    return status;
}
