/* A ticket as a KDC makes it for a service, opened, with a PAC in it that a test signs as it likes. */
#ifndef OPENSSPI_TESTS_PAC_TICKET_H
#define OPENSSPI_TESTS_PAC_TICKET_H

#include "vectors/hex.h"

#include <krb5.h>

#define PAC_VECTORS "krb5_pac.kv"

struct pac_ticket {
    krb5_context krb;
    krb5_principal client, other, service;
    krb5_keyblock *server_key, *wrong_key, *kdc_key;
    krb5_keytab keytab;
    krb5_enc_tkt_part part;
    krb5_ticket ticket;
};

/* What Samba says of alice: its logon information and names. */
extern struct hex pac_logon_buffer, pac_names_buffer;

/* cmocka's set-up and tear-down, for `*state`.  alice's ticket for a service whose keytab has two keys, without a PAC. */
int pac_ticket_open(void **state);
int pac_ticket_close(void **state);

/* Puts a PAC into the ticket, in AD-IF-RELEVANT, for `whom` at `when`, signed with `key`; `logon` NULL: without logon information. */
void pac_ticket_give(struct pac_ticket *f, const krb5_keyblock *key, krb5_principal whom, krb5_timestamp when,
                     const struct hex *logon);

#endif
