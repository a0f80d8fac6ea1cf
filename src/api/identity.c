/* Identities made, taken apart, copied, wiped and compared (sspi.h, the Sspi...AuthIdentity functions).
 *
 * Whatever these functions hand out is a context buffer, wiped when it is freed, so that SspiFreeAuthIdentity,
 * SspiLocalFree and FreeContextBuffer may be mixed up, as the documentation itself does. */
#include "api/identity.h"

#include "core/context_buffer.h"
#include "logon/identity.h"
#include "text/names.h"

SECURITY_STATUS api_identity_open(const void *identity, struct identity_layout *out)
{
    REQUIRE(identity != NULL, SEC_E_INVALID_TOKEN, "the identity is NULL");
    return identity_layout(identity, out);
}

static void free_block(void *pointer_to_pointer)
{
    SECURITY_STATUS status = context_buffer_free(*(void **)pointer_to_pointer);
    (void)status; /* our own block */
}

#define AUTO_BLOCK AUTO(free_block)

/* ---------------------------------------------------------------- blocks */

static size_t text_size(struct bytes text, size_t width)
{
    return text.data == NULL ? 0 : text.size + width;
}

/* Appends a text and its NUL; the place where it lies, or NULL for an absent one. */
static void *put_text(struct writer *writer, struct bytes text, size_t width)
{
    if (text.data == NULL) {
        return NULL;
    }
    void *at = writer->data + writer->size;
    write_bytes(writer, text);
    write_zeros(writer, width);
    return at;
}

static ULONG text_length(struct bytes text, size_t width)
{
    return (ULONG)(text.size / width);
}

SECURITY_STATUS api_identity_block(const struct identity_layout *parts, void **out_identity)
{
    size_t width = parts->width;
    bool plain = parts->version == 0;
    size_t header = plain ? sizeof(SEC_WINNT_AUTH_IDENTITY_W) : sizeof(SEC_WINNT_AUTH_IDENTITY_EXW);
    size_t size = header + text_size(parts->user, width) + text_size(parts->domain, width) +
                  text_size(parts->secret, width) + text_size(parts->package_list, width);
    AUTO_BLOCK void *block = context_buffer_alloc(size);
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an identity");
    struct writer writer = write_into(block, size);
    write_zeros(&writer, header);
    SEC_WINNT_AUTH_IDENTITY_EXW ex = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof ex,
        .User = put_text(&writer, parts->user, width),
        .UserLength = text_length(parts->user, width),
        .Domain = put_text(&writer, parts->domain, width),
        .DomainLength = text_length(parts->domain, width),
        .Password = put_text(&writer, parts->secret, width),
        .PasswordLength = text_length(parts->secret, width),
        .Flags = parts->flags | SEC_WINNT_AUTH_IDENTITY_MARSHALLED,
        .PackageList = put_text(&writer, parts->package_list, width),
        .PackageListLength = text_length(parts->package_list, width),
    };
    TRY(write_end(&writer));
    if (plain) {
        *(SEC_WINNT_AUTH_IDENTITY_W *)block = (SEC_WINNT_AUTH_IDENTITY_W){
            ex.User, ex.UserLength, ex.Domain, ex.DomainLength, ex.Password, ex.PasswordLength, ex.Flags};
    } else {
        *(SEC_WINNT_AUTH_IDENTITY_EXW *)block = ex;
    }
    *out_identity = STEAL(block);
    return SEC_E_OK;
}

#define EX2_PADDING 8

SECURITY_STATUS api_identity_ex2(struct bytes bytes, void **out_identity)
{
    AUTO_BLOCK void *block = context_buffer_alloc(bytes.size + EX2_PADDING);
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an identity");
    struct writer writer = write_into(block, bytes.size + EX2_PADDING);
    write_bytes(&writer, bytes);
    write_zeros(&writer, EX2_PADDING);
    TRY(write_end(&writer));
    *out_identity = STEAL(block);
    return SEC_E_OK;
}

SECURITY_STATUS api_identity_text(struct utf16 text, WCHAR **out)
{
    if (text.data == NULL) {
        *out = NULL;
        return SEC_E_OK;
    }
    AUTO_BLOCK void *block = context_buffer_alloc(text.size + sizeof(WCHAR));
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a text");
    struct writer writer = write_into(block, text.size + sizeof(WCHAR));
    write_bytes(&writer, utf16_bytes(text));
    write_u16le(&writer, 0);
    TRY(write_end(&writer));
    *out = STEAL(block);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- from texts and back */

static struct bytes wide_bytes(PCWSTR wide)
{
    return utf16_bytes(utf16_from_wide((const uint16_t *)wide));
}

static SECURITY_STATUS encode(PCWSTR user, PCWSTR domain, PCWSTR password, void **out_identity)
{
    REQUIRE(user != NULL || domain != NULL || password != NULL, SEC_E_INVALID_TOKEN,
            "SspiEncodeStringsAsAuthIdentity: neither user, nor domain, nor credentials");
    REQUIRE(out_identity != NULL, SEC_E_INVALID_PARAMETER, "ppAuthIdentity is NULL");
    const struct identity_layout parts = {
        .version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
        .width = 2,
        .user = wide_bytes(user),
        .domain = wide_bytes(domain),
        .secret = wide_bytes(password),
    };
    return api_identity_block(&parts, out_identity);
}

SECURITY_STATUS SEC_ENTRY SspiEncodeStringsAsAuthIdentity(PCWSTR pszUserName, PCWSTR pszDomainName,
                                                          PCWSTR pszPackedCredentialsString,
                                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity)
{
    status_begin();
    return api_end("SspiEncodeStringsAsAuthIdentity",
                   encode(pszUserName, pszDomainName, pszPackedCredentialsString, ppAuthIdentity));
}

/* A member as a wide string; NULL when it is absent, "" when it is empty. */
static SECURITY_STATUS member_text(const struct identity_layout *layout, struct bytes member, WCHAR **out)
{
    static const uint8_t empty[2];
    if (member.data == NULL) {
        *out = NULL;
        return SEC_E_OK;
    }
    AUTO_UTF16 text = UTF16_NONE;
    TRY(identity_member(layout, member, &text));
    return api_identity_text(text.size != 0 ? text : (struct utf16){empty, 0}, out);
}

static SECURITY_STATUS decode(const void *identity, PCWSTR *user, PCWSTR *domain, PCWSTR *password)
{
    struct identity_layout layout;
    TRY(api_identity_open(identity, &layout));
    REQUIRE((layout.flags & IDENTITY_ENCRYPTED) == 0, STATUS_INVALID_PARAMETER,
            "an encrypted identity: SspiDecryptAuthIdentity it first");
    struct bytes secret = layout.secret;
    if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2 && secret.data != NULL && password != NULL) {
        TRY(identity_packed_password(layout.secret, &secret));
    }
    AUTO_BLOCK WCHAR *user_text = NULL;
    AUTO_BLOCK WCHAR *domain_text = NULL;
    AUTO_BLOCK WCHAR *password_text = NULL;
    TRY(member_text(&layout, layout.user, &user_text));
    TRY(member_text(&layout, layout.domain, &domain_text));
    if (password != NULL) {
        TRY(member_text(&layout, secret, &password_text));
        *password = STEAL(password_text);
    }
    if (user != NULL) {
        *user = STEAL(user_text);
    }
    if (domain != NULL) {
        *domain = STEAL(domain_text);
    }
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiEncodeAuthIdentityAsStrings(PSEC_WINNT_AUTH_IDENTITY_OPAQUE pAuthIdentity,
                                                          PCWSTR *ppszUserName, PCWSTR *ppszDomainName,
                                                          PCWSTR *ppszPackedCredentialsString)
{
    status_begin();
    return api_end("SspiEncodeAuthIdentityAsStrings",
                   decode(pAuthIdentity, ppszUserName, ppszDomainName, ppszPackedCredentialsString));
}

SECURITY_STATUS SEC_ENTRY SspiValidateAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData)
{
    struct identity_layout layout;
    status_begin();
    return api_end("SspiValidateAuthIdentity", api_identity_open(AuthData, &layout));
}

/* ---------------------------------------------------------------- copies and their end */

static SECURITY_STATUS copy_identity(const void *identity, void **out_copy)
{
    struct identity_layout layout;
    TRY(api_identity_open(identity, &layout));
    REQUIRE(out_copy != NULL, SEC_E_INVALID_PARAMETER, "AuthDataCopy is NULL");
    if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2 = identity;
        return api_identity_ex2(bytes_of(ex2, ex2->cbStructureLength), out_copy);
    }
    return api_identity_block(&layout, out_copy);
}

SECURITY_STATUS SEC_ENTRY SspiCopyAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData,
                                               PSEC_WINNT_AUTH_IDENTITY_OPAQUE *AuthDataCopy)
{
    status_begin();
    return api_end("SspiCopyAuthIdentity", copy_identity(AuthData, AuthDataCopy));
}

VOID SEC_ENTRY SspiFreeAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData)
{
    status_begin();
    (void)api_end("SspiFreeAuthIdentity", context_buffer_free(AuthData));
}

VOID SEC_ENTRY SspiLocalFree(PVOID DataBuffer)
{
    status_begin();
    (void)api_end("SspiLocalFree", context_buffer_free(DataBuffer));
}

/* Of packed credentials the header stays, so that the structure can still be read. */
static SECURITY_STATUS zero(const void *identity)
{
    struct identity_layout layout;
    if (identity == NULL) {
        return SEC_E_OK;
    }
    TRY(api_identity_open(identity, &layout));
    struct bytes secret = layout.secret;
    bool packed = layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2 && (layout.flags & IDENTITY_ENCRYPTED) == 0;
    if (packed && identity_packed_password(layout.secret, &secret) < 0) {
        secret = layout.secret; /* of another type, or damaged: all of it */
    }
    secret_wipe((uint8_t *)(uintptr_t)secret.data, secret.size);
    return SEC_E_OK;
}

VOID SEC_ENTRY SspiZeroAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData)
{
    status_begin();
    (void)api_end("SspiZeroAuthIdentity", zero(AuthData));
}

/* ---------------------------------------------------------------- comparing */

static bool same_secret(const struct identity *one, const struct identity *other)
{
    if (one->has_nt_hash != other->has_nt_hash || one->has_password != other->has_password) {
        return false;
    }
    if (one->has_nt_hash) {
        return secret_equal(one->nt_hash.b, other->nt_hash.b, sizeof one->nt_hash.b);
    }
    return one->password.size == other->password.size &&
           secret_equal(one->password.data, other->password.data, one->password.size);
}

/* The default credentials, NULL, are the same as themselves and as nothing else. */
static SECURITY_STATUS compare(const void *one, const void *other, bool *same_user, bool *same_identity)
{
    AUTO_IDENTITY left = {0};
    AUTO_IDENTITY right = {0};
    *same_user = *same_identity = one == NULL && other == NULL;
    if (one != NULL) {
        TRY(identity_parse(one, &left));
    }
    if (other != NULL) {
        TRY(identity_parse(other, &right));
    }
    if (one != NULL && other != NULL) {
        struct account_name a = names_split(left.user, left.domain);
        struct account_name b = names_split(right.user, right.domain);
        *same_user = utf16_equal_nocase(a.user, b.user) && utf16_equal_nocase(a.domain, b.domain);
        *same_identity = *same_user && same_secret(&left, &right);
    }
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiCompareAuthIdentities(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity1,
                                                    PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity2,
                                                    PBOOLEAN SameSuppliedUser, PBOOLEAN SameSuppliedIdentity)
{
    bool same_user, same_identity;
    status_begin();
    SECURITY_STATUS status = compare(AuthIdentity1, AuthIdentity2, &same_user, &same_identity);
    if (status == SEC_E_OK && SameSuppliedUser != NULL) {
        *SameSuppliedUser = same_user;
    }
    if (status == SEC_E_OK && SameSuppliedIdentity != NULL) {
        *SameSuppliedIdentity = same_identity;
    }
    return api_end("SspiCompareAuthIdentities", status == SEC_E_UNKNOWN_CREDENTIALS ? SEC_E_INVALID_TOKEN : status);
}
