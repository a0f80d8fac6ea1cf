/* The mechanisms that SPNEGO may choose, by OID, and the packages behind them, by name.
 *
 * Kerberos has two OIDs: its own, and the one that Windows 2000 got by writing 113554 into 16 bits, which Windows puts
 * first ever since.  NEGOEX is not among them: nobody misses it (MS-NEGOEX 1.3).
 */
#ifndef OPENSSPI_NEGOTIATE_MECH_H
#define OPENSSPI_NEGOTIATE_MECH_H

#include "base/bytes.h"
#include "negotiate/neg_token.h"

struct mech {
    struct neg_oid oid;
    const char *package;
    bool third_party; /* somebody else vouches for both sides (a KDC), and must know the target and the user */
};

/* In the order in which a client offers them; one package's stand together. */
#define MECH_COUNT 3
extern const struct mech mechs[MECH_COUNT];

/* NULL for an OID that is none of them. */
const struct mech *mech_find(const struct neg_oid *oid);

/* The package that a token without SPNEGO around it belongs to, or NULL. */
const char *mech_of_raw_token(struct bytes token);

#endif
