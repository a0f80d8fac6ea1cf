#!/usr/bin/env python3
"""kerberos_pkinit.py SSPI_LINES: logons with certificates (RFC 4556), whose identities CredMarshalCredential names, and armored ones
(RFC 6113), at MIT's KDC."""
import glob
import hashlib
import os
import ssl
import subprocess
import sys

import harness
import kerberos_peers as peers
import pkinit_realm
import sam_kdc
from harness import check, equal

PLUGIN = '/usr/lib/x86_64-linux-gnu/krb5/plugins/preauth/pkinit.so'
CARD = 'HTTP/card.sspi.test'
GOES_ON = 'SEC_I_CONTINUE_NEEDED'
DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#-'

realm = None
count = 0


def marshaled(name):
    """CredMarshalCredential(CertCredential): six bits a character, the lowest first."""
    with open(realm.pki.path(name + '.pem'), encoding='ascii') as file:
        number = int.from_bytes(hashlib.sha1(ssl.PEM_cert_to_DER_cert(file.read())).digest(), 'little')
    return '@@B' + ''.join(DIGITS[number >> 6 * i & 63] for i in range(27))


def my(name, key=True):
    """Puts a certificate into the user's store."""
    folder = os.path.join(harness.scratch(), 'sspi/my')
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for ending in ('.pem', '.key') if key else ('.pem', ):
        with open(realm.pki.path(name + ending), encoding='ascii') as file:
            harness.write('sspi/my/%s%s' % (name, ending), file.read())
    return marshaled(name)


def client(user, policy='', target=CARD, package='Kerberos', configuration='krb5.conf', password='', after='', domain='', **more):
    global count
    count += 1
    env = peers.environment(realm, 'pkinit-%d.conf' % count, policy, KRB5_CONFIG=realm.path(configuration), SSPI_PASSWORD=password,
                            KRB5CCNAME='FILE:' + realm.path('nobody'), XDG_DATA_HOME=harness.scratch(), **more)
    with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
        file.write(after)
    return peers.Lines([sys.argv[1], 'client', package, target, '%x' % peers.SEALED, user, domain], env)


def begin(ours):
    answer = ours.ask('acquire')
    return ours.ask('step', '-') if answer[0] == 'SEC_E_OK' else answer


def server():
    ours = peers.Lines([sys.argv[1], 'server', 'Negotiate', '-', '0'], peers.environment(realm))
    ours.ask('acquire')
    return ours


def certificates():
    ours, theirs = client(my('alice')), server()
    equal(ours.ask('acquire')[0], 'SEC_E_OK', 'a certificate: the credential')
    equal(peers.converse(ours, theirs)[1][0], 'SEC_E_OK', 'a certificate: a session with a service for such alone')
    equal(theirs.ask('names')[1], 'alice@SSPI.TEST', 'a certificate: the server knows who')
    with open(realm.pki.path('alice.pem'), encoding='ascii') as file:
        equal(ours.ask('certificate')[:2], ['SEC_E_OK', ssl.PEM_cert_to_DER_cert(file.read()).hex()], 'SECPKG_CRED_ATTR_CERT')
    equal(client('alice', password='alice secret').ask('certificate')[0], 'SEC_E_INVALID_HANDLE', 'no credential, no certificate')
    answer = begin(client('alice', password='alice secret'))
    check(answer[0] not in (GOES_ON, 'SEC_E_OK'), 'a password is not enough for that service', str(answer))
    answer = begin(client(my('elliptic')))
    equal(answer[0], GOES_ON, 'a certificate with a P-256 key')
    answer = begin(client(my('alice'), configuration='krb5-noanchors.conf',
                          after='[certificates]\nroots = %s\n' % realm.pki.path('root.pem')))
    equal(answer[0], GOES_ON, "the policy's roots vouch for the KDC where krb5.conf names none")
    ours, theirs = client(my('alice'), package='Negotiate'), server()
    equal(ours.ask('acquire')[0], 'SEC_E_OK', 'Negotiate: the credential')
    equal(peers.converse(ours, theirs)[1][0], 'SEC_E_OK', 'Negotiate: a session')
    equal(theirs.ask('names')[2].split()[1], 'Kerberos', 'Negotiate: by Kerberos')


def refusals():
    realm.user('expired', dates=('20200101000000Z', '20210101000000Z'))
    realm.user('unknown', 'stranger')
    realm.user('upn', names=pkinit_realm.upn('alice@SSPI.TEST'))
    realm.user('nobody', names='DNS:alice.example.com')
    realm.user('absent', names=pkinit_realm.principal('carol'))
    realm.user('keyless')
    for name, status, text in (
            ('expired', 'SEC_E_SMARTCARD_CERT_EXPIRED', 'a certificate that has expired'),
            ('revoked', 'SEC_E_SMARTCARD_CERT_REVOKED', 'a certificate that was revoked'),
            ('unknown', 'SEC_E_PKINIT_CLIENT_FAILURE', 'a certificate of an authority that the KDC does not know'),
            ('upn', 'SEC_E_PKINIT_NAME_MISMATCH', 'a user principal name at a KDC that wants none'),
            ('absent', 'SEC_E_LOGON_DENIED', 'a certificate of somebody who is not there')):
        answer = begin(client(my(name), configuration='krb5-both.conf'))
        equal(answer[0], status, text)
        harness.note(answer[2])
    equal(begin(client(my('nobody')))[0], 'SEC_E_UNKNOWN_CREDENTIALS', 'a certificate that names nobody')
    equal(begin(client(my('keyless', key=False)))[0], 'SEC_E_NO_CREDENTIALS', 'a certificate without its key')
    equal(begin(client('@@B' + 27 * 'A'))[0], 'SEC_E_UNKNOWN_CREDENTIALS', 'a hash that no certificate has')
    for name, configuration, status, text in (
            ('alice', 'krb5-stranger.conf', 'SEC_E_PKINIT_CLIENT_FAILURE', 'a certificate that nobody here trusts'),
            ('alice', 'krb5-noanchors.conf', 'SEC_E_PKINIT_CLIENT_FAILURE', 'no anchors at all')):
        answer = begin(client(my(name), configuration=configuration))
        equal(answer[0], status, text)
        harness.note(answer[2])
    for name, names, usage, text in (
            ('impostor', pkinit_realm.principal('krbtgt', 'OTHER.TEST'), pkinit_realm.KDC_USAGE, "another realm's KDC"),
            ('website', 'DNS:server.sspi.test', 'serverAuth', 'a KDC whose certificate is for something else')):
        realm.pki.leaf(name, 'root', names=names, usage=usage, kind='rsa')
        realm.change_kdc(name)
        answer = begin(client(my('alice')))
        equal(answer[0], 'SEC_E_ISSUING_CA_UNTRUSTED_KDC', text)
        harness.note(answer[2])
    realm.change_kdc('kdc', upns=True)
    answer = begin(client(my('upn')))
    check(answer[0] == GOES_ON, 'a user principal name at a KDC that takes them', answer[2])
    for package, status in (('NTLM', 'SEC_E_NO_CREDENTIALS'), ('WDigest', 'SEC_E_NO_CREDENTIALS')):
        equal(client(my('alice'), package=package, password='1234').ask('acquire')[0], status, 'a PIN is no password of ' + package)
    answer = begin(client(my('alice'), package='Negotiate', configuration='krb5-dead.conf', password='1234'))
    equal(answer[0:2], ['SEC_E_NO_AUTHENTICATING_AUTHORITY', '-'], 'Negotiate: no KDC, and no NTLM with the PIN')


def armor():
    target = pkinit_realm.ARMORED
    answer = begin(client('alice', password='alice secret', target=target))
    check(answer[0] == 'SEC_E_LOGON_DENIED', 'a service for armored logons: not without', str(answer))
    harness.note(answer[2])
    cache = realm.path('armor')
    realm.kinit('bob', 'FILE:' + cache)
    for what, policy in (('a cache', 'armor = FILE:%s\n' % cache), ('an anonymous ticket', 'armor = anonymous\n')):
        for required in '', 'armor-required = yes\n':
            ours, theirs = client('alice', policy + required, password='alice secret', target=target), server()
            ours.ask('acquire')
            us, them = peers.converse(ours, theirs)
            equal((us[0], them[0]), ('SEC_E_OK', 'SEC_E_OK'), 'armor: %s %s' % (what, required.strip()))
            harness.note(us[2] or them[2])
    answer = begin(client('alice', 'armor = FILE:%s\narmor-required = yes\n' % cache, password='wrong', target=target))
    equal(answer[0], 'SEC_E_LOGON_DENIED', 'armor: a wrong password')
    answer = begin(client('alice', 'armor = FILE:%s-gone\n' % cache, password='alice secret', target='HTTP/server.sspi.test'))
    equal(answer[0], GOES_ON, 'armor that is not there, and is not required')
    answer = begin(client('alice', 'armor = FILE:%s-gone\narmor-required = yes\n' % cache, password='alice secret',
                          target='HTTP/server.sspi.test'))
    check(answer[0] in ('SEC_E_NO_CREDENTIALS', 'SEC_E_UNSUPPORTED_PREAUTH'), 'armor that is not there, and is required', str(answer))
    answer = begin(client('alice', 'armor-required = yes\n', password='alice secret', target='HTTP/server.sspi.test'))
    check(answer[0] in ('SEC_E_NO_CREDENTIALS', 'SEC_E_UNSUPPORTED_PREAUTH'), 'armor that is required, and not named', str(answer))


def tokens():
    """The key stays in a PKCS#11 token, for which the password is the PIN."""
    modules = glob.glob('/usr/lib/softhsm/libsofthsm2.so') + glob.glob('/usr/lib/*/softhsm/libsofthsm2.so')
    if not modules:
        harness.skip('a key in a token', 'libsofthsm2.so is not installed (package softhsm2)')
        return
    tool = harness.need_program('softhsm2-util', 'softhsm2')
    writer = '/usr/bin/pkcs11-tool'
    if not os.path.exists(writer):
        harness.skip('a key in a token', 'pkcs11-tool is not installed (package opensc)')
        return
    os.mkdir(os.path.join(harness.scratch(), 'tokens'))
    env = dict(os.environ, SOFTHSM2_CONF=harness.write('softhsm2.conf', 'directories.tokendir = %s/tokens\n' % harness.scratch()))
    realm.user('token')
    realm.pki.run('x509', '-in', 'token.pem', '-outform', 'DER', '-out', 'token.der')
    for command in ([tool, '--init-token', '--free', '--label', 'sspi', '--pin', '271828', '--so-pin', '271828'],
                    [tool, '--import', realm.pki.path('token.key'), '--token', 'sspi', '--label', 'alice', '--id', '0a', '--pin', '271828'],
                    [writer, '--module', modules[0], '--token-label', 'sspi', '--login', '--pin', '271828', '--write-object',
                     realm.pki.path('token.der'), '--type', 'cert', '--id', '0a', '--label', 'alice']):
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    name = my('token', key=False)
    harness.write('sspi/my/token.uri', 'pkcs11:token=sspi;id=%%0A;type=private?module-path=%s\n' % modules[0])
    answer = begin(client(name, password='271828', SOFTHSM2_CONF=env['SOFTHSM2_CONF']))
    check(answer[0] == GOES_ON, 'a key in a token', answer[2])
    for pin, text in (('141421', 'a key in a token: another PIN'), ('', 'a key in a token: no PIN')):
        answer = begin(client(name, password=pin, SOFTHSM2_CONF=env['SOFTHSM2_CONF']))
        equal(answer[0], 'SEC_E_PKINIT_CLIENT_FAILURE', text)
        harness.note(answer[2])


def other_questions():
    """The PIN is for the certificate's key, whatever else a KDC has the user asked for."""
    kdc = sam_kdc.SamKdc('SSPI.TEST')
    with open(realm.path('krb5.conf'), encoding='utf-8') as file:
        text = file.read()
    realm.write('krb5-sam.conf', text.replace('kdc = 127.0.0.1:%d' % realm.kdc_port, 'kdc = 127.0.0.1:%d' % kdc.port))
    answer = begin(client(my('alice'), configuration='krb5-sam.conf', password='271828'))
    equal(answer[0], 'SEC_E_PKINIT_CLIENT_FAILURE', 'a KDC that asks for something else than a certificate')
    check('Cannot read password' in answer[2], 'gets no PIN', answer[2])


def main():
    global realm
    harness.need_file(PLUGIN, 'krb5-pkinit')
    realm = peers.start_realm(kind=pkinit_realm.PkinitRealm)
    realm.user('alice')
    realm.user('elliptic', kind='p256')
    certificates()
    refusals()
    armor()
    tokens()
    other_questions()


harness.run(main)
