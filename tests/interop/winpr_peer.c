/* NTLM against WinPR, in both directions, and the library as FreeRDP loads it.
 *
 * This program is compiled with WinPR's headers and linked with libwinpr, which exports the names of SSPI itself.  The
 * library under test is opened with dlopen(RTLD_LOCAL | RTLD_LAZY) and reached through InitSecurityInterfaceA, as FreeRDP
 * does with /sspi-module: if one of its calls were bound to libwinpr's function of the same name, or if a structure were
 * laid out differently, nothing here would work.
 */
#include "winpr_session.h"

#include <stdlib.h>
#include <string.h>

/* The flag words that FreeRDP asks with (2.11 and 3.x). */
#define FREERDP2_CLIENT_FLAGS 0x32
#define FREERDP2_SERVER_FLAGS 0x883e
#define FREERDP3_CLIENT_FLAGS 0x12
#define FREERDP3_SERVER_FLAGS 0x883a

/* SEC_WINNT_AUTH_IDENTITY_EXW followed by what WinPR appends to it and marks with the flag 0x100. */
struct extended_identity {
    UINT32 version, length;
    UINT16 *user;
    UINT32 user_length;
    UINT16 *domain;
    UINT32 domain_length;
    UINT16 *password;
    UINT32 password_length;
    UINT32 flags;
    UINT16 *package_list;
    UINT32 package_list_length;
    void *ntlm_settings;
    void *kerberos_settings;
};
_Static_assert(sizeof(struct extended_identity) == 72 + 16, "layout of SEC_WINNT_AUTH_IDENTITY_EXW");

static const struct pairing winpr_winpr = {&winpr, &winpr};
static const struct pairing winpr_ours = {&winpr, &ours};
static const struct pairing ours_winpr = {&ours, &winpr};
static const struct pairing ours_ours = {&ours, &ours};

/* ---------------------------------------------------------------- tests of any pairing */

static void good_password(void **state)
{
    static struct session s;
    assert_int_equal(log_on(&s, *state, "User", "Password"), SEC_E_OK);
    if (s.ss->ours) {
        struct {
            char *sUserName;
        } names = {0}; /* SecPkgContext_NamesA */
        assert_int_equal(s.ss->table->QueryContextAttributesA(&s.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
        assert_string_equal(names.sUserName, "Domain\\User");
        assert_int_equal(s.ss->table->FreeContextBuffer(names.sUserName), SEC_E_OK);
    }
    session_end(&s);
}

/* Package Negotiate at both ends: with NTLM alone either one sends NTLM as it is. */
static void negotiate(void **state)
{
    static struct session s;
    session_begin(&s, *state);
    s.package = "Negotiate";
    acquire(&s, "User", "Password");
    assert_int_equal(log_on_with(&s, CLIENT_FLAGS, SERVER_FLAGS), SEC_E_OK);
    exchange(&s, 40);
    exchange(&s, 1000);
    session_end(&s);
    session_begin(&s, *state);
    s.package = "Negotiate";
    acquire(&s, "User", "password");
    assert_true(log_on_with(&s, CLIENT_FLAGS, SERVER_FLAGS) < 0);
    session_end(&s);
}

static void sealed_messages(void **state)
{
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 1024, 65536, 3};
    static struct session s;
    assert_int_equal(log_on(&s, *state, "User", "Password"), SEC_E_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        exchange(&s, sizes[i]);
    }
    session_end(&s);
}

static void one_sided_traffic(void **state)
{
    static struct session s;
    BYTE data[100], trailer[TRAILER];
    assert_int_equal(log_on(&s, *state, "User", "Password"), SEC_E_OK);
    for (ULONG i = 0; i < 300; i++) {
        memset(data, (int)i, sizeof data);
        assert_int_equal(seal(s.ss, &s.server, data, sizeof data, trailer, i), SEC_E_OK);
        assert_int_equal(unseal(s.cs, &s.client, data, sizeof data, trailer, i), SEC_E_OK);
        assert_int_equal(data[99], (BYTE)i);
    }
    session_end(&s);
}

static void wrong_password(void **state)
{
    static struct session s;
    SECURITY_STATUS status = log_on(&s, *state, "User", "password");
    assert_true(status < 0);
    if (s.ss->ours) {
        assert_int_equal(status, SEC_E_LOGON_DENIED);
    }
    session_end(&s);
}

static void unknown_user(void **state)
{
    static struct session s;
    SECURITY_STATUS status = log_on(&s, *state, "Nobody", "Password");
    assert_true(status < 0);
    if (s.ss->ours) {
        assert_int_equal(status, SEC_E_LOGON_DENIED);
    }
    session_end(&s);
}

static void tampered_message(void **state)
{
    static struct session s;
    BYTE data[64] = "the amount is 100", trailer[TRAILER];
    assert_int_equal(log_on(&s, *state, "User", "Password"), SEC_E_OK);
    exchange(&s, 40);
    assert_int_equal(seal(s.cs, &s.client, data, sizeof data, trailer, s.client_sent), SEC_E_OK);
    data[15] ^= 1;
    SECURITY_STATUS status = unseal(s.ss, &s.server, data, sizeof data, trailer, s.server_received);
    assert_true(status < 0);
    if (s.ss->ours) {
        assert_int_equal(status, SEC_E_MESSAGE_ALTERED);
    }
    session_end(&s);
}

static void replayed_message(void **state)
{
    static struct session s;
    BYTE data[64] = "once", again[64], trailer[TRAILER], same[TRAILER];
    assert_int_equal(log_on(&s, *state, "User", "Password"), SEC_E_OK);
    assert_int_equal(seal(s.cs, &s.client, data, sizeof data, trailer, 0), SEC_E_OK);
    memcpy(again, data, sizeof data);
    memcpy(same, trailer, sizeof trailer);
    assert_int_equal(unseal(s.ss, &s.server, data, sizeof data, trailer, 0), SEC_E_OK);
    assert_true(unseal(s.ss, &s.server, again, sizeof again, same, 1) < 0);
    session_end(&s);
}

/* A changed AUTHENTICATE: the flags lie outside the proof, so only the MIC can tell. */
static void tampered_authenticate(void **state)
{
    static struct session s;
    session_begin(&s, *state);
    acquire(&s, "User", "Password");
    assert_int_equal(client_step(&s, true, NULL, CLIENT_FLAGS, &s.message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(&s, true, &s.message[0], SERVER_FLAGS, &s.message[1]), SEC_I_CONTINUE_NEEDED);
    SECURITY_STATUS status = client_step(&s, false, &s.buffer[1], CLIENT_FLAGS, &s.message[2]);
    if (status == SEC_I_COMPLETE_NEEDED) {
        status = s.cs->table->CompleteAuthToken(&s.client, &s.message[2]);
    }
    assert_int_equal(status, SEC_E_OK);
    s.token[2][64] ^= 0x01; /* VERSION, a byte that nobody computes with */
    s.buffer[1].cbBuffer = TOKEN_MAX;
    assert_true(server_step(&s, false, &s.message[2], SERVER_FLAGS, &s.message[1]) < 0);
    session_end(&s);
}

/* ---------------------------------------------------------------- channel bindings */

struct bindings {
    SEC_CHANNEL_BINDINGS header;
    char data[53];
};

static void bindings_make(struct bindings *to, char fill)
{
    memset(to, 0, sizeof *to);
    memcpy(to->data, "tls-server-end-point:", 21);
    memset(to->data + 21, fill, 32);
    to->header.cbApplicationDataLength = sizeof to->data;
    to->header.dwApplicationDataOffset = sizeof to->header;
}

static SECURITY_STATUS log_on_bound(struct session *s, const struct pairing *pairing, char client, char server)
{
    static struct bindings mine, theirs;
    session_begin(s, pairing);
    acquire(s, "User", "Password");
    bindings_make(&mine, client);
    bindings_make(&theirs, server);
    if (client != 0) {
        s->bindings = (SecBuffer){sizeof mine.header + sizeof mine.data, SECBUFFER_CHANNEL_BINDINGS, &mine};
    }
    assert_int_equal(client_step(s, true, NULL, CLIENT_FLAGS, &s->message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(s, true, &s->message[0], SERVER_FLAGS, &s->message[1]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(client_step(s, false, &s->buffer[1], CLIENT_FLAGS, &s->message[2]), SEC_E_OK);
    SecBuffer in[2] = {s->buffer[2], {sizeof theirs.header + sizeof theirs.data, SECBUFFER_CHANNEL_BINDINGS, &theirs}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    s->buffer[1].cbBuffer = TOKEN_MAX;
    return server_step(s, false, &input, SERVER_FLAGS, &s->message[1]);
}

static void channel_bindings(void **state)
{
    static struct session s;
    assert_int_equal(log_on_bound(&s, *state, 'A', 'A'), SEC_E_OK);
    exchange(&s, 100);
    session_end(&s);
    assert_int_equal(log_on_bound(&s, *state, 'A', 'B'), SEC_E_BAD_BINDINGS);
    session_end(&s);
    assert_int_equal(log_on_bound(&s, *state, 0, 'A'), SEC_E_BAD_BINDINGS);
    session_end(&s);
}

/* ---------------------------------------------------------------- FreeRDP's order of calls */

/* What CredSSP sends over the finished context: a hash each way, then the credentials. */
static void credssp_traffic(struct session *s)
{
    SecPkgContext_Sizes sizes = {0};
    assert_int_equal(s->cs->table->QueryContextAttributesA(&s->client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbSecurityTrailer, TRAILER);
    assert_int_equal(s->ss->table->QueryContextAttributesA(&s->server, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbSecurityTrailer, TRAILER);
    exchange(s, 32);
    BYTE credentials[59], trailer[TRAILER];
    memset(credentials, 'c', sizeof credentials);
    assert_int_equal(seal(s->cs, &s->client, credentials, sizeof credentials, trailer, s->client_sent++), SEC_E_OK);
    assert_int_equal(unseal(s->ss, &s->server, credentials, sizeof credentials, trailer, s->server_received++),
                     SEC_E_OK);
    assert_int_equal(credentials[58], 'c');
}

static void server_leaves(struct session *s)
{
    SecurityFunctionTableA *t = s->ss->table;
    assert_int_equal(t->ImpersonateSecurityContext(&s->server), SEC_E_OK);
    assert_int_equal(t->RevertSecurityContext(&s->server), SEC_E_OK);
    assert_int_equal(t->FreeCredentialsHandle(&s->server_credential), SEC_E_OK);
    assert_int_equal(t->DeleteSecurityContext(&s->server), SEC_E_OK);
}

/* The contexts outlive the credential and the package information that made them. */
static void freerdp2(void **state)
{
    static struct session s;
    session_begin(&s, *state);
    SecurityFunctionTableA *t = s.cs->table;
    assert_int_equal(t->QuerySecurityPackageInfoA((SEC_CHAR *)"NTLM", &s.client_package), SEC_E_OK);
    assert_string_equal(s.client_package->Name, "NTLM");
    acquire(&s, "User", "Password");
    assert_int_equal(log_on_with(&s, FREERDP2_CLIENT_FLAGS, FREERDP2_SERVER_FLAGS), SEC_E_OK);
    credssp_traffic(&s);
    t->FreeCredentialsHandle(&s.client_credential);
    assert_string_equal(s.client_package->Name, "NTLM");
    t->FreeContextBuffer(s.client_package);
    exchange(&s, 8);
    t->DeleteSecurityContext(&s.client);
    if (s.cs->ours) {
        CtxtHandle none;
        SecInvalidateHandle(&none);
        assert_int_equal(t->DeleteSecurityContext(&none), SEC_E_INVALID_HANDLE);
        assert_int_equal(t->DeleteSecurityContext(&s.client), SEC_E_INVALID_HANDLE);
    }
    if (s.ss->ours) {
        server_leaves(&s);
    } else {
        s.ss->table->DeleteSecurityContext(&s.server);
        s.ss->table->FreeCredentialsHandle(&s.server_credential);
    }
}

static void extended(struct extended_identity *identity, const char *password)
{
    *identity = (struct extended_identity){.version = 0x200, .length = 72, .flags = 0x102};
    identity->user = wide("User", &identity->user_length);
    identity->domain = wide("Domain", &identity->domain_length);
    identity->password = wide(password, &identity->password_length);
    identity->package_list = wide("!kerberos", &identity->package_list_length);
}

/* FreeRDP 3's client: an identity with a tail, no place for the expiry, an empty first input, and the returned flags in
 * the very variable that holds the request of the next call. */
static SECURITY_STATUS freerdp3_client_step(struct session *s, bool first, SecBuffer *in, SecBufferDesc *out)
{
    SecBuffer empty = {0, 0, NULL};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, in != NULL ? in : &empty};
    return s->cs->table->InitializeSecurityContextA(
        &s->client_credential, first ? NULL : &s->client, (SEC_CHAR *)"TERMSRV/server", s->client_flags, 0,
        SECURITY_NATIVE_DREP, &input, 0, &s->client, out, &s->client_flags, NULL);
}

static SECURITY_STATUS freerdp3_server_step(struct session *s, bool first, SecBufferDesc *in, SecBufferDesc *out)
{
    SecurityFunctionTableA *t = s->ss->table;
    SECURITY_STATUS status =
        t->AcceptSecurityContext(&s->server_credential, first ? NULL : &s->server, in, s->server_flags,
                                 SECURITY_NATIVE_DREP, &s->server, out, &s->server_flags, NULL);
    return status;
}

static void freerdp3_client(void **state)
{
    static struct session s;
    struct extended_identity identity;
    session_begin(&s, *state);
    extended(&identity, "Password");
    s.client_flags = FREERDP3_CLIENT_FLAGS;
    SecurityFunctionTableA *t = s.cs->table;
    assert_int_equal(t->QuerySecurityPackageInfoA((SEC_CHAR *)"NTLM", &s.client_package), SEC_E_OK);
    assert_int_equal(t->AcquireCredentialsHandleA(NULL, (SEC_CHAR *)"NTLM", SECPKG_CRED_OUTBOUND, NULL, &identity, NULL,
                                                  NULL, &s.client_credential, NULL),
                     SEC_E_OK);
    memset(&identity, 0xee, sizeof identity); /* the handle owns what it needs */
    acquire_server(&s);
    assert_int_equal(freerdp3_client_step(&s, true, NULL, &s.message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(&s, true, &s.message[0], FREERDP3_SERVER_FLAGS, &s.message[1]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(freerdp3_client_step(&s, false, &s.buffer[1], &s.message[2]), SEC_E_OK);
    s.buffer[1].cbBuffer = TOKEN_MAX;
    assert_int_equal(server_step(&s, false, &s.message[2], FREERDP3_SERVER_FLAGS, &s.message[1]), SEC_E_OK);
    credssp_traffic(&s);
    assert_int_equal(t->DeleteSecurityContext(&s.client), SEC_E_OK);
    assert_int_equal(t->FreeCredentialsHandle(&s.client_credential), SEC_E_OK);
    assert_int_equal(t->FreeContextBuffer(s.client_package), SEC_E_OK);
    s.ss->table->DeleteSecurityContext(&s.server);
    s.ss->table->FreeCredentialsHandle(&s.server_credential);
}

static void freerdp3_server(void **state)
{
    static struct session s;
    struct extended_identity settings = {.version = 0x200, .length = 72, .flags = 0x102};
    session_begin(&s, *state);
    s.server_flags = FREERDP3_SERVER_FLAGS;
    acquire(&s, "User", "Password");
    SecurityFunctionTableA *t = s.ss->table;
    assert_int_equal(t->FreeCredentialsHandle(&s.server_credential), SEC_E_OK);
    assert_int_equal(t->AcquireCredentialsHandleA(NULL, (SEC_CHAR *)"NTLM", SECPKG_CRED_INBOUND, NULL, &settings, NULL,
                                                  NULL, &s.server_credential, NULL),
                     SEC_E_OK);
    assert_int_equal(client_step(&s, true, NULL, FREERDP3_CLIENT_FLAGS, &s.message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(freerdp3_server_step(&s, true, &s.message[0], &s.message[1]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(client_step(&s, false, &s.buffer[1], FREERDP3_CLIENT_FLAGS, &s.message[2]), SEC_E_OK);
    s.buffer[1].cbBuffer = TOKEN_MAX;
    assert_int_equal(freerdp3_server_step(&s, false, &s.message[2], &s.message[1]), SEC_E_OK);
    credssp_traffic(&s);
    server_leaves(&s);
    s.cs->table->DeleteSecurityContext(&s.client);
    s.cs->table->FreeCredentialsHandle(&s.client_credential);
}

/* No DeleteSecurityContext follows a first call that fails: the half-made context is the library's to free. */
static void failed_first_call(void **state)
{
    static struct session s;
    session_begin(&s, *state);
    acquire(&s, "User", "Password");
    s.buffer[0].cbBuffer = 8;
    assert_int_equal(client_step(&s, true, NULL, FREERDP3_CLIENT_FLAGS, &s.message[0]), SEC_E_BUFFER_TOO_SMALL);
    s.buffer[0].cbBuffer = TOKEN_MAX;
    memset(s.token[0], 'x', 40);
    SecBuffer garbage = {40, SECBUFFER_TOKEN, s.token[0]};
    SecBufferDesc in = {SECBUFFER_VERSION, 1, &garbage};
    assert_int_equal(server_step(&s, true, &in, FREERDP3_SERVER_FLAGS, &s.message[1]), SEC_E_INVALID_TOKEN);
    s.buffer[1].cbBuffer = TOKEN_MAX;
    SecInvalidateHandle(&s.client);
    SecInvalidateHandle(&s.server);
    assert_int_equal(log_on_with(&s, FREERDP3_CLIENT_FLAGS, FREERDP3_SERVER_FLAGS), SEC_E_OK);
    exchange(&s, 32);
    session_end(&s);
}

/* Slots that FreeRDP calls without asking whether they are there. */
static void table(void **state)
{
    void *const *slots = (void *const *)ours.table;
    static const int needed[] = {3, 4, 6, 7, 9, 11, 12, 13, 16, 17, 25, 26, 27, 28};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        assert_non_null(slots[needed[i]]);
    }
    assert_ptr_not_equal(ours.table->FreeContextBuffer, winpr.table->FreeContextBuffer);
    assert_ptr_equal(slots[18], slots[25]); /* the old names of EncryptMessage and DecryptMessage */
    assert_ptr_equal(slots[19], slots[26]);
}

/* ---------------------------------------------------------------- the program */

#define TEST(pairing, function, what)                                                                                  \
    {                                                                                                                  \
        what ": " #function, function, NULL, NULL, (void *)(uintptr_t) & (pairing)                                     \
    }
#define CONTROL(function)   TEST(winpr_winpr, function, "WinPR with itself")
#define ACCEPTS(function)   TEST(winpr_ours, function, "WinPR client, our server")
#define INITIATES(function) TEST(ours_winpr, function, "our client, WinPR server")
#define ALONE(function)     TEST(ours_ours, function, "ours with itself, through WinPR's table")

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTROL(good_password),
        CONTROL(wrong_password),
        CONTROL(sealed_messages),
        ACCEPTS(good_password),
        ACCEPTS(wrong_password),
        ACCEPTS(unknown_user),
        ACCEPTS(negotiate),
        ACCEPTS(sealed_messages),
        ACCEPTS(one_sided_traffic),
        ACCEPTS(tampered_message),
        ACCEPTS(replayed_message),
        ACCEPTS(tampered_authenticate),
        ACCEPTS(channel_bindings),
        ACCEPTS(freerdp2),
        ACCEPTS(freerdp3_server),
        INITIATES(good_password),
        INITIATES(wrong_password),
        INITIATES(unknown_user),
        INITIATES(negotiate),
        INITIATES(sealed_messages),
        INITIATES(one_sided_traffic),
        INITIATES(tampered_message),
        INITIATES(tampered_authenticate),
        INITIATES(freerdp2),
        INITIATES(freerdp3_client),
        ALONE(sealed_messages),
        ALONE(channel_bindings),
        ALONE(freerdp2),
        ALONE(freerdp3_client),
        ALONE(freerdp3_server),
        ALONE(failed_first_call),
        ALONE(table),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("WinPR", tests, prepare, clean_up);
}
