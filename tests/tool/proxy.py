#!/usr/bin/env python3
"""proxy.py SSPI: sspi serve --proxy, and sspi get through it."""
import http.client
import http.server
import json
import os
import socket
import sys
import threading

import harness
import relay
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])


class Origin(http.server.BaseHTTPRequestHandler):
    """A server that wants nobody, and tells what reached it."""
    protocol_version = 'HTTP/1.1'
    seen = []
    silent = threading.Event()  # somebody waits for /silent
    speak = threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):
        size = int(self.headers.get('Content-Length', '0'))
        Origin.seen.append((self.requestline, dict(self.headers.items()), self.rfile.read(size), self.client_address))
        if self.path == '/cut':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
            self.close_connection = True
        elif self.path == '/silent':
            Origin.silent.set()
            Origin.speak.wait(harness.LIMIT)
            self.close_connection = True
        elif self.path == '/chunks':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')
        else:
            body = b'x' * (100000000 if self.path == '/huge' else 3000000) if self.path in ('/large', '/huge') else b'hello'
            self.send_response(404 if self.path == '/none' else 200)
            self.send_header('Content-Length', str(len(body)))
            self.send_header('Connection', 'keep-alive, X-Hop')
            self.send_header('X-Hop', 'of one connection')
            self.send_header('X-End', 'to the end')
            self.send_header('Proxy-Authenticate', 'Basic realm="me"')
            self.end_headers()
            if self.command != 'HEAD':
                self.wfile.write(body)

    do_POST = do_HEAD = do_GET


def get(*arguments, password='correct horse'):
    return harness.call([SSPI, 'get', '--user', 'CORP\\alice', *arguments], env=harness.environment(SSPI_PASSWORD=password))


def pages(server, proxy, url):
    for scheme in 'Negotiate', 'NTLM':
        result = get('--package', scheme, '--proxy', proxy, url + 'a?b=c')
        equal((result.status, result.out), (0, 'hello'), 'a page through the proxy, %s' % scheme)
        line, headers, _, _ = Origin.seen[-1]
        equal(line, 'GET /a?b=c HTTP/1.1', 'the server sees an ordinary request')
        equal(headers.get('Host'), url[len('http://'):-1], 'for itself')
        check('Via' in headers and not [name for name in headers if name.lower().startswith('proxy-')], 'and nothing of the proxy\'s', str(headers))
        count = len(Origin.seen)
        result = get('--package', scheme, '--proxy', proxy, url, password='wrong')
        equal((result.status, result.out, len(Origin.seen)), (3, '', count), 'a wrong password reaches no server')
    matches(r' 407 127\.0\.0\.1/ .*SEC_E_LOGON_DENIED', server.output(), 'and the log says why')
    matches(r' 200 127\.0\.0\.1/a CORP\\alice\n', server.output(), 'and who was where')
    equal(len(get('--proxy', proxy, url + 'large').out), 3000000, 'a large page arrives whole')
    equal(get('--proxy', proxy, url + 'chunks').out, 'hello', 'a page in chunks')
    equal(get('--proxy', proxy, url + 'none').status, 6, 'an absent page')
    equal(get('--proxy', proxy, url + 'cut').status, 4, 'a page cut short is no page')
    with socket.socket() as nobody:
        nobody.bind(('127.0.0.1', 0))
        equal(get('--proxy', proxy, 'http://127.0.0.1:%d/' % nobody.getsockname()[1]).status, 6, 'a server that is not there')
    result = get('--json', '--proxy', proxy, url)
    facts = json.loads(result.out)
    equal((facts['http_status'], facts['signed_in'], facts['signed_in_at_proxy']), (200, False, True), 'the facts')


def strangers(proxy, url):
    count = len(Origin.seen)
    connection = http.client.HTTPConnection(proxy[len('http://'):-1], timeout=20)
    for method in 'GET', 'HEAD', 'POST':
        connection.request(method, url)
        answer = connection.getresponse()
        answer.read()
        equal((answer.status, answer.headers.get_all('Proxy-Authenticate'), answer.headers.get('WWW-Authenticate')),
              (407, ['Negotiate', 'NTLM'], None), 'a stranger is told what to do, and Negotiate first: ' + method)
    connection.request('GET', url, headers={'Authorization': 'Negotiate AAAA'})
    answer = connection.getresponse()
    answer.read()
    equal(answer.status, 407, 'what is for the server does not count at the proxy')
    connection.request('GET', '/')
    answer = connection.getresponse()
    answer.read()
    equal((answer.status, answer.headers.get_all('WWW-Authenticate')), (401, ['Negotiate', 'NTLM']), 'for itself it is a server')
    equal(len(Origin.seen), count, 'nothing went through')


def both(server, proxy):
    """Server and proxy ask, the server by connection: the proxy keeps a connection for each client."""
    env = harness.environment()
    other = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0'], env=env)
    url = other.wait_line(r'^listening on (http://\S+/)$').group(1)
    for scheme in 'Negotiate', 'NTLM':
        result = get('--package', scheme, '--proxy', proxy, url + 'json')
        if check(result.status == 0, 'proxy and server ask, %s' % scheme, lambda: '%s\n%s\n%s' % (result, server.output(), other.output())):
            facts = json.loads(result.out)
            equal((facts['user'], facts['scheme']), ('CORP\\alice', scheme), 'and the server knows who')
    for direction, change, status in (('to_client', relay.hint_first(), 0), ('to_client', relay.hint_first(relay.flip_mic()), 1)):
        between = relay.Relay(int(proxy.rsplit(':', 1)[1].rstrip('/')), **{direction: change})
        result = get('--proxy', between.url, url + 'json')
        equal(result.status, status, 'in SPNEGO, %s' % ('altered' if status else 'as it is'))
        check(between.spnego() and len([1 for _, token in between.tokens if relay.mech_list_mic(token)]) == (2 if status else 4),
              'with mechListMICs', str(between.tokens))
        between.close()
    direct = http.client.HTTPConnection(url[len('http://'):-1], timeout=20)
    direct.request('GET', 'http://elsewhere.test/')
    equal(direct.getresponse().status, 401, 'without --proxy a whole URL is just a page of its own')
    other.stop()


def raw_requests(proxy, url):
    """One signed-in connection, by hand: curl knows how."""
    try:
        curl = harness.need_program('curl', 'curl')
    except harness.SkipAll as why:
        harness.skip('curl through the proxy', str(why))
        return

    def fetch(*arguments):
        result = harness.call([curl, '-sS', '--max-time', '20', '-x', proxy, '--proxy-ntlm', '-U', 'CORP\\alice:correct horse', '-w',
                               '%{http_code} %{num_connects}\n', *arguments])
        return result.out + result.err

    equal(fetch('-o', os.devnull, url, '-o', os.devnull, url + 'b').split(), ['200', '1', '200', '0'], 'two pages on one connection')
    equal(Origin.seen[-1][3], Origin.seen[-2][3], 'which has one connection of its own behind the proxy')
    out = fetch('-i', url)
    head = out.rsplit('HTTP/1.1 ', 1)[1]
    check('X-End: to the end' in head and 'X-Hop' not in head and 'Basic' not in head, 'headers of one connection end there', head)
    fetch('-d', 'name=value', url)
    equal(Origin.seen[-1][0::2], ('POST / HTTP/1.1', b'name=value'), 'POST')
    fetch('-X', 'GET', '-d', 'GET /smuggled HTTP/1.1\r\n\r\n', url)
    equal((Origin.seen[-1][0], Origin.seen[-1][2]), ('GET / HTTP/1.1', b''), 'the body of a GET stays here')
    check('200' in fetch('-I', url) and Origin.seen[-1][0] == 'HEAD / HTTP/1.1', 'HEAD')
    check(fetch('-o', os.devnull, '-X', 'PUT', url).split()[-2] in ('405', '501'), 'PUT is not for this proxy')
    check('200' not in fetch('-p', url), 'nor is CONNECT')
    check('501' in fetch('-o', os.devnull, '--request-target', 'ftp://127.0.0.1/', url), 'nor ftp')


def broken_off(server, proxy, url):
    """Clients that go while the other server thinks, or speaks."""
    for path in 'silent', 'huge':
        for _ in range(3):
            Origin.silent.clear()
            count = len(Origin.seen)
            client = harness.Process([SSPI, 'get', '--user', 'CORP\\alice', '--proxy', proxy, url + path],
                                     env=harness.environment(SSPI_PASSWORD='correct horse'))
            harness.until(lambda: len(Origin.seen) > count, 'the request is at the other server')
            if path == 'silent':
                harness.until(Origin.silent.is_set, 'it thinks')
            client.stop()
            equal(get('--proxy', proxy, url).out, 'hello', 'a client left (/%s), another one is served' % path)
    Origin.speak.set()
    result = get('--proxy', proxy, url + 'silent')
    equal(result.status, 6, 'a server that hangs up: 502')


def main():
    add = harness.call([SSPI, 'user', 'add', 'CORP\\alice'], env=harness.environment(SSPI_PASSWORD='correct horse'))
    equal(add.status, 0, 'an account')
    http.server.ThreadingHTTPServer.handle_error = lambda *_: None  # clients go; that is the test
    origin = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    url = 'http://127.0.0.1:%d/' % origin.server_port
    server = harness.Process([SSPI, 'serve', '--proxy', '--listen', '127.0.0.1:0'], env=harness.environment())
    proxy = server.wait_line(r'^listening on (http://\S+/)$').group(1)
    pages(server, proxy, url)
    strangers(proxy, url)
    both(server, proxy)
    raw_requests(proxy, url)
    broken_off(server, proxy, url)
    check(server.running(), 'the proxy lived through it', server.output()[-3000:])
    equal(server.stop(), 0, 'and ends well')


harness.run(main)
