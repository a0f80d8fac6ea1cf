"""A UDP relay that loses, doubles and swaps datagrams, the same ones for the same seed.

    relay = lossy.Relay(server_port, seed=1, percent=15)
    ... clients talk to relay.port ...
    relay.calm()     # from now on nothing happens to them
    relay.close()

Whether the n-th datagram of a direction is lost, sent twice, or kept back until the next one has gone, is drawn from the seed.
counts says how often each happened.  One client at a time.
"""
import collections
import random
import select
import socket
import threading


class Relay:
    def __init__(self, port, seed, percent):
        self.counts = collections.Counter()
        self._percent = percent
        self._dice = (random.Random('to %d' % seed), random.Random('from %d' % seed))
        self._kept = [None, None]
        self._client = None
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._sockets[0].bind(('127.0.0.1', 0))
        self._sockets[1].connect(('127.0.0.1', port))
        self.port = self._sockets[0].getsockname()[1]
        self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def calm(self):
        self._percent = 0

    def close(self):
        self._wake[0].send(b'.')
        self._thread.join()
        for each in (*self._sockets, *self._wake):
            each.close()

    def _run(self):
        while True:
            ready = select.select([*self._sockets, self._wake[1]], [], [])[0]
            if self._wake[1] in ready:
                return
            for direction in (0, 1):
                if self._sockets[direction] in ready:
                    try:
                        data, sender = self._sockets[direction].recvfrom(65536)
                    except ConnectionError:
                        continue  # nobody is there (any more)
                    if direction == 0:
                        self._client = sender
                    self._pass(direction, data)

    def _pass(self, direction, data):
        roll = self._dice[direction].randrange(100)
        self.counts['all'] += 1
        if roll < self._percent:
            self.counts['lost'] += 1
            return
        kept, self._kept[direction] = self._kept[direction], None
        if kept is None and 2 * self._percent <= roll < 3 * self._percent:
            self.counts['swapped'] += 1
            self._kept[direction] = data
            return
        self._send(direction, data)
        if self._percent <= roll < 2 * self._percent:
            self.counts['doubled'] += 1
            self._send(direction, data)
        if kept is not None:
            self._send(direction, kept)

    def _send(self, direction, data):
        try:
            if direction == 0:
                self._sockets[1].send(data)
            else:
                self._sockets[0].sendto(data, self._client)
        except ConnectionError:
            pass
