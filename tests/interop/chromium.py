#!/usr/bin/env python3
"""chromium.py SSPI: a headless Chromium signs in at `sspi serve` by NTLM, and stays outside with a wrong password."""
import os
import struct
import sys
import urllib.parse
import zlib

import harness
from harness import check, equal, matches

OPTIONS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
           '--disable-dev-shm-usage', '--no-default-browser-check', '--no-proxy-server', '--window-size=1000,1400',
           '--auth-schemes=ntlm,negotiate']


def browse(chromium, name, url):
    """The page that a new browser shows: (document, picture's path)."""
    folder = os.path.join(harness.scratch(), name)
    os.makedirs(folder)
    picture = os.path.join(folder, 'page.png')
    env = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
    result = harness.call([chromium] + OPTIONS + ['--user-data-dir=' + os.path.join(folder, 'profile'),
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


def main():
    chromium = harness.need_program('chromium', 'chromium')
    env = harness.environment(['DOMAIN:User:Password', 'DOMAIN:Zoé:pässwörd'])
    server = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'NTLM'], env=env)
    url = server.wait_line(r'^listening on (http://127\.0\.0\.1:\d+/)')[1]

    result, picture = browse(chromium, 'good', address('DOMAIN\\User', 'Password', url))
    if not check('You are DOMAIN\\User' in result.out, 'the right password is let in',
                 lambda: '%s\n%s' % (str(result)[-6000:], server.output())):
        return
    matches(r'signed in by NTLM', result.out, 'by NTLM')
    check('Password' not in result.out.replace('Your password', ''), 'the password is not on the page')
    width, height, rows = png(picture)
    check(width >= 800 and height >= 600 and rows > 20, 'the picture shows a page',
          '%d x %d, %d different rows' % (width, height, rows))

    result, _ = browse(chromium, 'accented', address('DOMAIN\\Zoé', 'pässwörd', url))
    check('You are DOMAIN\\Zoé' in result.out, 'a name and a password beyond ASCII', str(result)[-4000:])

    seen = len(server.output())
    result, _ = browse(chromium, 'wrong', address('DOMAIN\\User', 'password', url))
    check('You are' not in result.out, 'a wrong password is kept out', result.out[:3000])
    check(' 401 ' in server.output()[seen:] and ' 200 ' not in server.output()[seen:], 'the server refused it',
          server.output()[seen:])
    equal(server.stop(), 0, 'the server ends well')


harness.run(main)
