/* An LDAP client that binds with GSS-SPNEGO, its tokens made by InitializeSecurityContext("Negotiate"), and protects what
 * follows with the session's messages.  Prints what happened as NAME=VALUE lines; the script that runs it judges.
 *
 *   ldap_client --uri URI --user NAME [--domain NAME] [--request none|sign|seal] [--protection none|stream|token]
 *       [--simple] [--server-first] [--probe] [--alter ntlm-mic|client-mic|server-mic|message] [--base DN] [--photo SIZE]
 *
 * The password is SSPI_PASSWORD.  --simple is libldap's own simple bind and no layer: the answers to compare with.
 */
#define LDAP_DEPRECATED 0
#include "ldap_layer.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sspi_ext.h>

#define TOKEN_MAX 12000
#define LEGS_MAX  8
#define MIC       16 /* of NTLM, alone or as a mechListMIC, which a token ends with */

enum alteration { ALTER_NOTHING, ALTER_NTLM_MIC, ALTER_CLIENT_MIC, ALTER_SERVER_MIC, ALTER_MESSAGE };
static const char *const alterations[] = {"nothing", "ntlm-mic", "client-mic", "server-mic", "message", NULL};
static const char *const protections[] = {"none", "stream", "token", NULL};
enum request { REQUEST_NONE, REQUEST_SIGN, REQUEST_SEAL };
static const char *const requests[] = {"none", "sign", "seal", NULL};

struct client {
    const char *uri, *user, *domain, *password, *base, *target;
    int request, protection, alteration;
    bool simple, server_first, probe;
    size_t photo;
    LDAP *ldap;
    CredHandle credential;
    CtxtHandle context;
    bool has_context;
    ULONG attributes;
    unsigned char token[TOKEN_MAX];
    ULONG token_size;
    bool spnego; /* a token of the client's was framed */
    struct layer layer;
};

static const char *name_of(SECURITY_STATUS status)
{
    const char *name = SspiExtStatusName(status);
    return name != NULL ? name : "?";
}

static int chosen(const char *text, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    fprintf(stderr, "ldap_client: what is %s?\n", text);
    exit(2);
}

/* ---------------------------------------------------------------- the bind */

static SECURITY_STATUS acquire(struct client *c)
{
    char package[] = "Negotiate";
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t)c->user,
        .UserLength = (ULONG)strlen(c->user),
        .Domain = (unsigned char *)(uintptr_t)c->domain,
        .DomainLength = (ULONG)strlen(c->domain),
        .Password = (unsigned char *)(uintptr_t)c->password,
        .PasswordLength = (ULONG)strlen(c->password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    return AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &c->credential,
                                     NULL);
}

static ULONG request_of(const struct client *c)
{
    switch (c->request) {
    case REQUEST_NONE:
        return ISC_REQ_NO_INTEGRITY;
    case REQUEST_SIGN:
        return ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT;
    default:
        return ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT;
    }
}

/* One call: takes the token in `c`, leaves the answer there. */
static SECURITY_STATUS step(struct client *c)
{
    static unsigned char answer[TOKEN_MAX];
    SecBuffer in = {c->token_size, SECBUFFER_TOKEN, c->token};
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    SECURITY_STATUS status = InitializeSecurityContextA(
        &c->credential, c->has_context ? &c->context : NULL, (char *)(uintptr_t)c->target, request_of(c), 0,
        SECURITY_NATIVE_DREP, c->token_size != 0 ? &input : NULL, 0, &c->context, &output, &c->attributes, NULL);
    c->has_context = c->has_context || status >= 0;
    c->token_size = status >= 0 ? out.cbBuffer : 0;
    memcpy(c->token, answer, c->token_size);
    return status;
}

/* The AUTHENTICATE's own MIC: 72 octets into it (MS-NLMP 2.2.1.3). */
static void alter_ntlm_mic(struct client *c)
{
    static const unsigned char magic[12] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0, 3};
    unsigned char *message = memmem(c->token, c->token_size, magic, sizeof magic);
    if (message != NULL && message + 88 <= c->token + c->token_size) {
        message[72] ^= 1;
        printf("altered=yes\n");
    }
}

/* NTLM's AUTHENTICATE, and so the client's mechListMIC, is in its second token, the server's in the last. */
static void alter_last_octet(struct client *c, enum alteration which)
{
    if (c->alteration == (int)which && c->token_size >= MIC) {
        c->token[c->token_size - 1] ^= 1;
        printf("altered=yes\n");
    }
}

/* Sends the token in `c`, none if there is none, and puts the server's there.  LDAP's result code. */
static int send_bind(struct client *c)
{
    struct berval credentials = {c->token_size, (char *)c->token};
    struct berval *answer = NULL;
    int code =
        ldap_sasl_bind_s(c->ldap, NULL, "GSS-SPNEGO", c->token_size != 0 ? &credentials : NULL, NULL, NULL, &answer);
    c->token_size = 0;
    if (answer != NULL && answer->bv_len <= TOKEN_MAX) {
        c->token_size = (ULONG)answer->bv_len;
        memcpy(c->token, answer->bv_val, answer->bv_len);
    }
    ber_bvfree(answer);
    return code;
}

static void send_step(struct client *c, int leg, int *code)
{
    c->spnego = c->spnego || c->token[0] == 0x60 || c->token[0] == 0xa1;
    if (leg == 2 && c->alteration == ALTER_NTLM_MIC) {
        alter_ntlm_mic(c);
    }
    if (leg == 2) {
        alter_last_octet(c, ALTER_CLIENT_MIC);
    }
    *code = send_bind(c);
    if (*code == LDAP_SUCCESS) {
        alter_last_octet(c, ALTER_SERVER_MIC);
    }
}

/* All legs.  True when both ends are content. */
static bool bind_with_sspi(struct client *c)
{
    int code = LDAP_SASL_BIND_IN_PROGRESS;
    if (c->server_first) {
        code = send_bind(c);
        printf("offer=%u\n", (unsigned)c->token_size);
    }
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    for (int leg = 1; leg <= LEGS_MAX && code == LDAP_SASL_BIND_IN_PROGRESS; leg++) {
        status = step(c);
        if (status < 0 || c->token_size == 0) {
            break;
        }
        send_step(c, leg, &code);
    }
    if (code == LDAP_SUCCESS && status == SEC_I_CONTINUE_NEEDED && c->token_size != 0) {
        status = step(c); /* the server's mechListMIC came with its last word */
    }
    char *text = NULL;
    (void)ldap_get_option(c->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    const char *why = status < 0 ? SspiExtLastReason(NULL) : NULL;
    printf("bind=%d\nbind_text=%s\nstatus=%s\nreason=%s\nspnego=%d\n", code, text != NULL ? text : "", name_of(status),
           why != NULL ? why : "", c->spnego);
    ldap_memfree(text);
    return code == LDAP_SUCCESS && status == SEC_E_OK;
}

static void print_session(struct client *c)
{
    SecPkgContext_NegotiationInfoA negotiation = {0};
    SecPkgContext_NamesA names = {0};
    if (QueryContextAttributesA(&c->context, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation) == SEC_E_OK) {
        printf("package=%s\nnegotiation=%u\n", negotiation.PackageInfo->Name, (unsigned)negotiation.NegotiationState);
        FreeContextBuffer(negotiation.PackageInfo);
    }
    if (QueryContextAttributesA(&c->context, SECPKG_ATTR_NAMES, &names) == SEC_E_OK) {
        printf("name=%s\n", names.sUserName);
        FreeContextBuffer(names.sUserName);
    }
    printf("integrity=%d\nconfidentiality=%d\n", (c->attributes & ISC_RET_INTEGRITY) != 0,
           (c->attributes & ISC_RET_CONFIDENTIALITY) != 0);
}

static bool simple_bind(struct client *c)
{
    struct berval password = {strlen(c->password), (char *)(uintptr_t)c->password};
    int code = ldap_sasl_bind_s(c->ldap, c->user, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
    printf("bind=%d\n", code);
    return code == LDAP_SUCCESS;
}

/* ---------------------------------------------------------------- what follows */

/* A sum over everything that the answer says, in any order, so that two searches can be compared. */
static void add_entry(struct client *c, LDAPMessage *entry, unsigned *values, uint64_t *sum)
{
    BerElement *position = NULL;
    for (char *name = ldap_first_attribute(c->ldap, entry, &position); name != NULL;
         name = ldap_next_attribute(c->ldap, entry, position)) {
        struct berval **list = ldap_get_values_len(c->ldap, entry, name);
        for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
            uint64_t hash = 14695981039346656037U; /* FNV-1a */
            for (size_t at = 0; at < list[i]->bv_len; at++) {
                hash = (hash ^ (unsigned char)list[i]->bv_val[at]) * 1099511628211U;
            }
            *sum += hash;
            (*values)++;
        }
        ldap_value_free_len(list);
        ldap_memfree(name);
    }
    ber_free(position, 0);
}

static void search(struct client *c)
{
    char filter[] = "(objectClass=*)";
    LDAPMessage *result = NULL;
    unsigned entries = 0;
    unsigned values = 0;
    uint64_t sum = 0;
    int code = ldap_search_ext_s(c->ldap, c->base, LDAP_SCOPE_SUBTREE, filter, NULL, 0, NULL, NULL, NULL, 0, &result);
    LDAPMessage *first = result != NULL ? ldap_first_entry(c->ldap, result) : NULL;
    for (LDAPMessage *e = first; e != NULL; e = ldap_next_entry(c->ldap, e)) {
        entries++;
        add_entry(c, e, &values, &sum);
    }
    ldap_msgfree(result);
    printf("search=%d\nentries=%u\nvalues=%u\nsum=%016llx\n", code, entries, values, (unsigned long long)sum);
}

/* A large value there and back. */
static void photograph(struct client *c)
{
    char type[] = "jpegPhoto";
    char *types[] = {type, NULL};
    char filter[] = "(objectClass=*)";
    char *pixels = malloc(c->photo);
    if (pixels == NULL) {
        return;
    }
    for (size_t i = 0; i < c->photo; i++) {
        pixels[i] = (char)(i * 2654435761U >> 13);
    }
    struct berval value = {c->photo, pixels};
    struct berval *values[] = {&value, NULL};
    LDAPMod change = {LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, type, {.modv_bvals = values}};
    LDAPMod *changes[] = {&change, NULL};
    LDAPMessage *result = NULL;
    int code = ldap_modify_ext_s(c->ldap, c->base, changes, NULL, NULL);
    printf("modify=%d\n", code);
    code = ldap_search_ext_s(c->ldap, c->base, LDAP_SCOPE_BASE, filter, types, 0, NULL, NULL, NULL, 0, &result);
    LDAPMessage *entry = result != NULL ? ldap_first_entry(c->ldap, result) : NULL;
    struct berval **got = entry != NULL ? ldap_get_values_len(c->ldap, entry, type) : NULL;
    bool same =
        got != NULL && got[0] != NULL && got[0]->bv_len == c->photo && memcmp(got[0]->bv_val, pixels, c->photo) == 0;
    printf("search=%d\nphoto=%s\n", code, same ? "same" : "another");
    ldap_value_free_len(got);
    ldap_msgfree(result);
    free(pixels);
}

/* The first of the security identifiers that the server gave this session is the user's (MS-ADTS 3.1.1.3.2.31). */
static void who_am_i(struct client *c)
{
    char type[] = "tokenGroups";
    char *types[] = {type, NULL};
    char filter[] = "(objectClass=*)";
    LDAPMessage *result = NULL;
    int code = ldap_search_ext_s(c->ldap, "", LDAP_SCOPE_BASE, filter, types, 0, NULL, NULL, NULL, 0, &result);
    LDAPMessage *entry = result != NULL ? ldap_first_entry(c->ldap, result) : NULL;
    struct berval **got = entry != NULL ? ldap_get_values_len(c->ldap, entry, type) : NULL;
    printf("token=%d\nsid=", code);
    for (size_t i = 0; got != NULL && got[0] != NULL && i < got[0]->bv_len; i++) {
        printf("%02x", (unsigned char)got[0]->bv_val[i]);
    }
    printf("\n");
    ldap_value_free_len(got);
    ldap_msgfree(result);
}

static void use_session(struct client *c)
{
    if (!c->simple) {
        print_session(c);
        c->layer = (struct layer){.context = &c->context,
                                  .protection = (enum protection)c->protection,
                                  .probe = c->probe,
                                  .alter = c->alteration == ALTER_MESSAGE};
        if (layer_install(c->ldap, &c->layer) != 0) {
            printf("layer=%s\n", name_of(c->layer.failure));
            return;
        }
    }
    who_am_i(c);
    if (c->photo != 0) {
        photograph(c);
    } else if (c->base != NULL) {
        search(c);
    }
    printf("sent=%u\nreceived=%u\nlayer_failure=%s\n", c->layer.sent, c->layer.received, name_of(c->layer.failure));
    printf("copies_altered=%s\ncopies_again=%s\n", name_of(c->layer.altered), name_of(c->layer.again));
}

/* ---------------------------------------------------------------- the program */

static void run(struct client *c)
{
    bool bound = false;
    if (c->simple) {
        bound = simple_bind(c);
    } else {
        SECURITY_STATUS status = acquire(c);
        if (status != SEC_E_OK) {
            printf("acquire=%s\n", name_of(status));
            return;
        }
        bound = bind_with_sspi(c);
    }
    if (bound) {
        use_session(c);
    }
    ldap_unbind_ext(c->ldap, NULL, NULL);
    if (c->has_context) {
        printf("delete=%s\n", name_of(DeleteSecurityContext(&c->context)));
    }
    if (!c->simple) {
        printf("free=%s\n", name_of(FreeCredentialsHandle(&c->credential)));
    }
    layer_free(&c->layer);
}

static void read_arguments(struct client *c, int argc, char **argv)
{
    enum { URI, USER, DOMAIN, REQUEST, PROTECTION, SIMPLE, SERVER_FIRST, PROBE, ALTER, BASE, PHOTO, TARGET };
    static const struct option options[] = {
        {"uri", required_argument, NULL, URI},
        {"user", required_argument, NULL, USER},
        {"domain", required_argument, NULL, DOMAIN},
        {"protection", required_argument, NULL, PROTECTION},
        {"request", required_argument, NULL, REQUEST},
        {"simple", no_argument, NULL, SIMPLE},
        {"server-first", no_argument, NULL, SERVER_FIRST},
        {"probe", no_argument, NULL, PROBE},
        {"alter", required_argument, NULL, ALTER},
        {"base", required_argument, NULL, BASE},
        {"photo", required_argument, NULL, PHOTO},
        {"target", required_argument, NULL, TARGET},
        {0},
    };
    const char **texts[] = {
        [URI] = &c->uri, [USER] = &c->user, [DOMAIN] = &c->domain, [BASE] = &c->base, [TARGET] = &c->target};
    for (int which = getopt_long(argc, argv, "", options, NULL); which != -1;
         which = getopt_long(argc, argv, "", options, NULL)) {
        switch (which) {
        case '?':
            exit(2);
        case PROTECTION:
            c->protection = chosen(optarg, protections);
            break;
        case REQUEST:
            c->request = chosen(optarg, requests);
            break;
        case SIMPLE:
            c->simple = true;
            break;
        case SERVER_FIRST:
            c->server_first = true;
            break;
        case PROBE:
            c->probe = true;
            break;
        case ALTER:
            c->alteration = chosen(optarg, alterations);
            break;
        case PHOTO:
            c->photo = strtoul(optarg, NULL, 10);
            break;
        default:
            *texts[which] = optarg;
        }
    }
}

int main(int argc, char **argv)
{
    static struct client c = {.domain = "", .request = REQUEST_SEAL, .protection = PROTECT_STREAM};
    int version = LDAP_VERSION3;
    struct timeval limit = {20, 0};
    c.password = getenv("SSPI_PASSWORD");
    read_arguments(&c, argc, argv);
    if (c.uri == NULL || c.user == NULL || c.password == NULL || ldap_initialize(&c.ldap, c.uri) != LDAP_SUCCESS) {
        fprintf(stderr, "usage: SSPI_PASSWORD=... ldap_client --uri URI --user NAME ...\n");
        return 2;
    }
    ldap_set_option(c.ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(c.ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(c.ldap, LDAP_OPT_TIMEOUT, &limit);
    run(&c);
    return 0;
}
