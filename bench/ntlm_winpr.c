/* NTLM of WinPR, through its function table.
 *
 * How its acceptor learns the account is chosen by metric: "handshake" hands it the NT hash (nothing is looked up: its
 * fastest way), "handshake.file" has it read a user file of one line (BENCH_WINPR_SAM). */
#include "bench.h"

#include <winpr/crt.h>
#include <winpr/ntlm.h>
#include <winpr/ssl.h>
#include <winpr/sspi.h>
#include <winpr/wlog.h>

static SecurityFunctionTableA *table;
static SecPkgContext_AuthNtlmHash hash = {.Version = 1};
static const char *sam_file;
static bool by_file;

static void server_account(CtxtHandle *server)
{
    SECURITY_STATUS status;
    if (by_file) {
        status = table->SetContextAttributesA(server, SECPKG_ATTR_AUTH_NTLM_SAM_FILE, (void *)(uintptr_t)sam_file,
                                              (ULONG)strlen(sam_file) + 1);
    } else {
        status = table->SetContextAttributesA(server, SECPKG_ATTR_AUTH_NTLM_HASH, &hash, sizeof hash);
    }
    CHECK(status == SEC_E_OK, "SetContextAttributes: 0x%08x", (unsigned)status);
}

#include "ntlm_table.h"

static void handshake_file(void)
{
    if (sam_file == NULL) {
        return;
    }
    by_file = true;
    bench_rate("handshake.file", handshake, NULL);
    by_file = false;
}

int main(int argc, char **argv)
{
    char password[] = "Password";
    bench_init(argc, argv, "ntlm", "winpr");
    winpr_InitializeSSL(WINPR_SSL_INIT_DEFAULT);
    WLog_SetLogLevel(WLog_GetRoot(), WLOG_OFF);
    table = InitSecurityInterfaceExA(SSPI_INTERFACE_WINPR);
    CHECK(table != NULL, "no table");
    sam_file = getenv("BENCH_WINPR_SAM");
    NTOWFv1A(password, 8, hash.NtlmHash);
    ntlm_table_run(handshake_file);
    return 0;
}
