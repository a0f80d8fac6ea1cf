#include "schannel/alerts.h"

#include "windows.h"

#include "schannel.h"
#include "winerror.h"

struct row {
    uint8_t description;
    SECURITY_STATUS received, sent; /* sent: SEC_E_OK is the same as received */
};

/* In the order of RFC 8446 6.  The second column is the documented table; the third says what our own refusal means to our
 * own caller, who did not speak the offending words. */
static const struct row rows[] = {
    {TLS1_ALERT_UNEXPECTED_MESSAGE, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_BAD_RECORD_MAC, SEC_E_MESSAGE_ALTERED, SEC_E_OK},
    {TLS1_ALERT_DECRYPTION_FAILED, SEC_E_DECRYPT_FAILURE, SEC_E_OK},
    {TLS1_ALERT_RECORD_OVERFLOW, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_DECOMPRESSION_FAIL, SEC_E_MESSAGE_ALTERED, SEC_E_OK},
    {TLS1_ALERT_HANDSHAKE_FAILURE, SEC_E_ILLEGAL_MESSAGE, SEC_E_ALGORITHM_MISMATCH},
    {TLS1_ALERT_BAD_CERTIFICATE, SEC_E_CERT_UNKNOWN, SEC_E_OK},
    {TLS1_ALERT_UNSUPPORTED_CERT, SEC_E_CERT_UNKNOWN, SEC_E_OK},
    {TLS1_ALERT_CERTIFICATE_REVOKED, CRYPT_E_REVOKED, SEC_E_OK},
    {TLS1_ALERT_CERTIFICATE_EXPIRED, SEC_E_CERT_EXPIRED, SEC_E_OK},
    {TLS1_ALERT_CERTIFICATE_UNKNOWN, SEC_E_CERT_UNKNOWN, SEC_E_OK},
    {TLS1_ALERT_ILLEGAL_PARAMETER, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_UNKNOWN_CA, SEC_E_UNTRUSTED_ROOT, SEC_E_OK},
    {TLS1_ALERT_ACCESS_DENIED, SEC_E_LOGON_DENIED, SEC_E_OK},
    {TLS1_ALERT_DECODE_ERROR, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_DECRYPT_ERROR, SEC_E_DECRYPT_FAILURE, SEC_E_OK},
    {TLS1_ALERT_EXPORT_RESTRICTION, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_PROTOCOL_VERSION, SEC_E_UNSUPPORTED_FUNCTION, SEC_E_OK},
    {TLS1_ALERT_INSUFFIENT_SECURITY, SEC_E_ALGORITHM_MISMATCH, SEC_E_OK},
    {TLS1_ALERT_INTERNAL_ERROR, SEC_E_INTERNAL_ERROR, SEC_E_OK},
    {TLS1_ALERT_USER_CANCELED, SEC_E_UNFINISHED_CONTEXT_DELETED, SEC_E_OK},
    {TLS1_ALERT_NO_RENEGOTIATION, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_UNSUPPORTED_EXT, SEC_E_ILLEGAL_MESSAGE, SEC_E_OK},
    {TLS1_ALERT_NO_APP_PROTOCOL, SEC_E_APPLICATION_PROTOCOL_MISMATCH, SEC_E_OK},
};

static const struct row *find(uint8_t description)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].description == description) {
            return &rows[i];
        }
    }
    return NULL;
}

SECURITY_STATUS alert_received(uint8_t level, uint8_t description)
{
    if (description == ALERT_CLOSE_NOTIFY) {
        return SEC_I_CONTEXT_EXPIRED;
    }
    if (level == ALERT_WARNING && description == ALERT_NO_RENEGOTIATION) {
        return SEC_I_NO_RENEGOTIATION;
    }
    const struct row *row = find(description);
    return row != NULL ? row->received : SEC_E_ILLEGAL_MESSAGE;
}

SECURITY_STATUS alert_sent(uint8_t description)
{
    const struct row *row = find(description);
    if (row == NULL) {
        return SEC_E_ILLEGAL_MESSAGE;
    }
    return row->sent != SEC_E_OK ? row->sent : row->received;
}
