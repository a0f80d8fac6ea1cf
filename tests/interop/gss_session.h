/* One logon with SSPI at one end and GSSAPI (gss-ntlmssp) at the other, for gss_peer.c. */
#ifndef OPENSSPI_TESTS_GSS_SESSION_H
#define OPENSSPI_TESTS_GSS_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uchar.h>

#include <cmocka.h>

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#define SECURITY_WIN32
#include <security.h>

#define TOKEN_MAX    4096
#define SEALED       (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)
#define SIGNED       (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)
#define GSS_SEALED   (GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)
#define GSS_DATAGRAM 0x10000 /* gss-ntlmssp's own flag */
#define GSS_SIGNED   (GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)

/* Somebody who signs in; the same person in the widths that the two sides want. */
struct person {
    const char *gss_name; /* DOMAIN\user */
    const char *gss_password;
    const char16_t *user, *domain, *password;
    const char *sspi_name; /* what SECPKG_ATTR_NAMES says */
};
extern const struct person user, wrong, nobody, accented_secret, accented;

struct session {
    bool sspi_is_client;
    CredHandle credential;
    CtxtHandle context;
    ULONG flags;
    gss_cred_id_t gss_credential;
    gss_ctx_id_t gss_context;
    gss_name_t gss_source;
    OM_uint32 gss_flags;
    char sspi_bindings, gss_bindings; /* the byte the bound certificate's hash is made of; 0: none */
    ULONG request;
    bool spnego;                    /* MIT's SPNEGO, over NTLM alone */
    const char *package;            /* ours; NULL: NTLM, or Negotiate where MIT has SPNEGO */
    uint32_t negotiate;             /* the flags of gss-ntlmssp's NEGOTIATE; 0: its own choice */
    unsigned char token[TOKEN_MAX]; /* the one on its way */
    size_t token_length;
};

/* What each side's last call said. */
struct verdict {
    SECURITY_STATUS sspi;
    OM_uint32 gss;
};

/* `request` and `gss_flags` are what the two sides ask for. */
void session_begin(struct session *s, bool sspi_is_client, ULONG request, OM_uint32 gss_flags);
void session_end(struct session *s);

/* Credentials for both ends: the client's are `who`. */
void acquire(struct session *s, const struct person *who);

/* One call: takes the token in the session, leaves the answer there. */
SECURITY_STATUS sspi_step(struct session *s, bool first);
OM_uint32 gss_step(struct session *s);

/* All three messages.  The client's last call must succeed in any case: it cannot know yet. */
struct verdict log_on(struct session *s, const struct person *who);

/* All legs there are, until both ends are done or one fails; `server_first`: the server begins with a NegTokenInit2.
 * `spoil`, if there is one, sees each token on its way. */
struct verdict negotiate_on(struct session *s, const struct person *who, bool server_first,
                            void (*spoil)(struct session *s, int leg));

/* The same on a datagram, with SSPI as the server: the client begins without a token, the server's CHALLENGE is the
 * first one (MS-NLMP 1.3.1.3).  The flags must ask for it. */
struct verdict log_on_datagram(struct session *s, const struct person *who);

/* A session that must come about. */
void session_good(struct session *s, const struct person *who, bool sspi_is_client, ULONG request, OM_uint32 flags);

/* Group setup and teardown: accounts and policy in a directory of their own.  mechanism_present: gss-ntlmssp is there. */
int prepare(void **state);
int clean_up(void **state);
bool mechanism_present(void);

#endif
