#!/usr/bin/env python3
"""starttls.py SSPI PKI: `sspi connect --starttls` before servers that begin in the clear as their protocols' documents have it, which
`openssl s_client -starttls` confirms; before slapd; and before servers that have no TLS, say more than they should, or nothing."""
import os
import re
import socket
import ssl
import subprocess
import sys
import threading

import harness
from harness import check, equal, matches

SSPI, PKI = os.path.abspath(sys.argv[1]), sys.argv[2]


def hear(pattern):
    return re.compile(pattern, re.S)


# What a client may ask before: s_client does.
BEFORE = [(hear(rb'(\S+) CAPABILITY\r\n'), lambda match: b'* CAPABILITY IMAP4rev1 STARTTLS\r\n' + match[1] + b' OK done\r\n'),
          (hear(rb'CAPABILITIES\r\n'), lambda match: b'101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n')]


# What a server says, and what it waits for: bytes, or what is made of what was heard, and patterns.
TALKS = {
    'smtp': [b'220-mail.example.com\r\n220 ready\r\n', hear(rb'EHLO \S+\r\n'), b'250-mail.example.com\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 HELP\r\n',
             hear(rb'STARTTLS\r\n'), b'220 go ahead\r\n'],
    'imap': [b'* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n', hear(rb'(\S+) STARTTLS\r\n'),
             lambda match: match[1] + b' OK done\r\n'],
    'pop3': [b'+OK ready\r\n', hear(rb'STLS\r\n'), b'+OK begin\r\n'],
    'ftp': [b'220-hello\r\n220 ready\r\n', hear(rb'AUTH TLS\r\n'), b'234 go ahead\r\n'],
    'nntp': [b'200 ready\r\n', hear(rb'STARTTLS\r\n'), b'382 continue\r\n'],
    'sieve': [b'"IMPLEMENTATION" "test"\r\n"STARTTLS"\r\nOK "ready"\r\n', hear(rb'STARTTLS\r\n'), b'OK "begin"\r\n'],
    'xmpp': [hear(rb'<stream:stream [^>]*>'), b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='1' "
             b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
             b'<required/></starttls></stream:features>', hear(rb'<starttls xmlns=.urn:ietf:params:xml:ns:xmpp-tls./?>'),
             b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
    'ldap': [hear(rb'\x30.\x02\x01(.).*1\.3\.6\.1\.4\.1\.1466\.20037'), lambda match: b'\x30\x0c\x02\x01' + match[1] + b'\x78\x07\x0a\x01\x00\x04\x00\x04\x00'],
    'postgres': [hear(rb'\x00\x00\x00\x08\x04\xd2\x16\x2f'), b'S'],
}


class Server:
    """One connection after another: the talk in the clear, then TLS, then an echo until the client says goodbye."""

    def __init__(self, talk, secure=True):
        self.talk, self.secure = talk, secure
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(PKI + '/server-p256.chain.pem', PKI + '/server-p256.key')
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.where = '127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.listener.close()

    def _run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            plain.settimeout(harness.LIMIT)
            try:
                self._serve(plain)
            except OSError:
                pass  # the client went, as some are to do
            finally:
                plain.close()

    def _serve(self, plain):
        match, data = None, b''
        for part in self.talk:
            if isinstance(part, re.Pattern):
                while (match := part.search(data)) is None:
                    piece = plain.recv(4096)
                    if not piece:
                        return
                    data += piece
                    for pattern, answer in BEFORE:
                        if asked := pattern.search(data):
                            plain.sendall(answer(asked))
                            data = b''
                data = b''
            else:
                plain.sendall(part(match) if callable(part) else part)
        if not self.secure:
            while plain.recv(4096):
                pass
            return
        with self.tls.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as connection:
            while True:
                piece = connection.recv(4096)
                if not piece:
                    connection.unwrap()
                    return
                connection.sendall(piece)


def connect(protocol, where, *more, given=None):
    return harness.call([SSPI, 'connect', '--starttls', protocol, '--roots', PKI + '/root.pem', '--name', 'www.example.com', *more, where],
                        env=harness.environment(), given=given)


def good(openssl):
    for protocol, talk in TALKS.items():
        server = Server(talk)
        foreign = subprocess.run([openssl, 's_client', '-connect', server.where, '-starttls', protocol, '-CAfile', PKI + '/root.pem',
                                  '-verify_return_error', '-verify_hostname', 'www.example.com'],
                                 input=b'Q\n', capture_output=True, timeout=harness.LIMIT, check=False)
        check(b'Verify return code: 0 (ok)' in foreign.stdout, protocol + ': s_client goes the same way', foreign.stderr.decode()[-500:])
        shown = connect(protocol, server.where, '--report')
        equal(shown.status, 0, protocol + ': connect')
        matches(r'verdict +trusted', shown.out, protocol + ': and trusts it')
        piped = connect(protocol, server.where, '-q', given='there and back\n')
        equal((piped.status, piped.out), (0, 'there and back\n'), protocol + ': the pipe')
        server.close()


def bad():
    for protocol, talk, what in (
            ('smtp', TALKS['smtp'][:2] + [b'250-mail.example.com\r\n250 HELP\r\n'], 'no STARTTLS in the list'),
            ('smtp', TALKS['smtp'][:4] + [b'454 not now\r\n'], 'not now'),
            ('imap', [b'* OK ready\r\n', hear(rb'(\S+) STARTTLS\r\n'), lambda match: match[1] + b' BAD what?\r\n'], 'an IMAP server that knows none'),
            ('pop3', [b'+OK ready\r\n', hear(rb'STLS\r\n'), b'-ERR what?\r\n'], 'a POP3 server that knows none'),
            ('ldap', [TALKS['ldap'][0], lambda match: b'\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00'], 'protocolError'),
            ('postgres', [TALKS['postgres'][0], b'N'], 'PostgreSQL without TLS')):
        server = Server(talk, secure=False)
        result = connect(protocol, server.where, '--report')
        equal(result.status, 3, '%s: %s' % (protocol, what))
        matches('does not begin TLS', result.err, '%s: it says so (%s)' % (protocol, what))
        server.close()
    for protocol, more in (('smtp', b'250 2.1.0 OK\r\n'), ('imap', b'* OK [PREAUTH] welcome\r\n'), ('postgres', b'E'), ('ldap', b'\x30\x00')):
        talk = list(TALKS[protocol])
        last = talk[-1]
        talk[-1] = (lambda match, last=last, more=more: last(match) + more) if callable(last) else last + more
        server = Server(talk, secure=False)
        result = connect(protocol, server.where, '--report')
        equal(result.status, 3, protocol + ': words put in front of TLS')
        matches('more in the clear before TLS', result.err, protocol + ': are not taken')
        server.close()
    for talk, what in (([b'220 ready\r\n', hear(rb'NEVER')], 'silent'), ([b'220 ' + b'x' * 40000], 'endless')):
        server = Server(talk, secure=False)
        result = connect('smtp', server.where, '--report', '--timeout', '1')
        equal(result.status, 4, 'smtp: a server that is ' + what)
        server.close()
    result = connect('gopher', '127.0.0.1:70')
    equal(result.status, 2, 'a protocol that nobody knows')
    matches('smtp, imap', result.err, 'names those that are known')


def slapd():
    """A real one: OpenLDAP's server."""
    program = '/usr/sbin/slapd'
    if not os.path.exists(program):
        harness.skip('slapd', 'slapd is not installed (package slapd)')
        return
    root = os.path.join(harness.scratch(), 'slapd')
    os.makedirs(root)

    def start(port):
        path = harness.write('slapd/slapd.conf', 'pidfile %s/pid\nTLSCertificateFile %s/server-rsa.chain.pem\nTLSCertificateKeyFile '
                             '%s/server-rsa.key\nTLSCACertificateFile %s/root.pem\ndatabase config\n' % (root, PKI, PKI, PKI))
        return harness.Process([program, '-d', '0', '-f', path, '-h', 'ldap://127.0.0.1:%d/' % port])
    process, port = harness.with_port(start)
    result = connect('ldap', '127.0.0.1:%d' % port, '--report')
    check(result.status == 0 and 'trusted' in result.out, 'slapd', '%s\n%s' % (result, process.output()))
    process.stop()


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    good(os.environ.get('OPENSSL') or harness.need_program('openssl', 'openssl'))
    bad()
    slapd()


harness.run(main)
