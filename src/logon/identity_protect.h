/* The secret of an identity, encrypted where it lies (SspiEncryptAuthIdentity).
 *
 * Three scopes: this process, whose key is made of random bytes when it is first wanted and dies with it (a forked child
 * has it, too); the logon session, whose key lies in the kernel's session keyring; and the system, for which Linux has no
 * keeper of keys that is always there, so that nothing is encrypted for it.  The user's and the domain's name are the
 * tweak: a secret moved to another identity does not decrypt.
 */
#ifndef OPENSSPI_LOGON_IDENTITY_PROTECT_H
#define OPENSSPI_LOGON_IDENTITY_PROTECT_H

#include "logon/identity_layout.h"

/* Encrypts `secret`, layout->secret.size bytes, for the scope that `flag`, one of IDENTITY_ENCRYPTED, names.
 * SEC_E_UNSUPPORTED_FUNCTION when there is no key for it, SEC_E_INSUFFICIENT_MEMORY, SEC_E_INTERNAL_ERROR. */
STATUS identity_protect(const struct identity_layout *layout, uint32_t flag, uint8_t *secret);

/* Decrypts `secret` by layout->flags, which have one of IDENTITY_ENCRYPTED.
 * SEC_E_DECRYPT_FAILURE when this process has no such key.  What another process or session encrypted decrypts to noise:
 * there is no room for a proof beside the secret. */
STATUS identity_unprotect(const struct identity_layout *layout, uint8_t *secret);

#endif
