/* SASL profiles (sspi_sasl.h): the mechanisms whose packages are in this build.
 *
 * A profile is a package and, after its own tokens, the choice of a security layer (RFC 4752 3.1, 3.2).  A package without
 * a profile, as NTLM is, cannot be used through these functions.
 */
#include "api/api.h"

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
        if (strcmp(package->name, profiles[i].package) == 0) {
            return true;
        }
    }
    return false;
}

/* A package with a profile brings the security layer with it: none in this build does. */
static SECURITY_STATUS step(PCredHandle credential, PCtxtHandle context)
{
    AUTO_PINNED pinned = {.object = NULL};
    const struct package *package;
    if (context != NULL) {
        TRY(api_pin(HANDLE_CONTEXT, context, &pinned));
        package = pinned_context(&pinned)->package;
    } else {
        TRY(api_pin(HANDLE_CREDENTIAL, credential, &pinned));
        package = pinned_credential(&pinned)->package;
    }
    REQUIRE(has_profile(package), SEC_E_SECPKG_NOT_FOUND, "the package has no SASL profile");
    FAIL(SEC_E_UNSUPPORTED_FUNCTION, "the package has no security layer for SASL (RFC 4752)");
}

SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextW(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPWSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    return api_end("SaslInitializeSecurityContext", step(phCredential, phContext));
}

SECURITY_STATUS SEC_ENTRY SaslInitializeSecurityContextA(PCredHandle phCredential, PCtxtHandle phContext,
                                                         LPSTR pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                         ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                         PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                         SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    return api_end("SaslInitializeSecurityContext", step(phCredential, phContext));
}

SECURITY_STATUS SEC_ENTRY SaslAcceptSecurityContext(PCredHandle phCredential, PCtxtHandle phContext,
                                                    PSecBufferDesc pInput, ULONG fContextReq, ULONG TargetDataRep,
                                                    PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                    SSPI_OUT_ULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    return api_end("SaslAcceptSecurityContext", step(phCredential, phContext));
}

/* Options belong to contexts that SaslInitialize- or SaslAcceptSecurityContext made. */
static SECURITY_STATUS option(PCtxtHandle context, ULONG option_number)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, context, &pinned));
    REQUIRE(option_number >= SASL_OPTION_SEND_SIZE && option_number <= SASL_OPTION_AUTHZ_PROCESSING,
            SEC_E_UNSUPPORTED_FUNCTION, "an unknown SASL option");
    FAIL(SEC_E_INVALID_HANDLE, "not a context of SASL's");
}

SECURITY_STATUS SEC_ENTRY SaslSetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size)
{
    status_begin();
    return api_end("SaslSetContextOption", option(ContextHandle, Option));
}

SECURITY_STATUS SEC_ENTRY SaslGetContextOption(PCtxtHandle ContextHandle, ULONG Option, PVOID Value, ULONG Size,
                                               PULONG Needed)
{
    status_begin();
    return api_end("SaslGetContextOption", option(ContextHandle, Option));
}
