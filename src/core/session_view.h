/* The attributes that a session has whatever package made it (QueryContextAttributes, General): the package says what it knows of
 * the session, and which attribute shows which part of that, and when, is answered here.
 */
#ifndef OPENSSPI_CORE_SESSION_VIEW_H
#define OPENSSPI_CORE_SESSION_VIEW_H

#include "core/attribute.h"
#include "core/package.h"

/* Borrowed from the context. */
struct session_view {
    struct utf16 account, domain; /* DOMAIN\user; the domain by itself */
    struct utf16 client, server;  /* NATIVE_NAMES */
    struct utf16 target;          /* server: what the client says it wants; may be empty */
    struct bytes session_key;
    uint64_t start, expiry; /* FILETIME, UTC; CLOCK_NEVER */
    uint64_t password_expiry, logoff;
    uint32_t flags, user_flags; /* ISC_RET_* or ASC_RET_*; USER_FLAGS */
};

/* Is it an attribute that session_query() answers? */
bool session_attribute(uint32_t attribute);

/* Can it be asked for before the session stands: what package it is, and whether the client's last token was seen? */
bool session_attribute_is_early(uint32_t attribute);

/* SEC_E_INVALID_HANDLE: not before the session stands; SEC_E_UNSUPPORTED_FUNCTION: none of these, or CLIENT_SPECIFIED_TARGET at a
 * client.  `view` counts only once the session stands. */
STATUS session_query(const struct context *context, const struct session_view *view, uint32_t attribute,
                     struct attribute *out);

#endif
