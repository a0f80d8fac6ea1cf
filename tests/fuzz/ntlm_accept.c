/* The server's two legs through the public API, fed with what our own client says, spoilt, or with anything at all.
 *
 * Promises: an exchange that nobody touched succeeds; one that somebody touched does not, when the password decides; a
 * context that has failed stays failed; whatever was established answers queries and refuses a forged message.
 */
#include "fuzz/exchange.h"

enum { RAW_FIRST = 1, RAW_SECOND = 2, BELIEVE_ALL = 4, BINDINGS = 8, NULL_SESSION = 16, MISSING_BINDINGS = 32 };

static bool raw(struct tape *tape, struct pair_token *out)
{
    size_t size = tape_u16(tape) % (sizeof out->data + 1);
    out->size = (ULONG)tape_take(tape, out->data, size);
    return true;
}

static bool spoil(struct tape *tape, struct pair_token *token)
{
    size_t size = token->size;
    bool changed = tape_spoil(tape, token->data, &size);
    token->size = (ULONG)size;
    return changed;
}

static void query(CtxtHandle *context)
{
    SecPkgContext_Sizes sizes;
    SecPkgContext_NamesW names = {NULL};
    SecPkgContext_SessionKey key = {0, NULL};
    SecPkgContext_ClientSpecifiedTarget target = {NULL};
    PROMISE(QueryContextAttributesW(context, SECPKG_ATTR_SIZES, &sizes) == SEC_E_OK);
    PROMISE(sizes.cbMaxSignature == 16 && sizes.cbSecurityTrailer == 16);
    if (QueryContextAttributesW(context, SECPKG_ATTR_NAMES, &names) == SEC_E_OK) {
        PROMISE(FreeContextBuffer(names.sUserName) == SEC_E_OK);
    }
    if (QueryContextAttributesW(context, SECPKG_ATTR_SESSION_KEY, &key) == SEC_E_OK) {
        PROMISE(key.SessionKeyLength == 16);
        PROMISE(FreeContextBuffer(key.SessionKey) == SEC_E_OK);
    }
    if (QueryContextAttributesW(context, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target) == SEC_E_OK) {
        PROMISE(FreeContextBuffer(target.sTargetName) == SEC_E_OK);
    }
}

static void forge(struct tape *tape, CtxtHandle *context)
{
    unsigned char signature[16] = {1}, data[64] = {0};
    (void)tape_take(tape, signature, sizeof signature);
    (void)tape_take(tape, data, sizeof data);
    (void)pair_unseal(context, data, sizeof data, signature);
    (void)pair_check(context, data, sizeof data, signature);
    (void)pair_seal(context, data, sizeof data, signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    struct pair *pair = exchange_pair();
    struct pair_token to_server = {.size = 0}, to_client = {.size = 0};
    unsigned char bindings[64];
    uint8_t mode = tape_u8(&tape);
    ULONG client_flags = exchange_client_flags(tape_u8(&tape));
    ULONG server_flags = ((mode & NULL_SESSION) != 0 ? ASC_REQ_ALLOW_NULL_SESSION : 0) |
                         ((mode & MISSING_BINDINGS) != 0 ? ASC_REQ_ALLOW_MISSING_BINDINGS : 0);
    exchange_believes_all = (mode & BELIEVE_ALL) != 0;
    if ((mode & BINDINGS) != 0) {
        exchange_bindings(&tape, pair, bindings);
    }

    SECURITY_STATUS client = pair_client_leg(pair, client_flags, NULL, &to_server);
    PROMISE(client == SEC_I_CONTINUE_NEEDED || pair->bindings != NULL);
    bool touched = (mode & RAW_FIRST) != 0 ? raw(&tape, &to_server) : spoil(&tape, &to_server);
    SECURITY_STATUS server = pair_server_leg(pair, server_flags, &to_server, &to_client);
    if (server == SEC_I_CONTINUE_NEEDED && client == SEC_I_CONTINUE_NEEDED) {
        client = pair_client_leg(pair, client_flags, &to_client, &to_server);
        PROMISE(client == SEC_E_OK || touched || pair->bindings != NULL);
        touched = ((mode & RAW_SECOND) != 0 ? raw(&tape, &to_server) : spoil(&tape, &to_server)) || touched;
        server = pair_server_leg(pair, server_flags, &to_server, &to_client);
        if (server == SEC_E_OK) {
            bool anonymous = (pair->server_attributes & ASC_RET_NULL_SESSION) != 0;
            PROMISE(!touched || exchange_believes_all || anonymous || (mode & (RAW_FIRST | RAW_SECOND)) != 0);
            query(&pair->server);
            forge(&tape, &pair->server);
        } else {
            PROMISE(server < 0 && (touched || exchange_believes_all || pair->bindings != NULL));
            PROMISE(pair_server_leg(pair, server_flags, &to_server, &to_client) == SEC_E_OUT_OF_SEQUENCE);
        }
    }
    PROMISE(pair_reset(pair));
    return 0;
}
