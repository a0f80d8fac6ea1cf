/* Negotiate over NTLM and a second package that begins, fails and signs as each test says (toy.h): two sides, and what passes
 * between them. */
#ifndef OPENSSPI_TESTS_NEGOTIATE_SIDES_H
#define OPENSSPI_TESTS_NEGOTIATE_SIDES_H

#include <stdlib.h>

#include "toy.h"

#include "vectors/hex.h"

#include "negotiate/neg_token.h"
#include "security.h"
#include "support/pair.h"

#define NTLM_OID       "060a2b06010401823702020a"
#define KRB_OID        "06092a864886f712010202"
#define MS_KRB_OID     "06092a864882f712010202"
#define U2U_OID        "060a2a864886f71201020203"
#define NEGOEX_OID     "060a2b06010401823702021e"
#define BOTH_THEN_NTLM "3022" MS_KRB_OID KRB_OID NTLM_OID
#define NTLM_THEN_BOTH "3022" NTLM_OID MS_KRB_OID KRB_OID

#define HERE "HTTP/elsewhere.example" /* a target that is not this machine */

extern WCHAR negotiate_name[];

struct side {
    CredHandle credential;
    CtxtHandle context;
    bool has_context;
    ULONG attributes;
    struct pair_token last; /* what it said */
};

struct sides {
    struct side client, server;
    const char *target; /* NULL: none */
    ULONG request;
};

int set_up(void **state);
int nothing_left(void **state);
SECURITY_STATUS get_client(struct sides *sides, const char *user, const char *domain, const char *list);
void begin_with(struct sides *sides, const char *list);
void begin(struct sides *sides);
void end_side(struct side *side);
void end(struct sides *sides);
SECURITY_STATUS leg(struct sides *sides, bool client, const struct pair_token *in);
SECURITY_STATUS client_leg(struct sides *sides, const struct pair_token *in);
SECURITY_STATUS server_leg(struct sides *sides, const struct pair_token *in);
void opens(struct sides *sides);
SECURITY_STATUS go_on(struct sides *sides);
struct neg_token parsed(const struct pair_token *token);
void put(const struct neg_token *token, struct pair_token *out);
void put_hex(const char *text, struct pair_token *out);
struct neg_oid oid(const char *text);
void put_list(const struct neg_token *token, const char *list, struct pair_token *out);
void assert_list(const struct pair_token *token, const char *list);
ULONG state_of(CtxtHandle *context, const char *package);
void assert_package(struct sides *sides, const char *package);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_left)

#endif
