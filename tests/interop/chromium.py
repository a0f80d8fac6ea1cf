#!/usr/bin/env python3
"""chromium.py SSPI: a headless Chromium signs in at `sspi serve` by its own NTLM and, through GSSAPI, by Negotiate, and stays
outside with a wrong password."""
import html
import http.server
import json
import os
import re
import struct
import sys
import threading
import urllib.parse
import zlib

import harness
import relay
from harness import check, equal, matches

OPTIONS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
           '--disable-dev-shm-usage', '--no-default-browser-check', '--window-size=1000,1400']


def browse(chromium, name, url, *options, users=None, proxy=None):
    """The page that a new browser shows: (document, picture's path).

    users: the file with the credentials for gss-ntlmssp.  Chromium loads libgssapi_krb5 only into a network service without
    sandbox, which it starts when the profile remembers that a server has asked for Negotiate before."""
    folder = os.path.join(harness.scratch(), name)
    os.makedirs(folder)
    picture = os.path.join(folder, 'page.png')
    way = ['--proxy-server=' + proxy, '--proxy-bypass-list=<-loopback>'] if proxy else ['--no-proxy-server']
    env = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
    if users:
        env.update(NTLM_USER_FILE=users, KRB5_CONFIG='/dev/null', NETBIOS_COMPUTER_NAME='PEER')
        harness.write(os.path.join(name, 'profile', 'Local State'), json.dumps({'net': {'received_http_auth_negotiate_headers': True}}))
    result = harness.call([chromium] + OPTIONS + list(options) + way + ['--user-data-dir=' + os.path.join(folder, 'profile'),
                                                                  '--screenshot=' + picture, '--dump-dom', url],
                          env=env, limit=90, cwd=folder)
    return result, picture


def png(path):
    """Width, height and the number of different pixel rows of a PNG, checked down to its checksums."""
    with open(path, 'rb') as file:
        data = file.read()
    if data[:8] != b'\x89PNG\r\n\x1a\n':
        raise ValueError('not a PNG')
    at, packed, header = 8, b'', None
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if zlib.crc32(kind + body) != struct.unpack('>I', data[at + 8 + size:at + 12 + size])[0]:
            raise ValueError('a broken chunk')
        if kind == b'IHDR':
            header = struct.unpack('>IIBBBBB', body)
        elif kind == b'IDAT':
            packed += body
        at += 12 + size
    width, height = header[:2]
    rows = zlib.decompress(packed)
    length = len(rows) // height
    return width, height, len({rows[i * length:(i + 1) * length] for i in range(height)})


def address(user, password, url):
    return url.replace('http://', 'http://%s:%s@' % (urllib.parse.quote(user, safe=''),
                                                      urllib.parse.quote(password, safe='')))


def ntlm(chromium, server, url):
    """Chromium's own NTLM, with the name and password of the URL."""
    def visit(name, user, password):
        return browse(chromium, name, address(user, password, url), '--auth-schemes=ntlm')

    result, picture = visit('good', 'DOMAIN\\User', 'Password')
    if not check('You are DOMAIN\\User' in result.out, 'the right password is let in',
                 lambda: '%s\n%s' % (str(result)[-6000:], server.output())):
        return
    matches(r'signed in by NTLM', result.out, 'by NTLM')
    check('Password' not in result.out.replace('Your password', ''), 'the password is not on the page')
    width, height, rows = png(picture)
    check(width >= 800 and height >= 600 and rows > 20, 'the picture shows a page',
          '%d x %d, %d different rows' % (width, height, rows))
    result, _ = visit('accented', 'DOMAIN\\Zoé', 'pässwörd')
    check('You are DOMAIN\\Zoé' in result.out, 'a name and a password beyond ASCII', str(result)[-4000:])
    seen = len(server.output())
    result, _ = visit('wrong', 'DOMAIN\\User', 'password')
    check('You are' not in result.out, 'a wrong password is kept out', result.out[:3000])
    check(' 401 ' in server.output()[seen:] and ' 200 ' not in server.output()[seen:], 'the server refused it',
          server.output()[seen:])


def negotiate(chromium, server, url):
    """Chromium's Negotiate: MIT's SPNEGO over gss-ntlmssp, as whoever started it."""
    right = harness.write('right', 'DOMAIN:User:Password\n')
    wrong = harness.write('wrong-users', 'DOMAIN:User:password\n')

    def visit(name, users=right, **changes):
        between = relay.Relay(int(url.rsplit(':', 1)[1].rstrip('/')), **changes)
        seen = len(server.output())
        result, _ = browse(chromium, name, between.url + 'json', '--auth-server-allowlist=127.0.0.1', users=users)
        between.close()
        return between, result, server.output()[seen:]

    between, result, log = visit('negotiate')
    page = re.search(r'<pre[^>]*>(.*)</pre>', result.out, re.S)
    if not check(page and ' 200 ' in log, 'Negotiate: the right password is let in', lambda: '%s\n%s' % (str(result)[-4000:], log)):
        return
    facts = json.loads(html.unescape(page[1]))
    equal((facts['user'], facts['scheme'], facts['context']['package']), ('DOMAIN\\User', 'Negotiate', 'NTLM'),
          'Negotiate: offered NTLM as well, it takes Negotiate')
    check(between.spnego() and len([1 for _, token in between.tokens if relay.mech_list_mic(token)]) == 2,
          'Negotiate: in SPNEGO, and both sides sign the list of mechanisms', str(between.tokens))
    between, result, log = visit('negotiate-wrong', wrong)
    check('DOMAIN' not in result.out and 'SEC_E_LOGON_DENIED' in log and ' 200 ' not in log,
          'Negotiate: a wrong password is kept out', '%s\n%s' % (result.out[:3000], log))
    between, result, log = visit('negotiate-altered', to_server=relay.flip_mic())
    check(between.altered >= 1 and 'DOMAIN' not in result.out and 'SEC_E_MESSAGE_ALTERED' in log and ' 200 ' not in log,
          'Negotiate: we refuse Chromium when its mechListMIC is altered', '%s\n%s' % (result.out[:3000], log))
    between, result, log = visit('negotiate-server-altered', to_client=relay.flip_mic())
    equal(between.altered, 1, 'Negotiate: the server\'s own mechListMIC altered')
    harness.note('Chromium %s the server\'s last token' % ('does not look at' if 'DOMAIN' in result.out else 'checks'))


class Hello(http.server.BaseHTTPRequestHandler):
    """A server that wants nobody.  One that asks in turn Chromium cannot reach by Negotiate twice: it never takes the last token of
    the proxy, which comes with the server's 401, and gives its unfinished context up."""
    visits = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        Hello.visits += 1
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.end_headers()
        self.wfile.write(b'hello from behind')


def proxy(chromium, env):
    right = harness.write('proxy-right-users', 'DOMAIN:User:Password\n')
    wrong = harness.write('proxy-wrong-users', 'DOMAIN:User:password\n')
    gate = harness.Process([sys.argv[1], 'serve', '--proxy', '--listen', '127.0.0.1:0'], env=env)
    port = int(gate.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])
    behind = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hello)
    threading.Thread(target=behind.serve_forever, daemon=True).start()

    def visit(name, users, **changes):
        between = relay.Relay(port, **changes)
        result, _ = browse(chromium, name, 'http://127.0.0.1:%d/' % behind.server_port, '--auth-server-allowlist=127.0.0.1', users=users,
                           proxy='127.0.0.1:%d' % between.port)
        between.close()
        return between, result.out

    between, out = visit('proxy', right)
    check('hello from behind' in out and between.spnego(), 'Negotiate, in SPNEGO, at a proxy', lambda: out[:2000] + gate.output())
    visits = Hello.visits
    between, out = visit('proxy-wrong', wrong)
    check('hello' not in out and Hello.visits == visits, 'with a wrong password it does not come through', out[:2000])
    between, out = visit('proxy-altered', right, to_server=relay.flip_mic())
    check('hello' not in out and Hello.visits == visits and between.altered >= 1, 'nor with an altered mechListMIC', out[:2000])
    matches(r'SEC_E_MESSAGE_ALTERED', gate.output(), 'and the log says why')
    equal(gate.stop(), 0, 'the proxy ends well')


def main():
    chromium = harness.need_program('chromium', 'chromium')
    env = harness.environment(['DOMAIN:User:Password', 'DOMAIN:Zoé:pässwörd'])
    server = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0'], env=env)
    url = server.wait_line(r'^listening on (http://127\.0\.0\.1:\d+/)')[1]
    ntlm(chromium, server, url)
    if os.path.exists('/etc/gss/mech.d/mech.ntlmssp.conf'):
        negotiate(chromium, server, url)
        proxy(chromium, env)
    else:
        harness.skip('Chromium by Negotiate', 'gss-ntlmssp is not installed')
    equal(server.stop(), 0, 'the server ends well')


if __name__ == '__main__':
    harness.run(main)
