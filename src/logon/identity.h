/* Who a client says it is: SEC_WINNT_AUTH_IDENTITY in every version, taken apart once.
 *
 * Plain, EXA/EXW and EX2 are told apart by their first word (0x200, 0x201, anything else); ANSI or UNICODE is decided by
 * the Flags member, whichever function the structure comes through (observed on Windows).  Strings are counted; NULL and
 * empty members are both "absent" but for `has_*`.  A user that CredMarshalCredential made names a certificate.  A secret that
 * SspiEncryptAuthIdentity encrypted is decrypted on the way, in a copy; FreeRDP's way of passing a hash (a password length over
 * 512) is understood.
 */
#ifndef OPENSSPI_LOGON_IDENTITY_H
#define OPENSSPI_LOGON_IDENTITY_H

#include "base/secret.h"
#include "text/utf16.h"
#include "wire/writer.h"

struct identity {
    struct utf16 user;      /* owned */
    struct utf16 domain;    /* owned */
    struct secret password; /* UTF-16LE, no NUL */
    bool has_user, has_domain, has_password;
    bool has_nt_hash; /* the password member was a hash (SSPI_AUTH_IDENTITY_NT_HASH in sspi_ext.h) */
    struct key16 nt_hash;
    bool has_certificate;      /* the user is a marshaled certificate ("@@B..."), the password its PIN */
    uint8_t certificate[20];   /* SHA-1 of it */
    struct utf16 package_list; /* owned; "!ntlm", "kerberos,ntlm" */
    uint32_t flags;            /* SEC_WINNT_AUTH_IDENTITY_* as given */
};

/* Copies what `auth_data` says.  The names are kept as given: names_split is the package's decision.
 * SEC_E_UNKNOWN_CREDENTIALS: neither ANSI nor UNICODE, wrong Length, offsets outside EX2, a length without a pointer, a
 * packed credential of an unknown type; SEC_E_INVALID_TOKEN: ANSI text that is not UTF-8, a hash that is not 32 hex
 * digits, packed credentials that do not hold together; SEC_E_DECRYPT_FAILURE: encrypted for somebody else;
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS identity_parse(const void *auth_data, struct identity *out);

/* Appends the user name that names a certificate by its SHA-1: "@@B..." in UTF-16LE, 60 bytes. */
void identity_write_certificate(const uint8_t hash[20], struct writer *out);

void identity_free(struct identity *identity);

#define AUTO_IDENTITY __attribute__((cleanup(identity_free))) struct identity

#endif
