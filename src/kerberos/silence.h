/* KDCs that did not answer: whoever logs on often, with one credential after another, must not wait for the same dead KDC each
 * time.  Only what took a while is remembered, for the process: a KDC that refuses the connection costs nothing to ask.
 *
 * What is remembered ends with its time, with any answer to the same question (be it one that came too late for who asked), and
 * with a change of the configuration.
 */
#ifndef OPENSSPI_KERBEROS_SILENCE_H
#define OPENSSPI_KERBEROS_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

/* What is asked: whose KDC, through which proxy, and for which service; any of them may be NULL. */
struct question {
    const char *who, *proxy, *target;
};

/* A number for it; two questions may have one, and then share what is remembered. */
uint64_t silence_key(const struct question *question);

/* Did nobody answer this a short while ago? */
bool silence_holds(uint64_t key);

void silence_remember(uint64_t key);
void silence_forget(uint64_t key);

#endif
