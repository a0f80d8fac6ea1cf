#!/usr/bin/env python3
"""tls.py SSPI PKI: sspi connect, sspi get and sspi serve over TLS, against Python's ssl module (OpenSSL)."""
import hashlib
import json
import os
import socket
import ssl
import sys
import threading

import harness
import tls_server
from harness import check, equal, matches
from tls_server import CUT, Server

SSPI = os.path.abspath(sys.argv[1])
PKI = sys.argv[2]
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAME = ['--name', 'www.example.com']
ROOTS = ['--roots', PKI + '/root.pem']


def sspi(*arguments, given=None, **env):
    return harness.call([SSPI, *arguments], env=harness.environment(**env), given=given)


def hash_of(name):
    with open('%s/%s.pem' % (PKI, name), encoding='ascii') as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def quiet(_connection, _seen):
    """Waits for the client's goodbye."""
    while _connection.recv(65536):
        pass


def echo(connection, _seen):
    while True:
        piece = connection.recv(65536)
        if not piece:
            return
        connection.sendall(piece)


def report():
    for version, text in ((V12, 'TLS 1.2'), (V13, 'TLS 1.3')):
        tls = tls_server.context(PKI, 'server-p256', minimum=version, maximum=version, alpn=['second', 'first'])
        with Server(tls, quiet) as server:
            result = sspi('connect', '--json', *ROOTS, *NAME, '--alpn', 'first,second', server.where)
            equal(result.status, 0, '%s: connect' % text)
            facts = json.loads(result.out)
            equal(facts['version'], text, 'the version')
            again = json.loads(sspi('connect', '--again', '--json', *ROOTS, *NAME, server.where).out)
            shown = sspi('connect', '--report', *ROOTS, *NAME, server.where)
        if version == V13:
            equal(facts['cipher_suite'], server.seen[0]['cipher'], text + ': the suite is the one that the server names')
        equal(facts['application_protocol'], server.seen[0]['alpn'], text + ': ALPN')
        equal(facts['verdict'], 'trusted', text + ': the verdict')
        equal(facts['channel_binding'], hash_of('server-p256'), text + ': tls-server-end-point is the hash of the certificate')
        equal([entry['sha256'] for entry in facts['certificates']], [hash_of('server-p256'), hash_of('intermediate')], text + ': the chain')
        check('www.example.com' in facts['certificates'][0]['names'], text + ': its names')
        equal((facts['resumed'], server.seen[0]['reused']), (False, False), text + ': the first session is new')
        equal((again['resumed'], server.seen[2]['reused']), (True, True), text + ': --again resumes it')
        matches(r'version +%s\n.*verdict +trusted\n' % text, shown.out, text + ': --report for people')
        equal(shown.err, '', text + ': and nothing else')
    tls = tls_server.context(PKI, 'server-rsa', minimum=V12, maximum=V12)
    with Server(tls, quiet) as server:
        refused = sspi('connect', '--tls-version', '1.3', *ROOTS, *NAME, server.where)
        equal(refused.status, 3, 'no version in common: exit status 3')
        matches(r'SEC_E_UNSUPPORTED_FUNCTION', refused.err, 'by the alert protocol_version')
        equal(sspi('connect', '--report', '--tls-version', '1.2', *ROOTS, *NAME, server.where).status, 0, '--tls-version 1.2')


def wrong_certificates():
    """Each is wrong in one way."""
    lists = harness.write('lists.conf', '[certificates]\ncrls = %s/intermediate.crl.pem\n' % PKI)
    cases = [
        ('expired', 'SEC_E_CERT_EXPIRED', 'certificate expired'), ('notyet', 'SEC_E_CERT_EXPIRED', 'certificate expired'),
        ('wrongname', 'SEC_E_WRONG_PRINCIPAL', None), ('wrongusage', 'SEC_E_CERT_WRONG_USAGE', None),
        ('unknown', 'SEC_E_UNTRUSTED_ROOT', 'unknown ca'), ('revoked', 'CRYPT_E_REVOKED', 'certificate revoked'),
    ]
    for name, status, alert in cases:
        for version in (V12, V13):
            with Server(tls_server.context(PKI, name, minimum=version, maximum=version), quiet) as server:
                revocation = ['--revocation'] if name == 'revoked' else []
                env = {'SSPI_CONFIG': lists} if name == 'revoked' else {}
                result = sspi('connect', *ROOTS, *NAME, *revocation, server.where, given='secret', **env)
                fetched = sspi('get', *ROOTS, *revocation, 'https://%s/' % server.where, **env)
            what = '%s, %s' % (name, version.name)
            equal(result.status, 8, what + ': exit status 8')
            equal(result.out, '', what + ': nothing comes through')
            matches(r'%s \(0x\w{8}\): .*\(RFC \d+' % status, result.err, what + ': which one, and why')
            equal((fetched.status, fetched.out), (8, ''), what + ': get, too')
            check(all('error' in seen for seen in server.seen), what + ': the server hears of it', str(server.seen))
            if alert:
                matches(alert.replace(' ', '[ _]'), server.seen[0].get('error', '').lower(), what + ': by the alert that belongs to it')
    with Server(tls_server.context(PKI, 'server-p256'), quiet) as server:
        equal(sspi('connect', *NAME, server.where).status, 8, 'a root that the system does not know')
        result = sspi('connect', '--report', '--insecure', *NAME, server.where)
        equal(result.status, 0, '--insecure lets it pass')
        matches(r'verdict +(CERT_E_UNTRUSTEDROOT|CERT_E_CHAINING)', result.out, 'and says what it is worth')
        equal(sspi('connect', '--report', *ROOTS, server.where).status, 8, 'the name of the command line counts')
        good = sspi('connect', '--report', '--revocation', *ROOTS, *NAME, server.where, SSPI_CONFIG=lists)
        equal(good.status, 8, '--revocation: nothing is known of the intermediate CA')
        matches('CRYPT_E_(REVOCATION_OFFLINE|NO_REVOCATION_CHECK)', good.err, 'and the status says so')


def pipe():
    data = os.urandom(700000)
    for version in (V12, V13):
        with Server(tls_server.context(PKI, 'server-p256', minimum=version, maximum=version), echo) as server:
            child = harness.call(['sh', '-c', '"$0" connect -q "$@" <data >data.out', SSPI, *ROOTS, *NAME, server.where],
                                 env=harness.environment(), cwd=os.path.dirname(harness.write('data', data)))
        equal((child.status, child.err), (0, ''), '%s: 700000 bytes through the pipe' % version.name)
        with open(os.path.join(harness.scratch(), 'data.out'), 'rb') as file:
            check(file.read() == data, 'come back as they were')


def ends():
    def cut(connection, _seen):
        connection.sendall(b'half a')
        tls_server.until(connection, b'\0')
        return CUT

    def talk(connection, _seen):
        connection.sendall(b'whole')

    def late(connection, seen):
        """Answers only after the client's goodbye: TLS 1.3 closes one direction at a time (RFC 8446 6.1)."""
        seen['asked'] = tls_server.until(connection, b'\0')
        connection.sendall(b'answer to ' + seen['asked'])

    with Server(tls_server.context(PKI, 'server-p256'), cut) as server:
        result = sspi('connect', '-q', *ROOTS, *NAME, server.where, given='x')
        equal((result.status, result.out), (4, 'half a'), 'cut off: exit status 4')
        matches('no close_notify', result.err, 'and it says so')
    with Server(tls_server.context(PKI, 'server-p256'), talk) as server:
        equal(str(sspi('connect', '-q', *ROOTS, *NAME, server.where)), 'exit 0\nwhole\n', 'closed in due form: exit status 0')
    with Server(tls_server.context(PKI, 'server-p256'), late) as server:
        equal(sspi('connect', '-q', *ROOTS, *NAME, server.where, given='question').out, 'answer to question',
              'what comes after our goodbye is printed')
    plain = socket.create_server(('127.0.0.1', 0))
    where = '127.0.0.1:%d' % plain.getsockname()[1]

    def answer(data):
        connection, _ = plain.accept()
        if data is not None:
            connection.recv(4096)
            connection.sendall(data)
            connection.close()
        else:
            held.append(connection)

    held = []
    for data, status, text, what in ((b'', 4, 'within the handshake', 'hung up within the handshake'),
                                     (b'220 mail.example.com ESMTP\r\n', 3, 'SEC_E_INVALID_TOKEN', 'no TLS at all'),
                                     (b'\x15\x03\x03\0\2\2\x28', 3, 'SEC_E_ILLEGAL_MESSAGE', 'an alert for an answer'),
                                     (None, 4, 'silent', 'silence')):
        for command in (['connect', *ROOTS, *NAME, where], ['get', *ROOTS, 'https://%s/' % where]):
            thread = threading.Thread(target=answer, args=(data,))
            thread.start()
            result = sspi(command[0], '--timeout', '2', *command[1:])
            thread.join()
            equal(result.status, status, '%s: %s: exit status %d' % (command[0], what, status))
            matches(text, result.err, 'and why')
    plain.close()
    equal(sspi('connect', where).status, 4, 'nobody listens there')


def client_certificates():
    mine = ['--cert', PKI + '/client.chain.pem', '--key', PKI + '/client.key']
    for version in (V12, V13):
        tls = tls_server.context(PKI, 'server-p256', minimum=version, maximum=version, clients=ssl.CERT_REQUIRED)
        with Server(tls, echo) as server:
            equal(sspi('connect', '-q', *ROOTS, *NAME, *mine, server.where, given='mine').out, 'mine', '%s: with a certificate' % version.name)
            equal(sspi('connect', '-q', *ROOTS, *NAME, server.where, given='mine').status, 3, '%s: without: exit status 3' % version.name)
            other = sspi('connect', '-q', *ROOTS, *NAME, '--cert', PKI + '/unknown.chain.pem', '--key', PKI + '/unknown.key', server.where, given='x')
            equal(other.status, 3, '%s: with one that the server does not trust: 3, for it is not the server that is doubted' % version.name)
        subject = dict(pair for part in server.seen[0]['certificate']['subject'] for pair in part)
        equal(subject['commonName'], 'Alice', '%s: the server knows whose it is' % version.name)
        check('error' in server.seen[1], '%s: and refused who had none' % version.name, str(server.seen))
    result = sspi('connect', '--cert', PKI + '/client.pem', '--key', PKI + '/server-rsa.key', 'localhost:1')
    equal(result.status, 1, 'a key of another certificate')
    matches('SEC_E_UNKNOWN_CREDENTIALS', result.err, 'is refused at once')
    equal(sspi('connect', '--roots', PKI + '/client.key', 'localhost:1').status, 1, 'roots that are none')


def pages():
    big = os.urandom(3 << 20).hex().encode()
    answers = {
        '/length': (b'Content-Length: 5\r\n\r\nwhole', None), '/length-cut': (b'Content-Length: 5\r\n\r\nwhole', CUT),
        '/end': (b'Connection: close\r\n\r\nwhole', None), '/end-cut': (b'Connection: close\r\n\r\nwhole', CUT),
        '/short': (b'Content-Length: 9\r\n\r\nwhole', None), '/chunked': (b'Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n', None),
        '/big': (b'Content-Length: %d\r\n\r\n' % len(big) + big, None),
    }

    def http(connection, _seen):
        path = tls_server.until(connection, b'\r\n\r\n').split()[1].decode()
        text, end = answers[path]
        connection.sendall(b'HTTP/1.1 200 OK\r\n' + text)
        return end

    for version in (V12, V13):
        with Server(tls_server.context(PKI, 'local', minimum=version, maximum=version), http) as server:
            for path, status in (('/length', 0), ('/length-cut', 0), ('/end', 0), ('/end-cut', 4), ('/short', 4), ('/chunked', 0)):
                result = sspi('get', *ROOTS, 'https://%s%s' % (server.where, path))
                equal((result.status, result.out if status == 0 else 'whole'), (status, 'whole'), '%s: %s' % (version.name, path))
            matches('close_notify', sspi('get', *ROOTS, 'https://%s/end-cut' % server.where).err, 'a page that was cut off is called so')
            check(sspi('get', *ROOTS, 'https://%s/big' % server.where).out.encode() == big, '6 MiB arrive as they were')


def serve(*arguments):
    server = harness.Process([SSPI, 'serve', '--https', '--cert', PKI + '/local.chain.pem', '--key', PKI + '/local.key',
                              '--listen', '127.0.0.1:0', *arguments], env=harness.environment())
    return server, int(server.wait_line(r'^listening on https://127\.0\.0\.1:(\d+)/$').group(1))


def get(port, *arguments, path='json', password='correct horse'):
    return sspi('get', *ROOTS, '--user', 'CORP\\alice', *arguments, 'https://127.0.0.1:%d/%s' % (port, path), SSPI_PASSWORD=password)


def client(certificate=None):
    made = ssl.create_default_context(cafile=PKI + '/root.pem')
    if certificate:
        made.load_cert_chain('%s/%s.chain.pem' % (PKI, certificate), '%s/%s.key' % (PKI, certificate))
    return made


def visit(port, tls, request=b'GET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', trickle=False):
    """One visit: the whole of the answer, and whether it ended with a close_notify.  trickle: a byte at a time."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.wrap_bio(incoming, outgoing, server_hostname='localhost')
    with socket.create_connection(('127.0.0.1', port), timeout=20) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def flush():
            data = outgoing.read()
            step = 1 if trickle else len(data) or 1
            for i in range(0, len(data), step):
                wire.sendall(data[i:i + step])

        def carry_out(action):
            while True:
                try:
                    result = action()
                except ssl.SSLWantReadError:
                    flush()
                    data = wire.recv(65536)
                    if data:
                        incoming.write(data)
                    else:
                        incoming.write_eof()
                    continue
                flush()
                return result

        answer = b''
        carry_out(session.do_handshake)
        carry_out(lambda: session.write(request))
        while True:
            try:
                piece = carry_out(lambda: session.read(65536))
            except ssl.SSLZeroReturnError:
                return answer, True
            except ssl.SSLEOFError:
                return answer, False
            if not piece:
                return answer, True
            answer += piece


def server_side():
    server, port = serve()
    result = get(port)
    equal(result.status, 0, 'serve --https and get')
    facts = json.loads(result.out)
    equal(facts['tls']['version'], 'TLS 1.3', 'the server tells of the connection')
    equal(facts['tls']['channel_binding'], hash_of('local'), 'with its binding')
    equal(facts['context']['channel_bindings'], 'those of this connection', 'which the client has sent')
    mine = json.loads(get(port, '--json', '--tls-version', '1.2', '--package', 'NTLM').out)
    equal((mine['signed_in'], mine['tls']['version'], mine['tls']['verdict']), (True, 'TLS 1.2', 'trusted'), 'get --json, TLS 1.2, NTLM')
    equal(get(port, password='wrong').status, 3, 'a wrong password')
    matches('You are CORP', get(port, path='').out, 'the page')
    for version in (V12, V13):
        tls = client()
        tls.minimum_version = tls.maximum_version = version
        for trickle in (False, True):
            answer, good = visit(port, tls, trickle=trickle)
            check(answer.startswith(b'HTTP/1.1 401') and answer.endswith(b'}\n'), '%s: a stranger is told what to do%s' % (version.name, ', byte by byte' if trickle else ''),
                  str(answer))
            check(good, 'and the connection ends with a close_notify')
    two = b'GET /json HTTP/1.1\r\nHost: x\r\n\r\nGET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    equal(visit(port, client(), two)[0].count(b'HTTP/1.1 401'), 2, 'two requests at once')
    with socket.create_connection(('127.0.0.1', port), timeout=20) as plain:
        plain.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        answer = plain.recv(100)
        check(not answer.startswith(b'HTTP'), 'plain HTTP is not answered', str(answer))
    server.wait_line(r'^\S+ TLS SEC_E_\w+: .*$')
    check(True, 'and the log says so')
    old = client()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers('DEFAULT@SECLEVEL=0')
    try:
        visit(port, old)
        check(False, 'TLS 1.1 is not spoken')
    except ssl.SSLError as why:
        matches('protocol version|unsupported protocol|PROTOCOL', str(why), 'TLS 1.1 is not spoken')
    equal(get(port).status, 0, 'and the server lives')
    equal(server.stop(), 0, 'and ends well')


def server_asks():
    mine = ['--cert', PKI + '/client.chain.pem', '--key', PKI + '/client.key']
    for whether in ('optional', 'required'):
        server, port = serve('--client-cert', whether, '--roots', PKI + '/root.pem')
        facts = json.loads(get(port, *mine).out)
        matches('CN=Alice', facts['tls']['certificates'][0]['subject'], '%s: the server tells whose certificate it was' % whether)
        equal(facts['tls']['verdict'], 'trusted', 'and what it is worth')
        for version in ('1.2', '1.3'):
            result = get(port, '--tls-version', version)
            equal(result.status == 0, whether == 'optional', '%s, TLS %s: without a certificate' % (whether, version))
            other = get(port, '--tls-version', version, '--cert', PKI + '/unknown.chain.pem', '--key', PKI + '/unknown.key')
            check(other.status != 0 and other.out == '', '%s, TLS %s: one that is not to be trusted' % (whether, version), str(other))
        if whether == 'required':
            server.wait_line('TLS SEC_E_NO_CREDENTIALS: the client has shown no certificate')
            check(True, 'the log says what was missing')
        equal(server.stop(), 0, '%s: the server ends well' % whether)
    for arguments in (['--cert', PKI + '/server-rsa.pem', '--key', PKI + '/client.key'], ['--cert', PKI + '/absent.pem']):
        result = sspi('serve', '--https', '--listen', '127.0.0.1:0', *arguments)
        equal((result.status, result.out), (1, ''), 'a certificate that cannot be used: ' + os.path.basename(arguments[1]))


def without_bindings():
    """A package that cannot tell one TLS connection from another is not offered where that is required."""
    result = sspi('serve', '--https', '--listen', '127.0.0.1:0', '--cert', PKI + '/local.chain.pem', '--key',
                  PKI + '/local.key', '--packages', 'Negotiate,Digest')
    equal((result.status, result.out), (2, ''), 'Digest over TLS wants --bindings')
    check('--bindings allow' in result.err, 'and says so', result.err)


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    add = sspi('user', 'add', 'CORP\\alice', SSPI_PASSWORD='correct horse')
    equal(add.status, 0, 'an account')
    report()
    wrong_certificates()
    pipe()
    ends()
    client_certificates()
    pages()
    server_side()
    server_asks()
    without_bindings()


harness.run(main)
