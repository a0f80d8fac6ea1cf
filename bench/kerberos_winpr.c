/* Kerberos of WinPR 3, through its function table. */
#include "bench.h"

#include <winpr/crt.h>
#include <winpr/ssl.h>
#include <winpr/sspi.h>
#include <winpr/wlog.h>

static SecurityFunctionTableA *table;

#include "kerberos_table.h"

int main(int argc, char **argv)
{
    bench_init(argc, argv, getenv("BENCH_SET"), "winpr");
    winpr_InitializeSSL(WINPR_SSL_INIT_DEFAULT);
    WLog_SetLogLevel(WLog_GetRoot(), WLOG_OFF);
    table = InitSecurityInterfaceExA(SSPI_INTERFACE_WINPR);
    kerberos_table_run();
    return 0;
}
