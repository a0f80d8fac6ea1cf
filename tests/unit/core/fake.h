/* A package of our own, which does what each test tells it, in the place of those that src/packages.c names, and a caller
 * to go with it. */
#ifndef OPENSSPI_TESTS_UNIT_CORE_FAKE_H
#define OPENSSPI_TESTS_UNIT_CORE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/package.h"
#include "security.h"

#define MAX_TOKEN 6000 /* more than core builds on its stack */

/* What the package shall do, and what it saw. */
struct script {
    SECURITY_STATUS status;
    size_t token_size;
    bool ignore_writer; /* answer as if the token had fitted */
    bool leave_context; /* fail without taking the half-made context back, which the contract forbids */
    uint32_t flags;
    uint64_t expiry;
    uint32_t bindings_result;
    struct step_in seen;
    struct credential *seen_credential;
    uint8_t seen_target[1024];
    int contexts, credentials; /* alive now */
    int completed;
    SECURITY_STATUS refusal; /* of so many first legs to come */
    int refusals;
    bool anonymous; /* whom an acceptor context stands for */
};

extern struct script script;
extern const struct package fake; /* "Fake": steps, complete, query (which offers nothing), impersonate */
extern const struct package bare; /* "Bare": steps only */
extern char fake_name[];
extern char bare_name[];

/* Before a test: CONTINUE_NEEDED with a token of 20 bytes.  After it: nothing may be alive. */
int fake_set_up(void **state);
int fake_nothing_left(void **state);

CredHandle acquire(char *package);

struct io {
    SecBuffer buffers[2];
    SecBufferDesc descriptor;
    uint8_t bytes[MAX_TOKEN];
    uint8_t result[4];
};

/* A TOKEN buffer of `size`, and one for the verdict on the bindings. */
SecBufferDesc *io_init(struct io *io, ULONG size);

/* InitializeSecurityContextA with what these tests vary. */
SECURITY_STATUS initiate(CredHandle *credential, CtxtHandle *context, ULONG flags, SecBufferDesc *input,
                         CtxtHandle *out_context, SecBufferDesc *output);

/* Closes what was opened; `context` may be NULL. */
void close_all(CredHandle *credential, CtxtHandle *context);

#endif
