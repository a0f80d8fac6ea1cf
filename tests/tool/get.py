#!/usr/bin/env python3
"""get.py SSPI: sspi get against servers that misbehave."""
import base64
import os
import socket
import struct
import sys
import threading
import time

import harness
import relay
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])
# MS-NLMP 4.2.4.3
CHALLENGE = base64.b64encode(bytes.fromhex(
    '4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f'
    '53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000')).decode()



def dated(challenge):
    """The same with MsvAvTimestamp (MS-NLMP 2.2.2.1) last in its TargetInfo: then a client owes a MIC, and SPNEGO with it."""
    data = base64.b64decode(challenge)
    size = struct.unpack('<H', data[40:42])[0] + 12
    now = int((time.time() + 11644473600) * 10000000)
    return base64.b64encode(data[:40] + struct.pack('<HH', size, size) + data[44:-4] + struct.pack('<HHQ', 7, 8, now) + bytes(4)).decode()


class Server:
    """Answers each request on any connection with the next of `answers`; an answer that ends in None hangs up."""

    def __init__(self, *answers, proxy=False):
        self.answers, self.requests, self.connections = list(answers), [], 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d/' % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with peer:
                self.talk(peer)

    def talk(self, peer):
        data = b''
        while self.answers:
            while b'\r\n\r\n' not in data:
                piece = peer.recv(65536)
                if not piece:
                    return
                data += piece
            head, data = data.split(b'\r\n\r\n', 1)
            self.requests.append(head.decode())
            answer = self.answers.pop(0)
            if answer is None:
                return
            peer.sendall(answer.encode())
            if 'Connection: close' in answer:
                return


NTLM_OID = bytes.fromhex('060a2b06010401823702020a')


def wrapped(state, **fields):
    """A NegTokenResp in base64 (RFC 4178 4.2.2)."""
    parts = {0: relay.element(0x0a, bytes([state]))}
    if 'token' in fields:
        parts.update({1: NTLM_OID, 2: relay.element(4, base64.b64decode(fields['token']))})
    if 'mic' in fields:
        parts[3] = relay.element(4, fields['mic'])
    return base64.b64encode(relay.response(parts)).decode()


def answer(code, *headers, body=''):
    return '\r\n'.join(['HTTP/1.1 %d X' % code, *headers, 'Content-Length: %d' % len(body), '', body])


def get(url, *arguments):
    return harness.call([SSPI, 'get', '--user', 'Domain\\User', '--timeout', '10', *arguments, url],
                        env=harness.environment(SSPI_PASSWORD='Password'))


def outcome(status, name, *answers, arguments=(), say=None):
    server = Server(*answers)
    result = get(server.url, *arguments)
    equal(result.status, status, name)
    if say:
        matches(say, result.err, name + ': and says why')
    check('Password' not in result.out + result.err, name + ': without the password')
    return server, result


def plain():
    server, result = outcome(0, 'a page that wants nobody', answer(200, body='hello'))
    equal(result.out, 'hello', 'the page')
    check('Authorization' not in server.requests[0], 'nothing is sent unasked')
    outcome(6, 'not found', answer(404, body='no'))
    outcome(0, 'a redirection is reported', answer(302, 'Location: /x'))
    server, result = outcome(0, 'chunks', 'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n')
    equal(result.out, 'abcdef', 'put together')


def offers():
    server, _ = outcome(5, 'nothing that we have', answer(401, 'WWW-Authenticate: Basic realm="NTLM"', body='x'), say='401')
    equal(len(server.requests), 1, 'Basic is never tried')
    outcome(5, 'no offer at all', answer(401))
    server, _ = outcome(3, 'refused after all', answer(401, 'WWW-Authenticate: Basic realm="x", NTLM'),
                        answer(401, 'WWW-Authenticate: NTLM ' + CHALLENGE), answer(401, 'WWW-Authenticate: NTLM'),
                        say='refused')
    equal([('TlRMTVNTUAAB' in request, 'TlRMTVNTUAAD' in request) for request in server.requests],
          [(False, False), (True, False), (False, True)], 'the legs in order')
    equal(server.connections, 1, 'on one connection')
    server, result = outcome(0, 'let in', answer(401, 'WWW-Authenticate: NTLM', body='go away'),
                             answer(401, 'WWW-Authenticate: NTLM ' + CHALLENGE, body='go away'), answer(200, body='welcome'))
    equal(result.out, 'welcome', 'only the page')


def choice():
    """Negotiate before NTLM, whatever the server's order."""
    for headers in (['Negotiate', 'NTLM'], ['NTLM', 'Negotiate'], ['NTLM, Negotiate'], ['Basic realm="Negotiate, NTLM", Negotiate, NTLM'],
                    ['ntlm', 'NEGOTIATE']):
        server = Server(answer(401, *['WWW-Authenticate: ' + header for header in headers]), answer(401, 'WWW-Authenticate: NTLM'))
        result = get(server.url)
        equal(result.status, 3, 'refused after ' + ' and '.join(headers))
        matches('(?i)\r\nAuthorization: Negotiate ', server.requests[1], 'of %s it takes Negotiate' % ' and '.join(headers))
    server = Server(answer(401, 'WWW-Authenticate: Negotiate', 'WWW-Authenticate: NTLM'), answer(401))
    get(server.url, '--package', 'NTLM')
    matches('(?i)\r\nAuthorization: NTLM ', server.requests[1], 'unless --package says NTLM')


def last_words():
    """Whoever lets us in must prove that he is the one we meant, when the scheme has that; a page comes after the proof."""
    hint = base64.b64encode(relay.NTLM_HINT).decode()
    for ask, code, arguments in (('WWW-Authenticate: Negotiate', 401, ()), ('Proxy-Authenticate: Negotiate', 407, ('--proxy',))):
        legs = (answer(code, '%s %s' % (ask, hint)), answer(code, '%s %s' % (ask, wrapped(1, token=dated(CHALLENGE)))))
        for status, name, last in (
                (1, 'no last token', answer(200, body='lies')),
                (1, 'an empty last token', answer(200, ask, body='lies')),
                (1, 'a last token that is not base64', answer(200, ask + ' ####', body='lies')),
                (1, 'a last token that is garbage', answer(200, ask + ' AAAA', body='lies')),
                (1, 'completed, without mechListMIC', answer(200, '%s %s' % (ask, wrapped(0)), body='lies')),
                (1, 'a mechListMIC of nobody', answer(200, '%s %s' % (ask, wrapped(0, mic=b'\1' + bytes(15))), body='lies')),
                (1, 'the challenge once more', answer(200, '%s %s' % (ask, wrapped(1, token=CHALLENGE)), body='lies')),
                (1, 'the token of another scheme', answer(200, ask.replace('Negotiate', 'NTLM ') + CHALLENGE, body='lies')),
                (3, 'reject', answer(code, '%s %s' % (ask, wrapped(2)), body='lies')),
                (1, 'reject and let in', answer(200, '%s %s' % (ask, wrapped(2)), body='lies')),
                (6, 'an error in place of a last token', answer(500, body='lies')),
                (4, '103 in place of an answer', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n')):
            server = Server(*legs, last)
            result = get('http://there.test/' if arguments else server.url, *arguments, *([server.url] if arguments else ()))
            name = '%d: %s' % (code, name)
            equal((result.status, result.out, len(server.requests)), (status, '', 3), name)
            check(result.err != '', name + ': and says why')
    chunks = 'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlies\r\n0\r\n\r\n'
    server = Server(answer(401, 'WWW-Authenticate: Negotiate ' + hint),
                    answer(401, 'WWW-Authenticate: Negotiate ' + wrapped(1, token=CHALLENGE)), chunks)
    result = get(server.url)
    equal((result.status, result.out), (1, ''), 'nor is a page in chunks shown before the proof')


def liars():
    outcome(1, 'a token that is not base64', answer(401, 'WWW-Authenticate: NTLM'), answer(401, 'WWW-Authenticate: NTLM ####'))
    garbage = base64.b64encode(b'NTLMSSP\0\2\0\0\0' + b'\xff' * 40).decode()
    outcome(1, 'a malformed CHALLENGE', answer(401, 'WWW-Authenticate: NTLM'), answer(401, 'WWW-Authenticate: NTLM ' + garbage),
            say='SEC_E_INVALID_TOKEN')
    outcome(4, 'a server that closes between the legs', answer(401, 'WWW-Authenticate: NTLM'),
            answer(401, 'WWW-Authenticate: NTLM ' + CHALLENGE, 'Connection: close'), say='between the legs')
    outcome(3, 'a server that forgets', answer(401, 'WWW-Authenticate: NTLM'), answer(401, 'WWW-Authenticate: NTLM'))
    outcome(4, 'a server that hangs up', None)
    outcome(4, 'something that is not HTTP', 'SSH-2.0-x\r\n\r\n')
    outcome(4, 'headers without end', 'HTTP/1.1 200 X\r\n' + 'X: y\r\n' * 60000)
    with socket.socket() as nobody:
        nobody.bind(('127.0.0.1', 0))
        equal(get('http://127.0.0.1:%d/' % nobody.getsockname()[1]).status, 4, 'a port where nobody listens')
    mute = socket.create_server(('127.0.0.1', 0))
    equal(get('http://127.0.0.1:%d/' % mute.getsockname()[1], '--timeout', '1').status, 4, 'a server that says nothing')


def proxies():
    server = Server(answer(407, 'Proxy-Authenticate: NTLM'), answer(407, 'Proxy-Authenticate: NTLM ' + CHALLENGE),
                    answer(200, body='through'))
    result = get('http://there.test:81/x?y=z', '--proxy', server.url)
    equal((result.status, result.out), (0, 'through'), 'through a proxy that asks')
    check(server.requests[0].startswith('GET http://there.test:81/x?y=z HTTP/1.1\r\n'), 'the proxy gets the whole URL',
          server.requests[0])
    matches('(?i)\r\nProxy-Authorization: NTLM TlRMTVNTUAAD', server.requests[2], 'and the answer')
    check('\r\nAuthorization' not in server.requests[2], 'which is not the server\'s')


def main():
    plain()
    offers()
    choice()
    last_words()
    liars()
    proxies()


harness.run(main)
