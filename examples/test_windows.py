#!/usr/bin/env python3
"""test_windows.py FOLDER SOURCES : the example programs, built from the same source for Windows by mingw-w64 and run by Wine, print
what ours print; and Wine's own NTLM and Schannel talk with this library's."""
import concurrent.futures
import os
import subprocess
import sys

import harness
import kerberos_peers
import postgres_site
import realm as realms

FOLDER, SOURCES = (os.path.abspath(path) for path in sys.argv[1:3])
WINE = '/usr/lib/wine/'
PROGRAMS = {
    'hello': [], 'message': [], 'facts': [], 'client': ['exchange.c'], 'server': ['exchange.c'],
    'http_client': ['http.c', 'exchange.c'], 'digest_client': ['http.c', 'exchange.c'],
    'postgres_client': ['postgres.c', 'tls.c', 'exchange.c'],
    'tls_client': ['tls.c', 'exchange.c'], 'tls_server': ['tls.c', 'exchange.c'],
    'imap_client': ['sasl.c', 'tls.c', 'exchange.c'],
}


def built(compiler):
    """The folder with the programs for Windows: each source once, then the programs."""
    folder = os.path.join(harness.scratch(), 'windows')
    os.makedirs(folder)

    def compile_one(name):
        return harness.call([compiler, '-std=gnu11', '-Wall', '-Werror', '-D_WIN32_WINNT=0x0601', '-DWIN32_LEAN_AND_MEAN', '-c',
                             os.path.join(SOURCES, name), '-o', os.path.join(folder, name + '.o')], limit=120)
    sources = sorted({name + '.c' for name in PROGRAMS} | {source for more in PROGRAMS.values() for source in more})
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, result in zip(sources, pool.map(compile_one, sources)):
            harness.check(result.status == 0, name + ' compiles for Windows', str(result))
    for name, more in PROGRAMS.items():
        objects = [os.path.join(folder, source + '.o') for source in [name + '.c'] + more]
        result = harness.call([compiler, '-o', os.path.join(folder, name + '.exe'), *objects, '-lsecur32', '-lcrypt32', '-lws2_32',
                               '-ladvapi32'], limit=120)
        harness.check(result.status == 0, name + '.exe', str(result))
    return folder


class Windows:
    """A Wine of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        self.prefix = os.path.join(harness.scratch(), 'wine')
        self.env = harness.environment(accounts=['DOMAIN:anna:opensesame'], WINEPREFIX=self.prefix, WINEDEBUG='-all',
                                       WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=', SSPI_EXAMPLE_USER='anna',
                                       SSPI_EXAMPLE_DOMAIN='DOMAIN', SSPI_EXAMPLE_PASSWORD='opensesame')
        # To files: what Wine starts in the background keeps them open.
        with open(os.path.join(harness.scratch(), 'wine.log'), 'wb') as log:
            subprocess.run([WINE + 'wine64', 'wineboot', '--init'], env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                           stderr=log, timeout=120, start_new_session=True, check=False)

    def call(self, name, *arguments):
        result = harness.call([WINE + 'wine64', os.path.join(self.folder, name + '.exe'), *arguments], env=self.env, limit=60)
        result.out = result.out.replace('\r\n', '\n')
        return result

    def stop(self):
        harness.call([WINE + 'wineserver64', '-k'], env=self.env)


def ours(name, *arguments, env):
    return harness.call([os.path.join(FOLDER, 'example-' + name), *arguments], env=env)


def facts(windows):
    there = windows.call('facts')
    here = ours('facts', env=windows.env)
    harness.check(there.status == 0 and there.out.count('\n') > 40, 'the facts of Windows', str(there))
    for line in there.out.split('\n'):
        if line not in here.out.split('\n'):
            harness.note('Windows: ' + line)
    harness.check(here.out == there.out, 'are those of this library', here.out)


def ntlm(windows):
    if not os.path.exists('/usr/bin/ntlm_auth'):
        harness.skip("Wine's NTLM", 'ntlm_auth is not installed (package winbind)')
        return
    server = harness.Process([os.path.join(FOLDER, 'example-server'), 'NTLM', '0', '3'], env=windows.env)
    port = server.wait_line(r'port (\d+)$')[1]
    there = windows.call('client', '127.0.0.1', port, 'NTLM')
    here = ours('client', '127.0.0.1', port, 'NTLM', env=windows.env)
    harness.equal((there.status, there.out), (0, 'Hello DOMAIN\\anna, only you can read this.\n'),
                  "Wine's NTLM signs on to our server and opens its sealed message")
    harness.equal(here.out, there.out, 'our client prints the same')
    windows.env['SSPI_EXAMPLE_PASSWORD'] = 'OpenSesame'
    there = windows.call('client', '127.0.0.1', port, 'NTLM')
    windows.env['SSPI_EXAMPLE_PASSWORD'] = 'opensesame'
    harness.equal((there.status, there.out), (1, ''), 'not with a wrong password')
    harness.equal(server.wait_exit(), 0, 'the server ends well')
    harness.equal(server.output().count('DOMAIN\\anna is here\nit says: Thank you.\n'), 2, 'it opened both sealed answers')


def tls(windows):
    pki = os.environ.get('SSPI_TEST_PKI')
    if not pki:
        harness.skip("Wine's Schannel", 'openssl is not installed: no certificates')
        return
    server = harness.Process([os.path.join(FOLDER, 'example-tls_server'), os.path.join(pki, 'server-rsa.pfx'), 'Password', '0', '2'],
                             env=windows.env)
    port = server.wait_line(r'port (\d+)$')[1]
    there = windows.call('tls_client', '127.0.0.1', port, 'Z:' + os.path.join(pki, 'root.pem'), 'www.example.com')
    here = ours('tls_client', '127.0.0.1', port, os.path.join(pki, 'root.pem'), 'www.example.com', env=windows.env)
    harness.equal((there.status, there.out.split('\n')[0]), (0, 'TLS 1.2 with server-rsa'), "Wine's Schannel likes our server")
    harness.equal(here.out, there.out, 'and our client prints the same')
    harness.equal(server.wait_exit(), 0, 'the TLS server ends well')


def http(windows, sspi):
    if not os.path.exists('/usr/bin/ntlm_auth'):
        harness.skip("Wine's HTTP client", 'ntlm_auth is not installed (package winbind)')
        return
    server = harness.Process([sspi, 'serve', '--listen', '127.0.0.1:0'], env=windows.env)
    port = server.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/$')[1]
    there = windows.call('http_client', '127.0.0.1', port, '/json', 'NTLM')
    harness.matches(r'^200\n.*"user":\s*"DOMAIN\\\\anna"', there.out, "Wine's NTLM over HTTP is let in by `sspi serve`")
    server.stop()


def postgres(windows):
    """Wine's Kerberos, with MIT's library behind it, and ours at the same PostgreSQL server."""
    lacking = postgres_site.missing() or realms.missing() or (None if os.environ.get('SSPI_TEST_PKI') else 'openssl is not installed')
    if lacking:
        harness.skip("Wine's Kerberos", lacking)
        return
    realm = kerberos_peers.start_realm()
    site = postgres_site.start(realm, os.environ['SSPI_TEST_PKI'])
    windows.env = {**{name: value for name, value in windows.env.items() if not name.startswith('SSPI_EXAMPLE_')},
                   **kerberos_peers.environment(realm)}
    common = ['select session_user, gss_authenticated, principal, ssl, version from pg_stat_gssapi join pg_stat_ssl using (pid)'
              ' where pid = pg_backend_pid()', 'host=' + postgres_site.HOST, 'hostaddr=127.0.0.1', 'port=%d' % site.port, 'user=alice']
    head = 'session_user|gss_authenticated|principal|ssl|version\n'
    for name, options, status, wanted in (
            ('Kerberos', ['dbname=clear'], 0, 'signed in by Kerberos\n' + head + 'alice|t|alice@SSPI.TEST|f|\n'),
            ('Negotiate', ['dbname=clear', 'package=Negotiate'], 0, 'signed in by Kerberos\n' + head + 'alice|t|alice@SSPI.TEST|f|\n'),
            ('TLS', ['dbname=tls', 'sslmode=verify-full', 'sslrootcert=%sroot.pem'], 0,
             'TLS 1.2 with postgres\nsigned in by Kerberos\n' + head + 'alice|t|alice@SSPI.TEST|t|TLSv1.2\n'),
            ('another authority', ['dbname=tls', 'sslmode=verify-full', 'sslrootcert=%sstranger.pem'], 1,
             'TLS 1.2 with postgres\nits certificate is not accepted: 0x800B010A\n')):
        folder = site.certificate('')
        there = windows.call('postgres_client', *common, *(option.replace('%s', 'Z:' + folder) for option in options))
        here = ours('postgres_client', *common, *(option.replace('%s', folder) for option in options), env=windows.env)
        harness.equal((there.status, there.out), (status, wanted), "PostgreSQL and Wine's: " + name)
        harness.equal((here.status, here.out), (there.status, there.out), 'and our client prints the same: ' + name)


def main():
    compiler = harness.need_program('x86_64-w64-mingw32-gcc', 'gcc-mingw-w64-x86-64-win32')
    folder = built(compiler)
    harness.need_file(WINE + 'wine64', 'wine64')
    windows = Windows(folder)
    try:
        facts(windows)
        ntlm(windows)
        tls(windows)
        if len(sys.argv) > 3:
            http(windows, os.path.abspath(sys.argv[3]))
        postgres(windows)
    finally:
        windows.stop()


harness.run(main)
