/* The one error currency, from the API down to message parsing, and the reason that goes with it.
 *
 * Every fallible function returns STATUS (SECURITY_STATUS, must be used) and leaves through one of three macros:
 *
 *     TRY(call);                         pass a failure on
 *     REQUIRE(condition, status, why);   refuse unless the condition holds
 *     FAIL(status, why);                 refuse
 *
 * `why` is a string literal that says what was wrong and ends with the section that orders the refusal, as in
 * "NTLM AUTHENTICATE: session key is not 16 bytes (MS-NLMP 3.2.5.1.2)".  The first reason of an API call wins; a later,
 * vaguer one never covers it.  Reasons are literals: no secret and no peer byte can get into one.
 *
 * SEC_I_* codes are positive.  Only step functions return them, so TRY tests for failure with `< 0`, never for truth.
 */
#ifndef OPENSSPI_BASE_STATUS_H
#define OPENSSPI_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sspi.h"

#define STATUS __attribute__((warn_unused_result)) SECURITY_STATUS

/* Begins an API call on this thread: forgets the reason of the previous one. */
void status_begin(void);

/* Records `why` unless this call already has a reason, and returns `status` unchanged. */
SECURITY_STATUS status_fail(SECURITY_STATUS status, const char *why, const char *file, int line)
    __attribute__((cold, noinline));

/* As status_fail(), with what another library says of the failure: copied, cut to a line, control characters left out.  Not
 * for text that a peer sent. */
SECURITY_STATUS status_fail_text(SECURITY_STATUS status, const char *text, const char *file, int line)
    __attribute__((cold, noinline));

/* The reason of the last failed call on this thread, or NULL when it succeeded.  `file` and `line` may be NULL. */
const char *status_reason(SECURITY_STATUS *status, const char **file, int *line);

/* "SEC_E_INVALID_TOKEN" for 0x80090308; NULL for a value without a name. */
const char *status_name(SECURITY_STATUS status);

#ifdef __clang_analyzer__ /* which does not see that status_fail() gives back what it is given */
#define FAIL(status, why) return (void)(why), (status)
#else
#define FAIL(status, why) return status_fail((status), (why), __FILE__, __LINE__)
#endif

#define REQUIRE(condition, status, why)                                                                                \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0)) {                                                                       \
            FAIL((status), (why));                                                                                     \
        }                                                                                                              \
    } while (0)

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        SECURITY_STATUS try_status_ = (call);                                                                          \
        if (__builtin_expect(try_status_ < 0, 0)) {                                                                    \
            return try_status_;                                                                                        \
        }                                                                                                              \
    } while (0)

#endif
