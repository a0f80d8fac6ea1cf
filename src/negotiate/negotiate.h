/* Negotiate: SPNEGO (RFC 4178, MS-SPNG) over the packages of this build. */
#ifndef OPENSSPI_NEGOTIATE_NEGOTIATE_H
#define OPENSSPI_NEGOTIATE_NEGOTIATE_H

#include "core/package.h"

extern const struct package negotiate_package;

#endif
