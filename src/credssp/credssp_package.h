/* CredSSP as a security package ("CREDSSP", MS-CSSP): TLS, in it a logon with Negotiate that is bound to the channel, and
 * through both the client's credentials. */
#ifndef OPENSSPI_CREDSSP_CREDSSP_PACKAGE_H
#define OPENSSPI_CREDSSP_CREDSSP_PACKAGE_H

#include "core/package.h"

extern const struct package credssp_package;

#endif
