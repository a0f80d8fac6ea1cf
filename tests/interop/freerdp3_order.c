/* FreeRDP 3's NLA, call by call, with the library on both sides: the table, an identity with a tail, no place for an
 * expiry, an empty buffer as the first input, the returned flags in the request's place, and messages that are cut at
 * cbSecurityTrailer.  For machines that have no FreeRDP 3; tests/support/realm.py runs it.
 *
 * And once more with the flags of FreeRDP 2, which ask for user-to-user: servers here have keys and no tickets, and take
 * Kerberos as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pair.h"

#define TARGET       "HTTP/server.sspi.test" /* a service of the realm; FreeRDP's is TERMSRV */
#define CLIENT_FLAGS 0x12
#define OLDER_FLAGS  (CLIENT_FLAGS | ISC_REQ_USE_SESSION_KEY)
#define SERVER_FLAGS 0x883a
#define EXTENDED     0x100 /* there is a tail */
#define HASH_SIZE    32

/* SEC_WINNT_AUTH_IDENTITY_EXW, and what WinPR puts behind it. */
struct extended {
    SEC_WINNT_AUTH_IDENTITY_EXW identity;
    const void *ntlm_settings, *kerberos_settings;
};
static const uint64_t settings[16]; /* nothing is set */

struct side {
    bool server;
    PSecurityFunctionTableA table;
    PSecPkgInfoA info;
    CredHandle credential;
    CtxtHandle context;
    ULONG flags; /* of the request, then what came back */
    SecPkgContext_Sizes sizes;
    SecBuffer output;
};

static struct side client, server;
static ULONG client_flags;

/* Length in characters; the texts are ASCII. */
static ULONG widen(const char *text, WCHAR *wide)
{
    ULONG length = (ULONG)strlen(text);
    for (ULONG i = 0; i <= length; i++) {
        wide[i] = (unsigned char)text[i];
    }
    return length;
}

static void side_begin(struct side *side, bool is_server, const char *user, const char *domain, const char *password,
                       const char *packages)
{
    static WCHAR wide[4][64];
    struct extended data = {.ntlm_settings = settings, .kerberos_settings = settings};
    SEC_WINNT_AUTH_IDENTITY_EXW *identity = &data.identity;
    *identity = (SEC_WINNT_AUTH_IDENTITY_EXW){.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                              .Length = sizeof *identity,
                                              .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE | EXTENDED};
    if (user != NULL) {
        identity->UserLength = widen(user, wide[0]);
        identity->DomainLength = widen(domain, wide[1]);
        identity->PasswordLength = widen(password, wide[2]);
        identity->User = (void *)wide[0];
        identity->Domain = (void *)wide[1];
        identity->Password = (void *)wide[2];
    }
    if (packages != NULL) {
        identity->PackageListLength = widen(packages, wide[3]);
        identity->PackageList = (void *)wide[3];
    }
    *side = (struct side){.server = is_server, .flags = is_server ? SERVER_FLAGS : client_flags};
    side->table = InitSecurityInterfaceA();
    assert_int_equal(side->table->QuerySecurityPackageInfoA((SEC_CHAR *)(uintptr_t) "Negotiate", &side->info),
                     SEC_E_OK);
    assert_int_equal(side->table->AcquireCredentialsHandleA(NULL, side->info->Name,
                                                            is_server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND,
                                                            NULL, &data, NULL, NULL, &side->credential, NULL),
                     SEC_E_OK);
    memset(wide, 0xee, sizeof wide);
}

static void side_end(struct side *side)
{
    if (side->context.dwLower != 0 || side->context.dwUpper != 0) {
        assert_int_equal(side->table->DeleteSecurityContext(&side->context), SEC_E_OK);
    }
    assert_int_equal(side->table->FreeCredentialsHandle(&side->credential), SEC_E_OK);
    assert_int_equal(side->table->FreeContextBuffer(side->info), SEC_E_OK);
    free(side->output.pvBuffer);
}

static SECURITY_STATUS side_step(struct side *side, SecBuffer input)
{
    CtxtHandle *context = side->context.dwLower == 0 && side->context.dwUpper == 0 ? NULL : &side->context;
    SecBufferDesc in = {SECBUFFER_VERSION, 1, &input}, out = {SECBUFFER_VERSION, 1, &side->output};
    free(side->output.pvBuffer);
    side->output = (SecBuffer){side->info->cbMaxToken, SECBUFFER_TOKEN, calloc(1, side->info->cbMaxToken)};
    SECURITY_STATUS status;
    if (side->server) {
        status = side->table->AcceptSecurityContext(&side->credential, context, &in, side->flags, SECURITY_NATIVE_DREP,
                                                    &side->context, &out, &side->flags, NULL);
    } else {
        status = side->table->InitializeSecurityContextA(&side->credential, context, (SEC_CHAR *)(uintptr_t)TARGET,
                                                         side->flags, 0, SECURITY_NATIVE_DREP, &in, 0, &side->context,
                                                         &out, &side->flags, NULL);
    }
    if (status == SEC_E_OK) {
        assert_int_equal(side->table->QueryContextAttributesA(&side->context, SECPKG_ATTR_SIZES, &side->sizes),
                         SEC_E_OK);
    }
    return status;
}

/* The legs.  The server's last status. */
static SECURITY_STATUS log_on(void)
{
    SECURITY_STATUS ours = side_step(&client, (SecBuffer){0, SECBUFFER_EMPTY, NULL}), theirs = SEC_I_CONTINUE_NEEDED;
    for (int legs = 0; legs < 6 && ours >= 0 && client.output.cbBuffer != 0; legs++) {
        theirs = side_step(&server, client.output);
        if (theirs < 0 || server.output.cbBuffer == 0) {
            break;
        }
        ours = side_step(&client, server.output);
        client.output.cbBuffer = ours == SEC_E_OK && theirs == SEC_E_OK ? 0 : client.output.cbBuffer;
    }
    assert_true(theirs != SEC_E_OK || ours == SEC_E_OK);
    return theirs;
}

/* Sealed, with the gap behind a shorter token closed; a sender's own token is what it cuts at from then on. */
static SecBuffer side_encrypt(struct side *side, const unsigned char *plain, ULONG size, ULONG number)
{
    unsigned char *block = calloc(1, side->sizes.cbSecurityTrailer + size);
    SecBuffer buffers[2] = {{side->sizes.cbSecurityTrailer, SECBUFFER_TOKEN, block},
                            {size, SECBUFFER_DATA, block + side->sizes.cbSecurityTrailer}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    memcpy(buffers[1].pvBuffer, plain, size);
    assert_int_equal(side->table->EncryptMessage(&side->context, 0, &message, number), SEC_E_OK);
    memmove(block + buffers[0].cbBuffer, buffers[1].pvBuffer, buffers[1].cbBuffer);
    side->sizes.cbSecurityTrailer = buffers[0].cbBuffer;
    return (SecBuffer){buffers[0].cbBuffer + buffers[1].cbBuffer, SECBUFFER_DATA, block};
}

static void side_decrypt(struct side *side, SecBuffer sealed, const unsigned char *plain, ULONG size, ULONG number)
{
    ULONG token = side->sizes.cbSecurityTrailer, qop = 0;
    assert_true(sealed.cbBuffer > token);
    unsigned char *data = malloc(sealed.cbBuffer - token);
    memcpy(data, (unsigned char *)sealed.pvBuffer + token, sealed.cbBuffer - token);
    SecBuffer buffers[2] = {{token, SECBUFFER_TOKEN, sealed.pvBuffer}, {sealed.cbBuffer - token, SECBUFFER_DATA, data}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(side->table->DecryptMessage(&side->context, &message, number, &qop), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, size);
    assert_memory_equal(buffers[1].pvBuffer, plain, size);
    free(data);
    free(sealed.pvBuffer);
}

/* What CredSSP sends: the key's hash both ways, and the credentials. */
static void messages(void)
{
    unsigned char plain[300];
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (unsigned char)(i * 7 + 3);
    }
    side_decrypt(&server, side_encrypt(&client, plain, HASH_SIZE, 0), plain, HASH_SIZE, 0);
    side_decrypt(&client, side_encrypt(&server, plain + 40, HASH_SIZE, 0), plain + 40, HASH_SIZE, 0);
    side_decrypt(&server, side_encrypt(&client, plain, sizeof plain, 1), plain, sizeof plain, 1);
    assert_int_equal(server.table->ImpersonateSecurityContext(&server.context), SEC_E_OK);
    assert_int_equal(server.table->RevertSecurityContext(&server.context), SEC_E_OK);
}

static void is_by(const struct side *side, const char *package)
{
    SecPkgContext_NegotiationInfoA info = {0};
    assert_int_equal(side->table->QueryContextAttributesA((PCtxtHandle)(uintptr_t)&side->context,
                                                          SECPKG_ATTR_NEGOTIATION_INFO, &info),
                     SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, package);
    assert_int_equal(side->table->FreeContextBuffer(info.PackageInfo), SEC_E_OK);
}

static void kerberos(void **state)
{
    side_begin(&client, false, "alice", "SSPI.TEST", "alice secret", NULL);
    side_begin(&server, true, NULL, NULL, NULL, NULL);
    assert_int_equal(log_on(), SEC_E_OK);
    is_by(&client, "Kerberos");
    is_by(&server, "Kerberos");
    messages();
    side_end(&client);
    side_end(&server);
}

/* /auth-pkg-list:!kerberos.  NTLM's accounts are the test's own. */
static void ntlm_with(const char *packages, const char *password, SECURITY_STATUS expected)
{
    side_begin(&client, false, "User", "Domain", password, packages);
    side_begin(&server, true, NULL, NULL, NULL, NULL);
    assert_int_equal(SspiExtSetVerifier(&server.credential, pair_verify, (void *)(uintptr_t)pair_nt_hash), SEC_E_OK);
    assert_int_equal(log_on(), expected);
    if (expected == SEC_E_OK) {
        is_by(&client, "NTLM");
        is_by(&server, "NTLM");
        messages();
    }
    side_end(&client);
    side_end(&server);
}

static void ntlm(void **state)
{
    ntlm_with("!kerberos", "Password", SEC_E_OK);
    ntlm_with("!kerberos", "password", SEC_E_LOGON_DENIED);
}

/* No KDC for the domain. */
static void ntlm_where_kerberos_cannot(void **state)
{
    ntlm_with(NULL, "Password", SEC_E_OK);
    ntlm_with(NULL, "password", SEC_E_LOGON_DENIED);
}

static void wrong_password(void **state)
{
    side_begin(&client, false, "alice", "SSPI.TEST", "another", NULL);
    side_begin(&server, true, NULL, NULL, NULL, NULL);
    assert_int_equal(SspiExtSetVerifier(&server.credential, pair_verify, (void *)(uintptr_t)pair_nt_hash), SEC_E_OK);
    assert_int_equal(log_on(), SEC_E_LOGON_DENIED);
    side_end(&client);
    side_end(&server);
}

static int ask(void **state)
{
    client_flags = *(const ULONG *)*state;
    return 0;
}

int main(void)
{
    static ULONG flags = CLIENT_FLAGS, older = OLDER_FLAGS;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(kerberos, ask, NULL, &flags),
        cmocka_unit_test_prestate_setup_teardown(ntlm, ask, NULL, &flags),
        cmocka_unit_test_prestate_setup_teardown(ntlm_where_kerberos_cannot, ask, NULL, &flags),
        cmocka_unit_test_prestate_setup_teardown(wrong_password, ask, NULL, &flags),
        {"kerberos, user-to-user first", kerberos, ask, NULL, &older},
        {"ntlm, user-to-user first", ntlm, ask, NULL, &older},
        {"ntlm_where_kerberos_cannot, user-to-user first", ntlm_where_kerberos_cannot, ask, NULL, &older},
        {"wrong_password, user-to-user first", wrong_password, ask, NULL, &older},
    };
    setenv("KRB5CCNAME", "MEMORY:nobody", 1); /* passwords count, not the tickets that the realm has got for alice */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("FreeRDP 3's order", tests, NULL, NULL);
}
