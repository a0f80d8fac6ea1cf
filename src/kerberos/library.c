#include "kerberos/library.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/policy.h"
#include "base/thread.h"
#include "base/trace.h"

#define DEFAULT_CONFIGURATION "/etc/krb5.conf:/usr/etc/krb5.conf"

#define CHECK_SECONDS 1              /* how often the configuration files are looked at */
#define JOBS_MAX      256            /* calls of a KDC under way, the abandoned ones with them */
#define CLIENT_JOBS   (JOBS_MAX / 4) /* of these in clients' names */

/* ---------------------------------------------------------------- has the configuration changed? */

static atomic_ulong generation = 1;
static atomic_long next_check;
static pthread_mutex_t stamp_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t stamp; /* of the files, as they were at the last look */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3); /* FNV-1a: noticing, not security */
    }
    return hash;
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
    struct stat now;
    if (stat(path, &now) != 0) {
        return mix(hash, "-", 1);
    }
    hash = mix(hash, &now.st_mtim, sizeof now.st_mtim);
    hash = mix(hash, &now.st_size, sizeof now.st_size);
    return mix(hash, &now.st_ino, sizeof now.st_ino);
}

/* The file, and the files and directories that it includes by name (krb5.conf(5)). */
static uint64_t mix_configuration(uint64_t hash, const char *path)
{
    char line[1024], name[1024];
    hash = mix_file(hash, path);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "include %1023s", name) == 1 || sscanf(line, "includedir %1023s", name) == 1) {
            hash = mix_file(hash, name);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return hash;
}

/* The files that libkrb5 reads (krb5.conf(5)), named as it names them. */
static uint64_t take_stamp(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *names = secure_getenv("KRB5_CONFIG");
    if (names == NULL) {
        names = DEFAULT_CONFIGURATION;
    }
    while (*names != '\0') {
        char path[1024];
        size_t size = strcspn(names, ":");
        if (size != 0 && size < sizeof path) {
            (void)snprintf(path, sizeof path, "%.*s", (int)size, names);
            hash = mix(hash, path, size);
            hash = mix_configuration(hash, path);
        }
        names += size + (names[size] == ':' ? 1 : 0);
    }
    return hash;
}

static long seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (long)now.tv_sec;
}

static unsigned long current_generation(void)
{
    long now = seconds_now();
    if (now < atomic_load_explicit(&next_check, memory_order_acquire) || pthread_mutex_trylock(&stamp_lock) != 0) {
        return atomic_load_explicit(&generation, memory_order_acquire);
    }
    uint64_t found = take_stamp();
    if (stamp != 0 && found != stamp) {
        TRACE("Kerberos: the configuration has changed and is read again");
        atomic_fetch_add_explicit(&generation, 1, memory_order_acq_rel);
    }
    stamp = found;
    atomic_store_explicit(&next_check, now + CHECK_SECONDS, memory_order_release);
    pthread_mutex_unlock(&stamp_lock);
    return atomic_load_explicit(&generation, memory_order_acquire);
}

unsigned long library_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_acquire);
}

void library_look(void)
{
    atomic_store_explicit(&next_check, 0, memory_order_release);
}

/* ---------------------------------------------------------------- a context for each thread */

struct thread_context {
    krb5_context krb;
    const struct kdc_proxy *proxy; /* of the job that the thread is; NULL: none */
    unsigned long generation;
};

static pthread_key_t thread_key;
static bool thread_key_made;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_thread(void *argument)
{
    struct thread_context *mine = argument;
    if (mine->krb != NULL) {
        krb5_free_context(mine->krb);
    }
    free(mine);
}

static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned jobs;        /* under way, the abandoned ones with them */
static unsigned client_jobs; /* of these, in clients' names */

static pthread_cond_t job_done;

#define STRIPES 16
static pthread_mutex_t stripes[STRIPES] = {[0 ... STRIPES - 1] = PTHREAD_MUTEX_INITIALIZER};

static void make_condition(void)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&job_done, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void before_fork(void)
{
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&stripes[i]);
    }
    pthread_mutex_lock(&stamp_lock);
    pthread_mutex_lock(&job_lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&job_lock);
    pthread_mutex_unlock(&stamp_lock);
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_unlock(&stripes[i]);
    }
}

static void after_fork_in_child(void)
{
    jobs = client_jobs = 0; /* their threads are not here, nor those that wait for them */
    make_condition();
    after_fork();
}

static void begin(void)
{
    thread_key_made = pthread_key_create(&thread_key, end_thread) == 0;
    make_condition();
    (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

pthread_mutex_t *library_lock(const void *object)
{
    (void)pthread_once(&once, begin);
    return &stripes[((uintptr_t)object >> 6) % STRIPES];
}

/* Sessions can only have keys that per-message tokens are made with here. */
bool library_enctype_is_ours(krb5_enctype type)
{
    return (type >= ENCTYPE_AES128_CTS_HMAC_SHA1_96 && type <= ENCTYPE_AES256_CTS_HMAC_SHA384_192) ||
           (type == ENCTYPE_ARCFOUR_HMAC && policy_get()->kerberos_rc4);
}

void library_restrict_enctypes(krb5_context krb)
{
    krb5_enctype *permitted = NULL, ours[16];
    size_t count = 0;
    if (krb5_get_permitted_enctypes(krb, &permitted) != 0) {
        return;
    }
    for (size_t i = 0; permitted[i] != 0 && count < 15; i++) {
        if (library_enctype_is_ours(permitted[i])) {
            ours[count] = permitted[i];
            count++;
        }
    }
    ours[count] = 0;
    if (count != 0) {
        (void)krb5_set_default_tgs_enctypes(krb, ours);
    }
    krb5_free_enctypes(krb, permitted);
}

void library_widen_enctypes(krb5_context krb)
{
    (void)krb5_set_default_tgs_enctypes(krb, NULL);
}

static SECURITY_STATUS make_context(const struct kdc_proxy *proxy, krb5_context *out)
{
    krb5_context fresh = NULL;
    LIBRARY_TRY(NULL, LIBRARY_CLIENT, configuration_context(proxy, &fresh));
    library_restrict_enctypes(fresh);
    *out = fresh;
    return SEC_E_OK;
}

SECURITY_STATUS library_own_context(krb5_context *out)
{
    const struct thread_context *mine = thread_key_made ? pthread_getspecific(thread_key) : NULL;
    return make_context(mine != NULL ? mine->proxy : NULL, out);
}

/* The calling thread's context, which a job's proxy is put into when it is made. */
static SECURITY_STATUS thread_context(const struct kdc_proxy *proxy, krb5_context *out)
{
    (void)pthread_once(&once, begin);
    REQUIRE(thread_key_made, SEC_E_INSUFFICIENT_MEMORY, "no room for a thread's Kerberos context");
    struct thread_context *mine = pthread_getspecific(thread_key);
    if (mine == NULL) {
        mine = calloc(1, sizeof *mine);
        REQUIRE(mine != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a Kerberos context");
        if (pthread_setspecific(thread_key, mine) != 0) {
            free(mine);
            FAIL(SEC_E_INSUFFICIENT_MEMORY, "no room for a thread's Kerberos context");
        }
    }
    if (mine->krb == NULL) {
        unsigned long now = current_generation();
        krb5_context fresh = NULL;
        TRY(make_context(proxy, &fresh));
        *mine = (struct thread_context){fresh, proxy, now};
    }
    *out = mine->krb;
    return SEC_E_OK;
}

SECURITY_STATUS library_context(krb5_context *out)
{
    return thread_context(NULL, out);
}

void library_refresh(void)
{
    (void)pthread_once(&once, begin);
    struct thread_context *mine = thread_key_made ? pthread_getspecific(thread_key) : NULL;
    if (mine != NULL && mine->krb != NULL && mine->generation != current_generation()) {
        krb5_free_context(mine->krb);
        mine->krb = NULL;
    }
}

/* ---------------------------------------------------------------- errors */

/* sspi-structs: "KDC and AP errors", Microsoft Learn, SSPI Status Codes; RFC 4120 7.5.9. */
static const struct {
    krb5_error_code code;
    SECURITY_STATUS client, server;
} statuses[] = {
    {KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_PREAUTH_FAILED, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_CLIENT_REVOKED, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_NAME_EXP, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_KEY_EXP, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KRB_AP_ERR_BAD_INTEGRITY, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5_LIBOS_PWDINTR, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, SEC_E_TARGET_UNKNOWN, SEC_E_TARGET_UNKNOWN},
    {KRB5KDC_ERR_MUST_USE_USER2USER, SEC_E_NO_TGT_REPLY, SEC_E_NO_TGT_REPLY},
    {LIBRARY_USER_TO_USER_REQUIRED, SEC_E_NO_TGT_REPLY, SEC_E_NO_TGT_REPLY},
    {KRB5_PARSE_MALFORMED, SEC_E_TARGET_UNKNOWN, SEC_E_TARGET_UNKNOWN},
    {KRB5KDC_ERR_ETYPE_NOSUPP, SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_KDC_UNKNOWN_ETYPE},
    {KRB5_NOPERM_ETYPE, SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_KDC_UNKNOWN_ETYPE},
    {KRB5_BAD_ENCTYPE, SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_KDC_UNKNOWN_ETYPE},
    {KRB5_PROG_ETYPE_NOSUPP, SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_KDC_UNKNOWN_ETYPE},
    {KRB5KDC_ERR_PADATA_TYPE_NOSUPP, SEC_E_UNSUPPORTED_PREAUTH, SEC_E_UNSUPPORTED_PREAUTH},
    {KRB5_PREAUTH_FAILED, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5_ERR_FAST_REQUIRED, SEC_E_UNSUPPORTED_PREAUTH, SEC_E_UNSUPPORTED_PREAUTH},
    {KRB5_LIBOS_CANTREADPWD, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_CLIENT_NOT_TRUSTED, SEC_E_PKINIT_CLIENT_FAILURE, SEC_E_PKINIT_CLIENT_FAILURE},
    {KRB5KDC_ERR_KDC_NOT_TRUSTED, SEC_E_ISSUING_CA_UNTRUSTED_KDC, SEC_E_ISSUING_CA_UNTRUSTED_KDC},
    {KRB5KDC_ERR_INVALID_SIG, SEC_E_PKINIT_CLIENT_FAILURE, SEC_E_PKINIT_CLIENT_FAILURE},
    {KRB5KDC_ERR_CANT_VERIFY_CERTIFICATE, SEC_E_PKINIT_CLIENT_FAILURE, SEC_E_PKINIT_CLIENT_FAILURE},
    {KRB5KDC_ERR_INVALID_CERTIFICATE, SEC_E_PKINIT_CLIENT_FAILURE, SEC_E_PKINIT_CLIENT_FAILURE},
    {KRB5KDC_ERR_REVOKED_CERTIFICATE, SEC_E_SMARTCARD_CERT_REVOKED, SEC_E_SMARTCARD_CERT_REVOKED},
    {KRB5KDC_ERR_REVOCATION_STATUS_UNKNOWN, SEC_E_REVOCATION_OFFLINE_C, SEC_E_REVOCATION_OFFLINE_C},
    {KRB5KDC_ERR_CLIENT_NAME_MISMATCH, SEC_E_PKINIT_NAME_MISMATCH, SEC_E_PKINIT_NAME_MISMATCH},
    {KRB5KDC_ERR_INCONSISTENT_KEY_PURPOSE, SEC_E_CERT_WRONG_USAGE, SEC_E_CERT_WRONG_USAGE},
    {KRB5KDC_ERR_BADOPTION, SEC_E_DELEGATION_POLICY, SEC_E_DELEGATION_POLICY},
    {KRB5KDC_ERR_POLICY, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KDC_ERR_SVC_UNAVAILABLE, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5KRB_AP_ERR_TKT_EXPIRED, SEC_E_CONTEXT_EXPIRED, SEC_E_CONTEXT_EXPIRED},
    {KRB5KRB_AP_ERR_TKT_NYV, SEC_E_TIME_SKEW, SEC_E_TIME_SKEW},
    {KRB5KRB_AP_ERR_SKEW, SEC_E_TIME_SKEW, SEC_E_TIME_SKEW},
    {KRB5_KDCREP_SKEW, SEC_E_TIME_SKEW, SEC_E_TIME_SKEW},
    {KRB5KRB_AP_ERR_MODIFIED, SEC_E_WRONG_PRINCIPAL, SEC_E_LOGON_DENIED},
    {KRB5KRB_AP_ERR_NOT_US, SEC_E_WRONG_PRINCIPAL, SEC_E_WRONG_PRINCIPAL},
    {KRB5KRB_AP_WRONG_PRINC, SEC_E_WRONG_PRINCIPAL, SEC_E_WRONG_PRINCIPAL},
    {KRB5_KDCREP_MODIFIED, SEC_E_WRONG_PRINCIPAL, SEC_E_WRONG_PRINCIPAL},
    {KRB5_MUTUAL_FAILED, SEC_E_MUTUAL_AUTH_FAILED, SEC_E_MUTUAL_AUTH_FAILED},
    {KRB5KRB_AP_ERR_REPEAT, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KRB_AP_ERR_BADMATCH, SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
    {KRB5KRB_AP_ERR_BADKEYVER, SEC_E_WRONG_PRINCIPAL, SEC_E_NO_KERB_KEY},
    {KRB5KRB_AP_ERR_NOKEY, SEC_E_WRONG_PRINCIPAL, SEC_E_NO_KERB_KEY},
    {KRB5_KT_KVNONOTFOUND, SEC_E_NO_KERB_KEY, SEC_E_NO_KERB_KEY},
    {KRB5_KT_NOTFOUND, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KT_IOERR, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KEYTAB_BADVNO, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KT_BADNAME, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KT_UNKNOWN_TYPE, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KDC_UNREACH, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5_REALM_UNKNOWN, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5_REALM_CANT_RESOLVE, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5_CONFIG_NODEFREALM, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5_CONFIG_CANTOPEN, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
    {KRB5_FCC_NOFILE, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_NOTFOUND, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_UNKNOWN_TYPE, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_BADNAME, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_FORMAT, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_IO, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_END, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CC_NOSUPP, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_CCACHE_BADVNO, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_KCM_NO_SERVER, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {KRB5_NO_TKT_SUPPLIED, SEC_E_NO_TGT_REPLY, SEC_E_NO_TGT_REPLY},
    {KRB5KRB_AP_ERR_BADVERSION, SEC_E_INVALID_TOKEN, SEC_E_INVALID_TOKEN},
    {KRB5KRB_AP_ERR_MSG_TYPE, SEC_E_INVALID_TOKEN, SEC_E_INVALID_TOKEN},
    {KRB5_BADMSGTYPE, SEC_E_INVALID_TOKEN, SEC_E_INVALID_TOKEN},
    {KRB5_BAD_MSIZE, SEC_E_INVALID_TOKEN, SEC_E_INVALID_TOKEN},
    {KRB5KRB_AP_ERR_INAPP_CKSUM, SEC_E_INVALID_TOKEN, SEC_E_INVALID_TOKEN},
    {KRB5_GET_IN_TKT_LOOP, SEC_E_MAX_REFERRALS_EXCEEDED, SEC_E_MAX_REFERRALS_EXCEEDED},
    {KRB5KRB_AP_ERR_ILL_CR_TKT, SEC_E_TARGET_UNKNOWN, SEC_E_LOGON_DENIED},
    {KRB5KRB_AP_PATH_NOT_ACCEPTED, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_LOGON_DENIED},
    {ENOMEM, SEC_E_INSUFFICIENT_MEMORY, SEC_E_INSUFFICIENT_MEMORY},
    {ENOENT, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {EACCES, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {EPERM, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS},
    {ECONNREFUSED, SEC_E_NO_CREDENTIALS, SEC_E_NO_CREDENTIALS}, /* a cache's manager; of KDCs it is KRB5_KDC_UNREACH */
};

#define ASN1_ERRORS INT32_C(1859794432) /* libkrb5's table of ASN.1 errors, which its headers do not name */

SECURITY_STATUS library_status(enum library_side side, krb5_error_code code)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].code == code) {
            return side == LIBRARY_CLIENT ? statuses[i].client : statuses[i].server;
        }
    }
    if (code >= ASN1_ERRORS && code < ASN1_ERRORS + 256) {
        return SEC_E_INVALID_TOKEN;
    }
    return side == LIBRARY_CLIENT ? SEC_E_NO_AUTHENTICATING_AUTHORITY : SEC_E_LOGON_DENIED;
}

SECURITY_STATUS library_fail_at(krb5_context krb, enum library_side side, krb5_error_code code, const char *file,
                                int line)
{
    const char *text = krb5_get_error_message(krb, code);
    SECURITY_STATUS status = status_fail_text(library_status(side, code), text, file, line);
    krb5_free_error_message(krb, text);
    return status;
}

/* ---------------------------------------------------------------- jobs */

/* Under `job_lock`, both.  The tickets that a client forwards name his realm, and with it whom we ask: what he makes hang must
 * leave room for everybody else. */
static bool enter(struct library_job *job)
{
    bool room = jobs < JOBS_MAX && (!job->for_client || client_jobs < CLIENT_JOBS);
    if (room) {
        jobs++;
        client_jobs += job->for_client ? 1 : 0;
        job->references++;
    }
    return room;
}

static void leave(struct library_job *job)
{
    jobs--;
    client_jobs -= job->for_client ? 1 : 0;
    job->references--;
}

static void end_job(struct library_job *job)
{
    free(job->proxy);
    job->dispose(job);
}

void library_job_drop(struct library_job *job)
{
    pthread_mutex_lock(&job_lock);
    job->references--;
    bool last = job->references == 0;
    pthread_mutex_unlock(&job_lock);
    if (last) {
        end_job(job);
    }
}

/* Frees what library_context() made for this thread. */
static void end_context(void)
{
    void *mine = thread_key_made ? pthread_getspecific(thread_key) : NULL;
    if (mine != NULL) {
        (void)pthread_setspecific(thread_key, NULL);
        end_thread(mine);
    }
}

/* Whoever waits may end the program at once, and with it the locks within libkrb5: so this thread is through with libkrb5 before
 * it says that it is done, and leaves the job to who waits, unless nobody does. */
static void *job_thread(void *argument)
{
    struct library_job *job = argument;
    krb5_context krb;
    status_begin();
    SECURITY_STATUS status = thread_context(job->proxy, &krb);
    if (status >= 0) {
        status = job->run(job, krb);
    }
    const char *reason = status_reason(NULL, NULL, NULL);
    (void)snprintf(job->reason, sizeof job->reason, "%s", reason != NULL ? reason : "a Kerberos call failed");
    end_context();
    pthread_mutex_lock(&job_lock);
    job->status = status;
    job->done = true;
    leave(job);
    bool last = job->references == 0;
    pthread_cond_broadcast(&job_done);
    pthread_mutex_unlock(&job_lock);
    if (last) {
        end_job(job);
    }
    return NULL;
}

SECURITY_STATUS library_run(struct library_job *job)
{
    struct timespec deadline;
    (void)pthread_once(&once, begin);
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += policy_get()->kerberos_kdc_timeout;
    job->references = 1;
    pthread_mutex_lock(&job_lock);
    bool room = enter(job);
    pthread_mutex_unlock(&job_lock);
    REQUIRE(room, SEC_E_NO_AUTHENTICATING_AUTHORITY, "too many calls are waiting for a KDC that does not answer");
    if (!thread_start(job_thread, job)) {
        pthread_mutex_lock(&job_lock);
        leave(job);
        pthread_mutex_unlock(&job_lock);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no thread could be started to ask a KDC");
    }
    pthread_mutex_lock(&job_lock);
    int waited = 0;
    while (!job->done && waited == 0) {
        waited = pthread_cond_timedwait(&job_done, &job_lock, &deadline);
    }
    bool done = job->done;
    pthread_mutex_unlock(&job_lock);
    REQUIRE(done, SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "no KDC answered within the time that policy allows ([kerberos] kdc-timeout)");
    if (job->status < 0) {
        return status_fail_text(job->status, job->reason, __FILE__, __LINE__);
    }
    return SEC_E_OK;
}
