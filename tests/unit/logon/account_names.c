/* GetUserNameEx, GetComputerObjectName, TranslateName: who answers for whom. */
#include "logon/names_sources.h"

#include <krb5.h>

#include "logon/default_credentials.h"
#include "logon/directory.h"
#include "ntsecapi.h"

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

int main(void)
{
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
    };
    if (!sources_open()) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("account_names", tests, NULL, NULL);
    (void)rmdir(kerberos_files);
    return failed;
}
