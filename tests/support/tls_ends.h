/* A client and a server of TLS through the public API, with the bytes between them in the test's hands; no assertions of
 * its own, so that fuzz targets and tests of memory can use it. */
#ifndef OPENSSPI_TESTS_SUPPORT_TLS_ENDS_H
#define OPENSSPI_TESTS_SUPPORT_TLS_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "windows.h"

#include "schannel.h"
#include "security.h"

#define ENDS_ROOM 32768

enum { END_CLIENT, END_SERVER };

struct ends {
    CredHandle credentials[2];
    CtxtHandle contexts[2];
    bool has_credential[2], has_context[2];
    ULONG request[2]; /* beside STREAM */
    ULONG attributes[2];
    const char *target; /* NULL: www.example.com */
    SECURITY_STATUS status[2];
    uint8_t wire[2][ENDS_ROOM]; /* on its way to the client, to the server */
    size_t size[2];
    bool asked[2];    /* the side's caller was told SEC_I_INCOMPLETE_CREDENTIALS */
    uint8_t alert[2]; /* that the side sent last; 0: none, or close_notify */
};

/* Credentials for these protocols, without validation; the server's certificate is self-signed, with a P-256 key that is
 * made once.  The status of the call that failed, or SEC_E_OK. */
SECURITY_STATUS ends_acquire(struct ends *ends, DWORD protocols);

/* The server's certificate, with its key; and another one, for whoever is in the middle. */
PCCERT_CONTEXT ends_certificate(void);
PCCERT_CONTEXT ends_other_certificate(void);

/* A message, sealed and put on its way to the other side. */
SECURITY_STATUS ends_send(struct ends *ends, int from, const void *data, size_t size);

/* One call of a side with what is on its way to it, in memory of exactly that size; what it says is put on its way. */
SECURITY_STATUS ends_step(struct ends *ends, int side);

/* Flights to and fro until both are done or one fails. */
bool ends_shake(struct ends *ends);

/* A message from one side to the other; false when it does not arrive as it was sent. */
bool ends_message(struct ends *ends, int from, const void *data, size_t size);

/* DecryptMessage of what is on its way, the status. */
SECURITY_STATUS ends_receive(struct ends *ends, int side, uint8_t *out, size_t *out_size);

void ends_put(struct ends *ends, int to, const void *data, size_t size);

/* Deletes the contexts; all that is there. */
void ends_reset(struct ends *ends);
void ends_free(struct ends *ends);

#endif
