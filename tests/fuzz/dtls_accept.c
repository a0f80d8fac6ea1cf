/* A server's steps of DTLS through the public API, fed with the datagrams of our own client, lost, doubled, late, spoilt, or with
 * anything at all; the promises are dtls_run's. */
#include "fuzz/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    dtls_run(&tape, END_SERVER);
    return 0;
}
