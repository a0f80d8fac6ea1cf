/* The spelling on case-insensitive systems. */
#include "bcrypt.h"
