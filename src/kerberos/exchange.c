#include "kerberos/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "kerberos/library.h"

#define CHECKSUM_MAX   65600 /* 28 bytes and a KRB-CRED, whose length has two bytes */
#define PROTOCOL_CODES 128   /* error codes that a KRB-ERROR can carry (RFC 4120 7.5.9) */

void exchange_free(krb5_auth_context *auth)
{
    if (*auth != NULL) {
        (void)krb5_auth_con_free(NULL, *auth);
        *auth = NULL;
    }
}

/* ---------------------------------------------------------------- AP-REQ */

/* The callback's view of a request. */
struct building {
    const struct exchange_request *request;
    uint32_t flags;
    struct writer value; /* of the checksum: libkrb5 looks at it and leaves it to us */
    krb5_data data;
};

/* A KRB-CRED under the ticket's session key, not the subkey (as Windows and MIT do), with neither times nor numbers, which
 * belong to the context. */
static krb5_error_code forward(krb5_context krb, krb5_auth_context auth, const struct exchange_request *request,
                               krb5_data *out)
{
    krb5_ccache cache = NULL;
    krb5_keyblock *subkey = NULL;
    krb5_int32 flags = 0;
    krb5_creds *creds = &request->ticket->creds;
    if (tickets_cache(request->tickets, krb, &cache) < 0) {
        status_begin();
        return KRB5_CC_NOTFOUND;
    }
    krb5_error_code code = krb5_auth_con_getsendsubkey(krb, auth, &subkey);
    if (code == 0) {
        (void)krb5_auth_con_getflags(krb, auth, &flags);
        (void)krb5_auth_con_setflags(krb, auth, 0);
        (void)krb5_auth_con_setsendsubkey(krb, auth, NULL);
        code = krb5_fwd_tgt_creds(krb, auth, NULL, creds->client, creds->server, cache, 1, out);
        (void)krb5_auth_con_setsendsubkey(krb, auth, subkey);
        (void)krb5_auth_con_setflags(krb, auth, flags);
        krb5_free_keyblock(krb, subkey);
    }
    (void)krb5_cc_close(krb, cache);
    return code;
}

static krb5_error_code give_checksum(krb5_context krb, krb5_auth_context auth, void *argument, krb5_data **out)
{
    struct building *building = argument;
    krb5_data forwarded = {0};
    if ((building->flags & AP_FLAG_DELEGATE) != 0) {
        krb5_error_code code = forward(krb, auth, building->request, &forwarded);
        if (code != 0 || forwarded.length > UINT16_MAX) {
            TRACE("Kerberos: nothing is delegated, error %ld", (long)code);
            building->flags &= ~(uint32_t)AP_FLAG_DELEGATE;
        }
    }
    struct ap_checksum checksum = {.bindings = BYTES(building->request->bindings), .flags = building->flags};
    checksum.credentials = bytes_of(forwarded.data, forwarded.length);
    write_reserve(&building->value, 28 + (size_t)forwarded.length);
    ap_checksum_build(&checksum, &building->value);
    krb5_free_data_contents(krb, &forwarded);
    if (write_end(&building->value) < 0) {
        return ENOMEM;
    }
    building->data = (krb5_data){0, (unsigned)building->value.size, (char *)building->value.data};
    *out = &building->data;
    return 0;
}

static krb5_error_code build(krb5_context krb, struct building *building, krb5_auth_context *out_auth, krb5_data *out)
{
    const struct exchange_request *request = building->request;
    krb5_auth_context auth = NULL;
    krb5_flags options = request->no_subkey ? 0 : AP_OPTS_USE_SUBKEY;
    options |= (request->flags & AP_FLAG_MUTUAL) != 0 ? AP_OPTS_MUTUAL_REQUIRED | AP_OPTS_ETYPE_NEGOTIATION : 0;
    options |= request->user_to_user ? AP_OPTS_USE_SESSION_KEY : 0;
    krb5_error_code code = krb5_auth_con_init(krb, &auth);
    if (code != 0) {
        return code;
    }
    (void)krb5_auth_con_setflags(krb, auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE);
    (void)krb5_auth_con_set_req_cksumtype(krb, auth, AP_CHECKSUM_TYPE);
    (void)krb5_auth_con_set_checksum_func(krb, auth, give_checksum, building);
    code = krb5_mk_req_extended(krb, &auth, options, NULL, &request->ticket->creds, out);
    (void)krb5_auth_con_set_checksum_func(krb, auth, NULL, NULL);
    if (code != 0) {
        exchange_free(&auth);
        return code;
    }
    *out_auth = auth;
    return 0;
}

static SECURITY_STATUS build_now(krb5_context krb, const struct exchange_request *request, krb5_auth_context *out_auth,
                                 uint32_t *out_flags, krb5_data *out)
{
    struct building building = {.request = request, .flags = request->flags, .value = write_growing(CHECKSUM_MAX)};
    krb5_auth_context auth = NULL;
    krb5_data message = {0};
    krb5_error_code code = build(krb, &building, &auth, &message);
    write_free(&building.value);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    *out_auth = auth;
    *out_flags = building.flags;
    *out = message;
    return SEC_E_OK;
}

/* With the server's clock instead of ours: in a context that nobody else has, since the offset stays in it. */
static SECURITY_STATUS build_at(const struct exchange_request *request, krb5_auth_context *out_auth,
                                uint32_t *out_flags, krb5_data *out)
{
    krb5_context krb = NULL;
    TRY(library_own_context(&krb));
    krb5_error_code code = krb5_set_real_time(krb, request->clock[0], request->clock[1]);
    SECURITY_STATUS status = code != 0 ? library_fail_at(krb, LIBRARY_CLIENT, code, __FILE__, __LINE__)
                                       : build_now(krb, request, out_auth, out_flags, out);
    krb5_free_context(krb);
    return status;
}

/* Forwarding asks a KDC. */
struct forwarding {
    struct library_job job;
    struct exchange_request request;
    krb5_auth_context auth;
    uint32_t flags;
    krb5_data message;
};

static SECURITY_STATUS forwarding_run(struct library_job *job, krb5_context krb)
{
    struct forwarding *forwarding = (struct forwarding *)job;
    return build_now(krb, &forwarding->request, &forwarding->auth, &forwarding->flags, &forwarding->message);
}

static void forwarding_dispose(struct library_job *job)
{
    struct forwarding *forwarding = (struct forwarding *)job;
    exchange_free(&forwarding->auth);
    krb5_free_data_contents(NULL, &forwarding->message);
    ticket_drop(forwarding->request.ticket);
    tickets_drop(forwarding->request.tickets);
    free(forwarding);
}

static SECURITY_STATUS build_forwarding(const struct exchange_request *request, krb5_auth_context *out_auth,
                                        uint32_t *out_flags, krb5_data *out)
{
    struct forwarding *forwarding = calloc(1, sizeof *forwarding);
    REQUIRE(forwarding != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a forwarded ticket");
    forwarding->job = (struct library_job){.run = forwarding_run, .dispose = forwarding_dispose};
    forwarding->job.for_client = tickets_are_a_clients(request->tickets);
    forwarding->request = *request;
    forwarding->request.ticket = ticket_hold(request->ticket);
    forwarding->request.tickets = tickets_hold(request->tickets);
    SECURITY_STATUS status = tickets_proxy(request->tickets, &forwarding->job.proxy);
    if (status < 0) {
        forwarding_dispose(&forwarding->job);
        return status;
    }
    status = library_run(&forwarding->job);
    if (status >= 0) {
        *out_auth = STEAL(forwarding->auth);
        *out_flags = forwarding->flags;
        *out = forwarding->message;
        forwarding->message = (krb5_data){0};
    }
    library_job_drop(&forwarding->job);
    return status;
}

SECURITY_STATUS exchange_request(const struct exchange_request *request, krb5_auth_context *out_auth,
                                 uint32_t *out_flags, krb5_data *out_message)
{
    krb5_context krb;
    if (request->clock[0] != 0) {
        return build_at(request, out_auth, out_flags, out_message);
    }
    if ((request->flags & AP_FLAG_DELEGATE) != 0) {
        return build_forwarding(request, out_auth, out_flags, out_message);
    }
    TRY(library_context(&krb));
    return build_now(krb, request, out_auth, out_flags, out_message);
}

/* ---------------------------------------------------------------- AP-REP, keys */

/* The type of a key that was copied out, which is freed; 0: there is none. */
static krb5_enctype type_of(krb5_context krb, krb5_error_code code, krb5_keyblock *key)
{
    krb5_enctype type = code == 0 && key != NULL ? key->enctype : 0;
    krb5_free_keyblock(krb, key);
    return type;
}

/* Do both sides have an RC4 subkey? */
static bool is_rc4(krb5_context krb, krb5_auth_context auth)
{
    krb5_keyblock *sent = NULL, *got = NULL;
    krb5_error_code sent_code = krb5_auth_con_getsendsubkey(krb, auth, &sent);
    krb5_error_code got_code = krb5_auth_con_getrecvsubkey(krb, auth, &got);
    bool rc4 = type_of(krb, sent_code, sent) == ENCTYPE_RC4;
    return type_of(krb, got_code, got) == ENCTYPE_RC4 && rc4;
}

SECURITY_STATUS exchange_take_reply(krb5_context krb, krb5_auth_context auth, bool dce, struct bytes message,
                                    bool *out_subkey)
{
    krb5_data data = {0, (unsigned)message.size, (char *)(uintptr_t)message.data};
    krb5_ap_rep_enc_part *reply = NULL;
    krb5_error_code code = krb5_rd_rep(krb, auth, &data, &reply);
    if (code == KRB5KRB_AP_ERR_BAD_INTEGRITY) {
        FAIL(SEC_E_MUTUAL_AUTH_FAILED,
             "the server's answer is not made with the ticket's key: it is not who it should be "
             "(RFC 4120 3.2.5)");
    }
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    bool brought = reply->subkey != NULL;
    krb5_free_ap_rep_enc_part(krb, reply);
    *out_subkey = brought && (dce || !is_rc4(krb, auth));
    return SEC_E_OK;
}

/* The initiator's subkey in the AP-REP, and from here on as the session's. */
static krb5_error_code reply_with(krb5_context krb, krb5_auth_context auth, krb5_keyblock *subkey, krb5_data *out)
{
    (void)krb5_auth_con_setflags(krb, auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE);
    krb5_error_code code = krb5_auth_con_setsendsubkey(krb, auth, subkey);
    return code == 0 ? krb5_mk_rep(krb, auth, out) : code;
}

SECURITY_STATUS exchange_reply(krb5_context krb, krb5_auth_context auth, bool dce, krb5_data *out_message)
{
    krb5_data message = {0};
    krb5_keyblock *subkey = NULL; /* before libkrb5 puts ours in its place */
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_auth_con_getrecvsubkey(krb, auth, &subkey));
    (void)krb5_auth_con_setflags(krb, auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE | KRB5_AUTH_CONTEXT_USE_SUBKEY);
    krb5_error_code code = krb5_mk_rep(krb, auth, &message);
    if (code == 0 && !dce && subkey != NULL && is_rc4(krb, auth)) { /* no stronger type was agreed on (RFC 4537) */
        krb5_free_data_contents(krb, &message);
        code = reply_with(krb, auth, subkey, &message);
    }
    krb5_free_keyblock(krb, subkey);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    *out_message = message;
    return SEC_E_OK;
}

static bool enctype_is_allowed(krb5_enctype type)
{
    return enctype_profile((uint32_t)type) != NULL || (type == ENCTYPE_RC4 && policy_get()->kerberos_rc4);
}

static krb5_error_code find_key(krb5_context krb, krb5_auth_context auth, bool initiator, bool acceptor_subkey,
                                krb5_keyblock **out)
{
    krb5_keyblock *key = NULL;
    /* Each side sends its own subkey and receives the other's. */
    krb5_error_code code = initiator == acceptor_subkey ? krb5_auth_con_getrecvsubkey(krb, auth, &key)
                                                        : krb5_auth_con_getsendsubkey(krb, auth, &key);
    if (code == 0 && key == NULL) {
        code = krb5_auth_con_getkey(krb, auth, &key);
    }
    if (code == 0 && key == NULL) {
        code = KRB5KRB_AP_ERR_NOKEY;
    }
    *out = key;
    return code;
}

SECURITY_STATUS exchange_keys(krb5_context krb, krb5_auth_context auth, bool initiator, bool acceptor_subkey,
                              struct exchange_keys *out)
{
    krb5_keyblock *key = NULL;
    krb5_int32 local = 0, remote = 0;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, find_key(krb, auth, initiator, acceptor_subkey, &key));
    bool good = enctype_is_allowed(key->enctype) && key->length <= sizeof out->key.bytes;
    if (good) {
        out->key = (struct kerberos_key){.enctype = (uint32_t)key->enctype, .size = (uint8_t)key->length};
        memcpy(out->key.bytes, key->contents, key->length);
    }
    krb5_free_keyblock(krb, key);
    REQUIRE(good, SEC_E_KDC_UNKNOWN_ETYPE,
            "the session's key is of a type that is not AES, or that policy refuses ([kerberos] allow-rc4)");
    (void)krb5_auth_con_getlocalseqnumber(krb, auth, &local);
    (void)krb5_auth_con_getremoteseqnumber(krb, auth, &remote);
    out->local_number = (uint32_t)local;
    out->remote_number = (uint32_t)remote;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- KRB-ERROR */

SECURITY_STATUS exchange_error_parse(krb5_context krb, struct bytes message, struct exchange_error *out)
{
    krb5_data data = {0, (unsigned)message.size, (char *)(uintptr_t)message.data};
    krb5_error *error = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_rd_error(krb, &data, &error));
    *out = (struct exchange_error){.code = (krb5_error_code)error->error + ERROR_TABLE_BASE_krb5,
                                   .seconds = error->stime,
                                   .microseconds = error->susec};
    krb5_free_error(krb, error);
    return SEC_E_OK;
}

void exchange_error_build(krb5_context krb, krb5_error_code code, krb5_const_principal service, struct writer *out)
{
    krb5_error error = {.server = (krb5_principal)(uintptr_t)service};
    krb5_data message = {0};
    uint8_t space[32];
    struct writer detail = write_into(space, sizeof space);
    krb5_error_code number = code - ERROR_TABLE_BASE_krb5;
    bool known = number >= 0 && number < PROTOCOL_CODES;
    error.error = (krb5_ui_4)(known ? number : KRB5KRB_ERR_GENERIC - ERROR_TABLE_BASE_krb5);
    if (service == NULL || krb5_us_timeofday(krb, &error.stime, &error.susec) != 0) {
        return;
    }
    if (code == KRB5KRB_AP_ERR_SKEW && skew_data_build(&detail) >= 0) {
        error.e_data = (krb5_data){0, (unsigned)detail.size, (char *)detail.data};
    }
    if (krb5_mk_error(krb, &error, &message) == 0) {
        write_bytes(out, bytes_of(message.data, message.length));
        krb5_free_data_contents(krb, &message);
    }
}
