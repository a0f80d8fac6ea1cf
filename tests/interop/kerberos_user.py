#!/usr/bin/env python3
"""kerberos_user.py SSPI_LINES: user-to-user between two processes of ours, with the package Kerberos and within Negotiate: asked for,
because the KDC makes no other ticket, and because the server says so."""
import sys

import harness
import kerberos_peers as peers
from harness import check, equal
from kerberos_peers import SEALED, Lines, converse

USE_SESSION_KEY, DCE = 0x20, 0x200
SERVICE = 'HTTP/server.sspi.test'
MESSAGE = '000102030405060708'

realm = None


def client(package, target, request, **more):
    side = Lines([sys.argv[1], 'client', package, target, '%x' % request], peers.environment(realm, **more))
    equal(side.ask('acquire')[0], 'SEC_E_OK', 'credentials of a client')
    return side


def server(package, who=(), **more):
    side = Lines([sys.argv[1], 'server', package, '-', '0', *who], peers.environment(realm, **more))
    equal(side.ask('acquire')[0], 'SEC_E_OK', 'credentials of a server')
    return side


def as_user(package, user='bob'):
    """A server with a name and a password, and a keytab that has no key of that name."""
    return server(package, (user, 'SSPI.TEST'), SSPI_PASSWORD=user + ' secret', KRB5CCNAME='FILE:' + realm.path('none'))


def with_tickets(package):
    """A server with tickets, and without a keytab."""
    return server(package, KRB5CCNAME='FILE:' + realm.path('bob-cache'), KRB5_KTNAME='FILE:' + realm.path('no-keytab'))


def session(name, ours, theirs, user='bob', to_user=True):
    us, them = converse(ours, theirs)
    if not check((us[0], them[0]) == ('SEC_E_OK', 'SEC_E_OK'), name, '%s %s' % (us, them)):
        return
    for side in ours, theirs:
        _, first, second, package, flags = ' '.join(side.ask('names')).split()
        equal((first, package), ('alice@SSPI.TEST', 'Kerberos'), name + ': who, and by what')
        if to_user:
            equal(second, user + '@SSPI.TEST', name + ': and to whom')
        equal(int(flags, 16) & USE_SESSION_KEY, USE_SESSION_KEY if to_user else 0, name + ': the flag says so')
    for one, other in (ours, theirs), (theirs, ours):
        equal(other.ask('open', one.ask('seal', MESSAGE)[1])[:2], ['SEC_E_OK', MESSAGE], name + ': a sealed message')
        equal(other.ask('verify', MESSAGE, one.ask('sign', MESSAGE)[1])[0], 'SEC_E_OK', name + ': a signed one')


def asked_for(package):
    for style, more in (('', 0), (', DCE style', DCE)):
        request = SEALED | USE_SESSION_KEY | more
        for how, make in (('with a password', as_user), ('with tickets', with_tickets)):
            session('%s: asked for%s, %s' % (package, style, how), client(package, 'bob@SSPI.TEST', request), make(package))


def by_itself(package):
    for style, more in (('', 0), (', DCE style', DCE)):
        session('%s: the KDC insists%s' % (package, style), client(package, 'carol@SSPI.TEST', SEALED | more), as_user(package, 'carol'), 'carol')
        session('%s: a server with tickets alone insists%s' % (package, style), client(package, 'bob@SSPI.TEST', SEALED | more), with_tickets(package))
        session('%s: a server that is a user insists%s' % (package, style), client(package, 'bob@SSPI.TEST', SEALED | more), as_user(package))


def another_user():
    """Whose ticket granting ticket the server shows must be whom the client wants."""
    us, them = converse(client('Kerberos', 'carol@SSPI.TEST', SEALED | USE_SESSION_KEY), as_user('Kerberos'))
    check(us[0].startswith('SEC_E_') and us[0] != 'SEC_E_OK', 'a server that is somebody else: ' + us[0], str(them))
    us, them = converse(client('Kerberos', SERVICE, SEALED), with_tickets('Kerberos'))
    equal(them[0], 'SEC_E_NO_CREDENTIALS', 'a user is no service, and does not say that it were one')


def insisting_twice():
    ours, theirs = client('Kerberos', 'bob@SSPI.TEST', SEALED), with_tickets('Kerberos')
    error = theirs.ask('step', ours.ask('step', '-')[1])
    equal(error[0], 'SEC_I_CONTINUE_NEEDED', 'a server without keys answers with a KRB-ERROR')
    equal(ours.ask('step', error[1])[0], 'SEC_I_CONTINUE_NEEDED', 'which the client follows')
    equal(ours.ask('step', error[1])[0], 'SEC_E_NO_TGT_REPLY', 'once')
    theirs.ask('again')
    ours.ask('again')
    first = ours.ask('step', '-')[1]
    theirs.ask('step', first)
    equal(theirs.ask('step', first)[0], 'SEC_E_NO_CREDENTIALS', 'a client that does not follow is refused')


def no_user_there():
    """A server with keys and without tickets: user-to-user cannot be, and Negotiate goes on with the keys."""
    theirs = server('Negotiate', KRB5CCNAME='FILE:' + realm.path('none'))
    session('Negotiate: a service instead of a user', client('Negotiate', SERVICE, SEALED | USE_SESSION_KEY), theirs, to_user=False)
    us, them = converse(client('Kerberos', SERVICE, SEALED | USE_SESSION_KEY), server('Kerberos', KRB5CCNAME='FILE:' + realm.path('none')))
    equal(them[0], 'SEC_E_NO_CREDENTIALS', 'Kerberos: there it is an error')


def without_spnego():
    """A client of the package Kerberos at a server of Negotiate: framed, as it is in DCE style, and user-to-user."""
    for style, more in (('', 0), (', DCE style', DCE)):
        session('Kerberos at Negotiate%s' % style, client('Kerberos', SERVICE, SEALED | more), server('Negotiate'), to_user=False)
    session('user-to-user at Negotiate, without SPNEGO', client('Kerberos', 'bob@SSPI.TEST', SEALED | USE_SESSION_KEY), as_user('Negotiate'))


def main():
    global realm
    realm = peers.start_realm()
    realm.kadmin('addprinc -pw "carol secret" -allow_svr carol')
    realm.kinit('bob', 'FILE:' + realm.path('bob-cache'))
    for package in 'Kerberos', 'Negotiate':
        asked_for(package)
        by_itself(package)
    another_user()
    insisting_twice()
    no_user_there()
    without_spnego()


harness.run(main)
