/* Each side of CredSSP against one that is played by hand: what a peer, or somebody in the middle, can try, and that no
 * credentials leave for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/policy.h"
#include "credssp/binding.h"
#include "credssp/ts_credentials.h"
#include "sspi_ext.h"
#include "support/credssp_peer.h"

static struct credssp_peer peer;
static struct policy policy;

#define HEARD                         bytes_of(peer.heard.data, peer.heard.size)
#define BYTES_IN(room)                bytes_of((room).data, (room).size)
#define assert_status(call, expected) assert_status_at((call), (expected), #call, __LINE__)

static void assert_status_at(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, int line)
{
    if (status != expected) {
        print_message("# line %d: %s: %08x instead of %08x: %s\n", line, call, (unsigned)status, (unsigned)expected,
                      SspiExtLastReason(NULL) != NULL ? SspiExtLastReason(NULL) : "");
    }
    assert_int_equal(status, expected);
}

static void set_policy(uint32_t minimum)
{
    policy_defaults(&policy);
    policy.kerberos_enabled = false;
    policy.credssp_minimum = minimum;
    policy_override(&policy);
}

static int begin(void **state)
{
    set_policy(5);
    return 0;
}

static int end(void **state)
{
    peer_free(&peer);
    memset(&peer, 0, sizeof peer);
    return 0;
}

/* A failed context stays failed. */
static void assert_over(void)
{
    uint8_t none[1] = {0};
    peer.ends.size[peer.they] = 0;
    ends_put(&peer.ends, peer.they, none, 1);
    assert_status(ends_step(&peer.ends, peer.they), SEC_E_OUT_OF_SEQUENCE);
}

/* ---------------------------------------------------------------- the library's client */

static void open_client(DWORD protocols)
{
    if (!peer.ends.has_credential[END_CLIENT]) {
        assert_status(peer_acquire(&peer, END_SERVER, protocols, ends_certificate()), SEC_E_OK);
    }
    peer_reset(&peer);
    assert_true(peer_connect(&peer));
}

/* Up to the client's pubKeyAuth, which is in peer.heard then; our version is `version`. */
static SECURITY_STATUS until_binding(uint32_t version)
{
    struct peer_bytes token;
    assert_status(peer_session(&peer, &token), SEC_I_CONTINUE_NEEDED);
    struct ts_request challenge = {.version = version, .nego_token = BYTES_IN(token)};
    SECURITY_STATUS status = peer_request(&peer, &challenge);
    if (status == SEC_I_CONTINUE_NEEDED) {
        assert_status(peer_session(&peer, &token), SEC_E_OK);
    }
    return status;
}

/* Our pubKeyAuth, with what the client sent as nonce. */
static SECURITY_STATUS answer_with(uint32_t version, bool from_client, struct bytes key)
{
    AUTO_TS_REQUEST heard = {.owner = NULL};
    AUTO_SECRET plain = {0};
    struct peer_bytes sealed;
    assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
    assert_int_equal(heard.nonce.size, version >= 5 ? 32 : 0);
    assert_status(binding_make(version, from_client, heard.nonce, key, &plain), SEC_E_OK);
    assert_true(peer_seal(&peer, secret_bytes(&plain), &sealed));
    struct ts_request answer = {.version = version, .pub_key_auth = BYTES_IN(sealed)};
    return peer_request(&peer, &answer);
}

/* What the client delegated, when it did. */
static void expect_credentials(const char *password)
{
    AUTO_TS_REQUEST heard = {.owner = NULL};
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    struct peer_bytes plain;
    char text[64] = "";
    assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
    assert_true(peer_unseal(&peer, heard.auth_info, &plain));
    assert_status(ts_credentials_parse(BYTES_IN(plain), &credentials), SEC_E_OK);
    assert_int_equal(credentials.type, TS_PASSWORD);
    utf16_utf8_write(credentials.password.password, text);
    assert_string_equal(text, password);
}

static void client_and_every_version(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    set_policy(2);
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t version = 2; version <= 7; version++) {
            open_client(protocols[i]);
            assert_status(until_binding(version), SEC_I_CONTINUE_NEEDED);
            AUTO_TS_REQUEST heard = {.owner = NULL};
            AUTO_SECRET expected = {0};
            struct peer_bytes plain;
            assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
            assert_int_equal(heard.version, 6);
            assert_true(peer_unseal(&peer, heard.pub_key_auth, &plain));
            struct bytes key = peer_key(ends_certificate());
            assert_status(binding_make(version, true, heard.nonce, key, &expected), SEC_E_OK);
            assert_int_equal(plain.size, expected.size);
            assert_memory_equal(plain.data, expected.data, plain.size);
            assert_status(answer_with(version, false, key), SEC_E_OK);
            expect_credentials("Password");
        }
        end(state);
    }
}

static void client_refuses_old_versions(void **state)
{
    for (uint32_t version = 2; version <= 4; version++) {
        open_client(SP_PROT_TLS1_3);
        assert_status(until_binding(version), SEC_E_UNSUPPORTED_FUNCTION);
        assert_int_equal(peer.heard.size, 0);
        assert_over();
    }
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(1), SEC_E_INVALID_TOKEN);
}

static void client_refuses_another_version_on_the_way(void **state)
{
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(6), SEC_I_CONTINUE_NEEDED);
    assert_status(answer_with(5, false, peer_key(ends_certificate())), SEC_E_INVALID_TOKEN);
    assert_int_equal(peer.heard.size, 0);
}

/* Another key; the client's own hash once more, sealed by us; nothing sealed at all; the client's own token. */
static void client_refuses_what_is_not_bound(void **state)
{
    struct peer_bytes other = {.size = 40};
    for (uint32_t version = 4; version <= 6; version++) {
        set_policy(2);
        open_client(SP_PROT_TLS1_3);
        assert_status(until_binding(version), SEC_I_CONTINUE_NEEDED);
        assert_status(answer_with(version, false, peer_key(ends_other_certificate())), SEC_E_MESSAGE_ALTERED);
        assert_int_equal(peer.heard.size, 0);
        assert_over();
        open_client(SP_PROT_TLS1_3);
        assert_status(until_binding(version), SEC_I_CONTINUE_NEEDED);
        assert_status(answer_with(version, true, peer_key(ends_certificate())), SEC_E_MESSAGE_ALTERED);
        assert_int_equal(peer.heard.size, 0);
        open_client(SP_PROT_TLS1_3);
        assert_status(until_binding(version), SEC_I_CONTINUE_NEEDED);
        struct ts_request unsealed = {.version = version, .pub_key_auth = BYTES_IN(other)};
        assert_int_equal(peer_request(&peer, &unsealed) < 0, true);
        assert_int_equal(peer.heard.size, 0);
        open_client(SP_PROT_TLS1_3);
        assert_status(until_binding(version), SEC_I_CONTINUE_NEEDED);
        AUTO_TS_REQUEST heard = {.owner = NULL};
        assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
        struct ts_request mirrored = {.version = version, .pub_key_auth = heard.pub_key_auth};
        assert_int_equal(peer_request(&peer, &mirrored) < 0, true);
        assert_int_equal(peer.heard.size, 0);
        assert_over();
    }
}

/* A binding that was good in an earlier exchange. */
static void client_refuses_a_replayed_binding(void **state)
{
    struct peer_bytes sealed;
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(6), SEC_I_CONTINUE_NEEDED);
    {
        AUTO_TS_REQUEST heard = {.owner = NULL};
        AUTO_SECRET plain = {0};
        assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
        assert_status(binding_make(6, false, heard.nonce, peer_key(ends_certificate()), &plain), SEC_E_OK);
        assert_true(peer_seal(&peer, secret_bytes(&plain), &sealed));
    }
    struct ts_request answer = {.pub_key_auth = BYTES_IN(sealed)};
    assert_status(peer_request(&peer, &answer), SEC_E_OK);
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(6), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(peer_request(&peer, &answer) < 0, true);
    assert_int_equal(peer.heard.size, 0);
}

/* The hash of another nonce, sealed by the right session: what a relay of hashes would come to. */
static void client_wants_its_own_nonce(void **state)
{
    static const uint8_t nonce[32] = {1};
    AUTO_SECRET plain = {0};
    struct peer_bytes sealed;
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(6), SEC_I_CONTINUE_NEEDED);
    assert_status(binding_make(6, false, BYTES(nonce), peer_key(ends_certificate()), &plain), SEC_E_OK);
    assert_true(peer_seal(&peer, secret_bytes(&plain), &sealed));
    struct ts_request answer = {.pub_key_auth = BYTES_IN(sealed), .nonce = BYTES(nonce)};
    assert_status(peer_request(&peer, &answer), SEC_E_MESSAGE_ALTERED);
    assert_int_equal(peer.heard.size, 0);
}

static void client_and_error_codes(void **state)
{
    static const struct {
        uint32_t error;
        SECURITY_STATUS status;
    } cases[] = {
        {0xC000006D, SEC_E_LOGON_DENIED},          /* STATUS_LOGON_FAILURE */
        {0xC0000224, (SECURITY_STATUS)0xC0000224}, /* STATUS_PASSWORD_MUST_CHANGE */
        {0xC0000071, (SECURITY_STATUS)0xC0000071}, /* STATUS_PASSWORD_EXPIRED */
        {0xC00000BB, (SECURITY_STATUS)0xC00000BB}, {0, SEC_E_LOGON_DENIED},
        {0x00090312, SEC_E_LOGON_DENIED}, /* SEC_I_CONTINUE_NEEDED */
        {0x80090318, SEC_E_LOGON_DENIED}, /* SEC_E_INCOMPLETE_MESSAGE */
        {0x80090300, SEC_E_LOGON_DENIED}, /* SEC_E_INSUFFICIENT_MEMORY */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const uint8_t token[] = {1};
        open_client(SP_PROT_TLS1_3);
        struct ts_request refusal = {.has_error = true, .error = cases[i].error, .nego_token = BYTES(token)};
        assert_status(peer_request(&peer, &refusal), cases[i].status);
        assert_int_equal(peer.heard.size, 0);
        assert_over();
    }
}

static void client_wants_tokens_in_their_turn(void **state)
{
    static const uint8_t anything[] = {1, 2, 3};
    open_client(SP_PROT_TLS1_3);
    struct ts_request nothing = {.version = 6};
    assert_status(peer_request(&peer, &nothing), SEC_E_INVALID_TOKEN);
    open_client(SP_PROT_TLS1_3);
    struct ts_request early = {.pub_key_auth = BYTES(anything)};
    assert_status(peer_request(&peer, &early), SEC_E_INVALID_TOKEN);
    open_client(SP_PROT_TLS1_3);
    assert_status(until_binding(6), SEC_I_CONTINUE_NEEDED);
    struct ts_request late = {.nego_token = BYTES(anything)};
    assert_status(peer_request(&peer, &late), SEC_E_INVALID_TOKEN);
    assert_int_equal(peer.heard.size, 0);
}

/* One byte a record; garbage; too much; too little. */
static void client_and_framing(void **state)
{
    struct peer_bytes token;
    AUTO_WRITER message = write_growing(PEER_ROOM);
    for (size_t piece = 1; piece < 200; piece += 37) {
        open_client(piece % 2 != 0 ? SP_PROT_TLS1_3 : SP_PROT_TLS1_2);
        assert_status(peer_session(&peer, &token), SEC_I_CONTINUE_NEEDED);
        const struct ts_request challenge = {.version = 6, .nego_token = BYTES_IN(token)};
        write_free(&message);
        message = write_growing(PEER_ROOM);
        assert_status(ts_request_build(&challenge, &message), SEC_E_OK);
        assert_status(peer_say_in_pieces(&peer, message.data, message.size, piece), SEC_I_CONTINUE_NEEDED);
        assert_status(peer_session(&peer, &token), SEC_E_OK);
        assert_status(answer_with(6, false, peer_key(ends_certificate())), SEC_E_OK);
        end(state);
    }
    static const struct {
        const char *data;
        size_t size;
    } bad[] = {{"GET / HTTP/1.1", 14},
               {"\x30\x80\x00\x00\x00\x00\x00", 8}, /* no DER */
               {"\x30\x84\x7f\xff\xff\xff", 6},
               {"0", 1}, /* so far it may be one */
               {"\x30\x03\xa0\x01\x00", 5}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        open_client(SP_PROT_TLS1_3);
        assert_status(peer_say(&peer, bad[i].data, bad[i].size), i == 3 ? SEC_I_CONTINUE_NEEDED : SEC_E_INVALID_TOKEN);
    }
    open_client(SP_PROT_TLS1_3); /* a message and a byte more */
    uint8_t longer[PEER_ROOM];
    memcpy(longer, message.data, message.size);
    longer[message.size] = 0;
    assert_status(peer_say(&peer, longer, message.size + 1), SEC_E_INVALID_TOKEN);
    assert_int_equal(peer.heard.size, 0);
}

/* The peer hangs up in the middle of a message. */
static void client_and_the_end(void **state)
{
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer buffer = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown};
    SecBufferDesc control = {SECBUFFER_VERSION, 1, &buffer};
    static const uint8_t start[] = {0x30, 0x20, 0xa0};
    open_client(SP_PROT_TLS1_3);
    assert_status(peer_say(&peer, start, sizeof start), SEC_I_CONTINUE_NEEDED);
    assert_status(ApplyControlToken(&peer.ends.contexts[END_SERVER], &control), SEC_E_OK);
    assert_int_equal(ends_step(&peer.ends, END_SERVER) >= 0, true);
    assert_status(ends_step(&peer.ends, END_CLIENT), SEC_E_CONTEXT_EXPIRED);
    assert_over();
}

/* A record that was altered on the wire. */
static void client_and_altered_records(void **state)
{
    struct peer_bytes token;
    open_client(SP_PROT_TLS1_3);
    assert_status(peer_session(&peer, &token), SEC_I_CONTINUE_NEEDED);
    assert_status(ends_send(&peer.ends, END_SERVER, token.data, token.size), SEC_E_OK);
    peer.ends.wire[END_CLIENT][peer.ends.size[END_CLIENT] - 1] ^= 1;
    assert_status(ends_step(&peer.ends, END_CLIENT), SEC_E_MESSAGE_ALTERED);
    assert_over();
}

/* ---------------------------------------------------------------- the library's server */

static void open_server(DWORD protocols)
{
    if (!peer.ends.has_credential[END_SERVER]) {
        assert_status(peer_acquire(&peer, END_CLIENT, protocols, NULL), SEC_E_OK);
    }
    peer_reset(&peer);
    assert_true(peer_connect(&peer));
}

static const uint8_t our_nonce[32] = {7, 7, 7};

/* Up to our last token, which *out holds and which has not been sent. */
static SECURITY_STATUS until_authenticate(uint32_t version, struct peer_bytes *out)
{
    assert_status(peer_session(&peer, out), SEC_I_CONTINUE_NEEDED);
    struct ts_request negotiate = {.version = version, .nego_token = BYTES_IN(*out)};
    SECURITY_STATUS status = peer_request(&peer, &negotiate);
    if (status == SEC_I_CONTINUE_NEEDED) {
        assert_status(peer_session(&peer, out), SEC_E_OK);
    }
    return status;
}

static SECURITY_STATUS bind_with(uint32_t version, struct bytes key, struct bytes nonce, struct bytes sent_nonce)
{
    AUTO_SECRET plain = {0};
    struct peer_bytes token, sealed;
    assert_status(until_authenticate(version, &token), SEC_I_CONTINUE_NEEDED);
    assert_status(binding_make(version, true, nonce, key, &plain), SEC_E_OK);
    assert_true(peer_seal(&peer, secret_bytes(&plain), &sealed));
    struct ts_request request = {
        .version = version, .nego_token = BYTES_IN(token), .pub_key_auth = BYTES_IN(sealed), .nonce = sent_nonce};
    return peer_request(&peer, &request);
}

static SECURITY_STATUS bind_well(uint32_t version)
{
    struct bytes nonce = BYTES(our_nonce);
    return bind_with(version, peer_key(ends_certificate()), nonce, version >= 5 ? nonce : BYTES_NONE);
}

static SECURITY_STATUS delegate(uint32_t version, struct bytes plain)
{
    struct peer_bytes sealed;
    assert_true(peer_seal(&peer, plain, &sealed));
    struct ts_request request = {.version = version, .auth_info = BYTES_IN(sealed)};
    return peer_request(&peer, &request);
}

static SECURITY_STATUS delegate_something(uint32_t version)
{
    AUTO_WRITER plain = write_growing(1024);
    static const uint8_t user[] = {'U', 0};
    const struct ts_credentials credentials = {.type = TS_PASSWORD, .password = {.user = {user, 2}}};
    assert_status(ts_credentials_build(&credentials, &plain), SEC_E_OK);
    return delegate(version, write_result(&plain));
}

static void server_and_every_version(void **state)
{
    set_policy(2);
    for (uint32_t version = 2; version <= 7; version++) {
        AUTO_TS_REQUEST heard = {.owner = NULL};
        AUTO_SECRET expected = {0};
        struct peer_bytes plain;
        open_server(version % 2 != 0 ? SP_PROT_TLS1_2 : SP_PROT_TLS1_3);
        assert_status(bind_well(version), SEC_I_CONTINUE_NEEDED);
        assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
        assert_int_equal(heard.version, 6);
        assert_true(peer_unseal(&peer, heard.pub_key_auth, &plain));
        assert_status(binding_make(version, false, BYTES(our_nonce), peer_key(ends_certificate()), &expected),
                      SEC_E_OK);
        assert_int_equal(plain.size, expected.size);
        assert_memory_equal(plain.data, expected.data, plain.size);
        assert_status(delegate_something(version), SEC_E_OK);
        assert_int_equal(peer.heard.size, 0);
    }
}

/* The older ones hear why, where their version has a place for it. */
static void server_refuses_old_versions(void **state)
{
    for (uint32_t version = 2; version <= 4; version++) {
        struct peer_bytes token;
        AUTO_TS_REQUEST heard = {.owner = NULL};
        open_server(SP_PROT_TLS1_3);
        assert_status(until_authenticate(version, &token), SEC_E_UNSUPPORTED_FUNCTION);
        if (version == 2) {
            assert_int_equal(peer.heard.size, 0);
        } else {
            assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
            assert_true(heard.has_error && heard.error == 0xC00000BB);
        }
        assert_over();
    }
}

/* Somebody in the middle has another key on our side of him. */
static void server_refuses_another_key(void **state)
{
    struct bytes nonce = BYTES(our_nonce);
    for (uint32_t version = 4; version <= 6; version++) {
        set_policy(2);
        open_server(SP_PROT_TLS1_3);
        assert_status(bind_with(version, peer_key(ends_other_certificate()), nonce, version >= 5 ? nonce : BYTES_NONE),
                      SEC_E_MESSAGE_ALTERED);
        assert_int_equal(peer.heard.size, 0);
        assert_over();
    }
}

static void server_and_nonces(void **state)
{
    static const uint8_t other[33] = {9};
    struct bytes key = peer_key(ends_certificate()), nonce = BYTES(our_nonce);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_with(6, key, nonce, BYTES_NONE), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_with(6, key, bytes_of(other, 31), bytes_of(other, 31)), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_with(6, key, bytes_of(other, 33), bytes_of(other, 33)), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_with(5, key, nonce, bytes_of(other, 32)), SEC_E_MESSAGE_ALTERED);
}

/* Some send the nonce from the first message on (FreeRDP), and not with pubKeyAuth again. */
static void server_takes_an_early_nonce(void **state)
{
    AUTO_SECRET plain = {0};
    struct peer_bytes token, sealed;
    open_server(SP_PROT_TLS1_3);
    assert_status(peer_session(&peer, &token), SEC_I_CONTINUE_NEEDED);
    struct ts_request first = {.nego_token = BYTES_IN(token), .nonce = BYTES(our_nonce)};
    assert_status(peer_request(&peer, &first), SEC_I_CONTINUE_NEEDED);
    assert_status(peer_session(&peer, &token), SEC_E_OK);
    assert_status(binding_make(6, true, BYTES(our_nonce), peer_key(ends_certificate()), &plain), SEC_E_OK);
    assert_true(peer_seal(&peer, secret_bytes(&plain), &sealed));
    struct ts_request second = {.nego_token = BYTES_IN(token), .pub_key_auth = BYTES_IN(sealed)};
    assert_status(peer_request(&peer, &second), SEC_I_CONTINUE_NEEDED);
}

static void server_wants_things_in_their_turn(void **state)
{
    struct peer_bytes token, sealed;
    static const uint8_t anything[20] = {1, 0, 0, 0};
    struct bytes key = peer_key(ends_certificate()), nonce = BYTES(our_nonce);
    open_server(SP_PROT_TLS1_3); /* nothing */
    struct ts_request nothing = {.version = 6};
    assert_status(peer_request(&peer, &nothing), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3); /* a binding before the session is done */
    assert_status(peer_session(&peer, &token), SEC_I_CONTINUE_NEEDED);
    struct ts_request early = {.nego_token = BYTES_IN(token), .pub_key_auth = BYTES(anything), .nonce = nonce};
    assert_status(peer_request(&peer, &early), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3); /* the last token without the binding */
    assert_status(until_authenticate(6, &token), SEC_I_CONTINUE_NEEDED);
    struct ts_request alone = {.nego_token = BYTES_IN(token)};
    assert_status(peer_request(&peer, &alone), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3); /* the credentials in place of the binding */
    assert_status(until_authenticate(6, &token), SEC_I_CONTINUE_NEEDED);
    assert_true(peer_seal(&peer, BYTES(anything), &sealed));
    struct ts_request skipped = {.nego_token = BYTES_IN(token), .auth_info = BYTES_IN(sealed), .nonce = nonce};
    assert_status(peer_request(&peer, &skipped), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3); /* the binding twice */
    assert_status(bind_with(6, key, nonce, nonce), SEC_I_CONTINUE_NEEDED);
    struct ts_request again = {.pub_key_auth = BYTES(anything), .nonce = nonce};
    assert_status(peer_request(&peer, &again), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3); /* another version on the way */
    assert_status(bind_well(6), SEC_I_CONTINUE_NEEDED);
    assert_status(delegate_something(5), SEC_E_INVALID_TOKEN);
    assert_over();
}

/* What is sealed and is no TSCredentials; the catalogue of malformed ones is elsewhere. */
static void server_reads_credentials_to_the_end(void **state)
{
    static const uint8_t cut[] = {0x30, 0x17, 0xa0, 0x03, 0x02, 0x01, 0x01};
    static const uint8_t tail[] = {0x30, 0x17, 0xa0, 0x03, 0x02, 0x01, 0x01, 0xa1, 0x10, 0x04, 0x0e, 0x30, 0x0c,
                                   0xa0, 0x02, 0x04, 0x00, 0xa1, 0x02, 0x04, 0x00, 0xa2, 0x02, 0x04, 0x00, 0x00};
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_well(6), SEC_I_CONTINUE_NEEDED);
    assert_status(delegate(6, BYTES(cut)), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_well(6), SEC_I_CONTINUE_NEEDED);
    assert_status(delegate(6, BYTES(tail)), SEC_E_INVALID_TOKEN);
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_well(6), SEC_I_CONTINUE_NEEDED);
    assert_status(delegate(6, bytes_of(tail, sizeof tail - 1)), SEC_E_OK);
    SecPkgContext_ClientCreds creds; /* empty ones are none */
    assert_status(QueryContextAttributesA(&peer.ends.contexts[END_SERVER], SECPKG_ATTR_CREDS, &creds),
                  SEC_E_NO_CREDENTIALS);
    assert_int_equal(peer.ends.attributes[END_SERVER] & ASC_RET_DELEGATE, 0);
}

/* A record that was sent before, in the same session. */
static void server_refuses_replayed_credentials(void **state)
{
    struct peer_bytes sealed;
    static const uint8_t anything[4] = {1};
    open_server(SP_PROT_TLS1_3);
    assert_status(bind_well(6), SEC_I_CONTINUE_NEEDED);
    assert_true(peer_seal(&peer, BYTES(anything), &sealed)); /* number 1 */
    assert_true(peer_seal(&peer, BYTES(anything), &sealed)); /* number 2, which is out of its turn */
    struct ts_request request = {.auth_info = BYTES_IN(sealed)};
    assert_int_equal(peer_request(&peer, &request) < 0, true);
    assert_over();
}

static SECURITY_STATUS SEC_ENTRY nobody(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    return SEC_E_LOGON_DENIED;
}

/* A wrong password: told to versions 3, 4 and 6, and to nobody else. */
static void server_tells_of_failed_logons(void **state)
{
    set_policy(2);
    for (uint32_t version = 2; version <= 6; version++) {
        struct peer_bytes token;
        AUTO_TS_REQUEST heard = {.owner = NULL};
        open_server(SP_PROT_TLS1_3);
        assert_status(SspiExtSetVerifier(&peer.ends.credentials[END_SERVER], nobody, NULL), SEC_E_OK);
        assert_status(until_authenticate(version, &token), SEC_I_CONTINUE_NEEDED);
        struct ts_request request = {.version = version, .nego_token = BYTES_IN(token)};
        assert_status(peer_request(&peer, &request), SEC_E_LOGON_DENIED);
        if (version == 2 || version == 5) {
            assert_int_equal(peer.heard.size, 0);
        } else {
            assert_status(ts_request_parse(HEARD, &heard), SEC_E_OK);
            assert_true(heard.has_error && heard.error == 0xC000006D);
        }
    }
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(client_and_every_version),
        test(client_refuses_old_versions),
        test(client_refuses_another_version_on_the_way),
        test(client_refuses_what_is_not_bound),
        test(client_refuses_a_replayed_binding),
        test(client_wants_its_own_nonce),
        test(client_and_error_codes),
        test(client_wants_tokens_in_their_turn),
        test(client_and_framing),
        test(client_and_the_end),
        test(client_and_altered_records),
        test(server_and_every_version),
        test(server_refuses_old_versions),
        test(server_refuses_another_key),
        test(server_and_nonces),
        test(server_takes_an_early_nonce),
        test(server_wants_things_in_their_turn),
        test(server_reads_credentials_to_the_end),
        test(server_refuses_replayed_credentials),
        test(server_tells_of_failed_logons),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
