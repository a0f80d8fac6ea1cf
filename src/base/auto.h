/* Cleanup by scope: memory that is freed when its name goes out of sight, and the hand-over that prevents it. */
#ifndef OPENSSPI_BASE_AUTO_H
#define OPENSSPI_BASE_AUTO_H

#include <stdlib.h>

static inline void auto_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

#define AUTO_FREE      __attribute__((cleanup(auto_free)))
#define AUTO(function) __attribute__((cleanup(function)))

/* Takes a pointer out of an AUTO_FREE name: the caller of the function owns it from here. */
#define STEAL(pointer)                                                                                                 \
    __extension__({                                                                                                    \
        __typeof__(pointer) stolen_ = (pointer);                                                                       \
        (pointer) = NULL;                                                                                              \
        stolen_;                                                                                                       \
    })

#endif
