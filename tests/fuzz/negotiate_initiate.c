/* Negotiate's client: what the server says is spoilt. */
#include "fuzz/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return negotiate_fuzz(data, size, false);
}
