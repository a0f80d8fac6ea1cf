#include "kerberos/sign_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "cert/logon_certificate.h"
#include "kerberos/library.h"
#include "kerberos/pkcs11.h"

/* What one request holds until its end. */
struct asking {
    krb5_context krb;
    const struct sign_in *with;
    krb5_get_init_creds_opt *options;
    krb5_ccache armor; /* an anonymous ticket, for this request alone; NULL: none */
    struct logon_files files;
};

static void end(struct asking *asking)
{
    krb5_get_init_creds_opt_free(asking->krb, asking->options);
    if (asking->armor != NULL) {
        (void)krb5_cc_destroy(asking->krb, asking->armor);
    }
    logon_files_close(&asking->files);
}

/* ---------------------------------------------------------------- armor */

/* A ticket for nobody, whose key only the KDC has (RFC 8062 4.1): armor on machines that have no key of their own. */
static krb5_error_code anonymous_ticket(krb5_context krb, const krb5_data *realm, krb5_ccache cache)
{
    krb5_get_init_creds_opt *options = NULL;
    krb5_init_creds_context asking = NULL;
    krb5_principal nobody = NULL;
    krb5_error_code code =
        krb5_build_principal_ext(krb, &nobody, realm->length, realm->data, strlen(KRB5_WELLKNOWN_NAMESTR),
                                 KRB5_WELLKNOWN_NAMESTR, strlen(KRB5_ANONYMOUS_PRINCSTR), KRB5_ANONYMOUS_PRINCSTR, 0);
    if (code == 0) {
        nobody->type = KRB5_NT_WELLKNOWN;
        code = krb5_get_init_creds_opt_alloc(krb, &options);
    }
    if (code == 0) {
        krb5_get_init_creds_opt_set_anonymous(options, 1);
        code = krb5_get_init_creds_opt_set_out_ccache(krb, options, cache);
    }
    code = code == 0 ? krb5_init_creds_init(krb, nobody, NULL, NULL, 0, options, &asking) : code;
    code = code == 0 ? krb5_init_creds_get(krb, asking) : code;
    krb5_init_creds_free(krb, asking);
    krb5_get_init_creds_opt_free(krb, options);
    krb5_free_principal(krb, nobody);
    return code;
}

static bool same_realm(const krb5_data *a, const krb5_data *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Is there a ticket in the cache that can be armor for this realm?  Another realm's is for libkrb5 to find out. */
static krb5_error_code look_at_armor(krb5_context krb, const char *name, const krb5_data *realm)
{
    krb5_ccache cache = NULL;
    krb5_creds wanted = {0}, *got = NULL;
    krb5_error_code code = krb5_cc_resolve(krb, name, &cache);
    if (code != 0) {
        return code;
    }
    code = krb5_cc_get_principal(krb, cache, &wanted.client);
    if (code == 0 && same_realm(&wanted.client->realm, realm)) {
        code = krb5_build_principal_ext(krb, &wanted.server, realm->length, realm->data, KRB5_TGS_NAME_SIZE,
                                        KRB5_TGS_NAME, realm->length, realm->data, 0);
        code = code == 0 ? krb5_get_credentials(krb, KRB5_GC_CACHED, cache, &wanted, &got) : code;
    }
    krb5_free_creds(krb, got);
    krb5_free_cred_contents(krb, &wanted);
    (void)krb5_cc_close(krb, cache);
    return code;
}

static krb5_error_code put_on_armor(struct asking *asking, const krb5_data *realm)
{
    const char *armor = policy_get()->kerberos_armor;
    if (strcmp(armor, "anonymous") != 0) {
        krb5_error_code found = look_at_armor(asking->krb, armor, realm);
        return found == 0 ? krb5_get_init_creds_opt_set_fast_ccache_name(asking->krb, asking->options, armor) : found;
    }
    krb5_error_code code = krb5_cc_new_unique(asking->krb, "MEMORY", NULL, &asking->armor);
    code = code == 0 ? anonymous_ticket(asking->krb, realm, asking->armor) : code;
    return code == 0 ? krb5_get_init_creds_opt_set_fast_ccache(asking->krb, asking->options, asking->armor) : code;
}

static krb5_error_code use_armor(struct asking *asking, const krb5_data *realm)
{
    bool required = policy_get()->kerberos_armor_required;
    krb5_error_code code = 0;
    if (policy_get()->kerberos_armor[0] != '\0') {
        code = put_on_armor(asking, realm);
        if (code != 0 && !required) {
            TRACE("Kerberos: no armor, error %ld; the logon goes on without ([kerberos] armor)", (long)code);
            code = 0;
        }
    }
    if (code == 0 && required) {
        code = krb5_get_init_creds_opt_set_fast_flags(asking->krb, asking->options, KRB5_FAST_REQUIRED);
    }
    return code;
}

/* ---------------------------------------------------------------- a certificate */

/* The PIN is for what unlocks keys here.  libkrb5's prompts are none of that: the KDC's other ways of preauthentication ask by
 * them too, in words of its own, and send what they get to whoever is there in the KDC's place (PA-SAM-CHALLENGE-2). */
static krb5_error_code give_pin(krb5_context krb, void *data, krb5_responder_context questions)
{
    const struct secret *pin = data;
    krb5_responder_pkinit_challenge *asked = NULL;
    krb5_error_code code =
        pin != NULL && pin->size > 1 ? krb5_responder_pkinit_get_challenge(krb, questions, &asked) : 0;
    if (code != 0 || asked == NULL) {
        return code;
    }
    for (krb5_responder_pkinit_identity **one = asked->identities; code == 0 && *one != NULL; one++) {
        code = krb5_responder_pkinit_set_answer(krb, questions, (*one)->identity, (const char *)pin->data);
    }
    krb5_responder_pkinit_challenge_free(krb, questions, asked);
    return code;
}

static krb5_error_code answer_nothing(krb5_context krb, void *data, const char *name, const char *banner, int count,
                                      krb5_prompt prompts[])
{
    (void)krb;
    (void)data;
    (void)name;
    (void)banner;
    (void)count;
    (void)prompts;
    return KRB5_LIBOS_CANTREADPWD;
}

/* Keys of files go to libkrb5 as files in memory; those in a token stay there, and libkrb5 makes the token sign itself. */
static SECURITY_STATUS use_certificate(struct asking *asking)
{
    AUTO_FREE char *place = NULL;
    AUTO_FREE char *identity = NULL;
    struct certificate *certificate = asking->with->certificate;
    REQUIRE(!logon_certificate_has_ended(certificate), SEC_E_SMARTCARD_CERT_EXPIRED,
            "the certificate to log on with has expired (RFC 5280 4.1.2.5)");
    TRY(certificate_key_place(certificate, &place));
    if (place != NULL && strncmp(place, "pkcs11:", 7) == 0) {
        TRY(pkcs11_identity(place, &identity));
    } else {
        TRY(logon_certificate_files(certificate, &asking->files));
        int size =
            asprintf(&identity, "FILE:/proc/self/fd/%d,/proc/self/fd/%d", asking->files.certificate, asking->files.key);
        REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a certificate's name");
    }
    LIBRARY_TRY(asking->krb, LIBRARY_CLIENT,
                krb5_get_init_creds_opt_set_responder(asking->krb, asking->options, give_pin,
                                                      (void *)(uintptr_t)asking->with->secret));
    LIBRARY_TRY(asking->krb, LIBRARY_CLIENT,
                krb5_get_init_creds_opt_set_pa(asking->krb, asking->options, "X509_user_identity", identity));
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the request */

static krb5_error_code by_certificate(const struct asking *asking, krb5_principal client, krb5_creds *out)
{
    krb5_init_creds_context request = NULL;
    krb5_context krb = asking->krb;
    krb5_error_code code = krb5_init_creds_init(krb, client, answer_nothing, NULL, 0, asking->options, &request);
    code = code == 0 && asking->with->service != NULL ? krb5_init_creds_set_service(krb, request, asking->with->service)
                                                      : code;
    code = code == 0 ? krb5_init_creds_get(krb, request) : code;
    code = code == 0 ? krb5_init_creds_get_creds(krb, request, out) : code;
    krb5_init_creds_free(krb, request);
    return code;
}

static krb5_error_code by_keytab(const struct asking *asking, krb5_principal client, krb5_creds *out)
{
    krb5_keytab keytab = NULL;
    krb5_error_code code = krb5_kt_resolve(asking->krb, asking->with->keytab, &keytab);
    if (code == 0) {
        code = krb5_get_init_creds_keytab(asking->krb, out, client, keytab, 0, asking->with->service, asking->options);
        (void)krb5_kt_close(asking->krb, keytab);
    }
    return code;
}

static krb5_error_code ask(const struct asking *asking, krb5_principal client, krb5_creds *out)
{
    const struct sign_in *with = asking->with;
    if (with->certificate != NULL) {
        return by_certificate(asking, client, out);
    }
    if (with->keytab != NULL) {
        return by_keytab(asking, client, out);
    }
    return krb5_get_init_creds_password(asking->krb, out, client, (char *)with->secret->data, NULL, NULL, 0,
                                        with->service, asking->options);
}

static krb5_error_code set_options(struct asking *asking, krb5_principal client)
{
    const struct sign_in *with = asking->with;
    krb5_error_code code = krb5_get_init_creds_opt_alloc(asking->krb, &asking->options);
    if (code != 0) {
        return code;
    }
    krb5_get_init_creds_opt_set_forwardable(asking->options, with->passing ? 0 : 1);
    krb5_get_init_creds_opt_set_change_password_prompt(asking->options, 0);
    if (with->passing) {
        krb5_get_init_creds_opt_set_tkt_life(asking->options, 300);
        krb5_get_init_creds_opt_set_renew_life(asking->options, 0);
        krb5_get_init_creds_opt_set_proxiable(asking->options, 0);
    }
    if (with->canonicalize) {
        krb5_get_init_creds_opt_set_canonicalize(asking->options, 1);
    }
    if (with->cache != NULL) {
        code = krb5_get_init_creds_opt_set_out_ccache(asking->krb, asking->options, with->cache);
    }
    return code == 0 ? use_armor(asking, &client->realm) : code;
}

static SECURITY_STATUS sign_in_here(krb5_context krb, const struct sign_in *with, krb5_principal client,
                                    krb5_creds *out, bool *out_unknown)
{
    AUTO(end) struct asking asking = {.krb = krb, .with = with, .files = {-1, -1}};
    krb5_creds creds = {0};
    REQUIRE(!policy_get()->kerberos_armor_required || policy_get()->kerberos_armor[0] != '\0',
            SEC_E_UNSUPPORTED_PREAUTH, "policy requires armor and names none ([kerberos] armor-required, armor)");
    LIBRARY_TRY(krb, LIBRARY_CLIENT, set_options(&asking, client));
    if (with->certificate != NULL) {
        TRY(use_certificate(&asking));
    }
    krb5_error_code code = ask(&asking, client, &creds);
    if (code != 0 && out_unknown != NULL) {
        *out_unknown = code == KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN;
    }
    /* libkrb5 goes on to ask for a password where the KDC's proof is not believed. */
    REQUIRE(code != KRB5_LIBOS_CANTREADPWD || with->certificate == NULL, SEC_E_ISSUING_CA_UNTRUSTED_KDC,
            "the KDC's answer is not proved by a certificate that is trusted, and for a KDC of this realm (RFC 4556 "
            "3.2.4)");
    bool failed = code == KRB5KDC_ERR_PREAUTH_FAILED || code == KRB5_PREAUTH_FAILED;
    if (failed && with->certificate != NULL) { /* libkrb5's words say why, where it knows */
        const char *text = krb5_get_error_message(krb, code);
        SECURITY_STATUS status = status_fail_text(SEC_E_PKINIT_CLIENT_FAILURE, text, __FILE__, __LINE__);
        krb5_free_error_message(krb, text);
        return status;
    }
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    *out = creds;
    return SEC_E_OK;
}

SECURITY_STATUS sign_in(krb5_context krb, const struct sign_in *with, krb5_principal client, krb5_creds *out,
                        bool *out_unknown)
{
    krb5_context own = NULL;
    if (with->certificate == NULL) {
        return sign_in_here(krb, with, client, out, out_unknown);
    }
    TRY(library_own_context(&own)); /* libkrb5 keeps the certificate in the context and takes no second one */
    SECURITY_STATUS status = sign_in_here(own, with, client, out, out_unknown);
    krb5_free_context(own);
    return status;
}
