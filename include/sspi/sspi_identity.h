/* sspi_identity.h: the part of sspi.h about who somebody says to be.  Include sspi.h.
 *
 * An identity is one of five structures: plain A or W, EXA or EXW, EX2.  The first ULONG tells: 0x200 is EXA or EXW,
 * 0x201 is EX2, anything else is plain (it is then half a pointer).  Flags says ANSI or UNICODE, whichever function the
 * identity goes through.  PSEC_WINNT_AUTH_IDENTITY_OPAQUE points to any of them.
 * Sources: Microsoft Learn, the pages of the structures and functions. */
#ifndef _SSPI_IDENTITY_H_
#define _SSPI_IDENTITY_H_

#include "sspi_attributes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- flags */

#define SEC_WINNT_AUTH_IDENTITY_ANSI    0x1 /* the texts are bytes: UTF-8 */
#define SEC_WINNT_AUTH_IDENTITY_UNICODE 0x2 /* the texts are UTF-16 */

#define SEC_WINNT_AUTH_IDENTITY_MARSHALLED              0x4 /* the texts follow the structure in one block */
#define SEC_WINNT_AUTH_IDENTITY_ONLY                    0x8 /* no authorization data in the ticket (Kerberos) */
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED 0x10
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED  0x20
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED    0x40
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED  0x80
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_RESERVED          0x10000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_NULL_USER         0x20000 /* EX2: the user is NULL, not "" */
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_NULL_DOMAIN       0x40000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_ID_PROVIDER       0x80000 /* Domain names an online provider */

#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_USE_MASK             0xFF000000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_CREDPROV_DO_NOT_SAVE 0x80000000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_SAVE_CRED_BY_CALLER                                                      \
    SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_CREDPROV_DO_NOT_SAVE
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_SAVE_CRED_CHECKED    0x40000000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_NO_CHECKBOX          0x20000000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_CREDPROV_DO_NOT_LOAD 0x10000000
#define SEC_WINNT_AUTH_IDENTITY_FLAGS_VALID_SSPIPFC_FLAGS                                                              \
    (SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_CREDPROV_DO_NOT_SAVE |                                                      \
     SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_SAVE_CRED_CHECKED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_NO_CHECKBOX |     \
     SEC_WINNT_AUTH_IDENTITY_FLAGS_SSPIPFC_CREDPROV_DO_NOT_LOAD)

/* ---------------------------------------------------------------- structures */

/* Lengths in characters, without the NUL, which need not be there. */
#ifndef _AUTH_IDENTITY_DEFINED
#define _AUTH_IDENTITY_DEFINED
typedef struct _SEC_WINNT_AUTH_IDENTITY_W {
    unsigned short *User;
    ULONG UserLength;
    unsigned short *Domain;
    ULONG DomainLength;
    unsigned short *Password;
    ULONG PasswordLength;
    ULONG Flags;
} SEC_WINNT_AUTH_IDENTITY_W, *PSEC_WINNT_AUTH_IDENTITY_W;

typedef struct _SEC_WINNT_AUTH_IDENTITY_A {
    unsigned char *User;
    ULONG UserLength;
    unsigned char *Domain;
    ULONG DomainLength;
    unsigned char *Password;
    ULONG PasswordLength;
    ULONG Flags;
} SEC_WINNT_AUTH_IDENTITY_A, *PSEC_WINNT_AUTH_IDENTITY_A;
#endif

#define SEC_WINNT_AUTH_IDENTITY_VERSION   0x200
#define SEC_WINNT_AUTH_IDENTITY_VERSION_2 0x201

/* PackageList is for Negotiate: "kerberos,!ntlm"; "!" takes a package out. */
typedef struct _SEC_WINNT_AUTH_IDENTITY_EXW {
    ULONG Version; /* SEC_WINNT_AUTH_IDENTITY_VERSION */
    ULONG Length;  /* of this structure */
    unsigned short *User;
    ULONG UserLength;
    unsigned short *Domain;
    ULONG DomainLength;
    unsigned short *Password;
    ULONG PasswordLength;
    ULONG Flags;
    unsigned short *PackageList;
    ULONG PackageListLength;
} SEC_WINNT_AUTH_IDENTITY_EXW, *PSEC_WINNT_AUTH_IDENTITY_EXW;

typedef struct _SEC_WINNT_AUTH_IDENTITY_EXA {
    ULONG Version;
    ULONG Length;
    unsigned char *User;
    ULONG UserLength;
    unsigned char *Domain;
    ULONG DomainLength;
    unsigned char *Password;
    ULONG PasswordLength;
    ULONG Flags;
    unsigned char *PackageList;
    ULONG PackageListLength;
} SEC_WINNT_AUTH_IDENTITY_EXA, *PSEC_WINNT_AUTH_IDENTITY_EXA;

/* One block: offsets from the start of the structure, lengths in bytes, texts in UTF-16 without NUL. */
typedef struct _SEC_WINNT_AUTH_IDENTITY_EX2 {
    ULONG Version; /* SEC_WINNT_AUTH_IDENTITY_VERSION_2 */
    USHORT cbHeaderLength;
    ULONG cbStructureLength;
    ULONG UserOffset;
    USHORT UserLength;
    ULONG DomainOffset;
    USHORT DomainLength;
    ULONG PackedCredentialsOffset; /* SEC_WINNT_AUTH_PACKED_CREDENTIALS */
    USHORT PackedCredentialsLength;
    ULONG Flags;
    ULONG PackageListOffset;
    USHORT PackageListLength;
} SEC_WINNT_AUTH_IDENTITY_EX2, *PSEC_WINNT_AUTH_IDENTITY_EX2;

typedef PVOID PSEC_WINNT_AUTH_IDENTITY_OPAQUE;

#ifdef UNICODE
#define SEC_WINNT_AUTH_IDENTITY     SEC_WINNT_AUTH_IDENTITY_W
#define PSEC_WINNT_AUTH_IDENTITY    PSEC_WINNT_AUTH_IDENTITY_W
#define _SEC_WINNT_AUTH_IDENTITY    _SEC_WINNT_AUTH_IDENTITY_W
#define SEC_WINNT_AUTH_IDENTITY_EX  SEC_WINNT_AUTH_IDENTITY_EXW
#define PSEC_WINNT_AUTH_IDENTITY_EX PSEC_WINNT_AUTH_IDENTITY_EXW
#else
#define SEC_WINNT_AUTH_IDENTITY     SEC_WINNT_AUTH_IDENTITY_A
#define PSEC_WINNT_AUTH_IDENTITY    PSEC_WINNT_AUTH_IDENTITY_A
#define _SEC_WINNT_AUTH_IDENTITY    _SEC_WINNT_AUTH_IDENTITY_A
#define SEC_WINNT_AUTH_IDENTITY_EX  SEC_WINNT_AUTH_IDENTITY_EXA
#define PSEC_WINNT_AUTH_IDENTITY_EX PSEC_WINNT_AUTH_IDENTITY_EXA
#endif

typedef union _SEC_WINNT_AUTH_IDENTITY_INFO {
    SEC_WINNT_AUTH_IDENTITY_EXW AuthIdExw;
    SEC_WINNT_AUTH_IDENTITY_EXA AuthIdExa;
    SEC_WINNT_AUTH_IDENTITY_A AuthId_a;
    SEC_WINNT_AUTH_IDENTITY_W AuthId_w;
    SEC_WINNT_AUTH_IDENTITY_EX2 AuthIdEx2;
} SEC_WINNT_AUTH_IDENTITY_INFO, *PSEC_WINNT_AUTH_IDENTITY_INFO;

/* ---------------------------------------------------------------- packed credentials: EX2's password, or more
 *
 * Offsets count from the start of the outermost structure of this group, lengths are in bytes. */

#ifndef _SEC_WINNT_AUTH_TYPES
#define _SEC_WINNT_AUTH_TYPES

typedef struct _SEC_WINNT_AUTH_BYTE_VECTOR {
    ULONG ByteArrayOffset;
    USHORT ByteArrayLength;
} SEC_WINNT_AUTH_BYTE_VECTOR, *PSEC_WINNT_AUTH_BYTE_VECTOR;

typedef struct _SEC_WINNT_AUTH_SHORT_VECTOR {
    ULONG ShortArrayOffset;
    USHORT ShortArrayCount;
} SEC_WINNT_AUTH_SHORT_VECTOR, *PSEC_WINNT_AUTH_SHORT_VECTOR;

typedef struct _SEC_WINNT_AUTH_DATA {
    GUID CredType; /* SEC_WINNT_AUTH_DATA_TYPE_* */
    SEC_WINNT_AUTH_BYTE_VECTOR CredData;
} SEC_WINNT_AUTH_DATA, *PSEC_WINNT_AUTH_DATA;

typedef struct _SEC_WINNT_AUTH_PACKED_CREDENTIALS {
    USHORT cbHeaderLength;
    USHORT cbStructureLength;
    SEC_WINNT_AUTH_DATA AuthData;
} SEC_WINNT_AUTH_PACKED_CREDENTIALS, *PSEC_WINNT_AUTH_PACKED_CREDENTIALS;

typedef struct _SEC_WINNT_AUTH_PACKED_CREDENTIALS_EX {
    USHORT cbHeaderLength;
    ULONG Flags;
    SEC_WINNT_AUTH_BYTE_VECTOR PackedCredentials;
    SEC_WINNT_AUTH_SHORT_VECTOR PackageList;
} SEC_WINNT_AUTH_PACKED_CREDENTIALS_EX, *PSEC_WINNT_AUTH_PACKED_CREDENTIALS_EX;

typedef struct _SEC_WINNT_AUTH_DATA_PASSWORD {
    SEC_WINNT_AUTH_BYTE_VECTOR UnicodePassword;
} SEC_WINNT_AUTH_DATA_PASSWORD, *PSEC_WINNT_AUTH_DATA_PASSWORD;

typedef struct _SEC_WINNT_AUTH_CERTIFICATE_DATA {
    USHORT cbHeaderLength;
    USHORT cbStructureLength;
    SEC_WINNT_AUTH_BYTE_VECTOR Certificate;
} SEC_WINNT_AUTH_CERTIFICATE_DATA, *PSEC_WINNT_AUTH_CERTIFICATE_DATA;

typedef struct _SEC_WINNT_AUTH_NGC_DATA {
    LUID LogonId;
    ULONG Flags; /* NGC_DATA_FLAG_* */
    SEC_WINNT_AUTH_BYTE_VECTOR CspInfo;
    SEC_WINNT_AUTH_BYTE_VECTOR UserIdKeyAuthTicket;
    SEC_WINNT_AUTH_BYTE_VECTOR DecryptionKeyName;
    SEC_WINNT_AUTH_BYTE_VECTOR DecryptionKeyAuthTicket;
} SEC_WINNT_AUTH_NGC_DATA, *PSEC_WINNT_AUTH_NGC_DATA;

#define NGC_DATA_FLAG_KERB_CERTIFICATE_LOGON_FLAG_CHECK_DUPLICATES     0x1
#define NGC_DATA_FLAG_KERB_CERTIFICATE_LOGON_FLAG_USE_CERTIFICATE_INFO 0x2
#define NGC_DATA_FLAG_IS_SMARTCARD_DATA                                0x4
#define NGC_DATA_FLAG_IS_CLOUD_TRUST_CRED                              0x8

typedef struct _SEC_WINNT_AUTH_FIDO_DATA {
    USHORT cbHeaderLength;
    USHORT cbStructureLength;
    SEC_WINNT_AUTH_BYTE_VECTOR Secret;
    SEC_WINNT_AUTH_BYTE_VECTOR NewSecret;
    SEC_WINNT_AUTH_BYTE_VECTOR EncryptedNewSecret;
    SEC_WINNT_AUTH_BYTE_VECTOR NetworkLogonBuffer;
    ULONG64 ulSignatureCount;
} SEC_WINNT_AUTH_FIDO_DATA, *PSEC_WINNT_AUTH_FIDO_DATA;

typedef struct _SEC_WINNT_AUTH_DATA_TYPE_SMARTCARD_CONTEXTS_DATA {
    PVOID pcc;
    PVOID hProv;
    LPWSTR pwszECDHKeyName;
} SEC_WINNT_AUTH_DATA_TYPE_SMARTCARD_CONTEXTS_DATA, *PSEC_WINNT_AUTH_DATA_TYPE_SMARTCARD_CONTEXTS_DATA;

typedef struct _SEC_WINNT_CREDUI_CONTEXT_VECTOR {
    ULONG CredUIContextArrayOffset;
    USHORT CredUIContextCount;
} SEC_WINNT_CREDUI_CONTEXT_VECTOR, *PSEC_WINNT_CREDUI_CONTEXT_VECTOR;

typedef struct _CREDUIWIN_MARSHALED_CONTEXT {
    GUID StructureType; /* CREDUIWIN_STRUCTURE_TYPE_SSPIPFC */
    USHORT cbHeaderLength;
    LUID LogonId;
    GUID MarshaledDataType; /* SSPIPFC_STRUCTURE_TYPE_CREDUI_CONTEXT */
    ULONG MarshaledDataOffset;
    USHORT MarshaledDataLength;
} CREDUIWIN_MARSHALED_CONTEXT, *PCREDUIWIN_MARSHALED_CONTEXT;

/* UIInfo and the parameters below are CREDUI_INFO in the SDK, which has no meaning without a desktop. */
typedef struct _SEC_WINNT_CREDUI_CONTEXT {
    USHORT cbHeaderLength;
    HANDLE CredUIContextHandle;
    PVOID UIInfo;
    ULONG dwAuthError;
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE pInputAuthIdentity;
    PUNICODE_STRING TargetName;
} SEC_WINNT_CREDUI_CONTEXT, *PSEC_WINNT_CREDUI_CONTEXT;

/* The SDK has these as constants, too; a program that uses none of them gets none. */
#define __SSPI_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                                                   \
    static const GUID __attribute__((unused)) name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}

__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_PASSWORD, 0x28bfc32f, 0x10f6, 0x4738, 0x98, 0xd1, 0x1a, 0xc0, 0x61, 0xdf, 0x71,
            0x6a);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_CERT, 0x235f69ad, 0x73fb, 0x4dbc, 0x82, 0x03, 0x06, 0x29, 0xe7, 0x39, 0x33, 0x9b);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_CREDMAN_CERT, 0x7cb72412, 0x1016, 0x491a, 0x8c, 0x87, 0x4d, 0x2a, 0xa1, 0xb7, 0xdd,
            0x3a);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_NGC, 0x10a47879, 0x5ebf, 0x4b85, 0xbd, 0x8d, 0xc2, 0x1b, 0xb4, 0xf4, 0x9c, 0x8a);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_FIDO, 0x32e8f8d7, 0x7871, 0x4bcc, 0x83, 0xc5, 0x46, 0x0f, 0x66, 0xc6, 0x13, 0x5c);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_KEYTAB, 0xd587aae8, 0xf78f, 0x4455, 0xa1, 0x12, 0xc9, 0x34, 0xbe, 0xee, 0x7c,
            0xe1);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_CSP_DATA, 0x68fd9879, 0x079c, 0x4dfe, 0x82, 0x81, 0x57, 0x8a, 0xad, 0xc1, 0xc1,
            0x00);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_SMARTCARD_CONTEXTS, 0xb86c4ff3, 0x49d7, 0x4dc4, 0xb5, 0x60, 0xb1, 0x16, 0x36, 0x85,
            0xb2, 0x36);
__SSPI_GUID(SEC_WINNT_AUTH_DATA_TYPE_DELEGATION_TOKEN, 0x12e52e0f, 0x6f9b, 0x4f83, 0x90, 0x20, 0x9d, 0xe4, 0x2b, 0x22,
            0x62, 0x67);
__SSPI_GUID(CREDUIWIN_STRUCTURE_TYPE_SSPIPFC, 0x3c3e93d9, 0xd96b, 0x49b5, 0x94, 0xa7, 0x45, 0x85, 0x92, 0x08, 0x83,
            0x37);
__SSPI_GUID(SSPIPFC_STRUCTURE_TYPE_CREDUI_CONTEXT, 0xc2fffe6f, 0x503d, 0x4c3d, 0xa9, 0x5e, 0xbc, 0xe8, 0x21, 0x21, 0x3d,
            0x44);

#endif

/* ---------------------------------------------------------------- functions
 *
 * Texts are UTF-16.  None of the functions that work in place moves the structure it is given.  What they allocate is
 * freed with SspiFreeAuthIdentity (identities) or SspiLocalFree (all else); wipe secrets first.  Each of them may answer
 * SEC_E_INSUFFICIENT_MEMORY. */

/* Makes an identity from texts.
 *
 *   pszUserName, pszDomainName   may be NULL
 *   pszPackedCredentialsString   a password, or NULL
 *   ppAuthIdentity               receives an EXW in one block, Flags UNICODE | MARSHALLED: SspiFreeAuthIdentity
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN when all three are NULL, *ppAuthIdentity is then not written (observed on Windows). */
SECURITY_STATUS SEC_ENTRY SspiEncodeStringsAsAuthIdentity(PCWSTR pszUserName, PCWSTR pszDomainName,
                                                          PCWSTR pszPackedCredentialsString,
                                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity);

/* The reverse.
 *
 *   ppszUserName, ppszDomainName, ppszPackedCredentialsString   receive texts with a NUL, or NULL for what is absent:
 *                  SspiLocalFree each, having wiped the last.  The last pointer itself may be NULL.
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN for an identity that does not hold together; STATUS_INVALID_PARAMETER for an encrypted
 * one; SEC_E_UNKNOWN_CREDENTIALS when the packed credentials are no password. */
SECURITY_STATUS SEC_ENTRY SspiEncodeAuthIdentityAsStrings(PSEC_WINNT_AUTH_IDENTITY_OPAQUE pAuthIdentity,
                                                          PCWSTR *ppszUserName, PCWSTR *ppszDomainName,
                                                          PCWSTR *ppszPackedCredentialsString);

/* Whether versions, lengths and offsets fit together.  The size of the memory behind `AuthData` cannot be known.
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN; SEC_E_UNKNOWN_CREDENTIALS for a version there is not. */
SECURITY_STATUS SEC_ENTRY SspiValidateAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData);

/* A copy that shares nothing with the original: SspiFreeAuthIdentity.
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN as above. */
SECURITY_STATUS SEC_ENTRY SspiCopyAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData,
                                               PSEC_WINNT_AUTH_IDENTITY_OPAQUE *AuthDataCopy);

/* Wipes and frees what one of these functions made; not for structures of the caller's own.  NULL is allowed. */
VOID SEC_ENTRY SspiFreeAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData);

/* Wipes the password (EX2: the packed credentials) and leaves the structure valid.  NULL is allowed. */
VOID SEC_ENTRY SspiZeroAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData);

/* Frees texts and byte arrays of this group.  NULL is allowed. */
VOID SEC_ENTRY SspiLocalFree(PVOID DataBuffer);

#define SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON   0x1
#define SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_PROCESS 0x2
#define SEC_WINNT_AUTH_IDENTITY_ENCRYPT_FOR_SYSTEM   0x4

/* Encrypts the secret in place, to be read by this process and its children (SAME_PROCESS, no option, and the function
 * without options), the processes of this logon session (SAME_LOGON) or the system's services (FOR_SYSTEM), and says so in
 * Flags.  The names of the user and the domain are part of it.
 *
 * SEC_E_OK, also for what is encrypted already; SEC_E_INVALID_TOKEN; SEC_E_INVALID_PARAMETER for unknown options;
 * SEC_E_UNSUPPORTED_FUNCTION for a scope the system offers no key for: FOR_SYSTEM, and SAME_LOGON without a kernel
 * keyring. */
SECURITY_STATUS SEC_ENTRY SspiEncryptAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData);
SECURITY_STATUS SEC_ENTRY SspiEncryptAuthIdentityEx(ULONG Options, PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData);

/* Decrypts in place; the function without options takes whatever it was encrypted with.
 *
 * SEC_E_OK, also for what is not encrypted; SEC_E_INVALID_TOKEN; SEC_E_INVALID_PARAMETER for options other than those it
 * was encrypted with; SEC_E_DECRYPT_FAILURE when this process has no such key.  What another process or session encrypted
 * becomes noise: the structure has no room for a proof. */
SECURITY_STATUS SEC_ENTRY SspiDecryptAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData);
SECURITY_STATUS SEC_ENTRY SspiDecryptAuthIdentityEx(ULONG Options, PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData);

/* TRUE when Flags has one of PROCESS_ENCRYPTED, SYSTEM_PROTECTED, USER_PROTECTED, SYSTEM_ENCRYPTED. */
BOOLEAN SEC_ENTRY SspiIsAuthIdentityEncrypted(PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData);

/* Compares two identities, either of which may be NULL.
 *
 *   SameSuppliedUser       receives TRUE when user and domain are the same; may be NULL
 *   SameSuppliedIdentity   receives TRUE when the secret is the same, too; may be NULL
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN. */
SECURITY_STATUS SEC_ENTRY SspiCompareAuthIdentities(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity1,
                                                    PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity2,
                                                    PBOOLEAN SameSuppliedUser, PBOOLEAN SameSuppliedIdentity);

/* The identity as one array of bytes, the same in 32-bit and 64-bit processes.
 *
 * Layout for all but EX2 (observed on Windows): eleven ULONGs, namely version 0x200, length 44, then offset and length
 * of user, domain and password, flags, and offset and length of the package list, lengths in characters; then the texts
 * without NUL in the identity's own width, and four bytes.  EX2 goes as it is, followed by eight bytes.
 *
 *   AuthIdentityLength      receives the size in bytes
 *   AuthIdentityByteArray   receives the array: wipe, then SspiLocalFree
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN. */
SECURITY_STATUS SEC_ENTRY SspiMarshalAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity,
                                                  ULONG *AuthIdentityLength, PCHAR *AuthIdentityByteArray);

/* The reverse: an EXW (EXA where Flags says ANSI) in one block with Flags |= MARSHALLED, or an EX2.
 *
 *   ppAuthIdentity   SspiFreeAuthIdentity
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN when anything does not fit into `AuthIdentityLength` bytes. */
SECURITY_STATUS SEC_ENTRY SspiUnmarshalAuthIdentity(ULONG AuthIdentityLength, PCHAR AuthIdentityByteArray,
                                                    PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity);

/* TRUE when asking the user for (other) credentials may help after this SECURITY_STATUS, NTSTATUS or Win32 code. */
BOOLEAN SEC_ENTRY SspiIsPromptingNeeded(ULONG ErrorOrNtStatus);

/* The host of a service principal name, a URL or a plain name: SspiLocalFree.
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN when there is none. */
SECURITY_STATUS SEC_ENTRY SspiGetTargetHostName(PCWSTR pszTargetName, PWSTR *pszHostName);

/* A copy of the identity that Negotiate may not use with this package ("!package" in the list).
 *
 *   AuthIdentity        NULL: the default credentials
 *   ppNewAuthIdentity   an EX or EX2: SspiFreeAuthIdentity
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN. */
SECURITY_STATUS SEC_ENTRY SspiExcludePackage(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszPackageName,
                                             PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppNewAuthIdentity);

/* Where in a credential store the identity would be found.
 *
 *   pCredmanCredentialType   receives CRED_TYPE_DOMAIN_PASSWORD (2), or CRED_TYPE_GENERIC (1) for online providers
 *   ppszCredmanTargetName    SspiLocalFree
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN. */
SECURITY_STATUS SEC_ENTRY SspiPrepareForCredRead(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszTargetName,
                                                 PULONG pCredmanCredentialType, PCWSTR *ppszCredmanTargetName);

/* What a credential store would keep.
 *
 *   pszTargetName           NULL: the target is "domain\user", as the user name is
 *   ppCredentialBlob        receives the password in UTF-16 without NUL: wipe, then SspiLocalFree
 *   pCredentialBlobSize     receives its size in bytes
 *   the others              as above; ppszCredmanUserName: SspiLocalFree
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN. */
SECURITY_STATUS SEC_ENTRY SspiPrepareForCredWrite(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszTargetName,
                                                  PULONG pCredmanCredentialType, PCWSTR *ppszCredmanTargetName,
                                                  PCWSTR *ppszCredmanUserName, PUCHAR *ppCredentialBlob,
                                                  PULONG pCredentialBlobSize);

/* Turns the bindings of SECPKG_ATTR_UNIQUE_BINDINGS or _ENDPOINT_BINDINGS into SEC_CHANNEL_BINDINGS_EX with these flags
 * (SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS), for an acceptor.  pBindings->Bindings may become another block, still for
 * FreeContextBuffer; the length follows.
 *
 * SEC_E_OK; SEC_E_INVALID_PARAMETER for unknown flags; SEC_E_INVALID_TOKEN for bindings that do not hold together. */
SECURITY_STATUS SEC_ENTRY SspiSetChannelBindingFlags(PSecPkgContext_Bindings pBindings, ULONG flags);

#define SSPIPFC_CREDPROV_DO_NOT_SAVE 0x00000001
#define SSPIPFC_SAVE_CRED_BY_CALLER  SSPIPFC_CREDPROV_DO_NOT_SAVE
#define SSPIPFC_NO_CHECKBOX          0x00000002
#define SSPIPFC_CREDPROV_DO_NOT_LOAD 0x00000004
#define SSPIPFC_USE_CREDUIBROKER     0x00000008
#define SSPIPFC_VALID_FLAGS          0x0000000F

/* Would ask the user for credentials in a window.
 *
 * A Win32 code: ERROR_INVALID_PARAMETER, ERROR_NO_SUCH_PACKAGE, ERROR_INVALID_FLAGS; where there is no desktop to ask
 * on, and in this library always, ERROR_NOT_SUPPORTED.  *ppAuthIdentity is written only with ERROR_SUCCESS. */
ULONG SEC_ENTRY SspiPromptForCredentialsW(PCWSTR pszTargetName, PVOID pUiInfo, ULONG dwAuthError, PCWSTR pszPackage,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE pInputAuthIdentity,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity, int *pfSave, ULONG dwFlags);
ULONG SEC_ENTRY SspiPromptForCredentialsA(PCSTR pszTargetName, PVOID pUiInfo, ULONG dwAuthError, PCSTR pszPackage,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE pInputAuthIdentity,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity, int *pfSave, ULONG dwFlags);
#ifdef UNICODE
#define SspiPromptForCredentials SspiPromptForCredentialsW
#else
#define SspiPromptForCredentials SspiPromptForCredentialsA
#endif

/* For credential providers of the Windows desktop: SEC_E_UNSUPPORTED_FUNCTION. */
SECURITY_STATUS SEC_ENTRY SspiGetCredUIContext(HANDLE ContextHandle, GUID *CredType, LUID *LogonId,
                                               PSEC_WINNT_CREDUI_CONTEXT_VECTOR *CredUIContexts, HANDLE *TokenHandle);
SECURITY_STATUS SEC_ENTRY SspiUpdateCredentials(HANDLE ContextHandle, GUID *CredType, ULONG FlatCredUIContextLength,
                                                PUCHAR FlatCredUIContext);
SECURITY_STATUS SEC_ENTRY SspiUnmarshalCredUIContext(PUCHAR MarshaledCredUIContext, ULONG MarshaledCredUIContextLength,
                                                     PSEC_WINNT_CREDUI_CONTEXT *CredUIContext);

#ifdef __cplusplus
}
#endif

#endif
