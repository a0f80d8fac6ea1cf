/* The packed KERB_..._LOGON structures (ntsecapi.h): how Windows' programs hand whole credentials to CredSSP's client
 * (CredsspSubmitBufferBoth) and get them from its server (SECPKG_ATTR_CREDS).  Packed: what is a pointer in the structure
 * is an offset from its beginning.
 *
 *   KERB_INTERACTIVE_LOGON   0 type 2, 8 domain, 24 user, 40 password; 56 bytes
 *   KERB_CERTIFICATE_LOGON   0 type 13, 8 domain, 24 user, 40 PIN, 56 flags, 60 size and 64 offset of the CSP's data; 72 bytes
 *   KERB_TICKET_LOGON        0 type 10, 4 flags, 8 and 12 sizes, 16 and 24 offsets of two tickets; 32 bytes
 *   UNICODE_STRING           0 size, 2 room, 8 offset; 16 bytes
 *   KERB_SMARTCARD_CSP_INFO  0 size, 4 type 1, 8 zeros, 16 flags, 20 key specification, 24 to 36 where in the texts behind it
 *                            (in characters) are card, reader, container and CSP, each with its NUL; 40 bytes
 */
#ifndef OPENSSPI_CREDSSP_KERB_LOGON_H
#define OPENSSPI_CREDSSP_KERB_LOGON_H

#include "credssp/ts_credentials.h"

/* Reads what `packed` points at; the caller vouches that it is as large as it says of itself.  Slices of `packed`; a
 * KERB_TICKET_LOGON becomes a TSRemoteGuardCreds for the package Kerberos, its slice the whole structure.
 * SEC_E_UNKNOWN_CREDENTIALS: another type, or offsets that are none. */
STATUS kerb_logon_parse(const void *packed, struct ts_credentials *out);

/* Appends the packed form; of remote guard credentials, what the logon package's buffer is. */
STATUS kerb_logon_build(const struct ts_credentials *credentials, struct writer *out);

#endif
