/* The end-point channel bindings of published certificates (RFC 5929 4.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schannel/attributes.h"
#include "vectors/kv.h"

static void check(const struct kv_record *record)
{
    AUTO_ATTRIBUTE value = {0};
    AUTO_CERTIFICATE *certificate = NULL;
    kv_require(record, certificate_parse(kv_hex(record, "cert_der"), &certificate) == SEC_E_OK);
    SECURITY_STATUS status = attributes_endpoint_of(certificate_x509(certificate), &value);
    if (!kv_has(record, "hash")) { /* Ed25519 */
        kv_require(record, status == SEC_E_UNSUPPORTED_FUNCTION);
        return;
    }
    kv_require(record, status == SEC_E_OK);
    kv_expect(record, "app_data", value.bytes);
}

static void test_published(void **state)
{
    assert_in_range(kv_each(KV_PUBLISHED, "channel_bindings.kv", "tls_server_end_point", check), 5, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
