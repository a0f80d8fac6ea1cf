#include "base/status.h"

#include "base/trace.h"

struct reason {
    SECURITY_STATUS status;
    const char *why;
    const char *file;
    int line;
};

#define TEXT_MAX 256

static _Thread_local struct reason reason;
static _Thread_local char reason_text[TEXT_MAX];

void status_begin(void)
{
    reason.why = NULL;
}

SECURITY_STATUS status_fail(SECURITY_STATUS status, const char *why, const char *file, int line)
{
    if (reason.why == NULL) {
        reason = (struct reason){status, why, file, line};
        TRACE("refused: %s (%s)", why, status_name(status) != NULL ? status_name(status) : "unnamed status");
    }
    return status;
}

SECURITY_STATUS status_fail_text(SECURITY_STATUS status, const char *text, const char *file, int line)
{
    if (reason.why == NULL) {
        size_t size = 0;
        for (; size < TEXT_MAX - 1 && text[size] != '\0'; size++) {
            reason_text[size] = (unsigned char)text[size] < 0x20 || text[size] == 0x7f ? ' ' : text[size];
        }
        reason_text[size] = '\0';
    }
    return status_fail(status, reason_text, file, line);
}

const char *status_reason(SECURITY_STATUS *status, const char **file, int *line)
{
    if (reason.why == NULL) {
        return NULL;
    }
    if (status != NULL) {
        *status = reason.status;
    }
    if (file != NULL) {
        *file = reason.file;
    }
    if (line != NULL) {
        *line = reason.line;
    }
    return reason.why;
}

/* The names of winerror.h's SSPI codes.  SEC_E_* are negative, so the table is searched, not indexed; it is only read
 * for people. */
static const struct {
    SECURITY_STATUS status;
    const char *name;
} names[] = {
#define NAME(code)                                                                                                     \
    {                                                                                                                  \
        code, #code                                                                                                    \
    }
    NAME(SEC_E_OK),
    NAME(SEC_E_INSUFFICIENT_MEMORY),
    NAME(SEC_E_INVALID_HANDLE),
    NAME(SEC_E_UNSUPPORTED_FUNCTION),
    NAME(SEC_E_TARGET_UNKNOWN),
    NAME(SEC_E_INTERNAL_ERROR),
    NAME(SEC_E_SECPKG_NOT_FOUND),
    NAME(SEC_E_NOT_OWNER),
    NAME(SEC_E_CANNOT_INSTALL),
    NAME(SEC_E_INVALID_TOKEN),
    NAME(SEC_E_CANNOT_PACK),
    NAME(SEC_E_QOP_NOT_SUPPORTED),
    NAME(SEC_E_NO_IMPERSONATION),
    NAME(SEC_E_LOGON_DENIED),
    NAME(SEC_E_UNKNOWN_CREDENTIALS),
    NAME(SEC_E_NO_CREDENTIALS),
    NAME(SEC_E_MESSAGE_ALTERED),
    NAME(SEC_E_OUT_OF_SEQUENCE),
    NAME(SEC_E_NO_AUTHENTICATING_AUTHORITY),
    NAME(SEC_I_CONTINUE_NEEDED),
    NAME(SEC_I_COMPLETE_NEEDED),
    NAME(SEC_I_COMPLETE_AND_CONTINUE),
    NAME(SEC_I_LOCAL_LOGON),
    NAME(SEC_I_GENERIC_EXTENSION_RECEIVED),
    NAME(SEC_E_BAD_PKGID),
    NAME(SEC_E_CONTEXT_EXPIRED),
    NAME(SEC_I_CONTEXT_EXPIRED),
    NAME(SEC_E_INCOMPLETE_MESSAGE),
    NAME(SEC_E_INCOMPLETE_CREDENTIALS),
    NAME(SEC_I_INCOMPLETE_CREDENTIALS),
    NAME(SEC_E_BUFFER_TOO_SMALL),
    NAME(SEC_I_RENEGOTIATE),
    NAME(SEC_E_WRONG_PRINCIPAL),
    NAME(SEC_I_NO_LSA_CONTEXT),
    NAME(SEC_E_TIME_SKEW),
    NAME(SEC_E_UNTRUSTED_ROOT),
    NAME(SEC_E_ILLEGAL_MESSAGE),
    NAME(SEC_E_CERT_UNKNOWN),
    NAME(SEC_E_CERT_EXPIRED),
    NAME(SEC_E_ENCRYPT_FAILURE),
    NAME(SEC_E_DECRYPT_FAILURE),
    NAME(SEC_E_ALGORITHM_MISMATCH),
    NAME(SEC_E_SECURITY_QOS_FAILED),
    NAME(SEC_E_UNFINISHED_CONTEXT_DELETED),
    NAME(SEC_E_NO_TGT_REPLY),
    NAME(SEC_E_NO_IP_ADDRESSES),
    NAME(SEC_E_WRONG_CREDENTIAL_HANDLE),
    NAME(SEC_E_CRYPTO_SYSTEM_INVALID),
    NAME(SEC_E_MAX_REFERRALS_EXCEEDED),
    NAME(SEC_E_MUST_BE_KDC),
    NAME(SEC_E_STRONG_CRYPTO_NOT_SUPPORTED),
    NAME(SEC_E_TOO_MANY_PRINCIPALS),
    NAME(SEC_E_NO_PA_DATA),
    NAME(SEC_E_PKINIT_NAME_MISMATCH),
    NAME(SEC_E_SMARTCARD_LOGON_REQUIRED),
    NAME(SEC_E_SHUTDOWN_IN_PROGRESS),
    NAME(SEC_E_KDC_INVALID_REQUEST),
    NAME(SEC_E_KDC_UNABLE_TO_REFER),
    NAME(SEC_E_KDC_UNKNOWN_ETYPE),
    NAME(SEC_E_UNSUPPORTED_PREAUTH),
    NAME(SEC_E_DELEGATION_REQUIRED),
    NAME(SEC_E_BAD_BINDINGS),
    NAME(SEC_E_MULTIPLE_ACCOUNTS),
    NAME(SEC_E_NO_KERB_KEY),
    NAME(SEC_E_CERT_WRONG_USAGE),
    NAME(SEC_E_DOWNGRADE_DETECTED),
    NAME(SEC_E_SMARTCARD_CERT_REVOKED),
    NAME(SEC_E_ISSUING_CA_UNTRUSTED),
    NAME(SEC_E_REVOCATION_OFFLINE_C),
    NAME(SEC_E_PKINIT_CLIENT_FAILURE),
    NAME(SEC_E_SMARTCARD_CERT_EXPIRED),
    NAME(SEC_E_NO_S4U_PROT_SUPPORT),
    NAME(SEC_E_CROSSREALM_DELEGATION_FAILURE),
    NAME(SEC_E_REVOCATION_OFFLINE_KDC),
    NAME(SEC_E_ISSUING_CA_UNTRUSTED_KDC),
    NAME(SEC_E_KDC_CERT_EXPIRED),
    NAME(SEC_E_KDC_CERT_REVOKED),
    NAME(SEC_I_SIGNATURE_NEEDED),
    NAME(SEC_E_INVALID_PARAMETER),
    NAME(SEC_E_DELEGATION_POLICY),
    NAME(SEC_E_POLICY_NLTM_ONLY),
    NAME(SEC_I_NO_RENEGOTIATION),
    NAME(SEC_E_NO_CONTEXT),
    NAME(SEC_E_PKU2U_CERT_FAILURE),
    NAME(SEC_E_MUTUAL_AUTH_FAILED),
    NAME(SEC_I_MESSAGE_FRAGMENT),
    NAME(SEC_E_ONLY_HTTPS_ALLOWED),
    NAME(SEC_I_CONTINUE_NEEDED_MESSAGE_OK),
    NAME(SEC_E_APPLICATION_PROTOCOL_MISMATCH),
    NAME(SEC_I_ASYNC_CALL_PENDING),
    NAME(SEC_E_INVALID_UPN_NAME),
    NAME(SEC_E_EXT_BUFFER_TOO_SMALL),
    NAME(SEC_E_INSUFFICIENT_BUFFERS),
    NAME(CRYPT_E_MSG_ERROR),
    NAME(CRYPT_E_UNKNOWN_ALGO),
    NAME(CRYPT_E_HASH_VALUE),
    NAME(CRYPT_E_BAD_ENCODE),
    NAME(CRYPT_E_FILE_ERROR),
    NAME(CRYPT_E_NOT_FOUND),
    NAME(CRYPT_E_EXISTS),
    NAME(CRYPT_E_NO_PROVIDER),
    NAME(CRYPT_E_SELF_SIGNED),
    NAME(CRYPT_E_NO_MATCH),
    NAME(CRYPT_E_UNEXPECTED_MSG_TYPE),
    NAME(CRYPT_E_NO_KEY_PROPERTY),
    NAME(CRYPT_E_PENDING_CLOSE),
    NAME(CRYPT_E_REVOKED),
    NAME(CRYPT_E_NO_REVOCATION_DLL),
    NAME(CRYPT_E_NO_REVOCATION_CHECK),
    NAME(CRYPT_E_REVOCATION_OFFLINE),
    NAME(CRYPT_E_INVALID_X500_STRING),
    NAME(CRYPT_E_ASN1_ERROR),
    NAME(CRYPT_E_ASN1_EOD),
    NAME(CRYPT_E_ASN1_CORRUPT),
    NAME(CRYPT_E_ASN1_BADTAG),
    NAME(CERT_E_EXPIRED),
    NAME(CERT_E_VALIDITYPERIODNESTING),
    NAME(CERT_E_ROLE),
    NAME(CERT_E_PATHLENCONST),
    NAME(CERT_E_CRITICAL),
    NAME(CERT_E_PURPOSE),
    NAME(CERT_E_ISSUERCHAINING),
    NAME(CERT_E_MALFORMED),
    NAME(CERT_E_UNTRUSTEDROOT),
    NAME(CERT_E_CHAINING),
    NAME(CERT_E_REVOKED),
    NAME(CERT_E_UNTRUSTEDTESTROOT),
    NAME(CERT_E_REVOCATION_FAILURE),
    NAME(CERT_E_CN_NO_MATCH),
    NAME(CERT_E_WRONG_USAGE),
    NAME(CERT_E_UNTRUSTEDCA),
    NAME(CERT_E_INVALID_POLICY),
    NAME(CERT_E_INVALID_NAME),
#undef NAME
};

const char *status_name(SECURITY_STATUS status)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].status == status) {
            return names[i].name;
        }
    }
    return NULL;
}
