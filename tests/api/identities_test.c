/* Who a client says it is, through AcquireCredentialsHandle (C1 to C10 of the observed behaviour), and logons against
 * accounts in a file: the identities that were given, and the caller's default one. */
#include "pair.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NARROW(literal) ((unsigned char *)(uintptr_t)(literal))
#define WIDE(literal)   ((unsigned short *)(uintptr_t)u##literal)

static char directory[] = "/tmp/sspi-identities-XXXXXX";
static char users[sizeof directory + 16];
static char config[sizeof directory + 16];

static WCHAR ntlm[] = {'N', 'T', 'L', 'M', 0};

static bool write_file(const char *path, const char *text, const char *rest)
{
    FILE *file = fopen(path, "w");
    return file != NULL && fprintf(file, "%s%s\n", text, rest) > 0 && fclose(file) == 0;
}

/* Accounts in a file, which is the file of default identities as well; a session keyring of the test's own, so that nobody
 * is logged on in it.  The policy is read at the first call, which comes later. */
static int start(void **state)
{
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(users, sizeof users, "%s/users", directory);
    snprintf(config, sizeof config, "%s/sspi.conf", directory);
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) {
        print_message("# no session keyring of its own (error %d): a logon session would be used\n", errno);
    }
    setenv("SSPI_CONFIG", config, 1);
    bool written = write_file(users, "Domain:User:", "Password") &&
                   write_file(config, "[accounts]\nbackend = file\npath = ", users);
    return written ? 0 : -1;
}

static int stop(void **state)
{
    return unlink(users) == 0 && unlink(config) == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- what is accepted, and what it is taken for */

static SECURITY_STATUS acquire(bool wide, void *identity, CredHandle *out)
{
    char narrow[] = "NTLM";
    return wide ? AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, identity, NULL, NULL, out, NULL)
                : AcquireCredentialsHandleA(NULL, narrow, SECPKG_CRED_OUTBOUND, NULL, identity, NULL, NULL, out, NULL);
}

/* The identity is taken, is known as `name`, and opens a first leg. */
static void check_taken(bool wide, void *identity, const char *name)
{
    CredHandle credential;
    CtxtHandle context;
    SecPkgCredentials_NamesA names = {0};
    struct token token;
    assert_status(acquire(wide, identity, &credential), SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, name);
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    token_init(&token, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&credential, NULL, NULL, 0, 0, SECURITY_NATIVE_DREP, NULL, 0, &context,
                                             &token.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static SEC_WINNT_AUTH_IDENTITY_A narrow_identity(void)
{
    return (SEC_WINNT_AUTH_IDENTITY_A){.User = NARROW("User"),
                                       .UserLength = 4,
                                       .Domain = NARROW("Domain"),
                                       .DomainLength = 6,
                                       .Password = NARROW("Password"),
                                       .PasswordLength = 8,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
}

static SEC_WINNT_AUTH_IDENTITY_W wide_identity(void)
{
    return (SEC_WINNT_AUTH_IDENTITY_W){.User = WIDE("User"),
                                       .UserLength = 4,
                                       .Domain = WIDE("Domain"),
                                       .DomainLength = 6,
                                       .Password = WIDE("Password"),
                                       .PasswordLength = 8,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
}

static void test_absent_members_narrow(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = narrow_identity();
    check_taken(false, &identity, "Domain\\User");
    identity.DomainLength = 0;
    check_taken(false, &identity, "User");
    identity.Domain = NULL;
    check_taken(false, &identity, "User");
    identity = narrow_identity();
    identity.User = NULL;
    identity.UserLength = 0;
    check_taken(false, &identity, "Domain\\");
    identity = narrow_identity();
    identity.Password = NULL;
    identity.PasswordLength = 0;
    check_taken(false, &identity, "Domain\\User");
}

static void test_absent_members_wide(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W identity = wide_identity();
    check_taken(true, &identity, "Domain\\User");
    identity.DomainLength = 0;
    check_taken(true, &identity, "User");
    identity.Domain = NULL;
    check_taken(true, &identity, "User");
    identity = wide_identity();
    identity.User = NULL;
    identity.UserLength = 0;
    check_taken(true, &identity, "Domain\\");
    identity = wide_identity();
    identity.PasswordLength = 0;
    check_taken(true, &identity, "Domain\\User");
}

/* Windows crashes here.  NULL is empty; NULL with a length is no identity at all. */
static void test_null_password_wide(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W identity = wide_identity();
    CredHandle credential = {7, 7};
    identity.Password = NULL;
    identity.PasswordLength = 0;
    check_taken(true, &identity, "Domain\\User");
    identity.PasswordLength = 8;
    assert_status(acquire(true, &identity, &credential), SEC_E_UNKNOWN_CREDENTIALS);
    assert_int_equal(credential.dwLower, 7);
}

/* Runs the logon to its end, and returns what the server said; every leg before must go well. */
static SECURITY_STATUS logon_by(CredHandle *client_credential, ULONG flags)
{
    struct token client;
    struct token server;
    CredHandle server_credential;
    CtxtHandle initiator;
    CtxtHandle acceptor;
    char target[] = "Domain\\User";
    assert_status(
        AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &server_credential, NULL),
        SEC_E_OK);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(client_credential, NULL, target, flags, 0, SECURITY_NATIVE_DREP, NULL, 0,
                                             &initiator, &client.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&server_credential, NULL, &client.descriptor, 0, SECURITY_NATIVE_DREP,
                                        &acceptor, &server.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &initiator, target, flags, 0, SECURITY_NATIVE_DREP,
                                             &server.descriptor, 0, &initiator, &client.descriptor, NULL, NULL),
                  SEC_E_OK);
    token_init(&server, TOKEN_MAX);
    SECURITY_STATUS status = AcceptSecurityContext(NULL, &acceptor, &client.descriptor, 0, SECURITY_NATIVE_DREP,
                                                   &acceptor, &server.descriptor, NULL, NULL);
    assert_status(DeleteSecurityContext(&initiator), SEC_E_OK);
    assert_status(DeleteSecurityContext(&acceptor), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
    return status;
}

static SECURITY_STATUS logon_as(bool wide, void *identity)
{
    CredHandle credential;
    assert_status(acquire(wide, identity, &credential), SEC_E_OK);
    SECURITY_STATUS status = logon_by(&credential, ISC_REQ_CONFIDENTIALITY);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    return status;
}

/* Flags say which width the strings have, whichever function carries them. */
static void test_flags_decide_the_width(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A narrow = narrow_identity();
    SEC_WINNT_AUTH_IDENTITY_W wide = wide_identity();
    CredHandle credential = {7, 7};
    check_taken(true, &narrow, "Domain\\User");
    check_taken(false, &wide, "Domain\\User");
    assert_status(logon_as(true, &narrow), SEC_E_OK);
    assert_status(logon_as(false, &wide), SEC_E_OK);
    assert_status(logon_as(false, &narrow), SEC_E_OK);
    assert_status(logon_as(true, &wide), SEC_E_OK);
    wide.Flags = 0;
    assert_status(acquire(true, &wide, &credential), SEC_E_UNKNOWN_CREDENTIALS);
    assert_int_equal(credential.dwLower, 7);
}

/* Copies `size` bytes so that they end where memory ends: whoever looks for a NUL behind them, faults. */
static void *at_the_edge(const void *bytes, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    return memcpy(pages + page - size, bytes, size);
}

static void test_strings_are_counted(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A narrow = narrow_identity();
    SEC_WINNT_AUTH_IDENTITY_W wide = wide_identity();
    narrow.User = at_the_edge("User", 4);
    narrow.Domain = at_the_edge("Domain", 6);
    narrow.Password = at_the_edge("Password", 8);
    assert_status(logon_as(false, &narrow), SEC_E_OK);
    wide.User = at_the_edge(wide.User, 8);
    wide.Domain = at_the_edge(wide.Domain, 12);
    wide.Password = at_the_edge(wide.Password, 16);
    assert_status(logon_as(true, &wide), SEC_E_OK);
    narrow.User = NARROW("User and more");
    narrow.Domain = NARROW("Domain and more");
    narrow.Password = NARROW("Password and more");
    check_taken(false, &narrow, "Domain\\User");
    assert_status(logon_as(false, &narrow), SEC_E_OK);
}

/* ---------------------------------------------------------------- no identity given */

static void test_inbound_without_identity(void **state)
{
    CredHandle credential;
    TimeStamp expiry = {.QuadPart = 7};
    assert_status(
        AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, &expiry),
        SEC_E_OK);
    assert_int_equal(expiry.QuadPart, INT64_MAX);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    assert_status(AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
                  SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* Nobody is logged on and no file is named: outbound there is nobody to be, and both directions serve inbound. */
static void test_no_default_identity(void **state)
{
    CredHandle credential = {7, 7};
    CtxtHandle context;
    struct token token;
    unsetenv("NTLM_USER_FILE");
    assert_status(acquire(true, NULL, &credential), SEC_E_NO_CREDENTIALS);
    assert_int_equal(credential.dwLower, 7);
    assert_status(AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &credential, NULL),
                  SEC_E_OK);
    token_init(&token, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&credential, NULL, NULL, 0, 0, SECURITY_NATIVE_DREP, NULL, 0, &context,
                                             &token.descriptor, NULL, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void test_default_identity_first_leg(void **state)
{
    char target[] = "DOMAIN\\user";
    CredHandle credential;
    CtxtHandle context;
    SecPkgCredentials_NamesA names = {0};
    struct token token;
    setenv("NTLM_USER_FILE", users, 1);
    assert_status(acquire(false, NULL, &credential), SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    token_init(&token, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&credential, NULL, target, ISC_REQ_CONNECTION, 0, SECURITY_NATIVE_DREP,
                                             NULL, 0, &context, &token.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void test_default_identity_round_trip(void **state)
{
    CredHandle credential;
    setenv("NTLM_USER_FILE", users, 1);
    assert_status(acquire(true, NULL, &credential), SEC_E_OK);
    assert_status(logon_by(&credential, ISC_REQ_CONNECTION), SEC_E_OK);
    assert_status(logon_by(&credential, ISC_REQ_CONFIDENTIALITY), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* A wrong password, a wrong domain, an unknown user and no user at all: one answer. */
static void test_wrong_and_unknown_are_denied(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = narrow_identity();
    identity.Password = NARROW("password");
    assert_status(logon_as(false, &identity), SEC_E_LOGON_DENIED);
    identity = narrow_identity();
    identity.User = NARROW("Nobo");
    assert_status(logon_as(false, &identity), SEC_E_LOGON_DENIED);
    identity = narrow_identity();
    identity.Domain = NARROW("Nowher");
    assert_status(logon_as(false, &identity), SEC_E_LOGON_DENIED);
    identity = narrow_identity();
    identity.UserLength = 0;
    assert_status(logon_as(false, &identity), SEC_E_LOGON_DENIED);
    identity = narrow_identity();
    identity.PasswordLength = 0;
    assert_status(logon_as(false, &identity), SEC_E_LOGON_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_members_narrow),       cmocka_unit_test(test_absent_members_wide),
        cmocka_unit_test(test_null_password_wide),          cmocka_unit_test(test_flags_decide_the_width),
        cmocka_unit_test(test_strings_are_counted),         cmocka_unit_test(test_inbound_without_identity),
        cmocka_unit_test(test_no_default_identity),         cmocka_unit_test(test_default_identity_first_leg),
        cmocka_unit_test(test_default_identity_round_trip), cmocka_unit_test(test_wrong_and_unknown_are_denied),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identities", tests, start, stop);
}
