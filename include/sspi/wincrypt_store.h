/* wincrypt_store.h: certificates, CRLs, and the stores they lie in.  Include wincrypt.h.
 *
 * Source: Microsoft Learn, the pages of the functions and structures.  Functions that give FALSE, NULL or 0 for a failure
 * say why in GetLastError(); ERROR_INVALID_HANDLE and E_INVALIDARG, for stores and contexts that are none,
 * ERROR_NOT_ENOUGH_MEMORY and ERROR_NOT_SUPPORTED go without saying. */
#include "wincrypt.h" /* ahead of the guard: what this gives must stand before wincrypt_provider.h */

#ifndef _WINCRYPT_STORE_H_
#define _WINCRYPT_STORE_H_

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- CRLs */

#define CRL_V1 0
#define CRL_V2 1

typedef struct _CRL_ENTRY {
    CRYPT_INTEGER_BLOB SerialNumber;
    FILETIME RevocationDate;
    DWORD cExtension;
    PCERT_EXTENSION rgExtension;
} CRL_ENTRY, *PCRL_ENTRY;

typedef struct _CRL_INFO {
    DWORD dwVersion;
    CRYPT_ALGORITHM_IDENTIFIER SignatureAlgorithm;
    CERT_NAME_BLOB Issuer;
    FILETIME ThisUpdate;
    FILETIME NextUpdate; /* 0: not said */
    DWORD cCRLEntry;
    PCRL_ENTRY rgCRLEntry;
    DWORD cExtension;
    PCERT_EXTENSION rgExtension;
} CRL_INFO, *PCRL_INFO;

/* A CRL, counted as certificates are. */
typedef struct _CRL_CONTEXT {
    DWORD dwCertEncodingType;
    BYTE *pbCrlEncoded;
    DWORD cbCrlEncoded;
    PCRL_INFO pCrlInfo;
    HCERTSTORE hCertStore;
} CRL_CONTEXT, *PCRL_CONTEXT;
typedef const CRL_CONTEXT *PCCRL_CONTEXT;

/* CRYPT_E_ASN1_BADTAG or another CRYPT_E_ASN1_ code when it is no CRL. */
PCCRL_CONTEXT WINAPI CertCreateCRLContext(DWORD dwCertEncodingType, const BYTE *pbCrlEncoded, DWORD cbCrlEncoded);

/* The same context with one reference more; NULL for NULL. */
PCCRL_CONTEXT WINAPI CertDuplicateCRLContext(PCCRL_CONTEXT pCrlContext);

/* Gives a reference back.  TRUE, for NULL too. */
BOOL WINAPI CertFreeCRLContext(PCCRL_CONTEXT pCrlContext);

/* ---------------------------------------------------------------- certificates */

/* A certificate from its DER encoding, in no store (hCertStore is NULL).
 *
 *   dwCertEncodingType   X509_ASN_ENCODING, PKCS_7_ASN_ENCODING may be added
 *
 * NULL with a CRYPT_E_ASN1_ code when it is none, E_INVALIDARG for another encoding. */
PCCERT_CONTEXT WINAPI CertCreateCertificateContext(DWORD dwCertEncodingType, const BYTE *pbCertEncoded,
                                                   DWORD cbCertEncoded);

/* The same context with one reference more; NULL for NULL. */
PCCERT_CONTEXT WINAPI CertDuplicateCertificateContext(PCCERT_CONTEXT pCertContext);

/* Gives a reference back.  TRUE, for NULL too. */
BOOL WINAPI CertFreeCertificateContext(PCCERT_CONTEXT pCertContext);

/* ---------------------------------------------------------------- properties */

#define CERT_KEY_PROV_HANDLE_PROP_ID                         1
#define CERT_KEY_PROV_INFO_PROP_ID                           2
#define CERT_SHA1_HASH_PROP_ID                               3
#define CERT_MD5_HASH_PROP_ID                                4
#define CERT_HASH_PROP_ID                                    CERT_SHA1_HASH_PROP_ID
#define CERT_KEY_CONTEXT_PROP_ID                             5
#define CERT_KEY_SPEC_PROP_ID                                6
#define CERT_IE30_RESERVED_PROP_ID                           7
#define CERT_PUBKEY_HASH_RESERVED_PROP_ID                    8
#define CERT_ENHKEY_USAGE_PROP_ID                            9
#define CERT_CTL_USAGE_PROP_ID                               CERT_ENHKEY_USAGE_PROP_ID
#define CERT_NEXT_UPDATE_LOCATION_PROP_ID                    10
#define CERT_FRIENDLY_NAME_PROP_ID                           11
#define CERT_PVK_FILE_PROP_ID                                12
#define CERT_DESCRIPTION_PROP_ID                             13
#define CERT_ACCESS_STATE_PROP_ID                            14
#define CERT_SIGNATURE_HASH_PROP_ID                          15
#define CERT_SMART_CARD_DATA_PROP_ID                         16
#define CERT_EFS_PROP_ID                                     17
#define CERT_FORTEZZA_DATA_PROP_ID                           18
#define CERT_ARCHIVED_PROP_ID                                19
#define CERT_KEY_IDENTIFIER_PROP_ID                          20
#define CERT_AUTO_ENROLL_PROP_ID                             21
#define CERT_PUBKEY_ALG_PARA_PROP_ID                         22
#define CERT_CROSS_CERT_DIST_POINTS_PROP_ID                  23
#define CERT_ISSUER_PUBLIC_KEY_MD5_HASH_PROP_ID              24
#define CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID             25
#define CERT_ENROLLMENT_PROP_ID                              26
#define CERT_DATE_STAMP_PROP_ID                              27
#define CERT_ISSUER_SERIAL_NUMBER_MD5_HASH_PROP_ID           28
#define CERT_SUBJECT_NAME_MD5_HASH_PROP_ID                   29
#define CERT_EXTENDED_ERROR_INFO_PROP_ID                     30
#define CERT_RENEWAL_PROP_ID                                 64
#define CERT_ARCHIVED_KEY_HASH_PROP_ID                       65
#define CERT_AUTO_ENROLL_RETRY_PROP_ID                       66
#define CERT_AIA_URL_RETRIEVED_PROP_ID                       67
#define CERT_AUTHORITY_INFO_ACCESS_PROP_ID                   68
#define CERT_BACKED_UP_PROP_ID                               69
#define CERT_OCSP_RESPONSE_PROP_ID                           70
#define CERT_REQUEST_ORIGINATOR_PROP_ID                      71
#define CERT_SOURCE_LOCATION_PROP_ID                         72
#define CERT_SOURCE_URL_PROP_ID                              73
#define CERT_NEW_KEY_PROP_ID                                 74
#define CERT_OCSP_CACHE_PREFIX_PROP_ID                       75
#define CERT_SMART_CARD_ROOT_INFO_PROP_ID                    76
#define CERT_NO_AUTO_EXPIRE_CHECK_PROP_ID                    77
#define CERT_NCRYPT_KEY_HANDLE_PROP_ID                       78
#define CERT_HCRYPTPROV_OR_NCRYPT_KEY_HANDLE_PROP_ID         79
#define CERT_SUBJECT_INFO_ACCESS_PROP_ID                     80
#define CERT_CA_OCSP_AUTHORITY_INFO_ACCESS_PROP_ID           81
#define CERT_CA_DISABLE_CRL_PROP_ID                          82
#define CERT_ROOT_PROGRAM_CERT_POLICIES_PROP_ID              83
#define CERT_ROOT_PROGRAM_NAME_CONSTRAINTS_PROP_ID           84
#define CERT_SUBJECT_OCSP_AUTHORITY_INFO_ACCESS_PROP_ID      85
#define CERT_SUBJECT_DISABLE_CRL_PROP_ID                     86
#define CERT_CEP_PROP_ID                                     87
#define CERT_SIGN_HASH_CNG_ALG_PROP_ID                       89
#define CERT_SCARD_PIN_ID_PROP_ID                            90
#define CERT_SCARD_PIN_INFO_PROP_ID                          91
#define CERT_SUBJECT_PUB_KEY_BIT_LENGTH_PROP_ID              92
#define CERT_PUB_KEY_CNG_ALG_BIT_LENGTH_PROP_ID              93
#define CERT_ISSUER_PUB_KEY_BIT_LENGTH_PROP_ID               94
#define CERT_ISSUER_CHAIN_SIGN_HASH_CNG_ALG_PROP_ID          95
#define CERT_ISSUER_CHAIN_PUB_KEY_CNG_ALG_BIT_LENGTH_PROP_ID 96
#define CERT_NO_EXPIRE_NOTIFICATION_PROP_ID                  97
#define CERT_AUTH_ROOT_SHA256_HASH_PROP_ID                   98
#define CERT_NCRYPT_KEY_HANDLE_TRANSFER_PROP_ID              99
#define CERT_HCRYPTPROV_TRANSFER_PROP_ID                     100
#define CERT_SMART_CARD_READER_PROP_ID                       101
#define CERT_SEND_AS_TRUSTED_ISSUER_PROP_ID                  102
#define CERT_KEY_REPAIR_ATTEMPTED_PROP_ID                    103
#define CERT_DISALLOWED_FILETIME_PROP_ID                     104
#define CERT_ROOT_PROGRAM_CHAIN_POLICIES_PROP_ID             105
#define CERT_SMART_CARD_READER_NON_REMOVABLE_PROP_ID         106
#define CERT_SHA256_HASH_PROP_ID                             107

#define CERT_SET_KEY_PROV_HANDLE_PROP_ID            0x00000001
#define CERT_SET_KEY_CONTEXT_PROP_ID                0x00000001
#define CERT_SET_PROPERTY_INHIBIT_PERSIST_FLAG      0x40000000
#define CERT_SET_PROPERTY_IGNORE_PERSIST_ERROR_FLAG 0x80000000
#define CERT_FIRST_USER_PROP_ID                     0x00008000
#define CERT_LAST_USER_PROP_ID                      0x0000FFFF

#define CERT_ACCESS_STATE_WRITE_PERSIST_FLAG   0x00000001
#define CERT_ACCESS_STATE_SYSTEM_STORE_FLAG    0x00000002
#define CERT_ACCESS_STATE_LM_SYSTEM_STORE_FLAG 0x00000004
#define CERT_ACCESS_STATE_GP_SYSTEM_STORE_FLAG 0x00000008
#define CERT_ACCESS_STATE_SHARED_USER_FLAG     0x00000010

#define CERT_NCRYPT_KEY_SPEC 0xFFFFFFFF
#define AT_KEYEXCHANGE       1
#define AT_SIGNATURE         2

typedef ULONG_PTR NCRYPT_HANDLE;
typedef ULONG_PTR NCRYPT_KEY_HANDLE;

typedef struct _CRYPT_KEY_PROV_PARAM {
    DWORD dwParam;
    BYTE *pbData;
    DWORD cbData;
    DWORD dwFlags;
} CRYPT_KEY_PROV_PARAM, *PCRYPT_KEY_PROV_PARAM;

/* Where the private key is.  pwszContainerName is a key container of this process (CryptAcquireContext, NCryptImportKey) or else,
 * here, a "pkcs11:" URI (RFC 7512), a "file:" URI or a path of a PEM or DER file.  pwszProvName, dwProvType, dwFlags and dwKeySpec
 * are kept and mean nothing; the parameters are not. */
typedef struct _CRYPT_KEY_PROV_INFO {
    LPWSTR pwszContainerName;
    LPWSTR pwszProvName;
    DWORD dwProvType;
    DWORD dwFlags;
    DWORD cProvParam;
    PCRYPT_KEY_PROV_PARAM rgProvParam;
    DWORD dwKeySpec;
} CRYPT_KEY_PROV_INFO, *PCRYPT_KEY_PROV_INFO;

typedef struct _CERT_KEY_CONTEXT {
    DWORD cbSize;
    __extension__ union {
        HCRYPTPROV hCryptProv;
        NCRYPT_KEY_HANDLE hNCryptKey;
    } DUMMYUNIONNAME;
    DWORD dwKeySpec;
} CERT_KEY_CONTEXT, *PCERT_KEY_CONTEXT;

/* A property's value.
 *
 *   pvData   NULL: *pcbData receives the size; a CRYPT_KEY_PROV_INFO comes with what it points at behind it
 *
 * TRUE; FALSE with CRYPT_E_NOT_FOUND, ERROR_MORE_DATA (*pcbData receives the size).  The hashes, the key identifier and the
 * public key's length are computed when they are asked for. */
BOOL WINAPI CertGetCertificateContextProperty(PCCERT_CONTEXT pCertContext, DWORD dwPropId, void *pvData,
                                              DWORD *pcbData);

/* Sets a property; pvData NULL takes it away.
 *
 *   dwFlags   CERT_STORE_NO_CRYPT_RELEASE_FLAG: a handle stays the caller's; without it, it is closed with the context.
 *             CERT_SET_PROPERTY_*: nothing is written to files, so they change nothing
 *   pvData    CRYPT_KEY_PROV_INFO for CERT_KEY_PROV_INFO_PROP_ID, CERT_KEY_CONTEXT for CERT_KEY_CONTEXT_PROP_ID,
 *             NCRYPT_KEY_HANDLE for CERT_NCRYPT_KEY_HANDLE_PROP_ID, DWORD for CERT_KEY_SPEC_PROP_ID, a CRYPT_DATA_BLOB for
 *             those whose value is bytes; for CERT_KEY_PROV_HANDLE_PROP_ID the HCRYPTPROV itself, cast to a pointer
 *
 * The value is copied.  A key is looked for when it is needed: first that of a handle, then one that was set or named.
 * Whether it is the certificate's is found out then, too: AcquireCredentialsHandle gives SEC_E_UNKNOWN_CREDENTIALS. */
BOOL WINAPI CertSetCertificateContextProperty(PCCERT_CONTEXT pCertContext, DWORD dwPropId, DWORD dwFlags,
                                              const void *pvData);

/* The identifier of the next property, 0 to begin and at the end. */
DWORD WINAPI CertEnumCertificateContextProperties(PCCERT_CONTEXT pCertContext, DWORD dwPropId);

/* ---------------------------------------------------------------- opening stores */

#define CERT_STORE_PROV_MSG               ((LPCSTR)1)
#define CERT_STORE_PROV_MEMORY            ((LPCSTR)2)
#define CERT_STORE_PROV_FILE              ((LPCSTR)3)
#define CERT_STORE_PROV_REG               ((LPCSTR)4)
#define CERT_STORE_PROV_PKCS7             ((LPCSTR)5)
#define CERT_STORE_PROV_SERIALIZED        ((LPCSTR)6)
#define CERT_STORE_PROV_FILENAME_A        ((LPCSTR)7)
#define CERT_STORE_PROV_FILENAME_W        ((LPCSTR)8)
#define CERT_STORE_PROV_FILENAME          CERT_STORE_PROV_FILENAME_W
#define CERT_STORE_PROV_SYSTEM_A          ((LPCSTR)9)
#define CERT_STORE_PROV_SYSTEM_W          ((LPCSTR)10)
#define CERT_STORE_PROV_SYSTEM            CERT_STORE_PROV_SYSTEM_W
#define CERT_STORE_PROV_COLLECTION        ((LPCSTR)11)
#define CERT_STORE_PROV_SYSTEM_REGISTRY_A ((LPCSTR)12)
#define CERT_STORE_PROV_SYSTEM_REGISTRY_W ((LPCSTR)13)
#define CERT_STORE_PROV_SYSTEM_REGISTRY   CERT_STORE_PROV_SYSTEM_REGISTRY_W
#define CERT_STORE_PROV_PHYSICAL_W        ((LPCSTR)14)
#define CERT_STORE_PROV_PHYSICAL          CERT_STORE_PROV_PHYSICAL_W
#define CERT_STORE_PROV_PKCS12            ((LPCSTR)17)

#define sz_CERT_STORE_PROV_MEMORY            "Memory"
#define sz_CERT_STORE_PROV_FILENAME_W        "File"
#define sz_CERT_STORE_PROV_FILENAME          sz_CERT_STORE_PROV_FILENAME_W
#define sz_CERT_STORE_PROV_SYSTEM_W          "System"
#define sz_CERT_STORE_PROV_SYSTEM            sz_CERT_STORE_PROV_SYSTEM_W
#define sz_CERT_STORE_PROV_PKCS7             "PKCS7"
#define sz_CERT_STORE_PROV_PKCS12            "PKCS12"
#define sz_CERT_STORE_PROV_SERIALIZED        "Serialized"
#define sz_CERT_STORE_PROV_COLLECTION        "Collection"
#define sz_CERT_STORE_PROV_SYSTEM_REGISTRY_W "SystemRegistry"
#define sz_CERT_STORE_PROV_SYSTEM_REGISTRY   sz_CERT_STORE_PROV_SYSTEM_REGISTRY_W

#define CERT_STORE_NO_CRYPT_RELEASE_FLAG            0x00000001
#define CERT_STORE_SET_LOCALIZED_NAME_FLAG          0x00000002
#define CERT_STORE_DEFER_CLOSE_UNTIL_LAST_FREE_FLAG 0x00000004
#define CERT_STORE_DELETE_FLAG                      0x00000010
#define CERT_STORE_UNSAFE_PHYSICAL_FLAG             0x00000020
#define CERT_STORE_SHARE_STORE_FLAG                 0x00000040
#define CERT_STORE_SHARE_CONTEXT_FLAG               0x00000080
#define CERT_STORE_MANIFOLD_FLAG                    0x00000100
#define CERT_STORE_ENUM_ARCHIVED_FLAG               0x00000200
#define CERT_STORE_UPDATE_KEYID_FLAG                0x00000400
#define CERT_STORE_BACKUP_RESTORE_FLAG              0x00000800
#define CERT_STORE_MAXIMUM_ALLOWED_FLAG             0x00001000
#define CERT_STORE_CREATE_NEW_FLAG                  0x00002000
#define CERT_STORE_OPEN_EXISTING_FLAG               0x00004000
#define CERT_STORE_READONLY_FLAG                    0x00008000

#define CERT_SYSTEM_STORE_RELOCATE_FLAG                 0x80000000
#define CERT_SYSTEM_STORE_DEFER_READ_FLAG               0x20000000
#define CERT_SYSTEM_STORE_UNPROTECTED_FLAG              0x40000000
#define CERT_SYSTEM_STORE_LOCATION_MASK                 0x00FF0000
#define CERT_SYSTEM_STORE_LOCATION_SHIFT                16
#define CERT_SYSTEM_STORE_CURRENT_USER_ID               0x00000001
#define CERT_SYSTEM_STORE_LOCAL_MACHINE_ID              0x00000002
#define CERT_SYSTEM_STORE_CURRENT_SERVICE_ID            0x00000004
#define CERT_SYSTEM_STORE_SERVICES_ID                   0x00000005
#define CERT_SYSTEM_STORE_USERS_ID                      0x00000006
#define CERT_SYSTEM_STORE_CURRENT_USER_GROUP_POLICY_ID  0x00000007
#define CERT_SYSTEM_STORE_LOCAL_MACHINE_GROUP_POLICY_ID 0x00000008
#define CERT_SYSTEM_STORE_LOCAL_MACHINE_ENTERPRISE_ID   0x00000009
#define CERT_SYSTEM_STORE_CURRENT_USER                  0x00010000
#define CERT_SYSTEM_STORE_LOCAL_MACHINE                 0x00020000
#define CERT_SYSTEM_STORE_CURRENT_SERVICE               0x00040000
#define CERT_SYSTEM_STORE_SERVICES                      0x00050000
#define CERT_SYSTEM_STORE_USERS                         0x00060000
#define CERT_SYSTEM_STORE_CURRENT_USER_GROUP_POLICY     0x00070000
#define CERT_SYSTEM_STORE_LOCAL_MACHINE_GROUP_POLICY    0x00080000
#define CERT_SYSTEM_STORE_LOCAL_MACHINE_ENTERPRISE      0x00090000

/* Opens a store.
 *
 *   lpszStoreProvider   CERT_STORE_PROV_*, or its sz_ name
 *   dwFlags             CERT_STORE_*_FLAG; for system stores with CERT_SYSTEM_STORE_CURRENT_USER or _LOCAL_MACHINE
 *   pvPara              FILENAME: a path; SYSTEM: "MY", "ROOT" or "CA"; PKCS7 and PKCS12: a CRYPT_DATA_BLOB (PKCS12 without
 *                       password); MEMORY and COLLECTION: NULL
 *
 * Files may hold PEM, DER, PKCS#7 or PKCS#12.  ROOT is what the system trusts and cannot be changed; MY and CA of the user
 * are the directories sspi/my and sspi/ca in $XDG_DATA_HOME (~/.local/share), of the machine /etc/sspi/my and /etc/sspi/ca,
 * as read when the store is opened (docs/certificates.md); what is added stays in this store and is not written there.
 *
 * NULL with ERROR_FILE_NOT_FOUND (no such file, no such provider, a system store of another name), CRYPT_E_ASN1_BADTAG
 * (not one of these formats), ERROR_INVALID_PASSWORD. */
HCERTSTORE WINAPI CertOpenStore(LPCSTR lpszStoreProvider, DWORD dwEncodingType, HCRYPTPROV_LEGACY hCryptProv,
                                DWORD dwFlags, const void *pvPara);

/* A system store of the user; his CA includes the machine's. */
HCERTSTORE WINAPI CertOpenSystemStoreA(HCRYPTPROV_LEGACY hProv, LPCSTR szSubsystemProtocol);
HCERTSTORE WINAPI CertOpenSystemStoreW(HCRYPTPROV_LEGACY hProv, LPCWSTR szSubsystemProtocol);

/* The same store, to be closed once more; NULL for NULL. */
HCERTSTORE WINAPI CertDuplicateStore(HCERTSTORE hCertStore);

#define CERT_CLOSE_STORE_FORCE_FLAG 0x00000001
#define CERT_CLOSE_STORE_CHECK_FLAG 0x00000002

/* Closes a store.  Contexts that are held stay good, with CERT_CLOSE_STORE_FORCE_FLAG too.
 *
 * TRUE, for NULL too; FALSE with CRYPT_E_PENDING_CLOSE when CERT_CLOSE_STORE_CHECK_FLAG is given and contexts are held (the
 * store is closed all the same). */
BOOL WINAPI CertCloseStore(HCERTSTORE hCertStore, DWORD dwFlags);

#define CERT_PHYSICAL_STORE_ADD_ENABLE_FLAG                  0x00000001
#define CERT_PHYSICAL_STORE_OPEN_DISABLE_FLAG                0x00000002
#define CERT_PHYSICAL_STORE_REMOTE_OPEN_DISABLE_FLAG         0x00000004
#define CERT_PHYSICAL_STORE_INSERT_COMPUTER_NAME_ENABLE_FLAG 0x00000008

/* Makes a store part of a collection; additions to the collection go to the first one with
 * CERT_PHYSICAL_STORE_ADD_ENABLE_FLAG, higher priorities first. */
BOOL WINAPI CertAddStoreToCollection(HCERTSTORE hCollectionStore, HCERTSTORE hSiblingStore, DWORD dwUpdateFlags,
                                     DWORD dwPriority);
void WINAPI CertRemoveStoreFromCollection(HCERTSTORE hCollectionStore, HCERTSTORE hSiblingStore);

/* ---------------------------------------------------------------- what is in a store */

#define CERT_STORE_ADD_NEW                                 1
#define CERT_STORE_ADD_USE_EXISTING                        2
#define CERT_STORE_ADD_REPLACE_EXISTING                    3
#define CERT_STORE_ADD_ALWAYS                              4
#define CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES 5
#define CERT_STORE_ADD_NEWER                               6
#define CERT_STORE_ADD_NEWER_INHERIT_PROPERTIES            7

/* Puts a copy of a certificate with its properties into a store.
 *
 *   ppStoreContext   NULL, or receives the context in the store, to be freed
 *
 * TRUE; FALSE with CRYPT_E_EXISTS, ERROR_ACCESS_DENIED (the store cannot be changed). */
BOOL WINAPI CertAddCertificateContextToStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pCertContext, DWORD dwAddDisposition,
                                             PCCERT_CONTEXT *ppStoreContext);

/* The same with the encoding of a certificate. */
BOOL WINAPI CertAddEncodedCertificateToStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, const BYTE *pbCertEncoded,
                                             DWORD cbCertEncoded, DWORD dwAddDisposition,
                                             PCCERT_CONTEXT *ppCertContext);

/* Takes a certificate out of its store and gives the reference back, whatever comes of it. */
BOOL WINAPI CertDeleteCertificateFromStore(PCCERT_CONTEXT pCertContext);

/* The certificate behind pPrevCertContext, whose reference is given back, or the first one.  NULL with CRYPT_E_NOT_FOUND. */
PCCERT_CONTEXT WINAPI CertEnumCertificatesInStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pPrevCertContext);

BOOL WINAPI CertAddCRLContextToStore(HCERTSTORE hCertStore, PCCRL_CONTEXT pCrlContext, DWORD dwAddDisposition,
                                     PCCRL_CONTEXT *ppStoreContext);
BOOL WINAPI CertAddEncodedCRLToStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, const BYTE *pbCrlEncoded,
                                     DWORD cbCrlEncoded, DWORD dwAddDisposition, PCCRL_CONTEXT *ppCrlContext);
BOOL WINAPI CertDeleteCRLFromStore(PCCRL_CONTEXT pCrlContext);
PCCRL_CONTEXT WINAPI CertEnumCRLsInStore(HCERTSTORE hCertStore, PCCRL_CONTEXT pPrevCrlContext);

#define CERT_INFO_VERSION_FLAG                 1
#define CERT_INFO_SERIAL_NUMBER_FLAG           2
#define CERT_INFO_SIGNATURE_ALGORITHM_FLAG     3
#define CERT_INFO_ISSUER_FLAG                  4
#define CERT_INFO_NOT_BEFORE_FLAG              5
#define CERT_INFO_NOT_AFTER_FLAG               6
#define CERT_INFO_SUBJECT_FLAG                 7
#define CERT_INFO_SUBJECT_PUBLIC_KEY_INFO_FLAG 8
#define CERT_INFO_ISSUER_UNIQUE_ID_FLAG        9
#define CERT_INFO_SUBJECT_UNIQUE_ID_FLAG       10
#define CERT_INFO_EXTENSION_FLAG               11

#define CERT_COMPARE_MASK                   0xFFFF
#define CERT_COMPARE_SHIFT                  16
#define CERT_COMPARE_ANY                    0
#define CERT_COMPARE_SHA1_HASH              1
#define CERT_COMPARE_NAME                   2
#define CERT_COMPARE_ATTR                   3
#define CERT_COMPARE_MD5_HASH               4
#define CERT_COMPARE_PROPERTY               5
#define CERT_COMPARE_PUBLIC_KEY             6
#define CERT_COMPARE_HASH                   CERT_COMPARE_SHA1_HASH
#define CERT_COMPARE_NAME_STR_A             7
#define CERT_COMPARE_NAME_STR_W             8
#define CERT_COMPARE_KEY_SPEC               9
#define CERT_COMPARE_ENHKEY_USAGE           10
#define CERT_COMPARE_CTL_USAGE              CERT_COMPARE_ENHKEY_USAGE
#define CERT_COMPARE_SUBJECT_CERT           11
#define CERT_COMPARE_ISSUER_OF              12
#define CERT_COMPARE_EXISTING               13
#define CERT_COMPARE_SIGNATURE_HASH         14
#define CERT_COMPARE_KEY_IDENTIFIER         15
#define CERT_COMPARE_CERT_ID                16
#define CERT_COMPARE_CROSS_CERT_DIST_POINTS 17
#define CERT_COMPARE_PUBKEY_MD5_HASH        18
#define CERT_COMPARE_SUBJECT_INFO_ACCESS    19
#define CERT_COMPARE_HASH_STR               20
#define CERT_COMPARE_HAS_PRIVATE_KEY        21

#define CERT_FIND_ANY                         0x00000000
#define CERT_FIND_SHA1_HASH                   0x00010000
#define CERT_FIND_MD5_HASH                    0x00040000
#define CERT_FIND_SIGNATURE_HASH              0x000E0000
#define CERT_FIND_KEY_IDENTIFIER              0x000F0000
#define CERT_FIND_HASH                        CERT_FIND_SHA1_HASH
#define CERT_FIND_PROPERTY                    0x00050000
#define CERT_FIND_PUBLIC_KEY                  0x00060000
#define CERT_FIND_SUBJECT_NAME                0x00020007
#define CERT_FIND_SUBJECT_ATTR                0x00030007
#define CERT_FIND_ISSUER_NAME                 0x00020004
#define CERT_FIND_ISSUER_ATTR                 0x00030004
#define CERT_FIND_SUBJECT_STR_A               0x00070007
#define CERT_FIND_SUBJECT_STR_W               0x00080007
#define CERT_FIND_SUBJECT_STR                 CERT_FIND_SUBJECT_STR_W
#define CERT_FIND_ISSUER_STR_A                0x00070004
#define CERT_FIND_ISSUER_STR_W                0x00080004
#define CERT_FIND_ISSUER_STR                  CERT_FIND_ISSUER_STR_W
#define CERT_FIND_KEY_SPEC                    0x00090000
#define CERT_FIND_ENHKEY_USAGE                0x000A0000
#define CERT_FIND_CTL_USAGE                   CERT_FIND_ENHKEY_USAGE
#define CERT_FIND_SUBJECT_CERT                0x000B0000
#define CERT_FIND_ISSUER_OF                   0x000C0000
#define CERT_FIND_EXISTING                    0x000D0000
#define CERT_FIND_CERT_ID                     0x00100000
#define CERT_FIND_CROSS_CERT_DIST_POINTS      0x00110000
#define CERT_FIND_PUBKEY_MD5_HASH             0x00120000
#define CERT_FIND_SUBJECT_INFO_ACCESS         0x00130000
#define CERT_FIND_HASH_STR                    0x00140000
#define CERT_FIND_HAS_PRIVATE_KEY             0x00150000
#define CERT_FIND_OPTIONAL_ENHKEY_USAGE_FLAG  0x00000001
#define CERT_FIND_EXT_ONLY_ENHKEY_USAGE_FLAG  0x00000002
#define CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG 0x00000004
#define CERT_FIND_NO_ENHKEY_USAGE_FLAG        0x00000008
#define CERT_FIND_OR_ENHKEY_USAGE_FLAG        0x00000010
#define CERT_FIND_VALID_ENHKEY_USAGE_FLAG     0x00000020
#define CERT_FIND_OPTIONAL_CTL_USAGE_FLAG     CERT_FIND_OPTIONAL_ENHKEY_USAGE_FLAG
#define CERT_FIND_EXT_ONLY_CTL_USAGE_FLAG     CERT_FIND_EXT_ONLY_ENHKEY_USAGE_FLAG
#define CERT_FIND_PROP_ONLY_CTL_USAGE_FLAG    CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG
#define CERT_FIND_NO_CTL_USAGE_FLAG           CERT_FIND_NO_ENHKEY_USAGE_FLAG
#define CERT_FIND_OR_CTL_USAGE_FLAG           CERT_FIND_OR_ENHKEY_USAGE_FLAG
#define CERT_FIND_VALID_CTL_USAGE_FLAG        CERT_FIND_VALID_ENHKEY_USAGE_FLAG

#define CERT_UNICODE_IS_RDN_ATTRS_FLAG          0x00000001
#define CERT_CASE_INSENSITIVE_IS_RDN_ATTRS_FLAG 0x00000002

/* The next certificate that is what is looked for, behind pPrevCertContext, whose reference is given back.
 *
 *   dwFindFlags   CERT_FIND_*_ENHKEY_USAGE_FLAG for ENHKEY_USAGE, CERT_UNICODE_IS_RDN_ATTRS_FLAG for the ATTR types
 *   dwFindType    CERT_FIND_ANY; SHA1_HASH, MD5_HASH, SIGNATURE_HASH, KEY_IDENTIFIER, PUBKEY_MD5_HASH (CRYPT_HASH_BLOB);
 *                 HASH_STR (text, hexadecimal SHA-1); SUBJECT_NAME, ISSUER_NAME (CERT_NAME_BLOB); SUBJECT_STR, ISSUER_STR
 *                 (part of the name as CertNameToStr(CERT_SIMPLE_NAME_STR) has it, in any case); SUBJECT_ATTR, ISSUER_ATTR
 *                 (CERT_RDN); PUBLIC_KEY (CERT_PUBLIC_KEY_INFO); SUBJECT_CERT (CERT_INFO: issuer and serial number);
 *                 ISSUER_OF (CERT_CONTEXT); EXISTING (CERT_CONTEXT); PROPERTY, KEY_SPEC (DWORD); ENHKEY_USAGE
 *                 (CERT_ENHKEY_USAGE); HAS_PRIVATE_KEY
 *
 * NULL with CRYPT_E_NOT_FOUND; E_INVALIDARG for another dwFindType. */
PCCERT_CONTEXT WINAPI CertFindCertificateInStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, DWORD dwFindFlags,
                                                 DWORD dwFindType, const void *pvFindPara,
                                                 PCCERT_CONTEXT pPrevCertContext);

/* The certificate with this issuer and serial number. */
PCCERT_CONTEXT WINAPI CertGetSubjectCertificateFromStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType,
                                                         PCERT_INFO pCertId);

/* ---------------------------------------------------------------- PKCS#12, and objects of any kind */

#define CRYPT_EXPORTABLE                       0x00000001
#define CRYPT_USER_PROTECTED                   0x00000002
#define CRYPT_MACHINE_KEYSET                   0x00000020
#define CRYPT_USER_KEYSET                      0x00001000
#define PKCS12_IMPORT_SILENT                   0x00000040
#define PKCS12_PREFER_CNG_KSP                  0x00000100
#define PKCS12_ALWAYS_CNG_KSP                  0x00000200
#define PKCS12_ONLY_CERTIFICATES               0x00000400
#define PKCS12_ONLY_NOT_ENCRYPTED_CERTIFICATES 0x00000800
#define PKCS12_INCLUDE_EXTENDED_PROPERTIES     0x00000010
#define PKCS12_ALLOW_OVERWRITE_KEY             0x00004000
#define PKCS12_NO_PERSIST_KEY                  0x00008000
#define REPORT_NO_PRIVATE_KEY                  0x00000001
#define REPORT_NOT_ABLE_TO_EXPORT_PRIVATE_KEY  0x00000002
#define EXPORT_PRIVATE_KEYS                    0x00000004

/* The certificates and keys of a PKCS#12, in a new memory store: the ones with keys first.
 *
 *   szPassword   NULL and "" are two passwords; whichever is given, the other is tried too (PFXVerifyPassword does not)
 *   dwFlags      where Windows would keep the keys; here they live with the contexts.  PKCS12_ONLY_CERTIFICATES leaves them out
 *
 * NULL with ERROR_INVALID_PASSWORD, CRYPT_E_BAD_ENCODE or a CRYPT_E_ASN1_ code (not a PKCS#12), NTE_BAD_DATA (one that
 * cannot be read to its end). */
HCERTSTORE WINAPI PFXImportCertStore(CRYPT_DATA_BLOB *pPFX, LPCWSTR szPassword, DWORD dwFlags);

/* Whether it looks like a PKCS#12, and whether this is its password. */
BOOL WINAPI PFXIsPFXBlob(CRYPT_DATA_BLOB *pPFX);
BOOL WINAPI PFXVerifyPassword(CRYPT_DATA_BLOB *pPFX, LPCWSTR szPassword, DWORD dwFlags);

#define CERT_QUERY_OBJECT_FILE                       0x00000001
#define CERT_QUERY_OBJECT_BLOB                       0x00000002
#define CERT_QUERY_CONTENT_CERT                      0x00000001
#define CERT_QUERY_CONTENT_CTL                       0x00000002
#define CERT_QUERY_CONTENT_CRL                       0x00000003
#define CERT_QUERY_CONTENT_SERIALIZED_STORE          0x00000004
#define CERT_QUERY_CONTENT_SERIALIZED_CERT           0x00000005
#define CERT_QUERY_CONTENT_SERIALIZED_CTL            0x00000006
#define CERT_QUERY_CONTENT_SERIALIZED_CRL            0x00000007
#define CERT_QUERY_CONTENT_PKCS7_SIGNED              0x00000008
#define CERT_QUERY_CONTENT_PKCS7_UNSIGNED            0x00000009
#define CERT_QUERY_CONTENT_PKCS7_SIGNED_EMBED        0x0000000A
#define CERT_QUERY_CONTENT_PKCS10                    0x0000000B
#define CERT_QUERY_CONTENT_PFX                       0x0000000C
#define CERT_QUERY_CONTENT_CERT_PAIR                 0x0000000D
#define CERT_QUERY_CONTENT_PFX_AND_LOAD              0x0000000E
#define CERT_QUERY_CONTENT_FLAG_CERT                 0x00000002
#define CERT_QUERY_CONTENT_FLAG_CTL                  0x00000004
#define CERT_QUERY_CONTENT_FLAG_CRL                  0x00000008
#define CERT_QUERY_CONTENT_FLAG_SERIALIZED_STORE     0x00000010
#define CERT_QUERY_CONTENT_FLAG_SERIALIZED_CERT      0x00000020
#define CERT_QUERY_CONTENT_FLAG_SERIALIZED_CTL       0x00000040
#define CERT_QUERY_CONTENT_FLAG_SERIALIZED_CRL       0x00000080
#define CERT_QUERY_CONTENT_FLAG_PKCS7_SIGNED         0x00000100
#define CERT_QUERY_CONTENT_FLAG_PKCS7_UNSIGNED       0x00000200
#define CERT_QUERY_CONTENT_FLAG_PKCS7_SIGNED_EMBED   0x00000400
#define CERT_QUERY_CONTENT_FLAG_PKCS10               0x00000800
#define CERT_QUERY_CONTENT_FLAG_PFX                  0x00001000
#define CERT_QUERY_CONTENT_FLAG_CERT_PAIR            0x00002000
#define CERT_QUERY_CONTENT_FLAG_PFX_AND_LOAD         0x00004000
#define CERT_QUERY_CONTENT_FLAG_ALL                  0x00003FFE
#define CERT_QUERY_CONTENT_FLAG_ALL_ISSUER_CERT      0x00000332
#define CERT_QUERY_FORMAT_BINARY                     0x00000001
#define CERT_QUERY_FORMAT_BASE64_ENCODED             0x00000002
#define CERT_QUERY_FORMAT_ASN_ASCII_HEX_ENCODED      0x00000003
#define CERT_QUERY_FORMAT_FLAG_BINARY                0x00000002
#define CERT_QUERY_FORMAT_FLAG_BASE64_ENCODED        0x00000004
#define CERT_QUERY_FORMAT_FLAG_ASN_ASCII_HEX_ENCODED 0x00000008
#define CERT_QUERY_FORMAT_FLAG_ALL                   0x0000000E

typedef void *HCRYPTMSG;

/* What something is, and the thing itself.
 *
 *   pvObject                      a path (FILE) or a CERT_BLOB (BLOB)
 *   dwExpected...TypeFlags        what may come out: CERT_QUERY_CONTENT_FLAG_CERT, _CRL, _PKCS7_SIGNED, _PFX;
 *                                 CERT_QUERY_FORMAT_FLAG_BINARY, _BASE64_ENCODED
 *   phCertStore, phMsg,           each may be NULL.  A certificate or CRL comes in a store of its own; ppvContext receives the
 *   ppvContext                    PCCERT_CONTEXT or PCCRL_CONTEXT, NULL for anything else; *phMsg is always NULL
 *
 * The first certificate or CRL of a PEM file is the object.  FALSE with CRYPT_E_NO_MATCH, ERROR_FILE_NOT_FOUND. */
BOOL WINAPI CryptQueryObject(DWORD dwObjectType, const void *pvObject, DWORD dwExpectedContentTypeFlags,
                             DWORD dwExpectedFormatTypeFlags, DWORD dwFlags, DWORD *pdwMsgAndCertEncodingType,
                             DWORD *pdwContentType, DWORD *pdwFormatType, HCERTSTORE *phCertStore, HCRYPTMSG *phMsg,
                             const void **ppvContext);

#ifdef UNICODE
#define CertOpenSystemStore CertOpenSystemStoreW
#else
#define CertOpenSystemStore CertOpenSystemStoreA
#endif

#ifdef __cplusplus
}
#endif

#endif
