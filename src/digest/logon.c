#include "digest/logon.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
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

static SECURITY_STATUS try_name(struct accounts *accounts, const struct digest_logon *logon, struct bytes username,
                                struct digest_verdict *out)
{
    AUTO_UTF16 user = UTF16_NONE;
    AUTO(account_wipe) struct digest_account account = {.state = ACCOUNT_UNKNOWN};
    TRY(name_of(username, &user));
    REQUIRE(utf16_length(user) <= ACCOUNT_NAME_MAX, SEC_E_LOGON_DENIED, DENIED);
    TRY(accounts->known_digest(accounts, user, UTF16_NONE, logon->realm, (uint8_t)logon->question->algorithm.hash,
                               &account));
    AUTO_DIGEST_VALUE key = {{0}};
    bool right = proven(logon, &account, &key);
    bool good = right && account.state == ACCOUNT_GOOD;
    if (accounts->outcome != NULL) {
        accounts->outcome(accounts, user, UTF16_NONE, good);
    }
    REQUIRE(good, SEC_E_LOGON_DENIED, DENIED);
    out->session_key = key;
    out->name = account.name;
    memcpy(out->unix_name, account.unix_name, sizeof out->unix_name);
    return SEC_E_OK;
}

SECURITY_STATUS digest_logon(const struct digest_logon *logon, struct digest_verdict *out)
{
    struct accounts *accounts;
    TRY(accounts_default(&accounts));
    REQUIRE(accounts->known_digest != NULL, SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "the configured accounts keep no hashes for Digest: backend = lmdb does (sspi.conf(5))");
    SECURITY_STATUS status = try_name(accounts, logon, logon->username, out);
    struct bytes other = logon->username_as_sent;
    if (status == SEC_E_LOGON_DENIED && other.size != logon->username.size && other.size != 0) {
        status_begin();
        status = try_name(accounts, logon, other, out);
    }
    TRACE("Digest logon by %s: %s", accounts->name, status < 0 ? "refused" : "accepted");
    return status;
}
