/* CredSSP's client: what its server says is spoilt.  Nothing but a binding to the right key gets the credentials. */
#include "fuzz/credssp_run.h"

static SECURITY_STATUS bind(struct credssp_run *run)
{
    struct peer_bytes sealed;
    AUTO_TS_REQUEST heard = {.owner = NULL};
    AUTO_SECRET plain = {0};
    PROMISE(ts_request_parse(bytes_of(run->peer->heard.data, run->peer->heard.size), &heard) == SEC_E_OK);
    PROMISE(heard.nonce.size == TS_NONCE_SIZE && heard.auth_info.data == NULL);
    PROMISE(binding_make(6, false, heard.nonce, peer_key(ends_certificate()), &plain) == SEC_E_OK);
    PROMISE(peer_seal(run->peer, secret_bytes(&plain), &sealed));
    struct ts_request answer = {.pub_key_auth = bytes_of(sealed.data, sealed.size)};
    return credssp_fuzz_say(run, &answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    struct credssp_run run = {.tape = &tape, .mode = tape_u8(&tape), .peer = credssp_fuzz_peer(END_SERVER)};
    static struct peer_bytes token;
    PROMISE(peer_session(run.peer, &token) == SEC_I_CONTINUE_NEEDED);
    struct ts_request challenge = {.nego_token = bytes_of(token.data, token.size)};
    SECURITY_STATUS status = credssp_fuzz_say(&run, &challenge);
    if (status != SEC_I_CONTINUE_NEEDED || run.peer->heard.size == 0) {
        credssp_fuzz_end(&run, status);
        return 0;
    }
    /* A challenge that was changed, and taken all the same, gives another session: NTLM's MIC finds it out at the server. */
    if (peer_session(run.peer, &token) != SEC_E_OK) {
        credssp_fuzz_end(&run, SEC_I_CONTINUE_NEEDED);
        return 0;
    }
    status = bind(&run);
    if (status != SEC_E_OK) {
        PROMISE(run.peer->heard.size == 0);
        credssp_fuzz_end(&run, status);
        return 0;
    }
    PROMISE(run.peer->heard.size != 0);
    peer_reset(run.peer);
    return 0;
}
