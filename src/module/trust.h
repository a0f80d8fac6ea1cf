/* Whether a file may become code of this process. */
#ifndef OPENSSPI_MODULE_TRUST_H
#define OPENSSPI_MODULE_TRUST_H

#include "base/status.h"

/* The file's real path, with malloc, if the policy names it or the directory it lies in ([packages] allow), and nobody but
 * root and the process's own user can change it: not the file, not a directory above it.  A directory that everybody may
 * write to is no danger if it is sticky.
 *   SEC_E_SECPKG_NOT_FOUND  no such file
 *   SEC_E_CANNOT_INSTALL    it is refused; set-uid processes load nothing (getauxval(3), AT_SECURE)
 *   SEC_E_INSUFFICIENT_MEMORY */
STATUS module_trust(const char *path, char **out_real);

/* The file that a name without a slash stands for: NAME.so in the first directory of the policy that has one; malloc.
 * SEC_E_SECPKG_NOT_FOUND. */
STATUS module_search(const char *name, char **out_path);

#endif
