/* security.h: what programs include for SSPI: the names of the packages, sspi.h and secext.h.
 *
 * SECURITY_WIN32 need not be defined, and may have any value. */
#ifndef __SECURITY_H__
#define __SECURITY_H__

#include "windows.h"

/* As in the SDK, NTLMSP_NAME and MICROSOFT_KERBEROS_NAME are wide whatever UNICODE says. */
#ifndef NTLMSP_NAME_A
#define NTLMSP_NAME_A "NTLM"
#define NTLMSP_NAME   __SSPI_WIDE("NTLM")
#endif

#ifndef MICROSOFT_KERBEROS_NAME_A
#define MICROSOFT_KERBEROS_NAME_A "Kerberos"
#define MICROSOFT_KERBEROS_NAME_W __SSPI_WIDE("Kerberos")
#define MICROSOFT_KERBEROS_NAME   MICROSOFT_KERBEROS_NAME_W
#endif

#ifndef NEGOSSP_NAME
#define NEGOSSP_NAME_A "Negotiate"
#define NEGOSSP_NAME_W __SSPI_WIDE("Negotiate")
#ifdef UNICODE
#define NEGOSSP_NAME NEGOSSP_NAME_W
#else
#define NEGOSSP_NAME NEGOSSP_NAME_A
#endif
#endif

#ifndef CLOUDAP_NAME
#define CLOUDAP_NAME_A "CloudAP"
#define CLOUDAP_NAME_W __SSPI_WIDE("CloudAP")
#ifdef UNICODE
#define CLOUDAP_NAME CLOUDAP_NAME_W
#else
#define CLOUDAP_NAME CLOUDAP_NAME_A
#endif
#endif

#ifndef PKU2U_PACKAGE_NAME
#define PKU2U_PACKAGE_NAME_A "pku2u"
#define PKU2U_PACKAGE_NAME_W __SSPI_WIDE("pku2u")
#ifdef UNICODE
#define PKU2U_PACKAGE_NAME PKU2U_PACKAGE_NAME_W
#else
#define PKU2U_PACKAGE_NAME PKU2U_PACKAGE_NAME_A
#endif
#endif

#include "secext.h"
#include "sspi.h"

#endif
