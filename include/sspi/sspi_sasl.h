/* sspi_sasl.h: the part of sspi.h with the SASL profiles.  Include sspi.h.
 *
 * Sources: Microsoft Learn, the pages of the functions; RFC 4752 for what follows GSSAPI's own tokens. */
#ifndef _SSPI_SASL_H_
#define _SSPI_SASL_H_

#include "sspi_functions.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SASL_OPTION_SEND_SIZE        1 /* ULONG: the most that is sent at once; 0xFFFF unless set */
#define SASL_OPTION_RECV_SIZE        2 /* ULONG: the most that is received at once; 0xFFFF unless set */
#define SASL_OPTION_AUTHZ_STRING     3 /* bytes as they are sent: the authorization identity, UTF-8 (RFC 4752 3.1) */
#define SASL_OPTION_AUTHZ_PROCESSING 4 /* SASL_AUTHZID_STATE */

typedef enum _SASL_AUTHZID_STATE {
    Sasl_AuthZIDForbidden, /* SEC_E_ALGORITHM_MISMATCH when the client sends one; the default */
    Sasl_AuthZIDProcessed
} SASL_AUTHZID_STATE;

/* The mechanisms: "GSSAPI", "GSS-SPNEGO", "DIGEST-MD5".
 *
 *   ProfileList    receives their names, each with a NUL and another at the end: FreeContextBuffer
 *   ProfileCount   receives their number
 *
 * SEC_E_OK; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SaslEnumerateProfilesW(LPWSTR *ProfileList, ULONG *ProfileCount);
SECURITY_STATUS SEC_ENTRY SaslEnumerateProfilesA(LPSTR *ProfileList, ULONG *ProfileCount);

/* The package behind a mechanism: Kerberos, Negotiate, WDigest.
 *
 *   PackageInfo   FreeContextBuffer
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS SEC_ENTRY SaslGetProfilePackageW(LPWSTR ProfileName, PSecPkgInfoW *PackageInfo);
SECURITY_STATUS SEC_ENTRY SaslGetProfilePackageA(LPSTR ProfileName, PSecPkgInfoA *PackageInfo);

/* The package that the mechanism name in a first message asks for.
 *
 *   pInput        one TOKEN
 *   PackageInfo   FreeContextBuffer
 *
 * SEC_E_OK; SEC_E_SECPKG_NOT_FOUND; SEC_E_INVALID_TOKEN without a TOKEN. */
SECURITY_STATUS SEC_ENTRY SaslIdentifyPackageW(PSecBufferDesc pInput, PSecPkgInfoW *PackageInfo);
SECURITY_STATUS SEC_ENTRY SaslIdentifyPackageA(PSecBufferDesc pInput, PSecPkgInfoA *PackageInfo);

/* InitializeSecurityContext, followed by the choice of a security layer (RFC 4752 3.1): SEC_E_OK comes after that.
 *
 * Parameters and statuses as there, with one TOKEN in pInput and pOutput; an empty one is sent, too.  Of the layers that
 * the server offers the weakest one is chosen that grants the last call's fContextReq (CONFIDENTIALITY, INTEGRITY,
 * REPLAY_DETECT, SEQUENCE_DETECT).  Also SEC_E_INVALID_TOKEN when the server's offer cannot be read, or there is no
 * TOKEN in pOutput, SEC_E_SECURITY_QOS_FAILED when there is no such layer, SEC_E_SECPKG_NOT_FOUND for a package without
 * a profile, and SEC_E_INVALID_HANDLE for a context that InitializeSecurityContext made. */
SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextW(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPWSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry);
SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextA(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry);

/* AcceptSecurityContext, followed by the offer of security layers (RFC 4752 3.2): SEC_I_CONTINUE_NEEDED until the client
 * has chosen.
 *
 * Parameters and statuses as there.  With CONFIDENTIALITY or INTEGRITY in fContextReq only layers that grant it are
 * offered.  Also SEC_E_INVALID_TOKEN when the client's choice cannot be read or is none of them,
 * SEC_E_SECURITY_QOS_FAILED when the context has no layer to offer, SEC_E_SECPKG_NOT_FOUND and SEC_E_INVALID_HANDLE as
 * above, and SEC_E_ALGORITHM_MISMATCH when the client has an authorization identity that is not to be processed. */
SECURITY_STATUS SEC_ENTRY SaslAcceptSecurityContext(PCredHandle phCredential, PCtxtHandle phContext,
                                                    PSecBufferDesc pInput, ULONG fContextReq, ULONG TargetDataRep,
                                                    PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                    SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry);

/* Sets SASL_OPTION_* before the last leg.
 *
 *   Value, Size   copied
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION for an unknown option; SEC_E_BUFFER_TOO_SMALL;
 * SEC_E_INVALID_PARAMETER for a value out of range, and for AUTHZ_STRING on a server; SEC_E_OUT_OF_SEQUENCE once the
 * exchange is over. */
SECURITY_STATUS SEC_ENTRY SaslSetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size);

/* Gets SASL_OPTION_*.
 *
 *   Value, Size   room for it
 *   Needed        receives the size; may be NULL
 *
 * SEC_E_OK; SEC_E_INVALID_HANDLE; SEC_E_UNSUPPORTED_FUNCTION; SEC_E_BUFFER_TOO_SMALL with *Needed set. */
SECURITY_STATUS SEC_ENTRY SaslGetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size,
                                               PULONG Needed);

#ifdef UNICODE
#define SaslEnumerateProfiles         SaslEnumerateProfilesW
#define SaslGetProfilePackage         SaslGetProfilePackageW
#define SaslIdentifyPackage           SaslIdentifyPackageW
#define SaslInitializeSecurityContext SaslInitializeSecurityContextW
#else
#define SaslEnumerateProfiles         SaslEnumerateProfilesA
#define SaslGetProfilePackage         SaslGetProfilePackageA
#define SaslIdentifyPackage           SaslIdentifyPackageA
#define SaslInitializeSecurityContext SaslInitializeSecurityContextA
#endif

#ifdef __cplusplus
}
#endif

#endif
