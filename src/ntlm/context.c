#include "ntlm/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "ntlm/flags.h"

SECURITY_STATUS ntlm_context_new(bool initiator, uint32_t request, struct ntlm_context **out)
{
    struct ntlm_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, &ntlm_package, initiator);
    context->request = request;
    context->password_expiry = CLOCK_NEVER;
    *out = context;
    return SEC_E_OK;
}

void ntlm_dispose(struct context *base)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    ntlm_handshake_free(&context->handshake);
    free(context->names);
    context_fini(base);
    secret_wipe(context, sizeof *context);
    free(context);
}

SECURITY_STATUS ntlm_handshake_new(struct ntlm_credential *credential, struct bytes negotiate, struct bytes challenge,
                                   struct ntlm_handshake **out)
{
    struct ntlm_handshake *handshake = malloc(sizeof *handshake + negotiate.size + challenge.size);
    REQUIRE(handshake != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a handshake");
    *handshake = (struct ntlm_handshake){.negotiate_size = negotiate.size, .challenge_size = challenge.size};
    handshake->credential = (struct ntlm_credential *)credential_hold(&credential->base);
    struct writer writer = write_into(handshake->messages, negotiate.size + challenge.size);
    write_bytes(&writer, negotiate);
    write_bytes(&writer, challenge);
    *out = handshake;
    return SEC_E_OK;
}

void ntlm_handshake_free(struct ntlm_handshake **handshake)
{
    if (*handshake != NULL) {
        credential_drop(&(*handshake)->credential->base);
        free(*handshake);
        *handshake = NULL;
    }
}

SECURITY_STATUS ntlm_names_new(struct utf16 domain, struct utf16 user, struct utf16 workstation, struct bytes target,
                               struct bytes target_info, const char *unix_name, struct ntlm_names **out)
{
    size_t unix_size = unix_name == NULL || unix_name[0] == '\0' ? 0 : strlen(unix_name) + 1;
    size_t size = domain.size + 2 + user.size + workstation.size + target.size + target_info.size + unix_size;
    REQUIRE(target.size <= UINT16_MAX, SEC_E_TARGET_UNKNOWN,
            "the target's name is longer than an AV_PAIR can say (MS-NLMP 2.2.2.1)");
    REQUIRE(unix_size <= NTLM_UNIX_NAME_MAX, SEC_E_INTERNAL_ERROR, "a local account's name is longer than 63 bytes");
    struct ntlm_names *names = malloc(sizeof *names + size);
    REQUIRE(names != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session's names");
    *names = (struct ntlm_names){
        .domain_size = (uint16_t)domain.size,
        .user_size = (uint16_t)user.size,
        .workstation_size = (uint16_t)workstation.size,
        .target_size = (uint16_t)target.size,
        .target_info_size = (uint16_t)target_info.size,
        .unix_size = (uint16_t)unix_size,
    };
    struct writer writer = write_into(names->text, size);
    write_bytes(&writer, utf16_bytes(domain));
    write_u16le(&writer, '\\');
    write_bytes(&writer, utf16_bytes(user));
    write_bytes(&writer, utf16_bytes(workstation));
    write_bytes(&writer, target);
    write_bytes(&writer, target_info);
    write_bytes(&writer, bytes_of(unix_name, unix_size));
    *out = names;
    return SEC_E_OK;
}

/* Without a domain the name stands alone. */
struct utf16 ntlm_qualified_name(const struct ntlm_context *context)
{
    const struct ntlm_names *names = context->names;
    if (names == NULL) {
        return UTF16_NONE;
    }
    if (names->domain_size == 0) {
        return ntlm_user(context);
    }
    return (struct utf16){names->text, (size_t)names->domain_size + 2 + names->user_size};
}

struct utf16 ntlm_domain(const struct ntlm_context *context)
{
    const struct ntlm_names *names = context->names;
    return names == NULL ? UTF16_NONE : (struct utf16){names->text, names->domain_size};
}

struct utf16 ntlm_user(const struct ntlm_context *context)
{
    const struct ntlm_names *names = context->names;
    return names == NULL ? UTF16_NONE : (struct utf16){names->text + names->domain_size + 2, names->user_size};
}

struct utf16 ntlm_target(const struct ntlm_context *context)
{
    const struct ntlm_names *names = context->names;
    if (names == NULL) {
        return UTF16_NONE;
    }
    size_t before = (size_t)names->domain_size + 2 + names->user_size + names->workstation_size;
    return (struct utf16){names->text + before, names->target_size};
}

struct bytes ntlm_target_info(const struct ntlm_context *context)
{
    const struct ntlm_names *names = context->names;
    if (names == NULL) {
        return BYTES_NONE;
    }
    size_t before = (size_t)names->domain_size + 2 + names->user_size + names->workstation_size + names->target_size;
    return bytes_of(names->text + before, names->target_info_size);
}

const char *ntlm_unix_name(const struct ntlm_context *context)
{
    if (context->names == NULL || context->names->unix_size == 0) {
        return NULL;
    }
    struct bytes before = ntlm_target_info(context);
    return (const char *)before.data + before.size;
}

void ntlm_establish(struct ntlm_context *context, const struct ntlm_session *session)
{
    context_forget_token(&context->base);
    free(context->names);
    context->names = session->names;
    context->flags = session->flags;
    context->v2 = session->v2;
    context->anonymous = session->anonymous;
    context->has_target = session->has_target;
    context->mic = session->mic;
    context->user_flags = session->user_flags;
    context->password_expiry = session->password_expiry;
    context->returned = session->returned;
    context->start = clock_now();
    context->session_key = session->session_key;
    context->send = (struct ntlm_direction){0}; /* protect.c derives the keys when a direction is first used */
    context->receive = (struct ntlm_direction){0};
    ntlm_handshake_free(&context->handshake);
    context->state = NTLM_STATE_DONE;
    context->base.established = true;
    atomic_store_explicit(&context->base.one_stream, (session->flags & NTLM_ESS) == 0, memory_order_relaxed);
}
