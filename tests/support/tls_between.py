"""Somebody between a client of HTTPS and its server, who shows a certificate that nobody knows (`unknown` of pki.py).

    between = Between(pki, port)
    ... a client at between.url ...
    between.answers    the codes that the server gave
"""
import re
import socket
import ssl
import threading


class Between:
    """TLS with the client by another certificate, TLS with the server; whole requests and answers in turn."""

    def __init__(self, pki, port):
        self.port = port
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(pki + '/unknown.chain.pem', pki + '/unknown.key')
        self.onward = ssl.create_default_context(cafile=pki + '/root.pem')
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = 'https://127.0.0.1:%d/' % self.listener.getsockname()[1]
        self.answers = []
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.listener.close()

    def _run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.tls.wrap_socket(plain, server_side=True) as client, \
                        self.onward.wrap_socket(socket.create_connection(('127.0.0.1', self.port)), server_hostname='localhost') as server:
                    while self._turn(client, server):
                        pass
            except OSError:
                pass

    def _turn(self, client, server):
        request = self._message(client)
        if not request:
            return False
        server.sendall(request)
        answer = self._message(server)
        self.answers.append(answer.split()[1].decode() if answer else None)
        client.sendall(answer)
        return bool(answer)

    @staticmethod
    def _message(connection):
        data = b''
        while b'\r\n\r\n' not in data:
            piece = connection.recv(65536)
            if not piece:
                return b''
            data += piece
        length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', data.split(b'\r\n\r\n')[0])
        while length and len(data.split(b'\r\n\r\n', 1)[1]) < int(length[1]):
            data += connection.recv(65536)
        return data
