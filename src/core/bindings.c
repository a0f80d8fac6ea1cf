#include "core/bindings.h"

#include "crypto/md.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* 'XEBC' as the little-endian word in memory that SEC_CHANNEL_BINDINGS_EX_MAGIC is. */
#define EX_HEADER_SIZE 16
#define EX_AUDIT       1

SECURITY_STATUS bindings_parse(struct bytes buffer, struct channel_bindings *out)
{
    struct channel_bindings found = {0};
    if (buffer.size == 0) {
        *out = found;
        return SEC_E_OK;
    }
    struct reader reader = read_start(buffer);
    struct reader peek = reader;
    if (read_u32le(&peek) == SEC_CHANNEL_BINDINGS_EX_MAGIC && buffer.size >= EX_HEADER_SIZE + 32) {
        (void)read_u32le(&reader);
        found.audit = (read_u32le(&reader) & EX_AUDIT) != 0;
        (void)read_u32le(&reader); /* cbHeaderLength and cbStructureLength say what cbBuffer says */
        (void)read_u32le(&reader);
    }
    found.initiator_type = read_u32le(&reader);
    uint32_t initiator_size = read_u32le(&reader);
    uint32_t initiator_offset = read_u32le(&reader);
    found.acceptor_type = read_u32le(&reader);
    uint32_t acceptor_size = read_u32le(&reader);
    uint32_t acceptor_offset = read_u32le(&reader);
    uint32_t application_size = read_u32le(&reader);
    uint32_t application_offset = read_u32le(&reader);
    found.initiator = read_at(&reader, initiator_offset, initiator_size);
    found.acceptor = read_at(&reader, acceptor_offset, acceptor_size);
    found.application = read_at(&reader, application_offset, application_size);
    TRY(read_end_lax(&reader, "SECBUFFER_CHANNEL_BINDINGS is shorter than it says (SEC_CHANNEL_BINDINGS)"));
    found.present = true;
    *out = found;
    return SEC_E_OK;
}

void bindings_hash(const struct channel_bindings *bindings, struct key16 *out)
{
    uint8_t head[8], middle[8], tail[4];
    struct writer writer = write_into(head, sizeof head);
    write_u32le(&writer, bindings->initiator_type);
    write_u32le(&writer, (uint32_t)bindings->initiator.size);
    writer = write_into(middle, sizeof middle);
    write_u32le(&writer, bindings->acceptor_type);
    write_u32le(&writer, (uint32_t)bindings->acceptor.size);
    writer = write_into(tail, sizeof tail);
    write_u32le(&writer, (uint32_t)bindings->application.size);
    const struct bytes parts[] = {BYTES(head),        bindings->initiator, BYTES(middle),
                                  bindings->acceptor, BYTES(tail),         bindings->application};
    md5(parts, sizeof parts / sizeof parts[0], out);
}

/* What a server without bindings of its own, or with ALLOW_MISSING or PROXY, may let pass is Microsoft's table in
 * "Using Extended Protection for Authentication"; an all-zero hash says that the client knows of bindings and had no
 * channel, so a server that has one sees a relay. */
SECURITY_STATUS bindings_judge(const struct channel_bindings *server, uint32_t request, enum bindings_sent sent,
                               const uint8_t *hash, uint32_t *out_result)
{
    uint32_t aware = sent == BINDINGS_ZERO ? SEC_CHANNEL_BINDINGS_RESULT_CLIENT_SUPPORT : 0;
    uint32_t missing = SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISSING | SEC_CHANNEL_BINDINGS_RESULT_ABSENT | aware;
    bool audit = server->present && server->audit;
    *out_result = 0;

    if ((request & ASC_REQ_PROXY_BINDINGS) != 0) {
        *out_result = sent == BINDINGS_HASH ? SEC_CHANNEL_BINDINGS_RESULT_VALID_PROXY : missing;
        REQUIRE(sent == BINDINGS_HASH || audit, SEC_E_BAD_BINDINGS,
                "the client sent no channel bindings (ASC_REQ_PROXY_BINDINGS)");
        return SEC_E_OK;
    }
    if (!server->present) {
        return SEC_E_OK;
    }
    if (sent == BINDINGS_NOT_SENT && (request & ASC_REQ_ALLOW_MISSING_BINDINGS) != 0) {
        *out_result = SEC_CHANNEL_BINDINGS_RESULT_VALID_MISSING;
        return SEC_E_OK;
    }
    if (sent != BINDINGS_HASH) {
        *out_result = missing;
        REQUIRE(audit, SEC_E_BAD_BINDINGS,
                "the client sent no channel bindings and the server has some "
                "(MS-NLMP 3.2.5.1.2)");
        return SEC_E_OK;
    }
    AUTO_KEY16 expected;
    bindings_hash(server, &expected);
    bool match = secret_equal(expected.b, hash, sizeof expected.b);
    *out_result = match ? SEC_CHANNEL_BINDINGS_RESULT_VALID_MATCHED : SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISMATCH;
    REQUIRE(match || audit, SEC_E_BAD_BINDINGS,
            "the client's channel bindings are those of another channel (MS-NLMP 3.2.5.1.2)");
    return SEC_E_OK;
}
