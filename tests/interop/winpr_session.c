#include "winpr_session.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <winpr/ntlm.h>
#include <winpr/ssl.h>
#include <winpr/wlog.h>

struct stack winpr, ours;
static char directory[64] = "/tmp/sspi-test-XXXXXX";
static char sam_file[96];
static char policy_file[96];
static char realms_file[96];
static char accounts_file[96];

void session_begin(struct session *s, const struct pairing *pairing)
{
    memset(s, 0, sizeof *s);
    s->cs = pairing->client;
    s->ss = pairing->server;
    s->package = "NTLM";
    s->target = "TERMSRV/server";
    SecInvalidateHandle(&s->client_credential);
    SecInvalidateHandle(&s->server_credential);
    SecInvalidateHandle(&s->client);
    SecInvalidateHandle(&s->server);
    for (int i = 0; i < 3; i++) {
        s->buffer[i] = (SecBuffer){TOKEN_MAX, SECBUFFER_TOKEN, s->token[i]};
        s->message[i] = (SecBufferDesc){SECBUFFER_VERSION, 1, &s->buffer[i]};
    }
}

void session_end(struct session *s)
{
    s->cs->table->DeleteSecurityContext(&s->client);
    s->ss->table->DeleteSecurityContext(&s->server);
    s->cs->table->FreeCredentialsHandle(&s->client_credential);
    s->ss->table->FreeCredentialsHandle(&s->server_credential);
}

UINT16 *wide(const char *text, UINT32 *length)
{
    static UINT16 store[64][64];
    static unsigned next;
    UINT16 *to = store[next++ % 64];
    *length = (UINT32)strlen(text);
    for (UINT32 i = 0; i <= *length; i++) {
        to[i] = (unsigned char)text[i];
    }
    return to;
}

void acquire(struct session *s, const char *user, const char *password)
{
    SEC_WINNT_AUTH_IDENTITY_W identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    TimeStamp expiry;
    identity.User = wide(user, &identity.UserLength);
    identity.Domain = wide("Domain", &identity.DomainLength);
    identity.Password = wide(password, &identity.PasswordLength);
    assert_int_equal(s->cs->table->AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)s->package,
                                                             SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                                             &s->client_credential, &expiry),
                     SEC_E_OK);
    acquire_server(s);
}

/* WinPR 3 takes its user file with the credential, behind an identity that names nobody; 2 takes it with the context. */
void acquire_server(struct session *s)
{
    void *identity = NULL;
    TimeStamp expiry;
#ifndef SECPKG_ATTR_AUTH_NTLM_SAM_FILE
    SEC_WINPR_NTLM_SETTINGS settings = {.samFile = sam_file};
    SEC_WINNT_AUTH_IDENTITY_WINPR extended = {
        .identity = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                     .Length = sizeof extended.identity,
                     .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE | SEC_WINNT_AUTH_IDENTITY_EXTENDED},
        .ntlmSettings = &settings};
    identity = s->ss->ours ? NULL : &extended;
#endif
    assert_int_equal(s->ss->table->AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)s->package,
                                                             SECPKG_CRED_INBOUND, NULL, identity, NULL, NULL,
                                                             &s->server_credential, &expiry),
                     SEC_E_OK);
}

SECURITY_STATUS server_step(struct session *s, bool first, SecBufferDesc *in, ULONG flags, SecBufferDesc *out)
{
    SecurityFunctionTableA *t = s->ss->table;
    TimeStamp expiry;
    SECURITY_STATUS status = t->AcceptSecurityContext(&s->server_credential, first ? NULL : &s->server, in, flags,
                                                      SECURITY_NATIVE_DREP, &s->server, out, &s->server_flags, &expiry);
    if (status != SEC_I_COMPLETE_NEEDED) {
        return status;
    }
#ifdef SECPKG_ATTR_AUTH_NTLM_SAM_FILE
    assert_int_equal(
        t->SetContextAttributesA(&s->server, SECPKG_ATTR_AUTH_NTLM_SAM_FILE, sam_file, (ULONG)strlen(sam_file) + 1),
        SEC_E_OK);
#endif
    return t->CompleteAuthToken(&s->server, out);
}

/* Client's buffers of one leg: the peer's token and, when the session has them, channel bindings. */
SECURITY_STATUS client_step(struct session *s, bool first, SecBuffer *in, ULONG flags, SecBufferDesc *out)
{
    SecBuffer buffers[2] = {in != NULL ? *in : (SecBuffer){0}, s->bindings};
    SecBufferDesc input = {SECBUFFER_VERSION, s->bindings.pvBuffer != NULL ? 2 : 1, buffers};
    TimeStamp expiry;
    return s->cs->table->InitializeSecurityContextA(
        &s->client_credential, first ? NULL : &s->client, (SEC_CHAR *)(uintptr_t)s->target, flags, 0,
        SECURITY_NATIVE_DREP, in != NULL ? &input : NULL, 0, &s->client, out, &s->client_flags, &expiry);
}

SECURITY_STATUS log_on_with(struct session *s, ULONG client_flags, ULONG server_flags)
{
    assert_int_equal(client_step(s, true, NULL, client_flags, &s->message[0]), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(server_step(s, true, &s->message[0], server_flags, &s->message[1]), SEC_I_CONTINUE_NEEDED);
    SECURITY_STATUS status = client_step(s, false, &s->buffer[1], client_flags, &s->message[2]);
    if (status == SEC_I_COMPLETE_NEEDED) {
        status = s->cs->table->CompleteAuthToken(&s->client, &s->message[2]);
    }
    assert_int_equal(status, SEC_E_OK);
    assert_int_not_equal(s->buffer[2].cbBuffer, 0);
    s->buffer[1].cbBuffer = TOKEN_MAX;
    return server_step(s, false, &s->message[2], server_flags, &s->message[1]);
}

SECURITY_STATUS log_on(struct session *s, const struct pairing *pairing, const char *user, const char *password)
{
    session_begin(s, pairing);
    acquire(s, user, password);
    return log_on_with(s, CLIENT_FLAGS, SERVER_FLAGS);
}

/* ---------------------------------------------------------------- messages */

SECURITY_STATUS seal(const struct stack *from, CtxtHandle *context, BYTE *data, size_t size, BYTE *trailer,
                     ULONG sequence)
{
    SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, trailer}, {(ULONG)size, SECBUFFER_DATA, data}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = from->table->EncryptMessage(context, 0, &message, sequence);
    if (status == SEC_E_OK) {
        assert_int_equal(buffers[0].cbBuffer, TRAILER);
    }
    return status;
}

SECURITY_STATUS unseal(const struct stack *to, CtxtHandle *context, BYTE *data, size_t size, BYTE *trailer,
                       ULONG sequence)
{
    SecBuffer buffers[2] = {{TRAILER, SECBUFFER_TOKEN, trailer}, {(ULONG)size, SECBUFFER_DATA, data}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    ULONG qop = 0;
    return to->table->DecryptMessage(context, &message, sequence, &qop);
}

void exchange(struct session *s, size_t size)
{
    BYTE *plain = malloc(size), *data = malloc(size);
    BYTE trailer[TRAILER];
    assert_non_null(plain);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++) {
        plain[i] = (BYTE)(i * 7 + size);
    }
    for (int way = 0; way < 2; way++) {
        const struct stack *from = way == 0 ? s->cs : s->ss, *to = way == 0 ? s->ss : s->cs;
        CtxtHandle *sender = way == 0 ? &s->client : &s->server, *receiver = way == 0 ? &s->server : &s->client;
        ULONG *sent = way == 0 ? &s->client_sent : &s->server_sent;
        ULONG *received = way == 0 ? &s->server_received : &s->client_received;
        memcpy(data, plain, size);
        assert_int_equal(seal(from, sender, data, size, trailer, (*sent)++), SEC_E_OK);
        if (size >= 16) {
            assert_memory_not_equal(data, plain, size);
        }
        assert_int_equal(unseal(to, receiver, data, size, trailer, (*received)++), SEC_E_OK);
        assert_memory_equal(data, plain, size);
    }
    free(plain);
    free(data);
}

static void write_file(char *path, size_t size, const char *name, const char *text)
{
    snprintf(path, size, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

void open_tables(void)
{
    const char *library = getenv("SSPI_LIBRARY");
    winpr_InitializeSSL(WINPR_SSL_INIT_DEFAULT);
    WLog_SetLogLevel(WLog_GetRoot(), WLOG_OFF);
    winpr.table = InitSecurityInterfaceExA(SSPI_INTERFACE_WINPR);
    assert_non_null(winpr.table);

    void *module = dlopen(library != NULL ? library : SSPI_LIBRARY, RTLD_LOCAL | RTLD_LAZY);
    if (module == NULL) {
        fail_msg("dlopen: %s", dlerror());
    }
    INIT_SECURITY_INTERFACE_A entry = (INIT_SECURITY_INTERFACE_A)dlsym(module, "InitSecurityInterfaceA");
    assert_non_null(entry);
    ours.table = entry();
    ours.ours = true;
    assert_non_null(ours.table);
}

int prepare(void **state)
{
    char text[512];
    assert_non_null(mkdtemp(directory));
    /* User, Domain, and the NT hash of "Password" (MS-NLMP 4.2.2.1.2) */
    write_file(sam_file, sizeof sam_file, "SAM", "User:Domain::a4f49c406510bdcab6824ee7c30fd852:::\n");
    write_file(accounts_file, sizeof accounts_file, "accounts", "Domain:User:Password\n");
    snprintf(text, sizeof text,
             "[kerberos]\nenabled = no\n[names]\nnetbios-computer = SERVER\nnetbios-domain = DOMAIN\n"
             "[accounts]\nbackend = file\npath = %s\nlockout-threshold = 0\n",
             accounts_file);
    write_file(policy_file, sizeof policy_file, "sspi.conf", text);
    setenv("SSPI_CONFIG", policy_file, 1);
    /* WinPR 3's Negotiate would ask for a KDC. */
    write_file(realms_file, sizeof realms_file, "krb5.conf", "[libdefaults]\n    dns_lookup_kdc = false\n");
    setenv("KRB5_CONFIG", realms_file, 1);
    open_tables();
    return 0;
}

int clean_up(void **state)
{
    unlink(sam_file);
    unlink(accounts_file);
    unlink(policy_file);
    unlink(realms_file);
    rmdir(directory);
    return 0;
}
