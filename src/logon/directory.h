/* Who the machine's directories know: accounts and domains by their names and SIDs.
 *
 * Three are asked: /etc/passwd; winbindd, where libwbclient and the daemon are there; else the other sources of NSS, with the
 * names that sssd and winbind give domain accounts (DOM\user, user@domain).  All but the first may wait for a domain
 * controller, and are therefore asked by a thread of their own, which is given up after [names] lookup-timeout; as long as
 * a thread that was given up hangs, nothing else is asked.  Texts are UTF-8, NUL-terminated, empty where nothing is known.
 */
#ifndef OPENSSPI_LOGON_DIRECTORY_H
#define OPENSSPI_LOGON_DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

#include "text/sid.h"

#define DIRECTORY_TEXT 776  /* 256 units of UTF-16, and the NUL */
#define DIRECTORY_UPN  1552 /* two of them and the sign between */

enum directory_kind { /* SID_NAME_USE's numbers, which are winbind's too */
                      DIRECTORY_USER = 1,
                      DIRECTORY_GROUP = 2,
                      DIRECTORY_DOMAIN = 3,
                      DIRECTORY_ALIAS = 4,
                      DIRECTORY_WELL_KNOWN = 5,
                      DIRECTORY_COMPUTER = 9,
};

struct directory_entry {
    enum directory_kind kind;
    bool local;                      /* an account of this machine alone */
    char user[DIRECTORY_TEXT];       /* as the domain spells it; empty: the domain itself */
    char domain[DIRECTORY_TEXT];     /* its NetBIOS name; its DNS name where nobody knows the other */
    char dns_domain[DIRECTORY_TEXT]; /* of a domain that has one */
    char display[DIRECTORY_TEXT];    /* the full name */
    char upn[DIRECTORY_UPN];         /* only where somebody told it; directory_*() do not */
    char sid[SID_TEXT_MAX];
};

enum directory_answer {
    DIRECTORY_FOUND,
    DIRECTORY_NO_ACCOUNT, /* who knows the domain knows no such account, or two */
    DIRECTORY_NO_DOMAIN,  /* nobody who answers knows the domain */
};

/* `*out` is written when the answer is DIRECTORY_FOUND. */

/* The account behind a uid. */
enum directory_answer directory_login(uid_t uid, struct directory_entry *out);

/* `domain` is a NetBIOS or DNS name, or this machine's own; `user` empty: the domain itself. */
enum directory_answer directory_find(const char *domain, const char *user, struct directory_entry *out);

/* user@suffix: what is registered as such, else the account of that domain. */
enum directory_answer directory_find_upn(const char *upn, struct directory_entry *out);

/* By its full name: among the machine's own accounts, and those of the domain if winbindd lists them ("winbind enum users",
 * smb.conf(5)). */
enum directory_answer directory_find_display(const char *display, struct directory_entry *out);

/* By the text of a SID, which winbindd alone knows. */
enum directory_answer directory_find_sid(const char *sid, struct directory_entry *out);

/* This computer's account in its domain, as winbindd has it; DIRECTORY_NO_DOMAIN: not joined, or not by winbind. */
enum directory_answer directory_computer(struct directory_entry *out);

/* What policy says of a domain's two names ([names], [kerberos] realms): fills whichever of entry->domain and
 * entry->dns_domain `name` is not, from the one that it is.  False when policy does not know it; then `name` alone is put
 * in its place, by whether it has a dot. */
bool directory_pair(const char *name, struct directory_entry *entry);

/* Copies as much as there is; false, and empty, when it does not fit. */
bool directory_text(char *out, size_t size, const char *text);

#endif
