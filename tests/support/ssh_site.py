"""OpenSSH's server with a configuration of its own, that lets in by GSSAPI alone, and whom the realm says."""
import atexit
import os
import pwd
import re
import shutil

import harness

CONFIGURATION = '''
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
PidFile none
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication no
UsePAM no
PermitRootLogin yes
PrintLastLog no
PrintMotd no
GSSAPIAuthentication yes
GSSAPIStrictAcceptorCheck no
GSSAPICleanupCredentials yes
{keyex}
AuthenticationMethods gssapi-with-mic{method}
LogLevel DEBUG1
'''
KEYEX = '''GSSAPIKeyExchange yes
GSSAPIKexAlgorithms gss-group14-sha1-,gss-gex-sha1-'''
SEPARATION = '/run/sshd'


def locked(user):
    """Whether the account has no way in for sshd, which sees that as root alone."""
    try:
        with open('/etc/shadow', encoding='utf-8') as file:
            return any(line.startswith(user + ':!') for line in file)
    except OSError:
        return False


class Site:
    """.port; .user, the one account that anybody can sign in to; .host_key, its public key; .keyex: whether it knows gssapi-keyex."""

    def __init__(self, realm, keytab, allowed):
        """allowed: the principals that are let in."""
        self.program = harness.need_program('sshd', 'openssh-server')
        self.root = os.path.join(harness.scratch(), 'sshd')
        os.makedirs(os.path.join(self.root, 'k5login'))
        os.makedirs(os.path.join(self.root, 'rcache'))
        os.chmod(harness.scratch(), 0o711)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        if locked(self.user):
            raise harness.SkipAll('the account %s is locked, so that sshd lets nobody in' % self.user)
        if os.geteuid() == 0 and not os.path.exists(SEPARATION):  # what the system's start makes for it
            os.mkdir(SEPARATION, 0o755)
            atexit.register(shutil.rmtree, SEPARATION, ignore_errors=True)
        with open(realm.path('krb5.conf'), encoding='utf-8') as file:
            self.configuration = file.read().replace('[libdefaults]', '[libdefaults]\n    k5login_directory = %s/k5login' % self.root)
        self.permit()
        self.write('k5login/' + self.user, ''.join(name + '\n' for name in allowed))
        shutil.copy(keytab, self.path('keytab'))
        made = harness.call(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', self.path('host_key')])
        if made.status != 0:
            raise RuntimeError('ssh-keygen: %s' % made)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(('GSS', 'LD_', 'KRB5', 'SSH'))}
        self.env.update(KRB5_CONFIG=self.path('krb5.conf'), KRB5_KTNAME='FILE:' + self.path('keytab'), KRB5RCACHEDIR=self.path('rcache'))
        self.keyex = self.knows('GSSAPIKeyExchange yes')  # Debian's does
        self.process, self.port = harness.with_port(self.start)
        with open(self.path('host_key.pub'), encoding='ascii') as file:
            self.host_key = file.read().split()[1]

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        harness.write('sshd/' + name, text, 0o644)

    def permit(self, types=None):
        """What types of keys the next connections may use; None: what the realm does."""
        self.write('krb5.conf', re.sub('permitted_enctypes = .*', 'permitted_enctypes = ' + types, self.configuration) if types
                   else self.configuration)

    def knows(self, line):
        self.write('question', line + '\nHostKey %s\n' % self.path('host_key'))
        return harness.call([self.program, '-t', '-f', self.path('question')], env=self.env).status == 0

    def start(self, port):
        self.write('sshd_config', CONFIGURATION.format(root=self.root, port=port, keyex=KEYEX if self.keyex else '',
                                                       method=' gssapi-keyex' if self.keyex else ''))
        return harness.Process([self.program, '-D', '-e', '-f', self.path('sshd_config')], env=self.env, cwd='/')

    def stop(self):
        """When the server has seen its sessions' ends, which nobody else waits for."""
        def alone():
            with open('/proc/%d/task/%d/children' % (self.process.pid, self.process.pid), encoding='ascii') as file:
                return not file.read()
        harness.until(alone, 'the sessions of sshd end')
        self.process.stop()
