#!/usr/bin/env python3
"""kerberos_heimdal.py SSPI_LINES HEIMDAL_LINES : the Kerberos package and Negotiate against Heimdal's GSSAPI, in a process of
its own, each as client and as server, within one MIT realm and across two."""
import sys

import harness
import kerberos_peers as peers
from harness import check, equal
from kerberos_peers import GSS_SEALED, SEALED, Lines, converse

SERVICE = 'HTTP/server.sspi.test'
SIZES = (1, 15, 16, 17, 1000, 40000)
MECHANISMS = (('Kerberos', 'krb5'), ('Negotiate', 'spnego'))
DCE, GSS_DCE = 0x200, 0x1000
DELEGATE = 0x1
EXTENDED_ERROR = 0x8000  # ASC_REQ_EXTENDED_ERROR


def data(size):
    return bytes((i * 7 + 3) % 256 for i in range(size)).hex()


def pair(realm, ours_are_client, package, mechanism, request=SEALED, gss_request=GSS_SEALED, target=SERVICE, ours_env=None,
         theirs_env=None):
    """(ours, theirs), both with credentials."""
    ours_env = ours_env or peers.environment(realm)
    theirs_env = theirs_env or realm.environment
    if ours_are_client:
        ours = Lines([sys.argv[1], 'client', package, target, '%x' % request], ours_env)
        theirs = Lines([sys.argv[2], 'server', mechanism, '-', '0'], theirs_env)
    else:
        ours = Lines([sys.argv[1], 'server', package, '-', '%x' % (request & EXTENDED_ERROR)], ours_env)
        theirs = Lines([sys.argv[2], 'client', mechanism, target, '%x' % gss_request], theirs_env)
    for side, good in ((ours, 'SEC_E_OK'), (theirs, 'complete')):
        answer = side.ask('acquire')
        if answer[0] != good:
            raise RuntimeError('credentials: %s' % answer)
    return ours, theirs


def exchange(ours, theirs, ours_are_client):
    """(our last answer, their last answer)"""
    if ours_are_client:
        return converse(ours, theirs)
    return converse(theirs, ours)[::-1]


def established(name, ours, theirs, ours_are_client):
    us, them = exchange(ours, theirs, ours_are_client)
    return check((us[0], them[0]) == ('SEC_E_OK', 'complete'), name + ': a session', '%s %s' % (us, them))


def messages(name, ours, theirs):
    for command in 'seal', 'wrap':
        good = []
        for size in SIZES:
            status, message, _ = ours.ask(command, data(size))
            opened = theirs.ask('open', message)
            good.append((status, opened) == ('SEC_E_OK', ['complete', data(size), '1' if command == 'seal' else '0']))
            status, message, _ = theirs.ask(command, data(size))
            opened = ours.ask('open', message)
            good.append((status, opened) == ('complete', ['SEC_E_OK', data(size), '0' if command == 'seal' else '80000001']))
        equal(good, [True] * len(good), '%s: messages in both directions, %s' % (name, command))
    mic = ours.ask('sign', data(100))
    equal((mic[0], theirs.ask('verify', data(100), mic[1])[0]), ('SEC_E_OK', 'complete'), name + ': our signature')
    mic = theirs.ask('sign', data(100))
    equal((mic[0], ours.ask('verify', data(100), mic[1])[0]), ('complete', 'SEC_E_OK'), name + ': their signature')
    message = theirs.ask('seal', data(64))[1]
    altered = message[:-2] + '%02x' % (int(message[-2:], 16) ^ 1)
    equal(ours.ask('open', altered)[0], 'SEC_E_MESSAGE_ALTERED', name + ': an altered message is refused here')
    equal(ours.ask('open', message)[:2], ['SEC_E_OK', data(64)], name + ': and the right one still taken')
    equal(ours.ask('open', message)[0], 'SEC_E_OUT_OF_SEQUENCE', name + ': once')
    message = ours.ask('seal', data(64))[1]
    altered = message[:-2] + '%02x' % (int(message[-2:], 16) ^ 1)
    equal(theirs.ask('open', altered)[0], 'error', name + ': an altered message is refused there')


def sessions(realm):
    for ours_are_client in True, False:
        for package, mechanism in MECHANISMS:
            name = '%s, we are the %s' % (package, 'client' if ours_are_client else 'server')
            ours, theirs = pair(realm, ours_are_client, package, mechanism)
            if established(name, ours, theirs, ours_are_client):
                words = ' '.join(ours.ask('names')).split()
                equal(words[:4], ['SEC_E_OK', 'alice@SSPI.TEST', SERVICE + '@SSPI.TEST', 'Kerberos'], name + ': we know both')
                equal(theirs.ask('names')[1], 'alice@SSPI.TEST', name + ': they know the client')
                messages(name, ours, theirs)
            ours.close()
            theirs.close()


def styles(realm):
    for ours_are_client in True, False:
        who = 'we are the ' + ('client' if ours_are_client else 'server')
        ours, theirs = pair(realm, ours_are_client, 'Kerberos', 'krb5', SEALED | DCE, GSS_SEALED | GSS_DCE)
        established('DCE style, ' + who, ours, theirs, ours_are_client)
        mic = ours.ask('sign', data(50))
        equal(theirs.ask('verify', data(50), mic[1])[0], 'complete', 'DCE style, %s: a signature' % who)
        for without in ((0x10000 | 0x10, 0x30), ):
            ours, theirs = pair(realm, ours_are_client, 'Kerberos', 'krb5', without[0], without[1])
            established('one leg, ' + who, ours, theirs, ours_are_client)
    ours, theirs = pair(realm, True, 'Kerberos', 'krb5', SEALED | DELEGATE, target='HTTP/delegate.sspi.test')
    if established('delegation to them', ours, theirs, True):
        check('delegated' in ' '.join(theirs.ask('names')), 'delegation to them: they have it')
    ours, theirs = pair(realm, False, 'Kerberos', 'krb5', 0, GSS_SEALED | DELEGATE, target='HTTP/delegate.sspi.test')
    if established('delegation to us', ours, theirs, False):
        equal(int(' '.join(ours.ask('names')).split()[4], 16) & 1, 1, 'delegation to us: we say so')


def bindings(realm):
    """Heimdal enforces bindings when both sides have some; so do we."""
    one, other = b'tls-server-end-point:one'.hex(), b'tls-server-end-point:two'.hex()
    for ours_are_client in True, False:
        who = 'we are the ' + ('client' if ours_are_client else 'server')
        ours, theirs = pair(realm, ours_are_client, 'Kerberos', 'krb5')
        ours.ask('bind', one)
        theirs.ask('bind', one)
        established('the same channel, ' + who, ours, theirs, ours_are_client)
        ours, theirs = pair(realm, ours_are_client, 'Kerberos', 'krb5')
        ours.ask('bind', one)
        theirs.ask('bind', other)
        us, them = exchange(ours, theirs, ours_are_client)
        equal(them[0] if ours_are_client else us[0], 'error' if ours_are_client else 'SEC_E_BAD_BINDINGS',
              'another channel is refused, ' + who)


def wrong_keys(realm):
    cases = ((peers.forged_keytab(realm, 'other.keytab', SERVICE, 1), 'another key', 'SEC_E_LOGON_DENIED'),
             (peers.forged_keytab(realm, 'number.keytab', SERVICE, 2), 'a key of another number', 'SEC_E_NO_KERB_KEY'),
             (peers.forged_keytab(realm, 'foreign.keytab', 'HTTP/nobody.sspi.test', 1), 'the key of another service',
              'SEC_E_WRONG_PRINCIPAL'))
    for path, what, status in cases:
        ours, theirs = pair(realm, False, 'Kerberos', 'krb5', EXTENDED_ERROR, ours_env=peers.environment(realm, KRB5_KTNAME='FILE:' + path))
        us, them = exchange(ours, theirs, False)
        equal(us[0], status, 'a ticket of theirs, and we have ' + what)
        check(us[1] != '-' and them[0] == 'error', 'and our KRB-ERROR is understood: ' + them[2], '%s %s' % (us, them))
        ours, theirs = pair(realm, True, 'Kerberos', 'krb5', theirs_env=dict(realm.environment, KRB5_KTNAME='FILE:' + path))
        us, them = exchange(ours, theirs, True)
        check(them[0] == 'error', 'a ticket of ours, and they have %s: %s' % (what, them[2]), str(them))
        if them[1] != '-':
            check(us[0].startswith('SEC_E_'), 'and their KRB-ERROR is understood: ' + us[0], str(us))


def main():
    realm = peers.start_realm()
    sessions(realm)
    styles(realm)
    bindings(realm)
    wrong_keys(realm)


harness.run(main)
