#!/usr/bin/env python3
"""apache.py SSPI PKI: `sspi get` signs in at Apache with mod_auth_gssapi and gss-ntlmssp, as a server, as a proxy, and as one that
makes tunnels for https."""
import json
import os
import sys

import harness
import relay
import tls_server
from harness import check, equal, matches

PKI = sys.argv[2]
MODULES = '/usr/lib/apache2/modules'

CONFIGURATION = '''
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{proxy}
PidFile {root}/httpd.pid
ErrorLog {root}/error.log
LogLevel warn auth_gssapi:info
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule include_module {modules}/mod_include.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_connect_module {modules}/mod_proxy_connect.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule auth_gssapi_module {modules}/mod_auth_gssapi.so
DocumentRoot {root}/www
TypesConfig /dev/null
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
KeepAliveTimeout 30
<Directory {root}/www>
    Options +Includes
    AuthType GSSAPI
    AuthName "test"
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    GssapiBasicAuth Off
    Require valid-user
</Directory>
<Directory {root}/www/open>
    AuthType None
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:{proxy}>
    ProxyRequests On
    AllowCONNECT 1-65535
    ProxyVia On
    <Proxy "*">
        AuthType GSSAPI
        AuthName "proxy"
        GssapiAllowedMech ntlmssp
        GssapiConnectionBound On
        GssapiBasicAuth Off
        Require valid-user
    </Proxy>
</VirtualHost>
'''


def account():
    """Apache does not serve as root: the account to be instead."""
    return 'www-data' if os.geteuid() == 0 else None


def start(program, root):
    """(process, port of the server, port of the proxy)"""
    proxy = harness.free_port()
    users = os.path.join(root, 'users')
    env = {name: value for name, value in os.environ.items() if not name.startswith(('NTLM_', 'GSS', 'LD_'))}
    env.update({'NTLM_USER_FILE': users, 'NETBIOS_COMPUTER_NAME': 'SERVER', 'NETBIOS_DOMAIN_NAME': 'DOMAIN',
                'LC_ALL': 'C.UTF-8', 'KRB5_CONFIG': '/dev/null'})

    def at(port):
        harness.write('apache/httpd.conf', CONFIGURATION.format(root=root, port=port, proxy=proxy, modules=MODULES), 0o644)
        return harness.Process([program, '-X', '-f', os.path.join(root, 'httpd.conf')], env=env, cwd='/', user=account())
    process, port = harness.with_port(at)
    process.wait_port(proxy)
    return process, port, proxy


def page_directory():
    """Files that the server's account can read, under a name that nobody can guess."""
    os.chmod(harness.scratch(), 0o711)
    harness.write('apache/www/who.shtml', 'user=<!--#echo var="REMOTE_USER" --> type=<!--#echo var="AUTH_TYPE" -->\n', 0o644)
    harness.write('apache/www/large.shtml', b'x' * 300000, 0o644)
    harness.write('apache/www/open/hello.html', 'hello\n', 0o644)
    harness.write('apache/users', 'DOMAIN:User:Password\nDOMAIN:Other:pässwörd€\n', 0o600)
    root = os.path.join(harness.scratch(), 'apache')
    os.chmod(root, 0o711)
    if os.geteuid() == 0:
        for folder, folders, files in os.walk(root):
            for name in ['.'] + folders + files:
                harness.shutil.chown(os.path.join(folder, name), account())
    return root


class Site:
    """Apache, and `sspi get` against it."""

    def __init__(self, program):
        self.root = page_directory()
        self.process, self.port, self.proxy = start(program, self.root)
        self.url = 'http://127.0.0.1:%d/' % self.port

    def log(self):
        with open(os.path.join(self.root, 'error.log'), encoding='utf-8', errors='replace') as file:
            return self.process.output() + file.read()[-3000:]

    @staticmethod
    def get(user, password, *more, package='NTLM'):
        env = harness.environment([], SSPI_PASSWORD=password)
        return harness.call([sys.argv[1], 'get', '--package', package, '--user', user] + list(more), env=env)


def ntlm(site):
    get, url = site.get, site.url
    result = get('DOMAIN\\User', 'Password', url + 'who.shtml')
    check(result.status == 0, 'the right password is let in', lambda: '%s\n%s' % (result, site.log()))
    matches(r'user=\S*User', result.out, 'the page knows who')
    result = get('DOMAIN\\User', 'Password', '--json', url + 'who.shtml')
    facts = json.loads(result.out)
    equal((facts['http_status'], facts['signed_in']), (200, True), 'the facts say so')
    result = get('DOMAIN\\User', 'Password', url + 'large.shtml')
    equal(len(result.out), 300000, 'a large page arrives whole')
    result = get('DOMAIN\\Other', 'pässwörd€', url + 'who.shtml')
    check(result.status == 0, 'a password beyond ASCII', lambda: '%s\n%s' % (result, site.log()))
    result = get('DOMAIN\\User', 'password', url + 'who.shtml')
    equal(result.status, 3, 'a wrong password is refused')
    check('user=' not in result.out, 'and sees nothing', str(result))
    equal(get('DOMAIN\\Nobody', 'Password', url + 'who.shtml').status, 3, 'an unknown user is refused')
    equal(get('DOMAIN\\User', 'Password', url + 'none.html').status, 6, 'an absent page is another error')
    equal(get('DOMAIN\\User', 'Password', url + 'who.shtml').status, 0, 'and the right password still works')


def negotiate(site):
    """The client has NTLM alone, and sends it as it is."""
    get, url = site.get, site.url
    result = get('DOMAIN\\User', 'Password', url + 'who.shtml', package='Negotiate')
    check(result.status == 0, 'Negotiate: the right password is let in', lambda: '%s\n%s' % (result, site.log()))
    matches(r'user=\S*User', result.out, 'Negotiate: the page knows who')
    facts = json.loads(get('DOMAIN\\User', 'Password', '--json', url + 'who.shtml', package='Negotiate').out)
    equal((facts['http_status'], facts['signed_in']), (200, True), 'Negotiate: the facts say so')
    result = get('DOMAIN\\User', 'password', url + 'who.shtml', package='Negotiate')
    equal((result.status, 'user=' in result.out), (3, False), 'Negotiate: a wrong password is refused')


def spnego(site, port, name, page, *arguments):
    """The same in SPNEGO, because the relay makes the server speak first; then with what an attacker on the way can do to the
    mechListMICs.  Whoever checks says no: MIT's SPNEGO in the server, ours in the client."""

    def through(password='Password', **changes):
        between = relay.Relay(port, **{'to_client': relay.hint_first(), **changes})
        more = [argument.format(relay=between.url) for argument in arguments]
        result = site.get('DOMAIN\\User', password, '--verbose', *more, page.format(relay=between.url), package='Negotiate')
        between.close()
        return between, result

    between, result = through()
    check(result.status == 0 and result.out != '', name + ', SPNEGO: the right password is let in', lambda: '%s\n%s' % (result, site.log()))
    check(between.spnego(), name + ', SPNEGO: it is', str(between.tokens))
    equal([direction for direction, token in between.tokens if relay.mech_list_mic(token)], [relay.TO_SERVER, relay.TO_CLIENT],
          name + ', SPNEGO: both sides sign the list of mechanisms')
    equal(between.connections, 1, name + ', SPNEGO: on one connection')
    result = through('password')[1]
    equal((result.status, result.out), (3, ''), name + ', SPNEGO: a wrong password is refused')
    for byte, what in MIC_PARTS:
        between, result = through(to_server=relay.flip_mic(byte))
        equal((result.status, result.out, between.altered), (3, '', 2),
              '%s: it refuses a client whose mechListMIC has another %s' % (name, what))
        between, result = through(to_client=relay.hint_first(relay.flip_mic(byte)))
        equal((result.status, result.out, between.altered), (1, '', 2), '%s: we refuse its mechListMIC with another %s' % (name, what))
        matches(r'SEC_E_MESSAGE_ALTERED', result.err, '%s: and say why (%s)' % (name, what))
    between, result = through(to_client=relay.hint_first(relay.strip_mic))
    equal((result.status, result.out, between.altered), (1, '', 2), name + ': we refuse a last token without mechListMIC')
    between, result = through(to_client=relay.hint_first(relay.drop_mic_token))
    equal((result.status, result.out, between.altered), (1, '', 2), name + ': we refuse an answer without the last token')
    matches(r'no last token', result.err, name + ': and say so')


def proxies(site):
    proxy = 'http://127.0.0.1:%d' % site.proxy
    page = site.url + 'open/hello.html'
    for package in 'NTLM', 'Negotiate':
        result = site.get('DOMAIN\\User', 'Password', '--proxy', proxy, page, package=package)
        equal((result.status, result.out), (0, 'hello\n'), 'through a proxy that asks for ' + package)
        result = site.get('DOMAIN\\User', 'password', '--proxy', proxy, page, package=package)
        equal((result.status, result.out), (3, ''), 'a wrong password for the proxy, %s' % package)
        matches('refused by the proxy', result.err, 'and it is the proxy that refused')
    result = site.get('DOMAIN\\User', 'Password', '--proxy', proxy, site.url + 'open/none.html', package='Negotiate')
    equal(result.status, 6, 'an absent page behind the proxy')
    spnego(site, site.proxy, 'the proxy', page, '--proxy', '{relay}')


def tunnels(site):
    """CONNECT (RFC 9110 9.3.6): the proxy asks, the server behind it has a certificate."""
    if not PKI:
        harness.skip('tunnels', 'the openssl command is not installed (package openssl)')
        return
    proxy = 'http://127.0.0.1:%d' % site.proxy

    def page(connection, seen):
        seen['request'] = tls_server.until(connection, b'\r\n\r\n')
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough')

    with tls_server.Server(tls_server.context(PKI, 'local'), page) as server:
        url = 'https://127.0.0.1:%d/page' % server.port
        for package in 'NTLM', 'Negotiate':
            result = site.get('DOMAIN\\User', 'Password', '--proxy', proxy, '--roots', PKI + '/root.pem', url, package=package)
            check((result.status, result.out) == (0, 'through'), 'a tunnel, %s' % package, lambda: '%s\n%s' % (result, site.log()))
            check(b'Authorization' not in server.seen[-1]['request'], 'the server behind it sees nothing of that', str(server.seen[-1]))
            before = len(server.seen)
            result = site.get('DOMAIN\\User', 'password', '--proxy', proxy, '--roots', PKI + '/root.pem', url, package=package)
            equal((result.status, result.out, len(server.seen)), (3, '', before), 'a wrong password, %s: no tunnel' % package)
            matches('refused by the proxy', result.err, 'and it is the proxy that refused')
        result = site.get('DOMAIN\\User', 'Password', '--proxy', proxy, url)
        equal((result.status, result.out), (8, ''), 'a certificate that nobody knows, behind a tunnel')


# Of a signature (MS-NLMP 2.2.2.9.1): a byte of each part.
MIC_PARTS = ((0, 'version'), (4, 'checksum'), (12, 'sequence number'))


def main():
    apache = harness.need_program('apache2', 'apache2')
    harness.need_file(MODULES + '/mod_auth_gssapi.so', 'libapache2-mod-auth-gssapi')
    harness.need_file('/etc/gss/mech.d/mech.ntlmssp.conf', 'gss-ntlmssp')
    site = Site(apache)
    ntlm(site)
    negotiate(site)
    spnego(site, site.port, 'Apache', '{relay}who.shtml')
    proxies(site)
    tunnels(site)
    check(site.process.running(), 'Apache lived through it', site.log())


harness.run(main)
