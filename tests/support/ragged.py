"""A TCP relay that passes bytes on in pieces of odd sizes, the same ones for the same seed.

    relay = ragged.Relay(server_port, seed=1, most=40)
    ... clients connect to relay.port ...
    relay.close()

Every piece has from one byte to `most`; one: byte by byte.  Each goes out by itself, as far as the kernel lets it.  `counts` says how
many pieces there were.
"""
import collections
import random
import socket
import threading


class Relay:
    def __init__(self, port, seed, most):
        self.counts = collections.Counter()
        self._to, self._seed, self._most = port, seed, most
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self._listener.close()

    def _run(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(('127.0.0.1', self._to))
            for name, source, target in (('to', client, server), ('from', server, client)):
                target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass, args=(name, source, target), daemon=True).start()

    def _pass(self, name, source, target):
        dice = random.Random('%s %d' % (name, self._seed))
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                while data:
                    size = dice.randint(1, self._most)
                    target.sendall(data[:size])
                    data = data[size:]
                    self.counts[name] += 1
        except OSError:
            pass  # one of them has gone
