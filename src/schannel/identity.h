/* Which of a credential's certificates to show. */
#ifndef OPENSSPI_SCHANNEL_IDENTITY_H
#define OPENSSPI_SCHANNEL_IDENTITY_H

#include <openssl/ssl.h>

#include "schannel/credential.h"

/* Fills one in from a caller's CERT_CONTEXT: the key, and the certificates between it and its root, found in its store and
 * among the system's.  SEC_E_UNKNOWN_CREDENTIALS when it is no certificate, SEC_E_NO_CREDENTIALS without a private key
 * (windows-behaviour S8, S9), SEC_E_INSUFFICIENT_MEMORY. */
STATUS identity_take(PCCERT_CONTEXT context, bool send_root, struct schannel_identity *out);
void identity_clear(struct schannel_identity *identity);

/* Whether the leaf, or something above it, was issued by one of `names`. */
bool identity_issuer_is_named(const struct schannel_identity *identity, const STACK_OF(X509_NAME) * names);

/* For SSL_CTX_set_cert_cb.  A server shows those that carry the name the client asked for, all of the first one's name when
 * none does, and OpenSSL takes the one whose key the client can verify.  A client shows the first whose issuer the server
 * named, or its first where the server names none; without any one of the user's own, unless it is told not to
 * (SCH_CRED_NO_DEFAULT_CREDS, ISC_REQ_USE_SUPPLIED_CREDS).  Where that finds none it gives the caller the chance to
 * (SEC_I_INCOMPLETE_CREDENTIALS, once), and then goes on with its first, whoever issued it, or without. */
int identity_choose(SSL *ssl, void *argument);

/* For SSL_CTX_set_session_ticket_cb: a server's ticket remembers which certificate was shown, and has a number (session.h). */
int identity_remember(SSL *ssl, void *argument);

/* The one that was shown when the session began; NULL: a session without a ticket, or the credential has it no more. */
const struct schannel_identity *identity_of_session(const struct schannel_credential *credential,
                                                    const SSL_SESSION *session);

#endif
