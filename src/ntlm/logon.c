#include "ntlm/logon.h"

#include <string.h>

#include "base/clock.h"
#include "base/policy.h"
#include "base/trace.h"
#include "ntlm/keys.h"

#define V1_RESPONSE_SIZE     24
#define LEVEL_REFUSES_LM     4 /* LmCompatibilityLevel at which a server refuses LM */
#define LEVEL_REFUSES_NTLMV1 5 /* ... and NTLMv1 */

#define DENIED "the user name or the password is wrong, or the account may not log on (MS-NLMP 3.2.5.1.2)"

bool ntlm_logon_is_anonymous(const struct ntlm_authenticate *message)
{
    bool lm_empty =
        message->lm_response.size == 0 || (message->lm_response.size == 1 && message->lm_response.data[0] == 0);
    return message->user.size == 0 && message->nt_response.size == 0 && lm_empty;
}

/* What an NTLMv1 response answers: with ESS the client's challenge is mixed in (MS-NLMP 3.3.1). */
static void v1_challenge(const struct ntlm_logon *logon, uint8_t out[8])
{
    struct bytes lm = logon->message->lm_response;
    if ((logon->flags & NTLM_ESS) != 0 && lm.size >= 8) {
        ntlm_v1_ess_challenge(logon->server_challenge, lm.data, out);
    } else {
        memcpy(out, logon->server_challenge, 8);
    }
}

/* One try with one spelling of the domain: MS-NLMP 3.2.5.1.2 lets a server retry with none. */
static bool prove_v2(const struct ntlm_logon *logon, const struct account *account, struct utf16 domain,
                     struct key16 *out_session_base_key)
{
    struct bytes response = logon->message->nt_response;
    AUTO_KEY16 ntowf_v2;
    __attribute__((cleanup(hmac_md5_key_wipe))) struct hmac_md5_key key;
    struct key16 proof;
    ntlm_ntowf_v2(&account->nt_hash, logon->user, domain, &ntowf_v2);
    hmac_md5_key(&key, BYTES(ntowf_v2.b));
    ntlm_v2_proof(&key, logon->server_challenge, bytes_of(response.data + 16, response.size - 16), &proof);
    ntlm_v2_session_base_key(&key, &proof, out_session_base_key);
    return secret_equal(proof.b, response.data, sizeof proof.b);
}

static bool prove_v1(const struct ntlm_logon *logon, const struct account *account, struct key16 *out_session_base_key)
{
    int level = policy_get()->ntlm_accept_level;
    struct bytes nt = logon->message->nt_response;
    struct bytes lm = logon->message->lm_response;
    uint8_t challenge[8], expected[V1_RESPONSE_SIZE];
    v1_challenge(logon, challenge);
    ntlm_v1_session_base_key(&account->nt_hash, out_session_base_key);
    if (nt.size == V1_RESPONSE_SIZE && level < LEVEL_REFUSES_NTLMV1) {
        ntlm_v1_response(&account->nt_hash, challenge, expected);
        if (secret_equal(expected, nt.data, sizeof expected)) {
            return true;
        }
    }
    if (lm.size == V1_RESPONSE_SIZE && level < LEVEL_REFUSES_LM && account->has_lm_hash &&
        (logon->flags & NTLM_ESS) == 0) {
        ntlm_v1_response(&account->lm_hash, logon->server_challenge, expected);
        return secret_equal(expected, lm.data, sizeof expected);
    }
    return false;
}

static bool is_v2(const struct ntlm_logon *logon)
{
    return logon->message->nt_response.size > V1_RESPONSE_SIZE;
}

static void account_wipe(struct account *account)
{
    secret_wipe(account, sizeof *account);
}

/* A source that knows the hash: the check is ours.  Every refusal takes the same path: lookup, two proofs, the note for
 * the lock-out, one reason. */
static SECURITY_STATUS check_known(struct accounts *accounts, const struct ntlm_logon *logon, struct ntlm_verdict *out)
{
    __attribute__((cleanup(account_wipe))) struct account account = {.state = ACCOUNT_UNKNOWN};
    TRY(accounts->known(accounts, logon->user, logon->domain, &account));
    struct ntlm_verdict verdict = {.v2 = is_v2(logon),
                                   .has_lm_hash = account.has_lm_hash,
                                   .lm_hash = account.lm_hash,
                                   .user_flags = account.user_flags,
                                   .password_expiry = account.password_expiry};
    bool proven = verdict.v2 ? prove_v2(logon, &account, logon->domain, &verdict.session_base_key)
                             : prove_v1(logon, &account, &verdict.session_base_key);
    bool good = proven && account.state == ACCOUNT_GOOD;
    if (!good && verdict.v2) { /* also for a right password of a locked account: it must not answer sooner */
        proven = prove_v2(logon, &account, UTF16_NONE, &verdict.session_base_key);
        good = proven && account.state == ACCOUNT_GOOD;
    }
    memcpy(verdict.unix_name, account.unix_name, sizeof verdict.unix_name);
    verdict.name = account.name;
    if (accounts->outcome != NULL) {
        accounts->outcome(accounts, logon->user, logon->domain, good);
    }
    if (good) {
        *out = verdict;
    }
    secret_wipe(&verdict, sizeof verdict);
    REQUIRE(good, SEC_E_LOGON_DENIED, DENIED);
    return SEC_E_OK;
}

/* A source that verifies by itself: winbind. */
static SECURITY_STATUS ask_source(struct accounts *accounts, const struct ntlm_logon *logon, struct ntlm_verdict *out)
{
    struct logon_attempt attempt = {.user = logon->user,
                                    .domain = logon->domain,
                                    .workstation = logon->workstation,
                                    .nt_response = logon->message->nt_response,
                                    .lm_response = logon->message->lm_response};
    struct logon_result result = {.password_expiry = CLOCK_NEVER};
    if (is_v2(logon)) {
        memcpy(attempt.challenge, logon->server_challenge, sizeof attempt.challenge);
    } else {
        v1_challenge(logon, attempt.challenge);
    }
    TRY(accounts->verify(accounts, &attempt, &result));
    *out = (struct ntlm_verdict){.v2 = is_v2(logon),
                                 .session_base_key = result.session_base_key,
                                 .user_flags = result.user_flags,
                                 .password_expiry = result.password_expiry};
    memcpy(out->unix_name, result.unix_name, sizeof out->unix_name);
    out->name = result.name;
    secret_wipe(&result, sizeof result);
    return SEC_E_OK;
}

/* Wide strings for a caller's verifier are aligned copies: a slice of the token may stand at an odd address. */
static const WCHAR *wide(struct utf16 text, WCHAR *copy)
{
    memcpy(copy, text.data == NULL ? (const uint8_t *)"" : text.data, text.data == NULL ? 0 : text.size);
    return copy;
}

static SECURITY_STATUS ask_caller(const struct ntlm_verifier *verifier, const struct ntlm_logon *logon,
                                  struct ntlm_verdict *out)
{
    WCHAR user[ACCOUNT_NAME_MAX], domain[ACCOUNT_NAME_MAX], workstation[ACCOUNT_NAME_MAX];
    uint8_t challenge[8];
    if (is_v2(logon)) {
        memcpy(challenge, logon->server_challenge, sizeof challenge);
    } else {
        v1_challenge(logon, challenge);
    }
    const SSPI_EXT_LOGON question = {
        .Size = sizeof question,
        .User = wide(logon->user, user),
        .UserLength = (ULONG)utf16_length(logon->user),
        .Domain = wide(logon->domain, domain),
        .DomainLength = (ULONG)utf16_length(logon->domain),
        .Workstation = wide(logon->workstation, workstation),
        .WorkstationLength = (ULONG)utf16_length(logon->workstation),
        .Challenge = challenge,
        .NtResponse = logon->message->nt_response.data,
        .NtResponseLength = (ULONG)logon->message->nt_response.size,
        .LmResponse = logon->message->lm_response.data,
        .LmResponseLength = (ULONG)logon->message->lm_response.size,
    };
    SSPI_EXT_LOGON_RESULT answer = {.Size = sizeof answer, .PasswordExpires.QuadPart = (LONGLONG)CLOCK_NEVER};
    SECURITY_STATUS status = verifier->verify(verifier->argument, &question, &answer);
    if (status == SEC_E_OK) {
        *out = (struct ntlm_verdict){.v2 = is_v2(logon),
                                     .user_flags = answer.UserFlags,
                                     .password_expiry = (uint64_t)answer.PasswordExpires.QuadPart};
        memcpy(out->session_base_key.b, answer.SessionBaseKey, sizeof out->session_base_key.b);
    }
    secret_wipe(&answer, sizeof answer);
    REQUIRE(status != SEC_E_NO_AUTHENTICATING_AUTHORITY, status, "the application's verifier could not decide");
    REQUIRE(status == SEC_E_OK, SEC_E_LOGON_DENIED, DENIED);
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_logon(const struct ntlm_logon *logon, struct ntlm_verdict *out)
{
    REQUIRE(is_v2(logon) || policy_get()->ntlm_accept_level < LEVEL_REFUSES_NTLMV1, SEC_E_LOGON_DENIED,
            "the client answered with NTLMv1 or LM, which the policy refuses ([ntlm] accept-level)");
    REQUIRE(utf16_length(logon->user) <= ACCOUNT_NAME_MAX && utf16_length(logon->domain) <= ACCOUNT_NAME_MAX &&
                utf16_length(logon->workstation) <= ACCOUNT_NAME_MAX,
            SEC_E_LOGON_DENIED, DENIED);
    const struct ntlm_verifier *verifier = atomic_load_explicit(&logon->credential->verifier, memory_order_acquire);
    if (verifier != NULL) {
        return ask_caller(verifier, logon, out);
    }
    struct accounts *accounts;
    TRY(accounts_default(&accounts));
    SECURITY_STATUS status =
        accounts->known != NULL ? check_known(accounts, logon, out) : ask_source(accounts, logon, out);
    TRACE("NTLM logon by %s: %s", accounts->name, status < 0 ? "refused" : "accepted");
    return status;
}
