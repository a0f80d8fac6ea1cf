/* The client, fed with our own server's challenge and proof, spoilt, or with anything at all.
 *
 * Promises: an untouched exchange succeeds; whatever is answered can be read again and fits the buffer; a touched proof does
 * not pass, unless what was touched says nothing.
 */
#include "fuzz/digest_exchange.h"

#include "digest/directives.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    uint8_t mode = tape_u8(&tape);
    struct digest_pair *pair = digest_fuzz_pair(mode);
    struct digest_message challenge, response, proof, out;
    PROMISE(digest_pair_server(pair, NULL, &challenge) == SEC_I_CONTINUE_NEEDED);
    bool touched = digest_fuzz_spoil(&tape, mode, &challenge);
    SECURITY_STATUS status = digest_pair_client(pair, &challenge, &response);
    PROMISE(touched || status >= 0);
    if (status >= 0 && response.size != 0) {
        static uint8_t memory[DIGEST_TOKEN_MAX];
        struct writer room = write_into(memory, sizeof memory);
        struct digest_directives said;
        PROMISE(digest_parse_one(bytes_of(response.text, response.size), false, &room, &said) == SEC_E_OK);
        PROMISE(digest_has(&said, DIGEST_RESPONSE) && digest_has(&said, DIGEST_USERNAME));
        status = digest_pair_server(pair, &response, &proof);
        PROMISE(touched || status == SEC_E_OK);
        if (status == SEC_E_OK && (mode & FUZZ_SASL) != 0) {
            bool proof_touched = digest_fuzz_spoil(&tape, 0, &proof);
            status = digest_pair_client(pair, &proof, &out);
            PROMISE(proof_touched || status == SEC_E_OK);
        }
    }
    if ((mode & FUZZ_SASL) == 0 && status >= 0 && SecIsValidHandle(&pair->client)) {
        (void)digest_fuzz_spoil(&tape, FUZZ_RAW, &proof);
        (void)digest_pair_verify(&pair->client, NULL, "/", NULL, &proof);
    }
    digest_pair_forget(pair);
    return 0;
}
