#!/usr/bin/env python3
"""samba_delegation.py SSPI_LINES: constrained delegation (MS-SFU) in a Samba domain.  Alice logs on at a web server and forwards
nothing, or only tells it her name; the web server goes on to a back end in her name, where the domain lets it."""
import sys

import harness
import kerberos_peers as peers
import samba_dc
from harness import check, equal

PASSWORD = 'Passw0rd.Alice'
FRONT, BACK, OTHER = 'HTTP/web.dom.sspi.test', 'HTTP/back.dom.sspi.test', 'HTTP/other.dom.sspi.test'
CONFIGURATION = '''[libdefaults]
    default_realm = DOM.SSPI.TEST
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    forwardable = true
[realms]
    DOM.SSPI.TEST = {
        kdc = 127.0.0.1:%s
    }
[domain_realm]
    .dom.sspi.test = DOM.SSPI.TEST
'''
ONE_LEG = '%x' % (peers.SEALED & ~peers.MUTUAL)

domain = None


def environment(keytab='none', policy='', **more):
    env = harness.environment([])
    env['SSPI_CONFIG'] = harness.write('delegation-%d.conf' % len(policy), '[kerberos]\nkdc-timeout = 5\n%s'
                                       '[names]\nnetbios-computer = WEB\nnetbios-domain = DOM\n' % policy)
    env['KRB5_CONFIG'] = harness.scratch() + '/krb5.conf'
    env['KRB5CCNAME'] = 'FILE:' + harness.scratch() + '/nobody'
    env['KRB5_KTNAME'] = 'FILE:%s/%s.keytab' % (harness.scratch(), keytab)
    env['KRB5RCACHEDIR'] = harness.scratch()
    env.update(more)
    return env


def service(name, *spns):
    """An account with these services, and its keytab, which has the account's own name too, as adcli and samba-tool write it."""
    domain.add_user(name, 'Passw0rd.' + name)
    for spn in spns:
        domain.tool('spn', 'add', spn, name)
    path = '%s/%s.keytab' % (harness.scratch(), name)
    for principal in spns + (name, ):
        domain.tool('domain', 'exportkeytab', path, '--principal=' + principal)


def server(keytab, policy=''):
    ours = peers.Lines([sys.argv[1], 'server', 'Kerberos', '-', '0'], environment(keytab, policy))
    equal(ours.ask('acquire')[0], 'SEC_E_OK', 'a server: the credential of ' + keytab)
    return ours


def front(policy='constrained-delegation = yes\nrequire-pac = yes\n', user='alice'):
    """The web server with a session of alice's."""
    theirs = server('web', policy)
    ours = peers.Lines([sys.argv[1], 'client', 'Kerberos', FRONT, '%x' % peers.SEALED, user, 'DOM.SSPI.TEST'],
                       environment(SSPI_PASSWORD=PASSWORD))
    ours.ask('acquire')
    us, them = peers.converse(ours, theirs)
    equal((us[0], them[0]), ('SEC_E_OK', 'SEC_E_OK'), '%s at the web server' % user)

    return theirs


def proxies():
    web, back = front(), server('back')
    answer = web.ask('onward', BACK, ONE_LEG)
    if check(answer[0] == 'SEC_E_OK', 'in her name to the back end', answer[2]):
        check(back.ask('step', answer[1])[0] == 'SEC_E_OK', 'the back end takes it')
        equal(back.ask('names')[1], 'alice@DOM.SSPI.TEST', 'and sees her')
        back.ask('again')
        answer = web.ask('onward', BACK, ONE_LEG)
        check(back.ask('step', answer[1])[0] == 'SEC_E_OK', 'once more, with the ticket there is', str(answer))
    answer = web.ask('onward', OTHER, ONE_LEG)
    equal(answer[0], 'SEC_E_DELEGATION_POLICY', 'to a service that the domain does not name')
    harness.note(answer[2])
    answer = web.ask('onward', BACK, '%x' % (peers.SEALED & ~peers.MUTUAL | 1))
    equal(answer[0], 'SEC_E_OK', 'delegation further on is asked for, and not had')
    # a user who must not be delegated
    web = front(user='carol')
    answer = web.ask('onward', BACK, ONE_LEG)
    equal(answer[0], 'SEC_E_DELEGATION_POLICY', 'an account that is not to be delegated')
    harness.note(answer[2])


def without():
    answer = front(policy='').ask('onward', BACK, ONE_LEG)
    equal(answer[0], 'SEC_E_NO_CREDENTIALS', 'without the policy: nothing, and not the own tickets')
    check('constrained-delegation' in answer[2], 'without the policy: the reason names it', answer[2])


TRANSITION = 'protocol-transition = yes\n'
NOT_SUPPORTED, LOGON_FAILURE, NO_SUCH_LOGON_SESSION = 'c00000bb', 'c000006d', 'c000005f'  # STATUS_*


def by_name():
    """Logons by name alone (S4U2self), and on from there."""
    def refused(name, status, keytab='web', policy=TRANSITION, user='alice@dom.sspi.test', realm='-'):
        ours = peers.Lines([sys.argv[1], 'server', 'Kerberos', '-', '0'], environment(keytab, policy))
        answer = ours.ask('logon', user, realm)
        equal(answer[0], status, name)
        harness.note(answer[2])
        return answer[2]

    web, back = server('web', TRANSITION + 'constrained-delegation = yes\n'), server('back')
    told = None
    for user, realm in (('alice@dom.sspi.test', '-'), ('alice', 'DOM.SSPI.TEST'), ('DOM\\alice', '-'), ('alice', '-'),
                        ('carol@DOM.SSPI.TEST', '-')):
        answer = web.ask('logon', user, realm)
        name = '%s of %s is logged on' % (user, realm)
        words = answer[2].split()
        if check(answer[0] == 'SEC_E_OK', name, str(answer)):
            equal(answer[1].lower(), 'dom\\%s' % ('carol' if 'carol' in user else 'alice'), name + ': the name')
            equal(words[0].lower(), '%s@dom.sspi.test' % ('carol' if 'carol' in user else 'alice'), name + ': the UPN')
            check(words[2].startswith('S-1-5-21-') and len(words) > 3, name + ': SIDs', answer[2])
            told = told or answer
    # what she would be in a session
    session = front(policy='')
    told[2] = told[2].replace('S-1-18-2', 'S-1-18-1')  # asserted by a service, not by the user's own password
    equal(session.ask('token'), told, 'else the token says what one of a session does')

    web.ask('logon', 'alice@dom.sspi.test', '-')
    answer = web.ask('onward', BACK, ONE_LEG)
    equal(answer[0], 'SEC_E_DELEGATION_POLICY', 'no further, where the domain does not let the service turn names into tickets')
    harness.note(answer[2])
    domain.tool('delegation', 'for-any-protocol', 'web', 'on')
    web = server('web', TRANSITION + 'constrained-delegation = yes\n')
    web.ask('logon', 'alice@dom.sspi.test', '-')
    answer = web.ask('onward', BACK, ONE_LEG)
    if check(answer[0] == 'SEC_E_OK', 'where it does, in her name to the back end', str(answer)):
        check(back.ask('step', answer[1])[0] == 'SEC_E_OK', 'the back end takes it')
        equal(back.ask('names')[1], 'alice@DOM.SSPI.TEST', 'and sees her')
    equal(web.ask('onward', OTHER, ONE_LEG)[0], 'SEC_E_DELEGATION_POLICY', 'not to a service that the domain does not name')
    equal(web.ask('logon', 'carol@dom.sspi.test', '-')[0], 'SEC_E_OK', 'who is not to be delegated is logged on')
    answer = web.ask('onward', BACK, ONE_LEG)
    equal(answer[0], 'SEC_E_DELEGATION_POLICY', 'and goes no further')
    harness.note(answer[2])
    web = server('web', TRANSITION)
    web.ask('logon', 'alice@dom.sspi.test', '-')
    equal(web.ask('onward', BACK, ONE_LEG)[0], 'SEC_E_NO_CREDENTIALS', 'policy lets names be turned into tokens, and no more')

    check('protocol-transition' in refused('policy is off', NOT_SUPPORTED, policy=''), 'policy is off: the reason names it')
    refused('nobody of that name', LOGON_FAILURE, user='nobody@dom.sspi.test')
    refused('nobody of that name, with a realm', LOGON_FAILURE, user='nobody', realm='DOM.SSPI.TEST')
    refused('no keytab', NO_SUCH_LOGON_SESSION, keytab='none')
    domain.disable_user('dave')
    refused('a disabled account', LOGON_FAILURE, user='dave@dom.sspi.test')


def main():
    global domain
    domain = samba_dc.start(kdc_default_domain_supported_enctypes='aes256-cts-hmac-sha1-96')
    harness.write('krb5.conf', CONFIGURATION % domain.kdc_port)
    domain.add_user('alice', PASSWORD)
    domain.add_user('carol', PASSWORD)
    domain.tool('user', 'sensitive', 'carol', 'on')
    domain.add_user('dave', PASSWORD)
    service('web', FRONT)
    service('back', BACK)
    service('other', OTHER)
    domain.tool('delegation', 'add-service', 'web', BACK)
    proxies()
    without()
    by_name()


harness.run(main)
