/* The clients that this process has let in of late, by the names that their domains gave them: what Windows' authority
 * keeps of its logon sessions, as far as names go.  A server may ask for another form of a client's name when the token is
 * long closed.
 */
#ifndef OPENSSPI_CORE_MET_H
#define OPENSSPI_CORE_MET_H

#include <stdbool.h>

#include "text/utf16.h"

#define MET_NAME_BYTES 512

/* Each may be empty but for the user. */
struct met_names {
    uint8_t user[MET_NAME_BYTES], domain[MET_NAME_BYTES], upn[2 * MET_NAME_BYTES], dns_domain[MET_NAME_BYTES];
    uint16_t user_size, domain_size, upn_size, dns_domain_size;
};

/* The last sixteen are kept; one with names that are too long is not. */
void met_remember(struct utf16 user, struct utf16 domain, struct utf16 upn, struct utf16 dns_domain);

/* By user and domain, which may be the DNS domain's name; by the user principal name.  Case does not count.  False: nobody
 * of that name. */
bool met_find(struct utf16 user, struct utf16 domain, struct met_names *out);
bool met_find_upn(struct utf16 upn, struct met_names *out);

#endif
