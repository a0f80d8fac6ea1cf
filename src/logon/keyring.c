/* The logon session: one key of type "user" in the kernel's keyring (keyrings(7)), reachable by the processes of the login
 * session that made it and by nobody else.  The kernel keeps it in memory that is never written to disk, and drops it with
 * the session or when its lifetime ends.
 *
 * The payload, little-endian: u8 version 1; u16 size, domain; u16 size, user; u8 what follows: 1 a password, 2 an NT hash;
 * u16 size, the password in UTF-16LE or the hash.
 */
#include <errno.h>
#include <keyutils.h>
#include <string.h>

#include "base/trace.h"
#include "logon/default_credentials.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define KEY_TYPE     "user"
#define KEY_NAME     "sspi:logon"
#define VERSION      1
#define PAYLOAD_MAX  32767 /* what the kernel takes for a user key (keyrings(7)) */
#define HAS_PASSWORD 1
#define HAS_NT_HASH  2

#define DAMAGED "the logon session in the kernel keyring is damaged"

/* The session's keyring.  Asking for it without permission to create makes a process without one use its user's default
 * keyring; otherwise the kernel would make one that ends with this process (keyctl_get_keyring_ID(3)). */
static key_serial_t session_keyring(void)
{
    key_serial_t keyring = (key_serial_t)keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
    return keyring < 0 ? KEY_SPEC_SESSION_KEYRING : keyring;
}

static SECURITY_STATUS find_key(key_serial_t *out)
{
    long key = keyctl_search(session_keyring(), KEY_TYPE, KEY_NAME, 0);
    if (key >= 0) {
        *out = (key_serial_t)key;
        return SEC_E_OK;
    }
    TRACE("logon session: keyctl_search fails with error %d", errno);
    REQUIRE(errno != ENOKEY && errno != EKEYEXPIRED && errno != EKEYREVOKED, SEC_E_NO_CREDENTIALS,
            "nobody is logged on in this session (sspi logon)");
    FAIL(SEC_E_NO_CREDENTIALS, "the kernel refuses its keyring to this process, as many containers do");
}

static void write_text(struct writer *writer, struct bytes text)
{
    if (text.size > UINT16_MAX) {
        writer->bad = true;
    }
    write_u16le(writer, (uint16_t)text.size);
    write_bytes(writer, text);
}

static void write_session(struct writer *writer, const struct identity *identity)
{
    write_u8(writer, VERSION);
    write_text(writer, utf16_bytes(identity->domain));
    write_text(writer, utf16_bytes(identity->user));
    write_u8(writer, identity->has_nt_hash ? HAS_NT_HASH : HAS_PASSWORD);
    write_text(writer, identity->has_nt_hash ? BYTES(identity->nt_hash.b) : secret_bytes(&identity->password));
}

SECURITY_STATUS logon_session_store(const struct identity *identity, uint32_t lifetime_seconds)
{
    AUTO_WRITER payload = write_growing(PAYLOAD_MAX);
    write_session(&payload, identity);
    TRY(write_end(&payload));
    struct bytes bytes = write_result(&payload);
    /* Takes the place of a session that is there, expired or not. */
    key_serial_t key = add_key(KEY_TYPE, KEY_NAME, bytes.data, bytes.size, session_keyring());
    if (key < 0) {
        TRACE("logon session: add_key fails with error %d", errno);
        FAIL(SEC_E_INTERNAL_ERROR, "the kernel refuses to keep a logon session (keyrings are off in many containers)");
    }
    /* Readable by who possesses the session, not by who has the same user id; a lifetime of zero is none. */
    if (keyctl_setperm(key, KEY_POS_ALL) < 0 || keyctl_set_timeout(key, lifetime_seconds) < 0) {
        TRACE("logon session: its protection fails with error %d", errno);
        (void)keyctl_invalidate(key);
        FAIL(SEC_E_INTERNAL_ERROR, "the kernel refuses to protect a logon session");
    }
    return SEC_E_OK;
}

static SECURITY_STATUS read_payload(key_serial_t key, struct secret *out)
{
    AUTO_SECRET payload = {0};
    long size = keyctl_read(key, NULL, 0);
    REQUIRE(size > 0 && size <= PAYLOAD_MAX, SEC_E_NO_CREDENTIALS, DAMAGED);
    TRY(secret_alloc(&payload, (size_t)size));
    REQUIRE(keyctl_read(key, (char *)payload.data, payload.size) == size, SEC_E_NO_CREDENTIALS,
            "the logon session changed while it was read");
    *out = payload;
    payload = (struct secret){0};
    return SEC_E_OK;
}

/* The bytes come from whoever could write into the session's keyring: this user, at worst with another program. */
static SECURITY_STATUS parse_session(struct bytes payload, struct identity *out)
{
    struct reader reader = read_start(payload);
    uint8_t version = read_u8(&reader);
    struct bytes domain = read_bytes(&reader, read_u16le(&reader));
    struct bytes user = read_bytes(&reader, read_u16le(&reader));
    uint8_t kind = read_u8(&reader);
    struct bytes proof = read_bytes(&reader, read_u16le(&reader));
    bool good =
        !reader.bad && read_left(&reader) == 0 && version == VERSION && domain.size % 2 == 0 && user.size % 2 == 0 &&
        ((kind == HAS_PASSWORD && proof.size % 2 == 0) || (kind == HAS_NT_HASH && proof.size == sizeof out->nt_hash.b));
    REQUIRE(good, SEC_E_NO_CREDENTIALS, DAMAGED);

    AUTO_IDENTITY identity = {0};
    TRY(utf16_copy(utf16_of(user), &identity.user));
    TRY(utf16_copy(utf16_of(domain), &identity.domain));
    identity.has_user = user.size != 0;
    identity.has_domain = domain.size != 0;
    if (kind == HAS_NT_HASH) {
        struct writer hash = write_into(identity.nt_hash.b, sizeof identity.nt_hash.b);
        write_bytes(&hash, proof);
        identity.has_nt_hash = true;
    } else {
        TRY(secret_copy(&identity.password, proof));
        identity.has_password = true;
    }
    *out = identity;
    identity = (struct identity){0};
    return SEC_E_OK;
}

SECURITY_STATUS logon_session_load(struct identity *out)
{
    key_serial_t key = 0;
    AUTO_SECRET payload = {0};
    TRY(find_key(&key));
    TRY(read_payload(key, &payload));
    return parse_session(secret_bytes(&payload), out);
}

SECURITY_STATUS logon_session_clear(void)
{
    key_serial_t key = 0;
    TRY(find_key(&key));
    if (keyctl_invalidate(key) < 0) { /* kernels before 3.5 do not have it */
        (void)keyctl_revoke(key);
        (void)keyctl_unlink(key, session_keyring());
    }
    return SEC_E_OK;
}
