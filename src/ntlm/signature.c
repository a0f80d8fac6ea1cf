#include "ntlm/signature.h"

#include "crypto/sealing.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define SIZE 16

static const uint8_t dummy[SIZE] = {1};

void ntlm_signature_start(struct ntlm_signature_state *state, uint32_t flags, const struct hmac_md5_key *sign_key,
                          uint32_t sequence)
{
    state->ess = (flags & NTLM_ESS) != 0;
    state->key_exchange = (flags & NTLM_KEY_EXCH) != 0;
    state->sequence = sequence;
    state->crc = 0;
    state->key = sign_key;
    if (state->ess) {
        uint8_t number[4];
        struct writer writer = write_into(number, sizeof number);
        write_u32le(&writer, sequence);
        hmac_md5_start(&state->mac, sign_key);
        hmac_md5_update(&state->mac, BYTES(number));
    }
}

void ntlm_signature_add(struct ntlm_signature_state *state, struct bytes data)
{
    if (state->ess) {
        hmac_md5_update(&state->mac, data);
    } else {
        state->crc = crc32_update(state->crc, data);
    }
}

void ntlm_signature_crypt(struct ntlm_signature_state *state, struct rc4 *stream, uint8_t *data, size_t size,
                          bool sending)
{
    if (!state->ess) {
        if (sending) {
            state->crc = crc32_update(state->crc, bytes_of(data, size));
        }
        rc4_crypt(stream, size, data, data);
        if (!sending) {
            state->crc = crc32_update(state->crc, bytes_of(data, size));
        }
    } else if (sending) {
        sealing_encrypt(stream, &state->mac, data, size);
    } else {
        sealing_decrypt(stream, &state->mac, data, size);
    }
}

/* With ESS (MS-NLMP 3.4.4.2): the MAC's first eight bytes, encrypted if a key was exchanged. */
static void finish_ess(struct ntlm_signature_state *state, struct rc4 *stream, struct writer *writer)
{
    struct key16 mac;
    hmac_md5_finish(&state->mac, state->key, &mac);
    if (state->key_exchange) {
        rc4_crypt(stream, 8, mac.b, mac.b);
    }
    write_bytes(writer, bytes_of(mac.b, 8));
    write_u32le(writer, state->sequence);
}

/* Without (MS-NLMP 3.4.4.1): four bytes of keystream for a pad that is zero on the wire, then CRC and number. */
static void finish_legacy(const struct ntlm_signature_state *state, struct rc4 *stream, struct writer *writer)
{
    uint8_t plain[12] = {0};
    struct writer fields = write_into(plain, sizeof plain);
    write_u32le(&fields, 0);
    write_u32le(&fields, state->crc);
    write_u32le(&fields, state->sequence);
    rc4_crypt(stream, sizeof plain, plain, plain);
    write_u32le(writer, 0);
    write_bytes(writer, bytes_of(plain + 4, 8));
}

void ntlm_signature_finish(struct ntlm_signature_state *state, struct rc4 *stream, uint8_t *out)
{
    struct writer writer = write_into(out, SIZE);
    write_u32le(&writer, 1);
    if (state->ess) {
        finish_ess(state, stream, &writer);
    } else {
        finish_legacy(state, stream, &writer);
    }
}

SECURITY_STATUS ntlm_signature_check(struct ntlm_signature_state *state, struct rc4 *stream, const uint8_t *signature)
{
    struct reader reader = read_start(bytes_of(signature, SIZE));
    (void)read_bytes(&reader, 12);
    uint32_t number = read_u32le(&reader);
    REQUIRE(!state->ess || number == state->sequence, SEC_E_OUT_OF_SEQUENCE,
            "this is not the message that is due: replayed, lost or reordered (MS-NLMP 3.4.4.2, SeqNum)");

    uint8_t expected[SIZE];
    ntlm_signature_finish(state, stream, expected);
    /* Without ESS the first half of the rest is a pad that some peers fill (MS-NLMP 2.2.2.9.1, RandomPad). */
    size_t skip = state->ess ? 4 : 8;
    bool version = secret_equal(expected, signature, 4);
    bool checksum = secret_equal(expected + skip, signature + skip, SIZE - 4 - skip);
    bool sequence = secret_equal(expected + 12, signature + 12, 4);
    REQUIRE(version && checksum, SEC_E_MESSAGE_ALTERED,
            "the signature does not match: the message was altered on its way (MS-NLMP 3.4.4)");
    REQUIRE(sequence, SEC_E_OUT_OF_SEQUENCE,
            "this is not the message that is due: replayed, lost or reordered (MS-NLMP 3.4.4.1, SeqNum)");
    return SEC_E_OK;
}

void ntlm_signature_dummy(uint8_t *out)
{
    struct writer writer = write_into(out, SIZE);
    write_bytes(&writer, BYTES(dummy));
}

SECURITY_STATUS ntlm_signature_check_dummy(const uint8_t *signature)
{
    REQUIRE(secret_equal(dummy, signature, SIZE), SEC_E_MESSAGE_ALTERED,
            "not the signature of a context that signs nothing (MS-NLMP 3.4.4)");
    return SEC_E_OK;
}
