#!/usr/bin/env python3
"""tls_nginx.py TLS_PEER PKI: this library's TLS before nginx, as a server and as the client that its proxy is."""
import http.client
import os
import re
import sys

import harness
import tls_programs as tls
from harness import equal

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'1.0': ('TLSv1', '0301'), '1.1': ('TLSv1.1', '0302'), '1.2': ('TLSv1.2', '0303'), '1.3': ('TLSv1.3', '0304')}

CONFIGURATION = '''
daemon off;
master_process off;
pid {root}/nginx.pid;
error_log stderr info;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {root}/t1;
    proxy_temp_path {root}/t2;
    fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4;
    scgi_temp_path {root}/t5;
    client_max_body_size 100m;
    ssl_ciphers ALL:@SECLEVEL=0;
    ssl_session_cache builtin;
    root {root}/www;
    {servers}
}}
'''

SERVER = '''
    server {{
        listen 127.0.0.1:{port} ssl {http2};
        ssl_certificate {pki}/{name}.chain.pem;
        ssl_certificate_key {pki}/{name}.key;
        ssl_protocols {protocols};
        {more}
        location = /facts {{
            return 200 "protocol=$ssl_protocol cipher=$ssl_cipher reused=$ssl_session_reused name=$ssl_server_name alpn=$ssl_alpn_protocol client=$ssl_client_s_dn verify=$ssl_client_verify\\n";
        }}
    }}
'''

PROXY = '''
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass https://127.0.0.1:{to};
            proxy_ssl_name www.example.com;
            proxy_ssl_server_name on;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 3;
            proxy_ssl_trusted_certificate {pki}/root.pem;
            proxy_ssl_certificate {pki}/client.chain.pem;
            proxy_ssl_certificate_key {pki}/client.key;
            proxy_ssl_protocols {protocols};
            proxy_ssl_ciphers ALL:@SECLEVEL=0;
            proxy_read_timeout 30s;
        }}
    }}
'''


def start(program, count, make):
    """nginx with what make(ports) says; ports are tried again when somebody takes one."""
    root = os.path.join(harness.scratch(), 'nginx')
    os.makedirs(os.path.join(root, 'www'), exist_ok=True)
    for attempt in range(5):
        ports = set()
        while len(ports) < count:
            ports.add(harness.free_port())
        ports = list(ports)
        text = CONFIGURATION.format(root=root, servers=make(ports))
        path = harness.write('nginx/nginx.conf', text)
        process = harness.Process([program, '-p', root, '-c', path])
        if process.wait_port(ports[0], must=attempt == 4):
            return process, ports
        process.stop()
    raise RuntimeError('no port')


def get(port, path, *options, times=1, actions=()):
    into = os.path.join(harness.scratch(), 'answer')
    return tls.Ours(PEER, port, ['--roots', os.path.join(PKI, 'root.pem'), '--target', tls.TARGET, '--times', str(times), *options],
                    ['facts', *actions, 'text=GET %s HTTP/1.0' % path, 'text=', 'lines=none:' + into]).finish(), into


def identity(name):
    return ['--certificate', os.path.join(PKI, name + '.chain.pem'), '--key', os.path.join(PKI, name + '.key')]


def facts(path):
    return dict(re.findall(r'(\w+)=(\S*)', tls.read(path).decode(errors='replace').rpartition('\r\n\r\n')[2]))


def as_client(program):
    wanted = [(version, kind) for version in VERSIONS for kind in ('server-rsa', 'server-p256', 'server-ed25519')
              if version > '1.1' or kind != 'server-ed25519']
    more = [('optional', 'ssl_verify_client optional; ssl_client_certificate %s/root.pem; ssl_verify_depth 3;' % PKI, 'server-p256'),
            ('stapled', 'ssl_stapling on; ssl_stapling_file %s/good.ocsp;' % PKI, 'server-p256'),
            ('revoked', 'ssl_stapling on; ssl_stapling_file %s/revoked.ocsp;' % PKI, 'revoked'),
            ('expired', '', 'expired'), ('unknown', '', 'unknown'), ('wrongname', '', 'wrongname')]

    def make(ports):
        servers = [SERVER.format(port=port, pki=PKI, name=kind, protocols=VERSIONS[version][0], more='', http2='')
                   for port, (version, kind) in zip(ports, wanted)]
        servers += [SERVER.format(port=port, pki=PKI, name=name, protocols='TLSv1.2 TLSv1.3', more=line, http2='http2')
                    for port, (_, line, name) in zip(ports[len(wanted):], more)]
        return '\n'.join(servers)
    process, ports = start(program, len(wanted) + len(more), make)
    _, large = tls.data(5000000, 6)
    harness.write('nginx/www/large', large)
    numbers = tls.OpenSSL().numbers
    for port, (version, kind) in zip(ports, wanted):
        name = 'client, TLS %s, %s' % (version, kind)
        ours, into = get(port, '/facts', '--versions', version, '--alpn', 'h2,http/1.1')
        theirs = facts(into)
        equal(ours.fact('handshake'), 'SEC_E_OK', name + ': handshake')
        equal((ours.fact('version'), theirs.get('protocol')), (VERSIONS[version][1], VERSIONS[version][0]), name + ': version')
        equal(ours.fact('suite-number'), numbers.get(theirs.get('cipher')), name + ': suite')
        equal((ours.fact('alpn'), theirs.get('alpn')), ('http/1.1', 'http/1.1'), name + ': application protocol')
        equal(theirs.get('name'), tls.TARGET, name + ': SNI')
        equal(ours.fact('done', which=2), 'SEC_I_CONTEXT_EXPIRED', name + ': closed by nginx')
        if kind == 'server-rsa':
            ours, into = get(port, '/large', '--versions', version)
            equal(tls.read(into).endswith(large), True, name + ': %d bytes' % len(large))
    at = dict(zip([row[0] for row in more], ports[len(wanted):]))
    for version in ('1.2', '1.3'):
        name = 'TLS %s: ' % version
        ours, into = get(at['optional'], '/facts', '--versions', version, *identity('client'))
        theirs = facts(into)
        equal((theirs.get('verify'), theirs.get('client')), ('SUCCESS', 'CN=Alice'), name + 'nginx knows the client')
        ours, into = get(at['optional'], '/facts', '--versions', version)
        equal((ours.fact('asked'), facts(into).get('verify')), ('1', 'NONE'), name + 'a client without certificate')
        ours, into = get(at['optional'], '/facts', '--versions', version, times=3)
        equal(([ours.fact('resumed', i) for i in range(3)], facts(into).get('reused')), (['0', '1', '1'], 'r'), name + 'resumption')
        for place, status in (('stapled', 'SEC_E_OK'), ('revoked', 'CRYPT_E_REVOKED')):
            get(at[place], '/facts', '--versions', version)  # nginx reads the file with the first connection's request
            ours, _ = get(at[place], '/facts', '--versions', version, '--revocation')
            equal(ours.fact('handshake'), status, name + '%s: %s' % (place, status))
        for place, status in (('expired', 'SEC_E_CERT_EXPIRED'), ('unknown', 'SEC_E_UNTRUSTED_ROOT'),
                              ('wrongname', 'SEC_E_WRONG_PRINCIPAL')):
            ours, _ = get(at[place], '/facts', '--versions', version)
            equal(ours.fact('handshake'), status, name + '%s: %s' % (place, status))
    ours, _ = get(at['optional'], '/facts', '--versions', '1.2', actions=['renegotiate'])
    equal(ours.fact('renegotiate'), 'SEC_I_NO_RENEGOTIATION', 'nginx does not renegotiate')
    process.stop()


def as_server(program):
    _, answer = tls.data(2000000, 7)
    _, body = tls.data(2000000, 8)
    to = harness.write('answer.http', b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' % len(answer) + answer)
    into = os.path.join(harness.scratch(), 'request')
    cases = [(version, kind) for version in VERSIONS for kind in ('server-rsa', 'server-p256', 'server-ed25519')
             if version > '1.1' or kind != 'server-ed25519']
    servers = []
    for version, kind in cases:
        servers.append(tls.Ours(PEER, None, ['--versions', version, *identity(kind), '--roots', os.path.join(PKI, 'root.pem'), '--ask',
                                             '--times', '2'], ['facts', 'lines=THE END:' + into, 'send=' + to, 'shutdown', 'end']))

    def make(ports):
        return '\n'.join(PROXY.format(port=port, to=ours.port, pki=PKI, protocols=VERSIONS[version][0])
                         for port, ours, (version, _) in zip(ports, servers, cases))
    process, ports = start(program, len(cases), make)
    for port, ours, (version, kind) in zip(ports, servers, cases):
        name = 'server, TLS %s, %s' % (version, kind)
        for turn in range(2):
            client = http.client.HTTPConnection('127.0.0.1', port, timeout=harness.LIMIT)
            client.request('POST', '/', body + b'THE END')
            response = client.getresponse()
            equal((response.status, response.read() == answer), (200, True), name + ': the answer, %d bytes' % len(answer))
            client.close()
            equal(tls.read(into).endswith(body + b'THE END'), True, name + ': the request, %d bytes' % len(body))
        ours.finish()
        equal([ours.fact('version', i) for i in range(2)], [VERSIONS[version][1]] * 2, name + ': version')
        equal([(ours.fact('certificate', i), ours.fact('mutual', i)) for i in range(2)], [('Alice', '1')] * 2, name + ': whose proxy')
        equal([ours.fact('resumed', i) for i in range(2)], ['0', '1'], name + ': the second resumes')
    process.stop()


def main():
    program = harness.need_program('nginx', 'nginx-light')
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    harness.note(harness.call([program, '-v']).err)
    for part in (as_client, as_server):
        if len(sys.argv) == 3 or part.__name__ in sys.argv[3:]:
            part(program)


harness.run(main)
