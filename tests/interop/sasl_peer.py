"""An account database for sasl_peer, which does the talking: sasl_peer.py TOOL PEER."""
import os
import subprocess
import sys
import tempfile

tool, peer = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix='sspi-sasl-') as scratch:
    env = dict(os.environ, SSPI_CONFIG=os.path.join(scratch, 'sspi.conf'))
    env.pop('SSPI_ACCOUNTS', None)
    with open(env['SSPI_CONFIG'], 'w', encoding='utf-8') as file:
        file.write('[accounts]\npath = %s/accounts\n[digest]\nrealm = sasl.example.org\n'
                   'ciphers = rc4, 3des, des, rc4-56, rc4-40\n' % scratch)
    subprocess.run([tool, 'user', 'add', 'User', '--realm', 'sasl.example.org', '--password-fd', '0'], env=env,
                   input='Password\n', text=True, check=True)
    sys.exit(subprocess.run([peer], env=env, check=False).returncode)
