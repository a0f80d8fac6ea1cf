/* What an access token says of its account (sspi_ext.h). */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "core/context_buffer.h"
#include "core/token.h"
#include "sspi_ext.h"
#include "text/sid.h"

/* One block: the struct, the groups, the texts. */
struct layout_room {
    SSPI_EXT_TOKEN *token;
    SSPI_EXT_TOKEN_GROUP *groups;
    char *text; /* where the next one goes */
};

static struct utf16 account_part(const struct token *token, bool user)
{
    static const uint16_t anonymous[] = u"ANONYMOUS LOGON", authority[] = u"NT AUTHORITY";
    if (token_is_anonymous(token)) {
        return utf16_from_wide(user ? anonymous : authority);
    }
    return user ? token_user(token) : token_domain(token);
}

static size_t text_size(struct utf16 text)
{
    return text.size == 0 ? 0 : utf16_utf8_size(text) + 1;
}

static const char *put_text(struct layout_room *room, struct utf16 text)
{
    if (text.size == 0) {
        return NULL;
    }
    char *at = room->text;
    utf16_utf8_write(text, at);
    at[text_size(text) - 1] = '\0';
    room->text += text_size(text);
    return at;
}

static const char *put_sid(struct layout_room *room, struct bytes sid)
{
    char text[SID_TEXT_MAX];
    sid_text(sid, text);
    size_t size = strlen(text) + 1;
    memcpy(room->text, text, size);
    room->text += size;
    return room->text - size;
}

static size_t count_sids(struct bytes list, size_t *out_text)
{
    uint32_t attributes;
    struct bytes sid;
    char text[SID_TEXT_MAX];
    size_t count = 0;
    *out_text = 0;
    for (; sid_list_next(&list, &attributes, &sid); count++) {
        sid_text(sid, text);
        *out_text += strlen(text) + 1;
    }
    return count;
}

static SECURITY_STATUS make_room(const struct token *token, struct layout_room *out)
{
    const struct token_facts facts = token_facts(token);
    size_t texts = 0;
    size_t count = count_sids(facts.sids, &texts);
    size_t groups = count == 0 ? 0 : count - 1;
    texts += text_size(account_part(token, true)) + text_size(account_part(token, false)) + text_size(facts.upn) +
             text_size(facts.dns_domain);
    size_t fixed = sizeof(SSPI_EXT_TOKEN) + groups * sizeof(SSPI_EXT_TOKEN_GROUP);
    void *block = context_buffer_alloc(fixed + texts);
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for what a token says");
    memset(block, 0, fixed + texts);
    out->token = block;
    out->groups = (SSPI_EXT_TOKEN_GROUP *)(void *)(out->token + 1);
    out->text = (char *)(out->groups + groups);
    out->token->Size = sizeof(SSPI_EXT_TOKEN);
    out->token->GroupCount = (ULONG)groups;
    return SEC_E_OK;
}

static SECURITY_STATUS say(const struct token *token, SSPI_EXT_TOKEN **out)
{
    struct layout_room room = {.token = NULL};
    const struct token_facts facts = token_facts(token);
    struct bytes list = facts.sids, sid;
    uint32_t attributes;
    TRY(make_room(token, &room));
    room.token->User = put_text(&room, account_part(token, true));
    room.token->Domain = put_text(&room, account_part(token, false));
    room.token->UserPrincipalName = put_text(&room, facts.upn);
    room.token->DnsDomain = put_text(&room, facts.dns_domain);
    if (sid_list_next(&list, &attributes, &sid)) {
        room.token->Sid = put_sid(&room, sid);
    }
    for (ULONG i = 0; i < room.token->GroupCount && sid_list_next(&list, &attributes, &sid); i++) {
        room.groups[i] = (SSPI_EXT_TOKEN_GROUP){.Sid = put_sid(&room, sid), .Attributes = attributes};
    }
    room.token->Groups = room.token->GroupCount != 0 ? room.groups : NULL;
    *out = room.token;
    return SEC_E_OK;
}

/* The caller's own token, or that of a context (SECPKG_ATTR_ACCESS_TOKEN). */
static SECURITY_STATUS query(HANDLE packed, SSPI_EXT_TOKEN **out)
{
    static const enum handle_kind kinds[] = {HANDLE_TOKEN, HANDLE_CONTEXT_TOKEN};
    REQUIRE(out != NULL, SEC_E_INVALID_PARAMETER, "SspiExtQueryToken: ppToken is NULL");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        SecHandle handle = handle_unpack(kinds[i], packed);
        struct token *token = handle_pin(kinds[i], &handle);
        if (token != NULL) {
            SECURITY_STATUS status = say(token, out);
            handle_unpin(kinds[i], &handle);
            return status;
        }
    }
    FAIL(SEC_E_INVALID_HANDLE, "not the handle of an access token, or of one that is closed");
}

SECURITY_STATUS SEC_ENTRY SspiExtQueryToken(HANDLE hToken, SSPI_EXT_TOKEN **ppToken)
{
    status_begin();
    return api_end("SspiExtQueryToken", query(hToken, ppToken));
}

static SECURITY_STATUS open_thread_token(HANDLE *out)
{
    REQUIRE(out != NULL, SEC_E_INVALID_PARAMETER, "SspiExtOpenThreadToken: phToken is NULL");
    struct token *current = token_current();
    REQUIRE(current != NULL, SEC_E_NO_CONTEXT, "the thread impersonates nobody");
    SecHandle handle;
    struct token *held = token_hold(current);
    SECURITY_STATUS status = handle_open(HANDLE_TOKEN, held, &handle);
    if (status < 0) {
        token_drop(held);
        return status;
    }
    *out = handle_pack(&handle);
    return SEC_E_OK;
}

static SECURITY_STATUS set_thread_token(HANDLE token)
{
    static const enum handle_kind kinds[] = {HANDLE_TOKEN, HANDLE_CONTEXT_TOKEN};
    if (token == NULL) {
        return token_revert();
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        SecHandle handle = handle_unpack(kinds[i], token);
        struct token *found = handle_pin(kinds[i], &handle);
        if (found != NULL) {
            bool anonymous = token_is_anonymous(found);
            SECURITY_STATUS status = anonymous ? SEC_E_OK : token_impersonate(found);
            handle_unpin(kinds[i], &handle);
            REQUIRE(!anonymous, SEC_E_NO_IMPERSONATION, "nobody can be impersonated as anonymous");
            return status;
        }
    }
    FAIL(SEC_E_INVALID_HANDLE, "not the handle of an access token, or of one that is closed");
}

SECURITY_STATUS SEC_ENTRY SspiExtSetThreadToken(HANDLE hToken)
{
    status_begin();
    return api_end("SspiExtSetThreadToken", set_thread_token(hToken));
}

SECURITY_STATUS SEC_ENTRY SspiExtOpenThreadToken(HANDLE *phToken)
{
    status_begin();
    return api_end("SspiExtOpenThreadToken", open_thread_token(phToken));
}
