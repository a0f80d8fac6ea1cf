#include "demo.h"

#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/secret.h"
#include "child.h"
#include "command.h"
#include "facts.h"
#include "terminal.h"

#define PATIENCE   20000 /* milliseconds for anything to happen */
#define OUTPUT_MAX (256 * 1024)

struct place {
    char self[4096]; /* this program */
    char url[128];   /* where it serves, with /json */
    char *output;    /* of the last client */
    bool https;
};

/* The line of a config file on curl's standard input, so that the password stands in no process list. */
static char *curl_config(const struct login *login, bool domain, const char *password)
{
    char *text = NULL;
    if (asprintf(&text, "user = \"%s%s%s:%s\"\n", domain ? login->domain : "", domain ? "\\\\" : "", login->user,
                 password) < 0) {
        need(NULL);
    }
    return text;
}

/* The name that the server gave to whom it let in. */
static bool says_alice(const char *output)
{
    AUTO_FACTS facts = json_tokener_parse(output);
    return facts != NULL && strcmp(facts_get(facts, "user"), "DEMO\\alice") == 0;
}

static void check_curl(struct demo *demo, struct place *place, const char *scheme, const char *password, int expected,
                       const char *what)
{
    struct child child;
    char detail[128];
    const char *argv[] = {"curl",
                          "--disable",
                          "--silent",
                          scheme,
                          "--noproxy",
                          "*",
                          "--max-time",
                          "15",
                          "--write-out",
                          "\n%{http_code}",
                          "--config",
                          "-",
                          place->url,
                          place->https ? "--cacert" : NULL,
                          demo->certificate,
                          NULL};
    AUTO_FREE char *config = curl_config(&demo->alice, strcmp(scheme, "--ntlm") == 0, password);
    bool started = child_start(&child, argv, config, NULL, true);
    secret_wipe(config, strlen(config));
    if (!started) {
        snprintf(detail, sizeof detail, "curl cannot be started: %s", strerror(errno));
        demo_check(demo, false, what, detail);
        return;
    }
    int status = child_finish(&child, place->output, OUTPUT_MAX, PATIENCE);
    char *code = strrchr(place->output, '\n');
    int http = code != NULL ? (int)strtol(code + 1, NULL, 10) : 0;
    if (code != NULL) {
        *code = '\0';
    }
    bool alice = says_alice(place->output);
    snprintf(detail, sizeof detail, "HTTP %d%s%s", http, alice ? ", DEMO\\alice" : "",
             status == 0 ? "" : ", curl failed");
    demo_check(demo, status == 0 && http == expected && alice == (expected == 200), what, detail);
}

static void check_get(struct demo *demo, struct place *place, const char *password, int expected, const char *what)
{
    struct child child;
    char detail[128];
    const char *argv[] = {place->self,       "get",      "--user",
                          "DEMO\\alice",     place->url, place->https ? "--roots" : NULL,
                          demo->certificate, NULL};
    AUTO_FREE char *set = NULL;
    if (asprintf(&set, "SSPI_PASSWORD=%s", password) < 0) {
        set = need(NULL);
    }
    bool started = child_start(&child, argv, NULL, set, true);
    secret_wipe(set, strlen(set));
    if (!started) {
        snprintf(detail, sizeof detail, "%s", strerror(errno));
        demo_check(demo, false, what, detail);
        return;
    }
    int status = child_finish(&child, place->output, OUTPUT_MAX, PATIENCE);
    bool alice = says_alice(place->output);
    snprintf(detail, sizeof detail, "exit status %d%s", status, alice ? ", DEMO\\alice" : "");
    demo_check(demo, status == expected && alice == (expected == EXIT_DONE), what, detail);
}

/* Starts the server and learns from its first line where it is. */
static bool start_server(struct demo *demo, struct place *place, struct child *server)
{
    char line[sizeof place->url];
    static const char before[] = "listening on ";
    ssize_t size = readlink("/proc/self/exe", place->self, sizeof place->self - 1);
    const char *argv[] = {place->self,
                          "serve",
                          "--quiet",
                          "--listen",
                          "127.0.0.1:0",
                          "--realm",
                          "DEMO",
                          "--packages",
                          "Negotiate,NTLM,Digest",
                          place->https ? "--https" : NULL,
                          "--cert",
                          demo->certificate,
                          "--key",
                          demo->key,
                          "--bindings",
                          "allow",
                          NULL};
    if (size <= 0) {
        demo_check(demo, false, "sspi serve", "/proc/self/exe cannot be read");
        return false;
    }
    place->self[size] = '\0';
    if (!child_start(server, argv, NULL, NULL, false)) {
        demo_check(demo, false, "sspi serve", strerror(errno));
        return false;
    }
    bool up = child_read_line(server, line, sizeof line, PATIENCE) && strncmp(line, before, strlen(before)) == 0;
    demo_check(demo, up, "sspi serve on a port of the kernel's choice",
               up ? line + strlen(before) : "it did not come up");
    if (!up) {
        child_stop(server, PATIENCE);
        return false;
    }
    snprintf(place->url, sizeof place->url, "%.*sjson", (int)(sizeof place->url - 8), line + strlen(before));
    return true;
}

/* What `sspi get` has sent over TLS, and a relay could not have. */
static bool says_bound(const char *output)
{
    AUTO_FACTS facts = json_tokener_parse(output);
    struct json_object *context = NULL;
    return facts != NULL && json_object_object_get_ex(facts, "context", &context) &&
           strcmp(facts_get(context, "channel_bindings"), "those of this connection") == 0;
}

void demo_http(struct demo *demo, bool https)
{
    struct place place = {.output = need(calloc(1, OUTPUT_MAX)), .https = https};
    struct child server = {0, -1};
    char detail[64];
    if (start_server(demo, &place, &server)) {
        check_curl(demo, &place, "--ntlm", demo->alice.password, 200, "curl --ntlm with the right password gets in");
        check_curl(demo, &place, "--ntlm", "not her password", 401, "curl --ntlm with a wrong password stays out");
        check_curl(demo, &place, "--digest", demo->alice.password, 200,
                   "curl --digest with the right password gets in");
        check_curl(demo, &place, "--digest", "not her password", 401, "curl --digest with a wrong password stays out");
        check_get(demo, &place, demo->alice.password, EXIT_DONE, "sspi get with the right password gets in");
        if (https) {
            demo_check(demo, says_bound(place.output), "and is bound to this TLS connection", "channel bindings");
        }
        check_get(demo, &place, "not her password", EXIT_REFUSED, "sspi get with a wrong password stays out");
        int status = child_stop(&server, PATIENCE);
        snprintf(detail, sizeof detail, "exit status %d", status);
        demo_check(demo, status == 0, "the server ends when told to", detail);
    }
    free(place.output);
}
