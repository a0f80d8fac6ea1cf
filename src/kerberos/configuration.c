#include "kerberos/configuration.h"

#include <errno.h>
#include <profile.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "wire/writer.h"

#define DEFAULT_PATH "KdcProxy"
#define URL_MAX      1024

/* ---------------------------------------------------------------- a proxy's name */

static bool is_of(const char *text, size_t size, const char *also)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && strchr(also, c) == NULL) {
            return false;
        }
    }
    return true;
}

/* A name, an IPv4 address, or an IPv6 address in brackets; 0: none of these. */
static size_t host_size(const char *text)
{
    if (text[0] == '[') {
        size_t size = strcspn(text, "]");
        return text[size] == ']' && size > 1 && is_of(text + 1, size - 1, ":.") ? size + 1 : 0;
    }
    size_t size = strcspn(text, ":/");
    return is_of(text, size, "-._") ? size : 0;
}

SECURITY_STATUS kdc_proxy_parse(const char *text, bool only, struct kdc_proxy **out)
{
    static const char scheme[] = "https://";
    const char *host = strncmp(text, scheme, sizeof scheme - 1) == 0 ? text + sizeof scheme - 1 : text;
    size_t size = host_size(host);
    const char *port = "", *path = host + size;
    size_t port_size = 0;
    REQUIRE(size != 0 && strlen(host) < URL_MAX - sizeof scheme - sizeof DEFAULT_PATH, SEC_E_INVALID_TOKEN,
            "the KDC proxy is not host[:port][:path] (SecPkgCredentials_KdcProxySettingsW)");
    if (path[0] == ':' && path[1] >= '0' && path[1] <= '9') {
        port = path + 1;
        port_size = strspn(port, "0123456789");
        path = port + port_size;
    }
    bool good = port_size <= 5 && (path[0] == '\0' || path[0] == ':' || path[0] == '/');
    path += path[0] != '\0' ? 1 : 0;
    REQUIRE(good && path[0] != '/' && is_of(path, strlen(path), "-._~/%"), SEC_E_INVALID_TOKEN,
            "the KDC proxy is not host[:port][:path] (SecPkgCredentials_KdcProxySettingsW)");
    struct kdc_proxy *proxy = calloc(1, sizeof *proxy + URL_MAX);
    REQUIRE(proxy != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a KDC proxy");
    proxy->only = only;
    struct writer writer = write_into(proxy->url, URL_MAX);
    write_bytes(&writer, bytes_of(scheme, sizeof scheme - 1));
    write_bytes(&writer, bytes_of(host, size));
    if (port_size != 0) {
        write_u8(&writer, ':');
        write_bytes(&writer, bytes_of(port, port_size));
    }
    write_u8(&writer, '/');
    path = path[0] != '\0' ? path : DEFAULT_PATH;
    write_bytes(&writer, bytes_of(path, strlen(path)));
    *out = proxy;
    return SEC_E_OK;
}

struct kdc_proxy *kdc_proxy_copy(const struct kdc_proxy *proxy)
{
    if (proxy == NULL) {
        return NULL;
    }
    size_t size = strlen(proxy->url) + 1;
    struct kdc_proxy *copy = malloc(sizeof *copy + size);
    if (copy != NULL) {
        copy->only = proxy->only;
        memcpy(copy->url, proxy->url, size);
    }
    return copy;
}

/* ---------------------------------------------------------------- what libkrb5 asks its configuration */

struct overlay {
    atomic_uint references;  /* of profiles: libkrb5 copies the one that a context is made from */
    profile_t below;         /* krb5.conf; owned */
    struct kdc_proxy *proxy; /* owned; NULL: none */
};

static bool path_is(const char *const *names, const char *const *wanted)
{
    for (; *names != NULL && *wanted != NULL; names++, wanted++) {
        if (strcmp(*wanted, "*") != 0 && strcmp(*names, *wanted) != 0) {
            return false;
        }
    }
    return *names == NULL && *wanted == NULL;
}

/* The values below, and one more behind them where there is room for one; a list of this file's own. */
static long with_one_more(const struct overlay *overlay, const char *const *names, bool others, const char *one,
                          char ***out)
{
    char **below = NULL;
    size_t count = 0;
    if (others && profile_get_values(overlay->below, names, &below) == 0) {
        while (below[count] != NULL) {
            count++;
        }
    }
    char **list = calloc(count + 2, sizeof *list);
    bool good = list != NULL;
    for (size_t i = 0; good && i < count; i++) {
        list[i] = strdup(below[i]);
        good = list[i] != NULL;
    }
    if (good) {
        list[count] = strdup(one);
        good = list[count] != NULL;
    }
    profile_free_list(below);
    if (!good) {
        for (size_t i = 0; list != NULL && i < count; i++) {
            free(list[i]);
        }
        free(list);
        return ENOMEM;
    }
    *out = list;
    return 0;
}

static bool has_below(const struct overlay *overlay, const char *const *names)
{
    char **values = NULL;
    bool has = profile_get_values(overlay->below, names, &values) == 0;
    profile_free_list(has ? values : NULL);
    return has;
}

/* A file or a directory of certificates, as krb5.conf names them; "" when policy names none. */
static void policy_anchors(char *out, size_t size)
{
    struct stat found;
    const char *path = policy_get()->certificate_roots;
    out[0] = '\0';
    if (path[0] != '\0' && stat(path, &found) == 0) {
        (void)snprintf(out, size, "%s:%s", S_ISDIR(found.st_mode) ? "DIR" : "FILE", path);
    }
}

static bool is_kdc(const char *const *names)
{
    static const char *const kinds[] = {"kdc", "primary_kdc", "master_kdc", "kpasswd_server"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (path_is(names, (const char *const[]){"realms", "*", kinds[i], NULL})) {
            return true;
        }
    }
    return false;
}

/* Where KDCs are to be found by other means, those come first, but a proxy that is there alone.  Without such means the DNS is
 * not asked: it knows the KDCs, which the proxy stands before. */
static long get_kdc(const struct overlay *overlay, const char *const *names, char ***out)
{
    bool main_list = path_is(names, (const char *const[]){"realms", "*", "kdc", NULL});
    if (overlay->proxy->only || main_list || has_below(overlay, names)) {
        return with_one_more(overlay, names, !overlay->proxy->only, overlay->proxy->url, out);
    }
    return PROF_NO_RELATION;
}

static long get_values(void *data, const char *const *names, char ***out)
{
    static const char *const aware[] = {"libdefaults", "client_aware_channel_bindings", NULL};
    static const char *const proxy_roots[] = {"realms", "*", "http_anchors", NULL};
    static const char *const kdc_roots[] = {"libdefaults", "pkinit_anchors", NULL};
    const struct overlay *overlay = data;
    char anchors[4096 + 8];
    if (overlay->proxy != NULL && is_kdc(names)) {
        return get_kdc(overlay, names, out);
    }
    if (path_is(names, aware) && !has_below(overlay, names)) {
        return with_one_more(overlay, names, false, "true", out);
    }
    if ((path_is(names, proxy_roots) || path_is(names, kdc_roots)) && !has_below(overlay, names)) {
        policy_anchors(anchors, sizeof anchors);
        if (anchors[0] != '\0') {
            return with_one_more(overlay, names, false, anchors, out);
        }
    }
    char **below = NULL;
    long code = profile_get_values(overlay->below, names, &below);
    if (code == 0) {
        *out = below; /* profile_free_list() frees what malloc() gave, ours and theirs */
    }
    return code;
}

static void free_values(void *data, char **values)
{
    (void)data;
    for (char **at = values; at != NULL && *at != NULL; at++) {
        free(*at);
    }
    free(values);
}

static void cleanup(void *data)
{
    struct overlay *overlay = data;
    if (atomic_fetch_sub_explicit(&overlay->references, 1, memory_order_acq_rel) == 1) {
        profile_abandon(overlay->below);
        free(overlay->proxy);
        free(overlay);
    }
}

static long copy(void *data, void **out)
{
    struct overlay *overlay = data;
    atomic_fetch_add_explicit(&overlay->references, 1, memory_order_relaxed);
    *out = overlay;
    return 0;
}

/* Takes `below` over, whatever happens. */
static long make(profile_t below, const struct kdc_proxy *proxy, struct overlay **out)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);
    struct kdc_proxy *own = kdc_proxy_copy(proxy);
    if (overlay == NULL || (proxy != NULL && own == NULL)) {
        profile_abandon(below);
        free(own);
        free(overlay);
        return ENOMEM;
    }
    atomic_init(&overlay->references, 1);
    overlay->below = below;
    overlay->proxy = own;
    *out = overlay;
    return 0;
}

/* Iterations see krb5.conf as it is: what is put over it is only asked for by its name. */

/* profile_iterator frees its iterator and forgets it at the end, which its caller, who has this one, cannot see. */
struct iteration {
    void *below; /* NULL behind the end */
};

static long iterator_create(void *data, const char *const *names, int flags, void **out)
{
    struct iteration *iteration = calloc(1, sizeof *iteration);
    if (iteration == NULL) {
        return ENOMEM;
    }
    long code = profile_iterator_create(((struct overlay *)data)->below, names, flags, &iteration->below);
    if (code != 0) {
        free(iteration);
        return code;
    }
    *out = iteration;
    return 0;
}

static long iterate(void *data, void *iterator, char **out_name, char **out_value)
{
    struct iteration *iteration = iterator;
    (void)data;
    if (iteration->below == NULL) {
        *out_name = NULL;
        *out_value = NULL;
        return 0;
    }
    return profile_iterator(&iteration->below, out_name, out_value);
}

static void iterator_free(void *data, void *iterator)
{
    struct iteration *iteration = iterator;
    (void)data;
    if (iteration->below != NULL) {
        profile_iterator_free(&iteration->below);
    }
    free(iteration);
}

static void free_string(void *data, char *string)
{
    (void)data;
    profile_release_string(string);
}

/* ---------------------------------------------------------------- contexts */

/* The policy's proxy, or NULL. */
static struct kdc_proxy *policy_proxy(void)
{
    struct kdc_proxy *proxy = NULL;
    const struct policy *policy = policy_get();
    if (policy->kerberos_proxy[0] != '\0' &&
        kdc_proxy_parse(policy->kerberos_proxy, policy->kerberos_proxy_only, &proxy) < 0) {
        TRACE("Kerberos: the policy's KDC proxy has no name of one and is not used ([kerberos] kdc-proxy)");
        status_begin();
    }
    return proxy;
}

/* Takes `below` over, whatever happens. */
static krb5_error_code overlaid(profile_t below, const struct kdc_proxy *proxy, krb5_context *out)
{
    struct profile_vtable table = {.minor_ver = 1,
                                   .get_values = get_values,
                                   .free_values = free_values,
                                   .cleanup = cleanup,
                                   .copy = copy,
                                   .iterator_create = iterator_create,
                                   .iterator = iterate,
                                   .iterator_free = iterator_free,
                                   .free_string = free_string};
    AUTO_FREE struct kdc_proxy *general = proxy == NULL ? policy_proxy() : NULL;
    struct overlay *overlay = NULL;
    profile_t above = NULL;
    long code = make(below, proxy != NULL ? proxy : general, &overlay);
    if (code == 0) {
        code = profile_init_vtable(&table, overlay, &above);
        if (code != 0) {
            cleanup(overlay);
        }
    }
    if (code == 0) {
        code = krb5_init_context_profile(above, 0, out);
        profile_abandon(above);
    }
    return (krb5_error_code)code;
}

krb5_error_code configuration_context(const struct kdc_proxy *proxy, krb5_context *out)
{
    krb5_context plain = NULL;
    profile_t below = NULL;
    krb5_error_code code = krb5_init_context(&plain);
    if (code == 0) {
        code = krb5_get_profile(plain, &below);
        krb5_free_context(plain);
    }
    return code == 0 ? overlaid(below, proxy, out) : code;
}
