/* Certificates and CRLs: making, holding, looking at them (wincrypt_store.h, wincrypt_names.h). */
#include "api/crypt32.h"

#include <string.h>

#include "cert/hash.h"
#include "cert/public_key.h"

/* ---------------------------------------------------------------- certificates */

static STATUS create_certificate(DWORD encoding, struct bytes der, PCCERT_CONTEXT *out)
{
    struct certificate *certificate = NULL;
    REQUIRE(crypt32_encoding(encoding), SEC_E_INVALID_PARAMETER, "crypt32: an encoding that is not X509_ASN_ENCODING");
    TRY(certificate_parse(der, &certificate));
    *out = certificate_context(certificate);
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertCreateCertificateContext(DWORD dwCertEncodingType, const BYTE *pbCertEncoded,
                                                   DWORD cbCertEncoded)
{
    PCCERT_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertCreateCertificateContext",
                 create_certificate(dwCertEncodingType, bytes_of(pbCertEncoded, cbCertEncoded), &context));
    return context;
}

static STATUS duplicate_certificate(PCCERT_CONTEXT context, PCCERT_CONTEXT *out)
{
    struct certificate *certificate = NULL;
    if (context != NULL) {
        TRY(certificate_from_context(context, &certificate));
        *out = certificate_context(certificate);
    }
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertDuplicateCertificateContext(PCCERT_CONTEXT pCertContext)
{
    PCCERT_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertDuplicateCertificateContext", duplicate_certificate(pCertContext, &context));
    return context;
}

/* Windows gives TRUE whatever it is handed; what is not ours is left alone. */
BOOL WINAPI CertFreeCertificateContext(PCCERT_CONTEXT pCertContext)
{
    certificate_drop(certificate_of(pCertContext));
    return TRUE;
}

/* ---------------------------------------------------------------- CRLs */

static STATUS create_crl(DWORD encoding, struct bytes der, PCCRL_CONTEXT *out)
{
    struct crl *crl = NULL;
    REQUIRE(crypt32_encoding(encoding), SEC_E_INVALID_PARAMETER, "crypt32: an encoding that is not X509_ASN_ENCODING");
    TRY(crl_parse(der, &crl));
    *out = &crl->context;
    return SEC_E_OK;
}

PCCRL_CONTEXT WINAPI CertCreateCRLContext(DWORD dwCertEncodingType, const BYTE *pbCrlEncoded, DWORD cbCrlEncoded)
{
    PCCRL_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertCreateCRLContext",
                 create_crl(dwCertEncodingType, bytes_of(pbCrlEncoded, cbCrlEncoded), &context));
    return context;
}

PCCRL_CONTEXT WINAPI CertDuplicateCRLContext(PCCRL_CONTEXT pCrlContext)
{
    struct crl *crl = crl_hold(crl_of(pCrlContext));
    return crl == NULL ? NULL : &crl->context;
}

BOOL WINAPI CertFreeCRLContext(PCCRL_CONTEXT pCrlContext)
{
    crl_drop(crl_of(pCrlContext));
    return TRUE;
}

/* ---------------------------------------------------------------- comparing */

static struct bytes blob(const CRYPT_DATA_BLOB *value)
{
    return bytes_of(value->pbData, value->cbData);
}

static bool same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Without the bytes that only repeat the sign (CertCompareIntegerBlob: "leading zeros", and 0xFF of negative numbers). */
static struct bytes significant(const CRYPT_INTEGER_BLOB *number)
{
    struct bytes value = blob(number);
    while (value.size > 1 && ((value.data[value.size - 1] == 0x00) ||
                              (value.data[value.size - 1] == 0xFF && (value.data[value.size - 2] & 0x80) != 0))) {
        value.size--;
    }
    return value;
}

BOOL WINAPI CertCompareIntegerBlob(PCRYPT_INTEGER_BLOB pInt1, PCRYPT_INTEGER_BLOB pInt2)
{
    return pInt1 != NULL && pInt2 != NULL && same(significant(pInt1), significant(pInt2));
}

BOOL WINAPI CertCompareCertificateName(DWORD dwCertEncodingType, PCERT_NAME_BLOB pCertName1, PCERT_NAME_BLOB pCertName2)
{
    return pCertName1 != NULL && pCertName2 != NULL && same(blob(pCertName1), blob(pCertName2));
}

BOOL WINAPI CertCompareCertificate(DWORD dwCertEncodingType, PCERT_INFO pCertId1, PCERT_INFO pCertId2)
{
    return pCertId1 != NULL && pCertId2 != NULL &&
           CertCompareCertificateName(dwCertEncodingType, &pCertId1->Issuer, &pCertId2->Issuer) &&
           CertCompareIntegerBlob(&pCertId1->SerialNumber, &pCertId2->SerialNumber);
}

BOOL WINAPI CertComparePublicKeyInfo(DWORD dwCertEncodingType, PCERT_PUBLIC_KEY_INFO pPublicKey1,
                                     PCERT_PUBLIC_KEY_INFO pPublicKey2)
{
    return pPublicKey1 != NULL && pPublicKey2 != NULL && pPublicKey1->Algorithm.pszObjId != NULL &&
           pPublicKey2->Algorithm.pszObjId != NULL &&
           strcmp(pPublicKey1->Algorithm.pszObjId, pPublicKey2->Algorithm.pszObjId) == 0 &&
           pPublicKey1->PublicKey.cUnusedBits == pPublicKey2->PublicKey.cUnusedBits &&
           same(bytes_of(pPublicKey1->PublicKey.pbData, pPublicKey1->PublicKey.cbData),
                bytes_of(pPublicKey2->PublicKey.pbData, pPublicKey2->PublicKey.cbData));
}

/* ---------------------------------------------------------------- looking things up */

PCERT_EXTENSION WINAPI CertFindExtension(LPCSTR pszObjId, DWORD cExtensions, CERT_EXTENSION rgExtensions[])
{
    for (DWORD i = 0; pszObjId != NULL && rgExtensions != NULL && i < cExtensions; i++) {
        if (rgExtensions[i].pszObjId != NULL && strcmp(rgExtensions[i].pszObjId, pszObjId) == 0) {
            return &rgExtensions[i];
        }
    }
    return NULL;
}

DWORD WINAPI CertGetPublicKeyLength(DWORD dwCertEncodingType, PCERT_PUBLIC_KEY_INFO pPublicKey)
{
    DWORD bits = 0;
    SECURITY_STATUS status = SEC_E_INVALID_PARAMETER;
    status_begin();
    if (pPublicKey != NULL && pPublicKey->Algorithm.pszObjId != NULL) {
        status = public_key_bits(pPublicKey, &bits);
    }
    crypt32_done("CertGetPublicKeyLength", status);
    return bits;
}

static STATUS hash_certificate(ALG_ID algorithm, struct bytes data, BYTE *hash, DWORD *size)
{
    static const struct {
        ALG_ID id;
        const char *name;
    } digests[] = {{0, "SHA1"},
                   {CALG_SHA1, "SHA1"},
                   {CALG_MD5, "MD5"},
                   {CALG_SHA_256, "SHA256"},
                   {CALG_SHA_384, "SHA384"},
                   {CALG_SHA_512, "SHA512"}};
    const char *name = NULL;
    uint8_t computed[HASH_MAX];
    size_t computed_size = 0;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        name = digests[i].id == algorithm ? digests[i].name : name;
    }
    REQUIRE(name != NULL, NTE_BAD_ALGID, "crypt32: not a hash that certificates are known by");
    REQUIRE(data.data != NULL || data.size == 0, SEC_E_INVALID_PARAMETER, "crypt32: nothing to hash");
    TRY(hash_of(name, data, computed, &computed_size));
    return crypt32_give(bytes_of(computed, computed_size), hash, size);
}

BOOL WINAPI CryptHashCertificate(HCRYPTPROV_LEGACY hCryptProv, ALG_ID Algid, DWORD dwFlags, const BYTE *pbEncoded,
                                 DWORD cbEncoded, BYTE *pbComputedHash, DWORD *pcbComputedHash)
{
    status_begin();
    return crypt32_done("CryptHashCertificate",
                        hash_certificate(Algid, bytes_of(pbEncoded, cbEncoded), pbComputedHash, pcbComputedHash));
}
