/* Smart cards in CredSSP: the certificate that a session is made with, and what the server gets of it.  MY is a directory of the
 * test's own, with one certificate whose user principal name is alice@example.com. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/policy.h"
#include "cert/logon_certificate.h"
#include "credssp/context.h"
#include "credssp/kerb_logon.h"
#include "logon/identity.h"
#include "support/credssp_ends.h"

static char home[] = "/tmp/sspi-cards-XXXXXX";
static char key[128]; /* where the certificate's key is */

static void without_certificates_skip(void)
{
    if (key[0] == '\0') {
        skip();
    }
}

static void copy(const char *name, const char *to)
{
    char from[512];
    uint8_t data[16384];
    snprintf(from, sizeof from, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    size_t size = fread(data, 1, sizeof data, in);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out) | fclose(in), 0);
    assert_int_equal(chmod(to, 0600), 0);
}

static int set_up(void **state)
{
    static struct policy policy;
    char path[128];
    (void)state;
    if (getenv("SSPI_TEST_PKI") == NULL || getenv("SSPI_TEST_PKI")[0] == '\0') {
        print_message("# skipped: the openssl command is missing, so there are no certificates\n");
        return 0;
    }
    if (mkdtemp(home) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/sspi", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/sspi/my", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/sspi/my/card.pem", home);
    copy("client.pem", path);
    snprintf(key, sizeof key, "%s/sspi/my/card.key", home);
    copy("client.key", key);
    setenv("XDG_DATA_HOME", home, 1);
    setenv("KRB5_CONFIG", "/dev/null", 1);
    policy_defaults(&policy);
    policy_override(&policy);
    return 0;
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    return key[0] == '\0' ? 0 : nftw(home, take_away, 4, FTW_DEPTH | FTW_PHYS);
}

static struct credssp_credential *acquire(const CREDSSP_CRED *cred)
{
    struct credential_in in = {.use = SECPKG_CRED_OUTBOUND, .auth_data = cred};
    struct credential *credential = NULL;
    uint64_t expiry;
    assert_int_equal(credssp_acquire(&in, &credential, &expiry), SEC_E_OK);
    return (struct credssp_credential *)credential;
}

static struct credential *closed(struct credssp_credential *credential)
{
    credssp_release(&credential->base);
    return NULL;
}

static void assert_text(struct utf16 found, const char *expected)
{
    AUTO_UTF16 text = UTF16_NONE;
    assert_int_equal(utf16_from_utf8(bytes_of(expected, strlen(expected)), &text), SEC_E_OK);
    assert_true(utf16_equal(found, text));
}

/* KERB_CERTIFICATE_LOGON with a container and a PIN, as a program makes it of CRYPT_KEY_PROV_INFO. */
static void pack(const char *container, struct writer *out)
{
    static const uint8_t pin[] = {'1', 0, '2', 0};
    AUTO_UTF16 name = UTF16_NONE;
    struct ts_credentials credentials = {.type = TS_SMART_CARD,
                                         .smart_card = {.pin = {pin, sizeof pin}, .key_spec = 1}};
    assert_int_equal(utf16_from_utf8(bytes_of(container, strlen(container)), &name), SEC_E_OK);
    credentials.smart_card.container = name;
    assert_int_equal(kerb_logon_build(&credentials, out), SEC_E_OK);
}

/* The certificate whose key is in the container signs in: Negotiate's part is Kerberos with it. */
static void the_card_makes_the_session(void **state)
{
    without_certificates_skip();
    AUTO_WRITER packed = write_growing(1 << 12);
    struct attribute attribute = {0};
    pack(key, &packed);
    CREDSSP_CRED cred = {CredsspCertificateCreds, NULL, packed.data};
    struct credssp_credential *credential = acquire(&cred);
    assert_int_equal(credssp_query_credential(&credential->base, SECPKG_CRED_ATTR_NAMES, &attribute), SEC_E_OK);
    assert_text(attribute.name, "alice@EXAMPLE.COM"); /* as the realm of a principal */
    assert_null(closed(credential));
}

/* Another container: the card is for the server, and the session is made by whoever is logged on, of whom there is nobody here. */
static void a_card_that_is_elsewhere(void **state)
{
    without_certificates_skip();
    AUTO_WRITER packed = write_growing(1 << 12);
    struct attribute attribute = {0};
    AUTO_TS_CREDENTIALS delegated = {0};
    pack("le-card-0001", &packed);
    CREDSSP_CRED cred = {CredsspCertificateCreds, NULL, packed.data};
    struct credssp_credential *credential = acquire(&cred);
    assert_int_not_equal(credssp_query_credential(&credential->base, SECPKG_CRED_ATTR_NAMES, &attribute), SEC_E_OK);
    assert_int_equal(ts_credentials_parse(secret_bytes(&credential->delegable), &delegated), SEC_E_OK);
    assert_int_equal(delegated.type, TS_SMART_CARD);
    assert_text(delegated.smart_card.container, "le-card-0001");
    assert_null(closed(credential));
}

/* An identity that names the certificate: its PIN goes as a card's PIN, not as a password of a user "@@B...". */
static void an_identity_with_a_card(void **state)
{
    without_certificates_skip();
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_TS_CREDENTIALS delegated = {0};
    uint8_t hash[CERTIFICATE_HASH_SIZE], user[64];
    struct writer name = write_into(user, sizeof user);
    assert_int_equal(logon_certificate_at(key, &certificate), SEC_E_OK);
    assert_int_equal(logon_certificate_hash(certificate, hash), SEC_E_OK);
    identity_write_certificate(hash, &name);
    assert_int_equal(name.size, 60);
    SEC_WINNT_AUTH_IDENTITY_W identity = {.User = (unsigned short *)(void *)user,
                                          .UserLength = 30,
                                          .Password = (unsigned short *)(uintptr_t)u"1234",
                                          .PasswordLength = 4,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    CREDSSP_CRED cred = {CredsspPasswordCreds, NULL, &identity};
    struct credssp_credential *credential = acquire(&cred);
    assert_int_equal(ts_credentials_parse(secret_bytes(&credential->delegable), &delegated), SEC_E_OK);
    assert_int_equal(delegated.type, TS_SMART_CARD);
    assert_text(delegated.smart_card.pin, "1234");
    assert_text(delegated.smart_card.container, key);
    assert_int_equal(delegated.smart_card.key_spec, 1);
    assert_null(closed(credential));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_card_makes_the_session),
                                       cmocka_unit_test(a_card_that_is_elsewhere),
                                       cmocka_unit_test(an_identity_with_a_card)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("credssp_cards", tests, set_up, tear_down);
}
