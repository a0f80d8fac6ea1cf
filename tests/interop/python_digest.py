#!/usr/bin/env python3
"""python_digest.py LIBRARY: WDigest from Python, by HTTP and by SASL.  What the client answers and what the layer signs is computed
again from the password, with hashlib."""
import hashlib
import hmac
import os
import re
import sys

import harness
import sspi
from harness import check, equal
from sspi import (COMPLETE_NEEDED, CONFIDENTIALITY, CONTINUE_NEEDED, DATA, INVALID_HANDLE, LOGON_DENIED, MESSAGE_ALTERED, NO_CREDENTIALS,
                  OK, OUT_OF_SEQUENCE, PADDING, PKG_PARAMS, QOP_NOT_SUPPORTED, TOKEN, UNSUPPORTED_FUNCTION, ClientContext, Message,
                  ServerContext, SspiError, UserCredential, call, refusal)

HTTP = 0x10000000  # ISC_REQ_HTTP, ASC_REQ_HTTP
REALM = 'http-auth@example.org'
USER, PASSWORD = 'Mufasa', 'Circle of Life'
HASHES = {'MD5': hashlib.md5, 'SHA-256': hashlib.sha256}


class Web:
    """What both sides of HTTP have: the request as buffers of parameters."""
    method, uri = b'GET', b'/dir/index.html'

    def exchange(self, *parts):
        answer = self.output()
        self.status = self.invoke(Message(*parts), answer)
        token = self.answer(answer)
        if self.status not in self.good:
            raise SspiError('step', self.status)
        self.complete = self.status == OK
        return token.decode()

    def request(self, uri, method=b'GET'):
        """MakeSignature: the response for another request; or at a server what goes into Authentication-Info."""
        message = Message((TOKEN, None), (PKG_PARAMS, method), (PKG_PARAMS, uri), (PKG_PARAMS, None), (PADDING, bytes(4096)))
        call('MakeSignature', self.handle.address, 0, message.address, 0)
        message.check()
        return message[4].decode()

    def check(self, text, uri, method=b'GET'):
        message = Message((TOKEN, text.encode()), (PKG_PARAMS, method), (PKG_PARAMS, uri), (PKG_PARAMS, None))
        call('VerifySignature', self.handle.address, message.address, 0, None)


class WebClient(Web, ClientContext):
    def __init__(self, credential, target='/dir/index.html', flags=HTTP):
        super().__init__(credential, target, flags)

    def step(self, challenge):
        return self.exchange((TOKEN, challenge.encode()), (PKG_PARAMS, self.method), (PKG_PARAMS, None))


class WebServer(Web, ServerContext):
    def __init__(self, credential, flags=HTTP):
        super().__init__(credential, flags)

    def step(self, response=''):
        return self.exchange((TOKEN, response.encode() or None), (PKG_PARAMS, self.method), (PKG_PARAMS, self.uri), (PKG_PARAMS, None),
                             (PKG_PARAMS, REALM.encode('utf-16-le')))


def directives(text):
    return {name: quoted or bare for name, quoted, bare in re.findall(r'([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))', text)}


def credentials(password=PASSWORD, user=USER, domain=''):
    return (UserCredential(user, password, domain, protocol='WDigest'), UserCredential(protocol='WDigest', usage='accept'))


def http_response(sent, uri, method='GET', prefix=None):
    """RFC 7616 3.4.1, qop=auth."""
    def h(text):
        return HASHES[sent.get('algorithm', 'MD5')](text.encode()).hexdigest()
    a1, a2 = '%s:%s:%s' % (USER, REALM, PASSWORD), '%s:%s' % (method if prefix is None else prefix, uri)
    return h(':'.join((h(a1), sent['nonce'], sent['nc'], sent['cnonce'], sent['qop'], h(a2))))


def http():
    ours, theirs = credentials()
    client, server = WebClient(ours), WebServer(theirs)
    challenge = server.step()
    equal(server.status, CONTINUE_NEEDED, 'HTTP: the server asks')
    asked = directives(challenge)
    equal((asked['realm'], 'auth' in asked['qop'].split(',')), (REALM, True), 'HTTP: for its realm')
    check('Digest' not in challenge, 'HTTP: the scheme\'s name is the program\'s')
    response = client.step(challenge)
    equal(client.status, OK, 'HTTP: the client answers')
    sent = directives(response)
    equal((sent['username'], sent['realm'], sent['uri'], sent['nc'], sent['nonce'], sent.get('opaque')),
          (USER, REALM, '/dir/index.html', '00000001', asked['nonce'], asked.get('opaque')), 'HTTP: with what it was asked')
    equal(sent['response'], http_response(sent, '/dir/index.html'), 'HTTP: the response follows from the password')
    equal((server.step(response), server.status), ('', OK), 'HTTP: the server believes it')
    http_facts(client, server)
    info = directives(server.request(b'/dir/index.html'))
    equal(info['rspauth'], http_response(sent, '/dir/index.html', prefix=''), 'HTTP: so does what the server proves')
    client.check('rspauth="%s", qop=auth, cnonce="%s", nc=%s' % (info['rspauth'], sent['cnonce'], sent['nc']), b'/dir/index.html')
    equal(refusal(client.check, 'rspauth="%s", qop=auth' % ('0' * len(info['rspauth'])), b'/dir/index.html'), MESSAGE_ALTERED,
          'HTTP: a server that proves something else')
    further(client, server, theirs)
    http_ends(client, server, ours, theirs)


def names_of(client, server, how):
    """An account without a domain is the machine's."""
    equal((client.query('names'), server.query('names')), (USER, 'SERVER\\' + USER), how + ': the name on both sides')


def http_facts(client, server):
    names_of(client, server, 'HTTP')
    for side, who in ((client, 'client'), (server, 'server')):
        info = side.query('package_info')
        equal((info.name, info.rpcid, info.capabilities), ('WDigest', 21, 0x00800304), 'HTTP: PACKAGE_INFO of the ' + who)
        sizes = side.query('sizes')
        equal((sizes.cbMaxToken, sizes.cbSecurityTrailer), (4096, 0), 'HTTP: SIZES of the ' + who)
        check(side.query('key_info').signature in ('MD5', 'SHA-256'), 'HTTP: KEY_INFO of the ' + who)
        check(side.query('flags') & HTTP, 'HTTP: FLAGS of the ' + who)
        equal(side.query('flags') & ~sspi.ALLOCATE_MEMORY, side.attributes & ~sspi.ALLOCATE_MEMORY, 'HTTP: which the last call returned')
        equal(refusal(side.query, 'session_key'), UNSUPPORTED_FUNCTION, 'HTTP: no session key for the ' + who)
        side.sizes = sizes
        equal(refusal(side.seal, b'message'), UNSUPPORTED_FUNCTION, 'HTTP: nothing is sealed by the ' + who)
    equal(server.query('client_target'), '/dir/index.html', 'HTTP: the target at the server')


def further(client, server, credential):
    """More requests on the same context, and on another connection."""
    for count in range(2, 5):
        uri = b'/page/%d' % count
        response = client.request(uri)
        sent = directives(response)
        equal((sent['nc'], sent['response']), ('%08x' % count, http_response(sent, uri.decode())), 'HTTP: request %d' % count)
        server.check(response, uri)
        equal(refusal(server.check, response, uri), OUT_OF_SEQUENCE, 'HTTP: the same once more is refused')
    response = client.request(b'/page/5')
    equal(refusal(server.check, response, b'/another'), LOGON_DENIED, 'HTTP: a response for another page is refused')
    response = client.request(b'/page/6')
    broken = response.replace(directives(response)['response'], '0' * len(directives(response)['response']))
    equal(refusal(server.check, broken, b'/page/6'), MESSAGE_ALTERED, 'HTTP: a changed response is refused')
    other = WebServer(credential)
    other.uri = b'/page/7'
    response = client.request(other.uri)
    other.step(response)
    equal((other.status, other.words()), (COMPLETE_NEEDED, server.words()), 'HTTP: another connection finds the context by opaque')
    message = Message((TOKEN, response.encode()), (PKG_PARAMS, b'GET'), (PKG_PARAMS, other.uri))
    call('CompleteAuthToken', other.handle.address, message.address)
    equal(refusal(call, 'CompleteAuthToken', other.handle.address, message.address), OUT_OF_SEQUENCE, 'HTTP: where it counts once')
    other.has_handle = False  # it is the other context's


def http_ends(client, server, ours, theirs):
    parts = (client, server, ours, theirs)
    equal([part.close() for part in parts], [OK] * 4, 'HTTP: every handle ends')
    equal([part.close() for part in parts], [INVALID_HANDLE] * 4, 'HTTP: once')


def refused():
    for user, password in ((USER, 'circle of life'), ('Scar', PASSWORD), (USER, '')):
        ours, theirs = credentials(password, user)
        client, server = WebClient(ours), WebServer(theirs)
        response = client.step(server.step())
        equal(refusal(server.step, response), LOGON_DENIED, 'HTTP: %s with %r is refused' % (user, password))
        client, server = ClientContext(ours, 'ldap/server', 0), ServerContext(theirs, 0)
        response = client.step(server.step())
        equal(refusal(server.step, response), LOGON_DENIED, 'SASL: and so he is')
        equal((client.close(), server.close()), (OK, OK), 'SASL: what failed is deleted all the same')
    equal(refusal(UserCredential, protocol='WDigest', usage='both'), NO_CREDENTIALS, 'no credential is for both directions')


# ---------------------------------------------------------------- SASL

def sasl_pair(client_flags, server_flags):
    ours, theirs = credentials()
    client, server = ClientContext(ours, 'ldap/server', client_flags), ServerContext(theirs, server_flags)
    challenge = server.step()
    equal(server.status, CONTINUE_NEEDED, 'SASL: the server asks')
    response = client.step(challenge)
    equal(client.status, CONTINUE_NEEDED, 'SASL: the client waits for the server\'s proof')
    proof = server.step(response)
    client.step(proof)
    equal((client.status, server.status), (OK, OK), 'SASL: both are done')
    return client, server, directives(response.decode('iso-8859-1')), directives(proof.decode())


def session_hash(sent):
    """H(A1) of DIGEST-MD5 in bytes (RFC 2831 2.1.2.1)."""
    start = hashlib.md5(('%s:%s:%s' % (sent['username'], sent.get('realm', ''), PASSWORD)).encode()).digest()
    return hashlib.md5(start + (':%s:%s' % (sent['nonce'], sent['cnonce'])).encode()).digest()


def sasl_response(sent, prefix):
    def h(data):
        return hashlib.md5(data).hexdigest()
    a2 = prefix + b':' + sent['digest-uri'].encode() + (b':' + b'0' * 32 if sent['qop'] != 'auth' else b'')
    return h(':'.join((session_hash(sent).hex(), sent['nonce'], sent['nc'], sent['cnonce'], sent['qop'], h(a2))).encode())


def keys_of(sent):
    """Ki of both directions (RFC 2831 2.3)."""
    return [hashlib.md5(session_hash(sent) + b'Digest session key to %s signing key magic constant' % way).digest()
            for way in (b'client-to-server', b'server-to-client')]


def sasl_facts(client, server, sent, proof, qop):
    equal(sent['qop'], qop, 'SASL: ' + qop)
    equal(sent['response'], sasl_response(sent, b'AUTHENTICATE'), '%s: the response follows from the password' % qop)
    equal(proof['rspauth'], sasl_response(sent, b''), '%s: and so does what the server proves' % qop)
    names_of(client, server, qop)
    equal(server.query('client_target'), 'ldap/server', qop + ': whom the client wanted')


def sasl_auth():
    client, server, sent, proof = sasl_pair(0, 0)
    sasl_facts(client, server, sent, proof, 'auth')
    for side in (client, server):
        equal((side.sizes.cbMaxSignature, side.sizes.cbSecurityTrailer), (0, 0), 'auth: no layer, no room for it')
        side.sizes = sspi.SIZES(4096, 16, 8, 16)
        equal(refusal(side.sign, b'message'), QOP_NOT_SUPPORTED, 'auth: nothing is signed')


def sasl_integrity():
    client, server, sent, proof = sasl_pair(sspi.ISC_INTEGRITY, sspi.ASC_INTEGRITY)
    sasl_facts(client, server, sent, proof, 'auth-int')
    for one, other, key in zip((client, server), (server, client), keys_of(sent)):
        equal((one.sizes.cbMaxSignature, one.sizes.cbSecurityTrailer), (16, 16), 'auth-int: SIZES')
        for number, text in enumerate((b'one', b'two' * 1000, b'')):
            signature = one.sign(text)
            wanted = hmac.new(key, number.to_bytes(4, 'big') + text, 'md5').digest()[:10] + b'\0\1' + number.to_bytes(4, 'big')
            equal(signature, wanted, 'auth-int: a signature as RFC 2831 2.3 has it')
            equal(other.verify(text, signature), 0, 'auth-int: is believed')
        equal(refusal(other.verify, b'anothes', one.sign(b'another')), MESSAGE_ALTERED, 'auth-int: a changed message is not')


def sasl_confidentiality():
    flags = CONFIDENTIALITY | sspi.ISC_INTEGRITY
    client, server, sent, proof = sasl_pair(flags, CONFIDENTIALITY | sspi.ASC_INTEGRITY)
    sasl_facts(client, server, sent, proof, 'auth-conf')
    check(sent['cipher'] in ('rc4', '3des'), 'auth-conf: a cipher that can be trusted')
    for one, other in ((client, server), (server, client)):
        for text in (b'one', os.urandom(32), b'two' * 1000):
            message = Message((DATA, text), (PADDING, bytes(one.sizes.cbMaxSignature + one.sizes.cbBlockSize)))
            call('EncryptMessage', one.handle.address, 0, message.address, 0)
            message.check()
            sealed = message[0] + message[1]
            check(text not in sealed, 'auth-conf: sealed, %d bytes' % len(text))
            equal(other.unwrap(sealed)[0], text, 'auth-conf: and opened')
        message = Message((DATA, b'the last one'), (PADDING, bytes(one.sizes.cbMaxSignature + one.sizes.cbBlockSize)))
        call('EncryptMessage', one.handle.address, 0, message.address, 0)
        sealed = bytearray(message[0] + message[1])
        sealed[0] ^= 1
        equal(refusal(other.unwrap, sealed), MESSAGE_ALTERED, 'auth-conf: a changed message')
    equal([part.close() for part in (client, server, client.credential, server.credential)], [OK] * 4, 'auth-conf: every handle ends')


def main():
    os.environ.update(harness.environment([':%s:%s' % (USER, PASSWORD)]))
    sspi.load(sys.argv[1])
    http()
    refused()
    sasl_auth()
    sasl_integrity()
    sasl_confidentiality()


harness.run(main)
