/* EncryptMessage and DecryptMessage of TLS: SSPI's buffer layouts, over the records of record.h.
 *
 * message.c holds the context: it asks whether messages may flow, and deals with what is not application data.  It
 * does so between the two halves of a DecryptMessage:
 *
 *     seal     protect_seal(&context->send, ...); for records that OpenSSL makes protect_find_parts, protect_sealed
 *     unseal   protect_take; record_open, or OpenSSL; for another type than application data the verdict of the
 *              engine; and unless that is an error, protect_give
 *
 * Nothing here has state; whoever calls holds the lock of the direction.
 */
#ifndef OPENSSPI_SCHANNEL_PROTECT_H
#define OPENSSPI_SCHANNEL_PROTECT_H

#include <stdatomic.h>

#include "core/buffers.h"
#include "schannel/record.h"

/* Bytes of a KeyUpdate record under the suites of TLS 1.3: header, message, type, tag (RFC 8446 4.6.3). */
#define PROTECT_UPDATE_MAX (RECORD_HEADER + 5 + 1 + 16)

/* STREAM_SIZES.  For TLS 1.3 the trailer is as large as a KeyUpdate record more than suite_stream_sizes() says:
 * protect_seal puts one there when it is due. */
struct suite_sizes protect_sizes(const struct suite *suite, uint16_t version);

/* ---------------------------------------------------------------- EncryptMessage */

struct protect_parts {
    SecBuffer *header, *data, *trailer;
    uint8_t type; /* RECORD_APPLICATION_DATA, or RECORD_ALERT with SECQOP_WRAP_OOB_DATA */
};

/* Finds the buffers of EncryptMessage: STREAM_HEADER, DATA, STREAM_TRAILER, or TOKEN, DATA, TOKEN (both are used
 * by callers), in this order; EMPTY ones, and others, may stand anywhere and are ignored.
 *   SEC_E_QOP_NOT_SUPPORTED  qop is neither 0 nor SECQOP_WRAP_OOB_DATA
 *   SEC_E_INVALID_TOKEN      not exactly one DATA, no header before it or no trailer behind it, READONLY data or
 *                            parts, an alert that is not level (1, 2) and description
 *   SEC_E_ENCRYPT_FAILURE    more than 16384 bytes of data (cbMaximumMessage) */
STATUS protect_find_parts(const struct buffers *message, uint32_t qop, struct protect_parts *out);

/* Reports what was written: cbBuffer of the three. */
void protect_sealed(const struct protect_parts *parts, size_t header, size_t data, size_t trailer);

/* EncryptMessage under an AEAD.  The bytes for the wire are header, data and trailer in this order, with their
 * sizes as they come back.
 *
 * `update_due`, if not NULL and set: under TLS 1.3 a KeyUpdate goes first, and the record is under the next key
 * (RFC 8446 4.6.3); so it does when record_wants_update().  The wire's bytes are two records then, and the three
 * buffers hold them cut where header and data end: the data moves back, and the trailer has what no longer fits in
 * front.  A trailer that is smaller than protect_sizes() says puts the update off to a later message.
 *
 * What protect_find_parts and record_seal answer. */
STATUS protect_seal(struct record_direction *send, uint32_t qop, const struct buffers *message,
                    atomic_bool *update_due);

/* ---------------------------------------------------------------- DecryptMessage */

struct protect_input {
    const struct buffers *message;
    SecBuffer *data;
    struct record_room record; /* the first record in it, whole */
    size_t left;               /* bytes behind it */
    uint8_t type;              /* of its header */
};

/* Finds the buffers of DecryptMessage, one DATA and three EMPTY or more, and the record that DATA begins with.
 * `version` as for record_peek().
 *   SEC_E_INVALID_TOKEN       not exactly one DATA and at least three EMPTY, or READONLY data; nothing has changed
 *   SEC_E_INCOMPLETE_MESSAGE  DATA and the first EMPTY have become MISSING, with the bytes that are missing; the
 *                             bytes that are there have not changed
 *   and what record_peek() refuses, with its alert in *out_alert */
STATUS protect_take(const struct buffers *message, uint16_t version, struct protect_input *out, uint8_t *out_alert);

/* Turns the buffers into STREAM_HEADER, DATA, STREAM_TRAILER and, where bytes are left, EXTRA: the first where
 * DATA was, the others where EMPTY ones were, in the order of the descriptor.  `content` lies within the input's
 * record; for what is not application data, give it with size 0, and the bytes that stay hidden count as trailer
 * (so does Windows). */
void protect_give(const struct protect_input *input, const struct record_content *content);

#endif
