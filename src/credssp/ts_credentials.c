#include "credssp/ts_credentials.h"

#include <openssl/asn1t.h>
#include <openssl/safestack.h>

#include "base/secret.h"
#include "crypto/openssl_errors.h"

/* ---------------------------------------------------------------- the ASN.1 of MS-CSSP 2.2.1.2 */

/* The formatter takes a template's macros for something else. */
/* clang-format off */

typedef struct {
    ASN1_INTEGER *type;
    ASN1_OCTET_STRING *credentials;
} TS_CREDENTIALS;

ASN1_SEQUENCE(TS_CREDENTIALS) = {
    ASN1_EXP(TS_CREDENTIALS, type, ASN1_INTEGER, 0),
    ASN1_EXP(TS_CREDENTIALS, credentials, ASN1_OCTET_STRING, 1),
} static_ASN1_SEQUENCE_END(TS_CREDENTIALS)

typedef struct {
    ASN1_OCTET_STRING *domain;
    ASN1_OCTET_STRING *user;
    ASN1_OCTET_STRING *password;
} TS_PASSWORD_CREDS;

ASN1_SEQUENCE(TS_PASSWORD_CREDS) = {
    ASN1_EXP(TS_PASSWORD_CREDS, domain, ASN1_OCTET_STRING, 0),
    ASN1_EXP(TS_PASSWORD_CREDS, user, ASN1_OCTET_STRING, 1),
    ASN1_EXP(TS_PASSWORD_CREDS, password, ASN1_OCTET_STRING, 2),
} static_ASN1_SEQUENCE_END(TS_PASSWORD_CREDS)

typedef struct {
    ASN1_INTEGER *key_spec;
    ASN1_OCTET_STRING *card;
    ASN1_OCTET_STRING *reader;
    ASN1_OCTET_STRING *container;
    ASN1_OCTET_STRING *csp;
} TS_CSP_DATA;

ASN1_SEQUENCE(TS_CSP_DATA) = {
    ASN1_EXP(TS_CSP_DATA, key_spec, ASN1_INTEGER, 0),
    ASN1_EXP_OPT(TS_CSP_DATA, card, ASN1_OCTET_STRING, 1),
    ASN1_EXP_OPT(TS_CSP_DATA, reader, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(TS_CSP_DATA, container, ASN1_OCTET_STRING, 3),
    ASN1_EXP_OPT(TS_CSP_DATA, csp, ASN1_OCTET_STRING, 4),
} static_ASN1_SEQUENCE_END(TS_CSP_DATA)

typedef struct {
    ASN1_OCTET_STRING *pin;
    TS_CSP_DATA *csp;
    ASN1_OCTET_STRING *user;
    ASN1_OCTET_STRING *domain;
} TS_SMART_CARD_CREDS;

ASN1_SEQUENCE(TS_SMART_CARD_CREDS) = {
    ASN1_EXP(TS_SMART_CARD_CREDS, pin, ASN1_OCTET_STRING, 0),
    ASN1_EXP(TS_SMART_CARD_CREDS, csp, TS_CSP_DATA, 1),
    ASN1_EXP_OPT(TS_SMART_CARD_CREDS, user, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(TS_SMART_CARD_CREDS, domain, ASN1_OCTET_STRING, 3),
} static_ASN1_SEQUENCE_END(TS_SMART_CARD_CREDS)

typedef struct {
    ASN1_OCTET_STRING *package;
    ASN1_OCTET_STRING *buffer;
} TS_GUARD_CRED;

ASN1_SEQUENCE(TS_GUARD_CRED) = {
    ASN1_EXP(TS_GUARD_CRED, package, ASN1_OCTET_STRING, 0),
    ASN1_EXP(TS_GUARD_CRED, buffer, ASN1_OCTET_STRING, 1),
} static_ASN1_SEQUENCE_END(TS_GUARD_CRED)

DEFINE_STACK_OF(TS_GUARD_CRED)

typedef struct {
    TS_GUARD_CRED *logon;
    STACK_OF(TS_GUARD_CRED) *supplemental;
} TS_GUARD_CREDS;

ASN1_SEQUENCE(TS_GUARD_CREDS) = {
    ASN1_EXP(TS_GUARD_CREDS, logon, TS_GUARD_CRED, 0),
    ASN1_EXP_SEQUENCE_OF_OPT(TS_GUARD_CREDS, supplemental, TS_GUARD_CRED, 1),
} static_ASN1_SEQUENCE_END(TS_GUARD_CREDS)

    /* clang-format on */

    static const ASN1_ITEM
    * inner_item(enum ts_credentials_type type)
{
    switch (type) {
    case TS_PASSWORD:
        return ASN1_ITEM_rptr(TS_PASSWORD_CREDS);
    case TS_SMART_CARD:
        return ASN1_ITEM_rptr(TS_SMART_CARD_CREDS);
    default:
        return ASN1_ITEM_rptr(TS_GUARD_CREDS);
    }
}

/* ---------------------------------------------------------------- in */

/* An absent member gives data NULL, an empty one does not. */
static struct bytes slice(const ASN1_STRING *string)
{
    if (string == NULL) {
        return BYTES_NONE;
    }
    const unsigned char *data = ASN1_STRING_get0_data(string);
    return bytes_of(data != NULL ? data : (const unsigned char *)"", (size_t)ASN1_STRING_length(string));
}

static struct utf16 text(const ASN1_STRING *string, bool *bad)
{
    struct bytes bytes = slice(string);
    *bad = *bad || bytes.size % 2 != 0;
    return utf16_of(bytes);
}

static SECURITY_STATUS take_password(const TS_PASSWORD_CREDS *creds, struct ts_password *out)
{
    bool bad = false;
    *out = (struct ts_password){
        .domain = text(creds->domain, &bad), .user = text(creds->user, &bad), .password = text(creds->password, &bad)};
    REQUIRE(!bad, SEC_E_INVALID_TOKEN, "TSPasswordCreds: a text of an odd number of bytes (MS-CSSP 2.2.1.2.1)");
    return SEC_E_OK;
}

static SECURITY_STATUS take_smart_card(const TS_SMART_CARD_CREDS *creds, struct ts_smart_card *out)
{
    bool bad = false;
    int64_t key_spec = 0;
    REQUIRE(ASN1_INTEGER_get_int64(&key_spec, creds->csp->key_spec) == 1 && key_spec >= 0 && key_spec <= UINT32_MAX,
            SEC_E_INVALID_TOKEN, "TSCspDataDetail: keySpec is not 32 bits (MS-CSSP 2.2.1.2.2.1)");
    *out = (struct ts_smart_card){
        .pin = text(creds->pin, &bad),
        .key_spec = (uint32_t)key_spec,
        .card = text(creds->csp->card, &bad),
        .reader = text(creds->csp->reader, &bad),
        .container = text(creds->csp->container, &bad),
        .csp = text(creds->csp->csp, &bad),
        .user = text(creds->user, &bad),
        .domain = text(creds->domain, &bad),
    };
    REQUIRE(!bad, SEC_E_INVALID_TOKEN, "TSSmartCardCreds: a text of an odd number of bytes (MS-CSSP 2.2.1.2.2)");
    return SEC_E_OK;
}

static SECURITY_STATUS take_remote_guard(const TS_GUARD_CREDS *creds, struct ts_remote_guard *out)
{
    bool bad = false;
    out->logon = (struct ts_guard_credential){text(creds->logon->package, &bad), slice(creds->logon->buffer)};
    out->has_supplemental = creds->supplemental != NULL;
    int count = out->has_supplemental ? sk_TS_GUARD_CRED_num(creds->supplemental) : 0;
    REQUIRE(count <= TS_GUARD_MAX, SEC_E_INVALID_TOKEN, "TSRemoteGuardCreds: more than eight supplemental credentials");
    for (int i = 0; i < count; i++) {
        const TS_GUARD_CRED *cred = sk_TS_GUARD_CRED_value(creds->supplemental, i);
        out->supplemental[i] = (struct ts_guard_credential){text(cred->package, &bad), slice(cred->buffer)};
    }
    out->supplemental_count = (size_t)count;
    REQUIRE(!bad, SEC_E_INVALID_TOKEN, "TSRemoteGuardCreds: a name of an odd number of bytes (MS-CSSP 2.2.1.2.3)");
    return SEC_E_OK;
}

/* `out_whole`: nothing is behind it. */
static void *decode(struct bytes der, const ASN1_ITEM *item, bool *out_whole)
{
    const unsigned char *at = der.data;
    if (der.size == 0 || der.size > TS_CREDENTIALS_MAX) {
        return NULL;
    }
    void *value = ASN1_item_d2i(NULL, &at, (long)der.size, item);
    *out_whole = at == der.data + der.size;
    return value;
}

static SECURITY_STATUS parse(struct bytes message, struct ts_credentials *out)
{
    int64_t type = 0;
    bool whole = false;
    TS_CREDENTIALS *outer = decode(message, ASN1_ITEM_rptr(TS_CREDENTIALS), &whole);
    out->owner = outer;
    REQUIRE(outer != NULL && whole, SEC_E_INVALID_TOKEN, "not a TSCredentials, or bytes behind it (MS-CSSP 2.2.1.2)");
    REQUIRE(ASN1_INTEGER_get_int64(&type, outer->type) == 1 &&
                (type == TS_PASSWORD || type == TS_SMART_CARD || type == TS_REMOTE_GUARD),
            SEC_E_INVALID_TOKEN, "TSCredentials: a credType there is not (MS-CSSP 2.2.1.2)");
    out->type = (enum ts_credentials_type)type;
    out->inner = decode(slice(outer->credentials), inner_item(out->type), &whole);
    REQUIRE(out->inner != NULL && whole, SEC_E_INVALID_TOKEN,
            "TSCredentials: credentials are not what credType says (MS-CSSP 2.2.1.2)");
    switch (out->type) {
    case TS_PASSWORD:
        return take_password(out->inner, &out->password);
    case TS_SMART_CARD:
        return take_smart_card(out->inner, &out->smart_card);
    default:
        return take_remote_guard(out->inner, &out->remote_guard);
    }
}

SECURITY_STATUS ts_credentials_parse(struct bytes message, struct ts_credentials *out)
{
    AUTO_TS_CREDENTIALS found = {.owner = NULL};
    openssl_errors_mark();
    SECURITY_STATUS status = parse(message, &found);
    openssl_errors_forget();
    TRY(status);
    *out = found;
    found.owner = NULL;
    found.inner = NULL;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- wiping */

static void wipe(const ASN1_STRING *string)
{
    struct bytes bytes = slice(string);
    if (bytes.size != 0) {
        secret_wipe((void *)(uintptr_t)bytes.data, bytes.size);
    }
}

static void wipe_inner(enum ts_credentials_type type, const void *inner)
{
    const TS_PASSWORD_CREDS *password = inner;
    const TS_SMART_CARD_CREDS *card = inner;
    const TS_GUARD_CREDS *guard = inner;
    switch (type) {
    case TS_PASSWORD:
        wipe(password->password);
        break;
    case TS_SMART_CARD:
        wipe(card->pin);
        break;
    default:
        wipe(guard->logon->buffer);
        for (int i = 0; guard->supplemental != NULL && i < sk_TS_GUARD_CRED_num(guard->supplemental); i++) {
            wipe(sk_TS_GUARD_CRED_value(guard->supplemental, i)->buffer);
        }
        break;
    }
}

void ts_credentials_free(struct ts_credentials *credentials)
{
    TS_CREDENTIALS *outer = credentials->owner;
    if (outer != NULL) {
        wipe(outer->credentials);
        ASN1_item_free((ASN1_VALUE *)outer, ASN1_ITEM_rptr(TS_CREDENTIALS));
    }
    if (credentials->inner != NULL) {
        wipe_inner(credentials->type, credentials->inner);
        ASN1_item_free(credentials->inner, inner_item(credentials->type));
    }
    credentials->owner = NULL;
    credentials->inner = NULL;
}

/* ---------------------------------------------------------------- out
 *
 * OpenSSL's structures stand on the stack and point at the caller's bytes, so that no copy of a secret is left behind.
 */

/* Fills in a string that borrows `bytes`; NULL, for nothing at all, when those are absent. */
static ASN1_STRING *lend(struct bytes bytes, int type, ASN1_STRING *string)
{
    string->type = type;
    string->length = (int)bytes.size;
    string->data = (unsigned char *)(uintptr_t)bytes.data;
    return bytes.data != NULL ? string : NULL;
}

static ASN1_STRING *lend_text(struct utf16 value, ASN1_STRING *string)
{
    return lend(utf16_bytes(value), V_ASN1_OCTET_STRING, string);
}

/* A text that is always there, be it empty. */
static ASN1_STRING *lend_present(struct utf16 value, ASN1_STRING *string)
{
    struct bytes bytes = bytes_of(value.data != NULL ? value.data : (const uint8_t *)"", value.size);
    return lend(bytes, V_ASN1_OCTET_STRING, string);
}

static ASN1_INTEGER *lend_number(const uint8_t *number, ASN1_STRING *string)
{
    return lend(bytes_of(number, 1), V_ASN1_INTEGER, string);
}

static SECURITY_STATUS encode(const void *value, const ASN1_ITEM *item, struct writer *out)
{
    int size = ASN1_item_i2d(value, NULL, item);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for TSCredentials");
    unsigned char *at = write_space(out, (size_t)size);
    if (at != NULL) {
        (void)ASN1_item_i2d(value, &at, item);
    }
    return write_end(out);
}

static SECURITY_STATUS build_password(const struct ts_password *password, struct writer *out)
{
    ASN1_STRING domain = {0}, user = {0}, secret = {0};
    TS_PASSWORD_CREDS creds = {.domain = lend_present(password->domain, &domain),
                               .user = lend_present(password->user, &user),
                               .password = lend_present(password->password, &secret)};
    return encode(&creds, ASN1_ITEM_rptr(TS_PASSWORD_CREDS), out);
}

static SECURITY_STATUS build_smart_card(const struct ts_smart_card *card, struct writer *out)
{
    ASN1_STRING pin = {0}, spec = {0}, name = {0}, reader = {0}, container = {0}, csp = {0}, user = {0}, domain = {0};
    const uint8_t key_spec = (uint8_t)card->key_spec;
    REQUIRE(card->key_spec < 0x80, SEC_E_UNKNOWN_CREDENTIALS, "TSCspDataDetail: a keySpec there is not");
    TS_CSP_DATA data = {.key_spec = lend_number(&key_spec, &spec),
                        .card = lend_text(card->card, &name),
                        .reader = lend_text(card->reader, &reader),
                        .container = lend_text(card->container, &container),
                        .csp = lend_text(card->csp, &csp)};
    TS_SMART_CARD_CREDS creds = {.pin = lend_present(card->pin, &pin),
                                 .csp = &data,
                                 .user = lend_text(card->user, &user),
                                 .domain = lend_text(card->domain, &domain)};
    return encode(&creds, ASN1_ITEM_rptr(TS_SMART_CARD_CREDS), out);
}

static void free_list(STACK_OF(TS_GUARD_CRED) * *list)
{
    sk_TS_GUARD_CRED_free(*list);
}

static SECURITY_STATUS build_remote_guard(const struct ts_remote_guard *guard, struct writer *out)
{
    ASN1_STRING strings[2 * (TS_GUARD_MAX + 1)] = {{0}};
    TS_GUARD_CRED creds[TS_GUARD_MAX + 1];
    __attribute__((cleanup(free_list))) STACK_OF(TS_GUARD_CRED) *list = NULL;
    if (guard->has_supplemental) {
        list = sk_TS_GUARD_CRED_new_reserve(NULL, TS_GUARD_MAX);
        REQUIRE(list != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for TSRemoteGuardCreds");
    }
    for (size_t i = 0; i <= guard->supplemental_count; i++) {
        const struct ts_guard_credential *one = i == 0 ? &guard->logon : &guard->supplemental[i - 1];
        creds[i].package = lend_present(one->package, &strings[2 * i]);
        creds[i].buffer = lend_present((struct utf16){one->buffer.data, one->buffer.size}, &strings[2 * i + 1]);
        if (i != 0) {
            (void)sk_TS_GUARD_CRED_push(list, &creds[i]); /* there is room */
        }
    }
    TS_GUARD_CREDS value = {.logon = &creds[0], .supplemental = list};
    return encode(&value, ASN1_ITEM_rptr(TS_GUARD_CREDS), out);
}

static SECURITY_STATUS build(const struct ts_credentials *credentials, struct writer *out)
{
    AUTO_WRITER inner = write_growing(TS_CREDENTIALS_MAX);
    switch (credentials->type) {
    case TS_PASSWORD:
        TRY(build_password(&credentials->password, &inner));
        break;
    case TS_SMART_CARD:
        TRY(build_smart_card(&credentials->smart_card, &inner));
        break;
    default:
        TRY(build_remote_guard(&credentials->remote_guard, &inner));
        break;
    }
    ASN1_STRING number = {0}, content = {0};
    const uint8_t type = (uint8_t)credentials->type;
    TS_CREDENTIALS value = {.type = lend_number(&type, &number),
                            .credentials = lend(write_result(&inner), V_ASN1_OCTET_STRING, &content)};
    return encode(&value, ASN1_ITEM_rptr(TS_CREDENTIALS), out);
}

SECURITY_STATUS ts_credentials_build(const struct ts_credentials *credentials, struct writer *out)
{
    openssl_errors_mark();
    SECURITY_STATUS status = build(credentials, out);
    openssl_errors_forget();
    return status;
}
