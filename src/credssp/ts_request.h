/* TSRequest, the one message of CredSSP (MS-CSSP 2.2.1), tags explicit, DER out and BER in:
 *
 *     30 L { a0 version, a1 negoTokens, a2 authInfo, a3 pubKeyAuth, a4 errorCode, a5 clientNonce }
 *
 * Nothing but the version is always there.
 */
#ifndef OPENSSPI_CREDSSP_TS_REQUEST_H
#define OPENSSPI_CREDSSP_TS_REQUEST_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

#define TS_VERSION       6 /* ours: the newest that MS-CSSP knows */
#define TS_VERSION_HASH  5 /* from here on the key is bound by a hash with a nonce (CVE-2018-0886) */
#define TS_VERSION_FIRST 2

#define TS_NONCE_SIZE  32
#define TS_REQUEST_MAX (128u << 10) /* a ticket of a user in a thousand groups takes half of it */

/* A member whose data is NULL is absent.  The slices of a parsed one live until ts_request_free. */
struct ts_request {
    uint32_t version;
    struct bytes nego_token; /* the first of negoTokens: no peer sends more */
    struct bytes auth_info;
    struct bytes pub_key_auth;
    bool has_error;
    uint32_t error; /* NTSTATUS */
    struct bytes nonce;
    void *owner;
};

/* How many bytes the message that begins with `start` has; 0 when `start` is too short to tell.
 * SEC_E_INVALID_TOKEN for what does not begin a TSRequest, or one of more than TS_REQUEST_MAX bytes. */
STATUS ts_request_size(struct bytes start, size_t *out_size);

/* SEC_E_INVALID_TOKEN: not a TSRequest, something behind it, no version or one below 2, an empty negoTokens, an errorCode of
 * more than 32 bits. */
STATUS ts_request_parse(struct bytes message, struct ts_request *out);

void ts_request_free(struct ts_request *request);

#define AUTO_TS_REQUEST __attribute__((cleanup(ts_request_free))) struct ts_request

/* Appends the message.  SEC_E_INSUFFICIENT_MEMORY; SEC_E_BUFFER_TOO_SMALL. */
STATUS ts_request_build(const struct ts_request *request, struct writer *out);

#endif
