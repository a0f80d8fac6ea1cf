/* The packages and what they say of themselves; FreeContextBuffer. */
#include "api/api.h"

#include <string.h>
#include <strings.h>

#include "core/context_buffer.h"
#include "module/load.h"

_Static_assert(sizeof(SecPkgInfoA) == sizeof(SecPkgInfoW), "one layout, two widths");

#define PACKAGES_MAX 64

/* Writes an ASCII text, NUL included, in either width. */
static void write_text(struct writer *writer, const char *text, bool wide)
{
    for (const char *c = text;; c++) {
        wide ? write_u16le(writer, (uint8_t)*c) : write_u8(writer, (uint8_t)*c);
        if (*c == '\0') {
            return;
        }
    }
}

static size_t text_size(const char *text, bool wide)
{
    return (strlen(text) + 1) * (wide ? 2 : 1);
}

SECURITY_STATUS api_package_infos(const struct package *const *list, size_t count, bool wide, void **out_block)
{
    size_t size = count * sizeof(SecPkgInfoW);
    for (size_t i = 0; i < count; i++) {
        size += text_size(list[i]->name, wide) + text_size(list[i]->comment, wide);
    }
    SecPkgInfoW *infos = context_buffer_alloc(size);
    REQUIRE(infos != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for package information");
    struct writer writer = write_into(infos, size);
    write_zeros(&writer, count * sizeof *infos);
    for (size_t i = 0; i < count; i++) {
        infos[i].fCapabilities = list[i]->capabilities;
        infos[i].wVersion = SECURITY_SUPPORT_PROVIDER_INTERFACE_VERSION;
        infos[i].wRPCID = list[i]->rpc_id;
        infos[i].cbMaxToken = list[i]->max_token;
        infos[i].Name = (SEC_WCHAR *)(void *)(writer.data + writer.size);
        write_text(&writer, list[i]->name, wide);
        infos[i].Comment = (SEC_WCHAR *)(void *)(writer.data + writer.size);
        write_text(&writer, list[i]->comment, wide);
    }
    *out_block = infos;
    return SEC_E_OK;
}

SECURITY_STATUS api_enumerate_packages(bool wide, ULONG *count, void **infos)
{
    REQUIRE(count != NULL && infos != NULL, SEC_E_INVALID_PARAMETER, "EnumerateSecurityPackages: NULL for a result");
    const struct package *named[PACKAGES_MAX];
    size_t found = 0;
    for (const struct package *at = package_next(NULL); at != NULL && found < PACKAGES_MAX; at = package_next(at)) {
        if (!at->unlisted) {
            named[found++] = at;
        }
    }
    TRY(api_package_infos(named, found, wide, infos));
    *count = (ULONG)found;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY EnumerateSecurityPackagesW(PULONG pcPackages, PSecPkgInfoW *ppPackageInfo)
{
    status_begin();
    return api_end("EnumerateSecurityPackages", api_enumerate_packages(true, pcPackages, (void **)ppPackageInfo));
}

SECURITY_STATUS api_query_package(const struct package *package, bool wide, void **info)
{
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "QuerySecurityPackageInfo: no package of this name");
    REQUIRE(info != NULL, SEC_E_INVALID_PARAMETER, "QuerySecurityPackageInfo: ppPackageInfo is NULL");
    return api_package_infos(&package, 1, wide, info);
}

SECURITY_STATUS SEC_ENTRY QuerySecurityPackageInfoW(SEC_WCHAR *pszPackageName, PSecPkgInfoW *ppPackageInfo)
{
    status_begin();
    const struct package *package = package_find(utf16_from_wide((const uint16_t *)pszPackageName));
    return api_end("QuerySecurityPackageInfo", api_query_package(package, true, (void **)ppPackageInfo));
}

SECURITY_STATUS SEC_ENTRY FreeContextBuffer(PVOID pvContextBuffer)
{
    status_begin();
    return api_end("FreeContextBuffer", context_buffer_free(pvContextBuffer));
}

/* What is part of the library is there already: adding it changes nothing.  Anything else is a module.  What
 * SECPKG_OPTIONS_PERMANENT asks for, the machine's owner does: [packages] allow in sspi.conf(5). */
SECURITY_STATUS api_add_package(struct utf16 name, const SECURITY_PACKAGE_OPTIONS *options)
{
    REQUIRE(name.size != 0, SEC_E_SECPKG_NOT_FOUND, "AddSecurityPackage: no name");
    if (package_find(name) != NULL) {
        return SEC_E_OK;
    }
    REQUIRE(options == NULL || options->Size >= sizeof *options, SEC_E_INVALID_PARAMETER,
            "AddSecurityPackage: pOptions->Size is smaller than the structure");
    REQUIRE(options == NULL || options->Type != SECPKG_OPTIONS_TYPE_LSA, SEC_E_UNSUPPORTED_FUNCTION,
            "AddSecurityPackage: there is no authority's process to load a package into (SECPKG_OPTIONS_TYPE_LSA)");
    REQUIRE(options == NULL || (options->Flags & SECPKG_OPTIONS_PERMANENT) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "AddSecurityPackage: packages are loaded into this process alone (SECPKG_OPTIONS_PERMANENT)");
    AUTO_FREE char *text = NULL;
    TRY(utf16_to_utf8(name, &text, NULL));
    return module_load(text);
}

SECURITY_STATUS api_delete_package(struct utf16 name)
{
    REQUIRE(name.size != 0, SEC_E_SECPKG_NOT_FOUND, "DeleteSecurityPackage: no name");
    AUTO_FREE char *text = NULL;
    TRY(utf16_to_utf8(name, &text, NULL));
    for (size_t i = 0; i < package_count; i++) {
        REQUIRE(strcasecmp(packages[i]->name, text) != 0, SEC_E_UNSUPPORTED_FUNCTION,
                "DeleteSecurityPackage: the package is a part of the library");
    }
    return module_unload(text);
}

SECURITY_STATUS SEC_ENTRY AddSecurityPackageW(LPWSTR pszPackageName, PSECURITY_PACKAGE_OPTIONS pOptions)
{
    status_begin();
    return api_end("AddSecurityPackage", api_add_package(utf16_from_wide((const uint16_t *)pszPackageName), pOptions));
}

SECURITY_STATUS SEC_ENTRY DeleteSecurityPackageW(LPWSTR pszPackageName)
{
    status_begin();
    return api_end("DeleteSecurityPackage", api_delete_package(utf16_from_wide((const uint16_t *)pszPackageName)));
}

/* Only a package that has a protocol for it changes passwords (Kerberos, RFC 3244). */
SECURITY_STATUS api_change_password(const struct package *package, const struct password_change *change,
                                    const SecBufferDesc *output)
{
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "ChangeAccountPassword: no package of this name");
    struct buffers buffers;
    TRY(buffers_open(output, true, &buffers));
    REQUIRE(package->change_password != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "ChangeAccountPassword: the package cannot change passwords");
    return package->change_password(change);
}

SECURITY_STATUS SEC_ENTRY ChangeAccountPasswordW(SEC_WCHAR *pszPackageName, SEC_WCHAR *pszDomainName,
                                                 SEC_WCHAR *pszAccountName, SEC_WCHAR *pszOldPassword,
                                                 SEC_WCHAR *pszNewPassword, BOOLEAN bImpersonating, ULONG dwReserved,
                                                 PSecBufferDesc pOutput)
{
    status_begin();
    const struct package *package = package_find(utf16_from_wide((const uint16_t *)pszPackageName));
    const struct password_change change = {
        utf16_from_wide((const uint16_t *)pszDomainName), utf16_from_wide((const uint16_t *)pszAccountName),
        utf16_from_wide((const uint16_t *)pszOldPassword), utf16_from_wide((const uint16_t *)pszNewPassword)};
    return api_end("ChangeAccountPassword", api_change_password(package, &change, pOutput));
}
