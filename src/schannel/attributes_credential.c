/* What a Schannel credential tells about itself (QueryCredentialsAttributes). */
#include "schannel/credential.h"
#include "schannel/suite.h"
#include "wire/writer.h"

/* A suite that it would offer or take; NULL: of a protocol that it does not speak. */
static const struct suite *suite_at(const struct schannel_credential *credential, int index)
{
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(credential->ssl_ctx);
    const struct suite *suite = suite_find(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, index)));
    uint32_t speaks = suite != NULL && suite->tls13 ? SP_PROT_TLS1_3 : ~(uint32_t)SP_PROT_TLS1_3;
    return (credential->protocols & speaks) != 0 ? suite : NULL;
}

static int suites_of(const struct schannel_credential *credential)
{
    return sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(credential->ssl_ctx));
}

#define ALGORITHMS_MAX 32

static void add(uint32_t algorithm, uint32_t *list, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (list[i] == algorithm) {
            return;
        }
    }
    if (algorithm != 0 && *count < ALGORITHMS_MAX) {
        list[(*count)++] = algorithm;
    }
}

static SECURITY_STATUS algorithms(const struct schannel_credential *credential, struct attribute *out)
{
    uint32_t list[ALGORITHMS_MAX];
    size_t count = 0;
    for (int i = 0; i < suites_of(credential); i++) {
        const struct suite *suite = suite_at(credential, i);
        if (suite != NULL) {
            add(suite_cipher_algorithm(suite), list, &count);
            add(suite_hash_algorithm(suite), list, &count);
            add(suite_exchange_algorithm(suite), list, &count);
            add(suite->signer == SUITE_BY_ECDSA ? CALG_ECDSA : CALG_RSA_SIGN, list, &count);
        }
    }
    TRY(secret_copy(&out->owned, bytes_of(list, count * sizeof list[0])));
    out->bytes = secret_bytes(&out->owned);
    return SEC_E_OK;
}

static void strengths(const struct schannel_credential *credential, struct attribute *out)
{
    uint32_t minimum = UINT32_MAX;
    uint32_t maximum = 0;
    for (int i = 0; i < suites_of(credential); i++) {
        const struct suite *suite = suite_at(credential, i);
        uint32_t bits = suite != NULL ? suite->key_bits : 0;
        minimum = bits != 0 && bits < minimum ? bits : minimum;
        maximum = bits > maximum ? bits : maximum;
    }
    out->strengths.minimum = maximum != 0 ? minimum : 0;
    out->strengths.maximum = maximum;
}

SECURITY_STATUS schannel_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct schannel_credential *credential = (struct schannel_credential *)base;
    switch (attribute) {
    case SECPKG_ATTR_SUPPORTED_PROTOCOLS:
        out->number = credential->protocols;
        return SEC_E_OK;
    case SECPKG_ATTR_SUPPORTED_ALGS:
        return algorithms(credential, out);
    case SECPKG_ATTR_CIPHER_STRENGTHS:
        strengths(credential, out);
        return SEC_E_OK;
    case SECPKG_CRED_ATTR_CERT:
        REQUIRE(credential->identity_count != 0, SEC_E_NO_CREDENTIALS, "the credential has no certificate");
        out->bytes = certificate_encoding(credential->identities[0].certificate);
        return SEC_E_OK;
    case SECPKG_CRED_ATTR_NAMES: /* windows-behaviour S3 */
        FAIL(SEC_E_NO_CREDENTIALS, "Schannel credentials have no user's name");
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "Schannel credentials have no such attribute (QueryCredentialsAttributes)");
    }
}
