#!/usr/bin/env python3
"""tls_openssl.py TLS_PEER PKI: this library's TLS before `openssl s_server` and `openssl s_client`, and Python's ssl module.

Every version, every kind of key; what both sides say of the connection is the same; megabytes in both directions; client
certificates, resumption, renegotiation, key updates, closing; and each wrong certificate refused with its own status.
"""
import os
import re
import socket
import ssl
import sys

import harness
import tls_programs as tls
from harness import check, equal, matches, note

PEER, PKI = sys.argv[1], sys.argv[2]
OLD = ['-cipher', 'ALL:@SECLEVEL=0']
VERSIONS = {'1.0': ('-tls1', 0x0301), '1.1': ('-tls1_1', 0x0302), '1.2': ('-tls1_2', 0x0303), '1.3': ('-tls1_3', 0x0304)}
openssl = None


def pki(name):
    return os.path.join(PKI, name)


def identity(name):
    """What shows a certificate, for the command and for ours."""
    chain = pki(name + '.chain.pem') if os.path.exists(pki(name + '.chain.pem')) else pki(name + '.pem')
    return (['-cert', pki(name + '.pem'), '-key', pki(name + '.key'), '-cert_chain', chain],
            ['--certificate', chain, '--key', pki(name + '.key')])


def ours_client(port, *options, actions=('facts', 'shutdown', 'end'), trust=True):
    roots = ['--roots', pki('root.pem'), '--target', tls.TARGET] if trust else []
    return tls.Ours(PEER, port, [*roots, *options], list(actions))


def ours_server(*options, name='server-p256', actions=('facts', 'end')):
    return tls.Ours(PEER, None, [*identity(name)[1], '--roots', pki('root.pem'), *options], list(actions))


def exported(output):
    found = re.search(r'Keying material: ([0-9A-F]+)', output)
    return found.group(1).lower() if found else None


def suites_agree(ours, theirs, name):
    """theirs: OpenSSL's name of a suite."""
    equal(ours.fact('suite-number'), openssl.numbers.get(theirs), name + ': one suite, ' + str(theirs))


# ---------------------------------------------------------------- every version and key

def as_client(version, kind, size):
    name = 'client, TLS %s, %s' % (version, kind)
    to, sent = tls.data(size, 1)
    _, back = tls.data(size, 2)
    into = os.path.join(harness.scratch(), 'back')
    server = openssl.server(VERSIONS[version][0], *OLD, *identity('server-' + kind)[0], '-alpn', 'h2,http/1.1', '-naccept', '1',
                            '-keymatexport', tls.LABEL, '-keymatexportlen', '32')
    ours = ours_client(server.port, '--versions', version, '--alpn', 'http/1.1,h2',
                       actions=['facts', 'send=' + to, 'receive=%d:%s' % (size, into), 'shutdown', 'end'])
    ours.wait_line(r'^(handshake|fatal) .*')
    if not equal(ours.fact('handshake'), 'SEC_E_OK', name + ': handshake'):
        note(ours.output() + server.output())
        return
    equal(tls.wait_high(server, size) == sent, True, name + ': %d bytes arrive' % size)
    server.give(back)
    ours.finish()
    said = server.output()
    equal(tls.read(into) == back, True, name + ': %d bytes come back' % size)
    equal(ours.fact('version'), '%04x' % VERSIONS[version][1], name + ': version')
    suites_agree(ours, re.search(r'CIPHER is (\S+)', said).group(1), name)
    equal(ours.fact('exporter'), exported(said), name + ': exported keys')
    equal(ours.fact('alpn'), 'h2', name + ': the protocol that the server prefers')
    equal(ours.fact('certificate'), 'server-' + kind, name + ': the certificate')
    equal(ours.fact('resumed'), '0', name + ': a new session')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed by both')
    server.stop()


def as_server(version, kind, size):
    name = 'server, TLS %s, %s' % (version, kind)
    to, sent = tls.data(size, 3)
    _, back = tls.data(size, 4)
    into = os.path.join(harness.scratch(), 'back')
    ours = ours_server('--versions', version, '--alpn', 'h2,http/1.1', name='server-' + kind,
                       actions=['facts', 'send=' + to, 'receive=%d:%s' % (size, into), 'end'])
    client = openssl.client(ours.port, VERSIONS[version][0], *OLD, '-servername', tls.TARGET, '-CAfile', pki('root.pem'),
                            '-verify_return_error', '-verify_hostname', tls.TARGET, '-alpn', 'http/1.1,h2',
                            '-keymatexport', tls.LABEL, '-keymatexportlen', '32')
    ours.wait_line(r'^(handshake|fatal) .*')
    if not equal(ours.fact('handshake'), 'SEC_E_OK', name + ': handshake'):
        note(ours.output() + client.output())
        return
    equal(tls.wait_high(client, size) == sent, True, name + ': %d bytes arrive' % size)
    client.give(back)
    ours.wait_line(r'^done SEC_E_OK\ndone .*$')
    client.type('Q')
    ours.finish()
    said = client.output()
    equal(tls.read(into) == back, True, name + ': %d bytes come back' % size)
    equal(ours.fact('version'), '%04x' % VERSIONS[version][1], name + ': version')
    suites_agree(ours, re.search(r'Cipher is (\S+)', said).group(1), name)
    equal(ours.fact('exporter'), exported(said), name + ': exported keys')
    equal(ours.fact('alpn'), 'h2', name + ': the protocol that the server prefers')
    matches(r'ALPN protocol: h2\b', said, name + ': s_client says so, too')
    matches(r'Verify return code: 0 \(ok\)', said, name + ': s_client believes the certificate')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + ': closed by s_client')
    client.stop()


def every_version():
    for version in VERSIONS:
        kinds = ['rsa', 'p256'] if version in ('1.0', '1.1') else ['rsa', 'rsapss', 'p256', 'p384', 'ed25519']
        for kind in kinds:
            size = 3000000 if kind == 'rsa' else 70000
            as_client(version, kind, size)
            as_server(version, kind, size)


# ---------------------------------------------------------------- client certificates

def client_certificates():
    for version in ('1.2', '1.3'):
        theirs = [VERSIONS[version][0], *identity('server-p256')[0], '-CAfile', pki('root.pem'), '-naccept', '1']
        shown = ['--versions', version, *identity('client')[1]]
        name = 'TLS %s, client certificate: ' % version

        server = openssl.server(*theirs, '-Verify', '5', '-verify_return_error')
        ours = ours_client(server.port, *shown, actions=['facts', 'text=x', 'shutdown', 'end']).finish()
        equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + 'shown to s_server')
        matches(r'subject=CN = Alice', server.output(), name + 's_server knows whose')
        equal(ours.fact('asked'), '0', name + 'nobody was asked for it')

        server = openssl.server(*theirs, '-verify', '5')
        ours = ours_client(server.port, '--versions', version, actions=['facts', 'text=x', 'shutdown', 'end']).finish()
        equal(ours.fact('asked'), '1', name + 'SEC_I_INCOMPLETE_CREDENTIALS when there is none')
        equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + 'the same credential goes on without')

        server = openssl.server(*theirs, '-Verify', '5', '-verify_return_error')
        ours = ours_client(server.port, '--versions', version, '--late', pki('client.chain.pem'), '--late-key', pki('client.key'),
                           actions=['facts', 'text=x', 'shutdown', 'end']).finish()
        equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', name + 'another credential has one')
        matches(r'subject=CN = Alice', server.output(), name + 's_server knows whose it is')

        server = openssl.server(*theirs, '-Verify', '5', '-verify_return_error')
        ours = ours_client(server.port, '--versions', version, actions=['facts', 'end']).finish()
        # A server of TLS 1.3 says so when the client is done (RFC 8446 4.4.2.4).
        equal(ours.fact('handshake' if version == '1.2' else 'end'), 'SEC_E_ILLEGAL_MESSAGE', name + 'required, and there is none')
        server.wait_line('peer did not return a certificate')

        client = [VERSIONS[version][0], '-servername', tls.TARGET, '-CAfile', pki('root.pem')]
        ours = ours_server('--versions', version, '--ask')
        openssl.client(ours.port, *client, *identity('client')[0]).type('Q')
        ours.finish()
        equal((ours.fact('certificate'), ours.fact('mutual')), ('Alice', '1'), name + 'shown by s_client')

        ours = ours_server('--versions', version, '--ask')
        openssl.client(ours.port, *client).type('Q')
        ours.finish()
        equal((ours.fact('handshake'), ours.fact('certificate'), ours.fact('mutual')), ('SEC_E_OK', '!SEC_E_NO_CREDENTIALS', '0'),
              name + 'not shown, and the server has to look')


# ---------------------------------------------------------------- resumption

def resumption():
    for version, more, what in (('1.2', [], 'ticket'), ('1.2', ['-no_ticket'], 'session id'), ('1.3', [], 'ticket')):
        name = 'TLS %s, %s: ' % (version, what)
        server = openssl.server(VERSIONS[version][0], *more, *identity('server-p256')[0], '-naccept', '3',
                                '-keymatexport', tls.LABEL, '-keymatexportlen', '32')
        ours = ours_client(server.port, '--versions', version, '--times', '3',
                           actions=['facts', 'text=one line', 'shutdown', 'end']).finish()
        equal([ours.fact('resumed', i) for i in range(3)], ['0', '1', '1'], name + 'the second and the third resume')
        equal(len(re.findall('Reused session-id', server.output())), 2, name + 's_server says so, too')
        equal([ours.fact('exporter', i) for i in range(3)],
              [key.lower() for key in re.findall(r'Keying material: ([0-9A-F]+)', server.output())], name + 'exported keys')

        ours = ours_server('--versions', version, '--times', '3', actions=['facts', 'text=hello', 'end'])
        kept = os.path.join(harness.scratch(), 'session.pem')
        for turn in range(3):
            client = openssl.client(ours.port, VERSIONS[version][0], *more, '-servername', tls.TARGET, '-CAfile', pki('root.pem'),
                                    '-sess_out', kept, *(['-sess_in', kept] if turn else []))
            client.wait_line(r'^hello')
            client.type('Q')
            client.wait_exit()
            matches('Reused, TLS' if turn else 'New, TLS', client.output(), name + 's_client, turn %d' % turn)
        ours.finish()
        equal([ours.fact('resumed', i) for i in range(3)], ['0', '1', '1'], name + 'the server knows')


# ---------------------------------------------------------------- renegotiation and key updates

def renegotiation():
    line = ['text=before', 'renegotiate', 'facts', 'text=after', 'shutdown', 'end']
    server = openssl.server('-tls1_2', *identity('server-p256')[0], '-client_renegotiation', '-naccept', '1')
    ours = ours_client(server.port, '--versions', '1.2', actions=['facts', *line]).finish()
    equal((ours.fact('renegotiate'), ours.fact('end')), ('SEC_E_OK', 'SEC_I_CONTEXT_EXPIRED'), 'renegotiation by our client')
    matches('before.*after', server.output(), 'messages before and after arrive')

    server = openssl.server('-tls1_2', *identity('server-p256')[0], '-naccept', '1')
    ours = ours_client(server.port, '--versions', '1.2', actions=['text=first', 'renegotiate', 'text=second', 'renegotiate']).finish()
    equal(ours.connection().get('renegotiate'), ['SEC_I_NO_RENEGOTIATION', 'SEC_E_UNSUPPORTED_FUNCTION'],
          's_server does not renegotiate, and is not asked again')
    matches('first.*second', server.output(), 'messages go on')

    for letter, what in (('r', 'renegotiation'), ('R', 'renegotiation with a client certificate')):
        server = openssl.server('-tls1_2', *identity('server-p256')[0], '-naccept', '1', '-CAfile', pki('root.pem'), '-msg')
        ours = ours_client(server.port, '--versions', '1.2', *identity('client')[1],
                           actions=['text=before', 'wait=go on', 'facts', 'text=after', 'shutdown', 'end'])
        server.wait_line('^before')
        server.type(letter)
        ours.wait_line(r'^renegotiation .*')
        server.type('go on')
        ours.finish()
        equal(ours.connection().get('renegotiation'), ['SEC_E_OK'], '%s by s_server' % what)
        equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', '%s: messages go on' % what)
        if letter == 'R':
            matches(r'<<< TLS 1.2, Handshake \[length [0-9a-f]+\], CertificateVerify', server.output(), 'the certificate arrives')

    ours = ours_server('--versions', '1.2', '--ask', actions=['wait=before', 'renegotiate', 'wait=after', 'facts', 'end'])
    client = openssl.client(ours.port, '-tls1_2', *identity('client')[0], '-CAfile', pki('root.pem'))
    client.type('before')
    ours.wait_line('^renegotiate .*')
    ours.wait_line('^renegotiation .*')
    client.type('after')
    ours.wait_line('^asked')
    client.type('Q')
    ours.finish()
    equal(ours.connection().get('renegotiation'), ['SEC_E_OK'], 'renegotiation by our server')
    equal(ours.fact('certificate'), 'Alice', 'with a client certificate')

    ours = ours_server('--versions', '1.2', actions=['wait=before', 'wait=after', 'end'])
    client = openssl.client(ours.port, '-tls1_2', '-CAfile', pki('root.pem'))
    client.type('before')
    ours.wait_line('^done')
    client.type('R')
    ours.wait_line('^renegotiation .*')
    client.type('after')
    ours.wait_line('^done .*\nrenegotiation .*\ndone')
    client.type('Q')
    ours.finish()
    equal(ours.connection().get('renegotiation'), ['SEC_E_OK'], 'renegotiation by s_client')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', 'closed afterwards')


def key_updates():
    server = openssl.server('-tls1_3', *identity('server-p256')[0], '-naccept', '1')
    ours = ours_client(server.port, '--versions', '1.3', actions=['text=zero', 'wait=one', 'text=two', 'wait=three', 'text=four',
                                                                  'shutdown', 'end'])
    server.wait_line('^zero')
    server.type('k')
    server.type('one')
    server.wait_line('^two')
    server.type('K')
    server.type('three')
    ours.finish()
    matches('two.*four', server.output(), 'key updates by s_server, one that asks for ours')
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', 'closed afterwards')

    ours = ours_server('--versions', '1.3', actions=['wait=zero', 'wait=one', 'text=two', 'wait=three', 'text=four', 'end'])
    client = openssl.client(ours.port, '-tls1_3', '-CAfile', pki('root.pem'))
    client.type('zero')
    ours.wait_line('^done')
    client.type('k')
    client.type('one')
    client.wait_line('^two')
    client.type('K')
    client.type('three')
    client.wait_line('^four')
    client.type('Q')
    ours.finish()
    equal(ours.fact('end'), 'SEC_I_CONTEXT_EXPIRED', 'key updates by s_client, one that asks for ours')


# ---------------------------------------------------------------- wrong certificates

WRONG = [  # the server's certificate, our status, the alert as OpenSSL names it
    ('expired', 'SEC_E_CERT_EXPIRED', 'certificate expired'),
    ('notyet', 'SEC_E_CERT_EXPIRED', 'certificate expired'),
    ('wrongname', 'SEC_E_WRONG_PRINCIPAL', 'bad certificate'),
    ('wrongusage', 'SEC_E_CERT_WRONG_USAGE', 'unsupported certificate'),
    ('unknown', 'SEC_E_UNTRUSTED_ROOT', 'unknown ca'),
    ('selfsigned', 'SEC_E_UNTRUSTED_ROOT', 'unknown ca'),
]


def wrong_certificates():
    for version in ('1.2', '1.3'):
        for wrong, status, alert in WRONG:
            name = 'TLS %s, %s: ' % (version, wrong)
            server = openssl.server(VERSIONS[version][0], *identity(wrong)[0], '-naccept', '1')
            ours = ours_client(server.port, '--versions', version).finish()
            equal(ours.fact('handshake'), status, name + status)
            server.wait_exit()
            matches('alert ' + alert, server.output(), name + 's_server is told')
            server = openssl.server(VERSIONS[version][0], *identity(wrong)[0], '-naccept', '1')
            ours = ours_client(server.port, '--versions', version, '--manual').finish()
            equal(ours.fact('handshake'), 'SEC_E_OK', name + 'not with manual validation')
        for staple, name, status in (('good.ocsp', 'server-p256', 'SEC_E_OK'), ('revoked.ocsp', 'revoked', 'CRYPT_E_REVOKED'),
                                     (None, 'server-p256', 'CRYPT_E_NO_REVOCATION_CHECK')):
            server = openssl.server(VERSIONS[version][0], *identity(name)[0], '-naccept', '1',
                                    *(['-status_file', pki(staple)] if staple else []))
            ours = ours_client(server.port, '--versions', version, '--revocation').finish()
            equal(ours.fact('handshake'), status, 'TLS %s, staple %s: %s' % (version, staple, status))
            if status == 'CRYPT_E_REVOKED':
                server.wait_exit()
                # OpenSSL has but one alert for a staple that is not liked, where it comes behind the certificate (RFC 6066 8).
                told = 'alert certificate revoked' if version == '1.3' else 'alert number 113'
                matches(told, server.output(), 's_server is told that it is revoked')
        for wrong, status, alert in WRONG[:2] + WRONG[3:]:
            name = 'TLS %s, client with %s: ' % (version, wrong)
            ours = ours_server('--versions', version, '--ask')
            client = openssl.client(ours.port, VERSIONS[version][0], *identity(wrong)[0], '-CAfile', pki('root.pem'))
            ours.finish()
            equal(ours.fact('handshake'), status, name + status)
            client.wait_line('alert ' + alert)
            check(True, name + 's_client is told')
    ours = ours_client(openssl.server(*identity('server-p256')[0], '-naccept', '1').port, trust=False).finish()
    check(ours.fact('handshake') in ('SEC_E_UNTRUSTED_ROOT', 'SEC_E_WRONG_PRINCIPAL'), 'neither root nor name', ours.output)


def disagreements():
    server = openssl.server('-tls1_3', *identity('server-p256')[0])
    ours = ours_client(server.port, '--versions', '1.2').finish()
    equal(ours.fact('handshake'), 'SEC_E_UNSUPPORTED_FUNCTION', 'no common version: the client')
    ours = ours_server('--versions', '1.3')
    client = openssl.client(ours.port, '-tls1_2')
    ours.finish()
    equal(ours.fact('handshake'), 'SEC_E_UNSUPPORTED_FUNCTION', 'no common version: the server')
    client.wait_line('alert protocol version')
    ours = ours_server('--alpn', 'h2')
    client = openssl.client(ours.port, '-alpn', 'smtp')
    ours.finish()
    equal(ours.fact('handshake'), 'SEC_E_APPLICATION_PROTOCOL_MISMATCH', 'no common application protocol')
    client.wait_line('alert number 120')
    server = openssl.server(*identity('server-p256')[0], '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384', '-tls1_2', '-curves', 'P-256')
    ours = ours_client(server.port, actions=['facts', 'alert=80']).finish()
    equal((ours.fact('version'), ours.fact('suite')), ('0303', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'), 'the server\'s only suite')
    server.wait_line('alert internal error')
    check(True, 'an alert of the application arrives')


# ---------------------------------------------------------------- Python's ssl, which tells tls-unique

def bindings():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki('server-p256.chain.pem'), pki('server-p256.key'))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_server(('127.0.0.1', 0)) as listener:
        listener.settimeout(harness.LIMIT)
        ours = ours_client(listener.getsockname()[1], '--versions', '1.2', '--times', '2', actions=['facts', 'wait=x', 'end'])
        unique = []
        for _ in range(2):
            with listener.accept()[0] as plain:
                plain.settimeout(harness.LIMIT)
                with context.wrap_socket(plain, server_side=True) as theirs:
                    unique.append((theirs.get_channel_binding('tls-unique').hex(), str(int(theirs.session_reused))))
                    theirs.send(b'x')
        ours.finish()
    equal([(ours.fact('tls-unique', i), ours.fact('resumed', i)) for i in range(2)], unique, 'tls-unique of our client')
    equal(unique[1][1], '1', 'of a full and a resumed handshake')

    context = ssl.create_default_context(cafile=pki('root.pem'))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    ours = ours_server('--versions', '1.2', '--times', '2', actions=['facts', 'text=x', 'end'])
    unique, session = [], None
    for _ in range(2):
        with socket.create_connection(('127.0.0.1', ours.port), harness.LIMIT) as plain:
            with context.wrap_socket(plain, server_hostname=tls.TARGET, session=session) as theirs:
                unique.append((theirs.get_channel_binding('tls-unique').hex(), str(int(theirs.session_reused))))
                theirs.recv(1)
                session = theirs.session
    ours.finish()
    equal([(ours.fact('tls-unique', i), ours.fact('resumed', i)) for i in range(2)], unique, 'tls-unique of our server')
    equal(unique[1][1], '1', 'of a full and a resumed handshake')


def main():
    global openssl
    openssl = tls.OpenSSL()
    note(openssl.version)
    for part in (every_version, client_certificates, resumption, renegotiation, key_updates, wrong_certificates, disagreements,
                 bindings):
        if len(sys.argv) > 3 and part.__name__ not in sys.argv[3:]:
            continue
        part()


harness.run(main)
