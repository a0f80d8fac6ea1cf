/* schnlsp.h: an older name of schannel.h. */
#include "schannel.h"
