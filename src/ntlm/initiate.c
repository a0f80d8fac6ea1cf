/* The client: NEGOTIATE out, CHALLENGE in, AUTHENTICATE out (MS-NLMP 3.1.5). */
#include "base/clock.h"
#include "base/policy.h"
#include "base/random.h"
#include "base/trace.h"
#include "logon/machine.h"
#include "ntlm/authenticate.h"
#include "ntlm/challenge.h"
#include "ntlm/client_challenge.h"
#include "ntlm/context.h"
#include "ntlm/keys.h"
#include "ntlm/negotiate.h"
#include "ntlm/text.h"

#define LEVEL_NTLMV2    3 /* LmCompatibilityLevel: from here on NTLMv2 only */
#define LEVEL_ESS       1
#define LEVEL_NO_LM     2
#define NT_RESPONSE_MAX 4096

/* The flag word that Windows' NEGOTIATE carries for these ISC_REQ_* (observed: a2088207, e2088297, e20882b7). */
static uint32_t flags_to_ask_for(uint32_t request)
{
    uint32_t flags = NTLM_UNICODE | NTLM_OEM | NTLM_REQUEST_TARGET | NTLM_NTLM | NTLM_ALWAYS_SIGN | NTLM_VERSION |
                     NTLM_128 | NTLM_56;
    if (policy_get()->ntlm_send_level >= LEVEL_ESS) {
        flags |= NTLM_ESS;
    }
    if ((request & (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_CONFIDENTIALITY)) !=
        0) {
        flags |= NTLM_SIGN | NTLM_KEY_EXCH | NTLM_LM_KEY;
    }
    if ((request & ISC_REQ_CONFIDENTIALITY) != 0) {
        flags |= NTLM_SEAL;
    }
    if ((request & ISC_REQ_IDENTIFY) != 0) {
        flags |= NTLM_IDENTIFY;
    }
    if ((request & ISC_REQ_DATAGRAM) != 0) {
        flags |= NTLM_DATAGRAM | NTLM_KEY_EXCH;
    }
    return flags;
}

/* What the caller is told (context-requirements): what it asked for, as far as it was negotiated.  MUTUAL_AUTH and
 * DCE_STYLE come back although NTLM does neither; programs that ask for them count on it (see divergences.md). */
static uint32_t returned_flags(uint32_t request, uint32_t flags, bool anonymous)
{
    uint32_t returned = request & (ISC_REQ_MUTUAL_AUTH | ISC_REQ_USE_DCE_STYLE | ISC_REQ_CONNECTION | ISC_REQ_DATAGRAM);
    if ((flags & NTLM_SIGN) != 0) {
        returned |= ISC_RET_INTEGRITY | (request & (ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT));
    }
    if ((flags & NTLM_SEAL) != 0) {
        returned |= ISC_RET_CONFIDENTIALITY | ISC_RET_INTEGRITY | ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT;
    }
    if ((flags & NTLM_IDENTIFY) != 0) {
        returned |= ISC_RET_IDENTIFY;
    }
    if (anonymous) {
        returned |= ISC_RET_NULL_SESSION;
    }
    return returned;
}

/* The first leg: a NEGOTIATE, or nothing at all on a datagram, where the server speaks first (MS-NLMP 1.3.1.3). */
static SECURITY_STATUS send_negotiate(struct ntlm_context *context, struct ntlm_credential *credential,
                                      struct step_out *out)
{
    uint32_t offered = flags_to_ask_for(context->request | context->wished);
    size_t start = out->token->size;
    if ((offered & NTLM_DATAGRAM) == 0) {
        ntlm_negotiate_build(
            &(struct ntlm_negotiate){.flags = offered, .has_version = true, .version = NTLM_OUR_VERSION}, out->token);
        TRY(write_end(out->token));
    }
    struct bytes message = bytes_of(out->token->data + start, out->token->size - start);
    struct ntlm_handshake *handshake = NULL;
    TRY(ntlm_handshake_new(credential, out->token->size == start ? BYTES_NONE : message, BYTES_NONE, &handshake));
    handshake->offered = offered;
    ntlm_handshake_free(&context->handshake);
    context->handshake = handshake;
    context->state = NTLM_STATE_WAIT_CHALLENGE;
    out->flags = returned_flags(context->request, offered, false);
    out->expiry = CLOCK_NEVER;
    return SEC_I_CONTINUE_NEEDED;
}

/* What both sides go by from here: what the server left of what we offered.  LM_KEY is dropped always, since it does not
 * interoperate without ESS and ESS excludes it (MS-NLMP 2.2.2.5).  `needed` is what the caller asked for. */
static SECURITY_STATUS settle_flags(uint32_t offered, uint32_t needed, uint32_t answered, uint32_t *out_flags)
{
    uint32_t flags = answered & (offered | NTLM_TARGET_INFO) & ~(uint32_t)NTLM_LM_KEY;
    if ((flags & NTLM_UNICODE) != 0) {
        flags &= ~(uint32_t)NTLM_OEM;
    }
    uint32_t protection = NTLM_SIGN | NTLM_SEAL;
    REQUIRE((needed & protection & ~flags) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "NTLM CHALLENGE: the server will not sign or seal, and the caller asked for it (MS-NLMP 3.1.5.1.2)");
    REQUIRE((flags & protection) == 0 || (flags & NTLM_128) != 0 || !policy_get()->ntlm_require_128,
            SEC_E_UNSUPPORTED_FUNCTION, "NTLM CHALLENGE: the server will not use 128-bit keys (MS-NLMP 3.1.5.1.2)");
    REQUIRE((offered & NTLM_DATAGRAM) == 0 || (flags & NTLM_KEY_EXCH) != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "NTLM CHALLENGE: a datagram session without key exchange (MS-NLMP 2.2.2.5, F)");
    *out_flags = flags;
    return SEC_E_OK;
}

/* One AUTHENTICATE under way. */
struct reply {
    const struct ntlm_credential *credential;
    const struct ntlm_challenge *challenge;
    const struct ntlm_av_pairs *pairs;
    const struct step_in *in;
    uint32_t flags;
    bool v2, mic;
    struct key16 session_base_key;
    uint8_t lm_response[24];
    size_t lm_size;
    struct writer nt_response;
};

/* NTLMv2 (MS-NLMP 3.3.2, 3.1.5.1.2): with a server timestamp the LM response is 24 zero bytes and a MIC is due. */
static SECURITY_STATUS respond_v2(struct reply *reply)
{
    const struct ntlm_av_pairs *server = reply->pairs;
    struct ntlm_client_pairs pairs = {
        .timestamp = server->has_timestamp ? server->timestamp : clock_now(),
        .server_pairs = bytes_of(reply->challenge->target_info.data, server->size),
    };
    TRY(random_bytes(pairs.challenge, sizeof pairs.challenge));

    struct channel_bindings bindings;
    struct key16 bindings_md5 = {{0}};
    TRY(bindings_parse(reply->in->bindings, &bindings));
    if (bindings.present) {
        bindings_hash(&bindings, &bindings_md5);
    }
    pairs.channel_bindings = BYTES(bindings_md5.b);
    pairs.target_name = utf16_bytes(reply->in->target);
    reply->mic = server->has_timestamp;
    pairs.av_flags = (reply->mic ? NTLM_AV_MIC : 0) | (server->has_flags ? server->flags & NTLM_AV_CONSTRAINED : 0) |
                     ((reply->in->flags & ISC_REQ_UNVERIFIED_TARGET_NAME) != 0 ? NTLM_AV_UNTRUSTED_TARGET : 0);

    struct key16 proof;
    write_zeros(&reply->nt_response, sizeof proof.b);
    ntlm_client_challenge_build(&pairs, &reply->nt_response);
    REQUIRE(!reply->nt_response.bad, SEC_E_INVALID_TOKEN,
            "NTLM CHALLENGE: more about the server than a response takes (MS-NLMP 2.2.2.7)"); /* no room would do */
    struct bytes response = write_result(&reply->nt_response);
    struct bytes temp = bytes_of(response.data + sizeof proof.b, response.size - sizeof proof.b);
    const struct hmac_md5_key *key = &reply->credential->ntowf_v2;
    ntlm_v2_proof(key, reply->challenge->server_challenge, temp, &proof);
    write_patch(&reply->nt_response, 0, BYTES(proof.b));
    ntlm_v2_session_base_key(key, &proof, &reply->session_base_key);
    reply->lm_size = sizeof reply->lm_response;
    if (!server->has_timestamp) {
        ntlm_v2_lm_response(key, reply->challenge->server_challenge, pairs.challenge, reply->lm_response);
    }
    reply->v2 = true;
    return SEC_E_OK;
}

/* NTLMv1 (MS-NLMP 3.3.1), only where policy's send-level allows it. */
static SECURITY_STATUS respond_v1(struct reply *reply)
{
    const struct ntlm_credential *credential = reply->credential;
    const uint8_t *server_challenge = reply->challenge->server_challenge;
    uint8_t nt[24];
    reply->lm_size = sizeof reply->lm_response;
    if ((reply->flags & NTLM_ESS) != 0) {
        uint8_t mixed[8];
        TRY(random_bytes(reply->lm_response, 8));
        ntlm_v1_ess_challenge(server_challenge, reply->lm_response, mixed);
        ntlm_v1_response(&credential->ntowf_v1, mixed, nt);
    } else {
        bool lm = credential->has_lmowf_v1 && policy_get()->ntlm_send_level < LEVEL_NO_LM;
        ntlm_v1_response(&credential->ntowf_v1, server_challenge, nt);
        ntlm_v1_response(lm ? &credential->lmowf_v1 : &credential->ntowf_v1, server_challenge, reply->lm_response);
    }
    write_bytes(&reply->nt_response, BYTES(nt));
    ntlm_v1_session_base_key(&credential->ntowf_v1, &reply->session_base_key);
    return SEC_E_OK;
}

/* An anonymous logon: no NT response, one zero byte of LM response, and a session base key of zeros (MS-NLMP 3.2.5.1.2). */
static void respond_anonymously(struct reply *reply)
{
    reply->lm_size = 1;
    reply->flags |= NTLM_ANONYMOUS;
    reply->v2 = true; /* so that KXKEY leaves the zeros as they are (MS-NLMP 3.4.5.1) */
}

/* A signed session needs the server's names in the proof (MS-NLMP 3.1.5.1.2, STATUS_LOGON_FAILURE); a clock that is too
 * far off is the policy's business. */
static SECURITY_STATUS check_target_info(const struct ntlm_av_pairs *pairs, uint32_t flags)
{
    bool named = pairs->nb_computer.data != NULL && pairs->nb_domain.data != NULL;
    REQUIRE((flags & (NTLM_SIGN | NTLM_SEAL)) == 0 || named, SEC_E_LOGON_DENIED,
            "NTLM CHALLENGE: no NetBIOS names of the server in a session that shall be signed (MS-NLMP 3.1.5.1.2)");
    uint64_t limit = (uint64_t)policy_get()->ntlm_max_skew * CLOCK_SECOND;
    if (limit != 0 && pairs->has_timestamp) {
        uint64_t now = clock_now();
        uint64_t skew = now > pairs->timestamp ? now - pairs->timestamp : pairs->timestamp - now;
        REQUIRE(skew <= limit, SEC_E_TIME_SKEW,
                "NTLM CHALLENGE: the server's clock is further off than max-clock-skew allows");
    }
    return SEC_E_OK;
}

static SECURITY_STATUS respond(struct reply *reply, bool anonymous)
{
    if (anonymous) {
        respond_anonymously(reply);
        return SEC_E_OK;
    }
    if (policy_get()->ntlm_send_level < LEVEL_NTLMV2) {
        return respond_v1(reply);
    }
    return respond_v2(reply);
}

/* ExportedSessionKey and EncryptedRandomSessionKey (MS-NLMP 3.1.5.1.2). */
static SECURITY_STATUS make_session_key(const struct reply *reply, struct key16 *out_key, struct key16 *out_encrypted,
                                        size_t *out_encrypted_size)
{
    AUTO_KEY16 exchange;
    bool lm_key = reply->credential->has_lmowf_v1;
    ntlm_kxkey(reply->flags, reply->v2, &reply->session_base_key, reply->lm_response,
               lm_key ? &reply->credential->lmowf_v1 : NULL, reply->challenge->server_challenge, &exchange);
    if ((reply->flags & NTLM_KEY_EXCH) == 0 || (reply->flags & (NTLM_SIGN | NTLM_SEAL)) == 0) {
        *out_key = exchange;
        *out_encrypted_size = 0;
        return SEC_E_OK;
    }
    TRY(random_bytes(out_key->b, sizeof out_key->b));
    rc4_once(BYTES(exchange.b), sizeof out_key->b, out_key->b, out_encrypted->b);
    *out_encrypted_size = sizeof out_encrypted->b;
    return SEC_E_OK;
}

/* Writes AUTHENTICATE into the caller's buffer and puts the MIC into it. */
static SECURITY_STATUS write_authenticate(const struct ntlm_context *context, const struct reply *reply,
                                          struct bytes challenge_message, const struct key16 *session_key,
                                          struct bytes encrypted_key, struct writer *out)
{
    bool anonymous = (reply->flags & NTLM_ANONYMOUS) != 0;
    const struct machine_names *machine;
    TRY(names_of_this_machine(&machine));
    uint8_t oem[3 * ACCOUNT_NAME_MAX];
    struct writer names = write_into(oem, sizeof oem);
    struct ntlm_authenticate message = {
        .flags = reply->flags,
        .lm_response = bytes_of(reply->lm_response, reply->lm_size),
        .nt_response = write_result(&reply->nt_response),
        .encrypted_session_key = encrypted_key,
        .mic_offset = reply->mic ? 72 : 0,
        .has_version = true,
        .version = (reply->flags & NTLM_VERSION) != 0 ? NTLM_OUR_VERSION : (struct ntlm_version){0},
    };
    TRY(ntlm_text_out(reply->flags, machine->netbios_computer, &names, &message.workstation));
    if (!anonymous) {
        TRY(ntlm_text_out(reply->flags, reply->credential->domain, &names, &message.domain));
        TRY(ntlm_text_out(reply->flags, reply->credential->user, &names, &message.user));
    }
    size_t start = out->size;
    ntlm_authenticate_build(&message, out);
    TRY(write_end(out));
    if (reply->mic) {
        struct key16 mic;
        struct bytes whole = bytes_of(out->data + start, out->size - start);
        ntlm_mic(session_key, ntlm_saved_negotiate(context->handshake), challenge_message, whole, message.mic_offset,
                 &mic);
        write_patch(out, start + message.mic_offset, BYTES(mic.b));
    }
    return SEC_E_OK;
}

static SECURITY_STATUS answer_challenge(struct ntlm_context *context, const struct step_in *in, struct step_out *out)
{
    struct ntlm_handshake *handshake = context->handshake;
    const struct ntlm_credential *credential = handshake->credential;
    struct ntlm_challenge challenge;
    struct ntlm_av_pairs pairs = {0};
    struct ntlm_session session = {.password_expiry = CLOCK_NEVER};
    TRY(ntlm_challenge_parse(in->token, &challenge));
    TRY(settle_flags(handshake->offered, flags_to_ask_for(context->request), challenge.flags, &session.flags));
    if (challenge.target_info.size != 0) {
        TRY(ntlm_av_pairs_parse(challenge.target_info, &pairs));
    }
    session.anonymous = credential->anonymous || (context->request & ISC_REQ_NULL_SESSION) != 0;
    if (!session.anonymous) {
        TRY(check_target_info(&pairs, session.flags));
    }

    uint8_t response[NT_RESPONSE_MAX];
    struct reply reply = {.credential = credential,
                          .challenge = &challenge,
                          .pairs = &pairs,
                          .in = in,
                          .flags = session.flags,
                          .nt_response = write_into(response, sizeof response)};
    AUTO_KEY16 encrypted;
    size_t encrypted_size = 0;
    SECURITY_STATUS status = respond(&reply, session.anonymous);
    if (status >= 0) {
        status = make_session_key(&reply, &session.session_key, &encrypted, &encrypted_size);
    }
    if (status >= 0) {
        status = write_authenticate(context, &reply, in->token, &session.session_key,
                                    bytes_of(encrypted.b, encrypted_size), out->token);
    }
    key16_wipe(&reply.session_base_key);
    if (status >= 0) {
        status = ntlm_names_new(session.anonymous ? UTF16_NONE : credential->domain,
                                session.anonymous ? UTF16_NONE : credential->user, UTF16_NONE, utf16_bytes(in->target),
                                challenge.target_info, NULL, &session.names);
    }
    if (status >= 0) {
        session.v2 = reply.v2;
        session.flags = reply.flags;
        session.has_target = in->target.size != 0;
        session.mic = reply.mic;
        session.returned = returned_flags(context->request, reply.flags, session.anonymous);
        ntlm_establish(context, &session);
        out->flags = session.returned;
        out->expiry = CLOCK_NEVER;
    }
    key16_wipe(&session.session_key);
    return status;
}

static SECURITY_STATUS first_leg(struct ntlm_credential *credential, struct context **out_context,
                                 const struct step_in *in, struct step_out *out)
{
    TRY(step_asks_nobody(in));
    REQUIRE(credential->has_identity || (in->flags & ISC_REQ_NULL_SESSION) != 0, SEC_E_NO_CREDENTIALS,
            "there are no credentials for this user: give some to AcquireCredentialsHandle, or `sspi logon`");
    REQUIRE(in->token.size == 0 || (in->flags & ISC_REQ_DATAGRAM) != 0, SEC_E_INVALID_TOKEN,
            "a token on the first NTLM leg: only on a datagram does the server speak first (MS-NLMP 1.3.1.3)");
    struct ntlm_context *context = NULL;
    TRY(ntlm_context_new(true, in->flags, &context));
    context->wished = in->wished;
    SECURITY_STATUS status = send_negotiate(context, credential, out);
    if (status >= 0 && in->token.size != 0) {
        status = answer_challenge(context, in, out);
    }
    if (status < 0) {
        ntlm_dispose(&context->base);
        return status;
    }
    *out_context = &context->base;
    return status;
}

/* Calling again after success means that re-authentication is wanted (InitializeSecurityContext (NTLM), Remarks): a new
 * NEGOTIATE, while the session goes on under its old keys until the new ones are agreed. */
static SECURITY_STATUS later_leg(struct ntlm_credential *credential, struct ntlm_context *context,
                                 const struct step_in *in, struct step_out *out)
{
    if (context->state == NTLM_STATE_DONE) {
        REQUIRE(
            in->token.size == 0 && credential != NULL && credential->has_identity, SEC_E_OUT_OF_SEQUENCE,
            "the NTLM exchange is complete; calling again without a token, and with a credential, starts a new one");
        return send_negotiate(context, credential, out);
    }
    REQUIRE(context->state == NTLM_STATE_WAIT_CHALLENGE, SEC_E_OUT_OF_SEQUENCE,
            "an earlier leg of this NTLM context failed; delete it and start again");
    SECURITY_STATUS status = answer_challenge(context, in, out);
    if (status < 0 && status != SEC_E_BUFFER_TOO_SMALL) { /* with room the same call may come again */
        context->state = NTLM_STATE_FAILED;
        ntlm_handshake_free(&context->handshake);
    }
    return status;
}

SECURITY_STATUS ntlm_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                              struct step_out *out)
{
    REQUIRE(in->token.size <= NTLM_MAX_INPUT, SEC_E_INVALID_TOKEN, "an NTLM token longer than 64 KiB");
    REQUIRE(in->target.size <= NTLM_MAX_TARGET, SEC_E_TARGET_UNKNOWN,
            "pszTargetName: longer than 1024 characters, which no token has room for");
    if (*context == NULL) {
        return first_leg((struct ntlm_credential *)credential, context, in, out);
    }
    return later_leg((struct ntlm_credential *)credential, (struct ntlm_context *)*context, in, out);
}
