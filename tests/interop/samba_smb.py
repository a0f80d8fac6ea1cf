#!/usr/bin/env python3
"""samba_smb.py INITIATOR: SMB2 sessions at Samba's file server, which sends its NegTokenInit2 first and signs its last answer
with the session key.

INITIATOR is InitializeSecurityContext("Negotiate"); the SMB2 around its tokens is this script's, in dialect 2.1."""
import hmac
import socket
import struct
import subprocess
import sys

import harness
import samba_dc
from harness import check, equal

PASSWORD = 'Passw0rd.Alice'
SIGNED_FLAGS, NULL_SESSION = 0x0001001C, 0x00040000  # ISC_REQ_: integrity, confidentiality, replay, sequence; null session

NEGOTIATE, SESSION_SETUP, LOGOFF, ECHO = 0, 1, 2, 13  # MS-SMB2 2.2.1.2
SUCCESS, MORE, LOGON_FAILURE, ACCESS_DENIED = 0, 0xC0000016, 0xC000006D, 0xC0000022
INVALID_PARAMETER = 0xC000000D
SIGNED = 8  # MS-SMB2 2.2.1.2, Flags

domain = None


class Initiator:
    """One client, leg by leg."""

    def __init__(self, user, password, of, flags):
        self.child = subprocess.Popen([sys.argv[1], 'Negotiate', 'cifs/' + domain.host, '%x' % flags, user, of],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env=harness.environment([], SSPI_PASSWORD=password))
        self.key = b''
        self.status = None

    def step(self, token):
        self.child.stdin.write(token.hex() + '\n')
        self.child.stdin.flush()
        words = self.child.stdout.readline().split()
        self.status = words[0]
        if words[2:] and words[2] != '-':
            self.key = bytes.fromhex(words[2])
        return bytes.fromhex(words[1]) if words[1] != '-' else b''

    def end(self):
        self.child.communicate()
        return self.child.returncode


class Connection:
    """SMB2 over TCP, as much of it as sessions need (MS-SMB2 2.2.1, 3.1.4.1)."""

    def __init__(self):
        self.socket = socket.create_connection((domain.address, domain.smb_port), timeout=harness.LIMIT)
        self.message = 0
        self.session = 0
        answer = self.call(NEGOTIATE, struct.pack('<HHHHI16sQH', 36, 1, 1, 0, 0, b'sspi-test-client', 0, 0x0210))[1]
        self.offer = self.buffer(answer, 56)

    @staticmethod
    def buffer(message, at):
        offset, length = struct.unpack_from('<HH', message, 64 + at)
        return message[offset:offset + length]

    def read(self, size):
        got = b''
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                raise ConnectionError('the server hung up')
            got += more
        return got

    @staticmethod
    def signature(key, message):
        return hmac.new(key, message[:48] + bytes(16) + message[64:], 'sha256').digest()[:16]

    def call(self, command, body, key=None, spoilt=False):
        """(status, answer) of one request, signed when there is a key."""
        header = b'\xfeSMB' + struct.pack('<HHIHHIIQIIQ16x', 64, 1, 0, command, 31, SIGNED if key else 0, 0, self.message, 0, 0,
                                          self.session)
        message = header + body
        if key:
            signature = self.signature(key, message)
            if spoilt:
                signature = bytes([signature[0] ^ 1]) + signature[1:]
            message = message[:48] + signature + message[64:]
        self.socket.sendall(struct.pack('>I', len(message)) + message)
        self.message += 1
        answer = self.read(struct.unpack('>I', self.read(4))[0])
        self.session = struct.unpack_from('<Q', answer, 40)[0]
        return struct.unpack_from('<I', answer, 8)[0], answer

    def set_up(self, token):
        """(status, answer, the server's token)"""
        status, answer = self.call(SESSION_SETUP, struct.pack('<HBBIIHHQ', 25, 0, 1, 0, 0, 88, len(token), 0) + token)
        return status, answer, self.buffer(answer, 4) if status in (SUCCESS, MORE) else b''

    def proved(self, answer, key):
        """The answer is signed, and with this key."""
        flags = struct.unpack_from('<I', answer, 16)[0]
        return flags & SIGNED != 0 and answer[48:64] == self.signature(key, answer)


def log_on(user='alice', password=PASSWORD, of='DOM', flags=SIGNED_FLAGS, server_first=True, spoil=None):
    """The connection, the client, the server's last status and answer.  spoil(leg, token) sees the client's tokens."""
    connection = Connection()
    client = Initiator(user, password, of, flags)
    token = client.step(connection.offer if server_first else b'')
    status, answer = MORE, b''
    for leg in range(1, 9):
        if not token or status != MORE:
            break
        status, answer, token = connection.set_up(spoil(leg, token) if spoil else token)
        if token:
            token = client.step(token)
    return connection, client, status, answer


# ---------------------------------------------------------------- tests

def sessions():
    for name, server_first in (('SPNEGO', True), ('NTLM as it is', False)):
        connection, client, status, answer = log_on(server_first=server_first)
        if not check((status, client.status) == (SUCCESS, 'SEC_E_OK'), name + ': a session',
                     lambda: '%08x %s' % (status, client.status)):
            continue
        equal(len(client.key), 16, name + ': the session key')
        check(connection.proved(answer, client.key), name + ": the server's last answer is signed with it", answer.hex())
        status, answer = connection.call(ECHO, struct.pack('<HH', 4, 0), client.key)
        equal((status, connection.proved(answer, client.key)), (SUCCESS, True), name + ': what we sign with it is taken')
        equal(connection.call(LOGOFF, struct.pack('<HH', 4, 0), client.key, spoilt=True)[0], ACCESS_DENIED,
              name + ': what is signed with another is not')
        equal(connection.call(LOGOFF, struct.pack('<HH', 4, 0), client.key)[0], SUCCESS, name + ': the end of the session')
        equal(client.end(), 0, name + ': the client ends')


def strangers():
    for server_first in (True, False):
        for name, user, password in (('a wrong password', 'alice', 'x'), ('an unknown user', 'nobody', PASSWORD)):
            connection, client, status, _ = log_on(user, password, server_first=server_first)
            equal('%08x' % status, '%08x' % LOGON_FAILURE, name)
            client.end()


def alterations():
    def last_octet(leg, token):
        return token if leg != 2 else token[:-1] + bytes([token[-1] ^ 1])

    def first_octet_of_ntlm_mic(leg, token):
        at = token.find(b'NTLMSSP\0\3\0\0\0') + 72
        return token if leg != 2 else token[:at] + bytes([token[at] ^ 1]) + token[at + 1:]

    for name, spoil, wanted in (('the mechListMIC', last_octet, ACCESS_DENIED),
                                ("NTLM's own MIC", first_octet_of_ntlm_mic, INVALID_PARAMETER)):
        connection, client, status, _ = log_on(spoil=spoil)
        equal('%08x' % status, '%08x' % wanted, name + ', altered, is refused')
        check(client.status != 'SEC_E_OK', name + ', altered: no session here either', client.status)
        client.end()


def nobody_in_particular():
    """Samba 4.17 does not set SMB2_SESSION_FLAG_IS_NULL; that it does not sign is what tells (MS-SMB2 3.3.5.5.3)."""
    connection, client, status, answer = log_on('', '', '', flags=NULL_SESSION)
    equal(('%08x' % status, client.status), ('00000000', 'SEC_E_OK'), 'an anonymous session')
    equal(struct.unpack_from('<I', answer, 16)[0] & SIGNED, 0, 'that the server does not sign')
    client.end()


def main():
    global domain
    domain = samba_dc.start(smb=True)
    domain.add_user('alice', PASSWORD)
    sessions()
    strangers()
    alterations()
    nobody_in_particular()


harness.run(main)
