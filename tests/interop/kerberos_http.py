#!/usr/bin/env python3
"""kerberos_http.py SSPI: Kerberos over HTTP in a throw-away realm: curl --negotiate at `sspi serve`, `sspi get` at Apache's
mod_auth_gssapi, and what neither of them lets in."""
import base64
import http.client
import json
import os
import sys

import apache_site
import harness
import kerberos_peers as peers
import relay
from harness import check, equal, matches

HOST = 'server.sspi.test'
SERVICE = 'HTTP/' + HOST

realm = None


class Serve:
    """`sspi serve` with a keytab."""

    def __init__(self, env, *more):
        self.process = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', *more], env=env)
        self.port = int(self.process.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])
        self.seen = 0

    def new_log(self):
        log = self.process.output()
        new, self.seen = log[self.seen:], len(log)
        return new

    def curl(self, *arguments, port=None, cache=None, **environment):
        """(codes and connections, body): curl with alice's tickets, or those of `cache`."""
        out = os.path.join(harness.scratch(), 'body')
        if os.path.exists(out):
            os.unlink(out)
        port = port or self.port
        url = 'http://%s:%d/' % (HOST, port)
        command = ['curl', '-sS', '--noproxy', '*', '--max-time', '20', '--resolve', '%s:%d:127.0.0.1' % (HOST, port), '--negotiate', '-u',
                   ':', '-o', out, '-w', '%{http_code} %{num_connects}\\n']
        env = dict(realm.environment, **environment)
        if cache:
            env['KRB5CCNAME'] = cache
        result = harness.call(command + [a.replace('URL/', url) for a in arguments], env=env)
        body = ''
        if os.path.exists(out):
            with open(out, encoding='utf-8', errors='replace') as file:
                body = file.read()
        return [tuple(map(int, line.split())) for line in result.out.splitlines()], body


def server_environment(**more):
    """A server's own: the keytab, and nobody's tickets."""
    return peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'), **more)


def let_in(serve, what, *arguments, who='SSPI.TEST\\alice', **more):
    transfers, body = serve.curl(*arguments, 'URL/json', **more)
    log = serve.new_log()
    if check(transfers[-1:] and transfers[-1][0] == 200, what + ': curl is let in', '%s %s' % (transfers, log)):
        facts = json.loads(body)
        equal((facts['user'], facts['scheme'], facts['context']['package']), (who, 'Negotiate', 'Kerberos'), what + ': who and how')
        return facts
    return {}


def kept_out(serve, what, status, **more):
    transfers, body = serve.curl('URL/json', **more)
    log = serve.new_log()
    check(transfers[-1:] and transfers[-1][0] == 401 and 'alice' not in body, what + ': curl stays outside', '%s %s' % (transfers, log))
    if status:
        matches(r' 401 /json \S*' + status, log, '%s: %s' % (what, status))


def curl_at_serve(serve):
    facts = let_in(serve, 'a ticket')
    equal([leg['token']['message'] for leg in facts.get('exchange', []) if 'token' in leg], ['NegTokenInit: AP-REQ', 'NegTokenResp: AP-REP'],
          'in one round trip')
    transfers, _ = serve.curl('URL/json', '-o', '/dev/null', 'URL/a')
    equal(transfers, [(200, 1), (200, 0)], 'two pages on one connection')
    let_in(serve, 'POST', '--data-binary', '@' + harness.write('form', b'x' * 50000))
    realm.kinit('bob', 'FILE:' + realm.path('bob-cache'))
    let_in(serve, 'another user', who='SSPI.TEST\\bob', cache='FILE:' + realm.path('bob-cache'))
    kept_out(serve, 'no tickets', None, cache='FILE:' + realm.path('none'))
    let_in(serve, 'and the ticket still')


def replayed(serve):
    """What let somebody in once is worth nothing again, on this connection or another."""
    between = relay.Relay(serve.port)
    transfers, _ = serve.curl('URL/json', port=between.port)
    between.close()
    equal(transfers[-1:], [(200, 1)], 'curl signs in, watched')
    token = [token for direction, token in between.tokens if direction == relay.TO_SERVER][0]
    serve.new_log()

    def ask(token):
        connection = http.client.HTTPConnection('127.0.0.1', serve.port, timeout=20)
        connection.request('GET', '/json', headers={'Authorization': 'Negotiate ' + base64.b64encode(token).decode()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    status, body = ask(token)
    check(status == 401 and b'alice' not in body, 'the same token again is refused')
    matches('SEC_E_LOGON_DENIED', serve.new_log(), 'and the log says so')
    refused = 0
    for at in range(0, len(token), max(1, len(token) // 40)):
        altered = token[:at] + bytes([token[at] ^ 0x20]) + token[at + 1:]
        refused += ask(altered)[0] in (400, 401)
    check(refused >= 40, 'and every altered one', '%d' % refused)
    let_in(serve, 'after them')


def wrong_keys():
    for number, name, what, status in ((1, SERVICE, 'another key', 'SEC_E_LOGON_DENIED'), (7, SERVICE, 'a key of another number', 'SEC_E_NO_KERB_KEY'),
                                       (1, 'HTTP/nobody.sspi.test', 'the key of another service', 'SEC_E_WRONG_PRINCIPAL')):
        path = peers.forged_keytab(realm, 'wrong.keytab', name, number)
        serve = Serve(server_environment(KRB5_KTNAME='FILE:' + path))
        kept_out(serve, what, status)
        equal(serve.process.stop(), 0, what + ': the server ends well')


def clocks():
    for offset, what, status in (('+15m', 'a clock a quarter ahead', 'SEC_E_TIME_SKEW'), ('-15m', 'a clock a quarter behind', 'SEC_E_TIME_SKEW'),
                                 ('+12h', 'a ticket that has ended', 'SEC_E_(CONTEXT_EXPIRED|TIME_SKEW)')):
        env = peers.at_another_time(server_environment(), offset)
        if env is None:
            harness.skip(what, 'libfaketime is not installed (package libfaketime)')
            continue
        serve = Serve(env)
        kept_out(serve, what, status)
        serve.process.stop()
    env = peers.at_another_time(server_environment(), '+3m')
    if env is not None:
        serve = Serve(env)
        let_in(serve, 'three minutes are within the five')
        serve.process.stop()


# ---------------------------------------------------------------- sspi get at Apache

def get(site, *arguments, target=SERVICE, package='Negotiate', limit=harness.LIMIT, **environment):
    env = peers.environment(realm, **environment)
    return harness.call([sys.argv[1], 'get', '--package', package, '--target', target, *arguments, site.url + 'who.shtml'], env=env, limit=limit)


def get_at_apache(site):
    result = get(site)
    check(result.status == 0, 'Apache lets our ticket in', lambda: '%s\n%s' % (result, site.log()))
    matches('user=alice@SSPI.TEST', result.out, 'Apache knows who')
    result = get(site, '--user', 'alice@SSPI.TEST', SSPI_PASSWORD='alice secret', KRB5CCNAME='FILE:' + realm.path('none'))
    matches('user=alice@SSPI.TEST', result.out, 'a name and a password: a ticket is fetched for them')
    result = get(site, '--user', 'SSPI.TEST\\bob', SSPI_PASSWORD='bob secret')
    matches('user=bob@SSPI.TEST', result.out, "another user's name, beside alice's tickets")
    facts = json.loads(get(site, '--json').out)
    equal((facts['http_status'], facts['signed_in']), (200, True), 'the facts say so')


def refused_at_apache(site):
    nothing = {'KRB5CCNAME': 'FILE:' + realm.path('none')}
    result = get(site, **nothing)
    check(result.status != 0 and 'user=' not in result.out, 'no ticket, no page', str(result))
    matches('SEC_E_', result.err, 'and the reason: ' + result.err.strip()[:150])
    result = get(site, '--user', 'alice@SSPI.TEST', SSPI_PASSWORD='not this', **nothing)
    check(result.status != 0 and 'user=' not in result.out, 'a wrong password', str(result))
    result = get(site, target='HTTP/unknown.sspi.test')
    check(result.status != 0 and 'user=' not in result.out, 'a service that the realm does not know', str(result))
    result = get(site, target='HTTP/delegate.sspi.test')
    equal((result.status, 'user=' in result.out), (3, False), 'a ticket for another service')
    equal(get(site).status, 0, 'and the right ticket still')


def server_of_another_key():
    for number, what in ((1, 'another key'), (5, 'a key of another number')):
        site = apache_site.Site(peers.forged_keytab(realm, 'apache.keytab', SERVICE, number), realm.path('krb5.conf'))
        result = get(site)
        check(result.status == 3 and 'user=' not in result.out, 'Apache with %s lets nobody in' % what, str(result))
        site.process.stop()


def main():
    global realm
    harness.need_program('curl', 'curl')
    realm = peers.start_realm()
    if 'GSS-API' in harness.call(['curl', '-V']).out:
        serve = Serve(server_environment())
        curl_at_serve(serve)
        replayed(serve)
        equal(serve.process.stop(), 0, 'the server ends well')
        wrong_keys()
        clocks()
    else:
        harness.skip('curl --negotiate', 'this curl has no GSSAPI')
    if apache_site.missing():
        harness.skip('Apache', apache_site.missing())
        return
    keytab = peers.keytab(realm, 'http.keytab', 'ktadd -norandkey -k {} ' + SERVICE)
    site = apache_site.Site(keytab, realm.path('krb5.conf'))
    get_at_apache(site)
    refused_at_apache(site)
    check(site.process.running(), 'Apache lived through it', site.log())
    site.process.stop()
    server_of_another_key()


harness.run(main)
