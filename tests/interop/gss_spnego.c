/* Negotiate against MIT's SPNEGO over gss-ntlmssp, in one process and in both directions: the mechanism list's MIC, what
 * follows it, and what becomes of tokens that somebody changed on their way.
 *
 * Our client has NTLM alone and would send it as it is: the server speaks first, so that it answers with SPNEGO.
 */
#include "gss_session.h"

#include <stdio.h>
#include <string.h>

#define TRAILER 16

static bool present;
static unsigned char plain[300];

static bool is_client(void **state)
{
    if (!present) {
        print_message("# the NTLM mechanism of GSSAPI is not installed (package gss-ntlmssp)\n");
        skip();
    }
    return *(const bool *)*state;
}

static struct verdict negotiated(struct session *s, bool client, const struct person *who, ULONG request,
                                 OM_uint32 flags, void (*spoil)(struct session *s, int leg))
{
    session_begin(s, client, request, flags);
    s->spnego = true;
    return negotiate_on(s, who, client, spoil);
}

static void negotiated_well(struct session *s, bool client, ULONG request, OM_uint32 flags)
{
    struct verdict v = negotiated(s, client, &user, request, flags, NULL);
    assert_int_equal(v.sspi, SEC_E_OK);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
}

/* ---------------------------------------------------------------- who, and with what */

static void good_password(void **state)
{
    struct session s;
    bool client = is_client(state);
    negotiated_well(&s, client, SEALED, GSS_SEALED);
    SecPkgContext_NamesA names = {0};
    assert_int_equal(QueryContextAttributesA(&s.context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, user.sspi_name);
    assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);
    SecPkgContext_NegotiationInfoA info = {0};
    assert_int_equal(QueryContextAttributesA(&s.context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "NTLM");
    assert_int_equal(info.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    session_end(&s);
}

static void same_key(void **state)
{
    struct session s;
    OM_uint32 minor;
    gss_buffer_set_t theirs = GSS_C_NO_BUFFER_SET;
    SecPkgContext_SessionKey ours = {0};
    negotiated_well(&s, is_client(state), SEALED, GSS_SEALED);
    assert_int_equal(QueryContextAttributesA(&s.context, SECPKG_ATTR_SESSION_KEY, &ours), SEC_E_OK);
    assert_int_equal(gss_inquire_sec_context_by_oid(&minor, s.gss_context, GSS_C_INQ_SSPI_SESSION_KEY, &theirs),
                     GSS_S_COMPLETE);
    assert_int_equal(ours.SessionKeyLength, 16);
    assert_memory_equal(ours.SessionKey, theirs->elements[0].value, 16);
    gss_release_buffer_set(&minor, &theirs);
    assert_int_equal(FreeContextBuffer(ours.SessionKey), SEC_E_OK);
    session_end(&s);
}

static void refused(bool client, const struct person *who)
{
    struct session s;
    struct verdict v = negotiated(&s, client, who, SEALED, GSS_SEALED, NULL);
    if (client) {
        assert_true(GSS_ERROR(v.gss));
    } else {
        assert_int_equal(v.sspi, SEC_E_LOGON_DENIED);
    }
    session_end(&s);
}

static void wrong_password(void **state)
{
    refused(is_client(state), &wrong);
}

static void unknown_user(void **state)
{
    refused(is_client(state), &nobody);
}

/* What the loser is told: their server's reject makes our client give up, ours makes theirs. */
static void reject_reaches_the_client(void **state)
{
    struct session s;
    bool client = is_client(state);
    struct verdict v = negotiated(&s, client, &wrong, SEALED | ASC_REQ_EXTENDED_ERROR, GSS_SEALED, NULL);
    if (client) {
        static const unsigned char reject[] = {0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x02};
        assert_true(GSS_ERROR(v.gss));
        memcpy(s.token, reject, sizeof reject);
        s.token_length = sizeof reject;
        assert_int_equal(sspi_step(&s, false), SEC_E_LOGON_DENIED);
    } else {
        assert_int_equal(v.sspi, SEC_E_LOGON_DENIED);
    }
    session_end(&s);
}

/* ---------------------------------------------------------------- messages after the MIC: number one, cipher from its start */

static void messages(void **state)
{
    struct session s;
    OM_uint32 minor;
    negotiated_well(&s, is_client(state), SEALED, GSS_SEALED);
    for (int i = 0; i < 5; i++) {
        unsigned char token[TRAILER + sizeof plain];
        int confidential = 0;
        memcpy(token + TRAILER, plain, sizeof plain);
        SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, token}, {sizeof plain, SECBUFFER_DATA, token + TRAILER}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        assert_int_equal(EncryptMessage(&s.context, 0, &message, 0), SEC_E_OK);
        gss_buffer_desc in = {sizeof token, token}, out = GSS_C_EMPTY_BUFFER;
        assert_int_equal(gss_unwrap(&minor, s.gss_context, &in, &out, &confidential, NULL), GSS_S_COMPLETE);
        assert_int_equal(out.length, sizeof plain);
        assert_memory_equal(out.value, plain, sizeof plain);
        gss_release_buffer(&minor, &out);

        gss_buffer_desc data = {sizeof plain, plain};
        assert_int_equal(gss_wrap(&minor, s.gss_context, 1, GSS_C_QOP_DEFAULT, &data, &confidential, &out),
                         GSS_S_COMPLETE);
        buffers[0] = (SecBuffer){(ULONG)out.length, SECBUFFER_STREAM, out.value};
        buffers[1] = (SecBuffer){0, SECBUFFER_DATA, NULL};
        assert_int_equal(DecryptMessage(&s.context, &message, 0, NULL), SEC_E_OK);
        assert_memory_equal(buffers[1].pvBuffer, plain, sizeof plain);
        gss_release_buffer(&minor, &out);
    }
    session_end(&s);
}

static void signatures(void **state)
{
    struct session s;
    OM_uint32 minor;
    negotiated_well(&s, is_client(state), SIGNED, GSS_SIGNED);
    for (int i = 0; i < 5; i++) {
        unsigned char signature[TRAILER];
        gss_buffer_desc data = {sizeof plain, plain}, mic = {sizeof signature, signature};
        SecBuffer buffers[2] = {{sizeof plain, SECBUFFER_DATA, plain}, {TRAILER, SECBUFFER_TOKEN, signature}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        assert_int_equal(MakeSignature(&s.context, 0, &message, 0), SEC_E_OK);
        assert_int_equal(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL), GSS_S_COMPLETE);
        assert_int_equal(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &data, &mic), GSS_S_COMPLETE);
        buffers[1] = (SecBuffer){TRAILER, SECBUFFER_TOKEN, mic.value};
        assert_int_equal(VerifySignature(&s.context, &message, 0, NULL), SEC_E_OK);
        gss_release_buffer(&minor, &mic);
    }
    session_end(&s);
}

/* The caller asks for no protection at all: the list is signed nevertheless. */
static void no_flags(void **state)
{
    struct session s;
    negotiated_well(&s, is_client(state), 0, 0);
    session_end(&s);
}

/* ---------------------------------------------------------------- somebody in the middle */

static bool spoiled;

/* The MIC stands at the end of a NegTokenResp: a3 12 04 10 and sixteen bytes. */
static void spoil_mic(struct session *s, int leg)
{
    static const unsigned char head[] = {0xa3, 0x12, 0x04, 0x10};
    if (s->token_length > 20 && memcmp(s->token + s->token_length - 20, head, sizeof head) == 0) {
        s->token[s->token_length - 6] ^= 1;
        spoiled = true;
    }
    (void)leg;
}

/* The first MIC is the client's, so the server is the one to notice. */
static void altered_client_mic(void **state)
{
    struct session s;
    bool client = is_client(state);
    spoiled = false;
    struct verdict v = negotiated(&s, client, &user, SEALED, GSS_SEALED, spoil_mic);
    assert_true(spoiled);
    if (client) {
        assert_true(GSS_ERROR(v.gss));
    } else {
        assert_int_equal(v.sspi, SEC_E_MESSAGE_ALTERED);
    }
    session_end(&s);
}

/* The server's comes in its last token, behind accept-completed. */
static void spoil_server_mic(struct session *s, int leg)
{
    static const unsigned char head[] = {0xa1, 0x1b, 0x30, 0x19, 0xa0, 0x03, 0x0a, 0x01, 0x00};
    if (s->token_length == 29 && memcmp(s->token, head, sizeof head) == 0) {
        spoil_mic(s, leg);
    }
}

static void altered_server_mic(void **state)
{
    struct session s;
    bool client = is_client(state);
    spoiled = false;
    struct verdict v = negotiated(&s, client, &user, SEALED, GSS_SEALED, spoil_server_mic);
    assert_true(spoiled);
    if (client) {
        assert_int_equal(v.sspi, SEC_E_MESSAGE_ALTERED);
    } else {
        assert_true(GSS_ERROR(v.gss));
    }
    session_end(&s);
}

static void drop_server_mic(struct session *s, int leg)
{
    static const unsigned char bare[] = {0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x00};
    if (s->token_length == 29 && memcmp(s->token, "\xa1\x1b\x30\x19", 4) == 0) {
        memcpy(s->token, bare, sizeof bare);
        s->token_length = sizeof bare;
        spoiled = true;
    }
    (void)leg;
}

static void server_mic_left_out(void **state)
{
    struct session s;
    (void)is_client(state);
    spoiled = false;
    struct verdict v = negotiated(&s, true, &user, SEALED, GSS_SEALED, drop_server_mic);
    assert_true(spoiled);
    assert_int_equal(v.sspi, SEC_E_INVALID_TOKEN);
    session_end(&s);
}

/* A Kerberos OID put in front of the client's list, and its NTLM token taken away, as if it had preferred something that
 * the server then does not have: both ends go on with NTLM, and the MIC tells. */
static void prepend_mechanism(struct session *s, int leg)
{
    static const unsigned char init[] = {0x60, 0x27, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, 0xa0,
                                         0x1d, 0x30, 0x1b, 0xa0, 0x19, 0x30, 0x17, 0x06, 0x09, 0x2a, 0x86,
                                         0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x06, 0x0a, 0x2b, 0x06,
                                         0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};
    if (leg == 0) {
        memcpy(s->token, init, sizeof init);
        s->token_length = sizeof init;
        spoiled = true;
    }
}

static void altered_list(void **state)
{
    struct session s;
    (void)is_client(state);
    spoiled = false;
    struct verdict v = negotiated(&s, false, &user, SEALED, GSS_SEALED, prepend_mechanism);
    assert_true(spoiled);
    assert_true(v.sspi == SEC_E_MESSAGE_ALTERED || GSS_ERROR(v.gss));
    session_end(&s);
}

/* ---------------------------------------------------------------- without SPNEGO */

static void must_be_raw(struct session *s, int leg)
{
    assert_memory_equal(s->token, "NTLMSSP", 8);
    (void)leg;
}

/* A client of package NTLM and our Negotiate server, and our Negotiate client, which has NTLM alone, with their server. */
static void raw_tokens(void **state)
{
    struct session s;
    bool client = is_client(state);
    session_begin(&s, client, SEALED, GSS_SEALED);
    s.package = "Negotiate";
    struct verdict v = negotiate_on(&s, &user, false, must_be_raw);
    assert_int_equal(v.sspi, SEC_E_OK);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
    session_end(&s);
}

/* ---------------------------------------------------------------- the program */

static int set_up(void **state)
{
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (unsigned char)(i * 11 + 3);
    }
    present = mechanism_present();
    return prepare(state);
}

static bool as_client = true, as_server = false;
#define CLIENT(function)                                                                                               \
    {                                                                                                                  \
        "our client, MIT's server: " #function, function, NULL, NULL, &as_client                                       \
    }
#define SERVER(function)                                                                                               \
    {                                                                                                                  \
        "MIT's client, our server: " #function, function, NULL, NULL, &as_server                                       \
    }
#define BOTH(function) CLIENT(function), SERVER(function)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(good_password),      BOTH(same_key),           BOTH(wrong_password), BOTH(unknown_user),
        BOTH(messages),           BOTH(signatures),         BOTH(no_flags),       BOTH(reject_reaches_the_client),
        BOTH(altered_client_mic), BOTH(altered_server_mic), BOTH(raw_tokens),     CLIENT(server_mic_left_out),
        SERVER(altered_list),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("MIT SPNEGO", tests, set_up, clean_up);
}
