/* Within directory*.c: a question, and who answers it. */
#ifndef OPENSSPI_LOGON_DIRECTORY_INSIDE_H
#define OPENSSPI_LOGON_DIRECTORY_INSIDE_H

#include <pwd.h>

#include "logon/directory.h"
#include "logon/winbind.h"

enum directory_subject { BY_UID, BY_LOGIN, BY_NAME, BY_UPN, BY_DISPLAY, BY_SID, OF_COMPUTER };

struct directory_question {
    enum directory_subject subject;
    uid_t uid;
    char domain[DIRECTORY_TEXT];
    char name[DIRECTORY_UPN]; /* the user, the UPN, the full name, the SID */
};

/* A conversation with winbindd. */
struct directory_winbind {
    const struct winbind *library;
    struct wbcContext *context;
    char separator; /* between domain and user in its NSS names */
    char computer[DIRECTORY_TEXT], domain[DIRECTORY_TEXT];
};

/* False when there is no winbindd to speak to. */
bool directory_winbind_open(struct directory_winbind *out);
void directory_winbind_close(struct directory_winbind *winbind); /* one that was not opened: fine */

enum directory_answer directory_winbind_name(const struct directory_winbind *winbind, const char *domain,
                                             const char *user, struct directory_entry *out);
enum directory_answer directory_winbind_upn(const struct directory_winbind *winbind, const char *upn,
                                            struct directory_entry *out);
enum directory_answer directory_winbind_sid(const struct directory_winbind *winbind, const char *sid,
                                            struct directory_entry *out);
enum directory_answer directory_winbind_uid(const struct directory_winbind *winbind, uid_t uid,
                                            struct directory_entry *out);
enum directory_answer directory_winbind_display(const struct directory_winbind *winbind, const char *display,
                                                struct directory_entry *out);
enum directory_answer directory_winbind_computer(const struct directory_winbind *winbind, struct directory_entry *out);

/* NSS' word for an account of a domain, DOM\user or user@domain, as an entry; false for a name that has no domain. */
bool directory_split(const char *name, char separator, struct directory_entry *out);

/* The first part of a GECOS field. */
void directory_full_name(const struct passwd *entry, char out[DIRECTORY_TEXT]);

/* NSS, without winbind. */
enum directory_answer directory_nss_name(const char *domain, const char *user, struct directory_entry *out);
enum directory_answer directory_nss_upn(const char *upn, struct directory_entry *out);
enum directory_answer directory_nss_login(const struct directory_winbind *winbind, const char *login,
                                          struct directory_entry *out);
enum directory_answer directory_nss_uid(const struct directory_winbind *winbind, uid_t uid,
                                        struct directory_entry *out);

/* An account of this machine from its NSS name. */
bool directory_local(const struct passwd *found, struct directory_entry *out);

/* Has a thread find the answer, and waits for it no longer than policy allows. */
enum directory_answer directory_ask(const struct directory_question *question, struct directory_entry *out);

/* What that thread does; directory.c. */
enum directory_answer directory_answer(const struct directory_question *question, struct directory_entry *out);

#endif
