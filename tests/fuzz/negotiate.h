/* A whole negotiation of our client with our server, in SPNEGO because the server speaks first, with the tokens on their way
 * spoilt as the tape says, or replaced by anything at all. */
#ifndef OPENSSPI_TESTS_FUZZ_NEGOTIATE_H
#define OPENSSPI_TESTS_FUZZ_NEGOTIATE_H

#include "fuzz/exchange.h"

enum { NEGOTIATE_BELIEVE_ALL = 1, NEGOTIATE_CLIENT_FIRST = 2, NEGOTIATE_EXTENDED_ERROR = 4, NEGOTIATE_PIECES = 8 };

static inline struct pair *negotiate_pair(void)
{
    static const WCHAR name[] = {'N', 'e', 'g', 'o', 't', 'i', 'a', 't', 'e', 0};
    static struct pair pair;
    random_source = exchange_random;
    clock_source = exchange_clock;
    if (!pair.has_server_credential) {
        PROMISE(pair_acquire_package(&pair, name, exchange_verify, NULL) == SEC_E_OK);
    }
    return &pair;
}

/* Spoils a token, or, from an odd byte on, replaces it. */
static inline bool negotiate_touch(struct tape *tape, struct pair_token *token)
{
    if (tape_u8(tape) % 2 != 0) {
        size_t size = tape_u16(tape) % (sizeof token->data + 1);
        token->size = (ULONG)tape_take(tape, token->data, size);
        return true;
    }
    size_t size = token->size;
    bool changed = tape_spoil(tape, token->data, &size);
    token->size = (ULONG)size;
    return changed;
}

/* `of_client`: the client's tokens are touched, else the server's. */
static inline int negotiate_fuzz(const uint8_t *data, size_t size, bool of_client)
{
    struct tape tape = {data, size};
    struct pair *pair = negotiate_pair();
    struct pair_token token = {.size = 0}, answer = {.size = 0};
    uint8_t mode = tape_u8(&tape);
    ULONG flags = exchange_client_flags(tape_u8(&tape));
    ULONG server_flags = (mode & NEGOTIATE_EXTENDED_ERROR) != 0 ? ASC_REQ_EXTENDED_ERROR : 0;
    pair->room = 0;
    if ((mode & NEGOTIATE_PIECES) != 0) {
        pair->room = 5u + tape_u8(&tape);
        flags |= ISC_REQ_FRAGMENT_TO_FIT;
        server_flags |= ASC_REQ_FRAGMENT_TO_FIT;
    }
    int legs = pair->room != 0 ? 500 : 10;
    exchange_believes_all = (mode & NEGOTIATE_BELIEVE_ALL) != 0;
    bool clients_turn = (mode & NEGOTIATE_CLIENT_FIRST) != 0, touched = false;
    SECURITY_STATUS client = SEC_I_CONTINUE_NEEDED, server = SEC_I_CONTINUE_NEEDED;
    for (int leg = 0; leg < legs; leg++, clients_turn = !clients_turn) {
        SECURITY_STATUS *status = clients_turn ? &client : &server;
        *status = clients_turn ? pair_client_leg(pair, flags, leg == 0 ? NULL : &token, &answer)
                               : pair_server_leg(pair, server_flags, &token, &answer);
        PROMISE(*status == SEC_E_OK || *status == SEC_I_CONTINUE_NEEDED ||
                (*status < 0 && (touched || exchange_believes_all)));
        if (*status < 0 || (client == SEC_E_OK && server == SEC_E_OK)) {
            break;
        }
        memcpy(&token, &answer, sizeof token);
        if (clients_turn == of_client) {
            touched = negotiate_touch(&tape, &token) || touched;
        }
        if ((clients_turn ? server : client) == SEC_E_OK) {
            break;
        }
    }
    PROMISE(touched || exchange_believes_all || (client == SEC_E_OK && server == SEC_E_OK));
    PROMISE(pair_reset(pair));
    return 0;
}

#endif
