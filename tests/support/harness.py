"""What the tests that start real programs share: TAP, a scratch directory, ports, processes, accounts.

A test is a script with a main() that ends in `harness.run(main)`:

    def main():
        server = harness.Process(['prog', str(port)])
        server.wait_port(port)
        harness.check(condition, 'what is true now', 'said when it is not')

run() prints the plan last, turns an exception into one failed test, and kills whatever is still running, also
when the runner interrupts the script.  Nothing here sleeps in the hope that something has happened by then: every
wait names its condition and its limit.
"""
import atexit
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

# Scripts start programs from a scratch directory, whatever form of path the runner gave.
sys.argv[1:] = [os.path.abspath(argument) if os.path.exists(argument) else argument for argument in sys.argv[1:]]

LIMIT = 30.0  # seconds that any single condition may take on a loaded machine

_tests = 0
_failed = 0
_processes = []
_scratch = None


# ---------------------------------------------------------------- TAP

class SkipAll(Exception):
    """Nothing of this script can run here; the text says what is missing."""


def note(text):
    for line in str(text).splitlines() or ['']:
        print('# ' + line, flush=True)


def check(condition, name, detail=''):
    """One test.  `detail` (text, or a function that makes it) is printed only when it fails."""
    global _tests, _failed
    _tests += 1
    if not condition:
        _failed += 1
        note('failed: ' + name)
        note(detail() if callable(detail) else detail)
    print('%s %d - %s' % ('ok' if condition else 'not ok', _tests, name.replace('#', '')), flush=True)
    return bool(condition)


def equal(got, wanted, name):
    return check(got == wanted, name, 'got %r, wanted %r' % (got, wanted))


def matches(pattern, text, name):
    return check(re.search(pattern, text, re.S) is not None, name, 'no %r in:\n%s' % (pattern, text[:4000]))


def skip(name, missing):
    global _tests
    _tests += 1
    note(missing)
    print('ok %d - %s # SKIP %s' % (_tests, name.replace('#', ''), missing), flush=True)


def need_program(name, package):
    """The path of a program, or the end of this script with a line that names the package."""
    path = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if path is None:
        raise SkipAll('%s is not installed (package %s)' % (name, package))
    return path


def need_file(path, package):
    if not os.path.exists(path):
        raise SkipAll('%s is not installed (package %s)' % (path, package))
    return path


def run(main):
    """Runs main() and ends the process."""
    global _failed, _tests
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    try:
        main()
    except SkipAll as why:
        if _tests == 0:
            note(why)
            print('1..0 # SKIP %s' % why, flush=True)
            sys.exit(0)
        skip('the rest of this script', str(why))
    except Exception:
        check(False, 'the script reaches its end', traceback.format_exc() + _output_of_processes())
    print('1..%d' % _tests, flush=True)
    sys.exit(1 if _failed else 0)


def _output_of_processes():
    return ''.join('--- output of %s\n%s\n' % (p.name, p.output()[-4000:]) for p in _processes)


# ---------------------------------------------------------------- scratch space and ports

def scratch():
    """A directory of this script's own, removed at its end (SSPI_TEST_KEEP keeps it)."""
    global _scratch
    if _scratch is None:
        _scratch = tempfile.mkdtemp(prefix='sspi-test-')
        if os.environ.get('SSPI_TEST_KEEP'):
            note('scratch directory: ' + _scratch)
    return _scratch


def write(name, text, mode=0o600):
    """A file in the scratch directory; returns its path."""
    path = os.path.join(scratch(), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)
    return path


def free_port():
    """A port that the kernel says is free now.  Somebody else may take it first: start servers through with_port()."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def with_port(start, attempts=5):
    """start(port) returns a Process that shall listen on it; tried again with another port when it leaves early.
    Returns (process, port)."""
    for attempt in range(attempts):
        port = free_port()
        process = start(port)
        if process.wait_port(port, must=attempt == attempts - 1):
            return process, port
        note('port %d was not to be had (%s left), trying another' % (port, process.name))
        process.stop()
    raise RuntimeError('no port')


def until(condition, what, limit=LIMIT):
    """Waits until condition() is true and returns what it returned."""
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError('%s: not within %g seconds' % (what, limit))
        select.select([], [], [], 0.02)


# ---------------------------------------------------------------- processes

class Process:
    """A program in the background, in a process group of its own, with its output in a file.

    user: an account to run it as when the test runs as root (None: the same user)."""

    def __init__(self, command, env=None, cwd=None, user=None, pass_fds=()):
        self.name = os.path.basename(command[0])
        self.log = os.path.join(scratch(), '%s.%d.log' % (self.name, len(_processes)))
        more = {}
        if user and os.geteuid() == 0:
            more = {'user': user, 'group': pwd.getpwnam(user).pw_gid, 'extra_groups': []}
        with open(self.log, 'wb') as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                          cwd=cwd or scratch(), start_new_session=True, pass_fds=pass_fds, **more)
        self.pid = self.child.pid
        _processes.append(self)

    def output(self):
        try:
            with open(self.log, 'rb') as log:
                return log.read().decode(errors='replace')
        except OSError:
            return ''

    def running(self):
        return self.child.poll() is None

    def wait_port(self, port, must=True, limit=LIMIT):
        """True when the port accepts; when the program leaves before: False, or an error if it must not."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if not self.running():
                break
            try:
                socket.create_connection(('127.0.0.1', port), timeout=1).close()
                return True
            except OSError:
                select.select([], [], [], 0.02)
        if must:
            raise RuntimeError('%s does not listen on port %d:\n%s' % (self.name, port, self.output()[-4000:]))
        return False

    def wait_line(self, pattern, limit=LIMIT):
        """The match of a line that the program prints."""
        expression = re.compile(pattern, re.M)

        def look():
            found = expression.search(self.output())
            if not found and not self.running():
                found = expression.search(self.output())
                if not found:
                    raise RuntimeError('%s left without printing %r:\n%s' % (self.name, pattern, self.output()[-4000:]))
            return found
        return until(look, '%s prints %r' % (self.name, pattern), limit)

    def wait_exit(self, limit=LIMIT):
        return self.child.wait(timeout=limit)

    def stop(self):
        """Ends the program and what it started; returns its exit status."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                pass
            try:
                self.child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue
            if not self._group_alive():
                break
        return self.child.returncode

    def _group_alive(self):
        try:
            os.killpg(self.pid, 0)
            return True
        except (ProcessLookupError, PermissionError):
            return False


@atexit.register
def _clean_up():
    for process in reversed(_processes):
        if process.running() or process._group_alive():
            process.stop()
    if _scratch and not os.environ.get('SSPI_TEST_KEEP'):
        shutil.rmtree(_scratch, ignore_errors=True)


class Result:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def __str__(self):
        return 'exit %s\n%s\n%s' % (self.status, self.out, self.err)


def call(command, env=None, given=None, limit=LIMIT, cwd=None):
    """Runs a program to its end.  A program that takes longer than its limit is killed and has status 'timeout'."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd or scratch(),
                             start_new_session=True)
    try:
        out, err = child.communicate(given.encode() if isinstance(given, str) else given, timeout=limit)
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        status = 'timeout'
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return Result(status, out.decode(errors='replace'), err.decode(errors='replace'))


# ---------------------------------------------------------------- this library's environment

def environment(accounts=None, **more):
    """The environment for a program that uses this library: a policy file and an account source of the test's own, and
    nothing of the machine's.

    accounts: lines DOMAIN:USER:PASSWORD for the file backend; None: an account database in the scratch directory."""
    if accounts is None:
        source = 'backend = lmdb\npath = %s\n' % os.path.join(scratch(), 'accounts')
    else:
        source = 'backend = file\npath = %s\n' % write('accounts.txt', ''.join(line + '\n' for line in accounts))
    policy = write('sspi.conf', '[kerberos]\nenabled = no\n[names]\nnetbios-computer = SERVER\nnetbios-domain = DOMAIN\n'
                                'dns-computer = server.domain.test\ndns-domain = domain.test\n'
                                '[accounts]\n' + source)
    env = {name: value for name, value in os.environ.items()
           if not re.match(r'SSPI_|NTLM_|NETBIOS_|GSS|KRB5|LM_COMPAT|http_proxy|https_proxy|all_proxy|no_proxy',
                           name, re.I)}
    env.update({'SSPI_CONFIG': policy, 'HOME': scratch(), 'LC_ALL': 'C.UTF-8', **more})
    return env
