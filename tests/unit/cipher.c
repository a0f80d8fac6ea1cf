/* RC4 against RFC 6229, DES against NBS SP 500-20, and DESL against MS-NLMP. */
#include "vectors/hex.h"

#include "crypto/cipher.h"

static const struct {
    const char *key;
    size_t offset;
    const char *stream;
} rc4_cases[] = {
    /* RFC 6229 2 */
    {"0102030405", 0, "b2396305f03dc027ccc3524a0a1118a86982944f18fc82d589c403a47a0d0919"},
    {"0102030405", 240, "28cb1132c96ce286421dcaadb8b69eae1cfcf62b03eddb641d77dfcf7f8d8c93"},
    {"01020304050607", 0, "293f02d47f37c9b633f2af5285feb46be620f1390d19bd84e2e0fd752031afc1"},
    {"0102030405060708", 0, "97ab8a1bf0afb96132f2f67258da15a88263efdb45c4a18684ef87e6b19e5b09"},
    {"0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c"},
    {"0102030405060708090a0b0c0d0e0f10", 240, "065902e4b620f6cc36c8589f66432f2bd39d566bc6bce3010768151549f3873f"},
    {"0102030405060708090a0b0c0d0e0f10", 496, "b6d1e6c4a5e4771cad79538df295fb11c68c1d5c559a974123df1dbc52a43b89"},
    {"0102030405060708090a0b0c0d0e0f10", 1008, "e7a72574f8782ae26aabcf9ebcd66065bdf0324e6083dcc6d3cedd3ca8c53c16"},
};

static void rc4_rfc6229(void **state)
{
    for (size_t i = 0; i < sizeof rc4_cases / sizeof rc4_cases[0]; i++) {
        uint8_t stream[1100] = {0};
        struct hex key = hex(rc4_cases[i].key);
        struct rc4 rc4;
        rc4_start(&rc4, HEX_BYTES(key));
        rc4_crypt(&rc4, 700, stream, stream); /* in two steps, in place */
        rc4_crypt(&rc4, sizeof stream - 700, stream + 700, stream + 700);
        assert_hex(stream + rc4_cases[i].offset, 32, rc4_cases[i].stream);

        uint8_t zeros[32] = {0}, once[32];
        rc4_once(HEX_BYTES(key), sizeof zeros, zeros, once);
        assert_memory_equal(once, stream, sizeof once);
    }
}

static void rc4_wipes(void **state)
{
    static const struct rc4 none;
    struct rc4 rc4;
    rc4_start(&rc4, bytes_of("key", 3));
    rc4_crypt(&rc4, 0, NULL, NULL);
    rc4_wipe(&rc4);
    assert_memory_equal(&rc4, &none, sizeof rc4);
}

static const struct {
    const char *key, *plain, *cipher; /* key in DES' own eight bytes, with parity */
} des_cases[] = {
    /* NBS Special Publication 500-20, and FIPS 46's worked example first */
    {"133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"},
    {"0101010101010101", "8000000000000000", "95f8a5e5dd31d900"}, /* a weak key: still a key */
    {"0101010101010101", "4000000000000000", "dd7f121ca5015619"},
    {"8001010101010101", "0000000000000000", "95a8d72813daa94d"},
    {"4001010101010101", "0000000000000000", "0eec1487dd8c26d5"},
    {"1046913489980131", "0000000000000000", "88d55e54f54c97b4"},
    {"7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b"},
    {"0131d9619dc1376e", "5cd54ca83def57da", "7a389d10354bd271"},
    {"07a1133e4a0b2686", "0248d43806f67172", "868ebb51cab4599a"},
};

/* Eight bytes with parity to the seven that NTLM starts from. */
static void narrow(const uint8_t wide[8], uint8_t out[7])
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 7 | wide[i] >> 1;
    }
    for (size_t i = 7; i-- > 0; bits >>= 8) {
        out[i] = (uint8_t)bits;
    }
}

static void des7_sp500_20(void **state)
{
    for (size_t i = 0; i < sizeof des_cases / sizeof des_cases[0]; i++) {
        struct hex key = hex(des_cases[i].key), plain = hex(des_cases[i].plain);
        uint8_t seven[7], out[8];
        narrow(key.data, seven);
        des7(seven, plain.data, out);
        assert_hex(out, 8, des_cases[i].cipher);
    }
}

/* MS-NLMP 4.2.2.1.2 and 4.2.2.2.1: the NT hash of "Password" over the challenge 0123456789abcdef. */
static void desl_ms_nlmp(void **state)
{
    struct hex owf = hex("a4f49c406510bdcab6824ee7c30fd852"), challenge = hex("0123456789abcdef");
    struct key16 key;
    uint8_t out[24];
    memcpy(key.b, owf.data, 16);
    desl(&key, challenge.data, out);
    assert_hex(out, 24, "67c43011f30298a2ad35ece64f16331c44bdbed927841f94");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rc4_rfc6229),
        cmocka_unit_test(rc4_wipes),
        cmocka_unit_test(des7_sp500_20),
        cmocka_unit_test(desl_ms_nlmp),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cipher", tests, NULL, NULL);
}
