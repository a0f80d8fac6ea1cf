/* A server's tickets (RFC 5077, RFC 8446 4.6.1).  OpenSSL seals them; here are the keys that several machines share. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/trace.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"
#include "schannel/context.h"
#include "schannel/identity.h"
#include "schannel/psk.h"
#include "schannel/session.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define KEY_NAME 16
#define KEY_AES  32
#define KEY_MAC  32
#define KEY_SIZE (KEY_NAME + KEY_AES + KEY_MAC)
#define KEYS_MAX 16
#define IV_SIZE  16

#define FILE_MAX_SIZE 65536

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
static bool read_key(struct bytes line, struct ticket_key *out)
{
    uint8_t all[KEY_SIZE];
    struct writer writer = write_into(all, sizeof all);
    struct reader digits = read_start(line);
    bool good = line.size == 2 * sizeof all;
    while (good && read_left(&digits) != 0) {
        int high = hex_digit(read_u8(&digits));
        int low = hex_digit(read_u8(&digits));
        good = high >= 0 && low >= 0;
        write_u8(&writer, good ? (uint8_t)(high << 4 | low) : 0);
    }
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

/* What stands before the next line feed, or the end. */
static struct bytes next_line(struct reader *text)
{
    struct reader ahead = *text;
    size_t size = 0;
    while (read_left(&ahead) != 0 && read_u8(&ahead) != '\n') {
        size++;
    }
    struct bytes line = read_bytes(text, size);
    if (read_left(text) != 0) {
        read_u8(text);
    }
    return line;
}

/* Under the lock.  A file with a bad line keeps the keys that were there: half a rotation locks nobody out. */
static void take_keys(const char *path, struct bytes content)
{
    struct ticket_key keys[KEYS_MAX];
    size_t count = 0;
    bool good = true;
    struct reader text = read_start(content);
    while (good && read_left(&text) != 0) {
        struct bytes line = next_line(&text);
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        good = count < KEYS_MAX && read_key(line, &keys[count]);
        count += good;
    }
    if (good && count != 0) {
        for (size_t i = 0; i < count; i++) {
            shared.keys[i] = keys[i];
        }
        shared.count = count;
    } else {
        TRACE("schannel: a line of %s is no ticket key, or there is none (sspi.conf(5)): it is not used", path);
    }
    secret_wipe(keys, sizeof keys);
}

static void close_file(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Why a file is not to be used; NULL: it may be.  Whoever else can write it chooses the keys of our sessions, and whoever
 * reads it has them. */
static const char *refusal_of(const struct stat *file)
{
    return !S_ISREG(file->st_mode)                               ? "it is no file"
           : file->st_uid != 0 && file->st_uid != geteuid()      ? "it belongs neither to root nor to this user"
           : (file->st_mode & (S_IRWXG | S_IRWXO)) != 0          ? "its mode lets group or others in"
           : file->st_size <= 0 || file->st_size > FILE_MAX_SIZE ? "it is empty or larger than 64 KB"
                                                                 : NULL;
}

/* Into memory of ours alone, which is wiped: a stream's buffer would keep the keys. */
static bool read_file(int fd, struct secret *content)
{
    size_t done = 0;
    while (done < content->size) {
        ssize_t more = read(fd, content->data + done, content->size - done);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            return false;
        }
        done += (size_t)more;
    }
    return true;
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
    AUTO(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &file) != 0) {
        TRACE("schannel: the file of ticket keys %s cannot be read", path);
        return;
    }
    const char *refusal = refusal_of(&file);
    if (refusal != NULL) {
        TRACE("schannel: the file of ticket keys %s is not used: %s", path, refusal);
        return;
    }
    if (file.st_mtim.tv_sec == shared.changed.tv_sec && file.st_mtim.tv_nsec == shared.changed.tv_nsec) {
        return;
    }
    AUTO_SECRET content = {0};
    if (secret_alloc(&content, (size_t)file.st_size) < 0 || !read_file(fd, &content)) {
        TRACE("schannel: the file of ticket keys %s cannot be read to its end", path);
        return;
    }
    shared.changed = file.st_mtim;
    take_keys(path, secret_bytes(&content));
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

/* ---------------------------------------------------------------- taken back */

#define BARRED_MAX 4096

struct schannel_barred {
    pthread_mutex_t lock;
    time_t before; /* every session that began no later is barred: there were too many to remember each */
    size_t count;
    uint8_t (*numbers)[SESSION_NUMBER]; /* owned: BARRED_MAX of them; NULL until one is wanted */
};

static SECURITY_STATUS barred_new(struct schannel_barred **out)
{
    struct schannel_barred *barred = calloc(1, sizeof *barred);
    REQUIRE(barred != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    pthread_mutex_init(&barred->lock, NULL);
    *out = barred;
    return SEC_E_OK;
}

void schannel_barred_free(struct schannel_barred *barred)
{
    if (barred != NULL) {
        pthread_mutex_destroy(&barred->lock);
        free(barred->numbers);
        free(barred);
    }
}

bool tickets_note(SSL_SESSION *session, struct session_note *out)
{
    void *data = NULL;
    size_t size = 0;
    bool found = session != NULL && SSL_SESSION_get0_ticket_appdata(session, &data, &size) == 1 &&
                 size == SESSION_MARK + SESSION_NUMBER;
    if (found) {
        struct reader reader = read_start(bytes_of(data, size));
        out->mark = read_bytes(&reader, SESSION_MARK).data;
        out->number = read_bytes(&reader, SESSION_NUMBER).data;
    }
    return found;
}

static size_t find_barred(const struct schannel_barred *barred, const uint8_t *number)
{
    size_t at = 0;
    while (at < barred->count && memcmp(barred->numbers[at], number, SESSION_NUMBER) != 0) {
        at++;
    }
    return at;
}

static void put_number(uint8_t out[SESSION_NUMBER], const uint8_t *number)
{
    struct writer writer = write_into(out, SESSION_NUMBER);
    write_bytes(&writer, bytes_of(number, SESSION_NUMBER));
}

static void bar(struct schannel_barred *barred, const uint8_t *number, bool wanted)
{
    pthread_mutex_lock(&barred->lock);
    size_t at = find_barred(barred, number);
    if (wanted && at < barred->count) {
        barred->count--;
        put_number(barred->numbers[at], barred->numbers[barred->count]);
    } else if (!wanted && at == barred->count) {
        barred->numbers = barred->numbers != NULL ? barred->numbers : malloc(BARRED_MAX * sizeof *barred->numbers);
        if (barred->numbers == NULL || barred->count == BARRED_MAX) {
            barred->before = time(NULL);
            barred->count = 0;
        } else {
            put_number(barred->numbers[barred->count], number);
            barred->count++;
        }
    }
    pthread_mutex_unlock(&barred->lock);
}

static bool is_barred(struct schannel_barred *barred, SSL_SESSION *session)
{
    static const uint8_t never[SESSION_NUMBER] = {0};
    struct session_note note;
    if (!tickets_note(session, &note) || memcmp(note.number, never, SESSION_NUMBER) == 0) {
        return true; /* all of ours have a note */
    }
    pthread_mutex_lock(&barred->lock);
    bool found = find_barred(barred, note.number) < barred->count ||
                 (barred->before != 0 && (time_t)SSL_SESSION_get_time(session) <= barred->before);
    pthread_mutex_unlock(&barred->lock);
    return found;
}

/* For SSL_CTX_set_session_ticket_cb: a ticket was opened, or was none of ours; a full handshake then, and a new one. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_size,
                                   SSL_TICKET_STATUS status, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!opened || context == NULL || is_barred(context->credential->barred, session)) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static bool offers_tls13(SSL *ssl)
{
    const unsigned char *data = NULL;
    size_t size = 0;
    bool found = false;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &size) != 1) {
        return false;
    }
    struct reader reader = read_start(bytes_of(data, size));
    struct reader list = read_sub(&reader, read_u8(&reader));
    while (read_left(&list) != 0) {
        found = read_u16be(&list) == TLS1_3_VERSION || found;
    }
    return found && !list.bad;
}

/* For SSL_CTX_set_client_hello_cb.  Where no session is to be resumed without leave, one of TLS 1.2 and before goes by its
 * identifier, which needs SSL_OP_NO_TICKET; one of TLS 1.3 by the ticket that it got with that leave, which needs its absence. */
static int on_client_hello(SSL *ssl, int *alert, void *argument)
{
    const struct schannel_context *context = SSL_get_app_data(ssl);
    if (context != NULL && (context->credential->protocols & SP_PROT_TLS1_3_SERVER) != 0 && offers_tls13(ssl)) {
        SSL_clear_options(ssl, SSL_OP_NO_TICKET);
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

void tickets_allow(struct schannel_context *context)
{
    bool wanted = context->session_wanted;
    bool tls13 = context->version == TLS1_3_VERSION || SSL_version(context->ssl) == TLS1_3_VERSION;
    openssl_errors_mark();
    SSL_set_num_tickets(context->ssl, wanted ? 1 : 0);
    if (wanted) {
        SSL_clear_options(context->ssl, SSL_OP_NO_TICKET);
    }
    if (context->completed) {
        SSL_SESSION *session = SSL_get_session(context->ssl);
        struct session_note note;
        bool noted = tickets_note(session, &note);
        if (noted) {
            bar(context->credential->barred, note.number, wanted);
        }
        context->ticket_due = tls13 && wanted && !noted; /* none has gone out */
        if (!tls13 && wanted) {
            SSL_CTX_add_session(context->credential->ssl_ctx, session);
        } else if (!wanted) {
            SSL_CTX_remove_session(context->credential->ssl_ctx, session);
        }
    }
    openssl_errors_forget();
}

/* ---------------------------------------------------------------- rules */

/* A root is more than its name: another key may go by the same. */
static void write_roots(struct writer *rules, const struct roots *roots)
{
    const STACK_OF(X509) *all = roots != NULL ? roots_certificates(roots) : NULL;
    for (int i = 0; i < sk_X509_num(all); i++) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (X509_digest(sk_X509_value(all, i), EVP_sha256(), hash, &size) != 1) {
            rules->bad = true;
        }
        write_bytes(rules, bytes_of(hash, size));
    }
}

static SECURITY_STATUS rules_of(const struct schannel_credential *credential, bool asks, uint8_t out[TICKET_RULES])
{
    const uint32_t ignores = SCH_CRED_IGNORE_NO_REVOCATION_CHECK | SCH_CRED_IGNORE_REVOCATION_OFFLINE;
    size_t size = 0;
    AUTO_WRITER rules = write_growing(1u << 20);
    write_u8(&rules, asks);
    if (asks) {
        write_u8(&rules, credential->manual);
        write_u8(&rules, credential->deferred);
        write_u8(&rules, (uint8_t)credential->revocation);
        write_u32le(&rules, credential->flags & ignores);
        write_u8(&rules, credential->roots != NULL);
        write_roots(&rules, credential->roots);
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
    bool disabled = (credential->flags & SCH_CRED_DISABLE_RECONNECTS) != 0 || psk_only(credential);
    TRY(rules_of(credential, false, credential->ticket_rules[0]));
    TRY(rules_of(credential, true, credential->ticket_rules[1]));
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_SERVER | (disabled ? SSL_SESS_CACHE_NO_INTERNAL_STORE : 0));
    REQUIRE(SSL_CTX_set_session_id_context(ssl_ctx, credential->ticket_rules[0], TICKET_RULES) == 1,
            SEC_E_INTERNAL_ERROR, "OpenSSL does not take a session identifier context");
    TRY(barred_new(&credential->barred));
    if (disabled) {
        SSL_CTX_set_client_hello_cb(ssl_ctx, on_client_hello, NULL);
    }
    SSL_CTX_set_session_ticket_cb(ssl_ctx, identity_remember, on_opened, NULL);
    if (policy_get()->schannel_ticket_keys[0] != '\0') {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl_ctx, on_ticket);
    }
    return SEC_E_OK;
}
