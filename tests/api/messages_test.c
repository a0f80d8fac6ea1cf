/* MakeSignature, VerifySignature, EncryptMessage, DecryptMessage on NTLM (Q7 to Q15 of the observed behaviour). */
#include "pair.h"

#include <pthread.h>

#define SEALED (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY)

/* Data, signature and two more data buffers, in whatever order a test wants. */
struct message {
    SecBufferDesc descriptor;
    SecBuffer buffers[4];
    unsigned char token[16];
    unsigned char data[3][32];
};

static const char text[] = "Hello, world!";

/* DATA|READONLY_WITH_CHECKSUM, DATA, DATA|READONLY_WITH_CHECKSUM, TOKEN: an order that works on Windows. */
static void message_init(struct message *message)
{
    memset(message, 0, sizeof *message);
    for (size_t i = 0; i < 3; i++) {
        memcpy(message->data[i], text, sizeof text);
        message->data[i][0] = (unsigned char)('A' + i);
        ULONG attribute = i == 1 ? 0 : SECBUFFER_READONLY_WITH_CHECKSUM;
        message->buffers[i] = (SecBuffer){
            .cbBuffer = sizeof text, .BufferType = SECBUFFER_DATA | attribute, .pvBuffer = message->data[i]};
    }
    message->buffers[3] = (SecBuffer){.cbBuffer = 16, .BufferType = SECBUFFER_TOKEN, .pvBuffer = message->token};
    message->descriptor = (SecBufferDesc){.ulVersion = SECBUFFER_VERSION, .cBuffers = 4, .pBuffers = message->buffers};
}

static void test_no_token_buffer(void **state)
{
    struct pair pair;
    struct message message;
    ULONG qop = 0xdeadbeef;
    pair_open(&pair, SEALED);
    message_init(&message);
    message.descriptor.cBuffers = 3;
    assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_INVALID_TOKEN);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_INVALID_TOKEN);
    assert_status(VerifySignature(&pair.client, &message.descriptor, 0, &qop), SEC_E_INVALID_TOKEN);
    assert_status(DecryptMessage(&pair.client, &message.descriptor, 0, &qop), SEC_E_INVALID_TOKEN);
    assert_status(MakeSignature(&pair.client, 0, NULL, 0), SEC_E_INVALID_TOKEN);
    assert_status(VerifySignature(&pair.client, NULL, 0, &qop), SEC_E_INVALID_TOKEN);
    assert_status(EncryptMessage(&pair.client, 0, NULL, 0), SEC_E_INVALID_TOKEN);
    assert_status(DecryptMessage(&pair.client, NULL, 0, &qop), SEC_E_INVALID_TOKEN);
    assert_int_equal(qop, 0xdeadbeef);
    pair_close(&pair);
}

static void test_bad_buffers(void **state)
{
    struct pair pair;
    struct message message;
    pair_open(&pair, SEALED);
    message_init(&message);
    message.buffers[3].cbBuffer = 15;
    assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_BUFFER_TOO_SMALL);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_BUFFER_TOO_SMALL);
    message_init(&message);
    message.buffers[1].pvBuffer = NULL;
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_INVALID_TOKEN);
    message_init(&message);
    message.descriptor.ulVersion = 7;
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_INVALID_TOKEN);
    message_init(&message);
    message.descriptor.pBuffers = &message.buffers[3];
    message.descriptor.cBuffers = 1;
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_INVALID_TOKEN);
    /* None of these used up a sequence number: the next message is still the peer's first. */
    message_init(&message);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
    assert_status(DecryptMessage(&pair.server, &message.descriptor, 0, NULL), SEC_E_OK);
    pair_close(&pair);
}

static void test_quality_of_protection(void **state)
{
    struct pair pair;
    struct message message;
    pair_open(&pair, SEALED);
    message_init(&message);
    assert_status(MakeSignature(&pair.client, 1, &message.descriptor, 0), SEC_E_QOP_NOT_SUPPORTED);
    assert_status(EncryptMessage(&pair.client, 1, &message.descriptor, 0), SEC_E_QOP_NOT_SUPPORTED);
    assert_status(EncryptMessage(&pair.client, SECQOP_WRAP_NO_ENCRYPT, &message.descriptor, 0), SEC_E_OK);
    assert_memory_equal(message.data[1] + 1, text + 1, sizeof text - 1); /* signed, in the clear */
    pair_close(&pair);
}

/* Neither SIGN nor SEAL: a signature that is always the same, whatever the content and whichever side. */
static void test_dummy_signature(void **state)
{
    static const unsigned char dummy[16] = {1};
    struct pair pair;
    struct message message;
    ULONG qop = 0xdeadbeef;
    pair_open(&pair, 0);
    for (int round = 0; round < 3; round++) {
        message_init(&message);
        message.data[0][5] = (unsigned char)round;
        assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
        assert_memory_equal(message.token, dummy, 16);
        assert_int_equal(message.buffers[3].cbBuffer, 16);
        assert_status(VerifySignature(&pair.client, &message.descriptor, 0, &qop), SEC_E_OK);
        assert_status(VerifySignature(&pair.server, &message.descriptor, 0, &qop), SEC_E_OK);
    }
    message.token[12] = 1;
    assert_status(VerifySignature(&pair.server, &message.descriptor, 0, &qop), SEC_E_MESSAGE_ALTERED);
    assert_int_equal(qop, 0xdeadbeef);
    message_init(&message);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
}

/* The same against an old server (ALWAYS_SIGN alone): any content verifies with the dummy and nothing with another
 * signature, on the very context that made it. */
static void test_dummy_signature_without_ess(void **state)
{
    static const unsigned char dummy[16] = {1};
    static const unsigned char other[16] = {1, 0, 0, 0, 0xe8, 0xc7, 0xaa, 0x26, 0x16, 0x39, 7, 0x4e};
    struct pair pair;
    struct token token;
    struct message message;
    ULONG qop = 0xdeadbeef;
    pair_credentials(&pair, "Password");
    pair_answer_plain_challenge(&pair, &token);
    message_init(&message);
    for (int round = 0; round < 2; round++) {
        assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
        assert_memory_equal(message.token, dummy, 16);
        message.data[1][1] ^= 1;
        assert_status(VerifySignature(&pair.client, &message.descriptor, 0, &qop), SEC_E_OK);
        memcpy(message.token, other, 16);
        assert_status(VerifySignature(&pair.client, &message.descriptor, 0, &qop), SEC_E_MESSAGE_ALTERED);
    }
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    memcpy(message.token, dummy, 16);
    assert_status(DecryptMessage(&pair.client, &message.descriptor, 0, &qop), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(qop, 0xdeadbeef);
    pair_close(&pair);
}

static void test_sign_and_verify(void **state)
{
    struct pair pair;
    struct message message;
    ULONG qop = 0xdeadbeef;
    pair_open(&pair, ISC_REQ_INTEGRITY);
    for (ULONG sequence = 0; sequence < 3; sequence++) {
        message_init(&message);
        message.buffers[3].cbBuffer = 16;
        assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
        assert_memory_equal(message.token, "\1\0\0\0", 4);
        assert_status(VerifySignature(&pair.server, &message.descriptor, 0, &qop), SEC_E_OK);
        message_init(&message);
        assert_status(MakeSignature(&pair.server, 0, &message.descriptor, 0), SEC_E_OK);
        assert_status(VerifySignature(&pair.client, &message.descriptor, 0, NULL), SEC_E_OK);
    }
    assert_int_equal(qop, 0xdeadbeef);
    pair_close(&pair);
}

static void test_altered_messages(void **state)
{
    struct pair pair;
    struct message message;
    pair_open(&pair, ISC_REQ_INTEGRITY);
    message_init(&message);
    assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
    for (size_t buffer = 0; buffer < 3; buffer++) {
        message.data[buffer][3] ^= 1;
        assert_status(VerifySignature(&pair.server, &message.descriptor, 0, NULL), SEC_E_MESSAGE_ALTERED);
        message.data[buffer][3] ^= 1;
    }
    message.token[5] ^= 0x80;
    assert_status(VerifySignature(&pair.server, &message.descriptor, 0, NULL), SEC_E_MESSAGE_ALTERED);
    message.token[5] ^= 0x80;
    /* A refused message changes nothing: the right one still verifies. */
    assert_status(VerifySignature(&pair.server, &message.descriptor, 0, NULL), SEC_E_OK);
    pair_close(&pair);
}

static void test_seal_and_unseal(void **state)
{
    struct pair pair;
    struct message message;
    struct message plain;
    ULONG qop = 0xdeadbeef;
    pair_open(&pair, SEALED);
    message_init(&plain);
    message_init(&message);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
    assert_memory_equal(message.token, "\1\0\0\0", 4);
    assert_int_equal(message.buffers[3].cbBuffer, 16);
    assert_memory_equal(message.data[0], plain.data[0], sizeof text); /* read-only: signed, not encrypted */
    assert_memory_equal(message.data[2], plain.data[2], sizeof text);
    assert_memory_not_equal(message.data[1], plain.data[1], sizeof text);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(message.buffers[i].cbBuffer, sizeof text);
    }
    assert_status(DecryptMessage(&pair.server, &message.descriptor, 0, &qop), SEC_E_OK);
    assert_memory_equal(message.data, plain.data, sizeof plain.data);
    assert_int_equal(qop, 0xdeadbeef);
    pair_close(&pair);
}

/* Moves the token to `place`. */
static void place_token(struct message *message, size_t place)
{
    SecBuffer token = message->buffers[3];
    memmove(&message->buffers[place + 1], &message->buffers[place], (3 - place) * sizeof token);
    message->buffers[place] = token;
}

static void test_signature_anywhere(void **state)
{
    static const ULONG flags[] = {0, ISC_REQ_INTEGRITY, SEALED};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct pair pair;
        pair_open(&pair, flags[i]);
        for (size_t place = 0; place < 4; place++) {
            struct message message;
            struct message plain;
            ULONG qop = 0xdeadbeef;
            message_init(&plain);
            message_init(&message);
            place_token(&message, place);
            assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
            assert_memory_equal(message.data, plain.data, sizeof plain.data); /* signing changes no data */
            assert_status(VerifySignature(&pair.server, &message.descriptor, 0, &qop), SEC_E_OK);
            assert_int_equal(qop, 0xdeadbeef);
        }
        pair_close(&pair);
    }
}

static void test_token_anywhere(void **state)
{
    for (size_t place = 0; place < 4; place++) {
        struct pair pair;
        struct message message;
        struct message plain;
        pair_open(&pair, SEALED);
        message_init(&plain);
        message_init(&message);
        place_token(&message, place);
        assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_OK);
        assert_status(DecryptMessage(&pair.server, &message.descriptor, 0, NULL), SEC_E_OK);
        assert_memory_equal(message.data, plain.data, sizeof plain.data);
        pair_close(&pair);
    }
}

static void test_stream_buffer(void **state)
{
    struct pair pair;
    unsigned char stream[16 + sizeof text];
    pair_open(&pair, SEALED);
    memcpy(stream + 16, text, sizeof text);
    SecBuffer out[] = {
        {.cbBuffer = 16, .BufferType = SECBUFFER_TOKEN, .pvBuffer = stream},
        {.cbBuffer = sizeof text, .BufferType = SECBUFFER_DATA, .pvBuffer = stream + 16},
        {.cbBuffer = 0, .BufferType = SECBUFFER_PADDING, .pvBuffer = NULL},
    };
    SecBufferDesc sent = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 3, .pBuffers = out};
    assert_status(EncryptMessage(&pair.server, 0, &sent, 0), SEC_E_OK);
    SecBuffer in[] = {
        {.cbBuffer = sizeof stream, .BufferType = SECBUFFER_STREAM, .pvBuffer = stream},
        {.cbBuffer = 0, .BufferType = SECBUFFER_DATA, .pvBuffer = NULL},
    };
    SecBufferDesc received = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = in};
    assert_status(DecryptMessage(&pair.client, &received, 0, NULL), SEC_E_OK);
    assert_ptr_equal(in[1].pvBuffer, stream + 16);
    assert_int_equal(in[1].cbBuffer, sizeof text);
    assert_memory_equal(in[1].pvBuffer, text, sizeof text);
    pair_close(&pair);
}

static void test_replayed_and_lost(void **state)
{
    struct pair pair;
    struct message first;
    struct message second;
    struct message third;
    pair_open(&pair, SEALED);
    message_init(&first);
    message_init(&second);
    message_init(&third);
    assert_status(MakeSignature(&pair.client, 0, &first.descriptor, 0), SEC_E_OK);
    assert_status(MakeSignature(&pair.client, 0, &second.descriptor, 0), SEC_E_OK);
    assert_status(MakeSignature(&pair.client, 0, &third.descriptor, 0), SEC_E_OK);
    assert_status(VerifySignature(&pair.server, &first.descriptor, 0, NULL), SEC_E_OK);
    assert_status(VerifySignature(&pair.server, &first.descriptor, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    assert_status(VerifySignature(&pair.server, &third.descriptor, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    assert_status(VerifySignature(&pair.server, &second.descriptor, 0, NULL), SEC_E_OK);
    pair_close(&pair);
}

static void test_before_the_end(void **state)
{
    struct pair pair;
    struct token token;
    struct message message;
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, SEALED, &token), SEC_I_CONTINUE_NEEDED);
    message_init(&message);
    assert_status(MakeSignature(&pair.client, 0, &message.descriptor, 0), SEC_E_OUT_OF_SEQUENCE);
    assert_status(VerifySignature(&pair.client, &message.descriptor, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    assert_status(EncryptMessage(&pair.client, 0, &message.descriptor, 0), SEC_E_OUT_OF_SEQUENCE);
    assert_status(DecryptMessage(&pair.client, &message.descriptor, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    pair_close(&pair);
}

/* Both directions of one context at once, each in its own thread, as full-duplex callers do. */
#define ROUNDS 2000

static struct pair duplex;
static struct message to_server[ROUNDS];
static struct message to_client[ROUNDS];

static void *seal_all(void *wrong)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        message_init(&to_server[i]);
        *(int *)wrong += EncryptMessage(&duplex.client, 0, &to_server[i].descriptor, 0) != SEC_E_OK;
    }
    return NULL;
}

static void *unseal_all(void *wrong)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        *(int *)wrong += DecryptMessage(&duplex.client, &to_client[i].descriptor, 0, NULL) != SEC_E_OK;
    }
    return NULL;
}

static void test_full_duplex(void **state)
{
    pthread_t sealer;
    pthread_t unsealer;
    int wrong[2] = {0, 0};
    pair_open(&duplex, SEALED);
    for (size_t i = 0; i < ROUNDS; i++) {
        message_init(&to_client[i]);
        assert_status(EncryptMessage(&duplex.server, 0, &to_client[i].descriptor, 0), SEC_E_OK);
    }
    assert_int_equal(pthread_create(&sealer, NULL, seal_all, &wrong[0]), 0);
    assert_int_equal(pthread_create(&unsealer, NULL, unseal_all, &wrong[1]), 0);
    pthread_join(sealer, NULL);
    pthread_join(unsealer, NULL);
    assert_int_equal(wrong[0], 0);
    assert_int_equal(wrong[1], 0);
    for (size_t i = 0; i < ROUNDS; i++) {
        assert_status(DecryptMessage(&duplex.server, &to_server[i].descriptor, 0, NULL), SEC_E_OK);
    }
    pair_close(&duplex);
}

/* A context deleted while another thread works with it: its calls end well or say INVALID_HANDLE, nothing else. */
static void *use_until_gone(void *wrong)
{
    CtxtHandle handle = duplex.client;
    for (;;) {
        struct message message;
        message_init(&message);
        SECURITY_STATUS status = EncryptMessage(&handle, 0, &message.descriptor, 0);
        if (status == SEC_E_INVALID_HANDLE) {
            return NULL;
        }
        *(int *)wrong += status != SEC_E_OK;
    }
}

static void test_delete_under_way(void **state)
{
    for (int round = 0; round < 20; round++) {
        pthread_t threads[2];
        int wrong[2] = {0, 0};
        pair_open(&duplex, SEALED);
        assert_int_equal(pthread_create(&threads[0], NULL, use_until_gone, &wrong[0]), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, use_until_gone, &wrong[1]), 0);
        for (int i = 0; i < 20; i++) {
            SecPkgContext_NamesA names = {0};
            assert_status(QueryContextAttributesA(&duplex.client, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
            assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
        }
        pair_close(&duplex);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        assert_int_equal(wrong[0] + wrong[1], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_token_buffer),
        cmocka_unit_test(test_bad_buffers),
        cmocka_unit_test(test_quality_of_protection),
        cmocka_unit_test(test_dummy_signature),
        cmocka_unit_test(test_dummy_signature_without_ess),
        cmocka_unit_test(test_signature_anywhere),
        cmocka_unit_test(test_sign_and_verify),
        cmocka_unit_test(test_altered_messages),
        cmocka_unit_test(test_seal_and_unseal),
        cmocka_unit_test(test_token_anywhere),
        cmocka_unit_test(test_stream_buffer),
        cmocka_unit_test(test_replayed_and_lost),
        cmocka_unit_test(test_before_the_end),
        cmocka_unit_test(test_full_duplex),
        cmocka_unit_test(test_delete_under_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
