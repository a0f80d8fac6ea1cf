#include "tls.h"

#include <stdio.h>
#include <string.h>

#include <wincrypt.h>

void tls_init(struct tls *tls, char *target)
{
    tls->target = target;
    tls->socket = INVALID_SOCKET;
    tls->held = 0;
    tls->certificate = NULL;
    tls->clients = NULL;
    tls->more = 0;
    SecInvalidateHandle(&tls->credential);
    SecInvalidateHandle(&tls->context);
}

/* One leg with what is held; `tls->held` is what is left of it. */
static SECURITY_STATUS leg(struct tls *tls, SecBufferDesc *in, SecBuffer *out)
{
    bool first = !SecIsValidHandle(&tls->context);
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, out};
    ULONG attributes;
    TimeStamp expiry;
    if (tls->target == NULL) {
        return AcceptSecurityContext(&tls->credential, first ? NULL : &tls->context, in,
                                     ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_STREAM | ASC_REQ_CONFIDENTIALITY |
                                         ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT |
                                         (tls->clients != NULL ? ASC_REQ_MUTUAL_AUTH : 0),
                                     0, &tls->context, &out_desc, &attributes, &expiry);
    }
    return InitializeSecurityContextA(&tls->credential, first ? NULL : &tls->context, tls->target,
                                      ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_STREAM | ISC_REQ_CONFIDENTIALITY |
                                          ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT | tls->more,
                                      0, 0, in, 0, &tls->context, &out_desc, &attributes, &expiry);
}

/* Sends a token that the library allocated, and frees it. */
static bool send_token(struct tls *tls, SecBuffer *token)
{
    bool good = token->cbBuffer == 0 || send_all(tls->socket, token->pvBuffer, token->cbBuffer);
    FreeContextBuffer(token->pvBuffer);
    return good;
}

/* Keeps the last `left` bytes of what is held. */
static void keep(struct tls *tls, ULONG left)
{
    memmove(tls->data, tls->data + tls->held - left, left);
    tls->held = left;
}

static bool receive_more(struct tls *tls)
{
    ULONG received = receive_some(tls->socket, tls->data + tls->held, (ULONG)sizeof tls->data - tls->held);
    tls->held += received;
    return received > 0;
}

bool tls_handshake(struct tls *tls)
{
    bool wanted = tls->target == NULL && tls->held == 0; /* a server waits for the first bytes */
    for (;;) {
        if (wanted && !receive_more(tls)) {
            fprintf(stderr, "the peer went away during the handshake\n");
            return false;
        }
        SecBuffer in[2] = {{tls->held, SECBUFFER_TOKEN, tls->data}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in};
        SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
        SECURITY_STATUS status = leg(tls, tls->held > 0 ? &in_desc : NULL, &out);
        if (status == SEC_E_INCOMPLETE_MESSAGE) {
            wanted = true;
            continue;
        }
        if (status == SEC_I_INCOMPLETE_CREDENTIALS && tls->more == 0) {
            tls->more = ISC_REQ_USE_SUPPLIED_CREDS; /* the same again: on without the certificate that is asked for */
            wanted = false;
            continue;
        }
        if (FAILED(status)) {
            print_failure(tls->target != NULL ? "InitializeSecurityContext" : "AcceptSecurityContext", status);
            return false;
        }
        if (!send_token(tls, &out)) {
            return false;
        }
        keep(tls, in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0);
        if (status == SEC_E_OK) {
            return QueryContextAttributesA(&tls->context, SECPKG_ATTR_STREAM_SIZES, &tls->sizes) == SEC_E_OK;
        }
        wanted = tls->held == 0;
    }
}

bool tls_send(struct tls *tls, const void *data, ULONG size)
{
    static BYTE record[20000];
    ULONG header = tls->sizes.cbHeader;
    if (size > tls->sizes.cbMaximumMessage || header + size + tls->sizes.cbTrailer > sizeof record) {
        fprintf(stderr, "too much for one record\n");
        return false;
    }
    memcpy(record + header, data, size);
    SecBuffer buffers[4] = {
        {header, SECBUFFER_STREAM_HEADER, record},
        {size, SECBUFFER_DATA, record + header},
        {tls->sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, record + header + size},
        {0, SECBUFFER_EMPTY, NULL},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = EncryptMessage(&tls->context, 0, &desc, 0);
    if (FAILED(status)) {
        print_failure("EncryptMessage", status);
        return false;
    }
    return send_all(tls->socket, record, buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer);
}

/* The first buffer of a type behind the input, or NULL. */
static const SecBuffer *find(const SecBuffer *buffers, ULONG type)
{
    for (int i = 1; i < 4; i++) {
        if (buffers[i].BufferType == type) {
            return &buffers[i];
        }
    }
    return NULL;
}

ULONG tls_receive(struct tls *tls, void *out, ULONG room)
{
    for (;;) {
        SecBuffer buffers[4] = {{tls->held, SECBUFFER_DATA, tls->data}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
        SECURITY_STATUS status =
            tls->held > 0 ? DecryptMessage(&tls->context, &desc, 0, NULL) : SEC_E_INCOMPLETE_MESSAGE;
        if (status == SEC_E_INCOMPLETE_MESSAGE) {
            if (!receive_more(tls)) {
                return 0;
            }
            continue;
        }
        if (FAILED(status) || status == SEC_I_CONTEXT_EXPIRED) {
            if (FAILED(status)) {
                print_failure("DecryptMessage", status);
            }
            return 0;
        }
        const SecBuffer *data = find(buffers, SECBUFFER_DATA);
        const SecBuffer *extra = find(buffers, SECBUFFER_EXTRA);
        ULONG size = data != NULL && data->cbBuffer <= room ? data->cbBuffer : 0;
        if (size > 0) {
            memcpy(out, data->pvBuffer, size);
        }
        keep(tls, extra != NULL ? extra->cbBuffer : 0);
        if (status == SEC_I_RENEGOTIATE && !tls_handshake(tls)) { /* tickets of TLS 1.3 on Windows, HelloRequest */
            return 0;
        }
        if (size > 0) {
            return size;
        }
    }
}

const char *tls_version(struct tls *tls)
{
    SecPkgContext_ConnectionInfo info;
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_CONNECTION_INFO, &info) != SEC_E_OK) {
        return "nothing";
    }
    switch (info.dwProtocol) {
    case SP_PROT_TLS1_2_CLIENT:
    case SP_PROT_TLS1_2_SERVER:
        return "TLS 1.2";
    case SP_PROT_TLS1_3_CLIENT:
    case SP_PROT_TLS1_3_SERVER:
        return "TLS 1.3";
    default:
        return "an old protocol";
    }
}

void tls_close(struct tls *tls)
{
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown};
    SecBufferDesc control_desc = {SECBUFFER_VERSION, 1, &control};
    if (SecIsValidHandle(&tls->context)) {
        if (ApplyControlToken(&tls->context, &control_desc) == SEC_E_OK) {
            SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
            if (!FAILED(leg(tls, NULL, &out))) {
                send_token(tls, &out);
            }
        }
        DeleteSecurityContext(&tls->context);
        SecInvalidateHandle(&tls->context);
    }
    if (tls->target != NULL && SecIsValidHandle(&tls->credential)) {
        FreeCredentialsHandle(&tls->credential);
        SecInvalidateHandle(&tls->credential);
    }
}

/* ---------------------------------------------------------------- certificates */

PCCERT_CONTEXT tls_open_certificate(const char *path, const char *password)
{
    static BYTE bytes[65536];
    WCHAR wide[256];
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    CRYPT_DATA_BLOB blob = {(DWORD)size, bytes};
    if (file != NULL) {
        fclose(file);
    }
    if (MultiByteToWideChar(CP_UTF8, 0, password, -1, wide, 256) == 0) {
        return NULL;
    }
    HCERTSTORE store = PFXImportCertStore(&blob, wide, 0);
    PCCERT_CONTEXT found = NULL;
    PCCERT_CONTEXT at = NULL;
    DWORD unused = 0;
    do {
        at = store != NULL ? CertEnumCertificatesInStore(store, at) : NULL;
        if (at != NULL && (CertGetCertificateContextProperty(at, CERT_KEY_PROV_INFO_PROP_ID, NULL, &unused) ||
                           CertGetCertificateContextProperty(at, CERT_KEY_CONTEXT_PROP_ID, NULL, &unused))) {
            found = at; /* ours now */
        }
    } while (at != NULL && found == NULL);
    if (found == NULL) {
        fprintf(stderr, "%s has no certificate with a key: 0x%08X\n", path, (unsigned)GetLastError());
    }
    if (store != NULL) {
        CertCloseStore(store, 0);
    }
    return found;
}

HCERTSTORE tls_open_authority(const char *path)
{
    static char text[65536];
    static BYTE der[65536];
    DWORD size = sizeof der;
    FILE *file = fopen(path, "rb");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    text[length] = '\0';
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    if (store == NULL || !CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64HEADER, der, &size, NULL, NULL) ||
        !CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, size, CERT_STORE_ADD_ALWAYS, NULL)) {
        fprintf(stderr, "%s is no certificate: 0x%08X\n", path, (unsigned)GetLastError());
        if (store != NULL) {
            CertCloseStore(store, 0);
        }
        return NULL;
    }
    return store;
}

/* The verdict on the peer's certificate, with no other root than those of `roots`.  name: the server's; NULL: a client. */
static HRESULT judge(PCCERT_CONTEXT certificate, HCERTSTORE roots, const WCHAR *name)
{
    CERT_CHAIN_ENGINE_CONFIG config = {.cbSize = sizeof config, .hExclusiveRoot = roots};
    CERT_CHAIN_PARA para = {.cbSize = sizeof para};
    HCERTCHAINENGINE engine = NULL;
    PCCERT_CHAIN_CONTEXT chain = NULL;
    HRESULT verdict = E_FAIL;
    if (CertCreateCertificateChainEngine(&config, &engine) &&
        CertGetCertificateChain(engine, certificate, NULL, certificate->hCertStore, &para, 0, NULL, &chain)) {
        SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {.dwAuthType = name != NULL ? AUTHTYPE_SERVER : AUTHTYPE_CLIENT,
                                                .pwszServerName = (WCHAR *)name};
        ssl.cbSize = sizeof ssl;
        CERT_CHAIN_POLICY_PARA policy = {.cbSize = sizeof policy, .pvExtraPolicyPara = &ssl};
        CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status};
        if (CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_SSL, chain, &policy, &status)) {
            verdict = (HRESULT)status.dwError;
        }
        if (verdict == S_OK && (chain->TrustStatus.dwErrorStatus & CERT_TRUST_IS_PARTIAL_CHAIN) != 0) {
            verdict = CERT_E_CHAINING; /* which Wine's policy lets pass */
        }
        CertFreeCertificateChain(chain);
    }
    if (engine != NULL) {
        CertFreeCertificateChainEngine(engine);
    }
    return verdict;
}

bool tls_inspect(struct tls *tls, HCERTSTORE roots)
{
    PCCERT_CONTEXT certificate = NULL;
    char subject[256];
    WCHAR name[256];
    SECURITY_STATUS status = QueryContextAttributesA(&tls->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate);
    if (FAILED(status)) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    CertGetNameStringA(certificate, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, subject, sizeof subject);
    printf("%s with %s\n", tls_version(tls), subject);
    if (tls->target != NULL) {
        MultiByteToWideChar(CP_UTF8, 0, tls->target, -1, name, 256);
    }
    HRESULT verdict = roots != NULL ? judge(certificate, roots, tls->target != NULL ? name : NULL) : S_OK;
    CertFreeCertificateContext(certificate);
    if (FAILED(verdict)) {
        printf("its certificate is not accepted: 0x%08X\n", (unsigned)verdict);
    }
    return !FAILED(verdict);
}

static SECURITY_STATUS acquire_client(struct tls *tls, bool manual)
{
    SCHANNEL_CRED how = {.dwVersion = SCHANNEL_CRED_VERSION,
                         .cCreds = tls->certificate != NULL ? 1 : 0,
                         .paCred = tls->certificate != NULL ? &tls->certificate : NULL,
                         .dwFlags = SCH_CRED_NO_DEFAULT_CREDS |
                                    (manual ? SCH_CRED_MANUAL_CRED_VALIDATION : SCH_CRED_AUTO_CRED_VALIDATION)};
    TimeStamp expiry;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, (char *)UNISP_NAME_A, SECPKG_CRED_OUTBOUND, NULL, &how,
                                                       NULL, NULL, &tls->credential, &expiry);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
    }
    return status;
}

bool tls_connect(struct tls *tls, const char *authority)
{
    HCERTSTORE roots = authority != NULL ? tls_open_authority(authority) : NULL;
    if (authority != NULL && roots == NULL) {
        return false;
    }
    bool good = !FAILED(acquire_client(tls, roots != NULL)) && tls_handshake(tls) && tls_inspect(tls, roots);
    if (roots != NULL) {
        CertCloseStore(roots, 0);
    }
    return good;
}
