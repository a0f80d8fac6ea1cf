/* The value of a context or credential attribute, before api/attributes.c lays it out as the SDK's struct, A or W.
 *
 * What it points at is borrowed from the context and lives while the context's step lock is held.  Which member counts
 * follows from the attribute's number (SECPKG_ATTR_*).
 */
#ifndef OPENSSPI_CORE_ATTRIBUTE_H
#define OPENSSPI_CORE_ATTRIBUTE_H

#include "base/bytes.h"
#include "text/utf16.h"

struct package;

struct attribute {
    union {
        struct {
            uint32_t max_token, max_signature, block_size, security_trailer;
        } sizes;           /* SIZES */
        struct utf16 name; /* NAMES, AUTHORITY, DCE_INFO, CLIENT_SPECIFIED_TARGET, CRED_ATTR_NAMES */
        struct {
            struct utf16 client, server;
        } native_names; /* NATIVE_NAMES */
        struct {
            uint64_t start, expiry; /* FILETIME, UTC */
        } lifespan;                 /* LIFESPAN */
        struct {
            const char *signature, *encryption;
            uint32_t key_bits, signature_id, encryption_id;
        } key_info;         /* KEY_INFO */
        struct bytes bytes; /* SESSION_KEY, TARGET_INFORMATION */
        uint32_t number;    /* FLAGS, USER_FLAGS, LAST_CLIENT_TOKEN_STATUS, NEGO_STATUS */
        uint64_t time;      /* PASSWORD_EXPIRY, LOGOFF_TIME: FILETIME, UTC */
        struct {
            const struct package *package;
            uint32_t state;
        } negotiation; /* PACKAGE_INFO, NEGOTIATION_INFO */
    };
};

#endif
