#include "base/policy.h"

#include <errno.h>
#include <ini.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/trace.h"

#define DEFAULT_PATH "/etc/sspi/sspi.conf"

enum kind { SWITCH, NUMBER, WORD, WORDS, NETBIOS, DNS, TEXT, PLAIN, LIST, PATHS };

struct key {
    const char *section;
    const char *name;
    enum kind kind;
    size_t offset;
    uint32_t limit;           /* NUMBER: the greatest value; strings: the size of the member */
    const char *const *words; /* WORD: in the order of the enumeration; WORDS: of the bits */
};

static const char *const account_words[] = {"lmdb", "file", "winbind", NULL};
static const char *const algorithm_words[] = {"md5",         "md5-sess",         "sha-256", "sha-256-sess",
                                              "sha-512-256", "sha-512-256-sess", NULL};
static const char *const cipher_words[] = {"rc4", "3des", "des", "rc4-56", "rc4-40", NULL};
static const char *const target_words[] = {"any", "if-sent", "required", NULL};

#define MEMBER(member) offsetof(struct policy, member)
#define STRING(member) offsetof(struct policy, member), sizeof(((struct policy *)0)->member)

static const struct key keys[] = {
    {"ntlm", "enabled", SWITCH, MEMBER(ntlm_enabled), 0, NULL},
    {"ntlm", "send-level", NUMBER, MEMBER(ntlm_send_level), 5, NULL},
    {"ntlm", "accept-level", NUMBER, MEMBER(ntlm_accept_level), 5, NULL},
    {"ntlm", "require-128-bit", SWITCH, MEMBER(ntlm_require_128), 0, NULL},
    {"ntlm", "require-mic", SWITCH, MEMBER(ntlm_require_mic), 0, NULL},
    {"ntlm", "max-clock-skew", NUMBER, MEMBER(ntlm_max_skew), 366 * 86400, NULL},
    {"ntlm", "target-name", WORD, MEMBER(ntlm_target), 0, target_words},
    {"ntlm", "target-names", LIST, STRING(ntlm_target_names), NULL},
    {"kerberos", "enabled", SWITCH, MEMBER(kerberos_enabled), 0, NULL},
    {"kerberos", "allow-rc4", SWITCH, MEMBER(kerberos_rc4), 0, NULL},
    {"kerberos", "delegate-to-any", SWITCH, MEMBER(kerberos_delegate_any), 0, NULL},
    {"kerberos", "kdc-timeout", NUMBER, MEMBER(kerberos_kdc_timeout), 600, NULL},
    {"kerberos", "kdc-proxy", PLAIN, STRING(kerberos_proxy), NULL},
    {"kerberos", "kdc-proxy-only", SWITCH, MEMBER(kerberos_proxy_only), 0, NULL},
    {"kerberos", "armor", PLAIN, STRING(kerberos_armor), NULL},
    {"kerberos", "armor-required", SWITCH, MEMBER(kerberos_armor_required), 0, NULL},
    {"kerberos", "realms", LIST, STRING(kerberos_realms), NULL},
    {"kerberos", "constrained-delegation", SWITCH, MEMBER(kerberos_constrained), 0, NULL},
    {"kerberos", "protocol-transition", SWITCH, MEMBER(kerberos_transition), 0, NULL},
    {"kerberos", "require-pac", SWITCH, MEMBER(kerberos_require_pac), 0, NULL},
    {"kerberos", "keytab", TEXT, STRING(kerberos_keytab), NULL},
    {"digest", "enabled", SWITCH, MEMBER(digest_enabled), 0, NULL},
    {"digest", "algorithms", WORDS, MEMBER(digest_algorithms), 0, algorithm_words},
    {"digest", "ciphers", WORDS, MEMBER(digest_ciphers), 0, cipher_words},
    {"digest", "nonce-lifetime", NUMBER, MEMBER(digest_nonce_seconds), 86400, NULL},
    {"digest", "fast-reauthentication", SWITCH, MEMBER(digest_reauthentication), 0, NULL},
    {"digest", "userhash", SWITCH, MEMBER(digest_userhash), 0, NULL},
    {"digest", "domain", PLAIN, STRING(digest_domain), NULL},
    {"digest", "realm", PLAIN, STRING(digest_realm), NULL},
    {"names", "netbios-computer", NETBIOS, STRING(netbios_computer), NULL},
    {"names", "netbios-domain", NETBIOS, STRING(netbios_domain), NULL},
    {"names", "dns-computer", DNS, STRING(dns_computer), NULL},
    {"names", "dns-domain", DNS, STRING(dns_domain), NULL},
    {"names", "domain-member", SWITCH, MEMBER(domain_member), 0, NULL},
    {"names", "lookup-timeout", NUMBER, MEMBER(lookup_seconds), 600, NULL},
    {"accounts", "backend", WORD, MEMBER(accounts), 0, account_words},
    {"accounts", "path", TEXT, STRING(accounts_path), NULL},
    {"accounts", "lockout-threshold", NUMBER, MEMBER(lockout_threshold), 999, NULL},
    {"accounts", "lockout-duration", NUMBER, MEMBER(lockout_seconds), 366 * 86400, NULL},
    {"certificates", "roots", TEXT, STRING(certificate_roots), NULL},
    {"certificates", "crls", TEXT, STRING(certificate_crls), NULL},
    {"schannel", "report-tickets", SWITCH, MEMBER(schannel_report_tickets), 0, NULL},
    {"schannel", "ticket-keys", TEXT, STRING(schannel_ticket_keys), NULL},
    {"schannel", "ocsp-responses", TEXT, STRING(schannel_ocsp), NULL},
    {"schannel", "client-map", TEXT, STRING(schannel_client_map), NULL},
    {"packages", "allow", PATHS, STRING(packages_allow), NULL},
    {"credssp", "enabled", SWITCH, MEMBER(credssp_enabled), 0, NULL},
    {"credssp", "minimum-version", NUMBER, MEMBER(credssp_minimum), 6, NULL},
    {"credssp", "allow-fresh", LIST, STRING(credssp_fresh), NULL},
    {"credssp", "allow-fresh-ntlm-only", LIST, STRING(credssp_fresh_ntlm), NULL},
    {"credssp", "allow-saved", LIST, STRING(credssp_saved), NULL},
    {"credssp", "allow-saved-ntlm-only", LIST, STRING(credssp_saved_ntlm), NULL},
    {"impersonation", "switch-uid", SWITCH, MEMBER(switch_uid), 0, NULL},
};

#define KEYS (sizeof keys / sizeof keys[0])

_Static_assert(KEYS <= 64, "struct reading remembers the keys it has seen in 64 bits");
_Static_assert(sizeof(enum policy_accounts) == sizeof(int) && sizeof(enum policy_target) == sizeof(int),
               "store_value writes enumerations as int");

/* What the callbacks of inih share. */
struct reading {
    struct policy policy;
    FILE *file;
    uint64_t seen;
    int line;
    int bad_line; /* found by next_line, which sees what inih would silently cut or skip */
};

void policy_defaults(struct policy *out)
{
    *out = (struct policy){
        .ntlm_enabled = true,
        .ntlm_send_level = 3,
        .ntlm_accept_level = 5,
        .ntlm_require_128 = true,
        .ntlm_target = POLICY_TARGET_ANY,
        .kerberos_enabled = true,
        .kerberos_kdc_timeout = 10,
        .digest_enabled = true,
        .digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256,
        .digest_ciphers = POLICY_DIGEST_RC4 | POLICY_DIGEST_3DES,
        .digest_nonce_seconds = 300,
        .accounts = POLICY_ACCOUNTS_LMDB,
        .lockout_threshold = 10,
        .lockout_seconds = 900,
        .lookup_seconds = 5,
        .credssp_enabled = true,
        .credssp_minimum = 5,
        .credssp_fresh = "TERMSRV/*",
        .credssp_fresh_ntlm = "TERMSRV/*",
    };
}

static bool read_switch(const char *value, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
            *out = strcasecmp(value, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/* Decimal digits only: strtoul alone would take signs, blanks and "0x". */
static bool read_number(const char *value, uint32_t limit, uint32_t *out)
{
    size_t size = strlen(value);
    if (size == 0 || size > 9 || strspn(value, "0123456789") != size) {
        return false;
    }
    *out = (uint32_t)strtoul(value, NULL, 10);
    return *out <= limit;
}

static bool read_word(const char *value, const char *const *words, int *out)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Words with commas between, each of them known: a list that names something else means something else. */
static bool read_words(const char *value, const char *const *words, uint32_t *out)
{
    char copy[POLICY_NAME_MAX], *rest = NULL;
    uint32_t found = 0;
    int word = 0;
    if (snprintf(copy, sizeof copy, "%s", value) >= (int)sizeof copy) {
        return false;
    }
    for (char *one = strtok_r(copy, ", \t", &rest); one != NULL; one = strtok_r(NULL, ", \t", &rest)) {
        if (!read_word(one, words, &word)) {
            return false;
        }
        found |= UINT32_C(1) << word;
    }
    *out = found;
    return found != 0;
}

static size_t characters(const char *utf8)
{
    size_t count = 0;
    for (; *utf8 != '\0'; utf8++) {
        count += ((unsigned char)*utf8 & 0xC0) != 0x80;
    }
    return count;
}

/* Computer and domain names: what would make a peer misread them is refused here rather than sent. */
static bool name_is_good(const char *value, enum kind kind)
{
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return false;
        }
    }
    if (kind == NETBIOS) { /* 15 characters (MS-NBTE 2.2.1) and not the ones that delimit account names */
        return characters(value) <= 15 && strpbrk(value, "\\/:*?\"<>|@ \t") == NULL;
    }
    if (kind == DNS) {
        return strlen(value) < 255 && strpbrk(value, "\\/:*?\"<>|@, \t") == NULL;
    }
    return true;
}

static bool read_string(const struct key *key, const char *value, bool append, char *out)
{
    size_t used = append ? strlen(out) : 0;
    const char *between = append && used != 0 ? ", " : "";
    if (!name_is_good(value, key->kind) || used + strlen(between) + strlen(value) >= key->limit) {
        return false;
    }
    (void)snprintf(out + used, key->limit - used, "%s%s", between, value);
    return true;
}

/* Paths with commas or blanks between: the reasons of TEXT hold for each. */
static bool paths_are_absolute(const char *value)
{
    for (const char *at = value + strspn(value, ", \t"); *at != '\0'; at += strspn(at, ", \t")) {
        if (*at != '/') {
            return false;
        }
        at += strcspn(at, ", \t");
    }
    return true;
}

static bool store_value(struct policy *policy, const struct key *key, const char *value, bool again)
{
    void *member = (char *)policy + key->offset;
    switch (key->kind) {
    case SWITCH:
        return read_switch(value, member);
    case NUMBER:
        return read_number(value, key->limit, member);
    case WORD:
        return read_word(value, key->words, member);
    case WORDS:
        return read_words(value, key->words, member);
    case NETBIOS:
    case DNS:
    case PLAIN:
        return read_string(key, value, false, member);
    case TEXT: /* a relative path would mean another file in every working directory */
        return (value[0] == '/' || value[0] == '\0') && read_string(key, value, false, member);
    case LIST:
        return read_string(key, value, again, member);
    case PATHS:
        return paths_are_absolute(value) && read_string(key, value, again, member);
    }
    return false;
}

/* One setting.  A key given twice is an error, as one of the two is not what the owner meant; and that also refuses
 * continuation lines, which inih reports as the same key again.  Only a list may be given in several lines. */
static int take_setting(void *argument, const char *section, const char *name, const char *value)
{
    struct reading *reading = argument;
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0) {
            bool again = (reading->seen & UINT64_C(1) << i) != 0;
            reading->seen |= UINT64_C(1) << i;
            if (again && keys[i].kind != LIST && keys[i].kind != PATHS) {
                return 0;
            }
            return store_value(&reading->policy, &keys[i], value, again);
        }
    }
    return 0;
}

/* inih tells nobody about a section without settings, so section lines are checked here: "[name]" and nothing else. */
static bool section_is_known(const char *line)
{
    const char *name = line + strspn(line, " \t") + 1;
    size_t size = strcspn(name, "]");
    const char *rest = name + size;
    if (*rest != ']' || rest[1 + strspn(rest + 1, " \t\r\n")] != '\0') {
        return false;
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (strlen(keys[i].section) == size && strncmp(keys[i].section, name, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Hands inih its next line.  A line that is longer than inih's buffer, or that has a NUL in it, would reach the parser
 * in part only: both make the file bad. */
static char *next_line(char *line, int size, void *argument)
{
    struct reading *reading = argument;
    memset(line, '\n', (size_t)size); /* so that a NUL which fgets read can be told from the one it wrote */
    if (fgets(line, size, reading->file) == NULL) {
        return NULL;
    }
    reading->line++;
    size_t length = strlen(line);
    bool whole = length != 0 && (line[length - 1] == '\n' || (feof(reading->file) && length < (size_t)size - 1));
    bool nul_inside = length + 1 < (size_t)size && memrchr(line, '\0', (size_t)size) != line + length;
    bool section = line[strspn(line, " \t")] == '[';
    if (reading->bad_line == 0 && (!whole || nul_inside || (section && !section_is_known(line)))) {
        reading->bad_line = reading->line;
    }
    return line;
}

int policy_read_file(const char *path, struct policy *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    struct reading reading = {.policy = *out, .file = file};
    int bad_line = ini_parse_stream(next_line, &reading, take_setting, &reading);
    bool unreadable = ferror(file) != 0; /* a directory opens, and fails only when read */
    (void)fclose(file);
    if (unreadable || bad_line < 0) {
        return -1;
    }
    if (bad_line == 0 || (reading.bad_line != 0 && reading.bad_line < bad_line)) {
        bad_line = reading.bad_line;
    }
    if (bad_line == 0) {
        *out = reading.policy;
    }
    return bad_line;
}

static struct policy process_policy;
static const struct policy *override;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_once(void)
{
    policy_defaults(&process_policy);
    const char *path = secure_getenv("SSPI_CONFIG"); /* a set-uid program keeps to the machine's policy */
    if (path == NULL || path[0] == '\0') {
        path = DEFAULT_PATH;
    }
    errno = 0;
    int bad_line = policy_read_file(path, &process_policy);
    if (bad_line == 0) {
        TRACE("policy: read %s", path);
    } else if (bad_line < 0 && errno == ENOENT && strcmp(path, DEFAULT_PATH) == 0) {
        TRACE("policy: no %s, the defaults apply", path);
    } else {
        process_policy.broken = true;
        TRACE("policy: %s is void, line %d, error %d: no credential is acquired until it is mended", path, bad_line,
              errno);
    }
}

const struct policy *policy_get(void)
{
    if (override != NULL) {
        return override;
    }
    (void)pthread_once(&once, read_once);
    return &process_policy;
}

void policy_override(const struct policy *policy)
{
    override = policy;
}
