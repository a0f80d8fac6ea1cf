/* A PAC's logon information and its names, spoilt (MS-PAC 2.5, 2.10; MS-RPCE 2.2.6; C706 14). */
#include "malformed/catalogue.h"

#include "kerberos/pac.h"
#include "vectors/kv.h"

static struct hex logon_buffer, names_buffer;

static void keep_logon(const struct kv_record *record)
{
    struct bytes buffer = kv_hex(record, "buffer");
    if (logon_buffer.size == 0) {
        memcpy(logon_buffer.data, buffer.data, buffer.size);
        logon_buffer.size = buffer.size;
    }
}

static void keep_names(const struct kv_record *record)
{
    struct bytes buffer = kv_hex(record, "buffer");
    memcpy(names_buffer.data, buffer.data, buffer.size);
    names_buffer.size = buffer.size;
}

/* What parses also names its SIDs, or says why not. */
static SECURITY_STATUS parse_logon(struct bytes message)
{
    struct pac_logon logon;
    SECURITY_STATUS status = pac_logon_parse(message, &logon);
    if (status != SEC_E_OK) {
        return status;
    }
    catalogue_inside(message, utf16_bytes(logon.user));
    catalogue_inside(message, utf16_bytes(logon.domain));
    catalogue_inside(message, logon.groups);
    catalogue_inside(message, logon.domain_sid);
    catalogue_inside(message, logon.extra);
    catalogue_inside(message, logon.extra_sids);
    catalogue_inside(message, logon.resource_domain_sid);
    catalogue_inside(message, logon.resource_groups);
    AUTO_WRITER sids = write_growing(65536);
    return pac_logon_sids(&logon, &sids);
}

/* offset 0 headers, 16 pointer, 20 times, 68 names, 116 counts, 120 UserId, 128 GroupCount, 132 groups, 156 LogonServer,
 * 164 LogonDomainName, 172 its SID, 216 SidCount, 220 further SIDs, 224 resource domain, 228 and 232 its groups; 236 what is
 * pointed at. */
static void logon(void **state)
{
    (void)state;
    static const struct spoilt cases[] = {
        {1, "another version of the serialization", UNCHANGED, {{0, 1, 2}}, SEC_E_INVALID_TOKEN},
        {2, "big-endian", UNCHANGED, {{1, 1, 0}}, SEC_E_INVALID_TOKEN},
        {3, "a header of 16 bytes", UNCHANGED, {{2, 1, 16}}, SEC_E_INVALID_TOKEN},
        {4, "an object longer than the buffer", UNCHANGED, {{8, 2, 0x21c}}, SEC_E_INVALID_TOKEN},
        {5, "no object", UNCHANGED, {{16, 4, 0}}, SEC_E_INVALID_TOKEN},
        {6, "a name's text is not there", UNCHANGED, {{72, 4, 0}}, SEC_E_INVALID_TOKEN},
        {7, "a name of half a unit", UNCHANGED, {{68, 1, 9}}, SEC_E_INVALID_TOKEN},
        {8, "a name longer than its text", UNCHANGED, {{68, 1, 12}}, SEC_E_INVALID_TOKEN},
        {9, "more units than there may be", UNCHANGED, {{236, 1, 4}}, SEC_E_INVALID_TOKEN},
        {10, "a text that begins elsewhere", UNCHANGED, {{240, 1, 1}}, SEC_E_INVALID_TOKEN},
        {11, "a text that leaves the buffer", UNCHANGED, {{236, 4, 0xffff}, {244, 4, 0xffff}}, SEC_E_INVALID_TOKEN},
        {12, "a text of 2^31 units", UNCHANGED, {{236, 4, 0x80000000}, {244, 4, 0x80000000}}, SEC_E_INVALID_TOKEN},
        {13, "fewer groups than are there", UNCHANGED, {{128, 1, 2}}, SEC_E_INVALID_TOKEN},
        {14, "2^29 groups", UNCHANGED, {{128, 4, 0x20000000}}, SEC_E_INVALID_TOKEN},
        {15, "groups that are not there", UNCHANGED, {{132, 4, 0}}, SEC_E_INVALID_TOKEN},
        {16, "further SIDs that are not there", UNCHANGED, {{220, 4, 0}}, SEC_E_INVALID_TOKEN},
        {17, "fewer further SIDs than are there", UNCHANGED, {{216, 1, 1}}, SEC_E_INVALID_TOKEN},
        {18, "resource groups that are not there", UNCHANGED, {{232, 4, 0}}, SEC_E_INVALID_TOKEN},
        {19, "neither a user nor a domain", UNCHANGED, {{120, 4, 0}, {216, 4, 0}, {220, 4, 0}}, SEC_E_INVALID_TOKEN},
        {20, "no user's number: the first further SID", UNCHANGED, {{120, 4, 0}}, SEC_E_OK},
        {21, "flags that nobody knows", UNCHANGED, {{136, 4, 0xffffffff}}, SEC_E_OK},
    };
    static const size_t whole[] = {548, 549, 550, 551, SIZE_MAX}; /* NDR fills up to a multiple of 8 */
    assert_int_equal(kv_each(KV_TREE, "krb5_pac.kv", "pac_logon", keep_logon), 2);
    catalogue_run(parse_logon, logon_buffer, cases, sizeof cases / sizeof cases[0]);
    struct hex cut = logon_buffer;
    cut.data[8] = 0x14; /* the object's own end, so that cutting reaches into it */
    catalogue_truncate(parse_logon, cut, whole);
    catalogue_mutate(parse_logon, logon_buffer);
}

static SECURITY_STATUS parse_names(struct bytes message)
{
    struct pac_upn names;
    SECURITY_STATUS status = pac_upn_parse(message, &names);
    if (status == SEC_E_OK) {
        catalogue_inside(message, utf16_bytes(names.upn));
        catalogue_inside(message, utf16_bytes(names.dns_domain));
    }
    return status;
}

/* offset 0 size and 2 offset of the user principal name, 4 and 6 of the domain, 8 flags. */
static void names(void **state)
{
    (void)state;
    static const struct spoilt cases[] = {
        {1, "a name that leaves the buffer", UNCHANGED, {{0, 2, 0x90}}, SEC_E_INVALID_TOKEN},
        {2, "a name beyond the buffer", UNCHANGED, {{2, 2, 0xffff}}, SEC_E_INVALID_TOKEN},
        {3, "a name of half a unit", UNCHANGED, {{0, 1, 0x25}}, SEC_E_INVALID_TOKEN},
        {4, "a domain that leaves the buffer", UNCHANGED, {{6, 2, 0x8e}}, SEC_E_INVALID_TOKEN},
        {5, "a domain of half a unit", UNCHANGED, {{4, 1, 0x19}}, SEC_E_INVALID_TOKEN},
        {6, "no names", UNCHANGED, {{0, 2, 0}, {4, 2, 0}}, SEC_E_OK},
        {7, "the head alone, without names", 12, {{0, 2, 0}, {4, 2, 0}}, SEC_E_OK},
        {8, "half a head", 11, {{0, 2, 0}, {4, 2, 0}}, SEC_E_INVALID_TOKEN},
    };
    assert_int_equal(kv_each(KV_TREE, "krb5_pac.kv", "pac_upn", keep_names), 1);
    catalogue_run(parse_names, names_buffer, cases, sizeof cases / sizeof cases[0]);
    catalogue_mutate(parse_names, names_buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(logon), cmocka_unit_test(names)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_pac", tests, NULL, NULL);
}
