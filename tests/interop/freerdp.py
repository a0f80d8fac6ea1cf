#!/usr/bin/env python3
"""freerdp.py LIBSSPI SHIM : the library inside FreeRDP, which speaks CredSSP itself and takes Negotiate from a module: as its client's, as
its shadow server's, and as both, with right and wrong passwords.

FreeRDP 3's client takes /sspi-module, its server and FreeRDP 2.11's the key SspiModule of WinPR's registry file.  FreeRDP 2.11's
client takes none, and gets the library from SHIM; its WinPR has no Kerberos in Debian."""
import sys

import freerdp_peers
import harness
import kerberos_peers
from harness import check, matches

LIBSSPI, SHIM = sys.argv[1:3]
OWN = None  # WinPR's own functions
USER, DOMAIN, PASSWORD = 'User', 'Domain', 'Password'  # MS-NLMP 4.2.1
NT_HASH = 'a4f49c406510bdcab6824ee7c30fd852'           # MS-NLMP 4.2.2.1.2
HOST = 'server.sspi.test'

def who(module):
    return 'ours' if module else "FreeRDP's"


def let_in(run, what, client=None, server=None):
    """`client`, `server`: what the library says of itself on a side where it is."""
    check(run.session, what + ': a session', lambda: str(run))
    if client:
        matches(client, run.trace, what + ': our client says so')
    if server:
        matches(server + '.*ImpersonateSecurityContext -> SEC_E_OK', run.server_trace, what + ': our server says so')


def kept_out(run, what, server=None):
    check(not run.session and run.status, what + ': no session', lambda: str(run))
    if server:
        matches(server, run.server_trace, what + ': our server says why')
        check('Impersonate' not in run.server_trace, what + ': our server stands for nobody', lambda: str(run))


def ntlm(release):
    env = harness.environment(['%s:%s:%s' % (DOMAIN, USER, PASSWORD)])
    sam = harness.write('sam', '%s:%s::%s:::\n' % (USER, DOMAIN, NT_HASH))
    established = 'established with NTLM'
    for behind in OWN, LIBSSPI:
        server = release.serve(env, sam=None if behind else sam, module=behind)
        denied = behind and 'LOGON_DENIED'
        for module in OWN, LIBSSPI:
            name = 'FreeRDP %d, NTLM, client %s, server %s' % (release.number, who(module), who(behind))
            let_in(release.connect(server, env, USER, DOMAIN, PASSWORD, module), name, module and established,
                   behind and established)
            kept_out(release.connect(server, env, USER, DOMAIN, 'password', module), name + ', a wrong password', denied)
        kept_out(release.connect(server, env, 'Nobody', DOMAIN, PASSWORD, LIBSSPI), name + ', an unknown user', denied)
        if release.number == 2:  # FreeRDP 3 wants a mode for it that needs an administrator of Windows
            let_in(release.connect(server, env, USER, DOMAIN, None, LIBSSPI, options=['/pth:' + NT_HASH]),
                   name + ', a hash in place of the password', established, behind and established)
        server.process.stop()


def across(two, three):
    """FreeRDP 3's client at FreeRDP 2.11's server."""
    env = harness.environment(['%s:%s:%s' % (DOMAIN, USER, PASSWORD)])
    server = two.serve(env, module=LIBSSPI)
    for module in OWN, LIBSSPI:
        name = 'NTLM, client of FreeRDP 3 %s, server of FreeRDP 2 ours' % who(module)
        let_in(three.connect(server, env, USER, DOMAIN, PASSWORD, module), name, module and 'established with NTLM',
               'established with NTLM')
        kept_out(three.connect(server, env, USER, DOMAIN, 'password', module), name + ', a wrong password', 'LOGON_DENIED')
    server.process.stop()


def kerberos(release, realm):
    """There is no account for NTLM: who is let in has a ticket."""
    established = 'established with Kerberos'
    env = kerberos_peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'))
    modules = [LIBSSPI] if release.number == 2 else [OWN, LIBSSPI]

    def connect(server, password, module):
        return release.connect(server, env, 'alice', 'SSPI.TEST', password, module, host=HOST)

    for behind in modules:
        server = release.serve(env, module=behind)
        for module in modules:
            name = 'FreeRDP %d, Kerberos, client %s, server %s' % (release.number, who(module), who(behind))
            run = connect(server, 'alice secret', module)
            if not (module or behind or run.session):
                harness.skip(name, 'FreeRDP has no session by Kerberos with itself here')
                continue
            let_in(run, name, module and established, behind and established)
            kept_out(connect(server, 'another', module), name + ', a wrong password', behind and 'LOGON_DENIED')
        server.process.stop()

    other = kerberos_peers.forged_keytab(realm, 'other.keytab', 'TERMSRV/' + HOST, 1)
    server = release.serve({**env, 'KRB5_KTNAME': 'FILE:' + other}, module=LIBSSPI)
    kept_out(connect(server, 'alice secret', LIBSSPI), 'FreeRDP %d, Kerberos, a server with another key' % release.number,
             'LOGON_DENIED')
    server.process.stop()


def main():
    freerdp_peers.start_display()
    releases = {}
    for number in 2, 3:
        try:
            releases[number] = freerdp_peers.Release(number, SHIM)
        except harness.SkipAll as why:
            harness.skip('FreeRDP %d' % number, str(why))
    for release in releases.values():
        ntlm(release)
    if len(releases) == 2:
        across(releases[2], releases[3])
    if releases:
        realm = kerberos_peers.start_realm()
        realm.kadmin('addprinc -randkey TERMSRV/' + HOST, 'ktadd -norandkey -k %s TERMSRV/%s' % (realm.path('keytab'), HOST))
    for release in releases.values():
        kerberos(release, realm)


harness.run(main)
