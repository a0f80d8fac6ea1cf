/* The Kerberos package against MIT's GSSAPI, each as client and as server, within a throw-away realm (tests/support/realm.py
 * runs this program). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <uchar.h>
#include <unistd.h>

#include <cmocka.h>

#include <krb5.h>
#include <pthread.h>

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#define SECURITY_WIN32
#include <security.h>

#include <ntsecapi.h>

#include <secext.h>
#include <sspi_ext.h>

#define TOKEN_MAX 16384
#define SEALED                                                                                                         \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT)
#define GSS_SEALED (GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)
#define SERVICE    "HTTP/server.sspi.test"

static gss_OID_desc krb5_mechanism = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc spnego_mechanism = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};

struct session {
    bool sspi_is_client;
    const char *target;
    const char *package;
    ULONG request; /* ISC_REQ_* or ASC_REQ_* */
    OM_uint32 gss_request;
    char sspi_bindings, gss_bindings; /* what the bound channel's hash is made of; 0: none */
    SEC_WINNT_AUTH_IDENTITY_A *identity;
    gss_OID mechanism;

    CredHandle credential;
    CtxtHandle context;
    ULONG flags;
    SECURITY_STATUS status;
    gss_cred_id_t gss_credential, gss_delegated;
    gss_ctx_id_t gss_context;
    gss_name_t gss_source;
    OM_uint32 gss_flags, gss_major, gss_minor;
    unsigned char token[TOKEN_MAX];
    size_t size;
    int legs;
};

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static const char *reason(void)
{
    const char *why = SspiExtLastReason(NULL);
    return why != NULL ? why : "";
}

#define assert_status(call, expected)                                                                                  \
    do {                                                                                                               \
        SECURITY_STATUS got_ = (call);                                                                                 \
        if (got_ != (expected)) {                                                                                      \
            print_message("# %s: %08x, %s\n", #call, (unsigned)got_, reason());                                        \
        }                                                                                                              \
        assert_int_equal(got_, (expected));                                                                            \
    } while (0)

static void gss_ok(OM_uint32 major, OM_uint32 minor, const char *call)
{
    if (GSS_ERROR(major)) {
        OM_uint32 ignored, context = 0;
        gss_buffer_desc words = GSS_C_EMPTY_BUFFER;
        (void)gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &krb5_mechanism, &context, &words);
        print_message("# %s: %08x %.*s\n", call, major, (int)words.length, (char *)words.value);
        (void)gss_release_buffer(&ignored, &words);
    }
    assert_false(GSS_ERROR(major));
}

static void begin(struct session *s, bool sspi_is_client)
{
    memset(s, 0, sizeof *s);
    SecInvalidateHandle(&s->credential);
    SecInvalidateHandle(&s->context);
    s->sspi_is_client = sspi_is_client;
    s->target = SERVICE;
    s->package = "Kerberos";
    s->mechanism = &krb5_mechanism;
    s->request = sspi_is_client ? SEALED : 0;
    s->gss_request = GSS_SEALED;
}

static void end(struct session *s)
{
    OM_uint32 minor = 0;
    gss_delete_sec_context(&minor, &s->gss_context, GSS_C_NO_BUFFER);
    gss_release_cred(&minor, &s->gss_credential);
    gss_release_cred(&minor, &s->gss_delegated);
    gss_release_name(&minor, &s->gss_source);
    if (SecIsValidHandle(&s->context)) {
        assert_int_equal(DeleteSecurityContext(&s->context), SEC_E_OK);
    }
    if (SecIsValidHandle(&s->credential)) {
        assert_int_equal(FreeCredentialsHandle(&s->credential), SEC_E_OK);
    }
}

static void acquire(struct session *s)
{
    OM_uint32 minor = 0;
    gss_OID_set_desc mechanisms = {1, s->mechanism};
    ULONG use = s->sspi_is_client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND;
    assert_status(
        AcquireCredentialsHandleA(NULL, text(s->package), use, NULL, s->identity, NULL, NULL, &s->credential, NULL),
        SEC_E_OK);
    OM_uint32 major =
        gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechanisms, s->sspi_is_client ? GSS_C_ACCEPT : GSS_C_INITIATE,
                         &s->gss_credential, NULL, NULL);
    gss_ok(major, minor, "gss_acquire_cred");
    if (s->mechanism == &spnego_mechanism) {
        gss_OID_set_desc krb5 = {1, &krb5_mechanism};
        assert_int_equal(gss_set_neg_mechs(&minor, s->gss_credential, &krb5), GSS_S_COMPLETE);
    }
}

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

static void sspi_step(struct session *s)
{
    static unsigned char answer[TOKEN_MAX];
    struct bindings bindings;
    bool first = !SecIsValidHandle(&s->context);
    bindings_make(&bindings, s->sspi_bindings);
    SecBuffer in[2] = {{(ULONG)s->size, SECBUFFER_TOKEN, s->token},
                       {sizeof bindings.header + sizeof bindings.data, SECBUFFER_CHANNEL_BINDINGS, &bindings}};
    SecBufferDesc input = {SECBUFFER_VERSION, s->sspi_bindings != 0 ? 2 : 1, in};
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    if (s->sspi_is_client) {
        s->status = InitializeSecurityContextA(
            &s->credential, first ? NULL : &s->context, text(s->target), s->request, 0, SECURITY_NATIVE_DREP,
            s->size == 0 && s->sspi_bindings == 0 ? NULL : &input, 0, &s->context, &output, &s->flags, NULL);
    } else {
        s->status = AcceptSecurityContext(&s->credential, first ? NULL : &s->context, &input, s->request,
                                          SECURITY_NATIVE_DREP, &s->context, &output, &s->flags, NULL);
    }
    bool has_token = s->status >= 0 || out.cbBuffer < sizeof answer;
    s->size = has_token ? out.cbBuffer : 0;
    memcpy(s->token, answer, s->size);
}

static void gss_step(struct session *s)
{
    OM_uint32 ignored;
    gss_buffer_desc in = {s->size, s->token}, out = GSS_C_EMPTY_BUFFER;
    struct bindings data;
    bindings_make(&data, s->gss_bindings);
    struct gss_channel_bindings_struct bindings = {.application_data = {sizeof data.data, data.data}};
    gss_channel_bindings_t bound = s->gss_bindings != 0 ? &bindings : GSS_C_NO_CHANNEL_BINDINGS;
    if (s->sspi_is_client) {
        s->gss_major = gss_accept_sec_context(&s->gss_minor, &s->gss_context, s->gss_credential, &in, bound,
                                              &s->gss_source, NULL, &out, &s->gss_flags, NULL, &s->gss_delegated);
    } else {
        gss_name_t target = GSS_C_NO_NAME;
        gss_buffer_desc name = {strlen(s->target), text(s->target)};
        assert_int_equal(gss_import_name(&ignored, &name, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &target),
                         GSS_S_COMPLETE);
        s->gss_major = gss_init_sec_context(&s->gss_minor, s->gss_credential, &s->gss_context, target, s->mechanism,
                                            s->gss_request, 0, bound, s->size != 0 ? &in : GSS_C_NO_BUFFER, NULL, &out,
                                            &s->gss_flags, NULL);
        gss_release_name(&ignored, &target);
    }
    assert_true(out.length <= sizeof s->token);
    s->size = out.length;
    if (out.length != 0) {
        memcpy(s->token, out.value, out.length);
    }
    gss_release_buffer(&ignored, &out);
}

/* Until both are done, or one of them refuses. */
static void exchange(struct session *s)
{
    bool sspi_turn = s->sspi_is_client;
    s->status = SEC_I_CONTINUE_NEEDED;
    s->gss_major = GSS_S_CONTINUE_NEEDED;
    acquire(s);
    for (s->legs = 0; s->legs < 8; sspi_turn = !sspi_turn) {
        sspi_turn ? sspi_step(s) : gss_step(s);
        bool refused = s->status < 0 || GSS_ERROR(s->gss_major);
        bool over = s->status == SEC_E_OK && s->gss_major == GSS_S_COMPLETE;
        s->legs += s->size != 0 ? 1 : 0;
        if (refused || (over && s->size == 0)) {
            return;
        }
    }
}

static void establish(struct session *s)
{
    exchange(s);
    if (s->status != SEC_E_OK) {
        print_message("# our side: %08x, %s\n", (unsigned)s->status, reason());
    }
    gss_ok(s->gss_major, s->gss_minor, "their side");
    assert_int_equal(s->status, SEC_E_OK);
    assert_int_equal(s->gss_major, GSS_S_COMPLETE);
}

static bool is_client(void **state)
{
    return **(const bool **)state;
}

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
                                       cmocka_unit_test(impersonation),
                                       cmocka_unit_test(replayed_request),
                                       cmocka_unit_test(error_tokens),
                                       cmocka_unit_test(passwords),
                                       cmocka_unit_test(user_to_user),
                                       cmocka_unit_test(new_password),
                                       cmocka_unit_test(ticket_cache),
                                       cmocka_unit_test(changing_cache),
                                       cmocka_unit_test(dead_kdc),
                                       cmocka_unit_test(clock_skew),
                                       cmocka_unit_test(threads),
                                       cmocka_unit_test(rotation)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
