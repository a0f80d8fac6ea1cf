/* NetBIOS names of domains and the realms behind them: the policy, krb5.conf, this machine's own domain, in that order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/policy.h"
#include "kerberos/principals.h"
#include "kerberos/realms.h"
#include "kerberos/tickets_inside.h"

static char path[] = "/tmp/sspi-realms-XXXXXX";

static void configure(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* NULL: none is known. */
static void assert_realm(const char *domain, const char *expected)
{
    krb5_context krb = NULL;
    char *realm = NULL;
    assert_int_equal(krb5_init_context(&krb), 0);
    assert_int_equal(realm_of_domain(krb, domain, &realm), 0);
    if (expected == NULL) {
        assert_null(realm);
    } else {
        assert_non_null(realm);
        assert_string_equal(realm, expected);
    }
    free(realm);
    krb5_free_context(krb);
}

static struct policy policy;

static int set_up(void **state)
{
    (void)state;
    int file = mkstemp(path);
    close(file);
    setenv("KRB5_CONFIG", path, 1);
    policy_defaults(&policy);
    (void)strcpy(policy.netbios_domain, "MACHINE");
    (void)strcpy(policy.dns_domain, "machine.example");
    policy_override(&policy); /* before the machine's names are derived, once and for all */
    return file < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void by_configuration(void **state)
{
    (void)state;
    configure(
        "[libdefaults]\ndefault_realm = HOME.EXAMPLE\ndns_lookup_realm = false\n"
        "[realms]\nSHORT = {\n kdc = 127.0.0.1:1\n}\nSHORT.EXAMPLE = {\n kdc = 127.0.0.1:1\n}\n"
        "OTHER.EXAMPLE = {\n kdc = 127.0.0.1:1\n}\nTWICE.EXAMPLE = {\n kdc = 127.0.0.1:1\n}\n"
        "TWICE.TEST = {\n kdc = 127.0.0.1:1\n}\n[domain_realm]\nmapped = MAPPED.EXAMPLE\n.dotted = DOTTED.EXAMPLE\n");
    assert_realm("HOME", "HOME.EXAMPLE");
    assert_realm("home", "HOME.EXAMPLE");
    assert_realm("HOM", NULL);
    assert_realm("HOMEX", NULL);
    assert_realm("SHORT", "SHORT"); /* a realm of that very name goes first */
    assert_realm("OTHER", "OTHER.EXAMPLE");
    assert_realm("TWICE", NULL); /* which one, nobody can say */
    assert_realm("MAPPED", "MAPPED.EXAMPLE");
    assert_realm("MACHINE", "MACHINE.EXAMPLE");
    assert_realm("NOWHERE", NULL);
    assert_realm("", NULL);
}

static void by_policy(void **state)
{
    (void)state;
    configure("[libdefaults]\ndefault_realm = HOME.EXAMPLE\n");
    (void)strcpy(policy.kerberos_realms, "ONE:ONE.EXAMPLE, HOME:ELSEWHERE.EXAMPLE ,BAD:,THREE:Three.Example");
    policy_override(&policy);
    assert_realm("ONE", "ONE.EXAMPLE");
    assert_realm("one", "ONE.EXAMPLE");
    assert_realm("HOME", "ELSEWHERE.EXAMPLE");
    assert_realm("THREE", "Three.Example");
    assert_realm("BAD", NULL);
    assert_realm("ON", NULL);
    policy.kerberos_realms[0] = '\0';
    policy_override(&policy);
    assert_realm("HOME", "HOME.EXAMPLE");
}

static void no_configuration(void **state)
{
    (void)state;
    configure("");
    assert_realm("HOME", NULL);
    assert_realm("MACHINE", "MACHINE.EXAMPLE");
}

/* Users and targets as they are written. */
static void in_names(void **state)
{
    static const struct {
        const char *target, *principal;
    } cases[] = {
        {"HOME\\alice", "alice@HOME.EXAMPLE"},
        {"home\\alice", "alice@HOME.EXAMPLE"},
        {"HOME.EXAMPLE\\alice", "alice@HOME.EXAMPLE"},
        {"NOWHERE\\alice", "alice@NOWHERE"},
        {"alice@HOME", "alice@HOME"}, /* a realm, as it stands */
    };
    krb5_context krb = NULL;
    (void)state;
    configure("[libdefaults]\ndefault_realm = HOME.EXAMPLE\n");
    assert_int_equal(krb5_init_context(&krb), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        krb5_principal principal = NULL;
        char *text = NULL;
        assert_int_equal(target_parse(krb, cases[i].target, &principal), 0);
        assert_int_equal(krb5_unparse_name(krb, principal, &text), 0);
        assert_string_equal(text, cases[i].principal);
        krb5_free_unparsed_name(krb, text);
        krb5_free_principal(krb, principal);
    }
    krb5_free_context(krb);
}

/* As a client forwards one; libkrb5 believes him whose it is. */
static struct tickets *forwarded(krb5_context krb, const char *client)
{
    krb5_creds ticket = {0}, *list[] = {&ticket, NULL};
    struct tickets *tickets = NULL;
    assert_int_equal(krb5_parse_name(krb, client, &ticket.client), 0);
    assert_int_equal(krb5_parse_name(krb, "krbtgt/FAR.EXAMPLE@FAR.EXAMPLE", &ticket.server), 0);
    assert_int_equal(tickets_open_forwarded(krb, list, &tickets), SEC_E_OK);
    krb5_free_cred_contents(krb, &ticket);
    return tickets;
}

/* One client's KDC that does not answer is not the next client's. */
static void silence_of_forwarded(void **state)
{
    (void)state;
    krb5_context krb = NULL;
    configure("[libdefaults]\ndefault_realm = HOME.EXAMPLE\n");
    assert_int_equal(krb5_init_context(&krb), 0);
    struct tickets *one = forwarded(krb, "one@FAR.EXAMPLE"), *two = forwarded(krb, "two@HOME.EXAMPLE");
    uint64_t key = tickets_silence_key(one, "HTTP/server", NULL);
    assert_true(tickets_silence_key(one, "HTTP/server", NULL) == key);
    assert_true(tickets_silence_key(one, "HTTP/other", NULL) != key);
    assert_true(tickets_silence_key(two, "HTTP/server", NULL) != key);
    tickets_drop(one);
    tickets_drop(two);
    krb5_free_context(krb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_configuration), cmocka_unit_test(by_policy),
                                       cmocka_unit_test(no_configuration), cmocka_unit_test(in_names),
                                       cmocka_unit_test(silence_of_forwarded)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_realms", tests, set_up, tear_down);
}
