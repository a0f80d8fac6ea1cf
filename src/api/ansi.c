/* Every function with an A form.  A text is UTF-8; it becomes UTF-16 here and goes on to the core that the W twin uses. */
#include "api/api.h"

#include <string.h>

#define SHORT_TEXT 256

/* A caller's text as UTF-16: on the stack when it is short ASCII, as service names are. */
struct ansi_text {
    struct utf16 text;
    struct utf16 owned;
    uint8_t wide[2 * SHORT_TEXT];
};

static void ansi_close(struct ansi_text *text)
{
    utf16_free(&text->owned);
}

#define AUTO_ANSI AUTO(ansi_close) struct ansi_text

static SECURITY_STATUS ansi_open(const char *ansi, struct ansi_text *out)
{
    out->owned = UTF16_NONE;
    out->text = UTF16_NONE;
    if (ansi == NULL) {
        return SEC_E_OK;
    }
    size_t size = 0;
    while (size < SHORT_TEXT && ansi[size] != '\0' && (uint8_t)ansi[size] < 0x80) {
        out->wide[2 * size] = (uint8_t)ansi[size];
        out->wide[2 * size + 1] = 0;
        size++;
    }
    if (size < SHORT_TEXT && ansi[size] == '\0') {
        out->text = (struct utf16){out->wide, 2 * size};
        return SEC_E_OK;
    }
    TRY(utf16_from_utf8(bytes_of(ansi, strlen(ansi)), &out->owned));
    out->text = out->owned;
    return SEC_E_OK;
}

static const struct package *find(const char *name)
{
    return name != NULL ? package_find_utf8(name) : NULL;
}

/* ---------------------------------------------------------------- packages */

SECURITY_STATUS SEC_ENTRY EnumerateSecurityPackagesA(PULONG pcPackages, PSecPkgInfoA *ppPackageInfo)
{
    status_begin();
    return api_end("EnumerateSecurityPackages", api_enumerate_packages(false, pcPackages, (void **)ppPackageInfo));
}

SECURITY_STATUS SEC_ENTRY QuerySecurityPackageInfoA(SEC_CHAR *pszPackageName, PSecPkgInfoA *ppPackageInfo)
{
    status_begin();
    return api_end("QuerySecurityPackageInfo", api_query_package(find(pszPackageName), false, (void **)ppPackageInfo));
}

static SECURITY_STATUS add_package(const char *name, const SECURITY_PACKAGE_OPTIONS *options)
{
    AUTO_ANSI text;
    TRY(ansi_open(name, &text));
    return api_add_package(text.text, options);
}

static SECURITY_STATUS delete_package(const char *name)
{
    AUTO_ANSI text;
    TRY(ansi_open(name, &text));
    return api_delete_package(text.text);
}

SECURITY_STATUS SEC_ENTRY AddSecurityPackageA(LPSTR pszPackageName, PSECURITY_PACKAGE_OPTIONS pOptions)
{
    status_begin();
    return api_end("AddSecurityPackage", add_package(pszPackageName, pOptions));
}

SECURITY_STATUS SEC_ENTRY DeleteSecurityPackageA(LPSTR pszPackageName)
{
    status_begin();
    return api_end("DeleteSecurityPackage", delete_package(pszPackageName));
}

static struct bytes c_string(const char *text)
{
    return bytes_of(text, text != NULL ? strlen(text) : 0);
}

static SECURITY_STATUS change_password(const struct package *package, const char *domain, const char *user,
                                       const char *old_password, const char *new_password, const SecBufferDesc *output)
{
    AUTO_UTF16 wide_domain = UTF16_NONE;
    AUTO_UTF16 wide_user = UTF16_NONE;
    AUTO_UTF16 wide_old = UTF16_NONE;
    AUTO_UTF16 wide_new = UTF16_NONE;
    TRY(utf16_from_utf8(c_string(domain), &wide_domain));
    TRY(utf16_from_utf8(c_string(user), &wide_user));
    TRY(utf16_from_utf8(c_string(old_password), &wide_old));
    TRY(utf16_from_utf8(c_string(new_password), &wide_new));
    const struct password_change change = {wide_domain, wide_user, wide_old, wide_new};
    return api_change_password(package, &change, output);
}

SECURITY_STATUS SEC_ENTRY ChangeAccountPasswordA(SEC_CHAR *pszPackageName, SEC_CHAR *pszDomainName,
                                                 SEC_CHAR *pszAccountName, SEC_CHAR *pszOldPassword,
                                                 SEC_CHAR *pszNewPassword, BOOLEAN bImpersonating, ULONG dwReserved,
                                                 PSecBufferDesc pOutput)
{
    status_begin();
    return api_end("ChangeAccountPassword", change_password(find(pszPackageName), pszDomainName, pszAccountName,
                                                            pszOldPassword, pszNewPassword, pOutput));
}

/* ---------------------------------------------------------------- credentials */

static SECURITY_STATUS acquire(const char *principal, struct acquire_call *call)
{
    AUTO_ANSI text;
    TRY(ansi_open(principal, &text));
    call->principal = text.text;
    return api_acquire(call);
}

SECURITY_STATUS SEC_ENTRY AcquireCredentialsHandleA(SEC_CHAR *pszPrincipal, SEC_CHAR *pszPackage, ULONG fCredentialUse,
                                                    PVOID pvLogonID, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                                    PVOID pvGetKeyArgument, PCredHandle phCredential,
                                                    PTimeStamp ptsExpiry)
{
    status_begin();
    struct acquire_call call = {
        .package = find(pszPackage),
        .use = fCredentialUse,
        .auth_data = pAuthData,
        .credential = phCredential,
        .expiry = ptsExpiry,
    };
    return acquire(pszPrincipal, &call);
}

static SECURITY_STATUS add_credentials(const char *principal, bool named, struct acquire_call *call)
{
    AUTO_ANSI text;
    TRY(ansi_open(principal, &text));
    call->principal = text.text;
    return api_add_credentials(call, named);
}

SECURITY_STATUS SEC_ENTRY AddCredentialsA(PCredHandle hCredentials, SEC_CHAR *pszPrincipal, SEC_CHAR *pszPackage,
                                          ULONG fCredentialUse, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                          PVOID pvGetKeyArgument, PTimeStamp ptsExpiry)
{
    status_begin();
    struct acquire_call call = {
        .package = find(pszPackage),
        .use = fCredentialUse,
        .auth_data = pAuthData,
        .credential = hCredentials,
        .expiry = ptsExpiry,
    };
    return api_end("AddCredentials", add_credentials(pszPrincipal, pszPackage != NULL, &call));
}

SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer)
{
    status_begin();
    return api_end_attribute("QueryCredentialsAttributes", ulAttribute,
                             api_query_credential(phCredential, ulAttribute, pBuffer, SIZE_UNKNOWN, false));
}

SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesExA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                        ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("QueryCredentialsAttributesEx", ulAttribute,
                             api_query_credential(phCredential, ulAttribute, pBuffer, cbBuffer, false));
}

/* ---------------------------------------------------------------- contexts */

/* Apart, so that a call without a target does not pay for the text's place on the stack. */
SECURITY_STATUS api_step_to(const char *target, struct step_call *call)
{
    AUTO_ANSI text;
    TRY(ansi_open(target, &text));
    call->target = text.text;
    return api_step(call);
}

SECURITY_STATUS SEC_ENTRY InitializeSecurityContextA(PCredHandle phCredential, PCtxtHandle phContext,
                                                     SEC_CHAR *pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                     ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                     PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                     PULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "InitializeSecurityContext",
        .initiator = true,
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
    return pszTargetName != NULL ? api_step_to(pszTargetName, &call) : api_step(&call);
}

SECURITY_STATUS SEC_ENTRY ImportSecurityContextA(SEC_CHAR *pszPackage, PSecBuffer pPackedContext, HANDLE Token,
                                                 PCtxtHandle phContext)
{
    status_begin();
    return api_end("ImportSecurityContext", api_import(find(pszPackage), pPackedContext, phContext));
}

SECURITY_STATUS SEC_ENTRY QueryContextAttributesA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer)
{
    status_begin();
    return api_end_attribute("QueryContextAttributes", ulAttribute,
                             api_query_context(phContext, ulAttribute, pBuffer, SIZE_UNKNOWN, false));
}

SECURITY_STATUS SEC_ENTRY QueryContextAttributesExA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("QueryContextAttributesEx", ulAttribute,
                             api_query_context(phContext, ulAttribute, pBuffer, cbBuffer, false));
}

/* No attribute that is set has a text in the width of the function. */
SECURITY_STATUS SEC_ENTRY SetContextAttributesA(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer, ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("SetContextAttributes", ulAttribute,
                             api_set_context(phContext, ulAttribute, pBuffer, cbBuffer));
}
