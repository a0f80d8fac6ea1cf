#!/usr/bin/env python3
"""test_mail.py FOLDER : the IMAP client at Dovecot, with the tickets of a realm of its own (GSSAPI, GSS-SPNEGO) and with passwords
(DIGEST-MD5), in the clear and by TLS; and who must stay outside."""
import os
import sys

import dovecot_site
import harness
import kerberos_peers as peers
from harness import check, equal, matches

FOLDER = os.path.abspath(sys.argv[1])
SERVICE = 'imap/' + dovecot_site.HOST
# Names and passwords of ISO 8859-1 are hashed as that (RFC 2831 2.1.2.1), but not by Dovecot: only what is not in it agrees.
PEOPLE = {'alice': 'alice secret', 'łucja': 'p"ł\\ss'}

realm = None


def client(site, mechanism, user=None, password=None, domain='', authority='-', name=dovecot_site.HOST, **environment):
    env = peers.environment(realm, **environment)
    if user is not None:
        env.update(SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_DOMAIN=domain, SSPI_EXAMPLE_PASSWORD=password)
    return harness.call([os.path.join(FOLDER, 'example-imap_client'), '127.0.0.1', str(site.port), mechanism, authority, name], env=env)


def let_in(site, what, result, mechanism, user='alice', first=''):
    equal((result.status, result.err), (0, ''), what + ': signed in')
    wanted = r'^%ssigned in with %s\n\* NAMESPACE \(\("" "/"\)\) NIL NIL\n.*\* %d EXISTS\n' % (first, mechanism, len(user))
    matches(wanted, result.out, what + ': reads its own mailbox')
    check(site.signed_in(user, mechanism), what + ': Dovecot knows who', site.log)


def kept_out(site, what, result, why):
    equal((result.status, result.out), (1, ''), what + ': not signed in')
    matches(why, result.err, what + ': says why')
    check(site.process.running(), what + ': Dovecot lives', site.log)


def kerberos(site):
    nobody = {'KRB5CCNAME': 'FILE:' + realm.path('nobody')}
    for mechanism in 'GSSAPI', 'GSS-SPNEGO':
        let_in(site, mechanism, client(site, mechanism), mechanism)
        let_in(site, mechanism + ' with a name and a password',
               client(site, mechanism, user='alice', password='alice secret', domain='SSPI.TEST', **nobody), mechanism)
        kept_out(site, mechanism + ' without a ticket', client(site, mechanism, **nobody), 'SEC_E_NO_CREDENTIALS')
    kept_out(site, 'a service that is not there', client(site, 'GSSAPI', name='unknown.example.com'), 'SEC_E_TARGET_UNKNOWN')
    kept_out(site, 'a wrong password for a ticket', client(site, 'GSSAPI', user='alice', password='alice Secret', domain='SSPI.TEST', **nobody),
             'SEC_E_LOGON_DENIED')


def digest(site):
    for user, password in PEOPLE.items():
        let_in(site, 'DIGEST-MD5, ' + user, client(site, 'DIGEST-MD5', user=user, password=password), 'DIGEST-MD5', user)
    for user, password in (('alice', 'alice Secret'), ('nobody', 'alice secret')):
        kept_out(site, 'DIGEST-MD5, %s with "%s"' % (user, password), client(site, 'DIGEST-MD5', user=user, password=password),
                 'the server answers NO')


def tls(site, pki):
    root, stranger = os.path.join(pki, 'root.pem'), os.path.join(pki, 'stranger.pem')
    let_in(site, 'GSSAPI in TLS', client(site, 'GSSAPI', authority=root), 'GSSAPI', first=r'TLS 1\.[23] with server-p256\n')
    let_in(site, 'DIGEST-MD5 in TLS', client(site, 'DIGEST-MD5', 'alice', 'alice secret', authority=root), 'DIGEST-MD5',
           first=r'TLS 1\.[23] with server-p256\n')
    result = client(site, 'GSSAPI', authority=stranger)
    equal(result.status, 1, 'under another authority nobody signs in')
    matches('not accepted', result.out, 'and the reason is the certificate')
    result = client(site, 'GSSAPI', authority=root, name='www.example.org')
    equal(result.status, 1, 'nor under another name')


def another_key():
    """A server that has not the service's key."""
    site = dovecot_site.Site(PEOPLE, 'gssapi', peers.forged_keytab(realm, 'other.keytab', SERVICE, 1), realm.path('krb5.conf'))
    kept_out(site, 'a server with another key', client(site, 'GSSAPI'), 'the server answers NO')
    site.process.stop()


def main():
    global realm
    lacking = dovecot_site.missing()
    if lacking:
        raise harness.SkipAll(lacking)
    realm = peers.start_realm()
    realm.kadmin('addprinc -randkey ' + SERVICE)
    keytab = peers.keytab(realm, 'imap.keytab', 'ktadd -norandkey -k {} ' + SERVICE)
    pki = os.environ.get('SSPI_TEST_PKI')
    site = dovecot_site.Site(PEOPLE, 'digest-md5 gssapi gss-spnego', keytab, realm.path('krb5.conf'),
                             tls=os.path.join(pki, 'server-p256') if pki else None)
    kerberos(site)
    digest(site)
    if pki:
        tls(site, pki)
    else:
        harness.skip('TLS', 'openssl is not installed: no certificates')
    kept_out(site, 'a mechanism that is not offered', client(site, 'NTLM', user='alice', password='alice secret'), 'the server answers NO')
    let_in(site, 'after all that', client(site, 'GSSAPI'), 'GSSAPI')
    site.process.stop()
    another_key()


harness.run(main)
