/* wdigest.h: the name of the Digest package (RFC 2617, RFC 2831). */
#ifndef __WDIGEST_H__
#define __WDIGEST_H__

#include "windows.h"

#ifndef WDIGEST_SP_NAME
#define WDIGEST_SP_NAME_A "WDigest"
#define WDIGEST_SP_NAME_W __SSPI_WIDE("WDigest")
#ifdef UNICODE
#define WDIGEST_SP_NAME WDIGEST_SP_NAME_W
#else
#define WDIGEST_SP_NAME WDIGEST_SP_NAME_A
#endif
#endif

#endif
