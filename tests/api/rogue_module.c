/* Modules that do not keep to sspi_package.h, one for each ROGUE (meson.build). */
#include <stdlib.h>
#include <string.h>

#include <sspi_package.h>

enum rogue {
    ROGUE_NO_SYMBOL,
    ROGUE_NO_TABLE,
    ROGUE_NEWER,
    ROGUE_NO_INTERFACE,
    ROGUE_SHORT,
    ROGUE_NAMELESS,
    ROGUE_PATH,
    ROGUE_NAMED_NTLM,
    ROGUE_COMMENT,
    ROGUE_NO_TOKENS,
    ROGUE_HUGE_TOKENS,
    ROGUE_STREAM,
    ROGUE_NO_RELEASE,
    ROGUE_NO_STEP,
    ROGUE_LIAR, /* loads, and lies whenever it is called */
};

#ifdef ROGUE
static int object;
static const SSPI_PACKAGE_HOST *host;

static SECURITY_STATUS acquire(const SSPI_PACKAGE_ACQUIRE *acquire_arguments, void **credential, ULONGLONG *expiry)
{
    *credential = &object;
    return SEC_E_OK;
}

static void ignore(void *unused)
{
}

/* What fContextReq says is what it does. */
static SECURITY_STATUS initialize(void *credential, void **context, SSPI_PACKAGE_STEP *step)
{
    switch (step->fContextReq) {
    case 1: /* nothing is made */
        step->cbAnswer = 0;
        return SEC_I_CONTINUE_NEEDED;
    case 2: /* a token that cannot be */
        *context = &object;
        step->cbAnswer += 1;
        return SEC_I_CONTINUE_NEEDED;
    case 16: /* a context, for the functions below */
        *context = &object;
        step->cbAnswer = 0;
        return SEC_E_OK;
    case 4: /* a status that only another function answers */
        *context = &object;
        step->cbAnswer = 0;
        return SEC_I_RENEGOTIATE;
    default: /* an error token that nobody asked for, and a reason of many lines */
        *context = &object;
        step->cbAnswer = 4;
        return host->Refuse(SEC_E_LOGON_DENIED, "no\nno\nno");
    }
}

/* More than the program has room for, and memory that is not its own. */
static SECURITY_STATUS sign(void *context, ULONG qop, PSecBufferDesc message, ULONG sequence)
{
    message->pBuffers[0].cbBuffer += 1;
    return SEC_E_OK;
}

static SECURITY_STATUS seal(void *context, ULONG qop, PSecBufferDesc message, ULONG sequence)
{
    message->pBuffers[0].pvBuffer = &object;
    return SEC_E_OK;
}

static SECURITY_STATUS verify(void *context, PSecBufferDesc message, ULONG sequence, ULONG *qop)
{
    message->pBuffers[1].cbBuffer = 0xFFFFFFFF;
    return SEC_E_OK;
}

static SECURITY_STATUS unseal(void *context, PSecBufferDesc message, ULONG sequence, ULONG *qop)
{
    message->pBuffers[0].pvBuffer = (unsigned char *)message->pBuffers[0].pvBuffer + 1;
    return SEC_I_CONTEXT_EXPIRED;
}

/* A length without a key. */
static SECURITY_STATUS query(void *context, ULONG attribute, void *answer)
{
    if (attribute == SECPKG_ATTR_SESSION_KEY) {
        ((SecPkgContext_SessionKey *)answer)->SessionKeyLength = 16;
    }
    return SEC_E_OK;
}

static const SSPI_PACKAGE package = {
    .cbSize = ROGUE == ROGUE_SHORT ? sizeof package - 1 : sizeof package,
    .dwInterface = ROGUE == ROGUE_NEWER          ? SSPI_PACKAGE_INTERFACE + 1
                   : ROGUE == ROGUE_NO_INTERFACE ? 0
                                                 : 1,
    .fCapabilities = ROGUE == ROGUE_STREAM ? SECPKG_FLAG_STREAM : 0,
    .cbMaxToken = ROGUE == ROGUE_NO_TOKENS     ? 0
                  : ROGUE == ROGUE_HUGE_TOKENS ? 65537
                                               : 16,
    .Name = ROGUE == ROGUE_NAMELESS     ? ""
            : ROGUE == ROGUE_PATH       ? "a/b"
            : ROGUE == ROGUE_NAMED_NTLM ? "ntlm"
                                        : "Rogue",
    .Comment = ROGUE == ROGUE_COMMENT ? "two\nlines" : NULL,
    .AcquireCredentials = acquire,
    .FreeCredentials = ROGUE == ROGUE_NO_RELEASE ? NULL : ignore,
    .InitializeContext = ROGUE == ROGUE_NO_STEP ? NULL : initialize,
    .DeleteContext = ignore,
    .MakeSignature = sign,
    .VerifySignature = verify,
    .EncryptMessage = seal,
    .DecryptMessage = unseal,
    .QueryContext = query,
};
#define TABLE (ROGUE == ROGUE_NO_TABLE ? NULL : &package)

SSPI_PACKAGE_EXPORT SSPI_PACKAGE_INITIALIZE SspiPackageInitialize;

const SSPI_PACKAGE *SspiPackageInitialize(const SSPI_PACKAGE_HOST *given)
{
    host = given;
    return TABLE;
}
#endif
