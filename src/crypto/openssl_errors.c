#include "crypto/openssl_errors.h"

#include <openssl/err.h>

void openssl_errors_mark(void)
{
    ERR_set_mark();
}

void openssl_errors_forget(void)
{
    ERR_pop_to_mark();
}
