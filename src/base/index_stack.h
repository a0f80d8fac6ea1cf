/* Stacks of slot numbers that many threads take from and give back to, without a lock.
 *
 * A table hands out slots by number.  The free ones hang on stacks, linked through a word that the table keeps for each
 * slot.  A stack's head carries a tag in its upper half that grows with each push, against ABA.  A table has
 * INDEX_SHARDS stacks: a thread works on the one of its own number and takes from the others before the table grows.
 *
 * fork needs nothing: every step leaves the words consistent.  What a child may lose is a slot that another thread had
 * between two stacks just then.
 */
#ifndef OPENSSPI_BASE_INDEX_STACK_H
#define OPENSSPI_BASE_INDEX_STACK_H

#include <stdatomic.h>
#include <stdint.h>

#define INDEX_SHARDS 16u
#define INDEX_NONE   0u /* slot numbers are stored one higher */

struct index_stack {
    _Alignas(64) _Atomic uint64_t head; /* tag << 32 | slot + 1 */
};

/* Where the table keeps the link of a slot: the slot below it on its stack, + 1. */
typedef _Atomic uint32_t *(*index_link_fn)(uint32_t slot);

/* A small number of the calling thread's own, from 1; the first 65,535 threads all have different ones. */
unsigned thread_number(void);

/* Puts a chain of free slots (first..last, + 1, linked already) onto the calling thread's stack. */
void index_give(struct index_stack shards[INDEX_SHARDS], uint32_t first, _Atomic uint32_t *last_link);

/* A free slot, + 1, of the calling thread's stack or another one; INDEX_NONE when all are empty. */
uint32_t index_take(struct index_stack shards[INDEX_SHARDS], index_link_fn link);

#endif
