/* What is put over libkrb5's configuration, in memory, for the contexts of this library alone:
 *
 *   a KDC proxy       of policy, or of a credential, where KDCs are looked up (MS-KKDCP)
 *   roots             of policy's [certificates], for the proxy's certificate and for KDCs' (RFC 4556), where krb5.conf names none
 *   channel bindings  clients say that they know of them (KERB_AP_OPTIONS_CBT, MS-KILE 3.2.5.8), unless krb5.conf says otherwise
 *
 * Everything else is krb5.conf's.
 */
#ifndef OPENSSPI_KERBEROS_CONFIGURATION_H
#define OPENSSPI_KERBEROS_CONFIGURATION_H

#include <krb5.h>

#include "base/status.h"

/* How KDCs are reached over HTTPS; immutable. */
struct kdc_proxy {
    bool only;  /* KDCs themselves are not asked */
    char url[]; /* as krb5.conf has it: "https://host[:port]/path" */
};

/* Reads "host[:port][:path]", as Windows has it, or "host[:port][/path]"; "https://" may stand in front.  The path is KdcProxy
 * where none is given (MS-KKDCP 2.1).  `out` is for free().  SEC_E_INVALID_TOKEN: something else; SEC_E_INSUFFICIENT_MEMORY. */
STATUS kdc_proxy_parse(const char *text, bool only, struct kdc_proxy **out);

/* A copy for free(); NULL for NULL, and when there is no memory. */
struct kdc_proxy *kdc_proxy_copy(const struct kdc_proxy *proxy);

/* A new context; `proxy` (copied) goes before the policy's, and may be NULL.  Freed with krb5_free_context().  libkrb5's codes. */
krb5_error_code configuration_context(const struct kdc_proxy *proxy, krb5_context *out);

#endif
