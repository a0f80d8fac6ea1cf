/* What the peers that scripts talk to by lines share: hexadecimal in, hexadecimal out.  A line is a command and its arguments,
 * each one word; "-" is nothing at all. */
#ifndef OPENSSPI_TESTS_LINE_PEER_H
#define OPENSSPI_TESTS_LINE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 400000
#define LINE_WORDS    4

struct words {
    char line[LINE_MAX_SIZE];
    const char *at[LINE_WORDS]; /* those that are not there are "-" */
};

static inline bool words_read(struct words *words)
{
    char *rest = NULL;
    if (fgets(words->line, sizeof words->line, stdin) == NULL) {
        return false;
    }
    char *word = strtok_r(words->line, " \n", &rest);
    for (size_t i = 0; i < LINE_WORDS; i++) {
        words->at[i] = word != NULL ? word : "-";
        word = word != NULL ? strtok_r(NULL, " \n", &rest) : NULL;
    }
    return true;
}

static inline size_t hex_read(const char *hex, unsigned char *out, size_t room)
{
    size_t size = 0;
    unsigned octet = 0;
    for (; size < room && hex[0] != '\0' && hex[1] != '\0' && sscanf(hex, "%2x", &octet) == 1; hex += 2) {
        out[size++] = (unsigned char)octet;
    }
    return size;
}

static inline void hex_print(const void *data, size_t size)
{
    putchar(' ');
    for (size_t i = 0; i < size; i++) {
        printf("%02x", ((const unsigned char *)data)[i]);
    }
    if (size == 0) {
        putchar('-');
    }
}

static inline void line_end(void)
{
    putchar('\n');
    fflush(stdout);
}

#endif
