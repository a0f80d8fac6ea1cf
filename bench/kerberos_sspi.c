/* Kerberos of this library, through its function table. */
#include "bench.h"

#define SECURITY_WIN32
#include <security.h>

static SecurityFunctionTableA *table;

#include "kerberos_table.h"

int main(int argc, char **argv)
{
    bench_init(argc, argv, getenv("BENCH_SET"), "sspi");
    table = InitSecurityInterfaceA();
    kerberos_table_run();
    return 0;
}
