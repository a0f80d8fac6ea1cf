#include "ntlm/keys.h"

#include <string.h>

#include "crypto/cipher.h"
#include "text/upcase.h"
#include "wire/reader.h"

#define LM_PASSWORD_MAX 14

void ntlm_ntowf_v1(struct bytes password_utf16, struct key16 *out)
{
    md4(password_utf16, out);
}

bool ntlm_lmowf_v1(struct utf16 password, struct key16 *out)
{
    static const uint8_t constant[8] = "KGS!@#$%"; /* LMOWFv1, 3.3.1 */
    uint8_t key[LM_PASSWORD_MAX] = {0};
    bool has_hash = utf16_length(password) <= LM_PASSWORD_MAX;
    for (size_t i = 0; has_hash && i < utf16_length(password); i++) {
        uint16_t unit = upcase_unit(utf16_unit(password, i));
        key[i] = (uint8_t)unit;
        has_hash = unit < 0x80;
    }
    if (has_hash) {
        des7(key, constant, out->b);
        des7(key + 7, constant, out->b + 8);
    }
    secret_wipe(key, sizeof key);
    return has_hash;
}

void ntlm_ntowf_v2(const struct key16 *ntowf_v1, struct utf16 user, struct utf16 domain, struct key16 *out)
{
    struct hmac_md5_key key;
    struct hmac_md5 mac;
    hmac_md5_key(&key, BYTES(ntowf_v1->b));
    hmac_md5_start(&mac, &key);
    for (size_t i = 0; i < user.size;) { /* a piece at a time: a name of any length, and no memory to find */
        uint8_t upper[128];
        size_t size = user.size - i < sizeof upper ? user.size - i : sizeof upper;
        upcase_write((struct utf16){user.data + i, size}, upper);
        hmac_md5_update(&mac, bytes_of(upper, size));
        i += size;
    }
    hmac_md5_update(&mac, utf16_bytes(domain));
    hmac_md5_finish(&mac, &key, out);
    hmac_md5_key_wipe(&key);
}

void ntlm_v1_response(const struct key16 *owf, const uint8_t challenge[8], uint8_t out[24])
{
    desl(owf, challenge, out);
}

void ntlm_v1_ess_challenge(const uint8_t server_challenge[8], const uint8_t client_challenge[8], uint8_t out[8])
{
    const struct bytes parts[] = {bytes_of(server_challenge, 8), bytes_of(client_challenge, 8)};
    struct key16 digest;
    md5(parts, 2, &digest);
    memcpy(out, digest.b, 8);
}

void ntlm_v1_session_base_key(const struct key16 *ntowf_v1, struct key16 *out)
{
    md4(BYTES(ntowf_v1->b), out);
}

void ntlm_v2_proof(const struct hmac_md5_key *ntowf_v2, const uint8_t server_challenge[8], struct bytes temp,
                   struct key16 *out)
{
    struct hmac_md5 mac;
    hmac_md5_start(&mac, ntowf_v2);
    hmac_md5_update(&mac, bytes_of(server_challenge, 8));
    hmac_md5_update(&mac, temp);
    hmac_md5_finish(&mac, ntowf_v2, out);
}

void ntlm_v2_lm_response(const struct hmac_md5_key *lmowf_v2, const uint8_t server_challenge[8],
                         const uint8_t client_challenge[8], uint8_t out[24])
{
    struct key16 proof;
    ntlm_v2_proof(lmowf_v2, server_challenge, bytes_of(client_challenge, 8), &proof);
    memcpy(out, proof.b, sizeof proof.b);
    memcpy(out + sizeof proof.b, client_challenge, 8);
}

void ntlm_v2_session_base_key(const struct hmac_md5_key *ntowf_v2, const struct key16 *proof, struct key16 *out)
{
    struct hmac_md5 mac;
    hmac_md5_start(&mac, ntowf_v2);
    hmac_md5_update(&mac, BYTES(proof->b));
    hmac_md5_finish(&mac, ntowf_v2, out);
}

/* KXKEY with LM_KEY: two DES blocks, the second key being one byte of LMOWF and six of 0xBD (3.4.5.1). */
static void kxkey_lm(const uint8_t *lm_response, const struct key16 *lmowf, struct key16 *out)
{
    uint8_t second[7] = {lmowf->b[7], 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd};
    des7(lmowf->b, lm_response, out->b);
    des7(second, lm_response, out->b + 8);
    secret_wipe(second, sizeof second);
}

void ntlm_kxkey(uint32_t flags, bool v2, const struct key16 *session_base_key, const uint8_t *lm_response,
                const struct key16 *lmowf, const uint8_t server_challenge[8], struct key16 *out)
{
    AUTO_KEY16 result = *session_base_key;
    if (v2) {
        /* NTLMv2: the session base key itself */
    } else if ((flags & NTLM_ESS) != 0) {
        const struct bytes parts[] = {bytes_of(server_challenge, 8), bytes_of(lm_response, 8)};
        hmac_md5(BYTES(session_base_key->b), parts, 2, &result);
    } else if ((flags & NTLM_LM_KEY) != 0) {
        kxkey_lm(lm_response, lmowf, &result);
    } else if ((flags & NTLM_REQUEST_NON_NT_SESSION_KEY) != 0) {
        memcpy(result.b, lmowf->b, 8);
        memset(result.b + 8, 0, 8);
    }
    *out = result;
}

/* MD5(key || magic), where the magic constants of 3.4.5.2 and 3.4.5.3 count their NUL. */
static void magic_key(struct bytes key, const char *magic, struct key16 *out)
{
    const struct bytes parts[] = {key, bytes_of(magic, strlen(magic) + 1)};
    md5(parts, 2, out);
}

bool ntlm_sign_key(uint32_t flags, const struct key16 *exported_session_key, bool client_to_server, struct key16 *out)
{
    if ((flags & NTLM_ESS) == 0) {
        return false;
    }
    magic_key(BYTES(exported_session_key->b),
              client_to_server ? "session key to client-to-server signing key magic constant"
                               : "session key to server-to-client signing key magic constant",
              out);
    return true;
}

size_t ntlm_seal_key(uint32_t flags, const struct key16 *exported_session_key, bool client_to_server, struct key16 *out)
{
    if ((flags & NTLM_ESS) != 0) {
        size_t strength = (flags & NTLM_128) != 0 ? 16 : (flags & NTLM_56) != 0 ? 7 : 5;
        magic_key(bytes_of(exported_session_key->b, strength),
                  client_to_server ? "session key to client-to-server sealing key magic constant"
                                   : "session key to server-to-client sealing key magic constant",
                  out);
        return 16;
    }
    AUTO_KEY16 key = *exported_session_key;
    if ((flags & (NTLM_LM_KEY | NTLM_DATAGRAM)) == 0) {
        *out = key;
        return 16;
    }
    if ((flags & NTLM_56) != 0) {
        key.b[7] = 0xa0;
    } else {
        memcpy(key.b + 5, (const uint8_t[]){0xe5, 0x38, 0xb0}, 3);
    }
    memset(key.b + 8, 0, 8);
    *out = key;
    return 8;
}

void ntlm_mic(const struct key16 *exported_session_key, struct bytes negotiate, struct bytes challenge,
              struct bytes authenticate, size_t mic_offset, struct key16 *out)
{
    static const uint8_t zeros[16];
    struct reader reader = read_start(authenticate);
    struct bytes before = read_bytes(&reader, mic_offset);
    struct bytes mic = read_bytes(&reader, sizeof zeros);
    struct bytes after = read_bytes(&reader, read_left(&reader));
    const struct bytes parts[] = {negotiate, challenge, before, bytes_of(zeros, mic.size), after};
    hmac_md5(BYTES(exported_session_key->b), parts, sizeof parts / sizeof parts[0], out);
}
