/* Names of users, of the computer and of accounts, from sources that answer as a test says: libwbclient is a library of the
 * tests' own (fake_wbclient.c, found through LD_LIBRARY_PATH), NSS and /etc/passwd are the functions below, the linker having
 * put them in the place of libc's.  For one file of a program. */
#ifndef OPENSSPI_TESTS_UNIT_LOGON_NAMES_SOURCES_H
#define OPENSSPI_TESTS_UNIT_LOGON_NAMES_SOURCES_H

#include "text.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/keyctl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <wbclient.h>

#include "base/policy.h"
#include "core/token.h"
#include "logon/fake_wbclient.h"
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

static inline int answer_switch(const struct switch_user *found, struct passwd *entry, char *room, size_t size,
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

static inline struct token *client(struct utf16 user, struct utf16 domain)
{
    struct token *token = NULL;
    assert_int_equal(token_new(user, domain, false, NULL, &token), SEC_E_OK);
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    return token_current();
}

static inline void set_passwd(const char *text)
{
    strcpy(passwd_path, "/tmp/sspi-names-XXXXXX");
    int file = mkstemp(passwd_path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    passwd_text = text;
}

static struct policy policy;

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
    assert_int_equal(token_revert(), SEC_E_OK);
    unlink(passwd_path);
    passwd_text = NULL;
    assert_int_equal(fake->contexts, 0);
    assert_int_equal(fake->blocks, 0);
    return 0;
}

static inline void without_winbind(void)
{
    fake->directory = NULL;
    fake->directory_size = 0;
}

/* ---------------------------------------------------------------- what is asked */

static inline void assert_user(EXTENDED_NAME_FORMAT format, const char *expected, DWORD error)
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

static inline void assert_computer(EXTENDED_NAME_FORMAT format, const char *expected, DWORD error)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    SetLastError(0);
    assert_int_equal(GetComputerObjectNameA(format, name, &size), expected != NULL);
    assert_int_equal(GetLastError(), error);
    assert_string_equal(name, expected != NULL ? expected : "#");
}

static inline void assert_translated(const char *from, EXTENDED_NAME_FORMAT form, EXTENDED_NAME_FORMAT to,
                                     const char *expected)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    assert_true(TranslateNameA(from, form, to, name, &size));
    assert_string_equal(name, expected);
    assert_int_equal(size, strlen(expected) + 1);
}

static inline void assert_not_translated(const char *from, EXTENDED_NAME_FORMAT form, EXTENDED_NAME_FORMAT to,
                                         DWORD error)
{
    char name[256] = "#";
    ULONG size = sizeof name;
    SetLastError(0);
    assert_false(TranslateNameA(from, form, to, name, &size));
    assert_int_equal(GetLastError(), error);
    assert_string_equal(name, "#");
}

static char kerberos_files[64]; /* a directory without tickets and keys, unless a test puts some there */

#define WITH_SOURCES(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The library that stands in for winbind's, and a place where nobody is logged on; false without them. */
static inline bool sources_open(void)
{
    char name[128];
    void *library = dlopen("libwbclient.so.0", RTLD_NOW | RTLD_LOCAL);
    fake = library != NULL ? dlsym(library, "fake_winbind") : NULL;
    strcpy(kerberos_files, "/tmp/sspi-names-krb-XXXXXX");
    if (fake == NULL || mkdtemp(kerberos_files) == NULL) {
        fprintf(stderr, "LD_LIBRARY_PATH does not lead to the tests' libwbclient, or /tmp takes no directory\n");
        return false;
    }
    snprintf(name, sizeof name, "FILE:%s/keytab", kerberos_files);
    setenv("KRB5_KTNAME", name, 1);
    snprintf(name, sizeof name, "FILE:%s/cache", kerberos_files);
    setenv("KRB5CCNAME", name, 1);
    setenv("KRB5_CONFIG", "/dev/null", 1);
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    return true;
}

#endif
