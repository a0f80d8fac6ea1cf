/* MD4, MD5, HMAC-MD5 and CRC-32 against the values their specifications print. */
#include "vectors/hex.h"

#include "crypto/md.h"

/* RFC 1320 A.5 and RFC 1321 A.5 digest the same seven texts. */
static const struct {
    const char *text, *md4, *md5;
} suite[] = {
    {"", "31d6cfe0d16ae931b73c59d7e0c089c0", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "bde52cb31de33e46245e05fbdbd6fb24", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "a448017aaf21d8525fc10ae87aa6729d", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "d9130a8164549fe818874806e1c7014b", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "e33b4ddc9c38f2199c3e7b164fcc0536", "57edf4a22be3c955ac49da2e2107b67a"},
};

static void md4_rfc1320(void **state)
{
    for (size_t i = 0; i < sizeof suite / sizeof suite[0]; i++) {
        struct key16 out;
        md4(bytes_of(suite[i].text, strlen(suite[i].text)), &out);
        assert_hex(out.b, 16, suite[i].md4);
    }
}

static void md5_rfc1321(void **state)
{
    for (size_t i = 0; i < sizeof suite / sizeof suite[0]; i++) {
        size_t size = strlen(suite[i].text);
        for (size_t cut = 0; cut <= size; cut++) { /* the same text in three parts, one of them empty */
            const struct bytes parts[] = {bytes_of(suite[i].text, cut), BYTES_NONE,
                                          bytes_of(suite[i].text + cut, size - cut)};
            struct key16 out;
            md5(parts, 3, &out);
            assert_hex(out.b, 16, suite[i].md5);
        }
    }
}

static void md5_of_nothing(void **state)
{
    struct key16 out;
    md5(NULL, 0, &out);
    assert_hex(out.b, 16, "d41d8cd98f00b204e9800998ecf8427e");
    md4(BYTES_NONE, &out);
    assert_hex(out.b, 16, "31d6cfe0d16ae931b73c59d7e0c089c0");
}

/* A million times "a", and 112 bytes, where the padding just needs a second block: values of FIPS 180's well-known
 * inputs under MD5, as md5sum(1) and OpenSSL print them. */
static void md5_long(void **state)
{
    static uint8_t many[1000000];
    memset(many, 'a', sizeof many);
    struct key16 out;
    md5((const struct bytes[]){BYTES(many)}, 1, &out);
    assert_hex(out.b, 16, "7707d6ae4e027c70eea2a935c2296f21");
    for (size_t first = 1; first < 1200;
         first += 73) { /* the same in pieces, whole blocks of which are taken at once */
        struct bytes pieces[] = {bytes_of(many, first), bytes_of(many, 7 * first), bytes_of(many, 0),
                                 bytes_of(many, sizeof many - 8 * first)};
        md5(pieces, 4, &out);
        assert_hex(out.b, 16, "7707d6ae4e027c70eea2a935c2296f21");
    }
    const char *text =
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
        "mnopqrstnopqrstu";
    md5((const struct bytes[]){bytes_of(text, strlen(text))}, 1, &out);
    assert_hex(out.b, 16, "03dd8807a93175fb062dfb55dc7d359c");
}

/* Lengths around the place where padding and length no longer fit into the last block (RFC 1321 3.1): so many times "a",
 * as md5sum(1) prints them. */
static void md5_block_edges(void **state)
{
    static const struct {
        size_t size;
        const char *digest;
    } edges[] = {
        {54, "eced9e0b81ef2bba605cbc5e2e76a1d0"},  {55, "ef1772b6dff9a122358552954ad0df65"},
        {56, "3b0c8ac703f828b04c6c197006d17218"},  {57, "652b906d60af96844ebd21b674f35e93"},
        {63, "b06521f39153d618550606be297466d5"},  {64, "014842d480b571495a4a0363793f7367"},
        {65, "c743a45e0d2e6a95cb859adae0248435"},  {118, "81f8453cf3f7e5ee5479c777e5a8d80c"},
        {119, "8a7bd0732ed6a28ce75f6dabc90e1613"}, {120, "5f61c0ccad4cac44c75ff505e1f1e537"},
        {127, "020406e1d05cdc2aa287641f7ae2cc39"}, {128, "e510683b3f5ffe4093d021808bc6ff70"},
        {129, "b325dc1c6f5e7a2b7cf465b9feab7948"},
    };
    uint8_t text[129];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        struct key16 out;
        md5((const struct bytes[]){bytes_of(text, edges[i].size)}, 1, &out);
        assert_hex(out.b, 16, edges[i].digest);
    }
}

static const struct {
    const char *key, *data;
    size_t key_repeat, data_repeat;
    const char *digest;
} hmac_cases[] = {
    /* RFC 2202 2; the first three are RFC 2104's appendix as well */
    {"0b", "4869205468657265", 16, 1, "9294727a3638bb1c13f48ef8158bfc9d"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", 1, 1, "750c783e6ab0b503eaa86e310a5db738"},
    {"aa", "dd", 16, 50, "56be34521d144c88dbb8c733f0e8b3f6"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819", "cd", 1, 50, "697eaf0aca3a3aea3a75164746ffaa79"},
    {"0c", "546573742057697468205472756e636174696f6e", 16, 1, "56461ef2342edc00f9bab995690efd4c"},
    {"aa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374", 80,
     1, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
    {"aa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c6172676572205468616e204f6e"
     "6520426c6f636b2d53697a652044617461",
     80, 1, "6f630fad67cda0ee1fb1f562db3aa53e"},
};

static struct hex repeated(const char *text, size_t count)
{
    struct hex one = hex(text), out = {.size = 0};
    for (size_t i = 0; i < count; i++) {
        memcpy(out.data + out.size, one.data, one.size);
        out.size += one.size;
    }
    return out;
}

static void hmac_rfc2202(void **state)
{
    for (size_t i = 0; i < sizeof hmac_cases / sizeof hmac_cases[0]; i++) {
        struct hex key = repeated(hmac_cases[i].key, hmac_cases[i].key_repeat);
        struct hex data = repeated(hmac_cases[i].data, hmac_cases[i].data_repeat);
        struct key16 out;
        hmac_md5(HEX_BYTES(key), (const struct bytes[]){HEX_BYTES(data)}, 1, &out);
        assert_hex(out.b, 16, hmac_cases[i].digest);
    }
}

/* A prepared key serves many messages, in any number of pieces, and gives what hmac_md5 gives. */
static void hmac_in_pieces(void **state)
{
    static uint8_t data[700];
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)test_random(&seed);
    }
    for (size_t key_size = 0; key_size <= 130; key_size += 13) {
        struct hmac_md5_key key;
        hmac_md5_key(&key, bytes_of(data, key_size));
        for (size_t size = 0; size <= sizeof data; size += 1 + size / 9) {
            struct key16 whole, pieces;
            hmac_md5(bytes_of(data, key_size), (const struct bytes[]){bytes_of(data, size)}, 1, &whole);
            struct hmac_md5 mac;
            hmac_md5_start(&mac, &key);
            for (size_t at = 0; at < size;) {
                size_t piece = test_random(&seed) % 150;
                piece = piece > size - at ? size - at : piece;
                hmac_md5_update(&mac, bytes_of(data + at, piece));
                at += piece;
            }
            hmac_md5_finish(&mac, &key, &pieces);
            assert_memory_equal(whole.b, pieces.b, 16);
        }
    }
}

static void hmac_wipes(void **state)
{
    struct hmac_md5_key key;
    struct hmac_md5 mac;
    struct key16 out;
    static const struct hmac_md5 no_mac;
    static const struct hmac_md5_key no_key;
    hmac_md5_key(&key, bytes_of("key", 3));
    hmac_md5_start(&mac, &key);
    hmac_md5_update(&mac, bytes_of("data", 4));
    hmac_md5_finish(&mac, &key, &out);
    assert_memory_equal(&mac, &no_mac, sizeof mac);
    hmac_md5_key_wipe(&key);
    assert_memory_equal(&key, &no_key, sizeof key);
}

static void crc32_check_value(void **state)
{
    assert_int_equal(crc32_update(0, bytes_of("123456789", 9)), 0xcbf43926); /* the catalogue's check value */
    assert_int_equal(crc32_update(0, BYTES_NONE), 0);
    uint32_t crc = crc32_update(0, bytes_of("1234", 4));
    crc = crc32_update(crc, BYTES_NONE);
    assert_int_equal(crc32_update(crc, bytes_of("56789", 5)), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md4_rfc1320),    cmocka_unit_test(md5_rfc1321),     cmocka_unit_test(md5_of_nothing),
        cmocka_unit_test(md5_long),       cmocka_unit_test(md5_block_edges), cmocka_unit_test(hmac_rfc2202),
        cmocka_unit_test(hmac_in_pieces), cmocka_unit_test(hmac_wipes),      cmocka_unit_test(crc32_check_value),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("md", tests, NULL, NULL);
}
