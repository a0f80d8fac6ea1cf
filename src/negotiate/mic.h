/* The mechListMIC: the chosen mechanism's signature over the client's list, by which both sides see that nobody changed
 * it on the way (RFC 4178 5).
 */
#ifndef OPENSSPI_NEGOTIATE_MIC_H
#define OPENSSPI_NEGOTIATE_MIC_H

#include "negotiate/context.h"

/* May, or must, there be one?  Asked when the mechanism is done. */
enum mech_list_mic mic_rule(const struct negotiate_context *context);

struct mic {
    uint8_t data[NEGOTIATE_MAX_MIC];
    size_t size;
};

STATUS mic_make(struct negotiate_context *context, struct mic *out);

/* SEC_E_MESSAGE_ALTERED when it does not match, whatever the mechanism calls that. */
STATUS mic_verify(struct negotiate_context *context, struct bytes mic);

#endif
