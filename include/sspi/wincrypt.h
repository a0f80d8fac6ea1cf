/* wincrypt.h: certificates and algorithms, as far as Schannel and its users need them.
 *
 * The types are here, stores in wincrypt_store.h, names and encodings in wincrypt_names.h, keys in wincrypt_provider.h.  X509_NAME, X509_EXTENSIONS,
 * PKCS7_SIGNER_INFO, OCSP_REQUEST and OCSP_RESPONSE, which the SDK defines as macros, are left out for good: they are
 * types of OpenSSL.  Source: Microsoft Learn, the pages of the structures, "ALG_ID". */
#ifndef __WINCRYPT_H__
#define __WINCRYPT_H__

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- algorithms */

typedef UINT ALG_ID;

#define CALG_MD2        0x00008001
#define CALG_MD4        0x00008002
#define CALG_MD5        0x00008003
#define CALG_SHA        0x00008004
#define CALG_SHA1       CALG_SHA
#define CALG_MAC        0x00008005
#define CALG_HMAC       0x00008009
#define CALG_SHA_256    0x0000800C
#define CALG_SHA_384    0x0000800D
#define CALG_SHA_512    0x0000800E
#define CALG_NULLCIPHER 0x00006000
#define CALG_DES        0x00006601
#define CALG_RC2        0x00006602
#define CALG_3DES       0x00006603
#define CALG_AES_128    0x0000660E
#define CALG_AES_192    0x0000660F
#define CALG_AES_256    0x00006610
#define CALG_AES        0x00006611
#define CALG_RC4        0x00006801
#define CALG_DSS_SIGN   0x00002200
#define CALG_ECDSA      0x00002203
#define CALG_RSA_SIGN   0x00002400
#define CALG_RSA_KEYX   0x0000A400
#define CALG_DH_SF      0x0000AA01
#define CALG_DH_EPHEM   0x0000AA02
#define CALG_ECDH       0x0000AA05
#define CALG_ECDH_EPHEM 0x0000AE06

/* ---------------------------------------------------------------- bytes */

typedef struct _CRYPTOAPI_BLOB {
    DWORD cbData;
    BYTE *pbData;
} CRYPT_INTEGER_BLOB, *PCRYPT_INTEGER_BLOB, CRYPT_UINT_BLOB, *PCRYPT_UINT_BLOB, CRYPT_OBJID_BLOB, *PCRYPT_OBJID_BLOB,
    CERT_NAME_BLOB, *PCERT_NAME_BLOB, CERT_BLOB, *PCERT_BLOB, CRL_BLOB, *PCRL_BLOB, DATA_BLOB, *PDATA_BLOB,
    CRYPT_DATA_BLOB, *PCRYPT_DATA_BLOB, CRYPT_HASH_BLOB, *PCRYPT_HASH_BLOB, CRYPT_DIGEST_BLOB, *PCRYPT_DIGEST_BLOB,
    CRYPT_DER_BLOB, *PCRYPT_DER_BLOB, CRYPT_ATTR_BLOB, *PCRYPT_ATTR_BLOB, CERT_RDN_VALUE_BLOB, *PCERT_RDN_VALUE_BLOB;

typedef struct _CRYPT_BIT_BLOB {
    DWORD cbData;
    BYTE *pbData;
    DWORD cUnusedBits;
} CRYPT_BIT_BLOB, *PCRYPT_BIT_BLOB;

/* ---------------------------------------------------------------- certificates */

typedef void *HCERTSTORE;
typedef ULONG_PTR HCRYPTPROV;
typedef ULONG_PTR HCRYPTKEY;
typedef ULONG_PTR HCRYPTHASH;
typedef ULONG_PTR HCRYPTPROV_LEGACY;
typedef ULONG_PTR HCRYPTPROV_OR_NCRYPT_KEY_HANDLE;

#define CRYPT_ASN_ENCODING  0x00000001
#define X509_ASN_ENCODING   0x00000001
#define X509_NDR_ENCODING   0x00000002
#define PKCS_7_ASN_ENCODING 0x00010000
#define PKCS_7_NDR_ENCODING 0x00020000

typedef struct _CRYPT_ALGORITHM_IDENTIFIER {
    LPSTR pszObjId;
    CRYPT_OBJID_BLOB Parameters;
} CRYPT_ALGORITHM_IDENTIFIER, *PCRYPT_ALGORITHM_IDENTIFIER;

typedef struct _CERT_PUBLIC_KEY_INFO {
    CRYPT_ALGORITHM_IDENTIFIER Algorithm;
    CRYPT_BIT_BLOB PublicKey;
} CERT_PUBLIC_KEY_INFO, *PCERT_PUBLIC_KEY_INFO;

typedef struct _CERT_EXTENSION {
    LPSTR pszObjId;
    BOOL fCritical;
    CRYPT_OBJID_BLOB Value;
} CERT_EXTENSION, *PCERT_EXTENSION;
typedef const CERT_EXTENSION *PCCERT_EXTENSION;

#define CERT_V1 0
#define CERT_V2 1
#define CERT_V3 2

typedef struct _CERT_INFO {
    DWORD dwVersion;
    CRYPT_INTEGER_BLOB SerialNumber; /* least significant byte first */
    CRYPT_ALGORITHM_IDENTIFIER SignatureAlgorithm;
    CERT_NAME_BLOB Issuer;
    FILETIME NotBefore;
    FILETIME NotAfter;
    CERT_NAME_BLOB Subject;
    CERT_PUBLIC_KEY_INFO SubjectPublicKeyInfo;
    CRYPT_BIT_BLOB IssuerUniqueId;
    CRYPT_BIT_BLOB SubjectUniqueId;
    DWORD cExtension;
    PCERT_EXTENSION rgExtension;
} CERT_INFO, *PCERT_INFO;

/* A certificate, counted: CertFreeCertificateContext gives a reference back. */
typedef struct _CERT_CONTEXT {
    DWORD dwCertEncodingType; /* X509_ASN_ENCODING */
    BYTE *pbCertEncoded;
    DWORD cbCertEncoded;
    PCERT_INFO pCertInfo;
    HCERTSTORE hCertStore; /* of a peer's certificate: the rest of its chain */
} CERT_CONTEXT, *PCERT_CONTEXT;
typedef const CERT_CONTEXT *PCCERT_CONTEXT;

/* ---------------------------------------------------------------- the verdict on a chain */

typedef struct _CERT_TRUST_STATUS {
    DWORD dwErrorStatus; /* CERT_TRUST_IS_*, _HAS_*, _INVALID_* */
    DWORD dwInfoStatus;
} CERT_TRUST_STATUS, *PCERT_TRUST_STATUS;

#define CERT_TRUST_NO_ERROR                          0x00000000
#define CERT_TRUST_IS_NOT_TIME_VALID                 0x00000001
#define CERT_TRUST_IS_NOT_TIME_NESTED                0x00000002
#define CERT_TRUST_IS_REVOKED                        0x00000004
#define CERT_TRUST_IS_NOT_SIGNATURE_VALID            0x00000008
#define CERT_TRUST_IS_NOT_VALID_FOR_USAGE            0x00000010
#define CERT_TRUST_IS_UNTRUSTED_ROOT                 0x00000020
#define CERT_TRUST_REVOCATION_STATUS_UNKNOWN         0x00000040
#define CERT_TRUST_IS_CYCLIC                         0x00000080
#define CERT_TRUST_INVALID_EXTENSION                 0x00000100
#define CERT_TRUST_INVALID_POLICY_CONSTRAINTS        0x00000200
#define CERT_TRUST_INVALID_BASIC_CONSTRAINTS         0x00000400
#define CERT_TRUST_INVALID_NAME_CONSTRAINTS          0x00000800
#define CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT 0x00001000
#define CERT_TRUST_HAS_NOT_DEFINED_NAME_CONSTRAINT   0x00002000
#define CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT 0x00004000
#define CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT      0x00008000
#define CERT_TRUST_IS_PARTIAL_CHAIN                  0x00010000
#define CERT_TRUST_CTL_IS_NOT_TIME_VALID             0x00020000
#define CERT_TRUST_CTL_IS_NOT_SIGNATURE_VALID        0x00040000
#define CERT_TRUST_CTL_IS_NOT_VALID_FOR_USAGE        0x00080000
#define CERT_TRUST_HAS_WEAK_SIGNATURE                0x00100000
#define CERT_TRUST_IS_OFFLINE_REVOCATION             0x01000000
#define CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY          0x02000000
#define CERT_TRUST_IS_EXPLICIT_DISTRUST              0x04000000
#define CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT    0x08000000

#ifdef __cplusplus
}
#endif

#include "wincrypt_chain.h" /* chains, their verdicts, revocation */

#include "wincrypt_names.h"
#include "wincrypt_store.h"

#include "wincrypt_provider.h" /* providers, keys, hashes */

#endif
