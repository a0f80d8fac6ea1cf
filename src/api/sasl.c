/* SASL profiles (sspi_sasl.h): the mechanisms whose packages are in this build.
 *
 * A profile is a package and, after its own tokens, the choice of a security layer (RFC 4752 3.1, 3.2).  A package without
 * a profile, as NTLM is, cannot be used through these functions.
 */
#include "api/sasl_layer.h"

#include <string.h>

#include "core/context_buffer.h"

static const struct profile {
    const char *name; /* as SASL registers it */
    const char *package;
} profiles[] = {
    {"GSSAPI", "Kerberos"},
    {"GSS-SPNEGO", "Negotiate"},
    {"DIGEST-MD5", "WDigest"},
};

#define PROFILES (sizeof profiles / sizeof profiles[0])

/* ---------------------------------------------------------------- profiles and packages */

static void put_name(struct writer *writer, const char *name, bool wide)
{
    for (const char *c = name;; c++) {
        wide ? write_u16le(writer, (uint8_t)*c) : write_u8(writer, (uint8_t)*c);
        if (*c == '\0') {
            return;
        }
    }
}

/* Names with a NUL each and another one at the end. */
static SECURITY_STATUS enumerate(bool wide, void **out_list, ULONG *out_count)
{
    AUTO_WRITER list = write_growing(1024);
    ULONG count = 0;
    REQUIRE(out_list != NULL && out_count != NULL, SEC_E_INVALID_PARAMETER, "SaslEnumerateProfiles: NULL for a result");
    for (size_t i = 0; i < PROFILES; i++) {
        if (package_find_utf8(profiles[i].package) != NULL) {
            put_name(&list, profiles[i].name, wide);
            count++;
        }
    }
    put_name(&list, "", wide);
    TRY(write_end(&list));
    void *block = context_buffer_copy(write_result(&list));
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a list of profiles");
    *out_list = block;
    *out_count = count;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SaslEnumerateProfilesW(LPWSTR *ProfileList, ULONG *ProfileCount)
{
    status_begin();
    return api_end("SaslEnumerateProfiles", enumerate(true, (void **)ProfileList, ProfileCount));
}

SECURITY_STATUS SEC_ENTRY SaslEnumerateProfilesA(LPSTR *ProfileList, ULONG *ProfileCount)
{
    status_begin();
    return api_end("SaslEnumerateProfiles", enumerate(false, (void **)ProfileList, ProfileCount));
}

/* Names of mechanisms are upper-case letters, digits and two signs (RFC 4422 3.1): bytes are compared. */
static const struct package *profile_package(struct bytes name)
{
    for (size_t i = 0; name.data != NULL && i < PROFILES; i++) {
        if (name.size == strlen(profiles[i].name) && memcmp(name.data, profiles[i].name, name.size) == 0) {
            return package_find_utf8(profiles[i].package);
        }
    }
    return NULL;
}

static SECURITY_STATUS package_info(const struct package *package, bool wide, void **out_info)
{
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "no package of this build has this SASL profile");
    REQUIRE(out_info != NULL, SEC_E_INVALID_PARAMETER, "PackageInfo is NULL");
    return api_package_infos(&package, 1, wide, out_info);
}

SECURITY_STATUS SEC_ENTRY SaslGetProfilePackageA(LPSTR ProfileName, PSecPkgInfoA *PackageInfo)
{
    status_begin();
    struct bytes name = bytes_of(ProfileName, ProfileName != NULL ? strlen(ProfileName) : 0);
    return api_end("SaslGetProfilePackage", package_info(profile_package(name), false, (void **)PackageInfo));
}

static SECURITY_STATUS wide_profile_package(LPCWSTR profile, void **out_info)
{
    AUTO_FREE char *name = NULL;
    size_t size = 0;
    TRY(utf16_to_utf8(utf16_from_wide((const uint16_t *)profile), &name, &size));
    return package_info(profile_package(bytes_of(name, size)), true, out_info);
}

SECURITY_STATUS SEC_ENTRY SaslGetProfilePackageW(LPWSTR ProfileName, PSecPkgInfoW *PackageInfo)
{
    status_begin();
    return api_end("SaslGetProfilePackage", wide_profile_package(ProfileName, (void **)PackageInfo));
}

/* The first message begins with the mechanism's name and a NUL, if anything follows. */
static SECURITY_STATUS identify(const SecBufferDesc *input, bool wide, void **out_info)
{
    struct buffers buffers;
    TRY(buffers_open(input, true, &buffers));
    const SecBuffer *token = buffers_find(&buffers, SECBUFFER_TOKEN);
    REQUIRE(token != NULL && token->cbBuffer != 0, SEC_E_INVALID_TOKEN, "SaslIdentifyPackage: there is no token");
    struct bytes name = buffer_bytes(token);
    name.size = strnlen((const char *)name.data, name.size);
    return package_info(profile_package(name), wide, out_info);
}

SECURITY_STATUS SEC_ENTRY SaslIdentifyPackageW(PSecBufferDesc pInput, PSecPkgInfoW *PackageInfo)
{
    status_begin();
    return api_end("SaslIdentifyPackage", identify(pInput, true, (void **)PackageInfo));
}

SECURITY_STATUS SEC_ENTRY SaslIdentifyPackageA(PSecBufferDesc pInput, PSecPkgInfoA *PackageInfo)
{
    status_begin();
    return api_end("SaslIdentifyPackage", identify(pInput, false, (void **)PackageInfo));
}

/* ---------------------------------------------------------------- contexts */

static bool has_profile(const struct package *package)
{
    for (size_t i = 0; i < PROFILES; i++) {
        const char *name = package->alias_of != NULL ? package->alias_of : package->name;
        if (strcmp(name, profiles[i].package) == 0) {
            return true;
        }
    }
    return false;
}

/* What the package's own steps do not ask: has the package a profile, and is there a place for the token? */
static SECURITY_STATUS check(const struct step_call *call)
{
    AUTO_PINNED pinned = {.object = NULL};
    struct buffers output;
    const struct package *package;
    if (call->context != NULL) {
        TRY(api_pin(HANDLE_CONTEXT, call->context, &pinned));
        package = pinned_context(&pinned)->package;
    } else {
        TRY(api_pin(HANDLE_CREDENTIAL, call->credential, &pinned));
        package = pinned_credential(&pinned)->package;
    }
    REQUIRE(has_profile(package), SEC_E_SECPKG_NOT_FOUND, "the package has no SASL profile");
    TRY(buffers_open(call->output, false, &output));
    REQUIRE(buffers_find(&output, SECBUFFER_TOKEN) != NULL, SEC_E_INVALID_TOKEN, "no TOKEN in pOutput");
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextW(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPWSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "SaslInitializeSecurityContext",
        .initiator = true,
        .sasl = true,
        .target_given = pszTargetName != NULL,
        .target = utf16_from_wide((const uint16_t *)pszTargetName),
        .credential = phCredential,
        .context = phContext,
        .flags = fContextReq,
        .input = pInput,
        .new_context = phNewContext,
        .output = pOutput,
        .attributes = pfContextAttr,
        .expiry = ptsExpiry,
    };
    SECURITY_STATUS status = check(&call);
    return status < 0 ? api_end(call.function, status) : api_step(&call);
}

SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextA(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "SaslInitializeSecurityContext",
        .initiator = true,
        .sasl = true,
        .target_given = pszTargetName != NULL,
        .credential = phCredential,
        .context = phContext,
        .flags = fContextReq,
        .input = pInput,
        .new_context = phNewContext,
        .output = pOutput,
        .attributes = pfContextAttr,
        .expiry = ptsExpiry,
    };
    SECURITY_STATUS status = check(&call);
    if (status < 0) {
        return api_end(call.function, status);
    }
    return pszTargetName != NULL ? api_step_to(pszTargetName, &call) : api_step(&call);
}

SECURITY_STATUS SEC_ENTRY SaslAcceptSecurityContext(PCredHandle phCredential, PCtxtHandle phContext,
                                                    PSecBufferDesc pInput, ULONG fContextReq, ULONG TargetDataRep,
                                                    PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                    SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "SaslAcceptSecurityContext",
        .sasl = true,
        .credential = phCredential,
        .context = phContext,
        .flags = fContextReq,
        .input = pInput,
        .new_context = phNewContext,
        .output = pOutput,
        .attributes = pfContextAttr,
        .expiry = ptsExpiry,
    };
    SECURITY_STATUS status = check(&call);
    return status < 0 ? api_end(call.function, status) : api_step(&call);
}

static SECURITY_STATUS set_option(PCtxtHandle handle, ULONG option, struct bytes value)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, handle, &pinned));
    AUTO_LOCKS locks = context_lock(pinned_context(&pinned), CONTEXT_STEP);
    (void)locks;
    return sasl_set_option(pinned_context(&pinned), option, value);
}

static SECURITY_STATUS get_option(PCtxtHandle handle, ULONG option, void *value, ULONG size, ULONG *needed)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, handle, &pinned));
    AUTO_LOCKS locks = context_lock(pinned_context(&pinned), CONTEXT_STEP);
    (void)locks;
    return sasl_get_option(pinned_context(&pinned), option, value, size, needed);
}

SECURITY_STATUS SEC_ENTRY SaslSetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size)
{
    status_begin();
    return api_end_attribute("SaslSetContextOption", Option, set_option(ContextHandle, Option, bytes_of(Value, Size)));
}

SECURITY_STATUS SEC_ENTRY SaslGetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size,
                                               PULONG Needed)
{
    status_begin();
    return api_end_attribute("SaslGetContextOption", Option, get_option(ContextHandle, Option, Value, Size, Needed));
}
