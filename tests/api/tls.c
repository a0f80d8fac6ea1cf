#include "tls.h"

#include <stdio.h>

static PCCERT_CONTEXT load(const char *name, const char *suffix)
{
    char certificate[512], key[512];
    snprintf(certificate, sizeof certificate, "%s/%s%s.pem", getenv("SSPI_TEST_PKI"), name, suffix);
    snprintf(key, sizeof key, "%s/%s.key", getenv("SSPI_TEST_PKI"), name);
    PCCERT_CONTEXT context = NULL;
    assert_status(SspiExtCertFromFiles(certificate, key, NULL, &context), SEC_E_OK);
    return context;
}

PCCERT_CONTEXT tls_load(const char *name)
{
    return load(name, "");
}

PCCERT_CONTEXT tls_load_chain(const char *name)
{
    return load(name, ".chain");
}

HCERTSTORE tls_roots(void)
{
    PCCERT_CONTEXT root = tls_load("root");
    HCERTSTORE roots = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_true(CertAddCertificateContextToStore(roots, root, CERT_STORE_ADD_ALWAYS, NULL));
    CertFreeCertificateContext(root);
    return roots;
}

void tls_acquire(struct tls *tls, void *client, void *server)
{
    memset(tls, 0, sizeof *tls);
    assert_status(AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, client, NULL, NULL,
                                            &tls->client_credential, NULL),
                  SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_INBOUND, NULL, server, NULL, NULL,
                                            &tls->server_credential, NULL),
                  SEC_E_OK);
}

void tls_acquire_plain(struct tls *tls, PCCERT_CONTEXT certificate, HCERTSTORE roots)
{
    SCH_CREDENTIALS client = {.dwVersion = SCH_CREDENTIALS_VERSION, .hRootStore = roots};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate};
    tls_acquire(tls, &client, &server);
}

void tls_acquire_version(struct tls *tls, PCCERT_CONTEXT certificate, DWORD protocols)
{
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .grbitEnabledProtocols = protocols,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCHANNEL_CRED server = {
        .dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate, .grbitEnabledProtocols = protocols};
    tls_acquire(tls, &client, &server);
}

/* What a call left of its input stays. */
static void keep_extra(SecBuffer *extra, unsigned char *data, ULONG *size)
{
    ULONG left = extra->BufferType == SECBUFFER_EXTRA ? extra->cbBuffer : 0;
    memmove(data, data + *size - left, left);
    *size = left;
}

void tls_step_client(struct tls *tls, const char *target)
{
    SecBuffer in[2] = {{tls->to_client_size, SECBUFFER_TOKEN, tls->to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[2] = {{TLS_ROOM - tls->to_server_size, SECBUFFER_TOKEN, tls->to_server + tls->to_server_size},
                        {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 2, out};
    tls->client_status = InitializeSecurityContextA(&tls->client_credential, tls->has_client ? &tls->client : NULL,
                                                    (SEC_CHAR *)(uintptr_t)target,
                                                    ISC_REQ_STREAM | ISC_REQ_EXTENDED_ERROR | tls->client_request, 0, 0,
                                                    tls->has_client && tls->to_client_size != 0 ? &in_desc : NULL, 0,
                                                    &tls->client, &out_desc, &tls->client_attributes, NULL);
    tls->has_client = tls->has_client || tls->client_status >= 0;
    if (tls->client_status != SEC_E_INCOMPLETE_MESSAGE) {
        tls->to_server_size += out[0].cbBuffer;
        keep_extra(&in[1], tls->to_client, &tls->to_client_size);
    }
}

void tls_step_server(struct tls *tls)
{
    SecBuffer in[2] = {{tls->to_server_size, SECBUFFER_TOKEN, tls->to_server}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[2] = {{TLS_ROOM - tls->to_client_size, SECBUFFER_TOKEN, tls->to_client + tls->to_client_size},
                        {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 2, out};
    tls->server_status = AcceptSecurityContext(&tls->server_credential, tls->has_server ? &tls->server : NULL,
                                               tls->to_server_size != 0 ? &in_desc : NULL,
                                               ASC_REQ_STREAM | ASC_REQ_EXTENDED_ERROR | tls->server_request, 0,
                                               &tls->server, &out_desc, &tls->server_attributes, NULL);
    tls->has_server = tls->has_server || tls->server_status >= 0;
    if (tls->server_status != SEC_E_INCOMPLETE_MESSAGE) {
        tls->to_client_size += out[0].cbBuffer;
        keep_extra(&in[1], tls->to_server, &tls->to_server_size);
    }
}

void tls_shake(struct tls *tls, const char *target)
{
    tls->client_status = tls->server_status = SEC_I_CONTINUE_NEEDED;
    for (int leg = 0; leg < 10; leg++) {
        if (tls->client_status == SEC_I_CONTINUE_NEEDED) {
            tls_step_client(tls, target);
        }
        if (tls->server_status != SEC_I_CONTINUE_NEEDED || tls->to_server_size == 0) {
            break;
        }
        tls_step_server(tls);
    }
}

void tls_open(struct tls *tls, const char *certificate, DWORD protocols)
{
    PCCERT_CONTEXT context = tls_load_chain(certificate);
    tls_acquire_version(tls, context, protocols);
    CertFreeCertificateContext(context);
    tls_shake(tls, "www.example.com");
    assert_status(tls->client_status, SEC_E_OK);
    assert_status(tls->server_status, SEC_E_OK);
}

ULONG tls_seal(PCtxtHandle context, const void *data, ULONG size, unsigned char *out)
{
    SecPkgContext_StreamSizes sizes;
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_STREAM_SIZES, &sizes), SEC_E_OK);
    memcpy(out + sizes.cbHeader, data, size);
    SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, out},
                            {size, SECBUFFER_DATA, out + sizes.cbHeader},
                            {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, out + sizes.cbHeader + size},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    assert_status(EncryptMessage(context, 0, &message, 0), SEC_E_OK);
    return buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
}

void tls_close_contexts(struct tls *tls)
{
    if (tls->has_client) {
        assert_status(DeleteSecurityContext(&tls->client), SEC_E_OK);
    }
    if (tls->has_server) {
        assert_status(DeleteSecurityContext(&tls->server), SEC_E_OK);
    }
    tls->has_client = tls->has_server = false;
    tls->to_client_size = tls->to_server_size = 0;
}

void tls_close(struct tls *tls)
{
    tls_close_contexts(tls);
    assert_status(FreeCredentialsHandle(&tls->client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&tls->server_credential), SEC_E_OK);
}

bool tls_has_pki(void)
{
    const char *pki = getenv("SSPI_TEST_PKI");
    if (pki == NULL || *pki == '\0') {
        printf("1..0 # SKIP no openssl command to make certificates with\n");
        return false;
    }
    return true;
}
