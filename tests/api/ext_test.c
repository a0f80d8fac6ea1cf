/* sspi_ext.h: verifiers, reasons.  The response that is verified is the one of MS-NLMP 4.2.4. */
#include "pair.h"

#include <pthread.h>

static const unsigned char challenge[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

/* NTOWFv1("Password"), MS-NLMP 4.2.2.1.2. */
static const unsigned char nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca,
                                          0xb6, 0x82, 0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};

/* NTProofStr (4.2.4.2.2), then temp (4.2.4.1.3). */
static const unsigned char nt_response[] = {
    0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b, 0xeb, 0xef, 0x6a, 0x1c, 0x01,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xaa, 0xaa,
    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x0c, 0x00, 0x44, 0x00, 0x6f,
    0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x01, 0x00, 0x0c, 0x00, 0x53, 0x00, 0x65, 0x00,
    0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* SessionBaseKey, 4.2.4.1.2. */
static const unsigned char session_base_key[16] = {0x8d, 0xe4, 0x0c, 0xca, 0xdb, 0xc1, 0x4a, 0x82,
                                                   0xf1, 0x5c, 0xb0, 0xad, 0x0d, 0xe9, 0x5c, 0xa3};

static const WCHAR user[] = {'U', 's', 'e', 'r'};
static const WCHAR domain[] = {'D', 'o', 'm', 'a', 'i', 'n'};

static SSPI_EXT_LOGON logon_of_the_specification(void)
{
    return (SSPI_EXT_LOGON){
        .Size = sizeof(SSPI_EXT_LOGON),
        .User = user,
        .UserLength = 4,
        .Domain = domain,
        .DomainLength = 6,
        .Challenge = challenge,
        .NtResponse = nt_response,
        .NtResponseLength = sizeof nt_response,
    };
}

static void test_verify_the_specifications_response(void **state)
{
    SSPI_EXT_LOGON logon = logon_of_the_specification();
    SSPI_EXT_LOGON_RESULT result = {.Size = sizeof result};
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_OK);
    assert_memory_equal(result.SessionBaseKey, session_base_key, 16);
}

static void test_refuse_what_does_not_match(void **state)
{
    static const unsigned char nothing[16] = {0};
    unsigned char response[sizeof nt_response];
    SSPI_EXT_LOGON_RESULT result = {.Size = sizeof result};
    for (size_t i = 0; i < sizeof response; i++) {
        SSPI_EXT_LOGON logon = logon_of_the_specification();
        memcpy(response, nt_response, sizeof response);
        response[i] ^= 1;
        logon.NtResponse = response;
        assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_LOGON_DENIED);
    }
    for (ULONG size = 0; size < sizeof response; size++) {
        SSPI_EXT_LOGON logon = logon_of_the_specification();
        logon.NtResponseLength = size;
        assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_LOGON_DENIED);
    }
    SSPI_EXT_LOGON logon = logon_of_the_specification();
    logon.DomainLength = 5;
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_LOGON_DENIED);
    logon = logon_of_the_specification();
    assert_status(SspiExtVerifyNtHash(&logon, session_base_key, &result), SEC_E_LOGON_DENIED);
    assert_memory_equal(result.SessionBaseKey, nothing, 16);
}

static void test_bad_arguments(void **state)
{
    SSPI_EXT_LOGON logon = logon_of_the_specification();
    SSPI_EXT_LOGON_RESULT result = {.Size = sizeof result};
    assert_status(SspiExtVerifyNtHash(NULL, nt_hash, &result), SEC_E_INVALID_PARAMETER);
    assert_status(SspiExtVerifyNtHash(&logon, NULL, &result), SEC_E_INVALID_PARAMETER);
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, NULL), SEC_E_INVALID_PARAMETER);
    logon.Size--;
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_INVALID_PARAMETER);
    logon.Size++;
    result.Size = 0;
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_INVALID_PARAMETER);
    result.Size = sizeof result;
    logon.Challenge = NULL;
    assert_status(SspiExtVerifyNtHash(&logon, nt_hash, &result), SEC_E_LOGON_DENIED);
}

/* ---------------------------------------------------------------- verifiers */

struct asked {
    int times;
    SECURITY_STATUS answer;
};

static SECURITY_STATUS SEC_ENTRY answer(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    struct asked *asked = argument;
    asked->times++;
    if (logon->Size < sizeof *logon || logon->UserLength != 4 || memcmp(logon->User, user, sizeof user) != 0 ||
        logon->DomainLength != 6 || memcmp(logon->Domain, domain, sizeof domain) != 0) {
        return SEC_E_INTERNAL_ERROR;
    }
    SECURITY_STATUS status = SspiExtVerifyNtHash(logon, nt_hash, result);
    return asked->answer == SEC_E_OK ? status : asked->answer;
}

/* Runs a logon with a verifier that answers `answer`, and returns what the server said in the end. */
static SECURITY_STATUS logon_with(struct asked *asked)
{
    struct pair pair;
    struct token client;
    struct token server;
    pair_credentials(&pair, "Password");
    assert_status(SspiExtSetVerifier(&pair.server_credential, answer, asked), SEC_E_OK);
    assert_status(pair_first_leg(&pair, ISC_REQ_INTEGRITY, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &pair.client, NULL, ISC_REQ_INTEGRITY, 0, 0, &server.descriptor, 0,
                                             NULL, &client.descriptor, NULL, NULL),
                  SEC_E_OK);
    SECURITY_STATUS status =
        AcceptSecurityContext(NULL, &pair.server, &client.descriptor, 0, 0, NULL, NULL, NULL, NULL);
    pair_close(&pair);
    return status;
}

static void test_verifier_is_asked(void **state)
{
    static const struct {
        SECURITY_STATUS answer;
        SECURITY_STATUS status;
    } cases[] = {
        {SEC_E_OK, SEC_E_OK},
        {SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED},
        {SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY},
        {SEC_E_INTERNAL_ERROR, SEC_E_LOGON_DENIED}, /* any other failure is the peer's to see as a denial */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked asked = {.answer = cases[i].answer};
        assert_int_equal(logon_with(&asked), cases[i].status);
        assert_int_equal(asked.times, 1);
    }
}

/* ---------------------------------------------------------------- reasons */

static void *fail_elsewhere(void *argument)
{
    CtxtHandle nowhere = {0, 0};
    *(SECURITY_STATUS *)argument = DeleteSecurityContext(&nowhere);
    return NULL;
}

/* The reason is this thread's: a failure in another one does not show here. */
static void test_reason_belongs_to_the_thread(void **state)
{
    pthread_t thread;
    SECURITY_STATUS there = SEC_E_OK;
    assert_status(FreeContextBuffer(NULL), SEC_E_OK);
    assert_null(SspiExtLastReason(NULL));
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &there), 0);
    pthread_join(thread, NULL);
    assert_int_equal(there, SEC_E_INVALID_HANDLE);
    assert_null(SspiExtLastReason(NULL));
}

/* A message that fails leaves a reason, and the next one that succeeds takes it away. */
static void test_reason_of_messages(void **state)
{
    struct pair pair;
    unsigned char token[16];
    SecBuffer buffer = {.cbBuffer = 15, .BufferType = SECBUFFER_TOKEN, .pvBuffer = token};
    SecBufferDesc message = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 1, .pBuffers = &buffer};
    SECURITY_STATUS status = SEC_E_OK;
    pair_open(&pair, ISC_REQ_INTEGRITY);
    assert_status(MakeSignature(&pair.client, 0, &message, 0), SEC_E_BUFFER_TOO_SMALL);
    assert_non_null(SspiExtLastReason(&status));
    assert_int_equal(status, SEC_E_BUFFER_TOO_SMALL);
    buffer.cbBuffer = 16;
    assert_status(MakeSignature(&pair.client, 0, &message, 0), SEC_E_OK);
    assert_null(SspiExtLastReason(NULL));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_the_specifications_response),
        cmocka_unit_test(test_refuse_what_does_not_match),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_verifier_is_asked),
        cmocka_unit_test(test_reason_belongs_to_the_thread),
        cmocka_unit_test(test_reason_of_messages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ext", tests, NULL, NULL);
}
