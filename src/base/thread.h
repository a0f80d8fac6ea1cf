/* Threads of the library's own: for what may wait for somebody else longer than a caller wants to. */
#ifndef OPENSSPI_BASE_THREAD_H
#define OPENSSPI_BASE_THREAD_H

#include <stdbool.h>

/* Starts one that nobody joins and that no signal of the program's is delivered to. */
bool thread_start(void *(*run)(void *argument), void *argument);

#endif
