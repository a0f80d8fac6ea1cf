/* Exported contexts, spoilt on their way or made up (ImportSecurityContext).
 *
 * A blob is as secret as its session and comes from a process that is trusted; still, what is no blob is refused, and what
 * is taken for one gives a context on which every call returns.  Promise: an untouched blob goes on where the session
 * stood.
 */
#include "fuzz/exchange.h"

/* What a caller does with a context: none of it may fail to return. */
static void use(CtxtHandle *context)
{
    unsigned char data[48] = {0}, signature[16];
    SecPkgContext_Sizes sizes;
    SecPkgContext_Flags flags;
    SecPkgContext_NamesW names = {NULL};
    SecPkgContext_SessionKey key = {0, NULL};
    SecPkgContext_TargetInformation target = {0, NULL};
    SecPkgContext_NegotiationInfoW info = {NULL, 0};
    (void)QueryContextAttributesW(context, SECPKG_ATTR_SIZES, &sizes);
    (void)QueryContextAttributesW(context, SECPKG_ATTR_FLAGS, &flags);
    (void)QueryContextAttributesW(context, SECPKG_ATTR_NAMES, &names);
    (void)QueryContextAttributesW(context, SECPKG_ATTR_SESSION_KEY, &key);
    (void)QueryContextAttributesW(context, SECPKG_ATTR_TARGET_INFORMATION, &target);
    (void)QueryContextAttributesW(context, SECPKG_ATTR_NEGOTIATION_INFO, &info);
    void *const owned[] = {names.sUserName, key.SessionKey, target.MarshalledTargetInfo, info.PackageInfo};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        (void)FreeContextBuffer(owned[i]);
    }
    (void)pair_seal(context, data, sizeof data, signature);
    (void)pair_unseal(context, data, sizeof data, signature);
    (void)pair_sign(context, data, sizeof data, signature);
    (void)pair_check(context, data, sizeof data, signature);
    SecBuffer blob = {0, SECBUFFER_EMPTY, NULL};
    HANDLE token = NULL;
    if (ExportSecurityContext(context, 0, &blob, &token) == SEC_E_OK) {
        (void)FreeContextBuffer(blob.pvBuffer);
    }
}

/* True when the blob was taken; the context is then in `out`. */
static bool import(const WCHAR *package, unsigned char *blob, size_t size, CtxtHandle *out)
{
    SecBuffer buffer = {(ULONG)size, SECBUFFER_EMPTY, blob};
    return ImportSecurityContextW((WCHAR *)(uintptr_t)package, &buffer, NULL, out) == SEC_E_OK;
}

static void exported(struct tape *tape, const WCHAR *package, bool server, ULONG flags)
{
    struct pair *pair = exchange_pair();
    exchange_believes_all = false;
    PROMISE(pair_handshake(pair, PAIR_SEAL) == SEC_E_OK);
    unsigned char data[32] = "a message that is on its way", signature[16];
    PROMISE(pair_seal(server ? &pair->client : &pair->server, data, sizeof data, signature) == SEC_E_OK);
    SecBuffer blob = {0, SECBUFFER_EMPTY, NULL};
    PROMISE(ExportSecurityContext(server ? &pair->server : &pair->client, flags, &blob, NULL) == SEC_E_OK);
    if ((flags & SECPKG_CONTEXT_EXPORT_DELETE_OLD) != 0) {
        *(server ? &pair->has_server : &pair->has_client) = false;
    }
    size_t size = blob.cbBuffer;
    bool touched = tape_spoil(tape, blob.pvBuffer, &size);
    CtxtHandle context;
    bool taken = import(package, blob.pvBuffer, size, &context);
    PROMISE(taken || touched);
    if (taken) {
        if (!touched) {
            PROMISE(pair_unseal(&context, data, sizeof data, signature) == SEC_E_OK);
            PROMISE(memcmp(data, "a message that", 14) == 0);
        }
        use(&context);
        PROMISE(DeleteSecurityContext(&context) == SEC_E_OK);
    }
    (void)FreeContextBuffer(blob.pvBuffer);
    PROMISE(pair_reset(pair));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const WCHAR ntlm[] = {'N', 'T', 'L', 'M', 0};
    static const WCHAR negotiate[] = {'N', 'e', 'g', 'o', 't', 'i', 'a', 't', 'e', 0};
    static const WCHAR digest[] = {'W', 'D', 'i', 'g', 'e', 's', 't', 0};
    static const WCHAR credssp[] = {'C', 'R', 'E', 'D', 'S', 'S', 'P', 0};
    static const WCHAR *const packages[] = {ntlm, negotiate, digest, credssp};
    struct tape tape = {data, size};
    uint8_t how = tape_u8(&tape);
    if ((how & 1) != 0) {
        exported(&tape, ntlm, (how & 2) != 0, (how & 4) != 0 ? SECPKG_CONTEXT_EXPORT_DELETE_OLD : 0);
        return 0;
    }
    unsigned char blob[8192];
    size_t blob_size = tape_take(&tape, blob, sizeof blob);
    CtxtHandle context;
    if (import(packages[how >> 1 & 3], blob, blob_size, &context)) {
        use(&context);
        PROMISE(DeleteSecurityContext(&context) == SEC_E_OK);
    }
    return 0;
}
