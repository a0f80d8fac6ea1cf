/* Where the members of an identity lie, in the caller's memory and in the identity's own width.
 *
 * Plain, EX and EX2 are told apart by their first word: 0x200 and 0x201 with a plausible length behind it, else it is half
 * of a pointer to the user's name (or NULL).
 */
#ifndef OPENSSPI_LOGON_IDENTITY_LAYOUT_H
#define OPENSSPI_LOGON_IDENTITY_LAYOUT_H

#include "base/bytes.h"
#include "base/status.h"
#include "text/utf16.h"

/* The flags that say who may decrypt the secret; at most one of them is set. */
#define IDENTITY_ENCRYPTED                                                                                             \
    (SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED |                \
     SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED)

/* A member whose data is NULL is absent; one of size 0 with data is empty (not in EX2, where nothing tells the two
 * apart). */
struct identity_layout {
    uint32_t version; /* 0: plain; SEC_WINNT_AUTH_IDENTITY_VERSION, SEC_WINNT_AUTH_IDENTITY_VERSION_2 */
    uint32_t flags;   /* as given, and SSPI_AUTH_IDENTITY_NT_HASH for FreeRDP's way of passing a hash */
    size_t width;     /* bytes a character: 1 or 2 */
    struct bytes user, domain, package_list;
    struct bytes secret; /* the password; EX2: the packed credentials */
};

/* SEC_E_UNKNOWN_CREDENTIALS for a version there is not, SEC_E_INVALID_TOKEN for what does not hold together: Flags that
 * say neither ANSI nor UNICODE, more than one scope of encryption, a length without a pointer, offsets outside or into one
 * another. */
STATUS identity_layout(const void *auth_data, struct identity_layout *out);

/* Whether no other member shares the secret's memory, so that it can be changed by itself.  Always so in EX2. */
bool identity_secret_is_apart(const struct identity_layout *layout);

/* The one member that changes in place. */
void identity_set_flags(void *auth_data, uint32_t flags);

static inline uint8_t *identity_secret_bytes(const struct identity_layout *layout)
{
    return (uint8_t *)(uintptr_t)layout->secret.data; /* the caller's memory, which he gave us to change */
}

/* A member as owned UTF-16.  SEC_E_INVALID_TOKEN for ANSI text that is not UTF-8. */
STATUS identity_member(const struct identity_layout *layout, struct bytes member, struct utf16 *out);

/* The password inside packed credentials (SEC_WINNT_AUTH_PACKED_CREDENTIALS), in UTF-16; a slice of `packed`.
 * SEC_E_UNKNOWN_CREDENTIALS for another type than a password, SEC_E_INVALID_TOKEN when they do not hold together. */
STATUS identity_packed_password(struct bytes packed, struct bytes *out);

#endif
