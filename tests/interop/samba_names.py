#!/usr/bin/env python3
"""samba_names.py NAMES WHERE: the names of accounts in a Samba domain, looked up through winbindd and compared with what Samba's
own tools say of them.

NAMES is account_names, which asks the library a question a line.  WHERE is `controller` or `member`: whose winbindd it is."""
import os
import re
import signal
import subprocess
import sys

import harness
import samba_dc
import samba_member
from harness import check, equal

PASSWORD = 'Passw0rd.Alice'
DN, SAM, DISPLAY, GUID, CANONICAL, UPN, CANONICAL_EX, SERVICE, DNS, GIVEN, SURNAME = 1, 2, 3, 6, 7, 8, 9, 10, 12, 13, 14
NOT_MAPPED, NO_DOMAIN, NOT_JOINED = '1332', '1355', '1351'
POLICY = '[names]\nnetbios-computer = HOST\nlookup-timeout = %d\n'

domain = None
member = None  # on the controller
computer_name = 'DC'


class Names:
    """A program that asks the library."""

    def __init__(self, timeout=30, keytab='/nonexistent/keytab'):
        env = harness.environment([], KRB5_KTNAME=keytab, KRB5CCNAME='/nonexistent/cache')
        env['SSPI_CONFIG'] = harness.write('sspi.conf', POLICY % timeout, 0o644)
        self.process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def __call__(self, *question):
        line = ' '.join(str(part) for part in question).replace('\n', '\1') + '\n'
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode()
        if answer.startswith('=') and answer.endswith('.test\n') and question[:1] == ('translate',) and question[2] == CANONICAL_EX:
            answer += self.process.stdout.readline().decode()
        return answer[:-1]

    def close(self):
        self.process.stdin.close()
        return self.process.wait(harness.LIMIT)


def show(user, attribute):
    out = domain.tool('user', 'show', user, '--attributes=' + attribute).out
    return re.search(r'^%s: (.*)$' % attribute, out, re.M).group(1)


def account(name):
    """DOM\\name as winbindd's own tools have it."""
    return 'DOM' + (member.separator if member else '\\') + name


def wbinfo(*arguments):
    return harness.call(['wbinfo', *arguments], env=domain.environment()).out.strip()


def same(got, wanted, name):
    """But for the case: winbindd remembers accounts in the letters that it was asked for them in."""
    return equal(got.lower(), wanted.lower(), name)


def accounts(ask):
    forms = {SAM: 'DOM\\alice', UPN: 'alice@dom.sspi.test', DNS: 'dom.sspi.test\\alice', DISPLAY: 'Alice Liddell'}
    for first, name in forms.items():
        for second, wanted in forms.items():
            equal(ask('translate', first, second, name), '=' + wanted, 'form %d of the account named %s' % (second, name))
    equal(ask('translate', SAM, UPN, 'dom\\ALICE'), '=alice@dom.sspi.test', "not the asker's spelling")
    same(ask('translate', SAM, UPN, 'DOM\\Zoë'), '=Zoë@dom.sspi.test', 'a name beyond ASCII')
    same(ask('translate', UPN, SAM, 'Zoë@dom.sspi.test'), '=DOM\\Zoë', 'and back')
    same(ask('translate', SAM, DNS, 'DOM\\Domain Users'), '=dom.sspi.test\\Domain Users', 'a group')
    equal(ask('translate', SAM, DISPLAY, 'DOM\\bob'), NOT_MAPPED, 'a full name that winbindd has not heard of, as nobody has logged on')
    equal(ask('translate', SAM, UPN, 'DOM\\Domain Users'), NOT_MAPPED, 'which has no principal name')
    for form in (GUID, CANONICAL, DN, SERVICE, GIVEN, SURNAME):
        equal(ask('translate', SAM, form, 'DOM\\alice'), NOT_MAPPED, 'form %d, which is in the directory alone' % form)


def domains(ask):
    forms = {SAM: 'DOM\\', DNS: 'dom.sspi.test\\', CANONICAL: 'dom.sspi.test/', CANONICAL_EX: 'dom.sspi.test\n',
             DN: domain.base}
    for first, name in forms.items():
        for second, wanted in forms.items():
            equal(ask('translate', first, second, name), '=' + wanted, 'form %d of the domain named %r' % (second, name))


def nobodies(ask):
    equal(ask('translate', SAM, UPN, 'DOM\\nobody'), NOT_MAPPED, 'an account that the domain does not have')
    equal(ask('translate', UPN, SAM, 'nobody@dom.sspi.test'), NOT_MAPPED, 'by its principal name')
    equal(ask('translate', SAM, UPN, 'ELSEWHERE\\alice'), NO_DOMAIN, 'a domain that nobody knows')
    equal(ask('translate', UPN, SAM, 'alice@elsewhere.test'), NO_DOMAIN, 'by its DNS name')
    equal(ask('translate', SAM, CANONICAL, 'ELSEWHERE\\'), NO_DOMAIN, 'by itself')
    equal(ask('translate', DISPLAY, SAM, 'Nobody At All'), NOT_MAPPED, 'a full name that nobody has')


def sids(ask):
    sid = show('alice', 'objectSid')
    equal(wbinfo('--name-to-sid', account('alice')).split()[0], sid, "Samba's tools agree")
    wanted = '=1|DOM|alice|dom.sspi.test|Alice Liddell|' + sid
    for name in ('DOM\\alice', 'alice@dom.sspi.test', sid):
        equal(ask('find', name), wanted, 'who is ' + name)
    equal(ask('find', 'DOM\\'), '=3|DOM|-|dom.sspi.test|-|' + sid.rsplit('-', 1)[0], 'the domain')
    equal(ask('find', sid.rsplit('-', 1)[0] + '-99999'), 'SEC_E_TARGET_UNKNOWN', 'a SID that nobody has')
    equal(ask('find', 'ELSEWHERE\\alice'), 'SEC_E_NO_AUTHENTICATING_AUTHORITY', 'a domain that nobody knows')
    equal(ask('name', sid), '=1|DOM\\alice', 'LookupAccountSid')
    equal(ask('sid', 'dom\\ALICE'), '=1|DOM|%s|DOM\\alice' % sid, 'LookupAccountName, and back')
    equal(ask('sid', 'alice@dom.sspi.test'), '=1|DOM|%s|DOM\\alice' % sid, 'by the principal name')
    equal(ask('sid', 'DOM\\nobody'), NOT_MAPPED, 'LookupAccountName makes no SIDs in a domain that is known')
    group = wbinfo('--name-to-sid', account('Domain Users')).split()[0]
    same(ask('name', group), '=2|DOM\\Domain Users', 'a group')
    equal(ask('name', 'S-1-5-32-546'), '=4|BUILTIN\\Guests', 'a well-known one')


def users(ask):
    uid = wbinfo('--sid-to-uid', show('alice', 'objectSid'))
    equal(ask('user', SAM).lstrip('=').split('\\')[0], 'HOST', 'who is logged on is an account of this machine')
    if not samba_dc.was_root() or not uid.isdigit():
        harness.skip("a process of the domain's user", 'only root can be somebody else')
        return
    other = Names()
    equal(other('uid', uid), '=', "a process of the domain's user")
    for form, wanted in ((SAM, 'DOM\\alice'), (UPN, 'alice@dom.sspi.test'), (DNS, 'dom.sspi.test\\alice'), (DISPLAY, 'Alice Liddell')):
        equal(other('user', form), '=' + wanted, 'form %d of its own name' % form)
    equal(other('user', GUID), NOT_MAPPED, 'its GUID is in the directory alone')
    other.close()


def computer(ask):
    name = computer_name + '$'
    equal(ask('computer', SAM), '=DOM\\' + name, "the computer's account")
    equal(ask('computer', DNS), '=dom.sspi.test\\' + name, 'with the DNS name of its domain')
    equal(ask('computer', UPN), '=%s@dom.sspi.test' % name, 'as a principal')
    equal(ask('computer', DN), NOT_MAPPED, 'its place in the directory')
    same(ask('translate', SAM, UPN, 'DOM\\' + name), '=%s@dom.sspi.test' % name, 'by its name')


def keytab():
    """What joining has left, without winbindd."""
    ask = Names(timeout=0, keytab='FILE:' + member.keytab)
    equal(ask('computer', UPN), '=MEMBER$@dom.sspi.test', "the computer's account by its keytab")
    equal(ask('computer', DNS), '=dom.sspi.test\\MEMBER$', 'with the DNS name of its domain')
    equal(ask('computer', SAM), '=DOM.SSPI.TEST\\MEMBER$', 'whose other name a keytab does not tell')
    ask.close()


# ---------------------------------------------------------------- trouble

def daemons():
    """winbindd and its children."""
    out = subprocess.run(['ps', '-eo', 'pid,comm'], stdout=subprocess.PIPE, check=True).stdout.decode()
    mine = []
    for line in out.splitlines()[1:]:
        pid, name = line.split(None, 1)
        try:
            with open('/proc/%s/environ' % pid, 'rb') as file:
                ours = harness.scratch().encode() in file.read()
            with open('/proc/%s/cmdline' % pid, 'rb') as file:
                ours = ours or harness.scratch().encode() in file.read()
        except OSError:
            ours = False
        if 'winbind' in name and ours:
            mine.append(int(pid))
    return mine


def hangs():
    ask = Names(timeout=1)
    equal(ask('translate', SAM, UPN, 'DOM\\alice'), '=alice@dom.sspi.test', 'a program that looks names up')
    stopped = daemons()
    check(stopped, 'winbindd is found')
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        equal(ask('translate', SAM, UPN, 'DOM\\Zoë'), NO_DOMAIN, 'winbindd hangs, and the program is told')
        for _ in range(20):  # none of which waits as the first one did
            ask('translate', SAM, UPN, 'DOM\\Zoë')
            ask('computer', SAM)
        equal(ask('user', SAM).split('\\')[0], '=HOST', 'the own name does not wait')
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    harness.until(lambda: ask('translate', SAM, UPN, 'DOM\\Zoë').lower() == '=zoë@dom.sspi.test', 'the same program finds names again')
    check(True, 'once winbindd goes on the same program finds names again')
    if member:
        domain.stop()
        answer = ask('translate', SAM, UPN, 'DOM\\newcomer')
        check(answer in (NOT_MAPPED, NO_DOMAIN), 'the controller has gone: there is an answer', answer)
        member.stop()
    domain.stop()
    equal(ask('translate', SAM, UPN, 'DOM\\alice'), NO_DOMAIN, 'winbindd has gone')
    equal(ask('computer', SAM), NOT_JOINED, 'so nobody knows that the computer is in a domain')
    equal(ask.close(), 0, 'the program ends well')


def main():
    global domain, member, computer_name
    joined = sys.argv[2] == 'member'
    domain = samba_dc.start(smb=joined, winbind_enum_users='yes')
    domain.add_user('alice', PASSWORD, '--given-name=Alice', '--surname=Liddell')
    domain.add_user('Zoë', PASSWORD)
    domain.add_user('bob', PASSWORD)
    if joined:
        member = samba_member.join(domain)
        computer_name = member.host
    wbinfo('-a', account('alice') + '%' + PASSWORD)  # winbindd knows full names of those who have logged on
    ask = Names()
    accounts(ask)
    domains(ask)
    nobodies(ask)
    sids(ask)
    users(ask)
    computer(ask)
    ask.close()
    if joined:
        keytab()
    hangs()


harness.run(main)
