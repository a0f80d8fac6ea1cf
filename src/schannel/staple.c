#include "schannel/staple.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/secret.h"
#include "base/trace.h"
#include "cert/pem_files.h"
#include "cert/revocation.h"
#include "crypto/openssl_errors.h"
#include "schannel/context.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define RESPONSE_MAX_SIZE 65536 /* a staple is less than 2^24 bytes, and usually two thousand */
#define RESPONSES_MAX     1024

/* What the policy's files hold; replaced as a whole when they change. */
static struct {
    pthread_mutex_t lock;
    struct ocsp_response *responses[RESPONSES_MAX];
    size_t count;
    uint64_t fingerprint;
    uint64_t looked; /* seconds */
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---------------------------------------------------------------- reading */

static void close_file(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static bool read_whole(const char *path, struct secret *out)
{
    struct stat about;
    AUTO(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0 ||
        about.st_size > RESPONSE_MAX_SIZE || secret_alloc(out, (size_t)about.st_size) < 0) {
        return false;
    }
    size_t done = 0;
    while (done < out->size) {
        ssize_t more = read(fd, out->data + done, out->size - done);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            return false; /* it is being written */
        }
        done += (size_t)more;
    }
    return true;
}

static STATUS take_file(const char *path, void *argument)
{
    AUTO_SECRET content = {0};
    struct ocsp_response *response = NULL;
    if (files.count == RESPONSES_MAX) {
        TRACE("schannel: more than %d OCSP responses: %s is not read", RESPONSES_MAX, path);
    } else if (read_whole(path, &content) && ocsp_response_new(secret_bytes(&content), &response) >= 0) {
        files.responses[files.count++] = response;
    } else {
        TRACE("schannel: %s is no OCSP response in DER, or cannot be read", path);
    }
    return SEC_E_OK;
}

/* Under the lock. */
static void refresh(const char *path)
{
    uint64_t now = clock_now() / CLOCK_SECOND;
    if (now == files.looked) {
        return;
    }
    files.looked = now;
    uint64_t fingerprint = pem_files_fingerprint(path);
    if (fingerprint == files.fingerprint) {
        return;
    }
    files.fingerprint = fingerprint;
    while (files.count != 0) {
        ocsp_response_free(files.responses[--files.count]);
    }
    SECURITY_STATUS status = pem_files_each(path, take_file, NULL);
    (void)status; /* take_file has nothing to refuse */
}

/* ---------------------------------------------------------------- choosing */

static bool give(SSL *ssl, struct bytes response)
{
    uint8_t *copy = OPENSSL_malloc(response.size); /* OpenSSL frees it */
    if (copy == NULL) {
        return false;
    }
    struct writer writer = write_into(copy, response.size);
    write_bytes(&writer, response);
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)response.size) == 1) {
        return true;
    }
    OPENSSL_free(copy);
    return false;
}

static void free_response(struct ocsp_response **response)
{
    ocsp_response_free(*response);
}

static bool give_property(SSL *ssl, struct certificate *certificate, time_t now)
{
    AUTO_FREE uint8_t *value = NULL;
    size_t size = 0;
    AUTO(free_response) struct ocsp_response *response = NULL;
    if (certificate_property(certificate, CERT_OCSP_RESPONSE_PROP_ID, &value, &size) < 0) {
        return false;
    }
    if (ocsp_response_new(bytes_of(value, size), &response) < 0) {
        return false;
    }
    if (ocsp_response_serves(response, certificate_x509(certificate), now) < 0) {
        TRACE("schannel: the certificate's OCSP response is out of date, or another's: it is not sent");
        return false;
    }
    return give(ssl, ocsp_response_encoding(response));
}

static bool give_file(SSL *ssl, X509 *leaf, time_t now)
{
    const char *path = policy_get()->schannel_ocsp;
    if (path[0] == '\0') {
        return false;
    }
    pthread_mutex_lock(&files.lock);
    refresh(path);
    const struct ocsp_response *best = NULL;
    int64_t newest = -1;
    for (size_t i = 0; i < files.count; i++) {
        int64_t made = ocsp_response_serves(files.responses[i], leaf, now);
        best = made > newest ? files.responses[i] : best;
        newest = made > newest ? made : newest;
    }
    bool given = best != NULL && give(ssl, ocsp_response_encoding(best));
    pthread_mutex_unlock(&files.lock);
    return given;
}

int staple_give(SSL *ssl, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    X509 *leaf = SSL_get_certificate(ssl); /* the one that OpenSSL has chosen */
    if (context == NULL || leaf == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    struct certificate *certificate = NULL;
    for (size_t i = 0; i < context->credential->identity_count; i++) {
        const struct schannel_identity *identity = &context->credential->identities[i];
        certificate = identity->leaf == leaf ? identity->certificate : certificate;
    }
    time_t now = chain_time(0);
    openssl_errors_mark();
    bool given = (certificate != NULL && give_property(ssl, certificate, now)) || give_file(ssl, leaf, now);
    openssl_errors_forget();
    status_begin(); /* a handshake without a staple is no failure */
    return given ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}
