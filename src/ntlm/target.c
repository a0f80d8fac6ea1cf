#include "ntlm/target.h"

#include <string.h>

#include "base/policy.h"
#include "text/utf16.h"

/* Compares an SPN with one name of the policy's list, by Windows' upper case. */
static bool matches(struct utf16 sent, const char *name, size_t size)
{
    AUTO_UTF16 own = UTF16_NONE;
    if (utf16_from_utf8(bytes_of(name, size), &own) < 0) {
        return false;
    }
    return utf16_equal_nocase(sent, own);
}

static bool is_ours(struct utf16 sent)
{
    const char *at = policy_get()->ntlm_target_names;
    while (*at != '\0') {
        at += strspn(at, ", \t");
        size_t size = strcspn(at, ", \t");
        if (size != 0 && matches(sent, at, size)) {
            return true;
        }
        at += size;
    }
    return false;
}

SECURITY_STATUS ntlm_target_judge(const struct ntlm_av_pairs *pairs)
{
    enum policy_target rule = policy_get()->ntlm_target;
    if (rule == POLICY_TARGET_ANY) {
        return SEC_E_OK;
    }
    bool untrusted = pairs->has_flags && (pairs->flags & NTLM_AV_UNTRUSTED_TARGET) != 0;
    bool sent = pairs->has_target_name && pairs->target_name.size != 0 && !untrusted;
    REQUIRE(sent || rule != POLICY_TARGET_REQUIRED, SEC_E_TARGET_UNKNOWN,
            "the client named no service, which the policy requires ([ntlm] target-name)");
    REQUIRE(!sent || is_ours(utf16_of(pairs->target_name)), SEC_E_TARGET_UNKNOWN,
            "the client meant another service than this one ([ntlm] target-names)");
    return SEC_E_OK;
}
