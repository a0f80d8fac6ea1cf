#include "modes.h"
