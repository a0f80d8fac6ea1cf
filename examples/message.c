/* Says what a status means, as programs for Windows do it, with functions found at run time. */
#include <stdio.h>

#include <windows.h>

#define SECURITY_WIN32
#include <security.h>

int main(void)
{
    PSecurityFunctionTableA table;
    char *text = NULL;
    HMODULE module = LoadLibraryA("secur32.dll");
    INIT_SECURITY_INTERFACE_A init;
    if (module == NULL) {
        return 1;
    }
    init = (INIT_SECURITY_INTERFACE_A)(void (*)(void))GetProcAddress(module, "InitSecurityInterfaceA");
    table = init != NULL ? init() : NULL;
    if (table == NULL || table->dwVersion == 0) {
        return 1;
    }
    FormatMessageA(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                   (DWORD)SEC_E_LOGON_DENIED, 0, (LPSTR)(void *)&text, 0, NULL);
    if (text == NULL) {
        return 1;
    }
    fputs(text, stdout);
    LocalFree(text);
    FreeLibrary(module);
    return 0;
}
