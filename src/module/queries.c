/* Attributes that a module answers in the SDK's structs, in core's terms. */
#include <string.h>

#include "base/auto.h"
#include "module/module.h"

/* Everything that QueryContext may be asked to fill in. */
union answer {
    SecPkgContext_Sizes sizes;
    SecPkgContext_NamesW name; /* and AUTHORITY, CLIENT_SPECIFIED_TARGET, SecPkgCredentials_NamesW: one text each */
    SecPkgContext_NativeNamesW native_names;
    SecPkgContext_DceInfo dce_info;
    SecPkgContext_Lifespan lifespan;
    SecPkgContext_KeyInfoW key_info;
    SecPkgContext_SessionKey session_key;
    SecPkgContext_Flags number; /* and USER_FLAGS, LAST_CLIENT_TOKEN_STATUS: one number each */
    SecPkgContext_PasswordExpiry time;
};

static struct utf16 text_of(const void *text)
{
    return utf16_from_wide(text);
}

/* Names of algorithms are ASCII; both go into one block that the attribute owns. */
static SECURITY_STATUS take_key_info(const SecPkgContext_KeyInfoW *info, struct attribute *out)
{
    AUTO_FREE char *signature = NULL;
    AUTO_FREE char *encryption = NULL;
    size_t first, second;
    TRY(utf16_to_utf8(text_of(info->sSignatureAlgorithmName), &signature, &first));
    TRY(utf16_to_utf8(text_of(info->sEncryptAlgorithmName), &encryption, &second));
    TRY(secret_alloc(&out->owned, first + second + 2));
    struct writer both = write_into(out->owned.data, first + second + 2);
    write_bytes(&both, bytes_of(signature, first + 1));
    write_bytes(&both, bytes_of(encryption, second + 1));
    out->key_info.signature = (const char *)out->owned.data;
    out->key_info.encryption = (const char *)out->owned.data + first + 1;
    out->key_info.key_bits = info->KeySize;
    out->key_info.signature_id = info->SignatureAlgorithm;
    out->key_info.encryption_id = info->EncryptAlgorithm;
    return SEC_E_OK;
}

static SECURITY_STATUS take(const union answer *answer, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        out->sizes.max_token = answer->sizes.cbMaxToken;
        out->sizes.max_signature = answer->sizes.cbMaxSignature;
        out->sizes.block_size = answer->sizes.cbBlockSize;
        out->sizes.security_trailer = answer->sizes.cbSecurityTrailer;
        return SEC_E_OK;
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_AUTHORITY:
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        out->name = text_of(answer->name.sUserName);
        return SEC_E_OK;
    case SECPKG_ATTR_DCE_INFO:
        out->name = text_of(answer->dce_info.pPac);
        return SEC_E_OK;
    case SECPKG_ATTR_NATIVE_NAMES:
        out->native_names.client = text_of(answer->native_names.sClientName);
        out->native_names.server = text_of(answer->native_names.sServerName);
        return SEC_E_OK;
    case SECPKG_ATTR_LIFESPAN:
        out->lifespan.start = (uint64_t)answer->lifespan.tsStart.QuadPart;
        out->lifespan.expiry = (uint64_t)answer->lifespan.tsExpiry.QuadPart;
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        return take_key_info(&answer->key_info, out);
    case SECPKG_ATTR_SESSION_KEY:
        REQUIRE(answer->session_key.SessionKey != NULL || answer->session_key.SessionKeyLength == 0,
                SEC_E_INTERNAL_ERROR, "the module gives a session key of some length, and no key");
        out->bytes = bytes_of(answer->session_key.SessionKey, answer->session_key.SessionKeyLength);
        return SEC_E_OK;
    case SECPKG_ATTR_PASSWORD_EXPIRY:
    case SECPKG_ATTR_LOGOFF_TIME:
        out->time = (uint64_t)answer->time.tsPasswordExpires.QuadPart;
        return SEC_E_OK;
    default: /* FLAGS, USER_FLAGS, LAST_CLIENT_TOKEN_STATUS */
        out->number = answer->number.Flags;
        return SEC_E_OK;
    }
}

static const uint32_t known[] = {
    SECPKG_ATTR_SIZES,
    SECPKG_ATTR_NAMES,
    SECPKG_ATTR_AUTHORITY,
    SECPKG_ATTR_DCE_INFO,
    SECPKG_ATTR_NATIVE_NAMES,
    SECPKG_ATTR_LIFESPAN,
    SECPKG_ATTR_KEY_INFO,
    SECPKG_ATTR_SESSION_KEY,
    SECPKG_ATTR_PASSWORD_EXPIRY,
    SECPKG_ATTR_LOGOFF_TIME,
    SECPKG_ATTR_FLAGS,
    SECPKG_ATTR_USER_FLAGS,
    SECPKG_ATTR_CLIENT_SPECIFIED_TARGET,
    SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS,
};

static bool is_known(bool credential, uint32_t attribute)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !credential; i++) {
        if (known[i] == attribute) {
            return true;
        }
    }
    return credential && attribute == SECPKG_CRED_ATTR_NAMES;
}

SECURITY_STATUS module_query(const struct module *module, void *object, bool credential, uint32_t attribute,
                             struct attribute *out)
{
    REQUIRE(is_known(credential, attribute), SEC_E_UNSUPPORTED_FUNCTION,
            "modules are not asked for this attribute (sspi_package.h)");
    union answer answer;
    memset(&answer, 0, sizeof answer);
    TRY(module_status(credential ? module->table.QueryCredentials(object, attribute, &answer)
                                 : module->table.QueryContext(object, attribute, &answer)));
    return take(&answer, credential ? SECPKG_ATTR_NAMES : attribute, out);
}
