/* Sessions that are resumed, and those that are not. */
#include "connection.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/policy.h"

/* ---------------------------------------------------------------- resumption */

static bool resumed(struct link *link)
{
    bool client = SSL_session_reused(side_inside(&link->client)->ssl);
    assert_int_equal(SSL_session_reused(side_inside(&link->server)->ssl), client);
    return client;
}

static void resumption(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (int i = 0; i < 5; i++) {
            link_establish(link);
            assert_int_equal(resumed(link), i != 0 && i != 3);
            link_exchange(link, 1000); /* which brings the tickets of TLS 1.3 */
            link_exchange(link, 1000);
            link_again(link);
            link->client.options.target =
                i == 2 ? "other.example.com" : "www.example.com"; /* another target, and back */
        }
        struct side_options options = link->client.options; /* another credential */
        assert_status(FreeCredentialsHandle(&link->client.credential), SEC_E_OK);
        link->client.options = options;
        side_acquire(&link->client);
        link_establish(link);
        assert_false(resumed(link));
        link_close(link);
    }
}

static unsigned seconds_later;
static uint64_t (*true_clock)(void);

static uint64_t later(void)
{
    return true_clock() + CLOCK_SECOND * seconds_later;
}

/* Two servers with one file of keys; then the keys are rotated, and the old one still opens; then it is gone. */
static void write_keys(const char *path, const char *keys, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (const char *key = keys; *key != '\0'; key++) {
        for (int i = 0; i < 160; i++) {
            fputc(*key, file);
        }
        fputc('\n', file);
    }
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    static long moment = 1000000000;
    moment++; /* the file's time says that it has changed */
    struct timespec times[2] = {{moment, 0}, {moment, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    seconds_later++; /* it is looked at once a second */
}

static void shared_ticket_keys(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    static struct policy policy;
    policy_defaults(&policy);
    snprintf(policy.schannel_ticket_keys, sizeof policy.schannel_ticket_keys, "%s/sspi-ticket-keys-%d",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    policy_override(&policy);
    true_clock = clock_source;
    clock_source = later;
    static const struct {
        const char *keys;
        bool resumes;
        mode_t mode;
    } rounds[] = {{"a", false, 0600}, {"a", true, 0400}, {"ba", true, 0600}, {"b", true, 0600},
                  {"c", false, 0600}, {"d", true, 0640}, /* not used, as others may read it: c's key goes on */
                  {"d", true, 0602},  {"d", false, 0600}};
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
            write_keys(policy.schannel_ticket_keys, rounds[i].keys, rounds[i].mode);
            struct side_options options = link->server.options; /* another machine, as far as the credential goes */
            assert_status(FreeCredentialsHandle(&link->server.credential), SEC_E_OK);
            link->server.options = options;
            side_acquire(&link->server);
            link_establish(link);
            assert_int_equal(resumed(link), rounds[i].resumes);
            link_exchange(link, 100);
            link_again(link);
        }
        link_close(link);
    }
    clock_source = true_clock;
    unlink(policy.schannel_ticket_keys);
    policy_defaults(&policy);
    policy_override(&policy);
}

/* However often a session is resumed, its age counts from the handshake that showed the certificate. */
static void resumption_ends(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    static const struct {
        unsigned seconds; /* of the 36000 that a credential's sessions last (SCHANNEL_CRED, dwSessionLifespan) */
        bool resumes;
    } rounds[] = {{0, false},    {15000, true},  {30000, true}, {37000, false},
                  {50000, true}, {74000, false}, {86000, true}, {86401, false}}; /* certificates of a day */
    true_clock = clock_source;
    clock_source = later;
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
            seconds_later = rounds[i].seconds;
            link_establish(link);
            assert_int_equal(resumed(link), rounds[i].resumes);
            link_exchange(link, 100);
            link_again(link);
        }
        link_close(link);
    }
    clock_source = true_clock;
}

/* What was resumed without being judged is not kept as judged, whatever flags a later call has. */
static void unverified_stays_unverified(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.flags = 0;
        client.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        for (int i = 0; i < 2; i++) {
            link_establish(link);
            link->client.options.request = 0; /* a later call says nothing of validation */
            uint8_t unsent[256];
            size_t unsent_size = 0;
            if (link->client.in_size != 0) { /* tickets, which are not this call's business */
                assert_status(side_step(&link->client, link, unsent, &unsent_size), SEC_E_OK);
                assert_int_equal(unsent_size, 0);
            }
            uint8_t data[64];
            size_t size;
            link_send(&link->server, &link->client, "x", 1);
            while (link->client.in_size != 0 && link_receive(&link->client, data, &size) == SEC_E_OK) {
            }
            link_again(link);
            link->client.options.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        }
        link->client.options.request = 0;
        assert_false(link_shake(link));
        assert_int_equal(link->client.status, SEC_E_UNTRUSTED_ROOT);
        link_close(link);
    }
}

/* A ticket of a connection that asked for no certificate does not do where one is asked for. */
static void resumption_and_client_certificates(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.certificates[0] = link_certificate("rsa");
        client.certificate_count = 1;
        server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        for (int i = 0; i < 4; i++) {
            link->server.options.request = i < 2 ? 0 : ASC_REQ_MUTUAL_AUTH;
            link_establish(link);
            assert_int_equal(resumed(link), i == 1 || i == 3);
            assert_int_equal(client_certificate_seen(link), i >= 2);
            link_exchange(link, 10);
            link_exchange(link, 10);
            link_again(link);
            if (i == 1 && versions[v] == TLS13) {
                assert_true(SslEmptyCacheA(NULL, 0));
            }
        }
        link_close(link);
    }
}

static void emptied_cache(void **state)
{
    struct link *link = make_version(TLS12);
    for (int i = 0; i < 3; i++) {
        link_establish(link);
        assert_int_equal(resumed(link), i == 1);
        link_again(link);
        assert_true(SslEmptyCacheA(i == 0 ? (LPSTR)(uintptr_t) "mail.example.com" : NULL, 0));
    }
    link_close(link);
}

static void no_reconnects(void **state)
{
    SCHANNEL_SESSION_TOKEN token = {SCHANNEL_SESSION, SSL_SESSION_DISABLE_RECONNECTS};
    struct link *link = make_version(TLS13);
    link_establish(link);
    SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
    SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
    assert_status(ApplyControlToken(&link->client.context, &desc), SEC_E_OK);
    link_exchange(link, 100);
    link_again(link);
    link_establish(link);
    assert_false(resumed(link));
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumption),
        cmocka_unit_test(shared_ticket_keys),
        cmocka_unit_test(resumption_ends),
        cmocka_unit_test(emptied_cache),
        cmocka_unit_test(unverified_stays_unverified),
        cmocka_unit_test(resumption_and_client_certificates),
        cmocka_unit_test(no_reconnects),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel resumption", tests, NULL, NULL);
}
