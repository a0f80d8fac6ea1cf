#!/usr/bin/env python3
"""realm.py PROGRAM [ARGUMENT...] : runs a program inside a throw-away Kerberos realm.

The realm is MIT's (krb5-kdc, krb5-admin-server), on loopback, in a temporary directory, on ports the kernel chose; it needs no
root, touches no configuration of this machine, and ends with the program.  As a module: `with Realm() as realm: ...`.

What is in it (REALM is SSPI.TEST):

  alice, bob           users with passwords ("alice secret", "bob secret"); ALICE's tickets are in the default cache
  HTTP/server.sspi.test, host/server.sspi.test      services, their keys in the keytab
  HTTP/delegate.sspi.test                           one that the KDC vouches for (OK-AS-DELEGATE)
  HTTP/TYPE.sspi.test  services with keys of one type alone: aes128, aes256, aes128sha2, aes256sha2, rc4

The program finds KRB5_CONFIG, KRB5CCNAME, KRB5_KTNAME, KRB5RCACHEDIR, SSPI_CONFIG, and REALM_DIRECTORY, in which `alice.keytab` and
`kdc.pid` are, and
`krb5-TYPE.conf`, a configuration that permits keys of one type alone, for who has his tickets already;
`krb5-aware.conf` and `krb5-unaware.conf` say whether MIT's clients tell that they know of channel bindings;
`krb5-dead.conf` and `krb5-silent.conf` name KDCs that are not there, or say nothing.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REALM = 'SSPI.TEST'
PROGRAMS = {'krb5kdc': 'krb5-kdc', 'kdb5_util': 'krb5-kdc', 'kadmin.local': 'krb5-kdc', 'kadmind': 'krb5-admin-server',
            'kinit': 'krb5-user'}
ENCTYPES = {'aes128': 'aes128-cts-hmac-sha1-96', 'aes256': 'aes256-cts-hmac-sha1-96',
            'aes128sha2': 'aes128-cts-hmac-sha256-128', 'aes256sha2': 'aes256-cts-hmac-sha384-192',
            'rc4': 'arcfour-hmac'}


def find(name):
    return shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')


def missing():
    """The first program that is not installed, with its package, or None."""
    for name, package in PROGRAMS.items():
        if not find(name):
            return '%s is not installed (package %s)' % (name, package)
    return None


def free_port():
    """A port that nobody has, for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(('127.0.0.1', 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port


class Realm:
    def __init__(self, admin=False):
        self.admin = admin
        self.directory = tempfile.mkdtemp(prefix='sspi-realm-')
        self.processes = []
        self.environment = dict(os.environ)
        self.environment.update(
            KRB5_CONFIG=self.path('krb5.conf'), KRB5_KDC_PROFILE=self.path('kdc.conf'),
            KRB5CCNAME='FILE:' + self.path('cache'), KRB5_KTNAME='FILE:' + self.path('keytab'),
            KRB5RCACHEDIR=self.directory, REALM_DIRECTORY=self.directory, SSPI_CONFIG=self.path('sspi.conf'))
        self.environment.pop('KRB5RCACHENAME', None)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def configure(self):
        self.kdc_port, self.admin_port, self.password_port = free_port(), free_port(), free_port()
        text = '''[libdefaults]
    default_realm = %(realm)s
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    forwardable = true
    allow_weak_crypto = true
    allow_rc4 = true
    permitted_enctypes = aes256-sha2 aes256-sha1 aes128-sha2 aes128-sha1 arcfour-hmac
    udp_preference_limit = 1
[realms]
    %(realm)s = {
        kdc = 127.0.0.1:%(kdc)d
        admin_server = 127.0.0.1:%(admin)d
        kpasswd_server = 127.0.0.1:%(password)d
    }
[domain_realm]
    .sspi.test = %(realm)s
''' % {'realm': REALM, 'kdc': self.kdc_port, 'admin': self.admin_port, 'password': self.password_port}
        self.write('krb5.conf', text)
        for name, enctype in ENCTYPES.items():
            self.write('krb5-%s.conf' % name, re.sub('permitted_enctypes = .*', 'permitted_enctypes = ' + enctype, text))
        for name, value in (('aware', 'true'), ('unaware', 'false')):  # of channel bindings
            self.write('krb5-%s.conf' % name, text.replace(
                '[libdefaults]', '[libdefaults]\n    client_aware_channel_bindings = ' + value))
        self.deaf = socket.socket()  # takes connections, and says nothing
        self.deaf.bind(('127.0.0.1', 0))
        self.deaf.listen()
        for name, port in (('dead', free_port()), ('silent', self.deaf.getsockname()[1])):
            self.write('krb5-%s.conf' % name, text.replace('kdc = 127.0.0.1:%d' % self.kdc_port, 'kdc = 127.0.0.1:%d' % port))
        self.write('sspi.conf', '[kerberos]\nallow-rc4 = yes\nkdc-timeout = 5\n')
        self.write('acl', '*/admin@%s *\n' % REALM)
        self.write('kdc.conf', '''[kdcdefaults]
    kdc_listen = 127.0.0.1:%(kdc)d
    kdc_tcp_listen = 127.0.0.1:%(kdc)d
[realms]
    %(realm)s = {
        database_name = %(directory)s/principal
        key_stash_file = %(directory)s/stash
        acl_file = %(directory)s/acl
        kadmind_listen = 127.0.0.1:%(admin)d
        kpasswd_listen = 127.0.0.1:%(password)d
        max_life = 10h
        supported_enctypes = %(types)s
        master_key_type = aes256-cts-hmac-sha1-96
    }
[logging]
    kdc = FILE:%(directory)s/kdc.log
    admin_server = FILE:%(directory)s/kadmind.log
''' % {'realm': REALM, 'kdc': self.kdc_port, 'admin': self.admin_port, 'password': self.password_port,
            'directory': self.directory, 'types': 'aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal'})

    def run(self, name, *arguments, **options):
        done = subprocess.run([find(name), *arguments], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, **options)
        if done.returncode != 0:
            raise RuntimeError('%s: %s' % (name, done.stdout.decode(errors='replace')))
        return done.stdout

    def kadmin(self, *commands):
        self.run('kadmin.local', input='\n'.join(commands).encode() + b'\n')

    def populate(self):
        self.run('kdb5_util', 'create', '-s', '-r', REALM, '-P', 'master secret')
        commands = ['addpol -minlength 4 sensible', 'addprinc -pw "alice secret" +requires_preauth alice',
                    'addprinc -pw "bob secret" -policy sensible bob',
                    'ktadd -norandkey -k %s alice' % self.path('alice.keytab'),
                    'ktadd -norandkey -k %s bob' % self.path('bob.keytab')]
        for service in ('HTTP/server.sspi.test', 'host/server.sspi.test', 'HTTP/delegate.sspi.test'):
            commands += ['addprinc -randkey %s' % service, 'ktadd -norandkey -k %s %s' % (self.path('keytab'), service)]
        commands.append('modprinc +ok_as_delegate HTTP/delegate.sspi.test')
        for name, enctype in ENCTYPES.items():
            service = 'HTTP/%s.sspi.test' % name
            commands += ['addprinc -randkey -e %s:normal %s' % (enctype, service),
                         'setstr %s session_enctypes %s' % (service, enctype),
                         'ktadd -norandkey -k %s %s' % (self.path('keytab'), service)]
        self.kadmin(*commands)

    def launch(self, name, *arguments):
        self.processes.append(subprocess.Popen([find(name), *arguments], env=self.environment,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self.processes[-1]

    def start_kdc(self):
        """Starts the KDC and waits until it answers."""
        process = self.launch('krb5kdc', '-n')
        self.write('kdc.pid', '%d\n' % process.pid)
        self.await_port(process, self.kdc_port)
        return process

    @staticmethod
    def await_port(process, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.02)  # the next look, not a wait for something to have happened
        raise RuntimeError('a server of the realm did not start')

    def kinit(self, user='alice', cache=None):
        environment = dict(self.environment)
        if cache:
            environment['KRB5CCNAME'] = cache
        subprocess.run([find('kinit'), '-k', '-t', self.path(user + '.keytab'), user], env=environment, check=True)

    def start(self):
        for attempt in range(5):
            self.configure()
            if attempt == 0:
                self.populate()
            try:
                self.start_kdc()
                if self.admin:
                    self.await_port(self.launch('kadmind', '-nofork'), self.admin_port)
                break
            except RuntimeError:  # somebody else took a port meanwhile
                self.stop_processes()
                if attempt == 4:
                    raise
        self.kinit()
        return self

    def stop_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()
        self.processes = []

    def stop(self):
        self.stop_processes()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *unused):
        self.stop()


def main():
    lacking = missing()
    if lacking:
        print('# %s\n1..0 # SKIP %s' % (lacking, lacking))
        return 0
    with Realm(admin=True) as realm:
        return subprocess.run(sys.argv[1:], env=realm.environment, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
