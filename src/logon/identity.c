#include "logon/identity.h"

#include <string.h>

#include "logon/identity_layout.h"
#include "logon/identity_protect.h"
#include "sspi_ext.h"

#define NT_HASH_DIGITS 32

static int hex_digit(uint16_t unit)
{
    if (unit >= '0' && unit <= '9') {
        return unit - '0';
    }
    unit |= 0x20;
    return unit >= 'a' && unit <= 'f' ? unit - 'a' + 10 : -1;
}

/* 32 hexadecimal digits in the password's place. */
static SECURITY_STATUS take_hash(struct utf16 digits, struct key16 *out)
{
    AUTO_KEY16 hash;
    REQUIRE(utf16_length(digits) == NT_HASH_DIGITS, SEC_E_INVALID_TOKEN, "an NT hash is not 32 hexadecimal digits");
    for (size_t i = 0; i < sizeof hash.b; i++) {
        int high = hex_digit(utf16_unit(digits, 2 * i));
        int low = hex_digit(utf16_unit(digits, 2 * i + 1));
        REQUIRE(high >= 0 && low >= 0, SEC_E_INVALID_TOKEN, "an NT hash is not 32 hexadecimal digits");
        hash.b[i] = (uint8_t)(high << 4 | low);
    }
    *out = hash;
    return SEC_E_OK;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#-";

static int marshaled_digit(uint16_t unit)
{
    const char *at = unit != 0 && unit < 0x80 ? strchr(digits, (int)unit) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* CredMarshalCredential's CertCredential: "@@B" and the certificate's SHA-1, six bits in each character, the lowest first. */
static bool take_certificate(struct utf16 user, uint8_t out[20])
{
    uint8_t hash[20] = {0};
    if (utf16_length(user) != 3 + 27 || utf16_unit(user, 0) != '@' || utf16_unit(user, 1) != '@' ||
        utf16_unit(user, 2) != 'B') {
        return false;
    }
    for (size_t i = 0; i < 27; i++) {
        int digit = marshaled_digit(utf16_unit(user, 3 + i));
        size_t bit = 6 * i;
        if (digit < 0 || (i == 26 && digit > 15)) { /* the last one has four bits */
            return false;
        }
        hash[bit / 8] |= (uint8_t)(digit << bit % 8);
        if (bit % 8 > 2 && bit / 8 + 1 < sizeof hash) {
            hash[bit / 8 + 1] |= (uint8_t)(digit >> (8 - bit % 8));
        }
    }
    memcpy(out, hash, sizeof hash);
    return true;
}

void identity_write_certificate(const uint8_t hash[20], struct writer *out)
{
    write_u16le(out, '@');
    write_u16le(out, '@');
    write_u16le(out, 'B');
    for (size_t bit = 0; bit < 160; bit += 6) {
        unsigned next = bit / 8 + 1 < 20 ? hash[bit / 8 + 1] : 0;
        unsigned window = hash[bit / 8] | next << 8;
        write_u16le(out, (uint16_t)digits[window >> bit % 8 & 63]);
    }
}

/* The secret in the clear, still as it stands in the identity. */
static SECURITY_STATUS clear_secret(const struct identity_layout *layout, struct secret *out)
{
    AUTO_SECRET secret = {0};
    TRY(secret_copy(&secret, layout->secret));
    if ((layout->flags & IDENTITY_ENCRYPTED) != 0 && secret.size != 0) {
        TRY(identity_unprotect(layout, secret.data));
    }
    *out = secret;
    secret = (struct secret){0};
    return SEC_E_OK;
}

static SECURITY_STATUS take_password(const struct identity_layout *layout, struct identity *out)
{
    AUTO_SECRET secret = {0};
    TRY(clear_secret(layout, &secret));
    out->has_password = layout->secret.data != NULL;
    struct bytes password = secret_bytes(&secret);
    if (layout->version == SEC_WINNT_AUTH_IDENTITY_VERSION_2 && out->has_password) {
        TRY(identity_packed_password(password, &password));
    }
    AUTO_UTF16 text = UTF16_NONE;
    TRY(identity_member(layout, password, &text));
    if ((layout->flags & SSPI_AUTH_IDENTITY_NT_HASH) != 0) {
        TRY(take_hash(text, &out->nt_hash));
        out->has_nt_hash = true;
        return SEC_E_OK;
    }
    return secret_copy(&out->password, utf16_bytes(text));
}

static SECURITY_STATUS parse(const struct identity_layout *layout, struct identity *out)
{
    AUTO_IDENTITY found = {
        .flags = layout->flags, .has_user = layout->user.data != NULL, .has_domain = layout->domain.data != NULL};
    TRY(identity_member(layout, layout->user, &found.user));
    TRY(identity_member(layout, layout->domain, &found.domain));
    TRY(identity_member(layout, layout->package_list, &found.package_list));
    TRY(take_password(layout, &found));
    found.has_certificate = take_certificate(found.user, found.certificate);
    *out = found;
    found = (struct identity){0};
    return SEC_E_OK;
}

SECURITY_STATUS identity_parse(const void *auth_data, struct identity *out)
{
    struct identity_layout layout;
    SECURITY_STATUS status = identity_layout(auth_data, &layout);
    if (status == SEC_E_INVALID_TOKEN) {
        return SEC_E_UNKNOWN_CREDENTIALS; /* AcquireCredentialsHandle has this one for a structure it cannot make out */
    }
    TRY(status);
    return parse(&layout, out);
}

void identity_free(struct identity *identity)
{
    utf16_free(&identity->user);
    utf16_free(&identity->domain);
    utf16_free(&identity->package_list);
    secret_free(&identity->password);
    key16_wipe(&identity->nt_hash);
    *identity = (struct identity){0};
}
