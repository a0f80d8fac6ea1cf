/* credssp.h: the package CREDSSP, which delegates credentials over TLS and Negotiate.
 *
 * Sources: Microsoft Learn, CREDSSP_CRED, "QueryContextAttributes (CredSSP)"; MS-CSSP.  The spelling CREDSPP_SUBMIT_TYPE
 * is the SDK's. */
#ifndef __CREDSSP_H__
#define __CREDSSP_H__

#include "sspi.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CREDSSP_NAME
#define CREDSSP_NAME_A "CREDSSP"
#define CREDSSP_NAME_W __SSPI_WIDE("CREDSSP")
#define TS_SSP_NAME_A  "TSSSP"
#define TS_SSP_NAME    __SSPI_WIDE("TSSSP")
#ifdef UNICODE
#define CREDSSP_NAME CREDSSP_NAME_W
#else
#define CREDSSP_NAME CREDSSP_NAME_A
#endif
#endif

/* What pSpnegoCred of a CREDSSP_CRED is. */
typedef enum _CREDSSP_SUBMIT_TYPE {
    CredsspPasswordCreds = 2,        /* an identity */
    CredsspSchannelCreds = 4,        /* nothing: only pSchannelCred counts */
    CredsspCertificateCreds = 13,    /* a packed KERB_CERTIFICATE_LOGON */
    CredsspSubmitBufferBoth = 50,    /* a packed KERB_*_LOGON */
    CredsspSubmitBufferBothOld = 51, /* the same, for older peers */
    CredsspCredEx = 100              /* the structure is a CREDSSP_CRED_EX */
} CREDSPP_SUBMIT_TYPE;

/* pAuthData for CREDSSP.  Servers leave pSpnegoCred NULL. */
typedef struct _CREDSSP_CRED {
    CREDSPP_SUBMIT_TYPE Type;
    PVOID pSchannelCred; /* SCHANNEL_CRED or SCH_CREDENTIALS, or NULL */
    PVOID pSpnegoCred;
} CREDSSP_CRED, *PCREDSSP_CRED;

#define CREDSSP_CRED_EX_VERSION 0
#define CREDSSP_FLAG_REDIRECT   0x1

typedef struct _CREDSSP_CRED_EX {
    CREDSPP_SUBMIT_TYPE Type; /* CredsspCredEx */
    ULONG Version;            /* CREDSSP_CRED_EX_VERSION */
    ULONG Flags;
    ULONG Reserved;
    CREDSSP_CRED Cred;
} CREDSSP_CRED_EX, *PCREDSSP_CRED_EX;

/* ---------------------------------------------------------------- attributes of contexts */

#define SECPKG_ATTR_C_ACCESS_TOKEN      0x80000012 /* SecPkgContext_AccessToken; server */
#define SECPKG_ATTR_CREDS               0x80000080 /* SecPkgContext_ClientCreds; server */
#define SECPKG_ATTR_NEGOTIATION_PACKAGE 0x80000081 /* SecPkgContext_PackageInfo */
#define SECPKG_ATTR_C_FULL_ACCESS_TOKEN 0x80000082 /* SecPkgContext_AccessToken; server */
#define SECPKG_ATTR_SERVER_AUTH_FLAGS   0x80000083 /* SecPkgContext_Flags; client */
#define SECPKG_ATTR_CERT_TRUST_STATUS   0x80000084 /* CERT_TRUST_STATUS; client */
#define SECPKG_ATTR_C_FULL_IDENT_TOKEN  0x80000085 /* SecPkgContext_AccessToken; server */
#define SECPKG_ATTR_CREDS_2             0x80000086 /* SecPkgContext_ClientCreds; server */

/* Of SECPKG_ATTR_SERVER_AUTH_FLAGS: how the server has proved itself. */
#define CREDSSP_SERVER_AUTH_NEGOTIATE   0x1
#define CREDSSP_SERVER_AUTH_CERTIFICATE 0x2
#define CREDSSP_SERVER_AUTH_LOOPBACK    0x4

/* What the client delegated: a packed KERB_INTERACTIVE_LOGON (Buffer members are offsets), a packed
 * KERB_CERTIFICATE_LOGON or a marshalled SEC_WINNT_AUTH_IDENTITY_EX2.  Wipe, then FreeContextBuffer. */
typedef struct _SecPkgContext_ClientCreds {
    ULONG AuthBufferLen;
    PUCHAR AuthBuffer;
} SecPkgContext_ClientCreds, *PSecPkgContext_ClientCreds;

#ifdef __cplusplus
}
#endif

#endif
