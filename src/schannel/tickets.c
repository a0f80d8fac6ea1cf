/* A server's tickets (RFC 5077, RFC 8446 4.6.1).  OpenSSL seals them; here are the keys that several machines share. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/trace.h"
#include "cert/library.h"
#include "schannel/credential.h"
#include "schannel/identity.h"
#include "schannel/session.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define KEY_NAME 16
#define KEY_AES  32
#define KEY_MAC  32
#define KEY_SIZE (KEY_NAME + KEY_AES + KEY_MAC)
#define KEYS_MAX 16
#define IV_SIZE  16

struct ticket_key {
    uint8_t name[KEY_NAME], aes[KEY_AES], mac[KEY_MAC];
};

/* The file's keys, the first of which seals.  Replaced as a whole when the file changes. */
static struct {
    pthread_mutex_t lock;
    struct ticket_key keys[KEYS_MAX];
    size_t count;
    struct timespec changed;
    uint64_t looked; /* seconds */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int hex_digit(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One line: 160 hexadecimal digits, name, AES key and MAC key. */
static bool read_key(const char *line, struct ticket_key *out)
{
    uint8_t all[KEY_SIZE];
    struct writer writer = write_into(all, sizeof all);
    size_t at = 0;
    for (; hex_digit(line[at]) >= 0 && hex_digit(line[at + 1]) >= 0; at += 2) {
        write_u8(&writer, (uint8_t)(hex_digit(line[at]) << 4 | hex_digit(line[at + 1])));
    }
    bool good = !writer.bad && writer.size == KEY_SIZE && (line[at] == '\n' || line[at] == '\0');
    struct reader reader = read_start(BYTES(all));
    if (good) {
        struct writer name = write_into(out->name, KEY_NAME);
        struct writer aes = write_into(out->aes, KEY_AES);
        struct writer mac = write_into(out->mac, KEY_MAC);
        write_bytes(&name, read_bytes(&reader, KEY_NAME));
        write_bytes(&aes, read_bytes(&reader, KEY_AES));
        write_bytes(&mac, read_bytes(&reader, KEY_MAC));
    }
    secret_wipe(all, sizeof all);
    return good;
}

/* Under the lock.  A file with a bad line keeps the keys that were there: half a rotation locks nobody out. */
static void reread(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        TRACE("schannel: the file of ticket keys %s cannot be read", path);
        return;
    }
    struct ticket_key keys[KEYS_MAX];
    size_t count = 0;
    bool good = true;
    char line[2 * KEY_SIZE + 4];
    while (good && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        good = count < KEYS_MAX && read_key(line, &keys[count]);
        count += good;
    }
    fclose(file);
    secret_wipe(line, sizeof line);
    if (good && count != 0) {
        for (size_t i = 0; i < count; i++) {
            shared.keys[i] = keys[i];
        }
        shared.count = count;
    } else {
        TRACE("schannel: a line of %s is no ticket key (sspi.conf(5)): it is not used", path);
    }
    secret_wipe(keys, sizeof keys);
}

/* Under the lock; the file is looked at once a second at the most. */
static void refresh(const char *path)
{
    uint64_t now = clock_now() / CLOCK_SECOND;
    struct stat file;
    if (now == shared.looked) {
        return;
    }
    shared.looked = now;
    if (stat(path, &file) != 0) {
        TRACE("schannel: the file of ticket keys %s cannot be read", path);
        return;
    }
    if (file.st_mtim.tv_sec != shared.changed.tv_sec || file.st_mtim.tv_nsec != shared.changed.tv_nsec) {
        shared.changed = file.st_mtim;
        reread(path);
    }
}

/* The key that seals, or the one with a name; false when there is none. */
static bool find_key(const uint8_t *name, struct ticket_key *out, bool *out_first)
{
    bool found = false;
    pthread_mutex_lock(&shared.lock);
    refresh(policy_get()->schannel_ticket_keys);
    for (size_t i = 0; i < shared.count && !found; i++) {
        if (name == NULL || memcmp(name, shared.keys[i].name, KEY_NAME) == 0) {
            *out = shared.keys[i];
            *out_first = i == 0;
            found = true;
        }
    }
    pthread_mutex_unlock(&shared.lock);
    return found;
}

static bool use_key(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                    bool sealing)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(cert_libctx(), "AES-256-CBC", NULL);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
                           OSSL_PARAM_END};
    bool good = aes != NULL && EVP_CipherInit_ex2(cipher, aes, key->aes, iv, sealing, NULL) == 1 &&
                EVP_MAC_init(mac, key->mac, KEY_MAC, params) == 1;
    EVP_CIPHER_free(aes);
    return good;
}

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb: 1 go on, 2 go on and give a new ticket, 0 no ticket, -1 failure. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int sealing)
{
    struct ticket_key key;
    bool first = true;
    if (!find_key(sealing ? NULL : name, &key, &first)) {
        return 0; /* a full handshake then */
    }
    int result = -1;
    if (!sealing) {
        bool renew =
            !first || SSL_version(ssl) == TLS1_3_VERSION; /* whose tickets are good for one use (RFC 8446 C.4) */
        result = use_key(&key, iv, cipher, mac, false) ? (renew ? 2 : 1) : -1;
    } else if (random_bytes(iv, IV_SIZE) >= 0) {
        struct writer writer = write_into(name, KEY_NAME);
        write_bytes(&writer, BYTES(key.name));
        result = use_key(&key, iv, cipher, mac, true) ? 1 : -1;
    }
    secret_wipe(&key, sizeof key);
    return result;
}

static SECURITY_STATUS rules_of(const struct schannel_credential *credential, bool asks, uint8_t out[TICKET_RULES])
{
    size_t size = 0;
    AUTO_WRITER rules = write_growing(1u << 20);
    write_u8(&rules, asks);
    if (asks) {
        write_u8(&rules, credential->manual);
        write_u8(&rules, credential->deferred);
        write_u8(&rules, (uint8_t)credential->revocation);
        for (int i = 0; i < sk_X509_NAME_num(credential->ca_names); i++) {
            const unsigned char *der = NULL;
            size_t der_size = 0;
            X509_NAME_get0_der(sk_X509_NAME_value(credential->ca_names, i), &der, &der_size);
            write_bytes(&rules, bytes_of(der, der_size));
        }
    }
    TRY(write_end(&rules));
    REQUIRE(EVP_Q_digest(cert_libctx(), "SHA256", NULL, rules.data, rules.size, out, &size) == 1,
            SEC_E_INSUFFICIENT_MEMORY, "OpenSSL does not hash");
    return SEC_E_OK;
}

void tickets_bind(SSL *ssl, const struct schannel_credential *credential, bool asks_for_certificate)
{
    SSL_set_session_id_context(ssl, credential->ticket_rules[asks_for_certificate ? 1 : 0], TICKET_RULES);
}

SECURITY_STATUS tickets_enable(struct schannel_credential *credential)
{
    SSL_CTX *ssl_ctx = credential->ssl_ctx;
    bool disabled = (credential->flags & SCH_CRED_DISABLE_RECONNECTS) != 0;
    TRY(rules_of(credential, false, credential->ticket_rules[0]));
    TRY(rules_of(credential, true, credential->ticket_rules[1]));
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_SERVER | (disabled ? SSL_SESS_CACHE_NO_INTERNAL_STORE : 0));
    REQUIRE(SSL_CTX_set_session_id_context(ssl_ctx, credential->ticket_rules[0], TICKET_RULES) == 1,
            SEC_E_INTERNAL_ERROR, "OpenSSL does not take a session identifier context");
    SSL_CTX_set_session_ticket_cb(ssl_ctx, identity_remember, NULL, NULL);
    if (policy_get()->schannel_ticket_keys[0] != '\0') {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl_ctx, on_ticket);
    }
    return SEC_E_OK;
}
