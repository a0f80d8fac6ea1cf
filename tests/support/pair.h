/* Client and server in one process, through the public API: for tests that need an exchange or an established session.
 *
 * The account is MS-NLMP 4.2.1's: User, Domain, Password.  The server knows it through a verifier of its own, so no
 * account database is touched.
 */
#ifndef OPENSSPI_TESTS_PAIR_H
#define OPENSSPI_TESTS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "security.h"
#include "sspi_ext.h"

#define PAIR_TOKEN_MAX 4096

/* Everything that signs and seals. */
#define PAIR_SEAL                                                                                                      \
    (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_CONNECTION)

extern const unsigned char pair_nt_hash[16]; /* NTOWFv1 of "Password" (MS-NLMP 4.2.2.1.2) */

struct pair_token {
    unsigned char data[PAIR_TOKEN_MAX];
    ULONG size;
};

struct pair {
    CredHandle client_credential, server_credential;
    bool has_client_credential, has_server_credential; /* to be freed; clear them in a copy that only borrows */
    CtxtHandle client, server;
    bool has_client, has_server; /* a first leg succeeded: to be deleted */
    ULONG client_attributes, server_attributes;
    void *bindings; /* SEC_CHANNEL_BINDINGS for both sides; NULL: none */
    ULONG bindings_size;
    ULONG room; /* of the buffers that tokens come out in; 0: PAIR_TOKEN_MAX */
};

/* Acquires both credentials; `verify` NULL: the right password decides.  After a failure pair_free() takes what there is. */
SECURITY_STATUS pair_acquire(struct pair *pair, SSPI_EXT_VERIFY_FN verify, void *argument);

/* The same with another package than NTLM. */
SECURITY_STATUS pair_acquire_package(struct pair *pair, const WCHAR *package, SSPI_EXT_VERIFY_FN verify,
                                     void *argument);

/* The verifier that pair_acquire takes by default; its argument is the 16 bytes of an NT hash. */
SECURITY_STATUS SEC_ENTRY pair_verify(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result);

/* One leg.  `in` NULL: a first leg of the client.  `out` is left empty when the leg fails. */
SECURITY_STATUS pair_client_leg(struct pair *pair, ULONG flags, const struct pair_token *in, struct pair_token *out);
SECURITY_STATUS pair_server_leg(struct pair *pair, ULONG flags, const struct pair_token *in, struct pair_token *out);

/* All legs.  The first failure, or SEC_E_OK. */
SECURITY_STATUS pair_handshake(struct pair *pair, ULONG client_flags);

/* All legs of a negotiation that the server begins, so that SPNEGO is spoken.  The first failure, or SEC_E_OK. */
SECURITY_STATUS pair_negotiate(struct pair *pair, ULONG client_flags);

/* One message through EncryptMessage and DecryptMessage, or MakeSignature and VerifySignature. */
SECURITY_STATUS pair_seal(CtxtHandle *sender, void *data, ULONG size, unsigned char signature[16]);
SECURITY_STATUS pair_unseal(CtxtHandle *receiver, void *data, ULONG size, unsigned char signature[16]);
SECURITY_STATUS pair_sign(CtxtHandle *sender, void *data, ULONG size, unsigned char signature[16]);
SECURITY_STATUS pair_check(CtxtHandle *receiver, void *data, ULONG size, unsigned char signature[16]);

/* Deletes the contexts that are there; frees the credentials too.  False when a call refused. */
bool pair_reset(struct pair *pair);
bool pair_free(struct pair *pair);

#endif
