/* The parts of `sspi user`: user.c reads the command lines; user_show.c lists and verifies. */
#ifndef OPENSSPI_TOOL_USER_H
#define OPENSSPI_TOOL_USER_H

#include "login.h"
#include "logon/account_store.h"

#define USER_REALMS_MAX 8

struct user_options {
    struct login login;
    const char *accounts; /* directory; NULL: as the policy says */
    const char *wants;    /* the arguments' names, for complaints; NULL: there are none */
    const char *argument; /* the name, or the file of import */
    const char *second;   /* the date of expire */
    const char *unix_name;
    const char *realms[USER_REALMS_MAX];
    size_t realm_count;
    uint64_t expiry; /* FILETIME; 0: not given */
    uint64_t password_expiry;
    bool replace, must_change, json;
};

/* Each gives an exit code. */
int user_list(struct account_store *store, const struct user_options *options);
int user_verify(const struct user_options *options);

#endif
