/* The end of a child that was forked while other threads of its parent were at work.  Their stacks are gone in the child, so
 * whatever they held at that moment counts as lost there when the process ends in order; a leak check would blame the
 * code under test by chance.  A child whose work went well therefore ends by SIGKILL, which nothing can look behind, and
 * any other end is a failure. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends the child; does not return. */
static inline void child_end(bool well)
{
    if (well) {
        (void)kill(getpid(), SIGKILL);
    }
    _exit(1);
}

/* Waits for `child`; whether it called child_end(true). */
static inline bool child_ended_well(pid_t child)
{
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}
