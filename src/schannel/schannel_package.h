/* TLS and DTLS as a security package ("Microsoft Unified Security Protocol Provider", "Schannel"), on OpenSSL. */
#ifndef OPENSSPI_SCHANNEL_SCHANNEL_PACKAGE_H
#define OPENSSPI_SCHANNEL_SCHANNEL_PACKAGE_H

#include "core/package.h"

extern const struct package schannel_package;
extern const struct package schannel_package_alias;   /* "Schannel" */
extern const struct package schannel_package_default; /* "Default TLS SSP" */

#endif
