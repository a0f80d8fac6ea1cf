#!/usr/bin/env python3
"""samba_kerberos.py SASL_BIND LDAP_CLIENT SSPI_LINES [SSPI]: a Samba domain controller, its KDC (Heimdal's) and its LDAP server, with
Negotiate that chooses Kerberos by itself and with Kerberos as it is; and a server of ours, to which the controller says in the ticket
who the client is."""
import json
import os
import re
import sys

import harness
import samba_dc
from harness import check, equal, matches
from kerberos_peers import SEALED, Lines, converse

PASSWORD = 'Passw0rd.Alice'
ACCENTED = 'Zoë.Grüße-€1'
SUCCESS, INVALID_CREDENTIALS = '0', '49'
CONFIGURATION = '''[libdefaults]
    default_realm = DOM.SSPI.TEST
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
[realms]
    DOM.SSPI.TEST = {
        kdc = 127.0.0.1:%s
    }
[domain_realm]
    .dom.sspi.test = DOM.SSPI.TEST
'''

domain = None


def environment(password=None, configuration='krb5.conf', **more):
    env = harness.environment([])
    env['SSPI_CONFIG'] = harness.write('kerberos.conf', '[kerberos]\nkdc-timeout = 5\n[names]\nnetbios-computer = CLIENT\nnetbios-domain = DOM\n')
    env['KRB5_CONFIG'] = harness.scratch() + '/' + configuration
    env['KRB5CCNAME'] = 'FILE:' + harness.scratch() + '/cache'
    if password is not None:
        env['SSPI_PASSWORD'] = password
    env.update(more)
    return env


def bind(layer, package='Negotiate', who=('alice', 'DOM.SSPI.TEST'), password=PASSWORD, target=None, mechanism='GSS-SPNEGO', **more):
    target = target or 'ldap/' + domain.host
    result = harness.call([sys.argv[1], domain.url, mechanism, package, target, layer, 'CN=Schema,CN=Configuration,' + domain.base,
                           *(who or ())], env=environment(password, **more))
    facts = dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)
    facts['all'] = str(result)
    return facts


def reference(user, password):
    """What the same client finds by NTLM."""
    result = harness.call([sys.argv[2], '--uri', domain.url, '--user', user, '--domain', 'DOM', '--request', 'seal', '--base',
                           'CN=Schema,CN=Configuration,' + domain.base], env=harness.environment([], SSPI_PASSWORD=password))
    return dict(line.split('=', 1) for line in result.out.splitlines() if '=' in line)


def some(facts, *names):
    return tuple(facts.get(name) for name in names)


def session(name, facts, wanted, package='Kerberos', sid=None):
    if check(some(facts, 'bind', 'status') == (SUCCESS, 'SEC_E_OK'), name + ': the bind', facts['all']):
        equal(facts.get('package'), package, name + ': by ' + package)
        equal(facts.get('sid'), sid or wanted['sid'], name + ': the controller knows who')
        equal(some(facts, 'search', 'entries', 'sum'), some(wanted, 'search', 'entries', 'sum'), name + ': the answer')


def sessions(wanted):
    for package in 'Negotiate', 'Kerberos':
        for layer in 'seal', 'sign':
            name = 'GSS-SPNEGO by %s, %s' % (package, layer)
            facts = bind(layer, package)
            session(name, facts, wanted)
            equal(some(facts, 'copies_altered', 'copies_again'), ('SEC_E_MESSAGE_ALTERED', 'SEC_E_OUT_OF_SEQUENCE'),
                  name + ': altered and repeated copies are refused')
    for layer in 'seal', 'sign':
        session('GSSAPI, ' + layer, bind(layer, 'Kerberos', mechanism='GSSAPI'), wanted)


def people(wanted):
    session('a user principal name', bind('seal', who=('alice@dom.sspi.test', '')), wanted)
    session("the domain's short name, the first label of the default realm", bind('seal', who=('alice', 'DOM')), wanted)
    session('DOMAIN\\user', bind('seal', who=('DOM\\alice', '')), wanted)
    harness.write('other.conf', CONFIGURATION.replace('default_realm = DOM.SSPI.TEST', 'default_realm = OTHER.TEST').replace(
        'DOM.SSPI.TEST = {', 'ELSE.SSPI.TEST = {') % domain.kdc_port)
    session("the domain's short name, which krb5.conf has no realm for", bind('seal', who=('alice', 'DOM'), configuration='other.conf'), wanted,
            'NTLM')
    zoe = reference('Zoë', ACCENTED)
    check(zoe['sid'] != wanted['sid'], 'two people have two identifiers')
    session('beyond ASCII', bind('seal', who=('Zoë', 'DOM.SSPI.TEST'), password=ACCENTED), wanted, sid=zoe['sid'])
    result = harness.call([harness.need_program('kinit', 'krb5-user'), 'alice'], env=environment(), given=PASSWORD + '\n')
    equal(result.status, 0, 'kinit at the controller')
    session('tickets there are', bind('seal', who=None, password=None), wanted)
    session('tickets there are, Kerberos', bind('sign', 'Kerberos', who=None, password=None), wanted)


def refusals(wanted):
    for what, who, password in (('a wrong password', 'alice', 'Passw0rd.alice'), ('an unknown user', 'nobody', PASSWORD), ('a disabled account', 'bob', PASSWORD)):
        facts = bind('seal', 'Kerberos', (who, 'DOM.SSPI.TEST'), password)
        equal(facts.get('status'), 'SEC_E_LOGON_DENIED', what + ': Kerberos says so')
        check(facts.get('bind') != SUCCESS and 'search' not in facts, what + ': no session', facts['all'])
        facts = bind('seal', 'Negotiate', (who, 'DOM.SSPI.TEST'), password)
        check(facts.get('bind') != SUCCESS and 'search' not in facts, what + ': Negotiate', facts['all'])
    facts = bind('seal', 'Kerberos', target='ldap/nowhere.dom.sspi.test')
    equal(facts.get('status'), 'SEC_E_TARGET_UNKNOWN', 'an unknown service: Kerberos says so')
    session('an unknown service: Negotiate goes on with NTLM', bind('seal', target='ldap/nowhere.dom.sspi.test'), wanted, 'NTLM')
    harness.write('gone.conf', CONFIGURATION % harness.free_port())
    facts = bind('seal', 'Kerberos', configuration='gone.conf')
    equal(facts.get('status'), 'SEC_E_NO_AUTHENTICATING_AUTHORITY', 'no KDC: Kerberos says so')
    session('no KDC: Negotiate goes on with NTLM', bind('seal', configuration='gone.conf'), wanted, 'NTLM')


SERVICE = 'HTTP/web.dom.sspi.test'


def sid(kind, name):
    """What the controller's own database says."""
    shown = domain.tool(kind, 'show', name, '--attributes=objectSid').out
    return re.search(r'objectSid: (\S+)', shown)[1]


def service_keytab(name):
    """Keys of an account for SERVICE, in a new keytab."""
    path = os.path.join(harness.scratch(), name)
    domain.tool('domain', 'exportkeytab', path, '--principal=' + SERVICE)
    check(os.path.exists(path), 'a keytab of the service')
    return path


def sides(path, package='Kerberos', who=('alice', 'DOM.SSPI.TEST'), password=PASSWORD):
    ours = Lines([sys.argv[3], 'client', package, SERVICE, '%x' % SEALED, *who], environment(password))
    theirs = Lines([sys.argv[3], 'server', package, '-', '0'], environment(KRB5_KTNAME='FILE:' + path, KRB5RCACHEDIR=harness.scratch()))
    for side in ours, theirs:
        equal(side.ask('acquire')[0], 'SEC_E_OK', 'credentials')
    return ours, theirs


def packed(text):
    """A SID as MS-DTYP 2.4.2.2 has it, in hexadecimal."""
    authority, *parts = (int(part) for part in text.split('-')[2:])
    return (bytes([1, len(parts)]) + authority.to_bytes(6, 'big') + b''.join(part.to_bytes(4, 'little') for part in parts)).hex()


def who_it_is():
    """The PAC: account, names and groups, as the controller knows them."""
    domain.tool('user', 'create', 'web', 'Passw0rd.Web')
    domain.tool('spn', 'add', SERVICE, 'web')
    domain.tool('group', 'add', 'Readers')
    domain.tool('group', 'add', 'Writers')
    domain.tool('group', 'addmembers', 'Readers', 'alice')
    domain.tool('group', 'addmembers', 'Writers', 'Readers')  # and so alice, by a group in a group
    path = service_keytab('web.keytab')
    base = sid('user', 'alice').rsplit('-', 1)[0]
    wanted = {base + '-513', sid('group', 'Readers'), sid('group', 'Writers')}
    for package in 'Kerberos', 'Negotiate':
        ours, theirs = sides(path, package)
        us, them = converse(ours, theirs)
        if not check((us[0], them[0]) == ('SEC_E_OK', 'SEC_E_OK'), package + ': a session', '%s %s' % (us, them)):
            continue
        facts = ' '.join(theirs.ask('token')).split()
        equal(facts[:5], ['SEC_E_OK', 'DOM\\alice', 'alice@dom.sspi.test', 'DOM.SSPI.TEST', sid('user', 'alice')],
              package + ': the access token says who')
        check(wanted <= set(facts[5:]), package + ': and which groups', str(facts[5:]))
        check(all(text.startswith('S-1-') for text in facts[5:]), package + ': all of them SIDs', str(facts[5:]))
        as_windows = ' '.join(theirs.ask('windows')).split()
        equal(as_windows[:3], ['SEC_E_OK', 'DOM\\alice', packed(sid('user', 'alice'))], package + ': so does GetTokenInformation')
        check({packed(text) for text in facts[5:]} | {packed('S-1-1-0'), packed('S-1-5-11')} <= set(as_windows[3:]),
              package + ': with these groups and those of everybody', str(as_windows))
        equal(' '.join(theirs.ask('names')).split()[1:3], ['alice@DOM.SSPI.TEST', SERVICE + '@DOM.SSPI.TEST'],
              package + ': native names are the ticket\'s')
    ours, theirs = sides(path)
    converse(ours, theirs)
    ours.ask('again')
    first = ours.ask('step', '-')[1]
    equal(len(' '.join(theirs.ask('token')).split()) > 5, True, 'the token of a session that stands')
    if sys.argv[4]:
        shown(first, path, wanted)
        served(path, wanted)
    tampered(path)


def shown(token, path, wanted):
    """`sspi decode` with the service's keys."""
    result = harness.call([sys.argv[4], 'decode', '--json', '--keytab', path, token], env=environment())
    opened = json.loads(result.out)['verified']
    equal((opened.get('account'), opened.get('user_principal_name'), opened.get('sid')),
          ('DOM\\alice', 'alice@dom.sspi.test', sid('user', 'alice')), 'sspi decode: who')
    check(wanted <= set(opened['groups']), 'sspi decode: the groups', str(opened))
    matches('right', opened['pac'], 'sspi decode: and that the PAC is signed')


def served(path, wanted):
    """`sspi serve` tells what it knows of whoever signs in."""
    env = environment(KRB5RCACHEDIR=harness.scratch())
    process = harness.Process([sys.argv[4], 'serve', '--listen', '127.0.0.1:0', '--keytab', path], env=env)
    port = int(process.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])
    result = harness.call([sys.argv[4], 'get', '--target', SERVICE, '--user', 'DOM\\alice', 'http://127.0.0.1:%d/json' % port],
                          env=environment(PASSWORD))
    facts = json.loads(result.out or '{}')
    context = facts.get('context', {})
    equal((facts.get('user'), context.get('user_principal_name'), context.get('sid')),
          ('DOM\\alice', 'alice@dom.sspi.test', sid('user', 'alice')), 'sspi serve: who')
    check(wanted <= set(context.get('groups', [])), 'sspi serve: the groups', str(result) + process.output())
    process.stop()


def tampered(path):
    """A keytab whose key opens nothing gives no session, and so no names."""
    domain.tool('user', 'setpassword', 'web', '--newpassword=Passw0rd.Changed')
    ours, theirs = sides(path)
    us, them = converse(ours, theirs)
    check(us[0] != 'SEC_E_OK' and them[0] != 'SEC_E_OK', 'after the service\'s password changed its old keys open nothing', '%s %s' % (us, them))
    equal(theirs.ask('token')[0], 'SEC_E_INVALID_HANDLE', 'and there is no token')


def main():
    global domain
    domain = samba_dc.start(kdc_default_domain_supported_enctypes='aes256-cts-hmac-sha1-96')
    harness.write('krb5.conf', CONFIGURATION % domain.kdc_port)
    domain.tool('spn', 'add', 'ldap/' + domain.host, 'DC$')  # what samba_spnupdate does where it runs
    domain.add_user('alice', PASSWORD)
    domain.add_user('bob', PASSWORD)
    domain.disable_user('bob')
    domain.add_user('Zoë', ACCENTED)
    wanted = reference('alice', PASSWORD)
    check(wanted.get('search') == '0' and int(wanted.get('entries', 0)) > 1000, 'what NTLM finds', str(wanted))
    sessions(wanted)
    people(wanted)
    refusals(wanted)
    who_it_is()


harness.run(main)
