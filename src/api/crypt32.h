/* What the files of crypt32's functions share: how they fail, and how they hand out text. */
#ifndef OPENSSPI_API_CRYPT32_H
#define OPENSSPI_API_CRYPT32_H

#pragma GCC visibility push(default)
#include "windows.h"

#include "wincrypt.h"
#pragma GCC visibility pop

#include "api/api.h"
#include "cert/certificate.h"
#include "cert/crl_context.h"
#include "cert/store.h"
#include "text/utf16.h"
#include "wire/writer.h"

/* The end of a call: traces, and for a failure says in GetLastError() what crypt32 documents for it.  FALSE when `status` is
 * a failure. */
BOOL crypt32_done(const char *function, SECURITY_STATUS status);

/* A status that comes out of GetLastError() as this Win32 code. */
#define CRYPT32_WIN32(code) _HRESULT_TYPEDEF_(0x80070000 | (code))

/* Copies `value` to a caller's buffer the way crypt32 has it: `buffer` NULL asks for the size, a buffer that is too small
 * gives ERROR_MORE_DATA, and *size is the size in all three cases. */
STATUS crypt32_give(struct bytes value, void *buffer, DWORD *size);

/* UTF-8 with a NUL at its end (perhaps several) to a caller's characters, cut off where they end; returns how many
 * characters were written or, for `buffer` NULL, would be. */
DWORD crypt32_give_text(struct bytes utf8, bool wide, void *buffer, DWORD characters);

/* Whether an encoding type is one of ours: X509_ASN_ENCODING is in it. */
static inline bool crypt32_encoding(DWORD type)
{
    return (type & 0xFFFF) == X509_ASN_ENCODING;
}

/* The store behind a handle, held; SEC_E_INVALID_HANDLE. */
STATUS crypt32_store(HCERTSTORE handle, struct store **out);

/* CERT_STORE_ADD_* as the store has it; SEC_E_INVALID_PARAMETER. */
STATUS crypt32_how(DWORD disposition, enum store_add *out);

/* UTF-16, NUL-terminated, to be freed by the caller. */
STATUS crypt32_utf8(const WCHAR *text, char **out);

#endif
