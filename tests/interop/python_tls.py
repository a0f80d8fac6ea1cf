#!/usr/bin/env python3
"""python_tls.py LIBRARY PKI: Schannel and CredSSP from Python, both sides in one process: certificates by the functions of crypt32,
both forms of credentials, TLS 1.2 and 1.3."""
import ctypes
import hashlib
import os
import sys

import harness
import sspi
import sspi_tls
from harness import check, equal
from sspi import (ALGORITHM_MISMATCH, APPLICATION_PROTOCOL_MISMATCH, CONFIDENTIALITY, DELEGATE, INBOUND, INVALID_HANDLE, LOGON_DENIED,
                  MESSAGE_ALTERED, MUTUAL_AUTH, NO_CREDENTIALS, OK, OUTBOUND, REPLAY_DETECT, SEQUENCE_DETECT, UNKNOWN_CREDENTIALS,
                  UNSUPPORTED_FUNCTION, UNTRUSTED_ROOT, WRONG_PRINCIPAL, refusal)
from sspi_tls import (AUTO_VALIDATION, MANUAL_VALIDATION, NO_DEFAULT_CREDS, TLS1_2, TLS1_3, UNISP, StreamClient, StreamServer,
                      credssp_credential, pem_certificate, pfx_certificate, sch_credentials, schannel_cred, shake, tls_credential)

VERSIONS = (('TLS 1.2', TLS1_2, 0x0303), ('TLS 1.3', TLS1_3, 0x0304))
FORMS = (('SCHANNEL_CRED', schannel_cred), ('SCH_CREDENTIALS', sch_credentials))
HOST = 'www.example.com'
CLIENT_FLAGS = MANUAL_VALIDATION | NO_DEFAULT_CREDS
CERT_E_CN_NO_MATCH, CERT_E_UNTRUSTEDROOT, ENCRYPT_FAILURE = 0x800B010F, 0x800B0109, 0x80090329
ISC_STREAM, ASC_STREAM = sspi_tls.CLIENT_STREAM, sspi_tls.SERVER_STREAM


def file(name):
    return os.path.join(sys.argv[2], name)


def server_certificate(name='server-p256'):
    return pem_certificate(file(name + '.pem'), file(name + '.key'))


def credentials(form, bits, certificate, client_flags=CLIENT_FLAGS, client_certificates=(), **server):
    return (tls_credential(form, OUTBOUND, bits[0], client_certificates, flags=client_flags),
            tls_credential(form, INBOUND, bits[1], (certificate,), **server))


def connection(ours, theirs, pace=None, client=None, server=None):
    client, server = StreamClient(ours, HOST, **(client or {})), StreamServer(theirs, **(server or {}))
    left = shake(client, server, pace)
    equal(client.decrypt(left), b'', 'what a server says behind its handshake is no data')
    return client, server


def facts(name, client, server, bits, wire, der):
    for side, bit, who in ((client, bits[0], 'client'), (server, bits[1], 'server')):
        where = '%s, %s: ' % (name, who)
        equal(side.query('connection_info').dwProtocol, bit, where + 'CONNECTION_INFO')
        cipher = side.query('cipher_info')
        equal(cipher.dwProtocol, wire, where + 'CIPHER_INFO')
        check(sspi.text_in(cipher.szCipherSuite).startswith('TLS_') and sspi.text_in(cipher.szCipher) in ('AES', 'CHACHA20_POLY1305'),
              where + sspi.text_in(cipher.szCipherSuite))
        stream = side.query('stream_sizes')
        equal((stream.cbMaximumMessage, stream.cBuffers), (16384, 4), where + 'STREAM_SIZES')
        check(stream.cbHeader >= 5 and stream.cbTrailer >= 16, where + 'header and trailer')
        equal(side.query('package_info').name, UNISP, where + 'PACKAGE_INFO')
        equal(side.query('flags') & ~sspi.ALLOCATE_MEMORY, side.attributes & ~sspi.ALLOCATE_MEMORY, where + 'FLAGS')
        for what in ('session_key', 'negotiation_info', 'names'):
            equal(refusal(side.query, what), UNSUPPORTED_FUNCTION, '%snothing of %s' % (where, what))
        message = sspi.Message((sspi.DATA, b'message'), (sspi.TOKEN, bytes(16)))
        equal(refusal(sspi.call, 'MakeSignature', side.handle.address, 0, message.address, 0), UNSUPPORTED_FUNCTION, where + 'no signatures')
    bindings = [side.query('endpoint_bindings') for side in (client, server)]
    wanted = sspi.channel_bindings(b'tls-server-end-point:' + hashlib.sha256(der).digest())
    equal(bindings, [wanted, wanted], name + ': ENDPOINT_BINDINGS are the certificate\'s hash')
    if wire == 0x0303:
        bindings = [side.query('unique_bindings') for side in (client, server)]
        check(bindings[0] == bindings[1] and b'tls-unique:' in bindings[0], name + ': UNIQUE_BINDINGS are one on both sides')
    else:
        equal(refusal(client.query, 'unique_bindings'), UNSUPPORTED_FUNCTION, name + ': no UNIQUE_BINDINGS')
    equal(client.query('remote_cert'), der, name + ': REMOTE_CERT_CONTEXT')
    check(refusal(server.query, 'remote_cert') != OK, name + ': the client has shown none')


def data(name, client, server):
    for one, other, way in ((client, server, 'to the server'), (server, client, 'to the client')):
        for text in (b'x', os.urandom(1000), b'two' * 5000):
            record = one.encrypt(text)
            check(text[:100] not in record[5:] or len(text) < 10, '%s: %d bytes %s' % (name, len(text), way))
            equal(other.decrypt(record), text, '%s: and there they are' % name)
        records = one.encrypt(b'first ') + one.encrypt(b'second')
        equal(other.decrypt(records[:20]) + other.decrypt(records[20:]), b'first second', '%s: records cut and joined, %s' % (name, way))
    equal(refusal(client.encrypt, bytes(16385)), ENCRYPT_FAILURE, name + ': no more than cbMaximumMessage')


def closing(name, client, server):
    equal(server.decrypt(client.shutdown()), b'', name + ': the client closes')
    check(server.closed, name + ': and the server hears it')
    client.decrypt(server.shutdown())
    check(client.closed, name + ': so the other way round')


def endings(name, *parts):
    equal([part.close() for part in parts], [OK] * len(parts), name + ': every handle ends')
    equal([part.close() for part in parts], [INVALID_HANDLE] * len(parts), name + ': once')


def tampered(name, ours, theirs):
    for broken in ('the server\'s', 'the client\'s'):
        client, server = connection(ours, theirs)
        one, other = (server, client) if broken == 'the server\'s' else (client, server)
        record = bytearray(one.encrypt(b'message'))
        record[-1] ^= 1
        equal(refusal(other.decrypt, bytes(record)), MESSAGE_ALTERED, '%s: a changed record of %s' % (name, broken))


def layouts():
    for name, size in (('CERT_CHAIN_PARA', 32), ('CERT_CHAIN_ENGINE_CONFIG', 88), ('CERT_CHAIN_POLICY_PARA', 16),
                       ('CERT_CHAIN_POLICY_STATUS', 24), ('SSL_EXTRA', 24), ('CRYPT_KEY_PROV_INFO', 48)):
        equal(ctypes.sizeof(getattr(sspi_tls, name)), size, '%s is %d bytes' % (name, size))


def certificates():
    """The same certificate and key, by two ways."""
    by_pem, by_pfx = server_certificate(), pfx_certificate(file('modern.pfx'), 'Password')
    equal(by_pem.der(), by_pfx.der(), 'PEM and PKCS#12 hold one certificate')
    equal(refusal(pfx_certificate, file('modern.pfx'), 'password'), 86, 'PKCS#12 with another password: ERROR_INVALID_PASSWORD')
    leaf, root, intermediate = (pem_certificate(file(name + '.pem')) for name in ('server-p256', 'root', 'intermediate'))
    for roots, name, wanted in (([root], HOST, OK), ([root], 'other.example.net', CERT_E_CN_NO_MATCH),
                                ([pem_certificate(file('stranger.pem'))], HOST, CERT_E_UNTRUSTEDROOT)):
        equal(sspi_tls.chain_verdict(leaf, roots, [intermediate, root], name), wanted, 'CertVerifyCertificateChainPolicy: %08x' % wanted)
    return by_pem, by_pfx


def credential_errors(certificate):
    naked = pem_certificate(file('server-p256.pem'))
    for name, form in FORMS:
        equal(refusal(tls_credential, form, INBOUND, TLS1_2[1], (naked,)), NO_CREDENTIALS, name + ': a certificate without a key')
        equal(refusal(tls_credential, form, sspi.BOTH, 0, (certificate,)), NO_CREDENTIALS, name + ': no credential is for both directions')
    equal(refusal(tls_credential, schannel_cred, OUTBOUND, TLS1_2[1]), ALGORITHM_MISMATCH, 'SCHANNEL_CRED: a client with a server\'s version')
    value, kept = schannel_cred(0)
    value.dwVersion = 2
    equal(refusal(sspi.Credential, UNISP, OUTBOUND, sspi_tls.Pointer(value, kept)), UNKNOWN_CREDENTIALS, 'SCHANNEL_CRED: version 2')
    equal(refusal(sspi.Credential, UNISP, INBOUND), NO_CREDENTIALS, 'a server without credentials')
    equal(refusal(sspi.Credential('Schannel', OUTBOUND).name), NO_CREDENTIALS, 'a client without, by another name, and it has no name')


def schannel(by_pem, by_pfx):
    for form_name, form in FORMS:
        for version, bits, wire in VERSIONS:
            name = '%s, %s' % (form_name, version)
            ours, theirs = credentials(form, bits, by_pem if form is schannel_cred else by_pfx)
            client, server = connection(ours, theirs)
            equal((client.attributes & ~sspi.ALLOCATE_MEMORY, server.attributes & ~sspi.ALLOCATE_MEMORY), (client.flags, server.flags),
                  name + ': the flags are those asked for')
            facts(name, client, server, bits, wire, by_pem.der())
            data(name, client, server)
            closing(name, client, server)
            tampered(name, ours, theirs)
            endings(name, client, server, ours, theirs)
    for version, bits, _ in VERSIONS:
        ours, theirs = credentials(schannel_cred, bits, by_pem)
        for pace in (1, 7):
            client, server = connection(ours, theirs, pace)
            data('%s, %d bytes at a time' % (version, pace), client, server)
        client, server = connection(ours, theirs, client={'memory': 16384}, server={'memory': 16384})
        data(version + ', in the caller\'s memory', client, server)
        application_protocols(version, ours, theirs)
        client_certificates(version, bits, by_pem)
        validation(version, bits, by_pfx)
    ours, _ = credentials(schannel_cred, TLS1_3, by_pem)
    _, theirs = credentials(schannel_cred, TLS1_2, by_pem)
    equal(refusal(connection, ours, theirs), UNSUPPORTED_FUNCTION, 'versions that have nothing in common (protocol_version)')


def application_protocols(version, ours, theirs):
    client, server = connection(ours, theirs, client={'alpn': (b'h2', b'http/1.1')}, server={'alpn': (b'http/1.1',)})
    equal([side.query('application_protocol') for side in (client, server)], [(1, 2, b'http/1.1')] * 2, version + ': ALPN')
    client, server = connection(ours, theirs)
    equal(client.query('application_protocol')[0], 0, version + ': no ALPN')
    equal(refusal(connection, ours, theirs, client={'alpn': (b'h2',)}, server={'alpn': (b'http/1.1',)}), APPLICATION_PROTOCOL_MISMATCH,
          version + ': ALPN with nothing in common')


def client_certificates(version, bits, certificate):
    alice, root = pem_certificate(file('client.pem'), file('client.key')), pem_certificate(file('root.pem'))
    inter = pem_certificate(file('intermediate.pem'))
    store = sspi_tls.memory_store(root, inter)
    ask = {'server': {'flags': ASC_STREAM | MUTUAL_AUTH}}
    ours, theirs = credentials(sch_credentials, bits, certificate, client_certificates=(alice,), roots=store)
    client, server = connection(ours, theirs, **ask)
    equal(server.query('remote_cert'), alice.der(), version + ': the client\'s certificate at the server')
    stranger = pem_certificate(file('selfsigned.pem'), file('selfsigned.key'))
    ours, theirs = credentials(sch_credentials, bits, certificate, client_certificates=(stranger,), roots=store)
    equal(refusal(connection, ours, theirs, **ask), UNTRUSTED_ROOT, version + ': a client that nobody knows')
    ours, theirs = credentials(sch_credentials, bits, certificate, roots=store)
    client, server = connection(ours, theirs, **ask)
    check(client.asked, version + ': a client without one is asked, and goes on without')
    check(refusal(server.query, 'remote_cert') != OK, version + ': which the server sees')
    sspi_tls.true('CertCloseStore', store, 0)


def validation(version, bits, certificate):
    """By itself, against the roots of the policy."""
    ours, theirs = credentials(sch_credentials, bits, certificate, client_flags=AUTO_VALIDATION | NO_DEFAULT_CREDS)
    connection(ours, theirs)
    client, server = StreamClient(ours, 'other.example.net'), StreamServer(theirs)
    equal(refusal(shake, client, server), WRONG_PRINCIPAL, version + ': another name')
    ours, theirs = credentials(sch_credentials, bits, server_certificate('unknown'), client_flags=AUTO_VALIDATION | NO_DEFAULT_CREDS)
    client, server = StreamClient(ours, HOST, flags=ISC_STREAM | sspi.ISC_EXTENDED_ERROR), StreamServer(theirs)
    alert = b''
    try:
        shake(client, server)
    except sspi.SspiError as error:
        equal(error.status, UNTRUSTED_ROOT, version + ': a root that nobody trusts')
        alert = error.token
    check(alert, version + ': the client has an alert to send')
    equal(refusal(server.step, alert), UNTRUSTED_ROOT, version + ': which the server understands (unknown_ca)')


# ---------------------------------------------------------------- CredSSP

def credssp_pair(bits, certificate, password='Password', target='TERMSRV/server', flags=ISC_STREAM | DELEGATE, **more):
    identity = sspi.Identity('User', password, 'DOMAIN')
    ours = credssp_credential(OUTBOUND, schannel_cred(bits[0]), identity)
    identity.spoil()
    theirs = credssp_credential(INBOUND, schannel_cred(bits[1], (certificate,)))
    return StreamClient(ours, target, flags, **more), StreamServer(theirs, **more)


def packed_logon(data):
    """The three texts of a packed KERB_INTERACTIVE_LOGON, whose Buffer members are offsets."""
    value = sspi.KERB_INTERACTIVE_LOGON.from_buffer_copy(data)
    texts = [data[part.Buffer:part.Buffer + part.Length].decode('utf-16-le')
             for part in (value.LogonDomainName, value.UserName, value.Password)]
    return value.MessageType, texts


def credssp(certificate):
    info = sspi.query_package('CREDSSP')
    equal((info.name, info.capabilities, info.rpcid), ('CREDSSP', 0x00810733, 0xFFFF), 'CREDSSP: QuerySecurityPackageInfo')
    for version, bits, wire in VERSIONS:
        for pace in (None, 5):
            name = 'CREDSSP, %s%s' % (version, ', in pieces' if pace else '')
            client, server = credssp_pair(bits, certificate)
            left = shake(client, server, pace)
            equal(client.decrypt(left), b'', name + ': there is nothing to read yet')
            credssp_facts(name, client, server, bits, wire, certificate.der())
            data(name, client, server)
            closing(name, client, server)
            endings(name, client, server, client.credential, server.credential)
        credssp_refusals('CREDSSP, ' + version, bits, certificate)


def credssp_facts(name, client, server, bits, wire, der):
    for side, bit in ((client, bits[0]), (server, bits[1])):
        equal(side.query('names'), 'DOMAIN\\User', name + ': NAMES')
        equal(side.query('package_info').name, 'CREDSSP', name + ': PACKAGE_INFO')
        equal(side.query('negotiation_package').name, 'NTLM', name + ': NEGOTIATION_PACKAGE')
        equal(side.query('connection_info').dwProtocol, bit, name + ': CONNECTION_INFO')
        equal(side.query('cipher_info').dwProtocol, wire, name + ': CIPHER_INFO')
        equal(side.query('stream_sizes').cbMaximumMessage, 16384, name + ': STREAM_SIZES')
        check(side.query('sizes').cbMaxToken > 16384, name + ': SIZES')
        wanted = CONFIDENTIALITY | REPLAY_DETECT | SEQUENCE_DETECT | DELEGATE
        equal(side.attributes & wanted, wanted, name + ': what was agreed on')
        equal(side.query('flags') & ~sspi.ALLOCATE_MEMORY, side.attributes & ~sspi.ALLOCATE_MEMORY, name + ': FLAGS')
    keys = [side.query('session_key') for side in (client, server)]
    check(len(keys[0]) == 16 and keys[0] == keys[1], name + ': one session key')
    equal(client.query('remote_cert'), der, name + ': the server\'s certificate')
    equal(client.query('server_auth_flags'), 0, name + ': which proves nothing here, as does NTLM')
    check(client.query('cert_trust_status').dwErrorStatus != 0, name + ': CERT_TRUST_STATUS says why')
    for what in ('creds', 'creds_2'):
        equal(packed_logon(server.query(what)), (2, ['DOMAIN', 'User', 'Password']), '%s: the delegated password by %s' % (name, what))
        equal(refusal(client.query, what), UNSUPPORTED_FUNCTION, '%s: %s is no question for the client' % (name, what))
    sspi.call('ImpersonateSecurityContext', server.handle.address)
    equal(sspi.Credential('NTLM', OUTBOUND).name(), 'DOMAIN\\User', name + ': who stands for the client logs on as he')
    sspi.call('RevertSecurityContext', server.handle.address)
    equal(refusal(sspi.Credential, 'NTLM', OUTBOUND), NO_CREDENTIALS, name + ': and afterwards not any more')


def credssp_refusals(name, bits, certificate):
    client, server = credssp_pair(bits, certificate, password='password')
    equal(refusal(shake, client, server), LOGON_DENIED, name + ': a wrong password')
    equal(refusal(server.query, 'creds'), INVALID_HANDLE, name + ': delegates nothing')
    equal((client.close(), server.close()), (OK, OK), name + ': and is deleted all the same')
    client, server = credssp_pair(bits, certificate, target='HTTP/server')
    equal(refusal(shake, client, server), sspi.DELEGATION_POLICY, name + ': a server that gets no passwords')
    client, server = credssp_pair(bits, certificate, flags=ISC_STREAM)
    shake(client, server)
    equal(refusal(server.query, 'creds'), NO_CREDENTIALS, name + ': without the flag nothing is delegated')
    client, server = credssp_pair(bits, certificate)
    client.decrypt(shake(client, server))
    record = bytearray(client.encrypt(b'message'))
    record[-1] ^= 1
    equal(refusal(server.decrypt, bytes(record)), MESSAGE_ALTERED, name + ': a changed record')


def main():
    if not sys.argv[2]:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    os.environ.update(harness.environment(['DOMAIN:User:Password']))
    with open(os.environ['SSPI_CONFIG'], 'a', encoding='utf-8') as policy:
        policy.write('[certificates]\nroots = %s\n' % file('root.pem'))
    layouts()
    sspi_tls.load(sys.argv[1])
    by_pem, by_pfx = certificates()
    credential_errors(by_pem)
    schannel(by_pem, by_pfx)
    credssp(by_pem)


harness.run(main)
