#!/usr/bin/env python3
"""kerberos.py BUILD [-r ROUNDS] [-t SECONDS] [-c CPU] [-f TEXT] : Kerberos of this library beside MIT's GSSAPI and WinPR 3.

A throw-away realm gives each program a cache with the ticket in it, so that no KDC is asked while something is measured: one
set with AES-SHA1 keys, one with AES-SHA2, and one with a thousand other tickets in the cache.  Otherwise as run.py.
"""
import argparse
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'support'))
import realm as realms  # noqa: E402
import run  # noqa: E402

SETS = [('sha1', 'HTTP/aes256.sspi.test', 0), ('sha2', 'HTTP/aes256sha2.sspi.test', 0),
        ('sha1.crowded', 'HTTP/aes256.sspi.test', 1000)]
TARGETS = {
    'sha1': [('context', 'at least', 2.0, 'mit'), ('context', 'at least', 1.5, 'winpr'), ('seal.16384', 'at least', 4.0, 'mit'), ('seal.64', 'at least', 3.0, 'mit'),
             ('mem.client', 'at most', 2048, None), ('mem.server', 'at most', 2048, None)],
    'sha2': [('context', 'at least', 2.0, 'mit'), ('context', 'at least', 1.5, 'winpr'), ('seal.16384', 'at least', 3.0, 'mit'), ('seal.64', 'at least', 3.0, 'mit'),
             ('mem.client', 'at most', 2048, None), ('mem.server', 'at most', 2048, None)],
    'sha1.crowded': [('context', 'at least', 2.0, 'mit'), ('context', 'at least', 1.5, 'winpr')],
}


class Set(run.Bench):
    """One set's values, gathered and printed as run.py does."""

    def __init__(self, options, realm, name, service, crowd):
        run.SETS[name] = {run.OURS: 'kerberos_sspi', 'mit': 'kerberos_gss', 'winpr': 'kerberos_winpr'}
        run.TARGETS[name] = TARGETS[name]
        super().__init__(options, realm.directory, name)
        self.env = dict(realm.environment, LC_ALL='C.UTF-8', BENCH_SERVICE=service, BENCH_SET=name)
        self.cache = realm.path('cache-' + name)
        environment = dict(self.env, KRB5CCNAME='FILE:' + self.cache)
        realm.kinit(cache='FILE:' + self.cache)
        kvno = realms.find('kvno')
        for start in range(0, crowd, 200):
            services = ['HTTP/crowd%d.sspi.test' % i for i in range(start, start + 200)]
            subprocess.run([kvno, '-q'] + services, env=environment, check=True)
        subprocess.run([kvno, '-q', service], env=environment, check=True)
        # No stronger key for the session than the ticket's (RFC 4537).
        self.env['KRB5_CONFIG'] = realm.path('krb5-%s.conf' % service[len('HTTP/'):-len('.sspi.test')])

    def start(self, name, arguments, pinned=True, env=None):
        copy = self.cache + '.copy'  # a program may add to its cache
        shutil.copy(self.cache, copy)
        return super().start(name, arguments, pinned, dict(self.env, KRB5CCNAME='FILE:' + copy))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('build')
    arguments.add_argument('-r', type=int, default=5, metavar='ROUNDS')
    arguments.add_argument('-t', type=float, default=0.2, metavar='SECONDS')
    arguments.add_argument('-c', default=str(max(os.sched_getaffinity(0))), metavar='CPU')
    arguments.add_argument('-f', default=None, metavar='TEXT')
    arguments.add_argument('--million', action='store_true', help='not here')
    options = arguments.parse_args()
    options.million = False
    lacking = realms.missing()
    if lacking:
        print('not measured: ' + lacking)
        return 0
    with realms.Realm() as realm:
        realm.kadmin(*['addprinc -randkey HTTP/crowd%d.sspi.test' % i for i in range(1000)])
        for name, service, crowd in SETS:
            only = argparse.Namespace(**vars(options))
            only.f = options.f or ('context' if crowd else None)
            one = Set(only, realm, name, service, crowd)
            one.measure()
            print('\n%s' % name)
            one.table()
            one.targets()
    return 0


if __name__ == '__main__':
    sys.exit(main())
