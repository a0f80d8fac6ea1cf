/* What Kerberos remembers: a credential, a context under way, an established session.  Only step files include this. */
#ifndef OPENSSPI_KERBEROS_CONTEXT_H
#define OPENSSPI_KERBEROS_CONTEXT_H

#include "core/bindings.h"
#include "core/package.h"
#include "kerberos/cfx.h"
#include "kerberos/exchange.h"
#include "kerberos/kerberos.h"
#include "kerberos/keytab.h"
#include "kerberos/logon.h"
#include "kerberos/rc4_token.h"
#include "kerberos/sequence.h"

#define KERBEROS_MAX_TOKEN 48000 /* as Windows since 8 (MaxTokenSize) */
#define KERBEROS_MAX_INPUT 131072

/* What CRED_ATTR_NAMES has said. */
struct kerberos_shown_name {
    struct kerberos_shown_name *next;
    struct utf16 text; /* owned */
};

struct kerberos_credential {
    struct credential base;
    struct tickets *tickets; /* outbound, and the server's side of user-to-user */
    struct keytab *keytab;   /* inbound */
    struct tickets *service; /* inbound: by the keytab, for constrained delegation; NULL: not needed yet */
    bool as_user;            /* inbound, with an identity: it has a password, and keys only by chance */
    struct kerberos_shown_name *names;
};

enum kerberos_state {
    KERBEROS_STATE_NEW,
    KERBEROS_STATE_WAIT_TGT,     /* client: KERB-TGT-REQUEST sent */
    KERBEROS_STATE_WAIT_REPLY,   /* client: AP-REQ sent */
    KERBEROS_STATE_WAIT_CALLER,  /* client on a datagram: the caller comes back for the AP-REQ */
    KERBEROS_STATE_WAIT_REQUEST, /* server: KERB-TGT-REPLY sent */
    KERBEROS_STATE_WAIT_THIRD,   /* server in DCE style: AP-REP sent */
    KERBEROS_STATE_DONE,
    KERBEROS_STATE_FAILED,
};

/* Lives from the first leg to the last. */
struct kerberos_handshake {
    struct kerberos_credential *credential; /* held; NULL when there was none */
    krb5_auth_context auth;
    struct ticket *ticket; /* the client's, or the server's ticket granting ticket */
    struct utf16 target;   /* owned; client: who was asked for a ticket granting ticket */
    bool retried;          /* with the server's clock; server: user-to-user was asked for */
    uint8_t bindings[16];
};

/* Names of a session, in one allocation. */
struct kerberos_names {
    uint16_t domain_size, user_size, client_size, server_size;
    uint8_t text[]; /* DOMAIN\user, client@REALM, service/host@REALM */
};

/* The keys of one direction, made when it is first used. */
struct kerberos_direction {
    union {
        struct cfx_keys *cfx;
        struct rc4_keys *rc4;
    };
    uint64_t number; /* of the next message sent */
};

struct kerberos_context {
    struct context base;
    uint8_t state; /* enum kerberos_state */
    bool dce, datagram, user_to_user, acceptor_subkey;
    uint32_t request;  /* ISC_REQ_* or ASC_REQ_* of the first call */
    uint32_t flags;    /* AP_FLAG_* */
    uint32_t returned; /* ISC_RET_* or ASC_RET_* */
    struct kerberos_key key;
    const struct enctype_profile *profile; /* NULL: RC4 */
    uint64_t start, expiry;
    struct kerberos_direction send, receive;
    struct sequence sequence; /* of what is received */
    struct kerberos_names *names;
    struct tickets *delegated;    /* server: what the client forwarded */
    struct kerberos_logon *logon; /* owned; server: what the client's KDC says of it, or NULL */
    struct kerberos_handshake *handshake;
};

/* credential.c */
SECURITY_STATUS kerberos_acquire(const struct credential_in *in, struct credential **out_credential,
                                 uint64_t *out_expiry);
SECURITY_STATUS kerberos_add(struct credential *credential, const struct package *package,
                             const struct credential_in *in, uint64_t *out_expiry);
void kerberos_release(struct credential *credential);
SECURITY_STATUS kerberos_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);

/* kdc_settings.c: SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS.  SEC_E_UNSUPPORTED_FUNCTION for other attributes, and for what libkrb5 cannot
 * do; SEC_E_INVALID_TOKEN for settings that do not hold together or name no proxy. */
SECURITY_STATUS kerberos_set_credential(struct credential *credential, uint32_t attribute, struct bytes value);

/* cache_list.c, password.c */
SECURITY_STATUS kerberos_change_password(const struct password_change *from);
SECURITY_STATUS kerberos_machine_account(struct utf16 *out_name);
SECURITY_STATUS kerberos_list_tickets(SECURITY_STATUS (*each)(void *argument, const struct ticket_view *ticket),
                                      void *argument);

/* initiate.c, accept.c */
SECURITY_STATUS kerberos_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                  struct step_out *out);
SECURITY_STATUS kerberos_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out);

/* delegation.c: what a service may do in the name of a client that came with this AP-REQ and forwarded nothing; NULL in `out`: nothing,
 * as policy has it.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS kerberos_constrained(struct kerberos_credential *credential, krb5_context krb, const krb5_ticket *ticket,
                            struct bytes request, struct tickets **out);

/* behalf.c: SEC_E_UNSUPPORTED_FUNCTION: policy does not let it, or libkrb5 cannot; SEC_E_NO_CREDENTIALS: no keytab;
 * SEC_E_NO_S4U_PROT_SUPPORT: the KDC cannot; the statuses of tickets_get_for() and logon_of_ticket(). */
SECURITY_STATUS kerberos_log_on(struct utf16 user, struct utf16 realm, struct token **out_token);

/* context.c */
STATUS kerberos_context_new(bool initiator, uint32_t request, struct kerberos_credential *credential,
                            struct kerberos_context **out);
void kerberos_dispose(struct context *context);
void kerberos_fail(struct kerberos_context *context); /* a later leg failed: nothing further will work */

STATUS kerberos_names_new(struct utf16 account, struct utf16 client, struct utf16 server, struct kerberos_names **out);
struct utf16 kerberos_account(const struct kerberos_context *context); /* DOMAIN\user */
struct utf16 kerberos_user(const struct kerberos_context *context);
struct utf16 kerberos_domain(const struct kerberos_context *context);
struct utf16 kerberos_client(const struct kerberos_context *context);
struct utf16 kerberos_server(const struct kerberos_context *context);

/* Names of both ends as libkrb5 has them.  `account` is the client as DOMAIN\user; empty: its realm stands for the domain. */
STATUS kerberos_take_names(struct kerberos_context *context, krb5_context krb, krb5_const_principal client,
                           krb5_const_principal server, struct utf16 account);

/* Takes key and numbers out of the exchange.  `acceptor_subkey`: the AP-REP brought one. */
STATUS kerberos_take_keys(struct kerberos_context *context, krb5_context krb, bool acceptor_subkey);

/* The session stands: the handshake is over. */
void kerberos_establish(struct kerberos_context *context, struct step_out *out);

/* ISC_RET_* or ASC_RET_* for AP_FLAG_*. */
uint32_t kerberos_returned(const struct kerberos_context *context);

uint64_t kerberos_filetime(krb5_timestamp when);

/* protect.c */
SECURITY_STATUS kerberos_sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS kerberos_verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
SECURITY_STATUS kerberos_seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence);
SECURITY_STATUS kerberos_unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop);
void kerberos_direction_free(const struct kerberos_context *context, struct kerberos_direction *direction);

/* attributes.c, export.c */
SECURITY_STATUS kerberos_query(struct context *context, uint32_t attribute, struct attribute *out);
SECURITY_STATUS kerberos_impersonate(struct context *context, struct token **out_token);
enum mech_list_mic kerberos_mech_list_mic(struct context *context);
SECURITY_STATUS kerberos_export(struct context *context, uint32_t flags, struct writer *out);
SECURITY_STATUS kerberos_import(struct bytes blob, struct context **out_context);

#endif
