/* A module for FreeRDP 2.11 with the library of FREERDP_BEHIND behind it, which puts right the two things that FreeRDP 3
 * does otherwise and that NLA with Kerberos fails on:
 *
 *   - the client asks for user-to-user (ISC_REQ_USE_SESSION_KEY), for which a server needs tickets besides its keys;
 *   - the server drops the token that AcceptSecurityContext returns with SEC_E_OK.  It is told SEC_I_CONTINUE_NEEDED
 *     here, sends the token, and hears of SEC_E_OK in the next leg.  That has to bring a token: the client, which is done,
 *     sends ADDED. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sspi.h"

static const char ADDED[] = "done";
static PSecurityFunctionTableA behind;
static __thread bool done; /* a connection is one thread of the server's */

static SECURITY_STATUS SEC_ENTRY initialize(PCredHandle credential, PCtxtHandle context, SEC_CHAR *target,
                                            ULONG request, ULONG reserved, ULONG representation, PSecBufferDesc input,
                                            ULONG reserved2, PCtxtHandle new_context, PSecBufferDesc output,
                                            SSPI_OUT_ULONG attributes, PTimeStamp expiry)
{
    SECURITY_STATUS status = behind->InitializeSecurityContextA(
        credential, context, target, request & ~(ULONG)ISC_REQ_USE_SESSION_KEY, reserved, representation, input,
        reserved2, new_context, output, attributes, expiry);
    if (status == SEC_E_OK && output->pBuffers[0].cbBuffer == 0) {
        memcpy(output->pBuffers[0].pvBuffer, ADDED, sizeof ADDED);
        output->pBuffers[0].cbBuffer = sizeof ADDED;
    }
    return status;
}

static SECURITY_STATUS SEC_ENTRY accept_token(PCredHandle credential, PCtxtHandle context, PSecBufferDesc input,
                                              ULONG request, ULONG representation, PCtxtHandle new_context,
                                              PSecBufferDesc output, SSPI_OUT_ULONG attributes, PTimeStamp expiry)
{
    if (done && context != NULL) {
        done = false;
        if (input->pBuffers[0].cbBuffer != sizeof ADDED ||
            memcmp(input->pBuffers[0].pvBuffer, ADDED, sizeof ADDED) != 0) {
            return SEC_E_INVALID_TOKEN;
        }
        output->pBuffers[0].cbBuffer = 0;
        return SEC_E_OK;
    }
    SECURITY_STATUS status = behind->AcceptSecurityContext(credential, context, input, request, representation,
                                                           new_context, output, attributes, expiry);
    done = status == SEC_E_OK && output->pBuffers[0].cbBuffer != 0;
    return done ? SEC_I_CONTINUE_NEEDED : status;
}

__attribute__((visibility("default"))) PSecurityFunctionTableA SEC_ENTRY InitSecurityInterfaceA(void)
{
    static SecurityFunctionTableA table;
    const char *path = getenv("FREERDP_BEHIND");
    void *library = path != NULL ? dlopen(path, RTLD_LOCAL | RTLD_LAZY) : NULL;
    INIT_SECURITY_INTERFACE_A entry =
        library != NULL ? (INIT_SECURITY_INTERFACE_A)dlsym(library, "InitSecurityInterfaceA") : NULL;
    if (entry == NULL) {
        fprintf(stderr, "freerdp_mended: FREERDP_BEHIND: %s\n", dlerror());
        abort();
    }
    behind = entry();
    table = *behind;
    table.InitializeSecurityContextA = initialize;
    table.AcceptSecurityContext = accept_token;
    return &table;
}
