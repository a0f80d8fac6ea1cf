#include "digest/nonce.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/policy.h"
#include "base/random.h"
#include "base/secret.h"
#include "crypto/sha2.h"
#include "logon/process.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define KEY_SIZE  32
#define FACT_SIZE 16 /* time and random bytes */
#define MAC_SIZE  16
#define RAW_SIZE  (FACT_SIZE + MAC_SIZE)

_Static_assert(2 * RAW_SIZE == DIGEST_NONCE_SIZE, "a nonce is its bytes in hexadecimal digits");

static uint8_t key[KEY_SIZE];
static SECURITY_STATUS key_status;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    key_status = random_bytes(key, sizeof key);
}

static void put_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* Only the digits that put_hex() writes: a nonce has one spelling. */
static bool take_hex(struct bytes text, uint8_t *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool letter = c >= 'a' && c <= 'f';
        if (!letter && (c < '0' || c > '9')) {
            return false;
        }
        unsigned digit = letter ? c - 'a' + 10u : c - '0' + 0u;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return true;
}

/* A keyed hash of inputs of fixed size, half of which is given away: nothing to extend. */
static void mac_of(const uint8_t fact[FACT_SIZE], enum digest_nonce_use use, uint8_t out[MAC_SIZE])
{
    uint8_t full[SHA2_256_SIZE], where[8];
    struct writer writer = write_into(where, sizeof where);
    write_u32le(&writer, (uint32_t)use);
    write_u32le(&writer, atomic_load_explicit(&process_generation, memory_order_relaxed));
    const struct bytes parts[] = {BYTES(key), BYTES(where), bytes_of(fact, FACT_SIZE)};
    sha256(parts, 3, full);
    memcpy(out, full, MAC_SIZE);
}

SECURITY_STATUS digest_random_hex(size_t size, char *out)
{
    uint8_t bytes[32];
    REQUIRE(size <= sizeof bytes, SEC_E_INTERNAL_ERROR, "more random digits than there is room for");
    TRY(random_bytes(bytes, size));
    put_hex(bytes, size, out);
    return SEC_E_OK;
}

SECURITY_STATUS digest_nonce_make(enum digest_nonce_use use, char out[DIGEST_NONCE_SIZE])
{
    uint8_t raw[RAW_SIZE], salt[8];
    (void)pthread_once(&key_once, make_key);
    REQUIRE(key_status >= 0, SEC_E_INTERNAL_ERROR, "no random bytes for the key of Digest's nonces");
    TRY(random_bytes(salt, sizeof salt));
    struct writer writer = write_into(raw, sizeof raw);
    write_u64le(&writer, clock_now());
    write_bytes(&writer, BYTES(salt));
    mac_of(raw, use, raw + FACT_SIZE);
    put_hex(raw, sizeof raw, out);
    return SEC_E_OK;
}

static uint64_t time_of(const uint8_t raw[RAW_SIZE])
{
    struct reader reader = read_start(bytes_of(raw, FACT_SIZE));
    return read_u64le(&reader);
}

static uint64_t lifetime(void)
{
    return policy_get()->digest_nonce_seconds * CLOCK_SECOND;
}

bool digest_nonce_is_good(enum digest_nonce_use use, struct bytes nonce)
{
    uint8_t raw[RAW_SIZE], expected[MAC_SIZE];
    (void)pthread_once(&key_once, make_key);
    if (nonce.size != DIGEST_NONCE_SIZE || !take_hex(nonce, raw) || key_status < 0) {
        return false;
    }
    mac_of(raw, use, expected);
    uint64_t made = time_of(raw), now = clock_now();
    bool ours = secret_equal(expected, raw + FACT_SIZE, sizeof expected);
    return ours && made <= now && now - made <= lifetime();
}

bool digest_nonce_is_old(struct bytes nonce)
{
    uint8_t raw[RAW_SIZE];
    return nonce.size == DIGEST_NONCE_SIZE && take_hex(nonce, raw) && clock_now() - time_of(raw) > lifetime() / 2;
}

/* ---------------------------------------------------------------- the counts that were used */

#define SETS   1024u
#define WAYS   8u
#define WINDOW 64u

struct used {
    uint64_t id;   /* of the nonce: bytes of its MAC; 0 = free */
    uint64_t made; /* its time */
    uint64_t seen; /* bit i: `highest` - i came */
    uint32_t highest;
};

static struct set {
    pthread_mutex_t lock;
    uint64_t forgotten; /* nonces made up to this time may have been here */
    struct used used[WAYS];
} sets[SETS];

static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

static void make_locks(void)
{
    for (size_t i = 0; i < SETS; i++) {
        pthread_mutex_init(&sets[i].lock, NULL);
    }
}

static bool count_is_new(struct used *used, uint32_t count)
{
    if (count > used->highest) {
        uint32_t ahead = count - used->highest;
        used->seen = ahead < WINDOW ? used->seen << ahead | 1 : 1;
        used->highest = count;
        return true;
    }
    uint32_t behind = used->highest - count;
    if (behind >= WINDOW || (used->seen >> behind & 1) != 0) {
        return false;
    }
    used->seen |= UINT64_C(1) << behind;
    return true;
}

/* A free entry, or that of the oldest nonce, which is forgotten with everything as old. */
static struct used *make_room(struct set *set)
{
    struct used *oldest = &set->used[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set->used[i].id == 0) {
            return &set->used[i];
        }
        if (set->used[i].made < oldest->made) {
            oldest = &set->used[i];
        }
    }
    if (oldest->made > set->forgotten) {
        set->forgotten = oldest->made;
    }
    return oldest;
}

static bool note(struct set *set, uint64_t id, uint64_t made, uint32_t count)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set->used[i].id == id && set->used[i].made == made) {
            return count_is_new(&set->used[i], count);
        }
    }
    if (made <= set->forgotten) {
        return false;
    }
    *make_room(set) = (struct used){.id = id, .made = made, .seen = 1, .highest = count};
    return true;
}

bool digest_nonce_use_once(struct bytes nonce, uint32_t count)
{
    uint8_t raw[RAW_SIZE];
    if (nonce.size != DIGEST_NONCE_SIZE || !take_hex(nonce, raw)) {
        return false;
    }
    (void)pthread_once(&sets_once, make_locks);
    struct reader reader = read_start(bytes_of(raw + FACT_SIZE, MAC_SIZE));
    uint64_t id = read_u64le(&reader) | 1;
    struct set *set = &sets[(raw[RAW_SIZE - 1] | raw[RAW_SIZE - 2] << 8) & (SETS - 1)];
    pthread_mutex_lock(&set->lock);
    bool fresh = note(set, id, time_of(raw), count);
    pthread_mutex_unlock(&set->lock);
    return fresh;
}
