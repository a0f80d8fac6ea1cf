#include "logon/account_digest.h"

#include "base/auto.h"
#include "base/secret.h"
#include "crypto/md.h"
#include "crypto/sha2.h"
#include "text/names.h"
#include "wire/writer.h"

static const uint8_t colon[1] = {':'};

/* ---------------------------------------------------------------- forms of a name */

enum account_form account_form_of(struct utf16 name)
{
    if (names_split(name, UTF16_NONE).domain.size != 0) {
        return ACCOUNT_FORM_DOWN_LEVEL;
    }
    return names_split_upn(name, UTF16_NONE).domain.size != 0 ? ACCOUNT_FORM_UPN : ACCOUNT_FORM_PLAIN;
}

SECURITY_STATUS account_form_write(struct utf16 user, struct utf16 domain, enum account_form form, struct utf16 *out)
{
    AUTO_WRITER writer = write_growing(user.size + domain.size + 2);
    if (form == ACCOUNT_FORM_DOWN_LEVEL) {
        write_bytes(&writer, utf16_bytes(domain));
        write_u16le(&writer, '\\');
    }
    write_bytes(&writer, utf16_bytes(user));
    if (form == ACCOUNT_FORM_UPN) {
        write_u16le(&writer, '@');
        write_bytes(&writer, utf16_bytes(domain));
    }
    TRY(write_end(&writer));
    out->size = writer.size;
    out->data = write_take(&writer);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- encodings */

static SECURITY_STATUS encode_utf8(struct utf16 text, struct secret *out)
{
    TRY(secret_alloc(out, utf16_utf8_size(text)));
    if (out->size != 0) {
        utf16_utf8_write(text, (char *)out->data);
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

static SECURITY_STATUS encode_latin1(struct utf16 text, struct secret *out)
{
    TRY(secret_alloc(out, utf16_length(text)));
    for (size_t i = 0; i < utf16_length(text); i++) {
        out->data[i] = (uint8_t)utf16_unit(text, i);
    }
    return SEC_E_OK;
}

static SECURITY_STATUS encode(uint8_t charset, struct utf16 text, struct secret *out)
{
    return charset == ACCOUNT_CHARSET_LATIN1 ? encode_latin1(text, out) : encode_utf8(text, out);
}

/* ---------------------------------------------------------------- hashes */

size_t account_digest_size(uint8_t algorithm)
{
    return algorithm == ACCOUNT_DIGEST_MD5 ? sizeof(struct key16) : SHA2_256_SIZE;
}

void account_digest_hash(uint8_t algorithm, const struct bytes *parts, size_t count,
                         uint8_t out[ACCOUNT_DIGEST_SIZE_MAX])
{
    if (algorithm == ACCOUNT_DIGEST_SHA256) {
        sha256(parts, count, out);
    } else if (algorithm == ACCOUNT_DIGEST_SHA512_256) {
        sha512_256(parts, count, out);
    } else {
        static const uint8_t zeroes[ACCOUNT_DIGEST_SIZE_MAX - sizeof(struct key16)];
        AUTO_KEY16 hash;
        struct writer writer = write_into(out, ACCOUNT_DIGEST_SIZE_MAX);
        md5(parts, count, &hash);
        write_bytes(&writer, BYTES(hash.b));
        write_bytes(&writer, BYTES(zeroes));
    }
}

SECURITY_STATUS account_digest_secret(uint8_t algorithm, uint8_t charset, struct utf16 name, struct utf16 realm,
                                      struct utf16 password, uint8_t out[ACCOUNT_DIGEST_SIZE_MAX], bool *made)
{
    bool beyond_ascii = false;
    bool fits =
        fits_latin1(name, &beyond_ascii) && fits_latin1(realm, &beyond_ascii) && fits_latin1(password, &beyond_ascii);
    *made = charset == ACCOUNT_CHARSET_UTF8 || (fits && beyond_ascii);
    if (!*made) {
        return SEC_E_OK;
    }
    AUTO_SECRET name_bytes = {0};
    AUTO_SECRET realm_bytes = {0};
    AUTO_SECRET password_bytes = {0};
    TRY(encode(charset, name, &name_bytes));
    TRY(encode(charset, realm, &realm_bytes));
    TRY(encode(charset, password, &password_bytes));
    const struct bytes parts[] = {secret_bytes(&name_bytes), BYTES(colon), secret_bytes(&realm_bytes), BYTES(colon),
                                  secret_bytes(&password_bytes)};
    account_digest_hash(algorithm, parts, 5, out);
    return SEC_E_OK;
}

SECURITY_STATUS account_digest_name(uint8_t algorithm, struct utf16 name, struct bytes realm,
                                    uint8_t out[ACCOUNT_DIGEST_SIZE_MAX])
{
    AUTO_SECRET name_bytes = {0};
    TRY(encode_utf8(name, &name_bytes));
    const struct bytes parts[] = {secret_bytes(&name_bytes), BYTES(colon), realm};
    account_digest_hash(algorithm, parts, 3, out);
    return SEC_E_OK;
}
