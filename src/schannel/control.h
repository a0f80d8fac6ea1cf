/* Alerts and key updates that we send by ourselves, and ApplyControlToken. */
#ifndef OPENSSPI_SCHANNEL_CONTROL_H
#define OPENSSPI_SCHANNEL_CONTROL_H

#include "schannel/context.h"

/* Writes the alert that ApplyControlToken left to context->outgoing: in the clear while no keys are agreed on, as Windows
 * does (windows-behaviour A3, A5).  SEC_E_INSUFFICIENT_MEMORY; what record_seal refuses. */
STATUS control_send(struct schannel_context *context);

/* Writes the KeyUpdate that is due, if one is, and changes the sending key (RFC 8446 4.6.3). */
STATUS control_key_update(struct schannel_context *context);

/* An alert of ours for the next step: a message of the peer's was refused. */
void control_queue_alert(struct schannel_context *context, uint8_t level, uint8_t description);

#endif
