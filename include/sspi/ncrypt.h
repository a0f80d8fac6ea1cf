/* ncrypt.h: the handles that wincrypt.h's structures name.  The key storage functions are not here: a CERT_CONTEXT has
 * its key with it (SspiExtCertFromFiles, SspiExtCertSetKey in sspi_ext.h). */
#ifndef __NCRYPT_H__
#define __NCRYPT_H__

#include "bcrypt.h"
#include "wincrypt.h"

#endif
