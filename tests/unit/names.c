/* DOMAIN\user, user@domain, service principal names. */
#include "text.h"

#include "text/names.h"

static void domain_backslash_user(void **state)
{
    struct account_name name = names_split(T("EXAMPLE\\alice"), UTF16_NONE);
    assert_text(name.user, "alice");
    assert_text(name.domain, "EXAMPLE");
    name = names_split(T("A\\B\\c"), UTF16_NONE); /* the first backslash counts */
    assert_text(name.domain, "A");
    assert_text(name.user, "B\\c");
    name = names_split(T("\\alice"), UTF16_NONE);
    assert_text(name.domain, "");
    assert_text(name.user, "alice");
    name = names_split(T("EXAMPLE\\"), UTF16_NONE);
    assert_text(name.domain, "EXAMPLE");
    assert_text(name.user, "");
}

/* MS-NLMP 3.1.5.1.2: a UPN goes on the wire as the user name, with an empty domain. */
static void upn_stays_whole(void **state)
{
    struct account_name name = names_split(T("alice@example.com"), UTF16_NONE);
    assert_text(name.user, "alice@example.com");
    assert_text(name.domain, "");
}

static void a_given_domain_wins(void **state)
{
    struct account_name name = names_split(T("OTHER\\alice"), T("EXAMPLE"));
    assert_text(name.user, "OTHER\\alice");
    assert_text(name.domain, "EXAMPLE");
    name = names_split_upn(T("alice@other.com"), T("EXAMPLE"));
    assert_text(name.user, "alice@other.com");
    assert_text(name.domain, "EXAMPLE");
}

static void plain_and_empty(void **state)
{
    struct account_name name = names_split(T("alice"), UTF16_NONE);
    assert_text(name.user, "alice");
    assert_text(name.domain, "");
    name = names_split_upn(UTF16_NONE, UTF16_NONE);
    assert_text(name.user, "");
    assert_text(name.domain, "");
}

static void upn_split_for_lookup(void **state)
{
    struct account_name name = names_split_upn(T("alice@example.com"), UTF16_NONE);
    assert_text(name.user, "alice");
    assert_text(name.domain, "example.com");
    name = names_split_upn(T("a@b@example.com"), UTF16_NONE); /* the last sign counts */
    assert_text(name.user, "a@b");
    assert_text(name.domain, "example.com");
    name = names_split_upn(T("EXAMPLE\\alice@x"), UTF16_NONE);
    assert_text(name.user, "alice@x");
    assert_text(name.domain, "EXAMPLE");
    name = names_split_upn(T("\\alice@x"), UTF16_NONE);
    assert_text(name.user, "alice");
    assert_text(name.domain, "x");
    name = names_split_upn(T("@x"), UTF16_NONE);
    assert_text(name.user, "");
    assert_text(name.domain, "x");
}

static void hosts(void **state)
{
    assert_text(names_spn_host(T("HTTP/www.example.com")), "www.example.com");
    assert_text(names_spn_host(T("HTTP/www.example.com:8080")), "www.example.com");
    assert_text(names_spn_host(T("HTTP/www.example.com:8080/EXAMPLE")), "www.example.com");
    assert_text(names_spn_host(T("ldap/dc1.example.com/example.com")), "dc1.example.com");
    assert_text(names_spn_host(T("http://www.example.com/path/page")), "www.example.com");
    assert_text(names_spn_host(T("https://www.example.com:8443/")), "www.example.com");
    assert_text(names_spn_host(T("http://user:secret@www.example.com/x@y")), "www.example.com");
    assert_text(names_spn_host(T("mongodb/db.example.com@EXAMPLE.COM")), "db.example.com");
    assert_text(names_spn_host(T("mongodb/db.example.com:27017@EXAMPLE.COM")), "db.example.com");
    assert_text(names_spn_host(T("www.example.com")), "www.example.com");
    assert_text(names_spn_host(T("www.example.com:443")), "www.example.com");
    assert_text(names_spn_host(T("alice@example.com")), "alice@example.com");
}

static void addresses(void **state)
{
    assert_text(names_spn_host(T("TERMSRV/127.0.0.1")), "127.0.0.1");
    assert_text(names_spn_host(T("TERMSRV/::1")), "::1");
    assert_text(names_spn_host(T("HTTP/[2001:db8::1]:8080")), "2001:db8::1");
    assert_text(names_spn_host(T("http://[2001:db8::1]/")), "2001:db8::1");
    assert_text(names_spn_host(T("[2001:db8::1]")), "2001:db8::1");
    assert_text(names_spn_host(T("[2001:db8::1")), "[2001:db8::1");
}

static void no_host(void **state)
{
    assert_int_equal(names_spn_host(UTF16_NONE).size, 0);
    assert_int_equal(names_spn_host(T("HTTP/")).size, 0);
    assert_int_equal(names_spn_host(T("http://")).size, 0);
    assert_int_equal(names_spn_host(T("http:///path")).size, 0);
    assert_int_equal(names_spn_host(T("/")).size, 0);
    assert_int_equal(names_spn_host(T("[]")).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domain_backslash_user),
        cmocka_unit_test(upn_stays_whole),
        cmocka_unit_test(a_given_domain_wins),
        cmocka_unit_test(plain_and_empty),
        cmocka_unit_test(upn_split_for_lookup),
        cmocka_unit_test(hosts),
        cmocka_unit_test(addresses),
        cmocka_unit_test(no_host),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
