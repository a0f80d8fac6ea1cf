/* An established connection, moved into another process (ExportSecurityContext, ImportSecurityContext).
 *
 * What moves is the protection of records: keys, where both directions stand, what was agreed on, and the peer's own
 * certificate.  OpenSSL's state machine stays behind, so a connection that was moved shakes no hands any more: it seals, opens,
 * follows the peer's key updates and closes.  Two copies would seal different records under one nonce, which gives both away
 * (RFC 5116 3.1), so the first one ends when it is exported, whatever the flags.
 *
 * The blob is ours alone: same library, same machine.  It holds traffic keys, so it is as secret as the connection.
 *
 * | size | field                                                                                        |
 * |    8 | "SSPITLS1"                                                                                   |
 * |    4 | version 1                                                                                    |
 * |    4 | bits: 1 initiator, 2 closed by us, 4 closed by the peer, 8 owes a KeyUpdate, 16 judged, 32 trusted, 64 manual |
 * |  3x2 | protocol, suite, group                                                                       |
 * |  5x4 | flags of the last call; verdict, policy error, chain's errors, chain's information           |
 * |   76 | sending: sequence number and nonce (8 each), IV (12), key or traffic secret (48)             |
 * |   76 | receiving: the same                                                                          |
 * |  5x4 | sizes of target, application protocol, tls-server-end-point, tls-unique, session             |
 * |    n | those; the session is OpenSSL's form, without its master secret                              |
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/openssl_errors.h"
#include "schannel/attributes.h"
#include "schannel/context.h"
#include "schannel/export.h"
#include "schannel/protect.h"
#include "wire/reader.h"

#define VERSION     1
#define MASTER_SIZE 48
#define RANDOM_SIZE 32

enum {
    BIT_INITIATOR = 1,
    BIT_SEND_CLOSED = 2,
    BIT_RECEIVE_CLOSED = 4,
    BIT_UPDATE_DUE = 8,
    BIT_JUDGED = 16,
    BIT_TRUSTED = 32,
    BIT_MANUAL = 64,
};
#define BITS_KNOWN 127

#define NOT_WHOLE "an exported TLS connection is not whole (ImportSecurityContext)"

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'T', 'L', 'S', '1'};

/* ---------------------------------------------------------------- out */

static SECURITY_STATUS check(struct schannel_context *context, uint32_t flags)
{
    REQUIRE(context->completed, SEC_E_OUT_OF_SEQUENCE, "ExportSecurityContext before the handshake is done");
    REQUIRE(context->fast, SEC_E_UNSUPPORTED_FUNCTION,
            "the records of this connection are OpenSSL's (DTLS, or a suite that is no AEAD): they cannot be moved");
    REQUIRE((flags & SECPKG_CONTEXT_EXPORT_RESET_NEW) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "a TLS connection cannot begin again with its first record (SECPKG_CONTEXT_EXPORT_RESET_NEW)");
    bool ended = schannel_state(context) == SCHANNEL_FAILED || context->send.dead || context->receive.dead;
    REQUIRE(!ended, SEC_E_CONTEXT_EXPIRED, "the connection has failed, or was exported before");
    bool busy = schannel_state(context) != SCHANNEL_OPEN || context->outgoing.size != 0 || context->control ||
                context->refusal != 0 || context->repeat.due || context->gathers || context->message_left != 0 ||
                context->asked_late;
    REQUIRE(!busy, SEC_E_OUT_OF_SEQUENCE,
            "a handshake message or an alert is under way, which only this process can end");
    return SEC_E_OK;
}

struct directions {
    struct record_direction send, receive; /* without ciphers */
};

static void wipe_directions(struct directions *directions)
{
    secret_wipe(directions, sizeof *directions);
}

/* A key of TLS 1.2 is forgotten once its cipher is made: it comes out of the master secret again.  A renegotiation that was
 * refused has left other random numbers in the SSL, and so other keys. */
static SECURITY_STATUS rederive(struct schannel_context *context, struct directions *out)
{
    uint8_t master[MASTER_SIZE], client[RANDOM_SIZE], server[RANDOM_SIZE], block[RECORD_KEY_BLOCK] = {0};
    size_t size = SSL_SESSION_get_master_key(SSL_get_session(context->ssl), master, sizeof master);
    (void)SSL_get_client_random(context->ssl, client, sizeof client);
    (void)SSL_get_server_random(context->ssl, server, sizeof server);
    SECURITY_STATUS status =
        record_key_block(context->suite, bytes_of(master, size), BYTES(client), BYTES(server), block);
    if (status >= 0) {
        status =
            record_init_tls12_pair(&out->send, &out->receive, context->suite, context->base.initiator, BYTES(block));
    }
    secret_wipe(master, sizeof master);
    secret_wipe(block, sizeof block);
    TRY(status);
    REQUIRE(memcmp(out->send.iv, context->send.iv, RECORD_NONCE) == 0 &&
                memcmp(out->receive.iv, context->receive.iv, RECORD_NONCE) == 0,
            SEC_E_UNSUPPORTED_FUNCTION,
            "after a renegotiation that was refused the connection's keys cannot be had again");
    return SEC_E_OK;
}

static SECURITY_STATUS directions_of(struct schannel_context *context, struct directions *out)
{
    memset(out, 0, sizeof *out);
    bool kept = context->version == TLS1_3_VERSION || context->moved != NULL;
    if (!kept) {
        TRY(rederive(context, out));
    } else {
        REQUIRE(context->version == TLS1_3_VERSION || (context->send.cipher == NULL && context->receive.cipher == NULL),
                SEC_E_UNSUPPORTED_FUNCTION, "a connection of TLS 1.2 that was moved and used cannot be moved again");
        memcpy(out->send.secret, context->send.secret, RECORD_SECRET_MAX);
        memcpy(out->receive.secret, context->receive.secret, RECORD_SECRET_MAX);
        memcpy(out->send.iv, context->send.iv, RECORD_NONCE);
        memcpy(out->receive.iv, context->receive.iv, RECORD_NONCE);
    }
    out->send.sequence = context->send.sequence;
    out->send.nonce_base = context->send.nonce_base;
    out->receive.sequence = context->receive.sequence;
    out->receive.nonce_base = context->receive.nonce_base;
    return SEC_E_OK;
}

static void write_direction(const struct record_direction *direction, struct writer *out)
{
    write_u64le(out, direction->sequence);
    write_u64le(out, direction->nonce_base);
    write_bytes(out, BYTES(direction->iv));
    write_bytes(out, BYTES(direction->secret));
}

static void free_session(SSL_SESSION **session)
{
    SSL_SESSION_free(*session);
}

/* Whom the peer is, in OpenSSL's form; without what could resume the session. */
static SECURITY_STATUS session_of(struct schannel_context *context, struct secret *out)
{
    static const uint8_t nothing[MASTER_SIZE];
    AUTO(free_session) SSL_SESSION *copy = SSL_SESSION_dup(SSL_get_session(context->ssl));
    int size = copy != NULL && SSL_SESSION_set1_master_key(copy, nothing, sizeof nothing) == 1
                   ? i2d_SSL_SESSION(copy, NULL)
                   : 0;
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session");
    TRY(secret_alloc(out, (size_t)size));
    uint8_t *at = out->data;
    (void)i2d_SSL_SESSION(copy, &at);
    return SEC_E_OK;
}

/* An attribute's bytes; empty where there is no such one. */
static SECURITY_STATUS known_bytes(struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    SECURITY_STATUS status = schannel_query(&context->base, attribute, out);
    if (status < 0 && status != SEC_E_INSUFFICIENT_MEMORY) {
        status_begin(); /* that is no failure of the export */
        out->bytes = BYTES_NONE;
        return SEC_E_OK;
    }
    return status;
}

static uint32_t bits_of(const struct schannel_context *context)
{
    return (context->base.initiator ? BIT_INITIATOR : 0) | (context->send_closed ? BIT_SEND_CLOSED : 0) |
           (context->receive_closed ? BIT_RECEIVE_CLOSED : 0) |
           (atomic_load_explicit(&context->update_due, memory_order_relaxed) ? BIT_UPDATE_DUE : 0) |
           (context->judged ? BIT_JUDGED : 0) | (context->trusted ? BIT_TRUSTED : 0) |
           (context->manual ? BIT_MANUAL : 0);
}

static void write_numbers(const struct schannel_context *context, uint16_t group, struct writer *out)
{
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u32le(out, bits_of(context));
    write_u16le(out, context->version);
    write_u16le(out, context->suite->id);
    write_u16le(out, group);
    write_u32le(out, context->request);
    write_u32le(out, (uint32_t)context->verdict);
    write_u32le(out, (uint32_t)context->policy_error);
    write_u32le(out, context->chain_errors);
    write_u32le(out, context->chain_info);
}

SECURITY_STATUS schannel_export(struct context *base, uint32_t flags, struct writer *out)
{
    struct schannel_context *context = (struct schannel_context *)base;
    TRY(check(context, flags));
    AUTO(wipe_directions) struct directions directions;
    openssl_errors_mark();
    SECURITY_STATUS status = directions_of(context, &directions);
    AUTO_SECRET session = {0};
    if (status >= 0) {
        status = session_of(context, &session);
    }
    openssl_errors_forget();
    TRY(status);
    AUTO_ATTRIBUTE group = {0}, protocol = {0}, endpoint = {0}, unique = {0};
    TRY(schannel_query(base, SECPKG_ATTR_CONNECTION_INFO, &group));
    TRY(schannel_query(base, SECPKG_ATTR_APPLICATION_PROTOCOL, &protocol));
    TRY(known_bytes(context, SECPKG_ATTR_ENDPOINT_BINDINGS, &endpoint));
    TRY(known_bytes(context, SECPKG_ATTR_UNIQUE_BINDINGS, &unique));
    write_numbers(context, group.connection.group, out);
    write_direction(&directions.send, out);
    write_direction(&directions.receive, out);
    const struct bytes parts[] = {utf16_bytes(context->target), protocol.protocol, endpoint.bytes, unique.bytes,
                                  secret_bytes(&session)};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        write_u32le(out, (uint32_t)parts[i].size);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        write_bytes(out, parts[i]);
    }
    return SEC_E_OK;
}

void schannel_exported(struct context *base)
{
    struct schannel_context *context = (struct schannel_context *)base;
    record_wipe(&context->send);
    record_wipe(&context->receive);
    context->send.dead = context->receive.dead = true; /* an alert that ApplyControlToken leaves has no keys any more */
    secret_wipe(context->secrets, sizeof context->secrets);
    context->send_closed = context->receive_closed = true;
    schannel_enter(context, SCHANNEL_FAILED);
}

/* ---------------------------------------------------------------- in */

struct parcel {
    uint32_t bits, request, verdict, policy_error, chain_errors, chain_info;
    uint16_t version, suite, group;
    struct bytes send, receive, target, protocol, endpoint, unique, session;
};

#define DIRECTION_SIZE (8 + 8 + RECORD_NONCE + RECORD_SECRET_MAX)

static SECURITY_STATUS read_parcel(struct bytes blob, struct parcel *out)
{
    struct reader reader = read_start(blob);
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    REQUIRE(!reader.bad && version == VERSION, SEC_E_INVALID_TOKEN,
            "not an exported TLS connection, or of another version of this library (ImportSecurityContext)");
    out->bits = read_u32le(&reader);
    out->version = read_u16le(&reader);
    out->suite = read_u16le(&reader);
    out->group = read_u16le(&reader);
    out->request = read_u32le(&reader);
    out->verdict = read_u32le(&reader);
    out->policy_error = read_u32le(&reader);
    out->chain_errors = read_u32le(&reader);
    out->chain_info = read_u32le(&reader);
    out->send = read_bytes(&reader, DIRECTION_SIZE);
    out->receive = read_bytes(&reader, DIRECTION_SIZE);
    struct bytes *parts[] = {&out->target, &out->protocol, &out->endpoint, &out->unique, &out->session};
    uint32_t sizes[5];
    for (size_t i = 0; i < 5; i++) {
        sizes[i] = read_u32le(&reader);
    }
    for (size_t i = 0; i < 5; i++) {
        *parts[i] = read_bytes(&reader, sizes[i]);
    }
    TRY(read_end(&reader, NOT_WHOLE));
    REQUIRE((out->bits & ~(uint32_t)BITS_KNOWN) == 0 && out->target.size % 2 == 0 && out->protocol.size <= UINT8_MAX &&
                out->session.size != 0,
            SEC_E_INVALID_TOKEN, NOT_WHOLE);
    return SEC_E_OK;
}

static void read_direction(struct bytes from, struct record_direction *out)
{
    struct reader reader = read_start(from);
    out->sequence = read_u64le(&reader);
    out->nonce_base = read_u64le(&reader);
    struct writer iv = write_into(out->iv, sizeof out->iv), secret = write_into(out->secret, sizeof out->secret);
    write_bytes(&iv, read_bytes(&reader, sizeof out->iv));
    write_bytes(&secret, read_bytes(&reader, sizeof out->secret));
}

/* Directions of this suite, with what the parcel says in place of what a handshake would have left. */
static SECURITY_STATUS take_directions(struct schannel_context *context, const struct parcel *parcel)
{
    static const uint8_t nothing[RECORD_KEY_BLOCK];
    const struct suite *suite = suite_find(parcel->suite);
    bool tls13 = parcel->version == TLS1_3_VERSION;
    REQUIRE(suite != NULL && suite_is_aead(suite) && suite->tls13 == tls13 &&
                (tls13 || parcel->version == TLS1_2_VERSION),
            SEC_E_INVALID_TOKEN, NOT_WHOLE);
    if (tls13) {
        struct bytes secret = bytes_of(nothing, suite->hash == SUITE_SHA384 ? 48 : 32);
        TRY(record_init_tls13(&context->send, suite, true, secret));
        TRY(record_init_tls13(&context->receive, suite, false, secret));
    } else {
        TRY(record_init_tls12_pair(&context->send, &context->receive, suite, context->base.initiator, BYTES(nothing)));
    }
    read_direction(parcel->send, &context->send);
    read_direction(parcel->receive, &context->receive);
    context->suite = suite;
    context->version = parcel->version;
    return SEC_E_OK;
}

/* A credential that nobody sees: it has nothing to show, and is never used to shake hands. */
static SECURITY_STATUS take_credential(struct schannel_context *context)
{
    const struct credential_in in = {.use = SECPKG_CRED_OUTBOUND};
    struct credential *credential = NULL;
    uint64_t expiry;
    TRY(credential_acquire(&schannel_package, &in, HANDLE_CREDENTIAL_PART, &credential, &expiry));
    context->credential = (struct schannel_credential *)credential_hold(credential);
    credential_close(credential);
    return SEC_E_OK;
}

static SECURITY_STATUS take_session(struct schannel_context *context, struct bytes form)
{
    const uint8_t *at = form.data;
    openssl_errors_mark();
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)form.size);
    bool whole = session != NULL && at == form.data + form.size;
    context->ssl = whole ? SSL_new(context->credential->ssl_ctx) : NULL;
    bool set = context->ssl != NULL && SSL_set_session(context->ssl, session) == 1;
    SSL_SESSION_free(session);
    openssl_errors_forget();
    REQUIRE(whole, SEC_E_INVALID_TOKEN, NOT_WHOLE);
    REQUIRE(set, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a connection");
    return SEC_E_OK;
}

static SECURITY_STATUS take_moved(struct schannel_context *context, const struct parcel *parcel)
{
    context->moved = calloc(1, sizeof *context->moved);
    REQUIRE(context->moved != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context->moved->group = parcel->group;
    TRY(secret_copy(&context->moved->protocol, parcel->protocol));
    TRY(secret_copy(&context->moved->endpoint, parcel->endpoint));
    return secret_copy(&context->moved->unique, parcel->unique);
}

void schannel_moved_free(struct schannel_moved *moved)
{
    if (moved != NULL) {
        secret_free(&moved->protocol);
        secret_free(&moved->endpoint);
        secret_free(&moved->unique);
        free(moved);
    }
}

static void dispose_half_made(struct schannel_context **context)
{
    if (*context != NULL) {
        schannel_dispose(&(*context)->base);
    }
}

SECURITY_STATUS schannel_import(struct bytes blob, struct context **out_context)
{
    struct parcel parcel = {0};
    TRY(read_parcel(blob, &parcel));
    AUTO(dispose_half_made) struct schannel_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, &schannel_package, (parcel.bits & BIT_INITIATOR) != 0);
    TRY(take_credential(context));
    TRY(take_directions(context, &parcel));
    TRY(take_session(context, parcel.session));
    TRY(take_moved(context, &parcel));
    TRY(utf16_copy(utf16_of(parcel.target), &context->target));
    context->request = parcel.request;
    context->verdict = (SECURITY_STATUS)parcel.verdict;
    context->policy_error = (int32_t)parcel.policy_error;
    context->chain_errors = parcel.chain_errors;
    context->chain_info = parcel.chain_info;
    context->send_closed = (parcel.bits & BIT_SEND_CLOSED) != 0;
    context->receive_closed = (parcel.bits & BIT_RECEIVE_CLOSED) != 0;
    context->judged = (parcel.bits & BIT_JUDGED) != 0;
    context->trusted = (parcel.bits & BIT_TRUSTED) != 0;
    context->manual = (parcel.bits & BIT_MANUAL) != 0;
    atomic_store_explicit(&context->update_due, (parcel.bits & BIT_UPDATE_DUE) != 0, memory_order_relaxed);
    context->sizes = protect_sizes(context->suite, context->version);
    context->base.established = context->completed = context->fast = context->no_handshakes = true;
    schannel_enter(context, SCHANNEL_OPEN);
    *out_context = &STEAL(context)->base;
    return SEC_E_OK;
}
