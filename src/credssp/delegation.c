#include "credssp/delegation.h"

#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/policy.h"

static bool matches_one(const char *pattern, size_t size, const char *target)
{
    size_t length = strlen(target);
    const char *star = memchr(pattern, '*', size);
    if (star == NULL) {
        return length == size && strncasecmp(pattern, target, size) == 0;
    }
    size_t head = (size_t)(star - pattern);
    size_t tail = size - head - 1;
    return length >= head + tail && strncasecmp(pattern, target, head) == 0 &&
           strncasecmp(star + 1, target + (length - tail), tail) == 0;
}

SECURITY_STATUS delegation_matches(const char *names, struct utf16 target, bool *out)
{
    AUTO_FREE char *text = NULL;
    bool found = false;
    TRY(utf16_to_utf8(target, &text, NULL));
    for (const char *at = names; *at != '\0' && !found; at += strcspn(at, ", \t")) {
        at += strspn(at, ", \t");
        size_t size = strcspn(at, ", \t");
        found = size != 0 && matches_one(at, size, text);
    }
    *out = found;
    return SEC_E_OK;
}

static const char *list_of(enum delegation_source source, bool proven)
{
    const struct policy *policy = policy_get();
    if (source == DELEGATION_FRESH) {
        return proven ? policy->credssp_fresh : policy->credssp_fresh_ntlm;
    }
    return proven ? policy->credssp_saved : policy->credssp_saved_ntlm;
}

SECURITY_STATUS delegation_check_target(enum delegation_source source, struct utf16 target)
{
    bool proven = false, ntlm = false;
    TRY(delegation_matches(list_of(source, true), target, &proven));
    TRY(delegation_matches(list_of(source, false), target, &ntlm));
    REQUIRE(proven || ntlm, SEC_E_DELEGATION_POLICY,
            "the policy lets no such server have these credentials ([credssp] allow-fresh, allow-saved)");
    return SEC_E_OK;
}

SECURITY_STATUS delegation_check(enum delegation_source source, struct utf16 target, bool proven)
{
    bool may = false;
    TRY(delegation_matches(list_of(source, proven), target, &may));
    REQUIRE(may || proven, SEC_E_POLICY_NLTM_ONLY,
            "the server has proved its name neither by Kerberos nor by a certificate, and the policy asks for that "
            "([credssp] allow-fresh-ntlm-only, allow-saved-ntlm-only)");
    REQUIRE(may, SEC_E_DELEGATION_POLICY,
            "the policy lets no such server have these credentials ([credssp] allow-fresh, allow-saved)");
    return SEC_E_OK;
}
