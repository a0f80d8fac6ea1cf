"""A relay between an HTTP client and a server that sees, and can alter, the tokens of their authentication.

    relay = Relay(port, to_server=flip_mic())
    ... the client talks to relay.port ...
    relay.tokens    every token that passed, as it came: [(TO_SERVER, bytes), ...]
    relay.altered   how many of them went on as something else

It understands just as much of HTTP as it takes to tell heads from bodies, so that connections stay open.
"""
import base64
import re
import socket
import threading

TO_SERVER, TO_CLIENT = 'to server', 'to client'

CREDENTIALS = re.compile(rb'(?i)(authorization|proxy-authorization|www-authenticate|proxy-authenticate): *(negotiate)(?: +(\S+))? *$')


# ---------------------------------------------------------------- DER, as much as SPNEGO needs

def pieces(data):
    """The elements side by side in `data`: [(tag, contents), ...]."""
    out, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size >= 0x80:
            count = size - 0x80
            size, at = int.from_bytes(data[at:at + count], 'big'), at + count
        if at + size > len(data):
            raise ValueError('an element that is longer than what holds it')
        out.append((tag, data[at:at + size]))
        at += size
    return out


def element(tag, contents):
    size = len(contents)
    length = bytes([size]) if size < 0x80 else b'\x81' + bytes([size]) if size < 0x100 else b'\x82' + size.to_bytes(2, 'big')
    return bytes([tag]) + length + contents


def response_fields(token):
    """A NegTokenResp's fields (RFC 4178 4.2.2), {number: contents}; None when it is something else."""
    if token[:1] != b'\xa1':
        return None
    [(_, choice)] = pieces(token)
    [(_, sequence)] = pieces(choice)
    return {tag - 0xa0: contents for tag, contents in pieces(sequence)}


def response(fields):
    return element(0xa1, element(0x30, b''.join(element(0xa0 + number, contents) for number, contents in sorted(fields.items()))))


def mech_list_mic(token):
    """The mechListMIC of a NegTokenResp, or None."""
    fields = response_fields(token)
    return pieces(fields[3])[0][1] if fields and 3 in fields else None


def is_spnego(token):
    return token[:1] in (b'\x60', b'\xa1')


# ---------------------------------------------------------------- what can be done to a token

def flip_mic(byte=4, bit=1):
    """Turns one bit of a mechListMIC over; other tokens pass.  The default byte is the first of NTLM's checksum
    (MS-NLMP 2.2.2.9.1)."""
    def change(token):
        mic = mech_list_mic(token)
        if mic is None:
            return token
        mic = bytearray(mic)
        mic[byte] ^= bit
        return response({**response_fields(token), 3: element(4, bytes(mic))})
    return change


def strip_mic(token):
    """Takes a mechListMIC away."""
    fields = response_fields(token)
    return response({number: value for number, value in fields.items() if number != 3}) if fields and 3 in fields else token


def drop_mic_token(token):
    """Takes the whole token away that holds a mechListMIC."""
    return None if mech_list_mic(token) is not None else token


# 60 { SPNEGO, a0 30 { a0 { 30 { NTLM } } } }: a server that speaks first and has NTLM (MS-SPNG 2.2.1)
NTLM_HINT = element(0x60, bytes.fromhex('06062b0601050502') + element(0xa0, element(0x30, element(0xa0, element(
    0x30, bytes.fromhex('060a2b06010401823702020a'))))))


def hint_first(change=None):
    """An empty offer becomes NegTokenInit2: whoever has NTLM alone wraps it in SPNEGO when the server spoke first."""
    return lambda token: NTLM_HINT if token == b'' else change(token) if change else token


# ---------------------------------------------------------------- the relay

class Stream:
    """One direction of one connection."""

    def __init__(self, source, sink, head):
        self.source, self.sink, self.head, self.data = source, sink, head, b''

    def more(self):
        piece = self.source.recv(65536)
        self.data += piece
        return piece

    def until(self, end):
        """Takes up to and with `end`; None when the peer hung up before."""
        while end not in self.data:
            if not self.more():
                return None
        taken, self.data = self.data.split(end, 1)
        return taken + end

    def pass_on(self, size):
        while size > 0:
            if not self.data and not self.more():
                return
            self.sink.sendall(self.data[:size])
            size, self.data = size - min(size, len(self.data)), self.data[size:]

    def pass_chunks(self):
        while True:
            line = self.until(b'\r\n')
            if line is None:
                return
            self.sink.sendall(line)
            size = int(line.split(b';')[0], 16)
            self.pass_on(size + 2)
            if size == 0:
                return

    def run(self, bodiless):
        while True:
            head = self.until(b'\r\n\r\n')
            if head is None:
                self.sink.sendall(self.data)
                return
            self.sink.sendall(self.head(head))
            length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', head)
            if bodiless(head):
                continue
            if re.search(rb'(?i)\r\ntransfer-encoding: *chunked', head):
                self.pass_chunks()
            elif length:
                self.pass_on(int(length[1]))
            elif head.startswith(b'HTTP/'):
                self.pass_on(1 << 62)


class Relay:
    """Listens on `port` and passes everything on to a server on 127.0.0.1.

    to_server, to_client: what happens to a token on its way, `change(token) -> token`; b'' is a header without a token, and
    None takes the header away."""

    def __init__(self, server_port, to_server=None, to_client=None):
        self.server_port = server_port
        self.changes = {TO_SERVER: to_server, TO_CLIENT: to_client}
        self.tokens, self.altered, self.connections = [], 0, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.url = 'http://127.0.0.1:%d/' % self.port
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def spnego(self):
        """True when tokens passed, all of them SPNEGO's."""
        return bool(self.tokens) and all(is_spnego(token) for _, token in self.tokens)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(('127.0.0.1', self.server_port))
            except OSError:
                client.close()
                continue
            for source, sink, direction in ((client, server, TO_SERVER), (server, client, TO_CLIENT)):
                threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True).start()

    def _pump(self, source, sink, direction):
        def bodiless(head):
            return re.match(rb'HTTP/1\.\d (1\d\d|204|304) ', head) is not None
        try:
            Stream(source, sink, lambda head: self._head(head, direction)).run(bodiless)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _head(self, head, direction):
        lines = [self._line(line, direction) for line in head[:-4].split(b'\r\n')]
        return b'\r\n'.join(line for line in lines if line is not None) + b'\r\n\r\n'

    def _line(self, line, direction):
        found = CREDENTIALS.match(line)
        if not found:
            return line
        token = base64.b64decode(found[3]) if found[3] else b''
        change = self.changes[direction]
        changed = change(token) if change else token
        with self.lock:
            if token:
                self.tokens.append((direction, token))
            self.altered += changed != token
        if changed is None:
            return None
        return found[1] + b': ' + found[2] + (b' ' + base64.b64encode(changed) if changed else b'')
