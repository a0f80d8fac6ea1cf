#include "core/token.h"

#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "core/met.h"
#include "logon/default_credentials.h"
#include "wire/writer.h"

#define UNIX_NAME_MAX 64
#define GROUPS_MAX    256

struct token {
    atomic_uint references;
    bool anonymous;
    void *delegated;
    void (*drop_delegated)(void *);
    struct token_facts facts;  /* slices of `said` */
    uint8_t *said;             /* owned */
    struct identity *identity; /* with the password that the client delegated; NULL: none */
    char unix_name[UNIX_NAME_MAX];
    size_t user_size, domain_size;
    uint8_t text[]; /* user, then domain */
};

/* What a thread was before it took an account's rights. */
struct rights {
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    int group_count;
    gid_t groups[GROUPS_MAX];
};

static _Thread_local struct token *current;
static _Thread_local struct rights *own; /* NULL: the thread has its own rights */

SECURITY_STATUS token_new(struct utf16 user, struct utf16 domain, bool anonymous, const char *unix_name,
                          struct token **out_token)
{
    REQUIRE(unix_name == NULL || strlen(unix_name) < UNIX_NAME_MAX, SEC_E_NO_IMPERSONATION,
            "the local account's name is longer than 63 bytes");
    struct token *token = malloc(sizeof *token + user.size + domain.size);
    REQUIRE(token != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a token");
    *token = (struct token){.anonymous = anonymous, .user_size = user.size, .domain_size = domain.size};
    atomic_init(&token->references, 1);
    if (unix_name != NULL) {
        strncpy(token->unix_name, unix_name, UNIX_NAME_MAX - 1);
    }
    if (user.size != 0) {
        memcpy(token->text, user.data, user.size);
    }
    if (domain.size != 0) {
        memcpy(token->text + user.size, domain.data, domain.size);
    }
    *out_token = token;
    return SEC_E_OK;
}

void token_delegate(struct token *token, void *credentials, void (*drop)(void *credentials))
{
    token->delegated = credentials;
    token->drop_delegated = drop;
}

void *token_delegated(const struct token *token)
{
    return token->delegated;
}

/* A slice of what was copied, in the same order. */
static struct bytes copied(struct writer *to, struct bytes from)
{
    size_t start = to->size;
    write_bytes(to, from);
    return bytes_of(to->data + start, from.size);
}

SECURITY_STATUS token_describe(struct token *token, const struct token_facts *facts)
{
    size_t size = facts->upn.size + facts->dns_domain.size + facts->sids.size;
    uint8_t *said = malloc(size + 1);
    REQUIRE(said != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a token");
    struct writer writer = write_into(said, size);
    token->said = said;
    token->facts.upn = utf16_of(copied(&writer, utf16_bytes(facts->upn)));
    token->facts.dns_domain = utf16_of(copied(&writer, utf16_bytes(facts->dns_domain)));
    token->facts.sids = copied(&writer, facts->sids);
    met_remember(token_user(token), token_domain(token), token->facts.upn, token->facts.dns_domain);
    return SEC_E_OK;
}

struct token_facts token_facts(const struct token *token)
{
    return token->facts;
}

static SECURITY_STATUS copy_identity(struct utf16 user, struct utf16 domain, struct bytes password,
                                     struct identity *out)
{
    AUTO_IDENTITY copy = {.has_user = true, .has_domain = domain.size != 0, .has_password = true};
    TRY(utf16_copy(user, &copy.user));
    TRY(utf16_copy(domain, &copy.domain));
    TRY(secret_copy(&copy.password, password));
    copy.flags = SEC_WINNT_AUTH_IDENTITY_UNICODE;
    *out = copy;
    copy = (struct identity){0};
    return SEC_E_OK;
}

SECURITY_STATUS token_give_password(struct token *token, struct utf16 user, struct utf16 domain, struct bytes password)
{
    AUTO_FREE struct identity *identity = calloc(1, sizeof *identity);
    REQUIRE(identity != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a token");
    TRY(copy_identity(user, domain, password, identity));
    token->identity = STEAL(identity);
    return SEC_E_OK;
}

SECURITY_STATUS token_identity(const struct token *token, struct identity *out)
{
    const struct identity *identity = token != NULL ? token->identity : NULL;
    REQUIRE(identity != NULL, SEC_E_NO_CREDENTIALS, "the client for whom this thread stands has delegated no password");
    return copy_identity(identity->user, identity->domain, secret_bytes(&identity->password), out);
}

SECURITY_STATUS token_default_identity(struct utf16 principal, struct identity *out)
{
    return current != NULL ? token_identity(current, out) : default_credentials(principal, out);
}

struct token *token_hold(struct token *token)
{
    atomic_fetch_add_explicit(&token->references, 1, memory_order_relaxed);
    return token;
}

void token_drop(struct token *token)
{
    if (token != NULL && atomic_fetch_sub_explicit(&token->references, 1, memory_order_acq_rel) == 1) {
        if (token->delegated != NULL) {
            token->drop_delegated(token->delegated);
        }
        free(token->said);
        if (token->identity != NULL) {
            identity_free(token->identity);
            free(token->identity);
        }
        free(token);
    }
}

struct utf16 token_user(const struct token *token)
{
    return (struct utf16){token->text, token->user_size};
}

struct utf16 token_domain(const struct token *token)
{
    return (struct utf16){token->text + token->user_size, token->domain_size};
}

bool token_is_anonymous(const struct token *token)
{
    return token->anonymous;
}

struct token *token_current(void)
{
    return current;
}

/* glibc's functions change the rights of every thread; the system calls themselves change those of the caller alone
 * (setresuid(2), C library/kernel differences). */
static bool set_rights(const struct rights *rights)
{
    return syscall(SYS_setgroups, rights->group_count, rights->groups) == 0 &&
           syscall(SYS_setresgid, rights->rgid, rights->egid, rights->sgid) == 0 &&
           syscall(SYS_setresuid, rights->ruid, rights->euid, rights->suid) == 0;
}

/* Back from an unprivileged effective uid: the uid first, since only then may groups change. */
static bool restore_rights(const struct rights *rights)
{
    return syscall(SYS_setresuid, -1, rights->euid, -1) == 0 && set_rights(rights);
}

static bool get_rights(struct rights *out)
{
    out->group_count = getgroups(GROUPS_MAX, out->groups);
    return out->group_count >= 0 && getresuid(&out->ruid, &out->euid, &out->suid) == 0 &&
           getresgid(&out->rgid, &out->egid, &out->sgid) == 0;
}

/* Does this thread still have these rights?  `scratch` is overwritten. */
static bool has_rights(const struct rights *rights, struct rights *scratch)
{
    return get_rights(scratch) && scratch->ruid == rights->ruid && scratch->euid == rights->euid &&
           scratch->suid == rights->suid && scratch->rgid == rights->rgid && scratch->egid == rights->egid &&
           scratch->sgid == rights->sgid && scratch->group_count == rights->group_count &&
           memcmp(scratch->groups, rights->groups, (size_t)rights->group_count * sizeof rights->groups[0]) == 0;
}

/* The mapped account's rights, with our own kept in the saved ids so that there is a way back. */
static SECURITY_STATUS mapped_rights(const char *name, const struct rights *before, struct rights *out)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    REQUIRE(name[0] != '\0' && getpwnam_r(name, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL,
            SEC_E_NO_IMPERSONATION, "the account is mapped to no local user ([impersonation] switch-uid)");
    out->ruid = before->ruid;
    out->euid = found->pw_uid;
    out->suid = before->euid;
    out->rgid = before->rgid;
    out->egid = found->pw_gid;
    out->sgid = before->egid;
    out->group_count = GROUPS_MAX;
    REQUIRE(getgrouplist(name, found->pw_gid, out->groups, &out->group_count) >= 0, SEC_E_NO_IMPERSONATION,
            "the local user has more groups than can be taken over");
    return SEC_E_OK;
}

static SECURITY_STATUS take_rights(const struct token *token)
{
    struct rights *before = malloc(2 * sizeof *before);
    REQUIRE(before != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an impersonation");
    struct rights *mapped = before + 1;
    bool known = get_rights(before);
    SECURITY_STATUS status = known ? mapped_rights(token->unix_name, before, mapped) : SEC_E_NO_IMPERSONATION;
    if (status < 0) {
        free(before);
        FAIL(status, "this thread's own rights cannot be read");
    }
    if (!set_rights(mapped)) {
        if (!has_rights(before, mapped) && !set_rights(before)) {
            abort(); /* half somebody else: nothing may go on in this state */
        }
        free(before);
        FAIL(SEC_E_NO_IMPERSONATION, "the kernel refused the local user's rights: is this process privileged?");
    }
    own = before;
    return SEC_E_OK;
}

SECURITY_STATUS token_revert(void)
{
    struct rights *before = own;
    if (before != NULL) {
        if (!restore_rights(before)) {
            abort();
        }
        own = NULL;
        free(before);
    }
    token_drop(current);
    current = NULL;
    return SEC_E_OK;
}

SECURITY_STATUS token_impersonate(struct token *token)
{
    struct token *next = token_hold(token);
    struct token *before = current != NULL ? token_hold(current) : NULL;
    SECURITY_STATUS reverted = token_revert(); /* rights are changed from our own, never from somebody else's */
    (void)reverted;
    if (policy_get()->switch_uid) {
        SECURITY_STATUS status = take_rights(token);
        if (status < 0) {
            token_drop(next);
            current = before;
            if (before != NULL && take_rights(before) < 0) {
                token_drop(before);
                current = NULL;
            }
            return status;
        }
    }
    token_drop(before);
    current = next;
    TRACE("impersonating, %s", own != NULL ? "with the local user's rights" : "in name");
    return SEC_E_OK;
}
