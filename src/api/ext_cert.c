/* Certificates with their keys for programs that have no Windows certificate store (sspi_ext.h). */
#pragma GCC visibility push(default)
#include "sspi_ext.h"
#pragma GCC visibility pop

#include "api/crypt32.h"

#include <string.h>

#include "cert/key.h"
#include "cert/read.h"

static struct bytes text_bytes(const char *text)
{
    return text == NULL ? BYTES_NONE : bytes_of(text, strlen(text));
}

/* The first certificate of `store` with a key of its own, or the first one. */
static struct certificate *leaf_of(struct store *store)
{
    struct certificate *at = store_next(store, NULL);
    while (at != NULL && !certificate_has_key(at)) {
        struct certificate *next = store_next(store, at);
        certificate_drop(at);
        at = next;
    }
    return at != NULL ? at : store_next(store, NULL);
}

/* Names the key and sees that it is there and is the certificate's, so that the mistake is found where it was made. */
static STATUS attach(struct certificate *certificate, const char *place, struct bytes password)
{
    EVP_PKEY *key = NULL;
    TRY(certificate_set_key_place(certificate, place, password));
    TRY(certificate_key(certificate, &key));
    EVP_PKEY_free(key);
    return SEC_E_OK;
}

static STATUS from_files(const char *path, const char *key, const char *password, PCCERT_CONTEXT *out)
{
    AUTO_STORE *store = NULL;
    AUTO_CERTIFICATE *certificate = NULL;
    struct bytes text = text_bytes(password);
    struct read_what what;
    REQUIRE(path != NULL && out != NULL, SEC_E_INVALID_PARAMETER,
            "SspiExtCertFromFiles: no file, or no place for the result");
    TRY(store_new(STORE_MEMORY, &store));
    TRY(read_file(path, password == NULL ? NULL : &text, store, &what));
    certificate = leaf_of(store);
    REQUIRE(certificate != NULL, SEC_E_INVALID_TOKEN, "SspiExtCertFromFiles: no certificate in the file");
    if (key != NULL || !certificate_has_key(certificate)) {
        TRY(attach(certificate, key == NULL ? path : key, text));
    }
    *out = certificate_context(STEAL(certificate));
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiExtCertFromFiles(const char *pszCertificate, const char *pszKey, const char *pszPassword,
                                               const struct _CERT_CONTEXT **ppCertContext)
{
    status_begin();
    return api_end("SspiExtCertFromFiles", from_files(pszCertificate, pszKey, pszPassword, ppCertContext));
}

static STATUS set_key(PCCERT_CONTEXT context, struct bytes encoded, const char *password)
{
    struct certificate *certificate = certificate_of(context);
    EVP_PKEY *key = NULL;
    SECURITY_STATUS status;
    REQUIRE(certificate != NULL, SEC_E_INVALID_PARAMETER, "SspiExtCertSetKey: not a certificate of this library");
    if (encoded.data == NULL) {
        return certificate_set_key(certificate, NULL);
    }
    TRY(key_parse(encoded, text_bytes(password), &key));
    status = certificate_set_key(certificate, key);
    EVP_PKEY_free(key);
    return status;
}

SECURITY_STATUS SEC_ENTRY SspiExtCertSetKey(const struct _CERT_CONTEXT *pCertContext, const void *pvKey, ULONG cbKey,
                                            const char *pszPassword)
{
    status_begin();
    return api_end("SspiExtCertSetKey", set_key(pCertContext, bytes_of(pvKey, cbKey), pszPassword));
}
