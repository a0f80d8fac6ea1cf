#include "support/dtls_ends.h"

#include <stdlib.h>
#include <string.h>

void dtls_put(struct dtls_ends *dtls, int to, const void *datagram, size_t size)
{
    struct dtls_queue *queue = &dtls->queues[to];
    if (queue->count < DTLS_PACKETS && size <= DTLS_PACKET) {
        memcpy(queue->data[queue->count], datagram, size);
        queue->sizes[queue->count++] = size;
    }
}

void dtls_drop(struct dtls_ends *dtls, int to, size_t index)
{
    struct dtls_queue *queue = &dtls->queues[to];
    for (size_t i = index; i + 1 < queue->count; i++) {
        memcpy(queue->data[i], queue->data[i + 1], queue->sizes[i + 1]);
        queue->sizes[i] = queue->sizes[i + 1];
    }
    queue->count--;
}

static SECURITY_STATUS call(struct dtls_ends *dtls, int side, SecBufferDesc *in, SecBufferDesc *out)
{
    static SEC_CHAR target[] = "www.example.com";
    struct ends *ends = &dtls->ends;
    CtxtHandle *old = ends->has_context[side] ? &ends->contexts[side] : NULL;
    ULONG attributes;
    if (side == END_CLIENT) {
        return InitializeSecurityContextA(&ends->credentials[side], old, target,
                                          ISC_REQ_DATAGRAM | ISC_REQ_EXTENDED_ERROR | ends->request[side], 0, 0, in, 0,
                                          &ends->contexts[side], out, &attributes, NULL);
    }
    return AcceptSecurityContext(&ends->credentials[side], old, in,
                                 ASC_REQ_DATAGRAM | ASC_REQ_EXTENDED_ERROR | ends->request[side], 0,
                                 &ends->contexts[side], out, &attributes, NULL);
}

/* One call; what it says goes into the other side's queue. */
static SECURITY_STATUS step_once(struct dtls_ends *dtls, int side, uint8_t *datagram, size_t size)
{
    static uint8_t said[DTLS_PACKET];
    struct ends *ends = &dtls->ends;
    WORD mtu = dtls->mtu;
    SecBuffer in[3] = {{(ULONG)size, SECBUFFER_TOKEN, datagram}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[2] = {{sizeof said, SECBUFFER_TOKEN, said}, {0, SECBUFFER_EMPTY, NULL}};
    ULONG in_count = size != 0 ? 2 : 0;
    if (!ends->has_context[side] && mtu != 0) {
        in[in_count++] = (SecBuffer){sizeof mtu, SECBUFFER_DTLS_MTU, &mtu};
    }
    SecBufferDesc in_desc = {SECBUFFER_VERSION, in_count, in}, out_desc = {SECBUFFER_VERSION, 2, out};
    SECURITY_STATUS status = call(dtls, side, in_count != 0 ? &in_desc : NULL, &out_desc);
    ends->status[side] = status;
    ends->has_context[side] = ends->has_context[side] || status >= 0;
    bool wrote =
        status != SEC_E_INCOMPLETE_MESSAGE && status != SEC_E_INSUFFICIENT_MEMORY && status != SEC_E_OUT_OF_SEQUENCE;
    ends->alert[side] = wrote && out[0].cbBuffer == 15 && said[0] == 21 ? said[14] : 0;
    if (wrote && out[0].cbBuffer != 0) {
        dtls_put(dtls, 1 - side, said, out[0].cbBuffer);
    }
    return status;
}

SECURITY_STATUS dtls_step(struct dtls_ends *dtls, int side, const void *datagram, size_t size)
{
    void *exact = NULL; /* tests that fail allocations do not fail this one */
    if (posix_memalign(&exact, sizeof(void *), size != 0 ? size : 1) != 0) {
        abort();
    }
    SECURITY_STATUS status = SEC_I_MESSAGE_FRAGMENT;
    for (int i = 0; status == SEC_I_MESSAGE_FRAGMENT && i < DTLS_PACKETS; i++) {
        if (size != 0) {
            memcpy(exact, datagram, size);
        }
        status = step_once(dtls, side, exact, size);
    }
    free(exact);
    return status;
}

SECURITY_STATUS dtls_deliver(struct dtls_ends *dtls, int side)
{
    static struct dtls_queue came;
    came = dtls->queues[side];
    dtls->queues[side].count = 0;
    SECURITY_STATUS status = dtls->ends.status[side];
    for (size_t i = 0; i < came.count; i++) {
        status = dtls_step(dtls, side, came.data[i], came.sizes[i]);
        if (status < 0) {
            return status;
        }
    }
    return status;
}

bool dtls_done(const struct dtls_ends *dtls)
{
    const struct ends *ends = &dtls->ends;
    return ends->has_context[0] && ends->has_context[1] && ends->status[0] == SEC_E_OK && ends->status[1] == SEC_E_OK;
}

bool dtls_shake(struct dtls_ends *dtls, int rounds)
{
    struct ends *ends = &dtls->ends;
    for (int i = 0; i < rounds && !dtls_done(dtls); i++) {
        if (dtls->queues[0].count == 0 && dtls->queues[1].count == 0) {
            for (int side = END_CLIENT; side <= END_SERVER; side++) {
                bool waits = side == END_CLIENT || ends->has_context[side];
                if (waits && ends->status[side] != SEC_E_OK && dtls_step(dtls, side, NULL, 0) < 0) {
                    return false;
                }
            }
        }
        if (dtls_deliver(dtls, END_SERVER) < 0 || dtls_deliver(dtls, END_CLIENT) < 0) {
            return false;
        }
    }
    return dtls_done(dtls);
}

void dtls_reset(struct dtls_ends *dtls)
{
    ends_reset(&dtls->ends);
    dtls->queues[0].count = dtls->queues[1].count = 0;
}
