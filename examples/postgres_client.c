/* Asks a PostgreSQL server something as the logged-on or the given user, and prints the rows.
 *
 *     postgres_client QUERY KEYWORD=VALUE...
 *
 * The keywords are those of libpq's connection strings, as far as they go, and mean the same:
 *
 *     host=db.example.com  port=5432  user=anna  dbname=postgres
 *     hostaddr=192.0.2.1       where to connect; `host` is what the server must prove to be
 *     krbsrvname=postgres      the first part of its principal
 *     sslmode=verify-full      TLS, or the end; sslmode=disable, which is the default: none
 *     sslrootcert=ca.pem       the one certificate to trust; without it the system's are
 *     gssencmode=require       everything sealed by Kerberos, or the end; gssencmode=disable, which is the default: not
 *     package=Negotiate        instead of the one that the server asks for
 *     flags=libpq              the logon asks for no more than libpq does on Windows: the server need not prove who it is
 */
#include "postgres.h"

#include <stdio.h>
#include <string.h>

struct options {
    char *query;
    char *host, *hostaddr, *port, *user, *dbname, *krbsrvname, *sslmode, *sslrootcert, *gssencmode, *package, *flags;
};

static bool parse(int argc, char **argv, struct options *out)
{
    const struct {
        const char *name;
        char **value;
    } known[] = {{"host", &out->host},
                 {"hostaddr", &out->hostaddr},
                 {"port", &out->port},
                 {"user", &out->user},
                 {"dbname", &out->dbname},
                 {"krbsrvname", &out->krbsrvname},
                 {"sslmode", &out->sslmode},
                 {"sslrootcert", &out->sslrootcert},
                 {"gssencmode", &out->gssencmode},
                 {"package", &out->package},
                 {"flags", &out->flags}};
    for (int i = 2; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        size_t at = 0;
        while (at < sizeof known / sizeof known[0] && equals != NULL &&
               (strlen(known[at].name) != (size_t)(equals - argv[i]) ||
                strncmp(known[at].name, argv[i], strlen(known[at].name)) != 0)) {
            at++;
        }
        if (equals == NULL || at == sizeof known / sizeof known[0]) {
            fprintf(stderr, "not a keyword: %s\n", argv[i]);
            return false;
        }
        *known[at].value = equals + 1;
    }
    out->query = argc > 1 ? argv[1] : NULL;
    return out->query != NULL && out->host != NULL && out->user != NULL;
}

/* One word or the other; a third is an error. */
static bool chosen(const char *keyword, const char *value, const char *no, const char *yes, bool *out)
{
    *out = strcmp(value, yes) == 0;
    if (!*out && strcmp(value, no) != 0) {
        fprintf(stderr, "%s is %s or %s\n", keyword, no, yes);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- a query */

static bool print_names(struct message *message)
{
    long long count = postgres_number(message, 2);
    for (long long i = 0; i < count; i++) {
        const char *name = postgres_text(message);
        if (name == NULL || postgres_bytes(message, 18) == NULL) { /* table, column, type, modifier, format */
            return false;
        }
        printf("%s%s", i > 0 ? "|" : "", name);
    }
    printf("\n");
    return count >= 0;
}

static bool print_row(struct message *message)
{
    long long count = postgres_number(message, 2);
    for (long long i = 0; i < count; i++) {
        long long size = postgres_number(message, 4);
        if (size == 0xFFFFFFFF) { /* NULL */
            size = 0;
        }
        const char *value = size >= 0 && size <= POSTGRES_MAX ? postgres_bytes(message, (ULONG)size) : NULL;
        if (value == NULL) {
            return false;
        }
        printf("%s%.*s", i > 0 ? "|" : "", (int)size, value);
    }
    printf("\n");
    return count >= 0;
}

static bool wait_until_ready(struct postgres *postgres)
{
    struct message message;
    do {
        if (!postgres_receive(postgres, &message)) {
            return false;
        }
    } while (message.type != 'Z');
    return true;
}

static bool ask(struct postgres *postgres, const char *query)
{
    struct message message;
    if (!postgres_send(postgres, 'Q', query, (ULONG)strlen(query) + 1)) {
        return false;
    }
    for (;;) {
        if (!postgres_receive(postgres, &message)) {
            return false;
        }
        bool good = true;
        switch (message.type) {
        case 'T':
            good = print_names(&message);
            break;
        case 'D':
            good = print_row(&message);
            break;
        case 'G': /* COPY in either direction */
        case 'H':
        case 'W':
            good = false;
            break;
        case 'Z':
            return true;
        default:
            break;
        }
        if (!good) {
            fprintf(stderr, "an answer that is not understood\n");
            return false;
        }
    }
}

/* ---------------------------------------------------------------- the connection */

/* "Negotiate (Kerberos)" */
static void print_package(struct postgres *postgres)
{
    SecPkgContext_NegotiationInfoA info;
    SecPkgContext_PackageInfoA package;
    if (QueryContextAttributesA(&postgres->context, SECPKG_ATTR_NEGOTIATION_INFO, &info) == SEC_E_OK) {
        printf("signed in by %s\n", info.PackageInfo->Name);
        FreeContextBuffer(info.PackageInfo);
    } else if (QueryContextAttributesA(&postgres->context, SECPKG_ATTR_PACKAGE_INFO, &package) == SEC_E_OK) {
        printf("signed in by %s\n", package.PackageInfo->Name);
        FreeContextBuffer(package.PackageInfo);
    }
}

static bool protect(struct postgres *postgres, bool by_tls, bool sealed, const char *authority)
{
    if (by_tls) {
        return postgres_start_tls(postgres, authority);
    }
    if (sealed) {
        if (!postgres_start_sealing(postgres)) {
            return false;
        }
        printf("sealed by Kerberos\n");
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct postgres postgres;
    struct options options = {.port = (char *)"5432",
                              .krbsrvname = (char *)"postgres",
                              .sslmode = (char *)"disable",
                              .gssencmode = (char *)"disable",
                              .flags = (char *)"mutual"};
    bool by_tls, sealed;
    if (!parse(argc, argv, &options) || !chosen("sslmode", options.sslmode, "disable", "verify-full", &by_tls) ||
        !chosen("gssencmode", options.gssencmode, "disable", "require", &sealed) ||
        !chosen("flags", options.flags, "mutual", "libpq", &postgres.like_libpq) || (by_tls && sealed)) {
        fprintf(stderr, "usage: postgres_client QUERY host=HOST user=USER [KEYWORD=VALUE...]\n");
        return 2;
    }
    tls_init(&postgres.tls, options.host);
    SecInvalidateHandle(&postgres.context);
    SecInvalidateHandle(&postgres.user);
    snprintf(postgres.target, sizeof postgres.target, "%s/%s", options.krbsrvname, options.host);
    postgres.socket = start_sockets()
                          ? connect_to(options.hostaddr != NULL ? options.hostaddr : options.host, options.port)
                          : INVALID_SOCKET;
    if (postgres.socket == INVALID_SOCKET) {
        return 1;
    }
    bool good = protect(&postgres, by_tls, sealed, options.sslrootcert) &&
                postgres_sign_in(&postgres, options.user, options.dbname != NULL ? options.dbname : options.user,
                                 options.package);
    if (good) {
        print_package(&postgres);
        good = wait_until_ready(&postgres) && ask(&postgres, options.query) && postgres_send(&postgres, 'X', "", 0);
    }
    postgres_close(&postgres);
    closesocket(postgres.socket);
    WSACleanup();
    return good ? 0 : 1;
}
