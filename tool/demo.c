#include "demo.h"

#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "child.h"
#include "command.h"
#include "logon/account_store.h"
#include "terminal.h"

#include "security.h"
#include "sspi_ext.h"

static const struct argp argp = {
    NULL, NULL, NULL,
    "A complete tour on a throw-away account database: every package of this build as client and server in one "
    "process, "
    "with signed and sealed messages; then sspi serve with clients that are let in and clients that are kept out. Exit "
    "status 0 only if all of that happened."};

void demo_section(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("\n%s", paint(stdout, PAINT_BOLD));
    vprintf(format, arguments);
    printf("%s\n", paint(stdout, PAINT_NONE));
    va_end(arguments);
    fflush(stdout);
}

void demo_check(struct demo *demo, bool happened, const char *what, const char *detail)
{
    const char *mark = happened ? (terminal_utf8() ? "\u2714" : "ok  ") : (terminal_utf8() ? "\u2718" : "FAIL");
    printf("  %s%s%s  %-48s ", paint(stdout, happened ? PAINT_GOOD : PAINT_BAD), mark, paint(stdout, PAINT_NONE), what);
    print_safe(stdout, detail);
    putchar('\n');
    fflush(stdout);
    demo->passed += happened;
    demo->failed += !happened;
}

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *walk)
{
    (void)what;
    (void)type;
    (void)walk;
    return remove(path);
}

/* A policy and an account database of our own: the demo neither reads nor changes this machine's. */
static bool prepare(struct demo *demo)
{
    char path[128];
    uint8_t random[12];
    char password[2 * sizeof random + 1];
    snprintf(demo->directory, sizeof demo->directory, "/tmp/sspi-demo.XXXXXX");
    if (mkdtemp(demo->directory) == NULL || getrandom(random, sizeof random, 0) != sizeof random) {
        complain("%s: %m", demo->directory);
        return false;
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(password + 2 * i, 3, "%02x", random[i]);
    }
    snprintf(path, sizeof path, "%s/sspi.conf", demo->directory);
    FILE *policy = fopen(path, "we");
    if (policy == NULL || fprintf(policy, "[digest]\nrealm = DEMO\n[accounts]\nbackend = lmdb\n") < 0 ||
        fclose(policy) != 0) {
        complain("%s: %m", path);
        return false;
    }
    setenv("SSPI_CONFIG", path, 1);
    snprintf(path, sizeof path, "%s/accounts", demo->directory);
    setenv("SSPI_ACCOUNTS", path, 1);
    unsetenv("NTLM_USER_FILE");
    unsetenv("SSPI_PASSWORD");
    login_name(&demo->alice, "DEMO\\alice");
    demo->alice.password = need(strdup(password));
    return true;
}

static SECURITY_STATUS add_account(const struct demo *demo)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    AUTO_UTF16 password = UTF16_NONE;
    const struct login *alice = &demo->alice;
    bool done = false;
    account_record_init(&record);
    TRY(account_store_open(getenv("SSPI_ACCOUNTS"), true, &store));
    TRY(utf16_from_utf8(bytes_of(alice->user, strlen(alice->user)), &record.user));
    TRY(utf16_from_utf8(bytes_of(alice->domain, strlen(alice->domain)), &record.domain));
    TRY(utf16_from_utf8(bytes_of(alice->password, strlen(alice->password)), &password));
    static const char *const realms[] = {"DEMO"};
    TRY(account_record_set_password(&record, password, realms, 1));
    return account_store_put(store, &record, false, &done);
}

/* The six, in the order in which they are of use; those that this build has are shown. */
static void show_packages(struct demo *demo)
{
    static const char *const names[] = {"NTLM", "Negotiate", "Kerberos", "WDigest", "Schannel", "CREDSSP"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        SecPkgInfoA *info = NULL;
        if (QuerySecurityPackageInfoA((char *)names[i], &info) != SEC_E_OK) {
            printf("  %s-  %-12s not in this build%s\n", paint(stdout, PAINT_DIM), names[i], paint(stdout, PAINT_NONE));
            continue;
        }
        demo_check(demo, true, info->Name, info->Comment);
        FreeContextBuffer(info);
    }
}

static void show_next(void)
{
    printf("\nNext:\n"
           "  sspi user add 'CORP\\you'                        an account of your own\n"
           "  sspi serve --listen 127.0.0.1:8080              a server that knows it\n"
           "  curl --ntlm -u 'CORP\\you' http://127.0.0.1:8080/\n"
           "  sspi get -v --user 'CORP\\you' http://127.0.0.1:8080/\n"
           "  sspi connect --report www.example.com:443       what a TLS server and its certificate are worth\n"
           "  sspi connect --credssp --user 'CORP\\you' HOST    would this RDP server let you in?\n"
           "  curl -v ... 2>&1 | sspi decode                  what the tokens of a log say\n"
           "  sspi --help                                     and the rest\n");
}

static void tour(struct demo *demo)
{
    demo_section("1  The packages of this build");
    show_packages(demo);
    demo_section("2  NTLM: client and server in this process");
    demo_session(demo, "NTLM");
    demo_section("3  Negotiate: the two agree on it by SPNEGO, and sign what was on offer");
    demo_session(demo, "Negotiate");
    demo_section("4  Kerberos: a throw-away realm, whose KDC vouches for alice");
    demo_kerberos(demo);
    demo_section("5  WDigest: SASL's DIGEST-MD5, the server first, with a security layer");
    demo_session(demo, "WDigest");
    demo_section("6  Schannel: TLS between a client and a server in this process");
    bool certified = demo_tls(demo);
    demo_section("7  CREDSSP: a logon inside TLS, bound to the server's key, and credentials delegated");
    if (certified) {
        demo_credssp(demo);
    }
    demo_section("8  HTTP: sspi serve, and who gets in");
    demo_http(demo, false);
    if (certified) {
        demo_section("9  HTTPS: the same over TLS, with channel bindings");
        demo_http(demo, true);
    }
}

int command_demo(int argc, char **argv)
{
    struct demo demo = {.alice = LOGIN_NONE};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    child_end_with_us();
    signal(SIGPIPE, SIG_IGN);
    printf("%sOpenSSPI %s%s\n", paint(stdout, PAINT_BOLD), SspiExtVersion(), paint(stdout, PAINT_NONE));
    if (prepare(&demo)) {
        SECURITY_STATUS status = add_account(&demo);
        if (status == SEC_E_OK) {
            printf("An account DEMO\\alice in a throw-away database, %s\n", demo.directory);
            tour(&demo);
        } else {
            complain_status("the throw-away account database", status);
            demo.failed++;
        }
    } else {
        demo.failed++;
    }
    if (demo.directory[0] != '\0') {
        nftw(demo.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    login_free(&demo.alice);
    if (demo.failed == 0) {
        printf("\n%sAll %u of it happened.%s\n", paint(stdout, PAINT_GOOD), demo.passed, paint(stdout, PAINT_NONE));
        show_next();
        return EXIT_DONE;
    }
    printf("\n%s%u of %u did not happen.%s\n", paint(stdout, PAINT_BAD), demo.failed, demo.failed + demo.passed,
           paint(stdout, PAINT_NONE));
    return EXIT_ERROR;
}
