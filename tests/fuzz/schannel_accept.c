/* A server's steps of TLS through the public API, fed with what our own client says, spoilt, or with anything at all; the
 * promises are tls_run's. */
#include "fuzz/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    tls_run(&tape, END_SERVER);
    return 0;
}
