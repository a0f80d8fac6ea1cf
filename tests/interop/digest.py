#!/usr/bin/env python3
"""digest.py SSPI: HTTP Digest with curl and Chromium at `sspi serve`, and with `sspi get` at Apache's mod_auth_digest and at
lighttpd, whose algorithms differ."""
import hashlib
import http.client
import json
import os
import re
import shutil
import sys

import harness
from harness import check, equal, matches

REALM = 'test realm "quoted"'
NAMES = [('User', 'Password'), ('Zoé', 'pässwörd'), ('q"u\\o', 'a:b "c"')]
MODULES = '/usr/lib/apache2/modules'
HASHES = {'plain': 'md5', 'MD5': 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512_256'}  # lighttpd's files have hashed names too

APACHE = '''
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {root}/httpd.pid
ErrorLog {root}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_digest_module {modules}/mod_auth_digest.so
DocumentRoot {root}/www
<Directory {root}/www>
    AuthType Digest
    AuthName "test"
    AuthDigestProvider file
    AuthUserFile {root}/users-plain
    AuthDigestNonceLifetime {lifetime}
    Require valid-user
</Directory>
'''

LIGHTTPD = '''
server.document-root = "{root}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ( "mod_auth", "mod_authn_file" )
server.errorlog = "{root}/lighttpd.log"
index-file.names = ( "who.txt" )
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{root}/lighttpd-users"
auth.require = ( "" => ( "method" => "digest", "realm" => "test", "require" => "valid-user",
  "algorithm" => "{algorithm}"{more} ) )
'''


def tool(*arguments, password=None, more=None):
    env = harness.environment(**(more or {}))
    if password is not None:
        env['SSPI_PASSWORD'] = password
    return harness.call([sys.argv[1]] + list(arguments), env=env)


def serve(*more, policy=''):
    env = harness.environment()
    with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
        file.write(policy)
    server = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'Digest', '--realm', REALM]
                             + list(more), env=env)
    return server, server.wait_line(r'listening on (http://\S+)').group(1)


# ---------------------------------------------------------------- our server

def curl(program, url, user, password, *more):
    out = os.path.join(harness.scratch(), 'body')
    if os.path.exists(out):
        os.unlink(out)
    result = harness.call([program, '-sS', '-v', '--noproxy', '*', '--max-time', '20', '-o', out, '-w', '%{http_code}',
                           '--digest', '-K', '-', url] + list(more),
                          given='user = "%s"\n' % (user + ':' + password).replace('\\', '\\\\').replace('"', '\\"'))
    body = open(out, encoding='utf-8', errors='replace').read() if os.path.exists(out) else ''
    return result, body


def with_curl(program):
    for algorithms, expected in [('', 'SHA-256'), ('[digest]\nalgorithms = md5\n', 'MD5'), ('[digest]\nuserhash = yes\n', 'SHA-256'),
                                 ('[digest]\nalgorithms = md5\nuserhash = yes\n', 'MD5'),
                                 ('[digest]\nalgorithms = md5-sess\n', 'MD5-sess'),
                                 ('[digest]\nalgorithms = sha-256-sess\n', 'SHA-256-sess')]:
        server, url = serve(policy=algorithms)
        for user, password in NAMES:
            result, body = curl(program, url + 'json?a=b%20c', user, password)
            good = result.out.endswith('200') and json.loads(body)['user'].endswith('\\' + user)
            check(good, 'curl, %s, %s: let in' % (expected, user), lambda: '%s\n%s' % (result, server.output()))
            matches(r'> Authorization: Digest [^\r\n]*algorithm=%s[,\r\n]' % expected, result.err, '%s was used' % expected)
            equal('userhash=true' in re.search(r'> Authorization: [^\n]*', result.err).group(0), 'userhash' in algorithms, 'the name is hidden or not')
        result, body = curl(program, url, 'User', 'password')
        check(result.out.endswith('401') and 'You are' not in body, 'curl, %s: a wrong password stays outside' % expected)
        result, body = curl(program, url, 'Nobody', 'Password')
        check(result.out.endswith('401'), 'curl, %s: nobody stays outside' % expected)
        result, body = curl(program, url + 'json', 'User', 'Password', '--data', 'x=1')
        check(result.out.endswith('200'), 'curl, %s: POST' % expected, str(result))
        server.stop()


def answer_of(challenge, method='GET', uri='/', nc=1, password='Password', **changes):
    """A response made here, by nobody's code but Python's."""
    value = dict(re.findall(r'(\w+)="?((?:\\.|[^",\\])*)', challenge))
    realm = value['realm'].replace('\\"', '"')
    h = lambda text: hashlib.sha256(text.encode()).hexdigest()
    ha1, ha2 = h('User:%s:%s' % (realm, password)), h('%s:%s' % (method, uri))
    count = '%08x' % nc
    response = h(':'.join([ha1, value['nonce'], count, 'cn', 'auth', ha2]))
    fields = dict(username='"User"', realm='"%s"' % value['realm'], nonce='"%s"' % value['nonce'], uri='"%s"' % uri,
                  cnonce='"cn"', nc=count, qop='auth', response='"%s"' % response, algorithm='SHA-256',
                  opaque='"%s"' % value['opaque'])
    fields.update(changes)
    return 'Digest ' + ', '.join('%s=%s' % item for item in fields.items())


def ask(url, method='GET', uri='/', header=None):
    connection = http.client.HTTPConnection(url.split('/')[2], timeout=20)
    connection.request(method, uri, headers={'Authorization': header} if header else {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get_all('WWW-Authenticate') or [], answer.headers.get('Authentication-Info')


def hostile():
    server, url = serve()
    offers = ask(url)[1]
    equal([re.search(r'algorithm=([\w-]+)', offer).group(1) for offer in offers], ['SHA-256', 'MD5'],
          'SHA-256 is offered before MD5')
    good = answer_of(offers[0])
    status, _, info = ask(url, header=good)
    check(status == 200 and info and 'rspauth=' in info, 'a response of Python\'s own is let in', server.output())
    status, again, _ = ask(url, header=good)
    check(status == 401 and 'stale=true' in again[0], 'the same header again is a replay')
    equal(ask(url, header=answer_of(offers[0], nc=3))[0], 200, 'a later count')
    equal(ask(url, header=answer_of(offers[0], nc=2))[0], 200, 'one that was overtaken')
    equal(ask(url, header=answer_of(offers[0], nc=2))[0], 401, 'but not twice')
    for what, uri, method, header in [
            ('another URI', '/secret', 'GET', answer_of(offers[0], nc=4)),
            ('another method', '/', 'POST', answer_of(offers[0], nc=5)),
            ('another realm', '/', 'GET', answer_of(offers[0], nc=6, realm='"other"')),
            ('another count', '/', 'GET', answer_of(offers[0], nc=7, nc_='x').replace('nc=00000007', 'nc=00000008')),
            ('an invented nonce', '/', 'GET', answer_of(offers[0].replace('nonce="', 'nonce="00'), nc=9)),
            ('another user', '/', 'GET', answer_of(offers[0], nc=10, username='"alice"')),
            ('no response', '/', 'GET', 'Digest username="User"'),
            ('nothing', '/', 'GET', 'Digest'),
            ('noise', '/', 'GET', 'Digest ' + '",' * 3000),
            ('a long value', '/', 'GET', answer_of(offers[0], nc=11, cnonce='"%s"' % ('x' * 20000)))]:
        status = ask(url, method, uri, header)[0]
        check(status == 401, what + ': outside', 'HTTP %s' % status)
    equal(ask(url, header=answer_of(offers[0], nc=12))[0], 200, 'and the server goes on')
    server.stop()


def with_chromium():
    import chromium as browser
    program = harness.need_program('chromium', 'chromium')
    for policy, algorithm in [('', 'SHA-256'), ('[digest]\nalgorithms = md5\n', 'MD5')]:
        server, url = serve(policy=policy)
        result, _ = browser.browse(program, 'digest-' + algorithm, browser.address('User', 'Password', url),
                                   '--auth-schemes=digest')
        check('You are SERVER\\User' in result.out, 'Chromium is let in (%s)' % algorithm,
              lambda: '%s\n%s' % (str(result)[-3000:], server.output()))
        result, _ = browser.browse(program, 'wrong-' + algorithm, browser.address('User', 'password', url),
                                   '--auth-schemes=digest')
        check('You are' not in result.out, 'Chromium stays outside with a wrong password (%s)' % algorithm)
        server.stop()


# ---------------------------------------------------------------- our client

def account():
    return 'www-data' if os.geteuid() == 0 else None


def folder():
    os.chmod(harness.scratch(), 0o711)
    root = os.path.join(harness.scratch(), 'peer')
    harness.write('peer/www/who.txt', 'you are in\n', 0o644)
    for name, function in HASHES.items():
        lines = []
        for user, password in NAMES[:2]:
            hashed = [hashlib.new(function, text.encode()).hexdigest() for text in ('%s:test:%s' % (user, password), '%s:test' % user)]
            lines.append('%s:test:%s:%s\n' % (user, *hashed) if name != 'plain' else '%s:test:%s\n' % (user, hashed[0]))
        harness.write('peer/users-' + name, ''.join(lines), 0o644)
    if os.geteuid() == 0:
        for path, folders, files in os.walk(root):
            for name in ['.'] + folders + files:
                shutil.chown(os.path.join(path, name), account())
    os.chmod(root, 0o711)
    return root


def sign_in(name, url, log, users):
    for user, password in users:
        result = tool('get', '-v', '--package', 'Digest', '--user', user, url, password=password)
        check(result.status == 0 and result.out == 'you are in\n', '%s lets %s in' % (name, user),
              lambda: '%s\n%s' % (result, log()))
    result = tool('get', '--package', 'Digest', '--user', 'User', url, password='password')
    equal(result.status, 3, '%s keeps a wrong password out' % name)
    return result


def with_apache():
    program = harness.need_program('apache2', 'apache2')
    harness.need_file(MODULES + '/mod_auth_digest.so', 'apache2')
    root = folder()

    def at(port):
        harness.write('peer/httpd.conf', APACHE.format(root=root, port=port, modules=MODULES, lifetime=300), 0o644)
        return harness.Process([program, '-X', '-f', os.path.join(root, 'httpd.conf')], cwd='/', user=account())
    process, port = harness.with_port(at)
    # mod_auth_digest says no charset, so only ASCII is sure to be understood
    sign_in('Apache', 'http://127.0.0.1:%d/who.txt?a=b' % port, process.output, NAMES[:1])
    result = tool('get', '--json', '--package', 'Digest', '--user', 'User', 'http://127.0.0.1:%d/who.txt' % port, password='Password')
    check(json.loads(result.out)['signed_in'], 'Apache\'s Authentication-Info is right', str(result))
    process.stop()


def with_lighttpd():
    program = harness.need_program('lighttpd', 'lighttpd')
    root = folder()
    for algorithm, more in [(name, more) for name in HASHES if name != 'plain' for more in ('', ', "userhash" => "enable"')]:
        shutil.copyfile(os.path.join(root, 'users-' + algorithm), os.path.join(root, 'lighttpd-users'))

        def at(port):
            harness.write('peer/lighttpd.conf', LIGHTTPD.format(root=root, port=port, algorithm=algorithm, more=more), 0o644)
            return harness.Process([program, '-D', '-f', os.path.join(root, 'lighttpd.conf')], cwd='/', user=account())
        os.chmod(os.path.join(root, 'lighttpd-users'), 0o644)
        process, port = harness.with_port(at)
        sign_in('lighttpd (%s%s)' % (algorithm, more), 'http://127.0.0.1:%d/who.txt?q=1' % port, process.output, NAMES[:2])
        process.stop()


def main():
    for user, password in NAMES:
        if any(c in user for c in '\\"'):
            continue  # no account can be called so
        result = tool('user', 'add', user, '--realm', REALM, password=password)
        equal(result.status, 0, 'the account of %s' % user)
    NAMES.pop()
    tool('user', 'add', 'alice', '--realm', REALM, password='Password')
    with_curl(harness.need_program('curl', 'curl'))
    hostile()
    for part, what in [(with_apache, 'Apache'), (with_lighttpd, 'lighttpd'), (with_chromium, 'Chromium')]:
        try:
            part()
        except harness.SkipAll as why:
            harness.skip(what, str(why))
    server, url = serve()
    for user, password in NAMES:
        result = tool('get', '--package', 'Digest', '--user', user, url + 'json', password=password)
        check(result.status == 0 and json.loads(result.out)['user'].endswith('\\' + user), 'our own client, %s' % user,
              str(result))
    server.stop()


harness.run(main)
