#include "cert/read.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/auto.h"
#include "cert/crl_context.h"
#include "cert/key.h"
#include "crypto/openssl_errors.h"

static STATUS add_certificate(struct bytes der, struct store *store)
{
    AUTO_CERTIFICATE *certificate = NULL;
    TRY(certificate_parse(der, &certificate));
    return store_add(store, certificate, STORE_ADD_USE_EXISTING, NULL);
}

static STATUS add_crl(struct bytes der, struct store *store)
{
    AUTO_CRL_CONTEXT *crl = NULL;
    TRY(crl_parse(der, &crl));
    return store_add_crl(store, crl, STORE_ADD_ALWAYS, NULL);
}

/* ---------------------------------------------------------------- PKCS#7 */

static void free_pkcs7(PKCS7 **pkcs7)
{
    PKCS7_free(*pkcs7);
}

static STATUS add_all(const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls, struct store *store)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        AUTO_CERTIFICATE *certificate = NULL;
        TRY(certificate_new(sk_X509_value(certificates, i), &certificate));
        TRY(store_add(store, certificate, STORE_ADD_USE_EXISTING, NULL));
    }
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        AUTO_CRL_CONTEXT *crl = NULL;
        TRY(crl_new(sk_X509_CRL_value(crls, i), &crl));
        TRY(store_add_crl(store, crl, STORE_ADD_ALWAYS, NULL));
    }
    return SEC_E_OK;
}

static STATUS pkcs7_parse(struct bytes der, PKCS7 **out)
{
    const unsigned char *at = der.data;
    AUTO(free_pkcs7) PKCS7 *pkcs7 = PKCS7_new_ex(cert_libctx(), NULL);
    REQUIRE(pkcs7 != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    REQUIRE(d2i_PKCS7(&pkcs7, &at, (long)der.size) != NULL && at == der.data + der.size, SEC_E_INVALID_TOKEN,
            "PKCS#7: not one, or followed by something else (RFC 2315 7)");
    REQUIRE(PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign != NULL, SEC_E_INVALID_TOKEN,
            "PKCS#7: not signed data, which certificates are carried in (RFC 2315 9.1)");
    *out = STEAL(pkcs7);
    return SEC_E_OK;
}

STATUS read_pkcs7(struct bytes der, struct store *store)
{
    AUTO(free_pkcs7) PKCS7 *pkcs7 = NULL;
    SECURITY_STATUS status;
    REQUIRE(der.size > 0 && der.size <= INT32_MAX, SEC_E_INVALID_TOKEN, "PKCS#7: not one (RFC 2315 7)");
    openssl_errors_mark();
    status = pkcs7_parse(der, &pkcs7);
    openssl_errors_forget();
    TRY(status);
    return add_all(pkcs7->d.sign->cert, pkcs7->d.sign->crl, store);
}

/* ---------------------------------------------------------------- PEM */

struct pem_block {
    char *name;
    char *header;
    unsigned char *data;
    long size;
};

static void free_block(struct pem_block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    if (block->data != NULL) {
        OPENSSL_clear_free(block->data, (size_t)block->size); /* perhaps a key */
    }
}

static enum read_form form_of(const char *name)
{
    static const struct {
        const char *name;
        enum read_form form;
    } names[] = {
        {PEM_STRING_X509, READ_CERTIFICATE}, {PEM_STRING_X509_OLD, READ_CERTIFICATE}, {PEM_STRING_X509_CRL, READ_CRL},
        {PEM_STRING_PKCS7, READ_PKCS7},      {PEM_STRING_PKCS7_SIGNED, READ_PKCS7},   {PEM_STRING_CMS, READ_PKCS7},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].form;
        }
    }
    return READ_NOTHING;
}

static STATUS add(enum read_form form, struct bytes der, struct store *store)
{
    switch (form) {
    case READ_CERTIFICATE:
        return add_certificate(der, store);
    case READ_CRL:
        return add_crl(der, store);
    case READ_PKCS7:
        return read_pkcs7(der, store);
    default:
        return SEC_E_OK;
    }
}

static STATUS read_blocks(BIO *bio, struct store *store, enum read_form *first)
{
    for (;;) {
        AUTO(free_block) struct pem_block block = {NULL, NULL, NULL, 0};
        enum read_form form;
        if (PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.size) != 1) {
            REQUIRE(ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE, SEC_E_INVALID_TOKEN,
                    "PEM: damaged (RFC 7468 3)");
            return SEC_E_OK;
        }
        form = form_of(block.name);
        TRY(add(form, bytes_of(block.data, (size_t)block.size), store));
        *first = *first == READ_NOTHING ? form : *first;
    }
}

static STATUS read_pem(struct bytes content, struct store *store, struct read_what *out)
{
    enum read_form first = READ_NOTHING;
    SECURITY_STATUS status;
    BIO *bio = BIO_new_mem_buf(content.data, (int)content.size);
    REQUIRE(bio != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    openssl_errors_mark();
    status = read_blocks(bio, store, &first);
    openssl_errors_forget();
    BIO_free(bio);
    TRY(status);
    REQUIRE(first != READ_NOTHING, SEC_E_INVALID_TOKEN, "PEM: no certificate, CRL or PKCS#7 in it (RFC 7468)");
    *out = (struct read_what){first, true};
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- anything */

static bool looks_like_pem(struct bytes content)
{
    static const char begin[] = "-----BEGIN ";
    return memmem(content.data, content.size, begin, sizeof begin - 1) != NULL;
}

/* What a DER object is, by its first two levels: PKCS#7 begins with an OID, PKCS#12 with a version and a PKCS#7, the others
 * with a SEQUENCE. */
static enum read_form form_of_der(struct bytes der)
{
    const unsigned char *at = der.data;
    long size;
    int tag, class;
    int head = ASN1_get_object(&at, &size, &tag, &class, (long)der.size);
    if ((head & 0x80) != 0 || tag != V_ASN1_SEQUENCE || size < 2) {
        return READ_NOTHING;
    }
    return at[0] == V_ASN1_OBJECT ? READ_PKCS7 : at[0] == V_ASN1_INTEGER ? READ_PKCS12 : READ_CERTIFICATE;
}

static STATUS read_der(struct bytes content, const struct bytes *password, struct store *store, struct read_what *out)
{
    enum read_form form;
    struct pkcs12_request request = {.der = content, .password = password, .either = true, .keys = true};
    openssl_errors_mark();
    form = form_of_der(content);
    openssl_errors_forget();
    switch (form) {
    case READ_PKCS7:
        TRY(read_pkcs7(content, store));
        break;
    case READ_PKCS12:
        TRY(read_pkcs12(&request, store));
        break;
    case READ_CERTIFICATE:
        if (add_certificate(content, store) < 0) {
            TRY(add_crl(content, store));
            form = READ_CRL;
        }
        break;
    default:
        FAIL(SEC_E_INVALID_TOKEN, "neither PEM nor DER (X.690)");
    }
    *out = (struct read_what){form, false};
    return SEC_E_OK;
}

STATUS read_content(struct bytes content, const struct bytes *password, struct store *store, struct read_what *out)
{
    REQUIRE(content.data != NULL && content.size > 0 && content.size <= CERT_FILE_MAX, SEC_E_INVALID_TOKEN,
            "nothing to read, or more than 16 MB");
    if (content.data[0] != 0x30 && looks_like_pem(content)) {
        return read_pem(content, store, out);
    }
    return read_der(content, password, store, out);
}

STATUS read_file(const char *path, const struct bytes *password, struct store *store, struct read_what *out)
{
    AUTO_SECRET content = {NULL, 0};
    TRY(file_read(path, &content));
    return read_content(secret_bytes(&content), password, store, out);
}
