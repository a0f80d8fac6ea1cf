#!/usr/bin/env python3
"""test_examples.py FOLDER : the example programs against each other: a user gets in and reads the sealed greeting, others stay
outside; TLS between the two that speak it, and with openssl's."""
import os
import re
import sys

import harness

FOLDER = os.path.abspath(sys.argv[1])


def program(name):
    return os.path.join(FOLDER, 'example-' + name)


def client(port, env, user=None, domain='DOMAIN', password=None, package='NTLM'):
    env = dict(env)
    if user is not None:
        env.update(SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_DOMAIN=domain, SSPI_EXAMPLE_PASSWORD=password)
    return harness.call([program('client'), '127.0.0.1', port, package], env=env)


def sockets(env):
    server = harness.Process([program('server'), 'NTLM', '0', '6'], env=env)
    port = server.wait_line(r'^listening on 127\.0\.0\.1 port (\d+)$')[1]

    good = client(port, env, 'anna', password='opensesame')
    harness.equal(good.status, 0, 'a user with the right password gets in')
    harness.matches(r'Hello DOMAIN.anna, only you can read this\.', good.out, 'and reads what the server sealed')

    good = client(port, env, 'bertil', password='s\u00e9same, ouvre-toi')
    harness.equal(good.status, 0, 'a password outside ASCII is the same on both sides')

    wrong = client(port, env, 'anna', password='opensesamE')
    harness.equal((wrong.status, wrong.out), (1, ''), 'a wrong password stays outside')
    unknown = client(port, env, 'zoe', password='opensesame')
    harness.equal((unknown.status, unknown.out), (1, ''), 'an unknown user stays outside')
    harness.equal(unknown.err, wrong.err, 'and is told the same as with a wrong password')

    missing = client(port, env, 'anna', password='opensesame', package='Nonsense')
    harness.matches('SEC_E_SECPKG_NOT_FOUND', missing.err, 'a package that does not exist has its own status')

    good = client(port, env, 'anna', password='opensesame')
    harness.equal(good.status, 0, 'after all that the server lets the right user in')
    harness.equal(server.wait_exit(), 0, 'the server ends after its sixth client')
    harness.equal(server.output().count(' is here\nit says: Thank you.\n'), 3, 'it has seen three users, and their sealed answers')


def tls(env, pki):
    def at(name):
        return os.path.join(pki, name)
    server = harness.Process([program('tls_server'), at('server-rsa.pfx'), 'Password', '0', '4'], env=env)
    port = server.wait_line(r'^listening on 127\.0\.0\.1 port (\d+)$')[1]
    good = harness.call([program('tls_client'), '127.0.0.1', port, at('root.pem'), 'www.example.com'], env=env)
    harness.equal((good.status, good.out.split('\n')[0]), (0, 'TLS 1.2 with server-rsa'), 'the TLS client likes its server')
    harness.check(good.out.endswith('\nHello over TLS 1.2.\n'), 'and fetches its page', good.out)
    name = harness.call([program('tls_client'), '127.0.0.1', port, at('root.pem'), 'www.example.org'], env=env)
    harness.equal((name.status, name.out), (1, 'TLS 1.2 with server-rsa\nits certificate is not accepted: 0x800B010F\n'),
                  'but not by another name: CERT_E_CN_NO_MATCH')
    root = harness.call([program('tls_client'), '127.0.0.1', port, at('stranger.pem'), 'www.example.com'], env=env)
    harness.equal(root.status, 1, 'nor under another authority')
    openssl = harness.need_program('openssl', 'openssl')
    peer = harness.call([openssl, 's_client', '-connect', '127.0.0.1:' + port, '-CAfile', at('root.pem'), '-verify_return_error',
                         '-quiet', '-ign_eof'], given='GET /openssl HTTP/1.0\r\n\r\n', env=env)
    harness.matches(r'Hello over TLS 1\.2\.', peer.out, "openssl's client is greeted")
    harness.equal(server.wait_exit(), 0, 'the TLS server ends after its fourth client')
    harness.matches(r'TLS 1\.2: GET / HTTP/1\.0\n.*TLS 1\.2: GET /openssl HTTP/1\.0', server.output(), 'it has read both requests')

    peer, port = harness.with_port(lambda port: harness.Process(
        [openssl, 's_server', '-accept', str(port), '-cert', at('server-p256.pem'), '-cert_chain', at('server-p256.chain.pem'), '-key', at('server-p256.key'), '-www'],
        env=env))
    good = harness.call([program('tls_client'), '127.0.0.1', str(port), at('root.pem'), 'www.example.com'], env=env)
    harness.matches(r'^TLS 1\.2 with server-p256\n.*s_server', good.out, "the TLS client reads the page of openssl's server")
    peer.stop()


def client_certificates(env, pki):
    """Both sides of TLS where the client has a certificate, too: openssl's other side, and each other."""
    def at(name):
        return os.path.join(pki, name)
    openssl = harness.need_program('openssl', 'openssl')
    pfx = os.path.join(harness.scratch(), 'client.pfx')
    harness.call([openssl, 'pkcs12', '-export', '-in', at('client.chain.pem'), '-inkey', at('client.key'), '-out', pfx, '-passout',
                  'pass:Password'], env=env)

    server = harness.Process([program('tls_server'), at('server-rsa.pfx'), 'Password', '0', '5', at('root.pem')], env=env)
    port = server.wait_line(r'^listening on 127\.0\.0\.1 port (\d+)$')[1]
    s_client = [openssl, 's_client', '-connect', '127.0.0.1:' + port, '-quiet', '-ign_eof']
    ask = {'given': 'GET /openssl HTTP/1.0\r\n\r\n', 'env': env}
    peer = harness.call([*s_client, '-cert', at('client.pem'), '-cert_chain', at('client.chain.pem'), '-key', at('client.key')], **ask)
    harness.matches(r'Hello over TLS', peer.out, "openssl's client with a certificate is greeted")
    peer = harness.call(s_client, **ask)
    harness.check('Hello' not in peer.out, 'not without one', str(peer))
    peer = harness.call([*s_client, '-cert', at('unknown.pem'), '-key', at('unknown.key')], **ask)
    harness.check('Hello' not in peer.out, 'nor with one of another authority', str(peer))
    mine = [program('tls_client'), '127.0.0.1', port, at('root.pem'), 'www.example.com']
    good = harness.call([*mine, pfx, 'Password'], env=env)
    harness.check(good.status == 0 and 'Hello over TLS' in good.out, 'the TLS client shows its own', str(good))
    bare = harness.call(mine, env=env)
    harness.check(bare.status == 1 and 'Hello' not in bare.out, 'and stays outside without it', str(bare))
    harness.equal(server.wait_exit(), 0, 'the TLS server that asks for certificates ends well')
    harness.equal((len(re.findall(r'^TLS 1\.\d with Alice$', server.output(), re.M)), server.output().count('somebody stayed outside')), (2, 3),
                  'it has seen two clients by name, and three that stayed outside')

    def s_server(ask):
        return harness.with_port(lambda port: harness.Process(
            [openssl, 's_server', '-accept', str(port), '-cert', at('server-p256.pem'), '-cert_chain', at('server-p256.chain.pem'), '-key',
             at('server-p256.key'), '-CAfile', at('root.pem'), ask, '2', '-verify_return_error', '-www'], env=env))
    peer, port = s_server('-Verify')
    mine[2] = str(port)
    good = harness.call([*mine, pfx, 'Password'], env=env)
    harness.matches(r'^TLS 1\.\d with server-p256\n.*Client certificate\n.*CN ?= ?Alice\b', good.out, "openssl's server sees the client's certificate")
    bare = harness.call(mine, env=env)
    harness.check(bare.status == 1 and 's_server' not in bare.out, 'and lets nobody in without one', str(bare))
    peer.stop()
    peer, port = s_server('-verify')
    mine[2] = str(port)
    harness.matches(r'^TLS 1\.\d with server-p256\n.*no client certificate available', harness.call(mine, env=env).out,
                    'where a certificate is asked for and not needed, the client goes on without')
    peer.stop()


def main():
    env = harness.environment(accounts=['DOMAIN:anna:opensesame', 'DOMAIN:bertil:s\u00e9same, ouvre-toi'])

    hello = harness.call([program('hello')], env=env)
    harness.matches(r'^0x00090312: [1-9]\d* bytes for the server$', hello.out.strip(), "the README's client makes a token")
    harness.equal(hello.status, 0, "the README's client ends well")
    message = harness.call([program('message')], env=env)
    harness.equal((message.status, message.out), (0, 'The logon was refused.\r\n'), 'a message for a status')

    sockets(env)
    pki = os.environ.get('SSPI_TEST_PKI')
    if pki:
        tls(env, pki)
        client_certificates(env, pki)
    else:
        harness.skip('TLS', 'openssl is not installed: no certificates')


harness.run(main)
