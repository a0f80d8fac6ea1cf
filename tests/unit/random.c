/* Random bytes: every size, no byte given out twice, not even to the child of a fork or to another thread. */
#include "vectors/hex.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

#define DRAWS 4096

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static void no_draw_repeats(void **state)
{
    static uint8_t drawn[DRAWS][8];
    for (size_t i = 0; i < DRAWS; i++) {
        assert_int_equal(random_bytes(drawn[i], 8), SEC_E_OK);
    }
    qsort(drawn, DRAWS, 8, compare);
    for (size_t i = 1; i < DRAWS; i++) {
        assert_memory_not_equal(drawn[i - 1], drawn[i], 8);
    }
}

/* Sizes around the batch: every byte is written (over 20 draws none stays as it was), and none behind. */
static void every_size(void **state)
{
    for (size_t size = 0; size <= 600; size++) {
        uint8_t seen[601] = {0}, room[601];
        for (unsigned draw = 0; draw < 20; draw++) {
            memset(room, 0, sizeof room);
            assert_int_equal(random_bytes(room, size), SEC_E_OK);
            for (size_t i = 0; i < sizeof room; i++) {
                seen[i] |= room[i];
            }
        }
        for (size_t i = 0; i < sizeof seen; i++) {
            assert_int_equal(seen[i] != 0, i < size);
        }
    }
}

/* All 256 values turn up in 64 KiB, each about 256 times: six sigma are 96. */
static void spread(void **state)
{
    unsigned count[256] = {0};
    for (size_t i = 0; i < 65536 / 16; i++) {
        uint8_t room[16];
        assert_int_equal(random_bytes(room, sizeof room), SEC_E_OK);
        for (size_t j = 0; j < sizeof room; j++) {
            count[room[j]]++;
        }
    }
    for (size_t i = 0; i < 256; i++) {
        assert_in_range(count[i], 256 - 96, 256 + 96);
    }
}

static void child_shares_nothing(pid_t (*make_child)(void))
{
    uint8_t ours[64], theirs[64], before[8];
    int ends[2];
    assert_int_equal(random_bytes(before, sizeof before), SEC_E_OK); /* the batch is under way */
    assert_int_equal(pipe(ends), 0);
    pid_t child = make_child();
    assert_true(child >= 0);
    if (child == 0) {
        SECURITY_STATUS status = random_bytes(theirs, sizeof theirs);
        ssize_t sent = write(ends[1], theirs, sizeof theirs);
        _exit(status == SEC_E_OK && sent == (ssize_t)sizeof theirs ? 0 : 1);
    }
    int result;
    assert_int_equal(random_bytes(ours, sizeof ours), SEC_E_OK);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    for (size_t i = 0; i + 8 <= sizeof ours; i += 8) {
        for (size_t j = 0; j + 8 <= sizeof theirs; j += 8) {
            assert_memory_not_equal(ours + i, theirs + j, 8);
        }
    }
}

static void fork_shares_nothing(void **state)
{
    child_shares_nothing(fork);
}

/* A child of which the C library's fork handlers hear nothing. */
static void bare_fork_shares_nothing(void **state)
{
    child_shares_nothing(_Fork);
}

static void *draw(void *argument)
{
    uint8_t *out = argument;
    for (size_t i = 0; i < 64; i++) {
        if (random_bytes(out + 8 * i, 8) != SEC_E_OK) {
            memset(out, 0, 8);
        }
    }
    return NULL;
}

static void threads_share_nothing(void **state)
{
    static uint8_t drawn[8 * 64][8];
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw, drawn[64 * i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    qsort(drawn, 8 * 64, 8, compare);
    for (size_t i = 1; i < 8 * 64; i++) {
        assert_memory_not_equal(drawn[i - 1], drawn[i], 8);
    }
}

static SECURITY_STATUS from_test(void *out, size_t size)
{
    memset(out, 0xaa, size);
    return SEC_E_OK;
}

static void source_can_be_replaced(void **state)
{
    SECURITY_STATUS (*before)(void *, size_t) = random_source;
    uint8_t room[4];
    random_source = from_test;
    assert_int_equal(random_bytes(room, sizeof room), SEC_E_OK);
    random_source = before;
    assert_hex(room, 4, "aaaaaaaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_draw_repeats),
        cmocka_unit_test(every_size),
        cmocka_unit_test(spread),
        cmocka_unit_test(fork_shares_nothing),
        cmocka_unit_test(bare_fork_shares_nothing),
        cmocka_unit_test(threads_share_nothing),
        cmocka_unit_test(source_can_be_replaced),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
