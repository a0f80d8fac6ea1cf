/* Accounts by their hashed names (userhash, RFC 7616 3.4.4), in the table of the accounts:
 *
 *     key     u16 0, which no account's name begins with; u8 algorithm; H(name:realm)
 *     value   the name, UTF-16LE
 *
 * One lookup finds a name, however many there are, and one that fails costs as much.
 */
#ifndef OPENSSPI_LOGON_ACCOUNT_INDEX_H
#define OPENSSPI_LOGON_ACCOUNT_INDEX_H

#include <lmdb.h>

#include "base/bytes.h"
#include "base/status.h"
#include "text/utf16.h"

bool account_index_is_key(struct bytes key);

/* An account's value changes from `old` to `value`; empty: there was none, there will be none.  `old` is not looked at any
 * more once something is written, so it may be LMDB's own bytes.  SEC_E_INTERNAL_ERROR, SEC_E_INSUFFICIENT_MEMORY. */
STATUS account_index_change(MDB_txn *txn, struct bytes old, struct bytes value);

/* The name of a hash, the caller's to free; empty when it is nobody's.  SEC_E_INTERNAL_ERROR, SEC_E_INSUFFICIENT_MEMORY. */
STATUS account_index_find(MDB_txn *txn, uint8_t algorithm, struct bytes hash, struct utf16 *out_name);

#endif
