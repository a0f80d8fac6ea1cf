#!/usr/bin/env python3
"""samba_winbind.py LOGON SSPI: servers of this library whose accounts are a Samba domain's, asked through winbindd.

LOGON is winbind_logon: client and server in one process.  SSPI is the tool, for a server that stays."""
import os
import re
import sys

import harness
import samba_dc
from harness import check, equal, matches

PASSWORD = 'Passw0rd.Alice'
ACCENTED = 'Zoë.Grüße-€1'
NEVER = 0x7FFFFFFFFFFFFFFF
POLICY = '''[names]
netbios-computer = SERVER
netbios-domain = DOM
dns-computer = server.dom.sspi.test
dns-domain = dom.sspi.test
domain-member = yes
[accounts]
backend = winbind
'''

domain = None


def environment(**more):
    env = harness.environment([], **more)
    harness.write('sspi.conf', POLICY, 0o644)
    return env


def log_on(user, password=PASSWORD, of='DOM', package='Negotiate'):
    """The facts that winbind_logon prints, as text."""
    result = harness.call([sys.argv[1], package, user, of], env=environment(SSPI_PASSWORD=password))
    if result.status != 0:
        raise RuntimeError('winbind_logon: %s' % result)
    facts = dict(line.split('=', 1) for line in result.out.splitlines())
    facts['all'] = result.out
    return facts


def expires(user):
    """When the domain says that the password does, as FILETIME."""
    out = domain.tool('user', 'show', user, '--attributes=msDS-UserPasswordExpiryTimeComputed').out
    return int(re.search(r'ExpiryTimeComputed: (\d+)', out).group(1))


# ---------------------------------------------------------------- logons

def accepted():
    for package in ('NTLM', 'Negotiate'):
        facts = log_on('alice', package=package)
        equal((facts.get('status'), facts.get('name')), ('SEC_E_OK', 'DOM\\alice'), package + ': let in')
        equal(facts.get('keys'), 'same', package + ": the session's key is the client's")
        equal((facts.get('there'), facts.get('back')), ('from the client', 'from the server'), package + ': sealed messages')
    for user, of in (('ALICE', 'dom'), ('alice', 'dom.sspi.test'), ('alice@dom.sspi.test', ''), ('alice', '')):
        facts = log_on(user, of=of)
        equal((facts.get('status'), facts.get('name')), ('SEC_E_OK', 'DOM\\alice'),
              "%s of %s: the domain's own spelling" % (user, of or 'nowhere'))
    facts = log_on('Zoë', ACCENTED)
    equal((facts.get('status'), facts.get('name')), ('SEC_E_OK', 'DOM\\Zoë'), 'a name and a password beyond ASCII')


def expiry():
    """The domain's time, which winbindd rounds to seconds."""
    here, there = int(log_on('alice').get('expiry', 0)), expires('alice')
    check(abs(here - there) <= 10**7 // 2, 'when the password expires', '%d here, %d in the domain' % (here, there))
    domain.tool('user', 'setexpiry', 'alice', '--noexpiry')
    equal(expires('alice'), NEVER, 'a password that never expires, in the domain')
    equal(int(log_on('alice').get('expiry', 0)), NEVER, 'and here')


def refused():
    for package in ('NTLM', 'Negotiate'):
        for name, user, password in (('a wrong password', 'alice', 'Passw0rd.alice'), ('no password', 'alice', ''),
                                     ('an unknown user', 'nobody', PASSWORD), ('a disabled account', 'bob', PASSWORD),
                                     ('a password that has to be changed first', 'carol', PASSWORD)):
            facts = log_on(user, password, package=package)
            equal(facts.get('status'), 'SEC_E_LOGON_DENIED', '%s: %s' % (package, name))
            equal(facts.get('reason'), 'the domain did not accept this logon', '%s: %s, in the same words' % (package, name))
    equal(log_on('alice', of='ELSEWHERE').get('status'), 'SEC_E_LOGON_DENIED', 'a domain that nobody knows')


def locked_out():
    domain.tool('domain', 'passwordsettings', 'set', '--account-lockout-threshold=3')
    for _ in range(3):
        log_on('dave', 'wrong')
    equal(log_on('dave').get('status'), 'SEC_E_LOGON_DENIED', "the domain's lock-out")
    domain.tool('user', 'unlock', 'dave')
    equal(log_on('dave').get('status'), 'SEC_E_OK', 'and its end')


# ---------------------------------------------------------------- a server that stays

def serve(user=None):
    server = harness.Process([sys.argv[2], 'serve', '--listen', '127.0.0.1:0'], env=environment(), user=user)
    return server, server.wait_line(r'^listening on (http://\S+/)$').group(1)


def get(url):
    return harness.call([sys.argv[2], 'get', '--user', 'DOM\\alice', url], env=environment(SSPI_PASSWORD=PASSWORD)).status


def winbindd_comes_and_goes():
    server, url = serve()
    equal(get(url), 0, 'a server lets in')
    domain.stop()
    equal(get(url), 3, 'without winbindd nobody')
    matches('SEC_E_NO_AUTHENTICATING_AUTHORITY: winbindd is not running', server.output(), 'and says why')
    facts = log_on('alice')
    equal(facts.get('status'), 'SEC_E_NO_AUTHENTICATING_AUTHORITY', 'nor does a server that starts then')
    domain.run()
    equal(get(url), 0, 'with the next winbindd it lets in again')


def without_the_privilege():
    if not samba_dc.was_root():
        harness.skip('a server outside of the group winbindd_priv', 'only root can be somebody else')
        return
    os.chmod(harness.scratch(), 0o711)
    server, url = serve('nobody')
    equal(get(url), 3, 'a server outside of the group winbindd_priv lets nobody in')
    matches('SEC_E_NO_AUTHENTICATING_AUTHORITY: .*winbindd_priv', server.output(), 'and says why')


def main():
    global domain
    domain = samba_dc.start()
    for user in ('alice', 'bob', 'dave'):
        domain.add_user(user, PASSWORD)
    domain.add_user('carol', PASSWORD, '--must-change-at-next-login')
    domain.add_user('Zoë', ACCENTED)
    domain.disable_user('bob')
    accepted()
    refused()
    locked_out()
    expiry()
    winbindd_comes_and_goes()
    without_the_privilege()


harness.run(main)
