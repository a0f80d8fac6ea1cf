/* Tokens of Negotiate in pieces (ISC_REQ_FRAGMENT_TO_FIT): whatever the room, both sides end where they end without, and
 * what does not fit together is refused.
 */
#include <stdlib.h>

#include "vectors/hex.h"

#include "security.h"
#include "support/pair.h"

static const WCHAR negotiate_name[] = u"Negotiate";

struct side {
    bool client;
    ULONG flags, room;
    ULONG returned; /* attributes */
    ULONG most;     /* longest token that came out */
    unsigned pieces;
};

/* One call; the answer has `room` bytes at most. */
static SECURITY_STATUS call(struct pair *pair, struct side *side, const struct pair_token *in, struct pair_token *out)
{
    unsigned char *answer = malloc(side->room); /* exactly, so that a sanitizer sees a byte too many */
    SecBuffer in_buffer = {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->data};
    SecBuffer out_buffer = {side->room, SECBUFFER_TOKEN, answer};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer}, out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    assert_non_null(answer);
    bool *has = side->client ? &pair->has_client : &pair->has_server;
    CtxtHandle *context = side->client ? &pair->client : &pair->server;
    SECURITY_STATUS status =
        side->client ? InitializeSecurityContextA(&pair->client_credential, *has ? context : NULL,
                                                  (char[]){"HTTP/Server"}, side->flags, 0, SECURITY_NATIVE_DREP,
                                                  &in_desc, 0, context, &out_desc, &side->returned, NULL)
                     : AcceptSecurityContext(&pair->server_credential, *has ? context : NULL, &in_desc, side->flags,
                                             SECURITY_NATIVE_DREP, context, &out_desc, &side->returned, NULL);
    out->size = 0;
    if (status >= 0) {
        *has = true;
        out->size = out_buffer.cbBuffer;
        memcpy(out->data, answer, out->size);
        side->most = out->size > side->most ? out->size : side->most;
        side->pieces += (side->returned & (side->client ? ISC_RET_FRAGMENT_ONLY : ASC_RET_FRAGMENT_ONLY)) != 0;
    }
    free(answer);
    return status;
}

static void begin(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    assert_int_equal(pair_acquire_package(pair, negotiate_name, NULL, NULL), SEC_E_OK);
}

/* Passes tokens, empty ones too, from one to the other, until both are through. */
static SECURITY_STATUS talk(struct pair *pair, struct side *client, struct side *server, bool server_first)
{
    struct pair_token token = {.size = 0};
    SECURITY_STATUS of_client = SEC_I_CONTINUE_NEEDED, of_server = SEC_I_CONTINUE_NEEDED;
    bool clients_turn = !server_first;
    for (int i = 0; i < 2000 && (of_client != SEC_E_OK || of_server != SEC_E_OK); i++) {
        SECURITY_STATUS *status = clients_turn ? &of_client : &of_server;
        assert_int_equal(*status, SEC_I_CONTINUE_NEEDED);
        *status = call(pair, clients_turn ? client : server, &token, &token);
        if (*status < 0) {
            return *status;
        }
        clients_turn = !clients_turn;
    }
    assert_int_equal(of_client, SEC_E_OK);
    assert_int_equal(of_server, SEC_E_OK);
    return SEC_E_OK;
}

static void message(struct pair *pair)
{
    unsigned char data[16] = "pieces together", signature[16];
    assert_int_equal(pair_seal(&pair->client, data, sizeof data, signature), SEC_E_OK);
    assert_int_equal(pair_unseal(&pair->server, data, sizeof data, signature), SEC_E_OK);
    assert_string_equal((char *)data, "pieces together");
}

#define CLIENT(size) ((struct side){.client = true, .flags = PAIR_SEAL | ISC_REQ_FRAGMENT_TO_FIT, .room = (size)})
#define SERVER(size) ((struct side){.flags = ASC_REQ_FRAGMENT_TO_FIT, .room = (size)})

static void any_room(void **state)
{
    static const ULONG rooms[] = {5, 6, 7, 13, 29, 64, 100, 4096};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        for (size_t j = 0; j < sizeof rooms / sizeof rooms[0]; j++) {
            for (int first = 0; first < 2; first++) {
                struct pair pair;
                struct side client = CLIENT(rooms[i]), server = SERVER(rooms[j]);
                begin(&pair);
                assert_int_equal(talk(&pair, &client, &server, first != 0), SEC_E_OK);
                assert_true(client.most <= rooms[i] && server.most <= rooms[j]);
                assert_int_equal(client.pieces != 0, rooms[i] < 4096);
                assert_int_equal(server.pieces != 0, rooms[j] < 4096);
                assert_true((client.returned & ISC_RET_CONFIDENTIALITY) != 0);
                assert_int_equal(client.returned & ISC_RET_FRAGMENT_ONLY, 0);
                message(&pair);
                assert_true(pair_free(&pair));
            }
        }
    }
}

/* The flag alone changes nothing but that SPNEGO is spoken, whose length says how much is to come. */
static void room_enough(void **state)
{
    struct pair pair;
    struct side client = CLIENT(4096);
    struct pair_token none = {.size = 0}, first;
    begin(&pair);
    assert_int_equal(call(&pair, &client, &none, &first), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(first.data[0], 0x60);
    assert_int_equal(first.data[1], first.size - 2);
    assert_int_equal(client.returned & ISC_RET_FRAGMENT_ONLY, 0);
    assert_true(pair_free(&pair));
}

static void no_room(void **state)
{
    struct pair pair;
    struct side client = CLIENT(4);
    struct pair_token none = {.size = 0}, first;
    begin(&pair);
    assert_int_equal(call(&pair, &client, &none, &first), SEC_E_BUFFER_TOO_SMALL);
    client = CLIENT(20);
    client.flags = PAIR_SEAL;
    assert_int_equal(call(&pair, &client, &none, &first), SEC_E_BUFFER_TOO_SMALL);
    assert_false(pair.has_client);
    assert_true(pair_free(&pair));
}

/* A receiver that was told of no pieces takes half a token for a malformed one; one that was told of them by
 * FRAGMENT_SUPPLIED collects, and answers in one piece. */
static void who_was_told(void **state)
{
    struct pair pair;
    struct side client = CLIENT(30), server = {.flags = 0, .room = 4096};
    begin(&pair);
    assert_int_equal(talk(&pair, &client, &server, false), SEC_E_INVALID_TOKEN);
    assert_true(pair_reset(&pair));
    client = CLIENT(30);
    server.flags = ASC_REQ_FRAGMENT_SUPPLIED;
    assert_int_equal(talk(&pair, &client, &server, false), SEC_E_OK);
    assert_true(client.pieces > 1 && server.pieces == 0);
    message(&pair);
    assert_true(pair_free(&pair));
}

/* What the server says to these pieces, one after the other. */
static SECURITY_STATUS server_says(struct pair *pair, const char *const *pieces)
{
    struct side server = SERVER(4096);
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    for (size_t i = 0; pieces[i] != NULL; i++) {
        struct hex bytes = hex(pieces[i]);
        struct pair_token in = {.size = (ULONG)bytes.size}, out;
        memcpy(in.data, bytes.data, bytes.size);
        assert_int_equal(status, SEC_I_CONTINUE_NEEDED);
        status = call(pair, &server, &in, &out);
        assert_true(status != SEC_I_CONTINUE_NEEDED || out.size == 0);
    }
    if (pair->has_server) { /* nothing more is taken */
        struct pair_token in = {.size = 0}, out;
        assert_int_equal(call(pair, &server, &in, &out), SEC_E_OUT_OF_SEQUENCE);
    }
    return status;
}

static void pieces_that_do_not_fit(void **state)
{
    static const char *const cases[][5] = {
        {"60 48 06", "06 2b", "", NULL},                     /* an empty piece */
        {"60 05 06", "06 2b 06 01 05 05 02 a0 00 00", NULL}, /* more than was announced */
        {"60 84 00 02 00 01 06", NULL},                      /* longer than any token may be */
        {"60 84 ff ff ff ff", NULL},                         /* far longer */
        {"60 80 06 06", NULL},                               /* indefinite */
        {"60 85 00 00 00 00 10", NULL},                      /* a length of five bytes */
        {"60 0a 06 06", "2b 06 01 05 05 02", "a0 00", NULL}, /* whole, and no NegTokenInit */
        {"a1 07 30", "05 a0 03 0a 01 00", NULL},             /* whole, and the other side's */
        {"60", NULL},                                        /* not even a length */
        {"4e 54 4c 4d 53 53 50 00 01 00", NULL},             /* NTLM as it is says no length */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        begin(&pair);
        assert_int_equal(server_says(&pair, cases[i]), SEC_E_INVALID_TOKEN);
        assert_true(pair_free(&pair));
    }
}

/* A token from the peer while pieces of ours are due. */
static void out_of_turn(void **state)
{
    struct pair pair;
    struct side client = CLIENT(30);
    struct pair_token none = {.size = 0}, first, second;
    begin(&pair);
    assert_int_equal(call(&pair, &client, &none, &first), SEC_I_CONTINUE_NEEDED);
    assert_true((client.returned & ISC_RET_FRAGMENT_ONLY) != 0);
    assert_int_equal(call(&pair, &client, &first, &second), SEC_E_INVALID_TOKEN);
    assert_int_equal(call(&pair, &client, &none, &second), SEC_E_OUT_OF_SEQUENCE);
    assert_true(pair_free(&pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_room),
        cmocka_unit_test(room_enough),
        cmocka_unit_test(no_room),
        cmocka_unit_test(who_was_told),
        cmocka_unit_test(pieces_that_do_not_fit),
        cmocka_unit_test(out_of_turn),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiate_pieces", tests, NULL, NULL);
}
