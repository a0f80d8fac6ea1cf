/* Attributes: what a package answers in core's terms is laid out here as the SDK's structs, A or W.
 *
 * Every pointer handed out is its own context buffer of exactly the size needed (sspi-structs 3).  A struct is written only
 * when all of its parts are there. */
#include "api/layout.h"

#include <string.h>

void layout_free_block(void **block)
{
    SECURITY_STATUS freed = context_buffer_free(*block);
    (void)freed;
}

/* ---------------------------------------------------------------- parts */

SECURITY_STATUS layout_text(struct utf16 text, bool wide, void **out)
{
    size_t size = wide ? text.size : utf16_utf8_size(text);
    void *block = context_buffer_alloc(size + (wide ? 2 : 1));
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an attribute's text");
    if (wide) {
        struct writer writer = write_into(block, size + 2);
        write_bytes(&writer, utf16_bytes(text));
        write_u16le(&writer, 0);
    } else {
        utf16_utf8_write(text, block);
        ((char *)block)[size] = '\0';
    }
    *out = block;
    return SEC_E_OK;
}

SECURITY_STATUS layout_ascii(const char *text, bool wide, void **out)
{
    size_t size = strlen(text) + 1;
    void *block = context_buffer_alloc(wide ? 2 * size : size);
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an attribute's text");
    struct writer writer = write_into(block, wide ? 2 * size : size);
    for (size_t i = 0; i < size; i++) {
        wide ? write_u16le(&writer, (uint8_t)text[i]) : write_u8(&writer, (uint8_t)text[i]);
    }
    *out = block;
    return SEC_E_OK;
}

SECURITY_STATUS layout_bytes(struct bytes bytes, void **out)
{
    *out = context_buffer_copy(bytes);
    REQUIRE(*out != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an attribute");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- layouts */

static SECURITY_STATUS lay_sizes(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgContext_Sizes *)out = (SecPkgContext_Sizes){
        .cbMaxToken = value->sizes.max_token,
        .cbMaxSignature = value->sizes.max_signature,
        .cbBlockSize = value->sizes.block_size,
        .cbSecurityTrailer = value->sizes.security_trailer,
    };
    return SEC_E_OK;
}

/* NAMES, AUTHORITY and the credential's NAMES are a struct of one string. */
static SECURITY_STATUS lay_name(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *text;
    TRY(layout_text(value->name, wide, &text));
    ((SecPkgContext_NamesW *)out)->sUserName = text;
    return SEC_E_OK;
}

/* There is no A form of this one: the client's target is always wide (SecPkgContext_ClientSpecifiedTarget). */
static SECURITY_STATUS lay_wide_name(struct context *context, struct attribute *value, bool wide, void *out)
{
    return lay_name(context, value, true, out);
}

static SECURITY_STATUS lay_native_names(struct context *context, struct attribute *value, bool wide, void *out)
{
    AUTO_BLOCK client = NULL;
    void *server;
    TRY(layout_text(value->native_names.client, wide, &client));
    TRY(layout_text(value->native_names.server, wide, &server));
    *(SecPkgContext_NativeNamesW *)out =
        (SecPkgContext_NativeNamesW){.sClientName = STEAL(client), .sServerName = server};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_lifespan(struct context *context, struct attribute *value, bool wide, void *out)
{
    SecPkgContext_Lifespan *lifespan = out;
    api_time(value->lifespan.start, &lifespan->tsStart);
    api_time(value->lifespan.expiry, &lifespan->tsExpiry);
    return SEC_E_OK;
}

/* AuthzSvc RPC_C_AUTHZ_NAME (1): what follows is the client's principal name, always wide. */
static SECURITY_STATUS lay_dce_info(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *text;
    TRY(layout_text(value->name, true, &text));
    *(SecPkgContext_DceInfo *)out = (SecPkgContext_DceInfo){.AuthzSvc = 1, .pPac = text};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_key_info(struct context *context, struct attribute *value, bool wide, void *out)
{
    AUTO_BLOCK signature = NULL;
    void *encryption;
    TRY(layout_ascii(value->key_info.signature, wide, &signature));
    TRY(layout_ascii(value->key_info.encryption, wide, &encryption));
    *(SecPkgContext_KeyInfoW *)out = (SecPkgContext_KeyInfoW){
        .sSignatureAlgorithmName = STEAL(signature),
        .sEncryptAlgorithmName = encryption,
        .KeySize = value->key_info.key_bits,
        .SignatureAlgorithm = value->key_info.signature_id,
        .EncryptAlgorithm = value->key_info.encryption_id,
    };
    return SEC_E_OK;
}

static SECURITY_STATUS lay_session_key(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *key;
    TRY(layout_bytes(value->bytes, &key));
    *(SecPkgContext_SessionKey *)out =
        (SecPkgContext_SessionKey){.SessionKeyLength = (ULONG)value->bytes.size, .SessionKey = key};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_target_information(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *information;
    TRY(layout_bytes(value->bytes, &information));
    *(SecPkgContext_TargetInformation *)out = (SecPkgContext_TargetInformation){
        .MarshalledTargetInfoLength = (ULONG)value->bytes.size, .MarshalledTargetInfo = information};
    return SEC_E_OK;
}

/* FLAGS, USER_FLAGS, LAST_CLIENT_TOKEN_STATUS and NEGO_STATUS are a struct of one 32-bit number. */
SECURITY_STATUS layout_number(struct context *context, struct attribute *value, bool wide, void *out)
{
    ((SecPkgContext_Flags *)out)->Flags = value->number;
    return SEC_E_OK;
}

/* PASSWORD_EXPIRY and LOGOFF_TIME are a struct of one time. */
static SECURITY_STATUS lay_time(struct context *context, struct attribute *value, bool wide, void *out)
{
    api_time(value->time, &((SecPkgContext_PasswordExpiry *)out)->tsPasswordExpires);
    return SEC_E_OK;
}

SECURITY_STATUS layout_package_info(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *info;
    TRY(api_package_infos(&value->negotiation.package, 1, wide, &info));
    ((SecPkgContext_PackageInfoW *)out)->PackageInfo = info;
    return SEC_E_OK;
}

static SECURITY_STATUS lay_negotiation_info(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *info;
    TRY(api_package_infos(&value->negotiation.package, 1, wide, &info));
    *(SecPkgContext_NegotiationInfoW *)out =
        (SecPkgContext_NegotiationInfoW){.PackageInfo = info, .NegotiationState = value->negotiation.state};
    return SEC_E_OK;
}

/* This HANDLE is the context's own, made when first asked for and ended with the context: CloseHandle refuses it.  The
 * identity comes from `impersonate`, so packages need not know the attribute. */
SECURITY_STATUS layout_access_token(struct context *context, struct attribute *value, bool wide, void *out)
{
    if (context->token_handle.dwLower == 0) {
        TRY(api_context_token(context, HANDLE_CONTEXT_TOKEN, &context->token_handle));
    }
    ((SecPkgContext_AccessToken *)out)->AccessToken = handle_pack(&context->token_handle);
    return SEC_E_OK;
}

static const struct layout context_layouts[] = {
    {SECPKG_ATTR_SIZES, sizeof(SecPkgContext_Sizes), lay_sizes, NULL},
    {SECPKG_ATTR_NAMES, sizeof(SecPkgContext_NamesW), lay_name, NULL},
    {SECPKG_ATTR_LIFESPAN, sizeof(SecPkgContext_Lifespan), lay_lifespan, NULL},
    {SECPKG_ATTR_DCE_INFO, sizeof(SecPkgContext_DceInfo), lay_dce_info, NULL},
    {SECPKG_ATTR_KEY_INFO, sizeof(SecPkgContext_KeyInfoW), lay_key_info, NULL},
    {SECPKG_ATTR_AUTHORITY, sizeof(SecPkgContext_AuthorityW), lay_name, NULL},
    {SECPKG_ATTR_PASSWORD_EXPIRY, sizeof(SecPkgContext_PasswordExpiry), lay_time, NULL},
    {SECPKG_ATTR_SESSION_KEY, sizeof(SecPkgContext_SessionKey), lay_session_key, NULL},
    {SECPKG_ATTR_PACKAGE_INFO, sizeof(SecPkgContext_PackageInfoW), layout_package_info, NULL},
    {SECPKG_ATTR_USER_FLAGS, sizeof(SecPkgContext_UserFlags), layout_number, NULL},
    {SECPKG_ATTR_NEGOTIATION_INFO, sizeof(SecPkgContext_NegotiationInfoW), lay_negotiation_info, NULL},
    {SECPKG_ATTR_NATIVE_NAMES, sizeof(SecPkgContext_NativeNamesW), lay_native_names, NULL},
    {SECPKG_ATTR_FLAGS, sizeof(SecPkgContext_Flags), layout_number, NULL},
    {SECPKG_ATTR_TARGET_INFORMATION, sizeof(SecPkgContext_TargetInformation), lay_target_information, NULL},
    {SECPKG_ATTR_ACCESS_TOKEN, sizeof(SecPkgContext_AccessToken), layout_access_token, NULL},
    {SECPKG_ATTR_LOGOFF_TIME, sizeof(SecPkgContext_LogoffTime), lay_time, NULL},
    {SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, sizeof(SecPkgContext_ClientSpecifiedTarget), lay_wide_name, NULL},
    {SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS, sizeof(SecPkgContext_LastClientTokenStatus), layout_number, NULL},
    {SECPKG_ATTR_NEGO_STATUS, sizeof(SecPkgContext_NegoStatus), layout_number, NULL},
};

static const struct layout credential_layouts[] = {
    {SECPKG_CRED_ATTR_NAMES, sizeof(SecPkgCredentials_NamesW), lay_name, NULL},
};

static const struct layout *search(const struct layout *layouts, size_t count, ULONG attribute)
{
    for (size_t i = 0; i < count; i++) {
        if (layouts[i].attribute == attribute) {
            return &layouts[i];
        }
    }
    return NULL;
}

static SECURITY_STATUS find_layout(bool credential, ULONG attribute, const struct layout **out)
{
    const struct layout *found =
        credential ? search(credential_layouts, sizeof credential_layouts / sizeof credential_layouts[0], attribute)
                   : search(context_layouts, sizeof context_layouts / sizeof context_layouts[0], attribute);
    if (found == NULL) {
        found = credential ? search(layout_tls_credential, layout_tls_credential_count, attribute)
                           : search(layout_tls_context, layout_tls_context_count, attribute);
    }
    if (found == NULL && !credential) {
        found = search(layout_credssp_context, layout_credssp_context_count, attribute);
    }
    REQUIRE(found != NULL, SEC_E_UNSUPPORTED_FUNCTION, "no package of this build has the attribute");
    *out = found;
    return SEC_E_OK;
}

/* What there is of the caller's struct: SEC_E_INTERNAL_ERROR for NULL is what Windows answers. */
static SECURITY_STATUS check_buffer(const void *buffer)
{
    REQUIRE(buffer != NULL, SEC_E_INTERNAL_ERROR, "pBuffer is NULL");
    return SEC_E_OK;
}

/* `size` counts for the Ex functions alone.  Whether the attribute exists at all has been settled before. */
static SECURITY_STATUS check_room(const struct layout *layout, size_t size)
{
    REQUIRE(size >= layout->size, SEC_E_BUFFER_TOO_SMALL, "cbBuffer is smaller than the attribute's struct");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- contexts */

/* What a context's package says; PACKAGE_INFO and ACCESS_TOKEN are answered for every package. */
static SECURITY_STATUS ask_context(struct context *context, ULONG attribute, struct attribute *out)
{
    if (attribute == SECPKG_ATTR_ACCESS_TOKEN) {
        return SEC_E_OK;
    }
    if (context->package->query != NULL) {
        SECURITY_STATUS status = context->package->query(context, attribute, out);
        if (status != SEC_E_UNSUPPORTED_FUNCTION) {
            return status;
        }
    }
    REQUIRE(attribute == SECPKG_ATTR_PACKAGE_INFO, SEC_E_UNSUPPORTED_FUNCTION,
            "the package does not offer this context attribute");
    status_begin(); /* the package's refusal is not this call's */
    out->negotiation.package = context->package;
    return SEC_E_OK;
}

SECURITY_STATUS api_query_context(PCtxtHandle handle, ULONG attribute, void *buffer, size_t size, bool wide)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, handle, &pinned));
    struct context *context = pinned_context(&pinned);
    const struct layout *layout = NULL;
    TRY(find_layout(false, attribute, &layout));
    TRY(check_buffer(buffer));
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    AUTO_ATTRIBUTE value = {0};
    if (layout->read != NULL && size >= layout->size) {
        TRY(layout->read(buffer, &value));
    }
    TRY(ask_context(context, attribute, &value));
    TRY(check_room(layout, size));
    return layout->lay(context, &value, wide, buffer);
}

SECURITY_STATUS SEC_ENTRY QueryContextAttributesW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer)
{
    status_begin();
    return api_end_attribute("QueryContextAttributes", ulAttribute,
                             api_query_context(phContext, ulAttribute, pBuffer, SIZE_UNKNOWN, true));
}

SECURITY_STATUS SEC_ENTRY QueryContextAttributesExW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer,
                                                    ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("QueryContextAttributesEx", ulAttribute,
                             api_query_context(phContext, ulAttribute, pBuffer, cbBuffer, true));
}

SECURITY_STATUS api_set_context(PCtxtHandle handle, ULONG attribute, const void *value, size_t size)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, handle, &pinned));
    struct context *context = pinned_context(&pinned);
    REQUIRE(context->package->set != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package's contexts have nothing to set");
    REQUIRE(value != NULL || size == 0, SEC_E_INVALID_TOKEN, "pBuffer is NULL with a size");
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    return context->package->set(context, attribute, bytes_of(value, size));
}

SECURITY_STATUS SEC_ENTRY SetContextAttributesW(PCtxtHandle phContext, ULONG ulAttribute, PVOID pBuffer, ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("SetContextAttributes", ulAttribute,
                             api_set_context(phContext, ulAttribute, pBuffer, cbBuffer));
}

/* ---------------------------------------------------------------- credentials */

SECURITY_STATUS api_query_credential(PCredHandle handle, ULONG attribute, void *buffer, size_t size, bool wide)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CREDENTIAL, handle, &pinned));
    struct credential *credential = pinned_credential(&pinned);
    const struct layout *layout = NULL;
    TRY(find_layout(true, attribute, &layout));
    REQUIRE(credential->package->query_credential != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package's credentials have no attributes");
    TRY(check_buffer(buffer));
    AUTO_ATTRIBUTE value = {0};
    TRY(credential->package->query_credential(credential, attribute, &value));
    TRY(check_room(layout, size));
    return layout->lay(NULL, &value, wide, buffer);
}

SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer)
{
    status_begin();
    return api_end_attribute("QueryCredentialsAttributes", ulAttribute,
                             api_query_credential(phCredential, ulAttribute, pBuffer, SIZE_UNKNOWN, true));
}

SECURITY_STATUS SEC_ENTRY QueryCredentialsAttributesExW(PCredHandle phCredential, ULONG ulAttribute, PVOID pBuffer,
                                                        ULONG cbBuffer)
{
    status_begin();
    return api_end_attribute("QueryCredentialsAttributesEx", ulAttribute,
                             api_query_credential(phCredential, ulAttribute, pBuffer, cbBuffer, true));
}
