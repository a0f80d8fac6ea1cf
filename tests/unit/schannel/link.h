/* A client and a server of one process, with the bytes between them in the test's hands. */
#ifndef OPENSSPI_TESTS_UNIT_SCHANNEL_LINK_H
#define OPENSSPI_TESTS_UNIT_SCHANNEL_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "windows.h"

#include "cert/certificate.h"
#include "cert/store.h"
#include "schannel.h"
#include "schannel/context.h"
#include "security.h"
#include "sspi_ext.h"

#define LINK_BUFFER 262144
#define UNISP       (SEC_CHAR *)(uintptr_t) "Microsoft Unified Security Protocol Provider"

/* What one side asks for. */
struct side_options {
    DWORD protocols; /* SP_PROT_*; 0: all of TLS 1.2 and 1.3 of version 5 */
    DWORD flags;     /* SCH_* */
    ULONG request;   /* ISC_REQ_*, ASC_REQ_* beside the usual */
    ALG_ID *algorithms;
    DWORD algorithm_count;
    struct certificate *certificates[4];
    size_t certificate_count;
    HCERTSTORE roots;
    const void *alpn; /* a SEC_APPLICATION_PROTOCOLS */
    ULONG alpn_size;
    const char *target; /* client; NULL: none */
    WORD mtu;
    const void *srtp; /* a SEC_SRTP_PROTECTION_PROFILES */
    ULONG srtp_size;
    uint64_t long_flags; /* SEC_FLAGS */
    const char *psk, *psk_identity;
};

struct side {
    bool client;
    struct side_options options;
    CredHandle credential;
    CtxtHandle context;
    bool has_credential, has_context;
    uint8_t in[LINK_BUFFER]; /* what has come and is not used up */
    size_t in_size;
    SECURITY_STATUS status; /* of the last step */
    ULONG attributes;
    TimeStamp expiry;
    size_t missing;
    size_t steps;
};

struct link {
    struct side client, server;
    size_t chunk;    /* bytes that go over at once; 0: all */
    unsigned random; /* not 0: chunks of random sizes up to `chunk`, from this seed */
    ULONG room;      /* not 0: output buffers of this size, doubled when they are too small */
};

/* Self-signed certificates for www.example.com with a key of their own: P-256, RSA of 2048 bits, Ed25519, "weak" RSA of 768; made once.
 * "authority" is a CA, and "issued" its certificate for the same name, with P-256 keys. */
struct certificate *link_certificate(const char *kind);

/* Another one of the kind, with a key of its own; certificate_drop(). */
struct certificate *link_make_certificate(const char *kind);

/* Gives "issued" an OCSP response of its authority's, or takes it away. */
void link_staple(bool stapled, bool revoked);

/* Acquires both credentials. */
void side_acquire(struct side *side);
void link_open(struct link *link, const struct side_options *client, const struct side_options *server);

/* One call of ISC or ASC with what has come; what it writes is added to `out` (of `*out_size` bytes already). */
SECURITY_STATUS side_step(struct side *side, struct link *link, uint8_t *out, size_t *out_size);

/* A call without input. */
SECURITY_STATUS side_poke(struct side *side, uint8_t *out, size_t *out_size);

/* Both sides in turn until both are done or one fails; returns whether both are done. */
bool link_shake(struct link *link);
void link_establish(struct link *link); /* ... which must be so */

/* A message from one side, put into the other's `in`; its arrival.  link_receive decrypts one record. */
void link_send(struct side *from, struct side *to, const void *data, size_t size);
SECURITY_STATUS link_receive(struct side *side, void *out, size_t *out_size);

/* A handshake record put on the wire by the record layer itself (TLS 1.2 and 1.3, AEAD). */
void link_put_handshake(struct side *from, struct side *to, const uint8_t *message, size_t size);

/* There and back, whatever the sizes. */
void link_exchange(struct link *link, size_t size);

void link_close(struct link *link);

/* Deletes the contexts alone, and begins anew with the same credentials. */
void link_again(struct link *link);

/* What is behind a handle. */
struct schannel_context *side_inside(struct side *side);

/* ApplyControlToken and the step that follows; what is to be sent goes to the other side. */
void link_control(struct side *from, struct side *to, const void *token, size_t size);

#define assert_status(call, expected) assert_status_((call), (expected), #call, __FILE__, __LINE__)
void assert_status_(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, const char *file, int line);

#endif
