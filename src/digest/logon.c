#include "digest/logon.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "text/names.h"
#include "wire/writer.h"

#define DENIED "the user name or the password is wrong, or the account may not log on (RFC 7616 3.4.6)"

static void account_wipe(struct digest_account *account)
{
    secret_wipe(account, sizeof *account);
}

/* UTF-8, as charset=utf-8 asks for; else ISO 8859-1, which whoever ignores that uses (RFC 2831 2.1.2.1). */
static SECURITY_STATUS name_of(struct bytes name, struct utf16 *out)
{
    SECURITY_STATUS status = utf16_from_utf8(name, out);
    if (status != SEC_E_INVALID_TOKEN) {
        return status;
    }
    status_begin(); /* that was a question */
    AUTO_WRITER wide = write_growing(2 * name.size);
    for (size_t i = 0; i < name.size; i++) {
        write_u16le(&wide, name.data[i]);
    }
    TRY(write_end(&wide));
    out->size = wide.size;
    out->data = write_take(&wide);
    return SEC_E_OK;
}

/* Every hash is tried, whichever fits. */
static bool proven(const struct digest_logon *logon, const struct digest_account *account, struct digest_value *out_key)
{
    bool found = false;
    for (size_t i = 0; i < account->count; i++) {
        AUTO_DIGEST_VALUE secret, key;
        struct digest_text expected;
        memcpy(secret.b, account->hashes[i], sizeof secret.b);
        digest_session_key(logon->question, &secret, &key);
        digest_response(logon->question, &key, &expected);
        if (digest_text_equal(&expected, logon->response)) {
            *out_key = key;
            found = true;
        }
    }
    return found;
}

/* ---------------------------------------------------------------- the caller's accounts */

static void answer_wipe(SSPI_EXT_DIGEST_ANSWER *answer)
{
    secret_wipe(answer, sizeof *answer);
}

/* The hash of nobody, which a response is compared with where there is no account. */
static SECURITY_STATUS take_decoy(struct digest_account *out)
{
    AUTO_KEY16 hash;
    TRY(accounts_decoy(&hash));
    struct writer writer = write_into(out->hashes[0], sizeof out->hashes[0]);
    write_bytes(&writer, BYTES(hash.b));
    write_bytes(&writer, BYTES(hash.b));
    out->count = 1;
    return SEC_E_OK;
}

static SECURITY_STATUS ask_caller(const struct digest_logon *logon, struct utf16 user, struct digest_account *out)
{
    AUTO_UTF16 realm = UTF16_NONE;
    AUTO(answer_wipe) SSPI_EXT_DIGEST_ANSWER answer = {.Size = sizeof answer};
    TRY(name_of(logon->realm, &realm));
    const SSPI_EXT_DIGEST_QUESTION question = {
        .Size = sizeof question,
        .User = (const WCHAR *)(const void *)user.data,
        .UserLength = (ULONG)utf16_length(user),
        .Realm = (const WCHAR *)(const void *)realm.data,
        .RealmLength = (ULONG)utf16_length(realm),
        .Algorithm = (ULONG)logon->question->algorithm.hash,
        .UserIsHashed = logon->hashed,
    };
    *out = (struct digest_account){.state = ACCOUNT_UNKNOWN};
    SECURITY_STATUS status = logon->lookup.lookup(logon->lookup.argument, &question, &answer);
    REQUIRE(status != SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "the caller's lookup could not decide (SspiExtSetDigestLookup)");
    if (status != SEC_E_OK) {
        return take_decoy(out);
    }
    struct writer writer = write_into(out->hashes[0], sizeof out->hashes[0]);
    write_bytes(&writer, bytes_of(answer.Hash, digest_hash_size(logon->question->algorithm.hash)));
    out->count = 1;
    out->state = ACCOUNT_GOOD;
    answer.User[sizeof answer.User / sizeof answer.User[0] - 1] = 0;
    struct utf16 own = utf16_from_wide((const uint16_t *)answer.User);
    struct account_name split = names_split(own.size != 0 ? own : user, UTF16_NONE);
    return canonical_name_set(&out->name, split.user, split.domain);
}

/* ---------------------------------------------------------------- the verdict */

/* The name that a client sent, or the one whose hash it sent. */
static SECURITY_STATUS name_of_client(struct accounts *accounts, const struct digest_logon *logon,
                                      struct bytes username, struct utf16 *out)
{
    uint8_t raw[DIGEST_HASH_MAX];
    size_t size = 0;
    if (!logon->hashed || accounts == NULL) {
        return name_of(username, out);
    }
    if (!digest_unhex(username, raw, sizeof raw, &size)) {
        size = 0; /* nobody's */
    }
    return accounts->named_by_hash(accounts, bytes_of(raw, size), logon->realm,
                                   (uint8_t)logon->question->algorithm.hash, out);
}

/* `accounts` NULL: the caller's. */
static SECURITY_STATUS try_name(struct accounts *accounts, const struct digest_logon *logon, struct bytes username,
                                struct digest_verdict *out)
{
    AUTO_UTF16 user = UTF16_NONE;
    AUTO(account_wipe) struct digest_account account = {.state = ACCOUNT_UNKNOWN};
    TRY(name_of_client(accounts, logon, username, &user));
    REQUIRE(utf16_length(user) <= ACCOUNT_NAME_MAX, SEC_E_LOGON_DENIED, DENIED);
    if (accounts == NULL) {
        TRY(ask_caller(logon, user, &account));
    } else {
        TRY(accounts->known_digest(accounts, user, logon->realm, (uint8_t)logon->question->algorithm.hash, &account));
    }
    AUTO_DIGEST_VALUE key = {{0}};
    bool right = proven(logon, &account, &key);
    bool good = right && account.state == ACCOUNT_GOOD;
    if (accounts != NULL && accounts->outcome != NULL) {
        accounts->outcome(accounts, user, UTF16_NONE, good);
    }
    REQUIRE(good, SEC_E_LOGON_DENIED, DENIED);
    out->session_key = key;
    out->name = account.name;
    memcpy(out->unix_name, account.unix_name, sizeof out->unix_name);
    return SEC_E_OK;
}

static SECURITY_STATUS find_accounts(const struct digest_logon *logon, struct accounts **out)
{
    *out = NULL;
    if (logon->lookup.lookup != NULL) {
        return SEC_E_OK;
    }
    TRY(accounts_default(out));
    REQUIRE((*out)->known_digest != NULL, SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "winbind verifies no Digest: backend = lmdb or file does (sspi.conf(5)), or SspiExtSetDigestLookup");
    return SEC_E_OK;
}

SECURITY_STATUS digest_logon(const struct digest_logon *logon, struct digest_verdict *out)
{
    struct accounts *accounts;
    TRY(find_accounts(logon, &accounts));
    SECURITY_STATUS status = try_name(accounts, logon, logon->username, out);
    struct bytes other = logon->username_as_sent;
    if (status == SEC_E_LOGON_DENIED && !logon->hashed && other.size != logon->username.size && other.size != 0) {
        status_begin();
        status = try_name(accounts, logon, other, out);
    }
    TRACE("Digest logon by %s: %s", accounts != NULL ? accounts->name : "the caller",
          status < 0 ? "refused" : "accepted");
    return status;
}
