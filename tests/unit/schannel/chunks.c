/* Whole sessions, cut into pieces of random sizes in both directions: handshake, messages, renegotiation, close.  What each side
 * sees happen is the same however the bytes arrive. */
#include "link.h"

#include <stdio.h>

#define LOG_ROOM 16384

struct end {
    struct side *side;
    struct side wire; /* what is on its way to this side, in wire.in */
    bool shaking;
    char log[LOG_ROOM];
    size_t log_size;
};

struct talk {
    struct link *link;
    struct end ends[2]; /* the client's, the server's */
    unsigned seed;      /* 0: nothing is cut */
};

static void note_event(struct end *end, SECURITY_STATUS status, const uint8_t *data, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + data[i];
    }
    end->log_size += (size_t)snprintf(end->log + end->log_size, LOG_ROOM - end->log_size, "%08x %zu %x\n",
                                      (unsigned)status, size, sum);
    assert_true(end->log_size < LOG_ROOM);
}

/* Everything that a side can do with what it has. */
static void pump(struct talk *talk, struct end *end)
{
    static uint8_t data[LINK_BUFFER];
    struct end *other = &talk->ends[end == &talk->ends[0]];
    for (;;) {
        size_t size = 0;
        SECURITY_STATUS status;
        if (end->shaking) {
            status = side_step(end->side, talk->link, other->wire.in, &other->wire.in_size);
            end->shaking = status != SEC_E_OK;
        } else {
            status = end->side->in_size != 0 ? link_receive(end->side, data, &size) : SEC_E_INCOMPLETE_MESSAGE;
        }
        if (status == SEC_E_INCOMPLETE_MESSAGE) {
            return;
        }
        if (status != SEC_I_CONTINUE_NEEDED) {
            note_event(end, status, data, size);
        }
        assert_true(status >= 0);
        if (status == SEC_I_RENEGOTIATE) {
            end->shaking = true;
        } else if (end->side->in_size == 0) {
            return;
        }
    }
}

static void carry_on(struct talk *talk)
{
    while (talk->ends[0].wire.in_size != 0 || talk->ends[1].wire.in_size != 0) {
        for (size_t i = 0; i < 2; i++) {
            struct end *end = &talk->ends[i];
            size_t size = end->wire.in_size;
            if (size == 0) {
                continue;
            }
            if (talk->seed != 0) {
                size_t cut = 1 + (size_t)rand_r(&talk->seed) % (rand_r(&talk->seed) % 4 == 0 ? 5000 : 40);
                size = cut < size ? cut : size;
            }
            memcpy(end->side->in + end->side->in_size, end->wire.in, size);
            end->side->in_size += size;
            end->wire.in_size -= size;
            memmove(end->wire.in, end->wire.in + size, end->wire.in_size);
            pump(talk, end);
        }
    }
}

static void say(struct talk *talk, size_t from, size_t size)
{
    static uint8_t data[16384];
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 13 + size);
    }
    link_send(talk->ends[from].side, &talk->ends[1 - from].wire, data, size);
}

/* One session from its beginning to its end. */
static void run(struct talk *talk, DWORD protocols, bool renegotiate)
{
    static const size_t sizes[] = {1, 300, 16384, 2, 5000, 17};
    struct side_options client = {
        .protocols = protocols, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
    struct side_options server = {
        .protocols = protocols, .certificates = {link_certificate("rsa")}, .certificate_count = 1};
    talk->link = calloc(1, sizeof *talk->link);
    link_open(talk->link, &client, &server);
    talk->ends[0].side = &talk->link->client;
    talk->ends[1].side = &talk->link->server;
    talk->ends[0].shaking = talk->ends[1].shaking = true;
    pump(talk, &talk->ends[0]);
    carry_on(talk);
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            say(talk, 0, sizes[i]);
            say(talk, 1, sizes[5 - i]);
        }
        carry_on(talk);
        if (turn == 0 && renegotiate) {
            struct end *asks = &talk->ends[0];
            assert_status(side_poke(asks->side, talk->ends[1].wire.in, &talk->ends[1].wire.in_size),
                          SEC_I_CONTINUE_NEEDED);
            asks->shaking = true;
            carry_on(talk);
        }
    }
    DWORD close = SCHANNEL_SHUTDOWN;
    for (size_t i = 0; i < 2; i++) {
        link_control(talk->ends[i].side, &talk->ends[1 - i].wire, &close, sizeof close);
    }
    carry_on(talk);
    link_close(talk->link);
}

static void all_the_same(DWORD protocols, bool renegotiate)
{
    struct talk *whole = calloc(1, sizeof *whole);
    run(whole, protocols, renegotiate);
    for (size_t i = 0; i < 2; i++) { /* the whole session took place: messages of the largest size, and the end */
        assert_non_null(strstr(whole->ends[i].log, "00000000 16384 "));
        assert_non_null(strstr(whole->ends[i].log, "00090317 0 "));
    }
    assert_int_equal(strstr(whole->ends[1].log, "00090321 ") != NULL, renegotiate);
    for (unsigned seed = 1; seed <= 25; seed++) {
        struct talk *cut = calloc(1, sizeof *cut);
        cut->seed = seed;
        run(cut, protocols, renegotiate);
        for (size_t i = 0; i < 2; i++) {
            assert_string_equal(cut->ends[i].log, whole->ends[i].log);
        }
        free(cut);
    }
    free(whole);
}

static void tls13(void **state)
{
    all_the_same(SP_PROT_TLS1_3, false);
}

static void tls12(void **state)
{
    all_the_same(SP_PROT_TLS1_2, true);
}

static void tls10(void **state)
{
    all_the_same(SP_PROT_TLS1_0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls13),
        cmocka_unit_test(tls12),
        cmocka_unit_test(tls10),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel chunks", tests, NULL, NULL);
}
