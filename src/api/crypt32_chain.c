/* Chains of certificates (wincrypt_chain.h): engines, CertGetCertificateChain, policies. */
#include "api/crypt32.h"

#include <string.h>

#include "cert/chain_context.h"
#include "cert/policy.h"
#include "cert/roots.h"

#define STORES_MAX 16 /* of one engine */

/* Immutable once it has a handle. */
struct engine {
    struct roots *exclusive;  /* NULL: the system's */
    struct roots *restricted; /* NULL: all of them; else those that are here too */
    bool any_anchor;
    struct store *stores[STORES_MAX];
    size_t store_count;
};

static uint64_t ticks_of(const FILETIME *time)
{
    return time == NULL ? 0 : (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

/* ---------------------------------------------------------------- engines */

static void free_engine(struct engine *engine)
{
    roots_free(engine->exclusive);
    roots_free(engine->restricted);
    for (size_t i = 0; i < engine->store_count; i++) {
        store_drop(engine->stores[i]);
    }
    free(engine);
}

static void auto_engine(struct engine **engine)
{
    if (*engine != NULL) {
        free_engine(*engine);
    }
}

static void end_engine(void *object)
{
    free_engine(object);
}

__attribute__((constructor)) static void name_destructor(void)
{
    handle_destructor(HANDLE_CHAIN_ENGINE, end_engine);
}

/* The configuration without what the caller's headers did not know of. */
static STATUS read_config(const CERT_CHAIN_ENGINE_CONFIG *config, CERT_CHAIN_ENGINE_CONFIG *out)
{
    const size_t sizes[] = {sizeof *config, offsetof(CERT_CHAIN_ENGINE_CONFIG, dwExclusiveFlags),
                            offsetof(CERT_CHAIN_ENGINE_CONFIG, hExclusiveRoot)};
    REQUIRE(config != NULL, SEC_E_INVALID_PARAMETER, "CertCreateCertificateChainEngine needs a configuration");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (config->cbSize == sizes[i]) {
            *out = (CERT_CHAIN_ENGINE_CONFIG){.cbSize = 0};
            memcpy(out, config, sizes[i]);
            REQUIRE(out->hRestrictedTrust == NULL && out->hExclusiveTrustedPeople == NULL, SEC_E_UNSUPPORTED_FUNCTION,
                    "a chain engine with trust lists, or with trusted people");
            return SEC_E_OK;
        }
    }
    FAIL(SEC_E_INVALID_PARAMETER, "CERT_CHAIN_ENGINE_CONFIG of a size that no headers have");
}

static STATUS add_store(struct engine *engine, HCERTSTORE handle)
{
    struct store *store = store_of(handle);
    REQUIRE(store != NULL, SEC_E_INVALID_HANDLE, "a store of the chain engine is not open");
    REQUIRE(engine->store_count < STORES_MAX, SEC_E_INVALID_PARAMETER, "a chain engine with more than 16 stores");
    engine->stores[engine->store_count++] = store_hold(store);
    return SEC_E_OK;
}

static STATUS take_roots(HCERTSTORE handle, struct roots **out)
{
    struct store *store = store_of(handle);
    REQUIRE(store != NULL, SEC_E_INVALID_HANDLE, "a store of the chain engine is not open");
    return chain_anchors_of(store, out);
}

static STATUS make_engine(const CERT_CHAIN_ENGINE_CONFIG *given, HCERTCHAINENGINE *out)
{
    CERT_CHAIN_ENGINE_CONFIG config;
    SecHandle handle;
    REQUIRE(out != NULL, SEC_E_INVALID_PARAMETER, "CertCreateCertificateChainEngine needs somewhere to put the engine");
    TRY(read_config(given, &config));
    AUTO(auto_engine) struct engine *engine = calloc(1, sizeof *engine);
    REQUIRE(engine != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for a chain engine");
    if (config.hExclusiveRoot != NULL) {
        TRY(take_roots(config.hExclusiveRoot, &engine->exclusive));
        engine->any_anchor = (config.dwExclusiveFlags & CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG) != 0;
    }
    if (config.hRestrictedRoot != NULL) {
        TRY(take_roots(config.hRestrictedRoot, &engine->restricted));
    }
    if (config.hRestrictedOther != NULL) {
        TRY(add_store(engine, config.hRestrictedOther));
    }
    for (DWORD i = 0; i < config.cAdditionalStore; i++) {
        TRY(add_store(engine, config.rghAdditionalStore[i]));
    }
    TRY(handle_open(HANDLE_CHAIN_ENGINE, engine, &handle));
    engine = NULL;
    *out = handle_pack(&handle);
    return SEC_E_OK;
}

BOOL WINAPI CertCreateCertificateChainEngine(PCERT_CHAIN_ENGINE_CONFIG pConfig, HCERTCHAINENGINE *phChainEngine)
{
    status_begin();
    return crypt32_done("CertCreateCertificateChainEngine", make_engine(pConfig, phChainEngine));
}

static bool is_standard_engine(HCERTCHAINENGINE engine)
{
    return engine == HCCE_CURRENT_USER || engine == HCCE_LOCAL_MACHINE || engine == HCCE_SERIAL_LOCAL_MACHINE;
}

void WINAPI CertFreeCertificateChainEngine(HCERTCHAINENGINE hChainEngine)
{
    status_begin();
    if (!is_standard_engine(hChainEngine)) {
        SecHandle handle = handle_unpack(HANDLE_CHAIN_ENGINE, hChainEngine);
        (void)api_end("CertFreeCertificateChainEngine", handle_close(HANDLE_CHAIN_ENGINE, &handle));
    }
}

/* ---------------------------------------------------------------- building */

struct chain_call {
    HCERTCHAINENGINE engine;
    PCCERT_CONTEXT certificate;
    const FILETIME *time;
    HCERTSTORE additional;
    const CERT_CHAIN_PARA *para;
    DWORD flags;
    PCCERT_CHAIN_CONTEXT *out;
};

static enum revocation_scope scope_of(DWORD flags)
{
    if ((flags & CERT_CHAIN_REVOCATION_CHECK_CHAIN) != 0) {
        return REVOCATION_CHAIN;
    }
    if ((flags & CERT_CHAIN_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT) != 0) {
        return REVOCATION_CHAIN_EXCLUDE_ROOT;
    }
    return (flags & CERT_CHAIN_REVOCATION_CHECK_END_CERT) != 0 ? REVOCATION_END : REVOCATION_NOBODY;
}

/* The usages, and nothing of the optional members: those of time limits and caches say nothing here. */
static STATUS read_para(const CERT_CHAIN_PARA *para, struct chain_request *request)
{
    REQUIRE(para != NULL && para->cbSize >= sizeof *para, SEC_E_INVALID_PARAMETER,
            "CertGetCertificateChain needs a CERT_CHAIN_PARA");
    if (para->cbSize >= sizeof *para + sizeof(CERT_USAGE_MATCH)) {
        CERT_USAGE_MATCH policies;
        memcpy(&policies, (const BYTE *)para + sizeof *para, sizeof policies);
        REQUIRE(policies.Usage.cUsageIdentifier == 0, SEC_E_UNSUPPORTED_FUNCTION,
                "a chain that is to have been issued under certain policies");
    }
    request->usages = (const char *const *)para->RequestedUsage.Usage.rgpszUsageIdentifier;
    request->usage_count = para->RequestedUsage.Usage.cUsageIdentifier;
    request->any_usage = para->RequestedUsage.dwType == USAGE_MATCH_TYPE_OR;
    REQUIRE(request->usage_count == 0 || request->usages != NULL, SEC_E_INVALID_PARAMETER,
            "CERT_CHAIN_PARA counts usages and has none");
    return SEC_E_OK;
}

static STATUS build(const struct chain_call *call, const struct engine *engine)
{
    struct chain_request request = {.revocation = scope_of(call->flags), .time = ticks_of(call->time)};
    AUTO_CERTIFICATE *leaf = NULL;
    PCCERT_CHAIN_CONTEXT context = NULL;
    struct store *stores[STORES_MAX + 2] = {NULL, NULL};
    TRY(read_para(call->para, &request));
    TRY(certificate_from_context(call->certificate, &leaf));
    REQUIRE(call->additional == NULL || store_of(call->additional) != NULL, SEC_E_INVALID_HANDLE,
            "hAdditionalStore is not open");
    stores[0] = certificate_store(leaf);
    stores[1] = store_of(call->additional);
    for (size_t i = 0; engine != NULL && i < engine->store_count; i++) {
        stores[2 + i] = engine->stores[i];
    }
    struct chain_sources sources = {leaf, stores, 2 + (engine == NULL ? 0 : engine->store_count)};
    struct chain_anchors anchors = {NULL, NULL};
    if (engine != NULL) {
        request.any_anchor = engine->any_anchor;
        anchors = (struct chain_anchors){engine->exclusive, engine->restricted};
    }
    TRY(chain_context_build(&request, &sources, &anchors, call->flags, &context));
    if (call->out != NULL) {
        *call->out = context;
    } else {
        chain_context_drop(context);
    }
    return SEC_E_OK;
}

static STATUS get_chain(const struct chain_call *call)
{
    AUTO_PINNED pinned = {.object = NULL};
    if (is_standard_engine(call->engine)) {
        return build(call, NULL);
    }
    SecHandle handle = handle_unpack(HANDLE_CHAIN_ENGINE, call->engine);
    TRY(api_pin(HANDLE_CHAIN_ENGINE, &handle, &pinned));
    return build(call, pinned.object);
}

BOOL WINAPI CertGetCertificateChain(HCERTCHAINENGINE hChainEngine, PCCERT_CONTEXT pCertContext, LPFILETIME pTime,
                                    HCERTSTORE hAdditionalStore, PCERT_CHAIN_PARA pChainPara, DWORD dwFlags,
                                    LPVOID pvReserved, PCCERT_CHAIN_CONTEXT *ppChainContext)
{
    struct chain_call call = {hChainEngine, pCertContext, pTime, hAdditionalStore, pChainPara, dwFlags, ppChainContext};
    status_begin();
    return crypt32_done("CertGetCertificateChain", get_chain(&call));
}

void WINAPI CertFreeCertificateChain(PCCERT_CHAIN_CONTEXT pChainContext)
{
    if (chain_context_is(pChainContext)) {
        chain_context_drop(pChainContext);
    }
}

PCCERT_CHAIN_CONTEXT WINAPI CertDuplicateCertificateChain(PCCERT_CHAIN_CONTEXT pChainContext)
{
    if (!chain_context_is(pChainContext)) {
        return NULL;
    }
    chain_context_hold(pChainContext);
    return pChainContext;
}

/* ---------------------------------------------------------------- policies */

static STATUS check_policy(LPCSTR policy, PCCERT_CHAIN_CONTEXT chain, const CERT_CHAIN_POLICY_PARA *para,
                           PCERT_CHAIN_POLICY_STATUS out)
{
    REQUIRE(out != NULL, SEC_E_INVALID_PARAMETER,
            "CertVerifyCertificateChainPolicy needs somewhere to put the verdict");
    TRY(policy_check(policy, chain, para, out));
    status_begin(); /* what a policy finds wrong is an answer, not this call's failure */
    return SEC_E_OK;
}

BOOL WINAPI CertVerifyCertificateChainPolicy(LPCSTR pszPolicyOID, PCCERT_CHAIN_CONTEXT pChainContext,
                                             PCERT_CHAIN_POLICY_PARA pPolicyPara,
                                             PCERT_CHAIN_POLICY_STATUS pPolicyStatus)
{
    status_begin();
    SECURITY_STATUS status = check_policy(pszPolicyOID, pChainContext, pPolicyPara, pPolicyStatus);
    BOOL result = crypt32_done("CertVerifyCertificateChainPolicy", status);
    if (status == SEC_E_UNSUPPORTED_FUNCTION) { /* what Windows has when no provider answers to the name */
        SetLastError(ERROR_FILE_NOT_FOUND);
    }
    return result;
}
