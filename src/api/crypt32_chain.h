/* What the two files of chains share. */
#ifndef OPENSSPI_API_CRYPT32_CHAIN_H
#define OPENSSPI_API_CRYPT32_CHAIN_H

#include "api/api.h"

#pragma GCC visibility push(default)
#include "wincrypt.h"
#pragma GCC visibility pop

/* The end of a function that returns BOOL: traces, and sets what GetLastError() says when the status is no success. */
BOOL crypt32_end(const char *function, SECURITY_STATUS status);

#endif
