#include "kerberos/realms.h"

#include <ctype.h>
#include <errno.h>
#include <profile.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/policy.h"
#include "logon/machine.h"

static krb5_error_code copy(const char *realm, size_t size, char **out)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return ENOMEM;
    }
    memcpy(text, realm, size);
    text[size] = '\0';
    *out = text;
    return 0;
}

/* "DOMAIN:REALM, DOMAIN:REALM" */
static krb5_error_code by_policy(const char *domain, char **out)
{
    const char *at = policy_get()->kerberos_realms;
    size_t size = strlen(domain);
    while (*at != '\0') {
        at += strspn(at, ", \t");
        size_t entry = strcspn(at, ", \t");
        if (entry > size + 1 && strncasecmp(at, domain, size) == 0 && at[size] == ':') {
            return copy(at + size + 1, entry - size - 1, out);
        }
        at += entry;
    }
    return 0;
}

static bool begins_with_label(const char *realm, const char *label)
{
    size_t size = strlen(label);
    return strncasecmp(realm, label, size) == 0 && realm[size] == '.';
}

/* [domain_realm] DOMAIN = REALM */
static krb5_error_code by_host(krb5_context krb, const char *domain, char **out)
{
    char **realms = NULL;
    krb5_error_code code = 0;
    if (krb5_get_host_realm(krb, domain, &realms) == 0 && realms[0] != NULL && realms[0][0] != '\0') {
        code = copy(realms[0], strlen(realms[0]), out);
    }
    krb5_free_host_realm(krb, realms);
    return code;
}

static krb5_error_code by_default(krb5_context krb, const char *domain, char **out)
{
    char *realm = NULL;
    krb5_error_code code = 0;
    if (krb5_get_default_realm(krb, &realm) == 0 &&
        (strcasecmp(realm, domain) == 0 || begins_with_label(realm, domain))) {
        code = copy(realm, strlen(realm), out);
    }
    krb5_free_default_realm(krb, realm);
    return code;
}

/* One of [realms], by itself or by its first label; two of which that is true are no answer. */
static krb5_error_code by_configuration(krb5_context krb, const char *domain, bool whole, char **out)
{
    static const char *const section[] = {"realms", NULL};
    struct _profile_t *profile = NULL;
    char **names = NULL;
    const char *found = NULL;
    size_t count = 0;
    krb5_error_code code = 0;
    if (krb5_get_profile(krb, &profile) == 0) {
        (void)profile_get_subsection_names(profile, (const char **)(uintptr_t)section, &names);
        profile_abandon(profile);
    }
    for (char **name = names; name != NULL && *name != NULL; name++) {
        if (whole ? strcasecmp(*name, domain) == 0 : begins_with_label(*name, domain)) {
            found = *name;
            count++;
        }
    }
    if (count == 1) {
        code = copy(found, strlen(found), out);
    }
    profile_free_list(names);
    return code;
}

/* The domain that this machine says it is in; its realm is written in upper case (RFC 4120 6.1). */
static krb5_error_code by_machine(const char *domain, char **out)
{
    const struct machine_names *names;
    AUTO_FREE char *dns = NULL;
    if (strcasecmp(policy_get()->netbios_domain, domain) != 0 || names_of_this_machine(&names) < 0 ||
        names->dns_domain.size == 0 || utf16_to_utf8(names->dns_domain, &dns, NULL) < 0) {
        return 0;
    }
    for (char *at = dns; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    return copy(dns, strlen(dns), out);
}

krb5_error_code realm_of_domain(krb5_context krb, const char *domain, char **out_realm)
{
    char *realm = NULL;
    krb5_error_code code = by_policy(domain, &realm);
    if (code == 0 && realm == NULL) {
        code = by_configuration(krb, domain, true, &realm);
    }
    if (code == 0 && realm == NULL) {
        code = by_host(krb, domain, &realm);
    }
    if (code == 0 && realm == NULL) {
        code = by_default(krb, domain, &realm);
    }
    if (code == 0 && realm == NULL) {
        code = by_configuration(krb, domain, false, &realm);
    }
    if (code == 0 && realm == NULL) {
        code = by_machine(domain, &realm);
    }
    if (code != 0) {
        free(realm);
        return code;
    }
    *out_realm = realm;
    return 0;
}
