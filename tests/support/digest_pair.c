#include "support/digest_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logon/account_store.h"
#include "logon/accounts.h"
#include "text/utf16.h"

static char directory[64];

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static void add(struct account_store *store, const char *domain, const char *name, const char *secret, uint32_t flags)
{
    static const char *const realms[] = {DIGEST_REALM_NAME, "", "tëst"};
    AUTO_ACCOUNT_RECORD record;
    AUTO_UTF16 password = UTF16_NONE;
    bool done = false;
    account_record_init(&record);
    record.flags = flags;
    MUST(utf16_from_utf8(bytes_of(name, strlen(name)), &record.user) == SEC_E_OK);
    MUST(utf16_from_utf8(bytes_of(domain, strlen(domain)), &record.domain) == SEC_E_OK);
    MUST(utf16_from_utf8(bytes_of(secret, strlen(secret)), &password) == SEC_E_OK);
    MUST(account_record_set_password(&record, password, realms, sizeof realms / sizeof realms[0]) == SEC_E_OK);
    MUST(account_store_put(store, &record, true, &done) == SEC_E_OK && done);
}

void digest_pair_accounts(struct policy *policy)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    (void)snprintf(directory, sizeof directory, "/tmp/sspi-digest-XXXXXX");
    MUST(mkdtemp(directory) != NULL);
    MUST(account_store_open(directory, true, &store) == SEC_E_OK);
    add(store, "", "Mufasa", "Circle of Life", 0);
    add(store, "", "j\u00e4s\u00f8n", "Geh\u00f6rt niemandem", 0);
    add(store, "PRIDE", "Nala", "Hakuna Matata", 0);
    add(store, "", "PRIDENala", "Be Prepared", 0);
    add(store, "", "locked", "Circle of Life", ACCOUNT_FLAG_DISABLED);
    policy_defaults(policy);
    policy->lockout_threshold = 0;
    (void)snprintf(policy->accounts_path, sizeof policy->accounts_path, "%s", directory);
    (void)snprintf(policy->digest_realm, sizeof policy->digest_realm, "%s", DIGEST_REALM_NAME);
    policy_override(policy);
    MUST(unsetenv("SSPI_ACCOUNTS") == 0);
}

void digest_pair_accounts_remove(void)
{
    static const char *const files[] = {"accounts.mdb", "accounts.mdb-lock"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

static void acquire(const struct digest_pair *pair, ULONG use, CredHandle *out)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t)pair->user,
        .UserLength = (ULONG)strlen(pair->user),
        .Domain = (unsigned char *)(uintptr_t)pair->domain,
        .DomainLength = (ULONG)strlen(pair->domain),
        .Password = (unsigned char *)(uintptr_t)pair->password,
        .PasswordLength = (ULONG)strlen(pair->password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    MUST(AcquireCredentialsHandleA(NULL, (char[]){"WDigest"}, use, NULL, use == SECPKG_CRED_OUTBOUND ? &identity : NULL,
                                   NULL, NULL, out, NULL) == SEC_E_OK);
}

void digest_pair_open(struct digest_pair *pair)
{
    if (pair->user == NULL) {
        *pair = (struct digest_pair){.client_flags = DIGEST_HTTP, .server_flags = DIGEST_HTTP};
        pair->method = "GET";
        pair->uri = "/dir/index.html";
        pair->target = pair->uri;
        pair->user = "Mufasa";
        pair->domain = "";
        pair->password = "Circle of Life";
    }
    acquire(pair, SECPKG_CRED_OUTBOUND, &pair->client_credential);
    acquire(pair, SECPKG_CRED_INBOUND, &pair->server_credential);
    SecInvalidateHandle(&pair->client);
    SecInvalidateHandle(&pair->server);
}

void digest_pair_forget(struct digest_pair *pair)
{
    if (SecIsValidHandle(&pair->client)) {
        MUST(DeleteSecurityContext(&pair->client) == SEC_E_OK);
    }
    if (SecIsValidHandle(&pair->server)) {
        MUST(DeleteSecurityContext(&pair->server) == SEC_E_OK);
    }
    SecInvalidateHandle(&pair->client);
    SecInvalidateHandle(&pair->server);
}

void digest_pair_close(struct digest_pair *pair)
{
    digest_pair_forget(pair);
    MUST(FreeCredentialsHandle(&pair->client_credential) == SEC_E_OK);
    MUST(FreeCredentialsHandle(&pair->server_credential) == SEC_E_OK);
}

static SecBuffer parameter(const char *text)
{
    return (SecBuffer){text != NULL ? (ULONG)strlen(text) : 0, SECBUFFER_PKG_PARAMS, (void *)(uintptr_t)text};
}

static void finish(struct digest_message *out, const SecBuffer *token, SECURITY_STATUS status)
{
    out->size = status >= 0 ? token->cbBuffer : 0;
    out->text[out->size] = '\0';
}

SECURITY_STATUS digest_pair_server(struct digest_pair *pair, const struct digest_message *in,
                                   struct digest_message *out)
{
    bool http = (pair->server_flags & DIGEST_HTTP) != 0, first = !SecIsValidHandle(&pair->server);
    SecBuffer input[] = {{in != NULL ? in->size : 0, SECBUFFER_TOKEN, in != NULL ? (void *)(uintptr_t)in->text : NULL},
                         parameter(pair->method),
                         parameter(pair->uri),
                         parameter(pair->server_entity),
                         parameter(pair->realm)};
    SecBuffer token = {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, out->text};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, http ? 5 : 1, input}, out_desc = {SECBUFFER_VERSION, 1, &token};
    SECURITY_STATUS status =
        AcceptSecurityContext(&pair->server_credential, first ? NULL : &pair->server, &in_desc, pair->server_flags,
                              SECURITY_NATIVE_DREP, &pair->server, &out_desc, &pair->server_attributes, NULL);
    finish(out, &token, status);
    return status;
}

SECURITY_STATUS digest_pair_client(struct digest_pair *pair, const struct digest_message *in,
                                   struct digest_message *out)
{
    bool http = (pair->client_flags & DIGEST_HTTP) != 0, first = !SecIsValidHandle(&pair->client);
    SecBuffer input[] = {{in != NULL ? in->size : 0, SECBUFFER_TOKEN, in != NULL ? (void *)(uintptr_t)in->text : NULL},
                         parameter(pair->method),
                         parameter(pair->client_entity)};
    SecBuffer token = {DIGEST_TOKEN_MAX, SECBUFFER_TOKEN, out->text};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, http ? 3 : 1, input}, out_desc = {SECBUFFER_VERSION, 1, &token};
    SECURITY_STATUS status = InitializeSecurityContextA(&pair->client_credential, first ? NULL : &pair->client,
                                                        (char *)(uintptr_t)pair->target, pair->client_flags, 0,
                                                        SECURITY_NATIVE_DREP, in != NULL || http ? &in_desc : NULL, 0,
                                                        &pair->client, &out_desc, &pair->client_attributes, NULL);
    finish(out, &token, status);
    return status;
}

SECURITY_STATUS digest_pair_handshake(struct digest_pair *pair)
{
    struct digest_message challenge, response, proof;
    SECURITY_STATUS status = digest_pair_server(pair, NULL, &challenge);
    if (status != SEC_I_CONTINUE_NEEDED) {
        return status;
    }
    status = digest_pair_client(pair, &challenge, &response);
    if (status < 0) {
        return status;
    }
    status = digest_pair_server(pair, &response, &proof);
    if (status != SEC_E_OK || (pair->server_flags & DIGEST_HTTP) != 0) {
        return status;
    }
    return digest_pair_client(pair, &proof, &response);
}

SECURITY_STATUS digest_pair_sign(CtxtHandle *context, const char *method, const char *uri, const char *entity,
                                 struct digest_message *out)
{
    SecBuffer buffers[] = {{0, SECBUFFER_TOKEN, NULL},
                           parameter(method),
                           parameter(uri),
                           parameter(entity),
                           {DIGEST_TOKEN_MAX, SECBUFFER_PADDING, out->text}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 5, buffers};
    SECURITY_STATUS status = MakeSignature(context, 0, &desc, 0);
    finish(out, &buffers[4], status);
    return status;
}

SECURITY_STATUS digest_pair_verify(CtxtHandle *context, const char *method, const char *uri, const char *entity,
                                   const struct digest_message *in)
{
    SecBuffer buffers[] = {
        {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->text}, parameter(method), parameter(uri), parameter(entity)};
    SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
    return VerifySignature(context, &desc, 0, NULL);
}
