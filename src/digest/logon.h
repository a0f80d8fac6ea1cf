/* The server's central question: does this response prove the account?  (RFC 7616 3.4.6, RFC 2831 2.1.3) */
#ifndef OPENSSPI_DIGEST_LOGON_H
#define OPENSSPI_DIGEST_LOGON_H

#include "core/package.h"
#include "digest/response.h"
#include "logon/accounts.h"

struct digest_logon {
    const struct digest_question *question;
    struct bytes username;         /* unescaped */
    struct bytes username_as_sent; /* with its escapes; tried where it differs, as some clients do not escape */
    bool hashed;                   /* `username` is H(user:realm) in digits (RFC 7616 3.4.4) */
    struct bytes realm;            /* UTF-8 */
    struct bytes response;
    struct credential_digest_lookup lookup; /* the caller's own accounts; lookup NULL: the configured ones */
};

struct digest_verdict {
    struct digest_value session_key;
    char unix_name[64];
    struct canonical_name name;
};

/* SEC_E_OK and a verdict.  SEC_E_LOGON_DENIED for an unknown user, a wrong response and an account that may not log on or
 * has no hash for the realm, all in the same time; SEC_E_NO_AUTHENTICATING_AUTHORITY when the accounts keep no such hashes
 * (winbind, which verifies NTLM alone), or when the caller's lookup says so; SEC_E_INTERNAL_ERROR,
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS digest_logon(const struct digest_logon *logon, struct digest_verdict *out);

#endif
