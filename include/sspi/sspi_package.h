/* sspi_package.h: the interface of a security package that is not OpenSSPI's own, in a shared object of its own.
 *
 * A program loads such a module with AddSecurityPackage, by the module's absolute path, and uses it by the name that the
 * module's table gives.  What may be loaded the policy says ([packages] allow in sspi.conf(5)); nothing, where it says
 * nothing.  DeleteSecurityPackage unloads it, once no credential and no context of it is left.
 *
 * The module exports one function, SspiPackageInitialize, of type SSPI_PACKAGE_INITIALIZE.  It is called once, after
 * loading, and returns a table that lives as long as the module; NULL: the module cannot work here.
 *
 * Versions.  pHost->dwInterface is the newest interface that the library knows, dwInterface in the module's table the one
 * that the module was written for, and cbSize the table's size in it.  A module for a newer interface than the library's
 * is refused; one for an older is taken.  Structures grow at their end alone, so a module looks at cbSize before it reads
 * what is not in interface 1.
 *
 * Statuses.  Every function answers SEC_E_OK or a failure (negative).  Steps may answer SEC_I_CONTINUE_NEEDED,
 * SEC_I_COMPLETE_NEEDED and SEC_I_COMPLETE_AND_CONTINUE as well, DecryptMessage SEC_I_CONTEXT_EXPIRED; any other positive
 * value is SEC_E_INTERNAL_ERROR to the program.  A function that a table leaves NULL is SEC_E_UNSUPPORTED_FUNCTION.
 * pHost->Refuse records why: SspiExtLastReason tells the program.  Outputs are read only after success.
 *
 * Memory.  What a function is given is borrowed until it returns.  Texts of the program's are UTF-16, end with a NUL and
 * are never NULL.  What a function hands out, the library copies before it calls the module again for the same object, so
 * it may stay the module's own.  Objects (credentials, contexts) are the module's: it makes them, and ends them in
 * FreeCredentials and DeleteContext, which are called exactly once for each.  A first step that fails and has made a
 * context is followed by DeleteContext.  A credential outlives every context that was made with it.
 *
 * Threads.  Calls for different objects come from any threads at once, and so do calls for one credential: it is
 * immutable after AcquireCredentials, or has locks of its own.  For one context: steps, CompleteToken, ApplyControlToken,
 * QueryContext, SetContext, ExportContext and QueryIdentity come one at a time and with nothing else; MakeSignature and
 * EncryptMessage one at a time; VerifySignature and DecryptMessage one at a time; but one of the former may run beside one
 * of the latter, unless the table's dwFlags has SSPI_PACKAGE_ONE_STREAM.  A function may call functions of the library
 * for other objects, never for the one it was called for.  A module starts no threads that may still be running when
 * Shutdown has returned, and leaves no thread-specific destructors behind.
 */
#ifndef _SSPI_PACKAGE_H_
#define _SSPI_PACKAGE_H_

#include "sspi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SSPI_PACKAGE_INTERFACE       1 /* what this header describes */
#define SSPI_PACKAGE_INITIALIZE_NAME "SspiPackageInitialize"
#define SSPI_PACKAGE_EXPORT          __attribute__((visibility("default")))

/* dwFlags: messages of both directions share one state. */
#define SSPI_PACKAGE_ONE_STREAM 0x00000001

/* What the library offers the module. */
typedef struct _SSPI_PACKAGE_HOST {
    ULONG cbSize;
    ULONG dwInterface;
    /* Returns Status, and remembers pszWhy (copied; no secrets, no bytes of the peer's) for SspiExtLastReason. */
    SECURITY_STATUS (*Refuse)(SECURITY_STATUS Status, const char *pszWhy);
} SSPI_PACKAGE_HOST;

/* AcquireCredentialsHandle's arguments. */
typedef struct _SSPI_PACKAGE_ACQUIRE {
    ULONG cbSize;
    ULONG fCredentialUse;          /* SECPKG_CRED_INBOUND, _OUTBOUND or _BOTH */
    const SEC_WCHAR *pszPrincipal; /* "" where the program named none */
    const void *pAuthData; /* as the program gave it, and so of the shape that the package asks for; may be NULL.
                                      SspiEncodeAuthIdentityAsStrings reads every SEC_WINNT_AUTH_IDENTITY */
} SSPI_PACKAGE_ACQUIRE;

/* One leg of InitializeSecurityContext or AcceptSecurityContext. */
typedef struct _SSPI_PACKAGE_STEP {
    ULONG cbSize;
    ULONG fContextReq;
    const SEC_WCHAR *pszTargetName; /* "" at an acceptor */
    const void *pvToken;            /* the peer's; NULL: there was none */
    ULONG cbToken;
    ULONG cbChannelBindings;
    const SEC_CHANNEL_BINDINGS *pChannelBindings; /* NULL: none; offsets in it are not checked */
    PSecBufferDesc pInput;                        /* every buffer of the program's, those above among them */
    PSecBufferDesc pOutput;

    /* What the function fills in. */
    void *pvAnswer;     /* room for the token: write here */
    ULONG cbAnswer;     /* in: the room, cbMaxToken; out: the token's size, 0 for none.  A token with a failure goes to
                           the peer where the table has SECPKG_FLAG_EXTENDED_ERROR and the program asked for such tokens */
    ULONG fContextAttr; /* ISC_RET_* or ASC_RET_*; 0 before the call */
    ULONGLONG tsExpiry; /* a FILETIME, UTC; never (0x7FFFFFFFFFFFFFFF) before the call */
} SSPI_PACKAGE_STEP;

/* Whom an acceptor's context stands for. */
typedef struct _SSPI_PACKAGE_IDENTITY {
    ULONG cbSize;
    BOOLEAN fAnonymous;
    const SEC_WCHAR *pszUser;    /* the module's; NULL is "" */
    const SEC_WCHAR *pszDomain;  /* likewise */
    const char *pszLocalAccount; /* likewise, UTF-8: the account of this machine to switch to, where policy allows it
                                     ([impersonation] switch-uid); NULL: none */
} SSPI_PACKAGE_IDENTITY;

/* The table.  Required: Name, cbMaxToken, AcquireCredentials, FreeCredentials, DeleteContext and one of the steps. */
typedef struct _SSPI_PACKAGE {
    ULONG cbSize;
    ULONG dwInterface; /* SSPI_PACKAGE_INTERFACE */
    ULONG dwFlags;
    ULONG fCapabilities; /* SecPkgInfo's: SECPKG_FLAG_*, without SECPKG_FLAG_STREAM */
    ULONG cbMaxToken;    /* 1 to 65536 */
    USHORT wRPCID;       /* SECPKG_ID_NONE for a package that RPC has no number for */
    const char *Name;    /* printable ASCII, 1 to 63 characters, no '/', and no other package's */
    const char *Comment; /* printable ASCII, up to 255 characters; NULL is "" */

    SECURITY_STATUS(*AcquireCredentials)
    (const SSPI_PACKAGE_ACQUIRE *pAcquire, void **ppvCredential, ULONGLONG *ptsExpiry);
    void (*FreeCredentials)(void *pvCredential);
    /* SECPKG_CRED_ATTR_NAMES, as QueryContext. */
    SECURITY_STATUS (*QueryCredentials)(void *pvCredential, ULONG ulAttribute, void *pBuffer);
    SECURITY_STATUS (*SetCredentials)(void *pvCredential, ULONG ulAttribute, const void *pBuffer, ULONG cbBuffer);

    /* *ppvContext is NULL on a first leg, which makes the context.  pvCredential is the one of the first leg where a later
     * one brings none; NULL for a context that was imported. */
    SECURITY_STATUS (*InitializeContext)(void *pvCredential, void **ppvContext, SSPI_PACKAGE_STEP *pStep);
    SECURITY_STATUS (*AcceptContext)(void *pvCredential, void **ppvContext, SSPI_PACKAGE_STEP *pStep);
    SECURITY_STATUS (*CompleteToken)(void *pvContext, PSecBufferDesc pToken);
    SECURITY_STATUS (*ApplyControlToken)(void *pvContext, PSecBufferDesc pInput);
    void (*DeleteContext)(void *pvContext);

    SECURITY_STATUS (*MakeSignature)(void *pvContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo);
    SECURITY_STATUS (*VerifySignature)(void *pvContext, PSecBufferDesc pMessage, ULONG MessageSeqNo, ULONG *pfQOP);
    SECURITY_STATUS (*EncryptMessage)(void *pvContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo);
    SECURITY_STATUS (*DecryptMessage)(void *pvContext, PSecBufferDesc pMessage, ULONG MessageSeqNo, ULONG *pfQOP);

    /* pBuffer is the SDK's struct, in its W form, whose pointers stay the module's; times are UTC.  Asked for: SIZES, NAMES,
     * NATIVE_NAMES, AUTHORITY, DCE_INFO (pPac: a text), LIFESPAN, KEY_INFO, SESSION_KEY, FLAGS, USER_FLAGS,
     * PASSWORD_EXPIRY, LOGOFF_TIME, CLIENT_SPECIFIED_TARGET, LAST_CLIENT_TOKEN_STATUS.  PACKAGE_INFO the library knows. */
    SECURITY_STATUS (*QueryContext)(void *pvContext, ULONG ulAttribute, void *pBuffer);
    SECURITY_STATUS (*SetContext)(void *pvContext, ULONG ulAttribute, const void *pBuffer, ULONG cbBuffer);

    /* *pcbPacked: in, the room at pvPacked, 65536 bytes; out, what was used.  The library wipes the room. */
    SECURITY_STATUS (*ExportContext)(void *pvContext, ULONG fFlags, void *pvPacked, ULONG *pcbPacked);
    SECURITY_STATUS (*ImportContext)(const void *pvPacked, ULONG cbPacked, void **ppvContext, BOOLEAN *pfInitiator);

    /* For ImpersonateSecurityContext, QuerySecurityContextToken, ACCESS_TOKEN. */
    SECURITY_STATUS (*QueryIdentity)(void *pvContext, SSPI_PACKAGE_IDENTITY *pIdentity);

    /* Before the module is unloaded; no object of its is left. */
    void (*Shutdown)(void);
} SSPI_PACKAGE;

typedef const SSPI_PACKAGE *SSPI_PACKAGE_INITIALIZE(const SSPI_PACKAGE_HOST *pHost);

#ifdef __cplusplus
}
#endif

#endif
