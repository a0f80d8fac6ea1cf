"""Dovecot's IMAP server, with a configuration, mailboxes and passwords of the test's own.

    lacking = dovecot_site.missing()            # or None
    site = dovecot_site.Site({'alice': 'alice secret'}, 'digest-md5 gssapi', keytab, realm.path('krb5.conf'))
    ... an IMAP client at 127.0.0.1, site.port, for dovecot_site.HOST ...
    site.signed_in('alice', 'GSSAPI')           # waits for the line of its log
"""
import grp
import os
import pwd
import shutil

import harness

MECHANISMS = '/usr/lib/dovecot/modules/auth/libmech_gssapi.so'
HOST = 'www.example.com'  # as the certificates of pki.py have it
CONFIGURATION = '''
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = 127.0.0.1
import_environment = KRB5_CONFIG KRB5RCACHEDIR
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
{tls}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_krb5_keytab = {root}/keytab
auth_gssapi_hostname = {host}
auth_username_format = %Ln
auth_username_chars =
auth_verbose = yes
auth_failure_delay = 0
passdb {{
    driver = passwd-file
    args = {root}/users
}}
userdb {{
    driver = static
    args = uid={mail} home={root}/mail/%n
}}
mail_location = maildir:~/Maildir
namespace inbox {{
    inbox = yes
    separator = /
}}
service imap-login {{
    chroot =
    inet_listener imap {{
        port = {port}
    }}
    inet_listener imaps {{
        port = 0
    }}
}}
service anvil {{
    chroot =
    unix_listener anvil-auth-penalty {{ # the wait that grows with every failure
        mode = 0
    }}
}}
{more}
'''


def missing():
    """What is not installed, or None."""
    if shutil.which('dovecot', path=os.environ.get('PATH', '') + ':/usr/sbin') is None or not os.path.exists('/usr/lib/dovecot/imap'):
        return "dovecot's IMAP server is not installed (package dovecot-imapd)"
    if not os.path.exists(MECHANISMS):
        return "dovecot's GSSAPI is not installed (package dovecot-gssapi)"
    return None


class Site:
    """A server whose accounts have as many messages as they have letters."""
    count = 0

    def __init__(self, accounts, mechanisms, keytab=None, configuration=None, tls=None, more=''):
        """accounts: {name: password}.  keytab and configuration (of libkrb5) are copied.  tls: the path of a certificate chain and
        its key without their ends."""
        Site.count += 1
        self.name = 'dovecot-%d' % Site.count
        self.root = os.path.join(harness.scratch(), self.name)
        harness.write(self.name + '/users', ''.join('%s:{PLAIN}%s\n' % account for account in accounts.items()))
        for folder in 'run', 'state':
            os.makedirs(os.path.join(self.root, folder), 0o755)
        for account in accounts:
            for number in range(len(account)):
                harness.write('%s/mail/%s/Maildir/new/%d.test' % (self.name, account, number), 'Subject: test\n\ntest\n')
        for name, source in ('keytab', keytab), ('krb5.conf', configuration):
            if source:
                shutil.copy(source, os.path.join(self.root, name))
        self._give_away()
        self.names = self._users()
        if tls:
            self.names['tls'] = 'ssl = yes\nssl_cert = <%s.chain.pem\nssl_key = <%s.key' % (tls, tls)
        else:
            self.names['tls'] = 'ssl = no'
        self.names.update(host=HOST, root=self.root, mechanisms=mechanisms, more=more)
        env = {name: value for name, value in os.environ.items() if not name.startswith(('LD_', 'ASAN_', 'LSAN_', 'KRB5'))}
        env.update({'LC_ALL': 'C.UTF-8', 'KRB5RCACHEDIR': os.path.join(self.root, 'state'),
                    'KRB5_CONFIG': os.path.join(self.root, 'krb5.conf') if configuration else '/dev/null'})
        program = harness.need_program('dovecot', 'dovecot-imapd')

        def at(port):
            path = harness.write(self.name + '/dovecot.conf', CONFIGURATION.format(port=port, **self.names), 0o644)
            return harness.Process([program, '-F', '-c', path], env=env, cwd='/')
        self.process, self.port = harness.with_port(at)

    @staticmethod
    def _users():
        """As root Dovecot becomes its package's accounts, and must; otherwise everything is this user's."""
        if os.geteuid() == 0:
            return {'internal': 'dovecot', 'group': 'dovecot', 'login': 'dovenull', 'mail': 'dovecot gid=dovecot'}
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        return {'internal': user, 'group': group, 'login': user, 'mail': '%s gid=%s' % (user, group)}

    def _give_away(self):
        os.chmod(harness.scratch(), 0o711)
        if os.geteuid() != 0:
            return
        for folder, folders, files in os.walk(self.root):
            for file in ['.'] + folders + files:
                shutil.chown(os.path.join(folder, file), 'dovecot', 'dovecot')

    def log(self):
        try:
            with open(os.path.join(self.root, 'log'), encoding='utf-8', errors='replace') as file:
                return file.read() + self.process.output()
        except OSError:
            return self.process.output()

    def signed_in(self, user, mechanism):
        """Whether Dovecot says so, which may take it a moment."""
        line = 'Login: user=<%s>, method=%s,' % (user, mechanism)
        try:
            return harness.until(lambda: line in self.log(), 'dovecot tells of a sign-in')
        except TimeoutError:
            return False
