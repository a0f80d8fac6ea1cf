#!/usr/bin/env python3
"""logon.py SSPI: the logon session in the kernel's keyring."""
import json
import os
import sys

import harness
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])


def sspi(*arguments, **more):
    return harness.call([SSPI, *arguments], env=harness.environment(**more))


def main():
    libc = __import__('ctypes').CDLL(None, use_errno=True)
    if libc.syscall(250, 1, b'sspi-test', 0, 0, 0) < 0:  # keyctl(KEYCTL_JOIN_SESSION_KEYRING): one of this test's own
        raise harness.SkipAll('the kernel lends this process no session keyring (keyctl: %s)'
                              % os.strerror(__import__('ctypes').get_errno()))
    equal(sspi('logoff').status, 7, 'nobody is logged on')
    equal(sspi('whoami').status, 7, 'so there are no default credentials')
    result = sspi('logon', 'CORP\\alice', SSPI_PASSWORD='battery staple')
    equal(result.status, 0, 'logon')
    who = sspi('whoami', '--json')
    facts = json.loads(who.out)
    equal(facts['logon_session'], 'CORP\\alice', 'whoami: the logon session')
    equal(facts['default_credentials']['NTLM'], 'CORP\\alice', 'whoami: whom NTLM acts as')
    check('battery' not in who.out + who.err, 'whoami: no password')
    matches(r'logon session +CORP\\alice', sspi('whoami').out, 'whoami for people')
    sspi('user', 'add', 'CORP\\alice', SSPI_PASSWORD='battery staple')
    server = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0'], env=harness.environment())
    url = server.wait_line(r'^listening on (http://\S+)$').group(1)
    page = sspi('get', url + 'json')
    equal(page.status, 0, 'get as the logged-on user')
    equal(json.loads(page.out)['user'], 'CORP\\alice', 'the server knows who')
    equal(sspi('logoff').status, 0, 'logoff')
    equal(sspi('logoff').status, 7, 'and not twice')
    equal(sspi('get', url).status, 1, 'afterwards get has nobody to be')


harness.run(main)
