/* What is kept of a password: one-way functions of it. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/md.h"
#include "crypto/sha2.h"
#include "logon/account_record.h"

/* Text in one of the two encodings that Digest hashes, wiped when its scope ends. */
struct encoded {
    struct secret memory;
};

static void encoded_free(struct encoded *encoded)
{
    secret_free(&encoded->memory);
}

#define AUTO_ENCODED __attribute__((cleanup(encoded_free))) struct encoded

static SECURITY_STATUS encode_utf8(struct utf16 text, struct encoded *out)
{
    TRY(secret_alloc(&out->memory, utf16_utf8_size(text)));
    if (out->memory.size != 0) {
        utf16_utf8_write(text, (char *)out->memory.data);
    }
    return SEC_E_OK;
}

static bool fits_latin1(struct utf16 text, bool *beyond_ascii)
{
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = utf16_unit(text, i);
        if (unit > 0xFF) {
            return false;
        }
        *beyond_ascii = *beyond_ascii || unit > 0x7F;
    }
    return true;
}

static SECURITY_STATUS encode_latin1(struct utf16 text, struct encoded *out)
{
    TRY(secret_alloc(&out->memory, utf16_length(text)));
    for (size_t i = 0; i < utf16_length(text); i++) {
        out->memory.data[i] = (uint8_t)utf16_unit(text, i);
    }
    return SEC_E_OK;
}

static void hash_one(uint8_t algorithm, const struct bytes parts[5], struct account_digest *out)
{
    out->algorithm = algorithm;
    if (algorithm == ACCOUNT_DIGEST_MD5) {
        AUTO_KEY16 hash;
        md5(parts, 5, &hash);
        struct writer writer = write_into(out->hash, sizeof out->hash);
        write_bytes(&writer, BYTES(hash.b));
        out->hash_size = sizeof hash.b;
    } else if (algorithm == ACCOUNT_DIGEST_SHA256) {
        sha256(parts, 5, out->hash);
        out->hash_size = SHA2_256_SIZE;
    } else {
        sha512_256(parts, 5, out->hash);
        out->hash_size = SHA2_256_SIZE;
    }
}

/* A list under construction. */
struct digests {
    struct account_digest *at;
    size_t count;
};

static void digests_free(struct digests *digests)
{
    if (digests->at != NULL) {
        secret_wipe(digests->at, ACCOUNT_DIGESTS_MAX * sizeof digests->at[0]);
        free(digests->at);
    }
}

static SECURITY_STATUS add_digest(struct digests *digests, uint8_t algorithm, uint8_t charset, struct bytes user,
                                  struct bytes realm, struct bytes password, const char *realm_utf8)
{
    static const uint8_t colon[1] = {':'};
    REQUIRE(digests->count < ACCOUNT_DIGESTS_MAX, SEC_E_INVALID_PARAMETER, "too many realms for one account");
    struct account_digest *out = &digests->at[digests->count];
    const struct bytes parts[5] = {user, BYTES(colon), realm, BYTES(colon), password};
    struct writer writer = write_into(out->realm, ACCOUNT_REALM_MAX);
    write_bytes(&writer, bytes_of(realm_utf8, strlen(realm_utf8)));
    TRY(write_end(&writer));
    out->charset = charset;
    hash_one(algorithm, parts, out);
    digests->count++;
    return SEC_E_OK;
}

static SECURITY_STATUS add_latin1(struct digests *digests, struct utf16 user, struct utf16 realm, struct utf16 password,
                                  const char *realm_utf8)
{
    bool beyond_ascii = false;
    if (!fits_latin1(user, &beyond_ascii) || !fits_latin1(realm, &beyond_ascii) ||
        !fits_latin1(password, &beyond_ascii) || !beyond_ascii) {
        return SEC_E_OK;
    }
    AUTO_ENCODED user_bytes = {0};
    AUTO_ENCODED realm_bytes = {0};
    AUTO_ENCODED password_bytes = {0};
    TRY(encode_latin1(user, &user_bytes));
    TRY(encode_latin1(realm, &realm_bytes));
    TRY(encode_latin1(password, &password_bytes));
    return add_digest(digests, ACCOUNT_DIGEST_MD5, ACCOUNT_CHARSET_LATIN1, secret_bytes(&user_bytes.memory),
                      secret_bytes(&realm_bytes.memory), secret_bytes(&password_bytes.memory), realm_utf8);
}

static SECURITY_STATUS add_realm(struct digests *digests, struct utf16 user, struct utf16 password,
                                 const char *realm_utf8)
{
    AUTO_UTF16 realm = UTF16_NONE;
    AUTO_ENCODED user_bytes = {0};
    AUTO_ENCODED password_bytes = {0};
    struct bytes realm_bytes = bytes_of(realm_utf8, strlen(realm_utf8));
    REQUIRE(realm_bytes.size <= ACCOUNT_REALM_MAX, SEC_E_INVALID_PARAMETER, "a realm is longer than 255 bytes");
    TRY(utf16_from_utf8(realm_bytes, &realm));
    TRY(encode_utf8(user, &user_bytes));
    TRY(encode_utf8(password, &password_bytes));
    for (int algorithm = ACCOUNT_DIGEST_MD5; algorithm <= ACCOUNT_DIGEST_SHA512_256; algorithm++) {
        TRY(add_digest(digests, (uint8_t)algorithm, ACCOUNT_CHARSET_UTF8, secret_bytes(&user_bytes.memory), realm_bytes,
                       secret_bytes(&password_bytes.memory), realm_utf8));
    }
    return add_latin1(digests, user, realm, password, realm_utf8);
}

SECURITY_STATUS account_record_set_password(struct account_record *record, struct utf16 password,
                                            const char *const *realms, size_t realm_count)
{
    __attribute__((cleanup(digests_free))) struct digests digests = {0};
    if (realm_count != 0) {
        digests.at = calloc(ACCOUNT_DIGESTS_MAX, sizeof digests.at[0]);
        REQUIRE(digests.at != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an account");
    }
    for (size_t i = 0; i < realm_count; i++) {
        TRY(add_realm(&digests, record->user, password, realms[i]));
    }
    if (record->digests != NULL) {
        secret_wipe(record->digests, record->digest_count * sizeof record->digests[0]);
        free(record->digests);
    }
    record->digests = STEAL(digests.at);
    record->digest_count = digests.count;
    md4(utf16_bytes(password), &record->nt_hash); /* NTOWFv1 (MS-NLMP 3.3.1) */
    record->has_lm_hash = false;                  /* an old LM hash would still open the account */
    key16_wipe(&record->lm_hash);
    return SEC_E_OK;
}
