#!/usr/bin/env python3
"""tls_ragged.py TLS_PEER PKI: sessions with OpenSSL's and GnuTLS' programs over a network that cuts the stream anywhere.

Byte by byte, and in pieces of random sizes: what both sides agree on, and what arrives, is what it would be in one piece.
"""
import os
import re
import sys

import harness
import ragged
import tls_programs as tls
from harness import check, equal

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'1.0': '-tls1', '1.1': '-tls1_1', '1.2': '-tls1_2', '1.3': '-tls1_3'}
OLD = ['-cipher', 'ALL:@SECLEVEL=0']
PIECES = ((1, 1), (2, 7), (3, 500))  # seed, most bytes at once
openssl = None


def pki(name):
    return os.path.join(PKI, name)


def exported(said):
    return re.search(r'Keying material: ([0-9A-F]+)', said).group(1).lower()


def as_client(version, seed, most):
    """With a client certificate, a renegotiation where there are any, and a key update where there are those."""
    name = 'client, TLS %s, up to %d bytes at once' % (version, most)
    size = 1500 if most == 1 else 40000
    to, sent = tls.data(size, 1)
    _, back = tls.data(size, 2)
    into = os.path.join(harness.scratch(), 'back')
    server = openssl.server(VERSIONS[version], *OLD, '-cert', pki('server-rsa.pem'), '-key', pki('server-rsa.key'), '-cert_chain',
                            pki('server-rsa.chain.pem'), '-CAfile', pki('root.pem'), '-Verify', '5', '-verify_return_error', '-naccept',
                            '1', '-client_renegotiation', '-keymatexport', tls.LABEL, '-keymatexportlen', '32')
    relay = ragged.Relay(server.port, seed, most)
    again = ['renegotiate'] if version != '1.3' else []
    ours = tls.Ours(PEER, relay.port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET, '--certificate',
                                       pki('client.chain.pem'), '--key', pki('client.key')],
                    ['facts', 'send=' + to, *again, 'receive=%d:%s' % (size, into), 'shutdown', 'end'])
    ours.wait_line(r'^(handshake|fatal) .*')
    equal(ours.fact('handshake'), 'SEC_E_OK', name)
    equal(tls.wait_high(server, size) == sent, True, name + ': %d bytes arrive' % size)
    if again:  # messages have no place in a handshake
        ours.wait_line('^renegotiate .*')
    server.give(back)
    ours.finish()
    equal(tls.read(into) == back, True, name + ': %d bytes come back' % size)
    equal(ours.fact('exporter'), exported(server.output()), name + ': exported keys')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed')
    if again:
        equal(ours.fact('renegotiate'), 'SEC_E_OK', name + ': renegotiated')
    check(most != 1 or relay.counts['from'] > 2000, name + ': byte by byte', str(relay.counts))
    relay.close()
    server.stop()


def as_server(version, seed, most):
    name = 'server, TLS %s, up to %d bytes at once' % (version, most)
    size = 1500 if most == 1 else 40000
    to, sent = tls.data(size, 3)
    _, back = tls.data(size, 4)
    into = os.path.join(harness.scratch(), 'back')
    ours = tls.Ours(PEER, None, ['--versions', version, '--roots', pki('root.pem'), '--certificate', pki('server-rsa.chain.pem'), '--key',
                                 pki('server-rsa.key'), '--ask'],
                    ['facts', 'send=' + to, 'receive=%d:%s' % (size, into), 'end'])
    relay = ragged.Relay(ours.port, seed, most)
    client = openssl.client(relay.port, VERSIONS[version], *OLD, '-servername', tls.TARGET, '-CAfile', pki('root.pem'),
                            '-verify_return_error', '-cert', pki('client.pem'), '-key', pki('client.key'), '-cert_chain',
                            pki('client.chain.pem'), '-keymatexport', tls.LABEL, '-keymatexportlen', '32')
    ours.wait_line(r'^(handshake|fatal) .*')
    equal((ours.fact('handshake')), 'SEC_E_OK', name)
    equal(tls.wait_high(client, size) == sent, True, name + ': %d bytes arrive' % size)
    client.give(back)
    ours.wait_line(r'^done SEC_E_OK\ndone .*$')
    client.type('Q')
    ours.finish()
    equal(tls.read(into) == back, True, name + ': %d bytes come back' % size)
    equal((ours.fact('certificate'), ours.fact('exporter')), ('Alice', exported(client.output())), name + ': who it is, exported keys')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed')
    relay.close()
    client.stop()


def main():
    global openssl
    openssl = tls.OpenSSL()
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    for version in VERSIONS:
        for seed, most in PIECES:
            as_client(version, seed, most)
            as_server(version, seed, most)


harness.run(main)
