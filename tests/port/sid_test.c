/* SIDs of the porting kit, from within: texts, and who is remembered. */
#include "../../port/sid.h" /* first: cmocka has a macro named fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_text(void **state)
{
    struct sid sid;
    assert_true(sid_from_text("S-1-5-32-544", &sid));
    assert_memory_equal(sid.bytes, "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0",
                        16); /* MS-DTYP 2.4.2.4, BUILTIN_ADMINISTRATORS */
    assert_true(sid_from_text("S-1-5-21-4294967295-0-1", &sid));
    assert_memory_equal(sid.bytes + 12, "\xff\xff\xff\xff", 4); /* the second SubAuthority */
    assert_true(sid_from_text("S-1-0-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15", &sid));
    assert_int_equal(GetLengthSid(&sid.sid), SECURITY_MAX_SID_SIZE);
}

static void test_no_text(void **state)
{
    static const char *const texts[] = {"",
                                        "S-1-",
                                        "S-2-5-1",
                                        "s-1-5-1",
                                        "S-1-5-",
                                        "S-1-5-1-",
                                        "S-1-256-1",
                                        "S-1-5-4294967296",
                                        "S-1-5--1",
                                        "S-1-5-1 ",
                                        "S-1-5-0x1",
                                        "S-1-5-99999999999999999999999",
                                        "S-1-0-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"};
    struct sid sid;
    assert_false(sid_from_text(NULL, &sid));
    for (size_t i = 0; i < _countof(texts); i++) {
        if (sid_from_text(texts[i], &sid)) {
            print_error("%s\n", texts[i]);
            assert_true(false);
        }
    }
}

/* A domain's own SID leads to the account, and the one made from its name does not clash with it. */
static void test_remembered(void **state)
{
    struct sid given, made;
    struct account account;
    assert_true(sid_from_text("S-1-5-21-1-2-3-1104", &given));
    assert_false(sid_account(&given.sid, &account));
    assert_true(sid_remember(&given, u"alice", u"DOM", SidTypeUser));
    assert_true(sid_remember(&given, u"mallory", u"DOM", SidTypeUser)); /* who comes later changes nothing */
    assert_true(sid_account(&given.sid, &account));
    assert_memory_equal(account.user, u"alice", sizeof u"alice");
    assert_true(sid_of_account(u"alice", u"DOM", &made));
    assert_false(EqualSid(&given.sid, &made.sid));
    assert_true(sid_account(&made.sid, &account));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_remembered),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("port sid", tests, NULL, NULL);
}
