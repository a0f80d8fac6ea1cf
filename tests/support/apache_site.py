"""Apache with mod_auth_gssapi, for Kerberos unless something else is said; with mod_ssl on request.

    apache_site.Site(keytab, krb5_conf)                                          # Kerberos
    apache_site.Site(scheme=NTLM, users='DOMAIN:anna:opensesame\\n')              # NTLM, by gss-ntlmssp
    apache_site.Site(scheme=DIGEST, users='anna:test:' + md5('anna:test:opensesame') + '\\n')      # mod_auth_digest
"""
import glob
import os
import shutil

import harness

MODULES = '/usr/lib/apache2/modules'
NAMES = ('mpm_event', 'authn_core', 'authz_core', 'authz_user', 'mime', 'filter', 'include')
CONFIGURATION = '''
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {root}/httpd.pid
ErrorLog {root}/error.log
LogLevel warn
{modules}
DocumentRoot {root}/www
TypesConfig /dev/null
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory {root}/www>
    Options +Includes
    AuthName "test"
    {scheme}
    Require valid-user
</Directory>
'''
# modules, and what stands in the configuration
KERBEROS = ('auth_gssapi', ), '''LogLevel auth_gssapi:info
    AuthType GSSAPI
    GssapiAllowedMech krb5
    GssapiCredStore keytab:{root}/keytab
    GssapiBasicAuth Off'''
NTLM = ('auth_gssapi', ), '''AuthType GSSAPI
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    GssapiBasicAuth Off'''
DIGEST = ('authn_file', 'auth_digest'), '''AuthType Digest
    AuthDigestProvider file
    AuthUserFile {root}/users'''


def missing():
    """What is not installed, or None."""
    if shutil.which('apache2', path=os.environ.get('PATH', '') + ':/usr/sbin') is None:
        return 'apache2 is not installed (package apache2)'
    if not os.path.exists(MODULES + '/mod_auth_gssapi.so'):
        return 'mod_auth_gssapi is not installed (package libapache2-mod-auth-gssapi)'
    return None


def missing_ntlm():
    if not glob.glob('/usr/lib/*/gssntlmssp/gssntlmssp.so'):
        return 'gss-ntlmssp is not installed (package gss-ntlmssp)'
    return missing()


class Site:
    """A server whose page who.shtml says who is there; it has copies of the keytab and of the configuration."""
    count = 0

    def __init__(self, keytab=None, configuration=None, tls=None, scheme=KERBEROS, users=None):
        """tls: the path of a chain and its key without their ends, for HTTPS."""
        Site.count += 1
        name = 'apache-krb-%d' % Site.count
        self.root = os.path.join(harness.scratch(), name)
        os.chmod(harness.scratch(), 0o711)
        harness.write(name + '/www/who.shtml', 'user=<!--#echo var="REMOTE_USER" -->\n', 0o644)
        os.makedirs(os.path.join(self.root, 'rcache'))
        for file, source in ('keytab', keytab), ('krb5.conf', configuration):
            if source:
                shutil.copy(source, os.path.join(self.root, file))
        if users:
            harness.write(name + '/users', users)
        for end in ('chain.pem', 'key') if tls else ():
            shutil.copy('%s.%s' % (tls, end), os.path.join(self.root, 'tls.' + end))
        account = 'www-data' if os.geteuid() == 0 else None
        if account:
            for folder, folders, files in os.walk(self.root):
                for file in ['.'] + folders + files:
                    shutil.chown(os.path.join(folder, file), account)
        env = {name: value for name, value in os.environ.items() if not name.startswith(('NTLM_', 'GSS', 'LD_', 'KRB5'))}
        env.update({'LC_ALL': 'C.UTF-8', 'KRB5_CONFIG': os.path.join(self.root, 'krb5.conf') if configuration else '/dev/null',
                    'NTLM_USER_FILE': os.path.join(self.root, 'users'), 'NETBIOS_COMPUTER_NAME': 'SERVER', 'NETBIOS_DOMAIN_NAME': 'DOMAIN',
                    'KRB5RCACHEDIR': os.path.join(self.root, 'rcache'), 'KRB5CCNAME': 'FILE:' + os.path.join(self.root, 'none')})
        program = harness.need_program('apache2', 'apache2')
        secure = ''
        if tls:
            secure = 'LoadModule ssl_module %s/mod_ssl.so\nSSLEngine on\nSSLCertificateFile %s/tls.chain.pem\nSSLCertificateKeyFile %s/tls.key\n' % (
                MODULES, self.root, self.root)
        modules = '\n'.join('LoadModule %s_module %s/mod_%s.so' % (module, MODULES, module) for module in NAMES + scheme[0])

        def at(port):
            path = harness.write(name + '/httpd.conf', CONFIGURATION.format(
                root=self.root, port=port, modules=modules + '\n' + secure, scheme=scheme[1].format(root=self.root)), 0o644)
            return harness.Process([program, '-X', '-f', path], env=env, cwd='/', user=account)
        self.process, self.port = harness.with_port(at)
        self.url = '%s://127.0.0.1:%d/' % ('https' if tls else 'http', self.port)

    def log(self):
        with open(os.path.join(self.root, 'error.log'), encoding='utf-8', errors='replace') as file:
            return self.process.output() + file.read()[-3000:]
