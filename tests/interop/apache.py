#!/usr/bin/env python3
"""apache.py SSPI: `sspi get` signs in by NTLM and Negotiate at Apache with mod_auth_gssapi and gss-ntlmssp."""
import json
import os
import sys

import harness
from harness import check, equal, matches

MODULES = '/usr/lib/apache2/modules'

CONFIGURATION = '''
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
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
'''


def account():
    """Apache does not serve as root: the account to be instead."""
    return 'www-data' if os.geteuid() == 0 else None


def start(program, root):
    users = os.path.join(root, 'users')
    env = {name: value for name, value in os.environ.items() if not name.startswith(('NTLM_', 'GSS', 'LD_'))}
    env.update({'NTLM_USER_FILE': users, 'NETBIOS_COMPUTER_NAME': 'SERVER', 'NETBIOS_DOMAIN_NAME': 'DOMAIN',
                'LC_ALL': 'C.UTF-8', 'KRB5_CONFIG': '/dev/null'})

    def at(port):
        harness.write('apache/httpd.conf', CONFIGURATION.format(root=root, port=port, modules=MODULES), 0o644)
        return harness.Process([program, '-X', '-f', os.path.join(root, 'httpd.conf')], env=env, cwd='/', user=account())
    return harness.with_port(at)


def page_directory():
    """Files that the server's account can read, under a name that nobody can guess."""
    os.chmod(harness.scratch(), 0o711)
    harness.write('apache/www/who.shtml', 'user=<!--#echo var="REMOTE_USER" --> type=<!--#echo var="AUTH_TYPE" -->\n', 0o644)
    harness.write('apache/www/large.shtml', b'x' * 300000, 0o644)
    harness.write('apache/users', 'DOMAIN:User:Password\nDOMAIN:Other:pässwörd€\n', 0o600)
    root = os.path.join(harness.scratch(), 'apache')
    os.chmod(root, 0o711)
    if os.geteuid() == 0:
        for folder, folders, files in os.walk(root):
            for name in ['.'] + folders + files:
                harness.shutil.chown(os.path.join(folder, name), account())
    return root


def main():
    apache = harness.need_program('apache2', 'apache2')
    harness.need_file(MODULES + '/mod_auth_gssapi.so', 'libapache2-mod-auth-gssapi')
    harness.need_file('/etc/gss/mech.d/mech.ntlmssp.conf', 'gss-ntlmssp')
    root = page_directory()
    server, port = start(apache, root)
    url = 'http://127.0.0.1:%d/' % port

    def log():
        with open(os.path.join(root, 'error.log'), encoding='utf-8', errors='replace') as file:
            return server.output() + file.read()[-3000:]

    def get(user, password, *more, package='NTLM'):
        env = harness.environment([], SSPI_PASSWORD=password)
        return harness.call([sys.argv[1], 'get', '--package', package, '--user', user] + list(more), env=env)

    result = get('DOMAIN\\User', 'Password', url + 'who.shtml')
    if not check(result.status == 0, 'the right password is let in', lambda: '%s\n%s' % (result, log())):
        return
    matches(r'user=\S*User', result.out, 'the page knows who')
    result = get('DOMAIN\\User', 'Password', '--json', url + 'who.shtml')
    facts = json.loads(result.out)
    equal((facts['http_status'], facts['signed_in']), (200, True), 'the facts say so')
    result = get('DOMAIN\\User', 'Password', url + 'large.shtml')
    equal(len(result.out), 300000, 'a large page arrives whole')
    result = get('DOMAIN\\Other', 'pässwörd€', url + 'who.shtml')
    check(result.status == 0, 'a password beyond ASCII', lambda: '%s\n%s' % (result, log()))
    result = get('DOMAIN\\User', 'password', url + 'who.shtml')
    equal(result.status, 3, 'a wrong password is refused')
    check('user=' not in result.out, 'and sees nothing', str(result))
    equal(get('DOMAIN\\Nobody', 'Password', url + 'who.shtml').status, 3, 'an unknown user is refused')
    equal(get('DOMAIN\\User', 'Password', url + 'none.html').status, 6, 'an absent page is another error')
    equal(get('DOMAIN\\User', 'Password', url + 'who.shtml').status, 0, 'and the right password still works')

    result = get('DOMAIN\\User', 'Password', url + 'who.shtml', package='Negotiate')
    check(result.status == 0, 'Negotiate: the right password is let in', lambda: '%s\n%s' % (result, log()))
    matches(r'user=\S*User', result.out, 'Negotiate: the page knows who')
    facts = json.loads(get('DOMAIN\\User', 'Password', '--json', url + 'who.shtml', package='Negotiate').out)
    equal((facts['http_status'], facts['signed_in']), (200, True), 'Negotiate: the facts say so')
    result = get('DOMAIN\\User', 'password', url + 'who.shtml', package='Negotiate')
    equal((result.status, 'user=' in result.out), (3, False), 'Negotiate: a wrong password is refused')


harness.run(main)
