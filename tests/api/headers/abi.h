/* What the headers say beside what Microsoft's 64-bit SDK says: rows of (name, header's number, SDK's number).
 *
 * The SDK's numbers are written out by hand from Microsoft Learn, MS-ERREF and the layouts that its declarations have
 * with natural alignment, where unsigned long has 32 bits and pointers have 64. */
#ifndef TESTS_API_HEADERS_ABI_H
#define TESTS_API_HEADERS_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "windows.h"

#include "credssp.h"
#include "ntsecapi.h"
#include "ntsecpkg.h"
#include "rpcdce.h"
#include "schannel.h"
#include "security.h"
#include "wdigest.h"

struct fact {
    const char *name;
    uint64_t header;
    uint64_t sdk;
};

/* clang-format off */
#define SIZE(type, expected)          {"sizeof(" #type ")", sizeof(type), (expected)}
#define AT(type, member, expected)    {"offset of " #type "." #member, offsetof(type, member), (expected)}
#define WIDTH(type, member, expected) {"size of " #type "." #member, sizeof(((type *)0)->member), (expected)}
#define ALIGNED(type, expected)       {"alignment of " #type, __alignof__(type), (expected)}

/* A constant has 32 bits, or 64 where it says so; the sign of an HRESULT is another test's business. */
#define IS(constant, expected) \
    {#constant, (uint64_t)(constant) & (sizeof(constant) == 8 ? UINT64_MAX : UINT32_MAX), (expected)}

#define FACTS(table) {(table), sizeof(table) / sizeof((table)[0])}
/* clang-format on */

struct facts {
    const struct fact *rows;
    size_t count;
};

extern const struct facts sspi_layouts;
extern const struct facts schannel_layouts;
extern const struct facts lsa_layouts;
extern const struct facts statuses;
extern const struct facts flags;
extern const struct facts sspi_constants;
extern const struct facts schannel_constants;
extern const struct facts crypt32_layouts;
extern const struct facts crypt32_constants;

#endif
