/* The server, fed with our own client's response, spoilt, or with anything at all.
 *
 * Promises: what nobody touched is accepted; whatever is accepted is Mufasa; a context that failed stays failed.
 */
#include "fuzz/digest_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    uint8_t mode = tape_u8(&tape);
    struct digest_pair *pair = digest_fuzz_pair(mode);
    struct digest_message challenge, response, out;
    PROMISE(digest_pair_server(pair, NULL, &challenge) == SEC_I_CONTINUE_NEEDED);
    SECURITY_STATUS status = digest_pair_client(pair, &challenge, &response);
    PROMISE(status >= 0);
    bool touched = digest_fuzz_spoil(&tape, mode, &response);
    status = digest_pair_server(pair, &response, &out);
    PROMISE(touched || status == SEC_E_OK);
    if (status == SEC_E_OK) {
        SecPkgContext_NamesA names;
        PROMISE(QueryContextAttributesA(&pair->server, SECPKG_ATTR_NAMES, &names) == SEC_E_OK);
        PROMISE(strstr(names.sUserName, "\\Mufasa") != NULL);
        PROMISE(FreeContextBuffer(names.sUserName) == SEC_E_OK);
        unsigned char packet[128] = {0};
        size_t packet_size = tape_take(&tape, packet, sizeof packet);
        SecBuffer buffers[] = {{(ULONG)packet_size, SECBUFFER_STREAM, packet}, {0, SECBUFFER_DATA, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        PROMISE(DecryptMessage(&pair->server, &message, 0, NULL) < 0);
        (void)digest_pair_verify(&pair->server, "GET", "/", NULL, &response);
    } else if (status < 0) {
        PROMISE(digest_pair_server(pair, &response, &out) == SEC_E_OUT_OF_SEQUENCE);
    }
    digest_pair_forget(pair);
    (void)digest_pair_server(pair, &response, &out); /* the same as a first leg */
    digest_pair_forget(pair);
    return 0;
}
