/* The few functions of Win32 itself that code around SSPI calls (windows.h).
 *
 * A token HANDLE is a slot and a generation of the handle table, never a pointer: CloseHandle on anything else fails and
 * touches nothing. */
#include "api/api.h"

#include "core/context_buffer.h"

static _Thread_local DWORD last_error;

DWORD WINAPI GetLastError(void)
{
    return last_error;
}

VOID WINAPI SetLastError(DWORD dwErrCode)
{
    last_error = dwErrCode;
}

BOOL WINAPI CloseHandle(HANDLE hObject)
{
    status_begin();
    SecHandle handle = handle_unpack(HANDLE_TOKEN, hObject);
    SECURITY_STATUS status = api_end("CloseHandle", handle_close(HANDLE_TOKEN, &handle));
    if (status != SEC_E_OK) {
        last_error = ERROR_INVALID_HANDLE;
    }
    return status == SEC_E_OK;
}

HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes)
{
    void *block = uBytes <= PTRDIFF_MAX / 2 ? context_buffer_alloc(uBytes) : NULL;
    if (block == NULL) {
        last_error = ERROR_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    if ((uFlags & LMEM_ZEROINIT) != 0) {
        ZeroMemory(block, uBytes);
    }
    return block;
}

HLOCAL WINAPI LocalFree(HLOCAL hMem)
{
    status_begin();
    SECURITY_STATUS status = api_end("LocalFree", context_buffer_free(hMem));
    if (status != SEC_E_OK) {
        last_error = ERROR_INVALID_HANDLE;
        return hMem;
    }
    return NULL;
}
