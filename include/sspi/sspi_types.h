/* sspi_types.h: the part of sspi.h with handles, buffers and packages.  Include sspi.h. */
#ifndef _SSPI_TYPES_H_
#define _SSPI_TYPES_H_

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SEC_ENTRY
#define SEC_ENTRY WINAPI
#endif
#ifndef SEC_FAR
#define SEC_FAR
#endif

/* Which of the SDK's three modes this is: user-mode code for 32 and 64 bits. */
#define ISSP_LEVEL 32
#define ISSP_MODE  1

#define SEC_SUCCESS(Status) ((Status) >= 0)

typedef WCHAR SEC_WCHAR;
typedef CHAR SEC_CHAR;

#ifdef UNICODE
typedef SEC_WCHAR *SECURITY_PSTR;
typedef const SEC_WCHAR *SECURITY_PCSTR;
#else
typedef SEC_CHAR *SECURITY_PSTR;
typedef const SEC_CHAR *SECURITY_PCSTR;
#endif

#define SEC_TEXT TEXT

#ifndef __SECSTATUS_DEFINED__
#define __SECSTATUS_DEFINED__
typedef SECURITY_STATUS *PSECURITY_STATUS;
#endif

/* FILETIME ticks (100 ns since 1601), aligned to 8.  0x7FFFFFFFFFFFFFFF stands for "never". */
typedef LARGE_INTEGER SECURITY_INTEGER, *PSECURITY_INTEGER;
typedef SECURITY_INTEGER TimeStamp, *PTimeStamp;

typedef UNICODE_STRING SECURITY_STRING, *PSECURITY_STRING;

/* An out parameter that the SDK declares as `unsigned long *`.
 *
 * Exactly 32 bits are written.  Programs that pass the address of an `unsigned long`, which has 64 bits here, are turned
 * away by the compiler.  Defining SSPI_RELAXED_OUT_PARAMS before the first include lets them through, on little-endian
 * machines.  C++ clears such a variable before the call, so that its value is right; in C the low half is written, and the
 * value is right provided that the program cleared the variable. */
#ifndef SSPI_RELAXED_OUT_PARAMS
typedef ULONG *SSPI_OUT_ULONG;
#elif !defined(__cplusplus)
typedef void *SSPI_OUT_ULONG;
#else
extern "C++" {
/* One pointer, passed as one. */
class SSPI_OUT_ULONG
{
  public:
    template <typename T> SSPI_OUT_ULONG(T *value) : value_(prepared(value))
    {
    }
    SSPI_OUT_ULONG(decltype(nullptr)) : value_(nullptr)
    {
    } /* NULL and 0 as well */

  private:
    static void *prepared(ULONG *value)
    {
        return value;
    }
    static void *prepared(LONG *value)
    {
        return value;
    }
    static void *prepared(unsigned long *value)
    {
        if (value != nullptr) {
            *value = 0;
        }
        return value;
    }
    void *value_;
};
}
#endif

/* ---------------------------------------------------------------- handles
 *
 * Two opaque words, copied by value; not pointers.  A handle that was closed, never opened or belongs to something else
 * is answered with SEC_E_INVALID_HANDLE. */

#ifndef __SECHANDLE_DEFINED__
#define __SECHANDLE_DEFINED__
typedef struct _SecHandle {
    ULONG_PTR dwLower;
    ULONG_PTR dwUpper;
} SecHandle, *PSecHandle;
#endif

typedef SecHandle CredHandle, *PCredHandle;
typedef SecHandle CtxtHandle, *PCtxtHandle;

/* Both words -1 say "no handle" by convention.  Two statements, as in the SDK: not fit for an unbraced if. */
#define SecInvalidateHandle(x)                                                                                         \
    ((PSecHandle)(x))->dwLower = (ULONG_PTR)-1;                                                                        \
    ((PSecHandle)(x))->dwUpper = (ULONG_PTR)-1;

#define SecIsValidHandle(x)                                                                                            \
    ((((PSecHandle)(x))->dwLower != (ULONG_PTR)-1) && (((PSecHandle)(x))->dwUpper != (ULONG_PTR)-1))

#define SEC_DELETED_HANDLE ((ULONG_PTR)-2)

/* ---------------------------------------------------------------- buffers */

/* Bytes that go in, out or both ways.
 *
 * cbBuffer is a capacity on the way in where the library writes, and always the number of bytes on the way out; for
 * SECBUFFER_EXTRA the number of bytes at the end of the input that are left, for SECBUFFER_MISSING the number of bytes
 * still wanted. */
typedef struct _SecBuffer {
    ULONG cbBuffer;
    ULONG BufferType; /* SECBUFFER_*, with attribute bits ORed in */
    void *pvBuffer;
} SecBuffer, *PSecBuffer;

typedef struct _SecBufferDesc {
    ULONG ulVersion; /* SECBUFFER_VERSION */
    ULONG cBuffers;
    PSecBuffer pBuffers;
} SecBufferDesc, *PSecBufferDesc;

#define SECBUFFER_VERSION 0

#define SECBUFFER_EMPTY                           0 /* ignored on input, placeholder on output */
#define SECBUFFER_DATA                            1 /* the message */
#define SECBUFFER_TOKEN                           2 /* a security token, or a signature */
#define SECBUFFER_PKG_PARAMS                      3 /* parameters of one package (Digest) */
#define SECBUFFER_MISSING                         4 /* how much input is still wanted */
#define SECBUFFER_EXTRA                           5 /* how much input was left over */
#define SECBUFFER_STREAM_TRAILER                  6
#define SECBUFFER_STREAM_HEADER                   7
#define SECBUFFER_NEGOTIATION_INFO                8 /* SEC_NEGOTIATION_INFO, a hint */
#define SECBUFFER_PADDING                         9
#define SECBUFFER_STREAM                          10 /* a whole protected message */
#define SECBUFFER_MECHLIST                        11
#define SECBUFFER_MECHLIST_SIGNATURE              12
#define SECBUFFER_TARGET                          13
#define SECBUFFER_CHANNEL_BINDINGS                14 /* SEC_CHANNEL_BINDINGS */
#define SECBUFFER_CHANGE_PASS_RESPONSE            15 /* DOMAIN_PASSWORD_INFORMATION */
#define SECBUFFER_TARGET_HOST                     16
#define SECBUFFER_ALERT                           17 /* a TLS alert: level, description */
#define SECBUFFER_APPLICATION_PROTOCOLS           18 /* SEC_APPLICATION_PROTOCOLS */
#define SECBUFFER_SRTP_PROTECTION_PROFILES        19 /* SEC_SRTP_PROTECTION_PROFILES */
#define SECBUFFER_SRTP_MASTER_KEY_IDENTIFIER      20 /* SEC_SRTP_MASTER_KEY_IDENTIFIER */
#define SECBUFFER_TOKEN_BINDING                   21 /* SEC_TOKEN_BINDING */
#define SECBUFFER_PRESHARED_KEY                   22 /* SEC_PRESHAREDKEY */
#define SECBUFFER_PRESHARED_KEY_IDENTITY          23 /* SEC_PRESHAREDKEY_IDENTITY */
#define SECBUFFER_DTLS_MTU                        24 /* SEC_DTLS_MTU */
#define SECBUFFER_SEND_GENERIC_TLS_EXTENSION      25 /* SEND_GENERIC_TLS_EXTENSION */
#define SECBUFFER_SUBSCRIBE_GENERIC_TLS_EXTENSION 26 /* SUBSCRIBE_GENERIC_TLS_EXTENSION */
#define SECBUFFER_FLAGS                           27 /* SEC_FLAGS */
#define SECBUFFER_TRAFFIC_SECRETS                 28 /* SEC_TRAFFIC_SECRETS */
#define SECBUFFER_CERTIFICATE_REQUEST_CONTEXT     29 /* SEC_CERTIFICATE_REQUEST_CONTEXT */
#define SECBUFFER_CHANNEL_BINDINGS_RESULT         30 /* SEC_CHANNEL_BINDINGS_RESULT, an output of the acceptor */
#define SECBUFFER_APP_SESSION_STATE               31 /* SEC_APP_SESSION_STATE */
#define SECBUFFER_SESSION_TICKET                  32 /* SEC_SESSION_TICKET */

#define SECBUFFER_ATTRMASK               0xF0000000
#define SECBUFFER_READONLY               0x80000000 /* neither changed nor, with most packages, checksummed */
#define SECBUFFER_READONLY_WITH_CHECKSUM 0x10000000 /* not changed, but part of the checksum */
#define SECBUFFER_RESERVED               0x60000000
#define SECBUFFER_UNMAPPED               0x40000000
#define SECBUFFER_KERNEL_MAP             0x20000000

#define SECURITY_NATIVE_DREP  0x00000010
#define SECURITY_NETWORK_DREP 0x00000000

/* fQOP.  Without a flag EncryptMessage encrypts and signs. */
#define SECQOP_WRAP_NO_ENCRYPT 0x80000001 /* sign only */
#define SECQOP_WRAP_OOB_DATA   0x40000000 /* Schannel: the data is an alert */
#ifndef KERB_WRAP_NO_ENCRYPT
#define KERB_WRAP_NO_ENCRYPT 0x80000001
#endif
#ifndef SIGN_ONLY
#define SIGN_ONLY 0x80000001 /* Digest */
#endif

/* For packages themselves: what runs in the caller's process instead of the authority's. */
typedef struct _SECPKG_APP_MODE_INFO {
    ULONG UserFunction;
    ULONG_PTR Argument1;
    ULONG_PTR Argument2;
    SecBuffer UserData;
    BOOLEAN ReturnToLsa;
} SECPKG_APP_MODE_INFO, *PSECPKG_APP_MODE_INFO;

/* ---------------------------------------------------------------- packages */

/* What a package is.  Any function that returns one returns a single block, texts included: FreeContextBuffer. */
typedef struct _SecPkgInfoW {
    ULONG fCapabilities; /* SECPKG_FLAG_* */
    USHORT wVersion;     /* 1 */
    USHORT wRPCID;       /* RPC_C_AUTHN_*, or SECPKG_ID_NONE */
    ULONG cbMaxToken;    /* no token is longer, in bytes */
    SEC_WCHAR *Name;
    SEC_WCHAR *Comment;
} SecPkgInfoW, *PSecPkgInfoW;

typedef struct _SecPkgInfoA {
    ULONG fCapabilities;
    USHORT wVersion;
    USHORT wRPCID;
    ULONG cbMaxToken;
    SEC_CHAR *Name;
    SEC_CHAR *Comment;
} SecPkgInfoA, *PSecPkgInfoA;

#ifdef UNICODE
#define SecPkgInfo  SecPkgInfoW
#define PSecPkgInfo PSecPkgInfoW
#else
#define SecPkgInfo  SecPkgInfoA
#define PSecPkgInfo PSecPkgInfoA
#endif

#define SECPKG_ID_NONE 0xFFFF

#define SECPKG_FLAG_INTEGRITY                    0x00000001 /* MakeSignature, VerifySignature */
#define SECPKG_FLAG_PRIVACY                      0x00000002 /* EncryptMessage, DecryptMessage */
#define SECPKG_FLAG_TOKEN_ONLY                   0x00000004 /* needs nothing of a call but its TOKEN buffers */
#define SECPKG_FLAG_DATAGRAM                     0x00000008
#define SECPKG_FLAG_CONNECTION                   0x00000010
#define SECPKG_FLAG_MULTI_REQUIRED               0x00000020 /* more than one leg */
#define SECPKG_FLAG_CLIENT_ONLY                  0x00000040
#define SECPKG_FLAG_EXTENDED_ERROR               0x00000080 /* error tokens for the peer */
#define SECPKG_FLAG_IMPERSONATION                0x00000100
#define SECPKG_FLAG_ACCEPT_WIN32_NAME            0x00000200
#define SECPKG_FLAG_STREAM                       0x00000400
#define SECPKG_FLAG_NEGOTIABLE                   0x00000800 /* Negotiate may choose it */
#define SECPKG_FLAG_GSS_COMPATIBLE               0x00001000
#define SECPKG_FLAG_LOGON                        0x00002000
#define SECPKG_FLAG_ASCII_BUFFERS                0x00004000
#define SECPKG_FLAG_FRAGMENT                     0x00008000
#define SECPKG_FLAG_MUTUAL_AUTH                  0x00010000
#define SECPKG_FLAG_DELEGATION                   0x00020000
#define SECPKG_FLAG_READONLY_WITH_CHECKSUM       0x00040000
#define SECPKG_FLAG_RESTRICTED_TOKENS            0x00080000
#define SECPKG_FLAG_NEGO_EXTENDER                0x00100000
#define SECPKG_FLAG_NEGOTIABLE2                  0x00200000
#define SECPKG_FLAG_APPCONTAINER_PASSTHROUGH     0x00400000
#define SECPKG_FLAG_APPCONTAINER_CHECKS          0x00800000
#define SECPKG_FLAG_CREDENTIAL_ISOLATION_ENABLED 0x01000000
#define SECPKG_FLAG_APPLY_LOOPBACK               0x02000000

#define SECPKG_CALLFLAGS_APPCONTAINER             0x00000001
#define SECPKG_CALLFLAGS_APPCONTAINER_AUTHCAPABLE 0x00000002
#define SECPKG_CALLFLAGS_FORCE_SUPPLIED           0x00000004
#define SECPKG_CALLFLAGS_APPCONTAINER_UPNCAPABLE  0x00000008

/* For AddSecurityPackage. */
typedef struct _SECURITY_PACKAGE_OPTIONS {
    ULONG Size; /* of this structure */
    ULONG Type; /* SECPKG_OPTIONS_TYPE_* */
    ULONG Flags;
    ULONG SignatureSize;
    void *Signature;
} SECURITY_PACKAGE_OPTIONS, *PSECURITY_PACKAGE_OPTIONS;

#define SECPKG_OPTIONS_TYPE_UNKNOWN 0
#define SECPKG_OPTIONS_TYPE_LSA     1
#define SECPKG_OPTIONS_TYPE_SSPI    2
#define SECPKG_OPTIONS_PERMANENT    0x00000001

/* ---------------------------------------------------------------- credentials and exported contexts */

#define SECPKG_CRED_INBOUND                0x00000001 /* for AcceptSecurityContext */
#define SECPKG_CRED_OUTBOUND               0x00000002 /* for InitializeSecurityContext */
#define SECPKG_CRED_BOTH                   0x00000003
#define SECPKG_CRED_DEFAULT                0x00000004
#define SECPKG_CRED_AUTOLOGON_RESTRICTED   0x00000010 /* Negotiate: not the default credentials */
#define SECPKG_CRED_PROCESS_POLICY_ONLY    0x00000020 /* Negotiate: only ask whether prompting is wanted */
#define SECPKG_CRED_KERB_ANCHOR_DS_VERSION 0x00000040
#define SECPKG_CRED_RESERVED               0xF0000000

#define SECPKG_CONTEXT_EXPORT_RESET_NEW  0x00000001 /* the copy begins with sequence number 0 */
#define SECPKG_CONTEXT_EXPORT_DELETE_OLD 0x00000002 /* the exporting context is closed */
#define SECPKG_CONTEXT_EXPORT_TO_KERNEL  0x00000004

typedef enum _SecDelegationType {
    SecFull,
    SecService,
    SecTree,
    SecDirectory,
    SecObject
} SecDelegationType,
    *PSecDelegationType, SECURITY_DELEGATION_TYPE;

/* A callback of AcquireCredentialsHandle that no package calls. */
typedef void(SEC_ENTRY *SEC_GET_KEY_FN)(void *Arg, void *Principal, ULONG KeyVer, void **Key, SECURITY_STATUS *Status);

#ifdef __cplusplus
}
#endif

#endif
