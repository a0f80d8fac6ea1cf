/* WDigest through the public interface, as its documented callers and curl use it: buffers, flags, statuses. */
#include "pair.h"

#include <stdio.h>

#include <sspi_ext.h>

#define HTTP  ISC_REQ_HTTP /* and ASC_REQ_HTTP */
#define NEVER INT64_C(0x7FFFFFFFFFFFFFFF)
#define REALM "testrealm@host.com"

/* MD5 of "Mufasa:testrealm@host.com:Circle Of Life", the account of RFC 2617 3.5. */
static const unsigned char hash[16] = {0x93, 0x9e, 0x75, 0x78, 0xed, 0x9e, 0x3c, 0x51,
                                       0x8a, 0x45, 0x2a, 0xce, 0xe7, 0x63, 0xbc, 0xe9};

static SECURITY_STATUS SEC_ENTRY look_up(void *argument, const SSPI_EXT_DIGEST_QUESTION *question,
                                         SSPI_EXT_DIGEST_ANSWER *answer)
{
    static const char name[] = "Mufasa", realm[] = REALM;
    bool same = question->UserLength == sizeof name - 1 && question->RealmLength == sizeof realm - 1 &&
                question->Algorithm == SSPI_EXT_DIGEST_MD5 && question->UserIsHashed == 0;
    (void)argument;
    for (size_t i = 0; same && i < sizeof name - 1; i++) {
        same = question->User[i] == (WCHAR)name[i];
    }
    for (size_t i = 0; same && i < sizeof realm - 1; i++) {
        same = question->Realm[i] == (WCHAR)realm[i];
    }
    memcpy(answer->Hash, hash, sizeof hash);
    return same ? SEC_E_OK : SEC_E_LOGON_DENIED;
}

static CredHandle client_credential(const char *domain)
{
    char user[] = "Mufasa", secret[] = "Circle Of Life", package[] = "WDigest";
    CredHandle out;
    TimeStamp expiry = {.QuadPart = 1};
    SEC_WINNT_AUTH_IDENTITY_A identity = {.User = (unsigned char *)user,
                                          .UserLength = sizeof user - 1,
                                          .Domain = (unsigned char *)(uintptr_t)domain,
                                          .DomainLength = (ULONG)strlen(domain),
                                          .Password = (unsigned char *)secret,
                                          .PasswordLength = sizeof secret - 1,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    assert_status(
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &out, &expiry),
        SEC_E_OK);
    assert_true(expiry.QuadPart == NEVER);
    return out;
}

static CredHandle server_credential(void)
{
    char package[] = "Digest";
    CredHandle out;
    assert_status(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &out, NULL),
                  SEC_E_OK);
    assert_status(SspiExtSetDigestLookup(&out, look_up, NULL), SEC_E_OK);
    return out;
}

struct text {
    char at[4096 + 1];
    ULONG size;
};

static SecBuffer parameter(const char *text)
{
    return (SecBuffer){text != NULL ? (ULONG)strlen(text) : 0, SECBUFFER_PKG_PARAMS, (void *)(uintptr_t)text};
}

static SECURITY_STATUS respond(CredHandle *credential, CtxtHandle *context, ULONG flags, const char *target,
                               const struct text *challenge, struct text *out)
{
    SecBuffer input[] = {{challenge->size, SECBUFFER_TOKEN, (void *)(uintptr_t)challenge->at},
                         parameter((flags & ISC_REQ_USE_HTTP_STYLE) != 0 || (flags & HTTP) != 0 ? "GET" : NULL),
                         parameter(NULL)};
    SecBuffer token = {4096, SECBUFFER_TOKEN, out->at};
    SecBufferDesc in = {SECBUFFER_VERSION, 3, input}, answer = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    TimeStamp expiry = {.QuadPart = 1};
    bool first = !SecIsValidHandle(context);
    memset(out->at, '#', sizeof out->at);
    SECURITY_STATUS status =
        InitializeSecurityContextA(credential, first ? NULL : context, (char *)(uintptr_t)target, flags, 0,
                                   SECURITY_NETWORK_DREP, &in, 0, context, &answer, &attributes, &expiry);
    out->size = status >= 0 ? token.cbBuffer : 0;
    if (status >= 0) {
        assert_int_equal(out->at[out->size], '#'); /* no NUL: the length is the length */
        assert_true(expiry.QuadPart == NEVER);
    }
    out->at[out->size] = '\0';
    return status;
}

/* The buffers as AcceptSecurityContext (Digest) lists them, the realm in UTF-16. */
static SECURITY_STATUS accept_http(CredHandle *credential, CtxtHandle *context, ULONG flags,
                                   const struct text *response, struct text *out)
{
    static const WCHAR realm[] = u"" REALM;
    SecBuffer input[] = {
        {response != NULL ? response->size : 0, SECBUFFER_TOKEN,
         response != NULL ? (void *)(uintptr_t)response->at : NULL},
        parameter("GET"),
        parameter(NULL),
        parameter(NULL),
        {sizeof realm - sizeof realm[0], SECBUFFER_PKG_PARAMS, (void *)(uintptr_t)realm},
        {0, SECBUFFER_CHANNEL_BINDINGS | SECBUFFER_READONLY, NULL},
    };
    SecBuffer token = {4096, SECBUFFER_TOKEN, out->at};
    SecBufferDesc in = {SECBUFFER_VERSION, 6, input}, answer = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    TimeStamp expiry = {.QuadPart = 1};
    bool first = !SecIsValidHandle(context);
    SECURITY_STATUS status = AcceptSecurityContext(credential, first ? NULL : context, &in, flags,
                                                   SECURITY_NETWORK_DREP, context, &answer, &attributes, &expiry);
    out->size = status >= 0 ? token.cbBuffer : 0;
    out->at[out->size] = '\0';
    if (status >= 0) {
        assert_true(expiry.QuadPart == NEVER);
    }
    return status;
}

static SECURITY_STATUS sign(CtxtHandle *context, const char *uri, ULONG room, struct text *out)
{
    SecBuffer buffers[] = {{0, SECBUFFER_TOKEN, NULL},
                           parameter("GET"),
                           parameter(uri),
                           parameter(NULL),
                           {room, SECBUFFER_PADDING, out->at}};
    SecBufferDesc message = {SECBUFFER_VERSION, 5, buffers};
    SECURITY_STATUS status = MakeSignature(context, 0, &message, 0);
    out->size = status == SEC_E_OK ? buffers[4].cbBuffer : 0;
    out->at[out->size] = '\0';
    return status;
}

/* curl's Curl_auth_create_digest_http_message: the realm of the challenge as the domain, HTTP by the SDK's flag, the credential
 * gone after the first response, and MakeSignature from then on. */
static void as_curl_does(void **state)
{
    static const ULONG styles[] = {ISC_REQ_USE_HTTP_STYLE, HTTP};
    for (size_t i = 0; i < 2; i++) {
        CredHandle client = client_credential(REALM), server = server_credential();
        CtxtHandle ours, theirs;
        struct text challenge, response, out;
        SecInvalidateHandle(&ours);
        SecInvalidateHandle(&theirs);
        assert_status(accept_http(&server, &theirs, HTTP, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_non_null(strstr(challenge.at, "realm=\"" REALM "\""));
        assert_null(strstr(challenge.at, "Digest")); /* the scheme's name is the caller's to write */
        assert_status(respond(&client, &ours, styles[i], "/dir/index.html", &challenge, &response), SEC_E_OK);
        assert_null(strstr(response.at, "Digest"));
        assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
        assert_status(accept_http(&server, &theirs, HTTP, &response, &out), SEC_E_OK);
        assert_int_equal(out.size, 0);
        assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
        for (int n = 2; n < 5; n++) {
            char count[16];
            (void)snprintf(count, sizeof count, "nc=%08x,", n);
            assert_status(sign(&ours, "/next", 20, &response), SEC_E_BUFFER_TOO_SMALL); /* and the count stays */
            assert_status(sign(&ours, "/next", 4096, &response), SEC_E_OK);
            assert_non_null(strstr(response.at, count));
            SecBuffer buffers[] = {
                {response.size, SECBUFFER_TOKEN, response.at}, parameter("GET"), parameter("/next"), parameter(NULL)};
            SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
            assert_status(VerifySignature(&theirs, &message, 0, NULL), SEC_E_OK);
            assert_status(VerifySignature(&theirs, &message, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
        }
        assert_status(DeleteSecurityContext(&ours), SEC_E_OK);
        assert_status(DeleteSecurityContext(&theirs), SEC_E_OK);
    }
}

/* curl's Curl_auth_create_digest_md5_message: flags 0, the challenge, one response; what the server proves is not handed in. */
static void as_curl_does_by_sasl(void **state)
{
    static const char text[] =
        "realm=\"" REALM "\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8";
    CredHandle client = client_credential("");
    CtxtHandle context;
    struct text challenge = {.size = sizeof text - 1}, response;
    memcpy(challenge.at, text, sizeof text);
    SecInvalidateHandle(&context);
    assert_status(respond(&client, &context, 0, "imap/elwood.innosoft.com", &challenge, &response),
                  SEC_I_CONTINUE_NEEDED);
    assert_non_null(strstr(response.at, "digest-uri=\"imap/elwood.innosoft.com\""));
    assert_non_null(strstr(response.at, "nc=00000001"));
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
}

/* The documented server: a request on another connection finds its context by opaque, and CompleteAuthToken judges it. */
static void another_connection(void **state)
{
    CredHandle client = client_credential(""), server = server_credential();
    CtxtHandle ours, theirs, again;
    struct text challenge, response, out;
    SecInvalidateHandle(&ours);
    SecInvalidateHandle(&theirs);
    SecInvalidateHandle(&again);
    assert_status(accept_http(&server, &theirs, HTTP, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_status(respond(&client, &ours, HTTP, "/dir/index.html", &challenge, &response), SEC_E_OK);
    assert_status(accept_http(&server, &theirs, HTTP, &response, &out), SEC_E_OK);
    assert_status(sign(&ours, "/2", 4096, &response), SEC_E_OK);
    assert_status(accept_http(&server, &again, HTTP, &response, &out), SEC_I_COMPLETE_NEEDED);
    assert_memory_equal(&again, &theirs, sizeof again);
    SecBuffer buffers[] = {{response.size, SECBUFFER_TOKEN, response.at}, parameter("GET"), parameter("/2")};
    SecBufferDesc message = {SECBUFFER_VERSION, 3, buffers};
    buffers[2] = parameter("/3");
    assert_status(CompleteAuthToken(&again, &message), SEC_E_LOGON_DENIED);
    buffers[2] = parameter("/2");
    assert_status(CompleteAuthToken(&again, &message), SEC_E_OK);
    assert_status(CompleteAuthToken(&again, &message), SEC_E_OUT_OF_SEQUENCE);
    assert_status(CompleteAuthToken(&ours, &message), SEC_E_OK); /* a client's response is complete */
    assert_status(DeleteSecurityContext(&ours), SEC_E_OK);
    assert_status(DeleteSecurityContext(&theirs), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
}

/* What WDigest has not got, by the status that the documentation or the absence of a function gives it. */
static void what_there_is_not(void **state)
{
    CredHandle client = client_credential(""), server = server_credential();
    CtxtHandle ours, theirs, imported;
    struct text challenge, response, out;
    char text[32] = "message", package[] = "WDigest";
    SecBuffer packed = {0, 0, NULL}, data = {sizeof text, SECBUFFER_DATA, text};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &data};
    HANDLE token = NULL;
    ULONG qop = 0;
    SecInvalidateHandle(&ours);
    SecInvalidateHandle(&theirs);
    assert_status(accept_http(&server, &theirs, HTTP | ASC_REQ_CONFIDENTIALITY, NULL, &challenge),
                  SEC_E_SECURITY_QOS_FAILED);
    assert_status(accept_http(&server, &theirs, HTTP, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_status(ExportSecurityContext(&theirs, 0, &packed, &token), SEC_E_OUT_OF_SEQUENCE);
    assert_status(respond(&client, &ours, HTTP | ISC_REQ_CONFIDENTIALITY, "/", &challenge, &response),
                  SEC_E_SECURITY_QOS_FAILED);
    assert_status(respond(&client, &ours, HTTP, "/", &challenge, &response), SEC_E_OK);
    assert_status(accept_http(&server, &theirs, HTTP, &response, &out), SEC_E_OK);
    assert_status(accept_http(&server, &theirs, HTTP, &response, &out), SEC_E_LOGON_DENIED); /* as documented */
    assert_status(EncryptMessage(&ours, 0, &message, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(DecryptMessage(&theirs, &message, 0, &qop), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ApplyControlToken(&ours, &message), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ExportSecurityContext(&ours, SECPKG_CONTEXT_EXPORT_RESET_NEW, &packed, &token),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ExportSecurityContext(&theirs, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, &token),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_null(packed.pvBuffer);
    packed = (SecBuffer){sizeof text, 0, text};
    assert_status(ImportSecurityContextA(package, &packed, NULL, &imported), SEC_E_INVALID_TOKEN);
    assert_status(ImpersonateSecurityContext(&ours), SEC_E_NO_IMPERSONATION);
    assert_status(ImpersonateSecurityContext(&theirs), SEC_E_OK);
    assert_status(RevertSecurityContext(&theirs), SEC_E_OK);
    assert_status(QuerySecurityContextToken(&theirs, &token), SEC_E_OK);
    assert_int_not_equal(CloseHandle(token), 0);
    assert_status(DeleteSecurityContext(&ours), SEC_E_OK);
    assert_status(DeleteSecurityContext(&theirs), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
}

/* The library's memory, by either side. */
static void allocated(void **state)
{
    CredHandle client = client_credential(""), server = server_credential();
    CtxtHandle ours, theirs;
    SecBuffer given = {0, SECBUFFER_TOKEN, NULL}, token = {0, SECBUFFER_TOKEN, NULL}, method = parameter("GET");
    SecBufferDesc none = {SECBUFFER_VERSION, 1, &given}, out = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    assert_status(AcceptSecurityContext(&server, NULL, &none, HTTP | ASC_REQ_ALLOCATE_MEMORY, 0, &theirs, &out,
                                        &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_true((attributes & ASC_RET_ALLOCATED_MEMORY) != 0);
    SecBuffer input[] = {{token.cbBuffer, SECBUFFER_TOKEN, token.pvBuffer}, method};
    SecBufferDesc in = {SECBUFFER_VERSION, 2, input};
    void *challenge = token.pvBuffer;
    char uri[] = "/";
    token = (SecBuffer){0, SECBUFFER_TOKEN, NULL};
    assert_status(InitializeSecurityContextA(&client, NULL, uri, HTTP | ISC_REQ_ALLOCATE_MEMORY, 0, 0, &in, 0, &ours,
                                             &out, &attributes, NULL),
                  SEC_E_OK);
    assert_true((attributes & ISC_RET_ALLOCATED_MEMORY) != 0);
    assert_status(FreeContextBuffer(challenge), SEC_E_OK);
    assert_status(FreeContextBuffer(token.pvBuffer), SEC_E_OK);
    assert_status(DeleteSecurityContext(&ours), SEC_E_OK);
    assert_status(DeleteSecurityContext(&theirs), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_curl_does),       cmocka_unit_test(as_curl_does_by_sasl),
        cmocka_unit_test(another_connection), cmocka_unit_test(what_there_is_not),
        cmocka_unit_test(allocated),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
