#!/usr/bin/env python3
"""python_kerberos.py LIBRARY PKI: Kerberos, Negotiate over it, and CredSSP over that, from Python, in a realm of their own."""
import os
import sys

import harness
import kerberos_peers as peers
import sspi
import sspi_tls
from harness import check, equal
from sspi import (BAD_BINDINGS, CONFIDENTIALITY, CONTINUE_NEEDED, DATA, INBOUND, INVALID_HANDLE, LOGON_DENIED, MESSAGE_ALTERED, MUTUAL_AUTH,
                  OK, OUT_OF_SEQUENCE, OUTBOUND, REPLAY_DETECT, SEQUENCE_DETECT, TOKEN, UNSUPPORTED_FUNCTION,
                  WRAP_NO_ENCRYPT, ClientContext, Credential, Identity, Message, ServerContext, UserCredential, converse, refusal)

REALM = 'SSPI.TEST'
SERVICE = 'HTTP/server.sspi.test'
TERMINAL = 'TERMSRV/server.sspi.test'
ALICE = ('alice', 'alice secret', REALM)
TARGET_UNKNOWN = 0x80090303

realm = None


def pair(protocol='Kerberos', identity=(), target=SERVICE, packages=None, **more):
    server = {name[7:]: more.pop(name) for name in list(more) if name.startswith('server_')}
    return (ClientContext(UserCredential(*identity, protocol=protocol, protocol_list=packages), target, **more),
            ServerContext(UserCredential(protocol=protocol, usage='accept'), **server))


def packages():
    info = sspi.query_package('Kerberos')
    equal((info.name, info.comment, info.rpcid, info.version), ('Kerberos', 'Microsoft Kerberos V1.0', 16, 1), 'QuerySecurityPackageInfo')
    equal(info.capabilities & ~0x02880000, 0x00073BBF, 'and what it is able to do')
    check(12000 <= info.max_token <= 48000, 'and how large its tokens are', str(info.max_token))


def credentials():
    for protocol in ('Kerberos', 'Negotiate'):
        given = Credential(protocol, OUTBOUND)
        equal(given.name(), 'alice@' + REALM, protocol + ': whoever has the tickets')
        equal((given.close(), given.close()), (OK, INVALID_HANDLE), protocol + ': and its handle ends, once')
        equal(UserCredential(protocol=protocol).name(), 'alice@' + REALM, protocol + ': an identity with nothing in it means the same')
        plain = Credential(protocol, OUTBOUND, Identity(*ALICE, ex=False))
        check(plain.name(), protocol + ': pyspnego\'s form of identity', plain.name())
        Credential(protocol, INBOUND, principal=SERVICE)
        UserCredential(protocol=protocol, usage='accept')
        UserCredential(protocol=protocol, usage='both')
        check(True, protocol + ': a server, and both at once')


def facts(name, client, server, target=SERVICE):
    equal([side.query('package_info').name for side in (client, server)], ['Kerberos'] * 2, name + ': PACKAGE_INFO')
    equal([(info.name, state) for info, state in (side.query('negotiation_info') for side in (client, server))], [('Kerberos', 0)] * 2,
          name + ': NEGOTIATION_INFO')
    told = [side.query('names') for side in (client, server)]
    check(told[0] == told[1] and told[0].lower().endswith('alice'), name + ': one name on both sides', str(told))
    natives = [side.query('native_names') for side in (client, server)]
    equal(natives, [('alice@' + REALM, target + '@' + REALM)] * 2, name + ': NATIVE_NAMES')
    keys = [side.query('session_key') for side in (client, server)]
    check(len(keys[0]) >= 16 and keys[0] == keys[1], name + ': one session key')
    sizes = [vars(side.sizes) for side in (client, server)]
    equal(sizes[0], sizes[1], name + ': SIZES are one on both sides')
    mic, trailer = sizes[0]['cbMaxSignature'], sizes[0]['cbSecurityTrailer']  # AES with SHA-1, or with SHA-2
    check(sizes[0]['cbBlockSize'] >= 1 and mic in (16 + 12, 16 + 16, 16 + 24) and trailer >= 32 + mic, name + ': SIZES', str(sizes))
    wanted = MUTUAL_AUTH | REPLAY_DETECT | SEQUENCE_DETECT | CONFIDENTIALITY
    equal([side.attributes & wanted for side in (client, server)], [wanted] * 2, name + ': the flags')
    equal((client.attributes & sspi.ISC_INTEGRITY, server.attributes & sspi.ASC_INTEGRITY), (sspi.ISC_INTEGRITY, sspi.ASC_INTEGRITY),
          name + ': integrity too')
    equal([side.query('flags') & ~sspi.ALLOCATE_MEMORY for side in (client, server)],
          [side.attributes & ~sspi.ALLOCATE_MEMORY for side in (client, server)], name + ': FLAGS')
    span = client.query('lifespan')
    check(span.tsStart < span.tsExpiry == client.expiry, name + ': LIFESPAN ends with the ticket')
    equal(server.query('client_target').split('@')[0], target, name + ': the server knows whom the client wanted')
    check(client.query('key_info').bits in (128, 256), name + ': KEY_INFO')
    check(server.query('access_token'), name + ': the server has a token')
    equal(refusal(client.query, 'stream_sizes'), UNSUPPORTED_FUNCTION, name + ': no STREAM_SIZES')


def messages(name, client, server):
    for one, other, way in ((client, server, 'to the server'), (server, client, 'to the client')):
        where = '%s, %s: ' % (name, way)
        for text in (b'one', os.urandom(32), b'two' * 5000, b''):
            token = one.wrap(text)
            overhead = 16 + 16 + one.sizes.cbMaxSignature  # RFC 4121 4.2.4: confounder and header inside, beside header and checksum
            check(len(token) == overhead + len(text) and (len(text) < 3 or text not in token), where + 'wrapped, %d bytes' % len(text))
            equal(other.unwrap(token), (text, 0), where + 'and unwrapped from a stream')
        token = one.wrap(b'in the clear', encrypt=False)
        check(b'in the clear' in token, where + 'signed alone')
        equal(other.unwrap(token), (b'in the clear', WRAP_NO_ENCRYPT), where + 'and the other side is told')
        message = one.seal(b'header and data')
        sealed = Message((TOKEN, message[0]), (DATA, message[1]))
        equal((other.open(sealed), sealed[1]), (0, b'header and data'), where + 'header and data apart')
        message = one.seal(b'with padding', (sspi.PADDING, bytes(one.sizes.cbBlockSize)))
        sealed = Message((TOKEN, message[0]), (DATA, message[1]), (sspi.PADDING, message[2] or None))
        equal((other.open(sealed), sealed[1]), (0, b'with padding'), where + 'header, data and padding')
        signature = one.sign(b'signed')
        equal((len(signature), other.verify(b'signed', signature)), (one.sizes.cbMaxSignature, 0), where + 'signed and verified')


def flip(data, at=-1):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def broken_messages(protocol):
    client, server = converse(*pair(protocol))
    equal(refusal(server.unwrap, flip(client.wrap(b'message'))), MESSAGE_ALTERED, protocol + ': a changed message')
    client, server = converse(*pair(protocol))
    equal(refusal(server.verify, b'messagf', client.sign(b'message')), MESSAGE_ALTERED, protocol + ': a signature of another message')
    client, server = converse(*pair(protocol))
    first, second = client.wrap(b'first'), client.wrap(b'second')
    equal(server.unwrap(first), (b'first', 0), protocol + ': the first message')
    equal(refusal(server.unwrap, first), OUT_OF_SEQUENCE, protocol + ': which does not come again')
    equal(server.unwrap(second), (b'second', 0), protocol + ': the second one')


def endings(name, client, server):
    parts = (client, server, client.credential, server.credential)
    equal([part.close() for part in parts], [OK] * 4, name + ': every handle ends')
    equal([part.close() for part in parts], [INVALID_HANDLE] * 4, name + ': once')


def sessions(protocol):
    for identity, who in (((), 'tickets'), (ALICE, 'a password'), (('alice@' + REALM, 'alice secret'), 'a principal name')):
        name = '%s, by %s' % (protocol, who)
        client, server = pair(protocol, identity)
        token = client.step()
        equal((client.status, client.complete), (CONTINUE_NEEDED, False), name + ': mutual authentication takes two legs')
        converse_from(client, server, token)
        facts(name, client, server)
        messages(name, client, server)
        endings(name, client, server)
    client, server = converse(*pair(protocol, memory=12000, server_memory=12000))
    equal(server.unwrap(client.wrap(b'message')), (b'message', 0), protocol + ': tokens in the caller\'s memory')
    client, server = pair(protocol, flags=REPLAY_DETECT | SEQUENCE_DETECT | sspi.ISC_INTEGRITY, server_flags=0)
    converse(client, server)
    check(not client.attributes & MUTUAL_AUTH, protocol + ': without mutual authentication')
    equal(server.verify(b'message', client.sign(b'message')), 0, protocol + ': a message is signed there')


def converse_from(client, server, token):
    while token:
        token = server.step(token)
        token = client.step(token) if token else b''
    equal((client.complete, server.complete), (True, True), 'both sides are done')


def refused(protocol):
    packages = ['kerberos'] if protocol == 'Negotiate' else None  # else the server goes on with NTLM (RFC 4178 3.2)
    for user, password in (('alice', 'wrong secret'), ('nobody', 'secret')):
        client, server = pair(protocol, (user, password, REALM), packages=packages)
        equal(refusal(converse, client, server), LOGON_DENIED, '%s: %s with %r is refused' % (protocol, user, password))
    client, server = pair(protocol, target='HTTP/unknown.sspi.test', packages=packages)
    equal(refusal(converse, client, server), TARGET_UNKNOWN, protocol + ': a service that nobody knows')
    client, server = pair(protocol, packages=packages)
    equal(refusal(server.step, flip(client.step(), -40)), LOGON_DENIED, protocol + ': a changed authenticator')
    equal((client.close(), server.close()), (OK, INVALID_HANDLE), protocol + ': leaves no context at the server')
    one, other = (sspi.channel_bindings(b'tls-server-end-point:' + bytes([byte]) * 32) for byte in (1, 2))
    converse(*pair(protocol, packages=packages, bindings=one, server_bindings=one))
    check(True, protocol + ': the same channel bindings')
    equal(refusal(converse, *pair(protocol, bindings=one, server_bindings=other)), BAD_BINDINGS,
          protocol + ': other channel bindings')


def negotiate_lists():
    for packages, wanted in (('kerberos', 'Kerberos'), ('!ntlm', 'Kerberos'), ('kerberos,ntlm', 'Kerberos')):
        client, server = converse(*pair('Negotiate', packages=packages.split(',')))
        equal(client.query('package_info').name, wanted, 'Negotiate: the package list "%s"' % packages)
    client = ClientContext(UserCredential(protocol='Kerberos'), SERVICE)
    server = ServerContext(UserCredential(usage='accept'))
    converse(client, server)
    equal(server.query('package_info').name, 'Kerberos', 'Negotiate: a client that speaks Kerberos by itself')
    equal(server.unwrap(client.wrap(b'message')), (b'message', 0), 'Negotiate: and a message')


def credssp():
    """The server proves its name by Kerberos, and gets the password."""
    path = os.path.join(sys.argv[2], 'server-p256')
    certificate = sspi_tls.pem_certificate(path + '.pem', path + '.key')
    for bits in (sspi_tls.TLS1_2, sspi_tls.TLS1_3):
        theirs = sspi_tls.credssp_credential(INBOUND, sspi_tls.schannel_cred(bits[1], (certificate,)))
        ours = sspi_tls.credssp_credential(OUTBOUND, sspi_tls.sch_credentials(bits[0]), Identity(*ALICE))
        client = sspi_tls.StreamClient(ours, TERMINAL, sspi_tls.CLIENT_STREAM | sspi.DELEGATE)
        server = sspi_tls.StreamServer(theirs)
        client.decrypt(sspi_tls.shake(client, server))
        equal([side.query('negotiation_package').name for side in (client, server)], ['Kerberos'] * 2, 'CREDSSP: over Kerberos')
        equal(client.query('server_auth_flags'), 1, 'CREDSSP: which has proved the server\'s name')
        data = server.query('creds')
        value = sspi.KERB_INTERACTIVE_LOGON.from_buffer_copy(data)
        secret = data[value.Password.Buffer:value.Password.Buffer + value.Password.Length].decode('utf-16-le')
        equal(secret, 'alice secret', 'CREDSSP: the delegated password')
        for one, other in ((client, server), (server, client)):
            equal(other.decrypt(one.encrypt(b'message')), b'message', 'CREDSSP: a message')
    ours = sspi_tls.credssp_credential(OUTBOUND, sspi_tls.sch_credentials(sspi_tls.TLS1_3[0]), Identity('alice', 'wrong secret', REALM))
    client = sspi_tls.StreamClient(ours, TERMINAL, sspi_tls.CLIENT_STREAM | sspi.DELEGATE)
    equal(refusal(sspi_tls.shake, client, sspi_tls.StreamServer(theirs)), LOGON_DENIED, 'CREDSSP: a wrong password')


def main():
    global realm
    realm = peers.start_realm()
    realm.kadmin('addprinc -randkey ' + TERMINAL, 'ktadd -norandkey -k %s %s' % (realm.path('keytab'), TERMINAL))
    os.environ.update(peers.environment(realm))
    sspi_tls.load(sys.argv[1])
    packages()
    credentials()
    for protocol in ('Kerberos', 'Negotiate'):
        sessions(protocol)
        broken_messages(protocol)
        refused(protocol)
    negotiate_lists()
    if not sys.argv[2]:
        harness.skip('CREDSSP over Kerberos', 'the openssl command is not installed (package openssl)')
    else:
        credssp()


harness.run(main)
