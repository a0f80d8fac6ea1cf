/* Taking names apart: DOMAIN\user, user@domain, and service principal names. */
#ifndef OPENSSPI_TEXT_NAMES_H
#define OPENSSPI_TEXT_NAMES_H

#include "text/utf16.h"

struct account_name {
    struct utf16 user;
    struct utf16 domain;
};

/* Splits a user name given without a domain, as Windows does: "DOMAIN\user" into its parts; "user@domain" stays one
 * name with an empty domain, because that is what goes on the wire for a UPN (MS-NLMP 3.1.5.1.2).  A name with a domain
 * beside it is left alone.  The result borrows from the arguments. */
struct account_name names_split(struct utf16 user, struct utf16 domain);

/* For looking an account up: as names_split, and "user@domain" is split too. */
struct account_name names_split_upn(struct utf16 user, struct utf16 domain);

/* The host part of "HTTP/host:port/realm", "HTTP/host@REALM", "http://user@host:port/path" or a plain host, without the
 * brackets of an IPv6 address; empty when there is none.  Borrows. */
struct utf16 names_spn_host(struct utf16 spn);

#endif
