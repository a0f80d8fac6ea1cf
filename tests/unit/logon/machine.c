/* The machine's names, from policy and from the host name. */
#include "logon_test.h"

#include "base/policy.h"
#include "logon/machine.h"

static struct policy policy;

static int set_up(void **state)
{
    policy_defaults(&policy);
    return 0;
}

static void derives_from_the_host_name(void **state)
{
    static const struct {
        const char *host;
        struct utf16 netbios, dns, domain;
    } cases[] = {
        {"server.example.com", U("SERVER"), U("server.example.com"), U("example.com")},
        {"Server", U("SERVER"), U("Server"), U("")},
        {"a-very-long-machine-name.example.com", U("A-VERY-LONG-MAC"), U("a-very-long-machine-name.example.com"),
         U("example.com")},
        {"exactly15chars-", U("EXACTLY15CHARS-"), U("exactly15chars-"), U("")},
        {"", U("LOCALHOST"), U("localhost"), U("")},
        {".example.com", U("LOCALHOST"), U("localhost"), U("")},
        {"host.", U("HOST"), U("host."), U("")},
        {"m\xC3\xA9tro", U("M\u00C9TRO"), U("m\u00E9tro"), U("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct machine_names names = {0};
        assert_ok(machine_names_derive(&policy, cases[i].host, &names));
        assert_text(names.netbios_computer, cases[i].netbios);
        assert_text(names.netbios_domain, U("WORKGROUP"));
        assert_text(names.dns_computer, cases[i].dns);
        assert_text(names.dns_domain, cases[i].domain);
        machine_names_free(&names);
    }
}

static void prefers_policy(void **state)
{
    struct machine_names names = {0};
    strcpy(policy.netbios_computer, "web");
    strcpy(policy.netbios_domain, "Example");
    strcpy(policy.dns_computer, "www.example.net");
    strcpy(policy.dns_domain, "example.net");
    assert_ok(machine_names_derive(&policy, "host.example.com", &names));
    assert_text(names.netbios_computer, U("WEB"));
    assert_text(names.netbios_domain, U("EXAMPLE"));
    assert_text(names.dns_computer, U("www.example.net"));
    assert_text(names.dns_domain, U("example.net"));
    machine_names_free(&names);
}

static void refuses_names_that_are_no_text(void **state)
{
    struct machine_names names = {0};
    policy_defaults(&policy);
    assert_status(machine_names_derive(&policy, "h\xFFst", &names), SEC_E_INVALID_TOKEN);
    assert_null(names.netbios_computer.data);
    assert_null(names.dns_computer.data);
}

static void is_worked_out_once(void **state)
{
    policy_defaults(&policy);
    strcpy(policy.netbios_computer, "ONCE");
    policy_override(&policy);
    const struct machine_names *first = NULL;
    const struct machine_names *second = NULL;
    assert_ok(names_of_this_machine(&first));
    assert_text(first->netbios_computer, U("ONCE"));
    assert_true(first->dns_computer.size != 0);
    strcpy(policy.netbios_computer, "TWICE");
    assert_ok(names_of_this_machine(&second));
    assert_ptr_equal(first, second);
    assert_text(second->netbios_computer, U("ONCE"));
    policy_override(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_from_the_host_name),
        cmocka_unit_test(prefers_policy),
        cmocka_unit_test(refuses_names_that_are_no_text),
        cmocka_unit_test(is_worked_out_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
