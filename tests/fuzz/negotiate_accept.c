/* Negotiate's server: what the client says is spoilt. */
#include "fuzz/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return negotiate_fuzz(data, size, true);
}
