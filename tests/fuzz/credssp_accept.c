/* CredSSP's server: what its client says is spoilt. */
#include "fuzz/credssp_run.h"

static SECURITY_STATUS last_token(struct credssp_run *run, struct peer_bytes *token)
{
    static const uint8_t nonce[TS_NONCE_SIZE] = {1, 2, 3};
    struct peer_bytes sealed;
    AUTO_SECRET plain = {0};
    PROMISE(binding_make(6, true, BYTES(nonce), peer_key(ends_certificate()), &plain) == SEC_E_OK);
    PROMISE(peer_seal(run->peer, secret_bytes(&plain), &sealed));
    struct ts_request request = {.nego_token = bytes_of(token->data, token->size),
                                 .pub_key_auth = bytes_of(sealed.data, sealed.size),
                                 .nonce = BYTES(nonce)};
    return credssp_fuzz_say(run, &request);
}

static SECURITY_STATUS delegate(struct credssp_run *run)
{
    static uint8_t room[4096];
    struct peer_bytes sealed;
    AUTO_WRITER plain = write_growing(4096);
    const struct ts_credentials credentials = {.type = TS_PASSWORD, .password = {.user = {(const uint8_t *)"U\0", 2}}};
    PROMISE(ts_credentials_build(&credentials, &plain) == SEC_E_OK);
    size_t size = plain.size;
    memcpy(room, plain.data, size);
    run->touched = tape_spoil(run->tape, room, &size) || run->touched; /* before it is sealed, too */
    PROMISE(peer_seal(run->peer, bytes_of(room, size), &sealed));
    struct ts_request request = {.auth_info = bytes_of(sealed.data, sealed.size)};
    return credssp_fuzz_say(run, &request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    struct credssp_run run = {.tape = &tape, .mode = tape_u8(&tape), .peer = credssp_fuzz_peer(END_CLIENT)};
    static struct peer_bytes token;
    PROMISE(peer_session(run.peer, &token) == SEC_I_CONTINUE_NEEDED);
    struct ts_request first = {.nego_token = bytes_of(token.data, token.size)};
    SECURITY_STATUS status = credssp_fuzz_say(&run, &first);
    if (status == SEC_I_CONTINUE_NEEDED && run.peer->heard.size != 0 && peer_session(run.peer, &token) == SEC_E_OK) {
        status = last_token(&run, &token);
        if (status == SEC_I_CONTINUE_NEEDED && run.peer->heard.size != 0) {
            status = delegate(&run);
        }
    }
    if (status != SEC_E_OK) {
        credssp_fuzz_end(&run, status);
        return 0;
    }
    peer_reset(run.peer);
    return 0;
}
