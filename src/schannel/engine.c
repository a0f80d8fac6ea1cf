#include "schannel/engine.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "crypto/openssl_errors.h"
#include "schannel/alert_cbc.h"
#include "schannel/alerts.h"
#include "schannel/engine_io.h"
#include "schannel/identity.h"
#include "schannel/judge.h"
#include "schannel/kdf.h"
#include "schannel/protect.h"
#include "schannel/psk.h"
#include "schannel/record_keys.h"
#include "schannel/staple.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- what OpenSSL tells */

/* Traffic secrets, at the moment when their keys are put to use: records count from here. */
static void on_traffic_secret(void *argument, bool client, struct bytes secret)
{
    struct schannel_context *context = argument;
    struct writer writer = write_into(context->secrets[client ? 0 : 1], RECORD_SECRET_MAX);
    write_bytes(&writer, secret);
    context->handshake->has_secret[client ? 0 : 1] = true;
    if (client == context->base.initiator) {
        context->openssl_sent = 0;
    } else {
        context->openssl_received = 0;
    }
}

static void on_key_block(void *argument, struct bytes block)
{
    struct schannel_handshake *handshake = ((struct schannel_context *)argument)->handshake;
    struct reader reader = read_start(block);
    struct writer writer = write_into(handshake->key_block, sizeof handshake->key_block);
    write_bytes(&writer, read_bytes(&reader, block.size < RECORD_KEY_BLOCK ? block.size : RECORD_KEY_BLOCK));
    handshake->key_block_size = writer.size;
}

/* Around every call into OpenSSL that may shake hands: its errors are ours, and so are the secrets it derives. */
static void enter(struct schannel_context *context, struct kdf_listener *listener)
{
    openssl_errors_mark();
    *listener = (struct kdf_listener){on_traffic_secret, on_key_block, context};
    kdf_listen(listener);
}

static void leave(void)
{
    kdf_listen(NULL);
    openssl_errors_forget();
}

/* Counts records while OpenSSL reads and writes them itself, and remembers alerts. */
static void on_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL) {
        return;
    }
    if (type == SSL3_RT_HEADER && sent) {
        alert_cbc_on_header(context, bytes_of(data, size));
    } else if (type == SSL3_RT_HANDSHAKE && sent != context->base.initiator && size > 4 &&
               *(const uint8_t *)data == 2) {
        alert_cbc_on_server_hello(context, bytes_of(data, size));
    }
    if (type == SSL3_RT_HEADER && !context->completed) {
        *(sent ? &context->openssl_sent : &context->openssl_received) += 1;
    } else if (type == SSL3_RT_ALERT && size == 2) {
        struct reader reader = read_start(bytes_of(data, size));
        uint8_t *alert = sent ? context->alert_sent : context->alert_received;
        alert[0] = read_u8(&reader);
        alert[1] = read_u8(&reader);
    }
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL || !context->session_wanted || context->credential->sessions == NULL) {
        return 0;
    }
    schannel_sessions_put(context->credential->sessions, context->target, context->trusted, context->peer_since,
                          session);
    return 1; /* the reference is the cache's */
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                   unsigned int in_size, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL || context->handshake == NULL || context->handshake->alpn.size == 0) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    unsigned char *chosen = NULL;
    int found = SSL_select_next_proto(&chosen, out_size, context->handshake->alpn.data,
                                      (unsigned)context->handshake->alpn.size, in, in_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2 */
}

static int on_server_name(SSL *ssl, int *alert, void *argument)
{
    return SSL_TLSEXT_ERR_OK; /* identity.c looks at it when a certificate is due */
}

void engine_prepare(SSL_CTX *ssl_ctx, bool server)
{
    SSL_CTX_set_msg_callback(ssl_ctx, on_message);
    SSL_CTX_set_cert_cb(ssl_ctx, identity_choose, NULL);
    SSL_CTX_set_cert_verify_callback(ssl_ctx, judge_peer, NULL);
    if (server) {
        SSL_CTX_set_alpn_select_cb(ssl_ctx, on_alpn, NULL);
        SSL_CTX_set_tlsext_servername_callback(ssl_ctx, on_server_name);
        SSL_CTX_set_tlsext_status_cb(ssl_ctx, staple_give);
    } else {
        SSL_CTX_sess_set_new_cb(ssl_ctx, on_session);
        SSL_CTX_set_tlsext_status_cb(ssl_ctx, judge_staple);
    }
}

/* ---------------------------------------------------------------- making and ending */

SECURITY_STATUS engine_handshake_begin(struct schannel_context *context)
{
    if (context->handshake == NULL) {
        context->handshake = calloc(1, sizeof *context->handshake);
        REQUIRE(context->handshake != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a handshake");
    }
    context->handshake->bridge_in = context->handshake->bridge_out = context->completed && context->fast;
    engine_io_open(context);
    return SEC_E_OK;
}

void engine_handshake_end(struct schannel_context *context)
{
    struct schannel_handshake *handshake = context->handshake;
    if (handshake != NULL) {
        write_free(&handshake->bridged);
        free(handshake->alpn_owned);
        secret_free(&handshake->psk);
        secret_free(&handshake->psk_identity);
        secret_wipe(handshake, sizeof *handshake);
        free(handshake);
        context->handshake = NULL;
    }
    if (context->outgoing.size == 0) {
        write_free(&context->outgoing);
        context->outgoing = (struct writer){0};
    }
}

/* A session that this client may resume; it stays in the cache unless it is a ticket of TLS 1.3. */
static void offer_session(struct schannel_context *context)
{
    SSL_SESSION *session =
        schannel_sessions_take(context->credential->sessions, context->target, !context->manual, &context->peer_since);
    if (session != NULL) {
        SSL_set_session(context->ssl, session);
        context->handshake->offered = session;
        context->trusted = !context->manual; /* unless the server shows its certificate again */
        SSL_SESSION_free(session);           /* the SSL has its own reference */
    }
}

SECURITY_STATUS engine_new(struct schannel_context *context)
{
    openssl_errors_mark();
    context->ssl = SSL_new(context->credential->ssl_ctx);
    bool made = context->ssl != NULL && SSL_set_app_data(context->ssl, context) == 1;
    SECURITY_STATUS status = made ? engine_io_attach(context) : SEC_E_INSUFFICIENT_MEMORY;
    openssl_errors_forget();
    REQUIRE(status == SEC_E_OK, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a connection");
    if (!context->base.initiator) {
        SSL_set_accept_state(context->ssl);
        /* One ticket of TLS 1.3, as Windows sends, for a session that may be resumed; OpenSSL would send two to anybody. */
        SSL_set_num_tickets(context->ssl, context->session_wanted ? 1 : 0);
        if (!context->session_wanted) { /* a ticket could not be taken back; an identifier can be made good later */
            SSL_set_options(context->ssl, SSL_OP_NO_TICKET);
        }
        return engine_handshake_begin(context);
    }
    SSL_set_connect_state(context->ssl);
    SSL_set_post_handshake_auth(context->ssl, 1); /* RFC 8446 4.2.6; TLS 1.3 alone has it */
    if (context->host != NULL) {
        SSL_set_tlsext_host_name(context->ssl, context->host);
    }
    if (context->credential->revocation != REVOCATION_NOBODY && !context->manual) {
        SSL_set_tlsext_status_type(context->ssl, TLSEXT_STATUSTYPE_ocsp);
    }
    TRY(engine_handshake_begin(context));
    if (context->credential->sessions != NULL) {
        offer_session(context);
    }
    return SEC_E_OK;
}

SECURITY_STATUS engine_change_credential(struct schannel_context *context, struct schannel_credential *credential)
{
    REQUIRE(credential->datagram == context->datagram, SEC_E_WRONG_CREDENTIAL_HANDLE,
            "a later call's credential is for DTLS where the connection is TLS, or the reverse");
    SSL_CTX *now = SSL_set_SSL_CTX(context->ssl, credential->ssl_ctx);
    REQUIRE(now == credential->ssl_ctx, SEC_E_INSUFFICIENT_MEMORY, "out of memory for another credential");
    struct schannel_credential *old = context->credential;
    context->credential = (struct schannel_credential *)credential_hold(&credential->base);
    credential_drop(&old->base);
    return SEC_E_OK;
}

void engine_free(struct schannel_context *context)
{
    engine_handshake_end(context);
    write_free(&context->outgoing);
    record_wipe(&context->send);
    record_wipe(&context->receive);
    if (context->ssl != NULL) {
        openssl_errors_mark();
        SSL_set_app_data(context->ssl, NULL);
        if (schannel_state(context) != SCHANNEL_FAILED) { /* else its session is not to be resumed (RFC 5246 7.2) */
            SSL_set_shutdown(context->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
        SSL_free(context->ssl);
        openssl_errors_forget();
    }
    secret_wipe(context->secrets, sizeof context->secrets);
}

/* ---------------------------------------------------------------- verdicts */

/* Something of ours that OpenSSL called, or OpenSSL itself, had no memory. */
static bool out_of_memory(unsigned long error)
{
    SECURITY_STATUS noted = SEC_E_OK;
    bool ours = status_reason(&noted, NULL, NULL) != NULL && noted == SEC_E_INSUFFICIENT_MEMORY;
    return ours || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

/* Why OpenSSL gave up. */
static SECURITY_STATUS failure_reason(struct schannel_context *context)
{
    unsigned long error = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(error);
    TRACE("schannel: OpenSSL gave up: %s", text != NULL ? text : "no reason given");
    if (context->failure < 0) {
        return context->failure;
    }
    if (context->judged && context->verdict < 0 && !context->credential->deferred) {
        FAIL(context->verdict, "the peer's certificate was refused (see SSPI_TRACE for which and why)");
    }
    if (context->alert_received[0] != 0) {
        SECURITY_STATUS status = alert_received(context->alert_received[0], context->alert_received[1]);
        FAIL(status < 0 ? status : SEC_E_ILLEGAL_MESSAGE, "the peer ended the handshake with an alert (RFC 8446 6.2)");
    }
    if (out_of_memory(error)) {
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a handshake");
    }
    if (context->alert_sent[0] != 0) {
        FAIL(
            alert_sent(context->alert_sent[1]),
            "the handshake is refused, and the peer told so by an alert (RFC 8446 6.2; see SSPI_TRACE for the reason)");
    }
    REQUIRE(
        !context->datagram || error != 0, SEC_E_ILLEGAL_MESSAGE,
        "a part of a handshake message that does not fit the message (RFC 6347 4.2.3)"); /* of which OpenSSL is silent */
    FAIL(SEC_E_INTERNAL_ERROR, "OpenSSL gave up without an alert (see SSPI_TRACE)");
}

/* What a call into OpenSSL came to.  SSL_get_error() would look at errors that the program left in this thread's queue,
 * which are not ours to clear. */
static enum engine_verdict verdict_of(struct schannel_context *context, int result)
{
    if (result > 0) {
        return ENGINE_DONE;
    }
    bool fatal = context->alert_sent[0] == ALERT_FATAL || context->alert_received[0] == ALERT_FATAL;
    int want = context->failure < 0 || fatal ? SSL_NOTHING : SSL_want(context->ssl);
    if (want == SSL_READING) {
        return ENGINE_MORE;
    }
    if (want == SSL_X509_LOOKUP) {
        return ENGINE_CERTIFICATE;
    }
    context->failure = failure_reason(context);
    return ENGINE_FAILED;
}

/* ---------------------------------------------------------------- after the handshake */

static SECURITY_STATUS key_tls13(struct schannel_context *context)
{
    const struct schannel_handshake *handshake = context->handshake;
    size_t size = record_hash_size(context->suite->hash);
    int own = context->base.initiator ? 0 : 1;
    REQUIRE(handshake->has_secret[0] && handshake->has_secret[1], SEC_E_INTERNAL_ERROR,
            "OpenSSL derived no traffic secrets (RFC 8446 7.1)");
    TRY(record_init_tls13(&context->send, context->suite, true, bytes_of(context->secrets[own], size)));
    TRY(record_init_tls13(&context->receive, context->suite, false, bytes_of(context->secrets[1 - own], size)));
    context->send.sequence = context->openssl_sent; /* a server's tickets */
    context->receive.sequence = context->openssl_received;
    return SEC_E_OK;
}

static SECURITY_STATUS key_tls12(struct schannel_context *context)
{
    const struct schannel_handshake *handshake = context->handshake;
    TRY(record_init_tls12_pair(&context->send, &context->receive, context->suite, context->base.initiator,
                               bytes_of(handshake->key_block, handshake->key_block_size)));
    record_continue_nonce(&context->send, bytes_of(handshake->last, handshake->last_size));
    return SEC_E_OK;
}

/* A server that changes its ticket keys gives a new ticket with a resumption.  Under TLS 1.2 OpenSSL tells nobody of it, while
 * it makes the old one useless. */
static void keep_renewed_ticket(struct schannel_context *context)
{
    SSL_SESSION *session = SSL_get_session(context->ssl);
    bool renewed = context->base.initiator && context->version != TLS1_3_VERSION && SSL_session_reused(context->ssl) &&
                   session != context->handshake->offered;
    if (renewed && SSL_SESSION_up_ref(session) == 1 && on_session(context->ssl, session) == 0) {
        SSL_SESSION_free(session);
    }
}

/* The handshake is done: what it agreed on, and who protects messages from now on. */
static SECURITY_STATUS settle(struct schannel_context *context)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(context->ssl);
    context->version = (uint16_t)SSL_version(context->ssl);
    context->suite = cipher != NULL ? suite_find(SSL_CIPHER_get_protocol_id(cipher)) : NULL;
    REQUIRE(context->suite != NULL, SEC_E_ALGORITHM_MISMATCH, "a cipher suite that nobody has described was agreed on");
    bool tls13 = context->version == TLS1_3_VERSION;
    context->fast =
        !context->datagram && suite_is_aead(context->suite) && (tls13 || context->version == TLS1_2_VERSION);
    record_wipe(&context->send);
    record_wipe(&context->receive);
    if (context->fast) {
        TRY(tls13 ? key_tls13(context) : key_tls12(context));
        context->openssl_sent = context->send.sequence;
        context->openssl_received = context->receive.sequence;
    }
    context->sizes = protect_sizes(context->suite, context->version);
    atomic_store_explicit(&context->base.one_stream, !context->fast, memory_order_relaxed);
    /* The flags of the last leg count: what was resumed without them was never judged. */
    bool nobody = !context->base.initiator &&
                  (SSL_get0_peer_certificate(context->ssl) == NULL || SSL_session_reused(context->ssl));
    bool by_key = psk_only(context->credential); /* which the suites of such a credential prove */
    bool judged = context->trusted || context->manual || nobody || by_key;
    bool waits = context->handshake->awaits_staple && !context->credential->deferred;
    REQUIRE(!waits, context->verdict, "the staple that the verdict waited for was never asked for");
    REQUIRE(judged, SEC_E_UNTRUSTED_ROOT, "a session that was never verified is not resumed by a call that verifies");
    if (SSL_session_reused(context->ssl) == 1) {
        context->judged = false; /* what was found of another certificate, in an earlier handshake */
    }
    context_forget_token(&context->base); /* whom the client stood for before */
    keep_renewed_ticket(context);
    bool first = !context->completed;
    context->completed = true;
    if (first && !context->base.initiator && context->session_token) {
        tickets_allow(context); /* what the token said during the handshake */
    }
    engine_handshake_end(context);
    if (context->fast) {
        SSL_free_buffers(context->ssl); /* 16 KiB that nobody may ever need again */
    }
    schannel_enter(context, SCHANNEL_OPEN);
    return SEC_E_OK;
}

/* A certificate that was asked for behind the handshake (RFC 8446 4.6.2) changes neither keys nor suite. */
static SECURITY_STATUS settle_late(struct schannel_context *context)
{
    bool shown = !context->base.initiator && SSL_get0_peer_certificate(context->ssl) != NULL;
    REQUIRE(!shown || context->trusted || context->manual, SEC_E_UNTRUSTED_ROOT,
            "a certificate that was never verified does not count");
    if (shown) { /* whoever gets a ticket from now on has shown one: it is not for servers that ask for none */
        const uint8_t *rules = context->credential->ticket_rules[1];
        REQUIRE(SSL_SESSION_set1_id_context(SSL_get_session(context->ssl), rules, TICKET_RULES) == 1,
                SEC_E_INTERNAL_ERROR, "OpenSSL does not take a session identifier context");
    }
    context_forget_token(&context->base);
    engine_handshake_end(context);
    SSL_free_buffers(context->ssl);
    schannel_enter(context, SCHANNEL_OPEN);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- steps */

/* Ends a call into OpenSSL: bridges what it wrote and, when hands are shaken, settles. */
static enum engine_verdict conclude(struct schannel_context *context, size_t mark, enum engine_verdict verdict)
{
    SECURITY_STATUS status = engine_io_bridge_out(context, mark);
    if (status >= 0 && verdict == ENGINE_DONE && schannel_state(context) != SCHANNEL_OPEN) {
        bool late = context->completed && context->version == TLS1_3_VERSION;
        status = late ? settle_late(context) : settle(context);
    }
    if (status < 0) {
        context->failure = status;
        return ENGINE_FAILED;
    }
    return verdict;
}

/* Nothing but an answer to our ClientHello is a refusal: behind it the SSL may hold a certificate whose key nobody has proved.
 * To OpenSSL a refused renegotiation is the end (a fatal alert, which nobody gets); to the connection it is not (RFC 5246 7.2.2).
 * Messages do not need OpenSSL any more; another handshake would. */
static bool is_refusal(const struct schannel_context *context)
{
    return context->completed && context->fast && context->base.initiator &&
           SSL_get_state(context->ssl) == TLS_ST_CW_CLNT_HELLO && context->alert_received[0] == ALERT_WARNING &&
           context->alert_received[1] == ALERT_NO_RENEGOTIATION;
}

static enum engine_verdict go_on_without(struct schannel_context *context, size_t mark)
{
    context->outgoing.size = mark;
    context->failure = SEC_E_OK;
    context->alert_received[0] = context->alert_sent[0] = 0;
    context->no_handshakes = true;
    engine_handshake_end(context);
    schannel_enter(context, SCHANNEL_OPEN);
    return ENGINE_REFUSED;
}

enum engine_verdict engine_handshake(struct schannel_context *context, struct bytes records, size_t *out_used)
{
    struct schannel_handshake *handshake = context->handshake;
    handshake->feed = records;
    size_t mark = engine_io_mark(context);
    struct kdf_listener listener;
    enter(context, &listener);
    enum engine_verdict verdict = verdict_of(context, SSL_do_handshake(context->ssl));
    leave();
    *out_used = records.size - handshake->feed.size - handshake->record.size;
    handshake->feed = handshake->record = BYTES_NONE;
    if (verdict == ENGINE_FAILED && is_refusal(context)) {
        return go_on_without(context, mark);
    }
    return conclude(context, mark, verdict);
}

SECURITY_STATUS engine_renegotiate(struct schannel_context *context)
{
    REQUIRE(context->version != TLS1_3_VERSION, SEC_E_UNSUPPORTED_FUNCTION,
            "TLS 1.3 knows no renegotiation (RFC 8446 4.1.2)");
    REQUIRE(!context->no_handshakes, SEC_E_UNSUPPORTED_FUNCTION, "the peer has refused to renegotiate before");
    openssl_errors_mark();
    int result = SSL_renegotiate(context->ssl);
    openssl_errors_forget();
    REQUIRE(result == 1, SEC_E_UNSUPPORTED_FUNCTION, "the peer does not renegotiate securely (RFC 5746)");
    return SEC_E_OK;
}

SECURITY_STATUS engine_new_ticket(struct schannel_context *context)
{
    openssl_errors_mark();
    int result = SSL_new_session_ticket(context->ssl);
    openssl_errors_forget();
    REQUIRE(result == 1, SEC_E_INTERNAL_ERROR, "OpenSSL makes no ticket");
    return engine_handshake_begin(context);
}

SECURITY_STATUS engine_ask_late(struct schannel_context *context)
{
    openssl_errors_mark();
    SSL_set_num_tickets(context->ssl, 0); /* they would bring the certificate to servers that have not asked for one */
    int result = SSL_verify_client_post_handshake(context->ssl);
    openssl_errors_forget();
    REQUIRE(result == 1, SEC_E_UNSUPPORTED_FUNCTION,
            "the client cannot be asked for a certificate any more: it has not offered it, or is asked already (RFC "
            "8446 4.6.2)");
    return engine_handshake_begin(context);
}

/* The plaintext as OpenSSL's next records, each under its number. */
static SECURITY_STATUS seal_for_openssl(struct schannel_context *context, struct bytes plaintext, struct writer *out)
{
    AUTO_WRITER all = write_growing(plaintext.size + (plaintext.size / RECORD_PLAIN_MAX + 1) * 256);
    struct reader reader = read_start(plaintext);
    while (read_left(&reader) != 0) {
        AUTO_WRITER record = {0};
        size_t left = read_left(&reader);
        struct bytes part = read_bytes(&reader, left < RECORD_PLAIN_MAX ? left : RECORD_PLAIN_MAX);
        TRY(engine_io_for_openssl(context, RECORD_HANDSHAKE, part, &record));
        write_bytes(&all, write_result(&record));
    }
    TRY(write_end(&all));
    *out = all;
    all = (struct writer){0};
    return SEC_E_OK;
}

enum engine_verdict engine_post_handshake(struct schannel_context *context, struct bytes plaintext)
{
    uint8_t unwanted;
    AUTO_WRITER records = {0};
    SECURITY_STATUS status = engine_handshake_begin(context);
    if (status >= 0) {
        status = seal_for_openssl(context, plaintext, &records);
    }
    if (status < 0) {
        context->failure = status;
        return ENGINE_FAILED;
    }
    context->handshake->record = write_result(&records);
    size_t mark = engine_io_mark(context);
    struct kdf_listener listener;
    enter(context, &listener);
    enum engine_verdict verdict = verdict_of(context, SSL_read(context->ssl, &unwanted, 1));
    leave();
    context->handshake->record = BYTES_NONE;
    bool late = context->version == TLS1_3_VERSION && schannel_state(context) == SCHANNEL_RENEGOTIATING;
    if (verdict == ENGINE_MORE && !SSL_in_init(context->ssl)) {
        verdict = ENGINE_DONE;
    }
    if (context->version == TLS1_3_VERSION && !late) { /* DecryptMessage's: the sending direction is somebody else's */
        SSL_free_buffers(context->ssl);
        context->outgoing.size = mark;
        engine_handshake_end(context);
        return verdict;
    }
    return conclude(context, mark, verdict);
}

/* ---------------------------------------------------------------- the slow path */

SECURITY_STATUS engine_write(struct schannel_context *context, struct bytes data)
{
    static const uint8_t nothing = 0;
    size_t written = 0;
    openssl_errors_mark();
    int result = SSL_write_ex(context->ssl, data.size != 0 ? data.data : &nothing, data.size, &written);
    openssl_errors_forget();
    REQUIRE(result == 1 && written == data.size && !context->outgoing.bad, SEC_E_ENCRYPT_FAILURE,
            "OpenSSL did not seal the message");
    return SEC_E_OK;
}

enum engine_read engine_read(struct schannel_context *context, struct bytes record, struct record_room out,
                             size_t *out_size)
{
    *out_size = 0;
    SECURITY_STATUS status = engine_handshake_begin(context);
    if (status < 0) {
        context->failure = status;
        return ENGINE_READ_FAILED;
    }
    context->handshake->record = record;
    struct kdf_listener listener;
    enter(context, &listener);
    int result = SSL_read_ex(context->ssl, out.data, out.size, out_size);
    enum engine_verdict verdict = verdict_of(context, result);
    bool closed = (SSL_get_shutdown(context->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    leave();
    bool failed = verdict == ENGINE_FAILED && !(closed && context->alert_received[0] == ALERT_WARNING);
    if (!failed && SSL_in_init(context->ssl)) {
        return ENGINE_READ_HANDSHAKE;
    }
    engine_handshake_end(context);
    return failed ? ENGINE_READ_FAILED : closed ? ENGINE_READ_CLOSED : ENGINE_READ_DATA;
}
