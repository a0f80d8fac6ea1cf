/* Security identifiers: those that a domain gave, and those made for accounts that only have a name (port_token.h). */
#ifndef OPENSSPI_PORT_SID_H
#define OPENSSPI_PORT_SID_H

#include "port.h"

/* Room for any SID. */
struct sid {
    union {
        SID sid;
        BYTE bytes[SECURITY_MAX_SID_SIZE];
    };
};

/* An account: UTF-16 with NULs, borrowed from whoever holds it to the program's end. */
struct account {
    const WCHAR *user;
    const WCHAR *domain; /* may be empty */
    SID_NAME_USE use;
};

/* The well-known groups that a token has, anonymous's without Authenticated Users. */
#define SID_GROUPS 3

struct sid sid_everyone(void);
struct sid sid_network(void);
struct sid sid_authenticated(void);
struct sid sid_anonymous(void);

/* The SID of DOMAIN\user, made from its name and remembered, so that sid_account() knows it.  False when out of memory. */
bool sid_of_account(const WCHAR *user, const WCHAR *domain, struct sid *out);

/* Remembers whose SID this is; the first who says so is believed.  False when out of memory. */
bool sid_remember(const struct sid *sid, const WCHAR *user, const WCHAR *domain, SID_NAME_USE use);

/* What the machine's directories say (directory.c). */
enum sid_answer {
    SID_FOUND,   /* remembered */
    SID_NOBODY,  /* the domain is known and has no such account */
    SID_UNKNOWN, /* nobody knows the domain, or the account has no SID */
};

/* By "DOMAIN\user", "user@domain" or the text of a SID; by the parts of a name, false when out of memory; by a valid SID. */
enum sid_answer sid_in_directory(const char *name, struct sid *out_sid, struct account *out);
bool sid_name_in_directory(const WCHAR *user, const WCHAR *domain, enum sid_answer *out_answer, struct sid *out_sid,
                           struct account *out);
enum sid_answer sid_by_value(PSID sid, struct account *out);

/* A SID from its text, "S-1-5-21-..."; false for anything else. */
bool sid_from_text(const char *text, struct sid *out);

/* A well-known SID by its name, whatever the case; the domain NULL: any. */
bool sid_of_well_known(const WCHAR *user, const WCHAR *domain, struct sid *out, struct account *out_account);

/* Whose SID this is; false: nobody's that was met here. */
bool sid_account(PSID sid, struct account *out);

#endif
