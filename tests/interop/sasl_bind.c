/* A SASL bind at an LDAP server for mechanisms GSSAPI (RFC 4752), GSS-SPNEGO and DIGEST-MD5 (RFC 2831), its tokens made by
 * SSPI, and a search in the session.  Prints what happened as NAME=VALUE lines; the script that runs it judges.
 *
 *   sasl_bind URI GSSAPI|GSS-SPNEGO|DIGEST-MD5 PACKAGE TARGET none|sign|seal BASE [USER DOMAIN]
 *
 * Without USER the credentials are the process's own; with it the password is SSPI_PASSWORD.
 */
#define LDAP_DEPRECATED 0
#include "ldap_layer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sspi_ext.h>

#define TOKEN_MAX 65536
#define LEGS_MAX  10

struct bind {
    char *mechanism, *package, *target, *base, *user, *domain;
    ULONG request, attributes;
    bool layered, sasl; /* messages are protected; the mechanism is not GSS-SPNEGO */
    LDAP *ldap;
    CredHandle credential;
    CtxtHandle context;
    bool has_context;
    unsigned char token[TOKEN_MAX];
    ULONG size;
    struct layer layer;
};

static const char *name_of(SECURITY_STATUS status)
{
    const char *name = SspiExtStatusName(status);
    return name != NULL ? name : "?";
}

static SECURITY_STATUS acquire(struct bind *b)
{
    const char *password = getenv("SSPI_PASSWORD");
    SEC_WINNT_AUTH_IDENTITY_A identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    if (b->user != NULL && password != NULL) {
        identity = (SEC_WINNT_AUTH_IDENTITY_A){(unsigned char *)b->user,
                                               (ULONG)strlen(b->user),
                                               (unsigned char *)b->domain,
                                               (ULONG)strlen(b->domain),
                                               (unsigned char *)(uintptr_t)password,
                                               (ULONG)strlen(password),
                                               SEC_WINNT_AUTH_IDENTITY_ANSI};
    }
    return AcquireCredentialsHandleA(NULL, b->package, SECPKG_CRED_OUTBOUND, NULL, b->user != NULL ? &identity : NULL,
                                     NULL, NULL, &b->credential, NULL);
}

/* GSSAPI has a security layer to agree on behind its tokens, which the Sasl functions do, and DIGEST-MD5 one of its own;
 * GSS-SPNEGO has none. */
static SECURITY_STATUS step(struct bind *b)
{
    static unsigned char answer[TOKEN_MAX];
    SecBuffer in = {b->size, SECBUFFER_TOKEN, b->token};
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in}, output = {SECBUFFER_VERSION, 1, &out};
    CtxtHandle *old = b->has_context ? &b->context : NULL;
    SecBufferDesc *given = old != NULL ? &input : NULL;
    SECURITY_STATUS status =
        b->sasl ? SaslInitializeSecurityContextA(&b->credential, old, b->target, b->request, 0, SECURITY_NATIVE_DREP,
                                                 given, 0, &b->context, &output, &b->attributes, NULL)
                : InitializeSecurityContextA(&b->credential, old, b->target, b->request, 0, SECURITY_NATIVE_DREP, given,
                                             0, &b->context, &output, &b->attributes, NULL);
    b->has_context = b->has_context || status >= 0;
    b->size = status >= 0 ? out.cbBuffer : 0;
    memcpy(b->token, answer, b->size);
    return status;
}

/* Sends the token in `b`; the server's is there then. */
static int send_bind(struct bind *b)
{
    struct berval credentials = {b->size, (char *)b->token};
    struct berval *answer = NULL;
    int code = ldap_sasl_bind_s(b->ldap, NULL, b->mechanism, &credentials, NULL, NULL, &answer);
    b->size = 0;
    if (answer != NULL && answer->bv_len <= TOKEN_MAX) {
        b->size = (ULONG)answer->bv_len;
        memcpy(b->token, answer->bv_val, answer->bv_len);
    }
    ber_bvfree(answer);
    return code;
}

static bool bind_all(struct bind *b)
{
    int code = LDAP_SASL_BIND_IN_PROGRESS;
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    int legs = 0;
    while (legs < LEGS_MAX && code == LDAP_SASL_BIND_IN_PROGRESS && status >= 0) {
        status = step(b);
        if (status >= 0) {
            code = send_bind(b);
            legs++;
        }
    }
    if (code == LDAP_SUCCESS && status == SEC_I_CONTINUE_NEEDED) {
        status = step(b); /* what came with the server's last word */
    }
    char *text = NULL;
    const char *why = status < 0 ? SspiExtLastReason(NULL) : NULL;
    (void)ldap_get_option(b->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    printf("legs=%d\nbind=%d\nbind_text=%s\nstatus=%s\nreason=%s\n", legs, code, text != NULL ? text : "",
           name_of(status), why != NULL ? why : "");
    ldap_memfree(text);
    return code == LDAP_SUCCESS && status == SEC_E_OK;
}

static void who_am_i(struct bind *b)
{
    struct berval *who = NULL;
    int code = ldap_whoami_s(b->ldap, &who, NULL, NULL);
    printf("whoami=%d %.*s\n", code, who != NULL ? (int)who->bv_len : 0, who != NULL ? who->bv_val : "");
    ber_bvfree(who);
}

/* Of a domain controller: the first security identifier of this session is the user's (MS-ADTS 3.1.1.3.2.31). */
static void print_sid(struct bind *b)
{
    char type[] = "tokenGroups", filter[] = "(objectClass=*)";
    char *types[] = {type, NULL};
    LDAPMessage *result = NULL;
    (void)ldap_search_ext_s(b->ldap, "", LDAP_SCOPE_BASE, filter, types, 0, NULL, NULL, NULL, 0, &result);
    LDAPMessage *entry = result != NULL ? ldap_first_entry(b->ldap, result) : NULL;
    struct berval **got = entry != NULL ? ldap_get_values_len(b->ldap, entry, type) : NULL;
    printf("sid=");
    for (size_t i = 0; got != NULL && got[0] != NULL && i < got[0]->bv_len; i++) {
        printf("%02x", (unsigned char)got[0]->bv_val[i]);
    }
    printf("\n");
    ldap_value_free_len(got);
    ldap_msgfree(result);
}

/* A sum over all values, in any order. */
static unsigned long long sum_of(LDAP *ldap, LDAPMessage *entry)
{
    unsigned long long sum = 0;
    BerElement *position = NULL;
    for (char *name = ldap_first_attribute(ldap, entry, &position); name != NULL;
         name = ldap_next_attribute(ldap, entry, position)) {
        struct berval **list = ldap_get_values_len(ldap, entry, name);
        for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
            unsigned long long hash = 14695981039346656037U; /* FNV-1a */
            for (size_t at = 0; at < list[i]->bv_len; at++) {
                hash = (hash ^ (unsigned char)list[i]->bv_val[at]) * 1099511628211U;
            }
            sum += hash;
        }
        ldap_value_free_len(list);
        ldap_memfree(name);
    }
    ber_free(position, 0);
    return sum;
}

static void search(struct bind *b)
{
    char filter[] = "(objectClass=*)";
    LDAPMessage *result = NULL;
    unsigned entries = 0;
    unsigned long long sum = 0;
    int code = ldap_search_ext_s(b->ldap, b->base, LDAP_SCOPE_SUBTREE, filter, NULL, 0, NULL, NULL, NULL, 0, &result);
    LDAPMessage *first = result != NULL ? ldap_first_entry(b->ldap, result) : NULL;
    for (LDAPMessage *e = first; e != NULL; e = ldap_next_entry(b->ldap, e)) {
        entries++;
        sum += sum_of(b->ldap, e);
    }
    ldap_msgfree(result);
    printf("search=%d\nentries=%u\nsum=%016llx\n", code, entries, sum);
}

static void use_session(struct bind *b)
{
    SecPkgContext_NegotiationInfoA chosen = {0};
    if (QueryContextAttributesA(&b->context, SECPKG_ATTR_NEGOTIATION_INFO, &chosen) == SEC_E_OK) {
        printf("package=%s\n", chosen.PackageInfo->Name);
        FreeContextBuffer(chosen.PackageInfo);
    }
    printf("integrity=%d\nconfidentiality=%d\n", (b->attributes & ISC_RET_INTEGRITY) != 0,
           (b->attributes & ISC_RET_CONFIDENTIALITY) != 0);
    bool digest = strcmp(b->mechanism, "DIGEST-MD5") == 0;
    /* The layer is what was agreed on; without such an agreement, what the context can do. */
    bool seals = !b->sasl || (b->request & ISC_REQ_CONFIDENTIALITY) != 0;
    b->layer = (struct layer){.context = &b->context,
                              .protection = !b->layered ? PROTECT_NONE
                                            : digest    ? PROTECT_BEHIND
                                                        : PROTECT_STREAM,
                              .quality = seals ? 0 : SECQOP_WRAP_NO_ENCRYPT,
                              .probe = b->layered && !digest, /* whose ciphers go on from message to message */
                              .altered_at = 20};              /* behind the header (RFC 4121 4.2.6.2) */
    if (layer_install(b->ldap, &b->layer) != 0) {
        printf("layer=%s\n", name_of(b->layer.failure));
        return;
    }
    who_am_i(b);
    print_sid(b);
    search(b);
    printf("sent=%u\nreceived=%u\nclear=%u\nlayer_failure=%s\n", b->layer.sent, b->layer.received, b->layer.clear,
           name_of(b->layer.failure));
    printf("copies_altered=%s\ncopies_again=%s\n", name_of(b->layer.altered), name_of(b->layer.again));
}

/* GSSAPI signs its choice of a layer, be it none; GSS-SPNEGO would have one without being asked. */
static ULONG request_of(const char *layer, bool sasl)
{
    ULONG request = ISC_REQ_MUTUAL_AUTH;
    if (strcmp(layer, "none") == 0) {
        return sasl ? request : request | ISC_REQ_NO_INTEGRITY;
    }
    request |= ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT;
    return strcmp(layer, "seal") == 0 ? request | ISC_REQ_CONFIDENTIALITY : request;
}

int main(int argc, char **argv)
{
    static struct bind b;
    int version = LDAP_VERSION3;
    struct timeval limit = {20, 0};
    if ((argc != 7 && argc != 9) || ldap_initialize(&b.ldap, argv[1]) != LDAP_SUCCESS) {
        fprintf(stderr, "usage: sasl_bind URI MECHANISM PACKAGE TARGET none|sign|seal BASE [USER DOMAIN]\n");
        return 2;
    }
    b.mechanism = argv[2];
    b.package = argv[3];
    b.target = argv[4];
    b.sasl = strcmp(b.mechanism, "GSS-SPNEGO") != 0;
    b.request = request_of(argv[5], b.sasl);
    b.layered = strcmp(argv[5], "none") != 0;
    b.base = argv[6];
    b.user = argc == 9 ? argv[7] : NULL;
    b.domain = argc == 9 ? argv[8] : NULL;
    ldap_set_option(b.ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(b.ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(b.ldap, LDAP_OPT_TIMEOUT, &limit);
    SECURITY_STATUS status = acquire(&b);
    printf("acquire=%s\n", name_of(status));
    if (status == SEC_E_OK) {
        if (bind_all(&b)) {
            use_session(&b);
        }
        ldap_unbind_ext(b.ldap, NULL, NULL);
        if (b.has_context) {
            DeleteSecurityContext(&b.context);
        }
        FreeCredentialsHandle(&b.credential);
    } else {
        ldap_unbind_ext(b.ldap, NULL, NULL);
    }
    layer_free(&b.layer);
    return 0;
}
