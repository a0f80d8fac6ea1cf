/* Credentials: acquired, given back, asked and changed. */
#include "api/api.h"

/* What fCredentialUse asks for beside the direction. */
#define USE_FLAGS (SECPKG_CRED_AUTOLOGON_RESTRICTED | SECPKG_CRED_PROCESS_POLICY_ONLY)

static void close_credential(struct credential **credential)
{
    credential_close(*credential);
}

/* The order of the checks is the one observed on Windows: the package's name first, then the use, then what the package
 * says of the auth data, and phCredential last. */
static SECURITY_STATUS acquire(const struct acquire_call *call)
{
    REQUIRE(call->package != NULL, SEC_E_SECPKG_NOT_FOUND, "AcquireCredentialsHandle: no package of this name");
    struct credential_in in = {
        .principal = call->principal,
        .use = call->use & SECPKG_CRED_BOTH,
        .use_flags = call->use & USE_FLAGS,
        .auth_data = call->auth_data,
    };
    REQUIRE(in.use != 0, SEC_E_NO_CREDENTIALS, "AcquireCredentialsHandle: fCredentialUse names no direction");
    AUTO(close_credential) struct credential *credential = NULL;
    uint64_t expiry = CLOCK_NEVER;
    TRY(credential_acquire(call->package, &in, HANDLE_CREDENTIAL, &credential, &expiry));
    REQUIRE(call->credential != NULL, SEC_E_INVALID_HANDLE, "AcquireCredentialsHandle: phCredential is NULL");
    *call->credential = STEAL(credential)->handle;
    api_time(expiry, call->expiry);
    return SEC_E_OK;
}

SECURITY_STATUS api_acquire(const struct acquire_call *call)
{
    SECURITY_STATUS status = acquire(call);
    if (__builtin_expect(trace_on, 0)) {
        uint32_t use = call->use & SECPKG_CRED_BOTH;
        api_trace_detail("AcquireCredentialsHandle", status, " %s, %s, %s",
                         call->package != NULL ? call->package->name : "?",
                         use == 0                      ? "no direction"
                         : use == SECPKG_CRED_INBOUND  ? "inbound"
                         : use == SECPKG_CRED_OUTBOUND ? "outbound"
                                                       : "both directions",
                         call->auth_data != NULL ? "identity given" : "default identity");
    }
    return status;
}

SECURITY_STATUS SEC_ENTRY AcquireCredentialsHandleW(SEC_WCHAR *pszPrincipal, SEC_WCHAR *pszPackage,
                                                    ULONG fCredentialUse, PVOID pvLogonID, PVOID pAuthData,
                                                    SEC_GET_KEY_FN pGetKeyFn, PVOID pvGetKeyArgument,
                                                    PCredHandle phCredential, PTimeStamp ptsExpiry)
{
    status_begin();
    struct acquire_call call = {
        .principal = utf16_from_wide((const uint16_t *)pszPrincipal),
        .package = package_find(utf16_from_wide((const uint16_t *)pszPackage)),
        .use = fCredentialUse,
        .auth_data = pAuthData,
        .credential = phCredential,
        .expiry = ptsExpiry,
    };
    return api_acquire(&call);
}

SECURITY_STATUS SEC_ENTRY FreeCredentialsHandle(PCredHandle phCredential)
{
    status_begin();
    SecHandle handle = phCredential != NULL ? *phCredential : (SecHandle){0, 0};
    return api_end("FreeCredentialsHandle", handle_close(HANDLE_CREDENTIAL, &handle));
}

/* `package` NULL: that of the handle, as the caller named none; `named` says whether he did. */
SECURITY_STATUS api_add_credentials(const struct acquire_call *call, bool named)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CREDENTIAL, call->credential, &pinned));
    struct credential *credential = pinned_credential(&pinned);
    REQUIRE(call->package != NULL || !named, SEC_E_SECPKG_NOT_FOUND, "AddCredentials: no package of this name");
    REQUIRE(credential->package->add != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "AddCredentials: the package takes one credential a handle");
    struct credential_in in = {
        .principal = call->principal,
        .use = call->use & SECPKG_CRED_BOTH,
        .use_flags = call->use & USE_FLAGS,
        .auth_data = call->auth_data,
    };
    REQUIRE(in.use != 0, SEC_E_NO_CREDENTIALS, "AddCredentials: fCredentialUse names no direction");
    uint64_t expiry = CLOCK_NEVER;
    TRY(credential->package->add(credential, named ? call->package : credential->package, &in, &expiry));
    api_time(expiry, call->expiry);
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY AddCredentialsW(PCredHandle hCredentials, SEC_WCHAR *pszPrincipal, SEC_WCHAR *pszPackage,
                                          ULONG fCredentialUse, PVOID pAuthData, SEC_GET_KEY_FN pGetKeyFn,
                                          PVOID pvGetKeyArgument, PTimeStamp ptsExpiry)
{
    status_begin();
    struct acquire_call call = {
        .principal = utf16_from_wide((const uint16_t *)pszPrincipal),
        .package = package_find(utf16_from_wide((const uint16_t *)pszPackage)),
        .use = fCredentialUse,
        .auth_data = pAuthData,
        .credential = hCredentials,
        .expiry = ptsExpiry,
    };
    return api_end("AddCredentials", api_add_credentials(&call, pszPackage != NULL));
}

SECURITY_STATUS api_set_credential(PCredHandle credential, ULONG attribute, const void *value, size_t size)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CREDENTIAL, credential, &pinned));
    const struct package *package = pinned_credential(&pinned)->package;
    REQUIRE(package->set_credential != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package's credentials have nothing to set");
    REQUIRE(value != NULL || size == 0, SEC_E_INVALID_TOKEN, "pBuffer is NULL with a size");
    return package->set_credential(pinned_credential(&pinned), attribute, bytes_of(value, size));
}

/* The attributes behind SspiExtSetVerifier and SspiExtSetDigestLookup carry pointers: they have their own functions and are
 * none of SetCredentialsAttributes' numbers. */
static SECURITY_STATUS set_public(PCredHandle credential, ULONG attribute, const void *value, size_t size)
{
    bool private = attribute == SSPI_EXT_CRED_ATTR_VERIFIER || attribute == SSPI_EXT_CRED_ATTR_DIGEST_LOOKUP;
    REQUIRE(!private, SEC_E_UNSUPPORTED_FUNCTION, "no such credential attribute");
    return api_set_credential(credential, attribute, value, size);
}

SECURITY_STATUS SEC_ENTRY SetCredentialsAttributesW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("SetCredentialsAttributes", ulAttribute,
                             set_public(phCredential, ulAttribute, pBuffer, cbBuffer));
}

/* No attribute that is set has a text in the width of the function: KDC proxy settings are UTF-16 in both
 * (SecPkgCredentials_KdcProxySettingsW). */
SECURITY_STATUS SEC_ENTRY SetCredentialsAttributesA(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("SetCredentialsAttributes", ulAttribute,
                             set_public(phCredential, ulAttribute, pBuffer, cbBuffer));
}
