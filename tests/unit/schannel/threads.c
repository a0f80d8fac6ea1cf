/* One thread that sends and one that receives, on one context, at both ends; for ThreadSanitizer above all. */
#include "link.h"

#include <pthread.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_and_writer_tls12),
        cmocka_unit_test(reader_and_writer_tls13),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel threads", tests, NULL, NULL);
}
