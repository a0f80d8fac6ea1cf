#include "cert/pem_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/trace.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"

#define PATH_SIZE 4352 /* a policy's path, and a name in it */

struct reading {
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * crls;
};

bool pem_files_exist(const char *path)
{
    struct stat about;
    return path != NULL && stat(path, &about) == 0;
}

static void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        (void)closedir(*directory);
    }
}

STATUS pem_files_each(const char *path, STATUS (*each)(const char *path, void *argument), void *argument)
{
    struct stat about;
    if (path == NULL || path[0] == '\0' || stat(path, &about) != 0) {
        return SEC_E_OK;
    }
    if (!S_ISDIR(about.st_mode)) {
        return each(path, argument);
    }
    __attribute__((cleanup(close_directory))) DIR *directory = opendir(path);
    if (directory == NULL) {
        TRACE("certificates: %s cannot be read", path);
        return SEC_E_OK;
    }
    for (;;) {
        char name[PATH_SIZE];
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            return SEC_E_OK;
        }
        int size = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && size > 0 && (size_t)size < sizeof name && stat(name, &about) == 0 &&
            S_ISREG(about.st_mode)) {
            TRY(each(name, argument));
        }
    }
}

/* ---------------------------------------------------------------- reading */

/* Nobody is asked for the password of a key that lies among the certificates. */
static int no_password(char *buffer, int size, int writing, void *argument)
{
    (void)buffer, (void)size, (void)writing, (void)argument;
    return -1;
}

static bool have_certificate(const STACK_OF(X509) * certificates, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        if (X509_cmp(sk_X509_value(certificates, i), certificate) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the certificate over, whatever becomes of it. */
static STATUS keep_certificate(struct reading *reading, X509 *certificate)
{
    if (reading->certificates == NULL || have_certificate(reading->certificates, certificate)) {
        X509_free(certificate);
        return SEC_E_OK;
    }
    if (sk_X509_push(reading->certificates, certificate) <= 0) {
        X509_free(certificate);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory for certificates");
    }
    return SEC_E_OK;
}

static STATUS keep_crl(struct reading *reading, X509_CRL *crl)
{
    if (reading->crls == NULL) {
        X509_CRL_free(crl);
        return SEC_E_OK;
    }
    if (sk_X509_CRL_push(reading->crls, crl) <= 0) {
        X509_CRL_free(crl);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory for CRLs");
    }
    return SEC_E_OK;
}

static void free_infos(STACK_OF(X509_INFO) * *infos)
{
    sk_X509_INFO_pop_free(*infos, X509_INFO_free);
}

static STATUS read_pem(BIO *bio, struct reading *reading, int *out_found)
{
    __attribute__((cleanup(free_infos))) STACK_OF(X509_INFO) *infos =
        PEM_X509_INFO_read_bio_ex(bio, NULL, no_password, NULL, cert_libctx(), NULL);
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);
        if (info->x509 != NULL) {
            TRY(keep_certificate(reading, STEAL(info->x509)));
            ++*out_found;
        }
        if (info->crl != NULL) {
            TRY(keep_crl(reading, STEAL(info->crl)));
            ++*out_found;
        }
    }
    return SEC_E_OK;
}

static STATUS read_der(BIO *bio, struct reading *reading, int *out_found)
{
    X509 *certificate = cert_x509_new();
    REQUIRE(certificate != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for certificates");
    X509 *parsed = d2i_X509_bio(bio, &certificate);
    if (parsed != NULL) {
        ++*out_found;
        return keep_certificate(reading, parsed);
    }
    X509_free(
        certificate); /* d2i keeps what it was given when it fails with a BIO, and frees it never twice: see below */
    (void)BIO_seek(bio, 0);
    X509_CRL *crl = d2i_X509_CRL_bio(bio, NULL);
    if (crl != NULL) {
        ++*out_found;
        return keep_crl(reading, crl);
    }
    return SEC_E_OK;
}

static void free_bio(BIO **bio)
{
    (void)BIO_free(*bio);
}

static STATUS read_one(const char *path, void *argument)
{
    int found = 0;
    __attribute__((cleanup(free_bio))) BIO *bio = BIO_new_file(path, "rb");
    if (bio != NULL) {
        TRY(read_pem(bio, argument, &found));
        if (found == 0) {
            (void)BIO_seek(bio, 0);
            TRY(read_der(bio, argument, &found));
        }
    }
    if (found == 0) {
        TRACE("certificates: %s holds neither certificates nor CRLs, or cannot be read", path);
    }
    return SEC_E_OK;
}

STATUS pem_files_read(const char *path, STACK_OF(X509) * certificates, STACK_OF(X509_CRL) * crls)
{
    struct reading reading = {certificates, crls};
    openssl_errors_mark();
    SECURITY_STATUS status = pem_files_each(path, read_one, &reading);
    openssl_errors_forget();
    return status;
}

/* ---------------------------------------------------------------- noticing changes */

static uint64_t mix(uint64_t print, uint64_t value)
{
    return (print ^ value) * UINT64_C(0x100000001b3); /* FNV-1a's prime; nobody is to be kept from colliding */
}

/* The sum does not depend on the order in which a directory lists its entries. */
static STATUS add_print(const char *path, void *argument)
{
    struct stat about;
    uint64_t print = UINT64_C(0xcbf29ce484222325);
    if (stat(path, &about) == 0) {
        print = mix(mix(mix(print, about.st_dev), about.st_ino), (uint64_t)about.st_size);
        print = mix(mix(print, (uint64_t)about.st_mtim.tv_sec), (uint64_t)about.st_mtim.tv_nsec);
        print = mix(mix(print, (uint64_t)about.st_ctim.tv_sec), (uint64_t)about.st_ctim.tv_nsec);
        *(uint64_t *)argument += print;
    }
    return SEC_E_OK;
}

uint64_t pem_files_fingerprint(const char *path)
{
    uint64_t print = 0;
    SECURITY_STATUS status = pem_files_each(path, add_print, &print);
    (void)status; /* add_print has nothing to refuse */
    return print;
}
