/* Two ends of OpenSSL's TLS in one process, joined by memory: an independent judge of records.  Keys of their
 * directions are handed out, so that either end can be played by somebody else. */
#ifndef OPENSSPI_TESTS_SUPPORT_TLS_PAIR_H
#define OPENSSPI_TESTS_SUPPORT_TLS_PAIR_H

#include <openssl/ssl.h>

#include "schannel/record.h"

struct tls_pair {
    SSL_CTX *contexts[2];
    SSL *client, *server;
    const struct suite *suite;
    uint8_t secrets[2][RECORD_SECRET_MAX]; /* TLS 1.3: of the client's and of the server's direction */
    uint8_t finished[2][64];               /* TLS 1.2: the last record of the handshake that either side wrote */
    size_t finished_size[2];
};

/* Shakes hands with this suite; false with nothing to free when OpenSSL cannot. */
bool tls_pair_open(struct tls_pair *pair, const struct suite *suite);
void tls_pair_close(struct tls_pair *pair);

/* Keys the direction that the client, or the server, writes. */
SECURITY_STATUS tls_pair_key(const struct tls_pair *pair, bool client_writes, bool sending,
                             struct record_direction *out);

/* What `ssl` has written and nobody has taken yet; its size. */
size_t tls_pair_take(SSL *ssl, uint8_t *out, size_t room);
void tls_pair_give(SSL *ssl, const uint8_t *data, size_t size);

#endif
