"""Somebody between a client of PostgreSQL and its server, who alters what the server says.

    between = Between(port, alter)      # alter(number, unit) -> what the client gets instead; the first unit is number 0
    ... the client at between.port ...
    between.sent                        # what the client said

A unit is a message; with `asked`, the first is the one byte that answers a request for TLS or for encryption by GSSAPI, and the others are
what comes ('tls'), or packets with their length in front ('gss').
"""
import socket
import threading


def exactly(connection, size):
    data = b''
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


class Between:
    def __init__(self, port, alter, asked=None):
        self.server_port, self.alter, self.asked = port, alter, asked
        self.sent = b''
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        """When the client has left."""
        self.thread.join(30)
        self.listener.close()

    def _run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(('127.0.0.1', self.server_port))
        up = threading.Thread(target=self._up, args=(client, server), daemon=True)
        up.start()
        try:
            number = 0
            while True:
                client.sendall(self.alter(number, self._unit(server, number)))
                number += 1
        except (EOFError, OSError):
            pass
        for connection in client, server:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        up.join(30)
        client.close()
        server.close()

    def _up(self, client, server):
        try:
            while True:
                piece = client.recv(65536)
                if not piece:
                    break
                self.sent += piece
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _unit(self, server, number):
        if self.asked and number == 0:
            return exactly(server, 1)
        if self.asked == 'tls':
            piece = server.recv(65536)
            if not piece:
                raise EOFError
            return piece
        head = exactly(server, 4 if self.asked else 5)
        return head + exactly(server, int.from_bytes(head[-4:], 'big') - (0 if self.asked else 4))
