#include "wire/gss_frame.h"

#define TAG_FRAME 0x60 /* [APPLICATION 0], constructed */
#define TAG_OID   0x06
#define LONG_FORM 0x80

/* A definite length (X.690 8.1.3) of at most four bytes. */
static size_t read_length(struct reader *reader)
{
    size_t first = read_u8(reader);
    if (first < LONG_FORM) {
        return first;
    }
    size_t count = first & ~(size_t)LONG_FORM;
    reader->bad = reader->bad || count == 0 || count > 4;
    size_t length = 0;
    for (size_t i = 0; i < count && !reader->bad; i++) {
        length = length << 8 | read_u8(reader);
    }
    return length;
}

SECURITY_STATUS gss_frame_parse(struct bytes token, struct bytes *out_mechanism, struct bytes *out_inner)
{
    struct reader reader = read_start(token);
    reader.bad = reader.bad || read_u8(&reader) != TAG_FRAME;
    size_t length = read_length(&reader);
    struct reader frame = read_sub(&reader, length);
    TRY(read_end(&reader, "not a framed GSS token, or its length is wrong (RFC 2743 3.1)"));
    size_t start = frame.at;
    frame.bad = frame.bad || read_u8(&frame) != TAG_OID;
    (void)read_bytes(&frame, read_length(&frame));
    size_t size = frame.at - start;
    struct bytes mechanism = read_at(&frame, start, size);
    struct bytes inner = read_bytes(&frame, read_left(&frame));
    TRY(read_end(&frame, "a framed GSS token without a mechanism (RFC 2743 3.1)"));
    *out_mechanism = mechanism;
    *out_inner = inner;
    return SEC_E_OK;
}

bool gss_frame_size(struct bytes start, size_t *out)
{
    struct reader reader = read_start(start);
    (void)read_u8(&reader);
    size_t length = read_length(&reader);
    *out = reader.at + length;
    return !reader.bad;
}

static void write_length(struct writer *out, size_t length)
{
    if (length < LONG_FORM) {
        write_u8(out, (uint8_t)length);
        return;
    }
    size_t count = 1;
    while (length >> (8 * count) != 0) {
        count++;
    }
    write_u8(out, (uint8_t)(LONG_FORM | count));
    while (count-- > 0) {
        write_u8(out, (uint8_t)(length >> (8 * count)));
    }
}

void gss_frame_head(struct bytes mechanism, size_t inside, struct writer *out)
{
    write_u8(out, TAG_FRAME);
    write_length(out, mechanism.size + inside);
    write_bytes(out, mechanism);
}

size_t gss_frame_head_size(size_t mechanism_size, size_t inside)
{
    uint8_t space[8];
    struct writer length = write_into(space, sizeof space);
    write_length(&length, mechanism_size + inside);
    return 1 + length.size + mechanism_size;
}

void gss_frame_build(struct bytes mechanism, struct bytes inner, struct writer *out)
{
    gss_frame_head(mechanism, inner.size, out);
    write_bytes(out, inner);
}

SECURITY_STATUS gss_frame_open(struct bytes token, struct bytes *out_mechanism, size_t *out_head)
{
    struct reader reader = read_start(token);
    reader.bad = reader.bad || read_u8(&reader) != TAG_FRAME;
    (void)read_length(&reader);
    size_t start = reader.at;
    reader.bad = reader.bad || read_u8(&reader) != TAG_OID;
    (void)read_bytes(&reader, read_length(&reader));
    size_t size = reader.at - start;
    struct bytes mechanism = read_at(&reader, start, size);
    TRY(read_end_lax(&reader, "not a framed GSS token with a mechanism (RFC 2743 3.1)"));
    *out_mechanism = mechanism;
    *out_head = reader.at;
    return SEC_E_OK;
}
