#include "sasl.h"

#include <stdio.h>
#include <string.h>

#include <wincrypt.h>

#define TOKEN_MAX   65536
#define TRAILER_MAX 4096
#define NAME_SIZE   600

struct sasl_mechanism {
    const char *name, *package;
    ULONG request;
    enum { NO_LAYERS, MAYBE_LAYERS, LAYERS } layers; /* are these talked about behind the tokens? */
};

static const struct sasl_mechanism mechanisms[] = {
    {"GSSAPI", "Kerberos", ISC_REQ_MUTUAL_AUTH, LAYERS},            /* RFC 4752 */
    {"GSS-SPNEGO", "Negotiate", ISC_REQ_MUTUAL_AUTH, MAYBE_LAYERS}, /* Windows' servers do not, Dovecot does */
    {"NTLM", "NTLM", 0, NO_LAYERS},
    {"DIGEST-MD5", "WDigest", 0, NO_LAYERS}, /* RFC 2831: within the tokens */
};

bool sasl_start(struct sasl *sasl, const char *mechanism, const char *service, const char *host)
{
    memset(sasl, 0, sizeof *sasl);
    SecInvalidateHandle(&sasl->credential);
    SecInvalidateHandle(&sasl->context);
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if (strcmp(mechanism, mechanisms[i].name) == 0) {
            sasl->mechanism = &mechanisms[i];
        }
    }
    if (sasl->mechanism == NULL) {
        fprintf(stderr, "%s: not one of GSSAPI, GSS-SPNEGO, NTLM, DIGEST-MD5\n", mechanism);
        return false;
    }
    snprintf(sasl->target, sizeof sasl->target, "%s/%s", service, host);
    return !FAILED(acquire_outbound(sasl->mechanism->package, &sasl->credential));
}

/* A leg of the package's.  DIGEST-MD5 begins with the server's challenge, the others without one. */
static bool step(struct sasl *sasl, BYTE *in, ULONG in_size, BYTE *out, ULONG *out_size)
{
    bool first = !SecIsValidHandle(&sasl->context);
    SecBuffer in_buffer = {in_size, SECBUFFER_TOKEN, in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    SecBuffer out_buffer = {*out_size, SECBUFFER_TOKEN, out};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status = InitializeSecurityContextA(
        &sasl->credential, first ? NULL : &sasl->context, sasl->target, sasl->mechanism->request, 0,
        SECURITY_NETWORK_DREP, in_size > 0 ? &in_desc : NULL, 0, &sasl->context, &out_desc, &attributes, &expiry);
    if (FAILED(status)) {
        print_failure("InitializeSecurityContext", status);
        return false;
    }
    sasl->established = status == SEC_E_OK || status == SEC_I_COMPLETE_NEEDED;
    if (status == SEC_I_COMPLETE_NEEDED || status == SEC_I_COMPLETE_AND_CONTINUE) {
        status = CompleteAuthToken(&sasl->context, &out_desc);
        if (FAILED(status)) {
            print_failure("CompleteAuthToken", status);
            return false;
        }
    }
    *out_size = out_buffer.cbBuffer;
    return true;
}

/* "alice", of the "DOMAIN\\alice" that the context knows; a name that cannot be had is empty. */
static void own_name(struct sasl *sasl, char *out, size_t size)
{
    SecPkgContext_NamesA names;
    out[0] = '\0';
    if (QueryContextAttributesA(&sasl->context, SECPKG_ATTR_NAMES, &names) == SEC_E_OK) {
        const char *user = strrchr(names.sUserName, '\\');
        snprintf(out, size, "%s", user != NULL ? user + 1 : names.sUserName);
        FreeContextBuffer(names.sUserName);
    }
}

/* Protects a message in its place, without encrypting it; what the buffers hold then is put together. */
static bool wrap(struct sasl *sasl, char *message, ULONG size, BYTE *out, ULONG *out_size)
{
    SecPkgContext_Sizes sizes;
    BYTE trailer[TRAILER_MAX], padding[256];
    SECURITY_STATUS status = QueryContextAttributesA(&sasl->context, SECPKG_ATTR_SIZES, &sizes);
    if (FAILED(status) || sizes.cbSecurityTrailer > sizeof trailer || sizes.cbBlockSize > sizeof padding) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    SecBuffer buffers[3] = {
        {sizes.cbSecurityTrailer, SECBUFFER_TOKEN, trailer},
        {size, SECBUFFER_DATA, message},
        {sizes.cbBlockSize, SECBUFFER_PADDING, padding},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 3, buffers};
    status = EncryptMessage(&sasl->context, SECQOP_WRAP_NO_ENCRYPT, &desc, 0);
    if (FAILED(status)) {
        print_failure("EncryptMessage", status);
        return false;
    }
    *out_size = 0;
    for (int i = 0; i < 3; i++) {
        memcpy(out + *out_size, buffers[i].pvBuffer, buffers[i].cbBuffer);
        *out_size += buffers[i].cbBuffer;
    }
    return true;
}

/* The server's last word of GSSAPI offers security layers, the answer chooses none: the connection has TLS, or nothing (RFC
 * 4752 3.1, 3.3).  Behind the choice stands whose mail it shall be; some servers do not take that from the ticket. */
static bool choose_layer(struct sasl *sasl, BYTE *in, ULONG in_size, BYTE *out, ULONG *out_size)
{
    char choice[4 + NAME_SIZE] = {1};
    SecBuffer buffers[2] = {{in_size, SECBUFFER_STREAM, in}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    ULONG quality = 0;
    SECURITY_STATUS status = DecryptMessage(&sasl->context, &desc, 0, &quality);
    if (FAILED(status)) {
        print_failure("DecryptMessage", status);
        return false;
    }
    const BYTE *offer = buffers[1].pvBuffer;
    if (buffers[1].cbBuffer != 4 || (offer[0] & choice[0]) == 0) {
        fprintf(stderr, "the server insists on a security layer\n");
        return false;
    }
    own_name(sasl, choice + 4, NAME_SIZE);
    sasl->layered = wrap(sasl, choice, 4 + (ULONG)strlen(choice + 4), out, out_size);
    return sasl->layered;
}

static bool turn(struct sasl *sasl, BYTE *in, ULONG in_size, BYTE *out, ULONG *out_size)
{
    if (!sasl->established) {
        return step(sasl, in, in_size, out, out_size);
    }
    if (!sasl->layered && sasl->mechanism->layers != NO_LAYERS) {
        return choose_layer(sasl, in, in_size, out, out_size);
    }
    fprintf(stderr, "the server does not come to an end\n");
    return false;
}

bool sasl_respond(struct sasl *sasl, const char *challenge, char response[SASL_RESPONSE_MAX])
{
    static BYTE in[TOKEN_MAX], out[TOKEN_MAX];
    DWORD in_size = sizeof in;
    ULONG out_size = sizeof out;
    DWORD room = SASL_RESPONSE_MAX;
    if (challenge[0] == '\0') {
        in_size = 0;
    } else if (!CryptStringToBinaryA(challenge, 0, CRYPT_STRING_BASE64, in, &in_size, NULL, NULL)) {
        fprintf(stderr, "the challenge is not base64\n");
        return false;
    }
    if (!turn(sasl, in, in_size, out, &out_size)) {
        return false;
    }
    response[0] = '\0';
    return out_size == 0 ||
           CryptBinaryToStringA(out, out_size, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, response, &room);
}

bool sasl_complete(const struct sasl *sasl)
{
    return sasl->established && (sasl->layered || sasl->mechanism->layers != LAYERS);
}

void sasl_end(struct sasl *sasl)
{
    if (SecIsValidHandle(&sasl->context)) {
        DeleteSecurityContext(&sasl->context);
    }
    if (SecIsValidHandle(&sasl->credential)) {
        FreeCredentialsHandle(&sasl->credential);
    }
}
