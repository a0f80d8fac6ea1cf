/* The names of users, of the computer and of accounts, from sources that answer as the test says: libwbclient is a library of
 * the test's own (fake_wbclient.c, found through LD_LIBRARY_PATH), NSS and /etc/passwd are the functions below, the
 * linker having put them in the place of libc's. */
#include "text.h"

#include <dlfcn.h>
#include <errno.h>
#include <krb5.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wbclient.h>

#include "base/policy.h"
#include "core/token.h"
#include "logon/default_credentials.h"
#include "logon/directory.h"
#include "logon/fake_wbclient.h"
#include "ntsecapi.h"
#include "secext.h"
#include "sspi_ext.h"

/* ---------------------------------------------------------------- sources */

static struct fake_winbind *fake;

static const struct fake_account in_dom[] = {
    {"DOM", "dom.example.com", "", NULL, NULL, WBC_SID_NAME_DOMAIN, 0, 0},
    {"DOM", "dom.example.com", "alice", "Alice Liddell", NULL, WBC_SID_NAME_USER, 1104, 5001},
    {"DOM", "dom.example.com", "bob", "Twin", "robert@example.com", WBC_SID_NAME_USER, 1105, 5002},
    {"DOM", "dom.example.com", "bobby", "Twin", NULL, WBC_SID_NAME_USER, 1106, 5003},
    {"DOM", "dom.example.com", "plain", NULL, NULL, WBC_SID_NAME_USER, 1107, 5004},
    {"DOM", "dom.example.com", "SERVER$", NULL, NULL, WBC_SID_NAME_USER, 1000, 0},
    {"DOM", "dom.example.com", "Domain Users", NULL, NULL, WBC_SID_NAME_DOM_GRP, 513, 0},
};

/* What NSS knows beside /etc/passwd. */
struct switch_user {
    const char *name, *asked_by, *gecos;
    uid_t uid;
};

static const struct switch_user *switch_users;
static size_t switch_count;
static unsigned switch_asked;

static const char *passwd_text;
static char passwd_path[64];

/* The linker's names; fopen is fopen64 to a program with large files. */
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *room, size_t size, struct passwd **out);
int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **out);
uid_t __wrap_geteuid(void);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return __real_fopen64(passwd_text != NULL && strcmp(path, "/etc/passwd") == 0 ? passwd_path : path, mode);
}

static int answer_switch(const struct switch_user *found, struct passwd *entry, char *room, size_t size,
                         struct passwd **out)
{
    *out = NULL;
    if (found == NULL) {
        return 0;
    }
    if (size < 16384) { /* as for an account with very long fields */
        return ERANGE;
    }
    snprintf(room, size / 2, "%s", found->name);
    snprintf(room + size / 2, size / 2, "%s", found->gecos);
    *entry = (struct passwd){.pw_name = room, .pw_gecos = room + size / 2, .pw_uid = found->uid};
    *out = entry;
    return 0;
}

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *room, size_t size, struct passwd **out)
{
    const struct switch_user *found = NULL;
    switch_asked++;
    for (size_t i = 0; i < switch_count; i++) {
        found = strcmp(switch_users[i].asked_by, name) == 0 ? &switch_users[i] : found;
    }
    return answer_switch(found, entry, room, size, out);
}

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **out)
{
    const struct switch_user *found = NULL;
    switch_asked++;
    for (size_t i = 0; i < switch_count; i++) {
        found = switch_users[i].uid == uid ? &switch_users[i] : found;
    }
    return answer_switch(found, entry, room, size, out);
}

static uid_t user_id;

uid_t __wrap_geteuid(void)
{
    return user_id;
}

static struct token *client(struct utf16 user, struct utf16 domain)
{
    struct token *token = NULL;
    assert_int_equal(token_new(user, domain, false, NULL, &token), SEC_E_OK);
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    return token_current();
}

static void set_passwd(const char *text)
{
    strcpy(passwd_path, "/tmp/sspi-names-XXXXXX");
    int file = mkstemp(passwd_path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    passwd_text = text;
}

static struct policy policy;

static int set_up(void **state)
{
    *fake = (struct fake_winbind){.directory = in_dom,
                                  .directory_size = sizeof in_dom / sizeof in_dom[0],
                                  .computer = "SERVER",
                                  .own_domain = "DOM",
                                  .domain_flags = WBC_DOMINFO_DOMAIN_PRIMARY | WBC_DOMINFO_DOMAIN_AD,
                                  .contexts = fake->contexts};
    policy_defaults(&policy);
    strcpy(policy.netbios_computer, "HOST");
    policy.lookup_seconds = 30;
    policy_override(&policy);
    set_passwd("+@admins::::::\n"
               "root:x:0:0:Super User,Room 1,,:/root:/bin/sh\n"
               "carol:x:1000:1000:Carol Local,,,:/home/carol:/bin/sh\n"
               "dave:x:1001:1001::/home/dave:/bin/sh\n");
    user_id = 1000;
    switch_users = NULL;
    switch_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(token_revert(), SEC_E_OK);
    unlink(passwd_path);
    passwd_text = NULL;
    assert_int_equal(fake->contexts, 0);
    assert_int_equal(fake->blocks, 0);
    return 0;
}

static void without_winbind(void)
{
    fake->directory = NULL;
    fake->directory_size = 0;
}

/* ---------------------------------------------------------------- what is asked */

static void assert_user(EXTENDED_NAME_FORMAT format, const char *expected, DWORD error)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    SetLastError(0);
    BOOLEAN known = GetUserNameExA(format, name, &size);
    assert_int_equal(GetLastError(), error);
    assert_string_equal(name, expected != NULL ? expected : "#");
    assert_int_equal(known, expected != NULL);
    if (known) {
        assert_int_equal(size, strlen(expected));
        assert_null(SspiExtLastReason(NULL));
    }
}

static void assert_computer(EXTENDED_NAME_FORMAT format, const char *expected, DWORD error)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    SetLastError(0);
    assert_int_equal(GetComputerObjectNameA(format, name, &size), expected != NULL);
    assert_int_equal(GetLastError(), error);
    assert_string_equal(name, expected != NULL ? expected : "#");
}

static void assert_translated(const char *from, EXTENDED_NAME_FORMAT form, EXTENDED_NAME_FORMAT to,
                              const char *expected)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    assert_true(TranslateNameA(from, form, to, name, &size));
    assert_string_equal(name, expected);
    assert_int_equal(size, strlen(expected) + 1);
}

static void assert_not_translated(const char *from, EXTENDED_NAME_FORMAT form, EXTENDED_NAME_FORMAT to, DWORD error)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    SetLastError(0);
    assert_false(TranslateNameA(from, form, to, name, &size));
    assert_int_equal(GetLastError(), error);
    assert_string_equal(name, "#");
}

/* ---------------------------------------------------------------- the user */

static void a_local_login(void **state)
{
    assert_user(NameSamCompatible, "HOST\\carol", 0);
    assert_user(NameDisplay, "Carol Local", 0);
    assert_user(NameUserPrincipal, NULL, ERROR_NONE_MAPPED);
    assert_user(NameDnsDomain, NULL, ERROR_NONE_MAPPED);
    assert_user(NameUniqueId, NULL, ERROR_NONE_MAPPED);
    assert_int_equal(fake->names_asked, 0); /* no directory is asked about an account of this machine */
    assert_int_equal(switch_asked, 0);
    user_id = 0;
    assert_user(NameSamCompatible, "HOST\\root", 0);
    assert_user(NameDisplay, "Super User", 0);
    user_id = 1001;
    assert_user(NameSamCompatible, "HOST\\dave", 0);
    assert_user(NameDisplay, NULL, ERROR_NONE_MAPPED);
}

/* winbind's names in NSS: DOM\user, or the user alone where it is told to leave the domain out. */
static void a_login_of_winbind(void **state)
{
    static const struct switch_user users[] = {
        {.name = "DOM\\alice", .uid = 5001, .asked_by = "", .gecos = "Alice Liddell"},
        {.name = "plain", .uid = 5004, .asked_by = "", .gecos = ""},
    };
    switch_users = users;
    switch_count = 2;
    user_id = 5001;
    assert_user(NameSamCompatible, "DOM\\alice", 0);
    assert_user(NameUserPrincipal, "alice@dom.example.com", 0);
    assert_user(NameDnsDomain, "dom.example.com\\alice", 0);
    assert_user(NameDisplay, "Alice Liddell", 0);
    assert_user(NameCanonical, NULL, ERROR_NONE_MAPPED);
    user_id = 5004;
    assert_user(NameSamCompatible, "DOM\\plain", 0);
    assert_user(NameUserPrincipal, "plain@dom.example.com", 0);
    assert_user(NameDisplay, NULL, ERROR_NONE_MAPPED);
}

/* sssd's, user@domain; policy knows the domain's other name. */
static void a_login_of_sssd(void **state)
{
    static const struct switch_user users[] = {
        {.name = "erin@corp.example.com", .uid = 6001, .asked_by = "", .gecos = "Erin Corp"}};
    switch_users = users;
    switch_count = 1;
    user_id = 6001;
    without_winbind();
    assert_user(NameSamCompatible, "corp.example.com\\erin", 0);
    assert_user(NameUserPrincipal, "erin@corp.example.com", 0);
    assert_user(NameDnsDomain, "corp.example.com\\erin", 0);
    assert_user(NameDisplay, "Erin Corp", 0);
    strcpy(policy.kerberos_realms, "OTHER:OTHER.EXAMPLE, CORP:CORP.EXAMPLE.COM");
    policy_override(&policy);
    assert_user(NameSamCompatible, "CORP\\erin", 0);
    assert_user(NameDnsDomain, "corp.example.com\\erin", 0);
}

/* Another source's, without a domain: as good as the machine's own. */
static void a_login_of_nss(void **state)
{
    static const struct switch_user users[] = {
        {.name = "lena", .uid = 6100, .asked_by = "lena", .gecos = "Lena Elsewhere"},
        {.name = "plain", .uid = 5004, .asked_by = "plain", .gecos = ""}, /* winbind's: see above */
    };
    switch_users = users;
    switch_count = 2;
    user_id = 6100;
    for (int i = 0; i < 2; i++) {
        assert_user(NameSamCompatible, "HOST\\lena", 0);
        assert_user(NameDisplay, "Lena Elsewhere", 0);
        assert_translated("HOST\\lena", NameSamCompatible, NameDisplay, "Lena Elsewhere");
        assert_not_translated("HOST\\lena", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
        if (i == 0) {
            assert_not_translated("HOST\\plain", NameSamCompatible, NameSamCompatible, ERROR_NONE_MAPPED);
        }
        without_winbind();
    }
    assert_not_translated("HOST\\nobody", NameSamCompatible, NameSamCompatible, ERROR_NONE_MAPPED);
}

static void a_login_of_nobody(void **state)
{
    user_id = 7777;
    assert_user(NameSamCompatible, NULL, ERROR_NONE_MAPPED);
}

/* A client whose logon told nothing but his name: the directory tells the rest. */
static void an_impersonated_client(void **state)
{
    client(T("ALICE"), T("DOM"));
    assert_user(NameSamCompatible, "DOM\\ALICE", 0);
    assert_user(NameUserPrincipal, "alice@dom.example.com", 0);
    assert_user(NameDisplay, "Alice Liddell", 0);
    client(T("nobody"), T("DOM"));
    assert_user(NameDisplay, NULL, ERROR_NONE_MAPPED);
    client(T("alice"), T("ELSEWHERE"));
    assert_user(NameDisplay, NULL, ERROR_NO_SUCH_DOMAIN);
    assert_user(NameGivenName, NULL, ERROR_NONE_MAPPED);
    client(T("carol"), T("HOST")); /* of this machine */
    assert_user(NameDisplay, "Carol Local", 0);
}

static void somebody_logged_on(void **state)
{
    struct identity identity = {.user = T("alice@dom.example.com"), .has_user = true};
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 || logon_session_store(&identity, 60) != SEC_E_OK) {
        print_message("# skipped: no session keyring here\n");
        skip();
    }
    assert_user(NameSamCompatible, "dom.example.com\\alice", 0);
    assert_user(NameUserPrincipal, "alice@dom.example.com", 0);
    assert_user(NameDisplay, "Alice Liddell", 0);
    assert_int_equal(logon_session_clear(), SEC_E_OK);
    assert_user(NameSamCompatible, "HOST\\carol", 0);
}

/* ---------------------------------------------------------------- the computer */

static void the_computer_by_winbind(void **state)
{
    assert_computer(NameSamCompatible, "DOM\\SERVER$", 0);
    assert_computer(NameDnsDomain, "dom.example.com\\SERVER$", 0);
    assert_computer(NameUserPrincipal, "SERVER$@dom.example.com", 0);
    assert_computer(NameDisplay, NULL, ERROR_NONE_MAPPED);
    assert_computer(NameFullyQualifiedDN, NULL, ERROR_NONE_MAPPED);
    assert_computer(NameUnknown, NULL, ERROR_INVALID_PARAMETER);
}

/* winbindd of a machine that has joined nothing answers, too. */
static void the_computer_in_no_domain(void **state)
{
    fake->own_domain = "SERVER";
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    fake->own_domain = "WORKGROUP";
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    fake->own_domain = "DOM";
    fake->domain_flags = 0;
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    without_winbind();
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
}

static void the_computer_by_policy(void **state)
{
    without_winbind();
    policy.domain_member = true;
    strcpy(policy.netbios_domain, "POLICY");
    strcpy(policy.dns_domain, "policy.example");
    policy_override(&policy);
    char name[64];
    ULONG size = sizeof name;
    assert_true(GetComputerObjectNameA(NameSamCompatible, name, &size));
    assert_non_null(strstr(name, "\\HOST$")); /* the machine's own names are derived once, before this policy */
}

/* ---------------------------------------------------------------- Kerberos' part */

static char kerberos_files[64];

static void put_in_keytab(const char *name)
{
    krb5_context krb;
    krb5_keytab keytab;
    krb5_keytab_entry entry = {.vno = 1};
    char path[128];
    snprintf(path, sizeof path, "FILE:%s/keytab", kerberos_files);
    assert_int_equal(krb5_init_context(&krb), 0);
    assert_int_equal(krb5_kt_resolve(krb, path, &keytab), 0);
    assert_int_equal(krb5_parse_name(krb, name, &entry.principal), 0);
    assert_int_equal(krb5_c_make_random_key(krb, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &entry.key), 0);
    assert_int_equal(krb5_kt_add_entry(krb, keytab, &entry), 0);
    krb5_free_keytab_entry_contents(krb, &entry);
    krb5_kt_close(krb, keytab);
    krb5_free_context(krb);
}

static void put_in_cache(const char *name)
{
    krb5_context krb;
    krb5_ccache cache;
    krb5_principal principal;
    char path[128];
    snprintf(path, sizeof path, "FILE:%s/cache", kerberos_files);
    assert_int_equal(krb5_init_context(&krb), 0);
    assert_int_equal(krb5_cc_resolve(krb, path, &cache), 0);
    assert_int_equal(krb5_parse_name(krb, name, &principal), 0);
    assert_int_equal(krb5_cc_initialize(krb, cache, principal), 0);
    krb5_free_principal(krb, principal);
    krb5_cc_close(krb, cache);
    krb5_free_context(krb);
}

static void remove_kerberos_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", kerberos_files, name);
    assert_int_equal(unlink(path), 0);
}

/* Whose tickets a local user has is who he is elsewhere. */
static void a_login_with_tickets(void **state)
{
    put_in_cache("grace@REALM.EXAMPLE");
    assert_user(NameUserPrincipal, "grace@REALM.EXAMPLE", 0);
    assert_user(NameDnsDomain, "realm.example\\grace", 0);
    assert_user(NameSamCompatible, "HOST\\carol", 0);
    LUID *sessions = NULL;
    ULONG count = 0;
    PSECURITY_LOGON_SESSION_DATA data = NULL;
    assert_int_equal(LsaEnumerateLogonSessions(&count, &sessions), 0);
    assert_int_equal(LsaGetLogonSessionData(&sessions[0], &data), 0);
    assert_text(((struct utf16){(const uint8_t *)data->Upn.Buffer, data->Upn.Length}), "grace@REALM.EXAMPLE");
    assert_int_equal(LsaFreeReturnBuffer(data), 0);
    assert_int_equal(LsaFreeReturnBuffer(sessions), 0);
    put_in_cache("grace@LAB"); /* not in the style of domains */
    assert_user(NameUserPrincipal, "grace@LAB", 0);
    assert_user(NameDnsDomain, NULL, ERROR_NONE_MAPPED);
    put_in_cache("HTTP/server@REALM.EXAMPLE"); /* a service is nobody */
    assert_user(NameUserPrincipal, NULL, ERROR_NONE_MAPPED);
    put_in_cache("grace@REALM.EXAMPLE");
    client(T("alice"), T("ELSEWHERE")); /* whose tickets they are not */
    assert_user(NameUserPrincipal, NULL, ERROR_NO_SUCH_DOMAIN);
    remove_kerberos_file("cache");
}

static void the_computer_by_keytab(void **state)
{
    without_winbind();
    put_in_keytab("HTTP/server17.dom.example.com@DOM.EXAMPLE.COM");
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    put_in_keytab("host/computer-with-long-name.dom.example.com@DOM.EXAMPLE.COM");
    assert_computer(NameUserPrincipal, "COMPUTER-WITH-L$@dom.example.com", 0);
    put_in_keytab("SERVER17$@DOM.EXAMPLE.COM");
    assert_computer(NameSamCompatible, "DOM.EXAMPLE.COM\\SERVER17$", 0);
    assert_computer(NameUserPrincipal, "SERVER17$@dom.example.com", 0);
    assert_computer(NameDnsDomain, "dom.example.com\\SERVER17$", 0);
    assert_computer(NameDisplay, NULL, ERROR_NONE_MAPPED);
    strcpy(policy.kerberos_realms, "DOM:DOM.EXAMPLE.COM");
    policy_override(&policy);
    assert_computer(NameSamCompatible, "DOM\\SERVER17$", 0);
    policy.kerberos_enabled = false;
    policy_override(&policy);
    assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    remove_kerberos_file("keytab");
}

/* ---------------------------------------------------------------- translation */

static void names_of_an_account(void **state)
{
    static const struct {
        EXTENDED_NAME_FORMAT form;
        const char *name;
    } forms[] = {
        {NameSamCompatible, "DOM\\alice"},
        {NameUserPrincipal, "alice@dom.example.com"},
        {NameDnsDomain, "dom.example.com\\alice"},
        {NameDisplay, "Alice Liddell"},
    };
    fake->lists_users = true;
    for (size_t from = 0; from < 4; from++) {
        for (size_t to = 0; to < 4; to++) {
            assert_translated(forms[from].name, forms[from].form, forms[to].form, forms[to].name);
            assert_translated(forms[from].name, NameUnknown, forms[to].form, forms[to].name);
        }
    }
    assert_translated("dom\\ALICE", NameSamCompatible, NameSamCompatible, "DOM\\alice");
    assert_translated("DOM.EXAMPLE.COM\\alice", NameSamCompatible, NameSamCompatible, "DOM\\alice");
}

static void names_of_a_domain(void **state)
{
    static const struct {
        EXTENDED_NAME_FORMAT form;
        const char *name;
    } forms[] = {
        {NameSamCompatible, "DOM\\"},
        {NameDnsDomain, "dom.example.com\\"},
        {NameCanonical, "dom.example.com/"},
        {NameCanonicalEx, "dom.example.com\n"},
        {NameFullyQualifiedDN, "DC=dom,DC=example,DC=com"},
    };
    for (size_t from = 0; from < 5; from++) {
        for (size_t to = 0; to < 5; to++) {
            assert_translated(forms[from].name, forms[from].form, forms[to].form, forms[to].name);
        }
    }
    assert_not_translated("DOM\\", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_not_translated("OTHER\\", NameSamCompatible, NameCanonical, ERROR_NO_SUCH_DOMAIN);
    assert_not_translated("dom.example.com/Users/alice", NameCanonical, NameSamCompatible, ERROR_NONE_MAPPED);
    assert_not_translated("CN=alice,DC=dom,DC=example,DC=com", NameFullyQualifiedDN, NameSamCompatible,
                          ERROR_NONE_MAPPED);
}

static void other_kinds(void **state)
{
    assert_translated("DOM\\Domain Users", NameSamCompatible, NameDnsDomain, "dom.example.com\\Domain Users");
    assert_not_translated("DOM\\Domain Users", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_translated("robert@example.com", NameUserPrincipal, NameSamCompatible, "DOM\\bob"); /* another suffix */
    assert_translated("HOST\\carol", NameSamCompatible, NameDisplay, "Carol Local");
    assert_translated(".\\carol", NameSamCompatible, NameSamCompatible, "HOST\\carol");
    assert_translated("Carol Local", NameDisplay, NameSamCompatible, "HOST\\carol");
    assert_not_translated("HOST\\carol", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_not_translated("HOST\\nobody", NameSamCompatible, NameDisplay, ERROR_NONE_MAPPED);
}

static void who_is_not_there(void **state)
{
    assert_not_translated("DOM\\nobody", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_not_translated("nobody@dom.example.com", NameUserPrincipal, NameSamCompatible, ERROR_NONE_MAPPED);
    assert_not_translated("OTHER\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    assert_not_translated("alice@other.example", NameUserPrincipal, NameSamCompatible, ERROR_NO_SUCH_DOMAIN);
    assert_not_translated("alice", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_not_translated("alice@", NameUserPrincipal, NameSamCompatible, ERROR_NONE_MAPPED);
    assert_not_translated("\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NONE_MAPPED);
    assert_not_translated("DOM\\alice", NameSamCompatible, NameUniqueId, ERROR_NONE_MAPPED);
    assert_not_translated("{00000000-0000-0000-0000-000000000000}", NameUniqueId, NameSamCompatible, ERROR_NONE_MAPPED);
    assert_not_translated("DOM\\alice", NameSamCompatible, NameServicePrincipal, ERROR_NONE_MAPPED);
    fake->lists_users = true;
    assert_not_translated("Twin", NameDisplay, NameSamCompatible, ERROR_NONE_MAPPED); /* there are two */
    fake->lists_users = false;
    assert_not_translated("Alice Liddell", NameDisplay, NameSamCompatible, ERROR_NONE_MAPPED); /* kept to itself */
}

/* sssd answers to both names of the domain, and says which is its own. */
static void accounts_of_sssd(void **state)
{
    static const struct switch_user users[] = {
        {.name = "erin@corp.example.com", .uid = 6001, .asked_by = "CORP\\erin", .gecos = "Erin Corp"},
        {.name = "erin@corp.example.com", .uid = 6001, .asked_by = "erin@corp.example.com", .gecos = "Erin Corp"},
        {.name = "frank", .uid = 6002, .asked_by = "frank@corp.example.com", .gecos = ""},
    };
    switch_users = users;
    switch_count = 3;
    without_winbind();
    assert_translated("CORP\\erin", NameSamCompatible, NameUserPrincipal, "erin@corp.example.com");
    assert_translated("erin@corp.example.com", NameUserPrincipal, NameDisplay, "Erin Corp");
    assert_translated("frank@corp.example.com", NameUserPrincipal, NameDnsDomain, "corp.example.com\\frank");
    strcpy(policy.kerberos_realms, "CORP:CORP.EXAMPLE.COM");
    policy_override(&policy);
    assert_translated("erin@corp.example.com", NameUserPrincipal, NameSamCompatible, "CORP\\erin");
    assert_translated("CORP\\frank", NameSamCompatible, NameUserPrincipal, "frank@corp.example.com");
    assert_translated("CORP\\", NameSamCompatible, NameCanonical, "corp.example.com/");
    assert_not_translated("CORP\\nobody", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
}

/* Whoever has logged on here with a domain's word for his names is known by them, without a directory (MIT Kerberos). */
static void clients_that_were_met(void **state)
{
    struct token *token = client(T("grace"), T("REALM.EXAMPLE"));
    const struct token_facts facts = {.upn = T("grace@REALM.EXAMPLE"), .dns_domain = T("REALM.EXAMPLE")};
    without_winbind();
    assert_not_translated("REALM.EXAMPLE\\grace", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    assert_int_equal(token_describe(token, &facts), SEC_E_OK);
    assert_user(NameUserPrincipal, "grace@REALM.EXAMPLE", 0);
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_translated("REALM.EXAMPLE\\grace", NameSamCompatible, NameUserPrincipal, "grace@REALM.EXAMPLE");
    assert_translated("grace@realm.example", NameUserPrincipal, NameSamCompatible, "REALM.EXAMPLE\\grace");
    assert_not_translated("REALM.EXAMPLE\\harry", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    for (unsigned i = 0; i < 16; i++) { /* the newest sixteen */
        char name[8] = {(char)('a' + i), 0};
        token = client((struct utf16){(const uint8_t *)name, 2}, T("OTHER.EXAMPLE"));
        assert_int_equal(token_describe(token, &facts), SEC_E_OK);
        assert_int_equal(token_revert(), SEC_E_OK);
    }
    assert_not_translated("REALM.EXAMPLE\\grace", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
}

static void sizes(void **state)
{
    char name[64] = "###";
    WCHAR wide[64];
    ULONG size = 0;
    assert_false(TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(size, sizeof "alice@dom.example.com");
    size--;
    assert_false(TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size));
    assert_string_equal(name, "###");
    assert_int_equal(size, sizeof "alice@dom.example.com");
    assert_true(TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size));
    size = 64;
    assert_true(TranslateNameW((LPCWSTR)u"DOM\\alice", NameSamCompatible, NameDisplay, wide, &size));
    assert_memory_equal(wide, u"Alice Liddell", sizeof u"Alice Liddell");
    assert_int_equal(size, 14);
}

/* ---------------------------------------------------------------- accounts and SIDs */

static void accounts_and_sids(void **state)
{
    SSPI_EXT_ACCOUNT *account = NULL;
    static const char *const names[] = {"DOM\\alice", "alice@dom.example.com", "S-1-5-21-1-2-3-1104"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(SspiExtFindAccount(names[i], &account), SEC_E_OK);
        assert_int_equal(account->Size, sizeof *account);
        assert_int_equal(account->Use, 1);
        assert_string_equal(account->User, "alice");
        assert_string_equal(account->Domain, "DOM");
        assert_string_equal(account->DnsDomain, "dom.example.com");
        assert_string_equal(account->DisplayName, "Alice Liddell");
        assert_string_equal(account->Sid, "S-1-5-21-1-2-3-1104");
        FreeContextBuffer(account);
    }
    assert_int_equal(SspiExtFindAccount("DOM\\", &account), SEC_E_OK);
    assert_null(account->User);
    assert_int_equal(account->Use, 3);
    assert_string_equal(account->Sid, "S-1-5-21-1-2-3");
    FreeContextBuffer(account);
    account = NULL;
    assert_int_equal(SspiExtFindAccount("S-1-5-21-1-2-3-9999", &account), SEC_E_TARGET_UNKNOWN);
    assert_int_equal(SspiExtFindAccount("DOM\\nobody", &account), SEC_E_TARGET_UNKNOWN);
    assert_int_equal(SspiExtFindAccount("OTHER\\alice", &account), SEC_E_NO_AUTHENTICATING_AUTHORITY);
    assert_int_equal(SspiExtFindAccount("\xff", &account), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiExtFindAccount(NULL, &account), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiExtFindAccount("DOM\\alice", NULL), SEC_E_INVALID_PARAMETER);
    assert_null(account);
}

/* ---------------------------------------------------------------- a winbindd that hangs */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wait_until_free(void)
{
    for (int i = 0; i < 10000 && __atomic_load_n(&fake->contexts, __ATOMIC_RELAXED) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* A child has none of the threads that hang, and asks for itself.  One that did well ends as another program: its parent's
 * blocks are no leak of its own. */
static void a_child_asks_for_itself(void)
{
#ifdef __SANITIZE_THREAD__
    print_message("# not tried: a child that starts threads, which ThreadSanitizer does not allow\n");
#else
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char name[64];
        ULONG size = sizeof name;
        fake->wait_on = 0;
        policy.lookup_seconds = 30;
        policy_override(&policy);
        if (TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size)) {
            execl("/bin/true", "true", (char *)NULL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
#endif
}

static void a_winbindd_that_hangs(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    policy.lookup_seconds = 1;
    policy_override(&policy);
    fake->wait_on = ends[0];
    double start = now();
    assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    double waited = now() - start;
    assert_true(waited > 0.9 && waited < 20);
    int asked = fake->names_asked;
    start = now();
    for (int i = 0; i < 100; i++) { /* as long as that hangs nobody else waits */
        assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
        assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    }
    assert_true(now() - start < 0.9);
    assert_int_equal(fake->names_asked, asked);
    assert_user(NameSamCompatible, "HOST\\carol", 0); /* local names come at once */
    a_child_asks_for_itself();
    char bytes[256] = "";
    assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
    wait_until_free();
    policy.lookup_seconds = 30;
    policy_override(&policy);
    for (int i = 0; i < 10000; i++) { /* the thread that was given up says that it is back a moment later */
        char name[64];
        ULONG size = sizeof name;
        if (TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size)) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, "alice@dom.example.com");
    fake->wait_on = 0;
    close(ends[0]);
    close(ends[1]);
}

static void *ask_again_and_again(void *argument)
{
    static const char *const names[][2] = {{"DOM\\alice", "alice@dom.example.com"},
                                           {"DOM\\plain", "plain@dom.example.com"},
                                           {"robert@example.com", "bob@dom.example.com"},
                                           {"dom.example.com\\bobby", "bobby@dom.example.com"}};
    intptr_t wrong = 0;
    for (int i = 0; i < 50; i++) {
        const char *const *pair = names[((intptr_t)argument + i) % 4];
        char name[64] = "";
        ULONG size = sizeof name;
        SSPI_EXT_ACCOUNT *account = NULL;
        wrong += !TranslateNameA(pair[0], NameUnknown, NameUserPrincipal, name, &size) || strcmp(name, pair[1]) != 0;
        size = sizeof name;
        wrong += !GetUserNameExA(NameSamCompatible, name, &size) || strcmp(name, "HOST\\carol") != 0;
        wrong += SspiExtFindAccount("S-1-5-21-1-2-3-1104", &account) != SEC_E_OK;
        (void)FreeContextBuffer(account);
    }
    return (void *)wrong;
}

static void many_at_once(void **state)
{
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, (void *)i), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void nobody_is_asked_by_policy(void **state)
{
    policy.lookup_seconds = 0;
    policy_override(&policy);
    assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    assert_int_equal(fake->names_asked, 0);
    assert_translated("HOST\\carol", NameSamCompatible, NameDisplay, "Carol Local");
}

#define WITH_SOURCES(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    void *library = dlopen("libwbclient.so.0", RTLD_NOW | RTLD_LOCAL);
    fake = library != NULL ? dlsym(library, "fake_winbind") : NULL;
    if (fake == NULL) {
        fprintf(stderr, "LD_LIBRARY_PATH does not lead to the test's libwbclient\n");
        return 1;
    }
    strcpy(kerberos_files, "/tmp/sspi-names-krb-XXXXXX");
    if (mkdtemp(kerberos_files) == NULL) {
        return 1;
    }
    char name[128];
    snprintf(name, sizeof name, "FILE:%s/keytab", kerberos_files);
    setenv("KRB5_KTNAME", name, 1);
    snprintf(name, sizeof name, "FILE:%s/cache", kerberos_files);
    setenv("KRB5CCNAME", name, 1);
    setenv("KRB5_CONFIG", "/dev/null", 1);
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); /* in which nobody is logged on */
    const struct CMUnitTest tests[] = {
        WITH_SOURCES(a_local_login),
        WITH_SOURCES(a_login_of_winbind),
        WITH_SOURCES(a_login_of_sssd),
        WITH_SOURCES(a_login_of_nobody),
        WITH_SOURCES(a_login_of_nss),
        WITH_SOURCES(an_impersonated_client),
        WITH_SOURCES(somebody_logged_on),
        WITH_SOURCES(the_computer_by_winbind),
        WITH_SOURCES(the_computer_in_no_domain),
        WITH_SOURCES(the_computer_by_policy),
        WITH_SOURCES(the_computer_by_keytab),
        WITH_SOURCES(a_login_with_tickets),
        WITH_SOURCES(names_of_an_account),
        WITH_SOURCES(names_of_a_domain),
        WITH_SOURCES(other_kinds),
        WITH_SOURCES(who_is_not_there),
        WITH_SOURCES(accounts_of_sssd),
        WITH_SOURCES(clients_that_were_met),
        WITH_SOURCES(sizes),
        WITH_SOURCES(accounts_and_sids),
        WITH_SOURCES(a_winbindd_that_hangs),
        WITH_SOURCES(nobody_is_asked_by_policy),
        WITH_SOURCES(many_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("account_names", tests, NULL, NULL);
    (void)rmdir(kerberos_files);
    return failed;
}
