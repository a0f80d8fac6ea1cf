/* wintrust.h: what SSPI code needs of it (the policy for a server's certificate) is in wincrypt.h. */
#include "wincrypt.h"
