#!/usr/bin/env python3
"""credssp.py SSPI SERVER SHIM PKI LIBSSPI : the package CREDSSP against FreeRDP, which speaks it by itself: `sspi connect --credssp` at its
shadow servers, and its clients at SERVER, a server loop on our functions.  And both of ours against each other, with
Kerberos and with NTLM inside SPNEGO, in a realm."""
import json
import os
import re
import sys

import freerdp_peers
import harness
import kerberos_peers
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])
SERVER, SHIM, PKI, LIBSSPI = sys.argv[2:6]
USER, DOMAIN, PASSWORD = 'User', 'Domain', 'Password'  # MS-NLMP 4.2.1
NT_HASH = 'a4f49c406510bdcab6824ee7c30fd852'           # MS-NLMP 4.2.2.1.2
ACCOUNT = '%s\\%s' % (DOMAIN, USER)
HOST = 'server.sspi.test'
REFUSED = 'SEC_E_|errorCode'  # FreeRDP 2's server hangs up; 3's tells WinPR's last error


def connect(port, *options, env, user=ACCOUNT, password=PASSWORD, host='127.0.0.1'):
    env = {**env, **({'SSPI_PASSWORD': password} if password is not None else {})}
    who = ['--user', user] if user else []
    return harness.call([SSPI, 'connect', '--credssp', '--json', *who, *options, '%s:%d' % (host, port)], env=env)


def let_in(result, what, **facts):
    equal(result.status, 0, what + ': let in')
    said = json.loads(result.out) if result.status == 0 else {}
    for name, value in facts.items():
        equal(said.get(name), value, '%s: %s' % (what, name))


def kept_out(result, what, pattern=''):
    equal(result.status, 3, what + ': kept out')
    matches(pattern, result.err, what + ': and why')


class Ours:
    """SERVER under its own environment; what it said of the connection just made."""

    def __init__(self, env, result=None):
        command = [SERVER, PKI + '/server-rsa.chain.pem', PKI + '/server-rsa.key', PASSWORD] + ([str(result)] if result is not None else [])
        self.process = harness.Process(command, env=env)
        self.port = int(self.process.wait_line(r'port (\d+)').group(1))
        self.trace = ''
        self.lines = 0

    def said(self):
        """The line of the next connection."""
        def look():
            lines = re.findall(r'^(?:in|failed): .*$', self.process.output(), re.M)
            return lines[self.lines:self.lines + 1]
        line = harness.until(look, 'the server says what became of the connection')[0]
        self.lines += 1
        return line


def at_freerdp(release):
    """Its shadow server, with its own SSPI."""
    env = harness.environment()
    server = release.serve(env, sam=harness.write('sam', '%s:%s::%s:::\n' % (USER, DOMAIN, NT_HASH)))
    name = "connect --credssp at FreeRDP %d's server" % release.number
    for version in '1.2', '1.3':
        for delegate in [], ['--delegate']:
            let_in(connect(server.port, '--tls-version', version, *delegate, env=env),
                   '%s, TLS %s%s' % (name, version, ', delegating' if delegate else ''), version='TLS ' + version, user=ACCOUNT,
                   mechanism='NTLM', delegated=bool(delegate), server_proved_by='nothing but its key')
        kept_out(connect(server.port, '--tls-version', version, env=env, password='password'),
                 '%s, TLS %s, a wrong password' % (name, version), REFUSED)
    kept_out(connect(server.port, env=env, user=DOMAIN + '\\Nobody'), name + ', nobody', REFUSED)
    trusted = connect(server.port, '--roots', server.certificate, '--name', 'vm', env=env)
    equal(trusted.status, 0, name + ', its certificate as a root')
    server.process.stop()


def freerdp_at_ours(release):
    """Its client, with its own SSPI.  There is no session behind the logon, so it says that the connection ended, and may try again."""
    env = harness.environment()
    name = "FreeRDP %d's client at our server" % release.number
    for what, user, password, expected in (
            ('', USER, PASSWORD, r'^in: %s by NTLM, delegated the password$' % re.escape(ACCOUNT)),
            (', a wrong password', USER, 'password', '^failed: SEC_E_LOGON_DENIED'),
            (', nobody', 'Nobody', PASSWORD, '^failed: SEC_E_LOGON_DENIED')):
        server = Ours(harness.environment(['%s:%s:%s' % (DOMAIN, USER, PASSWORD)]))
        release.connect(freerdp_peers.Server(server.process, server.port), env, user, DOMAIN, password)
        matches(expected, server.said(), name + what)
        server.process.stop()


def with_our_functions(release, realm):
    """FreeRDP's CredSSP over our Negotiate, and the package: whose seals open the other's also with Kerberos."""
    env = harness.environment(['%s:%s:%s' % (DOMAIN, USER, PASSWORD)])
    server = release.serve(env, module=LIBSSPI)
    name = "connect --credssp at FreeRDP %d's server with our functions" % release.number
    let_in(connect(server.port, '--delegate', env=env), name, mechanism='NTLM', delegated=True)
    # which FreeRDP does when it has read the credentials
    harness.until(lambda: 'ImpersonateSecurityContext -> SEC_E_OK' in freerdp_peers.read(server.trace), 'FreeRDP has the credentials')
    kept_out(connect(server.port, env=env, password='password'), name + ', a wrong password', REFUSED)
    server.process.stop()

    name = "FreeRDP %d's client with our functions at our server, by Kerberos" % release.number
    env = kerberos_peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'))
    for what, password, expected in (('', 'alice secret', r'^in: .*alice.* by Kerberos, delegated another password$'),
                                     (', a wrong password', 'another', '^failed: SEC_E_LOGON_DENIED')):
        server = Ours(env)
        release.connect(freerdp_peers.Server(server.process, server.port), env, 'alice', 'SSPI.TEST', password, LIBSSPI, host=HOST)
        matches(expected, server.said(), name + what)
        server.process.stop()


def the_last_word():
    """PROTOCOL_HYBRID_EX: the server says whether the account may come in."""
    env = harness.environment(['%s:%s:%s' % (DOMAIN, USER, PASSWORD)])
    server = Ours(env, 0)
    let_in(connect(server.port, '--delegate', env=env), 'the server says that the account may come in')
    equal(server.said(), 'in: %s by NTLM, delegated the password' % ACCOUNT, 'our server')
    kept_out(connect(server.port, env=env, password='password'), 'our server, a wrong password', 'SEC_E_LOGON_DENIED.*errorCode')
    server.process.stop()
    server = Ours(env, 5)
    kept_out(connect(server.port, env=env), 'the server says that it may not', 'early user authorization result 5')
    server.process.stop()
    strict = {**env, 'SSPI_CONFIG': harness.write('strict.conf', open(env['SSPI_CONFIG'], encoding='utf-8').read() +
                                                  '[credssp]\nallow-fresh-ntlm-only =\n')}
    server = Ours(env)
    kept_out(connect(server.port, '--delegate', env=strict), 'a policy against delegation with NTLM', 'SEC_E_POLICY_NLTM_ONLY')
    server.said()
    let_in(connect(server.port, '--delegate', '--roots', PKI + '/root.pem', '--name', 'www.example.com', env=strict),
           'the same, with a certificate that is trusted', server_proved_by='certificate', delegated=True)
    equal(server.said(), 'in: %s by NTLM, delegated the password' % ACCOUNT, 'our server')
    server.process.stop()


def in_a_realm(realm):
    """Kerberos, and NTLM inside SPNEGO with its mechListMIC, as both sides would have either."""
    env = kerberos_peers.environment(realm)
    accounts = harness.write('ntlm.txt', '%s:%s:%s\n' % (DOMAIN, USER, PASSWORD))
    config = open(env['SSPI_CONFIG'], encoding='utf-8').read()
    env['SSPI_CONFIG'] = harness.write('both.conf', re.sub(r'path = .*', 'path = ' + accounts, config))
    server = Ours(env)
    let_in(connect(server.port, '--name', HOST, env=env, user=None, password=None), 'Kerberos, with the tickets there are',
           user='SSPI.TEST\\alice', mechanism='Kerberos', server_proved_by='mechanism')
    matches('in: .*alice.* by Kerberos, delegated nothing', server.said(), 'our server')
    let_in(connect(server.port, '--name', HOST, '--delegate', env=env, user='alice@SSPI.TEST', password='alice secret'),
           'Kerberos, with a password that is delegated', mechanism='Kerberos', delegated=True)
    matches('in: .*alice.* by Kerberos, delegated another password', server.said(), 'our server')
    let_in(connect(server.port, env=env), 'NTLM inside SPNEGO', user=ACCOUNT, mechanism='NTLM')
    equal(server.said(), 'in: %s by NTLM, delegated nothing' % ACCOUNT, 'our server')
    kept_out(connect(server.port, env=env, password='password'), 'NTLM inside SPNEGO, a wrong password', 'SEC_E_LOGON_DENIED')
    matches('failed: SEC_E_LOGON_DENIED', server.said(), 'our server')
    server.process.stop()


def main():
    the_last_word()
    realm = kerberos_peers.start_realm()
    realm.kadmin('addprinc -randkey TERMSRV/' + HOST, 'ktadd -norandkey -k %s TERMSRV/%s' % (realm.path('keytab'), HOST))
    in_a_realm(realm)
    freerdp_peers.start_display()
    for number in 2, 3:
        try:
            release = freerdp_peers.Release(number, SHIM)
        except harness.SkipAll as why:
            harness.skip('FreeRDP %d' % number, str(why))
            continue
        at_freerdp(release)
        freerdp_at_ours(release)
        with_our_functions(release, realm)


harness.run(main)
