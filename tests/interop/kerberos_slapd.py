#!/usr/bin/env python3
"""kerberos_slapd.py SASL_BIND LDAP_CLIENT: binds at OpenLDAP's slapd with Cyrus SASL over MIT's GSSAPI, by GSSAPI and by
GSS-SPNEGO, and sessions that are signed, sealed or neither."""
import os
import sys

import harness
import kerberos_peers as peers
from harness import check, equal

HOST = 'server.sspi.test'
SERVICE = 'ldap/' + HOST
BASE = 'dc=sspi,dc=test'
ENTRIES = 400
MECHANISMS = (('GSSAPI', 'Kerberos'), ('GSS-SPNEGO', 'Negotiate'))

# LDAP result codes (RFC 4511 4.1.9)
SUCCESS, INAPPROPRIATE_AUTH, INVALID_CREDENTIALS, OTHER = '0', '48', '49', '80'

CONFIGURATION = '''
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {root}/slapd.pid
sasl-host {host}
sasl-realm SSPI.TEST
sasl-secprops noanonymous{secprops}
authz-regexp "uid=([^,]*),.*cn=auth" "cn=$1,{base}"
database mdb
maxsize 67108864
suffix "{base}"
rootdn "cn=root,{base}"
rootpw "root secret"
directory {root}/data
access to * by users read by anonymous auth
'''

realm = None


class Directory:
    """slapd with some hundred entries."""
    count = 0

    def __init__(self, keytab, secprops=''):
        Directory.count += 1
        name = 'slapd-%d' % Directory.count
        root = os.path.join(harness.scratch(), name)
        os.makedirs(root + '/data')
        configuration = harness.write(name + '/slapd.conf', CONFIGURATION.format(root=root, base=BASE, host=HOST, secprops=secprops))
        ldif = harness.write(name + '/all.ldif', 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: sspi\n\n' % BASE + ''.join(
            'dn: cn=person %d,%s\nobjectClass: person\ncn: person %d\nsn: %s\n\n' % (i, BASE, i, 'x' * (i * 7 % 900 + 1)) for i in range(ENTRIES)))
        program = harness.need_program('slapd', 'slapd')
        result = harness.call([harness.need_program('slapadd', 'slapd'), '-q', '-f', configuration, '-l', ldif])
        if result.status != 0:
            raise RuntimeError('slapadd: %s' % result)
        env = dict(realm.environment, KRB5_KTNAME='FILE:' + keytab, KRB5CCNAME='FILE:' + realm.path('nobody'))
        env.pop('SASL_PATH', None)
        self.process, port = harness.with_port(lambda port: harness.Process(
            [program, '-d', '0', '-f', configuration, '-h', 'ldap://127.0.0.1:%d' % port], env=env))
        self.url = 'ldap://127.0.0.1:%d' % port

    def bind(self, mechanism, package, layer, target=SERVICE, who=(), **environment):
        """The facts that sasl_bind prints."""
        result = harness.call([sys.argv[1], self.url, mechanism, package, target, layer, BASE, *who], env=peers.environment(realm, **environment))
        if result.status != 0:
            raise RuntimeError('sasl_bind: %s' % result)
        facts = dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)
        facts['all'] = result.out
        return facts


def some(facts, *names):
    return tuple(facts.get(name) for name in names)


def reference(directory):
    """What libldap finds without SSPI."""
    result = harness.call([sys.argv[2], '--simple', '--uri', directory.url, '--user', 'cn=root,' + BASE, '--base', BASE],
                          env=harness.environment([], SSPI_PASSWORD='root secret'))
    facts = dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)
    equal(some(facts, 'search', 'entries'), (SUCCESS, str(ENTRIES + 1)), "libldap's own simple bind")
    return facts


def session(name, facts, wanted, confidentiality):
    if not check(some(facts, 'bind', 'status') == (SUCCESS, 'SEC_E_OK'), name + ': the bind', facts['all']):
        return
    equal(some(facts, 'package', 'confidentiality'), ('Kerberos', confidentiality), name + ': the session')
    equal(facts.get('whoami', '').lower(), '0 dn:cn=alice,' + BASE, name + ': slapd knows who')
    equal(some(facts, 'search', 'entries', 'sum'), some(wanted, 'search', 'entries', 'sum'), name + ': the answer')


def sessions(directory, wanted):
    for mechanism, package in MECHANISMS + (('GSS-SPNEGO', 'Kerberos'), ):
        for layer in 'seal', 'sign':
            name = '%s by %s, %s' % (mechanism, package, layer)
            facts = directory.bind(mechanism, package, layer)
            session(name, facts, wanted, '1' if layer == 'seal' else facts.get('confidentiality'))
            sent, received = int(facts.get('sent', 0)), int(facts.get('received', 0))
            check(received >= 2 and sent >= 2, name + ': in messages', facts['all'])
            if mechanism == 'GSSAPI':  # the layer that was agreed on: RFC 4752's integrity is a wrapping without encryption
                equal(facts.get('clear'), str(sent + received) if layer == 'sign' else '0', name + ': readable on the way or not')
            equal(some(facts, 'copies_altered', 'copies_again'), ('SEC_E_MESSAGE_ALTERED', 'SEC_E_OUT_OF_SEQUENCE'),
                  name + ': altered and repeated copies are refused')
    facts = directory.bind('GSSAPI', 'Kerberos', 'none')
    session('GSSAPI, no layer', facts, wanted, facts.get('confidentiality'))
    facts = directory.bind('GSSAPI', 'Kerberos', 'seal', who=('alice', 'SSPI.TEST'), SSPI_PASSWORD='alice secret',
                           KRB5CCNAME='FILE:' + realm.path('none'))
    session('a name and a password', facts, wanted, '1')


def demands(keytab, wanted):
    """slapd may insist on sealing."""
    directory = Directory(keytab, ',minssf=128')
    for mechanism, package in MECHANISMS:
        session('minssf=128, %s sealed' % mechanism, directory.bind(mechanism, package, 'seal'), wanted, '1')
    facts = directory.bind('GSSAPI', 'Kerberos', 'none')  # of GSS-SPNEGO Cyrus SASL demands nothing
    check(facts.get('search') != SUCCESS, 'minssf=128, GSSAPI: nothing in the clear', facts['all'])
    directory.process.stop()
    directory = Directory(keytab, ',minssf=1,maxssf=1')  # integrity and nothing else: one bit of the layers' octet
    facts = directory.bind('GSSAPI', 'Kerberos', 'sign')
    session('maxssf=1, signed', facts, wanted, facts.get('confidentiality'))
    equal(facts.get('clear'), str(int(facts.get('sent', 0)) + int(facts.get('received', 0))), 'maxssf=1: all of it readable on the way')
    facts = directory.bind('GSSAPI', 'Kerberos', 'seal')
    check(facts.get('status') not in ('SEC_E_OK', None) and 'search' not in facts, 'maxssf=1: sealing is not agreed on', facts['all'])
    facts = directory.bind('GSSAPI', 'Kerberos', 'none')  # the layer is there, whatever this client believes
    check(facts.get('integrity') == '1' and facts.get('search') != SUCCESS, 'minssf=1: nothing unsigned', facts['all'])
    directory.process.stop()


def refusals(directory):
    for mechanism, package in MECHANISMS:
        facts = directory.bind(mechanism, package, 'seal', KRB5CCNAME='FILE:' + realm.path('none'))
        check('bind' not in facts or facts['bind'] != SUCCESS, mechanism + ': no ticket, no session', facts['all'])
        check('SEC_E_NO_CREDENTIALS' in facts['all'], mechanism + ': and the status says so', facts['all'])
        facts = directory.bind(mechanism, package, 'seal', target='ldap/unknown.sspi.test')
        check(facts.get('bind') != SUCCESS and facts.get('status') == 'SEC_E_TARGET_UNKNOWN', mechanism + ': an unknown service', facts['all'])
        facts = directory.bind(mechanism, package, 'seal', target='HTTP/' + HOST)
        check(facts.get('bind') in (INVALID_CREDENTIALS, OTHER), mechanism + ': a ticket for another service', facts['all'])
        facts = directory.bind(mechanism, package, 'seal', who=('alice', 'SSPI.TEST'), SSPI_PASSWORD='not this')
        check(facts.get('bind') != SUCCESS and 'search' not in facts, mechanism + ': a wrong password', facts['all'])
        if package == 'Kerberos':
            equal(facts.get('status'), 'SEC_E_LOGON_DENIED', mechanism + ': and the status says so')
    for number, what in ((1, 'another key'), (6, 'a key of another number')):
        other = Directory(peers.forged_keytab(realm, 'slapd.keytab', SERVICE, number))
        for mechanism, package in MECHANISMS:
            facts = other.bind(mechanism, package, 'seal')
            check(facts.get('bind') in (INVALID_CREDENTIALS, OTHER) and 'search' not in facts, '%s: slapd has %s' % (mechanism, what), facts['all'])
        other.process.stop()


def main():
    global realm
    harness.need_program('slapd', 'slapd')
    harness.need_file('/usr/lib/x86_64-linux-gnu/sasl2/libgssapiv2.so', 'libsasl2-modules-gssapi-mit')
    realm = peers.start_realm()
    realm.kadmin('addprinc -randkey ' + SERVICE)
    keytab = peers.keytab(realm, 'ldap.keytab', 'ktadd -norandkey -k {} ' + SERVICE)
    directory = Directory(keytab)
    wanted = reference(directory)
    sessions(directory, wanted)
    refusals(directory)
    session('and the right ticket still', directory.bind('GSSAPI', 'Kerberos', 'seal'), wanted, '1')
    check(directory.process.running(), 'slapd lived through it', directory.process.output())
    directory.process.stop()
    demands(keytab, wanted)


harness.run(main)
