/* TSRequest and TSCredentials: no crash; what parses is built again into one that means the same. */
#include "fuzz/fuzz.h"

#include "credssp/kerb_logon.h"
#include "credssp/ts_credentials.h"
#include "credssp/ts_request.h"

static bool same(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void requests(struct bytes message)
{
    AUTO_TS_REQUEST first = {.owner = NULL};
    AUTO_TS_REQUEST second = {.owner = NULL};
    size_t announced = 0;
    SECURITY_STATUS known = ts_request_size(message, &announced);
    if (ts_request_parse(message, &first) != SEC_E_OK) {
        return;
    }
    /* A length that is not said is BER's, and not for a stream. */
    PROMISE(known == SEC_E_OK ? announced == message.size : message.data[1] == 0x80);
    AUTO_WRITER out = write_growing(1 << 20);
    PROMISE(ts_request_build(&first, &out) == SEC_E_OK);
    PROMISE(ts_request_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.version == second.version && first.has_error == second.has_error && first.error == second.error);
    PROMISE(same(first.nego_token, second.nego_token) && same(first.auth_info, second.auth_info));
    PROMISE(same(first.pub_key_auth, second.pub_key_auth) && same(first.nonce, second.nonce));
}

static void credentials(struct bytes message)
{
    AUTO_TS_CREDENTIALS first = {.owner = NULL};
    AUTO_TS_CREDENTIALS second = {.owner = NULL};
    if (ts_credentials_parse(message, &first) != SEC_E_OK) {
        return;
    }
    AUTO_WRITER packed = write_growing(1 << 20);
    SECURITY_STATUS status = kerb_logon_build(&first, &packed);
    PROMISE(status == SEC_E_OK || status == SEC_E_BUFFER_TOO_SMALL);
    if (first.type == TS_SMART_CARD && first.smart_card.key_spec >= 0x80) {
        return; /* read, and never written */
    }
    AUTO_WRITER out = write_growing(1 << 20);
    PROMISE(ts_credentials_build(&first, &out) == SEC_E_OK);
    PROMISE(ts_credentials_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.type == second.type);
    if (first.type == TS_PASSWORD) {
        PROMISE(utf16_equal(first.password.user, second.password.user));
        PROMISE(utf16_equal(first.password.domain, second.password.domain));
        PROMISE(utf16_equal(first.password.password, second.password.password));
    }
}

/* What a program packs is its own, but wherever offsets point, nothing outside of the room it must have is read. */
static void packed(struct bytes message)
{
    static uint8_t room[TS_CREDENTIALS_MAX];
    struct ts_credentials logon;
    memset(room, 0, sizeof room);
    if (message.size <= sizeof room && message.size != 0) {
        memcpy(room, message.data, message.size);
        SECURITY_STATUS status = kerb_logon_parse(room, &logon);
        PROMISE(status == SEC_E_OK || status == SEC_E_UNKNOWN_CREDENTIALS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    requests(bytes_of(data, size));
    credentials(bytes_of(data, size));
    packed(bytes_of(data, size));
    return 0;
}
