#include "cert/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/decoder.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "cert/certificate_object.h"
#include "crypto/openssl_errors.h"

int key_password(char *buffer, int size, int for_writing, void *pin)
{
    const struct bytes *text = pin;
    if (text == NULL || text->data == NULL || size < 0 || text->size > (size_t)size) {
        return -1;
    }
    if (text->size != 0) {
        memcpy(buffer, text->data, text->size);
    }
    return (int)text->size;
}

static void close_file(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

STATUS file_read(const char *path, struct secret *out)
{
    AUTO(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    AUTO_SECRET content = {NULL, 0};
    struct stat about;
    size_t done = 0;
    REQUIRE(fd >= 0, CRYPT_E_FILE_ERROR, "a file of certificates or keys cannot be opened");
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > (off_t)CERT_FILE_MAX) {
        errno = EINVAL;
        FAIL(CRYPT_E_FILE_ERROR, "a file of certificates or keys is no file, or larger than 16 MB");
    }
    if (about.st_size == 0) {
        return SEC_E_OK;
    }
    TRY(secret_alloc(&content, (size_t)about.st_size));
    while (done < content.size) {
        ssize_t more = read(fd, content.data + done, content.size - done);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        REQUIRE(more > 0, CRYPT_E_FILE_ERROR, "a file of certificates or keys cannot be read to its end");
        done += (size_t)more;
    }
    *out = content;
    content = (struct secret){NULL, 0};
    return SEC_E_OK;
}

static EVP_PKEY *decode(struct bytes text, struct bytes pin)
{
    EVP_PKEY *key = NULL;
    const unsigned char *at = text.data;
    size_t left = text.size;
    OSSL_LIB_CTX *context = cert_libctx();
    OSSL_DECODER_CTX *decoder =
        context == NULL
            ? NULL
            : OSSL_DECODER_CTX_new_for_pkey(&key, NULL, NULL, NULL, OSSL_KEYMGMT_SELECT_PRIVATE_KEY, context, NULL);
    if (decoder == NULL) {
        return NULL;
    }
    OSSL_DECODER_CTX_set_pem_password_cb(decoder, key_password, &pin);
    if (OSSL_DECODER_from_data(decoder, &at, &left) != 1) {
        key = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    return key;
}

/* The first private key of a PEM file, which may hold certificates in front of it; or DER. */
STATUS key_parse(struct bytes text, struct bytes pin, EVP_PKEY **out)
{
    EVP_PKEY *key = NULL;
    openssl_errors_mark();
    if (text.size != 0 && text.size <= CERT_FILE_MAX) {
        BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
        if (bio != NULL) {
            key = PEM_read_bio_PrivateKey_ex(bio, NULL, key_password, &pin, cert_libctx(), NULL);
            BIO_free(bio);
        }
        if (key == NULL) {
            key = decode(text, pin);
        }
    }
    openssl_errors_forget();
    REQUIRE(key != NULL, SEC_E_UNKNOWN_CREDENTIALS, "private key: cannot be read, or the password is another");
    *out = key;
    return SEC_E_OK;
}

STATUS key_load(const char *place, struct bytes pin, EVP_PKEY **out)
{
    AUTO_SECRET content = {NULL, 0};
    if (strncmp(place, "pkcs11:", 7) == 0) {
        return key_load_token(place, pin, out);
    }
    if (strncmp(place, "file:", 5) == 0) { /* file:/path and file:///path (RFC 8089 2) */
        place += strncmp(place, "file:///", 8) == 0 ? 7 : 5;
    }
    REQUIRE(file_read(place, &content) >= 0, SEC_E_UNKNOWN_CREDENTIALS, "private key: the file cannot be read");
    return key_parse(secret_bytes(&content), pin, out);
}

/* ---------------------------------------------------------------- of a certificate */

static bool fits(struct certificate *certificate, EVP_PKEY *key)
{
    EVP_PKEY *public = X509_get0_pubkey(certificate_x509(certificate));
    int equal;
    openssl_errors_mark();
    equal = public == NULL ? 0 : EVP_PKEY_eq(public, key);
    openssl_errors_forget();
    return equal == 1;
}

void key_link_free(struct key_link *link)
{
    if (link->object != NULL && link->owned) {
        (void)capi_close(capi_handle(link->object), capi_kind(link->object));
    }
    capi_drop(link->object);
    *link = (struct key_link){.object = NULL};
}

void certificate_set_key_handle(struct certificate *certificate, struct capi *object, DWORD spec, bool owned)
{
    struct key_link old;
    pthread_mutex_lock(&certificate->lock);
    old = certificate->link;
    certificate->link = (struct key_link){object, spec, owned};
    pthread_mutex_unlock(&certificate->lock);
    if (old.object == object) {
        old.owned = false; /* the same handle again: it stays open */
    }
    key_link_free(&old);
}

struct capi *certificate_key_handle(struct certificate *certificate, DWORD *spec)
{
    struct capi *object;
    pthread_mutex_lock(&certificate->lock);
    object = certificate->link.object;
    if (object != NULL) {
        *spec = certificate->link.spec;
        (void)capi_hold_again(object);
    }
    pthread_mutex_unlock(&certificate->lock);
    return object;
}

STATUS certificate_set_key(struct certificate *certificate, EVP_PKEY *key)
{
    EVP_PKEY *old;
    struct key_link old_link;
    REQUIRE(key == NULL || fits(certificate, key), SEC_E_UNKNOWN_CREDENTIALS,
            "private key: belongs to another certificate");
    if (key != NULL) {
        EVP_PKEY_up_ref(key);
    }
    pthread_mutex_lock(&certificate->lock);
    old = certificate->key;
    old_link = certificate->link;
    certificate->key = key;
    certificate->link = (struct key_link){.object = NULL};
    free(certificate->place);
    certificate->place = NULL;
    secret_free(&certificate->pin);
    pthread_mutex_unlock(&certificate->lock);
    EVP_PKEY_free(old);
    key_link_free(&old_link);
    return certificate_set_property(certificate, CERT_KEY_PROV_INFO_PROP_ID, BYTES_NONE); /* told of the old one */
}

STATUS certificate_set_key_place(struct certificate *certificate, const char *place, struct bytes pin)
{
    AUTO_FREE char *copy = strdup(place);
    AUTO_SECRET pin_copy = {NULL, 0};
    EVP_PKEY *old;
    REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    TRY(secret_copy(&pin_copy, pin));
    pthread_mutex_lock(&certificate->lock);
    old = certificate->key;
    certificate->key = NULL;
    free(certificate->place);
    certificate->place = STEAL(copy);
    secret_free(&certificate->pin);
    certificate->pin = pin_copy;
    pin_copy = (struct secret){NULL, 0};
    pthread_mutex_unlock(&certificate->lock);
    EVP_PKEY_free(old);
    return SEC_E_OK;
}

bool certificate_has_own_key(struct certificate *certificate)
{
    bool there;
    pthread_mutex_lock(&certificate->lock);
    there = certificate->key != NULL || certificate->place != NULL;
    pthread_mutex_unlock(&certificate->lock);
    return there;
}

bool certificate_has_key(struct certificate *certificate)
{
    bool attached;
    pthread_mutex_lock(&certificate->lock);
    attached = certificate->link.object != NULL;
    pthread_mutex_unlock(&certificate->lock);
    return attached || certificate_has_own_key(certificate);
}

STATUS certificate_key_place(struct certificate *certificate, char **out)
{
    char *copy = NULL;
    bool there;
    pthread_mutex_lock(&certificate->lock);
    there = certificate->place != NULL;
    copy = there ? strdup(certificate->place) : NULL;
    pthread_mutex_unlock(&certificate->lock);
    REQUIRE(!there || copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    *out = copy;
    return SEC_E_OK;
}

/* A reference to the key that is loaded, or else where it is. */
static STATUS look(struct certificate *certificate, EVP_PKEY **key, char **place, struct secret *pin)
{
    SECURITY_STATUS status = SEC_E_OK;
    pthread_mutex_lock(&certificate->lock);
    if (certificate->key != NULL && EVP_PKEY_up_ref(certificate->key) == 1) {
        *key = certificate->key;
    } else if (certificate->place != NULL) {
        *place = strdup(certificate->place);
        status = *place == NULL ? SEC_E_INSUFFICIENT_MEMORY : secret_copy(pin, secret_bytes(&certificate->pin));
    }
    pthread_mutex_unlock(&certificate->lock);
    REQUIRE(status >= 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

/* The key that `key_of` has for `spec`, or of both the one that is the certificate's; NULL when there is none such. */
static EVP_PKEY *choose(struct certificate *certificate, EVP_PKEY *(*key_of)(const void *holder, DWORD spec),
                        const void *holder, DWORD spec)
{
    static const DWORD specs[] = {AT_KEYEXCHANGE, AT_SIGNATURE};
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = spec == specs[1 - i] ? NULL : key_of(holder, specs[i]);
        if (key != NULL && fits(certificate, key)) {
            return key;
        }
        EVP_PKEY_free(key);
    }
    return NULL;
}

static EVP_PKEY *key_of_handle(const void *holder, DWORD spec)
{
    return capi_private_key((const struct capi *)holder, spec);
}

static EVP_PKEY *key_of_container(const void *holder, DWORD spec)
{
    return container_key((struct container *)(uintptr_t)holder, spec);
}

/* From an attached handle; *out stays NULL when there is none. */
static STATUS key_attached(struct certificate *certificate, EVP_PKEY **out)
{
    DWORD spec = 0;
    AUTO_CAPI *object = certificate_key_handle(certificate, &spec);
    if (object == NULL) {
        return SEC_E_OK;
    }
    *out = choose(certificate, key_of_handle, object, spec);
    REQUIRE(*out != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "certificate: the handle that was attached has not got its private key (windows-behaviour S10)");
    return SEC_E_OK;
}

/* From a container of this name; *out stays NULL when the name is none's. */
static STATUS key_contained(struct certificate *certificate, const char *name, EVP_PKEY **out)
{
    AUTO_CONTAINER *container = NULL;
    if (!container_find(name, &container)) {
        return SEC_E_OK;
    }
    *out = choose(certificate, key_of_container, container, 0);
    REQUIRE(*out != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "certificate: the key container has not got its private key (windows-behaviour S10)");
    return SEC_E_OK;
}

STATUS certificate_key(struct certificate *certificate, EVP_PKEY **out)
{
    AUTO_FREE char *place = NULL;
    AUTO_SECRET pin = {NULL, 0};
    EVP_PKEY *key = NULL;
    TRY(key_attached(certificate, &key));
    if (key == NULL) {
        TRY(look(certificate, &key, &place, &pin));
    }
    if (key == NULL && place != NULL) { /* looked for each time: containers come and go */
        TRY(key_contained(certificate, place, &key));
    }
    if (key == NULL) {
        REQUIRE(place != NULL, SEC_E_NO_CREDENTIALS, "certificate: has no private key (windows-behaviour S9)");
        /* Without the lock: a token may take its time, and a fork meanwhile would leave the child with a lock for ever. */
        SECURITY_STATUS status = key_load(place, secret_bytes(&pin), &key);
        REQUIRE(status >= 0, status == SEC_E_INSUFFICIENT_MEMORY ? status : SEC_E_UNKNOWN_CREDENTIALS,
                "certificate: its private key cannot be loaded (windows-behaviour S10)");
        if (!fits(certificate, key)) {
            EVP_PKEY_free(key);
            FAIL(SEC_E_UNKNOWN_CREDENTIALS, "private key: belongs to another certificate");
        }
        pthread_mutex_lock(&certificate->lock);
        if (certificate->key == NULL && certificate->place != NULL && strcmp(certificate->place, place) == 0) {
            EVP_PKEY_up_ref(key);
            certificate->key = key;
        }
        pthread_mutex_unlock(&certificate->lock);
    }
    *out = key;
    return SEC_E_OK;
}
