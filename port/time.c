/* FILETIME and SYSTEMTIME. */
#include "port.h"

#include <time.h>

#define TICKS_PER_SECOND 10000000
#define EPOCH_SECONDS    11644473600LL /* from 1601 to 1970 */
#define YEAR_MAX         30827         /* SYSTEMTIME's, as documented */

static int64_t ticks_of(const FILETIME *time)
{
    return (int64_t)((uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime);
}

static FILETIME filetime_of(int64_t ticks)
{
    return (FILETIME){(DWORD)ticks, (DWORD)((uint64_t)ticks >> 32)};
}

VOID WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *lpSystemTimeAsFileTime = filetime_of((now.tv_sec + EPOCH_SECONDS) * TICKS_PER_SECOND + now.tv_nsec / 100);
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *lpFileTime, LPSYSTEMTIME lpSystemTime)
{
    int64_t ticks = ticks_of(lpFileTime);
    time_t seconds = (time_t)(ticks / TICKS_PER_SECOND - EPOCH_SECONDS);
    struct tm parts;
    if (ticks < 0 || gmtime_r(&seconds, &parts) == NULL || parts.tm_year + 1900 > YEAR_MAX) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    *lpSystemTime = (SYSTEMTIME){
        .wYear = (WORD)(parts.tm_year + 1900),
        .wMonth = (WORD)(parts.tm_mon + 1),
        .wDayOfWeek = (WORD)parts.tm_wday,
        .wDay = (WORD)parts.tm_mday,
        .wHour = (WORD)parts.tm_hour,
        .wMinute = (WORD)parts.tm_min,
        .wSecond = (WORD)parts.tm_sec,
        .wMilliseconds = (WORD)(ticks % TICKS_PER_SECOND / 10000),
    };
    return TRUE;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *lpSystemTime, LPFILETIME lpFileTime)
{
    const SYSTEMTIME *in = lpSystemTime;
    struct tm parts = {
        .tm_year = in->wYear - 1900,
        .tm_mon = in->wMonth - 1,
        .tm_mday = in->wDay,
        .tm_hour = in->wHour,
        .tm_min = in->wMinute,
        .tm_sec = in->wSecond,
    };
    struct tm again = parts;
    time_t seconds = timegm(&again);
    /* timegm makes 1 March of 29 February 2023: such a day is none. */
    if (in->wYear < 1601 || in->wYear > YEAR_MAX || in->wMilliseconds > 999 || again.tm_year != parts.tm_year ||
        again.tm_mon != parts.tm_mon || again.tm_mday != parts.tm_mday || again.tm_hour != parts.tm_hour ||
        again.tm_min != parts.tm_min || again.tm_sec != parts.tm_sec) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    *lpFileTime = filetime_of(((int64_t)seconds + EPOCH_SECONDS) * TICKS_PER_SECOND + in->wMilliseconds * 10000);
    return TRUE;
}

VOID WINAPI GetSystemTime(LPSYSTEMTIME lpSystemTime)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    (void)FileTimeToSystemTime(&now, lpSystemTime);
}

/* `seconds` since 1601 shown by a clock on the wall, as a moment. */
static int64_t moment_of(int64_t seconds)
{
    time_t shown = (time_t)(seconds - EPOCH_SECONDS);
    struct tm parts;
    if (gmtime_r(&shown, &parts) == NULL) {
        return seconds;
    }
    parts.tm_isdst = -1;
    return (int64_t)mktime(&parts) + EPOCH_SECONDS;
}

static int64_t shown_at(int64_t seconds)
{
    time_t moment = (time_t)(seconds - EPOCH_SECONDS);
    struct tm parts;
    return localtime_r(&moment, &parts) == NULL ? seconds : seconds + parts.tm_gmtoff;
}

/* "Never" stays what it is, and so does whatever is before 1970, as in the library. */
static BOOL shift(const FILETIME *from, int64_t (*change)(int64_t), LPFILETIME to)
{
    int64_t ticks = ticks_of(from);
    if (ticks < 0) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    int64_t seconds = ticks / TICKS_PER_SECOND;
    bool plain = ticks == INT64_MAX || seconds < EPOCH_SECONDS;
    *to = plain ? *from : filetime_of(change(seconds) * TICKS_PER_SECOND + ticks % TICKS_PER_SECOND);
    return TRUE;
}

BOOL WINAPI LocalFileTimeToFileTime(const FILETIME *lpLocalFileTime, LPFILETIME lpFileTime)
{
    return shift(lpLocalFileTime, moment_of, lpFileTime);
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *lpFileTime, LPFILETIME lpLocalFileTime)
{
    return shift(lpFileTime, shown_at, lpLocalFileTime);
}

LONG WINAPI CompareFileTime(const FILETIME *lpFileTime1, const FILETIME *lpFileTime2)
{
    uint64_t first = (uint64_t)ticks_of(lpFileTime1);
    uint64_t second = (uint64_t)ticks_of(lpFileTime2);
    return first < second ? -1 : first > second ? 1 : 0;
}
