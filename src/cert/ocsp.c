#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "cert/library.h"
#include "cert/revocation.h"
#include "wire/writer.h"

#define CLOCK_DIFFERENCE 300 /* seconds */

static void free_response(OCSP_RESPONSE **response)
{
    OCSP_RESPONSE_free(*response);
}

static void free_basic(OCSP_BASICRESP **basic)
{
    OCSP_BASICRESP_free(*basic);
}

static void free_store(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void free_stack(STACK_OF(X509) * *stack)
{
    sk_X509_free(*stack);
}

static void free_id(OCSP_CERTID **id)
{
    OCSP_CERTID_free(*id);
}

static STATUS not_believed(struct revocation_answer *out, const char *why)
{
    TRACE("certificates: OCSP response passed over: %s", why);
    *out = (struct revocation_answer){.state = REVOCATION_OFFLINE, .reason = -1, .why = why};
    return SEC_E_OK;
}

static OCSP_BASICRESP *parse(struct bytes der, const char **out_why)
{
    const unsigned char *at = der.data;
    if (der.size == 0 || der.size > LONG_MAX) {
        *out_why = "it is no OCSP response (RFC 6960 4.2.1)";
        return NULL;
    }
    __attribute__((cleanup(free_response))) OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.size);
    if (response == NULL || at != der.data + der.size) {
        *out_why = "it is no OCSP response (RFC 6960 4.2.1)";
        return NULL;
    }
    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        *out_why = "the responder reports an error of its own (RFC 6960 2.3)";
        return NULL;
    }
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    if (basic == NULL) {
        *out_why = "it holds no basic response (RFC 6960 4.2.1)";
    }
    return basic;
}

/* Signed by the issuer or by somebody whom the issuer's own signature authorises (RFC 6960 4.2.2.2).  The issuer is the
 * anchor: whether it may be trusted is the chain's affair. */
static bool is_signed(OCSP_BASICRESP *basic, const struct revocation_question *question)
{
    __attribute__((cleanup(free_store))) X509_STORE *store = X509_STORE_new();
    __attribute__((cleanup(free_stack))) STACK_OF(X509) *issuer = sk_X509_new_null();
    if (store == NULL || issuer == NULL || sk_X509_push(issuer, question->issuer) <= 0 ||
        X509_STORE_add_cert(store, question->issuer) != 1) {
        return false;
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), question->time);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return OCSP_basic_verify(basic, issuer, store, 0) == 1;
}

/* Whether the single response is about the subject, with whichever hash it names the issuer. */
static bool is_about(OCSP_SINGLERESP *single, const struct revocation_question *question)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *algorithm = NULL;
    if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)id) != 1) {
        return false;
    }
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    if (md == NULL) {
        return false;
    }
    __attribute__((cleanup(free_id))) OCSP_CERTID *wanted = OCSP_cert_to_id(md, question->subject, question->issuer);
    return wanted != NULL && OCSP_id_cmp(wanted, id) == 0;
}

static const char *wrong_time(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *to, time_t time)
{
    time_t later = time + CLOCK_DIFFERENCE;
    if (from == NULL || X509_cmp_time(from, &later) != -1) { /* 0 is an unreadable time */
        return "it is from the future, or its time cannot be read (RFC 6960 4.2.2.1)";
    }
    if (to == NULL) {
        return "it does not say until when it holds (RFC 6960 4.2.2.1)";
    }
    return X509_cmp_time(to, &time) == 1 ? NULL : "it is out of date (RFC 6960 4.2.2.1)";
}

/* True when the single response settles the matter. */
static bool take_single(OCSP_SINGLERESP *single, const struct revocation_question *question,
                        struct revocation_answer *answer)
{
    int reason = -1;
    ASN1_GENERALIZEDTIME *from = NULL;
    ASN1_GENERALIZEDTIME *to = NULL;
    int status = OCSP_single_get0_status(single, &reason, NULL, &from, &to);
    const char *why = wrong_time(from, to, question->time);
    if (status == V_OCSP_CERTSTATUS_REVOKED) { /* what was withdrawn stays so, however old the news */
        *answer = (struct revocation_answer){.state = REVOCATION_REVOKED, .reason = reason};
        return true;
    }
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        why = "the responder does not know the certificate (RFC 6960 2.2)";
    }
    *answer = (struct revocation_answer){
        .state = why == NULL ? REVOCATION_GOOD : REVOCATION_OFFLINE, .reason = -1, .why = why};
    return false;
}

STATUS ocsp_read(const struct revocation_question *question, struct revocation_answer *out)
{
    const char *why = NULL;
    __attribute__((cleanup(free_basic))) OCSP_BASICRESP *basic = parse(question->staple, &why);
    if (basic == NULL) {
        return not_believed(out, why);
    }
    struct revocation_answer answer = {
        .state = REVOCATION_OFFLINE, .reason = -1, .why = "it is about another certificate (RFC 6960 4.2.1)"};
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (answer.state != REVOCATION_GOOD && is_about(single, question) && take_single(single, question, &answer)) {
            break;
        }
    }
    /* The signature is the dearest part, and a response that says nothing needs none. */
    if (answer.state == REVOCATION_OFFLINE) {
        return not_believed(out, answer.why);
    }
    if (!is_signed(basic, question)) {
        return not_believed(out, "nobody who may speak for the issuer has signed it (RFC 6960 4.2.2.2)");
    }
    *out = answer;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- handing out */

struct ocsp_response {
    OCSP_BASICRESP *basic;
    size_t size;
    uint8_t der[];
};

void ocsp_response_free(struct ocsp_response *response)
{
    if (response != NULL) {
        OCSP_BASICRESP_free(response->basic);
        free(response);
    }
}

STATUS ocsp_response_new(struct bytes der, struct ocsp_response **out)
{
    const char *why = NULL;
    __attribute__((cleanup(free_basic))) OCSP_BASICRESP *basic = parse(der, &why);
    if (basic == NULL) {
        TRACE("certificates: no OCSP response to hand out: %s", why);
        FAIL(SEC_E_INVALID_TOKEN, "it is no successful OCSP response (RFC 6960 4.2.1)");
    }
    struct ocsp_response *response = malloc(sizeof *response + der.size);
    REQUIRE(response != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an OCSP response");
    struct writer writer = write_into(response->der, der.size);
    write_bytes(&writer, der);
    response->basic = STEAL(basic);
    response->size = der.size;
    *out = response;
    return SEC_E_OK;
}

struct bytes ocsp_response_encoding(const struct ocsp_response *response)
{
    return bytes_of(response->der, response->size);
}

/* The issuer's key, which the name does not tell, is left to the client. */
static bool names(OCSP_SINGLERESP *single, X509 *subject)
{
    ASN1_OBJECT *algorithm = NULL;
    ASN1_OCTET_STRING *issuer = NULL;
    ASN1_INTEGER *serial = NULL;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    if (OCSP_id_get0_info(&issuer, &algorithm, NULL, &serial, id) != 1 ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(subject)) != 0) {
        return false;
    }
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    return md != NULL && X509_NAME_digest(X509_get_issuer_name(subject), md, hash, &size) == 1 &&
           (size_t)ASN1_STRING_length(issuer) == size && memcmp(ASN1_STRING_get0_data(issuer), hash, size) == 0;
}

static int64_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

int64_t ocsp_response_serves(const struct ocsp_response *response, X509 *subject, time_t time)
{
    int64_t newest = -1;
    for (int i = 0; i < OCSP_resp_count(response->basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(response->basic, i);
        ASN1_GENERALIZEDTIME *from = NULL;
        ASN1_GENERALIZEDTIME *to = NULL;
        if (names(single, subject) && OCSP_single_get0_status(single, NULL, NULL, &from, &to) >= 0 &&
            wrong_time(from, to, time) == NULL) {
            int64_t made = seconds_of(from);
            newest = made > newest ? made : newest;
        }
    }
    return newest;
}
