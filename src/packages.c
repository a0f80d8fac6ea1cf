/* The packages of this build, in the order EnumerateSecurityPackages reports them.  No other file names them all. */
#include "core/package.h"
#include "digest/digest.h"
#include "negotiate/negotiate.h"
#include "ntlm/ntlm.h"

const struct package *const packages[] = {
    &negotiate_package,
    &ntlm_package,
    &digest_package,
    &digest_alias,
};

const size_t package_count = sizeof packages / sizeof packages[0];
