/* Both ends of a TLS connection in one process, through the public headers alone, with certificates from files. */
#ifndef OPENSSPI_TESTS_API_TLS_H
#define OPENSSPI_TESTS_API_TLS_H

#include "pair.h"

#include <wincrypt.h>

#include <schannel.h>

#define TLS_ROOM 32768
#define TLS_NAME ((SEC_CHAR *)(uintptr_t)UNISP_NAME_A)

struct tls {
    CredHandle client_credential, server_credential;
    CtxtHandle client, server;
    SECURITY_STATUS client_status, server_status;
    ULONG client_attributes, server_attributes; /* what came back */
    ULONG client_request, server_request;       /* ISC_REQ_*, ASC_REQ_* beside STREAM */
    bool has_client, has_server;
    unsigned char to_server[TLS_ROOM], to_client[TLS_ROOM]; /* on their way */
    ULONG to_server_size, to_client_size;
};

/* A certificate of the throw-away PKI with its key; tls_load_chain: with its issuers. */
PCCERT_CONTEXT tls_load(const char *name);
PCCERT_CONTEXT tls_load_chain(const char *name);

/* A store of the PKI's root alone. */
HCERTSTORE tls_roots(void);

/* Acquires both credentials (SCHANNEL_CRED or SCH_CREDENTIALS). */
void tls_acquire(struct tls *tls, void *client, void *server);

/* ... with nothing special: version 5 and automatic validation, or version 4, these protocols and no validation. */
void tls_acquire_plain(struct tls *tls, PCCERT_CONTEXT certificate, HCERTSTORE roots);
void tls_acquire_version(struct tls *tls, PCCERT_CONTEXT certificate, DWORD protocols);

/* One call of each side with what is on its way to it.  A client's first call takes nothing. */
void tls_step_client(struct tls *tls, const char *target);
void tls_step_server(struct tls *tls);

/* Whole flights to and fro until both are done or one fails. */
void tls_shake(struct tls *tls, const char *target);

/* Such a connection, established to www.example.com. */
void tls_open(struct tls *tls, const char *certificate, DWORD protocols);

/* A message, as EncryptMessage lays it out; its size. */
ULONG tls_seal(PCtxtHandle context, const void *data, ULONG size, unsigned char *out);

void tls_close_contexts(struct tls *tls);
void tls_close(struct tls *tls);

/* False, with a line that says so, when there is no PKI. */
bool tls_has_pki(void);

#endif
