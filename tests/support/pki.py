#!/usr/bin/env python3
"""tests/support/pki.py DIRECTORY : a throw-away public key infrastructure, made with the openssl command.

Two CAs (root, and intermediate below it), a second root that nobody trusts, and leaves that are right or wrong in one way
each.  For every NAME there is NAME.pem, NAME.key (unencrypted PKCS#8) and, for leaves of the intermediate, NAME.chain.pem,
which is the leaf and the intermediate.  Nothing here expires in a hundred years but what is meant to have.

    root  intermediate  stranger                       CAs
    server-rsa  server-rsapss  server-p256  server-p384  server-ed25519
                                                       for www.example.com, *.wild.example.com, 192.0.2.1, 2001:db8::1
    server-sha384 server-sha512                        P-256 keys, signed with these hashes
    client                                             for clients; carries alice@example.com as UPN and as e-mail address
    expired  notyet  wrongname  wrongusage  revoked    what their names say
    unknown                                            issued by stranger
    commonname                                         www.example.com as common name and no alternative names
    selfsigned                                         its own issuer, no CA
    many                                               RSA; all attributes that names have, a 20-byte serial number

    root.crl.pem  intermediate.crl.pem  stale.crl.pem  intermediate.crl.pem lists revoked; stale is past its next update
    good.ocsp  revoked.ocsp                            OCSP responses in DER for server-p256 and revoked, by the intermediate
    server-rsa.pfx  modern.pfx  empty.pfx  nomac.pfx   PKCS#12: passwords "Password", "Password" (PBES2), "", none and no MAC
    bundle.p7b  bundle.p7b.der                         PKCS#7 of server-rsa, intermediate, root

What tests of chains need more is in pki_chains.py.  Tests that need another shape call Pki themselves: Pki(directory).leaf('name', ...).
"""
import os
import subprocess
import sys

import pki_chains

OPENSSL = os.environ.get('OPENSSL', 'openssl')
ALWAYS = ('20200101000000Z', '21200101000000Z')

CONFIG = '''
[ca]
default_ca = this
[this]
dir = .
database = {name}.index
new_certs_dir = .
serial = {name}.serial
crlnumber = {name}.crlnumber
certificate = {name}.pem
private_key = {name}.key
default_md = sha256
policy = anything
unique_subject = no
email_in_dn = yes
string_mask = utf8only
default_crl_days = 30000
[anything]
[req]
distinguished_name = empty
string_mask = utf8only
utf8 = yes
[empty]
'''

KEYS = {
    'rsa': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'rsapss': ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'p256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'p384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'ed25519': ['-algorithm', 'ED25519'],
}

SERVER_NAMES = 'DNS:www.example.com,DNS:*.wild.example.com,IP:192.0.2.1,IP:2001:db8::1'


class Pki:
    """A directory of certificates.  Every method leaves files there and returns nothing."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, *arguments, binary=False):
        done = subprocess.run([OPENSSL, *arguments], cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError('openssl %s: %s' % (' '.join(arguments), done.stderr.decode(errors='replace').strip()))
        return done.stdout if binary else done.stdout.decode()

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()

    def key(self, name, kind='p256'):
        self.run('genpkey', *(KEYS[kind] if isinstance(kind, str) else kind), '-out', name + '.key')
        os.chmod(self.path(name + '.key'), 0o600)

    def _prepare_ca(self, name):
        self.write(name + '.index', '')
        self.write(name + '.serial', '1000\n')
        self.write(name + '.crlnumber', '01\n')
        self.write(name + '.cnf', CONFIG.format(name=name))

    def _issue(self, name, issuer, subject, extensions, dates, digest):
        self.write(name + '.ext', '\n'.join(extensions) + '\n')
        self.run('req', '-new', '-utf8', '-key', name + '.key', '-config', issuer + '.cnf', '-subj', subject, '-out', name + '.csr')
        sign = ['-selfsign', '-keyfile', name + '.key'] if issuer == name else []
        self.run('ca', '-batch', '-utf8', '-notext', '-preserveDN', '-config', issuer + '.cnf', *sign, '-in', name + '.csr',
                 '-startdate', dates[0], '-enddate', dates[1], '-extfile', name + '.ext', '-md', digest,
                 '-out', name + '.pem')

    def ca(self, name, issuer=None, subject=None, constraints='critical,CA:TRUE', extra=(), dates=ALWAYS, kind='p256'):
        """A CA that can issue and revoke; its own issuer unless one is named."""
        self.key(name, kind)
        self._prepare_ca(name)
        self._issue(name, issuer or name, subject or '/C=DE/O=OpenSSPI tests/CN=Test CA ' + name,
                    ['basicConstraints=' + constraints, 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
                     'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', *extra], dates, 'sha256')

    def leaf(self, name, issuer='intermediate', subject=None, names=SERVER_NAMES, usage='serverAuth', kind='p256',
             extra=(), dates=ALWAYS, digest='sha256'):
        self.key(name, kind)
        if issuer == name:
            self._prepare_ca(name)
        extensions = ['basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature', 'subjectKeyIdentifier=hash', *extra]
        if usage:
            extensions.append('extendedKeyUsage=' + usage)
        if names:
            extensions.append('subjectAltName=' + names)
        if issuer != name:
            extensions.append('authorityKeyIdentifier=keyid')
        self._issue(name, issuer, subject or '/C=DE/O=OpenSSPI tests/CN=' + name, extensions, dates, digest)
        if issuer != name:
            self.write(name + '.chain.pem', self.read(name + '.pem') + self.read(issuer + '.pem'))

    def revoke(self, name, issuer='intermediate', reason='keyCompromise'):
        self.run('ca', '-batch', '-config', issuer + '.cnf', '-revoke', name + '.pem', '-crl_reason', reason)

    def crl(self, issuer, name=None, dates=None):
        when = ['-crl_lastupdate', dates[0], '-crl_nextupdate', dates[1]] if dates else []
        self.run('ca', '-gencrl', '-config', issuer + '.cnf', *when, '-out', name or issuer + '.crl.pem')

    def ocsp(self, name, response, issuer='intermediate', days=30000):
        self.run('ocsp', '-issuer', issuer + '.pem', '-cert', name + '.pem', '-reqout', response + '.req')
        self.run('ocsp', '-index', issuer + '.index', '-CA', issuer + '.pem', '-rsigner', issuer + '.pem',
                 '-rkey', issuer + '.key', '-reqin', response + '.req', '-respout', response, '-ndays', str(days))

    def pfx(self, name, out, password, *options, chain='intermediate'):
        self.run('pkcs12', '-export', '-in', name + '.pem', '-inkey', name + '.key', '-certfile', chain + '.pem',
                 '-name', 'A friendly name', '-passout', 'pass:' + password, '-out', out, *options)


def everything(directory):
    pki = Pki(directory)
    pki.ca('root')
    pki.ca('intermediate', 'root', constraints='critical,CA:TRUE,pathlen:0')
    pki.ca('stranger')
    for kind in KEYS:
        pki.leaf('server-' + kind, kind=kind)
    for digest in ('sha384', 'sha512'):
        pki.leaf('server-' + digest, digest=digest)
    pki.leaf('client', usage='clientAuth', names='otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@example.com,'
             'email:alice@example.com,URI:https://example.com/alice', subject='/CN=Alice')
    pki.leaf('expired', dates=('20200101000000Z', '20210101000000Z'))
    pki.leaf('notyet', dates=('21100101000000Z', '21200101000000Z'))
    pki.leaf('wrongname', names='DNS:other.example.net')
    pki.leaf('wrongusage', usage='codeSigning')
    pki.leaf('revoked')
    pki.leaf('unknown', issuer='stranger')
    pki.leaf('commonname', names=None, subject='/CN=www.example.com')
    pki.leaf('selfsigned', issuer='selfsigned')
    pki.write('intermediate.serial', '9F' + '01' * 19 + '\n')
    pki.leaf('many', kind='rsa', names='DNS:a.example.com,DNS:b.example.com,email:carol@example.com', subject=(
        '/C=DE/ST=Sachsen/L=Dresden/O=Müller, Söhne \\+ Co/OU=First+OU=Second "quoted"/CN=Carol  Jones'
        '/title=Dr./SN=Jones/GN=Carol/initials=CJ/serialNumber=42/street=Main 1/emailAddress=carol@mail.example.com'
        '/DC=example/DC=com'))
    pki.revoke('revoked')
    for issuer in ('root', 'intermediate'):
        pki.crl(issuer)
    pki.crl('intermediate', 'stale.crl.pem', ('20200101000000Z', '20200201000000Z'))
    pki.ocsp('server-p256', 'good.ocsp')
    pki.ocsp('revoked', 'revoked.ocsp')
    pki.pfx('server-rsa', 'server-rsa.pfx', 'Password', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1')
    pki.pfx('server-p256', 'modern.pfx', 'Password')
    pki.pfx('server-p256', 'empty.pfx', '')
    pki.pfx('server-p256', 'nomac.pfx', '', '-nomac', '-keypbe', 'NONE', '-certpbe', 'NONE')
    members = [part for name in ('server-rsa', 'intermediate', 'root') for part in ('-certfile', name + '.pem')]
    pki.run('crl2pkcs7', '-nocrl', *members, '-out', 'bundle.p7b')
    pki.run('crl2pkcs7', '-nocrl', *members, '-outform', 'DER', '-out', 'bundle.p7b.der')
    pki_chains.chains(pki)
    return pki


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    everything(sys.argv[1])
    if len(sys.argv) == 3:
        open(sys.argv[2], 'w', encoding='utf-8').close()


if __name__ == '__main__':
    main()
