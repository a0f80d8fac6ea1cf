/* The server's central question: do these responses prove the account?  (MS-NLMP 3.2.5.1.2 and 3.3) */
#ifndef OPENSSPI_NTLM_LOGON_H
#define OPENSSPI_NTLM_LOGON_H

#include "ntlm/authenticate.h"
#include "ntlm/context.h"

struct ntlm_logon {
    const struct ntlm_credential *credential; /* for a caller's own verifier */
    const struct ntlm_authenticate *message;
    const uint8_t *server_challenge;
    uint32_t flags;                         /* negotiated */
    struct utf16 user, domain, workstation; /* as the client sent them */
};

struct ntlm_verdict {
    bool v2;
    struct key16 session_base_key;
    bool has_lm_hash;
    struct key16 lm_hash; /* for KXKEY with LM_KEY or NON_NT_SESSION_KEY */
    uint32_t user_flags;
    uint64_t password_expiry;
    char unix_name[64];
    struct canonical_name name; /* of the account; user_size 0: as the client called itself */
};

/* SEC_E_OK and a verdict.  SEC_E_LOGON_DENIED for an unknown user, a wrong response, an account that may not log on and
 * a response that policy refuses, all in the same time; SEC_E_NO_AUTHENTICATING_AUTHORITY when nobody could be asked;
 * SEC_E_INTERNAL_ERROR, SEC_E_INSUFFICIENT_MEMORY. */
STATUS ntlm_logon(const struct ntlm_logon *logon, struct ntlm_verdict *out);

/* Is this an anonymous logon?  (MS-NLMP 3.2.5.1.2: no user, no NT response, LM response empty or one zero byte) */
bool ntlm_logon_is_anonymous(const struct ntlm_authenticate *message);

#endif
