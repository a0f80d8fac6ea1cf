/* Memory that must not outlive its use: wiping, constant-time comparison, and owners that wipe by themselves.
 *
 * A key of 16 bytes on the stack is declared AUTO_KEY16 and is wiped when its scope ends, whichever way it ends.
 * Longer secrets and those that are kept live in struct secret, whose memory is left out of core dumps and wiped on free;
 * up to 128 bytes it costs no system call.
 * Neither has a printed form.
 */
#ifndef OPENSSPI_BASE_SECRET_H
#define OPENSSPI_BASE_SECRET_H

#include "base/bytes.h"
#include "base/status.h"

struct key16 {
    uint8_t b[16];
};

struct secret {
    uint8_t *data;
    size_t size;
    uint32_t slot; /* where it lives: secret.c's */
};

/* Overwrites memory in a way the compiler may not drop.  NULL with size 0 is fine. */
void secret_wipe(void *data, size_t size);

/* Compares in time that depends on `size` alone. */
bool secret_equal(const void *a, const void *b, size_t size) __attribute__((warn_unused_result));

/* Makes `out` own a copy of `data`.  An empty source gives an empty secret without memory.
 * SEC_E_INSUFFICIENT_MEMORY leaves `out` untouched.  What `out` held before is not freed. */
STATUS secret_copy(struct secret *out, struct bytes data);

/* As secret_copy for `size` bytes that the caller will fill in. */
STATUS secret_alloc(struct secret *out, size_t size);

/* Wipes, frees and empties; an empty secret is fine. */
void secret_free(struct secret *secret);

void key16_wipe(struct key16 *key);

#define AUTO_KEY16  __attribute__((cleanup(key16_wipe))) struct key16
#define AUTO_SECRET __attribute__((cleanup(secret_free))) struct secret

static inline struct bytes secret_bytes(const struct secret *secret)
{
    return (struct bytes){secret->data, secret->size};
}

#endif
