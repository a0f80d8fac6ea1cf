/* OpenSSL keeps a queue of errors for each thread, and the program we are loaded into may use OpenSSL too: whatever a call
 * of ours puts there is taken out again, else the program finds our peer's malformed token when it asks about its own
 * connection (SSL_get_error).
 */
#ifndef OPENSSPI_CRYPTO_OPENSSL_ERRORS_H
#define OPENSSPI_CRYPTO_OPENSSL_ERRORS_H

/* Brackets a use of OpenSSL; they nest. */
void openssl_errors_mark(void);
void openssl_errors_forget(void);

#endif
