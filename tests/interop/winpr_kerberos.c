/* Kerberos against WinPR 3, in both directions, within a throw-away realm (tests/support/realm.py runs the program).
 *
 * WinPR 3.10's package differs from Windows' where the tests say so: its server looks at no channel bindings, and what
 * does not decrypt is SEC_E_INTERNAL_ERROR. */
#include "winpr_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <krb5.h>

#define KERBEROS_FLAGS                                                                                                 \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT)
#define LARGEST_TRAILER 128

static const struct pairing winpr_winpr = {&winpr, &winpr};
static const struct pairing winpr_ours = {&winpr, &ours};
static const struct pairing ours_winpr = {&ours, &winpr};

/* ---------------------------------------------------------------- sessions */

static void begin(struct session *s, const struct pairing *pairing, const char *target)
{
    session_begin(s, pairing);
    s->package = "Kerberos";
    s->target = target;
}

/* Without an identity: alice's tickets for the client, the keytab for the server. */
static SECURITY_STATUS credential(struct session *s, bool client, void *identity)
{
    const struct stack *stack = client ? s->cs : s->ss;
    TimeStamp expiry;
    return stack->table->AcquireCredentialsHandleA(
        NULL, (SEC_CHAR *)(uintptr_t)s->package, client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND, NULL, identity,
        NULL, NULL, client ? &s->client_credential : &s->server_credential, &expiry);
}

/* Legs until both sides stand or one of them refuses: that one's status. */
static SECURITY_STATUS legs(struct session *s, ULONG flags)
{
    SECURITY_STATUS theirs = SEC_I_CONTINUE_NEEDED;
    SECURITY_STATUS mine = client_step(s, true, NULL, flags, &s->message[0]);
    for (int leg = 0; leg < 4 && mine >= 0; leg++) {
        SecBuffer *up = &s->buffer[leg == 0 ? 0 : 2];
        if (mine == SEC_E_OK && (up->cbBuffer == 0 || theirs == SEC_E_OK)) {
            break;
        }
        s->buffer[1].cbBuffer = TOKEN_MAX;
        theirs = server_step(s, leg == 0, &s->message[leg == 0 ? 0 : 2], 0, &s->message[1]);
        if (theirs < 0 || s->buffer[1].cbBuffer == 0) {
            break;
        }
        s->buffer[2].cbBuffer = TOKEN_MAX;
        mine = client_step(s, false, &s->buffer[1], flags, &s->message[2]);
    }
    return mine < 0 || theirs == SEC_E_OK ? mine : theirs;
}

static void stand(struct session *s, const struct pairing *pairing, const char *target, ULONG flags)
{
    begin(s, pairing, target);
    assert_int_equal(credential(s, true, NULL), SEC_E_OK);
    assert_int_equal(credential(s, false, NULL), SEC_E_OK);
    assert_int_equal(legs(s, flags), SEC_E_OK);
}

/* ---------------------------------------------------------------- messages */

struct message {
    const struct stack *from, *to;
    CtxtHandle *sender, *receiver;
    ULONG *sent, *received;
    BYTE data[4096], token[LARGEST_TRAILER];
    SecBuffer buffer[2];
    SecBufferDesc all;
};

static void fill(BYTE *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (BYTE)(i * 7 + size);
    }
}

/* A message on its way: sealed or signed, as its sender's SIZES has it. */
static void send_one(struct session *s, struct message *m, bool by_client, size_t size, bool sealed)
{
    SecPkgContext_Sizes sizes = {0};
    BYTE plain[sizeof m->data];
    *m = (struct message){.from = by_client ? s->cs : s->ss,
                          .to = by_client ? s->ss : s->cs,
                          .sender = by_client ? &s->client : &s->server,
                          .receiver = by_client ? &s->server : &s->client,
                          .sent = by_client ? &s->client_sent : &s->server_sent,
                          .received = by_client ? &s->server_received : &s->client_received};
    fill(m->data, size);
    fill(plain, size);
    assert_int_equal(m->from->table->QueryContextAttributesA(m->sender, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    ULONG token = sealed ? sizes.cbSecurityTrailer : sizes.cbMaxSignature;
    assert_in_range(token, 16, sizeof m->token);
    m->buffer[0] = (SecBuffer){token, SECBUFFER_TOKEN, m->token};
    m->buffer[1] = (SecBuffer){(ULONG)size, SECBUFFER_DATA, m->data};
    m->all = (SecBufferDesc){SECBUFFER_VERSION, 2, m->buffer};
    ULONG number = (*m->sent)++;
    assert_int_equal(sealed ? m->from->table->EncryptMessage(m->sender, 0, &m->all, number)
                            : m->from->table->MakeSignature(m->sender, 0, &m->all, number),
                     SEC_E_OK);
    assert_int_equal(m->buffer[0].cbBuffer, token);
    assert_true(size < 16 || (memcmp(m->data, plain, size) == 0) == !sealed);
}

static SECURITY_STATUS receive(struct message *m, bool sealed)
{
    ULONG qop = 0, number = (*m->received)++;
    return sealed ? m->to->table->DecryptMessage(m->receiver, &m->all, number, &qop)
                  : m->to->table->VerifySignature(m->receiver, &m->all, number, &qop);
}

static void pass(struct session *s, bool by_client, size_t size, bool sealed)
{
    struct message m;
    BYTE plain[sizeof m.data];
    fill(plain, size);
    send_one(s, &m, by_client, size, sealed);
    assert_int_equal(receive(&m, sealed), SEC_E_OK);
    assert_int_equal(m.buffer[1].cbBuffer, size);
    assert_memory_equal(m.buffer[1].pvBuffer, plain, size);
}

static void pass_all(struct session *s)
{
    static const size_t sizes[] = {1, 15, 16, 17, 100, 1000, 4096, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int kind = 0; kind < 4; kind++) {
            pass(s, (kind & 1) == 0, sizes[i], kind < 2);
        }
    }
    for (int i = 0; i < 100; i++) {
        pass(s, true, 40, true);
    }
    pass(s, false, 40, true);
}

/* ---------------------------------------------------------------- tests */

static void messages(void **state)
{
    static const char *const targets[] = {"HTTP/server.sspi.test", "HTTP/aes128.sspi.test", "HTTP/aes256.sspi.test",
                                          "HTTP/aes128sha2.sspi.test", "HTTP/aes256sha2.sspi.test"};
    static struct session s;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        stand(&s, *state, targets[i], KERBEROS_FLAGS);
        pass_all(&s);
        session_end(&s);
    }
}

/* WinPR 3.10 tells no names. */
static void client_name(void **state)
{
    static struct session s;
    struct {
        char *sUserName;
    } names = {0}; /* SecPkgContext_NamesA */
    stand(&s, *state, "HTTP/server.sspi.test", KERBEROS_FLAGS);
    assert_int_equal(s.ss->table->QueryContextAttributesA(&s.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "SSPI.TEST\\alice");
    assert_int_equal(s.ss->table->FreeContextBuffer(names.sUserName), SEC_E_OK);
    session_end(&s);
}

/* Without mutual authentication: one leg. */
static void one_leg(void **state)
{
    static struct session s;
    stand(&s, *state, "HTTP/server.sspi.test", KERBEROS_FLAGS & ~(ULONG)ISC_REQ_MUTUAL_AUTH);
    assert_int_equal(s.buffer[1].cbBuffer, 0);
    pass(&s, true, 40, true);
    pass(&s, true, 40, false);
    pass(&s, false, 40, true);
    session_end(&s);
}

static void altered(void **state)
{
    static struct session s;
    struct message m;
    for (int sealed = 0; sealed < 2; sealed++) {
        stand(&s, *state, "HTTP/server.sspi.test", KERBEROS_FLAGS);
        pass(&s, true, 40, sealed);
        send_one(&s, &m, true, 40, sealed);
        m.data[11] ^= 1;
        assert_int_equal(receive(&m, sealed), s.ss->ours || !sealed ? SEC_E_MESSAGE_ALTERED : SEC_E_INTERNAL_ERROR);
        session_end(&s);
    }
}

static void repeated(void **state)
{
    static struct session s;
    struct message m, again;
    for (int sealed = 0; sealed < 2; sealed++) {
        stand(&s, *state, "HTTP/server.sspi.test", KERBEROS_FLAGS);
        send_one(&s, &m, true, 40, sealed);
        again = m;
        again.buffer[0].pvBuffer = again.token;
        again.buffer[1].pvBuffer = again.data;
        again.all.pBuffers = again.buffer;
        assert_int_equal(receive(&m, sealed), SEC_E_OK);
        assert_int_equal(receive(&again, sealed), SEC_E_OUT_OF_SEQUENCE);
        session_end(&s);
    }
}

/* The client's token a second time. */
static void replayed_logon(void **state)
{
    static struct session s;
    begin(&s, *state, "HTTP/server.sspi.test");
    assert_int_equal(credential(&s, true, NULL), SEC_E_OK);
    assert_int_equal(credential(&s, false, NULL), SEC_E_OK);
    assert_int_equal(client_step(&s, true, NULL, KERBEROS_FLAGS, &s.message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(&s, true, &s.message[0], 0, &s.message[1]), SEC_E_OK);
    assert_int_equal(s.ss->table->DeleteSecurityContext(&s.server), SEC_E_OK);
    SecInvalidateHandle(&s.server);
    s.buffer[1].cbBuffer = TOKEN_MAX;
    assert_true(server_step(&s, true, &s.message[0], 0, &s.message[1]) < 0);
    session_end(&s);
}

/* A keytab with the names and versions of the realm's, and other keys. */
static void other_keys(char *name, size_t size)
{
    krb5_context context = NULL;
    krb5_keytab from = NULL, to = NULL;
    krb5_kt_cursor cursor = NULL;
    krb5_keytab_entry entry = {0};
    (void)snprintf(name, size, "FILE:%s/winpr-other.keytab", getenv("REALM_DIRECTORY"));
    (void)unlink(name + strlen("FILE:"));
    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(krb5_kt_resolve(context, getenv("KRB5_KTNAME"), &from), 0);
    assert_int_equal(krb5_kt_resolve(context, name, &to), 0);
    assert_int_equal(krb5_kt_start_seq_get(context, from, &cursor), 0);
    while (krb5_kt_next_entry(context, from, &entry, &cursor) == 0) {
        entry.key.contents[0] ^= 0x80;
        assert_int_equal(krb5_kt_add_entry(context, to, &entry), 0);
        krb5_free_keytab_entry_contents(context, &entry);
    }
    krb5_kt_end_seq_get(context, from, &cursor);
    krb5_kt_close(context, from);
    krb5_kt_close(context, to);
    krb5_free_context(context);
}

static void wrong_key(void **state)
{
    static struct session s;
    char name[256], *before = strdup(getenv("KRB5_KTNAME"));
    other_keys(name, sizeof name);
    setenv("KRB5_KTNAME", name, 1);
    begin(&s, *state, "HTTP/server.sspi.test");
    assert_int_equal(credential(&s, true, NULL), SEC_E_OK);
    assert_int_equal(credential(&s, false, NULL), SEC_E_OK);
    SECURITY_STATUS status = legs(&s, KERBEROS_FLAGS);
    setenv("KRB5_KTNAME", before, 1);
    free(before);
    assert_true(status < 0);
    session_end(&s);
}

/* An answer of the server's that came to harm: nobody who lacks the key proves to be the server. */
static void altered_answer(void **state)
{
    static struct session s;
    begin(&s, *state, "HTTP/server.sspi.test");
    assert_int_equal(credential(&s, true, NULL), SEC_E_OK);
    assert_int_equal(credential(&s, false, NULL), SEC_E_OK);
    assert_int_equal(client_step(&s, true, NULL, KERBEROS_FLAGS, &s.message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(&s, true, &s.message[0], 0, &s.message[1]), SEC_E_OK);
    s.token[1][s.buffer[1].cbBuffer - 1] ^= 1;
    assert_true(client_step(&s, false, &s.buffer[1], KERBEROS_FLAGS, &s.message[2]) < 0);
    session_end(&s);
}

/* With a password, and no tickets at hand; a KDC tells whether it is alice's. */
static SECURITY_STATUS with_password(struct session *s, const struct pairing *pairing, const char *package,
                                     const char *password)
{
    SEC_WINNT_AUTH_IDENTITY_W identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    char *before = strdup(getenv("KRB5CCNAME"));
    identity.User = wide("alice", &identity.UserLength);
    identity.Domain = wide("SSPI.TEST", &identity.DomainLength);
    identity.Password = wide(password, &identity.PasswordLength);
    begin(s, pairing, "HTTP/server.sspi.test");
    s->package = package;
    setenv("KRB5CCNAME", "MEMORY:nobody", 1);
    SECURITY_STATUS status = credential(s, true, &identity); /* where WinPR asks the KDC already */
    assert_int_equal(credential(s, false, NULL), SEC_E_OK);
    if (status == SEC_E_OK) {
        status = legs(s, KERBEROS_FLAGS);
    }
    setenv("KRB5CCNAME", before, 1);
    free(before);
    return status;
}

static void passwords(void **state)
{
    static struct session s;
    assert_int_equal(with_password(&s, *state, "Kerberos", "alice secret"), SEC_E_OK);
    pass(&s, true, 100, true);
    pass(&s, false, 100, true);
    session_end(&s);
    SECURITY_STATUS status = with_password(&s, *state, "Kerberos", "another");
    assert_int_equal(status, s.cs->ours ? SEC_E_LOGON_DENIED : SEC_E_NO_CREDENTIALS);
    session_end(&s);
}

static void negotiate(void **state)
{
    static struct session s;
    assert_int_equal(with_password(&s, *state, "Negotiate", "alice secret"), SEC_E_OK);
    SecPkgContext_Sizes sizes;
    assert_int_equal(s.cs->table->QueryContextAttributesA(&s.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_not_equal(sizes.cbSecurityTrailer, TRAILER); /* not NTLM */
    pass(&s, true, 100, true);
    pass(&s, false, 100, true);
    session_end(&s);
}

struct bindings {
    SEC_CHANNEL_BINDINGS header;
    char data[53];
};

static SECURITY_STATUS bound(struct session *s, const struct pairing *pairing, char mine, char theirs)
{
    static struct bindings bindings[2];
    begin(s, pairing, "HTTP/server.sspi.test");
    for (int i = 0; i < 2; i++) {
        bindings[i].header.cbApplicationDataLength = sizeof bindings[i].data;
        bindings[i].header.dwApplicationDataOffset = sizeof bindings[i].header;
        memcpy(bindings[i].data, "tls-server-end-point:", 21);
        memset(bindings[i].data + 21, i == 0 ? mine : theirs, 32);
    }
    assert_int_equal(credential(s, true, NULL), SEC_E_OK);
    assert_int_equal(credential(s, false, NULL), SEC_E_OK);
    ULONG size = sizeof bindings[0].header + sizeof bindings[0].data;
    SecBuffer own = {size, SECBUFFER_CHANNEL_BINDINGS, &bindings[0]};
    SecBufferDesc first = {SECBUFFER_VERSION, 1, &own};
    TimeStamp expiry;
    assert_int_equal(s->cs->table->InitializeSecurityContextA(
                         &s->client_credential, NULL, (SEC_CHAR *)(uintptr_t)s->target, KERBEROS_FLAGS, 0,
                         SECURITY_NATIVE_DREP, &first, 0, &s->client, &s->message[0], &s->client_flags, &expiry),
                     SEC_I_CONTINUE_NEEDED);
    SecBuffer in[2] = {s->buffer[0], {size, SECBUFFER_CHANNEL_BINDINGS, &bindings[1]}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    SECURITY_STATUS status = server_step(s, true, &input, 0, &s->message[1]);
    if (status == SEC_E_OK) {
        assert_int_equal(client_step(s, false, &s->buffer[1], KERBEROS_FLAGS, &s->message[2]), SEC_E_OK);
        pass(s, true, 100, true);
    }
    return status;
}

/* WinPR's client binds as RFC 4121 4.1.1.2 has it.  Its server does not look. */
static void channel_bindings(void **state)
{
    static struct session s;
    assert_int_equal(bound(&s, *state, 'A', 'A'), SEC_E_OK);
    session_end(&s);
    assert_int_equal(bound(&s, *state, 'A', 'B'), s.ss->ours ? SEC_E_BAD_BINDINGS : SEC_E_OK);
    session_end(&s);
}

#define TEST(pairing, function, what)                                                                                  \
    {                                                                                                                  \
        what ": " #function, function, NULL, NULL, (void *)(uintptr_t) & (pairing)                                     \
    }
#define CONTROL(function)   TEST(winpr_winpr, function, "WinPR with itself")
#define ACCEPTS(function)   TEST(winpr_ours, function, "WinPR client, our server")
#define INITIATES(function) TEST(ours_winpr, function, "our client, WinPR server")

static int open_both(void **state)
{
    open_tables();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTROL(messages),    CONTROL(wrong_key),        CONTROL(one_leg),     ACCEPTS(messages),
        ACCEPTS(client_name), ACCEPTS(one_leg),          ACCEPTS(negotiate),   ACCEPTS(altered),
        ACCEPTS(repeated),    ACCEPTS(replayed_logon),   ACCEPTS(wrong_key),   ACCEPTS(altered_answer),
        ACCEPTS(passwords),   ACCEPTS(channel_bindings), INITIATES(messages),  INITIATES(one_leg),
        INITIATES(negotiate), INITIATES(altered),        INITIATES(repeated),  INITIATES(replayed_logon),
        INITIATES(wrong_key), INITIATES(altered_answer), INITIATES(passwords), INITIATES(channel_bindings),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("WinPR's Kerberos", tests, open_both, NULL);
}
