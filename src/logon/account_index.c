#include "logon/account_index.h"

#include "base/auto.h"
#include "logon/account_record.h"
#include "logon/lmdb_env.h"
#include "wire/writer.h"

#define PREFIX_SIZE 3
#define KEY_MAX     (PREFIX_SIZE + ACCOUNT_DIGEST_SIZE_MAX)

static struct bytes key_of(uint8_t algorithm, struct bytes hash, uint8_t out[KEY_MAX])
{
    struct writer writer = write_into(out, KEY_MAX);
    write_u16le(&writer, 0);
    write_u8(&writer, algorithm);
    write_bytes(&writer, hash);
    return write_result(&writer);
}

bool account_index_is_key(struct bytes key)
{
    return key.size >= 2 && key.data[0] == 0 && key.data[1] == 0;
}

struct change {
    MDB_txn *txn;
    const struct account_view *view;
    bool remove;
};

static SECURITY_STATUS change_name(void *argument, uint8_t algorithm, struct bytes realm, enum account_form form)
{
    const struct change *change = argument;
    AUTO_UTF16 name = UTF16_NONE;
    uint8_t hash[ACCOUNT_DIGEST_SIZE_MAX], key[KEY_MAX];
    bool found = false;
    TRY(account_form_write(change->view->user, change->view->domain, form, &name));
    TRY(account_digest_name(algorithm, name, realm, hash));
    struct bytes place = key_of(algorithm, bytes_of(hash, account_digest_size(algorithm)), key);
    return change->remove ? lmdb_delete(change->txn, place, &found) : lmdb_put(change->txn, place, utf16_bytes(name));
}

static SECURITY_STATUS change_account(void *argument, const struct account_view *view)
{
    struct change *change = argument;
    change->view = view;
    return account_view_names(view, change_name, change);
}

static SECURITY_STATUS change_value(MDB_txn *txn, struct bytes value, bool remove)
{
    struct change change = {.txn = txn, .remove = remove};
    return value.size != 0 ? account_value_each(value, change_account, &change) : SEC_E_OK;
}

SECURITY_STATUS account_index_change(MDB_txn *txn, struct bytes old, struct bytes value)
{
    AUTO_WRITER before = write_growing(old.size + 1);
    write_bytes(&before, old);
    TRY(write_end(&before));
    TRY(change_value(txn, write_result(&before), true));
    return change_value(txn, value, false);
}

SECURITY_STATUS account_index_find(MDB_txn *txn, uint8_t algorithm, struct bytes hash, struct utf16 *out_name)
{
    uint8_t key[KEY_MAX];
    struct bytes value = BYTES_NONE;
    bool found = false;
    if (hash.size == account_digest_size(algorithm)) {
        TRY(lmdb_get(txn, key_of(algorithm, hash, key), &value, &found));
    }
    return utf16_copy(utf16_of(value), out_name);
}
