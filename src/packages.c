/* The packages of this build, in the order EnumerateSecurityPackages reports them.  No other file names them all. */
#include "core/package.h"
#include "credssp/credssp_package.h"
#include "digest/digest.h"
#include "kerberos/kerberos.h"
#include "negotiate/negotiate.h"
#include "ntlm/ntlm.h"
#include "schannel/schannel_package.h"

const struct package *const packages[] = {
    &negotiate_package, &kerberos_package,       &ntlm_package,     &digest_package,
    &digest_alias,      &schannel_package_alias, &schannel_package, &schannel_package_default,
    &credssp_package,
};

const size_t package_count = sizeof packages / sizeof packages[0];
