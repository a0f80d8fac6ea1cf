#!/usr/bin/env python3
"""test_kerberos.py FOLDER [MIT_LINES] : the documentation's socket client and server with tickets of MIT's KDC, against each other and
against MIT's GSSAPI, whose tokens and messages this script carries."""
import os
import socket
import sys

import harness
import kerberos_peers as peers
from harness import check, equal, matches

FOLDER = os.path.abspath(sys.argv[1])
SERVICE = 'host/server.sspi.test'

realm = None


def program(name):
    return os.path.join(FOLDER, 'example-' + name)


def client(port, package, env, user=None, password='', target=SERVICE):
    if user is not None:
        env = dict(env, SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_PASSWORD=password, SSPI_EXAMPLE_DOMAIN='SSPI.TEST')
    return harness.call([program('client'), '127.0.0.1', str(port), package, target], env=env)


def server(package, clients):
    env = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'))
    process = harness.Process([program('server'), package, '0', str(clients)], env=env)
    return process, process.wait_line(r'^listening on 127\.0\.0\.1 port (\d+)$')[1]


def each_other(package):
    tickets = peers.environment(realm)
    nobody = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'))
    there, port = server(package, 4)
    good = client(port, package, tickets)
    equal((good.status, good.out), (0, 'Hello SSPI.TEST\\alice, only you can read this.\n'), package + ': a ticket')
    good = client(port, package, nobody, 'bob', 'bob secret')
    equal((good.status, good.out), (0, 'Hello SSPI.TEST\\bob, only you can read this.\n'), package + ': a name and a password')
    wrong = client(port, package, nobody, 'bob', 'Bob secret')
    check(wrong.status == 1 and wrong.out == '', package + ': not with a wrong password', str(wrong))
    wrong = client(port, package, tickets, target='HTTP/unknown.sspi.test')
    check(wrong.status == 1 and wrong.out == '', package + ': nor for a service that is not there', str(wrong))
    equal(there.wait_exit(), 0, package + ': the server ends well')
    equal(there.output().count(' is here\nit says: Thank you.\n'), 2, package + ': it has opened what two said')


# ---------------------------------------------------------------- MIT's GSSAPI

def receive(connection):
    """A message: four bytes of length, then the bytes; in hexadecimal.  '' when the other side has left."""
    def some(size):
        data = b''
        while len(data) < size:
            more = connection.recv(size - len(data))
            if not more:
                return b''
            data += more
        return data
    length = some(4)
    return some(int.from_bytes(length, 'big')).hex() if length else ''


def send(connection, text):
    connection.sendall((len(text) // 2).to_bytes(4, 'big') + bytes.fromhex(text))


def mit(mechanism, role, cache=None):
    env = dict(realm.environment, KRB5CCNAME=cache or realm.environment['KRB5CCNAME'])
    return peers.Lines([sys.argv[2], role, mechanism, SERVICE + '@SSPI.TEST', '%x' % peers.GSS_SEALED], env)


def authenticate(connection, side, first):
    """MIT's side of the exchange, to its end."""
    token = '-' if first else receive(connection)
    while True:
        status, token, why = side.ask('step', token)
        if token != '-':
            send(connection, token)
        if status != 'continue':
            return status, why
        token = receive(connection)
        if not token:
            return 'gone', ''


def mit_server(package, mechanism):
    """Our client at MIT's acceptor."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        listener.settimeout(harness.LIMIT)
        ours = harness.Process([program('client'), '127.0.0.1', str(listener.getsockname()[1]), package, SERVICE], env=peers.environment(realm))
        connection, _ = listener.accept()
        connection.settimeout(harness.LIMIT)
        side = mit(mechanism, 'server')
        equal(authenticate(connection, side, False)[0], 'complete', package + " at MIT's server: let in")
        matches(r'complete alice@SSPI\.TEST', ' '.join(side.ask('names')), package + " at MIT's server: by name")
        send(connection, side.ask('seal', b'Hello from MIT.'.hex())[1])
        status, text, sealed = side.ask('open', receive(connection))
        equal((status, bytes.fromhex(text), sealed), ('complete', b'Thank you.', '1'), package + " at MIT's server: it opens the client's message")
        equal((ours.wait_exit(), ours.output()), (0, 'Hello from MIT.\n'), package + " at MIT's server: and the client the server's")
        side.close()
        connection.close()


def mit_client(package, mechanism):
    """MIT's initiator at our server."""
    there, port = server(package, 1)
    with socket.create_connection(('127.0.0.1', int(port)), harness.LIMIT) as connection:
        side = mit(mechanism, 'client')
        equal(authenticate(connection, side, True)[0], 'complete', "MIT's client, " + package + ': let in')
        status, text, sealed = side.ask('open', receive(connection))
        equal((status, bytes.fromhex(text).decode(), sealed), ('complete', 'Hello SSPI.TEST\\alice, only you can read this.', '1'),
              "MIT's client, " + package + ": it opens the server's message")
        send(connection, side.ask('seal', b'Thanks from MIT.'.hex())[1])
        equal(there.wait_exit(), 0, "MIT's client, " + package + ': the server ends well')
        equal(there.output().split('\n', 1)[1], 'SSPI.TEST\\alice is here\nit says: Thanks from MIT.\n',
              "MIT's client, " + package + ': the server knows who, and reads what it says')
        side.close()


def main():
    global realm
    realm = peers.start_realm()
    for package in 'Kerberos', 'Negotiate':
        each_other(package)
    if len(sys.argv) < 3:
        harness.skip("MIT's GSSAPI", 'its headers are not installed (package libkrb5-dev), or the interop tests are not built')
        return
    for package, mechanism in ('Kerberos', 'krb5'), ('Negotiate', 'spnego'):
        mit_server(package, mechanism)
        mit_client(package, mechanism)


harness.run(main)
