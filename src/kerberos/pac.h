/* The parts of a PAC that a server reads (MS-PAC): who the client is and which groups it is in, as the KDC says.  Framing and
 * signatures are libkrb5's to take apart; what is here comes out of buffers that it found.
 */
#ifndef OPENSSPI_KERBEROS_PAC_H
#define OPENSSPI_KERBEROS_PAC_H

#include "base/status.h"
#include "text/utf16.h"
#include "wire/writer.h"

/* KERB_VALIDATION_INFO (MS-PAC 2.5): slices borrow from the buffer, names may be empty. */
struct pac_logon {
    uint64_t logoff, kickoff, password_must_change; /* FILETIME; 0x7fffffffffffffff: never */
    struct utf16 user, domain;                      /* EffectiveName, LogonDomainName (NetBIOS) */
    uint32_t user_id, primary_group, user_flags;
    struct bytes groups;              /* GROUP_MEMBERSHIP: relative identifier and attributes, 8 bytes each */
    struct bytes domain_sid;          /* SID as in MS-DTYP 2.4.2.2; empty: none */
    struct bytes extra;               /* of each further SID 8 bytes: a pointer, not 0 if it is there, and attributes */
    struct bytes extra_sids;          /* those that are there, each with its NDR length (4 bytes) in front */
    struct bytes resource_domain_sid; /* for `resource_groups`; empty: none */
    struct bytes resource_groups;     /* as `groups` */
};

/* The contents of a buffer of type 1.  SEC_E_INVALID_TOKEN. */
STATUS pac_logon_parse(struct bytes buffer, struct pac_logon *out);

/* Everybody the client is: the user, and the groups, as sid_list_next() reads them.  The user comes first, with attributes 0;
 * a group's are SE_GROUP_*.  SEC_E_INVALID_TOKEN when there is no user to name; SEC_E_INSUFFICIENT_MEMORY. */
STATUS pac_logon_sids(const struct pac_logon *logon, struct writer *out);

/* UPN_DNS_INFO (MS-PAC 2.10), the contents of a buffer of type 12.  SEC_E_INVALID_TOKEN. */
struct pac_upn {
    struct utf16 upn, dns_domain;
};
STATUS pac_upn_parse(struct bytes buffer, struct pac_upn *out);

#endif
