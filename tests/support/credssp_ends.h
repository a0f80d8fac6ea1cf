/* A client and a server of CredSSP: tls_ends.h with other credentials.  The account is MS-NLMP 4.2.1's, which the server knows
 * through a verifier of its own. */
#ifndef OPENSSPI_TESTS_SUPPORT_CREDSSP_ENDS_H
#define OPENSSPI_TESTS_SUPPORT_CREDSSP_ENDS_H

#include "support/tls_ends.h"

#include "credssp.h"

/* Credentials for these protocols; `spnego` NULL: User, Domain, Password.  The client asks for delegation, to
 * TERMSRV/server.  The status of the call that failed, or SEC_E_OK. */
SECURITY_STATUS credssp_ends_acquire(struct ends *ends, DWORD protocols, const CREDSSP_CRED *spnego);

/* The server's half alone, for this side. */
SECURITY_STATUS credssp_ends_server(struct ends *ends, DWORD protocols);
SECURITY_STATUS credssp_ends_client(struct ends *ends, DWORD protocols, const void *cred);

extern SEC_WINNT_AUTH_IDENTITY_W credssp_ends_identity;

#endif
