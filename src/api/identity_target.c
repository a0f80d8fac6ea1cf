/* Identities and what they are for: targets, packages, credential stores, channel bindings; and the functions that ask
 * people, which a library for servers and terminals cannot do. */
#include "api/identity.h"

#pragma GCC visibility push(default)
#include "ntsecpkg.h"
#pragma GCC visibility pop

#include "core/context_buffer.h"
#include "logon/identity.h"
#include "text/names.h"
#include "wire/reader.h"

#define CRED_TYPE_GENERIC         1
#define CRED_TYPE_DOMAIN_PASSWORD 2

/* ---------------------------------------------------------------- prompting */

/* Codes after which other credentials may do better.  The list is not documented. */
BOOLEAN SEC_ENTRY SspiIsPromptingNeeded(ULONG ErrorOrNtStatus)
{
    static const ULONG codes[] = {
        (ULONG)SEC_E_LOGON_DENIED,
        (ULONG)SEC_E_NO_CREDENTIALS,
        (ULONG)SEC_E_UNKNOWN_CREDENTIALS,
        (ULONG)STATUS_LOGON_FAILURE,
        (ULONG)STATUS_WRONG_PASSWORD,
        (ULONG)STATUS_NO_SUCH_USER,
        (ULONG)STATUS_PASSWORD_EXPIRED,
        (ULONG)STATUS_PASSWORD_MUST_CHANGE,
        (ULONG)STATUS_ACCOUNT_DISABLED,
        (ULONG)STATUS_ACCOUNT_LOCKED_OUT,
        ERROR_LOGON_FAILURE,
        ERROR_INVALID_PASSWORD,
        ERROR_WRONG_PASSWORD,
        ERROR_NO_SUCH_USER,
        ERROR_PASSWORD_EXPIRED,
        ERROR_PASSWORD_MUST_CHANGE,
        ERROR_ACCOUNT_DISABLED,
        ERROR_ACCOUNT_LOCKED_OUT,
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (ErrorOrNtStatus == codes[i]) {
            return TRUE;
        }
    }
    return FALSE;
}

static ULONG prompt(const void *target, bool package_given, const struct package *package, const void *result,
                    ULONG flags)
{
    status_begin();
    if (target == NULL || result == NULL || !package_given) {
        return ERROR_INVALID_PARAMETER;
    }
    if ((flags & ~(ULONG)SSPIPFC_VALID_FLAGS) != 0) {
        return ERROR_INVALID_FLAGS;
    }
    return package == NULL ? ERROR_NO_SUCH_PACKAGE : ERROR_NOT_SUPPORTED;
}

ULONG SEC_ENTRY SspiPromptForCredentialsW(PCWSTR pszTargetName, PVOID pUiInfo, ULONG dwAuthError, PCWSTR pszPackage,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE pInputAuthIdentity,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity, int *pfSave, ULONG dwFlags)
{
    const struct package *package = package_find(utf16_from_wide((const uint16_t *)pszPackage));
    return prompt(pszTargetName, pszPackage != NULL, package, ppAuthIdentity, dwFlags);
}

ULONG SEC_ENTRY SspiPromptForCredentialsA(PCSTR pszTargetName, PVOID pUiInfo, ULONG dwAuthError, PCSTR pszPackage,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE pInputAuthIdentity,
                                          PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppAuthIdentity, int *pfSave, ULONG dwFlags)
{
    const struct package *package = pszPackage != NULL ? package_find_utf8(pszPackage) : NULL;
    return prompt(pszTargetName, pszPackage != NULL, package, ppAuthIdentity, dwFlags);
}

/* For credential providers of the Windows desktop. */
static SECURITY_STATUS no_desktop(const char *function)
{
    status_begin();
    return api_end(function, status_fail(SEC_E_UNSUPPORTED_FUNCTION, "for credential providers of the Windows desktop",
                                         __FILE__, __LINE__));
}

SECURITY_STATUS SEC_ENTRY SspiGetCredUIContext(HANDLE ContextHandle, GUID *CredType, LUID *LogonId,
                                               PSEC_WINNT_CREDUI_CONTEXT_VECTOR *CredUIContexts, HANDLE *TokenHandle)
{
    return no_desktop("SspiGetCredUIContext");
}

SECURITY_STATUS SEC_ENTRY SspiUpdateCredentials(HANDLE ContextHandle, GUID *CredType, ULONG FlatCredUIContextLength,
                                                PUCHAR FlatCredUIContext)
{
    return no_desktop("SspiUpdateCredentials");
}

SECURITY_STATUS SEC_ENTRY SspiUnmarshalCredUIContext(PUCHAR MarshaledCredUIContext, ULONG MarshaledCredUIContextLength,
                                                     PSEC_WINNT_CREDUI_CONTEXT *CredUIContext)
{
    return no_desktop("SspiUnmarshalCredUIContext");
}

/* ---------------------------------------------------------------- targets and packages */

static SECURITY_STATUS target_host(PCWSTR target, PWSTR *out_host)
{
    struct utf16 host = names_spn_host(utf16_from_wide((const uint16_t *)target));
    REQUIRE(host.size != 0, SEC_E_INVALID_TOKEN, "SspiGetTargetHostName: the target names no host");
    REQUIRE(out_host != NULL, SEC_E_INVALID_PARAMETER, "pszHostName is NULL");
    return api_identity_text(host, out_host);
}

SECURITY_STATUS SEC_ENTRY SspiGetTargetHostName(PCWSTR pszTargetName, PWSTR *pszHostName)
{
    status_begin();
    return api_end("SspiGetTargetHostName", target_host(pszTargetName, pszHostName));
}

static struct utf16 trimmed(struct utf16 text)
{
    while (text.size != 0 && utf16_unit(text, 0) == ' ') {
        text = utf16_tail(text, 1);
    }
    while (text.size != 0 && utf16_unit(text, utf16_length(text) - 1) == ' ') {
        text = utf16_head(text, utf16_length(text) - 1);
    }
    return text;
}

static struct utf16 without_mark(struct utf16 entry)
{
    return entry.size != 0 && utf16_unit(entry, 0) == '!' ? trimmed(utf16_tail(entry, 1)) : entry;
}

/* The entries of `list` but those about `package`, then "!package". */
static void write_list(struct writer *writer, struct utf16 list, struct utf16 package)
{
    while (list.size != 0) {
        size_t comma = utf16_find(list, ',');
        struct utf16 entry = trimmed(comma == SIZE_MAX ? list : utf16_head(list, comma));
        list = comma == SIZE_MAX ? UTF16_NONE : utf16_tail(list, comma + 1);
        if (entry.size != 0 && !utf16_equal_nocase(without_mark(entry), package)) {
            write_bytes(writer, utf16_bytes(entry));
            write_u16le(writer, ',');
        }
    }
    write_u16le(writer, '!');
    write_bytes(writer, utf16_bytes(package));
}

/* The old structure and the new list behind it. */
static SECURITY_STATUS exclude_ex2(const SEC_WINNT_AUTH_IDENTITY_EX2 *ex2, struct bytes list, void **out_identity)
{
    AUTO_WRITER whole = write_growing(UINT32_MAX);
    void *identity = NULL;
    REQUIRE(list.size <= UINT16_MAX, SEC_E_INVALID_TOKEN, "the package list is too long for EX2");
    write_bytes(&whole, bytes_of(ex2, ex2->cbStructureLength));
    write_zeros(&whole, ex2->cbStructureLength % 2);
    uint32_t offset = (uint32_t)whole.size;
    write_bytes(&whole, list);
    TRY(write_end(&whole));
    TRY(api_identity_ex2(write_result(&whole), &identity));
    SEC_WINNT_AUTH_IDENTITY_EX2 *changed = identity;
    changed->cbStructureLength = (ULONG)whole.size;
    changed->PackageListOffset = offset;
    changed->PackageListLength = (USHORT)list.size;
    *out_identity = identity;
    return SEC_E_OK;
}

#define LIST_MAX 0x10000

static SECURITY_STATUS exclude(const void *identity, PCWSTR package, void **out_identity)
{
    struct identity_layout layout = {.flags = SEC_WINNT_AUTH_IDENTITY_UNICODE, .width = 2};
    struct utf16 name = trimmed(utf16_from_wide((const uint16_t *)package));
    REQUIRE(name.size != 0, SEC_E_INVALID_TOKEN, "SspiExcludePackage: no package");
    REQUIRE(out_identity != NULL, SEC_E_INVALID_PARAMETER, "ppNewAuthIdentity is NULL");
    if (identity != NULL) {
        TRY(api_identity_open(identity, &layout));
    }
    AUTO_UTF16 list = UTF16_NONE;
    TRY(identity_member(&layout, layout.package_list, &list));
    AUTO_WRITER changed = write_growing(LIST_MAX);
    write_list(&changed, list, name);
    TRY(write_end(&changed));
    if (layout.version == SEC_WINNT_AUTH_IDENTITY_VERSION_2) {
        return exclude_ex2(identity, write_result(&changed), out_identity);
    }
    AUTO_FREE char *narrow = NULL;
    layout.package_list = write_result(&changed);
    if (layout.width == 1) {
        TRY(utf16_to_utf8(utf16_of(write_result(&changed)), &narrow, &layout.package_list.size));
        layout.package_list.data = (const uint8_t *)narrow;
    }
    layout.version = SEC_WINNT_AUTH_IDENTITY_VERSION;
    return api_identity_block(&layout, out_identity);
}

SECURITY_STATUS SEC_ENTRY SspiExcludePackage(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszPackageName,
                                             PSEC_WINNT_AUTH_IDENTITY_OPAQUE *ppNewAuthIdentity)
{
    status_begin();
    return api_end("SspiExcludePackage", exclude(AuthIdentity, pszPackageName, ppNewAuthIdentity));
}

/* ---------------------------------------------------------------- credential stores */

static void free_block(void *pointer_to_pointer)
{
    SECURITY_STATUS status = context_buffer_free(*(void **)pointer_to_pointer);
    (void)status; /* our own block */
}

#define AUTO_BLOCK AUTO(free_block)

/* domain\user, or the user alone. */
static SECURITY_STATUS qualified_name(const struct identity *identity, WCHAR **out)
{
    AUTO_WRITER name = write_growing(LIST_MAX);
    write_bytes(&name, utf16_bytes(identity->domain));
    if (identity->domain.size != 0) {
        write_u16le(&name, '\\');
    }
    write_bytes(&name, utf16_bytes(identity->user));
    REQUIRE(name.size != 0, SEC_E_INVALID_TOKEN, "an identity without a name cannot be stored");
    TRY(write_end(&name));
    return api_identity_text(utf16_of(write_result(&name)), out);
}

static SECURITY_STATUS store_target(const struct identity *identity, PCWSTR target, WCHAR **out)
{
    return target != NULL ? api_identity_text(utf16_from_wide((const uint16_t *)target), out)
                          : qualified_name(identity, out);
}

static ULONG store_type(const struct identity *identity)
{
    return (identity->flags & SEC_WINNT_AUTH_IDENTITY_FLAGS_ID_PROVIDER) != 0 ? CRED_TYPE_GENERIC
                                                                              : CRED_TYPE_DOMAIN_PASSWORD;
}

static SECURITY_STATUS open_for_store(const void *identity, struct identity *out)
{
    REQUIRE(identity != NULL, SEC_E_INVALID_TOKEN, "the identity is NULL");
    SECURITY_STATUS status = identity_parse(identity, out);
    return status == SEC_E_UNKNOWN_CREDENTIALS ? SEC_E_INVALID_TOKEN : status;
}

static SECURITY_STATUS prepare_read(const void *identity, PCWSTR target, ULONG *type, PCWSTR *store_name)
{
    AUTO_IDENTITY parsed = {0};
    WCHAR *name = NULL;
    TRY(open_for_store(identity, &parsed));
    REQUIRE(type != NULL && store_name != NULL, SEC_E_INVALID_PARAMETER, "SspiPrepareForCredRead: NULL for a result");
    TRY(store_target(&parsed, target, &name));
    *type = store_type(&parsed);
    *store_name = name;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiPrepareForCredRead(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszTargetName,
                                                 PULONG pCredmanCredentialType, PCWSTR *ppszCredmanTargetName)
{
    status_begin();
    return api_end("SspiPrepareForCredRead",
                   prepare_read(AuthIdentity, pszTargetName, pCredmanCredentialType, ppszCredmanTargetName));
}

struct store_entry {
    ULONG *type;
    PCWSTR *target, *user;
    PUCHAR *blob;
    ULONG *blob_size;
};

static SECURITY_STATUS prepare_write(const void *identity, PCWSTR target, const struct store_entry *out)
{
    AUTO_IDENTITY parsed = {0};
    TRY(open_for_store(identity, &parsed));
    REQUIRE(out->type != NULL && out->target != NULL && out->user != NULL && out->blob != NULL &&
                out->blob_size != NULL,
            SEC_E_INVALID_PARAMETER, "SspiPrepareForCredWrite: NULL for a result");
    REQUIRE(!parsed.has_nt_hash, SEC_E_INVALID_TOKEN, "a hash cannot be stored as a password");
    AUTO_BLOCK WCHAR *store_name = NULL;
    AUTO_BLOCK WCHAR *user = NULL;
    TRY(store_target(&parsed, target, &store_name));
    TRY(qualified_name(&parsed, &user));
    PUCHAR blob = parsed.has_password ? context_buffer_copy(secret_bytes(&parsed.password)) : NULL;
    REQUIRE(blob != NULL || !parsed.has_password, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a password");
    *out->type = store_type(&parsed);
    *out->target = STEAL(store_name);
    *out->user = STEAL(user);
    *out->blob = blob;
    *out->blob_size = (ULONG)parsed.password.size;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiPrepareForCredWrite(PSEC_WINNT_AUTH_IDENTITY_OPAQUE AuthIdentity, PCWSTR pszTargetName,
                                                  PULONG pCredmanCredentialType, PCWSTR *ppszCredmanTargetName,
                                                  PCWSTR *ppszCredmanUserName, PUCHAR *ppCredentialBlob,
                                                  PULONG pCredentialBlobSize)
{
    const struct store_entry entry = {pCredmanCredentialType, ppszCredmanTargetName, ppszCredmanUserName,
                                      ppCredentialBlob, pCredentialBlobSize};
    status_begin();
    return api_end("SspiPrepareForCredWrite", prepare_write(AuthIdentity, pszTargetName, &entry));
}

/* ---------------------------------------------------------------- channel bindings */

/* The data that an address or the application has, by offset and length. */
struct binding {
    ULONG type;
    struct bytes data;
};

/* All three data behind one another, after a header of the long form. */
static SECURITY_STATUS write_bindings_ex(const struct binding parts[3], ULONG flags, void **out_block, ULONG *out_size)
{
    SEC_CHANNEL_BINDINGS_EX ex = {
        .magicNumber = SEC_CHANNEL_BINDINGS_EX_MAGIC, .flags = flags, .cbHeaderLength = sizeof ex};
    AUTO_WRITER data = write_growing(UINT32_MAX);
    ULONG offsets[3] = {0, 0, 0};
    write_zeros(&data, sizeof ex);
    for (size_t i = 0; i < 3; i++) {
        offsets[i] = parts[i].data.size != 0 ? (ULONG)data.size : 0;
        write_bytes(&data, parts[i].data);
    }
    TRY(write_end(&data));
    ex.cbStructureLength = (ULONG)data.size;
    ex.dwInitiatorAddrType = parts[0].type;
    ex.cbInitiatorLength = (ULONG)parts[0].data.size;
    ex.dwInitiatorOffset = offsets[0];
    ex.dwAcceptorAddrType = parts[1].type;
    ex.cbAcceptorLength = (ULONG)parts[1].data.size;
    ex.dwAcceptorOffset = offsets[1];
    ex.cbApplicationDataLength = (ULONG)parts[2].data.size;
    ex.dwApplicationDataOffset = offsets[2];
    write_patch(&data, 0, bytes_of(&ex, sizeof ex));
    *out_block = context_buffer_copy(write_result(&data));
    REQUIRE(*out_block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for channel bindings");
    *out_size = (ULONG)data.size;
    return SEC_E_OK;
}

static SECURITY_STATUS set_binding_flags(SecPkgContext_Bindings *bindings, ULONG flags)
{
    REQUIRE((flags & ~(ULONG)SEC_CHANNEL_BINDINGS_VALID_FLAGS) == 0, SEC_E_INVALID_PARAMETER,
            "unknown flags (SspiSetChannelBindingFlags)");
    REQUIRE(bindings != NULL && bindings->Bindings != NULL && bindings->BindingsLength >= sizeof(SEC_CHANNEL_BINDINGS),
            SEC_E_INVALID_TOKEN, "there are no bindings (SspiSetChannelBindingFlags)");
    struct reader reader = read_start(bytes_of(bindings->Bindings, bindings->BindingsLength));
    SEC_CHANNEL_BINDINGS_EX *ex = (SEC_CHANNEL_BINDINGS_EX *)bindings->Bindings;
    if (ex->magicNumber == SEC_CHANNEL_BINDINGS_EX_MAGIC) {
        REQUIRE(bindings->BindingsLength >= sizeof *ex, SEC_E_INVALID_TOKEN,
                "bindings shorter than their header (SEC_CHANNEL_BINDINGS_EX)");
        ex->flags = flags;
        return SEC_E_OK;
    }
    const SEC_CHANNEL_BINDINGS *old = bindings->Bindings;
    const struct binding parts[3] = {
        {old->dwInitiatorAddrType, read_at(&reader, old->dwInitiatorOffset, old->cbInitiatorLength)},
        {old->dwAcceptorAddrType, read_at(&reader, old->dwAcceptorOffset, old->cbAcceptorLength)},
        {0, read_at(&reader, old->dwApplicationDataOffset, old->cbApplicationDataLength)},
    };
    TRY(read_end_lax(&reader, "bindings point outside themselves (SEC_CHANNEL_BINDINGS)"));
    void *block = NULL;
    ULONG size = 0;
    TRY(write_bindings_ex(parts, flags, &block, &size));
    SECURITY_STATUS freed = context_buffer_free(bindings->Bindings);
    (void)freed; /* QueryContextAttributes gave it out (SspiSetChannelBindingFlags, pBindings) */
    bindings->Bindings = block;
    bindings->BindingsLength = size;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiSetChannelBindingFlags(PSecPkgContext_Bindings pBindings, ULONG flags)
{
    status_begin();
    return api_end("SspiSetChannelBindingFlags", set_binding_flags(pBindings, flags));
}

/* ---------------------------------------------------------------- the call context
 *
 * On Windows the address and the flags go into the audit log of the authority.  Nothing of ours audits, so that they are
 * checked and nothing has to be forgotten again: *FreeCallContext is FALSE. */

static SECURITY_STATUS call_context(const void *value, ULONG size, PBOOL must_free)
{
    REQUIRE((value != NULL || size == 0) && must_free != NULL, SEC_E_INVALID_PARAMETER,
            "the call context: an argument is NULL");
    *must_free = FALSE;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SeciAllocateAndSetIPAddress(PUCHAR IPAddress, ULONG IPAddressLength, PBOOL FreeCallContext)
{
    status_begin();
    return api_end("SeciAllocateAndSetIPAddress", call_context(IPAddress, IPAddressLength, FreeCallContext));
}

SECURITY_STATUS SEC_ENTRY SeciAllocateAndSetCallFlags(ULONG Flags, PBOOL FreeCallContext)
{
    status_begin();
    return api_end("SeciAllocateAndSetCallFlags", call_context(&Flags, sizeof Flags, FreeCallContext));
}

VOID SEC_ENTRY SeciFreeCallContext(void)
{
    status_begin();
}
