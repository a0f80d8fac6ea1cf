/* Keys in tokens, as libkrb5 names them. */
#ifndef OPENSSPI_KERBEROS_PKCS11_H
#define OPENSSPI_KERBEROS_PKCS11_H

#include "base/status.h"

/* A "pkcs11:" URI (RFC 7512) as "PKCS11:module_name=...:token=...:certid=...", for free().  The module is the URI's module-path, or
 * p11-kit's, which knows those of the system; the certificate has the key's id, or its label.
 * SEC_E_UNKNOWN_CREDENTIALS: a URI that names no object, or with octets that libkrb5's form has no place for;
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS pkcs11_identity(const char *uri, char **out);

#endif
