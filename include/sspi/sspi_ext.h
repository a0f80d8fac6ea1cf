/* sspi_ext.h: what OpenSSPI adds to the SDK's interface.
 *
 * Nothing here is needed by code written for Windows.  Everything here begins with Sspi and carries "Ext" or is named
 * for a thing Windows keeps elsewhere (the account database, the reason of a failure).
 */
#ifndef _SSPI_EXT_H_
#define _SSPI_EXT_H_

#include "sspi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* OpenSSPI's version, "MAJOR.MINOR.PATCH". */
const char *SspiExtVersion(void);

/* Why the last call on this thread failed.
 *
 * Returns a NUL-terminated text that names the first thing that was wrong and the section of the specification that
 * orders the refusal, or, with Kerberos, what libkrb5 says of it in its own words; NULL when the last call succeeded.  It
 * contains no secret and no bytes of the peer's.  Valid until this thread's next call; nobody frees it.
 *
 *   pStatus   receives the status that went with it; may be NULL */
const char *SspiExtLastReason(SECURITY_STATUS *pStatus);

/* "SEC_E_LOGON_DENIED" for 0x8009030C; NULL for a value without a name.  Static. */
const char *SspiExtStatusName(SECURITY_STATUS Status);

/* A flag for SEC_WINNT_AUTH_IDENTITY*.Flags: the Password member holds the NT hash of the password, as 32 hexadecimal
 * digits in the identity's own width.  For services that store hashes and never learn the password. */
#define SSPI_AUTH_IDENTITY_NT_HASH 0x00100000

/* A caller's own account database.
 *
 * SspiExtSetVerifier makes an inbound NTLM, Negotiate or CREDSSP credential ask `Verify` instead of the configured accounts.
 * `Verify` may be called from several threads at once; it must not call back into the same context.
 *
 * Returned by Verify: SEC_E_OK with SessionBaseKey filled in (MS-NLMP 3.3: for NTLMv2
 * HMAC-MD5(NTOWFv2, NTProofStr)); SEC_E_LOGON_DENIED, whatever the cause, so that peers cannot tell causes apart;
 * SEC_E_NO_AUTHENTICATING_AUTHORITY when the question could not be decided. Any other failure is passed on as
 * SEC_E_LOGON_DENIED. */
typedef struct _SSPI_EXT_LOGON {
    ULONG Size;        /* sizeof(SSPI_EXT_LOGON); later versions only append */
    const WCHAR *User; /* as the client sent it; counted, not terminated */
    ULONG UserLength;  /* in characters */
    const WCHAR *Domain;
    ULONG DomainLength;
    const WCHAR *Workstation;
    ULONG WorkstationLength;
    const unsigned char *Challenge;  /* 8 bytes: what the responses answer */
    const unsigned char *NtResponse; /* MS-NLMP 2.2.2.6 (24 bytes) or 2.2.2.8 */
    ULONG NtResponseLength;
    const unsigned char *LmResponse;
    ULONG LmResponseLength;
} SSPI_EXT_LOGON;

typedef struct _SSPI_EXT_LOGON_RESULT {
    ULONG Size;
    unsigned char SessionBaseKey[16];
    LARGE_INTEGER PasswordExpires; /* FILETIME, UTC; 0x7FFFFFFFFFFFFFFF = never */
    ULONG UserFlags;
} SSPI_EXT_LOGON_RESULT;

typedef SECURITY_STATUS(SEC_ENTRY *SSPI_EXT_VERIFY_FN)(void *Argument, const SSPI_EXT_LOGON *Logon,
                                                       SSPI_EXT_LOGON_RESULT *Result);

/*   phCredential  an inbound credential of NTLM, Negotiate or CREDSSP; contexts accepted with it afterwards use the verifier
 *   Verify        NULL gives the configured accounts back
 *   Argument      handed to Verify; must outlive the credential and its contexts
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION for packages that verify nobody or an outbound handle. */
SECURITY_STATUS SEC_ENTRY SspiExtSetVerifier(PCredHandle phCredential, SSPI_EXT_VERIFY_FN Verify, void *Argument);

/* Computes the session base key for a verifier that knows the NT hash: checks the NTLMv2 response in `Logon` against
 * `NtHash` (16 bytes) and fills in Result->SessionBaseKey.
 *
 * SEC_E_OK; SEC_E_LOGON_DENIED when the response does not match or is not NTLMv2. */
SECURITY_STATUS SEC_ENTRY SspiExtVerifyNtHash(const SSPI_EXT_LOGON *Logon, const unsigned char *NtHash,
                                              SSPI_EXT_LOGON_RESULT *Result);

/* The same for Digest, whose servers need a hash of the password, and no more, for every response.
 *
 * SspiExtSetDigestLookup makes an inbound WDigest credential ask `Lookup` for H(user:realm:password) instead of the
 * configured accounts.  `Lookup` may be called from several threads at once, and twice for one response (for a user name
 * with a backslash that the client may not have escaped); it must not call back into the same context.
 *
 * Returned by Lookup: SEC_E_OK with Hash filled in; SEC_E_LOGON_DENIED for a user that is not known, has no such hash,
 * or may not log on: the client hears of it after the time that a wrong password takes, but for what Lookup itself took;
 * SEC_E_NO_AUTHENTICATING_AUTHORITY when the question could not be decided.  Any other failure is passed on as
 * SEC_E_LOGON_DENIED. */
#define SSPI_EXT_DIGEST_MD5        1
#define SSPI_EXT_DIGEST_SHA256     2
#define SSPI_EXT_DIGEST_SHA512_256 3

typedef struct _SSPI_EXT_DIGEST_QUESTION {
    ULONG Size;        /* sizeof(SSPI_EXT_DIGEST_QUESTION); later versions only append */
    const WCHAR *User; /* as the client wrote it: user, DOMAIN\user or user@realm; counted, not terminated */
    ULONG UserLength;  /* in characters */
    const WCHAR *Realm;
    ULONG RealmLength;
    ULONG Algorithm;    /* SSPI_EXT_DIGEST_*: which hash the response was made with */
    ULONG UserIsHashed; /* not 0: User is H(user:realm) in hexadecimal digits (userhash, RFC 7616 3.4.4) */
} SSPI_EXT_DIGEST_QUESTION;

typedef struct _SSPI_EXT_DIGEST_ANSWER {
    ULONG Size;
    unsigned char Hash[32]; /* H(user:realm:password) in bytes, not digits; of MD5 the first 16 count */
    WCHAR User[257];        /* what SECPKG_ATTR_NAMES is to tell, terminated; empty: the name as it was sent */
} SSPI_EXT_DIGEST_ANSWER;

typedef SECURITY_STATUS(SEC_ENTRY *SSPI_EXT_DIGEST_LOOKUP_FN)(void *Argument, const SSPI_EXT_DIGEST_QUESTION *Question,
                                                              SSPI_EXT_DIGEST_ANSWER *Answer);

/*   phCredential  an inbound credential of WDigest
 *   Lookup        NULL gives the configured accounts back
 *   Argument      handed to Lookup; must outlive the credential and its contexts
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION for other packages or an outbound handle. */
SECURITY_STATUS SEC_ENTRY SspiExtSetDigestLookup(PCredHandle phCredential, SSPI_EXT_DIGEST_LOOKUP_FN Lookup,
                                                 void *Argument);

/* What an access token says of its account.  Texts are UTF-8, and NULL where nobody told; SIDs are texts ("S-1-5-21-...").
 * Kerberos tells all of it where the client's KDC does (Active Directory, Samba: the ticket's PAC); elsewhere there are the
 * account and its domain alone. */
typedef struct _SSPI_EXT_TOKEN_GROUP {
    const char *Sid;
    ULONG Attributes; /* SE_GROUP_*: 1 mandatory, 2 enabled by default, 4 enabled */
} SSPI_EXT_TOKEN_GROUP;

typedef struct _SSPI_EXT_TOKEN {
    ULONG Size; /* sizeof(SSPI_EXT_TOKEN); later versions only append */
    ULONG GroupCount;
    const char *User;
    const char *Domain; /* its NetBIOS name, or the realm */
    const char *UserPrincipalName;
    const char *DnsDomain;
    const char *Sid; /* the account's */
    const SSPI_EXT_TOKEN_GROUP *Groups;
} SSPI_EXT_TOKEN;

/*   hToken    of QuerySecurityContextToken or SECPKG_ATTR_ACCESS_TOKEN
 *   ppToken   receives one block, for FreeContextBuffer
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INVALID_PARAMETER (ppToken is NULL); SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SspiExtQueryToken(HANDLE hToken, SSPI_EXT_TOKEN **ppToken);

/* The token that this thread impersonates, as a HANDLE of its own for CloseHandle.
 *
 * SEC_E_OK; SEC_E_NO_CONTEXT (the thread impersonates nobody); SEC_E_INVALID_PARAMETER; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SspiExtOpenThreadToken(HANDLE *phToken);

/* Makes a token the one that this thread impersonates, as ImpersonateLoggedOnUser does; NULL: none any more (RevertToSelf).  The
 * handle may be closed while the thread impersonates.
 *
 *   hToken    of LsaLogonUser, QuerySecurityContextToken, SECPKG_ATTR_ACCESS_TOKEN or SspiExtOpenThreadToken
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_NO_IMPERSONATION, as ImpersonateSecurityContext: the thread keeps the identity it had. */
SECURITY_STATUS SEC_ENTRY SspiExtSetThreadToken(HANDLE hToken);

/* An account or a domain, as the machine's directories know it: winbindd, NSS (sssd among it), /etc/passwd.  Texts are UTF-8;
 * NULL where nothing is known. */
typedef struct _SSPI_EXT_ACCOUNT {
    ULONG Size;         /* sizeof(SSPI_EXT_ACCOUNT); later versions only append */
    ULONG Use;          /* SID_NAME_USE: 1 user, 2 group, 3 domain, 4 alias, 5 well-known group, 9 computer */
    const char *User;   /* NULL: the domain itself */
    const char *Domain; /* its NetBIOS name, or its DNS name where nobody knows the other */
    const char *DnsDomain;
    const char *DisplayName;
    const char *Sid;
} SSPI_EXT_ACCOUNT;

/* Looks an account up.  What has to be asked of a domain controller may take as long as the policy lets it ([names]
 * lookup-timeout), and no longer.
 *
 *   pszName     "DOMAIN\user", "DOMAIN\" for the domain, "user@domain", or the text of a SID
 *   ppAccount   receives one block, for FreeContextBuffer
 *
 * SEC_E_OK; SEC_E_TARGET_UNKNOWN (the domain has no such account); SEC_E_NO_AUTHENTICATING_AUTHORITY (nobody who answers knows
 * the domain); SEC_E_INVALID_PARAMETER (NULL, not UTF-8); SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SspiExtFindAccount(const char *pszName, SSPI_EXT_ACCOUNT **ppAccount);

/* Certificates with private keys.
 *
 * Windows keeps keys in containers that a certificate's properties name; here a CERT_CONTEXT (wincrypt.h) has its key with it,
 * or knows where it is: a file, or a token behind a "pkcs11:" URI (RFC 7512), which needs OpenSSL's provider or engine pkcs11.
 * Texts are UTF-8.  A password is copied and wiped; nobody is asked for one. */
struct _CERT_CONTEXT;

/* A certificate from files.
 *
 *   pszCertificate   PEM (the certificate first, then its issuers), DER, PKCS#7, or PKCS#12 with its key
 *   pszKey           a PEM or DER file, a "file:" or "pkcs11:" URI; NULL: in the same file
 *   pszPassword      of the key, the PKCS#12 or the token; may be NULL
 *   ppCertContext    receives the certificate, for CertFreeCertificateContext; hCertStore holds everything that was read
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN (not such a file); CRYPT_E_FILE_ERROR (cannot be read); SEC_E_LOGON_DENIED (another password
 * for the PKCS#12); SEC_E_UNKNOWN_CREDENTIALS (the key cannot be opened, or is another certificate's);
 * SEC_E_INVALID_PARAMETER; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SspiExtCertFromFiles(const char *pszCertificate, const char *pszKey, const char *pszPassword,
                                               const struct _CERT_CONTEXT **ppCertContext);

/* Gives a certificate a private key from memory: PEM, or DER (PKCS#8, PKCS#1, SEC1).  pvKey NULL takes its key away.
 *
 * SEC_E_OK; SEC_E_UNKNOWN_CREDENTIALS (cannot be read, or is another certificate's); SEC_E_INVALID_PARAMETER (not a
 * certificate of this library); SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SspiExtCertSetKey(const struct _CERT_CONTEXT *pCertContext, const void *pvKey, ULONG cbKey,
                                            const char *pszPassword);

#ifdef __cplusplus
}
#endif

#endif
