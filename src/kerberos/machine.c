/* This computer's account in its realm, as the keytab of a machine that has joined a domain shows it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "kerberos/context.h"
#include "kerberos/keytab.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"

#define ACCOUNT_MAX 15 /* a computer's NetBIOS name, which is its account's without the dollar (MS-ADTS 3.1.1.1) */

static void close_keytab(struct keytab **keytab)
{
    keytab_close(*keytab);
}

/* HOST$@REALM */
static bool is_account(const krb5_principal_data *name)
{
    const krb5_data *first = name->data;
    return name->length == 1 && first->length > 1 && first->data[first->length - 1] == '$';
}

/* host/computer.domain@REALM */
static bool is_host(const krb5_principal_data *name)
{
    return name->length == 2 && name->data[0].length == 4 && strncasecmp(name->data[0].data, "host", 4) == 0 &&
           name->data[1].length != 0;
}

/* The account's own name, which `net ads join` and adcli write, or else a name of the host's service. */
static krb5_error_code find(krb5_context krb, krb5_keytab source, krb5_principal *out)
{
    krb5_principal found = NULL;
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    krb5_error_code code = krb5_kt_start_seq_get(krb, source, &cursor);
    if (code != 0) {
        return code;
    }
    bool best = false;
    while (code == 0 && !best && krb5_kt_next_entry(krb, source, &entry, &cursor) == 0) {
        best = is_account(entry.principal);
        if (best || (found == NULL && is_host(entry.principal))) {
            krb5_free_principal(krb, found);
            found = NULL;
            code = krb5_copy_principal(krb, entry.principal, &found);
        }
        (void)krb5_free_keytab_entry_contents(krb, &entry);
    }
    (void)krb5_kt_end_seq_get(krb, source, &cursor);
    *out = found;
    return code;
}

/* Of host/computer.domain the account is COMPUTER$, as every tool that joins machines names it. */
static size_t account_of_host(const krb5_data *host, char out[ACCOUNT_MAX + 1])
{
    size_t size = 0;
    while (size < ACCOUNT_MAX && size < host->length && host->data[size] != '.') {
        out[size] = (char)toupper((unsigned char)host->data[size]);
        size++;
    }
    out[size] = '$';
    return size + 1;
}

static SECURITY_STATUS write_name(const krb5_principal_data *name, struct utf16 *out)
{
    char made[ACCOUNT_MAX + 1];
    const krb5_data *account = name->data;
    struct writer text = write_growing(UINT16_MAX);
    if (is_account(name)) {
        write_bytes(&text, bytes_of(account->data, account->length));
    } else {
        write_bytes(&text, bytes_of(made, account_of_host(&name->data[1], made)));
    }
    write_u8(&text, '@');
    write_bytes(&text, bytes_of(name->realm.data, name->realm.length));
    SECURITY_STATUS status = text.bad ? SEC_E_INSUFFICIENT_MEMORY : utf16_from_utf8(write_result(&text), out);
    write_free(&text);
    return status;
}

SECURITY_STATUS kerberos_machine_account(struct utf16 *out_name)
{
    krb5_context krb;
    krb5_keytab source = NULL;
    krb5_principal service = NULL, name = NULL;
    AUTO(close_keytab) struct keytab *keytab = NULL;
    library_look();
    library_refresh();
    TRY(library_context(&krb));
    TRY(keytab_open(UTF16_NONE, &keytab));
    TRY(keytab_use(keytab, krb, &source, &service));
    krb5_error_code code = find(krb, source, &name);
    (void)krb5_kt_close(krb, source);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    REQUIRE(name != NULL, SEC_E_NO_CREDENTIALS, "the keytab has no key of this computer's (HOST$ or host/name)");
    SECURITY_STATUS status = write_name(name, out_name);
    krb5_free_principal(krb, name);
    return status;
}
