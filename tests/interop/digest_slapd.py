#!/usr/bin/env python3
"""digest_slapd.py SASL_BIND LDAP_CLIENT DES_PARITY: binds at OpenLDAP's slapd with Cyrus SASL's DIGEST-MD5, and sessions that are sealed
with each cipher, signed, or neither.  DES_PARITY is loaded into slapd (tests/support/des_parity.c)."""
import os
import sys

import harness
from harness import check, equal

HOST = 'server.sspi.test'
TARGET = 'ldap/' + HOST
REALM = 'sspi.test'
BASE = 'dc=sspi,dc=test'
ENTRIES = 400
USERS = (('alice', 'alice secret'), ('zoé', 'pässwörd'), ('O Neill', 'a\\b"c'))

# LDAP result codes (RFC 4511 4.1.9)
SUCCESS, INVALID_CREDENTIALS, OTHER = '0', '49', '80'

CONFIGURATION = '''
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {root}/slapd.pid
sasl-host {host}
sasl-realm {realm}
sasl-secprops noanonymous{secprops}
authz-regexp "uid=([^,]*),.*cn=auth" "cn=$1,{base}"
password-hash {{CLEARTEXT}}
database mdb
maxsize 67108864
suffix "{base}"
rootdn "cn=root,{base}"
rootpw "root secret"
directory {root}/data
access to * by users read by anonymous auth
'''


class Directory:
    """slapd with some hundred entries and a few people."""
    count = 0

    def __init__(self, secprops=''):
        Directory.count += 1
        name = 'slapd-%d' % Directory.count
        root = os.path.join(harness.scratch(), name)
        os.makedirs(root + '/data')
        configuration = harness.write(name + '/slapd.conf', CONFIGURATION.format(root=root, base=BASE, host=HOST, realm=REALM, secprops=secprops))
        entries = ['dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: sspi\n\n' % BASE]
        for user, password in USERS:
            entries.append('dn: cn=%s,%s\nobjectClass: person\ncn: %s\nsn: x\nuserPassword: %s\n\n' % (user, BASE, user, password))
        entries += ['dn: cn=person %d,%s\nobjectClass: person\ncn: person %d\nsn: %s\n\n' % (i, BASE, i, 'x' * (i * 7 % 900 + 1))
                    for i in range(ENTRIES)]
        ldif = harness.write(name + '/all.ldif', ''.join(entries))
        program = harness.need_program('slapd', 'slapd')
        result = harness.call([harness.need_program('slapadd', 'slapd'), '-q', '-f', configuration, '-l', ldif])
        if result.status != 0:
            raise RuntimeError('slapadd: %s' % result)
        env = dict(os.environ, LD_PRELOAD=sys.argv[3])
        env.pop('SASL_PATH', None)
        self.process, port = harness.with_port(lambda port: harness.Process(
            [program, '-d', '0', '-f', configuration, '-h', 'ldap://127.0.0.1:%d' % port], env=env))
        self.url = 'ldap://127.0.0.1:%d' % port

    def bind(self, layer, user='alice', password='alice secret', domain='', target=TARGET, policy=''):
        """The facts that sasl_bind prints."""
        env = harness.environment(SSPI_PASSWORD=password)
        with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
            file.write('[digest]\n' + policy)
        result = harness.call([sys.argv[1], self.url, 'DIGEST-MD5', 'WDigest', target, layer, BASE, user, domain], env=env)
        if result.status != 0:
            raise RuntimeError('sasl_bind: %s' % result)
        facts = dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)
        facts['all'] = result.out
        return facts


def some(facts, *names):
    return tuple(facts.get(name) for name in names)


def session(name, facts, wanted, user='alice', integrity='0', confidentiality='0'):
    if not check(some(facts, 'bind', 'status') == (SUCCESS, 'SEC_E_OK'), name + ': the bind', facts['all']):
        return
    equal(some(facts, 'integrity', 'confidentiality'), (integrity, confidentiality), name + ': the session')
    equal(facts.get('whoami', '').lower(), '0 dn:cn=%s,%s' % (user, BASE), name + ': slapd knows who')
    equal(some(facts, 'search', 'entries', 'sum'), some(wanted, 'search', 'entries', 'sum'), name + ': the answer')


def main():
    harness.need_program('slapd', 'slapd')
    harness.need_file('/usr/lib/x86_64-linux-gnu/sasl2/libdigestmd5.so', 'libsasl2-modules')
    directory = Directory()
    result = harness.call([sys.argv[2], '--simple', '--uri', directory.url, '--user', 'cn=root,' + BASE, '--base', BASE],
                          env=harness.environment([], SSPI_PASSWORD='root secret'))
    wanted = dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)
    equal(some(wanted, 'search', 'entries'), (SUCCESS, str(ENTRIES + 1 + len(USERS))), "libldap's own simple bind")

    for user, password in USERS[:2]:
        session('auth, ' + user, directory.bind('none', user, password), wanted, user)
    facts = directory.bind('none', *USERS[2])
    equal(some(facts, 'bind', 'status'), (SUCCESS, 'SEC_E_OK'), 'auth, a password with a quote')
    session('a realm from the credentials', directory.bind('none', domain=REALM), wanted)
    session('auth-int', directory.bind('sign'), wanted, integrity='1')
    for cipher in ('rc4', '3des', 'des', 'rc4-56', 'rc4-40'):
        facts = directory.bind('seal', policy='ciphers = %s\n' % cipher)
        session('auth-conf, ' + cipher, facts, wanted, integrity='1', confidentiality='1')
        check(int(facts.get('received', 0)) >= 2 and int(facts.get('sent', 0)) >= 2, cipher + ': in messages', facts['all'])

    facts = directory.bind('seal', password='alice Secret')
    equal(some(facts, 'bind', 'search'), (INVALID_CREDENTIALS, None), 'a wrong password')
    facts = directory.bind('seal', user='nobody')
    check(facts['bind'] in (INVALID_CREDENTIALS, OTHER) and 'search' not in facts, 'nobody', facts['all'])
    facts = directory.bind('none', target='imap/' + HOST)
    check(facts['bind'] != SUCCESS, 'a response for another service', facts['all'])
    facts = directory.bind('none', domain='other.test')
    check(facts['bind'] != SUCCESS, 'a realm that slapd has not', facts['all'])
    check(directory.process.running(), 'slapd lived through it', directory.process.output())
    directory.process.stop()

    strict = Directory(',minssf=112')
    session('minssf=112, sealed', strict.bind('seal'), wanted, integrity='1', confidentiality='1')
    facts = strict.bind('none')  # slapd offers auth-conf alone, so the client takes it without being asked
    check(facts.get('search') != SUCCESS or facts.get('confidentiality') == '1', 'minssf=112: nothing in the clear', facts['all'])
    strict.process.stop()


harness.run(main)
