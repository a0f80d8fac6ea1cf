/* This program once more, in a process of its own that shares nothing with the first: where contexts are imported to.  It is
 * started with the argument "import", and hears and answers through its standard input and output. */
#ifndef OPENSSPI_TESTS_SUPPORT_ANOTHER_PROCESS_H
#define OPENSSPI_TESTS_SUPPORT_ANOTHER_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    FILE *to, *from;
};

/* `self`: the program's path. */
static void child_start(struct child *child, const char *self)
{
    int down[2], up[2];
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        dup2(down[0], 0);
        dup2(up[1], 1);
        close(down[0]);
        close(down[1]);
        close(up[0]);
        close(up[1]);
        execl(self, self, "import", (char *)NULL);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    child->to = fdopen(down[1], "w");
    child->from = fdopen(up[0], "r");
    assert_non_null(child->to);
    assert_non_null(child->from);
}

static void put(struct child *child, const void *data, size_t size)
{
    assert_int_equal(fwrite(data, size, 1, child->to), 1);
    assert_int_equal(fflush(child->to), 0);
}

/* The child's exit status, when there is nothing more to say to it. */
static int child_end(struct child *child)
{
    int status = 0;
    fclose(child->to);
    fclose(child->from);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
