#include "support/tls_ends.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "cert/certificate.h"
#include "cert/library.h"

/* Memory of exactly this size, which tests that fail allocations do not fail. */
static uint8_t *copy_of(const void *data, size_t size)
{
    void *copy = NULL;
    if (posix_memalign(&copy, sizeof(void *), size != 0 ? size : 1) != 0) {
        abort();
    }
    memcpy(copy, data, size);
    return copy;
}

static struct certificate *make_certificate(int which)
{
    static struct certificate *made[2];
    struct certificate *certificate = made[which];
    if (certificate != NULL) {
        return certificate;
    }
    EVP_PKEY *key = EVP_PKEY_Q_keygen(cert_libctx(), NULL, "EC", "P-256");
    X509 *x509 = X509_new_ex(cert_libctx(), NULL);
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
    X509_NAME *name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"server", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:server");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    if (X509_sign(x509, key, EVP_sha256()) == 0 || certificate_new(x509, &certificate) < 0 ||
        certificate_set_key(certificate, key) < 0) {
        abort();
    }
    X509_free(x509);
    EVP_PKEY_free(key);
    made[which] = certificate;
    return certificate;
}

PCCERT_CONTEXT ends_certificate(void)
{
    return certificate_context(make_certificate(0));
}

PCCERT_CONTEXT ends_other_certificate(void)
{
    return certificate_context(make_certificate(1));
}

SECURITY_STATUS ends_acquire(struct ends *ends, DWORD protocols)
{
    static SEC_CHAR package[] = "Microsoft Unified Security Protocol Provider";
    PCCERT_CONTEXT certificate = ends_certificate();
    for (int side = END_CLIENT; side <= END_SERVER; side++) {
        SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION,
                              .cCreds = side == END_SERVER ? 1 : 0,
                              .paCred = &certificate,
                              .grbitEnabledProtocols = protocols,
                              .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS};
        SECURITY_STATUS status =
            AcquireCredentialsHandleA(NULL, package, side == END_SERVER ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND,
                                      NULL, &cred, NULL, NULL, &ends->credentials[side], NULL);
        if (status != SEC_E_OK) {
            return status;
        }
        ends->has_credential[side] = true;
    }
    return SEC_E_OK;
}

void ends_put(struct ends *ends, int to, const void *data, size_t size)
{
    if (size > ENDS_ROOM - ends->size[to]) {
        abort();
    }
    memcpy(ends->wire[to] + ends->size[to], data, size);
    ends->size[to] += size;
}

static SECURITY_STATUS call(struct ends *ends, int side, SecBufferDesc *in, SecBufferDesc *out)
{
    SEC_CHAR *target = (SEC_CHAR *)(uintptr_t)(ends->target != NULL ? ends->target : "www.example.com");
    CtxtHandle *old = ends->has_context[side] ? &ends->contexts[side] : NULL;
    ULONG *attributes = &ends->attributes[side];
    if (side == END_CLIENT) {
        return InitializeSecurityContextA(&ends->credentials[side], old, target,
                                          ISC_REQ_STREAM | ISC_REQ_EXTENDED_ERROR | ends->request[side], 0, 0,
                                          old != NULL ? in : NULL, 0, &ends->contexts[side], out, attributes, NULL);
    }
    return AcceptSecurityContext(&ends->credentials[side], old, in,
                                 ASC_REQ_STREAM | ASC_REQ_EXTENDED_ERROR | ends->request[side], 0,
                                 &ends->contexts[side], out, attributes, NULL);
}

SECURITY_STATUS ends_step(struct ends *ends, int side)
{
    uint8_t said[ENDS_ROOM];
    size_t size = ends->size[side];
    uint8_t *exact = copy_of(ends->wire[side], size);
    SecBuffer in[2] = {{(ULONG)size, SECBUFFER_TOKEN, exact}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[2] = {{sizeof said, SECBUFFER_TOKEN, said}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 2, out};
    SECURITY_STATUS status = call(ends, side, &in_desc, &out_desc);
    free(exact);
    ends->status[side] = status;
    ends->asked[side] = ends->asked[side] || status == SEC_I_INCOMPLETE_CREDENTIALS;
    ends->has_context[side] = ends->has_context[side] || status >= 0;
    if (status == SEC_E_INCOMPLETE_MESSAGE || status == SEC_E_INSUFFICIENT_MEMORY ||
        status == SEC_I_INCOMPLETE_CREDENTIALS) {
        return status;
    }
    size_t left = status >= 0 && in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
    memmove(ends->wire[side], ends->wire[side] + size - left, left);
    ends->size[side] = left;
    ends->alert[side] = out[0].cbBuffer == 7 && said[0] == 21 ? said[6] : 0;
    ends_put(ends, 1 - side, said, out[0].cbBuffer);
    return status;
}

bool ends_shake(struct ends *ends)
{
    int side = END_CLIENT;
    for (int leg = 0; leg < 20; leg++, side = 1 - side) {
        bool begins = side == END_CLIENT && !ends->has_context[side];
        if ((begins || ends->size[side] != 0) && ends_step(ends, side) < 0) {
            return false;
        }
        if (ends->status[0] == SEC_E_OK && ends->status[1] == SEC_E_OK && ends->has_context[0] &&
            ends->has_context[1]) {
            return true;
        }
    }
    return false;
}

SECURITY_STATUS ends_receive(struct ends *ends, int side, uint8_t *out, size_t *out_size)
{
    size_t size = ends->size[side];
    uint8_t *exact = copy_of(ends->wire[side], size);
    SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, exact},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = DecryptMessage(&ends->contexts[side], &message, 0, NULL);
    *out_size = 0;
    if (status >= 0) {
        *out_size = buffers[1].cbBuffer;
        if (*out_size != 0) {
            memcpy(out, buffers[1].pvBuffer, *out_size);
        }
        size_t left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
        memmove(ends->wire[side], ends->wire[side] + size - left, left);
        ends->size[side] = left;
    }
    free(exact);
    return status;
}

SECURITY_STATUS ends_send(struct ends *ends, int from, const void *data, size_t size)
{
    uint8_t header[32], trailer[288];
    uint8_t *copy = copy_of(data, size);
    SecPkgContext_StreamSizes sizes;
    SECURITY_STATUS status = QueryContextAttributesA(&ends->contexts[from], SECPKG_ATTR_STREAM_SIZES, &sizes);
    if (status == SEC_E_OK && sizes.cbHeader <= sizeof header && sizes.cbTrailer <= sizeof trailer) {
        SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, header},
                                {(ULONG)size, SECBUFFER_DATA, copy},
                                {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, trailer},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        status = EncryptMessage(&ends->contexts[from], 0, &message, 0);
        for (int i = 0; i < 3 && status == SEC_E_OK; i++) {
            ends_put(ends, 1 - from, buffers[i].pvBuffer, buffers[i].cbBuffer);
        }
    }
    free(copy);
    return status;
}

bool ends_message(struct ends *ends, int from, const void *data, size_t size)
{
    uint8_t got[ENDS_ROOM];
    size_t got_size = 0;
    if (ends_send(ends, from, data, size) != SEC_E_OK) {
        return false;
    }
    SECURITY_STATUS status = SEC_E_OK;
    while (status == SEC_E_OK && got_size == 0 && ends->size[1 - from] != 0) { /* a ticket may come first */
        status = ends_receive(ends, 1 - from, got, &got_size);
    }
    return status == SEC_E_OK && got_size == size && memcmp(got, data, size) == 0;
}

void ends_reset(struct ends *ends)
{
    for (int side = END_CLIENT; side <= END_SERVER; side++) {
        if (ends->has_context[side] && DeleteSecurityContext(&ends->contexts[side]) != SEC_E_OK) {
            abort();
        }
        ends->has_context[side] = ends->asked[side] = false;
        ends->size[side] = 0;
        ends->status[side] = SEC_I_CONTINUE_NEEDED;
        ends->alert[side] = 0;
    }
}

void ends_free(struct ends *ends)
{
    ends_reset(ends);
    for (int side = END_CLIENT; side <= END_SERVER; side++) {
        if (ends->has_credential[side] && FreeCredentialsHandle(&ends->credentials[side]) != SEC_E_OK) {
            abort();
        }
        ends->has_credential[side] = false;
    }
}
