/* What the tests of src/logon share. */
#ifndef OPENSSPI_TESTS_LOGON_TEST_H
#define OPENSSPI_TESTS_LOGON_TEST_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text/utf16.h"
#include "vectors/hex.h"

/* UTF-16LE text from a literal. */
#define U(text) ((struct utf16){(const uint8_t *)u"" text, sizeof(u"" text) - sizeof(uint16_t)})

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        SECURITY_STATUS status_ = (call);                                                                              \
        if (status_ != SEC_E_OK) {                                                                                     \
            const char *why_ = status_reason(NULL, NULL, NULL);                                                        \
            fail_msg("%s gave 0x%08X: %s", #call, (unsigned)status_, why_ != NULL ? why_ : "no reason");               \
        }                                                                                                              \
    } while (0)

#define assert_status(call, expected)                                                                                  \
    do {                                                                                                               \
        status_begin();                                                                                                \
        assert_int_equal((uint32_t)(call), (uint32_t)(expected));                                                      \
        assert_non_null(status_reason(NULL, NULL, NULL));                                                              \
    } while (0)

#define assert_text(actual, expected) assert_true(utf16_equal((actual), (expected)))

/* A directory of this test's own. */
static inline char *scratch_make(void)
{
    char *path = NULL;
    const char *base = getenv("TMPDIR");
    assert_true(asprintf(&path, "%s/sspi-test-XXXXXX", base != NULL ? base : "/tmp") > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void scratch_remove(char *path)
{
    (void)nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

/* "directory/name", in a buffer that the next eight calls leave alone. */
__attribute__((noinline, unused)) static const char *in(const char *folder, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *out = paths[next++ % 8];
    assert_true(snprintf(out, sizeof paths[0], "%s/%s", folder, name) < (int)sizeof paths[0]);
    return out;
}

static inline void write_file_size(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static inline void write_file(const char *path, const char *text)
{
    write_file_size(path, text, strlen(text));
}

/* Seconds, for deadlines: waits poll a condition and give up here. */
static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void pause_briefly(void)
{
    const struct timespec moment = {0, 5000000};
    (void)nanosleep(&moment, NULL);
}

#endif
