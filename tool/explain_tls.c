/* Explaining TLS and DTLS: records as they go over the wire, one flight a token. */
#include "explain_tls.h"

#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "explain.h"
#include "schannel/alerts.h"
#include "schannel/record.h"
#include "terminal.h"
#include "tls.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define RECORD_HEAD     5
#define DATAGRAM_HEAD   13
#define RECORD_BODY_MAX (16384 + 2048) /* RFC 5246 6.2.3 */
#define HEARTBEAT       24
#define MESSAGES_MAX    (1u << 20)

enum message {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HELLO_VERIFY_REQUEST = 3,
    NEW_SESSION_TICKET = 4,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
};

static const struct {
    uint8_t type;
    const char *name, *from; /* NULL: either side's */
} messages[] = {
    {0, "HelloRequest", "server"},        {1, "ClientHello", "client"},
    {2, "ServerHello", "server"},         {3, "HelloVerifyRequest", "server"},
    {4, "NewSessionTicket", "server"},    {5, "EndOfEarlyData", "client"},
    {8, "EncryptedExtensions", "server"}, {11, "Certificate", NULL},
    {12, "ServerKeyExchange", "server"},  {13, "CertificateRequest", "server"},
    {14, "ServerHelloDone", "server"},    {15, "CertificateVerify", NULL},
    {16, "ClientKeyExchange", "client"},  {20, "Finished", NULL},
    {22, "CertificateStatus", "server"},  {24, "KeyUpdate", NULL},
};

/* ---------------------------------------------------------------- records */

struct record {
    uint8_t type;
    bool datagram;
    uint16_t version, epoch;
    uint64_t sequence; /* with the epoch; DTLS */
    size_t size;       /* as its header says */
    struct bytes body; /* what is there of it */
};

/* The next record; false when what follows is none. */
static bool next_record(struct reader *reader, struct record *out)
{
    *out = (struct record){.type = read_u8(reader), .version = read_u16be(reader)};
    out->datagram = out->version >> 8 == 0xfe;
    if (out->datagram) {
        out->epoch = read_u16be(reader);
        out->sequence = (uint64_t)read_u16be(reader) << 32;
        out->sequence |= read_u32be(reader);
    }
    out->size = read_u16be(reader);
    bool version = out->datagram ? (out->version & 0xff) >= 0xfc : out->version >> 8 == 3 && (out->version & 0xff) <= 4;
    if (reader->bad || !version || out->type < RECORD_CHANGE_CIPHER_SPEC || out->type > HEARTBEAT ||
        out->size > RECORD_BODY_MAX) {
        return false;
    }
    out->body = read_bytes(reader, out->size < read_left(reader) ? out->size : read_left(reader));
    return true;
}

static bool recognise(struct bytes token)
{
    struct reader reader = read_start(token);
    struct record record;
    return next_record(&reader, &record) && record.size != 0 && record.body.size != 0;
}

/* ---------------------------------------------------------------- a flight */

struct flight {
    struct json_object *facts, *names, *records, *certificates, *odd;
    struct writer handshake; /* of messages in the clear that are not explained yet */
    const char *from;        /* NULL: nobody can tell */
    bool datagram, encrypted;
    char says[600];
};

static void say(struct flight *flight, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds to the flight's line. */
static void say(struct flight *flight, const char *format, ...)
{
    size_t used = strlen(flight->says);
    va_list arguments;
    if (used != 0 && used + 3 < sizeof flight->says) {
        used += (size_t)snprintf(flight->says + used, sizeof flight->says - used, "; ");
    }
    va_start(arguments, format);
    vsnprintf(flight->says + used, sizeof flight->says - used, format, arguments);
    va_end(arguments);
}

static void add_certificates(struct flight *flight, struct bytes body)
{
    struct reader reader = read_start(body);
    size_t size = (size_t)read_u8(&reader) << 16;
    size |= read_u16be(&reader);
    struct reader list = read_sub(&reader, size);
    bool first = true;
    while (read_left(&list) >= 3) {
        size = (size_t)read_u8(&list) << 16;
        size |= read_u16be(&list);
        struct json_object *facts = tls_certificate_facts(read_bytes(&list, size), first);
        if (list.bad || facts == NULL) {
            facts_say(flight->odd, "a certificate that cannot be read");
            json_object_put(facts);
            return;
        }
        if (first) {
            say(flight, "I am %s", facts_get(facts, "subject"));
        }
        json_object_array_add(flight->certificates, facts);
        first = false;
    }
    if (first) {
        say(flight, "I have no certificate");
    }
}

/* The group of an ephemeral key (RFC 8422 5.4); DHE has no name for its own. */
static void add_key_exchange(struct flight *flight, struct bytes body)
{
    char number[24];
    struct reader reader = read_start(body);
    if (read_u8(&reader) == 3) {
        facts_text(flight->facts, "key_exchange_group", tls_group_text(read_u16be(&reader), number));
    }
}

static void add_ticket(struct flight *flight, struct bytes body)
{
    struct reader reader = read_start(body);
    facts_number(flight->facts, "ticket_lifetime_seconds", read_u32be(&reader));
    facts_number(flight->facts, "ticket_bytes", read_u16be(&reader));
}

static void explain_message(struct flight *flight, uint8_t type, struct bytes body)
{
    struct tls_hello hello = {.datagram = flight->datagram};
    const char *name = NULL;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].type == type) {
            name = messages[i].name;
            flight->from = flight->from != NULL ? flight->from : messages[i].from;
        }
    }
    switch (type) {
    case CLIENT_HELLO:
        facts_add(flight->facts, "client_hello", tls_explain_client_hello(body, &hello, flight->odd));
        say(flight, "%s", hello.says);
        break;
    case SERVER_HELLO:
        facts_add(flight->facts, "server_hello", tls_explain_server_hello(body, &hello, flight->odd));
        name = hello.retry ? "HelloRetryRequest" : name;
        say(flight, "%s", hello.says);
        break;
    case HELLO_VERIFY_REQUEST:
        say(flight, "say that again with this cookie, so that I know your address is yours");
        break;
    case NEW_SESSION_TICKET:
        add_ticket(flight, body);
        break;
    case CERTIFICATE:
        add_certificates(flight, body);
        break;
    case SERVER_KEY_EXCHANGE:
        add_key_exchange(flight, body);
        break;
    case CERTIFICATE_REQUEST:
        say(flight, "who are you?");
        break;
    default:
        break;
    }
    if (name != NULL) {
        facts_say(flight->names, "%s", name);
    } else {
        facts_say(flight->names, "message %u", type);
        facts_say(flight->odd, "a handshake message that nobody knows, or an encrypted one");
    }
}

/* What has been collected of messages in the clear. */
static void explain_handshake(struct flight *flight)
{
    struct reader reader = read_start(write_result(&flight->handshake));
    while (read_left(&reader) >= 4) {
        uint8_t type = read_u8(&reader);
        size_t size = (size_t)read_u8(&reader) << 16;
        size |= read_u16be(&reader);
        if (size > read_left(&reader)) {
            facts_say(flight->odd, "a message of %zu bytes, of which %zu are here", size, read_left(&reader));
            size = read_left(&reader);
        }
        explain_message(flight, type, read_bytes(&reader, size));
    }
    write_free(&flight->handshake);
    flight->handshake = write_growing(MESSAGES_MAX);
}

/* A part of a message (RFC 6347 4.2.2): joined when it goes on where the last one ended. */
static void add_fragments(struct flight *flight, struct bytes body)
{
    struct reader reader = read_start(body);
    while (read_left(&reader) >= 12) {
        uint8_t type = read_u8(&reader);
        uint32_t size = (uint32_t)read_u8(&reader) << 16;
        size |= read_u16be(&reader);
        uint16_t number = read_u16be(&reader);
        uint32_t offset = (uint32_t)read_u8(&reader) << 16;
        offset |= read_u16be(&reader);
        uint32_t length = (uint32_t)read_u8(&reader) << 16;
        length |= read_u16be(&reader);
        struct bytes part = read_bytes(&reader, length < read_left(&reader) ? length : read_left(&reader));
        if (offset == 0) {
            explain_handshake(flight);
            write_u8(&flight->handshake, type);
            write_u8(&flight->handshake, (uint8_t)(size >> 16));
            write_u16be(&flight->handshake, (uint16_t)size);
        } else if (flight->handshake.size != offset + 4u) {
            facts_say(flight->odd, "message %u: bytes %u to %u of %u, without those before", number, offset,
                      offset + length, size);
            facts_say(flight->names, "a part of message %u", number);
            continue;
        }
        write_bytes(&flight->handshake, part);
    }
}

static void explain_alert(struct flight *flight, struct bytes body)
{
    struct reader reader = read_start(body);
    uint8_t level = read_u8(&reader);
    uint8_t description = read_u8(&reader);
    char number[11];
    if (flight->encrypted || body.size != 2) {
        facts_say(flight->names, "an encrypted alert");
        return;
    }
    SECURITY_STATUS status = alert_received(level, description);
    struct json_object *facts = facts_new();
    facts_text(facts, "level", level == ALERT_FATAL ? "fatal" : "warning");
    facts_number(facts, "number", description);
    facts_text(facts, "meaning", SSL_alert_desc_string_long(description));
    facts_text(facts, "status_at_the_other_side", status_text(status, number));
    facts_add(flight->facts, "alert", facts);
    facts_say(flight->names, "Alert: %s", SSL_alert_desc_string_long(description));
    say(flight, "%s: %s", level == ALERT_FATAL ? "it is over" : "mind", SSL_alert_desc_string_long(description));
}

static void explain_record(struct flight *flight, const struct record *record)
{
    static const char *const kinds[] = {"ChangeCipherSpec", "Alert", "Handshake", "ApplicationData", "Heartbeat"};
    bool sealed = flight->encrypted || record->epoch != 0;
    char place[48] = "";
    if (record->datagram) {
        snprintf(place, sizeof place, ", epoch %u, number %llu", record->epoch, (unsigned long long)record->sequence);
    }
    facts_say(flight->records, "%s (%s%s, %zu bytes)", kinds[record->type - RECORD_CHANGE_CIPHER_SPEC],
              tls_version_text(record->version), place, record->size);
    if (record->body.size != record->size) {
        facts_say(flight->odd, "the last record is cut: %zu of its %zu bytes are here", record->body.size,
                  record->size);
    }
    if (record->type == RECORD_HANDSHAKE && !sealed) {
        if (record->datagram) {
            add_fragments(flight, record->body);
        } else {
            write_bytes(&flight->handshake, record->body);
        }
        return;
    }
    explain_handshake(flight);
    if (record->type == RECORD_CHANGE_CIPHER_SPEC) {
        flight->encrypted = true;
        facts_say(flight->names, "ChangeCipherSpec");
    } else if (record->type == RECORD_ALERT) {
        flight->encrypted = sealed;
        explain_alert(flight, record->body);
    } else {
        facts_say(flight->names, record->type == RECORD_HANDSHAKE          ? "an encrypted message"
                                 : record->type == RECORD_APPLICATION_DATA ? "encrypted data"
                                                                           : "Heartbeat");
    }
}

/* "TLS: ClientHello", "TLS: ServerHello and 3 more": what fits an arrow. */
static struct json_object *explain_flight(const struct flight *flight)
{
    struct json_object *facts = facts_new();
    char text[120];
    size_t count = json_object_array_length(flight->names);
    const char *first = count != 0 ? json_object_get_string(json_object_array_get_idx(flight->names, 0)) : "a record";
    int used = snprintf(text, sizeof text, "%s: %.60s", flight->datagram ? "DTLS" : "TLS", first);
    if (count > 1) {
        snprintf(text + used, sizeof text - (size_t)used, " and %zu more", count - 1);
    }
    facts_text(facts, "message", text);
    facts_text(facts, "from", flight->from != NULL ? flight->from : "");
    facts_text(facts, "says", flight->says[0] != '\0' ? flight->says : "nothing that can be read without the keys");
    facts_add(facts, "messages", flight->names);
    json_object_object_foreach(flight->facts, name, value)
    {
        facts_add(facts, name, json_object_get(value));
    }
    json_object_put(flight->facts);
    if (json_object_array_length(flight->certificates) != 0) {
        facts_add(facts, "certificates", flight->certificates);
    } else {
        json_object_put(flight->certificates);
    }
    facts_add(facts, "records", flight->records);
    return facts;
}

static struct json_object *explain(struct bytes token, bool reveal)
{
    struct flight flight = {.facts = facts_new(),
                            .names = facts_list(),
                            .records = facts_list(),
                            .certificates = facts_list(),
                            .odd = facts_list(),
                            .handshake = write_growing(MESSAGES_MAX)};
    struct reader reader = read_start(token);
    struct record record;
    (void)reveal; /* nothing here helps to try passwords */
    while (read_left(&reader) != 0) {
        size_t left = read_left(&reader);
        if (!next_record(&reader, &record)) {
            facts_say(flight.odd, "%zu bytes follow that are no record", left);
            break;
        }
        flight.datagram = record.datagram;
        explain_record(&flight, &record);
    }
    explain_handshake(&flight);
    write_free(&flight.handshake);
    struct json_object *facts = explain_flight(&flight);
    facts_number(facts, "bytes", token.size);
    facts_add(facts, "odd", flight.odd);
    return facts;
}

/* ---------------------------------------------------------------- both sides */

/* The body of a hello at the beginning of a flight. */
static struct bytes hello_of(struct bytes token, uint8_t type, bool *out_datagram)
{
    struct reader reader = read_start(token);
    struct record record;
    if (!next_record(&reader, &record) || record.type != RECORD_HANDSHAKE) {
        return BYTES_NONE;
    }
    struct reader body = read_start(record.body);
    if (read_u8(&body) != type) {
        return BYTES_NONE;
    }
    read_bytes(&body, record.datagram ? 11 : 3);
    *out_datagram = record.datagram;
    return read_bytes(&body, read_left(&body));
}

static void compare(const struct exchange *exchange, struct json_object *odd)
{
    struct bytes client = BYTES_NONE;
    bool datagram = false;
    for (size_t i = 0; i < exchange->count; i++) {
        struct bytes said = hello_of(exchange->legs[i].token, CLIENT_HELLO, &datagram);
        struct bytes answer = hello_of(exchange->legs[i].token, SERVER_HELLO, &datagram);
        client = said.size != 0 ? said : client;
        if (answer.size != 0 && client.size != 0) {
            struct tls_hello hello = {.datagram = datagram};
            AUTO_FACTS ignored = facts_list();
            AUTO_FACTS facts = tls_explain_server_hello(answer, &hello, ignored);
            if (!tls_hello_offers(client, datagram, hello.suite)) {
                facts_say(odd, "the server chose %s, which the client did not offer", facts_get(facts, "cipher_suite"));
            }
        }
    }
}

const struct explainer tls_explainer = {
    .name = "Schannel",
    .recognise = recognise,
    .explain = explain,
    .compare = compare,
};
