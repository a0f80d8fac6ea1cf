/* A security package of one's own, in a shared object (sspi_package.h): the password is never sent, and messages are signed.
 *
 *     client -> server   its name
 *     server -> client   16 random bytes
 *     client -> server   HMAC-SHA256(password, "proof", name, random bytes)
 *
 * Both keys of a session, for messages in either direction, are HMAC-SHA256 of the same under other words.  The server's
 * credential holds the one account that it knows.  It proves nothing of the server, and whoever hears a logon can guess at
 * the password offline: an example, not a protocol to use.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <sspi_package.h>

#define NAME_MAX_SIZE 128 /* bytes of UTF-16, with the NUL */
#define NONCE         16
#define MAC           32

static const SSPI_PACKAGE_HOST *host;

/* ---------------------------------------------------------------- credentials */

struct credential {
    SEC_WCHAR user[NAME_MAX_SIZE / 2];
    unsigned char password[NAME_MAX_SIZE];
    size_t user_size, password_size;
};

/* Bytes of a text without its NUL; NAME_MAX_SIZE or more: too long. */
static size_t text_size(const SEC_WCHAR *text)
{
    size_t size = 0;
    while (text[size / 2] != 0 && size < NAME_MAX_SIZE) {
        size += 2;
    }
    return size;
}

static SECURITY_STATUS fill(struct credential *credential, const SEC_WCHAR *user, const SEC_WCHAR *password)
{
    if (user == NULL || password == NULL) {
        return host->Refuse(SEC_E_NO_CREDENTIALS, "Example: the identity has no name or no password");
    }
    credential->user_size = text_size(user);
    credential->password_size = text_size(password);
    if (credential->user_size >= NAME_MAX_SIZE || credential->password_size >= NAME_MAX_SIZE) {
        return host->Refuse(SEC_E_UNKNOWN_CREDENTIALS, "Example: the name or the password is too long");
    }
    memcpy(credential->user, user, credential->user_size);
    memcpy(credential->password, password, credential->password_size);
    return SEC_E_OK;
}

static void free_credentials(void *object)
{
    OPENSSL_cleanse(object, sizeof(struct credential));
    free(object);
}

static SECURITY_STATUS acquire(const SSPI_PACKAGE_ACQUIRE *acquire, void **credential, ULONGLONG *expiry)
{
    PCWSTR user = NULL, domain = NULL, password = NULL;
    if (acquire->pAuthData == NULL) {
        return host->Refuse(SEC_E_NO_CREDENTIALS, "Example: an identity must be given");
    }
    SECURITY_STATUS status =
        SspiEncodeAuthIdentityAsStrings((PSEC_WINNT_AUTH_IDENTITY_OPAQUE)acquire->pAuthData, &user, &domain, &password);
    if (status != SEC_E_OK) {
        return status;
    }
    struct credential *made = calloc(1, sizeof *made);
    status = made == NULL ? SEC_E_INSUFFICIENT_MEMORY : fill(made, user, password);
    if (password != NULL) {
        OPENSSL_cleanse((void *)(size_t)password, text_size(password));
    }
    SspiLocalFree((PVOID)(size_t)user);
    SspiLocalFree((PVOID)(size_t)domain);
    SspiLocalFree((PVOID)(size_t)password);
    if (status == SEC_E_OK) {
        *credential = made;
    } else if (made != NULL) {
        free_credentials(made);
    }
    return status;
}

static SECURITY_STATUS query_credentials(void *object, ULONG attribute, void *buffer)
{
    struct credential *credential = object;
    ((SecPkgCredentials_NamesW *)buffer)->sUserName = credential->user;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- contexts */

struct context {
    SEC_WCHAR user[NAME_MAX_SIZE / 2]; /* who logs on */
    size_t user_size;
    unsigned char nonce[NONCE];
    unsigned char keys[2][MAC]; /* of what the client signs, and of what the server signs */
    ULONG sent, received;
    int client, legs, done;
};

static void mac(const void *key, size_t key_size, const char *word, const void *first, size_t first_size,
                const void *second, size_t second_size, unsigned char out[MAC])
{
    unsigned char all[16 + NAME_MAX_SIZE + NONCE] = {0};
    strncpy((char *)all, word, 15);
    memcpy(all + 16, first, first_size);
    memcpy(all + 16 + first_size, second, second_size);
    HMAC(EVP_sha256(), key, (int)key_size, all, 16 + first_size + second_size, out, NULL);
    OPENSSL_cleanse(all, sizeof all);
}

static void derive(const struct credential *credential, struct context *context, const char *word, unsigned char *out)
{
    mac(credential->password, credential->password_size, word, context->user, context->user_size, context->nonce, NONCE,
        out);
}

static void finish(const struct credential *credential, struct context *context)
{
    derive(credential, context, "client signs", context->keys[0]);
    derive(credential, context, "server signs", context->keys[1]);
    context->done = 1;
}

static SECURITY_STATUS answer(SSPI_PACKAGE_STEP *step, const void *token, size_t size, SECURITY_STATUS status)
{
    if (size > step->cbAnswer) {
        return SEC_E_BUFFER_TOO_SMALL;
    }
    memcpy(step->pvAnswer, token, size);
    step->cbAnswer = (ULONG)size;
    step->fContextAttr = step->fContextReq & (ISC_REQ_INTEGRITY | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT);
    return status;
}

static struct context *context_of(void **object, int client)
{
    if (*object == NULL) {
        struct context *made = calloc(1, sizeof *made);
        if (made != NULL) {
            made->client = client;
        }
        *object = made; /* when the leg fails, delete_context() has it */
    }
    return *object;
}

static SECURITY_STATUS initialize(void *object, void **context_object, SSPI_PACKAGE_STEP *step)
{
    const struct credential *credential = object;
    struct context *context = context_of(context_object, 1);
    unsigned char proof[MAC];
    if (context == NULL) {
        return SEC_E_INSUFFICIENT_MEMORY;
    }
    if (credential == NULL || context->legs++ > 1) {
        return host->Refuse(SEC_E_OUT_OF_SEQUENCE, "Example: the logon is over");
    }
    if (context->legs == 1) {
        context->user_size = credential->user_size;
        memcpy(context->user, credential->user, credential->user_size);
        return answer(step, context->user, context->user_size, SEC_I_CONTINUE_NEEDED);
    }
    if (step->cbToken != NONCE) {
        return host->Refuse(SEC_E_INVALID_TOKEN, "Example: a challenge is 16 bytes");
    }
    memcpy(context->nonce, step->pvToken, NONCE);
    derive(credential, context, "proof", proof);
    finish(credential, context);
    return answer(step, proof, sizeof proof, SEC_E_OK);
}

static SECURITY_STATUS challenge(struct context *context, SSPI_PACKAGE_STEP *step)
{
    if (step->cbToken == 0 || step->cbToken % 2 != 0 || step->cbToken >= NAME_MAX_SIZE) {
        return host->Refuse(SEC_E_INVALID_TOKEN, "Example: a name is text of 1 to 63 characters");
    }
    context->user_size = step->cbToken;
    memcpy(context->user, step->pvToken, step->cbToken);
    if (getrandom(context->nonce, NONCE, 0) != NONCE) {
        return SEC_E_INTERNAL_ERROR;
    }
    return answer(step, context->nonce, NONCE, SEC_I_CONTINUE_NEEDED);
}

static SECURITY_STATUS accept_context(void *object, void **context_object, SSPI_PACKAGE_STEP *step)
{
    const struct credential *credential = object;
    struct context *context = context_of(context_object, 0);
    unsigned char proof[MAC];
    if (context == NULL) {
        return SEC_E_INSUFFICIENT_MEMORY;
    }
    if (credential == NULL || context->legs++ > 1) {
        return host->Refuse(SEC_E_OUT_OF_SEQUENCE, "Example: the logon is over");
    }
    if (context->legs == 1) {
        return challenge(context, step);
    }
    derive(credential, context, "proof", proof);
    int known = context->user_size == credential->user_size &&
                memcmp(context->user, credential->user, credential->user_size) == 0;
    int right = step->cbToken == MAC && CRYPTO_memcmp(step->pvToken, proof, MAC) == 0;
    if (!known || !right) {
        return host->Refuse(SEC_E_LOGON_DENIED, "Example: unknown account or wrong password");
    }
    finish(credential, context);
    return answer(step, "", 0, SEC_E_OK);
}

static void delete_context(void *object)
{
    OPENSSL_cleanse(object, sizeof(struct context));
    free(object);
}

/* ---------------------------------------------------------------- messages */

static SecBuffer *find(PSecBufferDesc message, ULONG type)
{
    for (ULONG i = 0; i < message->cBuffers; i++) {
        if ((message->pBuffers[i].BufferType & ~SECBUFFER_ATTRMASK) == type) {
            return &message->pBuffers[i];
        }
    }
    return NULL;
}

static SECURITY_STATUS message_mac(struct context *context, int from_client, ULONG *number, PSecBufferDesc message,
                                   SecBuffer **token, unsigned char out[MAC])
{
    SecBuffer *data = find(message, SECBUFFER_DATA);
    unsigned char digest[MAC];
    *token = find(message, SECBUFFER_TOKEN);
    if (!context->done) {
        return host->Refuse(SEC_E_OUT_OF_SEQUENCE, "Example: the logon is not over");
    }
    if (data == NULL || *token == NULL) {
        return host->Refuse(SEC_E_INVALID_TOKEN, "Example: a message has one DATA and one TOKEN buffer");
    }
    const unsigned char *key = context->keys[from_client ? 0 : 1];
    HMAC(EVP_sha256(), key, MAC, data->pvBuffer, data->cbBuffer, digest, NULL);
    mac(key, MAC, "message", number, sizeof *number, digest, sizeof digest, out);
    return SEC_E_OK;
}

static SECURITY_STATUS make_signature(void *object, ULONG qop, PSecBufferDesc message, ULONG sequence)
{
    struct context *context = object;
    SecBuffer *token = NULL;
    unsigned char out[MAC];
    SECURITY_STATUS status = message_mac(context, context->client, &context->sent, message, &token, out);
    if (status != SEC_E_OK) {
        return status;
    }
    if (token->cbBuffer < MAC) {
        return host->Refuse(SEC_E_BUFFER_TOO_SMALL, "Example: a signature is 32 bytes");
    }
    memcpy(token->pvBuffer, out, MAC);
    token->cbBuffer = MAC;
    context->sent++;
    return SEC_E_OK;
}

static SECURITY_STATUS verify_signature(void *object, PSecBufferDesc message, ULONG sequence, ULONG *qop)
{
    struct context *context = object;
    SecBuffer *token = NULL;
    unsigned char out[MAC];
    SECURITY_STATUS status = message_mac(context, !context->client, &context->received, message, &token, out);
    if (status != SEC_E_OK) {
        return status;
    }
    if (token->cbBuffer != MAC || CRYPTO_memcmp(token->pvBuffer, out, MAC) != 0) {
        return host->Refuse(SEC_E_MESSAGE_ALTERED, "Example: the signature is wrong");
    }
    *qop = 0;
    context->received++;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the rest */

static SEC_WCHAR algorithm[] = {'H', 'M', 'A', 'C', '-', 'S', 'H', 'A', '2', '5', '6', 0};

static SECURITY_STATUS query(void *object, ULONG attribute, void *buffer)
{
    struct context *context = object;
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        *(SecPkgContext_Sizes *)buffer = (SecPkgContext_Sizes){NAME_MAX_SIZE, MAC, 1, 0};
        return SEC_E_OK;
    case SECPKG_ATTR_NAMES:
        ((SecPkgContext_NamesW *)buffer)->sUserName = context->user;
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        *(SecPkgContext_KeyInfoW *)buffer = (SecPkgContext_KeyInfoW){algorithm, algorithm + 11, 256, 0, 0};
        return SEC_E_OK;
    default:
        return host->Refuse(SEC_E_UNSUPPORTED_FUNCTION, "Example: no such attribute");
    }
}

static SECURITY_STATUS query_identity(void *object, SSPI_PACKAGE_IDENTITY *identity)
{
    identity->pszUser = ((struct context *)object)->user;
    return SEC_E_OK;
}

static SECURITY_STATUS export_context(void *object, ULONG flags, void *packed, ULONG *size)
{
    struct context *context = object;
    if (!context->done) {
        return host->Refuse(SEC_E_OUT_OF_SEQUENCE, "Example: the logon is not over");
    }
    memcpy(packed, context, sizeof *context);
    if ((flags & SECPKG_CONTEXT_EXPORT_RESET_NEW) != 0) {
        ((struct context *)packed)->sent = ((struct context *)packed)->received = 0;
    }
    *size = sizeof *context;
    return SEC_E_OK;
}

static SECURITY_STATUS import_context(const void *packed, ULONG size, void **context, BOOLEAN *initiator)
{
    struct context *made = size == sizeof *made ? malloc(sizeof *made) : NULL;
    if (made == NULL) {
        return host->Refuse(size == sizeof *made ? SEC_E_INSUFFICIENT_MEMORY : SEC_E_INVALID_TOKEN,
                            "Example: not a packed context");
    }
    memcpy(made, packed, sizeof *made);
    if (made->user_size >= NAME_MAX_SIZE || made->user_size % 2 != 0 || !made->done) {
        delete_context(made);
        return host->Refuse(SEC_E_INVALID_TOKEN, "Example: not a packed context");
    }
    made->user[NAME_MAX_SIZE / 2 - 1] = 0;
    *initiator = made->client != 0;
    *context = made;
    return SEC_E_OK;
}

static const SSPI_PACKAGE package = {
    .cbSize = sizeof package,
    .dwInterface = SSPI_PACKAGE_INTERFACE,
    .fCapabilities = SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_CONNECTION,
    .cbMaxToken = NAME_MAX_SIZE,
    .wRPCID = SECPKG_ID_NONE,
    .Name = "Example",
    .Comment = "A package to copy from",
    .AcquireCredentials = acquire,
    .FreeCredentials = free_credentials,
    .QueryCredentials = query_credentials,
    .InitializeContext = initialize,
    .AcceptContext = accept_context,
    .DeleteContext = delete_context,
    .MakeSignature = make_signature,
    .VerifySignature = verify_signature,
    .QueryContext = query,
    .ExportContext = export_context,
    .ImportContext = import_context,
    .QueryIdentity = query_identity,
};

SSPI_PACKAGE_EXPORT SSPI_PACKAGE_INITIALIZE SspiPackageInitialize;

const SSPI_PACKAGE *SspiPackageInitialize(const SSPI_PACKAGE_HOST *given)
{
    host = given;
    return &package;
}
