#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "party.h"
#include "terminal.h"

extern char **environ;

#define CHILDREN_MAX 4

static volatile pid_t children[CHILDREN_MAX];

static void remember(pid_t old, pid_t new)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i] == old) {
            children[i] = new;
            return;
        }
    }
}

static void on_signal(int number)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i] > 0) {
            kill(children[i], SIGTERM);
        }
    }
    _exit(128 + number);
}

void child_end_with_us(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* The environment and one more variable, which comes first and so wins. */
static char **with_variable(const char *set)
{
    size_t count = 0;
    size_t used = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **list = need(calloc(count + 2, sizeof *list));
    if (set != NULL) {
        list[used++] = (char *)set;
    }
    memcpy(list + used, environ, count * sizeof *list);
    return list;
}

static void close_pair(int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

bool child_start(struct child *child, const char *const argv[], const char *input, const char *set, bool quiet)
{
    int in[2];
    int out[2];
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    if (pipe2(in, O_CLOEXEC) != 0) {
        return false;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        close_pair(in);
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (quiet) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    char **list = with_variable(set);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, list);
    free(list);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (failed == 0 && input != NULL) {
        ssize_t written = write(in[1], input, strlen(input)); /* shorter than any pipe */
        (void)written;                                        /* a child that does not read it fails by itself */
    }
    close(in[1]);
    if (failed != 0) {
        close(out[0]);
        errno = failed;
        return false;
    }
    remember(0, pid);
    *child = (struct child){pid, out[0]};
    return true;
}

/* Milliseconds left of a deadline on party_clock(). */
static int left(uint64_t deadline)
{
    uint64_t now = party_clock();
    return now >= deadline ? 0 : (int)((deadline - now) / 1000000u) + 1;
}

/* One read before the deadline: -1 when it passed. */
static ssize_t read_until(int fd, char *data, size_t size, uint64_t deadline)
{
    struct pollfd poller = {fd, POLLIN, 0};
    int ready = 0;
    do {
        ready = poll(&poller, 1, left(deadline));
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? read(fd, data, size) : -1;
}

bool child_read_line(struct child *child, char *line, size_t size, int milliseconds)
{
    uint64_t deadline = party_clock() + (uint64_t)milliseconds * 1000000u;
    size_t used = 0;
    while (used + 1 < size && read_until(child->out, line + used, 1, deadline) == 1) {
        if (line[used] == '\n') {
            line[used] = '\0';
            return true;
        }
        used++;
    }
    line[used] = '\0';
    return false;
}

static int wait_until(struct child *child, uint64_t deadline)
{
    int status = 0;
    int fd = pidfd_open(child->pid, 0);
    struct pollfd poller = {fd, POLLIN, 0};
    int ready = 0;
    do {
        ready = fd >= 0 ? poll(&poller, 1, left(deadline)) : 0;
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        kill(child->pid, SIGKILL);
    }
    if (fd >= 0) {
        close(fd);
    }
    pid_t ended = 0;
    do {
        ended = waitpid(child->pid, &status, 0);
    } while (ended < 0 && errno == EINTR);
    remember(child->pid, 0);
    close(child->out);
    *child = (struct child){0, -1};
    return ready > 0 && ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int child_finish(struct child *child, char *output, size_t size, int milliseconds)
{
    uint64_t deadline = party_clock() + (uint64_t)milliseconds * 1000000u;
    size_t used = 0;
    ssize_t got = 0;
    do {
        char rest[256]; /* what does not fit is read all the same, so that the child can end */
        bool room = used + 1 < size;
        got = read_until(child->out, room ? output + used : rest, room ? size - 1 - used : sizeof rest, deadline);
        used += room && got > 0 ? (size_t)got : 0;
    } while (got > 0);
    output[used] = '\0';
    return wait_until(child, deadline);
}

int child_stop(struct child *child, int milliseconds)
{
    if (child->pid == 0) {
        return -1;
    }
    kill(child->pid, SIGTERM);
    return wait_until(child, party_clock() + (uint64_t)milliseconds * 1000000u);
}
