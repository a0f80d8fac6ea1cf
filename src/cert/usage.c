#include "cert/usage.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "windows.h"

#include "wincrypt.h"

/* What one certificate allows. */
struct allowed {
    EXTENDED_KEY_USAGE *usages; /* NULL: anything */
    bool unreadable;
};

struct all_allowed {
    struct allowed of[CHAIN_MAX];
};

static void free_allowed(struct all_allowed *allowed)
{
    for (size_t i = 0; i < CHAIN_MAX; i++) {
        EXTENDED_KEY_USAGE_free(allowed->of[i].usages);
    }
}

static void free_object(ASN1_OBJECT **object)
{
    ASN1_OBJECT_free(*object);
}

static struct allowed read_usages(X509 *certificate)
{
    int critical = -1;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    return (struct allowed){usages, usages == NULL && critical != -1};
}

static bool allows(const struct allowed *allowed, const ASN1_OBJECT *usage)
{
    if (allowed->usages == NULL) {
        return !allowed->unreadable;
    }
    for (int i = 0; i < sk_ASN1_OBJECT_num(allowed->usages); i++) {
        const ASN1_OBJECT *have = sk_ASN1_OBJECT_value(allowed->usages, i);
        if (OBJ_cmp(have, usage) == 0 || OBJ_obj2nid(have) == NID_anyExtendedKeyUsage) {
            return true;
        }
    }
    return false;
}

/* The elements that refuse one usage, as bits.  An end certificate for TLS needs a key usage that TLS can use. */
static STATUS refusals(const char *oid, const struct chain *chain, const struct all_allowed *allowed, uint32_t *out)
{
    __attribute__((cleanup(free_object))) ASN1_OBJECT *usage = OBJ_txt2obj(oid, 1);
    REQUIRE(usage != NULL, SEC_E_INVALID_PARAMETER, "a requested usage is no object identifier");
    uint32_t refused = 0;
    for (size_t i = 0; i < chain->count; i++) {
        if (!allows(&allowed->of[i], usage)) {
            refused |= UINT32_C(1) << i;
        }
    }
    if (strcmp(oid, USAGE_SERVER) == 0 || strcmp(oid, USAGE_CLIENT) == 0) {
        uint32_t wanted = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;
        if ((X509_get_key_usage(chain->elements[0].certificate) & wanted) == 0) { /* all bits where there is none */
            refused |= 1;
        }
    }
    *out = refused;
    return SEC_E_OK;
}

STATUS usage_check_chain(const struct chain_request *request, struct chain *chain)
{
    _Static_assert(CHAIN_MAX <= 32, "a bit for each element");
    __attribute__((cleanup(free_allowed))) struct all_allowed allowed = {.of = {{.usages = NULL}}};
    uint32_t refused = 0;
    bool one_passes = false;
    for (size_t i = 0; i < chain->count; i++) {
        allowed.of[i] = read_usages(chain->elements[i].certificate);
        chain->elements[i].errors |= allowed.of[i].unreadable ? CERT_TRUST_INVALID_EXTENSION : 0;
    }
    for (size_t i = 0; i < request->usage_count; i++) {
        uint32_t by = 0;
        TRY(refusals(request->usages[i], chain, &allowed, &by));
        refused |= by;
        one_passes = one_passes || by == 0;
    }
    if (request->any_usage && one_passes) {
        return SEC_E_OK;
    }
    for (size_t i = 0; i < chain->count; i++) {
        chain->elements[i].errors |= (refused >> i & 1) != 0 ? CERT_TRUST_IS_NOT_VALID_FOR_USAGE : 0;
    }
    return SEC_E_OK;
}
