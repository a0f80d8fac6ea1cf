/* The frame of an initial GSS token (RFC 2743 3.1): 60 L, the mechanism's OID with tag and length, and what is inside.
 * Lengths need not be minimal on the way in.
 */
#ifndef OPENSSPI_WIRE_GSS_FRAME_H
#define OPENSSPI_WIRE_GSS_FRAME_H

#include "wire/reader.h"
#include "wire/writer.h"

/* SEC_E_INVALID_TOKEN when it is not such a frame, is cut short, or has a tail.  The slices borrow from `token`. */
STATUS gss_frame_parse(struct bytes token, struct bytes *out_mechanism, struct bytes *out_inner);

/* Where the inside begins, of a frame that may stand alone: whether its length counts what follows is for the caller to
 * know.  SEC_E_INVALID_TOKEN when there is no frame with a mechanism. */
STATUS gss_frame_open(struct bytes token, struct bytes *out_mechanism, size_t *out_head);

/* How long the element is whose beginning this is: tag, length and content.  False when its length is not all there, or
 * not a definite one. */
bool gss_frame_size(struct bytes start, size_t *out);

/* `mechanism` is the OID with its tag and length. */
void gss_frame_build(struct bytes mechanism, struct bytes inner, struct writer *out);

/* The frame alone, in front of `inside` bytes, and how long it is. */
void gss_frame_head(struct bytes mechanism, size_t inside, struct writer *out);
size_t gss_frame_head_size(size_t mechanism_size, size_t inside);

#endif
