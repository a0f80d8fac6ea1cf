/* Identities as bytes, for another process; and encrypted in place. */
#include "api/identity.h"

#include <unistd.h>

#include "core/context_buffer.h"
#include "logon/identity_protect.h"
#include "wire/reader.h"

/* ---------------------------------------------------------------- bytes
 *
 * As observed on Windows, the same in 32 and 64 bits, for plain and EX: eleven u32, namely version 0x200, size 44, offset
 * and length of user, domain and password, flags, offset and length of the package list; lengths in characters, offset and
 * length 0 for what is absent; then the texts without NUL, back to back, in the identity's own width, and four bytes. */

#define MARSHALLED_HEADER  44
#define MARSHALLED_PADDING 4
#define EX2_PADDING        8

static void put_place(struct writer *writer, struct bytes text, size_t width, uint32_t *at)
{
    write_u32le(writer, text.data != NULL ? *at : 0);
    write_u32le(writer, (uint32_t)(text.size / width));
    *at += (uint32_t)text.size;
}

static SECURITY_STATUS write_marshalled(struct writer *writer, const struct identity_layout *layout)
{
    uint32_t at = MARSHALLED_HEADER;
    write_u32le(writer, SEC_WINNT_AUTH_IDENTITY_VERSION);
    write_u32le(writer, MARSHALLED_HEADER);
    put_place(writer, layout->user, layout->width, &at);
    put_place(writer, layout->domain, layout->width, &at);
    put_place(writer, layout->secret, layout->width, &at);
    write_u32le(writer, layout->flags);
    put_place(writer, layout->package_list, layout->width, &at);
    write_bytes(writer, layout->user);
    write_bytes(writer, layout->domain);
    write_bytes(writer, layout->secret);
    write_bytes(writer, layout->package_list);
    write_zeros(writer, MARSHALLED_PADDING);
    return write_end(writer);
}

static SECURITY_STATUS marshal(const void *identity, ULONG *out_size, PCHAR *out_bytes)
{
    struct identity_layout layout;
    TRY(api_identity_open(identity, &layout));
    REQUIRE(out_size != NULL && out_bytes != NULL, SEC_E_INVALID_PARAMETER,
            "SspiMarshalAuthIdentity: NULL for a result");
    uint64_t size = (uint64_t)MARSHALLED_HEADER + MARSHALLED_PADDING + layout.user.size + layout.domain.size +
                    layout.secret.size + layout.package_list.size;
    void *block = NULL;
    if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2 = identity;
        size = (uint64_t)ex2->cbStructureLength + EX2_PADDING;
        REQUIRE(size <= UINT32_MAX, SEC_E_INVALID_TOKEN, "an identity of impossible size");
        TRY(api_identity_ex2(bytes_of(ex2, ex2->cbStructureLength), &block));
    } else {
        REQUIRE(size <= UINT32_MAX, SEC_E_INVALID_TOKEN, "an identity of impossible size");
        block = context_buffer_alloc(size);
        REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an identity");
        struct writer writer = write_into(block, size);
        SECURITY_STATUS status = write_marshalled(&writer, &layout);
        if (status < 0) {
            SECURITY_STATUS freed = context_buffer_free(block);
            (void)freed;
            return status;
        }
    }
    *out_size = (ULONG)size;
    *out_bytes = block;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiMarshalAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity,
                                                  ULONG *AuthIdentityLength, PCHAR *AuthIdentityByteArray)
{
    status_begin();
    return api_end("SspiMarshalAuthIdentity", marshal(AuthIdentity, AuthIdentityLength, AuthIdentityByteArray));
}

/* One offset and length; the text they lead to, which may not overlap the header. */
static struct bytes take_place(struct reader *reader, size_t width, uint32_t header)
{
    static const uint8_t empty[1];
    uint32_t offset = read_u32le(reader);
    uint32_t length = read_u32le(reader);
    if (length == 0) {
        return offset == 0 ? BYTES_NONE : bytes_of(empty, 0);
    }
    if (offset < header) {
        reader->bad = true;
    }
    return read_at(reader, offset, (uint64_t)length * width);
}

static SECURITY_STATUS unmarshal_texts(struct bytes bytes, void **out_identity)
{
    struct identity_layout parts = {.version = SEC_WINNT_AUTH_IDENTITY_VERSION};
    struct reader flags = read_start(bytes);
    (void)read_bytes(&flags, 32);
    parts.flags = read_u32le(&flags);
    parts.width = (parts.flags & SEC_WINNT_AUTH_IDENTITY_UNICODE) != 0 ? 2 : 1;
    struct reader reader = read_start(bytes);
    (void)read_u32le(&reader);
    uint32_t header = read_u32le(&reader);
    parts.user = take_place(&reader, parts.width, header);
    parts.domain = take_place(&reader, parts.width, header);
    parts.secret = take_place(&reader, parts.width, header);
    (void)read_u32le(&reader);
    parts.package_list = take_place(&reader, parts.width, header);
    TRY(read_end_lax(&reader, "a marshalled identity points outside itself (SspiMarshalAuthIdentity)"));
    REQUIRE(header >= MARSHALLED_HEADER && header <= bytes.size, SEC_E_INVALID_TOKEN,
            "the header of a marshalled identity has an impossible size (SspiMarshalAuthIdentity)");
    REQUIRE((parts.flags & (SEC_WINNT_AUTH_IDENTITY_ANSI | SEC_WINNT_AUTH_IDENTITY_UNICODE)) != 0, SEC_E_INVALID_TOKEN,
            "an identity's Flags say neither ANSI nor UNICODE (SEC_WINNT_AUTH_IDENTITY)");
    return api_identity_block(&parts, out_identity);
}

static SECURITY_STATUS unmarshal_ex2(struct bytes bytes, void **out_identity)
{
    struct reader reader = read_start(bytes);
    (void)read_bytes(&reader, offsetof(SEC_WINNT_AUTH_IDENTITY_EX2, cbStructureLength));
    uint32_t size = read_u32le(&reader);
    REQUIRE(!reader.bad && size >= sizeof(SEC_WINNT_AUTH_IDENTITY_EX2) && size <= bytes.size, SEC_E_INVALID_TOKEN,
            "cbStructureLength and the bytes there are contradict each other (SEC_WINNT_AUTH_IDENTITY_EX2)");
    return api_identity_ex2(bytes_of(bytes.data, size), out_identity);
}

/* The block has been made; what its numbers say is judged as SspiValidateAuthIdentity does. */
static SECURITY_STATUS unmarshal_version(struct bytes bytes, uint32_t version, void **out_identity)
{
    REQUIRE(version == SEC_WINNT_AUTH_IDENTITY_VERSION || version == SEC_WINNT_AUTH_IDENTITY_VERSION_2,
            SEC_E_INVALID_TOKEN, "a marshalled identity of an unknown version (SspiMarshalAuthIdentity)");
    return version == SEC_WINNT_AUTH_IDENTITY_VERSION ? unmarshal_texts(bytes, out_identity)
                                                      : unmarshal_ex2(bytes, out_identity);
}

static SECURITY_STATUS unmarshal(struct bytes bytes, void **out_identity)
{
    struct reader reader = read_start(bytes);
    uint32_t version = read_u32le(&reader);
    TRY(read_end_lax(&reader, "a marshalled identity without a version (SspiMarshalAuthIdentity)"));
    REQUIRE(out_identity != NULL, SEC_E_INVALID_PARAMETER, "ppAuthIdentity is NULL");
    void *identity = NULL;
    struct identity_layout layout;
    TRY(unmarshal_version(bytes, version, &identity));
    SECURITY_STATUS status = identity_layout(identity, &layout);
    /* A header of absurd size would make it a plain structure, whose pointers would be the sender's. */
    if (status < 0 || layout.version != version) {
        SECURITY_STATUS freed = context_buffer_free(identity);
        (void)freed;
        return SEC_E_INVALID_TOKEN;
    }
    *out_identity = identity;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiUnmarshalAuthIdentity(ULONG AuthIdentityLength, PCHAR AuthIdentityByteArray,
                                                    PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity)
{
    status_begin();
    return api_end("SspiUnmarshalAuthIdentity",
                   unmarshal(bytes_of(AuthIdentityByteArray, AuthIdentityLength), ppAuthIdentity));
}

/* ---------------------------------------------------------------- encryption in place */

/* What Flags says of each option (SEC_WINNT_AUTH_IDENTITY_EX2, Flags).  No option is SAME_PROCESS, as
 * SspiEncryptAuthIdentity is (SspiEncryptAuthIdentityEx, Options). */
static SECURITY_STATUS scope_of(ULONG options, uint32_t *out_flags)
{
    switch (options) {
    case 0:
    case SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_PROCESS:
        *out_flags = SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED;
        return SEC_E_OK;
    case SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON:
        *out_flags = SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED;
        return SEC_E_OK;
    case SEC_WINNT_AUTH_IDENTITY_ENCRYPT_FOR_SYSTEM:
        *out_flags = SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_INVALID_PARAMETER, "unknown encryption options (SspiEncryptAuthIdentityEx)");
    }
}

static SECURITY_STATUS encrypt(ULONG options, void *identity)
{
    struct identity_layout layout;
    uint32_t scope = 0;
    TRY(scope_of(options, &scope));
    TRY(api_identity_open(identity, &layout));
    if ((layout.flags & IDENTITY_ENCRYPTED) != 0) {
        return SEC_E_OK;
    }
    REQUIRE(identity_secret_is_apart(&layout), SEC_E_INVALID_TOKEN,
            "the password shares its memory with another member");
    if (options == SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON) { /* SYSTEM_PROTECTED: by the system, for the system */
        scope &= geteuid() == 0 ? SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED
                                : SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED;
    }
    TRY(identity_protect(&layout, scope, identity_secret_bytes(&layout)));
    identity_set_flags(identity, layout.flags | scope);
    return SEC_E_OK;
}

static SECURITY_STATUS decrypt(ULONG options, bool any, void *identity)
{
    struct identity_layout layout;
    uint32_t scope = 0;
    TRY(scope_of(options, &scope));
    TRY(api_identity_open(identity, &layout));
    uint32_t state = layout.flags & IDENTITY_ENCRYPTED;
    if (state == 0) {
        return SEC_E_OK;
    }
    REQUIRE(any || (state & scope) != 0, SEC_E_INVALID_PARAMETER,
            "not the option the identity was encrypted with (SspiDecryptAuthIdentityEx)");
    TRY(identity_unprotect(&layout, identity_secret_bytes(&layout)));
    identity_set_flags(identity, layout.flags & ~(uint32_t)IDENTITY_ENCRYPTED);
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiEncryptAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData)
{
    status_begin();
    return api_end("SspiEncryptAuthIdentity", encrypt(0, AuthData));
}

SECURITY_STATUS SEC_ENTRY SspiEncryptAuthIdentityEx(ULONG Options, PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthData)
{
    status_begin();
    return api_end("SspiEncryptAuthIdentityEx", encrypt(Options, AuthData));
}

SECURITY_STATUS SEC_ENTRY SspiDecryptAuthIdentity(PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData)
{
    status_begin();
    return api_end("SspiDecryptAuthIdentity", decrypt(0, true, EncryptedAuthData));
}

SECURITY_STATUS SEC_ENTRY SspiDecryptAuthIdentityEx(ULONG Options, PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData)
{
    status_begin();
    return api_end("SspiDecryptAuthIdentityEx", decrypt(Options, false, EncryptedAuthData));
}

BOOLEAN SEC_ENTRY SspiIsAuthIdentityEncrypted(PSEC_WINNT_AUTH_IDENTITY_OPAQUE EncryptedAuthData)
{
    struct identity_layout layout;
    status_begin();
    SECURITY_STATUS status = api_end("SspiIsAuthIdentityEncrypted", api_identity_open(EncryptedAuthData, &layout));
    return status == SEC_E_OK && (layout.flags & IDENTITY_ENCRYPTED) != 0;
}
