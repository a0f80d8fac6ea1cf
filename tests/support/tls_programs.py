"""What the scripts with TLS peers share: tests/interop/tls_peer, which is this library's, and the openssl command.

Data that goes through is of bytes above 0x7f alone: the programs say what they have to say in ASCII, and keep away from it
what looks like a command, so that high() of their output is what came out of the connection.
"""
import os
import random
import re
import subprocess

import harness

LABEL = 'EXPORTER-OpenSSPI-Test'
TARGET = 'www.example.com'


def data(size, seed):
    """A file of so many bytes above 0x7f, the same for the same seed; returns (path, bytes)."""
    numbers = random.Random(seed)
    content = bytes(byte | 0x80 for byte in numbers.randbytes(size))
    return harness.write('data.%d.%d' % (size, seed), content), content


def high(output):
    return bytes(byte for byte in output if byte > 0x7f) if len(output) < 4096 else output.translate(None, bytes(range(128)))


class Ours(harness.Process):
    """tls_peer.  Pairs of options as a list, actions as another; `port` None: listens, and self.port is where."""

    def __init__(self, program, port, options, actions, **env):
        side = 'server' if port is None else 'client'
        environment = {name: value for name, value in os.environ.items() if not name.startswith('SSPI_CONFIG')}
        super().__init__([program, side, '127.0.0.1', str(port or 0), *options, '--', *actions],
                         env={'SSPI_CONFIG': '/dev/null', **environment, **env})
        self.port = port
        if port is None:
            self.port = int(self.wait_line(r'^listening (\d+)$').group(1))

    def finish(self):
        """Waits for its end, which is to be a clean one, also to a sanitizer."""
        status = self.wait_exit()
        if status != 0:
            raise RuntimeError('tls_peer ended with %d:\n%s' % (status, self.output()[-8000:]))
        return self

    def connection(self, number=0):
        """{first word of a line: [what follows it, ...]} of one connection."""
        lines = {}
        inside = False
        for line in self.output().splitlines():
            word, _, rest = line.partition(' ')
            if word == 'connection':
                inside = rest == str(number)
            elif inside:
                lines.setdefault(word, []).append(rest)
        return lines

    def fact(self, word, number=0, which=0):
        found = self.connection(number).get(word, [])
        return found[which] if which < len(found) else None


class OpenSSL:
    """The openssl command, and what its names mean."""

    def __init__(self):
        self.program = os.environ.get('OPENSSL') or harness.need_program('openssl', 'openssl')
        listed = subprocess.run([self.program, 'ciphers', '-V', 'ALL:@SECLEVEL=0'], capture_output=True, check=True).stdout.decode()
        self.numbers = {match[3]: match[1].lower() + match[2].lower()
                        for match in re.finditer(r'0x(..),0x(..) - (\S+)', listed)}
        self.version = subprocess.run([self.program, 'version'], capture_output=True, check=True).stdout.decode().strip()

    def server(self, *arguments):
        """s_server on a port of the kernel's choice, in .port."""
        process = harness.Process([self.program, 's_server', '-accept', '127.0.0.1:0', *arguments], typed=True)
        process.port = int(process.wait_line(r'^ACCEPT .*:(\d+)$').group(1))
        return process

    def client(self, port, *arguments):
        return harness.Process([self.program, 's_client', '-connect', '127.0.0.1:%d' % port, *arguments], typed=True)


def wait_high(process, size):
    """Until so many bytes came out of the connection, or the program has left; returns them."""
    def look():
        left = not process.running()
        found = high(process.raw())
        return (found,) if len(found) >= size or left else None
    return harness.until(look, '%d bytes at %s' % (size, process.name))[0]


def read(path):
    with open(path, 'rb') as file:
        return file.read()


