/* CredSSP's two sides against each other, through the public functions, under the policies that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/policy.h"
#include "core/token.h"
#include "sspi_ext.h"
#include "support/credssp_peer.h"

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3, SP_PROT_TLS1_1};
#define VERSIONS (sizeof versions / sizeof versions[0])

static struct ends ends;
static struct policy policy;

#define assert_status(call, expected) assert_status_at((call), (expected), #call, __LINE__)

static void assert_status_at(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, int line)
{
    if (status != expected) {
        print_message("# line %d: %s: %08x instead of %08x: %s\n", line, call, (unsigned)status, (unsigned)expected,
                      SspiExtLastReason(NULL) != NULL ? SspiExtLastReason(NULL) : "");
    }
    assert_int_equal(status, expected);
}

static int begin(void **state)
{
    policy_defaults(&policy);
    policy.kerberos_enabled = false;
    policy_override(&policy);
    return 0;
}

static int end(void **state)
{
    ends_free(&ends);
    memset(&ends, 0, sizeof ends);
    return 0;
}

static void open_both(DWORD protocols)
{
    assert_status(credssp_ends_acquire(&ends, protocols, NULL), SEC_E_OK);
    bool open = ends_shake(&ends);
    if (!open) {
        print_message("# client %08x, server %08x\n", (unsigned)ends.status[0], (unsigned)ends.status[1]);
    }
    assert_true(open);
}

/* ---------------------------------------------------------------- what is good */

static void messages(void **state)
{
    for (size_t i = 0; i < VERSIONS; i++) {
        open_both(versions[i]);
        assert_true(ends_message(&ends, END_CLIENT, "there", 5));
        assert_true(ends_message(&ends, END_SERVER, "and back", 8));
        end(state);
    }
}

static void returned_flags(void **state)
{
    const ULONG both = ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_CONFIDENTIALITY | ISC_RET_DELEGATE;
    open_both(SP_PROT_TLS1_3);
    assert_int_equal(ends.attributes[END_CLIENT],
                     both | ISC_RET_STREAM | ISC_RET_MANUAL_CRED_VALIDATION | ISC_RET_EXTENDED_ERROR);
    assert_int_equal(ends.attributes[END_SERVER], both | ASC_RET_STREAM | ASC_RET_EXTENDED_ERROR);
    for (int side = 0; side < 2; side++) {
        SecPkgContext_Flags flags = {99};
        assert_status(QueryContextAttributesA(&ends.contexts[side], SECPKG_ATTR_FLAGS, &flags), SEC_E_OK);
        assert_int_equal(flags.Flags, ends.attributes[side]);
    }
}

/* Bytes come as they like: one at a time, to either side. */
static void a_byte_at_a_time(void **state)
{
    static uint8_t queue[2][ENDS_ROOM];
    size_t left[2] = {0, 0};
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    assert_status(ends_step(&ends, END_CLIENT), SEC_I_CONTINUE_NEEDED);
    for (long i = 0; i < 200000 && !(ends.status[0] == SEC_E_OK && ends.status[1] == SEC_E_OK); i++) {
        for (int side = 0; side < 2; side++) {
            size_t kept = 0; /* what a step left or what is incomplete stays in front */
            if (left[side] == 0 && ends.size[side] == 0) {
                continue;
            }
            if (left[side] != 0) {
                ends_put(&ends, side, queue[side], 1);
                memmove(queue[side], queue[side] + 1, --left[side]);
            }
            size_t before = ends.size[1 - side];
            SECURITY_STATUS status = ends_step(&ends, side);
            assert_true(status >= 0 || status == SEC_E_INCOMPLETE_MESSAGE);
            kept = ends.size[1 - side] - before; /* what it said goes into the queue */
            memcpy(queue[1 - side] + left[1 - side], ends.wire[1 - side] + before, kept);
            left[1 - side] += kept;
            ends.size[1 - side] = before;
            if (side == END_CLIENT && i == 0) {
                continue;
            }
        }
        if (i == 0) { /* the first flight was put whole */
            continue;
        }
    }
    assert_status(ends.status[END_CLIENT], SEC_E_OK);
    assert_status(ends.status[END_SERVER], SEC_E_OK);
}

/* A buffer that is too small loses nothing: the same call with more room gets the token. */
static void a_buffer_that_is_too_small(void **state)
{
    static SEC_CHAR target[] = "TERMSRV/server";
    static uint8_t room[ENDS_ROOM], input[ENDS_ROOM];
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    int side = END_CLIENT;
    unsigned refused = 0;
    for (int leg = 0; leg < 12; leg++, side = 1 - side) {
        size_t size = ends.size[side];
        memcpy(input, ends.wire[side], size);
        for (ULONG out_size = 1;; out_size = sizeof room) {
            SecBuffer in[2] = {{(ULONG)size, SECBUFFER_TOKEN, input}, {0, SECBUFFER_EMPTY, NULL}};
            SecBuffer out = {out_size, SECBUFFER_TOKEN, room};
            SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 1, &out};
            CtxtHandle *old = ends.has_context[side] ? &ends.contexts[side] : NULL;
            ULONG flags;
            ends.status[side] = side == END_CLIENT
                                    ? InitializeSecurityContextA(&ends.credentials[side], old, target, ISC_REQ_DELEGATE,
                                                                 0, 0, old != NULL ? &in_desc : NULL, 0,
                                                                 &ends.contexts[side], &out_desc, &flags, NULL)
                                    : AcceptSecurityContext(&ends.credentials[side], old, &in_desc, 0, 0,
                                                            &ends.contexts[side], &out_desc, &flags, NULL);
            ends.has_context[side] = ends.has_context[side] || ends.status[side] >= 0;
            if (ends.status[side] == SEC_E_INSUFFICIENT_MEMORY && out_size == 1) {
                refused++;
                continue;
            }
            assert_true(ends.status[side] >= 0);
            ends.size[side] = 0;
            ends_put(&ends, 1 - side, room, out.cbBuffer);
            break;
        }
        if (ends.status[0] == SEC_E_OK && ends.status[1] == SEC_E_OK && ends.has_context[1]) {
            break;
        }
    }
    assert_status(ends.status[END_CLIENT], SEC_E_OK);
    assert_status(ends.status[END_SERVER], SEC_E_OK);
    assert_true(refused >= 6);
    assert_true(ends_message(&ends, END_CLIENT, "there", 5));
}

static void close_by_either_side(void **state)
{
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer buffer = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown};
    SecBufferDesc control = {SECBUFFER_VERSION, 1, &buffer};
    for (size_t i = 0; i < VERSIONS; i++) {
        open_both(versions[i]);
        for (int side = 0; side < 2; side++) {
            uint8_t room[ENDS_ROOM];
            size_t size;
            assert_status(ApplyControlToken(&ends.contexts[side], &control), SEC_E_OK);
            assert_true(ends_step(&ends, side) >= 0);
            assert_status(ends_receive(&ends, 1 - side, room, &size), SEC_I_CONTEXT_EXPIRED);
            ends.size[1 - side] = 0;
        }
        end(state);
    }
}

/* ---------------------------------------------------------------- attributes */

static void query(int side, ULONG attribute, void *out)
{
    SECURITY_STATUS status = QueryContextAttributesA(&ends.contexts[side], attribute, out);
    if (status != SEC_E_OK) {
        print_message("# side %d, attribute %08x\n", side, (unsigned)attribute);
    }
    assert_status(status, SEC_E_OK);
}

static void refuse(int side, ULONG attribute, SECURITY_STATUS expected)
{
    uint8_t room[512];
    assert_status(QueryContextAttributesA(&ends.contexts[side], attribute, room), expected);
}

static void attributes_of_both(void **state)
{
    open_both(SP_PROT_TLS1_3);
    for (int side = 0; side < 2; side++) {
        SecPkgContext_Sizes sizes;
        SecPkgContext_StreamSizes stream;
        SecPkgContext_NamesA names;
        SecPkgContext_PackageInfoA info;
        SecPkgContext_SessionKey key;
        SecPkgContext_ConnectionInfo connection;
        query(side, SECPKG_ATTR_SIZES, &sizes);
        assert_int_equal(sizes.cbMaxToken, 90567);
        query(side, SECPKG_ATTR_STREAM_SIZES, &stream);
        assert_int_equal(stream.cbMaximumMessage, 16384);
        query(side, SECPKG_ATTR_CONNECTION_INFO, &connection);
        query(side, SECPKG_ATTR_NAMES, &names);
        assert_string_equal(names.sUserName, "Domain\\User");
        FreeContextBuffer(names.sUserName);
        query(side, SECPKG_ATTR_PACKAGE_INFO, &info);
        assert_string_equal(info.PackageInfo->Name, "CREDSSP");
        FreeContextBuffer(info.PackageInfo);
        query(side, SECPKG_ATTR_NEGOTIATION_PACKAGE, &info);
        assert_string_equal(info.PackageInfo->Name, "NTLM");
        FreeContextBuffer(info.PackageInfo);
        query(side, SECPKG_ATTR_SESSION_KEY, &key);
        assert_int_equal(key.SessionKeyLength, 16);
        FreeContextBuffer(key.SessionKey);
        SecPkgContext_CredentialNameA name;
        query(side, SECPKG_ATTR_CREDENTIAL_NAME, &name);
        assert_string_equal(name.sCredentialName, "Domain\\User");
        FreeContextBuffer(name.sCredentialName);
        refuse(side, SECPKG_ATTR_NEGOTIATION_INFO, SEC_E_UNSUPPORTED_FUNCTION);
    }
}

static void attributes_of_the_client(void **state)
{
    SecPkgContext_Flags flags = {99};
    CERT_TRUST_STATUS trust = {99, 99};
    PCCERT_CONTEXT certificate;
    open_both(SP_PROT_TLS1_3);
    query(END_CLIENT, SECPKG_ATTR_SERVER_AUTH_FLAGS, &flags);
    assert_int_equal(flags.Flags, 0); /* NTLM, and a certificate that nobody trusts */
    query(END_CLIENT, SECPKG_ATTR_CERT_TRUST_STATUS, &trust);
    assert_int_not_equal(trust.dwErrorStatus & CERT_TRUST_IS_UNTRUSTED_ROOT, 0);
    query(END_CLIENT, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate);
    assert_int_equal(certificate->cbCertEncoded, ends_certificate()->cbCertEncoded);
    assert_memory_equal(certificate->pbCertEncoded, ends_certificate()->pbCertEncoded, certificate->cbCertEncoded);
    CertFreeCertificateContext(certificate);
    refuse(END_CLIENT, SECPKG_ATTR_CREDS, SEC_E_UNSUPPORTED_FUNCTION);
    refuse(END_CLIENT, SECPKG_ATTR_C_ACCESS_TOKEN, SEC_E_UNSUPPORTED_FUNCTION);
    refuse(END_SERVER, SECPKG_ATTR_SERVER_AUTH_FLAGS, SEC_E_UNSUPPORTED_FUNCTION);
    refuse(END_SERVER, SECPKG_ATTR_CERT_TRUST_STATUS, SEC_E_UNSUPPORTED_FUNCTION);
}

static void nothing_is_known_early(void **state)
{
    SecPkgContext_PackageInfoA info;
    uint8_t message[64] = {0};
    SecBuffer buffer = {sizeof message, SECBUFFER_DATA, message};
    SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    assert_status(ends_step(&ends, END_CLIENT), SEC_I_CONTINUE_NEEDED);
    refuse(END_CLIENT, SECPKG_ATTR_SIZES, SEC_E_INVALID_HANDLE);
    refuse(END_CLIENT, SECPKG_ATTR_REMOTE_CERT_CONTEXT, SEC_E_INVALID_HANDLE);
    query(END_CLIENT, SECPKG_ATTR_PACKAGE_INFO, &info);
    FreeContextBuffer(info.PackageInfo);
    assert_status(EncryptMessage(&ends.contexts[END_CLIENT], 0, &desc, 0), SEC_E_OUT_OF_SEQUENCE);
    assert_status(DecryptMessage(&ends.contexts[END_CLIENT], &desc, 0, NULL), SEC_E_OUT_OF_SEQUENCE);
    assert_status(ApplyControlToken(&ends.contexts[END_CLIENT], &desc), SEC_E_OUT_OF_SEQUENCE);
}

static void the_package(void **state)
{
    SecPkgInfoA *info;
    SEC_CHAR name[] = "credssp";
    assert_status(QuerySecurityPackageInfoA(name, &info), SEC_E_OK);
    assert_int_equal(info->fCapabilities, 0x00810733);
    assert_int_equal(info->wRPCID, 0xFFFF);
    assert_string_equal(info->Name, "CREDSSP");
    assert_string_equal(info->Comment, "Microsoft CredSSP Security Provider");
    FreeContextBuffer(info);
}

/* ---------------------------------------------------------------- what is delegated */

/* KERB_INTERACTIVE_LOGON of Domain, User, Password: made of the structure's definition. */
static const uint8_t packed[] =
    "\x02\0\0\0\0\0\0\0\x0c\0\x0c\0\0\0\0\0\x38\0\0\0\0\0\0\0\x08\0\x08\0\0\0\0\0\x44\0\0\0\0\0\0\0"
    "\x10\0\x10\0\0\0\0\0\x4c\0\0\0\0\0\0\0D\0o\0m\0a\0i\0n\0U\0s\0e\0r\0P\0a\0s\0s\0w\0o\0r\0d";

static void delegated_password(void **state)
{
    static const ULONG attributes[] = {SECPKG_ATTR_CREDS, SECPKG_ATTR_CREDS_2};
    open_both(SP_PROT_TLS1_3);
    for (size_t i = 0; i < 2; i++) {
        SecPkgContext_ClientCreds creds;
        query(END_SERVER, attributes[i], &creds);
        assert_int_equal(creds.AuthBufferLen, sizeof packed);
        assert_memory_equal(creds.AuthBuffer, packed, sizeof packed);
        FreeContextBuffer(creds.AuthBuffer);
    }
}

static void nothing_without_the_flag(void **state)
{
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    ends.request[END_CLIENT] = 0;
    ends.target = "HTTP/nobody"; /* whom the policy would refuse */
    assert_true(ends_shake(&ends));
    refuse(END_SERVER, SECPKG_ATTR_CREDS, SEC_E_NO_CREDENTIALS);
    assert_int_equal((ends.attributes[END_CLIENT] | ends.attributes[END_SERVER]) & ISC_RET_DELEGATE, 0);
    assert_true(ends_message(&ends, END_CLIENT, "there", 5));
}

/* The thread that stands for the client logs on elsewhere as he: with his password, not with the process's. */
static void delegated_password_in_use(void **state)
{
    SEC_CHAR ntlm[] = "NTLM";
    CredHandle second;
    SecPkgCredentials_NamesA names;
    open_both(SP_PROT_TLS1_3);
    assert_status(AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &second, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_status(ImpersonateSecurityContext(&ends.contexts[END_SERVER]), SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &second, NULL),
                  SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(&second, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    FreeContextBuffer(names.sUserName);
    assert_status(RevertSecurityContext(&ends.contexts[END_SERVER]), SEC_E_OK);
    FreeCredentialsHandle(&second);
    assert_status(AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &second, NULL),
                  SEC_E_NO_CREDENTIALS);
    HANDLE token = NULL;
    assert_status(QuerySecurityContextToken(&ends.contexts[END_SERVER], &token), SEC_E_OK);
    assert_true(CloseHandle(token));
    SecPkgContext_AccessToken own;
    query(END_SERVER, SECPKG_ATTR_C_ACCESS_TOKEN, &own);
    assert_non_null(own.AccessToken);
    query(END_SERVER, SECPKG_ATTR_ACCESS_TOKEN, &own);
    refuse(END_CLIENT, SECPKG_ATTR_ACCESS_TOKEN, SEC_E_NO_IMPERSONATION);
}

/* A credential whose pAuthData is this, and what the server gets. */
static void delegate_with(const void *cred, const uint8_t *expected, size_t size)
{
    SecPkgContext_ClientCreds creds;
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, cred), SEC_E_OK);
    assert_true(ends_shake(&ends));
    query(END_SERVER, SECPKG_ATTR_CREDS, &creds);
    assert_int_equal(creds.AuthBufferLen, size);
    assert_memory_equal(creds.AuthBuffer, expected, size);
    FreeContextBuffer(creds.AuthBuffer);
    assert_true(ends.attributes[END_SERVER] & ASC_RET_DELEGATE);
    end(NULL);
}

static void packed_logons(void **state)
{
    CREDSSP_CRED cred = {CredsspSubmitBufferBoth, NULL, (void *)(uintptr_t)packed};
    CREDSSP_CRED_EX ex = {CredsspCredEx, CREDSSP_CRED_EX_VERSION, 0, 0, cred};
    delegate_with(&cred, packed, sizeof packed);
    delegate_with(&ex, packed, sizeof packed);
    cred.Type = CredsspSubmitBufferBothOld;
    delegate_with(&cred, packed, sizeof packed);
}

/* The account comes from the file that NTLM_USER_FILE names: the card is for the server alone. */
static void with_default_identity(const char *password)
{
    char path[] = "/tmp/credssp-unit.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *stream = fdopen(file, "w");
    fprintf(stream, "Domain:User:%s\n", password);
    fclose(stream);
    setenv("NTLM_USER_FILE", path, 1);
}

static void without_default_identity(void)
{
    remove(getenv("NTLM_USER_FILE"));
    unsetenv("NTLM_USER_FILE");
}

static void cards_and_tickets(void **state)
{
    static const uint8_t card[] =
        "\x0d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x48\0\0\0\0\0\0\0\x02\0\x02\0\0\0\0\0\x48\0\0\0\0\0\0\0"
        "\x04\0\x04\0\0\0\0\0\x4a\0\0\0\0\0\0\0\0\0\0\0\x34\0\0\0\x4e\0\0\0\0\0\0\0u\0\x31\0\x32\0"
        "\x34\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x03\0\0\0\x04\0\0\0\0\0R\0\0\0\0\0P\0"
        "\0";
    static const uint8_t tickets[] = "\x0a\0\0\0\0\0\0\0\x03\0\0\0\x02\0\0\0\x20\0\0\0\0\0\0\0\x23\0\0\0\0\0\0\0tgt2";
    CREDSSP_CRED cred = {CredsspCertificateCreds, NULL, (void *)(uintptr_t)card};
    CREDSSP_CRED_EX guard = {CredsspCredEx,
                             CREDSSP_CRED_EX_VERSION,
                             CREDSSP_FLAG_REDIRECT,
                             0,
                             {CredsspSubmitBufferBoth, NULL, (void *)(uintptr_t)tickets}};
    with_default_identity("Password");
    delegate_with(&cred, card, sizeof card);
    delegate_with(&guard, tickets, sizeof tickets);
    without_default_identity();
}

static void credentials_that_make_no_sense(void **state)
{
    static const uint8_t interactive[64] = {2}, tickets[64] = {10};
    const struct {
        CREDSSP_CRED_EX ex;
        SECURITY_STATUS status;
    } cases[] = {
        {{CredsspCredEx, 1, 0, 0, {CredsspPasswordCreds, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 2, 0, {CredsspPasswordCreds, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 0, 0, {CredsspCredEx, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 0, 0, {(CREDSPP_SUBMIT_TYPE)3, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 0, 0, {CredsspSubmitBufferBoth, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 0, 0, {CredsspCertificateCreds, NULL, (void *)(uintptr_t)interactive}},
         SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, CREDSSP_FLAG_REDIRECT, 0, {CredsspSubmitBufferBoth, NULL, (void *)(uintptr_t)interactive}},
         SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, 0, 0, {CredsspSubmitBufferBoth, NULL, (void *)(uintptr_t)tickets}},
         SEC_E_UNKNOWN_CREDENTIALS},
        {{CredsspCredEx, 0, CREDSSP_FLAG_REDIRECT, 0, {CredsspPasswordCreds, NULL, NULL}}, SEC_E_UNKNOWN_CREDENTIALS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(credssp_ends_client(&ends, 0, &cases[i].ex), cases[i].status);
    }
    SEC_CHAR package[] = "CREDSSP";
    CredHandle handle;
    assert_status(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &handle, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_status(AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &handle, NULL),
                  SEC_E_NO_CREDENTIALS);
    policy.credssp_enabled = false;
    assert_status(credssp_ends_client(&ends, 0, NULL), SEC_E_SECPKG_NOT_FOUND);
}

/* ---------------------------------------------------------------- to whom */

static void first_leg(const char *target, ULONG request, SECURITY_STATUS expected)
{
    ends_reset(&ends);
    ends.target = target;
    ends.request[END_CLIENT] = request;
    assert_status(ends_step(&ends, END_CLIENT), expected);
    assert_int_equal(ends.size[END_SERVER] == 0, expected < 0); /* nothing was said */
}

static void policy_of_targets(void **state)
{
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    first_leg("TERMSRV/server", ISC_REQ_DELEGATE, SEC_I_CONTINUE_NEEDED);
    first_leg("termsrv/server", ISC_REQ_DELEGATE, SEC_I_CONTINUE_NEEDED);
    first_leg("WSMAN/server", ISC_REQ_DELEGATE, SEC_E_DELEGATION_POLICY);
    first_leg("server", ISC_REQ_DELEGATE, SEC_E_DELEGATION_POLICY);
    first_leg("WSMAN/server", 0, SEC_I_CONTINUE_NEEDED);
    strcpy(policy.credssp_fresh_ntlm, "");
    first_leg("TERMSRV/server", ISC_REQ_DELEGATE, SEC_I_CONTINUE_NEEDED);
    strcpy(policy.credssp_fresh, "WSMAN/*");
    first_leg("TERMSRV/server", ISC_REQ_DELEGATE, SEC_E_DELEGATION_POLICY);
    first_leg("WSMAN/server", ISC_REQ_DELEGATE, SEC_I_CONTINUE_NEEDED);
    first_leg("TERMSRV/server", ISC_REQ_DATAGRAM, SEC_E_UNSUPPORTED_FUNCTION);
    first_leg("TERMSRV/server", ISC_REQ_PROMPT_FOR_CREDS, SEC_E_UNSUPPORTED_FUNCTION);
}

/* Shakes hands until the client fails with this. */
static void refused_in_the_end(SECURITY_STATUS expected)
{
    assert_false(ends_shake(&ends));
    assert_status(ends.status[END_CLIENT], expected);
    assert_status(ends_step(&ends, END_CLIENT), SEC_E_OUT_OF_SEQUENCE);
}

/* NTLM proves no server, and neither does a certificate that nobody trusts. */
static void policy_of_ntlm(void **state)
{
    strcpy(policy.credssp_fresh_ntlm, "");
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    refused_in_the_end(SEC_E_POLICY_NLTM_ONLY);
    end(state);
    begin(state);
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    ends.request[END_CLIENT] |= ISC_REQ_MUTUAL_AUTH;
    refused_in_the_end(SEC_E_MUTUAL_AUTH_FAILED);
}

/* A root store with the server's own certificate makes it a trusted one. */
static void trusted_certificates(void **state)
{
    SecPkgContext_Flags flags;
    CERT_TRUST_STATUS trust = {99, 99};
    HCERTSTORE roots = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_true(CertAddCertificateContextToStore(roots, ends_certificate(), CERT_STORE_ADD_ALWAYS, NULL));
    SCHANNEL_CRED tls = {
        .dwVersion = SCHANNEL_CRED_VERSION, .hRootStore = roots, .grbitEnabledProtocols = SP_PROT_TLS1_3};
    CREDSSP_CRED cred = {CredsspPasswordCreds, &tls, &credssp_ends_identity};
    strcpy(policy.credssp_fresh_ntlm, "");
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, &cred), SEC_E_OK);
    ends.request[END_CLIENT] |= ISC_REQ_MUTUAL_AUTH;
    assert_true(ends_shake(&ends));
    assert_true(ends.attributes[END_CLIENT] & ISC_RET_MUTUAL_AUTH);
    query(END_CLIENT, SECPKG_ATTR_SERVER_AUTH_FLAGS, &flags);
    assert_int_equal(flags.Flags, CREDSSP_SERVER_AUTH_CERTIFICATE);
    query(END_CLIENT, SECPKG_ATTR_CERT_TRUST_STATUS, &trust);
    assert_int_equal(trust.dwErrorStatus, 0);
    ends_reset(&ends);
    ends.target = "TERMSRV/other"; /* whom the certificate does not name */
    refused_in_the_end(SEC_E_MUTUAL_AUTH_FAILED);
    ends_reset(&ends);
    ends.request[END_CLIENT] = ISC_REQ_DELEGATE;
    refused_in_the_end(SEC_E_POLICY_NLTM_ONLY);
    CertCloseStore(roots, 0);
}

/* Those of whoever is logged on go to nobody unless the policy says so. */
static void policy_of_saved_credentials(void **state)
{
    CREDSSP_CRED cred = {CredsspPasswordCreds, NULL, NULL};
    with_default_identity("Password");
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, &cred), SEC_E_OK);
    first_leg("TERMSRV/server", ISC_REQ_DELEGATE, SEC_E_DELEGATION_POLICY);
    strcpy(policy.credssp_saved, "TERMSRV/server");
    ends_reset(&ends);
    refused_in_the_end(SEC_E_POLICY_NLTM_ONLY);
    end(state);
    strcpy(policy.credssp_saved_ntlm, "TERMSRV/server");
    delegate_with(&cred, packed, sizeof packed);
    without_default_identity();
}

/* Those of the principal that the credential was acquired for, whoever is logged on when the context begins. */
static void saved_credentials_of_the_principal(void **state)
{
    SEC_CHAR principal[] = "User", package[] = "CREDSSP";
    char path[] = "/tmp/credssp-unit.XXXXXX";
    SecPkgContext_ClientCreds creds;
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *stream = fdopen(file, "w");
    fprintf(stream, "Domain:Other:hers\nDomain:User:Password\n");
    fclose(stream);
    setenv("NTLM_USER_FILE", path, 1);
    strcpy(policy.credssp_saved_ntlm, "TERMSRV/server");
    assert_status(AcquireCredentialsHandleA(principal, package, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                            &ends.credentials[END_CLIENT], NULL),
                  SEC_E_OK);
    ends.has_credential[END_CLIENT] = true;
    ends.request[END_CLIENT] = ISC_REQ_DELEGATE;
    ends.target = "TERMSRV/server";
    assert_status(credssp_ends_server(&ends, SP_PROT_TLS1_2), SEC_E_OK);
    without_default_identity();
    with_default_identity("somebody else's");
    assert_true(ends_shake(&ends));
    query(END_SERVER, SECPKG_ATTR_CREDS, &creds);
    assert_int_equal(creds.AuthBufferLen, sizeof packed);
    assert_memory_equal(creds.AuthBuffer, packed, sizeof packed);
    FreeContextBuffer(creds.AuthBuffer);
    without_default_identity();
}

static void acquire_as(struct token *token, SECURITY_STATUS expected)
{
    CREDSSP_CRED cred = {CredsspPasswordCreds, NULL, NULL};
    assert_status(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    assert_status(credssp_ends_client(&ends, SP_PROT_TLS1_3, &cred), expected);
    assert_status(token_revert(), SEC_E_OK);
}

/* A thread that stands for somebody delegates what he delegated, and never the program's own password. */
static void saved_credentials_of_a_client(void **state)
{
    static const uint8_t name[] = {'U', 0, 's', 0, 'e', 0, 'r', 0},
                         domain[] = {'D', 0, 'o', 0, 'm', 0, 'a', 0, 'i', 0, 'n', 0},
                         password[] = {'P', 0, 'a', 0, 's', 0, 's', 0, 'w', 0, 'o', 0, 'r', 0, 'd', 0};
    struct utf16 user = {name, sizeof name}, realm = {domain, sizeof domain};
    struct token *token = NULL;
    SecPkgContext_ClientCreds creds;
    strcpy(policy.credssp_saved_ntlm, "TERMSRV/server");
    with_default_identity("the program's");
    assert_status(token_new(user, realm, false, NULL, &token), SEC_E_OK);
    acquire_as(token, SEC_E_NO_CREDENTIALS);
    end(state);
    assert_status(token_new(user, realm, false, NULL, &token), SEC_E_OK);
    assert_status(token_give_password(token, user, realm, BYTES(password)), SEC_E_OK);
    acquire_as(token, SEC_E_OK);
    assert_status(credssp_ends_server(&ends, SP_PROT_TLS1_3), SEC_E_OK);
    assert_true(ends_shake(&ends));
    query(END_SERVER, SECPKG_ATTR_CREDS, &creds);
    assert_int_equal(creds.AuthBufferLen, sizeof packed);
    assert_memory_equal(creds.AuthBuffer, packed, sizeof packed);
    FreeContextBuffer(creds.AuthBuffer);
    without_default_identity();
}

/* A hash, or no password: a session, but nothing to delegate. */
static void nothing_to_delegate(void **state)
{
    static const char hash[] = "a4f49c406510bdcab6824ee7c30fd852";
    SEC_WINNT_AUTH_IDENTITY_A identity = {.User = (void *)(uintptr_t) "User",
                                          .UserLength = 4,
                                          .Domain = (void *)(uintptr_t) "Domain",
                                          .DomainLength = 6,
                                          .Password = (void *)(uintptr_t)hash,
                                          .PasswordLength = 32,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI | SSPI_AUTH_IDENTITY_NT_HASH};
    CREDSSP_CRED cred = {CredsspPasswordCreds, NULL, &identity};
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_3, &cred), SEC_E_OK);
    first_leg("TERMSRV/server", ISC_REQ_DELEGATE, SEC_E_NO_CREDENTIALS);
    ends_reset(&ends);
    ends.request[END_CLIENT] = 0;
    assert_true(ends_shake(&ends));
    refuse(END_SERVER, SECPKG_ATTR_CREDS, SEC_E_NO_CREDENTIALS);
}

/* ---------------------------------------------------------------- somebody in the middle */

static struct credssp_peer left, right; /* he is a server to our client, and a client to our server */

static SECURITY_STATUS relay(struct credssp_peer *from, struct credssp_peer *to)
{
    return peer_say(to, from->heard.data, from->heard.size);
}

/* He relays every word between two channels of his own, with another certificate than the server's. */
static void somebody_in_the_middle(void **state)
{
    static const uint32_t minimum[] = {2, 5};
    for (size_t i = 0; i < 2; i++) {
        policy.credssp_minimum = minimum[i];
        assert_status(peer_acquire(&left, END_SERVER, SP_PROT_TLS1_3, ends_other_certificate()), SEC_E_OK);
        assert_status(peer_acquire(&right, END_CLIENT, SP_PROT_TLS1_3, NULL), SEC_E_OK);
        assert_true(peer_connect(&left));
        assert_true(peer_connect(&right));
        assert_status(relay(&left, &right), SEC_I_CONTINUE_NEEDED);
        assert_status(relay(&right, &left), SEC_I_CONTINUE_NEEDED);
        assert_status(relay(&left, &right), SEC_E_MESSAGE_ALTERED);
        assert_int_equal(right.heard.size, 0);
        peer_free(&left);
        peer_free(&right);
        memset(&left, 0, sizeof left);
        memset(&right, 0, sizeof right);
    }
}

/* The same with the server's own certificate, which is what a relay without it would look like from outside. */
static void nobody_in_the_middle(void **state)
{
    assert_status(peer_acquire(&left, END_SERVER, SP_PROT_TLS1_3, ends_certificate()), SEC_E_OK);
    assert_status(peer_acquire(&right, END_CLIENT, SP_PROT_TLS1_3, NULL), SEC_E_OK);
    assert_true(peer_connect(&left));
    assert_true(peer_connect(&right));
    assert_status(relay(&left, &right), SEC_I_CONTINUE_NEEDED);
    assert_status(relay(&right, &left), SEC_I_CONTINUE_NEEDED);
    assert_status(relay(&left, &right), SEC_I_CONTINUE_NEEDED);
    assert_status(relay(&right, &left), SEC_E_OK);
    assert_status(relay(&left, &right), SEC_E_OK);
    peer_free(&left);
    peer_free(&right);
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages),
        test(returned_flags),
        test(a_byte_at_a_time),
        test(a_buffer_that_is_too_small),
        test(close_by_either_side),
        test(attributes_of_both),
        test(attributes_of_the_client),
        test(nothing_is_known_early),
        test(the_package),
        test(delegated_password),
        test(nothing_without_the_flag),
        test(delegated_password_in_use),
        test(packed_logons),
        test(cards_and_tickets),
        test(credentials_that_make_no_sense),
        test(policy_of_targets),
        test(policy_of_ntlm),
        test(trusted_certificates),
        test(policy_of_saved_credentials),
        test(saved_credentials_of_the_principal),
        test(saved_credentials_of_a_client),
        test(nothing_to_delegate),
        test(somebody_in_the_middle),
        test(nobody_in_the_middle),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
