/* Identities as bytes: marshalled ones, and EX2 as AcquireCredentialsHandle takes it.  No crash; what unmarshals is valid,
 * and marshals to the same again. */
#include "fuzz/fuzz.h"

#include "windows.h"

#include "logon/identity.h"
#include "security.h"

/* Through everything that reads an identity, in place or in a copy. */
static void use(PSEC_WINNT_AUTH_IDENTITY_OPAQUE id)
{
    AUTO_IDENTITY parsed = {0};
    PCWSTR user = NULL, domain = NULL, secret = NULL;
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE copy = NULL;
    static const WCHAR package[] = {'n', 't', 'l', 'm', 0};
    if (identity_parse(id, &parsed) == SEC_E_OK) {
        PROMISE(parsed.user.size % 2 == 0 && parsed.domain.size % 2 == 0);
    }
    if (SspiEncodeAuthIdentityAsStrings(id, &user, &domain, &secret) == SEC_E_OK) {
        SspiLocalFree((PVOID)(uintptr_t)user);
        SspiLocalFree((PVOID)(uintptr_t)domain);
        SspiLocalFree((PVOID)(uintptr_t)secret);
    }
    if (SspiExcludePackage(id, package, &copy) == SEC_E_OK) {
        PROMISE(SspiValidateAuthIdentity(copy) == SEC_E_OK);
        SspiFreeAuthIdentity(copy);
    }
    if (SspiCopyAuthIdentity(id, &copy) == SEC_E_OK) {
        BOOLEAN same_user = FALSE, same = FALSE;
        if (SspiCompareAuthIdentities(id, copy, &same_user, &same) == SEC_E_OK) {
            PROMISE(same_user && same);
        }
        SspiZeroAuthIdentity(copy);
        PROMISE(SspiValidateAuthIdentity(copy) == SEC_E_OK);
        SspiFreeAuthIdentity(copy);
    }
}

/* Encrypted in place and back is where it was. */
static void protect(PSEC_WINNT_AUTH_IDENTITY_OPAQUE id, const char *bytes, ULONG size)
{
    ULONG after = 0;
    PCHAR again = NULL;
    if (SspiIsAuthIdentityEncrypted(id)) {
        return;
    }
    PROMISE(SspiEncryptAuthIdentity(id) == SEC_E_OK && SspiIsAuthIdentityEncrypted(id));
    PROMISE(SspiDecryptAuthIdentity(id) == SEC_E_OK && !SspiIsAuthIdentityEncrypted(id));
    PROMISE(SspiMarshalAuthIdentity(id, &after, &again) == SEC_E_OK);
    PROMISE(after == size && memcmp(again, bytes, size) == 0);
    SspiLocalFree(again);
}

static void unmarshal(const uint8_t *data, size_t size)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL, back = NULL;
    PCHAR bytes = NULL, again = NULL;
    ULONG length = 0, length_again = 0;
    if (SspiUnmarshalAuthIdentity((ULONG)size, (PCHAR)(uintptr_t)data, &id) != SEC_E_OK) {
        PROMISE(id == NULL);
        return;
    }
    PROMISE(SspiValidateAuthIdentity(id) == SEC_E_OK);
    use(id);
    PROMISE(SspiMarshalAuthIdentity(id, &length, &bytes) == SEC_E_OK);
    PROMISE(SspiUnmarshalAuthIdentity(length, bytes, &back) == SEC_E_OK);
    PROMISE(SspiMarshalAuthIdentity(back, &length_again, &again) == SEC_E_OK);
    PROMISE(length == length_again && memcmp(bytes, again, length) == 0);
    protect(back, again, length_again);
    SspiFreeAuthIdentity(id);
    SspiFreeAuthIdentity(back);
    SspiLocalFree(bytes);
    SspiLocalFree(again);
}

/* A caller's EX2 is believed as to its size and nothing else. */
static void parse_ex2(const uint8_t *data, size_t size)
{
    if (size < sizeof(SEC_WINNT_AUTH_IDENTITY_EX2)) {
        return;
    }
    SEC_WINNT_AUTH_IDENTITY_EX2 *ex2 = malloc(size);
    PROMISE(ex2 != NULL);
    memcpy(ex2, data, size);
    ex2->Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2;
    ex2->cbHeaderLength = sizeof *ex2;
    ex2->cbStructureLength = (ULONG)size;
    use(ex2);
    free(ex2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unmarshal(data, size);
    parse_ex2(data, size);
    return 0;
}
