/* A security layer under libldap that is made of SSPI's message functions: each message on the wire is a length in four
 * octets, highest first, and then what EncryptMessage made of the data (RFC 4422 3.7). */
#ifndef OPENSSPI_TESTS_LDAP_LAYER_H
#define OPENSSPI_TESTS_LDAP_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include <ldap.h>

#define SECURITY_WIN32
#include <security.h>

enum protection {
    PROTECT_NONE,
    PROTECT_STREAM, /* EncryptMessage; DecryptMessage of STREAM and an empty DATA */
    PROTECT_TOKEN,  /* EncryptMessage; DecryptMessage of TOKEN and DATA */
    PROTECT_BEHIND, /* EncryptMessage with PADDING behind DATA; DecryptMessage of STREAM (DIGEST-MD5) */
};

struct layer {
    CtxtHandle *context;
    enum protection protection;
    bool probe;    /* of every message that comes, altered copies are tried before it and the same again behind it */
    bool alter;    /* the first message sent is altered on its way */
    ULONG quality; /* of EncryptMessage */
    size_t altered_at; /* where the first altered copy is altered; 0: in a checksum of NTLM's */
    ULONG trailer;     /* cbSecurityTrailer; what DIGEST-MD5 needs */
    unsigned char *message;
    size_t size, at, end; /* what is plain in `message` */
    /* what happened */
    SECURITY_STATUS failure; /* why reading or writing failed, if it did */
    SECURITY_STATUS altered; /* what the altered copies gave: SEC_E_MESSAGE_ALTERED, or the first other status */
    SECURITY_STATUS again;   /* what the repeated ones gave: likewise with SEC_E_OUT_OF_SEQUENCE */
    unsigned sent, received; /* messages */
    unsigned clear;          /* those of them in which the text could be read on the way */
};

/* Puts the layer between libldap and the connection; it must outlive both. */
int layer_install(LDAP *ldap, struct layer *layer);

/* Frees what the layer holds. */
void layer_free(struct layer *layer);

#endif
