#!/usr/bin/env python3
"""connect_dtls.py SSPI PKI: `sspi connect --dtls` before `openssl s_server`, on a network that is good or bad, and before nobody."""
import json
import os
import socket
import sys

import harness
import lossy
import tls_programs as tls
from harness import check, equal, matches

SSPI, PKI = os.path.abspath(sys.argv[1]), sys.argv[2]
VERSIONS = {'1.2': ('-dtls1_2', 'DTLS 1.2'), '1.0': ('-dtls1', 'DTLS 1.0')}
openssl = None


def server(version, name='server-rsa', *more):
    return openssl.server(VERSIONS[version][0], '-cipher', 'ALL:@SECLEVEL=0', '-mtu', '700', '-timeout', '-cert', '%s/%s.pem' % (PKI, name),
                          '-key', '%s/%s.key' % (PKI, name), '-cert_chain', '%s/%s.chain.pem' % (PKI, name), *more)


def connect(port, version, *more, given=None):
    return harness.call([SSPI, 'connect', '--dtls', '--tls-version', version, '--roots', PKI + '/root.pem', '--name', tls.TARGET, '--timeout',
                         '20', *more, '127.0.0.1:%d' % port], env=harness.environment(), given=given)


def reports():
    for version, (_, name) in VERSIONS.items():
        theirs = server(version)
        result = connect(theirs.port, version, '--json')
        if check(result.status == 0, name + ': connect', '%s\n%s' % (result, theirs.output())):
            facts = json.loads(result.out)
            equal((facts['version'], facts['verdict'], facts['resumed']), (name, 'trusted', False), name + ': the report')
            theirs.wait_line(r'CIPHER is \S+')
            number = openssl.numbers[harness.re.search(r'CIPHER is (\S+)', theirs.output()).group(1)]
            check(facts['cipher_suite'].startswith('TLS_'), name + ': a suite (%s)' % number)
        again = json.loads(connect(theirs.port, version, '--again', '--json').out)
        equal(again['resumed'], True, name + ': --again resumes')
        theirs.stop()


def pipes():
    for percent in (0, 15):
        theirs = server('1.2')
        relay = lossy.Relay(theirs.port, 3, percent)
        ours = harness.Process([SSPI, 'connect', '--dtls', '--roots', PKI + '/root.pem', '--name', tls.TARGET, '127.0.0.1:%d' % relay.port],
                               env=harness.environment(), typed=True)
        ours.wait_line('verdict +trusted')
        relay.calm()
        ours.type('from the client')
        theirs.wait_line('from the client')
        theirs.type('from the server')
        ours.wait_line('from the server')
        check(True, 'messages both ways, %d %% lost, doubled or swapped before' % percent)
        ours.child.stdin.close()
        equal(ours.wait_exit(), 0, 'the end of standard input is a goodbye')
        theirs.wait_line('(?i)DONE|CONNECTION CLOSED|shutting down')
        theirs.stop()
        relay.close()


def refusals():
    for wrong, status in (('expired', 'SEC_E_CERT_EXPIRED'), ('wrongname', 'SEC_E_WRONG_PRINCIPAL'), ('unknown', 'SEC_E_UNTRUSTED_ROOT')):
        theirs = server('1.2', wrong)
        result = connect(theirs.port, '1.2', given='secret')
        equal((result.status, result.out), (8, ''), wrong + ': not trusted')
        matches(status, result.err, wrong + ': and the status says why')
        theirs.stop()
    theirs = server('1.2')
    result = connect(theirs.port, '1.0', '--report')
    equal(result.status, 3, 'no version in common')
    theirs.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(('127.0.0.1', 0))
        equal(connect(silent.getsockname()[1], '1.2', '--timeout', '1').status, 4, 'a silent server')
        nobody = silent.getsockname()[1]
    equal(connect(nobody, '1.2').status, 4, 'nobody there')
    equal(connect(nobody, '1.3').status, 2, 'DTLS 1.3')


def main():
    global openssl
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    openssl = tls.OpenSSL()
    reports()
    pipes()
    refusals()


harness.run(main)
