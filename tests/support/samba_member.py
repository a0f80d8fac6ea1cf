"""A member of a Samba domain (samba_dc): its own smb.conf, secrets and winbindd, in the place of the controller's.

    domain = samba_dc.start(smb=True)       # joining takes the file server
    member = samba_member.join(domain)
    ... the winbind that libwbclient finds is the member's from here on ...
    member.stop()

winbindd's socket is in /run, so the member has a mount namespace of its own, which the script enters."""
import ctypes
import glob
import os

import harness

CONFIGURATION = '''
[global]
    security = ads
    server role = member server
    realm = {realm}
    workgroup = {domain}
    netbios name = {host}
    interfaces = 127.0.0.1
    bind interfaces only = yes
    password server = {controller}
    name resolve order = host
    kerberos method = dedicated keytab
    dedicated keytab file = {root}/keytab
    private dir = {root}/private
    lock directory = {root}/lock
    state directory = {root}/state
    cache directory = {root}/cache
    pid directory = {root}/pid
    ncalrpc dir = {root}/ncalrpc
    log file = {root}/log.%m
    idmap config * : backend = tdb
    idmap config * : range = 3000-7999
    idmap config {domain} : backend = rid
    idmap config {domain} : range = 10000-999999
    winbind enum users = yes
    winbind separator = {separator}
'''

KERBEROS = '''
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{kdc}
        kpasswd_server = 127.0.0.1:{kpasswd}
    }}
[domain_realm]
    .{dns} = {realm}
'''

_libc = ctypes.CDLL(None, use_errno=True)


class Member:
    host = 'MEMBER'
    separator = '+'

    def __init__(self, domain):
        self.domain = domain
        self.root = os.path.join(harness.scratch(), 'member')
        self.keytab = os.path.join(self.root, 'keytab')
        for folder in ('private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'):
            os.makedirs(os.path.join(self.root, folder), 0o755)
        self.configuration = harness.write('member/smb.conf', CONFIGURATION.format(
            realm=domain.realm, domain=domain.name, host=self.host, controller=domain.host, root=self.root,
            separator=self.separator), 0o644)
        self.kerberos = harness.write('member/krb5.conf', KERBEROS.format(
            realm=domain.realm, dns=domain.dns_name, kdc=domain.kdc_port, kpasswd=domain.kpasswd_port), 0o644)
        self.env = domain.environment(KRB5_CONFIG=self.kerberos)
        self.process = None

    def net(self, *arguments):
        account = '%s%%%s' % (self.domain.administrator, self.domain.administrator_password)
        result = harness.call(['net', 'ads', *arguments, '-U', account, '-S', self.domain.host,
                               '--configfile=' + self.configuration], env=self.env, limit=60)
        if result.status != 0:
            raise RuntimeError('net ads %s: %s' % (arguments[0], result))

    def run(self):
        """Starts winbindd where /run is the member's, and takes this script there.  A process namespace ends with it, and with
        that the daemons which it starts and leaves to themselves (samba-dcerpcd)."""
        script = ('mount -t tmpfs tmpfs /run && mkdir -p /run/samba && '
                  'exec winbindd --foreground --no-process-group --debug-stdout --configfile="$1"')
        self.process = harness.Process(['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh',
                                        self.configuration], env=self.env)
        self.process.wait_line('winbindd version')
        space = os.open('/proc/%d/ns/mnt' % self.process.pid, os.O_RDONLY)
        if _libc.setns(space, 0) != 0:
            raise OSError(ctypes.get_errno(), 'setns: ' + os.strerror(ctypes.get_errno()))
        os.close(space)
        harness.until(self.answers, "the member's winbindd answers")

    def answers(self):
        if not self.process.running():
            raise RuntimeError('winbindd left:\n' + self.process.output()[-4000:])
        return harness.call(['wbinfo', '--ping-dc'], env=self.env).status == 0

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None


def join(domain):
    if not glob.glob('/usr/lib/*/samba/vfs/acl_xattr.so'):
        raise harness.SkipAll("Samba's file server has no modules on a controller (package samba-vfs-modules)")
    harness.need_program('unshare', 'util-linux')
    harness.need_program('net', 'samba-common-bin')
    member = Member(domain)
    member.net('join', '--no-dns-updates')
    member.net('keytab', 'create')
    member.run()
    return member
