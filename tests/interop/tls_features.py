#!/usr/bin/env python3
"""tls_features.py TLS_PEER PKI: what TLS has beside the usual, with `openssl s_server` and `openssl s_client` at the other end.

Stapled OCSP responses of our server; certificates that TLS 1.3 asks for behind the handshake, by either side; pre-shared keys;
fatal alerts of the application under CBC suites; keys that are too weak.
"""
import os
import subprocess
import sys

import harness
import tls_programs as tls
from harness import equal, matches, note

PEER, PKI = sys.argv[1], sys.argv[2]
openssl = None


def pki(name):
    return os.path.join(PKI, name)


def theirs(name):
    return ['-cert', pki(name + '.pem'), '-key', pki(name + '.key'), '-cert_chain', pki(name + '.chain.pem')]


def ours(name):
    return ['--certificate', pki(name + '.chain.pem'), '--key', pki(name + '.key')]


# ---------------------------------------------------------------- staples

def staples():
    policy = harness.write('staples.conf', '[schannel]\nocsp-responses = %s\n' % pki('good.ocsp'))
    for version, kind in (('1.2', '-tls1_2'), ('1.3', '-tls1_3')):
        for certificate, response in (('server-p256', 'successful'), ('server-rsa', 'no response sent')):
            server = tls.Ours(PEER, None, [*ours(certificate), '--versions', version], ['end'], SSPI_CONFIG=policy)
            client = openssl.client(server.port, kind, '-status', '-servername', tls.TARGET, '-CAfile', pki('root.pem'),
                                    '-verify_return_error')
            client.wait_line(r'^OCSP [Rr]esponse')
            client.wait_line(r'Verify return code: .*')
            client.type('Q')
            server.finish()
            matches('OCSP Response Status: ' + response if response == 'successful' else 'OCSP response: ' + response,
                    client.output(), 'TLS %s, %s: s_client says: %s' % (version, certificate, response))
        server = tls.Ours(PEER, None, [*ours('server-p256'), '--versions', version], ['end'], SSPI_CONFIG=policy)
        client = openssl.client(server.port, kind, '-CAfile', pki('root.pem'), '-msg')
        client.wait_line(r'Verify return code: .*')
        client.type('Q')
        server.finish()
        equal('CertificateStatus' in client.output(), False, 'TLS %s: who does not ask gets none' % version)


# ---------------------------------------------------------------- behind the handshake

def several_authorities():
    """More names than a record of 512 bytes holds."""
    text = ''
    for name in ('root', 'intermediate', 'stranger', 'selfsigned', 'many', 'server-rsa', 'server-p384', 'client'):
        with open(pki(name + '.pem'), encoding='ascii') as file:
            text += file.read()
    return harness.write('authorities.pem', text)


def asked_by_server():
    authorities = several_authorities()
    for what, options, more in (('shown', ours('client'), []), ('in pieces', ours('client'), ['-max_send_frag', '512']),
                                ('from a second credential', ['--late', pki('client.chain.pem'), '--late-key', pki('client.key')], [])):
        server = openssl.server('-tls1_3', *theirs('server-p256'), '-naccept', '1', '-CAfile', authorities, '-msg', *more)
        client = tls.Ours(PEER, server.port, ['--roots', pki('root.pem'), '--target', tls.TARGET, '--versions', '1.3', *options],
                          ['text=before', 'wait=go on', 'facts', 'text=after', 'shutdown', 'end'])
        server.wait_line('^before')
        server.type('c')
        client.wait_line(r'^renegotiation .*')
        server.type('go on')
        client.finish()
        equal(client.connection().get('renegotiation'), ['SEC_E_OK'], '%s: s_server asks, and is answered' % what)
        equal(client.fact('end'), 'SEC_I_CONTEXT_EXPIRED', '%s: messages go on' % what)
        matches(r'<<< TLS 1.3, Handshake \[length [0-9a-f]+\], CertificateVerify', server.output(), '%s: it arrives' % what)
        matches('after', server.output(), '%s: so do messages behind it' % what)
    server = openssl.server('-tls1_3', *theirs('server-p256'), '-naccept', '1', '-CAfile', pki('root.pem'))
    client = tls.Ours(PEER, server.port, ['--roots', pki('root.pem'), '--target', tls.TARGET, '--versions', '1.3'],
                      ['text=before', 'wait=go on', 'facts', 'text=after', 'shutdown', 'end'])
    server.wait_line('^before')
    server.type('c')
    client.wait_line(r'^renegotiation .*')
    server.type('go on')
    client.finish()
    equal((client.fact('asked'), client.fact('end')), ('1', 'SEC_I_CONTEXT_EXPIRED'), 'without one: asked, and gone on without')


def asked_by_ours():
    for what, more, certificate in (('shown', theirs('client'), 'Alice'), ('declined', [], '!SEC_E_NO_CREDENTIALS')):
        server = tls.Ours(PEER, None, [*ours('server-p256'), '--roots', pki('root.pem'), '--versions', '1.3'],
                          ['wait=before', 'ask', 'wait=after', 'facts', 'text=done', 'end'])
        client = openssl.client(server.port, '-tls1_3', '-enable_pha', '-CAfile', pki('root.pem'), *more)
        client.type('before')
        server.wait_line('^ask .*')
        server.wait_line('^renegotiation .*')
        client.type('after')
        client.wait_line('^done')
        client.type('Q')
        server.finish()
        equal(server.connection().get('renegotiation'), ['SEC_E_OK'], 's_client is asked: ' + what)
        equal(server.fact('certificate'), certificate, 's_client: %s, and we know' % what)
    server = tls.Ours(PEER, None, [*ours('server-p256'), '--roots', pki('root.pem'), '--versions', '1.3'],
                      ['wait=before', 'ask'])
    client = openssl.client(server.port, '-tls1_3', '-CAfile', pki('root.pem'))
    client.type('before')
    server.finish()
    equal(server.fact('ask'), 'SEC_E_UNSUPPORTED_FUNCTION', 's_client has not offered it, and is not asked')
    server = tls.Ours(PEER, None, [*ours('server-p256'), '--roots', pki('root.pem'), '--versions', '1.3'],
                      ['wait=before', 'ask', 'wait=after', 'end'])
    client = openssl.client(server.port, '-tls1_3', '-enable_pha', '-CAfile', pki('root.pem'), *theirs('unknown'))
    client.type('before')
    server.wait_line('^ask .*')
    client.wait_line('alert unknown ca')
    server.finish()
    equal(server.connection().get('renegotiation'), ['SEC_E_UNTRUSTED_ROOT'], 'a stranger is refused, and told so')


# ---------------------------------------------------------------- pre-shared keys

KEY, NAME = 'a key of both sides', 'Client_identity'


def psk(key=KEY):
    return ['-psk', key.encode().hex(), '-psk_identity', NAME, '-tls1_2']


def preshared_keys():
    for suite, kind in (('ECDHE-PSK-CHACHA20-POLY1305', 'ECDHE'), ('PSK-AES256-GCM-SHA384', 'plain'), ('DHE-PSK-AES128-GCM-SHA256', 'DHE'),
                        ('ECDHE-PSK-AES128-CBC-SHA256', 'CBC')):
        server = openssl.server(*psk(), '-nocert', '-cipher', suite, '-naccept', '1')
        client = tls.Ours(PEER, server.port, ['--versions', '1.2', '--psk', KEY, '--psk-identity', NAME],
                          ['facts', 'text=from ours', 'shutdown', 'end']).finish()
        equal((client.fact('handshake'), client.fact('end')), ('SEC_E_OK', 'SEC_I_CONTEXT_EXPIRED'), 's_server, %s' % kind)
        matches('CIPHER is ' + suite, server.output(), 's_server has %s' % suite)
        matches('from ours', server.output(), 'and gets messages')
        if kind == 'DHE':
            continue
        server = tls.Ours(PEER, None, ['--versions', '1.2', '--psk', KEY, '--psk-identity', NAME],
                          ['facts', 'text=from ours', 'end'])
        client = openssl.client(server.port, *psk(), '-cipher', suite)
        client.wait_line('^from ours')
        client.type('Q')
        server.finish()
        equal(server.fact('handshake'), 'SEC_E_OK', 's_client, %s' % kind)
        matches('Cipher is ' + suite, client.output(), 's_client has %s' % suite)
    server = tls.Ours(PEER, None, ['--versions', '1.2', '--psk', KEY, '--psk-identity', 'Somebody_else'], ['end'])
    client = openssl.client(server.port, *psk())
    client.wait_line('alert unknown psk identity|alert number 115')
    server.finish()
    equal(server.fact('handshake') == 'SEC_E_OK', False, 'another identity is refused, and told so')
    server = openssl.server(*psk('another key'), '-nocert', '-naccept', '1')
    client = tls.Ours(PEER, server.port, ['--versions', '1.2', '--psk', KEY, '--psk-identity', NAME], ['end']).finish()
    equal(client.fact('handshake') == 'SEC_E_OK', False, 'another key is none')


# ---------------------------------------------------------------- alerts under CBC

SUITES = [('1.0', '-tls1', 'ECDHE-ECDSA-AES128-SHA'), ('1.1', '-tls1_1', 'ECDHE-ECDSA-AES256-SHA'),
          ('1.2', '-tls1_2', 'ECDHE-ECDSA-AES128-SHA256'), ('1.2', '-tls1_2', 'ECDHE-ECDSA-AES256-SHA384'),
          ('1.2', '-tls1_2', 'ECDHE-ECDSA-AES128-SHA')]


def alerts():
    """OpenSSL opens the record, so that its MAC, number and IV are right."""
    for version, kind, suite in SUITES:
        for more in ([], ['-no_etm']):
            name = 'TLS %s, %s%s: ' % (version, suite, ', MAC first' if more else '')
            old = ['-cipher', suite + ':@SECLEVEL=0', *more]
            server = openssl.server(kind, *theirs('server-p256'), *old, '-naccept', '1')
            client = tls.Ours(PEER, server.port, ['--versions', version, '--roots', pki('root.pem'), '--target', tls.TARGET],
                              ['text=one', 'text=two', 'alert=80']).finish()
            server.wait_exit()
            equal(client.fact('handshake'), 'SEC_E_OK', name + 'our client')
            matches('two.*alert internal error', server.output(), name + 's_server gets its alert')
            server = tls.Ours(PEER, None, [*ours('server-p256'), '--versions', version], ['text=one', 'wait=go', 'alert=49'])
            client = openssl.client(server.port, kind, *old)
            client.wait_line('^one')
            client.type('go')
            client.wait_line('alert access denied')
            server.finish()
            equal(server.fact('handshake'), 'SEC_E_OK', name + 's_client gets the alert of our server')


# ---------------------------------------------------------------- keys that anybody breaks

def weak_keys():
    """A program that judges certificates itself gets to see each; our own judgment refuses what is too weak."""
    key, certificate = os.path.join(harness.scratch(), 'weak.key'), os.path.join(harness.scratch(), 'weak.pem')
    subprocess.run([openssl.program, 'req', '-x509', '-newkey', 'rsa:768', '-nodes', '-keyout', key, '-out', certificate, '-days', '2',
                    '-subj', '/CN=weak', '-addext', 'subjectAltName=DNS:' + tls.TARGET], check=True, capture_output=True)
    for version, kind in (('1.2', '-tls1_2'), ('1.3', '-tls1_3')):
        for options, status in ((['--manual'], 'SEC_E_OK'), (['--roots', certificate], 'SEC_E_CERT_UNKNOWN')):
            server = openssl.server(kind, '-cert', certificate, '-key', key, '-cipher', 'ALL:@SECLEVEL=0', '-naccept', '1')
            client = tls.Ours(PEER, server.port, ['--versions', version, '--target', tls.TARGET, *options],
                              ['facts', 'shutdown', 'end']).finish()
            equal(client.fact('handshake'), status, 'TLS %s, RSA of 768 bits, %s' % (version, options[0]))


def main():
    global openssl
    openssl = tls.OpenSSL()
    note(openssl.version)
    for part in (staples, asked_by_server, asked_by_ours, preshared_keys, alerts, weak_keys):
        if len(sys.argv) > 3 and part.__name__ not in sys.argv[3:]:
            continue
        part()


harness.run(main)
