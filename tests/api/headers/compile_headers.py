#!/usr/bin/env python3
"""compile_headers.py HEADERS [--kit] --cc COMMAND... --cxx COMMAND... : the public headers compile, without a warning,

each alone and all together, in any order, before and after the headers of the system and of other libraries, as C99, C11,
C17, C++17 and C++20, with and without UNICODE, by the build's compilers and by gcc and clang; and programs written for
Windows compile with them.  --kit: HEADERS are the porting kit's, which lie in a folder of the library's and stand before
them.  Only the syntax is checked: nothing is linked.  Output: TAP.
"""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only']
DIALECTS = {'C99': ('c', '-std=c99'), 'C11': ('c', '-std=c11'), 'C17': ('c', '-std=c17'), 'C++17': ('c++', '-std=c++17'),
            'C++20': ('c++', '-std=c++20')}
FEW = ('C11', 'C++17')
UNICODE = {'ANSI': [], 'UNICODE': ['-DUNICODE', '-D_UNICODE']}
SYSTEM = ['stdlib.h', 'stdio.h', 'string.h', 'wchar.h', 'errno.h', 'sys/types.h', 'sys/socket.h', 'netdb.h', 'pthread.h']
CXX = ['string', 'algorithm', 'limits', 'memory', 'vector', 'map', 'iostream', 'functional', 'thread', 'chrono', 'regex']
# Other libraries whose headers meet ours in one file: name, pkg-config module, headers.
LIBRARIES = [
    ('OpenSSL', 'openssl', ['openssl/ssl.h', 'openssl/x509v3.h', 'openssl/pkcs7.h', 'openssl/ocsp.h']),
    ('krb5', 'krb5-gssapi', ['krb5.h', 'gssapi/gssapi.h', 'gssapi/gssapi_krb5.h']),
    ('libevent', 'libevent', ['event2/event.h', 'event2/bufferevent.h', 'event2/http.h', 'event2/util.h']),
    ('Python', 'python3', ['Python.h']),
]
# Words that Qt makes macros of.
QT = ['-Dsignals=public', '-Dslots=', '-Demit=', '-Dforeach=for', '-Dforever=for(;;)', '-DQ_OBJECT=']
# Names that make programs or system headers go another way, or that they use themselves.
NOT_OURS = ['WIN32', '_WIN32', '_WIN64', '_MSC_VER', '__MINGW32__', '__CYGWIN__', 'SECURITY_WIN32', 'ERROR', 'min', 'max',
            'IN', 'OUT', 'OPTIONAL', 'near', 'far', 'small', 'interface', 'X509_NAME', 'X509_EXTENSIONS',
            'PKCS7_SIGNER_INFO', 'OCSP_REQUEST', 'OCSP_RESPONSE', '__in', '__out', '__inout', 'signals', 'slots', 'emit',
            'Bool', 'Status', 'None', 'Success', 'I', 'T', 'interface', 'CreateWindow', 'GetMessage', 'SendMessage',
            'DELETE', 'STRICT', 'PASCAL', 'CDECL', 'OPAQUE', 'BOOLEAN', 'wcslen', 'swprintf', 'errno_t']

# Names of the C run-time that the porting kit takes over, and no other.
KIT = ['wcslen', 'swprintf', 'errno_t']

# A client as it is written for Windows.  PLAIN is the table's and the functions' plain name.
PROGRAM = r'''
#define SECURITY_WIN32 1
#include <windows.h>
#include <security.h>
#include <schannel.h>
#include <credssp.h>
#include <tchar.h>

static SECURITY_STATUS client(PSecurityFunctionTable table, TCHAR *target, SecBufferDesc *in)
{
    CredHandle credential;
    CtxtHandle context;
    TimeStamp expiry;
    DWORD attributes = 0;
    SecBuffer buffer = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc out = {SECBUFFER_VERSION, 1, &buffer};
    SecPkgContext_Names names;
    PSecPkgInfo info = NULL;
    SEC_WINNT_AUTH_IDENTITY identity = {NULL, 0, NULL, 0, NULL, 0, 0};
    static TCHAR package[] = NEGOSSP_NAME;
    static TCHAR text[] = _T("text") TEXT("s");
    SECURITY_STATUS status = table->QuerySecurityPackageInfo(package, &info);
    SecInvalidateHandle(&context);
    if (SEC_SUCCESS(status)) {
        status = table->AcquireCredentialsHandle(NULL, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                                 &credential, &expiry);
        status = AcquireCredentialsHandle(text, package, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &credential,
                                          &expiry);
    }
    status = table->InitializeSecurityContext(&credential, SecIsValidHandle(&context) ? &context : NULL, target,
                                              ISC_REQ_ALLOCATE_MEMORY, 0, SECURITY_NATIVE_DREP, in, 0, &context, &out,
                                              &attributes, &expiry);
    switch (status) {
    case SEC_E_OK:
    case SEC_I_CONTINUE_NEEDED:
        (void)table->QueryContextAttributes(&context, SECPKG_ATTR_NAMES, &names);
        break;
    case SEC_E_INCOMPLETE_MESSAGE:
        break;
    default:
        (void)table->DeleteSecurityContext(&context);
    }
    (void)table->FreeCredentialsHandle(&credential);
    (void)table->FreeCredentialHandle(&credential);
    return FreeCredentialHandle(&credential);
}

int use(TCHAR *target)
{
    INIT_SECURITY_INTERFACE init = InitSecurityInterface;
    INITIALIZE_SECURITY_CONTEXT_FN function = InitializeSecurityContext;
    SCHANNEL_CRED old_style;
    SCH_CREDENTIALS new_style;
    CREDSSP_CRED delegated = {CredsspPasswordCreds, &old_style, NULL};
    CREDSPP_SUBMIT_TYPE type = delegated.Type;
    const WCHAR *wide[] = {UNISP_NAME_W, MICROSOFT_KERBEROS_NAME, NTLMSP_NAME};
    ZeroMemory(&old_style, sizeof(old_style));
    ZeroMemory(&new_style, sizeof(new_style));
    old_style.dwVersion = SCHANNEL_CRED_VERSION;
    new_style.dwVersion = SCH_CREDENTIALS_VERSION;
    return client(init(), target, NULL) < 0 || function == NULL || wide[0] == NULL || type == CredsspSchannelCreds ||
           FAILED((HRESULT)GetLastError());
}
'''

# An out parameter of the wrong width, as half of the programs have it.
RELAXED = r'''
#define SSPI_RELAXED_OUT_PARAMS
#include "security.h"
SECURITY_STATUS use(PSecurityFunctionTableA table, PCtxtHandle context, PSecBufferDesc out);
SECURITY_STATUS use(PSecurityFunctionTableA table, PCtxtHandle context, PSecBufferDesc out)
{
    unsigned long attributes = 0, qop = 0;
    PSecPkgInfoA infos;
    unsigned long count = 0;
    (void)EnumerateSecurityPackagesA(&count, &infos);
    (void)DecryptMessage(context, out, 0, &qop);
    (void)AcceptSecurityContext(NULL, context, out, 0, 0, context, out, &attributes, NULL);
    (void)AcceptSecurityContext(NULL, context, out, 0, 0, context, out, NULL, NULL);
    return table->InitializeSecurityContextA(NULL, context, NULL, 0, 0, 0, NULL, 0, context, out, &attributes, NULL);
}
'''

# Every spelling that a program may use, and the annotations of the SDK's samples.
SPELLINGS = r'''
#include <Windows.h>
#include <WinCrypt.h>
#include <Sspi.h>
#include <Security.h>
#include <Schannel.h>
#include <NTSecAPI.h>
#include <TCHAR.H>
#include <Bcrypt.h>
_Success_(return != FALSE) BOOL use(_In_ PCtxtHandle context, _Inout_opt_ ULONG *size,
                                    _Out_writes_bytes_opt_(*size) BYTE *out);
_Use_decl_annotations_ BOOL use(PCtxtHandle context, ULONG *size, BYTE *out)
{
    const WCHAR *modes[] = {BCRYPT_CHAIN_MODE_GCM, UNISP_NAME_W};
    SecureZeroMemory(out, *size);
    return SecIsValidHandle(context) && modes[0] != NULL;
}
'''

# A client's connection, which Windows' headers let a program make in every dialect.
SOCKETS = r'''
#include <winsock2.h>
#include <ws2tcpip.h>
SOCKET open_connection(const char *host, const char *port);
SOCKET open_connection(const char *host, const char *port)
{
    struct addrinfo hints, *found = NULL;
    SOCKET connection = INVALID_SOCKET;
    char name[NI_MAXHOST], text[200];
    unsigned long mode = 1; /* u_long, as they write */
    ULONG waiting = 0;
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);
    ZeroMemory(&hints, sizeof(hints));
    hints.ai_flags = AI_PASSIVE | AI_CANONNAME;
    hints.ai_socktype = SOCK_STREAM;
    code = code != 0 ? code : getaddrinfo(host, port, &hints, &found);
    if (code == 0) {
        connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
        if (connect(connection, found->ai_addr, (socklen_t)found->ai_addrlen) == SOCKET_ERROR) {
            (void)FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)WSAGetLastError(), 0, text, ARRAYSIZE(text), NULL);
        }
        (void)ioctlsocket(connection, FIONBIO, &mode);
        (void)ioctlsocket(connection, FIONREAD, &waiting);
        (void)getnameinfo(found->ai_addr, found->ai_addrlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(found);
    }
    return code == EAI_NONAME ? INVALID_SOCKET : connection;
}
'''

# Words that compilers for Windows know.
KEYWORDS = r'''
#include <windows.h>
#include <security.h>
typedef PSecurityFunctionTableA(__stdcall *initializer)(void);
__declspec(dllexport) unsigned __int64 __cdecl use(TimeStamp time, initializer init);
static __forceinline __int64 joined(LONG high, ULONG low)
{
    return ((__int64)high << 32) + low;
}
unsigned __int64 __cdecl use(TimeStamp time, initializer init)
{
    return init != NULL ? (unsigned __int64)joined(time.HighPart, time.LowPart) : 0;
}
'''

# Without the relaxation such a parameter is an error, never a silent half of a variable.
STRICT = RELAXED.replace('#define SSPI_RELAXED_OUT_PARAMS', '')


def split(arguments):
    """The folder, whether it is the kit's, and the two compilers' commands."""
    c, cxx = arguments.index('--cc'), arguments.index('--cxx')
    return arguments[0], '--kit' in arguments[:c], {'c': arguments[c + 1:cxx], 'c++': arguments[cxx + 1:]}


def lines(*parts):
    return ''.join('#include %s\n' % part for part in parts) + 'int something;\n'


def quoted(headers):
    return ['"%s"' % header for header in headers]


def angled(headers):
    return ['<%s>' % header for header in headers]


def flags_of(module):
    """What pkg-config says a library's headers need, as the system's; None: it is not installed."""
    found = subprocess.run(['pkg-config', '--cflags', module], capture_output=True, text=True)
    if found.returncode:
        return None
    words = found.stdout.replace('-I', ' -isystem ').split()
    return [word for word in words if not word.startswith('-D')]


def cases(headers, libraries, kit, others):
    """(what, source or None to skip, flags, dialects)"""
    spelling = [header for header in headers if header != header.lower()]
    for header in headers:
        if header not in spelling:
            yield header, lines(*quoted([header, header])), [], DIALECTS
    yield 'every spelling', lines(*quoted(spelling)), [], FEW
    system = angled(SYSTEM)
    together = quoted(header for header in headers if header not in spelling)
    yield 'all, in order', lines(*together), [], DIALECTS
    yield 'all, backwards', lines(*reversed(together)), [], DIALECTS
    yield 'all, after system headers', lines(*system, *together), [], FEW
    yield 'all, before system headers', lines(*together, *system), [], FEW
    for name, include, flags in libraries:
        if flags is None:
            yield '%s around ours # SKIP its headers are not installed' % name, None, [], None
            continue
        yield 'all, after %s' % name, lines(*angled(include), *together), flags, FEW
        yield 'all, before %s' % name, lines(*together, *angled(include)), flags, FEW
    both = [header for name, include, flags in libraries if flags is not None for header in angled(include)]
    flags = [flag for library in libraries for flag in library[2] or []]
    yield 'all, after every other library', lines(*both, *together), flags, FEW
    yield 'all, before the C++ library', lines(*together, *angled(CXX)), [], ('C++17', 'C++20')
    yield 'all, after the C++ library', lines(*angled(CXX), *together), [], ('C++17', 'C++20')
    if kit:
        yield "all, before the library's", lines(*together, *quoted(others)), [], DIALECTS
        yield "all, after the library's", lines(*quoted(others), *together), [], FEW
        yield "Windows' keywords", KEYWORDS, [], DIALECTS
        yield "Windows' keywords, where they are known", KEYWORDS, ['-fms-extensions', '-Wno-unknown-pragmas'], FEW
        yield 'a connection', SOCKETS, [], DIALECTS
        yield 'a connection, after system headers', lines(*angled(SYSTEM)) + SOCKETS, [], DIALECTS
    yield "all, among Qt's words", lines(*together), QT, FEW
    yield 'all, with 16-bit wchar_t', lines(*together), ['-fshort-wchar'], DIALECTS
    yield 'all, with the switches of the SDK', lines(*together), [
        '-DSECURITY_WIN32', '-DSCHANNEL_USE_BLACKLISTS=1', '-D_WIN32_WINNT=0x0601', '-DWIN32_LEAN_AND_MEAN',
        '-DNTDDI_VERSION=0x0A00000B'], FEW
    ours = ''.join('#ifdef %s\n#error %s\n#endif\n' % (name, name) for name in NOT_OURS if not (kit and name in KIT))
    yield 'names that are not ours stay free', lines(*together) + ours, [], DIALECTS
    yield 'a program for Windows', PROGRAM, [], ('C11', 'C17', 'C++17', 'C++20')
    yield 'a program for Windows, with 16-bit wchar_t', PROGRAM, ['-fshort-wchar'], DIALECTS
    yield 'out parameters of the wrong width', RELAXED, [], DIALECTS
    yield 'spellings and annotations', SPELLINGS, [], ('C11', 'C17', 'C++17', 'C++20')
    yield 'spellings and annotations, with 16-bit wchar_t', SPELLINGS, ['-fshort-wchar'], DIALECTS


def compile_one(folder, compilers, source, dialect, flags):
    language, standard = DIALECTS[dialect]
    command = compilers[language] + [standard] + WARNINGS + flags + ['-I' + folder, '-I' + os.path.dirname(folder), '-x' + language,
                                                                           '-']
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def families(compilers):
    """name -> compilers: the build's own, and gcc or clang where the build uses the other."""
    banner = subprocess.run(compilers['c'] + ['--version'], capture_output=True, text=True).stdout
    own = 'clang' if 'clang' in banner else 'gcc'
    yield own, compilers
    other, cxx = ('gcc', 'g++') if own == 'clang' else ('clang', 'clang++')
    yield other, {'c': [other], 'c++': [cxx]} if shutil.which(other) and shutil.which(cxx) else None


def all_runs(headers, compilers, kit, others):
    """(name, source or None, family's compilers, dialect, flags, whether it must compile)"""
    libraries = [(name, include, flags_of(module)) for name, module, include in LIBRARIES]
    for family, family_compilers in families(compilers):
        if family_compilers is None:
            yield '%s # SKIP %s is not installed' % (family, family), None, None, None, None, True
            continue
        for what, source, flags, dialects in cases(headers, libraries, kit, others):
            if source is None:
                yield what, None, None, None, None, True
                continue
            for dialect in dialects:
                # Alone, a header's texts are in one width; together they are in both.
                for width in UNICODE if dialect in FEW and what.startswith(('all', 'a program')) else ['ANSI']:
                    yield ('%s, %s, %s, %s' % (what, family, dialect, width), source, family_compilers, dialect,
                           flags + UNICODE[width], True)
        yield 'out parameters of the wrong width are refused, %s' % family, STRICT, family_compilers, 'C++17', [], False


def main():
    folder, kit, compilers = split(sys.argv[1:])
    folder = os.path.abspath(folder)
    headers = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, '*.[hH]')))
    # The library's own, by paths that the kit's names do not hide.
    others = ['../' + os.path.basename(path) for path in sorted(glob.glob(os.path.join(folder, '..', '*.h')))]
    runs = list(all_runs(headers, compilers, kit, others))
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = [run[1] and pool.submit(compile_one, folder, run[2], run[1], run[3], run[4]) for run in runs]

    print('1..%d' % len(runs))
    failed = 0
    for number, (run, result) in enumerate(zip(runs, results), 1):
        compiled, errors = result.result() if result else (True, '')
        good = compiled == run[5]
        print('%s %d - %s' % ('ok' if good else 'not ok', number, run[0]))
        for line in [] if good else errors.splitlines()[:12]:
            print('# ' + line)
        failed += not good
    return 1 if failed or not headers else 0


if __name__ == '__main__':
    sys.exit(main())
