#include "demo.h"

#include <event2/buffer.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "child.h"
#include "command.h"
#include "facts.h"
#include "rdp.h"
#include "terminal.h"
#include "tls.h"

#include "credssp.h"

#define NAME     "localhost"
#define WORDS    "signed, sealed, delivered"
#define PATIENCE 20000 /* milliseconds for anything to happen */

/* Both sides in this process; what one writes is what the other reads. */
struct talk {
    struct tls client, server;
    struct evbuffer *to_server, *to_client, *read;
};

static void talk_begin(struct talk *talk, struct tls_credential *client, struct tls_credential *server,
                       const char *name)
{
    bool credssp = client->options->credssp;
    *talk = (struct talk){
        .to_server = need(evbuffer_new()), .to_client = need(evbuffer_new()), .read = need(evbuffer_new())};
    tls_init(&talk->client, client, name, credssp ? NULL : "demo");
    tls_init(&talk->server, server, NULL, credssp ? NULL : "demo");
    talk->client.request = credssp ? ISC_REQ_DELEGATE : 0;
    tls_begin(&talk->client, talk->to_server);
    while (evbuffer_get_length(talk->to_server) > 0 || evbuffer_get_length(talk->to_client) > 0) {
        tls_receive(&talk->server, talk->to_server, talk->read, talk->to_client);
        tls_receive(&talk->client, talk->to_client, talk->read, talk->to_server);
    }
}

static void talk_end(struct talk *talk)
{
    tls_clear(&talk->client);
    tls_clear(&talk->server);
    evbuffer_free(talk->to_server);
    evbuffer_free(talk->to_client);
    evbuffer_free(talk->read);
}

/* What one side says arrives at the other, and not as it was said. */
static bool carries(struct talk *talk, struct tls *from, struct tls *to, struct evbuffer *wire, struct evbuffer *back)
{
    (void)tls_send(from, (const uint8_t *)WORDS, strlen(WORDS), wire);
    bool hidden = evbuffer_search(wire, WORDS, strlen(WORDS), NULL).pos < 0;
    tls_receive(to, wire, talk->read, back);
    bool same = evbuffer_get_length(talk->read) == strlen(WORDS) &&
                memcmp(evbuffer_pullup(talk->read, -1), WORDS, strlen(WORDS)) == 0;
    evbuffer_drain(talk->read, evbuffer_get_length(talk->read));
    return hidden && same;
}

static void check_version(struct demo *demo, struct tls_credential *client, struct tls_credential *server,
                          const char *version)
{
    struct talk talk;
    char what[64];
    char number[11];
    talk_begin(&talk, client, server, NAME);
    bool open = talk.client.state == TLS_OPEN && talk.server.state == TLS_OPEN;
    AUTO_FACTS facts = tls_facts(&talk.client);
    snprintf(what, sizeof what, "%s, the certificate verified", version);
    demo_check(demo, open && strcmp(facts_get(facts, "version"), version) == 0, what, facts_get(facts, "cipher_suite"));
    if (open) {
        facts_print(stdout, facts, 5);
        demo_check(demo, carries(&talk, &talk.client, &talk.server, talk.to_server, talk.to_client),
                   "a record, client to server", "");
        demo_check(demo, carries(&talk, &talk.server, &talk.client, talk.to_client, talk.to_server),
                   "a record, server to client", "");
        tls_goodbye(&talk.client, talk.to_server);
        tls_receive(&talk.server, talk.to_server, talk.read, talk.to_client);
        demo_check(demo, talk.server.state == TLS_CLOSED, "and a goodbye", "");
    } else if (talk.client.reason != NULL) {
        complain_reason(version, talk.client.status, talk.client.reason);
    }
    talk_end(&talk);
    talk_begin(&talk, client, server, "www.example.com");
    snprintf(what, sizeof what, "%s, a certificate of another name is refused", version);
    demo_check(demo, talk.client.status == SEC_E_WRONG_PRINCIPAL && talk.server.state == TLS_FAILED, what,
               status_text(talk.client.status, number));
    talk_end(&talk);
}

/* A certificate of a day, its own root. */
static bool make_certificate(struct demo *demo)
{
    struct child child;
    char output[512];
    const char *argv[] = {"openssl",
                          "req",
                          "-x509",
                          "-newkey",
                          "ec",
                          "-pkeyopt",
                          "ec_paramgen_curve:P-256",
                          "-nodes",
                          "-days",
                          "1",
                          "-subj",
                          "/CN=" NAME,
                          "-addext",
                          "subjectAltName=DNS:" NAME ",IP:127.0.0.1",
                          "-keyout",
                          demo->key,
                          "-out",
                          demo->certificate,
                          NULL};
    bool made =
        child_start(&child, argv, NULL, NULL, true) && child_finish(&child, output, sizeof output, PATIENCE) == 0;
    demo_check(demo, made, "a throw-away certificate", made ? demo->certificate : "openssl cannot be run");
    return made;
}

bool demo_tls(struct demo *demo)
{
    static const struct {
        const char *name;
        DWORD protocols;
    } versions[] = {{"TLS 1.2", SP_PROT_TLS1_2}, {"TLS 1.3", SP_PROT_TLS1_3}};
    snprintf(demo->key, sizeof demo->key, "%s/key.pem", demo->directory);
    snprintf(demo->certificate, sizeof demo->certificate, "%s/cert.pem", demo->directory);
    if (!make_certificate(demo)) {
        return false;
    }
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct tls_options options = TLS_OPTIONS_NONE;
        struct tls_options server_options = TLS_OPTIONS_NONE;
        struct tls_credential client;
        struct tls_credential server;
        options.roots = demo->certificate;
        options.protocols = versions[i].protocols;
        server_options.certificate = demo->certificate;
        server_options.key = demo->key;
        if (tls_credential_open(&server, &server_options, true) != EXIT_DONE) {
            demo_check(demo, false, versions[i].name, "no credential for the server");
        } else if (tls_credential_open(&client, &options, false) != EXIT_DONE) {
            demo_check(demo, false, versions[i].name, "no credential for the client");
            tls_credential_close(&server);
        } else {
            check_version(demo, &client, &server, versions[i].name);
            tls_credential_close(&client);
            tls_credential_close(&server);
        }
    }
    return true;
}

/* ---------------------------------------------------------------- CredSSP */

/* What the server got: the packed form ends with the password. */
static bool has_password(const struct demo *demo, struct talk *talk)
{
    SecPkgContext_ClientCreds creds;
    if (QueryContextAttributesA(&talk->server.context, SECPKG_ATTR_CREDS, &creds) != SEC_E_OK) {
        return false;
    }
    size_t size = strlen(demo->alice.password);
    bool same = creds.AuthBufferLen >= 2 * size;
    for (size_t i = 0; same && i < size; i++) {
        same = creds.AuthBuffer[creds.AuthBufferLen - 2 * (size - i)] == (UCHAR)demo->alice.password[i];
    }
    FreeContextBuffer(creds.AuthBuffer);
    return same;
}

static void check_logon(struct demo *demo, struct tls_credential *client, struct tls_credential *server)
{
    struct talk talk;
    char number[11];
    talk_begin(&talk, client, server, "TERMSRV/" NAME);
    bool open = talk.client.state == TLS_OPEN && talk.server.state == TLS_OPEN;
    AUTO_FACTS facts = facts_new();
    if (open) {
        rdp_logon_facts(&talk.client, facts);
    } else if (talk.client.reason != NULL) {
        complain_reason("CREDSSP", talk.client.status, talk.client.reason);
    }
    demo_check(demo, open, "TLS, a logon in it, and the server's key bound to both", facts_get(facts, "mechanism"));
    facts_print(stdout, facts, 5);
    demo_check(demo, open && has_password(demo, &talk), "alice's password, delegated to the server", "");
    demo_check(demo, open && carries(&talk, &talk.client, &talk.server, talk.to_server, talk.to_client),
               "a record, client to server", "");
    talk_end(&talk);
    talk_begin(&talk, client, server, "HTTP/" NAME);
    demo_check(demo, talk.client.status == SEC_E_DELEGATION_POLICY,
               "another service than a terminal server gets nothing: policy", status_text(talk.client.status, number));
    talk_end(&talk);
}

void demo_credssp(struct demo *demo)
{
    struct tls_options options = TLS_OPTIONS_NONE;
    struct tls_options server_options = TLS_OPTIONS_NONE;
    struct tls_credential client;
    struct tls_credential server;
    options.credssp = server_options.credssp = true;
    options.roots = demo->certificate;
    options.login = &demo->alice;
    server_options.certificate = demo->certificate;
    server_options.key = demo->key;
    if (tls_credential_open(&server, &server_options, true) != EXIT_DONE) {
        demo_check(demo, false, "CREDSSP", "no credential for the server");
        return;
    }
    if (tls_credential_open(&client, &options, false) == EXIT_DONE) {
        check_logon(demo, &client, &server);
        tls_credential_close(&client);
    } else {
        demo_check(demo, false, "CREDSSP", "no credential for the client");
    }
    tls_credential_close(&server);
}
