/* NTLM of this library, through its function table.  The acceptor finds User in the account database that SSPI_CONFIG
 * names, at every logon. */
#include "bench.h"

#define SECURITY_WIN32
#include <security.h>

static SecurityFunctionTableA *table;

static void server_account(CtxtHandle *server)
{
    (void)server;
}

#include "ntlm_table.h"

static void no_more(void)
{
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "ntlm", "sspi");
    table = InitSecurityInterfaceA();
    CHECK(table != NULL, "no table");
    ntlm_table_run(no_more);
    return 0;
}
