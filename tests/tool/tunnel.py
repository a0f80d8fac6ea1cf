#!/usr/bin/env python3
"""tunnel.py SSPI PKI: `sspi get` of https by a proxy's tunnel (CONNECT, RFC 9110 9.3.6), and of http by a proxy that speaks TLS."""
import os
import socket
import sys
import threading

import harness
import tls_server
from harness import check, equal, matches

SSPI, PKI = os.path.abspath(sys.argv[1]), sys.argv[2]
ROOTS = ['--roots', PKI + '/root.pem']


class Proxy:
    """Answers what it is told to, one answer a request, and makes a tunnel behind an answer of 200; None: hangs up."""

    def __init__(self, *answers):
        self.answers, self.requests, self.connections = list(answers), [], 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            client.settimeout(harness.LIMIT)
            try:
                self._serve(client)
            except OSError:
                pass
            client.close()

    def _serve(self, client):
        while self.answers:
            request = tls_server.until(client, b'\r\n\r\n')
            if not request:
                return
            self.requests.append(request.decode())
            answer = self.answers.pop(0)
            if answer is None:
                return
            if not answer.startswith(b'HTTP/1.1 200'):
                client.sendall(answer)
                if b'Content-Length' not in answer or b'close' in answer:
                    return
                continue
            port = int(request.split()[1].rsplit(b':', 1)[1])
            with socket.create_connection(('127.0.0.1', port)) as server:  # whatever the name
                client.sendall(answer)
                ways = [threading.Thread(target=self._pass, args=pair, daemon=True) for pair in ((client, server), (server, client))]
                for way in ways:
                    way.start()
                for way in ways:
                    way.join()
            return

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has gone already


def page(connection, seen):
    seen['request'] = tls_server.until(connection, b'\r\n\r\n').decode()
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough')


def get(*arguments):
    return harness.call([SSPI, 'get', '--timeout', '5', '--user', 'DOMAIN\\User', *arguments], env=harness.environment(SSPI_PASSWORD='Password'))


OPEN = b'HTTP/1.1 200 Connection established\r\n\r\n'
NTLM = b'HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\nContent-Length: 5\r\n\r\nhello'


def tunnels():
    with tls_server.Server(tls_server.context(PKI, 'local'), page) as server:
        url = 'https://localhost:%d/a?b=c' % server.port
        proxy = Proxy(OPEN)
        result = get('--proxy', proxy.url, *ROOTS, url)
        equal((result.status, result.out), (0, 'through'), 'a tunnel')
        check(proxy.requests[0].startswith('CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:%d\r\n' % (server.port, server.port)),
              'asked for in due form', proxy.requests[0])
        check(server.seen[0]['request'].startswith('GET /a?b=c HTTP/1.1\r\n'), 'the request within is the server\'s', str(server.seen[0]))
        for answers, what, connections in (((NTLM, NTLM.replace(b'407 no', b'407 no'), OPEN), 'a proxy that refuses', 1),
                                           ((NTLM.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n'), None), 'a proxy that asks and closes', 2),
                                           ((b'HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\n\r\nhello', None), 'an answer that ends with the connection', 2)):
            proxy = Proxy(*answers)
            seen = len(server.seen)
            result = get('--proxy', proxy.url, *ROOTS, url)
            check(result.status in (3, 4) and result.out == '', what, str(result))
            equal((proxy.connections, len(server.seen)), (connections, seen), what + ': connections')
            matches(r'Proxy-Authorization: NTLM \S+', proxy.requests[1], what + ': a token in the second request')
        for answer, status, what in ((b'HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n', 6, 'no tunnel today'), (None, 4, 'a proxy that hangs up'),
                                     (b'SSH-2.0-OpenSSH\r\n\r\n', 4, 'what is no proxy'),
                                     (b'HTTP/1.1 407 no\r\nProxy-Authenticate: Unheard\r\nContent-Length: 0\r\n\r\n', 5, 'a scheme that nobody knows'),
                                     (b'HTTP/1.1 200 OK\r\n' + b'x: y\r\n' * 20000, 4, 'a head without end')):
            result = get('--proxy', Proxy(answer).url, *ROOTS, url)
            equal((result.status, result.out), (status, ''), what)
        result = get('--proxy', Proxy(OPEN).url, url)
        check(result.status == 8, 'an unknown root behind a tunnel', str(result))
        result = get('--proxy', Proxy(OPEN).url, *ROOTS, url.replace('localhost', 'other.test'))
        equal(result.status, 8, 'the name of the URL counts, not the proxy\'s')


def tls_to_proxy():
    with tls_server.Server(tls_server.context(PKI, 'local'), page) as proxy:
        url = 'https://127.0.0.1:%d' % proxy.port
        result = get('--proxy', url, *ROOTS, 'http://there.test:81/x')
        equal((result.status, result.out), (0, 'through'), 'a proxy that speaks TLS')
        check(proxy.seen[0]['request'].startswith('GET http://there.test:81/x HTTP/1.1\r\n'), 'gets the whole URL', str(proxy.seen[0]))
        equal(get('--proxy', url, 'http://there.test:81/x').status, 8, 'a proxy that nobody vouches for')
        result = get('--proxy', url, *ROOTS, 'https://there.test/')
        equal(result.status, 5, 'TLS within TLS is not in this build')


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    tunnels()
    tls_to_proxy()


harness.run(main)
