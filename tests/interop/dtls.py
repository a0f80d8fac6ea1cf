#!/usr/bin/env python3
"""dtls.py TLS_PEER PKI: this library's DTLS before OpenSSL's and GnuTLS' programs, over a network that is good or bad.

The bad one loses, doubles and swaps datagrams (lossy.py).  The handshake heals that; of messages each arrives once at the most,
and as it was.
"""
import collections
import os
import re
import sys

import harness
import lossy
import tls_programs as tls
from harness import check, equal, note

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'d1.0': ('-dtls1', 'DTLS1.0', 'feff'), 'd1.2': ('-dtls1_2', 'DTLS1.2', 'fefd')}
MESSAGES = 30
counts = collections.Counter()
openssl = None


def pki(name):
    return os.path.join(PKI, name)


def openssl_server(version, kind, *more):
    process = openssl.server(VERSIONS[version][0], '-cipher', 'ALL:@SECLEVEL=0', '-mtu', '700', '-timeout', '-cert',
                             pki(kind + '.pem'), '-key', pki(kind + '.key'), '-cert_chain', pki(kind + '.chain.pem'), '-CAfile',
                             pki('root.pem'), '-keymatexport', tls.LABEL, '-keymatexportlen', '32', *more)
    return process


def openssl_client(port, version, *more):
    return openssl.client(port, VERSIONS[version][0], '-cipher', 'ALL:@SECLEVEL=0', '-mtu', '700', '-timeout', '-CAfile',
                          pki('root.pem'), '-verify_return_error', '-verify_hostname', tls.TARGET, '-servername', tls.TARGET, '-cert',
                          pki('client.pem'), '-key', pki('client.key'), '-cert_chain', pki('client.chain.pem'), '-keymatexport',
                          tls.LABEL, '-keymatexportlen', '32', *more)


def gnutls_client(port, version, *more):
    return harness.Process([harness.need_program('gnutls-cli', 'gnutls-bin'), '--udp', '--mtu', '700', '--verbose', '--port', str(port),
                            '--priority', 'NORMAL:-VERS-ALL:+VERS-%s:%%VERIFY_ALLOW_SIGN_WITH_SHA1' % VERSIONS[version][1],
                            '--x509cafile', pki('root.pem'), '--sni-hostname', tls.TARGET, '--verify-hostname', tls.TARGET,
                            '--x509certfile', pki('client.chain.pem'), '--x509keyfile', pki('client.key'), '--keymatexport', tls.LABEL,
                            '--keymatexportsize', '32', *more, '127.0.0.1'], typed=True)


def gnutls_server(version, kind):
    for _ in range(5):
        port = harness.free_port()
        process = harness.Process([harness.need_program('gnutls-serv', 'gnutls-bin'), '--udp', '--mtu', '700', '--port', str(port), '--echo',
                                   '--priority', 'NORMAL:-VERS-ALL:+VERS-%s:%%VERIFY_ALLOW_SIGN_WITH_SHA1' % VERSIONS[version][1],
                                   '--x509certfile', pki(kind + '.chain.pem'), '--x509keyfile', pki(kind + '.key'), '--x509cafile',
                                   pki('root.pem'), '--keymatexport', tls.LABEL, '--keymatexportsize', '32'])
        if 'done' in process.wait_line(r'(listening on IPv4 .*(done|failed))|bind').group(0):
            process.port = port
            return process
        process.stop()
    raise RuntimeError('no port')


def exported(said):
    found = re.search(r'Key(?:ing)? material: ([0-9A-Fa-f]+)', said)
    return found.group(1).lower() if found else None


def numbers(text, whose):
    return [int(number) for number in re.findall(r'message (\d+) of %s\n' % whose, text)]


def once_each(text, whose, name, lossless):
    found = numbers(text, whose)
    check(len(found) == len(set(found)) and set(found) <= set(range(MESSAGES)), name + ': no message twice', str(found))
    if lossless:
        equal(found, list(range(MESSAGES)), name + ': every message, in order')
    else:
        check(len(found) > MESSAGES // 3, name + ': most messages', str(found))


def talk(ours, theirs, relay, name, version, lossless):
    """Both are connected through the relay: what they agree on, and messages in both directions."""
    found = ours.wait_line(r'^(handshake|fatal) .*').group(0)
    if not equal(found, 'handshake SEC_E_OK', name + ': handshake'):
        note(ours.output() + theirs.output())
        return
    begins = ours.wait_line(r'^handshake .*\n(?:.*\n)*?(facts) .*').end()
    for _ in range(100):  # until its messages are out, which a server's are behind this word
        theirs.type('go ahead')
        try:
            harness.until(lambda: 'done' in ours.output()[begins:], 'our messages are out', 0.3)
            break
        except TimeoutError:
            pass  # the word was lost
    for number in range(MESSAGES):
        theirs.type('message %d of theirs' % number)
    relay.calm()
    theirs.type('END')
    theirs.wait_line('bye')
    said = theirs.output()
    equal(ours.fact('version'), VERSIONS[version][2], name + ': version')
    equal(ours.fact('exporter'), exported(said), name + ': exported keys')
    once_each(said, 'ours', name + ', to the peer', lossless)
    once_each(tls.read(os.path.join(harness.scratch(), 'lines')).decode(), 'theirs', name + ', from the peer', lossless)
    counts.update(relay.counts)


def actions(*first):
    """A server's messages wait for the client's word: before its handshake is done they would come to nothing."""
    return ['facts', *first, 'messages=%d' % MESSAGES, 'lines=END:' + os.path.join(harness.scratch(), 'lines'), 'text=bye', 'shutdown']


def with_openssl(version, kind, seed, percent, *more):
    options = ['--versions', version, '--roots', pki('root.pem'), '--mtu', '600']
    name = 'client, %s, %s, %s, %d %%, seed %d' % (version, kind, more or 'plain', percent, seed)
    theirs = openssl_server(version, kind, *more)
    relay = lossy.Relay(theirs.port, seed, percent)
    ours = tls.Ours(PEER, relay.port, [*options, '--target', tls.TARGET, '--certificate', pki('client.chain.pem'), '--key',
                                       pki('client.key')], actions())
    talk(ours, theirs, relay, name, version, percent == 0)
    if '-Verify' in more:
        check('subject=CN = Alice' in theirs.output(), name + ': s_server knows the client')
    ours.finish()
    theirs.wait_line('(?i)^(DONE|shutting down|CONNECTION CLOSED)')
    check(True, name + ': closed')
    theirs.stop()
    relay.close()

    name = 'server, %s, %s, %d %%, seed %d' % (version, kind, percent, seed)
    ours = tls.Ours(PEER, None, [*options, '--certificate', pki(kind + '.chain.pem'), '--key', pki(kind + '.key'), '--ask'],
                    actions('wait=go ahead'))
    relay = lossy.Relay(ours.port, seed, percent)
    theirs = openssl_client(relay.port, version)
    talk(ours, theirs, relay, name, version, percent == 0)
    equal((ours.fact('certificate'), ours.fact('mutual')), ('Alice', '1'), name + ': whose client')
    ours.finish()
    theirs.wait_line('(?i)^(closed|DONE|read:errno)')
    check(True, name + ': closed')
    theirs.stop()
    relay.close()


def before_gnutls_serv(version, kind, seed, percent):
    options = ['--versions', version, '--roots', pki('root.pem'), '--mtu', '600']
    name = 'before gnutls-serv, %s, %s, %d %%, seed %d' % (version, kind, percent, seed)
    theirs = gnutls_server(version, kind)
    relay = lossy.Relay(theirs.port, seed, percent)
    lines = os.path.join(harness.scratch(), 'lines')
    ours = tls.Ours(PEER, relay.port, [*options, '--target', tls.TARGET, '--certificate', pki('client.chain.pem'), '--key',
                                       pki('client.key')],
                    ['facts', 'messages=%d' % MESSAGES, 'lines=of ours\n:' + lines, 'shutdown'])
    ours.wait_line(r'^(handshake|fatal) .*')
    equal(ours.fact('handshake'), 'SEC_E_OK', name + ': handshake')
    equal(ours.fact('version'), VERSIONS[version][2], name + ': version')
    ours.finish()
    check(numbers(tls.read(lines).decode(), 'ours'), name + ': an echo')  # it says nothing of the connection under DTLS
    theirs.stop()
    counts.update(relay.counts)
    relay.close()


def before_gnutls_cli(version, kind, seed, percent):
    options = ['--versions', version, '--roots', pki('root.pem'), '--mtu', '600']
    name = 'before gnutls-cli, %s, %s, %d %%, seed %d' % (version, kind, percent, seed)
    ours = tls.Ours(PEER, None, [*options, '--certificate', pki(kind + '.chain.pem'), '--key', pki(kind + '.key'), '--ask'],
                    actions('wait=go ahead'))
    relay = lossy.Relay(ours.port, seed, percent)
    theirs = gnutls_client(relay.port, version)
    talk(ours, theirs, relay, name, version, percent == 0)
    equal((ours.fact('certificate'), ours.fact('mutual')), ('Alice', '1'), name + ': whose client')
    ours.finish()
    theirs.wait_line('Peer has closed')
    check(True, name + ': closed')
    theirs.stop()
    relay.close()


def resumption(version):
    name = '%s, resumption' % version
    theirs = openssl_server(version, 'server-p256')
    ours = tls.Ours(PEER, theirs.port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET, '--times', '3'],
                    ['facts', 'text=hello', 'shutdown']).finish()
    equal([ours.fact('resumed', i) for i in range(3)], ['0', '1', '1'], name)
    theirs.stop()


def wrong_certificates(version):
    for wrong, status in (('expired', 'SEC_E_CERT_EXPIRED'), ('notyet', 'SEC_E_CERT_EXPIRED'), ('wrongname', 'SEC_E_WRONG_PRINCIPAL'),
                          ('wrongusage', 'SEC_E_CERT_WRONG_USAGE'), ('unknown', 'SEC_E_UNTRUSTED_ROOT')):
        theirs = openssl_server(version, wrong)
        ours = tls.Ours(PEER, theirs.port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET], ['facts'])
        ours.finish()
        equal(ours.fact('handshake'), status, '%s, %s: %s' % (version, wrong, status))
        theirs.stop()
    for staple, name, status in (('good.ocsp', 'server-p256', 'SEC_E_OK'), ('revoked.ocsp', 'revoked', 'CRYPT_E_REVOKED')):
        theirs = openssl_server(version, name, '-status_file', pki(staple))
        ours = tls.Ours(PEER, theirs.port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET, '--revocation'],
                        ['facts']).finish()
        equal(ours.fact('handshake'), status, '%s, staple %s: %s' % (version, staple, status))
        theirs.stop()


def ed25519():
    """OpenSSL's servers do not use such a certificate under DTLS, so ours do not, either; clients take it from others."""
    before_gnutls_serv('d1.2', 'server-ed25519', 0, 0)
    ours = tls.Ours(PEER, None, ['--versions', 'd1.2', '--certificate', pki('server-ed25519.chain.pem'), '--key',
                                 pki('server-ed25519.key')], ['facts'])
    theirs = openssl_client(ours.port, 'd1.2')
    ours.finish()
    equal(ours.fact('handshake'), 'SEC_E_ALGORITHM_MISMATCH', 'server, d1.2, server-ed25519: not possible')
    theirs.wait_line('alert handshake failure')
    theirs.stop()


def main():
    global openssl
    openssl = tls.OpenSSL()
    for version in VERSIONS:
        for kind in ('server-rsa', 'server-p256'):
            with_openssl(version, kind, 0, 0)
            before_gnutls_serv(version, kind, 0, 0)
            before_gnutls_cli(version, kind, 0, 0)
        resumption(version)
        wrong_certificates(version)
    ed25519()
    with_openssl('d1.2', 'server-rsa', 0, 0, '-listen')
    for seed in range(1, 6):
        with_openssl('d1.2' if seed % 3 else 'd1.0', 'server-rsa', seed, 12, *(['-Verify', '5'] if seed % 2 else []))
    for seed in range(1, 4):
        before_gnutls_serv('d1.2' if seed % 3 else 'd1.0', 'server-p256', seed, 12)
        before_gnutls_cli('d1.2' if seed % 3 else 'd1.0', 'server-p256', seed, 12)
    note('datagrams: %s' % dict(counts))
    for what in ('lost', 'doubled', 'swapped'):
        check(counts[what] > 20, 'datagrams were ' + what, str(counts))


harness.run(main)
