#include "schannel/kdf.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/secret.h"
#include "cert/library.h"
#include "schannel/record_keys.h"
#include "wire/writer.h"

#define HASH_MAX 48
#define INFO_MAX 514 /* HkdfLabel: u16, and two vectors of up to 255 bytes (RFC 8446 7.1) */

static _Thread_local const struct kdf_listener *listening;

void kdf_listen(const struct kdf_listener *listener)
{
    listening = listener;
}

static bool is_text(struct bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* What EVP_KDF_CTX holds: nothing, unless OpenSSL's own has to do it. */
struct derivation {
    const char *name;
    EVP_KDF_CTX *theirs;
};

/* ---------------------------------------------------------------- parameters */

struct inputs {
    bool foreign; /* something that is not done here */
    int mode;     /* -1: none */
    bool has_hash;
    enum suite_hash hash;
    struct bytes key, salt, prefix, label, data; /* .data NULL: not given */
    struct bytes seed[RECORD_PRF_PARTS];
    size_t seeds;
};

static void take_hash(struct inputs *in, const OSSL_PARAM *param)
{
    static const struct {
        const char *name;
        enum suite_hash hash;
    } hashes[] = {
        {"SHA2-256", SUITE_SHA256}, {"SHA2-384", SUITE_SHA384}, {"SHA256", SUITE_SHA256}, {"SHA384", SUITE_SHA384}};
    const char *name = param->data_type == OSSL_PARAM_UTF8_STRING ? param->data : NULL;
    for (size_t i = 0; name != NULL && i < sizeof hashes / sizeof hashes[0]; i++) {
        if (strcasecmp(name, hashes[i].name) == 0) {
            in->hash = hashes[i].hash;
            in->has_hash = true;
            return;
        }
    }
    in->foreign = true;
}

static struct bytes *place_of(struct inputs *in, const char *key)
{
    struct bytes *spare = in->seeds < RECORD_PRF_PARTS ? &in->seed[in->seeds] : NULL;
    return strcmp(key, OSSL_KDF_PARAM_SEED) == 0     ? spare
           : strcmp(key, OSSL_KDF_PARAM_KEY) == 0    ? &in->key
           : strcmp(key, OSSL_KDF_PARAM_SECRET) == 0 ? &in->key
           : strcmp(key, OSSL_KDF_PARAM_SALT) == 0   ? &in->salt
           : strcmp(key, OSSL_KDF_PARAM_PREFIX) == 0 ? &in->prefix
           : strcmp(key, OSSL_KDF_PARAM_LABEL) == 0  ? &in->label
           : strcmp(key, OSSL_KDF_PARAM_DATA) == 0   ? &in->data
                                                     : NULL;
}

static void take(struct inputs *in, const OSSL_PARAM *param)
{
    if (strcmp(param->key, OSSL_KDF_PARAM_DIGEST) == 0) {
        take_hash(in, param);
        return;
    }
    if (strcmp(param->key, OSSL_KDF_PARAM_MODE) == 0) {
        in->foreign = in->foreign || OSSL_PARAM_get_int(param, &in->mode) != 1;
        return;
    }
    struct bytes *place = place_of(in, param->key);
    if (place == NULL || place->data != NULL || param->data_type != OSSL_PARAM_OCTET_STRING) {
        in->foreign = true; /* not known here, too many, or given twice */
        return;
    }
    *place = bytes_of(param->data, param->data_size);
    in->seeds += place == &in->seed[in->seeds];
}

static void read_inputs(const OSSL_PARAM *params, struct inputs *out)
{
    *out = (struct inputs){.mode = -1, .foreign = params == NULL};
    for (; params != NULL && params->key != NULL; params++) {
        take(out, params);
    }
    out->foreign = out->foreign || !out->has_hash;
}

/* ---------------------------------------------------------------- TLS 1.3 (RFC 8446 7.1) */

/* HKDF-Expand-Label; false: no such label can be. */
static bool expand(const struct inputs *in, struct bytes secret, struct bytes context, uint8_t *out, size_t size)
{
    uint8_t info[INFO_MAX];
    struct writer writer = write_into(info, sizeof info);
    if (size > UINT16_MAX || in->prefix.size > 255 || in->label.size > 255 - in->prefix.size || context.size > 255 ||
        size > 255 * record_hash_size(in->hash)) {
        return false;
    }
    write_u16be(&writer, (uint16_t)size);
    write_u8(&writer, (uint8_t)(in->prefix.size + in->label.size));
    write_bytes(&writer, in->prefix);
    write_bytes(&writer, in->label);
    write_u8(&writer, (uint8_t)context.size);
    write_bytes(&writer, context);
    record_hkdf_expand(in->hash, secret, write_result(&writer), out, size);
    return true;
}

/* Transcript-Hash(""), of which the salts are made. */
static const uint8_t sha256_of_nothing[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                              0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                              0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
static const uint8_t sha384_of_nothing[48] = {0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e,
                                              0xb1, 0xb1, 0xe3, 0x6a, 0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43,
                                              0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda, 0x27, 0x4e, 0xde, 0xbf,
                                              0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b};

/* The next stage's secret: HKDF-Extract of this one's input, salted with what "derived" makes of the last stage's. */
static bool extract(const struct inputs *in, uint8_t *out, size_t size)
{
    static const uint8_t zeros[HASH_MAX];
    uint8_t salt[HASH_MAX] = {0};
    size_t hash_size = record_hash_size(in->hash);
    bool first = in->salt.data == NULL;
    if (size != hash_size) {
        return false;
    }
    const uint8_t *nothing = in->hash == SUITE_SHA384 ? sha384_of_nothing : sha256_of_nothing;
    if (!first && !expand(in, in->salt, bytes_of(nothing, hash_size), salt, hash_size)) {
        return false;
    }
    struct bytes input = in->key.data != NULL ? in->key : bytes_of(zeros, hash_size);
    record_hkdf_extract(in->hash, first ? BYTES_NONE : bytes_of(salt, hash_size), input, out);
    secret_wipe(salt, sizeof salt);
    return true;
}

static void tell_secret(const struct inputs *in, const uint8_t *out, size_t size)
{
    bool client = is_text(in->label, "c ap traffic");
    if (listening != NULL && size == record_hash_size(in->hash) && (client || is_text(in->label, "s ap traffic"))) {
        listening->traffic_secret(listening->argument, client, bytes_of(out, size));
    }
}

static bool derive_tls13(const struct inputs *in, uint8_t *out, size_t size)
{
    if (in->mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
        return extract(in, out, size);
    }
    if (in->mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || in->key.data == NULL ||
        !expand(in, in->key, in->data, out, size)) {
        return false;
    }
    tell_secret(in, out, size);
    return true;
}

/* ---------------------------------------------------------------- TLS 1.2 (RFC 5246 5) */

/* The label comes as the first part of the seed. */
static bool derive_tls12(const struct inputs *in, uint8_t *out, size_t size)
{
    if (in->key.data == NULL || in->seeds == 0) {
        return false;
    }
    record_prf(in->hash, in->key, in->seed, in->seeds, out, size);
    if (listening != NULL && is_text(in->seed[0], "key expansion")) {
        listening->key_block(listening->argument, bytes_of(out, size));
    }
    return true;
}

/* ---------------------------------------------------------------- OpenSSL's own */

static EVP_KDF_CTX *theirs(struct derivation *derivation)
{
    if (derivation->theirs == NULL) {
        EVP_KDF *kdf = EVP_KDF_fetch(cert_libctx(), derivation->name, "provider=default");
        derivation->theirs = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
        EVP_KDF_free(kdf);
    }
    return derivation->theirs;
}

/* ---------------------------------------------------------------- the provider's functions */

static void *new_tls13(void *provider)
{
    struct derivation *derivation = calloc(1, sizeof *derivation);
    if (derivation != NULL) {
        derivation->name = OSSL_KDF_NAME_TLS1_3_KDF;
    }
    return derivation;
}

static void *new_tls12(void *provider)
{
    struct derivation *derivation = calloc(1, sizeof *derivation);
    if (derivation != NULL) {
        derivation->name = OSSL_KDF_NAME_TLS1_PRF;
    }
    return derivation;
}

static void reset(void *context)
{
    struct derivation *derivation = context;
    EVP_KDF_CTX_free(derivation->theirs);
    derivation->theirs = NULL;
}

static void dispose(void *context)
{
    if (context != NULL) {
        reset(context);
        free(context);
    }
}

static void *duplicate(void *context)
{
    const struct derivation *from = context;
    struct derivation *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    copy->name = from->name;
    copy->theirs = from->theirs != NULL ? EVP_KDF_CTX_dup(from->theirs) : NULL;
    if (from->theirs != NULL && copy->theirs == NULL) {
        free(copy);
        return NULL;
    }
    return copy;
}

/* What was set once makes it theirs, for good: they remember it. */
static int derive(struct derivation *derivation, unsigned char *out, size_t size, const OSSL_PARAM params[],
                  bool (*own)(const struct inputs *, uint8_t *, size_t))
{
    struct inputs in;
    if (derivation->theirs == NULL && size != 0) {
        read_inputs(params, &in);
        if (!in.foreign && own(&in, out, size)) {
            return 1;
        }
    }
    return theirs(derivation) != NULL ? EVP_KDF_derive(derivation->theirs, out, size, params) : 0;
}

static int derive_by_tls13(void *context, unsigned char *out, size_t size, const OSSL_PARAM params[])
{
    return derive(context, out, size, params, derive_tls13);
}

static int derive_by_tls12(void *context, unsigned char *out, size_t size, const OSSL_PARAM params[])
{
    return derive(context, out, size, params, derive_tls12);
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    if (params == NULL || params->key == NULL) {
        return 1;
    }
    return theirs(context) != NULL ? EVP_KDF_CTX_set_params(theirs(context), params) : 0;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    return theirs(context) != NULL ? EVP_KDF_CTX_get_params(theirs(context), params) : 0;
}

static const OSSL_PARAM *settable(void *context, void *provider)
{
    static const OSSL_PARAM list[] = {OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_PROPERTIES, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, NULL, 0),
                                      OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, NULL),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PREFIX, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_LABEL, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_DATA, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SECRET, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SEED, NULL, 0),
                                      OSSL_PARAM_END};
    return list;
}

static const OSSL_PARAM *gettable(void *context, void *provider)
{
    static const OSSL_PARAM list[] = {OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, NULL), OSSL_PARAM_END};
    return list;
}

typedef void (*function)(void);

#define FUNCTIONS(create, derive)                                                                                      \
    {                                                                                                                  \
        {OSSL_FUNC_KDF_NEWCTX, (function)(create)}, {OSSL_FUNC_KDF_DERIVE, (function)(derive)},                        \
            {OSSL_FUNC_KDF_DUPCTX, (function)duplicate}, {OSSL_FUNC_KDF_FREECTX, (function)dispose},                   \
            {OSSL_FUNC_KDF_RESET, (function)reset}, {OSSL_FUNC_KDF_SET_CTX_PARAMS, (function)set_params},              \
            {OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (function)settable},                                                   \
            {OSSL_FUNC_KDF_GET_CTX_PARAMS, (function)get_params},                                                      \
            {OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, (function)gettable},                                                   \
        {                                                                                                              \
            0, NULL                                                                                                    \
        }                                                                                                              \
    }

static const OSSL_DISPATCH tls13_functions[] = FUNCTIONS(new_tls13, derive_by_tls13);
static const OSSL_DISPATCH tls12_functions[] = FUNCTIONS(new_tls12, derive_by_tls12);

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM algorithms[] = {
        {OSSL_KDF_NAME_TLS1_3_KDF, "provider=sspi", tls13_functions, "TLS 1.3 key schedule"},
        {OSSL_KDF_NAME_TLS1_PRF, "provider=sspi", tls12_functions, "TLS 1.2 PRF"},
        {NULL, NULL, NULL, NULL},
    };
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? algorithms : NULL;
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query}, {0, NULL}};
    *provider = (void *)(uintptr_t)handle; /* of no use to anybody, but NULL would be taken for a failure */
    *out = functions;
    return 1;
}

/* Two first calls at once load it twice and keep it once. */
SECURITY_STATUS kdf_provide(void)
{
    static _Atomic(OSSL_PROVIDER *) kept;
    OSSL_PROVIDER *none = NULL;
    if (atomic_load_explicit(&kept, memory_order_acquire) != NULL) {
        return SEC_E_OK;
    }
    OSSL_LIB_CTX *context = cert_libctx();
    bool known = context != NULL && OSSL_PROVIDER_add_builtin(context, "sspi", start) == 1;
    OSSL_PROVIDER *loaded = known ? OSSL_PROVIDER_try_load(context, "sspi", 1) : NULL; /* 1: beside the default one */
    REQUIRE(loaded != NULL, SEC_E_INSUFFICIENT_MEMORY, "OpenSSL does not take the key schedules");
    if (!atomic_compare_exchange_strong(&kept, &none, loaded)) {
        OSSL_PROVIDER_unload(loaded);
    }
    return SEC_E_OK;
}
