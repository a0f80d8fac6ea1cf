#!/usr/bin/env python3
"""judges.py CHAIN_VERDICT : the certificates of the throw-away PKI before other judges.

Each of them says yes or no, in a program of its own: `openssl verify`, which shares the code that we call but none of what is
around it, and GnuTLS' certtool, which shares nothing.  Where two may differ with good reason, the row says so.
"""
import os
import shutil
import subprocess
import sys

import harness

HOST = 'www.example.com'
# leaf, others, host, and the judges that are not asked: why
CASES = [
    ('server-p256', 'intermediate', HOST, {}),
    ('server-rsa', 'intermediate', HOST, {}),
    ('server-ed25519', 'intermediate', HOST, {}),
    ('server-sha512', 'intermediate', HOST, {}),
    ('server-p256', 'intermediate', 'a.wild.example.com', {}),
    ('server-p256', 'intermediate', 'b.a.wild.example.com', {}),
    ('server-p256', 'intermediate', 'wild.example.com', {}),
    ('server-p256', 'intermediate', 'example.com', {}),
    ('server-p256', '', HOST, {}),
    ('expired', 'intermediate', HOST, {}),
    ('notyet', 'intermediate', HOST, {}),
    ('byoldca', 'oldca', HOST, {}),
    ('wrongname', 'intermediate', HOST, {}),
    ('wrongusage', 'intermediate', HOST, {}),
    ('nousage', 'intermediate', HOST, {}),
    ('byclientca', 'clientca', HOST, {}),
    ('unknown', 'stranger', HOST, {}),
    ('selfsigned', '', HOST, {}),
    ('toodeep', 'subca intermediate', HOST, {}),
    ('bynotca', 'server-p256 intermediate', HOST, {}),
    ('outside', 'permitted', HOST, {}),
    ('barred', 'excluded', HOST, {}),
    ('criticalext', 'intermediate', HOST, {}),
    ('nopolicy', 'policyca', HOST, {'certtool': 'requires no policies'}),
    ('smallkey', 'intermediate', HOST, {}),
    ('weak', 'intermediate', HOST, {}),
]
PKI = os.environ.get('SSPI_TEST_PKI', '')


def path(name):
    return os.path.join(PKI, name + '.pem')


def bundle(names):
    """The certificates one after the other, as a peer sends them."""
    name = harness.write('bundle.pem', ''.join(open(path(part), encoding='utf-8').read() for part in names))
    return name


def ours(leaf, others, host):
    done = subprocess.run([sys.argv[1], 'root', leaf, host, *others], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def openssl(leaf, others, host):
    untrusted = ['-untrusted', bundle(others)] if others else []
    done = subprocess.run(['openssl', 'verify', '-no-CApath', '-no-CAstore', '-CAfile', path('root'), *untrusted,
                           '-purpose', 'sslserver', '-policy_check', '-auth_level', '1', '-verify_hostname', host, path(leaf)],
                          capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def certtool(leaf, others, host):
    done = subprocess.run(['certtool', '--verify', '--load-ca-certificate', path('root'), '--verify-profile', 'low',
                           '--verify-hostname', host, '--verify-purpose', '1.3.6.1.5.5.7.3.1',
                           '--infile', bundle([leaf, *others])], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def main():
    if not PKI:
        raise harness.SkipAll('the openssl command is missing, so there are no certificates to judge')
    judges = [judge for judge in (openssl, certtool) if shutil.which(judge.__name__)]
    if certtool not in judges:
        harness.skip('GnuTLS as a judge', 'certtool (gnutls-bin)')
    for leaf, others, host, excused in CASES:
        others = others.split()
        mine = ours(leaf, others, host)
        for judge in judges:
            if judge.__name__ in excused:
                continue
            good, said = judge(leaf, others, host)
            harness.check(good == (mine == 'SEC_E_OK'),
                          '%s for %s: %s, and %s says %s' % (leaf, host, mine, judge.__name__, 'yes' if good else 'no'), said)


harness.run(main)
