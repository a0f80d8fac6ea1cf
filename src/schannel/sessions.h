/* What the API needs of the session caches, without OpenSSL's types. */
#ifndef OPENSSPI_SCHANNEL_SESSIONS_H
#define OPENSSPI_SCHANNEL_SESSIONS_H

#include "text/utf16.h"

/* SslEmptyCache: the entries for `target` (empty: all) of every credential of this process. */
void schannel_sessions_forget_everywhere(struct utf16 target);

#endif
