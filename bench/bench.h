/* Measuring, for programs that each stand for one implementation.
 *
 * A program measures every metric once, after a warm-up, and prints one line for each:
 *
 *     R <set> <implementation> <metric> <value> <unit>
 *     N <set> <implementation> <text>              (a note: a fact, or what the implementation cannot do)
 *
 * run.py starts the programs of a set in turn, several rounds, and takes medians: every repetition is a new process, and
 * all implementations see the same neighbours.  Options of all programs:
 *
 *     -t SECONDS    measuring time for each metric (default 0.2)
 *     -w SECONDS    warm-up for each metric (default 0.05)
 *     -f TEXT       only metrics whose name contains TEXT
 *     -m MODE       all (default), threads, million, control; see the program
 */
#ifndef OPENSSPI_BENCH_BENCH_H
#define OPENSSPI_BENCH_BENCH_H

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double bench_time = 0.2;
static double bench_warm = 0.05;
static const char *bench_filter;
static const char *bench_mode = "all";
static const char *bench_set;
static const char *bench_name;
static size_t bench_largest = SIZE_MAX; /* of messages: a record of TLS holds 16384 bytes */

static const size_t bench_sizes[] = {64, 1024, 16384, 65536};
#define BENCH_SIZES (sizeof bench_sizes / sizeof bench_sizes[0])
#define BENCH_BATCH 256  /* most messages that are on their way at a time */
#define BENCH_LIVE  1000 /* contexts held for the memory figure */

__attribute__((format(printf, 1, 2), noreturn, unused)) static void bench_die(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s/%s: ", bench_set, bench_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            bench_die(__VA_ARGS__);                                                                                    \
    } while (0)

static inline double bench_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Processor time of this thread, in the kernel too: what else runs on the machine is not counted.  Nothing that is
 * measured with it waits for anything. */
static inline double bench_now(void)
{
    return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

static inline void bench_init(int argc, char **argv, const char *set, const char *name)
{
    bench_set = set;
    bench_name = name;
    for (int option = getopt(argc, argv, "t:w:f:m:"); option != -1; option = getopt(argc, argv, "t:w:f:m:")) {
        switch (option) {
        case 't':
            bench_time = atof(optarg);
            break;
        case 'w':
            bench_warm = atof(optarg);
            break;
        case 'f':
            bench_filter = optarg;
            break;
        case 'm':
            bench_mode = optarg;
            break;
        default:
            fprintf(stderr, "usage: %s [-t seconds] [-w seconds] [-f text] [-m all|threads|million|control]\n",
                    argv[0]);
            exit(2);
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline bool bench_wanted(const char *metric)
{
    return bench_filter == NULL || strstr(metric, bench_filter) != NULL;
}

static inline void bench_emit(const char *metric, double value, const char *unit)
{
    printf("R\t%s\t%s\t%s\t%.6g\t%s\n", bench_set, bench_name, metric, value, unit);
}

__attribute__((format(printf, 1, 2), unused)) static void bench_note(const char *format, ...)
{
    va_list arguments;
    printf("N\t%s\t%s\t", bench_set, bench_name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

/* Operations per second of `operation`. */
__attribute__((noinline, unused)) static void bench_rate(const char *metric, void (*operation)(void *), void *argument)
{
    if (!bench_wanted(metric)) {
        return;
    }
    unsigned long count = 0;
    double start = bench_now();
    double passed;
    do {
        operation(argument);
        count++;
        passed = bench_now() - start;
    } while (passed < bench_warm);
    unsigned long step = (unsigned long)((double)count / passed * 0.002) + 1; /* a look at the clock every 2 ms */
    count = 0;
    start = bench_now();
    do {
        for (unsigned long i = 0; i < step; i++) {
            operation(argument);
        }
        count += step;
        passed = bench_now() - start;
    } while (passed < bench_time);
    bench_emit(metric, (double)count / passed, "op/s");
}

/* Message protection: `out` protects `count` messages of `size` bytes and keeps them, `in` unprotects exactly those.
 * The two directions are timed apart. */
typedef void (*bench_batch)(void *argument, size_t size, unsigned count);

__attribute__((noinline, unused)) static void bench_pair(const char *out_name, const char *in_name, bench_batch out,
                                                         bench_batch in, void *argument)
{
    for (size_t i = 0; i < BENCH_SIZES; i++) {
        size_t size = bench_sizes[i];
        char out_metric[64], in_metric[64];
        snprintf(out_metric, sizeof out_metric, "%s.%zu", out_name, size);
        snprintf(in_metric, sizeof in_metric, "%s.%zu", in_name, size);
        if (size > bench_largest || (!bench_wanted(out_metric) && !bench_wanted(in_metric))) {
            continue;
        }
        size_t fits = 256 * 1024 / size; /* a batch stays inside the second-level cache */
        unsigned count = fits < 4 ? 4 : fits > BENCH_BATCH ? BENCH_BATCH : (unsigned)fits;
        double start = bench_now();
        while (bench_now() - start < bench_warm) {
            out(argument, size, count);
            in(argument, size, count);
        }
        double spent_out = 0, spent_in = 0, bytes = 0;
        while (spent_out + spent_in < 2 * bench_time) {
            double before = bench_now();
            out(argument, size, count);
            double between = bench_now();
            in(argument, size, count);
            spent_out += between - before;
            spent_in += bench_now() - between;
            bytes += (double)count * (double)size;
        }
        bench_emit(out_metric, bytes / 1e6 / spent_out, "MB/s");
        bench_emit(in_metric, bytes / 1e6 / spent_in, "MB/s");
    }
}

/* ---------------------------------------------------------------- memory */

/* Bytes that malloc has given out. */
static inline double bench_heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}

static inline double bench_resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* A million operations, and what is left of them.  The first ten thousand fill caches and are not counted. */
__attribute__((unused)) static void bench_million(void (*operation)(void *), void *argument)
{
    for (int i = 0; i < 10000; i++) {
        operation(argument);
    }
    double resident = bench_resident(); /* before the heap: it leaves a buffer there */
    double heap = bench_heap();
    double start = bench_now();
    for (int i = 0; i < 1000000; i++) {
        operation(argument);
    }
    double spent = bench_now() - start;
    double heap_growth = bench_heap() - heap,
           resident_growth = bench_resident() - resident; /* before stdio allocates */
    bench_emit("million.seconds", spent, "s");
    bench_emit("million.heap-growth", heap_growth, "B");
    bench_emit("million.resident-growth", resident_growth, "B");
}

/* ---------------------------------------------------------------- threads */

struct bench_thread {
    void (*operation)(void *);
    pthread_barrier_t *ready;
    atomic_bool *stop;
    unsigned long count;
    double processor; /* seconds */
};

struct bench_sum {
    double rate;      /* by the clock on the wall: waiting counts */
    double processor; /* by the processor time that was used */
};

static inline void *bench_thread_run(void *argument)
{
    struct bench_thread *self = argument;
    unsigned long count = 0;
    for (int i = 0; i < 100; i++) {
        self->operation(NULL);
    }
    pthread_barrier_wait(self->ready);
    double start = bench_now();
    while (!atomic_load_explicit(self->stop, memory_order_relaxed)) {
        self->operation(NULL);
        count++;
    }
    self->count = count;
    self->processor = bench_now() - start;
    return NULL;
}

/* Operations per second of `threads` threads together. */
static inline struct bench_sum bench_together(void (*operation)(void *), int threads, double seconds)
{
    pthread_t id[16];
    struct bench_thread thread[16];
    pthread_barrier_t ready;
    atomic_bool stop = false;
    pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        thread[i] = (struct bench_thread){operation, &ready, &stop, 0, 0};
        CHECK(pthread_create(&id[i], NULL, bench_thread_run, &thread[i]) == 0, "pthread_create");
    }
    pthread_barrier_wait(&ready);
    double start = bench_clock(CLOCK_MONOTONIC);
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
    atomic_store(&stop, true);
    double passed = bench_clock(CLOCK_MONOTONIC) - start;
    unsigned long count = 0;
    double processor = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(id[i], NULL);
        count += thread[i].count;
        processor += thread[i].processor;
    }
    pthread_barrier_destroy(&ready);
    return (struct bench_sum){(double)count / passed, (double)count / processor * threads};
}

/* One thread and two in turn, so that a slow moment of the machine meets both.  By processor time the ratio shows only
 * what the threads cost each other inside the processor, but shows it on a busy machine too. */
__attribute__((unused)) static void bench_threads(void (*operation)(void *))
{
    struct bench_sum one = {0}, two = {0};
    for (int i = 0; i < 5; i++) {
        struct bench_sum alone = bench_together(operation, 1, bench_time);
        struct bench_sum both = bench_together(operation, 2, bench_time);
        one.rate += alone.rate / 5;
        one.processor += alone.processor / 5;
        two.rate += both.rate / 5;
        two.processor += both.processor / 5;
    }
    bench_emit("threads.1", one.rate, "op/s");
    bench_emit("threads.2", two.rate, "op/s");
    bench_emit("threads.2/1", two.rate / one.rate, "x");
    bench_emit("threads.2/1-processor", two.processor / one.processor, "x");
}

#endif
