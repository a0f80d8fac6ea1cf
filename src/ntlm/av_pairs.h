/* AV_PAIR lists (MS-NLMP 2.2.2.1): u16 AvId, u16 AvLen, value; MsvAvEOL ends the list. */
#ifndef OPENSSPI_NTLM_AV_PAIRS_H
#define OPENSSPI_NTLM_AV_PAIRS_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

enum ntlm_av_id {
    MsvAvEOL = 0,
    MsvAvNbComputerName = 1,
    MsvAvNbDomainName = 2,
    MsvAvDnsComputerName = 3,
    MsvAvDnsDomainName = 4,
    MsvAvDnsTreeName = 5,
    MsvAvFlags = 6,
    MsvAvTimestamp = 7,
    MsvAvSingleHost = 8,
    MsvAvTargetName = 9,
    MsvAvChannelBindings = 10,
};

enum ntlm_av_flag { NTLM_AV_CONSTRAINED = 1, NTLM_AV_MIC = 2, NTLM_AV_UNTRUSTED_TARGET = 4 };

/* The pairs we understand, each a slice of the list or absent (data NULL).  An id that comes twice counts once, the
 * first; unknown ids are passed over. */
struct ntlm_av_pairs {
    struct bytes nb_computer, nb_domain, dns_computer, dns_domain, dns_tree;
    struct bytes single_host, target_name, channel_bindings;
    bool has_flags, has_timestamp, has_target_name;
    uint32_t flags;
    uint64_t timestamp;
    size_t size; /* bytes up to and with MsvAvEOL; what follows is not part of the list */
};

/* SEC_E_INVALID_TOKEN: a pair that leaves the list, no MsvAvEOL, flags, timestamp, single-host or channel-binding
 * values of another size than 4, 8, 48 and 16, an odd UNICODE value, an EOL with a length.  An empty list is fine and
 * has none. */
STATUS ntlm_av_pairs_parse(struct bytes list, struct ntlm_av_pairs *out);

/* Walks a list pair by pair, for copying it: false at MsvAvEOL or the end.  The list must have been parsed. */
bool ntlm_av_next(struct bytes list, size_t *at, uint16_t *id, struct bytes *value);

void ntlm_av_write(struct writer *out, uint16_t id, struct bytes value);
void ntlm_av_write_u32(struct writer *out, uint16_t id, uint32_t value);
void ntlm_av_write_u64(struct writer *out, uint16_t id, uint64_t value);
void ntlm_av_write_end(struct writer *out);

#endif
