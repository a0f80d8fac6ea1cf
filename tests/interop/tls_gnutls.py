#!/usr/bin/env python3
"""tls_gnutls.py TLS_PEER PKI: this library's TLS before gnutls-serv and gnutls-cli."""
import os
import re
import sys

import harness
import tls_programs as tls
from harness import check, equal, matches, note

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'1.0': '0301', '1.1': '0302', '1.2': '0303', '1.3': '0304'}
serv = cli = None


def pki(name):
    return os.path.join(PKI, name)


def identity(name):
    chain = pki(name + '.chain.pem') if os.path.exists(pki(name + '.chain.pem')) else pki(name + '.pem')
    return (['--x509certfile', chain, '--x509keyfile', pki(name + '.key')], ['--certificate', chain, '--key', pki(name + '.key')])


def priority(version):
    # SHA-1 is what TLS 1.0 and 1.1 sign with
    return ['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS%s:%%VERIFY_ALLOW_SIGN_WITH_SHA1' % version]


def server(version, *arguments):
    """gnutls-serv --echo, on a port that was free a moment ago."""
    for _ in range(5):
        port = harness.free_port()
        process = harness.Process([serv, '--port', str(port), '--echo', *priority(version), '--keymatexport', tls.LABEL,
                                   '--keymatexportsize', '32', *arguments])
        if 'done' in process.wait_line(r'(listening on IPv4 .*(done|failed))|bind').group(0):
            process.port = port
            return process
        process.stop()
    raise RuntimeError('no port')


def client(port, version, *arguments):
    return harness.Process([cli, '--verbose', '--port', str(port), *priority(version), '--x509cafile', pki('root.pem'),
                            '--sni-hostname', tls.TARGET, '--verify-hostname', tls.TARGET, '--keymatexport', tls.LABEL,
                            '--keymatexportsize', '32', *arguments, '127.0.0.1'], typed=True)


def ours_client(port, version, *options, actions):
    return tls.Ours(PEER, port, ['--roots', pki('root.pem'), '--target', tls.TARGET, '--versions', version, *options], actions)


def ours_server(version, *options, name='server-p256', actions):
    return tls.Ours(PEER, None, [*identity(name)[1], '--roots', pki('root.pem'), '--versions', version, *options], actions)


def agree(ours, said, version, name, turn=0):
    """What GnuTLS says of its connection number `turn` is what ours says."""
    def find(pattern):
        found = re.findall(pattern, said)
        return found[turn] if turn < len(found) else None

    equal((ours.fact('version', turn), find(r'- Version: (\S+)')), (VERSIONS[version], 'TLS' + version), name + ': version')
    cipher = find(r'- Cipher: (\S+)') or 'none'
    matches(cipher.replace('-', '_') + '_', ours.fact('suite', turn) or '', name + ': cipher')
    equal(ours.fact('exporter', turn), find(r'- Key material: (\S+)'), name + ': exported keys')
    equal(ours.fact('alpn', turn), find(r'- Application protocol: (\S+)'), name + ': application protocol')
    if version != '1.3':
        equal(ours.fact('tls-unique', turn), find(r"'tls-unique': (\S+)"), name + ': tls-unique')


def every_version():
    for version in VERSIONS:
        for kind in ['rsa', 'p256'] if version in ('1.0', '1.1') else ['rsa', 'rsapss', 'p256', 'p384', 'ed25519']:
            size = 1000000 if kind == 'rsa' else 50000
            to, sent = tls.data(size, 5)
            into = os.path.join(harness.scratch(), 'back')

            name = 'client, TLS %s, %s' % (version, kind)
            theirs = server(version, *identity('server-' + kind)[0], '--disable-client-cert', '--alpn', 'h2')
            ours = ours_client(theirs.port, version, '--alpn', 'http/1.1,h2',
                               actions=['facts', 'echo=%s:%s' % (to, into), 'shutdown', 'end']).finish()
            equal(ours.fact('handshake'), 'SEC_E_OK', name + ': handshake')
            equal(tls.high(tls.read(into)) == sent, True, name + ': %d bytes there and back' % size)
            equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed by both')
            theirs.stop()
            agree(ours, theirs.output(), version, name)

            name = 'server, TLS %s, %s' % (version, kind)
            ours = ours_server(version, '--alpn', 'h2,http/1.1', name='server-' + kind,
                               actions=['facts', 'send=' + to, 'receive=%d:%s' % (size, into), 'end'])
            theirs = client(ours.port, version, '--alpn', 'http/1.1', '--alpn', 'h2')
            equal(tls.wait_high(theirs, size) == sent, True, name + ': %d bytes arrive' % size)
            theirs.give(sent)
            theirs.child.stdin.close()
            ours.finish()
            equal(tls.read(into) == sent, True, name + ': %d bytes come back' % size)
            equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed by gnutls-cli')
            agree(ours, theirs.output(), version, name)
            if version == '1.3':
                matches("'tls-server-end-point': %s" % (ours.fact('tls-server-end-point') if kind != 'ed25519' else ''),
                        theirs.output(), name + ': tls-server-end-point')
            matches('The certificate is trusted', theirs.output(), name + ': gnutls-cli believes the certificate')


def client_certificates():
    for version in ('1.2', '1.3'):
        name = 'TLS %s, client certificate: ' % version
        theirs = server(version, *identity('server-p256')[0], '--x509cafile', pki('root.pem'), '--require-client-cert',
                        '--verify-client-cert')
        line = ['facts', 'text=hello', 'wait=hello', 'shutdown', 'end']
        ours = ours_client(theirs.port, version, *identity('client')[1], actions=line).finish()
        equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + 'shown to gnutls-serv')
        matches('The certificate is trusted.*Subject: CN=Alice', theirs.output(), name + 'gnutls-serv believes it')
        ours = ours_client(theirs.port, version, '--late', pki('client.chain.pem'), '--late-key', pki('client.key'),
                           actions=line).finish()
        equal((ours.fact('asked'), ours.fact('end')), ('1', 'SEC_I_CONTEXT_EXPIRED'), name + 'another credential has one')
        ours = ours_client(theirs.port, version, actions=line).finish()
        check('SEC_I_CONTEXT_EXPIRED' != ours.fact('end'), name + 'without one gnutls-serv goes', ours.output)
        theirs.stop()

        for wrong, status in ((None, 'SEC_E_OK'), ('expired', 'SEC_E_CERT_EXPIRED'), ('wrongusage', 'SEC_E_CERT_WRONG_USAGE'),
                              ('unknown', 'SEC_E_UNTRUSTED_ROOT')):
            ours = ours_server(version, '--ask', actions=['facts', 'text=hello', 'shutdown', 'end'])
            theirs = client(ours.port, version, *identity(wrong or 'client')[0])
            ours.finish()
            equal(ours.fact('handshake'), status, name + 'gnutls-cli with %s' % (wrong or 'a good one'))
            if wrong is None:
                equal((ours.fact('certificate'), ours.fact('mutual')), ('Alice', '1'), name + 'the server knows whose')
            else:
                theirs.wait_line('fatal alert')


def resumption():
    for version, more, what in (('1.2', [], 'ticket'), ('1.2', ['--noticket'], 'session id'), ('1.3', [], 'ticket')):
        name = 'TLS %s, %s' % (version, what)
        theirs = server(version, *more, *identity('server-p256')[0], '--disable-client-cert')
        ours = ours_client(theirs.port, version, '--times', '3',
                           actions=['facts', 'text=hello', 'wait=hello', 'shutdown', 'end']).finish()
        theirs.stop()
        equal([ours.fact('resumed', i) for i in range(3)], ['0', '1', '1'], name + ': the second and the third resume')
        equal(theirs.output().count('This is a resumed session'), 2, name + ': gnutls-serv says so, too')
        for turn in range(3):
            agree(ours, re.sub(r'(?m)^- Version', '- Application protocol: -\n- Version', theirs.output()), version, '%s, turn %d' % (name, turn), turn)
        ours = ours_server(version, '--times', '2', actions=['facts', 'text=hello', 'end'])
        theirs = client(ours.port, version, *more, '--resume', '--waitresumption')
        theirs.wait_line('(?s)This is a resumed session.*hello')
        theirs.child.stdin.close()
        ours.finish()
        equal([ours.fact('resumed', i) for i in range(2)], ['0', '1'], name + ': gnutls-cli resumes')


def renegotiation():
    # gnutls-serv does so at a client's word, and sends data behind its HelloRequest.  The handshake has then begun for the
    # client, and the functions of SSPI that shake hands have no place for messages.
    theirs = server('1.2', *identity('server-p256')[0], '--disable-client-cert')
    ours = ours_client(theirs.port, '1.2', actions=['text=before', 'wait=before', 'text=**REHANDSHAKE**', 'text=after', 'end'])
    ours.finish()
    equal(ours.connection().get('renegotiation'), ['SEC_E_ILLEGAL_MESSAGE'], 'messages amid a renegotiation')

    ours = ours_server('1.2', actions=['wait=hello', 'facts', 'text=bye', 'shutdown', 'end'])
    theirs = client(ours.port, '1.2', '--rehandshake')
    ours.wait_line('^renegotiation .*')
    theirs.type('hello')
    ours.finish()
    equal(ours.connection().get('renegotiation'), ['SEC_E_OK'], 'renegotiation by gnutls-cli')
    theirs.wait_line('(?s)bye.*Peer has closed the GnuTLS connection')
    check(True, 'messages go on, and gnutls-cli hears of the end')


def key_updates():
    ours = ours_server('1.3', actions=['wait=zero', 'wait=one', 'text=two', 'wait=three', 'text=four', 'shutdown', 'end'])
    theirs = client(ours.port, '1.3', '--inline-commands')
    theirs.type('zero')
    ours.wait_line('^done')
    theirs.type('^rekey^')
    theirs.wait_line('Rekey was completed')
    theirs.type('one')
    theirs.wait_line('two')
    theirs.type('^rekey^')
    theirs.wait_line('(?s)Rekey was completed.*Rekey was completed')
    theirs.type('three')
    theirs.wait_line('(?s)four.*Peer has closed the GnuTLS connection')
    check(True, 'key updates by gnutls-cli')


def wrong_certificates():
    for version in ('1.2', '1.3'):
        for wrong, status in (('expired', 'SEC_E_CERT_EXPIRED'), ('wrongname', 'SEC_E_WRONG_PRINCIPAL'),
                              ('wrongusage', 'SEC_E_CERT_WRONG_USAGE'), ('unknown', 'SEC_E_UNTRUSTED_ROOT')):
            theirs = server(version, *identity(wrong)[0], '--disable-client-cert')
            ours = ours_client(theirs.port, version, actions=['facts']).finish()
            equal(ours.fact('handshake'), status, 'TLS %s, %s: %s' % (version, wrong, status))
            # Under TLS 1.3 OpenSSL has not changed its keys by then, for the sake of middleboxes (RFC 8446 D.4), and sends an
            # alert that GnuTLS cannot read, s_client as well as ours.
            theirs.wait_line('(?i)fatal alert' if version == '1.2' else 'Decryption has failed|fatal alert')
            check(True, 'gnutls-serv is told')
            theirs.stop()
        for staple, name, status in (('good.ocsp', 'server-p256', 'SEC_E_OK'), ('revoked.ocsp', 'revoked', 'CRYPT_E_REVOKED')):
            theirs = server(version, *identity(name)[0], '--disable-client-cert', '--ocsp-response', pki(staple),
                            '--ignore-ocsp-response-errors')
            ours = ours_client(theirs.port, version, '--revocation', actions=['facts']).finish()
            equal(ours.fact('handshake'), status, 'TLS %s, staple %s: %s' % (version, staple, status))
            theirs.stop()


def main():
    global serv, cli
    serv = harness.need_program('gnutls-serv', 'gnutls-bin')
    cli = harness.need_program('gnutls-cli', 'gnutls-bin')
    note(harness.call([cli, '--version']).out.splitlines()[0])
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    for part in (every_version, client_certificates, resumption, renegotiation, key_updates, wrong_certificates):
        if len(sys.argv) == 3 or part.__name__ in sys.argv[3:]:
            part()


harness.run(main)
