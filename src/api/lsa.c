/* The Local Security Authority: connections, packages by number, messages to them (ntsecapi.h). */
#include "api/lsa.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/context_buffer.h"
#include "wire/reader.h"

/* ---------------------------------------------------------------- connections */

/* A connection has no state; what a handle needs is an object. */
static char connection;

static SECURITY_STATUS connect_to(PHANDLE handle)
{
    SecHandle opened;
    REQUIRE(handle != NULL, STATUS_INVALID_PARAMETER, "LsaHandle is NULL");
    REQUIRE(handle_open(HANDLE_LSA, &connection, &opened) >= 0, STATUS_INSUFFICIENT_RESOURCES,
            "no more handles to the authority");
    *handle = handle_pack(&opened);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaConnectUntrusted(PHANDLE LsaHandle)
{
    status_begin();
    return api_end("LsaConnectUntrusted", connect_to(LsaHandle));
}

static SECURITY_STATUS register_process(const LSA_STRING *name, PHANDLE handle, PLSA_OPERATIONAL_MODE mode)
{
    REQUIRE(name != NULL && mode != NULL, STATUS_INVALID_PARAMETER, "LsaRegisterLogonProcess: an argument is NULL");
    REQUIRE(geteuid() == 0, STATUS_PRIVILEGE_NOT_HELD, "LsaRegisterLogonProcess: only root may");
    TRY(connect_to(handle));
    *mode = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaRegisterLogonProcess(PLSA_STRING LogonProcessName, PHANDLE LsaHandle,
                                       PLSA_OPERATIONAL_MODE SecurityMode)
{
    status_begin();
    return api_end("LsaRegisterLogonProcess", register_process(LogonProcessName, LsaHandle, SecurityMode));
}

static SECURITY_STATUS disconnect(HANDLE handle)
{
    SecHandle opened = handle_unpack(HANDLE_LSA, handle);
    REQUIRE(handle_close(HANDLE_LSA, &opened) >= 0, STATUS_INVALID_HANDLE, "not a connection to the authority");
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaDeregisterLogonProcess(HANDLE LsaHandle)
{
    status_begin();
    return api_end("LsaDeregisterLogonProcess", disconnect(LsaHandle));
}

SECURITY_STATUS lsa_pin_connection(HANDLE handle, struct pinned *out)
{
    SecHandle opened = handle_unpack(HANDLE_LSA, handle);
    REQUIRE(api_pin(HANDLE_LSA, &opened, out) >= 0, STATUS_INVALID_HANDLE, "not a connection to the authority");
    return STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- packages by number */

static bool is_named(const LSA_STRING *given, const char *name)
{
    return given->Buffer != NULL && given->Length == strlen(name) &&
           strncasecmp(given->Buffer, name, given->Length) == 0;
}

/* The other packages go by the number they have in RPC, so that it does not depend on the build. */
static SECURITY_STATUS package_number(const LSA_STRING *name, ULONG *out)
{
    if (is_named(name, NEGOSSP_NAME_A)) {
        *out = LSA_NEGOTIATE_NUMBER;
        return STATUS_SUCCESS;
    }
    bool msv = is_named(name, MSV1_0_PACKAGE_NAME);
    for (const struct package *at = package_next(NULL); at != NULL; at = package_next(at)) {
        if (is_named(name, at->name) || (msv && strcmp(at->name, "NTLM") == 0)) {
            *out = at->rpc_id;
            return STATUS_SUCCESS;
        }
    }
    FAIL(STATUS_NO_SUCH_PACKAGE, "LsaLookupAuthenticationPackage: no package of this name");
}

static SECURITY_STATUS lookup(HANDLE handle, const LSA_STRING *name, ULONG *number)
{
    AUTO_PINNED pinned = {.object = NULL};
    REQUIRE(name != NULL && number != NULL, STATUS_INVALID_PARAMETER,
            "LsaLookupAuthenticationPackage: an argument is NULL");
    TRY(lsa_pin_connection(handle, &pinned));
    return package_number(name, number);
}

NTSTATUS NTAPI LsaLookupAuthenticationPackage(HANDLE LsaHandle, PLSA_STRING PackageName, PULONG AuthenticationPackage)
{
    status_begin();
    return api_end("LsaLookupAuthenticationPackage", lookup(LsaHandle, PackageName, AuthenticationPackage));
}

const struct package *lsa_package(ULONG number)
{
    const struct package *package = package_next(NULL);
    while (package != NULL && package->rpc_id != number) {
        package = package_next(package);
    }
    return package;
}

bool lsa_is_package_number(ULONG number)
{
    return lsa_package(number) != NULL || number == LSA_NEGOTIATE_NUMBER;
}

/* ---------------------------------------------------------------- messages */

struct reply {
    void *block;
    ULONG size;
    NTSTATUS verdict; /* the package's own */
};

/* DOMAIN\user behind the header, in one block. */
static SECURITY_STATUS caller_name(struct reply *reply)
{
    AUTO_LSA_USER user = {UTF16_NONE, UTF16_NONE};
    reply->verdict = lsa_current_user(&user);
    if (reply->verdict < 0) {
        return STATUS_SUCCESS; /* the message got there */
    }
    size_t size = sizeof(NEGOTIATE_CALLER_NAME_RESPONSE) + user.domain.size + user.user.size + 2 * sizeof(WCHAR);
    NEGOTIATE_CALLER_NAME_RESPONSE *response = context_buffer_alloc(size);
    REQUIRE(response != NULL, STATUS_INSUFFICIENT_RESOURCES, "out of memory for a name");
    struct writer writer = write_into(response, size);
    write_zeros(&writer, sizeof *response);
    *response = (NEGOTIATE_CALLER_NAME_RESPONSE){NegGetCallerName, (PWSTR)(void *)(writer.data + writer.size)};
    write_bytes(&writer, utf16_bytes(user.domain));
    if (user.domain.size != 0) {
        write_u16le(&writer, '\\');
    }
    write_bytes(&writer, utf16_bytes(user.user));
    write_u16le(&writer, 0);
    reply->block = response;
    reply->size = (ULONG)writer.size;
    return STATUS_SUCCESS;
}

static SECURITY_STATUS ask_negotiate(struct bytes request, struct reply *reply)
{
    struct reader reader = read_start(request);
    uint32_t message = read_u32le(&reader);
    LUID session = {read_u32le(&reader), (LONG)read_u32le(&reader)};
    if (message != NegGetCallerName) {
        reply->verdict = STATUS_NOT_SUPPORTED;
        return STATUS_SUCCESS;
    }
    REQUIRE(!reader.bad, STATUS_INVALID_PARAMETER, "a message that is cut short (NEGOTIATE_CALLER_NAME_REQUEST)");
    if (!lsa_is_own_session(&session)) {
        reply->verdict = STATUS_NO_SUCH_LOGON_SESSION;
        return STATUS_SUCCESS;
    }
    return caller_name(reply);
}

static SECURITY_STATUS ask_package(const struct package *package, struct bytes request, struct reply *reply)
{
    struct reader reader = read_start(request);
    uint32_t message = read_u32le(&reader);
    LUID session = {read_u32le(&reader), (LONG)read_u32le(&reader)};
    if (package == NULL || package->list_tickets == NULL || !lsa_is_ticket_query(message)) {
        reply->verdict = STATUS_NOT_SUPPORTED;
        return STATUS_SUCCESS;
    }
    REQUIRE(!reader.bad, STATUS_INVALID_PARAMETER, "a message that is cut short (KERB_QUERY_TKT_CACHE_REQUEST)");
    if (!lsa_is_own_session(&session)) {
        reply->verdict = STATUS_NO_SUCH_LOGON_SESSION;
        return STATUS_SUCCESS;
    }
    return lsa_query_tickets(package, message, &reply->block, &reply->size);
}

static SECURITY_STATUS ask(HANDLE handle, ULONG number, struct bytes request, struct reply *reply)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(lsa_pin_connection(handle, &pinned));
    REQUIRE(lsa_is_package_number(number), STATUS_NO_SUCH_PACKAGE, "no package has this number");
    REQUIRE(request.data != NULL && request.size >= sizeof(ULONG), STATUS_INVALID_PARAMETER,
            "a message to a package without a message");
    if (number == LSA_NEGOTIATE_NUMBER) {
        return ask_negotiate(request, reply);
    }
    return ask_package(lsa_package(number), request, reply);
}

/* Whatever happens the outputs are written, and any of them may be NULL (observed on Windows). */
NTSTATUS NTAPI LsaCallAuthenticationPackage(HANDLE LsaHandle, ULONG AuthenticationPackage, PVOID ProtocolSubmitBuffer,
                                            ULONG SubmitBufferLength, PVOID *ProtocolReturnBuffer,
                                            PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus)
{
    struct reply reply = {NULL, 0, STATUS_SUCCESS};
    status_begin();
    SECURITY_STATUS status =
        ask(LsaHandle, AuthenticationPackage, bytes_of(ProtocolSubmitBuffer, SubmitBufferLength), &reply);
    if (ProtocolStatus != NULL) {
        *ProtocolStatus = reply.verdict;
    }
    if (ReturnBufferLength != NULL) {
        *ReturnBufferLength = ProtocolReturnBuffer != NULL ? reply.size : 0;
    }
    if (ProtocolReturnBuffer != NULL) {
        *ProtocolReturnBuffer = reply.block;
    } else {
        SECURITY_STATUS freed = context_buffer_free(reply.block);
        (void)freed;
    }
    return api_end("LsaCallAuthenticationPackage", status);
}

static SECURITY_STATUS free_reply(void *block)
{
    REQUIRE(context_buffer_free(block) >= 0, STATUS_INVALID_PARAMETER,
            "LsaFreeReturnBuffer: not a block of this library");
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaFreeReturnBuffer(PVOID Buffer)
{
    status_begin();
    return api_end("LsaFreeReturnBuffer", free_reply(Buffer));
}

/* ---------------------------------------------------------------- a target as text
 *
 * The text that Windows' SMB client appends to a service principal name for Kerberos.  Its form is not published. */

static SECURITY_STATUS no_target_text(const char *function, bool arguments)
{
    status_begin();
    NTSTATUS status = arguments ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
    return api_end(function,
                   status_fail(status, "target information as text has no published form", __FILE__, __LINE__));
}

NTSTATUS NTAPI CredMarshalTargetInfo(PCREDENTIAL_TARGET_INFORMATIONW InTargetInfo, PUSHORT *Buffer, PULONG BufferSize)
{
    return no_target_text("CredMarshalTargetInfo", InTargetInfo != NULL && Buffer != NULL && BufferSize != NULL);
}

NTSTATUS NTAPI CredUnmarshalTargetInfo(PUSHORT Buffer, ULONG BufferSize, PCREDENTIAL_TARGET_INFORMATIONW *RetTargetInfo,
                                       PULONG RetActualSize)
{
    return no_target_text("CredUnmarshalTargetInfo", Buffer != NULL && BufferSize != 0);
}
