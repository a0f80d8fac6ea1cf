#!/usr/bin/env python3
"""The example programs against each other: a user gets in and reads the sealed greeting, others stay outside."""
import os
import sys

import harness

SERVER, CLIENT, HELLO = (os.path.abspath(path) for path in sys.argv[1:4])


def client(port, env, user=None, domain='DOMAIN', password=None, package='NTLM'):
    env = dict(env)
    if user is not None:
        env.update(SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_DOMAIN=domain, SSPI_EXAMPLE_PASSWORD=password)
    return harness.call([CLIENT, '127.0.0.1', port, package], env=env)


def main():
    env = harness.environment(accounts=['DOMAIN:anna:opensesame', 'DOMAIN:bertil:s\u00e9same, ouvre-toi'])

    hello = harness.call([HELLO], env=env)
    harness.matches(r'^0x00090312: [1-9]\d* bytes for the server$', hello.out.strip(), "the README's client makes a token")
    harness.equal(hello.status, 0, "the README's client ends well")

    server = harness.Process([SERVER, 'NTLM'], env=env)
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
    harness.equal(server.output().count(' is here'), 3, 'the server has seen three users')
    harness.equal(server.stop(), 0, 'and it ends when it is told to')


harness.run(main)
