/* The stores that Windows keeps in the registry: ROOT is what the system trusts (cert/roots.h); MY and CA are directories,
 * read when the store is opened:
 *
 *     user      $XDG_DATA_HOME/sspi/my and /ca, which is ~/.local/share/sspi/...
 *     machine   /etc/sspi/my and /ca; part of the user's CA, too
 *
 *     NAME.pem .crt .cer   one or more certificates, the first one's private key among them, or in NAME.key (PEM or DER), or
 *                          in a token: NAME.uri, whose first line is a pkcs11: URI (RFC 7512)
 *     NAME.p12 .pfx        PKCS#12 without a password
 *
 * Files are taken in the order of their names.  A file with a private key has to belong to the user or to root, and others
 * than owner and group must not be able to read it, nor others than the owner to write it; a directory that others can
 * write to is not read.  What is refused or cannot be read is passed over and traced.
 */
#ifndef OPENSSPI_CERT_SYSTEM_STORE_H
#define OPENSSPI_CERT_SYSTEM_STORE_H

#include "cert/store.h"
#include "text/utf16.h"

enum system_location { SYSTEM_USER, SYSTEM_MACHINE };

/* "MY", "ROOT" and "CA", in any case.  CRYPT_E_FILE_ERROR with errno ENOENT for another name; SEC_E_INSUFFICIENT_MEMORY.  A
 * directory that is not there is an empty store. */
STATUS system_store_open(struct utf16 name, enum system_location location, struct store **out);

/* Reads one such directory into `store`. */
STATUS system_store_read(const char *directory, struct store *store);

#endif
