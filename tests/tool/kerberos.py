#!/usr/bin/env python3
"""kerberos.py SSPI: the command in a throw-away realm: serve with a keytab, get with tickets or a password, decode what went over the
wire, with and without the server's keys, and whoami."""
import json
import os
import sys

import harness
import kerberos_peers as peers
import relay
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])
SERVICE = 'HTTP/server.sspi.test'

realm = None


def sspi(*arguments, given=None, **more):
    return harness.call([SSPI, *arguments], env=peers.environment(realm, **more), given=given)


def serve(*arguments, **more):
    env = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('none'), KRB5_KTNAME='FILE:' + realm.path('no-keytab'), **more)
    process = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0', *arguments], env=env)
    return process, int(process.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])


def get(port, *arguments, target=SERVICE, **more):
    return sspi('get', '--target', target, *arguments, 'http://127.0.0.1:%d/json' % port, **more)


def serve_and_get():
    """The tokens of one sign-in."""
    server, port = serve('--keytab', realm.path('keytab'))
    between = relay.Relay(port)
    result = get(between.port)
    between.close()
    facts = json.loads(result.out)
    equal((facts['user'], facts['context']['package']), ('SSPI.TEST\\alice', 'Kerberos'), 'serve --keytab lets a ticket in')
    result = get(port, '--user', 'bob@SSPI.TEST', SSPI_PASSWORD='bob secret')
    equal(json.loads(result.out)['user'], 'SSPI.TEST\\bob', 'get --user: a ticket for a name and a password')
    result = get(port, '--user', 'bob@SSPI.TEST', SSPI_PASSWORD='not this')
    check(result.status != 0 and 'bob' not in result.out, 'a wrong password', str(result))
    result = get(port, '--package', 'Kerberos')
    equal((result.status, json.loads(result.out or '{}').get('user')), (0, 'SSPI.TEST\\alice'), 'get --package Kerberos')
    result = get(port, '--package', 'Kerberos', target='HTTP/unknown.sspi.test')
    check(result.status != 0, 'and nothing else instead', str(result))
    matches('SEC_E_TARGET_UNKNOWN', result.err, 'with the reason')
    equal(server.stop(), 0, 'the server ends well')
    bad = sspi('serve', '--keytab', realm.path('nowhere'), '--packages', 'Kerberos', '--listen', '127.0.0.1:0', KRB5CCNAME='FILE:' + realm.path('none'))
    equal(bad.status, 1, 'a keytab that is not there')
    matches('keytab', bad.err, 'and why')
    return [token for _, token in between.tokens]


def decode(tokens):
    header = ''.join('%s: Negotiate %s\n' % ('Authorization' if i % 2 == 0 else 'WWW-Authenticate',
                                            __import__('base64').b64encode(token).decode()) for i, token in enumerate(tokens))
    plain = json.loads(sspi('decode', '--json', given=header).out)
    first, second = [leg['token']['token'] for leg in plain['exchange']]
    equal((first['message'], first['service']), ('AP-REQ', SERVICE + '@SSPI.TEST'), 'decode: an AP-REQ and its service')
    equal(second['message'], 'AP-REP', 'decode: an AP-REP')
    matches('aes256-cts-hmac-sha1-96, key number 1', first['ticket'], 'decode: the key of the ticket, as the KDC was told')
    check('alice' not in json.dumps(plain), 'without keys nobody knows who')
    result = sspi('decode', '--json', '--keytab', realm.path('keytab'), given=header)
    opened = json.loads(result.out)['verified']
    equal(result.status, 0, 'decode --keytab')
    equal((opened['client'], opened['ticket_right'], opened['authenticator_right'], opened['reply_right']),
          ('alice@SSPI.TEST', True, True, True), 'who, and that all of it belongs together')
    check(opened['valid_until'] > opened['signed_in'] > '2020', 'times', str(opened))
    equal(opened['channel_bindings'], 'none', 'no channel bindings over plain HTTP')
    check('mutual authentication' in opened['flags'] or 'integrity' in opened['flags'], 'flags of the checksum', str(opened))
    text = sspi('decode', '--keytab', realm.path('keytab'), given=header)
    matches('With the keytab.*alice@SSPI.TEST', text.out, 'for people')
    page = sspi('decode', '--html', '--keytab', realm.path('keytab'), given=header)
    matches('<h2>With the keytab</h2>.*alice@SSPI.TEST', page.out, 'as a page')
    wrong = sspi('decode', '--json', '--keytab', peers.forged_keytab(realm, 'other.keytab', SERVICE, 1), given=header)
    equal((wrong.status, json.loads(wrong.out)['verified']['ticket_right']), (3, False), 'another key opens nothing')
    check('alice' not in wrong.out, 'and says nothing')
    for what, path in (('a keytab that is not there', realm.path('nowhere')), ('no keytab at all', '/etc/hostname')):
        equal(sspi('decode', '--keytab', path, given=header).status, 3, what)
    swapped = header.replace(header.splitlines()[1], header.splitlines()[0].replace('Authorization', 'WWW-Authenticate'))
    equal(sspi('decode', '--keytab', realm.path('keytab'), given=swapped).status, 0, 'an AP-REQ alone')
    token = tokens[0]
    crashed = 0
    for at in range(0, len(token), 5):
        for changed in token[:at], token[:at] + bytes([token[at] ^ 0x81]) + token[at + 1:]:
            result = sspi('decode', '--json', '--keytab', realm.path('keytab'), changed.hex() or '00')
            crashed += result.status not in (0, 3, 7)
    equal(crashed, 0, 'whatever is cut off or turned over has an answer')


def kinds():
    """Tokens that the RFCs describe, made here by hand."""
    error = bytes.fromhex('7e3e303ca003020105a10302011ea411180f32303236313132313134303135355aa505020300ffffa603020125a90b1b09'
                          '535350492e54455354aa0b3009a003020101a1023000')
    facts = json.loads(sspi('decode', '--json', error.hex()).out)['exchange'][0]['token']
    equal((facts['message'], facts['code'], facts['server_time']), ('KRB-ERROR', 37, '2026-11-21T14:01:55Z'), 'a KRB-ERROR')
    matches('[Cc]lock', facts['says'], 'in words')
    wrap = bytes.fromhex('050406ff0000001c0000000000000007') + bytes(60)
    facts = json.loads(sspi('decode', '--json', wrap.hex()).out)['exchange'][0]['token']
    equal((facts['message'], facts['sealed'], facts['rotation'], facts['sequence_number'], facts['from']), ('Wrap', True, 28, 7, 'client'),
          'a Wrap token (RFC 4121 4.2.6.2)')
    mic = bytes.fromhex('040405ffffffffff0000000000000009') + bytes(12)
    facts = json.loads(sspi('decode', '--json', mic.hex()).out)['exchange'][0]['token']
    equal((facts['message'], facts['from'], facts['sequence_number']), ('MIC', 'server', 9), 'a MIC token (RFC 4121 4.2.6.1)')


def who():
    facts = json.loads(sspi('whoami', '--json').out)
    equal((facts['default_credentials']['Kerberos'], facts['default_credentials']['Negotiate']), ('alice@SSPI.TEST', ) * 2,
          'whoami: whose tickets there are')
    facts = json.loads(sspi('whoami', '--json', KRB5CCNAME='FILE:' + realm.path('none')).out)
    matches('no default credentials|SEC_E_NO_CREDENTIALS', facts['default_credentials']['Kerberos'], 'whoami: nobody\'s')


def main():
    global realm
    realm = peers.start_realm()
    tokens = serve_and_get()
    decode(tokens)
    kinds()
    who()


harness.run(main)
