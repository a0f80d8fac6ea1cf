#include "support/tls_pair.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static const uint8_t psk[16] = "sixteen octets";

static unsigned int psk_client(SSL *ssl, const char *hint, char *identity, unsigned int identity_room,
                               unsigned char *key, unsigned int key_room)
{
    (void)ssl;
    (void)hint;
    if (identity_room < 5 || key_room < sizeof psk) {
        return 0;
    }
    memcpy(identity, "user", 5);
    memcpy(key, psk, sizeof psk);
    return sizeof psk;
}

static unsigned int psk_server(SSL *ssl, const char *identity, unsigned char *key, unsigned int key_room)
{
    (void)ssl;
    if (strcmp(identity, "user") != 0 || key_room < sizeof psk) {
        return 0;
    }
    memcpy(key, psk, sizeof psk);
    return sizeof psk;
}

/* CLIENT_TRAFFIC_SECRET_0 <random> <secret>, in hexadecimal. */
static void keep_secret(const SSL *ssl, const char *line)
{
    struct tls_pair *pair = SSL_get_app_data(ssl);
    bool client = strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
    if (!client && strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) != 0) {
        return;
    }
    const char *hex = line + 24 + 64 + 1;
    size_t size = 0;
    OPENSSL_hexstr2buf_ex(pair->secrets[client ? 0 : 1], RECORD_SECRET_MAX, &size, hex, '\0');
}

/* A key and a certificate of its own, made once for each sort. */
static bool use_identity(SSL_CTX *context, bool rsa)
{
    static EVP_PKEY *keys[2];
    static X509 *certificates[2];
    if (keys[rsa] == NULL) {
        keys[rsa] = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
        certificates[rsa] = X509_new();
        X509_set_version(certificates[rsa], X509_VERSION_3);
        X509_gmtime_adj(X509_getm_notBefore(certificates[rsa]), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificates[rsa]), 3600);
        X509_set_pubkey(certificates[rsa], keys[rsa]);
        X509_sign(certificates[rsa], keys[rsa], EVP_sha256());
    }
    return SSL_CTX_use_certificate(context, certificates[rsa]) == 1 && SSL_CTX_use_PrivateKey(context, keys[rsa]) == 1;
}

static SSL_CTX *make_context(const struct suite *suite, bool server)
{
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    int version = suite->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_keylog_callback(context, keep_secret);
    SSL_CTX_set_dh_auto(context, 1);
    SSL_CTX_set_psk_client_callback(context, psk_client);
    SSL_CTX_set_psk_server_callback(context, psk_server);
    bool good = suite->tls13 ? SSL_CTX_set_ciphersuites(context, suite->openssl) == 1
                             : SSL_CTX_set_cipher_list(context, suite->openssl) == 1;
    if (good && server) {
        good = use_identity(context, suite->signer == SUITE_BY_RSA);
    }
    if (!good) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static SSL *make_ssl(struct tls_pair *pair, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_app_data(ssl, pair);
    return ssl;
}

size_t tls_pair_take(SSL *ssl, uint8_t *out, size_t room)
{
    int size = BIO_read(SSL_get_wbio(ssl), out, (int)room);
    return size > 0 ? (size_t)size : 0;
}

void tls_pair_give(SSL *ssl, const uint8_t *data, size_t size)
{
    BIO_write(SSL_get_rbio(ssl), data, (int)size);
}

/* Carries a flight over, and keeps the last record in it. */
static void carry(struct tls_pair *pair, int side, SSL *from, SSL *to)
{
    static uint8_t flight[32768];
    size_t size = tls_pair_take(from, flight, sizeof flight);
    for (size_t at = 0; at + RECORD_HEADER <= size;) {
        size_t record = RECORD_HEADER + (size_t)(flight[at + 3] << 8 | flight[at + 4]);
        if (record <= sizeof pair->finished[0] && at + record <= size) {
            memcpy(pair->finished[side], flight + at, record);
            pair->finished_size[side] = record;
        }
        at += record;
    }
    if (size != 0) {
        tls_pair_give(to, flight, size);
    }
}

bool tls_pair_open(struct tls_pair *pair, const struct suite *suite)
{
    *pair = (struct tls_pair){.suite = suite};
    pair->contexts[0] = make_context(suite, false);
    pair->contexts[1] = make_context(suite, true);
    if (pair->contexts[0] == NULL || pair->contexts[1] == NULL) {
        tls_pair_close(pair);
        return false;
    }
    pair->client = make_ssl(pair, pair->contexts[0]);
    pair->server = make_ssl(pair, pair->contexts[1]);
    SSL_set_connect_state(pair->client);
    SSL_set_accept_state(pair->server);
    for (int round = 0; round < 5; round++) {
        (void)SSL_do_handshake(pair->client);
        carry(pair, 0, pair->client, pair->server);
        (void)SSL_do_handshake(pair->server);
        carry(pair, 1, pair->server, pair->client);
    }
    ERR_clear_error();
    if (!SSL_is_init_finished(pair->client) || !SSL_is_init_finished(pair->server) ||
        SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(pair->client)) != suite->id) {
        tls_pair_close(pair);
        return false;
    }
    return true;
}

void tls_pair_close(struct tls_pair *pair)
{
    SSL_free(pair->client);
    SSL_free(pair->server);
    SSL_CTX_free(pair->contexts[0]);
    SSL_CTX_free(pair->contexts[1]);
    ERR_clear_error();
    *pair = (struct tls_pair){0};
}

SECURITY_STATUS tls_pair_key(const struct tls_pair *pair, bool client_writes, bool sending,
                             struct record_direction *out)
{
    if (pair->suite->tls13) {
        size_t size = pair->suite->hash == SUITE_SHA384 ? 48 : 32;
        return record_init_tls13(out, pair->suite, sending, bytes_of(pair->secrets[client_writes ? 0 : 1], size));
    }
    uint8_t master[48], client[32], server[32];
    SSL_SESSION_get_master_key(SSL_get_session(pair->client), master, sizeof master);
    SSL_get_client_random(pair->client, client, sizeof client);
    SSL_get_server_random(pair->client, server, sizeof server);
    SECURITY_STATUS status =
        record_init_tls12(out, pair->suite, sending, client_writes, BYTES(master), BYTES(client), BYTES(server));
    if (status >= 0) {
        int side = client_writes ? 0 : 1;
        record_continue_nonce(out, bytes_of(pair->finished[side], pair->finished_size[side]));
    }
    return status;
}
