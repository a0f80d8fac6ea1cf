/* What NTLM's primitives cost when nothing stands around them: MD5, HMAC-MD5 and RC4 of OpenSSL, called directly.
 *
 *   handshake   the hashes and the cipher of one NTLMv2 logon with a MIC, both sides
 *   seal, sign  RC4 and HMAC-MD5 of a message, keys set once, one after the other
 *
 * A reference, not a bound: code that runs the two ciphers side by side can be faster. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bench.h"

#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/rc4.h>

struct keyed {
    MD5_CTX inner, outer;
};

static void keyed_set(struct keyed *h, const void *key, size_t size)
{
    unsigned char pad[64] = {0};
    memcpy(pad, key, size);
    for (int i = 0; i < 64; i++) {
        pad[i] ^= 0x36;
    }
    MD5_Init(&h->inner);
    MD5_Update(&h->inner, pad, 64);
    for (int i = 0; i < 64; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    MD5_Init(&h->outer);
    MD5_Update(&h->outer, pad, 64);
}

static void keyed_md5(const struct keyed *h, const void *first, size_t first_size, const void *second,
                      size_t second_size, unsigned char *out)
{
    MD5_CTX md5 = h->inner;
    MD5_Update(&md5, first, first_size);
    if (second_size != 0) {
        MD5_Update(&md5, second, second_size);
    }
    MD5_Final(out, &md5);
    md5 = h->outer;
    MD5_Update(&md5, out, 16);
    MD5_Final(out, &md5);
}

/* Random bytes from a pool: a call of RAND_bytes costs half a microsecond. */
static void take_random(unsigned char *out, size_t size)
{
    static _Thread_local unsigned char pool[4096];
    static _Thread_local size_t used = sizeof pool;
    if (used + size > sizeof pool) {
        CHECK(RAND_bytes(pool, sizeof pool) == 1, "RAND_bytes");
        used = 0;
    }
    memcpy(out, pool + used, size);
    memset(pool + used, 0, size);
    used += size;
}

static void one_side(bool client)
{
    static const unsigned char nt_hash[16] = {3}, name[24] = {0}, transcript[40 + 200 + 430];
    static const char magic[4][60] = {"session key to client-to-server signing key magic constant",
                                      "session key to server-to-client signing key magic constant",
                                      "session key to client-to-server sealing key magic constant",
                                      "session key to server-to-client sealing key magic constant"};
    unsigned char owf[16], blob[220] = {0}, proof[16], base[16], exported[16] = {1}, wrapped[16], key[4][16], mic[16];
    struct keyed h;
    RC4_KEY exchange, sealing[2];
    keyed_set(&h, nt_hash, 16);
    keyed_md5(&h, name, sizeof name, NULL, 0, owf);
    take_random(blob, 8);
    if (client) {
        take_random(exported, 16);
    }
    keyed_set(&h, owf, 16);
    keyed_md5(&h, blob, sizeof blob, NULL, 0, proof);
    keyed_md5(&h, proof, 16, NULL, 0, base);
    RC4_set_key(&exchange, 16, base);
    RC4(&exchange, 16, exported, wrapped);
    for (int i = 0; i < 4; i++) {
        MD5_CTX md5;
        MD5_Init(&md5);
        MD5_Update(&md5, exported, 16);
        MD5_Update(&md5, magic[i], 59);
        MD5_Final(key[i], &md5);
    }
    RC4_set_key(&sealing[0], 16, key[2]);
    RC4_set_key(&sealing[1], 16, key[3]);
    keyed_set(&h, exported, 16);
    keyed_md5(&h, transcript, sizeof transcript, NULL, 0, mic);
    __asm__ volatile("" : : "r"(mic), "r"(wrapped), "r"(sealing) : "memory");
}

static void handshake(void *argument)
{
    (void)argument;
    one_side(true);
    one_side(false);
}

struct conversation {
    struct keyed mac;
    RC4_KEY out, in;
    uint32_t sent, received;
    bool sealed;
    unsigned char *data;
    unsigned char token[BENCH_BATCH][16];
};

static void protect(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    for (unsigned i = 0; i < count; i++) {
        unsigned char checksum[16];
        unsigned char *data = c->data + i * size;
        keyed_md5(&c->mac, &c->sent, 4, data, size, checksum);
        if (c->sealed) {
            RC4(&c->out, size, data, data);
        }
        RC4(&c->out, 8, checksum, c->token[i] + 4);
        c->sent++;
    }
}

static void unprotect(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    for (unsigned i = 0; i < count; i++) {
        unsigned char checksum[16], wanted[8];
        unsigned char *data = c->data + i * size;
        if (c->sealed) {
            RC4(&c->in, size, data, data);
        }
        keyed_md5(&c->mac, &c->received, 4, data, size, checksum);
        RC4(&c->in, 8, checksum, wanted);
        CHECK(memcmp(wanted, c->token[i] + 4, 8) == 0, "checksum");
        c->received++;
    }
}

int main(int argc, char **argv)
{
    static struct conversation c;
    static const unsigned char key[16] = {9};
    bench_init(argc, argv, "ntlm", "floor");
    if (strcmp(bench_mode, "threads") == 0) {
        bench_threads(handshake);
        return 0;
    }
    keyed_set(&c.mac, key, 16);
    RC4_set_key(&c.out, 16, key);
    c.in = c.out;
    c.data = malloc(BENCH_BATCH * 65536);
    CHECK(c.data != NULL, "malloc");
    memset(c.data, 'x', BENCH_BATCH * 65536);
    bench_rate("handshake", handshake, NULL);
    c.sealed = true;
    bench_pair("seal", "unseal", protect, unprotect, &c);
    c.sealed = false;
    bench_pair("sign", "verify", protect, unprotect, &c);
    free(c.data);
    return 0;
}
