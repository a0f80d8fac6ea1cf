#include "support/pair.h"

const unsigned char pair_nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca,
                                        0xb6, 0x82, 0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};

static const WCHAR ntlm_name[] = {'N', 'T', 'L', 'M', 0};
static WCHAR user_name[] = {'U', 's', 'e', 'r', 0};
static WCHAR domain_name[] = {'D', 'o', 'm', 'a', 'i', 'n', 0};
static WCHAR password[] = {'P', 'a', 's', 's', 'w', 'o', 'r', 'd', 0};
static WCHAR target_name[] = {'H', 'T', 'T', 'P', '/', 'S', 'e', 'r', 'v', 'e', 'r', 0};

SECURITY_STATUS SEC_ENTRY pair_verify(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    return SspiExtVerifyNtHash(logon, argument, result);
}

SECURITY_STATUS pair_acquire(struct pair *pair, SSPI_EXT_VERIFY_FN verify, void *argument)
{
    return pair_acquire_package(pair, ntlm_name, verify, argument);
}

SECURITY_STATUS pair_acquire_package(struct pair *pair, const WCHAR *package, SSPI_EXT_VERIFY_FN verify, void *argument)
{
    WCHAR *package_name = (WCHAR *)(uintptr_t)package;
    SEC_WINNT_AUTH_IDENTITY_W identity = {
        .User = (void *)user_name,
        .UserLength = 4,
        .Domain = (void *)domain_name,
        .DomainLength = 6,
        .Password = (void *)password,
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
    };
    SECURITY_STATUS status = AcquireCredentialsHandleW(NULL, package_name, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL,
                                                       NULL, &pair->client_credential, NULL);
    if (status != SEC_E_OK) {
        return status;
    }
    pair->has_client_credential = true;
    status = AcquireCredentialsHandleW(NULL, package_name, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                       &pair->server_credential, NULL);
    if (status != SEC_E_OK) {
        return status;
    }
    pair->has_server_credential = true;
    return SspiExtSetVerifier(&pair->server_credential, verify != NULL ? verify : pair_verify,
                              verify != NULL ? argument : (void *)pair_nt_hash);
}

/* One leg's buffers: token and channel bindings in, token out. */
struct leg {
    SecBuffer in[2], out[1];
    SecBufferDesc in_desc, out_desc;
};

static void leg_prepare(struct leg *leg, const struct pair *pair, const struct pair_token *in, struct pair_token *out)
{
    ULONG count = 0;
    if (in != NULL) {
        leg->in[count++] = (SecBuffer){in->size, SECBUFFER_TOKEN, (void *)in->data};
    }
    if (pair->bindings != NULL) {
        leg->in[count++] = (SecBuffer){pair->bindings_size, SECBUFFER_CHANNEL_BINDINGS, pair->bindings};
    }
    leg->in_desc = (SecBufferDesc){SECBUFFER_VERSION, count, leg->in};
    ULONG room = pair->room != 0 ? pair->room : (ULONG)sizeof out->data;
    leg->out[0] = (SecBuffer){room, SECBUFFER_TOKEN, out->data};
    leg->out_desc = (SecBufferDesc){SECBUFFER_VERSION, 1, leg->out};
    out->size = 0;
}

SECURITY_STATUS pair_client_leg(struct pair *pair, ULONG flags, const struct pair_token *in, struct pair_token *out)
{
    struct leg leg;
    leg_prepare(&leg, pair, in, out);
    SECURITY_STATUS status = InitializeSecurityContextW(
        &pair->client_credential, pair->has_client ? &pair->client : NULL, (void *)target_name, flags, 0,
        SECURITY_NATIVE_DREP, leg.in_desc.cBuffers != 0 ? &leg.in_desc : NULL, 0, &pair->client, &leg.out_desc,
        &pair->client_attributes, NULL);
    if (status >= 0) {
        pair->has_client = true;
        out->size = leg.out[0].cbBuffer;
    }
    return status;
}

SECURITY_STATUS pair_server_leg(struct pair *pair, ULONG flags, const struct pair_token *in, struct pair_token *out)
{
    struct leg leg;
    leg_prepare(&leg, pair, in, out);
    SECURITY_STATUS status =
        AcceptSecurityContext(&pair->server_credential, pair->has_server ? &pair->server : NULL, &leg.in_desc, flags,
                              SECURITY_NATIVE_DREP, &pair->server, &leg.out_desc, &pair->server_attributes, NULL);
    if (status >= 0) {
        pair->has_server = true;
        out->size = leg.out[0].cbBuffer;
    }
    return status;
}

SECURITY_STATUS pair_handshake(struct pair *pair, ULONG client_flags)
{
    struct pair_token to_server, to_client;
    SECURITY_STATUS status = pair_client_leg(pair, client_flags, NULL, &to_server);
    if (status != SEC_I_CONTINUE_NEEDED) {
        return status;
    }
    status = pair_server_leg(pair, 0, &to_server, &to_client);
    if (status != SEC_I_CONTINUE_NEEDED) {
        return status;
    }
    status = pair_client_leg(pair, client_flags, &to_client, &to_server);
    if (status != SEC_E_OK) {
        return status;
    }
    return pair_server_leg(pair, 0, &to_server, &to_client);
}

SECURITY_STATUS pair_negotiate(struct pair *pair, ULONG client_flags)
{
    struct pair_token to_server = {.size = 0}, to_client;
    SECURITY_STATUS client = SEC_I_CONTINUE_NEEDED, server = SEC_I_CONTINUE_NEEDED;
    while (client == SEC_I_CONTINUE_NEEDED) {
        if (server != SEC_I_CONTINUE_NEEDED) {
            return SEC_E_INTERNAL_ERROR;
        }
        server = pair_server_leg(pair, 0, &to_server, &to_client);
        if (server < 0) {
            return server;
        }
        client = pair_client_leg(pair, client_flags, &to_client, &to_server);
    }
    return client < 0 ? client : server;
}

/* A message of one TOKEN and one DATA. */
struct message {
    SecBuffer buffers[2];
    SecBufferDesc desc;
};

static void message_prepare(struct message *message, void *data, ULONG size, unsigned char signature[16])
{
    message->buffers[0] = (SecBuffer){16, SECBUFFER_TOKEN, signature};
    message->buffers[1] = (SecBuffer){size, SECBUFFER_DATA, data};
    message->desc = (SecBufferDesc){SECBUFFER_VERSION, 2, message->buffers};
}

SECURITY_STATUS pair_seal(CtxtHandle *sender, void *data, ULONG size, unsigned char signature[16])
{
    struct message message;
    message_prepare(&message, data, size, signature);
    return EncryptMessage(sender, 0, &message.desc, 0);
}

SECURITY_STATUS pair_unseal(CtxtHandle *receiver, void *data, ULONG size, unsigned char signature[16])
{
    struct message message;
    message_prepare(&message, data, size, signature);
    return DecryptMessage(receiver, &message.desc, 0, NULL);
}

SECURITY_STATUS pair_sign(CtxtHandle *sender, void *data, ULONG size, unsigned char signature[16])
{
    struct message message;
    message_prepare(&message, data, size, signature);
    return MakeSignature(sender, 0, &message.desc, 0);
}

SECURITY_STATUS pair_check(CtxtHandle *receiver, void *data, ULONG size, unsigned char signature[16])
{
    struct message message;
    message_prepare(&message, data, size, signature);
    return VerifySignature(receiver, &message.desc, 0, NULL);
}

bool pair_reset(struct pair *pair)
{
    bool good = true;
    if (pair->has_client) {
        good = DeleteSecurityContext(&pair->client) == SEC_E_OK && good;
    }
    if (pair->has_server) {
        good = DeleteSecurityContext(&pair->server) == SEC_E_OK && good;
    }
    pair->has_client = false;
    pair->has_server = false;
    return good;
}

bool pair_free(struct pair *pair)
{
    bool good = pair_reset(pair);
    if (pair->has_client_credential) {
        good = FreeCredentialsHandle(&pair->client_credential) == SEC_E_OK && good;
    }
    if (pair->has_server_credential) {
        good = FreeCredentialsHandle(&pair->server_credential) == SEC_E_OK && good;
    }
    pair->has_client_credential = false;
    pair->has_server_credential = false;
    return good;
}
