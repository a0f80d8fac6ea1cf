/* Explaining tokens.  Each kind of token has an entry in the table of explain.c; a new package joins by adding one. */
#ifndef OPENSSPI_TOOL_EXPLAIN_H
#define OPENSSPI_TOOL_EXPLAIN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "exchange.h"
#include "facts.h"
#include "login.h"

struct explainer {
    const char *name; /* as the package calls itself */

    /* True when the bytes look like a token of this kind, be it a broken one. */
    bool (*recognise)(struct bytes token);

    /* All that the token says: "message", "says", the fields, "odd".  Without `reveal` the values that would let
     * somebody try passwords are left out. */
    struct json_object *(*explain)(struct bytes token, bool reveal);

    /* What shows only when several tokens of one exchange are seen together; appends to the list `odd`. */
    void (*compare)(const struct exchange *exchange, struct json_object *odd);

    /* Checks an exchange against a password; NULL when this kind has nothing to check in it. */
    struct json_object *(*verify)(const struct exchange *exchange, const struct login *login);

    /* What the keys of the default keytab open of an exchange; NULL when this kind has nothing to open in it. */
    struct json_object *(*decrypt)(const struct exchange *exchange);

    /* Whether a signature of `data` is the first that this side made in the session that the exchange began: 1 or 0, and -1
     * when that cannot be told. */
    int (*signature)(const struct exchange *exchange, const struct login *login, bool from_client, struct bytes data,
                     struct bytes signature);
};

extern const struct explainer ntlm_explainer;
extern const struct explainer spnego_explainer;
extern const struct explainer kerberos_explainer;
extern const struct explainer digest_explainer;
extern const struct explainer credssp_explainer;
extern const struct explainer tls_explainer;

/* The entry that recognises a token; NULL for bytes that nobody knows. */
const struct explainer *explain_find(struct bytes token);

/* The facts about a token of any kind; unknown bytes have "message": "unknown". */
struct json_object *explain_token(struct bytes token, bool reveal);

/* What `compare`, `verify` and `decrypt` of the exchange's kind of token have to say. */
struct json_object *explain_odd(const struct exchange *exchange);
struct json_object *explain_verify(const struct exchange *exchange, const struct login *login);
struct json_object *explain_decrypt(const struct exchange *exchange);

/* Finds the tokens in what somebody pasted or piped: the bytes of one token; header lines ("WWW-Authenticate: NTLM
 * TlRM...") alone or among the other lines of a log, with or without curl's "> " and "< "; base64 or hexadecimal, one
 * token a line or one token over many lines.  The direction follows from the header's name, else from the message.
 * Returns how many were found. */
size_t explain_find_tokens(struct bytes text, struct exchange *exchange);

#endif
