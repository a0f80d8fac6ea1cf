"""An Active Directory domain controller (Samba) for one test script, with nothing of the machine's in it.

    domain = samba_dc.start()               # before any thread and any other process; SkipAll when it cannot be
    domain.add_user('alice', 'Passw0rd.Alice')
    ... domain.url, domain.realm, domain.kdc_port, the winbind that libwbclient finds ...
    domain.stop()                           # or the end of the script

The ports of a domain controller are fixed, and so is where libwbclient looks for winbindd.  So start() puts the script
into a network namespace and a mount namespace of its own: loopback is empty, /run is a new directory, /etc/hosts knows the
controller.  Root can do that; everybody else can where the kernel lets users have user namespaces, and is root in
there.  What the script starts afterwards is inside with it.
"""
import ctypes
import fcntl
import glob
import os
import socket
import struct

import harness

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

PYTHON = '/usr/bin/python3'  # the one that Debian's modules belong to
MODULES = '/usr/lib/python3/dist-packages/samba'

CONFIGURATION = '''
[global]
    server role = active directory domain controller
    realm = {realm}
    workgroup = {domain}
    netbios name = {host}
    interfaces = 127.0.0.1
    bind interfaces only = yes
    server services = {services}
    private dir = {root}/private
    lock directory = {root}/lock
    state directory = {root}/state
    cache directory = {root}/cache
    binddns dir = {root}/bind
    pid directory = {root}/pid
    ncalrpc dir = {root}/ncalrpc
    log file = {root}/log.%m
    load printers = no
    disable spoolss = yes
    tls enabled = no
{options}
[sysvol]
    path = {root}/sysvol
[netlogon]
    path = {root}/sysvol/scripts
'''


# ---------------------------------------------------------------- namespaces

_libc = ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _mount(source, target, kind, flags, data=None):
    encode = lambda text: None if text is None else os.fsencode(text)
    if _libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)) != 0:
        raise OSError(ctypes.get_errno(), '%s: %s' % (target, os.strerror(ctypes.get_errno())))


def _become_root():
    """A user namespace in which this user is root."""
    user, group = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
    for name, text in (('setgroups', 'deny'), ('uid_map', '0 %d 1' % user), ('gid_map', '0 %d 1' % group)):
        with open('/proc/self/' + name, 'w') as file:
            file.write(text)


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = fcntl.ioctl(probe, SIOCGIFFLAGS, struct.pack('16sh14x', b'lo', 0))
        flags = struct.unpack('16sh14x', request)[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', flags | IFF_UP))


_was_root = os.geteuid() == 0


def was_root():
    """Root before isolate(), and so able to become somebody else after it."""
    return _was_root


def isolate(hosts):
    """Namespaces of this script's own; `hosts` is what /etc/hosts says in there."""
    try:
        if _was_root:
            _unshare(CLONE_NEWNS | CLONE_NEWNET)
        else:
            _become_root()
        _mount(None, '/', None, MS_REC | MS_PRIVATE)
        _loopback_up()
        _mount('tmpfs', '/run', 'tmpfs', 0, 'mode=0755')
        os.mkdir('/run/samba', 0o755)
        _mount(harness.write('hosts', hosts, 0o644), '/etc/hosts', None, MS_BIND)
    except OSError as why:
        raise harness.SkipAll('namespaces for a domain controller cannot be made here as %s: %s' % (
            'root' if _was_root else 'an ordinary user', why))


def lay_over(path, target):
    """After isolate(): this file in the place of one of the machine's."""
    _mount(path, target, None, MS_BIND)


# ---------------------------------------------------------------- the controller

def _need():
    harness.need_program('samba', 'samba')
    harness.need_program('samba-tool', 'samba-common-bin')
    harness.need_program('winbindd', 'winbind')
    harness.need_file(PYTHON, 'python3')
    harness.need_file(MODULES + '/provision', 'python3-samba')
    harness.need_file('/usr/share/samba/setup/provision.ldif', 'samba-ad-provision')
    if not glob.glob('/usr/lib/*/samba/ldb/samldb.so'):
        raise harness.SkipAll("the domain controller's database is not installed (package samba-dsdb-modules)")


class Domain:
    """A domain with one controller, whose names are fixed and whose accounts are the test's."""
    name = 'DOM'
    realm = 'DOM.SSPI.TEST'
    dns_name = 'dom.sspi.test'
    base = 'DC=dom,DC=sspi,DC=test'
    host = 'dc.dom.sspi.test'
    address = '127.0.0.1'
    ldap_port = 389
    kdc_port = 88
    kpasswd_port = 464
    smb_port = 445  # with smb=True
    url = 'ldap://127.0.0.1:389'
    administrator = 'Administrator'
    administrator_password = 'Passw0rd.Administrator'

    def __init__(self, smb=False):
        self.smb = smb
        self.root = os.path.join(harness.scratch(), 'samba')
        self.configuration = os.path.join(self.root, 'smb.conf')
        self.process = None

    def _configure(self, options):
        services = 'rpc, ldap, cldap, kdc, winbindd' + (', s3fs' if self.smb else '')
        lines = ''.join('    %s = %s\n' % pair for pair in options.items())
        harness.write('samba/smb.conf', CONFIGURATION.format(
            realm=self.realm, domain=self.name, host=self.host.split('.')[0].upper(), root=self.root,
            services=services, options=lines))

    def provision(self):
        for folder in ('private', 'lock', 'state', 'cache', 'bind', 'pid', 'ncalrpc', 'sysvol/scripts'):
            os.makedirs(os.path.join(self.root, folder), 0o755, exist_ok=True)
        self._configure({})
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'samba_provision.py')
        result = harness.call([PYTHON, script, self.root, self.realm, self.name, self.host.split('.')[0].upper()],
                              env=self.environment(SAMBA_PASSWORD=self.administrator_password), limit=120)
        if result.status != 0:
            raise RuntimeError('provisioning failed: %s' % result)

    @staticmethod
    def environment(**more):
        """For Samba's own programs: no Python path and no Kerberos of somebody else's."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(('PYTHON', 'KRB5', 'LD_', 'ASAN_', 'LSAN_'))}
        env.update({'HOME': harness.scratch(), 'LC_ALL': 'C.UTF-8', **more})
        return env

    def run(self, **options):
        """Starts the controller, with more lines for smb.conf (`ldap_server_require_strong_auth='no'`)."""
        self._configure({name.replace('_', ' '): value for name, value in options.items()})
        samba = harness.need_program('samba', 'samba')
        self.process = harness.Process([samba, '--foreground', '--no-process-group', '--debug-stdout', '--model=single',
                                        '--configfile=' + self.configuration], env=self.environment())
        for port in (self.ldap_port, self.kdc_port) + ((self.smb_port,) if self.smb else ()):
            self.process.wait_port(port)
        harness.until(self.winbind_answers, 'winbindd answers')

    def winbind_answers(self):
        if not self.process.running():
            raise RuntimeError('samba left:\n' + self.process.output()[-4000:])
        return harness.call(['wbinfo', '--ping'], env=self.environment()).status == 0

    def _runs(self, name):
        """One of the daemons that samba started is there: each is in a process group of its own."""
        try:
            with open(os.path.join(self.root, 'pid', name + '.pid')) as file:
                number = int(file.read().split('\0')[0])
            with open('/proc/%d/stat' % number) as file:
                return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
        except (OSError, ValueError, IndexError):
            return False

    def stop(self):
        """Ends the controller; what samba started ends when samba does.  run() may start it again."""
        if self.process is not None:
            self.process.stop()
            harness.until(lambda: not self._runs('winbindd') and not self._runs('smbd'), 'winbindd and smbd end')
            self.process = None

    def tool(self, *arguments, given=None):
        """samba-tool, on the controller's own database."""
        result = harness.call(['samba-tool', *arguments, '--configfile=' + self.configuration], given=given,
                              env=self.environment())
        if result.status != 0:
            raise RuntimeError('samba-tool %s: %s' % (' '.join(arguments[:3]), result))
        return result

    def add_user(self, name, password, *more):
        """An account; `more` are options of `samba-tool user create`."""
        self.tool('user', 'create', name, password, *more)

    def disable_user(self, name):
        self.tool('user', 'disable', name)


def start(smb=False, **options):
    """A domain with its controller running; `options` are more lines for smb.conf.  smb: the file server too, which changes
    its groups and so needs more than a user namespace gives."""
    _need()
    if smb and not _was_root:
        raise harness.SkipAll("Samba's file server needs root")
    domain = Domain(smb)
    isolate('127.0.0.1 localhost %s %s\n' % (domain.host, domain.host.split('.')[0]))
    domain.provision()
    domain.run(**options)
    return domain
