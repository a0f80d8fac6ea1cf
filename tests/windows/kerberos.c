/* The rules that Kerberos is in, within a realm of their own (tests/support/realm.py) and with MIT's GSSAPI at the other end. */
#include "interop/kerberos_session.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static CredHandle kerberos(const char *package, void *identity)
{
    CredHandle out;
    assert_status(
        AcquireCredentialsHandleA(NULL, text(package), SECPKG_CRED_OUTBOUND, NULL, identity, NULL, NULL, &out, NULL),
        SEC_E_OK);
    return out;
}

/* One first leg, and what it says. */
static SECURITY_STATUS first_leg(CredHandle *credential, const char *target, ULONG flags, SecBufferDesc *input,
                                 unsigned char *out, ULONG *size, TimeStamp *expiry)
{
    CtxtHandle context;
    SecBuffer token = {TOKEN_MAX, SECBUFFER_TOKEN, out};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    SECURITY_STATUS status = InitializeSecurityContextA(credential, NULL, text(target), flags, 0, SECURITY_NATIVE_DREP,
                                                        input, 0, &context, &output, &attributes, expiry);
    *size = status >= 0 ? token.cbBuffer : 0;
    if (status >= 0) {
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    return status;
}

/* curl: one leg without mutual authentication; with it a second one, into another variable, whose token is empty. */
static void rule_10_33_mutual_authentication_as_curl(void **state)
{
    static unsigned char answer[TOKEN_MAX];
    for (int mutual = 0; mutual < 2; mutual++) {
        struct session s;
        begin(&s, true);
        s.request = mutual ? ISC_REQ_MUTUAL_AUTH : 0;
        s.gss_major = GSS_S_CONTINUE_NEEDED;
        acquire(&s);
        sspi_step(&s);
        assert_status(s.status, mutual ? SEC_I_CONTINUE_NEEDED : SEC_E_OK);
        gss_step(&s);
        gss_ok(s.gss_major, s.gss_minor, "gss_accept_sec_context");
        if (mutual) {
            CtxtHandle another;
            memset(&another, 0xcc, sizeof another);
            SecBuffer in = {(ULONG)s.size, SECBUFFER_TOKEN, s.token}, out = {sizeof answer, SECBUFFER_TOKEN, answer};
            SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
            assert_status(InitializeSecurityContextA(&s.credential, &s.context, text(s.target), s.request, 0, 0, &input,
                                                     0, &another, &output, &s.flags, NULL),
                          SEC_E_OK);
            assert_int_equal(out.cbBuffer, 0);
            assert_memory_equal(&another, &s.context, sizeof another);
        }
        end(&s);
    }
}

/* PuTTY and SIPE make UTC of it: the end of the ticket, as a clock on the wall shows it, here one five hours ahead. */
static void rule_17_local_time(void **state)
{
    static unsigned char token[TOKEN_MAX];
    struct session s;
    OM_uint32 minor, lifetime = 0;
    ULONG size;
    TimeStamp expiry = {.QuadPart = 0};
    begin(&s, true);
    establish(&s);
    assert_int_equal(gss_context_time(&minor, s.gss_context, &lifetime), GSS_S_COMPLETE);
    setenv("TZ", "EAST-5", 1);
    tzset();
    CredHandle credential = kerberos("Kerberos", NULL);
    assert_true(first_leg(&credential, SERVICE, 0, NULL, token, &size, &expiry) >= 0);
    int64_t ends = (int64_t)time(NULL) + lifetime - 300, told = expiry.QuadPart / 10000000 - INT64_C(11644473600);
    /* MIT's acceptors add the five minutes that clocks may differ by */
    assert_true(llabs(told - (ends + 5 * 3600)) <= 30);
    unsetenv("TZ");
    tzset();
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    end(&s);
}

/* The other side's wrapped list of layers, and our wrapped answer: curl's, mongo's and librdkafka's SASL GSSAPI.  Nothing but
 * mutual authentication was asked for, or nothing at all. */
static void rule_18_47_48_51_sasl_as_curl_and_mongo(void **state)
{
    static const ULONG requests[] = {ISC_REQ_MUTUAL_AUTH, 0};
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct session s;
        OM_uint32 minor;
        SecPkgContext_Sizes sizes;
        int encrypted = 1;
        begin(&s, true);
        s.request = requests[i];
        establish(&s);
        assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
        for (int conf = 0; conf < 2; conf++) {
            gss_buffer_desc layers = {4, (char[]){7, 0, 16, 0}}, wrapped = GSS_C_EMPTY_BUFFER;
            gss_ok(gss_wrap(&minor, s.gss_context, conf, GSS_C_QOP_DEFAULT, &layers, NULL, &wrapped), minor,
                   "gss_wrap");
            unsigned char *stream = malloc(wrapped.length);
            memcpy(stream, wrapped.value, wrapped.length);
            SecBuffer in[2] = {{(ULONG)wrapped.length, SECBUFFER_STREAM, stream}, {0, SECBUFFER_DATA, NULL}};
            SecBufferDesc received = {SECBUFFER_VERSION, 2, in};
            ULONG qop = 0x55555555;
            assert_status(DecryptMessage(&s.context, &received, 0, &qop), SEC_E_OK);
            assert_int_equal(qop, conf ? 0 : SECQOP_WRAP_NO_ENCRYPT);
            assert_ptr_equal(in[0].pvBuffer, stream);
            assert_int_equal(in[1].cbBuffer, 4);
            assert_true((unsigned char *)in[1].pvBuffer > stream &&
                        (unsigned char *)in[1].pvBuffer + 4 <= stream + wrapped.length);
            assert_memory_equal(in[1].pvBuffer, "\7\0\20\0", 4);
            free(stream);
            gss_release_buffer(&minor, &wrapped);
        }
        unsigned char *trailer = malloc(sizes.cbSecurityTrailer), *data = malloc(9),
                      *padding = malloc(sizes.cbBlockSize);
        memcpy(data, "\1\0\0\0alice", 9);
        SecBuffer out[3] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, trailer},
                            {9, SECBUFFER_DATA, data},
                            {sizes.cbBlockSize, SECBUFFER_PADDING, padding}};
        SecBufferDesc answer = {SECBUFFER_VERSION, 3, out};
        assert_status(EncryptMessage(&s.context, SECQOP_WRAP_NO_ENCRYPT, &answer, 0), SEC_E_OK);
        assert_int_equal(out[1].cbBuffer, 9);
        unsigned char whole[256];
        size_t size = 0;
        for (int part = 0; part < 3; part++) {
            memcpy(whole + size, out[part].pvBuffer, out[part].cbBuffer);
            size += out[part].cbBuffer;
        }
        gss_buffer_desc token = {size, whole}, plain = GSS_C_EMPTY_BUFFER;
        gss_ok(gss_unwrap(&minor, s.gss_context, &token, &plain, &encrypted, NULL), minor, "gss_unwrap");
        assert_int_equal(encrypted, 0);
        assert_int_equal(plain.length, 9);
        assert_memory_equal(plain.value, "\1\0\0\0alice", 9);
        gss_release_buffer(&minor, &plain);
        free(trailer);
        free(data);
        free(padding);
        end(&s);
    }
}

static void rule_24_flags_tell_the_truth(void **state)
{
    static const struct {
        ULONG ours;
        OM_uint32 theirs;
    } flags[] = {{ISC_RET_DELEGATE, GSS_C_DELEG_FLAG},       {ISC_RET_MUTUAL_AUTH, GSS_C_MUTUAL_FLAG},
                 {ISC_RET_REPLAY_DETECT, GSS_C_REPLAY_FLAG}, {ISC_RET_SEQUENCE_DETECT, GSS_C_SEQUENCE_FLAG},
                 {ISC_RET_CONFIDENTIALITY, GSS_C_CONF_FLAG}, {ISC_RET_INTEGRITY, GSS_C_INTEG_FLAG}};
    static const ULONG requests[] = {SEALED, ISC_REQ_MUTUAL_AUTH, SEALED | ISC_REQ_DELEGATE};
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct session s;
        begin(&s, true);
        s.request = requests[i];
        s.target = i == 2 ? "HTTP/delegate.sspi.test" : SERVICE;
        establish(&s);
        for (size_t j = 0; j < COUNT(flags); j++) {
            assert_int_equal((s.flags & flags[j].ours) != 0, (s.gss_flags & flags[j].theirs) != 0);
            assert_true((s.flags & flags[j].ours) != 0 || (requests[i] & flags[j].ours) == 0);
        }
        end(&s);
    }
}

static void rule_25_three_ways_to_say_no_token_yet(void **state)
{
    static unsigned char token[TOKEN_MAX];
    struct {
        SEC_CHANNEL_BINDINGS header;
        char data[53];
    } bindings = {{.cbApplicationDataLength = 53, .dwApplicationDataOffset = sizeof(SEC_CHANNEL_BINDINGS)},
                  "tls-server-end-point:"};
    SecBuffer inputs[2] = {{0, SECBUFFER_TOKEN, NULL}, {85, SECBUFFER_CHANNEL_BINDINGS, &bindings}};
    static const char *const packages[] = {"Kerberos", "Negotiate"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential = kerberos(packages[i], NULL);
        for (int which = 0; which < 3; which++) {
            SecBufferDesc input = {SECBUFFER_VERSION, 1, &inputs[which % 2]};
            ULONG size;
            assert_true(first_leg(&credential, SERVICE, 0, which < 2 ? &input : NULL, token, &size, NULL) >= 0);
            assert_true(size > 100);
        }
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void rule_36_42_curls_negotiate_without_a_user(void **state)
{
    static unsigned char token[TOKEN_MAX];
    SEC_WINNT_AUTH_IDENTITY_EXA nobody = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                          .Length = sizeof nobody,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
                                          .PackageList = (unsigned char *)text("!ntlm"),
                                          .PackageListLength = 5};
    CredHandle handles[3] = {kerberos("Negotiate", &nobody), kerberos("Kerberos", NULL), kerberos("Negotiate", NULL)};
    for (size_t i = 0; i < COUNT(handles); i++) {
        SecPkgCredentials_NamesA names = {NULL};
        ULONG size;
        assert_true(first_leg(&handles[i], SERVICE, ISC_REQ_MUTUAL_AUTH, NULL, token, &size, NULL) >= 0);
        assert_int_equal(token[0], 0x60); /* RFC 2743 3.1 */
        assert_null(memmem(token, size, "NTLMSSP", 7));
        assert_status(QueryCredentialsAttributesA(&handles[i], SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
        assert_non_null(strstr(names.sUserName, "alice"));
        assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
        assert_status(FreeCredentialsHandle(&handles[i]), SEC_E_OK);
    }
}

/* OpenSSH's and MariaDB's principal chooses the key; libgit2 asks for both directions where there is no keytab. */
static void rule_40_41_servers_credentials(void **state)
{
    static unsigned char token[TOKEN_MAX], answer[TOKEN_MAX];
    static const char *const targets[] = {"host/server.sspi.test", "HTTP/server.sspi.test"};
    CredHandle server, client = kerberos("Kerberos", NULL);
    ULONG size, attributes;
    for (size_t i = 0; i < 2 * COUNT(targets); i++) {
        CtxtHandle context;
        assert_status(AcquireCredentialsHandleA(i < 2 ? text(targets[0]) : NULL, text("Kerberos"), SECPKG_CRED_INBOUND,
                                                NULL, NULL, NULL, NULL, &server, NULL),
                      SEC_E_OK);
        assert_status(first_leg(&client, targets[i % 2], 0, NULL, token, &size, NULL), SEC_E_OK);
        SecBuffer in = {size, SECBUFFER_TOKEN, token}, out = {sizeof answer, SECBUFFER_TOKEN, answer};
        SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
        SECURITY_STATUS status =
            AcceptSecurityContext(&server, NULL, &input, 0, 0, &context, &output, &attributes, NULL);
        assert_int_equal(status == SEC_E_OK, i != 1); /* a ticket for HTTP, and the key of host */
        if (status == SEC_E_OK) {
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        }
        assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
    }
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    char *keytab = strdup(getenv("KRB5_KTNAME"));
    setenv("KRB5_KTNAME", "FILE:/nonexistent/keytab", 1);
    assert_status(
        AcquireCredentialsHandleA(NULL, text("Kerberos"), SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &client, NULL),
        SEC_E_OK);
    assert_status(first_leg(&client, SERVICE, 0, NULL, token, &size, NULL), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    setenv("KRB5_KTNAME", keytab, 1);
    free(keytab);
}

static void rule_44_service_names(void **state)
{
    static unsigned char token[TOKEN_MAX];
    static const char *const targets[] = {"HTTP/server.sspi.test", "http/server.sspi.test",
                                          "HTTP/SERVER.sspi.test", "HTTP/server.sspi.test@SSPI.TEST",
                                          "host/server.sspi.test", "HOST/server.sspi.test"};
    CredHandle credential = kerberos("Kerberos", NULL);
    int wrong = 0;
    for (size_t i = 0; i < COUNT(targets); i++) {
        ULONG size;
        SECURITY_STATUS status = first_leg(&credential, targets[i], 0, NULL, token, &size, NULL);
        if (status != SEC_E_OK) {
            print_message("# %s: %08x, %s\n", targets[i], (unsigned)status, reason());
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void rule_46_50_52_messages(void **state)
{
    struct session s;
    OM_uint32 minor;
    SecPkgContext_Sizes sizes;
    unsigned char trailer[128], message[] = "length-prefixed", mic[128], whole[256];
    int encrypted = 0;
    begin(&s, true);
    establish(&s);
    assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_true(sizes.cbBlockSize >= 1 && sizes.cbSecurityTrailer <= sizeof trailer && sizes.cbMaxToken <= 48000);
    SecBuffer sealed[2] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, trailer},
                           {sizeof message, SECBUFFER_DATA, message}};
    SecBufferDesc wrapped = {SECBUFFER_VERSION, 2, sealed};
    assert_status(EncryptMessage(&s.context, 0, &wrapped, 0), SEC_E_OK);
    assert_int_equal(sealed[1].cbBuffer, sizeof message);
    memcpy(whole, trailer, sealed[0].cbBuffer);
    memcpy(whole + sealed[0].cbBuffer, message, sizeof message);
    gss_buffer_desc token = {sealed[0].cbBuffer + sizeof message, whole}, plain = GSS_C_EMPTY_BUFFER;
    gss_ok(gss_unwrap(&minor, s.gss_context, &token, &plain, &encrypted, NULL), minor, "gss_unwrap");
    assert_int_equal(encrypted, 1);
    assert_memory_equal(plain.value, "length-prefixed", sizeof message);
    gss_release_buffer(&minor, &plain);
    memcpy(message, "a signed text..", sizeof message);
    SecBuffer signature[2] = {{sizeof message, SECBUFFER_DATA, message}, {sizes.cbMaxSignature, SECBUFFER_TOKEN, mic}};
    SecBufferDesc signed_message = {SECBUFFER_VERSION, 2, signature};
    assert_status(MakeSignature(&s.context, 0, &signed_message, 0), SEC_E_OK);
    assert_int_equal(signature[1].cbBuffer, sizes.cbMaxSignature); /* OpenSSH sends that many bytes */
    gss_buffer_desc said = {sizeof message, message}, their_mic = {signature[1].cbBuffer, mic};
    gss_ok(gss_verify_mic(&minor, s.gss_context, &said, &their_mic, NULL), minor, "gss_verify_mic");
    their_mic = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
    gss_ok(gss_get_mic(&minor, s.gss_context, GSS_C_QOP_DEFAULT, &said, &their_mic), minor, "gss_get_mic");
    signature[1] = (SecBuffer){(ULONG)their_mic.length, SECBUFFER_TOKEN, their_mic.value};
    message[0] ^= 1;
    assert_status(VerifySignature(&s.context, &signed_message, 0, NULL), SEC_E_MESSAGE_ALTERED);
    message[0] ^= 1;
    assert_status(VerifySignature(&s.context, &signed_message, 0, NULL), SEC_E_OK);
    assert_status(VerifySignature(&s.context, &signed_message, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    gss_release_buffer(&minor, &their_mic);
    end(&s);
}

static void rule_49_two_buffers_are_one_text(void **state)
{
    struct session s;
    OM_uint32 minor;
    unsigned char trailer[128], head[4] = {1, 0, 0, 0}, name[] = "alice@SSPI.TEST", padding[16], whole[256];
    begin(&s, true);
    s.request = ISC_REQ_MUTUAL_AUTH;
    establish(&s);
    SecBuffer parts[4] = {{sizeof trailer, SECBUFFER_TOKEN, trailer},
                          {sizeof head, SECBUFFER_DATA, head},
                          {sizeof name, SECBUFFER_DATA, name},
                          {sizeof padding, SECBUFFER_PADDING, padding}};
    SecBufferDesc wrapped = {SECBUFFER_VERSION, 4, parts};
    assert_status(EncryptMessage(&s.context, SECQOP_WRAP_NO_ENCRYPT, &wrapped, 0), SEC_E_OK);
    size_t size = 0;
    for (int i = 0; i < 4; i++) {
        memcpy(whole + size, parts[i].pvBuffer, parts[i].cbBuffer);
        size += parts[i].cbBuffer;
    }
    gss_buffer_desc token = {size, whole}, plain = GSS_C_EMPTY_BUFFER;
    gss_ok(gss_unwrap(&minor, s.gss_context, &token, &plain, NULL, NULL), minor, "gss_unwrap");
    assert_int_equal(plain.length, 4 + sizeof name);
    assert_memory_equal((char *)plain.value + 4, "alice@SSPI.TEST", sizeof name);
    gss_release_buffer(&minor, &plain);
    end(&s);
}

/* Either side is ours once; the hash is in checksum 0x8003 (RFC 4121 4.1.1). */
static void rule_58_bindings(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct session s;
        begin(&s, i % 2 == 0);
        s.sspi_bindings = 'a';
        s.gss_bindings = i < 2 ? 'a' : 'b';
        exchange(&s);
        assert_int_equal(s.status == SEC_E_OK && s.gss_major == GSS_S_COMPLETE, i < 2);
        end(&s);
    }
}

static void rule_61_62_names(void **state)
{
    struct session s;
    SecPkgContext_NamesA names = {NULL};
    SecPkgContext_NativeNamesA native = {NULL, NULL};
    SecPkgContext_NegotiationInfoA info = {NULL, 0};
    begin(&s, false);
    s.target = "host/server.sspi.test";
    s.package = "Negotiate";
    s.mechanism = &spnego_mechanism;
    establish(&s);
    assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "SSPI.TEST\\alice");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_NATIVE_NAMES, &native), SEC_E_OK);
    assert_string_equal(native.sClientName, "alice@SSPI.TEST");
    assert_memory_equal(native.sServerName, "host/", 5);
    assert_status(FreeContextBuffer(native.sClientName), SEC_E_OK);
    assert_status(FreeContextBuffer(native.sServerName), SEC_E_OK);
    assert_status(QueryContextAttributesA(&s.context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Kerberos");
    assert_status(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    end(&s);
}

/* ---------------------------------------------------------------- what the reference pages say besides (reference.c) */

/* The server is one that the KDC lets delegate; the client has not asked it to prove itself. */
static void delegation_needs_mutual_authentication(void **state)
{
    for (int mutual = 0; mutual < 2; mutual++) {
        struct session s;
        begin(&s, true);
        s.target = "HTTP/delegate.sspi.test";
        s.request = ISC_REQ_DELEGATE | (mutual ? ISC_REQ_MUTUAL_AUTH : 0);
        establish(&s);
        assert_int_equal((s.flags & ISC_RET_DELEGATE) != 0, mutual);
        assert_int_equal(s.gss_delegated != GSS_C_NO_CREDENTIAL, mutual);
        end(&s);
    }
}

/* With both flags nothing protects messages. */
static void no_integrity_outweighs_integrity(void **state)
{
    for (int without = 0; without < 2; without++) {
        struct session s;
        unsigned char message[4] = {0}, mic[64];
        SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {sizeof mic, SECBUFFER_TOKEN, mic}};
        SecBufferDesc signature = {SECBUFFER_VERSION, 2, buffers};
        begin(&s, true);
        s.request = ISC_REQ_INTEGRITY | (without ? ISC_REQ_NO_INTEGRITY : 0);
        establish(&s);
        assert_int_equal((s.flags & ISC_RET_INTEGRITY) != 0, !without);
        assert_int_equal((s.gss_flags & GSS_C_INTEG_FLAG) != 0, !without);
        assert_status(MakeSignature(&s.context, 0, &signature, 0), without ? SEC_E_UNSUPPORTED_FUNCTION : SEC_E_OK);
        end(&s);
    }
}

/* The order of bytes, the reserved arguments and CONNECTION: the call ends as the first one does, and so do its attributes. */
static void arguments_that_change_nothing(void **state)
{
    static const struct {
        ULONG flags, reserved1, representation, reserved2;
    } calls[] = {{0, 0, 0, 0},
                 {0, 0, SECURITY_NATIVE_DREP, 0},
                 {0, 1, 0, 0},
                 {0, 0, 0, 0xffffffff},
                 {ISC_REQ_CONNECTION, 0, SECURITY_NETWORK_DREP, 0}};
    static unsigned char token[TOKEN_MAX];
    CredHandle credential = kerberos("Kerberos", NULL);
    ULONG expected = 0;
    for (size_t i = 0; i < COUNT(calls); i++) {
        CtxtHandle context;
        SecBuffer out = {TOKEN_MAX, SECBUFFER_TOKEN, token};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
        ULONG attributes = 0;
        assert_status(InitializeSecurityContextA(&credential, NULL, text(SERVICE), calls[i].flags, calls[i].reserved1,
                                                 calls[i].representation, NULL, calls[i].reserved2, &context, &output,
                                                 &attributes, NULL),
                      SEC_E_OK);
        expected = i == 0 ? attributes : expected;
        assert_int_equal(attributes, expected | calls[i].flags); /* CONNECTION has one number, asked and returned */
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void nobody_is_asked_for_credentials(void **state)
{
    static unsigned char token[TOKEN_MAX];
    static const char *const packages[] = {"Kerberos", "Negotiate"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential = kerberos(packages[i], NULL);
        ULONG size;
        assert_status(first_leg(&credential, SERVICE, ISC_REQ_PROMPT_FOR_CREDS, NULL, token, &size, NULL),
                      SEC_E_UNSUPPORTED_FUNCTION);
        assert_true(first_leg(&credential, SERVICE, 0, NULL, token, &size, NULL) >= 0);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

/* A Kerberos session has no second exchange: the call is refused, and the session does not mind (divergences.md). */
static void nothing_begins_after_success(void **state)
{
    static const char *const packages[] = {"Kerberos", "Negotiate"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        struct session s;
        unsigned char message[4] = {0}, mic[64];
        SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {sizeof mic, SECBUFFER_TOKEN, mic}};
        SecBufferDesc signature = {SECBUFFER_VERSION, 2, buffers};
        OM_uint32 minor;
        begin(&s, true);
        s.package = packages[i];
        s.mechanism = i == 0 ? &krb5_mechanism : &spnego_mechanism;
        establish(&s);
        s.size = 0;
        sspi_step(&s);
        assert_status(s.status, SEC_E_OUT_OF_SEQUENCE);
        assert_status(MakeSignature(&s.context, 0, &signature, 0), SEC_E_OK);
        gss_buffer_desc said = {sizeof message, message}, their_mic = {buffers[1].cbBuffer, mic};
        gss_ok(gss_verify_mic(&minor, s.gss_context, &said, &their_mic, NULL), minor, "gss_verify_mic");
        end(&s);
    }
}

/* The server's KRB-ERROR in RFC 4121's frame (4.1), short enough for lengths of one byte. */
static void answer_with_error(struct session *s, krb5_error_code code)
{
    static const unsigned char oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03, 0x00};
    krb5_context krb = NULL;
    krb5_error error = {.error = (krb5_ui_4)(code - ERROR_TABLE_BASE_krb5)};
    krb5_data message = {0};
    assert_int_equal(krb5_init_context(&krb), 0);
    assert_int_equal(krb5_us_timeofday(krb, &error.stime, &error.susec), 0);
    assert_int_equal(krb5_parse_name(krb, SERVICE, &error.server), 0);
    assert_int_equal(krb5_mk_error(krb, &error, &message), 0);
    s->size = sizeof oid + message.length;
    assert_true(s->size < 128);
    s->token[0] = 0x60;
    s->token[1] = (unsigned char)s->size;
    memcpy(s->token + 2, oid, sizeof oid);
    memcpy(s->token + 2 + sizeof oid, message.data, message.length);
    s->size += 2;
    krb5_free_data_contents(krb, &message);
    krb5_free_principal(krb, error.server);
    krb5_free_context(krb);
}

/* Whoever got the request is not whom the target names: the ticket is not for him (RFC 4120 3.2.3). */
static void a_server_that_is_another(void **state)
{
    static const krb5_error_code codes[] = {KRB5KRB_AP_ERR_NOT_US, KRB5KRB_AP_ERR_MODIFIED};
    for (size_t i = 0; i < COUNT(codes); i++) {
        struct session s;
        begin(&s, true);
        acquire(&s);
        sspi_step(&s);
        assert_status(s.status, SEC_I_CONTINUE_NEEDED);
        answer_with_error(&s, codes[i]);
        sspi_step(&s);
        assert_status(s.status, SEC_E_WRONG_PRINCIPAL);
        end(&s);
    }
}

static void a_target_that_is_needed(void **state)
{
    static unsigned char token[TOKEN_MAX];
    static const char *const targets[] = {NULL, "", "HTTP/nowhere.sspi.test"};
    CredHandle credential = kerberos("Kerberos", NULL);
    for (size_t i = 0; i < COUNT(targets); i++) {
        ULONG size;
        assert_status(first_leg(&credential, targets[i], 0, NULL, token, &size, NULL), SEC_E_TARGET_UNKNOWN);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* Tokens of other packages in the place of the server's answer. */
static void tokens_of_another_package(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } tokens[] = {{"NTLMSSP\0\2\0\0\0\0\0\0\0\0\0\0\0", 20},
                  {"\xa1\x15\x30\x13\xa0\x03\x0a\x01\x03\xa1\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 23},
                  {"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9},
                  {"realm=\"a\", nonce=\"b\"", 20}};
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct session s;
        begin(&s, true);
        acquire(&s);
        sspi_step(&s);
        assert_status(s.status, SEC_I_CONTINUE_NEEDED);
        memcpy(s.token, tokens[i].bytes, tokens[i].size);
        s.size = tokens[i].size;
        sspi_step(&s);
        assert_status(s.status, SEC_E_INVALID_TOKEN);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_10_33_mutual_authentication_as_curl),
        cmocka_unit_test(rule_17_local_time),
        cmocka_unit_test(rule_18_47_48_51_sasl_as_curl_and_mongo),
        cmocka_unit_test(rule_24_flags_tell_the_truth),
        cmocka_unit_test(rule_25_three_ways_to_say_no_token_yet),
        cmocka_unit_test(rule_36_42_curls_negotiate_without_a_user),
        cmocka_unit_test(rule_40_41_servers_credentials),
        cmocka_unit_test(rule_44_service_names),
        cmocka_unit_test(rule_46_50_52_messages),
        cmocka_unit_test(rule_49_two_buffers_are_one_text),
        cmocka_unit_test(rule_58_bindings),
        cmocka_unit_test(rule_61_62_names),
        cmocka_unit_test(delegation_needs_mutual_authentication),
        cmocka_unit_test(no_integrity_outweighs_integrity),
        cmocka_unit_test(arguments_that_change_nothing),
        cmocka_unit_test(nobody_is_asked_for_credentials),
        cmocka_unit_test(nothing_begins_after_success),
        cmocka_unit_test(a_server_that_is_another),
        cmocka_unit_test(a_target_that_is_needed),
        cmocka_unit_test(tokens_of_another_package),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
