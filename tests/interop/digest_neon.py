#!/usr/bin/env python3
"""digest_neon.py SSPI: neon's HTTP client at `sspi serve`: SHA-512-256 and hidden names (userhash), as an implementation that
is not ours has them; accounts from a file; and a proxy."""
import ctypes
import json
import os
import sys

import harness
from harness import check, equal

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = 'libneon.so.27'
REALM = 'test realm'  # neon does not escape quotes
USERS = [('User', 'Password'), ('Zoé', 'pässwörd')]


def serve(*more, policy=''):
    env = harness.environment()
    with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
        file.write(policy)
    server = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'Digest', '--realm', REALM] + list(more), env=env)
    return server, server.wait_line(r'listening on (http://\S+)').group(1)


def get(url, user, password, *proxy):
    env = dict(os.environ, SSPI_PASSWORD=password, NEON_DEBUG='')
    result = harness.call([sys.executable, os.path.join(HERE, 'neon.py'), LIBRARY, url, user] + list(proxy), env=env)
    head, _, body = result.out.partition('\n\n')
    return result, [line.split(' ', 2) for line in head.splitlines()], body


def let_in(name, server, url, user, password, *proxy):
    result, answers, body = get(url + 'json', user, password, *proxy)
    good = [answer[:2] for answer in answers] == [['200', '0']] * 3
    check(good and json.loads(body)['user'].endswith('\\' + user), '%s: %s is let in, thrice' % (name, user),
          lambda: '%s\n%s' % (result, server.output()))
    result, answers, body = get(url + 'json', user, 'not ' + password, *proxy)
    check(answers and answers[0][0] in ('401', '407'), '%s: %s with a wrong password stays outside' % (name, user), lambda: str(result))


def algorithms():
    for words in ('md5', 'sha-256', 'sha-512-256', 'md5-sess', 'sha-256-sess', 'sha-512-256-sess', 'md5, sha-256, sha-512-256'):
        for hidden in 'no', 'yes':
            server, url = serve(policy='[digest]\nalgorithms = %s\nuserhash = %s\n' % (words, hidden))
            for user, password in USERS if hidden == 'yes' else USERS[:1]:  # else neon sends ASCII names alone
                let_in('%s, userhash %s' % (words, hidden), server, url, user, password)
            result, answers, _ = get(url + 'json', 'Nobody', 'Password')
            check(answers and answers[0][0] == '401', '%s, userhash %s: nobody stays outside' % (words, hidden), lambda: str(result))
            server.stop()


def from_a_file():
    users = harness.write('users', ''.join(':%s:%s\n' % user for user in USERS))
    env = harness.environment()
    config = harness.write('file.conf', '[accounts]\nbackend = file\npath = %s\n[digest]\nuserhash = yes\n' % users)
    env['SSPI_CONFIG'] = config
    env.pop('SSPI_ACCOUNTS', None)
    server = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'Digest', '--realm', REALM], env=env)
    url = server.wait_line(r'listening on (http://\S+)').group(1)
    for user, password in USERS:
        let_in('a file of accounts, userhash', server, url, user, password)
    server.stop()


def at_a_proxy():
    target, target_url = serve()
    proxy, url = serve('--proxy')
    let_in('a proxy and a server that both ask', target, target_url, *USERS[0], *url.split('/')[2].split(':'))
    check('407' in proxy.output() and '401' in target.output(), 'and both did', proxy.output() + target.output())
    proxy.stop()
    target.stop()


def main():
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        raise harness.SkipAll('neon is not installed (package libneon27)') from None
    for user, password in USERS:
        result = harness.call([sys.argv[1], 'user', 'add', user, '--realm', REALM], env=harness.environment(SSPI_PASSWORD=password))
        equal(result.status, 0, 'the account of %s' % user)
    algorithms()
    from_a_file()
    at_a_proxy()


harness.run(main)
