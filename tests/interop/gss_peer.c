/* NTLM against gss-ntlmssp under MIT's GSSAPI, in one process and in both directions: InitializeSecurityContext talks to
 * gss_accept_sec_context, gss_init_sec_context to AcceptSecurityContext, with raw NTLM tokens and no SPNEGO around them.
 */
#include "gss_session.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 70000
#define TRAILER     16

static unsigned char plain[MESSAGE_MAX];
static bool present;

static bool is_client(void **state)
{
    if (!present) {
        print_message("# the NTLM mechanism of GSSAPI is not installed (package gss-ntlmssp)\n");
        skip();
    }
    return *(const bool *)*state;
}

/* ---------------------------------------------------------------- who, and which key */

static void compare_names(struct session *s, const struct person *who)
{
    SecPkgContext_NamesA names = {0};
    assert_int_equal(QueryContextAttributesA(&s->context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, who->sspi_name);
    assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);

    OM_uint32 minor;
    gss_name_t source = GSS_C_NO_NAME;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    assert_int_equal(gss_inquire_context(&minor, s->gss_context, &source, NULL, NULL, NULL, NULL, NULL, NULL),
                     GSS_S_COMPLETE);
    assert_int_equal(gss_display_name(&minor, source, &text, NULL), GSS_S_COMPLETE);
    /* gss-ntlmssp writes NAME@DOMAIN or DOMAIN\NAME, by version */
    const char *short_name = strchr(who->gss_name, '\\') + 1;
    assert_non_null(memmem(text.value, text.length, short_name, strlen(short_name)));
    assert_non_null(memmem(text.value, text.length, "DOMAIN", 6));
    gss_release_buffer(&minor, &text);
    gss_release_name(&minor, &source);
}

static void compare_keys(struct session *s)
{
    SecPkgContext_SessionKey ours = {0};
    assert_int_equal(QueryContextAttributesA(&s->context, SECPKG_ATTR_SESSION_KEY, &ours), SEC_E_OK);
    OM_uint32 minor;
    gss_buffer_set_t theirs = GSS_C_NO_BUFFER_SET;
    assert_int_equal(gss_inquire_sec_context_by_oid(&minor, s->gss_context, GSS_C_INQ_SSPI_SESSION_KEY, &theirs),
                     GSS_S_COMPLETE);
    assert_int_equal(ours.SessionKeyLength, 16);
    assert_int_equal(theirs->elements[0].length, 16);
    assert_memory_equal(ours.SessionKey, theirs->elements[0].value, 16);
    gss_release_buffer_set(&minor, &theirs);
    assert_int_equal(FreeContextBuffer(ours.SessionKey), SEC_E_OK);
}

static void good_password(void **state)
{
    struct session s;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    compare_names(&s, &user);
    compare_keys(&s);
    session_end(&s);
}

static void accented_password(void **state)
{
    struct session s;
    session_good(&s, &accented_secret, is_client(state), SEALED, GSS_SEALED);
    compare_names(&s, &accented_secret);
    compare_keys(&s);
    session_end(&s);
}

/* Only our server: gss-ntlmssp's acceptor (1.2.0) refuses such names, its own client's too. */
static void accented_names(void **state)
{
    struct session s;
    session_good(&s, &accented, is_client(state), SEALED, GSS_SEALED);
    compare_names(&s, &accented);
    compare_keys(&s);
    session_end(&s);
}

static void refused(bool sspi_is_client, const struct person *who)
{
    struct session s;
    session_begin(&s, sspi_is_client, SEALED, GSS_SEALED);
    struct verdict v = log_on(&s, who);
    if (sspi_is_client) {
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

/* The flags that the two ends report are those that were agreed. */
static void agreed_flags(void **state)
{
    bool client = is_client(state);
    static const struct {
        ULONG request;
        OM_uint32 gss;
        bool integrity, confidentiality;
    } cases[] = {{SEALED, GSS_SEALED, true, true}, {SIGNED, GSS_SIGNED, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session s;
        session_good(&s, &user, client, cases[i].request, cases[i].gss);
        /* ISC_RET_ and ASC_RET_ have the same value for these two... on the client; the server's differ */
        ULONG integrity = client ? ISC_RET_INTEGRITY : ASC_RET_INTEGRITY;
        ULONG confidentiality = client ? ISC_RET_CONFIDENTIALITY : ASC_RET_CONFIDENTIALITY;
        assert_int_equal((s.flags & integrity) != 0, cases[i].integrity);
        assert_int_equal((s.flags & confidentiality) != 0, cases[i].confidentiality);
        compare_keys(&s);
        session_end(&s);
    }
}

/* ---------------------------------------------------------------- messages */

static void sspi_sign(struct session *s, size_t size, unsigned char *signature)
{
    SecBuffer buffers[2] = {{(ULONG)size, SECBUFFER_DATA, plain}, {TRAILER, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(MakeSignature(&s->context, 0, &message, 0), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, TRAILER);
}

static SECURITY_STATUS sspi_verify(struct session *s, size_t size, unsigned char *signature)
{
    SecBuffer buffers[2] = {{(ULONG)size, SECBUFFER_DATA, plain}, {TRAILER, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    ULONG qop = 0;
    return VerifySignature(&s->context, &message, 0, &qop);
}

/* Not 0: gss-ntlmssp takes no empty message. */
static const size_t sizes[] = {1, 7, 8, 63, 64, 65, 1000, 16384, 65536, 5};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void signing(bool sspi_is_client, ULONG request, OM_uint32 flags)
{
    struct session s;
    OM_uint32 minor;
    session_good(&s, &user, sspi_is_client, request, flags);
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char signature[TRAILER];
        gss_buffer_desc data = {sizes[i], plain}, mic = {sizeof signature, signature};
        sspi_sign(&s, sizes[i], signature);
        assert_int_equal(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL), GSS_S_COMPLETE);
        assert_int_equal(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &data, &mic), GSS_S_COMPLETE);
        assert_int_equal(mic.length, TRAILER);
        assert_int_equal(sspi_verify(&s, sizes[i], mic.value), SEC_E_OK);
        gss_release_buffer(&minor, &mic);
    }
    session_end(&s);
}

static void signed_messages(void **state)
{
    signing(is_client(state), SIGNED, GSS_SIGNED);
}

static void signed_messages_of_a_sealing_context(void **state)
{
    signing(is_client(state), SEALED, GSS_SEALED);
}

/* gss_wrap's token is the signature and then the ciphertext; SSPI keeps them in two buffers. */
static void ours_to_theirs(struct session *s, size_t size)
{
    static unsigned char token[TRAILER + MESSAGE_MAX];
    OM_uint32 minor;
    int confidential = 0;
    memcpy(token + TRAILER, plain, size);
    SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, token}, {(ULONG)size, SECBUFFER_DATA, token + TRAILER}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(EncryptMessage(&s->context, 0, &message, 0), SEC_E_OK);
    assert_int_equal(buffers[0].cbBuffer, TRAILER);
    if (size >= 16) {
        assert_memory_not_equal(token + TRAILER, plain, size);
    }
    gss_buffer_desc in = {TRAILER + size, token}, out = GSS_C_EMPTY_BUFFER;
    assert_int_equal(gss_unwrap(&minor, s->gss_context, &in, &out, &confidential, NULL), GSS_S_COMPLETE);
    assert_int_equal(out.length, size);
    if (size != 0) {
        assert_memory_equal(out.value, plain, size);
    }
    gss_release_buffer(&minor, &out);
}

enum shape { SEPARATE, STREAM };

static void theirs_to_ours(struct session *s, size_t size, enum shape shape)
{
    OM_uint32 minor;
    int confidential = 0;
    gss_buffer_desc in = {size, plain}, out = GSS_C_EMPTY_BUFFER;
    assert_int_equal(gss_wrap(&minor, s->gss_context, 1, GSS_C_QOP_DEFAULT, &in, &confidential, &out), GSS_S_COMPLETE);
    assert_int_equal(out.length, TRAILER + size);
    unsigned char *token = out.value;
    SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, token}, {(ULONG)size, SECBUFFER_DATA, token + TRAILER}};
    if (shape == STREAM) {
        buffers[0] = (SecBuffer){(ULONG)out.length, SECBUFFER_STREAM, token};
        buffers[1] = (SecBuffer){0, SECBUFFER_DATA, NULL};
    }
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    ULONG qop = 0;
    assert_int_equal(DecryptMessage(&s->context, &message, 0, &qop), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, size);
    if (size != 0) {
        assert_memory_equal(buffers[1].pvBuffer, plain, size);
    }
    gss_release_buffer(&minor, &out);
}

static void sealed_messages(void **state)
{
    struct session s;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    for (size_t i = 0; i < SIZES; i++) {
        ours_to_theirs(&s, sizes[i]);
        theirs_to_ours(&s, sizes[i], SEPARATE);
    }
    session_end(&s);
}

static void sealed_streams(void **state)
{
    struct session s;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    for (size_t i = 0; i < SIZES; i++) {
        theirs_to_ours(&s, sizes[i], STREAM);
        ours_to_theirs(&s, sizes[i]);
    }
    session_end(&s);
}

/* Signed and sealed messages in one conversation share the sequence numbers and the cipher's state. */
static void mixed_messages(void **state)
{
    struct session s;
    OM_uint32 minor;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char signature[TRAILER];
        gss_buffer_desc data = {sizes[i], plain}, mic = {sizeof signature, signature};
        ours_to_theirs(&s, sizes[i]);
        sspi_sign(&s, sizes[i], signature);
        assert_int_equal(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL), GSS_S_COMPLETE);
        theirs_to_ours(&s, sizes[i], i % 2 == 0 ? SEPARATE : STREAM);
    }
    session_end(&s);
}

static void tampered_signature(void **state)
{
    struct session s;
    OM_uint32 minor;
    bool client = is_client(state);
    unsigned char signature[TRAILER];
    session_good(&s, &user, client, SIGNED, GSS_SIGNED);
    gss_buffer_desc data = {100, plain}, mic = {sizeof signature, signature};
    sspi_sign(&s, 100, signature);
    signature[5] ^= 0x10;
    assert_true(GSS_ERROR(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL)));
    session_end(&s);

    session_good(&s, &user, client, SIGNED, GSS_SIGNED);
    assert_int_equal(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &data, &mic), GSS_S_COMPLETE);
    plain[99] ^= 1;
    assert_int_equal(sspi_verify(&s, 100, mic.value), SEC_E_MESSAGE_ALTERED);
    plain[99] ^= 1;
    gss_release_buffer(&minor, &mic);
    session_end(&s);
}

static void tampered_ciphertext(void **state)
{
    struct session s;
    OM_uint32 minor;
    int confidential;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    gss_buffer_desc in = {100, plain}, out = GSS_C_EMPTY_BUFFER;
    assert_int_equal(gss_wrap(&minor, s.gss_context, 1, GSS_C_QOP_DEFAULT, &in, &confidential, &out), GSS_S_COMPLETE);
    unsigned char *token = out.value;
    token[TRAILER + 50] ^= 0x80;
    SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, token}, {100, SECBUFFER_DATA, token + TRAILER}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(DecryptMessage(&s.context, &message, 0, NULL), SEC_E_MESSAGE_ALTERED);
    gss_release_buffer(&minor, &out);
    session_end(&s);
}

/* ---------------------------------------------------------------- clients that ask for less */

#define NEGOTIATE    0xe2088235u /* UNICODE, SIGN, SEAL, NTLM, ALWAYS_SIGN, ESS, VERSION, 128, KEY_EXCH, 56 */
#define UNICODE_     0x00000001u
#define OEM_         0x00000002u
#define ESS          0x00080000u
#define KEY_128      0x20000000u
#define KEY_EXCHANGE 0x40000000u

/* Everything that a session can do, under the flags that this client asks for. */
static void lesser_session(uint32_t negotiate)
{
    struct session s;
    OM_uint32 minor;
    unsigned char signature[TRAILER];
    session_begin(&s, false, SEALED, GSS_SEALED);
    s.negotiate = negotiate;
    struct verdict v = log_on(&s, &user);
    assert_int_equal(v.sspi, SEC_E_OK);
    compare_names(&s, &user);
    compare_keys(&s);
    for (size_t i = 0; i < SIZES; i++) {
        gss_buffer_desc data = {sizes[i], plain}, mic = {sizeof signature, signature};
        ours_to_theirs(&s, sizes[i]);
        theirs_to_ours(&s, sizes[i], i % 2 == 0 ? SEPARATE : STREAM);
        sspi_sign(&s, sizes[i], signature);
        assert_int_equal(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL), GSS_S_COMPLETE);
        assert_int_equal(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &data, &mic), GSS_S_COMPLETE);
        assert_int_equal(sspi_verify(&s, sizes[i], mic.value), SEC_E_OK);
        gss_release_buffer(&minor, &mic);
    }
    session_end(&s);
}

static void without_key_exchange(void **state)
{
    (void)is_client(state);
    lesser_session(NEGOTIATE & ~KEY_EXCHANGE);
}

/* CRC-32 signatures, one cipher and one number for both directions (MS-NLMP 3.4.4.1). */
static void without_extended_security(void **state)
{
    (void)is_client(state);
    lesser_session(NEGOTIATE & ~ESS);
}

static void without_either(void **state)
{
    (void)is_client(state);
    lesser_session(NEGOTIATE & ~ESS & ~KEY_EXCHANGE);
}

static void without_unicode(void **state)
{
    (void)is_client(state);
    lesser_session((NEGOTIATE & ~UNICODE_) | OEM_);
}

/* 128 bits are required since Windows 7. */
static void without_128_bits(void **state)
{
    (void)is_client(state);
    struct session s;
    session_begin(&s, false, SEALED, GSS_SEALED);
    s.negotiate = NEGOTIATE & ~KEY_128;
    assert_int_equal(log_on(&s, &user).sspi, SEC_E_UNSUPPORTED_FUNCTION);
    session_end(&s);
}

/* ---------------------------------------------------------------- channel bindings and target name */

static struct verdict bound(bool sspi_is_client, char sspi, char gss, ULONG more)
{
    struct session s;
    session_begin(&s, sspi_is_client, SEALED | more, GSS_SEALED);
    s.sspi_bindings = sspi;
    s.gss_bindings = gss;
    struct verdict v = log_on(&s, &user);
    session_end(&s);
    return v;
}

static void right_bindings(void **state)
{
    struct verdict v = bound(is_client(state), 'A', 'A', 0);
    assert_int_equal(v.sspi, SEC_E_OK);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
}

static void wrong_bindings(void **state)
{
    bool client = is_client(state);
    struct verdict v = bound(client, 'A', 'B', 0);
    if (client) {
        assert_true(GSS_ERROR(v.gss)); /* 1.2.0 says GSS_S_DEFECTIVE_TOKEN */
    } else {
        assert_int_equal(v.sspi, SEC_E_BAD_BINDINGS);
    }
}

/* Only our server can be asked this: gss-ntlmssp's takes a client without bindings at any time. */
static void missing_bindings(void **state)
{
    (void)is_client(state);
    assert_int_equal(bound(false, 'A', 0, 0).sspi, SEC_E_BAD_BINDINGS);
    assert_int_equal(bound(false, 'A', 0, ASC_REQ_ALLOW_MISSING_BINDINGS).sspi, SEC_E_OK);
    assert_int_equal(bound(false, 'A', 'B', ASC_REQ_ALLOW_MISSING_BINDINGS).sspi, SEC_E_BAD_BINDINGS);
    assert_int_equal(bound(false, 0, 'A', 0).sspi, SEC_E_OK);
}

static void target_name(void **state)
{
    struct session s;
    session_good(&s, &user, is_client(state), SEALED, GSS_SEALED);
    SecPkgContext_ClientSpecifiedTarget target = {0};
    assert_int_equal(QueryContextAttributesW(&s.context, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target), SEC_E_OK);
    static const char16_t wanted[] = u"HTTP/server.domain.test";
    assert_memory_equal(target.sTargetName, wanted, sizeof wanted);
    assert_int_equal(FreeContextBuffer(target.sTargetName), SEC_E_OK);
    session_end(&s);
}

/* Flags and VERSION lie outside the proof: the MIC is what protects them. */
static void tampered_authenticate(void **state)
{
    struct session s;
    session_begin(&s, is_client(state), SEALED, GSS_SEALED);
    acquire(&s, &user);
    assert_int_equal(sspi_step(&s, true), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(gss_step(&s), GSS_S_CONTINUE_NEEDED);
    assert_int_equal(sspi_step(&s, false), SEC_E_OK);
    s.token[64] ^= 0x01;
    assert_true(GSS_ERROR(gss_step(&s)));
    session_end(&s);
}

/* ---------------------------------------------------------------- datagrams
 *
 * With our server only: MIT's gss_accept_sec_context hands an empty token to SPNEGO whatever the credential is for. */

static void begin_datagram(struct session *s, const struct person *who)
{
    session_begin(s, false, SEALED | ASC_REQ_DATAGRAM, GSS_SEALED | GSS_DATAGRAM);
    struct verdict v = log_on_datagram(s, who);
    assert_int_equal(v.sspi, SEC_E_OK);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
}

static void datagram(void **state)
{
    struct session s;
    (void)is_client(state);
    begin_datagram(&s, &user);
    compare_names(&s, &user);
    compare_keys(&s);
    session_end(&s);
}

/* On a datagram MessageSeqNo is the sequence number, and messages arrive in any order. */
static void datagram_messages(void **state)
{
    static const uint32_t numbers[] = {0, 1, 7, 3, 100, 99};
    static gss_OID_desc set_sequence = {11, (void *)"\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x01"};
    struct session s;
    OM_uint32 minor;
    (void)is_client(state);
    begin_datagram(&s, &user);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        unsigned char signature[TRAILER];
        uint32_t number = numbers[i];
        gss_buffer_desc value = {sizeof number, &number};
        assert_int_equal(gss_set_sec_context_option(&minor, &s.gss_context, &set_sequence, &value), GSS_S_COMPLETE);
        SecBuffer buffers[2] = {{100, SECBUFFER_DATA, plain}, {TRAILER, SECBUFFER_TOKEN, signature}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        assert_int_equal(MakeSignature(&s.context, 0, &message, number), SEC_E_OK);
        gss_buffer_desc data = {100, plain}, mic = {TRAILER, signature};
        assert_int_equal(gss_verify_mic(&minor, s.gss_context, &data, &mic, NULL), GSS_S_COMPLETE);
        assert_int_equal(gss_set_sec_context_option(&minor, &s.gss_context, &set_sequence, &value), GSS_S_COMPLETE);
        assert_int_equal(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &data, &mic), GSS_S_COMPLETE);
        buffers[1] = (SecBuffer){TRAILER, SECBUFFER_TOKEN, mic.value};
        assert_int_equal(VerifySignature(&s.context, &message, number, NULL), SEC_E_OK);
        gss_release_buffer(&minor, &mic);
    }
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
        "our client, gss-ntlmssp server: " #function, function, NULL, NULL, &as_client                                 \
    }
#define SERVER(function)                                                                                               \
    {                                                                                                                  \
        "gss-ntlmssp client, our server: " #function, function, NULL, NULL, &as_server                                 \
    }
#define BOTH(function) CLIENT(function), SERVER(function)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(good_password),          BOTH(accented_password),
        SERVER(accented_names),       BOTH(wrong_password),
        BOTH(unknown_user),           BOTH(agreed_flags),
        BOTH(signed_messages),        BOTH(signed_messages_of_a_sealing_context),
        BOTH(sealed_messages),        BOTH(sealed_streams),
        BOTH(mixed_messages),         BOTH(tampered_signature),
        BOTH(tampered_ciphertext),    BOTH(right_bindings),
        BOTH(wrong_bindings),         SERVER(missing_bindings),
        SERVER(target_name),          CLIENT(tampered_authenticate),
        SERVER(without_key_exchange), SERVER(without_extended_security),
        SERVER(without_either),       SERVER(without_unicode),
        SERVER(without_128_bits),     SERVER(datagram),
        SERVER(datagram_messages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("gss-ntlmssp", tests, set_up, clean_up);
}
