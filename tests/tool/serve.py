#!/usr/bin/env python3
"""serve.py SSPI: sspi serve and sspi get, one against the other."""
import html.parser
import http.client
import json
import os
import re
import signal
import sys

import harness
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])


class Balanced(html.parser.HTMLParser):
    """Every tag that is opened is closed, in order."""
    EMPTY = {'meta', 'br'}

    def __init__(self, text):
        super().__init__()
        self.open, self.good = [], True
        self.feed(text)
        self.good = self.good and not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.good = self.good and bool(self.open) and self.open.pop() == tag


def serve(*arguments):
    server = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0', *arguments], env=harness.environment())
    return server, server.wait_line(r'^listening on (http://\S+/)$').group(1)


def get(*arguments, password='correct horse'):
    return harness.call([SSPI, 'get', *arguments], env=harness.environment(SSPI_PASSWORD=password))


def page(url):
    result = get('--user', 'CORP\\alice', url)
    equal(result.status, 0, 'get as CORP\\alice')
    check('You are CORP\\alice' in result.out, 'the page says who', result.out[:2000])
    check(Balanced(result.out).good, 'the page is well formed')
    check(not re.search(r'(src|href)=|<script|@import|url\(', result.out), 'it needs nothing but itself')
    for word in ('NEGOTIATE', 'CHALLENGE', 'AUTHENTICATE', 'NTLM'):
        check(word in result.out, 'the ladder shows ' + word)
    equal(result.err, '', 'nothing but the page')
    check('correct horse' not in result.out, 'no password on it')


def facts(url):
    out = json.loads(get('--user', 'CORP\\alice', url + 'json').out)
    equal((out['user'], out['scheme'], out['context']['package']), ('CORP\\alice', 'Negotiate', 'NTLM'), 'JSON: who and how')
    equal(out['context']['target_name'], 'HTTP/127.0.0.1', 'JSON: whom the client meant')
    equal([leg['token']['message'] for leg in out['exchange'] if 'token' in leg], ['NEGOTIATE', 'CHALLENGE', 'AUTHENTICATE'],
          'JSON: the exchange')
    text = json.dumps(out)
    check('proof"' not in text and 'encrypted_session_key"' not in text, 'JSON: nothing to try passwords on')
    ours = json.loads(get('--json', '--user', 'CORP\\alice', '--target', 'HTTP/other.test', url).out)
    equal((ours['http_status'], ours['signed_in']), (200, True), 'get --json')
    out = json.loads(get('--user', 'CORP\\alice', '--target', 'HTTP/other.test', url + 'json').out)
    equal(out['context']['target_name'], 'HTTP/other.test', '--target is what the server hears')
    verbose = get('-v', '--user', 'CORP\\alice', url + 'json')
    matches('NEGOTIATE.*CHALLENGE.*AUTHENTICATE', verbose.err, 'get -v draws the ladder on standard error')
    json.loads(verbose.out)
    check(True, 'and leaves standard output to the page')


def strangers(server, url):
    wrong = get('--user', 'CORP\\alice', url, password='not-hers')
    equal(wrong.status, 3, 'a wrong password: exit status 3')
    equal(wrong.out, '', 'and no page')
    unknown = get('--user', 'CORP\\nobody', url)
    equal(unknown.status, 3, 'an unknown user: the same')
    equal(wrong.err, unknown.err, 'in the same words')
    check('not-hers' not in server.output() and 'correct horse' not in server.output(), 'the log holds no password', server.output())
    check(not re.search(r'TlRMTVNTU', server.output()), 'and no token')
    matches(r'401 .*SEC_E_LOGON_DENIED', server.output(), 'but the reason')


def raw(url):
    host = url[len('http://'):].rstrip('/')
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request('GET', '/')
    answer = connection.getresponse()
    body = answer.read().decode()
    equal(answer.status, 401, 'a stranger stays outside')
    offers = answer.headers.get_all('WWW-Authenticate')
    equal([offer.split()[0] for offer in offers], ['Negotiate', 'NTLM', 'Digest', 'Digest'], 'and is told what to do')
    check('algorithm=SHA-256' in offers[2] and 'algorithm=MD5' in offers[3] and 'realm="A <b>realm</b>"' in offers[2], 'in this realm', str(offers))
    check(Balanced(body).good, 'on a well-formed page')
    equal(answer.headers.get('Cache-Control'), 'no-store', 'that no cache keeps')
    connection.request('HEAD', '/')
    answer = connection.getresponse()
    equal((answer.status, answer.read()), (401, b''), 'HEAD has no body')
    connection.request('GET', '/json')
    equal(json.loads(connection.getresponse().read()), {'error': 'sign in first'}, 'JSON for programs')
    connection.request('GET', '/', headers={'Accept': 'application/json'})
    equal(json.loads(connection.getresponse().read()), {'error': 'sign in first'}, 'and for those who accept it')
    connection.close()


def ends(server):
    os.kill(server.pid, signal.SIGTERM)
    equal(server.wait_exit(), 0, 'SIGTERM ends it with status 0')
    once, url = serve('--once', '--quiet')
    equal(get(url, '--user', 'CORP\\alice', password='wrong').status, 3, '--once: a refusal does not end it')
    equal(get(url, '--user', 'CORP\\alice').status, 0, '--once: the first to be let in')
    equal(once.wait_exit(), 0, '--once: and it ends')
    equal([line for line in once.output().splitlines() if not line.startswith('listening')], [], '--quiet')
    interrupted, _ = serve()
    os.kill(interrupted.pid, signal.SIGINT)
    equal(interrupted.wait_exit(), 0, 'SIGINT ends it with status 0')


def without_realm():
    server, url = serve()
    connection = http.client.HTTPConnection(url[len('http://'):].rstrip('/'), timeout=20)
    connection.request('GET', '/')
    equal(connection.getresponse().headers.get_all('WWW-Authenticate'), ['Negotiate', 'NTLM'], 'no realm is named: no Digest')
    server.stop()


def with_digest(url):
    add = harness.call([SSPI, 'user', 'add', 'bob', '--realm', 'A <b>realm</b>'], env=harness.environment(SSPI_PASSWORD='correct horse'))
    equal(add.status, 0, 'an account with a realm')
    result = get('--package', 'Digest', '--user', 'bob', url)
    equal(result.status, 0, 'Digest lets it in')
    equal(get('--package', 'Digest', '--user', 'CORP\\alice', url).status, 3, 'and an account without stays outside')


def main():
    add = harness.call([SSPI, 'user', 'add', 'CORP\\alice'], env=harness.environment(SSPI_PASSWORD='correct horse'))
    equal(add.status, 0, 'an account')
    server, url = serve('--realm', 'A <b>realm</b>')
    page(url)
    check('A &lt;b&gt;realm' in get('--user', 'CORP\\alice', url).out, 'the realm is escaped')
    facts(url)
    strangers(server, url)
    raw(url)
    with_digest(url)
    without_realm()
    second = harness.call([SSPI, 'serve', '--listen', url[len('http://'):].rstrip('/')], env=harness.environment())
    equal(second.status, 4, 'a port that is taken')
    six = harness.Process([SSPI, 'serve', '--listen', '[::1]:0'], env=harness.environment())
    try:
        address = six.wait_line(r'^listening on (http://\[::1\]:\d+/)$').group(1)
        equal(get('--user', 'CORP\\alice', address).status, 0, 'IPv6')
    except RuntimeError as why:
        harness.skip('IPv6', 'this machine has no ::1 (%s)' % str(why).splitlines()[0])
    ends(server)


harness.run(main)
