#!/usr/bin/env python3
"""digest_proxy.py SSPI: Digest at proxies (407): `sspi get` through Squid, and curl through `sspi serve --proxy`."""
import hashlib
import http.server
import os
import shutil
import sys
import threading

import harness
from harness import check, equal

REALM = 'test proxy'
USERS = [('User', 'Password'), ('Zoé', 'pässwörd')]
HELPER = '/usr/lib/squid/digest_file_auth'

SQUID = '''
http_port 127.0.0.1:{port}
pid_filename {root}/squid.pid
cache_log {root}/cache.log
access_log none
cache_store_log none
coredump_dir {root}
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.test
auth_param digest program {helper} -c {root}/users
auth_param digest children 1 startup=1
auth_param digest realm {realm}
auth_param digest nonce_max_count {uses}
acl signed_in proxy_auth REQUIRED
http_access allow signed_in
http_access deny all
'''


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        text = ('proxy headers' if self.headers.get('Proxy-Authorization') else 'hello').encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def squid(uses):
    program = harness.need_program('squid', 'squid')
    harness.need_file(HELPER, 'squid')
    account = 'proxy' if os.geteuid() == 0 else None
    os.chmod(harness.scratch(), 0o711)
    root = os.path.join(harness.scratch(), 'squid')
    harness.write('squid/users', ''.join('%s:%s:%s\n' % (user, REALM, hashlib.md5(('%s:%s:%s' % (user, REALM, password)).encode()).hexdigest())
                                         for user, password in USERS), 0o644)

    def at(port):
        configuration = harness.write('squid/squid.conf', SQUID.format(port=port, root=root, helper=HELPER, realm=REALM, uses=uses), 0o644)
        os.chmod(root, 0o755)
        if account is not None:
            shutil.chown(root, account)
        return harness.Process([program, '-N', '-f', configuration], cwd='/', user=account)
    return harness.with_port(at)


def get(proxy, url, user, password):
    return harness.call([sys.argv[1], 'get', '-v', '--package', 'Digest', '--user', user, '--proxy', proxy, url],
                        env=harness.environment(SSPI_PASSWORD=password))


def through_squid(url):
    for uses in 50, 1:  # with 1 every further response is to a stale nonce
        process, port = squid(uses)
        proxy = 'http://127.0.0.1:%d' % port
        # Squid names no charset: ASCII alone is sure to be understood
        for _ in range(3):
            result = get(proxy, url + 'a?b=c', *USERS[0])
            check((result.status, result.out) == (0, 'hello'), 'Squid lets us through', lambda: '%s\n%s' % (result, process.output()))
        result = get(proxy, url, 'User', 'password')
        check(result.status != 0 and 'hello' not in result.out, 'Squid stops us with a wrong password', lambda: str(result))
        process.stop()


def through_ours(url):
    curl = harness.need_program('curl', 'curl')
    for words in 'md5', 'sha-256', 'md5-sess', 'sha-256-sess', 'md5, sha-256':
        env = harness.environment()
        with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
            file.write('[digest]\nalgorithms = %s\n' % words)
        server = harness.Process([sys.argv[1], 'serve', '--proxy', '--listen', '127.0.0.1:0', '--packages', 'Digest', '--realm', REALM], env=env)
        proxy = server.wait_line(r'listening on (http://\S+?)/?\s').group(1)
        for user, password, wanted in [user + ('hello', ) for user in USERS] + [('User', 'password', None), ('Nobody', 'Password', None)]:
            result = harness.call([curl, '-sS', '--noproxy', '', '--proxy', proxy, '--proxy-digest', '--max-time', '20', '-K', '-', url, url],
                                  given='proxy-user = "%s:%s"\n' % (user, password))
            check(result.out == 'hellohello' if wanted else 'hello' not in result.out, 'curl through ours, %s, %s' % (words, user),
                  lambda: '%s\n%s' % (result, server.output()))
        result = get(proxy, url, *USERS[1])
        equal((result.status, result.out), (0, 'hello'), 'our own client, %s' % words)
        server.stop()


def main():
    pages = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    url = 'http://127.0.0.1:%d/' % pages.server_port
    for user, password in USERS:
        result = harness.call([sys.argv[1], 'user', 'add', user, '--realm', REALM], env=harness.environment(SSPI_PASSWORD=password))
        equal(result.status, 0, 'the account of %s' % user)
    for part, what in [(through_squid, 'Squid'), (through_ours, 'curl')]:
        try:
            part(url)
        except harness.SkipAll as why:
            harness.skip(what, str(why))
    pages.shutdown()


harness.run(main)
