#!/usr/bin/env python3
"""openssh.py LIBRARY: paramiko, by its class for SSPI, signs in to OpenSSH's server with gssapi-with-mic and gssapi-keyex: Kerberos'
signatures are the MICs of RFC 4121 that MIT's GSSAPI verifies."""
import json
import os
import struct
import sys

import harness
import kerberos_peers as peers
import ssh_site
from harness import check, equal, matches

SUPPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support')
SYSTEM = '/usr/bin/python3'  # whose packages are the distribution's
HOST = 'server.sspi.test'
TARGET_UNKNOWN = 0x80090303 - (1 << 32)
COMMAND = 'echo "it is $((6 * 7))"'


class Client:
    def __init__(self, site, env):
        self.site = site
        self.seen = 0
        self.env = dict(env, SSPI_LIBRARY=sys.argv[1])

    def sign_in(self, environment=None, **order):
        order = {'port': self.site.port, 'user': self.site.user, 'method': 'gssapi-with-mic', 'target': HOST, 'command': COMMAND,
                 'tamper': None, 'patience': 30, **order}
        ran = harness.call([SYSTEM, os.path.join(SUPPORT, 'pywin32', 'ssh_client.py'), json.dumps(order)], env=dict(self.env, **(environment or {})),
                           limit=60)
        if ran.status != 0:
            raise RuntimeError('ssh_client.py: %s' % ran)
        return json.loads(ran.out)

    def new_log(self):
        log = self.site.process.output()
        new, self.seen = log[self.seen:], len(log)
        return new

    def let_in(self, what, **how):
        got = self.sign_in(**how)
        log = self.new_log()
        equal((got['class'], got['error']), ('_SSH_SSPI', None), what + ': paramiko signs in by SSPI')
        equal((got.get('out'), got.get('status')), ('it is 42\n', 0), what + ': the command runs')
        matches('Accepted %s for %s from 127.0.0.1 port [0-9]+ ssh2: alice@SSPI.TEST' % (how.get('method', 'gssapi-with-mic'), self.site.user),
                log, what + ': the server knows who it is')
        return got

    def kept_out(self, what, error, said, **how):
        got = self.sign_in(**how)
        log = self.new_log()
        equal((got['class'], got.get('out')), ('_SSH_SSPI', None), what + ': stays outside')
        check(got['error'] and error in (got['error'][0], got['error'][2]), '%s: %s' % (what, error), '%s' % got['error'])
        check('Accepted' not in log, what + ': the server did not let it in', log[-3000:])
        if said:
            matches(said, log, '%s: the server says %r' % (what, said))
        return got


def mic_token(what, signature, checksum):
    """RFC 4121 4.2.6.1: 16 bytes of head, and the checksum of the session key's type."""
    token = bytes.fromhex(signature)
    if not equal(len(token), 16 + checksum, what + ': a MIC is a head and a checksum'):
        return
    identifier, flags, filler, _ = struct.unpack('>HB5sQ', token[:16])
    equal((identifier, flags, filler), (0x0404, 4, b'\xff' * 5), what + ": RFC 4121's head, of an initiator with the acceptor's key")


def text(data):
    return struct.pack('>I', len(data)) + data


def said_by(user, method):
    """What stands behind the session's identifier in what gssapi-with-mic signs (RFC 4462 3.5): byte 50, and three strings."""
    return b'\x32' + text(user.encode()) + text(b'ssh-connection') + text(method)


def delegated(client, realm):
    """paramiko asks for delegation as it is used; it happens when the KDC says that the server may have it."""
    realm.kadmin('modprinc +ok_as_delegate host/' + HOST)
    cache = {'KRB5CCNAME': 'FILE:' + realm.path('fresh-cache')}
    realm.kinit('alice', cache['KRB5CCNAME'])
    got = client.sign_in(environment=cache, command='klist')
    matches('Default principal: alice@SSPI.TEST.*krbtgt/SSPI.TEST@SSPI.TEST', got.get('out') or '%s' % got['error'],
            'with delegation the session has tickets of alice')
    matches('Accepted gssapi-with-mic', client.new_log(), 'and was signed in for by its MIC')


def main():
    harness.need_file(SYSTEM, 'python3')
    for module in 'paramiko', 'pyasn1':
        if harness.call([SYSTEM, '-c', 'import ' + module]).status != 0:
            raise harness.SkipAll('Python has no %s (package python3-%s)' % (module, module))
    realm = peers.start_realm()
    keytab = peers.keytab(realm, 'ssh.keytab', 'ktadd -norandkey -k {} host/' + HOST, 'addprinc -randkey host/other.sspi.test')
    site = ssh_site.Site(realm, keytab, ['alice@SSPI.TEST'])
    client = Client(site, peers.environment(realm))

    got = client.let_in('gssapi-with-mic')
    equal(got.get('host_key'), site.host_key, 'at the server that was started')
    equal((got['keyex'], len(got['signed'])), (False, 1), 'with one signature')
    data, signature = got['signed'][0]
    check(bytes.fromhex(data).endswith(said_by(site.user, b'gssapi-with-mic')), "which is over RFC 4462's fields", data)
    mic_token('gssapi-with-mic', signature, 24)  # HMAC-SHA384-192: both permit aes256-cts-hmac-sha384-192
    site.permit('aes256-sha1')  # the acceptor's key is of a type that both permit
    for _, signature in client.let_in('aes256-cts-hmac-sha1-96')['signed']:
        mic_token('aes256-cts-hmac-sha1-96', signature, 12)
    site.permit()

    if site.keyex:
        got = client.let_in('gssapi-keyex', method='gssapi-keyex')
        equal((got['keyex'], got['verified'], len(got['signed'])), (True, 1, 1),
              "the key exchange was GSSAPI's: the server's MIC over its hash is verified, and ours answers it")
        for _, signature in got['signed']:
            mic_token('gssapi-keyex', signature, 24)
    else:
        harness.skip('gssapi-keyex', 'this OpenSSH has no GSSAPIKeyExchange')

    for tamper in 'signature', 'data':
        got = client.kept_out('a tampered ' + tamper, 'AuthenticationException', 'GSSAPI MIC check failed', tamper=tamper)
        equal(len(got['signed']), 1, 'a tampered %s: it came to the MIC' % tamper)
    # The server's error token is not what paramiko waits for, so that it loses patience.
    client.kept_out('a ticket for another host', 'AuthenticationException', 'host/other.sspi.test@SSPI.TEST not found in keytab', target='other.sspi.test', patience=2)
    client.kept_out('a host that the KDC does not know', TARGET_UNKNOWN, None, target='nowhere.sspi.test')
    realm.kinit('bob', 'FILE:' + realm.path('bob-cache'))
    client.kept_out('another user', 'AuthenticationException', None, environment={'KRB5CCNAME': 'FILE:' + realm.path('bob-cache')})
    client.kept_out('nobody', 'error', None, environment={'KRB5CCNAME': 'FILE:' + realm.path('none')})
    delegated(client, realm)
    client.let_in('after all that')
    equal(site.process.running(), True, 'the server is still there')
    site.stop()


harness.run(main)
