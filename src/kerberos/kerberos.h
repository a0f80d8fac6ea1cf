/* The Kerberos package (RFC 4120, RFC 4121, MS-KILE). */
#ifndef OPENSSPI_KERBEROS_KERBEROS_H
#define OPENSSPI_KERBEROS_KERBEROS_H

#include "core/package.h"

extern const struct package kerberos_package;

#endif
