#include "module/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/policy.h"

#define SEPARATORS ", \t"

/* Owned by root or by us, and nobody else writes there. */
static SECURITY_STATUS check_one(const char *path, bool directory)
{
    struct stat facts;
    REQUIRE(lstat(path, &facts) == 0, SEC_E_SECPKG_NOT_FOUND,
            "AddSecurityPackage: the module's path changed meanwhile");
    REQUIRE(directory ? S_ISDIR(facts.st_mode) : S_ISREG(facts.st_mode), SEC_E_CANNOT_INSTALL,
            "AddSecurityPackage: the module is no regular file");
    REQUIRE(facts.st_uid == 0 || facts.st_uid == geteuid(), SEC_E_CANNOT_INSTALL,
            "AddSecurityPackage: the module, or a directory above it, belongs to neither root nor this process's user");
    bool sticky = directory && (facts.st_mode & S_ISVTX) != 0; /* others can neither rename nor remove what is ours */
    REQUIRE((facts.st_mode & (S_IWGRP | S_IWOTH)) == 0 || sticky, SEC_E_CANNOT_INSTALL,
            "AddSecurityPackage: the module, or a directory above it, may be written to by others");
    return SEC_E_OK;
}

/* The file and everything above it.  `real` has no links in it, so that each name is what it says. */
static SECURITY_STATUS check_all(const char *real)
{
    TRY(check_one(real, false));
    char above[PATH_MAX];
    (void)snprintf(above, sizeof above, "%s", real); /* realpath()'s own limit */
    for (char *slash = strrchr(above, '/'); slash != NULL && slash != above; slash = strrchr(above, '/')) {
        *slash = '\0';
        TRY(check_one(above, true));
    }
    return check_one("/", true);
}

/* Does an entry of the policy name this file, or the directory right above it? */
static bool entry_allows(const char *entry, const char *real)
{
    AUTO_FREE char *named = entry[0] == '/' ? realpath(entry, NULL) : NULL;
    if (named == NULL) {
        return false;
    }
    size_t size = strlen(named);
    bool inside = strncmp(real, named, size) == 0 && real[size] == '/' && strchr(real + size + 1, '/') == NULL;
    return strcmp(real, named) == 0 || inside;
}

static bool is_allowed(const char *real)
{
    const struct policy *policy = policy_get();
    char entries[sizeof policy->packages_allow], *rest = NULL;
    (void)snprintf(entries, sizeof entries, "%s", policy->broken ? "" : policy->packages_allow);
    for (char *entry = strtok_r(entries, SEPARATORS, &rest); entry != NULL; entry = strtok_r(NULL, SEPARATORS, &rest)) {
        if (entry_allows(entry, real)) {
            return true;
        }
    }
    return false;
}

SECURITY_STATUS module_trust(const char *path, char **out_real)
{
    REQUIRE(getauxval(AT_SECURE) == 0, SEC_E_CANNOT_INSTALL,
            "AddSecurityPackage: a process with other rights than its user's loads no modules");
    REQUIRE(path[0] == '/', SEC_E_CANNOT_INSTALL, "AddSecurityPackage: a module is named by its absolute path");
    errno = 0;
    AUTO_FREE char *real = realpath(path, NULL);
    REQUIRE(real != NULL || errno != ENOMEM, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a module's path");
    REQUIRE(real != NULL, SEC_E_SECPKG_NOT_FOUND, "AddSecurityPackage: no module at this path");
    REQUIRE(is_allowed(real), SEC_E_CANNOT_INSTALL,
            "AddSecurityPackage: the policy does not name this module ([packages] allow in sspi.conf)");
    TRY(check_all(real));
    *out_real = STEAL(real);
    return SEC_E_OK;
}

SECURITY_STATUS module_search(const char *name, char **out_path)
{
    const struct policy *policy = policy_get();
    char entries[sizeof policy->packages_allow], *rest = NULL;
    (void)snprintf(entries, sizeof entries, "%s", policy->broken ? "" : policy->packages_allow);
    for (char *entry = strtok_r(entries, SEPARATORS, &rest); entry != NULL; entry = strtok_r(NULL, SEPARATORS, &rest)) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%s/%s.so", entry, name);
        if (entry[0] == '/' && size > 0 && (size_t)size < sizeof path && access(path, F_OK) == 0) {
            *out_path = strdup(path);
            REQUIRE(*out_path != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a module's path");
            return SEC_E_OK;
        }
    }
    FAIL(SEC_E_SECPKG_NOT_FOUND, "AddSecurityPackage: no package of this name, and no such module in the policy's "
                                 "directories ([packages] allow in sspi.conf)");
}
