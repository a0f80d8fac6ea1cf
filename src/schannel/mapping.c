#include "schannel/mapping.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "cert/library.h"
#include "cert/name_text.h"
#include "cert/pem_files.h"
#include "cert/roots.h"
#include "core/token.h"
#include "crypto/openssl_errors.h"
#include "logon/accounts.h"
#include "logon/machine.h"
#include "wire/writer.h"

#define RULES_MAX 65536
#define HASH_SIZE 32 /* SHA-256 */
#define UPN_MAX   4096

enum rule_kind { RULE_CERTIFICATE, RULE_KEY, RULE_UPN };

struct rule {
    enum rule_kind kind;
    uint8_t hash[HASH_SIZE];
    char *account;             /* owned; of the first two */
    struct roots *authorities; /* owned; of UPN: whom to believe about them */
    char *path;                /* owned: where those stand, */
    uint64_t fingerprint;      /* ... and how that looked before they were read */
};

/* The file's rules, replaced as a whole when it or what it names has changed. */
static struct {
    pthread_mutex_t lock;
    struct rule *rules;
    size_t count;
    uint64_t fingerprint;
    uint64_t looked; /* seconds */
} map = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---------------------------------------------------------------- reading the file */

static void clear_rules(void)
{
    for (size_t i = 0; i < map.count; i++) {
        free(map.rules[i].account);
        roots_free(map.rules[i].authorities);
        free(map.rules[i].path);
    }
    free(map.rules);
    map.rules = NULL;
    map.count = 0;
}

static bool read_hash(const char *text, uint8_t out[HASH_SIZE])
{
    bool good = strlen(text) == 2 * HASH_SIZE && strspn(text, "0123456789abcdefABCDEF") == 2 * HASH_SIZE;
    for (size_t i = 0; good && i < HASH_SIZE; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return good;
}

/* The next word; *rest is what stands behind it, without blanks around. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\r\n");
    char *end = word + strcspn(word, " \t\r\n");
    char *behind = end + strspn(end, " \t\r\n");
    *end = '\0';
    size_t size = strlen(behind);
    while (size > 0 && strchr(" \t\r\n", behind[size - 1]) != NULL) {
        behind[--size] = '\0';
    }
    *rest = behind;
    return word;
}

/* Whoever can write the map, or the authorities that it names, says who people are. */
static bool is_ours(const struct stat *about)
{
    return (about->st_uid == 0 || about->st_uid == geteuid()) && (about->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool read_rule(char *line, struct rule *out)
{
    char *rest = line;
    const char *kind = next_word(&rest);
    if (strcmp(kind, "upn") == 0) {
        *out = (struct rule){.kind = RULE_UPN, .path = strdup(rest), .fingerprint = pem_files_fingerprint(rest)};
        struct stat about;
        return rest[0] == '/' && out->path != NULL && stat(rest, &about) == 0 && is_ours(&about) &&
               roots_read(rest, NULL, &out->authorities) >= 0;
    }
    *out = (struct rule){.kind = strcmp(kind, "key") == 0 ? RULE_KEY : RULE_CERTIFICATE};
    bool known = out->kind == RULE_KEY || strcmp(kind, "certificate") == 0;
    const char *hash = next_word(&rest);
    out->account = known && rest[0] != '\0' ? strdup(rest) : NULL;
    return out->account != NULL && read_hash(hash, out->hash);
}

/* Every line counts: a file with one that says nothing maps nobody. */
static bool read_rules(FILE *file)
{
    AUTO_FREE char *line = NULL;
    size_t room = 0;
    size_t number = 0;
    while (getline(&line, &room, file) >= 0) {
        number++;
        const char *start = line + strspn(line, " \t\r\n");
        if (*start == '#' || *start == '\0') {
            continue;
        }
        struct rule *more = map.count < RULES_MAX ? realloc(map.rules, (map.count + 1) * sizeof *more) : NULL;
        if (more == NULL) {
            return false;
        }
        map.rules = more;
        bool good = read_rule(line, &map.rules[map.count++]);
        if (!good) {
            TRACE("schannel: the map of clients, line %zu: no rule (sspi.conf(5))", number);
            return false;
        }
    }
    return ferror(file) == 0;
}

static void close_file(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file);
    }
}

static bool is_safe(FILE *file)
{
    struct stat about;
    return fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode) && is_ours(&about);
}

static uint64_t fingerprint_of(const char *path)
{
    uint64_t print = pem_files_fingerprint(path);
    for (size_t i = 0; i < map.count; i++) {
        print += map.rules[i].path != NULL ? pem_files_fingerprint(map.rules[i].path) : 0;
    }
    return print;
}

/* Under the lock; the file is looked at once a second at the most. */
static void refresh(const char *path)
{
    uint64_t now = clock_now() / CLOCK_SECOND;
    if (now == map.looked) {
        return;
    }
    map.looked = now;
    if (map.fingerprint != 0 && fingerprint_of(path) == map.fingerprint) {
        return;
    }
    clear_rules();
    /* As the files looked before they were read: what changes meanwhile is read again, and no rule outlives its line. */
    map.fingerprint = pem_files_fingerprint(path);
    AUTO(close_file) FILE *file = fopen(path, "re");
    bool good = file != NULL && is_safe(file) && read_rules(file);
    for (size_t i = 0; i < map.count; i++) {
        map.fingerprint += map.rules[i].fingerprint;
    }
    if (!good) {
        TRACE("schannel: the map of clients %s is not used: it is missing, has an error, or may be written by others "
              "than root "
              "and this user",
              path);
        clear_rules();
    }
}

/* ---------------------------------------------------------------- one certificate */

static bool hash_of(enum rule_kind kind, X509 *leaf, uint8_t out[EVP_MAX_MD_SIZE])
{
    if (kind == RULE_CERTIFICATE) {
        return X509_digest(leaf, EVP_sha256(), out, NULL) == 1;
    }
    uint8_t *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
    bool good = size > 0 && EVP_Q_digest(cert_libctx(), "SHA256", NULL, der, (size_t)size, out, NULL) == 1;
    OPENSSL_free(der);
    return good;
}

/* Only the authority that has signed the certificate itself speaks for its names, as with NTAuth (CERT_CHAIN_POLICY_NT_AUTH). */
static bool is_issued_by(X509 *leaf, const struct roots *authorities)
{
    const STACK_OF(X509) *all = roots_certificates(authorities);
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *authority = sk_X509_value(all, i);
        EVP_PKEY *key = X509_get0_pubkey(authority);
        if (X509_check_issued(authority, leaf) == X509_V_OK && key != NULL && X509_verify(leaf, key) == 1) {
            return true;
        }
    }
    return false;
}

/* The one user principal name of a certificate; of two nobody knows which one is meant.  A name with a backslash would be taken
 * for a domain's. */
static bool upn_of(X509 *leaf, char out[UPN_MAX])
{
    AUTO_CERTIFICATE *certificate = NULL;
    if (certificate_new(leaf, &certificate) < 0) {
        return false;
    }
    struct writer writer = write_into((uint8_t *)out, UPN_MAX);
    return name_text_alternatives(certificate, false, NAME_UPN, &writer) >= 0 && !writer.bad && writer.size > 1 &&
           strlen(out) + 1 == writer.size && strchr(out, '@') != NULL && strchr(out, '\\') == NULL;
}

/* The account as the first rule that fits has it, to be freed; NULL: none does. */
static char *account_of(X509 *leaf, const char *path)
{
    char upn[UPN_MAX];
    uint8_t hashes[2][EVP_MAX_MD_SIZE];
    char *account = NULL;
    if (!hash_of(RULE_CERTIFICATE, leaf, hashes[0]) || !hash_of(RULE_KEY, leaf, hashes[1])) {
        return NULL;
    }
    bool has_upn = upn_of(leaf, upn);
    pthread_mutex_lock(&map.lock);
    refresh(path);
    for (size_t i = 0; i < map.count && account == NULL; i++) {
        const struct rule *rule = &map.rules[i];
        if (rule->kind == RULE_UPN) {
            account = has_upn && is_issued_by(leaf, rule->authorities) ? strdup(upn) : NULL;
        } else if (memcmp(hashes[rule->kind == RULE_KEY ? 1 : 0], rule->hash, HASH_SIZE) == 0) {
            account = strdup(rule->account);
        }
    }
    pthread_mutex_unlock(&map.lock);
    return account;
}

/* ---------------------------------------------------------------- the account */

struct mapped {
    struct canonical_name name;
    char unix_name[64];
};

/* DOMAIN\user, user@domain, user. */
static void split(struct utf16 name, struct utf16 *user, struct utf16 *domain)
{
    size_t slash = utf16_find(name, '\\');
    size_t at = utf16_find_last(name, '@');
    *user = name;
    *domain = UTF16_NONE;
    if (slash != SIZE_MAX) {
        *domain = utf16_head(name, slash);
        *user = utf16_tail(name, slash + 1);
    } else if (at != SIZE_MAX) {
        *user = utf16_head(name, at);
        *domain = utf16_tail(name, at + 1);
    }
}

/* This machine's domain has two names; an account has one of them. */
static SECURITY_STATUS other_name(struct utf16 domain, struct utf16 *out)
{
    const struct machine_names *names = NULL;
    TRY(names_of_this_machine(&names));
    *out = utf16_equal_nocase(domain, names->dns_domain)     ? names->netbios_domain
           : utf16_equal_nocase(domain, names->dns_computer) ? names->netbios_computer
                                                             : domain;
    return SEC_E_OK;
}

static void wipe_account(struct account *account)
{
    secret_wipe(account, sizeof *account);
}

static SECURITY_STATUS find_account(struct utf16 user, struct utf16 domain, struct mapped *out)
{
    struct accounts *accounts = NULL;
    TRY(accounts_default(&accounts));
    if (accounts->known == NULL) { /* a source that only answers challenges: the map's word stands by itself */
        return canonical_name_set(&out->name, user, domain);
    }
    AUTO(wipe_account) struct account account = {.state = ACCOUNT_UNKNOWN};
    TRY(accounts->known(accounts, user, domain, &account));
    struct utf16 again = domain;
    TRY(other_name(domain, &again));
    if (account.state == ACCOUNT_UNKNOWN && !utf16_equal_nocase(again, domain)) {
        TRY(accounts->known(accounts, user, again, &account));
    }
    REQUIRE(account.state == ACCOUNT_GOOD, SEC_E_NO_IMPERSONATION,
            "the account that the client's certificate is mapped to is unknown, locked, disabled or expired");
    out->name = account.name;
    (void)snprintf(out->unix_name, sizeof out->unix_name, "%s", account.unix_name);
    if (out->name.user_size == 0) {
        return canonical_name_set(&out->name, user, domain);
    }
    return SEC_E_OK;
}

static bool is_in_force(X509 *leaf)
{
    time_t now = chain_time(0);
    return X509_cmp_time(X509_get0_notBefore(leaf), &now) < 0 && X509_cmp_time(X509_get0_notAfter(leaf), &now) > 0;
}

/* Whether the client is who the certificate says.  A resumed session was verified when it began, by the same rules
 * (tickets_bind). */
static bool is_verified(struct schannel_context *context, X509 *leaf)
{
    bool found_good = context->judged ? context->verdict >= 0 : SSL_session_reused(context->ssl) == 1;
    if (context->credential->deferred && !context->judged) {
        return false; /* what was found then is not known any more */
    }
    return !context->manual && found_good && is_in_force(leaf);
}

static SECURITY_STATUS map_client(struct schannel_context *context, struct mapped *out)
{
    const char *path = policy_get()->schannel_client_map;
    REQUIRE(!context->base.initiator, SEC_E_NO_IMPERSONATION, "a client's context stands for nobody else");
    REQUIRE(context->completed, SEC_E_NO_IMPERSONATION, "the handshake is not done");
    REQUIRE(!schannel_unproved(context), SEC_E_NO_IMPERSONATION,
            "the client's key is not proved while another handshake is under way (RFC 5246 7.4.8)");
    X509 *leaf = SSL_get0_peer_certificate(context->ssl);
    REQUIRE(leaf != NULL, SEC_E_NO_IMPERSONATION, "the client has shown no certificate");
    REQUIRE((context->credential->flags & SCH_CRED_NO_SYSTEM_MAPPER) == 0, SEC_E_NO_IMPERSONATION,
            "SCH_CRED_NO_SYSTEM_MAPPER: certificates are not mapped to accounts");
    REQUIRE(is_verified(context, leaf), SEC_E_NO_IMPERSONATION,
            "the client's certificate was not verified, and is not mapped to an account");
    REQUIRE(path[0] != '\0', SEC_E_NO_IMPERSONATION,
            "no certificate is mapped to an account: policy names no file ([schannel] client-map)");
    AUTO_FREE char *account = account_of(leaf, path);
    REQUIRE(account != NULL, SEC_E_NO_IMPERSONATION,
            "no rule of [schannel] client-map is about the client's certificate");
    AUTO_UTF16 name = UTF16_NONE;
    TRY(utf16_from_utf8(bytes_of(account, strlen(account)), &name));
    struct utf16 user, domain;
    split(name, &user, &domain);
    return find_account(user, domain, out);
}

static SECURITY_STATUS mapped_of(struct schannel_context *context, struct mapped *out)
{
    *out = (struct mapped){.unix_name = ""};
    openssl_errors_mark();
    SECURITY_STATUS status = map_client(context, out);
    openssl_errors_forget();
    return status;
}

SECURITY_STATUS schannel_impersonate(struct context *base, struct token **out_token)
{
    struct mapped mapped;
    REQUIRE(((struct schannel_context *)base)->moved == NULL, SEC_E_NO_IMPERSONATION,
            "a connection that was imported stands for nobody: its credential's rules stayed behind");
    TRY(mapped_of((struct schannel_context *)base, &mapped));
    const struct canonical_name *name = &mapped.name;
    return token_new((struct utf16){name->user, name->user_size}, (struct utf16){name->domain, name->domain_size},
                     false, mapped.unix_name[0] != '\0' ? mapped.unix_name : NULL, out_token);
}

SECURITY_STATUS mapping_name(struct schannel_context *context, struct attribute *out)
{
    struct mapped mapped;
    SECURITY_STATUS status = mapped_of(context, &mapped);
    REQUIRE(status != SEC_E_NO_IMPERSONATION, SEC_E_UNSUPPORTED_FUNCTION,
            "NAMES: the connection stands for no account (Mapping Certificates)");
    TRY(status);
    TRY(secret_alloc(&out->owned, mapped.name.domain_size + 2u + mapped.name.user_size));
    struct writer writer = write_into(out->owned.data, out->owned.size);
    write_bytes(&writer, bytes_of(mapped.name.domain, mapped.name.domain_size));
    write_u16le(&writer, '\\');
    write_bytes(&writer, bytes_of(mapped.name.user, mapped.name.user_size));
    TRY(write_end(&writer));
    out->name = utf16_of(secret_bytes(&out->owned));
    return SEC_E_OK;
}
