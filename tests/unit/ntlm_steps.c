/* NTLM's two step files under every policy: what is sent, what is accepted, what is refused, and with which status.
 *
 * The account is MS-NLMP 4.2.1's, from a user file with both of its hashes (4.2.2.1.1, 4.2.2.1.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/policy.h"
#include "core/handle.h"
#include "crypto/cipher.h"
#include "ntlm/authenticate.h"
#include "ntlm/challenge.h"
#include "ntlm/client_challenge.h"
#include "ntlm/context.h"
#include "ntlm/keys.h"
#include "ntlm/negotiate.h"
#include "support/pair.h"

#define SIGN (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

static struct policy policy;
static char user_file[] = "/tmp/ntlm_steps.XXXXXX";

static int start(void **state)
{
    static const char line[] = "User:Domain:e52cac67419a9a224a3b108f3fa6cb6d:a4f49c406510bdcab6824ee7c30fd852:::\n";
    int fd = mkstemp(user_file);
    (void)state;
    if (fd < 0 || write(fd, line, sizeof line - 1) != (ssize_t)(sizeof line - 1) || close(fd) != 0) {
        return -1;
    }
    policy_defaults(&policy);
    policy.accounts = POLICY_ACCOUNTS_FILE;
    snprintf(policy.accounts_path, sizeof policy.accounts_path, "%s", user_file);
    policy_override(&policy);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return unlink(user_file);
}

/* Every test begins with the default policy, the user file as accounts, and the database asked (no verifier). */
static void open_pair(struct pair *pair)
{
    char path[sizeof policy.accounts_path];
    memcpy(path, policy.accounts_path, sizeof path);
    *pair = (struct pair){.bindings = NULL};
    assert_int_equal(pair_acquire(pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(SspiExtSetVerifier(&pair->server_credential, NULL, NULL), SEC_E_OK);
}

static void reset_policy(void)
{
    char path[sizeof policy.accounts_path];
    memcpy(path, policy.accounts_path, sizeof path);
    policy_defaults(&policy);
    policy.accounts = POLICY_ACCOUNTS_FILE;
    memcpy(policy.accounts_path, path, sizeof path);
}

static SECURITY_STATUS handshake_under(int send_level, int accept_level, ULONG flags)
{
    struct pair pair;
    reset_policy();
    policy.ntlm_send_level = send_level;
    policy.ntlm_accept_level = accept_level;
    open_pair(&pair);
    SECURITY_STATUS status = pair_handshake(&pair, flags);
    if (status == SEC_E_OK && (flags & ISC_REQ_CONFIDENTIALITY) != 0) {
        unsigned char data[33] = "both sides have the same keys", copy[33], signature[16];
        memcpy(copy, data, sizeof data);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OK);
            assert_memory_not_equal(data, copy, sizeof data);
            assert_int_equal(pair_unseal(&pair.server, data, sizeof data, signature), SEC_E_OK);
            assert_memory_equal(data, copy, sizeof data);
            assert_int_equal(pair_seal(&pair.server, data, sizeof data, signature), SEC_E_OK);
            assert_int_equal(pair_unseal(&pair.client, data, sizeof data, signature), SEC_E_OK);
            assert_memory_equal(data, copy, sizeof data);
        }
    }
    assert_true(pair_free(&pair));
    reset_policy();
    return status;
}

/* LmCompatibilityLevel (MS-NLMP 3.1.1.1): what a client of each level sends, a server of each level takes. */
static void test_levels(void **state)
{
    (void)state;
    for (int send = 0; send <= 5; send++) {
        for (int accept = 0; accept <= 5; accept++) {
            bool v1 = send < 3;
            SECURITY_STATUS expected = v1 && accept >= 5 ? SEC_E_LOGON_DENIED : SEC_E_OK;
            assert_int_equal(handshake_under(send, accept, 0), expected);
            assert_int_equal(handshake_under(send, accept, PAIR_SEAL), expected);
        }
    }
}

static void test_default_is_ntlmv2_only(void **state)
{
    (void)state;
    policy_defaults(&policy);
    assert_int_equal(policy.ntlm_send_level, 3);
    assert_int_equal(policy.ntlm_accept_level, 5);
    reset_policy();
}

/* A session without ESS has one stream for both directions (MS-NLMP 3.4.4.1); test_levels went through it with level 0.
 * A replayed message is found there too. */
static void test_one_stream_finds_replays(void **state)
{
    struct pair pair;
    unsigned char data[5] = "twice", sealed[5], signature[16];
    (void)state;
    reset_policy();
    policy.ntlm_send_level = 0;
    policy.ntlm_accept_level = 0;
    open_pair(&pair);
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
    assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OK);
    memcpy(sealed, data, sizeof data);
    assert_int_equal(pair_unseal(&pair.server, data, sizeof data, signature), SEC_E_OK);
    assert_true(pair_unseal(&pair.server, sealed, sizeof sealed, signature) < 0);
    assert_int_equal(pair_seal(&pair.server, data, sizeof data, signature), SEC_E_OK);
    assert_int_equal(pair_unseal(&pair.client, data, sizeof data, signature), SEC_E_OK);
    assert_memory_equal(data, "twice", sizeof data);
    assert_true(pair_free(&pair));
    reset_policy();
}

/* MS-NLMP 3.2.5.1.2: an anonymous logon, with and without the server's consent. */
static void test_anonymous(void **state)
{
    (void)state;
    for (int consent = 0; consent <= 1; consent++) {
        struct pair pair;
        struct pair_token to_server, to_client;
        open_pair(&pair);
        ULONG asc = consent != 0 ? ASC_REQ_ALLOW_NULL_SESSION : 0;
        assert_int_equal(pair_client_leg(&pair, ISC_REQ_NULL_SESSION, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(pair_server_leg(&pair, asc, &to_server, &to_client), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(pair_client_leg(&pair, ISC_REQ_NULL_SESSION, &to_client, &to_server), SEC_E_OK);
        assert_int_not_equal(pair.client_attributes & ISC_RET_NULL_SESSION, 0);
        assert_int_equal(pair_server_leg(&pair, asc, &to_server, &to_client),
                         consent != 0 ? SEC_E_OK : SEC_E_LOGON_DENIED);
        if (consent != 0) {
            SecPkgContext_NamesA names;
            assert_int_not_equal(pair.server_attributes & ASC_RET_NULL_SESSION, 0);
            assert_int_equal(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
            assert_string_equal(names.sUserName, "NT AUTHORITY\\ANONYMOUS LOGON");
            FreeContextBuffer(names.sUserName);
        }
        assert_true(pair_free(&pair));
    }
}

/* An anonymous session has keys, the same on both sides: they begin from zeros and the key that was exchanged. */
static void test_anonymous_seals(void **state)
{
    struct pair pair;
    struct pair_token to_server, to_client;
    ULONG flags = PAIR_SEAL | ISC_REQ_NULL_SESSION;
    unsigned char data[8] = "nobody", signature[16];
    (void)state;
    open_pair(&pair);
    assert_int_equal(pair_client_leg(&pair, flags, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_server_leg(&pair, ASC_REQ_ALLOW_NULL_SESSION, &to_server, &to_client), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, flags, &to_client, &to_server), SEC_E_OK);
    assert_int_equal(pair_server_leg(&pair, ASC_REQ_ALLOW_NULL_SESSION, &to_server, &to_client), SEC_E_OK);
    assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OK);
    assert_int_equal(pair_unseal(&pair.server, data, sizeof data, signature), SEC_E_OK);
    assert_string_equal((char *)data, "nobody");
    assert_true(pair_free(&pair));
}

/* A client cannot make datagrams of a server's connection: whoever passes no message numbers would seal every message
 * with the same stream. */
static void test_datagram_is_the_servers_choice(void **state)
{
    struct pair pair;
    struct pair_token to_server, to_client;
    struct ntlm_challenge challenge;
    (void)state;
    for (int consent = 0; consent <= 1; consent++) {
        open_pair(&pair);
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
        to_server.data[12] |= NTLM_DATAGRAM;
        assert_int_equal(pair_server_leg(&pair, consent != 0 ? ASC_REQ_DATAGRAM : 0, &to_server, &to_client),
                         SEC_I_CONTINUE_NEEDED);
        assert_int_equal(ntlm_challenge_parse(bytes_of(to_client.data, to_client.size), &challenge), SEC_E_OK);
        assert_int_equal(challenge.flags & NTLM_DATAGRAM, consent != 0 ? NTLM_DATAGRAM : 0);
        assert_true(pair_free(&pair));
    }
}

/* A stranger's NEGOTIATE is kept for the MIC: no longer one than cbMaxToken, which every client's fits in. */
static void test_negotiate_is_short(void **state)
{
    struct pair pair;
    struct pair_token to_server, to_client;
    (void)state;
    for (ULONG size = 2888; size <= 2889; size++) {
        open_pair(&pair);
        assert_int_equal(pair_client_leg(&pair, 0, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
        memset(to_server.data + to_server.size, 0, sizeof to_server.data - to_server.size);
        to_server.size = size;
        assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client),
                         size == 2888 ? SEC_I_CONTINUE_NEEDED : SEC_E_INVALID_TOKEN);
        assert_true(pair_free(&pair));
    }
}

/* Connectionless NTLM (MS-NLMP 1.3.1.3): the server speaks first, messages come in any order under the caller's numbers. */
static void test_datagram(void **state)
{
    struct pair pair;
    struct pair_token nothing = {.size = 0}, to_server, to_client;
    ULONG flags = PAIR_SEAL | ISC_REQ_DATAGRAM;
    (void)state;
    open_pair(&pair);
    assert_int_equal(pair_client_leg(&pair, flags, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(to_server.size, 0);
    assert_int_equal(pair_server_leg(&pair, ASC_REQ_DATAGRAM, &nothing, &to_client), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, flags, &to_client, &to_server), SEC_E_OK);
    assert_int_not_equal(pair.client_attributes & ISC_RET_DATAGRAM, 0);
    assert_int_equal(pair_server_leg(&pair, ASC_REQ_DATAGRAM, &to_server, &to_client), SEC_E_OK);
    assert_int_not_equal(pair.server_attributes & ASC_RET_DATAGRAM, 0);

    unsigned char data[3][8] = {"seventh", "third", "ninth"}, signature[3][16];
    static const ULONG numbers[3] = {7, 3, 9}, order[3] = {2, 0, 1};
    for (int i = 0; i < 3; i++) {
        SecBuffer buffers[2] = {{16, SECBUFFER_TOKEN, signature[i]}, {8, SECBUFFER_DATA, data[i]}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
        assert_int_equal(EncryptMessage(&pair.client, 0, &desc, numbers[i]), SEC_E_OK);
    }
    for (int i = 0; i < 3; i++) {
        ULONG n = order[i];
        SecBuffer buffers[2] = {{16, SECBUFFER_TOKEN, signature[n]}, {8, SECBUFFER_DATA, data[n]}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
        assert_true(DecryptMessage(&pair.server, &desc, numbers[n] + 1, NULL) < 0);
        assert_int_equal(DecryptMessage(&pair.server, &desc, numbers[n], NULL), SEC_E_OK);
    }
    assert_string_equal((char *)data[0], "seventh");
    assert_string_equal((char *)data[1], "third");
    assert_string_equal((char *)data[2], "ninth");
    assert_true(pair_free(&pair));
}

/* InitializeSecurityContext (NTLM), Remarks: calling again after success asks for re-authentication. */
static void test_reauthentication(void **state)
{
    struct pair pair;
    struct pair_token to_server, to_client;
    unsigned char data[4] = "abc", signature[16];
    (void)state;
    open_pair(&pair);
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_I_CONTINUE_NEEDED);

    assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OK); /* the old keys still serve */
    assert_int_equal(pair_unseal(&pair.server, data, sizeof data, signature), SEC_E_OK);
    SecPkgContext_SessionKey before, after;
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_SESSION_KEY, &before), SEC_E_OK);

    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &to_client, &to_server), SEC_E_OK);
    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_E_OK);
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_SESSION_KEY, &after), SEC_E_OK);
    assert_memory_not_equal(before.SessionKey, after.SessionKey, 16);
    FreeContextBuffer(before.SessionKey);
    FreeContextBuffer(after.SessionKey);
    assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OK);
    assert_int_equal(pair_unseal(&pair.server, data, sizeof data, signature), SEC_E_OK);
    assert_memory_equal(data, "abc", 4);

    to_server.size = 20; /* no NEGOTIATE and no answer to a challenge */
    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_E_OUT_OF_SEQUENCE);
    assert_true(pair_free(&pair));
}

/* Re-authentication as somebody else: the context's own access token is the new one's; the old one is closed.  An outbound
 * credential starts nothing on a server. */
static void test_reauthentication_changes_the_token(void **state)
{
    struct pair pair;
    struct pair_token to_server, to_client;
    SecPkgContext_AccessToken before, after;
    (void)state;
    open_pair(&pair);
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &before), SEC_E_OK);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &to_server), SEC_I_CONTINUE_NEEDED);

    CredHandle inbound = pair.server_credential;
    pair.server_credential = pair.client_credential;
    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_E_OUT_OF_SEQUENCE);
    pair.server_credential = inbound;

    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &to_client, &to_server), SEC_E_OK);
    assert_int_equal(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_E_OK);
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &after), SEC_E_OK);
    assert_ptr_not_equal(before.AccessToken, after.AccessToken);
    SecHandle stale = handle_unpack(HANDLE_CONTEXT_TOKEN, before.AccessToken);
    assert_null(handle_pin(HANDLE_CONTEXT_TOKEN, &stale));
    assert_true(pair_free(&pair));
}

/* The local account that switch-uid goes by reaches the session whole or not at all. */
static void test_unix_name_is_whole(void **state)
{
    char name[65] = {0};
    struct ntlm_names *names = NULL;
    (void)state;
    memset(name, 'n', 63);
    assert_int_equal(ntlm_names_new(UTF16_NONE, UTF16_NONE, UTF16_NONE, BYTES_NONE, BYTES_NONE, name, &names),
                     SEC_E_OK);
    const struct ntlm_context context = {.names = names};
    assert_string_equal(ntlm_unix_name(&context), name);
    free(names);
    name[63] = 'n';
    assert_int_equal(ntlm_names_new(UTF16_NONE, UTF16_NONE, UTF16_NONE, BYTES_NONE, BYTES_NONE, name, &names),
                     SEC_E_INTERNAL_ERROR);
}

/* Whatever byte of AUTHENTICATE changes on its way, nobody is let in. */
static void test_every_byte_counts(void **state)
{
    struct pair pair;
    struct pair_token negotiate, challenge, authenticate, nothing;
    (void)state;
    open_pair(&pair);
    ULONG size = 1;
    for (ULONG at = 0; at < size; at++) {
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &negotiate), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(pair_server_leg(&pair, 0, &negotiate, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &challenge, &authenticate), SEC_E_OK);
        size = authenticate.size;
        authenticate.data[at] ^= 0x20;
        assert_true(pair_server_leg(&pair, 0, &authenticate, &nothing) < 0);
        assert_int_equal(nothing.size, 0);
        authenticate.data[at] ^= 0x20; /* a challenge is good for one answer */
        assert_int_equal(pair_server_leg(&pair, 0, &authenticate, &nothing), SEC_E_OUT_OF_SEQUENCE);
        assert_true(pair_reset(&pair));
    }
    assert_true(pair_free(&pair));
}

/* The MIC covers the first two messages too (MS-NLMP 3.1.5.1.2): a downgrade on the way is found. */
static void test_altered_negotiate_and_challenge(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct pair pair;
        struct pair_token negotiate, challenge, authenticate, nothing;
        open_pair(&pair);
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &negotiate), SEC_I_CONTINUE_NEEDED);
        if (which == 0) {
            negotiate.data[32] ^= 1; /* ProductMajorVersion: means nothing, and yet */
        }
        assert_int_equal(pair_server_leg(&pair, 0, &negotiate, &challenge), SEC_I_CONTINUE_NEEDED);
        if (which == 1) {
            challenge.data[48] ^= 1;
        }
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &challenge, &authenticate), SEC_E_OK);
        assert_int_equal(pair_server_leg(&pair, 0, &authenticate, &nothing), SEC_E_MESSAGE_ALTERED);
        assert_true(pair_free(&pair));
    }
}

/* SEC_CHANNEL_BINDINGS with application data. */
struct bindings {
    SEC_CHANNEL_BINDINGS head;
    char data[32];
};

static struct bindings make_bindings(const char *text)
{
    struct bindings bindings = {.head = {.cbApplicationDataLength = (ULONG)strlen(text),
                                         .dwApplicationDataOffset = sizeof(SEC_CHANNEL_BINDINGS)}};
    memcpy(bindings.data, text, strlen(text));
    return bindings;
}

/* One exchange with bindings of the client's and the server's (NULL: none). */
static SECURITY_STATUS bound(const char *client, const char *server, ULONG asc, int send_level, ULONG *out_result)
{
    struct pair pair;
    struct pair_token token, answer;
    struct bindings of_client = make_bindings(client != NULL ? client : "");
    struct bindings of_server = make_bindings(server != NULL ? server : "");
    reset_policy();
    policy.ntlm_send_level = send_level;
    policy.ntlm_accept_level = 0;
    open_pair(&pair);
    pair.bindings = client != NULL ? &of_client : NULL;
    pair.bindings_size = (ULONG)sizeof of_client.head + of_client.head.cbApplicationDataLength;
    assert_int_equal(pair_client_leg(&pair, 0, NULL, &token), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_server_leg(&pair, asc, &token, &answer), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, 0, &answer, &token), SEC_E_OK);

    SecBuffer in[2] = {{token.size, SECBUFFER_TOKEN, token.data},
                       {(ULONG)sizeof of_server.head + of_server.head.cbApplicationDataLength,
                        SECBUFFER_CHANNEL_BINDINGS, &of_server}};
    ULONG verdict = 0;
    SecBuffer out[2] = {{sizeof answer.data, SECBUFFER_TOKEN, answer.data},
                        {sizeof verdict, SECBUFFER_CHANNEL_BINDINGS_RESULT, &verdict}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, server != NULL ? 2 : 1, in};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 2, out};
    SECURITY_STATUS status = AcceptSecurityContext(&pair.server_credential, &pair.server, &in_desc, asc,
                                                   SECURITY_NATIVE_DREP, &pair.server, &out_desc, NULL, NULL);
    *out_result = verdict;
    assert_true(pair_free(&pair));
    reset_policy();
    return status;
}

/* The table of Extended Protection: rows what the server has, columns what the client sent. */
static void test_channel_bindings(void **state)
{
    enum { MATCH, OTHER, ZERO, UNAWARE };
    static const struct {
        const char *server;
        ULONG asc;
        SECURITY_STATUS status[4];
        ULONG result[4];
    } rows[] = {
        {NULL, 0, {SEC_E_OK, SEC_E_OK, SEC_E_OK, SEC_E_OK}, {0, 0, 0, 0}},
        {"tls-unique:here",
         0,
         {SEC_E_OK, SEC_E_BAD_BINDINGS, SEC_E_BAD_BINDINGS, SEC_E_BAD_BINDINGS},
         {0x10, 0x04, 0x0B, 0x0A}},
        {"tls-unique:here",
         ASC_REQ_ALLOW_MISSING_BINDINGS,
         {SEC_E_OK, SEC_E_BAD_BINDINGS, SEC_E_BAD_BINDINGS, SEC_E_OK},
         {0x10, 0x04, 0x0B, 0x40}},
        {NULL,
         ASC_REQ_PROXY_BINDINGS,
         {SEC_E_OK, SEC_E_OK, SEC_E_BAD_BINDINGS, SEC_E_BAD_BINDINGS},
         {0x20, 0x20, 0x0B, 0x0A}},
    };
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (int column = MATCH; column <= UNAWARE; column++) {
            static const char *const sent[] = {"tls-unique:here", "tls-unique:there", NULL, NULL};
            ULONG result;
            SECURITY_STATUS status =
                bound(sent[column], rows[row].server, rows[row].asc, column == UNAWARE ? 2 : 3, &result);
            assert_int_equal(status, rows[row].status[column]);
            assert_int_equal(result, rows[row].result[column]);
        }
    }
}

/* [ntlm] target-name: the service the client meant, enforced by the server. */
static void test_target_name(void **state)
{
    static const struct {
        enum policy_target rule;
        const char *names;
        SECURITY_STATUS expected;
    } rows[] = {
        {POLICY_TARGET_ANY, "HTTP/other", SEC_E_OK},
        {POLICY_TARGET_IF_SENT, "HTTP/other", SEC_E_TARGET_UNKNOWN},
        {POLICY_TARGET_IF_SENT, "HTTP/other, http/SERVER", SEC_E_OK},
        {POLICY_TARGET_REQUIRED, "HTTP/Server", SEC_E_OK},
        {POLICY_TARGET_REQUIRED, "", SEC_E_TARGET_UNKNOWN},
    };
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct pair pair;
        reset_policy();
        policy.ntlm_target = rows[row].rule;
        snprintf(policy.ntlm_target_names, sizeof policy.ntlm_target_names, "%s", rows[row].names);
        open_pair(&pair);
        assert_int_equal(pair_handshake(&pair, 0), rows[row].expected);
        assert_true(pair_free(&pair));
        reset_policy();
    }
}

/* A client by hand, for what our own never sends. */
struct hand {
    uint32_t negotiate_flags, authenticate_flags;
    bool mic;
    bool oem;
    int64_t clock_offset_seconds;
};

static SECURITY_STATUS by_hand(struct pair *pair, const struct hand *hand)
{
    struct pair_token token, answer;
    struct writer writer = write_into(token.data, sizeof token.data);
    struct ntlm_challenge challenge;
    struct key16 ntowf, v2, proof;
    struct hmac_md5_key key;
    uint8_t response[1024];
    ntlm_negotiate_build(&(struct ntlm_negotiate){.flags = hand->negotiate_flags}, &writer);
    token.size = (ULONG)writer.size;
    SECURITY_STATUS status = pair_server_leg(pair, 0, &token, &answer);
    if (status != SEC_I_CONTINUE_NEEDED) {
        return status;
    }
    assert_int_equal(ntlm_challenge_parse(bytes_of(answer.data, answer.size), &challenge), SEC_E_OK);

    static const uint16_t user[] = u"User", domain[] = u"Domain";
    memcpy(ntowf.b, pair_nt_hash, sizeof ntowf.b);
    ntlm_ntowf_v2(&ntowf, utf16_from_wide(user), utf16_from_wide(domain), &v2);
    hmac_md5_key(&key, BYTES(v2.b));
    struct ntlm_client_pairs pairs = {
        .timestamp = clock_now() + (uint64_t)(hand->clock_offset_seconds * (int64_t)CLOCK_SECOND),
        .server_pairs = challenge.target_info,
        .av_flags = hand->mic ? NTLM_AV_MIC : 0,
        .channel_bindings = BYTES(v2.b),
    };
    struct writer nt = write_into(response, sizeof response);
    write_zeros(&nt, 16);
    ntlm_client_challenge_build(&pairs, &nt);
    ntlm_v2_proof(&key, challenge.server_challenge, bytes_of(response + 16, nt.size - 16), &proof);
    write_patch(&nt, 0, BYTES(proof.b));
    const uint8_t lm[24] = {0};
    struct ntlm_authenticate message = {
        .flags = hand->authenticate_flags,
        .lm_response = BYTES(lm),
        .nt_response = write_result(&nt),
        .domain = hand->oem ? bytes_of("Domain", 6) : utf16_bytes(utf16_from_wide(domain)),
        .user = hand->oem ? bytes_of("User", 4) : utf16_bytes(utf16_from_wide(user)),
        .has_version = true,
    };
    writer = write_into(token.data, sizeof token.data);
    ntlm_authenticate_build(&message, &writer);
    assert_int_equal(write_end(&writer), SEC_E_OK);
    token.size = (ULONG)writer.size;
    return pair_server_leg(pair, 0, &token, &answer);
}

#define HAND_FLAGS (NTLM_UNICODE | NTLM_NTLM | NTLM_ALWAYS_SIGN | NTLM_ESS | NTLM_128 | NTLM_56 | NTLM_VERSION)

static SECURITY_STATUS by_hand_once(const struct hand *hand)
{
    struct pair pair;
    open_pair(&pair);
    SECURITY_STATUS status = by_hand(&pair, hand);
    assert_true(pair_free(&pair));
    return status;
}

static void test_oem_client(void **state)
{
    uint32_t oem = (HAND_FLAGS & ~(uint32_t)NTLM_UNICODE) | NTLM_OEM;
    (void)state;
    assert_int_equal(by_hand_once(&(struct hand){oem, oem, .oem = true}), SEC_E_OK);
    uint32_t neither = oem & ~(uint32_t)NTLM_OEM;
    assert_int_equal(by_hand_once(&(struct hand){neither, neither, .oem = true}), SEC_E_INVALID_TOKEN);
    /* a charset in AUTHENTICATE that CHALLENGE did not leave */
    assert_int_equal(by_hand_once(&(struct hand){oem, HAND_FLAGS}), SEC_E_INVALID_TOKEN);
}

static void test_clients_without_mic(void **state)
{
    (void)state;
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS}), SEC_E_OK);
    policy.ntlm_require_mic = true;
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS}), SEC_E_LOGON_DENIED);
    reset_policy();
    /* announced and absent (gss-ntlmssp 0.9 did that) */
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS, .mic = true}), SEC_E_MESSAGE_ALTERED);
}

static void test_key_exchange_needs_its_key(void **state)
{
    uint32_t flags = HAND_FLAGS | NTLM_KEY_EXCH | NTLM_SIGN;
    (void)state;
    assert_int_equal(by_hand_once(&(struct hand){flags, flags}), SEC_E_INVALID_TOKEN);
}

static void test_128_bit(void **state)
{
    uint32_t flags = (HAND_FLAGS & ~(uint32_t)NTLM_128) | NTLM_SIGN;
    (void)state;
    assert_int_equal(by_hand_once(&(struct hand){flags, flags}), SEC_E_UNSUPPORTED_FUNCTION);
    policy.ntlm_require_128 = false;
    assert_int_equal(by_hand_once(&(struct hand){flags, flags}), SEC_E_OK);
    reset_policy();
}

static void test_clock_skew(void **state)
{
    (void)state;
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS, .clock_offset_seconds = -7200}), SEC_E_OK);
    policy.ntlm_max_skew = 3600;
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS, .clock_offset_seconds = -7200}),
                     SEC_E_TIME_SKEW);
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS, .clock_offset_seconds = 7200}),
                     SEC_E_TIME_SKEW);
    assert_int_equal(by_hand_once(&(struct hand){HAND_FLAGS, HAND_FLAGS, .clock_offset_seconds = -60}), SEC_E_OK);
    reset_policy();
}

static void test_switched_off(void **state)
{
    CredHandle credential;
    WCHAR ntlm[] = {'N', 'T', 'L', 'M', 0};
    (void)state;
    policy.ntlm_enabled = false;
    assert_int_equal(
        AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_SECPKG_NOT_FOUND);
    reset_policy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_default_is_ntlmv2_only),
        cmocka_unit_test(test_one_stream_finds_replays),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_anonymous_seals),
        cmocka_unit_test(test_negotiate_is_short),
        cmocka_unit_test(test_datagram),
        cmocka_unit_test(test_datagram_is_the_servers_choice),
        cmocka_unit_test(test_reauthentication),
        cmocka_unit_test(test_reauthentication_changes_the_token),
        cmocka_unit_test(test_unix_name_is_whole),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_altered_negotiate_and_challenge),
        cmocka_unit_test(test_channel_bindings),
        cmocka_unit_test(test_target_name),
        cmocka_unit_test(test_oem_client),
        cmocka_unit_test(test_clients_without_mic),
        cmocka_unit_test(test_key_exchange_needs_its_key),
        cmocka_unit_test(test_128_bit),
        cmocka_unit_test(test_clock_skew),
        cmocka_unit_test(test_switched_off),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
