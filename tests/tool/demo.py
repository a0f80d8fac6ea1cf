#!/usr/bin/env python3
"""demo.py SSPI: the tour happens, and fails when it should."""
import os
import sys

import harness
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])


def leftovers():
    return {name for name in os.listdir('/tmp') if name.startswith('sspi-demo.')}


def main():
    harness.need_program('curl', 'curl')
    harness.need_program('openssl', 'openssl')
    before = leftovers()
    result = harness.call([SSPI, 'demo'], env=harness.environment(), limit=120)
    equal(result.status, 0, 'sspi demo succeeds')
    check('FAIL' not in result.out and '\u2718' not in result.out, 'every line of it', str(result))
    matches('NEGOTIATE.*CHALLENGE.*AUTHENTICATE', result.out, 'it draws the exchange')
    for words in ('sealed message', 'SEC_E_MESSAGE_ALTERED', 'SEC_E_LOGON_DENIED', 'curl --ntlm with the right password',
                  'HTTP 401', 'NegTokenInit2', 'NegTokenResp: AUTHENTICATE', 'accept-completed', "bound to the server's key", 'delegated to the server', 'SEC_E_DELEGATION_POLICY', 'Next:', 'sspi user add', 'TLS 1.2, the certificate verified',
                  'TLS 1.3, the certificate verified', 'SEC_E_WRONG_PRINCIPAL', 'https://127.0.0.1:', 'bound to this TLS connection'):
        check(words in result.out, 'it shows: ' + words, result.out)
    if os.path.exists('/usr/sbin/krb5kdc') and os.path.exists('/usr/sbin/kadmin.local'):
        matches(r'AP-REQ.*AP-REP.*HTTP/demo\.example\.com@DEMO.*HTTP: sspi serve', result.out, 'Kerberos, in a realm of its own')
    else:
        check('no realm without' in result.out, 'without a KDC it says so', result.out)
    check('\x1b' not in result.out, 'no colour in a pipe')
    check(leftovers() <= before, 'nothing is left in /tmp')
    plain = harness.call([SSPI, 'demo'], env=harness.environment(LC_ALL='C'), limit=120)
    check(plain.status == 0 and plain.out.isascii(), 'ASCII where the locale has no more', str(plain))
    os.makedirs(os.path.join(harness.scratch(), 'empty'), exist_ok=True)
    alone = harness.call([SSPI, 'demo'], env=harness.environment(PATH=os.path.join(harness.scratch(), 'empty')), limit=120)
    equal(alone.status, 1, 'without curl not all of it happens, and the exit status says so')
    check('curl cannot be started' in alone.out, 'and why', str(alone))


harness.run(main)
