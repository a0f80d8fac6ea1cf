#include "logon/user_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "crypto/md.h"

#define FIELDS_MAX 8
#define UNIX_EPOCH UINT64_C(116444736000000000) /* 1970-01-01 as FILETIME */

struct fields {
    struct bytes at[FIELDS_MAX];
    size_t colons;
};

/* Cuts at colons; the last field that fits keeps the rest. */
static void split(struct bytes text, struct fields *out)
{
    size_t start = 0;
    size_t field = 0;
    *out = (struct fields){0};
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ':') {
            out->colons++;
            if (field < FIELDS_MAX - 1) {
                out->at[field++] = bytes_of(text.data + start, i - start);
                start = i + 1;
            }
        }
    }
    out->at[field] = bytes_of(text.data + start, text.size - start);
}

static int hex_digit(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool read_hash(struct bytes text, struct key16 *out)
{
    if (text.size != 2 * sizeof out->b) {
        return false;
    }
    for (size_t i = 0; i < sizeof out->b; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Samba's "no hash": 32 times X, or NO PASSWORD followed by X; WinPR's: nothing. */
static bool is_no_hash(struct bytes text)
{
    return text.size == 0 || (text.size == 32 && text.data[31] == 'X');
}

static bool is_number(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size != 0;
}

static bool has_letter(struct bytes flags, char letter)
{
    return flags.size != 0 && flags.data[0] == '[' && memchr(flags.data, letter, flags.size) != NULL;
}

/* "LCT-5F3C1A2B": seconds since 1970, in hexadecimal. */
static uint64_t read_change_time(struct bytes text)
{
    uint64_t seconds = 0;
    if (text.size != 12 || memcmp(text.data, "LCT-", 4) != 0) {
        return 0;
    }
    for (size_t i = 4; i < text.size; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0) {
            return 0;
        }
        seconds = seconds << 4 | (uint64_t)digit;
    }
    return seconds == 0 ? 0 : UNIX_EPOCH + seconds * CLOCK_SECOND;
}

/* The text of a line in UTF-16, which struct user_line borrows from. */
struct texts {
    struct utf16 user;
    struct utf16 domain;
    struct utf16 password;
};

static void texts_free(struct texts *texts)
{
    utf16_free(&texts->user);
    utf16_free(&texts->domain);
    utf16_free(&texts->password);
}

#define AUTO_TEXTS __attribute__((cleanup(texts_free))) struct texts

/* Text that is not UTF-8 makes the line bad; only lack of memory is a failure. */
static SECURITY_STATUS read_text(struct bytes utf8, struct utf16 *out, bool *bad)
{
    if (utf8.size == 0) {
        return SEC_E_OK;
    }
    SECURITY_STATUS status = utf16_from_utf8(utf8, out);
    if (status == SEC_E_INVALID_TOKEN) {
        *bad = true;
        return SEC_E_OK;
    }
    return status;
}

/* DOMAIN:USER:PASSWORD */
static SECURITY_STATUS read_password_line(const struct fields *fields, struct texts *texts, struct user_line *line)
{
    TRY(read_text(fields->at[0], &texts->domain, &line->bad));
    TRY(read_text(fields->at[1], &texts->user, &line->bad));
    TRY(read_text(fields->at[2], &texts->password, &line->bad));
    line->has_password = true;
    line->can_log_on = true;
    line->password = texts->password;
    md4(utf16_bytes(texts->password), &line->nt_hash); /* NTOWFv1 (MS-NLMP 3.3.1) */
    return SEC_E_OK;
}

/* smbpasswd and SAM, which differ in where the domain is and in what follows the hashes. */
static SECURITY_STATUS read_hash_line(const struct fields *fields, struct texts *texts, struct user_line *line)
{
    struct bytes user = fields->at[0];
    struct bytes domain = fields->at[1];
    bool samba = is_number(fields->at[1]);
    if (samba) {
        const uint8_t *backslash = user.size == 0 ? NULL : memchr(user.data, '\\', user.size);
        size_t domain_size = backslash == NULL ? 0 : (size_t)(backslash - user.data);
        domain = bytes_of(user.data, domain_size);
        user = bytes_of(user.data + domain_size + (backslash != NULL), user.size - domain_size - (backslash != NULL));
        line->disabled = has_letter(fields->at[4], 'D');
        line->password_set = read_change_time(fields->at[5]);
    }
    line->has_lm_hash = read_hash(fields->at[2], &line->lm_hash);
    line->can_log_on = read_hash(fields->at[3], &line->nt_hash) && !(samba && has_letter(fields->at[4], 'N'));
    line->bad = (!line->has_lm_hash && !is_no_hash(fields->at[2])) ||
                (!read_hash(fields->at[3], &line->nt_hash) && !is_no_hash(fields->at[3]));
    TRY(read_text(user, &texts->user, &line->bad));
    return read_text(domain, &texts->domain, &line->bad);
}

static void line_wipe(struct user_line *line)
{
    secret_wipe(line, sizeof *line);
}

SECURITY_STATUS user_line_read(struct bytes text, size_t number,
                               SECURITY_STATUS (*each)(void *argument, const struct user_line *line), void *argument)
{
    while (text.size != 0 && (text.data[text.size - 1] == '\r' || text.data[text.size - 1] == '\n')) {
        text.size--;
    }
    if (text.size == 0 || text.data[0] == '#') {
        return SEC_E_OK;
    }
    AUTO_TEXTS texts = {0};
    __attribute__((cleanup(line_wipe))) struct user_line line = {.number = number};
    struct fields fields;
    split(text, &fields);
    if (fields.colons == 2) {
        TRY(read_password_line(&fields, &texts, &line));
    } else if (fields.colons >= 4) {
        TRY(read_hash_line(&fields, &texts, &line));
    } else {
        line.bad = true;
    }
    line.user = texts.user;
    line.domain = texts.domain;
    if (line.bad || texts.user.size == 0) {
        line_wipe(&line);
        line.number = number;
        line.bad = true;
    }
    return each(argument, &line);
}

/* getline's buffer, with its size, so that all of it can be wiped. */
struct line_buffer {
    char *text;
    size_t size;
};

static void line_buffer_free(struct line_buffer *line)
{
    if (line->text != NULL) {
        secret_wipe(line->text, line->size);
        free(line->text);
    }
}

static void file_close(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file);
    }
}

/* stdio would keep passwords in a buffer that nobody wipes. */
#define FILE_BUFFER 4096

static SECURITY_STATUS read_lines(FILE *file, struct line_buffer *line,
                                  SECURITY_STATUS (*each)(void *argument, const struct user_line *line), void *argument)
{
    size_t number = 0;
    ssize_t size = getline(&line->text, &line->size, file);
    while (size >= 0) {
        number++;
        TRY(user_line_read(bytes_of(line->text, (size_t)size), number, each, argument));
        size = getline(&line->text, &line->size, file);
    }
    REQUIRE(ferror(file) == 0, SEC_E_INVALID_PARAMETER, "the account file cannot be read");
    return SEC_E_OK;
}

SECURITY_STATUS user_file_read(const char *path, SECURITY_STATUS (*each)(void *argument, const struct user_line *line),
                               void *argument)
{
    AUTO_SECRET buffer = {0};
    __attribute__((cleanup(line_buffer_free))) struct line_buffer line = {0};
    __attribute__((cleanup(file_close))) FILE *file = fopen(path, "re");
    REQUIRE(file != NULL, SEC_E_INVALID_PARAMETER, "the account file cannot be opened");
    TRY(secret_alloc(&buffer, FILE_BUFFER));
    (void)setvbuf(file, (char *)buffer.data, _IOFBF, FILE_BUFFER);
    return read_lines(file, &line, each, argument);
}
