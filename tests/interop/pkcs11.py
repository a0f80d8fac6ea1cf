#!/usr/bin/env python3
"""pkcs11.py LIBRARY PKI: private keys in a PKCS#11 token (SoftHSM), by way of OpenSSL's provider or engine "pkcs11"."""
import ctypes
import glob
import os
import subprocess
import sys

import harness
from harness import check, equal

MODULES = glob.glob('/usr/lib/softhsm/libsofthsm2.so') + glob.glob('/usr/lib/*/softhsm/libsofthsm2.so')
BRIDGES = glob.glob('/usr/lib/*/engines-3/pkcs11.so') + glob.glob('/usr/lib/*/ossl-modules/pkcs11.so')
PIN = '271828'
KEY = 'pkcs11:token=sspi;object=server;type=private'
UNKNOWN_CREDENTIALS = 0x8009030D


def attach(library, certificate, place, pin):
    """The status of SspiExtCertFromFiles, in a process of its own: a token that is open stays open."""
    text = ('import ctypes, sys\n'
            'library = ctypes.CDLL(sys.argv[1])\n'
            'out = ctypes.c_void_p()\n'
            'pin = sys.argv[4].encode() or None\n'
            'status = library.SspiExtCertFromFiles(sys.argv[2].encode(), sys.argv[3].encode(), pin, ctypes.byref(out))\n'
            'print(status & 0xFFFFFFFF)\n')
    done = subprocess.run([sys.executable, '-c', text, library, certificate, place, pin], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    check(PIN not in done.stderr, 'the PIN is not printed', done.stderr)
    return int(done.stdout)


def main():
    library, pki = sys.argv[1:]
    harness.need_program('softhsm2-util', 'softhsm2')
    if not MODULES:
        raise harness.SkipAll('libsofthsm2.so is not installed (package softhsm2)')
    if not BRIDGES:
        raise harness.SkipAll('OpenSSL has no pkcs11 (package libengine-pkcs11-openssl)')
    if not pki:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    tokens = os.path.join(harness.scratch(), 'tokens')
    os.mkdir(tokens)
    os.environ['SOFTHSM2_CONF'] = harness.write('softhsm2.conf', 'directories.tokendir = %s\n' % tokens)
    os.environ['PKCS11_MODULE_PATH'] = MODULES[0]
    for command in (['--init-token', '--free', '--label', 'sspi', '--pin', PIN, '--so-pin', PIN],
                    ['--import', os.path.join(pki, 'server-p256.key'), '--token', 'sspi', '--label', 'server', '--id', '01',
                     '--pin', PIN]):
        subprocess.run(['softhsm2-util', *command], check=True, capture_output=True, timeout=60)
    own, other = os.path.join(pki, 'server-p256.pem'), os.path.join(pki, 'client.pem')
    equal(attach(library, own, KEY, PIN), 0, 'a key in a token')
    equal(attach(library, own, KEY + '?pin-value=' + PIN, ''), 0, 'with the PIN in the URI')
    equal(attach(library, own, KEY, '141421'), UNKNOWN_CREDENTIALS, 'another PIN')
    equal(attach(library, own, KEY, ''), UNKNOWN_CREDENTIALS, 'no PIN: nobody is asked')
    equal(attach(library, own, KEY.replace('server', 'none'), PIN), UNKNOWN_CREDENTIALS, 'another object')
    equal(attach(library, other, KEY, PIN), UNKNOWN_CREDENTIALS, 'the key of another certificate')


if __name__ == '__main__':
    harness.run(main)
