/* Accounts and SIDs that the machine's directories know (SspiExtFindAccount). */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>

#include "sid.h"
#include "sspi_ext.h"

#define SID_TEXT_MAX 192

static void free_account(SSPI_EXT_ACCOUNT **account)
{
    FreeContextBuffer(*account);
}

enum sid_answer sid_in_directory(const char *name, struct sid *out_sid, struct account *out)
{
    AUTO(free_account) SSPI_EXT_ACCOUNT *found = NULL;
    struct sid sid;
    SECURITY_STATUS status = SspiExtFindAccount(name, &found);
    if (status != SEC_E_OK) {
        return status == SEC_E_TARGET_UNKNOWN ? SID_NOBODY : SID_UNKNOWN;
    }
    if (!sid_from_text(found->Sid, &sid)) {
        return SID_UNKNOWN; /* an account of this machine, which has none */
    }
    AUTO_FREE WCHAR *user = port_wide(found->User != NULL ? found->User : found->Domain);
    AUTO_FREE WCHAR *domain = port_wide(found->Domain);
    if (user == NULL || domain == NULL || !sid_remember(&sid, user, domain, (SID_NAME_USE)found->Use) ||
        !sid_account(&sid.sid, out)) {
        return SID_UNKNOWN;
    }
    *out_sid = sid;
    return SID_FOUND;
}

bool sid_name_in_directory(const WCHAR *user, const WCHAR *domain, enum sid_answer *out_answer, struct sid *out_sid,
                           struct account *out)
{
    AUTO_FREE char *narrow_user = port_narrow(user);
    AUTO_FREE char *narrow_domain = port_narrow(domain);
    AUTO_FREE char *name = NULL;
    if (narrow_user == NULL || narrow_domain == NULL || asprintf(&name, "%s\\%s", narrow_domain, narrow_user) < 0) {
        name = NULL;
        return false;
    }
    *out_answer = sid_in_directory(name, out_sid, out);
    return true;
}

enum sid_answer sid_by_value(PSID sid, struct account *out)
{
    const SID *value = sid;
    const BYTE *authority = value->IdentifierAuthority.Value;
    char text[SID_TEXT_MAX];
    struct sid same;
    if (authority[0] != 0 || authority[1] != 0) {
        return SID_UNKNOWN; /* greater ones are nobody's */
    }
    unsigned long number = (unsigned long)authority[2] << 24 | (unsigned long)authority[3] << 16 |
                           (unsigned long)authority[4] << 8 | authority[5];
    int used = snprintf(text, sizeof text, "S-1-%lu", number);
    for (BYTE i = 0; i < value->SubAuthorityCount; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "-%lu", (unsigned long)value->SubAuthority[i]);
    }
    return sid_in_directory(text, &same, out);
}
