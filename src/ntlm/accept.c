/* The server: NEGOTIATE in, CHALLENGE out, AUTHENTICATE in, verdict (MS-NLMP 3.2.5). */
#include <string.h>

#include "base/clock.h"
#include "base/policy.h"
#include "base/random.h"
#include "base/trace.h"
#include "logon/machine.h"
#include "ntlm/av_pairs.h"
#include "ntlm/challenge.h"
#include "ntlm/client_challenge.h"
#include "ntlm/context.h"
#include "ntlm/keys.h"
#include "ntlm/logon.h"
#include "ntlm/negotiate.h"
#include "ntlm/target.h"
#include "ntlm/text.h"

#define TARGET_INFO_MAX 2560

/* The answer to a client's flags (MS-NLMP 3.2.5.1.1): what it asked for, less what we do not do.  Datagrams are the
 * server's own choice: there the caller numbers the messages, and one that does not know would use a stream twice. */
static SECURITY_STATUS flags_to_grant(uint32_t asked, uint32_t request, uint32_t *out_flags)
{
    uint32_t supported = NTLM_SIGN | NTLM_SEAL | NTLM_DATAGRAM | NTLM_IDENTIFY | NTLM_VERSION | NTLM_128 | NTLM_56 |
                         NTLM_KEY_EXCH | NTLM_ESS;
    if ((request & ASC_REQ_DATAGRAM) == 0) {
        supported &= ~(uint32_t)NTLM_DATAGRAM;
    }
    uint32_t flags = (asked & supported) | NTLM_REQUEST_TARGET | NTLM_NTLM | NTLM_ALWAYS_SIGN | NTLM_TARGET_INFO;
    REQUIRE((asked & (NTLM_UNICODE | NTLM_OEM)) != 0, SEC_E_INVALID_TOKEN,
            "NTLM NEGOTIATE: neither UNICODE nor OEM (MS-NLMP 2.2.2.5, A and B)");
    flags |= (asked & NTLM_UNICODE) != 0 ? NTLM_UNICODE : NTLM_OEM;
    flags |= policy_get()->domain_member ? NTLM_TARGET_TYPE_DOMAIN : NTLM_TARGET_TYPE_SERVER;
    if ((flags & NTLM_DATAGRAM) != 0) {
        flags |= NTLM_KEY_EXCH;
    }
    *out_flags = flags;
    return SEC_E_OK;
}

/* TargetInfo in Windows' order: 2, 1, 4, 3, 5, 7 (observed). */
static SECURITY_STATUS write_target_info(struct writer *out)
{
    const struct machine_names *names;
    TRY(names_of_this_machine(&names));
    ntlm_av_write(out, MsvAvNbDomainName, utf16_bytes(names->netbios_domain));
    ntlm_av_write(out, MsvAvNbComputerName, utf16_bytes(names->netbios_computer));
    ntlm_av_write(out, MsvAvDnsDomainName, utf16_bytes(names->dns_domain));
    ntlm_av_write(out, MsvAvDnsComputerName, utf16_bytes(names->dns_computer));
    if (policy_get()->domain_member && names->dns_domain.size != 0) {
        ntlm_av_write(out, MsvAvDnsTreeName, utf16_bytes(names->dns_domain));
    }
    ntlm_av_write_u64(out, MsvAvTimestamp, clock_now());
    ntlm_av_write_end(out);
    return write_end(out);
}

/* Writes CHALLENGE and keeps it, with the NEGOTIATE it answers, for the MIC. */
static SECURITY_STATUS send_challenge(struct ntlm_context *context, struct ntlm_credential *credential, uint32_t flags,
                                      struct bytes negotiate, struct step_out *out)
{
    const struct machine_names *names;
    TRY(names_of_this_machine(&names));
    uint8_t oem[ACCOUNT_NAME_MAX], target_info[TARGET_INFO_MAX];
    struct writer oem_space = write_into(oem, sizeof oem);
    struct writer info = write_into(target_info, sizeof target_info);
    struct ntlm_challenge message = {.flags = flags, .has_version = true};
    if ((flags & NTLM_VERSION) != 0) {
        message.version = NTLM_OUR_VERSION;
    }
    TRY(random_bytes(message.server_challenge, sizeof message.server_challenge));
    TRY(ntlm_text_out(flags, policy_get()->domain_member ? names->netbios_domain : names->netbios_computer, &oem_space,
                      &message.target_name));
    TRY(write_target_info(&info));
    message.target_info = write_result(&info);

    size_t start = out->token->size;
    ntlm_challenge_build(&message, out->token);
    TRY(write_end(out->token));
    struct bytes challenge = bytes_of(out->token->data + start, out->token->size - start);
    struct ntlm_handshake *handshake = NULL;
    TRY(ntlm_handshake_new(credential, negotiate, challenge, &handshake));
    handshake->offered = flags;
    memcpy(handshake->server_challenge, message.server_challenge, sizeof handshake->server_challenge);
    ntlm_handshake_free(&context->handshake);
    context->handshake = handshake;
    context->state = NTLM_STATE_WAIT_AUTHENTICATE;
    out->expiry = CLOCK_NEVER;
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS answer_negotiate(struct ntlm_context *context, struct ntlm_credential *credential,
                                        const struct step_in *in, struct step_out *out)
{
    struct ntlm_negotiate negotiate;
    uint32_t flags = 0;
    REQUIRE(in->token.size <= NTLM_MAX_TOKEN, SEC_E_INVALID_TOKEN,
            "NTLM NEGOTIATE: longer than any client's, and it is kept until the logon is decided (cbMaxToken)");
    TRY(ntlm_negotiate_parse(in->token, &negotiate));
    TRY(flags_to_grant(negotiate.flags, context->request, &flags));
    TRACE("NTLM NEGOTIATE: flags %08x, granted %08x", negotiate.flags, flags);
    return send_challenge(context, credential, flags, in->token, out);
}

/* A datagram server speaks first and offers all it has; the client's AUTHENTICATE leaves what it wants. */
static SECURITY_STATUS speak_first(struct ntlm_context *context, struct ntlm_credential *credential,
                                   struct step_out *out)
{
    uint32_t flags = 0;
    TRY(flags_to_grant(NTLM_UNICODE | NTLM_SIGN | NTLM_SEAL | NTLM_DATAGRAM | NTLM_IDENTIFY | NTLM_VERSION | NTLM_128 |
                           NTLM_56 | NTLM_KEY_EXCH | NTLM_ESS,
                       context->request, &flags));
    return send_challenge(context, credential, flags, BYTES_NONE, out);
}

static uint32_t returned_flags(uint32_t request, uint32_t flags, bool anonymous)
{
    uint32_t returned = request & (ASC_REQ_CONNECTION | ASC_REQ_USE_DCE_STYLE);
    if ((flags & NTLM_SIGN) != 0) {
        returned |= ASC_RET_INTEGRITY | ASC_RET_REPLAY_DETECT | ASC_RET_SEQUENCE_DETECT;
    }
    if ((flags & NTLM_SEAL) != 0) {
        returned |= ASC_RET_CONFIDENTIALITY | ASC_RET_INTEGRITY | ASC_RET_REPLAY_DETECT | ASC_RET_SEQUENCE_DETECT;
    }
    if ((flags & NTLM_IDENTIFY) != 0) {
        returned |= ASC_RET_IDENTIFY;
    }
    if ((flags & NTLM_DATAGRAM) != 0) {
        returned |= ASC_RET_DATAGRAM;
    }
    if (anonymous) {
        returned |= ASC_RET_NULL_SESSION;
    }
    return returned;
}

/* One AUTHENTICATE being judged. */
struct judgement {
    struct ntlm_context *context;
    const struct step_in *in;
    struct ntlm_authenticate message;
    struct ntlm_logon logon;
    struct ntlm_verdict verdict;
    struct ntlm_client_challenge blob; /* NTLMv2 only, and only once the proof has matched */
    struct ntlm_session session;
};

/* The logon itself.  Flags: what the client took of what we offered; it gains nothing by adding one (MS-NLMP 3.2.5.1.2). */
static SECURITY_STATUS judge_responses(struct judgement *judgement, struct writer *names)
{
    const struct ntlm_handshake *handshake = judgement->context->handshake;
    const struct ntlm_authenticate *message = &judgement->message;
    uint32_t charset = message->flags & (NTLM_UNICODE | NTLM_OEM) & handshake->offered;
    uint32_t flags = message->flags & handshake->offered;
    REQUIRE(charset != 0, SEC_E_INVALID_TOKEN, "NTLM AUTHENTICATE: neither UNICODE nor OEM (MS-NLMP 2.2.2.5)");
    REQUIRE((flags & (NTLM_SIGN | NTLM_SEAL)) == 0 || (flags & NTLM_128) != 0 || !policy_get()->ntlm_require_128,
            SEC_E_UNSUPPORTED_FUNCTION, "NTLM AUTHENTICATE: no 128-bit keys, which the policy requires");
    judgement->session.flags = flags;
    judgement->logon = (struct ntlm_logon){.credential = handshake->credential,
                                           .message = message,
                                           .server_challenge = handshake->server_challenge,
                                           .flags = flags};
    TRY(ntlm_text_in(flags, message->user, names, &judgement->logon.user));
    TRY(ntlm_text_in(flags, message->domain, names, &judgement->logon.domain));
    TRY(ntlm_text_in(flags, message->workstation, names, &judgement->logon.workstation));

    if (ntlm_logon_is_anonymous(message)) {
        REQUIRE((judgement->context->request & ASC_REQ_ALLOW_NULL_SESSION) != 0, SEC_E_LOGON_DENIED,
                "an anonymous logon, which the caller does not accept (ASC_REQ_ALLOW_NULL_SESSION)");
        judgement->session.anonymous = true;
        return SEC_E_OK;
    }
    TRY(ntlm_logon(&judgement->logon, &judgement->verdict));
    judgement->session.v2 = judgement->verdict.v2;
    if (judgement->verdict.v2) {
        struct bytes response = message->nt_response;
        TRY(ntlm_client_challenge_parse(bytes_of(response.data + 16, response.size - 16), &judgement->blob));
    }
    return SEC_E_OK;
}

/* ExportedSessionKey (MS-NLMP 3.2.5.1.2). */
static SECURITY_STATUS recover_session_key(struct judgement *judgement)
{
    const struct ntlm_authenticate *message = &judgement->message;
    uint32_t flags = judgement->session.flags;
    AUTO_KEY16 exchange;
    const uint8_t *lm = message->lm_response.size >= 24 ? message->lm_response.data : NULL;
    uint32_t usable = lm != NULL ? flags : flags & ~(uint32_t)(NTLM_ESS | NTLM_LM_KEY);
    ntlm_kxkey(usable, judgement->verdict.v2 || judgement->session.anonymous, &judgement->verdict.session_base_key, lm,
               judgement->verdict.has_lm_hash ? &judgement->verdict.lm_hash : NULL, judgement->logon.server_challenge,
               &exchange);
    if ((flags & NTLM_KEY_EXCH) == 0 || (flags & (NTLM_SIGN | NTLM_SEAL)) == 0) {
        judgement->session.session_key = exchange;
        return SEC_E_OK;
    }
    REQUIRE(message->encrypted_session_key.size == 16, SEC_E_INVALID_TOKEN,
            "NTLM AUTHENTICATE: EncryptedRandomSessionKey is not 16 bytes (MS-NLMP 3.2.5.1.2)");
    rc4_once(BYTES(exchange.b), 16, message->encrypted_session_key.data, judgement->session.session_key.b);
    return SEC_E_OK;
}

static bool mic_matches(const struct judgement *judgement, const struct key16 *session_key)
{
    const struct ntlm_handshake *handshake = judgement->context->handshake;
    struct key16 mic;
    ntlm_mic(session_key, ntlm_saved_negotiate(handshake), ntlm_saved_challenge(handshake), judgement->in->token,
             judgement->message.mic_offset, &mic);
    return secret_equal(mic.b, judgement->in->token.data + judgement->message.mic_offset, sizeof mic.b);
}

/* The MIC (MS-NLMP 3.2.5.1.2), when the proof-protected flags announce one.  Heimdal and macOS encrypt the session key
 * when KEY_EXCH stands without SIGN or SEAL, where MS-NLMP does not; the MIC tells which of the two the client did. */
static SECURITY_STATUS judge_mic(struct judgement *judgement)
{
    bool announced = judgement->blob.pairs.has_flags && (judgement->blob.pairs.flags & NTLM_AV_MIC) != 0;
    REQUIRE(announced || judgement->session.anonymous || !policy_get()->ntlm_require_mic, SEC_E_LOGON_DENIED,
            "the client sent no MIC, which the policy requires ([ntlm] require-mic)");
    if (!announced) {
        return SEC_E_OK;
    }
    REQUIRE(judgement->message.mic_offset != 0, SEC_E_MESSAGE_ALTERED,
            "NTLM AUTHENTICATE: a MIC is announced and there is no room for one (MS-NLMP 3.2.5.1.2)");
    if (mic_matches(judgement, &judgement->session.session_key)) {
        return SEC_E_OK;
    }
    struct bytes encrypted = judgement->message.encrypted_session_key;
    bool unsigned_exchange = (judgement->session.flags & NTLM_KEY_EXCH) != 0 &&
                             (judgement->session.flags & (NTLM_SIGN | NTLM_SEAL)) == 0 && encrypted.size == 16;
    if (unsigned_exchange) {
        AUTO_KEY16 other;
        rc4_once(BYTES(judgement->session.session_key.b), 16, encrypted.data, other.b);
        if (mic_matches(judgement, &other)) {
            judgement->session.session_key = other;
            return SEC_E_OK;
        }
    }
    FAIL(SEC_E_MESSAGE_ALTERED, "NTLM AUTHENTICATE: the MIC does not match: a message was altered on its way "
                                "(MS-NLMP 3.2.5.1.2)");
}

/* Channel bindings (MS-NLMP 3.2.5.1.2): NTLMv1 and anonymous logons carry none. */
static SECURITY_STATUS judge_bindings(struct judgement *judgement, struct step_out *out)
{
    struct channel_bindings server;
    TRY(bindings_parse(judgement->in->bindings, &server));
    struct bytes sent = judgement->blob.pairs.channel_bindings;
    static const uint8_t zero[16];
    enum bindings_sent kind = sent.size != sizeof zero                    ? BINDINGS_NOT_SENT
                              : memcmp(sent.data, zero, sizeof zero) == 0 ? BINDINGS_ZERO
                                                                          : BINDINGS_HASH;
    return bindings_judge(&server, judgement->context->request, kind, sent.data, &out->bindings_result);
}

/* Stale responses, where policy wants them refused (Windows does not since Vista: MS-NLMP, note on MaxLifetime). */
static SECURITY_STATUS judge_clock(const struct judgement *judgement)
{
    uint64_t limit = (uint64_t)policy_get()->ntlm_max_skew * CLOCK_SECOND;
    if (limit == 0 || !judgement->verdict.v2) {
        return SEC_E_OK;
    }
    uint64_t now = clock_now();
    uint64_t then = judgement->blob.timestamp;
    REQUIRE((now > then ? now - then : then - now) <= limit, SEC_E_TIME_SKEW,
            "the client's response is older or newer than max-clock-skew allows (MS-NLMP 3.2.5.1.2)");
    return SEC_E_OK;
}

/* Whom the session is reported as: the account's own name.  Only a caller's verifier, which was asked about the names the
 * client sent, leaves them as they are. */
static void session_names(const struct judgement *judgement, struct utf16 *out_user, struct utf16 *out_domain)
{
    const struct canonical_name *own = &judgement->verdict.name;
    bool canonical = !judgement->session.anonymous && own->user_size != 0;
    *out_user = canonical ? (struct utf16){own->user, own->user_size} : judgement->logon.user;
    *out_domain = canonical ? (struct utf16){own->domain, own->domain_size} : judgement->logon.domain;
}

static SECURITY_STATUS open_session(struct judgement *judgement, struct step_out *out)
{
    struct ntlm_session *session = &judgement->session;
    const struct ntlm_av_pairs *pairs = &judgement->blob.pairs;
    bool trusted = !pairs->has_flags || (pairs->flags & NTLM_AV_UNTRUSTED_TARGET) == 0;
    struct utf16 user, domain;
    session_names(judgement, &user, &domain);
    TRY(ntlm_names_new(domain, user, judgement->logon.workstation, trusted ? pairs->target_name : BYTES_NONE,
                       BYTES_NONE, judgement->verdict.unix_name, &session->names));
    session->has_target = pairs->has_target_name && trusted;
    session->mic = pairs->has_flags && (pairs->flags & NTLM_AV_MIC) != 0;
    session->user_flags = judgement->verdict.user_flags;
    session->password_expiry = session->anonymous ? CLOCK_NEVER : judgement->verdict.password_expiry;
    session->returned = returned_flags(judgement->context->request, session->flags, session->anonymous);
    ntlm_establish(judgement->context, session);
    out->flags = session->returned;
    out->expiry = CLOCK_NEVER;
    return SEC_E_OK;
}

/* In the order of MS-NLMP 3.2.5.1.2: nothing that the client says is believed before the proof has matched. */
static SECURITY_STATUS judge(struct judgement *judgement, struct step_out *out)
{
    uint8_t wide[6 * ACCOUNT_NAME_MAX];
    struct writer names = write_into(wide, sizeof wide);
    TRY(ntlm_authenticate_parse(judgement->in->token, &judgement->message));
    TRY(judge_responses(judgement, &names));
    TRY(recover_session_key(judgement));
    TRY(judge_mic(judgement));
    TRY(judge_bindings(judgement, out));
    TRY(ntlm_target_judge(&judgement->blob.pairs));
    TRY(judge_clock(judgement));
    return open_session(judgement, out);
}

static SECURITY_STATUS take_authenticate(struct ntlm_context *context, const struct step_in *in, struct step_out *out)
{
    struct judgement judgement = {.context = context, .in = in};
    SECURITY_STATUS status = judge(&judgement, out);
    secret_wipe(&judgement.verdict, sizeof judgement.verdict);
    key16_wipe(&judgement.session.session_key);
    return status;
}

static SECURITY_STATUS first_leg(struct ntlm_credential *credential, struct context **out_context,
                                 const struct step_in *in, struct step_out *out)
{
    bool datagram = (in->flags & ASC_REQ_DATAGRAM) != 0 && in->token.size == 0;
    struct ntlm_context *context = NULL;
    TRY(ntlm_context_new(false, in->flags, &context));
    SECURITY_STATUS status =
        datagram ? speak_first(context, credential, out) : answer_negotiate(context, credential, in, out);
    if (status < 0) {
        ntlm_dispose(&context->base);
        return status;
    }
    *out_context = &context->base;
    return status;
}

/* A NEGOTIATE on an established context re-authenticates the connection; anything else there is out of order. */
static SECURITY_STATUS later_leg(struct ntlm_credential *credential, struct ntlm_context *context,
                                 const struct step_in *in, struct step_out *out)
{
    if (context->state == NTLM_STATE_DONE) {
        struct ntlm_negotiate negotiate;
        REQUIRE(credential != NULL && ntlm_negotiate_parse(in->token, &negotiate) >= 0, SEC_E_OUT_OF_SEQUENCE,
                "the NTLM exchange is complete; only a NEGOTIATE, with a credential, starts a new one");
        return answer_negotiate(context, credential, in, out);
    }
    REQUIRE(context->state == NTLM_STATE_WAIT_AUTHENTICATE, SEC_E_OUT_OF_SEQUENCE,
            "an earlier leg of this NTLM context failed: a challenge is good for one answer (MS-NLMP 3.2.5.1.2)");
    SECURITY_STATUS status = take_authenticate(context, in, out);
    if (status < 0) {
        context->state = NTLM_STATE_FAILED;
        ntlm_handshake_free(&context->handshake);
    }
    return status;
}

SECURITY_STATUS ntlm_accept(struct credential *credential, struct context **context, const struct step_in *in,
                            struct step_out *out)
{
    REQUIRE(in->token.size <= NTLM_MAX_INPUT, SEC_E_INVALID_TOKEN, "an NTLM token longer than 64 KiB");
    if (*context == NULL) {
        return first_leg((struct ntlm_credential *)credential, context, in, out);
    }
    return later_leg((struct ntlm_credential *)credential, (struct ntlm_context *)*context, in, out);
}
