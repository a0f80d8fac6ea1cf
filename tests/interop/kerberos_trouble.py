#!/usr/bin/env python3
"""kerberos_trouble.py SSPI_LINES MIT_LINES: two realms that trust each other, or do not; KDCs that die, dawdle and talk nonsense;
ticket caches that are huge or broken; keytabs that change while sessions are made."""
import concurrent.futures as futures
import os
import re
import shutil
import socket
import sys
import threading
import time

import harness
import kerberos_peers as peers
import realm as realms
from harness import check, equal
from kerberos_peers import GSS_SEALED, SEALED, Lines, converse

SERVICE = 'HTTP/server.sspi.test'
TIMEOUT = 5  # seconds: kdc-timeout of kerberos_peers.environment()
GRACE = 4  # what a loaded machine may need beyond it

realm = None


def client(target=SERVICE, package='Kerberos', who=(), **environment):
    """Our client, with credentials."""
    side = Lines([sys.argv[1], 'client', package, target, '%x' % SEALED, *who],
                 peers.environment(realm, **environment))
    equal_or_raise(side.ask('acquire'))
    return side


def equal_or_raise(answer):
    if answer[0] not in ('SEC_E_OK', 'complete'):
        raise RuntimeError('credentials: %s' % answer)


def server(**environment):
    side = Lines([sys.argv[1], 'server', 'Kerberos', '-', '0'], peers.environment(realm, **environment))
    equal_or_raise(side.ask('acquire'))
    return side


def first_leg(name, statuses, **more):
    """The status of a first token, within the time that policy allows."""
    side = client(**more)
    start = time.monotonic()
    answer = side.ask('step', '-')
    took = time.monotonic() - start
    side.close()
    check(answer[0] in statuses, '%s: %s' % (name, answer[0]), str(answer))
    check(took < TIMEOUT + GRACE, '%s: in time' % name, '%.1f seconds' % took)


# ---------------------------------------------------------------- two realms

class Other(realms.Realm):
    """OTHER.TEST, the same but for its name and what is in it."""

    def write(self, name, text):
        super().write(name, text.replace('SSPI.TEST', 'OTHER.TEST').replace('.sspi.test', '.other.test'))

    def populate(self):
        self.run('kdb5_util', 'create', '-s', '-r', 'OTHER.TEST', '-P', 'other master secret')
        self.kadmin('addprinc -pw "carol secret" carol', 'ktadd -norandkey -k %s carol' % self.path('carol.keytab'),
                    'addprinc -randkey HTTP/server.other.test', 'ktadd -norandkey -k %s HTTP/server.other.test' % self.path('keytab'))

    def kinit(self, user='carol', cache=None):
        super().kinit(user, cache)


def trust(one, other, way, secrets):
    """krbtgt/`way`, with a secret in each of both databases."""
    for where, secret in zip((one, other), secrets):
        where.kadmin('delprinc -force krbtgt/' + way, 'addprinc -pw "%s" krbtgt/%s' % (secret, way))


def two_realms():
    other = peers.start_realm(kind=Other)
    both = harness.write('both.conf', '[realms]\nOTHER.TEST = {\n kdc = 127.0.0.1:%d\n}\nSSPI.TEST = {\n kdc = 127.0.0.1:%d\n}\n'
                         '[domain_realm]\n.other.test = OTHER.TEST\n.sspi.test = SSPI.TEST\n' % (other.kdc_port, realm.kdc_port))
    here = {'KRB5_CONFIG': realm.path('krb5.conf') + ':' + both}
    there = {'KRB5_CONFIG': other.path('krb5.conf') + ':' + both, 'KRB5_KTNAME': 'FILE:' + other.path('keytab'),
             'KRB5CCNAME': 'FILE:' + other.path('cache')}
    target = 'HTTP/server.other.test'

    first_leg('no trust', ('SEC_E_TARGET_UNKNOWN', 'SEC_E_NO_AUTHENTICATING_AUTHORITY'), target=target, **here)
    trust(realm, other, 'OTHER.TEST@SSPI.TEST', ('the secret of two realms', ) * 2)
    for package, mechanism in (('Kerberos', 'krb5'), ('Negotiate', 'spnego')):
        ours = client(target, package, **here)
        theirs = Lines([sys.argv[2], 'server', mechanism, '-', '0'], dict(other.environment, **there))
        equal_or_raise(theirs.ask('acquire'))
        us, them = converse(ours, theirs)
        if check((us[0], them[0]) == ('SEC_E_OK', 'complete'), package + ': from our realm to another, at MIT', '%s %s' % (us, them)):
            equal(' '.join(ours.ask('names')).split()[1:3], ['alice@SSPI.TEST', target + '@OTHER.TEST'], package + ': we know both')
            equal(theirs.ask('names')[1], 'alice@SSPI.TEST', package + ': MIT knows who')
            equal(theirs.ask('open', ours.ask('seal', '00112233')[1])[:2], ['complete', '00112233'], package + ': and a message passes')
    accept = server(**there)
    dial = Lines([sys.argv[2], 'client', 'krb5', target + '@OTHER.TEST', '%x' % GSS_SEALED], dict(realm.environment, **here))
    equal_or_raise(dial.ask('acquire'))
    them, us = converse(dial, accept)
    if check((us[0], them[0]) == ('SEC_E_OK', 'complete'), 'from their realm to ours, by MIT', '%s %s' % (us, them)):
        equal(accept.ask('names')[1], 'alice@SSPI.TEST', 'we know who')
    ours = client(target, 'Kerberos', ('alice', 'SSPI.TEST'), SSPI_PASSWORD='alice secret', **dict(here, KRB5CCNAME='FILE:' + realm.path('none')))
    us, _ = converse(ours, server(**there))
    equal(us[0], 'SEC_E_OK', 'a name and a password of one realm, a service of another')
    first_leg('the trust is one-way', ('SEC_E_TARGET_UNKNOWN', 'SEC_E_NO_AUTHENTICATING_AUTHORITY'), **dict(
        there, KRB5CCNAME='FILE:' + other.path('cache')))
    trust(realm, other, 'OTHER.TEST@SSPI.TEST', ('one secret', 'and another'))
    realm.kinit()
    first_leg('the realms disagree on their secret', ('SEC_E_WRONG_PRINCIPAL', 'SEC_E_LOGON_DENIED', 'SEC_E_NO_AUTHENTICATING_AUTHORITY',
                                                     'SEC_E_TARGET_UNKNOWN'), target=target, **here)
    other.stop()
    realm.kinit()


# ---------------------------------------------------------------- keys

def old_keys():
    """A service whose only key is an RC4 key; sessions have keys of AES, but where the KDC is told otherwise."""
    target = 'HTTP/old.sspi.test'
    realm.kadmin('addprinc -randkey -e arcfour-hmac:normal ' + target, 'setstr %s session_enctypes aes256-cts' % target)
    path = peers.keytab(realm, 'old.keytab', 'ktadd -norandkey -k {} ' + target)

    def attempt(name, statuses):
        ours = server(KRB5_KTNAME='FILE:' + path)
        theirs = Lines([sys.argv[2], 'client', 'krb5', target, '%x' % GSS_SEALED], realm.environment)
        equal_or_raise(theirs.ask('acquire'))
        them, us = converse(theirs, ours)
        check((us[0], them[0]) in statuses, name, '%s %s' % (us, them))
        return theirs, ours, us[2]

    theirs, ours, _ = attempt('a ticket under an RC4 key', [('SEC_E_OK', 'complete')])
    equal(ours.ask('open', theirs.ask('seal', '00112233')[1])[:2], ['SEC_E_OK', '00112233'], 'and a message passes')
    realm.kadmin('setstr %s session_enctypes arcfour-hmac' % target)
    realm.kinit()
    _, _, why = attempt("a session's key of RC4", [('SEC_E_KDC_UNKNOWN_ETYPE', 'continue'), ('SEC_E_KDC_UNKNOWN_ETYPE', 'refused')])
    check('allow-rc4' in why, 'the reason names the policy', why)


def required_pac():
    """MIT's KDC says nothing of who somebody is."""
    ours = server(policy='require-pac = yes\n', name='required-pac.conf')
    us = ours.ask('step', client().ask('step', '-')[1])
    equal(us[0], 'SEC_E_LOGON_DENIED', 'a PAC is required, and there is none')
    check('require-pac' in us[2], 'the reason names the policy', us[2])


# ---------------------------------------------------------------- KDCs

class Nonsense:
    """A KDC that answers with `answer(request)`, and then waits for the client to go."""

    def __init__(self, answer, slow=False, piece=1, pause=0.3):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.answer, self.slow, self.piece, self.pause = answer, slow, piece, pause
        self.over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(connection, ), daemon=True).start()

    def _speak(self, connection):
        with connection:
            try:
                answer = self.answer(connection.recv(65536))
                if answer is None:
                    return
                size = self.piece if self.slow else len(answer) or 1
                for at in range(0, len(answer), size):
                    connection.sendall(answer[at:at + size])
                    if self.slow and self.over.wait(self.pause):
                        return
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    def close(self):
        self.over.set()
        self.listener.close()


def configuration(port):
    with open(realm.path('krb5.conf'), encoding='utf-8') as file:
        return harness.write('kdc-%d.conf' % port, re.sub(r'kdc = 127\.0\.0\.1:\d+', 'kdc = 127.0.0.1:%d' % port, file.read()))


def framed(body):
    return len(body).to_bytes(4, 'big') + body


def nonsense():
    cases = (('a KDC that hangs up', lambda request: None, False), ('a KDC that says nothing', lambda request: b'', False),
             ('a KDC that promises two gigabytes', lambda request: b'\x7f\xff\xff\xff' + b'x' * 1000, False),
             ('a KDC that promises nothing', lambda request: bytes(4), False), ('a KDC that speaks HTTP', lambda request: b'HTTP/1.1 400 Bad Request\r\n\r\n', False),
             ('a KDC of noise', lambda request: framed(os.urandom(900)), False), ('a KDC that echoes', lambda request: request, False),
             ('a KDC of empty DER', lambda request: framed(b'\x6d\x00'), False), ('a KDC of endless DER', lambda request: framed(b'\x6b\x84\xff\xff\xff\xff' + b'\x30\x80' * 400), False),
             ('a KDC that speaks an octet at a time', lambda request: framed(bytes(2000)), True))
    for name, answer, slow in cases:
        kdc = Nonsense(answer, slow)
        path = configuration(kdc.port)
        refusals = ('SEC_E_NO_AUTHENTICATING_AUTHORITY', 'SEC_E_INVALID_TOKEN', 'SEC_E_LOGON_DENIED')
        first_leg(name, refusals, target='HTTP/aes256.sspi.test', KRB5_CONFIG=path)
        first_leg(name + ', with a password', refusals, who=('alice', 'SSPI.TEST'), KRB5_CONFIG=path, SSPI_PASSWORD='alice secret')
        kdc.close()


def slow():
    """A KDC that takes its time and is right: a second before each answer, which then comes in pieces."""
    def answer(request):
        if len(request) < 4 or len(request) < 4 + int.from_bytes(request[:4], 'big'):
            return None  # the client sends all of it at once
        kdc.over.wait(0.8)
        with socket.create_connection(('127.0.0.1', realm.kdc_port)) as real:
            real.sendall(request)
            reply = b''
            while len(reply) < 4 or len(reply) < 4 + int.from_bytes(reply[:4], 'big'):
                more = real.recv(65536)
                if not more:
                    return None
                reply += more
        return reply

    kdc = Nonsense(answer, slow=True, piece=512, pause=0.05)
    path = configuration(kdc.port)
    realm.kinit()
    first_leg('a KDC that is slow and right', ('SEC_I_CONTINUE_NEEDED', ), target='HTTP/delegate.sspi.test', KRB5_CONFIG=path)
    first_leg('a KDC that is slow and right, with a password', ('SEC_I_CONTINUE_NEEDED', ), who=('alice', 'SSPI.TEST'), KRB5_CONFIG=path,
              SSPI_PASSWORD='alice secret')
    kdc.close()


def ended():
    """Tickets of three seconds: whoever has a password gets new ones, and a cache is what it is until somebody fills it again."""
    realm.kadmin('addprinc -maxlife "3 seconds" -pw "dave secret" dave', 'ktadd -norandkey -k %s dave' % realm.path('dave.keytab'))
    path = realm.path('dave-cache')
    realm.kinit('dave', 'FILE:' + path)
    by_cache, by_password = client(KRB5CCNAME='FILE:' + path), client(who=('dave', 'SSPI.TEST'), SSPI_PASSWORD='dave secret',
                                                                     KRB5CCNAME='FILE:' + realm.path('none'))
    theirs = server()
    for ours, name in ((by_cache, 'a cache'), (by_password, 'a password')):
        equal(converse(ours, theirs)[0][0], 'SEC_E_OK', 'tickets of three seconds: ' + name)
        ours.ask('again')
        theirs.ask('again')
    end = time.time() + 4  # by the KDC's clock, which has whole seconds
    harness.until(lambda: time.time() > end, 'they have ended')
    answer = by_cache.ask('step', '-')
    equal(answer[0], 'SEC_E_CONTEXT_EXPIRED', 'a cache whose tickets have ended: ' + answer[2])
    equal(converse(by_password, theirs)[0][0], 'SEC_E_OK', 'a password gets new ones')
    realm.kinit('dave', 'FILE:' + path)
    by_cache.ask('again')
    theirs.ask('again')
    equal(converse(by_cache, theirs)[0][0], 'SEC_E_OK', 'and so does the cache, when somebody fills it')


def killed():
    ours, theirs = client(), server()
    equal(converse(ours, theirs)[0][0], 'SEC_E_OK', 'a session while the KDC lives')
    realm.stop_processes()
    for side in ours, theirs:
        side.ask('again')
    equal(converse(ours, theirs)[0][0], 'SEC_E_OK', 'the KDC is dead: the ticket at hand goes on')
    first_leg('the KDC is dead: a new ticket', ('SEC_E_NO_AUTHENTICATING_AUTHORITY', ), target='HTTP/aes128.sspi.test')
    realm.start_kdc()
    first_leg('the KDC is back', ('SEC_I_CONTINUE_NEEDED', ), target='HTTP/aes128.sspi.test')


def exits():
    """A program that ends as soon as it has been refused ends well, whatever a thread of ours was at."""
    env = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('none'))
    command = [sys.argv[1], 'client', 'Kerberos', SERVICE, '%x' % SEALED]

    def one(_):
        return harness.call(command, env=env, given='acquire\nstep -\n').status
    with futures.ThreadPoolExecutor(8) as pool:
        equal(set(pool.map(one, range(400))), {0}, 'four hundred programs that end at once')


# ---------------------------------------------------------------- caches

def large_cache():
    """A cache of ten megabytes: the ticket that is wanted comes last."""
    path = realm.path('large')
    environment = dict(realm.environment, KRB5CCNAME='FILE:' + path)
    realm.kinit('alice', 'FILE:' + path)
    kvno = harness.need_program('kvno', 'krb5-user')
    parts = [open(path, 'rb').read()]
    for service in 'HTTP/aes256.sspi.test', SERVICE:
        harness.call([kvno, service], env=environment)
        parts.append(open(path, 'rb').read()[sum(map(len, parts)):])
    check(all(len(part) > 300 for part in parts), 'three parts of a cache', str([len(part) for part in parts]))
    data = parts[0] + parts[1] * (10 * 1024 * 1024 // len(parts[1])) + parts[2]
    with open(path, 'wb') as file:
        file.write(data)
    ours, theirs = client(KRB5CCNAME='FILE:' + path), server()
    start = time.monotonic()
    equal(converse(ours, theirs)[0][0], 'SEC_E_OK', 'ten megabytes of tickets: a session')
    first = time.monotonic() - start
    start = time.monotonic()
    for _ in range(20):
        ours.ask('again')
        theirs.ask('again')
        converse(ours, theirs)
    rest = (time.monotonic() - start) / 20
    check(first < 5 and rest < 0.2, 'in time', '%.2f seconds, then %.3f' % (first, rest))
    unknown = client('HTTP/unknown.sspi.test', KRB5CCNAME='FILE:' + path)
    equal(unknown.ask('step', '-')[0], 'SEC_E_TARGET_UNKNOWN', 'and a service that is not in it')


def broken_caches():
    good = open(realm.path('cache'), 'rb').read()
    refusals = ('SEC_E_NO_CREDENTIALS', )
    for name, data in (('empty', b''), ('ten megabytes of nothing', bytes(10 << 20)), ('noise', os.urandom(4000)),
                       ('a header alone', good[:4]), ('of another version', b'\x05\x09' + good[2:]), ('a directory', None)):
        path = realm.path('broken')
        if data is None:
            os.unlink(path)
            os.mkdir(path)
        else:
            with open(path, 'wb') as file:
                file.write(data)
        side = Lines([sys.argv[1], 'client', 'Kerberos', SERVICE, '%x' % SEALED], peers.environment(realm, KRB5CCNAME='FILE:' + path))
        answer = side.ask('acquire')
        answer = side.ask('step', '-') if answer[0] == 'SEC_E_OK' else answer
        check(answer[0] in refusals, 'a cache that is %s: %s' % (name, answer[0]), str(answer))
    os.rmdir(realm.path('broken'))
    bad = 0
    for size in range(5, len(good), max(1, len(good) // 60)):
        path = realm.path('cut')
        with open(path, 'wb') as file:
            file.write(good[:size])
        side = Lines([sys.argv[1], 'client', 'Kerberos', SERVICE, '%x' % SEALED], peers.environment(realm, KRB5CCNAME='FILE:' + path))
        answer = side.ask('acquire')
        answer = side.ask('step', '-') if answer[0] == 'SEC_E_OK' else answer
        bad += not answer[0].startswith('SEC_')
        side.close()
    equal(bad, 0, 'a cache that is cut off anywhere is a status')


def exchanged_cache():
    """alice, nobody, bob and alice again, in one credential."""
    path = realm.path('changing')
    shutil.copy(realm.path('cache'), path)
    realm.kinit('bob', 'FILE:' + realm.path('bob-cache'))
    ours, theirs = client(KRB5CCNAME='FILE:' + path), server()
    seen = []
    for source in 'cache', None, 'bob-cache', 'cache':
        if os.path.exists(path):
            os.unlink(path)
        if source:
            shutil.copy(realm.path(source), path + '.new')
            os.rename(path + '.new', path)
        ours.ask('again')
        theirs.ask('again')
        us, _ = converse(ours, theirs)
        seen.append(theirs.ask('names')[1] if us[0] == 'SEC_E_OK' else us[0])
    equal(seen, ['alice@SSPI.TEST', 'SEC_E_NO_CREDENTIALS', 'bob@SSPI.TEST', 'alice@SSPI.TEST'], 'who a changing cache stands for')


# ---------------------------------------------------------------- keytabs

def rotation():
    """Keys change eight times while sessions are made; old tickets and new ones are good as long as their keys are there."""
    name = 'HTTP/rotating.sspi.test'
    realm.kadmin('addprinc -randkey ' + name)
    path = peers.keytab(realm, 'rotating.keytab', 'ktadd -norandkey -k {} ' + name)
    theirs_environment = {'KRB5_KTNAME': 'FILE:' + path}
    cache = realm.path('load')

    def new_ticket():
        """The KDC uses a new key before any keytab can have it: nobody may ask it before the keytab has."""
        realm.kinit('alice', 'FILE:' + cache + '.new')
        harness.call(['kvno', name], env=dict(realm.environment, KRB5CCNAME='FILE:' + cache + '.new'))
        os.rename(cache + '.new', cache)

    new_ticket()
    stop, failures, counts = threading.Event(), [], [0, 0, 0]

    def load(index):
        ours, theirs = client(name, KRB5CCNAME='FILE:' + cache), server(**theirs_environment)
        try:
            while not stop.is_set():
                if counts[index] % 10 == 0:
                    ours.ask('acquire')
                ours.ask('again')
                theirs.ask('again')
                us, them = converse(ours, theirs)
                if (us[0], them[0]) != ('SEC_E_OK', 'SEC_E_OK'):
                    failures.append((us[0], us[2], them[0], them[2]))
                counts[index] += 1
        except Exception as why:  # what happens in a thread is for the test to say
            failures.append(why)

    threads = [threading.Thread(target=load, args=(index, )) for index in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(8):
        before = sum(counts)
        realm.kadmin('cpw -randkey -keepold ' + name)
        if turn % 2 == 0:  # written into where it is
            realm.kadmin('ktadd -norandkey -k %s %s' % (path, name))
        else:  # replaced
            shutil.copy(path, path + '.new')
            realm.kadmin('ktadd -norandkey -k %s.new %s' % (path, name))
            os.rename(path + '.new', path)
        new_ticket()
        harness.until(lambda: sum(counts) > before + 6 or failures, 'more sessions')
    stop.set()
    for thread in threads:
        thread.join()
    check(not failures, 'keys that change under load: every session is made', str(failures[:3]))
    harness.note('%d sessions during 8 changes of keys' % sum(counts))
    ours, theirs = client(name, KRB5CCNAME='FILE:' + cache), server(**theirs_environment)
    equal(converse(ours, theirs)[0][0], 'SEC_E_OK', 'a session with the last key')
    peers.keytab(realm, 'rotating.keytab', 'cpw -randkey ' + name, 'ktadd -norandkey -k {} ' + name)
    for side in ours, theirs:
        side.ask('again')
    equal(converse(ours, theirs)[1][0], 'SEC_E_NO_KERB_KEY', 'a ticket whose key is gone, in the same process')
    os.unlink(path)
    for side in ours, theirs:
        side.ask('again')
    equal(converse(ours, theirs)[1][0], 'SEC_E_NO_CREDENTIALS', 'a keytab that is gone')


def main():
    global realm
    realm = peers.start_realm()
    two_realms()
    old_keys()
    required_pac()
    nonsense()
    slow()
    ended()
    killed()
    exits()
    large_cache()
    broken_caches()
    exchanged_cache()
    rotation()


harness.run(main)
