/* wincrypt_chain.h: the part of wincrypt.h with chains of certificates, their verdicts and revocation.  Include wincrypt.h.
 *
 * Nothing is fetched: issuers, CRLs and OCSP responses come from the caller's stores, from the peer, and from the files
 * that sspi.conf(5) names.  Functions that return FALSE or NULL say why in GetLastError(); E_INVALIDARG for what is no
 * certificate, and ERROR_NOT_ENOUGH_MEMORY, go without saying.
 *
 * Sources: Microsoft Learn, the pages of the functions and structures. */
#ifndef __WINCRYPT_CHAIN_H__
#define __WINCRYPT_CHAIN_H__

#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- usages */

typedef struct _CTL_USAGE {
    DWORD cUsageIdentifier;
    LPSTR *rgpszUsageIdentifier; /* dotted object identifiers */
} CTL_USAGE, *PCTL_USAGE, CERT_ENHKEY_USAGE, *PCERT_ENHKEY_USAGE;
typedef const CTL_USAGE *PCCTL_USAGE;
typedef const CERT_ENHKEY_USAGE *PCCERT_ENHKEY_USAGE;

#define szOID_SERVER_GATED_CRYPTO "1.3.6.1.4.1.311.10.3.3"
#define szOID_SGC_NETSCAPE        "2.16.840.1.113730.4.1"

#define CERT_DIGITAL_SIGNATURE_KEY_USAGE 0x80
#define CERT_NON_REPUDIATION_KEY_USAGE   0x40
#define CERT_KEY_ENCIPHERMENT_KEY_USAGE  0x20
#define CERT_DATA_ENCIPHERMENT_KEY_USAGE 0x10
#define CERT_KEY_AGREEMENT_KEY_USAGE     0x08
#define CERT_KEY_CERT_SIGN_KEY_USAGE     0x04
#define CERT_OFFLINE_CRL_SIGN_KEY_USAGE  0x02
#define CERT_CRL_SIGN_KEY_USAGE          0x02
#define CERT_ENCIPHER_ONLY_KEY_USAGE     0x01
#define CERT_DECIPHER_ONLY_KEY_USAGE     0x80 /* of the second byte */

#define USAGE_MATCH_TYPE_AND 0x00000000
#define USAGE_MATCH_TYPE_OR  0x00000001

typedef struct _CERT_USAGE_MATCH {
    DWORD dwType; /* USAGE_MATCH_TYPE_* */
    CERT_ENHKEY_USAGE Usage;
} CERT_USAGE_MATCH, *PCERT_USAGE_MATCH;

/* ---------------------------------------------------------------- chains */

#define CERT_TRUST_HAS_EXACT_MATCH_ISSUER 0x00000001
#define CERT_TRUST_HAS_KEY_MATCH_ISSUER   0x00000002
#define CERT_TRUST_HAS_NAME_MATCH_ISSUER  0x00000004
#define CERT_TRUST_IS_SELF_SIGNED         0x00000008
#define CERT_TRUST_HAS_PREFERRED_ISSUER   0x00000100
#define CERT_TRUST_IS_CA_TRUSTED          0x00004000
#define CERT_TRUST_IS_COMPLEX_CHAIN       0x00010000

typedef struct _CERT_REVOCATION_CRL_INFO {
    DWORD cbSize;
    const struct _CRL_CONTEXT *pBaseCrlContext;
    const struct _CRL_CONTEXT *pDeltaCrlContext;
    struct _CRL_ENTRY *pCrlEntry;
    BOOL fDeltaCrlEntry;
} CERT_REVOCATION_CRL_INFO, *PCERT_REVOCATION_CRL_INFO;

typedef struct _CERT_REVOCATION_INFO {
    DWORD cbSize;
    DWORD dwRevocationResult; /* 0, CRYPT_E_REVOKED, CRYPT_E_NO_REVOCATION_CHECK, CRYPT_E_REVOCATION_OFFLINE */
    LPCSTR pszRevocationOid;
    LPVOID pvOidSpecificInfo;
    BOOL fHasFreshnessTime;
    DWORD dwFreshnessTime;
    PCERT_REVOCATION_CRL_INFO pCrlInfo;
} CERT_REVOCATION_INFO, *PCERT_REVOCATION_INFO;

typedef struct _CERT_CHAIN_ELEMENT {
    DWORD cbSize;
    PCCERT_CONTEXT pCertContext;
    CERT_TRUST_STATUS TrustStatus;
    PCERT_REVOCATION_INFO pRevocationInfo; /* NULL: revocation was not asked for */
    PCERT_ENHKEY_USAGE pIssuanceUsage;
    PCERT_ENHKEY_USAGE pApplicationUsage; /* NULL: any */
    LPCWSTR pwszExtendedErrorInfo;
} CERT_CHAIN_ELEMENT, *PCERT_CHAIN_ELEMENT;
typedef const CERT_CHAIN_ELEMENT *PCCERT_CHAIN_ELEMENT;

typedef struct _CERT_TRUST_LIST_INFO {
    DWORD cbSize;
    struct _CTL_ENTRY *pCtlEntry;
    const struct _CTL_CONTEXT *pCtlContext;
} CERT_TRUST_LIST_INFO, *PCERT_TRUST_LIST_INFO;

typedef struct _CERT_SIMPLE_CHAIN {
    DWORD cbSize;
    CERT_TRUST_STATUS TrustStatus;
    DWORD cElement;
    PCERT_CHAIN_ELEMENT *rgpElement; /* the end certificate first */
    PCERT_TRUST_LIST_INFO pTrustListInfo;
    BOOL fHasRevocationFreshnessTime;
    DWORD dwRevocationFreshnessTime;
} CERT_SIMPLE_CHAIN, *PCERT_SIMPLE_CHAIN;
typedef const CERT_SIMPLE_CHAIN *PCCERT_SIMPLE_CHAIN;

typedef struct _CERT_CHAIN_CONTEXT CERT_CHAIN_CONTEXT, *PCERT_CHAIN_CONTEXT;
typedef const CERT_CHAIN_CONTEXT *PCCERT_CHAIN_CONTEXT;

struct _CERT_CHAIN_CONTEXT {
    DWORD cbSize;
    CERT_TRUST_STATUS TrustStatus;
    DWORD cChain; /* 1: there are no chains of lists here */
    PCERT_SIMPLE_CHAIN *rgpChain;
    DWORD cLowerQualityChainContext;
    PCCERT_CHAIN_CONTEXT *rgpLowerQualityChainContext;
    BOOL fHasRevocationFreshnessTime;
    DWORD dwRevocationFreshnessTime;
    DWORD dwCreateFlags;
    GUID ChainId;
};

typedef struct _CERT_CHAIN_PARA {
    DWORD cbSize; /* also that of the structure without the optional members, and the other way round */
    CERT_USAGE_MATCH RequestedUsage;
#ifdef CERT_CHAIN_PARA_HAS_EXTRA_FIELDS
    CERT_USAGE_MATCH RequestedIssuancePolicy;
    DWORD dwUrlRetrievalTimeout;
    BOOL fCheckRevocationFreshnessTime;
    DWORD dwRevocationFreshnessTime;
    LPFILETIME pftCacheResync;
#endif
} CERT_CHAIN_PARA, *PCERT_CHAIN_PARA;

#define CERT_CHAIN_CACHE_END_CERT                      0x00000001
#define CERT_CHAIN_THREAD_STORE_SYNC                   0x00000002
#define CERT_CHAIN_CACHE_ONLY_URL_RETRIEVAL            0x00000004
#define CERT_CHAIN_USE_LOCAL_MACHINE_STORE             0x00000008
#define CERT_CHAIN_ENABLE_CACHE_AUTO_UPDATE            0x00000010
#define CERT_CHAIN_ENABLE_SHARE_STORE                  0x00000020
#define CERT_CHAIN_DISABLE_PASS1_QUALITY_FILTERING     0x00000040
#define CERT_CHAIN_RETURN_LOWER_QUALITY_CONTEXTS       0x00000080
#define CERT_CHAIN_DISABLE_AUTH_ROOT_AUTO_UPDATE       0x00000100
#define CERT_CHAIN_TIMESTAMP_TIME                      0x00000200
#define CERT_CHAIN_REVOCATION_CHECK_OCSP_CERT          0x04000000
#define CERT_CHAIN_REVOCATION_ACCUMULATIVE_TIMEOUT     0x08000000
#define CERT_CHAIN_REVOCATION_CHECK_END_CERT           0x10000000
#define CERT_CHAIN_REVOCATION_CHECK_CHAIN              0x20000000
#define CERT_CHAIN_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT 0x40000000
#define CERT_CHAIN_REVOCATION_CHECK_CACHE_ONLY         0x80000000

/* ---------------------------------------------------------------- engines */

typedef HANDLE HCERTCHAINENGINE;

#define HCCE_CURRENT_USER         ((HCERTCHAINENGINE)NULL)
#define HCCE_LOCAL_MACHINE        ((HCERTCHAINENGINE)(ULONG_PTR)1)
#define HCCE_SERIAL_LOCAL_MACHINE ((HCERTCHAINENGINE)(ULONG_PTR)2)

#define CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG 0x00000001

typedef struct _CERT_CHAIN_ENGINE_CONFIG {
    DWORD cbSize; /* 88, or 80 or 64 of older headers */
    HCERTSTORE hRestrictedRoot;
    HCERTSTORE hRestrictedTrust;
    HCERTSTORE hRestrictedOther;
    DWORD cAdditionalStore;
    HCERTSTORE *rghAdditionalStore;
    DWORD dwFlags;
    DWORD dwUrlRetrievalTimeout;
    DWORD MaximumCachedCertificates;
    DWORD CycleDetectionModulus;
    HCERTSTORE hExclusiveRoot;
    HCERTSTORE hExclusiveTrustedPeople;
    DWORD dwExclusiveFlags;
} CERT_CHAIN_ENGINE_CONFIG, *PCERT_CHAIN_ENGINE_CONFIG;

/* Anchors and stores for chains; keeps the certificates that are in the stores now.  hExclusiveRoot replaces the system's
 * roots, hRestrictedRoot leaves of them those that it holds too, hRestrictedOther and rghAdditionalStore hold issuers.
 * TRUE; FALSE with E_INVALIDARG (cbSize), ERROR_NOT_SUPPORTED (hRestrictedTrust, hExclusiveTrustedPeople). */
BOOL WINAPI CertCreateCertificateChainEngine(PCERT_CHAIN_ENGINE_CONFIG pConfig, HCERTCHAINENGINE *phChainEngine);
/* A handle that is none, or no longer one, is left alone. */
void WINAPI CertFreeCertificateChainEngine(HCERTCHAINENGINE hChainEngine);

/* The best chain there is, with what is wrong with it in TrustStatus.  Issuers: the store that the certificate lies in,
 * hAdditionalStore, the engine's stores.  The stapled OCSP response is the certificate's CERT_OCSP_RESPONSE_PROP_ID.
 *
 * TRUE, for bad chains too; FALSE with E_INVALIDARG, ERROR_INVALID_HANDLE (the engine), ERROR_NOT_SUPPORTED
 * (RequestedIssuancePolicy). */
BOOL WINAPI CertGetCertificateChain(HCERTCHAINENGINE hChainEngine, PCCERT_CONTEXT pCertContext, LPFILETIME pTime,
                                    HCERTSTORE hAdditionalStore, PCERT_CHAIN_PARA pChainPara, DWORD dwFlags,
                                    LPVOID pvReserved, PCCERT_CHAIN_CONTEXT *ppChainContext);
/* Gives a reference back; NULL, and what is no chain, are left alone. */
void WINAPI CertFreeCertificateChain(PCCERT_CHAIN_CONTEXT pChainContext);
/* The same chain with one more reference; NULL for what is no chain. */
PCCERT_CHAIN_CONTEXT WINAPI CertDuplicateCertificateChain(PCCERT_CHAIN_CONTEXT pChainContext);

/* ---------------------------------------------------------------- policies */

typedef struct _CERT_CHAIN_POLICY_PARA {
    DWORD cbSize;
    DWORD dwFlags; /* CERT_CHAIN_POLICY_*_FLAG */
    void *pvExtraPolicyPara;
} CERT_CHAIN_POLICY_PARA, *PCERT_CHAIN_POLICY_PARA;

typedef struct _CERT_CHAIN_POLICY_STATUS {
    DWORD cbSize;
    DWORD dwError; /* CERT_E_*, CRYPT_E_*, TRUST_E_*, or 0 */
    LONG lChainIndex;
    LONG lElementIndex; /* -1: the chain as a whole */
    void *pvExtraPolicyStatus;
} CERT_CHAIN_POLICY_STATUS, *PCERT_CHAIN_POLICY_STATUS;

#define CERT_CHAIN_POLICY_BASE              ((LPCSTR)(ULONG_PTR)1)
#define CERT_CHAIN_POLICY_AUTHENTICODE      ((LPCSTR)(ULONG_PTR)2)
#define CERT_CHAIN_POLICY_AUTHENTICODE_TS   ((LPCSTR)(ULONG_PTR)3)
#define CERT_CHAIN_POLICY_SSL               ((LPCSTR)(ULONG_PTR)4)
#define CERT_CHAIN_POLICY_BASIC_CONSTRAINTS ((LPCSTR)(ULONG_PTR)5)
#define CERT_CHAIN_POLICY_NT_AUTH           ((LPCSTR)(ULONG_PTR)6)
#define CERT_CHAIN_POLICY_MICROSOFT_ROOT    ((LPCSTR)(ULONG_PTR)7)
#define CERT_CHAIN_POLICY_EV                ((LPCSTR)(ULONG_PTR)8)
#define CERT_CHAIN_POLICY_SSL_F12           ((LPCSTR)(ULONG_PTR)9)

#define CERT_CHAIN_POLICY_IGNORE_NOT_TIME_VALID_FLAG             0x00000001
#define CERT_CHAIN_POLICY_IGNORE_CTL_NOT_TIME_VALID_FLAG         0x00000002
#define CERT_CHAIN_POLICY_IGNORE_NOT_TIME_NESTED_FLAG            0x00000004
#define CERT_CHAIN_POLICY_IGNORE_ALL_NOT_TIME_VALID_FLAGS        0x00000007
#define CERT_CHAIN_POLICY_IGNORE_INVALID_BASIC_CONSTRAINTS_FLAG  0x00000008
#define CERT_CHAIN_POLICY_ALLOW_UNKNOWN_CA_FLAG                  0x00000010
#define CERT_CHAIN_POLICY_IGNORE_WRONG_USAGE_FLAG                0x00000020
#define CERT_CHAIN_POLICY_IGNORE_INVALID_NAME_FLAG               0x00000040
#define CERT_CHAIN_POLICY_IGNORE_INVALID_POLICY_FLAG             0x00000080
#define CERT_CHAIN_POLICY_IGNORE_END_REV_UNKNOWN_FLAG            0x00000100
#define CERT_CHAIN_POLICY_IGNORE_CTL_SIGNER_REV_UNKNOWN_FLAG     0x00000200
#define CERT_CHAIN_POLICY_IGNORE_CA_REV_UNKNOWN_FLAG             0x00000400
#define CERT_CHAIN_POLICY_IGNORE_ROOT_REV_UNKNOWN_FLAG           0x00000800
#define CERT_CHAIN_POLICY_IGNORE_ALL_REV_UNKNOWN_FLAGS           0x00000F00
#define CERT_CHAIN_POLICY_IGNORE_PEER_TRUST_FLAG                 0x00001000
#define CERT_CHAIN_POLICY_IGNORE_NOT_SUPPORTED_CRITICAL_EXT_FLAG 0x00002000
#define CERT_CHAIN_POLICY_TRUST_TESTROOT_FLAG                    0x00004000
#define CERT_CHAIN_POLICY_ALLOW_TESTROOT_FLAG                    0x00008000
#define CERT_CHAIN_POLICY_IGNORE_WEAK_SIGNATURE_FLAG             0x08000000

#ifndef AUTHTYPE_CLIENT
#define AUTHTYPE_CLIENT 1 /* the chain is a client's */
#define AUTHTYPE_SERVER 2 /* the chain is a server's */
#endif

typedef struct _HTTPSPolicyCallbackData {
    __extension__ union {
        DWORD cbStruct;
        DWORD cbSize;
    };
    DWORD dwAuthType;      /* AUTHTYPE_* */
    DWORD fdwChecks;       /* SECURITY_FLAG_IGNORE_*; other bits are not looked at */
    WCHAR *pwszServerName; /* NULL: the name is not checked */
} HTTPSPolicyCallbackData, *PHTTPSPolicyCallbackData, SSL_EXTRA_CERT_CHAIN_POLICY_PARA,
    *PSSL_EXTRA_CERT_CHAIN_POLICY_PARA;

#ifndef SECURITY_FLAG_IGNORE_REVOCATION /* the SDK has these in wininet.h */
#define SECURITY_FLAG_IGNORE_REVOCATION        0x00000080
#define SECURITY_FLAG_IGNORE_UNKNOWN_CA        0x00000100
#define SECURITY_FLAG_IGNORE_WRONG_USAGE       0x00000200
#define SECURITY_FLAG_IGNORE_CERT_CN_INVALID   0x00001000
#define SECURITY_FLAG_IGNORE_CERT_DATE_INVALID 0x00002000
#endif

#define BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_CA_FLAG         0x80000000
#define BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_END_ENTITY_FLAG 0x40000000

/* CERT_CHAIN_POLICY_BASE, _SSL and _BASIC_CONSTRAINTS.  The verdict is dwError: of several things that are wrong, who
 * says so comes first (TRUST_E_CERT_SIGNATURE, TRUST_E_EXPLICIT_DISTRUST, CERT_E_UNTRUSTEDROOT, CERT_E_CHAINING,
 * TRUST_E_BASIC_CONSTRAINTS, CERT_E_INVALID_NAME, CERT_E_INVALID_POLICY, CERT_E_CRITICAL), then whether it still holds
 * (CRYPT_E_REVOKED, CERT_E_EXPIRED), then what it is for (CERT_E_WRONG_USAGE, CERT_E_CN_NO_MATCH), then what could not
 * be found out (CRYPT_E_REVOCATION_OFFLINE, CRYPT_E_NO_REVOCATION_CHECK).
 *
 * TRUE; FALSE with ERROR_FILE_NOT_FOUND (another policy), E_INVALIDARG. */
BOOL WINAPI CertVerifyCertificateChainPolicy(LPCSTR pszPolicyOID, PCCERT_CHAIN_CONTEXT pChainContext,
                                             PCERT_CHAIN_POLICY_PARA pPolicyPara,
                                             PCERT_CHAIN_POLICY_STATUS pPolicyStatus);

/* ---------------------------------------------------------------- revocation */

#define CERT_CONTEXT_REVOCATION_TYPE            1
#define CERT_VERIFY_REV_CHAIN_FLAG              0x00000001
#define CERT_VERIFY_CACHE_ONLY_BASED_REVOCATION 0x00000002

#define CRL_REASON_UNSPECIFIED            0
#define CRL_REASON_KEY_COMPROMISE         1
#define CRL_REASON_CA_COMPROMISE          2
#define CRL_REASON_AFFILIATION_CHANGED    3
#define CRL_REASON_SUPERSEDED             4
#define CRL_REASON_CESSATION_OF_OPERATION 5
#define CRL_REASON_CERTIFICATE_HOLD       6
#define CRL_REASON_REMOVE_FROM_CRL        8

typedef struct _CERT_REVOCATION_PARA {
    DWORD cbSize;
    PCCERT_CONTEXT pIssuerCert;
    DWORD cCertStore;
    HCERTSTORE *rgCertStore;
    HCERTSTORE hCrlStore;
    LPFILETIME pftTimeToUse;
} CERT_REVOCATION_PARA, *PCERT_REVOCATION_PARA;

typedef struct _CERT_REVOCATION_STATUS {
    DWORD cbSize;
    DWORD dwIndex;  /* the first one that is revoked or of which nothing is known */
    DWORD dwError;  /* CRYPT_E_* */
    DWORD dwReason; /* CRL_REASON_* when it was revoked */
    BOOL fHasFreshnessTime;
    DWORD dwFreshnessTime;
} CERT_REVOCATION_STATUS, *PCERT_REVOCATION_STATUS;

/* Whether certificates are known to be good, from CRLs in the stores of pRevPara and the system's.
 * TRUE when all are; FALSE with CRYPT_E_REVOKED, CRYPT_E_REVOCATION_OFFLINE, CRYPT_E_NO_REVOCATION_CHECK, which
 * pRevStatus repeats, or E_INVALIDARG. */
BOOL WINAPI CertVerifyRevocation(DWORD dwEncodingType, DWORD dwRevType, DWORD cContext, PVOID rgpvContext[],
                                 DWORD dwFlags, PCERT_REVOCATION_PARA pRevPara, PCERT_REVOCATION_STATUS pRevStatus);

/* ---------------------------------------------------------------- single questions */

#define CERT_STORE_SIGNATURE_FLAG     0x00000001
#define CERT_STORE_TIME_VALIDITY_FLAG 0x00000002
#define CERT_STORE_REVOCATION_FLAG    0x00000004
#define CERT_STORE_NO_CRL_FLAG        0x00010000
#define CERT_STORE_NO_ISSUER_FLAG     0x00020000
#define CERT_STORE_BASE_CRL_FLAG      0x00000100
#define CERT_STORE_DELTA_CRL_FLAG     0x00000200

/* -1 before its time, 1 after it, 0 in between; pTimeToVerify NULL is now. */
LONG WINAPI CertVerifyTimeValidity(LPFILETIME pTimeToVerify, PCERT_INFO pCertInfo);
/* Whether the subject's time lies within the issuer's. */
BOOL WINAPI CertVerifyValidityNesting(PCERT_INFO pSubjectInfo, PCERT_INFO pIssuerInfo);
/* The next certificate of the store that may be the issuer; consumes pPrevIssuerContext.  Of the CERT_STORE_ bits in
 * *pdwFlags those stay that do not hold.  NULL with CRYPT_E_NOT_FOUND, CRYPT_E_SELF_SIGNED (the subject is a root). */
PCCERT_CONTEXT WINAPI CertGetIssuerCertificateFromStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pSubjectContext,
                                                        PCCERT_CONTEXT pPrevIssuerContext, DWORD *pdwFlags);
/* The same checks for an issuer that is known; pIssuer NULL for a root.  TRUE also when bits stay. */
BOOL WINAPI CertVerifySubjectCertificateContext(PCCERT_CONTEXT pSubject, PCCERT_CONTEXT pIssuer, DWORD *pdwFlags);
/* Usages of extension and property, or of one of them.  No usages and CRYPT_E_NOT_FOUND: good for all; no usages and 0:
 * for none.  FALSE with ERROR_MORE_DATA. */
BOOL WINAPI CertGetEnhancedKeyUsage(PCCERT_CONTEXT pCertContext, DWORD dwFlags, PCERT_ENHKEY_USAGE pUsage,
                                    DWORD *pcbUsage);
/* The KeyUsage bits, zeros behind them.  FALSE with 0 when there is no such extension, or CRYPT_E_ASN1_BADTAG. */
BOOL WINAPI CertGetIntendedKeyUsage(DWORD dwCertEncodingType, PCERT_INFO pCertInfo, BYTE *pbKeyUsage, DWORD cbKeyUsage);

#ifdef __cplusplus
}
#endif

#endif
