/* Cyrus SASL's DIGEST-MD5 on the other side of ours, in one process: every layer and cipher it has, in both directions.
 *
 * Our server finds its accounts in the database that SSPI_CONFIG names (sasl_peer.py makes it); Cyrus's gets the password
 * from an auxprop plugin of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cyrus.h"

#define SECURITY_WIN32
#include <security.h>

#define REALM "sasl.example.org"
#define MAX   4096

static char host[64], target[80]; /* another server each time, or Cyrus takes a short cut (RFC 2831 2.2) */
static bool same_host;

/* ---------------------------------------------------------------- both sides */

struct token {
    char data[MAX];
    unsigned size;
};

struct session {
    bool we_are_client;
    sasl_conn_t *cyrus;
    CredHandle credential;
    CtxtHandle context;
    ULONG flags;
    const void *ssf;
};

static void cyrus_open(struct session *session, unsigned least, unsigned most)
{
    sasl_security_properties_t properties = {.min_ssf = least, .max_ssf = most, .maxbufsize = 65536};
    int result = session->we_are_client
                     ? sasl_server_new("ldap", host, REALM, NULL, NULL, NULL, 0, &session->cyrus)
                     : sasl_client_new("ldap", host, NULL, NULL, cyrus_client_calls, 0, &session->cyrus);
    assert_int_equal(result, SASL_OK);
    assert_int_equal(sasl_setprop(session->cyrus, SASL_SEC_PROPS, &properties), SASL_OK);
}

static void sspi_open(struct session *session)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t)cyrus_user,
        .UserLength = (ULONG)strlen(cyrus_user),
        .Password = (unsigned char *)(uintptr_t)cyrus_password,
        .PasswordLength = (ULONG)strlen(cyrus_password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    SecInvalidateHandle(&session->context);
    assert_int_equal(AcquireCredentialsHandleA(
                         NULL, (char[]){"WDigest"}, session->we_are_client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND,
                         NULL, session->we_are_client ? &identity : NULL, NULL, NULL, &session->credential, NULL),
                     SEC_E_OK);
}

static SECURITY_STATUS our_leg(struct session *session, ULONG request, const struct token *in, struct token *out)
{
    bool first = !SecIsValidHandle(&session->context);
    SecBuffer from = {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->data}, to = {MAX, SECBUFFER_TOKEN, out->data};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &from}, output = {SECBUFFER_VERSION, 1, &to};
    SECURITY_STATUS status = session->we_are_client
                                 ? InitializeSecurityContextA(&session->credential, first ? NULL : &session->context,
                                                              target, request, 0, 0, in->size != 0 ? &input : NULL, 0,
                                                              &session->context, &output, &session->flags, NULL)
                                 : AcceptSecurityContext(&session->credential, first ? NULL : &session->context, &input,
                                                         request, 0, &session->context, &output, &session->flags, NULL);
    out->size = status >= 0 ? to.cbBuffer : 0;
    return status;
}

static void keep(struct token *token, const char *text, unsigned size)
{
    assert_true(size <= MAX);
    if (size != 0) {
        memcpy(token->data, text, size);
    }
    token->size = size;
}

/* All legs; SEC_E_OK when both are content. */
static SECURITY_STATUS talk_as_client(struct session *session, ULONG request)
{
    struct token ours = {.size = 0}, theirs = {.size = 0};
    const char *text = NULL;
    unsigned size = 0;
    int result = sasl_server_start(session->cyrus, "DIGEST-MD5", NULL, 0, &text, &size);
    assert_int_equal(result, SASL_CONTINUE);
    keep(&theirs, text, size);
    SECURITY_STATUS status = our_leg(session, request, &theirs, &ours);
    if (status != SEC_I_CONTINUE_NEEDED) {
        return status;
    }
    result = sasl_server_step(session->cyrus, ours.data, ours.size, &text, &size);
    if (result != SASL_OK && result != SASL_CONTINUE) {
        printf("# sasl server: %d %s\n", result, sasl_errdetail(session->cyrus));
        return SEC_E_LOGON_DENIED;
    }
    keep(&theirs, text, size);
    status = our_leg(session, request, &theirs, &ours);
    assert_int_equal(ours.size, 0);
    if (result == SASL_CONTINUE && status == SEC_E_OK) {
        assert_int_equal(sasl_server_step(session->cyrus, "", 0, &text, &size), SASL_OK);
    }
    return status;
}

static SECURITY_STATUS talk_as_server(struct session *session, ULONG request)
{
    struct token ours = {.size = 0}, theirs = {.size = 0};
    const char *text = NULL, *mechanism = NULL;
    unsigned size = 0;
    int result = sasl_client_start(session->cyrus, "DIGEST-MD5", NULL, &text, &size, &mechanism);
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    while (status == SEC_I_CONTINUE_NEEDED) {
        assert_true(result == SASL_CONTINUE || result == SASL_OK);
        keep(&theirs, text, size);
        status = our_leg(session, request, &theirs, &ours);
        if (status < 0) {
            return status;
        }
        result = sasl_client_step(session->cyrus, ours.data, ours.size, NULL, &text, &size);
        if (result != SASL_CONTINUE && result != SASL_OK) {
            printf("# sasl client: %d %s\n", result, sasl_errdetail(session->cyrus));
            return SEC_E_MUTUAL_AUTH_FAILED;
        }
    }
    assert_int_equal(result, SASL_OK);
    return status;
}

static SECURITY_STATUS connect_both(struct session *session, bool we_are_client, unsigned least, unsigned most,
                                    ULONG request)
{
    static unsigned serial;
    *session = (struct session){.we_are_client = we_are_client};
    if (!same_host) {
        (void)snprintf(host, sizeof host, "server%u.example.org", ++serial);
        (void)snprintf(target, sizeof target, "ldap/%s", host);
    }
    cyrus_open(session, least, most);
    sspi_open(session);
    SECURITY_STATUS status = we_are_client ? talk_as_client(session, request) : talk_as_server(session, request);
    if (status == SEC_E_OK) {
        assert_int_equal(sasl_getprop(session->cyrus, SASL_SSF, &session->ssf), SASL_OK);
    }
    return status;
}

static void end(struct session *session)
{
    if (SecIsValidHandle(&session->context)) {
        assert_int_equal(DeleteSecurityContext(&session->context), SEC_E_OK);
    }
    assert_int_equal(FreeCredentialsHandle(&session->credential), SEC_E_OK);
    sasl_dispose(&session->cyrus);
}

/* ---------------------------------------------------------------- messages */

static void fill(char *text, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        text[i] = (char)(i * 13 + size);
    }
}

/* Ours to Cyrus: the packet with its length in front, as SASL's protocols send it (RFC 4422 3.7). */
static void send_ours(struct session *session, unsigned size, ULONG qop)
{
    static char packet[4 + 40000 + 32];
    static char expected[40000];
    const char *out = NULL;
    unsigned out_size = 0;
    fill(expected, size);
    memcpy(packet + 4, expected, size);
    SecBuffer buffers[] = {{size, SECBUFFER_DATA, packet + 4}, {24, SECBUFFER_PADDING, packet + 4 + size}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(EncryptMessage(&session->context, qop, &message, 0), SEC_E_OK);
    unsigned total = size + buffers[1].cbBuffer;
    for (int i = 0; i < 4; i++) {
        packet[i] = (char)(total >> (24 - 8 * i));
    }
    int result = sasl_decode(session->cyrus, packet, total + 4, &out, &out_size);
    if (result != SASL_OK) {
        fail_msg("sasl_decode of %u: %s", size, sasl_errdetail(session->cyrus));
    }
    assert_int_equal(out_size, size);
    assert_memory_equal(out, expected, size);
}

static void send_theirs(struct session *session, unsigned size)
{
    static char expected[40000], packet[41000];
    const char *out = NULL;
    unsigned out_size = 0;
    ULONG qop = 0;
    fill(expected, size);
    assert_int_equal(sasl_encode(session->cyrus, expected, size, &out, &out_size), SASL_OK);
    assert_true(out_size - 4 <= sizeof packet);
    memcpy(packet, out + 4, out_size - 4);
    SecBuffer buffers[] = {{out_size - 4, SECBUFFER_STREAM, packet}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(DecryptMessage(&session->context, &message, 0, &qop), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, size);
    assert_memory_equal(buffers[1].pvBuffer, expected, size);
}

static void exchange(struct session *session, ULONG qop)
{
    static const unsigned sizes[] = {1, 5, 6, 7, 8, 13, 14, 15, 16, 100, 1000, 30000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        send_ours(session, sizes[i], qop);
        send_theirs(session, sizes[i]);
    }
}

#define SIGNED (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)
#define SEALED (SIGNED | ISC_REQ_CONFIDENTIALITY)

static bool client_of(void **state)
{
    return *(const bool *)*state;
}

static void authentication(void **state)
{
    struct session session;
    assert_int_equal(connect_both(&session, client_of(state), 0, 0, 0), SEC_E_OK);
    assert_int_equal(*(const int *)session.ssf, 0);
    if (!client_of(state)) {
        SecPkgContext_NamesA names;
        assert_int_equal(QueryContextAttributesA(&session.context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
        assert_non_null(strstr(names.sUserName, "\\User"));
        FreeContextBuffer(names.sUserName);
    }
    end(&session);
}

static void integrity(void **state)
{
    struct session session;
    assert_int_equal(connect_both(&session, client_of(state), 1, 1, SIGNED | ASC_REQ_INTEGRITY), SEC_E_OK);
    assert_int_equal(*(const int *)session.ssf, 1);
    exchange(&session, SECQOP_WRAP_NO_ENCRYPT);
    end(&session);
}

/* Cyrus picks by strength: each is the only one of its strength that both will have. */
static void cipher(void **state, unsigned strength)
{
    struct session session;
    SECURITY_STATUS status = connect_both(&session, client_of(state), strength, strength, SEALED | ASC_REQ_INTEGRITY);
    assert_int_equal(status, SEC_E_OK);
    assert_int_equal(*(const int *)session.ssf, strength);
    assert_true((session.flags & ISC_RET_CONFIDENTIALITY) != 0);
    exchange(&session, 0);
    end(&session);
}

static void rc4_128(void **state)
{
    cipher(state, 128);
}

static void triple_des(void **state)
{
    cipher(state, 112);
}

static void strength_55(void **state)
{
    cipher(state, 55);
}

static void rc4_56(void **state)
{
    cipher(state, 56);
}

static void rc4_40(void **state)
{
    cipher(state, 40);
}

static void wrong_password(void **state)
{
    struct session session;
    cyrus_password = "password";
    assert_int_equal(connect_both(&session, client_of(state), 0, 0, 0), SEC_E_LOGON_DENIED);
    cyrus_password = "Password";
    end(&session);
}

static void altered_packet(void **state)
{
    struct session session;
    const char *out = NULL;
    unsigned size = 0;
    assert_int_equal(connect_both(&session, client_of(state), 128, 128, SEALED), SEC_E_OK);
    assert_int_equal(sasl_encode(session.cyrus, "hello", 5, &out, &size), SASL_OK);
    char packet[64];
    memcpy(packet, out + 4, size - 4);
    packet[2] ^= 4;
    SecBuffer buffers[] = {{size - 4, SECBUFFER_STREAM, packet}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(DecryptMessage(&session.context, &message, 0, NULL), SEC_E_MESSAGE_ALTERED);
    end(&session);
}

/* The second time Cyrus's client sends its response at once; the first response of another session is no use. */
static void again_at_once(void **state)
{
    struct session session;
    struct token first = {.size = 0}, out;
    const char *text = NULL, *mechanism = NULL;
    unsigned size = 0;
    assert_int_equal(connect_both(&session, false, 0, 0, 0), SEC_E_OK);
    end(&session);
    same_host = true;
    assert_int_equal(connect_both(&session, false, 0, 0, 0), SEC_E_OK);
    end(&session);
    session = (struct session){.we_are_client = false};
    cyrus_open(&session, 0, 0);
    sspi_open(&session);
    (void)sasl_client_start(session.cyrus, "DIGEST-MD5", NULL, &text, &size, &mechanism);
    assert_int_not_equal(size, 0);
    keep(&first, text, size);
    assert_int_equal(our_leg(&session, 0, &first, &out), SEC_E_OK);
    assert_int_equal(DeleteSecurityContext(&session.context), SEC_E_OK);
    SecInvalidateHandle(&session.context);
    assert_int_equal(our_leg(&session, 0, &first, &out), SEC_I_CONTINUE_NEEDED); /* a replay: the whole exchange */
    assert_memory_equal(out.data, "realm=", 6);
    same_host = false;
    end(&session);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(cyrus_start(true), SASL_OK);
    return 0;
}

static bool as_client = true, as_server = false;
#define BOTH(function)                                                                                                 \
    {"our client, Cyrus server: " #function, function, NULL, NULL, &as_client},                                        \
    {                                                                                                                  \
        "Cyrus client, our server: " #function, function, NULL, NULL, &as_server                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(authentication), BOTH(integrity),
        BOTH(rc4_128),        BOTH(triple_des),
        BOTH(strength_55),    BOTH(rc4_56),
        BOTH(rc4_40),         BOTH(wrong_password),
        BOTH(altered_packet), cmocka_unit_test(again_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("Cyrus SASL", tests, set_up, NULL);
}
