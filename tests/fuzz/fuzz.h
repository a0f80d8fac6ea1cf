/* What fuzz targets share: the entry point's name, and a small language in which an input says what to do.
 *
 * A target ends the process (abort) when a promise is broken, whoever runs it: libFuzzer, or replay.c over the corpus.
 */
#ifndef OPENSSPI_TESTS_FUZZ_H
#define OPENSSPI_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The input as a tape that is read from the front; it reads as zeros when it has run out. */
struct tape {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t tape_u8(struct tape *tape)
{
    if (tape->size == 0) {
        return 0;
    }
    tape->size--;
    return *tape->data++;
}

static inline uint16_t tape_u16(struct tape *tape)
{
    uint16_t low = tape_u8(tape);
    return (uint16_t)(low | tape_u8(tape) << 8);
}

/* Up to `size` bytes into `out`; how many there were. */
static inline size_t tape_take(struct tape *tape, void *out, size_t size)
{
    size = size > tape->size ? tape->size : size;
    if (size != 0) {
        memcpy(out, tape->data, size);
        tape->data += size;
        tape->size -= size;
    }
    return size;
}

/* Changes bytes as the tape says: a count, then places and values, then how many bytes to cut off.  True when the
 * message is another one afterwards. */
static inline bool tape_spoil(struct tape *tape, uint8_t *data, size_t *size)
{
    uint8_t before[8192];
    size_t size_before = *size;
    PROMISE(*size <= sizeof before);
    memcpy(before, data, *size);
    for (unsigned count = tape_u8(tape) % 16; count != 0 && *size != 0; count--) {
        size_t at = tape_u16(tape) % *size;
        data[at] = tape_u8(tape);
    }
    size_t cut = tape_u8(tape);
    *size -= cut > *size ? *size : cut;
    return *size != size_before || memcmp(before, data, *size) != 0;
}

#endif
