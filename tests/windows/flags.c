/* Rules 18 to 24a: flags that are asked for, and what comes back.  Kerberos' own are in kerberos.c. */
#include "rules.h"

static struct tls connection;

/* curl's NTLM, Squid, Firebird: nothing is asked for.  The session stands, has its sizes and its key, and MakeSignature writes
 * what NTLM has for that case; EncryptMessage is refused as Windows refuses it (windows-behaviour.md, Q12).  Kerberos, which
 * curl and mongo ask for nothing, protects messages all the same: kerberos.c. */
static void rule_18_no_flags_at_all(void **state)
{
    struct pair pair;
    SecPkgContext_Sizes sizes;
    SecPkgContext_SessionKey key = {0, NULL};
    unsigned char signature[16], message[] = {1, 0, 16, 0};
    SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc wrapped = {SECBUFFER_VERSION, 2, buffers};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxSignature, 16);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SESSION_KEY, &key), SEC_E_OK);
    assert_int_equal(key.SessionKeyLength, 16);
    assert_status(FreeContextBuffer(key.SessionKey), SEC_E_OK);
    assert_status(MakeSignature(&pair.client, 0, &wrapped, 0), SEC_E_OK);
    assert_status(VerifySignature(&pair.server, &wrapped, 0, NULL), SEC_E_OK);
    assert_status(EncryptMessage(&pair.client, 0, &wrapped, 0), SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
}

static void finish(struct challenge *challenge, ULONG flags)
{
    struct token answer, nothing;
    ULONG attributes;
    assert_status(rules_initiate(&challenge->client_credential, &challenge->client, false, NULL, flags,
                                 &challenge->message, &answer, &attributes),
                  SEC_E_OK);
    assert_status(
        rules_accept(&challenge->server_credential, &challenge->server, false, 0, &answer, &nothing, &attributes),
        SEC_E_OK);
}

/* librdkafka drops bits on the way, libgit2 passes back what was returned, and some bits nobody knows. */
static void rule_19_flags_may_change_on_the_way(void **state)
{
    static const ULONG later[] = {0, SEALED | ISC_REQ_MUTUAL_AUTH, 0x80000000, ISC_RET_REPLAY_DETECT | 0x00001000,
                                  ISC_REQ_IDENTIFY | ISC_REQ_DELEGATE};
    for (size_t i = 0; i < COUNT(later); i++) {
        struct challenge challenge;
        challenge_open(&challenge, NULL, SEALED | ISC_REQ_MUTUAL_AUTH | ISC_REQ_IDENTIFY);
        finish(&challenge, later[i]);
        rules_seal(&challenge.client, &challenge.server);
        challenge_close(&challenge);
    }
    struct challenge challenge;
    challenge_open(&challenge, NULL, 0x80000000 | 0x08000000);
    finish(&challenge, 0x80000000 | 0x08000000);
    challenge_close(&challenge);
}

/* ---------------------------------------------------------------- Schannel: bit for bit */

struct step {
    SECURITY_STATUS status;
    ULONG attributes;
};

/* As curl steps: the library's memory, TOKEN and EMPTY in, TOKEN, ALERT and EMPTY out. */
static struct step curl_step(struct tls *tls, ULONG flags)
{
    SecBuffer in[2] = {{tls->to_client_size, SECBUFFER_TOKEN, tls->to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[3] = {{0, SECBUFFER_TOKEN, NULL}, {0, SECBUFFER_ALERT, NULL}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 3, out};
    struct step step = {SEC_E_OK, 0};
    step.status = InitializeSecurityContextA(&tls->client_credential, tls->has_client ? &tls->client : NULL,
                                             text("www.example.com"), flags, 0, 0, tls->has_client ? &input : NULL, 0,
                                             tls->has_client ? NULL : &tls->client, &output, &step.attributes, NULL);
    tls->has_client = tls->has_client || step.status >= 0;
    for (size_t i = 0; i < COUNT(out); i++) {
        if (step.status >= 0 && out[i].BufferType == SECBUFFER_TOKEN && out[i].cbBuffer > 0) {
            memcpy(tls->to_server + tls->to_server_size, out[i].pvBuffer, out[i].cbBuffer);
            tls->to_server_size += out[i].cbBuffer;
        }
        if (out[i].pvBuffer != NULL) {
            assert_status(FreeContextBuffer(out[i].pvBuffer), SEC_E_OK);
        }
    }
    ULONG left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
    memmove(tls->to_client, tls->to_client + tls->to_client_size - left, left);
    tls->to_client_size = left;
    return step;
}

/* A handshake whose client asks for these, and for those with its last call; each answer is what its call asked for. */
static void exact_flags(ULONG flags, ULONG last)
{
    struct step step = curl_step(&connection, flags);
    assert_status(step.status, SEC_I_CONTINUE_NEEDED);
    assert_int_equal(step.attributes, flags);
    connection.server_status = SEC_I_CONTINUE_NEEDED;
    while (step.status == SEC_I_CONTINUE_NEEDED) {
        tls_step_server(&connection);
        assert_true(connection.server_status >= 0);
        step = curl_step(&connection, last);
        assert_int_equal(step.attributes, last);
    }
    assert_status(step.status, SEC_E_OK);
}

static void with_flags(ULONG flags, ULONG last)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (size_t i = 0; i < COUNT(protocols); i++) {
        tls_acquire_version(&connection, certificate, protocols[i]);
        exact_flags(flags, last);
        tls_close(&connection);
    }
    CertFreeCertificateContext(certificate);
}

static void rule_20_returned_bits_are_the_requested_ones(void **state)
{
    with_flags(CURL_TLS, CURL_TLS);
    with_flags(CURL_TLS | ISC_REQ_USE_SUPPLIED_CREDS, CURL_TLS | ISC_REQ_USE_SUPPLIED_CREDS);
    with_flags(CURL_TLS | ISC_REQ_EXTENDED_ERROR, CURL_TLS | ISC_REQ_EXTENDED_ERROR);
    with_flags(CURL_TLS | ISC_REQ_MANUAL_CRED_VALIDATION, CURL_TLS | ISC_REQ_MANUAL_CRED_VALIDATION);
    with_flags(CURL_TLS | ISC_REQ_INTEGRITY, CURL_TLS | ISC_REQ_INTEGRITY);
}

/* Qt looks whether each bit that it asked for is there, that of mutual authentication too. */
static void rule_20_mutual_authentication_comes_back(void **state)
{
    with_flags(CURL_TLS | ISC_REQ_MUTUAL_AUTH, CURL_TLS | ISC_REQ_MUTUAL_AUTH);
}

/* curl adds USE_SUPPLIED_CREDS between two calls, and compares with what it asked for then. */
static void rule_21_those_of_the_last_call_count(void **state)
{
    with_flags(CURL_TLS, CURL_TLS | ISC_REQ_USE_SUPPLIED_CREDS);
}

/* Poco and Qt pass a client's numbers to the server's function: STREAM is EXTENDED_ERROR there, INTEGRITY is STREAM. */
static void rule_22_a_servers_flags_from_the_clients_list(void **state)
{
    const ULONG flags = CURL_TLS | ISC_REQ_EXTENDED_ERROR | ISC_REQ_INTEGRITY;
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    tls_step_client(&connection, "www.example.com");
    connection.server_status = SEC_I_CONTINUE_NEEDED;
    for (int leg = 0; leg < 8 && connection.server_status == SEC_I_CONTINUE_NEEDED; leg++) {
        SecBuffer in[2] = {{connection.to_server_size, SECBUFFER_TOKEN, connection.to_server},
                           {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
        ULONG attributes = 0;
        connection.server_status =
            AcceptSecurityContext(&connection.server_credential, connection.has_server ? &connection.server : NULL,
                                  &input, flags, 0, &connection.server, &output, &attributes, NULL);
        assert_true(connection.server_status >= 0);
        connection.has_server = true;
        assert_int_equal(attributes & (CURL_TLS & ~(ULONG)ISC_REQ_STREAM),
                         CURL_TLS & ~(ULONG)ISC_REQ_STREAM); /* they have the same numbers */
        connection.to_server_size = 0;
        memcpy(connection.to_client, out[0].pvBuffer, out[0].cbBuffer);
        connection.to_client_size = out[0].cbBuffer;
        assert_status(FreeContextBuffer(out[0].pvBuffer), SEC_E_OK);
        tls_step_client(&connection, "www.example.com");
    }
    assert_status(connection.server_status, SEC_E_OK);
    assert_status(connection.client_status, SEC_E_OK);
    tls_close(&connection);
    CertFreeCertificateContext(certificate);
}

/* ---------------------------------------------------------------- widths, and what cannot be had */

/* Callers that pass the address of a 64-bit variable. */
static void rule_23_attributes_are_32_bits(void **state)
{
    CredHandle client = rules_client("NTLM");
    CtxtHandle context;
    struct token hello;
    uint64_t attributes = UINT64_C(0xa5a5a5a500000000);
    assert_status(rules_initiate(&client, &context, true, NULL, SEALED, NULL, &hello, (ULONG *)(void *)&attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_int_equal(attributes >> 32, 0xa5a5a5a5);
    assert_int_not_equal((uint32_t)attributes, 0);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
}

/* serf, neon and libgit2 ask NTLM for mutual authentication, Squid's and Apache's modules for delegation. */
static void rule_24a_what_ntlm_cannot_do_does_not_fail(void **state)
{
    struct pair pair;
    pair_credentials(&pair, "Password");
    pair_establish(&pair, SEALED | ISC_REQ_MUTUAL_AUTH | ISC_REQ_DELEGATE, ASC_REQ_DELEGATE | ASC_REQ_CONNECTION);
    assert_int_equal(pair.client_attributes & ISC_RET_DELEGATE, 0);
    assert_int_equal(pair.server_attributes & ASC_RET_DELEGATE, 0);
    rules_seal(&pair.client, &pair.server);
    pair_close(&pair);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_18_no_flags_at_all),
        cmocka_unit_test(rule_19_flags_may_change_on_the_way),
        cmocka_unit_test(rule_20_returned_bits_are_the_requested_ones),
        cmocka_unit_test(rule_20_mutual_authentication_comes_back),
        cmocka_unit_test(rule_21_those_of_the_last_call_count),
        cmocka_unit_test(rule_22_a_servers_flags_from_the_clients_list),
        cmocka_unit_test(rule_23_attributes_are_32_bits),
        cmocka_unit_test(rule_24a_what_ntlm_cannot_do_does_not_fail),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
