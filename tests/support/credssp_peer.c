#include "support/credssp_peer.h"

#include <stdlib.h>
#include <string.h>

#include "sspi_ext.h"
#include "support/pair.h"

#define SESSION_FLAGS                                                                                                  \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT |                 \
     ISC_REQ_CONNECTION)

static SECURITY_STATUS acquire_channel(struct credssp_peer *peer, DWORD protocols, PCCERT_CONTEXT certificate)
{
    static SEC_CHAR package[] = "Schannel";
    bool server = peer->we == END_SERVER;
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION,
                          .cCreds = server ? 1 : 0,
                          .paCred = &certificate,
                          .grbitEnabledProtocols = protocols,
                          .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS |
                                     SCH_CRED_DISABLE_RECONNECTS};
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, package, server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL, &cred, NULL,
                                  NULL, &peer->ends.credentials[peer->we], NULL);
    peer->ends.has_credential[peer->we] = status == SEC_E_OK;
    return status;
}

static SECURITY_STATUS acquire_session(struct credssp_peer *peer)
{
    static SEC_CHAR package[] = "Negotiate";
    bool server = peer->we == END_SERVER;
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, package, server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL,
                                  server ? NULL : &credssp_ends_identity, NULL, NULL, &peer->session_credential, NULL);
    if (status != SEC_E_OK) {
        return status;
    }
    peer->has_session_credential = true;
    return server ? SspiExtSetVerifier(&peer->session_credential, pair_verify, (void *)(uintptr_t)pair_nt_hash)
                  : SEC_E_OK;
}

SECURITY_STATUS peer_acquire(struct credssp_peer *peer, int we, DWORD protocols, PCCERT_CONTEXT certificate)
{
    peer->we = we;
    peer->they = 1 - we;
    SECURITY_STATUS status = we == END_SERVER ? credssp_ends_client(&peer->ends, protocols, NULL)
                                              : credssp_ends_server(&peer->ends, protocols);
    status = status != SEC_E_OK ? status : acquire_channel(peer, protocols, certificate);
    return status != SEC_E_OK ? status : acquire_session(peer);
}

/* Everything that is on its way to us. */
static void listen_to(struct credssp_peer *peer)
{
    static uint8_t room[ENDS_ROOM];
    peer->heard.size = 0;
    while (peer->ends.size[peer->we] != 0) {
        size_t size = 0;
        SECURITY_STATUS status = ends_receive(&peer->ends, peer->we, room, &size);
        if (status != SEC_E_OK || size > PEER_ROOM - peer->heard.size) {
            peer->ends.size[peer->we] = 0;
            return;
        }
        memcpy(peer->heard.data + peer->heard.size, room, size);
        peer->heard.size += size;
    }
}

bool peer_connect(struct credssp_peer *peer)
{
    int side = END_CLIENT;
    struct ends *ends = &peer->ends;
    peer_reset(peer);
    for (int leg = 0; leg < 8 && ends->status[peer->we] != SEC_E_OK; leg++, side = 1 - side) {
        bool begins = side == END_CLIENT && !ends->has_context[side];
        if ((begins || ends->size[side] != 0) && ends_step(ends, side) < 0) {
            return false;
        }
    }
    if (ends->status[peer->we] != SEC_E_OK) {
        return false;
    }
    if (ends->size[peer->they] != 0 && ends_step(ends, peer->they) < 0) { /* our last flight */
        return false;
    }
    listen_to(peer);
    return true;
}

SECURITY_STATUS peer_say_in_pieces(struct credssp_peer *peer, const void *data, size_t size, size_t piece)
{
    const uint8_t *at = data;
    for (size_t done = 0; done < size; done += piece) {
        SECURITY_STATUS status = ends_send(&peer->ends, peer->we, at + done, size - done < piece ? size - done : piece);
        if (status < 0) {
            return status;
        }
    }
    SECURITY_STATUS status = ends_step(&peer->ends, peer->they);
    while (status == SEC_I_CONTINUE_NEEDED && peer->ends.size[peer->they] != 0) {
        status = ends_step(&peer->ends, peer->they); /* what it left */
    }
    listen_to(peer);
    return status;
}

SECURITY_STATUS peer_say(struct credssp_peer *peer, const void *data, size_t size)
{
    return peer_say_in_pieces(peer, data, size, PEER_ROOM);
}

SECURITY_STATUS peer_request(struct credssp_peer *peer, struct ts_request *request)
{
    AUTO_WRITER message = write_growing(PEER_ROOM);
    request->version = request->version != 0 ? request->version : TS_VERSION;
    SECURITY_STATUS status = ts_request_build(request, &message);
    return status < 0 ? status : peer_say(peer, message.data, message.size);
}

SECURITY_STATUS peer_session(struct credssp_peer *peer, struct peer_bytes *out)
{
    static SEC_CHAR target[] = "TERMSRV/server";
    AUTO_TS_REQUEST heard = {.owner = NULL};
    bool first = !peer->has_session;
    if (ts_request_parse(bytes_of(peer->heard.data, peer->heard.size), &heard) < 0 &&
        (peer->we == END_SERVER || !first)) {
        return SEC_E_INVALID_TOKEN;
    }
    ULONG attributes;
    SecBuffer in = {(ULONG)heard.nego_token.size, SECBUFFER_TOKEN, (void *)(uintptr_t)heard.nego_token.data};
    SecBuffer token = {sizeof out->data, SECBUFFER_TOKEN, out->data};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in}, out_desc = {SECBUFFER_VERSION, 1, &token};
    CtxtHandle *old = first ? NULL : &peer->session;
    SECURITY_STATUS status =
        peer->we == END_SERVER
            ? AcceptSecurityContext(&peer->session_credential, old, &in_desc, SESSION_FLAGS, 0, &peer->session,
                                    &out_desc, &attributes, NULL)
            : InitializeSecurityContextA(&peer->session_credential, old, target, SESSION_FLAGS, 0, 0,
                                         first ? NULL : &in_desc, 0, &peer->session, &out_desc, &attributes, NULL);
    peer->has_session = peer->has_session || status >= 0;
    peer->session_status = status;
    out->size = status >= 0 ? token.cbBuffer : 0;
    return status;
}

bool peer_seal(struct credssp_peer *peer, struct bytes plain, struct peer_bytes *out)
{
    SecPkgContext_Sizes sizes;
    if (QueryContextAttributesA(&peer->session, SECPKG_ATTR_SIZES, &sizes) != SEC_E_OK ||
        sizes.cbSecurityTrailer + plain.size > sizeof out->data) {
        return false;
    }
    memcpy(out->data + sizes.cbSecurityTrailer, plain.data, plain.size);
    SecBuffer at[] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, out->data},
                      {(ULONG)plain.size, SECBUFFER_DATA, out->data + sizes.cbSecurityTrailer}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, at};
    if (EncryptMessage(&peer->session, 0, &message, 0) != SEC_E_OK) {
        return false;
    }
    memmove(out->data + at[0].cbBuffer, at[1].pvBuffer, at[1].cbBuffer);
    out->size = at[0].cbBuffer + at[1].cbBuffer;
    return true;
}

bool peer_unseal(struct credssp_peer *peer, struct bytes sealed, struct peer_bytes *out)
{
    static uint8_t room[PEER_ROOM];
    if (sealed.size > sizeof room) {
        return false;
    }
    memcpy(room, sealed.data, sealed.size);
    SecBuffer at[] = {{(ULONG)sealed.size, SECBUFFER_STREAM, room}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, at};
    if (DecryptMessage(&peer->session, &message, 0, NULL) != SEC_E_OK) {
        return false;
    }
    memcpy(out->data, at[1].pvBuffer, at[1].cbBuffer);
    out->size = at[1].cbBuffer;
    return true;
}

struct bytes peer_key(PCCERT_CONTEXT certificate)
{
    const CRYPT_BIT_BLOB *key = &certificate->pCertInfo->SubjectPublicKeyInfo.PublicKey;
    return bytes_of(key->pbData, key->cbData);
}

void peer_reset(struct credssp_peer *peer)
{
    ends_reset(&peer->ends);
    if (peer->has_session && DeleteSecurityContext(&peer->session) != SEC_E_OK) {
        abort();
    }
    peer->has_session = false;
    peer->heard.size = 0;
}

void peer_free(struct credssp_peer *peer)
{
    peer_reset(peer);
    ends_free(&peer->ends);
    if (peer->has_session_credential && FreeCredentialsHandle(&peer->session_credential) != SEC_E_OK) {
        abort();
    }
    peer->has_session_credential = false;
}
