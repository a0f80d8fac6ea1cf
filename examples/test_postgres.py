#!/usr/bin/env python3
"""test_postgres.py FOLDER : the example client at a PostgreSQL server in a realm of its own: TLS, the logon by GSSAPI, and encryption by
GSSAPI; the server's own views say what it was."""
import os
import struct
import sys

import harness
import kerberos_peers
import postgres_between
import postgres_site
from harness import equal, matches

FOLDER = os.path.abspath(sys.argv[1])
HOST = postgres_site.HOST
# Who the server thinks is there, and how it came to that.
WHO = '''select session_user, gss_authenticated, encrypted, principal, ssl, version
    from pg_stat_gssapi join pg_stat_ssl using (pid) where pid = pg_backend_pid()'''
HEAD = 'session_user|gss_authenticated|encrypted|principal|ssl|version\n'
IN_THE_CLEAR = HEAD + 'alice|t|f|alice@SSPI.TEST|f|\n'
BY_TLS = HEAD + 'alice|t|f|alice@SSPI.TEST|t|TLSv1.2\n'
# The mechanisms' identifiers in DER (RFC 4121 4.1, RFC 4178 4).
KRB5, SPNEGO = bytes.fromhex('06092a864886f712010202'), bytes.fromhex('06062b0601050502')
SEALED = HEAD + 'alice|t|t|alice@SSPI.TEST|f|\n'


class Client:
    def __init__(self, command, env, site):
        self.command, self.env, self.site = command, env, site

    def ask(self, dbname, *options, query=WHO, **more):
        env = dict(self.env, **more)
        options = ['host=' + HOST, 'hostaddr=127.0.0.1', 'port=%d' % self.site.port, 'user=alice', 'dbname=' + dbname, *options]
        return harness.call([*self.command, query, *options], env=env, limit=60)

    def let_in(self, what, wanted, *arguments, **more):
        result = self.ask(*arguments, **more)
        harness.check((result.status, result.out, result.err) == (0, wanted, ''), what,
                      lambda: '%s\nwanted:\n%s\n%s' % (result, wanted, self.site.log()[-3000:]))

    def kept_out(self, what, pattern, *arguments, **more):
        result = self.ask(*arguments, **more)
        harness.check(result.status == 1 and 'alice' not in result.out, what, str(result))
        matches(pattern, result.out + result.err, '%s: %s' % (what, pattern))


def in_the_clear(client, realm):
    client.let_in('gss: Kerberos', 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear')
    client.let_in('gss: Negotiate', 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear', 'package=Negotiate')
    client.let_in("with no more than libpq's flags", 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear', 'flags=libpq')
    client.let_in("and by Negotiate", 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear', 'flags=libpq', 'package=Negotiate')
    client.let_in('a password instead of tickets', 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear', KRB5CCNAME='FILE:' + realm.path('none'),
                  SSPI_EXAMPLE_USER='alice', SSPI_EXAMPLE_DOMAIN='SSPI.TEST', SSPI_EXAMPLE_PASSWORD='alice secret')


def by_tls(client):
    trust = ['sslmode=verify-full', 'sslrootcert=' + client.site.certificate('root.pem')]
    client.let_in('TLS and gss: Kerberos', 'TLS 1.2 with postgres\nsigned in by Kerberos\n' + BY_TLS, 'tls', *trust)
    client.let_in('TLS and gss: Negotiate', 'TLS 1.2 with postgres\nsigned in by Kerberos\n' + BY_TLS, 'tls', *trust, 'package=Negotiate')
    # Nothing leads from the chain that the server sends to that authority: CERT_E_CHAINING.
    client.kept_out('another authority', '0x800B010A', 'tls', 'sslmode=verify-full', 'sslrootcert=' + client.site.certificate('stranger.pem'))
    client.kept_out('another name', '0x800B010F', 'tls', *trust, 'host=other.sspi.test')
    client.kept_out('what is for TLS alone, in the clear', 'FATAL 28000: no pg_hba.conf entry', 'tls')


def sealed(client):
    client.let_in('encryption by GSSAPI', 'sealed by Kerberos\nsigned in by Kerberos\n' + SEALED, 'sealed', 'gssencmode=require')
    client.kept_out('what is for GSSAPI alone, in the clear', 'FATAL 28000: no pg_hba.conf entry', 'sealed')
    # More than a packet in both directions: 16 KiB with the length.
    long = 'x' * 60000
    client.let_in('many packets of a query, and of its answer',
                  'sealed by Kerberos\nsigned in by Kerberos\nlength|repeat\n60000|%s\n' % ('y' * 50000), 'sealed', 'gssencmode=require',
                  query="select length('%s'), repeat('y', 50000)" % long)
    rows = ''.join('%d|%s\n' % (number, '%064d' % number) for number in range(1, 5001))
    client.let_in('a long answer', 'sealed by Kerberos\nsigned in by Kerberos\nn|lpad\n' + rows, 'sealed', 'gssencmode=require',
                  query="select n, lpad(n::text, 64, '0') from generate_series(1, 5000) n")


def request(kind):
    """An authentication request without a token."""
    return b'R' + struct.pack('>II', 8, kind)


def between(client, what, alter, *arguments, asked=None, pattern=None, wanted=None):
    """A client that meets somebody between itself and the server; what it said."""
    middle = postgres_between.Between(client.site.port, alter, asked)
    if wanted:
        client.let_in(what, wanted, *arguments, 'port=%d' % middle.port)
    else:
        client.kept_out(what, pattern, *arguments, 'port=%d' % middle.port)
    middle.close()
    return middle.sent


def somebody_between(client):
    def replaced(old, new):
        return lambda _, unit: unit.replace(old, new) if unit.startswith(old) else unit

    def spoiled(number, unit):
        return unit[:-1] + bytes([unit[-1] ^ 1]) if number == 3 else unit  # behind G, the token, and one packet

    trust = ['tls', 'sslmode=verify-full', 'sslrootcert=' + client.site.certificate('root.pem')]
    sealed_options = ['sealed', 'gssencmode=require']
    same = 'signed in by Kerberos\n' + IN_THE_CLEAR
    sent = between(client, 'AuthenticationGSS', lambda _, unit: unit, 'clear', wanted=same)
    equal((KRB5 in sent, SPNEGO in sent), (True, False), 'is answered by Kerberos alone')
    sent = between(client, 'AuthenticationSSPI', replaced(request(7), request(9)), 'clear', wanted=same)
    equal((KRB5 in sent, SPNEGO in sent), (True, True), 'by Kerberos within Negotiate')
    between(client, 'a server that does not prove who it is', lambda _, unit: request(0) if unit[5:9] == b'\0\0\0\x08' else unit, 'clear',
            pattern='did not prove who it is')
    between(client, 'a proof that is not one', lambda _, unit: unit[:-1] + b'?' if unit[5:9] == b'\0\0\0\x08' else unit, 'clear',
            pattern='InitializeSecurityContext: 0x8009')
    for what, options, code in ('TLS', trust, 80877103), ('encryption by GSSAPI', sealed_options, 80877104):
        sent = between(client, 'somebody who denies ' + what, lambda number, unit: b'N' if number == 0 else unit, *options, asked='tls',
                       pattern='does not offer this encryption')
        equal(sent, struct.pack('>II', 8, code), 'learns nothing')
    between(client, 'somebody who puts something before TLS', lambda number, unit: unit + request(0) if number == 0 else unit, *trust,
            asked='tls', pattern='InitializeSecurityContext: 0x8009')
    between(client, 'a sealed packet that was altered', spoiled, *sealed_options, asked='gss',
            pattern='DecryptMessage: 0x8009030F SEC_E_MESSAGE_ALTERED')


def refused(client, realm):
    nobody = {'KRB5CCNAME': 'FILE:' + realm.path('none')}
    client.kept_out('no tickets', 'SEC_E_NO_CREDENTIALS', 'clear', **nobody)
    client.kept_out('no tickets, sealed', 'SEC_E_NO_CREDENTIALS', 'sealed', 'gssencmode=require', **nobody)
    realm.kinit('bob', 'FILE:' + realm.path('bob-cache'))
    bob = {'KRB5CCNAME': 'FILE:' + realm.path('bob-cache')}
    client.kept_out("somebody else's tickets", 'FATAL 28000: GSSAPI authentication failed for user "alice"', 'clear', **bob)
    client.kept_out("somebody else's tickets, sealed", 'FATAL 28000: GSSAPI authentication failed for user "alice"', 'sealed',
                    'gssencmode=require', **bob)
    client.kept_out('a service that the KDC does not know', 'SEC_E_TARGET_UNKNOWN', 'clear', 'krbsrvname=mysql')
    client.kept_out('a ticket for another service', 'SEC_E_WRONG_PRINCIPAL', 'clear', 'krbsrvname=HTTP')
    client.kept_out('a ticket for another service, sealed', 'hung up', 'sealed', 'gssencmode=require', 'krbsrvname=HTTP')
    client.kept_out('a server that asks for nothing', 'did not prove who it is', 'open')
    client.kept_out('a server that asks for a password', 'asks for something else: 10', 'secret')
    client.let_in('after all that alice', 'signed in by Kerberos\n' + IN_THE_CLEAR, 'clear')


def main():
    lacking = postgres_site.missing()
    if lacking:
        raise harness.SkipAll(lacking)
    made = os.environ.get('SSPI_TEST_PKI')
    if not made:
        raise harness.SkipAll('openssl is not installed: no certificates')
    realm = kerberos_peers.start_realm()
    site = postgres_site.start(realm, made)
    realm.kadmin('addprinc -randkey postgres/other.sspi.test')
    client = Client([os.path.join(FOLDER, 'example-postgres_client')], kerberos_peers.environment(realm), site)
    in_the_clear(client, realm)
    by_tls(client)
    sealed(client)
    somebody_between(client)
    refused(client, realm)
    equal(site.process.running(), True, 'the server is still there')
    site.process.stop()


harness.run(main)
