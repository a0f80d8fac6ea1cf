/* Tokens in pieces (MS-SPNG, FragmentToFit): a caller whose buffer is smaller than the token gets as much as fits, and the
 * rest for each empty token that comes back.  On the way in, the length in front of a token tells how much is missing.
 * Both sides must have been told (ISC_REQ_FRAGMENT_TO_FIT, ASC_REQ_FRAGMENT_TO_FIT, or FRAGMENT_SUPPLIED for the way in):
 * to anybody else half a token is a malformed one.
 */
#include <stdlib.h>

#include "base/auto.h"
#include "base/trace.h"
#include "negotiate/context.h"
#include "wire/gss_frame.h"

#define LEAST_ROOM 5 /* the first piece tells how long the whole is */

struct negotiate_pieces {
    struct writer in;  /* what came so far */
    size_t expected;   /* size of the whole; 0: nothing under way */
    struct writer out; /* the whole token */
    size_t sent;       /* of it */
    SECURITY_STATUS status;
    uint32_t flags;
    uint64_t expiry;
};

static uint32_t to_fit(const struct negotiate_context *context)
{
    return context->base.initiator ? ISC_REQ_FRAGMENT_TO_FIT : ASC_REQ_FRAGMENT_TO_FIT;
}

/* What it answers with while pieces are left; a piece that comes in is FRAGMENT_SUPPLIED, one bit for both sides. */
static uint32_t piece_only(const struct negotiate_context *context)
{
    return context->base.initiator ? ISC_RET_FRAGMENT_ONLY : ASC_RET_FRAGMENT_ONLY;
}

#define SUPPLIED ISC_REQ_FRAGMENT_SUPPLIED

void negotiate_pieces_free(struct negotiate_pieces *pieces)
{
    if (pieces != NULL) {
        write_free(&pieces->in);
        write_free(&pieces->out);
        free(pieces);
    }
}

static SECURITY_STATUS pieces_of(struct negotiate_context *context, struct negotiate_pieces **out)
{
    if (context->pieces == NULL) {
        struct negotiate_pieces *pieces = calloc(1, sizeof *pieces);
        REQUIRE(pieces != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a token in pieces");
        pieces->in = write_growing(NEGOTIATE_MAX_INPUT);
        pieces->out = write_growing(NEGOTIATE_MAX_TOKEN);
        context->pieces = pieces;
    }
    *out = context->pieces;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- in */

/* The size that SPNEGO's own tokens, and Kerberos' in their frame, announce; else what there is. */
static size_t announced(struct bytes token)
{
    size_t whole = 0;
    bool known = token.size != 0 && (token.data[0] == 0x60 || token.data[0] == 0xa0 || token.data[0] == 0xa1);
    return known && gss_frame_size(token, &whole) ? whole : token.size;
}

/* Appends a piece.  *out is the whole once it is there, and empty until then. */
static SECURITY_STATUS collect(struct negotiate_pieces *pieces, struct bytes piece, struct bytes *out)
{
    REQUIRE(piece.size != 0, SEC_E_INVALID_TOKEN, "an empty piece of a token");
    REQUIRE(piece.size <= pieces->expected - pieces->in.size, SEC_E_INVALID_TOKEN,
            "more pieces than the token's length announces (X.690 8.1.3)");
    write_bytes(&pieces->in, piece);
    TRY(write_end(&pieces->in));
    *out = pieces->in.size == pieces->expected ? write_result(&pieces->in) : BYTES_NONE;
    return SEC_E_OK;
}

/* The token of this leg in *out; nothing when more pieces have to come. */
static SECURITY_STATUS whole_token(struct negotiate_context *context, const struct step_in *in, struct bytes *out)
{
    bool under_way = context->pieces != NULL && context->pieces->expected != 0;
    size_t whole = in->token.size;
    if (!under_way && (in->flags & (to_fit(context) | SUPPLIED)) != 0) {
        whole = announced(in->token);
    }
    *out = in->token;
    if (!under_way && whole <= in->token.size) {
        return SEC_E_OK;
    }
    REQUIRE(whole <= NEGOTIATE_MAX_INPUT, SEC_E_INVALID_TOKEN, "an SPNEGO token longer than 128 KiB");
    struct negotiate_pieces *pieces = NULL;
    TRY(pieces_of(context, &pieces));
    pieces->expected = under_way ? pieces->expected : whole;
    return collect(pieces, in->token, out);
}

/* ---------------------------------------------------------------- out */

static SECURITY_STATUS next_piece(const struct negotiate_context *context, struct step_out *out)
{
    struct negotiate_pieces *pieces = context->pieces;
    size_t left = pieces->out.size - pieces->sent, room = out->token->maximum;
    REQUIRE(room >= LEAST_ROOM, SEC_E_BUFFER_TOO_SMALL, "no room for five bytes of a token (ISC_REQ_FRAGMENT_TO_FIT)");
    size_t size = left < room ? left : room;
    write_bytes(out->token, bytes_of(pieces->out.data + pieces->sent, size));
    TRY(write_end(out->token));
    pieces->sent += size;
    TRACE("Negotiate: %zu of %zu bytes of a token in pieces", pieces->sent, pieces->out.size);
    if (pieces->sent != pieces->out.size) {
        out->flags |= piece_only(context);
        return SEC_I_CONTINUE_NEEDED;
    }
    out->flags = pieces->flags;
    out->expiry = pieces->expiry;
    return pieces->status;
}

/* A leg whose answer may be longer than the caller's buffer. */
static SECURITY_STATUS leg_to_fit(struct negotiate_context *context, negotiate_leg *leg,
                                  struct negotiate_credential *credential, const struct step_in *in,
                                  struct step_out *out)
{
    struct writer *caller = out->token;
    AUTO_WRITER token = write_growing(NEGOTIATE_MAX_TOKEN);
    out->token = &token;
    SECURITY_STATUS status = leg(context, credential, in, out);
    out->token = caller;
    if (status < 0 || token.size <= caller->maximum) {
        write_bytes(caller, write_result(&token));
        return status;
    }
    struct negotiate_pieces *pieces = NULL;
    TRY(pieces_of(context, &pieces));
    pieces->out = token;
    token = write_growing(0);
    pieces->status = status;
    pieces->flags = out->flags;
    pieces->expiry = out->expiry;
    return next_piece(context, out);
}

/* ---------------------------------------------------------------- both */

static void done_with_pieces(struct negotiate_context *context)
{
    const struct negotiate_pieces *pieces = context->pieces;
    if (pieces != NULL && pieces->sent == pieces->out.size && pieces->expected == 0) {
        negotiate_pieces_free(STEAL(context->pieces));
    }
}

SECURITY_STATUS negotiate_pieces(struct negotiate_context *context, negotiate_leg *leg,
                                 struct negotiate_credential *credential, const struct step_in *in,
                                 struct step_out *out)
{
    bool fit = (in->flags & to_fit(context)) != 0;
    bool whole_only = context->pieces == NULL && !fit && (in->flags & SUPPLIED) == 0;
    if (whole_only || context->state == NEGOTIATE_STATE_FAILED) {
        return leg(context, credential, in, out);
    }
    SECURITY_STATUS status;
    if (context->pieces != NULL && context->pieces->sent != context->pieces->out.size) {
        REQUIRE(in->token.size == 0, SEC_E_INVALID_TOKEN, "a token from the peer before it has all pieces of ours");
        status = next_piece(context, out);
        done_with_pieces(context);
        return status;
    }
    struct step_in whole = *in;
    TRY(whole_token(context, in, &whole.token));
    if (whole.token.data == NULL && in->token.size != 0) {
        return SEC_I_CONTINUE_NEEDED; /* and nothing to send */
    }
    status = fit ? leg_to_fit(context, leg, credential, &whole, out) : leg(context, credential, &whole, out);
    if (status >= 0 && context->pieces != NULL) {
        write_free(&context->pieces->in);
        context->pieces->in = write_growing(NEGOTIATE_MAX_INPUT);
        context->pieces->expected = 0;
        done_with_pieces(context);
    }
    return status;
}
