/* rpc.h: what SSPI code needs of it is in rpcdce.h. */
#include "rpcdce.h"
