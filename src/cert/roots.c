#include "cert/roots.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "cert/pem_files.h"

struct roots {
    atomic_uint references;
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * crls;
};

/* Where distributions keep the roots of all programs, in the order in which they are tried: Debian and its kin, Fedora,
 * openSUSE, Alpine. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/* The newest snapshot, for threads that have an older one. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct roots *newest;  /* under the lock */
static uint64_t newest_print; /* under the lock: the fingerprint of the files it was read from */
static atomic_uint generation;
static _Atomic uint64_t looked; /* the second in which somebody last looked at the files */

/* What this thread has seen. */
static _Thread_local struct roots *mine;
static _Thread_local unsigned mine_generation;
static pthread_key_t thread_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

STACK_OF(X509) * roots_certificates(const struct roots *roots)
{
    return roots->certificates;
}

STACK_OF(X509_CRL) * roots_crls(const struct roots *roots)
{
    return roots->crls;
}

struct roots *roots_ref(struct roots *roots)
{
    atomic_fetch_add_explicit(&roots->references, 1, memory_order_relaxed);
    return roots;
}

void roots_free(struct roots *roots)
{
    if (roots == NULL || atomic_fetch_sub_explicit(&roots->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    sk_X509_pop_free(roots->certificates, X509_free);
    sk_X509_CRL_pop_free(roots->crls, X509_CRL_free);
    free(roots);
}

void roots_auto(struct roots **roots)
{
    roots_free(*roots);
}

static STATUS new_roots(struct roots **out)
{
    AUTO_ROOTS *roots = calloc(1, sizeof *roots);
    REQUIRE(roots != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for trusted certificates");
    atomic_init(&roots->references, 1);
    roots->certificates = sk_X509_new_null();
    roots->crls = sk_X509_CRL_new_null();
    REQUIRE(roots->certificates != NULL && roots->crls != NULL, SEC_E_INSUFFICIENT_MEMORY,
            "no memory for trusted certificates");
    *out = STEAL(roots);
    return SEC_E_OK;
}

static STATUS add_certificate(struct roots *roots, X509 *certificate)
{
    /* Extensions are read now, by one thread, and not by the first handshakes side by side. */
    (void)X509_check_purpose(certificate, -1, 0);
    REQUIRE(X509_up_ref(certificate) == 1, SEC_E_INTERNAL_ERROR, "a trusted certificate cannot be counted");
    if (sk_X509_push(roots->certificates, certificate) <= 0) {
        X509_free(certificate);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory for trusted certificates");
    }
    return SEC_E_OK;
}

static STATUS add_crl(struct roots *roots, X509_CRL *crl)
{
    REQUIRE(X509_CRL_up_ref(crl) == 1, SEC_E_INTERNAL_ERROR, "a CRL cannot be counted");
    if (sk_X509_CRL_push(roots->crls, crl) <= 0) {
        X509_CRL_free(crl);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory for CRLs");
    }
    return SEC_E_OK;
}

STATUS roots_of(const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls, struct roots **out)
{
    AUTO_ROOTS *roots = NULL;
    TRY(new_roots(&roots));
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        TRY(add_certificate(roots, sk_X509_value(certificates, i)));
    }
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        TRY(add_crl(roots, sk_X509_CRL_value(crls, i)));
    }
    *out = STEAL(roots);
    return SEC_E_OK;
}

STATUS roots_read(const char *certificates, const char *crls, struct roots **out)
{
    AUTO_ROOTS *roots = NULL;
    TRY(new_roots(&roots));
    /* A CRL that lies beside the roots is of no use there, and certificates beside the CRLs are not trusted. */
    TRY(pem_files_read(certificates, roots->certificates, NULL));
    TRY(pem_files_read(crls, NULL, roots->crls));
    for (int i = 0; i < sk_X509_num(roots->certificates); i++) {
        (void)X509_check_purpose(sk_X509_value(roots->certificates, i), -1, 0);
    }
    *out = STEAL(roots);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the system's */

/* The policy's, the environment's as every program on OpenSSL has it, or the distribution's. */
static const char *system_certificates(void)
{
    const struct policy *policy = policy_get();
    if (policy->certificate_roots[0] != '\0') {
        return policy->certificate_roots;
    }
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    if (file != NULL) {
        return file;
    }
    const char *directory = secure_getenv(X509_get_default_cert_dir_env());
    if (directory != NULL) {
        return directory;
    }
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        if (pem_files_exist(bundles[i])) {
            return bundles[i];
        }
    }
    return pem_files_exist(X509_get_default_cert_file()) ? X509_get_default_cert_file() : X509_get_default_cert_dir();
}

static const char *system_crls(void)
{
    return policy_get()->certificate_crls;
}

static uint64_t fingerprint(void)
{
    return pem_files_fingerprint(system_certificates()) * 31 + pem_files_fingerprint(system_crls());
}

static void forget_thread(void *roots)
{
    roots_free(roots);
    mine = NULL;
}

static void before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void start(void)
{
    (void)pthread_key_create(&thread_key, forget_thread);
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

/* Reads the files without the lock, so that threads with a snapshot of their own never wait for it. */
static STATUS reread(uint64_t print)
{
    AUTO_ROOTS *roots = NULL;
    TRY(roots_read(system_certificates(), system_crls(), &roots));
    (void)pthread_mutex_lock(&lock);
    struct roots *old = newest;
    newest = STEAL(roots);
    newest_print = print;
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
    (void)pthread_mutex_unlock(&lock);
    roots_free(old);
    return SEC_E_OK;
}

/* At most one thread a second gets past the exchange. */
static void look(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t second = (uint64_t)now.tv_sec + 1;
    uint64_t before = atomic_load_explicit(&looked, memory_order_relaxed);
    if (before == second || !atomic_compare_exchange_strong(&looked, &before, second)) {
        return;
    }
    uint64_t print = fingerprint();
    (void)pthread_mutex_lock(&lock);
    bool same = newest != NULL && newest_print == print;
    (void)pthread_mutex_unlock(&lock);
    if (!same && reread(print) < 0) {
        TRACE("certificates: the system's roots could not be read again; the old ones stay for now");
    }
}

static STATUS adopt(void)
{
    (void)pthread_mutex_lock(&lock);
    bool have = newest != NULL;
    (void)pthread_mutex_unlock(&lock);
    if (!have) { /* the first threads of a process may each read the files; the last one's stay */
        TRY(reread(fingerprint()));
    }
    (void)pthread_mutex_lock(&lock);
    struct roots *old = mine;
    mine = roots_ref(newest);
    mine_generation = atomic_load_explicit(&generation, memory_order_relaxed);
    (void)pthread_mutex_unlock(&lock);
    roots_free(old);
    (void)pthread_setspecific(thread_key, mine);
    return SEC_E_OK;
}

STATUS roots_system(struct roots **out)
{
    (void)pthread_once(&once, start);
    look();
    if (mine == NULL || mine_generation != atomic_load_explicit(&generation, memory_order_acquire)) {
        TRY(adopt());
    }
    *out = roots_ref(mine);
    return SEC_E_OK;
}
