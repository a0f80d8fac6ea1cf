/* One thread that sends and one that receives, on one context, at both ends; for ThreadSanitizer above all. */
#include "link.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/dtls_ends.h"

#define MESSAGES 3000

struct pipe {
    struct side *from, *to;
    int wire[2];
    ULONG header;
    bool failed;
};

static void *sender(void *argument)
{
    struct pipe *pipe = argument;
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t block[1024] = {0};
        size_t size = 1 + i % 500;
        memset(block + 64, (int)(i & 0xff), size);
        ULONG header = pipe->header;
        SecBuffer buffers[4] = {{header, SECBUFFER_STREAM_HEADER, block + 64 - header},
                                {(ULONG)size, SECBUFFER_DATA, block + 64},
                                {400, SECBUFFER_STREAM_TRAILER, block + 64 + size},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        if (i % 700 == 699) { /* as if the peer had asked for one */
            atomic_store(&side_inside(pipe->from)->update_due, true);
        }
        if (EncryptMessage(&pipe->from->context, 0, &message, 0) != SEC_E_OK) {
            pipe->failed = true;
            break;
        }
        for (size_t b = 0; b < 3; b++) {
            if (write(pipe->wire[1], buffers[b].pvBuffer, buffers[b].cbBuffer) != (ssize_t)buffers[b].cbBuffer) {
                pipe->failed = true;
            }
        }
    }
    close(pipe->wire[1]);
    return NULL;
}

static void *receiver(void *argument)
{
    struct pipe *pipe = argument;
    uint8_t data[16384];
    unsigned got = 0;
    while (!pipe->failed) {
        size_t size = 0;
        SECURITY_STATUS status =
            pipe->to->in_size != 0 ? link_receive(pipe->to, data, &size) : SEC_E_INCOMPLETE_MESSAGE;
        if (status == SEC_E_INCOMPLETE_MESSAGE) {
            ssize_t more = read(pipe->wire[0], pipe->to->in + pipe->to->in_size, 4096);
            if (more <= 0) {
                break;
            }
            pipe->to->in_size += (size_t)more;
            continue;
        }
        if (status != SEC_E_OK || (size != 0 && (size != 1 + got % 500 || data[0] != (got & 0xff)))) {
            pipe->failed = true;
            break;
        }
        got += size != 0;
    }
    pipe->failed = pipe->failed || got != MESSAGES;
    return NULL;
}

static void both_ways(DWORD protocols)
{
    struct side_options client = {
        .protocols = protocols, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
    struct side_options server = {
        .protocols = protocols, .certificates = {link_certificate("p256")}, .certificate_count = 1};
    struct link *link = calloc(1, sizeof *link);
    link_open(link, &client, &server);
    link_establish(link); /* the tickets of TLS 1.3 are still to be read */
    struct pipe pipes[2] = {{.from = &link->client, .to = &link->server}, {.from = &link->server, .to = &link->client}};
    pthread_t threads[4];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i].wire), 0);
        pipes[i].header = protocols == SP_PROT_TLS1_3 ? 5 : 13; /* RFC 8446 5.2; RFC 5288 3 */
        assert_int_equal(pthread_create(&threads[2 * i], NULL, sender, &pipes[i]), 0);
        assert_int_equal(pthread_create(&threads[2 * i + 1], NULL, receiver, &pipes[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        close(pipes[i].wire[0]);
        assert_false(pipes[i].failed);
    }
    link_close(link);
}

static void reader_and_writer_tls13(void **state)
{
    both_ways(SP_PROT_TLS1_3);
}

static void reader_and_writer_tls12(void **state)
{
    both_ways(SP_PROT_TLS1_2);
}

/* ---------------------------------------------------------------- datagrams */

struct lane {
    CtxtHandle *from, *to;
    int wire[2];
    atomic_bool failed;
};

static void *datagram_sender(void *argument)
{
    struct lane *lane = argument;
    for (unsigned i = 0; i < MESSAGES && !lane->failed; i++) {
        uint8_t block[1024] = {0};
        size_t size = 2 + i % 500, at = 0;
        block[64] = (uint8_t)i;
        block[65] = (uint8_t)(i >> 8);
        SecBuffer buffers[4] = {{64, SECBUFFER_STREAM_HEADER, block},
                                {(ULONG)size, SECBUFFER_DATA, block + 64},
                                {400, SECBUFFER_STREAM_TRAILER, block + 64 + size},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        uint8_t wire[1024];
        lane->failed = EncryptMessage(lane->from, 0, &message, 0) != SEC_E_OK;
        for (size_t b = 0; b < 3 && !lane->failed; b++) {
            memcpy(wire + at, buffers[b].pvBuffer, buffers[b].cbBuffer);
            at += buffers[b].cbBuffer;
        }
        lane->failed = lane->failed || send(lane->wire[1], wire, at, MSG_NOSIGNAL) != (ssize_t)at;
    }
    shutdown(lane->wire[1], SHUT_WR);
    return NULL;
}

static void *datagram_receiver(void *argument)
{
    struct lane *lane = argument;
    unsigned got = 0;
    for (;;) {
        uint8_t datagram[1024];
        ssize_t size = recv(lane->wire[0], datagram, sizeof datagram, 0);
        if (size <= 0) {
            break;
        }
        SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, datagram},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        const uint8_t *data;
        if (DecryptMessage(lane->to, &message, 0, NULL) != SEC_E_OK || buffers[1].cbBuffer != 2 + got % 500) {
            lane->failed = true;
            break;
        }
        data = buffers[1].pvBuffer;
        lane->failed = lane->failed || (unsigned)(data[0] | data[1] << 8) != got;
        got++;
    }
    lane->failed = lane->failed || got != MESSAGES;
    close(lane->wire[0]); /* a sender that waits for room hears of it */
    return NULL;
}

static void reader_and_writer_dtls(void **state)
{
    static struct dtls_ends dtls;
    assert_int_equal(ends_acquire(&dtls.ends, SP_PROT_DTLS1_2), SEC_E_OK);
    dtls_reset(&dtls);
    assert_true(dtls_shake(&dtls, 20));
    CtxtHandle *handles = dtls.ends.contexts;
    struct lane lanes[2] = {{.from = &handles[0], .to = &handles[1]}, {.from = &handles[1], .to = &handles[0]}};
    pthread_t threads[4];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, lanes[i].wire), 0);
        assert_int_equal(pthread_create(&threads[2 * i], NULL, datagram_sender, &lanes[i]), 0);
        assert_int_equal(pthread_create(&threads[2 * i + 1], NULL, datagram_receiver, &lanes[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        close(lanes[i].wire[1]);
        assert_false(lanes[i].failed);
    }
    dtls_reset(&dtls);
    ends_free(&dtls.ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_and_writer_tls12),
        cmocka_unit_test(reader_and_writer_tls13),
        cmocka_unit_test(reader_and_writer_dtls),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel threads", tests, NULL, NULL);
}
