/* Digest's two sides against one another under every policy, and against altered messages. */
#include "vectors/hex.h"

#include <stdlib.h>

#include "base/clock.h"
#include "support/digest_pair.h"

static struct policy policy;

#define SIGNED (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

static uint64_t later;

static uint64_t shifted_clock(void)
{
    return UINT64_C(133000000000000000) + later;
}

static void replace(struct digest_message *message, const char *old, const char *new)
{
    char *at = strstr(message->text, old);
    assert_non_null(at);
    size_t rest = strlen(at + strlen(old));
    memmove(at + strlen(new), at + strlen(old), rest + 1);
    memcpy(at, new, strlen(new));
    message->size = (ULONG)strlen(message->text);
}

static void expect_names(CtxtHandle *context, const char *user)
{
    SecPkgContext_NamesA names;
    assert_int_equal(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    const char *backslash = strchr(names.sUserName, '\\');
    assert_string_equal(backslash != NULL ? backslash + 1 : names.sUserName, user);
    assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);
}

/* ---------------------------------------------------------------- HTTP */

static void http_each_algorithm(void **state)
{
    static const char *const names[] = {"MD5",          "MD5-sess",    "SHA-256",
                                        "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};
    for (unsigned i = 0; i < 6; i++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message message, reply;
        char expected[64];
        policy.digest_algorithms = 1u << i;
        digest_pair_open(&pair);
        assert_int_equal(digest_pair_server(&pair, NULL, &message), SEC_I_CONTINUE_NEEDED);
        (void)snprintf(expected, sizeof expected, "algorithm=%s,", names[i]);
        assert_non_null(strstr(message.text, expected));
        assert_int_equal(digest_pair_client(&pair, &message, &reply), SEC_E_OK);
        assert_int_equal(digest_pair_server(&pair, &reply, &message), SEC_E_OK);
        assert_int_equal(message.size, 0);
        expect_names(&pair.server, "Mufasa");
        expect_names(&pair.client, "Mufasa");
        assert_int_equal(pair.server_attributes & DIGEST_HTTP, DIGEST_HTTP);
        for (int n = 0; n < 3; n++) { /* further requests */
            assert_int_equal(digest_pair_sign(&pair.client, "POST", "/next", NULL, &message), SEC_E_OK);
            assert_int_equal(digest_pair_verify(&pair.server, "POST", "/next", NULL, &message), SEC_E_OK);
            assert_int_equal(digest_pair_sign(&pair.server, NULL, "/next", NULL, &reply), SEC_E_OK);
            assert_int_equal(digest_pair_verify(&pair.client, NULL, "/next", NULL, &reply), SEC_E_OK);
        }
        digest_pair_close(&pair);
    }
    policy.digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256;
}

/* A server without memory of the client: each request is a first leg. */
static void http_stateless(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, first, second, out;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &first), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/dir/index.html", NULL, &second), SEC_E_OK);
    CtxtHandle client = pair.client;
    SecInvalidateHandle(&pair.client);
    digest_pair_forget(&pair);
    assert_int_equal(digest_pair_server(&pair, &second, &out), SEC_E_OK); /* the second one may be faster */
    digest_pair_forget(&pair);
    assert_int_equal(digest_pair_server(&pair, &first, &out), SEC_E_OK);
    digest_pair_forget(&pair);
    assert_int_equal(digest_pair_server(&pair, &first, &out), SEC_I_CONTINUE_NEEDED); /* a replay */
    assert_non_null(strstr(out.text, "stale=true"));
    digest_pair_forget(&pair);
    pair.client = client;
    assert_int_equal(digest_pair_client(&pair, &out, &first), SEC_E_OK); /* the client begins again by itself */
    assert_int_equal(digest_pair_server(&pair, &first, &out), SEC_E_OK);
    digest_pair_close(&pair);
}

static void http_known_opaque(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message message, out;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/dir/index.html", NULL, &message), SEC_E_OK);
    CtxtHandle established = pair.server;
    SecInvalidateHandle(&pair.server);
    assert_int_equal(digest_pair_server(&pair, &message, &out), SEC_I_COMPLETE_NEEDED);
    assert_memory_equal(&pair.server, &established, sizeof established);
    SecBuffer buffers[] = {{message.size, SECBUFFER_TOKEN, message.text},
                           {3, SECBUFFER_PKG_PARAMS, (char[]){"GET"}},
                           {15, SECBUFFER_PKG_PARAMS, (char[]){"/dir/index.html"}}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 3, buffers};
    assert_int_equal(CompleteAuthToken(&pair.server, &desc), SEC_E_OK);
    assert_int_equal(CompleteAuthToken(&pair.server, &desc), SEC_E_OUT_OF_SEQUENCE); /* a replay */
    assert_int_equal(digest_pair_server(&pair, &message, &out), SEC_E_LOGON_DENIED); /* as documented */
    digest_pair_close(&pair);
}

/* What has been changed on the way is refused, and nothing that says why gets to the peer. */
static void http_altered(void **state)
{
    static const struct {
        const char *old, *new;
        SECURITY_STATUS status;
    } changes[] = {
        {"Mufasa", "Mufasb", SEC_E_LOGON_DENIED},
        {"username=\"Mufasa\"", "username=\"locked\"", SEC_E_LOGON_DENIED},
        {"http-auth@example.org", "http-auth@example.com", SEC_E_LOGON_DENIED},
        {"uri=\"/dir/index.html\"", "uri=\"/dir/other.html\"", SEC_E_LOGON_DENIED},
        {"nc=00000001", "nc=00000002", SEC_E_LOGON_DENIED},
        {"nc=00000001", "nc=00000000", SEC_E_INVALID_TOKEN},
        {"nc=00000001", "nc=0000000g", SEC_E_INVALID_TOKEN},
        {"nc=00000001, ", "", SEC_E_INVALID_TOKEN},
        {"qop=auth", "qop=auth-int", SEC_E_INVALID_TOKEN},
        {"qop=auth, ", "", SEC_E_INVALID_TOKEN},
        {"algorithm=MD5", "algorithm=SHA-512-256", SEC_E_LOGON_DENIED},
        {"algorithm=MD5", "algorithm=MD4", SEC_E_INVALID_TOKEN},
        {"cnonce=\"", "cnonce=\"x", SEC_E_LOGON_DENIED},
        {"nonce=\"", "nonce=\"0", SEC_E_LOGON_DENIED},
        {"response=\"", "response=\"0", SEC_E_LOGON_DENIED},
        {"realm=\"", "realm=\"a\", realm=\"", SEC_E_INVALID_TOKEN},
        {"username=", "user=", SEC_E_INVALID_TOKEN},
        {"username=", "userhash=true, username=", SEC_E_LOGON_DENIED},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message challenge, response, out;
        digest_pair_open(&pair);
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
        replace(&response, changes[i].old, changes[i].new);
        SECURITY_STATUS status = digest_pair_server(&pair, &response, &out);
        if (status != changes[i].status) {
            fail_msg("change %zu (%s): %08x", i, changes[i].new, (unsigned)status);
        }
        assert_int_equal(digest_pair_server(&pair, &response, &out), SEC_E_OUT_OF_SEQUENCE); /* no second try */
        digest_pair_close(&pair);
    }
}

/* What a tolerant server takes all the same. */
static void http_tolerated(void **state)
{
    static const struct {
        const char *old, *new;
    } changes[] = {
        {"qop=auth", "qop=\"auth\""},
        {"algorithm=MD5", "algorithm=\"md5\""},
        {", nonce", ",, ,\tnonce"},
        {"username=", "USERNAME  = "},
        {"username=", "Digest username="},
        {"username=", "unknown=\"a, b=c\", username="},
        {"Mufasa", "\\M\\ufasa"},
        {"username=\"Mufasa\"", "username*=UTF-8''%4Dufasa"},
        {"username=\"Mufasa\"", "username=Mufasa"},
        {"nc=00000001", "nc=\"00000001\""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message challenge, response, out;
        digest_pair_open(&pair);
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
        replace(&response, changes[i].old, changes[i].new);
        SECURITY_STATUS status = digest_pair_server(&pair, &response, &out);
        if (status != SEC_E_OK) {
            fail_msg("change %zu (%s): %08x", i, changes[i].new, (unsigned)status);
        }
        digest_pair_close(&pair);
    }
}

static void http_request_line(void **state)
{
    struct digest_pair pair = {.user = NULL};
    digest_pair_open(&pair);
    pair.uri = "/dir/secret.html"; /* the response was taken from another request */
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_LOGON_DENIED);
    digest_pair_forget(&pair);
    pair.uri = pair.target;
    pair.password = "circle of life";
    CredHandle right = pair.client_credential;
    struct digest_pair wrong = pair;
    digest_pair_open(&wrong);
    assert_int_equal(digest_pair_handshake(&wrong), SEC_E_LOGON_DENIED);
    digest_pair_close(&wrong);
    pair.client_credential = right;
    digest_pair_close(&pair);
}

/* auth-int: the body counts, and changing it is noticed. */
static void http_body(void **state)
{
    static const char hash[] = "5d41402abc4b2a76b9719d911017c592", other[] = "7d793037a0760186574b0282f2f435e7";
    struct digest_pair pair = {.user = NULL};
    struct digest_message message;
    digest_pair_open(&pair);
    pair.client_flags |= ISC_REQ_INTEGRITY;
    pair.server_flags |= ASC_REQ_INTEGRITY;
    pair.method = "POST";
    pair.client_entity = hash;
    pair.server_entity = hash;
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(pair.client_attributes & ISC_RET_INTEGRITY, ISC_RET_INTEGRITY);
    assert_int_equal(pair.server_attributes & ASC_RET_INTEGRITY, ASC_RET_INTEGRITY);
    assert_int_equal(digest_pair_sign(&pair.client, "POST", "/x", hash, &message), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.server, "POST", "/x", other, &message), SEC_E_MESSAGE_ALTERED);
    assert_int_equal(digest_pair_verify(&pair.server, "POST", "/x", hash, &message), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.client, "POST", "/x", "abc", &message), SEC_E_INVALID_TOKEN);
    digest_pair_forget(&pair);
    pair.server_entity = other;
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_LOGON_DENIED);
    digest_pair_close(&pair);
}

/* VerifySignature wants the next count and no other; altered requests do not move it. */
static void http_sequence(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message second, third, altered;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/2", NULL, &second), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/3", NULL, &third), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/3", NULL, &third), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/x", NULL, &second), SEC_E_LOGON_DENIED);
    assert_int_equal(digest_pair_verify(&pair.server, "PUT", "/2", NULL, &second), SEC_E_MESSAGE_ALTERED);
    altered = second;
    replace(&altered, "nc=00000002", "nc=00000003");
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &altered), SEC_E_MESSAGE_ALTERED);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &second), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &second), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/3", NULL, &third), SEC_E_OK);
    digest_pair_close(&pair);
}

static void http_server_proof(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message info;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.server, NULL, "/dir/index.html", NULL, &info), SEC_E_OK);
    assert_null(strstr(info.text, "nextnonce"));
    assert_int_equal(digest_pair_verify(&pair.client, NULL, "/dir/index.html", NULL, &info), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.client, NULL, "/other", NULL, &info), SEC_E_MESSAGE_ALTERED);
    digest_pair_close(&pair);
}

/* Old nonces: the right password gets a fresh one, and the server offers the next one in time. */
static void http_nonce_time(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, response, out;
    uint64_t (*real)(void) = clock_source;
    clock_source = shifted_clock;
    later = 0;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    later = 301 * CLOCK_SECOND;
    assert_int_equal(digest_pair_server(&pair, &response, &out), SEC_I_CONTINUE_NEEDED);
    assert_non_null(strstr(out.text, "stale=true"));
    assert_int_equal(digest_pair_client(&pair, &out, &response), SEC_E_OK);
    assert_int_equal(digest_pair_server(&pair, &response, &out), SEC_E_OK);
    later += 200 * CLOCK_SECOND; /* over half */
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/2", NULL, &response), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &response), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.server, NULL, "/2", NULL, &out), SEC_E_OK);
    assert_non_null(strstr(out.text, "nextnonce"));
    assert_int_equal(digest_pair_verify(&pair.client, NULL, "/2", NULL, &out), SEC_E_OK);
    later += 200 * CLOCK_SECOND; /* the first nonce would be too old */
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/3", NULL, &response), SEC_E_OK);
    assert_non_null(strstr(response.text, "nc=00000001"));
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/3", NULL, &response), SEC_E_OK);
    later += 301 * CLOCK_SECOND;
    assert_int_equal(digest_pair_sign(&pair.client, "GET", "/4", NULL, &response), SEC_E_OK);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/4", NULL, &response), SEC_E_CONTEXT_EXPIRED);
    digest_pair_close(&pair);
    clock_source = real;
}

/* The strongest challenge is answered, wherever it stands; other schemes are passed over. */
static void http_several_challenges(void **state)
{
    static const struct {
        const char *challenges, *answer;
    } cases[] = {
        {"realm=\"r\", nonce=\"a\", algorithm=MD5, qop=\"auth\", Digest realm=\"r\", nonce=\"b\", algorithm=SHA-256, "
         "qop=\"auth\"",
         "algorithm=SHA-256"},
        {"Negotiate, Basic realm=\"b\", Digest realm=\"r\", nonce=\"a\", qop=\"auth-int, auth\"", "qop=auth, "},
        {"realm=\"r\", nonce=\"a\", algorithm=SHA-1, qop=\"auth\", Digest realm=\"r\", nonce=\"b\", algorithm=MD5",
         "nonce=\"b\""},
        {"realm=\"a \\\"q\\\" \\\\ b\", nonce=\"a\", opaque=\"\"", "realm=\"a \\\"q\\\" \\\\ b\""},
        {"realm=\"r\", nonce=\"a\", opaque=\"\"", "opaque=\"\""},
        {"realm=\"r\", nonce=\"a\", userhash=true, qop=auth, algorithm=SHA-256", "userhash=true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message challenge, response;
        digest_pair_open(&pair);
        challenge.size = (ULONG)snprintf(challenge.text, sizeof challenge.text, "%s", cases[i].challenges);
        assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
        if (strstr(response.text, cases[i].answer) == NULL) {
            fail_msg("case %zu: %s", i, response.text);
        }
        digest_pair_close(&pair);
    }
}

static void http_several_offers(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message first, second, third;
    SecBuffer input[] = {{0, SECBUFFER_TOKEN, NULL}};
    SecBuffer output[] = {{DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, first.text},
                          {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, second.text},
                          {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, third.text}};
    SecBufferDesc in = {SECBUFFER_VERSION, 1, input}, out = {SECBUFFER_VERSION, 3, output};
    digest_pair_open(&pair);
    assert_int_equal(AcceptSecurityContext(&pair.server_credential, NULL, &in, DIGEST_HTTP, 0, &pair.server, &out,
                                           &pair.server_attributes, NULL),
                     SEC_I_CONTINUE_NEEDED);
    first.text[output[0].cbBuffer] = '\0';
    second.text[output[1].cbBuffer] = '\0';
    assert_non_null(strstr(first.text, "algorithm=SHA-256"));
    assert_non_null(strstr(second.text, "algorithm=MD5"));
    assert_int_equal(output[2].cbBuffer, 0);
    second.size = output[1].cbBuffer;
    assert_int_equal(digest_pair_client(&pair, &second, &third), SEC_E_OK);
    assert_int_equal(digest_pair_server(&pair, &third, &first), SEC_E_OK);
    digest_pair_close(&pair);
}

/* ---------------------------------------------------------------- SASL */

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

static int open_accounts(void **state)
{
    digest_pair_accounts(&policy);
    return 0;
}

static int close_accounts(void **state)
{
    digest_pair_accounts_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_each_algorithm),
        cmocka_unit_test(http_stateless),
        cmocka_unit_test(http_known_opaque),
        cmocka_unit_test(http_altered),
        cmocka_unit_test(http_tolerated),
        cmocka_unit_test(http_request_line),
        cmocka_unit_test(http_body),
        cmocka_unit_test(http_sequence),
        cmocka_unit_test(http_server_proof),
        cmocka_unit_test(http_nonce_time),
        cmocka_unit_test(http_several_offers),
        cmocka_unit_test(http_several_challenges),
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
