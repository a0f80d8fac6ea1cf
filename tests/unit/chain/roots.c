/* What the process trusts: read from files and directories, noticed when it changes, and handed out to many threads. */
#include "pki.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/policy.h"
#include "cert/pem_files.h"
#include "support/child.h"

static char directory[] = "/tmp/sspi-roots-XXXXXX";
static char bundle[64], lists[64];

static void copy(const char *from, const char *to, const char *mode)
{
    char text[65536];
    FILE *in = fopen(pki_path(from), "r");
    FILE *out = fopen(to, mode);
    assert_true(in != NULL && out != NULL);
    size_t size = fread(text, 1, sizeof text, in);
    assert_int_equal(fwrite(text, 1, size, out), size);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static const char *in(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int count(const char *certificates, const char *crls, int *out_crls)
{
    AUTO_ROOTS *roots = NULL;
    assert_int_equal(roots_read(certificates, crls, &roots), SEC_E_OK);
    *out_crls = sk_X509_CRL_num(roots_crls(roots));
    return sk_X509_num(roots_certificates(roots));
}

static void reads_files_and_directories(void **state)
{
    int crls = 0;
    char der[128];
    (void)snprintf(der, sizeof der, "%s", in("d/stranger.cer"));
    assert_int_equal(count(NULL, NULL, &crls), 0);
    assert_int_equal(count("", "", &crls), 0);
    assert_int_equal(count(in("absent"), NULL, &crls), 0);
    copy("root.pem", in("two.pem"), "w");
    copy("root.key", in("two.pem"), "a"); /* a key among the certificates is nobody's business */
    copy("stranger.pem", in("two.pem"), "a");
    copy("root.pem", in("two.pem"), "a"); /* twice */
    copy("root.crl.pem", in("two.pem"), "a");
    assert_int_equal(count(in("two.pem"), NULL, &crls), 2);
    assert_int_equal(crls, 0); /* CRLs come from where CRLs are */
    assert_int_equal(count(NULL, in("two.pem"), &crls), 0);
    assert_int_equal(crls, 1);
    assert_int_equal(mkdir(in("d"), 0700), 0);
    X509 *stranger = pki_certificate("stranger");
    FILE *file = fopen(der, "wb");
    assert_true(file != NULL && i2d_X509_fp(file, stranger) == 1 && fclose(file) == 0);
    X509_free(stranger);
    copy("root.pem", in("d/root.pem"), "w");
    copy("root.pem", in("d/.hidden"), "w");
    copy("server-rsa.pfx", in("d/rubbish"), "w");
    assert_int_equal(count(in("d"), NULL, &crls), 2);
}

static void notices_changes(void **state)
{
    uint64_t before = pem_files_fingerprint(in("d"));
    assert_int_equal(pem_files_fingerprint(in("d")), before);
    copy("intermediate.pem", in("d/new.pem"), "w");
    uint64_t after = pem_files_fingerprint(in("d"));
    assert_int_not_equal(after, before);
    copy("intermediate.pem", in("d/new.pem"), "a");
    assert_int_not_equal(pem_files_fingerprint(in("d")), after);
    assert_int_equal(unlink(in("d/new.pem")), 0);
    assert_int_equal(pem_files_fingerprint(in("absent")), 0);
}

/* The policy's files, and another set of them as soon as they change: within the second, which is waited for by asking. */
static void rereads_the_systems(void **state)
{
    AUTO_ROOTS *old = NULL;
    copy("root.pem", bundle, "w");
    assert_int_equal(roots_system(&old), SEC_E_OK);
    assert_int_equal(sk_X509_num(roots_certificates(old)), 1);
    copy("stranger.pem", bundle, "a");
    copy("root.crl.pem", lists, "w");
    bool seen = false;
    for (int i = 0; i < 1000 && !seen; i++) {
        AUTO_ROOTS *now = NULL;
        assert_int_equal(roots_system(&now), SEC_E_OK);
        seen = sk_X509_num(roots_certificates(now)) == 2 && sk_X509_CRL_num(roots_crls(now)) == 1;
        (void)usleep(10000);
    }
    assert_true(seen);
    assert_int_equal(sk_X509_num(roots_certificates(old)), 1); /* a snapshot is a snapshot */
    assert_int_equal(unlink(bundle), 0);
    for (int i = 0; i < 1000 && seen; i++) {
        AUTO_ROOTS *now = NULL;
        assert_int_equal(roots_system(&now), SEC_E_OK);
        seen = sk_X509_num(roots_certificates(now)) != 0;
        (void)usleep(10000);
    }
    assert_false(seen); /* without roots nobody is trusted */
}

static atomic_bool stop;

static void *take_and_drop(void *argument)
{
    atomic_size_t *taken = argument;
    while (!atomic_load(&stop)) {
        AUTO_ROOTS *roots = NULL;
        if (roots_system(&roots) != SEC_E_OK || sk_X509_num(roots_certificates(roots)) > 2) {
            return NULL;
        }
        atomic_fetch_add(taken, 1);
        (void)sched_yield(); /* valgrind runs one thread at a time */
    }
    return NULL;
}

static void serves_many_threads(void **state)
{
    pthread_t threads[4];
    static atomic_size_t taken[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, &taken[i]), 0);
    }
    for (int i = 0; i < 130; i++) { /* across the second after which somebody looks */
        copy(i % 2 == 0 ? "root.pem" : "stranger.pem", bundle, i % 3 == 0 ? "w" : "a");
        copy("root.pem", bundle, "w");
        (void)usleep(10000);
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* in which the other threads are gone, and whatever they held with them */
        AUTO_ROOTS *roots = NULL;
        child_end(roots_system(&roots) == SEC_E_OK && sk_X509_num(roots_certificates(roots)) <= 2);
    }
    bool well = child_ended_well(child);
    for (size_t i = 0; i < 4; i++) {
        for (int waits = 0; atomic_load(&taken[i]) == 0 && waits < 3000; waits++) {
            (void)usleep(10000);
        }
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(atomic_load(&taken[i]) > 0);
    }
    assert_true(well);
}

static int set_up(void **state)
{
    static struct policy policy; /* policy_override keeps the address */
    assert_non_null(mkdtemp(directory));
    (void)snprintf(bundle, sizeof bundle, "%s/bundle.pem", directory);
    (void)snprintf(lists, sizeof lists, "%s/lists.pem", directory);
    policy_defaults(&policy);
    (void)snprintf(policy.certificate_roots, sizeof policy.certificate_roots, "%s", bundle);
    (void)snprintf(policy.certificate_crls, sizeof policy.certificate_crls, "%s", lists);
    policy_override(&policy);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"d/root.pem", "d/.hidden",  "d/stranger.cer", "d/rubbish",
                                        "two.pem",    "bundle.pem", "lists.pem"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(in(names[i]));
    }
    (void)rmdir(in("d"));
    return rmdir(directory);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_files_and_directories),
        cmocka_unit_test(notices_changes),
        cmocka_unit_test(rereads_the_systems),
        cmocka_unit_test(serves_many_threads),
    };
    if (pki_missing()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
