/* OCSP staples: no crash, and no change to a response makes it say more than it did.  The input is either a response as it
 * comes, or changes to a good one, which is made here under a key that nobody else has. */
#include "fuzz/fuzz.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "cert/revocation.h"

#define NOW ((time_t)1800000000)

static X509 *issuer, *subject;
static EVP_PKEY *key;
static uint8_t good[4096];
static size_t good_size;

static X509 *make(long serial, const char *name)
{
    X509 *made = X509_new();
    PROMISE(made != NULL && X509_set_version(made, 2) == 1);
    PROMISE(ASN1_INTEGER_set(X509_get_serialNumber(made), serial) == 1);
    PROMISE(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                       -1, 0) == 1);
    PROMISE(X509_NAME_add_entry_by_txt(X509_get_issuer_name(made), "CN", MBSTRING_ASC, (const unsigned char *)"issuer",
                                       -1, -1, 0) == 1);
    PROMISE(ASN1_TIME_set(X509_getm_notBefore(made), NOW - 86400) != NULL);
    PROMISE(ASN1_TIME_set(X509_getm_notAfter(made), NOW + 86400) != NULL);
    PROMISE(X509_set_pubkey(made, key) == 1 && X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static void make_good(void)
{
    unsigned char *at = good;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), subject, issuer);
    ASN1_TIME *from = ASN1_TIME_set(NULL, NOW - 60);
    ASN1_TIME *to = ASN1_TIME_set(NULL, NOW + 60);
    PROMISE(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, to) != NULL);
    PROMISE(OCSP_basic_sign(basic, issuer, key, EVP_sha256(), NULL, 0) == 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    PROMISE(response != NULL && i2d_OCSP_RESPONSE(response, NULL) < (int)sizeof good);
    good_size = (size_t)i2d_OCSP_RESPONSE(response, &at);
    OCSP_RESPONSE_free(response);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
}

static enum revocation_state state_of(struct bytes staple)
{
    struct revocation_answer answer = {.state = REVOCATION_NOT_ASKED};
    struct revocation_question question = {.subject = subject, .issuer = issuer, .staple = staple, .time = NOW};
    PROMISE(ocsp_read(&question, &answer) == SEC_E_OK);
    PROMISE((answer.state == REVOCATION_OFFLINE) == (answer.why != NULL));
    return answer.state;
}

static void set_up(void)
{
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    PROMISE(key != NULL);
    issuer = make(1, "issuer");
    subject = make(2, "subject");
    make_good();
    PROMISE(state_of(bytes_of(good, good_size)) == REVOCATION_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    if (key == NULL) {
        set_up();
    }
    if (tape_u8(&tape) % 2 == 0) { /* nobody who writes inputs has the key */
        PROMISE(state_of(bytes_of(tape.data, tape.size)) == REVOCATION_OFFLINE);
        return 0;
    }
    uint8_t changed[sizeof good];
    size_t changed_size = good_size;
    memcpy(changed, good, good_size);
    (void)tape_spoil(&tape, changed, &changed_size);
    PROMISE(state_of(bytes_of(changed, changed_size)) != REVOCATION_REVOKED);
    return 0;
}
