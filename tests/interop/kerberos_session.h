/* One side of ours and one of MIT's GSSAPI in one process, within a throw-away realm (tests/support/realm.py runs the programs): what
 * the tests of Kerberos' sessions share. */
#ifndef OPENSSPI_TESTS_KERBEROS_SESSION_H
#define OPENSSPI_TESTS_KERBEROS_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <uchar.h>
#include <unistd.h>

#include <cmocka.h>

#include <krb5.h>
#include <pthread.h>

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#define SECURITY_WIN32
#include <security.h>

#include <ntsecapi.h>

#include <secext.h>
#include <sspi_ext.h>

#define TOKEN_MAX 16384
#define SEALED                                                                                                         \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT)
#define GSS_SEALED (GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)
#define SERVICE    "HTTP/server.sspi.test"

extern gss_OID_desc krb5_mechanism, spnego_mechanism;

struct session {
    bool sspi_is_client;
    const char *target;
    const char *package;
    ULONG request; /* ISC_REQ_* or ASC_REQ_* */
    OM_uint32 gss_request;
    char sspi_bindings, gss_bindings; /* what the bound channel's hash is made of; 0: none */
    SEC_WINNT_AUTH_IDENTITY_A *identity;
    gss_OID mechanism;

    CredHandle credential;
    CtxtHandle context;
    ULONG flags;
    SECURITY_STATUS status;
    gss_cred_id_t gss_credential, gss_delegated;
    gss_ctx_id_t gss_context;
    gss_name_t gss_source;
    OM_uint32 gss_flags, gss_major, gss_minor;
    unsigned char token[TOKEN_MAX];
    size_t size;
    int legs;
};

/* For the arguments of functions that change nothing. */
char *text(const char *constant);

/* Why the last call failed, or "". */
const char *reason(void);

#define assert_status(call, expected)                                                                                  \
    do {                                                                                                               \
        SECURITY_STATUS got_ = (call);                                                                                 \
        if (got_ != (expected)) {                                                                                      \
            print_message("# %s: %08x, %s\n", #call, (unsigned)got_, reason());                                        \
        }                                                                                                              \
        assert_int_equal(got_, (expected));                                                                            \
    } while (0)

/* Fails the test, in GSSAPI's own words. */
void gss_ok(OM_uint32 major, OM_uint32 minor, const char *call);

/* A session of SERVICE with everything that signs and seals, whose client or server is ours; what it holds ends with end(). */
void begin(struct session *s, bool sspi_is_client);
void end(struct session *s);

/* Credentials of both. */
void acquire(struct session *s);

/* One leg; the token that was made is in `token`. */
void sspi_step(struct session *s);
void gss_step(struct session *s);

/* Legs until both stand; establish() with credentials first. */
void exchange(struct session *s);
void establish(struct session *s);

/* The test's side of ours. */
bool is_client(void **state);

#endif
