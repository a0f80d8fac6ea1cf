/* What is kept of a password: one-way functions of it. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/md.h"
#include "logon/account_record.h"

/* A list under construction. */
struct digests {
    struct account_digest *at;
    size_t count;
};

static void digests_free(struct digests *digests)
{
    if (digests->at != NULL) {
        secret_wipe(digests->at, (ACCOUNT_DIGESTS_MAX + 1) * sizeof digests->at[0]);
        free(digests->at);
    }
}

/* What all hashes of one realm and one form of the name are made of. */
struct ingredients {
    struct utf16 name, realm, password;
    const char *realm_utf8;
    enum account_form form;
};

static SECURITY_STATUS add_digest(struct digests *digests, uint8_t algorithm, uint8_t charset,
                                  const struct ingredients *from)
{
    struct account_digest *out = &digests->at[digests->count];
    struct writer writer = write_into(out->realm, ACCOUNT_REALM_MAX);
    bool made = false;
    TRY(account_digest_secret(algorithm, charset, from->name, from->realm, from->password, out->hash, &made));
    REQUIRE(!made || digests->count < ACCOUNT_DIGESTS_MAX, SEC_E_INVALID_PARAMETER, "too many realms for one account");
    write_bytes(&writer, bytes_of(from->realm_utf8, strlen(from->realm_utf8)));
    TRY(write_end(&writer));
    out->algorithm = algorithm;
    out->charset = charset;
    out->form = (uint8_t)from->form;
    out->hash_size = (uint8_t)account_digest_size(algorithm);
    digests->count += made;
    return SEC_E_OK;
}

static SECURITY_STATUS add_form(struct digests *digests, const struct account_record *record, enum account_form form,
                                struct ingredients *from)
{
    AUTO_UTF16 name = UTF16_NONE;
    TRY(account_form_write(record->user, record->domain, form, &name));
    from->name = name;
    from->form = form;
    for (int algorithm = ACCOUNT_DIGEST_MD5; algorithm <= ACCOUNT_DIGEST_SHA512_256; algorithm++) {
        TRY(add_digest(digests, (uint8_t)algorithm, ACCOUNT_CHARSET_UTF8, from));
    }
    return add_digest(digests, ACCOUNT_DIGEST_MD5, ACCOUNT_CHARSET_LATIN1, from);
}

static SECURITY_STATUS add_realm(struct digests *digests, const struct account_record *record, struct utf16 password,
                                 const char *realm_utf8)
{
    AUTO_UTF16 realm = UTF16_NONE;
    struct bytes realm_bytes = bytes_of(realm_utf8, strlen(realm_utf8));
    REQUIRE(realm_bytes.size <= ACCOUNT_REALM_MAX, SEC_E_INVALID_PARAMETER, "a realm is longer than 255 bytes");
    TRY(utf16_from_utf8(realm_bytes, &realm));
    struct ingredients from = {.realm = realm, .password = password, .realm_utf8 = realm_utf8};
    TRY(add_form(digests, record, ACCOUNT_FORM_PLAIN, &from));
    if (record->domain.size != 0) {
        TRY(add_form(digests, record, ACCOUNT_FORM_DOWN_LEVEL, &from));
        TRY(add_form(digests, record, ACCOUNT_FORM_UPN, &from));
    }
    return SEC_E_OK;
}

SECURITY_STATUS account_record_set_password(struct account_record *record, struct utf16 password,
                                            const char *const *realms, size_t realm_count)
{
    __attribute__((cleanup(digests_free))) struct digests digests = {0};
    if (realm_count != 0) {
        digests.at = calloc(ACCOUNT_DIGESTS_MAX + 1, sizeof digests.at[0]); /* and one that is made to be refused */
        REQUIRE(digests.at != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an account");
    }
    for (size_t i = 0; i < realm_count; i++) {
        TRY(add_realm(&digests, record, password, realms[i]));
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
