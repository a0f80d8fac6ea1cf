#!/usr/bin/env python3
"""tls_farm.py TLS_PEER PKI: servers that share a file of ticket keys, before `openssl s_client`, Python's ssl and our own client.

A session that one of them began is resumed by each other one; while they run the file is rotated: tickets of the former key are
still taken, with a new one in answer, and those of a key that is gone cost a full handshake, and no more than that.
"""
import os
import secrets
import socket
import ssl
import sys
import time

import harness
import tls_programs as tls
from harness import check, equal

PEER, PKI = sys.argv[1], sys.argv[2]
SERVERS = 3
VERSIONS = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}


def pki(name):
    return os.path.join(PKI, name)


class Farm:
    """Servers of their own processes, with one file of keys."""

    def __init__(self, version, label):
        self.path = os.path.join(harness.scratch(), 'keys-' + label)
        self.keys = [secrets.token_hex(80)]
        self._write()
        configuration = harness.write('farm-%s.conf' % label, '[schannel]\nticket-keys = %s\n' % self.path)
        self.visits = [0] * SERVERS
        self.members = [tls.Ours(PEER, None, ['--versions', version, '--certificate', pki('server-p256.chain.pem'), '--key',
                                              pki('server-p256.key'), '--times', '100000'], ['facts', 'text=hello', 'end'],
                                 SSPI_CONFIG=configuration) for _ in range(SERVERS)]

    def _write(self):
        """A new file in the old one's place, as an administrator's tool does it."""
        with open(self.path + '.new', 'w', encoding='ascii', opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(''.join(key + '\n' for key in self.keys))
        os.replace(self.path + '.new', self.path)

    def rotate(self, keep):
        """A new key in front of the `keep` newest old ones."""
        self.keys = [secrets.token_hex(80)] + self.keys[:keep]
        self._write()

    def visit(self, member, context, session):
        """One connection: (whether it was resumed, the session to go on with)."""
        with socket.create_connection(('127.0.0.1', self.members[member].port), harness.LIMIT) as plain:
            with context.wrap_socket(plain, server_hostname=tls.TARGET, session=session) as theirs:
                theirs.recv(100)
                out = theirs.session_reused, theirs.session
        self.members[member].wait_line('^over %d$' % self.visits[member])
        said = self.members[member].fact('resumed', self.visits[member])
        self.visits[member] += 1
        check(said == str(int(out[0])), 'server %d knows whether it has resumed' % member, said)
        return out

    def stop(self):
        for member in self.members:
            member.stop()


def rotations(version):
    farm = Farm(version, version)
    name = 'TLS %s: ' % version
    context = ssl.create_default_context(cafile=pki('root.pem'))
    context.minimum_version = context.maximum_version = VERSIONS[version]
    resumed, session = farm.visit(0, context, None)
    equal(resumed, False, name + 'a new session')
    for member in (1, 2, 0):
        resumed, session = farm.visit(member, context, session)
        equal(resumed, True, name + 'server %d resumes it' % member)
    old = session
    for turn in range(2):
        farm.rotate(1)
        time.sleep(1.1)  # the file is looked at once a second (sspi.conf(5))
        for member in range(SERVERS):
            resumed, session = farm.visit(member, context, session)
            equal(resumed, True, name + 'rotation %d, server %d resumes by the former key or the new one' % (turn, member))
    resumed, _ = farm.visit(1, context, old)
    equal(resumed, False, name + 'a ticket of a key that is gone is a full handshake')
    farm.rotate(0)
    time.sleep(1.1)
    for member in range(SERVERS):
        resumed, _ = farm.visit(member, context, session)
        equal(resumed, False, name + 'all keys new, server %d: a full handshake' % member)
    farm.stop()


def ours_before_the_farm(version):
    """Our client, which keeps a session for each name: the port is not part of it."""
    farm = Farm(version, 'ours-' + version)
    ours = tls.Ours(PEER, farm.members[0].port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET, '--times', '3'],
                    ['facts', 'wait=hello', 'shutdown', 'end']).finish()
    equal([ours.fact('resumed', i) for i in range(3)], ['0', '1', '1'], 'TLS %s, our client' % version)
    farm.stop()


def main():
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    for version in VERSIONS:
        rotations(version)
        ours_before_the_farm(version)


harness.run(main)
