#!/usr/bin/env python3
"""tls_clients.py TLS_PEER PKI: curl and Chromium as clients of this library's TLS: every version that they have, kinds of keys, client
certificates, application protocols, resumption, closing, and certificates that they refuse."""
import base64
import hashlib
import os
import re
import subprocess
import sys

import harness
import tls_programs as tls
from harness import check, equal, matches

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'1.0': '0301', '1.1': '0302', '1.2': '0303', '1.3': '0304'}
CURL_STATUS = {60: 'no trust', 35: 'handshake'}


def pki(name):
    return os.path.join(PKI, name)


def server(version, kind, *options, times=1):
    """An HTTP server with one answer for whatever is asked."""
    _, body = tls.data(200000, 9)
    answer = harness.write('answer.http', b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n'
                           % len(body) + body)
    chain = pki(kind + '.chain.pem') if os.path.exists(pki(kind + '.chain.pem')) else pki(kind + '.pem')
    ours = tls.Ours(PEER, None, ['--versions', version, '--certificate', chain, '--key', pki(kind + '.key'), '--roots', pki('root.pem'),
                                 '--alpn', 'http/1.1', '--times', str(times), *options],
                    ['facts', 'lines=\r\n\r\n:' + os.path.join(harness.scratch(), 'request'), 'send=' + answer, 'shutdown', 'end'])
    return ours, body


def curl(program, port, version, *options, urls=1):
    into = [part for i in range(urls) for part in ('-o', os.path.join(harness.scratch(), 'page%d' % i), 'https://%s:%d/%d' % (tls.TARGET, port, i))]
    return harness.call([program, '-sS', '--max-time', '20', '--noproxy', '*', '--resolve', '%s:%d:127.0.0.1' % (tls.TARGET, port), '--cacert',
                         pki('root.pem'), '--tlsv' + version, '--tls-max', version, '--ciphers', 'ALL:@SECLEVEL=0', *options, *into])


def with_curl(program):
    for version, number in VERSIONS.items():
        for kind in ('server-rsa', 'server-p256') + (('server-ed25519',) if version > '1.1' else ()):
            name = 'curl, TLS %s, %s: ' % (version, kind)
            ours, body = server(version, kind, '--ask', times=2)
            result = curl(program, ours.port, version, '--cert', pki('client.chain.pem'), '--key', pki('client.key'), urls=2)
            ours.finish()
            equal(result.status, 0, name + 'two pages')
            for i in range(2):
                equal(tls.read(os.path.join(harness.scratch(), 'page%d' % i)) == body, True, name + '%d bytes' % len(body))
            equal([ours.fact('version', i) for i in range(2)], [number] * 2, name + 'version')
            equal([ours.fact('alpn', i) for i in range(2)], ['http/1.1'] * 2, name + 'application protocol')
            equal([(ours.fact('certificate', i), ours.fact('mutual', i)) for i in range(2)], [('Alice', '1')] * 2, name + 'whose')
            equal([ours.fact('resumed', i) for i in range(2)], ['0', '1'], name + 'the second resumes')
    for version in ('1.2', '1.3'):
        ours, body = server(version, 'server-p256', '--ask')
        equal(curl(program, ours.port, version).status, 0, 'curl, TLS %s: without a certificate of its own' % version)
        equal(ours.finish().fact('certificate'), '!SEC_E_NO_CREDENTIALS', 'and the server has to look')
        for wrong, status in (('expired', 'SEC_E_CERT_EXPIRED'), ('unknown', 'SEC_E_UNTRUSTED_ROOT'), ('wrongusage', 'SEC_E_CERT_UNKNOWN')):
            ours, _ = server(version, wrong)
            equal(curl(program, ours.port, version).status, 60, 'curl, TLS %s: a certificate that is %s' % (version, wrong))
            found = ours.finish()
            # Under TLS 1.3 the server is done by then, and hears of it with the first record.
            said = [found.fact('handshake'), *found.connection().get('done', [])]
            check(status in said, 'and its alert is %s' % status, str(said))
        ours, _ = server(version, 'wrongname')
        equal(curl(program, ours.port, version).status, 60, 'curl, TLS %s: another name' % version)
        ours.finish()
        ours, _ = server('1.2' if version == '1.3' else '1.3', 'server-p256')
        equal(curl(program, ours.port, version).status, 35, 'curl, TLS %s: no version in common' % version)
        equal(ours.finish().fact('handshake'), 'SEC_E_UNSUPPORTED_FUNCTION', 'and the server says why')


def with_chromium(program, openssl):
    for version in ('1.2', '1.3'):
        for kind in ('server-rsa', 'server-p256'):
            name = 'Chromium, TLS %s, %s: ' % (version, kind)
            key = subprocess.run([openssl, 'pkey', '-in', pki(kind + '.key'), '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
            page = harness.write('page.http', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<p id=x>let in</p>')
            ours = tls.Ours(PEER, None, ['--versions', version, '--certificate', pki(kind + '.chain.pem'), '--key', pki(kind + '.key'), '--alpn',
                                         'http/1.1', '--times', '40'],
                            ['facts', 'lines=\r\n\r\n:' + os.path.join(harness.scratch(), 'request'), 'send=' + page, 'shutdown', 'end'])
            home = os.path.join(harness.scratch(), 'browser-%s-%s' % (version, kind))
            shown = harness.call([program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                                  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
                                  '--disable-dev-shm-usage', '--no-proxy-server', '--user-data-dir=' + home,
                                  '--ignore-certificate-errors-spki-list=' + base64.b64encode(hashlib.sha256(key).digest()).decode(),
                                  '--dump-dom', 'https://127.0.0.1:%d/' % ours.port], env=dict(os.environ, HOME=home), limit=90)
            matches('let in', shown.out, name + 'the page')
            good = [i for i in range(40) if ours.fact('handshake', i) == 'SEC_E_OK']
            check(good != [] and all(ours.fact('version', i) == VERSIONS[version] for i in good), name + 'version', ours.output()[-2000:])
            equal({ours.fact('alpn', i) for i in good}, {'http/1.1'}, name + 'application protocol')
            ours.stop()


def main():
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    with_curl(harness.need_program('curl', 'curl'))
    program = harness.shutil.which('chromium')
    if program is None:
        harness.skip('Chromium', 'chromium is not installed (package chromium)')
        return
    with_chromium(program, os.environ.get('OPENSSL') or harness.need_program('openssl', 'openssl'))


harness.run(main)
