/* Certificates and CRLs in files of this machine: a PEM bundle, one DER object, or a directory of either. */
#ifndef OPENSSPI_CERT_PEM_FILES_H
#define OPENSSPI_CERT_PEM_FILES_H

#include <openssl/x509.h>

#include "base/status.h"

bool pem_files_exist(const char *path);

/* Calls `each` for the file, or for every regular file of the directory; its first failure ends the walk and is returned.  A
 * path that is not there, or empty, has no files. */
STATUS pem_files_each(const char *path, STATUS (*each)(const char *path, void *argument), void *argument);

/* Appends what `path` holds, each certificate once; NULL stacks are not filled.  NULL, "" and a path that is not there
 * give nothing; what cannot be read or parsed is passed over and traced.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS pem_files_read(const char *path, STACK_OF(X509) * certificates, STACK_OF(X509_CRL) * crls);

/* Changes when a file does: device, number, size and times of each.  One stat for a file, one for each entry of a
 * directory. */
uint64_t pem_files_fingerprint(const char *path);

#endif
