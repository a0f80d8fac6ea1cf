/* The mechanisms that SPNEGO may choose, by OID, and the packages behind them, by name.
 *
 * Kerberos has two OIDs: its own, and the one that Windows 2000 got by writing 113554 into 16 bits, which Windows puts
 * first ever since; and a third one for user-to-user, which begins with other tokens.  NEGOEX is not among them: nobody misses it (MS-NEGOEX 1.3).
 */
#ifndef OPENSSPI_NEGOTIATE_MECH_H
#define OPENSSPI_NEGOTIATE_MECH_H

#include "base/bytes.h"
#include "negotiate/neg_token.h"

struct mech {
    struct neg_oid oid;
    const char *package;
    bool third_party;  /* somebody else vouches for both sides (a KDC), and must know the target and the user */
    bool user_to_user; /* the package's exchange with ISC_REQ_USE_SESSION_KEY */
};

/* In the order in which a client offers them; one package's stand together. */
#define MECH_COUNT 4
extern const struct mech mechs[MECH_COUNT];

/* One exchange, whichever of its OIDs was named? */
bool mech_is_same(const struct mech *a, const struct mech *b);

/* NULL for an OID that is none of them. */
const struct mech *mech_find(const struct neg_oid *oid);

/* The package that a token without SPNEGO around it belongs to, or NULL. */
const char *mech_of_raw_token(struct bytes token);

#endif
