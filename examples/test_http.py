#!/usr/bin/env python3
"""test_http.py FOLDER SSPI : the example HTTP clients at `sspi serve`, and the one for Digest at lighttpd."""
import hashlib
import os
import shutil
import sys

import harness

FOLDER, SSPI = (os.path.abspath(path) for path in sys.argv[1:3])

LIGHTTPD = '''
server.document-root = "{root}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ( "mod_auth", "mod_authn_file" )
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{root}/users"
auth.require = ( "" => ( "method" => "digest", "realm" => "test", "require" => "valid-user" ) )
'''


def fetch(program, port, path, *more, user='anna', password='opensesame', domain='DOMAIN'):
    env = harness.environment(accounts=['DOMAIN:anna:opensesame'], SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_PASSWORD=password,
                              SSPI_EXAMPLE_DOMAIN=domain)
    return harness.call([os.path.join(FOLDER, 'example-' + program), '127.0.0.1', port, path, *more], env=env)


def negotiate():
    env = harness.environment(accounts=['DOMAIN:anna:opensesame'])
    server = harness.Process([SSPI, 'serve', '--listen', '127.0.0.1:0'], env=env)
    port = server.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/$')[1]
    for package in 'Negotiate', 'NTLM':
        result = fetch('http_client', port, '/json', package)
        harness.equal((result.status, result.out.split('\n')[0]), (0, '200'), package + ': let in')
        harness.matches(r'"user":\s*"DOMAIN\\\\anna"', result.out, package + ': by name')
        result = fetch('http_client', port, '/json', package, password='OpenSesame')
        harness.equal((result.status, result.out, result.err), (1, '', 'the server does not let this user in\n'),
                      package + ': not with a wrong password')
    server.stop()


def digest_folder():
    os.chmod(harness.scratch(), 0o711)
    root = os.path.join(harness.scratch(), 'peer')
    harness.write('peer/www/who.txt', 'you are in\n', 0o644)
    harness.write('peer/users', 'anna:test:%s\n' % hashlib.md5(b'anna:test:opensesame').hexdigest(), 0o644)
    return root


def digest():
    program = shutil.which('lighttpd', path=os.environ.get('PATH', '') + ':/usr/sbin')
    if program is None:
        harness.skip('HTTP Digest', 'lighttpd is not installed (package lighttpd)')
        return
    root = digest_folder()

    def at(port):
        path = harness.write('peer/lighttpd.conf', LIGHTTPD.format(root=root, port=port), 0o644)
        return harness.Process([program, '-D', '-f', path], env=harness.environment())
    server, port = harness.with_port(at)
    result = fetch('digest_client', str(port), '/who.txt', domain='')
    harness.equal((result.status, result.out), (0, '200\nyou are in\n200\nyou are in\n'), 'lighttpd lets the Digest client in, twice')
    result = fetch('digest_client', str(port), '/who.txt', domain='', password='OpenSesame')
    harness.equal((result.status, result.out, result.err), (1, '', 'the server answers 401\n'), 'not with a wrong password')
    server.stop()


def main():
    negotiate()
    digest()


harness.run(main)
