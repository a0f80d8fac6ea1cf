/* Accounts and their SIDs, for those who have no LookupAccountName of their own (sspi_ext.h). */
#include "api/api.h"

#include <string.h>

#include "api/account_names.h"
#include "core/context_buffer.h"
#include "sspi_ext.h"

static size_t text_size(const char *text)
{
    return text[0] == '\0' ? 0 : strlen(text) + 1;
}

static const char *put_text(char **room, const char *text)
{
    size_t size = text_size(text);
    char *at = *room;
    memcpy(at, text, size);
    *room += size;
    return size != 0 ? at : NULL;
}

/* One block: the struct, then the texts. */
static SECURITY_STATUS pack(const struct directory_entry *entry, SSPI_EXT_ACCOUNT **out)
{
    size_t size = sizeof(SSPI_EXT_ACCOUNT) + text_size(entry->user) + text_size(entry->domain) +
                  text_size(entry->dns_domain) + text_size(entry->display) + text_size(entry->sid);
    SSPI_EXT_ACCOUNT *account = context_buffer_alloc(size);
    REQUIRE(account != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an account");
    char *room = (char *)(account + 1);
    *account = (SSPI_EXT_ACCOUNT){.Size = sizeof *account, .Use = (ULONG)entry->kind};
    account->User = put_text(&room, entry->user);
    account->Domain = put_text(&room, entry->domain);
    account->DnsDomain = put_text(&room, entry->dns_domain);
    account->DisplayName = put_text(&room, entry->display);
    account->Sid = put_text(&room, entry->sid);
    *out = account;
    return SEC_E_OK;
}

static SECURITY_STATUS find(const char *name, SSPI_EXT_ACCOUNT **out)
{
    AUTO_UTF16 wide = UTF16_NONE;
    struct directory_entry entry;
    REQUIRE(name != NULL && out != NULL, SEC_E_INVALID_PARAMETER, "SspiExtFindAccount: NULL");
    SECURITY_STATUS status = utf16_from_utf8(bytes_of(name, strlen(name)), &wide);
    REQUIRE(status >= 0, status == SEC_E_INVALID_TOKEN ? SEC_E_INVALID_PARAMETER : status,
            "SspiExtFindAccount: the name is not UTF-8");
    DWORD error = account_find(wide, &entry);
    REQUIRE(error != ERROR_NO_SUCH_DOMAIN, SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "nobody who answers knows the domain of this name (winbindd, NSS)");
    REQUIRE(error == ERROR_SUCCESS, SEC_E_TARGET_UNKNOWN, "there is no account of this name");
    return pack(&entry, out);
}

SECURITY_STATUS SEC_ENTRY SspiExtFindAccount(const char *pszName, SSPI_EXT_ACCOUNT **ppAccount)
{
    status_begin();
    return api_end("SspiExtFindAccount", find(pszName, ppAccount));
}
