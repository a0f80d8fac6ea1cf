/* Account files of other programs, one account a line, forms mixed at will:
 *
 *     DOMAIN:USER:PASSWORD                             NTLM_USER_FILE of gss-ntlmssp and Heimdal
 *     [DOMAIN\]USER:UID:LMHEX32:NTHEX32:[FLAGS]:LCT-HEX:   smbpasswd of Samba
 *     USER:DOMAIN:LMHEX32:NTHEX32:::                   SAM of WinPR; either hash may be empty
 *
 * Two colons make the first form, four or more one of the others, which are told apart by the second field: a number is
 * a UID.  "#" begins a comment line; CR and LF are dropped.  Names and passwords are UTF-8.  smbpasswd flags: D disabled,
 * N no password; the others are ignored.
 */
#ifndef OPENSSPI_LOGON_USER_FILE_H
#define OPENSSPI_LOGON_USER_FILE_H

#include "base/secret.h"
#include "text/utf16.h"

struct user_line {
    size_t number;
    bool bad;          /* not an account; nothing else is filled in */
    bool can_log_on;   /* has a password or an NT hash */
    struct utf16 user; /* borrowed for the length of the call, as is all text here */
    struct utf16 domain;
    bool has_password;
    struct utf16 password;
    struct key16 nt_hash; /* also when the line has a password */
    bool has_lm_hash;
    struct key16 lm_hash;
    bool disabled;
    uint64_t password_set; /* FILETIME; 0 = unknown */
};

/* Calls `each` for every line but comments and empty ones, in order; bad lines too.  The first failure ends the reading.
 * SEC_E_INVALID_PARAMETER when the file cannot be read; SEC_E_INSUFFICIENT_MEMORY.  Passwords are wiped behind it. */
STATUS user_file_read(const char *path, SECURITY_STATUS (*each)(void *argument, const struct user_line *line),
                      void *argument);

/* One line without its newline. */
STATUS user_line_read(struct bytes text, size_t number,
                      SECURITY_STATUS (*each)(void *argument, const struct user_line *line), void *argument);

#endif
