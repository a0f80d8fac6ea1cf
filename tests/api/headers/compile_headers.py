#!/usr/bin/env python3
"""compile_headers.py HEADERS --cc COMMAND... --cxx COMMAND... : the public headers compile, without a warning,

each alone and all together, in any order, before and after system headers, as C99, C11 and C++17, with and without
UNICODE; and programs written for Windows compile with them.  Only the syntax is checked: nothing is linked.  Output: TAP.
"""
import concurrent.futures
import glob
import os
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only']
DIALECTS = {'C99': ('c', '-std=c99'), 'C11': ('c', '-std=c11'), 'C++17': ('c++', '-std=c++17')}
UNICODE = {'ANSI': [], 'UNICODE': ['-DUNICODE', '-D_UNICODE']}
SYSTEM = ['stdlib.h', 'stdio.h', 'string.h', 'wchar.h', 'errno.h', 'sys/types.h', 'sys/socket.h', 'netdb.h', 'pthread.h']
OPENSSL = ['openssl/ssl.h', 'openssl/x509v3.h', 'openssl/pkcs7.h', 'openssl/ocsp.h']
# Names that make programs or system headers go another way, or that they use themselves.
NOT_OURS = ['WIN32', '_WIN32', '_WIN64', '_MSC_VER', '__MINGW32__', '__CYGWIN__', 'SECURITY_WIN32', 'ERROR', 'min', 'max',
            'IN', 'OUT', 'OPTIONAL', 'near', 'far', 'small', 'interface', 'X509_NAME', 'X509_EXTENSIONS',
            'PKCS7_SIGNER_INFO', 'OCSP_REQUEST', 'OCSP_RESPONSE']

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
    return table->InitializeSecurityContextA(NULL, context, NULL, 0, 0, 0, NULL, 0, context, out, &attributes, NULL);
}
'''


def split(arguments):
    """The folder and the two compilers' commands."""
    c, cxx = arguments.index('--cc'), arguments.index('--cxx')
    return arguments[0], {'c': arguments[c + 1:cxx], 'c++': arguments[cxx + 1:]}


def lines(*parts):
    return ''.join('#include %s\n' % part for part in parts) + 'int something;\n'


def quoted(headers):
    return ['"%s"' % header for header in headers]


def angled(headers):
    return ['<%s>' % header for header in headers]


def cases(headers, have_openssl):
    """(what, source, flags, dialects or None for all)"""
    for header in headers:
        yield header, lines(*quoted([header, header])), [], None
    system = angled(SYSTEM + (OPENSSL if have_openssl else []))
    if not have_openssl:
        yield 'OpenSSL around ours # SKIP its headers are not installed', None, [], None
    together = quoted(headers)
    yield 'all, in order', lines(*together), [], None
    yield 'all, backwards', lines(*reversed(together)), [], None
    yield 'all, after system headers', lines(*system, *together), [], None
    yield 'all, before system headers', lines(*together, *system), [], None
    yield 'all, with 16-bit wchar_t', lines(*together), ['-fshort-wchar'], None
    yield 'all, with the switches of the SDK', lines(*together), [
        '-DSECURITY_WIN32', '-DSCHANNEL_USE_BLACKLISTS=1', '-D_WIN32_WINNT=0x0601', '-DWIN32_LEAN_AND_MEAN',
        '-DNTDDI_VERSION=0x0A00000B'], None
    ours = ''.join('#ifdef %s\n#error %s\n#endif\n' % (name, name) for name in NOT_OURS)
    yield 'names that are not ours stay free', lines(*together) + ours, [], None
    yield 'a program for Windows', PROGRAM, [], ('C11', 'C++17')
    yield 'a program for Windows, with 16-bit wchar_t', PROGRAM, ['-fshort-wchar'], None
    yield 'out parameters of the wrong width', RELAXED, [], None


def compile_one(folder, compilers, source, dialect, flags):
    language, standard = DIALECTS[dialect]
    command = compilers[language] + [standard] + WARNINGS + flags + ['-I' + folder, '-x' + language, '-']
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def main():
    folder, compilers = split(sys.argv[1:])
    headers = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, '*.h')))
    probe = lines(*angled(OPENSSL))
    have_openssl = compile_one(folder, compilers, probe, 'C11', ['-w'])[0]

    runs = []
    for what, source, flags, dialects in cases(headers, have_openssl):
        for dialect in [None] if source is None else dialects or DIALECTS:
            for width in [None] if source is None else UNICODE:
                runs.append((what, source, flags, dialect, width))
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = [run[1] and pool.submit(compile_one, folder, compilers, run[1], run[3], run[2] + UNICODE[run[4]])
                   for run in runs]

    print('1..%d' % len(runs))
    failed = 0
    for number, ((what, _, _, dialect, width), result) in enumerate(zip(runs, results), 1):
        good, errors = result.result() if result else (True, '')
        name = '%s, %s, %s' % (what, dialect, width) if dialect else what
        print('%s %d - %s' % ('ok' if good else 'not ok', number, name))
        for line in [] if good else errors.splitlines()[:12]:
            print('# ' + line)
        failed += not good
    return 1 if failed or not headers else 0


if __name__ == '__main__':
    sys.exit(main())
