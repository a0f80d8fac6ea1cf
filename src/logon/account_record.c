#include "logon/account_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "text/upcase.h"
#include "wire/reader.h"

#define VERSION 1
#define DAMAGED "the account database holds a damaged record"

void account_record_init(struct account_record *record)
{
    *record = (struct account_record){.expiry = CLOCK_NEVER, .password_expiry = CLOCK_NEVER};
}

void account_record_free(struct account_record *record)
{
    utf16_free(&record->user);
    utf16_free(&record->domain);
    if (record->digests != NULL) {
        secret_wipe(record->digests, record->digest_count * sizeof record->digests[0]);
        free(record->digests);
    }
    secret_wipe(record, sizeof *record);
}

size_t account_key(struct utf16 user, uint8_t out[ACCOUNT_KEY_MAX])
{
    if (user.size > ACCOUNT_KEY_MAX) {
        return 0;
    }
    upcase_write(user, out);
    return user.size;
}

static struct utf16 read_text(struct reader *reader)
{
    struct bytes raw = read_bytes(reader, read_u16le(reader));
    if (raw.size % 2 != 0) {
        reader->bad = true;
    }
    return utf16_of(raw);
}

/* One account's bytes, in a reader of their own. */
static void read_view(struct reader *reader, struct account_view *view)
{
    view->flags = read_u32le(reader);
    view->expiry = read_u64le(reader);
    view->password_expiry = read_u64le(reader);
    view->created = read_u64le(reader);
    view->password_set = read_u64le(reader);
    view->nt_hash = read_bytes(reader, sizeof(struct key16));
    uint8_t has_lm_hash = read_u8(reader);
    view->lm_hash = read_bytes(reader, has_lm_hash == 1 ? sizeof(struct key16) : 0);
    view->domain = read_text(reader);
    view->user = read_text(reader);
    view->unix_name = read_bytes(reader, read_u8(reader));
    view->digests = read_bytes(reader, read_left(reader));
    if (has_lm_hash > 1 || view->unix_name.size > ACCOUNT_UNIX_NAME_MAX) {
        reader->bad = true;
    }
}

struct value_reader {
    struct reader reader;
    unsigned left;
};

static SECURITY_STATUS value_start(struct bytes value, struct value_reader *out)
{
    struct reader reader = read_start(value);
    uint8_t version = read_u8(&reader);
    unsigned count = read_u16le(&reader);
    REQUIRE(!reader.bad, SEC_E_INTERNAL_ERROR, DAMAGED);
    REQUIRE(version == VERSION, SEC_E_INTERNAL_ERROR, "the account database is of another version of OpenSSPI");
    REQUIRE(count != 0 && count <= ACCOUNT_SAME_NAME_MAX, SEC_E_INTERNAL_ERROR, DAMAGED);
    *out = (struct value_reader){reader, count};
    return SEC_E_OK;
}

/* The next account; the last one must end where the value ends. */
static SECURITY_STATUS value_next(struct value_reader *value, struct account_view *out, struct bytes *raw)
{
    struct bytes box = read_bytes(&value->reader, read_u32le(&value->reader));
    struct reader reader = read_start(box);
    read_view(&reader, out);
    value->left--;
    REQUIRE(!value->reader.bad && !reader.bad && (value->left != 0 || read_left(&value->reader) == 0),
            SEC_E_INTERNAL_ERROR, DAMAGED);
    *raw = box;
    return SEC_E_OK;
}

SECURITY_STATUS account_view_find(struct bytes value, struct utf16 domain, struct account_view *out, bool *found)
{
    struct value_reader reader;
    struct account_view view = {0};
    struct account_view fallback = {0};
    struct bytes raw;
    bool have_fallback = false;
    TRY(value_start(value, &reader));
    *found = false;
    while (reader.left != 0) {
        TRY(value_next(&reader, &view, &raw));
        if (!*found && utf16_equal_nocase(view.domain, domain)) {
            *out = view;
            *found = true;
        }
        if (!have_fallback && (view.domain.size == 0 || domain.size == 0)) {
            fallback = view;
            have_fallback = true;
        }
    }
    if (!*found && have_fallback) {
        *out = fallback;
        *found = true;
    }
    return SEC_E_OK;
}

SECURITY_STATUS account_value_each(struct bytes value,
                                   SECURITY_STATUS (*each)(void *argument, const struct account_view *view),
                                   void *argument)
{
    struct value_reader reader;
    struct account_view view;
    struct bytes raw;
    TRY(value_start(value, &reader));
    while (reader.left != 0) {
        TRY(value_next(&reader, &view, &raw));
        TRY(each(argument, &view));
    }
    return SEC_E_OK;
}

static void read_digest(struct reader *reader, struct account_digest *out)
{
    out->algorithm = read_u8(reader);
    uint8_t kind = read_u8(reader);
    out->charset = kind & 15;
    out->form = kind >> 4;
    struct bytes realm = read_bytes(reader, read_u16le(reader));
    struct bytes hash = read_bytes(reader, read_u8(reader));
    if (realm.size > ACCOUNT_REALM_MAX || hash.size > ACCOUNT_DIGEST_SIZE_MAX || hash.size == 0) {
        reader->bad = true;
        return;
    }
    struct writer realm_writer = write_into(out->realm, ACCOUNT_REALM_MAX);
    write_bytes(&realm_writer, realm);
    struct writer hash_writer = write_into(out->hash, ACCOUNT_DIGEST_SIZE_MAX);
    write_bytes(&hash_writer, hash);
    out->hash_size = (uint8_t)hash.size;
}

static SECURITY_STATUS read_digests(struct bytes bytes, struct account_record *out)
{
    struct reader reader = read_start(bytes);
    size_t count = read_u8(&reader);
    REQUIRE(!reader.bad && count <= ACCOUNT_DIGESTS_MAX, SEC_E_INTERNAL_ERROR, DAMAGED);
    if (count != 0) {
        out->digests = calloc(count, sizeof out->digests[0]);
        REQUIRE(out->digests != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an account");
    }
    out->digest_count = count;
    for (size_t i = 0; i < count; i++) {
        read_digest(&reader, &out->digests[i]);
    }
    REQUIRE(!reader.bad && read_left(&reader) == 0, SEC_E_INTERNAL_ERROR, DAMAGED);
    return SEC_E_OK;
}

/* One hash of a view, as slices of it. */
struct digest_view {
    uint8_t algorithm, charset, form;
    struct bytes realm, hash;
};

static struct digest_view read_digest_view(struct reader *reader)
{
    struct digest_view view;
    view.algorithm = read_u8(reader);
    uint8_t kind = read_u8(reader);
    view.charset = kind & 15;
    view.form = kind >> 4;
    view.realm = read_bytes(reader, read_u16le(reader));
    view.hash = read_bytes(reader, read_u8(reader));
    return view;
}

/* Of every charset: the response tells which one the client used. */
SECURITY_STATUS account_view_digests(const struct account_view *view, struct bytes realm, uint8_t algorithm,
                                     enum account_form form, uint8_t (*out)[ACCOUNT_DIGEST_SIZE_MAX], size_t room,
                                     size_t *out_count)
{
    struct reader reader = read_start(view->digests);
    size_t left = read_u8(&reader), found = 0;
    for (; left != 0 && !reader.bad; left--) {
        struct digest_view one = read_digest_view(&reader);
        bool same =
            one.realm.size == realm.size && (realm.size == 0 || memcmp(one.realm.data, realm.data, realm.size) == 0);
        if (one.algorithm == algorithm && one.form == form && same && found < room &&
            one.hash.size <= ACCOUNT_DIGEST_SIZE_MAX) {
            struct writer writer = write_into(out[found++], ACCOUNT_DIGEST_SIZE_MAX);
            write_bytes(&writer, one.hash);
        }
    }
    REQUIRE(!reader.bad, SEC_E_INTERNAL_ERROR, DAMAGED);
    *out_count = found;
    return SEC_E_OK;
}

SECURITY_STATUS account_view_names(const struct account_view *view,
                                   SECURITY_STATUS (*each)(void *argument, uint8_t algorithm, struct bytes realm,
                                                           enum account_form form),
                                   void *argument)
{
    struct reader reader = read_start(view->digests);
    for (size_t left = read_u8(&reader); left != 0; left--) {
        struct digest_view one = read_digest_view(&reader);
        REQUIRE(!reader.bad && one.form < ACCOUNT_FORMS, SEC_E_INTERNAL_ERROR, DAMAGED);
        if (one.charset == ACCOUNT_CHARSET_UTF8) {
            TRY(each(argument, one.algorithm, one.realm, (enum account_form)one.form));
        }
    }
    REQUIRE(!reader.bad, SEC_E_INTERNAL_ERROR, DAMAGED);
    return SEC_E_OK;
}

static void copy_key(struct bytes from, struct key16 *out)
{
    struct writer writer = write_into(out->b, sizeof out->b);
    write_bytes(&writer, from);
}

SECURITY_STATUS account_record_from_view(const struct account_view *view, struct account_record *out)
{
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    record.flags = view->flags;
    record.expiry = view->expiry;
    record.password_expiry = view->password_expiry;
    record.created = view->created;
    record.password_set = view->password_set;
    record.has_lm_hash = view->lm_hash.size != 0;
    copy_key(view->nt_hash, &record.nt_hash);
    copy_key(view->lm_hash, &record.lm_hash);
    struct writer unix_name = write_into(record.unix_name, ACCOUNT_UNIX_NAME_MAX);
    write_bytes(&unix_name, view->unix_name);
    TRY(utf16_copy(view->user, &record.user));
    TRY(utf16_copy(view->domain, &record.domain));
    TRY(read_digests(view->digests, &record));
    *out = record;
    record = (struct account_record){0};
    return SEC_E_OK;
}

static void write_text(struct writer *writer, struct utf16 text)
{
    write_u16le(writer, (uint16_t)text.size);
    write_bytes(writer, utf16_bytes(text));
}

static void write_record(struct writer *writer, const struct account_record *record)
{
    write_u32le(writer, record->flags);
    write_u64le(writer, record->expiry);
    write_u64le(writer, record->password_expiry);
    write_u64le(writer, record->created);
    write_u64le(writer, record->password_set);
    write_bytes(writer, BYTES(record->nt_hash.b));
    write_u8(writer, record->has_lm_hash ? 1 : 0);
    write_bytes(writer, record->has_lm_hash ? BYTES(record->lm_hash.b) : BYTES_NONE);
    write_text(writer, record->domain);
    write_text(writer, record->user);
    write_u8(writer, (uint8_t)strlen(record->unix_name));
    write_bytes(writer, bytes_of(record->unix_name, strlen(record->unix_name)));
    write_u8(writer, (uint8_t)record->digest_count);
    for (size_t i = 0; i < record->digest_count; i++) {
        const struct account_digest *digest = &record->digests[i];
        write_u8(writer, digest->algorithm);
        write_u8(writer, (uint8_t)(digest->charset | digest->form << 4));
        write_u16le(writer, (uint16_t)strlen(digest->realm));
        write_bytes(writer, bytes_of(digest->realm, strlen(digest->realm)));
        write_u8(writer, digest->hash_size);
        write_bytes(writer, bytes_of(digest->hash, digest->hash_size));
    }
}

static SECURITY_STATUS append_record(struct writer *out, const struct account_record *record)
{
    REQUIRE(record->user.size != 0 && record->user.size <= ACCOUNT_KEY_MAX && record->domain.size <= ACCOUNT_KEY_MAX,
            SEC_E_INVALID_PARAMETER, "an account's user name is empty, or a name is longer than 255 characters");
    REQUIRE(record->digest_count <= ACCOUNT_DIGESTS_MAX, SEC_E_INVALID_PARAMETER,
            "an account has more Digest hashes than there is room for");
    AUTO_WRITER body = write_growing(64 * 1024);
    write_record(&body, record);
    TRY(write_end(&body));
    write_u32le(out, (uint32_t)body.size);
    write_bytes(out, write_result(&body));
    return SEC_E_OK;
}

/* The accounts of `old` that are not of `domain`, appended as they are. */
static SECURITY_STATUS append_others(struct writer *out, struct bytes old, struct utf16 domain, unsigned *count,
                                     bool *found)
{
    struct value_reader reader;
    struct account_view view;
    struct bytes raw;
    TRY(value_start(old, &reader));
    while (reader.left != 0) {
        TRY(value_next(&reader, &view, &raw));
        if (utf16_equal_nocase(view.domain, domain)) {
            *found = true;
        } else {
            write_u32le(out, (uint32_t)raw.size);
            write_bytes(out, raw);
            (*count)++;
        }
    }
    return SEC_E_OK;
}

SECURITY_STATUS account_value_change(struct bytes old, struct utf16 domain, const struct account_record *record,
                                     struct writer *out, bool *found)
{
    AUTO_WRITER accounts = write_growing(8 * 1024 * 1024);
    unsigned count = 0;
    *found = false;
    if (record != NULL && record->domain.size == 0) { /* first, so that it is what a logon without a domain finds */
        TRY(append_record(&accounts, record));
        count++;
    }
    if (old.size != 0) {
        TRY(append_others(&accounts, old, domain, &count, found));
    }
    if (record != NULL && record->domain.size != 0) {
        TRY(append_record(&accounts, record));
        count++;
    }
    REQUIRE(count <= ACCOUNT_SAME_NAME_MAX, SEC_E_INVALID_PARAMETER, "too many accounts of one user name");
    TRY(write_end(&accounts));
    if (count == 0) {
        return SEC_E_OK;
    }
    write_u8(out, VERSION);
    write_u16le(out, (uint16_t)count);
    write_bytes(out, write_result(&accounts));
    return write_end(out);
}
