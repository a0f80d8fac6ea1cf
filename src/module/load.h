/* AddSecurityPackage and DeleteSecurityPackage: modules come and go. */
#ifndef OPENSSPI_MODULE_LOAD_H
#define OPENSSPI_MODULE_LOAD_H

#include "base/status.h"

/* Loads the module at an absolute path, or the one that a name without a slash stands for (module/trust.h), and adds its
 * package.  One that is there already stays, and that is a success.
 *   SEC_E_SECPKG_NOT_FOUND  there is no such file
 *   SEC_E_CANNOT_INSTALL    it may not be loaded, cannot be, or does not keep to sspi_package.h
 *   SEC_E_INSUFFICIENT_MEMORY */
STATUS module_load(const char *name);

/* Unloads a module by its package's name or its path.
 *   SEC_E_SECPKG_NOT_FOUND          no module of this name is loaded
 *   HRESULT_FROM_WIN32(ERROR_BUSY)  credentials or contexts of it are left */
STATUS module_unload(const char *name);

#endif
