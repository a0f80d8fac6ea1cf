/* Keys in PKCS#11 tokens: by the provider "pkcs11" where it is installed, otherwise by libp11's engine of that name.  The
 * key stays in the token; what we hold makes the token sign.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: what Debian 12 has */

#include <openssl/engine.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdatomic.h>
#include <string.h>

#include "base/secret.h"
#include "cert/key.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"

static _Atomic(OSSL_PROVIDER *) provider;
static _Atomic(ENGINE *) engine;

/* Whether the provider is there; loaded once, and tried again after a failure since it may have been installed. */
static bool have_provider(OSSL_LIB_CTX *context)
{
    OSSL_PROVIDER *none = NULL, *loaded;
    if (atomic_load(&provider) != NULL) {
        return true;
    }
    loaded = OSSL_PROVIDER_try_load(context, "pkcs11", 1);
    if (loaded == NULL) {
        return false;
    }
    if (!atomic_compare_exchange_strong(&provider, &none, loaded)) {
        OSSL_PROVIDER_unload(loaded);
    }
    return true;
}

static EVP_PKEY *first_key(OSSL_STORE_CTX *store)
{
    EVP_PKEY *key = NULL;
    while (key == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
            key = OSSL_STORE_INFO_get1_PKEY(info);
        }
        OSSL_STORE_INFO_free(info);
    }
    return key;
}

static EVP_PKEY *from_provider(OSSL_LIB_CTX *context, const char *uri, struct bytes *pin)
{
    UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(key_password, 0);
    OSSL_STORE_CTX *store = ui == NULL ? NULL : OSSL_STORE_open_ex(uri, context, NULL, ui, pin, NULL, NULL, NULL);
    EVP_PKEY *key = NULL;
    if (store != NULL) {
        OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
        key = first_key(store);
        OSSL_STORE_close(store);
    }
    UI_destroy_method(ui);
    return key;
}

static ENGINE *have_engine(void)
{
    ENGINE *now = atomic_load(&engine), *none = NULL, *loaded;
    if (now != NULL) {
        return now;
    }
    ENGINE_load_dynamic();
    loaded = ENGINE_by_id("pkcs11");
    if (loaded == NULL) {
        return NULL;
    }
    if (ENGINE_init(loaded) != 1) {
        ENGINE_free(loaded);
        return NULL;
    }
    (void)ENGINE_ctrl_cmd_string(loaded, "QUIET", NULL, 0); /* it would write to the program's stderr */
    if (!atomic_compare_exchange_strong(&engine, &none, loaded)) {
        ENGINE_finish(loaded);
        ENGINE_free(loaded);
        return none;
    }
    return loaded;
}

static EVP_PKEY *from_engine(ENGINE *pkcs11, const char *uri, struct bytes *pin)
{
    UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(key_password, 0);
    EVP_PKEY *key = ui == NULL ? NULL : ENGINE_load_private_key(pkcs11, uri, ui, pin);
    UI_destroy_method(ui);
    return key;
}

STATUS key_load_token(const char *uri, struct bytes pin, EVP_PKEY **out)
{
    OSSL_LIB_CTX *context = cert_libctx();
    EVP_PKEY *key = NULL;
    bool able = false;
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    openssl_errors_mark();
    if (have_provider(context)) {
        able = true;
        key = from_provider(context, uri, &pin);
    } else {
        ENGINE *pkcs11 = have_engine();
        able = pkcs11 != NULL;
        key = able ? from_engine(pkcs11, uri, &pin) : NULL;
    }
    openssl_errors_forget();
    REQUIRE(able, SEC_E_UNSUPPORTED_FUNCTION, "private key: OpenSSL has neither a provider nor an engine pkcs11");
    REQUIRE(key != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "private key: not found in a token, or the PIN is another (RFC 7512)");
    *out = key;
    return SEC_E_OK;
}
