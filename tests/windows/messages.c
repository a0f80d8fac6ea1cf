/* Rules 46 to 53: messages of NTLM and Negotiate.  Those of Kerberos, with MIT's GSSAPI as the judge, are in kerberos.c. */
#include "rules.h"

#define EACH_PACKAGE(pair) for (int each_ = 0; each_ < 2 && open_pair(&(pair), each_); pair_close(&(pair)), each_++)

static bool open_pair(struct pair *pair, int which)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    pair_credentials_of(pair, which == 0 ? (char[]){"NTLM"} : (char[]){"Negotiate"}, &identity);
    pair_establish(pair, SEALED, 0);
    return true;
}

static void rule_46_sizes(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        SecPkgContext_Sizes sizes = {0, 0, 0, 0};
        assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
        assert_int_equal(sizes.cbBlockSize, 0);     /* as Windows has it (windows-behaviour.md, Q1); Kerberos says 1 */
        assert_int_equal(sizes.cbMaxSignature, 16); /* MS-NLMP 2.2.2.9 */
        assert_true(sizes.cbSecurityTrailer >= 16 && sizes.cbMaxToken >= 2888);
    }
}

/* mongo, node-kerberos and openconnect: one block; curl: three of them. */
static void rule_47_wrapping_without_encryption(void **state)
{
    struct pair pair;
    assert_int_equal(SECQOP_WRAP_NO_ENCRYPT, 0x80000001);
    EACH_PACKAGE(pair)
    {
        for (int blocks = 0; blocks < 2; blocks++) {
            SecPkgContext_Sizes sizes;
            assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
            unsigned char *block = calloc(1, sizes.cbSecurityTrailer + 4 + sizes.cbBlockSize);
            unsigned char *data = blocks == 0 ? block + sizes.cbSecurityTrailer : calloc(1, 4);
            unsigned char *padding = blocks == 0 ? data + 4 : calloc(1, sizes.cbBlockSize);
            memcpy(data, "\1\0\20\0", 4);
            SecBuffer buffers[3] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, block},
                                    {4, SECBUFFER_DATA, data},
                                    {sizes.cbBlockSize, SECBUFFER_PADDING, padding}};
            SecBufferDesc wrapped = {SECBUFFER_VERSION, 3, buffers};
            assert_status(EncryptMessage(&pair.client, SECQOP_WRAP_NO_ENCRYPT, &wrapped, 0), SEC_E_OK);
            assert_int_equal(buffers[1].cbBuffer, 4);
            assert_memory_equal(data, "\1\0\20\0", 4); /* not encrypted */
            SecBuffer signed_only[2] = {buffers[0], buffers[1]};
            SecBufferDesc message = {SECBUFFER_VERSION, 2, signed_only};
            data[3] ^= 1;
            assert_status(DecryptMessage(&pair.server, &message, 0, NULL), SEC_E_MESSAGE_ALTERED); /* but protected */
            data[3] ^= 1;
            assert_status(DecryptMessage(&pair.server, &message, 0, NULL), SEC_E_OK);
            assert_memory_equal(data, "\1\0\20\0", 4);
            if (blocks != 0) {
                free(data);
                free(padding);
            }
            free(block);
        }
    }
}

/* What comes back are the real lengths, and the text's own is unchanged: what is sent is the sum. */
static void rule_48_lengths_that_come_back(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        unsigned char trailer[64], message[] = "plain text", padding[16];
        SecBuffer buffers[3] = {{sizeof trailer, SECBUFFER_TOKEN, trailer},
                                {sizeof message, SECBUFFER_DATA, message},
                                {sizeof padding, SECBUFFER_PADDING, padding}};
        SecBufferDesc wrapped = {SECBUFFER_VERSION, 3, buffers};
        assert_status(EncryptMessage(&pair.client, 0, &wrapped, 0), SEC_E_OK);
        assert_int_equal(buffers[0].cbBuffer, 16);
        assert_int_equal(buffers[1].cbBuffer, sizeof message);
        assert_int_equal(buffers[2].cbBuffer, 0);
        unsigned char whole[64];
        memcpy(whole, trailer, 16);
        memcpy(whole + 16, message, sizeof message);
        SecBuffer stream[2] = {{16 + sizeof message, SECBUFFER_STREAM, whole}, {0, SECBUFFER_DATA, NULL}};
        SecBufferDesc received = {SECBUFFER_VERSION, 2, stream};
        assert_status(DecryptMessage(&pair.server, &received, 0, NULL), SEC_E_OK);
        assert_int_equal(stream[1].cbBuffer, sizeof message);
        assert_memory_equal(stream[1].pvBuffer, "plain text", sizeof message);
    }
}

/* librdkafka's answer: four bytes and a name, each in a buffer of its own. */
static void rule_49_two_buffers_are_one_text(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        unsigned char trailer[16], head[4] = {1, 0, 0, 0}, name[] = "User@DOMAIN", padding[1],
                                   whole[16 + 4 + sizeof name];
        SecBuffer buffers[4] = {{sizeof trailer, SECBUFFER_TOKEN, trailer},
                                {sizeof head, SECBUFFER_DATA, head},
                                {sizeof name, SECBUFFER_DATA, name},
                                {sizeof padding, SECBUFFER_PADDING, padding}};
        SecBufferDesc wrapped = {SECBUFFER_VERSION, 4, buffers};
        assert_status(EncryptMessage(&pair.client, SECQOP_WRAP_NO_ENCRYPT, &wrapped, 0), SEC_E_OK);
        memcpy(whole, trailer, 16);
        memcpy(whole + 16, head, 4);
        memcpy(whole + 20, name, sizeof name);
        SecBuffer one[2] = {{16, SECBUFFER_TOKEN, whole}, {4 + sizeof name, SECBUFFER_DATA, whole + 16}};
        SecBufferDesc received = {SECBUFFER_VERSION, 2, one};
        assert_status(DecryptMessage(&pair.server, &received, 0, NULL), SEC_E_OK);
        assert_memory_equal(whole + 20, "User@DOMAIN", sizeof name);
    }
}

/* The SDK's example: TOKEN and DATA, in whichever order. */
static void rule_50_token_and_data(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        for (int order = 0; order < 2; order++) {
            unsigned char trailer[16], message[] = "This is your server speaking";
            SecBuffer token = {sizeof trailer, SECBUFFER_TOKEN, trailer},
                      data = {sizeof message, SECBUFFER_DATA, message};
            SecBuffer buffers[2] = {order == 0 ? token : data, order == 0 ? data : token};
            SecBufferDesc sealed = {SECBUFFER_VERSION, 2, buffers};
            assert_status(EncryptMessage(&pair.server, 0, &sealed, 0), SEC_E_OK);
            assert_memory_not_equal(message, "This is your server speaking", sizeof message);
            SecBuffer turned[2] = {buffers[1], buffers[0]};
            SecBufferDesc received = {SECBUFFER_VERSION, 2, turned};
            ULONG qop = 0;
            assert_status(DecryptMessage(&pair.client, &received, 0, &qop), SEC_E_OK);
            assert_memory_equal(message, "This is your server speaking", sizeof message);
        }
    }
}

/* STREAM and an empty DATA, which then points into the STREAM; that one stays the caller's to free. */
static void rule_51_a_stream_is_unwrapped_in_place(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        unsigned char trailer[16], message[] = "in place";
        SecBuffer buffers[2] = {{16, SECBUFFER_TOKEN, trailer}, {sizeof message, SECBUFFER_DATA, message}};
        SecBufferDesc sealed = {SECBUFFER_VERSION, 2, buffers};
        assert_status(EncryptMessage(&pair.client, 0, &sealed, 0), SEC_E_OK);
        ULONG size = 16 + sizeof message;
        unsigned char *heap = malloc(size);
        memcpy(heap, trailer, 16);
        memcpy(heap + 16, message, sizeof message);
        SecBuffer stream[2] = {{size, SECBUFFER_STREAM, heap}, {0, SECBUFFER_DATA, NULL}};
        SecBufferDesc received = {SECBUFFER_VERSION, 2, stream};
        assert_status(DecryptMessage(&pair.server, &received, 0, NULL), SEC_E_OK);
        assert_ptr_equal(stream[0].pvBuffer, heap);
        assert_true((unsigned char *)stream[1].pvBuffer >= heap);
        assert_true((unsigned char *)stream[1].pvBuffer + stream[1].cbBuffer <= heap + size);
        assert_memory_equal(stream[1].pvBuffer, "in place", sizeof message);
        free(heap);
    }
}

static void rule_52_signatures(void **state)
{
    struct pair pair;
    EACH_PACKAGE(pair)
    {
        SecPkgContext_Sizes sizes;
        unsigned char signature[64], copy[64], message[] = "signed";
        assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
        SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message},
                                {sizeof signature, SECBUFFER_TOKEN, signature}};
        SecBufferDesc message_and_mic = {SECBUFFER_VERSION, 2, buffers};
        assert_status(MakeSignature(&pair.client, 0, &message_and_mic, 0), SEC_E_OK);
        assert_int_equal(buffers[1].cbBuffer, sizes.cbMaxSignature);
        memcpy(copy, signature, sizeof copy);
        signature[5] ^= 1;
        assert_status(VerifySignature(&pair.server, &message_and_mic, 0, NULL), SEC_E_MESSAGE_ALTERED);
        memcpy(signature, copy, sizeof copy);
        assert_status(VerifySignature(&pair.server, &message_and_mic, 0, NULL), SEC_E_OK);
        assert_status(VerifySignature(&pair.server, &message_and_mic, 0, NULL), SEC_E_OUT_OF_SEQUENCE); /* a replay */
    }
}

/* SIPE: no token at first, the server's CHALLENGE as the first input, sequence numbers by hand. */
static void rule_53_datagrams(void **state)
{
    const ULONG flags = ISC_REQ_DATAGRAM | ISC_REQ_INTEGRITY | ISC_REQ_IDENTIFY | ISC_REQ_CONFIDENTIALITY;
    CredHandle client_credential = rules_client("NTLM"), server_credential = rules_server("NTLM");
    CtxtHandle client, server;
    struct token nothing, challenge, answer, last;
    ULONG attributes;
    unsigned char signature[16], message[] = "SIP/2.0 200 OK";
    SecBuffer empty = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc none = {SECBUFFER_VERSION, 1, &empty};
    token_init(&nothing, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&client_credential, NULL, text("sip/server"), flags, 0,
                                             SECURITY_NATIVE_DREP, NULL, 0, &client, &nothing.descriptor, &attributes,
                                             NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_int_equal(nothing.buffer.cbBuffer, 0);
    token_init(&challenge, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&server_credential, NULL, &none, ASC_REQ_DATAGRAM | ASC_REQ_INTEGRITY, 0,
                                        &server, &challenge.descriptor, &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(
        rules_initiate(&client_credential, &client, false, "sip/server", flags, &challenge, &answer, &attributes),
        SEC_E_OK);
    assert_status(rules_accept(&server_credential, &server, false, ASC_REQ_DATAGRAM | ASC_REQ_INTEGRITY, &answer, &last,
                               &attributes),
                  SEC_E_OK);
    SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {sizeof signature, SECBUFFER_TOKEN, signature}};
    SecBufferDesc signed_message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(MakeSignature(&client, 0, &signed_message, 100), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, 16);
    assert_status(VerifySignature(&server, &signed_message, 100, NULL), SEC_E_OK);
    assert_status(MakeSignature(&server, 0, &signed_message, 0), SEC_E_OK);
    assert_status(VerifySignature(&client, &signed_message, 0, NULL), SEC_E_OK);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_46_sizes),
        cmocka_unit_test(rule_47_wrapping_without_encryption),
        cmocka_unit_test(rule_48_lengths_that_come_back),
        cmocka_unit_test(rule_49_two_buffers_are_one_text),
        cmocka_unit_test(rule_50_token_and_data),
        cmocka_unit_test(rule_51_a_stream_is_unwrapped_in_place),
        cmocka_unit_test(rule_52_signatures),
        cmocka_unit_test(rule_53_datagrams),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
