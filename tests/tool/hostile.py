#!/usr/bin/env python3
"""hostile.py SSPI: what strangers send, sspi serve answers and outlives."""
import base64
import os
import re
import socket
import struct
import sys

import harness
import relay
from harness import check, equal

SSPI = os.path.abspath(sys.argv[1])
NEGOTIATE = b'NTLMSSP\0' + struct.pack('<II', 1, 0xa2088207) + bytes(16) + bytes.fromhex('0a0063450000000f')
PORT = None
SERVER = None


class Peer:
    def __init__(self):
        self.socket = socket.create_connection(('127.0.0.1', PORT), timeout=20)
        self.data = b''

    def send(self, data):
        self.socket.sendall(data)
        return self

    def answer(self):
        """Status, headers and body of one answer; None when the server hung up."""
        while b'\r\n\r\n' not in self.data:
            if not self.more():
                return None
        head, self.data = self.data.split(b'\r\n\r\n', 1)
        lines = head.decode('latin-1').split('\r\n')
        headers = {}
        for line in lines[1:]:
            name, value = line.split(':', 1)
            headers.setdefault(name.lower(), []).append(value.strip())
        length = int(headers.get('content-length', ['0'])[0])
        while len(self.data) < length:
            if not self.more():
                return None
        body, self.data = self.data[:length], self.data[length:]
        return int(lines[0].split()[1]), headers, body

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.data += piece
        return bool(piece)

    def ask(self, token=None, scheme='NTLM', path='/'):
        text = 'GET %s HTTP/1.1\r\nHost: x\r\n' % path
        if token is not None:
            text += 'Authorization: %s %s\r\n' % (scheme, base64.b64encode(token).decode() if isinstance(token, bytes) else token)
        self.send((text + '\r\n').encode())
        return self.answer()

    def challenge(self):
        """Begins an exchange; the CHALLENGE."""
        status, headers, _ = self.ask(NEGOTIATE)
        token = re.match(r'NTLM (\S+)$', headers['www-authenticate'][0])
        return base64.b64decode(token.group(1)) if status == 401 and token else None

    def close(self):
        self.socket.close()


def authenticate(user=b'', nt=b'', flags=0xa2088205, lm=b'\0'):
    """An AUTHENTICATE that nobody computed."""
    payload, offset, fields = b'', 64, b''
    for value in (lm, nt, b'', user, b'', b''):
        fields += struct.pack('<HHI', len(value), len(value), offset + len(payload))
        payload += value
    return b'NTLMSSP\0' + struct.pack('<I', 3) + fields + struct.pack('<I', flags) + payload


def alive(what):
    peer = Peer()
    answer = peer.ask()
    peer.close()
    check(SERVER.running() and answer is not None and answer[0] == 401, 'alive after ' + what, SERVER.output()[-3000:])


def refused(answer):
    """Closed with a fresh offer, and nobody let in."""
    return answer is not None and answer[0] == 401 and answer[1].get('www-authenticate') == ['Negotiate', 'NTLM'] and b'You are' not in answer[2]


def tokens():
    bad = {
        'an empty token': '', 'not base64': '####', 'base64 cut short': 'TlRMTVNTUAAB=', 'no NTLM': b'hello world',
        'the signature alone': b'NTLMSSP\0', 'type 0': b'NTLMSSP\0' + bytes(24), 'type 4': b'NTLMSSP\0\4' + bytes(23),
        'a CHALLENGE': b'NTLMSSP\0' + struct.pack('<I', 2) + bytes(40), 'AUTHENTICATE first': authenticate(),
        'names that leave the message': b'NTLMSSP\0' + struct.pack('<IIHHIHHI', 1, 0xa2083207, 9, 9, 0xffffffff, 9, 9, 0xfffffff0),
        'no charset': b'NTLMSSP\0' + struct.pack('<II', 1, 0) + bytes(16), '40 KB': NEGOTIATE + bytes(40000),
        'a scheme of its own': 'x' * 300,
    }
    for name, token in bad.items():
        peer = Peer()
        answer = peer.ask(token)
        if name == '40 KB' and answer is not None and answer[0] == 401:  # a tail is no crime: what counts is that nobody gets in
            check(b'You are' not in answer[2], 'nobody is let in by ' + name)
        else:
            check(refused(answer), 'refused: ' + name, str(answer))
            check(peer.challenge() is not None, 'and the connection can begin again after ' + name)
        peer.close()
    peer = Peer()
    check(refused(peer.ask('x', scheme='Basic')), 'refused: another scheme')
    check(refused(peer.ask('x', scheme='N' * 5000)), 'refused: a scheme without end')
    peer.close()
    alive('bad tokens')


def spnego():
    """Malformed and misplaced SPNEGO (RFC 4178 4.2), in a scheme that also takes NTLM as it is."""
    ntlm = bytes.fromhex('060a2b06010401823702020a')

    def init(oids, token=None):
        fields = relay.element(0xa0, relay.element(0x30, oids)) + (relay.element(0xa2, relay.element(4, token)) if token else b'')
        return relay.element(0x60, bytes.fromhex('06062b0601050502') + relay.element(0xa0, relay.element(0x30, fields)))

    good = init(ntlm, NEGOTIATE)
    bad = {
        'no mechanism': init(b''), 'a mechanism of nobody': init(bytes.fromhex('06032a0304')), 'a list cut short': good[:20],
        'a tail': good + b'\0', 'an OID without end': init(b'\x06\x7f' + ntlm), 'a length without end': b'\x60\x84\xff\xff\xff\xff' + good[2:],
        'an indefinite length': b'\x60\x80' + good[2:] + bytes(2), 'NTLM garbage inside': init(ntlm, b'NTLMSSP\0' + b'\xff' * 30),
        'SPNEGO inside SPNEGO': init(bytes.fromhex('06062b0601050502'), good), 'a NegTokenResp first': relay.response({0: b'\x0a\1\0'}),
        'a reject': relay.response({0: b'\x0a\1\2'}), '40 KB of mechanisms': init(ntlm * 3000 + ntlm[:-1]),
        'AUTHENTICATE first': init(ntlm, authenticate()), 'a deep nest': b'\xa0\x80' * 4000,
    }
    for name, token in bad.items():
        peer = Peer()
        check(refused(peer.ask(token, scheme='Negotiate')), 'SPNEGO, refused: ' + name)
        status, headers, _ = peer.ask(good, scheme='Negotiate')
        check(status == 401 and headers['www-authenticate'][0].startswith('Negotiate o'), 'and the connection can begin again after ' + name, str(headers))
        peer.close()
    for name, token in {'the same again': good, 'a reject': bad['a reject'], 'completed': bad['a NegTokenResp first'],
                        'nothing at all': relay.response({}), 'raw AUTHENTICATE': authenticate(),
                        'a mechListMIC alone': relay.response({0: b'\x0a\1\1', 3: relay.element(4, bytes(16))}),
                        'an anonymous AUTHENTICATE': relay.response({0: b'\x0a\1\1', 2: relay.element(4, authenticate())})}.items():
        peer = Peer()
        peer.ask(good, scheme='Negotiate')
        check(refused(peer.ask(token, scheme='Negotiate')), 'SPNEGO, second leg, refused: ' + name)
        check(refused(peer.ask()), 'and nobody is let in after ' + name)
        peer.close()
    alive('SPNEGO')


def order():
    peer = Peer()
    peer.challenge()
    check(refused(peer.ask(authenticate('User'.encode('utf-16-le'), bytes(24)))), 'refused: NTLMv1 of nobody')
    check(refused(peer.ask(authenticate('User'.encode('utf-16-le'), bytes(24)))), 'refused: AUTHENTICATE after a refusal')
    peer.challenge()
    check(refused(peer.ask(authenticate())), 'refused: anonymous')
    peer.challenge()
    check(refused(peer.ask()), 'a request without a token ends an exchange under way')
    check(refused(peer.ask(authenticate('User'.encode('utf-16-le'), bytes(60)))), 'and its AUTHENTICATE comes too late')
    peer.challenge()
    again = peer.ask(NEGOTIATE)
    check(again is not None and again[0] == 401, 'NEGOTIATE twice', str(again))
    peer.close()
    first, second = Peer(), Peer()
    one, two = first.challenge(), second.challenge()
    check(one[24:32] != two[24:32], 'each connection has a challenge of its own')
    first.close()
    second.close()
    alive('messages out of order')


def requests():
    for name, data, statuses in (
            ('no HTTP', b'\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n', (400, None)),
            ('an empty line', b'\r\n\r\n', (400, None)),
            ('headers of 1 MB', b'GET / HTTP/1.1\r\n' + b'X: ' + b'y' * 1000000 + b'\r\n\r\n', (400, 413, None)),
            ('a million headers', b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 100000 + b'\r\n', (400, 413, None)),
            ('a URL of 1 MB', b'GET /' + b'a' * 1000000 + b' HTTP/1.1\r\n\r\n', (400, 413, 414, None)),
            ('an endless body', b'POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nx', (400, 413, None)),
            ('a body of less than nothing', b'POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n', (400, 413, None)),
            ('a method that is none', b'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', (400, 405, 501, None)),
            ('TRACE', b'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n', (405, 501, None)),
            ('CONNECT', b'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', (400, 405, 501, None)),
            ('control characters in the path', b'GET /\x1b[2J\x07%0a%1b HTTP/1.1\r\nHost: x\r\n\r\n', (400, 401, None)),
            ('a path out of the tree', b'GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', (400, 401, None))):
        peer = Peer()
        try:
            answer = peer.send(data).answer()
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        status = answer[0] if answer else None
        check(status in statuses, 'answered: ' + name, str(status))
        peer.close()
    alive('requests that are none')
    check('\x1b' not in SERVER.output() and '\x07' not in SERVER.output(), 'nobody steers the terminal that shows the log')


def pipelined():
    peer = Peer()
    line = b'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: NTLM ' + base64.b64encode(NEGOTIATE) + b'\r\n\r\n'
    forged = (b'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: NTLM ' +
              base64.b64encode(authenticate('User'.encode('utf-16-le'), bytes(60))) + b'\r\n\r\n')
    peer.send((line + forged + b'GET / HTTP/1.1\r\nHost: x\r\n\r\n') * 10)
    answers = [peer.answer() for _ in range(30)]
    equal([answer and answer[0] for answer in answers], [401] * 30, 'thirty requests at once: all refused, in order')
    peer.close()
    half = [Peer() for _ in range(50)]
    for number, peer in enumerate(half):
        peer.send(b'GET / HTTP/1.1\r\nAuthorization: NTLM '[:number])
    for peer in half:
        peer.close()
    for _ in range(100):
        peer = Peer()
        peer.send(line)
        peer.close()
    alive('connections that end in the middle')


def many():
    """More connections than the server keeps: the rest wait their turn."""
    peers = []
    for _ in range(600):
        peers.append(Peer().send(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    for peer in peers:
        peer.close()
    alive('600 connections')
    for _ in range(600):
        Peer().close()
    alive('600 connections that ended without a word')
    for _ in range(600):
        Peer().send(b'GET / HTTP/1.1\r\nHo').close()
    alive('600 connections that ended within a request')


def descriptors():
    """A server that may open few files is besieged by connections that say nothing, and is there again afterwards."""
    global PORT, SERVER
    port, server = PORT, SERVER
    SERVER = harness.Process(['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh', SSPI, 'serve', '--listen', '127.0.0.1:0'],
                             env=harness.environment())
    PORT = int(SERVER.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/$').group(1))
    peers = [Peer() for _ in range(100)]
    SERVER.wait_line('a connection cannot be accepted')
    for peer in peers:
        peer.close()
    alive('having no descriptor left')
    check(SERVER.output().count('cannot be accepted') < 60, 'it does not complain without end', SERVER.output()[-300:])
    SERVER.stop()
    PORT, SERVER = port, server


def connection_bound():
    curl = harness.call(['sh', '-c', 'command -v curl']).out.strip()
    if not curl:
        harness.skip('one connection signed in, another not', 'curl is not installed (package curl)')
        return
    url = 'http://127.0.0.1:%d/' % PORT
    result = harness.call([curl, '-sS', '--noproxy', '*', '--ntlm', '-u', 'CORP\\alice:Password', '-o', os.devnull, '-w',
                           '%{http_code}\n', url])
    equal(result.out.split()[-1:], ['200'], 'one connection is signed in')
    peer = Peer()
    check(refused(peer.ask()), 'the next is a stranger')
    peer.close()


def main():
    global PORT, SERVER
    harness.call([SSPI, 'user', 'add', 'CORP\\alice'], env=harness.environment(SSPI_PASSWORD='Password'))
    SERVER = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0'], env=harness.environment())
    PORT = int(SERVER.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/$').group(1))
    tokens()
    spnego()
    order()
    requests()
    pipelined()
    connection_bound()
    many()
    descriptors()
    equal(SERVER.stop(), 0, 'and it ends with status 0')


harness.run(main)
