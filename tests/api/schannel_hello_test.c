/* schannel.dll's functions that look at a ClientHello, or at a serialized certificate, before or without a context. */
#include "tls_peer.h"

/* OpenSSL's own ClientHello, with a record around it. */
static size_t client_hello(uint8_t *out, size_t room, const char *name)
{
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ssl_ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (name != NULL) {
        SSL_set_tlsext_host_name(ssl, name);
    }
    SSL_connect(ssl);
    int size = BIO_read(SSL_get_wbio(ssl), out, (int)room);
    assert_true(size > 50);
    SSL_free(ssl);
    SSL_CTX_free(ssl_ctx);
    return (size_t)size;
}

static void test_server_identity(void **state)
{
    uint8_t hello[4096];
    PBYTE name = NULL;
    DWORD size = 0;
    size_t hello_size = client_hello(hello, sizeof hello, "www.example.com");
    assert_status(SslGetServerIdentity(hello, (DWORD)hello_size, &name, &size, 0), SEC_E_OK);
    assert_int_equal(size, 15);
    assert_memory_equal(name, "www.example.com", 15);
    assert_true(name > hello && name < hello + hello_size); /* inside the message */
    assert_status(SslGetServerIdentity(NULL, 5, &name, &size, 0), SEC_E_INVALID_PARAMETER);
    assert_status(SslGetServerIdentity(hello, 5, NULL, &size, 0), SEC_E_INVALID_PARAMETER);
    assert_status(SslGetServerIdentity(hello, 5, &name, NULL, 0), SEC_E_INVALID_PARAMETER);
    hello_size = client_hello(hello, sizeof hello, NULL);
    assert_status(SslGetServerIdentity(hello, (DWORD)hello_size, &name, &size, 0), SEC_E_INVALID_PARAMETER);
}

static void test_extensions(void **state)
{
    uint8_t hello[4096];
    size_t hello_size = client_hello(hello, sizeof hello, "www.example.com");
    for (int alone = 0; alone < 2; alone++) {
        SCH_EXTENSION_DATA list[] = {{.ExtensionType = 43}, {.ExtensionType = 0xFAFA, .cbExtData = 7}, {0}};
        DWORD missing = 0;
        assert_status(SslGetExtensions(hello + (alone ? 5 : 0), (DWORD)hello_size - (alone ? 5 : 0), list, 3, &missing,
                                       alone ? SCH_NO_RECORD_HEADER : SCH_EXTENSIONS_OPTIONS_NONE),
                      SEC_E_OK);
        assert_int_equal(list[0].cbExtData, 1 + list[0].pExtData[0]); /* supported_versions: size, list */
        assert_int_equal(list[0].pExtData[1], 3);
        assert_null(list[1].pExtData);
        assert_int_equal(list[1].cbExtData, 0);
        assert_memory_equal(list[2].pExtData, "\0\x12\0\0\x0fwww.example.com", 20); /* RFC 6066 3 */
    }
}

/* Cut off anywhere it is incomplete, and what is said to be missing makes it whole, or at least longer. */
static void test_incomplete(void **state)
{
    uint8_t hello[4096];
    size_t hello_size = client_hello(hello, sizeof hello, "www.example.com");
    for (int alone = 0; alone < 2; alone++) {
        uint8_t *start = hello + (alone ? 5 : 0);
        size_t whole = hello_size - (alone ? 5 : 0);
        for (size_t size = 0; size < whole; size++) {
            uint8_t *copy = malloc(size + 1);
            memcpy(copy, start, size);
            DWORD missing = 0;
            assert_status(SslGetExtensions(copy, (DWORD)size, NULL, 0, &missing,
                                           alone ? SCH_NO_RECORD_HEADER : SCH_EXTENSIONS_OPTIONS_NONE),
                          SEC_E_INCOMPLETE_MESSAGE);
            assert_in_range(missing, 1, whole - size);
            if (size >= 5) {
                assert_int_equal(missing, whole - size);
            }
            free(copy);
        }
    }
}

/* Whatever is wrong, nothing is read outside, and nothing is written to the caller's structures. */
static void test_malformed(void **state)
{
    uint8_t hello[4096];
    size_t hello_size = client_hello(hello, sizeof hello, "www.example.com");
    unsigned refused = 0;
    for (size_t at = 0; at < hello_size; at++) {
        static const uint8_t changes[] = {0x01, 0x10, 0x80, 0xFF};
        for (size_t c = 0; c < sizeof changes; c++) {
            uint8_t *copy = malloc(hello_size);
            memcpy(copy, hello, hello_size);
            copy[at] ^= changes[c];
            SCH_EXTENSION_DATA data = {.ExtensionType = 0, .cbExtData = 0xA5A5};
            DWORD missing = 0;
            SECURITY_STATUS status =
                SslGetExtensions(copy, (DWORD)hello_size, &data, 1, &missing, SCH_EXTENSIONS_OPTIONS_NONE);
            if (status != SEC_E_OK) {
                assert_true(status == SEC_E_INVALID_TOKEN || status == SEC_E_INCOMPLETE_MESSAGE);
                assert_int_equal(data.cbExtData, 0xA5A5);
                refused++;
            } else if (data.pExtData != NULL) {
                assert_true(data.pExtData >= copy && data.pExtData + data.cbExtData <= copy + hello_size);
            }
            PBYTE name = NULL;
            DWORD size = 0;
            if (SslGetServerIdentity(copy, (DWORD)hello_size, &name, &size, 0) == SEC_E_OK) {
                assert_true(name >= copy && name + size <= copy + hello_size);
            } else {
                assert_null(name);
            }
            free(copy);
        }
    }
    assert_true(refused > 50); /* every length field, at the least */
    static const char http[] = "GET / HTTP/1.1\r\n\r\n";
    DWORD missing = 0;
    assert_status(SslGetExtensions((const BYTE *)http, sizeof http, NULL, 0, &missing, SCH_EXTENSIONS_OPTIONS_NONE),
                  SEC_E_INVALID_TOKEN);
}

static void test_serialized(void **state)
{
    struct peer peer;
    CERT_BLOB blob;
    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = TLS1_3_VERSION});
    peer_establish(&peer);
    peer_query(&peer, SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT, &blob);
    PCCERT_CONTEXT certificate = NULL;
    for (DWORD size = 0; size < blob.cbData; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, blob.pbData, size);
        CERT_BLOB part = {size, copy};
        assert_status(SslDeserializeCertificateStore(part, &certificate), SEC_E_INVALID_TOKEN);
        assert_null(certificate);
        free(copy);
    }
    assert_status(SslDeserializeCertificateStore(blob, NULL), SEC_E_INVALID_PARAMETER);
    assert_status(SslDeserializeCertificateStore((CERT_BLOB){0, NULL}, &certificate), SEC_E_INVALID_PARAMETER);
    blob.pbData[4] ^= 1; /* "CERT" */
    assert_status(SslDeserializeCertificateStore(blob, &certificate), SEC_E_INVALID_TOKEN);
    assert_status(FreeContextBuffer(blob.pbData), SEC_E_OK);
    peer_close(&peer);
}

/* What the SDK still declares: a documented answer, and nothing behind it. */
static void test_obsolete(void **state)
{
    SSL_CREDENTIAL_CERTIFICATE keys = {0};
    char name[] = "CN=somebody", password[] = "password";
    unsigned char der[] = {0x30, 0x00};
    PX509Certificate certificate = (PX509Certificate)(uintptr_t)&keys;
    SetLastError(0);
    assert_false(SslGenerateKeyPair(&keys, name, password, 2048));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_null(keys.pPrivateKey);
    SetLastError(0);
    assert_false(SslCrackCertificate(der, sizeof der, 0, &certificate));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_ptr_equal(certificate, &keys);
    SslFreeCertificate(NULL);
    SetLastError(0);
    assert_int_equal(SslGetMaximumKeySize(0), 0);
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
}

/* 64 bytes that are as they were, or come twice, are no accident. */
static void test_random_bits(void **state)
{
    unsigned char one[66], other[66];
    memset(one, 0x5A, sizeof one);
    memset(other, 0x5A, sizeof other);
    SslGenerateRandomBits(one + 1, 64);
    SslGenerateRandomBits(other + 1, 64);
    assert_int_equal(one[0], 0x5A);
    assert_int_equal(one[65], 0x5A);
    assert_memory_not_equal(one, other, sizeof one);
    memcpy(other, one, sizeof one);
    SslGenerateRandomBits(other, 0);
    SslGenerateRandomBits(other, -1);
    SslGenerateRandomBits(NULL, 64);
    assert_memory_equal(one, other, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_identity), cmocka_unit_test(test_extensions), cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_malformed),       cmocka_unit_test(test_serialized), cmocka_unit_test(test_obsolete),
        cmocka_unit_test(test_random_bits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!peer_has_pki()) {
        print_message("1..0 # SKIP the openssl command is missing: no certificates\n");
        return 0;
    }
    return cmocka_run_group_tests_name("schannel hello", tests, NULL, NULL);
}
