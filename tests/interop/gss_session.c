#include "gss_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gss_OID_desc ntlm_mechanism = {10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static gss_OID_desc spnego_mechanism = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};
static char directory[64] = "/tmp/sspi-test-XXXXXX";
static char user_file[96];
static char policy_file[96];

const struct person user = {"DOMAIN\\User", "Password", u"User", u"DOMAIN", u"Password", "DOMAIN\\User"};
const struct person wrong = {"DOMAIN\\User", "password", u"User", u"DOMAIN", u"password", NULL};
const struct person nobody = {"DOMAIN\\Nobody", "Password", u"Nobody", u"DOMAIN", u"Password", NULL};
const struct person accented_secret = {"DOMAIN\\Other", "pässwörd€",  u"Other",
                                       u"DOMAIN",       u"pässwörd€", "DOMAIN\\Other"};
const struct person accented = {"DOMAIN\\Zoé-Жук", "pässwörd€", u"Zoé-Жук", u"DOMAIN", u"pässwörd€", "DOMAIN\\Zoé-Жук"};

void session_end(struct session *s)
{
    OM_uint32 minor;
    gss_delete_sec_context(&minor, &s->gss_context, GSS_C_NO_BUFFER);
    gss_release_cred(&minor, &s->gss_credential);
    gss_release_name(&minor, &s->gss_source);
    if (SecIsValidHandle(&s->context)) {
        assert_int_equal(DeleteSecurityContext(&s->context), SEC_E_OK);
    }
    if (SecIsValidHandle(&s->credential)) {
        assert_int_equal(FreeCredentialsHandle(&s->credential), SEC_E_OK);
    }
}

void session_begin(struct session *s, bool sspi_is_client, ULONG request, OM_uint32 gss_flags)
{
    memset(s, 0, sizeof *s);
    SecInvalidateHandle(&s->credential);
    SecInvalidateHandle(&s->context);
    s->sspi_is_client = sspi_is_client;
    s->request = request;
    s->gss_flags = gss_flags;
}

static size_t length16(const char16_t *text)
{
    size_t n = 0;
    while (text[n] != 0) {
        n++;
    }
    return n;
}

static gss_name_t import(const char *text, gss_OID type)
{
    OM_uint32 minor;
    gss_name_t name = GSS_C_NO_NAME;
    gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
    assert_int_equal(gss_import_name(&minor, &buffer, type, &name), GSS_S_COMPLETE);
    return name;
}

/* SPNEGO shall have nothing but NTLM to choose from, whatever else is configured. */
static void ntlm_alone(struct session *s)
{
    OM_uint32 minor;
    gss_OID_set_desc ntlm = {1, &ntlm_mechanism};
    if (s->spnego) {
        assert_int_equal(gss_set_neg_mechs(&minor, s->gss_credential, &ntlm), GSS_S_COMPLETE);
    }
}

void acquire(struct session *s, const struct person *who)
{
    OM_uint32 minor;
    gss_OID_set_desc mechanisms = {1, s->spnego ? &spnego_mechanism : &ntlm_mechanism};
    char *package = (char *)(uintptr_t)(s->package != NULL ? s->package : s->spnego ? "Negotiate" : "NTLM");
    if (s->sspi_is_client) {
        SEC_WINNT_AUTH_IDENTITY_W identity = {(USHORT *)(uintptr_t)who->user,     (ULONG)length16(who->user),
                                              (USHORT *)(uintptr_t)who->domain,   (ULONG)length16(who->domain),
                                              (USHORT *)(uintptr_t)who->password, (ULONG)length16(who->password),
                                              SEC_WINNT_AUTH_IDENTITY_UNICODE};
        assert_int_equal(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                                   &s->credential, NULL),
                         SEC_E_OK);
        assert_int_equal(
            gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechanisms, GSS_C_ACCEPT, &s->gss_credential, NULL, NULL),
            GSS_S_COMPLETE);
        ntlm_alone(s);
        return;
    }
    assert_int_equal(
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &s->credential, NULL),
        SEC_E_OK);
    gss_name_t name = import(who->gss_name, GSS_C_NT_USER_NAME);
    gss_buffer_desc password = {strlen(who->gss_password), (void *)(uintptr_t)who->gss_password};
    assert_int_equal(gss_acquire_cred_with_password(&minor, name, &password, 0, &mechanisms, GSS_C_INITIATE,
                                                    &s->gss_credential, NULL, NULL),
                     GSS_S_COMPLETE);
    gss_release_name(&minor, &name);
    ntlm_alone(s);
    if (s->negotiate != 0) {
        gss_OID_desc option = {11, (void *)"\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x05"};
        gss_buffer_desc value = {sizeof s->negotiate, &s->negotiate};
        assert_int_equal(gss_set_cred_option(&minor, &s->gss_credential, &option, &value), GSS_S_COMPLETE);
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

SECURITY_STATUS sspi_step(struct session *s, bool first)
{
    unsigned char answer[TOKEN_MAX];
    struct bindings bindings;
    bindings_make(&bindings, s->sspi_bindings);
    SecBuffer in[2] = {{(ULONG)s->token_length, SECBUFFER_TOKEN, s->token},
                       {sizeof bindings.header + sizeof bindings.data, SECBUFFER_CHANNEL_BINDINGS, &bindings}};
    SecBufferDesc input = {SECBUFFER_VERSION, s->sspi_bindings != 0 ? 2 : 1, in};
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    SECURITY_STATUS status;
    if (s->sspi_is_client) {
        status = InitializeSecurityContextA(
            &s->credential, first ? NULL : &s->context, (char *)(uintptr_t) "HTTP/server.domain.test", s->request, 0,
            SECURITY_NATIVE_DREP, s->token_length == 0 ? NULL : &input, 0, &s->context, &output, &s->flags, NULL);
    } else {
        status = AcceptSecurityContext(&s->credential, first ? NULL : &s->context, &input, s->request,
                                       SECURITY_NATIVE_DREP, &s->context, &output, &s->flags, NULL);
    }
    s->token_length = 0;
    if (status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED) {
        s->token_length = out.cbBuffer;
        memcpy(s->token, answer, out.cbBuffer);
    }
    return status;
}

OM_uint32 gss_step(struct session *s)
{
    OM_uint32 major, minor;
    gss_buffer_desc in = {s->token_length, s->token}, out = GSS_C_EMPTY_BUFFER;
    struct bindings data;
    bindings_make(&data, s->gss_bindings);
    struct gss_channel_bindings_struct bindings = {.application_data = {sizeof data.data, data.data}};
    gss_channel_bindings_t bound = s->gss_bindings != 0 ? &bindings : GSS_C_NO_CHANNEL_BINDINGS;
    if (s->sspi_is_client) {
        major = gss_accept_sec_context(&minor, &s->gss_context, s->gss_credential, &in, bound, &s->gss_source, NULL,
                                       &out, &s->gss_flags, NULL, NULL);
    } else {
        gss_name_t target = import("HTTP@server.domain.test", GSS_C_NT_HOSTBASED_SERVICE);
        OM_uint32 got = 0, ignored;
        major = gss_init_sec_context(&minor, s->gss_credential, &s->gss_context, target,
                                     s->spnego ? &spnego_mechanism : &ntlm_mechanism, s->gss_flags, 0, bound,
                                     s->token_length != 0 ? &in : GSS_C_NO_BUFFER, NULL, &out, &got, NULL);
        gss_release_name(&ignored, &target);
    }
    assert_true(out.length <= sizeof s->token);
    s->token_length = out.length;
    if (out.length != 0) {
        memcpy(s->token, out.value, out.length);
    }
    gss_release_buffer(&minor, &out);
    return major;
}

struct verdict log_on(struct session *s, const struct person *who)
{
    struct verdict v;
    acquire(s, who);
    if (s->sspi_is_client) {
        assert_int_equal(sspi_step(s, true), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(gss_step(s), GSS_S_CONTINUE_NEEDED);
        v.sspi = sspi_step(s, false);
        assert_int_equal(v.sspi, SEC_E_OK);
        assert_int_not_equal(s->token_length, 0);
        v.gss = gss_step(s);
    } else {
        assert_int_equal(gss_step(s), GSS_S_CONTINUE_NEEDED);
        assert_int_equal(sspi_step(s, true), SEC_I_CONTINUE_NEEDED);
        v.gss = gss_step(s);
        assert_int_equal(v.gss, GSS_S_COMPLETE);
        v.sspi = sspi_step(s, false);
    }
    return v;
}

struct verdict negotiate_on(struct session *s, const struct person *who, bool server_first,
                            void (*spoil)(struct session *s, int leg))
{
    struct verdict v = {SEC_I_CONTINUE_NEEDED, GSS_S_CONTINUE_NEEDED};
    bool sspi_turn = s->sspi_is_client != server_first, first = true;
    acquire(s, who);
    for (int leg = 0; leg < 10; leg++, sspi_turn = !sspi_turn) {
        if (sspi_turn) {
            assert_int_equal(v.sspi, SEC_I_CONTINUE_NEEDED);
            v.sspi = sspi_step(s, first);
            first = false;
        } else {
            assert_int_equal(v.gss, GSS_S_CONTINUE_NEEDED);
            v.gss = gss_step(s);
        }
        bool failed = v.sspi < 0 || GSS_ERROR(v.gss) != 0;
        bool over = v.sspi == SEC_E_OK && v.gss == GSS_S_COMPLETE;
        assert_true(!over || s->token_length == 0);
        if (failed || over) {
            return v;
        }
        assert_int_not_equal(s->token_length, 0);
        if (spoil != NULL) {
            spoil(s, leg);
        }
    }
    return v;
}

struct verdict log_on_datagram(struct session *s, const struct person *who)
{
    struct verdict v;
    acquire(s, who);
    assert_int_equal(gss_step(s), GSS_S_CONTINUE_NEEDED);
    assert_int_equal(s->token_length, 0);
    assert_int_equal(sspi_step(s, true), SEC_I_CONTINUE_NEEDED);
    v.gss = gss_step(s);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
    v.sspi = sspi_step(s, false);
    return v;
}

void session_good(struct session *s, const struct person *who, bool sspi_is_client, ULONG request, OM_uint32 flags)
{
    session_begin(s, sspi_is_client, request, flags);
    struct verdict v = log_on(s, who);
    assert_int_equal(v.sspi, SEC_E_OK);
    assert_int_equal(v.gss, GSS_S_COMPLETE);
}

static void write_file(char *path, size_t size, const char *name, const char *text)
{
    snprintf(path, size, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

bool mechanism_present(void)
{
    OM_uint32 minor;
    gss_OID_set all = GSS_C_NO_OID_SET;
    int present = 0;
    if (gss_indicate_mechs(&minor, &all) != GSS_S_COMPLETE) {
        return false;
    }
    gss_test_oid_set_member(&minor, &ntlm_mechanism, all, &present);
    gss_release_oid_set(&minor, &all);
    return present != 0;
}

int prepare(void **state)
{
    char text[512];
    assert_non_null(mkdtemp(directory));
    write_file(user_file, sizeof user_file, "users",
               "DOMAIN:User:Password\nDOMAIN:Other:pässwörd€\nDOMAIN:Zoé-Жук:pässwörd€\n");
    snprintf(text, sizeof text,
             "[kerberos]\nenabled = no\n[names]\nnetbios-computer = SERVER\nnetbios-domain = DOMAIN\n"
             "[accounts]\nbackend = file\npath = %s\nlockout-threshold = 0\n",
             user_file);
    write_file(policy_file, sizeof policy_file, "sspi.conf", text);
    setenv("SSPI_CONFIG", policy_file, 1);
    setenv("NTLM_USER_FILE", user_file, 1);
    setenv("NETBIOS_COMPUTER_NAME", "PEER", 1); /* else it asks winbind */
    setenv("NETBIOS_DOMAIN_NAME", "DOMAIN", 1);
    setenv("KRB5_CONFIG", "/dev/null", 1);
    return 0;
}

int clean_up(void **state)
{
    unlink(user_file);
    unlink(policy_file);
    rmdir(directory);
    return 0;
}
