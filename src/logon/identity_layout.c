#include "logon/identity_layout.h"

#include <string.h>

#include "sspi_ext.h"
#include "wire/reader.h"

#define NT_HASH_DIGITS 32
/* FreeRDP's convention for a hash in a password's place: the length is 512 more than what is there to be read. */
#define FREERDP_HASH_OFFSET 512
#define HEADER_MAX          4096 /* a later SDK may append members; half a pointer into the heap or stack is larger */

struct counted {
    const void *text;
    uint32_t length;
};

static SECURITY_STATUS take(struct counted member, size_t width, struct bytes *out)
{
    REQUIRE(member.text != NULL || member.length == 0, SEC_E_INVALID_TOKEN,
            "an identity's member has a length and no text (SEC_WINNT_AUTH_IDENTITY)");
    *out = bytes_of(member.text, member.length * width);
    return SEC_E_OK;
}

static bool is_freerdp_hash(struct counted password)
{
    return password.text != NULL && password.length >= FREERDP_HASH_OFFSET + NT_HASH_DIGITS;
}

/* The members of plain and EX, A and W: only the type of the pointers differs. */
static SECURITY_STATUS take_members(struct counted user, struct counted domain, struct counted password,
                                    struct counted package_list, struct identity_layout *layout)
{
    layout->width = (layout->flags & SEC_WINNT_AUTH_IDENTITY_UNICODE) != 0 ? 2 : 1;
    REQUIRE((layout->flags & (SEC_WINNT_AUTH_IDENTITY_ANSI | SEC_WINNT_AUTH_IDENTITY_UNICODE)) != 0,
            SEC_E_INVALID_TOKEN, "an identity's Flags say neither ANSI nor UNICODE (SEC_WINNT_AUTH_IDENTITY)");
    if (is_freerdp_hash(password)) {
        password.length -= FREERDP_HASH_OFFSET;
        layout->flags |= SSPI_AUTH_IDENTITY_NT_HASH;
    }
    TRY(take(user, layout->width, &layout->user));
    TRY(take(domain, layout->width, &layout->domain));
    TRY(take(password, layout->width, &layout->secret));
    return take(package_list, layout->width, &layout->package_list);
}

static SECURITY_STATUS plain_layout(const SEC_WINNT_AUTH_IDENTITY_W *plain, struct identity_layout *layout)
{
    layout->flags = plain->Flags;
    return take_members((struct counted){plain->User, plain->UserLength},
                        (struct counted){plain->Domain, plain->DomainLength},
                        (struct counted){plain->Password, plain->PasswordLength}, (struct counted){NULL, 0}, layout);
}

static SECURITY_STATUS ex_layout(const SEC_WINNT_AUTH_IDENTITY_EXW *ex, struct identity_layout *layout)
{
    layout->flags = ex->Flags;
    return take_members((struct counted){ex->User, ex->UserLength}, (struct counted){ex->Domain, ex->DomainLength},
                        (struct counted){ex->Password, ex->PasswordLength},
                        (struct counted){ex->PackageList, ex->PackageListLength}, layout);
}

/* A member of EX2, which may not lie in the header: what changes the secret would change the header, too. */
static struct bytes take_at(struct reader *reader, const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2, ULONG offset, USHORT size)
{
    if (size != 0 && offset < ex2->cbHeaderLength) {
        reader->bad = true;
    }
    return read_at(reader, offset, size);
}

/* EX2: offsets and sizes in bytes, always UTF-16.  An empty member is an absent one, with and without NULL_USER and
 * NULL_DOMAIN. */
static SECURITY_STATUS ex2_layout(const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2, struct identity_layout *layout)
{
    REQUIRE(ex2->cbStructureLength >= ex2->cbHeaderLength, SEC_E_INVALID_TOKEN,
            "cbStructureLength is less than cbHeaderLength (SEC_WINNT_AUTH_IDENTITY_EX2)");
    struct reader reader = read_start(bytes_of(ex2, ex2->cbStructureLength));
    layout->flags = ex2->Flags;
    layout->width = 2;
    layout->user = take_at(&reader, ex2, ex2->UserOffset, ex2->UserLength);
    layout->domain = take_at(&reader, ex2, ex2->DomainOffset, ex2->DomainLength);
    layout->secret = take_at(&reader, ex2, ex2->PackedCredentialsOffset, ex2->PackedCredentialsLength);
    layout->package_list = take_at(&reader, ex2, ex2->PackageListOffset, ex2->PackageListLength);
    REQUIRE(!reader.bad, SEC_E_INVALID_TOKEN, "a member leaves the structure (SEC_WINNT_AUTH_IDENTITY_EX2)");
    REQUIRE((ex2->UserLength | ex2->DomainLength | ex2->PackageListLength) % 2 == 0, SEC_E_INVALID_TOKEN,
            "a text of an odd number of bytes (SEC_WINNT_AUTH_IDENTITY_EX2)");
    REQUIRE(identity_secret_is_apart(layout), SEC_E_INVALID_TOKEN,
            "the packed credentials overlap another member (SEC_WINNT_AUTH_IDENTITY_EX2)");
    return SEC_E_OK;
}

static SECURITY_STATUS find_version(const void *auth_data, uint32_t *out)
{
    const SEC_WINNT_AUTH_IDENTITY_EXW *ex = auth_data;
    if (ex->Version == SEC_WINNT_AUTH_IDENTITY_VERSION && ex->Length <= HEADER_MAX) {
        REQUIRE(ex->Length >= sizeof *ex, SEC_E_UNKNOWN_CREDENTIALS,
                "Length is less than the structure (SEC_WINNT_AUTH_IDENTITY_EX)");
        *out = SEC_WINNT_AUTH_IDENTITY_VERSION;
        return SEC_E_OK;
    }
    const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2 = auth_data;
    if (ex2->Version == SEC_WINNT_AUTH_IDENTITY_VERSION_2 && ex2->cbHeaderLength <= HEADER_MAX) {
        REQUIRE(ex2->cbHeaderLength >= sizeof *ex2, SEC_E_UNKNOWN_CREDENTIALS,
                "cbHeaderLength is less than the header (SEC_WINNT_AUTH_IDENTITY_EX2)");
        *out = SEC_WINNT_AUTH_IDENTITY_VERSION_2;
        return SEC_E_OK;
    }
    const SEC_WINNT_AUTH_IDENTITY_W *plain = auth_data;
    REQUIRE(plain->User == NULL || (uintptr_t)plain->User > HEADER_MAX, SEC_E_UNKNOWN_CREDENTIALS,
            "an identity of an unknown version");
    *out = 0;
    return SEC_E_OK;
}

SECURITY_STATUS identity_layout(const void *auth_data, struct identity_layout *out)
{
    struct identity_layout layout = {0};
    TRY(find_version(auth_data, &layout.version));
    if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION) {
        TRY(ex_layout(auth_data, &layout));
    } else if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        TRY(ex2_layout(auth_data, &layout));
    } else {
        TRY(plain_layout(auth_data, &layout));
    }
    uint32_t scope = layout.flags & IDENTITY_ENCRYPTED;
    REQUIRE((scope & (scope - 1)) == 0, SEC_E_INVALID_TOKEN, "an identity that was encrypted for two scopes at once");
    *out = layout;
    return SEC_E_OK;
}

static bool overlap(struct bytes one, struct bytes other)
{
    uintptr_t a = (uintptr_t)one.data, b = (uintptr_t)other.data;
    return one.size != 0 && other.size != 0 && (a < b ? b - a < one.size : a - b < other.size);
}

bool identity_secret_is_apart(const struct identity_layout *layout)
{
    return !overlap(layout->secret, layout->user) && !overlap(layout->secret, layout->domain) &&
           !overlap(layout->secret, layout->package_list);
}

void identity_set_flags(void *auth_data, uint32_t flags)
{
    uint32_t version = 0;
    SECURITY_STATUS status = find_version(auth_data, &version);
    (void)status; /* identity_layout() took this structure before */
    if (version == SEC_WINNT_AUTH_IDENTITY_VERSION) {
        ((SEC_WINNT_AUTH_IDENTITY_EXW *)auth_data)->Flags = flags;
    } else if (version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        ((SEC_WINNT_AUTH_IDENTITY_EX2 *)auth_data)->Flags = flags;
    } else {
        ((SEC_WINNT_AUTH_IDENTITY_W *)auth_data)->Flags = flags;
    }
}

SECURITY_STATUS identity_member(const struct identity_layout *layout, struct bytes member, struct utf16 *out)
{
    return layout->width == 2 ? utf16_copy(utf16_of(member), out) : utf16_from_utf8(member, out);
}

/* SEC_WINNT_AUTH_DATA_TYPE_PASSWORD, 28bfc32f-10f6-4738-98d1-1ac061df716a, as it lies in memory. */
static const uint8_t password_type[16] = {0x2f, 0xc3, 0xbf, 0x28, 0xf6, 0x10, 0x38, 0x47,
                                          0x98, 0xd1, 0x1a, 0xc0, 0x61, 0xdf, 0x71, 0x6a};

#define VECTOR_SIZE 8 /* SEC_WINNT_AUTH_BYTE_VECTOR: u32 offset, u16 length, padding */

/* Windows' packages take the data of this type for the password itself.  The SDK describes a vector in front of it
 * (SEC_WINNT_AUTH_DATA_PASSWORD), whose offset counts from there: it is recognised, as no password begins with U+0008
 * U+0000 and its own length. */
static struct bytes without_vector(struct bytes data)
{
    struct reader reader = read_start(data);
    uint32_t offset = read_u32le(&reader);
    uint16_t size = read_u16le(&reader);
    (void)read_u16le(&reader);
    struct bytes rest = read_bytes(&reader, read_left(&reader));
    return !reader.bad && offset == VECTOR_SIZE && size == rest.size ? rest : data;
}

/* u16 size of the header, u16 size of all, GUID of the type, u32 offset and u16 size of the type's data. */
SECURITY_STATUS identity_packed_password(struct bytes packed, struct bytes *out)
{
    struct reader reader = read_start(packed);
    uint16_t header_size = read_u16le(&reader);
    uint16_t size = read_u16le(&reader);
    struct bytes type = read_bytes(&reader, sizeof password_type);
    uint32_t data_offset = read_u32le(&reader);
    uint16_t data_size = read_u16le(&reader);
    TRY(read_end_lax(&reader, "packed credentials are cut short (SEC_WINNT_AUTH_PACKED_CREDENTIALS)"));
    REQUIRE(header_size >= sizeof(SEC_WINNT_AUTH_PACKED_CREDENTIALS) && size >= header_size && size <= packed.size,
            SEC_E_INVALID_TOKEN,
            "the sizes of packed credentials contradict each other (SEC_WINNT_AUTH_PACKED_CREDENTIALS)");
    struct reader whole = read_start(bytes_of(packed.data, size));
    struct bytes data = read_at(&whole, data_offset, data_size);
    TRY(read_end_lax(&whole, "packed credentials point outside themselves (SEC_WINNT_AUTH_PACKED_CREDENTIALS)"));
    REQUIRE(memcmp(type.data, password_type, sizeof password_type) == 0, SEC_E_UNKNOWN_CREDENTIALS,
            "packed credentials of a type that is not a password (SEC_WINNT_AUTH_DATA)");
    data = without_vector(data);
    REQUIRE(data.size % 2 == 0, SEC_E_INVALID_TOKEN, "a packed password of an odd number of bytes");
    *out = data;
    return SEC_E_OK;
}
