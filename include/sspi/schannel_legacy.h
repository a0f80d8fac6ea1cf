/* schannel_legacy.h: the part of schannel.h that no program written since 2000 needs.  Include schannel.h. */
#ifndef _SCHANNEL_LEGACY_H_
#define _SCHANNEL_LEGACY_H_

#include "sspi.h"
#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct _HMAPPER;

#define SCH_CRED_X509_CERTCHAIN 0x00000001
#define SCH_CRED_X509_CAPI      0x00000002
#define SCH_CRED_CERT_CONTEXT   0x00000003

#define SCHANNEL_SECRET_TYPE_CAPI 0x00000001
#define SCHANNEL_SECRET_PRIVKEY   0x00000002

typedef struct _SCH_CRED {
    DWORD dwVersion;
    DWORD cCreds;
    PVOID *paSecret;
    PVOID *paPublic;
    DWORD cMappers;
    struct _HMAPPER **aphMappers;
} SCH_CRED, *PSCH_CRED;

typedef struct _SCH_CRED_SECRET_CAPI {
    DWORD dwType;
    HCRYPTPROV hProv;
} SCH_CRED_SECRET_CAPI, *PSCH_CRED_SECRET_CAPI;

typedef struct _SCH_CRED_SECRET_PRIVKEY {
    DWORD dwType;
    PBYTE pPrivateKey;
    DWORD cbPrivateKey;
    PSTR pszPassword;
} SCH_CRED_SECRET_PRIVKEY, *PSCH_CRED_SECRET_PRIVKEY;

typedef struct _SCH_CRED_PUBLIC_CERTCHAIN {
    DWORD dwType;
    DWORD cbCertChain;
    PBYTE pCertChain;
} SCH_CRED_PUBLIC_CERTCHAIN, *PSCH_CRED_PUBLIC_CERTCHAIN;

typedef struct _SSL_CREDENTIAL_CERTIFICATE {
    DWORD cbPrivateKey;
    PBYTE pPrivateKey;
    DWORD cbCertificate;
    PBYTE pCertificate;
    PSTR pszPassword;
} SSL_CREDENTIAL_CERTIFICATE, *PSSL_CREDENTIAL_CERTIFICATE;

typedef struct _PctPublicKey {
    DWORD Type;
    DWORD cbKey;
    UCHAR pKey[1];
} PctPublicKey;

typedef struct _X509Certificate {
    DWORD Version;
    DWORD SerialNumber[4];
    ALG_ID SignatureAlgorithm;
    FILETIME ValidFrom;
    FILETIME ValidUntil;
    PSTR pszIssuer;
    PSTR pszSubject;
    PctPublicKey *pPublicKey;
} X509Certificate, *PX509Certificate;

/* Obsolete: FALSE with ERROR_NOT_SUPPORTED. */
BOOL WINAPI SslGenerateKeyPair(PSSL_CREDENTIAL_CERTIFICATE pCerts, PSTR pszDN, PSTR pszPassword, DWORD Bits);

/* Random bytes; a machine that has none ends the program, as there is no way to say so. */
VOID WINAPI SslGenerateRandomBits(PUCHAR pRandomData, LONG cRandomData);

/* Obsolete: FALSE with ERROR_NOT_SUPPORTED, *ppCertificate is left alone; CertCreateCertificateContext takes a certificate
 * apart.  There is nothing that SslFreeCertificate could free. */
BOOL WINAPI SslCrackCertificate(PUCHAR pbCertificate, DWORD cbCertificate, DWORD dwFlags,
                                PX509Certificate *ppCertificate);
VOID WINAPI SslFreeCertificate(PX509Certificate pCertificate);

/* Obsolete: 0 with ERROR_NOT_SUPPORTED. */
DWORD WINAPI SslGetMaximumKeySize(DWORD Reserved);

typedef BOOL(WINAPI *SSL_CRACK_CERTIFICATE_FN)(PUCHAR, DWORD, BOOL, PX509Certificate *);
typedef VOID(WINAPI *SSL_FREE_CERTIFICATE_FN)(PX509Certificate);

#define CF_VERIFY_SIG     1
#define CF_CERT_FROM_FILE 2

#ifdef __cplusplus
}
#endif

#endif
