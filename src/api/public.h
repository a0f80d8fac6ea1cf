/* The public headers, as the files that implement them include them: first of all, and with default visibility, so that
 * the functions declared there, and no others, leave the library (everything is compiled with -fvisibility=hidden, and
 * sspi.map names them once more).
 */
#ifndef OPENSSPI_API_PUBLIC_H
#define OPENSSPI_API_PUBLIC_H

#pragma GCC visibility push(default)
#include "windows.h"

#include "security.h"
#include "sspi_ext.h"
#pragma GCC visibility pop

#endif
