/* The spelling on case-insensitive systems. */
#include "ntstatus.h"
