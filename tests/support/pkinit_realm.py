"""A realm whose users log on with certificates (RFC 4556), and whose logons may be armored (RFC 6113).

    realm = kerberos_peers.start_realm(kind=pkinit_realm.PkinitRealm)
    realm.pki                       # support/pki.py: root, stranger, kdc, and users below `root`
    realm.user('alice')             # the certificate alice.pem, alice.key with the name alice@SSPI.TEST

HTTP/armored.sspi.test is for those alone who logged on with an encrypted challenge, which takes armor.
"""
import os
import re

import pki
import realm as realms

KDC_USAGE, CLIENT_USAGE = '1.3.6.1.5.2.3.5', '1.3.6.1.5.2.3.4'
ARMORED = 'HTTP/armored.sspi.test'


def principal(*parts):
    """A subjectAltName of the form id-pkinit-san (3.2.2), with the sections of openssl's configuration that it is made of."""
    lines = ['otherName:1.3.6.1.5.2.2;SEQUENCE:principal', '[principal]', 'realm=EXP:0,GeneralString:' + realms.REALM,
             'name=EXP:1,SEQUENCE:name', '[name]', 'type=EXP:0,INTEGER:1', 'parts=EXP:1,SEQUENCE:parts', '[parts]']
    return '\n'.join(lines + ['p%d=GeneralString:%s' % pair for pair in enumerate(parts)] + ['[rest]'])


def upn(name):
    return 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:' + name


class PkinitRealm(realms.Realm):
    def __init__(self, admin=False):
        super().__init__(admin)
        self.pki = pki.Pki(self.path('pki'))
        for name in 'root', 'stranger':
            self.pki.ca(name, kind='rsa')
        self.pki.write('both.pem', self.pki.read('root.pem') + self.pki.read('stranger.pem'))
        self.pki.leaf('kdc', 'root', names=principal('krbtgt', realms.REALM), usage=KDC_USAGE, kind='rsa')
        self.pki.leaf('revoked', 'root', names=principal('alice'), usage=CLIENT_USAGE, kind='rsa')
        self.pki.revoke('revoked', 'root')
        os.mkdir(self.path('revoked'))
        self.pki.crl('root')
        os.rename(self.pki.path('root.crl.pem'), self.path('revoked/root.crl.pem'))

    def user(self, name, issuer='root', names=None, **more):
        self.pki.leaf(name, issuer, names=names or principal('alice'), usage=CLIENT_USAGE, **{'kind': 'rsa', **more})

    def change_kdc(self, certificate, upns=False):
        """The KDC again, with another certificate."""
        with open(self.path('kdc.conf'), encoding='utf-8') as file:
            text = file.read()
        self.write('kdc.conf', re.sub('pkinit_identity = .*', 'pkinit_identity = FILE:%s,%s' % (
            self.pki.path(certificate + '.pem'), self.pki.path(certificate + '.key')), text).replace(
                'pkinit_indicator', ('pkinit_allow_upn = true\n        ' if upns else '') + 'pkinit_indicator'))
        self.stop_processes()
        self.start_kdc()

    def configure(self):
        super().configure()
        with open(self.path('krb5.conf'), encoding='utf-8') as file:
            text = file.read()
        self.write('krb5-noanchors.conf', text)
        for name, anchor in (('krb5.conf', 'root'), ('krb5-stranger.conf', 'stranger'), ('krb5-both.conf', 'both')):
            self.write(name, text.replace('[libdefaults]', '[libdefaults]\n    pkinit_anchors = FILE:' +
                                          self.pki.path(anchor + '.pem')))
        with open(self.path('kdc.conf'), encoding='utf-8') as file:
            text = file.read()
        self.write('kdc.conf', text.replace('max_life = 10h', '''max_life = 10h
        pkinit_identity = FILE:%s,%s
        pkinit_anchors = FILE:%s
        pkinit_revoke = DIR:%s
        pkinit_indicator = certificate
        encrypted_challenge_indicator = armored''' % (
            self.pki.path('kdc.pem'), self.pki.path('kdc.key'), self.pki.path('root.pem'), self.path('revoked'))))

    def populate(self):
        super().populate()
        self.kadmin('addprinc -randkey %s' % ARMORED, 'setstr %s require_auth armored' % ARMORED,
                    'ktadd -norandkey -k %s %s' % (self.path('keytab'), ARMORED),
                    'addprinc -randkey HTTP/card.sspi.test', 'setstr HTTP/card.sspi.test require_auth certificate',
                    'ktadd -norandkey -k %s HTTP/card.sspi.test' % self.path('keytab'),
                    'addprinc -randkey WELLKNOWN/ANONYMOUS')
