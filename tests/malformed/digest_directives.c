/* Malformed Digest headers and SASL tokens (RFC 7616 3.3 and 3.4, RFC 7230 3.2.6, RFC 2831 2.1 and 7.1). */
#include "catalogue.h"

#include "digest/directives.h"

static uint8_t memory[4096];

static SECURITY_STATUS parse(struct bytes message)
{
    struct writer room = write_into(memory, message.size); /* no escape makes anything longer */
    struct digest_directives found;
    SECURITY_STATUS status = digest_parse_one(message, false, &room, &found);
    for (int i = 0; status == SEC_E_OK && i < DIGEST_DIRECTIVES; i++) {
        struct bytes value = digest_has(&found, (enum digest_directive)i) ? found.value[i] : BYTES_NONE;
        bool unescaped = value.size != 0 && value.data >= memory && value.data < memory + sizeof memory;
        catalogue_inside(unescaped ? BYTES(memory) : message, value);
    }
    return status;
}

static const struct {
    unsigned number;
    const char *sentence, *text;
    SECURITY_STATUS status;
} catalogue[] = {
    {1, "A quoted string has no end.", "realm=\"test", SEC_E_INVALID_TOKEN},
    {2, "A quoted string ends in a backslash.", "realm=\"test\\", SEC_E_INVALID_TOKEN},
    {3, "The quote that would end it is escaped.", "realm=\"test\\\"", SEC_E_INVALID_TOKEN},
    {4, "Something follows a quoted string.", "realm=\"test\"x, nonce=\"a\"", SEC_E_INVALID_TOKEN},
    {5, "A blank stands where a comma should.", "realm=\"test\" nonce=\"a\"", SEC_E_INVALID_TOKEN},
    {6, "A directive has no name.", "=\"test\"", SEC_E_INVALID_TOKEN},
    {7, "A quote begins a name.", "\"realm\"=test", SEC_E_INVALID_TOKEN},
    {8, "A control character is in a quoted string.", "realm=\"te\001st\"", SEC_E_INVALID_TOKEN},
    {9, "A line break is in a quoted string.", "realm=\"te\r\nst\"", SEC_E_INVALID_TOKEN},
    {10, "A DEL is in a quoted string.", "realm=\"te\177st\"", SEC_E_INVALID_TOKEN},
    {11, "A control character follows a backslash.", "realm=\"te\\\002st\"", SEC_E_INVALID_TOKEN},
    {12, "A control character is in a token.", "algorithm=MD\0015", SEC_E_INVALID_TOKEN},
    {13, "A control character stands between.", "realm=a,\001nonce=b", SEC_E_INVALID_TOKEN},
    {14, "The nonce comes twice.", "nonce=\"a\", nonce=\"a\"", SEC_E_INVALID_TOKEN},
    {15, "The algorithm comes twice, in different case.", "algorithm=MD5, ALGORITHM=MD5", SEC_E_INVALID_TOKEN},
    {16, "The realm comes twice where there is one.", "realm=\"a\", realm=\"b\"", SEC_E_INVALID_TOKEN},
    {17, "The response comes twice.", "response=\"a\", response=\"b\"", SEC_E_INVALID_TOKEN},
    {18, "The user name comes twice.", "username=\"a\", username=\"b\"", SEC_E_INVALID_TOKEN},
    {19, "It is of another scheme.", "Basic realm=\"a\"", SEC_E_INVALID_TOKEN},
    {20, "Another scheme follows.", "realm=\"a\", Basic realm=\"b\"", SEC_E_INVALID_TOKEN},
    {21, "A second Digest follows.", "realm=\"a\", Digest realm=\"b\"", SEC_E_INVALID_TOKEN},
    {22, "A word alone stands in the list.", "realm=\"a\", word, nonce=\"b\"", SEC_E_INVALID_TOKEN},
    {23, "A quote is in a token.", "nonce=a\"b\"", SEC_E_INVALID_TOKEN},
    {24, "Two equals signs and a quoted string.", "realm==\"a\"", SEC_E_INVALID_TOKEN},
    {25, "More realms than anybody offers.",
     "realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, realm=a, "
     "realm=a, realm=a, realm=a, realm=a, realm=a",
     SEC_E_INVALID_TOKEN},
    {26, "The domain comes twice.", "domain=\"/\", domain=\"/a\"", SEC_E_INVALID_TOKEN},
    {27, "userhash comes twice.", "userhash=true, userhash=false", SEC_E_INVALID_TOKEN},
    {28, "The server's proof comes twice.", "rspauth=\"a\", rspauth=\"b\"", SEC_E_INVALID_TOKEN},
    /* What looks wrong and must be taken. */
    {40, "There is nothing.", "", SEC_E_OK},
    {41, "There are commas alone.", " , ,\t,", SEC_E_OK},
    {42, "Empty elements stand between (RFC 7230 7).", "realm=\"a\",, ,nonce=\"b\",", SEC_E_OK},
    {43, "Blanks stand around the equals sign.", "realm = \"a\" , nonce\t=\t\"b\"", SEC_E_OK},
    {44, "The algorithm is quoted (RFC 2617's examples).", "algorithm=\"MD5\"", SEC_E_OK},
    {45, "The realm is not quoted.", "realm=test, nonce=abc+/==", SEC_E_OK},
    {46, "A directive is unknown, its value full of commas.", "unknown=\"a, b=c, \\\"\", realm=\"r\"", SEC_E_OK},
    {47, "An unknown directive comes twice.", "x=1, x=1, realm=\"r\"", SEC_E_OK},
    {48, "The scheme's name stands in front.", "Digest realm=\"r\"", SEC_E_OK},
    {49, "A value is empty.", "opaque=, realm=\"\"", SEC_E_OK},
    {50, "A line is folded (RFC 2831 7.1).", "realm=\"a\",\r\n nonce=\"b\"", SEC_E_OK},
    {51, "Bytes beyond ASCII stand in a quoted string.", "realm=\"t\xc3\xa9st \xff\"", SEC_E_OK},
    {52, "Everything is escaped.", "realm=\"\\t\\e\\s\\t\\\\\\\"\"", SEC_E_OK},
};

static void by_number(void **state)
{
    for (size_t i = 0; i < sizeof catalogue / sizeof catalogue[0]; i++) {
        const char *text = catalogue[i].text;
        SECURITY_STATUS status = catalogue_try(parse, (const uint8_t *)text, strlen(text));
        if (status != catalogue[i].status) {
            print_message("# %u: %s\n#    expected %s, got %s\n", catalogue[i].number, catalogue[i].sentence,
                          status_name(catalogue[i].status), status_name(status));
            fail();
        }
    }
}

static struct hex response(void)
{
    static const char text[] =
        "username=\"Mu\\\"fasa\", realm=\"a b\", nonce=\"dcd98b71\", uri=\"/dir/?a=b\", qop=auth, nc=00000001, "
        "cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5c\", algorithm=MD5";
    struct hex out = {.size = sizeof text - 1};
    memcpy(out.data, text, out.size);
    return out;
}

static void mutated(void **state)
{
    catalogue_mutate(parse, response());
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint32_t value;
    } counts[] = {{"00000001", true, 1},   {"FFFFFFFF", true, UINT32_MAX}, {"1", true, 1},   {"", false, 0},
                  {"000000001", false, 0}, {"0000000g", false, 0},         {"-1", false, 0}, {"0x1", false, 0}},
      sizes[] = {{"65536", true, 65536}, {"16777215", true, 16777215},       {"16777216", false, 0},  {"", false, 0},
                 {"+1", false, 0},       {"99999999999999999999", false, 0}, {"4294967297", false, 0}};
    uint32_t value = 0;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct bytes text = bytes_of(counts[i].text, strlen(counts[i].text));
        assert_int_equal(digest_count_read(text, &value), counts[i].good);
        assert_true(!counts[i].good || value == counts[i].value);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bytes text = bytes_of(sizes[i].text, strlen(sizes[i].text));
        assert_int_equal(digest_number_read(text, 16777215, &value), sizes[i].good);
        assert_true(!sizes[i].good || value == sizes[i].value);
    }
}

static void extended_names(void **state)
{
    static const struct {
        const char *text, *value; /* NULL: malformed */
    } cases[] = {{"UTF-8''J%C3%A4s%C3%B8n%20Doe", "J\u00e4s\u00f8n Doe"},
                 {"utf-8'en'a", "a"},
                 {"UTF-8''", ""},
                 {"ISO-8859-1''a", NULL},
                 {"UTF-8'a", NULL},
                 {"UTF-8''%4", NULL},
                 {"UTF-8''%", NULL},
                 {"UTF-8''%zz", NULL},
                 {"UTF-8''%00", NULL},
                 {"UTF-8''%0a", NULL},
                 {"UTF-8", NULL},
                 {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer room = write_into(memory, sizeof memory);
        struct bytes out = BYTES_NONE;
        SECURITY_STATUS status = digest_extended_read(bytes_of(cases[i].text, strlen(cases[i].text)), &room, &out);
        assert_int_equal(status, cases[i].value != NULL ? SEC_E_OK : SEC_E_INVALID_TOKEN);
        if (cases[i].value != NULL) {
            assert_int_equal(out.size, strlen(cases[i].value));
            assert_memory_equal(out.data, cases[i].value, out.size);
        }
    }
}

/* Writing is strict: what no header can carry is refused, what must be escaped is. */
static void written(void **state)
{
    char text[128];
    struct writer writer = write_into(text, sizeof text);
    struct digest_list list = digest_list_start(&writer);
    digest_put_quoted(&list, "realm", bytes_of("a \"b\" \\", 7));
    digest_put_word(&list, "qop", "auth");
    assert_int_equal(digest_list_end(&list), SEC_E_OK);
    assert_int_equal(writer.size, strlen("realm=\"a \\\"b\\\" \\\\\", qop=auth"));
    assert_memory_equal(text, "realm=\"a \\\"b\\\" \\\\\", qop=auth", writer.size);
    static const char *const bad[] = {"a\nb", "a\rb", "\177", "\001"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        writer = write_into(text, sizeof text);
        list = digest_list_start(&writer);
        digest_put_quoted(&list, "realm", bytes_of(bad[i], strlen(bad[i])));
        assert_int_equal(digest_list_end(&list), SEC_E_INVALID_TOKEN);
    }
    static const char *const no_token[] = {"", "a b", "a,b", "a\"", "a=b"};
    for (size_t i = 0; i < sizeof no_token / sizeof no_token[0]; i++) {
        writer = write_into(text, sizeof text);
        list = digest_list_start(&writer);
        digest_put_word(&list, "nc", no_token[i]);
        assert_int_equal(digest_list_end(&list), SEC_E_INVALID_TOKEN);
    }
    writer = write_into(text, 10);
    list = digest_list_start(&writer);
    digest_put_quoted(&list, "realm", bytes_of("abcdef", 6));
    assert_int_equal(digest_list_end(&list), SEC_E_BUFFER_TOO_SMALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_number),      cmocka_unit_test(mutated), cmocka_unit_test(numbers),
        cmocka_unit_test(extended_names), cmocka_unit_test(written),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
