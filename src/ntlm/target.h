/* The service the client meant (MsvAvTargetName), against what policy says this server is called. */
#ifndef OPENSSPI_NTLM_TARGET_H
#define OPENSSPI_NTLM_TARGET_H

#include "ntlm/av_pairs.h"

/* [ntlm] target-name and target-names.  SEC_E_TARGET_UNKNOWN when the policy demands a name that was not sent, or one
 * that was sent and is not ours.  A name from an untrusted source (MsvAvFlags 4) counts as not sent (MS-NLMP 2.2.2.1). */
STATUS ntlm_target_judge(const struct ntlm_av_pairs *pairs);

#endif
