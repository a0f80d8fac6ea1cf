"""What the tests of Kerberos' peers share: a realm as the harness wants it, and programs that are spoken to by lines.

    realm = kerberos_peers.start_realm()            # SkipAll when it cannot be; gone with the script
    env = kerberos_peers.environment(realm)         # for a program that uses this library, with alice's tickets
    ours = Lines([SSPI_LINES, 'client', 'Kerberos', TARGET, FLAGS], env)
    ours.ask('step', '-')                           # ['SEC_I_CONTINUE_NEEDED', '60...']
"""
import atexit
import os
import re
import select
import shutil
import subprocess
import time

import harness
import realm as realms

FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'

# ISC_REQ_*: mutual, integrity, replay, sequence, confidentiality; GSS_C_* likewise
MUTUAL, REPLAY, SEQUENCE, CONFIDENTIALITY = 0x2, 0x4, 0x8, 0x10
SEALED = MUTUAL | REPLAY | SEQUENCE | CONFIDENTIALITY | 0x10000
GSS_SEALED = 0x2 | 0x4 | 0x8 | 0x10 | 0x20


def start_realm(admin=False, kind=None):
    lacking = realms.missing()
    if lacking:
        raise harness.SkipAll(lacking)
    realm = (kind or realms.Realm)(admin=admin)
    atexit.register(realm.stop)
    return realm.start()


def environment(realm, name='kerberos.conf', policy='', **more):
    """harness.environment(), with this realm's Kerberos and a policy that lets it be used."""
    env = harness.environment([])
    env['SSPI_CONFIG'] = harness.write(name, '[kerberos]\nkdc-timeout = 5\n%s[names]\nnetbios-computer = SERVER\n'
                                       'netbios-domain = DOMAIN\n[accounts]\nbackend = file\npath = %s\n' % (
                                           policy, harness.write('no-accounts.txt', '')))
    for variable in ('KRB5_CONFIG', 'KRB5CCNAME', 'KRB5_KTNAME', 'KRB5RCACHEDIR'):
        env[variable] = realm.environment[variable]
    env.update(more)
    return env


def at_another_time(env, offset):
    """The environment for a program whose clock is elsewhere ('+15m', '+12h'), or None."""
    if not os.path.exists(FAKETIME):
        return None
    return {**env, 'LD_PRELOAD': FAKETIME, 'FAKETIME': offset, 'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'FAKETIME_NO_CACHE': '0',
            'ASAN_OPTIONS': 'verify_asan_link_order=0'}


def keytab(realm, name, *commands):
    """Runs commands of kadmin.local that write the keytab `name`; {} is its path."""
    path = realm.path(name)
    if os.path.exists(path):
        os.unlink(path)
    realm.kadmin(*[command.format(path) for command in commands])
    return path


def forged_keytab(realm, name, principal, kvno, password='another key'):
    """A keytab with a key of that number that the KDC never used."""
    path = realm.path(name)
    if os.path.exists(path):
        os.unlink(path)
    tool = harness.need_program('ktutil', 'krb5-user')
    lines = ''.join('addent -password -p %s -k %d -e %s\n%s\n' % (principal, kvno, kind, password)
                    for kind in ('aes256-cts-hmac-sha1-96', 'aes128-cts-hmac-sha1-96'))
    result = harness.call([tool], env=realm.environment, given=lines + 'wkt %s\nquit\n' % path)
    if not os.path.exists(path):
        raise RuntimeError('ktutil: %s' % result)
    return path


class Lines:
    """A program that answers each line with a line."""

    def __init__(self, command, env):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=harness.scratch(),
                                      bufsize=0)
        atexit.register(self.close)
        self.rest = b''

    def ask(self, *words, limit=harness.LIMIT):
        self.send(*words)
        return self.answer(limit)

    def send(self, *words):
        self.child.stdin.write((' '.join(words) + '\n').encode())

    def answer(self, limit=harness.LIMIT):
        """[STATUS, HEX, the rest as one text]"""
        end = time.monotonic() + limit
        while b'\n' not in self.rest:
            ready, _, _ = select.select([self.child.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError('a peer did not answer within %g seconds' % limit)
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                raise RuntimeError('a peer left, exit status %s' % self.child.wait())
            self.rest += more
        line, self.rest = self.rest.split(b'\n', 1)
        words = line.decode(errors='replace').split(' ', 2)
        return words + [''] * (3 - len(words))

    def close(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            try:
                self.child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


def converse(first, second, legs=10):
    """The legs of an exchange: the last answers of both, when neither has anything to say any more, or one refused."""
    last = {first: ['', '-', ''], second: ['', '-', '']}
    token, speaker = '-', first
    refused = False
    for _ in range(legs):
        last[speaker] = answer = speaker.ask('step', token)
        token = answer[1]
        if token == '-' or refused:
            break
        refused = answer[0] not in ('continue', 'complete', 'SEC_E_OK', 'SEC_I_CONTINUE_NEEDED')
        speaker = second if speaker is first else first
    return last[first], last[second]
