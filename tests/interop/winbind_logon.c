/* Somebody logs on at a server of this library whose accounts are winbind's: client and server in one process, Negotiate
 * on both ends.  Prints what happened as NAME=VALUE lines; the script that runs it judges.
 *
 *   winbind_logon PACKAGE USER DOMAIN        the password is SSPI_PASSWORD
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/pair.h"

static const char *name_of(SECURITY_STATUS status)
{
    const char *name = SspiExtStatusName(status);
    return name != NULL ? name : "?";
}

static SECURITY_STATUS acquire(struct pair *pair, char **arguments, const char *password)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)arguments[2],
        .UserLength = (ULONG)strlen(arguments[2]),
        .Domain = (unsigned char *)arguments[3],
        .DomainLength = (ULONG)strlen(arguments[3]),
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, arguments[1], SECPKG_CRED_OUTBOUND, NULL, &identity, NULL,
                                                       NULL, &pair->client_credential, NULL);
    pair->has_client_credential = status == SEC_E_OK;
    if (status == SEC_E_OK) {
        status = AcquireCredentialsHandleA(NULL, arguments[1], SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                           &pair->server_credential, NULL);
        pair->has_server_credential = status == SEC_E_OK;
    }
    return status;
}

static void print_server(struct pair *pair)
{
    SecPkgContext_NamesA names = {0};
    SecPkgContext_PasswordExpiry expiry = {{{0}}};
    SecPkgContext_SessionKey ours = {0};
    SecPkgContext_SessionKey theirs = {0};
    if (QueryContextAttributesA(&pair->server, SECPKG_ATTR_NAMES, &names) == SEC_E_OK) {
        printf("name=%s\n", names.sUserName);
        FreeContextBuffer(names.sUserName);
    }
    if (QueryContextAttributesA(&pair->server, SECPKG_ATTR_PASSWORD_EXPIRY, &expiry) == SEC_E_OK) {
        printf("expiry=%lld\n", (long long)expiry.tsPasswordExpires.QuadPart);
    }
    if (QueryContextAttributesA(&pair->client, SECPKG_ATTR_SESSION_KEY, &ours) == SEC_E_OK &&
        QueryContextAttributesA(&pair->server, SECPKG_ATTR_SESSION_KEY, &theirs) == SEC_E_OK) {
        printf("keys=%s\n", ours.SessionKeyLength == 16 && theirs.SessionKeyLength == 16 &&
                                    memcmp(ours.SessionKey, theirs.SessionKey, 16) == 0
                                ? "same"
                                : "different");
        FreeContextBuffer(ours.SessionKey);
        FreeContextBuffer(theirs.SessionKey);
    }
}

static void print_messages(struct pair *pair)
{
    unsigned char signature[16];
    char there[] = "from the client";
    char back[] = "from the server";
    SECURITY_STATUS status = pair_seal(&pair->client, there, sizeof there, signature);
    if (status == SEC_E_OK) {
        status = pair_unseal(&pair->server, there, sizeof there, signature);
    }
    printf("there=%s\n", status == SEC_E_OK ? there : name_of(status));
    status = pair_seal(&pair->server, back, sizeof back, signature);
    if (status == SEC_E_OK) {
        status = pair_unseal(&pair->client, back, sizeof back, signature);
    }
    printf("back=%s\n", status == SEC_E_OK ? back : name_of(status));
}

/* Raw NTLM, or SPNEGO, which it is when the server has the first word. */
static void run(struct pair *pair, char **arguments, const char *password)
{
    SECURITY_STATUS status = acquire(pair, arguments, password);
    if (status == SEC_E_OK) {
        bool negotiate = strcmp(arguments[1], "Negotiate") == 0;
        status = negotiate ? pair_negotiate(pair, PAIR_SEAL) : pair_handshake(pair, PAIR_SEAL);
    }
    const char *reason = status < 0 ? SspiExtLastReason(NULL) : NULL;
    printf("status=%s\nreason=%s\n", name_of(status), reason != NULL ? reason : "");
    if (status == SEC_E_OK) {
        print_server(pair);
        print_messages(pair);
    }
}

int main(int argc, char **argv)
{
    struct pair pair = {0};
    const char *password = getenv("SSPI_PASSWORD");
    if (argc != 4 || password == NULL) {
        fprintf(stderr, "usage: SSPI_PASSWORD=... winbind_logon PACKAGE USER DOMAIN\n");
        return 2;
    }
    run(&pair, argv, password);
    return pair_free(&pair) ? 0 : 1;
}
