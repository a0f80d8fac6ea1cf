/* A context of ours against a bare OpenSSL in one process: what OpenSSL says of the connection is what ours has to say.
 *
 * Certificates are those of tests/support/pki.py. */
#ifndef OPENSSPI_TESTS_API_TLS_PEER_H
#define OPENSSPI_TESTS_API_TLS_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include <windows.h>

#include <wincrypt.h>

#include <schannel.h>
#include <security.h>
#include <sspi_ext.h>

#define PEER_ROOM 65536

struct peer_options {
    bool we_are_client;
    int version;             /* TLS1_VERSION to TLS1_3_VERSION, DTLS1_2_VERSION */
    const char *suites;      /* OpenSSL's, up to TLS 1.2; NULL: any */
    const char *certificate; /* the server's; NULL: server-p256 */
    const char *second;      /* our server has this one in front of it */
    const char *client;      /* the client's; NULL: none is asked for */
    DWORD flags;             /* SCH_* of our credential, beside manual validation for NULL roots */
    HCERTSTORE roots;        /* of our credential */
    const char *alpn;        /* "\2h2" */
    bool forget_certificate; /* our client's credential has none, though one is asked for */
    const char *extra_ca;    /* the OpenSSL server names this one, too */
    const char *target;      /* of our client; NULL: www.example.com */
};

struct peer {
    struct peer_options options;
    CredHandle credential;
    CtxtHandle context;
    bool has_credential, has_context;
    SECURITY_STATUS status; /* of our last step */
    ULONG attributes;
    PCCERT_CONTEXT own, second;
    SSL_CTX *ssl_ctx;
    SSL *ssl;
    uint8_t in[PEER_ROOM]; /* for us */
    size_t in_size;
};

/* The path of a file of the PKI; "skip" when there is none. */
const char *peer_path(const char *name, const char *suffix);
bool peer_has_pki(void);

PCCERT_CONTEXT peer_certificate(const char *name); /* with its key and chain; CertFreeCertificateContext */
HCERTSTORE peer_roots(const char *name);           /* a store with that one certificate */

/* The SP_PROT_* bit of our side. */
DWORD peer_protocol(const struct peer_options *options);

/* Credential and SSL_CTX; then connections as often as one wants. */
void peer_open(struct peer *peer, const struct peer_options *options);

/* One handshake; stops where our step comes to something else than OK and CONTINUE_NEEDED.  True: both are done. */
bool peer_shake(struct peer *peer);
void peer_establish(struct peer *peer); /* which must succeed, and let OpenSSL's tickets arrive */
void peer_begin(struct peer *peer);     /* the SSL alone, before the first leg */

/* Ends the connection, so that another one can be begun. */
void peer_end(struct peer *peer);
void peer_close(struct peer *peer);

/* Looks at an established connection of every kind: either side, TLS 1.0 to 1.3, keys and suites of all sorts. */
void peer_each(void (*look)(struct peer *peer));

void peer_query(struct peer *peer, ULONG attribute, void *out); /* which must succeed */
X509 *peer_server_certificate(const struct peer *peer);         /* as OpenSSL has it; borrowed */
bool peer_is_tls13(const struct peer *peer);
void peer_assert_same(PCCERT_CONTEXT ours, X509 *theirs); /* the same encoding */

#define assert_status(call, expected) assert_status_((call), (expected), #call, __FILE__, __LINE__)
void assert_status_(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, const char *file, int line);

#endif
