/* What Digest hashes of an account: H(user:realm:password), the start of A1 (RFC 7616 3.4.2), and H(user:realm), which
 * stands in for a hidden name (3.4.4).  Names are hashed letter by letter, so the form that a client gives one counts. */
#ifndef OPENSSPI_LOGON_ACCOUNT_DIGEST_H
#define OPENSSPI_LOGON_ACCOUNT_DIGEST_H

#include "base/bytes.h"
#include "base/status.h"
#include "text/utf16.h"

#define ACCOUNT_DIGEST_SIZE_MAX 32

enum account_digest_algorithm { ACCOUNT_DIGEST_MD5 = 1, ACCOUNT_DIGEST_SHA256 = 2, ACCOUNT_DIGEST_SHA512_256 = 3 };
enum account_digest_charset { ACCOUNT_CHARSET_UTF8 = 1, ACCOUNT_CHARSET_LATIN1 = 2 };

/* user, DOMAIN\user, user@domain: an account of a domain can be named in each way. */
enum account_form { ACCOUNT_FORM_PLAIN = 0, ACCOUNT_FORM_DOWN_LEVEL = 1, ACCOUNT_FORM_UPN = 2 };
#define ACCOUNT_FORMS 3

/* The form of a name as names_split_upn() takes it apart. */
enum account_form account_form_of(struct utf16 name);

/* An account's name in a form; the caller frees it.  `domain` is not empty but for ACCOUNT_FORM_PLAIN. */
STATUS account_form_write(struct utf16 user, struct utf16 domain, enum account_form form, struct utf16 *out);

/* Bytes of an algorithm's hash. */
size_t account_digest_size(uint8_t algorithm);

/* The hash of all parts; bytes behind its size are zero. */
void account_digest_hash(uint8_t algorithm, const struct bytes *parts, size_t count,
                         uint8_t out[ACCOUNT_DIGEST_SIZE_MAX]);

/* H(name:realm:password).  `*made` is false, and nothing written, for ACCOUNT_CHARSET_LATIN1 when the three do not fit ISO
 * 8859-1, or are ASCII, which is the same in both (RFC 2831 2.1.2.1, RFC 7616 4).  SEC_E_INSUFFICIENT_MEMORY. */
STATUS account_digest_secret(uint8_t algorithm, uint8_t charset, struct utf16 name, struct utf16 realm,
                             struct utf16 password, uint8_t out[ACCOUNT_DIGEST_SIZE_MAX], bool *made);

/* H(name:realm) in UTF-8.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS account_digest_name(uint8_t algorithm, struct utf16 name, struct bytes realm,
                           uint8_t out[ACCOUNT_DIGEST_SIZE_MAX]);

#endif
