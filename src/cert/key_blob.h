/* Private keys in the forms that CryptImportKey and NCryptImportKey take. */
#ifndef OPENSSPI_CERT_KEY_BLOB_H
#define OPENSSPI_CERT_KEY_BLOB_H

#include <openssl/evp.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/status.h"

struct key_blob {
    EVP_PKEY *key;    /* EVP_PKEY_free */
    ALG_ID algorithm; /* CALG_RSA_KEYX or CALG_RSA_SIGN */
};

/* A PRIVATEKEYBLOB of RSA, not encrypted (Microsoft Learn, "Base Provider Key BLOBs"); nothing may follow it.
 *
 * NTE_BAD_TYPE for another kind of blob, NTE_BAD_VER for another version, NTE_BAD_ALGID for another algorithm, NTE_BAD_DATA
 * when it is cut short, too long, of fewer than 384 or more than 16384 bits, or its numbers are no key;
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS key_blob_read(struct bytes blob, struct key_blob *out);

/* A PrivateKeyInfo in DER (RFC 5208 5), of any algorithm that OpenSSL has.  NTE_BAD_DATA when it is none. */
STATUS key_blob_read_pkcs8(struct bytes der, EVP_PKEY **out);

#endif
