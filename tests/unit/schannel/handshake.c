/* Handshakes of a client and a server of one process, over every protocol version, cut in every way. */
#include "link.h"

static struct side_options client_options(DWORD protocols)
{
    return (struct side_options){
        .protocols = protocols, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
}

static struct side_options server_options(DWORD protocols, const char *kind)
{
    return (struct side_options){
        .protocols = protocols, .certificates = {link_certificate(kind)}, .certificate_count = 1};
}

static struct link *open_link(DWORD protocols, const char *kind)
{
    struct link *link = calloc(1, sizeof *link);
    struct side_options client = client_options(protocols & SP_PROT_CLIENTS ? protocols : protocols);
    struct side_options server = server_options(protocols, kind);
    link_open(link, &client, &server);
    return link;
}

static void exchange_all(struct link *link)
{
    static const size_t sizes[] = {1, 0, 64, 1024, 16384, 5};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        link_exchange(link, sizes[i]);
    }
}

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3, SP_PROT_TLS1_2 | SP_PROT_TLS1_3,
                                 SP_PROT_TLS1_1, SP_PROT_TLS1_0, 0};
static const char *const kinds[] = {"p256", "rsa", "ed25519"};

static void every_version_and_key(void **state)
{
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
        for (size_t k = 0; k < 3; k++) {
            bool old = versions[v] == SP_PROT_TLS1_0 || versions[v] == SP_PROT_TLS1_1;
            if (old && k == 2) {
                continue; /* Ed25519 is for TLS 1.2 and later (RFC 8422 5.1) */
            }
            struct link *link = open_link(versions[v], kinds[k]);
            link_establish(link);
            exchange_all(link);
            link_close(link);
        }
    }
}

static void byte_at_a_time(void **state)
{
    for (size_t v = 0; v < 3; v++) {
        struct link *link = open_link(versions[v], "p256");
        link->chunk = 1;
        link_establish(link);
        exchange_all(link);
        link_close(link);
    }
}

static void random_chunks(void **state)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct link *link = open_link(versions[seed % 3], "p256");
        link->chunk = 1 + seed * 13;
        link->random = seed;
        link_establish(link);
        link_exchange(link, 100);
        link_close(link);
    }
}

static void small_output(void **state)
{
    for (size_t v = 0; v < 3; v++) {
        struct link *link = open_link(versions[v], "rsa");
        link->room = 16;
        link_establish(link);
        exchange_all(link);
        link_close(link);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_and_key),
        cmocka_unit_test(byte_at_a_time),
        cmocka_unit_test(random_chunks),
        cmocka_unit_test(small_output),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel handshake", tests, NULL, NULL);
}
