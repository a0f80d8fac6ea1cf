#include "schannel/step_buffers.h"

#include <openssl/srtp.h>
#include <string.h>

#include "base/auto.h"
#include "core/context_buffer.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define MTU_MINIMUM 200

_Static_assert(ISC_REQ_ALLOCATE_MEMORY == ASC_REQ_ALLOCATE_MEMORY, "one bit for both sides");

SECURITY_STATUS step_check_buffers(const struct step_in *in, const struct step_out *out, bool first)
{
    REQUIRE(!first || out->output->count != 0, SEC_E_INVALID_TOKEN, "pOutput is NULL on a first call");
    bool allocate = (in->flags & ISC_REQ_ALLOCATE_MEMORY) != 0;
    for (size_t i = 0; i < out->output->count && !allocate; i++) {
        uint32_t type = buffer_type(&out->output->at[i]);
        REQUIRE((type != SECBUFFER_TOKEN && type != SECBUFFER_ALERT) || out->output->at[i].cbBuffer != 0,
                SEC_E_INSUFFICIENT_MEMORY, "an output buffer of size 0, without ISC_REQ_ALLOCATE_MEMORY");
    }
    for (size_t i = 0; i < in->input->count; i++) {
        REQUIRE(buffer_type(&in->input->at[i]) != SECBUFFER_EMPTY || in->input->at[i].cbBuffer == 0,
                SEC_E_INVALID_TOKEN, "an EMPTY input buffer that has a size");
    }
    return SEC_E_OK;
}

void step_report_extra(const struct step_in *in, size_t left)
{
    SecBuffer *place = left != 0 ? buffers_find(in->input, SECBUFFER_EMPTY) : NULL;
    SecBuffer *token = buffers_find(in->input, SECBUFFER_TOKEN);
    if (place != NULL && token != NULL) {
        struct reader reader = read_start(in->token);
        read_bytes(&reader, in->token.size - left);
        struct bytes tail = read_bytes(&reader, left);
        *place = (SecBuffer){.BufferType = SECBUFFER_EXTRA, .cbBuffer = (ULONG)left, .pvBuffer = (void *)tail.data};
    }
}

void step_report_missing(const struct step_in *in, size_t missing)
{
    SecBuffer *place = buffers_find(in->input, SECBUFFER_EMPTY);
    if (place != NULL) {
        place->BufferType = SECBUFFER_MISSING;
        place->cbBuffer = (ULONG)missing;
    }
}

SECURITY_STATUS step_report_alert(const struct step_in *in, const struct step_out *out, struct bytes alert)
{
    SecBuffer *place = buffers_find(out->output, SECBUFFER_ALERT);
    if (place == NULL) {
        return SEC_E_OK;
    }
    bool allocate = (in->flags & ISC_REQ_ALLOCATE_MEMORY) != 0 || (place->pvBuffer == NULL && place->cbBuffer != 0);
    if (alert.size == 0) {
        place->cbBuffer = 0;
        return SEC_E_OK;
    }
    if (allocate) {
        void *block = context_buffer_copy(alert);
        REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an alert");
        place->pvBuffer = block;
    } else {
        struct writer writer = write_into(place->pvBuffer, place->cbBuffer);
        write_bytes(&writer, alert);
        TRY(write_end(&writer));
    }
    place->cbBuffer = (ULONG)alert.size;
    return SEC_E_OK;
}

/* Names are not empty and fill the list. */
static SECURITY_STATUS check_list(struct bytes list)
{
    static const char why[] = "SEC_APPLICATION_PROTOCOLS: a list that is no list of names (RFC 7301 3.1)";
    struct reader reader = read_start(list);
    while (read_left(&reader) != 0) {
        size_t size = read_u8(&reader);
        REQUIRE(size != 0, SEC_E_INVALID_TOKEN, why);
        read_bytes(&reader, size);
    }
    return read_end(&reader, why);
}

SECURITY_STATUS step_find_alpn(const struct step_in *in, struct bytes *out_list)
{
    *out_list = BYTES_NONE;
    const SecBuffer *buffer = buffers_find(in->input, SECBUFFER_APPLICATION_PROTOCOLS);
    if (buffer == NULL) {
        return SEC_E_OK;
    }
    struct reader reader = read_start(buffer_bytes(buffer));
    struct reader lists = read_sub(&reader, read_u32le(&reader));
    struct bytes found = BYTES_NONE;
    while (read_left(&lists) != 0) {
        uint32_t extension = read_u32le(&lists);
        struct bytes list = read_bytes(&lists, read_u16le(&lists));
        if (extension == SecApplicationProtocolNegotiationExt_ALPN && found.size == 0) {
            found = list;
        }
    }
    REQUIRE(!lists.bad, SEC_E_INVALID_TOKEN, "SEC_APPLICATION_PROTOCOLS: sizes that contradict each other");
    TRY(read_end_lax(&reader, "SEC_APPLICATION_PROTOCOLS: larger than its buffer"));
    TRY(check_list(found));
    *out_list = found;
    return SEC_E_OK;
}

/* IANA, "SRTP Protection Profiles". */
static const char *srtp_name(uint16_t profile)
{
    switch (profile) {
    case SRTP_AES128_CM_SHA1_80:
        return "SRTP_AES128_CM_SHA1_80";
    case SRTP_AES128_CM_SHA1_32:
        return "SRTP_AES128_CM_SHA1_32";
    case SRTP_AEAD_AES_128_GCM:
        return "SRTP_AEAD_AES_128_GCM";
    case SRTP_AEAD_AES_256_GCM:
        return "SRTP_AEAD_AES_256_GCM";
    default:
        return NULL;
    }
}

SECURITY_STATUS step_find_srtp(const struct step_in *in, char out[STEP_SRTP_MAX])
{
    out[0] = '\0';
    REQUIRE(buffers_find(in->input, SECBUFFER_SRTP_MASTER_KEY_IDENTIFIER) == NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "SEC_SRTP_MASTER_KEY_IDENTIFIER: identifiers are not sent (RFC 5764 4.1.3)");
    const SecBuffer *buffer = buffers_find(in->input, SECBUFFER_SRTP_PROTECTION_PROFILES);
    if (buffer == NULL) {
        return SEC_E_OK;
    }
    struct reader reader = read_start(buffer_bytes(buffer));
    struct reader list = read_sub(&reader, read_u16le(&reader));
    struct writer names = write_into((uint8_t *)out, STEP_SRTP_MAX - 1);
    uint32_t taken = 0;
    while (read_left(&list) != 0) {
        uint16_t profile = read_u16be(&list);
        const char *name = srtp_name(profile);
        if (name != NULL && (taken & 1u << profile) == 0) {
            write_bytes(&names, bytes_of(":", taken != 0 ? 1 : 0));
            write_bytes(&names, bytes_of(name, strlen(name)));
            taken |= 1u << profile;
        }
    }
    REQUIRE(!list.bad, SEC_E_INVALID_TOKEN, "SEC_SRTP_PROTECTION_PROFILES: half a profile");
    TRY(read_end_lax(&reader, "SEC_SRTP_PROTECTION_PROFILES: larger than its buffer"));
    REQUIRE(taken != 0, SEC_E_UNSUPPORTED_FUNCTION, "SEC_SRTP_PROTECTION_PROFILES: no profile that is known here");
    TRY(write_end(&names));
    out[names.size] = '\0';
    return SEC_E_OK;
}

SECURITY_STATUS step_find_flags(const struct step_in *in, uint64_t *out_flags)
{
    *out_flags = 0;
    const SecBuffer *buffer = buffers_find(in->input, SECBUFFER_FLAGS);
    if (buffer == NULL) {
        return SEC_E_OK;
    }
    struct reader reader = read_start(buffer_bytes(buffer));
    uint64_t flags = read_u64le(&reader);
    TRY(read_end(&reader, "SEC_FLAGS: not eight bytes"));
    REQUIRE((flags & UINT32_MAX) == 0, SEC_E_INVALID_TOKEN, "SEC_FLAGS: flags that belong into fContextReq");
    *out_flags = flags;
    return SEC_E_OK;
}

SECURITY_STATUS step_find_mtu(const struct step_in *in, uint16_t *out_mtu)
{
    *out_mtu = 0;
    const SecBuffer *buffer = buffers_find(in->input, SECBUFFER_DTLS_MTU);
    if (buffer == NULL) {
        return SEC_E_OK;
    }
    struct reader reader = read_start(buffer_bytes(buffer));
    uint16_t mtu = read_u16le(&reader);
    TRY(read_end(&reader, "SEC_DTLS_MTU: not two bytes"));
    REQUIRE(mtu >= MTU_MINIMUM, SEC_E_INVALID_TOKEN, "SEC_DTLS_MTU: below 200");
    *out_mtu = mtu;
    return SEC_E_OK;
}
