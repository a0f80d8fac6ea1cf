/* windows.h of the porting kit (sspi-port.pc): the library's own base types, and the few functions of kernel32, advapi32 and
 * the C run-time that code around SSPI calls.  docs/porting.md lists them; nothing else of Windows is here.
 *
 * As the library's headers do, these leave _WIN32, ERROR, min, max, near and far undefined. */
#ifndef _SSPI_PORT_WINDOWS_H_
#define _SSPI_PORT_WINDOWS_H_

#include "../windows.h"

#include "port_base.h"
#include "port_text.h"
#include "port_token.h"
#include "port_wide.h"

#endif
