/* Access tokens: who a server's thread acts for.
 *
 * A token is immutable and reference-counted.  It names the account; on Linux it carries no kernel rights of its own.
 * ImpersonateSecurityContext makes it the thread's identity, which GetUserNameEx reports.  With the policy key
 * [impersonation] switch-uid a privileged process also takes the mapped account's uid, gid and groups, for that thread
 * alone, and gets its own back with RevertSecurityContext.
 */
#ifndef OPENSSPI_CORE_TOKEN_H
#define OPENSSPI_CORE_TOKEN_H

#include "base/status.h"
#include "logon/identity.h"
#include "text/utf16.h"

struct token;

/* A new token with one reference.  `unix_name` (UTF-8, may be NULL) is the local account that switch-uid maps to. */
STATUS token_new(struct utf16 user, struct utf16 domain, bool anonymous, const char *unix_name,
                 struct token **out_token);

/* Gives a new token credentials that the client forwarded: the token owns the object and calls `drop` on it at its end.  What
 * they are is the package's business. */
void token_delegate(struct token *token, void *credentials, void (*drop)(void *credentials));

/* Those credentials, borrowed; NULL: the client forwarded none. */
void *token_delegated(const struct token *token);

/* What a directory says of the account, beside its name. */
struct token_facts {
    struct utf16 upn, dns_domain; /* may be empty */
    struct bytes sids; /* the account, then its groups: attributes (SE_GROUP_*, 4 bytes, little-endian; 0 for the
                                     account) and SID (MS-DTYP 2.4.2.2) of each; empty: nothing is known */
};

/* Gives a new token a copy of them.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS token_describe(struct token *token, const struct token_facts *facts);

/* What it was given, borrowed; empty members where it was given nothing. */
struct token_facts token_facts(const struct token *token);

/* Gives a new token the password that the client delegated (CredSSP): a thread that impersonates him logs on elsewhere with
 * it when it names no identity.  Kept in the token, wiped with it.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS token_give_password(struct token *token, struct utf16 user, struct utf16 domain, struct bytes password);

/* A copy of that identity.  SEC_E_NO_CREDENTIALS for a token without one, and for NULL; SEC_E_INSUFFICIENT_MEMORY. */
STATUS token_identity(const struct token *token, struct identity *out);

/* The identity that this thread has when it names none: the default credentials of the logon session (`principal` chooses among
 * them), or, while it impersonates a client, the password that the client delegated, and never the server's own.
 * SEC_E_NO_CREDENTIALS when there is none, and the statuses of default_credentials. */
STATUS token_default_identity(struct utf16 principal, struct identity *out);

struct token *token_hold(struct token *token);
void token_drop(struct token *token); /* NULL is fine */

struct utf16 token_user(const struct token *token);
struct utf16 token_domain(const struct token *token);
bool token_is_anonymous(const struct token *token);

/* Makes `token` this thread's identity (a reference is taken).  Impersonating again replaces it.
 * SEC_E_NO_IMPERSONATION when switch-uid is on and the account has no local counterpart or the switch fails; the thread
 * then keeps the identity it had. */
STATUS token_impersonate(struct token *token);

/* Gives the thread its own identity back.  SEC_E_OK also when it never gave it up.  A process that cannot get its own
 * uid back is ended: going on as somebody else would be worse. */
STATUS token_revert(void);

/* The token this thread impersonates, or NULL.  Borrowed. */
struct token *token_current(void);

#endif
