#include "credssp/smart_card.h"

#include <string.h>

#include "base/auto.h"
#include "cert/logon_certificate.h"

#define AT_EXCHANGE 1 /* AT_KEYEXCHANGE: a card's key for logons */

SECURITY_STATUS smart_card_user(const struct ts_smart_card *card, struct writer *out)
{
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_FREE char *place = NULL;
    uint8_t hash[CERTIFICATE_HASH_SIZE];
    if (card->container.size == 0) {
        return SEC_E_OK;
    }
    SECURITY_STATUS status = utf16_to_utf8(card->container, &place, NULL);
    if (status >= 0) {
        status = logon_certificate_at(place, &certificate);
    }
    if (status < 0) {
        REQUIRE(status != SEC_E_INSUFFICIENT_MEMORY, status, "out of memory for the card's certificate");
        status_begin(); /* the card is for the server alone */
        return SEC_E_OK;
    }
    TRY(logon_certificate_hash(certificate, hash));
    identity_write_certificate(hash, out);
    return SEC_E_OK;
}

SECURITY_STATUS smart_card_of_identity(const struct identity *identity, struct utf16 *owned, struct ts_smart_card *out)
{
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_FREE char *place = NULL;
    TRY(logon_certificate_find(identity->certificate, &certificate));
    TRY(certificate_key_place(certificate, &place));
    if (place != NULL) {
        TRY(utf16_from_utf8(bytes_of(place, strlen(place)), owned));
    }
    *out = (struct ts_smart_card){
        .pin = utf16_of(secret_bytes(&identity->password)), .key_spec = AT_EXCHANGE, .container = *owned};
    return SEC_E_OK;
}
