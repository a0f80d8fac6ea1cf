/* What the tests of Digest's two sides share: the policy, changed messages, a clock of their own. */
#ifndef OPENSSPI_TESTS_DIGEST_STEPS_H
#define OPENSSPI_TESTS_DIGEST_STEPS_H

#include "vectors/hex.h"

#include <stdlib.h>

#include "base/clock.h"
#include "support/digest_pair.h"

static struct policy policy;

#define SIGNED (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

static inline void replace(struct digest_message *message, const char *old, const char *new)
{
    char *at = strstr(message->text, old);
    assert_non_null(at);
    size_t rest = strlen(at + strlen(old));
    memmove(at + strlen(new), at + strlen(old), rest + 1);
    memcpy(at, new, strlen(new));
    message->size = (ULONG)strlen(message->text);
}

static inline void expect_names(CtxtHandle *context, const char *user)
{
    SecPkgContext_NamesA names;
    assert_int_equal(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    const char *backslash = strchr(names.sUserName, '\\');
    assert_string_equal(backslash != NULL ? backslash + 1 : names.sUserName, user);
    assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);
}

static inline int open_accounts(void **state)
{
    digest_pair_accounts(&policy);
    return 0;
}

static inline int close_accounts(void **state)
{
    digest_pair_accounts_remove();
    return 0;
}

#endif
