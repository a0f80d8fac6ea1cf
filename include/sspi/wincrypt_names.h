/* wincrypt_names.h: names in certificates, what is encoded in them, hashes, and bytes as text.  Include wincrypt.h.
 *
 * Source: Microsoft Learn, the pages of the functions and structures.  GetLastError() as in wincrypt_store.h. */
#ifndef _WINCRYPT_NAMES_H_
#define _WINCRYPT_NAMES_H_

#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

#define szOID_DOMAIN_COMPONENT          "0.9.2342.19200300.100.1.25"
#define szOID_ECC_PUBLIC_KEY            "1.2.840.10045.2.1"
#define szOID_RSA_RSA                   "1.2.840.113549.1.1.1"
#define szOID_RSA_emailAddr             "1.2.840.113549.1.9.1"
#define szOID_NT_PRINCIPAL_NAME         "1.3.6.1.4.1.311.20.2.3"
#define szOID_AUTHORITY_INFO_ACCESS     "1.3.6.1.5.5.7.1.1"
#define szOID_PKIX_KP                   "1.3.6.1.5.5.7.3"
#define szOID_PKIX_KP_SERVER_AUTH       "1.3.6.1.5.5.7.3.1"
#define szOID_PKIX_KP_CLIENT_AUTH       "1.3.6.1.5.5.7.3.2"
#define szOID_PKIX_KP_CODE_SIGNING      "1.3.6.1.5.5.7.3.3"
#define szOID_PKIX_KP_EMAIL_PROTECTION  "1.3.6.1.5.5.7.3.4"
#define szOID_PKIX_KP_TIMESTAMP_SIGNING "1.3.6.1.5.5.7.3.8"
#define szOID_PKIX_KP_OCSP_SIGNING      "1.3.6.1.5.5.7.3.9"
#define szOID_PKIX_OCSP                 "1.3.6.1.5.5.7.48.1"
#define szOID_PKIX_OCSP_NOCHECK         "1.3.6.1.5.5.7.48.1.5"
#define szOID_COMMON_NAME               "2.5.4.3"
#define szOID_SUR_NAME                  "2.5.4.4"
#define szOID_DEVICE_SERIAL_NUMBER      "2.5.4.5"
#define szOID_COUNTRY_NAME              "2.5.4.6"
#define szOID_LOCALITY_NAME             "2.5.4.7"
#define szOID_STATE_OR_PROVINCE_NAME    "2.5.4.8"
#define szOID_STREET_ADDRESS            "2.5.4.9"
#define szOID_ORGANIZATION_NAME         "2.5.4.10"
#define szOID_ORGANIZATIONAL_UNIT_NAME  "2.5.4.11"
#define szOID_TITLE                     "2.5.4.12"
#define szOID_DESCRIPTION               "2.5.4.13"
#define szOID_POSTAL_CODE               "2.5.4.17"
#define szOID_GIVEN_NAME                "2.5.4.42"
#define szOID_INITIALS                  "2.5.4.43"
#define szOID_DN_QUALIFIER              "2.5.4.46"
#define szOID_SUBJECT_ALT_NAME          "2.5.29.7"
#define szOID_ISSUER_ALT_NAME           "2.5.29.8"
#define szOID_BASIC_CONSTRAINTS         "2.5.29.10"
#define szOID_SUBJECT_KEY_IDENTIFIER    "2.5.29.14"
#define szOID_KEY_USAGE                 "2.5.29.15"
#define szOID_SUBJECT_ALT_NAME2         "2.5.29.17"
#define szOID_ISSUER_ALT_NAME2          "2.5.29.18"
#define szOID_BASIC_CONSTRAINTS2        "2.5.29.19"
#define szOID_NAME_CONSTRAINTS          "2.5.29.30"
#define szOID_CRL_DIST_POINTS           "2.5.29.31"
#define szOID_CERT_POLICIES             "2.5.29.32"
#define szOID_ANY_CERT_POLICY           "2.5.29.32.0"
#define szOID_AUTHORITY_KEY_IDENTIFIER2 "2.5.29.35"
#define szOID_ENHANCED_KEY_USAGE        "2.5.29.37"
#define szOID_ANY_ENHANCED_KEY_USAGE    "2.5.29.37.0"

/* ---------------------------------------------------------------- names as text */

#define CERT_SIMPLE_NAME_STR 1
#define CERT_OID_NAME_STR    2
#define CERT_X500_NAME_STR   3

#define CERT_NAME_STR_DISABLE_IE4_UTF8_FLAG     0x00010000
#define CERT_NAME_STR_ENABLE_T61_UNICODE_FLAG   0x00020000
#define CERT_NAME_STR_ENABLE_UTF8_UNICODE_FLAG  0x00040000
#define CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG   0x00080000
#define CERT_NAME_STR_FORWARD_FLAG              0x01000000
#define CERT_NAME_STR_REVERSE_FLAG              0x02000000
#define CERT_NAME_STR_COMMA_FLAG                0x04000000
#define CERT_NAME_STR_CRLF_FLAG                 0x08000000
#define CERT_NAME_STR_NO_QUOTING_FLAG           0x10000000
#define CERT_NAME_STR_NO_PLUS_FLAG              0x20000000
#define CERT_NAME_STR_SEMICOLON_FLAG            0x40000000
#define CERT_NAME_STR_DISABLE_UTF8_DIR_STR_FLAG 0x00100000
#define CERT_NAME_STR_ENABLE_PUNYCODE_FLAG      0x00200000

/* A name as text, NUL included in what is returned.
 *
 *   dwStrType   CERT_SIMPLE_NAME_STR   values only:        "DE, Firm, Alice"
 *               CERT_OID_NAME_STR      OIDs and values:    "2.5.4.6=DE, 2.5.4.10=Firm, 2.5.4.3=Alice"
 *               CERT_X500_NAME_STR     names and values:   "C=DE, O=Firm, CN=Alice"
 *               with CERT_NAME_STR_*_FLAG for the order and the separators
 *   psz, csz    NULL or 0: only the size is wanted; a text that does not fit is cut off
 *
 * The number of characters with the NUL, 1 for an empty name or one that cannot be read. */
DWORD WINAPI CertNameToStrA(DWORD dwCertEncodingType, PCERT_NAME_BLOB pName, DWORD dwStrType, LPSTR psz, DWORD csz);
DWORD WINAPI CertNameToStrW(DWORD dwCertEncodingType, PCERT_NAME_BLOB pName, DWORD dwStrType, LPWSTR psz, DWORD csz);

/* A text to a name, in DER: what CertNameToStr writes, and what people do: "CN=Alice, O=\"Firm, Inc.\"; C=DE".
 *
 *   dwStrType    CERT_OID_NAME_STR and CERT_X500_NAME_STR are the same: keys (CN, L, O, OU, E or Email, C, S or ST, STREET, T or
 *                Title, G or GivenName, I or Initials, SN, DC ...) in any case, or OIDs, with or without "OID."; values may be
 *                quoted.  With CERT_NAME_STR_*_FLAG:
 *                COMMA, SEMICOLON, CRLF     what alone separates; otherwise "," and ";" do
 *                NO_PLUS, NO_QUOTING        "+" and quotes are nothing special
 *                REVERSE                    the last part of the text comes first in the name
 *                FORCE_UTF8_DIR_STR         UTF8String always, not PrintableString for what fits there
 *                ENABLE_UTF8_UNICODE, ENABLE_T61_UNICODE   for the rest UTF8String, TeletexString; otherwise BMPString
 *   pbEncoded    NULL: *pcbEncoded receives the size
 *   ppszError    NULL, or receives where in pszX500 a text is wrong, NULL for other failures
 *
 * TRUE; FALSE with CRYPT_E_INVALID_X500_STRING, CRYPT_E_INVALID_PRINTABLE_STRING (a country, say), CRYPT_E_INVALID_IA5_STRING
 * (an e-mail address), ERROR_MORE_DATA, ERROR_NOT_SUPPORTED (a value in hexadecimal, "#0401FF"). */
BOOL WINAPI CertStrToNameA(DWORD dwCertEncodingType, LPCSTR pszX500, DWORD dwStrType, void *pvReserved, BYTE *pbEncoded,
                           DWORD *pcbEncoded, LPCSTR *ppszError);
BOOL WINAPI CertStrToNameW(DWORD dwCertEncodingType, LPCWSTR pszX500, DWORD dwStrType, void *pvReserved,
                           BYTE *pbEncoded, DWORD *pcbEncoded, LPCWSTR *ppszError);

#define CERT_NAME_EMAIL_TYPE            1
#define CERT_NAME_RDN_TYPE              2
#define CERT_NAME_ATTR_TYPE             3
#define CERT_NAME_SIMPLE_DISPLAY_TYPE   4
#define CERT_NAME_FRIENDLY_DISPLAY_TYPE 5
#define CERT_NAME_DNS_TYPE              6
#define CERT_NAME_URL_TYPE              7
#define CERT_NAME_UPN_TYPE              8

#define CERT_NAME_ISSUER_FLAG           0x00000001
#define CERT_NAME_DISABLE_IE4_UTF8_FLAG 0x00010000
#define CERT_NAME_SEARCH_ALL_NAMES_FLAG 0x00000002

/* The name of a certificate's subject, or with CERT_NAME_ISSUER_FLAG of its issuer.
 *
 *   pvTypePara   RDN_TYPE: a DWORD for CertNameToStr's dwStrType; ATTR_TYPE: an OID, NULL takes the first that is there of
 *                CN, OU, O, e-mail and then any
 *   dwFlags      CERT_NAME_SEARCH_ALL_NAMES_FLAG: DNS_TYPE gives all names, each with a NUL, and one more NUL
 *
 * EMAIL_TYPE, DNS_TYPE, URL_TYPE and UPN_TYPE look at the alternative names first; EMAIL_TYPE then at the e-mail address in
 * the name, DNS_TYPE at the common name.  The number of characters with the NUL; 1, and an empty text, when there is none. */
DWORD WINAPI CertGetNameStringA(PCCERT_CONTEXT pCertContext, DWORD dwType, DWORD dwFlags, void *pvTypePara,
                                LPSTR pszNameString, DWORD cchNameString);
DWORD WINAPI CertGetNameStringW(PCCERT_CONTEXT pCertContext, DWORD dwType, DWORD dwFlags, void *pvTypePara,
                                LPWSTR pszNameString, DWORD cchNameString);

/* ---------------------------------------------------------------- comparing, looking things up */

/* The same issuer and serial number; the same bytes; the same integer whatever its padding; the same key. */
BOOL WINAPI CertCompareCertificate(DWORD dwCertEncodingType, PCERT_INFO pCertId1, PCERT_INFO pCertId2);
BOOL WINAPI CertCompareCertificateName(DWORD dwCertEncodingType, PCERT_NAME_BLOB pCertName1,
                                       PCERT_NAME_BLOB pCertName2);
BOOL WINAPI CertCompareIntegerBlob(PCRYPT_INTEGER_BLOB pInt1, PCRYPT_INTEGER_BLOB pInt2);
BOOL WINAPI CertComparePublicKeyInfo(DWORD dwCertEncodingType, PCERT_PUBLIC_KEY_INFO pPublicKey1,
                                     PCERT_PUBLIC_KEY_INFO pPublicKey2);

/* The extension of this OID in the array, or NULL. */
PCERT_EXTENSION WINAPI CertFindExtension(LPCSTR pszObjId, DWORD cExtensions, CERT_EXTENSION rgExtensions[]);

/* Bits of a public key; 0 when it cannot be read. */
DWORD WINAPI CertGetPublicKeyLength(DWORD dwCertEncodingType, PCERT_PUBLIC_KEY_INFO pPublicKey);

/* A hash of bytes.
 *
 *   Algid             CALG_MD5, CALG_SHA1, CALG_SHA_256, _384 or _512; 0 is SHA-1
 *   pbComputedHash    NULL: *pcbComputedHash receives the size
 *
 * TRUE; FALSE with ERROR_MORE_DATA, NTE_BAD_ALGID. */
BOOL WINAPI CryptHashCertificate(HCRYPTPROV_LEGACY hCryptProv, ALG_ID Algid, DWORD dwFlags, const BYTE *pbEncoded,
                                 DWORD cbEncoded, BYTE *pbComputedHash, DWORD *pcbComputedHash);

/* ---------------------------------------------------------------- what is encoded */

#define CERT_RDN_ANY_TYPE         0
#define CERT_RDN_ENCODED_BLOB     1
#define CERT_RDN_OCTET_STRING     2
#define CERT_RDN_NUMERIC_STRING   3
#define CERT_RDN_PRINTABLE_STRING 4
#define CERT_RDN_TELETEX_STRING   5
#define CERT_RDN_T61_STRING       5
#define CERT_RDN_VIDEOTEX_STRING  6
#define CERT_RDN_IA5_STRING       7
#define CERT_RDN_GRAPHIC_STRING   8
#define CERT_RDN_VISIBLE_STRING   9
#define CERT_RDN_ISO646_STRING    9
#define CERT_RDN_GENERAL_STRING   10
#define CERT_RDN_UNIVERSAL_STRING 11
#define CERT_RDN_INT4_STRING      11
#define CERT_RDN_BMP_STRING       12
#define CERT_RDN_UNICODE_STRING   12
#define CERT_RDN_UTF8_STRING      13

typedef struct _CERT_RDN_ATTR {
    LPSTR pszObjId;
    DWORD dwValueType; /* CERT_RDN_* */
    CERT_RDN_VALUE_BLOB Value;
} CERT_RDN_ATTR, *PCERT_RDN_ATTR;

typedef struct _CERT_RDN {
    DWORD cRDNAttr;
    PCERT_RDN_ATTR rgRDNAttr;
} CERT_RDN, *PCERT_RDN;

typedef struct _CERT_NAME_INFO {
    DWORD cRDN;
    PCERT_RDN rgRDN;
} CERT_NAME_INFO, *PCERT_NAME_INFO;

typedef struct _CERT_OTHER_NAME {
    LPSTR pszObjId;
    CRYPT_OBJID_BLOB Value;
} CERT_OTHER_NAME, *PCERT_OTHER_NAME;

#define CERT_ALT_NAME_OTHER_NAME     1
#define CERT_ALT_NAME_RFC822_NAME    2
#define CERT_ALT_NAME_DNS_NAME       3
#define CERT_ALT_NAME_X400_ADDRESS   4
#define CERT_ALT_NAME_DIRECTORY_NAME 5
#define CERT_ALT_NAME_EDI_PARTY_NAME 6
#define CERT_ALT_NAME_URL            7
#define CERT_ALT_NAME_IP_ADDRESS     8
#define CERT_ALT_NAME_REGISTERED_ID  9

typedef struct _CERT_ALT_NAME_ENTRY {
    DWORD dwAltNameChoice;
    __extension__ union {
        PCERT_OTHER_NAME pOtherName;
        LPWSTR pwszRfc822Name;
        LPWSTR pwszDNSName;
        CERT_NAME_BLOB DirectoryName;
        LPWSTR pwszURL;
        CRYPT_DATA_BLOB IPAddress;
        LPSTR pszRegisteredID;
    } DUMMYUNIONNAME;
} CERT_ALT_NAME_ENTRY, *PCERT_ALT_NAME_ENTRY;

typedef struct _CERT_ALT_NAME_INFO {
    DWORD cAltEntry;
    PCERT_ALT_NAME_ENTRY rgAltEntry;
} CERT_ALT_NAME_INFO, *PCERT_ALT_NAME_INFO;

typedef struct _CERT_BASIC_CONSTRAINTS2_INFO {
    BOOL fCA;
    BOOL fPathLenConstraint;
    DWORD dwPathLenConstraint;
} CERT_BASIC_CONSTRAINTS2_INFO, *PCERT_BASIC_CONSTRAINTS2_INFO;

typedef struct _CRYPT_ATTRIBUTE {
    LPSTR pszObjId;
    DWORD cValue;
    PCRYPT_ATTR_BLOB rgValue;
} CRYPT_ATTRIBUTE, *PCRYPT_ATTRIBUTE;

typedef struct _CRYPT_ATTRIBUTES {
    DWORD cAttr;
    PCRYPT_ATTRIBUTE rgAttr;
} CRYPT_ATTRIBUTES, *PCRYPT_ATTRIBUTES;

typedef struct _CRYPT_PRIVATE_KEY_INFO {
    DWORD Version;
    CRYPT_ALGORITHM_IDENTIFIER Algorithm;
    CRYPT_DER_BLOB PrivateKey;
    PCRYPT_ATTRIBUTES pAttributes;
} CRYPT_PRIVATE_KEY_INFO, *PCRYPT_PRIVATE_KEY_INFO;

typedef struct _CERT_SIGNED_CONTENT_INFO {
    CRYPT_DER_BLOB ToBeSigned;
    CRYPT_ALGORITHM_IDENTIFIER SignatureAlgorithm;
    CRYPT_BIT_BLOB Signature;
} CERT_SIGNED_CONTENT_INFO, *PCERT_SIGNED_CONTENT_INFO;

/* Numbers of what CryptDecodeObjectEx knows.  X509_NAME (7) and X509_EXTENSIONS (5) are types of OpenSSL and not defined;
 * ((LPCSTR)7) is what the SDK's X509_NAME stands for. */
#define X509_CERT                       ((LPCSTR)1)
#define X509_CERT_TO_BE_SIGNED          ((LPCSTR)2)
#define X509_CERT_CRL_TO_BE_SIGNED      ((LPCSTR)3)
#define X509_NAME_VALUE                 ((LPCSTR)6)
#define X509_PUBLIC_KEY_INFO            ((LPCSTR)8)
#define X509_ALTERNATE_NAME             ((LPCSTR)12)
#define X509_KEY_USAGE                  ((LPCSTR)14)
#define X509_BASIC_CONSTRAINTS2         ((LPCSTR)15)
#define X509_UNICODE_NAME               ((LPCSTR)20)
#define X509_UNICODE_NAME_VALUE         ((LPCSTR)24)
#define X509_ANY_STRING                 X509_NAME_VALUE
#define X509_UNICODE_ANY_STRING         X509_UNICODE_NAME_VALUE
#define X509_OCTET_STRING               ((LPCSTR)25)
#define X509_BITS                       ((LPCSTR)26)
#define X509_INTEGER                    ((LPCSTR)27)
#define X509_MULTI_BYTE_INTEGER         ((LPCSTR)28)
#define X509_ENUMERATED                 ((LPCSTR)29)
#define X509_CHOICE_OF_TIME             ((LPCSTR)30)
#define X509_AUTHORITY_KEY_ID2          ((LPCSTR)31)
#define X509_AUTHORITY_INFO_ACCESS      ((LPCSTR)32)
#define X509_CRL_DIST_POINTS            ((LPCSTR)35)
#define X509_ENHANCED_KEY_USAGE         ((LPCSTR)36)
#define X509_MULTI_BYTE_UINT            ((LPCSTR)38)
#define PKCS_RSA_PRIVATE_KEY            ((LPCSTR)43)
#define PKCS_PRIVATE_KEY_INFO           ((LPCSTR)44)
#define PKCS_ENCRYPTED_PRIVATE_KEY_INFO ((LPCSTR)45)
#define X509_OBJECT_IDENTIFIER          ((LPCSTR)73)
#define X509_ALGORITHM_IDENTIFIER       ((LPCSTR)74)
#define X509_ECC_PRIVATE_KEY            ((LPCSTR)82)

#define CRYPT_DECODE_NOCOPY_FLAG                     0x00000001
#define CRYPT_DECODE_TO_BE_SIGNED_FLAG               0x00000002
#define CRYPT_DECODE_SHARE_OID_STRING_FLAG           0x00000004
#define CRYPT_DECODE_NO_SIGNATURE_BYTE_REVERSAL_FLAG 0x00000008
#define CRYPT_DECODE_ALLOC_FLAG                      0x00008000
#define CRYPT_DECODE_ENABLE_PUNYCODE_FLAG            0x02000000
#define CRYPT_DECODE_ENABLE_UTF8PERCENT_FLAG         0x04000000
#define CRYPT_DECODE_ENABLE_IA5CONVERSION_FLAG       0x06000000

typedef LPVOID(WINAPI *PFN_CRYPT_ALLOC)(size_t cbSize);
typedef VOID(WINAPI *PFN_CRYPT_FREE)(LPVOID pv);

typedef struct _CRYPT_DECODE_PARA {
    DWORD cbSize;
    PFN_CRYPT_ALLOC pfnAlloc;
    PFN_CRYPT_FREE pfnFree;
} CRYPT_DECODE_PARA, *PCRYPT_DECODE_PARA;

/* Takes an encoded structure apart.
 *
 *   lpszStructType   a number above, or the OID of an extension
 *   dwFlags          CRYPT_DECODE_ALLOC_FLAG: *(void **)pvStructInfo receives memory for LocalFree, or from
 *                    pDecodePara->pfnAlloc; CRYPT_DECODE_NOCOPY_FLAG: parts of it may point into pbEncoded
 *   pvStructInfo     without ALLOC: NULL, or room for *pcbStructInfo bytes, what is pointed at included
 *
 * Known: X509_CERT, X509_CERT_TO_BE_SIGNED, X509_NAME (7), X509_UNICODE_NAME, X509_ALTERNATE_NAME, X509_BASIC_CONSTRAINTS2,
 * X509_KEY_USAGE, X509_BITS, X509_ENHANCED_KEY_USAGE, X509_PUBLIC_KEY_INFO, X509_OCTET_STRING, X509_MULTI_BYTE_INTEGER,
 * PKCS_PRIVATE_KEY_INFO, PKCS_RSA_PRIVATE_KEY (a PRIVATEKEYBLOB).
 *
 * TRUE; FALSE with ERROR_FILE_NOT_FOUND (another structure), CRYPT_E_ASN1_BADTAG, ERROR_MORE_DATA. */
BOOL WINAPI CryptDecodeObjectEx(DWORD dwCertEncodingType, LPCSTR lpszStructType, const BYTE *pbEncoded, DWORD cbEncoded,
                                DWORD dwFlags, PCRYPT_DECODE_PARA pDecodePara, void *pvStructInfo,
                                DWORD *pcbStructInfo);
BOOL WINAPI CryptDecodeObject(DWORD dwCertEncodingType, LPCSTR lpszStructType, const BYTE *pbEncoded, DWORD cbEncoded,
                              DWORD dwFlags, void *pvStructInfo, DWORD *pcbStructInfo);

/* ---------------------------------------------------------------- bytes as text */

#define CRYPT_STRING_BASE64HEADER        0x00000000
#define CRYPT_STRING_BASE64              0x00000001
#define CRYPT_STRING_BINARY              0x00000002
#define CRYPT_STRING_BASE64REQUESTHEADER 0x00000003
#define CRYPT_STRING_HEX                 0x00000004
#define CRYPT_STRING_HEXASCII            0x00000005
#define CRYPT_STRING_BASE64_ANY          0x00000006
#define CRYPT_STRING_ANY                 0x00000007
#define CRYPT_STRING_HEX_ANY             0x00000008
#define CRYPT_STRING_BASE64X509CRLHEADER 0x00000009
#define CRYPT_STRING_HEXADDR             0x0000000A
#define CRYPT_STRING_HEXASCIIADDR        0x0000000B
#define CRYPT_STRING_HEXRAW              0x0000000C
#define CRYPT_STRING_BASE64URI           0x0000000D
#define CRYPT_STRING_ENCODEMASK          0x000000FF
#define CRYPT_STRING_PERCENTESCAPE       0x08000000
#define CRYPT_STRING_HASHDATA            0x10000000
#define CRYPT_STRING_STRICT              0x20000000
#define CRYPT_STRING_NOCRLF              0x40000000
#define CRYPT_STRING_NOCR                0x80000000

/* Text to bytes.
 *
 *   cchString   0: the text ends in a NUL
 *   dwFlags     CRYPT_STRING_BASE64, _BASE64HEADER ("-----BEGIN ...-----"), _BASE64_ANY, _HEX, _HEXRAW, _BINARY, _ANY,
 *               _BASE64URI, _BASE64REQUESTHEADER and _BASE64X509CRLHEADER
 *   pbBinary    NULL: *pcbBinary receives the size
 *   pdwSkip     NULL, or receives the characters in front of the header; pdwFlags NULL, or receives which form it was
 *
 * TRUE; FALSE with ERROR_INVALID_DATA, ERROR_MORE_DATA, ERROR_INVALID_PARAMETER (another form). */
BOOL WINAPI CryptStringToBinaryA(LPCSTR pszString, DWORD cchString, DWORD dwFlags, BYTE *pbBinary, DWORD *pcbBinary,
                                 DWORD *pdwSkip, DWORD *pdwFlags);
BOOL WINAPI CryptStringToBinaryW(LPCWSTR pszString, DWORD cchString, DWORD dwFlags, BYTE *pbBinary, DWORD *pcbBinary,
                                 DWORD *pdwSkip, DWORD *pdwFlags);

/* Bytes to text, of the same forms and _HEXASCII, _HEXADDR not among them.
 *
 *   dwFlags     with CRYPT_STRING_NOCRLF (no line ends) or CRYPT_STRING_NOCR (line ends are LF alone)
 *   pszString   NULL: *pcchString receives the size with the NUL; otherwise it is set to the length without the NUL
 *
 * TRUE; FALSE with ERROR_MORE_DATA, ERROR_INVALID_PARAMETER. */
BOOL WINAPI CryptBinaryToStringA(const BYTE *pbBinary, DWORD cbBinary, DWORD dwFlags, LPSTR pszString,
                                 DWORD *pcchString);
BOOL WINAPI CryptBinaryToStringW(const BYTE *pbBinary, DWORD cbBinary, DWORD dwFlags, LPWSTR pszString,
                                 DWORD *pcchString);

#ifdef UNICODE
#define CertNameToStr       CertNameToStrW
#define CertStrToName       CertStrToNameW
#define CertGetNameString   CertGetNameStringW
#define CryptStringToBinary CryptStringToBinaryW
#define CryptBinaryToString CryptBinaryToStringW
#else
#define CertNameToStr       CertNameToStrA
#define CertStrToName       CertStrToNameA
#define CertGetNameString   CertGetNameStringA
#define CryptStringToBinary CryptStringToBinaryA
#define CryptBinaryToString CryptBinaryToStringA
#endif

#ifdef __cplusplus
}
#endif

#endif
