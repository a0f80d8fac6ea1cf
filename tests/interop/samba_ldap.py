#!/usr/bin/env python3
"""samba_ldap.py CLIENT: GSS-SPNEGO binds at a Samba domain controller, and sessions through EncryptMessage.

CLIENT is ldap_client: its tokens are InitializeSecurityContext("Negotiate")'s, its security layer is EncryptMessage and
DecryptMessage."""
import sys

import harness
import samba_dc
from harness import check, equal, matches

PASSWORD = 'Passw0rd.Alice'
ACCENTED = 'Zoë.Grüße-€1'

# LDAP result codes (RFC 4511 4.1.9)
SUCCESS, STRONGER_AUTH_REQUIRED, INVALID_CREDENTIALS, SERVER_DOWN = '0', '8', '49', '-1'

domain = None


def client(*arguments, user='alice', password=PASSWORD, of='DOM'):
    """The facts that the client prints, as text."""
    result = harness.call([sys.argv[1], '--uri', domain.url, '--user', user, '--domain', of, *arguments],
                          env=harness.environment([], SSPI_PASSWORD=password))
    if result.status != 0:
        raise RuntimeError('the client: %s' % result)
    facts = dict(line.split('=', 1) for line in result.out.splitlines())
    facts['all'] = result.out
    return facts


def some(facts, *names):
    return tuple(facts.get(name) for name in names)


# ---------------------------------------------------------------- sessions

def sessions(reference):
    """The whole schema, a megabyte, by every way there is; the numbers are libldap's own without SSPI."""
    for request, confidentiality in (('seal', '1'), ('sign', '0')):
        for order in ((), ('--server-first',)):
            for form in ('stream', 'token'):
                name = '%s, %s, DecryptMessage of %s' % (request, 'SPNEGO' if order else 'NTLM as it is', form)
                facts = client('--request', request, '--protection', form, '--probe', '--base', schema(), *order)
                equal(some(facts, 'bind', 'status'), (SUCCESS, 'SEC_E_OK'), name + ': the bind')
                equal(some(facts, 'integrity', 'confidentiality', 'package', 'name'),
                      ('1', confidentiality, 'NTLM', 'DOM\\alice'), name + ': the session')
                equal(facts.get('spnego'), '1' if order else '0', name + ': the framing')
                equal(facts.get('sid'), reference['sid'], name + ': the controller knows who')
                equal(some(facts, 'search', 'entries', 'values', 'sum'), some(reference, 'search', 'entries', 'values', 'sum'),
                      name + ': the answer')
                check(int(facts.get('received', 0)) >= 3, name + ': in several messages', facts['all'])
                equal(some(facts, 'copies_altered', 'copies_again'), ('SEC_E_MESSAGE_ALTERED', 'SEC_E_OUT_OF_SEQUENCE'),
                      name + ': altered and repeated copies are refused, and the session goes on')


def schema():
    return 'CN=Schema,CN=Configuration,' + domain.base


def large_writes():
    for order in ((), ('--server-first',)):
        facts = client('--base', 'CN=alice,CN=Users,' + domain.base, '--photo', '300000', *order,
                       user=domain.administrator, password=domain.administrator_password)
        equal(some(facts, 'modify', 'search', 'photo'), (SUCCESS, SUCCESS, 'same'), 'a large value there and back')
        check(int(facts.get('sent', 0)) >= 8, 'in several messages', facts['all'])


def unprotected():
    for order in ((), ('--server-first',)):
        facts = client('--request', 'none', '--protection', 'none', *order)
        equal(facts.get('bind'), STRONGER_AUTH_REQUIRED, 'a session without integrity is not what the controller wants')
        matches('Sign or Seal', facts['all'], 'and it says so')


# ---------------------------------------------------------------- who

def people():
    for of in ('DOM', 'dom', 'dom.sspi.test'):
        equal(client(of=of).get('bind'), SUCCESS, 'the domain as ' + of)
    equal(client(user='ALICE').get('bind'), SUCCESS, 'the name in another case')
    equal(client(user='alice@dom.sspi.test', of='').get('bind'), SUCCESS, 'a user principal name')
    for order in ((), ('--server-first',)):
        facts = client(*order, user='Zoë', password=ACCENTED)
        equal(some(facts, 'bind', 'status', 'token'), (SUCCESS, 'SEC_E_OK', SUCCESS), 'a name and a password beyond ASCII')


def strangers():
    """The controller says no; with SPNEGO the client has not been told yes before."""
    for order, status in (((), 'SEC_E_OK'), (('--server-first',), 'SEC_I_CONTINUE_NEEDED')):
        for name, user, password in (('a wrong password', 'alice', 'Passw0rd.alice'), ('no password', 'alice', ''),
                                     ('an unknown user', 'nobody', PASSWORD), ('a disabled account', 'bob', PASSWORD)):
            facts = client(*order, user=user, password=password)
            equal(some(facts, 'bind', 'status'), (INVALID_CREDENTIALS, status), name)
            check('sid' not in facts, name + ': no session', facts['all'])


# ---------------------------------------------------------------- alterations

def alterations():
    facts = client('--server-first', '--alter', 'client-mic')
    equal(some(facts, 'altered', 'bind'), ('yes', INVALID_CREDENTIALS), "the client's mechListMIC, altered: refused there")
    facts = client('--server-first', '--alter', 'server-mic')
    equal(some(facts, 'altered', 'bind', 'status'), ('yes', SUCCESS, 'SEC_E_MESSAGE_ALTERED'),
          "the server's mechListMIC, altered: refused here")
    matches('mechListMIC', facts.get('reason', ''), 'with the reason')
    check('sid' not in facts, 'and no session', facts['all'])
    for order in ((), ('--server-first',)):
        facts = client('--alter', 'ntlm-mic', *order)
        equal(some(facts, 'altered', 'bind'), ('yes', INVALID_CREDENTIALS), "NTLM's own MIC, altered: refused there")
        facts = client('--alter', 'message', *order)
        equal(some(facts, 'bind', 'token', 'sent', 'received'), (SUCCESS, SERVER_DOWN, '1', '0'),
              'an altered message: the controller hangs up')


def without_strong_auth():
    """smb.conf may let sessions be without integrity; then the same data comes in the clear."""
    domain.stop()
    domain.run(ldap_server_require_strong_auth='no')
    reference = client('--simple', '--base', schema(), user='alice@dom.sspi.test')
    equal(some(reference, 'bind', 'search'), (SUCCESS, SUCCESS), "libldap's simple bind")
    check(int(reference['entries']) > 1000 and reference['sid'].startswith('0105'), 'and what it finds', reference['all'])
    for order in ((), ('--server-first',)):
        facts = client('--request', 'none', '--protection', 'none', '--base', schema(), *order)
        equal(some(facts, 'bind', 'status', 'integrity', 'sid', 'sum'),
              (SUCCESS, 'SEC_E_OK', '0', reference['sid'], reference['sum']), 'a session without integrity, where it may be')
    domain.stop()
    domain.run()
    return reference


def main():
    global domain
    domain = samba_dc.start()
    domain.add_user('alice', PASSWORD)
    domain.add_user('bob', PASSWORD)
    domain.disable_user('bob')
    domain.add_user('Zoë', ACCENTED)
    reference = without_strong_auth()
    sessions(reference)
    large_writes()
    unprotected()
    people()
    strangers()
    alterations()


harness.run(main)
