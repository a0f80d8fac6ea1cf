#include "logon/accounts.h"

#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/policy.h"
#include "base/random.h"
#include "base/trace.h"
#include "logon/machine.h"
#include "logon/process.h"
#include "wire/writer.h"

static struct key16 decoy;
static SECURITY_STATUS decoy_status;
static pthread_once_t decoy_once = PTHREAD_ONCE_INIT;

static void make_decoy(void)
{
    decoy_status = random_bytes(decoy.b, sizeof decoy.b);
}

SECURITY_STATUS accounts_decoy(struct key16 *out)
{
    (void)pthread_once(&decoy_once, make_decoy);
    REQUIRE(decoy_status >= 0, SEC_E_INTERNAL_ERROR, "no random bytes for the hash of unknown accounts");
    *out = decoy;
    return SEC_E_OK;
}

static bool print_path(char *out, size_t size, const char *base, const char *rest)
{
    int needed = snprintf(out, size, "%s%s", base, rest);
    return needed > 0 && (size_t)needed < size;
}

bool accounts_lmdb_path(char *out, size_t size)
{
    const struct policy *policy = policy_get();
    const char *named = secure_getenv("SSPI_ACCOUNTS");
    if (named != NULL && named[0] != '\0') {
        return print_path(out, size, named, "");
    }
    if (policy->accounts == POLICY_ACCOUNTS_LMDB && policy->accounts_path[0] != '\0') {
        return print_path(out, size, policy->accounts_path, "");
    }
    if (geteuid() == 0) {
        return print_path(out, size, "/var/lib/sspi/accounts", "");
    }
    const char *data = secure_getenv("XDG_DATA_HOME");
    if (data != NULL && data[0] == '/') { /* others are to be ignored (XDG Base Directory Specification) */
        return print_path(out, size, data, "/sspi/accounts");
    }
    const char *home = secure_getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return print_path(out, size, home, "/.local/share/sspi/accounts");
    }
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) {
        return false;
    }
    return print_path(out, size, found->pw_dir, "/.local/share/sspi/accounts");
}

static SECURITY_STATUS open_default(struct accounts **out)
{
    const struct policy *policy = policy_get();
    char path[4096];
    switch (policy->accounts) {
    case POLICY_ACCOUNTS_WINBIND:
        return accounts_winbind_open(out);
    case POLICY_ACCOUNTS_FILE:
        REQUIRE(policy->accounts_path[0] != '\0', SEC_E_INTERNAL_ERROR,
                "[accounts] backend = file needs a path (sspi.conf(5))");
        return accounts_file_open(policy->accounts_path, out);
    case POLICY_ACCOUNTS_LMDB:
        break;
    }
    REQUIRE(accounts_lmdb_path(path, sizeof path), SEC_E_INTERNAL_ERROR,
            "no place for the account database: this user has no home directory (sspi.conf(5), path)");
    return accounts_lmdb_open(path, true, out);
}

/* Kept until the process ends.  A failure is not kept: the next call tries again, as the cause may have gone. */
SECURITY_STATUS accounts_default(struct accounts **out)
{
    static _Atomic(struct accounts *) opened;
    struct accounts *accounts = atomic_load_explicit(&opened, memory_order_acquire);
    if (accounts == NULL) {
        PROCESS_LOCKED;
        accounts = atomic_load(&opened);
        if (accounts == NULL) {
            TRY(open_default(&accounts));
            TRACE("accounts: source %s", accounts->name);
            atomic_store_explicit(&opened, accounts, memory_order_release);
        }
    }
    *out = accounts;
    return SEC_E_OK;
}

SECURITY_STATUS canonical_name_set(struct canonical_name *name, struct utf16 user, struct utf16 domain)
{
    const struct machine_names *machine;
    TRY(names_of_this_machine(&machine));
    struct utf16 home = domain.size != 0 ? domain : machine->netbios_computer;
    REQUIRE(user.size <= sizeof name->user && home.size <= sizeof name->domain, SEC_E_INTERNAL_ERROR,
            "an account's own name is longer than 256 characters");
    struct writer writer = write_into(name->user, sizeof name->user);
    write_bytes(&writer, utf16_bytes(user));
    writer = write_into(name->domain, sizeof name->domain);
    write_bytes(&writer, utf16_bytes(home));
    name->user_size = (uint16_t)user.size;
    name->domain_size = (uint16_t)home.size;
    return SEC_E_OK;
}
