#!/usr/bin/env python3
"""test_apache.py FOLDER : the HTTP clients at Apache: Negotiate with tickets, NTLM (mod_auth_gssapi), and Digest (mod_auth_digest)."""
import hashlib
import os
import sys

import apache_site
import harness
import kerberos_peers as peers
from harness import check, equal

FOLDER = os.path.abspath(sys.argv[1])
SERVICE = 'HTTP/www.example.com'
STAYS_OUT = (1, '', 'the server does not let this user in\n')


def fetch(program, site, env, *more, user=None, password=None, domain=''):
    if user is not None:
        env = dict(env, SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_PASSWORD=password, SSPI_EXAMPLE_DOMAIN=domain)
    result = harness.call([os.path.join(FOLDER, 'example-' + program), '127.0.0.1', str(site.port), '/who.shtml', *more], env=env)
    return result.status, result.out, result.err


def let_in(what, site, got, user, times=1):
    check(got == (0, times * ('200\nuser=%s\n' % user), ''), what, lambda: '%s\n%s' % (got, site.log()))


def kerberos():
    realm = peers.start_realm()
    realm.kadmin('addprinc -randkey ' + SERVICE)
    site = apache_site.Site(peers.keytab(realm, 'http.keytab', 'ktadd -norandkey -k {} ' + SERVICE), realm.path('krb5.conf'))
    env = peers.environment(realm)
    nobody = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'))
    let_in('Negotiate with a ticket', site, fetch('http_client', site, env, 'Negotiate', SERVICE), 'alice@SSPI.TEST')
    let_in('Negotiate with a name and a password', site,
           fetch('http_client', site, nobody, 'Negotiate', SERVICE, user='bob', password='bob secret', domain='SSPI.TEST'), 'bob@SSPI.TEST')
    status, out, err = fetch('http_client', site, nobody, 'Negotiate', SERVICE)
    check((status, out) == (1, '') and 'SEC_E_NO_CREDENTIALS' in err, 'not without a ticket', err)
    site.process.stop()
    site = apache_site.Site(peers.forged_keytab(realm, 'other.keytab', SERVICE, 1), realm.path('krb5.conf'))
    equal(fetch('http_client', site, env, 'Negotiate', SERVICE)[:2], (1, ''), 'nor where the server has another key')
    site.process.stop()


def ntlm():
    lacking = apache_site.missing_ntlm()
    if lacking:
        harness.skip('NTLM', lacking)
        return
    site = apache_site.Site(scheme=apache_site.NTLM, users='DOMAIN:anna:opensesame\n')
    env = harness.environment([])
    for package in 'NTLM', 'Negotiate':
        let_in(package, site, fetch('http_client', site, env, package, user='anna', password='opensesame', domain='DOMAIN'), 'DOMAIN\\anna')
        equal(fetch('http_client', site, env, package, user='anna', password='OpenSesame', domain='DOMAIN'), STAYS_OUT,
              package + ': not with a wrong password')
    site.process.stop()


def digest():
    site = apache_site.Site(scheme=apache_site.DIGEST, users='anna:test:%s\n' % hashlib.md5(b'anna:test:opensesame').hexdigest())
    env = harness.environment([])
    let_in('Digest, twice with one context', site, fetch('digest_client', site, env, user='anna', password='opensesame'), 'anna', 2)
    equal(fetch('digest_client', site, env, user='anna', password='OpenSesame'), (1, '', 'the server answers 401\n'),
          'Digest: not with a wrong password')
    site.process.stop()


def main():
    lacking = apache_site.missing()
    if lacking:
        raise harness.SkipAll(lacking)
    ntlm()
    digest()
    kerberos()


harness.run(main)
