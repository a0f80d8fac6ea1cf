/* Digest by HTTP, its two sides against one another under every policy, and against altered messages. */
#include "digest_steps.h"

#include "digest/response.h"

static uint64_t later;

static uint64_t shifted_clock(void)
{
    return UINT64_C(133000000000000000) + later;
}

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

/* The request's URI and the response's: the same resource, as proxies write it down too. */
static void http_request_uri(void **state)
{
    static const struct {
        const char *line, *response;
        bool same;
    } cases[] = {
        {"/a?b=c", "/a?b=c", true},
        {"http://host:8080/a?b=c", "/a?b=c", true},
        {"/a?b=c", "http://host:8080/a?b=c", true},
        {"http://host/a", "http://host/a", true},
        {"http://host", "/", true},
        {"http://host?x", "/?x", false},
        {"/%c3%a9", "/%C3%A9", true},
        {"host:443", "host:443", true},
        {"*", "*", true},
        {"http://host/a", "http://other/a", false},
        {"http://host/a", "http://HOST/a", false},
        {"/a", "/a?b=c", false}, /* as an old browser had it */
        {"/a", "/A", false},
        {"/%4", "/%4a", false},
        {"/%41a", "/%41A", false},
        {"host:443", "host:444", false},
        {"host:443", "/", false},
        {"*", "/", false},
        {"/http://x/a", "/a", false},
        {"1http://x/a", "/a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct digest_pair pair = {.user = NULL};
        digest_pair_open(&pair);
        pair.uri = cases[i].line;
        pair.target = cases[i].response;
        SECURITY_STATUS status = digest_pair_handshake(&pair);
        if (status != (cases[i].same ? SEC_E_OK : SEC_E_LOGON_DENIED)) {
            fail_msg("%s, %s: %08x", cases[i].line, cases[i].response, (unsigned)status);
        }
        if (status == SEC_E_OK) { /* the proof is for the URI that the client wrote */
            struct digest_message info;
            assert_int_equal(digest_pair_sign(&pair.server, NULL, cases[i].line, NULL, &info), SEC_E_OK);
            assert_int_equal(digest_pair_verify(&pair.client, NULL, cases[i].response, NULL, &info), SEC_E_OK);
        }
        digest_pair_close(&pair);
    }
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

/* The hint where a response is good goes with every challenge, quoted as it is. */
static void http_domain(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, response, out;
    digest_pair_open(&pair);
    (void)snprintf(policy.digest_domain, sizeof policy.digest_domain, "%s", "/ https://other.example.org/\"x\"");
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    policy.digest_domain[0] = '\0';
    assert_non_null(strstr(challenge.text, "domain=\"/ https://other.example.org/\\\"x\\\"\""));
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    assert_null(strstr(response.text, "domain")); /* it is none of the response's (RFC 7616 3.4) */
    assert_int_equal(digest_pair_server(&pair, &response, &out), SEC_E_OK);
    digest_pair_close(&pair);
}

/* A response made by hand to a challenge, or to what came of it. */
struct handmade {
    const char *written; /* the user name as it stands in the message, between its quotes */
    const char *name, *password;
    const char *nc, *uri, *cnonce;
    struct bytes key_cnonce; /* the session's key is made with it; empty: the message's own */
};

static void by_hand(const struct digest_message *before, enum digest_hash hash, const struct handmade *hand,
                    struct digest_message *out)
{
    struct digest_directives said;
    uint8_t memory[DIGEST_TOKEN_MAX];
    struct writer room = write_into(memory, sizeof memory), text = write_into(out->text, DIGEST_TOKEN_MAX);
    struct bytes cnonce = bytes_of(hand->cnonce, strlen(hand->cnonce));
    struct bytes challenge = bytes_of(before->text, before->size);
    assert_int_equal(digest_parse(&challenge, &room, &said), SEC_E_OK);
    struct digest_question question = {.algorithm = {hash, true},
                                       .qop = DIGEST_QOP_AUTH,
                                       .method = bytes_of("GET", 3),
                                       .uri = bytes_of(hand->uri, strlen(hand->uri)),
                                       .nonce = said.value[DIGEST_NONCE],
                                       .cnonce = hand->key_cnonce.size != 0 ? hand->key_cnonce : cnonce,
                                       .nc = bytes_of(hand->nc, 8)};
    struct digest_value secret, key;
    struct digest_text response;
    digest_secret(hash, bytes_of(hand->name, strlen(hand->name)), said.value[DIGEST_REALM],
                  bytes_of(hand->password, strlen(hand->password)), &secret);
    digest_session_key(&question, &secret, &key);
    question.cnonce = cnonce;
    digest_response(&question, &key, &response);
    struct digest_list list = digest_list_start(&text);
    digest_put_quoted(&list, "realm", said.value[DIGEST_REALM]);
    digest_put_quoted(&list, "nonce", question.nonce);
    digest_put_quoted(&list, "uri", question.uri);
    digest_put_quoted(&list, "cnonce", question.cnonce);
    digest_put_quoted(&list, "response", digest_text_bytes(&response));
    digest_put_token(&list, "nc", question.nc);
    digest_put_word(&list, "qop", "auth");
    digest_put_word(&list, "algorithm", digest_algorithm_name(question.algorithm));
    assert_int_equal(digest_list_end(&list), SEC_E_OK);
    out->size = (ULONG)(text.size + (size_t)snprintf(out->text + text.size, DIGEST_TOKEN_MAX - text.size,
                                                     ", username=\"%s\"", hand->written));
}

static struct bytes cnonce_of(const struct digest_message *message, uint8_t memory[DIGEST_TOKEN_MAX])
{
    struct digest_directives said;
    struct writer room = write_into(memory, DIGEST_TOKEN_MAX);
    assert_int_equal(digest_parse_one(bytes_of(message->text, message->size), false, &room, &said), SEC_E_OK);
    return said.value[DIGEST_CNONCE];
}

/* -sess with a new cnonce: the key of the first one (RFC 7616 3.4.2) or, as some clients have it, of the new one. */
static void http_session_cnonces(void **state)
{
    for (int anew = 0; anew < 2; anew++) {
        struct digest_pair pair = {.user = NULL};
        struct digest_message challenge, first, second, out;
        uint8_t memory[DIGEST_TOKEN_MAX];
        policy.digest_algorithms = POLICY_DIGEST_SHA256_SESS;
        digest_pair_open(&pair);
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(digest_pair_client(&pair, &challenge, &first), SEC_E_OK);
        assert_int_equal(digest_pair_server(&pair, &first, &out), SEC_E_OK);
        struct handmade hand = {"Mufasa", "Mufasa",  "Circle of Life",         "00000002",
                                "/2",     "another", cnonce_of(&first, memory)};
        hand.key_cnonce = anew == 1 ? BYTES_NONE : hand.key_cnonce;
        by_hand(&first, DIGEST_SHA256, &hand, &second);
        struct digest_message altered = second;
        replace(&altered, "cnonce=\"a", "cnonce=\"b");
        assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &altered), SEC_E_MESSAGE_ALTERED);
        assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &second), SEC_E_OK);
        assert_int_equal(digest_pair_sign(&pair.server, NULL, "/2", NULL, &out), SEC_E_OK);
        assert_non_null(strstr(out.text, "cnonce=\"another\", nc=00000002"));
        digest_pair_close(&pair);
    }
    policy.digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256;
}

/* DOMAIN\user without its escape reads as another account's name: that account's owner does not go on with the session. */
static void http_session_of_another(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, first, second, out;
    struct handmade hand = {"PRIDE\\Nala",     "PRIDE\\Nala", "Hakuna Matata", "00000001",
                            "/dir/index.html", "one",         BYTES_NONE};
    policy.digest_algorithms = POLICY_DIGEST_SHA256_SESS;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    by_hand(&challenge, DIGEST_SHA256, &hand, &first);
    assert_int_equal(digest_pair_server(&pair, &first, &out), SEC_E_OK);
    expect_names(&pair.server, "Nala");
    hand = (struct handmade){"PRIDENala", "PRIDENala", "Be Prepared", "00000002", "/2", "another", BYTES_NONE};
    by_hand(&challenge, DIGEST_SHA256, &hand, &second);
    assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &second), SEC_E_MESSAGE_ALTERED);
    digest_pair_close(&pair);
    policy.digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256;
}

/* A proof with the right hash that says it is for another request: the two were put together by somebody.  No proof at all,
 * as servers send to name the next nonce, has a status of its own. */
static void http_proof_of_another(void **state)
{
    static const char *const changes[][2] = {
        {"nc=00000001", "nc=00000002"}, {"cnonce=\"", "cnonce=\"0"}, {"rspauth", "rspaut"}};
    struct digest_pair pair = {.user = NULL};
    struct digest_message info, altered;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    assert_int_equal(digest_pair_sign(&pair.server, NULL, "/dir/index.html", NULL, &info), SEC_E_OK);
    for (size_t i = 0; i < 3; i++) {
        altered = info;
        replace(&altered, changes[i][0], changes[i][1]);
        assert_int_equal(digest_pair_verify(&pair.client, NULL, "/dir/index.html", NULL, &altered),
                         i < 2 ? SEC_E_MESSAGE_ALTERED : SEC_E_QOP_NOT_SUPPORTED);
    }
    altered = info;
    replace(&altered, "nc=00000001", "nc=1"); /* the same number */
    assert_int_equal(digest_pair_verify(&pair.client, NULL, "/dir/index.html", NULL, &altered), SEC_E_OK);
    digest_pair_close(&pair);
}

/* Responses are complete as they come: the client never answers SEC_I_COMPLETE_NEEDED, and takes CompleteAuthToken all the
 * same, as callers make it on seeing Digest. */
static void http_client_is_complete(void **state)
{
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, response;
    digest_pair_open(&pair);
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    SecBuffer token = {response.size, SECBUFFER_TOKEN, response.text};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &token};
    assert_int_equal(CompleteAuthToken(&pair.client, &message), SEC_E_OK);
    assert_int_equal(CompleteAuthToken(&pair.client, NULL), SEC_E_OK);
    digest_pair_close(&pair);
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
        cmocka_unit_test(http_request_uri),
        cmocka_unit_test(http_body),
        cmocka_unit_test(http_sequence),
        cmocka_unit_test(http_server_proof),
        cmocka_unit_test(http_nonce_time),
        cmocka_unit_test(http_several_offers),
        cmocka_unit_test(http_domain),
        cmocka_unit_test(http_session_cnonces),
        cmocka_unit_test(http_session_of_another),
        cmocka_unit_test(http_proof_of_another),
        cmocka_unit_test(http_client_is_complete),
        cmocka_unit_test(http_several_challenges),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_accounts, close_accounts);
}
