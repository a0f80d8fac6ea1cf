#include "logon/machine.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/policy.h"
#include "text/upcase.h"

#define NETBIOS_MAX 15 /* MS-NBTE 2.2.1: 16 octets, the last of which is the name's type */

#define AUTO_NAMES __attribute__((cleanup(machine_names_free))) struct machine_names

void machine_names_free(struct machine_names *names)
{
    utf16_free(&names->netbios_computer);
    utf16_free(&names->netbios_domain);
    utf16_free(&names->dns_computer);
    utf16_free(&names->dns_domain);
}

static SECURITY_STATUS name_from(const char *configured, const char *derived, size_t derived_size, struct utf16 *out)
{
    if (configured[0] != '\0') {
        derived = configured;
        derived_size = strlen(configured);
    }
    if (derived_size == 0) {
        *out = UTF16_NONE;
        return SEC_E_OK;
    }
    return utf16_from_utf8(bytes_of(derived, derived_size), out);
}

/* Windows shows NetBIOS names in upper case, whatever case they were configured in. */
static SECURITY_STATUS netbios_from(const char *configured, const char *derived, size_t derived_size, struct utf16 *out)
{
    AUTO_UTF16 name = UTF16_NONE;
    TRY(name_from(configured, derived, derived_size, &name));
    TRY(utf16_copy(utf16_length(name) > NETBIOS_MAX ? utf16_head(name, NETBIOS_MAX) : name, out));
    upcase_write(*out, (uint8_t *)(uintptr_t)out->data); /* our own copy: its bytes may be written */
    return SEC_E_OK;
}

SECURITY_STATUS machine_names_derive(const struct policy *policy, const char *host, struct machine_names *out)
{
    if (host[0] == '\0' || host[0] == '.') {
        host = "localhost";
    }
    size_t label = strcspn(host, ".");
    const char *rest = host + label + (host[label] == '.' ? 1 : 0);

    AUTO_NAMES names = {0};
    TRY(netbios_from(policy->netbios_computer, host, label, &names.netbios_computer));
    TRY(netbios_from(policy->netbios_domain, "WORKGROUP", sizeof "WORKGROUP" - 1, &names.netbios_domain));
    TRY(name_from(policy->dns_computer, host, strlen(host), &names.dns_computer));
    TRY(name_from(policy->dns_domain, rest, strlen(rest), &names.dns_domain));
    *out = names;
    names = (struct machine_names){0};
    return SEC_E_OK;
}

/* No lock, so that a fork at any moment leaves nothing held: two threads that come first at the same time both derive
 * the names, and one of them gives its copy back. */
SECURITY_STATUS names_of_this_machine(const struct machine_names **out)
{
    static _Atomic(struct machine_names *) known;
    struct machine_names *names = atomic_load_explicit(&known, memory_order_acquire);
    if (names == NULL) {
        char host[256] = "";
        (void)gethostname(host, sizeof host - 1); /* a host without a name is "localhost" */
        AUTO_FREE struct machine_names *mine = calloc(1, sizeof *mine);
        REQUIRE(mine != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the machine's names");
        TRY(machine_names_derive(policy_get(), host, mine));
        if (atomic_compare_exchange_strong_explicit(&known, &names, mine, memory_order_acq_rel, memory_order_acquire)) {
            names = STEAL(mine);
        } else {
            machine_names_free(mine);
        }
    }
    *out = names;
    return SEC_E_OK;
}
