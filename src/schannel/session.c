#include "schannel/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/secret.h"

#define ENTRIES_MAX    256 /* of one credential; the oldest goes */
#define ENTRIES_TARGET 4   /* of one target: as many connections may resume at once under TLS 1.3 */

struct entry {
    struct entry *next; /* newest first */
    SSL_SESSION *session;
    struct utf16 target; /* owned */
    bool verified;
    pid_t process;
    uid_t user; /* the logon session: who the thread was (Linux knows no other) */
};

struct schannel_sessions {
    pthread_mutex_t lock;
    struct entry *entries;
    uint32_t lifespan;
    struct schannel_sessions *next_cache; /* of this process */
};

/* Every cache, for SslEmptyCache. */
static pthread_mutex_t caches_lock = PTHREAD_MUTEX_INITIALIZER;
static struct schannel_sessions *caches;

static void free_entry(struct entry *entry)
{
    SSL_SESSION_free(entry->session);
    utf16_free(&entry->target);
    free(entry);
}

SECURITY_STATUS schannel_sessions_new(uint32_t lifespan, struct schannel_sessions **out)
{
    struct schannel_sessions *sessions = calloc(1, sizeof *sessions);
    REQUIRE(sessions != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session cache");
    pthread_mutex_init(&sessions->lock, NULL);
    sessions->lifespan = lifespan;
    pthread_mutex_lock(&caches_lock);
    sessions->next_cache = caches;
    caches = sessions;
    pthread_mutex_unlock(&caches_lock);
    *out = sessions;
    return SEC_E_OK;
}

void schannel_sessions_free(struct schannel_sessions *sessions)
{
    if (sessions == NULL) {
        return;
    }
    pthread_mutex_lock(&caches_lock);
    struct schannel_sessions **link = &caches;
    while (*link != sessions) {
        link = &(*link)->next_cache;
    }
    *link = sessions->next_cache;
    pthread_mutex_unlock(&caches_lock);
    schannel_sessions_forget(sessions, UTF16_NONE);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

/* Under the lock: drops what is too old or too many, counting the entries of `target` and all. */
static void prune(struct schannel_sessions *sessions, struct utf16 target)
{
    unsigned all = 0;
    unsigned same = 0;
    struct entry **link = &sessions->entries;
    while (*link != NULL) {
        struct entry *entry = *link;
        bool is_same = utf16_equal_nocase(entry->target, target);
        if (all >= ENTRIES_MAX || (is_same && same >= ENTRIES_TARGET)) {
            *link = entry->next;
            free_entry(entry);
            continue;
        }
        all++;
        same += is_same;
        link = &entry->next;
    }
}

void schannel_sessions_put(struct schannel_sessions *sessions, struct utf16 target, bool verified, SSL_SESSION *session)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL || utf16_copy(target, &entry->target) < 0) {
        free(entry); /* nothing is lost but a resumption */
        SSL_SESSION_free(session);
        return;
    }
    entry->session = session;
    entry->verified = verified;
    entry->process = getpid();
    entry->user = geteuid();
    pthread_mutex_lock(&sessions->lock);
    entry->next = sessions->entries;
    sessions->entries = entry;
    prune(sessions, target);
    pthread_mutex_unlock(&sessions->lock);
}

/* The ticket's own lifetime, which the server set, and the credential's: whichever ends first. */
static bool expired(const struct schannel_sessions *sessions, const SSL_SESSION *session)
{
    time_t age = time(NULL) - (time_t)SSL_SESSION_get_time(session);
    unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
    return age < 0 || (sessions->lifespan != UINT32_MAX && age >= (time_t)sessions->lifespan) ||
           (hint != 0 && age >= (time_t)hint) || !SSL_SESSION_is_resumable(session);
}

static bool usable(const struct schannel_sessions *sessions, const struct entry *entry, struct utf16 target,
                   bool verified)
{
    return utf16_equal_nocase(entry->target, target) && entry->verified == verified && entry->process == getpid() &&
           entry->user == geteuid() && !expired(sessions, entry->session);
}

SSL_SESSION *schannel_sessions_take(struct schannel_sessions *sessions, struct utf16 target, bool verified)
{
    SSL_SESSION *session = NULL;
    pthread_mutex_lock(&sessions->lock);
    struct entry **link = &sessions->entries;
    while (*link != NULL && !usable(sessions, *link, target, verified)) {
        link = &(*link)->next;
    }
    struct entry *entry = *link;
    if (entry != NULL) {
        session = entry->session;
        SSL_SESSION_up_ref(session);
        if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION) {
            *link = entry->next;
            free_entry(entry);
        }
    }
    pthread_mutex_unlock(&sessions->lock);
    return session;
}

void schannel_sessions_forget(struct schannel_sessions *sessions, struct utf16 target)
{
    pthread_mutex_lock(&sessions->lock);
    struct entry **link = &sessions->entries;
    while (*link != NULL) {
        struct entry *entry = *link;
        if (target.size == 0 || utf16_equal_nocase(entry->target, target)) {
            *link = entry->next;
            free_entry(entry);
        } else {
            link = &entry->next;
        }
    }
    pthread_mutex_unlock(&sessions->lock);
}

void schannel_sessions_forget_everywhere(struct utf16 target)
{
    pthread_mutex_lock(&caches_lock);
    for (struct schannel_sessions *sessions = caches; sessions != NULL; sessions = sessions->next_cache) {
        schannel_sessions_forget(sessions, target);
    }
    pthread_mutex_unlock(&caches_lock);
}
