#include "torture/life.h"

#include <string.h>

#define RUN(call)                                                                                                      \
    do {                                                                                                               \
        SECURITY_STATUS status_ = (call);                                                                              \
        if (status_ != SEC_E_OK) {                                                                                     \
            return status_;                                                                                            \
        }                                                                                                              \
    } while (0)

static WCHAR ntlm[] = {'N', 'T', 'L', 'M', 0};
static WCHAR negotiate[] = {'N', 'e', 'g', 'o', 't', 'i', 'a', 't', 'e', 0};

static void keep(struct life *life, void *buffer)
{
    if (buffer != NULL && life->count < LIFE_BUFFERS) {
        life->buffers[life->count++] = buffer;
    }
}

/* Attributes and where their structs hold pointers, in words. */
static const struct {
    ULONG attribute;
    int pointers[2]; /* -1: none */
} attributes[] = {
    {SECPKG_ATTR_SIZES, {-1, -1}},
    {SECPKG_ATTR_NAMES, {0, -1}},
    {SECPKG_ATTR_LIFESPAN, {-1, -1}},
    {SECPKG_ATTR_KEY_INFO, {0, 1}},
    {SECPKG_ATTR_AUTHORITY, {0, -1}},
    {SECPKG_ATTR_SESSION_KEY, {1, -1}},
    {SECPKG_ATTR_PACKAGE_INFO, {0, -1}},
    {SECPKG_ATTR_NEGOTIATION_INFO, {0, -1}},
    {SECPKG_ATTR_NATIVE_NAMES, {0, 1}},
    {SECPKG_ATTR_TARGET_INFORMATION, {1, -1}},
    {SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, {0, -1}},
};

static SECURITY_STATUS query(struct life *life, CtxtHandle *context, bool wide)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        void *words[8] = {NULL};
        SECURITY_STATUS status =
            (wide ? QueryContextAttributesW : QueryContextAttributesA)(context, attributes[i].attribute, words);
        for (size_t j = 0; status == SEC_E_OK && j < 2; j++) {
            keep(life, attributes[i].pointers[j] < 0 ? NULL : words[attributes[i].pointers[j]]);
        }
        if (status == SEC_E_OK && attributes[i].attribute == SECPKG_ATTR_SESSION_KEY) {
            memcpy(life->session_key, words[1], sizeof life->session_key);
        }
        /* An attribute that one of the sides has not got is no failure of memory. */
        if (status == SEC_E_INSUFFICIENT_MEMORY || status == SEC_E_INTERNAL_ERROR) {
            return status;
        }
    }
    return SEC_E_OK;
}

static SECURITY_STATUS packages(struct life *life)
{
    ULONG count;
    PSecPkgInfoW all_wide = NULL, one_wide = NULL;
    PSecPkgInfoA all_ansi = NULL;
    RUN(EnumerateSecurityPackagesW(&count, &all_wide));
    keep(life, all_wide);
    RUN(EnumerateSecurityPackagesA(&count, &all_ansi));
    keep(life, all_ansi);
    RUN(QuerySecurityPackageInfoW(ntlm, &one_wide));
    keep(life, one_wide);
    return SEC_E_OK;
}

/* An ANSI credential beside the others: its strings are converted. */
static SECURITY_STATUS ansi_credential(struct life *life)
{
    char package[] = "NTLM", user[] = "User", domain[] = "Domain", password[] = "Password";
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)user,
        .UserLength = 4,
        .Domain = (unsigned char *)domain,
        .DomainLength = 6,
        .Password = (unsigned char *)password,
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    SecPkgCredentials_NamesW names = {NULL};
    RUN(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &life->ansi, NULL));
    life->has_ansi = true;
    RUN(QueryCredentialsAttributesW(&life->ansi, SECPKG_CRED_ATTR_NAMES, &names));
    keep(life, names.sUserName);
    return SEC_E_OK;
}

static SECURITY_STATUS one_message(CtxtHandle *sender, CtxtHandle *receiver)
{
    unsigned char data[40] = "a message that is sealed and signed", signature[16];
    RUN(pair_seal(sender, data, sizeof data, signature));
    RUN(pair_unseal(receiver, data, sizeof data, signature));
    RUN(pair_sign(sender, data, sizeof data, signature));
    RUN(pair_check(receiver, data, sizeof data, signature));
    return memcmp(data, "a message that is sealed and signed", 36) == 0 ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}

/* A leg whose token we allocate. */
static SECURITY_STATUS allocated_leg(struct life *life, CtxtHandle *context)
{
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc desc = {SECBUFFER_VERSION, 1, &out};
    ULONG returned;
    SECURITY_STATUS status =
        InitializeSecurityContextA(&life->pair.client_credential, NULL, (void *)"HTTP/Server", ISC_REQ_ALLOCATE_MEMORY,
                                   0, 0, NULL, 0, context, &desc, &returned, NULL);
    if (status == SEC_I_CONTINUE_NEEDED) {
        keep(life, out.pvBuffer);
        return DeleteSecurityContext(context);
    }
    return status;
}

static SECURITY_STATUS export_and_import(struct life *life)
{
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    HANDLE token = NULL;
    RUN(ExportSecurityContext(&life->pair.client, 0, &packed, &token));
    keep(life, packed.pvBuffer);
    RUN(ImportSecurityContextW(life->negotiate ? negotiate : ntlm, &packed, NULL, &life->imported));
    life->has_imported = true;
    return one_message(&life->imported, &life->pair.server);
}

static SECURITY_STATUS impersonate(struct life *life)
{
    RUN(ImpersonateSecurityContext(&life->pair.server));
    life->impersonating = true;
    RUN(RevertSecurityContext(&life->pair.server));
    life->impersonating = false;
    return SEC_E_OK;
}

SECURITY_STATUS life_run(struct life *life)
{
    CtxtHandle first;
    RUN(packages(life));
    RUN(ansi_credential(life));
    RUN(pair_acquire_package(&life->pair, life->negotiate ? negotiate : ntlm, NULL, NULL));
    if (life->use_accounts) {
        RUN(SspiExtSetVerifier(&life->pair.server_credential, NULL, NULL));
    }
    RUN(allocated_leg(life, &first));
    RUN((life->negotiate ? pair_negotiate : pair_handshake)(&life->pair, PAIR_SEAL));
    RUN(one_message(&life->pair.client, &life->pair.server));
    RUN(one_message(&life->pair.server, &life->pair.client));
    RUN(query(life, &life->pair.client, true));
    RUN(query(life, &life->pair.client, false));
    RUN(query(life, &life->pair.server, true));
    RUN(query(life, &life->pair.server, false));
    RUN(impersonate(life));
    return export_and_import(life);
}

bool life_end(struct life *life)
{
    bool good = true;
    for (size_t i = 0; i < life->count; i++) {
        good = FreeContextBuffer(life->buffers[i]) == SEC_E_OK && good;
    }
    life->count = 0;
    if (life->impersonating) {
        good = RevertSecurityContext(&life->pair.server) == SEC_E_OK && good;
    }
    if (life->has_imported) {
        good = DeleteSecurityContext(&life->imported) == SEC_E_OK && good;
    }
    if (life->has_ansi) {
        good = FreeCredentialsHandle(&life->ansi) == SEC_E_OK && good;
    }
    life->has_ansi = false;
    life->has_imported = false;
    life->impersonating = false;
    return pair_free(&life->pair) && good;
}
