#include "party.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "sspi_ext.h"
#include "terminal.h"
#include "text/utf16.h"

uint64_t party_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

SECURITY_STATUS party_credential(const char *package, bool acceptor, const struct login *login, CredHandle *out)
{
    SEC_WINNT_AUTH_IDENTITY_A identity;
    TimeStamp expiry;
    bool named = login != NULL && login->user != NULL;
    if (named) {
        identity = login_identity(login);
    }
    return AcquireCredentialsHandleA(NULL, (char *)package, acceptor ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL,
                                     named ? &identity : NULL, NULL, NULL, out, &expiry);
}

/* The buffers that go in: the peer's token, if there is one, and the channel's bindings, if it has some. */
static ULONG fill_input(const struct party *party, struct bytes token, SecBuffer in[2])
{
    ULONG count = 0;
    if (token.size > 0 || party->acceptor) {
        in[count++] = (SecBuffer){(ULONG)token.size, SECBUFFER_TOKEN, (void *)token.data};
    }
    if (party->bindings.size > 0) {
        in[count++] =
            (SecBuffer){(ULONG)party->bindings.size, SECBUFFER_CHANNEL_BINDINGS, (void *)party->bindings.data};
    }
    return count;
}

SECURITY_STATUS party_step(struct party *party, CredHandle *credential, struct bytes token, const char *target,
                           ULONG request, struct bytes *out)
{
    SecBuffer in_buffers[2];
    SEC_CHANNEL_BINDINGS_RESULT result = {0};
    SecBuffer out_buffers[2] = {{0, SECBUFFER_TOKEN, NULL},
                                {sizeof result, SECBUFFER_CHANNEL_BINDINGS_RESULT, &result}};
    SecBufferDesc in = {SECBUFFER_VERSION, fill_input(party, token, in_buffers), in_buffers};
    SecBufferDesc answer = {SECBUFFER_VERSION, party->acceptor && party->bindings.size > 0 ? 2 : 1, out_buffers};
    CtxtHandle *context = party->has_context ? &party->context : NULL;
    TimeStamp expiry;
    SECURITY_STATUS status;
    uint64_t start = party_clock();
    if (party->acceptor) {
        status = AcceptSecurityContext(credential, context, &in, request | ASC_REQ_ALLOCATE_MEMORY,
                                       SECURITY_NATIVE_DREP, &party->context, &answer, &party->flags, &expiry);
    } else {
        status = InitializeSecurityContextA(credential, context, (char *)target, request | ISC_REQ_ALLOCATE_MEMORY, 0,
                                            SECURITY_NATIVE_DREP, in.cBuffers > 0 ? &in : NULL, 0, &party->context,
                                            &answer, &party->flags, &expiry);
    }
    if (status == SEC_I_COMPLETE_NEEDED || status == SEC_I_COMPLETE_AND_CONTINUE) {
        SECURITY_STATUS completed = CompleteAuthToken(&party->context, &answer);
        status = completed < 0 ? completed : status == SEC_I_COMPLETE_AND_CONTINUE ? SEC_I_CONTINUE_NEEDED : SEC_E_OK;
    }
    party->nanoseconds = party_clock() - start;
    party->has_context = party->has_context || status >= 0; /* a failed first leg makes no context (sspi(3)) */
    party->established = status == SEC_E_OK;
    party->reason = status < 0 ? last_reason() : NULL;
    party->bindings_result |= result.flags;
    *out = status >= 0 ? bytes_of(out_buffers[0].pvBuffer, out_buffers[0].cbBuffer) : BYTES_NONE;
    return status;
}

void party_reset(struct party *party)
{
    if (party->has_context) {
        DeleteSecurityContext(&party->context);
    }
    *party =
        (struct party){.acceptor = party->acceptor, .speaks_first = party->speaks_first, .bindings = party->bindings};
}

/* Flags as both directions call them; where the two differ in value each has its own entry. */
static void add_flags(struct json_object *facts, bool acceptor, ULONG flags)
{
    static const struct {
        ULONG client, server;
        const char *name;
    } known[] = {
        {ISC_RET_DELEGATE, ASC_RET_DELEGATE, "delegate"},
        {ISC_RET_MUTUAL_AUTH, ASC_RET_MUTUAL_AUTH, "mutual authentication"},
        {ISC_RET_REPLAY_DETECT, ASC_RET_REPLAY_DETECT, "replay detection"},
        {ISC_RET_SEQUENCE_DETECT, ASC_RET_SEQUENCE_DETECT, "sequence detection"},
        {ISC_RET_CONFIDENTIALITY, ASC_RET_CONFIDENTIALITY, "confidentiality"},
        {ISC_RET_INTEGRITY, ASC_RET_INTEGRITY, "integrity"},
        {ISC_RET_IDENTIFY, ASC_RET_IDENTIFY, "identify only"},
        {ISC_RET_CONNECTION, ASC_RET_CONNECTION, "connection"},
        {ISC_RET_DATAGRAM, ASC_RET_DATAGRAM, "datagram"},
        {ISC_RET_STREAM, ASC_RET_STREAM, "stream"},
        {ISC_RET_EXTENDED_ERROR, ASC_RET_EXTENDED_ERROR, "extended error"},
        {ISC_RET_NULL_SESSION, ASC_RET_NULL_SESSION, "null session"},
    };
    struct json_object *names = facts_list();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((flags & (acceptor ? known[i].server : known[i].client)) != 0) {
            facts_say(names, "%s", known[i].name);
        }
    }
    facts_add(facts, "context_flags", names);
}

char *party_user(struct party *party)
{
    SecPkgContext_NamesA names = {NULL};
    char *user = NULL;
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_NAMES, &names) == SEC_E_OK && names.sUserName != NULL) {
        user = need(strdup(names.sUserName));
        FreeContextBuffer(names.sUserName);
    }
    return user;
}

static void add_package(struct party *party, struct json_object *facts)
{
    SecPkgContext_NegotiationInfoA chosen = {NULL, 0};
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_NEGOTIATION_INFO, &chosen) == SEC_E_OK) {
        facts_text(facts, "package", chosen.PackageInfo->Name);
        FreeContextBuffer(chosen.PackageInfo);
    }
}

static void add_target(struct party *party, struct json_object *facts)
{
    SecPkgContext_ClientSpecifiedTarget target = {NULL};
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target) == SEC_E_OK) {
        facts_utf16(facts, "target_name", utf16_bytes(utf16_from_wide((const uint16_t *)target.sTargetName)));
        FreeContextBuffer(target.sTargetName);
    }
}

static void add_key_info(struct party *party, struct json_object *facts)
{
    SecPkgContext_KeyInfoA key = {NULL};
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_KEY_INFO, &key) == SEC_E_OK) {
        char text[160];
        snprintf(text, sizeof text, "%s and %s, %u bits", key.sSignatureAlgorithmName, key.sEncryptAlgorithmName,
                 (unsigned)key.KeySize);
        facts_text(facts, "protection", text);
        FreeContextBuffer(key.sSignatureAlgorithmName);
        FreeContextBuffer(key.sEncryptAlgorithmName);
    }
}

static void add_sizes(struct party *party, struct json_object *facts)
{
    SecPkgContext_Sizes sizes = {0};
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_SIZES, &sizes) == SEC_E_OK) {
        struct json_object *object = facts_new();
        facts_number(object, "max_token", sizes.cbMaxToken);
        facts_number(object, "max_signature", sizes.cbMaxSignature);
        facts_number(object, "block_size", sizes.cbBlockSize);
        facts_number(object, "security_trailer", sizes.cbSecurityTrailer);
        facts_add(facts, "sizes", object);
    }
}

/* What the server made of the client's channel bindings. */
static void add_bindings(const struct party *party, struct json_object *facts)
{
    const char *text = NULL;
    if ((party->bindings_result & SEC_CHANNEL_BINDINGS_RESULT_VALID_MATCHED) != 0) {
        text = "those of this connection";
    } else if ((party->bindings_result & SEC_CHANNEL_BINDINGS_RESULT_VALID_MISSING) != 0) {
        text = "none";
    }
    if (text != NULL) {
        facts_text(facts, "channel_bindings", text);
    }
}

/* What a directory says of the client, where one does (SspiExtQueryToken). */
static void add_token(struct party *party, struct json_object *facts)
{
    SecPkgContext_AccessToken access;
    SSPI_EXT_TOKEN *token = NULL;
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_ACCESS_TOKEN, &access) != SEC_E_OK ||
        SspiExtQueryToken(access.AccessToken, &token) != SEC_E_OK) {
        return;
    }
    if (token->UserPrincipalName != NULL) {
        facts_text(facts, "user_principal_name", token->UserPrincipalName);
    }
    if (token->DnsDomain != NULL) {
        facts_text(facts, "dns_domain", token->DnsDomain);
    }
    if (token->Sid != NULL) {
        struct json_object *groups = facts_list();
        for (ULONG i = 0; i < token->GroupCount; i++) {
            facts_say(groups, "%s", token->Groups[i].Sid);
        }
        facts_text(facts, "sid", token->Sid);
        facts_add(facts, "groups", groups);
    }
    FreeContextBuffer(token);
}

struct json_object *party_facts(struct party *party)
{
    struct json_object *facts = facts_new();
    SecPkgContext_Lifespan lifespan;
    AUTO_FREE char *user = party_user(party);
    if (user != NULL) {
        facts_text(facts, "user", user);
    }
    add_package(party, facts);
    if (party->acceptor) {
        add_token(party, facts);
        add_target(party, facts);
    }
    add_flags(facts, party->acceptor, party->flags);
    add_bindings(party, facts);
    add_key_info(party, facts);
    add_sizes(party, facts);
    if (QueryContextAttributesA(&party->context, SECPKG_ATTR_LIFESPAN, &lifespan) == SEC_E_OK) {
        facts_time(facts, "valid_until", (uint64_t)lifespan.tsExpiry.QuadPart);
    }
    return facts;
}

SECURITY_STATUS party_handshake(struct party *client, CredHandle *client_credential, struct party *server,
                                CredHandle *server_credential, const char *target, ULONG request,
                                struct exchange *exchange)
{
    struct party *turn = server->speaks_first ? server : client;
    struct bytes token = BYTES_NONE;
    /* What a server wants has the client's values, but for integrity: the others imply it. */
    ULONG offers = request & (ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT | ASC_REQ_CONFIDENTIALITY);
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    while (exchange->count < EXCHANGE_LEGS) {
        struct bytes answer = BYTES_NONE;
        status = party_step(turn, turn == client ? client_credential : server_credential, token, target,
                            turn == client ? request : offers, &answer);
        struct leg *leg = exchange_add(exchange, turn == client, answer);
        leg_status(leg, status, turn->nanoseconds);
        if (answer.size == 0) {
            leg_note(leg, "%s: %s", turn == client ? "client" : "server",
                     status == SEC_E_OK     ? "established"
                     : turn->reason != NULL ? turn->reason
                     : status < 0           ? "refused"
                                            : "nothing to send");
        }
        FreeContextBuffer((void *)token.data);
        token = answer;
        if (status < 0 || token.size == 0) {
            break;
        }
        turn = turn == client ? server : client;
    }
    FreeContextBuffer((void *)token.data);
    if (status < 0) {
        return status;
    }
    return client->established && server->established ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}
