#!/usr/bin/env python3
"""decode_tls.py SSPI PKI: `sspi decode` and TLS: exchanges of Python's ssl and of the openssl command's DTLS are taken apart, and what
comes out is what those sides say of them; alerts, cut records, and what is no record."""
import base64
import json
import os
import re
import socket
import ssl
import subprocess
import sys

import harness
from harness import check, equal, matches

SSPI, PKI = sys.argv[1:3]
VERSIONS = {'TLS 1.2': ssl.TLSVersion.TLSv1_2, 'TLS 1.3': ssl.TLSVersion.TLSv1_3}


def decode(*arguments, given=None):
    return harness.call([SSPI, 'decode', *arguments], env=harness.environment(), given=given)


def facts(*arguments, given=None):
    result = decode('--json', *arguments, given=given)
    if result.status != 0:
        raise RuntimeError('decode: %d\n%s' % (result.status, result.err))
    return json.loads(result.out)


def contexts(version):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(PKI + '/server-p256.chain.pem', PKI + '/server-p256.key')
    server.set_alpn_protocols(['h2'])
    client = ssl.create_default_context(cafile=PKI + '/root.pem')
    client.set_alpn_protocols(['h2', 'http/1.1'])
    for each in (server, client):
        each.minimum_version = each.maximum_version = version
    return client, server


def talk(client, server):
    """The flights of a handshake, and the client's end when it is done (or None, and why)."""
    wires = [ssl.MemoryBIO() for _ in range(4)]
    ends = [(client.wrap_bio(wires[0], wires[1], server_hostname='www.example.com'), wires[1], wires[2]),
            (server.wrap_bio(wires[2], wires[3], server_side=True), wires[3], wires[0])]
    flights, done, why = [], [False, False], None
    for _ in range(6):
        for side, (end, out, to) in enumerate(ends):
            try:
                if not done[side]:
                    end.do_handshake()
                    done[side] = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                why, done[side] = why or error, True
            flight = out.read()
            if flight:
                flights.append(flight)
                to.write(flight)
    return flights, ends[0][0], why


def iana(name):
    """OpenSSL's name of a suite as IANA has it."""
    listed = subprocess.run([os.environ.get('OPENSSL', 'openssl'), 'ciphers', '-stdname', 'ALL'], capture_output=True, check=True)
    return dict(reversed(line.split()[:3:2]) for line in listed.stdout.decode().splitlines()).get(name, name)


def handshakes():
    for name, version in VERSIONS.items():
        flights, client, _ = talk(*contexts(version))
        out = facts('-', given='\n'.join(base64.b64encode(flight).decode() for flight in flights))
        tokens = [leg['token'] for leg in out['exchange']]
        equal([leg['direction'].split()[0] for leg in out['exchange']], ['client', 'server', 'client', 'server'], name + ': who')
        equal([token['bytes'] for token in tokens], [len(flight) for flight in flights], name + ': sizes')
        hello = tokens[0]['client_hello']
        equal((hello['server_name'], hello['application_protocols']), ('www.example.com', 'h2, http/1.1'), name + ': what the client wants')
        answer = tokens[1]['server_hello']
        equal((answer['version'], answer['cipher_suite']), (name, iana(client.cipher()[0])), name + ': what the server chose')
        matches(name + ' it is', tokens[1]['says'], name + ': and in words')
        if name == 'TLS 1.2':
            der = client.getpeercert(binary_form=True)
            import hashlib
            equal(tokens[1]['certificates'][0]['sha256'], hashlib.sha256(der).hexdigest(), name + ': its certificate')
            equal(len(tokens[1]['certificates']), 2, name + ': and the intermediate')
            equal(tokens[1]['messages'], ['ServerHello', 'Certificate', 'ServerKeyExchange', 'ServerHelloDone'], name + ': messages')
            equal(tokens[2]['messages'], ['ClientKeyExchange', 'ChangeCipherSpec', 'an encrypted message'], name + ': the client\'s')
            matches('NewSessionTicket', str(tokens[3]['messages']), name + ': a ticket')
        else:
            equal(hello['supported_versions'], 'TLS 1.3', name + ': versions')
            equal(set(tokens[1]['messages'][2:]), {'encrypted data'}, name + ': the rest is sealed')
        equal(out['odd'], [], name + ': nothing odd')
        text = decode('-', given='\n'.join(flight.hex() for flight in flights))
        matches(r'TLS: ClientHello.*TLS: ServerHello and \d more.*' + name + ' it is', text.out, name + ': drawn, from hexadecimal')
        check(all(len(line) <= 110 for line in text.out.split('\n\n')[0].splitlines()), name + ': within the rails', text.out)
        equal(len(facts(given=flights[0])['exchange']), 1, name + ': the bytes of a flight')
        html = decode('--html', '-', given='\n'.join(flight.hex() for flight in flights))
        matches('TLS: ClientHello.*www.example.com', html.out, name + ': as a page')
        matches('chose .*which the client did not offer',
                str(facts(flights[0].hex(), flights[1].replace(bytes.fromhex('c02c'), b'\x00\x05').replace(b'\x13\x02', b'\x00\x05').hex())['odd']),
                name + ': a suite that nobody offered')


def alerts():
    client, server = contexts(ssl.TLSVersion.TLSv1_2)
    client.load_verify_locations(PKI + '/root.pem')
    strict = ssl.create_default_context(cafile=PKI + '/stranger.pem')
    strict.maximum_version = ssl.TLSVersion.TLSv1_2
    flights, _, why = talk(strict, server)
    check(why is not None, 'a client that does not trust the server', str(why))
    token = facts(flights[-1].hex())['exchange'][0]['token']
    equal((token['alert']['level'], token['alert']['number']), ('fatal', 48), 'its alert')
    matches('unknown CA', token['says'], 'in words')
    matches('SEC_E_UNTRUSTED_ROOT', token['alert']['status_at_the_other_side'], 'and as a status')
    token = facts('15030100020100')['exchange'][0]['token']  # windows-behaviour A3
    equal((token['alert']['level'], token['alert']['number']), ('warning', 0), 'close_notify')


def datagrams():
    openssl = harness.need_program('openssl', 'openssl')
    server = harness.Process([openssl, 's_server', '-accept', '127.0.0.1:0', '-dtls1_2', '-cert', PKI + '/server-rsa.pem', '-key',
                              PKI + '/server-rsa.key', '-cert_chain', PKI + '/server-rsa.chain.pem', '-mtu', '400', '-listen'], typed=True)
    port = int(server.wait_line(r'^ACCEPT .*:(\d+)$').group(1))
    relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relay.bind(('127.0.0.1', 0))
    relay.settimeout(harness.LIMIT)
    client = harness.Process([openssl, 's_client', '-dtls1_2', '-connect', '127.0.0.1:%d' % relay.getsockname()[1], '-servername',
                              'www.example.com', '-mtu', '1200'], typed=True)
    tokens, peer = [], None
    while 'SSL-Session' not in client.output():
        try:
            relay.settimeout(0.2)
            data, sender = relay.recvfrom(65536)
        except TimeoutError:
            continue
        tokens.append(data)
        peer = sender if sender[1] != port else peer
        relay.sendto(data, peer if sender[1] == port else ('127.0.0.1', port))
    client.stop()
    server.stop()
    out = [leg['token'] for leg in facts('-', given='\n'.join(token.hex() for token in tokens))['exchange']]
    equal([token['messages'] for token in out[:3]], [['ClientHello'], ['HelloVerifyRequest'], ['ClientHello']], 'DTLS: the cookie')
    equal(out[0]['client_hello']['server_name'], 'www.example.com', 'DTLS: the name')
    hello = next(token for token in out if 'server_hello' in token)
    equal(hello['server_hello']['version'], 'DTLS 1.2', 'DTLS: the version')
    equal(hello['server_hello']['cipher_suite'], iana(re.search(r'Cipher is (\S+)', client.output()).group(1)), 'DTLS: the suite')
    matches('epoch 0, number 1', str(out[2]['records']), 'DTLS: records have numbers')
    check(any('without those before' in str(token['odd']) for token in out), 'DTLS: later parts of a message', str(out)[:2000])
    check(any('an encrypted message' in token['messages'] for token in out), 'DTLS: Finished')


def nonsense():
    flights, _, _ = talk(*contexts(ssl.TLSVersion.TLSv1_2))
    for size in list(range(6, 60)) + list(range(60, len(flights[1]), 41)):
        for flight in flights[:2]:
            if size < len(flight):
                token = facts(flight[:size].hex())['exchange'][0]['token']
                if not token['odd']:
                    check(False, 'a flight that is cut at %d is odd' % size, str(token))
                    return
    check(True, 'a flight that is cut is odd')
    for at in range(0, len(flights[0])):
        altered = bytearray(flights[0])
        altered[at] ^= 0x55
        if decode(altered.hex()).status not in (0, 7):
            check(False, 'a ClientHello with another byte %d' % at)
            return
    check(True, 'a ClientHello with any other byte is explained, or is none')
    old = bytearray(flights[0])
    equal(decode('16030100').status, 7, 'half a header is no token')
    equal(decode('1603010000').status, 7, 'nor is an empty record')
    token = facts((bytes(old) + b'HTTP/1.1').hex())['exchange'][0]['token']
    matches('8 bytes follow that are no record', str(token['odd']), 'what follows and is no record')
    name = flights[0].replace(b'www.example.com', b'www.\x1b[2J\x00ple.com')
    check('\x1b' not in decode(name.hex()).out, 'a name cannot steer the terminal')


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    handshakes()
    alerts()
    datagrams()
    nonsense()


harness.run(main)
