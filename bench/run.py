#!/usr/bin/env python3
"""run.py BUILD [-s SET] [-r ROUNDS] [-t SECONDS] [-c CPU] [-f TEXT] [--million] : this library beside its peers.

One round runs the program of each implementation once, in turn, on one core; several rounds give the repetitions.
Printed are medians over the rounds and, for each peer, the median of the rounds' own ratios (ours / theirs: a slow
moment of the machine meets both sides of a ratio).  Before anything is measured every implementation must refuse a wrong
password, or a server of another name: one that does not would be measuring nothing.  Rates are per second of processor
time, except those of several threads, which need an idle machine: the floor's own figure beside them tells what this
one could give.  All values go to BUILD/bench.json.  Exit 1 when a program fails or a control is not refused; a missed
target is reported, not an error.
"""
import argparse
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

OURS = 'sspi'
SETS = collections.OrderedDict([
    ('ntlm', collections.OrderedDict([
        (OURS, 'ntlm_sspi'), ('winpr', 'ntlm_winpr'), ('gss-ntlmssp', 'ntlm_gss'), ('floor', 'ntlm_floor')])),
    ('digest', collections.OrderedDict([(OURS, 'digest_sspi'), ('cyrus-sasl', 'digest_cyrus')])),
    ('schannel', collections.OrderedDict([
        (OURS, 'schannel_sspi'), ('openssl', 'schannel_openssl'), ('gnutls', 'schannel_gnutls')])),
    ('credssp', collections.OrderedDict([(OURS, 'credssp_sspi')])),
])
ACCOUNTS = 1000  # in our database; the account that logs on is one of them

# What we want to reach: metric, least ratio (or largest value), compared with whom; '= METRIC' is another one of ours.
TARGETS = {
    'ntlm': [
        ('handshake', 'at least', 3.0, 'winpr'),
        ('handshake.spnego', 'at least', 3.0, 'gss-ntlmssp'),
        ('handshake.negotiate', 'at least', 0.87, '= handshake'),
        ('handshake.spnego', 'at least', 0.87, '= handshake'),
        ('handshake.spnego', 'at least', 0.87, '= handshake.signed'),
        ('seal.64', 'at least', 3.0, 'winpr'),
        ('seal.16384', 'at least', 1.0, 'floor'),
        ('mem.client', 'at most', 1024, None),
        ('mem.server', 'at most', 1024, None),
        ('million.heap-growth', 'at most', 0, None),
        ('threads.2/1', 'at least', 1.9, None),
        ('threads.2/1-processor', 'at least', 1.9, None),
    ],
    'digest': [
        ('handshake', 'at least', 2.0, 'cyrus-sasl'),
        ('handshake.sealing', 'at least', 2.0, 'cyrus-sasl'),
    ] + [
        ('%s.%d' % (way, size), 'at least', 1.0, 'cyrus-sasl')
        for way in ('seal', 'unseal', 'sign', 'verify') for size in (64, 1024, 16384, 65536)
    ] + [
        ('mem.client', 'at most', 1024, None),
        ('mem.server', 'at most', 1024, None),
    ],
    'schannel': [
        ('full.tls13-ecdsa', 'at least', 0.97, 'openssl'),
        ('full.tls13-rsa', 'at least', 0.97, 'openssl'),
        ('full.tls12-ecdsa', 'at least', 0.97, 'openssl'),
        ('full.tls12-rsa', 'at least', 0.97, 'openssl'),
        ('resumed.tls13-ecdsa', 'at least', 0.97, 'openssl'),
        ('resumed.tls13-rsa', 'at least', 0.97, 'openssl'),
        ('resumed.tls12-ecdsa', 'at least', 0.97, 'openssl'),
        ('resumed.tls12-rsa', 'at least', 0.97, 'openssl'),
        ('seal.tls13-aes256gcm.64', 'at least', 1.0, 'openssl'),
        ('seal.tls13-aes256gcm.1024', 'at least', 1.0, 'openssl'),
        ('seal.tls13-aes256gcm.16384', 'at least', 1.0, 'openssl'),
        ('unseal.tls13-aes256gcm.64', 'at least', 1.0, 'openssl'),
        ('unseal.tls13-aes256gcm.1024', 'at least', 1.0, 'openssl'),
        ('unseal.tls13-aes256gcm.16384', 'at least', 1.0, 'openssl'),
        ('seal.tls12-aes256gcm.64', 'at least', 1.0, 'openssl'),
        ('seal.tls12-aes256gcm.1024', 'at least', 1.0, 'openssl'),
        ('seal.tls12-aes256gcm.16384', 'at least', 1.0, 'openssl'),
        ('unseal.tls12-aes256gcm.64', 'at least', 1.0, 'openssl'),
        ('unseal.tls12-aes256gcm.1024', 'at least', 1.0, 'openssl'),
        ('unseal.tls12-aes256gcm.16384', 'at least', 1.0, 'openssl'),
        ('mem.client', 'at most', 20480, None),
        ('mem.server', 'at most', 20480, None),
    ],
    'credssp': [
        ('full.' + kind, 'at least', 0.909, '= parts.' + kind)  # a tenth more than the parts
        for kind in ('tls13-ecdsa', 'tls13-rsa', 'tls12-ecdsa', 'tls12-rsa')
    ],
}


class Bench:
    def __init__(self, options, scratch, name):
        self.options = options
        self.scratch = scratch
        self.set = name
        self.values = collections.OrderedDict()  # metric -> implementation -> [value a round]
        self.units = {}
        self.notes = collections.OrderedDict()
        self.programs = collections.OrderedDict(
            (peer, os.path.join(options.build, 'bench', program)) for peer, program in SETS[name].items())
        for peer in list(self.programs):
            if not os.path.exists(self.programs[peer]):
                print('not measured: %s (its package is not installed)' % peer)
                del self.programs[peer]
        self.env = dict(os.environ, LC_ALL='C.UTF-8')
        for variable in ('NTLM_USER_FILE', 'SSPI_ACCOUNTS', 'BENCH_PASSWORD', 'BENCH_TLS_HOST'):
            self.env.pop(variable, None)

    def write(self, name, text):
        path = os.path.join(self.scratch, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def prepare(self):
        if self.set in ('schannel', 'credssp'):
            self.prepare_schannel()
        else:
            self.prepare_ntlm()

    def prepare_schannel(self):
        """An authority and a server's certificate of each kind, and no policy file."""
        self.env['SSPI_CONFIG'] = '/dev/null'
        self.env['BENCH_TLS'] = self.scratch
        extensions = self.write('leaf', 'subjectAltName=DNS:server.bench.test\nextendedKeyUsage=serverAuth\n')
        for name, key in (('ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']), ('rsa', ['rsa:2048'])):
            authority, leaf = os.path.join(self.scratch, name + '-ca'), os.path.join(self.scratch, name)
            self.openssl(['req', '-x509', '-newkey'] + key + ['-nodes', '-keyout', authority + '.key', '-out', leaf + '.ca',
                          '-days', '30', '-subj', '/CN=bench %s authority' % name])
            self.openssl(['req', '-newkey'] + key + ['-nodes', '-keyout', leaf + '.key', '-out', leaf + '.csr',
                          '-subj', '/CN=server.bench.test'])
            self.openssl(['x509', '-req', '-in', leaf + '.csr', '-CA', leaf + '.ca', '-CAkey', authority + '.key',
                          '-CAcreateserial', '-days', '30', '-extfile', extensions, '-out', leaf + '.crt'])

    @staticmethod
    def openssl(arguments):
        done = subprocess.run(['openssl'] + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            sys.exit('openssl %s: %s' % (arguments[0], done.stdout))

    def prepare_ntlm(self):
        """The same user for everybody: User of Domain, whose NT hash MS-NLMP 4.2.2.1.2 prints."""
        nt_hash = 'a4f49c406510bdcab6824ee7c30fd852'
        self.env['BENCH_WINPR_SAM'] = self.write('SAM', 'User:Domain::%s:::\n' % nt_hash)
        self.env['BENCH_GSS_HASH_FILE'] = self.write(
            'hashes', 'DOMAIN\\User:1000:%s:%s:[U]:LCT-0\n' % ('0' * 32, nt_hash.upper()))
        self.env['BENCH_GSS_PASSWORD_FILE'] = self.write('passwords', 'DOMAIN:User:Password\n')
        database = os.path.join(self.scratch, 'accounts')
        self.env['SSPI_CONFIG'] = self.write(
            'sspi.conf', '[kerberos]\nenabled = no\n[names]\nnetbios-computer = SERVER\nnetbios-domain = DOMAIN\n'
                         '[digest]\nrealm = bench.test\n[accounts]\nbackend = lmdb\npath = %s\n' % database)
        users = self.write('users', ''.join(
            '%s:Domain::%s:::\n' % (name, nt_hash) for name in ['user%d' % i for i in range(ACCOUNTS - 1)] + ['User']))
        tool = os.path.join(self.options.build, 'tool', 'sspi')
        done = subprocess.run([tool, 'user', 'import', users], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            sys.exit('sspi user import: ' + done.stdout)
        if self.set == 'digest':
            done = subprocess.run([tool, 'user', 'add', '--replace', '--realm', 'bench.test', '--password-fd', '0', 'User'],
                                  env=self.env, input='Password\n', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
            if done.returncode:
                sys.exit('sspi user add: ' + done.stdout)

    def start(self, name, arguments, pinned=True, env=None):
        command = [self.programs[name]] + arguments
        if pinned and shutil.which('taskset'):
            command = ['taskset', '-c', self.options.c] + command
        return subprocess.run(command, env=env or self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)

    def controls(self):
        good = True
        for name in self.programs:
            if name == 'floor':
                continue
            right = self.start(name, ['-m', 'control'])
            spoilt = {'BENCH_PASSWORD': 'Wrong', 'BENCH_TLS_HOST': 'wrong.bench.test'}
            wrong = self.start(name, ['-m', 'control'], env=dict(self.env, **spoilt))
            if right.returncode != 0:
                print('%s refuses the right peer: %s' % (name, right.stderr.strip()))
            if wrong.returncode == 0:
                print('%s accepts a wrong password or server' % name)
            good = good and right.returncode == 0 and wrong.returncode != 0
        return good

    def take(self, name, result):
        if result.returncode:
            sys.exit('%s: exit %d: %s' % (name, result.returncode, result.stderr.strip()))
        for line in result.stdout.splitlines():
            part = line.split('\t')
            if part[0] == 'R':
                self.values.setdefault(part[3], collections.OrderedDict()).setdefault(part[2], []).append(float(part[4]))
                self.units[part[3]] = part[5]
            elif part[0] == 'N':
                self.notes[part[2] + ': ' + part[3]] = True

    def measure(self):
        common = ['-t', str(self.options.t)] + (['-f', self.options.f] if self.options.f else [])
        for number in range(self.options.r):
            for name in self.programs:
                self.take(name, self.start(name, common))
            if self.set == 'ntlm' and (not self.options.f or self.options.f in 'threads'):
                for name in self.programs:
                    self.take(name, self.start(name, ['-m', 'threads', '-t', str(self.options.t)], pinned=False))
            print('round %d of %d' % (number + 1, self.options.r), file=sys.stderr, flush=True)
        if self.options.million and self.set == 'ntlm':
            self.take(OURS, self.start(OURS, ['-m', 'million']))

    # ---------------------------------------------------------------- results

    def ratio(self, metric, peer):
        """Ours / theirs, the median of the rounds."""
        ours = self.values.get(metric, {}).get(OURS)
        other, who = (peer[2:], OURS) if peer.startswith('= ') else (metric, peer)
        theirs = self.values.get(other, {}).get(who)
        if not ours or not theirs:
            return None
        ratios = [a / b for a, b in zip(ours, theirs) if b]
        return statistics.median(ratios) if ratios else None

    def cell(self, metric, name):
        values = self.values[metric].get(name)
        if not values:
            return ''
        middle = statistics.median(values)
        spread = (max(values) - min(values)) / middle * 100 if middle else 0
        number = '%.3g' % middle if abs(middle) < 100 else '{:,.0f}'.format(middle)
        return '%s ±%.0f%%' % (number, spread)

    def table(self):
        peers = [name for name in self.programs if name != OURS]
        head = ['metric', 'unit', OURS] + peers + ['/ ' + peer for peer in peers]
        rows = [head]
        for metric in self.values:
            row = [metric, self.units[metric]] + [self.cell(metric, name) for name in [OURS] + peers]
            for peer in peers:
                ratio = self.ratio(metric, peer)
                row.append('%.2f' % ratio if ratio is not None else '')
            rows.append(row)
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        for row in rows:
            print('  '.join(cell.ljust(width) if i < 2 else cell.rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))).rstrip())

    def targets(self):
        print('\ntargets')
        for metric, how, limit, peer in TARGETS[self.set]:
            if peer is None:
                values = self.values.get(metric, {}).get(OURS)
                got = statistics.median(values) if values else None
            else:
                got = self.ratio(metric, peer)
            if got is None:
                print('  %-30s not measured' % metric)
                continue
            met = got >= limit if how == 'at least' else got <= limit
            wanted = '%s %g%s' % (how, limit, ' x ' + peer.lstrip('= ') if peer else '')
            print('  %-22s %-34s %10.4g  %s' % (metric, wanted, got, 'met' if met else 'MISSED'))
            if metric == 'threads.2/1' and self.values[metric].get('floor'):
                print('  %-22s %-34s %10.4g  %s' % ('', 'the machine itself', statistics.median(self.values[metric]['floor']),
                                                    '(primitives alone on two threads, same minutes)'))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('build')
    arguments.add_argument('-r', type=int, default=5, metavar='ROUNDS')
    arguments.add_argument('-t', type=float, default=0.2, metavar='SECONDS', help='measuring time of one metric')
    arguments.add_argument('-c', default=str(max(os.sched_getaffinity(0))), metavar='CPU')
    arguments.add_argument('-s', default=None, choices=list(SETS), help='only this set')
    arguments.add_argument('-f', default=None, metavar='TEXT', help='only metrics whose name contains it')
    arguments.add_argument('--million', action='store_true', help='a million logons, and what is left of them')
    options = arguments.parse_args()
    results = {}
    for name in [options.s] if options.s else SETS:
        with tempfile.TemporaryDirectory(prefix='sspi-bench-') as scratch:
            bench = Bench(options, scratch, name)
            bench.prepare()
            if not bench.controls():
                sys.exit(1)
            bench.measure()
        print('\n%s\n' % name)
        bench.table()
        bench.targets()
        for note in bench.notes:
            print('note: ' + note)
        results[name] = {'values': bench.values, 'units': bench.units, 'notes': list(bench.notes)}
    with open(os.path.join(options.build, 'bench.json'), 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)


if __name__ == '__main__':
    main()
