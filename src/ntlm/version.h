/* VERSION (MS-NLMP 2.2.2.10): eight bytes for debugging, never compared.
 *
 * | offset | size | field                        |
 * |      0 |    1 | ProductMajorVersion          |
 * |      1 |    1 | ProductMinorVersion          |
 * |      2 |    2 | ProductBuild                 |
 * |      4 |    3 | Reserved, zero               |
 * |      7 |    1 | NTLMRevisionCurrent, 0x0F    |
 */
#ifndef OPENSSPI_NTLM_VERSION_H
#define OPENSSPI_NTLM_VERSION_H

#include <stdint.h>

struct ntlm_version {
    uint8_t major, minor;
    uint16_t build;
    uint8_t revision;
};

/* What we send: 10.0, build 17763 (the values peers have been tested with). */
#define NTLM_OUR_VERSION ((struct ntlm_version){10, 0, 17763, 15})

#endif
