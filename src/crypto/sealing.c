#include "crypto/sealing.h"

#include <string.h>

/* The only digest and cipher code of our own in the tree.  Nettle's functions, one after the other, reach about 300 MB/s
 * on a machine where this loop reaches 440: MD5 and RC4 are each one chain of dependent instructions, and only code that
 * alternates them step by step lets a processor work on both.  Everything shorter than a block, and everything outside
 * of sealing, goes through Nettle; a test compares the two for every length. */
#define BLOCK 64

#define F(b, c, d)           ((d) ^ ((b) & ((c) ^ (d))))
#define G(b, c, d)           (((d) & (b)) + (~(d) & (c)))
#define H(b, c, d)           ((b) ^ (c) ^ (d))
#define I(b, c, d)           ((c) ^ ((b) | ~(d)))
#define ROTATE(value, count) ((value) << (count) | (value) >> (32 - (count)))

/* One byte of RC4 keystream; after the eighth, eight bytes of data are done. */
#define RC4_STEP(number)                                                                                               \
    do {                                                                                                               \
        i = (uint8_t)(i + 1);                                                                                          \
        unsigned left = s[i];                                                                                          \
        j = (uint8_t)(j + left);                                                                                       \
        unsigned right = s[j];                                                                                         \
        s[i] = (uint8_t)right;                                                                                         \
        s[j] = (uint8_t)left;                                                                                          \
        keystream |= (uint64_t)s[(uint8_t)(left + right)] << 8 * ((number) % 8);                                       \
        if ((number) % 8 == 7) {                                                                                       \
            uint64_t word;                                                                                             \
            memcpy(&word, out + (number)-7, sizeof word);                                                              \
            word ^= keystream;                                                                                         \
            memcpy(out + (number)-7, &word, sizeof word);                                                              \
            keystream = 0;                                                                                             \
        }                                                                                                              \
    } while (0)

/* One step of MD5 (RFC 1321 3.4) and one of RC4. */
#define STEP(f, a, b, c, d, k, t, shift, number)                                                                       \
    do {                                                                                                               \
        (a) += f(b, c, d) + word_[k] + UINT32_C(t);                                                                    \
        (a) = ROTATE(a, shift) + (b);                                                                                  \
        RC4_STEP(number);                                                                                              \
    } while (0)

/* Digests the block at `in` while the 64 bytes at `out` go through the stream; the two may be the same. */
static void both(uint32_t state[4], const uint8_t *in, struct rc4 *rc4, uint8_t *out)
{
    uint8_t *s = rc4->state.S;
    unsigned i = rc4->state.i;
    unsigned j = rc4->state.j;
    uint64_t keystream = 0;
    uint32_t word_[BLOCK / 4];
    memcpy(word_, in, sizeof word_); /* before `out` changes; x86-64 and arm64 Linux are little-endian, as MD5 is */
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    STEP(F, a, b, c, d, 0, 0xd76aa478, 7, 0);
    STEP(F, d, a, b, c, 1, 0xe8c7b756, 12, 1);
    STEP(F, c, d, a, b, 2, 0x242070db, 17, 2);
    STEP(F, b, c, d, a, 3, 0xc1bdceee, 22, 3);
    STEP(F, a, b, c, d, 4, 0xf57c0faf, 7, 4);
    STEP(F, d, a, b, c, 5, 0x4787c62a, 12, 5);
    STEP(F, c, d, a, b, 6, 0xa8304613, 17, 6);
    STEP(F, b, c, d, a, 7, 0xfd469501, 22, 7);
    STEP(F, a, b, c, d, 8, 0x698098d8, 7, 8);
    STEP(F, d, a, b, c, 9, 0x8b44f7af, 12, 9);
    STEP(F, c, d, a, b, 10, 0xffff5bb1, 17, 10);
    STEP(F, b, c, d, a, 11, 0x895cd7be, 22, 11);
    STEP(F, a, b, c, d, 12, 0x6b901122, 7, 12);
    STEP(F, d, a, b, c, 13, 0xfd987193, 12, 13);
    STEP(F, c, d, a, b, 14, 0xa679438e, 17, 14);
    STEP(F, b, c, d, a, 15, 0x49b40821, 22, 15);
    STEP(G, a, b, c, d, 1, 0xf61e2562, 5, 16);
    STEP(G, d, a, b, c, 6, 0xc040b340, 9, 17);
    STEP(G, c, d, a, b, 11, 0x265e5a51, 14, 18);
    STEP(G, b, c, d, a, 0, 0xe9b6c7aa, 20, 19);
    STEP(G, a, b, c, d, 5, 0xd62f105d, 5, 20);
    STEP(G, d, a, b, c, 10, 0x02441453, 9, 21);
    STEP(G, c, d, a, b, 15, 0xd8a1e681, 14, 22);
    STEP(G, b, c, d, a, 4, 0xe7d3fbc8, 20, 23);
    STEP(G, a, b, c, d, 9, 0x21e1cde6, 5, 24);
    STEP(G, d, a, b, c, 14, 0xc33707d6, 9, 25);
    STEP(G, c, d, a, b, 3, 0xf4d50d87, 14, 26);
    STEP(G, b, c, d, a, 8, 0x455a14ed, 20, 27);
    STEP(G, a, b, c, d, 13, 0xa9e3e905, 5, 28);
    STEP(G, d, a, b, c, 2, 0xfcefa3f8, 9, 29);
    STEP(G, c, d, a, b, 7, 0x676f02d9, 14, 30);
    STEP(G, b, c, d, a, 12, 0x8d2a4c8a, 20, 31);
    STEP(H, a, b, c, d, 5, 0xfffa3942, 4, 32);
    STEP(H, d, a, b, c, 8, 0x8771f681, 11, 33);
    STEP(H, c, d, a, b, 11, 0x6d9d6122, 16, 34);
    STEP(H, b, c, d, a, 14, 0xfde5380c, 23, 35);
    STEP(H, a, b, c, d, 1, 0xa4beea44, 4, 36);
    STEP(H, d, a, b, c, 4, 0x4bdecfa9, 11, 37);
    STEP(H, c, d, a, b, 7, 0xf6bb4b60, 16, 38);
    STEP(H, b, c, d, a, 10, 0xbebfbc70, 23, 39);
    STEP(H, a, b, c, d, 13, 0x289b7ec6, 4, 40);
    STEP(H, d, a, b, c, 0, 0xeaa127fa, 11, 41);
    STEP(H, c, d, a, b, 3, 0xd4ef3085, 16, 42);
    STEP(H, b, c, d, a, 6, 0x04881d05, 23, 43);
    STEP(H, a, b, c, d, 9, 0xd9d4d039, 4, 44);
    STEP(H, d, a, b, c, 12, 0xe6db99e5, 11, 45);
    STEP(H, c, d, a, b, 15, 0x1fa27cf8, 16, 46);
    STEP(H, b, c, d, a, 2, 0xc4ac5665, 23, 47);
    STEP(I, a, b, c, d, 0, 0xf4292244, 6, 48);
    STEP(I, d, a, b, c, 7, 0x432aff97, 10, 49);
    STEP(I, c, d, a, b, 14, 0xab9423a7, 15, 50);
    STEP(I, b, c, d, a, 5, 0xfc93a039, 21, 51);
    STEP(I, a, b, c, d, 12, 0x655b59c3, 6, 52);
    STEP(I, d, a, b, c, 3, 0x8f0ccc92, 10, 53);
    STEP(I, c, d, a, b, 10, 0xffeff47d, 15, 54);
    STEP(I, b, c, d, a, 1, 0x85845dd1, 21, 55);
    STEP(I, a, b, c, d, 8, 0x6fa87e4f, 6, 56);
    STEP(I, d, a, b, c, 15, 0xfe2ce6e0, 10, 57);
    STEP(I, c, d, a, b, 6, 0xa3014314, 15, 58);
    STEP(I, b, c, d, a, 13, 0x4e0811a1, 21, 59);
    STEP(I, a, b, c, d, 4, 0xf7537e82, 6, 60);
    STEP(I, d, a, b, c, 11, 0xbd3af235, 10, 61);
    STEP(I, c, d, a, b, 2, 0x2ad7d2bb, 15, 62);
    STEP(I, b, c, d, a, 9, 0xeb86d391, 21, 63);

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    rc4->state.i = (uint8_t)i;
    rc4->state.j = (uint8_t)j;
}

/* The MAC is rarely at the start of a block (a sequence number comes first), the stream always begins with the data.  So
 * the stream runs ahead of the MAC by `filled` bytes, whose plaintext is kept aside for the MAC's next block. */
void sealing_encrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size)
{
    size_t filled = mac->size % BLOCK;
    for (; size >= BLOCK; data += BLOCK, size -= BLOCK) {
        uint8_t ahead[BLOCK];
        memcpy(mac->block + filled, data, BLOCK - filled);
        memcpy(ahead, data + BLOCK - filled, filled);
        both(mac->state, mac->block, rc4, data);
        memcpy(mac->block, ahead, filled);
        mac->size += BLOCK;
    }
    hmac_md5_update(mac, bytes_of(data, size));
    rc4_crypt(rc4, size, data, data);
}

/* Plaintext comes out of the stream before it can be digested, so here the stream is a whole block further ahead. */
void sealing_decrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size)
{
    size_t filled = mac->size % BLOCK;
    if (size >= 2 * BLOCK) {
        rc4_crypt(rc4, BLOCK, data, data);
        for (; size >= 2 * BLOCK; data += BLOCK, size -= BLOCK) {
            memcpy(mac->block + filled, data, BLOCK - filled);
            both(mac->state, mac->block, rc4, data + BLOCK);
            memcpy(mac->block, data + BLOCK - filled, filled);
            mac->size += BLOCK;
        }
        hmac_md5_update(mac, bytes_of(data, BLOCK));
        data += BLOCK;
        size -= BLOCK;
    }
    rc4_crypt(rc4, size, data, data);
    hmac_md5_update(mac, bytes_of(data, size));
}
