#include "kerberos_session.h"

gss_OID_desc krb5_mechanism = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
gss_OID_desc spnego_mechanism = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};

char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

const char *reason(void)
{
    const char *why = SspiExtLastReason(NULL);
    return why != NULL ? why : "";
}

void gss_ok(OM_uint32 major, OM_uint32 minor, const char *call)
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

void begin(struct session *s, bool sspi_is_client)
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

void end(struct session *s)
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

void acquire(struct session *s)
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

void sspi_step(struct session *s)
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

void gss_step(struct session *s)
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
void exchange(struct session *s)
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

void establish(struct session *s)
{
    exchange(s);
    if (s->status != SEC_E_OK) {
        print_message("# our side: %08x, %s\n", (unsigned)s->status, reason());
    }
    gss_ok(s->gss_major, s->gss_minor, "their side");
    assert_int_equal(s->status, SEC_E_OK);
    assert_int_equal(s->gss_major, GSS_S_COMPLETE);
}

bool is_client(void **state)
{
    return **(const bool **)state;
}
