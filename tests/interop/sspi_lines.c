/* One side of a session as a filter, for scripts that bring the peer: this side is the library's.
 *
 *   sspi_lines client|server PACKAGE TARGET FLAGS [USER DOMAIN]
 *
 * FLAGS: ISC_REQ_* or ASC_REQ_*, in hexadecimal; TARGET is "-" for a server.  With USER the password is SSPI_PASSWORD,
 * without it the credentials are the process's own.  Commands, and their answers:
 *
 *   step TOKEN      STATUS TOKEN REASON...
 *   seal DATA       STATUS MESSAGE        EncryptMessage, token first
 *   wrap DATA       STATUS MESSAGE        the same with SECQOP_WRAP_NO_ENCRYPT
 *   open MESSAGE    STATUS DATA QOP       DecryptMessage of a stream
 *   sign DATA       STATUS SIGNATURE
 *   verify DATA SIGNATURE                 STATUS
 *   bind TEXT       OK -                  channel bindings for the next steps, in hexadecimal
 *   names           STATUS CLIENT SERVER PACKAGE FLAGS
 *   token           STATUS DOMAIN\USER UPN DNS-DOMAIN SID GROUPS...   of the server's access token, "-" for what nobody told
 *   windows         STATUS DOMAIN\USER SID GROUPS...   the same by GetTokenInformation and LookupAccountSid, SIDs in hexadecimal
 *   acquire         STATUS - REASON...    new credentials
 *   again           OK -                  the next step begins a new context
 *   certificate     STATUS DER            SECPKG_CRED_ATTR_CERT of the credential
 *   onward TARGET FLAGS                   STATUS TOKEN REASON...   a client of TARGET in the name of the
 *                   context's client, of one leg
 *   logon USER REALM                      STATUS DOMAIN\USER UPN DNS-DOMAIN SID GROUPS...   LsaLogonUser by name alone ("-":
 *                   no realm); then `onward` is in that user's name
 *   proxy HOST[:PORT][:PATH] FLAGS        STATUS - REASON...   SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS of the credential, "-": none
 */
#define SECURITY_WIN32
#include "line_peer.h"

#include <stdint.h>
#include <time.h>

#include <ntsecapi.h>
#include <port/windows.h>
#include <security.h>
#include <sspi_ext.h>

#define SIZE_LIMIT 150000

struct side {
    bool client, has_credential, has_context;
    char *package, *target, *user, *domain;
    const char *password;
    ULONG request, flags;
    CredHandle credential;
    CtxtHandle context;
    unsigned char bindings[sizeof(SEC_CHANNEL_BINDINGS) + 300];
    ULONG bindings_size;
    HANDLE logon; /* of whom `logon` logged on */
};

static unsigned char input[SIZE_LIMIT], output[SIZE_LIMIT];

static void print_status(SECURITY_STATUS status)
{
    const char *name = SspiExtStatusName(status);
    name != NULL ? printf("%s", name) : printf("%08x", (unsigned)status);
}

static void print_reason(SECURITY_STATUS status)
{
    const char *why = status < 0 ? SspiExtLastReason(NULL) : NULL;
    printf(" %s", why != NULL ? why : "");
}

static SECURITY_STATUS acquire(struct side *side)
{
    if (side->has_credential) {
        FreeCredentialsHandle(&side->credential);
    }
    SEC_WINNT_AUTH_IDENTITY_A identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    if (side->user != NULL) {
        identity.User = (unsigned char *)side->user;
        identity.UserLength = (ULONG)strlen(side->user);
        identity.Domain = (unsigned char *)side->domain;
        identity.DomainLength = (ULONG)strlen(side->domain);
        identity.Password = (unsigned char *)(uintptr_t)side->password;
        identity.PasswordLength = (ULONG)strlen(side->password);
    }
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, side->package, side->client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND, NULL,
                                  side->user != NULL ? &identity : NULL, NULL, NULL, &side->credential, NULL);
    side->has_credential = status == SEC_E_OK;
    return status;
}

static void again(struct side *side)
{
    if (side->has_context) {
        DeleteSecurityContext(&side->context);
    }
    side->has_context = false;
}

static void bind_to(struct side *side, const char *hex)
{
    SEC_CHANNEL_BINDINGS *header = (SEC_CHANNEL_BINDINGS *)(void *)side->bindings;
    size_t size = hex_read(hex, side->bindings + sizeof *header, 300);
    memset(header, 0, sizeof *header);
    header->cbApplicationDataLength = (ULONG)size;
    header->dwApplicationDataOffset = sizeof *header;
    side->bindings_size = size != 0 ? (ULONG)(sizeof *header + size) : 0;
    printf("OK -");
}

static void step(struct side *side, const char *hex)
{
    SecBuffer in[2] = {{(ULONG)hex_read(hex, input, sizeof input), SECBUFFER_TOKEN, input},
                       {side->bindings_size, SECBUFFER_CHANNEL_BINDINGS, side->bindings}};
    SecBuffer out = {sizeof output, SECBUFFER_TOKEN, output};
    SecBufferDesc given = {SECBUFFER_VERSION, side->bindings_size != 0 ? 2 : 1, in};
    SecBufferDesc answer = {SECBUFFER_VERSION, 1, &out};
    CtxtHandle *old = side->has_context ? &side->context : NULL;
    bool first = side->client && in[0].cbBuffer == 0 && side->bindings_size == 0;
    SECURITY_STATUS status =
        side->client
            ? InitializeSecurityContextA(&side->credential, old, side->target, side->request, 0, SECURITY_NATIVE_DREP,
                                         first ? NULL : &given, 0, &side->context, &answer, &side->flags, NULL)
            : AcceptSecurityContext(&side->credential, old, &given, side->request, SECURITY_NATIVE_DREP, &side->context,
                                    &answer, &side->flags, NULL);
    side->has_context = side->has_context || status >= 0;
    print_status(status);
    hex_print(output, out.cbBuffer < sizeof output ? out.cbBuffer : 0);
    print_reason(status);
}

static void seal(struct side *side, const char *hex, ULONG quality)
{
    SecPkgContext_Sizes sizes = {0};
    static unsigned char data[SIZE_LIMIT];
    size_t size = hex_read(hex, data, sizeof data);
    SECURITY_STATUS status = QueryContextAttributesA(&side->context, SECPKG_ATTR_SIZES, &sizes);
    SecBuffer at[3] = {{sizes.cbSecurityTrailer, SECBUFFER_TOKEN, output},
                       {(ULONG)size, SECBUFFER_DATA, data},
                       {sizes.cbBlockSize, SECBUFFER_PADDING, input}};
    SecBufferDesc all = {SECBUFFER_VERSION, 3, at};
    status = status == SEC_E_OK ? EncryptMessage(&side->context, quality, &all, 0) : status;
    memcpy(output + at[0].cbBuffer, data, size);
    memcpy(output + at[0].cbBuffer + size, input, at[2].cbBuffer);
    print_status(status);
    hex_print(output, status == SEC_E_OK ? at[0].cbBuffer + size + at[2].cbBuffer : 0);
}

static void open_message(struct side *side, const char *hex)
{
    SecBuffer at[2] = {{(ULONG)hex_read(hex, input, sizeof input), SECBUFFER_STREAM, input}, {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    ULONG quality = 0;
    SECURITY_STATUS status = DecryptMessage(&side->context, &all, 0, &quality);
    print_status(status);
    hex_print(at[1].pvBuffer, status == SEC_E_OK ? at[1].cbBuffer : 0);
    printf(" %x", (unsigned)quality);
}

static void signature(struct side *side, const char *hex, const char *theirs)
{
    size_t size = hex_read(hex, input, sizeof input);
    size_t room = theirs != NULL ? hex_read(theirs, output, sizeof output) : 256;
    ULONG quality = 0;
    SecBuffer at[2] = {{(ULONG)size, SECBUFFER_DATA, input}, {(ULONG)room, SECBUFFER_TOKEN, output}};
    SecBufferDesc all = {SECBUFFER_VERSION, 2, at};
    SECURITY_STATUS status =
        theirs != NULL ? VerifySignature(&side->context, &all, 0, &quality) : MakeSignature(&side->context, 0, &all, 0);
    print_status(status);
    hex_print(output, status == SEC_E_OK ? at[1].cbBuffer : 0);
}

static void names(struct side *side)
{
    SecPkgContext_NativeNamesA native = {0};
    SecPkgContext_NegotiationInfoA chosen = {0};
    SECURITY_STATUS status = QueryContextAttributesA(&side->context, SECPKG_ATTR_NATIVE_NAMES, &native);
    print_status(status);
    (void)QueryContextAttributesA(&side->context, SECPKG_ATTR_NEGOTIATION_INFO, &chosen);
    printf(" %s %s %s %x", native.sClientName != NULL ? native.sClientName : "-",
           native.sServerName != NULL ? native.sServerName : "-",
           chosen.PackageInfo != NULL ? chosen.PackageInfo->Name : "-", (unsigned)side->flags);
    FreeContextBuffer(native.sClientName);
    FreeContextBuffer(native.sServerName);
    FreeContextBuffer(chosen.PackageInfo);
}

/* The settings and behind them the name, in UTF-16. */
static SECURITY_STATUS set_proxy(struct side *side, const char *name, const char *flags)
{
    static union {
        SecPkgCredentials_KdcProxySettingsW settings;
        unsigned char bytes[sizeof(SecPkgCredentials_KdcProxySettingsW) + 512];
    } all;
    size_t size = strcmp(name, "-") != 0 ? strlen(name) : 0;
    all.settings = (SecPkgCredentials_KdcProxySettingsW){.Version = KDC_PROXY_SETTINGS_V1,
                                                         .Flags = (ULONG)strtoul(flags, NULL, 16),
                                                         .ProxyServerOffset = sizeof all.settings,
                                                         .ProxyServerLength = (USHORT)(2 * size)};
    for (size_t i = 0; i < size && i < 256; i++) {
        all.bytes[sizeof all.settings + 2 * i] = (unsigned char)name[i];
        all.bytes[sizeof all.settings + 2 * i + 1] = 0;
    }
    return SetCredentialsAttributesW(&side->credential, SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS, &all,
                                     (ULONG)(sizeof all.settings + 2 * size));
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

static void print_token(SECURITY_STATUS status, HANDLE handle)
{
    SSPI_EXT_TOKEN *token = NULL;
    status = status == SEC_E_OK ? SspiExtQueryToken(handle, &token) : status;
    print_status(status);
    if (status == SEC_E_OK) {
        printf(" %s\\%s %s %s %s", or_none(token->Domain), or_none(token->User), or_none(token->UserPrincipalName),
               or_none(token->DnsDomain), or_none(token->Sid));
        for (ULONG i = 0; i < token->GroupCount; i++) {
            printf(" %s", token->Groups[i].Sid);
        }
    }
    FreeContextBuffer(token);
}

static void access_token(struct side *side)
{
    HANDLE handle = NULL;
    SECURITY_STATUS status = QuerySecurityContextToken(&side->context, &handle);
    print_token(status, handle);
    CloseHandle(handle);
}

/* A text behind the message. */
static UNICODE_STRING put_name(WCHAR **at, const char *text)
{
    size_t size = strcmp(text, "-") != 0 ? strlen(text) : 0;
    UNICODE_STRING string = {(USHORT)(2 * size), (USHORT)(2 * size), *at};
    for (size_t i = 0; i < size && i < 256; i++) {
        *(*at)++ = (unsigned char)text[i];
    }
    return string;
}

static NTSTATUS log_on_by_name(const char *package, const char *user, const char *realm, HANDLE *out)
{
    static union {
        KERB_S4U_LOGON message;
        BYTE room[sizeof(KERB_S4U_LOGON) + 2048];
    } block;
    WCHAR *at = (WCHAR *)(void *)(block.room + sizeof block.message);
    LSA_STRING name = {(USHORT)strlen(package), (USHORT)strlen(package), (char *)(uintptr_t)package}, origin = {0};
    TOKEN_SOURCE source = {.SourceName = "lines"};
    HANDLE lsa = NULL;
    ULONG number = 0, profile_size = 0;
    PVOID profile = NULL;
    LUID session;
    QUOTA_LIMITS quotas;
    NTSTATUS why = 0;
    block.message = (KERB_S4U_LOGON){.MessageType = KerbS4ULogon};
    block.message.ClientUpn = put_name(&at, user);
    block.message.ClientRealm = put_name(&at, realm);
    NTSTATUS status = LsaConnectUntrusted(&lsa);
    if (status >= 0) {
        status = LsaLookupAuthenticationPackage(lsa, &name, &number);
    }
    if (status >= 0) {
        status = LsaLogonUser(lsa, &origin, Network, number, &block, sizeof block, NULL, &source, &profile,
                              &profile_size, &session, out, &quotas, &why);
    }
    return status;
}

static void logon(struct side *side, const char *user, const char *realm)
{
    HANDLE handle = NULL;
    NTSTATUS status = log_on_by_name(side->package, user, realm, &handle);
    if (status < 0) {
        print_status(status);
        printf(" -");
        print_reason(status);
        return;
    }
    if (side->logon != NULL) {
        CloseHandle(side->logon);
    }
    side->logon = handle;
    print_token(SEC_E_OK, handle);
}

static void print_sid(PSID sid)
{
    putchar(' ');
    for (DWORD i = 0; i < GetLengthSid(sid); i++) {
        printf("%02x", ((const unsigned char *)sid)[i]);
    }
}

/* What a program for Windows finds out about it, by the porting kit. */
static void windows_token(struct side *side)
{
    static _Alignas(16) BYTE user[256], groups[65536];
    HANDLE handle = NULL;
    DWORD size = 0;
    SECURITY_STATUS status = QuerySecurityContextToken(&side->context, &handle);
    print_status(status);
    if (status == SEC_E_OK && GetTokenInformation(handle, TokenUser, user, sizeof user, &size) &&
        GetTokenInformation(handle, TokenGroups, groups, sizeof groups, &size)) {
        char name[128], domain[128];
        DWORD name_size = sizeof name, domain_size = sizeof domain;
        SID_NAME_USE use;
        PSID sid = ((const TOKEN_USER *)(void *)user)->User.Sid;
        const TOKEN_GROUPS *list = (const TOKEN_GROUPS *)(void *)groups;
        bool known = LookupAccountSidA(NULL, sid, name, &name_size, domain, &domain_size, &use);
        printf(" %s\\%s", known ? domain : "?", known ? name : "?");
        print_sid(sid);
        for (DWORD i = 0; i < list->GroupCount; i++) {
            print_sid(list->Groups[i].Sid);
        }
    }
    CloseHandle(handle);
}

/* Impersonates the context's client, and begins a session in his name. */
static void onward(struct side *side, const char *target, const char *flags)
{
    CredHandle credential = {0, 0};
    CtxtHandle context = {0, 0};
    ULONG got = 0;
    SecBuffer out = {sizeof output, SECBUFFER_TOKEN, output};
    SecBufferDesc answer = {SECBUFFER_VERSION, 1, &out};
    SECURITY_STATUS status = side->logon == NULL                    ? ImpersonateSecurityContext(&side->context)
                             : ImpersonateLoggedOnUser(side->logon) ? SEC_E_OK
                                                                    : SEC_E_NO_IMPERSONATION;
    if (status == SEC_E_OK) {
        status = AcquireCredentialsHandleA(NULL, side->package, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                           &credential, NULL);
    }
    if (status == SEC_E_OK) {
        status =
            InitializeSecurityContextA(&credential, NULL, (char *)(uintptr_t)target, (ULONG)strtoul(flags, NULL, 16), 0,
                                       SECURITY_NATIVE_DREP, NULL, 0, &context, &answer, &got, NULL);
    }
    print_status(status);
    hex_print(output, status >= 0 ? out.cbBuffer : 0);
    print_reason(status);
    DeleteSecurityContext(&context);
    FreeCredentialsHandle(&credential);
    if (side->logon == NULL) {
        RevertSecurityContext(&side->context);
    } else {
        RevertToSelf();
    }
}

static void obey(struct side *side, const struct words *words)
{
    const char *command = words->at[0];
    if (strcmp(command, "step") == 0) {
        step(side, words->at[1]);
    } else if (strcmp(command, "seal") == 0) {
        seal(side, words->at[1], 0);
    } else if (strcmp(command, "wrap") == 0) {
        seal(side, words->at[1], SECQOP_WRAP_NO_ENCRYPT);
    } else if (strcmp(command, "open") == 0) {
        open_message(side, words->at[1]);
    } else if (strcmp(command, "sign") == 0) {
        signature(side, words->at[1], NULL);
    } else if (strcmp(command, "verify") == 0) {
        signature(side, words->at[1], words->at[2]);
    } else if (strcmp(command, "bind") == 0) {
        bind_to(side, words->at[1]);
    } else if (strcmp(command, "names") == 0) {
        names(side);
    } else if (strcmp(command, "token") == 0) {
        access_token(side);
    } else if (strcmp(command, "windows") == 0) {
        windows_token(side);
    } else if (strcmp(command, "again") == 0) {
        again(side);
        printf("OK -");
    } else if (strcmp(command, "logon") == 0) {
        logon(side, words->at[1], words->at[2]);
    } else if (strcmp(command, "onward") == 0) {
        onward(side, words->at[1], words->at[2]);
    } else if (strcmp(command, "certificate") == 0) {
        SecPkgCredentials_Cert certificate = {0, NULL};
        print_status(QueryCredentialsAttributesA(&side->credential, SECPKG_CRED_ATTR_CERT, &certificate));
        hex_print(certificate.EncodedCert, certificate.EncodedCertSize);
        FreeContextBuffer(certificate.EncodedCert);
    } else if (strcmp(command, "acquire") == 0 || strcmp(command, "proxy") == 0) {
        again(side);
        SECURITY_STATUS status = *command == 'a' ? acquire(side) : set_proxy(side, words->at[1], words->at[2]);
        print_status(status);
        printf(" -");
        print_reason(status);
    } else {
        printf("what? -");
    }
    line_end();
}

int main(int argc, char **argv)
{
    static struct side side;
    static struct words words;
    if (argc != 5 && argc != 7) {
        fprintf(stderr, "usage: sspi_lines client|server PACKAGE TARGET FLAGS [USER DOMAIN]\n");
        return 2;
    }
    side = (struct side){.client = strcmp(argv[1], "client") == 0,
                         .package = argv[2],
                         .target = argv[3],
                         .request = (ULONG)strtoul(argv[4], NULL, 16),
                         .user = argc == 7 ? argv[5] : NULL,
                         .domain = argc == 7 ? argv[6] : NULL,
                         .password = getenv("SSPI_PASSWORD")};
    side.password = side.password != NULL ? side.password : "";
    while (words_read(&words)) {
        obey(&side, &words);
    }
    again(&side);
    if (side.has_credential) {
        FreeCredentialsHandle(&side.credential);
    }
    return 0;
}
