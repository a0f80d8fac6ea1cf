#!/usr/bin/env python3
"""curl.py SSPI: curl signs in at `sspi serve` by NTLM and by Negotiate, and stays outside where it should."""
import base64
import http.client
import json
import os
import sys

import harness
import relay
from harness import check, equal, matches

CURL = None
URL = None
SERVER = None
MACHINE = 'SERVER'  # harness.environment() says so


def curl(*arguments, env=None):
    """One run of curl: (codes and connections of each transfer, output)."""
    out = os.path.join(harness.scratch(), 'body')
    command = [CURL, '-sS', '--noproxy', '*', '--max-time', '20', '-o', out, '-w', '%{http_code} %{num_connects}\\n']
    if os.path.exists(out):
        os.unlink(out)
    result = harness.call(command + list(arguments), env=env)
    body = ''
    if os.path.exists(out):
        with open(out, encoding='utf-8', errors='replace') as file:
            body = file.read()
    return [tuple(map(int, line.split())) for line in result.out.splitlines()], body, result


def lets_in(user, password, who, what, *more):
    transfers, body, result = curl('--ntlm', '-u', user + ':' + password, *more, URL + 'json')
    if check(transfers[-1:] and transfers[-1][0] == 200, what, lambda: '%s\n%s' % (result, SERVER.output()[-2000:])):
        facts = json.loads(body)
        same = facts['user'] == who and facts['scheme'] == 'NTLM'
        check(same, what + ': the page knows who and how', body[:1000])


def keeps_out(user, password, what):
    transfers, body, result = curl('--ntlm', '-u', user + ':' + password, URL)
    check(transfers[-1:] and transfers[-1][0] == 401, what, str(result))
    check('You are' not in body, what + ': the page names nobody', body)
    return body


def good_names():
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'the right password is let in')
    lets_in('domain\\uSER', 'Password', 'DOMAIN\\User', 'names compare without case')
    lets_in('User', 'Password', 'DOMAIN\\User', 'a name without a domain')
    # an account that is good for any domain is this machine's, whatever its owner writes before the backslash
    lets_in('alice', 'Password', MACHINE + '\\alice', 'an account without a domain')
    lets_in('NT AUTHORITY\\ALICE', 'Password', MACHINE + '\\alice', 'nobody chooses the domain it is known by')
    # curl speaks OEM text and widens each byte: in Latin-1 that is the Unicode character
    lets_in('DOMAIN\\Other', os.fsdecode('pässwörd'.encode('latin-1')), 'DOMAIN\\Other', 'a password beyond ASCII')
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'curl chooses NTLM by itself', '--anyauth')


def strangers():
    wrong = keeps_out('DOMAIN\\User', 'password', 'a wrong password is kept out')
    unknown = keeps_out('DOMAIN\\Nobody', 'Password', 'an unknown user is kept out')
    equal(wrong, unknown, 'an unknown user sees what a wrong password sees')
    keeps_out('DOMAIN\\User', '', 'an empty password is kept out')
    keeps_out('', '', 'nobody at all is kept out')
    keeps_out('OTHER\\User', 'Password', 'a user of another domain is kept out')
    keeps_out('DOMAIN\\Jos\udcc3\udca9', 'Password', 'a name in an unknown code page is kept out')
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'and the right password still works')


def connections():
    before = SERVER.output().count(' 401 ')
    transfers, body, result = curl('--ntlm', '-u', 'DOMAIN\\User:Password', URL + 'json', '-o', '/dev/null', URL + 'a',
                                   '-o', '/dev/null', URL + 'b')
    equal([code for code, _ in transfers], [200, 200, 200], 'three pages on one connection')
    equal([connects for _, connects in transfers], [1, 0, 0], 'the connection is used again')
    asked = SERVER.output().count(' 401 ') - before
    check(asked <= 1, 'signed in once', 'the server asked %d times\n%s' % (asked, SERVER.output()[-2000:]))
    transfers, _, result = curl(URL)
    equal([code for code, _ in transfers], [401], 'another connection is a stranger')


def posts():
    body = harness.write('form', b'x' * 50000)
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'POST', '-d', 'name=value')
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'POST of 50 KB', '--data-binary', '@' + body)
    transfers, _, result = curl('--ntlm', '-u', 'DOMAIN\\User:wrong', '-d', 'name=value', URL)
    check(transfers[-1:] and transfers[-1][0] == 401, 'POST with a wrong password is kept out', str(result))


def headers():
    answer = harness.call([CURL, '-sS', '--noproxy', '*', '-i', '--max-time', '20', URL]).out
    matches(r'(?im)^WWW-Authenticate: NTLM\r?$', answer, 'NTLM is offered without a token')
    for token in ('AAAA', 'TlRMTVNTUAABAAAA', 'TlRMTVNTUAADAAAA' + 'A' * 200, '!', ''):
        transfers, body, result = curl('-H', 'Authorization: NTLM ' + token, URL)
        check(transfers and transfers[0][0] in (400, 401), 'rubbish in place of a token: %s' % (token[:16] or 'nothing'),
              str(result))
    lets_in('DOMAIN\\User', 'Password', 'DOMAIN\\User', 'and the server is still there')


def signed_in(users, *more):
    """curl's --negotiate is GSSAPI: MIT's SPNEGO over gss-ntlmssp, with the credentials of NTLM_USER_FILE."""
    return curl('--negotiate', '-u', ':', *more, env={**os.environ, 'NTLM_USER_FILE': users, 'KRB5_CONFIG': '/dev/null',
                                                      'NETBIOS_COMPUTER_NAME': 'PEER'})


def negotiate(users):
    transfers, body, result = signed_in(users, URL + 'json')
    if check(transfers[-1:] and transfers[-1][0] == 200, 'curl --negotiate is let in', lambda: '%s\n%s' % (result, SERVER.output()[-2000:])):
        facts = json.loads(body)
        equal((facts['user'], facts['scheme'], facts['context']['package']), ('DOMAIN\\User', 'Negotiate', 'NTLM'), 'the page knows who and how')
        equal([leg['token']['message'] for leg in facts['exchange'] if 'token' in leg],
              ['NegTokenInit: NEGOTIATE', 'NegTokenResp: CHALLENGE', 'NegTokenResp: AUTHENTICATE', 'NegTokenResp'],
              'by SPNEGO, and the last word is the server\'s')
    wrong = harness.write('wrong', 'DOMAIN:User:password\n')
    transfers, body, result = signed_in(wrong, URL)
    check(transfers[-1:] and transfers[-1][0] == 401 and 'You are' not in body, 'curl --negotiate with a wrong password stays out', str(result))
    transfers, body, result = signed_in(users, URL + 'json', '-o', '/dev/null', URL + 'a')
    equal(transfers, [(200, 1), (200, 0)], 'two pages on one connection')
    transfers, body, result = signed_in(users, '--anyauth', URL + 'json')
    equal((transfers[-1:], json.loads(body).get('scheme')), ([(200, 1)], 'Negotiate'), 'curl prefers Negotiate when it may choose')


def tampering(users):
    """Somebody between curl and the server turns a bit of a mechListMIC over."""
    port = int(URL.rsplit(':', 1)[1].rstrip('/'))

    def through(**changes):
        between = relay.Relay(port, **changes)
        outcome = signed_in(users, between.url + 'json', '-o', '/dev/null', between.url + 'again')
        between.close()
        return between, *outcome

    between, transfers, body, result = through()
    equal(transfers, [(200, 1), (200, 0)], 'a relay that alters nothing harms nothing')
    check(between.spnego() and len([1 for _, token in between.tokens if relay.mech_list_mic(token)]) == 2,
          'curl speaks SPNEGO, and both sides sign the list of mechanisms', str(between.tokens))
    for byte, what in ((0, 'version'), (4, 'checksum'), (12, 'sequence number')):
        before = len(SERVER.output())
        between, transfers, body, result = through(to_server=relay.flip_mic(byte))
        check(between.altered >= 1 and [code for code, _ in transfers] == [401, 401] and 'DOMAIN' not in body,
              'we refuse curl when its mechListMIC has another ' + what, '%s %s' % (transfers, body[:500]))
        matches(r' 401 /json \S*SEC_E_MESSAGE_ALTERED', SERVER.output()[before:], 'and the log says why (%s)' % what)
    between, transfers, body, result = through(to_server=relay.strip_mic)
    equal((between.altered >= 1, [code for code, _ in transfers]), (True, [401, 401]), 'we refuse curl without its mechListMIC')
    between, transfers, body, result = through(to_client=relay.flip_mic())
    equal(between.altered, 1, 'the server\'s own mechListMIC altered')
    harness.note('curl %s the server\'s last token' % ('does not look at' if transfers[0][0] == 200 else 'checks'))


def one_connection(users):
    """What signed one connection in is worth nothing on another (RFC 4559 6), while the first is open or after it."""
    port = int(URL.rsplit(':', 1)[1].rstrip('/'))
    between = relay.Relay(port)
    equal(signed_in(users, between.url)[0][-1:], [(200, 1)], 'curl signs in, watched')
    init, last = [token for direction, token in between.tokens if direction == relay.TO_SERVER]
    between.close()

    def ask(connection, token=None):
        headers = {'Authorization': 'Negotiate ' + base64.b64encode(token).decode()} if token else {}
        connection.request('GET', '/json', headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_all('WWW-Authenticate'), answer.read()

    first, second = (http.client.HTTPConnection('127.0.0.1', port, timeout=20) for _ in range(2))
    status, offers, _ = ask(first, init)
    check(status == 401 and len(offers) == 1 and offers[0].startswith('Negotiate '), 'the first token once more begins another exchange', str(offers))
    equal(ask(second, last)[:2], (401, ['Negotiate', 'NTLM']), 'the last token alone lets nobody in')
    equal(ask(first, last)[:2], (401, ['Negotiate', 'NTLM']), 'nor after the other server challenge')
    equal(ask(first)[0], 401, 'and the connection is nobody\'s')


def proxy(users, env):
    """curl --proxy-negotiate at `sspi serve --proxy`, on the way to a server that wants nobody: the proxy's own 401 page."""
    server = harness.Process([sys.argv[1], 'serve', '--proxy', '--listen', '127.0.0.1:0'], env=env)
    port = int(server.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])
    wrong = harness.write('wrong-proxy', 'DOMAIN:User:password\n')

    def through(file, **changes):
        between = relay.Relay(port, **changes)
        gss = {**os.environ, 'NTLM_USER_FILE': file, 'KRB5_CONFIG': '/dev/null', 'NETBIOS_COMPUTER_NAME': 'PEER'}
        result = harness.call([CURL, '-sS', '--max-time', '20', '-x', between.url, '--noproxy', '', '--proxy-negotiate', '-U', ':',
                               '-o', os.devnull, '-w', '%{http_code}\n', URL, '-o', os.devnull, URL + 'more'], env=gss)
        between.close()
        return between, result.out.split()

    before = SERVER.output().count('no credentials yet')
    between, codes = through(users)
    equal((codes, between.connections), (['401', '401'], 1), 'curl --proxy-negotiate comes through to a server that asks in turn')
    check(between.spnego() and len([1 for _, token in between.tokens if relay.mech_list_mic(token)]) == 2, 'by SPNEGO, signed in once',
          str(between.tokens))
    equal(SERVER.output().count('no credentials yet') - before, 2, 'and the server heard it')
    equal(through(wrong)[1], ['407', '407'], 'with a wrong password it does not')
    between, codes = through(users, to_server=relay.flip_mic())
    equal((codes, between.altered >= 1), (['407', '407'], True), 'nor with an altered mechListMIC')
    matches(r' 407 \S* \S*SEC_E_MESSAGE_ALTERED', server.output(), 'and the log says why')
    server.stop()


def main():
    global CURL, URL, SERVER
    CURL = harness.need_program('curl', 'curl')
    if 'NTLM' not in harness.call([CURL, '-V']).out:
        raise harness.SkipAll('this curl was built without NTLM (package curl)')
    env = harness.environment()
    users = harness.write('users', 'DOMAIN:User:Password\nDOMAIN:Other:pässwörd\n')
    equal(harness.call([sys.argv[1], 'user', 'import', users], env=env).status, 0, 'accounts in the database')
    anywhere = harness.write('anywhere', 'alice:::a4f49c406510bdcab6824ee7c30fd852:::\n')
    equal(harness.call([sys.argv[1], 'user', 'import', anywhere], env=env).status, 0, 'an account without a domain')
    SERVER = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'NTLM'], env=env)
    URL = SERVER.wait_line(r'^listening on (http://127\.0\.0\.1:\d+/)')[1]

    transfers, body, result = curl('--ntlm', '-u', 'DOMAIN\\User:Password', URL)
    matches(r'You are DOMAIN\\User', body, 'the page for people says who')
    good_names()
    strangers()
    connections()
    posts()
    headers()
    SERVER.stop()
    SERVER = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0'], env=env)
    URL = SERVER.wait_line(r'^listening on (http://127\.0\.0\.1:\d+/)')[1]
    if 'GSS-API' in harness.call([CURL, '-V']).out and os.path.exists('/etc/gss/mech.d/mech.ntlmssp.conf'):
        alone = harness.write('alone', 'DOMAIN:User:Password\n')
        negotiate(alone)
        tampering(alone)
        one_connection(alone)
        proxy(alone, env)
    else:
        harness.skip('curl --negotiate', 'this curl has no GSSAPI, or gss-ntlmssp is not installed')
    check(SERVER.running(), 'the server lived through it', SERVER.output()[-2000:])
    equal(SERVER.stop(), 0, 'the server ends well')


harness.run(main)
