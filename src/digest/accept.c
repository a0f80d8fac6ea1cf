/* The server: a challenge out, a response in, verdict (RFC 7616 3.3 to 3.5, RFC 2831 2.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/trace.h"
#include "digest/logon.h"
#include "digest/request.h"
#include "logon/machine.h"

#define UNFIT              "Digest: the response does not fit the request (RFC 7616 3.4.6)"
#define QUALIFIED_MAX      (4 * ACCOUNT_NAME_MAX + 2)
#define INTEGRITY_REQUESTS (ASC_REQ_INTEGRITY | ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT)

/* ---------------------------------------------------------------- the challenge */

/* What this call's flags ask for, and everything weaker: the client chooses, the caller looks at pfContextAttr. */
static unsigned qops_of(const struct digest_context *context)
{
    if ((context->request & ASC_REQ_CONFIDENTIALITY) != 0) {
        return DIGEST_QOP_AUTH | DIGEST_QOP_INT | DIGEST_QOP_CONF;
    }
    return (context->request & INTEGRITY_REQUESTS) != 0 ? DIGEST_QOP_AUTH | DIGEST_QOP_INT : DIGEST_QOP_AUTH;
}

static void put_qops(struct digest_list *list, unsigned qops)
{
    static const char all[] = "auth,auth-int,auth-conf";
    size_t size = (qops & DIGEST_QOP_CONF) != 0 ? 23 : (qops & DIGEST_QOP_INT) != 0 ? 13 : 4;
    digest_put_quoted(list, "qop", bytes_of(all, size));
}

static void put_ciphers(struct digest_list *list, unsigned ciphers)
{
    char text[64];
    struct writer writer = write_into(text, sizeof text);
    for (unsigned i = 0; i < DIGEST_CIPHERS; i++) {
        const char *name = digest_cipher_name(1u << i);
        if ((ciphers >> i & 1) != 0) {
            write_bytes(&writer, bytes_of(",", writer.size != 0));
            write_bytes(&writer, bytes_of(name, strlen(name)));
        }
    }
    digest_put_quoted(list, "cipher", write_result(&writer));
}

static SECURITY_STATUS put_http(const struct digest_context *context, struct digest_algorithm algorithm, bool stale,
                                struct writer *out)
{
    struct digest_list list = digest_list_start(out);
    digest_put_quoted(&list, "realm", digest_string(context, DIGEST_TEXT_REALM));
    digest_put_quoted(&list, "nonce", digest_string(context, DIGEST_TEXT_NONCE));
    digest_put_quoted(&list, "opaque", bytes_of(context->opaque, sizeof context->opaque));
    digest_put_word(&list, "algorithm", digest_algorithm_name(algorithm));
    put_qops(&list, context->offered_qop);
    digest_put_word(&list, "charset", "UTF-8");
    if (policy_get()->digest_domain[0] != '\0') {
        const char *domain = policy_get()->digest_domain;
        digest_put_quoted(&list, "domain", bytes_of(domain, strlen(domain)));
    }
    if (policy_get()->digest_userhash) {
        digest_put_word(&list, "userhash", "true");
    }
    if (stale) {
        digest_put_word(&list, "stale", "true");
    }
    return digest_list_end(&list);
}

static SecBuffer *nth_token(const struct buffers *buffers, size_t index)
{
    for (size_t i = 0; i < buffers->count; i++) {
        if (buffer_type(&buffers->at[i]) == SECBUFFER_TOKEN && index-- == 0) {
            return &buffers->at[i];
        }
    }
    return NULL;
}

/* One challenge where there is room for one: the weakest that policy allows, as Windows' clients know no other.  A caller
 * that gives more TOKEN buffers, with memory, gets one in each, the strongest first; those left over become empty. */
static SECURITY_STATUS put_http_challenges(const struct digest_context *context, bool stale, const struct step_out *out)
{
    struct digest_algorithm offers[DIGEST_RANKS];
    size_t offered = 0, places = 0;
    for (size_t i = 0; i < DIGEST_RANKS; i++) {
        if ((policy_get()->digest_algorithms & digest_ranking[i].bit) != 0) {
            offers[offered++] = digest_ranking[i].algorithm;
        }
    }
    while (nth_token(out->output, places) != NULL) {
        places++;
    }
    size_t first = offered > places ? offered - (places == 0 ? 1 : places) : 0;
    TRY(put_http(context, offers[first], stale, out->token));
    for (size_t i = 1; i < places; i++) {
        SecBuffer *place = nth_token(out->output, i);
        struct writer writer = write_into(place->pvBuffer, place->pvBuffer != NULL ? place->cbBuffer : 0);
        if (first + i < offered && place->pvBuffer != NULL) {
            TRY(put_http(context, offers[first + i], stale, &writer));
        }
        place->cbBuffer = (ULONG)writer.size;
    }
    return SEC_E_OK;
}

static SECURITY_STATUS put_sasl(const struct digest_context *context, bool stale, struct writer *out)
{
    struct digest_list list = digest_list_start(out);
    digest_put_quoted(&list, "realm", digest_string(context, DIGEST_TEXT_REALM));
    digest_put_quoted(&list, "nonce", digest_string(context, DIGEST_TEXT_NONCE));
    put_qops(&list, context->offered_qop);
    if ((context->offered_qop & DIGEST_QOP_CONF) != 0) {
        put_ciphers(&list, context->offered_ciphers);
    }
    if (context->offered_qop != DIGEST_QOP_AUTH) {
        char digits[12];
        (void)snprintf(digits, sizeof digits, "%u", (unsigned)context->receive_limit);
        digest_put_word(&list, "maxbuf", digits);
    }
    digest_put_word(&list, "charset", "utf-8");
    digest_put_word(&list, "algorithm", "md5-sess");
    if (stale) {
        digest_put_word(&list, "stale", "true");
    }
    return digest_list_end(&list);
}

static SECURITY_STATUS challenge(struct digest_context *context, struct bytes realm, bool stale, struct step_out *out)
{
    char nonce[DIGEST_NONCE_SIZE];
    struct bytes strings[DIGEST_TEXTS] = {{NULL, 0}};
    TRY(digest_nonce_make(context->http ? DIGEST_NONCE_HTTP : DIGEST_NONCE_SASL, nonce));
    strings[DIGEST_TEXT_NONCE] = bytes_of(nonce, sizeof nonce);
    strings[DIGEST_TEXT_REALM] = realm;
    TRY(digest_strings_set(context, strings));
    context->offered_qop = (uint8_t)qops_of(context);
    context->offered_ciphers = (uint8_t)policy_get()->digest_ciphers;
    TRY(context->http ? put_http_challenges(context, stale, out) : put_sasl(context, stale, out->token));
    context->state = DIGEST_STATE_WAIT_RESPONSE;
    out->expiry = CLOCK_NEVER;
    TRACE("Digest challenge%s: qop %x", stale ? " (stale)" : "", context->offered_qop);
    return SEC_I_CONTINUE_NEEDED;
}

/* ---------------------------------------------------------------- the realm */

/* The caller's, in UTF-16 as documented or in UTF-8; else the policy's; else what this machine is called. */
static SECURITY_STATUS realm_of(const struct step_in *in, bool http, char **out, size_t *out_size)
{
    struct bytes given = http ? digest_parameter_raw(in->input, 3) : BYTES_NONE;
    const struct machine_names *names;
    if (given.size != 0 && memchr(given.data, 0, given.size - 1) != NULL) {
        struct utf16 wide = utf16_of(given);
        size_t end = utf16_find(wide, 0);
        return utf16_to_utf8(end != SIZE_MAX ? utf16_head(wide, end) : wide, out, out_size);
    }
    if (given.size != 0) {
        given = digest_parameter(in->input, 3);
    } else if (policy_get()->digest_realm[0] != '\0') {
        given = bytes_of(policy_get()->digest_realm, strlen(policy_get()->digest_realm));
    } else {
        TRY(names_of_this_machine(&names));
        return utf16_to_utf8(names->dns_domain.size != 0 ? names->dns_domain : names->dns_computer, out, out_size);
    }
    *out = strndup((const char *)given.data, given.size);
    REQUIRE(*out != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a realm");
    *out_size = given.size;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the verdict */

/* DOMAIN\user in UTF-16. */
static struct bytes qualified_name(const struct canonical_name *name, uint8_t room[QUALIFIED_MAX])
{
    struct writer writer = write_into(room, QUALIFIED_MAX);
    write_bytes(&writer, bytes_of(name->domain, name->domain_size));
    write_u16le(&writer, '\\');
    write_bytes(&writer, bytes_of(name->user, name->user_size));
    return write_result(&writer);
}

static SECURITY_STATUS keep_names(struct digest_context *context, const struct digest_request *request,
                                  struct bytes realm, const struct digest_verdict *verdict)
{
    struct bytes strings[DIGEST_TEXTS] = {{NULL, 0}};
    uint8_t qualified[QUALIFIED_MAX];
    strings[DIGEST_TEXT_NONCE] = request->question.nonce;
    strings[DIGEST_TEXT_CNONCE] = request->question.cnonce;
    strings[DIGEST_TEXT_REALM] = realm;
    strings[DIGEST_TEXT_USERNAME] = request->username;
    strings[DIGEST_TEXT_URI] = request->question.uri;
    strings[DIGEST_TEXT_AUTHZID] = request->question.authzid;
    strings[DIGEST_TEXT_QUALIFIED] = qualified_name(&verdict->name, qualified);
    strings[DIGEST_TEXT_UNIX] = bytes_of(verdict->unix_name, strlen(verdict->unix_name) + 1);
    context->domain_size = verdict->name.domain_size;
    return digest_strings_set(context, strings);
}

/* The server's proof that it knows the secret too (RFC 2831 2.1.3). */
static SECURITY_STATUS put_rspauth(const struct digest_context *context, const struct digest_request *request,
                                   struct writer *out)
{
    struct digest_text text;
    struct digest_list list = digest_list_start(out);
    digest_rspauth(&request->question, &context->session_key, &text);
    digest_put_token(&list, "rspauth", digest_text_bytes(&text));
    return digest_list_end(&list);
}

static SECURITY_STATUS establish(struct digest_context *context, const struct digest_request *request,
                                 struct bytes realm, const struct digest_verdict *verdict, struct step_out *out)
{
    context->algorithm = request->question.algorithm;
    context->qop = (uint8_t)request->question.qop;
    context->cipher = request->cipher;
    context->count = request->count;
    context->answered = request->count;
    context->has_authzid = request->question.has_authzid;
    context->session_key = verdict->session_key;
    if (!context->http) {
        context->send_limit = request->limit;
        TRY(put_rspauth(context, request, out->token));
    }
    TRY(keep_names(context, request, realm, verdict));
    TRY(digest_layers_start(context));
    context->returned = digest_flags(context);
    context->state = DIGEST_STATE_DONE;
    context->base.established = true;
    if (context->http) {
        digest_context_list(context);
    }
    out->flags = context->returned;
    out->expiry = CLOCK_NEVER;
    return SEC_E_OK;
}

/* Whoever names somebody else to act for must be told so by the caller, who alone knows who may (RFC 2831 2.1.2). */
static SECURITY_STATUS check_authzid(const struct digest_context *context, const struct digest_request *request)
{
    bool other = request->question.has_authzid && request->question.authzid.size != 0 &&
                 !digest_same(request->question.authzid, request->username);
    REQUIRE(!other || context->authz_processed, SEC_E_LOGON_DENIED,
            "Digest: an authorization identity, which this server does not process (SASL_OPTION_AUTHZ_PROCESSING)");
    return SEC_E_OK;
}

/* A SASL nonce is of this context alone; but the first leg may bring one of an earlier context (RFC 2831 2.2). */
static bool nonce_is_fresh(const struct digest_context *context, const struct digest_request *request, bool first_leg)
{
    struct bytes nonce = request->question.nonce;
    if (!context->http && !first_leg) {
        return digest_same(nonce, digest_string(context, DIGEST_TEXT_NONCE)) && request->count == 1;
    }
    enum digest_nonce_use use = context->http ? DIGEST_NONCE_HTTP : DIGEST_NONCE_SASL;
    /* The keys of a layer would be those of the first time, and so would RC4's stream. */
    bool counted = context->http || (request->count > 1 && request->question.qop == DIGEST_QOP_AUTH);
    return digest_nonce_is_good(use, nonce) && counted && digest_nonce_use_once(nonce, request->count);
}

static void verdict_wipe(struct digest_verdict *verdict)
{
    secret_wipe(verdict, sizeof *verdict);
}

static SECURITY_STATUS log_on(const struct digest_context *context, const struct digest_request *request,
                              struct bytes realm, struct digest_verdict *out)
{
    const struct digest_logon logon = {
        .question = &request->question,
        .username = request->username,
        .username_as_sent = request->sent.username_as_sent,
        .hashed = request->hashed,
        .realm = realm,
        .response = request->sent.value[DIGEST_RESPONSE],
        .lookup = digest_lookup_of(context->credential),
    };
    return digest_logon(&logon, out);
}

static SECURITY_STATUS judge(struct digest_context *context, const struct step_in *in, struct bytes realm,
                             bool first_leg, struct step_out *out)
{
    struct digest_request request;
    const struct digest_request_line line = {digest_parameter(in->input, 0), digest_parameter(in->input, 1),
                                             digest_parameter(in->input, 2), in->input};
    TRY(digest_request_read(context, in->token, &line, &request));
    if (context->http) {
        TRY(digest_request_check(&request, &line, realm));
    } else if (request.sent.realm_count != 0) {
        REQUIRE(digest_same(realm, request.sent.value[DIGEST_REALM]), SEC_E_LOGON_DENIED,
                "Digest: the response is for another realm (RFC 2831 2.1.2)");
    } else {
        realm = BYTES_NONE; /* RFC 2831 2.1.2: no realm is the empty one */
    }
    AUTO(verdict_wipe) struct digest_verdict verdict = {0};
    TRY(log_on(context, &request, realm, &verdict));
    TRY(check_authzid(context, &request));
    if (!nonce_is_fresh(context, &request, first_leg)) { /* right, but old or heard before: once more (stale) */
        TRACE("Digest: nonce %s", "expired, not ours, or its count was used");
        REQUIRE(context->http || first_leg, SEC_E_LOGON_DENIED,
                "Digest: the response is to another challenge (RFC 2831 2.1.2)");
        return challenge(context, realm, true, out);
    }
    return establish(context, &request, realm, &verdict, out);
}

/* ---------------------------------------------------------------- the legs */

static void dispose_half_made(struct digest_context **context)
{
    if (*context != NULL) {
        digest_dispose(&(*context)->base);
    }
}

/* A request on a connection of its own leads to its context by `opaque`: CompleteAuthToken is to verify it. */
static bool leads_to_context(struct digest_credential *credential, struct bytes token, struct step_out *out)
{
    uint8_t memory[DIGEST_MAX_INPUT];
    struct writer room = write_into(memory, sizeof memory);
    struct digest_directives sent;
    if (token.size > sizeof memory || digest_parse_one(token, false, &room, &sent) < 0) {
        status_begin(); /* the leg itself says what is wrong */
        return false;
    }
    return digest_context_find(credential, sent.value[DIGEST_OPAQUE], &out->existing);
}

static SECURITY_STATUS first_leg(struct digest_credential *credential, struct context **out_context,
                                 const struct step_in *in, struct step_out *out)
{
    bool http = (in->flags & DIGEST_REQ_HTTP) != 0;
    REQUIRE(!http || (in->flags & ASC_REQ_CONFIDENTIALITY) == 0, SEC_E_SECURITY_QOS_FAILED,
            "Digest seals nothing by HTTP (AcceptSecurityContext (Digest))");
    if (http && in->token.size != 0 && leads_to_context(credential, in->token, out)) {
        out->expiry = CLOCK_NEVER;
        return SEC_I_COMPLETE_NEEDED;
    }
    AUTO_FREE char *realm = NULL;
    size_t realm_size = 0;
    AUTO(dispose_half_made) struct digest_context *context = NULL;
    TRY(realm_of(in, http, &realm, &realm_size));
    TRY(digest_context_new(false, http, in->flags, credential, &context));
    context->offered_qop = (uint8_t)qops_of(context);
    context->offered_ciphers = (uint8_t)policy_get()->digest_ciphers;
    context->receive_limit = http ? DIGEST_BUFFER : DIGEST_MAX_BUFFER;
    TRY(digest_random_hex(DIGEST_OPAQUE_SIZE / 2, context->opaque));
    struct bytes realm_bytes = bytes_of(realm, realm_size);
    SECURITY_STATUS status =
        in->token.size == 0 ? challenge(context, realm_bytes, false, out) : judge(context, in, realm_bytes, true, out);
    if (status >= 0) {
        *out_context = &STEAL(context)->base;
    }
    return status;
}

SECURITY_STATUS digest_accept(struct credential *base, struct context **out_context, const struct step_in *in,
                              struct step_out *out)
{
    if (*out_context == NULL) {
        return first_leg((struct digest_credential *)base, out_context, in, out);
    }
    struct digest_context *context = (struct digest_context *)*out_context;
    REQUIRE(context->state != DIGEST_STATE_DONE, SEC_E_LOGON_DENIED,
            "the context is established: further requests go through VerifySignature (AcceptSecurityContext (Digest))");
    REQUIRE(context->state == DIGEST_STATE_WAIT_RESPONSE, SEC_E_OUT_OF_SEQUENCE,
            "an earlier leg of this context failed: begin a new one");
    AUTO_FREE char *realm = NULL;
    struct bytes offered = digest_string(context, DIGEST_TEXT_REALM);
    realm = strndup((const char *)offered.data, offered.size);
    REQUIRE(realm != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a realm");
    SECURITY_STATUS status = judge(context, in, bytes_of(realm, offered.size), false, out);
    if (status < 0) {
        context->state = DIGEST_STATE_FAILED;
    }
    return status;
}

/* ---------------------------------------------------------------- further requests */

/* Names that are one without their escapes can be two accounts with them, and a hashed name can be another's plain one. */
static bool is_same_account(const struct digest_context *context, const struct digest_verdict *verdict)
{
    struct bytes before = digest_string(context, DIGEST_TEXT_QUALIFIED);
    uint8_t now[QUALIFIED_MAX];
    return digest_same(before, qualified_name(&verdict->name, now));
}

/* With -sess the key is of the first request's cnonce, and stays (RFC 7616 3.4.2); but some clients make it anew for each
 * cnonce of theirs, which takes the account's hash again. */
static SECURITY_STATUS renew_session(const struct digest_context *context, const struct digest_request *request,
                                     struct digest_value *out_key)
{
    AUTO(verdict_wipe) struct digest_verdict verdict = {0};
    bool other = !digest_same(request->question.cnonce, digest_string(context, DIGEST_TEXT_CNONCE));
    REQUIRE(context->algorithm.session && other, SEC_E_MESSAGE_ALTERED, UNFIT);
    SECURITY_STATUS status = log_on(context, request, digest_string(context, DIGEST_TEXT_REALM), &verdict);
    REQUIRE(status != SEC_E_LOGON_DENIED, SEC_E_MESSAGE_ALTERED, UNFIT);
    TRY(status);
    REQUIRE(is_same_account(context, &verdict), SEC_E_MESSAGE_ALTERED, UNFIT);
    *out_key = verdict.session_key;
    return SEC_E_OK;
}

/* The cnonce and the URI of the last response are what the server's proof is made with (RFC 7616 3.5). */
static SECURITY_STATUS keep_last(struct digest_context *context, const struct digest_question *last)
{
    struct bytes strings[DIGEST_TEXTS];
    if (digest_same(last->cnonce, digest_string(context, DIGEST_TEXT_CNONCE)) &&
        digest_same(last->uri, digest_string(context, DIGEST_TEXT_URI))) {
        return SEC_E_OK;
    }
    digest_strings_get(context, strings);
    strings[DIGEST_TEXT_CNONCE] = last->cnonce;
    strings[DIGEST_TEXT_URI] = last->uri;
    strings[DIGEST_TEXT_TARGET] = BYTES_NONE;
    return digest_strings_set(context, strings);
}

SECURITY_STATUS digest_next_request(struct digest_context *context, struct bytes token, struct bytes method,
                                    struct bytes uri, struct bytes entity, bool strict)
{
    struct digest_request request;
    struct digest_text expected;
    const struct digest_request_line line = {method, uri, entity, NULL};
    TRY(digest_request_read(context, token, &line, &request));
    TRY(digest_request_check(&request, &line, digest_string(context, DIGEST_TEXT_REALM)));
    REQUIRE(digest_same(request.username, digest_string(context, DIGEST_TEXT_USERNAME)) &&
                request.question.algorithm.hash == context->algorithm.hash &&
                request.question.algorithm.session == context->algorithm.session &&
                digest_same(request.question.nonce, digest_string(context, DIGEST_TEXT_NONCE)),
            SEC_E_LOGON_DENIED, "Digest: the request is of another user, algorithm or nonce than the context");
    REQUIRE(request.question.qop == context->qop, SEC_E_MESSAGE_ALTERED,
            "Digest: the request is protected otherwise than the first one (RFC 7616 3.4)");
    AUTO_DIGEST_VALUE key = context->session_key;
    digest_response(&request.question, &key, &expected);
    if (!digest_text_equal(&expected, request.sent.value[DIGEST_RESPONSE])) {
        TRY(renew_session(context, &request, &key));
    }
    REQUIRE(digest_nonce_is_good(DIGEST_NONCE_HTTP, request.question.nonce), SEC_E_CONTEXT_EXPIRED,
            "Digest: the nonce is too old: send a new challenge (RFC 7616 3.3, stale)");
    REQUIRE(!strict || request.count == context->count + 1, SEC_E_OUT_OF_SEQUENCE,
            "Digest: nc is not the next one (VerifySignature (Digest))");
    REQUIRE(digest_nonce_use_once(request.question.nonce, request.count), SEC_E_OUT_OF_SEQUENCE,
            "Digest: nc came before: this request is a replay (RFC 7616 3.4)");
    TRY(keep_last(context, &request.question));
    context->session_key = key;
    context->answered = request.count;
    if (request.count > context->count) {
        context->count = request.count;
    }
    return SEC_E_OK;
}

SECURITY_STATUS digest_complete(struct context *base, const struct buffers *message)
{
    struct digest_context *context = (struct digest_context *)base;
    REQUIRE(context->state == DIGEST_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "CompleteAuthToken: the context is not established");
    const SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    if (base->initiator || !context->http) {
        return SEC_E_OK; /* our tokens are complete as they are */
    }
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "CompleteAuthToken: no SECBUFFER_TOKEN with the client's response");
    return digest_next_request(context, buffer_bytes(token), digest_parameter(message, 0), digest_parameter(message, 1),
                               digest_parameter(message, 2), false);
}
