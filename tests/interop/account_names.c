/* Asks for the names of accounts as a program does, a question a line, and prints each answer on a line:
 *
 *   user FORMAT                  GetUserNameEx
 *   computer FORMAT              GetComputerObjectName
 *   translate FORM FORMAT NAME   TranslateName
 *   find NAME                    SspiExtFindAccount
 *   sid NAME, name SID           LookupAccountName, LookupAccountSid (the porting kit)
 *   uid NUMBER                   becomes that user
 *
 * FORMAT and FORM are the numbers of EXTENDED_NAME_FORMAT.  An answer begins with "=", an error is its number; both functions
 * of a pair, A and W, have to agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/windows.h"

#include "secext.h"
#include "security.h"
#include "sspi_ext.h"

#define ROOM 1024

/* Ends the program when the W function has not said what the A function said. */
static void compare(BOOLEAN known, const char *narrow, ULONG size, DWORD error, BOOLEAN wide_known, const WCHAR *wide,
                    ULONG wide_size)
{
    int needed = known ? MultiByteToWideChar(CP_UTF8, 0, narrow, -1, NULL, 0) : 0;
    WCHAR expected[ROOM];
    if (known) {
        MultiByteToWideChar(CP_UTF8, 0, narrow, -1, expected, ROOM);
    }
    if (known != wide_known || (!known && GetLastError() != error) ||
        (known && memcmp(expected, wide, (size_t)needed * sizeof *wide) != 0) ||
        (known && strlen(narrow) == (size_t)needed - 1 && size != wide_size)) {
        printf("the A and the W function differ\n");
        exit(1);
    }
}

static void say(BOOLEAN known, const char *answer, DWORD error)
{
    if (known) {
        printf("=%s\n", answer);
    } else {
        printf("%u\n", (unsigned)error);
    }
}

static void user(EXTENDED_NAME_FORMAT format)
{
    char name[ROOM];
    WCHAR wide[ROOM];
    ULONG size = ROOM, wide_size = ROOM;
    BOOLEAN known = GetUserNameExA(format, name, &size);
    DWORD error = GetLastError();
    BOOLEAN wide_known = GetUserNameExW(format, wide, &wide_size);
    compare(known, name, size, error, wide_known, wide, wide_size);
    say(known, name, error);
}

static void computer(EXTENDED_NAME_FORMAT format)
{
    char name[ROOM];
    WCHAR wide[ROOM];
    ULONG size = ROOM, wide_size = ROOM;
    BOOLEAN known = GetComputerObjectNameA(format, name, &size);
    DWORD error = GetLastError();
    BOOLEAN wide_known = GetComputerObjectNameW(format, wide, &wide_size);
    compare(known, name, size, error, wide_known, wide, wide_size);
    say(known, name, error);
}

static void translate(EXTENDED_NAME_FORMAT from, EXTENDED_NAME_FORMAT to, const char *account)
{
    char name[ROOM];
    WCHAR wide[ROOM], wide_account[ROOM];
    ULONG size = ROOM, wide_size = ROOM;
    BOOLEAN known = TranslateNameA(account, from, to, name, &size);
    DWORD error = GetLastError();
    MultiByteToWideChar(CP_UTF8, 0, account, -1, wide_account, ROOM);
    BOOLEAN wide_known = TranslateNameW(wide_account, from, to, wide, &wide_size);
    compare(known, name, size, error, wide_known, wide, wide_size);
    say(known, name, error);
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

static void find(const char *name)
{
    SSPI_EXT_ACCOUNT *found = NULL;
    SECURITY_STATUS status = SspiExtFindAccount(name, &found);
    if (status != SEC_E_OK) {
        printf("%s\n", SspiExtStatusName(status));
        return;
    }
    printf("=%u|%s|%s|%s|%s|%s\n", (unsigned)found->Use, or_none(found->Domain), or_none(found->User),
           or_none(found->DnsDomain), or_none(found->DisplayName), or_none(found->Sid));
    FreeContextBuffer(found);
}

static void print_sid(PSID sid)
{
    const SID *value = sid;
    printf("S-1-%u", value->IdentifierAuthority.Value[5]);
    for (unsigned i = 0; i < value->SubAuthorityCount; i++) {
        printf("-%u", (unsigned)value->SubAuthority[i]);
    }
}

static void sid_of(const char *name)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    char domain[ROOM], user_name[ROOM], its_domain[ROOM];
    DWORD size = sizeof sid, domain_size = ROOM, user_size = ROOM, its_size = ROOM;
    SID_NAME_USE use = SidTypeUnknown, again = SidTypeUnknown;
    if (!LookupAccountNameA(NULL, name, sid, &size, domain, &domain_size, &use)) {
        printf("%u\n", (unsigned)GetLastError());
        return;
    }
    printf("=%u|%s|", (unsigned)use, domain);
    print_sid(sid);
    if (LookupAccountSidA(NULL, sid, user_name, &user_size, its_domain, &its_size, &again)) {
        printf("|%s\\%s", its_domain, user_name);
    }
    printf("\n");
}

static void name_of(const char *text)
{
    SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
    unsigned part[5] = {0};
    char user_name[ROOM], domain[ROOM];
    DWORD user_size = ROOM, domain_size = ROOM;
    SID_NAME_USE use = SidTypeUnknown;
    PSID sid = NULL;
    int count = sscanf(text, "S-1-5-%u-%u-%u-%u-%u", &part[0], &part[1], &part[2], &part[3], &part[4]);
    AllocateAndInitializeSid(&authority, (BYTE)count, part[0], part[1], part[2], part[3], part[4], 0, 0, 0, &sid);
    if (LookupAccountSidA(NULL, sid, user_name, &user_size, domain, &domain_size, &use)) {
        printf("=%u|%s\\%s\n", (unsigned)use, domain, user_name);
    } else {
        printf("%u\n", (unsigned)GetLastError());
    }
    FreeSid(sid);
}

static void answer(char *line)
{
    unsigned first = 0, second = 0;
    int used = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '\1' ? '\n' : *at; /* NameCanonicalEx has one inside */
    }
    if (sscanf(line, "user %u", &first) == 1) {
        user((EXTENDED_NAME_FORMAT)first);
    } else if (sscanf(line, "computer %u", &first) == 1) {
        computer((EXTENDED_NAME_FORMAT)first);
    } else if (sscanf(line, "translate %u %u %n", &first, &second, &used) == 2) {
        translate((EXTENDED_NAME_FORMAT)first, (EXTENDED_NAME_FORMAT)second, line + used);
    } else if (strncmp(line, "find ", 5) == 0) {
        find(line + 5);
    } else if (strncmp(line, "sid ", 4) == 0) {
        sid_of(line + 4);
    } else if (strncmp(line, "name ", 5) == 0) {
        name_of(line + 5);
    } else if (sscanf(line, "uid %u", &first) == 1) {
        printf("%s\n", setresgid(first, first, first) == 0 && setresuid(first, first, first) == 0 ? "=" : "refused");
    } else {
        printf("?\n");
    }
}

int main(void)
{
    char line[2 * ROOM];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        answer(line);
    }
    return 0;
}
