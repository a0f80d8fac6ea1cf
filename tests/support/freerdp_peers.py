"""FreeRDP's client and shadow server, on a display of their own.

    freerdp_peers.start_display()                       # SkipAll when there is no Xvfb
    two = freerdp_peers.Release(2, SHIM)                # SkipAll when it is not installed
    server = two.serve(env, sam=path)                   # its own SSPI; module=PATH: the registry file names a module
    run = two.connect(server, env, 'User', 'Domain', 'Password', module=LIBSSPI)
    run.session, run.output, run.trace, run.server_trace

Nothing of it is outside the scratch directory but the socket of the display.  The session is one indeed: the server has taken
the credentials, the desktop is there.  server.port and server.certificate are for other clients.
"""
import os
import re

import harness

PROGRAMS = {2: (('xfreerdp', 'freerdp2-x11'), ('freerdp-shadow-cli', 'freerdp2-shadow-x11')),
            3: (('xfreerdp3', 'freerdp3-x11, in bookworm-backports'),
                ('freerdp-shadow-cli3', 'freerdp3-shadow-x11, in bookworm-backports'))}
ESTABLISHED = r'Local framebuffer format'  # what the client says when the desktop is there

_display = None


def start_display():
    """An X server, which the shadow server shows and in which the client opens its window."""
    global _display
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    # -noreset: it would start anew, and forget its extensions, whenever the last client leaves
    command = [harness.need_program('Xvfb', 'xvfb'), '-displayfd', str(writer), '-noreset', '-nolisten', 'tcp', '-screen', '0',
               '320x240x24']
    process = harness.Process(command, pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader) as number:
        line = number.readline()  # it ends when the server does
    if not line.strip():
        raise RuntimeError('Xvfb did not start:\n' + process.output())
    _display = ':' + line.strip()


def read(path, start=0):
    """A trace so far; nothing when there is none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            file.seek(start)
            return file.read()
    except OSError:
        return ''


def certificate():
    """What the shadow server shows; its key is beside it.  It makes both when it starts for the first time."""
    return os.path.join(harness.scratch(), 'freerdp', 'freerdp', 'shadow', 'shadow.crt')


class Server:
    """One for Release.connect(): FreeRDP's, or any other that listens on this port of loopback."""

    def __init__(self, process, port, trace=''):
        self.process = process
        self.port = port
        self.trace = trace
        self.certificate = certificate()


class Run:
    """One connection of the client: whether there was a session, and what everybody said of it."""

    def __init__(self, session, status, output, trace, server_trace):
        self.session = session
        self.status = status
        self.output = output
        self.trace = trace
        self.server_trace = server_trace

    def __str__(self):
        return 'session: %s, exit status: %s\n--- client\n%s\n--- its library\n%s\n--- the server\'s\n%s' % (
            self.session, self.status, self.output[-1500:], self.trace[-1500:], self.server_trace[-1500:])


class Release:
    """FreeRDP 2 or 3, with the shim that sets what its programs have no options for."""

    def __init__(self, number, shim):
        self.number = number
        self.shim = shim
        self.client, self.shadow = [harness.need_program(*program) for program in PROGRAMS[number]]
        self.runs = 0

    def environment(self, env, trace, **more):
        clean = {name: value for name, value in env.items() if not re.match(r'FREERDP_|WLOG_|XDG_|WAYLAND_|XAUTHORITY', name)}
        clean.update({'DISPLAY': _display, 'LD_PRELOAD': self.shim, 'SSPI_TRACE': trace,
                      'XDG_CONFIG_HOME': os.path.join(harness.scratch(), 'freerdp')})
        clean.update(more)
        return clean

    def serve(self, env, sam=None, module=None, **more):
        """A shadow server that lets nobody in without NLA."""
        self.runs += 1
        trace = os.path.join(harness.scratch(), 'server-%d-%d.trace' % (self.number, self.runs))
        key = '[HKEY_LOCAL_MACHINE\\Software\\FreeRDP\\FreeRDP\\Server]\n"SspiModule"=str:"%s"\n' % module
        more['FREERDP_REGISTRY'] = harness.write('hklm-%d-%d.reg' % (self.number, self.runs),
                                                 'Windows Registry Editor Version 5.00\n\n' + (key if module else ''))

        def start(port):
            return harness.Process([self.shadow, '/port:%d' % port, '/bind-address:127.0.0.1', '+auth', '/sec:nla'] +
                                   (['/sam-file:' + sam] if sam else []), env=self.environment(env, trace, **more))
        process, port = harness.with_port(start)
        return Server(process, port, trace)

    def connect(self, server, env, user, domain, password, module=None, host='127.0.0.1', options=(), **more):
        """The client at a server, until there is a desktop or until it gives up; then it is stopped."""
        self.runs += 1
        trace = os.path.join(harness.scratch(), 'client-%d-%d.trace' % (self.number, self.runs))
        before = len(read(server.trace).encode())
        command = [self.client, '/v:%s:%d' % (host, server.port), '/u:' + user, '/d:' + domain, '/cert:ignore', '/sec:nla',
                   '/size:200x200', *options]
        if password is not None:
            command.append('/p:' + password)
        if module and self.number == 2:
            more['FREERDP_MODULE'] = module
        elif module:
            command.append('/sspi-module:' + module)
        process = harness.Process(command, env=self.environment(env, trace, **more))
        harness.until(lambda: not process.running() or re.search(ESTABLISHED, process.output()), 'FreeRDP connects')
        session = re.search(ESTABLISHED, process.output()) is not None
        status = process.stop()
        return Run(session, status, process.output(), read(trace), read(server.trace, before))
