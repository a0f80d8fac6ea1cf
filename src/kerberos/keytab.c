#include "kerberos/keytab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"

#define NAME_MAX_BYTES 4096

struct keytab {
    char *principal;
    krb5_principal service;
    krb5_keytab memory; /* the copy in use, or NULL */
    struct stat seen;   /* the file it was made from */
};

static atomic_uint copies; /* for names */

SECURITY_STATUS keytab_open(struct utf16 principal, struct keytab **out)
{
    AUTO_FREE char *name = NULL;
    krb5_context krb;
    krb5_principal service = NULL;
    if (principal.size != 0) {
        TRY(library_context(&krb));
        TRY(utf16_to_utf8(principal, &name, NULL));
        LIBRARY_TRY(krb, LIBRARY_SERVER, target_parse(krb, name, &service));
    }
    struct keytab *keytab = calloc(1, sizeof *keytab);
    if (keytab == NULL) {
        krb5_free_principal(NULL, service);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a keytab");
    }
    keytab->principal = STEAL(name);
    keytab->service = service;
    *out = keytab;
    return SEC_E_OK;
}

/* Closing needs a context, but looks at none. */
void keytab_close(struct keytab *keytab)
{
    krb5_context krb;
    if (keytab == NULL) {
        return;
    }
    if (keytab->memory != NULL && library_context(&krb) >= 0) {
        (void)krb5_kt_close(krb, keytab->memory);
    }
    krb5_free_principal(NULL, keytab->service);
    free(keytab->principal);
    free(keytab);
}

static SECURITY_STATUS open_source(krb5_context krb, krb5_keytab *out)
{
    char name[NAME_MAX_BYTES];
    const char *path = secure_getenv("SSPI_KEYTAB");
    path = path != NULL ? path : policy_get()->kerberos_keytab;
    if (path[0] != '\0') {
        (void)snprintf(name, sizeof name, "FILE:%s", path);
        LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_kt_resolve(krb, name, out));
        return SEC_E_OK;
    }
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_kt_default(krb, out));
    return SEC_E_OK;
}

/* The path of a keytab that is a file; NULL: it is something else and cannot be watched. */
static const char *path_of(krb5_context krb, krb5_keytab source, char *name, size_t size)
{
    if (krb5_kt_get_name(krb, source, name, (unsigned)size) != 0) {
        return NULL;
    }
    if (strncmp(name, "FILE:", 5) == 0) {
        return name + 5;
    }
    return strncmp(name, "WRFILE:", 7) == 0 ? name + 7 : NULL;
}

static krb5_error_code copy_entries(krb5_context krb, krb5_keytab from, krb5_keytab to)
{
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    krb5_error_code code = krb5_kt_start_seq_get(krb, from, &cursor);
    if (code != 0) {
        return code;
    }
    for (;;) {
        code = krb5_kt_next_entry(krb, from, &entry, &cursor);
        if (code != 0) {
            break;
        }
        code = krb5_kt_add_entry(krb, to, &entry);
        (void)krb5_free_keytab_entry_contents(krb, &entry);
        if (code != 0) {
            break;
        }
    }
    (void)krb5_kt_end_seq_get(krb, from, &cursor);
    return code == KRB5_KT_END ? 0 : code;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A fresh copy of the file; the one before goes when its last user closes it. */
static SECURITY_STATUS copy_file(struct keytab *keytab, krb5_context krb, krb5_keytab source, const struct stat *now)
{
    char name[64];
    krb5_keytab memory = NULL;
    (void)snprintf(name, sizeof name, "MEMORY:sspi-%u", atomic_fetch_add(&copies, 1));
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_kt_resolve(krb, name, &memory));
    krb5_error_code code = copy_entries(krb, source, memory);
    if (code != 0) {
        (void)krb5_kt_close(krb, memory);
        return library_fail_at(krb, LIBRARY_SERVER, code, __FILE__, __LINE__);
    }
    if (keytab->memory != NULL) {
        TRACE("Kerberos: the keytab has changed and was read again");
        (void)krb5_kt_close(krb, keytab->memory);
    }
    keytab->memory = memory;
    keytab->seen = *now;
    return SEC_E_OK;
}

/* Another reference to the copy: resolving its name counts it. */
static SECURITY_STATUS share(struct keytab *keytab, krb5_context krb, krb5_keytab *out)
{
    char name[64];
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_kt_get_name(krb, keytab->memory, name, sizeof name));
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_kt_resolve(krb, name, out));
    return SEC_E_OK;
}

static SECURITY_STATUS use_locked(struct keytab *keytab, krb5_context krb, krb5_keytab *out)
{
    char name[NAME_MAX_BYTES];
    struct stat now;
    krb5_keytab source = NULL;
    TRY(open_source(krb, &source));
    const char *path = path_of(krb, source, name, sizeof name);
    if (path == NULL) {
        *out = source;
        return SEC_E_OK;
    }
    SECURITY_STATUS status = SEC_E_OK;
    if (stat(path, &now) != 0) {
        (void)krb5_kt_close(krb, source);
        FAIL(SEC_E_NO_CREDENTIALS, "the keytab is not there or cannot be read: a server needs its keys (krb5.conf(5), "
                                   "default_keytab_name; sspi.conf(5), [kerberos] keytab)");
    }
    if (keytab->memory == NULL || !same_file(&now, &keytab->seen)) {
        status = copy_file(keytab, krb, source, &now);
    }
    (void)krb5_kt_close(krb, source);
    return status < 0 ? status : share(keytab, krb, out);
}

SECURITY_STATUS keytab_use(struct keytab *keytab, krb5_context krb, krb5_keytab *out, krb5_principal *out_service)
{
    pthread_mutex_lock(library_lock(keytab));
    SECURITY_STATUS status = use_locked(keytab, krb, out);
    pthread_mutex_unlock(library_lock(keytab));
    *out_service = keytab->service;
    return status;
}

krb5_principal keytab_any_name(struct keytab *keytab, krb5_context krb)
{
    krb5_principal found = NULL, service = NULL;
    krb5_keytab source = NULL;
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    if (keytab_use(keytab, krb, &source, &service) < 0) {
        return NULL;
    }
    if (service != NULL) {
        (void)krb5_copy_principal(krb, service, &found);
    } else if (krb5_kt_start_seq_get(krb, source, &cursor) == 0) {
        if (krb5_kt_next_entry(krb, source, &entry, &cursor) == 0) {
            (void)krb5_copy_principal(krb, entry.principal, &found);
            (void)krb5_free_keytab_entry_contents(krb, &entry);
        }
        (void)krb5_kt_end_seq_get(krb, source, &cursor);
    }
    (void)krb5_kt_close(krb, source);
    return found;
}

SECURITY_STATUS keytab_source(struct keytab *keytab, krb5_context krb, char **out)
{
    char name[NAME_MAX_BYTES];
    krb5_keytab source = NULL;
    (void)keytab; /* every one of this process has the same */
    TRY(open_source(krb, &source));
    krb5_error_code code = krb5_kt_get_name(krb, source, name, sizeof name);
    (void)krb5_kt_close(krb, source);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    char *copy = strdup(name);
    REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a keytab's name");
    *out = copy;
    return SEC_E_OK;
}

SECURITY_STATUS keytab_account(struct keytab *keytab, krb5_context krb, krb5_const_principal service,
                               krb5_principal *out)
{
    krb5_principal found = NULL, chosen = NULL;
    krb5_keytab source = NULL;
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    TRY(keytab_use(keytab, krb, &source, &chosen));
    krb5_error_code code = krb5_kt_start_seq_get(krb, source, &cursor);
    if (code == 0) {
        while (found == NULL && krb5_kt_next_entry(krb, source, &entry, &cursor) == 0) {
            if (entry.principal->length == 1 && krb5_realm_compare(krb, entry.principal, service)) {
                (void)krb5_copy_principal(krb, entry.principal, &found);
            }
            (void)krb5_free_keytab_entry_contents(krb, &entry);
        }
        (void)krb5_kt_end_seq_get(krb, source, &cursor);
    }
    (void)krb5_kt_close(krb, source);
    LIBRARY_TRY(krb, LIBRARY_SERVER, found == NULL ? krb5_copy_principal(krb, service, &found) : 0);
    *out = found;
    return SEC_E_OK;
}
