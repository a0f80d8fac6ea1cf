#include "http_digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "terminal.h"

#define HTTP 0x10000000u /* ISC_REQ_HTTP, ASC_REQ_HTTP: in the documentation, not in the SDK's headers */
#define NAME "Digest "

static SecBuffer parameter(const char *text)
{
    return (SecBuffer){text != NULL ? (ULONG)strlen(text) : 0, SECBUFFER_PKG_PARAMS, (void *)(uintptr_t)text};
}

SECURITY_STATUS http_digest_accept(struct party *party, CredHandle *credential, struct bytes token,
                                   const struct digest_request *request, struct digest_challenges *out)
{
    SecBuffer input[] = {{(ULONG)token.size, SECBUFFER_TOKEN, (void *)(uintptr_t)token.data},
                         parameter(request->method),
                         parameter(request->uri),
                         parameter(NULL),
                         parameter(request->realm)};
    SecBuffer output[DIGEST_OFFERS];
    SecBufferDesc in = {SECBUFFER_VERSION, 5, input}, answer = {SECBUFFER_VERSION, DIGEST_OFFERS, output};
    TimeStamp expiry;
    const size_t front = sizeof NAME - 1;
    for (size_t i = 0; i < DIGEST_OFFERS; i++) {
        memcpy(out->text[i], NAME, front);
        output[i] = (SecBuffer){(ULONG)(DIGEST_TEXT - front - 1), SECBUFFER_TOKEN, out->text[i] + front};
    }
    uint64_t start = party_clock();
    SECURITY_STATUS status = AcceptSecurityContext(credential, NULL, &in, HTTP, SECURITY_NATIVE_DREP, &party->context,
                                                   &answer, &party->flags, &expiry);
    party->nanoseconds = party_clock() - start;
    party->has_context = status >= 0;
    party->established = status == SEC_E_OK;
    party->reason = status < 0 ? last_reason() : NULL;
    out->count = 0;
    for (size_t i = 0; status == SEC_I_CONTINUE_NEEDED && i < DIGEST_OFFERS && output[i].cbBuffer != 0; i++) {
        out->text[i][front + output[i].cbBuffer] = '\0';
        out->count++;
    }
    return status;
}

void http_digest_challenge(CredHandle *credential, const char *realm, struct digest_challenges *out)
{
    struct party party = {.acceptor = true};
    const struct digest_request request = {NULL, NULL, realm};
    if (http_digest_accept(&party, credential, BYTES_NONE, &request, out) < 0) {
        complain("no challenge: %s", party.reason != NULL ? party.reason : "?");
    }
    party_reset(&party);
}

char *http_digest_info(struct party *party, const struct digest_request *request)
{
    char *text = need(calloc(1, DIGEST_TEXT));
    SecBuffer buffers[] = {{0, SECBUFFER_TOKEN, NULL},
                           parameter(NULL),
                           parameter(request->uri),
                           parameter(NULL),
                           {DIGEST_TEXT - 1, SECBUFFER_PADDING, text}};
    SecBufferDesc message = {SECBUFFER_VERSION, 5, buffers};
    if (MakeSignature(&party->context, 0, &message, 0) != SEC_E_OK) {
        free(text);
        return NULL;
    }
    text[buffers[4].cbBuffer] = '\0';
    return text;
}

SECURITY_STATUS http_digest_answer(struct party *party, CredHandle *credential, struct bytes challenges,
                                   const struct digest_request *request, struct bytes *out)
{
    SecBuffer input[] = {{(ULONG)challenges.size, SECBUFFER_TOKEN, (void *)(uintptr_t)challenges.data},
                         parameter(request->method),
                         parameter(NULL)};
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc in = {SECBUFFER_VERSION, 3, input}, answer = {SECBUFFER_VERSION, 1, &token};
    TimeStamp expiry;
    uint64_t start = party_clock();
    SECURITY_STATUS status =
        InitializeSecurityContextA(credential, party->has_context ? &party->context : NULL,
                                   (char *)(uintptr_t)request->uri, HTTP | ISC_REQ_ALLOCATE_MEMORY, 0,
                                   SECURITY_NATIVE_DREP, &in, 0, &party->context, &answer, &party->flags, &expiry);
    party->nanoseconds = party_clock() - start;
    party->has_context = party->has_context || status >= 0;
    party->established = status == SEC_E_OK;
    party->reason = status < 0 ? last_reason() : NULL;
    *out = status >= 0 ? bytes_of(token.pvBuffer, token.cbBuffer) : BYTES_NONE;
    return status;
}

SECURITY_STATUS http_digest_check(struct party *party, const char *info, const struct digest_request *request)
{
    SecBuffer buffers[] = {{(ULONG)strlen(info), SECBUFFER_TOKEN, (void *)(uintptr_t)info},
                           parameter(NULL),
                           parameter(request->uri),
                           parameter(NULL)};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = VerifySignature(&party->context, &message, 0, NULL);
    party->reason = status < 0 ? last_reason() : NULL;
    return status;
}
