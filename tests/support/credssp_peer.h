/* One side of CredSSP played by hand: Schannel for the channel, Negotiate for the session, and what is said in between is the
 * test's own business.  The other side is the library's.  No assertions of its own, so that fuzz targets can use it. */
#ifndef OPENSSPI_TESTS_SUPPORT_CREDSSP_PEER_H
#define OPENSSPI_TESTS_SUPPORT_CREDSSP_PEER_H

#include "base/bytes.h"
#include "credssp/ts_request.h"
#include "support/credssp_ends.h"

#define PEER_ROOM 16384

struct peer_bytes {
    uint8_t data[PEER_ROOM];
    size_t size;
};

struct credssp_peer {
    struct ends ends;
    int we, they; /* END_CLIENT, END_SERVER */
    CredHandle session_credential;
    CtxtHandle session;
    bool has_session_credential, has_session;
    SECURITY_STATUS session_status;
    struct peer_bytes heard; /* the library's last words, without TLS */
};

/* Credentials of both sides.  As a server we show the certificate that the library's would, or another one. */
SECURITY_STATUS peer_acquire(struct credssp_peer *peer, int we, DWORD protocols, PCCERT_CONTEXT certificate);

/* The channel; false when it does not come to stand. */
bool peer_connect(struct credssp_peer *peer);

/* Says this, in one record, or in records of `piece` bytes; and lets the library hear it: its status.  What it answers is in
 * peer->heard. */
SECURITY_STATUS peer_say(struct credssp_peer *peer, const void *data, size_t size);
SECURITY_STATUS peer_say_in_pieces(struct credssp_peer *peer, const void *data, size_t size, size_t piece);

/* The same with a message that is built here; its version is ours when it has none. */
SECURITY_STATUS peer_request(struct credssp_peer *peer, struct ts_request *request);

/* One leg of our session with the token in what was heard; the answer into `out`. */
SECURITY_STATUS peer_session(struct credssp_peer *peer, struct peer_bytes *out);

/* Sealed with our session, signature first; and opened. */
bool peer_seal(struct credssp_peer *peer, struct bytes plain, struct peer_bytes *out);
bool peer_unseal(struct credssp_peer *peer, struct bytes sealed, struct peer_bytes *out);

/* The public key in a certificate. */
struct bytes peer_key(PCCERT_CONTEXT certificate);

/* Contexts go; credentials stay. */
void peer_reset(struct credssp_peer *peer);
void peer_free(struct credssp_peer *peer);

#endif
