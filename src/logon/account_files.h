/* Names and limits of the embedded database's files, for those who open it. */
#ifndef OPENSSPI_LOGON_ACCOUNT_FILES_H
#define OPENSSPI_LOGON_ACCOUNT_FILES_H

#define ACCOUNTS_FILE "accounts.mdb"

/* Address space, not disk or memory: about three million accounts.  All processes must agree. */
#define ACCOUNTS_MAP_SIZE ((size_t)1 << 30)

#endif
