/* A smart card's two forms: what the server gets of it (TSSmartCardCreds), and the certificate on it, with which the session is
 * made (PKINIT).  A container is named as CRYPT_KEY_PROV_INFO of the certificate names it: a "pkcs11:" URI or a file here. */
#ifndef OPENSSPI_CREDSSP_SMART_CARD_H
#define OPENSSPI_CREDSSP_SMART_CARD_H

#include "credssp/ts_credentials.h"
#include "logon/identity.h"

/* Appends the user name by which an identity names the card's certificate (CredMarshalCredential), or nothing when no
 * certificate of the store MY has its key in the card's container.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS smart_card_user(const struct ts_smart_card *card, struct writer *out);

/* What is delegated of an identity that names a certificate: the PIN, and where the key is.  `owned` is what the texts are
 * in; both are borrowed by `out`.  SEC_E_UNKNOWN_CREDENTIALS, SEC_E_NO_CREDENTIALS: no such certificate, or none with a key;
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS smart_card_of_identity(const struct identity *identity, struct utf16 *owned, struct ts_smart_card *out);

#endif
