/* The Kerberos package against MIT's GSSAPI, each as client and as server: sessions, messages, bindings, delegation, order. */
#include "kerberos_session.h"

/* ---------------------------------------------------------------- messages */

struct message {
    SecBuffer at[4];
    SecBufferDesc all;
    unsigned char token[128], data[4096], padding[16];
    ULONG block;
};

static void message_init(struct session *s, struct message *m, size_t size)
{
    SecPkgContext_Sizes sizes;
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_true(sizes.cbSecurityTrailer <= sizeof m->token);
    for (size_t i = 0; i < size; i++) {
        m->data[i] = (unsigned char)(i * 7 + 3);
    }
    m->at[0] = (SecBuffer){sizes.cbSecurityTrailer, SECBUFFER_TOKEN, m->token};
    m->at[1] = (SecBuffer){(ULONG)size, SECBUFFER_DATA, m->data};
    m->at[2] = (SecBuffer){sizes.cbBlockSize, SECBUFFER_PADDING, m->padding};
    m->all = (SecBufferDesc){SECBUFFER_VERSION, 3, m->at};
}

static bool is_plain(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != (unsigned char)(i * 7 + 3)) {
            return false;
        }
    }
    return true;
}

/* What EncryptMessage puts in front is as long as SIZES says: FreeRDP's servers cut there.  RC4's frame grows with the
 * message. */
static void full_trailer(struct session *s, const struct message *m)
{
    SecPkgContext_KeyInfoA info;
    SecPkgContext_Sizes sizes;
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_KEY_INFO, &info), SEC_E_OK);
    FreeContextBuffer(info.sSignatureAlgorithmName);
    FreeContextBuffer(info.sEncryptAlgorithmName);
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    if (info.EncryptAlgorithm != 23) {
        assert_int_equal(m->at[0].cbBuffer, sizes.cbSecurityTrailer);
    }
}

/* Ours seals, theirs unwraps. */
static void ours_to_theirs(struct session *s, size_t size, bool encrypt)
{
    struct message m;
    OM_uint32 minor = 0;
    unsigned char wire[8192];
    message_init(s, &m, size);
    assert_status(EncryptMessage(&s->context, encrypt ? 0 : SECQOP_WRAP_NO_ENCRYPT, &m.all, 0), SEC_E_OK);
    assert_true(size < 8 || is_plain(m.data, size) == !encrypt);
    if (encrypt) {
        full_trailer(s, &m);
    }
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        memcpy(wire + at, m.at[i].pvBuffer, m.at[i].cbBuffer);
        at += m.at[i].cbBuffer;
    }
    int conf = -1;
    gss_buffer_desc in = {at, wire}, out = GSS_C_EMPTY_BUFFER;
    OM_uint32 major = gss_unwrap(&minor, s->gss_context, &in, &out, &conf, NULL);
    gss_ok(major, minor, "gss_unwrap");
    assert_int_equal(major, GSS_S_COMPLETE);
    assert_int_equal(conf, encrypt);
    assert_int_equal(out.length, size);
    assert_true(is_plain(out.value, size));
    gss_release_buffer(&minor, &out);
}

/* Theirs wraps, ours opens the whole stream. */
static void theirs_to_ours(struct session *s, size_t size, bool encrypt)
{
    unsigned char plain[4096];
    OM_uint32 minor = 0;
    int conf = 0;
    ULONG qop = 77;
    for (size_t i = 0; i < size; i++) {
        plain[i] = (unsigned char)(i * 7 + 3);
    }
    gss_buffer_desc in = {size, plain}, out = GSS_C_EMPTY_BUFFER;
    gss_ok(gss_wrap(&minor, s->gss_context, encrypt, GSS_C_QOP_DEFAULT, &in, &conf, &out), minor, "gss_wrap");
    SecBuffer at[2] = {{(ULONG)out.length, SECBUFFER_STREAM, out.value}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    assert_status(DecryptMessage(&s->context, &all, 0, &qop), SEC_E_OK);
    assert_int_equal(at[1].cbBuffer, size);
    assert_true(is_plain(at[1].pvBuffer, size));
    assert_int_equal(qop, encrypt ? 0 : SECQOP_WRAP_NO_ENCRYPT);
    gss_release_buffer(&minor, &out);
}

static void signatures(struct session *s, size_t size)
{
    struct message m;
    OM_uint32 minor = 0;
    ULONG qop = 0;
    message_init(s, &m, size);
    SecBuffer at[2] = {{(ULONG)size, SECBUFFER_DATA, m.data}, {sizeof m.token, SECBUFFER_TOKEN, m.token}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    assert_status(MakeSignature(&s->context, 0, &all, 0), SEC_E_OK);
    gss_buffer_desc data = {size, m.data}, mic = {at[1].cbBuffer, m.token};
    gss_ok(gss_verify_mic(&minor, s->gss_context, &data, &mic, NULL), minor, "gss_verify_mic");
    gss_ok(gss_get_mic(&minor, s->gss_context, GSS_C_QOP_DEFAULT, &data, &mic), minor, "gss_get_mic");
    at[1] = (SecBuffer){(ULONG)mic.length, SECBUFFER_TOKEN, mic.value};
    assert_status(VerifySignature(&s->context, &all, 0, &qop), SEC_E_OK);
    /* again: a replay */
    assert_status(VerifySignature(&s->context, &all, 0, &qop), SEC_E_OUT_OF_SEQUENCE);
    gss_release_buffer(&minor, &mic);
}

static void all_messages(struct session *s)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 100, 1000, 4000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            ours_to_theirs(s, lengths[i], encrypt);
            theirs_to_ours(s, lengths[i], encrypt);
        }
        signatures(s, lengths[i]);
    }
}

/* iov on their side: header, data with parts that are only signed around it, as RPC has them; TOKEN and DATA on ours. */
static void parts(struct session *s)
{
    OM_uint32 minor = 0, major;
    int conf = 0;
    char before[8] = "header..", after[8] = "trailer.";
    struct message m;
    message_init(s, &m, 333);
    SecBuffer at[5] = {{8, SECBUFFER_DATA | SECBUFFER_READONLY_WITH_CHECKSUM, before},
                       m.at[1],
                       {8, SECBUFFER_DATA | SECBUFFER_READONLY_WITH_CHECKSUM, after},
                       m.at[0],
                       m.at[2]};
    SecBufferDesc all = {SECBUFFER_VERSION, 5, at};
    assert_status(EncryptMessage(&s->context, 0, &all, 0), SEC_E_OK);
    gss_iov_buffer_desc iov[5] = {{GSS_IOV_BUFFER_TYPE_HEADER, {at[3].cbBuffer, at[3].pvBuffer}},
                                  {GSS_IOV_BUFFER_TYPE_SIGN_ONLY, {8, before}},
                                  {GSS_IOV_BUFFER_TYPE_DATA, {333, m.data}},
                                  {GSS_IOV_BUFFER_TYPE_SIGN_ONLY, {8, after}},
                                  {GSS_IOV_BUFFER_TYPE_PADDING, {at[4].cbBuffer, at[4].pvBuffer}}};
    major = gss_unwrap_iov(&minor, s->gss_context, &conf, NULL, iov, at[4].cbBuffer != 0 ? 5 : 4);
    gss_ok(major, minor, "gss_unwrap_iov");
    assert_true(is_plain(m.data, 333));

    unsigned char header[128], padding[16] = {0};
    iov[0].buffer = (gss_buffer_desc){sizeof header, header};
    iov[4].buffer = (gss_buffer_desc){sizeof padding, padding};
    gss_ok(gss_wrap_iov_length(&minor, s->gss_context, 1, GSS_C_QOP_DEFAULT, &conf, iov, 5), minor,
           "gss_wrap_iov_length");
    iov[0].buffer.value = header;
    iov[4].buffer.value = padding;
    gss_ok(gss_wrap_iov(&minor, s->gss_context, 1, GSS_C_QOP_DEFAULT, &conf, iov, 5), minor, "gss_wrap_iov");
    at[3] = (SecBuffer){(ULONG)iov[0].buffer.length, SECBUFFER_TOKEN, header};
    at[4] = (SecBuffer){(ULONG)iov[4].buffer.length, SECBUFFER_PADDING, padding};
    ULONG qop = 77;
    before[0] ^= 1;
    assert_status(DecryptMessage(&s->context, &all, 0, &qop), SEC_E_MESSAGE_ALTERED);
    before[0] ^= 1;
    assert_status(DecryptMessage(&s->context, &all, 0, &qop), SEC_E_OK);
    assert_int_equal(qop, 0);
    assert_true(is_plain(m.data, 333));
}

/* ---------------------------------------------------------------- what both ends know */

static void same_key(struct session *s)
{
    OM_uint32 minor = 0;
    gss_buffer_set_t theirs = GSS_C_NO_BUFFER_SET;
    SecPkgContext_SessionKey ours;
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_SESSION_KEY, &ours), SEC_E_OK);
    assert_int_equal(gss_inquire_sec_context_by_oid(&minor, s->gss_context, GSS_C_INQ_SSPI_SESSION_KEY, &theirs),
                     GSS_S_COMPLETE);
    assert_int_equal(ours.SessionKeyLength, theirs->elements[0].length);
    assert_memory_equal(ours.SessionKey, theirs->elements[0].value, ours.SessionKeyLength);
    gss_release_buffer_set(&minor, &theirs);
    FreeContextBuffer(ours.SessionKey);
}

static void same_names(struct session *s)
{
    SecPkgContext_NamesA names;
    SecPkgContext_NativeNamesA native;
    char server[128];
    (void)snprintf(server, sizeof server, "%s@SSPI.TEST", s->target);
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "SSPI.TEST\\alice");
    FreeContextBuffer(names.sUserName);
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_NATIVE_NAMES, &native), SEC_E_OK);
    assert_string_equal(native.sClientName, "alice@SSPI.TEST");
    assert_string_equal(native.sServerName, server);
    FreeContextBuffer(native.sClientName);
    FreeContextBuffer(native.sServerName);
}

static void ordinary(void **state)
{
    struct session s;
    bool client = is_client(state);
    begin(&s, client);
    establish(&s);
    assert_int_equal(s.legs, 2);
    assert_int_equal(s.flags, client ? ISC_RET_MUTUAL_AUTH | ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT |
                                           ISC_RET_CONFIDENTIALITY | ISC_RET_INTEGRITY
                                     : ASC_RET_MUTUAL_AUTH | ASC_RET_REPLAY_DETECT | ASC_RET_SEQUENCE_DETECT |
                                           ASC_RET_CONFIDENTIALITY | ASC_RET_INTEGRITY);
    assert_int_equal(s.gss_flags & GSS_SEALED, GSS_SEALED);
    same_key(&s);
    same_names(&s);
    all_messages(&s);
    parts(&s);
    end(&s);
}

static void one_way(void **state)
{
    struct session s;
    begin(&s, is_client(state));
    s.request &= ~(ULONG)ISC_REQ_MUTUAL_AUTH;
    s.gss_request &= ~(OM_uint32)GSS_C_MUTUAL_FLAG;
    establish(&s);
    assert_int_equal(s.legs, 1);
    same_key(&s);
    all_messages(&s);
    end(&s);
}

static void dce_style(void **state)
{
    struct session s;
    bool client = is_client(state);
    begin(&s, client);
    s.request |= client ? ISC_REQ_USE_DCE_STYLE : 0;
    s.gss_request |= GSS_C_DCE_STYLE;
    establish(&s);
    assert_int_equal(s.legs, 3);
    assert_true((s.flags & (client ? ISC_RET_USED_DCE_STYLE : ASC_RET_USED_DCE_STYLE)) != 0);
    same_key(&s);
    parts(&s);
    end(&s);
}

/* The key of a session is never a stronger one than the ticket's here, as both sides would otherwise agree (RFC 4537). */
static void every_type(void **state)
{
    static const struct {
        const char *name;
        ULONG number;
    } types[] = {{"aes128", 17}, {"aes256", 18}, {"aes128sha2", 19}, {"aes256sha2", 20}, {"rc4", 23}};
    char *before = strdup(getenv("KRB5_CONFIG"));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char target[64], configuration[512];
        struct session s;
        SecPkgContext_KeyInfoA info;
        (void)snprintf(target, sizeof target, "HTTP/%s.sspi.test", types[i].name);
        (void)snprintf(configuration, sizeof configuration, "%s/krb5-%s.conf", getenv("REALM_DIRECTORY"),
                       types[i].name);
        begin(&s, is_client(state));
        s.target = target;
        establish(&s); /* the ticket is in the cache now */
        end(&s);
        setenv("KRB5_CONFIG", configuration, 1);
        for (int dce = 0; dce < 2; dce++) {
            begin(&s, is_client(state));
            s.target = target;
            s.request |= s.sspi_is_client && dce ? ISC_REQ_USE_DCE_STYLE : 0;
            s.gss_request |= dce ? GSS_C_DCE_STYLE : 0;
            print_message("# %s%s\n", types[i].name, dce ? ", DCE style" : "");
            establish(&s);
            assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_KEY_INFO, &info), SEC_E_OK);
            assert_int_equal(info.EncryptAlgorithm, types[i].number);
            FreeContextBuffer(info.sSignatureAlgorithmName);
            FreeContextBuffer(info.sEncryptAlgorithmName);
            same_key(&s);
            if (!dce) {
                all_messages(&s);
            }
            parts(&s);
            end(&s);
        }
        setenv("KRB5_CONFIG", before, 1);
    }
    free(before);
}

/* ---------------------------------------------------------------- channel bindings */

static void bindings(void **state)
{
    bool client = is_client(state);
    static const struct {
        char ours, theirs;
        ULONG request;
        bool as_client, as_server; /* does it come about? */
    } cases[] = {
        {0, 0, 0, true, true},
        {1, 1, 0, true, true},
        {1, 2, 0, false, false},
        {1, 0, 0, true, false}, /* MIT's server does not mind; ours has bindings and insists */
        {0, 1, 0, false,
         true}, /* a server without bindings compares nothing; ours says that it knows of them, and has none */
        {1, 0, ASC_REQ_ALLOW_MISSING_BINDINGS, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session s;
        begin(&s, client);
        s.sspi_bindings = cases[i].ours;
        s.gss_bindings = cases[i].theirs;
        s.request |= client ? 0 : cases[i].request;
        exchange(&s);
        bool came = s.status == SEC_E_OK && s.gss_major == GSS_S_COMPLETE;
        assert_int_equal(came, client ? cases[i].as_client : cases[i].as_server);
        if (!client && !came) {
            assert_int_equal(s.status, SEC_E_BAD_BINDINGS);
        }
        if (client && cases[i].ours != 0 && cases[i].ours == cases[i].theirs) {
            assert_true((s.gss_flags & GSS_C_CHANNEL_BOUND_FLAG) != 0);
        }
        end(&s);
    }
}

/* Whether a client without bindings could have had some (KERB_AP_OPTIONS_CBT, MS-KILE 3.2.5.8): krb5.conf tells MIT's to say so, and
 * ours not to. */
static void bindings_awareness(void **state)
{
    bool client = is_client(state);
    for (int aware = 0; aware < 2; aware++) {
        char path[256];
        struct session s;
        char *before = strdup(getenv("KRB5_CONFIG"));
        (void)snprintf(path, sizeof path, "%s/krb5-%s.conf", getenv("REALM_DIRECTORY"),
                       aware != 0 ? "aware" : "unaware");
        setenv("KRB5_CONFIG", path, 1);
        begin(&s, client);
        s.sspi_bindings = client ? 0 : 1;
        s.gss_bindings = client ? 1 : 0;
        s.request |= client ? 0 : ASC_REQ_ALLOW_MISSING_BINDINGS;
        exchange(&s);
        bool came = s.status == SEC_E_OK && s.gss_major == GSS_S_COMPLETE;
        assert_int_equal(came, aware == 0);
        assert_true(client || came || s.status == SEC_E_BAD_BINDINGS);
        end(&s);
        setenv("KRB5_CONFIG", before, 1);
        free(before);
    }
}

/* ---------------------------------------------------------------- delegation */

static void delegation(void **state)
{
    struct session s;
    bool client = is_client(state);
    for (int trusted = 0; trusted < 2; trusted++) {
        begin(&s, client);
        s.target = trusted ? "HTTP/delegate.sspi.test" : SERVICE;
        s.request |= client ? ISC_REQ_DELEGATE : 0;
        s.gss_request |= GSS_C_DELEG_POLICY_FLAG;
        establish(&s);
        assert_int_equal((s.flags & ISC_RET_DELEGATE) != 0, trusted);
        if (client) {
            assert_int_equal(s.gss_delegated != GSS_C_NO_CREDENTIAL, trusted);
        } else if (trusted) { /* our server goes on to another service as alice */
            CredHandle credential;
            CtxtHandle context;
            unsigned char answer[TOKEN_MAX];
            SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
            SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
            ULONG flags;
            SecPkgContext_NativeNamesA names;
            char *before = strdup(getenv("KRB5CCNAME"));
            setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1); /* it has no tickets of its own */
            assert_status(ImpersonateSecurityContext(&s.context), SEC_E_OK);
            assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL,
                                                    NULL, &credential, NULL),
                          SEC_E_OK);
            assert_status(RevertSecurityContext(&s.context), SEC_E_OK);
            assert_status(InitializeSecurityContextA(&credential, NULL, text("host/server.sspi.test"), 0, 0, 0, NULL, 0,
                                                     &context, &output, &flags, NULL),
                          SEC_E_OK);
            assert_status(QueryContextAttributesA(&context, SECPKG_ATTR_NATIVE_NAMES, &names), SEC_E_OK);
            assert_string_equal(names.sClientName, "alice@SSPI.TEST");
            FreeContextBuffer(names.sClientName);
            FreeContextBuffer(names.sServerName);
            DeleteSecurityContext(&context);
            FreeCredentialsHandle(&credential);
            setenv("KRB5CCNAME", before, 1);
            free(before);
        }
        end(&s);
    }
}

static void assert_name(EXTENDED_NAME_FORMAT format, const char *expected)
{
    char name[64] = "";
    ULONG size = sizeof name;
    assert_true(GetUserNameExA(format, name, &size));
    assert_string_equal(name, expected);
}

/* The names of a client whose realm has no directory: the ticket tells them, and who asks for another form of them later, as
 * PostgreSQL does, is told what the ticket said. */
static void names_of_a_client(void **state)
{
    struct session s;
    char name[64] = "";
    ULONG size = sizeof name;
    begin(&s, false);
    establish(&s);
    assert_name(NameUserPrincipal, "alice@SSPI.TEST"); /* this process has her tickets, too */
    assert_name(NameDnsDomain, "sspi.test\\alice");
    assert_status(ImpersonateSecurityContext(&s.context), SEC_E_OK);
    assert_name(NameUserPrincipal, "alice@SSPI.TEST");
    assert_name(NameDnsDomain, "SSPI.TEST\\alice");
    assert_status(RevertSecurityContext(&s.context), SEC_E_OK);
    assert_true(TranslateNameA("SSPI.TEST\\alice", NameSamCompatible, NameUserPrincipal, name, &size));
    assert_string_equal(name, "alice@SSPI.TEST");
    size = sizeof name;
    assert_true(TranslateNameA("alice@SSPI.TEST", NameUserPrincipal, NameSamCompatible, name, &size));
    assert_string_equal(name, "SSPI.TEST\\alice");
    assert_false(TranslateNameA("SSPI.TEST\\mallory", NameSamCompatible, NameUserPrincipal, name, &size));
    assert_int_equal(GetLastError(), ERROR_NO_SUCH_DOMAIN);
    end(&s);
}

/* A server that impersonates a client without forwarded credentials does not get its own. */
static void impersonation(void **state)
{
    struct session s;
    CredHandle credential;
    char name[64];
    ULONG size = sizeof name;
    (void)state;
    begin(&s, false);
    establish(&s);
    assert_status(ImpersonateSecurityContext(&s.context), SEC_E_OK);
    assert_true(GetUserNameExA(NameSamCompatible, name, &size));
    assert_string_equal(name, "SSPI.TEST\\alice");
    assert_status(AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_status(RevertSecurityContext(&s.context), SEC_E_OK);
    end(&s);
}

/* ---------------------------------------------------------------- SPNEGO */

static void spnego(void **state)
{
    struct session s;
    SecPkgContext_NegotiationInfoA info;
    begin(&s, is_client(state));
    s.package = "Negotiate";
    s.mechanism = &spnego_mechanism;
    establish(&s);
    assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Kerberos");
    assert_int_equal(info.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    FreeContextBuffer(info.PackageInfo);
    same_key(&s);
    same_names(&s);
    all_messages(&s);
    parts(&s);
    end(&s);
}

/* ---------------------------------------------------------------- export */

static void exported(void **state)
{
    struct session s;
    SecBuffer packed = {0};
    CtxtHandle moved;
    begin(&s, is_client(state));
    establish(&s);
    all_messages(&s);
    assert_status(ExportSecurityContext(&s.context, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
    assert_status(ImportSecurityContextA(text("Kerberos"), &packed, NULL, &moved), SEC_E_OK);
    s.context = moved;
    FreeContextBuffer(packed.pvBuffer);
    same_key(&s);
    same_names(&s);
    all_messages(&s);
    end(&s);
}

/* ---------------------------------------------------------------- sequence and replay */

static void seal_at_theirs(struct session *s, gss_buffer_desc *out)
{
    OM_uint32 minor = 0;
    int conf = 0;
    gss_buffer_desc in = {5, text("hello")};
    gss_ok(gss_wrap(&minor, s->gss_context, 1, GSS_C_QOP_DEFAULT, &in, &conf, out), minor, "gss_wrap");
}

static SECURITY_STATUS open_copy(struct session *s, const gss_buffer_desc *token)
{
    unsigned char copy[256];
    memcpy(copy, token->value, token->length);
    SecBuffer at[2] = {{(ULONG)token->length, SECBUFFER_STREAM, copy}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    return DecryptMessage(&s->context, &all, 0, NULL);
}

static void order(void **state)
{
    static const struct {
        ULONG drop;
        OM_uint32 gss_drop;
        SECURITY_STATUS gap, late, twice;
    } cases[] = {
        {0, 0, SEC_E_OUT_OF_SEQUENCE, SEC_E_OK, SEC_E_OUT_OF_SEQUENCE},
        {ISC_REQ_SEQUENCE_DETECT, GSS_C_SEQUENCE_FLAG, SEC_E_OK, SEC_E_OK, SEC_E_OUT_OF_SEQUENCE},
        {ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT, GSS_C_SEQUENCE_FLAG | GSS_C_REPLAY_FLAG, SEC_E_OK, SEC_E_OK,
         SEC_E_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session s;
        OM_uint32 minor = 0;
        gss_buffer_desc one = GSS_C_EMPTY_BUFFER, two = GSS_C_EMPTY_BUFFER;
        begin(&s, is_client(state));
        s.request &= ~cases[i].drop;
        s.gss_request &= ~cases[i].gss_drop;
        establish(&s);
        seal_at_theirs(&s, &one);
        seal_at_theirs(&s, &two);
        assert_status(open_copy(&s, &two), cases[i].gap);
        assert_status(open_copy(&s, &one), cases[i].late);
        assert_status(open_copy(&s, &one), cases[i].twice);
        gss_release_buffer(&minor, &one);
        gss_release_buffer(&minor, &two);
        end(&s);
    }
}

/* An AP-REQ that was seen before is refused, and MIT's client is told why. */
static void replayed_request(void **state)
{
    struct session s;
    CtxtHandle again;
    unsigned char copy[TOKEN_MAX], answer[TOKEN_MAX];
    (void)state;
    begin(&s, false);
    acquire(&s);
    gss_step(&s);
    size_t size = s.size;
    memcpy(copy, s.token, size);
    sspi_step(&s);
    assert_status(s.status, SEC_E_OK);
    SecBuffer in = {(ULONG)size, SECBUFFER_TOKEN, copy}, out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
    ULONG flags;
    assert_status(
        AcceptSecurityContext(&s.credential, NULL, &input, ASC_REQ_EXTENDED_ERROR, 0, &again, &output, &flags, NULL),
        SEC_E_LOGON_DENIED);
    memcpy(s.token, answer, out.cbBuffer);
    s.size = out.cbBuffer;
    gss_step(&s);
    assert_true(GSS_ERROR(s.gss_major));
    assert_int_equal(s.gss_minor, (OM_uint32)KRB5KRB_AP_ERR_REPEAT);
    end(&s);
}

/* MIT's server says in a KRB-ERROR that bindings differ; ours hears it. */
static void error_tokens(void **state)
{
    struct session s;
    (void)state;
    begin(&s, true);
    s.sspi_bindings = 1;
    s.gss_bindings = 2;
    s.request |= ISC_REQ_EXTENDED_ERROR;
    acquire(&s);
    sspi_step(&s);
    assert_status(s.status, SEC_I_CONTINUE_NEEDED);
    gss_step(&s);
    assert_true(GSS_ERROR(s.gss_major));
    assert_int_not_equal(s.size, 0);
    sspi_step(&s);
    assert_true(s.status < 0);
    assert_non_null(SspiExtLastReason(NULL));
    sspi_step(&s);
    assert_status(s.status, SEC_E_OUT_OF_SEQUENCE);
    end(&s);
}

/* ---------------------------------------------------------------- attributes */

#define NEVER SEC_E_UNSUPPORTED_FUNCTION
#define LATER SEC_E_INVALID_HANDLE

/* What there is on a client that is not through, on one that is, and on a server; and which words of the answer point at blocks of
 * their own (1: the first, 2: the second). */
static const struct {
    ULONG attribute;
    SECURITY_STATUS early, client, server;
    unsigned blocks;
} matrix[] = {
    {SECPKG_ATTR_SIZES, SEC_E_OK, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_NAMES, LATER, SEC_E_OK, SEC_E_OK, 1},
    {SECPKG_ATTR_LIFESPAN, LATER, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_DCE_INFO, LATER, SEC_E_OK, SEC_E_OK, 2},
    {SECPKG_ATTR_STREAM_SIZES, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_KEY_INFO, LATER, SEC_E_OK, SEC_E_OK, 1 | 2},
    {SECPKG_ATTR_AUTHORITY, LATER, SEC_E_OK, SEC_E_OK, 1},
    {SECPKG_ATTR_PROTO_INFO, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_PASSWORD_EXPIRY, LATER, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_SESSION_KEY, LATER, SEC_E_OK, SEC_E_OK, 2},
    {SECPKG_ATTR_PACKAGE_INFO, SEC_E_OK, SEC_E_OK, SEC_E_OK, 1},
    {SECPKG_ATTR_USER_FLAGS, LATER, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_NEGOTIATION_INFO, SEC_E_OK, SEC_E_OK, SEC_E_OK, 1},
    {SECPKG_ATTR_NATIVE_NAMES, LATER, SEC_E_OK, SEC_E_OK, 1 | 2},
    {SECPKG_ATTR_FLAGS, LATER, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_TARGET_INFORMATION, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_ACCESS_TOKEN, SEC_E_NO_IMPERSONATION, SEC_E_NO_IMPERSONATION, SEC_E_OK, 0},
    {SECPKG_ATTR_LOGOFF_TIME, LATER, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_UNIQUE_BINDINGS, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_ENDPOINT_BINDINGS, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, LATER, NEVER, SEC_E_OK, 1},
    {SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS, SEC_E_OK, SEC_E_OK, SEC_E_OK, 0},
    {SECPKG_ATTR_NEGO_STATUS, NEVER, NEVER, NEVER, 0},
    {SECPKG_ATTR_SUBJECT_SECURITY_ATTRIBUTES, NEVER, NEVER, NEVER, 0},
    {124, NEVER, NEVER, NEVER, 0},  /* what the documentation calls that one */
    {0x53, NEVER, NEVER, NEVER, 0}, /* REMOTE_CERT_CONTEXT, CONNECTION_INFO: Schannel's */
    {0x5a, NEVER, NEVER, NEVER, 0},
    {0x7fffffff, NEVER, NEVER, NEVER, 0},
};

/* Outputs are written on success alone. */
static void ask(struct session *s, size_t i, SECURITY_STATUS expected)
{
    void *value[16] = {NULL};
    assert_status(QueryContextAttributesW(&s->context, matrix[i].attribute, value), expected);
    assert_true(expected == SEC_E_OK || (value[0] == NULL && value[1] == NULL));
    for (unsigned word = 0; word < 2 && expected == SEC_E_OK; word++) {
        if ((matrix[i].blocks >> word & 1) != 0) {
            assert_non_null(value[word]);
            assert_status(FreeContextBuffer(value[word]), SEC_E_OK);
        }
    }
}

static void attributes(void **state)
{
    struct session s;
    begin(&s, is_client(state));
    acquire(&s);
    if (s.sspi_is_client) {
        sspi_step(&s);
        for (size_t i = 0; i < sizeof matrix / sizeof matrix[0]; i++) {
            ask(&s, i, matrix[i].early);
        }
        end(&s);
        begin(&s, true);
        acquire(&s);
    }
    exchange(&s);
    for (size_t i = 0; i < sizeof matrix / sizeof matrix[0]; i++) {
        ask(&s, i, s.sspi_is_client ? matrix[i].client : matrix[i].server);
    }
    end(&s);
}

int main(void)
{
    static const bool client = true, server = false;
#define BOTH(test)                                                                                                     \
    {"ours is the client: " #test, test, NULL, NULL, (void *)(uintptr_t)&client},                                      \
    {                                                                                                                  \
        "ours is the server: " #test, test, NULL, NULL, (void *)(uintptr_t)&server                                     \
    }
    const struct CMUnitTest tests[] = {BOTH(ordinary),
                                       BOTH(one_way),
                                       BOTH(dce_style),
                                       BOTH(every_type),
                                       BOTH(bindings),
                                       BOTH(bindings_awareness),
                                       BOTH(delegation),
                                       BOTH(spnego),
                                       BOTH(exported),
                                       BOTH(order),
                                       BOTH(attributes),
                                       cmocka_unit_test(impersonation),
                                       cmocka_unit_test(names_of_a_client),
                                       cmocka_unit_test(replayed_request),
                                       cmocka_unit_test(error_tokens)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
