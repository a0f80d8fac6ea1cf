/* sspi_functions.h: the part of sspi.h with the functions of SSPI proper.  Include sspi.h.
 *
 * Sources: Microsoft Learn, the page of each function and its pages "(General)", "(NTLM)", "(Kerberos)", "(Negotiate)",
 * "(Digest)", "(Schannel)", "(CredSSP)".  Where Windows is known to do something else than its documentation says, the
 * comment says what Windows does. */
#ifndef _SSPI_FUNCTIONS_H_
#define _SSPI_FUNCTIONS_H_

#include "sspi_attributes.h"
#include "sspi_flags.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- packages */

/* All packages.
 *
 *   pcPackages      receives their number
 *   ppPackageInfo   receives one block, array and texts: FreeContextBuffer
 *
 * SEC_E_OK; SEC_E_INVALID_PARAMETER for a NULL pointer; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY EnumerateSecurityPackagesW(SSPI_OUT_ULONG pcPackages, PSecPkgInfoW *ppPackageInfo);
SECURITY_STATUS SEC_ENTRY EnumerateSecurityPackagesA(SSPI_OUT_ULONG pcPackages, PSecPkgInfoA *ppPackageInfo);

/* One package, by its name in any case.
 *
 *   ppPackageInfo   receives one block: FreeContextBuffer.  Not written when there is no such package.
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND; SEC_E_INVALID_PARAMETER for a NULL pointer; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY QuerySecurityPackageInfoW(LPWSTR pszPackageName, PSecPkgInfoW *ppPackageInfo);
SECURITY_STATUS SEC_ENTRY QuerySecurityPackageInfoA(LPSTR pszPackageName, PSecPkgInfoA *ppPackageInfo);

/* Frees one block that the library allocated: package information, an output token, what an attribute points to, an
 * exported context.  Only the pointer that was handed out, not one into the block.  NULL is allowed.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE for a pointer that was not handed out, as far as that can be told. */
SECURITY_STATUS SEC_ENTRY FreeContextBuffer(PVOID pvContextBuffer);

/* Loads a security package from a shared object into this process (sspi_package.h has the interface, docs/packages.md the
 * rules).
 *
 *   pszPackageName   the module's absolute path, or NAME for NAME.so in the first directory of the policy that has it
 *                    ([packages] allow in sspi.conf(5)); or the name of a package that is there, which changes nothing
 *   pOptions         may be NULL; Type LSA and the flag PERMANENT are SEC_E_UNSUPPORTED_FUNCTION
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND: no such module; SEC_E_CANNOT_INSTALL: the policy does not name it, others than root and
 * this user may write to it, or it does not keep to the interface; SEC_E_INVALID_PARAMETER: pOptions->Size;
 * SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY AddSecurityPackageW(LPWSTR pszPackageName, PSECURITY_PACKAGE_OPTIONS pOptions);
SECURITY_STATUS SEC_ENTRY AddSecurityPackageA(LPSTR pszPackageName, PSECURITY_PACKAGE_OPTIONS pOptions);

/* Unloads a package that AddSecurityPackage loaded, by its name or the module's path.
 *
 * SEC_E_OK; HRESULT_FROM_WIN32(ERROR_BUSY) while a credential or a context of it is left; SEC_E_UNSUPPORTED_FUNCTION for a
 * package that is part of the library; SEC_E_SECPKG_NOT_FOUND for any other name. */
SECURITY_STATUS SEC_ENTRY DeleteSecurityPackageW(LPWSTR pszPackageName);
SECURITY_STATUS SEC_ENTRY DeleteSecurityPackageA(LPSTR pszPackageName);

/* Changes a password where the account is kept ("Kerberos", "Negotiate", "NTLM").
 *
 *   bImpersonating   FALSE;  dwReserved   0
 *   pOutput          one SECBUFFER_CHANGE_PASS_RESPONSE; when the new password offends the policy it receives a
 *                    DOMAIN_PASSWORD_INFORMATION
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND; SEC_E_UNSUPPORTED_FUNCTION for a package without accounts; SEC_E_LOGON_DENIED when
 * the old password is wrong; STATUS_PASSWORD_RESTRICTION and its like for the policy;
 * SEC_E_NO_AUTHENTICATING_AUTHORITY. */
SECURITY_STATUS SEC_ENTRY ChangeAccountPasswordW(SEC_WCHAR *pszPackageName, SEC_WCHAR *pszDomainName,
                                                 SEC_WCHAR *pszAccountName, SEC_WCHAR *pszOldPassword,
                                                 SEC_WCHAR *pszNewPassword, BOOLEAN bImpersonating, ULONG dwReserved,
                                                 PSecBufferDesc pOutput);
SECURITY_STATUS SEC_ENTRY ChangeAccountPasswordA(SEC_CHAR *pszPackageName, SEC_CHAR *pszDomainName,
                                                 SEC_CHAR *pszAccountName, SEC_CHAR *pszOldPassword,
                                                 SEC_CHAR *pszNewPassword, BOOLEAN bImpersonating, ULONG dwReserved,
                                                 PSecBufferDesc pOutput);

/* ---------------------------------------------------------------- credentials */

/* Opens a credential.  Passwords are not checked here but when they are used.
 *
 *   pszPrincipal     a hint at whose credential is meant; NULL: the current user's
 *   pszPackage       a name of EnumerateSecurityPackages
 *   fCredentialUse   SECPKG_CRED_INBOUND, _OUTBOUND or _BOTH (not Digest, Schannel); for Negotiate with
 *                    _AUTOLOGON_RESTRICTED, _PROCESS_POLICY_ONLY
 *   pvLogonID        LUID of a logon session; ignored
 *   pAuthData        NULL: the default credentials.  NTLM, Kerberos, Negotiate, WDigest: an identity of any of the five
 *                    structures; Kerberos also a packed KERB_*_LOGON; Schannel: SCHANNEL_CRED or SCH_CREDENTIALS;
 *                    CREDSSP: CREDSSP_CRED or CREDSSP_CRED_EX.  Copied: it may be wiped at once.
 *   pGetKeyFn, pvGetKeyArgument   never used
 *   phCredential     receives the handle: FreeCredentialsHandle
 *   ptsExpiry        receives the end of its validity; may be NULL
 *
 * SEC_E_OK
 * SEC_E_SECPKG_NOT_FOUND     no such package, or NULL
 * SEC_E_NO_CREDENTIALS       fCredentialUse 0; no default credentials; Schannel: _BOTH, INBOUND without pAuthData, a
 *                            certificate without its key; PROCESS_POLICY_ONLY: the user should be asked
 * SEC_E_UNKNOWN_CREDENTIALS  pAuthData makes no sense to the package, or has a version it does not know
 * SEC_E_ALGORITHM_MISMATCH   Schannel: only protocols of the other side, or TLS together with DTLS
 * SEC_E_NOT_OWNER            somebody else's credential
 * SEC_E_INVALID_HANDLE       phCredential is NULL
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_INTERNAL_ERROR */
SECURITY_STATUS SEC_ENTRY AcquireCredentialsHandleW(SEC_WCHAR *pszPrincipal, SEC_WCHAR *pszPackage,
                                                    ULONG fCredentialUse, PVOID pvLogonID, PVOID pAuthData,
                                                    SEC_GET_KEY_FN pGetKeyFn, PVOID pvGetKeyArgument,
                                                    PCredHandle phCredential, PTimeStamp ptsExpiry);
SECURITY_STATUS SEC_ENTRY AcquireCredentialsHandleA(SEC_CHAR *pszPrincipal, SEC_CHAR *pszPackage, ULONG fCredentialUse,
                                                    PVOID pvLogonID, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                                    PVOID pvGetKeyArgument, PCredHandle phCredential,
                                                    PTimeStamp ptsExpiry);

/* Closes a credential.  Contexts made with it go on working.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE. */
SECURITY_STATUS SEC_ENTRY FreeCredentialsHandle(PCredHandle phCredential);
#ifndef FreeCredentialHandle
#define FreeCredentialHandle FreeCredentialsHandle
#endif

/* Adds another identity to a handle of Kerberos or Negotiate; parameters as in AcquireCredentialsHandle.  A first leg is tried
 * with each, in the order they came, until one fits.
 *
 *   pszPackage       the handle's own package, or for Negotiate one that it chooses from; NULL: the handle's own
 *   fCredentialUse   every direction that the handle was acquired for
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_SECPKG_NOT_FOUND; SEC_E_UNSUPPORTED_FUNCTION for a package that keeps one credential a
 * handle, or that the handle does not lead to; SEC_E_NO_CREDENTIALS for a direction that is missing; and what
 * AcquireCredentialsHandle answers. */
SECURITY_STATUS SEC_ENTRY AddCredentialsW(PCredHandle hCredentials, SEC_WCHAR *pszPrincipal, SEC_WCHAR *pszPackage,
                                          ULONG fCredentialUse, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                          PVOID pvGetKeyArgument, PTimeStamp ptsExpiry);
SECURITY_STATUS SEC_ENTRY AddCredentialsA(PCredHandle hCredentials, SEC_CHAR *pszPrincipal, SEC_CHAR *pszPackage,
                                          ULONG fCredentialUse, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                          PVOID pvGetKeyArgument, PTimeStamp ptsExpiry);

/* Asks for an attribute of a credential (SECPKG_CRED_ATTR_*, and Schannel's SUPPORTED_ALGS, CIPHER_STRENGTHS,
 * SUPPORTED_PROTOCOLS).
 *
 *   pBuffer    the attribute's structure; what it points to: FreeContextBuffer
 *   cbBuffer   (Ex) its size
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION for an attribute the package does not have;
 * SEC_E_NO_CREDENTIALS for the names of a Schannel credential; SEC_E_INTERNAL_ERROR when pBuffer is NULL;
 * SEC_E_BUFFER_TOO_SMALL (Ex); SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer);
SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer);
SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesExW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                        ULONG cbBuffer);
SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesExA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                        ULONG cbBuffer);

/* Sets an attribute of a credential: KDC_PROXY_SETTINGS (Kerberos, Negotiate), SESSION_TICKET_KEYS and
 * CLIENT_CERT_POLICY (Schannel).
 *
 *   pBuffer, cbBuffer   the structure and all that its offsets reach
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION; SEC_E_INVALID_TOKEN for an unknown version or offsets
 * outside cbBuffer; SEC_E_BUFFER_TOO_SMALL. */
SECURITY_STATUS SEC_ENTRY SetCredentialsAttributesW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer);
SECURITY_STATUS SEC_ENTRY SetCredentialsAttributesA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer);

/* ---------------------------------------------------------------- contexts */

/* One leg of the initiator (client).
 *
 *   phCredential    outbound; may be NULL on later legs
 *   phContext       NULL on the first leg, then what phNewContext received
 *   pszTargetName   NTLM, Kerberos, Negotiate, CREDSSP: the service, "HTTP/host.domain"; Digest: the request's URI (HTTP)
 *                   or the service (SASL); Schannel: the server's host name.  NULL is tolerated but by Kerberos and Digest.
 *   fContextReq     ISC_REQ_*, the same on each leg; ALLOCATE_MEMORY counts for the leg it is given on
 *   Reserved1, Reserved2, TargetDataRep   ignored
 *   pInput          first leg: NULL, or what goes along (CHANNEL_BINDINGS, APPLICATION_PROTOCOLS ...; Digest: the
 *                   challenge); then TOKEN with the peer's bytes, and for Schannel and CREDSSP an EMPTY buffer of size 0
 *                   that comes back as EXTRA (bytes left at the end) or MISSING (bytes still wanted).
 *                   Digest over HTTP, by position: TOKEN challenge, PKG_PARAMS method, PKG_PARAMS hash of the entity,
 *                   TARGET_HOST service, CHANNEL_BINDINGS.
 *   phNewContext    receives the handle: DeleteSecurityContext.  May be phContext, and NULL on later legs.
 *   pOutput         one TOKEN, and for Schannel an ALERT.  With ALLOCATE_MEMORY, or with a size but pvBuffer NULL, the
 *                   library allocates pvBuffer (FreeContextBuffer); otherwise cbBuffer is its capacity, of which the
 *                   package's cbMaxToken is enough.  cbBuffer receives the size, 0 for nothing to send; BufferType is
 *                   kept.
 *   pfContextAttr   receives ISC_RET_*, final with SEC_E_OK only; may be NULL
 *   ptsExpiry       receives the end of the context's validity; may be NULL
 *
 * SEC_E_OK                      established; send the output unless it is empty
 * SEC_I_CONTINUE_NEEDED         send the output unless it is empty, receive a token, call again
 * SEC_I_COMPLETE_NEEDED, SEC_I_COMPLETE_AND_CONTINUE   as these two, with CompleteAuthToken(pOutput) before sending
 * SEC_I_INCOMPLETE_CREDENTIALS  Schannel: the server asks for a certificate, and the credential has none, or none of an
 *                               authority that it names (SECPKG_ATTR_ISSUER_LIST_EX); call again with the same input and
 *                               a credential that has one, or with ISC_REQ_USE_SUPPLIED_CREDS
 * SEC_I_MESSAGE_FRAGMENT        DTLS: send, and call again at once for the next datagram
 * SEC_E_INCOMPLETE_MESSAGE      Schannel, CREDSSP: call again with the same bytes and more; nothing was written
 * SEC_E_INVALID_HANDLE          no such credential or context, or an acceptor's context
 * SEC_E_INVALID_TOKEN           malformed token; no TOKEN buffer where one is needed
 * SEC_E_BUFFER_TOO_SMALL        no or too little room for the token; Schannel: SEC_E_INSUFFICIENT_MEMORY
 * SEC_E_NO_CREDENTIALS          inbound credential; nothing usable; Negotiate: the package list is empty
 * SEC_E_TARGET_UNKNOWN          Kerberos: no or unknown service; Digest: no target; NTLM: a name that no token has room for
 * SEC_E_WRONG_PRINCIPAL         the server is not the target
 * SEC_E_LOGON_DENIED            the KDC refused; Schannel: alert access_denied
 * SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_TIME_SKEW, SEC_E_KDC_*, SEC_E_NO_KERB_KEY, SEC_E_NO_TGT_REPLY   Kerberos
 * SEC_E_UNTRUSTED_ROOT, SEC_E_CERT_*, CERT_E_*, CRYPT_E_*, SEC_E_ALGORITHM_MISMATCH, SEC_E_ILLEGAL_MESSAGE,
 * SEC_E_APPLICATION_PROTOCOL_MISMATCH   Schannel
 * SEC_E_DELEGATION_POLICY, SEC_E_POLICY_NLTM_ONLY, SEC_E_MUTUAL_AUTH_FAILED   CREDSSP
 * SEC_E_MESSAGE_ALTERED         Negotiate: the mechListMIC is wrong
 * SEC_E_QOP_NOT_SUPPORTED       the peer does not offer the protection asked for
 * SEC_E_OUT_OF_SEQUENCE         a leg after the last, or after one that failed
 * SEC_E_UNSUPPORTED_FUNCTION    a flag that the package refuses, and ISC_REQ_PROMPT_FOR_CREDS by each
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR
 *
 * After a failed first leg there is no context; after a failed later leg there still is, to be deleted.  A failing leg
 * with ISC_REQ_EXTENDED_ERROR may have an output, to be sent. */
SECURITY_STATUS SEC_ENTRY InitializeSecurityContextW(PCredHandle phCredential, PCtxtHandle phContext,
                                                     SEC_WCHAR *pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                     ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                     PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                     SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry);
SECURITY_STATUS SEC_ENTRY InitializeSecurityContextA(PCredHandle phCredential, PCtxtHandle phContext,
                                                     SEC_CHAR *pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                     ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                     PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                     SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry);

/* One leg of the acceptor (server).
 *
 *   phCredential    inbound; wanted on each leg by the documentation, may be NULL on later ones
 *   phContext       NULL on the first leg, then what phNewContext received
 *   pInput          TOKEN with the peer's bytes; Schannel and CREDSSP: an EMPTY buffer, too; CHANNEL_BINDINGS with a
 *                   SEC_CHANNEL_BINDINGS or _EX; Schannel: APPLICATION_PROTOCOLS, FLAGS, ...
 *                   An empty first TOKEN makes Negotiate offer its mechanisms and Digest send its challenge.
 *                   Digest over HTTP, by position: TOKEN response, PKG_PARAMS method, PKG_PARAMS reserved, PKG_PARAMS
 *                   hash of the entity, PKG_PARAMS realm in UTF-16, CHANNEL_BINDINGS.
 *   fContextReq     ASC_REQ_*
 *   phNewContext    receives the handle: DeleteSecurityContext
 *   pOutput         one TOKEN as in InitializeSecurityContext, for Schannel an ALERT, and a CHANNEL_BINDINGS_RESULT of
 *                   4 bytes if wanted
 *   pfContextAttr   receives ASC_RET_*; may be NULL
 *   ptsExpiry       may be NULL
 *   TargetDataRep   ignored
 *
 * Statuses as of InitializeSecurityContext, and
 * SEC_E_LOGON_DENIED                the user or the password is wrong, or the account may not log on
 * SEC_E_BAD_BINDINGS                channel bindings missing or different
 * SEC_E_SECURITY_QOS_FAILED         Digest: flags that do not go together
 * SEC_E_NO_CREDENTIALS              outbound credential; Schannel: no certificate
 * SEC_I_COMPLETE_NEEDED             Digest: a later request of a known context; CompleteAuthToken(pInput) checks it
 * SEC_I_GENERIC_EXTENSION_RECEIVED  Schannel: look at the extension and call again
 * STATUS_LOGON_FAILURE              Digest: a leg after the last */
SECURITY_STATUS SEC_ENTRY AcceptSecurityContext(PCredHandle phCredential, PCtxtHandle phContext, PSecBufferDesc pInput,
                                                ULONG fContextReq, ULONG TargetDataRep, PCtxtHandle phNewContext,
                                                PSecBufferDesc pOutput, SSPI_OUT_ULONG pfContextAttr,
                                                PTimeStamp ptsExpiry);

/* Finishes a token after SEC_I_COMPLETE_NEEDED or SEC_I_COMPLETE_AND_CONTINUE (Digest only).  An established context of
 * another package has nothing to finish: SEC_E_OK.
 *
 *   pToken   the client's output, or the server's input
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INVALID_TOKEN; SEC_E_OUT_OF_SEQUENCE when no leg asked for it or the count is
 * wrong; SEC_E_MESSAGE_ALTERED; SEC_E_UNSUPPORTED_FUNCTION for other packages' contexts that are not established. */
SECURITY_STATUS SEC_ENTRY CompleteAuthToken(PCtxtHandle phContext, PSecBufferDesc pToken);

/* Prepares a shutdown, an alert or a change of session; the next leg with empty input gives the bytes (Schannel only).
 *
 *   pInput   one TOKEN: a DWORD SCHANNEL_SHUTDOWN, a SCHANNEL_ALERT_TOKEN or a SCHANNEL_SESSION_TOKEN
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INTERNAL_ERROR when pInput is NULL; SEC_E_INVALID_TOKEN unless it is one buffer
 * of type TOKEN; SEC_E_UNSUPPORTED_FUNCTION for less than four bytes, another control token or another package. */
SECURITY_STATUS SEC_ENTRY ApplyControlToken(PCtxtHandle phContext, PSecBufferDesc pInput);

/* Closes a context, finished or not.  Sends nothing; what attributes pointed to stays until it is freed.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE. */
SECURITY_STATUS SEC_ENTRY DeleteSecurityContext(PCtxtHandle phContext);

/* Asks for an attribute of a context.
 *
 *   ulAttribute   SECPKG_ATTR_*
 *   pBuffer       the attribute's structure, in the A or W form of the function; what it points to: FreeContextBuffer
 *                 (certificates: CertFreeCertificateContext; ACCESS_TOKEN: nothing)
 *   cbBuffer      (Ex) its size
 *
 * SIZES, PACKAGE_INFO and NEGOTIATION_INFO are there before the last leg.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE, with CREDSSP also before the last leg; SEC_E_UNSUPPORTED_FUNCTION for an attribute the
 * package does not have; SEC_E_NO_IMPERSONATION for the ACCESS_TOKEN of an initiator or before the last leg;
 * SEC_E_INTERNAL_ERROR when pBuffer is NULL; SEC_E_BUFFER_TOO_SMALL (Ex); SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY QueryContextAttributesW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer);
SECURITY_STATUS SEC_ENTRY QueryContextAttributesA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer);
SECURITY_STATUS SEC_ENTRY QueryContextAttributesExW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer);
SECURITY_STATUS SEC_ENTRY QueryContextAttributesExA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer);

/* Sets an attribute of a context (Schannel: APP_DATA, EAP_PRF_INFO, EARLY_START, DTLS_MTU, KEYING_MATERIAL_INFO,
 * UI_INFO, USE_NCRYPT).
 *
 *   pBuffer, cbBuffer   the attribute's structure; copied
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION; SEC_E_INVALID_PARAMETER for a value out of range;
 * SEC_E_BUFFER_TOO_SMALL. */
SECURITY_STATUS SEC_ENTRY SetContextAttributesW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                ULONG cbBuffer);
SECURITY_STATUS SEC_ENTRY SetContextAttributesA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                ULONG cbBuffer);

/* SEC_E_UNSUPPORTED_FUNCTION, with every package; SEC_E_INVALID_HANDLE. */
SECURITY_STATUS SEC_ENTRY DelegateSecurityContext(PCtxtHandle phContext, LPSTR pszTarget,
                                                  SECURITY_DELEGATION_TYPE DelegationType, PTimeStamp pExpiry,
                                                  PSecBuffer pPackageParameters, PSecBufferDesc pOutput);

/* Packs an established context for another process of this machine.
 *
 *   fFlags           SECPKG_CONTEXT_EXPORT_*
 *   pPackedContext   receives type EMPTY and the blob, which holds keys: wipe, then FreeContextBuffer
 *   pToken           receives a HANDLE for CloseHandle, or NULL for a context that stands for nobody; may be NULL
 *
 * TLS connections, CREDSSP's and sessions of WDigest end here when they are exported, as two copies would use nonces or
 * streams twice; they have no RESET_NEW.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION for TO_KERNEL or a package that cannot;
 * SEC_E_OUT_OF_SEQUENCE before the last leg, and while TLS has a message under way; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY ExportSecurityContext(PCtxtHandle phContext, ULONG fFlags, PSecBuffer pPackedContext,
                                                HANDLE *pToken);

/* Unpacks it.
 *
 *   pszPackage   the context's package;  Token   ignored
 *   phContext    receives the handle: DeleteSecurityContext
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND; SEC_E_INVALID_TOKEN for a blob of another version, package or length;
 * SEC_E_UNSUPPORTED_FUNCTION; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY ImportSecurityContextW(SEC_WCHAR *pszPackage, PSecBuffer pPackedContext, HANDLE Token,
                                                 PCtxtHandle phContext);
SECURITY_STATUS SEC_ENTRY ImportSecurityContextA(SEC_CHAR *pszPackage, PSecBuffer pPackedContext, HANDLE Token,
                                                 PCtxtHandle phContext);

/* The calling thread acts as the client of an acceptor's context, until RevertSecurityContext.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_NO_IMPERSONATION for an initiator's, an unfinished or an anonymous context, or
 * a client without an account here; SEC_E_UNSUPPORTED_FUNCTION for a package that cannot. */
SECURITY_STATUS SEC_ENTRY ImpersonateSecurityContext(PCtxtHandle phContext);

/* The thread is itself again.  SEC_E_OK, also when it was; SEC_E_INVALID_HANDLE, and then nothing changes. */
SECURITY_STATUS SEC_ENTRY RevertSecurityContext(PCtxtHandle phContext);

/* A HANDLE of its own for the client of an acceptor's context: CloseHandle.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_NO_IMPERSONATION, SEC_E_UNSUPPORTED_FUNCTION as above. */
SECURITY_STATUS SEC_ENTRY QuerySecurityContextToken(PCtxtHandle phContext, HANDLE *Token);

/* ---------------------------------------------------------------- messages
 *
 * In place, once the context is established.  DATA buffers keep their sizes and are taken together in the order of the
 * descriptor; TOKEN, PADDING and STREAM_TRAILER come back with the size that was used.  A DATA buffer that is READONLY or
 * READONLY_WITH_CHECKSUM is not encrypted.  MessageSeqNo counts on datagram contexts only; connections count themselves,
 * MakeSignature with EncryptMessage and VerifySignature with DecryptMessage. */

/* Signs.
 *
 *   fQOP       0
 *   pMessage   DATA, any number; TOKEN of cbMaxSignature bytes, which receives the signature.
 *              Digest over HTTP, by position: TOKEN, PKG_PARAMS method, PKG_PARAMS URI, PKG_PARAMS hash of the entity,
 *              PADDING, which receives the next response.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INVALID_TOKEN without a TOKEN; SEC_E_BUFFER_TOO_SMALL; SEC_E_QOP_NOT_SUPPORTED
 * for another fQOP or a context without integrity; SEC_E_OUT_OF_SEQUENCE before the last leg; SEC_E_CONTEXT_EXPIRED;
 * SEC_E_UNSUPPORTED_FUNCTION (Schannel). */
SECURITY_STATUS SEC_ENTRY MakeSignature(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo);

/* Checks a signature.
 *
 *   pMessage   DATA as signed, TOKEN with the signature
 *   pfQOP      may be NULL; NTLM leaves it alone
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INVALID_TOKEN without a TOKEN; SEC_E_MESSAGE_ALTERED; SEC_E_OUT_OF_SEQUENCE for a
 * replay, a gap, or before the last leg; SEC_E_QOP_NOT_SUPPORTED for a context without integrity; SEC_E_CONTEXT_EXPIRED;
 * SEC_E_UNSUPPORTED_FUNCTION (Schannel). */
SECURITY_STATUS SEC_ENTRY VerifySignature(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                          SSPI_OUT_ULONG pfQOP);

/* Encrypts and signs.
 *
 *   fQOP       0; SECQOP_WRAP_NO_ENCRYPT: only signs; Schannel: SECQOP_WRAP_OOB_DATA: DATA is an alert of two bytes
 *   pMessage   NTLM, Kerberos, Negotiate: TOKEN of cbSecurityTrailer, DATA, PADDING of cbBlockSize (may be missing where
 *              that is 0 or 1); the message is TOKEN, DATA and PADDING in this order.
 *              Schannel, CREDSSP: STREAM_HEADER of cbHeader, DATA of at most cbMaximumMessage, STREAM_TRAILER of
 *              cbTrailer, EMPTY; adjacent, and sent in this order.
 *              Digest (SASL): DATA, PADDING of cbMaxSignature + cbBlockSize.
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_INVALID_TOKEN when a buffer is missing; SEC_E_BUFFER_TOO_SMALL;
 * SEC_E_QOP_NOT_SUPPORTED for another fQOP; SEC_E_UNSUPPORTED_FUNCTION for an NTLM or Kerberos context without
 * confidentiality; SEC_E_OUT_OF_SEQUENCE before the last leg; SEC_E_CONTEXT_EXPIRED when closed or renegotiating;
 * SEC_E_ENCRYPT_FAILURE; SEC_E_CRYPTO_SYSTEM_INVALID. */
SECURITY_STATUS SEC_ENTRY EncryptMessage(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage,
                                         ULONG MessageSeqNo);

/* Checks and decrypts.
 *
 *   pMessage   NTLM, Kerberos, Negotiate: TOKEN, DATA and PADDING as the peer had them; or STREAM with the whole message
 *              and an empty DATA, which then points into it.
 *              Schannel, CREDSSP: DATA with the bytes received and three EMPTY; one record is taken and they become
 *              STREAM_HEADER, DATA (pointing into the input), STREAM_TRAILER and, if bytes are left, EXTRA.
 *              Digest (SASL): DATA or STREAM with the whole message, DATA.
 *   pfQOP      receives 0 or SECQOP_WRAP_NO_ENCRYPT; may be NULL
 *
 * SEC_E_OK
 * SEC_E_INCOMPLETE_MESSAGE  Schannel: the first buffer is MISSING now; restore it, read more, call again
 * SEC_I_CONTEXT_EXPIRED     Schannel: the peer closed the channel
 * SEC_I_RENEGOTIATE         Schannel: give EXTRA to InitializeSecurityContext or AcceptSecurityContext
 * SEC_E_MESSAGE_ALTERED, SEC_E_DECRYPT_FAILURE
 * SEC_E_OUT_OF_SEQUENCE     a replay, a gap, or before the last leg
 * SEC_E_INVALID_TOKEN       a buffer is missing; Schannel: not one DATA and three EMPTY
 * SEC_E_INVALID_HANDLE, SEC_E_CONTEXT_EXPIRED, SEC_E_QOP_NOT_SUPPORTED, SEC_E_BUFFER_TOO_SMALL (Digest),
 * SEC_E_CRYPTO_SYSTEM_INVALID */
SECURITY_STATUS SEC_ENTRY DecryptMessage(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                         SSPI_OUT_ULONG pfQOP);

/* Older names of EncryptMessage and DecryptMessage. */
SECURITY_STATUS SEC_ENTRY SealMessage(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo);
SECURITY_STATUS SEC_ENTRY UnsealMessage(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                        SSPI_OUT_ULONG pfQOP);

/* ---------------------------------------------------------------- the plain names */

#ifdef UNICODE
#define EnumerateSecurityPackages    EnumerateSecurityPackagesW
#define QuerySecurityPackageInfo     QuerySecurityPackageInfoW
#define AddSecurityPackage           AddSecurityPackageW
#define DeleteSecurityPackage        DeleteSecurityPackageW
#define ChangeAccountPassword        ChangeAccountPasswordW
#define AcquireCredentialsHandle     AcquireCredentialsHandleW
#define AddCredentials               AddCredentialsW
#define QueryCredentialsAttributes   QueryCredentialsAttributesW
#define QueryCredentialsAttributesEx QueryCredentialsAttributesExW
#define SetCredentialsAttributes     SetCredentialsAttributesW
#define InitializeSecurityContext    InitializeSecurityContextW
#define ImportSecurityContext        ImportSecurityContextW
#define QueryContextAttributes       QueryContextAttributesW
#define QueryContextAttributesEx     QueryContextAttributesExW
#define SetContextAttributes         SetContextAttributesW
#else
#define EnumerateSecurityPackages    EnumerateSecurityPackagesA
#define QuerySecurityPackageInfo     QuerySecurityPackageInfoA
#define AddSecurityPackage           AddSecurityPackageA
#define DeleteSecurityPackage        DeleteSecurityPackageA
#define ChangeAccountPassword        ChangeAccountPasswordA
#define AcquireCredentialsHandle     AcquireCredentialsHandleA
#define AddCredentials               AddCredentialsA
#define QueryCredentialsAttributes   QueryCredentialsAttributesA
#define QueryCredentialsAttributesEx QueryCredentialsAttributesExA
#define SetCredentialsAttributes     SetCredentialsAttributesA
#define InitializeSecurityContext    InitializeSecurityContextA
#define ImportSecurityContext        ImportSecurityContextA
#define QueryContextAttributes       QueryContextAttributesA
#define QueryContextAttributesEx     QueryContextAttributesExA
#define SetContextAttributes         SetContextAttributesA
#endif

#ifdef __cplusplus
}
#endif

#endif
