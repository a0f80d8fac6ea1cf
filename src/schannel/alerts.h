/* Alerts (RFC 8446 6, RFC 5246 7.2) as statuses, and back. */
#ifndef OPENSSPI_SCHANNEL_ALERTS_H
#define OPENSSPI_SCHANNEL_ALERTS_H

#include "base/status.h"

#define ALERT_WARNING          1
#define ALERT_FATAL            2
#define ALERT_CLOSE_NOTIFY     0
#define ALERT_USER_CANCELED    90
#define ALERT_NO_RENEGOTIATION 100

/* What a received alert ends a call with (Schannel Error Codes for TLS and SSL Alerts): SEC_I_CONTEXT_EXPIRED for
 * close_notify, SEC_I_NO_RENEGOTIATION for that warning, SEC_E_ILLEGAL_MESSAGE for an unknown one. */
SECURITY_STATUS alert_received(uint8_t level, uint8_t description);

/* What made us send one, where nothing better is known. */
SECURITY_STATUS alert_sent(uint8_t description);

#endif
