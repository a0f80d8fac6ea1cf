#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void secret_wipe(void *data, size_t size)
{
    if (size != 0) {
        explicit_bzero(data, size);
    }
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    unsigned difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference |= left[i] ^ right[i];
    }
    return difference == 0;
}

/* Secrets have pages of their own: the kernel leaves whole pages out of a core dump, never parts of one
 * (madvise(2), MADV_DONTDUMP).  They are few and live as long as a credential, so a page each is cheap. */
static size_t mapped_size(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

SECURITY_STATUS secret_alloc(struct secret *out, size_t size)
{
    if (size == 0) {
        *out = (struct secret){NULL, 0};
        return SEC_E_OK;
    }
    REQUIRE(size <= SIZE_MAX / 2, SEC_E_INSUFFICIENT_MEMORY, "a secret of impossible size");
    void *data = mmap(NULL, mapped_size(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(data != MAP_FAILED, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a secret");
    (void)madvise(data, mapped_size(size), MADV_DONTDUMP); /* an old kernel refuses; the secret is still wiped */
    *out = (struct secret){data, size};
    return SEC_E_OK;
}

SECURITY_STATUS secret_copy(struct secret *out, struct bytes data)
{
    TRY(secret_alloc(out, data.size));
    if (data.size != 0) {
        memcpy(out->data, data.data, data.size);
    }
    return SEC_E_OK;
}

void secret_free(struct secret *secret)
{
    if (secret->data != NULL) {
        secret_wipe(secret->data, secret->size);
        (void)munmap(secret->data, mapped_size(secret->size));
    }
    *secret = (struct secret){NULL, 0};
}

void key16_wipe(struct key16 *key)
{
    secret_wipe(key->b, sizeof key->b);
}
