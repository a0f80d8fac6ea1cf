/* Package "NTLM" (MS-NLMP). */
#ifndef OPENSSPI_NTLM_NTLM_H
#define OPENSSPI_NTLM_NTLM_H

#include "core/package.h"

extern const struct package ntlm_package;

#endif
