/* AP-REQ and AP-REP through libkrb5 (RFC 4120 3.2): the authentication context, its keys and numbers. */
#ifndef OPENSSPI_KERBEROS_EXCHANGE_H
#define OPENSSPI_KERBEROS_EXCHANGE_H

#include <krb5.h>

#include "kerberos/ap_messages.h"
#include "kerberos/keys.h"
#include "kerberos/tickets.h"

/* What an AP-REQ shall say. */
struct exchange_request {
    struct tickets *tickets; /* whose ticket granting ticket is forwarded, with AP_FLAG_DELEGATE */
    struct ticket *ticket;
    uint32_t flags; /* AP_FLAG_* */
    uint8_t bindings[16];
    bool user_to_user;
    bool no_subkey;   /* on a datagram */
    int32_t clock[2]; /* seconds and microseconds to believe instead of this machine's clock; {0, 0}: none */
};

/* Makes an AP-REQ; `out_flags` is what became of the flags: delegation is given up when no ticket can be forwarded (RFC 4121
 * 4.1.1).  `out_message` and `out_auth` are the caller's to free.  It may ask a KDC, for delegation alone, within the time
 * that library_run() allows. */
STATUS exchange_request(const struct exchange_request *request, krb5_auth_context *out_auth, uint32_t *out_flags,
                        krb5_data *out_message);

/* The server's AP-REP, which proves that it has the ticket's key.  `out_subkey`: it brought a subkey that counts.  RC4 keys
 * have tokens from before there were acceptors' subkeys (RFC 1964): there the initiator's stays, but in DCE style, or when
 * the server's is of another type (as MIT and Windows do).
 * SEC_E_MUTUAL_AUTH_FAILED, SEC_E_INVALID_TOKEN, SEC_E_WRONG_PRINCIPAL. */
STATUS exchange_take_reply(krb5_context krb, krb5_auth_context auth, bool dce, struct bytes message, bool *out_subkey);

/* The AP-REP, with a subkey of ours, or, by the same rule, with the initiator's. */
STATUS exchange_reply(krb5_context krb, krb5_auth_context auth, bool dce, krb5_data *out_message);

/* What a session is made with: the context key is the acceptor's subkey, else the initiator's, else the ticket's
 * (RFC 4121 2).  SEC_E_KDC_UNKNOWN_ETYPE: a type that no token can be made with, or that policy refuses. */
struct exchange_keys {
    struct kerberos_key key;
    uint32_t local_number, remote_number;
};
STATUS exchange_keys(krb5_context krb, krb5_auth_context auth, bool initiator, bool acceptor_subkey,
                     struct exchange_keys *out);

/* A KRB-ERROR from the peer. */
struct exchange_error {
    krb5_error_code code;          /* libkrb5's */
    int32_t seconds, microseconds; /* the server's clock */
};
STATUS exchange_error_parse(krb5_context krb, struct bytes message, struct exchange_error *out);

/* A KRB-ERROR for the client: `code` is libkrb5's, `service` may be NULL (then nothing is written). */
void exchange_error_build(krb5_context krb, krb5_error_code code, krb5_const_principal service, struct writer *out);

void exchange_free(krb5_auth_context *auth);

#endif
