/* Rules 36 to 45: credentials, identities and the names of targets.  Those of Kerberos are in kerberos.c. */
#include "rules.h"

#include <sys/mman.h>
#include <unistd.h>

/* The account in a file, which serves as the file of default identities too. */
static char directory[] = "/tmp/sspi-windows-XXXXXX";
static char users[sizeof directory + 16];

static int start(void **state)
{
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    (void)snprintf(users, sizeof users, "%s/users", directory);
    FILE *file = fopen(users, "w");
    return file != NULL && fputs("Domain:User:Password\n", file) >= 0 && fclose(file) == 0 ? 0 : -1;
}

static int stop(void **state)
{
    return unlink(users) == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* A logon with this credential, which the account of MS-NLMP 4.2.1 has to be. */
static void log_on(CredHandle *client_credential, const char *target)
{
    CredHandle server_credential = rules_server("NTLM");
    CtxtHandle client, server;
    struct token hello, challenge, answer, nothing;
    SecPkgContext_NamesA names;
    ULONG attributes;
    assert_status(rules_initiate(client_credential, &client, true, target, 0, NULL, &hello, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_accept(&server_credential, &server, true, 0, &hello, &challenge, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_initiate(client_credential, &client, false, target, 0, &challenge, &answer, &attributes),
                  SEC_E_OK);
    assert_status(rules_accept(&server_credential, &server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    assert_status(QueryContextAttributesA(&server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_non_null(strstr(names.sUserName, "User"));
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

static void log_on_as(bool is_wide, void *identity)
{
    CredHandle credential;
    SECURITY_STATUS status = is_wide ? AcquireCredentialsHandleW(NULL, wide(u"NTLM"), SECPKG_CRED_OUTBOUND, NULL,
                                                                 identity, NULL, NULL, &credential, NULL)
                                     : AcquireCredentialsHandleA(NULL, text("NTLM"), SECPKG_CRED_OUTBOUND, NULL,
                                                                 identity, NULL, NULL, &credential, NULL);
    assert_status(status, SEC_E_OK);
    log_on(&credential, NULL);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void rule_36_no_identity_is_the_callers_own(void **state)
{
    setenv("NTLM_USER_FILE", users, 1);
    log_on_as(false, NULL);
    log_on_as(true, NULL);
    /* curl's Negotiate without a user: nobody in it, a package list of five letters */
    SEC_WINNT_AUTH_IDENTITY_EXA nobody = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                          .Length = sizeof nobody,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
                                          .PackageList = (unsigned char *)text("!ntlm"),
                                          .PackageListLength = 5};
    CredHandle credential;
    CtxtHandle context;
    struct token hello;
    ULONG attributes;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, text("Negotiate"), SECPKG_CRED_OUTBOUND, NULL, &nobody,
                                                       NULL, NULL, &credential, NULL);
    if (status == SEC_E_OK) { /* without Kerberos, nothing is left: no token of NTLM */
        status = rules_initiate(&credential, &context, true, "HTTP/server", 0, NULL, &hello, &attributes);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
    assert_true(status < 0);
    nobody.PackageListLength = 4;
    nobody.PackageList = (unsigned char *)text("ntlm");
    assert_status(AcquireCredentialsHandleA(NULL, text("Negotiate"), SECPKG_CRED_OUTBOUND, NULL, &nobody, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_OK);
    log_on(&credential, "HTTP/server"); /* Negotiate with NTLM alone speaks plain NTLM */
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    unsetenv("NTLM_USER_FILE");
}

static void rule_37_the_forms_of_identities(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A narrow = rules_identity();
    SEC_WINNT_AUTH_IDENTITY_W units = {(USHORT *)(uintptr_t)u"User",     4, (USHORT *)(uintptr_t)u"Domain", 6,
                                       (USHORT *)(uintptr_t)u"Password", 8, SEC_WINNT_AUTH_IDENTITY_UNICODE};
    SEC_WINNT_AUTH_IDENTITY_EXA narrow_ex = {.Version = 0x200,
                                             .Length = sizeof narrow_ex,
                                             .User = narrow.User,
                                             .UserLength = 4,
                                             .Domain = narrow.Domain,
                                             .DomainLength = 6,
                                             .Password = narrow.Password,
                                             .PasswordLength = 8,
                                             .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    SEC_WINNT_AUTH_IDENTITY_EXW wide_ex = {.Version = 0x200,
                                           .Length = sizeof wide_ex,
                                           .User = units.User,
                                           .UserLength = 4,
                                           .Domain = units.Domain,
                                           .DomainLength = 6,
                                           .Password = units.Password,
                                           .PasswordLength = 8,
                                           .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE marshalled = NULL; /* version 0x201 */
    log_on_as(false, &narrow);
    log_on_as(true, &units);
    log_on_as(false, &narrow_ex);
    log_on_as(true, &wide_ex);
    assert_status(SspiEncodeStringsAsAuthIdentity(wide(u"User"), wide(u"Domain"), wide(u"Password"), &marshalled),
                  SEC_E_OK);
    log_on_as(true, marshalled);
    SspiFreeAuthIdentity(marshalled);
}

/* FreeTDS' slices of a longer string, here at the very end of what can be read. */
static void rule_38_flags_say_the_width_and_lengths_the_length(void **state)
{
    static const char all[] = "DomainUserPassword";
    static const char16_t all_wide[] = u"DomainUserPassword";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    unsigned char *narrow = memcpy(pages + page - 18, all, 18);
    SEC_WINNT_AUTH_IDENTITY_A slices = {narrow + 6, 4, narrow, 6, narrow + 10, 8, SEC_WINNT_AUTH_IDENTITY_ANSI};
    log_on_as(false, &slices);
    log_on_as(true, &slices); /* ANSI through the W function */
    USHORT *units = memcpy(pages + page - 36, all_wide, 36);
    SEC_WINNT_AUTH_IDENTITY_W pieces = {units + 6, 4, units, 6, units + 10, 8, SEC_WINNT_AUTH_IDENTITY_UNICODE};
    log_on_as(true, &pieces);
    log_on_as(false, &pieces);
    assert_int_equal(munmap(pages, 2 * page), 0);
}

/* "user@realm" goes to the server as it is, without a domain; "" and NULL are no domain. */
static void rule_39_user_at_realm_and_no_domain(void **state)
{
    static const char *const domains[] = {NULL, ""};
    for (size_t i = 0; i < 2 * COUNT(domains); i++) {
        struct challenge challenge;
        struct token answer;
        ULONG attributes;
        const char *user = i < 2 ? "User@domain.test" : "User";
        SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
        identity.User = (unsigned char *)text(user);
        identity.UserLength = (ULONG)strlen(user);
        identity.Domain = (unsigned char *)(uintptr_t)domains[i % 2];
        identity.DomainLength = 0;
        challenge_open(&challenge, NULL, 0);
        assert_status(DeleteSecurityContext(&challenge.client), SEC_E_OK);
        assert_status(FreeCredentialsHandle(&challenge.client_credential), SEC_E_OK);
        assert_status(AcquireCredentialsHandleA(NULL, text("NTLM"), SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                                &challenge.client_credential, NULL),
                      SEC_E_OK);
        assert_status(
            rules_initiate(&challenge.client_credential, &challenge.client, true, NULL, 0, NULL, &answer, &attributes),
            SEC_I_CONTINUE_NEEDED);
        assert_status(rules_initiate(&challenge.client_credential, &challenge.client, false, NULL, 0,
                                     &challenge.message, &answer, &attributes),
                      SEC_E_OK);
        assert_true(token_has_wide(&answer, user));
        assert_int_equal(answer.bytes[28], 0); /* DomainNameFields.Len, MS-NLMP 2.2.1.3 */
        challenge_close(&challenge);
    }
}

/* NULL by clients, a service's name by servers: NTLM has no use for it and takes both. */
static void rule_40_principals(void **state)
{
    CredHandle credential;
    assert_status(AcquireCredentialsHandleA(text("host/server.test"), text("NTLM"), SECPKG_CRED_INBOUND, NULL, NULL,
                                            NULL, NULL, &credential, NULL),
                  SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* libgit2 and Firebird ask for both directions, on machines that serve nobody. */
static void rule_41_both_directions(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate"};
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential;
        assert_status(AcquireCredentialsHandleA(NULL, text(packages[i]), SECPKG_CRED_BOTH, NULL, &identity, NULL, NULL,
                                                &credential, NULL),
                      SEC_E_OK);
        log_on(&credential, NULL);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void rule_42_the_credentials_own_name(void **state)
{
    CredHandle credential;
    SecPkgCredentials_NamesA names = {NULL};
    setenv("NTLM_USER_FILE", users, 1);
    assert_status(AcquireCredentialsHandleA(NULL, text("Negotiate"), SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    unsetenv("NTLM_USER_FILE");
}

static void rule_43_package_information(void **state)
{
    static const char *const names[] = {"NTLM", "Kerberos", "Negotiate", "WDigest", UNISP_NAME_A};
    PSecPkgInfoA info = NULL;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_status(QuerySecurityPackageInfoA(text(names[i]), &info), SEC_E_OK);
        assert_string_equal(info->Name, names[i]);
        assert_true(info->Comment != NULL && info->Comment[0] != '\0');
        assert_true(info->cbMaxToken >= 2888 && info->fCapabilities != 0);
        assert_status(FreeContextBuffer(info), SEC_E_OK);
    }
    info = (PSecPkgInfoA)(void *)&names;
    assert_status(QuerySecurityPackageInfoA(text("PKU2U-or-so"), &info), SEC_E_SECPKG_NOT_FOUND);
    assert_ptr_equal(info, &names);
}

/* ---------------------------------------------------------------- targets */

static void rule_44_targets_of_every_shape(void **state)
{
    static const char *const targets[] = {
        "HTTP/www.example.com",
        "http/www.example.com",
        "MSSQLSvc/db.example.com:1433",
        "mongodb/db.example.com@EXAMPLE.COM",
        "host/server.example.com",
        "postgres/db.example.com",
        "mysql@example.com",
        "SERVER$@example.com",
        "User",
        "NTLM",
        "Negotiate",
        "",
        NULL,
    };
    static const char *const packages[] = {"NTLM", "Negotiate"};
    for (size_t i = 0; i < COUNT(targets) * COUNT(packages); i++) {
        CredHandle credential = rules_client(packages[i % COUNT(packages)]);
        log_on(&credential, targets[i / COUNT(packages)]);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void rule_45_what_becomes_of_the_target(void **state)
{
    static const char *const targets[] = {"HTTP/www.example.com", "", NULL};
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct challenge challenge;
        struct token answer;
        ULONG attributes;
        challenge_open(&challenge, targets[i], SEALED);
        assert_status(rules_initiate(&challenge.client_credential, &challenge.client, false, targets[i], SEALED,
                                     &challenge.message, &answer, &attributes),
                      SEC_E_OK);
        assert_int_equal(token_has_wide(&answer, "HTTP/www.example.com"), i == 0); /* MsvAvTargetName */
        challenge_close(&challenge);
    }
}

/* A name is sent as server_name, an address is not; later calls may leave it out. */
static void rule_45_tls_names_and_addresses(void **state)
{
    static struct tls connection;
    static const char *const targets[] = {"www.example.com", "192.0.2.1", "2001:db8::1"};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (size_t i = 0; i < COUNT(targets); i++) {
        tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
        tls_step_client(&connection, targets[i]);
        assert_status(connection.client_status, SEC_I_CONTINUE_NEEDED);
        assert_int_equal(
            memmem(connection.to_server, connection.to_server_size, targets[i], strlen(targets[i])) != NULL, i == 0);
        tls_step_server(&connection);
        tls_shake(&connection, NULL);
        assert_status(connection.client_status, SEC_E_OK);
        tls_close(&connection);
    }
    CertFreeCertificateContext(certificate);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_36_no_identity_is_the_callers_own),
        cmocka_unit_test(rule_37_the_forms_of_identities),
        cmocka_unit_test(rule_38_flags_say_the_width_and_lengths_the_length),
        cmocka_unit_test(rule_39_user_at_realm_and_no_domain),
        cmocka_unit_test(rule_40_principals),
        cmocka_unit_test(rule_41_both_directions),
        cmocka_unit_test(rule_42_the_credentials_own_name),
        cmocka_unit_test(rule_43_package_information),
        cmocka_unit_test(rule_44_targets_of_every_shape),
        cmocka_unit_test(rule_45_what_becomes_of_the_target),
        cmocka_unit_test(rule_45_tls_names_and_addresses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
