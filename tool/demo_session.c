#include "demo.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "exchange.h"
#include "facts.h"
#include "party.h"
#include "terminal.h"

#include "security.h"

#define TARGET "HTTP/demo.example.com"
#define WORDS  "signed, sealed, delivered"
#define REQUEST                                                                                                        \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_INTEGRITY | ISC_REQ_CONFIDENTIALITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT)
#define BULK   (8u * 1024)
#define ROUNDS 200

struct session {
    CredHandle client_credential, server_credential;
    bool has_client_credential, has_server_credential;
    struct party client, server;
    SecPkgContext_Sizes sizes;
    struct exchange exchange;
};

/* One message from one side to the other. */
struct message {
    uint8_t token[256];
    uint8_t data[BULK];
    SecBuffer buffers[2];
    SecBufferDesc list;
};

static void message_fill(struct message *message, const struct session *session, const void *data, size_t size,
                         bool sealed)
{
    memcpy(message->data, data, size);
    ULONG token = sealed ? session->sizes.cbSecurityTrailer : session->sizes.cbMaxSignature;
    message->buffers[0] = (SecBuffer){token, SECBUFFER_TOKEN, message->token};
    message->buffers[1] = (SecBuffer){(ULONG)size, SECBUFFER_DATA, message->data};
    message->list = (SecBufferDesc){SECBUFFER_VERSION, 2, message->buffers};
}

static void check_status(struct demo *demo, bool happened, const char *what, SECURITY_STATUS status)
{
    char number[11];
    demo_check(demo, happened, what, status_text(status, number));
}

static void check_signed(struct demo *demo, struct session *session, bool from_client, const char *what)
{
    static struct message message;
    CtxtHandle *from = from_client ? &session->client.context : &session->server.context;
    CtxtHandle *to = from_client ? &session->server.context : &session->client.context;
    ULONG qop = 0;
    message_fill(&message, session, WORDS, strlen(WORDS), false);
    SECURITY_STATUS status = MakeSignature(from, 0, &message.list, 0);
    if (status == SEC_E_OK) {
        status = VerifySignature(to, &message.list, 0, &qop);
    }
    check_status(demo, status == SEC_E_OK, what, status);
}

static void check_sealed(struct demo *demo, struct session *session, bool from_client, const char *what)
{
    static struct message message;
    CtxtHandle *from = from_client ? &session->client.context : &session->server.context;
    CtxtHandle *to = from_client ? &session->server.context : &session->client.context;
    ULONG qop = 0;
    message_fill(&message, session, WORDS, strlen(WORDS), true);
    SECURITY_STATUS status = EncryptMessage(from, 0, &message.list, 0);
    bool hidden = memcmp(message.data, WORDS, strlen(WORDS)) != 0;
    if (status == SEC_E_OK) {
        status = DecryptMessage(to, &message.list, 0, &qop);
    }
    bool same = memcmp(message.data, WORDS, strlen(WORDS)) == 0;
    check_status(demo, status == SEC_E_OK && hidden && same, what, status);
}

/* The last message of the session: after it the two sides no longer agree, as it has to be. */
static void check_altered(struct demo *demo, struct session *session)
{
    static struct message message;
    ULONG qop = 0;
    message_fill(&message, session, WORDS, strlen(WORDS), true);
    SECURITY_STATUS status = EncryptMessage(&session->client.context, 0, &message.list, 0);
    message.data[3] ^= 1;
    if (status == SEC_E_OK) {
        status = DecryptMessage(&session->server.context, &message.list, 0, &qop);
    }
    check_status(demo, status == SEC_E_MESSAGE_ALTERED, "a sealed message with one bit changed is refused", status);
}

/* Sealed here and opened there, ROUNDS times; megabytes a second, or 0. */
static double bulk_rate(struct session *session)
{
    static struct message message;
    static uint8_t data[BULK];
    ULONG qop = 0;
    uint64_t start = party_clock();
    for (int i = 0; i < ROUNDS; i++) {
        message_fill(&message, session, data, sizeof data, true);
        if (EncryptMessage(&session->client.context, 0, &message.list, 0) != SEC_E_OK ||
            DecryptMessage(&session->server.context, &message.list, 0, &qop) != SEC_E_OK) {
            return 0;
        }
    }
    return (double)ROUNDS * BULK * 1e3 / (double)(party_clock() - start);
}

static void show_attributes(struct demo *demo, struct session *session)
{
    AUTO_FACTS facts = party_facts(&session->server);
    facts_print(stdout, facts, 5);
    QueryContextAttributesA(&session->client.context, SECPKG_ATTR_SIZES, &session->sizes);
    demo_check(demo, strcmp(facts_get(facts, "user"), "DEMO\\alice") == 0, "the server knows its client",
               facts_get(facts, "user"));
    const char *target = facts_get(facts, "target_name"); /* Kerberos adds the realm */
    bool same = strncmp(target, TARGET, strlen(TARGET)) == 0 && strchr("@", target[strlen(TARGET)]) != NULL;
    demo_check(demo, same, "and whom the client meant", target);
}

static void close_session(struct session *session)
{
    party_reset(&session->client);
    party_reset(&session->server);
    if (session->has_client_credential) {
        FreeCredentialsHandle(&session->client_credential);
    }
    if (session->has_server_credential) {
        FreeCredentialsHandle(&session->server_credential);
    }
    exchange_clear(&session->exchange);
}

/* Whole handshakes, both sides; microseconds each, or 0. */
static double handshake_time(struct session *session)
{
    uint64_t start = party_clock();
    for (int i = 0; i < ROUNDS; i++) {
        struct party client = {.acceptor = false};
        struct party server = {.acceptor = true, .speaks_first = session->server.speaks_first};
        AUTO_EXCHANGE exchange = {.count = 0};
        SECURITY_STATUS status = party_handshake(&client, &session->client_credential, &server,
                                                 &session->server_credential, TARGET, REQUEST, &exchange);
        party_reset(&client);
        party_reset(&server);
        if (status != SEC_E_OK) {
            return 0;
        }
    }
    return (double)(party_clock() - start) / 1e3 / ROUNDS;
}

static SECURITY_STATUS establish(struct session *session, const char *package, const struct login *login)
{
    TRY(party_credential(package, false, login, &session->client_credential));
    session->has_client_credential = true;
    TRY(party_credential(package, true, NULL, &session->server_credential));
    session->has_server_credential = true;
    return party_handshake(&session->client, &session->client_credential, &session->server, &session->server_credential,
                           TARGET, REQUEST, &session->exchange);
}

static void protect(struct demo *demo, struct session *session)
{
    char detail[96];
    check_signed(demo, session, true, "a signed message, client to server");
    check_signed(demo, session, false, "a signed message, server to client");
    check_sealed(demo, session, true, "a sealed message, client to server");
    check_sealed(demo, session, false, "a sealed message, server to client");
    double rate = bulk_rate(session);
    double time = handshake_time(session);
    snprintf(detail, sizeof detail, "%.0f microseconds a handshake, %.0f MB/s sealed and opened", time, rate);
    demo_check(demo, rate > 0 && time > 0, "200 more of each", detail);
    check_altered(demo, session);
}

/* With WDigest the server has to begin.  A server that begins with Negotiate hears SPNEGO; a client that begins, and has
 * NTLM alone, sends that as it is. */
void demo_session(struct demo *demo, const char *package)
{
    bool speaks_first = strcmp(package, "WDigest") == 0 || strcmp(package, "Negotiate") == 0;
    struct session session = {.server = {.acceptor = true, .speaks_first = speaks_first}};
    struct session stranger = {.server = {.acceptor = true, .speaks_first = speaks_first}};
    struct login wrong = demo->alice;
    SECURITY_STATUS status = establish(&session, package, &demo->alice);
    exchange_print(stdout, &session.exchange);
    check_status(demo, status == SEC_E_OK, "an authenticated session", status);
    if (status == SEC_E_OK) {
        show_attributes(demo, &session);
        protect(demo, &session);
    }
    close_session(&session);
    wrong.password = (char *)"not her password";
    status = establish(&stranger, package, &wrong);
    check_status(demo, status == SEC_E_LOGON_DENIED, "a wrong password is refused", status);
    close_session(&stranger);
}
