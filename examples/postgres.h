/* PostgreSQL's protocol 3.0, as its documentation has it (chapter "Frontend/Backend Protocol"): the connection in the clear, by
 * TLS, or sealed by Kerberos; the logon by GSSAPI's tokens; messages. */
#ifndef EXAMPLES_POSTGRES_H
#define EXAMPLES_POSTGRES_H

#include "tls.h"

/* The longest message that is understood. */
#define POSTGRES_MAX 65536

struct postgres {
    SOCKET socket;
    struct tls tls;     /* its context is valid: everything goes through it */
    CredHandle user;    /* valid: whose logon it is */
    CtxtHandle context; /* valid: the logon */
    char target[300];   /* "postgres/db.example.com" */
    bool like_libpq;    /* the logon asks for no more than libpq does on Windows */
    bool done;          /* nobody waits for a token */
    bool sealed;        /* everything is sealed by the logon's context */
    SecPkgContext_Sizes sizes;
    ULONG used; /* of what is held: what the last message took */
    ULONG held; /* what was received */
    BYTE data[2 * POSTGRES_MAX];
};

/* A message; the bytes stay until the next is received. */
struct message {
    char type;
    const BYTE *at;
    ULONG left;
};

/* Asks for TLS and connects by it, to a server of the name tls.target; authority: as for tls_connect().  False, with a message. */
bool postgres_start_tls(struct postgres *postgres, const char *authority);

/* Asks for encryption by GSSAPI, and signs in for it by Kerberos.  False, with a message. */
bool postgres_start_sealing(struct postgres *postgres);

/* Says who wants what, and signs in as the server asks for it: by Kerberos, or by Negotiate; by `package` if it is not NULL.
 * False, with a message; so for a server that lets in without asking. */
bool postgres_sign_in(struct postgres *postgres, const char *user, const char *database, char *package);

/* A message of that type; false when the connection broke. */
bool postgres_send(struct postgres *postgres, char type, const void *body, ULONG size);

/* The next message.  False, with a message, when there is none, or it is a refusal. */
bool postgres_receive(struct postgres *postgres, struct message *out);

/* A number of that many bytes out of a message, or -1 when it ends before. */
long long postgres_number(struct message *message, ULONG size);

/* So many bytes out of a message, or NULL when it ends before. */
const void *postgres_bytes(struct message *message, ULONG size);

/* A text out of a message, or NULL when it ends before. */
const char *postgres_text(struct message *message);

/* Closes all but the socket. */
void postgres_close(struct postgres *postgres);

#endif
