#include "logon/identity_protect.h"

#include <errno.h>
#include <keyutils.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/random.h"
#include "base/secret.h"
#include "base/trace.h"
#include "crypto/memory_protect.h"

#define KEY_TYPE "user"
#define KEY_NAME "sspi:identities"
/* The possessor sees, reads and finds it.  Nobody may write: see session_key(). */
#define KEY_RIGHTS (KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK | KEY_POS_SETATTR)

#define PER_LOGON (SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED | SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED)

/* No lock: threads that come first at the same time all make a key, and one of them stays. */
static SECURITY_STATUS process_key(uint8_t out[MEMORY_KEY_SIZE])
{
    static _Atomic(uint8_t *) known;
    uint8_t *key = atomic_load_explicit(&known, memory_order_acquire);
    if (key == NULL) {
        AUTO_SECRET made = {0};
        TRY(secret_alloc(&made, MEMORY_KEY_SIZE));
        TRY(random_bytes(made.data, MEMORY_KEY_SIZE));
        if (atomic_compare_exchange_strong_explicit(&known, &key, made.data, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            key = made.data;
            made = (struct secret){0};
        }
    }
    for (size_t i = 0; i < MEMORY_KEY_SIZE; i++) {
        out[i] = key[i];
    }
    return SEC_E_OK;
}

static bool read_key(long key, uint8_t out[MEMORY_KEY_SIZE])
{
    return keyctl_read((key_serial_t)key, (char *)out, MEMORY_KEY_SIZE) == MEMORY_KEY_SIZE;
}

/* The session's keyring, or its user's default one when the session has none of its own (keyctl_get_keyring_ID(3)). */
static key_serial_t session_keyring(void)
{
    key_serial_t keyring = (key_serial_t)keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
    return keyring < 0 ? KEY_SPEC_SESSION_KEYRING : keyring;
}

static bool find_session_key(uint8_t out[MEMORY_KEY_SIZE])
{
    long key = keyctl_search(session_keyring(), KEY_TYPE, KEY_NAME, 0);
    return key >= 0 && read_key(key, out);
}

/* Two processes may make the key at the same time.  add_key(2) then changes the payload of the one key there is, until
 * somebody has taken the right to write away: what is read after that is final for all. */
static SECURITY_STATUS session_key(uint8_t out[MEMORY_KEY_SIZE])
{
    if (find_session_key(out)) {
        return SEC_E_OK;
    }
    uint8_t fresh[MEMORY_KEY_SIZE];
    TRY(random_bytes(fresh, sizeof fresh));
    long key = add_key(KEY_TYPE, KEY_NAME, fresh, sizeof fresh, session_keyring());
    secret_wipe(fresh, sizeof fresh);
    bool made = key >= 0 && keyctl_setperm((key_serial_t)key, KEY_RIGHTS) == 0;
    if (!made) {
        TRACE("encrypting identities: no key of the logon session, error %d", errno);
    }
    REQUIRE(made ? read_key(key, out) : find_session_key(out), SEC_E_UNSUPPORTED_FUNCTION,
            "the kernel keeps no keys for this logon session (keyrings are off in many containers)");
    return SEC_E_OK;
}

static void apply_key(const struct identity_layout *layout, const uint8_t *key, uint8_t *secret, bool backwards)
{
    const uint8_t width = (uint8_t)layout->width;
    const struct bytes tweak[] = {bytes_of(&width, 1), layout->user, layout->domain};
    (backwards ? memory_unprotect : memory_protect)(key, tweak, 3, secret, layout->secret.size);
}

SECURITY_STATUS identity_protect(const struct identity_layout *layout, uint32_t flag, uint8_t *secret)
{
    uint8_t key[MEMORY_KEY_SIZE];
    REQUIRE(flag != SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED, SEC_E_UNSUPPORTED_FUNCTION,
            "there is no key that the system's services share");
    TRY((flag & PER_LOGON) != 0 ? session_key(key) : process_key(key));
    apply_key(layout, key, secret, false);
    secret_wipe(key, sizeof key);
    return SEC_E_OK;
}

SECURITY_STATUS identity_unprotect(const struct identity_layout *layout, uint8_t *secret)
{
    uint8_t key[MEMORY_KEY_SIZE];
    uint32_t flag = layout->flags & IDENTITY_ENCRYPTED;
    REQUIRE(flag != SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED, SEC_E_DECRYPT_FAILURE,
            "there is no key that the system's services share");
    REQUIRE(flag != SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED || geteuid() == 0, SEC_E_DECRYPT_FAILURE,
            "the identity was encrypted by root, for root");
    if ((flag & PER_LOGON) != 0) {
        REQUIRE(find_session_key(key), SEC_E_DECRYPT_FAILURE, "this logon session has encrypted no identities");
    } else {
        TRY(process_key(key));
    }
    apply_key(layout, key, secret, true);
    secret_wipe(key, sizeof key);
    return SEC_E_OK;
}
