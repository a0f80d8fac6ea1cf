#include "credssp/binding.h"

#include "credssp/ts_request.h"
#include "crypto/sha2.h"
#include "wire/writer.h"

_Static_assert(BINDING_HASH_SIZE == SHA2_256_SIZE, "SHA-256");

SECURITY_STATUS binding_make(uint32_t version, bool from_client, struct bytes nonce, struct bytes key,
                             struct secret *out)
{
    static const char client[] = "CredSSP Client-To-Server Binding Hash";
    static const char server[] = "CredSSP Server-To-Client Binding Hash";
    REQUIRE(key.size != 0, SEC_E_INVALID_TOKEN, "a certificate without a public key cannot bind anything");
    if (version >= TS_VERSION_HASH) {
        const struct bytes parts[] = {bytes_of(from_client ? client : server, sizeof client), nonce, key};
        TRY(secret_alloc(out, BINDING_HASH_SIZE));
        sha256(parts, sizeof parts / sizeof parts[0], out->data);
        return SEC_E_OK;
    }
    TRY(secret_copy(out, key));
    if (!from_client) {
        out->data[0]++;
    }
    return SEC_E_OK;
}

SECURITY_STATUS binding_check(struct bytes expected, struct bytes received)
{
    REQUIRE(received.size == expected.size && secret_equal(expected.data, received.data, received.size),
            SEC_E_MESSAGE_ALTERED,
            "the peer sees another server key than this end of the channel: somebody is in between (MS-CSSP 3.1.5)");
    return SEC_E_OK;
}
