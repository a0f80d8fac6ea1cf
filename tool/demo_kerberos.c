/* A throw-away realm on loopback for the demo: MIT's KDC, with its database, its configuration and its port in the demo's folder. */
#include "demo.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/secret.h"
#include "child.h"
#include "terminal.h"

#define PATIENCE 20000 /* milliseconds for anything to happen */
#define SERVICE  "HTTP/demo.example.com"

static const char *const programs[] = {"/usr/sbin/kdb5_util", "/usr/sbin/kadmin.local", "/usr/sbin/krb5kdc"};

static const char client_configuration[] = "[libdefaults]\n"
                                           " default_realm = DEMO\n"
                                           " dns_lookup_kdc = false\n"
                                           " dns_lookup_realm = false\n"
                                           " dns_canonicalize_hostname = false\n"
                                           " udp_preference_limit = 1\n"
                                           "[realms]\n"
                                           " DEMO = {\n"
                                           "  kdc = 127.0.0.1:%u\n"
                                           " }\n"
                                           "[domain_realm]\n"
                                           " .example.com = DEMO\n";
static const char server_configuration[] = "[realms]\n"
                                           " DEMO = {\n"
                                           "  database_name = %s/principal\n"
                                           "  key_stash_file = %s/stash\n"
                                           "  kdc_listen = \"\"\n"
                                           "  kdc_tcp_listen = 127.0.0.1:%u\n"
                                           " }\n"
                                           "[logging]\n"
                                           " kdc = FILE:%s/kdc.log\n";

/* A port that the kernel has free now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned port = 0;
    if (probe >= 0 && bind(probe, (struct sockaddr *)&address, size) == 0 &&
        getsockname(probe, (struct sockaddr *)&address, &size) == 0) {
        port = ntohs(address.sin_port);
    }
    (void)close(probe);
    return port;
}

static bool answers(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(probe);
    return there;
}

static bool write_file(const struct demo *demo, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", demo->directory, name);
    FILE *file = fopen(path, "we");
    return file != NULL && fputs(text, file) >= 0 && fclose(file) == 0;
}

static void point_to(const struct demo *demo, const char *variable, const char *before, const char *name)
{
    char value[160];
    snprintf(value, sizeof value, "%s%s/%s", before, demo->directory, name);
    setenv(variable, value, 1);
}

static bool configure(const struct demo *demo, unsigned port)
{
    char text[1024];
    snprintf(text, sizeof text, client_configuration, port);
    bool written = write_file(demo, "krb5.conf", text);
    snprintf(text, sizeof text, server_configuration, demo->directory, demo->directory, port, demo->directory);
    written = written && write_file(demo, "kdc.conf", text);
    point_to(demo, "KRB5_CONFIG", "", "krb5.conf");
    point_to(demo, "KRB5_KDC_PROFILE", "", "kdc.conf");
    point_to(demo, "KRB5CCNAME", "FILE:", "tickets");
    point_to(demo, "KRB5_KTNAME", "FILE:", "keytab");
    setenv("KRB5RCACHEDIR", demo->directory, 1);
    return written;
}

static bool run(const char *const argv[], const char *input)
{
    char output[4096];
    struct child child;
    return child_start(&child, argv, input, NULL, true) && child_finish(&child, output, sizeof output, PATIENCE) == 0;
}

/* The database, alice with the demo's password, and the service's key; passwords go by standard input. */
static bool populate(const struct demo *demo)
{
    uint8_t random[16];
    char master[2 * sizeof random + 1];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        return false;
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(master + 2 * i, 3, "%02x", random[i]);
    }
    /* This one locks a database that lives for seconds, in a folder of this user's own. */
    const char *create[] = {programs[0], "create", "-s", "-r", "DEMO", "-P", master, NULL};
    const char *add[] = {programs[1], "-r", "DEMO", NULL};
    AUTO_FREE char *commands = NULL;
    if (asprintf(&commands, "addprinc -pw %s alice\naddprinc -randkey %s\nktadd -k %s/keytab %s\n",
                 demo->alice.password, SERVICE, demo->directory, SERVICE) < 0) {
        commands = need(NULL);
    }
    bool done = run(create, "") && run(add, commands);
    secret_wipe(commands, strlen(commands));
    return done;
}

static bool start_kdc(struct child *kdc, unsigned port)
{
    const char *argv[] = {programs[2], "-n", "-r", "DEMO", NULL};
    if (!child_start(kdc, argv, "", NULL, true)) {
        return false;
    }
    for (int waited = 0; waited < PATIENCE && !answers(port); waited += 20) {
        (void)poll(NULL, 0, 20);
    }
    return answers(port);
}

void demo_kerberos(struct demo *demo)
{
    struct child kdc = {.pid = 0};
    unsigned port = free_port();
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (access(programs[i], X_OK) != 0) {
            printf("  %s-  no realm without %s (packages krb5-kdc and krb5-admin-server)%s\n", paint(stdout, PAINT_DIM),
                   programs[i], paint(stdout, PAINT_NONE));
            return;
        }
    }
    bool ready = configure(demo, port) && populate(demo) && start_kdc(&kdc, port);
    demo_check(demo, ready, "a realm with alice and a service", ready ? "DEMO, on loopback" : "it does not start");
    if (ready) {
        demo_session(demo, "Kerberos");
    }
    if (kdc.pid != 0) {
        (void)child_stop(&kdc, PATIENCE);
    }
    static const char *const names[] = {"KRB5_CONFIG", "KRB5_KDC_PROFILE", "KRB5CCNAME", "KRB5_KTNAME",
                                        "KRB5RCACHEDIR"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
}
