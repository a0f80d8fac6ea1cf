/* TSCredentials, what a client delegates (MS-CSSP 2.2.1.2), tags explicit, DER:
 *
 *     TSCredentials       30 L { a0 credType, a1 credentials: OCTET STRING with one of these }
 *     1 TSPasswordCreds     30 L { a0 domainName, a1 userName, a2 password }
 *     2 TSSmartCardCreds    30 L { a0 pin, a1 { a0 keySpec, a1 cardName, a2 readerName, a3 containerName, a4 cspName },
 *                                  a2 userHint, a3 domainHint }
 *     6 TSRemoteGuardCreds  30 L { a0 logonCred { a0 packageName, a1 credBuffer }, a1 supplementalCreds: a list of such }
 *
 * Texts are UTF-16LE without a NUL.  The plaintext is a secret: what is taken apart here is wiped when it is freed.
 */
#ifndef OPENSSPI_CREDSSP_TS_CREDENTIALS_H
#define OPENSSPI_CREDSSP_TS_CREDENTIALS_H

#include "base/bytes.h"
#include "base/status.h"
#include "text/utf16.h"
#include "wire/writer.h"

#define TS_CREDENTIALS_MAX (64u << 10)
#define TS_GUARD_MAX       8 /* supplemental credentials; NTLM's is the only one there is */

enum ts_credentials_type { TS_PASSWORD = 1, TS_SMART_CARD = 2, TS_REMOTE_GUARD = 6 };

struct ts_password {
    struct utf16 domain, user, password;
};

/* Texts whose data is NULL are absent, but for the PIN, which is always there. */
struct ts_smart_card {
    struct utf16 pin;
    uint32_t key_spec; /* AT_KEYEXCHANGE 1, AT_SIGNATURE 2 */
    struct utf16 card, reader, container, csp;
    struct utf16 user, domain;
};

struct ts_guard_credential {
    struct utf16 package;
    struct bytes buffer; /* as that package has it: KERB_TICKET_LOGON, NTLM_REMOTE_SUPPLEMENTAL_CREDENTIAL */
};

struct ts_remote_guard {
    struct ts_guard_credential logon;
    bool has_supplemental;
    size_t supplemental_count;
    struct ts_guard_credential supplemental[TS_GUARD_MAX];
};

/* Slices of a parsed one live until ts_credentials_free. */
struct ts_credentials {
    enum ts_credentials_type type;
    union {
        struct ts_password password;
        struct ts_smart_card smart_card;
        struct ts_remote_guard remote_guard;
    };
    void *owner, *inner;
};

/* SEC_E_INVALID_TOKEN: not such a message, bytes behind it or behind the inner one, a type there is not, a text of an odd
 * number of bytes, more than TS_GUARD_MAX supplemental credentials. */
STATUS ts_credentials_parse(struct bytes message, struct ts_credentials *out);

void ts_credentials_free(struct ts_credentials *credentials);

#define AUTO_TS_CREDENTIALS __attribute__((cleanup(ts_credentials_free))) struct ts_credentials

/* Appends the message; what it is put together in on the way is wiped.
 * SEC_E_INSUFFICIENT_MEMORY; SEC_E_BUFFER_TOO_SMALL for more than TS_CREDENTIALS_MAX bytes. */
STATUS ts_credentials_build(const struct ts_credentials *credentials, struct writer *out);

#endif
