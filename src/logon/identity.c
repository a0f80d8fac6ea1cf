#include "logon/identity.h"

#include <string.h>

#include "sspi_ext.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define NT_HASH_DIGITS 32
/* FreeRDP's convention for a hash in a password's place (its /pth option): the length is 512 more than what is there. */
#define FREERDP_HASH_LENGTH (512 + NT_HASH_DIGITS)
#define PROTECTED                                                                                                    \
    (SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED |              \
     SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED)

/* The members of any version, still in the caller's memory; lengths in characters. */
struct members {
    const void *user, *domain, *password, *package_list;
    uint32_t user_length, domain_length, password_length, package_list_length;
    uint32_t flags;
};

/* One string member, in the identity's own width. */
static SECURITY_STATUS take_text(const struct members *members, const void *text, uint32_t length, struct utf16 *out)
{
    if (text == NULL || length == 0) {
        REQUIRE(text != NULL || length == 0, SEC_E_UNKNOWN_CREDENTIALS,
                "an identity's member has a length and no text (SEC_WINNT_AUTH_IDENTITY)");
        *out = UTF16_NONE;
        return SEC_E_OK;
    }
    if ((members->flags & SEC_WINNT_AUTH_IDENTITY_UNICODE) != 0) {
        return utf16_copy((struct utf16){text, (size_t)length * 2}, out);
    }
    return utf16_from_utf8(bytes_of(text, length), out);
}

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

static SECURITY_STATUS take_password(const struct members *members, struct identity *out)
{
    bool freerdp = members->password != NULL && members->password_length == FREERDP_HASH_LENGTH;
    uint32_t length = freerdp ? NT_HASH_DIGITS : members->password_length;
    AUTO_UTF16 text = UTF16_NONE;
    TRY(take_text(members, members->password, length, &text));
    out->has_password = members->password != NULL;
    if (freerdp || (members->flags & SSPI_AUTH_IDENTITY_NT_HASH) != 0) {
        TRY(take_hash(text, &out->nt_hash));
        out->has_nt_hash = true;
        return SEC_E_OK;
    }
    return secret_copy(&out->password, utf16_bytes(text));
}

static SECURITY_STATUS take_members(const struct members *members, struct identity *out)
{
    uint32_t width = members->flags & (SEC_WINNT_AUTH_IDENTITY_ANSI | SEC_WINNT_AUTH_IDENTITY_UNICODE);
    REQUIRE(width != 0, SEC_E_UNKNOWN_CREDENTIALS,
            "an identity's Flags say neither ANSI nor UNICODE (SEC_WINNT_AUTH_IDENTITY)");
    REQUIRE((members->flags & PROTECTED) == 0, SEC_E_UNKNOWN_CREDENTIALS,
            "an encrypted identity: SspiDecryptAuthIdentity it first");
    out->flags = members->flags;
    out->has_user = members->user != NULL;
    out->has_domain = members->domain != NULL;
    TRY(take_text(members, members->user, members->user_length, &out->user));
    TRY(take_text(members, members->domain, members->domain_length, &out->domain));
    TRY(take_text(members, members->package_list, members->package_list_length, &out->package_list));
    return take_password(members, out);
}

static SECURITY_STATUS parse_plain(const void *auth_data, struct identity *out)
{
    const SEC_WINNT_AUTH_IDENTITY_W *plain = auth_data;
    const struct members members = {.user = plain->User, .user_length = plain->UserLength,
                                    .domain = plain->Domain, .domain_length = plain->DomainLength,
                                    .password = plain->Password, .password_length = plain->PasswordLength,
                                    .flags = plain->Flags};
    return take_members(&members, out);
}

static SECURITY_STATUS parse_ex(const void *auth_data, struct identity *out)
{
    const SEC_WINNT_AUTH_IDENTITY_EXW *ex = auth_data;
    REQUIRE(ex->Length >= sizeof *ex, SEC_E_UNKNOWN_CREDENTIALS,
            "SEC_WINNT_AUTH_IDENTITY_EX: Length is less than the structure");
    const struct members members = {.user = ex->User, .user_length = ex->UserLength,
                                    .domain = ex->Domain, .domain_length = ex->DomainLength,
                                    .password = ex->Password, .password_length = ex->PasswordLength,
                                    .package_list = ex->PackageList, .package_list_length = ex->PackageListLength,
                                    .flags = ex->Flags};
    return take_members(&members, out);
}

/* SEC_WINNT_AUTH_DATA_TYPE_PASSWORD, 28bfc32f-10f6-4738-98d1-1ac061df716a, as it lies in memory. */
static const uint8_t password_type[16] = {0x2f, 0xc3, 0xbf, 0x28, 0xf6, 0x10, 0x38, 0x47,
                                          0x98, 0xd1, 0x1a, 0xc0, 0x61, 0xdf, 0x71, 0x6a};

/* SEC_WINNT_AUTH_PACKED_CREDENTIALS: u16 header size, u16 structure size, GUID of the type, u32 offset and u16 length of
 * the type's data, which for a password is a vector {u32 offset, u16 length} of UTF-16 text.  Offsets count from the
 * start of the packed credentials (vector of the type: from the start of its data). */
static SECURITY_STATUS parse_packed(struct bytes packed, struct bytes *out_password)
{
    struct reader reader = read_start(packed);
    (void)read_u16le(&reader);
    (void)read_u16le(&reader);
    struct bytes type = read_bytes(&reader, sizeof password_type);
    uint32_t data_offset = read_u32le(&reader);
    uint16_t data_size = read_u16le(&reader);
    struct bytes data = read_at(&reader, data_offset, data_size);
    TRY(read_end_lax(&reader, "packed credentials are shorter than they say (SEC_WINNT_AUTH_PACKED_CREDENTIALS)"));
    REQUIRE(memcmp(type.data, password_type, sizeof password_type) == 0, SEC_E_UNKNOWN_CREDENTIALS,
            "packed credentials of a type that is not a password (SEC_WINNT_AUTH_DATA)");
    struct reader inner = read_start(data);
    uint32_t offset = read_u32le(&inner);
    uint16_t size = read_u16le(&inner);
    *out_password = read_at(&inner, offset, size);
    return read_end_lax(&inner, "a packed password leaves its data (SEC_WINNT_AUTH_DATA_PASSWORD)");
}

/* EX2: offsets and lengths in bytes from the start of the structure, always UTF-16. */
static SECURITY_STATUS parse_ex2(const void *auth_data, struct identity *out)
{
    const SEC_WINNT_AUTH_IDENTITY_EX2 *header = auth_data;
    REQUIRE(header->cbHeaderLength >= sizeof *header && header->cbStructureLength >= header->cbHeaderLength,
            SEC_E_UNKNOWN_CREDENTIALS, "SEC_WINNT_AUTH_IDENTITY_EX2: its lengths contradict each other");
    REQUIRE((header->Flags & PROTECTED) == 0, SEC_E_UNKNOWN_CREDENTIALS,
            "an encrypted identity: SspiDecryptAuthIdentity it first");
    struct reader reader = read_start(bytes_of(auth_data, header->cbStructureLength));
    struct bytes user = read_at(&reader, header->UserOffset, header->UserLength);
    struct bytes domain = read_at(&reader, header->DomainOffset, header->DomainLength);
    struct bytes packed = read_at(&reader, header->PackedCredentialsOffset, header->PackedCredentialsLength);
    struct bytes list = read_at(&reader, header->PackageListOffset, header->PackageListLength);
    REQUIRE(!reader.bad, SEC_E_UNKNOWN_CREDENTIALS, "SEC_WINNT_AUTH_IDENTITY_EX2: a member leaves the structure");
    struct bytes password = BYTES_NONE;
    if (packed.size != 0) {
        TRY(parse_packed(packed, &password));
    }
    const struct members members = {.user = user.data, .user_length = (uint32_t)(user.size / 2),
                                    .domain = domain.data, .domain_length = (uint32_t)(domain.size / 2),
                                    .password = password.data, .password_length = (uint32_t)(password.size / 2),
                                    .package_list = list.data, .package_list_length = (uint32_t)(list.size / 2),
                                    .flags = header->Flags | SEC_WINNT_AUTH_IDENTITY_UNICODE};
    return take_members(&members, out);
}

SECURITY_STATUS identity_parse(const void *auth_data, struct identity *out)
{
    /* The first word is a version, or the low half of a pointer to the user's name, which no allocator puts there. */
    uint32_t version;
    memcpy(&version, auth_data, sizeof version);
    AUTO_IDENTITY found = {0};
    if (version == SEC_WINNT_AUTH_IDENTITY_VERSION) {
        TRY(parse_ex(auth_data, &found));
    } else if (version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        TRY(parse_ex2(auth_data, &found));
    } else {
        TRY(parse_plain(auth_data, &found));
    }
    *out = found;
    found = (struct identity){0};
    return SEC_E_OK;
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
