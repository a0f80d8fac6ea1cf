#!/usr/bin/env python3
"""basics.py SSPI: help, usage errors, packages, and how the command is linked."""
import json
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])
COMMANDS = ['packages', 'demo', 'serve', 'get', 'connect', 'decode', 'user', 'logon', 'logoff', 'whoami']
USER_COMMANDS = ['add', 'list', 'del', 'verify', 'import', 'disable', 'enable', 'lock', 'unlock', 'expire']


def sspi(*arguments, **more):
    return harness.call([SSPI, *arguments], env=harness.environment(), **more)


def help_texts():
    top = sspi('--help')
    equal(top.status, 0, 'sspi --help succeeds')
    for name in COMMANDS:
        matches(r'(?m)^  %s +\S' % name, top.out, 'sspi --help names ' + name)
        result = sspi(name, '--help')
        check(result.status == 0 and 'Usage: sspi ' + name in result.out, name + ' --help explains it', str(result))
    for name in USER_COMMANDS:
        result = sspi('user', name, '--help')
        check(result.status == 0 and 'Usage: sspi user ' + name in result.out, 'user %s --help explains it' % name, str(result))
    matches(r'^sspi \(OpenSSPI\) \d+\.\d+\.\d+\n$', sspi('--version').out, '--version')


def usage_errors():
    for arguments in (['nonsense'], [], ['packages', '--nonsense'], ['packages', 'argument'], ['get'], ['user'],
                      ['user', 'nonsense'], ['user', 'add'], ['user', 'expire', 'x', '2027-13-45'], ['logon'],
                      ['serve', '--listen', 'nowhere'], ['get', 'ftp://127.0.0.1/'], ['get', 'http://u:p@127.0.0.1/'],
                      ['get', '--timeout', '0', 'http://127.0.0.1/'], ['connect'], ['connect', 'host:0'], ['connect', 'u:p@host:1'],
                      ['connect', 'host:1/path'], ['connect', '--tls-version', '1.4', 'host:1'], ['connect', '--key', 'x', 'host:1'],
                      ['get', '--insecure', '--roots', 'x', 'https://host/'], ['serve', '--https'], ['serve', '--cert', 'x'],
                      ['serve', '--https', '--cert', 'x', '--bindings', 'maybe'], ['serve', '--https', '--cert', 'x', '--client-cert', 'maybe'], ['decode', '--password-fd', 'x', 'y']):
        result = sspi(*arguments)
        equal(result.status, 2, 'usage: sspi ' + ' '.join(arguments))
        check(result.err != '' and result.out == '', 'it says so on standard error: ' + ' '.join(arguments), str(result))


def absent():
    for arguments in (['serve', '--packages', 'NTLM,Carrier-Pigeon'], ['get', '--proxy', 'https://127.0.0.1:1', 'https://127.0.0.1/'],
                      ['get', '--package', 'Carrier-Pigeon', 'http://127.0.0.1/']):
        result = sspi(*arguments)
        equal(result.status, 5, 'not in this build: sspi ' + ' '.join(arguments))
        check(result.err.startswith('sspi: '), 'and why', str(result))


def packages():
    text = sspi('packages')
    matches(r'(?m)^NTLM +10 +2888 +0x0[02]8?8?2B37 +NTLM Security Package$', text.out, 'packages lists NTLM')
    listed = json.loads(sspi('packages', '--json').out)
    ntlm = [entry for entry in listed if entry['name'] == 'NTLM']
    equal(len(ntlm), 1, 'NTLM is listed once')
    equal((ntlm[0]['rpc_id'], ntlm[0]['max_token'], ntlm[0]['version']), (10, 2888, 1), 'its numbers are those of Windows')
    check('\x1b' not in text.out, 'no colour in a pipe', text.out)


def full_disk():
    with open('/dev/full', 'wb') as full:
        child = subprocess.run([SSPI, 'packages'], stdout=full, stderr=subprocess.PIPE, env=harness.environment())
    equal(child.returncode, 1, 'what cannot be written is no success')


def linking():
    """Public functions come from the shared library, once: none may have been linked in from the archive of internals."""
    nm = shutil.which('nm')
    if nm is None:
        harness.skip('one copy of the library', 'nm is not installed (package binutils)')
        return
    symbols = harness.call([nm, SSPI]).out
    if '__asan_init' in symbols or symbols == '':
        harness.note('a sanitizer build, or stripped: symbols are looked at all the same')
    undefined = set(re.findall(r'(?m)^ +U (\w+)', symbols))
    defined = set(re.findall(r'(?m)^[0-9a-f]+ [TtDdBbRrVvWw] (\w+)', symbols))
    for name in ('AcquireCredentialsHandleA', 'AcceptSecurityContext', 'InitializeSecurityContextA', 'DeleteSecurityContext'):
        check(name in undefined and name not in defined, name + ' is the shared library\'s')
    check(not defined & {'ntlm_accept', 'ntlm_initiate'}, 'the steps of NTLM are the shared library\'s')
    check('packages' not in defined, 'the table of packages is the shared library\'s')


def main():
    help_texts()
    usage_errors()
    absent()
    packages()
    full_disk()
    linking()


harness.run(main)
