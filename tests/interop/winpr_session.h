/* One logon between two SSPI function tables, WinPR's and the library's, for winpr_peer.c and
 * winpr_kerberos.c.
 *
 * WinPR's headers are the only ones here: the library's define the same names, and are laid out alike.
 */
#ifndef OPENSSPI_TESTS_WINPR_SESSION_H
#define OPENSSPI_TESTS_WINPR_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <winpr/crt.h>
#include <winpr/sspi.h>

#define TOKEN_MAX    12256
#define TRAILER      16
#define CLIENT_FLAGS (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_USE_SESSION_KEY)
#define SERVER_FLAGS (ASC_REQ_CONFIDENTIALITY | ASC_REQ_CONNECTION | ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT)

struct stack {
    SecurityFunctionTableA *table;
    bool ours;
};
extern struct stack winpr, ours;

struct pairing {
    const struct stack *client, *server;
};

struct session {
    const struct stack *cs, *ss;
    const char *package; /* of both ends; session_begin makes it NTLM, and the target TERMSRV/server */
    const char *target;
    CredHandle client_credential, server_credential;
    CtxtHandle client, server;
    ULONG client_flags, server_flags;
    ULONG client_sent, server_sent, client_received, server_received;
    SecPkgInfoA *client_package;
    BYTE token[3][TOKEN_MAX];
    SecBuffer buffer[3];
    SecBufferDesc message[3];
    SecBuffer bindings;
};

void session_begin(struct session *s, const struct pairing *pairing);
void session_end(struct session *s);

/* Counted UTF-16 from ASCII, in storage that a later call takes back after 64 more. */
UINT16 *wide(const char *text, UINT32 *length);

/* Credentials for both ends, and for the server alone. */
void acquire(struct session *s, const char *user, const char *password);
void acquire_server(struct session *s);

/* One leg of each end.  WinPR's server is also given its user file, and CompleteAuthToken when it wants that. */
SECURITY_STATUS server_step(struct session *s, bool first, SecBufferDesc *in, ULONG flags, SecBufferDesc *out);
SECURITY_STATUS client_step(struct session *s, bool first, SecBuffer *in, ULONG flags, SecBufferDesc *out);

/* All three messages; the verdict is the server's.  log_on does everything with the usual flags. */
SECURITY_STATUS log_on_with(struct session *s, ULONG client_flags, ULONG server_flags);
SECURITY_STATUS log_on(struct session *s, const struct pairing *pairing, const char *user, const char *password);

/* One message in FreeRDP's shape: TOKEN first, then DATA. */
SECURITY_STATUS seal(const struct stack *from, CtxtHandle *context, BYTE *data, size_t size, BYTE *trailer,
                     ULONG sequence);
SECURITY_STATUS unseal(const struct stack *to, CtxtHandle *context, BYTE *data, size_t size, BYTE *trailer,
                       ULONG sequence);

/* One message each way; both must arrive as they were and not travel as they were. */
void exchange(struct session *s, size_t size);

/* WinPR's table and the library's, into `winpr` and `ours`. */
void open_tables(void);

/* Group setup and teardown: accounts, policy, and the tables. */
int prepare(void **state);
int clean_up(void **state);

#endif
