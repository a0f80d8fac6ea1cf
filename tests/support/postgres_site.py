"""A PostgreSQL server of the test's own: its files in the scratch directory, on loopback, the local socket beside them.

    missing = postgres_site.missing()               # what is not installed, or None
    site = postgres_site.start(realm, pki)          # HOST of the realm, with the databases of RULES and the role alice
    site.sql('create role bob login')               # as the superuser, by the local socket
    site.port, site.log(), site.certificate('root.pem')
"""
import glob
import os
import pwd
import shutil

import harness
import kerberos_peers
import pki

HOST = 'server.sspi.test'
# A database for each way to come in.
RULES = '''
hostssl     tls    all 127.0.0.1/32 gss include_realm=0 krb_realm=SSPI.TEST
hostgssenc  sealed all 127.0.0.1/32 gss include_realm=0 krb_realm=SSPI.TEST
hostnossl   clear  all 127.0.0.1/32 gss include_realm=0 krb_realm=SSPI.TEST
host        open   all 127.0.0.1/32 trust
host        secret all 127.0.0.1/32 scram-sha-256
'''
CONFIGURATION = '''
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{root}'
krb_server_keyfile = 'FILE:{root}/keytab'
ssl = on
ssl_cert_file = '{root}/server.pem'
ssl_key_file = '{root}/server.key'
fsync = off
shared_buffers = 8MB
dynamic_shared_memory_type = mmap
max_connections = 20
log_connections = on
'''


def programs():
    """The folder of the newest version's programs, or None."""
    found = glob.glob('/usr/lib/postgresql/*/bin/initdb')
    return os.path.dirname(max(found, key=lambda path: float(path.split('/')[4]))) if found else None


def account():
    """Whose the server is: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam('postgres').pw_name
    except KeyError:
        return 'nobody'


def missing():
    return None if programs() else 'PostgreSQL is not installed (package postgresql)'


class Site:
    def __init__(self, realm, keytab, certificate):
        """certificate: the path of a chain and its key without their ends, for HOST."""
        self.root = os.path.join(harness.scratch(), 'postgres')
        self.user = account()
        self.folder = os.path.dirname(certificate)
        os.chmod(harness.scratch(), 0o711)
        for folder in ('', 'rcache'):
            os.makedirs(os.path.join(self.root, folder), mode=0o700, exist_ok=True)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(('GSS', 'LANG', 'LD_', 'KRB5', 'PG'))}
        self.env.update(LC_ALL='C.UTF-8', KRB5_CONFIG=self.path('krb5.conf'), KRB5RCACHEDIR=self.path('rcache'), HOME=self.root)
        for source, name in ((keytab, 'keytab'), (realm.path('krb5.conf'), 'krb5.conf'), (certificate + '.chain.pem', 'server.pem'),
                             (certificate + '.key', 'server.key')):
            shutil.copy(source, self.path(name))
            os.chmod(self.path(name), 0o600)
        self.own(self.root, *(self.path(name) for name in os.listdir(self.root)))
        self.data = self.path('data')
        initdb = harness.Process([os.path.join(programs(), 'initdb'), '-D', self.data, '-U', 'super', '-A', 'peer', '--no-sync',
                                  '--no-instructions', '-E', 'UTF8', '--locale', 'C.UTF-8'], env=self.env, cwd='/', user=self.user)
        if initdb.wait_exit(120) != 0:
            raise RuntimeError('initdb: ' + initdb.output())
        # Whoever started the server is the superuser, and nobody else, by the local socket.
        self.write('data/pg_ident.conf', 'own "%s" super\n' % pwd.getpwuid(self.uid()).pw_name)
        self.write('data/pg_hba.conf', 'local all super peer map=own\n' + RULES)
        self.process, self.port = harness.with_port(self.start)
        self.process.wait_line('ready to accept connections')  # it listens before

    def certificate(self, name):
        return os.path.join(self.folder, name)

    def path(self, name):
        return os.path.join(self.root, name)

    def uid(self):
        return pwd.getpwnam(self.user).pw_uid if self.user else os.geteuid()

    def own(self, *paths):
        for path in paths:
            if self.user:
                shutil.chown(path, self.user)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        self.own(self.path(name))

    def start(self, port):
        self.write('data/postgresql.conf', CONFIGURATION.format(root=self.root, port=port))
        return harness.Process([os.path.join(programs(), 'postgres'), '-D', self.data], env=self.env, cwd='/', user=self.user)

    def sql(self, *commands):
        """Runs commands as the superuser; what they print."""
        psql = harness.Process([os.path.join(programs(), 'psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', self.root, '-p', str(self.port),
                                '-U', 'super', '-At', 'postgres', *(word for command in commands for word in ('-c', command))],
                               env=self.env, cwd='/', user=self.user)
        if psql.wait_exit() != 0:
            raise RuntimeError('psql: ' + psql.output())
        return psql.output()

    def log(self):
        return self.process.output()


def start(realm, made):
    """made: the directory of pki.py's certificates; the server's is by the authority of those."""
    folder = os.path.join(harness.scratch(), 'pki')
    shutil.copytree(made, folder)
    pki.Pki(folder).leaf('postgres', names='DNS:' + HOST, kind='rsa')
    keytab = kerberos_peers.keytab(realm, 'postgres.keytab', 'addprinc -randkey postgres/' + HOST, 'ktadd -k {} postgres/' + HOST)
    site = Site(realm, keytab, os.path.join(folder, 'postgres'))
    site.sql('create role alice login', *('create database ' + line.split()[1] for line in RULES.strip().splitlines()))
    return site
