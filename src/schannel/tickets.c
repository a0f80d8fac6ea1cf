/* A server's tickets. */
#include "schannel/session.h"

SECURITY_STATUS schannel_tickets_enable(SSL_CTX *ssl_ctx, uint32_t lifespan)
{
    static const unsigned char identity[] = "OpenSSPI";
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_SERVER);
    REQUIRE(SSL_CTX_set_session_id_context(ssl_ctx, identity, sizeof identity - 1) == 1, SEC_E_INTERNAL_ERROR,
            "OpenSSL does not take a session identifier context");
    return SEC_E_OK;
}
