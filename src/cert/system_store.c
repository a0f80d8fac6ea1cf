#include "cert/system_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/trace.h"
#include "cert/key.h"
#include "cert/read.h"
#include "cert/roots.h"

#define MACHINE "/etc/sspi/"

/* ---------------------------------------------------------------- who may have written or read it */

static bool ours(const struct stat *about)
{
    return about->st_uid == geteuid() || about->st_uid == 0;
}

static bool fit_for_keys(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
        return false;
    }
    if (!ours(&about) || (about.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        TRACE("certificates: %s holds a private key and is passed over: others can read or write it", path);
        return false;
    }
    return true;
}

static bool fit_for_reading(const char *directory)
{
    struct stat about;
    if (stat(directory, &about) != 0 || !S_ISDIR(about.st_mode)) {
        return false;
    }
    if (!ours(&about) || (about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        TRACE("certificates: %s is passed over: others can write to it", directory);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- one file */

static bool ends_in(const char *name, const char *ending)
{
    size_t size = strlen(name), end = strlen(ending);
    return size > end && strcasecmp(name + size - end, ending) == 0;
}

/* PATH with another ending; NULL when there is no memory. */
static char *beside(const char *path, const char *ending)
{
    const char *dot = strrchr(path, '.');
    char *other = NULL;
    return asprintf(&other, "%.*s%s", (int)(dot - path), path, ending) < 0 ? NULL : other;
}

/* The first line of a small text file, to be freed; NULL when there is none. */
static char *first_line(const char *path)
{
    AUTO_SECRET content = {NULL, 0};
    char *line;
    if (file_read(path, &content) < 0 || content.size == 0) {
        return NULL;
    }
    line = strndup((const char *)content.data, content.size);
    if (line != NULL) {
        line[strcspn(line, "\r\n")] = 0;
    }
    return line;
}

/* Says where the key of the first certificate is: in its own file, beside it, or in a token. */
static STATUS name_key(struct certificate *certificate, const char *path, bool key_inside)
{
    AUTO_FREE char *key = beside(path, ".key");
    AUTO_FREE char *uri_file = beside(path, ".uri");
    AUTO_FREE char *uri = NULL;
    REQUIRE(key != NULL && uri_file != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    if (key_inside) {
        return fit_for_keys(path) ? certificate_set_key_place(certificate, path, BYTES_NONE) : SEC_E_OK;
    }
    if (access(key, F_OK) == 0) {
        return fit_for_keys(key) ? certificate_set_key_place(certificate, key, BYTES_NONE) : SEC_E_OK;
    }
    if (access(uri_file, F_OK) == 0 && fit_for_keys(uri_file)) { /* it may hold a PIN */
        uri = first_line(uri_file);
    }
    return uri != NULL && strncmp(uri, "pkcs11:", 7) == 0 ? certificate_set_key_place(certificate, uri, BYTES_NONE)
                                                          : SEC_E_OK;
}

static STATUS add_all(struct store *from, struct store *to)
{
    AUTO_CERTIFICATE *at = store_next(from, NULL);
    while (at != NULL) {
        struct certificate *next = store_next(from, at);
        SECURITY_STATUS status = store_add(to, at, STORE_ADD_USE_EXISTING, NULL);
        certificate_drop(at);
        at = next;
        TRY(status);
    }
    return SEC_E_OK;
}

static STATUS read_one(const char *path, struct store *out)
{
    AUTO_SECRET content = {NULL, 0};
    AUTO_STORE *store = NULL;
    AUTO_CERTIFICATE *first = NULL;
    struct read_what what;
    bool archive = ends_in(path, ".p12") || ends_in(path, ".pfx");
    static const char key[] = "PRIVATE KEY-----";
    if (archive && !fit_for_keys(path)) {
        return SEC_E_OK;
    }
    TRY(store_new(STORE_MEMORY, &store));
    TRY(file_read(path, &content));
    TRY(read_content(secret_bytes(&content), NULL, store, &what));
    first = store_next(store, NULL);
    if (first != NULL && !archive) {
        TRY(name_key(first, path, memmem(content.data, content.size, key, sizeof key - 1) != NULL));
    }
    return add_all(store, out);
}

/* ---------------------------------------------------------------- directories */

static int wanted(const struct dirent *entry)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".p12", ".pfx"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (entry->d_name[0] != '.' && ends_in(entry->d_name, endings[i])) {
            return 1;
        }
    }
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

STATUS system_store_read(const char *directory, struct store *store)
{
    struct dirent **entries = NULL;
    int count = fit_for_reading(directory) ? scandir(directory, &entries, wanted, by_name) : 0;
    SECURITY_STATUS status = SEC_E_OK;
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0) {
            path = NULL;
            status = SEC_E_INSUFFICIENT_MEMORY;
        } else if (status >= 0) {
            SECURITY_STATUS one = read_one(path, store);
            status = one == SEC_E_INSUFFICIENT_MEMORY ? one : SEC_E_OK;
            if (one < 0) {
                TRACE("certificates: %s cannot be read and is passed over", path);
            }
        }
        free(entries[i]);
    }
    free(entries);
    REQUIRE(status >= 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    status_begin(); /* what was passed over is no failure of the call */
    return SEC_E_OK;
}

static STATUS read_user(const char *folder, struct store *store)
{
    const char *data = secure_getenv("XDG_DATA_HOME"), *home = secure_getenv("HOME");
    AUTO_FREE char *directory = NULL;
    bool of_data = data != NULL && data[0] == '/'; /* XDG Base Directory Specification: relative ones are invalid */
    if (!of_data && (home == NULL || home[0] != '/')) {
        return SEC_E_OK;
    }
    if (asprintf(&directory, "%s%s/sspi/%s", of_data ? data : home, of_data ? "" : "/.local/share", folder) < 0) {
        directory = NULL;
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    return system_store_read(directory, store);
}

static STATUS open_directory(const char *folder, enum system_location location, bool machine_too, struct store **out)
{
    AUTO_STORE *store = NULL;
    TRY(store_new(STORE_DIRECTORY, &store));
    if (location == SYSTEM_USER) {
        TRY(read_user(folder, store));
    }
    if (location == SYSTEM_MACHINE || machine_too) {
        char directory[sizeof MACHINE + 8];
        snprintf(directory, sizeof directory, MACHINE "%s", folder);
        TRY(system_store_read(directory, store));
    }
    *out = STEAL(store);
    return SEC_E_OK;
}

static STATUS open_roots(struct store **out)
{
    AUTO_ROOTS *roots = NULL;
    AUTO_STORE *store = NULL;
    TRY(roots_system(&roots));
    TRY(store_new(STORE_ROOTS, &store));
    TRY(store_fill(store, roots_certificates(roots), roots_crls(roots)));
    store_make_read_only(store);
    *out = STEAL(store);
    return SEC_E_OK;
}

static bool named(struct utf16 name, const char *ascii)
{
    size_t size = strlen(ascii);
    bool same = utf16_length(name) == size;
    for (size_t i = 0; same && i < size; i++) {
        uint16_t unit = utf16_unit(name, i);
        same = (unit >= 'a' && unit <= 'z' ? unit - 'a' + 'A' : unit) == ascii[i];
    }
    return same;
}

STATUS system_store_open(struct utf16 name, enum system_location location, struct store **out)
{
    if (named(name, "ROOT")) {
        return open_roots(out);
    }
    if (named(name, "MY")) {
        return open_directory("my", location, false, out);
    }
    if (named(name, "CA")) {
        return open_directory("ca", location, true, out);
    }
    errno = ENOENT;
    FAIL(CRYPT_E_FILE_ERROR, "store: the system stores are MY, ROOT and CA");
}
