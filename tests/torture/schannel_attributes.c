/* Every allocation behind a question about a TLS connection fails once: the answer is SEC_E_INSUFFICIENT_MEMORY, the caller's
 * struct is as it was, nothing leaks, and the next question is answered. */
#include "unit/schannel/link.h"

#include "torture/memory.h"

#define MOST 500

/* What there is to free in an answer. */
enum holds { NOTHING, BLOCK_AT_0, BLOCK_AT_8, BLOCK_AT_40, TWO_BLOCKS, CERTIFICATE, STORE };

struct question {
    ULONG attribute;
    enum holds holds;
};

static const struct question of_contexts[] = {
    {SECPKG_ATTR_STREAM_SIZES, NOTHING},
    {SECPKG_ATTR_CIPHER_INFO, NOTHING},
    {SECPKG_ATTR_CERT_CHECK_RESULT, NOTHING},
    {SECPKG_ATTR_KEY_INFO, TWO_BLOCKS},
    {SECPKG_ATTR_PACKAGE_INFO, BLOCK_AT_0},
    {SECPKG_ATTR_UNIQUE_BINDINGS, BLOCK_AT_8},
    {SECPKG_ATTR_ENDPOINT_BINDINGS, BLOCK_AT_8},
    {SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS, BLOCK_AT_8},
    {SECPKG_ATTR_SUPPORTED_SIGNATURES, BLOCK_AT_8},
    {SECPKG_ATTR_KEYING_MATERIAL, BLOCK_AT_8},
    {SECPKG_ATTR_KEYING_MATERIAL_INPROC, BLOCK_AT_40},
    {SECPKG_ATTR_EAP_KEY_BLOCK, NOTHING},
    {SECPKG_ATTR_REMOTE_CERTIFICATES, BLOCK_AT_8},
    {SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT, BLOCK_AT_8},
    {SECPKG_ATTR_REMOTE_CERT_CONTEXT, CERTIFICATE},
    {SECPKG_ATTR_LOCAL_CERT_CONTEXT, CERTIFICATE},
    {SECPKG_ATTR_ROOT_STORE, STORE},
    {SECPKG_ATTR_ISSUER_LIST_EX, BLOCK_AT_0},
};

static const struct question of_credentials[] = {{SECPKG_ATTR_SUPPORTED_ALGS, BLOCK_AT_8},
                                                 {SECPKG_ATTR_CIPHER_STRENGTHS, NOTHING},
                                                 {SECPKG_CRED_ATTR_CERT, BLOCK_AT_8}};

union answer {
    uint8_t bytes[1024];
    void *pointers[128];
    SecPkgContext_KeyingMaterial_Inproc inproc;
};

static void prepare(const struct question *question, union answer *answer)
{
    memset(answer, 0, sizeof *answer);
    if (question->attribute == SECPKG_ATTR_KEYING_MATERIAL_INPROC) {
        answer->inproc = (SecPkgContext_KeyingMaterial_Inproc){
            .cbLabel = 5, .pszLabel = (char *)(uintptr_t) "test", .cbKeyingMaterial = 200};
    }
}

static void give_back(const struct question *question, union answer *answer)
{
    switch (question->holds) {
    case BLOCK_AT_0:
    case BLOCK_AT_8:
    case BLOCK_AT_40: {
        size_t index = question->holds == BLOCK_AT_0 ? 0 : question->holds == BLOCK_AT_8 ? 1 : 5;
        assert_status(FreeContextBuffer(answer->pointers[index]), SEC_E_OK);
        break;
    }
    case TWO_BLOCKS:
        assert_status(FreeContextBuffer(answer->pointers[0]), SEC_E_OK);
        assert_status(FreeContextBuffer(answer->pointers[1]), SEC_E_OK);
        break;
    case CERTIFICATE:
        assert_true(CertFreeCertificateContext(answer->pointers[0]));
        break;
    case STORE:
        assert_true(CertCloseStore(answer->pointers[0], 0));
        break;
    default:
        break;
    }
}

static SECURITY_STATUS ask(struct side *side, bool credential, const struct question *question, union answer *answer)
{
    return credential ? QueryCredentialsAttributesW(&side->credential, question->attribute, answer)
                      : QueryContextAttributesW(&side->context, question->attribute, answer);
}

static void torture(struct side *side, bool credential, const struct question *question)
{
    union answer answer, untouched;
    unsigned long n;
    prepare(question, &untouched);
    prepare(question, &answer);
    assert_status(ask(side, credential, question, &answer), SEC_E_OK);
    give_back(question, &answer);
    size_t before = memory_live();
    for (n = 1; n < MOST; n++) {
        prepare(question, &answer);
        memory_fail_at(n);
        SECURITY_STATUS status = ask(side, credential, question, &answer);
        bool failed = memory_has_failed();
        memory_fail_at(0);
        if (!failed) {
            assert_status(status, SEC_E_OK);
            give_back(question, &answer);
            break;
        }
        if (status == SEC_E_OK) { /* what could be done without */
            give_back(question, &answer);
        } else {
            assert_status(status, SEC_E_INSUFFICIENT_MEMORY);
            assert_memory_equal(&answer, &untouched, sizeof answer);
        }
        assert_int_equal(memory_live(), before);
    }
    assert_in_range(n, 1, MOST - 1);
    assert_int_equal(memory_live(), before);
}

static void test_questions(void **state)
{
    struct link *link = calloc(1, sizeof *link); /* link_close() ends it */
    struct store *roots = NULL;
    assert_status(store_new(STORE_MEMORY, &roots), SEC_E_OK);
    assert_status(store_add(roots, link_certificate("p256"), STORE_ADD_NEW, NULL), SEC_E_OK);
    HCERTSTORE handle = store_open(roots);
    struct side_options client = {.protocols = SP_PROT_TLS1_2_CLIENT,
                                  .target = "www.example.com",
                                  .roots = handle,
                                  .certificates = {link_certificate("p256")},
                                  .certificate_count = 1};
    struct side_options server = {.protocols = SP_PROT_TLS1_2_SERVER,
                                  .request = ASC_REQ_MUTUAL_AUTH,
                                  .roots = handle,
                                  .certificates = {link_certificate("p256")},
                                  .certificate_count = 1};
    link_open(link, &client, &server);
    link_establish(link);
    struct side *sides[] = {&link->client, &link->server};
    for (size_t s = 0; s < 2; s++) {
        SecPkgContext_KeyingMaterialInfo info = {
            .cbLabel = 5, .pszLabel = (char *)(uintptr_t) "test", .cbKeyingMaterial = 200};
        assert_status(SetContextAttributesW(&sides[s]->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                      SEC_E_OK);
        for (size_t i = 0; i < sizeof of_contexts / sizeof of_contexts[0]; i++) {
            torture(sides[s], false, &of_contexts[i]);
        }
        for (size_t i = 0; i < sizeof of_credentials / sizeof of_credentials[0]; i++) {
            torture(sides[s], true, &of_credentials[i]);
        }
        for (unsigned long n = 1; n < 3; n++) { /* a label, a context */
            info.pbContextValue = (PBYTE)(uintptr_t) "c";
            info.cbContextValue = 1;
            memory_fail_at(n);
            assert_status(
                SetContextAttributesW(&sides[s]->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                SEC_E_INSUFFICIENT_MEMORY);
            memory_fail_at(0);
        }
    }
    link_close(link);
    assert_status(store_close(roots), SEC_E_OK);
    store_drop(roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_questions)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("attributes of Schannel without memory", tests, NULL, NULL);
}
