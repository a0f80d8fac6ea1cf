/* What a realm does to sessions: names and passwords, keys that change, caches, a KDC that is gone, clocks; and two of ours. */
#include "kerberos_session.h"

/* ---------------------------------------------------------------- identities and refusals */

static SECURITY_STATUS first_leg(const char *user, const char *domain, const char *password, const char *target)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        (unsigned char *)text(user),     (ULONG)strlen(user),     (unsigned char *)text(domain), (ULONG)strlen(domain),
        (unsigned char *)text(password), (ULONG)strlen(password), SEC_WINNT_AUTH_IDENTITY_ANSI};
    CredHandle credential;
    CtxtHandle context;
    unsigned char answer[TOKEN_MAX];
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    ULONG flags;
    assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL,
                                            user[0] != '\0' ? &identity : NULL, NULL, NULL, &credential, NULL),
                  SEC_E_OK);
    SECURITY_STATUS status =
        InitializeSecurityContextA(&credential, NULL, text(target), 0, 0, 0, NULL, 0, &context, &output, &flags, NULL);
    if (status >= 0) {
        DeleteSecurityContext(&context);
    }
    FreeCredentialsHandle(&credential);
    return status;
}

static void passwords(void **state)
{
    (void)state;
    char *before = strdup(getenv("KRB5CCNAME"));
    setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1);
    assert_status(first_leg("bob", "SSPI.TEST", "bob secret", SERVICE), SEC_E_OK);
    assert_status(first_leg("bob", "sspi.test", "bob secret", SERVICE), SEC_E_OK);
    assert_status(first_leg("bob", "", "bob secret", SERVICE), SEC_E_OK);
    assert_status(first_leg("bob@sspi.test", "", "bob secret", SERVICE), SEC_E_OK);
    assert_status(first_leg("SSPI.TEST\\bob", "", "bob secret", SERVICE), SEC_E_OK);
    assert_status(first_leg("bob", "SSPI.TEST", "wrong", SERVICE), SEC_E_LOGON_DENIED);
    assert_status(first_leg("nobody", "SSPI.TEST", "wrong", SERVICE), SEC_E_LOGON_DENIED);
    assert_status(first_leg("bob", "SSPI.TEST", "bob secret", "HTTP/nowhere.sspi.test"), SEC_E_TARGET_UNKNOWN);
    assert_status(first_leg("bob", "ELSEWHERE.TEST", "bob secret", SERVICE), SEC_E_NO_AUTHENTICATING_AUTHORITY);
    assert_status(first_leg("", "", "", SERVICE), SEC_E_NO_CREDENTIALS);
    setenv("KRB5CCNAME", before, 1);
    free(before);
    assert_status(first_leg("", "", "", SERVICE), SEC_E_OK);
    assert_status(first_leg("", "", "", SERVICE "@SSPI.TEST"), SEC_E_OK);
    assert_status(first_leg("", "", "", "HTTP/nowhere.sspi.test"), SEC_E_TARGET_UNKNOWN);
}

/* ---------------------------------------------------------------- AddCredentials */

static SEC_WINNT_AUTH_IDENTITY_A identity_of(const char *user, const char *domain, const char *password)
{
    return (SEC_WINNT_AUTH_IDENTITY_A){
        (unsigned char *)text(user),     (ULONG)strlen(user),     (unsigned char *)text(domain), (ULONG)strlen(domain),
        (unsigned char *)text(password), (ULONG)strlen(password), SEC_WINNT_AUTH_IDENTITY_ANSI};
}

/* Legs until both stand, with the credential that there is. */
static void legs_of(struct session *s)
{
    s->size = 0;
    for (int leg = 0; leg < 4 && (s->gss_major != GSS_S_COMPLETE || s->status != SEC_E_OK || leg == 0); leg++) {
        sspi_step(s);
        assert_status(s->status < 0 ? s->status : SEC_E_OK, SEC_E_OK);
        if (s->size != 0) {
            gss_step(s);
            assert_false(GSS_ERROR(s->gss_major));
        }
    }
    assert_status(s->status, SEC_E_OK);
    assert_int_equal(s->gss_major, GSS_S_COMPLETE);
}

/* A client whose first identity has a wrong password, and the second is of a realm that is nowhere; with Negotiate, one that is
 * added to Kerberos alone. */
static void second_identity(void **state)
{
    static const char *const packages[] = {"Kerberos", "Negotiate"};
    SEC_WINNT_AUTH_IDENTITY_A wrong = identity_of("bob", "SSPI.TEST", "wrong"),
                              nowhere = identity_of("bob", "ELSEWHERE.TEST", "bob secret"),
                              bob = identity_of("bob", "SSPI.TEST", "bob secret");
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session s;
        gss_buffer_desc name = GSS_C_EMPTY_BUFFER;
        OM_uint32 minor = 0;
        begin(&s, true);
        s.package = packages[i];
        s.mechanism = i == 0 ? s.mechanism : &spnego_mechanism;
        s.identity = &wrong;
        acquire(&s);
        if (i == 0) {
            sspi_step(&s);
            assert_status(s.status, SEC_E_LOGON_DENIED);
            assert_status(
                AddCredentialsA(&s.credential, NULL, text("NTLM"), SECPKG_CRED_OUTBOUND, &bob, NULL, NULL, NULL),
                SEC_E_UNSUPPORTED_FUNCTION);
        }
        assert_status(
            AddCredentialsA(&s.credential, NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, &nowhere, NULL, NULL, NULL),
            SEC_E_OK);
        assert_status(
            AddCredentialsA(&s.credential, NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, &bob, NULL, NULL, NULL),
            SEC_E_OK);
        legs_of(&s);
        gss_name_t source = GSS_C_NO_NAME;
        gss_ok(gss_inquire_context(&minor, s.gss_context, &source, NULL, NULL, NULL, NULL, NULL, NULL), minor,
               "gss_inquire_context");
        gss_ok(gss_display_name(&minor, source, &name, NULL), minor, "gss_display_name");
        assert_int_equal(name.length, strlen("bob@SSPI.TEST"));
        assert_memory_equal(name.value, "bob@SSPI.TEST", name.length);
        gss_release_buffer(&minor, &name);
        gss_release_name(&minor, &source);
        end(&s);
    }
}

/* A new key version while the server runs: tickets under the old and the new key are both taken. */
static void rotation(void **state)
{
    struct session s, t;
    char command[512];
    (void)state;
    begin(&s, true);
    s.target = "host/server.sspi.test";
    acquire(&s);
    sspi_step(&s); /* under the old key */
    assert_status(s.status, SEC_I_CONTINUE_NEEDED);
    begin(&t, false);
    acquire(&t);
    (void)snprintf(command, sizeof command,
                   "PATH=$PATH:/usr/sbin kadmin.local ktadd -k %s/keytab host/server.sspi.test >/dev/null 2>&1",
                   getenv("REALM_DIRECTORY"));
    assert_int_equal(system(command), 0);
    SecBuffer in = {(ULONG)s.size, SECBUFFER_TOKEN, s.token};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in};
    SecBuffer out = {sizeof t.token, SECBUFFER_TOKEN, t.token};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    assert_status(AcceptSecurityContext(&t.credential, NULL, &input, 0, 0, &t.context, &output, &t.flags, NULL),
                  SEC_E_OK);
    end(&s);
    DeleteSecurityContext(&t.context);
    SecInvalidateHandle(&t.context);
    begin(&s, true); /* bob has no ticket yet: his is under the new key */
    SEC_WINNT_AUTH_IDENTITY_A bob = {(unsigned char *)text("bob"),        3,  (unsigned char *)text("SSPI.TEST"), 9,
                                     (unsigned char *)text("bob secret"), 10, SEC_WINNT_AUTH_IDENTITY_ANSI};
    s.identity = &bob;
    s.target = "host/server.sspi.test";
    acquire(&s);
    sspi_step(&s);
    in = (SecBuffer){(ULONG)s.size, SECBUFFER_TOKEN, s.token};
    out.cbBuffer = sizeof t.token;
    assert_status(AcceptSecurityContext(&t.credential, NULL, &input, 0, 0, &t.context, &output, &t.flags, NULL),
                  SEC_E_OK);
    end(&s);
    end(&t);
}

/* ---------------------------------------------------------------- user-to-user, between two of ours */

static void user_to_user(void **state)
{
    CredHandle alice, bob;
    CtxtHandle client, server;
    static unsigned char tokens[2][TOKEN_MAX];
    ULONG client_flags = 0, server_flags = 0;
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        (unsigned char *)text("bob"),        3,  (unsigned char *)text("SSPI.TEST"), 9,
        (unsigned char *)text("bob secret"), 10, SEC_WINNT_AUTH_IDENTITY_ANSI};
    (void)state;
    assert_status(
        AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &alice, NULL),
        SEC_E_OK);
    assert_status(
        AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_INBOUND, NULL, &identity, NULL, NULL, &bob, NULL),
        SEC_E_OK);
    SecBuffer up = {TOKEN_MAX, SECBUFFER_TOKEN, tokens[0]}, down = {0, SECBUFFER_TOKEN, tokens[1]};
    SecBufferDesc upward = {SECBUFFER_VERSION, 1, &up}, downward = {SECBUFFER_VERSION, 1, &down};
    SECURITY_STATUS c = SEC_I_CONTINUE_NEEDED, s = SEC_I_CONTINUE_NEEDED;
    for (int leg = 0; leg < 4 && (c != SEC_E_OK || s != SEC_E_OK); leg++) {
        up.cbBuffer = TOKEN_MAX;
        c = InitializeSecurityContextA(&alice, leg == 0 ? NULL : &client, text("bob@SSPI.TEST"),
                                       SEALED | ISC_REQ_USE_SESSION_KEY, 0, 0, leg == 0 ? NULL : &downward, 0, &client,
                                       &upward, &client_flags, NULL);
        assert_status(c < 0 ? c : SEC_E_OK, SEC_E_OK);
        if (s != SEC_E_OK) {
            down.cbBuffer = TOKEN_MAX;
            s = AcceptSecurityContext(&bob, leg == 0 ? NULL : &server, &upward, 0, 0, &server, &downward, &server_flags,
                                      NULL);
            assert_status(s < 0 ? s : SEC_E_OK, SEC_E_OK);
        }
    }
    assert_status(c, SEC_E_OK);
    assert_status(s, SEC_E_OK);
    assert_true((client_flags & ISC_RET_USE_SESSION_KEY) != 0 && (server_flags & ASC_RET_USE_SESSION_KEY) != 0);
    SecPkgContext_SessionKey ours, theirs;
    assert_status(QueryContextAttributesA(&client, SECPKG_ATTR_SESSION_KEY, &ours), SEC_E_OK);
    assert_status(QueryContextAttributesA(&server, SECPKG_ATTR_SESSION_KEY, &theirs), SEC_E_OK);
    assert_memory_equal(ours.SessionKey, theirs.SessionKey, 32);
    FreeContextBuffer(ours.SessionKey);
    FreeContextBuffer(theirs.SessionKey);
    DeleteSecurityContext(&client);
    DeleteSecurityContext(&server);
    FreeCredentialsHandle(&alice);
    FreeCredentialsHandle(&bob);
}

/* klist, as Windows' programs do it. */
static void ticket_cache(void **state)
{
    HANDLE lsa = NULL;
    ULONG package = 0, size = 0;
    NTSTATUS verdict = -1;
    LSA_STRING name = {8, 9, text("Kerberos")};
    KERB_QUERY_TKT_CACHE_REQUEST request = {KerbQueryTicketCacheExMessage, {0, 0}};
    KERB_QUERY_TKT_CACHE_EX_RESPONSE *response = NULL;
    bool found = false;
    (void)state;
    assert_int_equal(LsaConnectUntrusted(&lsa), 0);
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &package), 0);
    assert_int_equal(
        LsaCallAuthenticationPackage(lsa, package, &request, sizeof request, (void **)&response, &size, &verdict), 0);
    assert_int_equal(verdict, 0);
    for (ULONG i = 0; i < response->CountOfTickets; i++) {
        const KERB_TICKET_CACHE_INFO_EX *ticket = &response->Tickets[i];
        assert_memory_equal(ticket->ClientName.Buffer, u"alice", 10);
        assert_memory_equal(ticket->ServerRealm.Buffer, u"SSPI.TEST", 18);
        assert_true(ticket->EndTime.QuadPart > ticket->StartTime.QuadPart);
        if (ticket->ServerName.Length == 32 && memcmp(ticket->ServerName.Buffer, u"krbtgt/SSPI.TEST", 32) == 0) {
            found = true;
            assert_int_equal(ticket->EncryptionType, 18);
            assert_true((ticket->TicketFlags & 0x40000000) != 0); /* forwardable */
        }
    }
    assert_true(found);
    LsaFreeReturnBuffer(response);
    LsaDeregisterLogonProcess(lsa);
}

/* A KDC that is gone, and one that takes connections and says nothing: the call ends in time, and a second one at once. */
static void dead_kdc(void **state)
{
    static const char *const configurations[] = {"krb5-dead.conf", "krb5-silent.conf"};
    char *before = strdup(getenv("KRB5_CONFIG")), *cache = strdup(getenv("KRB5CCNAME"));
    (void)state;
    setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1);
    for (size_t i = 0; i < 2; i++) {
        char configuration[512];
        struct timespec start, end;
        (void)snprintf(configuration, sizeof configuration, "%s/%s", getenv("REALM_DIRECTORY"), configurations[i]);
        setenv("KRB5_CONFIG", configuration, 1);
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        assert_status(first_leg("bob", "SSPI.TEST", "bob secret", SERVICE), SEC_E_NO_AUTHENTICATING_AUTHORITY);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        assert_true(end.tv_sec - start.tv_sec <= 7); /* the realm's policy allows five seconds */
    }
    setenv("KRB5_CONFIG", before, 1);
    setenv("KRB5CCNAME", cache, 1);
    assert_status(first_leg("bob", "SSPI.TEST", "bob secret", SERVICE), SEC_E_OK);
    free(before);
    free(cache);
}

/* A cache that vanishes, is somebody else's, and comes back, under one credential handle. */
static void changing_cache(void **state)
{
    CredHandle credential;
    char command[1024], *before = strdup(getenv("KRB5CCNAME"));
    const char *directory = getenv("REALM_DIRECTORY");
    (void)state;
    (void)snprintf(command, sizeof command, "cp %s/cache %s/moving", directory, directory);
    assert_int_equal(system(command), 0);
    (void)snprintf(command, sizeof command, "FILE:%s/moving", directory);
    setenv("KRB5CCNAME", command, 1);
    assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_OK);
    static const char *const steps[] = {"true", "rm $REALM_DIRECTORY/moving",
                                        "kinit -k -t $REALM_DIRECTORY/bob.keytab bob"};
    static const char *const names[] = {"alice@SSPI.TEST", NULL, "bob@SSPI.TEST"};
    for (size_t i = 0; i < 3; i++) {
        CtxtHandle context;
        unsigned char answer[TOKEN_MAX];
        SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
        ULONG flags;
        SecPkgContext_NativeNamesA native;
        assert_int_equal(system(steps[i]), 0);
        SECURITY_STATUS status = InitializeSecurityContextA(&credential, NULL, text(SERVICE), 0, 0, 0, NULL, 0,
                                                            &context, &output, &flags, NULL);
        if (names[i] == NULL) {
            assert_status(status, SEC_E_NO_CREDENTIALS);
            continue;
        }
        assert_status(status, SEC_E_OK);
        assert_status(QueryContextAttributesA(&context, SECPKG_ATTR_NATIVE_NAMES, &native), SEC_E_OK);
        assert_string_equal(native.sClientName, names[i]);
        FreeContextBuffer(native.sClientName);
        FreeContextBuffer(native.sServerName);
        DeleteSecurityContext(&context);
    }
    FreeCredentialsHandle(&credential);
    setenv("KRB5CCNAME", before, 1);
    free(before);
}

/* At the realm's password server. */
static void new_password(void **state)
{
    char *const package = text("Kerberos"), *const realm = text("SSPI.TEST"), *const bob = text("bob");
    SecBufferDesc none = {SECBUFFER_VERSION, 0, NULL};
    (void)state;
    assert_status(ChangeAccountPasswordA(package, realm, bob, text("wrong"), text("other secret"), FALSE, 0, &none),
                  SEC_E_LOGON_DENIED);
    assert_status(ChangeAccountPasswordA(package, realm, bob, text("bob secret"), text("no"), FALSE, 0, &none),
                  (SECURITY_STATUS)0xC000006C); /* STATUS_PASSWORD_RESTRICTION: too short */
    assert_status(ChangeAccountPasswordW((SEC_WCHAR *)u"Kerberos", (SEC_WCHAR *)u"SSPI.TEST", (SEC_WCHAR *)u"bob",
                                         (SEC_WCHAR *)u"bob secret", (SEC_WCHAR *)u"pässwörd", FALSE, 0, &none),
                  SEC_E_OK);
    assert_status(first_leg("bob", "SSPI.TEST", "bob secret", SERVICE), SEC_E_LOGON_DENIED);
    assert_status(first_leg("bob", "SSPI.TEST", "pässwörd", SERVICE), SEC_E_OK);
    assert_status(ChangeAccountPasswordA(package, realm, bob, text("pässwörd"), text("bob secret"), FALSE, 0, &none),
                  SEC_E_OK);
}

/* ---------------------------------------------------------------- clocks */

static const unsigned char frame_oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

/* A server whose clock is an hour ahead says so; the client comes back with that time, once. */
static void clock_skew(void **state)
{
    struct session s;
    krb5_context krb = NULL;
    krb5_error error = {.error = KRB5KRB_AP_ERR_SKEW - ERROR_TABLE_BASE_krb5};
    krb5_data message = {0};
    CredHandle server;
    CtxtHandle context;
    (void)state;
    begin(&s, true);
    acquire(&s);
    sspi_step(&s);
    assert_status(s.status, SEC_I_CONTINUE_NEEDED);
    assert_int_equal(krb5_init_context(&krb), 0);
    assert_int_equal(krb5_us_timeofday(krb, &error.stime, &error.susec), 0);
    error.stime += 3600;
    assert_int_equal(krb5_parse_name(krb, SERVICE, &error.server), 0);
    assert_int_equal(krb5_mk_error(krb, &error, &message), 0);
    assert_true(message.length < 110);
    for (int round = 0; round < 2; round++) {
        unsigned char *at = s.token;
        *at++ = 0x60;
        *at++ = (unsigned char)(sizeof frame_oid + 2 + message.length);
        memcpy(at, frame_oid, sizeof frame_oid);
        at += sizeof frame_oid;
        *at++ = 0x03;
        *at++ = 0x00;
        memcpy(at, message.data, message.length);
        s.size = (size_t)(at - s.token) + message.length;
        sspi_step(&s);
        if (round != 0) {
            assert_status(s.status, SEC_E_TIME_SKEW); /* once */
            break;
        }
        assert_status(s.status, SEC_I_CONTINUE_NEEDED);
        /* Our own server's clock is right, so for it this one is off, and it tells the client its time. */
        unsigned char answer[TOKEN_MAX];
        SecBuffer in = {(ULONG)s.size, SECBUFFER_TOKEN, s.token}, out = {sizeof answer, SECBUFFER_TOKEN, answer};
        SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
        ULONG flags;
        assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                                &server, NULL),
                      SEC_E_OK);
        assert_status(
            AcceptSecurityContext(&server, NULL, &input, ASC_REQ_EXTENDED_ERROR, 0, &context, &output, &flags, NULL),
            SEC_E_TIME_SKEW);
        krb5_error *got = NULL;
        unsigned head = answer[1] < 0x80 ? 15 : 16; /* 60 nn 06 09 ... 03 00, or 60 81 nn ... */
        krb5_data told = {0, out.cbBuffer - head, (char *)answer + head};
        assert_int_equal(krb5_rd_error(krb, &told, &got), 0);
        assert_int_equal(got->error, error.error);
        assert_true(got->stime < error.stime - 3000);
        assert_int_equal(got->e_data.length, 7);
        assert_memory_equal(got->e_data.data, "\x30\x05\xa1\x03\x02\x01\x02", 7); /* KERB_AP_ERR_TYPE_SKEW_RECOVERY */
        krb5_free_error(krb, got);
        FreeCredentialsHandle(&server);
    }
    krb5_free_data_contents(krb, &message);
    krb5_free_principal(krb, error.server);
    krb5_free_context(krb);
    end(&s);
}

/* ---------------------------------------------------------------- many at once */

static CredHandle shared_client, shared_server;
static atomic_int broken;

static bool handshake(void)
{
    static _Thread_local unsigned char up[TOKEN_MAX], down[TOKEN_MAX];
    CtxtHandle client, server;
    SecBuffer first = {TOKEN_MAX, SECBUFFER_TOKEN, up}, second = {TOKEN_MAX, SECBUFFER_TOKEN, down},
              none = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc request = {SECBUFFER_VERSION, 1, &first}, reply = {SECBUFFER_VERSION, 1, &second},
                  last = {SECBUFFER_VERSION, 1, &none};
    ULONG flags;
    if (InitializeSecurityContextA(&shared_client, NULL, text(SERVICE), SEALED, 0, 0, NULL, 0, &client, &request,
                                   &flags, NULL) != SEC_I_CONTINUE_NEEDED) {
        return false;
    }
    bool good = AcceptSecurityContext(&shared_server, NULL, &request, 0, 0, &server, &reply, &flags, NULL) == SEC_E_OK;
    if (good) {
        good = InitializeSecurityContextA(&shared_client, &client, text(SERVICE), SEALED, 0, 0, &reply, 0, &client,
                                          &last, &flags, NULL) == SEC_E_OK;
        DeleteSecurityContext(&server);
    }
    DeleteSecurityContext(&client);
    return good;
}

static void *shake(void *argument)
{
    (void)argument;
    for (int i = 0; i < 100; i++) {
        if (!handshake()) {
            atomic_fetch_add(&broken, 1);
        }
    }
    return NULL;
}

/* Eight threads on one pair of credentials, while the keytab and the cache are replaced by others of the same content, and a
 * child that was forked meanwhile goes on by itself. */
static void threads(void **state)
{
    pthread_t thread[8];
    (void)state;
    assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                            &shared_client, NULL),
                  SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                            &shared_server, NULL),
                  SEC_E_OK);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, shake, NULL), 0);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(system("cd $REALM_DIRECTORY && cp keytab k && mv k keytab && cp cache c && mv c cache"), 0);
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(handshake() ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(atomic_load(&broken), 0);
    FreeCredentialsHandle(&shared_client);
    FreeCredentialsHandle(&shared_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords),    cmocka_unit_test(second_identity), cmocka_unit_test(user_to_user),
        cmocka_unit_test(new_password), cmocka_unit_test(ticket_cache),    cmocka_unit_test(changing_cache),
        cmocka_unit_test(dead_kdc),     cmocka_unit_test(clock_skew),      cmocka_unit_test(threads),
        cmocka_unit_test(rotation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
