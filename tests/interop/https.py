#!/usr/bin/env python3
"""https.py SSPI PKI: curl and sspi get sign in at `sspi serve --https`; somebody between a client and the server, who speaks TLS
with both, gets in only where nobody looks at channel bindings (RFC 5929 4)."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys

import harness
from harness import check, equal, matches
from tls_between import Between

SSPI = os.path.abspath(sys.argv[1])
PKI = sys.argv[2]


def serve(env, *arguments):
    server = harness.Process([SSPI, 'serve', '--https', '--cert', PKI + '/local.chain.pem', '--key', PKI + '/local.key',
                              '--listen', '127.0.0.1:0', *arguments], env=env)
    return server, int(server.wait_line(r'^listening on https://127\.0\.0\.1:(\d+)/$')[1])


def get(url, *arguments):
    return harness.call([SSPI, 'get', '--user', 'DOMAIN\\User', *arguments, url + 'json'],
                        env=harness.environment(SSPI_PASSWORD='Password'))


def curl(program, port, *arguments, users=None):
    env = {**os.environ, 'KRB5_CONFIG': '/dev/null', 'NETBIOS_COMPUTER_NAME': 'PEER', **({'NTLM_USER_FILE': users} if users else {})}
    return harness.call([program, '-sS', '--max-time', '20', '--noproxy', '*', '--cacert', PKI + '/root.pem', '-w', '\n%{http_code}',
                         *arguments, 'https://127.0.0.1:%d/json' % port], env=env)


def code(result):
    return result.out.rsplit('\n', 1)[-1]


def binds(program, port, users):
    """Whether this curl's Negotiate sends bindings; if it does they have to be right."""
    result = curl(program, port, '--negotiate', '-u', ':', users=users)
    if code(result) == '200':
        facts = json.loads(result.out.rsplit('\n', 1)[0])
        equal(facts['context'].get('channel_bindings'), 'those of this connection', 'curl --negotiate sends the right bindings')
    else:
        harness.note('this curl sends no channel bindings with Negotiate')
        equal(code(result), '401', 'curl --negotiate without bindings stays outside')
    return code(result) == '200'


def policies(program, env):
    users = harness.write('users-gss', 'DOMAIN:User:Password\n')
    gss = 'GSS-API' in harness.call([program, '-V']).out and os.path.exists('/etc/gss/mech.d/mech.ntlmssp.conf')
    for policy in ('require', 'allow', 'ignore'):
        server, port = serve(env, '--bindings', policy)
        for scheme in ('NTLM', 'Negotiate'):
            for version in ('1.2', '1.3'):
                result = get('https://127.0.0.1:%d/' % port, '--roots', PKI + '/root.pem', '--package', scheme, '--tls-version', version)
                equal(result.status, 0, '%s: get, %s, TLS %s' % (policy, scheme, version))
                if result.status == 0:
                    equal(json.loads(result.out)['context'].get('channel_bindings'),
                          None if policy == 'ignore' else 'those of this connection', 'with its bindings')
                seen = len(server.output())
                between = Between(PKI, port)
                relayed = get(between.url, '--insecure', '--package', scheme, '--tls-version', version)
                between.close()
                log = server.output()[seen:]
                if policy == 'ignore':
                    equal((relayed.status, between.answers[-1:]), (0, ['200']), 'ignore: a relayed %s logon gets in' % scheme)
                else:
                    equal((relayed.status, '200' in between.answers), (3, False), '%s: a relayed %s logon does not' % (policy, scheme))
                    matches('SEC_E_BAD_BINDINGS: .*another channel', log, 'and the log says why')
        answered = curl(program, port, '--ntlm', '-u', 'DOMAIN\\User:Password')
        equal(code(answered), '401' if policy == 'require' else '200', '%s: curl --ntlm, which sends no bindings' % policy)
        wrong = curl(program, port, '--ntlm', '-u', 'DOMAIN\\User:password')
        equal(code(wrong), '401', '%s: curl --ntlm with a wrong password' % policy)
        if policy == 'require':
            matches('SEC_E_BAD_BINDINGS: the client sent no', server.output(), 'and the log says why')
            if gss:
                binds(program, port, users)
        elif gss:
            equal(code(curl(program, port, '--negotiate', '-u', ':', users=users)), '200', '%s: curl --negotiate' % policy)
        for version in ('1.2', '1.3'):
            answered = curl(program, port, '--ntlm', '-u', 'DOMAIN\\User:Password', '--tlsv' + version, '--tls-max', version)
            equal(code(answered), '401' if policy == 'require' else '200', '%s: curl, TLS %s' % (policy, version))
        equal(server.stop(), 0, '%s: the server ends well' % policy)
    if not gss:
        harness.skip('curl --negotiate', 'this curl has no GSSAPI, or gss-ntlmssp is not installed')


def chromium(env):
    """Chromium knows the server's key, and sends bindings by itself."""
    program = shutil.which('chromium')
    openssl = shutil.which('openssl')
    if not program or not openssl:
        harness.skip('Chromium over https', 'chromium or openssl is not installed (packages chromium, openssl)')
        return
    key = subprocess.run([openssl, 'pkey', '-in', PKI + '/local.key', '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
    server, port = serve(env)
    home = os.path.join(harness.scratch(), 'browser')

    def visit(where, password):
        return harness.call([program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                             '--disable-background-networking', '--disable-component-update', '--disable-sync',
                             '--disable-extensions', '--disable-dev-shm-usage', '--no-proxy-server', '--auth-schemes=ntlm',
                             '--user-data-dir=%s/%s' % (home, password),
                             '--ignore-certificate-errors-spki-list=' + base64.b64encode(hashlib.sha256(key).digest()).decode(),
                             '--dump-dom', where % password], env=dict(os.environ, HOME=home), limit=90).out

    where = 'https://DOMAIN%%5CUser:%s@' + '127.0.0.1:%d/json' % port
    page = visit(where, 'Password')
    matches('"channel_bindings": "those of this connection"', page, 'Chromium gets in, with its bindings')
    check('DOMAIN' not in visit(where, 'password'), 'and with a wrong password it does not')
    equal(server.stop(), 0, 'the server ends well')


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    program = harness.need_program('curl', 'curl')
    env = harness.environment()
    users = harness.write('users', 'DOMAIN:User:Password\n')
    equal(harness.call([SSPI, 'user', 'import', users], env=env).status, 0, 'an account')
    policies(program, env)
    server, port = serve(env)
    refused = harness.call([program, '-sS', '--max-time', '20', '--noproxy', '*', 'https://127.0.0.1:%d/' % port])
    equal(refused.status, 60, 'curl does not trust a root that nobody knows')
    check(server.running(), 'and the server lives')
    server.stop()
    chromium(env)


harness.run(main)
