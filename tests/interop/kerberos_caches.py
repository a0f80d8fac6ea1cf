#!/usr/bin/env python3
"""kerberos_caches.py SSPI_LINES: credential caches of every type that libkrb5 has, among them a credential manager's (Heimdal's kcm)
and the kernel's keyring; and a configuration that changes under a process."""
import os
import socket
import sys
import time

import harness
import kerberos_peers as peers
import samba_dc
from harness import check, equal

SERVICE = 'HTTP/server.sspi.test'
GOES_ON, NONE, UNREACHABLE = 'SEC_I_CONTINUE_NEEDED', 'SEC_E_NO_CREDENTIALS', 'SEC_E_NO_AUTHENTICATING_AUTHORITY'

SOCKET = '/run/.heim_org.h5l.kcm-socket'  # where libkrb5 looks for a credential manager, whatever kcm's options say

realm = isolated = None


def client(cache, user=(), target=SERVICE, **more):
    env = peers.environment(realm, KRB5CCNAME=cache, **more)
    return peers.Lines([sys.argv[1], 'client', 'Kerberos', target, '%x' % peers.SEALED, *user], env)


def begin(ours):
    answer = ours.ask('acquire')
    return ours.ask('step', '-') if answer[0] == 'SEC_E_OK' else answer


def kinit(cache, user, **more):
    """A ticket granting ticket for a user of the realm; None, or why there is none."""
    result = harness.call(['kinit', '-k', '-t', realm.path(user + '.keytab'), user],
                          env=dict(realm.environment, KRB5CCNAME=cache, **more))
    return None if result.status == 0 else str(result)


def whose(ours):
    """Who the server says the client is."""
    theirs = peers.Lines([sys.argv[1], 'server', 'Kerberos', '-', '0'], peers.environment(realm))
    theirs.ask('acquire')
    ours.ask('acquire')
    _, them = peers.converse(ours, theirs)
    return theirs.ask('names')[1] if them[0] == 'SEC_E_OK' else them[0]


def one(kind, cache, **more):
    """A cache that is not there yet, is there, and changes hands."""
    ours = client(cache, **more)
    equal(begin(ours)[0], NONE, kind + ': nothing yet')
    why = kinit(cache, 'alice', **more)
    if why is not None:
        check(False, kind + ': kinit', why)
        return
    equal(whose(ours), 'alice@SSPI.TEST', kind + ': her ticket, in the same process')
    kinit(cache, 'bob', **more)
    equal(whose(client(cache, **more)), 'bob@SSPI.TEST', kind + ': then his')


def files():
    one('FILE', 'FILE:' + realm.path('one'))
    equal(begin(client('MEMORY:none'))[0], NONE, 'MEMORY: another process has its own')
    folder = realm.path('collection')
    os.mkdir(folder, 0o700)
    one('DIR', 'DIR:' + folder)
    kinit('DIR:' + folder, 'alice')
    for name in 'alice', 'bob':
        equal(whose(client('DIR:' + folder, (name, 'SSPI.TEST'))), name + '@SSPI.TEST', 'DIR: %s by name, among two' % name)


def keyring():
    try:
        result = harness.call(['keyctl', 'session', '-', 'keyctl', 'show', '@s'])
        why = None if result.status == 0 else str(result)
    except FileNotFoundError:
        why = 'keyctl is not installed (package keyutils)'
    if why is not None:
        harness.skip('KEYRING', why)
        return
    name = 'KEYRING:user:sspi-test-%d' % os.getpid()
    probe = kinit(name, 'alice')
    if probe is not None:
        harness.skip('KEYRING', 'the kernel keeps no keys here: ' + probe.splitlines()[0])
        return
    harness.call(['kdestroy', '-A'], env=dict(realm.environment, KRB5CCNAME=name))
    one('KEYRING', name)
    harness.call(['kdestroy', '-A'], env=dict(realm.environment, KRB5CCNAME=name))


def manager():
    program = '/usr/sbin/kcm'
    if not os.path.exists(program):
        harness.skip('KCM', 'kcm is not installed (package heimdal-kcm)')
        return
    if isolated is not None:
        harness.skip('KCM', isolated)
        return
    equal(begin(client('KCM:'))[0], NONE, 'KCM: nobody is there')
    process = harness.Process([program], env=dict(os.environ, KRB5_CONFIG=realm.path('krb5.conf')))

    def answers():
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(SOCKET) == 0

    harness.until(answers, 'the credential manager')
    one('KCM', 'KCM:')
    process.stop()
    equal(begin(client('KCM:'))[0], NONE, 'KCM: gone')


def configuration():
    """One process, whose krb5.conf changes: no KDC, then one, then another realm's name for the host."""
    path = realm.path('changing.conf')

    def become(text):
        realm.write('changing.new', text)
        os.rename(realm.path('changing.new'), path)

    with open(realm.path('krb5.conf'), encoding='utf-8') as file:
        good = file.read()
    with open(realm.path('krb5-dead.conf'), encoding='utf-8') as file:
        become(file.read())
    ours = client('FILE:' + realm.path('nobody'), ('alice', ''), SSPI_PASSWORD='alice secret', KRB5_CONFIG=path)
    equal(begin(ours)[0], UNREACHABLE, 'krb5.conf: no KDC')
    become(good)
    equal(begin(ours)[0], GOES_ON, 'krb5.conf: with its KDC')
    become(good.replace('.sspi.test = SSPI.TEST', '.sspi.test = OTHER.TEST'))
    answer = begin(ours)
    check(answer[0] not in (GOES_ON, 'SEC_E_OK'), 'krb5.conf: the host is said to be elsewhere', str(answer))
    become(good)
    equal(begin(ours)[0], GOES_ON, 'krb5.conf: as before')


def silence():
    """A KDC that says nothing costs its time once for a process, whatever the credential; one that answers again counts at once."""
    path = realm.path('silent.conf')

    def become(name):
        with open(realm.path(name), encoding='utf-8') as file:
            realm.write('silent.new', file.read())
        os.rename(realm.path('silent.new'), path)

    become('krb5-silent.conf')
    ours = client('FILE:' + realm.path('nobody'), ('alice', ''), SSPI_PASSWORD='alice secret', KRB5_CONFIG=path)
    times = []
    for _ in range(3):
        start = time.monotonic()
        equal(begin(ours)[0], UNREACHABLE, 'a silent KDC')
        times.append(time.monotonic() - start)
    check(times[0] > 3 > max(times[1:]), 'is waited for once', str(times))
    become('krb5.conf')
    equal(begin(ours)[0], GOES_ON, 'and no longer when krb5.conf names another')


def main():
    global realm, isolated
    try:
        samba_dc.isolate('127.0.0.1 localhost server.sspi.test\n')  # a /run of one's own
    except harness.SkipAll as why:
        isolated = str(why)
    realm = peers.start_realm()
    files()
    keyring()
    manager()
    configuration()
    silence()


harness.run(main)
