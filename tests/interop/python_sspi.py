#!/usr/bin/env python3
"""python_sspi.py LIBRARY: NTLM, and Negotiate over it, from a program in another language, as Python's sspilib and pyspnego call them:
structures by the SDK's sizes, names by dlsym, strings in UTF-16, nothing from a header."""
import ctypes
import hashlib
import hmac
import os
import sys

import harness
import sspi
from harness import check, equal
from sspi import (BAD_BINDINGS, CONFIDENTIALITY, CONTINUE_NEEDED, DATA, INVALID_HANDLE, INVALID_TOKEN, LOGON_DENIED, MESSAGE_ALTERED,
                  NO_CREDENTIALS, OK, OUT_OF_SEQUENCE, READONLY, READONLY_WITH_CHECKSUM, SECPKG_NOT_FOUND, TOKEN,
                  UNKNOWN_CREDENTIALS, UNSUPPORTED_FUNCTION, ClientContext, Credential, Identity, Message, ServerContext,
                  UserCredential, converse, refusal)

# The SDK's sizes on 64 bits, and offsets where a hole or a change of order would show.
LAYOUT = {
    'SecHandle': (16, 'dwUpper 8'), 'TimeStamp': (8, ''), 'SecBuffer': (16, 'BufferType 4 pvBuffer 8'),
    'SecBufferDesc': (16, 'cBuffers 4 pBuffers 8'), 'SecPkgInfoW': (32, 'wVersion 4 wRPCID 6 cbMaxToken 8 Name 16 Comment 24'),
    'UNICODE_STRING': (16, 'MaximumLength 2 Buffer 8'),
    'SEC_WINNT_AUTH_IDENTITY_W': (48, 'UserLength 8 Domain 16 DomainLength 24 Password 32 PasswordLength 40 Flags 44'),
    'SEC_WINNT_AUTH_IDENTITY_EXW': (72, 'Length 4 User 8 UserLength 16 Domain 24 DomainLength 32 Password 40 PasswordLength 48 '
                                        'Flags 52 PackageList 56 PackageListLength 64'),
    'SEC_CHANNEL_BINDINGS': (32, 'cbApplicationDataLength 24 dwApplicationDataOffset 28'),
    'KERB_INTERACTIVE_LOGON': (56, 'LogonDomainName 8 UserName 24 Password 40'), 'CREDSSP_CRED': (24, 'pSchannelCred 8 pSpnegoCred 16'),
    'SCHANNEL_CRED': (80, 'cCreds 4 paCred 8 hRootStore 16 cSupportedAlgs 40 palgSupportedAlgs 48 grbitEnabledProtocols 56 dwFlags 72'),
    'SCH_CREDENTIALS': (72, 'cCreds 8 paCred 16 hRootStore 24 dwFlags 52 cTlsParameters 56 pTlsParameters 64'),
    'TLS_PARAMETERS': (40, 'rgstrAlpnIds 8 grbitDisabledProtocols 16 cDisabledCrypto 20 pDisabledCrypto 24 dwFlags 32'),
    'CRYPTO_SETTINGS': (48, 'strCngAlgId 8 cChainingModes 24 rgstrChainingModes 32 dwMinBitLength 40'),
    'CERT_CONTEXT': (40, 'pbCertEncoded 8 cbCertEncoded 16 pCertInfo 24 hCertStore 32'),
    'SIZES': (16, 'cbMaxSignature 4 cbBlockSize 8 cbSecurityTrailer 12'),
    'STREAM_SIZES': (20, 'cbTrailer 4 cbMaximumMessage 8 cBuffers 12 cbBlockSize 16'), 'NAMES': (8, ''), 'LIFESPAN': (16, 'tsExpiry 8'),
    'KEY_INFO': (32, 'sEncryptAlgorithmName 8 KeySize 16 SignatureAlgorithm 20 EncryptAlgorithm 24'), 'AUTHORITY': (8, ''),
    'SESSION_KEY': (16, 'SessionKey 8'), 'PACKAGE_INFO': (8, ''), 'NEGOTIATION_INFO': (16, 'NegotiationState 8'),
    'NATIVE_NAMES': (16, 'sServerName 8'), 'FLAGS': (4, ''), 'ACCESS_TOKEN': (8, ''), 'BINDINGS': (16, 'Bindings 8'),
    'CLIENT_TARGET': (8, ''), 'APPLICATION_PROTOCOL': (264, 'ProtoNegoExt 4 ProtocolIdSize 8 ProtocolId 9'),
    'CONNECTION_INFO': (28, 'dwExchStrength 24'),
    'CIPHER_INFO': (680, 'dwProtocol 4 dwCipherSuite 8 szCipherSuite 16 szCipher 144 dwCipherLen 272 szHash 280 szExchange 412 '
                         'dwMinExchangeLen 540 szCertificate 548 dwKeyType 676'),
    'CLIENT_CREDS': (16, 'AuthBuffer 8'), 'CERT_TRUST_STATUS': (8, 'dwInfoStatus 4'),
}
NEVER = 0x7FFFFFFFFFFFFFFF
ACCOUNTS = ['DOMAIN:User:Password', 'DOMAIN:Zoé:pässwörd€', 'DOMAIN:smile\U0001F600:\U0001F511']


def layouts():
    for name, (size, offsets) in LAYOUT.items():
        kind = getattr(sspi, name)
        words = offsets.split()
        wanted = {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}
        equal((ctypes.sizeof(kind), {field: getattr(kind, field).offset for field in wanted}), (size, wanted), '%s is %d bytes' % (name, size))


def packages():
    found = sspi.enumerate_packages()
    names = [package.name for package in found]
    for name in ('NTLM', 'Negotiate', 'Kerberos', 'WDigest', 'Schannel', 'Microsoft Unified Security Protocol Provider', 'CREDSSP'):
        check(names.count(name) == 1, 'EnumerateSecurityPackages has ' + name, str(names))
        info = sspi.query_package(name.swapcase())
        equal(vars(info), vars(found[names.index(name)]), 'QuerySecurityPackageInfo says the same of it')
    for name, rpcid, token, capabilities in (('NTLM', 10, 2888, 0x02882B37), ('Negotiate', 9, 48256, 0x00883BB3)):
        info = found[names.index(name)]
        equal((info.version, info.rpcid, info.max_token, info.capabilities), (1, rpcid, token, capabilities), name + ' is what Windows has')
    try:
        sspi.query_package('Invalid')
        check(False, 'there is no package "Invalid"')
    except OSError as error:  # as sspilib's and Windows' own: a negative number
        equal((error.status, error.winerror), (SECPKG_NOT_FOUND, -2146893051), 'there is no package "Invalid"')


def credentials():
    for package in ('NTLM', 'Negotiate'):
        for use in ('initiate', 'accept', 'both'):
            given = UserCredential('User', 'Password', 'DOMAIN', package, use)
            equal(given.expiry, NEVER, '%s: an identity to %s never expires' % (package, use))
            equal(given.close(), OK, '%s: and its handle ends' % package)
            equal(given.close(), INVALID_HANDLE, '%s: once' % package)
        given = Credential(package, sspi.OUTBOUND, Identity('User', 'Password', 'DOMAIN', ex=False), principal='Principal')
        equal(given.name(), 'DOMAIN\\User', package + ': pyspnego\'s form of identity, and a principal')
        Credential(package, sspi.INBOUND)
        UserCredential(protocol=package, usage='accept')
        check(True, package + ': a server without an identity, as NULL and as one with nothing in it')
    equal(refusal(Credential, 'Invalid', sspi.OUTBOUND), SECPKG_NOT_FOUND, 'no package "Invalid"')
    equal(refusal(Credential, 'NTLM', 0), NO_CREDENTIALS, 'no direction')
    flawed = Identity('User', 'Password', 'DOMAIN')
    flawed.value.Flags = 0
    equal(refusal(Credential, 'NTLM', sspi.OUTBOUND, flawed), UNKNOWN_CREDENTIALS, 'an identity that is neither wide nor narrow')
    sealed = [UserCredential('User', 'Password', 'DOMAIN', 'NTLM') for _ in range(100)]
    equal(len({credential.words() for credential in sealed}), 100, 'a hundred credentials have a hundred handles')
    check(all(words not in ((0, 0), (2 ** 64 - 1, 2 ** 64 - 1)) for words in (c.words() for c in sealed)), 'none of which looks like none')


def pair(protocol='NTLM', identity=('User', 'Password', 'DOMAIN'), serve=None, target='HTTP/server', **more):
    server = {name[7:]: more.pop(name) for name in list(more) if name.startswith('server_')}
    return (ClientContext(UserCredential(*identity, protocol=protocol), target, **more),
            ServerContext(UserCredential(protocol=serve or protocol, usage='accept'), **server))


def facts(name, client, server, package='NTLM'):
    """What both sides say of one session, and of each other."""
    told = [side.query('names') for side in (client, server)]
    equal(told, ['DOMAIN\\User'] * 2, name + ': one name on both sides')
    infos = [side.query('package_info') for side in (client, server)]
    equal(vars(infos[0]), vars(infos[1]), name + ': one package on both sides')
    equal(infos[0].name, package, name + ': which is ' + package)
    keys = [side.query('session_key') for side in (client, server)]
    check(len(keys[0]) == 16 and keys[0] == keys[1], name + ': one session key of 16 bytes')
    for side, flags, who in ((client, sspi.CLIENT_FLAGS, 'client'), (server, sspi.SERVER_FLAGS, 'server')):
        asked = flags & ~sspi.MUTUAL_AUTH  # which NTLM has not got: what it says of it is Windows' (24a)
        equal(side.attributes & asked, asked, '%s: the %s got what it asked for' % (name, who))
        check(side.attributes & sspi.ALLOCATE_MEMORY, '%s: and the library allocated for the %s' % (name, who))
        equal(side.query('flags') & ~sspi.ALLOCATE_MEMORY, side.attributes & ~sspi.ALLOCATE_MEMORY, '%s: FLAGS of the %s' % (name, who))
        equal(vars(side.sizes), {'cbMaxToken': 2888, 'cbMaxSignature': 16, 'cbBlockSize': 0, 'cbSecurityTrailer': 16},
              '%s: SIZES of the %s' % (name, who))
        info, state = side.query('negotiation_info')
        equal((info.name, state), ('NTLM', 0), '%s: NEGOTIATION_INFO of the %s' % (name, who))
        key = side.query('key_info')
        equal((key.signature, key.encryption, key.bits), ('HMAC-MD5', 'RSADSI RC4', 128), '%s: KEY_INFO of the %s' % (name, who))
        equal(refusal(side.query, 'stream_sizes'), UNSUPPORTED_FUNCTION, '%s: no STREAM_SIZES' % name)
    equal(server.query('client_target'), 'HTTP/server', name + ': the server knows whom the client wanted')
    check(server.query('access_token'), name + ': the server has a token')


def flip(data, at=-1):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def messages(name, client, server):
    """Every form that the bindings use, both ways."""
    for one, other, way in ((client, server, 'to the server'), (server, client, 'to the client')):
        where = '%s, %s: ' % (name, way)
        for text in (b'one', os.urandom(32), b'two' * 5000, b''):
            token = one.wrap(text)
            check(len(token) == 16 + len(text) and (len(text) < 3 or text not in token), where + 'wrapped, %d bytes' % len(text))
            equal(other.unwrap(token), (text, 0), where + 'and unwrapped from a stream')
        message = one.seal(b'by WinRM\'s form')
        sealed = Message((TOKEN, message[0]), (DATA, message[1]))
        equal((other.open(sealed), sealed[1]), (0, b'by WinRM\'s form'), where + 'header and data apart')
        signature = one.sign(b'signed')
        equal((len(signature), other.verify(b'signed', signature)), (16, 0), where + 'signed and verified')
        for kind, name_of_kind in ((READONLY, 'read-only'), (READONLY_WITH_CHECKSUM, 'read-only, signed')):
            parts = [(DATA | kind, b'header'), (DATA, b'the body'), (DATA | kind, b'trailer'), (TOKEN, bytes(16))]
            message = Message(*parts)
            sspi.call('EncryptMessage', one.handle.address, 0, message.address, one.number())
            check((message[0], message[2]) == (b'header', b'trailer') and message[1] != b'the body', where + name_of_kind + ' parts stay')
            equal((other.open(message), message[1]), (0, b'the body'), where + 'and the body is opened')
        clear = one.wrap(b'not encrypted', encrypt=False)
        check(b'not encrypted' in clear, where + 'signed alone, the text is there to see')
        equal(other.verify(b'not encrypted', clear[:16]), 0, where + 'with a signature like others')


def broken_messages(make):
    client, server = make()
    wrapped = client.wrap(b'the last one')
    equal(refusal(server.unwrap, flip(wrapped)), MESSAGE_ALTERED, 'a changed message')
    client, server = make()
    equal(refusal(server.unwrap, flip(client.wrap(b'the last one'), 5)), MESSAGE_ALTERED, 'a changed signature')
    client, server = make()
    signature = client.sign(b'message')
    equal(refusal(server.verify, b'messagf', signature), MESSAGE_ALTERED, 'a signature of another message')
    client, server = make()
    first, second = client.wrap(b'first'), client.wrap(b'second')
    equal(refusal(server.unwrap, second), OUT_OF_SEQUENCE, 'a message that comes too early')
    equal(server.unwrap(first), (b'first', 0), 'harms nothing')
    equal(refusal(server.unwrap, first), OUT_OF_SEQUENCE, 'a message that comes again')
    alone = Message((DATA, b'message'))
    equal(refusal(sspi.call, 'EncryptMessage', client.handle.address, 0, alone.address, 0), INVALID_TOKEN, 'EncryptMessage without a TOKEN')
    equal(refusal(sspi.call, 'MakeSignature', client.handle.address, 0, alone.address, 0), INVALID_TOKEN, 'MakeSignature without a TOKEN')
    small = Message((TOKEN, bytes(15)), (DATA, b'message'))
    equal(refusal(sspi.call, 'EncryptMessage', client.handle.address, 0, small.address, 0), sspi.BUFFER_TOO_SMALL, 'a TOKEN of 15 bytes')


def endings(client, server):
    parts = (client, server, client.credential, server.credential)
    equal([part.close() for part in parts], [OK] * 4, 'every handle ends')
    equal([part.close() for part in parts], [INVALID_HANDLE] * 4, 'once')
    equal(refusal(client.query, 'sizes'), INVALID_HANDLE, 'and tells nothing any more')
    equal(refusal(client.wrap, b'message'), INVALID_HANDLE, 'nor seals')


def refused(protocol):
    for user, password in (('User', 'password'), ('Nobody', 'Password'), ('User', ''), ('Zoe', 'pässwörd€')):
        client, server = pair(protocol, (user, password, 'DOMAIN'))
        equal(refusal(converse, client, server), LOGON_DENIED, '%s: %s with %r is refused' % (protocol, user, password))
        equal(refusal(server.query, 'session_key'), INVALID_HANDLE, '%s: and has no session' % protocol)
        equal((client.close(), server.close()), (OK, OK), '%s: what failed is deleted all the same' % protocol)


def bindings(protocol):
    """pyspnego hands them in on every leg; those who do not fit are refused, those who send none are not."""
    ours, theirs = (sspi.channel_bindings(b'tls-server-end-point:' + hashlib.sha256(text).digest()) for text in (b'one', b'other'))
    converse(*pair(protocol, bindings=ours, server_bindings=ours))
    check(True, protocol + ': the same channel bindings')
    equal(refusal(converse, *pair(protocol, bindings=ours, server_bindings=theirs)), BAD_BINDINGS, protocol + ': other channel bindings')
    converse(*pair(protocol, bindings=ours))
    check(True, protocol + ': bindings that nobody asks for')


def known_key(challenge, authenticate, key):
    """The session key from the messages and the password alone (MS-NLMP 3.3.2, 3.1.5.1.2), without this library."""
    def field(message, at):
        size, where = int.from_bytes(message[at:at + 2], 'little'), int.from_bytes(message[at + 4:at + 8], 'little')
        return message[where:where + size]
    nt_hash = bytes.fromhex('a4f49c406510bdcab6824ee7c30fd852')  # of "Password" (MS-NLMP 4.2.2.1.2)
    response = field(authenticate, 20)
    owf = hmac.new(nt_hash, ('User'.upper() + 'DOMAIN').encode('utf-16-le'), 'md5').digest()
    proof = hmac.new(owf, challenge[24:32] + response[16:], 'md5').digest()
    equal(response[:16], proof, 'NTLM: the response follows from the password')
    base = hmac.new(owf, proof, 'md5').digest()
    state, out = list(range(256)), bytearray()
    j = 0
    for i in range(256):
        j = (j + state[i] + base[i % 16]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in field(authenticate, 52):
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    equal(key, bytes(out), 'NTLM: and so does the session key')


def ntlm():
    client, server = pair()
    tokens = [client.step()]
    equal((client.status, client.complete, client.expiry), (CONTINUE_NEEDED, False, NEVER), 'NTLM: the client begins')
    equal(refusal(client.query, 'session_key'), INVALID_HANDLE, 'NTLM: and has no key yet')
    tokens.append(server.step(tokens[0]))
    equal(server.status, CONTINUE_NEEDED, 'NTLM: the server asks')
    tokens.append(client.step(tokens[1]))
    equal((client.status, client.complete), (OK, True), 'NTLM: the client is done, with a token')
    equal((server.step(tokens[2]), server.status), (b'', OK), 'NTLM: so is the server, without one')
    known_key(*tokens[1:], client.query('session_key'))
    facts('NTLM', client, server)
    messages('NTLM', client, server)
    endings(client, server)
    broken_messages(lambda: converse(*pair()))
    refused('NTLM')
    bindings('NTLM')

    client, server = converse(*pair(memory=4096, server_memory=4096))
    check(not client.attributes & sspi.ALLOCATE_MEMORY, 'NTLM: tokens in the caller\'s memory')
    equal(server.unwrap(client.wrap(b'message')), (b'message', 0), 'NTLM: and a message')
    client, server = pair(memory=20)
    equal(refusal(client.step), sspi.BUFFER_TOO_SMALL, 'NTLM: 20 bytes are too few for a token')
    for user, password in (('Zoé', 'pässwörd€'), ('smile\U0001F600', '\U0001F511')):
        client, server = converse(*pair(identity=(user, password, 'DOMAIN')))
        equal(server.query('names'), 'DOMAIN\\' + user, 'NTLM: names and passwords beyond ASCII, and they come back')
    client, server = converse(*pair(flags=0, server_flags=0))
    equal(server.verify(b'message', client.sign(b'message')), 0, 'NTLM: without flags messages are signed')
    client, server = converse(*pair(target=None))
    equal(server.query('client_target') or '', '', 'NTLM: without a target')
    second = ClientContext(client.credential, 'HTTP/server')
    converse(second, ServerContext(server.credential))
    check(True, 'NTLM: one credential, and another session')


def impersonation():
    client, server = converse(*pair())
    equal(refusal(sspi.call, 'ImpersonateSecurityContext', client.handle.address), sspi.NO_IMPERSONATION, 'a client stands for nobody')
    sspi.call('ImpersonateSecurityContext', server.handle.address)
    sspi.call('RevertSecurityContext', server.handle.address)
    token = sspi.Out(sspi.PTR)
    sspi.call('QuerySecurityContextToken', server.handle.address, token.address)
    token.check()
    equal(sspi.library.CloseHandle(token.value.value), 1, 'a server stands for its client, and has a token of his')


def exported():
    client, server = converse(*pair())
    waiting = client.wrap(b'on its way')
    packed, name, other = sspi.Out(sspi.SecBuffer), sspi.wide('NTLM'), ServerContext(server.credential)
    sspi.call('ExportSecurityContext', server.handle.address, 0, packed.address, None)
    packed.check()
    sspi.call('ImportSecurityContextW', name.address, packed.address, None, other.handle.address)
    other.has_handle, other.sizes = True, server.sizes
    sspi.call('FreeContextBuffer', packed.value.pvBuffer)
    equal(other.unwrap(waiting), (b'on its way', 0), 'a session goes on in another context')


def negotiate():
    client, server = pair('Negotiate')
    token = client.step()
    info = client.query('package_info')
    check(info.name in ('Negotiate', 'NTLM'), 'Negotiate: PACKAGE_INFO of a session that has begun', info.name)
    answer = server.step(token)
    while answer:
        token = client.step(answer)
        answer = server.step(token) if token else b''
    equal((client.complete, server.complete), (True, True), 'Negotiate: both sides are done')
    facts('Negotiate', client, server)
    messages('Negotiate', client, server)
    endings(client, server)
    broken_messages(lambda: converse(*pair('Negotiate')))
    refused('Negotiate')
    bindings('Negotiate')

    client, server = converse(*pair('NTLM', serve='Negotiate'))
    facts('NTLM at Negotiate', client, server)
    messages('NTLM at Negotiate', client, server)
    server_credential = UserCredential(usage='accept')
    for packages, ends in (('ntlm', OK), ('!kerberos', OK), ('kerberos,ntlm', OK), ('!ntlm', NO_CREDENTIALS), ('kerberos', NO_CREDENTIALS)):
        credential = UserCredential('User', 'Password', 'DOMAIN', protocol_list=packages.split(','))
        client = ClientContext(credential, 'HTTP/server')
        equal(refusal(converse, client, ServerContext(server_credential)), ends, 'Negotiate: the package list "%s"' % packages)
    server = ServerContext(server_credential)
    token = server.step()
    equal(server.status, CONTINUE_NEEDED, 'Negotiate: a server may begin')
    client = ClientContext(UserCredential('User', 'Password', 'DOMAIN'), 'HTTP/server')
    while token:
        token = client.step(token)
        token = server.step(token) if token else b''
    equal((client.complete, server.complete), (True, True), 'Negotiate: and both are done')
    equal(server.unwrap(client.wrap(b'message')), (b'message', 0), 'Negotiate: with a session')


def main():
    os.environ.update(harness.environment(ACCOUNTS))
    layouts()
    sspi.load(sys.argv[1])
    packages()
    credentials()
    ntlm()
    impersonation()
    exported()
    negotiate()


harness.run(main)
