/* Sessions that can be resumed.
 *
 * A client resumes under five conditions (InitializeSecurityContext for Schannel, pszTargetName): same target name, entry
 * not expired, same process, same logon session, same credential handle.  The cache belongs to one credential, so the
 * last is true by construction; entries are keyed by target, and are void in another process (fork) and for another user.
 * Nor is one used across a change of how the peer is judged: what was never verified is not resumed by somebody who
 * verifies.
 *
 * A server keeps nothing: what it has to remember goes with the client, in tickets.  Their keys are the credential's
 * own, or come from the file that policy names ([schannel] ticket-keys), which machines of a farm share and rotate.
 */
#ifndef OPENSSPI_SCHANNEL_SESSION_H
#define OPENSSPI_SCHANNEL_SESSION_H

#include <openssl/ssl.h>

#include "base/status.h"
#include "schannel/sessions.h"
#include "text/utf16.h"

struct schannel_sessions; /* a client credential's cache; any number of threads */

STATUS schannel_sessions_new(uint32_t lifespan, struct schannel_sessions **out);
void schannel_sessions_free(struct schannel_sessions *sessions); /* NULL is fine */

/* Keeps a session, taking the reference over.  Full, the oldest entry goes. */
void schannel_sessions_put(struct schannel_sessions *sessions, struct utf16 target, bool verified,
                           SSL_SESSION *session);

/* The newest usable one, with a reference for the caller, or NULL.  TLS 1.3 tickets are taken out, as they are good for
 * one use (RFC 8446 C.4); others stay. */
SSL_SESSION *schannel_sessions_take(struct schannel_sessions *sessions, struct utf16 target, bool verified);

/* Forgets a target's entries (SslEmptyCache; a handshake that failed); an empty target forgets all. */
void schannel_sessions_forget(struct schannel_sessions *sessions, struct utf16 target);

struct schannel_credential;

/* Binds a server's connection to the sessions that were begun under the same rules for clients' certificates: a ticket of a
 * server that asks for none, or judges otherwise, is not good here, though the keys are shared. */
void tickets_bind(SSL *ssl, const struct schannel_credential *credential, bool asks_for_certificate);

/* Makes a server's SSL_CTX issue and take tickets; the credential's certificates and rules are final.  Under
 * SCH_CRED_DISABLE_RECONNECTS nothing can be resumed but what SCHANNEL_SESSION_TOKEN enables, by its identifier (TLS 1.2 and
 * before).  SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR: OpenSSL fails. */
STATUS tickets_enable(struct schannel_credential *credential);

#endif
