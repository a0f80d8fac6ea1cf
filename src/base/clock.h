/* The one clock.  Times are FILETIME ticks: 100 ns since 1601-01-01 UTC, the unit of NTLM timestamps and of TimeStamp.
 *
 * Tests replace the source to reproduce published vectors byte for byte; the library never does.
 */
#ifndef OPENSSPI_BASE_CLOCK_H
#define OPENSSPI_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NEVER  UINT64_C(0x7FFFFFFFFFFFFFFF)
#define CLOCK_SECOND UINT64_C(10000000)

extern uint64_t (*clock_source)(void);

static inline uint64_t clock_now(void)
{
    return clock_source();
}

/* Moves a UTC time to local time, which is what SSPI hands out in expiry times (TimeStamp, Microsoft Learn). */
uint64_t clock_to_local(uint64_t utc);

#endif
