/* The run-time's functions on bytes that only Windows has. */
#include "port.h"

#include <errno.h>
#include <stdlib.h>

#define STRUNCATE 80

static errno_t refuse(void *destination, size_t room, size_t unit, errno_t error)
{
    if (destination != NULL && room != 0) {
        memset(destination, 0, unit);
    }
    return error;
}

/* What both moves refuse; the room is cleared then. */
static errno_t move_error(void *destination, size_t room, const void *source, size_t count)
{
    if (count == 0) {
        return 0;
    }
    if (destination == NULL) {
        return EINVAL;
    }
    if (source == NULL || room < count) {
        memset(destination, 0, room);
        return source == NULL ? EINVAL : ERANGE;
    }
    return 0;
}

errno_t memcpy_s(void *destination, size_t room, const void *source, size_t count)
{
    errno_t error = move_error(destination, room, source, count);
    if (error == 0 && count != 0) {
        memcpy(destination, source, count);
    }
    return error;
}

errno_t memmove_s(void *destination, size_t room, const void *source, size_t count)
{
    errno_t error = destination == NULL && count != 0 ? EINVAL : room < count ? ERANGE : 0;
    if (error == 0 && count != 0) {
        error = source == NULL ? EINVAL : 0;
    }
    if (error == 0 && count != 0) {
        memmove(destination, source, count);
    }
    return error;
}

errno_t strncpy_s(char *destination, size_t room, const char *source, size_t count)
{
    if (destination == NULL || room == 0 || source == NULL) {
        return refuse(destination, room, 1, EINVAL);
    }
    size_t length = strnlen(source, count < room ? count : room);
    errno_t result = 0;
    if (length >= room) {
        if (count != _TRUNCATE) {
            return refuse(destination, room, 1, ERANGE);
        }
        length = room - 1;
        result = STRUNCATE;
    }
    memmove(destination, source, length);
    destination[length] = '\0';
    return result;
}

errno_t strcpy_s(char *destination, size_t room, const char *source)
{
    return strncpy_s(destination, room, source, SIZE_MAX - 1);
}

errno_t strcat_s(char *destination, size_t room, const char *source)
{
    size_t length = destination != NULL ? strnlen(destination, room) : 0;
    if (destination == NULL || room == 0 || source == NULL || length == room) {
        return refuse(destination, room, 1, EINVAL);
    }
    errno_t error = strncpy_s(destination + length, room - length, source, SIZE_MAX - 1);
    return error == 0 ? 0 : refuse(destination, room, 1, error);
}

int sprintf_s(char *destination, size_t room, const char *format, ...)
{
    if (destination == NULL || room == 0 || format == NULL) {
        refuse(destination, room, 1, EINVAL);
        return -1;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(destination, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        refuse(destination, room, 1, ERANGE);
        return -1;
    }
    return length;
}

int _vsnprintf(char *destination, size_t count, const char *format, va_list arguments)
{
    AUTO_FREE char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    if (length < 0) {
        text = NULL;
        return -1;
    }
    size_t size = (size_t)length + 1; /* with its NUL where there is room for it */
    if (destination != NULL) {
        memcpy(destination, text, size < count ? size : count);
    }
    return (size_t)length > count ? -1 : length;
}

int _snprintf(char *destination, size_t count, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = _vsnprintf(destination, count, format, arguments);
    va_end(arguments);
    return length;
}

/* ---------------------------------------------------------------- the same on WCHAR */

static size_t wide_length(const WCHAR *text, size_t most)
{
    size_t length = 0;
    while (length < most && text[length] != 0) {
        length++;
    }
    return length;
}

errno_t wcscpy_s(WCHAR *destination, size_t room, const WCHAR *source)
{
    if (destination == NULL || room == 0 || source == NULL) {
        return refuse(destination, room, sizeof(WCHAR), EINVAL);
    }
    size_t length = wide_length(source, room);
    if (length == room) {
        return refuse(destination, room, sizeof(WCHAR), ERANGE);
    }
    memmove(destination, source, (length + 1) * sizeof *source);
    return 0;
}

errno_t wcscat_s(WCHAR *destination, size_t room, const WCHAR *source)
{
    size_t length = destination != NULL ? wide_length(destination, room) : 0;
    if (destination == NULL || room == 0 || source == NULL || length == room) {
        return refuse(destination, room, sizeof(WCHAR), EINVAL);
    }
    errno_t error = wcscpy_s(destination + length, room - length, source);
    return error == 0 ? 0 : refuse(destination, room, sizeof(WCHAR), error);
}
