#include "kerberos/context.h"

#include <stdlib.h>

#include "base/auto.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"

#define UNIX_EPOCH UINT64_C(116444736000000000)

uint64_t kerberos_filetime(krb5_timestamp when)
{
    return UNIX_EPOCH + (uint64_t)(uint32_t)when * CLOCK_SECOND;
}

SECURITY_STATUS kerberos_context_new(bool initiator, uint32_t request, struct kerberos_credential *credential,
                                     struct kerberos_context **out)
{
    struct kerberos_context *context = calloc(1, sizeof *context);
    struct kerberos_handshake *handshake = calloc(1, sizeof *handshake);
    if (context == NULL || handshake == NULL) {
        free(context);
        free(handshake);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    }
    context_init(&context->base, &kerberos_package, initiator);
    context->request = request;
    context->expiry = CLOCK_NEVER;
    context->handshake = handshake;
    if (credential != NULL) {
        handshake->credential = (struct kerberos_credential *)credential_hold(&credential->base);
    }
    *out = context;
    return SEC_E_OK;
}

static void end_handshake(struct kerberos_context *context)
{
    struct kerberos_handshake *handshake = context->handshake;
    if (handshake != NULL) {
        exchange_free(&handshake->auth);
        ticket_drop(handshake->ticket);
        utf16_free(&handshake->target);
        if (handshake->credential != NULL) {
            credential_drop(&handshake->credential->base);
        }
        free(handshake);
        context->handshake = NULL;
    }
}

void kerberos_fail(struct kerberos_context *context)
{
    context->state = KERBEROS_STATE_FAILED;
    end_handshake(context);
}

void kerberos_dispose(struct context *base)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    end_handshake(context);
    kerberos_direction_free(context, &context->send);
    kerberos_direction_free(context, &context->receive);
    tickets_drop(context->delegated);
    free(context->names);
    free(context->logon);
    context_fini(base);
    secret_wipe(context, sizeof *context);
    free(context);
}

/* ---------------------------------------------------------------- names */

SECURITY_STATUS kerberos_names_new(struct utf16 account, struct utf16 client, struct utf16 server,
                                   struct kerberos_names **out)
{
    size_t backslash = utf16_find(account, '\\');
    size_t domain = backslash == SIZE_MAX ? 0 : 2 * backslash;
    size_t user = backslash == SIZE_MAX ? account.size : account.size - domain - 2;
    size_t size = account.size + client.size + server.size;
    REQUIRE(account.size <= UINT16_MAX && client.size <= UINT16_MAX && server.size <= UINT16_MAX, SEC_E_INVALID_TOKEN,
            "a name longer than 32767 characters");
    struct kerberos_names *names = malloc(sizeof *names + size);
    REQUIRE(names != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session's names");
    *names = (struct kerberos_names){.domain_size = (uint16_t)domain,
                                     .user_size = (uint16_t)user,
                                     .client_size = (uint16_t)client.size,
                                     .server_size = (uint16_t)server.size};
    struct writer writer = write_into(names->text, size);
    write_bytes(&writer, utf16_bytes(account));
    write_bytes(&writer, utf16_bytes(client));
    write_bytes(&writer, utf16_bytes(server));
    *out = names;
    return SEC_E_OK;
}

static size_t account_size(const struct kerberos_names *names)
{
    return names->domain_size == 0 ? names->user_size : (size_t)names->domain_size + 2 + names->user_size;
}

struct utf16 kerberos_account(const struct kerberos_context *context)
{
    const struct kerberos_names *names = context->names;
    return names == NULL ? UTF16_NONE : (struct utf16){names->text, account_size(names)};
}

struct utf16 kerberos_domain(const struct kerberos_context *context)
{
    const struct kerberos_names *names = context->names;
    return names == NULL ? UTF16_NONE : (struct utf16){names->text, names->domain_size};
}

struct utf16 kerberos_user(const struct kerberos_context *context)
{
    const struct kerberos_names *names = context->names;
    return names == NULL ? UTF16_NONE
                         : (struct utf16){names->text + account_size(names) - names->user_size, names->user_size};
}

struct utf16 kerberos_client(const struct kerberos_context *context)
{
    const struct kerberos_names *names = context->names;
    return names == NULL ? UTF16_NONE : (struct utf16){names->text + account_size(names), names->client_size};
}

struct utf16 kerberos_server(const struct kerberos_context *context)
{
    const struct kerberos_names *names = context->names;
    return names == NULL ? UTF16_NONE
                         : (struct utf16){names->text + account_size(names) + names->client_size, names->server_size};
}

SECURITY_STATUS kerberos_take_names(struct kerberos_context *context, krb5_context krb, krb5_const_principal client,
                                    krb5_const_principal server, struct utf16 account)
{
    AUTO_UTF16 by_realm = UTF16_NONE;
    AUTO_UTF16 client_text = UTF16_NONE;
    AUTO_UTF16 server_text = UTF16_NONE;
    if (account.size == 0) {
        TRY(principal_account(krb, client, &by_realm));
    }
    TRY(principal_text(krb, client, &client_text));
    TRY(principal_text(krb, server, &server_text));
    free(context->names);
    context->names = NULL;
    return kerberos_names_new(account.size != 0 ? account : by_realm, client_text, server_text, &context->names);
}

/* ---------------------------------------------------------------- keys, and the end of the handshake */

SECURITY_STATUS kerberos_take_keys(struct kerberos_context *context, krb5_context krb, bool acceptor_subkey)
{
    struct exchange_keys keys;
    TRY(exchange_keys(krb, context->handshake->auth, context->base.initiator, acceptor_subkey, &keys));
    bool mutual = (context->flags & AP_FLAG_MUTUAL) != 0;
    context->key = keys.key;
    context->profile = enctype_profile(keys.key.enctype);
    context->acceptor_subkey = acceptor_subkey;
    /* Without an AP-REP both directions count from the initiator's number (as MIT does). */
    uint32_t own = mutual || context->base.initiator ? keys.local_number : keys.remote_number;
    uint32_t peer = mutual || !context->base.initiator ? keys.remote_number : keys.local_number;
    context->send.number = own;
    sequence_start(&context->sequence, peer, context->profile != NULL,
                   !context->datagram && (context->flags & AP_FLAG_SEQUENCE) != 0,
                   !context->datagram && (context->flags & AP_FLAG_REPLAY) != 0);
    secret_wipe(&keys, sizeof keys);
    return SEC_E_OK;
}

struct flag_names {
    uint32_t ap, isc, asc;
};

static const struct flag_names flag_names[] = {
    {AP_FLAG_DELEGATE, ISC_RET_DELEGATE, ASC_RET_DELEGATE},
    {AP_FLAG_MUTUAL, ISC_RET_MUTUAL_AUTH, ASC_RET_MUTUAL_AUTH},
    {AP_FLAG_REPLAY, ISC_RET_REPLAY_DETECT, ASC_RET_REPLAY_DETECT},
    {AP_FLAG_SEQUENCE, ISC_RET_SEQUENCE_DETECT, ASC_RET_SEQUENCE_DETECT},
    {AP_FLAG_CONFIDENTIALITY, ISC_RET_CONFIDENTIALITY, ASC_RET_CONFIDENTIALITY},
    {AP_FLAG_INTEGRITY, ISC_RET_INTEGRITY, ASC_RET_INTEGRITY},
    {AP_FLAG_DCE_STYLE, ISC_RET_USED_DCE_STYLE, ASC_RET_USED_DCE_STYLE},
    {AP_FLAG_IDENTIFY, ISC_RET_IDENTIFY, ASC_RET_IDENTIFY},
    {AP_FLAG_EXTENDED_ERROR, ISC_RET_EXTENDED_ERROR, ASC_RET_EXTENDED_ERROR},
};

uint32_t kerberos_returned(const struct kerberos_context *context)
{
    bool client = context->base.initiator;
    uint32_t returned = context->request & (client ? (uint32_t)(ISC_REQ_CONNECTION | ISC_REQ_DATAGRAM)
                                                   : (uint32_t)(ASC_REQ_CONNECTION | ASC_REQ_DATAGRAM));
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if ((context->flags & flag_names[i].ap) != 0) {
            returned |= client ? flag_names[i].isc : flag_names[i].asc;
        }
    }
    if (context->user_to_user) {
        returned |= client ? ISC_RET_USE_SESSION_KEY : ASC_RET_USE_SESSION_KEY;
    }
    return returned;
}

void kerberos_establish(struct kerberos_context *context, struct step_out *out)
{
    context->state = KERBEROS_STATE_DONE;
    context->base.established = true;
    context->returned = kerberos_returned(context);
    out->flags = context->returned;
    out->expiry = context->expiry;
    end_handshake(context);
}
