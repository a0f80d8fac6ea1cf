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

/* Keeps a session, taking the reference over.  Full, the oldest entry goes.  `since`, in seconds of clock_now(), is when the
 * peer showed its certificate, in this connection or in the one that the session began with: the lifespan counts from
 * there. */
void schannel_sessions_put(struct schannel_sessions *sessions, struct utf16 target, bool verified, uint64_t since,
                           SSL_SESSION *session);

/* The newest usable one, with a reference for the caller, or NULL.  TLS 1.3 tickets are taken out, as they are good for
 * one use (RFC 8446 C.4); others stay.  None is older than the cache's lifespan, than its ticket's lifetime, or than its
 * peer's certificate is valid.  `*out_since`, written with a session only, is what it was put with. */
SSL_SESSION *schannel_sessions_take(struct schannel_sessions *sessions, struct utf16 target, bool verified,
                                    uint64_t *out_since);

/* Forgets a target's entries (SslEmptyCache; a handshake that failed); an empty target forgets all. */
void schannel_sessions_forget(struct schannel_sessions *sessions, struct utf16 target);

struct schannel_credential;

/* Binds a server's connection to the sessions that were begun under the same rules for clients' certificates: a ticket of a
 * server that asks for none, or judges otherwise, is not good here, though the keys are shared. */
void tickets_bind(SSL *ssl, const struct schannel_credential *credential, bool asks_for_certificate);

/* What a server's ticket carries beside the session: which certificate was shown, and a number by which the session can be taken
 * back; zeros: it was never to be resumed. */
#define SESSION_MARK   20
#define SESSION_NUMBER 16
struct session_note {
    const uint8_t *mark, *number; /* borrowed from the session */
};
bool tickets_note(SSL_SESSION *session, struct session_note *out);

/* Sessions that were taken back (SSL_SESSION_DISABLE_RECONNECTS), though their tickets are out.  Known to this credential
 * alone: another process, or machine with the same ticket keys, does not hear of it. */
struct schannel_barred;
void schannel_barred_free(struct schannel_barred *barred); /* NULL is fine */

/* SCHANNEL_SESSION_TOKEN at a server (context->session_wanted): from now on its session may be resumed, or may not. */
struct schannel_context;
void tickets_allow(struct schannel_context *context);

/* Makes a server's SSL_CTX issue and take tickets; the credential's certificates and rules are final.  Under
 * SCH_CRED_DISABLE_RECONNECTS nothing can be resumed but what SCHANNEL_SESSION_TOKEN enables.  SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR: OpenSSL fails. */
STATUS tickets_enable(struct schannel_credential *credential);

#endif
