/* DIGEST-MD5, its two sides against one another under every policy, and what both modes of Digest have in common. */
#include "digest_steps.h"

static void exchange_message(CtxtHandle *from, CtxtHandle *to, size_t size, bool seal)
{
    unsigned char text[300], copy[300], trailer[24];
    for (size_t i = 0; i < size; i++) {
        text[i] = (unsigned char)(i * 7);
    }
    memcpy(copy, text, size);
    SecBuffer buffers[] = {{(ULONG)size, SECBUFFER_DATA, copy},
                           {seal ? 24 : 16, seal ? SECBUFFER_PADDING : SECBUFFER_TOKEN, trailer}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    if (!seal) {
        assert_int_equal(MakeSignature(from, 0, &desc, 0), SEC_E_OK);
        assert_int_equal(VerifySignature(to, &desc, 0, NULL), SEC_E_OK);
        assert_int_equal(VerifySignature(to, &desc, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
        return;
    }
    unsigned char packet[400];
    ULONG qop = 1;
    assert_int_equal(EncryptMessage(from, 0, &desc, 0), SEC_E_OK);
    assert_true(size < 4 || memcmp(copy, text, size) != 0);
    memcpy(packet, copy, size);
    memcpy(packet + size, trailer, buffers[1].cbBuffer);
    SecBuffer whole[] = {{(ULONG)size + buffers[1].cbBuffer, SECBUFFER_STREAM, packet}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc received = {SECBUFFER_VERSION, 2, whole};
    assert_int_equal(DecryptMessage(to, &received, 0, &qop), SEC_E_OK);
    assert_int_equal(qop, 0);
    assert_int_equal(whole[1].cbBuffer, size);
    assert_memory_equal(whole[1].pvBuffer, text, size);
}

static void sasl_open(struct digest_pair *pair, ULONG client, ULONG server)
{
    *pair = (struct digest_pair){.user = NULL};
    digest_pair_open(pair);
    pair->client_flags = client;
    pair->server_flags = server;
    pair->target = "ldap/server.example.org";
}

static void sasl_each_layer(void **state)
{
    for (unsigned i = 0; i <= 5; i++) {
        struct digest_pair pair;
        bool seal = i < 5;
        policy.digest_ciphers = seal ? 1u << i : POLICY_DIGEST_RC4;
        sasl_open(&pair, SIGNED | (seal ? ISC_REQ_CONFIDENTIALITY : 0u), SIGNED | ASC_REQ_CONFIDENTIALITY);
        pair.server_flags |= ASC_REQ_INTEGRITY;
        assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
        assert_int_equal((pair.client_attributes & ISC_RET_CONFIDENTIALITY) != 0, seal);
        assert_int_equal((pair.server_attributes & ASC_RET_CONFIDENTIALITY) != 0, seal);
        assert_true((pair.server_attributes & ASC_RET_INTEGRITY) != 0);
        for (size_t size = 0; size < 300; size += size < 20 ? 1 : 37) {
            exchange_message(&pair.client, &pair.server, size, seal);
            exchange_message(&pair.server, &pair.client, size, seal);
        }
        digest_pair_close(&pair);
    }
    policy.digest_ciphers = POLICY_DIGEST_RC4 | POLICY_DIGEST_3DES;
}

static void sasl_without_layer(void **state)
{
    struct digest_pair pair;
    unsigned char text[4] = "abc", trailer[24];
    SecBuffer buffers[] = {{4, SECBUFFER_DATA, text}, {24, SECBUFFER_PADDING, trailer}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    sasl_open(&pair, 0, 0);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(pair.client_attributes, 0);
    assert_int_equal(EncryptMessage(&pair.client, 0, &desc, 0), SEC_E_QOP_NOT_SUPPORTED);
    expect_names(&pair.server, "Mufasa");
    digest_pair_forget(&pair);
    pair.client_flags = ISC_REQ_CONFIDENTIALITY; /* which this server does not offer */
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_SECURITY_QOS_FAILED);
    digest_pair_close(&pair);
}

static void sasl_refused(void **state)
{
    static const struct {
        const char *old, *new;
        SECURITY_STATUS status;
    } changes[] = {
        {"ldap/server", "imap/server", SEC_E_LOGON_DENIED},
        {"nc=00000001", "nc=00000002", SEC_E_LOGON_DENIED},
        {"charset=utf-8", "charset=latin1", SEC_E_INVALID_TOKEN},
        {"qop=auth", "qop=auth-conf", SEC_E_INVALID_TOKEN},
        {"qop=auth", "maxbuf=16, qop=auth", SEC_E_INVALID_TOKEN},
        {"qop=auth", "maxbuf=16777216, qop=auth", SEC_E_INVALID_TOKEN},
        {"qop=auth", "authzid=\"admin\", qop=auth", SEC_E_LOGON_DENIED},
        {"http-auth@example.org", "tëst", SEC_E_LOGON_DENIED},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct digest_pair pair;
        struct digest_message challenge, response, out;
        sasl_open(&pair, 0, 0);
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(digest_pair_client(&pair, NULL, &response), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(response.size, 0);
        assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_I_CONTINUE_NEEDED);
        replace(&response, changes[i].old, changes[i].new);
        SECURITY_STATUS status = digest_pair_server(&pair, &response, &out);
        if (status != changes[i].status) {
            fail_msg("change %zu (%s): %08x", i, changes[i].new, (unsigned)status);
        }
        digest_pair_close(&pair);
    }
}

static void sasl_server_proof(void **state)
{
    struct digest_pair pair;
    struct digest_message challenge, response, proof;
    sasl_open(&pair, 0, 0);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_server(&pair, &response, &proof), SEC_E_OK);
    proof.text[proof.size - 1] ^= 1;
    assert_int_equal(digest_pair_client(&pair, &proof, &response), SEC_E_MUTUAL_AUTH_FAILED);
    digest_pair_close(&pair);
}

/* Names and passwords beyond ASCII, with and without charset=utf-8 (RFC 2831 2.1.2.1, RFC 7616 4). */
static void encodings(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message challenge, response, out;
        digest_pair_open(&pair);
        struct digest_pair other = pair;
        other.user = "j\u00e4s\u00f8n";
        other.password = "Geh\u00f6rt niemandem";
        digest_pair_open(&other);
        if (i >= 2) {
            other.client_flags = 0;
            other.server_flags = 0;
            other.target = "imap/host";
        }
        assert_int_equal(digest_pair_server(&other, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        if (i % 2 == 1) {
            replace(&challenge, i >= 2 ? ", charset=utf-8" : ", charset=UTF-8", "");
        }
        assert_true(digest_pair_client(&other, &challenge, &response) >= 0);
        assert_int_equal(digest_pair_server(&other, &response, &out), SEC_E_OK);
        expect_names(&other.server, "j\u00e4s\u00f8n");
        digest_pair_close(&other);
        digest_pair_close(&pair);
    }
}

/* RFC 2831 2.2: a server that is known is answered before it asks, once for each count. */
static void sasl_again_in_one_leg(void **state)
{
    struct digest_pair pair;
    struct digest_message first, proof, out;
    policy.digest_reauthentication = true;
    sasl_open(&pair, 0, 0);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    for (int i = 0; i < 3; i++) {
        digest_pair_forget(&pair);
        assert_int_equal(digest_pair_client(&pair, NULL, &first), SEC_I_CONTINUE_NEEDED);
        assert_non_null(strstr(first.text, i == 0 ? "nc=00000002" : i == 1 ? "nc=00000003" : "nc=00000004"));
        assert_int_equal(digest_pair_server(&pair, &first, &proof), SEC_E_OK);
        assert_int_equal(digest_pair_client(&pair, &proof, &out), SEC_E_OK);
        expect_names(&pair.server, "Mufasa");
    }
    digest_pair_forget(&pair); /* heard before: the server asks, and the client answers */
    assert_int_equal(digest_pair_server(&pair, &first, &proof), SEC_I_CONTINUE_NEEDED);
    assert_non_null(strstr(proof.text, "stale=true"));
    assert_int_equal(digest_pair_client(&pair, NULL, &out), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &proof, &first), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_server(&pair, &first, &proof), SEC_E_OK);
    assert_int_equal(digest_pair_client(&pair, &proof, &out), SEC_E_OK);
    digest_pair_forget(&pair);
    pair.client_flags = ISC_REQ_INTEGRITY; /* a layer needs keys of its own */
    assert_int_equal(digest_pair_client(&pair, NULL, &first), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(first.size, 0);
    digest_pair_close(&pair);
    policy.digest_reauthentication = false;
}

/* The Sasl functions: the mechanism's own layer, and their options. */
static SECURITY_STATUS sasl_functions(struct digest_pair *pair, ULONG processing, char *who, ULONG *size)
{
    struct digest_message one, two;
    SecBuffer in = {0, SECBUFFER_TOKEN, one.text}, out = {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, one.text};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
    char target[] = "ldap/server.example.org", name[] = "admin";
    ULONG flags = 0;
    assert_int_equal(
        SaslAcceptSecurityContext(&pair->server_credential, NULL, &input, 0, 0, &pair->server, &output, &flags, NULL),
        SEC_I_CONTINUE_NEEDED);
    ULONG challenge = out.cbBuffer;
    assert_int_equal(SaslSetContextOption(&pair->server, SASL_OPTION_AUTHZ_PROCESSING, &processing, sizeof processing),
                     SEC_E_OK);
    SecBuffer place = {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, two.text};
    SecBufferDesc answer = {SECBUFFER_VERSION, 1, &place};
    assert_int_equal(SaslInitializeSecurityContextA(&pair->client_credential, NULL, target, 0, 0, 0, NULL, 0,
                                                    &pair->client, &answer, &flags, NULL),
                     SEC_I_CONTINUE_NEEDED);
    assert_int_equal(place.cbBuffer, 0);
    assert_int_equal(SaslSetContextOption(&pair->client, SASL_OPTION_AUTHZ_STRING, name, 5), SEC_E_OK);
    place.cbBuffer = DIGEST_TOKEN_MAX;
    in.cbBuffer = challenge;
    assert_int_equal(SaslInitializeSecurityContextA(&pair->client_credential, &pair->client, target, 0, 0, 0, &input, 0,
                                                    &pair->client, &answer, &flags, NULL),
                     SEC_I_CONTINUE_NEEDED);
    SecBuffer response = {place.cbBuffer, SECBUFFER_TOKEN, two.text};
    SecBufferDesc response_desc = {SECBUFFER_VERSION, 1, &response};
    out.cbBuffer = DIGEST_TOKEN_MAX;
    SECURITY_STATUS status = SaslAcceptSecurityContext(&pair->server_credential, &pair->server, &response_desc, 0, 0,
                                                       &pair->server, &output, &flags, NULL);
    if (status == SEC_E_OK) {
        ULONG limit = 0, needed = 0;
        in.cbBuffer = out.cbBuffer;
        place.cbBuffer = DIGEST_TOKEN_MAX;
        assert_int_equal(SaslInitializeSecurityContextA(&pair->client_credential, &pair->client, target, 0, 0, 0,
                                                        &input, 0, &pair->client, &answer, &flags, NULL),
                         SEC_E_OK);
        assert_int_equal(SaslGetContextOption(&pair->server, SASL_OPTION_AUTHZ_STRING, who, *size, size), SEC_E_OK);
        assert_int_equal(SaslGetContextOption(&pair->client, SASL_OPTION_SEND_SIZE, &limit, sizeof limit, &needed),
                         SEC_E_OK);
        assert_int_equal(needed, sizeof limit);
        assert_int_equal(SaslSetContextOption(&pair->client, SASL_OPTION_RECV_SIZE, &limit, sizeof limit),
                         SEC_E_OUT_OF_SEQUENCE);
    }
    return status;
}

static void sasl_options(void **state)
{
    struct digest_pair pair;
    char who[16];
    ULONG size = sizeof who;
    sasl_open(&pair, 0, 0);
    assert_int_equal(sasl_functions(&pair, Sasl_AuthZIDForbidden, who, &size), SEC_E_LOGON_DENIED);
    digest_pair_forget(&pair);
    assert_int_equal(sasl_functions(&pair, Sasl_AuthZIDProcessed, who, &size), SEC_E_OK);
    assert_int_equal(size, 5);
    assert_memory_equal(who, "admin", 5);
    expect_names(&pair.server, "Mufasa"); /* who it is stays who it is */
    digest_pair_close(&pair);
}

/* The attribute matrix: what Digest has, what it has not. */
static void attributes(void **state)
{
    static const ULONG absent[] = {SECPKG_ATTR_STREAM_SIZES,    SECPKG_ATTR_NATIVE_NAMES,
                                   SECPKG_ATTR_LIFESPAN,        SECPKG_ATTR_DCE_INFO,
                                   SECPKG_ATTR_SESSION_KEY,     SECPKG_ATTR_NEGOTIATION_INFO,
                                   SECPKG_ATTR_PASSWORD_EXPIRY, SECPKG_ATTR_TARGET_INFORMATION};
    struct digest_pair pair;
    struct digest_message challenge;
    SecPkgContext_Sizes sizes;
    SecPkgContext_KeyInfoA key;
    SecPkgContext_PackageInfoA package;
    void *words[8];
    sasl_open(&pair, ISC_REQ_CONFIDENTIALITY, ASC_REQ_CONFIDENTIALITY);
    policy.digest_ciphers = POLICY_DIGEST_3DES;
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, words), SEC_E_INVALID_HANDLE);
    digest_pair_forget(&pair);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    policy.digest_ciphers = POLICY_DIGEST_RC4 | POLICY_DIGEST_3DES;
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        assert_int_equal(QueryContextAttributesA(&pair.server, absent[i], words), SEC_E_UNSUPPORTED_FUNCTION);
    }
    SecPkgContext_ClientSpecifiedTarget target = {NULL};
    static const WCHAR named[] = u"ldap/server.example.org";
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target), SEC_E_OK);
    assert_memory_equal(target.sTargetName, named, sizeof named);
    assert_int_equal(FreeContextBuffer(target.sTargetName), SEC_E_OK);
    assert_int_equal(QueryContextAttributesW(&pair.client, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target),
                     SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxToken, 4096);
    assert_int_equal(sizes.cbMaxSignature, 16); /* RFC 2831 2.3 */
    assert_int_equal(sizes.cbBlockSize, 8);
    assert_int_equal(QueryContextAttributesA(&pair.client, SECPKG_ATTR_KEY_INFO, &key), SEC_E_OK);
    assert_string_equal(key.sEncryptAlgorithmName, "3DES");
    assert_int_equal(FreeContextBuffer(key.sEncryptAlgorithmName), SEC_E_OK);
    assert_int_equal(FreeContextBuffer(key.sSignatureAlgorithmName), SEC_E_OK);
    assert_int_equal(QueryContextAttributesA(&pair.client, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    assert_string_equal(package.PackageInfo->Name, "WDigest");
    assert_int_equal(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    digest_pair_close(&pair);
}

static void bad_calls(void **state)
{
    struct digest_pair pair;
    struct digest_message challenge, response;
    CredHandle both;
    assert_int_equal(
        AcquireCredentialsHandleA(NULL, (char[]){"Digest"}, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &both, NULL),
        SEC_E_NO_CREDENTIALS);
    sasl_open(&pair, DIGEST_HTTP | ISC_REQ_CONFIDENTIALITY, DIGEST_HTTP | ASC_REQ_CONFIDENTIALITY);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_E_SECURITY_QOS_FAILED);
    pair.server_flags = DIGEST_HTTP;
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_SECURITY_QOS_FAILED);
    pair.client_flags = DIGEST_HTTP;
    pair.method = NULL;
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_INVALID_TOKEN);
    digest_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sasl_each_layer),
        cmocka_unit_test(sasl_without_layer),
        cmocka_unit_test(sasl_refused),
        cmocka_unit_test(sasl_server_proof),
        cmocka_unit_test(sasl_again_in_one_leg),
        cmocka_unit_test(sasl_options),
        cmocka_unit_test(attributes),
        cmocka_unit_test(encodings),
        cmocka_unit_test(bad_calls),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_accounts, close_accounts);
}
