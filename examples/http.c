#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next header of that name from `at` on; its value. */
static char *header(char *at, const char *name)
{
    size_t length = strlen(name);
    for (char *end = strstr(at, "\r\n"); end != NULL && end[2] != '\r'; end = strstr(end + 2, "\r\n")) {
        if (_strnicmp(end + 2, name, length) == 0 && end[2 + length] == ':') {
            char *value = end + 3 + length;
            return value + strspn(value, " ");
        }
    }
    return NULL;
}

/* Reads on until `size` bytes are there. */
static bool fill(SOCKET connection, struct response *out, ULONG size)
{
    while (out->size < size) {
        ULONG received = receive_some(connection, out->text + out->size, HTTP_MAX - out->size);
        if (received == 0) {
            return false;
        }
        out->size += received;
        out->text[out->size] = '\0';
    }
    return true;
}

/* Where the line at `at` ends, reading on for it; 0: it does not. */
static ULONG line_end(SOCKET connection, struct response *out, ULONG at)
{
    const char *end = strstr(out->text + at, "\r\n");
    while (end == NULL && out->size < HTTP_MAX && fill(connection, out, out->size + 1)) {
        end = strstr(out->text + at, "\r\n");
    }
    return end != NULL ? (ULONG)(end - out->text) + 2 : 0;
}

/* A body in chunks (RFC 9112 7.1) becomes one where it lies. */
static bool join_chunks(SOCKET connection, struct response *out)
{
    ULONG body = out->head, at = out->head, size = 1;
    while (size > 0) {
        ULONG start = line_end(connection, out, at);
        size = (ULONG)strtoul(out->text + at, NULL, 16);
        if (start == 0 || size > HTTP_MAX || start + size + 2 > HTTP_MAX ||
            (size > 0 && !fill(connection, out, start + size + 2))) {
            return false;
        }
        memmove(out->text + body, out->text + start, size);
        body += size;
        at = start + (size > 0 ? size + 2 : 0);
    }
    for (ULONG end = line_end(connection, out, at); end != at + 2; end = line_end(connection, out, at)) { /* trailers */
        if (end == 0) {
            return false;
        }
        at = end;
    }
    out->size = body;
    out->text[body] = '\0';
    return true;
}

static bool read_body(SOCKET connection, struct response *out)
{
    const char *coding = header(out->text, "Transfer-Encoding");
    const char *length = header(out->text, "Content-Length");
    if (coding != NULL && _strnicmp(coding, "chunked", 7) == 0) {
        return join_chunks(connection, out);
    }
    ULONG body = length != NULL ? (ULONG)strtoul(length, NULL, 10) : HTTP_MAX + 1;
    return body <= HTTP_MAX - out->head && fill(connection, out, out->head + body);
}

static bool read_response(SOCKET connection, struct response *out)
{
    char *end = NULL;
    out->size = 0;
    out->text[0] = '\0';
    while (end == NULL && out->size < HTTP_MAX && fill(connection, out, out->size + 1)) {
        end = strstr(out->text, "\r\n\r\n");
    }
    if (end == NULL || strncmp(out->text, "HTTP/1.", 7) != 0) {
        fprintf(stderr, "no response\n");
        return false;
    }
    out->head = (ULONG)(end - out->text) + 4;
    out->status = atoi(out->text + 9);
    if (!read_body(connection, out)) {
        fprintf(stderr, "a response without a length, or one that is too long\n");
        return false;
    }
    return true;
}

bool http_get(SOCKET connection, const char *host, const char *path, const char *authorization, struct response *out)
{
    static char request[HTTP_MAX];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", path, host,
                        authorization != NULL ? "Authorization: " : "", authorization != NULL ? authorization : "",
                        authorization != NULL ? "\r\n" : "");
    if (size < 0 || (size_t)size >= sizeof request || !send_all(connection, request, (ULONG)size)) {
        fprintf(stderr, "cannot send\n");
        return false;
    }
    return read_response(connection, out);
}

char *http_challenge(struct response *response, const char *scheme)
{
    size_t length = strlen(scheme);
    for (char *at = response->text; at != NULL; at = strstr(at, "\r\n")) {
        char *value = header(at, "WWW-Authenticate");
        if (value == NULL) {
            return NULL;
        }
        if (_strnicmp(value, scheme, length) == 0 && strchr(" \r", value[length]) != NULL) {
            value += length;
            value += strspn(value, " ");
            *strstr(value, "\r\n") = '\0';
            return value;
        }
        at = value;
    }
    return NULL;
}
