#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "terminal.h"
#include "text/utf16.h"
#include "tls.h"
#include "wire/reader.h"

#include "sspi_ext.h"

struct bytes tls_bindings(struct tls *tls)
{
    SecPkgContext_Bindings bindings = {0, NULL};
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_ENDPOINT_BINDINGS, &bindings) != SEC_E_OK) {
        return BYTES_NONE;
    }
    return bytes_of((const uint8_t *)bindings.Bindings, bindings.BindingsLength);
}

/* A name of the SDK's, in UTF-16. */
static void add_wide(struct json_object *facts, const char *name, const WCHAR *text)
{
    facts_utf16(facts, name, utf16_bytes(utf16_from_wide((const uint16_t *)text)));
}

static const char *version_name(DWORD protocol)
{
    switch (protocol) {
    case SP_PROT_TLS1_0_CLIENT:
    case SP_PROT_TLS1_0_SERVER:
        return "TLS 1.0";
    case SP_PROT_TLS1_1_CLIENT:
    case SP_PROT_TLS1_1_SERVER:
        return "TLS 1.1";
    case SP_PROT_TLS1_2_CLIENT:
    case SP_PROT_TLS1_2_SERVER:
        return "TLS 1.2";
    case SP_PROT_TLS1_3_CLIENT:
    case SP_PROT_TLS1_3_SERVER:
        return "TLS 1.3";
    case SP_PROT_DTLS1_0_CLIENT:
        return "DTLS 1.0";
    case SP_PROT_DTLS1_2_CLIENT:
        return "DTLS 1.2";
    default:
        return "another";
    }
}

static void add_suite(struct tls *tls, struct json_object *facts)
{
    SecPkgContext_ConnectionInfo info = {0};
    SecPkgContext_CipherInfo cipher = {.dwVersion = SECPKGCONTEXT_CIPHERINFO_V1};
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_CONNECTION_INFO, &info) == SEC_E_OK) {
        facts_text(facts, "version", version_name(info.dwProtocol));
    }
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_CIPHER_INFO, &cipher) == SEC_E_OK) {
        add_wide(facts, "cipher_suite", cipher.szCipherSuite);
        facts_number(facts, "cipher_bits", cipher.dwCipherLen);
    }
    if (info.dwExchStrength != 0) {
        facts_number(facts, "key_exchange_bits", info.dwExchStrength);
    }
}

static void add_session(struct tls *tls, struct json_object *facts)
{
    SecPkgContext_ApplicationProtocol protocol;
    SecPkgContext_SessionInfo session = {0};
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_APPLICATION_PROTOCOL, &protocol) == SEC_E_OK &&
        protocol.ProtoNegoStatus == SecApplicationProtocolNegotiationStatus_Success) {
        facts_oem(facts, "application_protocol", bytes_of(protocol.ProtocolId, protocol.ProtocolIdSize));
    }
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_SESSION_INFO, &session) == SEC_E_OK) {
        facts_truth(facts, "resumed", (session.dwFlags & SSL_SESSION_RECONNECT) != 0);
    }
}

/* What a relay cannot bring along: the application data of the bindings, "tls-server-end-point:" and a hash. */
static void add_bindings(struct tls *tls, struct json_object *facts)
{
    static const char prefix[] = "tls-server-end-point:";
    struct bytes all = tls_bindings(tls);
    struct reader reader = read_start(all);
    (void)read_bytes(&reader, sizeof(SEC_CHANNEL_BINDINGS) + strlen(prefix));
    struct bytes hash = read_bytes(&reader, read_left(&reader));
    if (hash.size > 0) {
        facts_bytes(facts, "channel_binding", hash);
    }
    FreeContextBuffer((void *)all.data);
}

/* Subject or issuer in one line. */
static char *whole_name(PCCERT_CONTEXT certificate, bool issuer)
{
    CERT_NAME_BLOB *name = issuer ? &certificate->pCertInfo->Issuer : &certificate->pCertInfo->Subject;
    const DWORD form = CERT_X500_NAME_STR | CERT_NAME_STR_REVERSE_FLAG;
    DWORD size = CertNameToStrA(X509_ASN_ENCODING, name, form, NULL, 0);
    char *text = need(calloc(1, size + 1));
    CertNameToStrA(X509_ASN_ENCODING, name, form, text, size);
    return text;
}

static void add_name(struct json_object *facts, const char *member, PCCERT_CONTEXT certificate, bool issuer)
{
    AUTO_FREE char *text = whole_name(certificate, issuer);
    facts_text(facts, member, text);
}

static void add_dns_names(struct json_object *facts, PCCERT_CONTEXT certificate)
{
    DWORD size = CertGetNameStringA(certificate, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, NULL, 0);
    AUTO_FREE char *names = need(calloc(1, size + 1));
    struct json_object *list = facts_list();
    CertGetNameStringA(certificate, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, names, size);
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1) {
        facts_say(list, "%s", name);
    }
    facts_add(facts, "names", list);
}

static uint64_t filetime(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static struct json_object *certificate_facts(PCCERT_CONTEXT certificate, bool leaf)
{
    struct json_object *facts = facts_new();
    uint8_t hash[32];
    DWORD size = sizeof hash;
    add_name(facts, "subject", certificate, false);
    add_name(facts, "issuer", certificate, true);
    if (leaf) {
        add_dns_names(facts, certificate);
    }
    facts_time(facts, "valid_from", filetime(certificate->pCertInfo->NotBefore));
    facts_time(facts, "valid_until", filetime(certificate->pCertInfo->NotAfter));
    if (CryptHashCertificate(0, CALG_SHA_256, 0, certificate->pbCertEncoded, certificate->cbCertEncoded, hash, &size)) {
        facts_bytes(facts, "sha256", bytes_of(hash, size));
    }
    return facts;
}

struct json_object *tls_certificate_facts(struct bytes der, bool leaf)
{
    PCCERT_CONTEXT certificate = CertCreateCertificateContext(X509_ASN_ENCODING, der.data, (DWORD)der.size);
    if (certificate == NULL) {
        return NULL;
    }
    struct json_object *facts = certificate_facts(certificate, leaf);
    CertFreeCertificateContext(certificate);
    return facts;
}

/* All that the peer has sent, his own first. */
static void add_certificates(struct tls *tls, struct json_object *facts)
{
    SecPkgContext_Certificates all = {0};
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_REMOTE_CERTIFICATES, &all) != SEC_E_OK) {
        return;
    }
    struct json_object *list = facts_list();
    struct reader reader = read_start(bytes_of(all.pbCertificateChain, all.cbCertificateChain));
    for (DWORD i = 0; i < all.cCertificates; i++) {
        struct json_object *each = tls_certificate_facts(read_bytes(&reader, read_u32le(&reader)), i == 0);
        if (each != NULL) {
            json_object_array_add(list, each);
        }
    }
    FreeContextBuffer(all.pbCertificateChain);
    facts_add(facts, "certificates", list);
}

static void add_verdict(struct tls *tls, struct json_object *facts)
{
    SecPkgContext_CertificateValidationResult result = {0};
    char number[11];
    char text[200];
    if (tls_distrusts(tls)) {
        snprintf(text, sizeof text, "%s: %s", status_text(tls->status, number), tls->reason != NULL ? tls->reason : "");
        facts_text(facts, "verdict", text);
        facts_truth(facts, "verdict_right", false);
    } else if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_CERT_CHECK_RESULT, &result) == SEC_E_OK) {
        facts_text(facts, "verdict",
                   result.hrVerifyChainStatus == SEC_E_OK ? "trusted"
                                                          : status_text(result.hrVerifyChainStatus, number));
        facts_truth(facts, "verdict_right", result.hrVerifyChainStatus == SEC_E_OK);
    }
}

struct json_object *tls_facts(struct tls *tls)
{
    struct json_object *facts = facts_new();
    if (!tls->has_context) {
        return facts;
    }
    add_suite(tls, facts);
    add_session(tls, facts);
    add_verdict(tls, facts);
    add_bindings(tls, facts);
    add_certificates(tls, facts);
    return facts;
}

char *tls_peer_name(struct tls *tls)
{
    PCCERT_CONTEXT certificate = NULL;
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate) != SEC_E_OK ||
        certificate == NULL) {
        return NULL;
    }
    char *text = whole_name(certificate, false);
    CertFreeCertificateContext(certificate);
    return text;
}
