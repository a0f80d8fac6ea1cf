/* What this machine calls itself to its peers: the names in an NTLM CHALLENGE and the default domain of its users.
 *
 * Policy's [names] come first; what is empty there is derived from the host name, without asking the network.
 */
#ifndef OPENSSPI_LOGON_MACHINE_H
#define OPENSSPI_LOGON_MACHINE_H

#include "text/utf16.h"

struct machine_names {
    struct utf16 netbios_computer; /* never empty, at most 15 characters */
    struct utf16 netbios_domain;   /* "WORKGROUP" unless policy says otherwise */
    struct utf16 dns_computer;     /* never empty */
    struct utf16 dns_domain;       /* may be empty */
};

/* This machine's names, worked out once per process; what `*out` points at lives for ever.
 * SEC_E_INSUFFICIENT_MEMORY, after which the next call tries again; SEC_E_INVALID_TOKEN for policy names that are not
 * UTF-8. */
STATUS names_of_this_machine(const struct machine_names **out);

/* The derivation by itself: `host` is what gethostname(2) gave.  The caller frees with machine_names_free. */
struct policy;
STATUS machine_names_derive(const struct policy *policy, const char *host, struct machine_names *out);
void machine_names_free(struct machine_names *names);

#endif
